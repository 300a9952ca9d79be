/* render: a record as JSON, as NetBox shows it. No store: what is not in the record is not shown.
 *
 * A page of a thousand devices names the same few sites and types a thousand times: the brief objects of
 * references are made once in a request, and kept by model and id (struct render_memory).
 */
#ifndef API_RENDER_H
#define API_RENDER_H

#include "api/jsonw.h"
#include "inventory/record.h"

struct render_slot {
    const struct model *m; /* NULL: free */
    int64_t id;
    size_t at, n; /* in texts */
};
struct render_memory {
    const char *base_url;
    struct render_slot *slots; /* a power of two of them */
    size_t slots_n, used;
    struct str texts;
};
void render_free(struct render_memory *m);

/* The fields of r that have a value. */
void render_record(struct jsonw *w, struct render_memory *m, const struct record *r);

/* BASE + path, and "5/" behind it where id is not 0. */
void render_url(struct jsonw *w, const char *base_url, const char *path, int64_t id);

char *iso_time(int64_t ms, char buf[TIME_STR]); /* "2026-11-21T10:00:00.123000Z" */

#endif

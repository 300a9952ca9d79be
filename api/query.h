/* query: what follows the '?' of a URL: the parameters in their order, and what NetBox reads out of them for
 * every list: which page, in what order, which keys of each object. Pure.
 *
 * Rules of NetBox's pages (interfaces: netbox/api/pagination.py): limit is 50 when it is absent or no number,
 * at most 1000, and limit=0 means that most; a bad offset is 0. `start` (4.6) pages by id instead: the
 * objects whose id is not lower, without a count; it goes with neither offset nor ordering.
 */
#ifndef API_QUERY_H
#define API_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX     1000
#define OFFSET_MAX   (INT64_C(1) << 48) /* behind all that there is; the next page's can still be counted */

struct query_pair {
    const char *name, *value; /* decoded; lent by the query */
};

struct query {
    size_t n;
    struct query_pair *pairs;
    char *bytes; /* what the pairs point into */
};

struct page {
    int64_t limit, offset;
    bool by_id; /* `start` was given: */
    int64_t start;
};

/* ERR_INPUT: a NUL, or what is not UTF-8; nothing to free then. '+' is a blank; an escape that is none stands
 * for itself, as in NetBox. */
int query_parse(struct span text, struct query *ret, struct err *e);
void query_free(struct query *q);

/* The last of that name, as NetBox takes it; NULL when absent. */
const char *query_get(const struct query *q, const char *name);

/* ERR_INPUT: `start` beside offset or ordering, or no number. */
int query_page(const struct query *q, struct page *ret, struct err *e);

/* Appends path?PARAMETERS, sorted by name as NetBox does, with `limit`, `offset` and `start` of p instead of
 * those that were sent; offset 0 is left out. */
void query_url(struct str *out, const char *path, const struct query *q, const struct page *p);
/* A value as it stands in a URL. */
void url_encode(struct str *out, const char *value);

/* Is `word` in the list with commas? */
bool list_has(const char *list, const char *word);

#endif

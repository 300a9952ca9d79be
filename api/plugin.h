/* plugin: what is below /api/plugins/rackstrap/ and NetBox has not: how lists and single things of ours are
 * answered, in the form of NetBox's plugins. What can be listed is a struct kind; its pages come from
 * inventory/listing.h, so that a tenant sees its own.
 */
#ifndef API_PLUGIN_H
#define API_PLUGIN_H

#include "api/call.h"
#include "inventory/listing.h"

#define PLUGIN "/api/plugins/rackstrap/"

/* A name in the query: its values are put into that filter of the listing. */
enum kind_filter_type {
    KIND_FILTER_END, /* closes the table */
    KIND_FILTER_TEXT,
    KIND_FILTER_NUMBER,
    KIND_FILTER_MAC,   /* in any notation */
    KIND_FILTER_STATE, /* one of the kind's states, else 400 */
    KIND_FILTER_SINCE, /* times: at, or after */
    KIND_FILTER_UNTIL,
    KIND_FILTER_AFTER, /* numbers: id__gt and its like */
    KIND_FILTER_AFTER_OR,
    KIND_FILTER_BEFORE,
    KIND_FILTER_BEFORE_OR,
};
struct kind_filter {
    const char *name;
    enum kind_filter_type type;
    enum listing_filter by;
};

struct kind {
    const char *noun; /* "No Job matches the given query." */
    const char *path; /* "/api/plugins/rackstrap/jobs/" */
    enum listing_kind listing;
    const struct kind_filter *filters;
    const char *name_order;             /* what `ordering` calls the order of the names */
    bool by_name, newest_first;         /* the order where none is asked for */
    bool (*is_state)(const char *word); /* of KIND_FILTER_STATE */
    json_t *(*show)(struct call *c, int64_t id, struct err *e); /* NULL: e */
};

void kind_list(struct call *c, const struct kind *k);
void kind_detail(struct call *c, const struct kind *k);
/* Is there such a one, and may the asker see it? 1, 0 or -1. */
int kind_known(struct call *c, const struct kind *k, int64_t id, struct err *e);

/* The values of these names as a JSON array, of texts or of numbers; NULL when there is none. False: one is
 * no number, and that is answered. Free *ret. */
bool query_list(struct call *c, const char *name, enum kind_filter_type type, char **ret);

/* Only the keys that `fields` names, without those that `omit` names; steals nothing. */
void project(const struct call *c, json_t *object);

/* Parts of our objects. */
json_t *json_url(const struct call *c, const char *path, int64_t id);
json_t *json_time(int64_t ms);                         /* null for 0 */
json_t *json_text(const char *s);                      /* null for ""; what is not UTF-8 becomes '?' */
json_t *json_state(const char *value);                 /* {"value": "armed", "label": "Armed"} */
json_t *json_device(struct call *c, int64_t id);       /* the brief device; null when the asker sees none */
json_t *json_release(struct call *c, int64_t id);      /* the brief release; null for 0 */
json_t *json_job(struct call *c, const struct job *j); /* the brief job */

/* An answer of one object; status 200 or 201. Frees it. */
void answer_json(struct call *c, int status, json_t *v);

/* The handlers of the paths. */
void plugin_images(struct call *c);
void plugin_image(struct call *c);
void plugin_releases(struct call *c);
void plugin_release(struct call *c);
void plugin_jobs(struct call *c);
void plugin_job(struct call *c);
void plugin_assignments(struct call *c);
void plugin_assignment(struct call *c);
void plugin_leases(struct call *c);
void plugin_lease(struct call *c);
void plugin_events(struct call *c);
void plugin_event(struct call *c);
void plugin_ip(struct call *c);

#endif

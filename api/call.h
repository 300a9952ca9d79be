/* call: the inside of api_call: what a handler of a path is given, how it answers, and how it becomes
 * reachable.
 *
 * A path is a row of a table (struct route). The protocol has done its part before the handler runs: the path
 * is known, the method is one of the row's, the token is good and may read or write, the query is parsed; for
 * a method with a body, that body is JSON. A handler answers by exactly one of the answer_ functions, or by
 * answer_open and the writer that it gives.
 *
 * Every record function of the inventory takes &c->who, which has the tenant that the token is of: a handler
 * that reads the store in another way looks at c->who.tenant_id itself (0: all tenants' devices).
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <jansson.h>

#include "api/api.h"
#include "api/jsonw.h"
#include "api/query.h"
#include "api/render.h"
#include "inventory/api_token.h"
#include "inventory/lease.h"
#include "inventory/record.h"

/* The NetBox whose language we speak: clients choose by it what they send. */
#define SPOKEN_VERSION "4.7.3"
#define SPOKEN_API     "4.7"
/* Of /api/plugins/rackstrap/, which is ours alone. */
#define PLUGIN_VERSION "1.0.0"

struct call;

enum access {
    BY_RIGHT, /* a token that may read, or write, as the method needs */
    BY_TOKEN, /* any token */
    BY_ALL,   /* no token needed; a bad one is refused all the same */
};

struct route {
    const char *pattern;  /* "/api/ipam/prefixes/{id}/available-ips/": where {id} is, a number stands */
    unsigned methods;     /* of enum api_method; HEAD comes with GET, and OPTIONS always */
    unsigned write_right; /* any one of these is enough to write; 0: RIGHT_WRITE */
    enum access access;
    void (*answer)(struct call *c);
    const struct model *model; /* for the handlers of records; else NULL */
};
/* Tables, each ended by a row without pattern. */
extern const struct route root_routes[], ipam_routes[], plugin_routes[];
#define ROUTE_PATTERN 64
/* Those of the records are made of the models: their list and their detail. */
struct route record_list_route(const struct model *m, char pattern[ROUTE_PATTERN]);
struct route record_detail_route(const struct model *m, char pattern[ROUTE_PATTERN]);
typedef void route_fn(const struct route *r, void *ctx);
void routes_each(const struct api *a, route_fn *fn, void *ctx);

struct call {
    struct api *api;
    struct store *store;
    const struct api_config *cfg;
    const struct api_request *rq;
    struct api_response *rs;
    const struct route *route;
    int64_t id; /* of {id} in the path */
    struct query query;
    struct api_token token;
    char actor[NAME_SIZE]; /* "api:NAME", for the journal */
    struct who who;
    json_t *body; /* an object or an array; NULL where there was none */
    struct render_memory memory;
};

/* ---- answers ---- */

/* Status, type and a writer at the beginning of the body. */
struct jsonw answer_open(struct call *c, int status);
void answer_detail(struct call *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* 400 {"FIELD": ["..."]} */
void answer_field(struct call *c, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void answer_bad_page(struct call *c, const struct err *e); /* of query_page: 400 ["..."] */
/* By e's kind: 400, 403 (ERR_REFUSED), 404, 409, 503, 500. */
void answer_err(struct call *c, const struct err *e);
/* 400 {"FIELD": ["...", "..."]}, when e is ERR_INPUT and there are faults; else answer_err. */
void answer_faults(struct call *c, const struct faults *f, const struct err *e);
void add_faults(struct jsonw *w, const struct faults *f); /* the object alone */
void answer_missing(struct call *c, const char *noun);    /* 404 No Device matches the given query. */
void answer_denied(struct call *c);                       /* 403: a right is lacking */
void answer_empty(struct call *c, int status);            /* 204 */
void answer_html(struct call *c, int status, const char *title);

/* ---- pages ---- */

/* {"count":N,"next":...,"previous":...,"results":[ is opened by the first, and closed by the second. With
 * p->by_id the count is null, and next_id says where the next page begins (0: there is none). */
struct jsonw page_open(struct call *c, const struct page *p, int64_t count, int64_t next_id);
void page_close(struct jsonw *w);

/* What DHCP gave; NULL: e. */
struct leases *api_leases(struct api *a, struct err *e);

bool has_right(const struct call *c, enum api_right r);

#endif

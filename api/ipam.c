/* ipam: /api/ipam/prefixes/ID/available-ips/: the addresses of a prefix that nobody has, listed (free.h) and
 * taken. Looked for and taken in one transaction, so that two who ask at once get two. */
#include "api/write.h"

#include <stdlib.h>
#include <string.h>

#include "api/free.h"

#define FULL "Insufficient resources are available to satisfy the request"

static uint64_t field_bit(const struct model *m, const char *name)
{
    return UINT64_C(1) << model_field(m, name);
}

/* ---- the prefix ---- */

static int read_prefix(const struct record *r, void *ctx)
{
    struct free_list *f = ctx;
    const struct value *prefix = &r->v[model_field(r->m, "prefix")],
                       *pool = &r->v[model_field(r->m, "is_pool")],
                       *custom = &r->v[model_field(r->m, "custom_fields")];
    if (ip_range_parse(prefix->text, pool->type == VALUE_BOOL && pool->i, &f->range, NULL))
        return 1;
    json_t *fields = custom->type == VALUE_JSON ? json_loadb(custom->text, custom->n, 0, NULL) : NULL;
    const char *gateway = json_string_value(json_object_get(fields, "gateway"));
    f->has_gateway = gateway && address_number(gateway, f->range.family, &f->gateway);
    f->next = f->range.first;
    json_decref(fields);
    return 0;
}

static int find_prefix(struct call *c, struct free_list *f, char ret_text[IP_TEXT], struct err *e)
{
    const struct model *m = model_get(MODEL_PREFIX);
    uint64_t fields = field_bit(m, "prefix") | field_bit(m, "is_pool") | field_bit(m, "custom_fields");
    int rc = record_get(c->store, &c->who, m, c->id, fields, read_prefix, f, e);
    if (rc > 0)
        return err_set(e, ERR_CORRUPT, "the prefix %lld is none", (long long)c->id);
    if (!rc)
        address_text(&f->range, f->range.first, ret_text);
    return rc;
}

/* ---- its addresses ---- */

static int add_taken(const struct record *r, void *ctx)
{
    struct free_list *f = ctx;
    ip_number a;
    const struct value *v = &r->v[model_field(r->m, "address")];
    return v->type == VALUE_TEXT && address_number(v->text, f->range.family, &a) && free_taken(f, a);
}

/* What is in use without a record. */
struct in_use {
    struct call *c;
    const struct ip_range *range;
    struct leases *leases;
    struct err e; /* why it was not known, when kind is set: then nothing is offered */
};

static ip_number skip_used(void *ctx, ip_number from)
{
    struct in_use *u = ctx;
    struct ip4 ret;
    const struct ip4_if at = {{(uint32_t)from}, (uint8_t)u->range->length};
    const struct unused_query q = {
        .within = prefix_of(at), .from = {(uint32_t)from}, .at_ms = u->c->rq->at_ms};
    if (u->e.kind || u->c->cfg->unused(u->c->cfg->about_ctx, u->c->store, u->leases, &q, &ret, &u->e))
        return u->range->last + 1;
    return ret.a;
}

static int open_in_use(struct call *c, struct free_list *f, struct in_use *u, struct err *e)
{
    if (!c->cfg->unused || f->range.family != AF_INET)
        return 0;
    *u = (struct in_use){.c = c, .range = &f->range, .leases = api_leases(c->api, e)};
    f->unused = skip_used;
    f->unused_ctx = u;
    return u->leases ? 0 : -1;
}

/* An address that the asker does not see is taken all the same. */
static int collect(struct call *c, struct free_list *f, struct in_use *u, struct err *e)
{
    char prefix[IP_TEXT];
    const struct model *m = model_get(MODEL_IP);
    if (find_prefix(c, f, prefix, e) || open_in_use(c, f, u, e))
        return -1;
    struct record_term within = {.name = "parent", .value = prefix};
    struct record_query q = {
        .terms = &within, .n = 1, .ordering = "address", .fields = field_bit(m, "address")};
    struct who all = {.tenant_id = 0, .at_ms = c->rq->at_ms};
    struct faults faults = {0};
    int rc = record_each(c->store, &all, m, &q, add_taken, f, &faults, e);
    faults_free(&faults);
    if (rc < 0)
        return -1;
    free_rest(f);
    return 0;
}

static int find_free(struct call *c, struct free_list *f, struct err *e)
{
    struct in_use u = {0};
    int rc = collect(c, f, &u, e);
    f->unused = NULL;
    f->unused_ctx = NULL;
    if (rc || !u.e.kind)
        return rc;
    *e = u.e;
    return -1;
}

static void answer_failed(struct call *c, const struct err *e)
{
    if (e->kind == ERR_NOT_FOUND)
        answer_missing(c, model_get(MODEL_PREFIX)->word);
    else
        answer_err(c, e);
}

static void answer_free(struct call *c)
{
    char text[IP_TEXT];
    struct page p;
    struct err e = {0};
    struct free_list f = {0};
    if (query_page(&c->query, &p, &e)) {
        answer_bad_page(c, &e);
        return;
    }
    f.wanted = (size_t)p.limit;
    f.found = xcalloc(f.wanted, sizeof *f.found);
    if (find_free(c, &f, &e)) {
        answer_failed(c, &e);
    } else {
        struct jsonw w = answer_open(c, 200);
        jsonw_open(&w, '[');
        for (size_t i = 0; i < f.n; i++) {
            jsonw_open(&w, '{');
            jsonw_key(&w, "family"), jsonw_int(&w, f.range.family == AF_INET ? 4 : 6);
            jsonw_key(&w, "address"), jsonw_str(&w, address_text(&f.range, f.found[i], text));
            jsonw_key(&w, "vrf"), jsonw_null(&w);
            jsonw_close(&w, '}');
        }
        jsonw_close(&w, ']');
    }
    free(f.found);
}

/* ---- taking some ---- */

/* What the client says of the address, and which one it is. Not 0: answered. */
static int take_one(struct call *c, const json_t *wish, const char *address, int64_t *ret_id)
{
    struct err e = {0};
    struct faults faults = {0};
    struct written x = {0};
    json_t *body = json_is_object(wish) ? json_copy((json_t *)wish) : json_object();
    json_object_set_new(body, "address", json_string(address));
    int rc = record_create(c->store, &c->who, model_get(MODEL_IP), body, &x, &faults, &e);
    if (rc)
        answer_faults(c, &faults, &e);
    *ret_id = x.id;
    json_decref(body);
    faults_free(&faults);
    return rc;
}

static bool are_wishes(struct call *c)
{
    size_t i;
    const json_t *item;
    if (json_is_array(c->body))
        json_array_foreach(c->body, i, item)
        {
            if (!json_is_object(item)) {
                answer_field(c, "__all__", "Invalid data. Expected a dictionary at place %zu of the list.",
                             i + 1);
                return false;
            }
        }
    return true;
}

static void answer_taken(struct call *c, const int64_t *ids, size_t n)
{
    struct err e = {0};
    int64_t updated_ms;
    bool many = json_is_array(c->body);
    struct jsonw w = answer_open(c, 201);
    if (many)
        jsonw_open(&w, '[');
    for (size_t i = 0; i < n; i++) {
        if (add_object(c, &w, model_get(MODEL_IP), ids[i], &updated_ms, &e)) {
            answer_err(c, &e);
            return;
        }
    }
    if (many)
        jsonw_close(&w, ']');
}

/* In the transaction. Not 0: answered. */
static int take_all(struct call *c, struct free_list *f, int64_t *ids)
{
    char text[IP_TEXT];
    struct err e = {0};
    if (find_free(c, f, &e)) {
        answer_failed(c, &e);
        return -1;
    }
    if (f->n < f->wanted) {
        answer_detail(c, 409, FULL);
        return -1;
    }
    for (size_t i = 0; i < f->n; i++) {
        const json_t *wish = json_is_array(c->body) ? json_array_get(c->body, i) : c->body;
        if (take_one(c, wish, address_text(&f->range, f->found[i], text), &ids[i]))
            return -1;
    }
    return 0;
}

static void take_free(struct call *c)
{
    struct err e = {0};
    size_t n = json_is_array(c->body) ? json_array_size(c->body) : 1;
    struct free_list f = {.wanted = n, .found = xcalloc(n, sizeof *f.found)};
    int64_t *ids = xcalloc(n, sizeof *ids);
    if (n > WRITE_MAX) {
        answer_too_many(c);
    } else if (!are_wishes(c)) {
        /* answered */
    } else if (store_begin(c->store, &e)) {
        answer_err(c, &e);
    } else if (take_all(c, &f, ids)) {
        store_rollback(c->store);
    } else if (store_commit(c->store, &e)) {
        store_rollback(c->store);
        answer_err(c, &e);
    } else {
        answer_taken(c, ids, n);
    }
    free(f.found);
    free(ids);
}

static void answer_available(struct call *c)
{
    if (c->rq->method == API_POST)
        take_free(c);
    else
        answer_free(c);
}

const struct route ipam_routes[] = {
    {.pattern = "/api/ipam/prefixes/{id}/available-ips/",
     .methods = API_GET | API_POST,
     .answer = answer_available},
    {0},
};

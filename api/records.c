/* records: the lists and details of NetBox's objects: GET here, writing in write.h. */
#include "api/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which fields ---- */

static uint64_t bits_of(const struct model *m, const char *list)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < m->fields_n; i++)
        if (list_has(list, m->fields[i].name))
            bits |= UINT64_C(1) << i;
    return bits;
}

/* `fields` beats all, then `omit`, then `brief`. */
static uint64_t projection(const struct query *q, const struct model *m)
{
    const char *fields = query_get(q, "fields"), *omit = query_get(q, "omit"), *brief = query_get(q, "brief");
    const char *exclude = query_get(q, "exclude");
    uint64_t bits = brief && *brief ? model_brief(m) : model_all(m);
    if (fields && *fields)
        return bits_of(m, fields);
    if (omit && *omit)
        bits = model_all(m) & ~bits_of(m, omit);
    return list_has(exclude, "config_context") ? bits & ~bits_of(m, "config_context") : bits;
}

/* ---- lists ---- */

/* Of a page: a thousand objects with long texts could be any number of bytes. */
#define PAGE_BYTES (32u << 20)

struct results {
    struct call *c;
    struct jsonw w;   /* straight into the answer; */
    struct str apart; /* but by_id, when `next` is known at the end only */
    int64_t left;     /* of the page */
    int64_t next_id;  /* of by_id: the first that is not of this page */
    bool too_long;
};

static int add_result(const struct record *r, void *ctx)
{
    struct results *x = ctx;
    if (!x->left--) {
        x->next_id = r->id;
        return 1;
    }
    render_record(&x->w, &x->c->memory, r);
    x->too_long = x->w.out->len > PAGE_BYTES;
    return x->too_long;
}

static int read_results(struct results *x, const struct page *p, const struct record_query *q,
                        struct faults *f, struct err *e)
{
    struct call *c = x->c;
    int64_t count = 0;
    if (p->by_id) {
        x->w.out = &x->apart;
    } else if (record_count(c->store, &c->who, c->route->model, q, &count, f, e)) {
        return -1;
    } else {
        x->w = page_open(c, p, count, 0);
    }
    if (!p->by_id && p->offset >= count)
        return 0;
    return record_each(c->store, &c->who, c->route->model, q, add_result, x, f, e) < 0 ? -1 : 0;
}

static int read_page(struct results *x, const struct page *p, struct faults *f, struct err *e)
{
    const struct query *from = &x->c->query;
    struct record_term *terms = xcalloc(from->n, sizeof *terms);
    for (size_t i = 0; i < from->n; i++)
        terms[i] = (struct record_term){.name = from->pairs[i].name, .value = from->pairs[i].value};
    struct record_query q = {.terms = terms,
                             .n = from->n,
                             .ordering = query_get(from, "ordering"),
                             .limit = p->limit + p->by_id,
                             .offset = p->offset,
                             .by_id = p->by_id,
                             .start = p->start,
                             .fields = projection(from, x->c->route->model)};
    int rc = read_results(x, p, &q, f, e);
    free(terms);
    return rc;
}

/* Count and page are of one moment. */
static int read_page_at_once(struct results *x, const struct page *p, struct faults *f, struct err *e)
{
    if (store_snapshot(x->c->store, e))
        return -1;
    int rc = read_page(x, p, f, e);
    store_snapshot_end(x->c->store);
    return rc;
}

static void end_page(struct results *x, const struct page *p)
{
    if (p->by_id) {
        x->w = page_open(x->c, p, 0, x->next_id);
        if (x->apart.len)
            jsonw_raw(&x->w, x->apart.s, x->apart.len);
    }
    page_close(&x->w);
}

static void answer_list(struct call *c)
{
    struct page p;
    struct err e = {0};
    struct faults f = {0};
    struct results x = {.c = c};
    if (query_page(&c->query, &p, &e)) {
        answer_bad_page(c, &e);
        return;
    }
    x.left = p.limit;
    if (read_page_at_once(&x, &p, &f, &e))
        answer_faults(c, &f, &e);
    else if (x.too_long)
        answer_detail(c, 400, "These objects are more than %u MiB; ask for fewer at once, with limit.",
                      PAGE_BYTES >> 20);
    else
        end_page(&x, &p);
    faults_free(&f);
    str_free(&x.apart);
}

/* ---- details ---- */

char *etag_of(int64_t updated_ms, char buf[ETAG_SIZE])
{
    char time[TIME_STR];
    snprintf(buf, ETAG_SIZE, "W/\"%s\"", iso_time(updated_ms, time));
    return buf;
}

struct detail {
    struct call *c;
    struct jsonw *w;
    int64_t updated_ms;
};

static int add_detail(const struct record *r, void *ctx)
{
    struct detail *d = ctx;
    d->updated_ms = r->updated_ms;
    render_record(d->w, &d->c->memory, r);
    return 0;
}

int add_object(struct call *c, struct jsonw *w, const struct model *m, int64_t id, int64_t *ret_updated_ms,
               struct err *e)
{
    struct detail d = {.c = c, .w = w};
    if (record_get(c->store, &c->who, m, id, projection(&c->query, m), add_detail, &d, e))
        return -1;
    *ret_updated_ms = d.updated_ms;
    return 0;
}

void answer_object(struct call *c, int status, int64_t id)
{
    char etag[ETAG_SIZE];
    int64_t updated_ms;
    struct err e = {0};
    struct jsonw w = answer_open(c, status);
    if (!add_object(c, &w, c->route->model, id, &updated_ms, &e))
        api_header(c->rs, "ETag", etag_of(updated_ms, etag));
    else if (e.kind == ERR_NOT_FOUND)
        answer_missing(c, c->route->model->word);
    else
        answer_err(c, &e);
}

/* ---- the routes ---- */

static void answer_record_list(struct call *c)
{
    if (c->rq->method & (API_GET | API_HEAD))
        answer_list(c);
    else
        write_list(c);
}

static void answer_record_detail(struct call *c)
{
    if (c->rq->method & (API_GET | API_HEAD))
        answer_object(c, 200, c->id);
    else
        write_detail(c);
}

static struct route route_of(const struct model *m, void (*answer)(struct call *))
{
    return (struct route){.methods = API_GET | API_POST | API_PUT | API_PATCH | API_DELETE,
                          .write_right = m->id == MODEL_DEVICE ? RIGHT_WRITE | RIGHT_ASSIGN : RIGHT_WRITE,
                          .answer = answer,
                          .model = m};
}

struct route record_list_route(const struct model *m, char pattern[ROUTE_PATTERN])
{
    struct route r = route_of(m, answer_record_list);
    snprintf(pattern, ROUTE_PATTERN, "/api/%s/%s/", m->app, m->endpoint);
    r.pattern = pattern;
    return r;
}

struct route record_detail_route(const struct model *m, char pattern[ROUTE_PATTERN])
{
    struct route r = route_of(m, answer_record_detail);
    r.methods &= ~(unsigned)API_POST;
    snprintf(pattern, ROUTE_PATTERN, "/api/%s/%s/{id}/", m->app, m->endpoint);
    r.pattern = pattern;
    return r;
}

/* answer: the shapes of NetBox's answers that are of no object: errors, pages, URLs, times. */
#include "api/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct jsonw answer_open(struct call *c, int status)
{
    c->rs->status = status;
    c->rs->content_type = "application/json";
    str_reset(&c->rs->body);
    return (struct jsonw){.out = &c->rs->body};
}

void answer_empty(struct call *c, int status)
{
    c->rs->status = status;
    c->rs->content_type = NULL;
    str_reset(&c->rs->body);
}

/* The log's word for it; NetBox's texts have no secret in them, ours neither. */
static void note(struct call *c, const char *text)
{
    str_copy(c->rs->note, sizeof c->rs->note, text);
}

static void detail(struct call *c, int status, const char *text)
{
    struct jsonw w = answer_open(c, status);
    jsonw_open(&w, '{');
    jsonw_key(&w, "detail"), jsonw_str(&w, text);
    jsonw_close(&w, '}');
    note(c, text);
}

void answer_detail(struct call *c, int status, const char *fmt, ...)
{
    struct str text = {0};
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    detail(c, status, text.s);
    str_free(&text);
}

void answer_field(struct call *c, const char *field, const char *fmt, ...)
{
    struct str text = {0};
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(&text, fmt, ap);
    va_end(ap);
    struct jsonw w = answer_open(c, 400);
    jsonw_open(&w, '{');
    jsonw_name(&w, field), jsonw_open(&w, '[');
    jsonw_str(&w, text.s);
    jsonw_close(&w, ']'), jsonw_close(&w, '}');
    note(c, text.s);
    str_free(&text);
}

void answer_bad_page(struct call *c, const struct err *e)
{
    struct jsonw w = answer_open(c, 400);
    jsonw_open(&w, '[');
    jsonw_str(&w, e->text);
    jsonw_close(&w, ']');
    note(c, e->text);
}

void answer_denied(struct call *c)
{
    answer_detail(c, 403, "You do not have permission to perform this action.");
}

void answer_missing(struct call *c, const char *noun)
{
    answer_detail(c, 404, "No %s matches the given query.", noun);
}

/* What failed here is for the log; the client learns that it failed, and not how our files are called. */
static void answer_failure(struct call *c, const struct err *e)
{
    struct jsonw w = answer_open(c, 500);
    jsonw_open(&w, '{');
    jsonw_key(&w, "error"),
        jsonw_str(&w, "The inventory could not be read or written; the server's log says why.");
    jsonw_key(&w, "exception"), jsonw_str(&w, e->kind == ERR_CORRUPT ? "Corrupt" : "StoreError");
    jsonw_key(&w, "netbox_version"), jsonw_str(&w, SPOKEN_VERSION);
    jsonw_key(&w, "python_version"), jsonw_str(&w, "");
    jsonw_close(&w, '}');
    note(c, e->text);
}

void answer_err(struct call *c, const struct err *e)
{
    static const int status[] = {[ERR_INPUT] = 400,
                                 [ERR_NOT_FOUND] = 404,
                                 [ERR_CONFLICT] = 409,
                                 [ERR_REFUSED] = 403,
                                 [ERR_UNAVAILABLE] = 503};
    int code = (size_t)e->kind < sizeof status / sizeof *status ? status[e->kind] : 0;
    if (!code) {
        answer_failure(c, e);
        return;
    }
    detail(c, code, e->text);
    if (code == 503)
        c->rs->retry_after = 1;
}

/* One key a field, in the order in which they first occur. */
void add_faults(struct jsonw *w, const struct faults *f)
{
    jsonw_open(w, '{');
    for (size_t i = 0; i < f->n; i++) {
        bool said = false;
        for (size_t k = 0; k < i && !said; k++)
            said = !strcmp(f->list[k].field, f->list[i].field);
        if (said)
            continue;
        jsonw_name(w, f->list[i].field[0] ? f->list[i].field : "__all__"), jsonw_open(w, '[');
        for (size_t k = i; k < f->n; k++)
            if (!strcmp(f->list[k].field, f->list[i].field))
                jsonw_str(w, f->list[k].sentence);
        jsonw_close(w, ']');
    }
    jsonw_close(w, '}');
}

void answer_faults(struct call *c, const struct faults *f, const struct err *e)
{
    if (e->kind != ERR_INPUT || !f->n) {
        answer_err(c, e);
        return;
    }
    struct jsonw w = answer_open(c, 400);
    add_faults(&w, f);
    snprintf(c->rs->note, sizeof c->rs->note, "%s: %s", f->list[0].field, f->list[0].sentence);
}

void answer_html(struct call *c, int status, const char *title)
{
    c->rs->status = status;
    c->rs->content_type = "text/html; charset=utf-8";
    str_reset(&c->rs->body);
    str_addf(
        &c->rs->body,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>%s</title></head><body><h1>%s</h1></body></html>\n",
        title, title);
    note(c, title);
}

/* ---- pages ---- */

static void page_link(struct jsonw *w, const struct call *c, const struct page *p)
{
    struct str url = {0};
    char path[512];
    span_to_str(c->rq->path, path, sizeof path);
    str_add(&url, c->rq->base_url);
    query_url(&url, path, &c->query, p);
    jsonw_strn(w, url.s, url.len);
    str_free(&url);
}

struct jsonw page_open(struct call *c, const struct page *p, int64_t count, int64_t next_id)
{
    struct jsonw w = answer_open(c, 200);
    struct page next = *p, previous = *p;
    next.offset += p->limit;
    next.start = next_id;
    previous.offset = p->offset > p->limit ? p->offset - p->limit : 0;
    bool more = p->by_id ? next_id > 0 : next.offset < count;
    jsonw_open(&w, '{');
    jsonw_key(&w, "count");
    if (p->by_id)
        jsonw_null(&w);
    else
        jsonw_int(&w, count);
    jsonw_key(&w, "next");
    if (more)
        page_link(&w, c, &next);
    else
        jsonw_null(&w);
    jsonw_key(&w, "previous");
    if (!p->by_id && p->offset > 0)
        page_link(&w, c, &previous);
    else
        jsonw_null(&w);
    jsonw_key(&w, "results");
    jsonw_open(&w, '[');
    return w;
}

void page_close(struct jsonw *w)
{
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

bool has_right(const struct call *c, enum api_right r)
{
    return c->token.rights & r;
}

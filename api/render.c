/* render: see render.h. */
#include "api/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void render_object(struct jsonw *w, struct render_memory *m, const struct record *r);

/* ---- what was made already ---- */

static size_t slot_hash(const struct model *m, int64_t id)
{
    uint64_t h = ((uint64_t)id * MODEL_COUNT + m->id) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(h >> 20);
}

static struct render_slot *slot_of(const struct render_memory *m, const struct model *model, int64_t id)
{
    size_t i = slot_hash(model, id) & (m->slots_n - 1);
    while (m->slots[i].m && (m->slots[i].m != model || m->slots[i].id != id))
        i = (i + 1) & (m->slots_n - 1);
    return &m->slots[i];
}

static void grow(struct render_memory *m)
{
    struct render_memory more = {.slots_n = m->slots_n ? m->slots_n * 2 : 256};
    if (m->slots_n && m->used * 2 < m->slots_n)
        return;
    more.slots = xcalloc(more.slots_n, sizeof *more.slots);
    for (size_t i = 0; i < m->slots_n; i++)
        if (m->slots[i].m)
            *slot_of(&more, m->slots[i].m, m->slots[i].id) = m->slots[i];
    free(m->slots);
    m->slots = more.slots;
    m->slots_n = more.slots_n;
}

void render_free(struct render_memory *m)
{
    free(m->slots);
    str_free(&m->texts);
    *m = (struct render_memory){0};
}

static void render_brief(struct jsonw *w, struct render_memory *m, const struct record *r)
{
    grow(m);
    struct render_slot *s = slot_of(m, r->m, r->id);
    if (!s->m) {
        /* Its own references come first: they may move the slots. */
        struct str text = {0};
        struct jsonw inner = {.out = &text};
        render_object(&inner, m, r);
        grow(m);
        s = slot_of(m, r->m, r->id);
        *s = (struct render_slot){.m = r->m, .id = r->id, .at = m->texts.len, .n = text.len};
        m->used++;
        str_addn(&m->texts, text.s, text.len);
        str_free(&text);
    }
    jsonw_raw(w, m->texts.s + s->at, s->n);
}

/* ---- values ---- */

void render_url(struct jsonw *w, const char *base_url, const char *path, int64_t id)
{
    char tail[32];
    /* Host, path and number need no escaping. */
    jsonw_raw(w, "\"", 1);
    str_add(w->out, base_url);
    str_add(w->out, path);
    if (id)
        str_addn(w->out, tail, (size_t)snprintf(tail, sizeof tail, "%lld/", (long long)id));
    str_addn(w->out, "\"", 1);
}

static void object_url(struct jsonw *w, const char *base_url, const char *api, const struct record *r)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s/%s/", api, r->m->app, r->m->endpoint);
    render_url(w, base_url, path, r->id);
}

char *iso_time(int64_t ms, char buf[TIME_STR])
{
    time_t s = (time_t)(ms / 1000);
    struct tm t;
    gmtime_r(&s, &t);
    snprintf(buf, TIME_STR, "%04d-%02d-%02dT%02d:%02d:%02d.%03d000Z", t.tm_year + 1900, t.tm_mon + 1,
             t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)(ms % 1000));
    return buf;
}

static void render_choice(struct jsonw *w, const struct value *v)
{
    jsonw_open(w, '{');
    jsonw_key(w, "value"), jsonw_str(w, v->text);
    jsonw_key(w, "label"), jsonw_str(w, v->label);
    jsonw_close(w, '}');
}

static void render_list(struct jsonw *w, struct render_memory *m, const struct value *v)
{
    jsonw_open(w, '[');
    for (size_t i = 0; i < v->n; i++)
        render_brief(w, m, v->records[i]);
    jsonw_close(w, ']');
}

static void render_value(struct jsonw *w, struct render_memory *m, const struct record *r,
                         const struct value *v)
{
    char time[TIME_STR];
    switch (v->type) {
    case VALUE_NONE:
    case VALUE_NULL:
        jsonw_null(w);
        break;
    case VALUE_BOOL:
        jsonw_bool(w, v->i != 0);
        break;
    case VALUE_INT:
        jsonw_int(w, v->i);
        break;
    case VALUE_REAL:
        jsonw_real(w, v->real);
        break;
    case VALUE_TEXT:
        jsonw_strn(w, v->text, v->n);
        break;
    case VALUE_CHOICE:
        render_choice(w, v);
        break;
    case VALUE_JSON:
        jsonw_raw(w, v->text, v->n);
        break;
    case VALUE_TIME:
        jsonw_str(w, iso_time(v->i, time));
        break;
    case VALUE_RECORD:
        render_brief(w, m, v->record);
        break;
    case VALUE_RECORDS:
        render_list(w, m, v);
        break;
    case VALUE_URL:
        object_url(w, m->base_url, "/api", r);
        break;
    case VALUE_DISPLAY_URL:
        object_url(w, m->base_url, "", r);
        break;
    }
}

static void render_object(struct jsonw *w, struct render_memory *m, const struct record *r)
{
    jsonw_open(w, '{');
    for (size_t i = 0; i < r->m->fields_n; i++) {
        if (r->v[i].type == VALUE_NONE)
            continue;
        jsonw_key(w, r->m->fields[i].name);
        render_value(w, m, r, &r->v[i]);
    }
    jsonw_close(w, '}');
}

void render_record(struct jsonw *w, struct render_memory *m, const struct record *r)
{
    render_object(w, m, r);
}

/* plugin: the paths below /api/plugins/rackstrap/, and what their lists have in common (plugin.h). */
#include "api/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void plugin_root(struct call *c)
{
    static const char *const names[] = {"assignments", "events", "images", "jobs", "leases", "releases"};
    json_t *o = json_object();
    char path[ROUTE_PATTERN];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, PLUGIN "%s/", names[i]);
        json_object_set_new(o, names[i], json_url(c, path, 0));
    }
    answer_json(c, 200, o);
}

const struct route plugin_routes[] = {
    {.pattern = PLUGIN, .methods = API_GET, .answer = plugin_root},
    {.pattern = PLUGIN "images/", .methods = API_GET, .answer = plugin_images},
    {.pattern = PLUGIN "images/{id}/", .methods = API_GET, .answer = plugin_image},
    {.pattern = PLUGIN "releases/", .methods = API_GET, .answer = plugin_releases},
    {.pattern = PLUGIN "releases/{id}/", .methods = API_GET, .answer = plugin_release},
    {.pattern = PLUGIN "assignments/",
     .methods = API_GET | API_POST,
     .write_right = RIGHT_ASSIGN,
     .answer = plugin_assignments},
    {.pattern = PLUGIN "assignments/{id}/", .methods = API_GET, .answer = plugin_assignment},
    {.pattern = PLUGIN "jobs/", .methods = API_GET, .answer = plugin_jobs},
    {.pattern = PLUGIN "jobs/{id}/",
     .methods = API_GET | API_DELETE,
     .write_right = RIGHT_ASSIGN,
     .answer = plugin_job},
    {.pattern = PLUGIN "leases/", .methods = API_GET, .answer = plugin_leases},
    {.pattern = PLUGIN "leases/{id}/", .methods = API_GET, .answer = plugin_lease},
    {.pattern = PLUGIN "events/", .methods = API_GET, .answer = plugin_events},
    {.pattern = PLUGIN "events/{id}/", .methods = API_GET, .answer = plugin_event},
    {.pattern = PLUGIN "ip/{address}/", .methods = API_GET, .answer = plugin_ip},
    {0},
};

/* ---- values ---- */

void answer_json(struct call *c, int status, json_t *v)
{
    struct jsonw w = answer_open(c, status);
    jsonw_tree(&w, v);
    json_decref(v);
}

json_t *json_url(const struct call *c, const char *path, int64_t id)
{
    struct str s = {0};
    str_addf(&s, "%s%s", c->rq->base_url, path);
    if (id)
        str_addf(&s, "%lld/", (long long)id);
    json_t *v = json_stringn(s.s, s.len);
    str_free(&s);
    return v;
}

json_t *json_time(int64_t ms)
{
    char buf[TIME_STR];
    return ms ? json_string(iso_time(ms, buf)) : json_null();
}

json_t *json_text(const char *s)
{
    json_t *v = *s ? json_string(s) : json_null();
    if (v)
        return v;
    char *copy = xstrdup(s);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    v = json_string(copy);
    free(copy);
    return v;
}

json_t *json_state(const char *value)
{
    char label[NAME_SIZE];
    str_copy(label, sizeof label, value);
    if (*label >= 'a' && *label <= 'z')
        *label = (char)(*label - 'a' + 'A');
    return json_pack("{s:s, s:s}", "value", value, "label", label);
}

struct brief {
    struct call *c;
    struct str text;
};

static int add_brief(const struct record *r, void *ctx)
{
    struct brief *b = ctx;
    struct jsonw w = {.out = &b->text};
    render_record(&w, &b->c->memory, r);
    return 0;
}

/* A device that was removed is nobody's: what is kept of it has its name. */
json_t *json_device(struct call *c, int64_t id)
{
    const struct model *m = model_get(MODEL_DEVICE);
    struct brief b = {.c = c};
    json_t *v = NULL;
    if (id && !record_get(c->store, &c->who, m, id, model_brief(m), add_brief, &b, NULL))
        v = json_loadb(b.text.s, b.text.len, 0, NULL);
    str_free(&b.text);
    return v ? v : json_null();
}

json_t *json_release(struct call *c, int64_t id)
{
    struct release r;
    if (!id || release_get(c->store, id, &r, NULL))
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:s, s:s, s:s}", "id", (json_int_t)id, "url",
                     json_url(c, PLUGIN "releases/", id), "display",
                     json_sprintf("%s@%s", r.image, r.version), "image", r.image, "version", r.version,
                     "digest", r.digest);
}

json_t *json_job(struct call *c, const struct job *j)
{
    return json_pack("{s:I, s:o, s:s, s:s, s:o}", "id", (json_int_t)j->id, "url",
                     json_url(c, PLUGIN "jobs/", j->id), "display", j->uuid, "uuid", j->uuid, "state",
                     json_state(job_state_name(j->state)));
}

void project(const struct call *c, json_t *object)
{
    const char *fields = query_get(&c->query, "fields"), *omit = query_get(&c->query, "omit"), *key;
    json_t *v;
    void *next;
    json_object_foreach_safe(object, next, key, v)
    {
        bool wanted = fields && *fields ? list_has(fields, key) : !(omit && list_has(omit, key));
        if (!wanted)
            json_object_del(object, key);
    }
}

/* ---- filters ---- */

static bool is_number(const char *s, int64_t *ret)
{
    size_t n = strspn(s, "0123456789");
    *ret = n && n <= 18 ? strtoll(s, NULL, 10) : 0;
    return n && n <= 18 && !s[n];
}

/* Adds a value to the list; false: it cannot be one, and that is answered. */
static bool add_value(struct call *c, json_t *list, const struct query_pair *p, enum kind_filter_type type)
{
    int64_t n;
    struct mac m;
    char mac[MAC_STR];
    if (type == KIND_FILTER_NUMBER) {
        if (!is_number(p->value, &n)) {
            answer_field(c, p->name, "Enter a number.");
            return false;
        }
        json_array_append_new(list, json_integer(n));
    } else if (type == KIND_FILTER_MAC) {
        if (!mac_parse(p->value, &m, NULL)) /* one that is none matches nothing, as in NetBox */
            json_array_append_new(list, json_string(mac_format(m, mac)));
    } else {
        json_array_append_new(list, json_string(p->value));
    }
    return true;
}

bool query_list(struct call *c, const char *name, enum kind_filter_type type, char **ret)
{
    json_t *list = NULL;
    bool good = true;
    for (size_t i = 0; i < c->query.n && good; i++) {
        if (strcmp(c->query.pairs[i].name, name) != 0)
            continue;
        if (!list)
            list = json_array();
        good = add_value(c, list, &c->query.pairs[i], type);
    }
    if (good)
        *ret = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return good;
}

static bool take_bound(struct call *c, const struct kind_filter *f, const char *value, struct listing *l)
{
    bool time = f->type == KIND_FILTER_SINCE || f->type == KIND_FILTER_UNTIL;
    int64_t n;
    if (!(time ? !time_parse(value, &n, NULL) : is_number(value, &n))) {
        answer_field(c, f->name, time ? "Enter a valid date/time." : "Enter a number.");
        return false;
    }
    switch (f->type) {
    case KIND_FILTER_SINCE:
        l->since_ms = n;
        break;
    case KIND_FILTER_UNTIL:
        l->until_ms = n;
        break;
    case KIND_FILTER_AFTER:
        l->after_id = n;
        break;
    case KIND_FILTER_AFTER_OR:
        l->after_id = n - 1;
        break;
    case KIND_FILTER_BEFORE:
        l->before_id = n ? n : 1; /* 0 is no bound */
        break;
    default:
        l->before_id = n + 1;
        break;
    }
    return true;
}

static bool states_are_known(struct call *c, const struct kind *k, const char *name)
{
    for (size_t i = 0; i < c->query.n; i++)
        if (!strcmp(c->query.pairs[i].name, name) && !k->is_state(c->query.pairs[i].value)) {
            answer_field(c, name, "Select a valid choice. %s is not one of the available choices.",
                         c->query.pairs[i].value);
            return false;
        }
    return true;
}

/* False: answered. What l->any lends is freed by filters_free. */
static bool filters_read(struct call *c, const struct kind *k, struct listing *l)
{
    for (const struct kind_filter *f = k->filters; f->name; f++) {
        const char *value = query_get(&c->query, f->name);
        char *list;
        if (!value)
            continue;
        if (f->type >= KIND_FILTER_SINCE) {
            if (!take_bound(c, f, value, l))
                return false;
            continue;
        }
        if ((f->type == KIND_FILTER_STATE && !states_are_known(c, k, f->name)) ||
            !query_list(c, f->name, f->type, &list))
            return false;
        free((char *)l->any[f->by]);
        l->any[f->by] = list;
    }
    return true;
}

static void filters_free(struct listing *l)
{
    for (size_t i = 0; i < LISTING_FILTERS; i++)
        free((char *)l->any[i]);
}

/* ---- lists ---- */

/* By the first name of `ordering` that is one; numbers are given in the order of time. */
static void order_read(const struct call *c, const struct kind *k, struct listing_page *p)
{
    const char *by = query_get(&c->query, "ordering");
    bool behind = by && *by == '-';
    p->by_name = k->by_name;
    p->from_behind = k->newest_first;
    if (!by)
        return;
    by += behind;
    bool name = k->name_order && !strcmp(by, k->name_order);
    if (!name && strcmp(by, "id") != 0 && strcmp(by, "created") != 0 && strcmp(by, "at") != 0)
        return;
    p->by_name = name;
    p->from_behind = behind;
}

static int add_rows(struct call *c, const struct kind *k, const int64_t *ids, size_t n, json_t *rows,
                    struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        json_t *row = k->show(c, ids[i], e);
        if (!row)
            return -1;
        project(c, row);
        json_array_append_new(rows, row);
    }
    return 0;
}

static void list_answer(struct call *c, const struct kind *k, const struct page *page, int64_t count,
                        const int64_t *ids, size_t n)
{
    struct err e = {0};
    json_t *rows = json_array();
    bool more = page->by_id && n > (size_t)page->limit;
    if (add_rows(c, k, ids, more ? (size_t)page->limit : n, rows, &e)) {
        answer_err(c, &e);
    } else {
        struct jsonw w = page_open(c, page, count, more ? ids[page->limit] : 0);
        for (size_t i = 0; i < json_array_size(rows); i++)
            jsonw_tree(&w, json_array_get(rows, i));
        page_close(&w);
    }
    json_decref(rows);
}

static void list_read(struct call *c, const struct kind *k, const struct listing *l, const struct page *page)
{
    struct err e = {0};
    struct listing_page p = {
        .limit = page->limit + page->by_id, .offset = page->offset, .from_id = page->start};
    int64_t *ids = xcalloc(PAGE_MAX + 1, sizeof *ids), count = 0;
    size_t n;
    if (!page->by_id)
        order_read(c, k, &p);
    if ((!page->by_id && listing_count(c->store, k->listing, l, &count, &e)) ||
        listing_page(c->store, k->listing, l, &p, ids, &n, &e))
        answer_err(c, &e);
    else
        list_answer(c, k, page, page->by_id ? -1 : count, ids, n);
    free(ids);
}

void kind_list(struct call *c, const struct kind *k)
{
    struct err e = {0};
    struct page page;
    struct listing l = {.tenant_id = c->who.tenant_id};
    if (query_page(&c->query, &page, &e)) {
        answer_bad_page(c, &e);
        return;
    }
    /* Count, numbers and rows are of one moment: none is gone when it is shown. */
    if (filters_read(c, k, &l)) {
        if (store_snapshot(c->store, &e))
            answer_err(c, &e);
        else
            list_read(c, k, &l, &page);
        store_snapshot_end(c->store);
    }
    filters_free(&l);
}

int kind_known(struct call *c, const struct kind *k, int64_t id, struct err *e)
{
    char list[32];
    struct listing l = {.tenant_id = c->who.tenant_id};
    int64_t n = 0;
    snprintf(list, sizeof list, "[%lld]", (long long)id);
    l.any[LISTING_ID] = list;
    return listing_count(c->store, k->listing, &l, &n, e) ? -1 : n > 0;
}

void kind_detail(struct call *c, const struct kind *k)
{
    struct err e = {0};
    int known = kind_known(c, k, c->id, &e);
    if (!known) {
        answer_missing(c, k->noun);
        return;
    }
    json_t *o = known < 0 ? NULL : k->show(c, c->id, &e);
    if (!o) {
        answer_err(c, &e);
        return;
    }
    project(c, o);
    answer_json(c, 200, o);
}

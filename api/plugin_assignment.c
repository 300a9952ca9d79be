/* plugin_assignment: which image each device is to carry. Making one is `rackstrap assign`, with its rules:
 * the right, protected devices, a job that is being written, wipe_limit over all devices of a request. One or
 * many, all or nothing.
 *
 *     {"device": 5 | {"name": "hv-01"}, "image": "debian-12@v3", "dry_run": false, "replace": false, "count":
 * 12}
 *
 * Unlike the custom field `image`, it arms a job also for the image that the device has already.
 */
#include "api/plugin.h"

#include <string.h>

static json_t *show_assignment(struct call *c, int64_t id, struct err *e)
{
    struct device d;
    struct job j;
    struct release r;
    struct err none = {0};
    if (device_get(c->store, id, &d, e))
        return NULL;
    bool has_job = job_current(c->store, id, &j, &none) == 0;
    if (!has_job && none.kind != ERR_NOT_FOUND)
        return *e = none, NULL;
    bool built = !release_find(c->store, d.assigned, &r, NULL);
    bool carries = d.installed_digest[0] != '\0';
    json_t *o = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)id, "url",
                          json_url(c, PLUGIN "assignments/", id), "display",
                          json_sprintf("%s: %s", d.name, d.assigned), "device", json_device(c, id), "image",
                          json_text(d.assigned), "release", json_release(c, built ? r.id : 0), "job",
                          has_job ? json_job(c, &j) : json_null());
    carries = carries && !release_by_digest(c->store, d.installed_digest, &r, NULL);
    json_object_set_new(o, "state", json_state(state_name(d.state)));
    json_object_set_new(o, "protected", json_boolean(d.protected));
    json_object_set_new(o, "installed_release", json_release(c, carries ? r.id : 0));
    json_object_set_new(o, "installed_at", json_time(d.installed_ms));
    return o;
}

static bool is_device_state(const char *word)
{
    enum device_state s;
    return state_parse(word, &s, NULL) == 0;
}

static const struct kind_filter filters[] = {
    {"id", KIND_FILTER_NUMBER, LISTING_ID},       {"device_id", KIND_FILTER_NUMBER, LISTING_DEVICE_ID},
    {"device", KIND_FILTER_TEXT, LISTING_DEVICE}, {"image", KIND_FILTER_TEXT, LISTING_IMAGE},
    {"state", KIND_FILTER_STATE, LISTING_STATE},  {0}};
static const struct kind assignments = {.noun = "Assignment",
                                        .path = PLUGIN "assignments/",
                                        .listing = LISTING_ASSIGNMENTS,
                                        .filters = filters,
                                        .name_order = "device",
                                        .by_name = true,
                                        .is_state = is_device_state,
                                        .show = show_assignment};

/* ---- making one ---- */

struct wish {
    int64_t device_id;
    const char *image;
    bool dry_run, replace;
    uint64_t count; /* 0: not said */
};

/* What is wrong with one object: the field, and the sentence in e. */
struct fault_at {
    const char *field;
    struct err e;
};

static int wrong(struct fault_at *f, const char *field, const char *sentence)
{
    f->field = field;
    return err_set(&f->e, ERR_INPUT, "%s", sentence);
}

static int keep_id(const struct record *r, void *ctx)
{
    *(int64_t *)ctx = r->id;
    return 1;
}

/* A device by its name, among those that the asker sees. 0: there is none. */
static int device_named(struct call *c, const char *name, int64_t *ret, struct err *e)
{
    const struct model *m = model_get(MODEL_DEVICE);
    const struct record_term term = {.name = "name", .value = name};
    const struct record_query q = {.terms = &term, .n = 1, .limit = 1, .fields = model_brief(m)};
    struct faults f = {0};
    *ret = 0;
    int r = record_each(c->store, &c->who, m, &q, keep_id, ret, &f, e);
    faults_free(&f);
    return r < 0 ? -1 : 0;
}

static int read_device(struct call *c, const json_t *v, int64_t *ret, struct fault_at *f)
{
    const json_t *id = json_is_object(v) ? json_object_get(v, "id") : v;
    const char *name = json_string_value(json_is_object(v) ? json_object_get(v, "name") : v);
    int64_t updated;
    *ret = 0;
    if (!v || json_is_null(v))
        return wrong(f, "device", v ? "This field may not be null." : "This field is required.");
    if (json_is_integer(id)) {
        int known =
            record_known(c->store, &c->who, model_get(MODEL_DEVICE), json_integer_value(id), &updated, &f->e);
        if (known > 0)
            *ret = json_integer_value(id);
        if (known < 0)
            return -1;
    } else if (!name) {
        return wrong(f, "device",
                     "Related objects must be referenced by numeric ID or by dictionary of attributes.");
    } else if (device_named(c, name, ret, &f->e)) {
        return -1;
    }
    return *ret ? 0 : wrong(f, "device", "Related object not found using the provided ID or name.");
}

static int read_flag(const json_t *object, const char *name, bool *ret, struct fault_at *f)
{
    const json_t *v = json_object_get(object, name);
    *ret = json_is_true(v);
    return !v || json_is_boolean(v) ? 0 : wrong(f, name, "Must be a valid boolean.");
}

static int read_wish(struct call *c, const json_t *object, struct wish *ret, struct fault_at *f)
{
    static const char *const names[] = {"device", "image", "dry_run", "replace", "count", "changelog_message",
                                        NULL};
    const json_t *count = json_object_get(object, "count"), *v;
    const char *key;
    if (!json_is_object(object))
        return wrong(f, "non_field_errors", "Invalid data. Expected a dictionary.");
    json_object_foreach((json_t *)object, key, v)
    {
        const char *const *n = names;
        while (*n && strcmp(*n, key) != 0)
            n++;
        if (!*n)
            return wrong(f, key, "There is no such field.");
    }
    if (read_device(c, json_object_get(object, "device"), &ret->device_id, f) ||
        read_flag(object, "dry_run", &ret->dry_run, f) || read_flag(object, "replace", &ret->replace, f))
        return -1;
    ret->image = json_string_value(json_object_get(object, "image"));
    if (!ret->image || !*ret->image)
        return wrong(f, "image", ret->image ? "This field may not be blank." : "This field is required.");
    if (count && (!json_is_integer(count) || json_integer_value(count) < 1))
        return wrong(f, "count", "A number of devices, from 1 on, is needed.");
    ret->count = (uint64_t)json_integer_value(count);
    return 0;
}

/* Which field is to blame for what job_assign refuses. */
static int assign(struct call *c, const struct wish *w, struct fault_at *f)
{
    const struct assign how = {.release_ref = w->image,
                               .actor = c->actor,
                               .expiry_s = c->cfg->job_expiry_s,
                               .replace = w->replace,
                               .dry_run = w->dry_run};
    struct job j;
    if (!job_assign(c->store, w->device_id, &how, c->rq->at_ms, &j, &f->e))
        return 0;
    f->field = f->e.kind == ERR_NOT_FOUND || f->e.kind == ERR_INPUT    ? "image"
               : f->e.kind == ERR_REFUSED || f->e.kind == ERR_CONFLICT ? "device"
                                                                       : NULL;
    return -1;
}

static int within_limit(struct call *c, const struct wish *all, size_t n, struct fault_at *f)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].count && all[i].count != n) {
            f->field = "count";
            return err_set(&f->e, ERR_INPUT,
                           "count says %llu, and these are %zu devices; nothing was changed",
                           (unsigned long long)all[i].count, n);
        }
    if (n <= c->cfg->wipe_limit || all[0].count || all[0].dry_run)
        return 0;
    f->field = "count";
    return err_set(
        &f->e, ERR_INPUT,
        "%zu devices would be wiped; more than wipe_limit (%llu) needs \"count\": %zu; nothing was changed",
        n, (unsigned long long)c->cfg->wipe_limit, n);
}

static const json_t *body_at(const struct call *c, size_t i)
{
    return json_is_array(c->body) ? json_array_get(c->body, i) : c->body;
}

/* The object at *ret_at is the one that is wrong. */
static int read_all(struct call *c, struct wish *all, size_t n, size_t *ret_at, struct fault_at *f)
{
    for (size_t i = 0; i < n; i++) {
        *ret_at = i;
        if (read_wish(c, body_at(c, i), &all[i], f))
            return -1;
        for (size_t k = 0; k < i; k++)
            if (all[k].device_id == all[i].device_id)
                return wrong(f, "device", "This device is named twice.");
        if (all[i].dry_run != all[0].dry_run)
            return wrong(f, "dry_run", "All of one request, or none.");
    }
    *ret_at = 0;
    return within_limit(c, all, n, f);
}

/* Whose a device is, is looked at in the transaction that arms its job: nobody comes in between. */
static int assign_all(struct call *c, struct wish *all, size_t n, size_t *ret_at, struct fault_at *f)
{
    if (store_begin(c->store, &f->e))
        return -1;
    int rc = read_all(c, all, n, ret_at, f);
    for (size_t i = 0; i < n && !rc; i++) {
        *ret_at = i;
        rc = assign(c, &all[i], f);
    }
    if (!rc && !all[0].dry_run)
        return store_commit(c->store, &f->e);
    store_rollback(c->store);
    return rc;
}

/* In NetBox's form: {"field": ["..."]}; of many, one such object for each of them, empty where nothing is
 * wrong. */
static void answer_fault(struct call *c, const struct fault_at *f, size_t at, size_t n)
{
    if (!f->field || f->e.kind == ERR_IO || f->e.kind == ERR_CORRUPT || f->e.kind == ERR_UNAVAILABLE) {
        answer_err(c, &f->e);
        return;
    }
    if (!json_is_array(c->body)) {
        answer_field(c, f->field, "%s", f->e.text);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              i == at ? json_pack("{s:[o]}", f->field, json_text(f->e.text)) : json_object());
    answer_json(c, 400, list);
    str_copy(c->rs->note, sizeof c->rs->note, f->e.text);
}

/* What there is now; of a dry run what there would be. */
static json_t *outcome(struct call *c, const struct wish *w, struct err *e)
{
    struct release r;
    json_t *o = show_assignment(c, w->device_id, e);
    if (!o || !w->dry_run)
        return o;
    json_object_set_new(o, "image", json_text(w->image));
    json_object_set_new(o, "release", json_release(c, release_find(c->store, w->image, &r, NULL) ? 0 : r.id));
    json_object_set_new(o, "job", json_null());
    json_object_set_new(o, "dry_run", json_true());
    return o;
}

static void answer_outcomes(struct call *c, const struct wish *all, size_t n)
{
    struct err e = {0};
    json_t *list = json_array(), *o = NULL;
    for (size_t i = 0; i < n; i++) {
        o = outcome(c, &all[i], &e);
        if (!o)
            break;
        json_array_append_new(list, o);
    }
    int status = all[0].dry_run ? 200 : 201;
    if (n && !o)
        answer_err(c, &e);
    else
        answer_json(c, status, json_incref(json_is_array(c->body) ? list : json_array_get(list, 0)));
    json_decref(list);
}

static void make(struct call *c)
{
    size_t n = json_is_array(c->body) ? json_array_size(c->body) : 1, at = 0;
    struct fault_at f = {0};
    if (!c->body || !n || n > PAGE_MAX) {
        answer_detail(c, 400,
                      !c->body || !n ? "Say which device is to carry which image." : "At most 1000 at once.");
        return;
    }
    struct wish *all = xcalloc(n, sizeof *all);
    if (assign_all(c, all, n, &at, &f))
        answer_fault(c, &f, at, n);
    else
        answer_outcomes(c, all, n);
    free(all);
}

void plugin_assignments(struct call *c)
{
    if (c->rq->method == API_POST)
        make(c);
    else
        kind_list(c, &assignments);
}

void plugin_assignment(struct call *c)
{
    kind_detail(c, &assignments);
}

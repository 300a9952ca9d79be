/* write: see write.h. */
#include "api/write.h"

#include <stdlib.h>
#include <string.h>

#include "api/image.h"

/* One request's writing. */
struct writing {
    struct call *c;
    const struct model *m;
    struct images images;
    struct faults faults; /* of the object at hand */
    struct err e;         /* likewise */
};

/* ---- one object ---- */

/* What is NetBox's is changed there: says where. */
static void name_netbox(const struct call *c, const struct model *m, const struct written *x, struct err *e)
{
    struct err was = *e;
    if (e->kind == ERR_CONFLICT && x->netbox_id && c->cfg->netbox_url)
        err_set(e, ERR_CONFLICT, "%s %s/%s/%s/%lld/", was.text, c->cfg->netbox_url, m->app, m->endpoint,
                (long long)x->netbox_id);
}

static bool may_write(const struct call *c, const json_t *body)
{
    return has_right(c, RIGHT_WRITE) || (c->rq->method == API_PATCH && image_alone(body));
}

/* id 0: a new one. The reason of a failure is in x. */
static int put_one(struct writing *x, int64_t id, const json_t *body, int64_t *ret_id)
{
    struct call *c = x->c;
    struct written w = {0};
    bool whole = c->rq->method == API_PUT;
    if (!may_write(c, body))
        return err_set(&x->e, ERR_REFUSED, "You do not have permission to perform this action.");
    int rc = id ? record_update(c->store, &c->who, x->m, id, body, whole, &w, &x->faults, &x->e)
                : record_create(c->store, &c->who, x->m, body, &w, &x->faults, &x->e);
    if (rc) {
        name_netbox(c, x->m, &w, &x->e);
        return -1;
    }
    *ret_id = w.id;
    return image_write(c, &x->images, &w, &x->e);
}

static int delete_one(struct writing *x, int64_t id)
{
    struct call *c = x->c;
    struct written w = {0};
    if (!has_right(c, RIGHT_WRITE))
        return err_set(&x->e, ERR_REFUSED, "You do not have permission to perform this action.");
    if (!record_delete(c->store, &c->who, x->m, id, &w, &x->e))
        return 0;
    name_netbox(c, x->m, &w, &x->e);
    return -1;
}

static void answer_failed(struct writing *x)
{
    if (x->e.kind == ERR_NOT_FOUND)
        answer_missing(x->c, x->m->word);
    else
        answer_faults(x->c, &x->faults, &x->e);
}

static int begin(struct writing *x)
{
    if (!store_begin(x->c->store, &x->e))
        return 0;
    answer_err(x->c, &x->e);
    return -1;
}

/* The last word on all that was written. Not 0: undone, and answered. */
static int end(struct writing *x)
{
    if (!image_within(x->c, &x->images, &x->e) && !store_commit(x->c->store, &x->e))
        return 0;
    store_rollback(x->c->store);
    answer_err(x->c, &x->e);
    return -1;
}

/* ---- /api/APP/ENDPOINT/ID/ ---- */

/* Is `etag` in the list of If-Match? */
static bool listed(struct span list, const char *etag)
{
    size_t n = strlen(etag);
    for (size_t at = 0, to; at < list.n; at = to + 1) {
        for (to = at; to < list.n && list.p[to] != ',';)
            to++;
        while (at < to && list.p[at] == ' ')
            at++;
        size_t len = to - at;
        while (len && list.p[at + len - 1] == ' ')
            len--;
        if (len == n && !memcmp(list.p + at, etag, n))
            return true;
    }
    return false;
}

/* In the transaction of the write, so that nobody comes in between. */
static bool precondition(struct writing *x)
{
    int64_t updated_ms;
    char etag[ETAG_SIZE];
    struct call *c = x->c;
    int known = record_known(c->store, &c->who, x->m, c->id, &updated_ms, &x->e);
    if (known < 0) {
        answer_err(c, &x->e);
    } else if (!known) {
        answer_missing(c, x->m->word);
    } else if (c->rq->if_match.n && !span_eq(c->rq->if_match, span_str("*")) &&
               !listed(c->rq->if_match, etag_of(updated_ms, etag))) {
        answer_detail(c, 412, "Precondition failed.");
        api_header(c->rs, "ETag", etag);
    } else {
        return true;
    }
    return false;
}

static bool is_object(struct call *c)
{
    if (json_is_object(c->body))
        return true;
    answer_field(c, "__all__", "Invalid data. Expected a dictionary, but got %s.",
                 c->body ? "list" : "nothing");
    return false;
}

void write_detail(struct call *c)
{
    struct writing x = {.c = c, .m = c->route->model};
    bool gone = c->rq->method == API_DELETE;
    if ((!gone && !is_object(c)) || begin(&x))
        return;
    if (!precondition(&x)) {
        store_rollback(c->store);
    } else if (gone ? delete_one(&x, c->id) : put_one(&x, c->id, c->body, &c->id)) {
        store_rollback(c->store);
        answer_failed(&x);
    } else if (!end(&x)) {
        if (gone)
            answer_empty(c, 204);
        else
            answer_object(c, 200, c->id);
    }
    faults_free(&x.faults);
}

/* ---- /api/APP/ENDPOINT/ with one object ---- */

static void create_one(struct call *c)
{
    struct str url = {0};
    int64_t id = 0;
    struct writing x = {.c = c, .m = c->route->model};
    if (begin(&x))
        return;
    json_t *empty = c->body ? NULL : json_object();
    int rc = put_one(&x, 0, c->body ? c->body : empty, &id);
    json_decref(empty);
    if (rc) {
        store_rollback(c->store);
        answer_failed(&x);
    } else if (!end(&x)) {
        answer_object(c, 201, id);
        str_addf(&url, "%s/api/%s/%s/%lld/", c->rq->base_url, x.m->app, x.m->endpoint, (long long)id);
        api_header(c->rs, "Location", url.s);
        str_free(&url);
    }
    faults_free(&x.faults);
}

/* ---- many at once ---- */

void answer_too_many(struct call *c)
{
    answer_detail(c, 400, "%zu objects in one request, and %d are the most.", json_array_size(c->body),
                  WRITE_MAX);
}

struct many {
    struct writing x;
    int64_t *ids; /* of the objects, in the order of the request */
    size_t n, failed, missing;
    struct str errors; /* what was wrong, as JSON */
    struct jsonw w;
};

/* {"index": 2, "errors": or {"id": 5, "errors": */
static void open_fault(struct many *all, const char *by, int64_t which)
{
    all->failed++;
    jsonw_open(&all->w, '{');
    jsonw_key(&all->w, by), jsonw_int(&all->w, which);
    jsonw_key(&all->w, "errors");
}

static void add_one_fault(struct jsonw *w, const char *field, const char *sentence)
{
    jsonw_open(w, '{'), jsonw_key(w, field), jsonw_open(w, '[');
    jsonw_str(w, sentence);
    jsonw_close(w, ']'), jsonw_close(w, '}');
}

/* True: the fault is one object's, is noted down, and the others are looked at too. */
static bool note_fault(struct many *all, size_t i)
{
    char sentence[64];
    struct writing *x = &all->x;
    bool made = x->c->rq->method == API_POST;
    if (x->e.kind != ERR_NOT_FOUND && (x->e.kind != ERR_INPUT || !x->faults.n))
        return false;
    open_fault(all, made ? "index" : "id", made ? (int64_t)i : all->ids[i]);
    if (x->e.kind == ERR_NOT_FOUND) {
        all->missing++;
        snprintf(sentence, sizeof sentence, "Object with ID %lld does not exist", (long long)all->ids[i]);
        add_one_fault(&all->w, "id", sentence);
    } else {
        add_faults(&all->w, &x->faults);
    }
    jsonw_close(&all->w, '}');
    return true;
}

/* Not 0: answered. */
static int write_item(struct many *all, size_t i, const json_t *item)
{
    struct writing *x = &all->x;
    int64_t id = all->ids[i];
    faults_free(&x->faults);
    x->e = (struct err){0};
    int rc = x->c->rq->method == API_DELETE ? delete_one(x, id) : put_one(x, id, item, &all->ids[i]);
    if (!rc || note_fault(all, i))
        return 0;
    if (x->e.kind != ERR_REFUSED)
        err_prefix(&x->e, "object %zu", i + 1);
    answer_err(x->c, &x->e);
    return -1;
}

static void answer_faulty(struct many *all, const char *what)
{
    struct jsonw w = answer_open(all->x.c, 400);
    jsonw_open(&w, '{');
    jsonw_key(&w, "detail"), jsonw_strf(&w, "%zu of %zu objects %s.", all->failed, all->n, what);
    jsonw_key(&w, "errors"), jsonw_open(&w, '[');
    jsonw_raw(&w, all->errors.s, all->errors.len);
    jsonw_close(&w, ']'), jsonw_close(&w, '}');
    snprintf(all->x.c->rs->note, sizeof all->x.c->rs->note, "%zu of %zu objects %s", all->failed, all->n,
             what);
}

static void read_id(struct many *all, size_t i, const json_t *item)
{
    const json_t *id = json_object_get(item, "id");
    if (json_is_object(item) && (all->x.c->rq->method == API_POST || json_integer_value(id) > 0)) {
        all->ids[i] = all->x.c->rq->method == API_POST ? 0 : json_integer_value(id);
        return;
    }
    open_fault(all, "index", (int64_t)i);
    if (!json_is_object(item))
        add_one_fault(&all->w, "__all__", "Invalid data. Expected a dictionary.");
    else
        add_one_fault(&all->w, "id", id ? "A valid integer is required." : "This field is required.");
    jsonw_close(&all->w, '}');
}

/* Every object is one, and says which it is. */
static bool read_ids(struct many *all)
{
    size_t i;
    const json_t *item;
    json_array_foreach(all->x.c->body, i, item)
    {
        read_id(all, i, item);
    }
    if (all->failed)
        answer_faulty(all, "failed validation");
    return !all->failed;
}

static void answer_written(struct many *all)
{
    struct call *c = all->x.c;
    int64_t updated_ms;
    struct err e = {0};
    if (c->rq->method == API_DELETE) {
        answer_empty(c, 204);
        return;
    }
    struct jsonw w = answer_open(c, c->rq->method == API_POST ? 201 : 200);
    jsonw_open(&w, '[');
    for (size_t i = 0; i < all->n; i++) {
        if (add_object(c, &w, all->x.m, all->ids[i], &updated_ms, &e)) {
            answer_err(c, &e);
            return;
        }
    }
    jsonw_close(&w, ']');
}

static const char *verb_of(enum api_method m)
{
    return m == API_POST     ? "could not be created"
           : m == API_DELETE ? "could not be deleted"
                             : "could not be updated";
}

static void write_items(struct many *all)
{
    struct call *c = all->x.c;
    size_t i;
    const json_t *item;
    if (begin(&all->x))
        return;
    json_array_foreach(c->body, i, item)
    {
        if (write_item(all, i, item)) {
            store_rollback(c->store);
            return;
        }
    }
    if (all->failed) {
        store_rollback(c->store);
        answer_faulty(all, all->missing ? "could not be found" : verb_of(c->rq->method));
    } else if (!end(&all->x)) {
        answer_written(all);
    }
}

static void write_many(struct call *c)
{
    if (json_array_size(c->body) > WRITE_MAX) {
        answer_too_many(c);
        return;
    }
    struct many all = {.x = {.c = c, .m = c->route->model}, .n = json_array_size(c->body)};
    all.ids = xcalloc(all.n, sizeof *all.ids);
    all.w.out = &all.errors;
    if (read_ids(&all))
        write_items(&all);
    faults_free(&all.x.faults);
    str_free(&all.errors);
    free(all.ids);
}

void write_list(struct call *c)
{
    if (json_is_array(c->body))
        write_many(c);
    else if (c->rq->method == API_POST)
        create_one(c);
    else
        answer_detail(c, 400, "Expected a list of objects, but no data was submitted.");
}

/* api: see api.h. From the request to the handler of its path: what holds for every path is done here, in the
 * order in which NetBox does it, so that each mistake gets the answer that its clients expect. */
#include "api/call.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one request's JSON: two hundred for each of WRITE_MAX objects. Read, a value takes a hundred times the
 * room that it has in the text, and each may be looked up while nobody else can write. */
#define VALUES_MAX 200000

/* The paths of the records are made once. */
struct record_route {
    struct route route;
    char pattern[ROUTE_PATTERN];
};
struct api {
    struct store *store;
    struct api_config cfg;
    struct leases *leases;                        /* opened when first asked for */
    struct record_route records[2 * MODEL_COUNT]; /* list and detail of each model */
};

struct api *api_new(struct store *s, const struct api_config *cfg)
{
    struct api *a = xcalloc(1, sizeof *a);

    a->store = s;
    a->cfg = *cfg;
    for (size_t i = 0; i < MODEL_COUNT; i++) {
        struct record_route *list = &a->records[2 * i], *detail = list + 1;
        list->route = record_list_route(model_get((enum model_id)i), list->pattern);
        detail->route = record_detail_route(model_get((enum model_id)i), detail->pattern);
    }
    return a;
}

void api_free(struct api *a)
{
    if (a)
        leases_close(a->leases);
    free(a);
}

struct leases *api_leases(struct api *a, struct err *e)
{
    if (!a->leases && leases_open(a->cfg.state_dir, false, &a->leases, e))
        a->leases = NULL;
    return a->leases;
}

/* ---- which path ---- */

/* Is the path, which is without its last slash, of this pattern? *ret_id: the number at {id}; -1 when what
 * stands there is none. Other braces hold any word, which the handler reads in the path. */
static bool matches(const char *pattern, const char *path, int64_t *ret_id)
{
    int64_t id = 0;
    for (; pattern[1]; pattern++) {
        if (*pattern != '{') {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        bool word = pattern[1] != 'i';
        size_t n = strcspn(path, word ? "/" : "/."), digits = strspn(path, "0123456789");
        if (!n)
            return false;
        id = word ? 0 : digits == n && n <= 18 ? strtoll(path, NULL, 10) : -1;
        path += n;
        pattern = strchr(pattern, '}');
    }
    if (!*path)
        *ret_id = id;
    return !*path;
}

static const struct route *const tables[] = {root_routes, ipam_routes, plugin_routes};

static const struct route *find_route(const struct api *a, const char *path, int64_t *ret_id)
{
    for (size_t i = 0; i < 2 * MODEL_COUNT; i++)
        if (matches(a->records[i].pattern, path, ret_id))
            return &a->records[i].route;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct route *r = tables[i]; r->pattern; r++)
            if (matches(r->pattern, path, ret_id))
                return r;
    return NULL;
}

void routes_each(const struct api *a, route_fn *fn, void *ctx)
{
    for (size_t i = 0; i < 2 * MODEL_COUNT; i++)
        fn(&a->records[i].route, ctx);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct route *r = tables[i]; r->pattern; r++)
            fn(r, ctx);
}

/* ---- who asks ---- */

static const char *refusal(enum api_token_answer a)
{
    static const char *const text[] = {
        [API_TOKEN_UNKNOWN] = "Invalid v2 token",
        [API_TOKEN_EXPIRED] = "Token expired",
        [API_TOKEN_REVOKED] = "Token disabled",
        [API_TOKEN_ELSEWHERE] = "Source IP is not permitted to authenticate using this token.",
    };
    return text[a];
}

/* False: answered. Always 403, as NetBox (it never says 401). */
static bool authenticate(struct call *c)
{
    struct err e = {0};
    enum api_token_answer a;
    struct span presented = api_token_presented(c->rq->authorization);
    if (!presented.n) {
        if (c->route->access != BY_ALL)
            answer_detail(c, 403, "Authentication credentials were not provided.");
        return c->route->access == BY_ALL;
    }
    if (api_token_check(c->store, presented, c->rq->peer, c->rq->at_ms, &a, &c->token, &e)) {
        answer_err(c, &e);
        return false;
    }
    if (a != API_TOKEN_GOOD) {
        bool v2 = presented.n > 4 && !memcmp(presented.p, "nbt_", 4);
        answer_detail(c, 403, "%s", a == API_TOKEN_UNKNOWN && !v2 ? "Invalid v1 token" : refusal(a));
        return false;
    }
    api_token_used(c->store, &c->token, c->rq->at_ms, NULL); /* a nicety: the answer does not wait on it */
    str_copy(c->rs->who, sizeof c->rs->who, c->token.name);
    snprintf(c->actor, sizeof c->actor, "api:%s", c->token.name);
    c->who = (struct who){.tenant_id = c->token.tenant_id, .actor = c->actor, .at_ms = c->rq->at_ms};
    return true;
}

static bool reads(const struct call *c)
{
    return c->rq->method & (API_GET | API_HEAD | API_OPTIONS);
}

static bool permitted(struct call *c)
{
    unsigned any = reads(c) ? RIGHT_READ : c->route->write_right ? c->route->write_right : RIGHT_WRITE;
    if (c->route->access != BY_RIGHT || (c->token.rights & any))
        return true;
    answer_denied(c);
    return false;
}

/* ---- what is asked ---- */

static unsigned allowed(const struct route *r)
{
    return r->methods | API_OPTIONS | (r->methods & API_GET ? API_HEAD : 0);
}

static void add_allow(struct call *c)
{
    struct str names = {0};
    for (enum api_method m = API_GET; m <= API_DELETE; m <<= 1)
        if (allowed(c->route) & m)
            str_addf(&names, "%s%s", names.len ? ", " : "", api_method_name(m));
    api_header(c->rs, "Allow", names.s);
    str_free(&names);
}

/* What may be written, and of which choices: pynetbox's `choices()` reads it. */
static void add_field(struct jsonw *w, const struct field *f)
{
    jsonw_key(w, f->name), jsonw_open(w, '{');
    jsonw_key(w, "type"), jsonw_str(w, f->choices ? "choice" : "field");
    jsonw_key(w, "required"), jsonw_bool(w, f->flags & FIELD_REQUIRED);
    jsonw_key(w, "read_only"), jsonw_bool(w, f->flags & FIELD_READ_ONLY);
    if (f->choices) {
        jsonw_key(w, "choices"), jsonw_open(w, '[');
        for (const struct choice *c = f->choices; c->value; c++) {
            jsonw_open(w, '{');
            jsonw_key(w, "value"), jsonw_str(w, c->value);
            jsonw_key(w, "display_name"), jsonw_str(w, c->label);
            jsonw_close(w, '}');
        }
        jsonw_close(w, ']');
    }
    jsonw_close(w, '}');
}

static void add_actions(struct jsonw *w, const struct route *r)
{
    jsonw_key(w, "actions"), jsonw_open(w, '{');
    jsonw_key(w, r->methods & API_POST ? "POST" : "PUT"), jsonw_open(w, '{');
    for (size_t i = 0; i < r->model->fields_n; i++)
        add_field(w, &r->model->fields[i]);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void answer_options(struct call *c)
{
    struct jsonw w = answer_open(c, 200);
    jsonw_open(&w, '{');
    jsonw_key(&w, "name"), jsonw_str(&w, c->route->pattern);
    jsonw_key(&w, "description"), jsonw_str(&w, "");
    jsonw_key(&w, "renders"), jsonw_open(&w, '['), jsonw_str(&w, "application/json"), jsonw_close(&w, ']');
    jsonw_key(&w, "parses"), jsonw_open(&w, '['), jsonw_str(&w, "application/json"), jsonw_close(&w, ']');
    if (c->route->model && (c->token.rights & RIGHT_WRITE))
        add_actions(&w, c->route);
    jsonw_close(&w, '}');
}

/* "application/json;" is one too: pynetbox 7.0.0 sends it so. */
static bool is_json(struct span type)
{
    static const char json[] = "application/json";
    size_t n = 0, len = 0;
    while (n < type.n && type.p[n] != ';')
        len = isspace(type.p[n++]) ? len : n;
    return !type.n || (len == sizeof json - 1 && !strncasecmp((const char *)type.p, json, len));
}

static bool blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isspace(s.p[i]))
            return false;
    return true;
}

/* How many values there are in the text at most: brackets and commas that are in no string. */
static size_t values_in(struct span json)
{
    size_t n = 1;
    bool in_string = false;
    for (size_t i = 0; i < json.n; i++) {
        if (json.p[i] == '"')
            in_string = !in_string;
        else if (in_string)
            i += json.p[i] == '\\';
        else
            n += json.p[i] == ',' || json.p[i] == '[' || json.p[i] == '{';
    }
    return n;
}

static bool read_body(struct call *c)
{
    static const char *const type[] = {
        [JSON_STRING] = "str", [JSON_INTEGER] = "int", [JSON_REAL] = "float",
        [JSON_TRUE] = "bool",  [JSON_FALSE] = "bool",  [JSON_NULL] = "NoneType"};
    json_error_t why;
    struct span b = c->rq->body;
    if (reads(c) || blank(b))
        return true;
    if (!is_json(c->rq->content_type)) {
        answer_detail(c, 415, "Unsupported media type \"%.*s\" in request.",
                      (int)(c->rq->content_type.n > 100 ? 100 : c->rq->content_type.n),
                      (const char *)c->rq->content_type.p);
        return false;
    }
    if (values_in(b) > VALUES_MAX) {
        answer_detail(c, 400, "More than %d values in one request; send it in parts.", VALUES_MAX);
        return false;
    }
    c->body = json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!c->body) {
        answer_detail(c, 400, "JSON parse error - %s: line %d column %d (char %d)", why.text, why.line,
                      why.column, why.position);
        return false;
    }
    if (json_is_object(c->body) || json_is_array(c->body))
        return true;
    answer_field(c, "__all__", "Invalid data. Expected a dictionary, but got %s.",
                 type[json_typeof(c->body)]);
    return false;
}

static bool read_query(struct call *c)
{
    struct err e = {0};
    if (!query_parse(c->rq->query, &c->query, &e))
        return true;
    answer_err(c, &e);
    return false;
}

static void dispatch(struct call *c)
{
    if (!authenticate(c) || !permitted(c))
        return;
    if (!(allowed(c->route) & c->rq->method)) {
        answer_detail(c, 405, "Method \"%s\" not allowed.", api_method_name(c->rq->method));
        add_allow(c);
    } else if (c->rq->method == API_OPTIONS) {
        answer_options(c);
        add_allow(c);
    } else if (c->id < 0) {
        answer_detail(c, 404, "Not found.");
    } else if (read_query(c) && read_body(c)) {
        c->route->answer(c);
    }
}

/* Django's APPEND_SLASH: who reads is sent to the path with its slash, who writes is not. */
static void redirect(struct call *c, const char *path)
{
    struct str to = {0};
    str_addf(&to, "%s/", path);
    if (c->rq->query.n) {
        str_add(&to, "?");
        str_addn(&to, c->rq->query.p, c->rq->query.n);
    }
    answer_html(c, 301, "Moved Permanently");
    api_header(c->rs, "Location", to.s);
    str_free(&to);
}

static void answer_path(struct call *c)
{
    char path[256];
    bool fits = c->rq->path.n && c->rq->path.n < sizeof path && !memchr(c->rq->path.p, '\0', c->rq->path.n);
    span_to_str(c->rq->path, path, sizeof path);
    size_t n = strlen(path);
    bool slash = fits && path[n - 1] == '/';
    if (slash)
        path[n - 1] = '\0';
    c->route = fits ? find_route(c->api, path, &c->id) : NULL;
    if (!c->route || (!slash && !reads(c))) {
        answer_html(c, 404, "Page Not Found | NetBox");
        return;
    }
    str_copy(c->rs->pattern, sizeof c->rs->pattern, c->route->pattern);
    if (slash)
        dispatch(c);
    else
        redirect(c, path);
}

void api_call(struct api *a, const struct api_request *q, struct api_response *ret)
{
    char id[UUID_STR], peer[IP4_STR];
    struct call c = {
        .api = a, .store = a->store, .cfg = &a->cfg, .rq = q, .rs = ret, .memory.base_url = q->base_url};
    store_asker(a->store, ip4_format(q->peer, peer));
    api_header(ret, "X-Request-ID", uuid_format(uuid_random(), id));
    api_header(ret, "API-Version", SPOKEN_API);
    api_header(ret, "Vary", "Cookie, Accept");
    answer_path(&c);
    json_decref(c.body);
    query_free(&c.query);
    render_free(&c.memory);
    store_asker(a->store, NULL);
}

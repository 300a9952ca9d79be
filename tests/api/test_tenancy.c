/* Tenancy, as an attacker would try it. The attacker holds every right of tenant `ops`; tenant `web` has one
 * object of each kind, whose texts all hold the word `zzsecret`. Whatever is asked for with a name, number or
 * address of web's gets the very answer that one gets who names a thing that never was; nothing that web has
 * is in any answer; and nothing of web's changes.
 */
#include "tests/api/client.h"

#include "inventory/model.h"

#define NEVER "987654321" /* a number that no object has */
#define P     "/api/plugins/rackstrap/"

static char admin[API_TOKEN_TEXT], ops[API_TOKEN_TEXT];

/* web's objects, ours, and those of nobody, by model; 0: there is none of that kind. */
static int64_t theirs[MODEL_COUNT], ours[MODEL_COUNT], shared[MODEL_COUNT];

static void as(const char *token)
{
    str_copy(cl.token, sizeof cl.token, token);
}

static char *path_of(enum model_id m, int64_t id, char buf[160])
{
    const struct model *x = model_get(m);
    if (id)
        snprintf(buf, 160, "/api/%s/%s/%lld/", x->app, x->endpoint, (long long)id);
    else
        snprintf(buf, 160, "/api/%s/%s/", x->app, x->endpoint);
    return buf;
}

static int64_t make(enum model_id m, const char *body)
{
    char path[160];
    if (call(API_POST, path_of(m, 0, path), body) != 201)
        fail_msg("%s %s: %d %s", path, body, cl.r.status, cl.r.body.s);
    return json_integer_value(at("id"));
}

#define L(n) ((long long)(n))

static int64_t makef(enum model_id m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int64_t makef(enum model_id m, const char *fmt, ...)
{
    struct str body = {0};
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(&body, fmt, ap);
    va_end(ap);
    int64_t id = make(m, body.s);
    str_free(&body);
    return id;
}

/* Of a tenant: a rack full of it. n tells the two apart; what is a word in all of its texts. */
static void fill(int64_t *of, const char *what, unsigned n)
{
    of[MODEL_LOCATION] =
        makef(MODEL_LOCATION, "{'name': '%s room', 'slug': '%s-room', 'site': %lld, 'tenant': %lld}", what,
              what, L(shared[MODEL_SITE]), L(of[MODEL_TENANT]));
    of[MODEL_SITE] =
        makef(MODEL_SITE, "{'name': '%s site', 'slug': '%s-site', 'tenant': %lld, 'facility': '%s'}", what,
              what, L(of[MODEL_TENANT]), what);
    of[MODEL_RACK] = makef(MODEL_RACK, "{'name': '%s rack', 'site': %lld, 'tenant': %lld, 'serial': '%s'}",
                           what, L(shared[MODEL_SITE]), L(of[MODEL_TENANT]), what);
    of[MODEL_DEVICE] = makef(
        MODEL_DEVICE,
        "{'name': '%s-hv', 'site': %lld, 'rack': %lld, 'role': %lld, 'device_type': %lld, 'tenant': %lld,"
        " 'serial': '%s-serial', 'asset_tag': '%s-asset', 'description': '%s', 'comments': '%s',"
        " 'custom_fields': {'team': '%s'}, 'tags': [{'slug': 'spare'}]}",
        what, L(shared[MODEL_SITE]), L(of[MODEL_RACK]), L(shared[MODEL_ROLE]), L(shared[MODEL_DEVICE_TYPE]),
        L(of[MODEL_TENANT]), what, what, what, what, what);
    of[MODEL_INTERFACE] =
        makef(MODEL_INTERFACE, "{'device': %lld, 'name': '%s-eno1', 'type': '1000base-t', 'label': '%s'}",
              L(of[MODEL_DEVICE]), what, what);
    of[MODEL_MAC] = makef(MODEL_MAC,
                          "{'mac_address': '52:54:00:00:00:%02x', 'assigned_object_type': 'dcim.interface', "
                          "'assigned_object_id': %lld,"
                          " 'description': '%s'}",
                          n, L(of[MODEL_INTERFACE]), what);
    of[MODEL_IP] = makef(
        MODEL_IP,
        "{'address': '10.77.0.%u/24', 'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld,"
        " 'tenant': %lld, 'dns_name': '%s.example', 'description': '%s'}",
        n, L(of[MODEL_INTERFACE]), L(of[MODEL_TENANT]), what, what);
    of[MODEL_PREFIX] = makef(MODEL_PREFIX, "{'prefix': '10.%u.0.0/24', 'tenant': %lld, 'description': '%s'}",
                             100 + n, L(of[MODEL_TENANT]), what);
    of[MODEL_NOTE] =
        makef(MODEL_NOTE,
              "{'assigned_object_type': 'dcim.device', 'assigned_object_id': %lld, 'comments': '%s note'}",
              L(of[MODEL_DEVICE]), what);
    char path[160];
    struct str body = {0};
    str_addf(&body, "{'primary_ip4': %lld}", L(of[MODEL_IP]));
    answers(200, API_PATCH, path_of(MODEL_DEVICE, of[MODEL_DEVICE], path), body.s);
    str_free(&body);
}

static int setup(void **state)
{
    client_open(state);
    str_copy(admin, sizeof admin, cl.token);
    put_release("rescue", "v1", DIGEST_2, T0 - 1);
    theirs[MODEL_TENANT] = make(MODEL_TENANT, "{'name': 'zzsecret tenant', 'slug': 'zzsecret-tenant'}");
    ours[MODEL_TENANT] = make(MODEL_TENANT, "{'name': 'Ops', 'slug': 'ops'}");
    shared[MODEL_SITE] = make(MODEL_SITE, "{'name': 'Paris 1', 'slug': 'par1'}");
    shared[MODEL_RACK] = makef(MODEL_RACK, "{'name': 'R0', 'site': %lld}", L(shared[MODEL_SITE]));
    shared[MODEL_LOCATION] =
        makef(MODEL_LOCATION, "{'name': 'Hall', 'slug': 'hall', 'site': %lld}", L(shared[MODEL_SITE]));
    shared[MODEL_PREFIX] = make(MODEL_PREFIX, "{'prefix': '10.77.0.0/24'}");
    shared[MODEL_MANUFACTURER] = make(MODEL_MANUFACTURER, "{'name': 'Dell', 'slug': 'dell'}");
    shared[MODEL_DEVICE_TYPE] =
        makef(MODEL_DEVICE_TYPE, "{'manufacturer': %lld, 'model': 'R640', 'slug': 'r640'}",
              L(shared[MODEL_MANUFACTURER]));
    shared[MODEL_ROLE] = make(MODEL_ROLE, "{'name': 'Compute', 'slug': 'compute'}");
    shared[MODEL_PLATFORM] = make(MODEL_PLATFORM, "{'name': 'Debian', 'slug': 'debian'}");
    shared[MODEL_TAG] = make(MODEL_TAG, "{'name': 'Spare', 'slug': 'spare'}");
    shared[MODEL_CUSTOM_FIELD] =
        make(MODEL_CUSTOM_FIELD, "{'name': 'team', 'type': 'text', 'object_types': ['dcim.device']}");
    fill(theirs, "zzsecret", 66);
    fill(ours, "mine", 11);
    /* Something that happened to web's device, and a job of it. */
    struct str body = {0};
    str_addf(&body, "{'device': %lld, 'image': 'rescue'}", L(theirs[MODEL_DEVICE]));
    answers(201, API_POST, P "assignments/", body.s);
    str_free(&body);
    client_token("ops", RIGHT_READ | RIGHT_WRITE | RIGHT_ASSIGN, "ops", ops);
    as(ops);
    return 0;
}

/* ---- the same answer ---- */

static void replace(struct str *out, const char *text, const char *what, const char *by)
{
    for (const char *hit; (hit = *what ? strstr(text, what) : NULL); text = hit + strlen(what)) {
        str_addn(out, text, (size_t)(hit - text));
        str_add(out, by);
    }
    str_add(out, text);
}

/* The answer, with either word as #: what else may be a number of that kind is the same in both. */
static void blank_out(struct str *out, const char *never, const char *secret)
{
    struct str half = {0};
    replace(&half, cl.r.body.len ? cl.r.body.s : "", never, "#");
    replace(out, half.s ? half.s : "", secret, "#");
    str_free(&half);
}

/* A URL's and a body's %s become web's word or a word that nobody has. The answers must be the same but for
 * that word. */
static void same(enum api_method method, const char *url, const char *body, const char *secret,
                 const char *never)
{
    struct str u = {0}, b = {0}, first = {0}, second = {0};
    int status[2];
    for (int i = 0; i < 2; i++) {
        str_reset(&u), str_reset(&b);
        replace(&u, url, "%s", i ? never : secret);
        replace(&b, body ? body : "", "%s", i ? never : secret);
        status[i] = call(method, u.s, b.len ? b.s : NULL);
        blank_out(i ? &second : &first, never, secret);
        if (i == 0 && cl.r.body.len && strcmp(secret, "zzsecret") != 0 && !strstr(secret, "zzsecret") &&
            strstr(cl.r.body.s, "zzsecret"))
            fail_msg("%s %s: it says %s", url, b.s ? b.s : "", cl.r.body.s);
    }
    if (status[0] != status[1] || strcmp(first.s, second.s) != 0)
        fail_msg("%s %s with %s: %d %s\nwith %s: %d %s", url, body ? body : "", secret, status[0], first.s,
                 never, status[1], second.s);
    str_free(&u), str_free(&b), str_free(&first), str_free(&second);
}

static void quiet(const char *url)
{
    call(API_GET, url, NULL);
    if (cl.r.body.len && strstr(cl.r.body.s, "zzsecret"))
        fail_msg("%s says %s", url, cl.r.body.s);
}

/* What an administrator sees of web's things: the same before and after an attack, but for who counts what.
 */
static char *web_things(void)
{
    struct str all = {0};
    char path[160];
    as(admin);
    for (size_t m = 0; m < MODEL_COUNT; m++)
        if (theirs[m]) {
            call(API_GET, path_of((enum model_id)m, theirs[m], path), NULL);
            str_addf(&all, "%s: %d %s\n", path, cl.r.status, cl.r.body.s);
        }
    call(API_GET, P "jobs/", NULL);
    str_addf(&all, "%s\n", cl.r.body.s);
    as(ops);
    return str_take(&all);
}

static void unchanged(char *before, const char *after_what)
{
    char *after = web_things();
    if (strcmp(before, after) != 0)
        fail_msg("%s changed web's things from\n%s\nto\n%s", after_what, before, after);
    free(before);
    free(after);
}

/* ---- reading ---- */

static void test_lists_and_details(void **state)
{
    (void)state;
    char path[160], url[300], id[32];
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        const struct model *x = model_get((enum model_id)m);
        path_of((enum model_id)m, 0, path);
        for (size_t i = 0; i < x->fields_n; i++) {
            snprintf(url, sizeof url, "%s?limit=0&fields=%s", path, x->fields[i].name);
            quiet(url);
            snprintf(url, sizeof url, "%s?ordering=-%s&limit=1&offset=1", path, x->fields[i].name);
            quiet(url);
        }
        const char *const more[] = {"limit=0", "brief=1", "start=1", "q=zzs",
                                    "limit=0&exclude=config_context"};
        for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
            snprintf(url, sizeof url, "%s?%s", path, more[i]);
            quiet(url);
        }
        if (!theirs[m])
            continue;
        snprintf(url, sizeof url, "%s%%s/", path);
        snprintf(id, sizeof id, "%lld", L(theirs[m]));
        same(API_GET, url, NULL, id, NEVER);
        answers(404, API_GET, path_of((enum model_id)m, theirs[m], path), NULL);
        if (ours[m])
            answers(200, API_GET, path_of((enum model_id)m, ours[m], path), NULL);
    }
}

/* What web's object has, that a filter of this kind could ask for. */
static const char *const secrets[][2] = {
    {"zzsecret", "qqnobody"},
    {"zzsecret-hv", "qqnobody-hv"},
    {"zzsecret-site", "qqnobody-site"},
    {"zzsecret-tenant", "qqnobody-tenant"},
    {"zzsecret-room", "qqnobody-room"},
    {"zzsecret-asset", "qqnobody-asset"},
    {"zzsecret.example", "qqnobody.example"},
    {"zzsecret rack", "qqnobody rack"},
    {"52:54:00:00:00:42", "52:54:00:00:00:99"},
    {"10.77.0.66/24", "10.77.0.200/24"},
    {"10.77.0.66", "10.77.0.200"},
    {"10.166.0.0/24", "10.199.0.0/24"},
};

static void test_every_filter(void **state)
{
    (void)state;
    char path[160], url[300], id[32];
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        const struct model *x = model_get((enum model_id)m);
        path_of((enum model_id)m, 0, path);
        for (size_t i = 0; i < x->filters_n; i++)
            for (int op = 0; op < OP_COUNT; op++) {
                if (!(filter_ops(&x->filters[i]) & 1u << op))
                    continue;
                snprintf(url, sizeof url, "%s?limit=0&%s%s=%%s", path, x->filters[i].name,
                         op_suffix((enum filter_op)op));
                for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++)
                    if (op < OP_LT) /* of more and less a text that is not there has a place too */
                        same(API_GET, url, NULL, secrets[k][0], secrets[k][1]);
                for (size_t t = 0; t < MODEL_COUNT; t++) {
                    snprintf(id, sizeof id, "%lld", L(theirs[t]));
                    /* A number may be one of ours, of another kind. */
                    bool refers = x->filters[i].kind == FILTER_REF || x->filters[i].kind == FILTER_TREE;
                    bool is_id = !strcmp(x->filters[i].name, "id") && t == m;
                    if (theirs[t] && (op == OP_IS || op == OP_N) &&
                        (is_id || (refers && x->filters[i].to == t)))
                        same(API_GET, url, NULL, id, NEVER);
                }
            }
        snprintf(url, sizeof url, "%s?cf_team=%%s", path);
        same(API_GET, url, NULL, "zzsecret", "qqnobody");
    }
}

static void test_counts(void **state)
{
    (void)state;
    char path[160];
    answers(200, API_GET, path_of(MODEL_SITE, shared[MODEL_SITE], path), NULL);
    is("device_count", "1");
    is("rack_count", "2"); /* ours and nobody's */
    answers(200, API_GET, path_of(MODEL_DEVICE_TYPE, shared[MODEL_DEVICE_TYPE], path), NULL);
    is("device_count", "1");
    answers(200, API_GET, path_of(MODEL_ROLE, shared[MODEL_ROLE], path), NULL);
    is("device_count", "1");
    answers(200, API_GET, path_of(MODEL_TAG, shared[MODEL_TAG], path), NULL);
    if (at("tagged_items"))
        is("tagged_items", "1");
    answers(200, API_GET, "/api/dcim/devices/", NULL);
    is("count", "1");
    answers(200, API_GET, "/api/tenancy/tenants/", NULL);
    is("count", "1");
    answers(200, API_GET, "/api/ipam/prefixes/", NULL);
    is("count", "2");
}

static void test_what_is_ours_alone(void **state)
{
    (void)state;
    static const char *const urls[] = {P "jobs/",
                                       P "assignments/",
                                       P "events/?limit=0",
                                       P "leases/",
                                       P "images/",
                                       P "releases/",
                                       "/api/",
                                       "/api/status/",
                                       "/api/extras/object-changes/",
                                       "/api/schema/?format=json"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        quiet(urls[i]);
    answers(200, API_GET, P "jobs/", NULL);
    is("count", "0");
    answers(404, API_GET, P "jobs/1/", NULL);
    answers(404, API_DELETE, P "jobs/1/", NULL);
    answers(200, API_GET, P "images/", NULL);
    is("results.0.device_count", "0");
}

/* ---- writing ---- */

static void test_foreign_ids(void **state)
{
    (void)state;
    char path[160], url[200], id[32];
    char *before = web_things();
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        if (!theirs[m])
            continue;
        snprintf(url, sizeof url, "%s%%s/", path_of((enum model_id)m, 0, path));
        snprintf(id, sizeof id, "%lld", L(theirs[m]));
        same(API_PATCH, url, "{'description': 'x'}", id, NEVER);
        same(API_PATCH, url, "{}", id, NEVER);
        same(API_PUT, url, "{}", id, NEVER);
        same(API_DELETE, url, NULL, id, NEVER);
        cl.if_match = "W/\"2026-11-21T10:00:00.000000Z\"";
        same(API_PATCH, url, "{'description': 'x'}", id, NEVER);
        cl.if_match = "*";
        same(API_DELETE, url, NULL, id, NEVER);
        cl.if_match = NULL;
        same(API_PATCH, path, "[{'id': %s, 'description': 'x'}]", id, NEVER);
        same(API_PUT, path, "[{'id': %s, 'name': 'x'}]", id, NEVER);
        same(API_DELETE, path, "[{'id': %s}]", id, NEVER);
    }
    unchanged(before, "writing to its numbers");
}

static void test_references(void **state)
{
    (void)state;
    char path[160], id[32];
    struct str body = {0};
    char *before = web_things();
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        const struct model *x = model_get((enum model_id)m);
        for (size_t i = 0; i < x->fields_n && ours[m]; i++) {
            const struct field *f = &x->fields[i];
            if (f->kind != FIELD_REF || !theirs[f->to])
                continue;
            snprintf(id, sizeof id, "%lld", L(theirs[f->to]));
            str_reset(&body);
            str_addf(&body, "{'%s': %%s}", f->name);
            same(API_PATCH, path_of((enum model_id)m, ours[m], path), body.s, id, NEVER);
            if (!(f->flags & FIELD_READ_ONLY) && cl.r.status < 400)
                fail_msg("%s took %s", path, body.s);
            same(API_POST, path_of((enum model_id)m, 0, path), body.s, id, NEVER);
            str_reset(&body);
            str_addf(&body, "{'%s': {'id': %%s}}", f->name);
            same(API_PATCH, path_of((enum model_id)m, ours[m], path), body.s, id, NEVER);
            str_reset(&body);
            str_addf(&body, "{'%s': {'slug': '%%s'}}", f->name);
            same(API_PATCH, path_of((enum model_id)m, ours[m], path), body.s,
                 f->to == MODEL_TENANT ? "zzsecret-tenant" : "zzsecret-site", "qqnobody");
            str_reset(&body);
            str_addf(&body, "{'%s': {'name': '%%s'}}", f->name);
            same(API_PATCH, path_of((enum model_id)m, ours[m], path), body.s, "zzsecret-hv", "qqnobody-hv");
        }
    }
    str_free(&body);
    unchanged(before, "referring to it");
}

/* Fields that refer by type and number. */
static void test_generic_references(void **state)
{
    (void)state;
    char path[160], id[32];
    char *before = web_things();
    snprintf(id, sizeof id, "%lld", L(theirs[MODEL_INTERFACE]));
    same(API_PATCH, path_of(MODEL_MAC, ours[MODEL_MAC], path),
         "{'assigned_object_type': 'dcim.interface', 'assigned_object_id': %s}", id, NEVER);
    same(API_PATCH, path_of(MODEL_IP, ours[MODEL_IP], path),
         "{'assigned_object_type': 'dcim.interface', 'assigned_object_id': %s}", id, NEVER);
    same(API_PATCH, path_of(MODEL_MAC, ours[MODEL_MAC], path), "{'assigned_object_id': %s}", id, NEVER);
    same(API_POST, "/api/dcim/mac-addresses/",
         "{'mac_address': '52:54:00:00:00:98', 'assigned_object_type': 'dcim.interface', "
         "'assigned_object_id': %s}",
         id, NEVER);
    same(API_POST, "/api/ipam/ip-addresses/",
         "{'address': '10.77.0.98/24', 'assigned_object_type': 'dcim.interface', 'assigned_object_id': %s}",
         id, NEVER);
    snprintf(id, sizeof id, "%lld", L(theirs[MODEL_DEVICE]));
    same(API_POST, "/api/extras/journal-entries/",
         "{'assigned_object_type': 'dcim.device', 'assigned_object_id': %s, 'comments': 'x'}", id, NEVER);
    same(API_POST, P "assignments/", "{'device': %s, 'image': 'rescue', 'replace': true}", id, NEVER);
    same(API_POST, P "assignments/", "{'device': '%s', 'image': 'rescue'}", "zzsecret-hv", "qqnobody-hv");
    snprintf(id, sizeof id, "%lld", L(theirs[MODEL_SITE]));
    same(API_PATCH, path_of(MODEL_PREFIX, ours[MODEL_PREFIX], path),
         "{'scope_type': 'dcim.site', 'scope_id': %s}", id, NEVER);
    snprintf(id, sizeof id, "%lld", L(theirs[MODEL_MAC]));
    same(API_PATCH, path_of(MODEL_INTERFACE, ours[MODEL_INTERFACE], path), "{'primary_mac_address': %s}", id,
         NEVER);
    snprintf(id, sizeof id, "%lld", L(theirs[MODEL_PREFIX]));
    same(API_GET, "/api/ipam/prefixes/%s/available-ips/", NULL, id, NEVER);
    same(API_POST, "/api/ipam/prefixes/%s/available-ips/", "{}", id, NEVER);
    unchanged(before, "referring to it by type and number");
}

/* One foreign number among ours: nothing of it is done. */
static void test_bulk(void **state)
{
    (void)state;
    char path[160];
    struct str body = {0};
    char *before = web_things();
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        if (!theirs[m] || !ours[m])
            continue;
        path_of((enum model_id)m, 0, path);
        str_reset(&body);
        str_addf(&body, "[{'id': %lld, 'description': 'bulk'}, {'id': %lld, 'description': 'bulk'}]",
                 L(ours[m]), L(theirs[m]));
        assert_true(call(API_PATCH, path, body.s) >= 400);
        str_reset(&body);
        str_addf(&body, "[{'id': %lld}, {'id': %lld}]", L(ours[m]), L(theirs[m]));
        assert_true(call(API_DELETE, path, body.s) >= 400);
        answers(200, API_GET, path_of((enum model_id)m, ours[m], path), NULL);
        if (at("description") && !strcmp(json_string_value(at("description")), "bulk"))
            fail_msg("half of a bulk was done: %s", cl.r.body.s);
    }
    str_reset(&body);
    str_addf(&body,
             "[{'id': %lld, 'custom_fields': {'image': 'rescue'}}, {'id': %lld, 'custom_fields': {'image': "
             "'rescue'}}]",
             L(ours[MODEL_DEVICE]), L(theirs[MODEL_DEVICE]));
    assert_true(call(API_PATCH, "/api/dcim/devices/", body.s) >= 400);
    answers(200, API_GET, P "jobs/", NULL);
    is("count", "0");
    str_free(&body);
    unchanged(before, "a bulk");
}

/* Names, MAC and IP addresses are unique in the whole inventory, so that they are taken shows; by whom does
 * not. */
static void test_taken(void **state)
{
    (void)state;
    static const struct {
        enum model_id m;
        const char *body;
    } rows[] = {
        {MODEL_DEVICE, "{'name': 'zzsecret-hv', 'site': 1, 'role': 1, 'device_type': 1}"},
        {MODEL_MAC, "{'mac_address': '52:54:00:00:00:42'}"},
        {MODEL_IP, "{'address': '10.77.0.66/24'}"},
        {MODEL_IP, "{'address': '10.77.0.66/16'}"},
        {MODEL_PREFIX, "{'prefix': '10.166.0.0/24'}"},
        {MODEL_SITE, "{'name': 'x', 'slug': 'zzsecret-site'}"},
        {MODEL_TENANT, "{'name': 'x', 'slug': 'zzsecret-tenant'}"},
    };
    char path[160];
    char *before = web_things();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str said = {0};
        assert_true(call(API_POST, path_of(rows[i].m, 0, path), rows[i].body) >= 400);
        /* What was sent may come back. */
        replace(&said, cl.r.body.s, rows[i].m == MODEL_DEVICE ? "zzsecret-hv" : "\1", "");
        if (strstr(said.s, "zzsecret") && !strstr(rows[i].body, "zzsecret"))
            fail_msg("%s: %s", rows[i].body, said.s);
        str_free(&said);
    }
    unchanged(before, "taking its names");
}

/* DHCP follows the longest prefix: in one that is laid over others' machines they would be given a gateway.
 */
static void test_gateway_of_others(void **state)
{
    (void)state;
    static const char *const over[] = {
        "{'prefix': '10.77.0.0/25', 'custom_fields': {'gateway': '10.77.0.1'}}",  /* in a shared one */
        "{'prefix': '10.77.0.66/32'}",                                            /* over an address */
        "{'prefix': '10.166.0.128/25', 'status': 'reserved'}",                    /* in another tenant's */
        "{'prefix': '10.166.0.0/16', 'custom_fields': {'gateway': '10.166.0.1'}}" /* around it */
    };
    char *before = web_things(), path[160];
    for (size_t i = 0; i < sizeof over / sizeof *over; i++)
        answers(400, API_POST, "/api/ipam/prefixes/", over[i]);
    unchanged(before, "others' prefixes");
    int64_t own =
        make(MODEL_PREFIX, "{'prefix': '10.200.0.0/24', 'custom_fields': {'gateway': '10.200.0.1'}}");
    path_of(MODEL_PREFIX, own, path);
    answers(200, API_PATCH, path, "{'custom_fields': {'gateway': '10.200.0.2'}}");
    answers(400, API_PATCH, path, "{'prefix': '10.77.0.0/25', 'custom_fields': {'gateway': null}}");
    answers(204, API_DELETE, path, NULL);
    int64_t room = make(MODEL_PREFIX, "{'prefix': '10.77.0.0/26', 'status': 'container'}");
    path_of(MODEL_PREFIX, room, path);
    answers(400, API_PATCH, path, "{'status': 'active'}");
    answers(204, API_DELETE, path, NULL);
}

static void test_own_devices_stay_ours(void **state)
{
    (void)state;
    char path[160];
    path_of(MODEL_DEVICE, ours[MODEL_DEVICE], path);
    assert_true(call(API_PATCH, path, "{'tenant': null}") >= 400);
    assert_true(call(API_PATCH, path, "{'tenant': {'slug': 'zzsecret-tenant'}}") >= 400);
    answers(200, API_GET, path, NULL);
    is("tenant.slug", "'ops'");
    /* What is made is ours, whatever is said. */
    answers(201, API_POST, "/api/dcim/devices/", "{'name': 'new', 'site': 1, 'role': 1, 'device_type': 1}");
    is("tenant.slug", "'ops'");
    assert_true(call(API_POST, "/api/dcim/devices/",
                     "{'name': 'new2', 'site': 1, 'role': 1, 'device_type': 1, 'tenant': null}") == 201
                    ? !strcmp(json_string_value(at("tenant.slug")), "ops")
                    : cl.r.status >= 400);
}

/* An administrator moves a device: from then on it is the other's, with all that is in it. */
static void test_moved(void **state)
{
    (void)state;
    char path[160], url[200];
    struct str body = {0};
    as(admin);
    str_addf(&body, "{'tenant': %lld, 'rack': null}", L(ours[MODEL_TENANT]));
    answers(200, API_PATCH, path_of(MODEL_DEVICE, theirs[MODEL_DEVICE], path), body.s);
    str_free(&body);
    as(ops);
    answers(200, API_GET, path, NULL);
    answers(200, API_GET, path_of(MODEL_INTERFACE, theirs[MODEL_INTERFACE], path), NULL);
    answers(200, API_GET, path_of(MODEL_MAC, theirs[MODEL_MAC], path), NULL);
    snprintf(url, sizeof url, P "jobs/?device_id=%lld", L(theirs[MODEL_DEVICE]));
    answers(200, API_GET, url, NULL);
    is("count", "1");
    as(admin);
    client_token("web", RIGHT_READ, "zzsecret-tenant", cl.token);
    answers(404, API_GET, path_of(MODEL_DEVICE, theirs[MODEL_DEVICE], path), NULL);
    answers(404, API_GET, path_of(MODEL_INTERFACE, theirs[MODEL_INTERFACE], path), NULL);
    answers(200, API_GET, P "jobs/", NULL);
    is("count", "0");
    answers(200, API_GET, P "events/", NULL);
    is("count", "0");
}

static void test_catalogue_is_not_a_tenant_s_to_change(void **state)
{
    (void)state;
    static const struct {
        enum model_id m;
        const char *body;
    } rows[] = {
        {MODEL_MANUFACTURER, "{'name': 'x', 'slug': 'x'}"},
        {MODEL_DEVICE_TYPE, "{'manufacturer': 1, 'model': 'x', 'slug': 'x'}"},
        {MODEL_ROLE, "{'name': 'x', 'slug': 'x'}"},
        {MODEL_PLATFORM, "{'name': 'x', 'slug': 'x'}"},
        {MODEL_TAG, "{'name': 'x', 'slug': 'x'}"},
        {MODEL_CUSTOM_FIELD, "{'name': 'x', 'type': 'text', 'object_types': ['dcim.device']}"},
    };
    char path[160];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answers(403, API_POST, path_of(rows[i].m, 0, path), rows[i].body);
        path_of(rows[i].m, shared[rows[i].m], path);
        answers(200, API_GET, path, NULL);
        answers(403, API_PATCH, path, "{'description': 'x'}");
        answers(403, API_DELETE, path, NULL);
    }
    /* Nor is what is nobody's. */
    const enum model_id nobodys[] = {MODEL_SITE, MODEL_RACK, MODEL_LOCATION, MODEL_PREFIX};
    for (size_t i = 0; i < sizeof nobodys / sizeof *nobodys; i++) {
        path_of(nobodys[i], shared[nobodys[i]], path);
        answers(403, API_PATCH, path, "{'description': 'x'}");
        answers(403, API_PATCH, path, "{'tenant': {'slug': 'ops'}}");
        answers(403, API_DELETE, path, NULL);
    }
}

/* ---- tokens ---- */

static void test_rights(void **state)
{
    (void)state;
    char reader[API_TOKEN_TEXT], writer[API_TOKEN_TEXT], path[160];
    as(admin);
    client_token("reader", RIGHT_READ, "ops", reader);
    client_token("writer", RIGHT_READ | RIGHT_WRITE, "ops", writer);
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        as(reader);
        answers(403, API_POST, path_of((enum model_id)m, 0, path), "{}");
        answers(403, API_PATCH, path, "[]");
        answers(403, API_DELETE, path, "[]");
        if (!ours[m])
            continue;
        answers(403, API_PATCH, path_of((enum model_id)m, ours[m], path), "{}");
        answers(403, API_PUT, path, "{}");
        answers(403, API_DELETE, path, NULL);
    }
    answers(403, API_POST, P "assignments/", "{}");
    answers(403, API_POST, "/api/ipam/prefixes/1/available-ips/", "{}");
    as(writer);
    path_of(MODEL_DEVICE, ours[MODEL_DEVICE], path);
    answers(200, API_PATCH, path, "{'description': 'by the writer'}");
    answers(403, API_PATCH, path, "{'custom_fields': {'image': 'rescue'}}");
    answers(403, API_PATCH, path, "{'description': 'half', 'custom_fields': {'image': 'rescue'}}");
    answers(403, API_POST, "/api/dcim/devices/",
            "{'name': 'n', 'site': 1, 'role': 1, 'device_type': 1, 'custom_fields': {'image': 'rescue'}}");
    answers(403, API_POST, P "assignments/", "{}");
    answers(200, API_GET, path, NULL);
    is("description", "'by the writer'");
    is("custom_fields.state", "'idle'");
    answers(200, API_GET, "/api/dcim/devices/?name=n", NULL);
    is("count", "0");
}

static void refused(const char *authorization, const char *why)
{
    cl.authorization = authorization;
    answers(403, API_GET, "/api/dcim/devices/", NULL);
    is("detail", why);
    answers(403, API_POST, "/api/dcim/sites/", "{'name': 'x', 'slug': 'x'}");
    cl.authorization = NULL;
}

static void test_tokens(void **state)
{
    (void)state;
    char text[API_TOKEN_TEXT], header[API_TOKEN_TEXT + 32];
    struct api_token t = {.name = "old", .rights = RIGHT_READ | RIGHT_WRITE, .expires_ms = T0 - 1};
    refused("", "'Authentication credentials were not provided.'");
    refused("Basic YWRtaW46YWRtaW4=", "'Authentication credentials were not provided.'");
    refused("Token", "'Authentication credentials were not provided.'");
    refused("Token x", "'Invalid v1 token'");
    refused("Token 0123456789abcdef0123456789abcdef01234567", "'Invalid v1 token'");
    refused("Bearer nbt_aaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "'Invalid v2 token'");
    snprintf(header, sizeof header, "Token %.*sX", (int)strlen(ops) - 1, ops);
    refused(header, "'Invalid v2 token'");
    snprintf(header, sizeof header, "Token %s'", ops);
    refused(header, "'Invalid v2 token'");
    ok(api_token_create(fx.s, &t, "test", T0 - 10, text, E));
    snprintf(header, sizeof header, "Bearer %s", text);
    refused(header, "'Token expired'");
    t = (struct api_token){
        .name = "away", .rights = RIGHT_READ, .from = {{.net = {0x0a000000}, .len = 8}}, .from_n = 1};
    ok(api_token_create(fx.s, &t, "test", T0 - 10, text, E));
    snprintf(header, sizeof header, "Token %s", text);
    refused(header, "'Source IP is not permitted to authenticate using this token.'");
    answers(200, API_GET, "/api/dcim/devices/", NULL);
    ok(api_token_revoke(fx.s, "ops", "test", T0, E));
    snprintf(header, sizeof header, "Token %s", ops);
    refused(header, "'Token disabled'");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, client_close)
    const struct CMUnitTest tests[] = {TEST(test_lists_and_details),
                                       TEST(test_every_filter),
                                       TEST(test_counts),
                                       TEST(test_what_is_ours_alone),
                                       TEST(test_foreign_ids),
                                       TEST(test_references),
                                       TEST(test_generic_references),
                                       TEST(test_bulk),
                                       TEST(test_taken),
                                       TEST(test_gateway_of_others),
                                       TEST(test_own_devices_stay_ours),
                                       TEST(test_moved),
                                       TEST(test_catalogue_is_not_a_tenant_s_to_change),
                                       TEST(test_rights),
                                       TEST(test_tokens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A tenant sees, counts, changes and deletes nothing of another's, in any model. Everything of tenant B has
 * the word "bsecret" somewhere: A must never read it. */
#include "record_fixture.h"

static int64_t a_tenant, b_tenant;
static struct who a_who;

/* One object of each model that belongs to B, and one of A. 0: the model is nobody's. */
static int64_t of_a[MODEL_COUNT], of_b[MODEL_COUNT];

/* The same for both, so that they differ in nothing but their names. */
static void fill_tenant(int64_t *ret, int64_t tenant, const char *word, int n)
{
    long long t = tenant;
    ret[MODEL_TENANT] = tenant;
    ret[MODEL_SITE] = make(MODEL_SITE, "{'name': '%s', 'slug': '%s', 'tenant': %lld}", word, word, t);
    ret[MODEL_LOCATION] = make(MODEL_LOCATION, "{'name': '%s', 'slug': '%s', 'site': %lld, 'tenant': %lld}",
                               word, word, (long long)ret[MODEL_SITE], t);
    ret[MODEL_RACK] =
        make(MODEL_RACK, "{'name': '%s', 'site': %lld, 'tenant': %lld}", word, (long long)ret[MODEL_SITE], t);
    ret[MODEL_DEVICE] =
        make(MODEL_DEVICE,
             "{'name': '%s', 'device_type': 1, 'role': 1, 'site': 1, 'tenant': %lld, 'comments': '%s', "
             "'tags': [1], 'local_context_data': {'x': '%s'}, 'custom_fields': {'note': '%s'}}",
             word, t, word, word, word);
    ret[MODEL_INTERFACE] =
        make(MODEL_INTERFACE, "{'device': %lld, 'name': '%s', 'type': 'other', 'tags': [1]}",
             (long long)ret[MODEL_DEVICE], word);
    ret[MODEL_MAC] = make(MODEL_MAC,
                          "{'mac_address': '52540000000%d', 'assigned_object_type': 'dcim.interface', "
                          "'assigned_object_id': %lld, 'description': '%s'}",
                          n, (long long)ret[MODEL_INTERFACE], word);
    /* whatever tenant it says, it is the device's */
    ret[MODEL_IP] =
        make(MODEL_IP,
             "{'address': '10.0.0.%d/24', 'assigned_object_type': 'dcim.interface', 'assigned_object_id': "
             "%lld, 'dns_name': '%s', 'tenant': %lld}",
             n, (long long)ret[MODEL_INTERFACE], word, (long long)(n == 2 ? a_tenant : t));
    ret[MODEL_PREFIX] =
        make(MODEL_PREFIX, "{'prefix': '10.%d.0.0/16', 'tenant': %lld, 'description': '%s'}", n, t, word);
    ret[MODEL_NOTE] = make(
        MODEL_NOTE, "{'assigned_object_type': 'dcim.device', 'assigned_object_id': %lld, 'comments': '%s'}",
        (long long)ret[MODEL_DEVICE], word);
}

static int fill(void **state)
{
    fixture_open(state);
    a_tenant = make(MODEL_TENANT, "{'name': 'A', 'slug': 'a'}");
    b_tenant = make(MODEL_TENANT, "{'name': 'bsecret', 'slug': 'bsecret'}");
    a_who = (struct who){.tenant_id = a_tenant, .actor = "token:a", .at_ms = T0};
    make(MODEL_MANUFACTURER, "{'name': 'Dell', 'slug': 'dell'}");
    make(MODEL_DEVICE_TYPE, "{'manufacturer': 1, 'model': 'R640', 'slug': 'r640'}");
    make(MODEL_ROLE, "{'name': 'Compute', 'slug': 'compute'}");
    make(MODEL_SITE, "{'name': 'Shared', 'slug': 'shared'}");
    make(MODEL_PLATFORM, "{'name': 'Debian 12', 'slug': 'debian-12'}");
    make(MODEL_TAG, "{'name': 'Tag', 'slug': 'tag'}");
    make(MODEL_CUSTOM_FIELD, "{'name': 'note', 'type': 'text', 'object_types': ['dcim.device']}");
    fill_tenant(of_a, a_tenant, "aown", 1);
    fill_tenant(of_b, b_tenant, "bsecret", 2);
    /* what is of nobody, and stands in B's */
    make(MODEL_RACK, "{'name': 'bsecret loose', 'site': %lld}", (long long)of_b[MODEL_SITE]);
    make(MODEL_LOCATION, "{'name': 'bsecret loose', 'slug': 'loose', 'site': %lld}",
         (long long)of_b[MODEL_SITE]);
    make(MODEL_PREFIX,
         "{'prefix': '10.9.0.0/16', 'description': 'bsecret', 'scope_type': 'dcim.site', 'scope_id': %lld}",
         (long long)of_b[MODEL_SITE]);
    int64_t loose = make(MODEL_LOCATION, "{'name': 'bsecret too', 'slug': 'too', 'site': %lld}",
                         (long long)of_b[MODEL_SITE]);
    make(MODEL_PREFIX,
         "{'prefix': '10.10.0.0/16', 'description': 'bsecret', 'scope_type': 'dcim.location', 'scope_id': "
         "%lld}",
         (long long)loose);
    make(MODEL_IP, "{'address': '10.0.0.9/24', 'dns_name': 'bsecret.nobodys'}");
    make(MODEL_MAC, "{'mac_address': '525400000009', 'description': 'bsecret'}");
    make(MODEL_NOTE, "{'assigned_object_type': 'dcim.site', 'assigned_object_id': 1, 'comments': 'bsecret'}");
    /* and A's own device that stands where B's things are */
    make(MODEL_DEVICE,
         "{'name': 'astray', 'device_type': 1, 'role': 1, 'site': %lld, 'rack': %lld, 'location': %lld, "
         "'tenant': %lld}",
         (long long)of_b[MODEL_SITE], (long long)of_b[MODEL_RACK], (long long)of_b[MODEL_LOCATION],
         (long long)a_tenant);
    return 0;
}

static int clear(void **state)
{
    faults_free(&faults);
    str_free(&got.text);
    return fixture_close(state);
}

/* All that a record says, to any depth. */
static void no_secret(const struct record *r)
{
    for (size_t k = 0; k < r->m->fields_n; k++) {
        const struct value *v = &r->v[k];
        bool text = v->type == VALUE_TEXT || v->type == VALUE_CHOICE || v->type == VALUE_JSON;
        if (text && strstr(v->text, "bsecret")) {
            fail_msg("%s %lld, %s: %s", r->m->noun, (long long)r->id, r->m->fields[k].name, v->text);
        }
        if (v->type == VALUE_RECORD) {
            no_secret(v->record);
        }
        for (size_t i = 0; v->type == VALUE_RECORDS && i < v->n; i++) {
            no_secret(v->records[i]);
        }
    }
}

struct walk {
    const struct model *m;
    int64_t n;
    bool own;
};

static int look(const struct record *r, void *ctx)
{
    struct walk *w = ctx;
    assert_ptr_equal(r->m, w->m);
    no_secret(r);
    if (of_b[w->m->id]) {
        assert_int_not_equal(r->id, of_b[w->m->id]);
    }
    w->own |= r->id == of_a[w->m->id];
    w->n++;
    return 0;
}

/* Lists with this term; true when the term is taken. */
static bool walk_term(const struct model *m, const char *name, const char *value, struct walk *w)
{
    struct record_term term = {name, value};
    struct record_query q = {.terms = &term, .n = name != NULL, .fields = model_all(m)};
    struct faults f = {0};
    int64_t n = -1;
    *w = (struct walk){.m = m};
    int r = record_each(fx.s, &a_who, m, &q, look, w, &f, E);
    for (size_t i = 0; i < f.n; i++) {
        /* what the asker sent may come back, and no more */
        assert_true(!strstr(f.list[i].sentence, "bsecret") || (value && strstr(value, "bsecret")));
    }
    faults_free(&f);
    if (r == 0) {
        ok(record_count(fx.s, &a_who, m, &q, &n, &f, E) < 0);
        assert_int_equal(n, w->n);
    }
    return r == 0;
}

static void test_lists(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        struct walk w;
        const struct model *m = model_get((enum model_id)i);
        assert_true(walk_term(m, NULL, NULL, &w));
        assert_true(w.n > 0);
        assert_true(w.own || of_a[i] == 0);
    }
}

/* No filter, with any suffix, finds anything of B's, whatever it is asked for. */
static void test_filters(void **state)
{
    (void)state;
    static const char *const values[] = {"bsecret",  "2",          "null", "52:54:00:00:00:02",
                                         "10.0.0.2", "10.0.0.0/8", "true", "."};
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        for (size_t k = 0; k < m->filters_n; k++) {
            for (unsigned op = 0; op < OP_COUNT; op++) {
                for (size_t j = 0; j < sizeof values / sizeof *values && filter_ops(&m->filters[k]) >> op & 1;
                     j++) {
                    char name[64];
                    struct walk w;
                    snprintf(name, sizeof name, "%s%s", m->filters[k].name, op_suffix((enum filter_op)op));
                    walk_term(m, name, values[j], &w);
                }
            }
        }
    }
    struct walk w;
    walk_term(model_get(MODEL_DEVICE), "cf_note", "bsecret", &w);
    assert_int_equal(w.n, 0);
}

/* B's slug is as unknown as one that there is none of. */
static void test_filter_says_nothing(void **state)
{
    (void)state;
    static const char *const values[] = {"bsecret", "nothing"};
    char said[2][256];
    for (int i = 0; i < 2; i++) {
        struct record_term term = {"site", values[i]};
        struct record_query q = {.terms = &term, .n = 1, .fields = 1};
        struct faults f = {0};
        fails(record_each(fx.s, &a_who, model_get(MODEL_DEVICE), &q, look,
                          &(struct walk){.m = model_get(MODEL_DEVICE)}, &f, E),
              ERR_INPUT);
        snprintf(said[i], sizeof said[i], "%s", f.list[0].sentence);
        faults_free(&f);
    }
    assert_string_equal(said[0], "Select a valid choice. bsecret is not one of the available choices.");
    assert_string_equal(said[1], "Select a valid choice. nothing is not one of the available choices.");
}

static void test_one(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        int64_t id = of_b[i], updated;
        if (!id) {
            continue;
        }
        struct walk w = {.m = m};
        fails(record_get(fx.s, &a_who, m, id, model_all(m), look, &w, E), ERR_NOT_FOUND);
        assert_int_equal(record_known(fx.s, &a_who, m, id, &updated, E), 0);
        assert_int_equal(change_as(&a_who, m->id, id, body("{'description': 'x'}"), false), -1);
        assert_int_equal(fx.e.kind, ERR_NOT_FOUND);
        fails(record_delete(fx.s, &a_who, m, id, &written, E), ERR_NOT_FOUND);
        assert_int_equal(record_known(fx.s, &all, m, id, &updated, E), 1);
    }
}

static int try_as_a(enum model_id model, json_t *b)
{
    faults_free(&faults);
    int r = record_create(fx.s, &a_who, model_get(model), b, &written, &faults, E);
    json_decref(b);
    return r;
}

/* A reference to B's is one to nothing, in every field that refers, new or changed. */
static void test_references(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        for (size_t k = 0; k < m->fields_n; k++) {
            const struct field *f = &m->fields[k];
            if (f->kind != FIELD_REF || !of_b[f->to] || !of_a[i]) {
                continue;
            }
            json_t *b = body("{'%s': %lld}", f->name, (long long)of_b[f->to]);
            assert_int_equal(change_as(&a_who, m->id, of_a[i], json_incref(b), false), -1);
            assert_true(fx.e.kind == ERR_INPUT || fx.e.kind == ERR_REFUSED);
            if (fx.e.kind == ERR_INPUT) {
                assert_non_null(strstr(faults.list[0].sentence,
                                       "Related object not found using the provided numeric ID"));
            }
            assert_int_equal(try_as_a(m->id, b), -1);
        }
    }
    long long b_nic = of_b[MODEL_INTERFACE], a_mac = of_a[MODEL_MAC], b_mac = of_b[MODEL_MAC];
    assert_string_equal(
        fault_of(change_as(
            &a_who, MODEL_MAC, a_mac,
            body("{'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld}", b_nic), false)),
        ": Invalid assigned_object: DCIM > Interface ID 2");
    assert_int_equal(change_as(&a_who, MODEL_INTERFACE, of_a[MODEL_INTERFACE],
                               body("{'primary_mac_address': %lld}", b_mac), false),
                     -1);
    assert_int_equal(
        change_as(&a_who, MODEL_PREFIX, of_a[MODEL_PREFIX],
                  body("{'scope_type': 'dcim.site', 'scope_id': %lld}", (long long)of_b[MODEL_SITE]), false),
        -1);
    assert_int_equal(
        try_as_a(MODEL_NOTE,
                 body("{'assigned_object_type': 'dcim.device', 'assigned_object_id': %lld, 'comments': 'x'}",
                      (long long)of_b[MODEL_DEVICE])),
        -1);
    /* by attributes, through what A may see */
    assert_int_equal(
        try_as_a(MODEL_INTERFACE, body("{'device': {'name': 'bsecret'}, 'name': 'x', 'type': 'other'}")), -1);
    assert_int_equal(try_as_a(MODEL_INTERFACE, body("{'device': {'site': {'slug': 'shared'}, 'tenant': "
                                                    "{'slug': 'bsecret'}}, 'name': 'x', 'type': 'other'}")),
                     -1);
}

/* What it makes is its own; what is nobody's and everybody's it does not change. */
static void test_own(void **state)
{
    (void)state;
    int64_t id =
        make_as(&a_who, MODEL_DEVICE, body("{'name': 'anew', 'device_type': 1, 'role': 1, 'site': 1}"));
    assert_string_equal(get_device(id).tenant, "a");
    assert_string_equal(fault_of(change_as(&a_who, MODEL_DEVICE, id, body("{'tenant': null}"), false)),
                        "tenant: This field may not be null.");
    int64_t ip = make_as(&a_who, MODEL_IP, body("{'address': '10.1.0.7/24'}"));
    assert_string_equal(get(MODEL_IP, ip, "tenant"), "A");
    assert_int_equal(try_as_a(MODEL_MAC, body("{'mac_address': '525400000055'}")), -1);
    assert_int_equal(change_as(&a_who, MODEL_MAC, of_a[MODEL_MAC],
                               body("{'assigned_object_id': null, 'assigned_object_type': null}"), false),
                     -1);
    assert_int_equal(change_as(&a_who, MODEL_SITE, 1, body("{'name': 'Mine'}"), false), -1);
    assert_int_equal(fx.e.kind, ERR_REFUSED);
    fails(record_delete(fx.s, &a_who, model_get(MODEL_SITE), 1, &written, E), ERR_REFUSED);
    fails(record_delete(fx.s, &a_who, model_get(MODEL_TAG), 1, &written, E), ERR_REFUSED);
    assert_int_equal(change_as(&a_who, MODEL_TENANT, a_tenant, body("{'name': 'x'}"), false), -1);
    assert_int_equal(fx.e.kind, ERR_REFUSED);
    static const enum model_id catalogue[] = {MODEL_MANUFACTURER, MODEL_DEVICE_TYPE, MODEL_ROLE,
                                              MODEL_PLATFORM,     MODEL_TAG,         MODEL_CUSTOM_FIELD,
                                              MODEL_TENANT};
    for (size_t i = 0; i < sizeof catalogue / sizeof *catalogue; i++) {
        assert_int_equal(try_as_a(catalogue[i], body("{'name': 'x', 'slug': 'x'}")), -1);
        assert_int_equal(fx.e.kind, ERR_REFUSED);
    }
}

static int see_count(const struct record *r, void *ctx)
{
    const struct value *v = &r->v[model_field(r->m, ctx)];
    return (int)v->i;
}

/* Counts count what it sees: of two devices of each kind, its own; astray is in a site that it does not see.
 */
static void test_counts(void **state)
{
    (void)state;
#define count_of(w, model, id, field)                                                                        \
    record_get(fx.s, w, model_get(model), id, model_all(model_get(model)), see_count, (void *)field, E)
    assert_int_equal(count_of(&all, MODEL_SITE, 1, "device_count"), 2);
    assert_int_equal(count_of(&a_who, MODEL_SITE, 1, "device_count"), 1);
    assert_int_equal(count_of(&all, MODEL_DEVICE_TYPE, 1, "device_count"), 3);
    assert_int_equal(count_of(&a_who, MODEL_DEVICE_TYPE, 1, "device_count"), 2);
    assert_int_equal(count_of(&all, MODEL_TAG, 1, "tagged_items"), 4);
    assert_int_equal(count_of(&a_who, MODEL_TAG, 1, "tagged_items"), 2);
    assert_int_equal(count_of(&a_who, MODEL_TENANT, a_tenant, "ipaddress_count"), 1);
}

/* What is taken is said, whose it is is not. */
static void test_taken(void **state)
{
    (void)state;
    long long nic = of_a[MODEL_INTERFACE];
    assert_string_equal(fault_of(try_as_a(MODEL_IP, body("{'address': '10.0.0.2/8'}"))),
                        "address: Duplicate IP address found in global table");
    assert_string_equal(
        fault_of(try_as_a(MODEL_MAC, body("{'mac_address': '525400000002', 'assigned_object_type': "
                                          "'dcim.interface', 'assigned_object_id': %lld}",
                                          nic))),
        "mac_address: MAC address with this mac address already exists.");
    /* nor in what keeps a site of A's from going */
    int64_t site = make_as(&a_who, MODEL_SITE, body("{'name': 'A2', 'slug': 'a2'}"));
    make(MODEL_DEVICE, "{'name': 'bsecret-2', 'device_type': 1, 'role': 1, 'site': %lld, 'tenant': %lld}",
         (long long)site, (long long)b_tenant);
    fails(record_delete(fx.s, &a_who, model_get(MODEL_SITE), site, &written, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "Unable to delete object. What depends on it is not this token's to see.");
    make_as(&a_who, MODEL_RACK, body("{'name': 'R', 'site': %lld}", (long long)site));
    fails(record_delete(fx.s, &a_who, model_get(MODEL_SITE), site, &written, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "Unable to delete object. 1 dependent objects were found: R (4)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fill, clear)
        T(test_lists),  T(test_filters),    T(test_filter_says_nothing),
        T(test_one),    T(test_references), T(test_own),
        T(test_counts), T(test_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

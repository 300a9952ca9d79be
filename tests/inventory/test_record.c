/* Reading NetBox's objects: filters, order, pages, what is asked for. Tenants are test_record_scope.c's. */
#include "record_fixture.h"

#include "inventory/store_sql.h"

#include <time.h>

/* The values of one field of a list, joined by blanks. */
struct seen {
    const char *field;
    struct str text;
    size_t n;
};

static int add_seen(const struct record *r, void *ctx)
{
    struct seen *x = ctx;
    str_add(&x->text, x->n++ ? " " : "");
    add_value(&x->text, &r->v[model_field(r->m, x->field)]);
    return 0;
}

static struct str list_text;
static const char *list(enum model_id model, const char *field, struct record_query q)
{
    struct seen x = {.field = field};
    struct faults f = {0};
    q.fields = q.fields ? q.fields : model_all(model_get(model));
    str_add(&x.text, "");
    ok(record_each(fx.s, &all, model_get(model), &q, add_seen, &x, &f, E));
    int64_t n;
    if (!q.limit && !q.offset && !q.by_id) {
        ok(record_count(fx.s, &all, model_get(model), &q, &n, &f, E) < 0);
        assert_int_equal(n, x.n);
    }
    str_free(&list_text);
    list_text = x.text;
    return list_text.s;
}

#define WHERE(...)                                                                                           \
    (struct record_query)                                                                                    \
    {                                                                                                        \
        .terms = (const struct record_term[]){__VA_ARGS__},                                                  \
        .n = sizeof((const struct record_term[]){__VA_ARGS__}) / sizeof(struct record_term)                  \
    }
#define names(model, ...) list(model, "name", WHERE(__VA_ARGS__))

/* hv-1 ... hv-4, each with an interface eno1, a MAC address and an IP address 10.77.0.N. */
static int fill(void **state)
{
    fixture_open(state);
    make(MODEL_MANUFACTURER, "{'name': 'Dell', 'slug': 'dell'}");
    make(MODEL_DEVICE_TYPE, "{'manufacturer': 1, 'model': 'R640', 'slug': 'r640'}");
    make(MODEL_TENANT, "{'name': 'Ops', 'slug': 'ops'}");
    make(MODEL_TAG, "{'name': 'Red', 'slug': 'red'}");
    make(MODEL_TAG, "{'name': 'Blue', 'slug': 'blue'}");
    make(MODEL_ROLE, "{'name': 'Hypervisor', 'slug': 'hypervisor'}");
    make(MODEL_ROLE, "{'name': 'Store', 'slug': 'store'}");
    make(MODEL_SITE, "{'name': 'Paris 1', 'slug': 'par1'}");
    make(MODEL_SITE, "{'name': 'Lyon 1', 'slug': 'lyo1', 'tenant': 1}");
    make(MODEL_LOCATION, "{'name': 'Hall', 'slug': 'hall', 'site': 1}");
    make(MODEL_LOCATION, "{'name': 'Row', 'slug': 'row', 'site': 1, 'parent': 1}");
    make(MODEL_RACK, "{'name': 'R1', 'site': 1, 'location': 2}");
    make(MODEL_CUSTOM_FIELD, "{'name': 'team', 'type': 'text', 'object_types': ['dcim.device']}");
    make(MODEL_CUSTOM_FIELD, "{'name': 'n', 'type': 'integer', 'object_types': ['dcim.device']}");
    for (int i = 1; i <= 4; i++) {
        long long d =
            make(MODEL_DEVICE,
                 "{'name': 'hv-%d', 'role': {'slug': '%s'}, 'device_type': 1, 'site': %d, 'serial': 'SN-%c', "
                 "'status': '%s', 'tags': [%s], 'custom_fields': {'team': 'team %c', 'n': %d}}",
                 i, i < 3 ? "hypervisor" : "store", i < 4 ? 1 : 2, 'A' + i, i == 2 ? "staged" : "active",
                 i == 1   ? "1, 2"
                 : i == 2 ? "2"
                          : "",
                 'a' + i, i);
        long long nic = make(MODEL_INTERFACE, "{'device': %lld, 'name': 'eno1', 'type': 'other'}", d);
        make(MODEL_MAC,
             "{'mac_address': '52540000000%d', 'assigned_object_type': 'dcim.interface', "
             "'assigned_object_id': %lld}",
             i, nic);
        long long ip = make(MODEL_IP,
                            "{'address': '10.77.0.%d/24', 'assigned_object_type': 'dcim.interface', "
                            "'assigned_object_id': %lld, 'dns_name': 'hv-%d.example'}",
                            i, nic, i);
        if (i < 3) {
            change(MODEL_DEVICE, d, "{'primary_ip4': %lld, 'location': %d}", ip, i == 1 ? 1 : 2);
        }
    }
    change(MODEL_DEVICE, 2, "{'rack': 1, 'position': 7, 'asset_tag': 'A2', 'tenant': 1}");
    make(MODEL_IP, "{'address': '2001:db8::1/64'}");
    make(MODEL_PREFIX, "{'prefix': '10.0.0.0/8', 'status': 'container'}");
    make(MODEL_PREFIX, "{'prefix': '10.77.0.0/16', 'scope_type': 'dcim.site', 'scope_id': 1}");
    make(MODEL_PREFIX, "{'prefix': '10.77.0.0/24', 'scope_type': 'dcim.location', 'scope_id': 2}");
    make(MODEL_PREFIX, "{'prefix': '2001:db8::/32'}");
    return 0;
}

static int clear(void **state)
{
    faults_free(&faults);
    str_free(&got.text);
    str_free(&list_text);
    return fixture_close(state);
}

#define DEVICES(...)     names(MODEL_DEVICE, __VA_ARGS__)
#define finds(want, ...) assert_string_equal(DEVICES(__VA_ARGS__), want)

/* Each suffix; what is not a filter, or not with this suffix, is passed over. */
static void test_suffixes(void **state)
{
    (void)state;
    finds("hv-1", {"name", "HV-1"}); /* host names are one in any case */
    finds("hv-1 hv-3", {"name", "hv-1"}, {"name", "hv-3"});
    finds("hv-2 hv-3 hv-4", {"name__n", "hv-1"});
    finds("hv-2 hv-4", {"name__n", "hv-1"}, {"name__n", "hv-3"});
    finds("hv-1", {"serial", "SN-B"});
    finds("", {"serial", "sn-b"});
    finds("hv-1", {"serial__ie", "sn-b"});
    finds("hv-2 hv-3 hv-4", {"serial__nie", "sn-b"});
    finds("hv-1 hv-2 hv-3 hv-4", {"serial__ic", "n-"});
    finds("", {"serial__ic", "%"}, {"serial__ic", "_"}); /* no wild cards come from outside */
    finds("hv-1 hv-2 hv-3 hv-4", {"serial__nic", "%"});
    finds("hv-3", {"serial__iew", "d"});
    finds("hv-1 hv-2 hv-4", {"serial__niew", "d"});
    finds("hv-1 hv-2 hv-3 hv-4", {"serial__isw", "sn"});
    finds("", {"serial__nisw", "sn"});
    finds("hv-2", {"asset_tag__empty", "false"});
    finds("hv-1 hv-3 hv-4", {"asset_tag__empty", "true"});
    finds("hv-1 hv-3 hv-4", {"asset_tag__n", "A2"}); /* what has none is not it */
    finds("hv-1 hv-2", {"name__regex", "^hv-[12]$"});
    finds("", {"name__regex", "^HV"});
    finds("hv-1 hv-2 hv-3 hv-4", {"name__iregex", "^HV"});
    finds("hv-3 hv-4", {"id__gt", "2"});
    finds("hv-2", {"id__gte", "2"}, {"id__lt", "3"});
    finds("hv-1 hv-2", {"id__lte", "2"});
    finds("hv-2", {"position", "7"});
    finds("", {"console_ports", "true"});
    finds("hv-1 hv-2 hv-3 hv-4", {"console_ports", "false"});
    finds("", {"local_context_data", "true"});
    change(MODEL_DEVICE, 3, "{'local_context_data': {'a': 1}}");
    finds("hv-3", {"local_context_data", "true"});
    int64_t bare = make(MODEL_DEVICE, "{'name': 'bare', 'site': 1, 'role': 1, 'device_type': 1}");
    finds("bare", {"interfaces", "false"});
    finds("hv-1 hv-2 hv-3 hv-4", {"interfaces", "true"});
    ok(record_delete(fx.s, &all, model_get(MODEL_DEVICE), bare, &written, E));
    finds("hv-2", {"position__empty", "false"});
    finds("hv-1 hv-2 hv-3 hv-4", {"nonsense", "x"}, {"name__xx", "x"}, {"site__ic", "x"}, {"limit", "3"});
}

static void test_kinds(void **state)
{
    (void)state;
    finds("hv-4", {"site", "lyo1"});
    finds("hv-4", {"site_id", "2"});
    finds("hv-1 hv-2 hv-3", {"site_id__n", "2"});
    finds("hv-1 hv-2 hv-3 hv-4", {"site", "lyo1"}, {"site", "par1"});
    finds("hv-3", {"role", "store"}, {"site", "par1"});
    finds("hv-2", {"status", "staged"});
    finds("hv-1 hv-2 hv-3 hv-4", {"status", "staged"}, {"status", "active"});
    finds("hv-1 hv-3 hv-4", {"status__n", "staged"});
    finds("hv-1 hv-2", {"location", "hall"}); /* and what is in it */
    finds("hv-2", {"location", "row"});
    finds("hv-1 hv-2", {"location_id", "1"});
    finds("hv-3 hv-4", {"location_id", "null"});
    finds("hv-2", {"rack_id", "1"});
    finds("hv-2", {"rack", "R1"});
    finds("hv-2", {"tenant", "ops"});
    finds("hv-1 hv-3 hv-4", {"tenant_id", "null"});
    finds("hv-1 hv-2", {"tag", "blue"});
    finds("hv-1", {"tag", "blue"}, {"tag", "red"});
    finds("hv-2 hv-3 hv-4", {"tag__n", "red"});
    finds("hv-1", {"tag_id", "1"});
    finds("hv-2", {"mac_address", "525400000002"});
    finds("hv-2 hv-3", {"mac_address", "52-54-00-00-00-02"}, {"mac_address", "5254.0000.0003"});
    finds("hv-1 hv-3 hv-4", {"mac_address__n", "525400000002"});
    finds("hv-4", {"mac_address__iew", "00:04"});
    finds("hv-1 hv-2", {"has_primary_ip", "true"});
    finds("hv-3 hv-4", {"has_primary_ip", "false"});
    finds("hv-1 hv-2 hv-3 hv-4", {"has_primary_ip", "perhaps"});
    finds("hv-1 hv-2 hv-3 hv-4", {"manufacturer", "dell"}, {"model", "r640"});
    finds("hv-3", {"q", "sn-d"});
    finds("hv-1 hv-2 hv-3 hv-4", {"created__gte", "2026-11-21T10:00:00Z"});
    finds("", {"created__gt", "2026-11-21T10:00:00.000Z"});
    finds("hv-1 hv-2 hv-3 hv-4", {"created__gte", "2026-11-21T11:00:00+01:00"});
    finds("hv-1 hv-2 hv-3 hv-4", {"created", "2026-11-21 10:00:00.000000"});
}

static void test_custom(void **state)
{
    (void)state;
    finds("hv-1", {"cf_team", "B"}); /* within, in any case */
    finds("hv-2 hv-3 hv-4", {"cf_team__n", "team b"});
    finds("hv-1", {"cf_team__ie", "TEAM B"});
    finds("hv-3", {"cf_n", "3"});
    finds("hv-3 hv-4", {"cf_n__gte", "3"});
    finds("", {"cf_team__empty", "true"});
    finds("hv-1 hv-2 hv-3 hv-4", {"cf_protected", "false"});
    finds("", {"cf_protected", "true"});
    finds("hv-1 hv-2 hv-3 hv-4", {"cf_state", "idle"});
    finds("hv-1 hv-2 hv-3 hv-4", {"cf_image__empty", "true"});
    finds("hv-1 hv-2 hv-3 hv-4", {"cf_nothing", "x"}, {"cf_", "x"}, {"cf_n') OR 1", "x"});
    ok(device_intend(fx.s, 3, "debian-12", "test", T0, E));
    finds("hv-3", {"cf_image", "debian-12"});
    make(MODEL_CUSTOM_FIELD, "{'name': 'bought', 'type': 'date', 'object_types': ['dcim.device']}");
    make(MODEL_CUSTOM_FIELD, "{'name': 'seen', 'type': 'datetime', 'object_types': ['dcim.device']}");
    change(MODEL_DEVICE, 2,
           "{'custom_fields': {'bought': '2026-03-01', 'seen': '2026-11-21T12:00:00+02:00'}}");
    finds("hv-2", {"cf_bought__gte", "2026-03-01"}, {"cf_bought__lt", "2026-03-02"});
    finds("", {"cf_bought__gt", "2026-03-01"});
    finds("hv-2", {"cf_seen__lte", "2026-11-21T10:00:00Z"}, {"cf_seen__gte", "2026-11-21T10:00:00Z"});
    finds("", {"cf_installed_at__gte", "2026-01-01"}); /* a date is one here too */
}

static void test_what_hangs_on_devices(void **state)
{
    (void)state;
    assert_string_equal(list(MODEL_INTERFACE, "device", WHERE({"device", "hv-2"})), "hv-2");
    assert_string_equal(list(MODEL_INTERFACE, "device", WHERE({"device_id", "2"}, {"device_id", "4"})),
                        "hv-2 hv-4");
    assert_string_equal(list(MODEL_INTERFACE, "device", WHERE({"site", "lyo1"})), "hv-4");
    assert_string_equal(list(MODEL_INTERFACE, "device", WHERE({"mac_address", "52:54:00:00:00:03"})), "hv-3");
    assert_string_equal(list(MODEL_INTERFACE, "device", WHERE({"location", "hall"}, {"name", "eno1"})),
                        "hv-1 hv-2");
    assert_string_equal(list(MODEL_MAC, "mac_address", WHERE({"device", "hv-2"})), "52:54:00:00:00:02");
    assert_string_equal(list(MODEL_MAC, "mac_address", WHERE({"interface_id", "3"})), "52:54:00:00:00:03");
    assert_string_equal(list(MODEL_MAC, "id", WHERE({"assigned", "false"})), "");
    assert_string_equal(list(MODEL_MAC, "id", WHERE({"primary", "true"})), "1 2 3 4");
#define IPS(...) list(MODEL_IP, "address", WHERE(__VA_ARGS__))
    assert_string_equal(IPS({"device_id", "2"}), "10.77.0.2/24");
    assert_string_equal(IPS({"device", "hv-2"}, {"device", "hv-3"}), "10.77.0.2/24 10.77.0.3/24");
    assert_string_equal(IPS({"address", "10.77.0.3"}), "10.77.0.3/24");
    assert_string_equal(IPS({"address", "10.77.0.3/24"}, {"address", "10.77.0.4/25"}), "10.77.0.3/24");
    assert_string_equal(IPS({"parent", "10.77.0.0/30"}), "10.77.0.1/24 10.77.0.2/24 10.77.0.3/24");
    assert_string_equal(IPS({"parent", "2001:db8::/32"}), "2001:db8::1/64");
    assert_string_equal(IPS({"parent", "::/0"}), "2001:db8::1/64");
    assert_string_equal(IPS({"family", "6"}), "2001:db8::1/64");
    assert_string_equal(IPS({"assigned_to_interface", "false"}), "2001:db8::1/64");
    assert_string_equal(IPS({"dns_name__isw", "hv-4"}, {"vrf_id", "null"}), "10.77.0.4/24");
    assert_string_equal(IPS({"vrf_id", "1"}), "");
    assert_string_equal(IPS({"q", "0.0.0"}), "");
    assert_string_equal(IPS({"q", "77.0.4"}), "10.77.0.4/24");
}

static void test_prefixes(void **state)
{
    (void)state;
#define PREFIXES(...) list(MODEL_PREFIX, "prefix", WHERE(__VA_ARGS__))
    assert_string_equal(PREFIXES({"contains", "10.77.0.9"}), "10.0.0.0/8 10.77.0.0/16 10.77.0.0/24");
    assert_string_equal(PREFIXES({"contains", "10.77.0.0/20"}), "10.0.0.0/8 10.77.0.0/16");
    assert_string_equal(PREFIXES({"contains", "2001:db8:1::"}), "2001:db8::/32");
    assert_string_equal(PREFIXES({"within", "10.77.0.0/16"}), "10.77.0.0/24");
    assert_string_equal(PREFIXES({"within_include", "10.77.0.0/16"}), "10.77.0.0/16 10.77.0.0/24");
    assert_string_equal(PREFIXES({"prefix", "10.77.0.0/16"}), "10.77.0.0/16");
    assert_string_equal(PREFIXES({"prefix", "nonsense"}), "");
    assert_string_equal(PREFIXES({"site", "par1"}), "10.77.0.0/16 10.77.0.0/24");
    assert_string_equal(PREFIXES({"scope_type", "dcim.location"}, {"scope_id", "2"}), "10.77.0.0/24");
    assert_string_equal(PREFIXES({"mask_length__lte", "16"}, {"family", "4"}), "10.0.0.0/8 10.77.0.0/16");
    assert_string_equal(PREFIXES({"status", "container"}), "10.0.0.0/8");
    assert_string_equal(list(MODEL_PREFIX, "_depth", (struct record_query){0}), "0 1 2 0");
    assert_string_equal(list(MODEL_PREFIX, "children", (struct record_query){0}), "2 1 0 0");
}

static void test_order(void **state)
{
    (void)state;
#define ORDERED(model, by) list(model, "name", (struct record_query){.ordering = by})
    assert_string_equal(ORDERED(MODEL_DEVICE, "-name"), "hv-4 hv-3 hv-2 hv-1");
    assert_string_equal(ORDERED(MODEL_DEVICE, "site,-name"), "hv-4 hv-3 hv-2 hv-1");
    assert_string_equal(ORDERED(MODEL_DEVICE, "-site,name"), "hv-1 hv-2 hv-3 hv-4");
    assert_string_equal(ORDERED(MODEL_DEVICE, "status,name"), "hv-1 hv-3 hv-4 hv-2");
    assert_string_equal(ORDERED(MODEL_DEVICE, "nonsense,-id; DROP TABLE devices,,-"), "hv-1 hv-2 hv-3 hv-4");
    assert_string_equal(ORDERED(MODEL_SITE, NULL), "Lyon 1 Paris 1");
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        for (size_t k = 0; k < m->fields_n; k++) {
            list(m->id, "id", (struct record_query){.ordering = m->fields[k].name});
        }
    }
}

static void test_pages(void **state)
{
    (void)state;
    assert_string_equal(list(MODEL_DEVICE, "name", (struct record_query){.limit = 2}), "hv-1 hv-2");
    assert_string_equal(list(MODEL_DEVICE, "name", (struct record_query){.limit = 2, .offset = 3}), "hv-4");
    assert_string_equal(list(MODEL_DEVICE, "name", (struct record_query){.limit = 2, .offset = 30}), "");
    assert_string_equal(
        list(MODEL_DEVICE, "name", (struct record_query){.limit = 2, .by_id = true, .start = 2}),
        "hv-2 hv-3");
    /* more than are read at a time */
    ok(store_begin(fx.s, E));
    for (int i = 0; i < 2100; i++) {
        make(MODEL_TAG, "{'name': 'T%04d', 'slug': 't%d'}", i, i);
    }
    ok(store_commit(fx.s, E));
    struct seen x = {.field = "name"};
    struct record_query q = {.fields = model_brief(model_get(MODEL_TAG))};
    faults_free(&faults);
    ok(record_each(fx.s, &all, model_get(MODEL_TAG), &q, add_seen, &x, &faults, E));
    assert_int_equal(x.n, 2102);
    assert_true(str_ends(x.text.s, "T2098 T2099"));
    str_free(&x.text);
}

static int check_fields(const struct record *r, void *ctx)
{
    for (size_t k = 0; k < r->m->fields_n; k++) {
        bool asked = *(uint64_t *)ctx >> k & 1;
        assert_int_equal(asked, r->v[k].type != VALUE_NONE);
    }
    return 7;
}

static void test_projection(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        uint64_t fields[] = {model_all(m), model_brief(m), 1, 0, model_all(m) & ~model_brief(m)};
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
            struct record_query q = {.fields = fields[k]};
            faults_free(&faults);
            int r = record_each(fx.s, &all, m, &q, check_fields, &fields[k], &faults, E);
            assert_true(r == 7 || (r == 0 && (i == MODEL_PLATFORM ||
                                              i == MODEL_NOTE))); /* of those there are none here */
        }
    }
}

/* A walk may change what it walks over. */
static int remove_it(const struct record *r, void *ctx)
{
    (void)ctx;
    ok(record_delete(fx.s, &all, r->m, r->id, &written, E));
    return 0;
}

static void test_walk_and_change(void **state)
{
    (void)state;
    struct record_query q = {.fields = 1};
    faults_free(&faults);
    ok(record_each(fx.s, &all, model_get(MODEL_DEVICE), &q, remove_it, NULL, &faults, E));
    finds("", {"id__gt", "0"});
}

static const char *fault_in(struct record_query q)
{
    static char text[256];
    faults_free(&faults);
    q.fields = 1;
    fails(record_each(fx.s, &all, model_get(MODEL_DEVICE), &q, add_seen, &(struct seen){.field = "id"},
                      &faults, E),
          ERR_INPUT);
    snprintf(text, sizeof text, "%s: %s", faults.list[0].field, faults.list[0].sentence);
    return text;
}

static void test_faults(void **state)
{
    (void)state;
    assert_string_equal(fault_in(WHERE({"status", "foo"})),
                        "status: Select a valid choice. foo is not one of the available choices.");
    assert_string_equal(fault_in(WHERE({"site", "foo"})),
                        "site: Select a valid choice. foo is not one of the available choices.");
    assert_string_equal(fault_in(WHERE({"site_id", "999"})),
                        "site_id: Select a valid choice. 999 is not one of the available choices.");
    assert_string_equal(fault_in(WHERE({"site_id", "foo"})),
                        "site_id: \u201cfoo\u201d is not a valid value.");
    assert_string_equal(fault_in(WHERE({"id", "foo"})), "id: Enter a whole number.");
    assert_string_equal(fault_in(WHERE({"tag", "foo"})),
                        "tag: Select a valid choice. foo is not one of the available choices.");
    assert_string_equal(fault_in(WHERE({"mac_address", "foo"})),
                        "mac_address: Invalid MAC address format: foo");
    assert_string_equal(fault_in(WHERE({"last_updated__gte", "foo"})),
                        "last_updated__gte: Enter a valid date/time.");
    assert_string_equal(fault_in(WHERE({"name__regex", "(("})),
                        "name__regex: Enter a valid regular expression: a ( has no ).");
    assert_string_equal(fault_in(WHERE({"name__regex", "((((a{99}){99}){99}){99})"})),
                        "name__regex: Enter a valid regular expression: its repetitions make it too long.");
    struct record_term many[300];
    for (size_t i = 0; i < 300; i++) {
        many[i] = (struct record_term){"name", "x"};
    }
    assert_string_equal(fault_in((struct record_query){.terms = many, .n = 300}),
                        ": This query has more than 256 parameters.");
}

/* A name of the order too many is passed over: SQLite would refuse them. */
static void test_long_order(void **state)
{
    (void)state;
    struct str order = {0};
    str_add(&order, "-name");
    for (int i = 0; i < 3000; i++) {
        str_add(&order, ",id");
    }
    assert_string_equal(list(MODEL_DEVICE, "name", (struct record_query){.ordering = order.s}),
                        "hv-4 hv-3 hv-2 hv-1");
    str_free(&order);
}

/* A pattern for which each row is dear: the end comes at a row, not after thousands of them. */
static void test_dear_pattern(void **state)
{
    (void)state;
    static const char sql[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO tags "
        "(name, slug, description) SELECT 'T' || i, 't' || i, replace(hex(zeroblob(100)), '0', 'a') FROM n";
    struct record_term terms = {"description__regex", "([b-cd-ef-gh-ij-ka]{255}){16}z"};
    struct record_query q = {.terms = &terms, .n = 1, .fields = 1};
    int64_t n = -1;
    ok(db_run(fx.s, sql, NULL, 0, E));
    faults_free(&faults);
    clock_t before = clock();
    fails(record_count(fx.s, &all, model_get(MODEL_TAG), &q, &n, &faults, E), ERR_UNAVAILABLE);
    assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 2 * RECORD_SEARCH_MS / 1000.0);
    finds("hv-1", {"name", "hv-1"});
}

/* A search that eats the processor is ended, and the store is as good as before. */
static void test_limit(void **state)
{
    (void)state;
    ok(store_begin(fx.s, E));
    for (int i = 0; i < 400; i++) {
        char *text = xcalloc(1, 60001);
        memset(text, 'a', 60000);
        make(MODEL_TAG, "{'name': 'T%d', 'slug': 't%d', 'description': ''}", i, i);
        make(MODEL_SITE, "{'name': 'T%d', 'slug': 't%d', 'comments': '%s'}", i, i, text);
        free(text);
    }
    ok(store_commit(fx.s, E));
    struct record_term terms = {"q",
                                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"};
    struct record_query q = {.terms = &terms, .n = 1, .fields = 1};
    faults_free(&faults);
    int64_t n = -1;
    ok(record_count(fx.s, &all, model_get(MODEL_SITE), &q, &n, &faults, E) < 0);
    assert_int_equal(n, 0);
    struct db_limit limit;
    db_limit(fx.s, &limit, 50);
    fails(db_run(fx.s,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
                 NULL, 0, E),
          ERR_UNAVAILABLE);
    db_limit_end(fx.s);
    finds("hv-1", {"name", "hv-1"});
}

/* Every filter with every suffix and all sorts of values is a statement that runs, or a fault. */
static void test_sql(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        list(m->id, "id", (struct record_query){0});
        for (size_t k = 0; k < m->filters_n; k++) {
            for (unsigned op = 0; op < OP_COUNT; op++) {
                static const char *const values[] = {"1",      "null",        "x",
                                                     "true",   "2026-11-21",  "10.0.0.0/8",
                                                     "active", "' OR 1=1 --", "aa:bb:cc:dd:ee:ff",
                                                     ""};
                for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
                    char name[64];
                    struct seen x = {.field = "id"};
                    struct faults f = {0};
                    snprintf(name, sizeof name, "%s%s", m->filters[k].name, op_suffix((enum filter_op)op));
                    struct record_query q = WHERE({name, values[j]});
                    int r = record_each(fx.s, &all, m, &q, add_seen, &x, &f, E);
                    if (r < 0 && f.n == 0) {
                        fail_msg("%s %s=%s: %s", m->endpoint, name, values[j], fx.e.text);
                    }
                    faults_free(&f);
                    str_free(&x.text);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fill, clear)
        T(test_sql),
        T(test_suffixes),
        T(test_kinds),
        T(test_custom),
        T(test_what_hangs_on_devices),
        T(test_prefixes),
        T(test_order),
        T(test_pages),
        T(test_projection),
        T(test_walk_and_change),
        T(test_faults),
        T(test_limit),
        T(test_long_order),
        T(test_dear_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

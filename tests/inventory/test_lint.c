/* Lint: each check finds its fault, and nothing in an inventory that is right; at size, by set. */
#include "tests/inventory/fixture.h"

#include <time.h>

#include "inventory/lint.h"
#include "inventory/store_sql.h"

#define sql(text) ok(db_run(fx.s, text, NULL, 0, E))

static int add_line(const struct lint_finding *x, void *ctx)
{
    str_addf(ctx, "%s %s %s %lld|", x->check, x->subject, x->type, (long long)x->netbox_id);
    return 0;
}

static void lints(const struct lint_subnet *subnets, size_t n, const char *want)
{
    struct str s = {0};
    str_add(&s, "");
    ok(lint_each(fx.s, subnets, n, add_line, &s, E));
    assert_string_equal(s.s, want);
    str_free(&s);
}

static void put_prefix(const char *text, const char *router)
{
    struct prefix p;
    struct ip4 r = {0};
    ok(prefix_parse(text, &p, E));
    if (router) {
        ok(ip4_parse(router, &r, E));
    }
    ok(db_run(fx.s, "INSERT INTO prefixes (first, last, length, router) VALUES (?, ?, ?, ?)",
              DB_VALUES(db_i(p.net.a), db_i(prefix_broadcast(p).a), db_i(p.len), db_ref(r.a)), E));
}

static void test_clean(void **state)
{
    (void)state;
    lints(NULL, 0, "");
    put_device("hv-01", 1);
    put_prefix("10.77.0.0/24", "10.77.0.254");
    put_release("debian-12", "v1", DIGEST_1, T0);
    assign_device(1, "debian-12@v1");
    lints(NULL, 0, "");
    /* One that people say is not there need not be whole. */
    struct device d = {.interfaces_n = 0};
    str_copy(d.name, sizeof d.name, "gone");
    str_copy(d.status, sizeof d.status, "offline");
    ok(device_put(fx.s, &d, "test", NULL, E));
    lints(NULL, 0, "");
}

static void test_addresses(void **state)
{
    (void)state;
    put_device("hv-01", 1);
    lints(NULL, 0, "outside-prefixes hv-01 ipam.ipaddress 0|");
    struct lint_subnet subnet = {.prefix = {{0x0a4d0000}, 24}};
    lints(&subnet, 1, "");
    put_prefix("10.77.0.128/25", NULL);
    put_prefix("10.0.0.0/9", NULL);
    lints(NULL, 0, "no-gateway 10.0.0.0/9 ipam.prefix 0|");
    subnet.has_router = true;
    lints(&subnet, 1, "no-gateway 10.0.0.0/9 ipam.prefix 0|"); /* covers a part of it only */
    subnet.prefix = (struct prefix){{0x0a000000}, 8};
    lints(&subnet, 1, "");
    put_prefix("10.77.0.0/24", NULL); /* the longest that has the address */
    lints(NULL, 0, "no-gateway 10.77.0.0/24 ipam.prefix 0|");
    sql("UPDATE prefixes SET router = 0x0a4d0009 WHERE length = 9"); /* that of the prefix around, and in this
                                                                        one */
    lints(NULL, 0, "");
    sql("UPDATE prefixes SET router = 0x0a4e0009 WHERE length = 9");
    lints(NULL, 0, "no-gateway 10.77.0.0/24 ipam.prefix 0|");
    sql("DELETE FROM prefixes");
    put_prefix("10.76.0.0/16", NULL);
    put_prefix("10.78.0.0/16", NULL);
    lints(NULL, 0, "outside-prefixes hv-01 ipam.ipaddress 0|");
    sql("INSERT INTO ip_addresses (address, length, interface_id, netbox_id) SELECT "
        "x'20010db8000000000000000000000011', 64, min(id), 44 FROM interfaces");
    put_prefix("10.77.0.0/16", "10.77.0.254");
    lints(NULL, 0, "outside-prefixes hv-01 ipam.ipaddress 44|");
    sql("INSERT INTO prefixes (first, last, length) VALUES (x'20010db8000000000000000000000000', "
        "x'20010db80000ffffffffffffffffffff', 48)");
    lints(NULL, 0, "");
}

static void test_devices(void **state)
{
    (void)state;
    struct device d = {.interfaces_n = 0};
    put_prefix("10.77.0.0/24", "10.77.0.254");
    str_copy(d.name, sizeof d.name, "bare");
    ok(device_put(fx.s, &d, "test", NULL, E));
    lints(NULL, 0, "no-mac bare dcim.device 0|no-primary-address bare dcim.device 0|");
    sql("UPDATE devices SET netbox_id = 7, status = 'decommissioning'");
    lints(NULL, 0, "");
    int64_t id = put_device("hv-01", 1);
    ok(device_intend(fx.s, id, "debian-99", "test", T0, E));
    lints(NULL, 0, "unknown-image hv-01 dcim.device 0|");
    put_release("debian-99", "v1", DIGEST_1, T0);
    lints(NULL, 0, "");
    ok(device_intend(fx.s, id, "debian-99@v2", "test", T0, E));
    lints(NULL, 0, "unknown-image hv-01 dcim.device 0|");
    ok(device_intend(fx.s, id, "debian-99@v1", "test", T0, E));
    sql("INSERT INTO sites (slug, name) VALUES ('lyo1', 'Lyon')");
    sql("UPDATE racks SET site_id = (SELECT id FROM sites WHERE slug = 'lyo1')");
    lints(NULL, 0, "rack-of-another-site hv-01 dcim.device 0|");
    sql("UPDATE racks SET site_id = (SELECT id FROM sites WHERE slug = 'par1')");
    sql("INSERT INTO locations (site_id, slug, name) SELECT id, 'hall', 'Hall' FROM sites WHERE slug = "
        "'lyo1'");
    sql("UPDATE devices SET location_id = (SELECT id FROM locations) WHERE name = 'hv-01'");
    lints(NULL, 0, "location-of-another-site hv-01 dcim.device 0|");
    sql("UPDATE devices SET location_id = NULL, name = 'two words' WHERE name = 'hv-01'");
    lints(NULL, 0, "bad-name two words dcim.device 0|");
    sql("UPDATE devices SET name = 'hv-01' WHERE name = 'two words'");
    for (int i = 0; i < MAX_INTERFACES; i++) {
        char name[16];
        snprintf(name, sizeof name, "eth%d", i);
        ok(db_run(fx.s, "INSERT INTO interfaces (device_id, name) VALUES (?, ?)",
                  DB_VALUES(db_i(id), db_t(name)), E));
        ok(db_run(fx.s, "INSERT INTO mac_addresses (mac, interface_id) SELECT ?, max(id) FROM interfaces",
                  DB_VALUES(db_i(1000 + i)), E));
    }
    lints(NULL, 0, "too-many-interfaces hv-01 dcim.device 0|");
    sql("UPDATE interfaces SET mgmt_only = 1 WHERE name = 'eth3'");
    lints(NULL, 0, "");
}

static void test_sync(void **state)
{
    (void)state;
    sql("INSERT INTO sync_faults (kind, sentence, object_type, netbox_id, device, since_ms) VALUES "
        "('double-mac', "
        "'it is on two', 'dcim.macaddress', 5, 'hv-09', 1), ('name', 'it has no name', 'dcim.device', 4, '', "
        "1), "
        "('double-mac', 'it is on two', 'dcim.macaddress', 6, 'hv-08', 1)");
    lints(NULL, 0,
          "double-mac hv-08 dcim.macaddress 6|double-mac hv-09 dcim.macaddress 5|name dcim.device 4 "
          "dcim.device 4|");
}

static int stop(const struct lint_finding *x, void *ctx)
{
    (void)x;
    return ++*(int *)ctx == 2 ? 9 : 0;
}

/* A hundred thousand devices in a thousand prefixes, of which one is missing; in the container around it no
 * machine is. */
static void test_size(void **state)
{
    (void)state;
    enum { N = 100000 };
    ok(store_begin(fx.s, E));
    sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO "
        "devices (id, "
        "name, state, state_ms, primary_ip4_id) SELECT i, 'hv-' || i, 'idle', 1, i FROM n");
    sql("INSERT INTO interfaces (id, device_id, name) SELECT id, id, 'eno1' FROM devices");
    sql("INSERT INTO mac_addresses (mac, interface_id) SELECT 0x525400000000 + id, id FROM devices");
    sql("INSERT INTO ip_addresses (id, address, length, interface_id, is_primary) SELECT id, 0x0a000000 + id "
        "/ 100 * "
        "256 + 10 + id % 100, 24, id, 1 FROM devices");
    sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO prefixes "
        "(first, "
        "last, length, router) SELECT 0x0a000000 + i * 256, 0x0a0000ff + i * 256, 24, 0x0a000001 + i * 256 "
        "FROM n "
        "WHERE i <> 77");
    sql("INSERT INTO prefixes (first, last, length, status) VALUES (0x0a000000, 0x0affffff, 8, 'container')");
    sql("UPDATE prefixes SET router = NULL WHERE first = 0x0a000000 + 78 * 256");
    ok(store_commit(fx.s, E));
    struct str s = {0};
    clock_t begun = clock();
    ok(lint_each(fx.s, NULL, 0, add_line, &s, E));
    double seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
    print_message("lint of %d devices: %.2f s of CPU\n", N, seconds);
    assert_non_null(strstr(s.s, "no-gateway 10.0.78.0/24 ipam.prefix 0|"));
    size_t lines = 0;
    for (const char *at = s.s; (at = strchr(at, '|')); at++) {
        lines++;
    }
    assert_int_equal(lines, 101);
    int calls = 0;
    assert_int_equal(lint_each(fx.s, NULL, 0, stop, &calls, E), 9);
    assert_int_equal(calls, 2);
    assert_true(seconds < 30);
    str_free(&s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_clean), T(test_addresses), T(test_devices), T(test_sync), T(test_size),
    };
    return cmocka_run_group_tests_name("inventory/lint", tests, NULL, NULL);
}

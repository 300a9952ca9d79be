/* The inventory's prefixes in memory: what is read, finding, and keeping in step. */
#include "tests/inventory/fixture.h"

#include "inventory/prefixes.h"
#include "inventory/store_sql.h"

static void put(const char *text, const char *router, const char *status)
{
    struct prefix p;
    struct ip4 r = {0};
    ok(prefix_parse(text, &p, E));
    if (router) {
        ok(ip4_parse(router, &r, E));
    }
    ok(db_run(fx.s, "INSERT INTO prefixes (first, last, length, router, status) VALUES (?, ?, ?, ?, ?)",
              DB_VALUES(db_i(p.net.a), db_i(prefix_broadcast(p).a), db_i(p.len), db_ref(r.a), db_t(status)),
              E));
}

static struct ip4 address(const char *text)
{
    struct ip4 ip = {0};
    ok(ip4_parse(text, &ip, E));
    return ip;
}

/* "10.77.0.0/24", or "none" */
static void finds(const struct prefixes *p, const char *ip, const char *want)
{
    size_t n;
    char text[PREFIX_STR];
    const struct known_prefix *list = prefixes_list(p, &n), *x = prefix_find(list, n, address(ip));
    assert_string_equal(x ? prefix_format(x->prefix, text) : "none", want);
}

static void refreshed(struct prefixes *p, bool want)
{
    bool changed;
    ok(prefixes_refresh(p, &changed, E));
    assert_int_equal(changed, want);
}

static void test_finding(void **state)
{
    (void)state;
    struct prefixes *p;
    struct ip4 router;
    size_t n;
    put("10.0.0.0/8", NULL, "container");
    put("10.77.0.0/16", "10.77.0.1", "active");
    put("10.77.5.0/24", "10.77.5.1", "active");
    put("10.77.5.128/25", NULL, "reserved");
    put("10.78.0.0/24", "10.79.0.1", "active"); /* a router that is not in it is none */
    put("10.77.5.7/32", NULL, "active");
    put("0.0.0.0/0", NULL, "active");
    put("127.0.0.0/16", NULL, "active");
    ok(db_run(fx.s,
              "INSERT INTO prefixes (first, last, length) VALUES (zeroblob(16), "
              "x'0000000000000000ffffffffffffffff', 64)",
              NULL, 0, E));
    ok(prefixes_open(fx.s, &p, E));
    const struct known_prefix *list = prefixes_list(p, &n);
    assert_int_equal(n, 4);
    finds(p, "10.77.5.7", "10.77.5.0/24");
    finds(p, "10.77.5.129", "10.77.5.128/25");
    finds(p, "10.77.6.0", "10.77.0.0/16");
    finds(p, "10.77.255.255", "10.77.0.0/16");
    finds(p, "10.78.0.9", "10.78.0.0/24");
    finds(p, "10.78.1.0", "none");
    finds(p, "9.255.255.255", "none");
    finds(p, "255.255.255.255", "none");
    assert_true(prefix_router(list, n, (struct prefix){{0x0a4d0500}, 24}, address("10.77.5.129"), &router));
    assert_int_equal(router.a, address("10.77.5.1").a);
    assert_false(prefix_router(list, n, (struct prefix){{0x0a4d0580}, 25}, address("10.77.5.129"), &router));
    assert_false(prefix_router(list, n, (struct prefix){{0x0a4e0000}, 24}, address("10.78.0.9"), &router));
    assert_true(prefix_routes(list, n, address("10.77.0.1")));
    assert_false(prefix_routes(list, n, address("10.77.0.2")));
    prefixes_free(p);
}

/* Another process adds, changes and removes. */
static void test_in_step(void **state)
{
    (void)state;
    struct prefixes *p;
    struct store *other;
    ok(store_open(fx.dir, &other, E));
    ok(prefixes_open(other, &p, E));
    refreshed(p, false);
    finds(p, "10.77.0.9", "none");
    put("10.77.0.0/24", NULL, "active");
    refreshed(p, true);
    refreshed(p, false);
    finds(p, "10.77.0.9", "10.77.0.0/24");
    ok(db_run(fx.s, "UPDATE prefixes SET status = 'container'", NULL, 0, E));
    refreshed(p, true);
    finds(p, "10.77.0.9", "none");
    ok(db_run(fx.s, "UPDATE prefixes SET status = 'active', router = 0x0a4d0001", NULL, 0, E));
    refreshed(p, true);
    size_t n;
    const struct known_prefix *list = prefixes_list(p, &n);
    assert_true(n == 1 && list[0].has_router);
    ok(db_run(fx.s, "DELETE FROM prefixes", NULL, 0, E));
    refreshed(p, true);
    finds(p, "10.77.0.9", "none");
    prefixes_free(p);
    store_close(other);
}

/* A hundred thousand, half of them inside others: each address finds its own. */
static void test_many(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct known_prefix *list = xcalloc(N, sizeof *list);
    for (uint32_t i = 0; i < N; i++) {
        uint32_t net = 0x0a000000 + (N - 1 - i) / 2 * 256;
        list[i].prefix = i % 2 ? (struct prefix){{net}, 24} : (struct prefix){{net + 64}, 26};
    }
    prefixes_sort(list, N);
    for (uint32_t i = 0; i < N / 2; i++) {
        struct ip4 net = {0x0a000000 + i * 256}, inner = {net.a + 70};
        const struct known_prefix *x = prefix_find(list, N, net), *y = prefix_find(list, N, inner);
        assert_true(x && y && x->prefix.len == 24 && y->prefix.len == 26 && y->parent == x);
    }
    free(list);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_finding), T(test_in_step), T(test_many)};
    return cmocka_run_group_tests_name("inventory/prefixes", tests, NULL, NULL);
}

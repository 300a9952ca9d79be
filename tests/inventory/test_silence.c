/* What was not answered: counted by MAC address and reason, and bounded; pools that are full. */
#include "tests/inventory/fixture.h"

#include "inventory/silence.h"

static struct silence row(uint64_t mac, const char *reason, int64_t last_ms, uint64_t times)
{
    struct silence x = {.mac = mac_from_u64(mac), .first_ms = last_ms, .last_ms = last_ms, .times = times};
    str_copy(x.reason, sizeof x.reason, reason);
    str_copy(x.sentence, sizeof x.sentence, "a sentence");
    return x;
}

static int64_t add(uint64_t mac, const char *reason, int64_t last_ms, uint64_t times)
{
    struct silence x = row(mac, reason, last_ms, times);
    int64_t before;
    ok(silence_add(fx.s, &x, &before, E));
    return before;
}

static int count(const struct silence *x, void *ctx)
{
    (void)x;
    ++*(size_t *)ctx;
    return 0;
}

static void test_counted(void **state)
{
    (void)state;
    struct silence x;
    size_t n = 0;
    fails(silence_last(fx.s, mac_from_u64(1), &x, E), ERR_NOT_FOUND);
    assert_int_equal(add(1, "pool-full", T0, 3), 0);
    assert_int_equal(add(1, "hops", T0 + 10, 1), 0);
    assert_int_equal(add(1, "pool-full", T0 + MINUTE, 9), T0);
    assert_int_equal(add(0, "short", T0, 2), 0);
    ok(silence_last(fx.s, mac_from_u64(1), &x, E));
    assert_string_equal(x.reason, "pool-full");
    assert_string_equal(x.sentence, "a sentence");
    assert_int_equal(x.times, 12);
    assert_int_equal(x.first_ms, T0);
    assert_int_equal(x.last_ms, T0 + MINUTE);
    ok(silence_each(fx.s, count, &n, E));
    assert_int_equal(n, 3);
}

static void test_bounded(void **state)
{
    (void)state;
    struct silence x;
    size_t n = 0;
    ok(store_begin(fx.s, E));
    for (unsigned i = 1; i <= 10001; i++)
        add(i, "unknown-mac", T0 + i, 1);
    ok(store_commit(fx.s, E));
    ok(silence_each(fx.s, count, &n, E));
    assert_int_equal(n, 10000);
    fails(silence_last(fx.s, mac_from_u64(1), &x, E), ERR_NOT_FOUND); /* the longest unseen */
    ok(silence_last(fx.s, mac_from_u64(2), &x, E));
}

static int since(struct prefix pool, int64_t full_ms, void *ctx)
{
    *(int64_t *)ctx += full_ms - T0 + (int64_t)(pool.net.a & 0xff);
    return 0;
}

static int64_t full(void)
{
    int64_t sum = 0;
    ok(silence_pool_each(fx.s, since, &sum, E));
    return sum;
}

static void test_pools(void **state)
{
    (void)state;
    struct prefix a = {{0x0a4d0000}, 24}, b = {{0x0a4e0080}, 25};
    assert_int_equal(full(), 0);
    ok(silence_pool(fx.s, a, T0 + 1000, E));
    ok(silence_pool(fx.s, a, T0 + 2000, E)); /* since the first time */
    ok(silence_pool(fx.s, b, T0, E));
    assert_int_equal(full(), 1000 + 0x80);
    ok(silence_pool(fx.s, a, 0, E));
    assert_int_equal(full(), 0x80);
    ok(silence_pools_forget(fx.s, E));
    assert_int_equal(full(), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_counted), T(test_bounded), T(test_pools)};
    return cmocka_run_group_tests_name("inventory/silence", tests, NULL, NULL);
}

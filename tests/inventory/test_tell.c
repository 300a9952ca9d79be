/* What courier keeps of its talk with a NetBox, and what an installer found. */
#include "tests/inventory/fixture.h"

#include "inventory/hardware.h"
#include "inventory/tell.h"

static void test_position(void **state)
{
    int64_t at;
    (void)state;
    ok(tell_position(fx.s, &at, E));
    assert_int_equal(at, -1);
    ok(tell_position_put(fx.s, 0, E));
    ok(tell_position(fx.s, &at, E));
    assert_int_equal(at, 0);
    ok(tell_position_put(fx.s, INT64_C(5000000000), E));
    ok(tell_position(fx.s, &at, E));
    assert_true(at == INT64_C(5000000000));
}

static void test_newest(void **state)
{
    int64_t before, after;
    (void)state;
    ok(tell_newest(fx.s, &before, E));
    ok(journal_add(fx.s, 0, NULL, "test", "event", "x", T0, E));
    ok(tell_newest(fx.s, &after, E));
    assert_int_equal(after, before + 1);
}

static int add_up(int64_t device_id, unsigned wanted, void *ctx)
{
    unsigned *all = ctx;
    (void)device_id;
    *all = *all * 100 + wanted;
    return 0;
}

static int clear_it(int64_t device_id, unsigned wanted, void *ctx)
{
    (void)wanted;
    return tell_owed_clear(fx.s, device_id, ctx);
}

static void test_owed(void **state)
{
    int64_t a = put_device("node-a", 0x10), b = put_device("node-b", 0x11);
    unsigned all = 0;
    (void)state;
    ok(tell_owed_add(fx.s, b, 4, E));
    ok(tell_owed_add(fx.s, a, 2, E));
    ok(tell_owed_add(fx.s, a, 8, E));
    ok(tell_owed_each(fx.s, add_up, &all, E));
    assert_int_equal(all, 1004);
    ok(tell_owed_each(fx.s, clear_it, E, E));
    all = 0;
    ok(tell_owed_each(fx.s, add_up, &all, E));
    assert_int_equal(all, 0);
}

static void test_hardware(void **state)
{
    int64_t id = put_device("node-c", 0x12);
    struct str text = {0};
    char *much = calloc(1, HARDWARE_MAX + 1);
    (void)state;
    fails(hardware_get(fx.s, id, &text, E), ERR_NOT_FOUND);
    ok(hardware_put(fx.s, id, "{\"model\":\"a\"}", T0, E));
    ok(hardware_put(fx.s, id, "{\"model\":\"b\"}", T0 + 1, E));
    ok(hardware_put(fx.s, id, "{\"model\":\"b\"}", T0 + 2, E));
    ok(hardware_get(fx.s, id, &text, E));
    assert_string_equal(text.s, "{\"model\":\"b\"}");
    memset(much, 'x', HARDWARE_MAX);
    fails(hardware_put(fx.s, id, much, T0, E), ERR_INPUT);
    free(much);
    str_free(&text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_position), T(test_newest), T(test_owed), T(test_hardware)};
    return cmocka_run_group_tests_name("inventory/tell", tests, NULL, NULL);
}

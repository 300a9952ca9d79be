/* The table of states: every pair of it, pure and in the store. */
#include "tests/inventory/fixture.h"

/* One letter a state, in the order of the enum. Rows: from; '+' may. */
static const char *const want[STATE_COUNT] = {
    /* to: unknown idle armed booting installing installed starting enrolling ready failed */
    [STATE_UNKNOWN] = ".+........",  [STATE_IDLE] = "..+......+",       [STATE_ARMED] = ".++++...++",
    [STATE_BOOTING] = ".++++...++",  [STATE_INSTALLING] = ".+..++...+", [STATE_INSTALLED] = "..+..++..+",
    [STATE_STARTING] = "..+...++.+", [STATE_ENROLLING] = "..+....+++",  [STATE_READY] = "..+.....++",
    [STATE_FAILED] = "..+...++++",
};

static void test_table(void **state)
{
    (void)state;
    for (int from = 0; from < STATE_COUNT; from++) {
        for (int to = 0; to < STATE_COUNT; to++) {
            if (state_may((enum device_state)from, (enum device_state)to) != (want[from][to] == '+')) {
                fail_msg("%s -> %s", state_name((enum device_state)from), state_name((enum device_state)to));
            }
        }
    }
    assert_false(state_may((enum device_state)77, STATE_IDLE));
    assert_false(state_may(STATE_IDLE, (enum device_state)77));
}

static void test_names(void **state)
{
    (void)state;
    enum device_state s;
    for (int i = 0; i < STATE_COUNT; i++) {
        ok(state_parse(state_name((enum device_state)i), &s, E));
        assert_int_equal(s, i);
    }
    fails(state_parse("sleeping", &s, E), ERR_INPUT);
    assert_string_equal(
        fx.e.text,
        "there is no state \"sleeping\"; it is one of unknown, idle, armed, booting, installing, installed, "
        "starting, enrolling, ready, failed");
    assert_string_equal(state_name((enum device_state)99), "?");
}

static int move(int64_t id, enum device_state to)
{
    return device_transition(fx.s, id, to, to == STATE_FAILED ? "disk-io" : NULL, "test", "moved",
                             "by the test", T0, E);
}

/* The shortest ways to each state. */
static const enum device_state ways[STATE_COUNT][9] = {
    [STATE_IDLE] = {0},
    [STATE_ARMED] = {STATE_ARMED},
    [STATE_BOOTING] = {STATE_ARMED, STATE_BOOTING},
    [STATE_INSTALLING] = {STATE_ARMED, STATE_BOOTING, STATE_INSTALLING},
    [STATE_INSTALLED] = {STATE_ARMED, STATE_BOOTING, STATE_INSTALLING, STATE_INSTALLED},
    [STATE_STARTING] = {STATE_ARMED, STATE_BOOTING, STATE_INSTALLING, STATE_INSTALLED, STATE_STARTING},
    [STATE_ENROLLING] = {STATE_ARMED, STATE_BOOTING, STATE_INSTALLING, STATE_INSTALLED, STATE_STARTING,
                         STATE_ENROLLING},
    [STATE_READY] = {STATE_ARMED, STATE_BOOTING, STATE_INSTALLING, STATE_INSTALLED, STATE_STARTING,
                     STATE_ENROLLING, STATE_READY},
    [STATE_FAILED] = {STATE_FAILED},
};

static int64_t device_in(enum device_state s, unsigned n)
{
    char name[32];
    snprintf(name, sizeof name, "hv-%03u", n);
    int64_t id = put_device(name, n);
    for (size_t i = 0; ways[s][i]; i++) {
        ok(move(id, ways[s][i]));
    }
    state_is(id, s);
    return id;
}

static void test_every_transition(void **state)
{
    (void)state;
    unsigned n = 1;
    ok(store_begin(fx.s, E)); /* one fsync for all of it */
    for (int from = STATE_IDLE; from < STATE_COUNT; from++) {
        for (int to = STATE_IDLE; to < STATE_COUNT; to++) {
            int64_t id = device_in((enum device_state)from, n++);
            size_t before = events(id, "moved");
            if (want[from][to] == '+') {
                ok(move(id, (enum device_state)to));
                state_is(id, (enum device_state)to);
                assert_int_equal(events(id, "moved"), before + 1);
            } else {
                fails(move(id, (enum device_state)to), ERR_CONFLICT);
                state_is(id, (enum device_state)from);
                assert_int_equal(events(id, "moved"), before);
            }
        }
    }
    ok(store_commit(fx.s, E));
    ok(journal_verify(fx.s, NULL, E));
}

static void test_sentence_and_fields(void **state)
{
    (void)state;
    int64_t id = put_device("hv-01", 1);
    fails(move(id, STATE_READY), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "hv-01 is idle and cannot become ready from there");
    fails(move(4711, STATE_READY), ERR_NOT_FOUND);
    ok(device_transition(fx.s, id, STATE_FAILED, "disk-io", "test", "failed", "sector 7", T0 + 5, E));
    struct device d = get_device(id);
    assert_string_equal(d.reason, "disk-io");
    assert_int_equal(d.state_ms, T0 + 5);
    ok(device_transition(fx.s, id, STATE_FAILED, "no-disk", "test", "failed", "none", T0 + 6, E));
    assert_string_equal(get_device(id).reason, "no-disk");
    ok(move(id, STATE_ARMED));
    assert_string_equal(get_device(id).reason, "");
    ok(device_transition(fx.s, id, STATE_ARMED, NULL, "test", "again", "", T0 + 99, E));
    assert_int_equal(get_device(id).state_ms, T0); /* since when, not when last confirmed */
    char longest[200];
    memset(longest, 'x', sizeof longest);
    longest[199] = '\0';
    fails(device_transition(fx.s, id, STATE_FAILED, longest, "test", "failed", "", T0, E), ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_every_transition, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_sentence_and_fields, fixture_open, fixture_close),
    };
    return cmocka_run_group_tests_name("inventory/state", tests, NULL, NULL);
}

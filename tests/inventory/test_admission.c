/* Whose turn it is: the pure decision by vectors, then the queue in the store. */
#include "tests/inventory/fixture.h"

static const struct {
    const char *name;
    unsigned max;
    struct stream streams[4];
    size_t n, before, waiting;
    struct turn want;
} rows[] = {
    {"no limit", 0, {{0}}, 0, 9, 10, {.now = true}},
    {"an empty room", 1, {{0}}, 0, 0, 1, {.now = true}},
    {"room for one more", 3, {{0}, {0}}, 2, 0, 1, {.now = true}},
    {"room for one more, and someone before",
     3,
     {{10, 100, 10}, {20, 100, 10}},
     2,
     1,
     2,
     {.place = 2, .of = 2, .seconds = 9, .retry_s = 2}},
    {"the free place is for one who asked before",
     1,
     {{0}},
     0,
     1,
     2,
     {.place = 2, .of = 2, .seconds = 0, .retry_s = 2}},
    {"full: the next", 1, {{400, 1000, 10}}, 1, 0, 1, {.place = 1, .of = 1, .seconds = 61, .retry_s = 7}},
    {"full: the one after it waits for a whole stream more",
     1,
     {{400, 1000, 10}},
     1,
     1,
     3,
     {.place = 2, .of = 3, .seconds = 61 + 101, .retry_s = 15}},
    {"full: the first end is whose end is nearest",
     2,
     {{0, 1000, 10}, {900, 1000, 10}},
     2,
     0,
     1,
     {.place = 1, .of = 1, .seconds = 11, .retry_s = 2}},
    {"full: the second end",
     2,
     {{0, 1000, 10}, {900, 1000, 10}},
     2,
     1,
     2,
     {.place = 2, .of = 2, .seconds = 101, .retry_s = 12}},
    {"one that has not reported counts as whole",
     2,
     {{500, 1000, 10}, {0}},
     2,
     1,
     2,
     {.place = 2, .of = 2, .seconds = 101, .retry_s = 12}},
    {"nobody has reported", 1, {{0}}, 1, 0, 1, {.place = 1, .of = 1, .seconds = -1, .retry_s = 5}},
    {"one that is done with its bytes",
     1,
     {{1000, 1000, 10}},
     1,
     0,
     1,
     {.place = 1, .of = 1, .seconds = 0, .retry_s = 2}},
    {"more run than may",
     1,
     {{0, 1000, 10}, {900, 1000, 10}},
     2,
     0,
     1,
     {.place = 1, .of = 1, .seconds = 101, .retry_s = 12}},
    {"reports that nobody can mean",
     1,
     {{0, INT64_MAX - 1, 1}},
     1,
     0,
     1,
     {.place = 1, .of = 1, .seconds = -1, .retry_s = 5}},
    {"far behind",
     2,
     {{0, 10000, 10}, {0, 10000, 10}},
     2,
     999,
     1000,
     {.place = 1000, .of = 1000, .seconds = 1001 + 499 * 1001, .retry_s = 15}},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct admission a = {.max_streams = rows[i].max,
                                    .streams = rows[i].streams,
                                    .streams_n = rows[i].n,
                                    .before = rows[i].before,
                                    .waiting = rows[i].waiting};
        struct turn t = admission_decide(&a);
        const struct turn *w = &rows[i].want;
        if (t.now != w->now || t.place != w->place || t.of != w->of || t.seconds != w->seconds ||
            t.retry_s != w->retry_s) {
            fail_msg("%s: now %d, place %u of %u, %lld s, again in %u s", rows[i].name, t.now, t.place, t.of,
                     (long long)t.seconds, t.retry_s);
        }
    }
}

static void test_horizon(void **state)
{
    (void)state;
    struct admission_limit l = {.up_ms = 0};
    assert_int_equal(admission_horizon(&l, T0), T0 - MINUTE);
    l.up_ms = T0 - MINUTE;
    assert_int_equal(admission_horizon(&l, T0), T0 - MINUTE);
    l.up_ms = T0 - 1000; /* it was away: who was there before counts */
    assert_int_equal(admission_horizon(&l, T0), T0 - 1000 - 10 * MINUTE);
}

static void test_words(void **state)
{
    (void)state;
    char buf[TURN_STR];
    struct turn t = {.place = 3, .of = 12, .seconds = 240};
    assert_string_equal(turn_format(&t, buf), "place 3 of 12, about 4 min left");
    t.seconds = 59;
    assert_string_equal(turn_format(&t, buf), "place 3 of 12, about 59 s left");
    t.seconds = -1;
    assert_string_equal(turn_format(&t, buf), "place 3 of 12, nobody knows yet how long that takes");
    unsigned said = 0, lines = 0; /* a thousand places are eleven lines */
    for (t.place = 1000; t.place; t.place--) {
        if (turn_is_news(&t, said)) {
            said = t.place;
            lines++;
        }
    }
    assert_int_equal(said, 1);
    assert_int_equal(lines, 10);
}

/* ---- in the store */

#define MACHINES 4

static struct {
    int64_t device;
    struct job j;
    char token[DIGEST_HEX], enrol[DIGEST_HEX];
} m[MACHINES];
static unsigned max_streams;
static int64_t up_ms;

static int setup(void **state)
{
    fixture_open(state);
    put_release("debian-12", "v1", DIGEST_1, T0 - 2);
    for (unsigned i = 0; i < MACHINES; i++) {
        char name[16];
        snprintf(name, sizeof name, "hv-%02u", i);
        m[i].device = put_device(name, i + 1);
        m[i].j = assign_device(m[i].device, "debian-12");
        ok(token_at(fx.s, &m[i].j, UUID_A, T0, m[i].token, E));
    }
    max_streams = 1;
    up_ms = 0;
    return 0;
}

static struct turn ask(unsigned i, int64_t at_ms)
{
    const struct claim c = {.token = m[i].token,
                            .machine_uuid = UUID_A,
                            .disk = &vda,
                            .limit = {.max_streams = max_streams, .up_ms = up_ms}};
    struct turn t;
    ok(job_claim(fx.s, &c, at_ms, &m[i].j, &t, m[i].enrol, E));
    assert_int_equal(t.now, m[i].enrol[0] != '\0');
    return t;
}

static void is_place(struct turn t, unsigned place, unsigned of)
{
    assert_false(t.now);
    if (t.place != place || t.of != of) {
        fail_msg("place %u of %u, not %u of %u", t.place, t.of, place, of);
    }
}

static struct turn seen(unsigned i, int64_t at_ms)
{
    struct turn t;
    struct job j = current(m[i].device);
    ok(job_turn(fx.s, &j, max_streams, at_ms, &t, E));
    return t;
}

static void test_first_come(void **state)
{
    (void)state;
    assert_true(ask(0, T0).now);
    is_place(ask(2, T0 + 1), 1, 1);
    is_place(ask(1, T0 + 2), 2, 2);
    is_place(ask(2, T0 + 3), 1, 2);
    state_is(m[2].device, STATE_BOOTING); /* nothing is claimed */
    assert_int_equal(current(m[2].device).state, JOB_ARMED);
    assert_int_equal(events(m[2].device, "waiting-turn"), 1);
    is_place(seen(1, T0 + 4), 2, 2);
    assert_true(seen(0, T0 + 4).now);
    assert_true(seen(3, T0 + 4).now); /* it has not asked */

    ok(job_progress(fx.s, m[0].j.id, 500, 1000, 10, T0 + 1000, E));
    struct turn t = ask(1, T0 + 1001);
    is_place(t, 2, 2);
    assert_int_equal(t.seconds, 51 + 101);

    ok(job_written(fx.s, m[0].j.id, "", T0 + 2000, E));
    is_place(ask(1, T0 + 2001), 2, 2); /* free, but not for this one */
    is_place(ask(3, T0 + 2001), 3, 3);
    is_place(seen(2, T0 + 2002), 1, 1);
    assert_true(ask(2, T0 + 2002).now);
    is_place(ask(1, T0 + 2003), 1, 2);
    assert_int_equal(events(m[1].device, "waiting-turn"), 2); /* its first, and its being the next */
    assert_true(seen(2, T0 + 2004).now);
}

static void test_crashed_one_makes_place(void **state)
{
    (void)state;
    assert_true(ask(0, T0).now);
    for (int64_t at = T0 + 1; at < T0 + MINUTE; at += 15000) {
        is_place(ask(1, at), 1, 1);
    }
    assert_true(ask(1, T0 + MINUTE).now);

    /* It was not dead after all: what it writes goes on, and it counts again. */
    ok(job_progress(fx.s, m[0].j.id, 500, 1000, 10, T0 + MINUTE + 1, E));
    is_place(ask(2, T0 + MINUTE + 2), 1, 1);
    assert_true(ask(0, T0 + MINUTE + 3).now); /* a resume of what holds a place */
}

static void test_silent_one_loses_its_turn(void **state)
{
    (void)state;
    assert_true(ask(0, T0).now);
    is_place(ask(1, T0 + 1), 1, 1);
    is_place(ask(2, T0 + 2), 2, 2);
    ok(job_progress(fx.s, m[0].j.id, 1, 2, 1, T0 + 50000, E));
    is_place(ask(2, T0 + 50000), 2, 2);
    is_place(ask(2, T0 + 1 + MINUTE), 1, 1);
    is_place(ask(1, T0 + 2 + MINUTE), 2, 2);
    assert_int_equal(events(m[1].device, "waiting-turn"), 2);
}

/* Two minutes without a server: nobody could be heard of, and nobody is worse off. */
static void test_server_away(void **state)
{
    (void)state;
    assert_true(ask(0, T0).now);
    is_place(ask(1, T0 + 1), 1, 1);
    up_ms = T0 + 2 * MINUTE;
    is_place(ask(2, up_ms + 1), 2, 2);
    is_place(ask(1, up_ms + 2), 1, 2);
    assert_int_equal(events(m[1].device, "waiting-turn"), 1);
    assert_true(ask(1, up_ms + MINUTE).now); /* the first one has not come back */
}

/* What was heard before the clock was set back would lie ahead for hours: neither keeps a place. */
static void test_clock_set_back(void **state)
{
    (void)state;
    assert_true(ask(0, T0).now);
    is_place(ask(1, T0 + 1), 1, 1);
    assert_true(ask(2, T0 - HOUR).now);
    is_place(ask(3, T0 - HOUR + 1), 1, 1);
    is_place(ask(1, T0 - HOUR + 2), 2, 2);
    ok(job_progress(fx.s, m[0].j.id, 500, 1000, 10, T0 - HOUR + 3, E)); /* what still writes counts again */
    ok(job_written(fx.s, m[2].j.id, "", T0 - HOUR + 4, E));
    is_place(ask(3, T0 - HOUR + 5), 1, 2);
}

static void test_asking_costs_nothing(void **state)
{
    (void)state;
    struct store *other;
    assert_true(ask(0, T0).now);
    is_place(ask(1, T0 + 1), 1, 1);
    ok(store_open(fx.dir, &other, E));
    store_changed(other);
    for (int i = 0; i < 100; i++) {
        is_place(ask(1, T0 + 2 + i * 100), 1, 1);
    }
    assert_false(store_changed(other)); /* no commit */
    is_place(ask(1, T0 + 30000), 1, 1);
    assert_true(store_changed(other));
    assert_int_equal(current(m[1].device).expires_ms, T0 + 30000 + HOUR); /* waiting is a sign of life */
    store_close(other);
}

static void test_refused_one_does_not_wait(void **state)
{
    (void)state;
    struct turn t;
    struct claim c = {.token = m[1].token, .machine_uuid = UUID_A, .disk = &vda, .limit = {.max_streams = 1}};
    assert_true(ask(0, T0).now);
    ok(device_protect(fx.s, m[1].device, true, "test", E));
    fails(job_claim(fx.s, &c, T0, &m[1].j, &t, m[1].enrol, E), ERR_REFUSED);
    ok(device_protect(fx.s, m[1].device, false, "test", E));
    is_place(ask(2, T0 + 1), 1, 1);
    is_place(ask(1, T0 + 2), 2, 2);
    ok(job_cancel(fx.s, m[2].device, "test", T0 + 3, E));
    is_place(ask(1, T0 + 4), 1, 1); /* one that is cancelled waits no more */
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_horizon),  cmocka_unit_test(test_words),
        T(test_first_come),          T(test_crashed_one_makes_place), T(test_silent_one_loses_its_turn),
        T(test_server_away),         T(test_asking_costs_nothing),    T(test_refused_one_does_not_wait),
        T(test_clock_set_back),
    };
    return cmocka_run_group_tests_name("inventory/admission", tests, NULL, NULL);
}

/* The journal: order, windows, the chain, and what cannot be done to it. */
#include "tests/inventory/fixture.h"

#include "inventory/store_sql.h"

static void add(int64_t device, const char *event, const char *detail)
{
    ok(journal_add(fx.s, device, NULL, "test", event, detail, T0, E));
}

static int add_event(const struct entry *x, void *ctx)
{
    str_addf(ctx, "%s ", x->event);
    return 0;
}

static void reads(int64_t after, int64_t device, size_t last, const char *want)
{
    struct str s = {0};
    str_add(&s, "");
    ok(journal_each(fx.s, after, device, last, add_event, &s, E));
    assert_string_equal(s.s, want);
    str_free(&s);
}

static void test_windows(void **state)
{
    (void)state;
    int64_t a = put_device("hv-01", 1), b = put_device("hv-02", 2);
    add(a, "a1", "");
    add(b, "b1", "");
    add(0, "none", "");
    add(a, "a2", "");
    reads(0, 0, 0, "created created a1 b1 none a2 ");
    reads(3, 0, 0, "b1 none a2 ");
    reads(0, a, 0, "created a1 a2 ");
    reads(0, 0, 2, "none a2 ");
    reads(0, a, 2, "a1 a2 ");
    reads(5, 0, 4, "a2 ");
    reads(0, 0, 100, "created created a1 b1 none a2 ");
    reads(6, 0, 0, "");
}

static void add_once(int64_t device, int64_t at_ms)
{
    ok(journal_add_once(fx.s, device, NULL, "test", "said", "the same", at_ms - 1000, at_ms, E));
}

/* What was said before the clock was set back is not in the way. */
static void test_once(void **state)
{
    (void)state;
    int64_t id = put_device("hv-01", 1);
    add_once(id, T0);
    add_once(id, T0);
    add_once(id, T0 + 999);
    assert_int_equal(events(id, "said"), 1);
    add_once(id, T0 + 1000);
    assert_int_equal(events(id, "said"), 2);
    add_once(id, T0 - HOUR);
    add_once(id, T0 - HOUR + 1);
    assert_int_equal(events(id, "said"), 3);
}

static int keep(const struct entry *x, void *ctx)
{
    *(struct entry *)ctx = *x;
    return 0;
}

static void test_fields(void **state)
{
    (void)state;
    struct entry x;
    struct mac m = a_mac(1);
    int64_t id = put_device("hv-01", 1);
    ok(journal_add(fx.s, id, &m, "dhcpd", "address", "10.77.0.1 '; DROP TABLE journal; --", T0 + 7, E));
    ok(journal_each(fx.s, 0, id, 1, keep, &x, E));
    assert_int_equal(x.id, 2);
    assert_int_equal(x.at_ms, T0 + 7);
    assert_int_equal(x.device_id, id);
    assert_string_equal(x.device, "hv-01");
    assert_string_equal(x.mac, "52:54:00:00:00:01");
    assert_string_equal(x.actor, "dhcpd");
    assert_string_equal(x.detail, "10.77.0.1 '; DROP TABLE journal; --");
    fails(journal_add(fx.s, 4711, NULL, "test", "x", "", T0, E), ERR_NOT_FOUND);
}

static void test_long_detail_is_cut_between_characters(void **state)
{
    (void)state;
    struct entry x;
    char detail[2000];
    memset(detail, 'x', sizeof detail);
    memcpy(detail + 510, "\xc3\xa9\xc3\xa9", 4); /* the first of two bytes would be the last that fits */
    detail[1999] = '\0';
    add(0, "long", detail);
    ok(journal_each(fx.s, 0, 0, 0, keep, &x, E));
    assert_int_equal(strlen(x.detail), 510);
    ok(journal_verify(fx.s, NULL, E));
}

/* Whoever made the sentence may have cut it. */
static void test_half_a_character_at_the_end(void **state)
{
    (void)state;
    const struct {
        const char *given, *kept;
    } rows[] = {
        {"a\xc3", "a"},
        {"a\xe2\x82", "a"},
        {"a\xf0\x9f\x98", "a"},
        {"a\xe2\x82\xac", "a\xe2\x82\xac"},
        {"a\xf0\x9f\x98\x80", "a\xf0\x9f\x98\x80"},
        {"\xc3", ""},
        {"", ""},
    };
    struct entry x;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        add(0, "cut", rows[i].given);
        ok(journal_each(fx.s, 0, 0, 1, keep, &x, E));
        assert_string_equal(x.detail, rows[i].kept);
    }
}

static int stop(const struct entry *x, void *ctx)
{
    (void)x;
    return ++*(int *)ctx == 3 ? 42 : 0;
}

static void test_many(void **state)
{
    (void)state;
    size_t n = 0;
    int calls = 0;
    ok(store_begin(fx.s, E));
    for (int i = 0; i < 300; i++) {
        add(0, "tick", "");
    }
    ok(store_commit(fx.s, E));
    assert_int_equal(events(0, "tick"), 300);
    ok(journal_verify(fx.s, &n, E));
    assert_int_equal(n, 300);
    assert_int_equal(journal_each(fx.s, 0, 0, 0, stop, &calls, E), 42);
    assert_int_equal(calls, 3);
}

static void test_append_only(void **state)
{
    (void)state;
    add(0, "one", "");
    fails(db_run(fx.s, "UPDATE journal SET detail = 'x'", NULL, 0, E), ERR_CONFLICT);
    assert_non_null(strstr(fx.e.text, "the journal is append-only"));
    fails(db_run(fx.s, "DELETE FROM journal", NULL, 0, E), ERR_CONFLICT);
    reads(0, 0, 0, "one ");
}

/* Someone who writes to the file past us. */
static void test_tampering_shows(void **state)
{
    (void)state;
    const struct {
        const char *sql, *want;
    } rows[] = {
        {"UPDATE journal SET detail = 'other' WHERE id = 2",
         "the journal's entry 2 is not what was written, or the one before it was replaced"},
        {"UPDATE journal SET at_ms = at_ms + 1 WHERE id = 3",
         "the journal's entry 3 is not what was written, or the one before it was replaced"},
        {"UPDATE journal SET hash = zeroblob(32) WHERE id = 1",
         "the journal's entry 1 is not what was written, or the one before it was replaced"},
        {"DELETE FROM journal WHERE id = 2", "the journal has no entry 2: it was taken out"},
    };
    for (int i = 0; i < 4; i++) {
        add(0, "tick", "detail");
    }
    ok(db_run(fx.s, "DROP TRIGGER journal_no_update", NULL, 0, E));
    ok(db_run(fx.s, "DROP TRIGGER journal_no_delete", NULL, 0, E));
    ok(journal_verify(fx.s, NULL, E));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ok(store_begin(fx.s, E));
        ok(db_run(fx.s, rows[i].sql, NULL, 0, E));
        fails(journal_verify(fx.s, NULL, E), ERR_CORRUPT);
        assert_string_equal(fx.e.text, rows[i].want);
        store_rollback(fx.s);
        ok(journal_verify(fx.s, NULL, E));
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_windows),
        T(test_once),
        T(test_fields),
        T(test_long_detail_is_cut_between_characters),
        T(test_windows),
        T(test_once),
        T(test_fields),
        T(test_half_a_character_at_the_end),
        T(test_many),
        T(test_append_only),
        T(test_tampering_shows),
    };
    return cmocka_run_group_tests_name("inventory/journal", tests, NULL, NULL);
}

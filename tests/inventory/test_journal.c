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

/* An end that was cut off is seen by what is kept beside the journal, also when something was written since.
 */
static void test_cut_end_shows(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        add(0, "tick", "detail");
    }
    ok(db_run(fx.s, "DROP TRIGGER journal_no_delete", NULL, 0, E));
    ok(store_begin(fx.s, E));
    ok(db_run(fx.s, "DELETE FROM journal WHERE id > 2", NULL, 0, E));
    fails(journal_verify(fx.s, NULL, E), ERR_CORRUPT);
    assert_string_equal(fx.e.text,
                        "the journal ends with entry 2, and 4 had been written: its end was cut off");
    add(0, "tick", "after the cut");
    fails(journal_verify(fx.s, NULL, E), ERR_CORRUPT);
    assert_string_equal(fx.e.text, "the journal has no entry 3: it was taken out");
    store_rollback(fx.s);
    ok(journal_verify(fx.s, NULL, E));
    ok(db_run(fx.s, "UPDATE journal_head SET id = 3", NULL, 0, E));
    fails(journal_verify(fx.s, NULL, E), ERR_CORRUPT);
}

static void test_expected_hash(void **state)
{
    (void)state;
    struct journal_proof early, p;
    add(0, "one", "");
    add(0, "two", "");
    ok(journal_prove(fx.s, NULL, &early, E));
    assert_int_equal(early.n, 2);
    add(0, "three", "");
    ok(journal_prove(fx.s, &early.head, &p, E));
    assert_int_equal(p.expected, 2);
    assert_int_equal(p.n, 3);
    early.head.b[0] ^= 1;
    fails(journal_prove(fx.s, &early.head, &p, E), ERR_CORRUPT);
    assert_non_null(strstr(fx.e.text, "no entry of the journal has the expected hash"));
}

static void put_number(struct sha256 *h, uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++) {
        b[i] = (uint8_t)(v >> (56 - 8 * i));
    }
    sha256_add(h, b, 8);
}

/* An entry as it was written before there were more fields. */
static struct digest put_old(struct store *s, int64_t id, struct digest before, const char *detail)
{
    static const char sql[] = "INSERT INTO journal (id, at_ms, device, mac, actor, event, detail, hash) "
                              "VALUES (?, ?, '', '', 'old', "
                              "'said', ?, ?)";
    const char *const texts[] = {"", "", "old", "said", detail};
    struct sha256 *h = sha256_new();
    sha256_add(h, before.b, DIGEST_SIZE);
    put_number(h, (uint64_t)id);
    put_number(h, (uint64_t)T0);
    put_number(h, 0);
    for (size_t i = 0; i < 5; i++) {
        put_number(h, strlen(texts[i]));
        sha256_add(h, texts[i], strlen(texts[i]));
    }
    struct digest d = sha256_end(h);
    ok(db_run(s, sql, DB_VALUES(db_i(id), db_i(T0), db_t(detail), db_digest(&d)), E));
    return d;
}

/* A store of the version before the entries had more fields. */
static void test_entries_of_old(void **state)
{
    (void)state;
    struct store *s;
    size_t n;
    struct migrations before = {.sql = inventory_migrations.sql, .n = 8};
    /* the hash of an entry of old covers none of these */
    const char *const unhashed[] = {"UPDATE journal SET address = '192.0.2.8' WHERE id = 1",
                                    "UPDATE journal SET before_json = '{}' WHERE id = 2",
                                    "UPDATE journal SET after_json = '{}' WHERE id = 2"};
    store_close(fx.s);
    fx.s = NULL;
    ok(dir_remove(fx.dir, E));
    ok(dir_make(fx.dir, 0700, E));
    ok(db_open(fx.dir, "inventory.db", &before, &s, E));
    put_old(s, 2, put_old(s, 1, (struct digest){{0}}, "first"), "second");
    store_close(s);
    ok(store_open(fx.dir, &fx.s, E));
    ok(journal_verify(fx.s, &n, E));
    assert_int_equal(n, 2);
    add(0, "new", "third");
    ok(journal_verify(fx.s, &n, E));
    assert_int_equal(n, 3);
    reads(0, 0, 0, "said said new ");
    ok(db_run(fx.s, "DROP TRIGGER journal_no_update", NULL, 0, E));
    for (size_t i = 0; i < sizeof unhashed / sizeof *unhashed; i++) {
        ok(store_begin(fx.s, E));
        ok(db_run(fx.s, unhashed[i], NULL, 0, E));
        fails(journal_verify(fx.s, NULL, E), ERR_CORRUPT);
        store_rollback(fx.s);
    }
    ok(journal_verify(fx.s, &n, E));
    ok(db_run(fx.s, "UPDATE journal SET form = 1 WHERE id = 3", NULL, 0, E));
    fails(journal_verify(fx.s, NULL, E), ERR_CORRUPT);
}

static void test_asker_and_change(void **state)
{
    (void)state;
    struct entry x;
    struct change c = {.left_out = 0};
    change_text(&c, "role", "compute", "storage");
    change_text(&c, "rack", "r01", "");
    change_text(&c, "same", "a", "a");
    change_number(&c, "position", 1, 2);
    change_ref(&c, "tenant", 0, 7);
    change_bool(&c, "protected", false, true);
    store_asker(fx.s, "192.0.2.7");
    ok(journal_add_change(fx.s, 0, NULL, "api:x", "changed", "", &c, T0, E));
    ok(journal_each(fx.s, 0, 0, 1, keep, &x, E));
    assert_string_equal(x.address, "192.0.2.7");
    assert_string_equal(x.before, "{\"role\":\"compute\",\"rack\":\"r01\",\"position\":1,\"tenant\":null,"
                                  "\"protected\":false}");
    assert_string_equal(x.after, "{\"role\":\"storage\",\"rack\":null,\"position\":2,\"tenant\":7,"
                                 "\"protected\":true}");
    store_asker(fx.s, NULL);
    add(0, "machine", "\xff\x1b");
    ok(journal_each(fx.s, 0, 0, 1, keep, &x, E));
    assert_string_equal(x.address, "");
    assert_string_equal(x.before, "");
    assert_string_equal(x.detail, "?\x1b");
    ok(journal_verify(fx.s, NULL, E));
}

static void test_each_field_is_hashed(void **state)
{
    (void)state;
    const char *const sql[] = {
        "UPDATE journal SET address = '192.0.2.8'",     "UPDATE journal SET before_json = '{}'",
        "UPDATE journal SET after_json = '{}'",         "UPDATE journal SET actor = 'other'",
        "UPDATE journal SET mac = '52:54:00:00:00:02'", "UPDATE journal SET device = 'other'",
        "UPDATE journal SET event = 'other'",
    };
    struct change c = {.left_out = 0};
    change_bool(&c, "protected", false, true);
    store_asker(fx.s, "192.0.2.7");
    ok(journal_add_change(fx.s, 0, NULL, "root", "x", "", &c, T0, E));
    ok(db_run(fx.s, "DROP TRIGGER journal_no_update", NULL, 0, E));
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        ok(store_begin(fx.s, E));
        ok(db_run(fx.s, sql[i], NULL, 0, E));
        fails(journal_verify(fx.s, NULL, E), ERR_CORRUPT);
        store_rollback(fx.s);
    }
    ok(journal_verify(fx.s, NULL, E));
}

/* What does not fit is left out and counted; the objects stay JSON. */
static void test_change_bounds(void **state)
{
    (void)state;
    struct change c = {.left_out = 0};
    char before[CHANGE_SIZE], after[CHANGE_SIZE], name[16], text[1000];
    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "field%d", i);
        change_text(&c, name, "", text);
    }
    change_end(&c, before, after);
    assert_true(c.left_out > 10);
    assert_true(str_ends(after, "}") && strstr(after, ",\"more\":") && strstr(after, "...\","));
    assert_true(strlen(after) < CHANGE_SIZE);
    memset(&c, 0, sizeof c);
    assert_true(change_none(&c));
    change_end(&c, before, after);
    assert_string_equal(after, "");
    change_text(&c, "a\"b", "x\xc3", "\xc3\xa9\n");
    change_end(&c, before, after);
    assert_string_equal(before, "{\"a\\\"b\":\"x?\"}");
    assert_string_equal(after, "{\"a\\\"b\":\"\xc3\xa9\\u000a\"}");
}

/* What the functions that people reach say of before and after. */
static void test_what_changes_say(void **state)
{
    (void)state;
    struct entry x;
    int64_t id = put_device("hv-01", 1);
    struct device d = make_device("hv-01", 2);
    ok(journal_each(fx.s, 0, id, 1, keep, &x, E));
    assert_non_null(strstr(x.after, "\"site\":\"par1\""));
    str_copy(d.role, sizeof d.role, "storage");
    ok(device_put(fx.s, &d, "test", NULL, E));
    ok(journal_each(fx.s, 0, id, 1, keep, &x, E));
    assert_string_equal(x.before,
                        "{\"role\":null,\"interface eno1\":\"52:54:00:00:00:01 10.77.0.1/24 primary\"}");
    assert_string_equal(
        x.after, "{\"role\":\"storage\",\"interface eno1\":\"52:54:00:00:00:02 10.77.0.2/24 primary\"}");
    ok(device_protect(fx.s, id, true, "test", E));
    ok(journal_each(fx.s, 0, id, 1, keep, &x, E));
    assert_string_equal(x.after, "{\"protected\":true}");
    ok(device_protect(fx.s, id, false, "test", E));
    put_release("debian-12", "1", DIGEST_1, T0);
    assign_device(id, "debian-12");
    ok(journal_each(fx.s, 0, id, 1, keep, &x, E));
    assert_string_equal(x.before, "{\"image\":null,\"state\":\"idle\"}");
    assert_string_equal(x.after, "{\"image\":\"debian-12\",\"state\":\"armed\"}");
    ok(job_cancel(fx.s, id, "test", T0, E));
    ok(journal_each(fx.s, 0, id, 1, keep, &x, E));
    assert_string_equal(x.after, "{\"state\":\"idle\"}");
    ok(device_intend(fx.s, id, "debian-13", "test", T0, E));
    ok(device_intend(fx.s, id, "debian-13", "test", T0, E));
    assert_int_equal(events(id, "intended"), 1);
    ok(device_remove(fx.s, id, "test", T0, E));
    ok(journal_each(fx.s, 0, id, 1, keep, &x, E));
    assert_non_null(strstr(x.before, "\"interface eno1\":"));
    assert_non_null(strstr(x.after, "\"interface eno1\":null"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_windows),
        T(test_once),
        T(test_fields),
        T(test_long_detail_is_cut_between_characters),
        T(test_half_a_character_at_the_end),
        T(test_many),
        T(test_append_only),
        T(test_tampering_shows),
        T(test_cut_end_shows),
        T(test_expected_hash),
        T(test_entries_of_old),
        T(test_asker_and_change),
        T(test_each_field_is_hashed),
        T(test_change_bounds),
        T(test_what_changes_say),
    };
    return cmocka_run_group_tests_name("inventory/journal", tests, NULL, NULL);
}

/* The roster: whatever changes in the store, by whatever connection, is in its next answer. */
#include "inventory/roster.h"

#include "base/str.h"
#include "inventory/spread.h"
#include "inventory/store_sql.h"
#include "tests/inventory/fixture.h"

static struct {
    struct store *other; /* another process's connection */
    struct roster *r;
    struct device d;
    struct job j;
    bool has_job;
} t;

static int open_roster(void **state)
{
    fixture_open(state);
    ok(store_open(fx.dir, &t.other, E));
    ok(roster_open(fx.s, &t.r, E));
    return 0;
}

static int close_roster(void **state)
{
    roster_free(t.r);
    store_close(t.other);
    return fixture_close(state);
}

static bool finds(unsigned n)
{
    ok(roster_refresh(t.r, E));
    return roster_find(t.r, a_mac(n), &t.d, &t.j, &t.has_job);
}

static int64_t put_other(const struct device *d)
{
    int64_t id = 0;
    ok(device_put(t.other, d, "test", &id, E));
    return id;
}

static struct ip4 ip(unsigned n)
{
    return (struct ip4){0x0a4d0000 + n};
}

static void test_is_what_the_store_says(void **state)
{
    (void)state;
    struct device a = make_device("web1", 1), store;
    struct mac owner;
    str_copy(a.role, sizeof a.role, "web");
    str_copy(a.tenant, sizeof a.tenant, "acme");
    str_copy(a.platform, sizeof a.platform, "x64");
    a.interfaces_n = 2;
    a.interfaces[1] = (struct interface){.name = "eno2", .mac = a_mac(2)};
    put_other(&a);
    ok(device_by_mac(fx.s, a_mac(1), &store, E));
    assert_true(finds(2));
    assert_true(device_same(&t.d, &store));
    assert_int_equal(t.d.id, store.id);
    assert_int_equal(t.d.state, STATE_IDLE);
    assert_false(t.has_job);
    assert_true(roster_owner(t.r, ip(1), &owner));
    assert_true(mac_eq(owner, a_mac(1)));
    assert_false(roster_owner(t.r, ip(2), &owner));
    assert_false(finds(3));
}

static void test_opens_with_all_that_there_is(void **state)
{
    (void)state;
    struct roster *late;
    char name[16];
    ok(store_begin(fx.s, E));
    for (unsigned n = 1; n <= 3000; n++) { /* several times the first size of its tables */
        snprintf(name, sizeof name, "node%u", n);
        put_device(name, n);
    }
    ok(store_commit(fx.s, E));
    ok(roster_open(t.other, &late, E));
    for (unsigned n = 1; n <= 3000; n++) {
        snprintf(name, sizeof name, "node%u", n);
        assert_true(roster_find(late, a_mac(n), &t.d, &t.j, &t.has_job));
        assert_string_equal(t.d.name, name);
        assert_true(finds(n)); /* the one that was open caught up with all of them at once */
        assert_string_equal(t.d.name, name);
    }
    roster_free(late);
}

static void test_changes_of_a_device(void **state)
{
    (void)state;
    struct device a = make_device("web1", 1), b = make_device("web2", 2);
    struct mac owner;
    int64_t id = put_other(&a);
    put_other(&b);
    assert_true(finds(1));
    str_copy(a.rack, sizeof a.rack, "r02");
    a.interfaces[0].mac = a_mac(7);
    a.interfaces[0].address.ip = ip(7);
    put_other(&a);
    assert_false(finds(1));
    assert_true(finds(7));
    assert_string_equal(t.d.rack, "r02");
    assert_false(roster_owner(t.r, ip(1), &owner));
    ok(device_protect(t.other, id, true, "test", E));
    assert_true(finds(7) && t.d.protected);
    ok(device_unplug(t.other, id, E));
    assert_false(finds(7));
    assert_false(roster_owner(t.r, ip(7), &owner));
    assert_true(finds(2)); /* and nobody else's record was touched */
    assert_string_equal(t.d.name, "web2");
    ok(device_remove(t.other, t.d.id, "test", T0, E));
    assert_false(finds(2));
    assert_false(roster_owner(t.r, ip(2), &owner));
}

static void test_two_swap_their_addresses(void **state)
{
    (void)state;
    struct device a = make_device("web1", 1), b = make_device("web2", 2);
    int64_t ids[] = {put_other(&a), put_other(&b)};
    struct interface x = a.interfaces[0];
    struct mac owner;
    assert_true(finds(1));
    a.interfaces[0] = b.interfaces[0];
    b.interfaces[0] = x;
    ok(store_begin(t.other, E));
    ok(device_unplug(t.other, ids[0], E));
    ok(device_unplug(t.other, ids[1], E));
    put_other(&a);
    put_other(&b);
    assert_true(finds(1)); /* not before the commit */
    assert_string_equal(t.d.name, "web1");
    ok(store_commit(t.other, E));
    assert_true(finds(1));
    assert_string_equal(t.d.name, "web2");
    assert_true(roster_owner(t.r, ip(1), &owner));
    assert_true(mac_eq(owner, a_mac(1)));
}

static void test_jobs(void **state)
{
    (void)state;
    struct device a = make_device("web1", 1);
    struct assign order = {.release_ref = "debian", .actor = "test"};
    struct job j;
    int64_t id = put_other(&a);
    put_release("debian", "1", DIGEST_1, 1000);
    assert_true(finds(1) && !t.has_job);
    ok(job_assign(t.other, id, &order, 5000, &j, E));
    assert_true(finds(1) && t.has_job);
    assert_int_equal(t.j.id, j.id);
    assert_int_equal(t.j.state, JOB_ARMED);
    assert_string_equal(t.j.image, "debian");
    assert_string_equal(t.j.device, "web1");
    assert_int_equal(t.d.state, STATE_ARMED);
    assert_string_equal(t.d.assigned, "debian");
    ok(job_cancel(t.other, id, "test", 6000, E));
    assert_true(finds(1) && t.has_job);
    assert_int_equal(t.j.state, JOB_CANCELLED);
    ok(job_assign(t.other, id, &order, 7000, &j, E));
    assert_true(finds(1));
    assert_int_equal(t.j.id, j.id); /* the newest */
}

static void test_options_of_a_role(void **state)
{
    (void)state;
    struct device a = make_device("web1", 1);
    int64_t set = 0;
    str_copy(a.role, sizeof a.role, "web");
    put_other(&a);
    assert_true(finds(1) && !t.d.role_options);
    ok(options_keep(t.other, span_of("\x2a\0\4\1\2\3\4", 7), &set, E));
    ok(group_options(t.other, GROUP_ROLE, "web", set, "test", E));
    assert_true(finds(1));
    assert_int_equal(t.d.role_options, set);
    assert_int_equal(t.d.site_options, 0);
}

static int64_t last_change(void)
{
    int64_t seq = 0;
    assert_int_equal(db_number(fx.s, "SELECT max(seq) FROM device_changes", NULL, 0, &seq, E), 1);
    return seq;
}

/* An installer reports each second, and an import names each site again. */
static void test_what_is_no_change(void **state)
{
    (void)state;
    char token[DIGEST_HEX], enrol[DIGEST_HEX];
    int64_t id = put_device("web1", 1);
    struct job j;
    put_release("debian", "1", DIGEST_1, 1000);
    j = assign_device(id, "debian");
    ok(token_at(fx.s, &j, UUID_A, T0, token, E));
    ok(claim_at(fx.s, token, UUID_A, &vda, T0 + 1, &j, enrol, E));
    assert_true(finds(1) && t.j.state == JOB_CLAIMED);
    int64_t seq = last_change();
    ok(job_progress(t.other, j.id, 10, 100, 1, T0 + 1000, E));
    ok(group_put(t.other, GROUP_SITE, "par1", "Paris", E));
    assert_int_equal(last_change(), seq);
    ok(job_cancel(t.other, id, "test", T0 + 2000, E));
    assert_true(last_change() > seq);
    assert_true(finds(1) && t.j.state == JOB_CANCELLED);
}

/* A backup that was copied into the store: its numbers begin where they were. */
static void test_store_was_restored(void **state)
{
    (void)state;
    int64_t id = put_device("web1", 1);
    assert_true(finds(1) && last_change() > 1);
    unsigned walks = roster_walks(t.r);
    assert_true(finds(1) && roster_walks(t.r) == walks);
    ok(store_begin(t.other, E));
    ok(db_run(t.other, "UPDATE devices SET name = 'old' WHERE id = ?", DB_VALUES(db_i(id)), E));
    ok(db_run(t.other, "UPDATE device_changes SET seq = 1", NULL, 0, E));
    ok(store_commit(t.other, E));
    assert_true(finds(1));
    assert_string_equal(t.d.name, "old");
    assert_int_equal(roster_walks(t.r), walks + 1);
}

static void test_own_connection_counts_too(void **state)
{
    (void)state;
    put_device("web1", 1);
    assert_true(finds(1));
}

/* A snapshot ends where a transaction begins, be it one that only reads. */
static void test_within_a_snapshot(void **state)
{
    (void)state;
    struct device a = make_device("web1", 1);
    put_other(&a);
    ok(store_snapshot(fx.s, E));
    assert_true(finds(1));
    store_snapshot_end(fx.s);
}

/* 100,000 neighbours in 131,072 slots: a random hash makes walks of 1.4 links, in a search that finds. */
static void walks_of(uint64_t first)
{
    enum { N = 100000, SLOTS = 131072 };
    uint8_t *length = xcalloc(SLOTS, 1);
    size_t links = 0;
    for (uint64_t i = 0; i < N; i++) {
        links += ++length[spread(first + i, SPREAD_ODD) & (SLOTS - 1)];
    }
    free(length);
    assert_true(links < N * 3 / 2);
}

static void test_runs_are_spread(void **state)
{
    (void)state;
    walks_of(UINT64_C(0x020c00000000)); /* MAC addresses */
    walks_of(0x0a420100);               /* addresses */
    walks_of(1);                        /* numbers of rows */
}

/* A hint changes no answer, whatever is asked. */
static void test_hint(void **state)
{
    (void)state;
    struct mac macs[] = {a_mac(1), a_mac(2)};
    roster_expect(t.r, macs, 2);
    put_device("web1", 1);
    assert_true(finds(1));
    roster_expect(t.r, macs, 2);
    assert_true(finds(1));
    assert_false(finds(2));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_roster, close_roster)
    const struct CMUnitTest tests[] = {
        TEST(test_is_what_the_store_says),
        TEST(test_opens_with_all_that_there_is),
        TEST(test_changes_of_a_device),
        TEST(test_two_swap_their_addresses),
        TEST(test_jobs),
        TEST(test_options_of_a_role),
        TEST(test_what_is_no_change),
        TEST(test_store_was_restored),
        TEST(test_own_connection_counts_too),
        TEST(test_within_a_snapshot),
        TEST(test_hint),
        cmocka_unit_test(test_runs_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

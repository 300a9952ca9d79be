/* Leases: memory and disk in step, whatever happens between. */
#include "tests/inventory/fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inventory/lease.h"
#include "inventory/lease_index.h"
#include "inventory/store_sql.h"

static struct leases *l;

static int setup(void **state)
{
    fixture_open(state);
    ok(leases_open(fx.dir, true, &l, E));
    return 0;
}

static int teardown(void **state)
{
    leases_close(l);
    l = NULL;
    return fixture_close(state);
}

static void reopen(void)
{
    leases_close(l);
    ok(leases_open(fx.dir, true, &l, E));
}

static void put(uint32_t address, unsigned mac, enum lease_state s, int64_t since)
{
    struct lease x = {.address = {address},
                      .mac = a_mac(mac),
                      .state = s,
                      .since_ms = since,
                      .expires_ms = since + HOUR,
                      .hostname = "host"};
    ok(lease_put(l, &x, E));
}

static enum lease_state at(uint32_t address)
{
    const struct lease *x = lease_by_address(l, (struct ip4){address});
    assert_non_null(x);
    return x->state;
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(lease_state_name(LEASE_OFFERED), "offered");
    assert_string_equal(lease_state_name(LEASE_EXPIRED), "expired");
    assert_string_equal(lease_state_name((enum lease_state)9), "?");
}

static void test_committed_survives(void **state)
{
    (void)state;
    put(0xfffffffe, 1, LEASE_BOUND, T0);
    put(11, 2, LEASE_BOUND, T0);
    put(12, 3, LEASE_OFFERED, T0);
    ok(leases_commit(l, E));
    put(13, 4, LEASE_BOUND, T0); /* not committed */
    put(11, 2, LEASE_RELEASED, T0 + 5);
    ok(leases_commit(l, E));
    reopen();
    const struct lease *x = lease_by_mac(l, a_mac(1));
    assert_non_null(x);
    assert_int_equal(x->address.a, 0xfffffffe);
    assert_int_equal(x->expires_ms, T0 + HOUR);
    assert_string_equal(x->hostname, "host");
    assert_int_equal(at(11), LEASE_RELEASED);
    assert_int_equal(at(13), LEASE_BOUND);
    assert_null(lease_by_address(l, (struct ip4){12})); /* offers live in memory only */
    assert_null(lease_by_mac(l, a_mac(3)));
}

static void test_uncommitted_does_not_survive(void **state)
{
    (void)state;
    put(13, 4, LEASE_BOUND, T0);
    assert_int_equal(at(13), LEASE_BOUND);
    reopen();
    assert_null(lease_by_address(l, (struct ip4){13}));
}

/* The client that has just been given an address asks anew within the same batch: its lease is on the disk
 * all the same. */
static void test_offer_after_lease_in_one_batch(void **state)
{
    (void)state;
    put(11, 1, LEASE_BOUND, T0);
    put(11, 1, LEASE_OFFERED, T0 + 1);
    ok(leases_commit(l, E));
    assert_int_equal(at(11), LEASE_OFFERED);
    reopen();
    assert_int_equal(at(11), LEASE_BOUND);
}

static void test_by_mac_prefers_the_living(void **state)
{
    (void)state;
    put(11, 1, LEASE_BOUND, T0);
    put(12, 1, LEASE_BOUND, T0 + 10);
    put(11, 1, LEASE_RELEASED, T0 + 20);
    assert_int_equal(lease_by_mac(l, a_mac(1))->address.a, 12);
    put(12, 1, LEASE_EXPIRED, T0 + 15);
    assert_int_equal(lease_by_mac(l, a_mac(1))->address.a, 11);
    put(11, 2, LEASE_BOUND, T0 + 30); /* another machine has the address now */
    assert_int_equal(lease_by_mac(l, a_mac(1))->address.a, 12);
    assert_int_equal(lease_by_mac(l, a_mac(2))->address.a, 11);
}

/* A client that takes one address of a pool after another has them all once: its own lease is found all the
 * same, after a start too, and each packet of it costs what another's does (a walk over all would take
 * minutes here). */
static void test_one_machine_takes_them_all(void **state)
{
    (void)state;
    enum { POOL = 50000 };
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 1; i <= POOL; i++) {
            put(i, 1, LEASE_BOUND, T0 + round * POOL + i);
            assert_int_equal(lease_by_mac(l, a_mac(1))->address.a, i);
            put(i, 1, LEASE_RELEASED, T0 + round * POOL + i);
        }
        ok(leases_commit(l, E));
    }
    put(7, 1, LEASE_BOUND, T0 + 4 * POOL);
    ok(leases_commit(l, E));
    reopen();
    assert_int_equal(lease_by_mac(l, a_mac(1))->address.a, 7);
    put(7, 2, LEASE_BOUND, T0 + 5 * POOL);
    assert_int_equal(lease_by_mac(l, a_mac(1))->address.a, POOL);
}

static int add_lease(const struct lease *x, void *ctx)
{
    str_addf(ctx, "%u=%s ", (unsigned)x->address.a, lease_state_name(x->state));
    return 0;
}

static void test_each(void **state)
{
    (void)state;
    struct str s = {0};
    put(30, 3, LEASE_BOUND, T0);
    put(10, 1, LEASE_OFFERED, T0);
    put(20, 2, LEASE_DECLINED, T0);
    ok(lease_each(l, add_lease, &s, E));
    assert_string_equal(s.s, "10=offered 20=declined 30=bound ");
    str_free(&s);
}

static void test_many(void **state)
{
    (void)state;
    enum { N = 20000 };
    for (unsigned i = 1; i <= N; i++) {
        put(i, i, LEASE_BOUND, T0);
    }
    ok(leases_commit(l, E));
    reopen();
    for (unsigned i = 1; i <= N; i++) {
        assert_int_equal(lease_by_mac(l, a_mac(i))->address.a, i);
        assert_int_equal(lease_by_address(l, (struct ip4){i})->address.a, i);
    }
    assert_null(lease_by_mac(l, a_mac(N + 1)));
}

static void test_readers(void **state)
{
    (void)state;
    struct leases *reader, *second;
    put(11, 1, LEASE_BOUND, T0);
    ok(leases_commit(l, E));
    ok(leases_open(fx.dir, false, &reader, E));
    assert_non_null(lease_by_mac(reader, a_mac(1)));
    assert_null(lease_by_mac(reader, a_mac(2)));
    put(12, 2, LEASE_BOUND, T0);
    ok(leases_commit(l, E));
    assert_non_null(lease_by_mac(reader, a_mac(2))); /* it follows */
    struct lease x = {.address = {13}, .mac = a_mac(3), .state = LEASE_BOUND};
    fails(lease_put(reader, &x, E), ERR_REFUSED);
    leases_close(reader);

    fails(leases_open(fx.dir, true, &second, E), ERR_CONFLICT);
    assert_non_null(strstr(fx.e.text, "another dhcpd gives addresses from it"));
}

/* The disk takes no more: the batch has never happened, and the next one goes on. */
static void test_failed_commit_takes_back(void **state)
{
    (void)state;
    put(11, 1, LEASE_BOUND, T0);
    put(12, 2, LEASE_BOUND, T0);
    ok(leases_commit(l, E));
    put(11, 3, LEASE_BOUND, T0 + 5);
    put(11, 3, LEASE_RELEASED, T0 + 6);
    for (unsigned i = 100; i < 3000; i++) {
        put(i, i, LEASE_BOUND, T0);
    }
    struct rlimit old, tiny;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    tiny = (struct rlimit){.rlim_cur = 20000, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &tiny);
    struct err e = {0};
    int r = leases_commit(l, &e);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(r, -1);
    assert_int_equal(e.kind, ERR_IO);
    assert_int_equal(lease_by_address(l, (struct ip4){11})->mac.b[5], 1);
    assert_null(lease_by_mac(l, a_mac(3)));
    assert_null(lease_by_address(l, (struct ip4){100}));
    assert_int_equal(at(12), LEASE_BOUND);
    put(13, 4, LEASE_BOUND, T0);
    ok(leases_commit(l, E));
    reopen();
    assert_int_equal(at(13), LEASE_BOUND);
    assert_null(lease_by_address(l, (struct ip4){100}));
}

/* Somebody has the file locked: dhcpd does not stand still for long, and nothing of the batch counts. */
static void test_locked_by_another(void **state)
{
    (void)state;
    struct store *other;
    ok(db_open(fx.dir, "leases.db", &lease_migrations, &other, E));
    ok(store_begin(other, E));
    put(11, 1, LEASE_BOUND, T0);
    int64_t began = now_ms();
    fails(leases_commit(l, E), ERR_UNAVAILABLE);
    assert_in_range(now_ms() - began, 0, 5000);
    assert_null(lease_by_address(l, (struct ip4){11}));
    store_close(other);
    put(11, 2, LEASE_BOUND, T0);
    ok(leases_commit(l, E));
}

/* Each batch is told after its commit; the writer is killed; all that was told is there. */
static void test_kill_9(void **state)
{
    (void)state;
    int told[2];
    leases_close(l);
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (leases_open(fx.dir, true, &l, NULL)) {
            _exit(1);
        }
        for (unsigned i = 1;; i++) {
            put(2 * i, 2 * i, LEASE_BOUND, T0);
            put(2 * i + 1, 2 * i + 1, LEASE_BOUND, T0);
            if (leases_commit(l, NULL) || write(told[1], &i, sizeof i) != sizeof i) {
                _exit(1);
            }
        }
    }
    close(told[1]);
    unsigned i = 0, last = 0;
    while (last < 30 && read(told[0], &i, sizeof i) == sizeof i) {
        last = i;
    }
    kill(pid, SIGKILL);
    while (read(told[0], &i, sizeof i) == sizeof i) {
        last = i;
    }
    waitpid(pid, NULL, 0);
    close(told[0]);
    assert_true(last >= 30);
    ok(leases_open(fx.dir, true, &l, E));
    for (i = 2; i <= 2 * last + 1; i++) {
        assert_int_equal(at(i), LEASE_BOUND);
    }
    assert_int_equal(lease_by_address(l, (struct ip4){2 * last + 2}) != NULL,
                     lease_by_address(l, (struct ip4){2 * last + 3}) != NULL);
}

/* Against a plain array: random puts, keeps and takings-back. */
static void test_index_against_a_model(void **state)
{
    (void)state;
    enum { ADDRESSES = 50, MACS = 20 };
    struct lease model[ADDRESSES] = {0}, kept[ADDRESSES] = {0};
    struct lease_index *x = index_new(UINT64_C(0x9e3779b97f4a7c15));
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned r = seed >> 8, a = r % ADDRESSES;
        if (r % 97 == 0) {
            index_take_back(x);
            memcpy(model, kept, sizeof model);
        } else if (r % 31 == 0) {
            index_keep(x);
            memcpy(kept, model, sizeof kept);
        } else {
            model[a] = (struct lease){
                .address = {a}, .mac = a_mac(r / 64 % MACS), .state = r / 4096 % 5, .since_ms = i + 1};
            index_put(x, &model[a]);
        }
        for (unsigned k = 0; k < ADDRESSES; k++) {
            const struct lease *got = index_by_address(x, (struct ip4){k});
            assert_int_equal(got != NULL, model[k].since_ms != 0);
            assert_true(!got || (got->since_ms == model[k].since_ms && mac_eq(got->mac, model[k].mac)));
        }
    }
    size_t n;
    const struct lease **all = index_sorted(x, &n);
    for (size_t i = 1; i < n; i++) {
        assert_true(all[i - 1]->address.a < all[i]->address.a);
    }
    free(all);
    index_free(x);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        T(test_committed_survives),
        T(test_uncommitted_does_not_survive),
        T(test_offer_after_lease_in_one_batch),
        T(test_by_mac_prefers_the_living),
        T(test_one_machine_takes_them_all),
        T(test_each),
        T(test_many),
        T(test_readers),
        T(test_failed_commit_takes_back),
        T(test_locked_by_another),
        T(test_kill_9),
        cmocka_unit_test(test_index_against_a_model),
    };
    return cmocka_run_group_tests_name("inventory/lease", tests, NULL, NULL);
}

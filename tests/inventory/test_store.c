/* The store itself: migrations, transactions, two connections at once, and what survives kill -9. */
#include "tests/inventory/fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inventory/store_sql.h"

static void test_pragmas(void **state)
{
    (void)state;
    const struct {
        const char *sql;
        int64_t want;
    } rows[] = {
        {"PRAGMA synchronous", 2}, /* FULL */
        {"PRAGMA foreign_keys", 1},
        {"PRAGMA busy_timeout", 10000},
        {"PRAGMA user_version", (int64_t)inventory_migrations.n},
        {"SELECT 1 FROM pragma_journal_mode WHERE journal_mode = 'wal'", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t got = -1;
        assert_int_equal(db_number(fx.s, rows[i].sql, NULL, 0, &got, E), 1);
        assert_int_equal(got, rows[i].want);
    }
}

static void test_reopen(void **state)
{
    (void)state;
    int64_t id = put_device("hv-01", 1);
    store_close(fx.s);
    ok(store_open(fx.dir, &fx.s, E));
    assert_string_equal(get_device(id).name, "hv-01");
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/inventory.db", fx.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777 & ~0640, 0);
}

/* What another connection commits is seen after a snapshot's end, which a transaction of our own is too. */
static void test_snapshot(void **state)
{
    (void)state;
    struct store *other;
    struct device d;
    put_device("hv-01", 1);
    ok(store_open(fx.dir, &other, E));
    struct store *mine = fx.s;
    for (int writes = 0; writes < 2; writes++) {
        char name[16];
        snprintf(name, sizeof name, "late-%d", writes);
        ok(store_snapshot(mine, E));
        ok(device_by_name(mine, "hv-01", &d, E));
        fx.s = other;
        put_device(name, (uint8_t)(2 + writes));
        fx.s = mine;
        assert_int_equal(device_by_name(mine, name, &d, NULL), -1);
        if (writes) {
            ok(store_begin(mine, E));
            ok(device_by_name(mine, name, &d, E));
            ok(store_commit(mine, E));
        }
        store_snapshot_end(mine);
        ok(device_by_name(mine, name, &d, E));
    }
    store_close(other);
}

/* Who may write to the folder must not make root write elsewhere; links on the way there are the owner's
 * wish. */
static void test_no_link_is_followed(void **state)
{
    (void)state;
    char file[128], away[128], link[128];
    struct store *other;
    snprintf(file, sizeof file, "%s/inventory.db", fx.dir);
    snprintf(away, sizeof away, "%s/elsewhere.db", fx.dir);
    snprintf(link, sizeof link, "%s/link", fx.dir);
    assert_int_equal(symlink(fx.dir, link), 0);
    ok(store_open(link, &other, E));
    store_close(other);
    store_close(fx.s);
    assert_int_equal(rename(file, away), 0);
    assert_int_equal(symlink(away, file), 0);
    fails(store_open(fx.dir, &other, E), ERR_IO);
    assert_non_null(strstr(fx.e.text, "inventory.db: is a symbolic link"));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(unlink(link), 0);
    ok(store_open(fx.dir, &fx.s, E));
}

static void test_newer_schema_is_refused(void **state)
{
    (void)state;
    ok(db_run(fx.s, "PRAGMA user_version = 99", NULL, 0, E));
    struct store *other;
    char want[96];
    snprintf(want, sizeof want, "inventory.db: has schema 99, and this program knows up to %zu",
             inventory_migrations.n);
    fails(store_open(fx.dir, &other, E), ERR_CONFLICT);
    assert_non_null(strstr(fx.e.text, want));
}

/* A store of the version before keeps what it holds; a migration that fails leaves nothing of itself. */
static void test_migrations(void **state)
{
    (void)state;
    const char *const sql[] = {"CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (7);",
                               "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 8;",
                               "CREATE TABLE b (x INTEGER); THIS IS NOT SQL;"};
    struct store *s;
    int64_t v = 0;
    ok(db_open(fx.dir, "test.db", &(struct migrations){sql, 1}, &s, E));
    store_close(s);
    ok(db_open(fx.dir, "test.db", &(struct migrations){sql, 2}, &s, E));
    assert_int_equal(db_number(s, "SELECT x * 10 + y FROM a", NULL, 0, &v, E), 1);
    assert_int_equal(v, 78);
    store_close(s);
    fails(db_open(fx.dir, "test.db", &(struct migrations){sql, 3}, &s, E), ERR_IO);
    assert_true(str_starts(fx.e.text, "migration 3: "));
    ok(db_open(fx.dir, "test.db", &(struct migrations){sql, 2}, &s, E));
    assert_int_equal(db_number(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'", NULL, 0, &v, E), 1);
    assert_int_equal(v, 0);
    store_close(s);
}

/* What a store of the first releases holds, before NetBox's objects came to be in it. */
static const char *const of_schema_7[] = {
    "INSERT INTO sites (id, slug, name) VALUES (1, 'par1', 'Paris')",
    "INSERT INTO racks (id, site_id, slug, name) VALUES (1, 1, 'r1', 'R 1')",
    "INSERT INTO devices (id, name, site_id, rack_id, model, serial, state, state_ms) VALUES (1, 'hv-1', 1, "
    "1, "
    "'R640', 'S1', 'ready', 5), (2, 'hv-2', 1, NULL, 'R640', '', 'failed', 5), (3, 'hv-3', NULL, NULL, '', "
    "'', "
    "'idle', 5)",
    "INSERT INTO devices (id, name, model, state, state_ms, removed_ms) VALUES (4, 'removed/4', 'R740', "
    "'idle', "
    "5, 6)",
    "INSERT INTO interfaces (id, device_id, position, name, is_primary) VALUES (1, 1, 0, 'eno1', 0), (2, 1, "
    "1, "
    "'eno2', 1), (3, 2, 0, 'eno1', 1)",
    "INSERT INTO mac_addresses (mac, interface_id) VALUES (90520730730497, 1), (90520730730498, 2), "
    "(90520730730499, 3)",
    "INSERT INTO ip_addresses (address, length, interface_id) VALUES (167772161, 24, 1), (167772162, 24, 2), "
    "(167772163, 24, 3)",
};

static void test_store_of_schema_7(void **state)
{
    (void)state;
    const struct {
        const char *sql;
        int64_t want;
    } rows[] = {
        {"SELECT count(*) FROM pragma_foreign_key_check", 0},
        {"SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", 0},
        {"SELECT count(*) FROM manufacturers WHERE slug = 'generic'", 1},
        {"SELECT count(*) FROM device_types", 2},
        {"SELECT count(*) FROM mac_addresses WHERE is_primary = 1", 3},
        {"SELECT count(*) FROM ip_addresses WHERE is_primary = 1", 3},
        /* the one of its primary interface, which is not its first */
        {"SELECT a.address FROM devices d JOIN ip_addresses a ON a.id = d.primary_ip4_id WHERE d.id = 1",
         167772162},
        {"SELECT count(*) FROM devices WHERE (name, status) IN (('hv-1', 'active'), ('hv-2', 'failed'), "
         "('hv-3', 'planned'), ('removed/4', 'planned'))",
         4},
        {"SELECT count(*) FROM devices WHERE device_type_id IS NULL", 1},
    };
    struct migrations first = {.sql = inventory_migrations.sql, .n = 7};
    struct store *s;
    int64_t seq[2] = {0};
    store_close(fx.s);
    fx.s = NULL;
    ok(dir_remove(fx.dir, E));
    ok(dir_make(fx.dir, 0700, E));
    ok(db_open(fx.dir, "inventory.db", &first, &s, E));
    for (size_t i = 0; i < sizeof of_schema_7 / sizeof *of_schema_7; i++) {
        ok(db_run(s, of_schema_7[i], NULL, 0, E));
    }
    store_close(s);
    ok(store_open(fx.dir, &fx.s, E));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t got = -1;
        assert_int_equal(db_number(fx.s, rows[i].sql, NULL, 0, &got, E), 1);
        if (got != rows[i].want) {
            fail_msg("%s: %lld", rows[i].sql, (long long)got);
        }
    }
    struct device d = get_device(1);
    assert_string_equal(d.model, "R640");
    assert_string_equal(d.rack, "r1");
    assert_int_equal(d.interfaces_n, 2);
    assert_string_equal(d.interfaces[1].name, "eno2");
    assert_true(d.interfaces[1].primary);
    assert_int_equal(d.interfaces[1].address.ip.a, 167772162);
    /* and rosters still hear of what changes */
    static const char changed[] = "SELECT max(seq) FROM device_changes";
    assert_int_equal(db_number(fx.s, changed, NULL, 0, &seq[0], E), 1);
    ok(db_run(fx.s, "UPDATE mac_addresses SET mac = 90520730730500 WHERE interface_id = 3", NULL, 0, E));
    assert_int_equal(db_number(fx.s, changed, NULL, 0, &seq[1], E), 1);
    assert_true(seq[1] > seq[0]);
}

static void test_bad_places(void **state)
{
    (void)state;
    struct store *s;
    char path[128];
    fails(store_open("/nonexistent/folder", &s, E), ERR_IO);
    assert_string_equal(fx.e.text, "state_dir /nonexistent/folder: No such file or directory");
    snprintf(path, sizeof path, "%s/inventory.db", fx.dir);
    fails(store_open(path, &s, E), ERR_IO);
    assert_non_null(strstr(fx.e.text, "is not a folder"));

    char dir[128];
    snprintf(dir, sizeof dir, "%s/bad", fx.dir);
    ok(dir_make(dir, 0700, E));
    snprintf(path, sizeof path, "%s/bad/inventory.db", fx.dir);
    char junk[5000];
    memset(junk, 'x', sizeof junk);
    ok(file_write(path, junk, sizeof junk, 0600, E));
    fails(store_open(dir, &s, E), ERR_CORRUPT);
    assert_non_null(strstr(fx.e.text, "restore it from a backup"));
}

static bool has(const char *name)
{
    struct device d;
    return device_by_name(fx.s, name, &d, NULL) == 0;
}

static void test_nested_transactions(void **state)
{
    (void)state;
    store_rollback(fx.s); /* harmless outside */
    ok(store_begin(fx.s, E));
    put_device("hv-01", 1);
    ok(store_begin(fx.s, E));
    put_device("hv-02", 2);
    store_rollback(fx.s);
    put_device("hv-03", 3);
    ok(store_commit(fx.s, E));
    assert_true(has("hv-01"));
    assert_false(has("hv-02"));
    assert_true(has("hv-03"));

    ok(store_begin(fx.s, E));
    put_device("hv-04", 4);
    store_rollback(fx.s);
    assert_false(has("hv-04"));
}

/* A function that fails within a caller's transaction undoes its own part only. */
static void test_failure_inside_a_transaction(void **state)
{
    (void)state;
    put_device("hv-01", 1);
    struct device d = make_device("hv-02", 1); /* hv-01's addresses */
    ok(store_begin(fx.s, E));
    fails(device_put(fx.s, &d, "test", NULL, E), ERR_CONFLICT);
    put_device("hv-03", 3);
    ok(store_commit(fx.s, E));
    assert_false(has("hv-02"));
    assert_true(has("hv-03"));
    ok(journal_verify(fx.s, NULL, E));
}

static void test_changed(void **state)
{
    (void)state;
    struct store *other;
    ok(store_open(fx.dir, &other, E));
    store_changed(fx.s);
    assert_false(store_changed(fx.s));
    put_device("hv-01", 1);
    assert_false(store_changed(fx.s)); /* our own */
    assert_true(store_changed(other));
    assert_false(store_changed(other));
    store_close(other);
}

static void wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Two processes write a journal entry each, again and again: all entries are there, and the chain holds. */
static void test_two_writers(void **state)
{
    (void)state;
    enum { EACH = 100 };
    pid_t pid[2];
    store_close(fx.s);
    for (int p = 0; p < 2; p++) {
        pid[p] = fork();
        if (pid[p] == 0) {
            struct store *s;
            int bad = store_open(fx.dir, &s, NULL);
            for (int i = 0; i < EACH && !bad; i++) {
                bad = journal_add(s, 0, NULL, "test", "tick", p ? "one" : "two", T0 + i, NULL);
            }
            _exit(bad ? 1 : 0);
        }
    }
    wait_for(pid[0]);
    wait_for(pid[1]);
    ok(store_open(fx.dir, &fx.s, E));
    size_t n = 0;
    ok(journal_verify(fx.s, &n, E));
    assert_int_equal(n, 2 * EACH);
}

/* Several processes at once make the store. */
static void test_first_open_together(void **state)
{
    (void)state;
    char dir[128];
    pid_t pid[4];
    snprintf(dir, sizeof dir, "%s/new", fx.dir);
    ok(dir_make(dir, 0700, E));
    for (int p = 0; p < 4; p++) {
        pid[p] = fork();
        if (pid[p] == 0) {
            struct store *s;
            _exit(store_open(dir, &s, NULL) ? 1 : 0);
        }
    }
    for (int p = 0; p < 4; p++) {
        wait_for(pid[p]);
    }
}

/* A server's loop does not stand still for long. */
static void test_patience(void **state)
{
    (void)state;
    struct store *other;
    ok(store_open(fx.dir, &other, E));
    ok(store_begin(other, E));
    store_patience(fx.s, 50);
    int64_t began = now_ms();
    fails(store_begin(fx.s, E), ERR_UNAVAILABLE);
    assert_in_range(now_ms() - began, 40, 5000);
    assert_non_null(strstr(fx.e.text, "for 0.05 s"));
    store_close(other);
    ok(store_begin(fx.s, E));
    store_rollback(fx.s);
}

/* A writer holds the lock for a moment: the other waits instead of failing. */
static void test_waits_for_the_lock(void **state)
{
    (void)state;
    store_close(fx.s);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *s;
        int bad = store_open(fx.dir, &s, NULL) || store_begin(s, NULL);
        bad |= write(ready[1], "x", 1) != 1;
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        bad |= journal_add(s, 0, NULL, "test", "first", "", T0, NULL) || store_commit(s, NULL);
        _exit(bad);
    }
    char x;
    assert_int_equal(read(ready[0], &x, 1), 1);
    ok(store_open(fx.dir, &fx.s, E));
    ok(journal_add(fx.s, 0, NULL, "test", "second", "", T0, E));
    wait_for(pid);
    assert_int_equal(events(0, "first"), 1);
    ok(journal_verify(fx.s, NULL, E));
    close(ready[0]);
    close(ready[1]);
}

/* Two installers with good tokens claim at the same time: one gets the job. */
static void test_claims_race(void **state)
{
    (void)state;
    char t[2][DIGEST_HEX];
    int64_t id = put_device("hv-01", 1);
    put_release("debian-12", "v1", DIGEST_1, T0);
    struct job j = assign_device(id, "debian-12");
    ok(token_at(fx.s, &j, NULL, T0, t[0], E));
    ok(token_at(fx.s, &j, NULL, T0, t[1], E));
    store_close(fx.s);
    pid_t pid[2];
    int won = 0, status;
    for (int p = 0; p < 2; p++) {
        pid[p] = fork();
        if (pid[p] == 0) {
            struct store *s;
            char enrol[DIGEST_HEX];
            struct err e;
            if (store_open(fx.dir, &s, NULL)) {
                _exit(3);
            }
            int r = claim_at(s, t[p], p ? UUID_A : UUID_B, &vda, T0, &j, enrol, &e);
            _exit(r == 0 ? 0 : e.kind == ERR_REFUSED ? 1 : 2);
        }
    }
    for (int p = 0; p < 2; p++) {
        assert_int_equal(waitpid(pid[p], &status, 0), pid[p]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        won += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(won, 1);
    ok(store_open(fx.dir, &fx.s, E));
    assert_int_equal(current(id).state, JOB_CLAIMED);
    assert_int_equal(events(id, "claimed"), 1);
}

/* Runs fn(p) in PROCESSES at the same time, each with a store of its own; how many returned 0. */
#define PROCESSES 6
static int race(int (*fn)(struct store *s, int p))
{
    pid_t pid[PROCESSES];
    int won = 0, status;
    store_close(fx.s);
    for (int p = 0; p < PROCESSES; p++) {
        pid[p] = fork();
        if (pid[p] == 0) {
            struct store *s;
            _exit(store_open(fx.dir, &s, NULL) ? 3 : fn(s, p) ? 1 : 0);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        assert_int_equal(waitpid(pid[p], &status, 0), pid[p]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        won += WEXITSTATUS(status) == 0;
    }
    ok(store_open(fx.dir, &fx.s, E));
    return won;
}

static struct job race_job[PROCESSES];
static char race_token[PROCESSES][DIGEST_HEX];

static int one_asker(struct store *s, int p)
{
    char token[DIGEST_HEX];
    (void)p;
    return job_token_make(s, &race_job[0], &(struct asker){.nic = a_mac(1), .peer = {1}}, T0, token, NULL);
}

/* One machine asks all the workers at once: one token. */
static void test_askers_race(void **state)
{
    (void)state;
    put_release("debian-12", "v1", DIGEST_1, T0);
    int64_t id = put_device("hv-01", 1);
    race_job[0] = assign_device(id, "debian-12");
    assert_int_equal(race(one_asker), 1);
    assert_int_equal(events(id, "script"), 1);
}

static int one_of_two(struct store *s, int p)
{
    struct claim c = {
        .token = race_token[p], .machine_uuid = UUID_A, .disk = &vda, .limit = {.max_streams = 2}};
    char enrol[DIGEST_HEX];
    struct turn turn;
    struct job j;
    return job_claim(s, &c, T0 + 1, &j, &turn, enrol, NULL) || !turn.now;
}

/* Many machines claim at once, each at a worker of its own: as many as may be are let in, the others wait. */
static void test_turns_race(void **state)
{
    (void)state;
    int64_t id[PROCESSES];
    unsigned waiting = 0;
    put_release("debian-12", "v1", DIGEST_1, T0);
    for (int p = 0; p < PROCESSES; p++) {
        char name[16];
        snprintf(name, sizeof name, "hv-%02d", p);
        id[p] = put_device(name, (unsigned)p + 1);
        race_job[p] = assign_device(id[p], "debian-12");
        ok(token_at(fx.s, &race_job[p], UUID_A, T0, race_token[p], E));
    }
    assert_int_equal(race(one_of_two), 2);
    for (int p = 0; p < PROCESSES; p++) {
        struct job j = current(id[p]);
        struct turn t;
        ok(job_turn(fx.s, &j, 2, T0 + 2, &t, E));
        waiting += !t.now;
        assert_true(t.now || (t.place >= 1 && t.place <= 4 && t.of == 4));
    }
    assert_int_equal(waiting, 4);
}

/* The child says each number after it is committed, and is killed without warning. Nothing that it said is
 * lost, and no half of anything is there. */
static void test_kill_9(void **state)
{
    (void)state;
    store_close(fx.s);
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *s;
        if (store_open(fx.dir, &s, NULL)) {
            _exit(1);
        }
        for (unsigned i = 1;; i++) {
            char name[32];
            snprintf(name, sizeof name, "hv-%u", i);
            struct device d = make_device(name, i);
            if (device_put(s, &d, "test", NULL, NULL) || write(told[1], &i, sizeof i) != sizeof i) {
                _exit(1);
            }
        }
    }
    close(told[1]);
    unsigned i = 0, last = 0;
    while (last < 20 && read(told[0], &i, sizeof i) == sizeof i) {
        last = i;
    }
    kill(pid, SIGKILL);
    while (read(told[0], &i, sizeof i) == sizeof i) {
        last = i;
    }
    waitpid(pid, NULL, 0);
    close(told[0]);
    assert_true(last >= 20);

    ok(store_open(fx.dir, &fx.s, E));
    for (i = 1; i <= last; i++) {
        struct device d;
        ok(device_by_mac(fx.s, a_mac(i), &d, E));
        assert_int_equal(d.interfaces_n, 1);
    }
    int64_t devices = 0, interfaces = 0;
    assert_int_equal(db_number(fx.s, "SELECT count(*) FROM devices", NULL, 0, &devices, E), 1);
    assert_int_equal(db_number(fx.s, "SELECT count(*) FROM mac_addresses", NULL, 0, &interfaces, E), 1);
    assert_int_equal(devices, interfaces);
    size_t n = 0;
    ok(journal_verify(fx.s, &n, E));
    assert_int_equal(n, devices);
}

/* Files may not grow any more: what fails says so and is not there, what was said before is, and it goes on
 * when there is space. */
static void test_no_space(void **state)
{
    (void)state;
    struct rlimit old, tiny;
    unsigned done = 0;
    size_t n = 0;
    put_device("hv-0", 0x100000);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    tiny = (struct rlimit){.rlim_cur = 1000000, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &tiny);
    struct err e = {0};
    for (;; done++) {
        char name[32];
        snprintf(name, sizeof name, "hv-%u", done + 1);
        struct device d = make_device(name, done + 1);
        if (device_put(fx.s, &d, "test", NULL, &e) < 0) {
            break;
        }
    }
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(e.kind, ERR_IO);
    assert_true(done > 0);
    ok(journal_verify(fx.s, &n, E));
    assert_int_equal(n, done + 1);
    put_device("hv-after", 0x200000);
    store_close(fx.s);
    ok(store_open(fx.dir, &fx.s, E));
    ok(journal_verify(fx.s, &n, E));
    assert_int_equal(n, done + 2);
}

static void test_time(void **state)
{
    (void)state;
    char buf[TIME_STR];
    assert_string_equal(time_format(T0 + 123, buf), "2026-11-21T10:00:00.123Z");
    assert_string_equal(time_format(0, buf), "1970-01-01T00:00:00.000Z");
    assert_string_equal(time_format(-1, buf), "1969-12-31T23:59:59.999Z");
    assert_true(now_ms() > INT64_C(1700000000000));
}

static void test_time_parse(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"2026-11-21", T0 - 10 * HOUR},
        {"2026-11-21T10:00", T0},
        {"2026-11-21T10:00Z", T0},
        {"2026-11-21T10:00:01Z", T0 + 1000},
        {"2026-11-21T10:00:00.123Z", T0 + 123},
        {"2026-11-21 10:00:01", T0 + 1000},
        {"1970-01-01", 0},
        {"2026-11-21Z", -1},
        {"2026-13-01", -1},
        {"2026-11-21T10:00:00.1Z", T0 + 100},
        {"2026-11-21T10:00:00.123999Z", T0 + 123},
        {"2026-11-21T11:00:00+01:00", T0},
        {"2026-11-21T11:00:00 01:00", T0},
        {"2026-11-21T05:30:00.5-04:30", T0 + 500},
        {"2026-11-21T10:00:00+1:00", -1},
        {"2026-11-21T10:00:00.Z", -1},
        {"2026-11-21T10:00:00.-12Z", -1},
        {"2026-11-21T10:00 ", -1},
        {"1969-12-31", -1},
        {"yesterday", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ms = -1;
        int r = time_parse(rows[i].text, &ms, E);
        if (ms != rows[i].ms || r != (rows[i].ms < 0 ? -1 : 0)) {
            fail_msg("\"%s\" is %lld", rows[i].text, (long long)ms);
        }
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_snapshot),
        T(test_pragmas),
        T(test_reopen),
        T(test_newer_schema_is_refused),
        T(test_no_link_is_followed),
        T(test_migrations),
        T(test_store_of_schema_7),
        T(test_bad_places),
        T(test_nested_transactions),
        T(test_failure_inside_a_transaction),
        T(test_changed),
        T(test_two_writers),
        T(test_first_open_together),
        T(test_patience),
        T(test_waits_for_the_lock),
        T(test_claims_race),
        T(test_askers_race),
        T(test_turns_race),
        T(test_kill_9),
        T(test_no_space),
        T(test_time),
        T(test_time_parse),
    };
    return cmocka_run_group_tests_name("inventory/store", tests, NULL, NULL);
}

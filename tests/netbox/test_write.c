/* Writing back, against a made-up NetBox. */
#include "tests/netbox/fake.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "inventory/hardware.h"
#include "inventory/job.h"
#include "inventory/journal.h"
#include "inventory/tell.h"
#include "netbox/write.h"

#define DIGEST  "1111111111111111111111111111111111111111111111111111111111111111"
#define MACHINE "11111111-2222-3333-4444-555555555555"

static char dir[64];
static struct store *store;
static struct fake fake;
static struct netbox_config config;
static struct netbox_client *client;
static struct netbox_write *w;
static int64_t clock_ms; /* of the runs */

static void ok(int r, const struct err *e)
{
    if (r < 0) {
        fail_msg("%s", e->text);
    }
}

static void writer_new(void)
{
    netbox_write_free(w);
    w = netbox_write_new(&config, store, client);
}

static int setup(void **state)
{
    struct release r = {
        .image = "demo", .version = "2", .digest = DIGEST, .disk_size = 1 << 30, .created_ms = 1};
    struct err e;
    (void)state;
    log_setup("test", LOG_LVL_ERROR, false);
    snprintf(dir, sizeof dir, "/tmp/rackstrap-write-XXXXXX");
    assert_non_null(mkdtemp(dir));
    ok(store_open(dir, &store, &e), &e);
    ok(release_put(store, &r, "test", &e), &e);
    fake_start(&fake, "--devices", "20");
    config = (struct netbox_config){.timeout_s = 5,
                                    .page_size = 100,
                                    .token = "0123456789012345678901234567890123456789",
                                    .write = {.status = true,
                                              .journal = true,
                                              .release_field = "installed_release",
                                              .hardware_field = "hardware"}};
    str_copy(config.url, sizeof config.url, fake.url);
    client = netbox_client_new(&config, NULL);
    clock_ms = now_ms();
    writer_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    netbox_write_free(w);
    w = NULL;
    netbox_client_free(client);
    store_close(store);
    fake_stop(&fake);
    return dir_remove(dir, NULL);
}

/* A device that a sync has brought: NetBox's number `netbox_id`, 0 for one of ours. */
static int64_t put_device(const char *name, int64_t netbox_id)
{
    struct device d = {
        .interfaces_n = 1, .interfaces[0] = {.name = "eno1", .primary = true}, .status = "staged"};
    struct err e;
    int64_t id;
    sqlite3 *db;
    char sql[96];
    str_copy(d.name, sizeof d.name, name);
    d.interfaces[0].mac = mac_from_u64(UINT64_C(0x525400000000) + (uint64_t)netbox_id);
    ok(device_put(store, &d, "test", &id, &e), &e);
    if (netbox_id) {
        char *file = xasprintf("%s/inventory.db", dir);
        snprintf(sql, sizeof sql, "UPDATE devices SET netbox_id = %lld WHERE id = %lld", (long long)netbox_id,
                 (long long)id);
        assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        free(file);
    }
    return id;
}

static void assign(int64_t id, struct job *j)
{
    struct assign a = {.release_ref = "demo", .actor = "root", .expiry_s = 3600};
    struct err e;
    ok(job_assign(store, id, &a, now_ms(), j, &e), &e);
}

/* From assigned to written; what the installer found is kept. */
static void install(int64_t id, struct job *j)
{
    struct asker asker = {.machine_uuid = MACHINE};
    struct disk disk = {.name = "vda", .size = UINT64_C(2) << 30};
    char token[DIGEST_HEX], enrol_token[DIGEST_HEX];
    struct claim claim = {.token = token, .machine_uuid = MACHINE, .disk = &disk};
    struct turn turn;
    struct err e;
    assign(id, j);
    ok(job_token_make(store, j, &asker, now_ms(), token, &e), &e);
    ok(hardware_put(store, id, "{\"model\":\"R640\",\"disks\":[]}", now_ms(), &e), &e);
    ok(job_claim(store, &claim, now_ms(), j, &turn, enrol_token, &e), &e);
    ok(job_written(store, j->id, "the disk holds the image", now_ms(), &e), &e);
}

static void move(int64_t id, enum device_state to, const char *event)
{
    struct err e;
    ok(device_transition(store, id, to, to == STATE_FAILED ? "image-corrupt" : NULL, "courier", event,
                         "so it is", now_ms(), &e),
       &e);
}

static void ready(int64_t id, const struct job *j)
{
    struct err e;
    ok(job_started(store, j->id, "it runs", now_ms(), &e), &e);
    move(id, STATE_ENROLLING, "key-sent");
    move(id, STATE_READY, "ready");
}

static int run(void)
{
    struct err e = {0};
    int r = netbox_write_run(w, clock_ms, &e);
    if (r < 0) {
        assert_int_equal(e.kind, ERR_UNAVAILABLE);
    }
    return r;
}

/* The first sync ever has been, before the test's own events. */
static void begin(void)
{
    assert_int_equal(run(), 0);
}

/* "info claimed" a line, of NetBox's journal of the device. */
static void assert_journal(int64_t netbox_id, const char *wanted)
{
    struct str got = {0};
    json_t *page, *o;
    size_t i;
    char path[96];
    snprintf(path, sizeof path, "/api/extras/journal-entries/?assigned_object_id=%lld&ordering=id",
             (long long)netbox_id);
    page = fake_ask(&fake, path, NULL);
    json_array_foreach(json_object_get(page, "results"), i, o)
    {
        const char *text = json_string_value(json_object_get(o, "comments"));
        assert_true(str_starts(text, "rackstrap: "));
        str_addf(&got, "%s %.*s\n", json_string_value(json_object_get(o, "kind")),
                 (int)strcspn(text + 11, ":"), text + 11);
    }
    assert_string_equal(got.s ? got.s : "", wanted);
    str_free(&got);
    json_decref(page);
}

static json_t *netbox_device(int64_t id)
{
    char path[64];
    snprintf(path, sizeof path, "/api/dcim/devices/%lld/", (long long)id);
    return fake_ask(&fake, path, NULL);
}

static void assert_device(int64_t id, const char *status, const char *release, bool hardware)
{
    json_t *o = netbox_device(id), *fields = json_object_get(o, "custom_fields");
    const char *now = json_string_value(json_object_get(fields, "installed_release"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(o, "status"), "value")), status);
    assert_string_equal(now ? now : "", release);
    assert_int_equal(json_is_object(json_object_get(fields, "hardware")), hardware);
    json_decref(o);
}

/* How often something was asked since the last asking. */
static size_t asked(const char *method, const char *path)
{
    json_t *log = fake_ask(&fake, "/fake/log", NULL), *o;
    size_t i, n = 0;
    json_array_foreach(log, i, o)
    {
        n += strcmp(json_string_value(json_object_get(o, "method")), method) == 0 &&
             strstr(json_string_value(json_object_get(o, "path")), path);
    }
    json_decref(log);
    return n;
}

static size_t refusals(void)
{
    struct err e;
    struct entry x;
    int64_t newest;
    size_t n = 0;
    ok(tell_newest(store, &newest, &e), &e);
    for (int64_t i = 1; i <= newest; i++) {
        ok(journal_get(store, i, &x, &e), &e);
        n += strcmp(x.event, "netbox-refused") == 0;
    }
    return n;
}

static void test_whole_life(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    (void)state;
    begin();
    install(id, &j);
    assert_int_equal(run(), 0);
    assert_journal(10, "info assigned\ninfo claimed\nsuccess written\n");
    assert_device(10, "staged", "demo@2", true);
    ready(id, &j);
    assert_int_equal(run(), 0);
    assert_journal(10, "info assigned\ninfo claimed\nsuccess written\nsuccess ready\n");
    assert_device(10, "active", "demo@2", true);
    /* Nothing new: not one request. */
    asked("GET", "");
    assert_int_equal(run(), 0);
    assert_int_equal(asked("GET", "/api/"), 0);
}

static void test_failed(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    struct err e;
    (void)state;
    begin();
    assign(id, &j);
    ok(job_fail(store, j.id, "image-corrupt", "a block has another digest", now_ms(), &e), &e);
    assert_int_equal(run(), 0);
    assert_journal(10, "info assigned\ndanger failed\n");
    assert_device(10, "failed", "", false);
}

/* What happened before the first run is history; what is not NetBox's is not its business. */
static void test_not_told(void **state)
{
    int64_t old = put_device("node000010", 10), ours = put_device("mine", 0);
    struct job j;
    (void)state;
    assign(old, &j);
    begin();
    assign(ours, &j);
    assert_int_equal(run(), 0);
    assert_journal(10, "");
    assert_int_equal(asked("POST", "/api/"), 0);
}

/* Somebody has taken it out of service meanwhile: that stays. */
static void test_status_of_people(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    (void)state;
    begin();
    install(id, &j);
    ready(id, &j);
    fake_tell(&fake, "/fake/set",
              "{\"endpoint\":\"dcim/devices\",\"id\":10,\"set\":{\"status\":\"decommissioning\"}}");
    assert_int_equal(run(), 0);
    assert_device(10, "decommissioning", "demo@2", true);
}

static void test_nothing_allowed(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    (void)state;
    memset(&config.write, 0, sizeof config.write);
    assert_false(netbox_writes(&config));
    config.write.journal = true;
    assert_true(netbox_writes(&config));
    begin();
    install(id, &j);
    assert_int_equal(run(), 0);
    assert_journal(10, "info assigned\ninfo claimed\nsuccess written\n");
    assert_device(10, "staged", "", false);
}

/* NetBox is away: it is waited for, and told everything, once, in order. */
static void test_away(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    (void)state;
    begin();
    install(id, &j);
    fake_tell(&fake, "/fake/fault",
              "{\"fault\":\"500\",\"method\":\"POST\",\"endpoint\":\"extras/journal-entries\"}");
    assert_int_equal(run(), -1);
    asked("POST", "");
    clock_ms += 500;
    assert_int_equal(run(), 0); /* it rests */
    assert_int_equal(asked("POST", "/api/"), 0);
    assert_in_range(netbox_write_next(w), clock_ms, clock_ms + 60000);
    clock_ms += 1000;
    assert_int_equal(run(), -1);
    fake_tell(&fake, "/fake/heal", "{}");
    clock_ms += 60000;
    assert_int_equal(run(), 0);
    assert_journal(10, "info assigned\ninfo claimed\nsuccess written\n");
    assert_int_equal(refusals(), 0);
}

/* The entry is told, the status cannot be: the entry is not told again with it. */
static void test_half_told(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    (void)state;
    begin();
    install(id, &j);
    fake_tell(&fake, "/fake/fault", "{\"fault\":\"500\",\"method\":\"PATCH\"}");
    assert_int_equal(run(), -1);
    fake_tell(&fake, "/fake/heal", "{}");
    clock_ms += 60000;
    assert_int_equal(run(), 0);
    assert_journal(10, "info assigned\ninfo claimed\nsuccess written\n");
    assert_device(10, "staged", "demo@2", true);
}

/* Killed after each thing said: at most one entry is there twice, and the end is the same. */
static void test_killed(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    (void)state;
    begin();
    install(id, &j);
    fake_tell(&fake, "/fake/fault", "{\"fault\":\"500\",\"method\":\"PATCH\",\"times\":1}");
    assert_int_equal(run(), -1);
    writer_new(); /* a new process knows what the store knows */
    assert_int_equal(run(), 0);
    writer_new();
    assert_int_equal(run(), 0);
    assert_journal(10, "info assigned\ninfo claimed\ninfo claimed\nsuccess written\n");
    assert_device(10, "staged", "demo@2", true);
}

/* A no is said once, and does not keep the others from being told. What is owed is told when NetBox takes it.
 */
static void test_refused(void **state)
{
    int64_t a = put_device("node000010", 10), b = put_device("node000020", 20);
    struct job j;
    (void)state;
    begin();
    install(a, &j);
    fake_tell(&fake, "/fake/fault", "{\"fault\":\"403\",\"method\":\"PATCH\",\"times\":2}");
    assert_int_equal(run(), 0);
    assert_int_equal(refusals(), 1); /* of claimed and of written, in the same words */
    assert_device(10, "staged", "", false);
    install(b, &j);
    assert_int_equal(run(), 0);
    assert_journal(20, "info assigned\ninfo claimed\nsuccess written\n");
    assert_device(20, "staged", "demo@2", true);
    assert_device(10, "staged", "", false);
    clock_ms = netbox_write_next(w);
    assert_int_equal(run(), 0);
    assert_device(10, "staged", "demo@2", true);
    asked("GET", "");
    clock_ms = netbox_write_next(w);
    assert_int_equal(run(), 0);
    assert_int_equal(asked("GET", "/api/"), 0); /* nothing is owed any more */
    assert_int_equal(refusals(), 1);
}

static void test_no_such_field(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    struct err e;
    struct entry x;
    int64_t newest;
    (void)state;
    str_copy(config.write.release_field, sizeof config.write.release_field, "release");
    begin();
    install(id, &j);
    ready(id, &j);
    assert_int_equal(run(), 0);
    assert_device(10, "active", "", true);
    assert_int_equal(refusals(), 1);
    ok(tell_newest(store, &newest, &e), &e);
    ok(journal_get(store, newest, &x, &e), &e);
    assert_non_null(strstr(x.detail, "no custom field \"release\""));
}

static void test_gone_there(void **state)
{
    int64_t id = put_device("node000010", 10);
    struct job j;
    (void)state;
    begin();
    install(id, &j);
    fake_tell(&fake, "/fake/set", "{\"endpoint\":\"dcim/devices\",\"id\":10,\"set\":null}");
    config.write.journal = false; /* the made-up one takes journal entries of anything */
    assert_int_equal(run(), 0);
    assert_int_equal(refusals(), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_whole_life),       CASE(test_failed),          CASE(test_not_told),
        CASE(test_status_of_people), CASE(test_nothing_allowed), CASE(test_away),
        CASE(test_half_told),        CASE(test_killed),          CASE(test_refused),
        CASE(test_no_such_field),    CASE(test_gone_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

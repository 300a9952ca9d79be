/* The courier as a process: with the driver for no system it needs no peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "enrol/enrol.h"
#include "inventory/enrolment.h"

#define DIGEST  "1111111111111111111111111111111111111111111111111111111111111111"
#define MACHINE "11111111-2222-3333-4444-555555555555"

static char dir[64];
static struct store *store;
static pid_t courier;

static const struct enrol_config config = {.driver = "none"};

static void ok(int r, const struct err *e)
{
    if (r < 0) {
        fail_msg("%s", e->text);
    }
}

static void courier_start(void)
{
    courier = fork();
    if (courier == 0) {
        log_setup("courier", LOG_LVL_ERROR, false);
        _exit(courier_serve(&config, dir, NULL) == 0 ? 0 : 1);
    }
}

static int courier_stop(void)
{
    int status;

    kill(courier, SIGTERM);
    waitpid(courier, &status, 0);
    courier = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int setup(void **state)
{
    struct release r = {
        .image = "debian-12", .version = "1", .digest = DIGEST, .disk_size = 1 << 30, .created_ms = 1};
    struct err e;

    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rackstrap-courier-XXXXXX");
    assert_non_null(mkdtemp(dir));
    ok(store_open(dir, &store, &e), &e);
    ok(release_put(store, &r, "test", &e), &e);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (courier) {
        courier_stop();
    }
    store_close(store);
    return dir_remove(dir, NULL);
}

static int64_t put_device(const char *name, unsigned n)
{
    struct device d = {.interfaces_n = 1, .interfaces[0] = {.name = "eno1", .primary = true}};
    struct err e;
    int64_t id;

    str_copy(d.name, sizeof d.name, name);
    d.interfaces[0].mac = mac_from_u64(UINT64_C(0x525400000000) + n);
    ok(device_put(store, &d, "test", &id, &e), &e);
    return id;
}

/* The device is installed and has posted a key as minion_id. */
static void post(int64_t device_id, const char *minion_id)
{
    struct assign a = {.release_ref = "debian-12", .actor = "test", .expiry_s = 3600};
    struct disk disk = {.name = "vda", .size = UINT64_C(2) << 30};
    char token[DIGEST_HEX], enrol_token[DIGEST_HEX];
    struct claim claim = {.token = token, .machine_uuid = MACHINE, .disk = &disk};
    struct turn turn;
    struct job j;
    struct err e;

    ok(job_assign(store, device_id, &a, now_ms(), &j, &e), &e);
    ok(job_token_make(store, &j, &(struct asker){.machine_uuid = MACHINE}, now_ms(), token, &e), &e);
    ok(job_claim(store, &claim, now_ms(), &j, &turn, enrol_token, &e), &e);
    ok(job_written(store, j.id, "written", now_ms(), &e), &e);
    ok(enrolment_post(store, j.id, minion_id, "PEM", NULL, now_ms(), &e), &e);
}

/* Waits until the device leaves `enrolling`, 5 s at most. */
static struct device settled(int64_t id)
{
    struct device d;
    struct err e;

    for (int i = 0; i < 100; i++) {
        ok(device_get(store, id, &d, &e), &e);
        if (d.state != STATE_ENROLLING) {
            break;
        }
        usleep(50000);
    }
    return d;
}

/* What was posted before it ran, and what is posted while it runs: more than go at once. */
static void test_ready(void **state)
{
    int64_t ids[40];

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        char name[16];

        snprintf(name, sizeof name, "hv-%02u", i);
        ids[i] = put_device(name, i + 1);
        if (i < 38) {
            post(ids[i], name);
        }
    }
    courier_start();
    for (unsigned i = 0; i < 38; i++) {
        assert_int_equal(settled(ids[i]).state, STATE_READY);
    }
    post(ids[38], "hv-38");
    post(ids[39], "hv-39.lab.example");
    assert_int_equal(settled(ids[38]).state, STATE_READY);
    assert_int_equal(settled(ids[39]).state, STATE_READY);
    assert_int_equal(courier_stop(), 0);
}

/* Nobody enrols under another's name, nor under a pattern. */
static void test_names_of_others(void **state)
{
    static const char *const names[] = {"hv-02", "*", "hv-0?", "hv-01x", "hv-01.par1", "x"};
    int64_t id = put_device("hv-01", 1);

    (void)state;
    put_device("hv-02", 2);
    put_device("hv-01.par1", 3);
    courier_start();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct device d;

        post(id, names[i]);
        d = settled(id);
        assert_int_equal(d.state, STATE_FAILED);
        assert_string_equal(d.reason, "minion-id");
    }
    post(id, "hv-01");
    assert_int_equal(settled(id).state, STATE_READY);
    assert_int_equal(courier_stop(), 0);
}

static void test_bad_configuration(void **state)
{
    struct enrol_config c = {.driver = "puppet"};
    struct err e;

    (void)state;
    assert_int_equal(courier_serve(&c, dir, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_non_null(strstr(e.text, "salt, none"));
    assert_int_equal(courier_serve(&config, "/nonexistent", &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_configuration, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

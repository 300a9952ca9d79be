/* fixture: a store in a folder of its own, with a device and releases in it. */
#ifndef TESTS_INVENTORY_FIXTURE_H
#define TESTS_INVENTORY_FIXTURE_H

/* cmocka wants these four first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "inventory/decide.h"
#include "inventory/enrolment.h"
#include "inventory/import.h"
#include "inventory/journal.h"

#define T0     INT64_C(1795255200000) /* 2026-11-21T10:00:00Z */
#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

#define UUID_A   "11111111-2222-3333-4444-555555555555"
#define UUID_B   "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define DIGEST_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define DIGEST_2 "2222222222222222222222222222222222222222222222222222222222222222"
#define DIGEST_3 "2222222222223333333333333333333333333333333333333333333333333333"

struct fixture {
    char dir[64];
    struct store *s;
    struct err e;
};

static struct fixture fx;

/* The call must succeed; else the sentence is shown. */
#define ok(call)                                                                                             \
    do {                                                                                                     \
        memset(&fx.e, 0, sizeof fx.e);                                                                       \
        if ((call) != 0) {                                                                                   \
            fail_msg("%s: %s", #call, fx.e.text);                                                            \
        }                                                                                                    \
    } while (0)

#define fails(call, want)                                                                                    \
    do {                                                                                                     \
        memset(&fx.e, 0, sizeof fx.e);                                                                       \
        assert_int_equal((call), -1);                                                                        \
        if (fx.e.kind != (want)) {                                                                           \
            fail_msg("%s: kind %d, not %d: %s", #call, fx.e.kind, (want), fx.e.text);                        \
        }                                                                                                    \
    } while (0)

#define E (&fx.e)

static inline int fixture_open(void **state)
{
    (void)state;
    memset(&fx, 0, sizeof fx);
    snprintf(fx.dir, sizeof fx.dir, "/tmp/rackstrap-inventory-XXXXXX");
    assert_non_null(mkdtemp(fx.dir));
    ok(store_open(fx.dir, &fx.s, E));
    return 0;
}

static inline int fixture_close(void **state)
{
    (void)state;
    store_close(fx.s);
    ok(dir_remove(fx.dir, E));
    return 0;
}

static inline struct mac a_mac(unsigned n)
{
    return mac_from_u64(UINT64_C(0x525400000000) + n);
}

static inline struct device make_device(const char *name, unsigned n)
{
    struct device d = {.interfaces_n = 1};
    str_copy(d.name, sizeof d.name, name);
    str_copy(d.site, sizeof d.site, "par1");
    str_copy(d.rack, sizeof d.rack, "r01");
    d.interfaces[0] = (struct interface){.name = "eno1",
                                         .mac = a_mac(n),
                                         .has_address = true,
                                         .primary = true,
                                         .address = {.ip = {0x0a4d0000 + n}, .len = 24}};
    return d;
}

static inline int64_t put_device(const char *name, unsigned n)
{
    struct device d = make_device(name, n);
    int64_t id = 0;
    ok(device_put(fx.s, &d, "test", &id, E));
    return id;
}

static inline void put_release(const char *image, const char *version, const char *digest, int64_t created_ms)
{
    struct release r = {.disk_size = 1u << 30, .data_size = 1000, .pack_size = 500, .created_ms = created_ms};
    str_copy(r.image, sizeof r.image, image);
    str_copy(r.version, sizeof r.version, version);
    str_copy(r.digest, sizeof r.digest, digest);
    ok(release_put(fx.s, &r, "test", E));
}

static inline struct job assign_device(int64_t id, const char *ref)
{
    struct job j;
    ok(job_assign(fx.s, id, &(struct assign){.release_ref = ref, .actor = "test", .expiry_s = 3600}, T0, &j,
                  E));
    return j;
}

static inline struct device get_device(int64_t id)
{
    struct device d;
    ok(device_get(fx.s, id, &d, E));
    return d;
}

static inline void state_is(int64_t id, enum device_state want)
{
    struct device d = get_device(id);
    assert_string_equal(state_name(d.state), state_name(want));
}

static inline struct job current(int64_t id)
{
    struct job j;
    ok(job_current(fx.s, id, &j, E));
    return j;
}

struct count {
    int64_t device_id;
    const char *event;
    size_t n;
};

static inline int count_entry(const struct entry *x, void *ctx)
{
    struct count *c = ctx;
    c->n += strcmp(x->event, c->event) == 0;
    return 0;
}

static inline size_t events(int64_t device_id, const char *event)
{
    struct count c = {.event = event};
    ok(journal_each(fx.s, 0, device_id, 0, count_entry, &c, E));
    return c.n;
}

static const struct disk vda = {.name = "vda", .serial = "DISK1", .size = UINT64_C(8) << 30};

/* A token for one who has not asked before. */
static inline int token_at(struct store *s, const struct job *j, const char *uuid, int64_t at_ms,
                           char ret_token[DIGEST_HEX], struct err *e)
{
    static uint32_t peers;
    struct asker a = {.machine_uuid = uuid, .nic = a_mac(1), .peer = {++peers}};
    return job_token_make(s, j, &a, at_ms, ret_token, e);
}

/* A claim where no limit is. */
static inline int claim_at(struct store *s, const char *token, const char *uuid, const struct disk *disk,
                           int64_t at_ms, struct job *ret, char ret_enrol[DIGEST_HEX], struct err *e)
{
    struct claim c = {.token = token, .machine_uuid = uuid, .disk = disk};
    struct turn turn;
    int r = job_claim(s, &c, at_ms, ret, &turn, ret_enrol, e);
    assert_true(r < 0 || turn.now);
    return r;
}

#endif

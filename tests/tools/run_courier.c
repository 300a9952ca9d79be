/* run_courier: puts machines into a store as far as a posted key, and runs the courier on it. For tests with
 * real masters.
 *
 *   run_courier post STATE_DIR DEVICE PUBKEY_FILE [MINION_ID]   (re)installs the device and posts this key;
 * prints the enrolment's job run_courier serve STATE_DIR none | salt API PASSWORD_FILE   courier_serve, as
 * user `enrol` with eauth `file` run_courier state STATE_DIR DEVICE                          "ready",
 * "failed(key-mismatch)", ... run_courier events STATE_DIR DEVICE                         the device's
 * journal: "event: detail" lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "enrol/enrol.h"
#include "inventory/enrolment.h"
#include "inventory/journal.h"
#include "tests/tools/confine.h"

#define DIGEST  "1111111111111111111111111111111111111111111111111111111111111111"
#define MACHINE "4c4c4544-0000-1010-8000-c04f00000001"

/* A device of this name, with a MAC address made from the name, when there is none yet. */
static int device_ensure(struct store *s, const char *name, struct device *ret, struct err *e)
{
    struct digest h = digest_sha256(span_str(name));
    struct device d = {.interfaces_n = 1, .interfaces[0] = {.name = "eno1", .primary = true}};
    int64_t id;

    if (device_by_name(s, name, ret, e) == 0) {
        return 0;
    }
    str_copy(d.name, sizeof d.name, name);
    d.interfaces[0].mac = (struct mac){.b = {0x52, 0x54, 0x00, h.b[0], h.b[1], h.b[2]}};
    if (device_put(s, &d, "test", &id, e) < 0) {
        return -1;
    }
    return device_get(s, id, ret, e);
}

static int release_ensure(struct store *s, struct err *e)
{
    struct release r = {.image = "debian-12",
                        .version = "20261121T101500Z",
                        .digest = DIGEST,
                        .disk_size = 1 << 30,
                        .created_ms = now_ms()};
    struct release old;

    return release_by_digest(s, DIGEST, &old, e) == 0 ? 0 : release_put(s, &r, "test", e);
}

/* The whole path that the installer and the first boot take. */
static int install(struct store *s, int64_t device_id, struct job *j, struct err *e)
{
    struct assign a = {.release_ref = "debian-12", .actor = "test", .expiry_s = 3600, .replace = true};
    struct disk disk = {.name = "vda", .serial = "disk", .size = UINT64_C(2) << 30};
    char token[DIGEST_HEX], enrol_token[DIGEST_HEX];
    struct asker asker = {.machine_uuid = MACHINE};
    struct claim claim = {.token = token, .machine_uuid = MACHINE, .disk = &disk};
    struct turn turn;
    int64_t now = now_ms();

    if (job_assign(s, device_id, &a, now, j, e) < 0 || job_token_make(s, j, &asker, now, token, e) < 0 ||
        job_claim(s, &claim, now, j, &turn, enrol_token, e) < 0 ||
        job_written(s, j->id, "written", now, e) < 0) {
        return -1;
    }
    return job_started(s, j->id, "first boot", now, e);
}

static int post(struct store *s, int argc, char **argv, struct err *e)
{
    struct str key = {0};
    struct device d;
    struct job j;
    int r = -1;

    if (argc < 5) {
        return err_set(e, ERR_INPUT, "post STATE_DIR DEVICE PUBKEY_FILE [MINION_ID]");
    }
    if (file_read(argv[4], PUBKEY_MAX - 1, &key, e) == 0 && device_ensure(s, argv[3], &d, e) == 0 &&
        release_ensure(s, e) == 0 && install(s, d.id, &j, e) == 0) {
        r = enrolment_post(s, j.id, argc > 5 ? argv[5] : argv[3], key.s, NULL, now_ms(), e);
    }
    if (r == 0) {
        printf("%s\n", j.uuid);
    }
    str_free(&key);
    return r;
}

static int print_entry(const struct entry *x, void *ctx)
{
    (void)ctx;
    printf("%s: %s\n", x->event, x->detail);
    return 0;
}

static int show(struct store *s, const char *verb, const char *name, struct err *e)
{
    struct device d;

    if (device_by_name(s, name, &d, e) < 0) {
        return -1;
    }
    if (strcmp(verb, "events") == 0) {
        return journal_each(s, 0, d.id, 0, print_entry, NULL, e);
    }
    printf(d.reason[0] ? "%s(%s)\n" : "%s%s\n", state_name(d.state), d.reason);
    return 0;
}

static int serve(int argc, char **argv, struct err *e)
{
    struct enrol_config c = {0};
    struct str password = {0};
    int r;

    str_copy(c.driver, sizeof c.driver, argc > 3 ? argv[3] : "");
    if (argc > 5) {
        str_copy(c.salt.api, sizeof c.salt.api, argv[4]);
        str_copy(c.salt.username, sizeof c.salt.username, "enrol");
        str_copy(c.salt.eauth, sizeof c.salt.eauth, "file");
        if (file_read(argv[5], 4096, &password, e) < 0) {
            return -1;
        }
        password.s[strcspn(password.s, "\r\n")] = '\0';
        c.salt.password = password.s;
    }
    r = confine("courier", argv[2], e) ? -1 : courier_serve(&c, argv[2], e);
    str_free(&password);
    return r;
}

static int run(int argc, char **argv, struct err *e)
{
    struct store *s;
    int r;

    if (argc < 4) {
        return err_set(e, ERR_INPUT,
                       "post, serve, state or events; then a state directory; then what it works on");
    }
    if (strcmp(argv[1], "serve") == 0) {
        return serve(argc, argv, e);
    }
    if (store_open(argv[2], &s, e) < 0) {
        return -1;
    }
    r = strcmp(argv[1], "post") == 0 ? post(s, argc, argv, e) : show(s, argv[1], argv[3], e);
    store_close(s);
    return r;
}

int main(int argc, char **argv)
{
    struct err e;

    log_setup("courier", LOG_LVL_DEBUG, true);
    if (run(argc, argv, &e) < 0) {
        fprintf(stderr, "run_courier: %s\n", e.text);
        return e.kind == ERR_INPUT ? 2 : 1;
    }
    return 0;
}

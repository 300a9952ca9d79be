/* The whole server but its sockets: request text in, response out, against a real store in a folder of its
 * own. */
#include "httpboot/app.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "inventory/import.h"
#include "inventory/device.h"
#include "inventory/enrolment.h"
#include "inventory/hardware.h"
#include "inventory/job.h"
#include "inventory/journal.h"
#include "inventory/store_sql.h"
#include "inventory/ladder.h"

#define DIGEST_TEXT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define UUID_1      "6f1c2d3e-0000-4000-8000-000000000001"
#define UUID_2      "6f1c2d3e-0000-4000-8000-000000000002"
#define MAC_1       "52:54:00:00:00:01"
#define KEY         "-----BEGIN PUBLIC KEY-----\\nMIIB\\n-----END PUBLIC KEY-----\\n"
#define DISK        "{\"name\":\"vda\",\"serial\":\"S1\",\"size\":4294967296}"
#define T0          1790000000000LL

static struct world {
    char dir[64];
    struct httpboot_config cfg;
    struct app app;
    int64_t device_id, at_ms;
    struct response res;
    int status;
    char *body;
} w;

/* ---- the world: one device hv-01, one release, in a folder that goes away ---- */

static void put_file(const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", w.dir, name);
    assert_int_equal(file_write(path, text, strlen(text), 0644, NULL), 0);
}

static void put_records(void)
{
    struct release r = {.image = "debian-12",
                        .version = "20261121T101500Z",
                        .disk_size = 1 << 20,
                        .pack_size = 10,
                        .created_ms = T0};
    struct device d = {.name = "hv-01", .interfaces_n = 1};

    str_copy(r.digest, sizeof r.digest, DIGEST_TEXT);
    d.interfaces[0] = (struct interface){.name = "eno1",
                                         .mac = {{0x52, 0x54, 0, 0, 0, 1}},
                                         .has_address = true,
                                         .primary = true,
                                         .address = {{0x0a4d000b}, 24}};
    assert_int_equal(release_put(w.app.store, &r, "test", NULL), 0);
    assert_int_equal(device_put(w.app.store, &d, "test", &w.device_id, NULL), 0);
}

static int setup(void **state)
{
    static const char *const keys[] = {"ssh-ed25519 AAAA root"};
    char path[256];

    (void)state;
    memset(&w, 0, sizeof w);
    response_init(&w.res);
    strcpy(w.dir, "/tmp/httpboot-test-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    snprintf(path, sizeof path, "%s/images/" DIGEST_TEXT, w.dir);
    assert_int_equal(dir_make(path, 0755, NULL), 0);
    snprintf(path, sizeof path, "%s/netboot", w.dir);
    assert_int_equal(dir_make(path, 0755, NULL), 0);
    put_file("netboot/vmlinuz", "0123456789");
    put_file("images/" DIGEST_TEXT "/pack", "abcdef");
    snprintf(w.cfg.loaders, sizeof w.cfg.loaders, "%s/tftp", w.dir);
    assert_int_equal(dir_make(w.cfg.loaders, 0755, NULL), 0);
    put_file("tftp/ipxe.efi", "loader");
    put_file("tftp/.hidden", "nobody may have this");
    put_file("secret", "nobody may have this");
    strcpy(w.cfg.domain, "lab.example");
    strcpy(w.cfg.kernel_args, "console=ttyS0");
    memcpy(w.cfg.authorized_keys, keys, sizeof keys);
    w.cfg.authorized_keys_n = 1;
    static const struct httpboot_unknown unknown = {.prefix = {{0x0a4d0000}, 24},
                                                    .unknown = UNKNOWN_DISCOVER};
    w.cfg.unknown = &unknown;
    w.cfg.unknown_n = 1;
    w.app.cfg = &w.cfg;
    w.app.state_fd = open(w.dir, O_RDONLY | O_DIRECTORY);
    assert_int_equal(store_open(w.dir, &w.app.store, NULL), 0);
    w.at_ms = T0;
    put_records();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    response_free(&w.res);
    free(w.body);
    progress_free(&w.app.progress);
    prefixes_free(w.app.prefixes);
    store_close(w.app.store);
    close(w.app.state_fd);
    return dir_remove(w.dir, NULL);
}

static void arm(void)
{
    assert_int_equal(job_assign(w.app.store, w.device_id,
                                &(struct assign){.release_ref = "debian-12", .actor = "test"}, w.at_ms, NULL,
                                NULL),
                     0);
}

/* ---- asking ---- */

static void keep_body(void)
{
    ssize_t n = 0;

    free(w.body);
    w.body = calloc(1, response_body_len(&w.res) + 1);
    if (w.res.fd >= 0)
        n = pread(w.res.fd, w.body, w.res.length, (off_t)w.res.first);
    else if (w.res.body.len)
        memcpy(w.body, w.res.body.s, w.res.body.len);
    assert_true(n >= 0);
}

static int ask_from(uint32_t peer, const char *text)
{
    struct request_fault f = {0};
    const char *pattern;
    struct request r;
    size_t seen = 0;
    struct call c;

    if (request_parse(span_str(text), NULL, &seen, &r, &f) != REQUEST_DONE)
        fail_msg("%s: %s", text, f.why);
    response_free(&w.res);
    c = (struct call){.app = &w.app,
                      .req = &r,
                      .body = span_of(text + r.head_len, r.body_len),
                      .peer = {peer},
                      .local = {0x0a4d0001},
                      .local_port = 8080,
                      .at_ms = w.at_ms,
                      .res = &w.res};
    app_call(&c, &pattern);
    keep_body();
    w.status = w.res.status;
    return w.status;
}

static int get(const char *path)
{
    char text[1024];

    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    return ask_from(0x0a4d000b, text);
}

static int get_with(const char *method, const char *path, const char *header)
{
    char text[1024];

    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n", method, path, header);
    return ask_from(0x0a4d000b, text);
}

static int post(const char *path, const char *token, const char *body)
{
    char *text =
        xasprintf("POST %s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n%s",
                  path, token, strlen(body), body);
    int rc = ask_from(0x0a4d000b, text);

    free(text);
    return rc;
}

static bool says(const char *text)
{
    return strstr(w.body, text) != NULL;
}

/* The token in the script that was the last answer. */
static void take_token(char ret[DIGEST_HEX])
{
    const char *at = strstr(w.body, "rackstrap.token=");

    assert_non_null(at);
    memcpy(ret, at + strlen("rackstrap.token="), DIGEST_HEX - 1);
    ret[DIGEST_HEX - 1] = '\0';
}

static void take_json(const char *key, char *ret, size_t size)
{
    char *mark = xasprintf("\"%s\":\"", key);
    const char *at = strstr(w.body, mark), *end;

    assert_non_null(at);
    at += strlen(mark);
    end = strchr(at, '"');
    assert_true((size_t)(end - at) < size);
    memcpy(ret, at, (size_t)(end - at));
    ret[end - at] = '\0';
    free(mark);
}

static enum device_state device_state(void)
{
    struct device d;

    assert_int_equal(device_get(w.app.store, w.device_id, &d, NULL), 0);
    return d.state;
}

static int count_entry(const struct entry *x, void *ctx)
{
    struct {
        const char *event;
        int n;
    } *want = ctx;

    want->n += strcmp(x->event, want->event) == 0;
    return 0;
}

static int journalled(const char *event)
{
    struct {
        const char *event;
        int n;
    } want = {.event = event};

    assert_int_equal(journal_each(w.app.store, 0, w.device_id, 0, count_entry, &want, NULL), 0);
    return want.n;
}

/* Armed, script fetched, claimed. */
static void claim(char token[DIGEST_HEX], char enrol_token[DIGEST_HEX])
{
    arm();
    assert_int_equal(get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1), 200);
    take_token(token);
    assert_int_equal(post("/agent/v1/claim", token, "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}"), 200);
    take_json("enrol_token", enrol_token, DIGEST_HEX);
}

/* ---- boot scripts ---- */

static void script_of_armed(void **state)
{
    char first[DIGEST_HEX], second[DIGEST_HEX];

    (void)state;
    arm();
    assert_int_equal(get("/boot/5254.0000.0001.ipxe?uuid=" UUID_1 "&serial=x&arch=x86_64"), 200);
    assert_true(says("rackstrap.mode=install") && says("http://10.77.0.1:8080/netboot/vmlinuz") &&
                says(" console=ttyS0"));
    take_token(first);
    assert_int_equal(device_state(), STATE_BOOTING);
    assert_int_equal(journalled("script"), 1);
    w.at_ms += 2000;
    get("/boot/" MAC_1 ".ipxe");
    take_token(second);
    assert_string_not_equal(first, second);
}

/* One that asks without end gets a script that waits, and no token; the machine's own stays good. */
static void script_in_a_loop(void **state)
{
    char token[DIGEST_HEX];
    int i;

    (void)state;
    arm();
    get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1);
    take_token(token);
    for (i = 0; i < 50; i++) {
        assert_int_equal(get("/boot/" MAC_1 ".ipxe?uuid=" UUID_2), 200);
        assert_true(
            says("sleep 2\nchain --replace http://10.77.0.1:8080/boot/52:54:00:00:00:01.ipxe?uuid=") &&
            !says("token") && !says("kernel"));
    }
    assert_int_equal(journalled("script"), 1);
    assert_int_equal(ask_from(0x0a4d0077, "GET /boot/" MAC_1 ".ipxe HTTP/1.0\r\n\r\n"), 200);
    assert_true(says("rackstrap.token=")); /* others are not held up */
    assert_int_equal(post("/agent/v1/claim", token, "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}"), 200);
}

/* A job that is another by the time its token is made: iPXE sees no error, and asks again. */
static void job_changes_meanwhile(void **state)
{
    (void)state;
    arm();
    assert_int_equal(
        db_run(w.app.store,
               "CREATE TRIGGER meanwhile BEFORE INSERT ON tokens BEGIN SELECT raise(ABORT, 'gone'); "
               "END",
               NULL, 0, NULL),
        0);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1), 200);
    assert_true(says("sleep 2\nchain --replace") && !says("token"));
    assert_int_equal(db_run(w.app.store, "DROP TRIGGER meanwhile", NULL, 0, NULL), 0);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1), 200);
    assert_true(says("rackstrap.token="));
}

/* Another writer has the store for longer than we wait. */
static void busy(void **state)
{
    static const char body[] = "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}";
    char token[DIGEST_HEX];
    struct store *other;

    (void)state;
    arm();
    get("/boot/" MAC_1 ".ipxe");
    take_token(token);
    w.at_ms += 5000;
    assert_int_equal(store_open(w.dir, &other, NULL), 0);
    assert_int_equal(store_begin(other, NULL), 0);
    store_patience(w.app.store, 50);
    assert_int_equal(post("/agent/v1/claim", token, body), 503);
    assert_int_equal(w.res.retry_after, 2);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe"), 200); /* an error would end iPXE's boot */
    assert_true(says("sleep 2\nchain --replace") && !says("token"));
    store_rollback(other);
    store_close(other);
    assert_int_equal(post("/agent/v1/claim", token, body), 200);
}

/* A store that fails: a machine that may have to be written waits; any other goes to its disk. */
static void broken_store(void **state)
{
    (void)state;
    arm();
    assert_int_equal(db_run(w.app.store, "ALTER TABLE tokens RENAME TO gone", NULL, 0, NULL), 0);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe"), 200);
    assert_true(says("sleep 2\nchain --replace") && !says("token"));
    assert_int_equal(db_run(w.app.store, "ALTER TABLE gone RENAME TO tokens", NULL, 0, NULL), 0);
    assert_int_equal(db_run(w.app.store, "ALTER TABLE jobs RENAME TO gone", NULL, 0, NULL), 0);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe"), 200);
    assert_true(says("sleep 2\nchain --replace"));
    assert_int_equal(db_run(w.app.store, "ALTER TABLE gone RENAME TO jobs", NULL, 0, NULL), 0);
    assert_int_equal(job_cancel(w.app.store, w.device_id, "test", w.at_ms, NULL), 0);
    assert_int_equal(db_run(w.app.store, "ALTER TABLE journal RENAME TO gone", NULL, 0, NULL), 0);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe"), 500);
    assert_int_equal(db_run(w.app.store, "ALTER TABLE gone RENAME TO journal", NULL, 0, NULL), 0);
    assert_int_equal(db_run(w.app.store, "ALTER TABLE mac_addresses RENAME TO gone", NULL, 0, NULL), 0);
    assert_int_equal(get("/boot/52:54:00:00:00:77.ipxe"), 500);
}

static void turns(void **state)
{
    static const char body[] = "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}";
    struct device d = {.name = "hv-02", .interfaces_n = 1};
    char first[DIGEST_HEX], second[DIGEST_HEX], enrol[DIGEST_HEX];

    (void)state;
    w.cfg.max_streams = 1;
    claim(first, enrol);
    d.interfaces[0] = (struct interface){.name = "eno1", .mac = {{0x52, 0x54, 0, 0, 0, 2}}, .primary = true};
    assert_int_equal(device_put(w.app.store, &d, "test", &w.device_id, NULL), 0);
    arm();
    get("/boot/52:54:00:00:00:02.ipxe?uuid=" UUID_1);
    take_token(second);
    assert_int_equal(post("/agent/v1/claim", second, body), 503);
    assert_true(w.res.retry_after >= 2 && says("\"wait\":{\"place\":1,\"of\":1,\"seconds\":null}") &&
                says("waits for its turn: place 1 of 1"));
    assert_int_equal(journalled("waiting-turn"), 1);
    assert_int_equal(device_state(), STATE_BOOTING);
    post("/agent/v1/written", first, "{}");
    assert_int_equal(post("/agent/v1/claim", second, body), 200);
}

/* A resume's token has claimed nothing yet: it cannot speak for the installer at work. */
static void unclaimed_token(void **state)
{
    char token[DIGEST_HEX], resumed[DIGEST_HEX], enrol[DIGEST_HEX];

    (void)state;
    claim(token, enrol);
    w.at_ms += 3000;
    get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1);
    take_token(resumed);
    assert_int_equal(post("/agent/v1/progress", resumed, "{\"done\":1,\"total\":2}"), 503);
    assert_int_equal(post("/agent/v1/written", resumed, "{}"), 503);
    assert_int_equal(post("/agent/v1/failed", resumed, "{\"reason\":\"disk-io\"}"), 503);
    assert_int_equal(device_state(), STATE_INSTALLING);
    assert_int_equal(post("/agent/v1/progress", token, "{\"done\":1,\"total\":2}"), 204);
    w.at_ms += 10000;
    assert_int_equal(post("/agent/v1/written", resumed, "{}"), 204); /* its disk was complete */
}

static void head_mints_nothing(void **state)
{
    uint64_t length;

    (void)state;
    arm();
    assert_int_equal(get_with("HEAD", "/boot/" MAC_1 ".ipxe", "X: y"), 200);
    length = response_body_len(&w.res);
    assert_int_equal(device_state(), STATE_ARMED);
    assert_int_equal(journalled("script"), 0);
    get("/boot/" MAC_1 ".ipxe");
    assert_int_equal(response_body_len(&w.res), length);
}

static void script_of_idle(void **state)
{
    (void)state;
    assert_int_equal(get("/boot/" MAC_1 ".ipxe"), 200);
    assert_true(says("sanboot --no-describe --drive 0x80") && !says("token"));
    w.at_ms += 1000;
    get("/boot/" MAC_1 ".ipxe"); /* iPXE asked twice: one boot */
    assert_int_equal(journalled("script"), 1);
    w.at_ms += 60000;
    get("/boot/" MAC_1 ".ipxe");
    assert_int_equal(journalled("script"), 2);
}

static void script_of_stranger(void **state)
{
    (void)state;
    assert_int_equal(get("/boot/52:54:00:00:00:99.ipxe"), 200);
    assert_true(says("rackstrap.mode=discover") && !says("token"));
    assert_int_equal(ask_from(0xc0a80101, "GET /boot/52:54:00:00:00:99.ipxe HTTP/1.0\r\n\r\n"), 200);
    assert_true(says("is not booted from here") && !says("kernel"));
    assert_int_equal(get("/boot/nonsense.ipxe"), 400);
    assert_int_equal(get("/boot/" MAC_1), 404);
}

static void script_after_claim(void **state)
{
    char token[DIGEST_HEX], resumed[DIGEST_HEX], enrol[DIGEST_HEX];

    (void)state;
    claim(token, enrol);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe?uuid=" UUID_2), 200); /* another machine with this MAC */
    assert_true(says("sanboot") && !says("token"));
    assert_int_equal(get("/boot/" MAC_1 ".ipxe"), 200); /* nor one that does not say who it is */
    assert_true(!says("token"));
    w.at_ms += 2000;
    assert_int_equal(get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1), 200);
    take_token(resumed);
    assert_int_equal(post("/agent/v1/progress", token, "{\"done\":1,\"total\":2,\"rate\":0}"), 204);
    assert_int_equal(post("/agent/v1/claim", resumed, "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}"), 503);
    w.at_ms += 10000;
    assert_int_equal(post("/agent/v1/claim", resumed, "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}"), 200);
    assert_int_equal(post("/agent/v1/progress", token, "{\"done\":1,\"total\":2,\"rate\":0}"),
                     401); /* the new one replaced it */
    assert_int_equal(post("/agent/v1/progress", resumed, "{\"done\":1,\"total\":2,\"rate\":0}"), 204);
}

/* ---- the agent's endpoint ---- */

/* What the installer has said of its machine is kept as it said it. */
static void hardware_is(const char *wanted)
{
    struct str facts = {0};

    assert_int_equal(hardware_get(w.app.store, w.device_id, &facts, NULL), 0);
    assert_string_equal(facts.s, wanted);
    str_free(&facts);
}

static void hello(void **state)
{
    static const char body[] = "{\"mac\":\"" MAC_1 "\",\"uuid\":\"" UUID_1
                               "\",\"serial\":\"S\",\"model\":\"M\",\"disks\":[" DISK "]}";
    char token[DIGEST_HEX], *refused;

    (void)state;
    arm();
    get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1);
    take_token(token);
    assert_int_equal(post("/agent/v1/hello", token, body), 200);
    assert_true(says("\"device\":\"hv-01\"") && says("\"version\":\"20261121T101500Z\"") &&
                says("\"resume\":false") && says("\"disk_selector\":\"only\"") &&
                says("\"digest\":\"" DIGEST_TEXT "\""));
    assert_int_equal(journalled("installer"), 1);
    assert_int_equal(device_state(), STATE_BOOTING);
    hardware_is(body);
    assert_int_equal(post("/agent/v1/hello", token, "{"), 400);
    assert_int_equal(post("/agent/v1/hello", DIGEST_TEXT, body), 401);
    refused = xstrdup(w.body);
    assert_int_equal(post("/agent/v1/hello", "short", "{"), 401); /* one text, whatever was wrong */
    assert_string_equal(w.body, refused);
    assert_int_equal(ask_from(0, "POST /agent/v1/hello HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"),
                     401);
    assert_string_equal(w.body, refused);
    free(refused);
    assert_int_equal(get_with("POST", "/agent/v1/config", "Content-Length: 0"), 405);
    assert_string_equal(w.res.allow, "GET");
}

static void install(void **state)
{
    char token[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job job;

    (void)state;
    arm();
    get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1);
    take_token(token);
    assert_int_equal(post("/agent/v1/progress", token, "{\"done\":1,\"total\":2,\"rate\":3}"), 409);
    assert_int_equal(post("/agent/v1/claim", token, "{\"uuid\":\"" UUID_1 "\"}"), 400);
    claim(token, enrol);
    assert_int_equal(device_state(), STATE_INSTALLING);
    assert_int_equal(post("/agent/v1/progress", token, "{\"done\":1,\"total\":9,\"rate\":3}"), 204);
    assert_int_equal(post("/agent/v1/progress", token, "{\"done\":4,\"total\":9,\"rate\":3}"), 204);
    assert_int_equal(progress_flush(&w.app.progress, w.app.store, NULL), 0);
    assert_int_equal(job_current(w.app.store, w.device_id, &job, NULL), 0);
    assert_true(job.bytes_done == 4 && job.bytes_total == 9);
    assert_int_equal(post("/agent/v1/progress", token, "{\"done\":9,\"total\":9,\"rate\":3}"), 204);
    assert_int_equal(post("/agent/v1/written", token,
                          "{\"frames_written\":5,\"frames_same\":1,\"bytes_fetched\":70000,\"seconds\":2}"),
                     204);
    assert_int_equal(job_current(w.app.store, w.device_id, &job, NULL), 0);
    assert_true(job.bytes_done == 9 && job.state == JOB_WRITTEN);
    assert_int_equal(post("/agent/v1/written", token, "{}"), 204); /* its answer was lost: the same again */
    assert_int_equal(post("/agent/v1/claim", token, "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}"), 409);
    assert_int_equal(progress_flush(&w.app.progress, w.app.store, NULL), 0);
    assert_int_equal(get("/boot/" MAC_1 ".ipxe?uuid=" UUID_1), 200);
    assert_true(says("sanboot"));
}

static void failed(void **state)
{
    char token[DIGEST_HEX], enrol[DIGEST_HEX];
    struct device d;

    (void)state;
    claim(token, enrol);
    assert_int_equal(post("/agent/v1/failed", token, "{\"reason\":\"bored\"}"), 400);
    assert_int_equal(post("/agent/v1/failed", token, "{\"reason\":\"image-corrupt\",\"detail\":\"frame 7\"}"),
                     204);
    assert_int_equal(device_get(w.app.store, w.device_id, &d, NULL), 0);
    assert_int_equal(d.state, STATE_FAILED);
    assert_string_equal(d.reason, "image-corrupt");
}

/* The job is done: a repetition of the first boot is answered as the first was (an answer may have been lost,
 * or the power), and nothing else is. */
static void spent_token(const char *enrol)
{
    char header[128], path[160];

    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"ssh_host_keys\":[\"ssh-ed25519 BBBB\"]}"), 204);
    assert_int_equal(device_state(), STATE_READY);
    assert_int_equal(journalled("ready"), 1);
    assert_int_equal(journalled("key-sent"), 1);
    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"pubkey\":\"" KEY "\"}"), 401);
    snprintf(header, sizeof header, "Authorization: Bearer %s", enrol);
    assert_int_equal(get_with("GET", "/agent/v1/config", header), 200);
    assert_int_equal(journalled("first-boot"), 1);
    snprintf(path, sizeof path, "/nocloud/%s/user-data", enrol);
    assert_int_equal(get(path), 401);
    assert_int_equal(post("/agent/v1/failed", enrol, "{\"reason\":\"first-boot-error\"}"), 401);
    assert_int_equal(post("/agent/v1/claim", enrol, "{\"uuid\":\"" UUID_1 "\",\"disk\":" DISK "}"), 401);
    assert_int_equal(device_state(), STATE_READY);
    w.at_ms += 2 * 86400 * 1000LL;
    assert_int_equal(post("/agent/v1/enrol", enrol, "{}"), 401);
}

static void first_boot_without_driver(void **state)
{
    char token[DIGEST_HEX], enrol[DIGEST_HEX];

    (void)state;
    claim(token, enrol);
    assert_int_equal(get_with("GET", "/agent/v1/config", "Authorization: Basic x"), 401);
    assert_int_equal(post("/agent/v1/enrol", token, "{}"),
                     401); /* the installer's token is not the enrol token */
    post("/agent/v1/written", token, "{}");
    {
        char header[128];

        snprintf(header, sizeof header, "Authorization: bearer %s", enrol);
        assert_int_equal(get_with("GET", "/agent/v1/config", header), 200);
    }
    assert_true(says("\"hostname\":\"hv-01\"") && says("\"fqdn\":\"hv-01.lab.example\"") &&
                says("\"salt\":null") && says("\"ca_certificates\":null") &&
                says("[\"ssh-ed25519 AAAA root\"]"));
    assert_int_equal(device_state(), STATE_STARTING);
    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"ssh_host_keys\":[\"ssh-ed25519 BBBB\"]}"), 204);
    assert_int_equal(device_state(), STATE_READY);
    spent_token(enrol);
}

static void first_boot_with_salt(void **state)
{
    char token[DIGEST_HEX], enrol[DIGEST_HEX], header[128];

    (void)state;
    strcpy(w.cfg.salt_master, "10.77.0.1");
    w.cfg.salt_master_pubkey = "PEM";
    w.cfg.salt_master_port = 4506;
    w.cfg.salt_publish_port = 4505;
    claim(token, enrol);
    snprintf(header, sizeof header, "Authorization: Bearer %s", enrol);
    assert_int_equal(get_with("GET", "/agent/v1/config", header),
                     200); /* `written` was lost: this proves it */
    assert_true(says("\"salt\":{\"id\":\"hv-01\",\"master\":\"10.77.0.1\",\"master_port\":4506,\"publish_"
                     "port\":4505,\"master_pub\":\"PEM\"}"));
    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"minion_id\":\"hv-02\",\"pubkey\":\"" KEY "\"}"), 400);
    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"minion_id\":\"hv-01\"}"), 400);
    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"minion_id\":\"hv-01\",\"pubkey\":\"" KEY "\"}"), 204);
    assert_int_equal(device_state(), STATE_ENROLLING);
    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"minion_id\":\"hv-01\",\"pubkey\":\"" KEY "\"}"), 204);
    assert_int_equal(post("/agent/v1/enrol", enrol, "{\"minion_id\":\"hv-01\",\"pubkey\":\"" KEY KEY "\"}"),
                     409);
}

static void discover(void **state)
{
    static const char body[] = "{\"mac\":\"52:54:00:00:00:99\",\"model\":\"M\",\"disks\":[]}";
    struct stranger x;

    (void)state;
    assert_int_equal(post("/agent/v1/discover", "", body), 200);
    assert_true(says("\"known\":false"));
    assert_int_equal(stranger_get(w.app.store, (struct mac){{0x52, 0x54, 0, 0, 0, 0x99}}, &x, NULL), 0);
    assert_non_null(strstr(x.facts, "\"model\":\"M\""));
    assert_int_equal(post("/agent/v1/discover", "", "{\"mac\":\"" MAC_1 "\"}"), 200);
    assert_true(says("\"known\":true"));
    w.cfg.unknown_n = 0;
    assert_int_equal(post("/agent/v1/discover", "", "{\"mac\":\"52:54:00:00:00:98\"}"), 200);
    assert_int_equal(stranger_get(w.app.store, (struct mac){{0x52, 0x54, 0, 0, 0, 0x98}}, &x, NULL), -1);
}

static void import_prefix(const char *router)
{
    struct import_options o = {.actor = "test", .wipe_limit = 1};
    struct import_result r;
    struct err e = {0};
    char text[100];
    int n = snprintf(text, sizeof text, "prefixes: [{prefix: 10.77.0.0/24, router: %s}]\n", router);
    if (import_text(w.app.store, "test", text, (size_t)n, &o, T0, &r, &e))
        fail_msg("%s", e.text);
}

static void nocloud(void **state)
{
    char token[DIGEST_HEX], enrol[DIGEST_HEX], path[160];

    (void)state;
    claim(token, enrol);
    snprintf(path, sizeof path, "/nocloud/%s/meta-data", enrol);
    assert_int_equal(get(path), 200);
    assert_true(says("instance-id") && says("local-hostname: \"hv-01\""));
    snprintf(path, sizeof path, "/nocloud/%s/network-config", enrol);
    assert_int_equal(get(path), 200);
    assert_true(says("10.77.0.11/24") && !says("routes"));
    import_prefix("10.77.0.254"); /* the inventory's gateway, in the next answer */
    assert_int_equal(get(path), 200);
    assert_true(says("via: \"10.77.0.254\""));
    import_prefix("10.77.0.253");
    assert_int_equal(get(path), 200);
    assert_true(says("via: \"10.77.0.253\""));
    snprintf(path, sizeof path, "/nocloud/%s/user-data", token);
    assert_int_equal(get(path), 401);
    assert_int_equal(get("/nocloud/" DIGEST_TEXT "/user-data"), 401);
    assert_int_equal(get("/nocloud//user-data"), 401);
}

/* ---- files ---- */

static void files(void **state)
{
    char header[160];

    (void)state;
    assert_int_equal(get("/netboot/vmlinuz"), 200);
    assert_string_equal(w.body, "0123456789");
    snprintf(header, sizeof header, "If-None-Match: %s", w.res.etag);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", header), 304);
    assert_true(w.res.etag[0] && w.res.fd < 0);
    snprintf(header, sizeof header, "Range: bytes=2-4\r\nIf-Range: %s", w.res.etag);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", header), 206);
    assert_string_equal(w.body, "234");
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", "Range: bytes=2-4\r\nIf-Range: \"other\""), 200);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", "Range: bytes=0-1,3-4"), 200);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", "Range: bytes=10-"), 416);
    assert_int_equal(w.res.total, 10);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", "If-Match: \"other\""), 412);
    assert_int_equal(get("/netboot/vmlinuz"), 200);
    snprintf(header, sizeof header, "If-None-Match: \"other\"\r\nIf-None-Match: W/%s", w.res.etag);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", header), 304); /* one list in two lines */
    snprintf(header, sizeof header, "If-Match: \"other\"\r\nIf-Match: %s", w.res.etag);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", header), 200);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", "Range: bytes=2-4\r\nRange: bytes=2-4"), 200);
    snprintf(header, sizeof header, "Range: bytes=2-4\r\nIf-Range: %s\r\nIf-Range: \"x\"", w.res.etag);
    assert_int_equal(get_with("GET", "/netboot/vmlinuz", header), 200);
    assert_int_equal(get_with("HEAD", "/netboot/vmlinuz", "Range: bytes=2-4"), 200);
    assert_int_equal(response_body_len(&w.res), 10);
    assert_int_equal(get("/images/" DIGEST_TEXT "/pack"), 200);
    assert_string_equal(w.body, "abcdef");
    assert_int_equal(get("/images/" DIGEST_TEXT "/manifest"), 404); /* not there */
    assert_int_equal(get("/netboot/initrd.img"), 404);
}

static void loaders(void **state)
{
    char header[160];

    (void)state;
    assert_int_equal(get("/loader/ipxe.efi"), 200);
    assert_string_equal(w.body, "loader");
    assert_string_equal(w.res.content_type, "application/efi");
    assert_int_equal(get_with("HEAD", "/loader/ipxe.efi", "X: y"),
                     200); /* firmware asks for the size first */
    assert_int_equal(response_body_len(&w.res), 6);
    snprintf(header, sizeof header, "If-None-Match: %s", w.res.etag);
    assert_int_equal(get_with("GET", "/loader/ipxe.efi", header), 304);
    assert_int_equal(get("/loader/grubx64.efi"), 404);
}

/* dhcpd's URL says whose NIC it is: its ladder knows what was fetched, and the script that it ran. */
static void loader_of_a_device(void **state)
{
    struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};
    struct ladder_choice offer = {.loader = "ipxe.efi"};
    struct ladder l;
    struct store *other;

    (void)state;
    assert_int_equal(
        ladder_note_choice(w.app.store, w.device_id, mac, "uefi-x64-http", &offer, w.at_ms, NULL), 0);
    assert_int_equal(get_with("HEAD", "/loader/ipxe.efi?mac=52-54-00-00-00-01", "X: y"), 200);
    assert_int_equal(get("/loader/grubx64.efi?mac=52-54-00-00-00-01"), 404);
    assert_int_equal(get("/loader/ipxe.efi?mac=52-54-00-00-00-09"), 200); /* a stranger's */
    assert_int_equal(ladder_get(w.app.store, mac, &l, NULL), 0);
    assert_string_equal(l.fetched, "");
    assert_int_equal(get("/loader/ipxe.efi?mac=52-54-00-00-00-01"), 200);
    assert_int_equal(ladder_get(w.app.store, mac, &l, NULL), 0);
    assert_string_equal(l.fetched, "ipxe.efi");
    assert_string_equal(l.settled, "");
    arm();
    assert_int_equal(store_open(w.dir, &other, NULL), 0);
    assert_int_equal(store_begin(other, NULL), 0);
    store_patience(w.app.store, 50);
    w.at_ms += 1000;
    assert_int_equal(get("/boot/52-54-00-00-00-01.ipxe"), 200); /* it could not be written down: it waits, */
    assert_true(says("sleep 2\nchain --replace"));
    store_rollback(other);
    store_close(other);
    w.at_ms += 2000;
    assert_int_equal(get("/boot/52-54-00-00-00-01.ipxe"), 200); /* and it is not forgotten */
    assert_int_equal(ladder_get(w.app.store, mac, &l, NULL), 0);
    assert_string_equal(l.settled, "ipxe.efi");
}

static void nothing_else(void **state)
{
    static const char *const paths[] = {
        "/",
        "/secret",
        "/inventory.db",
        "/netboot/",
        "/netboot/../secret",
        "/netboot/..%2fsecret",
        "/netboot/%2e%2e/secret",
        "/images/../secret",
        "/images/../pack",
        "/images/%2e%2e/pack",
        "/images/./pack",
        "/images//pack",
        "/images/*/pack",
        "/images/" DIGEST_TEXT "/../../secret",
        "/images/" DIGEST_TEXT "%2f..%2f../secret",
        "/images/" DIGEST_TEXT "/",
        "/images/" DIGEST_TEXT "a/pack",
        "/images/" DIGEST_TEXT "%00/pack",
        "//netboot/vmlinuz",
        "/netboot/vmlinuz/",
        "/netboot/vmlinuz%00",
        "/netboot\\vmlinuz",
        "/NETBOOT/vmlinuz",
        "/loader/",
        "/loader/..",
        "/loader/.hidden",
        "/loader/../secret",
        "/loader/..%2fsecret",
        "/loader/%2e%2e%5csecret",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof paths / sizeof *paths; i++)
        if (get(paths[i]) != 404)
            fail_msg("%s: %d %s", paths[i], w.status, w.body);
    assert_int_equal(get_with("DELETE", "/netboot/vmlinuz", "X: y"), 405);
    assert_string_equal(w.res.allow, "GET, HEAD");
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(script_of_armed),
        WITH_WORLD(script_in_a_loop),
        WITH_WORLD(job_changes_meanwhile),
        WITH_WORLD(busy),
        WITH_WORLD(broken_store),
        WITH_WORLD(turns),
        WITH_WORLD(unclaimed_token),
        WITH_WORLD(head_mints_nothing),
        WITH_WORLD(script_of_idle),
        WITH_WORLD(script_of_stranger),
        WITH_WORLD(script_after_claim),
        WITH_WORLD(hello),
        WITH_WORLD(install),
        WITH_WORLD(failed),
        WITH_WORLD(first_boot_without_driver),
        WITH_WORLD(first_boot_with_salt),
        WITH_WORLD(discover),
        WITH_WORLD(nocloud),
        WITH_WORLD(files),
        WITH_WORLD(loaders),
        WITH_WORLD(loader_of_a_device),
        WITH_WORLD(nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

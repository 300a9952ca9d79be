/* The API's instance but its sockets: what becomes of a request on its way to the API and back, whose body is
 * taken, who is believed, and NetBox's webhook. On a real store. */
#include "httpboot/app.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "inventory/api_token.h"
#include "inventory/store_sql.h"
#include "inventory/sync_request.h"

#define T0      INT64_C(1795255200000)
#define SECRET  "0123456789abcdef0123"
#define WEBHOOK "{\"event\":\"updated\",\"object_type\":\"dcim.device\",\"data\":{\"id\":5,\"name\":\"x\"}}"

static const struct ip4 peer = {0x0a000005}, proxy = {0x0a000002};

static struct world {
    char dir[64];
    struct httpboot_api api;
    struct httpboot_config cfg;
    struct app app;
    struct response res;
    char body[4096], pattern[128];
} w;

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    strcpy(w.dir, "/tmp/apicall-test-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    w.api = (struct httpboot_api){.api = {.state_dir = w.dir, .wipe_limit = 5},
                                  .body_max = 1 << 20,
                                  .proxies = {{proxy, 32}},
                                  .proxies_n = 1,
                                  .webhook_secret = SECRET};
    w.cfg.api = &w.api;
    w.app.cfg = &w.cfg;
    assert_int_equal(store_open(w.dir, &w.app.store, NULL), 0);
    w.app.api = api_new(w.app.store, &w.api.api);
    response_init(&w.res);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    response_free(&w.res);
    api_free(w.app.api);
    store_close(w.app.store);
    return dir_remove(w.dir, NULL);
}

/* ---- asking ---- */

static void parse(const char *text, struct request *ret)
{
    struct request_rules rules = app_rules(&w.app);
    struct request_fault f = {0};
    size_t seen = 0;

    if (request_parse(span_str(text), &rules, &seen, ret, &f) != REQUEST_DONE)
        fail_msg("%s: %s", text, f.why);
}

static int ask_from(struct ip4 from, const char *text)
{
    const char *pattern = NULL;
    struct request r;
    struct call c;

    parse(text, &r);
    response_free(&w.res);
    c = (struct call){.app = &w.app,
                      .req = &r,
                      .body = span_of(text + r.head_len, r.body_len),
                      .peer = from,
                      .local = {0x0a4d0001},
                      .local_port = 8081,
                      .at_ms = T0,
                      .res = &w.res};
    app_call(&c, &pattern);
    str_copy(w.pattern, sizeof w.pattern, pattern ? pattern : "");
    str_copy(w.body, sizeof w.body, w.res.body.s ? w.res.body.s : "");
    return w.res.status;
}

static void make_token(const char *name, unsigned rights, const char *from, char ret[API_TOKEN_TEXT])
{
    struct api_token t = {.rights = rights};

    str_copy(t.name, sizeof t.name, name);
    if (from) {
        assert_int_equal(prefix_parse(from, &t.from[0], NULL), 0);
        t.from_n = 1;
    }
    assert_int_equal(api_token_create(w.app.store, &t, "test", T0, ret, NULL), 0);
}

/* ---- bodies ---- */

static struct body_leave leave(struct ip4 from, const char *path, const char *headers)
{
    char text[512];
    struct request r;

    snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n%s\r\n", path,
             headers);
    parse(text, &r);
    return app_body(&w.app, &r, from, T0);
}

static void whose_bodies_are_taken(void **state)
{
    char write[API_TOKEN_TEXT], read[API_TOKEN_TEXT], line[128];
    struct body_leave l;

    (void)state;
    make_token("w", RIGHT_READ | RIGHT_WRITE, NULL, write);
    make_token("r", RIGHT_READ, NULL, read);
    l = leave(peer, "/api/dcim/devices/", "");
    assert_true(!l.known && l.max == REQUEST_BODY_MAX);
    snprintf(line, sizeof line, "Authorization: Token %s\r\n", write);
    l = leave(peer, "/api/dcim/devices/", line);
    assert_true(l.known && l.max == 1 << 20);
    snprintf(line, sizeof line, "Authorization: Bearer %s\r\n", read);
    l = leave(peer, "/api/dcim/devices/", line);
    assert_true(l.known && l.max == REQUEST_BODY_MAX);
    write[30] ^= 1;
    snprintf(line, sizeof line, "Authorization: Token %s\r\n", write);
    l = leave(peer, "/api/dcim/devices/", line);
    assert_true(!l.known && l.max == REQUEST_BODY_MAX);
    l = leave(peer, "/webhook/netbox", "");
    assert_true(!l.known && l.max == 1 << 20);
    w.api.webhook_secret = NULL;
    l = leave(peer, "/webhook/netbox", "");
    assert_true(l.max == REQUEST_BODY_MAX);
}

/* A stranger's X-Forwarded-For is his own; a named proxy's last word is whom it was asked by. */
static void who_asks_behind_a_proxy(void **state)
{
    static const struct {
        struct ip4 from;
        const char *said;
        bool good; /* the token may be used from 192.0.2.0/24 only */
    } rows[] = {
        {{0xc0000207}, "", true},
        {peer, "", false},
        {peer, "X-Forwarded-For: 192.0.2.7\r\n", false},
        {proxy, "", false},
        {proxy, "X-Forwarded-For: 192.0.2.7\r\n", true},
        {proxy, "X-Forwarded-For: 10.0.0.9, 192.0.2.7\r\n", true},
        {proxy, "X-Forwarded-For: 192.0.2.7, 10.0.0.9\r\n", false},
        {proxy, "X-Forwarded-For: 192.0.2.7 ,10.0.0.2\r\n", true}, /* through two proxies of ours */
        {proxy, "X-Forwarded-For: 192.0.2.7, unknown\r\n", false},
        {proxy, "X-Forwarded-For: ,\r\n", false},
        /* A proxy that adds a line of its own: what the stranger sent stands before it. */
        {proxy, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.0.0.9\r\n", false},
        {proxy, "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-For: 192.0.2.7\r\n", true},
        {proxy, "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.0.0.2\r\n", true},
    };
    char token[API_TOKEN_TEXT], headers[256];

    (void)state;
    make_token("w", RIGHT_WRITE, "192.0.2.0/24", token);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(headers, sizeof headers, "Authorization: Token %s\r\n%s", token, rows[i].said);
        if (leave(rows[i].from, "/api/x/", headers).known != rows[i].good)
            fail_msg("row %zu: %s", i, rows[i].said);
    }
}

/* ---- paths, hosts, headers ---- */

static void what_is_not_the_api(void **state)
{
    (void)state;
    assert_int_equal(ask_from(peer, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 404);
    assert_non_null(strstr(w.res.content_type, "text/html"));
    assert_int_equal(ask_from(peer, "GET /boot/52:54:00:00:00:01.ipxe HTTP/1.1\r\nHost: h\r\n\r\n"), 404);
    assert_int_equal(ask_from(peer, "GET /apis/ HTTP/1.1\r\nHost: h\r\n\r\n"), 404);
    assert_non_null(strstr(w.res.content_type, "text/html"));
    assert_int_equal(ask_from(peer, "TRACE /api/ HTTP/1.1\r\nHost: h\r\n\r\n"), 405);
    assert_non_null(strstr(w.body, "\"detail\""));
}

static void hosts(void **state)
{
    static const char *const good[] = {"h", "boot.example", "boot.example:8081", "10.0.0.1:80", "[::1]:8081"};
    static const char *const bad[] = {"h\"x", "h<script>", "h;x", "a b", "h'", "h,i", "%68"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "GET /api/ HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        assert_int_not_equal(ask_from(peer, text), 400);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct request_fault f;
        struct request r;
        size_t seen = 0;

        snprintf(text, sizeof text, "GET /api/ HTTP/1.1\r\nHost: %s\r\n\r\n", bad[i]);
        if (request_parse(span_str(text), NULL, &seen, &r, &f) == REQUEST_DONE)
            assert_int_equal(ask_from(peer, text), 400);
    }
    assert_int_equal(ask_from(peer, "GET /api/ HTTP/1.1\r\nHost: h\r\nAuthorization: Token a\r\n"
                                    "Authorization: Token b\r\n\r\n"),
                     400);
    assert_int_not_equal(ask_from(peer, "GET /api/ HTTP/1.0\r\n\r\n"), 400);
}

/* ---- the webhook ---- */

static int hook(const char *method, const char *secret, const char *body, const char *more)
{
    struct hmac512 h = hmac_sha512(span_str(secret), span_str(body));
    char hex[HMAC512_HEX], text[2048];

    snprintf(
        text, sizeof text,
        "%s /webhook/netbox HTTP/1.1\r\nHost: h\r\nX-Hook-Signature: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
        method, hmac512_format(&h, hex), strlen(body), more, body);
    return ask_from(peer, text);
}

static int64_t number(const char *sql)
{
    int64_t n = -1;

    assert_true(db_number(w.app.store, sql, NULL, 0, &n, NULL) >= 0);
    return n;
}

/* RFC 4231, test case 2. */
static void the_signature_is_the_one_of_the_standard(void **state)
{
    struct hmac512 h = hmac_sha512(span_str("Jefe"), span_str("what do ya want for nothing?"));
    char hex[HMAC512_HEX];

    (void)state;
    assert_string_equal(hmac512_format(&h, hex),
                        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

static void a_change_is_heard(void **state)
{
    (void)state;
    assert_int_equal(hook("POST", SECRET, WEBHOOK, ""), 200);
    assert_string_equal(w.pattern, "/webhook/netbox");
    assert_int_equal(number("SELECT count(*) FROM sync_requests"), 1);
    assert_int_equal(
        number("SELECT object_id FROM sync_requests WHERE object_type = 'dcim.device' AND event = "
               "'updated'"),
        5);
    for (int i = 0; i < 3; i++) /* a replay is the same wish */
        assert_int_equal(hook("POST", SECRET, WEBHOOK, ""), 200);
    assert_int_equal(number("SELECT count(*) FROM sync_requests"), 1);
    assert_int_equal(hook("POST", SECRET,
                          "{\"event\":\"deleted\",\"object_type\":\"ipam.ipaddress\",\"data\":{\"id\":7}}",
                          ""),
                     200);
    assert_int_equal(number("SELECT count(*) FROM sync_requests"), 2);
    assert_int_equal(w.app.forgeries.n, 0);
}

/* What a real NetBox sent, to the byte, with its own signature. */
static void of_a_real_netbox(void **state)
{
    static const char *const names[] = {"created", "updated", "deleted", "mac-created"};
    char path[128];

    (void)state;
    w.api.webhook_secret = "a secret of the fixtures";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str head = {0}, body = {0}, text = {0};

        snprintf(path, sizeof path, "tests/vectors/netbox/4.7/webhooks/%s.headers", names[i]);
        assert_int_equal(file_read(path, 65536, &head, NULL), 0);
        snprintf(path, sizeof path, "tests/vectors/netbox/4.7/webhooks/%s.body", names[i]);
        assert_int_equal(file_read(path, 65536, &body, NULL), 0);
        while (head.len && head.s[head.len - 1] == '\n')
            head.s[--head.len] = '\0';
        str_addf(&text, "POST /webhook/netbox HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n%s", head.s, body.s);
        if (ask_from(peer, text.s) != 200)
            fail_msg("%s: %s", names[i], w.body);
        text.s[text.len - 2] = ' ';
        assert_int_equal(ask_from(peer, text.s), 403);
        str_free(&head);
        str_free(&body);
        str_free(&text);
    }
    assert_int_equal(number("SELECT count(*) FROM sync_requests WHERE object_type = 'dcim.device'"), 1);
    assert_int_equal(
        number("SELECT count(*) FROM sync_requests WHERE object_type = 'dcim.macaddress' AND event "
               "= 'created'"),
        1);
    assert_int_equal(number("SELECT count(*) FROM sync_requests WHERE event = 'deleted'"), 1);
}

static void forged(void **state)
{
    struct hmac512 h = hmac_sha512(span_str(SECRET), span_str(WEBHOOK));
    char hex[HMAC512_HEX], text[1024];

    (void)state;
    hmac512_format(&h, hex);
    assert_int_equal(hook("POST", SECRET "x", WEBHOOK, ""), 403);
    assert_int_equal(hook("POST", SECRET, WEBHOOK, "X-Hook-Signature: 00\r\n"), 403); /* which of the two? */
    snprintf(
        text, sizeof text,
        "POST /webhook/netbox HTTP/1.1\r\nHost: h\r\nX-Hook-Signature: %s\r\nContent-Length: %zu\r\n\r\n%s ",
        hex, strlen(WEBHOOK) + 1, WEBHOOK);
    assert_int_equal(ask_from(peer, text), 403); /* one byte more than was signed */
    snprintf(text, sizeof text,
             "POST /webhook/netbox HTTP/1.1\r\nHost: h\r\nX-Hook-Signature: %.127s\r\nContent-Length: "
             "%zu\r\n\r\n%s",
             hex, strlen(WEBHOOK), WEBHOOK);
    assert_int_equal(ask_from(peer, text), 403);
    snprintf(text, sizeof text, "POST /webhook/netbox HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(WEBHOOK), WEBHOOK);
    assert_int_equal(ask_from(peer, text), 403);
    assert_int_equal(w.app.forgeries.n, 5);
    assert_int_equal(w.app.forgeries.last.a, peer.a);
    assert_int_equal(number("SELECT count(*) FROM sync_requests"), 0);
}

static void signed_but_no_webhook(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "nonsense",
        "{\"event\":\"updated\",\"object_type\":\"dcim.device\"}",
        "{\"event\":\"updated\",\"object_type\":\"dcim.device\",\"data\":[]}",
        "{\"event\":\"updated\",\"object_type\":\"dcim.device\",\"data\":{\"id\":\"5\"}}",
        "{\"event\":\"updated\",\"object_type\":\"dcim.device\",\"data\":{\"id\":0}}",
        "{\"event\":\"updated\",\"object_type\":\"dcim.device\",\"data\":{\"id\":-1}}",
        "{\"event\":\"updated\",\"object_type\":\"device\",\"data\":{\"id\":5}}",
        "{\"event\":\"updated\",\"object_type\":\"dcim.\",\"data\":{\"id\":5}}",
        "{\"event\":\"updated\",\"object_type\":\"dcim.x'; DROP TABLE devices\",\"data\":{\"id\":5}}",
        "{\"event\":\"updated\",\"object_type\":\"a."
        "2345678901234567890123456789012345678901234567890123456789"
        "0123456789\",\"data\":{\"id\":5}}",
        "{\"event\":\"job_end\",\"object_type\":\"dcim.device\",\"data\":{\"id\":5}}",
        "{\"object_type\":\"dcim.device\",\"data\":{\"id\":5}}",
        "{\"event\":\"updated\",\"event\":\"updated\",\"object_type\":\"dcim.device\",\"data\":{\"id\":5}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (hook("POST", SECRET, bodies[i], "") != 400)
            fail_msg("%d for %s", w.res.status, bodies[i]);
    assert_int_equal(number("SELECT count(*) FROM sync_requests"), 0);
    assert_int_equal(hook("PUT", SECRET, WEBHOOK, ""), 405);
    assert_int_equal(ask_from(peer, "GET /webhook/netbox HTTP/1.1\r\nHost: h\r\n\r\n"), 405);
    w.api.webhook_secret = NULL;
    assert_int_equal(hook("POST", SECRET, WEBHOOK, ""), 404);
}

/* What NetBox floods us with is bounded; what waits already may wait on. */
static void no_more_than_can_be_read(void **state)
{
    struct sync_request r = {.object_type = "dcim.device", .event = "updated", .at_ms = T0};

    (void)state;
    assert_int_equal(store_begin(w.app.store, NULL), 0);
    for (r.object_id = 1; r.object_id <= SYNC_REQUESTS_MAX; r.object_id++)
        assert_int_equal(sync_request_put(w.app.store, &r, NULL), 0);
    assert_int_equal(store_commit(w.app.store, NULL), 0);
    assert_int_equal(hook("POST", SECRET, WEBHOOK, ""), 200); /* number 5 is there */
    assert_int_equal(
        hook("POST", SECRET, "{\"event\":\"created\",\"object_type\":\"dcim.site\",\"data\":{\"id\":5}}", ""),
        503);
    assert_int_equal(number("SELECT count(*) FROM sync_requests"), SYNC_REQUESTS_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(whose_bodies_are_taken),
        T(who_asks_behind_a_proxy),
        T(what_is_not_the_api),
        T(hosts),
        T(the_signature_is_the_one_of_the_standard),
        T(a_change_is_heard),
        T(of_a_real_netbox),
        T(forged),
        T(signed_but_no_webhook),
        T(no_more_than_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

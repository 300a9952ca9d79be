/* The Salt driver's walks, against a salt-api that follows a script: what each request must hold, and what is
 * answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "enrol/driver.h"

#define KEY_A "KEY-A"
#define KEY_B "KEY-B"

#define KEYS(status, key)                                                                                    \
    "{\"return\":[{\"data\":{\"success\":true,\"return\":{\"" status "\":{\"hv-01\":\"" key "\"}}}}]}"
#define NO_KEYS "{\"return\":[{\"data\":{\"success\":true,\"return\":{}}}]}"
#define LOGIN   "{\"return\":[{\"token\":\"ab12\",\"expire\":99999999999.0}]}"
#define BROKEN                                                                                               \
    "{\"return\":[{\"data\":{\"success\":false,\"return\":\"Traceback:\\n  x\\nKeyError: 'y'\\n\"}}]}"
#define PING(answer) "{\"return\":[{\"hv-01\":" answer "}]}"

struct exchange {
    const char *want; /* what the request must hold; NULL ends the script */
    int status;
    const char *answer;
};
#define IN                                                                                                   \
    {                                                                                                        \
        "POST /login ", 200, LOGIN                                                                           \
    }
#define ASK(answer)                                                                                          \
    {                                                                                                        \
        "\"fun\":\"key.print\",\"match\":\"hv-01\"", 200, answer                                             \
    }
#define ACCEPT                                                                                               \
    {                                                                                                        \
        "\"fun\":\"key.accept_dict\",\"match\":{\"minions_pre\":[\"hv-01\"]}", 200, KEYS("minions", KEY_A)   \
    }
#define DELETE(status)                                                                                       \
    {                                                                                                        \
        "\"fun\":\"key.delete_dict\",\"match\":{\"" status "\":[\"hv-01\"]}", 200, NO_KEYS                   \
    }
#define PONG(answer)                                                                                         \
    {                                                                                                        \
        "\"fun\":\"test.ping\",\"gather_job_timeout\":2,\"tgt\":[\"hv-01\"],\"tgt_type\":\"list\"", 200,     \
            PING(answer)                                                                                     \
    }

/* ---- the scripted API ---- */

static int listener;
static char api[64];
static const struct exchange
    *script; /* the next exchange; the driver's thread sets it while the server is idle */
static char complaint[512];

static void receive(int fd, char *buf, size_t size)
{
    size_t n = 0;

    for (;;) {
        ssize_t r = recv(fd, buf + n, size - 1 - n, 0);

        if (r <= 0) {
            return;
        }
        n += (size_t)r;
        buf[n] = '\0';
        const char *end = strstr(buf, "\r\n\r\n");
        const char *length = strcasestr(buf, "content-length:");
        if (end && (size_t)(end + 4 - buf) + (length ? strtoul(length + 15, NULL, 10) : 0) <= n) {
            return;
        }
    }
}

static void answer(int fd)
{
    char request[8192] = "", head[128];

    receive(fd, request, sizeof request);
    if (!script->want || !strstr(request, script->want)) {
        snprintf(complaint, sizeof complaint, "expected %s, got: %.300s",
                 script->want ? script->want : "nothing", request);
        return;
    }
    snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
             script->status, strlen(script->answer));
    if (send(fd, head, strlen(head), MSG_NOSIGNAL) > 0) {
        send(fd, script->answer, strlen(script->answer), MSG_NOSIGNAL);
    }
    script++;
}

static void *serve(void *arg)
{
    int fd;

    (void)arg;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        answer(fd);
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
    return NULL;
}

static int start_server(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    pthread_t t;

    (void)state;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
    snprintf(api, sizeof api, "http://127.0.0.1:%u/", ntohs(a.sin_port)); /* the slash must not be doubled */
    assert_int_equal(pthread_create(&t, NULL, serve, NULL), 0);
    pthread_detach(t);
    return 0;
}

/* ---- one run ---- */

struct result {
    struct loop *loop;
    struct outcome outcome;
    int times;
    char notes[256];
};

static void on_done(const struct outcome *o, void *ctx)
{
    struct result *r = ctx;

    r->outcome = *o;
    r->times++;
    loop_stop(r->loop);
}

static void on_note(const char *event, const char *detail, void *ctx)
{
    struct result *r = ctx;

    (void)detail;
    strncat(r->notes, event, sizeof r->notes - strlen(r->notes) - 1);
}

struct walk {
    const char *name;
    enum enrolment_state state;
    const char *last_error;
    struct exchange script[14];
    enum outcome_kind outcome;
    const char *reason, *detail; /* detail: a part of it */
    const char *notes;
};

static struct enrolment enrolment_of(const struct walk *w)
{
    struct enrolment x = {
        .id = 1, .device = "hv-01", .minion_id = "hv-01", .pubkey = KEY_A "\n", .state = w->state};

    str_copy(x.last_error, sizeof x.last_error, w->last_error ? w->last_error : "");
    return x;
}

static void walk(const struct walk *w, void *self, struct loop *loop)
{
    struct result r = {.loop = loop};
    struct driver_hooks hooks = {.done = on_done, .note = on_note, .ctx = &r};
    struct enrolment x = enrolment_of(w);
    struct err e;

    script = w->script;
    complaint[0] = '\0';
    salt_driver.start(self, &x, &hooks);
    assert_int_equal(r.times, 0);
    assert_int_equal(loop_run(loop, &e), 0);
    if (complaint[0]) {
        fail_msg("%s: %s", w->name, complaint);
    }
    if (script->want) {
        fail_msg("%s: did not ask for %s; ended with %d, %s", w->name, script->want, r.outcome.kind,
                 r.outcome.detail);
    }
    if (r.outcome.kind != w->outcome || !strstr(r.outcome.detail, w->detail) ||
        strcmp(r.notes, w->notes ? w->notes : "") != 0) {
        fail_msg("%s: outcome %d, detail \"%s\", notes \"%s\"", w->name, r.outcome.kind, r.outcome.detail,
                 r.notes);
    }
    if (w->reason) {
        assert_string_equal(r.outcome.reason, w->reason);
    }
    assert_int_equal(r.times, 1);
}

static const char strange[] = "a key that this machine did not send is pending at the Salt master under its "
                              "id: not accepted, waiting for "
                              "the machine's own";
static const char strange_gone[] =
    "keys that this machine did not send keep coming to the Salt master under its id: not accepted, removed, "
    "waiting for its own";

static const struct walk walks[] = {
    {.name = "nothing there yet",
     .script = {IN, ASK(NO_KEYS)},
     .outcome = OUTCOME_WAIT,
     .detail = "waiting for the machine's key"},
    {.name = "pending, accepted, read back",
     .script = {IN, ASK(KEYS("minions_pre", KEY_A)), ACCEPT, ASK(KEYS("minions", KEY_A))},
     .outcome = OUTCOME_ACCEPTED,
     .detail = ""},
    {.name = "swapped between look and accept",
     .script = {IN, ASK(KEYS("minions_pre", KEY_A)), ACCEPT, ASK(KEYS("minions", KEY_B)), DELETE("minions")},
     .outcome = OUTCOME_FAIL,
     .reason = "key-mismatch",
     .detail = "removed"},
    {.name = "gone between look and accept",
     .script = {IN, ASK(KEYS("minions_pre", KEY_A)), ACCEPT, ASK(NO_KEYS)},
     .outcome = OUTCOME_WAIT,
     .detail = "waiting for the machine's key"},
    {.name = "swapped after it was accepted",
     .state = ENROL_ACCEPTED,
     .script = {IN, ASK(KEYS("minions", KEY_B)), DELETE("minions")},
     .outcome = OUTCOME_FAIL,
     .reason = "key-mismatch",
     .detail = "removed"},
    {.name = "accepted already",
     .script = {IN, ASK(KEYS("minions", KEY_A))},
     .outcome = OUTCOME_ACCEPTED,
     .detail = ""},
    {.name = "answers",
     .state = ENROL_ACCEPTED,
     .script = {IN, ASK(KEYS("minions", KEY_A)), PONG("true")},
     .outcome = OUTCOME_READY,
     .detail = "answered test.ping"},
    {.name = "silent",
     .state = ENROL_ACCEPTED,
     .script = {IN, ASK(KEYS("minions", KEY_A)), PONG("\"Minion did not return. [No response]\"")},
     .outcome = OUTCOME_WAIT,
     .detail = "does not answer"},
    {.name = "reinstalled: the old key goes, exactly that one",
     .script = {IN, ASK(KEYS("minions", KEY_B)), DELETE("minions"), ASK(KEYS("minions_pre", KEY_A)), ACCEPT,
                ASK(KEYS("minions", KEY_A))},
     .outcome = OUTCOME_ACCEPTED,
     .detail = "",
     .notes = "old-key"},
    {.name = "an old key was rejected",
     .script = {IN, ASK(KEYS("minions_rejected", KEY_B)), DELETE("minions_rejected"), ASK(NO_KEYS)},
     .outcome = OUTCOME_WAIT,
     .detail = "waiting for the machine's key",
     .notes = "old-key"},
    {.name = "this key was rejected",
     .script = {IN, ASK(KEYS("minions_rejected", KEY_A))},
     .outcome = OUTCOME_FAIL,
     .reason = "key-rejected",
     .detail = "rejected"},
    {.name = "a strange key, first sight",
     .script = {IN, ASK(KEYS("minions_pre", KEY_B))},
     .outcome = OUTCOME_WAIT,
     .detail = strange},
    {.name = "a strange key, still there",
     .last_error = strange,
     .script = {IN, ASK(KEYS("minions_pre", KEY_B)), DELETE("minions_pre")},
     .outcome = OUTCOME_WAIT,
     .detail = strange_gone},
    {.name = "after strange keys the sentence stays",
     .last_error = strange_gone,
     .script = {IN, ASK(NO_KEYS)},
     .outcome = OUTCOME_WAIT,
     .detail = strange_gone},
    {.name = "the token had been forgotten by the master",
     .script = {{"POST /login ", 200, LOGIN}, {"X-Auth-Token: ab12", 401, ""}},
     .outcome = OUTCOME_DOWN,
     .detail = "'@key': [print, accept_dict, delete_dict]"},
    {.name = "wrong password",
     .script = {{"\"password\":\"secret\"", 401, ""}},
     .outcome = OUTCOME_DOWN,
     .detail = "password is wrong"},
    {.name = "clients not enabled",
     .script = {IN, {"key.print", 400, ""}},
     .outcome = OUTCOME_DOWN,
     .detail = "netapi_enable_clients"},
    {.name = "master down",
     .script = {IN, {"key.print", 503, "<html>"}},
     .outcome = OUTCOME_DOWN,
     .detail = "master is down"},
    {.name = "master slow",
     .script = {IN, {"key.print", 504, ""}},
     .outcome = OUTCOME_DOWN,
     .detail = "in time"},
    {.name = "a status that we do not know",
     .script = {IN, {"key.print", 418, ""}},
     .outcome = OUTCOME_DOWN,
     .detail = "418"},
    {.name = "not JSON", .script = {IN, ASK("<html>")}, .outcome = OUTCOME_DOWN, .detail = "not salt-api's"},
    {.name = "the function throws",
     .script = {IN, ASK(BROKEN)},
     .outcome = OUTCOME_DOWN,
     .detail = "KeyError: 'y'"},
    {.name = "accepting throws",
     .script = {IN, ASK(KEYS("minions_pre", KEY_A)), {"key.accept_dict", 200, BROKEN}},
     .outcome = OUTCOME_DOWN,
     .detail = "accepting the key"},
    {.name = "somebody puts old keys back for ever",
     .script = {IN, ASK(KEYS("minions", KEY_B)), DELETE("minions"), ASK(KEYS("minions", KEY_B)),
                DELETE("minions"), ASK(KEYS("minions", KEY_B)), DELETE("minions"),
                ASK(KEYS("minions", KEY_B)), DELETE("minions"), ASK(KEYS("minions", KEY_B)),
                DELETE("minions"), ASK(KEYS("minions", KEY_B))},
     .outcome = OUTCOME_DOWN,
     .detail = "as fast",
     .notes = "old-keyold-keyold-keyold-keyold-keyold-key"},
};

static struct enrol_config config(void)
{
    struct enrol_config c = {.driver = "salt",
                             .salt = {.username = "enrol", .eauth = "file", .password = "secret"}};

    str_copy(c.salt.api, sizeof c.salt.api, api);
    return c;
}

static void test_walks(void **state)
{
    struct enrol_config c = config();

    (void)state;
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        struct loop *loop = loop_new();
        struct http *http = http_new(loop);
        void *self = salt_driver.open(&(struct driver_env){.config = &c, .loop = loop, .http = http});

        walk(&walks[i], self, loop);
        salt_driver.close(self);
        http_free(http);
        loop_free(loop);
    }
}

/* The token is kept between runs; when the master has forgotten it, one new login, and on. */
static void test_token(void **state)
{
    static const struct walk first = {
        .name = "first", .script = {IN, ASK(NO_KEYS)}, .outcome = OUTCOME_WAIT, .detail = "waiting"};
    static const struct walk second = {
        .name = "kept", .script = {ASK(NO_KEYS)}, .outcome = OUTCOME_WAIT, .detail = "waiting"};
    static const struct walk third = {.name = "forgotten",
                                      .script = {{"X-Auth-Token: ab12", 401, ""}, IN, ASK(NO_KEYS)},
                                      .outcome = OUTCOME_WAIT,
                                      .detail = "waiting"};
    struct enrol_config c = config();
    struct loop *loop = loop_new();
    struct http *http = http_new(loop);
    void *self = salt_driver.open(&(struct driver_env){.config = &c, .loop = loop, .http = http});

    (void)state;
    walk(&first, self, loop);
    walk(&second, self, loop);
    walk(&third, self, loop);
    salt_driver.close(self);
    http_free(http);
    loop_free(loop);
}

/* What is cancelled never calls back; an id that means more than itself gets nowhere near the master; a dead
 * API is told so. */
static void test_odd_ends(void **state)
{
    static const struct walk nothing = {.name = "nothing"};
    struct enrol_config c = config();
    struct loop *loop = loop_new();
    struct http *http = http_new(loop);
    void *self = salt_driver.open(&(struct driver_env){.config = &c, .loop = loop, .http = http});
    struct result r = {.loop = loop};
    struct driver_hooks hooks = {.done = on_done, .note = on_note, .ctx = &r};
    struct enrolment x = enrolment_of(&nothing);
    struct err e;

    (void)state;
    script = nothing.script;
    complaint[0] = '\0';
    salt_driver.cancel(salt_driver.start(self, &x, &hooks));
    str_copy(x.minion_id, sizeof x.minion_id, "hv-*");
    salt_driver.cancel(salt_driver.start(self, &x, &hooks));
    salt_driver.start(self, &x, &hooks);
    assert_int_equal(r.times, 0);
    assert_int_equal(loop_run(loop, &e), 0);
    assert_int_equal(r.times, 1);
    assert_int_equal(r.outcome.kind, OUTCOME_FAIL);
    assert_string_equal(r.outcome.reason, "minion-id");
    assert_string_equal(complaint, "");
    str_copy(c.salt.api, sizeof c.salt.api, "http://127.0.0.1:1");
    str_copy(x.minion_id, sizeof x.minion_id, "hv-01");
    salt_driver.start(self, &x, &hooks);
    assert_int_equal(loop_run(loop, &e), 0);
    assert_int_equal(r.outcome.kind, OUTCOME_DOWN);
    assert_non_null(strstr(r.outcome.detail, "nobody answers"));
    salt_driver.close(self);
    http_free(http);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_odd_ends),
    };

    return cmocka_run_group_tests(tests, start_server, NULL);
}

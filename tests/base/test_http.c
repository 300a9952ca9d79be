/* The HTTP client against a small server in a thread, on the loopback address and a port that the system
 * picks. */
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
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/http.h"

/* ---- the server ---- */

static int listener;
static char base_url[64], dead_url[64];

static void send_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t r = send(fd, s, n, MSG_NOSIGNAL);

        if (r <= 0) {
            return;
        }
        s += r;
        n -= (size_t)r;
    }
}

static void send_text(int fd, const char *s)
{
    send_all(fd, s, strlen(s));
}

/* What was received, as the answer's body. */
static void send_echo(int fd, const char *request, size_t n)
{
    char head[128];

    snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", n);
    send_text(fd, head);
    send_all(fd, request, n);
}

static void send_big(int fd)
{
    static char chunk[65536];

    memset(chunk, 'x', sizeof chunk);
    send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\nConnection: close\r\n\r\n");
    for (int i = 0; i < 64; i++) {
        send_all(fd, chunk, sizeof chunk);
    }
}

static const struct {
    const char *path, *answer;
} canned[] = {
    {"/hello", "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Type: text/plain; "
               "charset=utf-8\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"},
    {"/404", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone"},
    {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nonly this"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /hello\r\nETag: \"old\"\r\nContent-Length: 0\r\nConnection: "
               "close\r\n\r\n"},
    {"/round", "HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
    {"/file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\nConnection: "
              "close\r\n\r\n"},
    {"/garbage", "this is not HTTP\r\n\r\n"},
    {"/empty", ""},
};

/* A request with its body, as far as Content-Length tells. */
static size_t receive(int fd, char *buf, size_t size)
{
    size_t n = 0;

    for (;;) {
        ssize_t r = recv(fd, buf + n, size - 1 - n, 0);

        if (r <= 0) {
            return n;
        }
        n += (size_t)r;
        buf[n] = '\0';
        const char *end = strstr(buf, "\r\n\r\n");
        const char *length = strcasestr(buf, "content-length:");
        if (end && (size_t)(end + 4 - buf) + (length ? strtoul(length + 15, NULL, 10) : 0) <= n) {
            return n;
        }
    }
}

static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buf[16384], path[128] = "";
    size_t n = receive(fd, buf, sizeof buf);

    sscanf(buf, "%*s %127[^? ]", path);
    if (strcmp(path, "/echo") == 0) {
        send_echo(fd, buf, n);
    } else if (strcmp(path, "/big") == 0) {
        send_big(fd);
    } else if (strcmp(path, "/slow") == 0) {
        sleep(3);
    }
    for (size_t i = 0; i < sizeof canned / sizeof *canned; i++) {
        if (strcmp(path, canned[i].path) == 0) {
            send_text(fd, canned[i].answer);
        }
    }
    shutdown(fd, SHUT_RDWR);
    close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    int fd;

    (void)arg;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        pthread_t t;

        pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd);
        pthread_detach(t);
    }
    return NULL;
}

static uint16_t bind_any(int *ret_fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*ret_fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&a, &n), 0);
    return ntohs(a.sin_port);
}

static int start_server(void **state)
{
    pthread_t t;
    int unused;

    (void)state;
    /* Bound but not listening: connections are refused for as long as we live. */
    snprintf(dead_url, sizeof dead_url, "http://127.0.0.1:%u", bind_any(&unused));
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%u", bind_any(&listener));
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(pthread_create(&t, NULL, serve, NULL), 0);
    pthread_detach(t);
    return 0;
}

static const char *url(const char *path)
{
    static char buf[256];

    snprintf(buf, sizeof buf, "%s%s", base_url, path);
    return buf;
}

/* ---- blocking ---- */

static void test_get(void **state)
{
    struct http_reply r = {0};
    struct err e;

    (void)state;
    assert_int_equal(http_do(&(struct http_request){.url = url("/hello")}, &r, &e), 0);
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body.s, "hello");
    assert_string_equal(r.content_type, "text/plain; charset=utf-8");
    assert_string_equal(r.etag, "\"v1\"");
    http_reply_free(&r);
    assert_int_equal(http_do(&(struct http_request){.url = url("/404")}, &r, &e), 0);
    assert_int_equal(r.status, 404);
    assert_string_equal(r.body.s, "gone");
    http_reply_free(&r);
    assert_int_equal(http_do(&(struct http_request){.url = url("/hello"), .method = "HEAD"}, &r, &e), 0);
    assert_int_equal(r.body.len, 0);
    http_reply_free(&r);
}

static void test_post(void **state)
{
    const char *const headers[] = {"Content-Type: application/json", "X-Auth-Token: abc", NULL};
    struct http_request q = {.url = url("/echo"), .headers = headers, .body = "[1,\0 2]", .body_n = 7};
    struct http_reply r = {0};
    struct err e;

    (void)state;
    assert_int_equal(http_do(&q, &r, &e), 0);
    assert_int_equal(strncmp(r.body.s, "POST /echo HTTP/1.1\r\n", 21), 0);
    assert_non_null(strstr(r.body.s, "\r\nX-Auth-Token: abc\r\n"));
    assert_null(strcasestr(r.body.s, "Expect:"));
    assert_memory_equal(r.body.s + r.body.len - 7, "[1,\0 2]", 7);
    http_reply_free(&r);
    q = (struct http_request){.url = url("/echo"), .method = "PUT", .body = "x", .body_n = 1};
    assert_int_equal(http_do(&q, &r, &e), 0);
    assert_int_equal(strncmp(r.body.s, "PUT /echo", 9), 0);
    http_reply_free(&r);
    q = (struct http_request){.url = url("/echo"), .method = "POST"};
    assert_int_equal(http_do(&q, &r, &e), 0);
    assert_non_null(strstr(r.body.s, "Content-Length: 0\r\n"));
    http_reply_free(&r);
}

static void test_errors(void **state)
{
    static const struct {
        const char *path;
        enum err_kind kind;
    } rows[] = {
        {"/cut", ERR_CORRUPT},       {"/big", ERR_CORRUPT},     {"/slow", ERR_UNAVAILABLE},
        {"/empty", ERR_UNAVAILABLE}, {"/garbage", ERR_CORRUPT},
    };
    struct http_reply r;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_request q = {.url = url(rows[i].path), .timeout_ms = 400, .max_body = 100000};

        assert_int_equal(http_do(&q, &r, &e), -1);
        assert_int_equal(e.kind, rows[i].kind);
        assert_non_null(strstr(e.text, rows[i].path));
    }
    assert_int_equal(http_do(&(struct http_request){.url = dead_url}, &r, &e), -1);
    assert_int_equal(e.kind, ERR_UNAVAILABLE);
    assert_int_equal(http_do(&(struct http_request){.url = "file:///etc/passwd"}, &r, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_int_equal(http_do(&(struct http_request){.url = ""}, &r, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
}

static void test_error_tells_no_secret(void **state)
{
    char secret[256];
    struct http_reply r;
    struct err e;

    (void)state;
    snprintf(secret, sizeof secret, "http://user:pass@w@%s/path?token=hidden#there", dead_url + 7);
    assert_int_equal(http_do(&(struct http_request){.url = secret}, &r, &e), -1);
    assert_null(strstr(e.text, "pass"));
    assert_null(strstr(e.text, "user"));
    assert_null(strstr(e.text, "hidden"));
    assert_non_null(strstr(e.text, "/path"));
}

static void test_redirects(void **state)
{
    struct http_reply r = {0};
    struct err e;

    (void)state;
    assert_int_equal(http_do(&(struct http_request){.url = url("/moved")}, &r, &e), 0);
    assert_int_equal(r.status, 302);
    http_reply_free(&r);
    assert_int_equal(http_do(&(struct http_request){.url = url("/moved"), .follow = true}, &r, &e), 0);
    assert_string_equal(r.body.s, "hello");
    assert_string_equal(r.etag, "\"v1\"");
    http_reply_free(&r);
    assert_int_equal(http_do(&(struct http_request){.url = url("/round"), .follow = true}, &r, &e), -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    assert_int_equal(http_do(&(struct http_request){.url = url("/file"), .follow = true}, &r, &e), -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
}

static int count(const void *p, size_t n, void *ctx, struct err *e)
{
    size_t *total = ctx;

    (void)p;
    *total += n;
    return *total > 3000000 ? err_set(e, ERR_REFUSED, "enough") : 0;
}

static void test_stream(void **state)
{
    struct http_reply r = {0};
    size_t total = 0;
    struct err e;

    (void)state;
    assert_int_equal(http_stream(&(struct http_request){.url = url("/404")}, count, &total, &r, &e), 0);
    assert_int_equal(total, 0);
    assert_string_equal(r.body.s, "gone");
    http_reply_free(&r);
    assert_int_equal(http_stream(&(struct http_request){.url = url("/big")}, count, &total, &r, &e), -1);
    assert_string_equal(e.text, "enough");
    assert_int_equal(e.kind, ERR_REFUSED);
    total = 0;
    assert_int_equal(http_stream(&(struct http_request){.url = url("/cut")}, count, &total, &r, &e), -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    assert_int_equal(total, 9);
}

/* ---- downloads ---- */

static int watch_progress(uint64_t done, uint64_t total, void *ctx)
{
    *(uint64_t *)ctx = done;
    assert_int_equal(total, 4194304);
    return 0;
}

static void test_download(void **state)
{
    char dir[] = "/tmp/test_http.XXXXXX", path[64], hex[129] = "", command[128];
    uint64_t seen = 0;
    struct stat st;
    struct err e;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/file", dir);
    assert_int_equal(http_download(&(struct http_request){.url = url("/big")}, path, "sha256", NULL, hex,
                                   watch_progress, &seen, &e),
                     0);
    assert_int_equal(seen, 4194304);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 4194304);
    assert_int_equal(strlen(hex), 64);
    assert_int_equal(http_download(&(struct http_request){.url = url("/hello")}, path, "sha512", NULL, hex,
                                   NULL, NULL, &e),
                     0);
    assert_int_equal(strncmp(hex, "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca7", 64), 0);
    unlink(path);
    /* What fails leaves nothing behind. */
    assert_int_equal(
        http_download(&(struct http_request){.url = url("/cut")}, path, "sha256", NULL, hex, NULL, NULL, &e),
        -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    assert_int_equal(
        http_download(&(struct http_request){.url = url("/404")}, path, "sha256", NULL, hex, NULL, NULL, &e),
        -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(
        http_download(&(struct http_request){.url = url("/hello")}, path, "rot13", NULL, hex, NULL, NULL, &e),
        -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_int_equal(http_download(&(struct http_request){.url = url("/hello")}, path, "sha256",
                                   "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824", hex,
                                   NULL, NULL, &e),
                     0);
    /* Another file than was meant never gets the name, nor takes the place of the one that has it. */
    assert_int_equal(http_download(&(struct http_request){.url = url("/big")}, path, "sha256",
                                   "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", hex,
                                   NULL, NULL, &e),
                     -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 5);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
    snprintf(command, sizeof command, "%s/none/file", dir);
    assert_int_equal(http_download(&(struct http_request){.url = url("/hello")}, command, "sha256", NULL, hex,
                                   NULL, NULL, &e),
                     -1);
    assert_int_equal(e.kind, ERR_IO);
}

/* ---- asynchronous ---- */

struct many {
    struct loop *loop;
    struct http *http;
    int answers, errors, left;
};

static void on_one(const struct http_reply *reply, const struct err *why, void *ctx)
{
    struct many *m = ctx;

    assert_true(!reply != !why);
    if (reply) {
        assert_int_equal(reply->status, 200);
        m->answers++;
    } else {
        assert_int_equal(why->kind, ERR_UNAVAILABLE);
        m->errors++;
    }
    if (--m->left == 0) {
        loop_stop(m->loop);
    }
}

/* An answer that asks again, from inside its callback. */
static void on_first(const struct http_reply *reply, const struct err *why, void *ctx)
{
    struct many *m = ctx;

    (void)why;
    assert_non_null(reply);
    http_start(m->http, &(struct http_request){.url = url("/hello")}, on_one, m);
}

static void never(const struct http_reply *reply, const struct err *why, void *ctx)
{
    (void)reply;
    (void)why;
    (void)ctx;
    fail();
}

static void test_asynchronous(void **state)
{
    struct many m = {.loop = loop_new(), .left = 26};
    struct http_call *cancelled;
    struct err e;

    (void)state;
    m.http = http_new(m.loop);
    for (int i = 0; i < 20; i++) {
        http_start(m.http, &(struct http_request){.url = url("/hello")}, on_one, &m);
    }
    for (int i = 0; i < 3; i++) {
        http_start(m.http, &(struct http_request){.url = dead_url}, on_one, &m);
        http_start(m.http, &(struct http_request){.url = url("/slow"), .timeout_ms = 200}, on_one, &m);
    }
    m.left++;
    http_start(m.http, &(struct http_request){.url = url("/hello")}, on_first, &m);
    cancelled = http_start(m.http, &(struct http_request){.url = url("/hello")}, never, NULL);
    http_start(m.http, &(struct http_request){.url = url("/slow")}, never, NULL); /* http_free cancels it */
    http_cancel(cancelled);
    assert_int_equal(m.answers + m.errors, 0);
    assert_int_equal(loop_run(m.loop, &e), 0);
    assert_int_equal(m.answers, 21);
    assert_int_equal(m.errors, 6);
    http_free(m.http);
    loop_free(m.loop);
}

/* ---- TLS ---- */

static int run(const char *command)
{
    int r = system(command);

    return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}

static void test_tls(void **state)
{
    char dir[] = "/tmp/test_http.XXXXXX", command[512], ca[64], address[64], port[16];
    struct http_request q = {.url = address, .timeout_ms = 2000};
    struct http_reply r = {0};
    int unused, tries, got = -1;
    struct err e = {0};
    pid_t pid;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(ca, sizeof ca, "%s/cert.pem", dir);
    snprintf(port, sizeof port, "%u", bind_any(&unused));
    close(unused);
    snprintf(address, sizeof address, "https://127.0.0.1:%s/", port);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s/key.pem -out "
             "%s -days 2 -subj /CN=test "
             "-addext subjectAltName=IP:127.0.0.1 2>/dev/null",
             dir, ca);
    assert_int_equal(run(command), 0);
    pid = fork();
    if (pid == 0) {
        char key[80], accept_at[32];

        snprintf(key, sizeof key, "%s/key.pem", dir);
        snprintf(accept_at, sizeof accept_at, "127.0.0.1:%s", port);
        execlp("openssl", "openssl", "s_server", "-quiet", "-www", "-accept", accept_at, "-cert", ca, "-key",
               key, (char *)NULL);
        _exit(127);
    }
    for (tries = 0; tries < 50 && got < 0; tries++) {
        q.ca_file = ca;
        got = http_do(&q, &r, &e);
        usleep(got < 0 ? 50000 : 0);
    }
    assert_int_equal(got, 0);
    assert_int_equal(r.status, 200);
    http_reply_free(&r);
    q.ca_file = NULL; /* not signed by any authority of the system */
    assert_int_equal(http_do(&q, &r, &e), -1);
    assert_int_equal(e.kind, ERR_REFUSED);
    snprintf(address, sizeof address, "https://localhost:%s/", port); /* not the name in the certificate */
    q.ca_file = ca;
    assert_int_equal(http_do(&q, &r, &e), -1);
    assert_int_equal(e.kind, ERR_REFUSED);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(run(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),       cmocka_unit_test(test_post),
        cmocka_unit_test(test_errors),    cmocka_unit_test(test_error_tells_no_secret),
        cmocka_unit_test(test_redirects), cmocka_unit_test(test_stream),
        cmocka_unit_test(test_download),  cmocka_unit_test(test_asynchronous),
        cmocka_unit_test(test_tls),
    };

    return cmocka_run_group_tests(tests, start_server, NULL);
}

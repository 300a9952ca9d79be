/* io: connections. Sockets, time and the loop are here; what to answer is not.
 *
 *   accept -> HEAD -> (BODY) -> app_call -> SEND -> HEAD ...        LINGER -> closed
 *
 * A connection works at one request at a time. While an answer is being sent nothing is read, so that a
 * client that pipelines has its answers in order and a slow one holds back only itself. Each turn of the loop
 * does a bounded piece of work for a connection: TURN_REQUESTS requests, TURN_BYTES of a file; thus all get
 * their share.
 *
 * What a client may cost: a connection of CONNECTIONS_MAX (a new one pushes out the one that has waited
 * longest for a request), a head in HEAD_MS, a body in BODY_MS, STALL_MS without taking a byte of its answer,
 * 80 KiB of memory.
 *
 * The bytes go through the three wire_ functions and nothing else: that is where TLS would stand.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4 */
#endif
#include "httpboot/httpboot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "httpboot/app.h"

#define CONNECTIONS_MAX 4096
#define BACKLOG         1024
#define ACCEPT_AT_ONCE  64
#define TURN_REQUESTS   16
#define TURN_BYTES      (1u << 20)
#define IN_FIRST        4096 /* the input buffer's first size: nearly every request fits */
#define IN_MAX          (REQUEST_HEAD_MAX + REQUEST_BODY_MAX + 1)
#define IDLE_MS         60000
#define HEAD_MS         10000
#define BODY_MS         30000
#define STALL_MS                                                                                             \
    120000 /* an installer with a slow disk takes its time; the server loses a descriptor by it */
#define LINGER_MS 2000
#define TICK_MS   1000

enum conn_state { CONN_HEAD, CONN_BODY, CONN_SEND, CONN_LINGER };

struct conn {
    TAILQ_ENTRY(conn) link;
    struct httpboot *h;
    int fd;
    struct watch *watch;
    unsigned watched; /* WATCH_READ or WATCH_WRITE */
    enum conn_state state;
    int64_t deadline_ms; /* monotonic_ms */
    struct ip4 peer, local;
    uint16_t local_port;

    uint8_t *in; /* bytes of requests; the one being worked at is in front */
    size_t in_len, in_cap;
    size_t seen, used; /* of request_parse; bytes of the request that is being answered */
    bool continued;    /* 100 Continue has been sent */

    struct response res;
    struct str out; /* head, and a body in memory */
    size_t out_sent;
    uint64_t file_sent;
    bool keep_alive, head_only;
    char what[160]; /* for the log: method and path */
};

TAILQ_HEAD(conn_list, conn);

struct httpboot {
    struct httpboot_config cfg;
    int listen_fd;
    struct loop *loop;
    struct watch *listen_watch, *tick, *on_term, *on_int;
    struct app app;
    struct conn_list conns; /* the one that last changed its state at the end */
    size_t conns_n, conns_max;
};

/* ---- the wire ---- */

static ssize_t wire_read(struct conn *c, void *p, size_t n)
{
    return recv(c->fd, p, n, 0);
}

static ssize_t wire_write(struct conn *c, const void *p, size_t n, bool more)
{
    return send(c->fd, p, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

static ssize_t wire_sendfile(struct conn *c, int file, off_t at, size_t n)
{
    return sendfile(c->fd, file, &at, n);
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* ---- a connection's life ---- */

/* Deadlines are of this clock: the wall's is set to the right time some day, and would cut off every machine.
 */
static int64_t monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void on_ready(int fd, unsigned what, void *ctx);
static void listen_again(struct httpboot *h);

static void conn_close(struct conn *c)
{
    struct httpboot *h = c->h;

    TAILQ_REMOVE(&h->conns, c, link);
    h->conns_n--;
    watch_free(c->watch);
    close(c->fd);
    response_free(&c->res);
    str_free(&c->out);
    free(c->in);
    free(c);
    listen_again(h);
}

static void conn_watch(struct conn *c, unsigned what)
{
    if (c->watched == what)
        return;
    watch_free(c->watch);
    c->watch = watch_fd(c->h->loop, c->fd, what, on_ready, c);
    c->watched = what;
}

static void conn_enter(struct conn *c, enum conn_state state, int64_t ms)
{
    c->state = state;
    c->deadline_ms = monotonic_ms() + ms;
    TAILQ_REMOVE(&c->h->conns, c, link);
    TAILQ_INSERT_TAIL(&c->h->conns, c, link);
}

static void conn_await_request(struct conn *c)
{
    c->seen = 0;
    c->continued = false;
    conn_enter(c, CONN_HEAD, c->in_len ? HEAD_MS : IDLE_MS);
    if (c->in_len)
        return;
    free(c->in); /* a connection that waits costs little */
    c->in = NULL;
    c->in_cap = 0;
}

/* Closing while bytes of the client lie unread would reset the connection and take the answer with it (RFC
 * 9112 9.6). */
static void conn_linger(struct conn *c)
{
    if (shutdown(c->fd, SHUT_WR)) {
        conn_close(c);
        return;
    }
    conn_enter(c, CONN_LINGER, LINGER_MS);
    conn_watch(c, WATCH_READ);
}

/* ---- the log: one line a request; what may hold a token (NoCloud's path, the query) is not in it ---- */

static void describe(struct conn *c, const struct request *r, const char *pattern)
{
    char path[96];

    if (!pattern)
        str_copy(path, sizeof path, "(no such path)");
    else if (!str_starts(pattern, "/boot/") || !percent_decode(r->path, path, sizeof path))
        str_copy(path, sizeof path, pattern);
    snprintf(c->what, sizeof c->what, "%.*s %s", (int)r->method_name.n, (const char *)r->method_name.p, path);
}

static void log_answer(const struct conn *c, bool whole)
{
    char ip[IP4_STR];
    unsigned long long bytes = c->head_only ? 0 : c->res.fd >= 0 ? c->file_sent : response_body_len(&c->res);

    ip4_format(c->peer, ip);
    if (c->res.status >= 500)
        log_warn("http-request peer=%s request=\"%s\" status=%d reason=\"%s\"", ip, c->what, c->res.status,
                 c->res.note);
    else
        log_debug("http-request peer=%s request=\"%s\" status=%d bytes=%llu whole=%s reason=\"%s\"", ip,
                  c->what, c->res.status, bytes, whole ? "yes" : "no", c->res.note);
}

/* ---- sending ---- */

enum step { STEP_DONE, STEP_WAIT, STEP_GONE };

static void answer_begin(struct conn *c)
{
    bool body_here = c->res.fd < 0 && !c->head_only;

    str_reset(&c->out);
    response_head(&c->res,
                  &(struct response_framing){
                      .head = c->head_only, .keep_alive = c->keep_alive, .now_s = now_ms() / 1000},
                  &c->out);
    if (body_here)
        str_addn(&c->out, c->res.body.s, c->res.body.len);
    c->out_sent = 0;
    c->file_sent = 0;
    conn_enter(c, CONN_SEND, STALL_MS);
}

static enum step send_memory(struct conn *c, bool file_follows)
{
    ssize_t n;

    while (c->out_sent < c->out.len) {
        n = wire_write(c, c->out.s + c->out_sent, c->out.len - c->out_sent, file_follows);
        if (n < 0)
            return would_block() ? STEP_WAIT : STEP_GONE;
        c->out_sent += (size_t)n;
        c->deadline_ms = monotonic_ms() + STALL_MS;
    }
    return STEP_DONE;
}

static enum step send_file(struct conn *c)
{
    size_t budget = TURN_BYTES;
    uint64_t left;
    ssize_t n;

    while ((left = c->res.length - c->file_sent) > 0) {
        if (!budget)
            return STEP_WAIT; /* others have their turn now */
        n = wire_sendfile(c, c->res.fd, (off_t)(c->res.first + c->file_sent),
                          left < budget ? (size_t)left : budget);
        if (n < 0 && would_block())
            return STEP_WAIT;
        if (n == 0)
            log_warn("http-file-shrank request=\"%s\" reason=\"the file became shorter while it was sent\"",
                     c->what);
        if (n <= 0)
            return STEP_GONE;
        c->file_sent += (uint64_t)n;
        budget -= (size_t)n;
        c->deadline_ms = monotonic_ms() + STALL_MS;
    }
    return STEP_DONE;
}

static enum step answer_send(struct conn *c)
{
    bool file = c->res.fd >= 0 && !c->head_only && c->res.length > 0;
    enum step s = send_memory(c, file);

    return s == STEP_DONE && file ? send_file(c) : s;
}

/* The answer is out: forget the request, make room for the next. */
static void answer_end(struct conn *c)
{
    log_answer(c, true);
    response_free(&c->res);
    str_free(&c->out);
    memmove(c->in, c->in + c->used, c->in_len - c->used);
    c->in_len -= c->used;
    c->used = 0;
    conn_await_request(c);
}

/* ---- requests ---- */

static void refuse(struct conn *c, int status, const char *why)
{
    c->keep_alive = c->head_only = false;
    c->used = c->in_len;
    str_copy(c->what, sizeof c->what, "(bad request)");
    response_error(&c->res, status, why);
    answer_begin(c);
}

static void answer(struct conn *c, const struct request *r)
{
    const char *pattern = NULL;
    struct call call = {
        .app = &c->h->app,
        .req = r,
        .body = span_of(c->in + r->head_len, r->body_len),
        .peer = c->peer,
        .local = c->local,
        .local_port = c->local_port,
        .at_ms = now_ms(),
        .res = &c->res,
    };

    c->used = r->head_len + r->body_len;
    c->keep_alive = r->keep_alive;
    c->head_only = r->method == METHOD_HEAD;
    app_call(&call, &pattern);
    describe(c, r, pattern);
    answer_begin(c);
}

static enum step await_body(struct conn *c, const struct request *r)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (c->state == CONN_HEAD)
        conn_enter(c, CONN_BODY, BODY_MS);
    if (r->expect_continue && !c->continued &&
        wire_write(c, go_on, sizeof go_on - 1, false) != (ssize_t)(sizeof go_on - 1))
        return STEP_GONE;
    c->continued = true;
    return STEP_WAIT;
}

/* Answers the request in front of the buffer, or says what is missing. */
static enum step take_request(struct conn *c)
{
    struct request_fault fault;
    struct request r;

    switch (request_parse(span_of(c->in, c->in_len), &c->seen, &r, &fault)) {
    case REQUEST_MORE:
        return STEP_WAIT;
    case REQUEST_BAD:
        refuse(c, fault.status, fault.why);
        return STEP_DONE;
    case REQUEST_DONE:
        break;
    }
    if (c->in_len < r.head_len + r.body_len)
        return await_body(c, &r);
    answer(c, &r);
    return STEP_DONE;
}

/* ---- turns ---- */

/* Goes on with what the connection is at, as far as a turn goes. The connection may be gone after it. */
static void advance(struct conn *c)
{
    enum step s;
    int i;

    for (i = 0; i < TURN_REQUESTS; i++) {
        if (c->state != CONN_SEND && (!c->in_len || take_request(c) == STEP_WAIT)) {
            conn_watch(c, WATCH_READ);
            return;
        }
        s = c->state == CONN_SEND ? answer_send(c) : STEP_GONE;
        if (s == STEP_WAIT)
            break;
        if (s == STEP_GONE) {
            if (c->state == CONN_SEND)
                log_answer(c, false);
            conn_close(c);
            return;
        }
        answer_end(c);
        if (!c->keep_alive) {
            conn_linger(c);
            return;
        }
    }
    conn_watch(c, WATCH_WRITE); /* writable, or it is its turn again */
}

static void in_reserve(struct conn *c)
{
    size_t cap = c->in_cap ? c->in_cap : IN_FIRST;

    if (c->in && c->in_len < c->in_cap)
        return;
    if (c->in)
        cap = cap * 4 < IN_MAX ? cap * 4 : IN_MAX;
    c->in = xrealloc(c->in, cap, 1);
    c->in_cap = cap;
}

static void read_request(struct conn *c)
{
    bool first;
    ssize_t n;

    in_reserve(c);
    first = c->in_len == 0;
    n = wire_read(c, c->in + c->in_len, c->in_cap - c->in_len);
    if (n < 0 && would_block())
        return;
    if (n <= 0) {
        conn_close(c);
        return;
    }
    c->in_len += (size_t)n;
    if (first)
        conn_enter(c, CONN_HEAD, HEAD_MS);
    advance(c);
}

static void drain(struct conn *c)
{
    char waste[4096];
    ssize_t n = wire_read(c, waste, sizeof waste);

    if (n == 0 || (n < 0 && !would_block()))
        conn_close(c);
}

static void on_ready(int fd, unsigned what, void *ctx)
{
    struct conn *c = ctx;

    (void)fd;
    (void)what;
    if (c->state == CONN_LINGER)
        drain(c);
    else if (c->watched == WATCH_WRITE)
        advance(c);
    else
        read_request(c);
}

/* ---- accepting ---- */

static void listen_stop(struct httpboot *h)
{
    watch_free(h->listen_watch);
    h->listen_watch = NULL;
}

/* Connections come in the order of their last change: the first that waits for a request has waited longest.
 * One that is being served is never pushed out. */
static bool push_out_idle(struct httpboot *h)
{
    struct conn *c;

    TAILQ_FOREACH(c, &h->conns, link)
    if (c->state == CONN_HEAD || c->state == CONN_LINGER) {
        conn_close(c);
        return true;
    }
    return false;
}

static void conn_new(struct httpboot *h, int fd, const struct sockaddr_in *peer)
{
    struct sockaddr_in local = {0};
    socklen_t len = sizeof local;
    struct conn *c;
    int on = 1;

    getsockname(fd, (struct sockaddr *)&local, &len);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c = xcalloc(1, sizeof *c);
    c->h = h;
    c->fd = fd;
    c->peer.a = ntohl(peer->sin_addr.s_addr);
    c->local.a = ntohl(local.sin_addr.s_addr);
    c->local_port = ntohs(local.sin_port);
    response_init(&c->res);
    TAILQ_INSERT_TAIL(&h->conns, c, link);
    h->conns_n++;
    conn_enter(c, CONN_HEAD, HEAD_MS);
    conn_watch(c, WATCH_READ);
}

static void on_accept(int listen_fd, unsigned what, void *ctx)
{
    struct httpboot *h = ctx;
    struct sockaddr_in peer;
    socklen_t len;
    int i, fd;

    (void)what;
    for (i = 0; i < ACCEPT_AT_ONCE; i++) {
        if (h->conns_n >= h->conns_max && !push_out_idle(h)) {
            log_warn("http-full connections=%zu reason=\"all are being served; new ones wait\"", h->conns_n);
            listen_stop(h);
            return;
        }
        len = sizeof peer;
        fd = accept4(listen_fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            conn_new(h, fd, &peer);
        } else if (errno != ECONNABORTED && errno != EINTR) {
            if (!would_block()) { /* out of descriptors or memory: the tick opens the door again */
                log_warn("http-accept-failed reason=\"%s\"", strerror(errno));
                listen_stop(h);
            }
            return;
        }
    }
}

static void listen_again(struct httpboot *h)
{
    if (!h->listen_watch && h->loop && h->conns_n < h->conns_max)
        h->listen_watch = watch_fd(h->loop, h->listen_fd, WATCH_READ, on_accept, h);
}

/* ---- time ---- */

static void close_overdue(struct httpboot *h)
{
    int64_t now = monotonic_ms();
    struct conn *c, *next;
    char ip[IP4_STR];

    for (c = TAILQ_FIRST(&h->conns); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->deadline_ms > now)
            continue;
        if (c->state != CONN_LINGER && c->in_len)
            log_debug("http-too-slow peer=%s state=%d reason=\"the client took too long\"",
                      ip4_format(c->peer, ip), c->state);
        if (c->state == CONN_SEND)
            log_answer(c, false);
        conn_close(c);
    }
}

static void flush_progress(struct httpboot *h)
{
    struct err e = {0};

    if (progress_flush(&h->app.progress, h->app.store, &e))
        log_warn("http-progress-lost reason=\"%s\"", e.text);
}

static void on_tick(void *ctx)
{
    struct httpboot *h = ctx;

    close_overdue(h);
    flush_progress(h);
    listen_again(h);
    watch_arm(h->tick, TICK_MS);
}

static void on_stop(void *ctx)
{
    struct httpboot *h = ctx;

    loop_stop(h->loop);
}

/* ---- the server's life ---- */

static int listen_error(const struct httpboot_config *cfg, struct err *e)
{
    char ip[IP4_STR];
    int why = errno;

    ip4_format(cfg->address, ip);
    if (why == EADDRINUSE)
        return err_set(
            e, ERR_CONFLICT,
            "http.listen: port %u of %s is in use by another program: stop it, or choose another port",
            cfg->port, ip);
    if (why == EADDRNOTAVAIL)
        return err_set(e, ERR_INPUT,
                       "http.listen: this machine has no address %s: use one that it has, or 0.0.0.0", ip);
    if (why == EACCES)
        return err_set(
            e, ERR_IO,
            "http.listen: no permission to listen on port %u: start as root, or choose a port from 1024 on",
            cfg->port);
    errno = why;
    return err_errno(e, "http.listen: cannot listen on %s port %u", ip, cfg->port);
}

/* No SO_REUSEPORT here: with it, a second server on the same port would start without a word and take half of
 * the machines. */
static int listen_open(const struct httpboot_config *cfg, struct err *e)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(cfg->port), .sin_addr.s_addr = htonl(cfg->address.a)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return err_errno(e, "http.listen: no socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, BACKLOG)) {
        listen_error(cfg, e);
        close(fd);
        return -1;
    }
    return fd;
}

int httpboot_open(const struct httpboot_config *cfg, struct httpboot **ret, struct err *e)
{
    struct httpboot *h;
    int fd = listen_open(cfg, e);

    if (fd < 0)
        return -1;
    h = xcalloc(1, sizeof *h);
    h->cfg = *cfg;
    h->listen_fd = fd;
    h->app.cfg = &h->cfg;
    h->app.state_fd = -1;
    TAILQ_INIT(&h->conns);
    *ret = h;
    return 0;
}

/* Each connection may hold its socket and a file. */
static size_t connections_allowed(void)
{
    struct rlimit r;
    size_t fit;

    if (getrlimit(RLIMIT_NOFILE, &r))
        return 256;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) || getrlimit(RLIMIT_NOFILE, &r))
        return 256;
    fit = r.rlim_cur > 128 ? (size_t)(r.rlim_cur - 64) / 2 : 32;
    return fit < CONNECTIONS_MAX ? fit : CONNECTIONS_MAX;
}

int httpboot_serve(struct httpboot *h, const char *state_dir, struct err *e)
{
    int rc = -1;

    signal(SIGPIPE, SIG_IGN); /* sendfile has no MSG_NOSIGNAL */
    h->app.state_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (h->app.state_fd < 0)
        return err_errno(e, "state_dir %s", state_dir);
    if (store_open(state_dir, &h->app.store, e))
        return -1;
    h->conns_max = connections_allowed();
    h->loop = loop_new();
    h->on_term = watch_signal(h->loop, SIGTERM, on_stop, h);
    h->on_int = watch_signal(h->loop, SIGINT, on_stop, h);
    h->tick = watch_timer(h->loop, on_tick, h);
    watch_arm(h->tick, TICK_MS);
    listen_again(h);
    log_info("http-serving port=%u connections=%zu", h->cfg.port, h->conns_max);
    rc = loop_run(h->loop, e);
    flush_progress(h);
    return rc;
}

void httpboot_close(struct httpboot *h)
{
    if (!h)
        return;
    h->conns_max = 0; /* nothing listens again */
    while (!TAILQ_EMPTY(&h->conns))
        conn_close(TAILQ_FIRST(&h->conns));
    listen_stop(h);
    watch_free(h->tick);
    watch_free(h->on_term);
    watch_free(h->on_int);
    loop_free(h->loop);
    progress_free(&h->app.progress);
    store_close(h->app.store);
    if (h->app.state_fd >= 0)
        close(h->app.state_fd);
    close(h->listen_fd);
    free(h);
}

/* conn: see io_conn.h. */
#include "httpboot/io_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "httpboot/io_wire.h"

#define TURN_REQUESTS  16
#define TURN_BYTES     (1u << 20)
#define IN_FIRST       4096 /* the input buffer's first size: nearly every request fits */
#define IN_MAX         (REQUEST_HEAD_MAX + REQUEST_BODY_MAX + 1)
#define BIG_KNOWN      4            /* bodies above REQUEST_BODY_MAX at a time: with a good token, */
#define BIG_STRANGE    2            /* and without one */
#define BODY_TOGETHER  (16u * 1024) /* of an answer: a shorter one is copied behind its head */
#define ANSWERS_MAX    (96u << 20)  /* bytes of answers that clients have yet to take; */
#define ANSWERS_OF_ONE (72u << 20)  /* those of one address */
#define BUSY_RETRY_S   2
#define IDLE_MS        60000
#define HANDSHAKE_MS   10000
#define HEAD_MS        10000
#define BODY_MS        30000
#define STALL_MS       120000 /* an installer with a slow disk takes its time; it costs a descriptor */
#define PROGRESS_BYTES (128u * 1024)
#define STALLED_PART   4 /* of stall_ms without PROGRESS_BYTES: the place may go to another */
#define LINGER_MS      2000
#define PEER_BUCKETS   1024 /* a power of two */

enum conn_state { CONN_HANDSHAKE, CONN_HEAD, CONN_BODY, CONN_SEND, CONN_LINGER };
static const char *const state_names[] = {
    [CONN_HANDSHAKE] = "handshake", [CONN_HEAD] = "head",      [CONN_BODY] = "body",
    [CONN_SEND] = "answer",         [CONN_LINGER] = "closing",
};

TAILQ_HEAD(conn_list, conn);
LIST_HEAD(peer_list, peer);

struct peer { /* an address that has a connection */
    LIST_ENTRY(peer) link;
    struct ip4 address;
    size_t n;
    size_t streams; /* packs that it is being sent */
    size_t answers; /* bytes in memory that it has yet to take */
    struct conn_list yielding;
};

struct conn {
    TAILQ_ENTRY(conn) link;         /* in yielding or serving of all */
    TAILQ_ENTRY(conn) of_peer_link; /* in yielding of its peer */
    struct conns *all;
    struct peer *peer;
    struct wire wire;
    struct watch *watch;
    unsigned watched; /* WATCH_READ or WATCH_WRITE */
    enum conn_state state;
    bool yields;         /* gives its place to another when there is none left */
    int64_t deadline_ms; /* monotonic_ms */
    struct ip4 local;
    uint16_t local_port;

    uint8_t *in; /* bytes of requests; the one being worked at is in front */
    size_t in_len, in_cap;
    size_t in_want;    /* for the whole of a request whose head is there; else 0 */
    size_t seen, used; /* of request_parse; bytes of the request that is being answered */
    bool continued;    /* 100 Continue has been sent */
    enum { BODY_SMALL, BODY_BIG_KNOWN, BODY_BIG_STRANGE } body; /* whose place it has among the big ones */
    size_t body_moved; /* of one with a good token, since its deadline was last moved */
    bool has_turn;     /* a turn ended with requests in hand */

    struct response res;
    struct str out;             /* head, and a short body in memory */
    size_t out_sent, body_sent; /* a longer body is sent from where it is */
    size_t held;                /* its bytes, as counted in `answers` of all and of its peer */
    uint64_t file_sent;
    size_t moved; /* of the answer, since the deadline was last moved */
    bool keep_alive, head_only;
    bool streaming; /* counted in its peer's streams */
    char what[160]; /* for the log: method and path */
};

struct conns {
    struct conns_config cfg;
    struct conn_list yielding, serving; /* each in the order in which they came to be so */
    size_t n;
    struct peer_list peers[PEER_BUCKETS];
    size_t big[BODY_BIG_STRANGE + 1]; /* bodies that are being read, by whose they are */
    size_t answers;                   /* bytes in memory that are being sent */
    uint8_t *spare_in;                /* IN_FIRST bytes, or NULL */
    struct str spare_out;
    size_t refused; /* since the last tick, */
    struct ip4 refused_last;
};

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

static struct peer_list *bucket_of(struct conns *cs, struct ip4 a)
{
    return &cs->peers[(a.a * 2654435761u) >> 22 & (PEER_BUCKETS - 1)];
}

static struct peer *peer_find(struct conns *cs, struct ip4 a)
{
    struct peer *p;

    LIST_FOREACH(p, bucket_of(cs, a), link)
    if (ip4_eq(p->address, a))
        return p;
    return NULL;
}

static struct peer *peer_of(struct conns *cs, struct ip4 a)
{
    struct peer *p = peer_find(cs, a);

    if (!p) {
        p = xcalloc(1, sizeof *p);
        p->address = a;
        TAILQ_INIT(&p->yielding);
        LIST_INSERT_HEAD(bucket_of(cs, a), p, link);
    }
    p->n++;
    return p;
}

static void stream_begin(struct conn *c)
{
    c->streaming = c->res.stream && !c->head_only;
    c->peer->streams += c->streaming;
}

static void stream_end(struct conn *c)
{
    c->peer->streams -= c->streaming;
    c->streaming = false;
}

/* ---- what is big, and counted ---- */

static void hold_answer(struct conn *c)
{
    c->held = c->res.body.len;
    c->all->answers += c->held;
    c->peer->answers += c->held;
}

static void release_answer(struct conn *c)
{
    c->all->answers -= c->held;
    c->peer->answers -= c->held;
    c->held = 0;
}

static bool big_take(struct conn *c, bool known)
{
    struct conns *cs = c->all;
    int kind = known ? BODY_BIG_KNOWN : BODY_BIG_STRANGE;

    if (cs->big[kind] >= (known ? BIG_KNOWN : BIG_STRANGE))
        return false;
    c->body = kind;
    cs->big[kind]++;
    return true;
}

static void big_leave(struct conn *c)
{
    if (c->body != BODY_SMALL)
        c->all->big[c->body]--;
    c->body = BODY_SMALL;
}

static void peer_leave(struct peer *p)
{
    if (--p->n)
        return;
    LIST_REMOVE(p, link);
    free(p);
}

static void lists_insert(struct conn *c)
{
    TAILQ_INSERT_TAIL(c->yields ? &c->all->yielding : &c->all->serving, c, link);
    if (c->yields)
        TAILQ_INSERT_TAIL(&c->peer->yielding, c, of_peer_link);
}

static void lists_remove(struct conn *c)
{
    TAILQ_REMOVE(c->yields ? &c->all->yielding : &c->all->serving, c, link);
    if (c->yields)
        TAILQ_REMOVE(&c->peer->yielding, c, of_peer_link);
}

static void conn_yield(struct conn *c, bool yields)
{
    lists_remove(c);
    c->yields = yields;
    lists_insert(c);
}

static void conn_close(struct conn *c)
{
    struct conns *cs = c->all;

    lists_remove(c);
    stream_end(c);
    big_leave(c);
    release_answer(c);
    peer_leave(c->peer);
    cs->n--;
    watch_free(c->watch);
    wire_close(&c->wire);
    response_free(&c->res);
    str_free(&c->out);
    free(c->in);
    free(c);
    cs->cfg.on_room(cs->cfg.ctx);
}

static void conn_watch(struct conn *c, unsigned what)
{
    if (c->watched == what)
        return;
    watch_free(c->watch);
    c->watch = watch_fd(c->all->cfg.loop, c->wire.fd, what, on_ready, c);
    c->watched = what;
}

static void conn_enter(struct conn *c, enum conn_state state, int64_t ms)
{
    c->state = state;
    c->deadline_ms = monotonic_ms() + ms;
    conn_yield(c, state != CONN_SEND); /* a body with a good token does not either: await_body */
}

static void conn_await_request(struct conn *c)
{
    c->seen = c->in_want = 0;
    c->continued = false;
    conn_enter(c, CONN_HEAD, c->in_len ? HEAD_MS : IDLE_MS);
}

/* Closing while bytes of the client lie unread would reset the connection and take the answer with it (RFC
 * 9112 9.6). */
static void conn_linger(struct conn *c)
{
    if (wire_end(&c->wire)) {
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
    memcpy(c->what, r->method_name.p, r->method_name.n); /* a known one: seven letters at most */
    c->what[r->method_name.n] = ' ';
    str_copy(c->what + r->method_name.n + 1, sizeof c->what - r->method_name.n - 1, path);
}

static void log_answer(const struct conn *c, bool whole)
{
    char ip[IP4_STR];
    const char *token = c->res.who[0] ? c->res.who : "-";
    unsigned long long bytes = c->head_only ? 0 : c->res.fd >= 0 ? c->file_sent : response_body_len(&c->res);

    ip4_format(c->peer->address, ip);
    if (c->res.status >= 500 && c->res.status != 503) /* which asks to come again, and may do so to many */
        log_warn("http-request peer=%s token=%s request=\"%s\" status=%d reason=\"%s\"", ip, token, c->what,
                 c->res.status, c->res.note);
    else
        log_debug("http-request peer=%s token=%s request=\"%s\" status=%d bytes=%llu whole=%s reason=\"%s\"",
                  ip, token, c->what, c->res.status, bytes, whole ? "yes" : "no", c->res.note);
}

/* ---- sending ---- */

enum step { STEP_DONE, STEP_WAIT, STEP_GONE };

/* A client that takes a byte now and then does not keep its place by that. */
static void took(struct conn *c, size_t n)
{
    c->moved += n;
    if (c->moved < PROGRESS_BYTES)
        return;
    c->moved = 0;
    c->deadline_ms = monotonic_ms() + c->all->cfg.stall_ms;
    if (c->yields)
        conn_yield(c, false);
}

static void answer_begin(struct conn *c)
{
    bool with_head = c->res.fd < 0 && !c->head_only && c->res.body.len <= BODY_TOGETHER;

    if (!c->out.s) {
        c->out = c->all->spare_out;
        c->all->spare_out = (struct str){0};
    }
    str_reset(&c->out);
    response_head(&c->res,
                  &(struct response_framing){
                      .head = c->head_only, .keep_alive = c->keep_alive, .now_s = now_ms() / 1000},
                  &c->out);
    if (with_head)
        str_addn(&c->out, c->res.body.s, c->res.body.len);
    c->body_sent = with_head || c->head_only || c->res.fd >= 0 ? c->res.body.len : 0;
    c->out_sent = c->moved = 0;
    c->file_sent = 0;
    conn_enter(c, CONN_SEND, c->all->cfg.stall_ms);
}

/* Sends up to `most` bytes of what lies in memory. */
static enum step send_memory(struct conn *c, const char *p, size_t n, size_t *sent, size_t most, bool more)
{
    size_t end = n - *sent > most ? *sent + most : n;
    ssize_t done;

    while (*sent < end) {
        done = wire_write(&c->wire, p + *sent, end - *sent, more);
        if (done < 0)
            return wire_would_block() ? STEP_WAIT : STEP_GONE;
        *sent += (size_t)done;
        took(c, (size_t)done);
    }
    return end < n ? STEP_WAIT : STEP_DONE; /* others have their turn now */
}

static enum step send_file(struct conn *c)
{
    size_t budget = TURN_BYTES, turn;
    uint64_t left;
    ssize_t n;

    while ((left = c->res.length - c->file_sent) > 0) {
        if (!budget)
            return STEP_WAIT; /* others have their turn now */
        turn = left < budget ? (size_t)left : budget;
        n = wire_sendfile(&c->wire, c->res.fd, (off_t)(c->res.first + c->file_sent), turn, (size_t)left);
        if (n < 0 && wire_would_block())
            return STEP_WAIT;
        if (n == 0)
            log_warn("http-file-shrank request=\"%s\" reason=\"the file became shorter while it was sent\"",
                     c->what);
        if (n <= 0)
            return STEP_GONE;
        c->file_sent += (uint64_t)n;
        budget -= (size_t)n < budget ? (size_t)n : budget;
        took(c, (size_t)n);
    }
    return STEP_DONE;
}

static enum step answer_send(struct conn *c)
{
    bool file = c->res.fd >= 0 && !c->head_only && c->res.length > 0;
    bool body = c->body_sent < c->res.body.len;
    enum step s = send_memory(c, c->out.s, c->out.len, &c->out_sent, c->out.len, file || body);

    if (s == STEP_DONE && body)
        s = send_memory(c, c->res.body.s, c->res.body.len, &c->body_sent, TURN_BYTES, false);
    return s == STEP_DONE && file ? send_file(c) : s;
}

/* Memory of one connection serves the next: one that waits costs little, and one that asks costs no malloc.
 */
static void give_buffers(struct conn *c)
{
    struct conns *cs = c->all;

    if (!cs->spare_in && c->in_cap == IN_FIRST) {
        cs->spare_in = c->in;
    } else {
        free(c->in);
    }
    if (!cs->spare_out.s && c->out.cap <= IN_FIRST) {
        cs->spare_out = c->out;
        str_reset(&cs->spare_out);
    } else {
        str_free(&c->out);
    }
    c->in = NULL;
    c->in_cap = 0;
    c->out = (struct str){0};
}

/* The answer is out: forget the request, make room for the next. */
static void answer_end(struct conn *c)
{
    log_answer(c, true);
    stream_end(c);
    release_answer(c);
    response_free(&c->res);
    memmove(c->in, c->in + c->used, c->in_len - c->used);
    c->in_len -= c->used;
    c->used = 0;
    if (!c->in_len)
        give_buffers(c);
    conn_await_request(c);
}

/* ---- requests ---- */

static void refuse(struct conn *c, int status, const char *why)
{
    c->keep_alive = false;
    c->head_only = c->in_len >= 5 && memcmp(c->in, "HEAD ", 5) == 0;
    c->used = c->in_len;
    str_copy(c->what, sizeof c->what, "(bad request)");
    app_refuse(c->all->cfg.app, &c->res, status, why);
    if (status == 503)
        c->res.retry_after = BUSY_RETRY_S;
    answer_begin(c);
}

/* A body of many megabytes is not kept while its answer is being sent. */
static void forget_request(struct conn *c)
{
    if (c->body == BODY_SMALL)
        return;
    big_leave(c);
    c->in_len -= c->used;
    memmove(c->in, c->in + c->used, c->in_len);
    c->used = 0;
    c->in_cap = c->in_len < IN_FIRST ? IN_FIRST : c->in_len + 1;
    c->in = xrealloc(c->in, c->in_cap, 1);
}

/* body: whole, or the empty span with `refused`: the connection ends with this answer then, since where the
 * next request begins lies behind what is not read. */
static void answer(struct conn *c, const struct request *r, struct span body, bool refused)
{
    const char *pattern = NULL;
    struct call call = {
        .app = c->all->cfg.app,
        .req = r,
        .body = body,
        .body_refused = refused,
        .peer = c->peer->address,
        .tls = wire_is_tls(&c->wire),
        .local = c->local,
        .local_port = c->local_port,
        .streams = c->peer->streams,
        .at_ms = now_ms(),
        .res = &c->res,
    };

    c->used = refused ? c->in_len : r->head_len + r->body_len;
    c->keep_alive = r->keep_alive && !refused;
    c->head_only = r->method == METHOD_HEAD;
    app_call(&call, &pattern);
    stream_begin(c);
    hold_answer(c);
    describe(c, r, pattern);
    forget_request(c);
    answer_begin(c);
}

/* The body has yet to come. Before it is waited for, its sender is looked at: the first time only. */
static enum step admit_body(struct conn *c, const struct request *r)
{
    struct body_leave leave = app_body(c->all->cfg.app, r, c->peer->address, now_ms());

    if (r->body_len > leave.max) {
        answer(c, r, (struct span){0}, true);
        return STEP_DONE;
    }
    if (r->body_len > REQUEST_BODY_MAX && !big_take(c, leave.known)) {
        refuse(c, 503, "as many long bodies as may be are being read now; try again");
        return STEP_DONE;
    }
    conn_enter(c, CONN_BODY, BODY_MS);
    conn_yield(c, !leave.known);
    c->body_moved = c->in_len;
    return STEP_WAIT;
}

/* A long body with a good token may take its time, as long as it comes. */
static void body_moves(struct conn *c)
{
    if (c->yields || c->in_len - c->body_moved < PROGRESS_BYTES)
        return;
    c->body_moved = c->in_len;
    c->deadline_ms = monotonic_ms() + BODY_MS;
}

static enum step await_body(struct conn *c, const struct request *r)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (c->state == CONN_HEAD && admit_body(c, r) == STEP_DONE)
        return STEP_DONE;
    body_moves(c);
    if (r->expect_continue && !c->continued &&
        wire_write(&c->wire, go_on, sizeof go_on - 1, false) != (ssize_t)(sizeof go_on - 1))
        return STEP_GONE;
    c->continued = true;
    c->in_want = r->head_len + r->body_len + 1;
    return STEP_WAIT;
}

/* Answers the request in front of the buffer, or says what is missing. */
static enum step take_request(struct conn *c)
{
    struct request_rules rules = app_rules(c->all->cfg.app);
    struct request_fault fault;
    struct request r;

    switch (request_parse(span_of(c->in, c->in_len), &rules, &c->seen, &r, &fault)) {
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
    if (c->all->answers > ANSWERS_MAX || c->peer->answers > ANSWERS_OF_ONE)
        refuse(c, 503, "too many answers wait to be taken; try again");
    else
        answer(c, &r, span_of(c->in + r.head_len, r.body_len), false);
    return STEP_DONE;
}

/* ---- turns ---- */

/* Closes what cannot go on. */
static bool lost(struct conn *c)
{
    char ip[IP4_STR];

    if (c->state == CONN_SEND)
        log_answer(c, false);
    if (c->state == CONN_HANDSHAKE)
        log_debug("http-tls-failed peer=%s reason=\"%s\"", ip4_format(c->peer->address, ip),
                  tls_why(c->wire.tls));
    conn_close(c);
    return false;
}

/* Goes on with what the connection is at, as far as a turn goes. False: the connection is gone. */
static bool advance(struct conn *c)
{
    enum step s;
    int i;

    c->has_turn = false;
    for (i = 0; i < TURN_REQUESTS; i++) {
        if (c->state != CONN_SEND && (!c->in_len || take_request(c) == STEP_WAIT)) {
            conn_watch(c, WATCH_READ);
            return true;
        }
        s = c->state == CONN_SEND ? answer_send(c) : STEP_GONE;
        if (s == STEP_GONE)
            return lost(c);
        if (s == STEP_WAIT)
            break;
        answer_end(c);
        if (!c->keep_alive) {
            conn_linger(c);
            return false; /* or as good as gone */
        }
    }
    c->has_turn = c->state != CONN_SEND;
    conn_watch(c, c->wire.want);
    return true;
}

static void in_reserve(struct conn *c)
{
    size_t cap = c->in_cap ? c->in_cap : IN_FIRST;

    if (c->in && c->in_len < c->in_cap)
        return;
    if (c->in)
        cap = cap * 4 < IN_MAX ? cap * 4 : c->in_want > IN_MAX ? c->in_want : IN_MAX;
    if (!c->in && c->all->spare_in) {
        c->in = c->all->spare_in;
        c->all->spare_in = NULL;
    } else {
        c->in = xrealloc(c->in, cap, 1);
    }
    c->in_cap = cap;
}

static bool read_request(struct conn *c)
{
    bool first;
    ssize_t n;

    in_reserve(c);
    first = c->in_len == 0;
    n = wire_read(&c->wire, c->in + c->in_len, c->in_cap - c->in_len);
    if (n < 0 && wire_would_block()) {
        conn_watch(c, c->wire.want);
        return true;
    }
    if (n <= 0)
        return lost(c);
    c->in_len += (size_t)n;
    if (first)
        conn_enter(c, CONN_HEAD, HEAD_MS);
    return advance(c);
}

/* What one record of TLS brought is read to its end: the socket will not call for it again. It is no more
 * than 16 KiB. */
static void read_requests(struct conn *c)
{
    if (c->has_turn && !advance(c))
        return;
    while (!c->has_turn && c->state != CONN_SEND)
        if (!read_request(c) || !wire_has_pending(&c->wire))
            return;
}

static void shake_hands(struct conn *c)
{
    if (wire_handshake(&c->wire) == 0) {
        conn_enter(c, CONN_HEAD, HEAD_MS);
        read_requests(c);
    } else if (wire_would_block()) {
        conn_watch(c, c->wire.want);
    } else {
        lost(c);
    }
}

static void go_on_sending(struct conn *c)
{
    if (advance(c) && c->state != CONN_SEND && wire_has_pending(&c->wire))
        read_requests(c);
}

static void drain(struct conn *c)
{
    char waste[4096];
    ssize_t n = wire_drain(&c->wire, waste, sizeof waste);

    if (n == 0 || (n < 0 && !wire_would_block()))
        conn_close(c);
}

static void (*const turns[])(struct conn *) = {
    [CONN_HANDSHAKE] = shake_hands, [CONN_HEAD] = read_requests, [CONN_BODY] = read_requests,
    [CONN_SEND] = go_on_sending,    [CONN_LINGER] = drain,
};

static void on_ready(int fd, unsigned what, void *ctx)
{
    struct conn *c = ctx;

    (void)fd;
    (void)what;
    turns[c->state](c);
}

/* ---- all of them ---- */

/* An answer that is cut short must not look whole. */
static void conn_cut(struct conn *c)
{
    if (c->state == CONN_SEND) {
        log_answer(c, false);
        wire_abort(&c->wire);
    }
    conn_close(c);
}

static bool push_out(struct conn_list *list)
{
    struct conn *c = TAILQ_FIRST(list);

    if (c)
        conn_cut(c);
    return c != NULL;
}

bool conns_has_room(const struct conns *cs)
{
    return cs->n < cs->cfg.max;
}

bool conns_make_room(struct conns *cs)
{
    return conns_has_room(cs) || push_out(&cs->yielding);
}

size_t conns_count(const struct conns *cs)
{
    return cs->n;
}

static bool address_has_room(struct conns *cs, struct ip4 a)
{
    struct peer *p = peer_find(cs, a);

    return !p || p->n < cs->cfg.max_per_address || push_out(&p->yielding);
}

static struct conn *conn_new(struct conns *cs, int fd, struct ip4 peer)
{
    struct sockaddr_in local = {0};
    socklen_t len = sizeof local;
    struct conn *c = xcalloc(1, sizeof *c);
    int on = 1;

    getsockname(fd, (struct sockaddr *)&local, &len);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (cs->cfg.send_buffer)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &cs->cfg.send_buffer, sizeof cs->cfg.send_buffer);
    c->all = cs;
    c->peer = peer_of(cs, peer);
    c->local.a = ntohl(local.sin_addr.s_addr);
    c->local_port = ntohs(local.sin_port);
    response_init(&c->res);
    return c;
}

void conns_add(struct conns *cs, int fd, struct ip4 peer, struct tls_server *tls)
{
    struct wire wire;
    struct conn *c;

    if (!address_has_room(cs, peer)) {
        cs->refused++;
        cs->refused_last = peer;
        close(fd);
        return;
    }
    if (!tls) {
        wire_plain(&wire, fd);
    } else if (wire_tls(&wire, fd, tls)) {
        close(fd);
        return;
    }
    c = conn_new(cs, fd, peer);
    c->wire = wire;
    c->state = tls ? CONN_HANDSHAKE : CONN_HEAD;
    c->yields = true;
    c->deadline_ms = monotonic_ms() + (tls ? HANDSHAKE_MS : HEAD_MS);
    cs->n++;
    lists_insert(c);
    conn_watch(c, WATCH_READ);
}

static void close_overdue(struct conn_list *list, int64_t now)
{
    struct conn *c, *next;
    char ip[IP4_STR];

    for (c = TAILQ_FIRST(list); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->deadline_ms > now)
            continue;
        if (c->state != CONN_LINGER && (c->in_len || c->state == CONN_HANDSHAKE))
            log_debug("http-too-slow peer=%s at=%s reason=\"the client took too long\"",
                      ip4_format(c->peer->address, ip), state_names[c->state]);
        conn_cut(c);
    }
}

/* An installer with a slow disk may stall for as long as nobody needs its place. */
static void find_stalled(struct conns *cs, int64_t now)
{
    int64_t left = cs->cfg.stall_ms - cs->cfg.stall_ms / STALLED_PART;
    struct conn *c, *next;

    for (c = TAILQ_FIRST(&cs->serving); c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->state == CONN_SEND && c->deadline_ms - now < left)
            conn_yield(c, true);
    }
}

void conns_tick(struct conns *cs)
{
    int64_t now = monotonic_ms();
    char ip[IP4_STR];

    close_overdue(&cs->yielding, now);
    close_overdue(&cs->serving, now);
    find_stalled(cs, now);
    if (cs->refused)
        log_warn("http-refused connections=%zu last=%s reason=\"one address had %zu connections, all being "
                 "served; http.connections_per_address is the limit\"",
                 cs->refused, ip4_format(cs->refused_last, ip), cs->cfg.max_per_address);
    cs->refused = 0;
}

struct conns *conns_new(const struct conns_config *cfg)
{
    struct conns *cs = xcalloc(1, sizeof *cs);

    cs->cfg = *cfg;
    if (!cs->cfg.stall_ms)
        cs->cfg.stall_ms = STALL_MS;
    TAILQ_INIT(&cs->yielding);
    TAILQ_INIT(&cs->serving);
    return cs;
}

void conns_free(struct conns *cs)
{
    struct conn *c;

    if (!cs)
        return;
    while ((c = TAILQ_FIRST(&cs->yielding)) || (c = TAILQ_FIRST(&cs->serving)))
        conn_close(c);
    free(cs->spare_in);
    str_free(&cs->spare_out);
    free(cs);
}

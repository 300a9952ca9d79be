#include "tftpd/tftpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "tftpd/cache.h"
#include "tftpd/io_journal.h"
#include "tftpd/io_socket.h"
#include "tftpd/path.h"
#include "tftpd/transfer.h"

#define TRANSFERS_MAX   2048
#define REQUEST_MAX     2048 /* bytes of a request; RFC 2347 allows 512 */
#define REQUESTS_A_TURN 64   /* so that new requests do not hold up running transfers */
#define REPEAT_US       2000000
#define BUCKETS         1024

struct session {
    struct session *next; /* in its bucket */
    struct tftpd *server;
    struct sockaddr_in peer;
    char name[TFTP_NAME_MAX];
    int fd;
    struct watch *readable, *timer;
    uint64_t armed_us, started_us, heard_us;
    struct cached *file;
    struct transfer transfer;
};

struct listener {
    struct tftpd *server;
    char interface[16];
    int fd;
    struct watch *watch;
};

struct tftpd {
    struct listener listeners[16];
    size_t listeners_n;
    int root_fd;
    struct loop *loop;
    struct cache *cache;
    struct io_journal *journal;
    struct session *buckets[BUCKETS];
    size_t sessions_n;
    bool full_said;
};

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static const char *peer_text(const struct sockaddr_in *peer, char buf[32])
{
    char ip[IP4_STR];
    snprintf(buf, 32, "%s:%u", ip4_format((struct ip4){ntohl(peer->sin_addr.s_addr)}, ip),
             ntohs(peer->sin_port));
    return buf;
}

static bool same_peer(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

static struct session **bucket_of(struct tftpd *t, const struct sockaddr_in *peer)
{
    uint32_t h = (ntohl(peer->sin_addr.s_addr) ^ (uint32_t)ntohs(peer->sin_port) << 13) * 2654435761u;
    return &t->buckets[h >> 22];
}

static void send_error(int fd, const struct sockaddr_in *peer, enum tftp_code code, const char *text)
{
    uint8_t buf[256];
    size_t n = tftp_encode_error((uint16_t)code, text, buf, sizeof buf);
    sendto(fd, buf, n, 0, (const struct sockaddr *)peer, sizeof *peer);
}

static void session_free(struct session *s)
{
    struct session **at = bucket_of(s->server, &s->peer);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    s->server->sessions_n--;
    watch_free(s->readable);
    watch_free(s->timer);
    close(s->fd);
    cache_put(s->server->cache, s->file);
    free(s);
}

static void session_end(struct session *s)
{
    const struct transfer *t = &s->transfer;
    char peer[32];
    uint64_t us = now_us() - s->started_us;
    peer_text(&s->peer, peer);
    if (t->state == TRANSFER_WHOLE) {
        log_info("tftp-sent peer=%s file=\"%s\" bytes=%llu ms=%llu blksize=%u window=%u resent=%llu", peer,
                 s->name, (unsigned long long)t->size, (unsigned long long)us / 1000, t->blksize, t->window,
                 (unsigned long long)t->resent);
        if (s->server->journal)
            io_journal_loader(s->server->journal, (struct ip4){ntohl(s->peer.sin_addr.s_addr)}, s->name,
                              t->size, us);
    } else if (t->state == TRANSFER_ABORTED && t->acked == 0) {
        /* How UEFI firmware asks for a size. */
        log_debug("tftp-probe peer=%s file=\"%s\" reason=\"%s\"", peer, s->name, t->reason);
    } else {
        log_warn("tftp-failed peer=%s file=\"%s\" block=%llu of=%llu reason=\"%s\"", peer, s->name,
                 (unsigned long long)t->acked, (unsigned long long)t->blocks, t->reason);
    }
    session_free(s);
}

/* The timer stays armed for an earlier time: most deadlines are moved before they come. */
static void session_arm(struct session *s, uint64_t now)
{
    uint64_t at = s->transfer.deadline_us;
    if (s->armed_us && s->armed_us <= at)
        return;
    s->armed_us = at;
    watch_arm(s->timer, at > now ? (uint32_t)((at - now) / 1000 + 1) : 0);
}

/* Performs what the state machine says, and ends the session when it has ended. */
static void session_do(struct session *s, struct transfer_step step, uint64_t now)
{
    struct transfer *t = &s->transfer;
    uint8_t buf[512];
    if (step.oack) {
        size_t n = tftp_encode_oack(&t->agreed, buf, sizeof buf);
        sendto(s->fd, buf, n, 0, (struct sockaddr *)&s->peer, sizeof s->peer);
    }
    if (step.count && io_socket_blocks(s->fd, &s->peer, t, s->file->bytes, step.first, step.count)) {
        t->state = TRANSFER_FAILED;
        str_copy(t->reason, sizeof t->reason, "the file was cut short while it was sent");
        step = (struct transfer_step){.error = true, .code = TFTP_E_TEXT};
    }
    if (step.error)
        send_error(s->fd, &s->peer, step.code, t->reason);
    if (t->state != TRANSFER_RUNNING)
        session_end(s);
    else
        session_arm(s, now);
}

static void on_timer(void *ctx)
{
    struct session *s = ctx;
    uint64_t now = now_us();
    s->armed_us = 0;
    session_do(s, transfer_timeout(&s->transfer, now), now);
}

static void on_readable(int fd, unsigned what, void *ctx)
{
    (void)what;
    struct session *s = ctx;
    struct sockaddr_in from;
    socklen_t from_n = sizeof from;
    uint8_t buf[REQUEST_MAX];
    struct tftp_packet p;
    ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &from_n);
    if (n < 0)
        return;
    struct err e = {0};
    int bad = tftp_decode(span_of(buf, (size_t)n), &p, &e);
    if (!same_peer(&from, &s->peer)) {
        /* An ERROR is never answered: two servers that take each other for strangers would not stop. */
        if (!bad && p.op != TFTP_ERROR)
            send_error(fd, &from, TFTP_E_STRANGER, "unknown transfer ID");
        return;
    }
    if (bad) {
        char peer[32];
        log_debug("tftp-drop peer=%s reason=\"%s\"", peer_text(&from, peer), e.text);
        return;
    }
    uint64_t now = now_us();
    s->heard_us = now;
    session_do(s, transfer_packet(&s->transfer, &p, now), now);
}

/* A request that is repeated while its transfer is under way is not a second one: the first answer was slow
 * or lost, and is sent again by the transfer's own clock. Another request from the same port means that the
 * old transfer is over. */
static bool repeated(struct tftpd *t, const struct sockaddr_in *peer, const char *name, uint64_t now)
{
    struct session *s = *bucket_of(t, peer);
    while (s && !same_peer(&s->peer, peer))
        s = s->next;
    if (!s)
        return false;
    if (!strcmp(s->name, name) && (!s->transfer.answered || now - s->heard_us < REPEAT_US))
        return true;
    s->transfer.state = TRANSFER_FAILED;
    str_copy(s->transfer.reason, sizeof s->transfer.reason, "the client asked anew from the same port");
    session_end(s);
    return false;
}

static int open_file(struct tftpd *t, const struct tftp_packet *p, char name[TFTP_NAME_MAX],
                     struct cached **ret, struct err *e)
{
    int fd = -1;
    if (path_normalise(p->name, name, e) || path_open(t->root_fd, name, &fd, e))
        return -1;
    int rc = cache_get(t->cache, fd, p->mode, ret, e);
    close(fd);
    return rc;
}

static void refuse(struct listener *l, const struct sockaddr_in *peer, struct in_addr local, const char *name,
                   enum tftp_code code, const char *text)
{
    char from[32];
    int fd;
    log_info("tftp-refused peer=%s file=\"%s\" reason=\"%s\"", peer_text(peer, from), name, text);
    if (io_socket_fresh(l->interface, local, &fd, NULL))
        return;
    send_error(fd, peer, code, text);
    close(fd);
}

static enum tftp_code code_of(const struct err *e)
{
    return e->kind == ERR_NOT_FOUND ? TFTP_E_NOT_FOUND : e->kind == ERR_REFUSED ? TFTP_E_ACCESS : TFTP_E_TEXT;
}

static void session_start(struct listener *l, const struct sockaddr_in *peer, struct in_addr local,
                          const struct tftp_packet *p, uint64_t now)
{
    struct tftpd *t = l->server;
    struct err e = {0};
    char name[TFTP_NAME_MAX];
    struct cached *file;
    int fd;
    if (open_file(t, p, name, &file, &e)) {
        refuse(l, peer, local, p->name, code_of(&e), e.text);
        return;
    }
    if (io_socket_fresh(l->interface, local, &fd, &e)) {
        log_error("tftp-failed file=\"%s\" reason=\"%s\"", name, e.text);
        cache_put(t->cache, file);
        return;
    }
    struct session *s = xcalloc(1, sizeof *s), **bucket = bucket_of(t, peer);
    *s = (struct session){.next = *bucket,
                          .server = t,
                          .peer = *peer,
                          .fd = fd,
                          .file = file,
                          .started_us = now,
                          .heard_us = now};
    str_copy(s->name, sizeof s->name, name);
    *bucket = s;
    t->sessions_n++;
    s->readable = watch_fd(t->loop, fd, WATCH_READ, on_readable, s);
    s->timer = watch_timer(t->loop, on_timer, s);
    uint32_t mtu = p->options.has[OPT_BLKSIZE] ? io_socket_mtu(l->interface, peer) : 0;
    session_do(s, transfer_start(&s->transfer, &p->options, file->bytes.n, mtu, now), now);
}

/* A server that is full says nothing to the machine: firmware asks again, but gives up at an ERROR. */
static bool full(struct tftpd *t)
{
    bool is = t->sessions_n >= TRANSFERS_MAX;
    if (is && !t->full_said)
        log_warn("tftp-full transfers=%d reason=\"more machines ask than are served at once; they will ask "
                 "again\"",
                 TRANSFERS_MAX);
    t->full_said = is;
    return is;
}

static void on_request(struct listener *l, struct span bytes, const struct sockaddr_in *peer,
                       struct in_addr local)
{
    struct tftp_packet p;
    struct err e = {0};
    char from[32];
    uint64_t now = now_us();
    if (tftp_decode(bytes, &p, &e)) {
        /* An answer only to what claims to be a request: anything else may be forged to make us talk. */
        if (bytes.n >= 2 && bytes.p[0] == 0 && (bytes.p[1] == TFTP_RRQ || bytes.p[1] == TFTP_WRQ))
            refuse(l, peer, local, "", TFTP_E_ILLEGAL, e.text);
        else
            log_debug("tftp-drop peer=%s reason=\"%s\"", peer_text(peer, from), e.text);
    } else if (p.op == TFTP_WRQ) {
        refuse(l, peer, local, p.name, TFTP_E_ACCESS, "this server is read-only");
    } else if (p.op != TFTP_RRQ) {
        log_debug("tftp-drop peer=%s reason=\"not a request\"", peer_text(peer, from));
    } else {
        char name[TFTP_NAME_MAX];
        bool again = !path_normalise(p.name, name, NULL) && repeated(l->server, peer, name, now);
        if (!again && !full(l->server))
            session_start(l, peer, local, &p, now);
    }
}

static void on_listener(int fd, unsigned what, void *ctx)
{
    (void)what;
    struct listener *l = ctx;
    uint8_t buf[REQUEST_MAX];
    for (int i = 0; i < REQUESTS_A_TURN; i++) {
        struct sockaddr_in peer;
        struct in_addr local;
        ssize_t n = io_socket_request(fd, buf, sizeof buf, &peer, &local);
        if (n < 0)
            return;
        if (peer.sin_port) /* no answer would arrive at port 0 */
            on_request(l, span_of(buf, (size_t)n), &peer, local);
    }
}

static int add_listener(struct tftpd *t, const char *interface, uint16_t port, struct err *e)
{
    struct listener *l = &t->listeners[t->listeners_n];
    l->server = t;
    str_copy(l->interface, sizeof l->interface, interface);
    if (io_socket_listen(interface, port, &l->fd, e))
        return -1;
    t->listeners_n++;
    return 0;
}

/* One descriptor a transfer, and some for the store. */
static void raise_descriptors(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= TRANSFERS_MAX + 256)
        return;
    r.rlim_cur = TRANSFERS_MAX + 256;
    if (r.rlim_max < r.rlim_cur)
        r.rlim_max = r.rlim_cur;
    if (setrlimit(RLIMIT_NOFILE, &r))
        log_warn("tftp-limits reason=\"cannot raise the number of open files: %s\"", strerror(errno));
}

int tftpd_open(const struct tftpd_config *cfg, struct tftpd **ret, struct err *e)
{
    struct tftpd *t = xcalloc(1, sizeof *t);
    raise_descriptors();
    t->root_fd = open(cfg->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (t->root_fd < 0) {
        err_errno(e, "the TFTP folder %s; make it, or set tftp.root", cfg->root);
        goto fail;
    }
    for (size_t i = 0; i < cfg->interfaces_n; i++)
        if (add_listener(t, cfg->interfaces[i], cfg->port, e))
            goto fail;
    if (!cfg->interfaces_n && add_listener(t, "", cfg->port, e))
        goto fail;
    *ret = t;
    return 0;
fail:
    tftpd_close(t);
    return -1;
}

static void on_stop(void *ctx)
{
    struct tftpd *t = ctx;
    loop_stop(t->loop);
}

static void end_all(struct tftpd *t)
{
    for (size_t i = 0; i < BUCKETS; i++)
        while (t->buckets[i]) {
            struct session *s = t->buckets[i];
            send_error(s->fd, &s->peer, TFTP_E_TEXT, "the server is stopping");
            session_free(s);
        }
}

int tftpd_serve(struct tftpd *t, const char *state_dir, struct err *e)
{
    t->loop = loop_new();
    t->cache = cache_new();
    struct watch *term = watch_signal(t->loop, SIGTERM, on_stop, t),
                 *intr = watch_signal(t->loop, SIGINT, on_stop, t);
    for (size_t i = 0; i < t->listeners_n; i++)
        t->listeners[i].watch =
            watch_fd(t->loop, t->listeners[i].fd, WATCH_READ, on_listener, &t->listeners[i]);
    int rc = state_dir ? io_journal_open(state_dir, t->loop, &t->journal, e) : 0;
    if (!rc) {
        log_info("tftp-serving listeners=%zu", t->listeners_n);
        rc = loop_run(t->loop, e);
    }
    end_all(t);
    io_journal_close(t->journal);
    t->journal = NULL;
    for (size_t i = 0; i < t->listeners_n; i++)
        watch_free(t->listeners[i].watch);
    watch_free(term);
    watch_free(intr);
    cache_free(t->cache);
    loop_free(t->loop);
    return rc;
}

void tftpd_close(struct tftpd *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->listeners_n; i++)
        close(t->listeners[i].fd);
    if (t->root_fd >= 0)
        close(t->root_fd);
    free(t);
}

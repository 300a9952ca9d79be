#include "tftpd/io_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "tftpd/io_socket.h"
#include "tftpd/transfer.h"

#define REPEAT_US     2000000
#define LOOK_US       100000 /* how often a file is looked at while it is read */
#define FULL_AGAIN_US 10000000
#define PACKET_MAX    2048 /* bytes of what a client may send */

struct session {
    struct place place; /* first: a place is its session */
    struct io_sessions *all;
    struct sockaddr_in peer;
    char name[TFTP_NAME_MAX];
    enum tftp_mode mode;
    struct tftp_options asked;
    int fd;
    bool displaced;      /* others took its place: a flood, and no line in the log for each */
    bool cut, fragments; /* io_socket_blocks; io_socket_may_fragment was called */
    struct watch *readable, *timer;
    uint64_t armed_us, started_us, looked_us;
    struct cached *file;
    struct transfer transfer;
};

struct io_sessions {
    struct loop *loop;
    struct cache *cache;
    struct io_journal *journal;
    struct places *places;
    uint64_t full_said_us;
    uint8_t last[WINDOW_BYTES_MAX]; /* the last window of whoever sends it now */
};

uint64_t io_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

const char *io_peer_text(const struct sockaddr_in *peer, char buf[32])
{
    char ip[IP4_STR];
    snprintf(buf, 32, "%s:%u", ip4_format((struct ip4){ntohl(peer->sin_addr.s_addr)}, ip),
             ntohs(peer->sin_port));
    return buf;
}

void io_send_error(int fd, const struct sockaddr_in *peer, enum tftp_code code, const char *text)
{
    uint8_t buf[256];
    size_t n = tftp_encode_error((uint16_t)code, text, buf, sizeof buf);
    io_socket_send(fd, peer, buf, n);
}

static bool same_peer(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

static void session_free(struct session *s)
{
    places_remove(s->all->places, &s->place);
    watch_free(s->readable);
    watch_free(s->timer);
    close(s->fd);
    cache_put(s->all->cache, s->file);
    free(s);
}

/* Both kinds of success: the client acknowledged it all, or most likely has it all. */
static void sent(const struct session *s, const char *peer)
{
    const struct transfer *t = &s->transfer;
    bool unacked = t->state == TRANSFER_UNACKED;
    uint64_t us = (unacked ? t->progress_us : io_now_us()) - s->started_us;
    log_info("tftp-sent peer=%s file=\"%s\" bytes=%llu ms=%llu blksize=%u window=%u resent=%llu%s", peer,
             s->name, (unsigned long long)t->size, (unsigned long long)us / 1000, t->blksize, t->window,
             (unsigned long long)t->resent, unacked ? " last-ack=missing" : "");
    if (s->all->journal)
        io_journal_loader(s->all->journal, s->place.ip, s->name, t->size, us,
                          (int64_t)(io_now_us() - s->started_us - us) / 1000, t->reason);
}

static void session_end(struct session *s)
{
    const struct transfer *t = &s->transfer;
    char peer[32];
    io_peer_text(&s->peer, peer);
    if (t->state == TRANSFER_WHOLE || t->state == TRANSFER_UNACKED)
        sent(s, peer);
    else if (t->state == TRANSFER_ABORTED && t->acked == 0)
        /* How UEFI firmware asks for a size. */
        log_debug("tftp-probe peer=%s file=\"%s\" reason=\"%s\"", peer, s->name, t->reason);
    else if (!t->answered && s->displaced)
        log_debug("tftp-unanswered peer=%s file=\"%s\" reason=\"%s\"", peer, s->name, t->reason);
    else if (!t->answered)
        log_info("tftp-unanswered peer=%s file=\"%s\" reason=\"%s\"", peer, s->name, t->reason);
    else
        log_warn("tftp-failed peer=%s file=\"%s\" block=%llu of=%llu reason=\"%s\"", peer, s->name,
                 (unsigned long long)t->acked, (unsigned long long)t->blocks, t->reason);
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

/* Sends blocks, all of one version of the file. NULL, or why it cannot go on. The last blocks are copied and
 * only then is the file looked at for the last time, so that nobody ends with a mixture. */
static const char *send_blocks(struct session *s, uint64_t first, uint32_t count, uint64_t now)
{
    const struct transfer *t = &s->transfer;
    const uint64_t at = (first - 1) * t->blksize;
    const uint8_t *from = s->file->bytes.p + at;
    const char *changed = "the file changed while it was sent; ask again";
    if (first + count > t->blocks) {
        from = s->all->last;
        if (cache_read_last(s->file, at, s->all->last, (size_t)(t->size - at)))
            return changed;
    } else if (now - s->looked_us >= LOOK_US) {
        s->looked_us = now;
        if (cache_changed(s->file))
            return changed;
    }
    if (t->fragments && !s->fragments) {
        s->fragments = true;
        s->cut = false;
        io_socket_may_fragment(s->fd);
    }
    if (io_socket_blocks(s->fd, &s->peer, t, from, first, count, &s->cut))
        return "the file was cut short while it was sent";
    return NULL;
}

/* Performs what the state machine says, and ends the session when it has ended. */
static void session_do(struct session *s, struct transfer_step step, uint64_t now)
{
    struct transfer *t = &s->transfer;
    uint8_t buf[512];
    if (step.oack) {
        size_t n = tftp_encode_oack(&t->agreed, buf, sizeof buf);
        io_socket_send(s->fd, &s->peer, buf, n);
    }
    if (step.count) {
        const char *why = send_blocks(s, step.first, step.count, now);
        if (why)
            step = transfer_fail(t, why);
    }
    if (step.error)
        io_send_error(s->fd, &s->peer, step.code, t->reason);
    if (t->state != TRANSFER_RUNNING)
        session_end(s);
    else
        session_arm(s, now);
}

static void on_timer(void *ctx)
{
    struct session *s = ctx;
    uint64_t now = io_now_us();
    s->armed_us = 0;
    session_do(s, transfer_timeout(&s->transfer, now), now);
}

static void on_trouble(struct session *s)
{
    unsigned troubles = io_socket_troubles(s->fd, &s->peer);
    uint64_t now = io_now_us();
    if (troubles & IO_CLOSED)
        session_do(s, transfer_closed(&s->transfer), now);
    else if (troubles & IO_NARROW)
        session_do(s, transfer_narrow(&s->transfer, now), now);
}

static void on_packet(struct session *s, struct span bytes, const struct sockaddr_in *from)
{
    struct tftp_packet p;
    struct err e = {0};
    int bad = tftp_decode(bytes, &p, &e);
    if (!same_peer(from, &s->peer)) {
        /* An ERROR is never answered: two servers that take each other for strangers would not stop. */
        if (!bad && p.op != TFTP_ERROR)
            io_send_error(s->fd, from, TFTP_E_STRANGER, "unknown transfer ID");
        return;
    }
    if (bad) {
        char peer[32];
        log_debug("tftp-drop peer=%s reason=\"%s\"", io_peer_text(from, peer), e.text);
        return;
    }
    uint64_t now = io_now_us();
    struct transfer_step step = transfer_packet(&s->transfer, &p, now);
    if (s->transfer.answered)
        places_heard(s->all->places, &s->place, s->transfer.progress_us);
    session_do(s, step, now);
}

static void on_readable(int fd, unsigned what, void *ctx)
{
    (void)what;
    struct session *s = ctx;
    struct sockaddr_in from;
    socklen_t from_n = sizeof from;
    uint8_t buf[PACKET_MAX];
    ssize_t n = recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &from_n);
    if (n < 0)
        on_trouble(s);
    else
        on_packet(s, span_of(buf, (size_t)n), &from);
}

static bool same_request(const struct session *s, const struct io_request *r)
{
    const struct tftp_options *a = &s->asked, *b = &r->packet->options;
    if (strcmp(s->name, r->name) || s->mode != r->packet->mode)
        return false;
    for (size_t i = 0; i < OPT_COUNT; i++)
        if (a->has[i] != b->has[i] || (a->has[i] && a->value[i] != b->value[i]))
            return false;
    return true;
}

static void give_way(struct session *s, const char *reason)
{
    s->transfer.state = TRANSFER_FAILED;
    str_copy(s->transfer.reason, sizeof s->transfer.reason, reason);
    session_end(s);
}

/* A server that is full says nothing to the machine: firmware asks again, but gives up at an ERROR. */
static bool make_room(struct io_sessions *all, struct ip4 ip, uint64_t now)
{
    struct place *victim;
    bool room = places_room(all->places, ip, now, &victim);
    char text[IP4_STR];
    if ((!room || victim) && now >= all->full_said_us + FULL_AGAIN_US) {
        all->full_said_us = now;
        log_warn(
            "tftp-full transfers=%zu peer=%s reason=\"at most %d run at once, and %d of one address; what "
            "is silent gives way, and others ask again\"",
            places_count(all->places), ip4_format(ip, text), PLACES_MAX, PLACES_HOST);
    }
    if (victim) {
        struct session *s = (struct session *)victim;
        s->displaced = true;
        give_way(s, "it was silent, and others had to be served");
    }
    return room;
}

bool io_session_repeated(struct io_sessions *all, const struct io_request *r)
{
    struct ip4 ip = {ntohl(r->peer.sin_addr.s_addr)};
    struct session *s = (struct session *)places_find(all->places, ip, ntohs(r->peer.sin_port));
    if (!s)
        return false;
    if (same_request(s, r) && (!s->transfer.answered || r->now_us - s->place.heard_us < REPEAT_US))
        return true;
    give_way(s, "the client asked anew from the same port");
    return false;
}

int io_session_start(struct io_sessions *all, const struct io_request *r, int file_fd, struct err *e)
{
    const struct tftp_packet *p = r->packet;
    struct ip4 ip = {ntohl(r->peer.sin_addr.s_addr)};
    struct cached *file;
    int fd;
    if (!make_room(all, ip, r->now_us))
        return 0;
    if (cache_get(all->cache, file_fd, p->mode, &file, e))
        return -1;
    if (io_socket_fresh(r->interface, r->local, &fd, e)) {
        cache_put(all->cache, file);
        return -1;
    }
    struct session *s = xcalloc(1, sizeof *s);
    *s = (struct session){.all = all,
                          .peer = r->peer,
                          .mode = p->mode,
                          .asked = p->options,
                          .fd = fd,
                          .cut = true,
                          .file = file,
                          .started_us = r->now_us,
                          .looked_us = r->now_us};
    str_copy(s->name, sizeof s->name, r->name);
    places_add(all->places, &s->place, ip, ntohs(r->peer.sin_port), r->now_us);
    s->readable = watch_fd(all->loop, fd, WATCH_READ, on_readable, s);
    s->timer = watch_timer(all->loop, on_timer, s);
    uint32_t mtu = p->options.has[OPT_BLKSIZE] ? io_socket_mtu(r->interface, &r->peer) : 0;
    session_do(s, transfer_start(&s->transfer, &p->options, file->bytes.n, mtu, r->now_us), r->now_us);
    return 0;
}

struct io_sessions *io_sessions_new(struct loop *l, struct io_journal *j)
{
    struct io_sessions *all = xcalloc(1, sizeof *all);
    all->loop = l;
    all->journal = j;
    all->cache = cache_new();
    all->places = places_new();
    return all;
}

void io_sessions_free(struct io_sessions *all)
{
    struct place *p;
    if (!all)
        return;
    while ((p = places_any(all->places))) {
        struct session *s = (struct session *)p;
        io_send_error(s->fd, &s->peer, TFTP_E_TEXT, "the server is stopping");
        session_free(s);
    }
    places_free(all->places);
    cache_free(all->cache);
    free(all);
}

#include "dhcpd/dhcpd.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "dhcpd/io_link.h"
#include "dhcpd/io_neighbours.h"

#define BATCH_MAX  2048  /* answers */
#define ROUND_MAX  256   /* packets: those of all sources of an interface */
#define GATHER_MIN 2000  /* microseconds */
#define GATHER_MAX 20000 /* a disk that hangs must not make the others wait longer */

struct dhcpd {
    struct dhcpd_config cfg;
    struct io_link *links[DHCPD_MAX_INTERFACES];
    struct io_neighbours *neighbours[DHCPD_MAX_INTERFACES]; /* of the same interfaces */
    size_t links_n;
    /* while serving */
    struct service *service;
    struct loop *loop;
    struct watch *timer; /* for what waits, in case that no packet comes */
    int64_t at_ms;       /* of the batch */
    size_t first;        /* interface to read; each in its turn, so that a busy one starves no other */
    int64_t gather_us;   /* how long packets are read before one commit */
    size_t packets_n, answers_n, waiting_n;
    struct packet packets[ROUND_MAX]; /* of the round */
    struct answer answers[BATCH_MAX]; /* of the batch; waiting_n of them wait for its commit */
    bool failed;
    struct err failure;
};

int dhcpd_open(const struct dhcpd_config *cfg, struct dhcpd **ret, struct err *e)
{
    struct dhcpd *d = xcalloc(1, sizeof *d);
    d->cfg = *cfg;
    for (size_t i = 0; i < cfg->interfaces_n; i++) {
        if (io_link_open(cfg->interfaces[i], cfg->proxy, &d->links[i], e)) {
            dhcpd_close(d);
            return -1;
        }
        d->links_n++;
        if (io_neighbours_open(io_link_facts(d->links[i]), cfg->probe_ms > 0, &d->neighbours[i], e)) {
            dhcpd_close(d);
            return -1;
        }
    }
    for (size_t i = 0; i < d->links_n; i++)
        io_link_next(d->links[i], d->links[(i + 1) % d->links_n]);
    *ret = d;
    return 0;
}

void dhcpd_close(struct dhcpd *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->links_n; i++) {
        io_neighbours_close(d->neighbours[i]);
        io_link_close(d->links[i]);
    }
    free(d);
}

static void handle(struct dhcpd *d, const struct arrival *from, struct span message)
{
    struct answer *a = &d->answers[d->answers_n];
    if (service_handle(d->service, from, message, d->at_ms, a)) {
        d->answers_n++;
        d->waiting_n += a->waits;
    }
}

/* Those from `first` on that do, or do not, wait for the commit. */
static void send_those(struct dhcpd *d, size_t first, bool waits)
{
    const struct answer *list[BATCH_MAX];
    for (size_t i = 0; i < d->links_n; i++) {
        const struct link *link = io_link_facts(d->links[i]);
        size_t n = 0;
        for (size_t k = first; k < d->answers_n; k++)
            if (d->answers[k].link == link && d->answers[k].waits == waits)
                list[n++] = &d->answers[k];
        for (size_t failed = io_link_send(d->links[i], list, n); failed > 0; failed--)
            service_drop(d->service, DROP_SEND, link, NULL, d->at_ms);
    }
}

static void on_arp(void *ctx, const struct link *on, const struct arp *a)
{
    struct dhcpd *d = ctx;
    service_arp(d->service, on, a, d->at_ms);
}

static bool is_ours(const struct dhcpd *d, struct ip4 id, struct mac mac)
{
    for (size_t i = 0; i < d->links_n; i++)
        if (link_has(io_link_facts(d->links[i]), id) || mac_eq(io_link_facts(d->links[i])->mac, mac))
            return true;
    return false;
}

static void on_server(void *ctx, const struct link *on, struct ip4 id, struct mac mac)
{
    struct dhcpd *d = ctx;
    if (!d->cfg.proxy && !is_ours(d, id, mac)) /* beside another one there is another one */
        notice_server(service_notice(d->service), on, id, mac, false, true, d->at_ms);
}

static void read_neighbours(struct dhcpd *d)
{
    struct neighbours_sink sink = {.arp = on_arp, .server = on_server, .ctx = d};
    for (size_t i = 0; i < d->links_n && !d->failed; i++)
        d->failed = io_neighbours_read(d->neighbours[i], &sink, &d->failure) != 0;
}

static void read_links(struct dhcpd *d)
{
    d->packets_n = 0;
    for (size_t i = 0; i < d->links_n && !d->failed; i++) {
        size_t n;
        d->failed = io_link_read(d->links[(d->first + i) % d->links_n], d->packets + d->packets_n,
                                 ROUND_MAX - d->packets_n, &n, &d->failure) != 0;
        d->packets_n += n;
    }
    d->first++;
}

static void expect_packets(struct dhcpd *d)
{
    struct mac macs[ROUND_MAX];
    size_t n = 0;
    for (size_t i = 0; i < d->packets_n; i++)
        n += message_peek(span_of(d->packets[i].bytes, d->packets[i].n), &macs[n]);
    service_expect(d->service, macs, n);
}

static void handle_packets(struct dhcpd *d)
{
    expect_packets(d);
    for (size_t i = 0; i < d->packets_n; i++) {
        const struct packet *p = &d->packets[i];
        if (p->why == DROP_NONE)
            handle(d, &p->from, span_of(p->bytes, p->n));
        else
            service_drop(d->service, p->why, p->from.link, NULL, d->at_ms);
    }
}

/* The DISCOVERs whose addresses were probed, once more. */
static void resume(struct dhcpd *d)
{
    struct probe p;
    while (d->answers_n < BATCH_MAX - ROUND_MAX && probe_take(service_probes(d->service), d->at_ms, &p)) {
        handle(d, &p.from, span_of(p.message, p.n));
        free(p.message);
    }
}

/* A question that could not be sent is one that got lost: the next one, or the silence, follows. */
static void ask_wire(struct dhcpd *d)
{
    const struct probe *p;
    while ((p = probe_ask(service_probes(d->service), d->at_ms)))
        for (size_t i = 0; i < d->links_n; i++)
            if (io_link_facts(d->links[i]) == p->from.link)
                io_neighbours_ask(d->neighbours[i], p->ip);
}

static void arm_timer(struct dhcpd *d)
{
    int64_t probe = probe_next_ms(service_probes(d->service), d->at_ms);
    int64_t notice = notice_next_ms(service_notice(d->service), d->at_ms);
    int64_t next = probe < 0 || (notice >= 0 && notice < probe) ? notice : probe;
    if (next >= 0)
        watch_arm(d->timer, (uint32_t)next);
    else
        watch_disarm(d->timer);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A handful of each source. What rests on no lease, as an OFFER, leaves at once: in an avalanche a client has
 * its OFFER, and its REQUEST is there, while others are still being read. False: there was no more. */
static bool read_round(struct dhcpd *d)
{
    size_t first = d->answers_n;
    read_links(d);
    service_begin(d->service); /* not before: what was changed before a packet was sent, its answer knows */
    handle_packets(d);
    send_those(d, first, false);
    return d->packets_n >= IO_LINK_READ_MAX;
}

/* Packets are gathered for as long as a commit takes: so no more than half of the time goes into commits,
 * and nobody waits for much more than two of them, however fast the disk. */
static void gather(struct dhcpd *d, int64_t begun_us)
{
    while (read_round(d) && !d->failed && d->answers_n <= BATCH_MAX - ROUND_MAX &&
           now_us() - begun_us < d->gather_us)
        ;
}

static void commit(struct dhcpd *d)
{
    int64_t begun_us = now_us(), us;
    if (service_commit(d->service, d->answers, d->answers_n, d->at_ms) == 0)
        send_those(d, 0, true);
    if (!d->waiting_n) /* most likely there was nothing to be written */
        return;
    us = now_us() - begun_us;
    d->gather_us = us < GATHER_MIN ? GATHER_MIN : us > GATHER_MAX ? GATHER_MAX : us;
}

/* Whatever woke us: read what there is on every interface, decide it, commit once, then send what waits. */
static void batch(struct dhcpd *d)
{
    int64_t begun_us = now_us();
    log_hold(true);
    d->at_ms = now_ms();
    d->answers_n = d->waiting_n = 0;
    read_neighbours(d);
    service_begin(d->service);
    resume(d);
    send_those(d, 0, false);
    gather(d, begun_us);
    commit(d);
    ask_wire(d);
    service_notes(d->service, d->at_ms);
    notice_write(service_notice(d->service), d->at_ms);
    log_hold(false);
    arm_timer(d);
    if (d->failed)
        loop_stop(d->loop);
}

static void on_time(void *ctx)
{
    batch(ctx);
}

static void on_readable(int fd, unsigned what, void *ctx)
{
    (void)fd, (void)what;
    batch(ctx);
}

static void on_term(void *ctx)
{
    struct dhcpd *d = ctx;
    loop_stop(d->loop);
}

static void log_start(const struct dhcpd *d)
{
    char ip[PREFIX_STR];
    for (size_t i = 0; i < d->links_n; i++) {
        const struct link *f = io_link_facts(d->links[i]);
        log_info("dhcp-serve interface=%s address=%s subnets=%zu mode=%s", f->name,
                 ip4_if_format(f->addresses[0], ip), d->cfg.subnets_n,
                 d->cfg.proxy ? "proxy" : "authoritative");
    }
}

static int serve(struct dhcpd *d, struct err *e)
{
    struct watch *watches[4 * DHCPD_MAX_INTERFACES + 3];
    size_t n = 0;
    d->loop = loop_new();
    watches[n++] = watch_signal(d->loop, SIGTERM, on_term, d);
    watches[n++] = watch_signal(d->loop, SIGINT, on_term, d);
    watches[n++] = d->timer = watch_timer(d->loop, on_time, d);
    for (size_t i = 0; i < d->links_n; i++) {
        watches[n++] = watch_fd(d->loop, io_link_capture_fd(d->links[i]), WATCH_READ, on_readable, d);
        watches[n++] = watch_fd(d->loop, io_link_socket_fd(d->links[i]), WATCH_READ, on_readable, d);
        watches[n++] = watch_fd(d->loop, io_neighbours_fd(d->neighbours[i]), WATCH_READ, on_readable, d);
        if (d->cfg.proxy)
            watches[n++] = watch_fd(d->loop, io_link_pxe_fd(d->links[i]), WATCH_READ, on_readable, d);
    }
    log_start(d);
    int r = loop_run(d->loop, e);
    while (n > 0)
        watch_free(watches[--n]);
    loop_free(d->loop);
    d->loop = NULL;
    return r;
}

int dhcpd_serve(struct dhcpd *d, const char *state_dir, struct err *e)
{
    if (service_open(&d->cfg, state_dir, &d->service, e))
        return -1;
    int r = serve(d, e);
    service_close(d->service);
    d->service = NULL;
    if (r == 0 && d->failed)
        r = err_set(e, d->failure.kind, "%s", d->failure.text);
    return r;
}

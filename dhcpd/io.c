#include "dhcpd/dhcpd.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "dhcpd/io_link.h"

#define BATCH_MAX 512

struct dhcpd {
    struct dhcpd_config cfg;
    struct io_link *links[DHCPD_MAX_INTERFACES];
    size_t links_n;
    /* while serving */
    struct service *service;
    struct loop *loop;
    int64_t at_ms; /* of the batch */
    size_t first;  /* interface to read; each in its turn, so that a busy one starves no other */
    size_t answers_n;
    struct answer answers[BATCH_MAX];
    bool failed;
    struct err failure;
};

int dhcpd_open(const struct dhcpd_config *cfg, struct dhcpd **ret, struct err *e)
{
    struct dhcpd *d = xcalloc(1, sizeof *d);
    d->cfg = *cfg;
    for (size_t i = 0; i < cfg->interfaces_n; i++) {
        if (io_link_open(cfg->interfaces[i], &d->links[i], e)) {
            dhcpd_close(d);
            return -1;
        }
        d->links_n++;
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
    for (size_t i = 0; i < d->links_n; i++)
        io_link_close(d->links[i]);
    free(d);
}

static bool on_message(void *ctx, const struct arrival *from, struct span message)
{
    struct dhcpd *d = ctx;
    if (service_handle(d->service, from, message, d->at_ms, &d->answers[d->answers_n]))
        d->answers_n++;
    return d->answers_n < BATCH_MAX;
}

static void on_drop(void *ctx, const struct link *link, enum drop why)
{
    struct dhcpd *d = ctx;
    service_drop(d->service, why, link, NULL, d->at_ms);
}

static struct io_link *link_of(struct dhcpd *d, const struct link *facts)
{
    for (size_t i = 0; i < d->links_n; i++)
        if (io_link_facts(d->links[i]) == facts)
            return d->links[i];
    return NULL;
}

static void send_all(struct dhcpd *d)
{
    for (size_t i = 0; i < d->answers_n; i++) {
        const struct answer *a = &d->answers[i];
        if (io_link_send(link_of(d, a->link), a))
            service_drop(d->service, DROP_SEND, a->link, NULL, d->at_ms);
    }
}

/* Whatever woke us: read all there is on every interface, decide it all, commit once, then send. */
static void batch(struct dhcpd *d)
{
    struct io_sink sink = {.message = on_message, .drop = on_drop, .ctx = d};
    d->at_ms = now_ms();
    d->answers_n = 0;
    for (size_t i = 0; i < d->links_n && d->answers_n < BATCH_MAX && !d->failed; i++)
        d->failed = io_link_read(d->links[(d->first + i) % d->links_n], &sink, &d->failure) != 0;
    d->first++;
    if (service_commit(d->service, d->answers_n, d->at_ms) == 0)
        send_all(d);
    service_notes(d->service, d->at_ms);
    if (d->failed)
        loop_stop(d->loop);
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
        log_info("dhcp-serve interface=%s address=%s subnets=%zu", f->name,
                 ip4_if_format(f->addresses[0], ip), d->cfg.subnets_n);
    }
}

static int serve(struct dhcpd *d, struct err *e)
{
    struct watch *watches[2 * DHCPD_MAX_INTERFACES + 2];
    size_t n = 0;
    d->loop = loop_new();
    watches[n++] = watch_signal(d->loop, SIGTERM, on_term, d);
    watches[n++] = watch_signal(d->loop, SIGINT, on_term, d);
    for (size_t i = 0; i < d->links_n; i++) {
        watches[n++] = watch_fd(d->loop, io_link_capture_fd(d->links[i]), WATCH_READ, on_readable, d);
        watches[n++] = watch_fd(d->loop, io_link_socket_fd(d->links[i]), WATCH_READ, on_readable, d);
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

/* io: the server's life: its sockets, its loop, its time. What a connection does is io_conn's.
 *
 * Several processes may serve at once. They share the listening sockets, which do not block: all that wait
 * are woken by a connection, one gets it, and the others find nothing. SO_REUSEPORT would spread them better,
 * but a process that ends would take the connections in its queue with it, and a second server on the port
 * would start without a word and take half of the machines.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4 */
#endif
#include "httpboot/httpboot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "httpboot/app.h"
#include "httpboot/io_conn.h"
#include "httpboot/io_tls.h"

#define CONNECTIONS_MAX 4096
#define BACKLOG         4096 /* a row that is switched on at once */
#define ACCEPT_AT_ONCE  64
#define TICK_MS         1000
#define API_SEND_BUFFER                                                                                      \
    (256 * 1024) /* of a client: what it does not take is ours to count, not the kernel's */

struct listener {
    struct httpboot *h;
    int fd; /* -1: not configured */
    bool tls;
    struct watch *watch; /* NULL: the door is shut */
};

struct httpboot {
    struct httpboot_config cfg;
    struct listener listeners[2];
    struct tls_server *tls; /* NULL: no HTTPS */
    struct loop *loop;
    struct watch *tick, *on_term, *on_int;
    bool said_full; /* since the last tick */
    struct app app;
    struct conns *conns;
};
#define LISTENERS (sizeof((struct httpboot *)0)->listeners / sizeof(struct listener))

/* ---- accepting ---- */

static void listen_stop(struct httpboot *h)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        watch_free(h->listeners[i].watch);
        h->listeners[i].watch = NULL;
    }
}

/* False: there is none to take now. */
static bool accept_one(struct listener *l)
{
    struct httpboot *h = l->h;
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    int fd;

    if (!conns_make_room(h->conns)) {
        if (!h->said_full)
            log_warn("http-full connections=%zu reason=\"all are being served; new ones wait\"",
                     conns_count(h->conns));
        h->said_full = true;
        listen_stop(h);
        return false;
    }
    fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        conns_add(h->conns, fd, (struct ip4){ntohl(peer.sin_addr.s_addr)}, l->tls ? h->tls : NULL);
        return true;
    }
    if (errno == ECONNABORTED || errno == EINTR)
        return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) { /* out of descriptors or memory: the tick opens again */
        log_warn("http-accept-failed reason=\"%s\"", strerror(errno));
        listen_stop(h);
    }
    return false;
}

/* One of several processes takes one at a time, and leaves the next to the others. */
static void on_accept(int fd, unsigned what, void *ctx)
{
    struct listener *l = ctx;
    int i, most = l->h->cfg.workers > 1 ? 1 : ACCEPT_AT_ONCE;

    (void)fd;
    (void)what;
    for (i = 0; i < most && accept_one(l); i++)
        ;
}

static void listen_again(void *ctx)
{
    struct httpboot *h = ctx;

    for (size_t i = 0; i < LISTENERS && conns_has_room(h->conns); i++) {
        struct listener *l = &h->listeners[i];

        if (l->fd >= 0 && !l->watch)
            l->watch = watch_fd(h->loop, l->fd, WATCH_READ, on_accept, l);
    }
}

/* Which of the program's instances it is, as the configuration's part is called. */
static const char *part_name(const struct httpboot_config *cfg)
{
    return cfg->api ? "api" : "http";
}

/* ---- time ---- */

static void flush_progress(struct httpboot *h)
{
    struct err e = {0};

    if (progress_flush(&h->app.progress, h->app.store, &e))
        log_warn("http-progress-late reason=\"%s\"", e.text); /* it is kept, and written with the next */
}

static void log_refusals(const char *event, struct refusals *r, const char *why)
{
    char ip[IP4_STR];

    if (r->n)
        log_warn("%s requests=%zu last=%s reason=\"%s\"", event, r->n, ip4_format(r->last, ip), why);
    r->n = 0;
}

static void on_tick(void *ctx)
{
    struct httpboot *h = ctx;

    h->said_full = false;
    conns_tick(h->conns);
    log_refusals("api-refused", &h->app.strangers, "they came without a token that is good here");
    log_refusals("webhook-refused", &h->app.forgeries, "their signature was not made with our secret");
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

static int listen_error(const char *key, struct ip4 address, uint16_t port, struct err *e)
{
    char ip[IP4_STR];
    int why = errno;

    ip4_format(address, ip);
    if (why == EADDRINUSE)
        return err_set(e, ERR_CONFLICT,
                       "%s: port %u of %s is in use by another program: stop it, or choose another port", key,
                       port, ip);
    if (why == EADDRNOTAVAIL)
        return err_set(e, ERR_INPUT, "%s: this machine has no address %s: use one that it has, or 0.0.0.0",
                       key, ip);
    if (why == EACCES)
        return err_set(e, ERR_IO,
                       "%s: no permission to listen on port %u: start as root, or choose a port from 1024 on",
                       key, port);
    errno = why;
    return err_errno(e, "%s: cannot listen on %s port %u", key, ip, port);
}

static int listen_open(struct listener *l, const char *key, struct ip4 address, uint16_t port, struct err *e)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address.a)};
    int on = 1;

    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return err_errno(e, "%s: no socket", key);
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(l->fd, (struct sockaddr *)&at, sizeof at) || listen(l->fd, BACKLOG))
        return listen_error(key, address, port, e);
    return 0;
}

static int open_plain(struct httpboot *h, const struct httpboot_config *cfg, struct err *e)
{
    if (cfg->api && !cfg->port)
        return 0;
    return listen_open(&h->listeners[0], cfg->api ? "api.listen" : "http.listen", cfg->address, cfg->port, e);
}

static int open_tls(struct httpboot *h, const struct httpboot_config *cfg, struct err *e)
{
    const char *key = "";
    struct err why = {0};

    if (!cfg->tls.port)
        return 0;
    if (tls_server_new(cfg->tls.certificate, cfg->tls.key, &h->tls, &key, &why))
        return err_set(e, why.kind, "%s.tls.%s: %s", part_name(cfg), key, why.text);
    if (httpboot_tls_current(cfg->tls.certificate, now_ms(), &why))
        log_warn("http-certificate reason=\"%s\"", why.text);
    h->listeners[1].tls = true;
    return listen_open(&h->listeners[1], cfg->api ? "api.tls.listen" : "http.tls.listen", cfg->tls.address,
                       cfg->tls.port, e);
}

int httpboot_open(const struct httpboot_config *cfg, struct httpboot **ret, struct err *e)
{
    struct httpboot *h = xcalloc(1, sizeof *h);

    h->cfg = *cfg;
    h->cfg.tls.key = NULL; /* nobody needs the text any more */
    h->app.cfg = &h->cfg;
    h->app.state_fd = -1;
    for (size_t i = 0; i < LISTENERS; i++)
        h->listeners[i] = (struct listener){.h = h, .fd = -1};
    if (open_plain(h, cfg, e) || open_tls(h, cfg, e))
        goto fail;
    *ret = h;
    return 0;
fail:
    httpboot_close(h);
    return -1;
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

/* What one address may take. Machines need one or two; whoever is behind a translator needs more. */
static size_t per_address(const struct httpboot_config *cfg, size_t max)
{
    size_t wanted = cfg->connections_per_address ? cfg->connections_per_address : max / 4;

    return wanted < max ? wanted : max;
}

static void start(struct httpboot *h)
{
    size_t allowed = connections_allowed(), wanted = h->cfg.connections;
    size_t max = wanted && wanted < allowed ? wanted : allowed;

    h->loop = loop_new();
    h->conns = conns_new(&(struct conns_config){.loop = h->loop,
                                                .app = &h->app,
                                                .max = max,
                                                .max_per_address = per_address(&h->cfg, max),
                                                .stall_ms = h->cfg.stall_ms,
                                                .send_buffer = h->cfg.api ? API_SEND_BUFFER : 0,
                                                .on_room = listen_again,
                                                .ctx = h});
    h->on_term = watch_signal(h->loop, SIGTERM, on_stop, h);
    h->on_int = watch_signal(h->loop, SIGINT, on_stop, h);
    h->tick = watch_timer(h->loop, on_tick, h);
    watch_arm(h->tick, TICK_MS);
    listen_again(h);
    log_info("http-serving port=%u tls-port=%u connections=%zu per-address=%zu", h->cfg.port, h->cfg.tls.port,
             max, per_address(&h->cfg, max));
}

int httpboot_serve(struct httpboot *h, const char *state_dir, struct err *e)
{
    int rc;

    signal(SIGPIPE, SIG_IGN); /* sendfile has no MSG_NOSIGNAL */
    h->app.state_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (h->app.state_fd < 0)
        return err_errno(e, "state_dir %s", state_dir);
    if (store_open(state_dir, &h->app.store, e))
        return -1;
    store_patience(h->app.store, STORE_PATIENCE_SERVER); /* one that waits holds up all the others */
    h->app.up_ms = now_ms();
    if (h->cfg.api)
        h->app.api = api_new(h->app.store, &h->cfg.api->api);
    start(h);
    rc = loop_run(h->loop, e);
    flush_progress(h);
    return rc;
}

static void close_listeners(struct httpboot *h)
{
    listen_stop(h);
    for (size_t i = 0; i < LISTENERS; i++) {
        if (h->listeners[i].fd >= 0)
            close(h->listeners[i].fd);
        h->listeners[i].fd = -1; /* nothing listens again */
    }
}

void httpboot_close(struct httpboot *h)
{
    if (!h)
        return;
    close_listeners(h);
    conns_free(h->conns);
    watch_free(h->tick);
    watch_free(h->on_term);
    watch_free(h->on_int);
    loop_free(h->loop);
    progress_free(&h->app.progress);
    prefixes_free(h->app.prefixes);
    api_free(h->app.api);
    store_close(h->app.store);
    tls_server_free(h->tls);
    if (h->app.state_fd >= 0)
        close(h->app.state_fd);
    free(h);
}

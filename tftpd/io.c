#include "tftpd/tftpd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "tftpd/io_journal.h"
#include "tftpd/io_session.h"
#include "tftpd/io_socket.h"
#include "tftpd/path.h"

#define REQUEST_MAX       2048 /* bytes of a request; RFC 2347 allows 512 */
#define REQUESTS_A_TURN   64   /* so that new requests do not hold up running transfers */
#define REFUSALS_A_SECOND 100
#define DESCRIPTORS       (2 * PLACES_MAX + 256) /* a socket and perhaps a file of its own each; the store's */

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
    struct io_journal *journal;
    struct io_sessions *sessions;
    uint64_t refusals_since_us, refusals, refusals_unsaid; /* of this second; in the log they are bounded */
};

/* Anyone can have himself refused as often as he likes: each answer is cheap, but the log is on a disk. */
static void log_refusal(struct tftpd *t, const char *event, const struct sockaddr_in *peer, const char *name,
                        const char *text)
{
    char from[32];
    uint64_t now = io_now_us();
    if (now - t->refusals_since_us >= 1000000) {
        if (t->refusals_unsaid)
            log_warn("tftp-refused-more requests=%llu reason=\"too many to name each\"",
                     (unsigned long long)t->refusals_unsaid);
        t->refusals_since_us = now;
        t->refusals = t->refusals_unsaid = 0;
    }
    if (t->refusals++ < REFUSALS_A_SECOND)
        log_info("%s peer=%s file=\"%s\" reason=\"%s\"", event, io_peer_text(peer, from), name, text);
    else
        t->refusals_unsaid++;
}

static void refuse(struct listener *l, const struct sockaddr_in *peer, struct in_addr local, const char *name,
                   enum tftp_code code, const char *text)
{
    int fd;
    log_refusal(l->server, "tftp-refused", peer, name, text);
    if (io_socket_fresh(l->interface, local, &fd, NULL))
        return;
    io_send_error(fd, peer, code, text);
    close(fd);
}

static enum tftp_code code_of(const struct err *e)
{
    return e->kind == ERR_NOT_FOUND ? TFTP_E_NOT_FOUND : e->kind == ERR_REFUSED ? TFTP_E_ACCESS : TFTP_E_TEXT;
}

static void serve(struct listener *l, const struct sockaddr_in *peer, struct in_addr local,
                  const struct tftp_packet *p)
{
    struct tftpd *t = l->server;
    struct err e = {0};
    char name[TFTP_NAME_MAX];
    struct io_request r = {.interface = l->interface,
                           .peer = *peer,
                           .local = local,
                           .packet = p,
                           .name = name,
                           .now_us = io_now_us()};
    int fd = -1;
    int rc = path_normalise(p->name, name, &e);
    if (!rc && io_session_repeated(t->sessions, &r))
        return;
    if (!rc)
        rc = path_open(t->root_fd, name, &fd, &e) || io_session_start(t->sessions, &r, fd, &e);
    if (fd >= 0)
        close(fd);
    if (rc && e.kind == ERR_UNAVAILABLE)
        log_refusal(t, "tftp-wait", peer, name, e.text); /* the client asks again */
    else if (rc)
        refuse(l, peer, local, p->name, code_of(&e), e.text);
}

static void on_request(struct listener *l, struct span bytes, const struct sockaddr_in *peer,
                       struct in_addr local)
{
    struct tftp_packet p;
    struct err e = {0};
    char from[32];
    if (tftp_decode(bytes, &p, &e)) {
        /* An answer only to what claims to be a request: anything else may be forged to make us talk. */
        if (bytes.n >= 2 && bytes.p[0] == 0 && (bytes.p[1] == TFTP_RRQ || bytes.p[1] == TFTP_WRQ))
            refuse(l, peer, local, "", TFTP_E_ILLEGAL, e.text);
        else
            log_debug("tftp-drop peer=%s reason=\"%s\"", io_peer_text(peer, from), e.text);
    } else if (p.op == TFTP_WRQ) {
        refuse(l, peer, local, p.name, TFTP_E_ACCESS, "this server is read-only");
    } else if (p.op != TFTP_RRQ) {
        log_debug("tftp-drop peer=%s reason=\"not a request\"", io_peer_text(peer, from));
    } else {
        serve(l, peer, local, &p);
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

static void raise_descriptors(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= DESCRIPTORS)
        return;
    r.rlim_cur = DESCRIPTORS;
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

int tftpd_serve(struct tftpd *t, const char *state_dir, struct err *e)
{
    t->loop = loop_new();
    struct watch *term = watch_signal(t->loop, SIGTERM, on_stop, t),
                 *intr = watch_signal(t->loop, SIGINT, on_stop, t);
    for (size_t i = 0; i < t->listeners_n; i++)
        t->listeners[i].watch =
            watch_fd(t->loop, t->listeners[i].fd, WATCH_READ, on_listener, &t->listeners[i]);
    int rc = state_dir ? io_journal_open(state_dir, t->loop, &t->journal, e) : 0;
    if (!rc) {
        t->sessions = io_sessions_new(t->loop, t->journal);
        log_info("tftp-serving listeners=%zu", t->listeners_n);
        rc = loop_run(t->loop, e);
    }
    io_sessions_free(t->sessions);
    t->sessions = NULL;
    io_journal_close(t->journal);
    t->journal = NULL;
    for (size_t i = 0; i < t->listeners_n; i++)
        watch_free(t->listeners[i].watch);
    watch_free(term);
    watch_free(intr);
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

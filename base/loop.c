#include "base/loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/str.h"

struct loop {
    struct event_base *base;
    bool stopped; /* libevent forgets a wish to stop that comes before the loop runs */
};

struct watch {
    struct event *event;
    union {
        watch_fn *fn;
        watch_fd_fn *fd_fn;
    };
    void *ctx;
};

struct loop *loop_new(void)
{
    struct loop *l = xcalloc(1, sizeof *l);

    l->base = event_base_new();
    if (!l->base) {
        abort();
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (!l) {
        return;
    }
    event_base_free(l->base);
    free(l);
}

int loop_run(struct loop *l, struct err *e)
{
    int r = l->stopped ? 0 : event_base_dispatch(l->base);

    l->stopped = false;
    return r < 0 ? err_errno(e, "waiting for events") : 0;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
    event_base_loopbreak(l->base);
}

static void on_plain(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;

    (void)fd;
    (void)what;
    w->fn(w->ctx);
}

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;

    w->fd_fn(fd, (what & EV_READ ? WATCH_READ : 0u) | (what & EV_WRITE ? WATCH_WRITE : 0u), w->ctx);
}

static struct watch *watch_new(struct loop *l, int fd, short what, event_callback_fn shim, void *ctx)
{
    struct watch *w = xcalloc(1, sizeof *w);

    w->ctx = ctx;
    w->event = event_new(l->base, fd, what, shim, w);
    if (!w->event) {
        abort();
    }
    return w;
}

struct watch *watch_timer(struct loop *l, watch_fn *fn, void *ctx)
{
    struct watch *w = watch_new(l, -1, 0, on_plain, ctx);

    w->fn = fn;
    return w;
}

void watch_arm(struct watch *w, uint32_t ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    event_add(w->event, &tv);
}

void watch_disarm(struct watch *w)
{
    event_del(w->event);
}

struct watch *watch_signal(struct loop *l, int signo, watch_fn *fn, void *ctx)
{
    struct watch *w = watch_new(l, signo, EV_SIGNAL | EV_PERSIST, on_plain, ctx);

    w->fn = fn;
    event_add(w->event, NULL);
    return w;
}

struct watch *watch_fd(struct loop *l, int fd, unsigned what, watch_fd_fn *fn, void *ctx)
{
    short events =
        (short)((what & WATCH_READ ? EV_READ : 0) | (what & WATCH_WRITE ? EV_WRITE : 0) | EV_PERSIST);
    struct watch *w = watch_new(l, fd, events, on_fd, ctx);

    w->fd_fn = fn;
    event_add(w->event, NULL);
    return w;
}

void watch_free(struct watch *w)
{
    if (!w) {
        return;
    }
    event_free(w->event);
    free(w);
}

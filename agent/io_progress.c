#include <pthread.h>
#include <stdlib.h>

#include "agent/backoff.h"
#include "agent/installer.h"
#include "agent/say.h"

#define CONSOLE_EVERY 2u /* seconds */

struct progress {
    struct installer *in;
    struct api api; /* a connection of its own */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
};

/* Waits for a second; true when it is time to stop. */
static bool wait_second(struct progress *p)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&p->lock);
    while (!p->stop && pthread_cond_timedwait(&p->wake, &p->lock, &until) == 0)
        ;
    bool stop = p->stop;
    pthread_mutex_unlock(&p->lock);
    return stop;
}

static void show(uint64_t done, uint64_t total, uint64_t rate)
{
    char d[16], t[16], r[16];
    unsigned long long left = rate ? (total - done) / rate : 0;
    say("%3llu%%  %s of %s, %s/s, %llu s left", total ? (unsigned long long)(done * 100 / total) : 100,
        size_format(done, d), size_format(total, t), size_format(rate, r), left);
}

/* One report. A server that does not answer is no reason to stop writing; one that refuses the token is. */
static void report(struct progress *p, uint64_t done, uint64_t total, uint64_t rate)
{
    struct err why = {0};
    if (api_progress(&p->api, done, total, rate, &why) == 0)
        return;
    if (why.kind == ERR_REFUSED || why.kind == ERR_CONFLICT) {
        say("the server wants this install no more: %s", why.text);
        atomic_store(&p->in->stop, true);
    }
}

static void *run(void *ctx)
{
    struct progress *p = ctx;
    uint64_t total = manifest_data_bytes(&p->in->manifest), first = atomic_load(&p->in->done),
             began = ticks_ms();
    for (unsigned i = 1; !wait_second(p) && !atomic_load(&p->in->stop); i++) {
        uint64_t done = atomic_load(&p->in->done), ms = ticks_ms() - began;
        uint64_t rate = ms ? (done - first) * 1000 / ms : 0;
        report(p, done, total, rate);
        if (i % CONSOLE_EVERY == 0)
            show(done, total, rate);
    }
    return NULL;
}

struct progress *progress_start(struct installer *in)
{
    struct progress *p = xcalloc(1, sizeof *p);
    pthread_condattr_t attr;
    p->in = in;
    if (api_new(in->api.url, in->api.token, &p->api, NULL)) {
        free(p);
        return NULL;
    }
    p->api.patience_ms = 0;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    if (pthread_create(&p->thread, NULL, run, p) == 0)
        return p;
    api_free(&p->api);
    free(p);
    return NULL;
}

void progress_stop(struct progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    api_free(&p->api);
    free(p);
}

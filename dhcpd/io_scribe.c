#include "dhcpd/io_scribe.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"

#define ENTRIES_MAX 20000 /* a store that stays locked must not fill the memory */
#define PATIENCE_MS 2000
#define AGAIN_S     2 /* until a disk that was full is tried again */

struct job {
    struct job *next;
    scribe_fn *fn;
    void *what;
    size_t entries;
};

struct scribe {
    struct store *store; /* the thread's */
    pthread_t thread;
    pthread_mutex_t mutex; /* over the rest */
    pthread_cond_t wake;
    struct job *first, **last;
    size_t entries; /* of all that wait */
    bool ends, behind;
};

/* Waits for jobs and takes all there are. NULL: the end. */
static struct job *take_all(struct scribe *s)
{
    pthread_mutex_lock(&s->mutex);
    while (!s->first && !s->ends)
        pthread_cond_wait(&s->wake, &s->mutex);
    struct job *all = s->first;
    s->first = NULL;
    s->last = &s->first;
    s->entries = 0;
    pthread_mutex_unlock(&s->mutex);
    return all;
}

/* Of the jobs from `first` up to `end`, which is none of them. */
static size_t entries_of(const struct job *first, const struct job *end)
{
    size_t n = 0;
    for (; first != end; first = first->next)
        n += first->entries;
    return n;
}

static int write_once(struct scribe *s, const struct job *first, const struct job *end, struct err *e)
{
    int r = store_begin(s->store, e);
    for (const struct job *j = first; j != end && r == 0; j = j->next)
        r = j->fn(s->store, j->what, e);
    if (r == 0)
        return store_commit(s->store, e);
    store_rollback(s->store);
    return -1;
}

/* Somebody else keeps the store locked, or its disk is full. */
static bool may_pass(const struct scribe *s, const struct err *e)
{
    return e->kind == ERR_UNAVAILABLE || (e->kind == ERR_IO && store_full(s->store));
}

/* True: the end has come. The store itself waits for who keeps it locked, but not for space. */
static bool fall_behind(struct scribe *s, bool pauses)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += AGAIN_S;
    pthread_mutex_lock(&s->mutex);
    s->behind = true;
    while (pauses && !s->ends && pthread_cond_timedwait(&s->wake, &s->mutex, &until) == 0)
        ; /* jobs that come wake us too */
    bool ends = s->ends;
    pthread_mutex_unlock(&s->mutex);
    return ends;
}

static void catch_up(struct scribe *s)
{
    pthread_mutex_lock(&s->mutex);
    s->behind = false;
    pthread_mutex_unlock(&s->mutex);
}

/* What may pass is waited for. -1: waiting does not help. */
static int write_in_time(struct scribe *s, const struct job *first, const struct job *end, struct err *e)
{
    while (write_once(s, first, end, e)) {
        if (!may_pass(s, e) || fall_behind(s, e->kind == ERR_IO))
            return -1;
        log_warn("dhcp-journal waits=%zu problem=\"%s\"", entries_of(first, end), e->text);
    }
    catch_up(s);
    return 0;
}

static void log_lost(const struct job *first, const struct job *end, const struct err *e)
{
    log_error("dhcp-journal lost=%zu problem=\"%s\"", entries_of(first, end), e->text);
}

/* One that cannot be written must not take the others with it: then each goes alone. A store that is still
 * locked, or full, at the end takes none of them. */
static void write_all(struct scribe *s, const struct job *all)
{
    struct err e = {0};
    if (write_in_time(s, all, NULL, &e) == 0)
        return;
    if (may_pass(s, &e)) {
        log_lost(all, NULL, &e);
        return;
    }
    for (const struct job *j = all; j; j = j->next) {
        if (write_in_time(s, j, j->next, &e) == 0)
            continue;
        bool none = may_pass(s, &e);
        log_lost(j, none ? NULL : j->next, &e);
        if (none)
            return;
    }
}

static void free_all(struct job *all)
{
    for (struct job *next; all; all = next) {
        next = all->next;
        free(all->what);
        free(all);
    }
}

static void *run(void *ctx)
{
    struct scribe *s = ctx;
    for (struct job *all; (all = take_all(s));) {
        write_all(s, all);
        free_all(all);
    }
    return NULL;
}

/* Signals are the loop's, but for the sandbox's: it names the call that was forbidden. */
static int start_thread(struct scribe *s)
{
    sigset_t all, was;
    sigfillset(&all);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    int r = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return r;
}

/* Its waits are of the monotonic clock: the wall's may be set back while a disk is full. */
static void init_wake(pthread_cond_t *c)
{
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(c, &a);
    pthread_condattr_destroy(&a);
}

int scribe_open(const char *state_dir, struct scribe **ret, struct err *e)
{
    struct scribe *s = xcalloc(1, sizeof *s);
    s->last = &s->first;
    pthread_mutex_init(&s->mutex, NULL);
    init_wake(&s->wake);
    if (store_open(state_dir, &s->store, e) == 0) {
        store_frugal(s->store);
        store_patience(s->store, PATIENCE_MS);
        if (start_thread(s) == 0) {
            *ret = s;
            return 0;
        }
        err_set(e, ERR_IO, "dhcp: no thread could be started");
    }
    store_close(s->store);
    free(s);
    return -1;
}

void scribe_close(struct scribe *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    s->ends = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    store_close(s->store);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

bool scribe_is_behind(struct scribe *s)
{
    pthread_mutex_lock(&s->mutex);
    bool behind = s->behind;
    pthread_mutex_unlock(&s->mutex);
    return behind;
}

void scribe_do(struct scribe *s, scribe_fn *fn, void *what, size_t entries)
{
    struct job *j = xcalloc(1, sizeof *j);
    *j = (struct job){.fn = fn, .what = what, .entries = entries};
    pthread_mutex_lock(&s->mutex);
    bool full = s->entries + entries > ENTRIES_MAX;
    if (!full) {
        *s->last = j;
        s->last = &j->next;
        s->entries += entries;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->mutex);
    if (full) {
        log_error("dhcp-journal lost=%zu problem=\"the store does not keep up\"", entries);
        free_all(j);
    }
}

struct list {
    scribe_entry_fn *fn;
    int64_t at_ms;
    size_t size, n;
    max_align_t entries[];
};

static int write_list(struct store *s, void *job, struct err *e)
{
    const struct list *l = job;
    int r = 0;
    for (size_t i = 0; i < l->n && r == 0; i++)
        r = l->fn(s, (const char *)l->entries + i * l->size, l->at_ms, e);
    return r;
}

void scribe_each(struct scribe *s, scribe_entry_fn *fn, const void *entries, size_t size, size_t n,
                 int64_t at_ms)
{
    if (!n)
        return;
    struct list *l = xcalloc(1, sizeof *l + n * size);
    *l = (struct list){.fn = fn, .at_ms = at_ms, .size = size, .n = n};
    memcpy(l->entries, entries, n * size);
    scribe_do(s, write_list, l, n);
}

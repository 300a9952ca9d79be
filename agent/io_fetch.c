/* One thread reads the pack's ranges and cuts them into frames; a bounded queue; several threads that verify,
 * decode, verify again and write. Reading stops while the queue is full, and TCP tells the server. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "agent/backoff.h"
#include "agent/installer.h"
#include "agent/say.h"

#define QUEUE_BYTES (16u << 20)
#define TIMEOUT_MS  20000
#define WRONG_SHOWN 5u /* more lines than these tell nobody more */

/* A frame as it lies in the pack. */
struct piece {
    struct piece *next;
    size_t frame;
    uint32_t len;
    uint8_t bytes[];
};

struct fetch {
    struct installer *in;
    bool last_try;     /* a wrong frame is an error now */
    atomic_uint wrong; /* frames so far that are to be fetched again */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    struct piece *first, **end;
    size_t queued;
    bool closed; /* no more pieces will come */
    bool failed;
    struct err err;
    const char *reason;
};

static void fail(struct fetch *f, const char *reason, const struct err *why)
{
    pthread_mutex_lock(&f->lock);
    if (!f->failed) {
        f->failed = true;
        f->err = *why;
        f->reason = reason;
    }
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* Takes the piece. False when there is no point in going on. */
static bool queue_put(struct fetch *f, struct piece *p)
{
    pthread_mutex_lock(&f->lock);
    while (f->queued && f->queued + p->len > QUEUE_BYTES && !f->failed)
        pthread_cond_wait(&f->changed, &f->lock);
    bool go_on = !f->failed;
    *f->end = p;
    f->end = &p->next;
    f->queued += p->len;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return go_on;
}

/* NULL at the end. */
static struct piece *queue_take(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    while (!f->first && !f->closed && !f->failed)
        pthread_cond_wait(&f->changed, &f->lock);
    struct piece *p = f->failed ? NULL : f->first;
    if (p) {
        f->first = p->next;
        if (!f->first)
            f->end = &f->first;
        f->queued -= p->len;
    }
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return p;
}

static void queue_close(struct fetch *f)
{
    pthread_mutex_lock(&f->lock);
    f->closed = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* ---- the workers ---- */

static int decode(const struct manifest *m, const struct piece *p, ZSTD_DCtx *z, uint8_t *raw, struct err *e)
{
    const struct frame *f = &m->frames[p->frame];
    uint32_t n = frame_raw_len(m, p->frame);
    unsigned long long at = (unsigned long long)p->frame * FRAME_SIZE;
    const char *what = NULL;
    if (!digest_eq(digest_sha256(span_of(p->bytes, p->len)), f->stored))
        what = "the pack's bytes have a wrong SHA-256";
    else if (ZSTD_decompressDCtx(z, raw, n, p->bytes, p->len) != n)
        what = "the pack's bytes do not decompress to the frame's size";
    else if (!digest_eq(digest_sha256(span_of(raw, n)), f->raw))
        what = "the decompressed bytes have a wrong SHA-256";
    if (!what)
        return 0;
    return err_set(e, ERR_CORRUPT, "frame %zu at byte %llu of the disk (byte %llu of the pack): %s", p->frame,
                   at, (unsigned long long)f->pack_at, what);
}

static int put_frame(struct installer *in, size_t i, const uint8_t *raw, struct err *e)
{
    uint64_t start = (uint64_t)i * FRAME_SIZE, from, to;
    plan_window(&in->manifest, i, &from, &to);
    if (i < HEAD_FRAMES)
        memcpy(in->head + start, raw, frame_raw_len(&in->manifest, i));
    else if (to > from && target_write(&in->target, raw + (from - start), (size_t)(to - from), from, e))
        return -1;
    if (i % 128 == 127)
        target_push(&in->target, start - 127 * (uint64_t)FRAME_SIZE, 128 * (uint64_t)FRAME_SIZE);
    in->have[i] = true;
    atomic_fetch_add(&in->frames_written, 1);
    atomic_fetch_add(&in->done, frame_raw_len(&in->manifest, i));
    return 0;
}

static void work(struct fetch *f, const struct piece *p, ZSTD_DCtx *z, uint8_t *raw)
{
    struct err why = {0};
    if (decode(&f->in->manifest, p, z, raw, &why)) {
        if (f->last_try)
            fail(f, "image-corrupt", &why);
        else if (atomic_fetch_add(&f->wrong, 1) < WRONG_SHOWN)
            say("%s; fetching it again", why.text);
    } else if (put_frame(f->in, p->frame, raw, &why)) {
        fail(f, "disk-io", &why);
    }
}

static void *worker(void *ctx)
{
    struct fetch *f = ctx;
    ZSTD_DCtx *z = ZSTD_createDCtx();
    uint8_t *raw = xcalloc(1, FRAME_SIZE);
    for (struct piece *p; (p = queue_take(f)); free(p))
        work(f, p, z, raw);
    free(raw);
    ZSTD_freeDCtx(z);
    return NULL;
}

/* ---- the reader ---- */

struct stream {
    struct fetch *f;
    size_t frame;        /* of the next byte */
    struct piece *piece; /* NULL while the frame is one that we pass over */
    uint32_t got;        /* bytes of it */
};

static void next_frame(struct stream *s)
{
    const struct manifest *m = &s->f->in->manifest;
    while (s->frame < m->n && m->frames[s->frame].type != FRAME_DATA)
        s->frame++;
}

static void begin_frame(struct stream *s)
{
    uint32_t len = s->f->in->manifest.frames[s->frame].stored_len;
    if (s->f->in->have[s->frame])
        return;
    s->piece = xcalloc(1, sizeof *s->piece + len);
    s->piece->frame = s->frame;
    s->piece->len = len;
}

static bool end_frame(struct stream *s)
{
    struct piece *p = s->piece;
    s->piece = NULL;
    s->got = 0;
    s->frame++;
    next_frame(s);
    return !p || queue_put(s->f, p);
}

static int sink(void *ctx, const uint8_t *p, size_t n, struct err *e)
{
    struct stream *s = ctx;
    const struct manifest *m = &s->f->in->manifest;
    atomic_fetch_add(&s->f->in->bytes_fetched, n);
    if (atomic_load(&s->f->in->stop))
        return err_set(e, ERR_REFUSED, "stopped by the server");
    while (n > 0 && s->frame < m->n) {
        uint32_t len = m->frames[s->frame].stored_len, take = len - s->got;
        if (s->got == 0)
            begin_frame(s);
        if (take > n)
            take = (uint32_t)n;
        if (s->piece)
            memcpy(s->piece->bytes + s->got, p, take);
        s->got += take;
        p += take;
        n -= take;
        if (s->got == len && !end_frame(s))
            return err_set(e, ERR_IO, "stopped after an error");
    }
    return 0;
}

static const char *reason_of(enum err_kind kind)
{
    return kind == ERR_CORRUPT ? "image-corrupt" : kind == ERR_NOT_FOUND ? "image-missing" : "agent-error";
}

/* For as long as the server wants, each machine a little longer by chance, else with back-off. */
static void server_wait(const struct agent_http *http, struct backoff *wait)
{
    unsigned retry_s;
    agent_http_refusal(http, &retry_s);
    backoff_wait_asked(wait, retry_s);
}

/* One range, for as long as it takes: a cut stream goes on at the frame where it was cut. */
static int read_range(struct stream *s, struct agent_http *http, const char *path, const struct plan_range *r,
                      struct err *e)
{
    const struct manifest *m = &s->f->in->manifest;
    struct backoff wait = {0};
    s->frame = r->first;
    for (;;) {
        uint64_t from = m->frames[s->frame].pack_at, total = m->pack_size;
        size_t began = s->frame;
        struct err why = {0};
        int status = agent_http_range(http, path, from, r->from + r->len - from, &total, sink, s, &why);
        free(s->piece);
        s->piece = NULL;
        s->got = 0;
        if (total != m->pack_size)
            return err_set(e, ERR_CORRUPT, "the pack has %llu bytes; its manifest says %llu",
                           (unsigned long long)total, (unsigned long long)m->pack_size);
        if (status == 0)
            return 0;
        if (s->frame > r->last)
            return 0; /* all was there; only the connection broke */
        if (why.kind != ERR_UNAVAILABLE)
            return err_set(e, why.kind, "%s", why.text);
        if (s->frame > began)
            wait = (struct backoff){0};
        say("%s; going on at frame %zu", why.text, s->frame);
        server_wait(http, &wait);
        if (atomic_load(&s->f->in->stop))
            return err_set(e, ERR_REFUSED, "stopped by the server");
    }
}

static void read_pack(struct fetch *f)
{
    struct stream s = {.f = f};
    struct agent_http *http = NULL;
    struct plan plan;
    struct err why = {0};
    char path[128], hex[DIGEST_HEX];
    snprintf(path, sizeof path, "/images/%s/pack", digest_format(f->in->job.digest, hex));
    plan_make(&f->in->manifest, f->in->have, &plan);
    int status = agent_http_new(f->in->api.url, TIMEOUT_MS, &http, &why);
    for (size_t i = 0; status == 0 && i < plan.n; i++)
        status = read_range(&s, http, path, &plan.ranges[i], &why);
    if (status)
        fail(f, reason_of(why.kind), &why); /* the first error stays */
    agent_http_free(http);
    plan_free(&plan);
}

static int fetch_pass(struct installer *in, bool last_try, struct err *e)
{
    struct fetch f = {.in = in, .last_try = last_try};
    pthread_t threads[8];
    unsigned n = 0;
    f.end = &f.first;
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.changed, NULL);
    while (n < worker_count() && pthread_create(&threads[n], NULL, worker, &f) == 0)
        n++;
    if (n > 0)
        read_pack(&f);
    else
        fail(&f, "agent-error",
             &(struct err){ERR_IO, "no thread could be started; the machine has too little memory"});
    queue_close(&f);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    for (struct piece *p; (p = f.first); free(p))
        f.first = p->next;
    pthread_mutex_destroy(&f.lock);
    pthread_cond_destroy(&f.changed);
    if (!f.failed)
        return 0;
    in->reason = f.reason;
    return err_set(e, f.err.kind, "%s", f.err.text);
}

int fetch_frames(struct installer *in, struct err *e)
{
    if (fetch_pass(in, false, e))
        return -1;
    return fetch_pass(in, true, e); /* nothing to do unless a frame was wrong */
}

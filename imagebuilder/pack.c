#include "imagebuilder/pack.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "base/file.h"

#define LEVEL       9
#define BATCH       256 /* frames compressed side by side before they are written, in order */
#define THREADS_MAX 16
#define STORED_MAX  (FRAME_SIZE + (FRAME_SIZE >> 8) + 64)

struct batch {
    int disk_fd;
    struct manifest *m;
    const size_t *todo; /* frames' numbers */
    size_t n;
    uint8_t (*stored)[STORED_MAX];
    atomic_size_t next;
    atomic_int error; /* errno of a read; EIO when zstd fails */
};

static bool all_zero(const uint8_t *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* Reads, judges, hashes and compresses one frame. Returns 0 or an errno. */
static int do_frame(struct batch *b, size_t k, ZSTD_CCtx *z, uint8_t *raw)
{
    size_t i = b->todo[k];
    struct frame *f = &b->m->frames[i];
    uint32_t len = frame_raw_len(b->m, i);
    ssize_t got = pread_all(b->disk_fd, raw, len, (off_t)((uint64_t)i * FRAME_SIZE));

    if (got != (ssize_t)len)
        return got < 0 ? errno : EIO;
    if (all_zero(raw, len)) {
        f->type = FRAME_ZERO;
        return 0;
    }
    size_t stored = ZSTD_compress2(z, b->stored[k], STORED_MAX, raw, len);
    if (ZSTD_isError(stored))
        return EIO;
    f->type = FRAME_DATA;
    f->stored_len = (uint32_t)stored;
    f->raw = digest_sha256(span_of(raw, len));
    f->stored = digest_sha256(span_of(b->stored[k], stored));
    return 0;
}

static void *work(void *ctx)
{
    struct batch *b = ctx;
    uint8_t *raw = xcalloc(1, FRAME_SIZE);
    ZSTD_CCtx *z = ZSTD_createCCtx();
    size_t k;

    ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, LEVEL);
    while ((k = atomic_fetch_add(&b->next, 1)) < b->n && !atomic_load(&b->error)) {
        int error = do_frame(b, k, z, raw);

        if (error)
            atomic_store(&b->error, error);
    }
    ZSTD_freeCCtx(z);
    free(raw);
    return NULL;
}

/* A thread that cannot be started is no error: the others do its work, and this one always does its own. */
static int run_batch(struct batch *b, struct err *e)
{
    pthread_t threads[THREADS_MAX];
    size_t started = 0;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    while (started + 1 < (size_t)cpus && started < THREADS_MAX &&
           pthread_create(&threads[started], NULL, work, b) == 0)
        started++;
    work(b);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (!atomic_load(&b->error))
        return 0;
    errno = atomic_load(&b->error);
    return err_errno(e, "the disk's file cannot be read or compressed");
}

static int write_batch(const struct batch *b, int pack_fd, struct err *e)
{
    for (size_t k = 0; k < b->n; k++) {
        struct frame *f = &b->m->frames[b->todo[k]];

        if (f->type != FRAME_DATA)
            continue;
        f->pack_at = b->m->pack_size;
        if (write_all(pack_fd, b->stored[k], f->stored_len))
            return err_errno(e, "the pack cannot be written");
        b->m->pack_size += f->stored_len;
    }
    return 0;
}

/* Marks what is FREE, and what the file system says are holes; returns the frames that must be read. */
static size_t *list_todo(int fd, const uint8_t *free_map, struct manifest *m, size_t *ret_n)
{
    size_t *todo = xcalloc(m->n ? m->n : 1, sizeof(*todo)), n = 0;
    uint64_t data = 0, hole = 0; /* the run of data that we are in or before */

    for (size_t i = 0; i < m->n; i++) {
        uint64_t at = (uint64_t)i * FRAME_SIZE, end = at + frame_raw_len(m, i);

        while (hole <= at && hole < m->disk_size) {
            off_t d = lseek(fd, (off_t)at, SEEK_DATA);
            off_t h = d < 0 ? -1 : lseek(fd, d, SEEK_HOLE);

            /* ENXIO: holes to the end. Any other error: the file system cannot tell, and all is data. */
            data = d >= 0 ? (uint64_t)d : errno == ENXIO ? m->disk_size : at;
            hole = h >= 0 ? (uint64_t)h : m->disk_size;
        }
        m->frames[i].type = free_map[i] ? FRAME_FREE : FRAME_ZERO;
        if (!free_map[i] && data < end)
            todo[n++] = i;
    }
    *ret_n = n;
    return todo;
}

int pack_frames(int disk_fd, int pack_fd, const uint8_t *free_map, struct manifest *m,
                const struct build_options *o, struct err *e)
{
    size_t n;
    size_t *todo = list_todo(disk_fd, free_map, m, &n);
    uint8_t(*stored)[STORED_MAX] = xcalloc(BATCH, STORED_MAX);
    int rc = 0;

    m->pack_size = 0;
    for (size_t i = 0; i < n && rc == 0; i += BATCH) {
        struct batch b = {
            .disk_fd = disk_fd,
            .m = m,
            .todo = todo + i,
            .n = n - i < BATCH ? n - i : BATCH,
            .stored = stored,
        };

        rc = run_batch(&b, e) || write_batch(&b, pack_fd, e) ? -1 : 0;
        if (o->progress)
            o->progress("compressing", (uint64_t)(i + b.n) * FRAME_SIZE, (uint64_t)n * FRAME_SIZE, o->ctx);
    }
    free(stored);
    free(todo);
    return rc;
}

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/installer.h"
#include "agent/say.h"

#define BATCH 64u /* frames that a thread takes at once: 4 MiB, read in order */

struct compare {
    struct installer *in;
    atomic_size_t next;
};

unsigned worker_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 2 ? 2 : n > 8 ? 8 : (unsigned)n;
}

/* An unreadable sector counts as different: writing it may mend it, and if not, says so. */
static bool same(struct installer *in, size_t i, uint8_t *buf)
{
    const struct manifest *m = &in->manifest;
    uint32_t n = frame_raw_len(m, i);
    if (target_read(&in->target, buf, n, (uint64_t)i * FRAME_SIZE, NULL))
        return false;
    return !is_zero(buf, n) && digest_eq(digest_sha256(span_of(buf, n)), m->frames[i].raw);
}

static void *worker(void *ctx)
{
    struct compare *c = ctx;
    struct installer *in = c->in;
    uint8_t *buf = xcalloc(1, FRAME_SIZE);
    size_t first;
    while (!atomic_load(&in->stop) && (first = atomic_fetch_add(&c->next, BATCH)) < in->manifest.n)
        for (size_t i = first; i < first + BATCH && i < in->manifest.n; i++)
            if (plan_comparable(&in->manifest, i) && same(in, i, buf)) {
                in->have[i] = true;
                atomic_fetch_add(&in->frames_same, 1);
                atomic_fetch_add(&in->done, frame_raw_len(&in->manifest, i));
            }
    free(buf);
    return NULL;
}

int compare_frames(struct installer *in, struct err *e)
{
    struct compare c = {.in = in};
    pthread_t threads[8];
    unsigned n = 0;
    while (n < worker_count() && pthread_create(&threads[n], NULL, worker, &c) == 0)
        n++;
    if (n == 0)
        return err_set(e, ERR_IO, "no thread could be started; the machine has too little memory");
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    unsigned long long same = atomic_load(&in->frames_same);
    if (same)
        say("the disk holds %llu of the image's frames already", same);
    return 0;
}

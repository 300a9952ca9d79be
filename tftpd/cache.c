#include "tftpd/cache.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

struct cache {
    struct cached *files;
};

struct cache *cache_new(void)
{
    return xcalloc(1, sizeof(struct cache));
}

static void drop(struct cached *f)
{
    if (f->mode == TFTP_NETASCII)
        free((void *)f->bytes.p);
    else if (f->bytes.n)
        munmap((void *)f->bytes.p, f->bytes.n);
    free(f);
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    while (c->files) {
        struct cached *f = c->files;
        c->files = f->next;
        drop(f);
    }
    free(c);
}

size_t netascii_from(struct span in, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        bool lf = in.p[i] == '\n', cr = in.p[i] == '\r';
        if (out)
            out[n] = lf ? '\r' : in.p[i];
        n++;
        if (!lf && !cr)
            continue;
        if (out)
            out[n] = lf ? '\n' : '\0';
        n++;
    }
    return n;
}

static int translate(int fd, struct cached *f, struct err *e)
{
    if (f->size > NETASCII_MAX)
        return err_set(e, ERR_REFUSED, "netascii is for text up to %u bytes; ask for octet", NETASCII_MAX);
    uint8_t *raw = xcalloc(1, f->size + 1);
    ssize_t got = pread_all(fd, raw, f->size, 0);
    if (got < 0) {
        free(raw);
        return err_errno(e, "reading the file");
    }
    struct span in = span_of(raw, (size_t)got);
    size_t n = netascii_from(in, NULL);
    uint8_t *text = xcalloc(1, n + 1);
    netascii_from(in, text);
    free(raw);
    f->bytes = span_of(text, n);
    return 0;
}

static int map(int fd, struct cached *f, struct err *e)
{
    if (f->size == 0)
        return 0;
    void *p = mmap(NULL, f->size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "mapping the file");
    f->bytes = span_of(p, f->size);
    return 0;
}

static bool same(const struct cached *a, const struct cached *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed_ns == b->changed_ns &&
           a->mode == b->mode;
}

int cache_get(struct cache *c, int fd, enum tftp_mode mode, struct cached **ret, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_errno(e, "looking at the file");
    struct cached key = {.dev = st.st_dev,
                         .ino = st.st_ino,
                         .size = (uint64_t)st.st_size,
                         .changed_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
                         .mode = mode,
                         .readers = 1};
    for (struct cached *f = c->files; f; f = f->next)
        if (same(f, &key)) {
            f->readers++;
            *ret = f;
            return 0;
        }
    if (mode == TFTP_NETASCII ? translate(fd, &key, e) : map(fd, &key, e))
        return -1;
    struct cached *f = xcalloc(1, sizeof *f);
    *f = key;
    f->next = c->files;
    *ret = c->files = f;
    return 0;
}

void cache_put(struct cache *c, struct cached *f)
{
    if (--f->readers)
        return;
    struct cached **at = &c->files;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    drop(f);
}

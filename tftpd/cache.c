#include "tftpd/cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

struct cache {
    struct cached *files;
    uint64_t translated; /* bytes */
};

struct cache *cache_new(void)
{
    return xcalloc(1, sizeof(struct cache));
}

static void drop(struct cache *c, struct cached *f)
{
    if (f->mode == TFTP_NETASCII) {
        c->translated -= f->bytes.n;
        free((void *)f->bytes.p);
    } else if (f->bytes.n) {
        munmap((void *)f->bytes.p, f->bytes.n);
    }
    if (f->fd >= 0)
        close(f->fd);
    free(f);
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    while (c->files) {
        struct cached *f = c->files;
        c->files = f->next;
        drop(c, f);
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

static int translate(struct cache *c, int fd, struct cached *f, struct err *e)
{
    if (f->size > NETASCII_MAX)
        return err_set(e, ERR_REFUSED, "netascii is for text up to %u bytes; ask for octet", NETASCII_MAX);
    if (c->translated + 2 * f->size > NETASCII_MAX_ALL)
        return err_set(e, ERR_UNAVAILABLE, "too much text is being translated; ask for octet, or later");
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
    c->translated += n;
    return 0;
}

static int map(int fd, struct cached *f, struct err *e)
{
    void *p = f->size ? mmap(NULL, f->size, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    if (p == MAP_FAILED)
        return err_errno(e, "mapping the file");
    f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (f->fd < 0) {
        if (p)
            munmap(p, f->size);
        return err_errno(e, "keeping the file open");
    }
    f->bytes = span_of(p, f->size);
    return 0;
}

static int64_t ns(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool same(const struct cached *a, const struct cached *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed_ns == b->changed_ns &&
           a->written_ns == b->written_ns && a->mode == b->mode;
}

static struct cached *find(struct cache *c, const struct cached *key)
{
    struct cached *f = c->files;
    while (f && !same(f, key))
        f = f->next;
    return f;
}

/* Renaming and linking change a file's status, not its bytes: readers go on. */
static bool written_since(int fd, const struct cached *f)
{
    struct stat st;
    return fstat(fd, &st) || (uint64_t)st.st_size != f->size || ns(st.st_mtim) != f->written_ns;
}

static int add(struct cache *c, int fd, struct cached *key, struct cached **ret, struct err *e)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = ns(now) - key->written_ns;
    if (age >= 0 && age < SETTLED_MS * 1000000)
        return err_set(e, ERR_UNAVAILABLE, "the file is being written");
    if (key->mode == TFTP_NETASCII ? translate(c, fd, key, e) : map(fd, key, e))
        return -1;
    struct cached *f = xcalloc(1, sizeof *f);
    *f = *key;
    if (written_since(fd, f)) {
        drop(c, f);
        return err_set(e, ERR_UNAVAILABLE, "the file is being written");
    }
    f->next = c->files;
    *ret = c->files = f;
    return 0;
}

int cache_get(struct cache *c, int fd, enum tftp_mode mode, struct cached **ret, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_errno(e, "looking at the file");
    struct cached key = {.fd = -1,
                         .dev = st.st_dev,
                         .ino = st.st_ino,
                         .size = (uint64_t)st.st_size,
                         .changed_ns = ns(st.st_ctim),
                         .written_ns = ns(st.st_mtim),
                         .mode = mode,
                         .readers = 1};
    struct cached *f = find(c, &key);
    if (!f)
        return add(c, fd, &key, ret, e);
    f->readers++;
    *ret = f;
    return 0;
}

bool cache_changed(const struct cached *f)
{
    return f->fd >= 0 && written_since(f->fd, f);
}

int cache_read_last(const struct cached *f, uint64_t at, void *buf, size_t n)
{
    if (f->fd < 0) {
        memcpy(buf, f->bytes.p + at, n);
        return 0;
    }
    ssize_t got = n ? pread_all(f->fd, buf, n, (off_t)at) : 0;
    return got < 0 || (size_t)got != n || cache_changed(f) ? -1 : 0;
}

void cache_put(struct cache *c, struct cached *f)
{
    if (--f->readers)
        return;
    struct cached **at = &c->files;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    drop(c, f);
}

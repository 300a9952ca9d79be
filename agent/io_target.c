#include "agent/io_target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/gpt.h"
#include "base/file.h"
#include "base/str.h"

#define MIB (1u << 20)

static int io_error(const struct target *t, struct err *e, const char *what, uint64_t at)
{
    return err_errno(e, "%s: %s at byte %llu", t->path, what, (unsigned long long)at);
}

static int open_block(struct target *t, struct err *e)
{
    int sector = 0;
    t->block = true;
    t->fd = open(t->path, O_RDWR | O_EXCL | O_CLOEXEC);
    if (t->fd < 0 && errno == EBUSY)
        return err_set(e, ERR_CONFLICT,
                       "%s is in use by the kernel (mounted, or part of a RAID or volume group)", t->path);
    if (t->fd < 0)
        return err_errno(e, "%s cannot be opened", t->path);
    if (ioctl(t->fd, BLKGETSIZE64, &t->size) || ioctl(t->fd, BLKSSZGET, &sector))
        return err_errno(e, "%s does not tell its size", t->path);
    if (sector != (int)GPT_SECTOR)
        return err_set(e, ERR_INPUT, "%s has sectors of %d bytes; images are made for disks with 512",
                       t->path, sector);
    return 0;
}

int target_open(const char *path, struct target *ret, struct err *e)
{
    struct target t = {.fd = -1};
    struct stat st;
    if (!str_copy(t.path, sizeof t.path, path) || stat(path, &st))
        return err_errno(e, "%.300s cannot be found", path);
    if (S_ISBLK(st.st_mode)) {
        if (open_block(&t, e)) {
            target_close(&t);
            return -1;
        }
    } else {
        t.size = (uint64_t)st.st_size;
        t.fd = open(path, O_RDWR | O_CLOEXEC);
        if (t.fd < 0)
            return err_errno(e, "%s cannot be opened", path);
    }
    *ret = t;
    return 0;
}

void target_close(struct target *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
}

int target_read(const struct target *t, void *p, size_t n, uint64_t at, struct err *e)
{
    ssize_t got = pread_all(t->fd, p, n, (off_t)at);
    if (got < 0)
        return io_error(t, e, "reading", at);
    if ((size_t)got < n)
        return err_set(e, ERR_IO, "%s: it ends at byte %llu, too early", t->path,
                       (unsigned long long)at + (uint64_t)got);
    return 0;
}

int target_write(const struct target *t, const void *p, size_t n, uint64_t at, struct err *e)
{
    if (at > t->size || n > t->size - at)
        return err_set(e, ERR_IO, "%s: a write behind its end, at byte %llu", t->path,
                       (unsigned long long)at);
    if (pwrite_all(t->fd, p, n, (off_t)at))
        return io_error(t, e, "writing", at);
    return 0;
}

bool is_zero(const void *p, size_t n)
{
    const uint8_t *b = p;
    return n == 0 || (b[0] == 0 && memcmp(b, b + 1, n - 1) == 0);
}

/* One piece of at most a MiB. The device's own zeroing, where it has one, is many times faster than sending
 * zeros. */
static int zero_piece(const struct target *t, uint64_t at, size_t n, struct err *e)
{
    static const uint8_t zeros[MIB];
    uint64_t range[2] = {at, n};
    if (t->block && ioctl(t->fd, BLKZEROOUT, range) == 0)
        return 0;
    if (!t->block && fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n) == 0)
        return 0;
    return target_write(t, zeros, n, at, e);
}

int target_zero(const struct target *t, uint64_t from, uint64_t to, uint64_t *wrote, struct err *e)
{
    uint8_t buf[64 * 1024];
    while (from < to) {
        size_t n = to - from < sizeof buf ? (size_t)(to - from) : sizeof buf;
        if (target_read(t, buf, n, from, e))
            return -1;
        if (!is_zero(buf, n)) {
            if (zero_piece(t, from, n, e))
                return -1;
            *wrote += n;
        }
        from += n;
    }
    return 0;
}

int target_flush(const struct target *t, struct err *e)
{
    if (fsync(t->fd))
        return io_error(t, e, "flushing", 0);
    return 0;
}

void target_forget(const struct target *t, uint64_t from, uint64_t len)
{
    posix_fadvise(t->fd, (off_t)from, (off_t)len, POSIX_FADV_DONTNEED);
}

void target_push(const struct target *t, uint64_t from, uint64_t len)
{
    (void)sync_file_range(t->fd, (off_t)from, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

void target_reread(const struct target *t)
{
    if (t->block)
        (void)ioctl(t->fd, BLKRRPART);
}

static int wipe_ends(const struct target *t, uint64_t from, uint64_t len, struct err *e)
{
    uint64_t wrote = 0, n = len < MIB ? len : MIB;
    if (from > t->size || len > t->size - from)
        return 0; /* a partition that the table puts behind the disk's end */
    if (target_zero(t, from, from + n, &wrote, e) || target_zero(t, from + len - n, from + len, &wrote, e))
        return -1;
    return 0;
}

int target_wipe(const struct target *t, const struct byte_range *parts, size_t n, const char *job,
                struct err *e)
{
    uint64_t wrote = 0;
    char marker[GPT_SECTOR] = "";
    snprintf(marker, sizeof marker,
             "rackstrap: job %s is writing this disk; it is not complete and must not boot\n", job);
    /* The head first: from here on nothing boots this disk. */
    if (target_zero(t, 0, MIB - GPT_SECTOR, &wrote, e) ||
        target_write(t, marker, sizeof marker, MIB - GPT_SECTOR, e) || target_flush(t, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (wipe_ends(t, parts[i].from, parts[i].len, e))
            return -1;
    if (target_zero(t, t->size - MIB, t->size, &wrote, e) || target_flush(t, e))
        return -1;
    /* A partition that starts inside the first MiB took the marker with it. */
    if (target_write(t, marker, sizeof marker, MIB - GPT_SECTOR, e) || target_flush(t, e))
        return -1;
    target_reread(t);
    return 0;
}

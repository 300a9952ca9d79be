#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int write_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t k = write(fd, at, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

int pwrite_all(int fd, const void *p, size_t n, off_t at)
{
    const char *from = p;
    while (n) {
        ssize_t k = pwrite(fd, from, n, at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        from += k;
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

ssize_t pread_all(int fd, void *p, size_t n, off_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t k = pread(fd, (char *)p + got, n - got, at + (off_t)got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        if (k == 0)
            break;
        got += (size_t)k;
    }
    return (ssize_t)got;
}

int file_read(const char *path, size_t max, struct str *ret, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int missing = errno == ENOENT;
        err_errno(e, "cannot read %s", path);
        if (e && missing)
            e->kind = ERR_NOT_FOUND;
        return -1;
    }
    struct str got = {0};
    char buf[16384];
    ssize_t n;
    int rc = -1;
    while ((n = read(fd, buf, sizeof buf)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(e, "cannot read %s", path);
            goto out;
        }
        if (got.len + (size_t)n > max) {
            err_set(e, ERR_INPUT, "%s is longer than %zu bytes, the most that is allowed here", path, max);
            goto out;
        }
        str_addn(&got, buf, (size_t)n);
    }
    str_addn(ret, got.len ? got.s : "", got.len);
    rc = 0;
out:
    explicit_bzero(buf, sizeof buf); /* it may have been a password */
    if (got.s)
        explicit_bzero(got.s, got.len);
    str_free(&got);
    close(fd);
    return rc;
}

static int sync_folder(const char *path, struct err *e)
{
    char *copy = xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    if (fd < 0 || fsync(fd))
        rc = err_errno(e, "cannot flush the folder of %s", path);
    if (fd >= 0)
        close(fd);
    free(copy);
    return rc;
}

int file_write(const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
    char *temporary = xasprintf("%s.XXXXXX", path);
    int rc = -1, fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        err_errno(e, "cannot write beside %s", path);
        goto out;
    }
    if (fchmod(fd, mode) || write_all(fd, p, n) || fsync(fd) || rename(temporary, path)) {
        err_errno(e, "cannot write %s", path);
        unlink(temporary);
        goto out;
    }
    rc = sync_folder(path, e);
out:
    if (fd >= 0)
        close(fd);
    free(temporary);
    return rc;
}

/* Copies the data runs only: holes stay holes. */
static int copy_runs(int in, int out, off_t size)
{
    char *buf = xcalloc(1, 1 << 20);
    int rc = -1;
    for (off_t at = 0; at < size;) {
        off_t data = lseek(in, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? size : lseek(in, data, SEEK_HOLE);
        if (hole <= at)
            goto out; /* it cannot be told, or the file was cut short meanwhile */
        for (at = data < 0 ? at : data; at < hole;) {
            size_t want = hole - at < 1 << 20 ? (size_t)(hole - at) : 1 << 20;
            ssize_t n = pread_all(in, buf, want, at);
            if (n <= 0 || pwrite_all(out, buf, (size_t)n, at))
                goto out;
            at += n;
        }
    }
    rc = ftruncate(out, size);
out:
    free(buf);
    return rc;
}

int file_copy(const char *from, const char *to, mode_t mode, struct err *e)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, rc = -1;
    struct stat st;
    if (in < 0 || fstat(in, &st)) {
        err_errno(e, "cannot read %s", from);
        goto done;
    }
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (out < 0 || fchmod(out, mode) || copy_runs(in, out, st.st_size) || fsync(out)) {
        err_errno(e, "cannot copy %s to %s", from, to);
        goto done;
    }
    rc = 0;
done:
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return rc;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
    char *copy = xstrdup(path);
    int rc = -1;
    for (char *p = copy + 1; *copy; p++) {
        if (*p && *p != '/')
            continue;
        char was = *p;
        *p = '\0';
        if (mkdir(copy, mode) && errno != EEXIST) {
            err_errno(e, "cannot make the folder %s", copy);
            goto out;
        }
        *p = was;
        if (!was)
            break;
    }
    struct stat st;
    if (stat(path, &st) || !S_ISDIR(st.st_mode)) {
        err_set(e, ERR_IO, "%s exists and is not a folder", path);
        goto out;
    }
    rc = 0;
out:
    free(copy);
    return rc;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int dir_remove(const char *path, struct err *e)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) && errno != ENOENT)
        return err_errno(e, "cannot remove %s", path);
    return 0;
}

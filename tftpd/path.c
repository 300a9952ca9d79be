#include "tftpd/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Non-blocking, so that opening a FIFO that someone left there does not stop the server. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

static int add_part(const char *part, size_t n, char *out, size_t *used, struct err *e)
{
    if (n == 0 || (n == 1 && part[0] == '.'))
        return 0;
    if (n == 2 && part[0] == '.' && part[1] == '.')
        return err_set(e, ERR_REFUSED, "the name leads upwards (..)");
    if (*used + n + 2 > TFTP_NAME_MAX)
        return err_set(e, ERR_REFUSED, "the name is too long");
    if (*used)
        out[(*used)++] = '/';
    memcpy(out + *used, part, n);
    *used += n;
    return 0;
}

int path_normalise(const char *name, char ret[TFTP_NAME_MAX], struct err *e)
{
    char out[TFTP_NAME_MAX] = "";
    size_t used = 0, start = 0;
    for (size_t i = 0;; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c && (c < ' ' || c == 0x7f))
            return err_set(e, ERR_REFUSED, "the name holds a control byte");
        if (c && !is_slash((char)c))
            continue;
        if (add_part(name + start, i - start, out, &used, e))
            return -1;
        start = i + 1;
        if (!c)
            break;
    }
    if (!used)
        return err_set(e, ERR_REFUSED, "the name is empty");
    out[used] = '\0';
    memcpy(ret, out, used + 1);
    return 0;
}

int path_open_walk(int root_fd, const char *relative)
{
    char part[TFTP_NAME_MAX];
    int at = root_fd;
    for (;;) {
        size_t n = strcspn(relative, "/");
        bool last = relative[n] == '\0';
        if (n >= sizeof part) {
            errno = ENAMETOOLONG;
            n = 0;
        }
        memcpy(part, relative, n);
        part[n] = '\0';
        int fd = openat(at, part, OPEN_FLAGS | O_NOFOLLOW | (last ? 0 : O_DIRECTORY));
        int saved = errno;
        if (at != root_fd)
            close(at);
        errno = saved;
        if (fd < 0 || last)
            return fd;
        at = fd;
        relative += n + 1;
    }
}

static int open_beneath(int root_fd, const char *relative)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root_fd, relative, &how, sizeof how);
    /* ENOSYS: a kernel before 5.6; EPERM: a sandbox that does not know the call. */
    return fd < 0 && (errno == ENOSYS || errno == EPERM) ? path_open_walk(root_fd, relative) : fd;
}

int path_open(int root_fd, const char *relative, int *ret_fd, struct err *e)
{
    int fd = open_beneath(root_fd, relative);
    struct stat st;
    if (fd < 0) {
        switch (errno) {
        case ENOENT:
        case ENOTDIR:
        case ENAMETOOLONG:
            return err_set(e, ERR_NOT_FOUND, "no such file");
        case EXDEV:
        case ELOOP:
            return err_set(e, ERR_REFUSED, "a link leads out of the folder that is served");
        case EAGAIN: /* a folder on the way was renamed meanwhile */
            return err_set(e, ERR_UNAVAILABLE, "the folder is being changed");
        case EACCES:
            return err_set(e, ERR_REFUSED, "the server may not read the file");
        default:
            return err_errno(e, "opening the file");
        }
    }
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, ERR_NOT_FOUND, "not a file");
    }
    *ret_fd = fd;
    return 0;
}

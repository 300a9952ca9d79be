#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/lab.h"
#include "lab/qmp.h"

#define LEAVE 0x1d /* ^] */

/* Copies what is there. 1: go on, 0: this side has ended. */
static int pass_output(int from)
{
    char buf[4096];
    ssize_t n = read(from, buf, sizeof buf);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    return n > 0 && write_all(STDOUT_FILENO, buf, (size_t)n) == 0;
}

static int pass_input(int to)
{
    char buf[512];
    ssize_t n = read(STDIN_FILENO, buf, sizeof buf);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (n <= 0)
        return 0;
    const char *leave = memchr(buf, LEAVE, (size_t)n);
    size_t count = leave ? (size_t)(leave - buf) : (size_t)n;
    return write_all(to, buf, count) == 0 && !leave;
}

static void join(int fd)
{
    struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    int go = 1;
    while (go) {
        if (poll(p, 2, -1) < 0) {
            if (errno != EINTR)
                return;
            continue;
        }
        if (p[0].revents)
            go = pass_output(fd);
        if (go && p[1].revents)
            go = pass_input(fd);
    }
}

static int off_error(const struct lab *l, const struct lab_host *h, struct err *e)
{
    char log[LAB_FILE_SIZE];
    return err_set(e, ERR_UNAVAILABLE,
                   "%s is off; `lab power on %s` switches it on, and what it has said is in %s", h->name,
                   h->name, lab_path(l, h->name, "console.log", log));
}

int lab_console(const char *name, const char *dir, const char *host, struct err *e)
{
    struct lab l;
    char path[LAB_FILE_SIZE];
    struct termios old, raw;
    if (lab_load(name, dir, &l, e) < 0)
        return -1;
    struct lab_host *h = lab_host(&l, host, e);
    if (!h)
        return -1;
    if (!h->pid)
        return off_error(&l, h, e);
    int fd = lab_unix_connect(lab_path(&l, h->name, "console.sock", path), e);
    if (fd < 0)
        return -1;
    bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
    if (terminal) {
        fprintf(stderr, "the console of %s; ^] leaves it\n", h->name);
        raw = old;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    join(fd);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
        fprintf(stderr, "\n");
    }
    close(fd);
    return 0;
}

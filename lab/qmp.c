#include "lab/qmp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define PATIENCE_S     5
#define LINE_MAX_BYTES (256 * 1024)

int lab_unix_connect(const char *path, struct err *e)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!str_copy(to.sun_path, sizeof to.sun_path, path))
        return err_set(e, ERR_INPUT, "the socket's path is too long: %s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(e, "cannot make a socket");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        err_errno(e, "cannot connect to %s", path);
        close(fd);
        return -1;
    }
    return fd;
}

/* One line, without its end. Byte by byte: a conversation is a few lines, and nothing is ever read too far.
 */
static int read_line(int fd, struct str *line, struct err *e)
{
    char c;
    str_reset(line);
    for (;;) {
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, ERR_UNAVAILABLE, n == 0 ? "QEMU hung up" : "QEMU does not answer");
        if (c == '\n')
            return 0;
        if (c == '\r')
            continue;
        if (line->len == LINE_MAX_BYTES)
            return err_set(e, ERR_CORRUPT, "QEMU sent a line without an end");
        str_addn(line, &c, 1);
    }
}

static int read_object(int fd, struct str *line, json_t **ret, struct err *e)
{
    do {
        if (read_line(fd, line, e) < 0)
            return -1;
    } while (line->len == 0);
    *ret = json_loadb(line->s, line->len, 0, NULL);
    if (!json_is_object(*ret)) {
        json_decref(*ret);
        return err_set(e, ERR_CORRUPT, "QEMU sent what is no JSON object");
    }
    return 0;
}

/* Events may come at any time, and are passed over. `quit` may end the connection before its answer arrives:
 * the caller sees to that. */
static int command(int fd, struct str *line, const char *name, json_t **ret, struct err *e)
{
    char text[128];
    int n = snprintf(text, sizeof text, "{\"execute\": \"%s\"}\n", name);
    if (write_all(fd, text, (size_t)n) < 0)
        return err_set(e, ERR_UNAVAILABLE, "QEMU does not listen");
    for (;;) {
        json_t *answer;
        if (read_object(fd, line, &answer, e) < 0)
            return err_prefix(e, "%s", name);
        json_t *value = json_object_get(answer, "return"), *error = json_object_get(answer, "error");
        if (error)
            err_set(e, ERR_IO, "QEMU refuses %s: %s", name,
                    json_string_value(json_object_get(error, "desc")) ?: "");
        else if (value && ret)
            *ret = json_incref(value);
        json_decref(answer);
        if (error)
            return -1;
        if (value)
            return 0;
    }
}

int qmp_talk(int fd, const char *name, json_t **ret, struct err *e)
{
    struct str line = {0};
    json_t *greeting;
    int rc = read_object(fd, &line, &greeting, e);
    if (rc == 0) {
        if (!json_object_get(greeting, "QMP"))
            rc = err_set(e, ERR_CORRUPT, "what answers is not QEMU");
        json_decref(greeting);
    }
    if (rc == 0)
        rc = command(fd, &line, "qmp_capabilities", NULL, e);
    if (rc == 0)
        rc = command(fd, &line, name, ret, e);
    str_free(&line);
    return rc;
}

int qmp_run(const char *socket_path, const char *name, json_t **ret, struct err *e)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = lab_unix_connect(socket_path, e);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int rc = qmp_talk(fd, name, ret, e);
    close(fd);
    return rc;
}

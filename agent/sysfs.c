#include "agent/sysfs.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static ssize_t read_small(char *buf, size_t size, const char *fmt, va_list ap)
{
    char path[1024];
    vsnprintf(path, sizeof path, fmt, ap);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, buf, size - 1);
    close(fd);
    return n;
}

int sysfs_text(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    ssize_t n = read_small(buf, size, fmt, ap);
    va_end(ap);
    size_t start = 0, end = n > 0 ? (size_t)n : 0;
    while (end > 0 && (isspace((unsigned char)buf[end - 1]) || !buf[end - 1]))
        end--;
    while (start < end && isspace((unsigned char)buf[start]))
        start++;
    memmove(buf, buf + start, end - start);
    buf[end - start] = 0;
    for (char *p = buf; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    return n < 0 ? -1 : 0;
}

uint64_t sysfs_number(const char *fmt, ...)
{
    char text[64] = "";
    va_list ap;
    va_start(ap, fmt);
    ssize_t n = read_small(text, sizeof text, fmt, ap);
    va_end(ap);
    text[n > 0 ? n : 0] = 0;
    return strtoull(text, NULL, 10);
}

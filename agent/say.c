#include "agent/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

void say(const char *fmt, ...)
{
    char line[1024] = "rackstrap: ";
    size_t n = strlen(line);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
    va_end(ap);
    /* What a server says is repeated here: it must not be able to steer the terminal. */
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    strcat(line, "\n");
    (void)write_all(1, line, strlen(line)); /* one write: lines of several threads do not mix */
}

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *process;
    enum log_level least;
    bool timestamps;
} log_to = {.process = "rackstrap", .least = LOG_LVL_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(const char *process, enum log_level least, bool timestamps)
{
    log_to.process = process;
    log_to.least = least;
    log_to.timestamps = timestamps;
}

/* What came from outside must not forge a line or drive a terminal. */
static void defang(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
{
    if (level < log_to.least)
        return;
    char line[2048];
    int n = 0;
    if (log_to.timestamps) {
        struct timespec now;
        struct tm utc;
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &utc);
        n = (int)strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
        n += snprintf(line + n, sizeof line - (size_t)n, ".%03ldZ ", now.tv_nsec / 1000000);
    }
    n += snprintf(line + n, sizeof line - (size_t)n, "%s %s ", log_to.process, level_names[level]);
    vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
    defang(line);
    size_t len = strlen(line);
    line[len++] = '\n';
    /* A log that cannot be written must not stop the server. */
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}

#define LOG_FUNCTION(name, level)                                                                            \
    void name(const char *fmt, ...)                                                                          \
    {                                                                                                        \
        va_list ap;                                                                                          \
        va_start(ap, fmt);                                                                                   \
        log_line(level, fmt, ap);                                                                            \
        va_end(ap);                                                                                          \
    }
LOG_FUNCTION(log_debug, LOG_LVL_DEBUG)
LOG_FUNCTION(log_info, LOG_LVL_INFO)
LOG_FUNCTION(log_warn, LOG_LVL_WARN)
LOG_FUNCTION(log_error, LOG_LVL_ERROR)

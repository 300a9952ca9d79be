#include "base/log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

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

bool log_level_parse(const char *text, enum log_level *ret)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (strcmp(level_names[i], text) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    return false;
}

/* ---- a line; what does not fit is cut off, and the newline always fits */

struct line {
    char text[2048];
    size_t n;
    bool quoted; /* between two quotation marks of the format */
};

static void put(struct line *l, char c)
{
    if (l->n < sizeof l->text - 1)
        l->text[l->n++] = c;
}

static void puts_plain(struct line *l, const char *s)
{
    while (*s)
        put(l, *s++);
}

static void put_whole(struct line *l, const char *s, size_t n)
{
    if (sizeof l->text - 1 - l->n < n)
        return;
    memcpy(l->text + l->n, s, n);
    l->n += n;
}

/* What came from outside must not forge a field or a line, nor drive a terminal. */
static void put_value(struct line *l, const char *s, size_t max)
{
    char escaped[8];
    size_t n;
    s = s ? s : "(null)";
    for (; max && *s; s += n, max -= n) {
        unsigned char c = (unsigned char)*s;
        size_t wide = c < 0x80 ? 0 : str_utf8(s, max);
        bool marks = c == '"' || c == '\\';
        n = wide ? wide : 1;
        if (marks && l->quoted)
            put(l, '\\');
        if (wide) {
            put_whole(l, s, wide);
        } else if (c < 0x20 || c >= 0x7f || (!l->quoted && (marks || c == ' '))) {
            snprintf(escaped, sizeof escaped, "\\x%02x", c);
            puts_plain(l, escaped);
        } else {
            put(l, *s);
        }
    }
}

/* One conversion of the format, from behind its '%': flags, width and precision, length, letter. */
struct conversion {
    char spec[16];
    size_t spec_n;
    int precision; /* -1: none */
    int longs;     /* of the length: l 1, ll and j 2, z and t 3 */
    char letter;
};

static const char *conversion_read(const char *f, struct conversion *c, va_list *ap)
{
    *c = (struct conversion){.spec = "%", .spec_n = 1, .precision = -1};
    for (; *f && strchr("-+ #0123456789.*hljzt", *f); f++) { /* a '*' is a string's precision; no line has
                                                                 another */
        if (f[0] == '*' && f[-1] == '.')
            c->precision = va_arg(*ap, int);
        else if (f[0] == '.' && f[1] >= '0' && f[1] <= '9')
            c->precision = atoi(f + 1);
        c->longs = *f == 'l' ? c->longs + 1 : *f == 'j' ? 2 : *f == 'z' || *f == 't' ? 3 : c->longs;
        if (c->spec_n < sizeof c->spec - 2)
            c->spec[c->spec_n++] = *f;
    }
    c->letter = *f;
    c->spec[c->spec_n] = *f;
    return *f ? f + 1 : f;
}

static void put_number(struct line *l, const struct conversion *c, va_list *ap)
{
    char text[64] = "";
    if (c->letter == 'f' || c->letter == 'g' || c->letter == 'e')
        snprintf(text, sizeof text, c->spec, va_arg(*ap, double));
    else if (c->letter == 'p')
        snprintf(text, sizeof text, c->spec, va_arg(*ap, void *));
    else if (c->longs == 1)
        snprintf(text, sizeof text, c->spec, va_arg(*ap, unsigned long));
    else if (c->longs == 2)
        snprintf(text, sizeof text, c->spec, va_arg(*ap, unsigned long long));
    else if (c->longs == 3)
        snprintf(text, sizeof text, c->spec, va_arg(*ap, size_t));
    else
        snprintf(text, sizeof text, c->spec, va_arg(*ap, unsigned));
    put_value(l, text, sizeof text);
}

static void put_format(struct line *l, const char *f, va_list *ap)
{
    struct conversion c;
    while (*f) {
        if (*f != '%') {
            l->quoted ^= *f == '"';
            put(l, *f++);
            continue;
        }
        f = conversion_read(f + 1, &c, ap);
        if (c.letter == '%')
            put(l, '%');
        else if (c.letter == 's')
            put_value(l, va_arg(*ap, const char *), c.precision < 0 ? SIZE_MAX : (size_t)c.precision);
        else
            put_number(l, &c, ap);
    }
}

static void put_time(struct line *l)
{
    static _Thread_local time_t second;
    static _Thread_local char text[24]; /* of that second */
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second || !text[0]) {
        second = now.tv_sec;
        gmtime_r(&second, &utc);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    l->n = (size_t)snprintf(l->text, sizeof l->text, "%s.%03ldZ ", text, now.tv_nsec / 1000000);
}

/* ---- writing */

/* While this thread's lines are held. At most PIPE_BUF bytes leave at once: so many a pipe takes whole. */
static _Thread_local struct {
    bool on;
    size_t n;
    char text[PIPE_BUF];
} held;

/* A log that cannot be written must not stop the server. */
static void write_out(const char *text, size_t n)
{
    if (n && write(STDERR_FILENO, text, n) < 0)
        return;
}

static void flush_held(void)
{
    write_out(held.text, held.n);
    held.n = 0;
}

static void write_line(const struct line *l)
{
    if (!held.on) {
        write_out(l->text, l->n);
        return;
    }
    if (held.n + l->n > sizeof held.text)
        flush_held();
    memcpy(held.text + held.n, l->text, l->n);
    held.n += l->n;
}

void log_hold(bool on)
{
    held.on = on;
    if (!on)
        flush_held();
}

static void log_line(enum log_level level, const char *fmt, va_list *ap)
{
    struct line l;
    if (level < log_to.least)
        return;
    l.n = 0;
    l.quoted = false;
    if (log_to.timestamps)
        put_time(&l);
    puts_plain(&l, log_to.process);
    put(&l, ' ');
    puts_plain(&l, level_names[level]);
    put(&l, ' ');
    put_format(&l, fmt, ap);
    l.text[l.n++] = '\n';
    write_line(&l);
}

#define LOG_FUNCTION(name, level)                                                                            \
    void name(const char *fmt, ...)                                                                          \
    {                                                                                                        \
        va_list ap;                                                                                          \
        va_start(ap, fmt);                                                                                   \
        log_line(level, fmt, &ap);                                                                           \
        va_end(ap);                                                                                          \
    }
LOG_FUNCTION(log_debug, LOG_LVL_DEBUG)
LOG_FUNCTION(log_info, LOG_LVL_INFO)
LOG_FUNCTION(log_warn, LOG_LVL_WARN)
LOG_FUNCTION(log_error, LOG_LVL_ERROR)

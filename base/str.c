#include "base/str.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    return or_abort(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n, size_t size)
{
    return or_abort(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
    return or_abort(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
    struct str b = {0};
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(&b, fmt, ap);
    va_end(ap);
    return str_take(&b);
}

static void str_room(struct str *b, size_t more)
{
    if (more < b->cap - b->len && b->s)
        return;
    size_t need = b->len + more + 1, cap = b->cap ? b->cap : 64;
    if (need < b->len) {
        fputs("string too long\n", stderr);
        abort();
    }
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    b->s = xrealloc(b->s, cap, 1);
    b->cap = cap;
}

void str_addn(struct str *b, const void *p, size_t n)
{
    str_room(b, n);
    if (n)
        memcpy(b->s + b->len, p, n);
    b->len += n;
    b->s[b->len] = '\0';
}

void str_add(struct str *b, const char *s)
{
    str_addn(b, s, strlen(s));
}

/* Most texts fit into what is there: then they are formatted once. */
void str_vaddf(struct str *b, const char *fmt, va_list ap)
{
    va_list again;
    size_t room = b->s ? b->cap - b->len : 0;
    va_copy(again, ap);
    int n = vsnprintf(b->s ? b->s + b->len : NULL, room, fmt, ap);
    if (n < 0)
        abort(); /* a bad format is ours */
    if ((size_t)n >= room) {
        str_room(b, (size_t)n);
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    b->len += (size_t)n;
}

void str_addf(struct str *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(b, fmt, ap);
    va_end(ap);
}

void str_reset(struct str *b)
{
    b->len = 0;
    if (b->s)
        b->s[0] = '\0';
}

char *str_take(struct str *b)
{
    str_room(b, 0);
    b->s[b->len] = '\0';
    char *s = b->s;
    *b = (struct str){0};
    return s;
}

void str_free(struct str *b)
{
    free(b->s);
    *b = (struct str){0};
}

bool str_copy(char *buf, size_t size, const char *s)
{
    size_t n = strnlen(s, size);
    bool whole = n < size;
    if (!whole)
        n = size - 1;
    memmove(buf, s, n);
    buf[n] = '\0';
    return whole;
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

size_t str_utf8(const char *text, size_t max)
{
    static const struct {
        unsigned char from, to, least, most; /* the first byte; the second */
        size_t n;
    } rows[] = {{0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    const unsigned char *s = (const unsigned char *)text;
    if (*s < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (*s < rows[i].from || *s > rows[i].to)
            continue;
        if (rows[i].n > max || s[1] < rows[i].least || s[1] > rows[i].most)
            return 0;
        for (size_t k = 2; k < rows[i].n; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].n;
    }
    return 0;
}

char *size_format(unsigned long long bytes, char buf[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)bytes;
    size_t unit = 0;
    for (; v >= 1024 && unit < 6; unit++)
        v /= 1024;
    snprintf(buf, 16, unit && v < 100 ? "%.1f %s" : "%.0f %s", v, units[unit]);
    return buf;
}

int size_parse(const char *s, unsigned long long *ret)
{
    if (!isdigit((unsigned char)*s))
        return -1;
    unsigned long long v = 0;
    for (; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(v, 10ULL, &v) ||
            __builtin_add_overflow(v, (unsigned long long)(*s - '0'), &v))
            return -1;
    while (*s == ' ')
        s++;
    static const char letters[] = "KMGTP";
    unsigned shift = 0;
    const char *letter = *s ? strchr(letters, toupper((unsigned char)*s)) : NULL;
    if (letter) {
        shift = 10 * (unsigned)(letter - letters + 1);
        s++;
        if (*s == 'i')
            s++;
    }
    if (*s == 'B')
        s++;
    if (*s || (shift && v > ULLONG_MAX >> shift))
        return -1;
    *ret = v << shift;
    return 0;
}

int duration_parse(const char *s, unsigned long long most, unsigned long long *ret)
{
    static const struct {
        const char *unit;
        unsigned long long s;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (s[0] < '0' || s[0] > '9' || strcmp(end, units[i].unit) != 0 || !v)
            continue;
        bool fits = !errno && v <= most / units[i].s;
        *ret = fits ? v * units[i].s : most / units[i].s;
        return fits ? 0 : 1;
    }
    return -1;
}

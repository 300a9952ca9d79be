/* str: a growable, NUL-terminated string. A zeroed struct is an empty string; `s` is never NULL after the
 * first call that adds. Running out of memory aborts: no caller could go on. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
    char *s;
    size_t len, cap;
};

void str_add(struct str *b, const char *s);
void str_addn(struct str *b, const void *p, size_t n);
void str_addf(struct str *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *b, const char *fmt, va_list ap);
void str_reset(struct str *b); /* empties, keeps the memory */
char *str_take(struct str *b); /* gives the string away (free it), never NULL; leaves b empty */
void str_free(struct str *b);

/* Copies s to buf[size]; false (and a terminated, cut copy) when it does not fit. */
bool str_copy(char *buf, size_t size, const char *s);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* How many bytes the character of UTF-8 has that s[max], not empty, begins with; 0: none begins there, or a
 * control character beyond ASCII (C1), which may drive a terminal. */
size_t str_utf8(const char *s, size_t max);

void *xcalloc(size_t n, size_t size); /* aborts when out of memory; zeroed */
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "1.4 GiB", "312 KiB"; buf of 16. */
char *size_format(unsigned long long bytes, char buf[16]);
/* "2 GiB", "512M", "10G", "4096": binary units. 0 or -1. */
int size_parse(const char *s, unsigned long long *ret);
/* "90s", "15m", "1h", "2d" -> seconds. -1: it is none of these, or nothing; 1: it is longer than `most`
 * seconds, and *ret is the most of its unit that there may be. */
int duration_parse(const char *s, unsigned long long most, unsigned long long *ret);

#endif

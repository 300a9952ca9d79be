/* jsonw: see jsonw.h. */
#include "api/jsonw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void begin_value(struct jsonw *w)
{
    if (w->comma)
        str_addn(w->out, ",", 1);
    w->comma = true;
}

void jsonw_open(struct jsonw *w, char bracket)
{
    begin_value(w);
    str_addn(w->out, &bracket, 1);
    w->comma = false;
}

void jsonw_close(struct jsonw *w, char bracket)
{
    str_addn(w->out, &bracket, 1);
    w->comma = true;
}

void jsonw_key(struct jsonw *w, const char *key)
{
    begin_value(w);
    str_addn(w->out, "\"", 1);
    str_add(w->out, key);
    str_addn(w->out, "\":", 2);
    w->comma = false;
}

void jsonw_name(struct jsonw *w, const char *key)
{
    jsonw_str(w, key);
    str_addn(w->out, ":", 1);
    w->comma = false;
}

/* How many bytes from s on are one character of UTF-8 (RFC 3629, section 4); 0: none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t len;
    } row[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (*s < row[i].first || *s > row[i].last)
            continue;
        if (n < row[i].len || s[1] < row[i].low || s[1] > row[i].high)
            return 0;
        for (size_t k = 2; k < row[i].len; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return row[i].len;
    }
    return 0;
}

bool utf8_valid(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0, len; i < n; i += len)
        if (!(len = s[i] < 0x80 ? 1 : utf8_len(s + i, n - i)))
            return false;
    return true;
}

static bool plain(unsigned char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* One character that is not plain; how many bytes it took. */
static size_t add_odd(struct str *out, const unsigned char *s, size_t n)
{
    static const char short_of[] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (*s < sizeof short_of && short_of[*s]) {
        char both[2] = {'\\', short_of[*s]};
        str_addn(out, both, 2);
        return 1;
    }
    if (*s < ' ' || *s == 0x7f) {
        str_addf(out, "\\u%04x", *s);
        return 1;
    }
    size_t len = utf8_len(s, n);
    if (!len) {
        str_add(out, "\xef\xbf\xbd");
        return 1;
    }
    str_addn(out, s, len);
    return len;
}

void jsonw_strn(struct jsonw *w, const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    begin_value(w);
    str_addn(w->out, "\"", 1);
    for (size_t i = 0; i < n;) {
        size_t from = i;
        while (i < n && plain(s[i]))
            i++;
        str_addn(w->out, s + from, i - from);
        if (i < n)
            i += add_odd(w->out, s + i, n - i);
    }
    str_addn(w->out, "\"", 1);
}

void jsonw_str(struct jsonw *w, const char *s)
{
    if (s)
        jsonw_strn(w, s, strlen(s));
    else
        jsonw_null(w);
}

void jsonw_strf(struct jsonw *w, const char *fmt, ...)
{
    struct str b = {0};
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(&b, fmt, ap);
    va_end(ap);
    jsonw_strn(w, b.s, b.len);
    str_free(&b);
}

void jsonw_int(struct jsonw *w, long long n)
{
    char digits[24], *p = digits + sizeof digits;
    unsigned long long left = n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n;
    do
        *--p = (char)('0' + left % 10);
    while (left /= 10);
    if (n < 0)
        *--p = '-';
    begin_value(w);
    str_addn(w->out, p, (size_t)(digits + sizeof digits - p));
}

void jsonw_real(struct jsonw *w, double n)
{
    char text[40];
    if (!isfinite(n)) { /* JSON has none */
        jsonw_null(w);
        return;
    }
    snprintf(text, sizeof text, "%.15g", n);
    begin_value(w);
    str_add(w->out, text);
    if (!strpbrk(text, ".e"))
        str_addn(w->out, ".0", 2);
}

void jsonw_bool(struct jsonw *w, bool b)
{
    begin_value(w);
    str_add(w->out, b ? "true" : "false");
}

void jsonw_null(struct jsonw *w)
{
    begin_value(w);
    str_addn(w->out, "null", 4);
}

void jsonw_raw(struct jsonw *w, const char *json, size_t n)
{
    begin_value(w);
    str_addn(w->out, json, n);
}

void jsonw_tree(struct jsonw *w, const json_t *v)
{
    char *text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (text)
        jsonw_raw(w, text, strlen(text));
    else
        jsonw_null(w);
    free(text);
}

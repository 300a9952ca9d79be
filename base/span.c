#include "base/span.h"

#include <string.h>

struct span span_str(const char *s)
{
    return span_of(s, s ? strlen(s) : 0);
}

bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_starts(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

bool span_to_str(struct span s, char *buf, size_t size)
{
    const uint8_t *nul = s.n ? memchr(s.p, 0, s.n) : NULL;
    size_t n = nul ? (size_t)(nul - s.p) : s.n;
    bool whole = n < size;
    if (!whole)
        n = size - 1;
    if (n)
        memcpy(buf, s.p, n);
    buf[n] = '\0';
    return whole;
}

struct reader reader_of(struct span s)
{
    return (struct reader){.p = s.p, .end = s.n ? s.p + s.n : s.p};
}

size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->p);
}

struct span read_span(struct reader *r, size_t n)
{
    if (r->bad || reader_left(r) < n) {
        r->bad = true;
        return (struct span){0};
    }
    struct span s = span_of(r->p, n);
    if (n)
        r->p += n;
    return s;
}

/* The integer in the next n bytes; the four readers differ in n alone. */
static uint64_t read_be(struct reader *r, size_t n)
{
    struct span s = read_span(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}

uint16_t read_be16(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t read_be32(struct reader *r)
{
    return (uint32_t)read_be(r, 4);
}

uint64_t read_be64(struct reader *r)
{
    return read_be(r, 8);
}

void read_bytes(struct reader *r, void *ret, size_t n)
{
    struct span s = read_span(r, n);
    if (s.n)
        memcpy(ret, s.p, n);
    else if (n)
        memset(ret, 0, n);
}

void read_skip(struct reader *r, size_t n)
{
    (void)read_span(r, n);
}

struct writer writer_of(void *buf, size_t size)
{
    return (struct writer){.start = buf, .p = buf, .end = (uint8_t *)buf + size};
}

size_t writer_used(const struct writer *w)
{
    return (size_t)(w->p - w->start);
}

size_t writer_left(const struct writer *w)
{
    return (size_t)(w->end - w->p);
}

void write_span(struct writer *w, struct span s)
{
    if (w->full || writer_left(w) < s.n) {
        w->full = true;
        return;
    }
    if (s.n)
        memcpy(w->p, s.p, s.n);
    w->p += s.n;
}

void write_zeros(struct writer *w, size_t n)
{
    if (w->full || writer_left(w) < n) {
        w->full = true;
        return;
    }
    memset(w->p, 0, n);
    w->p += n;
}

static void write_be(struct writer *w, uint64_t v, size_t n)
{
    uint8_t b[8];
    for (size_t i = 0; i < n; i++)
        b[i] = (uint8_t)(v >> 8 * (n - 1 - i));
    write_span(w, span_of(b, n));
}

void write_u8(struct writer *w, uint8_t v)
{
    write_be(w, v, 1);
}

void write_be16(struct writer *w, uint16_t v)
{
    write_be(w, v, 2);
}

void write_be32(struct writer *w, uint32_t v)
{
    write_be(w, v, 4);
}

void write_be64(struct writer *w, uint64_t v)
{
    write_be(w, v, 8);
}

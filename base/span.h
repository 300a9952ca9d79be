/* span, reader, writer: bytes with their bounds.
 *
 * A span is a borrowed run of bytes. A reader narrows a span from the left; a writer fills a fixed buffer.
 * Both check every access; the first one out of bounds sets `bad` (reader) or `full` (writer), which sticks:
 * later reads give 0 or an empty span, later writes do nothing. Test the flag once, at the end. Integers are
 * big-endian, as on the wire.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *p;
    size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){.p = p, .n = n};
}

struct span span_str(const char *s); /* without the NUL; NULL gives the empty span */
bool span_eq(struct span a, struct span b);
bool span_starts(struct span s, const char *prefix);
/* Copies at most size-1 bytes up to the first NUL, and terminates. Returns false if something was cut off. */
bool span_to_str(struct span s, char *buf, size_t size);

struct reader {
    const uint8_t *p, *end;
    bool bad;
};

struct reader reader_of(struct span s);
size_t reader_left(const struct reader *r);
uint8_t read_u8(struct reader *r);
uint16_t read_be16(struct reader *r);
uint32_t read_be32(struct reader *r);
uint64_t read_be64(struct reader *r);
struct span read_span(struct reader *r, size_t n);      /* lends the source's bytes */
void read_bytes(struct reader *r, void *ret, size_t n); /* zeroes *ret when there are not n left */
void read_skip(struct reader *r, size_t n);

struct writer {
    uint8_t *start, *p, *end;
    bool full;
};

struct writer writer_of(void *buf, size_t size);
size_t writer_used(const struct writer *w);
size_t writer_left(const struct writer *w);
void write_u8(struct writer *w, uint8_t v);
void write_be16(struct writer *w, uint16_t v);
void write_be32(struct writer *w, uint32_t v);
void write_be64(struct writer *w, uint64_t v);
void write_span(struct writer *w, struct span s);
void write_zeros(struct writer *w, size_t n);

#endif

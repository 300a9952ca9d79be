#include "tftpd/packet.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One row an option: what the wire calls it, the least value its RFC allows, the most, and whether a larger
 * one may be answered with that most (a size can be lowered by the server; a time-out has to be taken as it
 * is or left). */
static const struct option {
    const char *name;
    uint64_t min, max;
    bool lower;
} OPTIONS[OPT_COUNT] = {
    [OPT_BLKSIZE] = {"blksize", BLKSIZE_MIN, BLKSIZE_MAX, true},
    [OPT_TIMEOUT] = {"timeout", 1, 255, false},
    [OPT_TSIZE] = {"tsize", 0, INT64_MAX, false},
    [OPT_WINDOWSIZE] = {"windowsize", 1, 65535, true},
};

/* The bytes up to the next NUL, which is skipped; bad when there is none. */
static struct span read_text(struct reader *r)
{
    size_t left = reader_left(r);
    const uint8_t *nul = left ? memchr(r->p, 0, left) : NULL;
    if (!nul) {
        r->bad = true;
        return (struct span){0};
    }
    struct span s = read_span(r, (size_t)(nul - r->p));
    read_skip(r, 1);
    return s;
}

static bool same_word(struct span s, const char *word)
{
    return s.n == strlen(word) && (s.n == 0 || strncasecmp((const char *)s.p, word, s.n) == 0);
}

/* Decimal digits only; false for anything else, and for what no 64 bits hold. */
static bool number(struct span s, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)s.p[i] - '0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *ret = v;
    return s.n > 0;
}

static void take_option(struct span name, struct span value, struct tftp_options *o)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        const struct option *row = &OPTIONS[i];
        uint64_t v;
        if (!same_word(name, row->name))
            continue;
        if (o->has[i] || !number(value, &v) || v < row->min || (v > row->max && !row->lower))
            return;
        o->has[i] = true;
        o->value[i] = v > row->max ? row->max : v;
        return;
    }
}

static int decode_options(struct reader *r, struct tftp_options *o, struct err *e)
{
    while (reader_left(r) > 0 && !r->bad) {
        struct span name = read_text(r);
        if (!r->bad && name.n == 0)
            return 0;
        struct span value = read_text(r);
        if (r->bad)
            break;
        take_option(name, value, o);
    }
    return r->bad ? err_set(e, ERR_INPUT, "the packet ends within an option") : 0;
}

static int decode_request(struct reader *r, struct tftp_packet *p, struct err *e)
{
    struct span name = read_text(r), mode = read_text(r);
    if (r->bad)
        return err_set(e, ERR_INPUT, "the request ends within its file name or mode");
    if (name.n == 0 || !span_to_str(name, p->name, sizeof p->name))
        return err_set(e, ERR_INPUT, "the request's file name has %zu bytes; 1 to %d are taken", name.n,
                       TFTP_NAME_MAX - 1);
    if (same_word(mode, "octet"))
        p->mode = TFTP_OCTET;
    else if (same_word(mode, "netascii"))
        p->mode = TFTP_NETASCII;
    else
        return err_set(e, ERR_INPUT, "the request's mode is neither octet nor netascii");
    return decode_options(r, &p->options, e);
}

/* The text's NUL is often forgotten, and the text too: the code is what counts. */
static void decode_error(struct reader *r, struct tftp_packet *p)
{
    p->code = read_be16(r);
    span_to_str(read_span(r, reader_left(r)), p->text, sizeof p->text);
    for (char *c = p->text; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '.';
}

int tftp_decode(struct span bytes, struct tftp_packet *ret, struct err *e)
{
    struct reader r = reader_of(bytes);
    struct tftp_packet p = {.op = (enum tftp_op)read_be16(&r)};
    int rc = 0;
    switch (p.op) {
    case TFTP_RRQ:
    case TFTP_WRQ:
        rc = decode_request(&r, &p, e);
        break;
    case TFTP_DATA:
        p.block = read_be16(&r);
        p.data = read_span(&r, reader_left(&r));
        break;
    case TFTP_ACK: /* padding may follow */
        p.block = read_be16(&r);
        break;
    case TFTP_ERROR:
        decode_error(&r, &p);
        break;
    case TFTP_OACK:
        rc = decode_options(&r, &p.options, e);
        break;
    default:
        return err_set(e, ERR_INPUT, "operation %u is not one of TFTP's", (unsigned)p.op);
    }
    if (rc)
        return -1;
    if (r.bad)
        return err_set(e, ERR_INPUT, "the packet is cut off: %zu bytes", bytes.n);
    *ret = p;
    return 0;
}

static void write_text(struct writer *w, const char *s)
{
    write_span(w, span_str(s));
    write_u8(w, 0);
}

static void write_options(struct writer *w, const struct tftp_options *o)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        char digits[24];
        if (!o->has[i])
            continue;
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)o->value[i]);
        write_text(w, OPTIONS[i].name);
        write_text(w, digits);
    }
}

static size_t written(const struct writer *w)
{
    return w->full ? 0 : writer_used(w);
}

size_t tftp_encode_request(enum tftp_op op, const char *name, const char *mode, const struct tftp_options *o,
                           void *buf, size_t size)
{
    struct writer w = writer_of(buf, size);
    write_be16(&w, (uint16_t)op);
    write_text(&w, name);
    write_text(&w, mode);
    write_options(&w, o);
    return written(&w);
}

size_t tftp_encode_oack(const struct tftp_options *o, void *buf, size_t size)
{
    struct writer w = writer_of(buf, size);
    write_be16(&w, TFTP_OACK);
    write_options(&w, o);
    return written(&w);
}

size_t tftp_encode_error(uint16_t code, const char *text, void *buf, size_t size)
{
    struct writer w = writer_of(buf, size);
    write_be16(&w, TFTP_ERROR);
    write_be16(&w, code);
    write_text(&w, text);
    return written(&w);
}

size_t tftp_encode_ack(uint16_t block, void *buf, size_t size)
{
    struct writer w = writer_of(buf, size);
    write_be16(&w, TFTP_ACK);
    write_be16(&w, block);
    return written(&w);
}

void tftp_data_head(uint16_t block, uint8_t ret[TFTP_HEAD])
{
    struct writer w = writer_of(ret, TFTP_HEAD);
    write_be16(&w, TFTP_DATA);
    write_be16(&w, block);
}

/* The codec: named vectors, every truncation, round trips; and netascii. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tftpd/cache.h"
#include "tftpd/packet.h"

#define BYTES(s) (s), sizeof(s) - 1

static const struct vector {
    const char *name, *bytes;
    size_t n;
    const char *error; /* a part of its sentence; NULL: it decodes */
    const char *oack;  /* of a request: what an OACK with all its options would hold */
    size_t oack_n;
} VECTORS[] = {
    {"plain", BYTES("\0\1a\0octet\0"), NULL, BYTES("\0\6")},
    {"mode without case", BYTES("\0\1a\0OcTeT\0"), NULL, BYTES("\0\6")},
    {"option names without case", BYTES("\0\1a\0octet\0BlkSize\0001468\0TSIZE\0000\0"), NULL,
     BYTES("\0\6blksize\0001468\0tsize\0000\0")},
    {"all options", BYTES("\0\1a\0octet\0windowsize\0004\0timeout\0003\0tsize\0000\0blksize\0008\0"), NULL,
     BYTES("\0\6blksize\0008\0timeout\0003\0tsize\0000\0windowsize\0004\0")},
    {"unknown option left out", BYTES("\0\1a\0octet\0multicast\0\0tsize\0000\0"), NULL,
     BYTES("\0\6tsize\0000\0")},
    {"blksize too small", BYTES("\0\1a\0octet\0blksize\0007\0"), NULL, BYTES("\0\6")},
    {"blksize lowered", BYTES("\0\1a\0octet\0blksize\00065465\0"), NULL, BYTES("\0\6blksize\00065464\0")},
    {"timeout 0", BYTES("\0\1a\0octet\0timeout\0000\0"), NULL, BYTES("\0\6")},
    {"timeout 256 cannot be lowered", BYTES("\0\1a\0octet\0timeout\000256\0"), NULL, BYTES("\0\6")},
    {"windowsize 0", BYTES("\0\1a\0octet\0windowsize\0000\0"), NULL, BYTES("\0\6")},
    {"windowsize lowered", BYTES("\0\1a\0octet\0windowsize\00065536\0"), NULL,
     BYTES("\0\6windowsize\00065535\0")},
    {"no number", BYTES("\0\1a\0octet\0blksize\0abc\0"), NULL, BYTES("\0\6")},
    {"negative", BYTES("\0\1a\0octet\0blksize\000-1\0"), NULL, BYTES("\0\6")},
    {"more than 64 bits", BYTES("\0\1a\0octet\0blksize\00099999999999999999999\0"), NULL, BYTES("\0\6")},
    {"twice: the first", BYTES("\0\1a\0octet\0blksize\000512\0blksize\0001024\0"), NULL,
     BYTES("\0\6blksize\000512\0")},
    {"padded with zeros", BYTES("\0\1a\0octet\0tsize\0000\0\0\0\0\0\0"), NULL, BYTES("\0\6tsize\0000\0")},
    {"write", BYTES("\0\2a\0octet\0"), NULL, BYTES("\0\6")},
    {"empty", BYTES(""), "cut off|operation", NULL, 0},
    {"no name", BYTES("\0\1\0octet\0"), "file name", NULL, 0},
    {"name without end", BYTES("\0\1abc"), "within its file name", NULL, 0},
    {"mode without end", BYTES("\0\1a\0octet"), "within its file name or mode", NULL, 0},
    {"mail", BYTES("\0\1a\0mail\0"), "neither octet nor netascii", NULL, 0},
    {"option without value", BYTES("\0\1a\0octet\0blksize\0"), "within an option", NULL, 0},
    {"value without end", BYTES("\0\1a\0octet\0blksize\000512"), "within an option", NULL, 0},
    {"operation 0", BYTES("\0\0"), "operation 0", NULL, 0},
    {"operation 7", BYTES("\0\7\0\0"), "operation 7", NULL, 0},
    {"ack cut off", BYTES("\0\4\0"), "cut off", NULL, 0},
    {"error cut off", BYTES("\0\5"), "cut off", NULL, 0},
};

static bool has_one_of(const char *text, const char *parts)
{
    size_t n = strcspn(parts, "|");
    char part[64];
    snprintf(part, sizeof part, "%.*s", (int)n, parts);
    return strstr(text, part) || (parts[n] && has_one_of(text, parts + n + 1));
}

static void vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++) {
        const struct vector *v = &VECTORS[i];
        struct tftp_packet p;
        struct err e = {0};
        uint8_t out[512];
        int rc = tftp_decode(span_of(v->bytes, v->n), &p, &e);
        if (rc != (v->error ? -1 : 0) || (v->error && !has_one_of(e.text, v->error)))
            fail_msg("%s: %d %s", v->name, rc, e.text);
        if (v->error)
            continue;
        size_t n = tftp_encode_oack(&p.options, out, sizeof out);
        if (n != v->oack_n || memcmp(out, v->oack, n))
            fail_msg("%s: another OACK", v->name);
    }
}

static void every_truncation(void **state)
{
    (void)state;
    static const char whole[] = "\0\1name\0octet\0blksize\0001468\0windowsize\0004";
    for (size_t n = 0; n < sizeof whole; n++) {
        struct tftp_packet p;
        bool complete =
            n == 13 || n == 26 || n == 39 || n == sizeof whole; /* the ends of whole words and pairs */
        bool good = tftp_decode(span_of(whole, n), &p, NULL) == 0;
        if (good && n != 13 && n != 26 && !complete)
            fail_msg("%zu bytes were taken", n);
    }
}

static void others(void **state)
{
    (void)state;
    struct tftp_packet p;
    uint8_t b[64];
    assert_int_equal(tftp_decode(span_of(BYTES("\0\4\377\376padding")), &p, NULL), 0);
    assert_int_equal(p.block, 65534);
    assert_int_equal(tftp_decode(span_of(BYTES("\0\5\0\10no\nend")), &p, NULL), 0);
    assert_int_equal(p.code, 8);
    assert_string_equal(p.text, "no.end");
    size_t n = tftp_encode_error(TFTP_E_STRANGER, "who", b, sizeof b);
    assert_int_equal(n, 8);
    assert_memory_equal(b, "\0\5\0\5who\0", 8);
    assert_int_equal(tftp_encode_error(1, "too long for this", b, 8), 0);
    tftp_data_head(513, b);
    assert_memory_equal(b, "\0\3\2\1", 4);
    struct tftp_options o = {.has = {[OPT_TSIZE] = true}};
    n = tftp_encode_request(TFTP_RRQ, "f", "octet", &o, b, sizeof b);
    assert_int_equal(tftp_decode(span_of(b, n), &p, NULL), 0);
    assert_string_equal(p.name, "f");
    assert_true(p.options.has[OPT_TSIZE]);
}

static void netascii(void **state)
{
    (void)state;
    uint8_t out[16];
    assert_int_equal(netascii_from(span_str("a\nb\rc\r\n"), NULL), 11);
    assert_int_equal(netascii_from(span_str("a\nb\rc\r\n"), out), 11);
    assert_memory_equal(out, "a\r\nb\r\0c\r\0\r\n", 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(every_truncation),
                                       cmocka_unit_test(others), cmocka_unit_test(netascii)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* span, reader, writer: bounds, stickiness, byte order. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

static void reads_big_endian(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct reader r = reader_of(span_of(bytes, sizeof bytes));
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_be16(&r), 0x0203);
    assert_int_equal(read_be32(&r), 0x04050607);
    assert_true(read_be64(&r) == 0x08090a0b0c0d0e0fULL);
    assert_int_equal(reader_left(&r), 0);
    assert_false(r.bad);
}

static void a_read_past_the_end_sticks(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3};
    for (size_t n = 0; n < sizeof bytes; n++) {
        struct reader r = reader_of(span_of(bytes, n));
        assert_int_equal(read_be32(&r), 0);
        assert_true(r.bad);
        assert_int_equal(read_u8(&r), 0);
        uint8_t b[2] = {9, 9};
        read_bytes(&r, b, 2);
        assert_int_equal(b[0] | b[1], 0);
        assert_int_equal(read_span(&r, 0).n, 0);
    }
    struct reader none = reader_of((struct span){0});
    assert_int_equal(reader_left(&none), 0);
    read_skip(&none, 0);
    assert_false(none.bad);
    read_skip(&none, 1);
    assert_true(none.bad);
}

static void a_write_past_the_end_sticks(void **state)
{
    (void)state;
    uint8_t buf[8];
    memset(buf, 0xee, sizeof buf);
    struct writer w = writer_of(buf, 7);
    write_u8(&w, 1);
    write_be16(&w, 0x0203);
    write_be32(&w, 0x04050607);
    assert_int_equal(writer_left(&w), 0);
    assert_false(w.full);
    write_u8(&w, 8);
    assert_true(w.full);
    assert_int_equal(writer_used(&w), 7);
    assert_int_equal(buf[7], 0xee);
    for (int i = 0; i < 7; i++)
        assert_int_equal(buf[i], i + 1);
    w = writer_of(buf, 7);
    write_be64(&w, 1);
    assert_true(w.full);
    write_u8(&w, 1);
    assert_int_equal(writer_used(&w), 0);
}

static void text_stops_at_nul_and_at_the_buffer(void **state)
{
    (void)state;
    char buf[4];
    assert_true(span_to_str(span_of("ab\0cd", 5), buf, sizeof buf));
    assert_string_equal(buf, "ab");
    assert_false(span_to_str(span_str("abcd"), buf, sizeof buf));
    assert_string_equal(buf, "abc");
    assert_true(span_to_str((struct span){0}, buf, sizeof buf));
    assert_string_equal(buf, "");
    assert_true(span_starts(span_str("PXEClient:Arch"), "PXEClient"));
    assert_false(span_starts(span_str("PXE"), "PXEClient"));
    assert_true(span_eq(span_str("a"), span_of("ab", 1)));
    assert_false(span_eq(span_str("a"), span_str("b")));
    assert_int_equal(span_str(NULL).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian),
        cmocka_unit_test(a_read_past_the_end_sticks),
        cmocka_unit_test(a_write_past_the_end_sticks),
        cmocka_unit_test(text_stops_at_nul_and_at_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

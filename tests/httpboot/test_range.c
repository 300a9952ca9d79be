/* range: tables of Range, entity tags, If-Range. */
#include "httpboot/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void ranges(void **state)
{
    static const struct {
        const char *value;
        uint64_t size;
        enum range_kind kind;
        uint64_t first, length;
    } cases[] = {
        {"bytes=0-0", 10, RANGE_PART, 0, 1},
        {"bytes=0-9", 10, RANGE_PART, 0, 10},
        {"bytes=0-99", 10, RANGE_PART, 0, 10},
        {"bytes=9-", 10, RANGE_PART, 9, 1},
        {"bytes=10-", 10, RANGE_BEYOND, 0, 0},
        {"bytes=10-20", 10, RANGE_BEYOND, 0, 0},
        {"bytes=-3", 10, RANGE_PART, 7, 3},
        {"bytes=-30", 10, RANGE_PART, 0, 10},
        {"bytes=-0", 10, RANGE_BEYOND, 0, 0},
        {"bytes=-1", 0, RANGE_BEYOND, 0, 0},
        {"bytes=0-", 0, RANGE_BEYOND, 0, 0},
        {"Bytes= 2-4 ", 10, RANGE_PART, 2, 3},
        {"bytes=5000000000-5000000009", 6000000000, RANGE_PART, 5000000000, 10},
        {"bytes=0-99999999999999999999999", 10, RANGE_PART, 0, 10},
        {"bytes=99999999999999999999999-", 10, RANGE_BEYOND, 0, 0},
        {"bytes=18446744073709551615-18446744073709551615", 10, RANGE_BEYOND, 0, 0},
        {"bytes=5-4", 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0},
        {"bytes=0-1,", 10, RANGE_WHOLE, 0, 0},
        {"bytes=-", 10, RANGE_WHOLE, 0, 0},
        {"bytes=", 10, RANGE_WHOLE, 0, 0},
        {"bytes=a-b", 10, RANGE_WHOLE, 0, 0},
        {"bytes=1", 10, RANGE_WHOLE, 0, 0},
        {"bytes=--1", 10, RANGE_WHOLE, 0, 0},
        {"lines=0-1", 10, RANGE_WHOLE, 0, 0},
        {"", 10, RANGE_WHOLE, 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct range r = range_parse(span_str(cases[i].value), cases[i].size);

        if (r.kind != cases[i].kind || r.first != cases[i].first || r.length != cases[i].length)
            fail_msg("%s of %llu: kind %d first %llu length %llu", cases[i].value,
                     (unsigned long long)cases[i].size, r.kind, (unsigned long long)r.first,
                     (unsigned long long)r.length);
    }
}

static void etags(void **state)
{
    static const struct {
        const char *list;
        bool strong, weak;
    } cases[] = {
        {"\"a-1\"", true, true},
        {"*", true, true},
        {"\"b\", \"a-1\"", true, true},
        {"W/\"a-1\"", false, true},
        {"\"x,\" ,  W/\"a-1\"", false, true},
        {"\"a\"", false, false},
        {"a-1", false, false},
        {"\"a-1", false, false},
        {"", false, false},
        {"W/", false, false},
        {"\"b\" \"a-1\"", false, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        if (etag_list_has(span_str(cases[i].list), "\"a-1\"", false) != cases[i].strong ||
            etag_list_has(span_str(cases[i].list), "\"a-1\"", true) != cases[i].weak)
            fail_msg("%s", cases[i].list);
    assert_true(if_range_holds(span_str("\"a-1\""), "\"a-1\""));
    assert_false(if_range_holds(span_str("W/\"a-1\""), "\"a-1\""));
    assert_false(if_range_holds(span_str("Sat, 21 Nov 2026 10:00:00 GMT"), "\"a-1\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges), cmocka_unit_test(etags)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

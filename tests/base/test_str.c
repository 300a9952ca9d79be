/* str, arena: characters of UTF-8, times as people write them, memory that is lent zeroed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"

static void characters(void **state)
{
    static const struct {
        const char *bytes;
        size_t max, want;
    } rows[] = {
        {"a", 1, 1},
        {"\x1b", 1, 1}, /* ASCII as it is: who shows it looks to that */
        {"\xc3\xa9", 2, 2},
        {"\xc3\xa9", 1, 0}, /* cut off */
        {"\xc3z", 2, 0},
        {"\xc2\x9b", 2, 0}, /* C1 drives a terminal */
        {"\xc2\xa0", 2, 2},
        {"\xc1\xbf", 2, 0}, /* longer than it need be */
        {"\xe0\x9f\xbf", 3, 0},
        {"\xe2\x82\xac", 3, 3},
        {"\xe2\x82\xac", 2, 0},
        {"\xed\xa0\x80", 3, 0}, /* half of a pair */
        {"\xf0\x9f\x98\x80", 4, 4},
        {"\xf0\x9f\x98z", 4, 0},
        {"\xf4\x90\x80\x80", 4, 0}, /* beyond the last */
        {"\x80", 1, 0},
        {"\xff", 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_utf8(rows[i].bytes, rows[i].max) != rows[i].want)
            fail_msg("row %zu", i);
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        int want;
        unsigned long long seconds;
    } rows[] = {
        {"90s", 0, 90},
        {"15m", 0, 900},
        {"2d", 0, 172800},
        {"1000h", 0, 3600000},
        {"1001h", 1, 1000},
        {"99999999999999999999d", 1, 41},
        {"18446744073709551615d", 1, 41}, /* times 86400 it would be small again */
        {"0s", -1, 0},
        {"", -1, 0},
        {"s", -1, 0},
        {"-1s", -1, 0},
        {" 1s", -1, 0},
        {"1", -1, 0},
        {"1 s", -1, 0},
        {"1.5h", -1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned long long v = 0;
        int r = duration_parse(rows[i].text, 3600000, &v);
        if (r != rows[i].want || v != rows[i].seconds)
            fail_msg("%s: %d, %llu", rows[i].text, r, v);
    }
}

static void an_arena_lends_zeroes(void **state)
{
    struct arena a = {0};
    (void)state;
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 1; i < 200; i++) {
            unsigned char *p = arena_get(&a, i);
            assert_int_equal((uintptr_t)p % sizeof(void *), 0);
            for (size_t k = 0; k < i; k++)
                assert_int_equal(p[k], 0);
            memset(p, 0xff, i);
        }
        arena_reset(&a); /* one block: it stays */
    }
    memset(arena_get(&a, 300000), 0xff, 300000);
    assert_string_equal(arena_copy(&a, "abc", 2), "ab");
    assert_string_equal(arena_copy(&a, NULL, 0), "");
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
    arena_reset(&a);
    assert_int_equal(*(char *)arena_get(&a, 1), 0);
    arena_free(&a);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters),
        cmocka_unit_test(durations),
        cmocka_unit_test(an_arena_lends_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

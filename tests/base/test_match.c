/* Regular expressions: what they match, what is none, and that none takes long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/match.h"
#include "base/str.h"

static bool matches(const char *pattern, bool any_case, const char *text)
{
    struct err e = {0};
    struct match *m = match_new(pattern, any_case, &e);
    if (!m) {
        fail_msg("%s: %s", pattern, e.text);
    }
    int r = match_in(m, text, strlen(text));
    match_free(m);
    assert_int_not_equal(r, -1);
    return r;
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool want;
    } rows[] = {
        {"a", "xay", true},
        {"^a", "xay", false},
        {"a$", "xa", true},
        {"a$", "ax", false},
        {"^$", "", true},
        {"", "", true},
        {"", "x", true},
        {"b", "", false},
        {"a^b", "ab", false},
        {"^hv-\\d+$", "hv-12", true},
        {"^hv-\\d+$", "hv-12x", false},
        {"\\D", "12", false},
        {"\\w\\W\\s\\S", "a- x", true},
        {"(a|b)*c", "ababc", true},
        {"^(a|b)*$", "abac", false},
        {"(?:ab)+$", "xabab", true},
        {"^x{2,3}y", "xy", false},
        {"^x{2,3}y", "xxxy", true},
        {"^x{2,3}y", "xxxxy", false},
        {"^x{3}$", "xxx", true},
        {"^x{2,}$", "xxxxx", true},
        {"^x{0}$", "", true},
        {"[^a-c]", "abc", false},
        {"[^a-c]", "abcd", true},
        {"[]a]", "]", true},
        {"[a-]", "-", true},
        {"[\\d.]+x", "1.2x", true},
        {"a\\.b", "axb", false},
        {"a\\.b", "a.b", true},
        {"a|", "", true},
        {"^(|a)$", "a", true},
        {"a??b", "b", true},
        {"\xc3\xa9", "caf\xc3\xa9", true},
        {"^.{4}$", "caf\xc3\xa9", true},
        {"[\xc3\xa0-\xc3\xbc]", "\xc3\xa9", true},
        {"^.$", "\xff", true}, /* a byte that is no character stands for itself */
        {"a.b", "a\nb", false},
        {"(()*)*", "x", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (matches(rows[i].pattern, false, rows[i].text) != rows[i].want) {
            fail_msg("%s in %s", rows[i].pattern, rows[i].text);
        }
    }
    assert_true(matches("^HV", true, "hv-1"));
    assert_true(matches("[A-Z]", true, "x"));
    assert_false(matches("[^A-Z]", true, "x"));
    assert_false(matches("^HV", false, "hv-1"));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *why;
    } rows[] = {
        {"(", "a ( has no )"},
        {")", "a ) has no ("},
        {"[a", "a [ has no ]"},
        {"[z-a]", "a range ends before it begins"},
        {"*a", "a sign of repetition has nothing before it"},
        {"a{", "a { is not followed by a number"},
        {"a{3,2}", "what stands in { } is no count"},
        {"a{256}", "a number in { } is over 255"},
        {"a{99999999999999999999}", "a number in { } is over 255"},
        {"\\", "it ends with a backslash"},
        {"(a)\\1", "a backslash stands before a letter or digit that means nothing after it here"},
        {"(?=a)", "(? is followed by something other than a colon"},
        {"((a{255}){255}){255}", "its repetitions make it too long"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        assert_null(match_new(rows[i].pattern, false, &e));
        assert_int_equal(e.kind, ERR_INPUT);
        assert_string_equal(e.text, rows[i].why);
    }
    char deep[400];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_null(match_new(deep, false, NULL));
}

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What others' engines take years for. */
static void test_time(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "(x+x+)+y",         "(a|a)*b", "(a*)*b", "(((()*)*)*)*b", "((((){255}){255}){255}){255}b",
        "^(a?){200}a{200}$"};
    char *text = xcalloc(1, 3001);
    memset(text, 'a', 3000);
    double before = cpu();
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        assert_false(matches(patterns[i], false, text));
    }
    assert_true(cpu() - before < 5);
    free(text);
}

/* And where each character of a long text costs thousands of steps, it is given up. */
static void test_given_up(void **state)
{
    (void)state;
    size_t n = 4 << 20;
    char *text = xcalloc(1, n + 1);
    memset(text, 'a', n);
    struct match *m = match_new("([b-cd-ef-gh-ia]{255}){16}z", false, NULL);
    assert_non_null(m);
    double before = cpu();
    assert_int_equal(match_in(m, text, n), -1);
    assert_true(cpu() - before < 30);
    assert_int_equal(match_in(m, text, 300), 0);
    match_free(m);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

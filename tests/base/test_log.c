/* log: what is written, byte by byte, and that no value forges another field or line. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int stderr_was, from_log;

static int catch_stderr(void **state)
{
    int p[2];
    (void)state;
    stderr_was = dup(STDERR_FILENO);
    if (pipe(p) || dup2(p[1], STDERR_FILENO) < 0)
        return -1;
    close(p[1]);
    from_log = p[0];
    log_setup("t", LOG_LVL_INFO, false);
    return 0;
}

static int give_stderr_back(void **state)
{
    (void)state;
    close(from_log);
    return dup2(stderr_was, STDERR_FILENO) < 0;
}

/* One read is one line, since the log writes a line with one call. */
static const char *line(void)
{
    static char text[8192];
    ssize_t n = read(from_log, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void conversions(void **state)
{
    (void)state;
    log_info("e i=%d u=%u x=%04x l=%ld ll=%llu z=%zu c=%c f=%.1f %%", -1, 2u, 0xabu, -3L, UINT64_MAX + 0ULL,
             (size_t)7, 'q', 1.25);
    assert_string_equal(line(), "t info e i=-1 u=2 x=00ab l=-3 ll=18446744073709551615 z=7 c=q f=1.2 %\n");
    log_warn("e cut=%.*s two=%.2s", 3, "abcdef", "xyz");
    assert_string_equal(line(), "t warn e cut=abc two=xy\n");
}

static void nothing_is_forged(void **state)
{
    static const char evil[] = "a\" b=\"1\n2026 dhcpd info \\x\x1b[2J";
    (void)state;
    log_info("e file=\"%s\" n=%d", evil, 5);
    assert_string_equal(line(), "t info e file=\"a\\\" b=\\\"1\\x0a2026 dhcpd info \\\\x\\x1b[2J\" n=5\n");
    log_info("e file=%s n=%d", evil, 5);
    assert_string_equal(
        line(), "t info e file=a\\x22\\x20b=\\x221\\x0a2026\\x20dhcpd\\x20info\\x20\\x5cx\\x1b[2J n=5\n");
}

/* Letters of any language stay; what is no UTF-8, and control characters in it, are escaped byte by byte. */
static void only_characters_pass(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } T[] = {{"Gen\xc3\xa8ve \xe6\x9d\xb1 \xf0\x9f\x96\xa5", "Gen\xc3\xa8ve \xe6\x9d\xb1 \xf0\x9f\x96\xa5"},
             {"\xc2\x9b[2J", "\\xc2\\x9b[2J"},
             {"\x9b\xff", "\\x9b\\xff"},
             {"\xc3(", "\\xc3("},
             {"\xe6\x9d", "\\xe6\\x9d"},
             {"\xc0\xaf", "\\xc0\\xaf"},
             {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
             {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}};
    char want[100];
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        log_info("e v=\"%s\"", T[i].in);
        snprintf(want, sizeof want, "t info e v=\"%s\"\n", T[i].out);
        assert_string_equal(line(), want);
    }
    log_info("e v=%.1s w=%.2s", "\xc3\xa8", "\xc3\xa8");
    assert_string_equal(line(), "t info e v=\\xc3 w=\xc3\xa8\n");
}

static void a_long_line_ends_with_its_newline(void **state)
{
    char text[5000];
    (void)state;
    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_error("e why=\"%s\"", text);
    const char *got = line();
    assert_int_equal(strlen(got), 2048);
    assert_int_equal(got[2047], '\n');
    assert_null(memchr(got, '\n', 2047));
}

/* Held lines leave in order, whole, and before the hold ends. */
static void held_lines_wait(void **state)
{
    static char all[64 * 1024];
    char want[40];
    size_t n = 0;
    (void)state;
    log_setup("t", LOG_LVL_INFO, false);
    log_hold(true);
    log_info("a");
    log_warn("b");
    log_hold(false);
    assert_string_equal(line(), "t info a\nt warn b\n");
    log_hold(true);
    for (unsigned i = 0; i < 1000; i++)
        log_info("line n=%u", i);
    log_hold(false);
    while (n == 0 || !strstr(all, "n=999\n"))
        n += (size_t)read(from_log, all + n, sizeof all - 1 - n);
    char *at = all;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(want, sizeof want, "t info line n=%u\n", i);
        assert_memory_equal(at, want, strlen(want));
        at += strlen(want);
    }
    assert_string_equal(at, "");
    log_info("c");
    assert_string_equal(line(), "t info c\n");
}

static void levels(void **state)
{
    enum log_level level;
    (void)state;
    assert_true(log_level_parse("debug", &level) && level == LOG_LVL_DEBUG);
    assert_true(log_level_parse("error", &level) && level == LOG_LVL_ERROR);
    assert_false(log_level_parse("loud", &level));
    log_setup("t", LOG_LVL_WARN, false);
    log_info("not this");
    log_warn("this");
    assert_string_equal(line(), "t warn this\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions),
        cmocka_unit_test(nothing_is_forged),
        cmocka_unit_test(only_characters_pass),
        cmocka_unit_test(a_long_line_ends_with_its_newline),
        cmocka_unit_test(levels),
        cmocka_unit_test(held_lines_wait),
    };
    return cmocka_run_group_tests(tests, catch_stderr, give_stderr_back);
}

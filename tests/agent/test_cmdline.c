#include "tests/agent/check.h"

#include "agent/backoff.h"
#include "agent/cmdline.h"

static const char whole[] =
    "console=ttyS0 rackstrap.url=http://10.77.0.1:8080 rackstrap.mode=install rackstrap.token=00ff "
    "rackstrap.mac=52:54:00:00:00:01 BOOTIF=01-52-54-00-00-00-02 quiet\n";

static void install(void **state)
{
    struct cmdline c;
    char mac[MAC_STR];
    (void)state;
    assert_int_equal(cmdline_parse(whole, &c, NULL), 0);
    assert_string_equal(c.url, "http://10.77.0.1:8080");
    assert_string_equal(c.token, "00ff");
    assert_int_equal(c.mode, MODE_INSTALL);
    assert_string_equal(mac_format(c.mac, mac), "52:54:00:00:00:01");
    assert_string_equal(mac_format(c.boot, mac), "52:54:00:00:00:02");
    assert_false(c.debug);
}

static void discover_and_defaults(void **state)
{
    struct cmdline c;
    (void)state;
    assert_int_equal(cmdline_parse("rackstrap.mode=discover rackstrap.url=\"http://1.2.3.4\" "
                                   "BOOTIF=01-52-54-00-00-00-02 rackstrap.debug",
                                   &c, NULL),
                     0);
    assert_int_equal(c.mode, MODE_DISCOVER);
    assert_string_equal(c.url, "http://1.2.3.4");
    assert_true(mac_eq(c.mac, c.boot));
    assert_true(c.debug);
    assert_int_equal(
        cmdline_parse("rackstrap.url=http://1.2.3.4 rackstrap.token=a rackstrap.mac=525400000001", &c, NULL),
        0);
    assert_int_equal(c.mode, MODE_INSTALL);
    assert_true(mac_eq(c.mac, c.boot));
}

static void refuses(void **state)
{
    static const char *const lines[] = {
        "",
        "quiet",
        "rackstrap.token=a rackstrap.mac=525400000001",
        "rackstrap.url=http://1.2.3.4 rackstrap.mac=525400000001",
        "rackstrap.url=http://1.2.3.4 rackstrap.token=a",
        "rackstrap.url=http://1.2.3.4 rackstrap.token= rackstrap.mac=525400000001",
        "rackstrap.url=http://1.2.3.4 rackstrap.token=a%0d rackstrap.mac=525400000001",
        "rackstrap.url=http://1.2.3.4 rackstrap.token=a rackstrap.mac=5254000000",
        "rackstrap.url=http://1.2.3.4 rackstrap.token=a rackstrap.mac=525400000001 BOOTIF=x",
        "rackstrap.url=http://1.2.3.4 rackstrap.token=a rackstrap.mac=525400000001 rackstrap.mode=wipe",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct cmdline c;
        struct err e = {0};
        assert_int_equal(cmdline_parse(lines[i], &c, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
        assert_true(strlen(e.text) > 10);
    }
}

static void long_words_do_no_harm(void **state)
{
    struct cmdline c;
    char text[9000], token[400];
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - sizeof whole - 1, " ", 1);
    memcpy(text + sizeof text - sizeof whole, whole, sizeof whole);
    assert_int_equal(cmdline_parse(text, &c, NULL), 0);
    memset(token, 'a', sizeof token);
    token[AGENT_TOKEN_MAX - 1] = 0;
    assert_true(token_ok(token));
    token[AGENT_TOKEN_MAX - 1] = 'a';
    token[AGENT_TOKEN_MAX] = 0;
    assert_false(token_ok(token));
}

static void waits_grow(void **state)
{
    struct backoff b = {0};
    (void)state;
    assert_int_equal(backoff_next(&b, 0), 1000);
    assert_int_equal(backoff_next(&b, 0), 2000);
    assert_in_range(backoff_next(&b, 12345), 4000, 5000);
    for (int i = 0; i < 10; i++)
        backoff_next(&b, 0);
    assert_in_range(backoff_next(&b, 0xffffffff), BACKOFF_MAX_MS, BACKOFF_MAX_MS * 5 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(install), cmocka_unit_test(discover_and_defaults),
                                       cmocka_unit_test(refuses), cmocka_unit_test(long_words_do_no_harm),
                                       cmocka_unit_test(waits_grow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* free: which addresses of a prefix nobody has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/free.h"
#include "base/str.h"

/* The first five that are free, where these are taken. */
static void free_are(const char *prefix, bool pool, const char *gateway, const char *taken, const char *want)
{
    ip_number found[5], a;
    char one[64], text[IP_TEXT];
    struct free_list f = {.wanted = 5, .found = found};
    struct str got = {0};
    assert_int_equal(ip_range_parse(prefix, pool, &f.range, NULL), 0);
    f.has_gateway = gateway && address_number(gateway, f.range.family, &f.gateway);
    f.next = f.range.first;
    for (const char *at = taken; *at;) {
        size_t n = strcspn(at, " ");
        snprintf(one, sizeof one, "%.*s", (int)n, at);
        assert_true(address_number(one, f.range.family, &a));
        if (free_taken(&f, a))
            break;
        at += n + (at[n] == ' ');
    }
    free_rest(&f);
    for (size_t i = 0; i < f.n; i++)
        str_addf(&got, "%s%s", i ? " " : "", address_text(&f.range, f.found[i], text));
    assert_string_equal(got.len ? got.s : "", want);
    str_free(&got);
}

static void of_ipv4(void **state)
{
    (void)state;
    free_are("10.0.0.0/29", false, NULL, "", "10.0.0.1/29 10.0.0.2/29 10.0.0.3/29 10.0.0.4/29 10.0.0.5/29");
    free_are("10.0.0.0/29", false, "10.0.0.1", "10.0.0.2/24 10.0.0.4", "10.0.0.3/29 10.0.0.5/29 10.0.0.6/29");
    free_are("10.0.0.0/30", true, NULL, "10.0.0.0 10.0.0.3", "10.0.0.1/30 10.0.0.2/30");
    free_are("10.0.0.0/30", false, NULL, "10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.3", "");
    free_are("10.0.0.0/30", false, "10.0.0.2", "10.0.0.1", "");
    free_are("10.0.0.0/31", false, NULL, "", "10.0.0.0/31 10.0.0.1/31");
    free_are("10.0.0.7/32", false, NULL, "", "10.0.0.7/32");
    free_are("10.0.0.7/32", false, NULL, "10.0.0.7", "");
    free_are("255.255.255.252/30", true, NULL, "255.255.255.253",
             "255.255.255.252/30 255.255.255.254/30 255.255.255.255/30");
    free_are("0.0.0.0/0", false, NULL, "0.0.0.2", "0.0.0.1/0 0.0.0.3/0 0.0.0.4/0 0.0.0.5/0 0.0.0.6/0");
}

static void of_ipv6(void **state)
{
    (void)state;
    free_are("2001:db8::/64", false, NULL, "2001:db8::2",
             "2001:db8::1/64 2001:db8::3/64 2001:db8::4/64 2001:db8::5/64 2001:db8::6/64");
    free_are("2001:db8::/127", false, NULL, "", "2001:db8::/127 2001:db8::1/127");
    free_are("2001:db8::4/126", false, NULL, "2001:db8::6", "2001:db8::5/126 2001:db8::7/126");
    free_are("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", false, NULL,
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127");
    free_are("::/0", true, NULL, "::1", "::/0 ::2/0 ::3/0 ::4/0 ::5/0");
}

/* 10.0.0.3 to 10.0.0.5 are a pool. */
static ip_number past_pool(void *ctx, ip_number from)
{
    ++*(unsigned *)ctx;
    return from >= 0x0a000003 && from <= 0x0a000005 ? 0x0a000006 : from;
}

static void used_without_a_record(void **state)
{
    static const struct {
        const char *prefix;
        ip_number taken, want[3];
        size_t n;
    } rows[] = {
        {"10.0.0.0/28", 0x0a000001, {0x0a000002, 0x0a000006, 0x0a000007}, 3},
        {"10.0.0.0/28", 0x0a000004, {0x0a000001, 0x0a000002, 0x0a000006}, 3}, /* a record in the pool */
        {"10.0.0.0/29", 0x0a000006, {0x0a000001, 0x0a000002}, 2},
        {"10.0.0.4/30", 0x0a000007, {0x0a000006}, 1}, /* taken is what lies behind its last */
        {"10.0.0.4/31", 0x0a000009, {0}, 0},
        {"10.0.0.5/32", 0x0a000009, {0}, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ip_number found[3];
        unsigned asked = 0;
        struct free_list f = {.wanted = 3, .found = found, .unused = past_pool, .unused_ctx = &asked};
        assert_int_equal(ip_range_parse(rows[i].prefix, false, &f.range, NULL), 0);
        f.next = f.range.first;
        free_taken(&f, rows[i].taken);
        free_rest(&f);
        assert_int_equal(f.n, rows[i].n);
        for (size_t k = 0; k < f.n; k++)
            assert_true(found[k] == rows[i].want[k]);
        assert_in_range(asked, 1, 6);
    }
}

static void what_is_no_prefix(void **state)
{
    (void)state;
    struct ip_range r;
    struct err e = {0};
    assert_int_equal(ip_range_parse("10.0.0.0", false, &r, &e), -1);
    assert_int_equal(ip_range_parse("10.0.0.0/33", false, &r, &e), -1);
    assert_int_equal(ip_range_parse("10.0.0/8", false, &r, &e), -1);
    assert_int_equal(ip_range_parse("::/129", false, &r, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_ipv4), cmocka_unit_test(of_ipv6),
                                       cmocka_unit_test(used_without_a_record),
                                       cmocka_unit_test(what_is_no_prefix)};
    return cmocka_run_group_tests_name("free", tests, NULL, NULL);
}

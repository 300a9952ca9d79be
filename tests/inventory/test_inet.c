/* Addresses of both families as text, and the edges of their networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "inventory/inet.h"

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *first, *last; /* NULL: it is none */
    } rows[] = {
        {"10.0.0.1", "10.0.0.1", "10.0.0.1"},
        {"10.0.0.1/24", "10.0.0.0/24", "10.0.0.255/24"},
        {"10.0.0.1/0", "0.0.0.0/0", "255.255.255.255/0"},
        {"10.0.0.1/32", "10.0.0.1/32", "10.0.0.1/32"},
        {"2001:DB8::1", "2001:db8::1", "2001:db8::1"},
        {"2001:db8::1/64", "2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff/64"},
        {"2001:db8::1/65", "2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff/65"},
        {"::/0", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/0"},
        {"::ffff:1.2.3.4/128", "::ffff:1.2.3.4/128", "::ffff:1.2.3.4/128"},
        {"10.0.0.1/33", NULL, NULL},
        {"10.0.0.1/", NULL, NULL},
        {"10.0.0.1/024", NULL, NULL},
        {"10.0.0.1/-1", NULL, NULL},
        {"10.0.0.1/255.255.255.0", NULL, NULL},
        {"10.0.0", NULL, NULL},
        {"10.0.0.256", NULL, NULL},
        {"fe80::1%eth0", NULL, NULL},
        {"2001:db8::1/129", NULL, NULL},
        {"2001:db8:::1", NULL, NULL},
        {"", NULL, NULL},
        {"/24", NULL, NULL},
        {"nonsense", NULL, NULL},
        {"1111111111111111111111111111111111111111111111111111111111111111111111", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct inet n;
        char text[INET_STR];
        if (inet_parse(rows[i].text, &n) < 0) {
            if (rows[i].first) {
                fail_msg("%s", rows[i].text);
            }
            continue;
        }
        struct inet first = inet_first(&n), last = inet_last(&n);
        assert_non_null(rows[i].first);
        assert_string_equal(inet_format(&first, text), rows[i].first);
        assert_string_equal(inet_format(&last, text), rows[i].last);
        assert_true(inet_compare(&first, &last) <= 0);
    }
}

static void test_compare(void **state)
{
    (void)state;
    static const char *const order[] = {
        "0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::", "ffff::"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
            struct inet a, b;
            assert_int_equal(inet_parse(order[i], &a), 0);
            assert_int_equal(inet_parse(order[k], &b), 0);
            int c = inet_compare(&a, &b);
            assert_int_equal(i < k ? -1 : i > k, c < 0 ? -1 : c > 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_compare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

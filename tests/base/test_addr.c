/* Addresses: every notation that is taken, every one that is not, and round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"

static void mac_notations(void **state)
{
    (void)state;
    static const char *const same[] = {"52:54:00:ab:cd:01", "52-54-00-AB-CD-01", "5254.00ab.cd01",
                                       "525400ABCD01"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct mac m;
        char buf[MAC_STR];
        assert_int_equal(mac_parse(same[i], &m, NULL), 0);
        assert_string_equal(mac_format(m, buf), "52:54:00:ab:cd:01");
        assert_true(mac_eq(mac_from_u64(mac_to_u64(m)), m));
    }
}

static void mac_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "52:54:00:ab:cd",
                                      "52:54:00:ab:cd:01:02",
                                      "52:54:00:ab:cd:0g",
                                      "52:54-00:ab:cd:01",
                                      "52:5400:ab:cd:01",
                                      "52:54:00:ab:cd:01:",
                                      ":52:54:00:ab:cd:01",
                                      "5254.00abcd01",
                                      " 52:54:00:ab:cd:01",
                                      "ff:ff:ff:ff:ff:ff",
                                      "01:00:5e:00:00:01",
                                      "00:00:00:00:00:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mac m = {{7}};
        struct err e = {0};
        assert_int_equal(mac_parse(bad[i], &m, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
        assert_int_equal(m.b[0], 7);
    }
}

static void ip4(void **state)
{
    (void)state;
    struct ip4 ip;
    char buf[IP4_STR];
    assert_int_equal(ip4_parse("10.77.0.255", &ip, NULL), 0);
    assert_int_equal(ip.a, 0x0a4d00ff);
    assert_string_equal(ip4_format(ip, buf), "10.77.0.255");
    static const char *const bad[] = {
        "",           "10.77.0",    "10.77.0.256", "10.77.0.1.", "10.77..1",
        "010.77.0.1", "10.77.0.1 ", "0x0a.1.1.1",  "-1.0.0.0",   "10.77.0.99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ip4_parse(bad[i], &ip, NULL), -1);
}

static void prefixes(void **state)
{
    (void)state;
    struct prefix p;
    struct ip4_if a;
    struct err e;
    char buf[PREFIX_STR];
    assert_int_equal(prefix_parse("10.77.0.0/24", &p, NULL), 0);
    assert_true(prefix_has(p, (struct ip4){0x0a4d0001}));
    assert_false(prefix_has(p, (struct ip4){0x0a4d0100}));
    assert_int_equal(prefix_broadcast(p).a, 0x0a4d00ff);
    assert_int_equal(prefix_parse("10.77.0.9/24", &p, &e), -1);
    assert_non_null(strstr(e.text, "10.77.0.0/24"));
    assert_int_equal(ip4_if_parse("10.77.0.9/24", &a, NULL), 0);
    assert_string_equal(prefix_format(prefix_of(a), buf), "10.77.0.0/24");
    assert_string_equal(ip4_if_format(a, buf), "10.77.0.9/24");
    assert_int_equal(ip4_if_parse("10.77.0.9", &a, NULL), -1);
    assert_int_equal(ip4_if_parse("10.77.0.9/33", &a, NULL), -1);
    assert_int_equal(prefix_mask(0).a, 0);
    assert_int_equal(prefix_mask(32).a, UINT32_MAX);
    assert_int_equal(prefix_parse("0.0.0.0/0", &p, NULL), 0);
    assert_true(prefix_has(p, (struct ip4){UINT32_MAX}));
}

static void uuids(void **state)
{
    (void)state;
    static const char text[] = "7261636b-7374-4072-8070-0000000000ff";
    struct uuid u, v;
    char buf[UUID_STR];
    assert_int_equal(uuid_parse(text, &u, NULL), 0);
    assert_string_equal(uuid_format(u, buf), text);
    assert_int_equal(uuid_parse("7261636B-7374-4072-8070-0000000000FF", &v, NULL), 0);
    assert_true(uuid_eq(u, v));
    static const char *const bad[] = {"",
                                      "7261636b",
                                      "7261636b-7374-4072-8070-0000000000f",
                                      "7261636b-7374-4072-8070-0000000000fff",
                                      "7261636b07374-4072-8070-0000000000ff",
                                      "7261636b-7374-4072-8070-0000000000fg"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(uuid_parse(bad[i], &u, NULL), -1);
    u = uuid_random();
    v = uuid_random();
    assert_false(uuid_eq(u, v));
    assert_int_equal(u.b[6] >> 4, 4);
    assert_int_equal(u.b[8] >> 6, 2);
    assert_true(uuid_is_zero((struct uuid){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mac_notations), cmocka_unit_test(mac_refused), cmocka_unit_test(ip4),
        cmocka_unit_test(prefixes),      cmocka_unit_test(uuids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

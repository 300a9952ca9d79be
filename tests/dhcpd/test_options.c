/* options: areas, overload, joining and splitting (RFC 3396), odd lengths, order, what a small client goes
 * without. */
#include "tests/dhcpd/build.h"

#include "dhcpd/options.h"

static struct span bytes(const char *s, size_t n)
{
    return span_of(s, n);
}
#define B(literal) bytes(literal, sizeof literal - 1)

static void dump_is(struct span main, const char *want)
{
    struct options o;
    struct str s = {0};
    assert_int_equal(options_decode(main, B(""), B(""), &o), 0);
    options_dump(&o, &s);
    assert_string_equal(s.s ? s.s : "", want);
    str_free(&s);
}

static void vectors(void **state)
{
    (void)state;
    dump_is(B("\x35\x01\x01\xff"), "53 dhcp-message-type=1");
    dump_is(B("\x00\x00\x35\x01\x03\xff\x0c\x09 after end"), "53 dhcp-message-type=3");
    dump_is(B("\x35\x01\x03"), "53 dhcp-message-type=3"); /* no END */
    dump_is(B("\x32\x04\x0a\x4d\x00\x0b\xff"), "50 dhcp-requested-address=10.77.0.11");
    dump_is(B("\x06\x08\x0a\x00\x00\x01\x0a\x00\x00\x02\xff"), "6 domain-name-servers=10.0.0.1, 10.0.0.2");
    dump_is(B("\x5d\x02\x00\x07\xff"), "93 client-system=7");
    dump_is(B("\x39\x02\x05\xc0\xff"), "57 dhcp-max-message-size=1472");
    dump_is(B("\x33\x04\x00\x00\x0e\x10\xff"), "51 dhcp-lease-time=3600");
    dump_is(B("\x0c\x03h\x01 \xff"), "12 host-name=h\\x01\\x20");
    dump_is(B("\x37\x02\x01\x03\xff"), "55 dhcp-parameter-request-list=1, 3");
    dump_is(B("\xfa\x02\x01\x02\xff"), "250 unknown=hex:0102");
    dump_is(B("\x50\x00\xff"), "80 rapid-commit=");
}

static void odd_lengths_are_left_out(void **state)
{
    (void)state;
    dump_is(B("\x35\x02\x01\x01\x32\x03\x0a\x00\x00\x39\x01\x05\x5d\x01\x07\x06\x05"
              "12345\x50\x01z\x0c\x00\xff"),
            "");
}

static void areas_cut_off(void **state)
{
    static const char whole[] = "\x35\x01\x01\x32\x04\x0a\x4d\x00\x0b";
    struct options o;
    (void)state;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        bool between = n == 0 || n == 3;
        assert_int_equal(options_decode(bytes(whole, n), B(""), B(""), &o), between ? 0 : -1);
    }
}

static void overload(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(options_decode(B("\x34\x01\x03\xff"), B("\x35\x01\x01\xff"), B("\x0c\x02hv\xff"), &o),
                     0);
    assert_true(o.has[OPT_TYPE] && o.has[OPT_HOST_NAME]);
    assert_int_equal(options_decode(B("\x34\x01\x01\xff"), B("\x35\x01\x01\xff"), B("\x0c\x02hv\xff"), &o),
                     0);
    assert_true(o.has[OPT_TYPE] && !o.has[OPT_HOST_NAME]);
    assert_int_equal(options_decode(B("\x34\x01\x00\xff"), B("\x35\x01\x01\xff"), B(""), &o), 0);
    assert_false(o.has[OPT_TYPE]);
    assert_int_equal(options_decode(B("\x34\x01\x01\xff"), B("\x35\x09\x01"), B(""), &o), -1);
}

static void joined_over_areas(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(options_decode(B("\x43\x02"
                                      "ab\x34\x01\x03\x43\x01"
                                      "c\xff"),
                                    B("\x43\x01"
                                      "d"),
                                    B("\x43\x02"
                                      "ef\xff"),
                                    &o),
                     0);
    assert_true(span_eq(o.value[OPT_BOOTFILE], span_str("abcdef")));
}

/* Found by fuzzing: a whole datagram of long options, of two and three pieces, is not too long to be joined.
 */
static void joined_of_many_pieces(void **state)
{
    struct options o;
    uint8_t main[1500], *p = main;
    (void)state;
    for (int i = 0; i < 5; i++, p += 257) {
        memset(p, i, 257);
        p[0] = i < 2 ? 43 : 61;
        p[1] = 255;
    }
    assert_int_equal(options_decode(span_of(main, (size_t)(p - main)), B(""), B(""), &o), 0);
    assert_int_equal(o.value[43].n, 2 * 255);
    assert_int_equal(o.value[61].n, 3 * 255);
    for (size_t i = 0; i < 5 * 255; i++)
        assert_int_equal(i < 510 ? o.value[43].p[i] : o.value[61].p[i - 510], i / 255);
}

static void joined_too_long(void **state)
{
    uint8_t area[16000];
    struct options o;
    (void)state;
    for (size_t i = 0; i < sizeof area; i += 4)
        memcpy(area + i, "\x43\x02xy", 4);
    assert_int_equal(options_decode(span_of(area, sizeof area), B(""), B(""), &o), -1);
}

static void order(void **state)
{
    struct option_list l = {0};
    uint8_t buf[100];
    struct writer w = writer_of(buf, sizeof buf);
    (void)state;
    option_put(&l, OPT_RELAY_INFO, B("\x01\x01z"));
    option_put(&l, OPT_IPXE, B("\xb0\x01\x01"));
    option_put_text(&l, OPT_HOST_NAME, "hv");
    option_put_u32(&l, OPT_LEASE_TIME, 3600);
    option_put_u8(&l, OPT_TYPE, 5);
    assert_int_equal(options_encode(&l, &w, sizeof buf), 0);
    struct span want =
        B("\x35\x01\x05\x0c\x02hv\x33\x04\x00\x00\x0e\x10\xaf\x03\xb0\x01\x01\x52\x03\x01\x01z\xff");
    assert_int_equal(writer_used(&w), want.n);
    assert_memory_equal(buf, want.p, want.n);
}

static void split_and_joined_again(void **state)
{
    struct option_list l = {0};
    struct options o;
    uint8_t buf[800], value[600];
    struct writer w = writer_of(buf, sizeof buf);
    (void)state;
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)i;
    option_put(&l, OPT_BOOTFILE, span_of(value, sizeof value));
    assert_int_equal(options_encode(&l, &w, sizeof buf), 0);
    assert_int_equal(writer_used(&w), 600 + 3 * 2 + 1);
    assert_int_equal(options_decode(span_of(buf, writer_used(&w)), B(""), B(""), &o), 0);
    assert_true(span_eq(o.value[OPT_BOOTFILE], span_of(value, sizeof value)));
}

static void spare_goes_first(void **state)
{
    struct option_list l = {0};
    struct options o;
    uint8_t buf[100];
    struct writer w = writer_of(buf, sizeof buf);
    struct ip4 ip = {1};
    (void)state;
    option_put_u8(&l, OPT_TYPE, 5);
    option_put_ip4s(&l, OPT_BROADCAST, &ip, 1);
    option_put_ip4s(&l, OPT_DNS, &ip, 1);
    option_put_text(&l, OPT_HOST_NAME, "hv-01");
    assert_int_equal(options_encode(&l, &w, 3 + 6 + 1), 0);
    assert_int_equal(options_decode(span_of(buf, writer_used(&w)), B(""), B(""), &o), 0);
    assert_true(o.has[OPT_TYPE] && o.has[OPT_DNS] && !o.has[OPT_BROADCAST] && !o.has[OPT_HOST_NAME]);
    w = writer_of(buf, sizeof buf);
    assert_int_equal(options_encode(&l, &w, 3), -1); /* not even what it must have */
}

static void list_full(void **state)
{
    struct option_list l = {0};
    uint8_t buf[2000];
    struct writer w = writer_of(buf, sizeof buf);
    (void)state;
    for (int i = 0; i < OPTION_LIST_MAX + 1; i++)
        option_put_u8(&l, 12, 1);
    assert_int_equal(options_encode(&l, &w, sizeof buf), -1);
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const struct dhcp_row *row = dhcp_row((uint8_t)c);
        if (!row)
            continue;
        assert_true(row->max == 0 || row->max >= row->min);
        assert_true(strlen(row->name) > 0);
    }
    assert_null(dhcp_row(OPT_PAD));
    assert_null(dhcp_row(OPT_END));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(odd_lengths_are_left_out),
        cmocka_unit_test(areas_cut_off),
        cmocka_unit_test(overload),
        cmocka_unit_test(joined_over_areas),
        cmocka_unit_test(joined_of_many_pieces),
        cmocka_unit_test(joined_too_long),
        cmocka_unit_test(order),
        cmocka_unit_test(split_and_joined_again),
        cmocka_unit_test(spare_goes_first),
        cmocka_unit_test(list_full),
        cmocka_unit_test(rows_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* DHCP options: what a person writes, the bytes it becomes, and back; sets of them; the table itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"
#include "inventory/dhcp_yaml.h"

/* `written` is the mapping of options in YAML; a set of one option, its bytes in hexadecimal, and how it is
 * shown (NULL: as `shown` of none). */
static int read_set(const char *written, struct dhcp_set *ret, struct err *e)
{
    struct yaml *y;
    struct str text = {0};
    str_addf(&text, "options: %s\n", written);
    int r = yaml_load_text("o.yaml", text.s, text.len, &y, e);
    str_free(&text);
    if (r == 0) {
        r = dhcp_set_read(yaml_root(y), "options", ret, e);
        yaml_free(y);
    }
    return r;
}

static const struct {
    const char *written, *bytes, *shown;
} good[] = {
    {"{ntp-servers: [10.0.0.1, 10.0.0.2]}", "0a0000010a000002", "10.0.0.1, 10.0.0.2"},
    {"{42: 10.0.0.1}", "0a000001", "10.0.0.1"},
    {"{ntp-server: 10.0.0.1}", "0a000001", "10.0.0.1"}, /* ISC's and Kea's names, and the older ones */
    {"{time-offset: -3600}", "fffff1f0", "-3600"},
    {"{interface-mtu: 9000}", "2328", "9000"},
    {"{interface-mtu: 0x5dc}", "05dc", "1500"},
    {"{default-ip-ttl: 64}", "40", "64"},
    {"{arp-cache-timeout: 4294967295}", "ffffffff", "4294967295"},
    {"{ip-forwarding: true}", "01", "true"},
    {"{ip-forwarding: no}", "00", "false"},
    {"{path-mtu-plateau-table: [68, 1500]}", "004405dc", "68, 1500"},
    {"{static-routes: [10.1.0.0, 10.0.0.1]}", "0a0100000a000001", NULL},
    {"{root-path: /srv/root}", "2f7372762f726f6f74", "/srv/root"},
    {"{domain-name: lab.example}", "6c61622e6578616d706c65", "lab.example"},
    /* RFC 3397: the second name ends where the first does. */
    {"{domain-search: lab.example}", "036c6162076578616d706c6500", "lab.example"},
    {"{domain-search: [a.lab.example, lab.example]}", "0161036c6162076578616d706c6500c002",
     "a.lab.example, lab.example"},
    {"{domain-search: [a.lab.example, b.LAB.example.]}", "0161036c6162076578616d706c65000162c002",
     "a.lab.example, b.lab.example"},
    {"{domain-search: [eng.apple.com, marketing.apple.com]}",
     "03656e67056170706c6503636f6d00096d61726b6574696e67c004", "eng.apple.com, marketing.apple.com"},
    /* RFC 3442's own examples of how many octets of a destination count. */
    {"{classless-static-routes: default via 10.0.0.1}", "000a000001", "default via 10.0.0.1"},
    {"{121: 10.0.0.0/8 via 10.0.0.1}", "080a0a000001", "10.0.0.0/8 via 10.0.0.1"},
    {"{121: 10.17.0.0/16 via 10.0.0.1}", "100a110a000001", "10.17.0.0/16 via 10.0.0.1"},
    {"{121: 10.27.129.0/24 via 10.0.0.1}", "180a1b810a000001", "10.27.129.0/24 via 10.0.0.1"},
    {"{121: 10.229.0.128/25 via 10.0.0.1}", "190ae500800a000001", "10.229.0.128/25 via 10.0.0.1"},
    {"{121: 10.198.122.47/32 via 10.0.0.1}", "200ac67a2f0a000001", "10.198.122.47/32 via 10.0.0.1"},
    {"{121: [10.0.0.0/8 via 10.0.0.1, default via 10.0.0.2]}", "080a0a000001000a000002",
     "10.0.0.0/8 via 10.0.0.1, default via 10.0.0.2"},
    {"{43: \"hex:0104c0a80001\"}", "0104c0a80001", "hex:0104c0a80001"},
    {"{43: \"hex:01:04:ab\"}", "0104ab", "hex:0104ab"},
    {"{43: \"text:a:b\"}", "613a62", "hex:613a62"},
    {"{ntp-servers: \"hex:0a000001\"}", "0a000001", "10.0.0.1"},
    {"{150: 10.0.0.9}", "0a000009", "10.0.0.9"},
    {"{224: 10.0.0.9}", "0a000009", "hex:0a000009"},
    {"{224: [10.0.0.9, 10.0.0.8]}", "0a0000090a000008", "hex:0a0000090a000008"},
    {"{224: \"hex:00\"}", "00", "hex:00"},
    {"{224: \"text:on\"}", "6f6e", "hex:6f6e"},
    {"{224: {type: uint16, value: 5}}", "0005", "hex:0005"},
    {"{224: {type: uint32, value: 5}}", "00000005", "hex:00000005"},
    {"{224: {type: bool, value: yes}}", "01", "hex:01"},
    {"{224: {type: text, value: on}}", "6f6e", "hex:6f6e"},
    {"{224: {type: domains, value: a.b}}", "0161016200", "hex:0161016200"},
    {"{224: {type: uint16s, value: [1, 2]}}", "00010002", "hex:00010002"},
    {"{254: {type: address, value: 10.0.0.9}}", "0a000009", "hex:0a000009"},
};

static void to_hex(struct span v, struct str *ret)
{
    for (size_t i = 0; i < v.n; i++) {
        str_addf(ret, "%02x", v.p[i]);
    }
}

static void values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct dhcp_set set;
        struct err e = {0};
        struct str bytes = {0}, shown = {0};
        if (read_set(good[i].written, &set, &e)) {
            fail_msg("%s: %s", good[i].written, e.text);
        }
        struct reader r = reader_of(dhcp_set_span(&set));
        struct dhcp_option o;
        assert_true(dhcp_set_next(&r, &o));
        to_hex(o.value, &bytes);
        dhcp_value_format(o.code, o.value, &shown);
        if (strcmp(bytes.s, good[i].bytes)) {
            fail_msg("%s: %s, not %s", good[i].written, bytes.s, good[i].bytes);
        }
        if (good[i].shown && strcmp(shown.s, good[i].shown)) {
            fail_msg("%s is shown as %s", good[i].written, shown.s);
        }
        assert_false(o.always);
        assert_false(dhcp_set_next(&r, &o));
        str_free(&bytes);
        str_free(&shown);
    }
}

static const struct {
    const char *written, *said;
} bad[] = {
    {"{no-such: 1}", "o.yaml:1:20: no DHCP option is named \"no-such\""},
    {"{0: 1.1.1.1}", "padding and the end"},
    {"{255: 1.1.1.1}", "padding and the end"},
    {"{256: 1.1.1.1}", "no option's code"},
    {"{42x: 1.1.1.1}", "no DHCP option is named"},
    /* What the server says itself, with the reason. */
    {"{subnet-mask: 255.0.0.0}", "option 1 (subnet-mask) cannot be set: it follows from the subnet's prefix"},
    {"{50: 1.1.1.1}", "clients and relays to send"},
    {"{51: 5}", "it follows from lease_time"},
    {"{58: 5}", "it follows from lease_time"},
    {"{59: 5}", "it follows from lease_time"},
    {"{52: 1}", "works it out for each reply"},
    {"{53: 1}", "works it out for each reply"},
    {"{54: 1.1.1.1}", "the server's own address"},
    {"{55: \"hex:01\"}", "clients and relays"},
    {"{61: \"hex:01\"}", "the client's is echoed"},
    {"{82: \"hex:0101\"}", "the relay's is echoed"},
    {"{175: \"hex:0101\"}", "iPXE"},
    /* Values. */
    {"{ntp-servers: 10.0.0.256}", "o.yaml:1:24: option 42 (ntp-servers): \"10.0.0.256\" is not an IPv4"},
    {"{ntp-servers: []}", "the list is empty"},
    {"{ntp-servers: [[10.0.0.1]]}", "an option's value"},
    {"{ntp-servers: \"hex:0a0000\"}", "3 bytes are no value of type addresses"},
    {"{ntp-servers: \"text:x\"}", "is not an IPv4 address"},
    {"{swap-server: [10.0.0.1, 10.0.0.2]}", "one value, not a list"},
    {"{static-routes: [10.1.0.0]}", "pairs"},
    {"{interface-mtu: 67}", "67 is less than 68"},
    {"{interface-mtu: 65536}", "is not a number from 0 to 65535"},
    {"{interface-mtu: 1500x}", "is not a number"},
    {"{interface-mtu: \" 1500\"}", "is not a number"},
    {"{interface-mtu: -1}", "is not a number"},
    {"{time-offset: 2147483648}", "is not a number"},
    {"{ip-forwarding: maybe}", "neither true nor false"},
    {"{root-path: \"\"}", "empty"},
    {"{root-path: \"a\\tb\"}", "control character"},
    {"{domain-search: a..b}", "not part of a domain name"},
    {"{domain-search: \"a b\"}", "not part of a domain name"},
    {"{121: 10.0.0.0/8}", "is not PREFIX via ROUTER"},
    {"{121: 10.0.0.1/8 via 10.0.0.1}", "10.0.0.0/8"},
    {"{121: 10.0.0.0/8 via router}", "is not an IPv4 address"},
    {"{43: abc}", "write it as \"hex:...\" or \"text:...\""},
    {"{43: \"hex:0\"}", "pairs of hexadecimal digits"},
    {"{43: \"hex:\"}", "0 bytes"},
    {"{43: \"hex:01:\"}", "pairs of hexadecimal digits"},
    /* Codes that the table does not have. */
    {"{224: 5}", "\"5\" could be anything"},
    {"{224: on}", "\"on\" could be anything"},
    {"{224: [10.0.0.1, 5]}", "\"5\" could be anything"},
    {"{224: {type: uint15, value: 5}}", "o.yaml:1:23: \"uint15\" is no type of option; they are hex, bool"},
    {"{224: {type: uint8, value: 256}}", "is not a number from 0 to 255"},
    {"{224: {type: uint8}}", "\"value\" is missing"},
    {"{224: {value: 5}}", "could be anything"},
    {"{224: {value: 1.1.1.1, when: now}}", "unknown key \"when\""},
    {"{42: {type: text, value: x}}", "its type is known, it is addresses"},
    /* Sets. */
    {"{42: 1.1.1.1, ntp-servers: 1.1.1.2}", "o.yaml:1:37: option 42 (ntp-servers) is given twice"},
    {"[42]", "mapping"},
};

static void mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dhcp_set set;
        struct err e = {0};
        if (read_set(bad[i].written, &set, &e) == 0) {
            fail_msg("taken: %s", bad[i].written);
        }
        if (!strstr(e.text, bad[i].said)) {
            fail_msg("%s: \"%s\" is not in \"%s\"", bad[i].written, bad[i].said, e.text);
        }
        assert_int_equal(e.kind, ERR_INPUT);
    }
}

static void too_long(void **state)
{
    struct dhcp_set set;
    struct err e = {0};
    struct str text = {0};
    (void)state;
    str_add(&text, "{43: \"hex:");
    for (int i = 0; i < DHCP_VALUE_MAX + 1; i++) {
        str_add(&text, "00");
    }
    str_add(&text, "\"}");
    assert_int_equal(read_set(text.s, &set, &e), -1);
    assert_non_null(strstr(e.text, "longer than 768 bytes"));
    str_reset(&text);
    str_add(&text, "{");
    for (int i = 0; i < 3; i++) { /* three of 400 bytes */
        str_addf(&text, "%s%d: \"hex:", i ? ", " : "", 224 + i);
        for (int k = 0; k < 400; k++) {
            str_add(&text, "00");
        }
        str_add(&text, "\"");
    }
    str_add(&text, "}");
    assert_int_equal(read_set(text.s, &set, &e), -1);
    assert_non_null(strstr(e.text, "all options together are longer than 1024 bytes"));
    str_free(&text);
}

/* However they were written, equal options are equal bytes: sorted, the value alone. */
static void sets_are_canonical(void **state)
{
    struct dhcp_set a, b;
    struct err e;
    (void)state;
    assert_int_equal(read_set("{150: 10.0.0.9, 42: 10.0.0.1, mtu: 1500}", &a, &e), 0);
    assert_int_equal(
        read_set("{interface-mtu: 0x5dc, ntp-servers: [10.0.0.1], 150: \"hex:0a000009\"}", &b, &e), 0);
    assert_true(span_eq(dhcp_set_span(&a), dhcp_set_span(&b)));
    assert_int_equal(read_set("{150: 10.0.0.9, 42: {value: 10.0.0.1, always: true}, mtu: 1500}", &b, &e), 0);
    assert_false(span_eq(dhcp_set_span(&a), dhcp_set_span(&b)));
    assert_int_equal(read_set("{}", &a, &e), 0);
    assert_int_equal(a.n, 0);
}

/* server < subnet < role < site < device; a set that is cut off says so. */
static void most_specific_wins(void **state)
{
    static const char *const written[DHCP_LAYERS] = {"{4: 10.0.0.1, 26: 1500, 42: 10.0.0.1}",
                                                     "{4: 10.0.0.2, 42: 10.0.0.2}", "{}", "{4: 10.0.0.4}"};
    struct dhcp_set sets[DHCP_LAYERS], merged;
    struct span layers[DHCP_LAYERS];
    struct dhcp_option o;
    struct err e;
    size_t layer;
    (void)state;
    for (size_t i = 0; i < DHCP_LAYERS; i++) {
        assert_int_equal(read_set(written[i], &sets[i], &e), 0);
        layers[i] = dhcp_set_span(&sets[i]);
    }
    static const struct {
        uint8_t code;
        size_t layer;
        uint8_t last;
    } want[] = {{4, 3, 4}, {26, 0, 0xdc}, {42, 1, 2}};
    struct dhcp_merge m = dhcp_merge(layers);
    for (size_t i = 0; i < 3; i++) {
        assert_true(dhcp_merge_next(&m, &o, &layer));
        assert_int_equal(o.code, want[i].code);
        assert_int_equal(layer, want[i].layer);
        assert_int_equal(o.value.p[o.value.n - 1], want[i].last);
    }
    assert_false(dhcp_merge_next(&m, &o, &layer));
    assert_int_equal(dhcp_set_merge(layers[0], layers[1], &merged, &e), 0);
    assert_true(dhcp_set_has(dhcp_set_span(&merged), 26));
    for (size_t n = 1; n < layers[0].n; n++) {
        struct reader r = reader_of(span_of(layers[0].p, n));
        while (dhcp_set_next(&r, &o)) {
        }
        assert_int_equal(r.bad, n != 8 && n != 14);
    }
}

static void default_routes(void **state)
{
    static const struct {
        const char *written;
        bool has;
    } cases[] = {{"{121: 10.0.0.0/8 via 10.0.0.1}", false},
                 {"{121: default via 10.0.0.1}", true},
                 {"{121: [10.0.0.0/9 via 10.0.0.1, 10.1.1.0/24 via 10.0.0.1, default via 10.0.0.1]}", true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dhcp_set set;
        struct dhcp_option o;
        struct err e;
        assert_int_equal(read_set(cases[i].written, &set, &e), 0);
        struct reader r = reader_of(dhcp_set_span(&set));
        assert_true(dhcp_set_next(&r, &o));
        assert_int_equal(dhcp_routes_default(o.value), cases[i].has);
    }
}

/* Any bytes are shown, and nothing is read past their end: names that point at themselves or beyond. */
static void odd_bytes_are_shown(void **state)
{
    static const struct {
        uint8_t code;
        struct span v;
        const char *shown;
    } cases[] = {
        {119, {(const uint8_t *)"\xc0\x00", 2}, "hex:c000"},
        {119, {(const uint8_t *)"\x01\x61\xc0\x00", 4}, "hex:0161c000"},
        {119, {(const uint8_t *)"\x05\x61", 2}, "hex:0561"},
        {119, {(const uint8_t *)"\x01\x61\x00\xc0", 4}, "hex:016100c0"},
        {121, {(const uint8_t *)"\x21\x01\x02\x03\x04\x05", 6}, "hex:210102030405"},
        {121, {(const uint8_t *)"\x18\x01\x02\x03\x04\x05", 6}, "hex:180102030405"},
        {42, {(const uint8_t *)"\x01\x02\x03", 3}, "hex:010203"},
        {15, {(const uint8_t *)"a b", 3}, "a\\x20b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str s = {0};
        uint8_t *tight = malloc(cases[i].v.n); /* so that a sanitizer sees a step too far */
        memcpy(tight, cases[i].v.p, cases[i].v.n);
        dhcp_value_format(cases[i].code, span_of(tight, cases[i].v.n), &s);
        assert_string_equal(s.s, cases[i].shown);
        free(tight);
        str_free(&s);
    }
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const struct dhcp_row *row = dhcp_row((uint8_t)c);
        uint8_t code = 0;
        struct err e;
        if (!row) {
            continue;
        }
        assert_true(row->max == 0 || row->max >= row->min);
        if (row->refused) {
            assert_int_equal(dhcp_code_parse(row->name, &code, &e), -1);
            assert_non_null(strstr(e.text, row->refused));
            continue;
        }
        assert_true(row->spare > 0 ||
                    c == 3); /* what a person sets is never what keeps a reply from leaving */
        assert_int_equal(dhcp_code_parse(row->name, &code, &e), 0);
        assert_int_equal(code, c); /* no other row has the name */
        if (row->alias) {
            assert_int_equal(dhcp_code_parse(row->alias, &code, &e), 0);
            assert_int_equal(code, c);
        }
    }
    assert_null(dhcp_row(0));
    assert_null(dhcp_row(255));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(too_long),
        cmocka_unit_test(sets_are_canonical),
        cmocka_unit_test(most_specific_wins),
        cmocka_unit_test(default_routes),
        cmocka_unit_test(odd_bytes_are_shown),
        cmocka_unit_test(rows_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Options that a person configured, from the sets to the bytes of a reply: the most specific one, when it is
 * sent, routes, what boots keeps for itself, what does not fit. */
#include "tests/dhcpd/build.h"

#include "base/str.h"
#include "dhcpd/decide.h"

#define NOW INT64_C(1000000)

static const struct mac asker = {{0x52, 0x54, 0, 0, 0, 1}};
static const struct link link = {
    .name = "br0", .mac = {{2, 0, 0, 0, 0, 1}}, .addresses = {{{0x0a4d0001}, 24}}, .addresses_n = 1};

/* A set of options, written "CODE VALUE VALUE; ...", a code with '!' is sent to everyone. */
static struct dhcp_set set_of(const char *written)
{
    struct dhcp_set set = {0};
    char text[512], *at = text, *one;
    assert_true(str_copy(text, sizeof text, written));
    while ((one = strsep(&at, ";"))) {
        char *word = strsep(&one, " ");
        const char *words[16];
        size_t n = 0;
        uint8_t buf[DHCP_VALUE_MAX];
        struct writer w = writer_of(buf, sizeof buf);
        struct dhcp_option o = {.always = word[0] == '!'};
        struct err e;
        if (!*word)
            continue;
        if (dhcp_code_parse(word + o.always, &o.code, &e))
            fail_msg("%s", e.text);
        while ((word = strsep(&one, " ")))
            words[n++] = word;
        for (size_t i = 0; i < n; i++) /* "10.0.0.0/8_via_10.0.0.1" */
            for (char *c = (char *)words[i]; (c = strchr(c, '_'));)
                *c = ' ';
        if (dhcp_value_parse(o.code, NULL, words, n, &w, &e))
            fail_msg("%s", e.text);
        o.value = span_of(buf, writer_used(&w));
        assert_int_equal(dhcp_set_put(&set, &o, &e), 0);
    }
    return set;
}

struct row {
    const char *name;
    const char *subnet, *role, *site, *device; /* sets */
    const char *asks;                          /* codes of option 55, "*": it sends none */
    const char *class;                         /* option 60 */
    bool no_router;
    const char *comes; /* the configured codes among the reply's, and 3, 6, 15, 28, 33 */
};

#define ROUTE "10.1.0.0/16_via_10.77.0.2"

static const struct row rows[] = {
    {"asked for", .subnet = "42 10.0.0.1", .asks = "42", .comes = "ntp-servers=10.0.0.1"},
    {"not asked for", .subnet = "42 10.0.0.1", .asks = "4", .comes = ""},
    {"no list of what it asks for", .subnet = "42 10.0.0.1", .asks = "*",
     .comes = "routers=10.77.0.1 broadcast-address=10.77.0.255 ntp-servers=10.0.0.1"},
    {"to everyone", .subnet = "!42 10.0.0.1", .asks = "4", .comes = "ntp-servers=10.0.0.1"},
    {"to everyone, by the table", .subnet = "125 hex:0000000100", .asks = "4",
     .comes = "vivso-suboptions=hex:0000000100"},
    {"only to who lists it", .subnet = "108 1800", .asks = "*",
     .comes = "routers=10.77.0.1 broadcast-address=10.77.0.255"},
    {"only to who lists it, and does", .subnet = "108 1800", .asks = "108",
     .comes = "v6-only-preferred=1800"},

    {"role over subnet", .subnet = "42 10.0.0.1", .role = "42 10.0.0.2", .asks = "42",
     .comes = "ntp-servers=10.0.0.2"},
    {"site over role", .subnet = "42 10.0.0.1", .role = "42 10.0.0.2", .site = "42 10.0.0.3", .asks = "42",
     .comes = "ntp-servers=10.0.0.3"},
    {"device over site", .subnet = "42 10.0.0.1", .site = "42 10.0.0.3", .device = "42 10.0.0.4",
     .asks = "42", .comes = "ntp-servers=10.0.0.4"},
    {"each from its own place", .subnet = "42 10.0.0.1;26 9000", .role = "150 10.0.0.2",
     .device = "4 10.0.0.4", .asks = "4 26 42 150",
     .comes = "time-servers=10.0.0.4 interface-mtu=9000 ntp-servers=10.0.0.1 tftp-server-address=10.0.0.2"},
    {"over what the server would say", .device = "3 10.77.0.254;28 10.77.255.255;12 other", .asks = "3 28",
     .comes = "routers=10.77.0.254 broadcast-address=10.77.255.255"},

    {"RFC 3442: with the default route, without option 3", .subnet = "121 " ROUTE ";33 10.9.0.0 10.77.0.9",
     .asks = "121 3 33", .comes = "classless-static-routes=10.1.0.0/16 via 10.77.0.2, default via 10.77.0.1"},
    {"RFC 3442: to who does not ask, the router as ever", .subnet = "121 " ROUTE, .asks = "3",
     .comes = "routers=10.77.0.1"},
    {"RFC 3442: to who sends no list, both", .subnet = "121 " ROUTE, .asks = "*",
     .comes = "routers=10.77.0.1 broadcast-address=10.77.0.255 "
              "classless-static-routes=10.1.0.0/16 via 10.77.0.2, default via 10.77.0.1"},
    {"RFC 3442: a default route of its own", .subnet = "121 " ROUTE " default_via_10.77.0.9", .asks = "121 3",
     .comes = "classless-static-routes=10.1.0.0/16 via 10.77.0.2, default via 10.77.0.9"},
    {"RFC 3442: the device's router is the default", .subnet = "121 " ROUTE, .device = "3 10.77.0.254",
     .asks = "121", .comes = "classless-static-routes=10.1.0.0/16 via 10.77.0.2, default via 10.77.0.254"},
    {"RFC 3442: no router", .subnet = "121 " ROUTE, .no_router = true, .asks = "121 3",
     .comes = "classless-static-routes=10.1.0.0/16 via 10.77.0.2"},
    {"RFC 3442: not configured", .asks = "121 3", .comes = "routers=10.77.0.1"},
    {"option 249, as old clients ask", .subnet = "249 " ROUTE, .asks = "249 3",
     .comes = "routers=10.77.0.1 "
              "ms-classless-static-routes=10.1.0.0/16 via 10.77.0.2, default via 10.77.0.1"},

    {"a switch gets its bootfile", .role = "67 switch.cfg;43 hex:0101ff;60 text", .asks = "43 60 67",
     .comes = "vendor-encapsulated-options=hex:0101ff vendor-class-identifier=text "
              "boot-file-name=switch.cfg"},
    {"what boots gets the loader alone", .role = "67 switch.cfg;!43 hex:0101ff;60 text;42 10.0.0.1",
     .asks = "42 43 60 67", .class = "PXEClient:Arch:00007:UNDI:003000", .comes = "ntp-servers=10.0.0.1"},
};

static struct dhcpd_subnet subnet = {.prefix = {{0x0a4d0000}, 24}, .unknown = UNKNOWN_DISCOVER};
static const struct dhcpd_config cfg = {
    .lease_time = 3600, .http_port = 8080, .subnets_n = 1, .subnets = &subnet};

/* The packet of a row: a DISCOVER. */
static struct packet ask(const struct row *r)
{
    struct packet p = packet_new();
    char text[64], *at = text, *word;
    uint8_t list[32];
    size_t n = 0;
    OPTION(&p, 53, 1);
    if (r->class)
        packet_option(&p, 60, r->class, strlen(r->class));
    assert_true(str_copy(text, sizeof text, r->asks));
    while (strcmp(r->asks, "*") && (word = strsep(&at, " ")))
        list[n++] = (uint8_t)atoi(word);
    if (n)
        packet_option(&p, 55, list, n);
    return p;
}

/* Decides it for the device at 10.77.0.11; the reply as bytes in buf. */
static size_t answer(const struct row *r, const struct packet *p, struct request *q, struct decision *d,
                     uint8_t buf[MESSAGE_MAX])
{
    static struct dhcp_set sets[4];
    struct device dev = {.id = 1, .name = "hv-01", .state = STATE_IDLE, .interfaces_n = 1};
    struct arrival from = {.link = &link};
    struct facts f = {.device = &dev, .at_ms = NOW};
    struct place place;
    size_t n = 0;
    const char *const written[] = {r->subnet, r->role, r->site, r->device};
    for (size_t i = 0; i < 4; i++) {
        sets[i] = set_of(written[i] ? written[i] : "");
        *(i ? &f.options[i - 1] : &subnet.options) = dhcp_set_span(&sets[i]);
    }
    subnet.has_router = !r->no_router;
    subnet.router.a = 0x0a4d0001;
    dev.interfaces[0] = (struct interface){.mac = asker, .has_address = true, .address = {{0x0a4d000b}, 24}};
    assert_int_equal(message_parse(packet_span(p), q), DROP_NONE);
    assert_int_equal(place_find(&cfg, &from, q, &dev, &place), DROP_NONE);
    decide(&cfg, q, &from, &place, &f, d);
    assert_int_equal(d->drop, DROP_NONE);
    assert_int_equal(message_encode(q, &d->reply, buf, MESSAGE_MAX, &n), 0);
    return n;
}

static void decode(const uint8_t *buf, size_t n, struct options *ret)
{
    assert_int_equal(
        options_decode(span_of(buf + 240, n - 240), span_of(buf + 108, 128), span_of(buf + 44, 64), ret), 0);
}

static void table(void **state)
{
    static const uint8_t always[] = {1, 12, 51, 53, 54, 58, 59}; /* not what this is about */
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct packet p = ask(r);
        struct request q;
        struct decision d;
        struct options o;
        uint8_t buf[MESSAGE_MAX];
        struct str text = {0};
        decode(buf, answer(r, &p, &q, &d, buf), &o);
        for (unsigned c = 0; c < 256; c++) {
            if (!o.has[c] || memchr(always, (int)c, sizeof always))
                continue;
            str_addf(&text, "%s", text.len ? " " : "");
            dhcp_name_format((uint8_t)c, &text);
            str_add(&text, "=");
            dhcp_value_format((uint8_t)c, o.value[c], &text);
        }
        if (strcmp(text.s ? text.s : "", r->comes))
            fail_msg("%s: \"%s\"", r->name, text.s ? text.s : "");
        str_free(&text);
    }
}

static void lease_times(void **state)
{
    static const struct {
        uint32_t server, subnet, asked, comes;
    } cases[] = {
        {3600, 0, 0, 3600},    {3600, 600, 0, 600},   {3600, 7200, 0, 7200},   {3600, 0, 900, 900},
        {3600, 0, 7200, 3600}, {3600, 600, 900, 600}, {3600, 0, 5, LEASE_MIN}, {3600, 0, UINT32_MAX, 3600},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row r = {.asks = "*"};
        struct packet p = ask(&r);
        struct request q;
        struct decision d;
        struct options o;
        uint8_t buf[MESSAGE_MAX];
        uint32_t a = cases[i].asked;
        subnet.lease_time = cases[i].subnet;
        if (a)
            OPTION(&p, 51, (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a);
        decode(buf, answer(&r, &p, &q, &d, buf), &o);
        assert_int_equal(option_ip4(&o, OPT_LEASE_TIME).a, cases[i].comes);
        assert_int_equal(option_ip4(&o, OPT_T1).a, cases[i].comes / 2);
    }
    subnet.lease_time = 0;
}

/* What many devices share names none of them. */
static void host_names(void **state)
{
    static const struct {
        struct row row;
        const char *comes;
    } cases[] = {
        {{.asks = "12"}, "hv-01"},
        {{.subnet = "12 all", .asks = "12"}, "hv-01"},
        {{.subnet = "12 all", .role = "12 role", .site = "12 site", .asks = "12"}, "hv-01"},
        {{.subnet = "!12 all", .asks = "1"}, "hv-01"},
        {{.subnet = "12 all", .device = "12 own", .asks = "12"}, "own"},
        {{.subnet = "12 all", .asks = "1"}, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct packet p = ask(&cases[i].row);
        struct request q;
        struct decision d;
        struct options o;
        uint8_t buf[MESSAGE_MAX];
        decode(buf, answer(&cases[i].row, &p, &q, &d, buf), &o);
        if (!span_eq(o.value[12], span_str(cases[i].comes)))
            fail_msg("case %zu: %.*s", i, (int)o.value[12].n, (const char *)o.value[12].p);
    }
}

/* The set "17 x...;40 x...", with n letters each. */
static void long_options(char *buf, size_t size, const char *codes, int n)
{
    struct str text = {0};
    for (; *codes; codes += 4)
        str_addf(&text, "%s%.3s %0*d", text.len ? ";" : "", codes, n, 1);
    assert_true(str_copy(buf, size, text.s));
    str_free(&text);
}

/* 548 bytes, and more options: `file` and `sname` take what the options field does not, and option 52 says
 * so; a client that boots has its file there, and goes without what can be spared. */
static void what_does_not_fit(void **state)
{
    static char big[512];
    struct row r = {.subnet = big, .asks = "3 17 40 100"};
    struct packet p = ask(&r);
    struct request q;
    struct decision d;
    struct options o;
    uint8_t buf[MESSAGE_MAX];
    (void)state;
    long_options(big, sizeof big, "017 040 100 ", 90);
    size_t n = answer(&r, &p, &q, &d, buf);
    assert_true(n <= MESSAGE_DEFAULT);
    decode(buf, n, &o);
    assert_true(o.has[17] && o.has[40] && o.has[100]);
    assert_int_equal(option_u8(&o, OPT_OVERLOAD, 0), 3);
    assert_int_equal(o.value[100].n, 90);
    assert_int_equal(buf[108], 100); /* in `file` */
    assert_int_equal(buf[44], OPT_END);
    r.class = "PXEClient:Arch:00000:UNDI:002001";
    p = ask(&r);
    n = answer(&r, &p, &q, &d, buf);
    assert_true(n <= MESSAGE_DEFAULT);
    decode(buf, n, &o);
    assert_false(o.has[OPT_OVERLOAD]);
    assert_true(o.has[17] && o.has[OPT_ROUTER] && !o.has[40]); /* the highest `spare` went first */
    assert_string_equal((const char *)buf + 108, "undionly.kpxe");
}

/* A relay's words are echoed at the end of the options field, and never in `file` or `sname` (RFC 3046, 2.2):
 * others make room for them. */
static void relay_words_stay_last(void **state)
{
    static char big[512];
    struct row r = {.subnet = big, .asks = "17"};
    uint8_t words[150] = {1, 148};
    struct packet p = ask(&r);
    struct request q;
    struct decision d;
    struct options o;
    uint8_t buf[MESSAGE_MAX];
    (void)state;
    long_options(big, sizeof big, "017 ", 125);
    packet_option(&p, 82, words, sizeof words);
    size_t n = answer(&r, &p, &q, &d, buf);
    decode(buf, n, &o);
    assert_true(o.has[82] && o.has[17]);
    assert_int_equal(option_u8(&o, OPT_OVERLOAD, 0), 3);
    struct option_iter it = option_iter(span_of(buf + 240, n - 240), false);
    struct span value;
    uint8_t code = 0;
    while (option_next(&it, &code, &value)) {
    }
    assert_int_equal(code, 82);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(lease_times),
        cmocka_unit_test(host_names),
        cmocka_unit_test(what_does_not_fit),
        cmocka_unit_test(relay_words_stay_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

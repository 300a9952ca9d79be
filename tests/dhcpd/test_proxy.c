/* proxy: beside another DHCP server; and client rows of the configuration. What is asked, what comes. */
#include "tests/dhcpd/build.h"

#include "dhcpd/decide.h"

#define NOW INT64_C(1000000)
#define US  0x0a4d0001u
#define URL                                                                                                  \
    "http://10.77.0.1:8080/boot/"                                                                            \
    "52-54-00-00-00-01.ipxe?uuid=${uuid}&serial=${serial:uristring}&arch=${buildarch}"

static struct dhcpd_subnet subnet = {.prefix = {{0x0a4d0000}, 24}, .unknown = UNKNOWN_DISCOVER};
static const struct link here = {
    .name = "br0", .mac = {{2, 0, 0, 0, 0, 1}}, .addresses = {{{US}, 24}}, .addresses_n = 1};

enum extra { PXE = 1 /* to 4011 */, RELAYED = 2, AT_HOME = 4 /* ciaddr in the subnet */, ABROAD = 8 };

static const struct {
    const char *name;
    enum message_type type;
    const char *class, *user;
    int arch; /* -1: not sent */
    unsigned extra;
    enum drop drop;
    enum message_type reply;
    const char *file, *class_back;
    bool menu; /* option 43 */
} rows[] = {
    {"bios", MSG_DISCOVER, "PXEClient:Arch:00000", NULL, 0, 0, DROP_NONE, MSG_OFFER, "undionly.kpxe",
     "PXEClient", true},
    {"uefi", MSG_DISCOVER, "PXEClient:Arch:00007", NULL, 7, 0, DROP_NONE, MSG_OFFER, "", "PXEClient", false},
    {"uefi on 4011", MSG_REQUEST, "PXEClient:Arch:00007", NULL, 7, PXE | AT_HOME, DROP_NONE, MSG_ACK,
     "ipxe.efi", "PXEClient", false},
    {"bios on 4011", MSG_REQUEST, "PXEClient:Arch:00000", NULL, 0, PXE | AT_HOME, DROP_NONE, MSG_ACK,
     "undionly.kpxe", "PXEClient", true},
    {"4011 by INFORM", MSG_INFORM, "PXEClient:Arch:00011", NULL, 11, PXE | AT_HOME, DROP_NONE, MSG_ACK,
     "ipxe-arm64.efi", "PXEClient", false},
    {"http", MSG_DISCOVER, "HTTPClient:Arch:00016", NULL, 16, 0, DROP_NONE, MSG_OFFER,
     "http://10.77.0.1:8080/loader/ipxe.efi?mac=52-54-00-00-00-01", "HTTPClient", false},
    {"ipxe", MSG_DISCOVER, "PXEClient:Arch:00007", "iPXE", 7, 0, DROP_NONE, MSG_OFFER, URL, "PXEClient",
     false},
    {"relayed", MSG_DISCOVER, "PXEClient:Arch:00000", NULL, 0, RELAYED, DROP_NONE, MSG_OFFER, "undionly.kpxe",
     "PXEClient", true},
    {"not a client that boots", MSG_DISCOVER, "MSFT 5.0", NULL, -1, 0, DROP_NOT_BOOTING, 0, NULL, NULL,
     false},
    {"an architecture without a loader", MSG_DISCOVER, "PXEClient:Arch:00002", NULL, 2, 0, DROP_NOT_BOOTING,
     0, NULL, NULL, false},
    {"a REQUEST of the other server's", MSG_REQUEST, "PXEClient:Arch:00000", NULL, 0, 0, DROP_NOT_PROXYS, 0,
     NULL, NULL, false},
    {"a RELEASE", MSG_RELEASE, "PXEClient:Arch:00000", NULL, 0, AT_HOME, DROP_NOT_PROXYS, 0, NULL, NULL,
     false},
    {"a DISCOVER on 4011", MSG_DISCOVER, "PXEClient:Arch:00007", NULL, 7, PXE | AT_HOME, DROP_NOT_PROXYS, 0,
     NULL, NULL, false},
    {"4011 without an address", MSG_REQUEST, "PXEClient:Arch:00007", NULL, 7, PXE, DROP_NO_CIADDR, 0, NULL,
     NULL, false},
    {"4011 for an address abroad", MSG_REQUEST, "PXEClient:Arch:00007", NULL, 7, PXE | ABROAD, DROP_NO_SUBNET,
     0, NULL, NULL, false},
};

static struct packet ask(size_t i)
{
    struct packet p = packet_new();
    OPTION(&p, 53, (uint8_t)rows[i].type);
    packet_option(&p, 60, rows[i].class, strlen(rows[i].class));
    if (rows[i].arch >= 0)
        OPTION(&p, 93, 0, (uint8_t)rows[i].arch);
    if (rows[i].user)
        packet_option(&p, 77, rows[i].user, strlen(rows[i].user));
    OPTION(&p, 97, 0, 1, 2, 3);
    if (rows[i].extra & AT_HOME)
        memcpy(p.b + 12, (uint8_t[]){10, 77, 0, 50}, 4);
    if (rows[i].extra & ABROAD)
        memcpy(p.b + 12, (uint8_t[]){198, 51, 100, 1}, 4);
    if (rows[i].extra & RELAYED)
        memcpy(p.b + 24, (uint8_t[]){10, 77, 0, 2}, 4);
    return p;
}

static enum drop run(const struct dhcpd_config *cfg, size_t i, const struct packet *p, struct request *q,
                     struct decision *d)
{
    struct arrival from = {
        .link = &here, .unicast = rows[i].extra != 0, .pxe = rows[i].extra & PXE, .source_port = 4011};
    struct facts f = {.at_ms = NOW};
    struct place place;
    assert_int_equal(message_parse(packet_span(p), q), DROP_NONE);
    enum drop why = place_find(cfg, &from, q, NULL, &place);
    if (why != DROP_NONE)
        return why;
    assert_false(decide_needs_free(q, &from, &place, &f));
    decide(cfg, q, &from, &place, &f, d);
    assert_false(d->answers && decide_needs_probe(q, &place, &f, d));
    return d->drop;
}

/* The reply as bytes, as a client reads it. */
static void reply_is(size_t i, const struct request *q, struct decision *d)
{
    uint8_t buf[MESSAGE_MAX];
    struct options o;
    size_t n;
    assert_int_equal(d->puts_n, 0);
    assert_int_equal(d->reply.yiaddr.a, 0);
    assert_int_equal(d->reply.siaddr.a, US);
    assert_string_equal(d->reply.file, rows[i].file);
    assert_int_equal(message_encode(q, &d->reply, buf, sizeof buf, &n), 0);
    assert_int_equal(options_decode(span_of(buf + 240, n - 240), span_of(buf, 0), span_of(buf, 0), &o), 0);
    assert_int_equal(option_u8(&o, OPT_TYPE, 0), rows[i].reply);
    assert_int_equal(option_ip4(&o, OPT_SERVER_ID).a, US);
    assert_true(span_eq(o.value[OPT_VENDOR_CLASS], span_str(rows[i].class_back)));
    assert_true(span_eq(o.value[OPT_MACHINE_ID], span_of("\0\1\2\3", 4)));
    assert_int_equal(o.has[OPT_VENDOR], rows[i].menu);
    if (rows[i].menu)
        assert_true(span_eq(o.value[OPT_VENDOR], span_of("\6\1\x08\xff", 4)));
    assert_false(o.has[OPT_LEASE_TIME] || o.has[OPT_SUBNET_MASK] || o.has[OPT_ROUTER]);
}

static void destination_is(size_t i, const struct decision *d)
{
    if (rows[i].extra & PXE)
        assert_true(d->to.how == SEND_PXE && d->to.ip.a == 0x0a4d0032 && d->to.port == 4011);
    else if (rows[i].extra & RELAYED)
        assert_true(d->to.how == SEND_SOCKET && d->to.ip.a == 0x0a4d0002 && d->to.port == 67);
    else
        assert_true(d->to.how == SEND_FRAME && d->to.ip.a == 0xffffffff && d->to.port == 68);
}

static void table(void **state)
{
    struct dhcpd_config cfg = {.http_port = 8080, .proxy = true, .subnets = &subnet, .subnets_n = 1};
    (void)state;
    subnets_ready(&subnet, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packet p = ask(i);
        struct request q;
        struct decision d = {0};
        enum drop why = run(&cfg, i, &p, &q, &d);
        if (why != rows[i].drop)
            fail_msg("%s: %s, not %s", rows[i].name, drop_name(why), drop_name(rows[i].drop));
        assert_int_equal(d.answers, rows[i].reply != 0);
        if (!d.answers)
            continue;
        reply_is(i, &q, &d);
        destination_is(i, &d);
    }
}

static void unknown_rules_here_too(void **state)
{
    struct dhcpd_config cfg = {.http_port = 8080, .proxy = true, .subnets = &subnet, .subnets_n = 1};
    struct packet p = ask(0);
    struct request q;
    struct decision d;
    (void)state;
    subnet.unknown = UNKNOWN_IGNORE;
    subnets_ready(&subnet, 1);
    assert_int_equal(run(&cfg, 0, &p, &q, &d), DROP_UNKNOWN);
    subnet.unknown = UNKNOWN_DISCOVER;
}

/* ---- the configuration's rows ---- */

static const struct client_table own = {
    .n = 3,
    .rows = {{.name = "old-x64",
              .via = VIA_TFTP,
              .archs = {7},
              .archs_n = 1,
              .vendor_class = "PXEClient:Arch:00007:UNDI:003000"},
             {.name = "u-boot", .via = VIA_TFTP, .vendor_class = "U-Boot"},
             {.name = "ours", .via = VIA_TFTP, .archs = {0, 7}, .archs_n = 2, .user_class = "lab"}}};

static void own_rows(void **state)
{
    static const struct {
        const char *class, *user;
        int arch;
        const char *want;
    } cases[] = {
        {"PXEClient:Arch:00007:UNDI:003000", NULL, 7, "old-x64"},
        {"PXEClient:Arch:00007:UNDI:003016", NULL, 7, "uefi-x64"},
        {"PXEClient:Arch:00007:UNDI:003016", "lab-1", 7, "ours"},
        {"PXEClient:Arch:00007:UNDI:003016", "\5lab-1", 7, "ours"},
        {"PXEClient:Arch:00011:UNDI:003016", "lab-1", 11, "uefi-arm64"},
        {"HTTPClient:Arch:00016:UNDI:003016", "lab-1", 16, "uefi-x64-http"},
        {"U-Boot.armv8", NULL, -1, "u-boot"},
        {"PXEClient:Arch:00007:UNDI:003000", "iPXE", 7, "ipxe"}, /* never a loader again */
        {"MSFT 5.0", NULL, -1, "other"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct packet p = packet_new();
        struct request q;
        OPTION(&p, 53, MSG_DISCOVER);
        packet_option(&p, 60, cases[i].class, strlen(cases[i].class));
        if (cases[i].user)
            packet_option(&p, 77, cases[i].user, strlen(cases[i].user));
        if (cases[i].arch >= 0)
            OPTION(&p, 93, 0, (uint8_t)cases[i].arch);
        assert_int_equal(message_parse(packet_span(&p), &q), DROP_NONE);
        const char *got = client_find(&own, &q.options)->name;
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s %s: %s, not %s", cases[i].class, cases[i].user ? cases[i].user : "", got,
                     cases[i].want);
    }
    assert_ptr_equal(client_by_name(&own, "u-boot"), &own.rows[1]);
    assert_string_equal(client_by_name(&own, "bios")->loaders[0], "undionly.kpxe");
    assert_null(client_by_name(&own, "ipxe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(unknown_rules_here_too),
        cmocka_unit_test(own_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* decide: request, place, facts, time -> reply, destination, leases, or a reason for silence; as tables. */
#include "tests/dhcpd/build.h"

#include "dhcpd/decide.h"

#define NOW      INT64_C(1000000)
#define IP(last) ((struct ip4){0x0a4d0000u | (last)})
#define US       IP(1)

static const struct mac asker = {{0x52, 0x54, 0, 0, 0, 1}}, stranger = {{0x52, 0x54, 0, 0, 0, 9}};
static const struct link link = {
    .name = "br0", .mac = {{2, 0, 0, 0, 0, 1}}, .addresses = {{{0x0a4d0001}, 24}}, .addresses_n = 1};

static struct dhcpd_range pool[] = {{{0x0a4d0064}, {0x0a4d00c7}}};
static struct dhcpd_subnet subnets[] = {
    {.prefix = {{0x0a4d0000}, 24}, .has_router = true, .router = {0x0a4d0001}, .pool = pool, .pool_n = 1},
    {.prefix = {{0x0a4e0000}, 24}}};

static struct dhcpd_config config(enum unknown_policy unknown)
{
    subnets[0].unknown = subnets[1].unknown = unknown;
    return (struct dhcpd_config){.lease_time = 3600, .http_port = 8080, .subnets_n = 2, .subnets = subnets};
}

static struct device device(unsigned last)
{
    struct device d = {.id = 1, .name = "hv-01", .state = STATE_IDLE, .interfaces_n = 1};
    d.interfaces[0] = (struct interface){.name = "eno1", .mac = asker, .has_address = last != 0};
    d.interfaces[0].address = (struct ip4_if){IP(last), 24};
    return d;
}

/* One case: what is asked, what is known, what comes. */
struct row {
    const char *name;
    enum message_type type;
    unsigned server, requested, ciaddr; /* last byte in 10.77.0.0/24; 0: not sent */
    bool unicast;
    unsigned reserved; /* of the device; 0: it has none, or there is no device */
    bool known;        /* a device has the MAC */
    unsigned mine;     /* address of its lease; 0: none */
    enum lease_state state;
    int64_t expires; /* relative to now */
    bool held;       /* somebody else's live lease is on the address asked for, or reserved */
    /* comes */
    enum drop drop;
    enum message_type reply; /* 0: none */
    unsigned yiaddr;
    const char *said; /* the state, where it matters */
};

#define KNOWN(n)      .known = true, .reserved = n
#define MINE(n, s, e) .mine = n, .state = s, .expires = e

static const struct row rows[] = {
    {"reserved", MSG_DISCOVER, KNOWN(11), .reply = MSG_OFFER, .yiaddr = 11},
    {"reserved, wants another", MSG_DISCOVER, .requested = 120, KNOWN(11), .reply = MSG_OFFER, .yiaddr = 11},
    {"reserved, held by another", MSG_DISCOVER, KNOWN(11), .held = true, .drop = DROP_HELD},
    {"stranger", MSG_DISCOVER, .reply = MSG_OFFER, .yiaddr = 150},
    {"stranger wants a free one", MSG_DISCOVER, .requested = 120, .reply = MSG_OFFER, .yiaddr = 120},
    {"stranger wants one that is held", MSG_DISCOVER, .requested = 120, .held = true, .reply = MSG_OFFER,
     .yiaddr = 150},
    {"stranger wants one outside the pool", MSG_DISCOVER, .requested = 20, .reply = MSG_OFFER, .yiaddr = 150},
    {"stranger that has one", MSG_DISCOVER, MINE(130, LEASE_BOUND, 500), .reply = MSG_OFFER, .yiaddr = 130},
    {"stranger that had one", MSG_DISCOVER, MINE(130, LEASE_RELEASED, 0), .reply = MSG_OFFER, .yiaddr = 130},
    {"stranger that declined it", MSG_DISCOVER, MINE(130, LEASE_DECLINED, 500), .reply = MSG_OFFER,
     .yiaddr = 150},
    {"device without an address", MSG_DISCOVER, KNOWN(0), .reply = MSG_OFFER, .yiaddr = 150},

    {"selecting", MSG_REQUEST, .server = 1, .requested = 11, KNOWN(11), .reply = MSG_ACK, .yiaddr = 11,
     .said = "selecting"},
    {"selecting, wrong", MSG_REQUEST, .server = 1, .requested = 12, KNOWN(11), .reply = MSG_NAK},
    {"selecting, another server", MSG_REQUEST, .server = 2, .requested = 11, KNOWN(11),
     .drop = DROP_OTHER_SERVER},
    {"selecting, nothing asked", MSG_REQUEST, .server = 1, KNOWN(11), .drop = DROP_BAD_STATE},
    {"selecting, offered", MSG_REQUEST, .server = 1, .requested = 130, MINE(130, LEASE_OFFERED, 500),
     .reply = MSG_ACK, .yiaddr = 130},
    {"selecting, the offer forgotten", MSG_REQUEST, .server = 1, .requested = 130, .reply = MSG_ACK,
     .yiaddr = 130},
    {"selecting, held", MSG_REQUEST, .server = 1, .requested = 130, .held = true, .reply = MSG_NAK},

    {"init-reboot", MSG_REQUEST, .requested = 11, KNOWN(11), .reply = MSG_ACK, .yiaddr = 11,
     .said = "init-reboot"},
    {"init-reboot, changed", MSG_REQUEST, .requested = 12, KNOWN(11), .reply = MSG_NAK,
     .said = "init-reboot"},
    {"init-reboot, no record", MSG_REQUEST, .requested = 130, .drop = DROP_NO_RECORD},
    {"init-reboot, its lease", MSG_REQUEST, .requested = 130, MINE(130, LEASE_BOUND, 500), .reply = MSG_ACK,
     .yiaddr = 130},
    {"init-reboot, another lease", MSG_REQUEST, .requested = 131, MINE(130, LEASE_BOUND, 500),
     .reply = MSG_NAK},
    {"init-reboot, expired", MSG_REQUEST, .requested = 130, MINE(130, LEASE_BOUND, -5), .reply = MSG_ACK,
     .yiaddr = 130},

    {"renewing", MSG_REQUEST, .ciaddr = 11, .unicast = true, KNOWN(11), .reply = MSG_ACK, .yiaddr = 11,
     .said = "renewing"},
    {"renewing, changed", MSG_REQUEST, .ciaddr = 12, .unicast = true, KNOWN(11), .reply = MSG_NAK,
     .said = "renewing"},
    {"renewing, no record", MSG_REQUEST, .ciaddr = 130, .unicast = true, .drop = DROP_NO_RECORD},
    {"rebinding", MSG_REQUEST, .ciaddr = 130, MINE(130, LEASE_BOUND, 5), .reply = MSG_ACK, .yiaddr = 130,
     .said = "rebinding"},
    {"rebinding, changed", MSG_REQUEST, .ciaddr = 12, KNOWN(11), .reply = MSG_NAK, .said = "rebinding"},
    {"no state", MSG_REQUEST, KNOWN(11), .drop = DROP_BAD_STATE},

    {"release", MSG_RELEASE, .ciaddr = 130, .unicast = true, MINE(130, LEASE_BOUND, 500)},
    {"release of another's", MSG_RELEASE, .ciaddr = 130, .unicast = true, .held = true, .drop = DROP_NOT_ITS},
    {"decline", MSG_DECLINE, .requested = 130, .server = 1, MINE(130, LEASE_BOUND, 500)},
    {"decline to another server", MSG_DECLINE, .requested = 130, .server = 2, MINE(130, LEASE_BOUND, 500),
     .drop = DROP_OTHER_SERVER},
    {"decline of another's", MSG_DECLINE, .requested = 130, .held = true, .drop = DROP_NOT_ITS},
    {"inform", MSG_INFORM, .ciaddr = 11, KNOWN(11), .reply = MSG_ACK},
    {"inform, no address", MSG_INFORM, KNOWN(11), .drop = DROP_NO_CIADDR},
};

static struct packet ask(const struct row *r)
{
    struct packet p = packet_new();
    OPTION(&p, 53, (uint8_t)r->type);
    if (r->ciaddr)
        memcpy(p.b + 12, (uint8_t[]){10, 77, 0, (uint8_t)r->ciaddr}, 4);
    if (r->requested)
        OPTION(&p, 50, 10, 77, 0, (uint8_t)r->requested);
    if (r->server)
        OPTION(&p, 54, 10, 77, 0, (uint8_t)r->server);
    return p;
}

static struct address_fact fact(const struct row *r, struct ip4 ip, const struct lease *mine,
                                const struct lease *held)
{
    bool is_mine = r->mine && ip4_eq(ip, mine->address);
    return (struct address_fact){.lease = is_mine ? mine : r->held && ip.a ? held : NULL};
}

static enum drop run(const struct row *r, const struct dhcpd_config *cfg, struct request *q,
                     struct decision *d)
{
    struct packet p = ask(r);
    struct device dev = device(r->reserved);
    struct lease mine = {
        .address = IP(r->mine), .mac = asker, .state = r->state, .expires_ms = NOW + r->expires};
    struct lease held = {.mac = stranger, .state = LEASE_BOUND, .expires_ms = NOW + 500};
    struct arrival from = {.link = &link, .unicast = r->unicast};
    struct facts f = {.device = r->known ? &dev : NULL, .has_free = true, .free = IP(150), .at_ms = NOW};
    struct place place;
    assert_int_equal(message_parse(packet_span(&p), q), DROP_NONE);
    enum drop why = place_find(cfg, &from, q, f.device, &place);
    if (why != DROP_NONE)
        return why;
    held.address = decide_asked(q).a ? decide_asked(q) : place.reserved;
    f.mine = r->mine ? fact(r, mine.address, &mine, &held) : (struct address_fact){0};
    f.asked = fact(r, decide_asked(q), &mine, &held);
    f.reserved = fact(r, place.reserved, &mine, &held);
    decide(cfg, q, &from, &place, &f, d);
    return d->drop;
}

static void table(void **state)
{
    struct dhcpd_config cfg = config(UNKNOWN_DISCOVER);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct request q;
        struct decision d;
        enum drop why = run(r, &cfg, &q, &d);
        if (why != r->drop)
            fail_msg("%s: %s, not %s", r->name, drop_name(why), drop_name(r->drop));
        if (d.answers != (r->reply != 0) || (r->reply && d.reply.type != r->reply))
            fail_msg("%s: %s", r->name, d.answers ? message_type_name(d.reply.type) : "silence");
        if (r->reply && d.reply.yiaddr.a != (r->yiaddr ? IP(r->yiaddr).a : 0))
            fail_msg("%s: yiaddr %08x", r->name, d.reply.yiaddr.a);
        if (r->said && strcmp(r->said, d.state))
            fail_msg("%s: state %s", r->name, d.state);
        if (d.answers && d.reply.type == MSG_ACK && d.reply.yiaddr.a)
            assert_true(d.puts_n > 0 && d.puts[d.puts_n - 1].state == LEASE_BOUND);
        for (size_t k = 0; k < d.puts_n && (r->reply == MSG_OFFER || r->reply == MSG_NAK); k++)
            assert_int_equal(d.puts[k].state, LEASE_OFFERED);
    }
}

static void unknown_is_ignored(void **state)
{
    struct dhcpd_config cfg = config(UNKNOWN_IGNORE);
    struct row r = {.type = MSG_DISCOVER}, known = {.type = MSG_DISCOVER, KNOWN(11)};
    struct request q;
    struct decision d;
    (void)state;
    assert_int_equal(run(&r, &cfg, &q, &d), DROP_UNKNOWN);
    assert_false(d.answers);
    assert_int_equal(run(&known, &cfg, &q, &d), DROP_NONE);
}

static void nic_has_one_address(void **state)
{
    struct dhcpd_config cfg = config(UNKNOWN_DISCOVER);
    struct row r = {
        .type = MSG_REQUEST, .server = 1, .requested = 11, KNOWN(11), MINE(130, LEASE_BOUND, 500)};
    struct request q;
    struct decision d;
    (void)state;
    assert_int_equal(run(&r, &cfg, &q, &d), DROP_NONE);
    assert_int_equal(d.puts_n, 2);
    assert_true(d.puts[0].state == LEASE_RELEASED && ip4_eq(d.puts[0].address, IP(130)));
    assert_true(d.puts[1].state == LEASE_BOUND && ip4_eq(d.puts[1].address, IP(11)));
}

/* RFC 2131, 4.1. */
static void destinations(void **state)
{
    static const struct {
        const char *name;
        uint8_t giaddr[4];
        unsigned ciaddr;
        uint32_t claimed;
        bool broadcast;
        enum send_how how;
        uint32_t ip;
        uint16_t port;
    } cases[] = {
        {"relay", {10, 77, 0, 2}, 0, 0, true, SEND_SOCKET, 0x0a4d0002, 67},
        {"renewing", {0}, 11, 0, false, SEND_SOCKET, 0x0a4d000b, 68},
        {"broadcast", {0}, 0, 0, true, SEND_FRAME, 0xffffffff, 68},
        {"to its NIC", {0}, 0, 0, false, SEND_FRAME, 0x0a4d000b, 68},
        {"another's address is not written to", {0}, 0, 0xc6336401, false, SEND_FRAME, 0x0a4d000b, 68},
        {"nak", {0}, 12, 0, false, SEND_FRAME, 0xffffffff, 68},
        {"nak by relay", {10, 77, 0, 2}, 12, 0, false, SEND_SOCKET, 0x0a4d0002, 67},
    };
    struct dhcpd_config cfg = config(UNKNOWN_DISCOVER);
    struct device dev = device(11);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row r = {.type = cases[i].ciaddr ? MSG_REQUEST : MSG_DISCOVER, .ciaddr = cases[i].ciaddr};
        struct packet p = ask(&r);
        struct arrival from = {.link = &link};
        struct facts f = {.device = &dev, .at_ms = NOW};
        struct request q;
        struct place place;
        struct decision d;
        memcpy(p.b + 24, cases[i].giaddr, 4);
        p.b[10] = cases[i].broadcast ? 0x80 : 0;
        struct writer ciaddr = writer_of(p.b + 12, 4);
        if (cases[i].claimed) /* a DISCOVER has no ciaddr */
            write_be32(&ciaddr, cases[i].claimed);
        assert_int_equal(message_parse(packet_span(&p), &q), DROP_NONE);
        assert_int_equal(place_find(&cfg, &from, &q, &dev, &place), DROP_NONE);
        decide(&cfg, &q, &from, &place, &f, &d);
        if (d.to.how != cases[i].how || d.to.ip.a != cases[i].ip || d.to.port != cases[i].port)
            fail_msg("%s: %d %08x:%u", cases[i].name, d.to.how, d.to.ip.a, d.to.port);
    }
}

static void boots(void **state)
{
    static const struct {
        const char *class, *user;
        uint8_t arch;
        const char *file;
    } cases[] = {
        {"PXEClient", NULL, 0, "undionly.kpxe"},
        {"PXEClient", NULL, 7, "ipxe.efi"},
        {"HTTPClient", NULL, 16, "http://10.77.0.1:8080/loader/ipxe.efi?mac=52-54-00-00-00-01"},
        {"PXEClient", "iPXE", 7,
         "http://10.77.0.1:8080/boot/"
         "52-54-00-00-00-01.ipxe?uuid=${uuid}&serial=${serial:uristring}&arch=${buildarch}"},
        {"linux", NULL, 0, ""},
    };
    struct dhcpd_config cfg = config(UNKNOWN_DISCOVER);
    struct device dev = device(11);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row r = {.type = MSG_DISCOVER};
        struct packet p = ask(&r);
        struct arrival from = {.link = &link};
        struct facts f = {.device = &dev, .at_ms = NOW};
        struct request q;
        struct place place;
        struct decision d;
        packet_option(&p, 60, cases[i].class, strlen(cases[i].class));
        OPTION(&p, 93, 0, cases[i].arch);
        if (cases[i].user)
            packet_option(&p, 77, cases[i].user, strlen(cases[i].user));
        assert_int_equal(message_parse(packet_span(&p), &q), DROP_NONE);
        assert_int_equal(place_find(&cfg, &from, &q, &dev, &place), DROP_NONE);
        decide(&cfg, &q, &from, &place, &f, &d);
        assert_string_equal(d.reply.file, cases[i].file);
        assert_int_equal(d.reply.siaddr.a, cases[i].file[0] ? US.a : 0);
    }
}

static void places(void **state)
{
    static const struct {
        const char *name;
        enum message_type type;
        uint8_t giaddr[4], selection[4], ciaddr[4];
        bool unicast;
        int subnet; /* -1: none */
    } cases[] = {
        {"on the link", MSG_DISCOVER, {0}, {0}, {0}, false, 0},
        {"relayed", MSG_DISCOVER, {10, 78, 0, 1}, {0}, {0}, true, 1},
        {"relayed from nowhere", MSG_DISCOVER, {10, 99, 0, 1}, {0}, {0}, true, -1},
        {"link selection", MSG_DISCOVER, {10, 77, 0, 2}, {10, 78, 0, 0}, {0}, true, 1},
        {"renewing through a router", MSG_REQUEST, {0}, {0}, {10, 78, 0, 9}, true, 1},
        {"a discover that names a subnet", MSG_DISCOVER, {0}, {0}, {10, 78, 0, 9}, true, 0},
        {"rebinding on the wrong link", MSG_REQUEST, {0}, {0}, {10, 78, 0, 9}, false, 0},
    };
    struct dhcpd_config cfg = config(UNKNOWN_DISCOVER);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct row r = {.type = cases[i].type};
        struct packet p = ask(&r);
        struct arrival from = {.link = &link, .unicast = cases[i].unicast};
        struct request q;
        struct place place;
        memcpy(p.b + 24, cases[i].giaddr, 4);
        memcpy(p.b + 12, cases[i].ciaddr, 4);
        const uint8_t *s = cases[i].selection;
        if (s[0])
            OPTION(&p, 82, 5, 4, s[0], s[1], s[2], s[3]);
        assert_int_equal(message_parse(packet_span(&p), &q), DROP_NONE);
        enum drop why = place_find(&cfg, &from, &q, NULL, &place);
        if (cases[i].subnet < 0 ? why != DROP_NO_SUBNET : why || place.on[0] != &cfg.subnets[cases[i].subnet])
            fail_msg("%s", cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(unknown_is_ignored),
        cmocka_unit_test(nic_has_one_address),
        cmocka_unit_test(destinations),
        cmocka_unit_test(boots),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What RFC 2131 says of a server's messages (table 3) and of what becomes of leases, read from the bytes of
 * replies. */
#include "tests/dhcpd/build.h"

#include "dhcpd/decide.h"

#define NOW      INT64_C(1000000)
#define IP(last) ((struct ip4){0x0a4d0000u | (last)})

static const struct mac asker = {{0x52, 0x54, 0, 0, 0, 1}};
static const struct link link = {
    .name = "br0", .mac = {{2, 0, 0, 0, 0, 1}}, .addresses = {{{0x0a4d0001}, 24}}, .addresses_n = 1};
static struct dhcpd_range range[] = {{{0x0a4d0064}, {0x0a4d00c7}}};
static struct dhcpd_subnet subnets[] = {{.prefix = {{0x0a4d0000}, 24},
                                         .has_router = true,
                                         .router = {0x0a4d0001},
                                         .pool = range,
                                         .pool_n = 1,
                                         .unknown = UNKNOWN_DISCOVER}};
static const struct dhcpd_config cfg = {
    .lease_time = 3600, .http_port = 8080, .subnets_n = 1, .subnets = subnets};

/* A request with all fields set that a reply must not copy. */
struct asked {
    enum message_type type;
    unsigned server, requested, ciaddr;
    bool relayed, held; /* held: by its own lease of 10.77.0.130 */
};

struct answered {
    enum drop drop;
    struct decision d;
    uint8_t b[MESSAGE_MAX];
    size_t n;
    struct options o;
};

static struct packet packet_of(const struct asked *x)
{
    struct packet p = packet_new();
    p.b[3] = 3;                                        /* hops */
    memcpy(p.b + 8, (uint8_t[]){0, 9, 0xff, 0xff}, 4); /* secs, every flag */
    memcpy(p.b + 16, (uint8_t[]){10, 77, 0, 66, 10, 77, 0, 67},
           8); /* yiaddr, siaddr: not the client's to say */
    if (x->ciaddr)
        memcpy(p.b + 12, (uint8_t[]){10, 77, 0, (uint8_t)x->ciaddr}, 4);
    if (x->relayed)
        memcpy(p.b + 24, (uint8_t[]){10, 77, 0, 2}, 4);
    OPTION(&p, 53, (uint8_t)x->type);
    OPTION(&p, 57, 2, 64);
    OPTION(&p, 61, 1, 2, 3);
    if (x->requested)
        OPTION(&p, 50, 10, 77, 0, (uint8_t)x->requested);
    if (x->server)
        OPTION(&p, 54, 10, 77, 0, (uint8_t)x->server);
    return p;
}

static void run(const struct asked *x, struct answered *ret)
{
    struct packet p = packet_of(x);
    struct request q;
    struct place place;
    struct arrival from = {.link = &link};
    struct lease mine = {.address = IP(130), .mac = asker, .state = LEASE_BOUND, .expires_ms = NOW + 500};
    struct facts f = {.has_free = true, .free = IP(150), .at_ms = NOW};
    assert_int_equal(message_parse(packet_span(&p), &q), DROP_NONE);
    assert_int_equal(place_find(&cfg, &from, &q, NULL, &place), DROP_NONE);
    if (x->held) {
        f.mine.lease = &mine;
        f.asked.lease = ip4_eq(decide_asked(&q), IP(130)) ? &mine : NULL;
    }
    memset(ret, 0, sizeof *ret);
    decide(&cfg, &q, &from, &place, &f, &ret->d);
    ret->drop = ret->d.drop;
    if (!ret->d.answers)
        return;
    assert_int_equal(message_encode(&q, &ret->d.reply, ret->b, sizeof ret->b, &ret->n), 0);
    assert_int_equal(options_decode(span_of(ret->b + 240, ret->n - 240), span_of(ret->b + 108, 128),
                                    span_of(ret->b + 44, 64), &ret->o),
                     0);
}

/* What every reply has: xid, chaddr and giaddr as asked, neither hops nor secs, of the flags the broadcast
 * one alone. */
static void check_head(const struct asked *x, const struct answered *a, enum message_type type)
{
    static const uint8_t head[] = {2, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0x80, 0};
    static const uint8_t padding[10];
    assert_memory_equal(a->b, head, sizeof head);
    assert_memory_equal(a->b + 24, x->relayed ? "\x0a\x4d\0\2" : "\0\0\0\0", 4);
    assert_memory_equal(a->b + 28, asker.b, 6);
    assert_memory_equal(a->b + 34, padding, 10);
    assert_int_equal(option_u8(&a->o, OPT_TYPE, 0), type);
    assert_int_equal(option_ip4(&a->o, OPT_SERVER_ID).a, IP(1).a);
    assert_true(a->o.has[OPT_CLIENT_ID]); /* RFC 6842, over table 3 */
    assert_false(a->o.has[OPT_REQUESTED] || a->o.has[OPT_PARAMETERS] || a->o.has[OPT_MAX_SIZE]);
}

static uint32_t number(const struct answered *a, uint8_t code)
{
    struct reader r = reader_of(a->o.value[code]);
    return read_be32(&r);
}

static void offer_and_ack(void **state)
{
    (void)state;
    static const struct asked each[] = {
        {.type = MSG_DISCOVER},
        {.type = MSG_DISCOVER, .relayed = true},
        {.type = MSG_REQUEST, .server = 1, .requested = 130, .held = true},
        {.type = MSG_REQUEST, .requested = 130, .held = true, .relayed = true},
        {.type = MSG_REQUEST, .ciaddr = 130, .held = true},
    };
    struct answered a;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        bool offer = each[i].type == MSG_DISCOVER;
        run(&each[i], &a);
        assert_int_equal(a.drop, DROP_NONE);
        check_head(&each[i], &a, offer ? MSG_OFFER : MSG_ACK);
        assert_memory_equal(a.b + 12, each[i].ciaddr ? "\x0a\x4d\0\x82" : "\0\0\0\0", 4);
        assert_memory_equal(a.b + 16, offer ? "\x0a\x4d\0\x96" : "\x0a\x4d\0\x82", 4);
        assert_int_equal(number(&a, OPT_LEASE_TIME), 3600);
        assert_int_equal(number(&a, OPT_T1), 1800);
        assert_int_equal(number(&a, OPT_T2), 3150);
        assert_true(a.o.has[OPT_SUBNET_MASK]);
    }
}

static void nak(void **state)
{
    (void)state;
    static const uint8_t nothing[128];
    static const struct asked each[] = {
        {.type = MSG_REQUEST, .requested = 131, .held = true},
        {.type = MSG_REQUEST, .requested = 131, .held = true, .relayed = true},
        {.type = MSG_REQUEST, .ciaddr = 131, .held = true},
    };
    struct answered a;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        run(&each[i], &a);
        check_head(&each[i], &a, MSG_NAK);
        assert_memory_equal(a.b + 12, nothing, 12);   /* ciaddr, yiaddr, siaddr */
        assert_memory_equal(a.b + 44, nothing, 64);   /* sname */
        assert_memory_equal(a.b + 108, nothing, 128); /* file */
        for (int code = 1; code < OPT_END; code++)
            if (a.o.has[code] && code != OPT_TYPE && code != OPT_SERVER_ID && code != OPT_MESSAGE &&
                code != OPT_CLIENT_ID)
                fail_msg("a NAK with option %d", code);
        assert_true(a.o.has[OPT_MESSAGE]);
        assert_int_equal(a.d.puts_n, 0);
        assert_int_equal(a.d.to.how, each[i].relayed ? SEND_SOCKET : SEND_FRAME);
        assert_int_equal(a.d.to.ip.a, each[i].relayed ? IP(2).a : 0xffffffff);
    }
}

static void inform(void **state)
{
    (void)state;
    static const struct asked x = {.type = MSG_INFORM, .ciaddr = 20};
    struct answered a;
    run(&x, &a);
    check_head(&x, &a, MSG_ACK);
    assert_memory_equal(a.b + 12, "\x0a\x4d\0\x14\0\0\0\0", 8); /* ciaddr, no yiaddr */
    assert_false(a.o.has[OPT_LEASE_TIME] || a.o.has[OPT_T1] || a.o.has[OPT_T2]);
    assert_int_equal(a.d.puts_n, 0);
    assert_int_equal(a.d.to.ip.a, IP(20).a);
}

/* 4.3.2 to 4.3.4: what was heard, and is not answered. */
static void leases_end(void **state)
{
    (void)state;
    static const struct {
        struct asked x;
        enum lease_state becomes;
        int64_t until;
    } rows[] = {
        {{.type = MSG_RELEASE, .ciaddr = 130, .server = 1, .held = true}, LEASE_RELEASED, NOW},
        {{.type = MSG_DECLINE, .requested = 130, .server = 1, .held = true},
         LEASE_DECLINED,
         NOW + QUARANTINE_MS},
    };
    struct answered a;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run(&rows[i].x, &a);
        assert_int_equal(a.drop, DROP_NONE);
        assert_false(a.d.answers);
        assert_int_equal(a.d.puts_n, 1);
        assert_int_equal(a.d.puts[0].state, rows[i].becomes);
        assert_int_equal(a.d.puts[0].expires_ms, rows[i].until);
        assert_true(mac_eq(a.d.puts[0].mac, asker)); /* the record stays the client's */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offer_and_ack),
        cmocka_unit_test(nak),
        cmocka_unit_test(inform),
        cmocka_unit_test(leases_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

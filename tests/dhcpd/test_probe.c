/* What is asked of the wire and heard on it: ARP frames, probes, other servers, counts of what was not
 * answered. */
#include "tests/dhcpd/build.h"

#include "dhcpd/belief.h"
#include "dhcpd/decide.h"
#include "dhcpd/pool.h"
#include "dhcpd/probe.h"
#include "dhcpd/servers.h"
#include "dhcpd/tally.h"

#include <stdlib.h>

#define NOW      INT64_C(1000000)
#define WAIT     300
#define IP(last) ((struct ip4){0x0a4d0000u | (last)})

static const struct mac asker = {{0x52, 0x54, 0, 0, 0, 1}}, other = {{0x52, 0x54, 0, 0, 0, 9}};
static const struct link link = {.name = "br0", .mac = {{2, 0, 0, 0, 0, 1}}};
static const struct arrival from = {.link = &link};

static bool clear(struct probes *p, unsigned last, const char *message, int64_t at_ms)
{
    return probe_clear(p, &from, span_str(message), asker, IP(last), at_ms);
}

static struct arp reply(struct mac sender, unsigned last)
{
    return (struct arp){.op = ARP_REPLY, .sender = sender, .sender_ip = IP(last)};
}

/* The message that goes on now, or NULL. */
static const char *taken(struct probes *p, int64_t at_ms)
{
    static char text[64];
    struct probe x;
    if (!probe_take(p, at_ms, &x))
        return NULL;
    memcpy(text, x.message, x.n);
    text[x.n] = '\0';
    free(x.message);
    return text;
}

static unsigned asked(struct probes *p, int64_t at_ms)
{
    unsigned n = 0;
    while (probe_ask(p, at_ms))
        n++;
    return n;
}

static void test_frame(void **state)
{
    (void)state;
    uint8_t b[ARP_FRAME];
    struct writer w = writer_of(b, sizeof b);
    struct arp a;
    arp_encode_probe(link.mac, IP(130), &w);
    assert_false(w.full);
    assert_int_equal(writer_used(&w), ARP_FRAME);
    assert_true(arp_decode(span_of(b, sizeof b), &a));
    assert_int_equal(a.op, ARP_REQUEST);
    assert_true(mac_eq(a.sender, link.mac));
    assert_int_equal(a.sender_ip.a, 0);
    assert_true(ip4_eq(a.target_ip, IP(130)));
    for (size_t n = 0; n < 42; n++)
        assert_false(arp_decode(span_of(b, n), &a));
    b[13] = 0; /* IPv4 */
    assert_false(arp_decode(span_of(b, sizeof b), &a));
}

static void test_silence_is_clear(void **state)
{
    (void)state;
    struct probes *p = probes_new(WAIT);
    assert_int_equal(probe_next_ms(p, NOW), -1);
    assert_false(clear(p, 130, "one", NOW));
    assert_int_equal(probe_next_ms(p, NOW), 0);
    assert_int_equal(asked(p, NOW), 1);
    assert_int_equal(probe_next_ms(p, NOW), WAIT / 2);
    assert_int_equal(asked(p, NOW + WAIT / 2), 1);
    assert_int_equal(asked(p, NOW + WAIT / 2), 0);
    assert_null(taken(p, NOW + WAIT - 1));
    assert_string_equal(taken(p, NOW + WAIT), "one");
    assert_null(taken(p, NOW + WAIT));
    assert_true(clear(p, 130, "again", NOW + WAIT));
    assert_true(clear(p, 130, "again", NOW + WAIT + PROBE_FRESH_MS - 1));
    assert_false(clear(p, 130, "again", NOW + WAIT + PROBE_FRESH_MS));
    probes_free(p);
}

static void test_asked_again(void **state)
{
    (void)state;
    struct probes *p = probes_new(WAIT);
    assert_false(clear(p, 130, "one", NOW));
    asked(p, NOW);
    assert_false(clear(p, 130, "sent again", NOW + 200));
    asked(p, NOW + 200);
    assert_string_equal(taken(p, NOW + WAIT), "sent again"); /* after the first one's time */
    assert_null(taken(p, NOW + 2 * WAIT));
    probes_free(p);
}

static void test_taken(void **state)
{
    (void)state;
    struct probes *p = probes_new(WAIT);
    const struct probe *x = NULL;
    struct arp a = reply(other, 130), b = reply(other, 131);
    struct link elsewhere = {.name = "br1", .mac = link.mac};
    assert_false(clear(p, 130, "one", NOW));
    asked(p, NOW);
    assert_int_equal(probe_heard(p, &link, &b, NOW + 1, &x), PROBE_NOTHING);
    assert_int_equal(probe_heard(p, &elsewhere, &a, NOW + 1, &x), PROBE_NOTHING);
    assert_int_equal(probe_heard(p, &link, &a, NOW + 1, &x), PROBE_TAKEN);
    assert_true(ip4_eq(x->ip, IP(130)) && mac_eq(x->mac, asker));
    assert_int_equal(probe_heard(p, &link, &a, NOW + 2, &x), PROBE_NOTHING);
    assert_int_equal(probe_next_ms(p, NOW + 2), 0);
    assert_string_equal(taken(p, NOW + 2), "one");
    assert_false(clear(p, 130, "one", NOW + 3)); /* it was never found clear */
    probes_free(p);
}

static void test_others_probe(void **state)
{
    (void)state;
    struct probes *p = probes_new(WAIT);
    const struct probe *x = NULL;
    struct arp probe = {.op = ARP_REQUEST, .sender = other, .target_ip = IP(130)};
    struct arp question = {.op = ARP_REQUEST, .sender = other, .sender_ip = IP(5), .target_ip = IP(130)};
    struct arp own = {.op = ARP_REQUEST, .sender = link.mac, .target_ip = IP(130)};
    assert_false(clear(p, 130, "one", NOW));
    assert_int_equal(probe_heard(p, &link, &probe, NOW, &x), PROBE_NOTHING); /* before we asked */
    asked(p, NOW);
    assert_int_equal(probe_heard(p, &link, &question, NOW, &x), PROBE_NOTHING);
    assert_int_equal(probe_heard(p, &link, &own, NOW, &x), PROBE_NOTHING);
    assert_int_equal(probe_heard(p, &link, &probe, NOW, &x), PROBE_TAKEN);
    probes_free(p);
}

static void test_client_has_it(void **state)
{
    (void)state;
    struct probes *p = probes_new(WAIT);
    const struct probe *x = NULL;
    struct arp a = reply(asker, 130);
    assert_false(clear(p, 130, "one", NOW));
    asked(p, NOW);
    assert_int_equal(probe_heard(p, &link, &a, NOW + 1, &x), PROBE_NOTHING);
    assert_string_equal(taken(p, NOW + 1), "one"); /* at once */
    assert_true(clear(p, 130, "one", NOW + 1));
    probes_free(p);
}

static void test_who_answers_all(void **state)
{
    (void)state;
    struct probes *p = probes_new(WAIT);
    const struct probe *x = NULL;
    for (unsigned i = 1; i <= BELIEF_MOST + 2; i++) {
        struct arp a = reply(other, 100 + i);
        assert_false(clear(p, 100 + i, "one", NOW));
        asked(p, NOW);
        assert_int_equal(probe_heard(p, &link, &a, NOW, &x), i <= BELIEF_MOST       ? PROBE_TAKEN
                                                             : i == BELIEF_MOST + 1 ? PROBE_UNBELIEVED
                                                                                    : PROBE_NOTHING);
    }
    struct arp later = reply(other, 110);
    assert_int_equal(probe_heard(p, &link, &later, NOW + BELIEF_MS, &x), PROBE_TAKEN);
    probes_free(p);
}

static void test_bounds(void **state)
{
    (void)state;
    struct probes *p = probes_new(WAIT), *off = probes_new(0);
    assert_true(clear(off, 130, "one", NOW));
    for (unsigned i = 0; i < PROBES_MAX; i++)
        assert_false(clear(p, 1000 + i, "one", NOW));
    assert_true(clear(p, 130, "one", NOW)); /* no room: offered without */
    assert_int_equal(asked(p, NOW), PROBES_MAX);
    assert_int_equal(asked(p, NOW + WAIT), PROBES_MAX);
    for (unsigned i = 0; i < PROBES_MAX; i++)
        assert_non_null(taken(p, NOW + WAIT));
    assert_false(clear(p, 130, "one", NOW));
    assert_int_equal(asked(p, NOW - 100000) + asked(p, NOW - 100000), 2); /* the clock was set back */
    assert_non_null(taken(p, NOW - 100000));
    probes_free(p);
    probes_free(off);
}

static void test_servers(void **state)
{
    (void)state;
    static struct servers s;
    struct packet p = packet_new();
    enum message_type type;
    struct ip4 id;
    assert_true(servers_news(&s, IP(3), 2, NOW));
    assert_false(servers_news(&s, IP(3), 2, NOW + SERVERS_AGAIN_MS - 1));
    assert_true(servers_news(&s, IP(3), 5, NOW)); /* on another interface */
    assert_true(servers_news(&s, IP(3), 2, NOW + SERVERS_AGAIN_MS));
    OPTION(&p, OPT_TYPE, MSG_OFFER);
    OPTION(&p, OPT_SERVER_ID, 10, 77, 0, 3);
    assert_false(servers_parse(packet_span(&p), &type, &id)); /* a client's */
    p.b[0] = 2;
    assert_true(servers_parse(packet_span(&p), &type, &id));
    assert_int_equal(type, MSG_OFFER);
    assert_true(ip4_eq(id, IP(3)));
    assert_false(servers_parse(span_of(p.b, 239), &type, &id));
    p.b[242] = MSG_REQUEST;
    assert_false(servers_parse(packet_span(&p), &type, &id));
}

/* Which answers wait until the wire was asked. */
static void test_needed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum message_type type, reply;
        bool relayed, reserved;
        enum lease_state mine; /* of the address that it is answered with, until `expires` after now */
        int64_t expires;
        bool others, want;
    } rows[] = {
        {"a new address", MSG_DISCOVER, MSG_OFFER, .want = true},
        {"reserved", MSG_DISCOVER, MSG_OFFER, .reserved = true},
        {"behind a relay", MSG_DISCOVER, MSG_OFFER, .relayed = true},
        {"bound to it", MSG_DISCOVER, MSG_OFFER, .mine = LEASE_BOUND, .expires = 1},
        {"bound to another", MSG_DISCOVER, MSG_OFFER, .mine = LEASE_BOUND, .expires = 1, .others = true,
         .want = true},
        {"was bound to it", MSG_DISCOVER, MSG_OFFER, .mine = LEASE_BOUND, .want = true},
        {"gave it back", MSG_DISCOVER, MSG_OFFER, .mine = LEASE_RELEASED, .expires = 1, .want = true},
        {"acknowledged", MSG_REQUEST, .reply = MSG_ACK},
        {"refused", MSG_REQUEST, .reply = MSG_NAK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct request q = {
            .type = rows[i].type, .mac = asker, .giaddr = rows[i].relayed ? IP(2) : (struct ip4){0}};
        struct place p = {.has_reserved = rows[i].reserved};
        struct lease lease = {.address = IP(130),
                              .mac = rows[i].others ? other : asker,
                              .state = rows[i].mine,
                              .expires_ms = NOW + rows[i].expires};
        struct facts f = {.mine.lease = &lease, .at_ms = NOW};
        struct decision d = {.answers = true, .reply = {.type = rows[i].reply, .yiaddr = IP(130)}};
        if (decide_needs_probe(&q, &p, &f, &d) != rows[i].want)
            fail_msg("%s", rows[i].name);
        d.drop = DROP_POOL_FULL;
        assert_false(decide_needs_probe(&q, &p, &f, &d));
        d = (struct decision){.answers = true, .reply.type = MSG_OFFER}; /* a proxy's: no address */
        assert_false(decide_needs_probe(&q, &p, &f, &d));
    }
}

static void test_pool_order(void **state)
{
    (void)state;
    struct pool p = {0};
    struct ip4 ip;
    const struct {
        unsigned last;
        int64_t ended_ms;
    } in[] = {{130, 700}, {131, 0}, {132, 500}, {133, 0}, {134, 500}};
    const unsigned out[] = {131, 133, 132, 134, 130};
    assert_false(pool_next(&p, &ip));
    for (int again = 0; again < 2; again++) {
        pool_clear(&p);
        for (size_t i = 0; i < sizeof in / sizeof *in; i++)
            pool_add(&p, IP(in[i].last), in[i].ended_ms);
        pool_sort(&p);
        for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
            assert_true(pool_next(&p, &ip));
            assert_int_equal(ip.a, IP(out[i]).a);
        }
        assert_false(pool_next(&p, &ip));
    }
    pool_free(&p);
}

static void test_tally(void **state)
{
    (void)state;
    static struct tally t;
    struct drop_origin direct = {.mac = asker}, relayed = {.mac = asker, .giaddr = {0x0a630001}};
    char text[DROP_TEXT];
    assert_int_equal(tally_next_ms(&t, NOW), -1);
    for (int i = 0; i < 12; i++)
        tally_add(&t, &direct, DROP_POOL_FULL, NOW + i);
    tally_add(&t, &direct, DROP_HOPS, NOW);
    tally_add(&t, &(struct drop_origin){0}, DROP_SHORT, NOW);
    assert_int_equal(t.n, 3);
    assert_int_equal(t.rows[0].times, 12);
    assert_int_equal(t.rows[0].first_ms, NOW);
    assert_int_equal(t.rows[0].last_ms, NOW + 11);
    assert_int_equal(tally_next_ms(&t, NOW), 0);
    tally_written(&t, NOW);
    assert_int_equal(tally_next_ms(&t, NOW), -1);
    tally_add(&t, &direct, DROP_HOPS, NOW + 100);
    assert_int_equal(tally_next_ms(&t, NOW + 100), TALLY_WRITE_MS - 100);
    for (uint64_t i = 0; i < 3 * TALLY_MAX; i++) { /* a flood of made-up addresses */
        struct drop_origin x = {.mac = mac_from_u64(0x020000000000 + i)};
        tally_add(&t, &x, DROP_UNKNOWN, NOW);
    }
    assert_int_equal(t.n, TALLY_MAX + 1);
    assert_int_equal(t.rows[TALLY_MAX].times, 2 * TALLY_MAX + 1);
    assert_int_equal(mac_to_u64(t.rows[TALLY_MAX].from.mac), 0);
    tally_written(&t, NOW);
    tally_add(&t, &direct, DROP_RELAY, NOW);
    tally_add(&t, &relayed, DROP_RELAY, NOW); /* the last relay is told */
    assert_int_equal(t.n, 1);
    assert_non_null(strstr(drop_text(DROP_RELAY, &t.rows[0].from, text), ": relay (giaddr) 10.99.0.1"));
    assert_string_equal(drop_text(DROP_RELAY, &direct, text), drop_sentence(DROP_RELAY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),           cmocka_unit_test(test_silence_is_clear),
        cmocka_unit_test(test_asked_again),     cmocka_unit_test(test_taken),
        cmocka_unit_test(test_others_probe),    cmocka_unit_test(test_client_has_it),
        cmocka_unit_test(test_who_answers_all), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_servers),         cmocka_unit_test(test_tally),
        cmocka_unit_test(test_needed),          cmocka_unit_test(test_pool_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

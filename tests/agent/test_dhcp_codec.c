#include "tests/agent/check.h"

#include "agent/dhcp_codec.h"

static const struct mac mac = {{0x52, 0x54, 0, 0, 0, 1}};
#define XID 0x12345678u

struct message {
    uint8_t b[600];
    size_t n;
};

static void be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static struct message reply(const char *options, size_t n)
{
    struct message m = {.n = 240 + n};
    memcpy(m.b, "\x02\x01\x06\x00", 4);
    be32(m.b + 4, XID);
    be32(m.b + 16, 0x0a4d000b); /* 10.77.0.11 */
    memcpy(m.b + 28, mac.b, 6);
    be32(m.b + 236, 0x63825363);
    memcpy(m.b + 240, options, n);
    return m;
}
#define REPLY(options) reply(options, sizeof options - 1)
#define ACK            "\x35\x01\x05"
#define SERVER         "\x36\x04\x0a\x4d\x00\x01"

static int decode(const struct message *m, struct dhcp_answer *a)
{
    return dhcp_decode(span_of(m->b, m->n), XID, mac, a, NULL);
}

static void ack(void **state)
{
    struct message m =
        REPLY(ACK SERVER
              "\x01\x04\xff\xff\xff\x80\x03\x08\x0a\x4d\x00\x01\x0a\x4d\x00\x02\x33\x04\x00\x00\x0e\x10\xff");
    struct dhcp_answer a;
    (void)state;
    assert_int_equal(decode(&m, &a), 0);
    assert_int_equal(a.type, DHCP_ACK);
    assert_int_equal(a.address.a, 0x0a4d000b);
    assert_int_equal(a.server.a, 0x0a4d0001);
    assert_int_equal(a.router.a, 0x0a4d0001);
    assert_int_equal(a.prefix, 25);
    assert_int_equal(a.lease_s, 3600);
    assert_int_equal(a.t1_s, 1800);
    assert_int_equal(a.t2_s, 3150);
}

static void times(void **state)
{
    struct message m =
        REPLY(ACK SERVER "\x33\x04\x00\x00\x0e\x10\x3a\x04\x00\x00\x00\x64\x3b\x04\x00\x00\x00\xc8\xff");
    struct message upside_down =
        REPLY(ACK SERVER "\x33\x04\x00\x00\x0e\x10\x3a\x04\x00\x00\x00\xc8\x3b\x04\x00\x00\x00\x64\xff");
    struct message forever = REPLY(ACK SERVER "\x33\x04\xff\xff\xff\xff\xff");
    struct dhcp_answer a;
    (void)state;
    assert_int_equal(decode(&m, &a), 0);
    assert_int_equal(a.t1_s, 100);
    assert_int_equal(a.t2_s, 200);
    assert_int_equal(decode(&upside_down, &a), 0);
    assert_int_equal(a.t1_s, 1800);
    assert_int_equal(decode(&forever, &a), 0);
    assert_int_equal(a.lease_s, 0xffffffff);
    assert_true(a.t1_s < a.t2_s && a.t2_s < a.lease_s);
}

static void nak_needs_no_address(void **state)
{
    struct message m = REPLY("\x35\x01\x06" SERVER "\xff");
    struct dhcp_answer a;
    (void)state;
    be32(m.b + 16, 0);
    assert_int_equal(decode(&m, &a), 0);
    assert_int_equal(a.type, DHCP_NAK);
}

static void overload(void **state)
{
    struct message m = REPLY(ACK "\x34\x01\x03\xff");
    struct dhcp_answer a;
    (void)state;
    memcpy(m.b + 108, SERVER "\xff", 7);                 /* file */
    memcpy(m.b + 44, "\x01\x04\xff\xff\x00\x00\xff", 7); /* sname */
    assert_int_equal(decode(&m, &a), 0);
    assert_int_equal(a.server.a, 0x0a4d0001);
    assert_int_equal(a.prefix, 16);
}

static void refuses(void **state)
{
    struct dhcp_answer a;
    struct message m;
    static const struct {
        size_t at;
        uint8_t v;
    } changes[] = {{0, 1}, {1, 6}, {2, 8}, {4, 0}, {28, 0}, {236, 0}, {16, 0xe1}, {16, 127}};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        m = REPLY(ACK SERVER "\xff");
        m.b[changes[i].at] = changes[i].v;
        assert_int_equal(decode(&m, &a), -1);
    }
    m = REPLY(ACK "\xff");
    assert_int_equal(decode(&m, &a), -1); /* no server */
    m = REPLY(SERVER "\xff");
    assert_int_equal(decode(&m, &a), -1); /* no type */
    m = REPLY("\x35\x01\x01" SERVER "\xff");
    assert_int_equal(decode(&m, &a), -1); /* a DISCOVER is no reply */
    m = REPLY(ACK SERVER "\x01\x04\xff\x00\xff\x00\xff");
    assert_int_equal(decode(&m, &a), -1); /* a mask with a hole */
    m = REPLY(ACK SERVER "\x01\x04\x00\x00\x00\x00\xff");
    assert_int_equal(decode(&m, &a), -1);
    m = REPLY(ACK SERVER "\x03\x08\x0a\x4d");
    assert_int_equal(decode(&m, &a), -1); /* an option over the end */
}

static void every_truncation(void **state)
{
    struct message m = REPLY(ACK SERVER "\x01\x04\xff\xff\xff\x80\x33\x04\x00\x00\x0e\x10\xff");
    struct dhcp_answer a;
    (void)state;
    for (size_t n = 0; n < m.n - 1; n++) {
        uint8_t *copy = malloc(n + !n);
        memcpy(copy, m.b, n);
        dhcp_decode(span_of(copy, n), XID, mac, &a, NULL);
        if (n < 249)
            assert_int_equal(dhcp_decode(span_of(copy, n), XID, mac, &a, NULL), -1);
        free(copy);
    }
}

static void asks(void **state)
{
    uint8_t b[DHCP_MAX];
    struct dhcp_ask discover = {.type = DHCP_DISCOVER, .xid = XID, .secs = 3, .mac = mac};
    struct dhcp_ask request = {
        .type = DHCP_REQUEST, .xid = XID, .mac = mac, .requested.a = 0x0a4d000b, .server.a = 0x0a4d0001};
    struct dhcp_ask renew = {.type = DHCP_REQUEST, .xid = XID, .mac = mac, .ciaddr.a = 0x0a4d000b};
    (void)state;
    assert_int_equal(dhcp_encode(&discover, b), DHCP_MIN);
    assert_memory_equal(b, "\x01\x01\x06\x00\x12\x34\x56\x78\x00\x03\x80\x00\x00\x00\x00\x00", 16);
    assert_memory_equal(b + 28, mac.b, 6);
    assert_memory_equal(b + 236, "\x63\x82\x53\x63\x35\x01\x01\x39\x02\x05\xdc\x37\x06", 13);
    dhcp_encode(&request, b);
    assert_memory_equal(b + 240, "\x35\x01\x03\x32\x04\x0a\x4d\x00\x0b\x36\x04\x0a\x4d\x00\x01", 15);
    dhcp_encode(&renew, b);
    assert_memory_equal(b + 10, "\x00\x00\x0a\x4d\x00\x0b", 6); /* no broadcast flag, ciaddr */
    assert_memory_equal(b + 240, "\x35\x01\x03\x39", 4);        /* neither address nor server option */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ack),      cmocka_unit_test(times),   cmocka_unit_test(nak_needs_no_address),
        cmocka_unit_test(overload), cmocka_unit_test(refuses), cmocka_unit_test(every_truncation),
        cmocka_unit_test(asks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

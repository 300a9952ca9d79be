/* frame: decode, every truncation, checksums right, absent, offloaded and wrong, round trip. */
#include "tests/dhcpd/build.h"

#include "dhcpd/frame.h"

static const uint8_t payload[] = "a payload of odd length";

static struct udp_frame sample(void)
{
    return (struct udp_frame){.src = {{0x52, 0x54, 0, 0, 0, 1}},
                              .dst = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
                              .ip_src = {0},
                              .ip_dst = {0xffffffff},
                              .port_src = 68,
                              .port_dst = 67,
                              .payload = span_of(payload, sizeof payload)};
}

static size_t encode(uint8_t *buf, size_t size)
{
    struct udp_frame f = sample();
    struct writer w = writer_of(buf, size);
    frame_encode(&f, &w);
    assert_false(w.full);
    return writer_used(&w);
}

static void round_trip(void **state)
{
    uint8_t buf[200] = {0};
    struct udp_frame f, want = sample();
    (void)state;
    size_t n = encode(buf, sizeof buf);
    assert_int_equal(n, FRAME_HEADERS + sizeof payload);
    assert_int_equal(frame_decode(span_of(buf, n + 9), &f), DROP_NONE); /* with Ethernet's padding */
    assert_true(mac_eq(f.src, want.src) && mac_eq(f.dst, want.dst));
    assert_true(ip4_eq(f.ip_src, want.ip_src) && ip4_eq(f.ip_dst, want.ip_dst));
    assert_int_equal(f.port_src, 68);
    assert_int_equal(f.port_dst, 67);
    assert_true(span_eq(f.payload, want.payload));
}

static void truncations(void **state)
{
    uint8_t buf[200];
    (void)state;
    size_t n = encode(buf, sizeof buf);
    for (size_t i = 0; i < n; i++) {
        struct udp_frame f;
        assert_int_not_equal(frame_decode(span_of(buf, i), &f), DROP_NONE);
    }
}

/* An IPv4 header of a real capture, and the checksum that it had. */
static void known_checksum(void **state)
{
    uint8_t buf[200];
    struct writer w = writer_of(buf, sizeof buf);
    struct udp_frame f = {.ip_src = {0xc0a80001}, .ip_dst = {0xc0a800c7}, .payload = span_of("", 0)};
    (void)state;
    frame_encode(&f, &w);
    uint32_t sum = 0;
    for (size_t i = 14; i < 34; i += 2)
        sum += (uint32_t)buf[i] << 8 | buf[i + 1];
    assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void faults(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        enum drop want;
    } rows[] = {
        {"ethertype", 12, 0x86, DROP_FRAME_NOT_IPV4},   {"version", 14, 0x65, DROP_FRAME_NOT_IPV4},
        {"header length", 14, 0x44, DROP_FRAME_LENGTH}, {"header past the end", 14, 0x4f, DROP_FRAME_LENGTH},
        {"total length", 16, 0x40, DROP_FRAME_LENGTH},  {"ip checksum", 24, 0x01, DROP_FRAME_CHECKSUM},
        {"udp length", 38, 0x40, DROP_FRAME_LENGTH},    {"payload", 45, 0x55, DROP_FRAME_CHECKSUM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buf[200];
        struct udp_frame f;
        size_t n = encode(buf, sizeof buf);
        buf[rows[i].at] = rows[i].value;
        enum drop d = frame_decode(span_of(buf, n), &f);
        if (d != rows[i].want)
            fail_msg("%s: %s, not %s", rows[i].name, drop_name(d), drop_name(rows[i].want));
    }
}

static void udp_checksum_absent_and_offloaded(void **state)
{
    uint8_t buf[200];
    struct udp_frame f;
    (void)state;
    size_t n = encode(buf, sizeof buf);
    buf[40] = buf[41] = 0;
    assert_int_equal(frame_decode(span_of(buf, n), &f), DROP_NONE);
    /* 0.0.0.0 to 255.255.255.255, protocol 17, and the length: what Linux leaves for the NIC to finish */
    uint32_t sum = 0xffff + 0xffff + 17 + 8 + sizeof payload;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    buf[40] = (uint8_t)(sum >> 8);
    buf[41] = (uint8_t)sum;
    assert_int_equal(frame_decode(span_of(buf, n), &f), DROP_NONE);
    buf[41] ^= 1;
    assert_int_equal(frame_decode(span_of(buf, n), &f), DROP_FRAME_CHECKSUM);
}

static void every_drop_has_its_row(void **state)
{
    (void)state;
    for (int i = 0; i < DROP_COUNT; i++) {
        assert_non_null(drop_name(i));
        assert_non_null(drop_sentence(i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(truncations),
        cmocka_unit_test(known_checksum),
        cmocka_unit_test(faults),
        cmocka_unit_test(udp_checksum_absent_and_offloaded),
        cmocka_unit_test(every_drop_has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

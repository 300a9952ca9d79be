/* message: bytes -> request and reply -> bytes; every truncation; kinds of client; what is echoed; sizes. */
#include "tests/dhcpd/build.h"

#include "dhcpd/message.h"

static struct packet discover(void)
{
    struct packet p = packet_new();
    OPTION(&p, 53, 1);
    return p;
}

static enum drop parse(const struct packet *p, struct request *q)
{
    return message_parse(packet_span(p), q);
}

static void discover_of_a_client(void **state)
{
    struct packet p = discover();
    struct request q;
    (void)state;
    p.b[10] = 0x80;
    OPTION(&p, 50, 10, 77, 0, 11);
    OPTION(&p, 55, 1, 3, 6);
    OPTION(&p, 255);
    assert_int_equal(parse(&p, &q), DROP_NONE);
    assert_int_equal(q.type, MSG_DISCOVER);
    assert_int_equal(q.xid, 0x01020304);
    assert_int_equal(q.requested.a, 0x0a4d000b);
    assert_int_equal(q.server_id.a, 0);
    assert_int_equal(q.reply_max, MESSAGE_DEFAULT);
    assert_true(q.broadcast);
    assert_true(request_wants(&q, 3));
    assert_false(request_wants(&q, 12));
    assert_ptr_equal(q.client, &client_other);
}

/* A prefix of a message is refused, or is a whole shorter message: it never reads past its end (the
 * sanitizers look). */
static void truncations(void **state)
{
    struct packet p = discover();
    (void)state;
    OPTION(&p, 82, 1, 4, 'p', 'o', 'r', 't', 5, 4, 10, 78, 0, 0);
    OPTION(&p, 93, 0, 7);
    OPTION_TEXT(&p, 60, "PXEClient:Arch:00007");
    for (size_t n = 0; n < p.n; n++) {
        struct request q;
        uint8_t *copy = test_malloc(n ? n : 1);
        memcpy(copy, p.b, n);
        enum drop d = message_parse(span_of(copy, n), &q);
        if (n < 243)
            assert_int_not_equal(d, DROP_NONE);
        test_free(copy);
    }
}

static void faults(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        enum drop want;
    } rows[] = {
        {"a reply", 0, 2, DROP_NOT_REQUEST},
        {"token ring", 1, 6, DROP_NOT_ETHERNET},
        {"eight-byte address", 2, 8, DROP_NOT_ETHERNET},
        {"group address", 28, 0x53, DROP_NOT_ETHERNET},
        {"a loop of relays", 3, 17, DROP_HOPS},
        {"no cookie", 236, 0, DROP_BOOTP},
        {"an offer", 242, MSG_OFFER, DROP_BAD_TYPE},
        {"type 0", 242, 0, DROP_BAD_TYPE},
        {"type 200", 242, 200, DROP_BAD_TYPE},
        {"no type", 240, 12, DROP_BOOTP},
        {"past the end", 241, 2, DROP_BAD_OPTIONS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packet p = discover();
        struct request q;
        p.b[rows[i].at] = rows[i].value;
        enum drop d = parse(&p, &q);
        if (d != rows[i].want)
            fail_msg("%s: %s, not %s", rows[i].name, drop_name(d), drop_name(rows[i].want));
    }
}

static void kind_is(const char *name, struct packet p, const char *want)
{
    struct request q;
    assert_int_equal(parse(&p, &q), DROP_NONE);
    if (strcmp(q.client->name, want))
        fail_msg("%s: %s, not %s", name, q.client->name, want);
}

static struct packet pxe(const char *class, int arch)
{
    struct packet p = discover();
    packet_option(&p, 60, class, strlen(class));
    if (arch >= 0)
        OPTION(&p, 93, (uint8_t)(arch >> 8), (uint8_t)arch);
    return p;
}

static void kinds(void **state)
{
    static const struct {
        const char *class;
        int arch;
        const char *want;
    } rows[] = {
        {"PXEClient:Arch:00000:UNDI:002001", 0, "bios"},
        {"PXEClient:Arch:00007:UNDI:003000", 7, "uefi-x64"},
        {"PXEClient:Arch:00009:UNDI:003000", 9, "uefi-x64"},
        {"PXEClient:Arch:00006:UNDI:003000", 6, "uefi-ia32"},
        {"PXEClient:Arch:00011:UNDI:003000", 11, "uefi-arm64"},
        {"HTTPClient:Arch:00016:UNDI:003001", 16, "uefi-x64-http"},
        {"HTTPClient:Arch:00019:UNDI:003001", 19, "uefi-arm64-http"},
        {"HTTPClient:Arch:00017:UNDI:003001", 17, "uefi-x64-http"},
        {"PXEClient:Arch:00010:UNDI:003000", 10, "uefi-arm32"},
        {"PXEClient:Arch:00027:UNDI:003000", 27, "uefi-riscv64"},
        {"HTTPClient:Arch:00028:UNDI:003000", 28, "uefi-riscv64-http"},
        {"PXEClient:Arch:00039:UNDI:003000", 39, "uefi-loong64"},
        {"HTTPClient:Arch:00015:UNDI:003000", 15, "uefi-ia32-http"},
        {"PXEClient:Arch:00002:UNDI:003000", 2, "pxe-unknown"}, /* Itanium: nobody makes it a loader */
        {"PXEClient:Arch:00007:UNDI:003000", -1, "uefi-x64"},   /* the class alone says it */
        {"PXEClient", -1, "bios"},
        {"PXEClient:Arch:00x07", -1, "bios"},
        {"PXEClient:Arch:00050:UNDI:003000", 50, "pxe-unknown"},
        {"PXEClient:Arch:00016:UNDI:003000", 16, "pxe-unknown"}, /* an HTTP architecture that asks by PXE */
        {"HTTPClient:Arch:00016", -1, "pxe-unknown"},
        {"d-i", 0, "other"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        kind_is(rows[i].class, pxe(rows[i].class, rows[i].arch), rows[i].want);
}

static void ipxe_however_it_says_so(void **state)
{
    struct packet raw = pxe("PXEClient:Arch:00007:UNDI:003000", 7), rfc = raw, encapsulated = raw,
                  other = raw;
    (void)state;
    OPTION_TEXT(&raw, 77, "iPXE");
    OPTION_TEXT(&rfc, 77,
                "\x03"
                "abc\x04iPXE");
    OPTION(&encapsulated, 175, 0x13, 1, 1);
    OPTION_TEXT(&other, 77, "\x09iPXE");
    kind_is("raw", raw, "ipxe");
    kind_is("rfc 3004", rfc, "ipxe");
    kind_is("175", encapsulated, "ipxe");
    kind_is("cut off", other, "uefi-x64");
}

static void relay_info(void **state)
{
    struct packet p = discover();
    struct request q;
    (void)state;
    OPTION(&p, 82, 1, 2, 'e', '0', 5, 4, 10, 78, 0, 0, 11, 4, 10, 78, 0, 1, 5, 9);
    assert_int_equal(parse(&p, &q), DROP_NONE);
    assert_int_equal(q.link_selection.a, 0x0a4e0000);
    assert_int_equal(q.server_override.a, 0x0a4e0001);
}

static void reply_sizes(void **state)
{
    static const struct {
        uint16_t says;
        size_t want;
    } rows[] = {{0, MESSAGE_DEFAULT}, {575, MESSAGE_DEFAULT}, {576, 548},
                {1024, 996},          {1500, 1472},           {65535, 1472}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packet p = discover();
        struct request q;
        OPTION(&p, 57, (uint8_t)(rows[i].says >> 8), (uint8_t)rows[i].says);
        assert_int_equal(parse(&p, &q), DROP_NONE);
        assert_int_equal(q.reply_max, rows[i].want);
    }
}

static void reply_bytes(void **state)
{
    struct packet p = discover();
    struct request q;
    uint8_t buf[MESSAGE_MAX];
    size_t n;
    struct reply r = {
        .type = MSG_OFFER, .yiaddr = {0x0a4d000b}, .siaddr = {0x0a4d0001}, .file = "undionly.kpxe"};
    static const uint8_t want_options[] = {0x63, 0x82, 0x53, 0x63, 53, 1, 2,   61,  3, 1,
                                           2,    3,    82,   3,    1,  1, 'x', 255, 0};
    (void)state;
    p.b[10] = 0x80;
    p.b[24] = 10;
    OPTION(&p, 82, 1, 1, 'x');
    OPTION(&p, 61, 1, 2, 3);
    assert_int_equal(parse(&p, &q), DROP_NONE);
    r.broadcast = q.broadcast;
    option_put_u8(&r.options, OPT_TYPE, MSG_OFFER);
    assert_int_equal(message_encode(&q, &r, buf, sizeof buf, &n), 0);
    assert_int_equal(n, MESSAGE_MIN);
    assert_memory_equal(
        buf,
        "\x02\x01\x06\x00\x01\x02\x03\x04\x00\x00\x80\x00\x00\x00\x00\x00\x0a\x4d\x00\x0b\x0a\x4d\x00\x01",
        24);
    assert_memory_equal(buf + 24, "\x0a\x00\x00\x00\x52\x54\x00\x00\x00\x01", 10);
    assert_string_equal((char *)buf + 108, "undionly.kpxe");
    assert_memory_equal(buf + 236, want_options, sizeof want_options);
}

static void echo_that_does_not_fit(void **state)
{
    struct packet p = discover();
    struct request q;
    struct reply r = {0};
    uint8_t buf[MESSAGE_MAX], big[255] = {1, 253};
    size_t n;
    (void)state;
    packet_option(&p, 82, big, sizeof big);
    packet_option(&p, 61, big, sizeof big);
    assert_int_equal(parse(&p, &q), DROP_NONE);
    option_put_u8(&r.options, OPT_TYPE, MSG_OFFER);
    /* 548 bytes do not hold both: without the relay's (RFC 3046, 2.2), never without the client's (RFC 6842)
     */
    assert_int_equal(message_encode(&q, &r, buf, sizeof buf, &n), 0);
    assert_non_null(option_in(&r.options, 61));
    assert_null(option_in(&r.options, 82));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discover_of_a_client),
        cmocka_unit_test(truncations),
        cmocka_unit_test(faults),
        cmocka_unit_test(kinds),
        cmocka_unit_test(ipxe_however_it_says_so),
        cmocka_unit_test(relay_info),
        cmocka_unit_test(reply_sizes),
        cmocka_unit_test(reply_bytes),
        cmocka_unit_test(echo_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

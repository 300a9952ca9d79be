/* The service with a store behind it and no wire: what a flood of packets may not do. */
#include "tests/dhcpd/build.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "dhcpd/belief.h"
#include "dhcpd/io_service.h"
#include "inventory/journal.h"
#include "inventory/silence.h"
#include "inventory/store_sql.h"
#include "inventory/store_sql.h"

#define NOW INT64_C(1795255200000)

static char dir[64];
static struct err e;
static struct dhcpd_subnet subnet;
static struct dhcpd_config cfg;
static struct link nic = {.name = "br0", .index = 2, .mac = {{2, 0, 0, 0, 0, 1}}, .addresses_n = 1};
static struct service *service;
static const struct arrival from = {.link = &nic};

static void open_with(struct dhcpd_range pool)
{
    subnet = (struct dhcpd_subnet){.prefix = {{0x0a4d0000}, 16}, .unknown = UNKNOWN_DISCOVER};
    subnet_pool_add(&subnet, pool);
    subnets_ready(&subnet, 1);
    cfg = (struct dhcpd_config){.lease_time = 3600, .subnets = &subnet, .subnets_n = 1};
    nic.addresses[0] = (struct ip4_if){{0x0a4d0001}, 16};
    assert_int_equal(service_open(&cfg, dir, &service, &e), 0);
}

static int open_service(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rackstrap-service-XXXXXX");
    assert_non_null(mkdtemp(dir));
    open_with((struct dhcpd_range){{0x0a4d0100}, {0x0a4d01ff}});
    return 0;
}

static void close_all(void)
{
    service_close(service);
    service = NULL;
}

static int close_service(void **state)
{
    (void)state;
    close_all();
    subnet_free(&subnet);
    return dir_remove(dir, &e);
}

/* A batch of one packet of the n-th client. */
static bool asks(struct packet p, unsigned n, int64_t at_ms, struct answer *ret)
{
    p.b[30] = (uint8_t)(n >> 24);
    p.b[31] = (uint8_t)(n >> 16);
    p.b[32] = (uint8_t)(n >> 8);
    p.b[33] = (uint8_t)n;
    service_begin(service);
    bool answers = service_handle(service, &from, packet_span(&p), at_ms, ret);
    assert_int_equal(service_commit(service, ret, answers, at_ms), 0);
    service_notes(service, at_ms);
    notice_write(service_notice(service), at_ms);
    return answers;
}

static struct packet packet_of(uint8_t type)
{
    struct packet p = packet_new();
    OPTION(&p, OPT_TYPE, type);
    return p;
}

struct counting {
    const char *event;
    int n;
};

static int count(const struct entry *x, void *ctx)
{
    struct counting *c = ctx;
    c->n += strcmp(x->event, c->event) == 0;
    return 0;
}

static int journalled(const char *event)
{
    struct counting c = {.event = event};
    struct store *s;
    assert_int_equal(store_open(dir, &s, &e), 0);
    assert_int_equal(journal_each(s, 0, 0, 0, count, &c, &e), 0);
    store_close(s);
    return c.n;
}

/* The log's lines that begin so, of what the service says meanwhile. */
static int log_fd, was_fd;

static void log_begin(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/log-XXXXXX", dir);
    log_fd = mkstemp(path);
    assert_true(log_fd >= 0);
    was_fd = dup(STDERR_FILENO);
    dup2(log_fd, STDERR_FILENO);
}

static int log_end(const char *what)
{
    char line[1024];
    int n = 0;
    dup2(was_fd, STDERR_FILENO);
    close(was_fd);
    FILE *f = fdopen(log_fd, "r");
    rewind(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, what) != NULL;
    fclose(f);
    return n;
}

/* REQUESTs that name servers which do not exist. */
static void test_made_up_servers(void **state)
{
    (void)state;
    struct answer a;
    log_begin();
    for (unsigned i = 0; i < 500; i++) {
        struct packet p = packet_of(MSG_REQUEST);
        OPTION(&p, OPT_SERVER_ID, 10, 99, (uint8_t)(i >> 8), (uint8_t)i);
        OPTION(&p, OPT_REQUESTED, 10, 77, 1, 1);
        assert_false(asks(p, i, NOW + i, &a));
    }
    close_all();
    assert_in_range(log_end("dhcp-other-server"), 1, 60);
    assert_in_range(journalled("other-server"), 1, 60);
}

/* Each is refused, and not each is worth a line. */
static void test_refusals(void **state)
{
    (void)state;
    struct answer a;
    struct packet p = packet_of(MSG_REQUEST);
    OPTION(&p, OPT_REQUESTED, 192, 168, 1, 1);
    log_begin();
    for (unsigned i = 0; i < 2000; i++)
        assert_true(asks(p, i, NOW + i, &a));
    int lines = log_end("dhcp-nak");
    assert_in_range(lines, 100, 500);
}

/* One client after another takes an address, and says that somebody has it. */
static void test_declines(void **state)
{
    (void)state;
    struct answer a;
    log_begin();
    for (unsigned i = 0; i < 200; i++) {
        assert_true(asks(packet_of(MSG_DISCOVER), i, NOW + i, &a));
        struct packet p = packet_of(MSG_DECLINE);
        packet_option(&p, OPT_REQUESTED, a.bytes + 16, 4);
        assert_false(asks(p, i, NOW + i, &a));
    }
    close_all();
    assert_in_range(log_end("dhcp-decline"), 200, 200);
    assert_in_range(journalled("address-declined"), 1, 120);
}

/* Takes the address and declines it, by the n-th client. */
static void declines(unsigned n, uint8_t last, int64_t at_ms)
{
    struct answer a;
    for (uint8_t type = MSG_REQUEST; type <= MSG_DECLINE; type++) {
        struct packet p = packet_of(type);
        OPTION(&p, OPT_SERVER_ID, 10, 77, 0, 1);
        OPTION(&p, OPT_REQUESTED, 10, 77, 1, last);
        assert_int_equal(asks(p, n, at_ms, &a), type == MSG_REQUEST);
    }
}

/* Would somebody else get this address? */
static bool is_free(uint8_t last, int64_t at_ms)
{
    static const unsigned somebody = 1000;
    struct answer a;
    struct packet p = packet_of(MSG_DISCOVER);
    OPTION(&p, OPT_REQUESTED, 10, 77, 1, last);
    assert_true(asks(p, somebody + last, at_ms, &a));
    return a.bytes[19] == last;
}

/* One machine does not empty a pool: its first few declines are believed. */
static void test_one_declines_all(void **state)
{
    (void)state;
    log_begin();
    for (uint8_t i = 0; i < 40; i++)
        declines(1, i, NOW + i);
    declines(2, 40, NOW + 40);
    for (uint8_t i = 0; i <= 40; i++)
        assert_int_equal(is_free(i, NOW + 100), i >= BELIEF_MOST && i != 40);
    declines(1, 200, NOW + BELIEF_MS);
    assert_false(is_free(200, NOW + BELIEF_MS));
    close_all();
    assert_in_range(log_end("reason=too-many-declines"), 2, 3);
}

/* A pool that fills, has room again and fills again is told of once an hour. */
static void test_full_again_and_again(void **state)
{
    (void)state;
    struct answer a;
    log_begin();
    for (unsigned i = 0; i < 256; i++)
        assert_true(asks(packet_of(MSG_DISCOVER), i, NOW, &a));
    for (unsigned i = 0; i < 20; i++) { /* offers last a minute */
        int64_t at_ms = NOW + i * 61000;
        for (unsigned k = 0; i && k < 256; k++)
            assert_true(asks(packet_of(MSG_DISCOVER), 1000 * i + k, at_ms, &a));
        assert_false(asks(packet_of(MSG_DISCOVER), 1000 * i + 999, at_ms + 1, &a));
    }
    close_all();
    assert_int_equal(log_end("dhcp-pool-full"), 1);
    assert_int_equal(journalled("pool-full"), 1);
}

/* With few addresses left, who comes does not cost a walk over all of them each time. */
static void test_nearly_full(void **state)
{
    (void)state;
    struct answer a;
    unsigned size = 2560, served = 0;
    close_all();
    subnet_free(&subnet);
    open_with((struct dhcpd_range){{0x0a4d0100}, {0x0a4d0100 + size - 1}});
    log_begin();
    for (unsigned i = 0; i < size; i++)
        assert_true(asks(packet_of(MSG_DISCOVER), i, NOW, &a));
    for (unsigned i = 0; i < 100; i++) { /* one chooses another server, the next one comes */
        struct packet p = packet_of(MSG_REQUEST);
        OPTION(&p, OPT_SERVER_ID, 10, 99, 0, 1);
        assert_false(asks(p, i, NOW + i, &a));
        served += asks(packet_of(MSG_DISCOVER), size + i, NOW + i, &a);
    }
    log_end("");
    assert_in_range(served, 90, 99); /* what a walk finds, those who come then get */
}

/* The MTU that the client of the device is told. */
static unsigned told_mtu(int64_t at_ms)
{
    struct answer a;
    struct options o;
    struct packet p = packet_of(MSG_DISCOVER);
    OPTION(&p, 55, 26);
    assert_true(asks(p, 7, at_ms, &a));
    assert_int_equal(
        options_decode(span_of(a.bytes + 240, a.n - 240), (struct span){0}, (struct span){0}, &o), 0);
    return o.has[26] ? (unsigned)(o.value[26].p[0] << 8 | o.value[26].p[1]) : 0;
}

/* A backup that was put back: the number of a set of options is another set's. */
static void test_restored(void **state)
{
    (void)state;
    struct device d = {.name = "hv-01", .state = STATE_IDLE, .interfaces_n = 1};
    struct dhcp_set set = {0};
    struct dhcp_option mtu = {.code = 26, .value = span_of((const uint8_t *)"\x05\xdc", 2)};
    struct store *s;
    int64_t id;
    d.interfaces[0] = (struct interface){.name = "eno1", .mac = {{0x52, 0x54, 0, 0, 0, 7}}};
    assert_int_equal(dhcp_set_put(&set, &mtu, &e), 0);
    assert_int_equal(store_open(dir, &s, &e), 0);
    assert_int_equal(options_keep(s, dhcp_set_span(&set), &d.options, &e), 0);
    if (device_put(s, &d, "test", &id, &e))
        fail_msg("%s", e.text);
    assert_int_equal(told_mtu(NOW), 1500);
    assert_int_equal(store_begin(s, &e), 0);
    assert_int_equal(db_run(s, "UPDATE dhcp_options SET bytes = x'1a0000020578'", NULL, 0, &e), 0);
    assert_int_equal(db_run(s, "UPDATE device_changes SET seq = 0", NULL, 0, &e), 0);
    assert_int_equal(store_commit(s, &e), 0);
    store_close(s);
    assert_int_equal(told_mtu(NOW + 1), 1400);
}

static int keep_silence(const struct silence *x, void *ctx)
{
    *(struct silence *)ctx = *x;
    return 0;
}

static struct silence the_silence(void)
{
    struct silence x;
    memset(&x, 0, sizeof x);
    struct store *s;
    assert_int_equal(store_open(dir, &s, &e), 0);
    assert_int_equal(silence_each(s, keep_silence, &x, &e), 0);
    store_close(s);
    return x;
}

/* An ACK whose lease could not be written never left: the log must not say that it did. */
static void test_lost_commit(void **state)
{
    (void)state;
    struct answer a;
    struct store *other;
    assert_true(asks(packet_of(MSG_DISCOVER), 1, NOW, &a));
    struct packet p = packet_of(MSG_REQUEST);
    OPTION(&p, OPT_SERVER_ID, 10, 77, 0, 1);
    packet_option(&p, OPT_REQUESTED, a.bytes + 16, 4);
    assert_int_equal(db_open(dir, "leases.db", &lease_migrations, &other, &e), 0);
    assert_int_equal(store_begin(other, &e), 0);
    log_begin();
    service_begin(service);
    assert_true(service_handle(service, &from, packet_span(&p), NOW + 1, &a));
    assert_int_equal(service_commit(service, &a, 1, NOW + 1), -1);
    store_close(other);
    close_all();
    assert_int_equal(log_end("dhcp-ack"), 0);
    struct silence x = the_silence();
    assert_string_equal(x.reason, "store");
    assert_int_equal(mac_to_u64(x.mac), UINT64_C(0x525400000001));
}

static void test_logged_after_commit(void **state)
{
    (void)state;
    struct answer a;
    assert_true(asks(packet_of(MSG_DISCOVER), 1, NOW, &a));
    struct packet p = packet_of(MSG_REQUEST);
    OPTION(&p, OPT_SERVER_ID, 10, 77, 0, 1);
    packet_option(&p, OPT_REQUESTED, a.bytes + 16, 4);
    log_begin();
    assert_true(asks(p, 1, NOW + 1, &a));
    assert_int_equal(log_end("dhcp-ack"), 1);
}

/* What has to go into the configuration is the relay. */
static void test_relay_is_named(void **state)
{
    (void)state;
    struct answer a;
    struct packet p = packet_of(MSG_DISCOVER);
    memcpy(p.b + 24, (uint8_t[]){10, 99, 0, 1}, 4);
    OPTION(&p, OPT_RELAY_INFO, 5, 4, 10, 98, 0, 0);
    log_begin();
    assert_false(asks(p, 1, NOW, &a));
    close_all();
    assert_int_equal(log_end("relay (giaddr) 10.99.0.1, link selection 10.98.0.0"), 1);
    struct silence x = the_silence();
    assert_string_equal(x.reason, "untrusted-relay");
    assert_non_null(strstr(x.sentence, "relay (giaddr) 10.99.0.1, link selection 10.98.0.0"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_service, close_service)
    const struct CMUnitTest tests[] = {
        T(test_one_declines_all), T(test_restored),    T(test_made_up_servers),
        T(test_refusals),         T(test_declines),    T(test_full_again_and_again),
        T(test_nearly_full),      T(test_lost_commit), T(test_logged_after_commit),
        T(test_relay_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

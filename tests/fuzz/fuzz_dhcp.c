/* Any bytes as a DHCP message, decided as a stranger's and as a device's; what we answer must be a message
 * again. The first byte picks how it came in. */
#include <stdlib.h>

#include "dhcpd/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct dhcpd_range pool[] = {{{0x0a4d0064}, {0x0a4d00c7}}};
static const struct dhcpd_config cfg = {.lease_time = 3600,
                                        .http_port = 8080,
                                        .subnets_n = 1,
                                        .subnets = (struct dhcpd_subnet[]){{.prefix = {{0x0a4d0000}, 24},
                                                                            .has_router = true,
                                                                            .router = {0x0a4d0001},
                                                                            .dns = {{0x0a4d0001}},
                                                                            .dns_n = 1,
                                                                            .domain = "lab.example",
                                                                            .pool = pool,
                                                                            .pool_n = 1,
                                                                            .unknown = UNKNOWN_DISCOVER}}};
static const struct link link = {
    .name = "br0", .mac = {{2, 0, 0, 0, 0, 1}}, .addresses = {{{0x0a4d0001}, 24}}, .addresses_n = 1};

static void run(const struct request *q, const struct arrival *from, const struct device *device)
{
    struct place place;
    struct decision d;
    struct facts f = {.device = device, .has_free = true, .free = {0x0a4d0064}, .at_ms = 1000};
    uint8_t buf[MESSAGE_MAX];
    size_t n;
    if (place_find(&cfg, from, q, device, &place) != DROP_NONE)
        return;
    decide_needs_free(q, from, &place, &f);
    decide(&cfg, q, from, &place, &f, &d);
    if (d.drop != DROP_NONE || !d.answers || message_encode(q, &d.reply, buf, sizeof buf, &n))
        return;
    struct options o;
    if (n < MESSAGE_MIN || n > q->reply_max ||
        options_decode(span_of(buf + 240, n - 240), span_of(buf, 0), span_of(buf, 0), &o) || !o.has[OPT_TYPE])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct request q;
    static struct device device = {.id = 1, .name = "hv-01", .state = STATE_IDLE, .interfaces_n = 1};
    struct str text = {0};
    if (n < 1 || message_parse(span_of(p + 1, n - 1), &q) != DROP_NONE)
        return 0;
    struct arrival from = {.link = &link, .unicast = p[0] & 1};
    options_dump(&q.options, &text);
    str_free(&text);
    run(&q, &from, NULL);
    device.interfaces[0] = (struct interface){.name = "eno1", .mac = q.mac, .has_address = true};
    device.interfaces[0].address = (struct ip4_if){{0x0a4d000b}, 24};
    run(&q, &from, &device);
    return 0;
}

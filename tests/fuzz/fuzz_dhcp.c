/* Any bytes as a DHCP message, decided as a stranger's and as a device's; what we answer must be a message
 * again. The first byte picks how it came in. */
#include <stdlib.h>

#include "dhcpd/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Sets of options, as a person may configure them: so long that not all fit, routes, one that is sent to all.
 */
static struct dhcp_set set_of(unsigned first, size_t n, bool always)
{
    static const uint8_t bytes[300] = {24, 10, 1, 2, 10, 77, 0, 1};
    struct dhcp_set set = {0};
    for (unsigned code = first; code < first + 120; code += 20)
        dhcp_set_put(&set, &(struct dhcp_option){(uint8_t)code, always, span_of(bytes, n)}, NULL);
    return set;
}

static struct dhcpd_range pool[] = {{{0x0a4d0064}, {0x0a4d00c7}}};
static struct dhcpd_subnet subnets[] = {{.prefix = {{0x0a4d0000}, 24},
                                         .has_router = true,
                                         .router = {0x0a4d0001},
                                         .dns = {{0x0a4d0001}},
                                         .dns_n = 1,
                                         .domain = "lab.example",
                                         .pool = pool,
                                         .pool_n = 1,
                                         .shared_network = "rack",
                                         .unknown = UNKNOWN_DISCOVER},
                                        {.prefix = {{0x0a4e0000}, 24}, .shared_network = "rack"}};
static const struct dhcpd_config authoritative = {
    .lease_time = 3600, .http_port = 8080, .subnets_n = 2, .subnets = subnets};
static const struct link link = {
    .name = "br0", .mac = {{2, 0, 0, 0, 0, 1}}, .addresses = {{{0x0a4d0001}, 24}}, .addresses_n = 1};

static void run(const struct dhcpd_config *cfg, const struct request *q, const struct arrival *from,
                const struct device *device)
{
    struct place place;
    struct decision d;
    struct facts f = {.device = device, .has_free = true, .free = {0x0a4d0064}, .at_ms = 1000};
    struct dhcp_set sets[FACT_LAYERS] = {set_of(1, 8, false), set_of(21, 255, false), set_of(3, 300, true)};
    uint8_t buf[MESSAGE_MAX];
    size_t n;
    for (size_t i = 0; i < FACT_LAYERS; i++)
        f.options[i] = dhcp_set_span(&sets[i]);
    if (place_find(cfg, from, q, device, &place) != DROP_NONE)
        return;
    decide_needs_free(q, from, &place, &f);
    decide(cfg, q, from, &place, &f, &d);
    if (d.drop != DROP_NONE || !d.answers || message_encode(q, &d.reply, buf, sizeof buf, &n))
        return;
    struct options o;
    if (n < MESSAGE_MIN || n > q->reply_max ||
        options_decode(span_of(buf + 240, n - 240), span_of(buf + 108, 128), span_of(buf + 44, 64), &o) ||
        !o.has[OPT_TYPE] || !o.has[OPT_SERVER_ID])
        abort();
    if (o.has[OPT_RELAY_INFO] && !span_eq(o.value[OPT_RELAY_INFO], q->options.value[OPT_RELAY_INFO]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct request q;
    static struct device device = {.id = 1, .name = "hv-01", .state = STATE_IDLE, .interfaces_n = 1};
    struct str text = {0};
    if (!subnets[0].shares)
        subnets_ready(subnets, 2);
    if (n < 1 || message_parse(span_of(p + 1, n - 1), &q) != DROP_NONE)
        return 0;
    struct arrival from = {.link = &link, .unicast = p[0] & 1, .pxe = p[0] & 2, .source_port = 4011};
    struct dhcpd_config c = authoritative;
    c.proxy = p[0] & 4;
    options_dump(&q.options, &text);
    str_free(&text);
    run(&c, &q, &from, NULL);
    device.interfaces[0] = (struct interface){.name = "eno1", .mac = q.mac, .has_address = true};
    device.interfaces[0].address = (struct ip4_if){{0x0a4d000b}, 24};
    run(&c, &q, &from, &device);
    return 0;
}

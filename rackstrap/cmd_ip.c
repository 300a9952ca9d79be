/* ip: is this address ours, and whose. */
#include "base/str.h"
#include "inventory/lease.h"
#include "rackstrap/addresses.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

/* What is open while the question is answered. */
struct asked {
    struct store *s;
    struct leases *l;
    struct addresses *known;
};

static int asked_open(const struct config *c, struct asked *k, struct err *e)
{
    return open_store(c, &k->s, e) || leases_open(c->state_dir, false, &k->l, e) ||
                   addresses_new(c, k->s, &k->known, e)
               ? -1
               : 0;
}

static void asked_close(struct asked *k)
{
    addresses_free(k->known);
    leases_close(k->l);
    store_close(k->s);
}

static const struct interface *interface_of(const struct device *d, struct ip4 ip)
{
    for (size_t i = 0; i < d->interfaces_n; i++)
        if (d->interfaces[i].has_address && ip4_eq(d->interfaces[i].address.ip, ip))
            return &d->interfaces[i];
    return NULL;
}

int cmd_ip(const struct args *a, const struct config *c, struct err *e)
{
    struct ip4 ip;
    struct asked k = {0};
    struct device d;
    struct err none = {0};
    struct network net;
    char text[IP4_STR], prefix[PREFIX_STR] = "", gateway[IP4_STR] = "", mac[MAC_STR] = "";
    if (ip4_parse(a->words[0], &ip, e))
        return -1;
    if (asked_open(c, &k, e)) {
        asked_close(&k);
        return -1;
    }
    const char *use = addresses_use(k.known, ip);
    bool reserved = device_by_address(k.s, ip, &d, &none) == 0;
    const struct interface *f = reserved ? interface_of(&d, ip) : NULL;
    const struct lease *x = lease_by_address(k.l, ip);
    bool in = addresses_network(k.known, ip, &net);
    if (in)
        prefix_format(net.prefix, prefix);
    if (in && net.has_router)
        ip4_format(net.router, gateway);
    if (f)
        mac_format(f->mac, mac);
    else if (!reserved && x)
        mac_format(x->mac, mac);
    out_object(json_pack("{s:s, s:b, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "address",
                         ip4_format(ip, text), "ours", in || reserved || use, "use", out_text(use ? use : ""),
                         "subnet", out_text(prefix), "gateway", out_text(gateway), "in_pool",
                         net.subnet && subnet_pool_has(net.subnet, ip), "device",
                         reserved ? json_string(d.name) : json_null(), "interface",
                         out_text(f ? f->name : ""), "mac", out_text(mac), "lease",
                         x ? lease_json(x, k.s) : json_null()),
               a->json);
    asked_close(&k);
    return 0;
}

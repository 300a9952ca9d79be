#include "dhcpd/place.h"

bool link_has(const struct link *l, struct ip4 ip)
{
    for (size_t i = 0; i < l->addresses_n; i++)
        if (ip4_eq(l->addresses[i].ip, ip))
            return true;
    return false;
}

static bool link_reaches(const struct link *l, struct prefix p)
{
    for (size_t i = 0; i < l->addresses_n; i++)
        if (prefix_has(p, l->addresses[i].ip))
            return true;
    return false;
}

/* The address that says which subnet is meant, or 0.0.0.0 when it is the interface that says it. */
static struct ip4 pointer_of(const struct arrival *from, const struct request *q)
{
    if (q->link_selection.a)
        return q->link_selection;
    if (q->giaddr.a)
        return q->giaddr;
    return from->unicast ? q->ciaddr : (struct ip4){0};
}

static const struct interface *interface_of(const struct device *d, struct mac m)
{
    const struct interface *i = d ? device_interface(d, m) : NULL;
    return i && i->has_address ? i : NULL;
}

static int rank(const struct dhcpd_subnet *s, const struct interface *i)
{
    if (i && prefix_has(s->prefix, i->address.ip))
        return 3;
    return s->has_pool ? 2 : 1;
}

static struct ip4 server_in(const struct link *l, struct prefix p)
{
    for (size_t i = 0; i < l->addresses_n; i++)
        if (prefix_has(p, l->addresses[i].ip))
            return l->addresses[i].ip;
    return l->addresses_n ? l->addresses[0].ip : (struct ip4){0};
}

enum drop place_find(const struct dhcpd_config *cfg, const struct arrival *from, const struct request *q,
                     const struct device *device, struct place *ret)
{
    struct ip4 pointer = pointer_of(from, q);
    const struct interface *i = interface_of(device, q->mac);
    const struct dhcpd_subnet *best = NULL;
    for (size_t n = 0; n < cfg->subnets_n; n++) {
        const struct dhcpd_subnet *s = &cfg->subnets[n];
        bool here = pointer.a ? prefix_has(s->prefix, pointer) : link_reaches(from->link, s->prefix);
        if (here && (!best || rank(s, i) > rank(best, i)))
            best = s;
    }
    if (!best)
        return DROP_NO_SUBNET;
    *ret = (struct place){.subnet = best, .server = server_in(from->link, best->prefix)};
    if (rank(best, i) == 3) {
        ret->has_reserved = true;
        ret->reserved = i->address.ip;
    }
    return DROP_NONE;
}

bool place_pool_has(const struct place *p, const struct link *l, struct ip4 ip)
{
    const struct dhcpd_subnet *s = p->subnet;
    if (!s->has_pool || ip.a < s->pool_first.a || ip.a > s->pool_last.a || !prefix_has(s->prefix, ip))
        return false;
    if (s->prefix.len < 31 && (ip4_eq(ip, s->prefix.net) || ip4_eq(ip, prefix_broadcast(s->prefix))))
        return false;
    for (size_t i = 0; i < s->dns_n; i++)
        if (ip4_eq(ip, s->dns[i]))
            return false;
    return !(s->has_router && ip4_eq(ip, s->router)) && !link_has(l, ip);
}

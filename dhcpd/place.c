#include "dhcpd/place.h"

#include "dhcpd/networks.h"

bool link_has(const struct link *l, struct ip4 ip)
{
    for (size_t i = 0; i < l->addresses_n; i++)
        if (ip4_eq(l->addresses[i].ip, ip))
            return true;
    return false;
}

bool links_have(const struct link *l, struct ip4 ip)
{
    const struct link *at = l;
    do {
        if (link_has(at, ip))
            return true;
        at = at->next;
    } while (at && at != l);
    return false;
}

struct ip4 place_server(const struct link *l, const struct dhcpd_subnet *s)
{
    for (size_t i = 0; i < l->addresses_n; i++)
        if (prefix_has(s->prefix, l->addresses[i].ip))
            return l->addresses[i].ip;
    return l->addresses_n ? l->addresses[0].ip : (struct ip4){0};
}

/* Walking
 * -------------------------------------------------------------------------------------------------------------
 */

const struct dhcpd_subnet *place_next(const struct place *p, size_t *at, const struct dhcpd_subnet *s)
{
    if (!s)
        *at = 0;
    else if (s->shares && s->shares != p->on[*at])
        return s->shares;
    else
        ++*at;
    return *at < p->on_n ? p->on[*at] : NULL;
}

const struct dhcpd_subnet *place_subnet(const struct place *p, struct ip4 ip)
{
    for (size_t i = 0; i < p->on_n; i++) {
        const struct dhcpd_subnet *s = subnet_on_link(p->on[i], ip);
        if (s && network_holds(p->networks, s, ip))
            return s;
    }
    return NULL;
}

enum unknown_policy place_unknown(const struct place *p)
{
    size_t at;
    for (const struct dhcpd_subnet *s = place_next(p, &at, NULL); s; s = place_next(p, &at, s))
        if (s->unknown == UNKNOWN_DISCOVER)
            return UNKNOWN_DISCOVER;
    return UNKNOWN_IGNORE;
}

const struct dhcpd_subnet *place_pool(const struct place *p, const struct link *l, bool known, struct ip4 ip)
{
    const struct dhcpd_subnet *s = place_subnet(p, ip);
    bool may = s && (known || s->unknown == UNKNOWN_DISCOVER);
    return may && subnet_pool_has(s, ip) && !links_have(l, ip) && !network_routes(p->networks, s, ip) ? s
                                                                                                      : NULL;
}

/* Finding
 * -------------------------------------------------------------------------------------------------------------
 */

static void add(struct place *p, const struct dhcpd_subnet *s)
{
    if (s && !place_subnet(p, s->prefix.net) && p->on_n < LINK_ADDRESSES_MAX)
        p->on[p->on_n++] = s;
}

static bool relay_listed(const struct dhcpd_config *cfg, struct ip4 relay)
{
    for (size_t i = 0; i < cfg->relays_n; i++)
        if (prefix_has(cfg->relays[i], relay))
            return true;
    return false;
}

/* Where a relay says that the client is. What else it says, it says only if the configuration trusts it: a
 * client that forges a relay's words would pick its subnet and its server. */
static enum drop place_relayed(const struct dhcpd_config *cfg, const struct request *q, struct place *ret)
{
    const struct dhcpd_subnet *own = network_find(cfg, q->giaddr);
    bool says_more = q->link_selection.a || q->server_override.a;
    bool inside = own && !own->of_tenant;
    if (cfg->relays_n ? !relay_listed(cfg, q->giaddr) : !inside && says_more)
        return DROP_RELAY;
    ret->override = q->server_override;
    add(ret, q->link_selection.a ? network_find(cfg, q->link_selection) : own);
    return DROP_NONE;
}

/* A renewing client writes to us from its address, through routers. Whoever asks for a new one cannot have
 * come that way. */
static bool from_own_address(const struct arrival *from, const struct request *q)
{
    return from->unicast && q->ciaddr.a && q->type != MSG_DISCOVER;
}

static void place_reserved(const struct device *d, struct mac m, struct place *p)
{
    const struct interface *i = d ? device_interface(d, m) : NULL;
    if (!i || !i->has_address || !place_subnet(p, i->address.ip))
        return;
    p->has_reserved = true;
    p->reserved = i->address.ip;
}

enum drop place_find(const struct dhcpd_config *cfg, const struct arrival *from, const struct request *q,
                     const struct device *device, struct place *ret)
{
    *ret = (struct place){.networks = cfg->networks};
    if (q->giaddr.a) {
        enum drop why = place_relayed(cfg, q, ret);
        if (why != DROP_NONE)
            return why;
    } else if (from_own_address(from, q)) {
        add(ret, network_find(cfg, q->ciaddr));
    } else {
        for (size_t i = 0; i < from->link->addresses_n; i++)
            add(ret, network_find(cfg, from->link->addresses[i].ip));
    }
    if (!ret->on_n)
        return DROP_NO_SUBNET;
    place_reserved(device, q->mac, ret);
    return DROP_NONE;
}

#include "rackstrap/addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

struct addresses {
    const struct config *c;
    struct ifaddrs *own; /* NULL: the system does not say */
    struct prefixes *prefixes;
    char text[96];
};

int addresses_attach(struct addresses *x, struct store *s, struct err *e)
{
    bool changed;
    return x->prefixes ? prefixes_refresh(x->prefixes, &changed, e) : prefixes_open(s, &x->prefixes, e);
}

int addresses_new(const struct config *c, struct store *s, struct addresses **ret, struct err *e)
{
    struct addresses *x = xcalloc(1, sizeof *x);
    x->c = c;
    if (s && addresses_attach(x, s, e)) {
        addresses_free(x);
        return -1;
    }
    if (getifaddrs(&x->own))
        x->own = NULL;
    *ret = x;
    return 0;
}

void addresses_free(struct addresses *x)
{
    if (!x)
        return;
    prefixes_free(x->prefixes);
    if (x->own)
        freeifaddrs(x->own);
    free(x);
}

bool addresses_network(const struct addresses *x, struct ip4 ip, struct network *ret)
{
    size_t n;
    const struct known_prefix *list = prefixes_list(x->prefixes, &n), *p;
    const struct dhcpd_subnet *s = subnet_find(x->c->dhcp.subnets, x->c->dhcp.subnets_n, ip);
    *ret = (struct network){.subnet = s};
    if (s) {
        ret->prefix = s->prefix;
        ret->has_router = s->has_router;
        ret->router = s->router;
    } else if ((p = prefix_find(list, n, ip))) {
        ret->prefix = p->prefix;
    } else {
        return false;
    }
    if (!ret->has_router)
        ret->has_router = prefix_router(list, n, ret->prefix, ip, &ret->router);
    return true;
}

/* Also one that the configuration's own router has made needless. */
static bool is_router(const struct addresses *x, const struct network *net, struct ip4 ip)
{
    size_t n;
    const struct known_prefix *list = prefixes_list(x->prefixes, &n);
    return (net->has_router && ip4_eq(net->router, ip)) || prefix_routes(list, n, ip);
}

static const char *own_interface(const struct addresses *x, struct ip4 ip)
{
    for (const struct ifaddrs *i = x->own; i; i = i->ifa_next) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)i->ifa_addr;
        if (in && in->sin_family == AF_INET && ntohl(in->sin_addr.s_addr) == ip.a)
            return i->ifa_name;
    }
    return NULL;
}

/* Its network address, its broadcast address; NULL. RFC 3021: of a /31 both are machines'. */
static const char *edge_of(struct prefix p, struct ip4 ip)
{
    if (p.len >= 31)
        return NULL;
    return ip4_eq(p.net, ip)                 ? "network address"
           : ip4_eq(prefix_broadcast(p), ip) ? "broadcast address"
                                             : NULL;
}

const char *addresses_use(struct addresses *x, struct ip4 ip)
{
    const char *name = own_interface(x, ip), *what;
    struct network net;
    char prefix[PREFIX_STR];
    if (name) {
        snprintf(x->text, sizeof x->text, "this server's own, on %s", name);
        return x->text;
    }
    if (!addresses_network(x, ip, &net))
        return NULL;
    what = is_router(x, &net, ip) ? "router" : edge_of(net.prefix, ip);
    if (what)
        snprintf(x->text, sizeof x->text, "the %s of %s", what, prefix_format(net.prefix, prefix));
    return what ? x->text : NULL;
}

/* ---- what nobody has */

/* A declined one is somebody's whom we do not know. */
static bool is_leased(struct leases *l, struct ip4 ip, int64_t at_ms)
{
    const struct lease *x = lease_by_address(l, ip);
    return x && (x->state == LEASE_BOUND || x->state == LEASE_DECLINED) && x->expires_ms > at_ms;
}

/* The last of what is in use from here on without a gap that is known at once; false: nothing uses it. */
static bool used_until(const struct addresses *x, struct leases *l, const struct unused_query *q,
                       struct ip4 ip, struct ip4 *ret)
{
    struct network net;
    bool in = addresses_network(x, ip, &net);
    *ret = ip;
    for (size_t i = 0; in && net.subnet && i < net.subnet->pool_n; i++) {
        if (net.subnet->pool[i].first.a <= ip.a && ip.a <= net.subnet->pool[i].last.a) {
            *ret = net.subnet->pool[i].last;
            return true;
        }
    }
    bool edge = in && edge_of(net.prefix, ip) && net.prefix.len != q->within.len;
    return edge || own_interface(x, ip) || (in && is_router(x, &net, ip)) || is_leased(l, ip, q->at_ms);
}

bool addresses_unused(const struct addresses *x, struct leases *l, const struct unused_query *q,
                      struct ip4 *ret)
{
    struct ip4 ip = q->from, last;
    uint32_t end = prefix_broadcast(q->within).a;
    while (ip.a <= end && used_until(x, l, q, ip, &last)) {
        if (last.a >= end)
            return false;
        ip.a = last.a + 1;
    }
    *ret = ip;
    return true;
}

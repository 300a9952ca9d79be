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
    char text[96];
};

struct addresses *addresses_new(const struct config *c)
{
    struct addresses *x = xcalloc(1, sizeof *x);
    x->c = c;
    if (getifaddrs(&x->own))
        x->own = NULL;
    return x;
}

void addresses_free(struct addresses *x)
{
    if (!x)
        return;
    if (x->own)
        freeifaddrs(x->own);
    free(x);
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

const char *addresses_use(struct addresses *x, struct ip4 ip)
{
    const struct dhcpd_subnet *s = subnet_find(x->c->dhcp.subnets, x->c->dhcp.subnets_n, ip);
    const char *name = own_interface(x, ip);
    bool has_ends = s && s->prefix.len < 31; /* RFC 3021 */
    char prefix[PREFIX_STR];
    if (name)
        snprintf(x->text, sizeof x->text, "this server's own, on %s", name);
    else if (s && s->has_router && ip4_eq(s->router, ip))
        snprintf(x->text, sizeof x->text, "the router of %s", prefix_format(s->prefix, prefix));
    else if (has_ends && ip4_eq(s->prefix.net, ip))
        snprintf(x->text, sizeof x->text, "the network address of %s", prefix_format(s->prefix, prefix));
    else if (has_ends && ip4_eq(prefix_broadcast(s->prefix), ip))
        snprintf(x->text, sizeof x->text, "the broadcast address of %s", prefix_format(s->prefix, prefix));
    else
        return NULL;
    return x->text;
}

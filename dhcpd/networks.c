#include "dhcpd/networks.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct networks {
    const struct dhcpd_config *cfg; /* lent */
    struct known_prefix *prefixes;  /* sorted */
    struct dhcpd_subnet *subnets;   /* of each */
    size_t n;
};

struct networks *networks_new(const struct dhcpd_config *cfg, const struct known_prefix *list, size_t n)
{
    struct networks *x = xcalloc(1, sizeof *x);
    x->prefixes = xcalloc(n + 1, sizeof *x->prefixes);
    x->subnets = xcalloc(n + 1, sizeof *x->subnets);
    x->cfg = cfg;
    x->n = n;
    if (n)
        memcpy(x->prefixes, list, n * sizeof *list);
    prefixes_sort(x->prefixes, n);
    for (size_t i = 0; i < n; i++) {
        x->subnets[i] = cfg->everywhere;
        x->subnets[i].prefix = x->prefixes[i].prefix;
        x->subnets[i].of_tenant = x->prefixes[i].of_tenant;
    }
    return x;
}

void networks_free(struct networks *n)
{
    if (!n)
        return;
    free(n->prefixes);
    free(n->subnets);
    free(n);
}

const struct dhcpd_subnet *network_find(const struct dhcpd_config *cfg, struct ip4 ip)
{
    const struct dhcpd_subnet *s = subnet_find(cfg->subnets, cfg->subnets_n, ip);
    const struct networks *n = cfg->networks;
    if (s || !n)
        return s;
    const struct known_prefix *p = prefix_find(n->prefixes, n->n, ip);
    return p ? &n->subnets[p - n->prefixes] : NULL;
}

bool network_holds(const struct networks *n, const struct dhcpd_subnet *s, struct ip4 ip)
{
    bool ours = n && s >= n->subnets && s < n->subnets + n->n;
    if (!ours)
        return true;
    return !subnet_find(n->cfg->subnets, n->cfg->subnets_n, ip) &&
           prefix_find(n->prefixes, n->n, ip) == &n->prefixes[s - n->subnets];
}

bool network_router(const struct networks *n, const struct dhcpd_subnet *s, struct ip4 ip, struct ip4 *ret)
{
    if (s->has_router) {
        *ret = s->router;
        return true;
    }
    return n && prefix_router(n->prefixes, n->n, s->prefix, ip, ret);
}

bool network_routes(const struct networks *n, const struct dhcpd_subnet *s, struct ip4 ip)
{
    return (s->has_router && ip4_eq(s->router, ip)) || (n && prefix_routes(n->prefixes, n->n, ip));
}

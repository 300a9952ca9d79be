/* subnet: what the configuration says of the subnets, and finding in it. Pure.
 *
 * Life cycle: fill the array in any order, a subnet's pool with subnet_pool_add, then with
 * subnet_pool_without for what the pool must not give; last subnets_ready, once, which sorts the array and
 * ties shared networks together. From then on nothing is changed, and thousands of subnets cost a lookup of a
 * dozen steps. */
#ifndef DHCPD_SUBNET_H
#define DHCPD_SUBNET_H

#include "base/addr.h"
#include "base/span.h"
#include "inventory/decide.h"

#define DHCPD_MAX_DNS 4

struct dhcpd_range {
    struct ip4 first, last; /* both in it */
};

struct dhcpd_subnet {
    struct prefix prefix;
    bool has_router;
    struct ip4 router;
    bool of_tenant; /* a tenant may have said that there is such a prefix: no relay is believed for that */
    struct ip4 dns[DHCPD_MAX_DNS];
    size_t dns_n;
    char domain[256];
    enum unknown_policy unknown;
    uint32_t lease_time;      /* seconds; 0: the server's */
    struct dhcpd_range *pool; /* sorted, none overlaps; what may be given, and nothing else */
    size_t pool_n;            /* 0: it has no pool */
    struct span options;      /* of the server and of this subnet: a set (inventory/dhcp_option.h), its own */
    char shared_network[64];  /* subnets of one name are on one link; "": alone */
    const struct dhcpd_subnet *shares; /* the next one on its link, round in a circle; NULL: it is alone */
};

/* The one that has this address, or NULL. By the sorted array; subnets do not overlap. */
const struct dhcpd_subnet *subnet_find(const struct dhcpd_subnet *sorted, size_t n, struct ip4 ip);
/* The one of this subnet's link that has the address, or NULL. */
const struct dhcpd_subnet *subnet_on_link(const struct dhcpd_subnet *s, struct ip4 ip);
void subnets_ready(struct dhcpd_subnet *subnets, size_t n);

bool subnet_pool_has(const struct dhcpd_subnet *s, struct ip4 ip);
uint32_t subnet_pool_size(const struct dhcpd_subnet *s); /* addresses */

void subnet_pool_add(struct dhcpd_subnet *s, struct dhcpd_range r);
void subnet_pool_without(struct dhcpd_subnet *s, struct dhcpd_range r);
void subnet_free(struct dhcpd_subnet *s); /* what it owns */

#endif

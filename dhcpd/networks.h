/* networks: the subnets of the configuration, and behind them the inventory's prefixes. Pure.
 *
 * A prefix that no configured subnet covers acts as a subnet without a pool: devices that have an address in
 * it get that, its mask and its router, and the options that the server says everywhere. Where a configured
 * subnet names no router, the prefix's counts; of prefixes inside one another the longest does.
 *
 * Life cycle: networks_new when the prefixes have changed; what was found before is gone then. */
#ifndef DHCPD_NETWORKS_H
#define DHCPD_NETWORKS_H

#include "dhcpd/dhcpd.h"
#include "inventory/prefixes.h"

struct networks;
struct networks *networks_new(const struct dhcpd_config *cfg, const struct known_prefix *list, size_t n);
void networks_free(struct networks *n); /* takes NULL */

/* The subnet of this address, or NULL. cfg->networks may be NULL: then those of the configuration alone. */
const struct dhcpd_subnet *network_find(const struct dhcpd_config *cfg, struct ip4 ip);
/* Is an address inside s's prefix in s, and not in a longer prefix, or in a configured subnet, inside it?
 * Those are other links. */
bool network_holds(const struct networks *n, const struct dhcpd_subnet *s, struct ip4 ip);
/* The router that a machine with this address is told of in this subnet. */
bool network_router(const struct networks *n, const struct dhcpd_subnet *s, struct ip4 ip, struct ip4 *ret);
/* It is a router's, and no machine gets it. */
bool network_routes(const struct networks *n, const struct dhcpd_subnet *s, struct ip4 ip);

#endif

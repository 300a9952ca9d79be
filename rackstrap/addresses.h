/* addresses: which network an address is in, and those that no machine may have: the routers of the subnets
 * and of the inventory's prefixes, and this server's own. */
#ifndef RACKSTRAP_ADDRESSES_H
#define RACKSTRAP_ADDRESSES_H

#include "api/api.h"
#include "inventory/prefixes.h"
#include "rackstrap/config.h"

struct addresses;
/* Reads the system's own addresses and the prefixes, once. Both are lent. Without a store (NULL) only the
 * first: a server reads them before it has no right to, and the prefixes later. */
int addresses_new(const struct config *c, struct store *s, struct addresses **ret, struct err *e);
/* Reads the prefixes, or reads them anew when one has changed. */
int addresses_attach(struct addresses *x, struct store *s, struct err *e);
void addresses_free(struct addresses *x); /* takes NULL */
/* "the router of 10.77.0.0/24", "this server's own, on br0"; NULL: a machine may have it. Lent until the next
 * call. */
const char *addresses_use(struct addresses *x, struct ip4 ip);

/* The first from `from` on that is none of these, nor in a pool of the configuration, nor leased; false: none
 * in q->within. Pools are passed at once. Its own first and last are the asker's matter. */
bool addresses_unused(const struct addresses *x, struct leases *l, const struct unused_query *q,
                      struct ip4 *ret);

/* The network that DHCP takes it for: a configured subnet, else the longest prefix of the inventory. */
struct network {
    struct prefix prefix;
    const struct dhcpd_subnet *subnet; /* NULL: it is the inventory's */
    bool has_router;
    struct ip4 router;
};
bool addresses_network(const struct addresses *x, struct ip4 ip, struct network *ret);

#endif

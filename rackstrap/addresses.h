/* addresses: those that no machine may have: the routers of the subnets, and this server's own. */
#ifndef RACKSTRAP_ADDRESSES_H
#define RACKSTRAP_ADDRESSES_H

#include "rackstrap/config.h"

struct addresses;
/* Reads the system's own addresses, once. */
struct addresses *addresses_new(const struct config *c); /* lent */
void addresses_free(struct addresses *x);                /* takes NULL */
/* "the router of 10.77.0.0/24", "this server's own, on br0"; NULL: a machine may have it. Lent until the next
 * call. */
const char *addresses_use(struct addresses *x, struct ip4 ip);

#endif

/* place: where a request comes from, and therefore which subnet and which server address it is about. Pure.
 */
#ifndef DHCPD_PLACE_H
#define DHCPD_PLACE_H

#include "dhcpd/dhcpd.h"
#include "dhcpd/message.h"
#include "inventory/device.h"

#define LINK_ADDRESSES_MAX 16

/* One of our interfaces. */
struct link {
    char name[16];
    int index;
    struct mac mac;
    struct ip4_if addresses[LINK_ADDRESSES_MAX]; /* the first is its primary one */
    size_t addresses_n;
};

struct arrival {
    const struct link *link;
    bool unicast; /* to an address of ours, not broadcast */
};

struct place {
    const struct dhcpd_subnet *subnet;
    struct ip4 server;   /* our address as this client knows us: server id, next server, boot URLs */
    bool has_reserved;   /* the device's interface owns an address here, */
    struct ip4 reserved; /* which is the only one that it gets; else one of the pool */
};

/* Relayed: the subnet of the link selection, else of giaddr. Unicast from a client that has an address: that
 * address's. Else those that the interface has an address in; among several, the one of the reserved address,
 * else the first with a pool. DROP_NO_SUBNET when there is none. device may be NULL. */
enum drop place_find(const struct dhcpd_config *cfg, const struct arrival *from, const struct request *q,
                     const struct device *device, struct place *ret);
bool link_has(const struct link *l, struct ip4 ip);
/* May the pool of this place hand it out at all? Not the network's and broadcast address, the router, a DNS
 * server or us. */
bool place_pool_has(const struct place *p, const struct link *l, struct ip4 ip);

#endif

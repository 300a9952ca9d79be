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
    const struct link *next; /* of our interfaces, round in a circle; NULL: it is the only one */
};

struct arrival {
    const struct link *link;
    bool unicast;         /* to an address of ours, not broadcast */
    bool pxe;             /* to port 4011 */
    uint16_t source_port; /* of what was unicast */
};

struct place {
    const struct networks *networks;                   /* of the inventory; may be NULL */
    const struct dhcpd_subnet *on[LINK_ADDRESSES_MAX]; /* each with those that share its link */
    size_t on_n;
    struct ip4 override; /* RFC 5107: what a relay that is trusted has the client call the server; or 0 */
    bool has_reserved;   /* the device's interface owns an address here, */
    struct ip4 reserved; /* which is the only one that it gets; else one of a pool */
};

/* Relayed: the subnet of the link selection, else of giaddr. Unicast from a client that has an address: that
 * address's. Else those that the interface has an address in. In each case with those that share the link:
 * the client may have an address in any of them. device may be NULL. */
enum drop place_find(const struct dhcpd_config *cfg, const struct arrival *from, const struct request *q,
                     const struct device *device, struct place *ret);
/* The subnet of this place that has the address, or NULL. */
const struct dhcpd_subnet *place_subnet(const struct place *p, struct ip4 ip);
/* A walk over the place's subnets: s NULL begins it, NULL ends it. *at keeps where it is. */
const struct dhcpd_subnet *place_next(const struct place *p, size_t *at, const struct dhcpd_subnet *s);
/* discover, when a subnet of this place says so: an unknown machine gets an address in that. */
enum unknown_policy place_unknown(const struct place *p);
/* Our address as a client in this subnet knows us: server id, next server, boot URLs. */
struct ip4 place_server(const struct link *l, const struct dhcpd_subnet *s);
/* The subnet whose pool may give this address at all, to a device or to an unknown machine; or NULL. */
const struct dhcpd_subnet *place_pool(const struct place *p, const struct link *l, bool known, struct ip4 ip);
bool link_has(const struct link *l, struct ip4 ip);
/* Of any of our interfaces. */
bool links_have(const struct link *l, struct ip4 ip);

#endif

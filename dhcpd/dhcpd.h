/* dhcpd: the DHCP server's face to the program. Codec, decisions and io are behind it. */
#ifndef DHCPD_DHCPD_H
#define DHCPD_DHCPD_H

#include "base/addr.h"
#include "base/err.h"
#include "dhcpd/clients.h"
#include "dhcpd/subnet.h"

#define DHCPD_MAX_INTERFACES 16

struct networks;

struct dhcpd_config {
    char interfaces[DHCPD_MAX_INTERFACES][16];
    size_t interfaces_n;
    bool proxy;          /* beside another DHCP server: proxy.h */
    uint32_t lease_time; /* seconds */
    uint32_t probe_ms; /* how long the wire is asked by ARP before an address of a pool is offered; 0: not */
    struct dhcpd_subnet *subnets; /* sorted: subnet.h's subnets_ready was called */
    size_t subnets_n;
    struct dhcpd_subnet
        everywhere; /* what is said of a prefix that only the inventory has; its options: lent */
    const struct networks *networks; /* the inventory's prefixes; dhcpd fills it in while it serves */
    struct prefix *relays; /* the relays that are answered; none: those with an address in a subnet of ours */
    size_t relays_n;
    struct client_table clients; /* before those that dhcpd brings itself */
    uint32_t loader_timeout;     /* seconds: inventory/ladder.h */
    char loaders[256];           /* the folder that tftpd serves; "": it is not here to be looked into */
    uint16_t http_port; /* of httpboot, for the URLs of boot scripts; the address is the interface's own in
                           that subnet */
};

/* One struct is for one dhcpd_serve. After a serving process has died, close it and open anew: the capture's
 * ring has moved on, and an older copy of it hears nothing. */
/* As root: opens the capture handles (libpcap, Ethernet) and UDP sockets of every interface. Errors say which
 * interface and what to do. */
struct dhcpd;
int dhcpd_open(const struct dhcpd_config *cfg, struct dhcpd **ret, struct err *e);
/* In its own process, privileges gone: serves until SIGTERM. */
int dhcpd_serve(struct dhcpd *d, const char *state_dir, struct err *e);
void dhcpd_close(struct dhcpd *d);

#endif

/* io_neighbours: who else is on an interface's wire: a second capture handle, beside io_link's, for ARP that
 * is about addresses we ask for, and for what other DHCP servers broadcast. Its filter keeps the rest of the
 * LAN's ARP in the kernel. */
#ifndef DHCPD_IO_NEIGHBOURS_H
#define DHCPD_IO_NEIGHBOURS_H

#include "dhcpd/arp.h"
#include "dhcpd/place.h"

struct io_neighbours;
/* link is lent for its life. Needs root (CAP_NET_RAW). arp: also ARP, else only DHCP servers. */
int io_neighbours_open(const struct link *link, bool arp, struct io_neighbours **ret, struct err *e);
void io_neighbours_close(struct io_neighbours *n); /* takes NULL */
int io_neighbours_fd(const struct io_neighbours *n);

struct neighbours_sink {
    void (*arp)(void *ctx, const struct link *on, const struct arp *a);
    void (*server)(void *ctx, const struct link *on, struct ip4 id, struct mac mac);
    void *ctx;
};
/* Reads what is there. -1 when the interface is gone. */
int io_neighbours_read(struct io_neighbours *n, const struct neighbours_sink *to, struct err *e);
/* Sends one ARP probe. 0, or -1 with errno. */
int io_neighbours_ask(struct io_neighbours *n, struct ip4 ip);

#endif

/* io_net: the installer's NIC: find it, bring it up, give it an address. The kernel's old ioctls; no netlink,
 * no udev. */
#ifndef AGENT_IO_NET_H
#define AGENT_IO_NET_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/dhcp_codec.h"

/* The NIC with this MAC. ERR_NOT_FOUND; the sentence lists those there are. */
int nic_find(const char *sysfs, struct mac mac, char name[IFNAMSIZ], struct err *e);
int nic_up(const char *name, struct err *e);
bool nic_has_carrier(const char *sysfs, const char *name);
int nic_configure(const char *name, const struct dhcp_answer *a,
                  struct err *e); /* address, mask, default route */

/* DISCOVER, REQUEST until there is a lease (RFC 2131 section 4.4.1), for ever, with back-off. Needs the NIC
 * up. */
int dhcp_acquire(const char *name, struct mac mac, struct dhcp_answer *ret, struct err *e);
/* Sleeps and renews (section 4.4.5) as long as the server lets us. Returns -1 when the address is lost: it
 * must not be used any longer. */
int dhcp_keep(const char *name, struct mac mac, struct dhcp_answer lease, struct err *e);

#endif

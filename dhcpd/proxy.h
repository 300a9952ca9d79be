/* proxy: what is answered beside another DHCP server, which gives the addresses (PXE 2.1;
 * `dhcp.mode: proxy`). Pure, as decide. No lease, no network, and not a word to clients that do not boot.
 *
 *   client     its DISCOVER, on port 67, is offered                its REQUEST, on port 4011
 *   bios       60 PXEClient, 43 = "boot the file", file            the same as ACK, by those that still ask
 *   uefi-*     60 PXEClient, next server: "ask port 4011"          60, next server, file
 *   *-http     60 HTTPClient, the loader's URL                     (does not ask)
 *   ipxe       60 PXEClient, the script's URL                      (does not ask: it has a file)
 *
 * Every offer has yiaddr 0. UEFI gets neither 43 nor the file in the offer, because EDK2 of some years drops
 * a proxy's offer with 43, and takes one without 43 for a boot server's that port 4011 explains. A DHCP
 * server that itself names a boot file wins at most firmware: it should name none. */
#ifndef DHCPD_PROXY_H
#define DHCPD_PROXY_H

#include "dhcpd/decide.h"

/* decide's part in this mode: ret->answers, reply and to, or a reason for silence, which it returns. */
enum drop proxy_answer(const struct dhcpd_config *cfg, const struct request *q, const struct arrival *from,
                       const struct place *p, const struct facts *f, struct decision *ret);

#endif

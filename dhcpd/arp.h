/* arp: ARP frames for IPv4 on Ethernet (RFC 826, 5227), both ways.
 *
 *    0 dst | src | 0806        14 htype 1 | ptype 0800        18 hlen 6 | plen 4 | op
 *   22 sender MAC | sender IP  32 target MAC | target IP      42 padding up to 60 */
#ifndef DHCPD_ARP_H
#define DHCPD_ARP_H

#include "base/addr.h"
#include "base/span.h"

#define ARP_FRAME 60 /* Ethernet's least, without its checksum */

enum arp_op { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
    enum arp_op op;
    struct mac sender;
    struct ip4 sender_ip, target_ip;
};

/* False when it is no ARP of this kind; *ret is untouched then. */
bool arp_decode(struct span frame, struct arp *ret);
/* An ARP Probe (RFC 5227, 1.1) by this NIC: "who has ip?", broadcast. Its sender address is 0.0.0.0, so that
 * nobody's cache learns anything from a question. */
void arp_encode_probe(struct mac nic, struct ip4 ip, struct writer *w);

#endif

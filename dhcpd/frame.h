/* frame: Ethernet, IPv4 and UDP around a datagram, both ways (RFC 894, 791, 768).
 *
 * A client without an address can neither be ARPed for nor always hear a broadcast, so its frames are read
 * and made here. Decoding lends the frame's bytes. Checksums: IPv4's must be right. UDP's must be right,
 * absent (0), or what Linux leaves in a frame whose checksum the NIC would fill in: the folded sum of the
 * pseudo header alone. Such frames are what a capture sees from a neighbour on the same machine (veth, tap),
 * and refusing them would refuse every virtual machine. */
#ifndef DHCPD_FRAME_H
#define DHCPD_FRAME_H

#include "base/addr.h"
#include "base/span.h"
#include "dhcpd/drop.h"

#define FRAME_HEADERS (14 + 20 + 8)

struct udp_frame {
    struct mac src, dst;
    struct ip4 ip_src, ip_dst;
    uint16_t port_src, port_dst;
    struct span payload;
};

/* DROP_NONE, or the DROP_FRAME_* that is wrong with it. *ret is untouched then. */
enum drop frame_decode(struct span bytes, struct udp_frame *ret);
void frame_encode(const struct udp_frame *f, struct writer *w);

#endif

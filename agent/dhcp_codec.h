/* dhcp_codec: the installer's own DHCP messages (RFC 2131, options of RFC 2132). Bytes and structs; no
 * socket.
 *
 *     op htype hlen hops | xid | secs flags | ciaddr yiaddr siaddr giaddr | chaddr 16 | sname 64 | file 128 |
 * cookie | options
 *
 * Requests set the broadcast flag: a NIC without an address hears a broadcast, but not always a unicast. */
#ifndef AGENT_DHCP_CODEC_H
#define AGENT_DHCP_CODEC_H

#include <stdint.h>

#include "base/addr.h"
#include "base/span.h"

#define DHCP_MIN 300u /* what old servers and relays expect at least */
#define DHCP_MAX 1500u

enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER = 2, DHCP_REQUEST = 3, DHCP_ACK = 5, DHCP_NAK = 6 };

struct dhcp_ask {
    enum dhcp_type type;
    uint32_t xid;
    uint16_t secs;
    struct mac mac;
    struct ip4 ciaddr;    /* renewing; else 0, and the answer is to be broadcast */
    struct ip4 requested; /* option 50; 0: none */
    struct ip4 server;    /* option 54; 0: none */
};

struct dhcp_answer {
    enum dhcp_type type;
    struct ip4 address, server, router; /* router 0: none */
    uint8_t prefix;                     /* of the mask; the class's own when the server gives none */
    uint32_t lease_s, t1_s, t2_s;
};

size_t dhcp_encode(const struct dhcp_ask *a, uint8_t buf[DHCP_MAX]);
/* An answer to this xid and MAC, complete for its type; ERR_INPUT for anything else. */
int dhcp_decode(struct span s, uint32_t xid, struct mac mac, struct dhcp_answer *ret, struct err *e);

#endif

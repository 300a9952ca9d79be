/* servers: other DHCP servers that are heard on our interfaces. Pure: remembers which were told of lately.
 *
 * Seen are their broadcast OFFERs, ACKs and NAKs, and the REQUESTs by which clients choose them; what they
 * send to one client by unicast goes past us. */
#ifndef DHCPD_SERVERS_H
#define DHCPD_SERVERS_H

#include "base/addr.h"
#include "dhcpd/message.h"

#define SERVERS_MAX      64
#define SERVERS_AGAIN_MS (60 * 60 * 1000)

struct servers {
    struct {
        struct ip4 id;
        int interface;
        int64_t told_ms;
    } all[SERVERS_MAX]; /* the one told of the longest ago gives way */
};

/* Is this worth telling: not told of on this interface within SERVERS_AGAIN_MS? It counts as told then. */
bool servers_news(struct servers *s, struct ip4 id, int interface, int64_t at_ms);
/* A server's message: its type and server identifier. False when it is none, or names none. */
bool servers_parse(struct span message, enum message_type *ret_type, struct ip4 *ret_id);

#endif

/* message: BOOTP/DHCP messages (RFC 2131): bytes -> typed request, reply -> bytes. Knows no socket, clock or
 * record.
 *
 *    0 op | htype | hlen | hops      28 chaddr (16)
 *    4 xid                           44 sname (64)
 *    8 secs | flags                 108 file (128)
 *   12 ciaddr  16 yiaddr            236 63 82 53 63
 *   20 siaddr  24 giaddr            240 options ...
 */
#ifndef DHCPD_MESSAGE_H
#define DHCPD_MESSAGE_H

#include "dhcpd/clients.h"
#include "dhcpd/drop.h"

#define MESSAGE_MIN     300  /* what BOOTP had, and some firmware still wants */
#define MESSAGE_MAX     1472 /* what one Ethernet frame carries */
#define MESSAGE_DEFAULT 548  /* 576 less IP and UDP: what every client takes */

enum message_type {
    MSG_DISCOVER = 1,
    MSG_OFFER,
    MSG_REQUEST,
    MSG_DECLINE,
    MSG_ACK,
    MSG_NAK,
    MSG_RELEASE,
    MSG_INFORM,
    MSG_TYPES
};
const char *message_type_name(enum message_type t); /* "discover" */

struct request {
    enum message_type type;          /* one that a client sends */
    const struct client_row *client; /* of clients.c; the service looks in the configuration's rows first */
    struct mac mac;
    uint32_t xid;
    uint16_t secs;
    uint8_t hops;
    bool broadcast; /* the client cannot take a unicast before it has its address */
    struct ip4 ciaddr, giaddr;
    struct ip4 requested, server_id;            /* options 50 and 54; 0.0.0.0: not sent */
    struct ip4 link_selection, server_override; /* of option 82 (RFC 3527, 5107): a relay's word */
    size_t reply_max;                           /* bytes of message that the client takes */
    uint64_t listed[4];                         /* option 55 as a set of bits; request_lists */
    struct options options;                     /* lends the message's bytes */
};

/* A sentence-less reason, or DROP_NONE and the request. */
enum drop message_parse(struct span bytes, struct request *ret);
/* Whose it is, before anything is parsed; false: too short. */
bool message_peek(struct span bytes, struct mac *ret);
/* Would the client like this option? Yes also when it sent no list. */
bool request_lists(const struct request *q, uint8_t code); /* and sent a list that has it? */
bool request_wants(const struct request *q, uint8_t code);

struct reply {
    enum message_type type;
    struct ip4 ciaddr, yiaddr, siaddr;
    bool broadcast;
    char file[128]; /* empty: none */
    struct option_list options;
};

/* Adds what each reply echoes: the client identifier (RFC 6842), and option 82, last (RFC 3046). -1 when it
 * does not fit. */
int message_encode(const struct request *q, struct reply *p, uint8_t *buf, size_t size, size_t *ret_n);

#endif

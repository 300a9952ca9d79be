/* drop: why a packet gets no answer. One enum and one table for the whole server: the codecs and the
 * decisions return a reason, the shell counts and logs it by its name. A new reason is one line in
 * DROP_TABLE. */
#ifndef DHCPD_DROP_H
#define DHCPD_DROP_H

#include "base/addr.h"

/* X(constant, name, sentence) */
#define DROP_TABLE(X)                                                                                        \
    X(DROP_NONE, "none", "answered")                                                                         \
    /* the frame */                                                                                          \
    X(DROP_FRAME_SHORT, "frame-short", "the frame ends inside its headers")                                  \
    X(DROP_FRAME_NOT_IPV4, "frame-not-ipv4", "the frame holds no IPv4 packet")                               \
    X(DROP_FRAME_NOT_UDP, "frame-not-udp", "the packet is no UDP datagram")                                  \
    X(DROP_FRAME_FRAGMENT, "frame-fragment", "the packet is a fragment")                                     \
    X(DROP_FRAME_LENGTH, "frame-length", "the lengths in the headers do not fit the frame")                  \
    X(DROP_FRAME_CHECKSUM, "frame-checksum", "a checksum is wrong")                                          \
    /* the message */                                                                                        \
    X(DROP_SHORT, "short", "the message ends inside its fixed part")                                         \
    X(DROP_NOT_REQUEST, "not-request", "it is a reply, not a request")                                       \
    X(DROP_NOT_ETHERNET, "not-ethernet", "the hardware address is not an Ethernet NIC's")                    \
    X(DROP_HOPS, "hops", "it went through too many relays: there is a loop")                                 \
    X(DROP_BOOTP, "bootp", "plain BOOTP, without a DHCP message type")                                       \
    X(DROP_BAD_OPTIONS, "bad-options", "an option runs past the end")                                        \
    X(DROP_BAD_TYPE, "bad-type", "a message type that no client sends to a server")                          \
    /* the decision */                                                                                       \
    X(DROP_NO_SUBNET, "no-subnet",                                                                           \
      "no subnet of the configuration, nor prefix of the inventory, is behind this interface or relay")      \
    X(DROP_RELAY, "untrusted-relay",                                                                         \
      "it came by a relay that the configuration does not trust (dhcp.relays)")                              \
    X(DROP_OURS, "reserved-is-ours", "its reserved address is the router's or this server's own")            \
    X(DROP_UNKNOWN, "unknown-mac", "no device has this MAC address and the subnet ignores unknown ones")     \
    X(DROP_IGNORED, "ignored", "the boot decision for this device is to ignore it")                          \
    X(DROP_NO_POOL, "no-pool", "no address is reserved for it here and the subnet has no pool")              \
    X(DROP_POOL_FULL, "pool-full", "every address of the pool is in use")                                    \
    X(DROP_HELD, "address-held", "its reserved address is still leased to another MAC address")              \
    X(DROP_QUARANTINED, "quarantined", "its reserved address was declined: another machine is using it")     \
    X(DROP_OTHER_SERVER, "other-server", "the client chose another DHCP server")                             \
    X(DROP_NO_RECORD, "no-record", "nothing is known of this client here, so RFC 2131 asks for silence")     \
    X(DROP_BAD_STATE, "bad-state", "the request fits none of the client states of RFC 2131")                 \
    X(DROP_NOT_ITS, "not-its-address", "it releases or declines an address that it does not hold")           \
    X(DROP_DECLINES, "too-many-declines",                                                                    \
      "it has declined too many addresses lately: this one is free again, not quarantined")                  \
    X(DROP_NO_CIADDR, "no-ciaddr", "an INFORM without the client's address")                                 \
    X(DROP_NOT_BOOTING, "not-booting", "beside another DHCP server, only machines that boot are answered")   \
    X(DROP_NOT_PROXYS, "not-proxys", "it is the other DHCP server's to answer")                              \
    /* the shell */                                                                                          \
    X(DROP_TOO_BIG, "reply-too-big", "the reply does not fit what the client can take")                      \
    X(DROP_STORE, "store", "the inventory or the leases could not be read or written")                       \
    X(DROP_SEND, "send", "the reply could not be sent")

enum drop {
#define X(constant, name, sentence) constant,
    DROP_TABLE(X)
#undef X
        DROP_COUNT
};

/* Where the packet came from, as far as it could be read; the rest is zero. */
struct drop_origin {
    struct mac mac;
    struct ip4 giaddr, link_selection; /* where the relay is the matter: what the configuration has to name */
};

const char *drop_name(enum drop d);     /* "unknown-mac" */
const char *drop_sentence(enum drop d); /* for a person */
/* The sentence, and the relay if `from` names one. */
#define DROP_TEXT 160
const char *drop_text(enum drop d, const struct drop_origin *from, char buf[DROP_TEXT]);

#endif

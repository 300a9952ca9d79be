/* belief: how often a MAC address has lately said that an address of a pool is taken, by ARP or by DECLINE.
 * Anyone on the wire can say so of one address after the other until the pool is empty: after BELIEF_MOST
 * times in BELIEF_MS nobody is believed any more. Pure; all zero is a new one.
 *
 * Bounded: of many that speak, who began longest ago is forgotten. */
#ifndef DHCPD_BELIEF_H
#define DHCPD_BELIEF_H

#include "base/addr.h"

#define BELIEF_MOST 8
#define BELIEF_MS   (10 * 60 * 1000) /* from the first time */
#define BELIEF_ROWS 64

struct belief {
    struct belief_row {
        struct mac mac;
        unsigned n;
        int64_t first_ms;
    } rows[BELIEF_ROWS];
};

/* How often it has, lately. */
unsigned belief_of(const struct belief *b, struct mac mac, int64_t at_ms);
/* The same with this time, which is counted. */
unsigned belief_add(struct belief *b, struct mac mac, int64_t at_ms);

#endif

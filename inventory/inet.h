/* inet: an address of either family, with or without a length, as NetBox writes them. base/addr.h has the
 * IPv4 that DHCP speaks. Pure. */
#ifndef INVENTORY_INET_H
#define INVENTORY_INET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct inet {
    bool six;
    int len; /* of its network, in bits; -1: not said */
    struct ip4 four;
    uint8_t b[16]; /* when six */
};
#define INET_STR 52

/* "10.0.0.1", "10.0.0.0/24", "2001:db8::1/64"; the whole text. No zone, no netmask. */
int inet_parse(const char *text, struct inet *ret);
char *inet_format(const struct inet *i, char buf[INET_STR]);
int inet_bits(const struct inet *i); /* 32 or 128 */
/* The first and the last address of its network; a length that is not said is all bits. */
struct inet inet_first(const struct inet *i);
struct inet inet_last(const struct inet *i);
int inet_compare(const struct inet *a, const struct inet *b); /* of the addresses; IPv4 comes first */

#endif

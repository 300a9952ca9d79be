/* addr: MAC addresses, IPv4 addresses, prefixes and UUIDs as values.
 *
 * An ip4 is in host order; network order exists in codecs only (read_be32 and write_be32 convert). All
 * parsers take the whole string or fail; they leave *ret untouched on failure. All formatters return `buf`.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mac {
    uint8_t b[6];
};
#define MAC_STR 18 /* "52:54:00:00:00:01" and NUL */

/* Any usual notation: 52:54:00:00:00:01, 52-54-..., 5254.0000.0001, 525400000001, any case. The zero address
 * and group addresses (multicast, broadcast) are refused: no NIC has them. */
int mac_parse(const char *s, struct mac *ret, struct err *e);
char *mac_format(struct mac m, char buf[MAC_STR]); /* lower case, colons */
bool mac_eq(struct mac a, struct mac b);
uint64_t mac_to_u64(struct mac m);
struct mac mac_from_u64(uint64_t v);

struct ip4 {
    uint32_t a;
};
#define IP4_STR 16

int ip4_parse(const char *s, struct ip4 *ret, struct err *e);
char *ip4_format(struct ip4 ip, char buf[IP4_STR]);
static inline bool ip4_eq(struct ip4 x, struct ip4 y)
{
    return x.a == y.a;
}

/* A prefix is a network: bits past `len` are zero. An ip4_if is an interface's address: the host bits stay.
 */
struct prefix {
    struct ip4 net;
    uint8_t len;
};
struct ip4_if {
    struct ip4 ip;
    uint8_t len;
};
#define PREFIX_STR 20

int prefix_parse(const char *s, struct prefix *ret,
                 struct err *e); /* refuses host bits, and says the network meant */
int ip4_if_parse(const char *s, struct ip4_if *ret,
                 struct err *e); /* "10.77.0.11/24"; the length is required */
char *prefix_format(struct prefix p, char buf[PREFIX_STR]);
char *ip4_if_format(struct ip4_if a, char buf[PREFIX_STR]);
bool prefix_has(struct prefix p, struct ip4 ip);
/* The range of "this network" (RFC 6890), loopback, or multicast and what is reserved, that p has a part of:
 * no machine has an address there. NULL: none. */
const struct prefix *prefix_never(struct prefix p);
struct ip4 prefix_mask(uint8_t len);
struct ip4 prefix_broadcast(struct prefix p);
/* Inside p, and neither its network nor its broadcast address, which /31 (RFC 3021) and /32 have not. */
bool prefix_is_host(struct prefix p, struct ip4 ip);
struct prefix prefix_of(struct ip4_if a);

struct uuid {
    uint8_t b[16];
};
#define UUID_STR 37

int uuid_parse(const char *s, struct uuid *ret, struct err *e);
char *uuid_format(struct uuid u, char buf[UUID_STR]); /* lower case */
bool uuid_eq(struct uuid a, struct uuid b);
bool uuid_is_zero(struct uuid u);
struct uuid uuid_random(void); /* version 4 */

#endif

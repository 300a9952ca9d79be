/* options: DHCP options (RFC 2132 and those after it), both ways, by one table.
 *
 * The table is inventory/dhcp_option.h's: decoding, encoding, dumping and the configuration share it. To add
 * an option is to add a row there, and a vector to tests/dhcpd/test_options.c.
 *
 * Decoding: options_decode walks the options field and, if option 52 says so, `file` and `sname` after it,
 * with one iterator; values of a code that comes several times are joined in that order (RFC 3396). A value
 * whose length breaks its row's rule is left out, as if it had not been sent: firmware sends odd ones, and a
 * client is better served without than not at all. Values lend the message's bytes, or those of the struct:
 * keep both while you read.
 *
 * Encoding: fill an option_list, in any order; options_encode sorts it (53 first, 82 last, the rest by code,
 * so that equal replies are equal bytes), splits what is longer than 255 bytes, and leaves out, in the order
 * that the table gives, what a small client has no room for. Where `file` and `sname` are empty, it puts
 * there what the options field does not hold, before it leaves anything out (RFC 2131, 4.1); never option 82.
 */
#ifndef DHCPD_OPTIONS_H
#define DHCPD_OPTIONS_H

#include "base/addr.h"
#include "inventory/dhcp_option.h"

enum option_code {
    OPT_PAD = 0,
    OPT_SUBNET_MASK = 1,
    OPT_ROUTER = 3,
    OPT_DNS = 6,
    OPT_HOST_NAME = 12,
    OPT_DOMAIN = 15,
    OPT_BROADCAST = 28,
    OPT_STATIC_ROUTES = 33,
    OPT_VENDOR = 43,
    OPT_REQUESTED = 50,
    OPT_LEASE_TIME = 51,
    OPT_OVERLOAD = 52,
    OPT_TYPE = 53,
    OPT_SERVER_ID = 54,
    OPT_PARAMETERS = 55,
    OPT_MESSAGE = 56,
    OPT_MAX_SIZE = 57,
    OPT_T1 = 58,
    OPT_T2 = 59,
    OPT_VENDOR_CLASS = 60,
    OPT_CLIENT_ID = 61,
    OPT_BOOTFILE = 67,
    OPT_USER_CLASS = 77,
    OPT_RELAY_INFO = 82,
    OPT_ARCH = 93,
    OPT_MACHINE_ID = 97,
    OPT_ROUTES = 121,
    OPT_IPXE = 175,
    OPT_MS_ROUTES = 249,
    OPT_END = 255,
};

/* One area of code, length, value; also the inside of options 43, 82 and 175 (whose PAD and END mean nothing:
 * `plain`). */
struct option_iter {
    struct reader r;
    bool plain;
    bool bad; /* an option ran past the end */
};
struct option_iter option_iter(struct span area, bool plain);
bool option_next(struct option_iter *it, uint8_t *ret_code,
                 struct span *ret_value); /* false at the end, or when bad */

#define OPTIONS_JOINED_MAX 1500

struct options {
    struct span value[256];
    bool has[256];
    size_t joined_n;
    uint8_t joined[OPTIONS_JOINED_MAX];
};

/* -1 when an area is cut off inside an option, or the joined values are longer than any datagram. */
int options_decode(struct span main, struct span file, struct span sname, struct options *ret);
/* Each: the first value, or the default when the option was not sent. */
uint8_t option_u8(const struct options *o, uint8_t code, uint8_t absent);
uint16_t option_u16(const struct options *o, uint8_t code, uint16_t absent);
struct ip4 option_ip4(const struct options *o, uint8_t code); /* 0.0.0.0 */
/* "53 message-type=1 55 parameter-list=1,3,6": what a person debugs with. */
void options_dump(const struct options *o, struct str *ret);

#define OPTION_LIST_MAX 96
#define OPTION_LIST_SET 80 /* of them at most for what a person configured */

struct option_list {
    struct option_entry {
        uint8_t code;
        uint8_t spare; /* as a row's */
        struct span value;
    } v[OPTION_LIST_MAX];
    size_t n;
    size_t bytes_n;
    uint8_t bytes[1536];
    bool full; /* sticks, as in a writer */
};

void option_put(struct option_list *l, uint8_t code, struct span value); /* copies */
void option_put_lent(struct option_list *l, uint8_t code,
                     struct span value); /* keep the bytes until it is encoded */
void option_put_u8(struct option_list *l, uint8_t code, uint8_t v);
void option_put_u32(struct option_list *l, uint8_t code, uint32_t v);
void option_put_ip4s(struct option_list *l, uint8_t code, const struct ip4 *v, size_t n);
void option_put_text(struct option_list *l, uint8_t code, const char *s);

/* One that a person configured: in the place of what the list has of this code. The reply goes without it
 * where there is no room. Lent. */
void option_set(struct option_list *l, uint8_t code, struct span value);
void option_drop(struct option_list *l, uint8_t code);
const struct option_entry *option_in(const struct option_list *l, uint8_t code); /* NULL: it is not there */

enum { OPTION_MAIN, OPTION_FILE, OPTION_SNAME, OPTION_AREAS };

/* Writes to the areas; `file` and `sname` only if they are given, are there, and are needed: then option 52
 * says so. -1 when what a reply needs does not fit. Sorts *l and takes from it what had no room. */
int options_encode_over(struct option_list *l, struct writer areas[OPTION_AREAS]);
/* Writes at most `room` bytes with the END. -1 when what a reply needs does not fit. Sorts *l and takes from
 * it what had no room. */
int options_encode(struct option_list *l, struct writer *w, size_t room);

#endif

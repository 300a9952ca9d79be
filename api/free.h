/* free: which addresses of a prefix nobody has. Pure: it is told the taken ones in their order, and keeps the
 * free ones that lie before, until it has as many as are wanted; a /64 costs no more than its taken ones.
 *
 * As in NetBox: of an IPv4 prefix that is no pool, the network and the broadcast address are nobody's (but of
 * /31 and /32, RFC 3021); of an IPv6 one, the first, which is all routers' (RFC 4291, section 2.6.1; not of
 * /127 and /128). And the prefix's gateway is not free, nor what is in use without a record (`unused`).
 */
#ifndef API_FREE_H
#define API_FREE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef unsigned __int128 ip_number;

struct ip_range {
    int family; /* AF_INET, AF_INET6 */
    unsigned length;
    ip_number first, last;
};

#define IP_TEXT (INET6_ADDRSTRLEN + 4) /* "2001:db8::1/64" */

/* "10.0.0.0/24" to what of it may be given; a length is required. */
int ip_range_parse(const char *prefix, bool pool, struct ip_range *ret, struct err *e);
/* The address in "10.0.0.1/24" or "10.0.0.1", of this family; false for anything else. */
bool address_number(const char *text, int family, ip_number *ret);
char *address_text(const struct ip_range *r, ip_number a, char buf[IP_TEXT]); /* with the range's length */

struct free_list {
    struct ip_range range;
    bool has_gateway;
    ip_number gateway;
    size_t wanted;
    size_t n;
    ip_number *found; /* room for `wanted` */
    ip_number next;   /* the first that is not yet looked at */
    bool past;        /* the last one has been */
    /* The first from this one on that nobody uses though it has no record; past the range: none. NULL: all
     * are such. */
    ip_number (*unused)(void *ctx, ip_number from);
    void *unused_ctx;
};
/* Taken addresses in rising order; true: no more are needed. */
bool free_taken(struct free_list *f, ip_number taken);
void free_rest(struct free_list *f); /* at the end */

#endif

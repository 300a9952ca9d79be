/* about: what is known of an address: the answer of `rackstrap ip`, and of the API to the same question. */
#ifndef RACKSTRAP_ABOUT_H
#define RACKSTRAP_ABOUT_H

#include <jansson.h>

#include "inventory/inet.h"
#include "inventory/lease.h"
#include "rackstrap/addresses.h"

/* What is open while the question is answered. */
struct about {
    const struct config *c;
    struct store *s;
    struct leases *l;
    struct addresses *known; /* with its prefixes (addresses_attach) */
    struct inet ip;
};

/* ERR_INPUT: it is no address, or one with a length. */
int about_parse(const char *text, struct inet *ret, struct err *e);
int about_address(struct about *k, json_t **ret, struct err *e);

/* For api_config.about: ctx is a struct about of which c and known are set. NULL: e. */
json_t *about_for_api(void *ctx, struct store *s, struct leases *l, const char *address, struct err *e);
/* For api_config.unused, with the same ctx. */
int unused_for_api(void *ctx, struct store *s, struct leases *l, const struct unused_query *q,
                   struct ip4 *ret, struct err *e);

#endif

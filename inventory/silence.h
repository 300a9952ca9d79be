/* silence: packets that dhcpd did not answer: whose, why, when, how often. A row for each MAC address and
 * reason, bounded: the longest unseen go. */
#ifndef INVENTORY_SILENCE_H
#define INVENTORY_SILENCE_H

#include "base/addr.h"
#include "inventory/store.h"

struct silence {
    struct mac mac;     /* zero: of no address, such as frames that could not be read */
    char reason[32];    /* "pool-full" */
    char sentence[160]; /* the same for a person, with the relay that is the matter */
    int64_t first_ms, last_ms;
    uint64_t times;
};

/* Adds x's times to what is known. *ret_before_ms: when this was last added before; 0: never. */
int silence_add(struct store *s, const struct silence *x, int64_t *ret_before_ms, struct err *e);
/* The newest of a MAC address; ERR_NOT_FOUND when each packet of it was answered. */
int silence_last(struct store *s, struct mac m, struct silence *ret, struct err *e);
typedef int silence_fn(const struct silence *x, void *ctx);                  /* other than 0 stops the walk */
int silence_each(struct store *s, silence_fn *fn, void *ctx, struct err *e); /* newest first */

/* Pools that have no free address left, as dhcpd finds them. full_ms 0: it has one again. */
int silence_pool(struct store *s, struct prefix pool, int64_t full_ms, struct err *e);
int silence_pools_forget(struct store *s, struct err *e); /* a server that starts knows of none */
typedef int silence_pool_fn(struct prefix pool, int64_t full_ms, void *ctx);
int silence_pool_each(struct store *s, silence_pool_fn *fn, void *ctx, struct err *e);

#endif

/* lease: addresses given to MAC addresses. leases.db has one writer, dhcpd; others may read.
 *
 * The writer keeps every lease in memory, indexed by MAC and by address, and sets them with lease_put: when
 * leases_commit has returned 0 they are on the disk, and the ACKs may leave. */
#ifndef INVENTORY_LEASE_H
#define INVENTORY_LEASE_H

#include "base/addr.h"
#include "base/err.h"
#include "inventory/store.h"

enum lease_state { LEASE_OFFERED, LEASE_BOUND, LEASE_RELEASED, LEASE_DECLINED, LEASE_EXPIRED };
const char *lease_state_name(enum lease_state s);

struct lease {
    struct ip4 address;
    struct mac mac;
    enum lease_state state;
    int64_t since_ms, expires_ms;
    char hostname[64];
};

struct leases;
int leases_open(const char *state_dir, bool writer, struct leases **ret, struct err *e);
void leases_close(struct leases *l);

/* Lent until the next change. NULL when there is none. Offers live in memory only. */
const struct lease *lease_by_mac(struct leases *l, struct mac m);
const struct lease *lease_by_address(struct leases *l, struct ip4 a);
/* A hint, as roster_expect. */
void lease_expect(struct leases *l, const struct mac *m, size_t n);
/* Sets the lease of this address, in memory at once and on the disk at the next commit (an OFFERED one
 * never). One MAC has at most one live lease in a prefix: the caller releases the other. */
int lease_put(struct leases *l, const struct lease *x, struct err *e);
int leases_commit(struct leases *l,
                  struct err *e); /* after a failure nothing since the last commit counts: send none of it */
typedef int lease_fn(const struct lease *x, void *ctx);
int lease_each(struct leases *l, lease_fn *fn, void *ctx, struct err *e); /* by address */

#endif

/* lease_index: all leases in memory, found by address and by MAC address in constant time. Pure;
 * store_lease.c keeps it in step with the disk.
 *
 * Changes since the last index_keep can be taken back as a whole: a batch that could not be written has never
 * happened. */
#ifndef INVENTORY_LEASE_INDEX_H
#define INVENTORY_LEASE_INDEX_H

#include "inventory/lease.h"

struct lease_index;
struct lease_index *index_new(uint64_t seed); /* random: of the hash */
void index_free(struct lease_index *x);

void index_put(struct lease_index *x, const struct lease *l);
/* Of several leases of a MAC address, of the 64 that were put last: a live one before one that is over, the
 * newest of these. */
const struct lease *index_by_mac(const struct lease_index *x, struct mac m);
const struct lease *index_by_address(const struct lease_index *x, struct ip4 a);

void index_expect(const struct lease_index *x, const struct mac *m, size_t n);

void index_keep(struct lease_index *x);      /* what was put stays */
void index_take_back(struct lease_index *x); /* what was put since the last index_keep is undone */
/* All that was put since the last index_keep, in order. */
size_t index_changes(const struct lease_index *x);
const struct lease *index_change_at(const struct lease_index *x, size_t i);

/* All, sorted by address: an array of *ret_n pointers, to be freed. */
const struct lease **index_sorted(const struct lease_index *x, size_t *ret_n);

#endif

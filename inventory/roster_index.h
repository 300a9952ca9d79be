/* roster_index: devices in memory, found by MAC address, by address and by number in constant time. Pure;
 * store_roster.c keeps it in step with the disk. */
#ifndef INVENTORY_ROSTER_INDEX_H
#define INVENTORY_ROSTER_INDEX_H

#include "inventory/roster.h"

struct roster_index;
struct roster_index *roster_index_new(void);
void roster_index_free(struct roster_index *x); /* takes NULL */

/* Sets the device of this number; job is its newest, or NULL. */
void roster_index_put(struct roster_index *x, const struct device *d, const struct job *job);
void roster_index_drop(struct roster_index *x, int64_t id);

bool roster_index_find(const struct roster_index *x, struct mac m, struct device *ret, struct job *ret_job,
                       bool *ret_has_job);
void roster_index_expect(const struct roster_index *x, const struct mac *m, size_t n);
bool roster_index_owner(const struct roster_index *x, struct ip4 a, struct mac *ret);

#endif

/* tell: how far a NetBox was told what became of its devices, and what it would not hear: kept, so that
 * courier may be killed at any time. */
#ifndef INVENTORY_TELL_H
#define INVENTORY_TELL_H

#include "inventory/store.h"

/* The last entry of the journal that was told, or needed not be; -1: none ever was. */
int tell_position(struct store *s, int64_t *ret, struct err *e);
int tell_position_put(struct store *s, int64_t id, struct err *e);
/* The newest entry that there is; 0 for none. */
int tell_newest(struct store *s, int64_t *ret, struct err *e);

/* What NetBox has refused to take of a device, as the bits of who tells it; they add up. */
int tell_owed_add(struct store *s, int64_t device_id, unsigned wanted, struct err *e);
int tell_owed_clear(struct store *s, int64_t device_id, struct err *e);
typedef int tell_owed_fn(int64_t device_id, unsigned wanted, void *ctx);
int tell_owed_each(struct store *s, tell_owed_fn *fn, void *ctx, struct err *e);

#endif

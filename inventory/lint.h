/* lint: what is wrong in the inventory, beside what cannot be in it at all (two devices with one address are
 * refused): each is found by one statement over all devices. A check is a row in store_lint.c. And what a
 * sync of NetBox could not bring in (inventory/sync.h). */
#ifndef INVENTORY_LINT_H
#define INVENTORY_LINT_H

#include "base/addr.h"
#include "inventory/store.h"

/* What the configuration says, which the store does not know. */
struct lint_subnet {
    struct prefix prefix;
    bool has_router;
};

struct lint_finding {
    const char *check;              /* "no-primary-address": a word for programs */
    const char *title;              /* what is wrong, for people */
    const char *fix;                /* what to do, where the object is ours */
    const char *subject, *sentence; /* the device, or whatever it is of; and what is the matter with it */
    const char *type;               /* "dcim.device": where NetBox shows it */
    int64_t netbox_id;              /* 0: it did not come from there */
};
/* Lent until it returns. Sorted by check, then by subject. Other than 0 ends the walk, and is returned. fn
 * must not use the store. */
typedef int lint_fn(const struct lint_finding *x, void *ctx);
int lint_each(struct store *s, const struct lint_subnet *subnets, size_t n, lint_fn *fn, void *ctx,
              struct err *e);

#endif

/* why_loader: which loader a NIC would be sent now, as dhcpd would decide it. */
#ifndef RACKSTRAP_WHY_LOADER_H
#define RACKSTRAP_WHY_LOADER_H

#include <jansson.h>

#include "inventory/store.h"
#include "rackstrap/config.h"

/* Adds client, loader, loader_reason and loaders_given_up to the answer; nulls where the NIC has not asked
 * for a loader yet. seen_as: the kind that a stranger was last seen as; NULL for a device, whose ladder knows
 * it. */
int why_loader(struct store *s, const struct config *c, struct mac m, const char *seen_as, json_t *answer,
               struct err *e);

#endif

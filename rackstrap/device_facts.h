/* device_facts: what belongs to a device beside its own record: every MAC and IP address, leases, tags, what
 * happened last. And what is known of a MAC address that no device has. */
#ifndef RACKSTRAP_DEVICE_FACTS_H
#define RACKSTRAP_DEVICE_FACTS_H

#include <jansson.h>

#include "inventory/device.h"
#include "rackstrap/config.h"

/* Adds them to o, also when it fails. */
int device_facts(struct store *s, const struct config *c, const struct device *d, json_t *o, struct err *e);
/* ERR_NOT_FOUND when it was never seen. */
int stranger_facts_json(struct store *s, const struct config *c, struct mac m, json_t **ret, struct err *e);

#endif

/* hardware: what the installer found in a device, as JSON: mac, uuid, serial, model, disks, interfaces, in
 * the words of agent/PROTOCOL.md. The newest report counts. It came from the machine: believe none of it. */
#ifndef INVENTORY_HARDWARE_H
#define INVENTORY_HARDWARE_H

#include "base/str.h"
#include "inventory/store.h"

#define HARDWARE_MAX 16384 /* bytes, NUL included */

/* Writes nothing when it is what was reported last. */
int hardware_put(struct store *s, int64_t device_id, const char *json, int64_t at_ms, struct err *e);
int hardware_get(struct store *s, int64_t device_id, struct str *ret, struct err *e); /* ERR_NOT_FOUND */

#endif

/* cmd_device: a device as the commands show it. */
#ifndef RACKSTRAP_CMD_DEVICE_H
#define RACKSTRAP_CMD_DEVICE_H

#include <jansson.h>

#include "inventory/device.h"

/* A flat object, and its interfaces: a row of `device list --json`. */
json_t *device_json(const struct device *d);

#endif

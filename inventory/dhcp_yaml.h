/* dhcp_yaml: DHCP options as they stand in the configuration and in the inventory file.
 *
 *   ntp-servers: [10.0.0.1, 10.0.0.2]      a name, or a code
 *   150: 10.0.0.9
 *   43: "hex:0104c0a80001"
 *   224: {type: uint16, value: 5}           a code that the table does not have
 *   time-servers: {value: 10.0.0.1, always: true}    also to a client that does not ask for it
 *
 * What values may be is dhcp_option.h's. */
#ifndef INVENTORY_DHCP_YAML_H
#define INVENTORY_DHCP_YAML_H

#include "inventory/dhcp_option.h"

struct yaml_node;

/* The mapping of this key; without the key the empty set. Errors have the place. */
int dhcp_set_read(struct yaml_node *map, const char *key, struct dhcp_set *ret, struct err *e);

#endif

/* config_parts: the configuration's parts, each read by a file of its own. Inside rackstrap/config*.c only.
 */
#ifndef RACKSTRAP_CONFIG_PARTS_H
#define RACKSTRAP_CONFIG_PARTS_H

#include "rackstrap/config.h"

struct yaml_node;

/* `interfaces:` of a part; required: it must be there and name one. */
int config_interfaces(struct yaml_node *map, bool required, char names[16][16], size_t *n, struct err *e);
/* `dhcp:` of the root; after `http:`, whose port it hands on. */
int config_dhcp(struct yaml_node *root, struct config *c, struct err *e);

#endif

/* config_parts: the configuration's parts, each read by a file of its own. Inside rackstrap/config*.c only.
 */
#ifndef RACKSTRAP_CONFIG_PARTS_H
#define RACKSTRAP_CONFIG_PARTS_H

#include "rackstrap/config.h"

struct yaml_node;

#define CONFIG_PEM_MAX (1u << 20)

/* The text of a file that the configuration names, or NULL when the key is absent. The error's place is the
 * key, since that is what the person can mend. */
int config_file(struct yaml_node *map, const char *key, size_t max, char **ret, struct err *e);
/* The same for a secret: what every user of this machine can read is none, and refused. */
int config_secret_file(struct yaml_node *map, const char *key, size_t max, char **ret, struct err *e);
/* A secret that is a file's first line; NULL when the key is absent. */
int config_secret_line(struct yaml_node *map, const char *key, const char *what, char **ret, struct err *e);
/* `listen:` of a part, ADDRESS:PORT. What is absent leaves both as they are. */
int config_listen(struct yaml_node *map, bool required, struct ip4 *address, uint16_t *port, struct err *e);
/* `tls:` of a part; the texts are the caller's, and lent to h. */
int config_tls(struct yaml_node *part, struct httpboot_config *h, char **certificate, char **key,
               struct err *e);
/* `api:` and `netbox:` of the root; after `http:`, whose ports are not theirs. */
int config_api(struct yaml_node *root, struct config *c, struct err *e);
int config_netbox(struct yaml_node *root, struct config *c, struct err *e);
/* `http:` of the root. */
int config_http(struct yaml_node *root, struct config *c, struct err *e);
/* `interfaces:` of a part; required: it must be there and name one. */
int config_interfaces(struct yaml_node *map, bool required, char names[16][16], size_t *n, struct err *e);
/* `domain:` of a part. */
int config_domain(struct yaml_node *map, char *buf, size_t size, struct err *e);
/* `dhcp:` of the root; after `http:`, whose port it hands on. */
int config_dhcp(struct yaml_node *root, struct config *c, struct err *e);
void config_dhcp_free(struct config *c);

/* `clients` and `loader_timeout` of `dhcp:`. */
int config_clients(struct yaml_node *dhcp, struct dhcpd_config *d, struct err *e);

#endif

/* config: the one configuration file, checked whole. Unknown keys are errors; every error is
 * FILE:LINE:COLUMN. Files that it names (a password, a certificate) are read here, while the program still
 * may. */
#ifndef RACKSTRAP_CONFIG_H
#define RACKSTRAP_CONFIG_H

#include "base/log.h"
#include "dhcpd/dhcpd.h"
#include "enrol/enrol.h"
#include "httpboot/httpboot.h"
#include "netbox/netbox.h"
#include "tftpd/tftpd.h"

#define CONFIG_DEFAULT "/etc/rackstrap/rackstrap.yaml"

struct config {
    char path[256];
    char state_dir[160];
    char user[64]; /* what the servers run as; "" is `rackstrap`, or `nobody` where that does not exist */
    enum log_level log_level;
    bool has_dhcp, has_tftp;
    size_t pools_unsaid; /* subnets with a pool that do not say what becomes of unknown machines; the first */
    struct prefix pool_unsaid;
    uint32_t job_expiry; /* seconds */
    uint64_t wipe_limit; /* devices that one command may arm without being told their number */
    struct httpboot_config http;
    struct dhcpd_config dhcp;
    struct dhcp_set dhcp_options; /* of the server alone; each subnet has them in its own too */
    struct tftpd_config tftp;
    struct enrol_config enrol;
    bool has_api;
    struct httpboot_config api_http; /* its sockets and connections; lends api */
    struct httpboot_api api;
    char *api_certificate, *api_key; /* PEM; lent to api_http */
    struct netbox_config netbox;     /* url "": none is followed */
    char *netbox_token, *webhook_secret;
    char *password, *salt_pubkey, *ca_certificates; /* what http and enrol lend; ours */
    char *tls_certificate, *tls_key;                /* PEM; lent to http */
    char *keys[HTTPBOOT_MAX_KEYS];
    struct httpboot_unknown *unknown; /* httpboot's copies of what dhcp says of the subnets */
    struct httpboot_network *networks;
};

int config_load(const char *path, struct config **ret, struct err *e);
void config_free(struct config *c); /* takes NULL; wipes the secrets */

#endif

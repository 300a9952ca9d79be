/* nocloud: cloud-init's four NoCloud documents for a device. Pure.
 *
 * cloud-init retries a document that is not there ten times, a second apart, so that all four exist, empty if
 * there is nothing to say. Every text is a double-quoted YAML scalar with JSON's escapes: a MAC of digits
 * alone stays a text.
 */
#ifndef HTTPBOOT_NOCLOUD_H
#define HTTPBOOT_NOCLOUD_H

#include "base/str.h"
#include "httpboot/httpboot.h"
#include "inventory/device.h"
#include "inventory/prefixes.h"

struct nocloud {
    const char *instance_id; /* the job's UUID: a reinstalled machine is a new instance */
    const struct device *device;
    const char *domain; /* "" for none */
    const char *const *authorized_keys;
    size_t authorized_keys_n;
    const char *ca_certificates; /* PEM, or NULL */
    const struct httpboot_network *networks;
    size_t networks_n;
    const struct known_prefix *prefixes; /* of the inventory, sorted: the router where networks name none */
    size_t prefixes_n;
};

void nocloud_meta_data(const struct nocloud *n, struct str *out);
void nocloud_user_data(const struct nocloud *n, struct str *out);
void nocloud_vendor_data(const struct nocloud *n, struct str *out);
void nocloud_network_config(const struct nocloud *n, struct str *out); /* version 2 */

/* NAME, or NAME.DOMAIN. */
void fqdn_of(const char *name, const char *domain, struct str *out);

#endif

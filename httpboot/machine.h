/* machine: what a machine says of itself, in the one spelling that the store compares. Pure. */
#ifndef HTTPBOOT_MACHINE_H
#define HTTPBOOT_MACHINE_H

#include "base/addr.h"
#include "httpboot/httpboot.h"

/* The SMBIOS UUID in lower case; "" when it is absent, no UUID, all zeros or all ones (boards that were never
 * given one). */
void machine_uuid(const char *given, char ret[UUID_STR]);

/* What the subnet of this address says of machines that nobody knows; the longest prefix counts, none means
 * ignore. */
enum unknown_policy unknown_policy_of(const struct httpboot_config *cfg, struct ip4 peer);

#endif

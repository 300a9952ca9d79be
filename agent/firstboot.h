/* firstboot: in the installed system, once: makes the machine what the inventory says it is, and enrols it.
 *
 * Reads /var/lib/rackstrap/seed.json. Each step may be repeated, and all are until the last one is done: then
 * the seed, with its token, is replaced by enrolled.json. Without a seed there is nothing to do. */
#ifndef AGENT_FIRSTBOOT_H
#define AGENT_FIRSTBOOT_H

#include "base/err.h"
#include "base/str.h"

/* root: "" for the running system, or a folder that holds one (tests). ERR_REFUSED: the token is not good any
 * more. */
int firstboot_run(const char *root, struct err *e);

/* Pure parts. /etc/hosts with the one 127.0.1.1 line of this machine, the rest as it was. */
void hosts_edit(const char *text, const char *hostname, const char *fqdn, struct str *ret);
/* authorized_keys with those of `keys` added that it lacks. */
void keys_edit(const char *text, char *const keys[], size_t n, struct str *ret);

#endif

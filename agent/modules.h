/* modules: which kernel modules a device wants, from the texts of modules.alias and modules.dep. Pure.
 *
 *     alias pci:v00001AF4d00001000sv*sd*bc*sc*i* virtio_net
 *     kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko
 *
 * A module's name is its file's name without .ko, and '-' and '_' are the same in it. */
#ifndef AGENT_MODULES_H
#define AGENT_MODULES_H

#include <stdbool.h>
#include <stddef.h>

/* Is `modalias` (of a device, or a request as "fs-ext4") matched by the alias line's shell pattern? */
bool modalias_match(const char *pattern, const char *modalias);

typedef void module_fn(void *ctx, const char *name);
/* Each module that an alias line gives for it, in the file's order. */
void modules_for(const char *alias_text, const char *modalias, module_fn *fn, void *ctx);
/* The files to load for a module, what it needs first, itself last. False when modules.dep does not know it:
 * built in, or not there. */
bool modules_order(const char *dep_text, const char *name, module_fn *fn, void *ctx);
bool module_name_eq(const char *a, const char *b, size_t n); /* the first n bytes, '-' as '_' */

#endif

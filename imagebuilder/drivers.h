/* drivers: which files of a kernel's modules the installer needs, from the text of modules.dep. Pure: the
 * caller reads the files.
 *
 * modules.dep has a line for each module: "kernel/drivers/net/e1000.ko: kernel/a.ko kernel/b.ko", with all
 * that it needs, and theirs. */
#ifndef IMAGEBUILDER_DRIVERS_H
#define IMAGEBUILDER_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "base/str.h"

struct driver_set {
    char **path; /* below /lib/modules/VERSION, sorted, each once */
    size_t n;
};

/* The modules named (names as in modinfo: "-" and "_" are the same) and all that they need. Names that this
 * kernel has not as a module (built in, or of another kernel) are passed over: ret_missing (may be NULL)
 * lists them, space-separated. */
void drivers_pick(const char *dep, const char *const names[], struct driver_set *ret,
                  struct str *ret_missing);
bool drivers_has(const struct driver_set *set, const char *path);
void drivers_free(struct driver_set *set);

/* The lines of modules.dep and modules.alias ("alias PATTERN NAME") that are about modules of the set. */
void drivers_dep(const char *dep, const struct driver_set *set, struct str *ret);
void drivers_alias(const char *alias, const struct driver_set *set, struct str *ret);
/* Calls fn for each firmware file that the module's own description names. */
void driver_firmware(struct span module, void (*fn)(const char *name, void *ctx), void *ctx);

#endif

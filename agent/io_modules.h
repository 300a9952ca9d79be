/* io_modules: loads kernel modules for the devices that are there, as udev and modprobe would; neither is in
 * the installer. */
#ifndef AGENT_IO_MODULES_H
#define AGENT_IO_MODULES_H

#include "base/err.h"

struct modules;
/* Reads /lib/modules/RELEASE/modules.{alias,dep} of the running kernel. modules_free takes NULL. */
int modules_new(struct modules **ret, struct err *e);
void modules_free(struct modules *m);

/* By a module's name or an alias ("crypto-crc32c", "fs-ext4"). What cannot be loaded is passed over: hardware
 * may do without. */
void modules_load(struct modules *m, const char *name);
/* For each modalias under /sys/bus. Returns how many modules were new: the bus behind a new driver may show
 * new devices. */
unsigned modules_load_all(struct modules *m);

#endif

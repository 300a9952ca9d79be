/* machine: what this machine is: its MAC, SMBIOS identity, disks and NICs, as sysfs tells. */
#ifndef AGENT_MACHINE_H
#define AGENT_MACHINE_H

#include <stddef.h>

#include "base/addr.h"
#include "base/disk.h"
#include "base/err.h"

#define NICS_MAX 32

struct nic {
    char name[32];
    struct mac mac;
};

struct machine {
    struct mac mac;
    char uuid[UUID_STR]; /* "" when it has none */
    char serial[128], model[128];
    struct disk *disks;
    size_t n_disks;
    struct nic nics[NICS_MAX];
    size_t n_nics;
};

/* Fills all but mac from `sysfs` ("/sys", or a folder made to look like it). A thing that is not there is
 * left empty. machine_free it. */
int machine_find(const char *sysfs, struct machine *ret, struct err *e);
void machine_free(struct machine *m);

#endif

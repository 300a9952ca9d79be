/* io_seed: what the installer leaves in the new root file system, and that file system's growth. Linux, root,
 * ext4. */
#ifndef AGENT_IO_SEED_H
#define AGENT_IO_SEED_H

#include <stdint.h>

#include "agent/io_target.h"

struct seed {
    const char *url, *token, *job, *device;
};

/* The root file system lies in `len` bytes from `from` of the target. Grows it to fill them, writes
 * /var/lib/rackstrap/seed.json (0600) and, where there is an /etc/cloud, cloud-init's NoCloud source. All of
 * it is in the target when this returns. */
int seed_plant(const struct target *t, uint64_t from, uint64_t len, const struct seed *seed, struct err *e);

#endif

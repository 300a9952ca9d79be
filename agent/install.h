/* install: writes the job's release to this machine's disk. The walk is the table of steps in install.c.
 *
 * What holds whatever happens (power cut, kill, lost answers):
 *   - nothing is written before the server has bound the job to us (claim);
 *   - nothing is written that was not verified against the manifest, whose digest the job pins;
 *   - the first MiB is blank from the first write until all else is on the disk, so a half-written disk does
 * not boot;
 *   - a disk whose partition table carries the job's UUID as disk GUID is complete: it is never written again
 * by that job. */
#ifndef AGENT_INSTALL_H
#define AGENT_INSTALL_H

#include <stdbool.h>

#include "agent/cmdline.h"

struct install_options {
    const char *url, *token;
    struct mac mac;
    const char *uuid;        /* the machine's; NULL: what SMBIOS says */
    const char *target;      /* a file or device, which then is the only disk; NULL: the machine's disks */
    const char *sysfs, *dev; /* "/sys", "/dev" */
    const char *release_key; /* Ed25519 public key; the signature is checked when this file is there */
    bool seed;               /* grow the root file system and leave the seed in it (needs root) */
};

enum install_end {
    INSTALL_WRITTEN,  /* the disk is complete */
    INSTALL_FAILED,   /* and the server was told why */
    INSTALL_REPLACED, /* our token is not good any more: another installer has the job, or nobody */
};

enum install_end install_run(const struct install_options *o, struct err *e);

/* Discover mode: tells the server of this machine until it is known there. */
int install_discover(const struct install_options *o, struct err *e);

#endif

/* appliance: the offline work on a disk, in libguestfs's appliance, whose kernel alone ever reads a foreign
 * file system. The only file that knows libguestfs.
 *
 * Without KVM (the default: nested virtualisation may hang) it runs under QEMU's TCG;
 * LIBGUESTFS_BACKEND_SETTINGS in the environment, even empty, replaces that choice. */
#ifndef IMAGEBUILDER_APPLIANCE_H
#define IMAGEBUILDER_APPLIANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct appliance;
/* Starts it on a raw disk. network: programs run in the image reach the outside. What it says goes to log. */
int appliance_start(const char *raw_path, bool network, const char *log, struct appliance **ret,
                    struct err *e);
/* Flushes and stops; ERR_IO when the disk may not be whole. */
int appliance_finish(struct appliance *a, struct err *e);
void appliance_free(struct appliance *a); /* takes NULL; stops it if it runs */

/* For a disk of ours, whose file systems are there and whose partition table is not: partitions 1 BIOS boot,
 * 2 EFI, 3 root (all in bytes), and GRUB for both kinds of firmware. */
struct disk_layout {
    uint64_t bios, efi, root, end;
};
int appliance_partition(struct appliance *a, const struct disk_layout *l, struct err *e);
int appliance_boot_loaders(struct appliance *a, struct err *e);

/* For a disk from elsewhere. Mounts the one system on it; refuses what cannot boot under both kinds of
 * firmware, and says what is missing. */
int appliance_open_system(struct appliance *a, struct err *e);
/* The file was made longer: moves the backup table, grows the last partition and its ext4. Before anything is
 * mounted. */
int appliance_grow(struct appliance *a, struct err *e);
/* Puts the payload (customise.h) into the mounted system and runs it there. */
int appliance_customise(struct appliance *a, const char *payload_dir, struct err *e);
int appliance_update_grub(struct appliance *a, struct err *e);

#endif

/* io_disks: the disks that sysfs knows, and whether somebody uses one. */
#ifndef AGENT_IO_DISKS_H
#define AGENT_IO_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/disk.h"

/* Disks that could be installed on: not read-only, removable, hidden (one path of a multipath NVMe disk),
 * loop, zram, dm, md, optical, or without a size. By name. free() it. */
int disks_find(const char *sysfs, struct disk **ret, size_t *ret_n, struct err *e);

/* One disk by its kernel name, even one that disks_find passes over. */
void disk_facts(const char *sysfs, const char *name, struct disk *ret);

/* ERR_CONFLICT when the disk or a part of it is mounted, swapped on, or held by another device (md, dm, ...).
 */
int disk_idle(const char *sysfs, const char *name, struct err *e);

/* Partitions that the kernel sees on the disk, in bytes. At most max; returns how many. */
struct byte_range {
    uint64_t from, len;
};
size_t disk_parts(const char *sysfs, const char *name, struct byte_range *ret, size_t max);

/* A disk's name below /dev/disk/by-path, as udev's path_id builds it from the sysfs path: virtio, NVMe, ATA,
 * SCSI, USB on PCI. port: what ata_port/ataN/port_no says. host: how many SCSI hosts of the same parent come
 * before this one. nsid: NVMe's. "" if unknown. */
struct path_facts {
    unsigned port, host, nsid;
};
void disk_path_name(const char *syspath, const struct path_facts *f, char *buf, size_t size);

#endif

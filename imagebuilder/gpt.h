/* gpt: the partition table of a disk, read from its first sectors. Only what framing needs: where the
 * partitions are, and what lies outside of them. Little-endian fields, UEFI specification 2.10, section 5.3.
 */
#ifndef IMAGEBUILDER_GPT_H
#define IMAGEBUILDER_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define SECTOR_SIZE        512u
#define GPT_PARTITIONS_MAX 128
#define GPT_HEAD_BYTES     (34 * SECTOR_SIZE) /* protective MBR, header, 128 entries of 128 bytes */

enum partition_kind { PARTITION_OTHER, PARTITION_BIOS_BOOT, PARTITION_EFI, PARTITION_LINUX };

struct partition {
    uint32_t number; /* from 1, as the kernel counts */
    enum partition_kind kind;
    uint64_t start, end; /* bytes; end is the first byte after it */
};

struct gpt {
    uint64_t usable_start, usable_end; /* bytes */
    size_t n;
    struct partition p[GPT_PARTITIONS_MAX]; /* in the table's order */
};

/* head: the disk's first GPT_HEAD_BYTES (or fewer). False when there is no GPT, or none that makes sense:
 * then nothing about the disk may be assumed. */
bool gpt_read(struct span head, uint64_t disk_size, struct gpt *ret);
/* The partition that lies last on the disk, which alone can grow. NULL when there is none. Lent by g. */
const struct partition *gpt_last(const struct gpt *g);
const struct partition *gpt_find(const struct gpt *g, enum partition_kind kind);

#endif

/* gpt: a disk's GUID partition table (UEFI specification 2.10, section 5.3), as bytes in and bytes out.
 *
 * Only what our images have is accepted: 512-byte sectors, the header in sector 1, at most 128 entries of 128
 * bytes from sector 2, both checksums right, partitions inside the usable range that do not overlap. gpt_grow
 * moves the end of the table to the end of a bigger disk and the last partition with it.
 *
 *     sector 0      protective MBR (and BIOS boot code)       last-32 .. last-1   backup entries
 *     sector 1      primary header                            last                backup header
 *     sector 2..33  primary entries
 */
#ifndef AGENT_GPT_H
#define AGENT_GPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"

#define GPT_SECTOR       512u
#define GPT_ENTRIES_SIZE (128u * 128u)
#define GPT_HEAD_SIZE    (34u * GPT_SECTOR) /* MBR, header, entries */
#define GPT_TAIL_SIZE    (33u * GPT_SECTOR) /* entries, header: the end of the disk */

struct gpt {
    struct uuid disk;
    uint64_t sectors; /* of the disk: the backup header is in the last */
    uint64_t first_usable, last_usable;
    uint32_t n; /* entries */
    uint8_t entries[GPT_ENTRIES_SIZE];
};

struct gpt_part {
    uint64_t first, last; /* sectors, both in it */
};

/* head: the disk's first bytes, at least GPT_HEAD_SIZE. ERR_CORRUPT. */
int gpt_parse(struct span head, struct gpt *ret, struct err *e);
int gpt_part(const struct gpt *g, uint32_t number, struct gpt_part *ret, struct err *e); /* counted from 1 */
/* Gives the table `sectors` and the disk GUID `disk`; partition `root` (0: none) then reaches to the end,
 * rounded down to 4 KiB. */
int gpt_grow(struct gpt *g, uint64_t sectors, uint32_t root, struct uuid disk, struct err *e);
/* Puts header and entries into head[GPT_HEAD_SIZE] and corrects the protective MBR's size; the boot code
 * stays. */
void gpt_encode_primary(const struct gpt *g, uint8_t *head);
void gpt_encode_backup(const struct gpt *g, uint8_t tail[GPT_TAIL_SIZE]);
uint32_t gpt_crc32(const uint8_t *p, size_t n);

#endif

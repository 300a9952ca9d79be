/* freemap: which frames of a disk belong to no file and no table.
 *
 * Free ranges of bytes are collected (the gaps between partitions; the free blocks of ext4 file systems, as
 * dumpe2fs lists them), joined, and a frame is free only when one joined range covers it whole. What is not
 * known to be free is not free. */
#ifndef IMAGEBUILDER_FREEMAP_H
#define IMAGEBUILDER_FREEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "imagebuilder/gpt.h"

struct range {
    uint64_t start, end; /* bytes; end is the first byte after it */
};
struct ranges {
    struct range *r;
    size_t n, cap;
};
void ranges_add(struct ranges *rs, uint64_t start, uint64_t end); /* an empty one is dropped */
void ranges_free(struct ranges *rs);

/* The gaps between partitions, inside of what the GPT calls usable. */
void free_gaps(const struct gpt *g, struct ranges *ret);
/* dumpe2fs's text (locale C) of a file system that lies in [start, end) of the disk. False, and nothing
 * added, when it is not clean, or of a kind whose lists we cannot trust. */
bool free_blocks(const char *dumpe2fs, uint64_t start, uint64_t end, struct ranges *ret);
/* One byte for each frame, 1 if free; frames as in base/manifest.h. Sorts rs. free() it. */
uint8_t *free_frames(struct ranges *rs, uint64_t disk_size);

/* All of it for a raw disk file: reads its GPT, and asks dumpe2fs about each partition that holds ext4. */
int freemap_of_file(const char *path, uint64_t disk_size, struct gpt *ret_gpt, bool *ret_has_gpt,
                    uint8_t **ret_map, struct err *e);

#endif

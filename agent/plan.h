/* plan: which parts of a release's pack must be fetched, given what the disk holds. Pure.
 *
 * Three parts of the disk are never written from the image's frames as they come:
 *   - the first MiB: it makes the disk bootable, so it is kept in memory and written last of all;
 *   - the image's own backup partition table, in its last 33 sectors: a firmware could restore the table from
 * it, and boot a half-written disk. The installer writes a backup table of its own;
 *   - what lies behind the image's end.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/manifest.h"

#define HEAD_BYTES  (1u << 20)
#define HEAD_FRAMES (HEAD_BYTES / FRAME_SIZE)

/* Ranges closer to each other than this are fetched as one: less than what a round trip costs. */
#define PLAN_GAP (128u * 1024)

struct plan_range {
    uint64_t from, len; /* bytes of the pack */
    size_t first, last; /* frames; those between that the disk has, or that hold no data, are passed over */
};

struct plan {
    struct plan_range *ranges; /* ascending */
    size_t n;
    uint64_t bytes; /* sum of len */
};

/* have[i]: the disk holds frame i's bytes already. plan_free it. */
void plan_make(const struct manifest *m, const bool *have, struct plan *ret);
void plan_free(struct plan *p);

/* The bytes of frame i that may be written when they come: [*ret_from, *ret_to) of the disk; empty for the
 * head. */
void plan_window(const struct manifest *m, size_t i, uint64_t *ret_from, uint64_t *ret_to);
/* May a comparison with the disk call frame i the same? Not when only a part of it may be written. */
bool plan_comparable(const struct manifest *m, size_t i);
/* The next run of ZERO frames from frame *i on, as the bytes that may be written; moves *i behind it. False
 * when there is none. */
bool plan_next_zero(const struct manifest *m, size_t *i, uint64_t *ret_from, uint64_t *ret_to);
/* Is the image one that this installer can put on a disk of this size? */
int plan_fits(const struct manifest *m, uint64_t disk_size, struct err *e);

#endif

/* pack: a raw disk file becomes a release: manifest, manifest.sig and pack in <state_dir>/images/<digest>,
 * then a row in the store.
 *
 * Each frame of 64 KiB is, in this order: FREE if it belongs to nothing (freemap.h); ZERO if it is a hole or
 * reads as zeros; else DATA, compressed by itself with zstd, by all processors, and written to the pack in
 * the disk's order. The result does not depend on the number of processors. */
#ifndef IMAGEBUILDER_PACK_H
#define IMAGEBUILDER_PACK_H

#include "base/manifest.h"
#include "imagebuilder/imagebuilder.h"

/* Fills m->frames and m->pack_size; writes the pack to pack_fd. m's disk_size, n and frames (zeroed) are
 * given; free_map has one byte for each frame, 1 if FREE. */
int pack_frames(int disk_fd, int pack_fd, const uint8_t *free_map, struct manifest *m,
                const struct build_options *o, struct err *e);

#endif

/* manifest: what a release's disk looks like, frame by frame.
 *
 * A release is a folder named by its digest: `manifest`, `manifest.sig` (Ed25519 over the manifest's bytes)
 * and `pack`. The disk is cut into frames of 64 KiB at fixed offsets; the last may be shorter. Consecutive
 * frames of one type form an extent. DATA frames were compressed one by one (zstd), and the pack is those,
 * one after another, nothing between. A release's digest is the SHA-256 of its manifest. Bytes (integers
 * big-endian):
 *
 *     "rackstrap-manifest-1\n"
 *     u32 n, then n bytes: the header, canonical JSON (sorted keys, no spaces)
 *     u32 extents, then for each:  u8 type ('D' 'Z' 'F')  u32 frames
 *         and for D, for each frame: 32 bytes raw SHA-256, 32 bytes stored SHA-256, u32 stored length
 *
 * A frame's place in the pack is the sum of the stored lengths before it. The same disk, header and
 * compressor give the same manifest.
 */
#ifndef BASE_MANIFEST_H
#define BASE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

#define FRAME_SIZE   (64u * 1024)
#define MANIFEST_MAX (512u << 20)
#define MANIFEST_DISK_MAX                                                                                    \
    (256ull << 30) /* bytes; larger images are refused, so that a manifest can never ask for all memory */

enum frame_type {
    FRAME_DATA = 'D',
    FRAME_ZERO = 'Z', /* must read as zeros */
    FRAME_FREE = 'F', /* belongs to no file and no table: whatever the disk holds there may stay */
};

struct frame {
    enum frame_type type;
    uint32_t stored_len; /* of a DATA frame, in the pack */
    uint64_t pack_at;    /* of a DATA frame */
    struct digest raw, stored;
};

struct manifest {
    /* header */
    char image[64];          /* the image's name */
    char version[64];        /* the release's version, "20261121T101500Z" */
    char architecture[16];   /* "amd64" */
    uint64_t disk_size;      /* bytes; a multiple of 512; the least a target disk must hold */
    uint64_t pack_size;      /* bytes */
    uint32_t root_partition; /* GPT number of the partition to be grown; 0: none */
    uint64_t created;        /* seconds since 1970, UTC */
    /* frames */
    size_t n;
    struct frame *frames; /* n = disk_size / FRAME_SIZE, rounded up */
};

/* Everything is checked: types, counts against disk_size, sums against pack_size, lengths at most what zstd
 * can need. */
int manifest_decode(struct span bytes, struct manifest *ret, struct err *e); /* manifest_free it */
void manifest_encode(const struct manifest *m, struct str *ret);
void manifest_free(struct manifest *m);
bool manifest_text_ok(const char *s); /* may this be an image, version or architecture: letters, digits, . _ +
                                         -, no . first: it names a folder */
uint32_t frame_stored_max(uint32_t raw_len); /* the longest that a frame of this raw length may be stored */
uint32_t frame_raw_len(const struct manifest *m, size_t i); /* FRAME_SIZE but for a short last one */
uint64_t manifest_data_bytes(const struct manifest *m);     /* raw bytes in DATA frames */

#endif

/* cpio: a writer of the "newc" archive that the kernel unpacks as its first root
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * Each entry: 110 bytes of header (magic 070701, then 13 numbers of 8 hex digits), the name and its NUL,
 * padding to 4, the content, padding to 4. The same calls give the same bytes: inode numbers count up, times
 * are 0, everything is root's. */
#ifndef IMAGEBUILDER_CPIO_H
#define IMAGEBUILDER_CPIO_H

#include <stdint.h>

#include "base/span.h"
#include "base/str.h"

struct cpio {
    struct str bytes;
    uint32_t inode;
};

void cpio_dir(struct cpio *c, const char *path, uint32_t mode);
/* The folders above it are made as they are needed. path: without a leading slash. */
void cpio_file(struct cpio *c, const char *path, uint32_t mode, struct span content);
void cpio_char_device(struct cpio *c, const char *path, uint32_t mode, uint32_t major, uint32_t minor);
void cpio_end(struct cpio *c); /* the trailer; nothing may follow */
void cpio_free(struct cpio *c);

#endif

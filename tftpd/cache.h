/* cache: each file that is being read is mapped once, for all its readers.
 *
 * A file is known by device, inode, size and time of change, so that a file replaced by renaming is a new
 * one, while readers of the old one go on reading the old. The bytes must only be handed to the kernel (a
 * send fails with EFAULT where our own reading would be killed by SIGBUS if someone cuts the file short).
 * netascii is not mapped but translated, once, to memory.
 */
#ifndef TFTPD_CACHE_H
#define TFTPD_CACHE_H

#include "base/err.h"
#include "base/span.h"
#include "tftpd/packet.h"

#define NETASCII_MAX (16u << 20) /* longer text is refused: its translation costs memory */

struct cache;
struct cached {
    struct span bytes;
    /* the cache's own */
    struct cached *next;
    uint64_t dev, ino, size;
    int64_t changed_ns;
    enum tftp_mode mode;
    unsigned readers;
};

struct cache *cache_new(void);
void cache_free(struct cache *c); /* takes NULL; no reader may be left */

/* fd stays the caller's, and may be closed afterwards. Each success needs one cache_put. */
int cache_get(struct cache *c, int fd, enum tftp_mode mode, struct cached **ret, struct err *e);
void cache_put(struct cache *c, struct cached *f);

/* Public for its test: LF -> CR LF, CR -> CR NUL (RFC 764's NVT). Returns the length; out NULL only counts.
 */
size_t netascii_from(struct span in, uint8_t *out);

#endif

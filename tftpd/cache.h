/* cache: each file that is being read is mapped once, for all its readers.
 *
 * A file is known by device, inode, size and times of change, so that a file replaced by renaming is a new
 * one, while readers of the old one go on reading the old. A file that is written to in its place becomes a
 * new one as well, and those who read the old one must be told (cache_changed): nobody gets a mixture. One
 * that was written to in the last SETTLED_MS is not given out yet, since the clock of files is too coarse to
 * tell such a version from the next.
 *
 * The bytes must only be handed to the kernel (a send fails with EFAULT where our own reading would be killed
 * by SIGBUS if someone cuts the file short). netascii is not mapped but translated, once, to memory.
 */
#ifndef TFTPD_CACHE_H
#define TFTPD_CACHE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"
#include "tftpd/packet.h"

#define NETASCII_MAX     (16u << 20) /* longer text is refused: its translation costs memory */
#define NETASCII_MAX_ALL (64u << 20) /* of all translations at once */
#define SETTLED_MS       10

struct cache;
struct cached {
    struct span bytes;
    /* the cache's own */
    struct cached *next;
    int fd; /* -1: translated, and so nothing can change it */
    uint64_t dev, ino, size;
    int64_t changed_ns, written_ns;
    enum tftp_mode mode;
    unsigned readers;
};

struct cache *cache_new(void);
void cache_free(struct cache *c); /* takes NULL; no reader may be left */

/* fd stays the caller's, and may be closed afterwards. Each success needs one cache_put. ERR_UNAVAILABLE: it
 * is being written. */
int cache_get(struct cache *c, int fd, enum tftp_mode mode, struct cached **ret, struct err *e);
void cache_put(struct cache *c, struct cached *f);

/* Was it written to, or cut short, since cache_get? */
bool cache_changed(const struct cached *f);
/* Copies bytes that are to be sent last, and then asks cache_changed: with what was sent before they are one
 * version. Returns 0; -1 when they are not. */
int cache_read_last(const struct cached *f, uint64_t at, void *buf, size_t n);

/* Public for its test: LF -> CR LF, CR -> CR NUL (RFC 764's NVT). Returns the length; out NULL only counts.
 */
size_t netascii_from(struct span in, uint8_t *out);

#endif

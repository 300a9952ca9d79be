/* image: named images and their releases. The bytes lie in
 * <state_dir>/images/<digest>/{manifest,manifest.sig,pack}. */
#ifndef INVENTORY_IMAGE_H
#define INVENTORY_IMAGE_H

#include "base/digest.h"
#include "inventory/device.h"

struct release {
    int64_t id;
    char image[NAME_SIZE];
    char version[NAME_SIZE];
    char digest[DIGEST_HEX];                  /* SHA-256 of the manifest */
    uint64_t disk_size, data_size, pack_size; /* bytes */
    int64_t created_ms;
};

/* Creates the image if it is new. The files must be in place. The newest release is the one that an
 * assignment of the bare name means. */
int release_put(struct store *s, const struct release *r, const char *actor, struct err *e);
/* "debian-12", "debian-12@VERSION", or a digest (or at least 12 hex digits of one). ERR_NOT_FOUND names the
 * images there are. */
int release_find(struct store *s, const char *ref, struct release *ret, struct err *e);
int release_by_digest(struct store *s, const char *digest, struct release *ret, struct err *e);
typedef int release_fn(const struct release *r, void *ctx);
int release_each(struct store *s, const char *image, release_fn *fn, void *ctx,
                 struct err *e); /* image NULL: all; newest first */
/* An image that `import` named before any release of it was built is no error there: assigning it is. */

#endif

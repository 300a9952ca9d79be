/* image: a device's custom field `image`, which is the image that it is to carry. Writing it is what `assign`
 * is, with all of its rules: the right, protected devices, wipe_limit over all devices of a request.
 *
 * A client that saves a device sends the field back as it read it: the image that a device has already is no
 * change, and arms nothing. Writing the same image anew is asked for under /api/plugins/rackstrap/.
 *
 * Its custom fields `disk` and `protected` say what an assignment would wipe, and need the same right; they
 * are written already, and it is the transaction's end that keeps them.
 *
 * Life cycle: a zeroed struct for each request; image_write for each object that was written, in the
 * request's transaction; image_within before its commit.
 */
#ifndef API_IMAGE_H
#define API_IMAGE_H

#include "api/call.h"

struct images {
    uint64_t armed; /* devices that this request is to wipe */
};

/* Is that all that the object says? Then the right to assign is enough. */
bool image_alone(const json_t *object);

/* ERR_INPUT: no such image. ERR_CONFLICT: the device is protected, or being written. ERR_REFUSED: the right
 * is lacking. */
int image_write(struct call *c, struct images *all, const struct written *x, struct err *e);
/* ERR_INPUT: more than wipe_limit without ?count=N, or another number than N. */
int image_within(struct call *c, const struct images *all, struct err *e);

#endif

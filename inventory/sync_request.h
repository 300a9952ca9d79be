/* sync_request: objects of a NetBox that are to be read again at once, because it said that they changed. The
 * api server, which hears that, writes them down; courier, which may ask NetBox, reads them and strikes them
 * out. What was said of an object is not kept: it is read from NetBox.
 */
#ifndef INVENTORY_SYNC_REQUEST_H
#define INVENTORY_SYNC_REQUEST_H

#include "inventory/store.h"

#define SYNC_TYPE_SIZE    64
#define SYNC_REQUESTS_MAX 10000

struct sync_request {
    char object_type[SYNC_TYPE_SIZE]; /* "dcim.device" */
    int64_t object_id;                /* NetBox's */
    char event[16];                   /* "created", "updated" or "deleted": the newest */
    int64_t at_ms;                    /* when that was heard */
};

/* One of an object that waits already and this become one. ERR_UNAVAILABLE when SYNC_REQUESTS_MAX wait: the
 * next poll finds what changed. */
int sync_request_put(struct store *s, const struct sync_request *r, struct err *e);

#endif

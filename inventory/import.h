/* import: the inventory from YAML (keep.h has the keys), whole or not at all. Every error is
 * FILE:LINE:COLUMN; duplicates name both places. */
#ifndef INVENTORY_IMPORT_H
#define INVENTORY_IMPORT_H

#include "inventory/job.h"

struct import_result {
    size_t devices_new, devices_changed, devices_same, armed;
    size_t objects_new, objects_changed; /* of what else the file lists */
    size_t waiting;   /* devices whose image no release has been built of: assigned, and armed by an import
                         after the build */
    size_t cancelled; /* of those: their armed job for another image was cancelled */
    size_t noted;     /* protected devices, or all with no_arm, that had no image: it is written down, and
                         nothing armed, now or by a later import */
    char missing[NAME_SIZE]; /* one such image */
};
/* A device's `image:` that differs from its assignment arms a job, as `assign` would, but not for another
 * name of the release that its newest job wrote or is to write; all of it in one transaction. More than
 * wipe_limit armed: ERR_REFUSED unless count equals the number. */
struct import_options {
    const char *actor;
    uint32_t job_expiry_s;
    size_t wipe_limit, count;
    bool dry_run;
    bool no_arm; /* the machines carry their images already: an inventory that is put back */
    /* What an address is used for, if no machine may have it ("the router of ..."); NULL: nothing. May be
     * NULL. */
    const char *(*address_use)(void *ctx, struct ip4 ip);
    /* NULL, or called for each address of the file, which is right in itself. */
    void (*address_seen)(void *ctx, const char *device, struct ip4_if address);
    void *address_ctx;
    /* NULL, or called for each site, rack, tenant, tag and so on that comes into being by being named by
     * a device only: it may be a slip. */
    void (*made)(const char *what, const char *slug, const char *device, void *ctx);
    void *made_ctx;
};
int import_file(struct store *s, const char *path, const struct import_options *o, int64_t at_ms,
                struct import_result *ret, struct err *e);
/* The same for a text; name stands for FILE in errors. */
int import_text(struct store *s, const char *name, const char *text, size_t n, const struct import_options *o,
                int64_t at_ms, struct import_result *ret, struct err *e);

#endif

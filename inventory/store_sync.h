/* store_sync: what the store's files about a sync share. */
#ifndef INVENTORY_STORE_SYNC_H
#define INVENTORY_STORE_SYNC_H

#include "inventory/store_sql.h"
#include "inventory/sync.h"

struct sync {
    struct store *s;
    char *state_dir;
    int lock;
    int64_t began_ms;
    bool staging;      /* a transaction of the stage is open */
    bool full;         /* of sync_check and what follows */
    bool judges_all;   /* whether each image that is wanted is known, not of the changed devices only */
    char releases[48]; /* which they are: how many, and the newest */
};

extern const char sync_ddl[];

/* The MAC addresses of a device of ours, and those that NetBox gives to the device of its name. */
#define OURS_MACS                                                                                            \
    "SELECT a.mac FROM mac_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE i.device_id = m.id"
#define THEIR_MACS                                                                                           \
    "SELECT x.mac FROM stage.macs x JOIN stage.interfaces f ON f.id = x.interface WHERE f.device = v.id"
/* NetBox's number v is another machine now than m, whose it was. */
#define OTHER_MACHINE                                                                                        \
    "m.name <> v.name AND EXISTS (" THEIR_MACS ") AND EXISTS (" OURS_MACS ") AND NOT EXISTS (" OURS_MACS     \
    " INTERSECT " THEIR_MACS ")"

/* Statements one after the other, of which those with `?1` are bound to `a`, and those with `?2` to `b` too.
 */
int sync_run(struct store *s, const char *const *sql, size_t n, int64_t a, int64_t b, struct err *e);

/* What cannot be brought in is marked on the stage, and becomes a fault. Reads the store, and writes the
 * stage alone. */
int sync_sort(struct sync *y, struct err *e);

/* Each in the caller's transaction. */
int sync_catalogue_apply(struct sync *y, const struct sync_options *o, int64_t at_ms, int64_t *ret_written,
                         struct err *e);
int sync_catalogue_clean(struct sync *y, int64_t at_ms, struct err *e);
int sync_free_addresses_apply(struct sync *y, int64_t at_ms, struct err *e);
/* Begin their own. */
int sync_devices_apply(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
                       struct err *e);
int sync_devices_remove(struct sync *y, int64_t at_ms, struct sync_result *ret, struct err *e);
int sync_arm(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
             struct err *e);

#endif

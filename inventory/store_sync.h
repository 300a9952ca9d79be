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

/* Ends what staging began: before anything of the store is written. */
int sync_staged(struct sync *y, struct err *e);

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

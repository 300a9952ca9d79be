/* store_tell: what a NetBox was told, and what it is owed. */
#include "inventory/tell.h"

#include <stdlib.h>

#include "inventory/store_sql.h"

#define POSITION "told/entry"

int tell_position(struct store *s, int64_t *ret, struct err *e)
{
    *ret = -1;
    return db_number(s, "SELECT CAST(value AS INTEGER) FROM sync_state WHERE key = '" POSITION "'", NULL, 0,
                     ret, e) < 0
               ? -1
               : 0;
}

int tell_position_put(struct store *s, int64_t id, struct err *e)
{
    return db_run(s,
                  "INSERT INTO sync_state (key, value) VALUES ('" POSITION "', CAST(?1 AS TEXT))"
                  " ON CONFLICT (key) DO UPDATE SET value = CAST(?1 AS TEXT)",
                  DB_VALUES(db_i(id)), e);
}

int tell_newest(struct store *s, int64_t *ret, struct err *e)
{
    *ret = 0;
    return db_number(s, "SELECT id FROM journal_head", NULL, 0, ret, e) < 0 ? -1 : 0;
}

int tell_owed_add(struct store *s, int64_t device_id, unsigned wanted, struct err *e)
{
    return db_run(s,
                  "INSERT INTO netbox_owed (device_id, wanted) VALUES (?1, ?2)"
                  " ON CONFLICT (device_id) DO UPDATE SET wanted = wanted | ?2",
                  DB_VALUES(db_i(device_id), db_i(wanted)), e);
}

int tell_owed_clear(struct store *s, int64_t device_id, struct err *e)
{
    return db_run(s, "DELETE FROM netbox_owed WHERE device_id = ?", DB_VALUES(db_i(device_id)), e);
}

int tell_owed_each(struct store *s, tell_owed_fn *fn, void *ctx, struct err *e)
{
    struct db_ids ids = {0};
    int r = db_ids(s, "SELECT device_id FROM netbox_owed ORDER BY device_id", NULL, 0, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        int64_t wanted = 0;
        r = db_number(s, "SELECT wanted FROM netbox_owed WHERE device_id = ?", DB_VALUES(db_i(ids.id[i])),
                      &wanted, e);
        r = r < 0 ? -1 : r == 0 ? 0 : fn(ids.id[i], (unsigned)wanted, ctx);
    }
    free(ids.id);
    return r;
}

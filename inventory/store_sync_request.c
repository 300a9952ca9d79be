/* store_sync_request: what is to be read again at once (sync_request.h). */
#include "inventory/sync_request.h"

#include "inventory/store_sql.h"

static int put(struct store *s, const struct sync_request *r, struct err *e)
{
    int64_t waiting = 0, known = 0;
    if (db_number(s, "SELECT count(*) FROM sync_requests", NULL, 0, &waiting, e) < 0 ||
        db_number(s, "SELECT 1 FROM sync_requests WHERE object_type = ? AND object_id = ?",
                  DB_VALUES(db_t(r->object_type), db_i(r->object_id)), &known, e) < 0) {
        return -1;
    }
    if (!known && waiting >= SYNC_REQUESTS_MAX) {
        return err_set(e, ERR_UNAVAILABLE, "%d objects wait to be read from NetBox; the next poll finds more",
                       SYNC_REQUESTS_MAX);
    }
    return db_run(s,
                  "INSERT INTO sync_requests (object_type, object_id, event, at_ms) VALUES (?, ?, ?, ?)"
                  " ON CONFLICT DO UPDATE SET event = excluded.event, at_ms = excluded.at_ms",
                  DB_VALUES(db_t(r->object_type), db_i(r->object_id), db_t(r->event), db_i(r->at_ms)), e);
}

int sync_request_put(struct store *s, const struct sync_request *r, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, put(s, r, e), e);
}

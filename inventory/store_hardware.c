/* store_hardware: what the installer found in a device. */
#include "inventory/hardware.h"

#include <string.h>

#include "inventory/store_sql.h"

static int put_locked(struct store *s, int64_t device_id, const char *json, int64_t at_ms, struct err *e)
{
    int64_t same = 0;
    if (db_number(s, "SELECT 1 FROM hardware WHERE device_id = ? AND facts = ?",
                  DB_VALUES(db_i(device_id), db_t(json)), &same, e) < 0) {
        return -1;
    }
    return same ? 0
                : db_run(s,
                         "INSERT INTO hardware (device_id, facts, at_ms) VALUES (?1, ?2, ?3)"
                         " ON CONFLICT (device_id) DO UPDATE SET facts = ?2, at_ms = ?3",
                         DB_VALUES(db_i(device_id), db_t(json), db_i(at_ms)), e);
}

int hardware_put(struct store *s, int64_t device_id, const char *json, int64_t at_ms, struct err *e)
{
    if (strlen(json) >= HARDWARE_MAX) {
        return err_set(e, ERR_INPUT, "what was found in the machine is longer than %d bytes",
                       HARDWARE_MAX - 1);
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, put_locked(s, device_id, json, at_ms, e), e);
}

int hardware_get(struct store *s, int64_t device_id, struct str *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, "SELECT facts FROM hardware WHERE device_id = ?", DB_VALUES(db_i(device_id)), &q, e) <
        0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        struct span facts = db_bytes(q, 0);
        str_addn(ret, facts.p, facts.n);
        db_done(q);
    }
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "no installer has run on the device yet") : r < 0 ? -1 : 0;
}

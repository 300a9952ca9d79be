/* store_silence: what was not answered, and why. */
#include "inventory/silence.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/store_sql.h"

/* Anyone on the wire can make up addresses. */
#define SILENCES_MAX 10000

#define COLUMNS "mac, reason, sentence, first_ms, last_ms, times"

static int add_locked(struct store *s, const struct silence *x, int64_t *ret_before_ms, struct err *e)
{
    int64_t mac = (int64_t)mac_to_u64(x->mac);
    *ret_before_ms = 0;
    int known = db_number(s, "SELECT last_ms FROM silences WHERE mac = ? AND reason = ?",
                          DB_VALUES(db_i(mac), db_t(x->reason)), ret_before_ms, e);
    if (known < 0) {
        return -1;
    }
    if (known) {
        return db_run(s,
                      "UPDATE silences SET sentence = ?, last_ms = ?, times = times + ? WHERE mac = ? AND "
                      "reason = ?",
                      DB_VALUES(db_t(x->sentence), db_i(x->last_ms), db_i((int64_t)x->times), db_i(mac),
                                db_t(x->reason)),
                      e);
    }
    if (db_run(s, "INSERT INTO silences (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)",
               DB_VALUES(db_i(mac), db_t(x->reason), db_t(x->sentence), db_i(x->first_ms), db_i(x->last_ms),
                         db_i((int64_t)x->times)),
               e) < 0) {
        return -1;
    }
    return db_run(s,
                  "DELETE FROM silences WHERE rowid IN (SELECT rowid FROM silences ORDER BY last_ms DESC, "
                  "rowid DESC LIMIT -1 OFFSET ?)",
                  DB_VALUES(db_i(SILENCES_MAX)), e);
}

int silence_add(struct store *s, const struct silence *x, int64_t *ret_before_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, add_locked(s, x, ret_before_ms, e), e);
}

static void read_row(sqlite3_stmt *q, struct silence *x)
{
    memset(x, 0, sizeof *x);
    x->mac = mac_from_u64((uint64_t)db_int(q, 0));
    db_text(q, 1, x->reason, sizeof x->reason);
    db_text(q, 2, x->sentence, sizeof x->sentence);
    x->first_ms = db_int(q, 3);
    x->last_ms = db_int(q, 4);
    x->times = (uint64_t)db_int(q, 5);
}

int silence_last(struct store *s, struct mac m, struct silence *ret, struct err *e)
{
    sqlite3_stmt *q;
    char text[MAC_STR];
    if (db_query(s, "SELECT " COLUMNS " FROM silences WHERE mac = ? ORDER BY last_ms DESC LIMIT 1",
                 DB_VALUES(db_i((int64_t)mac_to_u64(m))), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        read_row(q, ret);
        db_done(q);
        return 0;
    }
    return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "each packet of %s was answered", mac_format(m, text));
}

int silence_each(struct store *s, silence_fn *fn, void *ctx, struct err *e)
{
    sqlite3_stmt *q;
    struct silence *all = NULL;
    size_t n = 0, cap = 0;
    int r;
    if (db_query(s, "SELECT " COLUMNS " FROM silences ORDER BY last_ms DESC, mac, reason", NULL, 0, &q, e) <
        0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        if (n == cap) {
            all = xrealloc(all, cap = cap ? cap * 2 : 64, sizeof *all);
        }
        read_row(q, &all[n++]);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = fn(&all[i], ctx);
    }
    free(all);
    return r;
}

int silence_pool(struct store *s, struct prefix pool, int64_t full_ms, struct err *e)
{
    return full_ms
               ? db_run(
                     s,
                     "INSERT INTO full_pools (net, length, full_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                     DB_VALUES(db_i(pool.net.a), db_i(pool.len), db_i(full_ms)), e)
               : db_run(s, "DELETE FROM full_pools WHERE net = ? AND length = ?",
                        DB_VALUES(db_i(pool.net.a), db_i(pool.len)), e);
}

int silence_pools_forget(struct store *s, struct err *e)
{
    int64_t n = 0;
    if (db_number(s, "SELECT count(*) FROM full_pools", NULL, 0, &n, e) < 0) {
        return -1;
    }
    return n ? db_run(s, "DELETE FROM full_pools", NULL, 0, e) : 0;
}

#define POOLS_MAX 256

int silence_pool_each(struct store *s, silence_pool_fn *fn, void *ctx, struct err *e)
{
    struct {
        struct prefix pool;
        int64_t full_ms;
    } all[POOLS_MAX];
    size_t n = 0;
    sqlite3_stmt *q;
    int r;
    if (db_query(s, "SELECT net, length, full_ms FROM full_pools ORDER BY net LIMIT ?",
                 DB_VALUES(db_i(POOLS_MAX)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        all[n].pool = (struct prefix){.net = {(uint32_t)db_int(q, 0)}, .len = (uint8_t)db_int(q, 1)};
        all[n++].full_ms = db_int(q, 2);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = fn(all[i].pool, all[i].full_ms, ctx);
    }
    return r;
}

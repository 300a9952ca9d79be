/* store_stranger: MAC addresses that were seen and that no device has. */
#include "inventory/device.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/store_sql.h"

/* Anyone on the wire can make up addresses: the longest unseen go. */
#define STRANGERS_MAX 10000

/* Reports of facts: of one MAC one in FACTS_MS; of one address four in it, and of all together thirty-two. */
#define FACTS_MS      INT64_C(2000)
#define FACTS_OF_PEER 4
#define FACTS_OF_ALL  32

static int seen_locked(struct store *s, struct mac m, struct ip4 address, const char *arch, int64_t at_ms,
                       struct err *e)
{
    static const char update[] = "UPDATE strangers SET last_ms = ?1, times = times + 1, address = CASE ?2 "
                                 "WHEN 0 THEN address ELSE ?2 END,"
                                 " arch = CASE ?3 WHEN '' THEN arch ELSE ?3 END WHERE mac = ?4";
    static const char insert[] =
        "INSERT INTO strangers (mac, address, first_ms, last_ms, times, arch, facts)"
        " SELECT ?4, ?2, ?1, ?1, 1, ?3, '' WHERE NOT EXISTS (SELECT 1 FROM mac_addresses WHERE mac = ?4)";
    static const char trim[] = "DELETE FROM strangers WHERE mac IN (SELECT mac FROM strangers ORDER BY "
                               "last_ms DESC, mac LIMIT -1 OFFSET ?)";
    char cut[sizeof((struct stranger *)0)->arch];
    str_copy(cut, sizeof cut, arch ? arch : "");
    int64_t mac = (int64_t)mac_to_u64(m);
    if (db_run(s, update, DB_VALUES(db_i(at_ms), db_i(address.a), db_t(cut), db_i(mac)), e) < 0) {
        return -1;
    }
    if (db_changes(s) > 0) {
        return 0;
    }
    if (db_run(s, insert, DB_VALUES(db_i(at_ms), db_i(address.a), db_t(cut), db_i(mac)), e) < 0) {
        return -1;
    }
    return db_changes(s) == 0 ? 0 : db_run(s, trim, DB_VALUES(db_i(STRANGERS_MAX)), e);
}

int stranger_seen(struct store *s, struct mac m, struct ip4 address, const char *arch, int64_t at_ms,
                  struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, seen_locked(s, m, address, arch, at_ms, e), e);
}

static int facts_pace(struct store *s, struct mac m, struct ip4 peer, int64_t at_ms, struct err *e)
{
    static const char sql[] =
        "SELECT count(*), coalesce(sum(facts_peer = ?1), 0), coalesce(sum(mac = ?2), 0) FROM strangers WHERE "
        "facts_ms > 0 AND facts_ms > ?3 AND facts_ms <= ?4";
    sqlite3_stmt *q;
    if (db_query(s, sql,
                 DB_VALUES(db_i(peer.a), db_i((int64_t)mac_to_u64(m)), db_i(at_ms - FACTS_MS), db_i(at_ms)),
                 &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    bool wait = r == 1 && (db_int(q, 0) >= FACTS_OF_ALL || db_int(q, 1) >= FACTS_OF_PEER || db_int(q, 2) > 0);
    if (r == 1) {
        db_done(q);
    }
    return r < 0  ? -1
           : wait ? err_set(e, ERR_UNAVAILABLE, "too many unknown machines report at once; try again")
                  : 0;
}

static int facts_locked(struct store *s, struct mac m, struct ip4 peer, const char *facts, int64_t at_ms,
                        struct err *e)
{
    static const char sql[] = "UPDATE strangers SET facts = ?, facts_ms = ?, facts_peer = ? WHERE mac = ?";
    if (facts_pace(s, m, peer, at_ms, e) < 0 || seen_locked(s, m, (struct ip4){0}, "", at_ms, e) < 0) {
        return -1;
    }
    return db_run(s, sql, DB_VALUES(db_t(facts), db_i(at_ms), db_i(peer.a), db_i((int64_t)mac_to_u64(m))), e);
}

int stranger_facts(struct store *s, struct mac m, struct ip4 peer, const char *facts_json, int64_t at_ms,
                   struct err *e)
{
    if (strlen(facts_json) >= sizeof((struct stranger *)0)->facts) {
        return err_set(e, ERR_INPUT, "a stranger's facts are longer than %zu bytes",
                       sizeof((struct stranger *)0)->facts - 1);
    }
    if (facts_pace(s, m, peer, at_ms, e) < 0 || store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, facts_locked(s, m, peer, facts_json, at_ms, e), e);
}

int stranger_get(struct store *s, struct mac m, struct stranger *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, "SELECT address, first_ms, last_ms, times, arch, facts FROM strangers WHERE mac = ?",
                 DB_VALUES(db_i((int64_t)mac_to_u64(m))), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        memset(ret, 0, sizeof *ret);
        ret->mac = m;
        ret->address.a = (uint32_t)db_int(q, 0);
        ret->first_ms = db_int(q, 1);
        ret->last_ms = db_int(q, 2);
        ret->times = (uint64_t)db_int(q, 3);
        db_text(q, 4, ret->arch, sizeof ret->arch);
        db_text(q, 5, ret->facts, sizeof ret->facts);
        db_done(q);
        return 0;
    }
    char text[MAC_STR];
    return r < 0 ? -1
                 : err_set(e, ERR_NOT_FOUND, "the MAC address %s was never seen as a stranger's",
                           mac_format(m, text));
}

int stranger_each(struct store *s, stranger_fn *fn, void *ctx, struct err *e)
{
    struct db_ids macs = {0};
    struct stranger *x = xcalloc(1, sizeof *x);
    struct err gone = {0};
    int r = db_ids(s, "SELECT mac FROM strangers ORDER BY mac", NULL, 0, &macs, e);
    for (size_t i = 0; i < macs.n && r == 0; i++) {
        r = stranger_get(s, mac_from_u64((uint64_t)macs.id[i]), x, &gone);
        if (r == 0) {
            r = fn(x, ctx);
        } else if (gone.kind == ERR_NOT_FOUND) {
            r = 0; /* it became a device meanwhile */
        } else if (e) {
            *e = gone;
        }
    }
    free(x);
    free(macs.id);
    return r;
}

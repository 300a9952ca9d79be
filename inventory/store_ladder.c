/* store_ladder: the ladders of MAC addresses. */
#include <stdio.h>
#include <string.h>

#include "inventory/journal.h"
#include "inventory/ladder.h"
#include "inventory/store_sql.h"

int ladder_get(struct store *s, struct mac m, struct ladder *ret, struct err *e)
{
    sqlite3_stmt *q;
    memset(ret, 0, sizeof *ret);
    if (db_query(s,
                 "SELECT client, offered, before, moved_ms, fetched, fetched_ms, heard_ms, settled, failed"
                 " FROM ladders WHERE mac = ?",
                 DB_VALUES(db_i((int64_t)mac_to_u64(m))), &q, e))
        return -1;
    int r = db_step(s, q, e);
    if (r != 1)
        return r;
    db_text(q, 0, ret->client, sizeof ret->client);
    db_text(q, 1, ret->offered, sizeof ret->offered);
    db_text(q, 2, ret->before, sizeof ret->before);
    ret->moved_ms = db_int(q, 3);
    db_text(q, 4, ret->fetched, sizeof ret->fetched);
    ret->fetched_ms = db_int(q, 5);
    ret->heard_ms = db_int(q, 6);
    db_text(q, 7, ret->settled, sizeof ret->settled);
    db_text(q, 8, ret->failed, sizeof ret->failed);
    db_done(q);
    return 0;
}

static int put(struct store *s, struct mac m, const struct ladder *l, struct err *e)
{
    return db_run(
        s,
        "INSERT OR REPLACE INTO ladders (mac, client, offered, before, moved_ms, fetched, fetched_ms,"
        " heard_ms, settled, failed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_VALUES(db_i((int64_t)mac_to_u64(m)), db_t(l->client), db_t(l->offered), db_t(l->before),
                  db_i(l->moved_ms), db_t(l->fetched), db_i(l->fetched_ms), db_i(l->heard_ms),
                  db_t(l->settled), db_t(l->failed)),
        e);
}

/* A machine that climbs up and down on and on, or one that plays it, fills no disk. */
#define SAID_MS INT64_C(60000)

static int say(struct store *s, int64_t device_id, struct mac m, const char *event, const char *detail,
               int64_t at_ms, struct err *e)
{
    return journal_add_once(s, device_id, &m, "dhcpd", event, detail, at_ms - SAID_MS, at_ms, e);
}

static int say_gave_way(struct store *s, int64_t device_id, struct mac m, const char *loader,
                        const char *next, int64_t at_ms, struct err *e)
{
    char detail[400];
    snprintf(detail, sizeof detail, "%s was fetched, and no iPXE was heard after it: it gives way. %s",
             loader, next);
    return say(s, device_id, m, "loader-gave-way", detail, at_ms, e);
}

static int choice_locked(struct store *s, int64_t device_id, struct mac m, const char *client,
                         const struct ladder_choice *c, int64_t at_ms, struct err *e)
{
    struct ladder l;
    if (ladder_get(s, m, &l, e))
        return -1;
    bool gave_way = l.fetched[0]; /* two packets of one batch may both have decided it: it is noted once */
    if (!ladder_chosen(&l, client, c))
        return 0;
    gave_way = gave_way && !l.fetched[0];
    if (put(s, m, &l, e))
        return -1;
    return gave_way ? say_gave_way(s, device_id, m, c->gives_way, c->reason, at_ms, e) : 0;
}

int ladder_note_choice(struct store *s, int64_t device_id, struct mac m, const char *client,
                       const struct ladder_choice *c, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e))
        return -1;
    return db_end(s, choice_locked(s, device_id, m, client, c, at_ms, e), e);
}

static int fetched_locked(struct store *s, int64_t device_id, struct mac m, const char *loader, int64_t at_ms,
                          struct err *e)
{
    struct ladder l;
    if (ladder_get(s, m, &l, e))
        return -1;
    size_t failed = strlen(l.failed);
    if (!ladder_fetched(&l, loader, at_ms))
        return 0;
    if (put(s, m, &l, e))
        return -1;
    return strlen(l.failed) == failed
               ? 0
               : say_gave_way(s, device_id, m, loader, "The firmware went on", at_ms, e);
}

int ladder_note_fetched(struct store *s, int64_t device_id, struct mac m, const char *loader, int64_t at_ms,
                        struct err *e)
{
    struct ladder l; /* most often there is nothing to write, and then no writer is held up */
    if (ladder_get(s, m, &l, e))
        return -1;
    if (!ladder_fetched(&l, loader, at_ms))
        return 0;
    if (store_begin(s, e))
        return -1;
    return db_end(s, fetched_locked(s, device_id, m, loader, at_ms, e), e);
}

static int heard_locked(struct store *s, int64_t device_id, struct mac m, int64_t at_ms, struct err *e)
{
    struct ladder l;
    char detail[512], before[LOADER_SIZE];
    if (ladder_get(s, m, &l, e))
        return -1;
    memcpy(before, l.settled, sizeof before);
    if (!ladder_heard(&l, at_ms))
        return 0;
    if (put(s, m, &l, e))
        return -1;
    if (!l.failed[0] || strcmp(before, l.settled) == 0)
        return 0;
    snprintf(
        detail, sizeof detail,
        "%s brings iPXE up, where %s did not: it is this NIC's loader from now on, until `rackstrap device "
        "reset-loader` forgets it",
        l.settled, l.failed);
    return say(s, device_id, m, "loader-settled", detail, at_ms, e);
}

int ladder_note_heard(struct store *s, int64_t device_id, struct mac m, int64_t at_ms, struct err *e)
{
    struct ladder l;
    if (ladder_get(s, m, &l, e))
        return -1;
    if (!ladder_heard(&l, at_ms))
        return 0;
    if (store_begin(s, e))
        return -1;
    return db_end(s, heard_locked(s, device_id, m, at_ms, e), e);
}

static int reset_locked(struct store *s, int64_t device_id, struct mac m, const char *actor, int64_t at_ms,
                        struct err *e)
{
    if (db_run(s, "DELETE FROM ladders WHERE mac = ?", DB_VALUES(db_i((int64_t)mac_to_u64(m))), e))
        return -1;
    if (!db_changes(s))
        return 0;
    return journal_add(s, device_id, &m, actor, "loader-reset",
                       "the next boot begins with the first loader of its kind", at_ms, e);
}

int ladder_reset(struct store *s, int64_t device_id, struct mac m, const char *actor, int64_t at_ms,
                 struct err *e)
{
    if (store_begin(s, e))
        return -1;
    return db_end(s, reset_locked(s, device_id, m, actor, at_ms, e), e);
}

/* store_sync_apply: a sync's steps in their order, the arming of devices by their images, and what is left as
 * faults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/job.h"
#include "inventory/journal.h"
#include "inventory/store_sync.h"

/* ---- images. netbox_wish is what NetBox wants now, netbox_image what was acted upon last. */

/* Without the word SQLite may walk all devices by their names. */
#define PENDING                                                                                              \
    " FROM devices d INDEXED BY devices_wish WHERE d.netbox_wish IS NOT d.netbox_image AND d.removed_ms = "  \
    "0 "

typedef char image_text[ASSIGNED_SIZE];

/* What there is to judge: all that is wanted, where everything was read or the releases are others now; else
 * what has changed. */
static int wishes_read(struct sync *y, image_text **ret, size_t *ret_n, struct err *e)
{
    static const char all[] =
        "SELECT DISTINCT netbox_wish FROM devices WHERE netbox_wish IS NOT NULL AND removed_ms = 0";
    static const char changed[] =
        "SELECT d.netbox_wish" PENDING "AND d.netbox_wish IS NOT NULL UNION SELECT d.netbox_wish FROM "
        "stage.devices v CROSS JOIN devices d ON d.netbox_id = v.id WHERE d.netbox_wish "
        "IS NOT NULL AND d.removed_ms = 0";
    sqlite3_stmt *q;
    size_t n = 0;
    int r;
    if (db_query(y->s, y->judges_all ? all : changed, NULL, 0, &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(y->s, q, e)) == 1) {
        *ret = xrealloc(*ret, n + 1, sizeof **ret);
        db_text(q, 0, (*ret)[n++], sizeof **ret);
    }
    *ret_n = n;
    return r;
}

/* Is there a release of that name? */
static int judge(struct sync *y, const char *image, struct err *e)
{
    struct release r;
    struct err why = {0};
    bool known = release_find(y->s, image, &r, &why) == 0;
    if (!known && why.kind != ERR_NOT_FOUND && why.kind != ERR_INPUT && why.kind != ERR_CONFLICT) {
        return err_set(e, why.kind, "%s", why.text);
    }
    return db_run(y->s, "INSERT OR REPLACE INTO stage.judged (image, why) VALUES (?, ?)",
                  DB_VALUES(db_t(image), known ? (struct db_value){.type = DB_NULL} : db_t(why.text)), e);
}

/* Whose image is not there is told, and keeps what it has. */
static int unknown_images(struct sync *y, struct err *e)
{
#define UNKNOWN                                                                                              \
    "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, device, sentence) SELECT 'unknown-image', " \
    "'dcim.device', d.netbox_id, d.name, g.why FROM "
#define JUDGED "JOIN stage.judged g ON g.image = d.netbox_wish WHERE g.why IS NOT NULL AND d.removed_ms = 0"
    static const char all[] = UNKNOWN "devices d " JUDGED;
    static const char changed[] =
        UNKNOWN "stage.devices v CROSS JOIN devices d ON d.netbox_id = v.id " JUDGED;
#undef JUDGED
#undef UNKNOWN
    return db_run(y->s, y->judges_all ? all : changed, NULL, 0, e);
}

/* Writes the stage alone. */
static int wishes_judge(struct sync *y, struct err *e)
{
    image_text *list = NULL;
    size_t n = 0;
    if (db_begin_read(y->s, e) < 0) {
        return -1;
    }
    int r = wishes_read(y, &list, &n, e);
    for (size_t i = 0; i < n && r == 0; i++) {
        r = judge(y, list[i], e);
    }
    free(list);
    return db_end(y->s, r == 0 ? unknown_images(y, e) : r, e);
}

/* What was recorded as carried (store_sync_device.c) is the assignment of a device that has none, when the
 * image is there. */
#define RECORDED(from)                                                                                       \
    "SELECT d.id FROM " from                                                                                 \
    " WHERE d.assigned = '' AND d.netbox_image = d.netbox_wish AND d.removed_ms = 0 "                        \
    "AND d.netbox_wish IN (SELECT image FROM stage.judged WHERE why IS NULL) AND instr(?1, ',' || d.status " \
    "|| ',') = 0"
#define CHANGED       "stage.todo t CROSS JOIN devices d ON d.id = t.local"
#define ASSIGN(which) "UPDATE devices SET assigned = netbox_wish, noted = 1 WHERE id IN (" which ")"
static int recorded_assign(struct sync *y, const char *arm_status, struct err *e)
{
    static const char *const look[] = {RECORDED(CHANGED) " LIMIT 1", RECORDED("devices d") " LIMIT 1"},
                             *const write[] = {ASSIGN(RECORDED(CHANGED)), ASSIGN(RECORDED("devices d"))};
    int64_t one;
    int r = db_number(y->s, look[y->judges_all], DB_VALUES(db_t(arm_status)), &one, e);
    if (r <= 0 || store_begin(y->s, e) < 0) {
        return r == 0 ? 0 : -1; /* an unchanged NetBox costs no lock */
    }
    return db_end(y->s, db_run(y->s, write[y->judges_all], DB_VALUES(db_t(arm_status)), e), e);
}
#undef ASSIGN
#undef CHANGED
#undef RECORDED

/* An image that was not known may be there now: then each wish is looked at again. */
static int releases_look(struct sync *y, struct err *e)
{
    char now[48] = "", was[48];
    sqlite3_stmt *q;
    if (db_query(y->s, "SELECT count(*) || '/' || ifnull(max(id), 0) FROM releases", NULL, 0, &q, e) < 0) {
        return -1;
    }
    int r = db_step(y->s, q, e);
    if (r == 1) {
        db_text(q, 0, now, sizeof now);
        db_done(q);
    }
    if (r < 0 || sync_state_get(y->s, "releases", was, sizeof was, e) < 0) {
        return -1;
    }
    memcpy(y->releases, now, sizeof now);
    y->judges_all = y->full || strcmp(now, was) != 0;
    return 0;
}

/* NetBox wants nothing any more: a job that no machine has claimed is taken back. */
static int withdraw(struct sync *y, int64_t id, int64_t at_ms, struct sync_result *ret, struct err *e)
{
    struct job j;
    struct err why = {0};
    if (job_current(y->s, id, &j, &why) == 0 && j.state == JOB_ARMED) {
        if (job_cancel(y->s, id, ACTOR_NETBOX, at_ms, e) < 0) {
            return -1;
        }
        ret->cancelled++;
    }
    return db_run(y->s, "UPDATE devices SET netbox_image = NULL WHERE id = ?", DB_VALUES(db_i(id)), e);
}

/* A protected device: who takes the protection away, weeks later, does not ask for what NetBox wanted then.
 */
static int not_armed_for_good(struct sync *y, int64_t id, const char *why, int64_t at_ms, struct err *e)
{
    char text[512];
    snprintf(text, sizeof text, "NetBox wants another image, and nothing was armed, now or later: %s", why);
    return db_run(y->s, "UPDATE devices SET netbox_image = netbox_wish WHERE id = ?", DB_VALUES(db_i(id)),
                  e) < 0
               ? -1
               : journal_add(y->s, id, NULL, ACTOR_NETBOX, "not-armed", text, at_ms, e);
}

static int arm_one(struct sync *y, int64_t id, const char *image, const struct sync_options *o, int64_t at_ms,
                   struct sync_result *ret, struct err *e)
{
    struct assign how = {.release_ref = image, .actor = ACTOR_NETBOX, .expiry_s = o->expiry_s};
    struct err why = {0};
    struct job j;
    int same = job_same_release(y->s, id, image, ACTOR_NETBOX, at_ms, e);
    if (same < 0) {
        return -1;
    }
    if (same || job_assign(y->s, id, &how, at_ms, &j, &why) == 0) {
        ret->armed += !same;
        return db_run(y->s, "UPDATE devices SET netbox_image = netbox_wish WHERE id = ?", DB_VALUES(db_i(id)),
                      e);
    }
    if (why.kind == ERR_REFUSED) {
        return not_armed_for_good(y, id, why.text, at_ms, e);
    }
    if (why.kind != ERR_CONFLICT && why.kind != ERR_NOT_FOUND) {
        return err_set(e, why.kind, "%s", why.text);
    }
    return db_run(
        y->s,
        "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, device, sentence) SELECT 'not-armed', "
        "'dcim.device', netbox_id, name, ? FROM devices WHERE id = ?",
        DB_VALUES(db_t(why.text), db_i(id)), e);
}

/* ---- what is not armed unasked (sync.h: known_s) */

#define HOLD "hold"

/* Before any device is written, so that no crash forgets it. */
static int hold_look(struct sync *y, const struct sync_options *o, struct err *e)
{
    static const char sql[] =
        "SELECT 1 FROM stage.devices v LEFT JOIN devices m ON m.netbox_id = v.id AND m.removed_ms = 0 "
        "WHERE NOT v.bad AND v.image IS NOT NULL AND instr(?1, ',' || v.status || ',') > 0 "
        "AND (m.netbox_wish, m.status) IS NOT (v.image, v.status) "
        "AND CAST(strftime('%s', v.updated) AS INTEGER) < ?2 LIMIT 1";
    int64_t one = 0;
    if (!o->hold && db_number(y->s, sql, DB_VALUES(db_t(o->arm_status), db_i(o->known_s)), &one, e) < 0) {
        return -1;
    }
    return o->hold || one ? sync_state_put(y->s, HOLD, "1", e) : 0;
}

static int hold_get(struct sync *y, bool *ret, struct err *e)
{
    char text[2];
    int r = sync_state_get(y->s, HOLD, text, sizeof text, e);
    *ret = *text != '\0';
    return r;
}

struct candidate {
    int64_t id;
    char *image; /* NULL: it is to be withdrawn */
};

static int candidates_read(struct sync *y, const struct sync_options *o, struct candidate **ret,
                           size_t *ret_n, size_t *ret_arm, struct err *e)
{
    static const char sql[] =
        "SELECT d.id, d.netbox_wish" PENDING
        "AND (d.netbox_wish IS NULL OR (instr(?, ',' || d.status || ',') > 0 AND EXISTS (SELECT 1 FROM "
        "stage.judged g WHERE g.image = d.netbox_wish AND g.why IS NULL))) ORDER BY d.name";
    char image[ASSIGNED_SIZE];
    sqlite3_stmt *q;
    int r;
    if (db_query(y->s, sql, DB_VALUES(db_t(o->arm_status)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(y->s, q, e)) == 1) {
        db_text(q, 1, image, sizeof image);
        *ret = xrealloc(*ret, *ret_n + 1, sizeof **ret);
        (*ret)[(*ret_n)++] = (struct candidate){db_int(q, 0), *image ? xstrdup(image) : NULL};
        *ret_arm += *image != '\0';
    }
    return r;
}

static int one_candidate(struct sync *y, const struct candidate *c, const struct sync_options *o,
                         int64_t at_ms, struct sync_result *ret, struct err *e)
{
    if (store_begin(y->s, e) < 0) {
        return -1;
    }
    return db_end(
        y->s, c->image ? arm_one(y, c->id, c->image, o, at_ms, ret, e) : withdraw(y, c->id, at_ms, ret, e),
        e);
}

static int candidates_act(struct sync *y, const struct sync_options *o, int64_t at_ms,
                          struct sync_result *ret, struct err *e)
{
    struct candidate *c = NULL;
    size_t c_n = 0, arm = 0;
    int r = candidates_read(y, o, &c, &c_n, &arm, e);
    bool held = true;
    r = r == 0 ? hold_get(y, &held, e) : r;
    bool may = arm == 0 || (o->count ? o->count == arm : !held && arm <= o->wipe_limit);
    ret->waiting = may ? 0 : (int64_t)arm;
    ret->held = held && !may;
    for (size_t i = 0; i < c_n && r == 0; i++) {
        if (!c[i].image || may) {
            r = one_candidate(y, &c[i], o, at_ms, ret, e);
        }
    }
    for (size_t i = 0; i < c_n; i++) {
        free(c[i].image);
    }
    free(c);
    return r == 0 && held && may ? sync_state_put(y->s, HOLD, "", e) : r;
}

/* What NetBox armed, and whose status says no longer that it may be written: taken back. */
static int take_back(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
                     struct err *e)
{
    static const char sql[] =
        "SELECT d.id FROM jobs j JOIN devices d ON d.id = j.device_id WHERE j.state = 'armed' AND "
        "j.actor = '" ACTOR_NETBOX "' AND d.netbox_id IS NOT NULL AND d.removed_ms = 0 AND "
        "instr(?, ',' || d.status || ',') = 0";
    struct db_ids ids = {0};
    int r = db_ids(y->s, sql, DB_VALUES(db_t(o->arm_status)), &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = job_cancel(y->s, ids.id[i], ACTOR_NETBOX, at_ms, e);
        ret->cancelled++;
    }
    free(ids.id);
    return r;
}

int sync_arm(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
             struct err *e)
{
    int64_t one;
    bool held;
    if (take_back(y, o, at_ms, ret, e) < 0) {
        return -1;
    }
    if (releases_look(y, e) < 0 || hold_get(y, &held, e) < 0 || wishes_judge(y, e) < 0 ||
        recorded_assign(y, o->arm_status, e) < 0) {
        return -1;
    }
    int r = db_number(y->s, "SELECT 1" PENDING "LIMIT 1", NULL, 0, &one, e);
    return r == 1 || (r == 0 && held) ? candidates_act(y, o, at_ms, ret, e) : r;
}

/* ---- faults */

/* clang-format off */
#define OF_DEVICE "(SELECT d.name FROM stage.interfaces f JOIN stage.devices d ON d.id = f.device WHERE f.id = "
#define IS_STAGED "SELECT 1 FROM stage.faults f WHERE f.kind = sync_faults.kind AND f.object_type = sync_faults.object_type AND f.id = sync_faults.netbox_id"
static const char *const faults_sql[] = {
    "UPDATE stage.faults SET device = (SELECT name FROM stage.devices d WHERE d.id = stage.faults.id) WHERE device IS NULL AND object_type = 'dcim.device'",
    "UPDATE stage.faults SET device = " OF_DEVICE "stage.faults.id) WHERE device IS NULL AND object_type = 'dcim.interface'",
    "UPDATE stage.faults SET device = " OF_DEVICE "(SELECT x.interface FROM stage.macs x WHERE x.id = stage.faults.id)) WHERE device IS NULL "
    "AND object_type = 'dcim.macaddress'",
    /* Of devices that the filter leaves out. */
    "DELETE FROM stage.faults WHERE device IS NULL AND object_type IN ('dcim.interface', 'dcim.macaddress')",
    /* What was looked at and is right now. */
    "DELETE FROM sync_faults WHERE NOT EXISTS (" IS_STAGED ") AND (?1 OR kind = 'not-armed'"
    " OR (kind = 'unknown-image' AND (netbox_id IN (SELECT id FROM stage.devices) OR netbox_id IN (SELECT id FROM stage.gone)))"
    " OR (kind <> 'unknown-image' AND (EXISTS (SELECT 1 FROM stage.touched t WHERE t.type = sync_faults.object_type AND t.id = sync_faults.netbox_id)"
    " OR (object_type = 'dcim.device' AND netbox_id IN (SELECT id FROM stage.devices))"
    " OR (object_type = 'dcim.interface' AND netbox_id IN (SELECT id FROM stage.interfaces))"
    " OR (object_type = 'dcim.macaddress' AND netbox_id IN (SELECT id FROM stage.macs))"
    " OR (object_type = 'ipam.ipaddress' AND netbox_id IN (SELECT id FROM stage.ips)))))",
    "INSERT INTO sync_faults (kind, sentence, object_type, netbox_id, device, since_ms) SELECT f.kind, f.sentence, f.object_type, f.id, "
    "ifnull(f.device, ''), ?2 FROM stage.faults f WHERE NOT EXISTS (SELECT 1 FROM sync_faults o WHERE o.kind = f.kind AND o.object_type = "
    "f.object_type AND o.netbox_id = f.id)",
    "UPDATE sync_faults SET (sentence, device) = (SELECT f.sentence, ifnull(f.device, '') FROM stage.faults f WHERE f.kind = sync_faults.kind "
    "AND f.object_type = sync_faults.object_type AND f.id = sync_faults.netbox_id) WHERE EXISTS (" IS_STAGED " AND (f.sentence, "
    "ifnull(f.device, '')) IS NOT (sync_faults.sentence, sync_faults.device))",
};
static const char all_judged[] = "DELETE FROM sync_faults WHERE kind = 'unknown-image' AND NOT EXISTS (" IS_STAGED ")";
/* clang-format on */

static int end_locked(struct sync *y, int64_t at_ms, struct err *e)
{
    for (size_t i = 0; i < sizeof faults_sql / sizeof *faults_sql; i++) {
        if (sync_run(y->s, &faults_sql[i], 1, y->full, at_ms, e) < 0) {
            return -1;
        }
    }
    if (y->judges_all && db_run(y->s, all_judged, NULL, 0, e) < 0) {
        return -1;
    }
    return sync_state_put(y->s, "releases", y->releases, e) < 0 ? -1 : sync_answered(y, e);
}

static int counts_read(struct sync *y, struct sync_result *ret, struct err *e)
{
    return db_number(y->s, "SELECT count(*) FROM devices WHERE netbox_id IS NOT NULL AND removed_ms = 0",
                     NULL, 0, &ret->devices, e) < 0 ||
                   db_number(y->s, "SELECT count(*) FROM sync_faults", NULL, 0, &ret->faults, e) < 0
               ? -1
               : 0;
}

/* ---- the steps */

static int catalogue(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
                     struct err *e)
{
    return store_begin(y->s, e) < 0 ? -1
                                    : db_end(y->s, sync_catalogue_apply(y, o, at_ms, &ret->catalogue, e), e);
}

static int clean(struct sync *y, int64_t at_ms, struct err *e)
{
    if (store_begin(y->s, e) < 0) {
        return -1;
    }
    return db_end(
        y->s, sync_free_addresses_apply(y, at_ms, e) < 0 || sync_catalogue_clean(y, at_ms, e) < 0 ? -1 : 0,
        e);
}

static int end(struct sync *y, int64_t at_ms, struct err *e)
{
    return store_begin(y->s, e) < 0 ? -1 : db_end(y->s, end_locked(y, at_ms, e), e);
}

int sync_apply(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
               struct err *e)
{
    memset(ret, 0, sizeof *ret);
    return catalogue(y, o, at_ms, ret, e) < 0 || sync_devices_remove(y, at_ms, ret, e) < 0 ||
                   sync_sort(y, e) < 0 || hold_look(y, o, e) < 0 ||
                   sync_devices_apply(y, o, at_ms, ret, e) < 0 || clean(y, at_ms, e) < 0 ||
                   sync_arm(y, o, at_ms, ret, e) < 0 || end(y, at_ms, e) < 0
               ? -1
               : counts_read(y, ret, e);
}

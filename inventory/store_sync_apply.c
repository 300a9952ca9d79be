/* store_sync_apply: a sync's steps in their order, the arming of devices by their images, and what is left as
 * faults. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/job.h"
#include "inventory/journal.h"
#include "inventory/store_sync.h"

/* ---- images. netbox_wish is what NetBox wants now, netbox_image what was acted upon last. */

#define PENDING " FROM devices d WHERE d.netbox_wish IS NOT d.netbox_image AND d.removed_ms = 0 "

struct wish {
    char image[ASSIGNED_SIZE];
    bool known;
};

static int wishes_read(struct sync *y, struct wish **ret, size_t *ret_n, struct err *e)
{
    sqlite3_stmt *q;
    size_t n = 0;
    int r;
    if (db_query(y->s, "SELECT DISTINCT d.netbox_wish" PENDING "AND d.netbox_wish IS NOT NULL", NULL, 0, &q,
                 e) < 0) {
        return -1;
    }
    while ((r = db_step(y->s, q, e)) == 1) {
        *ret = xrealloc(*ret, n + 1, sizeof **ret);
        db_text(q, 0, (*ret)[n].image, sizeof(*ret)[n].image);
        (*ret)[n++].known = false;
    }
    *ret_n = n;
    return r;
}

/* An image that is not there: the devices that were read are told, and all keep what they have. */
static int unknown_image(struct sync *y, const char *image, const char *why, struct err *e)
{
    static const char sql[] = "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, device, sentence) "
                              "SELECT 'unknown-image', "
                              "'dcim.device', d.netbox_id, d.name, ?1" PENDING
                              "AND d.netbox_wish = ?2 AND (?3 OR d.netbox_id IN (SELECT id FROM "
                              "stage.devices))";
    return db_run(y->s, sql, DB_VALUES(db_t(why), db_t(image), db_i(y->full)), e);
}

/* Seen for the first time in a status in which nothing is armed: the machine has its image, as people say. */
static int take_as_installed(struct sync *y, const char *image, const char *arm_status, struct err *e)
{
    static const char sql[] = "UPDATE devices SET assigned = CASE assigned WHEN '' THEN ?1 ELSE assigned "
                              "END, noted = noted OR assigned = '', netbox_image = netbox_wish WHERE "
                              "netbox_wish = ?1 AND netbox_image IS NULL AND netbox_wish IS NOT netbox_image "
                              "AND removed_ms = 0 AND instr(?2, ',' "
                              "|| status || ',') = 0";
    return db_run(y->s, sql, DB_VALUES(db_t(image), db_t(arm_status)), e);
}

static int wishes_judge(struct sync *y, struct wish *w, size_t n, const struct sync_options *o, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct release r;
        struct err why = {0};
        w[i].known = release_find(y->s, w[i].image, &r, &why) == 0;
        if (!w[i].known && why.kind != ERR_NOT_FOUND && why.kind != ERR_INPUT) {
            return err_set(e, why.kind, "%s", why.text);
        }
        if (w[i].known ? take_as_installed(y, w[i].image, o->arm_status, e) < 0
                       : unknown_image(y, w[i].image, why.text, e) < 0) {
            return -1;
        }
    }
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
    if (why.kind != ERR_REFUSED && why.kind != ERR_CONFLICT && why.kind != ERR_NOT_FOUND) {
        return err_set(e, why.kind, "%s", why.text);
    }
    return db_run(
        y->s,
        "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, device, sentence) SELECT 'not-armed', "
        "'dcim.device', netbox_id, name, ? FROM devices WHERE id = ?",
        DB_VALUES(db_t(why.text), db_i(id)), e);
}

static const char *wish_of(const struct wish *w, size_t n, const char *image)
{
    for (size_t i = 0; i < n; i++) {
        if (w[i].known && strcmp(w[i].image, image) == 0) {
            return w[i].image;
        }
    }
    return NULL;
}

struct candidate {
    int64_t id;
    const char *image; /* NULL: it is to be withdrawn */
};

static int candidates_read(struct sync *y, const struct wish *w, size_t n, const struct sync_options *o,
                           struct candidate **ret, size_t *ret_n, size_t *ret_arm, struct err *e)
{
    static const char sql[] =
        "SELECT d.id, d.netbox_wish" PENDING
        "AND (d.netbox_wish IS NULL OR instr(?, ',' || d.status || ',') > 0) ORDER BY d.name";
    char image[ASSIGNED_SIZE];
    sqlite3_stmt *q;
    int r;
    *ret_n = *ret_arm = 0;
    if (db_query(y->s, sql, DB_VALUES(db_t(o->arm_status)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(y->s, q, e)) == 1) {
        db_text(q, 1, image, sizeof image);
        const char *known = wish_of(w, n, image);
        if (*image && !known) {
            continue;
        }
        *ret = xrealloc(*ret, *ret_n + 1, sizeof **ret);
        (*ret)[(*ret_n)++] = (struct candidate){db_int(q, 0), known};
        *ret_arm += known != NULL;
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

static int candidates_act(struct sync *y, const struct wish *w, size_t n, const struct sync_options *o,
                          int64_t at_ms, struct sync_result *ret, struct err *e)
{
    struct candidate *c = NULL;
    size_t c_n, arm;
    int r = candidates_read(y, w, n, o, &c, &c_n, &arm, e);
    bool may = arm == 0 || (o->count ? o->count == arm : arm <= o->wipe_limit);
    ret->waiting = may ? 0 : (int64_t)arm;
    for (size_t i = 0; i < c_n && r == 0; i++) {
        if (!c[i].image || may) {
            r = one_candidate(y, &c[i], o, at_ms, ret, e);
        }
    }
    free(c);
    return r;
}

int sync_arm(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
             struct err *e)
{
    struct wish *w = NULL;
    size_t n = 0;
    int64_t one;
    int r = db_number(y->s, "SELECT 1" PENDING "LIMIT 1", NULL, 0, &one, e);
    if (r <= 0) {
        return r; /* an unchanged NetBox costs no lock */
    }
    r = wishes_read(y, &w, &n, e);
    if (r == 0 && n > 0 && (r = store_begin(y->s, e)) == 0) {
        r = db_end(y->s, wishes_judge(y, w, n, o, e), e);
    }
    if (r == 0) {
        r = candidates_act(y, w, n, o, at_ms, ret, e);
    }
    free(w);
    return r;
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
    " OR (kind = 'unknown-image' AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.netbox_id = sync_faults.netbox_id AND d.netbox_wish IS NOT d.netbox_image))"
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
/* clang-format on */

static int end_locked(struct sync *y, int64_t at_ms, struct err *e)
{
    for (size_t i = 0; i < sizeof faults_sql / sizeof *faults_sql; i++) {
        if (sync_run(y->s, &faults_sql[i], 1, y->full, at_ms, e) < 0) {
            return -1;
        }
    }
    return sync_answered(y, e);
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
                   sync_sort(y, e) < 0 || sync_devices_apply(y, o, at_ms, ret, e) < 0 ||
                   clean(y, at_ms, e) < 0 || sync_arm(y, o, at_ms, ret, e) < 0 || end(y, at_ms, e) < 0
               ? -1
               : counts_read(y, ret, e);
}

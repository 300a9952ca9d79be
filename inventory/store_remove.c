/* store_remove: a device leaves the inventory. */
#include "inventory/journal.h"
#include "inventory/store_job.h"

static int check(struct store *s, const struct device *d, bool *ret_armed, struct err *e)
{
    struct err why = {0};
    struct job j;
    *ret_armed = false;
    if (d->protected) {
        return err_set(e, ERR_REFUSED, "%s is protected; `rackstrap device unprotect %s` allows it", d->name,
                       d->name);
    }
    if (job_current(s, d->id, &j, &why) < 0) {
        return why.kind == ERR_NOT_FOUND ? 0 : err_set(e, why.kind, "%s", why.text);
    }
    if (j.state == JOB_CLAIMED) {
        return err_set(e, ERR_CONFLICT,
                       "%s is being written with %s now; wait until it is done, or take the job back with "
                       "`rackstrap cancel %s`",
                       d->name, j.image, d->name);
    }
    *ret_armed = j.state == JOB_ARMED;
    return 0;
}

/* The row stays for what refers to it; what no two devices may have alike is given free: its name, for one
 * that no device can be called, its asset tag, its number in a NetBox. Nothing bears its tags any more, and
 * what was noted on it goes. */
static int forget(struct store *s, int64_t id, int64_t at_ms, struct err *e)
{
    static const char sql[] =
        "UPDATE devices SET name = 'removed/' || id, asset_tag = NULL, netbox_id = NULL, "
        "primary_ip4_id = NULL, primary_ip6_id = NULL, oob_ip_id = NULL, removed_ms = ? WHERE id "
        "= ?";
    if (db_run(s, "DELETE FROM tagged WHERE model = 'dcim.device' AND object_id = ?", DB_VALUES(db_i(id)),
               e) < 0 ||
        db_run(s, "DELETE FROM journal_entries WHERE object_type = 'dcim.device' AND object_id = ?",
               DB_VALUES(db_i(id)), e) < 0) {
        return -1;
    }
    return db_run(s, sql, DB_VALUES(db_i(at_ms), db_i(id)), e);
}

/* With the MAC address: nothing else knows from now on whose it was. */
static int say_removed(struct store *s, const struct device *d, const char *actor, int64_t at_ms,
                       struct err *e)
{
    const struct interface *f = device_primary(d);
    struct change c = {.left_out = 0};
    struct device none = {.id = 0};
    device_changes(d, &none, &c);
    return journal_add_change(s, d->id, f ? &f->mac : NULL, actor, "removed",
                              "the device was taken out of the inventory", &c, at_ms, e);
}

static int remove_locked(struct store *s, int64_t id, const char *actor, int64_t at_ms, struct err *e)
{
    struct device d;
    bool armed;
    if (device_get(s, id, &d, e) < 0 || check(s, &d, &armed, e) < 0 ||
        (armed && job_cancel(s, id, actor, at_ms, e) < 0) ||
        jobs_retire(s, id, "the device was removed", e) < 0 || say_removed(s, &d, actor, at_ms, e) < 0) {
        return -1;
    }
    return device_unplug(s, id, e) < 0 ? -1 : forget(s, id, at_ms, e);
}

int device_remove(struct store *s, int64_t id, const char *actor, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, remove_locked(s, id, actor, at_ms, e), e);
}

int device_removed_by_ref(struct store *s, const char *ref, struct removed_device *ret, struct err *e)
{
#define REMOVED                                                                                              \
    "SELECT d.id, j.device, d.removed_ms FROM journal j JOIN devices d ON d.id = j.device_id "               \
    "WHERE d.removed_ms != 0 AND "
    static const char by_name[] = REMOVED "j.device = ? COLLATE NOCASE ORDER BY d.removed_ms DESC LIMIT 1";
    static const char by_mac[] = REMOVED "j.mac = ? ORDER BY d.removed_ms DESC, j.id DESC LIMIT 1";
#undef REMOVED
    char text[MAC_STR];
    struct mac m;
    sqlite3_stmt *q;
    bool is_mac = mac_parse(ref, &m, NULL) == 0;
    if (db_query(s, is_mac ? by_mac : by_name, DB_VALUES(db_t(is_mac ? mac_format(m, text) : ref)), &q, e) <
        0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        ret->id = db_int(q, 0);
        db_text(q, 1, ret->name, sizeof ret->name);
        ret->removed_ms = db_int(q, 2);
        db_done(q);
        return 0;
    }
    return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "no removed device has left a trace of \"%.64s\"", ref);
}

/* store_roster: the roster's side of the store. */
#include "inventory/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/roster_index.h"
#include "inventory/store_sql.h"

struct roster {
    struct store *store;
    struct roster_index *index;
    int64_t seq; /* the last change that the index knows */
    unsigned walks;
};

/* When so many have changed, one walk over all is cheaper than one question for each. */
#define WALK_FROM 2000

/* One row an interface, and one for a device that has none; a device's rows follow one another. */
#define ENTRY                                                                                                \
    "SELECT d.id, d.name, s.slug, k.slug, t.slug, o.slug, p.slug, d.assigned, d.reason, d.protected, "       \
    "d.state, j.id, j.state, j.reason, j.machine, g.name, i.name, i.is_primary, m.mac, "                     \
    "a.address, a.length, d.options_id, o.options_id, s.options_id FROM devices d"                           \
    " LEFT JOIN sites s ON s.id = d.site_id LEFT JOIN racks k ON k.id = d.rack_id"                           \
    " LEFT JOIN tenants t ON t.id = d.tenant_id LEFT JOIN roles o ON o.id = d.role_id"                       \
    " LEFT JOIN platforms p ON p.id = d.platform_id"                                                         \
    " LEFT JOIN jobs j ON j.id = (SELECT max(id) FROM jobs WHERE device_id = d.id)"                          \
    " LEFT JOIN releases r ON r.id = j.release_id LEFT JOIN images g ON g.id = r.image_id"                   \
    " LEFT JOIN interfaces i ON i.device_id = d.id AND i.mgmt_only = 0"                                      \
    " LEFT JOIN mac_addresses m ON m.interface_id = i.id AND m.is_primary = 1"                               \
    " LEFT JOIN ip_addresses a ON a.interface_id = i.id AND a.is_primary = 1 "

/* The device whose rows are being read. */
struct reading {
    struct device device;
    struct job job;
    bool any, has_job;
};

static void put_reading(struct roster *r, struct reading *x)
{
    if (x->any) {
        roster_index_put(r->index, &x->device, x->has_job ? &x->job : NULL);
    }
    x->any = false;
}

static int job_row(sqlite3_stmt *q, struct job *j, struct err *e)
{
    char state[NAME_SIZE];
    memset(j, 0, sizeof *j);
    j->id = db_int(q, 11);
    db_text(q, 12, state, sizeof state);
    db_text(q, 13, j->reason, sizeof j->reason);
    db_text(q, 14, j->machine, sizeof j->machine);
    db_text(q, 15, j->image, sizeof j->image);
    return job_state_parse(state, &j->state, e);
}

static int device_row(sqlite3_stmt *q, struct reading *x, struct err *e)
{
    struct device *d = &x->device;
    char state[NAME_SIZE];
    memset(d, 0, sizeof *d);
    d->id = db_int(q, 0);
    db_text(q, 1, d->name, sizeof d->name);
    db_text(q, 2, d->site, sizeof d->site);
    db_text(q, 3, d->rack, sizeof d->rack);
    db_text(q, 4, d->tenant, sizeof d->tenant);
    db_text(q, 5, d->role, sizeof d->role);
    db_text(q, 6, d->platform, sizeof d->platform);
    db_text(q, 7, d->assigned, sizeof d->assigned);
    db_text(q, 8, d->reason, sizeof d->reason);
    d->protected = db_int(q, 9) != 0;
    db_text(q, 10, state, sizeof state);
    d->options = db_int(q, 21);
    d->role_options = db_int(q, 22);
    d->site_options = db_int(q, 23);
    x->any = true;
    x->has_job = sqlite3_column_type(q, 11) != SQLITE_NULL;
    if (x->has_job && job_row(q, &x->job, e) < 0) {
        return -1;
    }
    return state_parse(state, &d->state, e);
}

static void interface_row(sqlite3_stmt *q, struct device *d)
{
    if (sqlite3_column_type(q, 18) == SQLITE_NULL || d->interfaces_n == MAX_INTERFACES) {
        return;
    }
    struct interface *f = &d->interfaces[d->interfaces_n++];
    db_text(q, 16, f->name, sizeof f->name);
    f->primary = db_int(q, 17) != 0;
    f->mac = mac_from_u64((uint64_t)db_int(q, 18));
    f->has_address = sqlite3_column_type(q, 19) != SQLITE_NULL;
    f->address.ip.a = (uint32_t)db_int(q, 19);
    f->address.len = (uint8_t)db_int(q, 20);
}

/* Puts each device that the statement gives. */
static int read_rows(struct roster *r, sqlite3_stmt *q, struct err *e)
{
    struct reading *x = xcalloc(1, sizeof *x);
    int step = 0, bad = 0;
    while (!bad && (step = db_step(r->store, q, e)) == 1) {
        if (!x->any || x->device.id != db_int(q, 0)) {
            put_reading(r, x);
            bad = device_row(q, x, e);
        }
        interface_row(q, &x->device);
    }
    if (bad) {
        db_done(q);
    } else if (step == 0) {
        put_reading(r, x);
    }
    free(x);
    return bad || step < 0 ? -1 : 0;
}

static int read_one(struct roster *r, int64_t id, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(r->store, ENTRY "WHERE d.id = ? AND d.removed_ms = 0 ORDER BY i.position, i.id",
                 DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    roster_index_drop(r->index, id);
    return read_rows(r, q, e);
}

static int read_all(struct roster *r, struct err *e)
{
    sqlite3_stmt *q;
    struct roster_index *old = r->index;
    if (db_query(r->store, ENTRY "WHERE d.removed_ms = 0 ORDER BY d.id, i.position, i.id", NULL, 0, &q, e) <
        0) {
        return -1;
    }
    r->index = roster_index_new();
    r->walks++;
    if (read_rows(r, q, e) == 0) {
        roster_index_free(old);
        return 0;
    }
    roster_index_free(r->index);
    r->index = old;
    return -1;
}

static int last_seq(struct roster *r, int64_t *ret, struct err *e)
{
    *ret = 0;
    return db_number(r->store, "SELECT ifnull(max(seq), 0) FROM device_changes", NULL, 0, ret, e) < 0 ? -1
                                                                                                      : 0;
}

static int read_changed(struct roster *r, struct err *e)
{
    struct db_ids changed = {0};
    int bad = db_ids(r->store, "SELECT device_id FROM device_changes WHERE seq > ? LIMIT ?",
                     DB_VALUES(db_i(r->seq), db_i(WALK_FROM)), &changed, e);
    if (bad == 0 && changed.n == WALK_FROM) {
        bad = read_all(r, e);
    } else {
        for (size_t i = 0; i < changed.n && bad == 0; i++) {
            bad = read_one(r, changed.id[i], e);
        }
    }
    free(changed.id);
    return bad;
}

/* All reads see one moment of the store. A device that was read is of that moment or newer than seq says:
 * if a later one fails, both are read again. */
static int catch_up(struct roster *r, bool all, struct err *e)
{
    int64_t seq;
    if (db_begin_read(r->store, e) < 0) {
        return -1;
    }
    int bad = last_seq(r, &seq, e);
    if (bad == 0) { /* a number that fell: the store was restored, and each may be another */
        bad = all || seq < r->seq ? read_all(r, e) : read_changed(r, e);
    }
    if (db_end(r->store, bad, e) < 0) {
        return -1;
    }
    r->seq = seq;
    return 0;
}

int roster_open(struct store *s, struct roster **ret, struct err *e)
{
    struct roster *r = xcalloc(1, sizeof *r);
    r->store = s;
    if (catch_up(r, true, e) < 0) {
        roster_free(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void roster_free(struct roster *r)
{
    if (!r) {
        return;
    }
    roster_index_free(r->index);
    free(r);
}

int roster_refresh(struct roster *r, struct err *e)
{
    int64_t seq;
    if (last_seq(r, &seq, e) < 0) {
        return -1;
    }
    return seq == r->seq ? 0 : catch_up(r, false, e);
}

unsigned roster_walks(const struct roster *r)
{
    return r->walks;
}

bool roster_find(const struct roster *r, struct mac m, struct device *ret, struct job *ret_job,
                 bool *ret_has_job)
{
    return roster_index_find(r->index, m, ret, ret_job, ret_has_job);
}

void roster_expect(const struct roster *r, const struct mac *m, size_t n)
{
    roster_index_expect(r->index, m, n);
}

bool roster_owner(const struct roster *r, struct ip4 a, struct mac *ret)
{
    return roster_index_owner(r->index, a, ret);
}

/* ---- for who writes many */

int roster_hold(struct store *s, struct err *e)
{
    return db_run(s, "INSERT INTO roster_hold VALUES (1)", NULL, 0, e);
}

int roster_touch(struct store *s, int64_t device_id, struct err *e)
{
    static const char sql[] =
        "INSERT INTO device_changes (device_id, seq) SELECT ?, (SELECT ifnull(max(seq), 0) + 1 "
        "FROM device_changes) WHERE true ON CONFLICT (device_id) DO UPDATE SET seq = "
        "excluded.seq";
    return db_run(s, sql, DB_VALUES(db_i(device_id)), e);
}

int roster_release(struct store *s, struct err *e)
{
    return db_run(s, "DELETE FROM roster_hold", NULL, 0, e);
}

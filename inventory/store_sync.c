/* store_sync: a sync's stage, what is touched, and where the copy stands. */
#include "inventory/store_sync.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/str.h"

#define STAGE_FILE "netbox-stage.db"
#define LOCK_FILE  "netbox.lock"

/* One row a kind: NetBox's word for it, and how a row is put on the stage. The columns are map.c's, in its
 * order. */
#define STAGE(type, table, columns, marks)                                                                   \
    {                                                                                                        \
        type,                                                                                                \
            "INSERT INTO stage." table " (id, " columns                                                      \
            ", description, comments, custom_fields, bad) VALUES (?, " marks ", ?, ?, ?, ?)",                \
            "INSERT OR REPLACE INTO stage." table " (id, " columns                                           \
            ", description, comments, custom_fields, bad) VALUES (?, " marks ", ?, ?, ?, ?)"                 \
    }
static const struct {
    const char *type, *insert, *replace;
} kinds[SYNC_KINDS] = {
    [SYNC_TENANT] = STAGE("tenancy.tenant", "tenants", "slug, name", "?, ?"),
    [SYNC_SITE] = STAGE("dcim.site", "sites",
                        "slug, name, status, tenant, facility, time_zone, physical_address, shipping_address",
                        "?, ?, ?, ?, ?, ?, ?, ?"),
    [SYNC_LOCATION] = STAGE("dcim.location", "locations",
                            "slug, name, site, parent, status, tenant, facility", "?, ?, ?, ?, ?, ?, ?"),
    [SYNC_RACK] =
        STAGE("dcim.rack", "racks",
              "slug, name, site, location, tenant, status, facility_id, serial, asset_tag, u_height",
              "?, ?, ?, ?, ?, ?, ?, ?, ?, ?"),
    [SYNC_MANUFACTURER] = STAGE("dcim.manufacturer", "manufacturers", "slug, name", "?, ?"),
    [SYNC_DEVICE_TYPE] =
        STAGE("dcim.devicetype", "device_types",
              "slug, model, manufacturer, part_number, u_height, is_full_depth", "?, ?, ?, ?, ?, ?"),
    [SYNC_ROLE] = STAGE("dcim.devicerole", "roles", "slug, name, color, vm_role", "?, ?, ?, ?"),
    [SYNC_PLATFORM] = STAGE("dcim.platform", "platforms", "slug, name, manufacturer", "?, ?, ?"),
    [SYNC_TAG] = STAGE("extras.tag", "tags", "slug, name, color", "?, ?, ?"),
    [SYNC_CUSTOM_FIELD] =
        STAGE("extras.customfield", "custom_fields",
              "name, label, type, object_types, required, default_value, weight", "?, ?, ?, ?, ?, ?, ?"),
    [SYNC_PREFIX] =
        STAGE("ipam.prefix", "prefixes",
              "first, last, length, router, site, location, tenant, status, is_pool, mark_utilized",
              "?, ?, ?, ?, ?, ?, ?, ?, ?, ?"),
    [SYNC_DEVICE] =
        STAGE("dcim.device", "devices",
              "name, type, role, tenant, platform, serial, asset_tag, site, location, rack, position, face,"
              " status, primary4, primary6, oob, config_context, local_context, image, updated",
              "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"),
    [SYNC_INTERFACE] = STAGE("dcim.interface", "interfaces",
                             "device, name, label, type, enabled, mgmt_only, mtu, speed, primary_mac",
                             "?, ?, ?, ?, ?, ?, ?, ?, ?"),
    [SYNC_MAC] = STAGE("dcim.macaddress", "macs", "mac, interface, netbox_id", "?, ?, ?"),
    [SYNC_IP] = STAGE("ipam.ipaddress", "ips", "address, length, interface, status, role, dns_name, tenant",
                      "?, ?, ?, ?, ?, ?, ?"),
};

const char *sync_type(enum sync_kind kind)
{
    return kinds[kind].type;
}

enum sync_kind sync_kind_of(const char *type)
{
    for (size_t i = 0; i < SYNC_KINDS; i++) {
        if (strcmp(kinds[i].type, type) == 0) {
            return (enum sync_kind)i;
        }
    }
    return SYNC_KINDS;
}

/* bad: left out. is_primary: worked out when everything is there. The views have the names and numbers of the
 * store's own rows, so that both sides can be compared. */
/* clang-format off */
#define TABLE(name, columns) \
    "CREATE TABLE stage." name " (id INTEGER PRIMARY KEY, " columns ", description, comments, custom_fields, bad INTEGER NOT NULL DEFAULT 0);"
#define VIEW(name, columns, from) \
    "CREATE TEMP VIEW v_" name " AS SELECT " columns ", v.description AS description, v.comments AS comments, v.custom_fields AS custom_fields FROM stage." from ";"
#define NUMBER "v.id AS netbox_id"
#define NAMED  NUMBER ", v.slug AS slug, v.name AS name"
#define SAME(column) "v." column " AS " column
#define OURS(table, key, as) "(SELECT id FROM " table " WHERE netbox_id = v." key ") AS " as
const char sync_ddl[] =
    TABLE("tenants", "slug, name")
    TABLE("sites", "slug, name, status, tenant, facility, time_zone, physical_address, shipping_address")
    TABLE("locations", "slug, name, site, parent, status, tenant, facility")
    TABLE("racks", "slug, name, site, location, tenant, status, facility_id, serial, asset_tag, u_height")
    TABLE("manufacturers", "slug, name")
    TABLE("device_types", "slug, model, manufacturer, part_number, u_height REAL, is_full_depth")
    TABLE("roles", "slug, name, color, vm_role")
    TABLE("platforms", "slug, name, manufacturer")
    TABLE("tags", "slug, name, color")
    TABLE("custom_fields", "name, label, type, object_types, required, default_value, weight")
    TABLE("prefixes", "first, last, length, router, site, location, tenant, status, is_pool, mark_utilized")
    TABLE("devices", "name TEXT COLLATE NOCASE, type, role, tenant, platform, serial, asset_tag, site, location, rack, position REAL, face, "
                     "status, primary4, primary6, oob, config_context, local_context, image, updated")
    TABLE("interfaces", "device INTEGER, name, label, type, enabled, mgmt_only, mtu, speed, primary_mac, is_primary INTEGER NOT NULL DEFAULT 0")
    TABLE("macs", "mac INTEGER, interface INTEGER, netbox_id INTEGER, is_primary INTEGER NOT NULL DEFAULT 0")
    TABLE("ips", "address, length, interface INTEGER, status, role, dns_name, tenant, is_primary INTEGER NOT NULL DEFAULT 0")
    "CREATE INDEX stage.racks_slug ON racks(site, slug); CREATE INDEX stage.prefixes_first ON prefixes(first, length);"
    "CREATE INDEX stage.devices_name ON devices(name); CREATE INDEX stage.interfaces_device ON interfaces(device);"
    "CREATE INDEX stage.macs_mac ON macs(mac); CREATE INDEX stage.macs_interface ON macs(interface);"
    "CREATE INDEX stage.ips_address ON ips(address); CREATE INDEX stage.ips_interface ON ips(interface);"
    "CREATE TABLE stage.tagged (kind INTEGER, id INTEGER, tag INTEGER, PRIMARY KEY (kind, id, tag)) WITHOUT ROWID;"
    "CREATE TABLE stage.gateways (address INTEGER PRIMARY KEY);"
    /* device: whose the object is now, or 0 */
    "CREATE TABLE stage.touched (kind INTEGER, type TEXT, id INTEGER, device INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;"
    "CREATE TABLE stage.read_devices (id INTEGER PRIMARY KEY);" /* what an incremental sync reads whole */
    "CREATE TABLE stage.gone (id INTEGER PRIMARY KEY, local INTEGER);"
    "CREATE TABLE stage.adopt (id INTEGER PRIMARY KEY, local INTEGER UNIQUE);"
    "CREATE TABLE stage.judged (image TEXT PRIMARY KEY, why TEXT) WITHOUT ROWID;" /* why: it is not known; NULL: it is */
    "CREATE TABLE stage.differs (id INTEGER PRIMARY KEY);"
    "CREATE TABLE stage.todo (id INTEGER PRIMARY KEY, batch INTEGER, local INTEGER, is_new INTEGER, adopted INTEGER);"
    "CREATE INDEX stage.todo_batch ON todo(batch); CREATE INDEX stage.todo_local ON todo(local);"
    "CREATE TABLE stage.faults (kind TEXT, object_type TEXT, id INTEGER, device TEXT, sentence TEXT, PRIMARY KEY (kind, object_type, id)) "
    "WITHOUT ROWID;"

    VIEW("tenants", NAMED, "tenants v WHERE NOT v.bad")
    VIEW("manufacturers", NAMED, "manufacturers v WHERE NOT v.bad")
    VIEW("roles", NAMED ", " SAME("color") ", " SAME("vm_role"), "roles v WHERE NOT v.bad")
    VIEW("tags", NAMED ", " SAME("color"), "tags v WHERE NOT v.bad")
    VIEW("platforms", NAMED ", " OURS("manufacturers", "manufacturer", "manufacturer_id"), "platforms v WHERE NOT v.bad")
    VIEW("custom_fields", NUMBER ", " SAME("name") ", " SAME("label") ", " SAME("type") ", " SAME("object_types") ", " SAME("required")
         ", CASE v.default_value WHEN '' THEN 'null' ELSE v.default_value END AS default_value, ifnull(v.weight, 100) AS weight",
         /* Those that are built in have no row. */
         "custom_fields v WHERE NOT v.bad AND v.name NOT IN ('image', 'state', 'installed_release', 'installed_at', 'disk', 'protected', 'gateway')")
    VIEW("device_types", NUMBER ", " SAME("slug") ", " SAME("model") ", " OURS("manufacturers", "manufacturer", "manufacturer_id") ", "
         SAME("part_number") ", ifnull(v.u_height, 1) AS u_height, " SAME("is_full_depth"),
         "device_types v WHERE NOT v.bad AND EXISTS (SELECT 1 FROM manufacturers m WHERE m.netbox_id = v.manufacturer)")
    VIEW("sites", NAMED ", " SAME("status") ", " OURS("tenants", "tenant", "tenant_id") ", " SAME("facility") ", " SAME("time_zone") ", "
         SAME("physical_address") ", " SAME("shipping_address"), "sites v WHERE NOT v.bad")
    VIEW("locations", NAMED ", " OURS("sites", "site", "site_id") ", " OURS("locations", "parent", "parent_id") ", " SAME("status") ", "
         OURS("tenants", "tenant", "tenant_id") ", " SAME("facility"),
         "locations v WHERE NOT v.bad AND EXISTS (SELECT 1 FROM sites m WHERE m.netbox_id = v.site)")
    /* A rack has no slug at NetBox: of two racks whose names make one slug, the later has its number behind it. */
    VIEW("racks", NUMBER ", CASE WHEN EXISTS (SELECT 1 FROM stage.racks x WHERE x.site IS v.site AND x.slug = v.slug AND x.id < v.id) OR EXISTS "
         "(SELECT 1 FROM racks m JOIN sites n ON n.id = m.site_id WHERE n.netbox_id = v.site AND m.slug = v.slug AND m.netbox_id < v.id AND NOT "
         "EXISTS (SELECT 1 FROM stage.racks x WHERE x.id = m.netbox_id)) THEN substr(v.slug, 1, 48) || '-' || v.id ELSE v.slug END AS slug, "
         SAME("name") ", " OURS("sites", "site", "site_id") ", " OURS("locations", "location", "location_id") ", "
         OURS("tenants", "tenant", "tenant_id") ", " SAME("status") ", " SAME("facility_id") ", " SAME("serial") ", " SAME("asset_tag")
         ", ifnull(v.u_height, 42) AS u_height", "racks v WHERE NOT v.bad")
    /* An address that is a gateway is that of the longest prefix around it. */
    VIEW("prefixes", NUMBER ", " SAME("first") ", " SAME("last") ", " SAME("length") ", coalesce(v.router, (SELECT g.address FROM stage.gateways g "
         "WHERE g.address BETWEEN v.first AND v.last AND NOT EXISTS (SELECT 1 FROM stage.prefixes x WHERE x.length > v.length AND g.address "
         "BETWEEN x.first AND x.last) ORDER BY g.address LIMIT 1)) AS router, "
         /* the site of its location stands beside it, as everywhere */
         "ifnull((SELECT id FROM sites WHERE netbox_id = v.site), (SELECT l.site_id FROM locations l WHERE l.netbox_id = v.location)) AS site_id, "
         OURS("locations", "location", "location_id") ", " OURS("tenants", "tenant", "tenant_id") ", " SAME("status") ", " SAME("is_pool") ", "
         SAME("mark_utilized"), "prefixes v WHERE NOT v.bad")
    VIEW("devices", NUMBER ", " SAME("name") ", CASE WHEN v.status IN ('offline', 'active', 'planned', 'staged', 'failed', 'inventory', "
         "'decommissioning') THEN v.status ELSE 'offline' END AS status, " OURS("sites", "site", "site_id") ", "
         OURS("locations", "location", "location_id") ", " OURS("racks", "rack", "rack_id") ", " OURS("tenants", "tenant", "tenant_id") ", "
         OURS("roles", "role", "role_id") ", " OURS("platforms", "platform", "platform_id") ", " OURS("device_types", "type", "device_type_id") ", "
         SAME("serial") ", " SAME("asset_tag") ", " SAME("position") ", " SAME("face") ", " SAME("config_context") ", " SAME("local_context")
         ", v.image AS netbox_wish", "devices v WHERE NOT v.bad")
    /* position: the order of their numbers there */
    VIEW("interfaces", NUMBER ", " SAME("device") ", (SELECT d.id FROM devices d WHERE d.netbox_id = v.device) AS device_id, v.id AS position, "
         SAME("name") ", " SAME("label") ", CASE v.type WHEN '' THEN 'other' ELSE v.type END AS type, " SAME("enabled") ", " SAME("mgmt_only") ", "
         SAME("mtu") ", " SAME("speed") ", " SAME("is_primary"),
         "interfaces v JOIN stage.devices d ON d.id = v.device WHERE NOT v.bad AND NOT d.bad")
    VIEW("macs", SAME("netbox_id") ", " SAME("mac") ", f.device AS device, i.id AS interface_id, " SAME("is_primary"),
         "macs v JOIN stage.interfaces f ON f.id = v.interface AND NOT f.bad LEFT JOIN interfaces i ON i.netbox_id = f.id WHERE NOT v.bad")
#define ADDRESS SAME("status") ", " SAME("role") ", " SAME("dns_name") ", " OURS("tenants", "tenant", "tenant_id")
    VIEW("ips", NUMBER ", " SAME("address") ", " SAME("length") ", f.device AS device, i.id AS interface_id, " SAME("is_primary") ", " ADDRESS,
         "ips v JOIN stage.interfaces f ON f.id = v.interface AND NOT f.bad LEFT JOIN interfaces i ON i.netbox_id = f.id WHERE NOT v.bad")
    VIEW("free_ips", NUMBER ", " SAME("address") ", " SAME("length") ", NULL AS interface_id, " ADDRESS,
         "ips v WHERE NOT v.bad AND v.interface IS NULL");
/* clang-format on */

/* ---- life cycle */

/* A file of its own: the folder's lock is dhcpd's (store_lease.c). Whoever comes first makes it, root or the
 * server's user; the other only reads it. */
static int lock_take(struct sync *y, struct err *e)
{
    char *path = xasprintf("%s/" LOCK_FILE, y->state_dir);
    y->lock = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
    int r = y->lock < 0 ? err_errno(e, "%s", path) : 0;
    if (r == 0 && flock(y->lock, LOCK_EX | LOCK_NB) < 0) {
        r = errno == EWOULDBLOCK
                ? err_set(
                      e, ERR_CONFLICT,
                      "another sync is under way; `rackstrap sync netbox --status` shows when it has ended")
                : err_errno(e, "locking %s", path);
    }
    free(path);
    return r;
}

int sync_open(const char *state_dir, const atomic_bool *stop, struct sync **ret, struct err *e)
{
    struct sync *y = xcalloc(1, sizeof *y);
    y->state_dir = xstrdup(state_dir);
    y->lock = -1;
    if (lock_take(y, e) < 0 || store_open(state_dir, &y->s, e) < 0) {
        goto fail;
    }
    store_frugal(y->s);
    db_stop_when(y->s, stop);
    if (db_attach(y->s, state_dir, STAGE_FILE, sync_ddl, e) < 0) {
        goto fail;
    }
    y->began_ms = now_ms();
    *ret = y;
    return 0;
fail:
    sync_close(y);
    return -1;
}

void sync_close(struct sync *y)
{
    if (!y) {
        return;
    }
    if (y->s) {
        store_close(y->s);
        db_attach_drop(y->state_dir, STAGE_FILE);
    }
    if (y->lock >= 0) {
        close(y->lock);
    }
    free(y->state_dir);
    free(y);
}

struct store *sync_store(struct sync *y)
{
    return y->s;
}

int sync_clear(struct sync *y, struct err *e)
{
    static const char *const sql[] = {"DELETE FROM stage.tenants",       "DELETE FROM stage.sites",
                                      "DELETE FROM stage.locations",     "DELETE FROM stage.racks",
                                      "DELETE FROM stage.manufacturers", "DELETE FROM stage.device_types",
                                      "DELETE FROM stage.roles",         "DELETE FROM stage.platforms",
                                      "DELETE FROM stage.tags",          "DELETE FROM stage.custom_fields",
                                      "DELETE FROM stage.prefixes",      "DELETE FROM stage.devices",
                                      "DELETE FROM stage.interfaces",    "DELETE FROM stage.macs",
                                      "DELETE FROM stage.ips",           "DELETE FROM stage.tagged",
                                      "DELETE FROM stage.gateways",      "DELETE FROM stage.touched",
                                      "DELETE FROM stage.read_devices",  "DELETE FROM stage.faults"};
    return sync_staged(y, e) < 0 ? -1 : sync_run(y->s, sql, sizeof sql / sizeof *sql, 0, 0, e);
}

/* ---- staging */

static int staging(struct sync *y, struct err *e)
{
    if (y->staging) {
        return 0;
    }
    if (db_begin_read(y->s, e) < 0) {
        return -1;
    }
    y->staging = true;
    return 0;
}

int sync_staged(struct sync *y, struct err *e)
{
    if (!y->staging) {
        return 0;
    }
    y->staging = false;
    return store_commit(y->s, e);
}

static struct db_value value_of(const struct sync_value *v)
{
    switch (v->type) {
    case SYNC_INT:
        return db_i(v->i);
    case SYNC_TEXT:
        return (struct db_value){.type = DB_TEXT, .p = v->p, .n = v->n};
    case SYNC_BLOB:
        return (struct db_value){.type = DB_BLOB, .p = v->p, .n = v->n};
    case SYNC_NULL:
        break;
    }
    return (struct db_value){.type = DB_NULL};
}

static int tags_stage(struct sync *y, const struct sync_row *r, bool again, struct err *e)
{
    if (again && db_run(y->s, "DELETE FROM stage.tagged WHERE kind = ? AND id = ?",
                        DB_VALUES(db_i(r->kind), db_i(r->id)), e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->tags_n; i++) {
        if (db_run(y->s, "INSERT OR IGNORE INTO stage.tagged (kind, id, tag) VALUES (?, ?, ?)",
                   DB_VALUES(db_i(r->kind), db_i(r->id), db_i(r->tags[i])), e) < 0) {
            return -1;
        }
    }
    return 0;
}

int sync_stage(struct sync *y, const struct sync_row *row, bool again, struct err *e)
{
    struct db_value v[SYNC_COLUMNS + 2];
    struct err why = {0};
    if (staging(y, e) < 0) {
        return -1;
    }
    v[0] = db_i(row->id);
    for (size_t i = 0; i < row->n; i++) {
        v[i + 1] = value_of(&row->v[i]);
    }
    v[row->n + 1] = db_i(row->unusable);
    const char *sql = again ? kinds[row->kind].replace : kinds[row->kind].insert;
    if (db_run(y->s, sql, v, row->n + 2, &why) < 0) {
        return why.kind == ERR_CONFLICT ? err_set(e, ERR_CORRUPT,
                                                  "NetBox gave the %s %lld twice in one list: the pages do "
                                                  "not fit together; try again",
                                                  kinds[row->kind].type, (long long)row->id)
                                        : err_set(e, why.kind, "%s", why.text);
    }
    if (*row->fault && sync_fault(y, row->fault, row->kind, row->id, row->sentence, e) < 0) {
        return -1;
    }
    return tags_stage(y, row, again, e);
}

int sync_fault(struct sync *y, const char *kind, enum sync_kind of, int64_t id, const char *sentence,
               struct err *e)
{
    return db_run(y->s,
                  "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, sentence) VALUES (?, ?, ?, ?)",
                  DB_VALUES(db_t(kind), db_t(sync_type(of)), db_i(id), db_t(sentence)), e);
}

int sync_gateway(struct sync *y, int64_t address, struct err *e)
{
    return staging(y, e) < 0 ? -1
                             : db_run(y->s, "INSERT OR IGNORE INTO stage.gateways (address) VALUES (?)",
                                      DB_VALUES(db_i(address)), e);
}

/* ---- what is read anew */

int sync_touch(struct sync *y, enum sync_kind kind, int64_t id, int64_t device, struct err *e)
{
    return staging(y, e) < 0 ? -1
                             : db_run(y->s,
                                      "INSERT INTO stage.touched (kind, type, id, device) VALUES (?, ?, ?, "
                                      "?) ON CONFLICT (kind, "
                                      "id) DO "
                                      "UPDATE SET device = max(device, excluded.device)",
                                      DB_VALUES(db_i(kind), db_t(sync_type(kind)), db_i(id),
                                                db_i(kind == SYNC_DEVICE ? id : device)),
                                      e);
}

/* Before this sync began; or in a future that comes of a clock that was set back, which would keep courier
 * syncing until then. */
#define ASKED "(at_ms <= ?1 OR at_ms > ?1 + 60000)"

static int touch_rows(struct sync *y, const char *sql, const struct db_value *v, size_t n, struct err *e)
{
    sqlite3_stmt *q;
    char type[NAME_SIZE];
    int r;
    if (db_query(y->s, sql, v, n, &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(y->s, q, e)) == 1) {
        db_text(q, 0, type, sizeof type);
        enum sync_kind kind = sync_kind_of(type);
        if (kind != SYNC_KINDS && sync_touch(y, kind, db_int(q, 1), 0, e) < 0) {
            db_done(q);
            return -1;
        }
    }
    return r;
}

int sync_touch_asked(struct sync *y, struct err *e)
{
    return staging(y, e) < 0 ||
                   touch_rows(y, "SELECT object_type, object_id FROM sync_requests WHERE " ASKED,
                              DB_VALUES(db_i(y->began_ms)), e) < 0 ||
                   touch_rows(y,
                              "SELECT object_type, netbox_id FROM sync_faults WHERE kind NOT IN "
                              "('unknown-image', 'not-armed') ORDER BY since_ms LIMIT 1000",
                              NULL, 0, e) < 0
               ? -1
               : 0;
}

static int ids_each(struct sync *y, const char *sql, const struct db_value *v, size_t n, sync_id_fn *fn,
                    void *ctx, struct err *e)
{
    struct db_ids ids = {0};
    int r = db_ids(y->s, sql, v, n, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = fn(ids.id[i], ctx, e);
    }
    free(ids.id);
    return r < 0 ? -1 : 0;
}

int sync_unplaced(struct sync *y, enum sync_kind kind, sync_id_fn *fn, void *ctx, struct err *e)
{
    return ids_each(y, "SELECT id FROM stage.touched WHERE kind = ? AND device = 0", DB_VALUES(db_i(kind)),
                    fn, ctx, e);
}

int sync_touched(struct sync *y, sync_id_fn *fn, void *ctx, struct err *e)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO stage.read_devices (id) SELECT device FROM stage.touched WHERE device > 0"
        " UNION SELECT d.netbox_id FROM stage.touched t JOIN interfaces i ON i.netbox_id = t.id JOIN devices "
        "d ON d.id = "
        "i.device_id WHERE t.kind = ?1 AND d.netbox_id > 0"
        " UNION SELECT d.netbox_id FROM stage.touched t JOIN mac_addresses a ON a.netbox_id = t.id JOIN "
        "interfaces i ON "
        "i.id = a.interface_id JOIN devices d ON d.id = i.device_id WHERE t.kind = ?2 AND d.netbox_id > 0"
        " UNION SELECT d.netbox_id FROM stage.touched t JOIN ip_addresses a ON a.netbox_id = t.id JOIN "
        "interfaces i ON "
        "i.id = a.interface_id JOIN devices d ON d.id = i.device_id WHERE t.kind = ?3 AND d.netbox_id > 0";
    if (staging(y, e) < 0 ||
        db_run(y->s, sql, DB_VALUES(db_i(SYNC_INTERFACE), db_i(SYNC_MAC), db_i(SYNC_IP)), e) < 0) {
        return -1;
    }
    return ids_each(y, "SELECT id FROM stage.read_devices", NULL, 0, fn, ctx, e);
}

/* ---- the state */

int sync_state_get(struct store *s, const char *key, char *buf, size_t size, struct err *e)
{
    sqlite3_stmt *q;
    *buf = '\0';
    if (db_query(s, "SELECT value FROM sync_state WHERE key = ?", DB_VALUES(db_t(key)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        db_text(q, 0, buf, size);
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

int sync_state_put(struct store *s, const char *key, const char *value, struct err *e)
{
    return db_run(s,
                  "INSERT INTO sync_state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = "
                  "excluded.value WHERE value <> excluded.value",
                  DB_VALUES(db_t(key), db_t(value)), e);
}

int sync_asked(struct store *s, struct err *e)
{
    int64_t one;
    return db_number(s, "SELECT 1 FROM sync_requests LIMIT 1", NULL, 0, &one, e);
}

int sync_answered(struct sync *y, struct err *e)
{
    return db_run(y->s, "DELETE FROM sync_requests WHERE " ASKED, DB_VALUES(db_i(y->began_ms)), e);
}

/* ---- faults */

static void fault_read(sqlite3_stmt *q, struct sync_fault *f)
{
    db_text(q, 0, f->kind, sizeof f->kind);
    db_text(q, 1, f->sentence, sizeof f->sentence);
    db_text(q, 2, f->object_type, sizeof f->object_type);
    f->netbox_id = db_int(q, 3);
    db_text(q, 4, f->device, sizeof f->device);
    f->since_ms = db_int(q, 5);
}

int sync_fault_count(struct store *s, int64_t *ret, struct err *e)
{
    return db_number(s, "SELECT count(*) FROM sync_faults", NULL, 0, ret, e) < 0 ? -1 : 0;
}

int sync_fault_each(struct store *s, sync_fault_fn *fn, void *ctx, struct err *e)
{
    struct sync_fault *list = NULL;
    size_t n = 0;
    sqlite3_stmt *q;
    int r;
    if (db_query(
            s,
            "SELECT kind, sentence, object_type, netbox_id, device, since_ms FROM sync_faults ORDER BY kind, "
            "device, netbox_id",
            NULL, 0, &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        list = xrealloc(list, n + 1, sizeof *list);
        fault_read(q, &list[n++]);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = fn(&list[i], ctx);
    }
    free(list);
    return r;
}

/* store_sync_device: devices with their interfaces, MAC and IP addresses: which differ, and writing those,
 * some hundred a transaction, so that no server waits long for the store. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/change.h"
#include "inventory/job.h"
#include "inventory/journal.h"
#include "inventory/store_sync.h"

#define BATCH "500"

/* ---- which differ */

#define COLUMNS(x)                                                                                           \
    x "name, " x "status, " x "site_id, " x "location_id, " x "rack_id, " x "tenant_id, " x "role_id, " x    \
      "platform_id, " x "device_type_id, " x "netbox_wish, " x "serial, " x "asset_tag, " x "position, " x   \
      "face, " x "config_context, " x "local_context, " x "description, " x "comments, " x "custom_fields"
#define NIC(x)                                                                                               \
    x "name, " x "position, " x "label, " x "type, " x "enabled, " x "mgmt_only, " x "mtu, " x "speed, " x   \
      "is_primary, " x "description, " x "custom_fields"
#define MAC(x) x "is_primary, " x "description, " x "comments, " x "custom_fields"
#define IP(x)                                                                                                \
    x "length, " x "is_primary, " x "status, " x "role, " x "dns_name, " x "tenant_id, " x "description, " x \
      "comments, " x "custom_fields"
#define DIFFERS "INSERT OR IGNORE INTO stage.differs (id) "

/* What was read is looked up in the store, never the other way round (CROSS JOIN is SQLite's word for that):
 * an incremental sync has read little. */
static const char *const differs_sql[] = {
    DIFFERS
    "SELECT v.netbox_id FROM v_devices v LEFT JOIN devices m ON m.netbox_id = v.netbox_id AND m.removed_ms = "
    "0 "
    "WHERE m.id IS NULL OR (" COLUMNS("v.") ") IS NOT (" COLUMNS("m.") ") OR m.name <> v.name COLLATE BINARY",
    DIFFERS "SELECT v.device FROM v_interfaces v LEFT JOIN interfaces m ON m.netbox_id = v.netbox_id WHERE "
            "m.id IS NULL OR "
            "m.device_id IS NOT v.device_id OR (" NIC("v.") ") IS NOT (" NIC("m.") ")",
    DIFFERS "SELECT d.netbox_id FROM stage.devices v CROSS JOIN devices d ON d.netbox_id = v.id CROSS JOIN "
            "interfaces m "
            "ON m.device_id = "
            "d.id WHERE NOT v.bad AND NOT EXISTS (SELECT 1 FROM stage.interfaces f WHERE f.id = m.netbox_id "
            "AND f.device = "
            "v.id AND NOT f.bad)",
    DIFFERS "SELECT v.device FROM v_macs v JOIN stage.devices d ON d.id = v.device AND NOT d.bad LEFT JOIN "
            "mac_addresses m "
            "ON m.mac = v.mac WHERE m.id IS NULL OR m.interface_id IS NOT v.interface_id OR m.netbox_id IS "
            "NOT v.netbox_id "
            "OR (" MAC("v.") ") IS NOT (" MAC("m.") ")",
    DIFFERS
    "SELECT d.netbox_id FROM stage.devices v CROSS JOIN devices d ON d.netbox_id = v.id CROSS JOIN "
    "interfaces i "
    "ON i.device_id = "
    "d.id CROSS JOIN mac_addresses m ON m.interface_id = i.id WHERE NOT v.bad AND NOT EXISTS (SELECT 1 "
    "FROM stage.macs x "
    "WHERE x.mac = m.mac AND x.interface = i.netbox_id AND NOT x.bad)",
    DIFFERS
    "SELECT v.device FROM v_ips v JOIN stage.devices d ON d.id = v.device AND NOT d.bad LEFT JOIN "
    "ip_addresses m ON "
    "m.address = v.address WHERE m.id IS NULL OR m.interface_id IS NOT v.interface_id OR m.netbox_id IS NOT "
    "v.netbox_id OR (" IP("v.") ") IS NOT (" IP("m.") ")",
    DIFFERS
    "SELECT d.netbox_id FROM stage.devices v CROSS JOIN devices d ON d.netbox_id = v.id CROSS JOIN "
    "interfaces i "
    "ON i.device_id = "
    "d.id CROSS JOIN ip_addresses m ON m.interface_id = i.id WHERE NOT v.bad AND NOT EXISTS (SELECT 1 FROM "
    "stage.ips x "
    "WHERE x.address = m.address AND x.interface = i.netbox_id AND NOT x.bad)",
    DIFFERS
    "SELECT v.id FROM stage.devices v CROSS JOIN devices m ON m.netbox_id = v.id WHERE NOT v.bad AND "
    "(m.primary_ip4_id, "
    "m.primary_ip6_id, m.oob_ip_id) IS NOT ((SELECT id FROM ip_addresses WHERE netbox_id = v.primary4), "
    "(SELECT id "
    "FROM ip_addresses WHERE netbox_id = v.primary6), (SELECT id FROM ip_addresses WHERE netbox_id = v.oob))",
    DIFFERS "SELECT g.id FROM stage.tagged g JOIN stage.devices v ON v.id = g.id AND NOT v.bad JOIN devices "
            "m ON m.netbox_id "
            "= v.id JOIN tags t ON t.netbox_id = g.tag WHERE g.kind = ?1 AND NOT EXISTS (SELECT 1 FROM "
            "tagged x WHERE "
            "x.model = 'dcim.device' AND x.object_id = m.id AND x.tag_id = t.id)",
    DIFFERS "SELECT v.id FROM stage.devices v CROSS JOIN devices m ON m.netbox_id = v.id CROSS JOIN tagged x "
            "ON x.model "
            "= 'dcim.device' "
            "AND x.object_id = m.id WHERE NOT v.bad AND NOT EXISTS (SELECT 1 FROM stage.tagged g JOIN tags t "
            "ON t.netbox_id "
            "= g.tag WHERE g.kind = ?1 AND g.id = v.id AND t.id = x.tag_id)",
    /* Names that change go first, all in one transaction: they may be each other's. */
    "INSERT INTO stage.todo (id, batch, local, is_new, adopted) SELECT v.id, CASE WHEN m.id IS NOT NULL AND "
    "m.name <> v.name "
    "THEN 0 ELSE 1 + row_number() OVER (ORDER BY v.id) / " BATCH
    " END, coalesce(m.id, a.local), m.id IS NULL AND a.local "
    "IS NULL, a.local IS NOT NULL FROM stage.differs f JOIN stage.devices v ON v.id = f.id AND NOT v.bad "
    "LEFT JOIN devices m "
    "ON m.netbox_id = v.id AND m.removed_ms = 0 LEFT JOIN stage.adopt a ON a.id = v.id",
};

/* ---- writing a batch: ?1 its number, ?2 the time */

#define IN_BATCH   "(SELECT id FROM stage.todo WHERE batch = ?1)"
#define OURS_BATCH "(SELECT local FROM stage.todo WHERE batch = ?1)"

static const char *const batch_sql[] = {
    "UPDATE devices SET netbox_id = (SELECT t.id FROM stage.todo t WHERE t.local = devices.id) WHERE "
    "netbox_id IS NULL AND "
    "id IN (SELECT local FROM stage.todo WHERE batch = ?1 AND adopted)",
    "UPDATE devices SET name = 'netbox/' || netbox_id, asset_tag = NULL WHERE id IN (SELECT m.id FROM "
    "stage.todo t JOIN "
    "stage.devices v ON v.id = t.id JOIN devices m ON m.id = t.local WHERE t.batch = ?1 AND (m.name <> "
    "v.name OR m.asset_tag "
    "IS NOT v.asset_tag))",
    /* The asset tag went to a device of this batch; its old one's turn comes later. */
    "UPDATE devices SET asset_tag = NULL WHERE id IN (SELECT m.id FROM stage.todo t JOIN stage.devices v ON "
    "v.id = t.id JOIN "
    "devices m ON m.asset_tag = v.asset_tag WHERE t.batch = ?1 AND m.netbox_id IS NOT v.id)",
    "INSERT INTO devices (netbox_id, state, state_ms, created_ms, updated_ms, " COLUMNS(
        "") ") SELECT v.netbox_id, 'idle', ?2, ?2, ?2, " COLUMNS("v.") " FROM stage.todo t JOIN v_devices v "
                                                                       "ON v.netbox_id "
                                                                       "= t.id WHERE t.batch = ?1 AND "
                                                                       "t.is_new",
    "UPDATE devices SET (" COLUMNS("") ") = (SELECT " COLUMNS(
        "v.") " FROM v_devices v WHERE v.netbox_id = "
              "devices.netbox_id), updated_ms = max(?2, updated_ms + "
              "1) WHERE id IN (SELECT local FROM stage.todo WHERE "
              "batch = ?1 AND NOT is_new)",
    "UPDATE stage.todo SET local = (SELECT m.id FROM devices m WHERE m.netbox_id = stage.todo.id) WHERE "
    "batch = ?1 AND is_new",

    /* An interface that has no number of NetBox's, or one that is gone, is the one of its name. */
    "UPDATE interfaces SET netbox_id = (SELECT f.id FROM stage.interfaces f JOIN stage.todo t ON t.id = "
    "f.device WHERE "
    "t.local = interfaces.device_id AND f.name = interfaces.name AND NOT f.bad AND NOT EXISTS (SELECT 1 FROM "
    "interfaces o "
    "WHERE o.netbox_id = f.id)) WHERE device_id IN (SELECT local FROM stage.todo WHERE batch = ?1 AND NOT "
    "is_new) AND NOT "
    "EXISTS (SELECT 1 FROM stage.interfaces f WHERE f.id = interfaces.netbox_id)",
    "DELETE FROM interfaces WHERE device_id IN (SELECT local FROM stage.todo WHERE batch = ?1 AND NOT "
    "is_new) AND NOT EXISTS "
    "(SELECT 1 FROM stage.interfaces f JOIN stage.todo t ON t.id = f.device WHERE f.id = "
    "interfaces.netbox_id AND t.local = "
    "interfaces.device_id AND NOT f.bad)",
    "UPDATE interfaces SET name = 'netbox/' || id WHERE device_id IN (SELECT local FROM stage.todo WHERE "
    "batch = ?1 AND NOT "
    "is_new) AND name IS NOT (SELECT f.name FROM stage.interfaces f WHERE f.id = interfaces.netbox_id)",
    "INSERT INTO interfaces (netbox_id, device_id, created_ms, updated_ms, " NIC(
        "") ") SELECT v.netbox_id, t.local, ?2, ?2, " NIC("v.") " FROM stage.todo t JOIN v_interfaces v ON "
                                                                "v.device = t.id "
                                                                "WHERE t.batch = ?1 AND NOT EXISTS (SELECT 1 "
                                                                "FROM "
                                                                "interfaces o WHERE o.netbox_id = "
                                                                "v.netbox_id)",
    "UPDATE interfaces SET (" NIC("") ") = (SELECT " NIC(
        "v.") " FROM v_interfaces v WHERE v.netbox_id = "
              "interfaces.netbox_id), updated_ms = max(?2, updated_ms + 1) "
              "WHERE id IN (SELECT m.id FROM stage.todo t JOIN "
              "v_interfaces v ON v.device = t.id JOIN interfaces m ON "
              "m.netbox_id = v.netbox_id WHERE t.batch = ?1 AND NOT "
              "t.is_new AND (" NIC("v.") ") IS NOT (" NIC("m.") "))",

    "DELETE FROM mac_addresses WHERE id IN (SELECT a.id FROM stage.todo t JOIN interfaces i ON i.device_id = "
    "t.local JOIN "
    "mac_addresses a ON a.interface_id = i.id WHERE t.batch = ?1 AND NOT EXISTS (SELECT 1 FROM stage.macs x "
    "WHERE x.mac = "
    "a.mac AND x.interface = i.netbox_id AND x.netbox_id IS a.netbox_id AND NOT x.bad))",
    "DELETE FROM mac_addresses WHERE id IN (SELECT a.id FROM stage.todo t JOIN v_macs v ON v.device = t.id "
    "JOIN mac_addresses "
    "a ON a.mac = v.mac WHERE t.batch = ?1 AND (a.interface_id IS NOT v.interface_id OR a.netbox_id IS NOT "
    "v.netbox_id))",
    "DELETE FROM mac_addresses WHERE id IN (SELECT a.id FROM stage.todo t JOIN v_macs v ON v.device = t.id "
    "JOIN mac_addresses "
    "a ON a.netbox_id = v.netbox_id WHERE t.batch = ?1 AND a.mac IS NOT v.mac)",
    "UPDATE mac_addresses SET is_primary = 0 WHERE is_primary = 1 AND id IN (SELECT a.id FROM stage.todo t "
    "JOIN v_macs v ON "
    "v.device = t.id JOIN mac_addresses a ON a.mac = v.mac WHERE t.batch = ?1 AND NOT v.is_primary)",
    "INSERT INTO mac_addresses (netbox_id, mac, interface_id, created_ms, updated_ms, " MAC(
        "") ") SELECT v.netbox_id, v.mac, v.interface_id, ?2, ?2, " MAC("v.") " FROM stage.todo t JOIN "
                                                                              "v_macs v ON v.device "
                                                                              "= t.id WHERE t.batch = ?1 AND "
                                                                              "NOT EXISTS "
                                                                              "(SELECT 1 FROM mac_addresses "
                                                                              "o WHERE o.mac = "
                                                                              "v.mac)",
    "UPDATE mac_addresses SET (" MAC("") ") = (SELECT " MAC(
        "v.") " FROM v_macs v WHERE v.mac = mac_addresses.mac), "
              "updated_ms = max(?2, updated_ms + 1) WHERE id IN (SELECT "
              "a.id FROM stage.todo t JOIN v_macs v ON v.device = t.id "
              "JOIN mac_addresses a ON a.mac = v.mac WHERE t.batch = ?1 "
              "AND NOT t.is_new AND (" MAC("v.") ") IS NOT (" MAC("a.") "))",
    "DELETE FROM strangers WHERE mac IN (SELECT v.mac FROM stage.todo t JOIN v_macs v ON v.device = t.id "
    "WHERE t.batch = ?1)",

    "DELETE FROM ip_addresses WHERE id IN (SELECT a.id FROM stage.todo t JOIN interfaces i ON i.device_id = "
    "t.local JOIN "
    "ip_addresses a ON a.interface_id = i.id WHERE t.batch = ?1 AND NOT EXISTS (SELECT 1 FROM stage.ips x "
    "WHERE x.address = "
    "a.address AND x.interface = i.netbox_id AND x.id IS a.netbox_id AND NOT x.bad))",
    "DELETE FROM ip_addresses WHERE id IN (SELECT a.id FROM stage.todo t JOIN v_ips v ON v.device = t.id "
    "JOIN ip_addresses a "
    "ON a.address = v.address WHERE t.batch = ?1 AND (a.interface_id IS NOT v.interface_id OR a.netbox_id IS "
    "NOT v.netbox_id))",
    "DELETE FROM ip_addresses WHERE id IN (SELECT a.id FROM stage.todo t JOIN v_ips v ON v.device = t.id "
    "JOIN ip_addresses a "
    "ON a.netbox_id = v.netbox_id WHERE t.batch = ?1 AND a.address IS NOT v.address)",
    "UPDATE ip_addresses SET is_primary = 0 WHERE is_primary = 1 AND id IN (SELECT a.id FROM stage.todo t "
    "JOIN v_ips v ON "
    "v.device = t.id JOIN ip_addresses a ON a.address = v.address WHERE t.batch = ?1 AND NOT v.is_primary)",
    "INSERT INTO ip_addresses (netbox_id, address, interface_id, created_ms, updated_ms, " IP(
        "") ") SELECT v.netbox_id, v.address, v.interface_id, ?2, ?2, " IP("v.") " FROM stage.todo t JOIN "
                                                                                 "v_ips v ON "
                                                                                 "v.device = t.id WHERE "
                                                                                 "t.batch = ?1 AND NOT "
                                                                                 "EXISTS (SELECT 1 FROM "
                                                                                 "ip_addresses o WHERE "
                                                                                 "o.address = v.address)",
    "UPDATE ip_addresses SET (" IP("") ") = (SELECT " IP(
        "v.") " FROM v_ips v WHERE v.address = ip_addresses.address), "
              "updated_ms = max(?2, updated_ms + 1) WHERE id IN (SELECT a.id "
              "FROM stage.todo t JOIN v_ips v ON v.device = t.id JOIN "
              "ip_addresses a ON a.address = v.address WHERE t.batch = ?1 "
              "AND NOT t.is_new AND (" IP("v.") ") IS NOT (" IP("a.") "))",

    "UPDATE devices SET (primary_ip4_id, primary_ip6_id, oob_ip_id) = (SELECT (SELECT id FROM ip_addresses "
    "WHERE netbox_id = "
    "v.primary4), (SELECT id FROM ip_addresses WHERE netbox_id = v.primary6), (SELECT id FROM ip_addresses "
    "WHERE netbox_id = "
    "v.oob) FROM stage.devices v WHERE v.id = devices.netbox_id) WHERE id IN " OURS_BATCH,
};

static const char *const tags_sql[] = {
    "DELETE FROM tagged WHERE model = 'dcim.device' AND object_id IN " OURS_BATCH
    " AND NOT EXISTS (SELECT 1 FROM stage.todo "
    "t JOIN stage.tagged g ON g.kind = ?2 AND g.id = t.id JOIN tags x ON x.netbox_id = g.tag WHERE t.local = "
    "tagged.object_id AND x.id = tagged.tag_id)",
    "INSERT OR IGNORE INTO tagged (model, object_id, tag_id) SELECT 'dcim.device', t.local, x.id FROM "
    "stage.todo t JOIN "
    "stage.tagged g ON g.kind = ?2 AND g.id = t.id JOIN tags x ON x.netbox_id = g.tag WHERE t.batch = ?1",
};

/* ---- what a change was, for people: a device as a JSON object of words, before and after */

#define MAC_TEXT                                                                                             \
    "substr(h,1,2)||':'||substr(h,3,2)||':'||substr(h,5,2)||':'||substr(h,7,2)||':'||substr(h,9,2)||':'||"   \
    "substr(h,11,2)"
#define IP_TEXT                                                                                              \
    "CASE typeof(a.address) WHEN 'integer' THEN (a.address >> 24)||'.'||((a.address >> 16) & "               \
    "255)||'.'||((a.address >> "                                                                             \
    "8) & 255)||'.'||(a.address & 255) ELSE lower(hex(a.address)) END||'/'||a.length||CASE WHEN "            \
    "a.is_primary THEN ' (dhcp)' "                                                                           \
    "ELSE '' END"
static const char picture_sql[] =
    "SELECT json_object('name', d.name, 'status', d.status, 'site', (SELECT slug FROM sites WHERE id = "
    "d.site_id),"
    " 'location', (SELECT slug FROM locations WHERE id = d.location_id), 'rack', (SELECT slug FROM racks "
    "WHERE id = "
    "d.rack_id), 'tenant', (SELECT slug FROM tenants WHERE id = d.tenant_id), 'role', (SELECT slug FROM "
    "roles WHERE id = "
    "d.role_id), 'platform', (SELECT slug FROM platforms WHERE id = d.platform_id), 'device_type', (SELECT "
    "model FROM "
    "device_types WHERE id = d.device_type_id), 'serial', d.serial, 'asset_tag', d.asset_tag, 'position', "
    "d.position, "
    "'face', d.face, 'description', d.description, 'comments', d.comments, 'custom_fields', "
    "json(d.custom_fields), "
    "'config_context', json(d.config_context), 'local_context', d.local_context, 'tags', (SELECT "
    "group_concat(slug) FROM "
    "(SELECT t.slug FROM tagged g JOIN tags t ON t.id = g.tag_id WHERE g.model = 'dcim.device' AND "
    "g.object_id = d.id ORDER "
    "BY t.slug)), 'interfaces', (SELECT json_group_object(i.name, trim(CASE WHEN i.is_primary THEN 'primary "
    "' ELSE '' END || "
    "i.type || CASE WHEN i.enabled THEN '' ELSE ' disabled' END || CASE WHEN i.mgmt_only THEN ' mgmt' ELSE "
    "'' END || "
    "ifnull((SELECT ' ' || group_concat(" MAC_TEXT
    " || p, ' ') FROM (SELECT printf('%012x', a.mac) AS h, CASE WHEN "
    "a.is_primary THEN '' ELSE '(2nd)' END AS p FROM mac_addresses a WHERE a.interface_id = i.id ORDER BY "
    "a.mac)), '') || "
    "ifnull((SELECT ' ' || group_concat(" IP_TEXT
    ", ' ') FROM ip_addresses a WHERE a.interface_id = i.id), ''))) FROM "
    "(SELECT * FROM interfaces WHERE device_id = d.id ORDER BY name) i)) FROM devices d WHERE d.id = ?";

static const char *text_of(const json_t *v, char **owned)
{
    *owned =
        v && !json_is_string(v) && !json_is_null(v) ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    return json_is_string(v) ? json_string_value(v) : *owned;
}

/* Of objects (interfaces, custom fields, the context), only the members that differ are told. */
static void members_change(struct change *c, const char *field, json_t *before, json_t *after)
{
    const char *key;
    void *next;
    json_t *v;
    json_object_foreach_safe(before, next, key, v)
    {
        if (json_equal(v, json_object_get(after, key))) {
            json_object_del(after, key);
            json_object_del(before, key);
        }
    }
    char *a = json_dumps(before, JSON_COMPACT | JSON_SORT_KEYS),
         *b = json_dumps(after, JSON_COMPACT | JSON_SORT_KEYS);
    if (a && b && strlen(a) < CHANGE_SIZE / 2 && strlen(b) < CHANGE_SIZE / 2) {
        change_json(c, field, a, b);
    } else if (a && b) {
        change_text(c, field, a, b);
    }
    free(a);
    free(b);
}

static void field_change(struct change *c, struct str *words, const char *field, json_t *before,
                         json_t *after)
{
    char *a, *b;
    if (json_equal(before, after)) {
        return;
    }
    str_addf(words, "%s%s", words->len ? ", " : "", field);
    if (json_is_object(before) && json_is_object(after)) {
        members_change(c, field, before, after);
        return;
    }
    const char *x = text_of(before, &a), *y = text_of(after, &b);
    change_text(c, field, x, y);
    if (!json_is_object(before) && strlen(x ? x : "") < 60 && strlen(y ? y : "") < 60) {
        str_addf(words, ": %s -> %s", x && *x ? x : "none", y && *y ? y : "none");
    }
    free(a);
    free(b);
}

static int picture(struct store *s, int64_t id, char **ret, struct err *e)
{
    sqlite3_stmt *q;
    *ret = NULL;
    if (db_query(s, picture_sql, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        struct span t = db_bytes(q, 0);
        *ret = xasprintf("%.*s", (int)t.n, (const char *)t.p);
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

static int changed_add(struct store *s, int64_t id, const char *was, const char *is, int64_t at_ms,
                       struct err *e)
{
    json_t *before = json_loads(was, 0, NULL), *after = json_loads(is, 0, NULL), *v;
    struct change c = {0};
    struct str words = {0};
    const char *key;
    str_add(&words, "");
    json_object_foreach(before, key, v)
    {
        field_change(&c, &words, key, v, json_object_get(after, key));
    }
    char *detail = xasprintf("changed in NetBox: %s", words.len ? words.s : "what is not shown here");
    int r = journal_add_change(s, id, NULL, ACTOR_NETBOX, "changed", detail, &c, at_ms, e);
    free(detail);
    str_free(&words);
    json_decref(before);
    json_decref(after);
    return r;
}

/* ---- one batch */

struct todo {
    int64_t id, local;
    bool is_new, adopted;
    char *was;
};

static int todo_read(struct sync *y, int64_t batch, struct todo **ret, size_t *ret_n, struct err *e)
{
    sqlite3_stmt *q;
    size_t n = 0;
    int r;
    if (db_query(y->s, "SELECT id, local, is_new, adopted FROM stage.todo WHERE batch = ? ORDER BY id",
                 DB_VALUES(db_i(batch)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(y->s, q, e)) == 1) {
        *ret = xrealloc(*ret, n + 1, sizeof **ret);
        (*ret)[n++] = (struct todo){db_int(q, 0), db_int(q, 1), db_int(q, 2) != 0, db_int(q, 3) != 0, NULL};
    }
    *ret_n = n;
    return r;
}

static int journal_one(struct sync *y, struct todo *t, int64_t at_ms, struct sync_result *ret, struct err *e)
{
    char text[120];
    if (t->is_new) {
        ret->created++;
        if (db_number(y->s, "SELECT local FROM stage.todo WHERE id = ?", DB_VALUES(db_i(t->id)), &t->local,
                      e) < 0) {
            return -1;
        }
        snprintf(text, sizeof text, "it is number %lld in NetBox", (long long)t->id);
        return journal_add(y->s, t->local, NULL, ACTOR_NETBOX, "created", text, at_ms, e);
    }
    if (t->adopted) {
        ret->adopted++;
        snprintf(text, sizeof text, "it is NetBox's from now on, as number %lld", (long long)t->id);
        if (journal_add(y->s, t->local, NULL, ACTOR_NETBOX, "adopted", text, at_ms, e) < 0) {
            return -1;
        }
    }
    char *is = NULL;
    if (picture(y->s, t->local, &is, e) < 0) {
        return -1;
    }
    ret->changed++;
    int r = changed_add(y->s, t->local, t->was ? t->was : "{}", is ? is : "{}", at_ms, e);
    free(is);
    return r;
}

/* Seen with an image for the first time in a status in which nothing is armed: the machine has it, as people
 * say. So has one of ours that was at work before NetBox had it. In the transaction that brings the device
 * in: a sync that ends here must not leave it to be armed by what it is later. */
static int carried_record(struct sync *y, int64_t batch, const char *arm_status, struct err *e)
{
    static const char sql[] =
        "UPDATE devices SET netbox_image = netbox_wish WHERE id IN " OURS_BATCH
        " AND netbox_image IS NULL AND netbox_wish IS NOT NULL AND (instr(?2, ',' || status || ',') = 0 OR "
        "(id IN (SELECT local FROM stage.todo WHERE batch = ?1 AND adopted) AND (state <> 'idle' OR assigned "
        "<> '' OR installed_id IS NOT NULL)))";
    return db_run(y->s, sql, DB_VALUES(db_i(batch), db_t(arm_status)), e);
}

/* A number of NetBox's that is another machine now: what waits to write the old one's disk must not write the
 * new one's. Before its MAC addresses come. */
static int other_machines_disarm(struct sync *y, int64_t batch, int64_t at_ms, struct err *e)
{
    static const char sql[] =
        "SELECT m.id FROM stage.todo t JOIN stage.devices v ON v.id = t.id JOIN devices m ON m.id = t.local "
        "WHERE t.batch = ? AND EXISTS (SELECT 1 FROM jobs j WHERE j.device_id = m.id AND j.state = 'armed') "
        "AND " OTHER_MACHINE;
    struct db_ids ids = {0};
    int r = db_ids(y->s, sql, DB_VALUES(db_i(batch)), &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = job_cancel(y->s, ids.id[i], ACTOR_NETBOX, at_ms, e);
    }
    free(ids.id);
    return r;
}

static int batch_locked(struct sync *y, int64_t batch, const char *arm_status, struct todo *t, size_t n,
                        int64_t at_ms, struct sync_result *ret, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (!t[i].is_new && picture(y->s, t[i].local, &t[i].was, e) < 0) {
            return -1;
        }
    }
    if (other_machines_disarm(y, batch, at_ms, e) < 0 ||
        sync_run(y->s, batch_sql, sizeof batch_sql / sizeof *batch_sql, batch, at_ms, e) < 0 ||
        sync_run(y->s, tags_sql, sizeof tags_sql / sizeof *tags_sql, batch, SYNC_DEVICE, e) < 0 ||
        carried_record(y, batch, arm_status, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (journal_one(y, &t[i], at_ms, ret, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int batch_apply(struct sync *y, int64_t batch, const char *arm_status, int64_t at_ms,
                       struct sync_result *ret, struct err *e)
{
    struct todo *t = NULL;
    size_t n = 0;
    if (store_begin(y->s, e) < 0) {
        return -1;
    }
    int r = todo_read(y, batch, &t, &n, e);
    if (r == 0) {
        r = batch_locked(y, batch, arm_status, t, n, at_ms, ret, e);
    }
    r = db_end(y->s, r, e);
    for (size_t i = 0; i < n; i++) {
        free(t[i].was);
    }
    free(t);
    return r;
}

int sync_devices_apply(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
                       struct err *e)
{
    struct db_ids batches = {0};
    if (db_begin_read(y->s, e) < 0 ||
        db_end(y->s, sync_run(y->s, differs_sql, sizeof differs_sql / sizeof *differs_sql, SYNC_DEVICE, 0, e),
               e) < 0) {
        return -1;
    }
    int r = db_ids(y->s, "SELECT DISTINCT batch FROM stage.todo ORDER BY batch", NULL, 0, &batches, e);
    for (size_t i = 0; i < batches.n && r == 0; i++) {
        r = o->stop && atomic_load(o->stop)
                ? err_set(e, ERR_UNAVAILABLE,
                          "broken off, since we are to end; the next sync goes on from here")
                : batch_apply(y, batches.id[i], o->arm_status, at_ms, ret, e);
    }
    free(batches.id);
    return r;
}

/* ---- devices that are gone */

static int remove_one(struct sync *y, int64_t netbox_id, int64_t at_ms, struct sync_result *ret,
                      struct err *e)
{
    struct err why = {0};
    int64_t id = 0;
    int r = db_number(y->s, "SELECT local FROM stage.gone WHERE id = ?", DB_VALUES(db_i(netbox_id)), &id, e);
    if (r != 1) {
        return r;
    }
    if (device_remove(y->s, id, ACTOR_NETBOX, at_ms, &why) == 0) {
        ret->removed++;
        return db_run(y->s, "UPDATE devices SET netbox_id = NULL WHERE id = ?", DB_VALUES(db_i(id)), e);
    }
    if (why.kind != ERR_REFUSED && why.kind != ERR_CONFLICT) {
        return err_set(e, why.kind, "%s", why.text);
    }
    char *text = xasprintf("it is gone from NetBox, and stays here: %s", why.text);
    r = sync_fault(y, "not-removed", SYNC_DEVICE, netbox_id, text, e);
    free(text);
    return r < 0 ? -1 : db_run(y->s, "DELETE FROM stage.gone WHERE id = ?", DB_VALUES(db_i(netbox_id)), e);
}

int sync_devices_remove(struct sync *y, int64_t at_ms, struct sync_result *ret, struct err *e)
{
    struct db_ids ids = {0};
    int r = db_ids(y->s, "SELECT id FROM stage.gone", NULL, 0, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        if ((r = store_begin(y->s, e)) == 0) {
            r = db_end(y->s, remove_one(y, ids.id[i], at_ms, ret, e), e);
        }
    }
    free(ids.id);
    return r;
}

/* store_record_rules: what is true of one model alone, beside its fields: what belongs to whom, what a device
 * needs to hold together. */
#include <stdlib.h>
#include <string.h>

#include "inventory/journal.h"
#include "inventory/store_record_write.h"

/* ---- a device holds together */

/* The number of the address that DHCP gives to an interface: the device's where that is on it. */
#define GIVEN_ADDRESS(interface)                                                                             \
    "ifnull((SELECT a.id FROM devices d JOIN ip_addresses a ON a.id = d.primary_ip4_id WHERE d.id = ?1 AND " \
    "a.interface_id = " interface "), (SELECT min(a.id) FROM ip_addresses a WHERE a.interface_id "           \
    "= " interface " AND typeof(a.address) = 'integer' AND a.status = "                                      \
    "'active'))"

/* One sentence each: what follows from what was written to a device, its interfaces or their addresses. */
int device_settle(struct store *s, int64_t device, int64_t at_ms, struct err *e)
{
    static const char *const steps[] = {
        /* an address that hangs on another device, or nowhere, is this one's no more */
        "UPDATE devices SET primary_ip4_id = NULL WHERE id = ?1 AND primary_ip4_id NOT IN (SELECT a.id FROM "
        "ip_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE i.device_id = ?1)",
        "UPDATE devices SET primary_ip6_id = NULL WHERE id = ?1 AND primary_ip6_id NOT IN (SELECT a.id FROM "
        "ip_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE i.device_id = ?1)",
        "UPDATE devices SET oob_ip_id = NULL WHERE id = ?1 AND oob_ip_id NOT IN (SELECT a.id FROM "
        "ip_addresses a JOIN "
        "interfaces i ON i.id = a.interface_id WHERE i.device_id = ?1)",
        /* an interface boots with its first MAC address until another is said to be the primary one */
        "UPDATE mac_addresses SET is_primary = 1 WHERE id IN (SELECT min(m.id) FROM mac_addresses m JOIN "
        "interfaces i "
        "ON i.id = m.interface_id WHERE i.device_id = ?1 GROUP BY m.interface_id HAVING max(m.is_primary) = "
        "0)",
        /* DHCP gives the device's address where that is, else the interface's first active one */
        "UPDATE ip_addresses SET is_primary = 0 WHERE is_primary = 1 AND interface_id IN (SELECT id FROM "
        "interfaces "
        "WHERE device_id = ?1) AND id IS NOT " GIVEN_ADDRESS("ip_addresses.interface_id"),
        "UPDATE ip_addresses SET is_primary = 1 WHERE is_primary = 0 AND interface_id IN (SELECT id FROM "
        "interfaces "
        "WHERE device_id = ?1) AND id IS " GIVEN_ADDRESS("ip_addresses.interface_id"),
        /* and the interface of that address is the device's first */
        "UPDATE interfaces SET is_primary = (id IS (SELECT a.interface_id FROM devices d JOIN ip_addresses a "
        "ON a.id = "
        "d.primary_ip4_id WHERE d.id = ?1)) WHERE device_id = ?1 AND EXISTS (SELECT 1 FROM devices d WHERE "
        "d.id = ?1 "
        "AND d.primary_ip4_id IS NOT NULL) AND is_primary IS NOT (id IS (SELECT a.interface_id FROM devices "
        "d JOIN "
        "ip_addresses a ON a.id = d.primary_ip4_id WHERE d.id = ?1))",
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (db_run(s, steps[i], DB_VALUES(db_i(device)), e) < 0) {
            return -1;
        }
    }
    return db_run(s, "UPDATE devices SET updated_ms = max(?, updated_ms + 1) WHERE id = ?",
                  DB_VALUES(db_i(at_ms), db_i(device)), e);
}

/* ---- small questions */

/* The first column of the row; 0 when there is none. -1 is the store's failure. */
static int ask(struct write *x, const char *sql, int64_t id, int64_t *ret)
{
    *ret = 0;
    return db_number(x->s, sql, DB_VALUES(db_i(id)), ret, x->e) < 0 ? -1 : 0;
}

/* Does this row say something wrong? The statement gives the fault's field and sentence, if so. */
static int check(struct write *x, const char *sql)
{
    sqlite3_stmt *q;
    char field[64], sentence[256];
    if (db_query(x->s, sql, DB_VALUES(db_i(x->id)), &q, x->e) < 0) {
        return -1;
    }
    int r;
    while ((r = db_step(x->s, q, x->e)) == 1) {
        db_text(q, 0, field, sizeof field);
        db_text(q, 1, sentence, sizeof sentence);
        fault_add(x->f, field, "%s", sentence);
    }
    return r;
}

/* What hangs on a device of NetBox's is NetBox's. */
static int device_is_ours(struct write *x, int64_t device)
{
    int64_t netbox;
    if (device == 0) {
        return 0;
    }
    if (ask(x, "SELECT netbox_id FROM devices WHERE id = ?", device, &netbox) < 0) {
        return -1;
    }
    if (netbox == 0) {
        return 0;
    }
    x->ret->netbox_id = netbox;
    return err_set(x->e, ERR_CONFLICT,
                   "The device that this belongs to is kept in NetBox, as its device %lld; change it there.",
                   (long long)netbox);
}

static int devices_are_ours(struct write *x)
{
    return device_is_ours(x, x->old_device) < 0 || device_is_ours(x, x->device) < 0 ? -1 : 0;
}

static int settle_both(struct write *x)
{
    if (x->old_device && x->old_device != x->device &&
        device_settle(x->s, x->old_device, x->w->at_ms, x->e) < 0) {
        return -1;
    }
    return x->device ? device_settle(x->s, x->device, x->w->at_ms, x->e) : 0;
}

/* ---- devices */

/* A device that is saved as it stands stays, also where two stand in one place since before. */
static int placed_read(struct write *x)
{
    static const struct {
        const char *column, *sql;
    } places[] = {
        {"rack_id", "SELECT rack_id IS NOT ? FROM devices WHERE id = ?"},
        {"position", "SELECT position IS NOT ? FROM devices WHERE id = ?"},
        {"face", "SELECT face IS NOT ? FROM devices WHERE id = ?"},
        {"device_type_id", "SELECT device_type_id IS NOT ? FROM devices WHERE id = ?"},
    };
    x->placed = x->create;
    for (size_t i = 0; i < sizeof places / sizeof *places && !x->placed; i++) {
        const struct column *c = column_find(x, places[i].column);
        int64_t other = 0;
        if (c && db_number(x->s, places[i].sql, DB_VALUES(c->v, db_i(x->id)), &other, x->e) < 0) {
            return -1;
        }
        x->placed = other != 0;
    }
    return 0;
}

/* What stands in its rack: from which unit, up to which, on which faces. One whose type is not known is as
 * most are: of one unit, and as deep as the rack; without a face it is in the way of both. */
static int slots_check(struct write *x)
{
    static const char slots[] =
        "WITH p AS (SELECT d.id, d.position AS low, d.position + ifnull(t.u_height, 1) AS past, "
        "ifnull(t.is_full_depth, 1) OR ifnull(d.face, '') = '' AS deep, d.face FROM devices d LEFT JOIN "
        "device_types t ON t.id = d.device_type_id WHERE d.removed_ms = 0 AND d.position IS NOT NULL AND "
        "d.rack_id = (SELECT rack_id FROM devices WHERE id = ?1)) "
        "SELECT 'position', CASE WHEN p.past > r.u_height + 1 THEN printf('Rack %s ends at U%d: %gU do not "
        "fit at U%g.', r.name, r.u_height, p.past - p.low, p.low) ELSE printf('U%g of rack %s is occupied, "
        "or has not the %gU free that this device type takes.', p.low, r.name, p.past - p.low) END FROM p "
        "JOIN devices d ON d.id = p.id JOIN racks r ON r.id = d.rack_id WHERE p.id = ?1 AND p.past > p.low "
        "AND (p.past > r.u_height + 1 OR EXISTS (SELECT 1 FROM p o WHERE o.id <> p.id AND o.past > o.low AND "
        "o.low < p.past AND p.low < o.past AND (p.deep OR o.deep OR p.face = o.face)))";
    return x->placed && x->f->n == 0 ? check(x, slots) : 0;
}

static int device_before(struct write *x)
{
    const struct column *name = column_find(x, "name");
    struct mac m;
    int64_t own = 0;
    char text[64] = "";
    if (name && name->v.n < sizeof text) {
        memcpy(text, name->v.p, name->v.n);
    }
    if (mac_parse(text, &m, NULL) == 0) {
        static const char sql[] =
            "SELECT 1 FROM mac_addresses m JOIN interfaces i ON i.id = m.interface_id WHERE "
            "i.device_id = ? AND m.mac = ?";
        if (db_number(x->s, sql, DB_VALUES(db_i(x->id), db_i((int64_t)mac_to_u64(m))), &own, x->e) < 0) {
            return -1;
        }
        if (!own) {
            fault_add(x->f, "name",
                      "This reads as a MAC address, and none of the device's interfaces has it.");
        }
    }
    /* Where no NetBox renders a context, the device's own is all there is. */
    const struct column *context = column_find(x, "local_context");
    if (context) {
        column_set(x, "config_context", context->v.n ? context->v : db_t("{}"));
    }
    if (x->create) {
        column_set(x, "state", db_t("idle"));
        column_set(x, "state_ms", db_i(x->w->at_ms));
    }
    return placed_read(x);
}

/* What the disk was, and whether it or the protection becomes another. */
static int aim_read(struct write *x)
{
    sqlite3_stmt *q;
    if (db_query(x->s, "SELECT disk, protected FROM devices WHERE id = ?", DB_VALUES(db_i(x->id)), &q, x->e) <
        0) {
        return -1;
    }
    int r = db_step(x->s, q, x->e);
    if (r == 1) {
        db_text(q, 0, x->disk_before, sizeof x->disk_before);
        bool other_disk = x->has_disk && strcmp(x->disk, x->disk_before) != 0;
        bool other_protection = x->has_protected && x->protect != (db_int(q, 1) != 0);
        x->ret->aim = other_disk ? "disk" : other_protection ? "protected" : NULL;
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

static int device_disk(struct write *x)
{
    if (!x->has_disk) {
        return 0;
    }
    if (db_run(x->s, "UPDATE devices SET disk = ? WHERE id = ?", DB_VALUES(db_t(x->disk), db_i(x->id)),
               x->e) < 0) {
        return -1;
    }
    /* A job that no machine has claimed yet follows its device. */
    return db_run(x->s, "UPDATE jobs SET disk_selector = ? WHERE device_id = ? AND state = 'armed'",
                  DB_VALUES(db_t(x->disk), db_i(x->id)), x->e);
}

#define ADDRESS_CHECK(field, key, family, word)                                                              \
    "SELECT '" field "', CASE WHEN typeof(a.address) <> '" family                                            \
    "' THEN 'The specified IP address (' || rackstrap_inet(a.address, a.length) || ') is not an " word       \
    " address.' ELSE 'The specified IP address (' || rackstrap_inet(a.address, a.length) || ') is not "      \
    "assigned to this device.' END FROM devices x JOIN ip_addresses a ON a.id = x." key                      \
    " LEFT JOIN interfaces i ON i.id = a.interface_id WHERE x.id = ?1 AND (typeof(a.address) <> '" family    \
    "' OR i.device_id IS NOT x.id)"

static int device_after(struct write *x)
{
    static const char places[] = "SELECT 'rack', 'Rack ' || r.name || ' does not belong to site ' || s.name "
                                 "|| '.' FROM devices x JOIN racks r "
                                 "ON r.id = x.rack_id JOIN sites s ON s.id = x.site_id WHERE x.id = ?1 AND "
                                 "r.site_id IS NOT x.site_id UNION ALL "
                                 "SELECT 'location', 'Location ' || l.name || ' does not belong to site ' || "
                                 "s.name || '.' FROM devices x JOIN "
                                 "locations l ON l.id = x.location_id JOIN sites s ON s.id = x.site_id WHERE "
                                 "x.id = ?1 AND l.site_id <> "
                                 "x.site_id UNION ALL "
                                 "SELECT 'position', 'Cannot select a rack position without a rack.' FROM "
                                 "devices x WHERE x.id = ?1 AND "
                                 "x.position IS NOT NULL AND x.rack_id IS NULL";
    static const char addresses[] =
        ADDRESS_CHECK("primary_ip4", "primary_ip4_id", "integer", "IPv4") " UNION ALL " ADDRESS_CHECK(
            "primary_ip6", "primary_ip6_id", "blob",
            "IPv6") " UNION ALL "
                    "SELECT 'oob_ip', 'The specified IP address (' || rackstrap_inet(a.address, a.length) || "
                    "') is not assigned to "
                    "this device.' FROM devices x JOIN ip_addresses a ON a.id = x.oob_ip_id LEFT JOIN "
                    "interfaces i ON i.id = "
                    "a.interface_id WHERE x.id = ?1 AND i.device_id IS NOT x.id";
    if (check(x, places) < 0 || slots_check(x) < 0 || check(x, addresses) < 0 || aim_read(x) < 0 ||
        device_disk(x) < 0) {
        return -1;
    }
    if (x->f->n > 0) {
        return 0;
    }
    if (x->has_protected && device_protect(x->s, x->id, x->protect, x->w->actor, x->e) < 0) {
        return -1;
    }
    return device_settle(x->s, x->id, x->w->at_ms, x->e);
}

/* ---- interfaces */

static int interface_before(struct write *x)
{
    const struct column *device = column_find(x, "device_id");
    if (!x->create && ask(x, "SELECT device_id FROM interfaces WHERE id = ?", x->id, &x->old_device) < 0) {
        return -1;
    }
    x->device = device ? device->v.i : x->old_device;
    if (devices_are_ours(x) < 0) {
        return -1;
    }
    if (x->create && x->device) {
        int64_t position;
        if (ask(x, "SELECT ifnull(max(position) + 1, 0) FROM interfaces WHERE device_id = ?", x->device,
                &position) < 0) {
            return -1;
        }
        column_set(x, "position", db_i(position));
    }
    return 0;
}

/* The one that was named boots from now on; with null, the first. */
static int primary_mac_write(struct write *x)
{
    int64_t of = 0;
    if (!x->primary_mac.said) {
        return 0;
    }
    if (x->primary_mac.id &&
        ask(x, "SELECT interface_id FROM mac_addresses WHERE id = ?", x->primary_mac.id, &of) < 0) {
        return -1;
    }
    if (x->primary_mac.id && of != x->id) {
        fault_add(x->f, "primary_mac_address", "This MAC address is not assigned to this interface.");
        return 0;
    }
    return db_run(x->s,
                  "UPDATE mac_addresses SET is_primary = 0 WHERE interface_id = ? AND is_primary = 1 AND id "
                  "<> ?",
                  DB_VALUES(db_i(x->id), db_i(x->primary_mac.id)), x->e) < 0
               ? -1
               : db_run(x->s, "UPDATE mac_addresses SET is_primary = 1 WHERE id = ? AND is_primary = 0",
                        DB_VALUES(db_i(x->primary_mac.id)), x->e);
}

/* NetBox before 4.2 took a MAC address here. We do not drop it in silence. */
static int mac_text_check(struct write *x)
{
    const json_t *v = json_object_get(x->body, "mac_address");
    struct mac m;
    int64_t now;
    if (!v || json_is_null(v)) {
        return 0;
    }
    if (ask(x, "SELECT mac FROM mac_addresses WHERE interface_id = ? AND is_primary = 1", x->id, &now) < 0) {
        return -1;
    }
    if (!json_is_string(v) || mac_parse(json_string_value(v), &m, NULL) < 0 ||
        (int64_t)mac_to_u64(m) != now) {
        fault_add(
            x->f, "mac_address",
            "This field is read-only; make a MAC address at /api/dcim/mac-addresses/ and assign it to the "
            "interface.");
    }
    return 0;
}

static int interface_after(struct write *x)
{
    return mac_text_check(x) < 0 || primary_mac_write(x) < 0 ? -1 : settle_both(x);
}

/* ---- MAC and IP addresses: what hangs on an interface */

/* From assigned_object_type and assigned_object_id; the two go together. */
static int assigned_before(struct write *x)
{
    const struct model *to = model_get(MODEL_INTERFACE);
    int64_t updated;
    if (!x->object_type && !x->object_id.said) {
        return 0;
    }
    bool null = x->object_type ? !*x->object_type : x->object_id.id == 0;
    if (null) {
        column_set(x, "interface_id", (struct db_value){.type = DB_NULL});
        return 0;
    }
    if (x->object_type && strcmp(x->object_type, "dcim.interface") != 0) {
        fault_add(x->f, "assigned_object_type", "Invalid value: only a dcim.interface may have it here.");
        return 0;
    }
    if (!x->object_id.said) {
        fault_add(x->f, "assigned_object_id", "This field is required.");
        return 0;
    }
    int r = record_known(x->s, x->w, to, x->object_id.id, &updated, x->e);
    if (r == 0) {
        fault_add(x->f, "", "Invalid assigned_object: DCIM > Interface ID %lld", (long long)x->object_id.id);
    } else if (r == 1) {
        column_set(x, "interface_id", db_i(x->object_id.id));
    }
    return r < 0 ? -1 : 0;
}

static int hanging_before(struct write *x, const char *old_device)
{
    const struct column *on;
    if (assigned_before(x) < 0 || (!x->create && ask(x, old_device, x->id, &x->old_device) < 0)) {
        return -1;
    }
    on = column_find(x, "interface_id");
    x->device = on || x->create ? 0 : x->old_device;
    if (on && on->v.type == DB_INT &&
        ask(x, "SELECT device_id FROM interfaces WHERE id = ?", on->v.i, &x->device) < 0) {
        return -1;
    }
    /* it is nobody's first until the device has settled */
    if (on || x->create) {
        column_set(x, "is_primary", db_i(0));
    }
    return devices_are_ours(x);
}

static int mac_before(struct write *x)
{
    if (hanging_before(
            x, "SELECT i.device_id FROM mac_addresses m JOIN interfaces i ON i.id = m.interface_id WHERE "
               "m.id = ?") < 0) {
        return -1;
    }
    /* It has no tenant of its own: on nothing, it would be nobody's. */
    if (x->w->tenant_id && x->device == 0) {
        fault_add(x->f, "assigned_object_id",
                  "This field is required: a token of a tenant keeps the MAC addresses of "
                  "its devices' interfaces.");
    }
    return 0;
}

static int mac_after(struct write *x)
{
    static const char known[] =
        "DELETE FROM strangers WHERE mac = (SELECT mac FROM mac_addresses WHERE id = ? AND "
        "interface_id IS NOT NULL)";
    return db_run(x->s, known, DB_VALUES(db_i(x->id)), x->e) < 0 ? -1 : settle_both(x);
}

static int ip_before(struct write *x)
{
    static const char primary_of[] = "SELECT id FROM devices WHERE removed_ms = 0 AND ? IN (primary_ip4_id, "
                                     "primary_ip6_id)";
    int64_t primary = 0;
    if (hanging_before(
            x, "SELECT i.device_id FROM ip_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE "
               "a.id = ?") < 0) {
        return -1;
    }
    if (x->old_device && x->device != x->old_device && ask(x, primary_of, x->id, &primary) < 0) {
        return -1;
    }
    if (primary) {
        fault_add(x->f, "",
                  "Cannot reassign IP address while it is designated as the primary IP for the parent "
                  "object");
    }
    return 0;
}

static int ip_after(struct write *x)
{
    /* of a host in a network, on an interface; NetBox's words */
    static const char edges[] =
        "SELECT '', rackstrap_inet(a.address, NULL) || ' is a ' || CASE WHEN a.address & ((1 << (32 - "
        "a.length)) - 1) "
        "= 0 THEN 'network ID' ELSE 'broadcast address' END || ', which may not be assigned to an "
        "interface.' FROM "
        "ip_addresses a WHERE a.id = ?1 AND a.interface_id IS NOT NULL AND typeof(a.address) = 'integer' AND "
        "a.length "
        "< 31 AND a.address & ((1 << (32 - a.length)) - 1) IN (0, (1 << (32 - a.length)) - 1)";
    return check(x, edges) < 0 ? -1 : settle_both(x);
}

/* ---- prefixes, locations, racks */

static int prefix_before(struct write *x)
{
    static const struct {
        const char *type, *column, *other;
        enum model_id model;
    } scopes[] = {{"dcim.site", "site_id", "location_id", MODEL_SITE},
                  {"dcim.location", "location_id", "site_id", MODEL_LOCATION}};
    int64_t updated;
    if (!x->object_type && !x->object_id.said) {
        return 0;
    }
    if (!x->object_type || !*x->object_type || x->object_id.id == 0) {
        bool null = (!x->object_type || !*x->object_type) && x->object_id.id == 0;
        if (!null) {
            fault_add(x->f, "", "scope_type and scope_id go together.");
        }
        column_set(x, "site_id", (struct db_value){.type = DB_NULL});
        column_set(x, "location_id", (struct db_value){.type = DB_NULL});
        return 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(scopes[i].type, x->object_type) == 0) {
            int r = record_known(x->s, x->w, model_get(scopes[i].model), x->object_id.id, &updated, x->e);
            if (r == 0) {
                fault_add(x->f, "scope_id", "Related object not found using the provided numeric ID: %lld",
                          (long long)x->object_id.id);
            }
            column_set(x, scopes[i].other, (struct db_value){.type = DB_NULL});
            column_set(x, scopes[i].column, db_i(x->object_id.id));
            return r < 0 ? -1 : 0;
        }
    }
    fault_add(x->f, "scope_type", "A prefix is kept for a dcim.site or a dcim.location.");
    return 0;
}

/* DHCP follows the longest prefix for whatever machine is in it: whose gateway it names, that one has the
 * machines' traffic. So a tenant's is where nothing is another's, unless who runs the server made it. */
static int prefix_is_apart(struct write *x)
{
    static const char overlaps[] =
        "SELECT 'prefix', 'It overlaps with a prefix or an address that is not this tenant''s: machines of "
        "others would have its gateway. Ask who runs the server for it.' FROM prefixes x WHERE x.id = ?1 AND "
        "x.status <> 'container' AND typeof(x.first) = 'integer' AND (EXISTS (SELECT 1 FROM prefixes p WHERE "
        "p.first <= x.last AND p.last >= x.first AND p.status <> 'container' AND p.tenant_id IS NOT "
        "x.tenant_id) OR EXISTS (SELECT 1 FROM ip_addresses a LEFT JOIN interfaces i ON i.id = "
        "a.interface_id LEFT JOIN devices d ON d.id = i.device_id WHERE a.address BETWEEN x.first AND x.last "
        "AND CASE WHEN d.id IS NULL THEN a.tenant_id ELSE d.tenant_id END IS NOT x.tenant_id))";
    bool matters =
        x->create || column_find(x, "first") || column_find(x, "status") || column_find(x, "router");
    return x->w->tenant_id && matters ? check(x, overlaps) : 0;
}

static int prefix_after(struct write *x)
{
    static const char router[] = "SELECT '', 'Invalid value for custom field ''gateway'': ' || "
                                 "rackstrap_inet(x.router, NULL) || ' is no host of "
                                 "' || rackstrap_inet(x.first, x.length) || '.' FROM prefixes x WHERE x.id = "
                                 "?1 AND x.router IS NOT NULL AND "
                                 "(typeof(x.first) <> 'integer' OR x.router NOT BETWEEN x.first AND x.last "
                                 "OR (x.length < 31 AND x.router IN "
                                 "(x.first, x.last)))";
    /* the site of its location stands beside it, for who asks by site */
    static const char site[] =
        "UPDATE prefixes SET site_id = (SELECT l.site_id FROM locations l WHERE l.id = "
        "location_id) WHERE id = ? AND location_id IS NOT NULL";
    return check(x, router) < 0 || prefix_is_apart(x) < 0 ? -1
                                                          : db_run(x->s, site, DB_VALUES(db_i(x->id)), x->e);
}

static int location_after(struct write *x)
{
    static const char parents[] =
        "SELECT 'parent', 'Parent location ' || p.name || ' must belong to the same site.' FROM locations x "
        "JOIN "
        "locations p ON p.id = x.parent_id WHERE x.id = ?1 AND p.site_id <> x.site_id UNION ALL "
        "SELECT 'parent', 'A location cannot be within itself.' WHERE ?1 IN (WITH RECURSIVE t(id) AS (SELECT "
        "parent_id "
        "FROM locations WHERE id = ?1 UNION SELECT l.parent_id FROM locations l JOIN t ON l.id = t.id) "
        "SELECT id FROM "
        "t) UNION ALL "
        "SELECT 'site', 'What is in this location stays in its site; move it out first.' FROM locations x "
        "WHERE x.id = "
        "?1 AND (EXISTS (SELECT 1 FROM devices d WHERE d.location_id = x.id AND d.site_id IS NOT x.site_id "
        "AND "
        "d.removed_ms = 0) OR EXISTS (SELECT 1 FROM racks r WHERE r.location_id = x.id AND r.site_id IS NOT "
        "x.site_id) "
        "OR EXISTS (SELECT 1 FROM locations l WHERE l.parent_id = x.id AND l.site_id <> x.site_id))";
    /* as prefix_after has it */
    static const char prefixes[] = "UPDATE prefixes SET site_id = (SELECT site_id FROM locations WHERE id = "
                                   "?1) WHERE location_id = ?1";
    return check(x, parents) < 0 ? -1 : db_run(x->s, prefixes, DB_VALUES(db_i(x->id)), x->e);
}

/* A rack has no slug in NetBox; ours is made of its name, and is no other's in its site. One that a rack has
 * stays, whoever gave it, until its name changes or another has it where the rack goes. */
#define RACK_SLUG_NEW "/new" /* stands in until rack_slug knows the row; no slug has such a sign */

static int rack_slug(struct write *x)
{
    static const char taken[] = "SELECT 1 FROM racks r JOIN racks x ON x.id = ?1 WHERE r.id <> x.id AND "
                                "ifnull(r.site_id, 0) = ifnull(x.site_id, 0) AND r.slug = ?2";
    char text[512] = "", slug[NAME_SIZE], tried[NAME_SIZE + 16];
    sqlite3_stmt *q;
    if (db_query(x->s, "SELECT name FROM racks WHERE id = ? AND slug = '" RACK_SLUG_NEW "'",
                 DB_VALUES(db_i(x->id)), &q, x->e) < 0) {
        return -1;
    }
    int r = db_step(x->s, q, x->e);
    if (r != 1) {
        return r;
    }
    db_text(q, 0, text, sizeof text);
    db_done(q);
    slug_from(text, slug);
    for (int n = 1; n < 1000; n++) {
        int64_t one = 0;
        snprintf(tried, sizeof tried, n == 1 ? "%s" : "%.50s-%d", slug, n);
        if (db_number(x->s, taken, DB_VALUES(db_i(x->id), db_t(tried)), &one, x->e) < 0) {
            return -1;
        }
        if (!one) {
            return db_run(x->s, "UPDATE racks SET slug = ? WHERE id = ?", DB_VALUES(db_t(tried), db_i(x->id)),
                          x->e);
        }
    }
    return err_set(x->e, ERR_CONFLICT, "too many racks of this site have names that are as good as %s", text);
}

static int rack_before(struct write *x)
{
    static const char renamed[] = "SELECT 1 FROM racks WHERE id = ? AND name <> ?";
    static const char taken[] =
        "SELECT 1 FROM racks r JOIN racks x ON x.id = ? WHERE r.id <> x.id AND r.slug "
        "= x.slug AND r.site_id IS ?";
    const struct column *name = column_find(x, "name"), *site = column_find(x, "site_id");
    int64_t new = x->create;
    if (!x->create && name && db_number(x->s, renamed, DB_VALUES(db_i(x->id), name->v), &new, x->e) < 0) {
        return -1;
    }
    if (!x->create && site && db_number(x->s, taken, DB_VALUES(db_i(x->id), site->v), &new, x->e) < 0) {
        return -1;
    }
    if (new) {
        column_set(x, "slug", db_t(RACK_SLUG_NEW));
    }
    return 0;
}

static int rack_after(struct write *x)
{
    static const char places[] = "SELECT 'location', 'Assigned location must belong to parent site (' || "
                                 "s.name || ').' FROM racks x JOIN "
                                 "locations l ON l.id = x.location_id JOIN sites s ON s.id = x.site_id WHERE "
                                 "x.id = ?1 AND l.site_id <> "
                                 "x.site_id UNION ALL SELECT 'site', 'What is in this rack stays in its "
                                 "site; move it out first.' FROM racks x "
                                 "WHERE x.id = ?1 AND EXISTS (SELECT 1 FROM devices d WHERE d.rack_id = x.id "
                                 "AND d.removed_ms = 0 AND d.site_id "
                                 "IS NOT x.site_id)";
    return check(x, places) < 0 ? -1 : rack_slug(x);
}

/* ---- custom fields, notes */

static bool is_field_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", s[i]) ||
            (s[i] == '_' && i > 0 && s[i - 1] == '_')) {
            return false;
        }
    }
    return n > 0;
}

static int custom_field_before(struct write *x)
{
    const struct column *name = column_find(x, "name"), *type = column_find(x, "type");
    if (name && !is_field_name(name->v.p, name->v.n)) {
        fault_add(x->f, "name", "Only lower-case letters, digits and single underscores are allowed.");
    }
    if (type && (strcmp(type->v.p, "object") == 0 || strcmp(type->v.p, "multiobject") == 0)) {
        fault_add(x->f, "type", "rackstrap keeps no custom fields that refer to objects.");
    }
    return 0;
}

static int custom_field_after(struct write *x)
{
    static const char choices[] =
        "SELECT 'choices', 'Selection fields need choices.' FROM custom_fields x WHERE x.id "
        "= ?1 AND x.type IN ('select', 'multiselect') AND json_array_length(x.choices) = 0";
    return check(x, choices);
}

/* What objects have under a name that is no field's any more goes with the field. */
static int custom_field_removal(struct write *x)
{
    for (size_t i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        if (model_field(m, "custom_fields") < 0) {
            continue;
        }
        struct sql q;
        sqlite3_stmt *stmt;
        sql_start(&q, x->w);
        sql_addf(&q,
                 "UPDATE %s SET custom_fields = json_remove(custom_fields, '$.' || (SELECT name FROM "
                 "custom_fields "
                 "WHERE id = ",
                 m->table);
        sql_param(&q, db_i(x->id));
        sql_add(&q, ")) WHERE custom_fields <> '{}' AND json_type(custom_fields, '$.' || (SELECT name FROM "
                    "custom_fields WHERE id = ?2)) IS NOT NULL");
        int r = sql_prepare(x->s, &q, &stmt, x->e);
        if (r == 0) {
            r = db_step(x->s, stmt, x->e);
            db_drop(stmt);
        }
        sql_free(&q);
        if (r < 0) {
            return -1;
        }
    }
    return 0;
}

/* A note of nothing is none: the object must be there, for this asker. */
static int note_before(struct write *x)
{
    const struct column *type = column_find(x, "object_type"), *id = column_find(x, "object_id");
    int64_t updated;
    if (!x->create || !type || !id) {
        return 0;
    }
    const struct model *m = model_by_type(type->v.p);
    if (!m) {
        fault_add(x->f, "assigned_object_type", "Invalid content type: %s", (const char *)type->v.p);
        return 0;
    }
    int r = record_known(x->s, x->w, m, id->v.i, &updated, x->e);
    if (r == 0) {
        fault_add(x->f, "", "Invalid assigned_object: %s ID %lld", m->word, (long long)id->v.i);
    }
    if (m->id == MODEL_DEVICE) {
        x->device = id->v.i;
    }
    column_set(x, "created_by", value_text(x, x->w->actor));
    return r < 0 ? -1 : 0;
}

/* ---- removal */

static int interface_removal(struct write *x)
{
    if (ask(x, "SELECT device_id FROM interfaces WHERE id = ?", x->id, &x->old_device) < 0) {
        return -1;
    }
    return devices_are_ours(x);
}

static int mac_removal(struct write *x)
{
    if (ask(x,
            "SELECT i.device_id FROM mac_addresses m JOIN interfaces i ON i.id = m.interface_id WHERE m.id = "
            "?",
            x->id, &x->old_device) < 0) {
        return -1;
    }
    return devices_are_ours(x);
}

static int ip_removal(struct write *x)
{
    if (ask(x,
            "SELECT i.device_id FROM ip_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE a.id = "
            "?",
            x->id, &x->old_device) < 0) {
        return -1;
    }
    return devices_are_ours(x);
}

const struct rules *rules_of(const struct model *m)
{
    static const struct rules rules[MODEL_COUNT] = {
        [MODEL_DEVICE] = {device_before, device_after, NULL},
        [MODEL_INTERFACE] = {interface_before, interface_after, interface_removal},
        [MODEL_MAC] = {mac_before, mac_after, mac_removal},
        [MODEL_IP] = {ip_before, ip_after, ip_removal},
        [MODEL_PREFIX] = {prefix_before, prefix_after, NULL},
        [MODEL_LOCATION] = {NULL, location_after, NULL},
        [MODEL_RACK] = {rack_before, rack_after, NULL},
        [MODEL_CUSTOM_FIELD] = {custom_field_before, custom_field_after, custom_field_removal},
        [MODEL_NOTE] = {note_before, NULL, NULL},
    };
    return &rules[m->id];
}

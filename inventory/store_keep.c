/* store_keep: the objects of the inventory file in their tables.
 *
 * Three statements a model: `read` gives its keys in order and then netbox_id; `make` and `write` take ?1,
 * the parent's or the object's own number, the keys from ?2 on (an address is two, a prefix three, tags none:
 * they are last), and the time. */
#include "inventory/store_keep.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/store_record.h"

#define TAGS(type)                                                                                           \
    "(SELECT group_concat(slug, ',') FROM (SELECT t.slug FROM tagged g JOIN tags t ON t.id = g.tag_id"       \
    " WHERE g.model = '" type "' AND g.object_id = x.id ORDER BY t.slug))"
#define RECORD(type) "x.description, x.comments, x.custom_fields, " TAGS(type) ", x.netbox_id"
#define MADE         "description, comments, custom_fields, created_ms, updated_ms"
#define WRITTEN(a, b, c, at)                                                                                 \
    "description = " a ", comments = " b ", custom_fields = " c ", updated_ms = max(" at                     \
    ", updated_ms + 1) WHERE id = ?1"
/* the site of its location stands beside it, for who asks by site, and for who may see it */
#define PREFIX_SITE                                                                                          \
    "CASE WHEN ?7 IS NULL THEN ?6 ELSE (SELECT l.site_id FROM locations l WHERE l.id = ?7) END"
#define ADDRESS                                                                                              \
    "CASE typeof(x.address) WHEN 'integer' THEN x.address ELSE hex(x.address) END || '/' || x.length"

static const struct {
    const char *type; /* of `tagged`; NULL: has no tags */
    const char *find, *read, *make, *write, *ids;
} tables[MODEL_COUNT] = {
    [MODEL_TAG] =
        {NULL, "SELECT id FROM tags WHERE slug = ?1",
         "SELECT slug, name, color, weight, description, netbox_id FROM tags WHERE id = ?",
         "INSERT INTO tags (slug, name, color, weight, description, created_ms, updated_ms) VALUES (?2, "
         "?3, ?4, ?5, ?6, ?7, ?7)",
         "UPDATE tags SET slug = ?2, name = ?3, color = ?4, weight = ?5, description = ?6, updated_ms = "
         "max(?7, updated_ms + 1) WHERE id = ?1",
         "SELECT id FROM tags ORDER BY slug"},
    [MODEL_CUSTOM_FIELD] =
        {NULL, "SELECT id FROM custom_fields WHERE name = ?1",
         "SELECT name, label, type, object_types, required, default_value, choices, weight, description, "
         "netbox_id "
         "FROM custom_fields WHERE id = ?",
         "INSERT INTO custom_fields (name, label, type, object_types, required, default_value, choices, "
         "weight, "
         "description, created_ms, updated_ms) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
         "UPDATE custom_fields SET name = ?2, label = ?3, type = ?4, object_types = ?5, required = ?6, "
         "default_value = ?7, choices = ?8, weight = ?9, description = ?10, updated_ms = max(?11, updated_ms "
         "+ 1) "
         "WHERE id = ?1",
         "SELECT id FROM custom_fields ORDER BY name"},
    [MODEL_TENANT] = {"tenancy.tenant", "SELECT id FROM tenants WHERE slug = ?1",
                      "SELECT x.slug, x.name, " RECORD("tenancy.tenant") " FROM tenants x WHERE x.id = ?",
                      "INSERT INTO tenants (slug, name, " MADE ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                      "UPDATE tenants SET slug = ?2, name = ?3, " WRITTEN("?4", "?5", "?6", "?7"),
                      "SELECT id FROM tenants ORDER BY slug"},
    [MODEL_SITE] =
        {"dcim.site", "SELECT id FROM sites WHERE slug = ?1",
         "SELECT x.slug, x.name, x.status, n.slug, x.facility, x.time_zone, x.physical_address, "
         "x.shipping_address, "
         "x.options_id, " RECORD(
             "dcim.site") " FROM sites x LEFT JOIN tenants n ON n.id = x.tenant_id WHERE x.id = ?",
         "INSERT INTO sites (slug, name, status, tenant_id, facility, time_zone, physical_address, "
         "shipping_address, options_id, " MADE
         ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)",
         "UPDATE sites SET slug = ?2, name = ?3, status = ?4, tenant_id = ?5, facility = ?6, time_zone = ?7, "
         "physical_address = ?8, shipping_address = ?9, options_id = ?10, " WRITTEN("?11", "?12", "?13",
                                                                                    "?14"),
         "SELECT id FROM sites ORDER BY slug"},
    [MODEL_LOCATION] =
        {"dcim.location", "SELECT id FROM locations WHERE site_id = ?1 AND slug = ?2",
         "SELECT s.slug, x.slug, x.name, u.slug, x.status, n.slug, x.facility, " RECORD(
             "dcim.location") " FROM locations x LEFT JOIN sites s ON s.id = x.site_id LEFT JOIN locations u "
                              "ON u.id = x.parent_id LEFT "
                              "JOIN tenants n ON n.id = x.tenant_id WHERE x.id = ?",
         "INSERT INTO locations (site_id, slug, name, parent_id, status, tenant_id, facility, " MADE
         ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
         "UPDATE locations SET site_id = ?2, slug = ?3, name = ?4, parent_id = ?5, status = ?6, tenant_id = "
         "?7, "
         "facility = ?8, " WRITTEN("?9", "?10", "?11", "?12"),
         /* a location after the one that it is in */
         "WITH RECURSIVE tree (id, depth) AS (SELECT id, 0 FROM locations WHERE parent_id IS NULL UNION ALL "
         "SELECT "
         "l.id, depth + 1 FROM tree JOIN locations l ON l.parent_id = tree.id WHERE depth < 100) SELECT "
         "tree.id FROM "
         "tree JOIN locations l ON l.id = tree.id JOIN sites s ON s.id = l.site_id ORDER BY s.slug, depth, "
         "l.slug"},
    [MODEL_MANUFACTURER] = {"dcim.manufacturer", "SELECT id FROM manufacturers WHERE slug = ?1",
                            "SELECT x.slug, x.name, " RECORD(
                                "dcim.manufacturer") " FROM manufacturers x WHERE x.id = ?",
                            "INSERT INTO manufacturers (slug, name, " MADE
                            ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                            "UPDATE manufacturers SET slug = ?2, name = ?3, " WRITTEN("?4", "?5", "?6", "?7"),
                            "SELECT id FROM manufacturers ORDER BY slug"},
    [MODEL_DEVICE_TYPE] =
        {"dcim.devicetype", "SELECT id FROM device_types WHERE manufacturer_id = ?1 AND model = ?2",
         "SELECT m.slug, x.model, x.slug, x.part_number, x.u_height, x.is_full_depth, " RECORD(
             "dcim.devicetype") " FROM device_types x JOIN manufacturers m ON m.id = x.manufacturer_id WHERE "
                                "x.id = ?",
         "INSERT INTO device_types (manufacturer_id, model, slug, part_number, u_height, is_full_depth, " MADE
         ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
         "UPDATE device_types SET manufacturer_id = ?2, model = ?3, slug = ?4, part_number = ?5, u_height = "
         "?6, "
         "is_full_depth = ?7, " WRITTEN("?8", "?9", "?10", "?11"),
         "SELECT y.id FROM device_types y JOIN manufacturers m ON m.id = y.manufacturer_id ORDER BY m.slug, "
         "y.model"},
    [MODEL_RACK] = {"dcim.rack",
                    "SELECT id FROM racks WHERE ifnull(site_id, 0) = ifnull(?1, 0) AND slug = ?2",
                    "SELECT s.slug, x.slug, x.name, l.slug, n.slug, x.status, x.facility_id, x.serial, "
                    "x.asset_tag, x.u_height, " RECORD(
                        "dcim.rack") " FROM racks x LEFT JOIN sites s ON s.id = x.site_id LEFT JOIN "
                                     "locations l ON l.id = "
                                     "x.location_id LEFT JOIN tenants n ON n.id = x.tenant_id WHERE x.id = ?",
                    "INSERT INTO racks (site_id, slug, name, location_id, tenant_id, status, facility_id, "
                    "serial, asset_tag, "
                    "u_height, " MADE
                    ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15)",
                    "UPDATE racks SET site_id = ?2, slug = ?3, name = ?4, location_id = ?5, tenant_id = ?6, "
                    "status = ?7, "
                    "facility_id = ?8, serial = ?9, asset_tag = ?10, u_height = ?11, " WRITTEN("?12", "?13",
                                                                                               "?14", "?15"),
                    "SELECT k.id FROM racks k LEFT JOIN sites s ON s.id = k.site_id ORDER BY s.slug, k.slug"},
    [MODEL_ROLE] =
        {"dcim.devicerole", "SELECT id FROM roles WHERE slug = ?1",
         "SELECT x.slug, x.name, x.color, x.vm_role, x.options_id, " RECORD(
             "dcim.devicerole") " FROM roles x WHERE x.id = ?",
         "INSERT INTO roles (slug, name, color, vm_role, options_id, " MADE
         ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
         "UPDATE roles SET slug = ?2, name = ?3, color = ?4, vm_role = ?5, options_id = ?6, " WRITTEN(
             "?7", "?8", "?9", "?10"),
         "SELECT id FROM roles ORDER BY slug"},
    [MODEL_PLATFORM] = {"dcim.platform", "SELECT id FROM platforms WHERE slug = ?1",
                        "SELECT x.slug, x.name, m.slug, " RECORD(
                            "dcim.platform") " FROM platforms x LEFT JOIN manufacturers m ON m.id = "
                                             "x.manufacturer_id WHERE x.id = ?",
                        "INSERT INTO platforms (slug, name, manufacturer_id, " MADE
                        ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
                        "UPDATE platforms SET slug = ?2, name = ?3, manufacturer_id = ?4, " WRITTEN(
                            "?5", "?6", "?7", "?8"),
                        "SELECT id FROM platforms ORDER BY slug"},
    [MODEL_PREFIX] =
        {"ipam.prefix", "SELECT id FROM prefixes WHERE first = ?1 AND length = ?2",
         "SELECT CASE typeof(x.first) WHEN 'integer' THEN x.first ELSE hex(x.first) END || '/' || x.length, "
         "x.router, "
         "ifnull(s.slug, z.slug), l.slug, n.slug, x.status, x.is_pool, x.mark_utilized, " RECORD(
             "ipam.prefix") " FROM prefixes x LEFT JOIN sites s ON s.id = x.site_id LEFT JOIN locations l ON "
                            "l.id = x.location_id LEFT "
                            "JOIN sites z ON z.id = l.site_id LEFT JOIN tenants n ON n.id = x.tenant_id "
                            "WHERE x.id = ?",
         "INSERT INTO prefixes (first, last, length, router, site_id, location_id, tenant_id, status, "
         "is_pool, "
         "mark_utilized, " MADE ") VALUES (?2, ?3, ?4, ?5, " PREFIX_SITE ", ?7, ?8, ?9, "
         "?10, ?11, ?12, ?13, ?14, ?15, ?15)",
         "UPDATE prefixes SET first = ?2, last = ?3, length = ?4, router = ?5, site_id = " PREFIX_SITE
         ", location_id = ?7, tenant_id = ?8, status = ?9, is_pool = ?10, mark_utilized = ?11, " WRITTEN(
             "?12", "?13", "?14", "?15"),
         "SELECT id FROM prefixes ORDER BY first, length"},
    [MODEL_IP] = {"ipam.ipaddress", "SELECT id FROM ip_addresses WHERE address = ?1",
                  "SELECT " ADDRESS ", x.status, x.role, x.dns_name, n.slug, " RECORD(
                      "ipam.ipaddress") " FROM ip_addresses x LEFT JOIN tenants n ON n.id = x.tenant_id "
                                        "WHERE x.id = ?",
                  "INSERT INTO ip_addresses (interface_id, is_primary, address, length, status, role, "
                  "dns_name, tenant_id, " MADE ") VALUES (nullif(?1, 0), ?1 > 0 AND typeof(?2) = 'integer' "
                  "AND NOT EXISTS (SELECT 1 FROM ip_addresses WHERE "
                  "interface_id = ?1 AND is_primary = 1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
                  "UPDATE ip_addresses SET address = ?2, length = ?3, status = ?4, role = ?5, dns_name = ?6, "
                  "tenant_id = ?7, " WRITTEN("?8", "?9", "?10", "?11"),
                  "SELECT id FROM ip_addresses WHERE interface_id IS NULL ORDER BY address"},
    [MODEL_DEVICE] = {"dcim.device", "SELECT id FROM devices WHERE name = ?1 AND removed_ms = 0",
                      "SELECT x.name, x.status, s.slug, l.slug, k.slug, x.position, x.face, n.slug, o.slug, "
                      "p.slug, m.slug, "
                      "y.model, x.serial, x.asset_tag, x.disk, x.options_id, CASE x.config_context WHEN '{}' "
                      "THEN x.local_context "
                      "ELSE x.config_context END, " RECORD(
                          "dcim.device") " FROM devices x LEFT JOIN sites s ON s.id = x.site_id LEFT JOIN "
                                         "locations l ON l.id = x.location_id LEFT "
                                         "JOIN racks k ON k.id = x.rack_id LEFT JOIN tenants n ON n.id = "
                                         "x.tenant_id LEFT JOIN roles o ON o.id = "
                                         "x.role_id LEFT JOIN platforms p ON p.id = x.platform_id LEFT JOIN "
                                         "device_types y ON y.id = "
                                         "x.device_type_id LEFT JOIN manufacturers m ON m.id = "
                                         "y.manufacturer_id WHERE x.id = ? AND x.removed_ms = 0",
                      "INSERT INTO devices (name, status, site_id, location_id, rack_id, position, face, "
                      "tenant_id, role_id, "
                      "platform_id, device_type_id, serial, asset_tag, disk, options_id, config_context, "
                      "local_context, state, "
                      "state_ms, " MADE
                      ") VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?13, ?14, ?15, ?16, ?17, ifnull("
                      "nullif(?18, ''), '{}'), ?18, 'idle', ?22, ?19, ?20, ?21, ?22, ?22)",
                      "UPDATE devices SET name = ?2, status = ?3, site_id = ?4, location_id = ?5, rack_id = "
                      "?6, position = ?7, "
                      "face = ?8, tenant_id = ?9, role_id = ?10, platform_id = ?11, device_type_id = ?13, "
                      "serial = ?14, asset_tag "
                      "= ?15, disk = ?16, options_id = ?17, config_context = ifnull(nullif(?18, ''), '{}'), "
                      "local_context = ?18, " WRITTEN("?19", "?20", "?21", "?22"),
                      "SELECT id FROM devices WHERE removed_ms = 0 ORDER BY name"},
    [MODEL_INTERFACE] =
        {"dcim.interface", NULL,
         "SELECT x.name, x.label, x.type, x.enabled, x.mgmt_only, x.mtu, x.speed, " RECORD(
             "dcim.interface") " FROM interfaces x WHERE x.id = ?",
         "INSERT INTO interfaces (device_id, name, label, type, enabled, mgmt_only, mtu, speed, " MADE
         ", position, is_primary"
         ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14)",
         "UPDATE interfaces SET name = ?2, label = ?3, type = ?4, enabled = ?5, mgmt_only = ?6, mtu = ?7, "
         "speed = ?8, " WRITTEN("?9", "?10", "?11", "?12"),
         NULL},
    [MODEL_MAC] =
        {"dcim.macaddress", "SELECT id FROM mac_addresses WHERE mac = ?1",
         "SELECT x.mac, " RECORD("dcim.macaddress") " FROM mac_addresses x WHERE x.id = ?",
         "INSERT INTO mac_addresses (interface_id, is_primary, mac, " MADE
         ") VALUES (nullif(?1, 0), NOT EXISTS (SELECT 1 FROM mac_addresses WHERE interface_id = ?1 AND "
         "is_primary = 1), ?2, ?3, ?4, ?5, ?6, ?6)",
         "UPDATE mac_addresses SET mac = ?2, " WRITTEN("?3", "?4", "?5", "?6"),
         "SELECT id FROM mac_addresses WHERE interface_id IS NULL ORDER BY mac"},
};

/* ---- values and their columns */

char *keep_json(struct arena *a, const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    char *dumped = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    char *kept = dumped ? arena_text(a, dumped) : NULL;
    free(dumped);
    json_decref(v);
    return kept;
}

static const char *hex_address(struct arena *a, const char *hex, const char *length)
{
    uint8_t b[16];
    char text[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < 16; i++) {
        const char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        b[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    inet_ntop(AF_INET6, b, text, sizeof text);
    return arena_printf(a, "%s%s", text, length);
}

const char *keep_address_text(struct arena *a, const char *column)
{
    size_t n = strcspn(column, "/");
    char text[IP4_STR];
    if (n == 32) {
        return hex_address(a, column, column + n);
    }
    struct ip4 ip = {(uint32_t)strtoul(column, NULL, 10)};
    return arena_printf(a, "%s%s", ip4_format(ip, text), column + n);
}

struct db_value keep_address_value(const char *text, uint8_t bytes[16], int64_t *ret_length)
{
    char ip[INET6_ADDRSTRLEN] = "";
    const char *slash = strchr(text, '/');
    struct ip4 v4;
    *ret_length = slash ? strtol(slash + 1, NULL, 10) : 0;
    if (slash && (size_t)(slash - text) < sizeof ip) {
        memcpy(ip, text, (size_t)(slash - text));
    }
    if (ip4_parse(ip, &v4, NULL) == 0) {
        return db_i(v4.a);
    }
    inet_pton(AF_INET6, ip, bytes);
    return db_span(span_of(bytes, 16));
}

/* The last address of the prefix that begins at first. */
static struct db_value last_value(struct db_value first, int64_t length, uint8_t bytes[16])
{
    if (first.type == DB_INT) {
        return db_i(first.i | (int64_t)(uint32_t)~prefix_mask((uint8_t)length).a);
    }
    memcpy(bytes, first.p, 16);
    for (int64_t bit = length; bit < 128; bit++) {
        bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    }
    return db_span(span_of(bytes, 16));
}

/* A column as its canonical text. */
static const char *column_text(struct arena *a, const struct keep_key *key, const char *column)
{
    char *text;
    if (!column) {
        return "";
    }
    switch (key->type) {
    case KEY_REAL:
        return arena_printf(a, "%g", strtod(column, NULL));
    case KEY_ADDRESS:
    case KEY_PREFIX:
        return keep_address_text(a, column);
    case KEY_IP4: {
        char ip[IP4_STR];
        return arena_text(a, ip4_format((struct ip4){(uint32_t)strtoul(column, NULL, 10)}, ip));
    }
    case KEY_LIST:
    case KEY_JSON:
    case KEY_FIELDS:
        text = *column ? keep_json(a, column) : NULL;
        return text ? text : arena_text(a, column);
    default:
        return arena_text(a, column);
    }
}

/* The values of one statement, and the bytes that some of them borrow. */
struct binding {
    struct db_value v[KEEP_KEYS + 6];
    size_t n;
    uint8_t bytes[2][16];
};

static void bind_prefix(struct binding *b, const char *text)
{
    int64_t length;
    struct db_value first = keep_address_value(text, b->bytes[0], &length);
    b->v[b->n++] = first;
    b->v[b->n++] = last_value(first, length, b->bytes[1]);
    b->v[b->n++] = db_i(length);
}

static void bind_address(struct binding *b, const char *text)
{
    int64_t length;
    b->v[b->n++] = keep_address_value(text, b->bytes[0], &length);
    b->v[b->n++] = db_i(length);
}

static struct db_value bound(const struct keep_key *key, const char *text)
{
    struct ip4 ip;
    if (key->null && !*text) {
        return (struct db_value){.type = DB_NULL};
    }
    if (key->type == KEY_IP4) {
        return ip4_parse(text, &ip, NULL) == 0 ? db_i(ip.a) : (struct db_value){.type = DB_NULL};
    }
    if (key->type == KEY_OPTIONS) {
        return db_ref(strtoll(text, NULL, 10));
    }
    return db_t(text);
}

static void bind_key(struct binding *b, const struct keep_key *key, const char *text, int64_t ref)
{
    if (key->type == KEY_TAGS) {
        return;
    }
    if (key->type == KEY_ADDRESS) {
        bind_address(b, text);
    } else if (key->type == KEY_PREFIX) {
        bind_prefix(b, text);
    } else if (key->type == KEY_REF || key->type == KEY_TYPE) {
        b->v[b->n++] = db_ref(ref);
    } else {
        b->v[b->n++] = bound(key, text);
    }
}

/* ---- reading */

static int ids_of(struct store *s, const char *sql, struct db_ids *ret, struct err *e)
{
    return db_ids(s, sql, NULL, 0, ret, e);
}

int keep_ids(struct store *s, enum model_id m, int64_t **ret, size_t *ret_n, struct err *e)
{
    struct db_ids ids = {0};
    if (ids_of(s, tables[m].ids, &ids, e) < 0) {
        free(ids.id);
        return -1;
    }
    *ret = ids.id;
    *ret_n = ids.n;
    return 0;
}

/* 1, 0, -1. */
static int read_object(struct store *s, enum model_id m, int64_t id, struct arena *a, struct said *ret,
                       int64_t *ret_netbox, struct err *e)
{
    const struct keep_kind *kind = keep_kind(m);
    sqlite3_stmt *q;
    if (db_query(s, tables[m].read, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r != 1) {
        return r;
    }
    *ret = (struct said){.model = m};
    for (size_t i = 0; i < kind->n; i++) {
        ret->v[i] = column_text(a, &kind->keys[i], (const char *)sqlite3_column_text(q, (int)i));
    }
    *ret_netbox = db_int(q, (int)kind->n);
    db_done(q);
    return 1;
}

int keep_get(struct store *s, enum model_id m, int64_t id, struct arena *a, struct said *ret, struct err *e)
{
    int64_t netbox;
    int r = read_object(s, m, id, a, ret, &netbox, e);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "there is no %s number %lld", keep_kind(m)->noun, (long long)id)
           : r < 0 ? -1
                   : 0;
}

int keep_field(struct store *s, const char *name, struct arena *a, struct keep_field *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, "SELECT type, object_types, required, choices FROM custom_fields WHERE name = ?",
                 DB_VALUES(db_t(name)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        db_text(q, 0, ret->type, sizeof ret->type);
        ret->object_types = arena_text(a, (const char *)sqlite3_column_text(q, 1));
        ret->required = db_int(q, 2) != 0;
        ret->choices = arena_text(a, (const char *)sqlite3_column_text(q, 3));
        db_done(q);
        return 0;
    }
    return r == 0 ? err_set(
                        e, ERR_NOT_FOUND,
                        "there is no custom field \"%.64s\"; define it under custom_fields:, with name, type "
                        "and object_types",
                        name)
                  : -1;
}

const char *keep_field_fault(const struct keep_field *f, const json_t *v)
{
    /* NetBox says null of a field that was required later, and what it said must come in again */
    struct custom_field field = {.required = f->required && !json_is_null(v),
                                 .choices = json_loads(f->choices, 0, NULL)};
    str_copy(field.type, sizeof field.type, f->type);
    const char *wrong = custom_fault(&field, v);
    json_decref(field.choices);
    return wrong;
}

/* ---- references */

int keep_fault(struct keeper *k, const struct said *x)
{
    k->fault = x->place;
    return -1;
}

static bool memo_hit(const struct keep_memo *m, int64_t site, const char *slug, int64_t *ret)
{
    if (!m->id || m->site != site || strcmp(m->slug, slug) != 0) {
        return false;
    }
    *ret = m->id;
    return true;
}

static void memo_set(struct keep_memo *m, int64_t site, const char *slug, int64_t id)
{
    *m = (struct keep_memo){.site = site, .id = id};
    if (!str_copy(m->slug, sizeof m->slug, slug)) {
        m->id = 0;
    }
}

static bool in_site(enum model_id m)
{
    return m == MODEL_LOCATION || m == MODEL_RACK;
}

/* A rack or a location may be named by its name too, where no slug is that. 1, 0, -1. */
static int find_named(struct keeper *k, enum model_id m, int64_t site, const char **text, int64_t *ret,
                      struct err *e)
{
    static const char rack[] =
        "SELECT min(id), slug FROM racks WHERE ifnull(site_id, 0) = ? AND name = ? HAVING "
        "count(*) = 1";
    static const char location[] =
        "SELECT min(id), slug FROM locations WHERE site_id = ? AND name = ? HAVING "
        "count(*) = 1";
    sqlite3_stmt *q;
    if (db_query(k->s, m == MODEL_RACK ? rack : location, DB_VALUES(db_i(site), db_t(*text)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(k->s, q, e);
    if (r == 1) {
        *ret = db_int(q, 0);
        *text = arena_text(&k->arena, (const char *)sqlite3_column_text(q, 1));
        db_done(q);
    }
    return r;
}

static int find_ref(struct keeper *k, enum model_id m, int64_t site, const char **text, int64_t *ret,
                    struct err *e)
{
    int r = in_site(m) ? db_number(k->s, tables[m].find, DB_VALUES(db_ref(site), db_t(*text)), ret, e)
                       : db_number(k->s, tables[m].find, DB_VALUES(db_t(*text)), ret, e);
    return r == 0 && in_site(m) ? find_named(k, m, site, text, ret, e) : r;
}

/* What is named and not there comes into being. A location's slug is made of its name; racks have free ones.
 */
static int make_ref(struct keeper *k, enum model_id m, const char *site, const char **text, const char *by,
                    int64_t *ret, struct err *e)
{
    struct said made = {.model = m};
    char slug[NAME_SIZE];
    size_t at = keep_at(m, "slug");
    made.v[keep_at(m, "name")] = strcmp(*text, "generic") == 0 ? "Generic" : *text;
    if (m == MODEL_LOCATION && name_check("location", *text, NULL) < 0) {
        slug_from(*text, slug);
        *text = arena_text(&k->arena, slug);
    }
    made.v[at] = *text;
    if (in_site(m)) {
        made.v[0] = site;
    }
    if (k->made) {
        k->made(keep_kind(m)->noun, *text, by, k->ctx);
    }
    return keep_write(k, &made, 0, 0, NULL, ret, e);
}

static int settle_ref(struct keeper *k, enum model_id m, int64_t site_id, const char *site, const char **text,
                      const char *by, int64_t *ret, struct err *e)
{
    int64_t scope = in_site(m) ? site_id : 0;
    struct keep_memo *memo = &k->state->memo[m];
    *ret = 0;
    if (!**text || memo_hit(memo, scope, *text, ret)) {
        return 0;
    }
    if (m == MODEL_LOCATION && !site_id) {
        return err_set(e, ERR_INPUT, "it has the location %s and no site; a location is in a site", *text);
    }
    int r = find_ref(k, m, scope, text, ret, e);
    if (r == 0) {
        r = make_ref(k, m, site, text, by, ret, e);
    }
    if (r >= 0) {
        memo_set(memo, scope, *text, *ret);
    }
    return r < 0 ? -1 : 0;
}

/* ---- device types */

/* The manufacturer of a model that is named alone: that of "generic", else the first that has it, else there
 * is a new one of "generic", until someone says whose it is. */
static int whose_model(struct keeper *k, const char *model, const char **ret, struct err *e)
{
    static const char sql[] =
        "SELECT m.slug FROM device_types y JOIN manufacturers m ON m.id = y.manufacturer_id"
        " WHERE y.model = ? ORDER BY m.slug = 'generic' DESC, y.id LIMIT 1";
    sqlite3_stmt *q;
    *ret = "generic";
    if (db_query(k->s, sql, DB_VALUES(db_t(model)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(k->s, q, e);
    if (r == 1) {
        *ret = arena_text(&k->arena, (const char *)sqlite3_column_text(q, 0));
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

static int settle_type(struct keeper *k, struct keep_full *f, size_t at, struct err *e)
{
    struct said type = {.model = MODEL_DEVICE_TYPE, .v = {f->v[at - 1], f->v[at]}};
    struct keep_memo *memo = &k->state->memo[MODEL_DEVICE_TYPE];
    if (!*f->v[at]) {
        return 0;
    }
    if (memo_hit(memo, f->ref[at - 1], f->v[at], &f->ref[at])) {
        return 0;
    }
    int r = db_number(k->s, tables[MODEL_DEVICE_TYPE].find, DB_VALUES(db_i(f->ref[at - 1]), db_t(f->v[at])),
                      &f->ref[at], e);
    if (r == 0) {
        r = keep_write(k, &type, 0, 0, NULL, &f->ref[at], e);
    }
    memo_set(memo, f->ref[at - 1], f->v[at], f->ref[at]);
    return r < 0 ? -1 : 0;
}

/* Before values are compared: a model without its manufacturer means one of them. */
static int choose_manufacturer(struct keeper *k, const struct said *x, const struct said *old,
                               struct keep_full *f, struct err *e)
{
    size_t model = keep_at(MODEL_DEVICE, "model"), maker = model - 1;
    if (!*f->v[model]) {
        if (x->v[maker] && *x->v[maker]) {
            return err_set(e, ERR_INPUT, "it has the manufacturer %s and no model", x->v[maker]);
        }
        f->v[maker] = "";
        return 0;
    }
    if ((x->v[maker] && *x->v[maker]) || (old && strcmp(old->v[model], f->v[model]) == 0)) {
        return 0;
    }
    return whose_model(k, f->v[model], &f->v[maker], e);
}

/* A slug that no other type of this manufacturer has. */
static int type_slug(struct keeper *k, const struct keep_full *f, const char **ret, struct err *e)
{
    char slug[NAME_SIZE];
    int64_t n = 0;
    slug_from(f->v[1], slug);
    int r =
        db_number(k->s,
                  "SELECT (SELECT max(id) + 1 FROM device_types) FROM device_types y JOIN manufacturers m ON "
                  "m.id = y.manufacturer_id WHERE m.slug = ? AND y.slug = ?",
                  DB_VALUES(db_t(f->v[0]), db_t(slug)), &n, e);
    *ret = r == 1 ? arena_printf(&k->arena, "%.50s-%lld", slug, (long long)n) : arena_text(&k->arena, slug);
    return r < 0 ? -1 : 0;
}

/* ---- writing */

static int missing_text(struct keeper *k, const struct keep_kind *kind, size_t i, struct keep_full *f,
                        struct err *e)
{
    const struct keep_key *key = &kind->keys[i];
    if (key->type == KEY_NAME) {
        f->v[i] = f->v[i - 1]; /* the slug is the key before it */
    } else if (key->type == KEY_SLUG && i >= kind->identity) {
        return type_slug(k, f, &f->v[i], e);
    } else {
        f->v[i] = key->missing ? key->missing : "";
    }
    return 0;
}

/* A device that leaves its rack leaves its place there. */
static void leave_rack(const struct said *x, const struct said *old, struct keep_full *f)
{
    static const char *const keys[] = {"position", "face"};
    size_t rack = keep_at(MODEL_DEVICE, "rack");
    for (size_t i = 0; *old->v[rack] && !*f->v[rack] && i < sizeof keys / sizeof *keys; i++) {
        size_t at = keep_at(MODEL_DEVICE, keys[i]);
        f->v[at] = x->v[at] ? x->v[at] : "";
    }
}

/* What is said, over what was. */
static int merge(struct keeper *k, const struct said *x, const struct said *old, struct keep_full *f,
                 struct err *e)
{
    const struct keep_kind *kind = keep_kind(x->model);
    for (size_t i = 0; i < kind->n; i++) {
        f->v[i] = x->v[i] ? x->v[i] : old && !kind->keys[i].resets ? old->v[i] : NULL;
        if (!f->v[i] && missing_text(k, kind, i, f, e) < 0) {
            return -1;
        }
    }
    if (x->model != MODEL_DEVICE) {
        return 0;
    }
    if (old) {
        leave_rack(x, old, f);
    }
    return choose_manufacturer(k, x, old, f, e);
}

static int settle(struct keeper *k, enum model_id m, struct keep_full *f, struct err *e)
{
    const struct keep_kind *kind = keep_kind(m);
    const char *by = f->v[kind->identity - 1], *site = "";
    int64_t site_id = 0;
    for (size_t i = 0; i < kind->n; i++) {
        const struct keep_key *key = &kind->keys[i];
        if (key->type == KEY_TYPE && settle_type(k, f, i, e) < 0) {
            return -1;
        }
        if (key->type != KEY_REF) {
            continue;
        }
        if (settle_ref(k, key->to, site_id, site, &f->v[i], by, &f->ref[i], e) < 0) {
            return -1;
        }
        if (key->to == MODEL_SITE) {
            site = f->v[i];
            site_id = f->ref[i];
        }
    }
    return 0;
}

static bool differs(const struct keep_kind *kind, const struct said *old, const struct keep_full *f)
{
    for (size_t i = 0; i < kind->n; i++) {
        if (strcmp(old->v[i], f->v[i]) != 0) {
            return true;
        }
    }
    return false;
}

static void note_changes(struct keeper *k, const struct keep_kind *kind, const struct said *old,
                         const struct keep_full *f, const char *prefix)
{
    for (size_t i = 0; i < kind->n; i++) {
        if (strcmp(old->v[i], f->v[i]) != 0) {
            const char *name =
                prefix ? arena_printf(&k->arena, "%s.%s", prefix, kind->keys[i].key) : kind->keys[i].key;
            change_text(&k->state->change, name, old->v[i], f->v[i]);
        }
    }
}

static int tag_one(struct keeper *k, enum model_id m, int64_t id, const char *slug, const char *by,
                   struct err *e)
{
    int64_t tag;
    if (settle_ref(k, MODEL_TAG, 0, "", &slug, by, &tag, e) < 0) {
        return -1;
    }
    return db_run(k->s, "INSERT OR IGNORE INTO tagged (model, object_id, tag_id) VALUES (?, ?, ?)",
                  DB_VALUES(db_t(tables[m].type), db_i(id), db_i(tag)), e);
}

static int tags_write(struct keeper *k, enum model_id m, int64_t id, const char *tags, const char *by,
                      struct err *e)
{
    if (db_run(k->s, "DELETE FROM tagged WHERE model = ? AND object_id = ?",
               DB_VALUES(db_t(tables[m].type), db_i(id)), e) < 0) {
        return -1;
    }
    while (*tags) {
        size_t n = strcspn(tags, ",");
        if (tag_one(k, m, id, arena_copy(&k->arena, tags, n), by, e) < 0) {
            return -1;
        }
        tags += n + (tags[n] == ',');
    }
    return 0;
}

static int row_write(struct keeper *k, enum model_id m, const char *sql, int64_t first,
                     const struct keep_full *f, struct err *e)
{
    const struct keep_kind *kind = keep_kind(m);
    struct binding b = {.v = {db_i(first)}, .n = 1};
    for (size_t i = 0; i < kind->n; i++) {
        bind_key(&b, &kind->keys[i], f->v[i], f->ref[i]);
    }
    b.v[b.n++] = db_i(k->at_ms);
    if (m == MODEL_INTERFACE && sql == tables[m].make) {
        b.v[b.n++] = db_i(k->state->position);
        b.v[b.n++] = db_i(k->state->primary);
    }
    return db_run(k->s, sql, b.v, b.n, e);
}

/* A row that is NetBox's is changed there. */
static int refuse_netbox(struct keeper *k, const struct keep_kind *kind, const char *name, int64_t number,
                         struct err *e)
{
    (void)k;
    return err_set(
        e, ERR_CONFLICT,
        "the %s %s is NetBox's, by its number %lld there, and this would change it; change it in NetBox",
        kind->noun, name, (long long)number);
}

static int write_new(struct keeper *k, const struct said *x, int64_t parent, int64_t *ret_id, struct err *e)
{
    const struct keep_kind *kind = keep_kind(x->model);
    size_t last = kind->n - 1;
    struct keep_full f = {0};
    if (merge(k, x, NULL, &f, e) < 0 || settle(k, x->model, &f, e) < 0 ||
        row_write(k, x->model, tables[x->model].make, parent, &f, e) < 0) {
        return -1;
    }
    *ret_id = db_last_id(k->s);
    k->state->changed = true;
    return kind->keys[last].type == KEY_TAGS && *f.v[last]
               ? tags_write(k, x->model, *ret_id, f.v[last], f.v[kind->identity - 1], e)
               : 0;
}

static int write_old(struct keeper *k, const struct said *x, int64_t id, const char *prefix, struct err *e)
{
    const struct keep_kind *kind = keep_kind(x->model);
    size_t last = kind->n - 1;
    struct keep_full f = {0};
    struct said old;
    int64_t netbox = 0;
    if (read_object(k->s, x->model, id, &k->arena, &old, &netbox, e) < 0 || merge(k, x, &old, &f, e) < 0) {
        return -1;
    }
    if (!differs(kind, &old, &f)) {
        return 0;
    }
    if (settle(k, x->model, &f, e) < 0) {
        return -1;
    }
    if (!differs(kind, &old, &f)) { /* a rack by its name, say */
        return 0;
    }
    if (netbox) {
        return refuse_netbox(k, kind, f.v[kind->identity - 1], netbox, e);
    }
    note_changes(k, kind, &old, &f, prefix);
    k->state->changed = true;
    if (row_write(k, x->model, tables[x->model].write, id, &f, e) < 0) {
        return -1;
    }
    return kind->keys[last].type == KEY_TAGS && strcmp(old.v[last], f.v[last]) != 0
               ? tags_write(k, x->model, id, f.v[last], f.v[kind->identity - 1], e)
               : 0;
}

int keep_write(struct keeper *k, const struct said *x, int64_t id, int64_t parent, const char *prefix,
               int64_t *ret_id, struct err *e)
{
    if (id == 0) {
        return write_new(k, x, parent, ret_id, e);
    }
    *ret_id = id;
    return write_old(k, x, id, prefix, e);
}

/* 1, 0, -1. Its identity may be a reference: that is made if need be. */
int keep_find(struct keeper *k, const struct said *x, int64_t *ret_id, struct err *e)
{
    const struct keep_kind *kind = keep_kind(x->model);
    struct binding b = {.n = 0};
    for (size_t i = 0; i < kind->identity; i++) {
        const char *text = x->v[i] ? x->v[i] : "";
        int64_t ref = 0;
        if (kind->keys[i].type == KEY_REF &&
            settle_ref(k, kind->keys[i].to, 0, "", &text, x->v[kind->identity - 1], &ref, e) < 0) {
            return -1;
        }
        bind_key(&b, &kind->keys[i], text, ref);
    }
    if (x->model == MODEL_IP) {
        b.n = 1; /* whatever its length */
    } else if (x->model == MODEL_PREFIX) {
        b.v[1] = b.v[2];
        b.n = 2;
    }
    return db_number(k->s, tables[x->model].find, b.v, b.n, ret_id, e);
}

static int say_put(struct keeper *k, const struct said *x, bool new, struct err *e)
{
    const struct keep_kind *kind = keep_kind(x->model);
    const char *name = x->v[kind->identity - 1];
    for (size_t i = 0; new &&i < kind->n; i++) {
        change_text(&k->state->change, kind->keys[i].key, "", x->v[i]);
    }
    const char *detail =
        arena_printf(&k->arena, "the %s %.100s was %s", kind->noun, name, new ? "made" : "changed");
    return journal_add_change(k->s, 0, NULL, k->actor, new ? "created" : "changed", detail, &k->state->change,
                              k->at_ms, e);
}

static int put(struct keeper *k, struct said *x, enum keep_did *did, struct err *e)
{
    int64_t id = 0;
    int r = keep_find(k, x, &id, e);
    k->state->change = (struct change){0};
    k->state->changed = false;
    if (r < 0 || keep_write(k, x, r == 1 ? id : 0, 0, NULL, &id, e) < 0) {
        return -1;
    }
    *did = r == 0 ? KEEP_NEW : k->state->changed ? KEEP_CHANGED : KEEP_SAME;
    return *did == KEEP_SAME ? 0 : say_put(k, x, *did == KEEP_NEW, e);
}

int keep_put(struct keeper *k, struct said *x, enum keep_did *did, struct err *e)
{
    if (!k->state) {
        k->state = xcalloc(1, sizeof *k->state);
    }
    return put(k, x, did, e) < 0 ? keep_fault(k, x) : 0;
}

int keep_check(struct keeper *k, struct err *e)
{
    static const char sql[] =
        "WITH RECURSIVE tree (id) AS (SELECT id FROM locations WHERE parent_id IS NULL UNION SELECT l.id "
        "FROM tree JOIN "
        "locations l ON l.parent_id = tree.id) SELECT slug FROM locations WHERE id NOT IN tree LIMIT 1";
    char slug[NAME_SIZE];
    sqlite3_stmt *q;
    if (db_query(k->s, sql, NULL, 0, &q, e) < 0) {
        return -1;
    }
    int r = db_step(k->s, q, e);
    if (r == 1) {
        db_text(q, 0, slug, sizeof slug);
        db_done(q);
        return err_set(e, ERR_INPUT, "the location %s is in itself, by its parents; take one parent away",
                       slug);
    }
    return r;
}

void keeper_free(struct keeper *k)
{
    if (k->state) {
        free(k->state->loose_macs.id);
        free(k->state->loose_addresses.id);
    }
    free(k->state);
    k->state = NULL;
    arena_free(&k->arena);
}

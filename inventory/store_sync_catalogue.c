/* store_sync_catalogue: what devices refer to (sites, racks, roles, ...), prefixes, and addresses of no
 * interface. Each kind is a handful of statements over a view of the stage that has the table's own columns:
 * what differs is what one has and the other has not. */
#include <stdlib.h>
#include <string.h>

#include "inventory/journal.h"
#include "inventory/store_sync.h"

#define EXTRA "description, comments, custom_fields"

/* A row of ours is NetBox's when it has the key that is NetBox's own way of telling them apart. A row that
 * NetBox gave another number (deleted there, and made anew) likewise. */
/* clang-format off */
#define ADOPT(table, same) \
    "UPDATE " table " SET netbox_id = (SELECT v.netbox_id FROM v_" table " v WHERE " same "), updated_ms = max(?1, updated_ms + 1) WHERE id IN " \
    "(SELECT m.id FROM " table " m WHERE NOT EXISTS (SELECT 1 FROM stage." table " v WHERE v.id = m.netbox_id AND NOT v.bad)) AND EXISTS (SELECT 1 FROM v_" table \
    " v WHERE " same " AND NOT EXISTS (SELECT 1 FROM " table " o WHERE o.netbox_id = v.netbox_id))"
/* clang-format on */
/* Names that are exchanged would be in each other's way: those that change go out of it first. */
#define PARK(table, key)                                                                                     \
    "UPDATE " table " SET " key " = '~' || id WHERE netbox_id IN (SELECT v.netbox_id FROM v_" table          \
    " v JOIN " table " m ON m.netbox_id = v.netbox_id WHERE m." key " IS NOT v." key ") AND ?1"
#define INSERT(table, columns)                                                                               \
    "INSERT INTO " table " (netbox_id, created_ms, updated_ms, " columns                                     \
    ") SELECT v.netbox_id, ?1, ?1, " columns " FROM v_" table " v WHERE NOT EXISTS (SELECT 1 FROM " table    \
    " m WHERE m.netbox_id = v.netbox_id)"
#define UPDATE(table, columns)                                                                               \
    "UPDATE " table " SET (" columns ") = (SELECT " columns " FROM v_" table " v WHERE v.netbox_id = " table \
    ".netbox_id), updated_ms = max(?1, updated_ms + 1) WHERE netbox_id IN (SELECT netbox_id FROM (SELECT "   \
    "netbox_id, " columns " FROM v_" table " EXCEPT SELECT netbox_id, " columns " FROM " table               \
    " WHERE netbox_id IS NOT NULL))"
#define UNTAG(table, model)                                                                                  \
    "DELETE FROM tagged WHERE model = '" model "' AND object_id IN (SELECT m.id FROM " table                 \
    " m JOIN stage." table " v ON v.id = m.netbox_id) AND NOT EXISTS (SELECT 1 FROM stage.tagged g JOIN "    \
    "tags t ON t.netbox_id = g.tag JOIN " table                                                              \
    " m ON m.netbox_id = g.id WHERE g.kind = ?1 AND m.id = tagged.object_id AND t.id = tagged.tag_id)"
#define TAG(table, model)                                                                                    \
    "INSERT OR IGNORE INTO tagged (model, object_id, tag_id) SELECT '" model                                 \
    "', m.id, t.id FROM stage.tagged g JOIN " table                                                          \
    " m ON m.netbox_id = g.id JOIN tags t ON t.netbox_id = g.tag WHERE g.kind = ?1"
/* Not NetBox's any more. What nothing refers to goes; the rest becomes ours. */
#define LEFT                                                                                                 \
    " WHERE netbox_id IS NOT NULL AND CASE WHEN ?1 THEN 1 ELSE netbox_id IN (SELECT t.id FROM "              \
    "stage.touched t WHERE "                                                                                 \
    "t.kind = ?2) END"
#define DROP(table, unused)                                                                                  \
    "DELETE FROM " table LEFT " AND NOT EXISTS (SELECT 1 FROM stage." table " v WHERE v.id = " table         \
    ".netbox_id)" unused
#define FREE(table)                                                                                          \
    "UPDATE " table " SET netbox_id = NULL" LEFT " AND NOT EXISTS (SELECT 1 FROM stage." table               \
    " v WHERE v.id = " table ".netbox_id)"
#define UNUSED(table, column, by) " AND NOT EXISTS (SELECT 1 FROM " by " x WHERE x." column " = " table ".id)"
/* One name twice where only one may be: the first keeps it. */
#define DOUBLE(table, same)                                                                                  \
    "UPDATE stage." table " SET bad = 2 WHERE NOT bad AND ?1 AND (EXISTS (SELECT 1 FROM stage." table        \
    " v WHERE v.id < stage." table ".id AND NOT v.bad AND " same "))"

static const struct {
    enum sync_kind kind;
    const char *doubles, *adopt, *park, *park_name, *insert, *update, *untag, *tag, *drop, *free;
} tables[] = {
/* From what is referred to, to what refers. */
#define TAG_COLUMNS "slug, name, color, " EXTRA
    {.kind = SYNC_TAG,
     .doubles = "UPDATE stage.tags SET bad = 2 WHERE ?1 AND EXISTS (SELECT 1 FROM tags m WHERE m.name = "
                "stage.tags.name "
                "AND m.slug <> stage.tags.slug AND m.netbox_id IS NULL)",
     .adopt = ADOPT("tags", "v.slug = tags.slug"),
     .park = PARK("tags", "slug"),
     .park_name = PARK("tags", "name"),
     .insert = INSERT("tags", TAG_COLUMNS),
     .update = UPDATE("tags", TAG_COLUMNS),
     .drop = DROP("tags", UNUSED("tags", "tag_id", "tagged")),
     .free = FREE("tags")},
#define FIELD_COLUMNS "name, label, type, object_types, required, default_value, weight, " EXTRA
    {.kind = SYNC_CUSTOM_FIELD,
     .adopt = ADOPT("custom_fields", "v.name = custom_fields.name"),
     .park = PARK("custom_fields", "name"),
     .insert = INSERT("custom_fields", FIELD_COLUMNS),
     .update = UPDATE("custom_fields", FIELD_COLUMNS),
     .drop = DROP("custom_fields", ""),
     .free = FREE("custom_fields")},
#define NAMED "slug, name, " EXTRA
    {.kind = SYNC_TENANT,
     .adopt = ADOPT("tenants", "v.slug = tenants.slug"),
     .park = PARK("tenants", "slug"),
     .insert = INSERT("tenants", NAMED),
     .update = UPDATE("tenants", NAMED),
     .untag = UNTAG("tenants", "tenancy.tenant"),
     .tag = TAG("tenants", "tenancy.tenant"),
     .drop = DROP("tenants",
                  UNUSED("tenants", "tenant_id", "devices") UNUSED("tenants", "tenant_id", "sites")
                      UNUSED("tenants", "tenant_id", "locations") UNUSED("tenants", "tenant_id", "racks")
                          UNUSED("tenants", "tenant_id", "prefixes")
                              UNUSED("tenants", "tenant_id", "ip_addresses")
                                  UNUSED("tenants", "tenant_id", "api_tokens")),
     .free = FREE("tenants")},
    {.kind = SYNC_MANUFACTURER,
     .doubles = "UPDATE stage.manufacturers SET bad = 2 WHERE ?1 AND EXISTS (SELECT 1 FROM manufacturers m "
                "WHERE m.name "
                "= stage.manufacturers.name AND m.slug <> stage.manufacturers.slug AND m.netbox_id IS NULL)",
     .adopt = ADOPT("manufacturers", "v.slug = manufacturers.slug"),
     .park = PARK("manufacturers", "slug"),
     .park_name = PARK("manufacturers", "name"),
     .insert = INSERT("manufacturers", NAMED),
     .update = UPDATE("manufacturers", NAMED),
     .untag = UNTAG("manufacturers", "dcim.manufacturer"),
     .tag = TAG("manufacturers", "dcim.manufacturer"),
     .drop = DROP("manufacturers", UNUSED("manufacturers", "manufacturer_id", "device_types")
                                       UNUSED("manufacturers", "manufacturer_id", "platforms")),
     .free = FREE("manufacturers")},
#define ROLE_COLUMNS "slug, name, color, vm_role, " EXTRA
    {.kind = SYNC_ROLE,
     .doubles = DOUBLE("roles", "v.slug = stage.roles.slug"),
     .adopt = ADOPT("roles", "v.slug = roles.slug"),
     .park = PARK("roles", "slug"),
     .insert = INSERT("roles", ROLE_COLUMNS),
     .update = UPDATE("roles", ROLE_COLUMNS),
     .untag = UNTAG("roles", "dcim.devicerole"),
     .tag = TAG("roles", "dcim.devicerole"),
     .drop = DROP("roles", UNUSED("roles", "role_id", "devices")),
     .free = FREE("roles")},
#define PLATFORM_COLUMNS "slug, name, manufacturer_id, " EXTRA
    {.kind = SYNC_PLATFORM,
     .doubles = DOUBLE("platforms", "v.slug = stage.platforms.slug"),
     .adopt = ADOPT("platforms", "v.slug = platforms.slug"),
     .park = PARK("platforms", "slug"),
     .insert = INSERT("platforms", PLATFORM_COLUMNS),
     .update = UPDATE("platforms", PLATFORM_COLUMNS),
     .untag = UNTAG("platforms", "dcim.platform"),
     .tag = TAG("platforms", "dcim.platform"),
     .drop = DROP("platforms", UNUSED("platforms", "platform_id", "devices")),
     .free = FREE("platforms")},
#define TYPE_COLUMNS "slug, model, manufacturer_id, part_number, u_height, is_full_depth, " EXTRA
    {.kind = SYNC_DEVICE_TYPE,
     .adopt = ADOPT("device_types",
                    "v.model = device_types.model AND v.manufacturer_id = device_types.manufacturer_id"),
     .park = PARK("device_types", "slug"),
     .park_name = PARK("device_types", "model"),
     .insert = INSERT("device_types", TYPE_COLUMNS),
     .update = UPDATE("device_types", TYPE_COLUMNS),
     .untag = UNTAG("device_types", "dcim.devicetype"),
     .tag = TAG("device_types", "dcim.devicetype"),
     .drop = DROP("device_types", UNUSED("device_types", "device_type_id", "devices")),
     .free = FREE("device_types")},
#define SITE_COLUMNS                                                                                         \
    "slug, name, status, tenant_id, facility, time_zone, physical_address, shipping_address, " EXTRA
    {.kind = SYNC_SITE,
     .adopt = ADOPT("sites", "v.slug = sites.slug"),
     .park = PARK("sites", "slug"),
     .insert = INSERT("sites", SITE_COLUMNS),
     .update = UPDATE("sites", SITE_COLUMNS),
     .untag = UNTAG("sites", "dcim.site"),
     .tag = TAG("sites", "dcim.site"),
     .drop = DROP("sites", UNUSED("sites", "site_id", "devices") UNUSED("sites", "site_id", "racks") UNUSED(
                               "sites", "site_id", "locations") UNUSED("sites", "site_id", "prefixes")),
     .free = FREE("sites")},
#define LOCATION_COLUMNS "slug, name, site_id, parent_id, status, tenant_id, facility, " EXTRA
    {.kind = SYNC_LOCATION,
     .doubles = DOUBLE("locations", "v.slug = stage.locations.slug AND v.site = stage.locations.site"),
     .adopt = ADOPT("locations", "v.slug = locations.slug AND v.site_id = locations.site_id"),
     .park = PARK("locations", "slug"),
     .insert = INSERT("locations", LOCATION_COLUMNS),
     .update = UPDATE("locations", LOCATION_COLUMNS), /* also the parents, which all are there only now */
     .untag = UNTAG("locations", "dcim.location"),
     .tag = TAG("locations", "dcim.location"),
     .drop = DROP("locations",
                  UNUSED("locations", "location_id", "devices") UNUSED("locations", "location_id", "racks")
                      UNUSED("locations", "parent_id", "locations")
                          UNUSED("locations", "location_id", "prefixes")),
     .free = FREE("locations")},
#define RACK_COLUMNS                                                                                         \
    "slug, name, site_id, location_id, tenant_id, status, facility_id, serial, asset_tag, u_height, " EXTRA
    {.kind = SYNC_RACK,
     .adopt = ADOPT("racks", "v.slug = racks.slug AND v.site_id IS racks.site_id"),
     .park = PARK("racks", "slug"),
     .insert = INSERT("racks", RACK_COLUMNS),
     .update = UPDATE("racks", RACK_COLUMNS),
     .untag = UNTAG("racks", "dcim.rack"),
     .tag = TAG("racks", "dcim.rack"),
     .drop = DROP("racks", UNUSED("racks", "rack_id", "devices")),
     .free = FREE("racks")},
#define PREFIX_COLUMNS                                                                                       \
    "first, last, length, router, site_id, location_id, tenant_id, status, is_pool, mark_utilized, " EXTRA
    {.kind = SYNC_PREFIX,
     .doubles = DOUBLE("prefixes", "v.first = stage.prefixes.first AND v.length = stage.prefixes.length"),
     .adopt = ADOPT("prefixes", "v.first = prefixes.first AND v.length = prefixes.length"),
     .park = PARK("prefixes", "first"), /* a text is no address: nobody finds it meanwhile */
     .insert = INSERT("prefixes", PREFIX_COLUMNS),
     .update = UPDATE("prefixes", PREFIX_COLUMNS),
     .untag = UNTAG("prefixes", "ipam.prefix"),
     .tag = TAG("prefixes", "ipam.prefix"),
     .drop = DROP("prefixes", ""),
     .free = FREE("prefixes")},
};
#define TABLES (sizeof tables / sizeof *tables)

static int run_counted(struct store *s, const char *sql, int64_t a, int64_t *written, struct err *e)
{
    if (!sql) {
        return 0;
    }
    if (db_run(s, sql, DB_VALUES(db_i(a)), e) < 0) {
        return -1;
    }
    *written += db_changes(s);
    return 0;
}

static int table_apply(struct store *s, size_t i, int64_t at_ms, int64_t *written, struct err *e)
{
    int64_t not_counted = 0;
    return run_counted(s, tables[i].doubles, 1, &not_counted, e) < 0 ||
                   run_counted(s, tables[i].adopt, at_ms, written, e) < 0 ||
                   run_counted(s, tables[i].park, 1, &not_counted, e) < 0 ||
                   run_counted(s, tables[i].park_name, 1, &not_counted, e) < 0 ||
                   run_counted(s, tables[i].insert, at_ms, written, e) < 0 ||
                   run_counted(s, tables[i].update, at_ms, written, e) < 0 ||
                   run_counted(s, tables[i].untag, tables[i].kind, written, e) < 0 ||
                   run_counted(s, tables[i].tag, tables[i].kind, written, e) < 0
               ? -1
               : 0;
}

#define DOUBLES_FAULT(table, type, key)                                                                      \
    "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, sentence) SELECT 'double', '" type          \
    "', id, 'another one is called \"' || " key                                                              \
    " || '\" too, which we can tell apart by that alone; it was left out' "                                  \
    "FROM stage." table " WHERE bad = 2"
static const char *const double_faults[] = {
    DOUBLES_FAULT("tags", "extras.tag", "name"),
    DOUBLES_FAULT("manufacturers", "dcim.manufacturer", "name"),
    DOUBLES_FAULT("roles", "dcim.devicerole", "slug"),
    DOUBLES_FAULT("platforms", "dcim.platform", "slug"),
    DOUBLES_FAULT("locations", "dcim.location", "slug"),
    DOUBLES_FAULT("prefixes", "ipam.prefix", "length"),
};

/* Of an incremental sync: the gateways of prefixes that stand elsewhere than on the prefix were not all read.
 */
static const char keep_routers[] = "UPDATE stage.prefixes SET router = (SELECT m.router FROM prefixes m "
                                   "WHERE m.netbox_id = stage.prefixes.id AND "
                                   "m.first = stage.prefixes.first) WHERE router IS NULL AND ?1 AND NOT "
                                   "EXISTS (SELECT 1 FROM stage.gateways g WHERE "
                                   "g.address BETWEEN stage.prefixes.first AND stage.prefixes.last)";

int sync_catalogue_apply(struct sync *y, const struct sync_options *o, int64_t at_ms, int64_t *ret_written,
                         struct err *e)
{
    *ret_written = 0;
    if (o->keep_routers && db_run(y->s, keep_routers, DB_VALUES(db_i(1)), e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < TABLES; i++) {
        if (table_apply(y->s, i, at_ms, ret_written, e) < 0) {
            return err_prefix(e, "%s", sync_type(tables[i].kind));
        }
    }
    for (size_t i = 0; i < sizeof double_faults / sizeof *double_faults; i++) {
        if (db_run(y->s, double_faults[i], NULL, 0, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What refers goes before what is referred to. */
int sync_catalogue_clean(struct sync *y, int64_t at_ms, struct err *e)
{
    (void)at_ms;
    for (size_t i = TABLES; i-- > 0;) {
        const struct db_value v[] = {db_i(y->full), db_i(tables[i].kind)};
        if (db_run(y->s, tables[i].drop, v, 2, e) < 0 || db_run(y->s, tables[i].free, v, 2, e) < 0) {
            return err_prefix(e, "%s", sync_type(tables[i].kind));
        }
    }
    return 0;
}

/* ---- addresses of no interface */

#define IP_COLUMNS "address, length, interface_id, status, role, dns_name, tenant_id, " EXTRA
static const char *const free_ips[] = {
    "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, sentence) SELECT 'double-address', "
    "'ipam.ipaddress', "
    "id, 'the address is there more than once in the global table; this one was left out' FROM stage.ips v "
    "WHERE "
    "v.interface IS NULL AND NOT v.bad AND ?1 AND EXISTS (SELECT 1 FROM stage.ips x WHERE x.address = "
    "v.address AND "
    "x.id <> v.id AND (x.interface IS NOT NULL OR x.id < v.id))",
    "UPDATE stage.ips SET bad = 1 WHERE ?1 AND interface IS NULL AND NOT bad AND (EXISTS (SELECT 1 FROM "
    "stage.ips x "
    "WHERE x.address = stage.ips.address AND x.id <> stage.ips.id AND (x.interface IS NOT NULL OR x.id < "
    "stage.ips.id)) "
    "OR EXISTS (SELECT 1 FROM ip_addresses m WHERE m.address = stage.ips.address AND m.interface_id IS NOT "
    "NULL AND "
    "m.netbox_id IS NOT stage.ips.id))",
    "DELETE FROM ip_addresses WHERE ?1 AND id IN (SELECT m.id FROM v_free_ips v JOIN ip_addresses m ON "
    "m.address = "
    "v.address OR m.netbox_id = v.netbox_id WHERE (m.address, m.netbox_id) IS NOT (v.address, v.netbox_id))",
    "INSERT INTO ip_addresses (netbox_id, is_primary, created_ms, updated_ms, " IP_COLUMNS
    ") SELECT netbox_id, 0, ?1, ?1, " IP_COLUMNS
    " FROM v_free_ips v WHERE NOT EXISTS (SELECT 1 FROM ip_addresses m WHERE m.netbox_id = v.netbox_id)",
    "UPDATE ip_addresses SET (is_primary, " IP_COLUMNS ") = (SELECT 0, " IP_COLUMNS
    " FROM v_free_ips v WHERE v.netbox_id = ip_addresses.netbox_id), updated_ms = max(?1, updated_ms + 1) "
    "WHERE "
    "netbox_id IN (SELECT netbox_id FROM (SELECT netbox_id, " IP_COLUMNS
    " FROM v_free_ips EXCEPT SELECT netbox_id, " IP_COLUMNS " FROM ip_addresses WHERE interface_id IS NULL))",
};

int sync_free_addresses_apply(struct sync *y, int64_t at_ms, struct err *e)
{
    static const char drop[] =
        "DELETE FROM ip_addresses WHERE netbox_id IS NOT NULL AND interface_id IS NULL AND (?1 OR netbox_id "
        "IN (SELECT "
        "id FROM stage.touched WHERE kind = ?2)) AND NOT EXISTS (SELECT 1 FROM stage.ips v WHERE v.id = "
        "ip_addresses.netbox_id)";
    if (db_run(y->s, drop, DB_VALUES(db_i(y->full), db_i(SYNC_IP)), e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof free_ips / sizeof *free_ips; i++) {
        if (db_run(y->s, free_ips[i], DB_VALUES(db_i(at_ms)), e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* store_schema: the numbered migrations. A migration that has been released is never edited: the next one
 * changes what it made. */
#include "inventory/store_sql.h"

/* MAC addresses and IP addresses are integers and row keys: a lookup is one walk down one tree. */
static const char inventory_1[] =
    "CREATE TABLE sites     (id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;"
    "CREATE TABLE tenants   (id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;"
    "CREATE TABLE roles     (id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;"
    "CREATE TABLE platforms (id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;"
    "CREATE TABLE racks ("
    "  id INTEGER PRIMARY KEY, site_id INTEGER REFERENCES sites(id), slug TEXT NOT NULL, name TEXT NOT NULL) "
    "STRICT;"
    "CREATE UNIQUE INDEX racks_slug ON racks(ifnull(site_id, 0), slug);"

    "CREATE TABLE images (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE releases ("
    "  id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images(id), version TEXT NOT NULL,"
    "  digest TEXT NOT NULL UNIQUE CHECK (length(digest) = 64),"
    "  disk_size INTEGER NOT NULL, data_size INTEGER NOT NULL, pack_size INTEGER NOT NULL, created_ms "
    "INTEGER NOT NULL,"
    "  UNIQUE (image_id, version)) STRICT;"
    "CREATE INDEX releases_newest ON releases(image_id, created_ms, id);"

    "CREATE TABLE devices ("
    "  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    "  site_id INTEGER REFERENCES sites(id), rack_id INTEGER REFERENCES racks(id), tenant_id INTEGER "
    "REFERENCES tenants(id),"
    "  role_id INTEGER REFERENCES roles(id), platform_id INTEGER REFERENCES platforms(id),"
    "  model TEXT NOT NULL DEFAULT '', serial TEXT NOT NULL DEFAULT '', disk TEXT NOT NULL DEFAULT '',"
    "  protected INTEGER NOT NULL DEFAULT 0 CHECK (protected IN (0, 1)),"
    "  state TEXT NOT NULL CHECK (state IN ('idle', 'armed', 'booting', 'installing', 'installed', "
    "'starting', 'enrolling', 'ready', 'failed')),"
    "  reason TEXT NOT NULL DEFAULT '', state_ms INTEGER NOT NULL,"
    "  assigned TEXT NOT NULL DEFAULT '',"
    "  installed_id INTEGER REFERENCES releases(id), installed_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE interfaces ("
    "  id INTEGER PRIMARY KEY, device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE CASCADE, position "
    "INTEGER NOT NULL,"
    "  name TEXT NOT NULL, is_primary INTEGER NOT NULL CHECK (is_primary IN (0, 1)),"
    "  UNIQUE (device_id, position), UNIQUE (device_id, name)) STRICT;"
    "CREATE TABLE mac_addresses ("
    "  mac INTEGER PRIMARY KEY, interface_id INTEGER NOT NULL UNIQUE REFERENCES interfaces(id) ON DELETE "
    "CASCADE) STRICT;"
    "CREATE TABLE ip_addresses ("
    "  address INTEGER PRIMARY KEY CHECK (address BETWEEN 0 AND 4294967295), length INTEGER NOT NULL CHECK "
    "(length BETWEEN 0 AND 32),"
    "  interface_id INTEGER NOT NULL UNIQUE REFERENCES interfaces(id) ON DELETE CASCADE) STRICT;"
    "CREATE TABLE strangers ("
    "  mac INTEGER PRIMARY KEY, address INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT "
    "NULL,"
    "  times INTEGER NOT NULL, arch TEXT NOT NULL, facts TEXT NOT NULL) STRICT;"
    "CREATE INDEX strangers_last ON strangers(last_ms);"

    "CREATE TABLE jobs ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,"
    "  device_id INTEGER NOT NULL REFERENCES devices(id), release_id INTEGER NOT NULL REFERENCES "
    "releases(id),"
    "  disk_selector TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('armed', 'claimed', 'written', 'done', 'failed', 'cancelled', "
    "'expired')),"
    "  reason TEXT NOT NULL DEFAULT '', machine TEXT NOT NULL DEFAULT '', disk TEXT NOT NULL DEFAULT '',"
    "  was_ready INTEGER NOT NULL," /* where a device goes back to when its job comes to nothing */
    "  created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, expiry_s INTEGER NOT NULL,"
    "  claimed_ms INTEGER NOT NULL DEFAULT 0, written_ms INTEGER NOT NULL DEFAULT 0,"
    "  bytes_done INTEGER NOT NULL DEFAULT 0, bytes_total INTEGER NOT NULL DEFAULT 0, rate INTEGER NOT NULL "
    "DEFAULT 0,"
    "  progress_ms INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX jobs_device ON jobs(device_id, id);"
    "CREATE UNIQUE INDEX jobs_live ON jobs(device_id) WHERE state IN ('armed', 'claimed');"
    "CREATE INDEX jobs_expiry ON jobs(expires_ms) WHERE state IN ('armed', 'claimed');"
    "CREATE TABLE tokens ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
    "  job_id INTEGER NOT NULL REFERENCES jobs(id), kind TEXT NOT NULL CHECK (kind IN ('install', 'enrol')),"
    "  bound INTEGER NOT NULL DEFAULT 0 CHECK (bound IN (0, 1)), created_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX tokens_job ON tokens(job_id, kind, id);"

    "CREATE TABLE enrolments ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL UNIQUE REFERENCES jobs(id),"
    "  minion_id TEXT NOT NULL, pubkey TEXT NOT NULL, ssh_host_keys TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('posted', 'accepted', 'ready', 'failed')),"
    "  attempts INTEGER NOT NULL DEFAULT 0, posted_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL,"
    "  last_error TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX enrolments_due ON enrolments(next_ms) WHERE state IN ('posted', 'accepted');"

    "CREATE TABLE journal ("
    "  id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, device_id INTEGER REFERENCES devices(id), device TEXT "
    "NOT NULL,"
    "  mac TEXT NOT NULL, actor TEXT NOT NULL, event TEXT NOT NULL, detail TEXT NOT NULL,"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;"
    "CREATE INDEX journal_device ON journal(device_id, id);"
    "CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT raise(ABORT, 'the journal is "
    "append-only'); END;"
    "CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT raise(ABORT, 'the journal is "
    "append-only'); END;";

/* What dhcpd did not answer, by MAC address (0: none) and reason. */
static const char inventory_2[] =
    "CREATE TABLE silences ("
    "  mac INTEGER NOT NULL, reason TEXT NOT NULL, sentence TEXT NOT NULL,"
    "  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, times INTEGER NOT NULL, UNIQUE (mac, reason)) "
    "STRICT;"
    "CREATE INDEX silences_last ON silences(last_ms);"
    "CREATE TABLE full_pools ("
    "  net INTEGER NOT NULL, length INTEGER NOT NULL, full_ms INTEGER NOT NULL, PRIMARY KEY (net, length)) "
    "STRICT;";

/* Whose turn it is to be written; whom a token and a job are bound to; how fast strangers report. A device
 * that was removed keeps its row, since journal and jobs refer to it and its number must never be another's.
 */
static const char inventory_3[] =
    "CREATE TABLE turns ("
    "  job_id INTEGER PRIMARY KEY REFERENCES jobs(id), since_ms INTEGER NOT NULL, asked_ms INTEGER NOT NULL,"
    "  said_place INTEGER NOT NULL) STRICT;"
    "CREATE INDEX jobs_claimed ON jobs(progress_ms) WHERE state = 'claimed';"
    "ALTER TABLE jobs ADD COLUMN nic INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE tokens ADD COLUMN nic INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE tokens ADD COLUMN peer INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE tokens ADD COLUMN hello_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE strangers ADD COLUMN facts_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE strangers ADD COLUMN facts_peer INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX strangers_facts ON strangers(facts_ms) WHERE facts_ms > 0;"
    "ALTER TABLE devices ADD COLUMN removed_ms INTEGER NOT NULL DEFAULT 0;";

/* Which loader each MAC address was sent, and what became of it. */
static const char inventory_4[] =
    "CREATE TABLE ladders ("
    "  mac INTEGER PRIMARY KEY, client TEXT NOT NULL, offered TEXT NOT NULL, before TEXT NOT NULL,"
    "  moved_ms INTEGER NOT NULL, fetched TEXT NOT NULL, fetched_ms INTEGER NOT NULL, heard_ms INTEGER NOT "
    "NULL, settled TEXT NOT NULL, failed TEXT NOT NULL) STRICT;";

/* Sets of DHCP options (dhcp_option.h), each kept once. None is ever changed or deleted, so that its number
 * means the same for ever. */
static const char inventory_5[] =
    "CREATE TABLE dhcp_options (id INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB NOT NULL UNIQUE) STRICT;"
    "ALTER TABLE sites ADD COLUMN options_id INTEGER REFERENCES dhcp_options(id);"
    "ALTER TABLE roles ADD COLUMN options_id INTEGER REFERENCES dhcp_options(id);"
    "ALTER TABLE devices ADD COLUMN options_id INTEGER REFERENCES dhcp_options(id);";

/* Which devices have changed, in what a roster (roster.h) keeps of them, by whatever process: one row a
 * device, so that it does not grow, with a number that only rises. A journal's entry or a lease is no change
 * of a device, nor is what an installer reports each second, nor the name of a site that an import repeats.
 */
#define CHANGED(select)                                                                                      \
    "INSERT INTO device_changes (device_id, seq)"                                                            \
    " SELECT " select " ON CONFLICT (device_id) DO UPDATE SET seq = excluded.seq;"
#define SEQ         ", (SELECT ifnull(max(seq), 0) + 1 FROM device_changes) "
#define DEVICE(id)  CHANGED(id SEQ "WHERE true")
#define OF_NIC(id)  CHANGED("device_id" SEQ "FROM interfaces WHERE id = " id)
#define ALL_OF(key) CHANGED("id" SEQ "FROM devices WHERE " key " = NEW.id")
#define WATCH(table, of, change_new, change_old)                                                             \
    "CREATE TRIGGER roster_" table "_insert AFTER INSERT ON " table " BEGIN " change_new " END;"             \
    "CREATE TRIGGER roster_" table "_update AFTER UPDATE" of " ON " table " BEGIN " change_old change_new    \
    " END;"                                                                                                  \
    "CREATE TRIGGER roster_" table "_delete AFTER DELETE ON " table " BEGIN " change_old " END;"
static const char inventory_6[] =
    "CREATE TABLE device_changes (device_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;"
    "CREATE INDEX device_changes_seq ON device_changes(seq);"
    /* clang-format off */
    WATCH("devices", " OF name, site_id, rack_id, tenant_id, role_id, platform_id, assigned, reason, protected, state, options_id, removed_ms",
          DEVICE("NEW.id"), DEVICE("OLD.id"))
    WATCH("interfaces", "", DEVICE("NEW.device_id"), DEVICE("OLD.device_id"))
    WATCH("mac_addresses", "", OF_NIC("NEW.interface_id"), OF_NIC("OLD.interface_id"))
    WATCH("ip_addresses", "", OF_NIC("NEW.interface_id"), OF_NIC("OLD.interface_id"))
    WATCH("jobs", " OF device_id, release_id, state, reason, machine", DEVICE("NEW.device_id"), DEVICE("OLD.device_id"))
    "CREATE TRIGGER roster_roles_update AFTER UPDATE OF slug, options_id ON roles BEGIN " ALL_OF("role_id") " END;"
    "CREATE TRIGGER roster_sites_update AFTER UPDATE OF slug, options_id ON sites BEGIN " ALL_OF("site_id") " END;";
/* clang-format on */

/* What the disk that a job was claimed for is known by, beside the serial number in its text: not every disk
 * has one. */
static const char inventory_7[] = "ALTER TABLE jobs ADD COLUMN disk_wwn TEXT NOT NULL DEFAULT '';"
                                  "ALTER TABLE jobs ADD COLUMN disk_size INTEGER NOT NULL DEFAULT 0;";

/* NetBox's objects, in NetBox's words (api/README.md). Addresses are integers for
 * IPv4 and 16 bytes for IPv6 in one column: the two never compare as equal, and a range of one holds none of
 * the other. Numbers of what the API shows are never another's later: AUTOINCREMENT where rows go; but those
 * of the older sites, tenants, roles, platforms and racks can be.
 *
 * netbox_id: this row is a NetBox's, by that number there. created_ms, updated_ms: set by who writes; 0: not
 * known. custom_fields: a JSON object of the user's own fields. */
#define RECORD                                                                                               \
    "description TEXT NOT NULL DEFAULT '', comments TEXT NOT NULL DEFAULT '', custom_fields TEXT NOT NULL "  \
    "DEFAULT '{}', created_ms INTEGER NOT NULL DEFAULT 0, updated_ms INTEGER NOT NULL DEFAULT 0, "           \
    "netbox_id INTEGER UNIQUE"
#define GROW(table)                                                                                          \
    "ALTER TABLE " table " ADD COLUMN description TEXT NOT NULL DEFAULT '';"                                 \
    "ALTER TABLE " table " ADD COLUMN comments TEXT NOT NULL DEFAULT '';"                                    \
    "ALTER TABLE " table " ADD COLUMN custom_fields TEXT NOT NULL DEFAULT '{}';"                             \
    "ALTER TABLE " table " ADD COLUMN created_ms INTEGER NOT NULL DEFAULT 0;"                                \
    "ALTER TABLE " table " ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0;"                                \
    "ALTER TABLE " table " ADD COLUMN netbox_id INTEGER;"                                                    \
    "CREATE UNIQUE INDEX " table "_netbox ON " table "(netbox_id);"
#define UNTAG(table, model)                                                                                  \
    "CREATE TRIGGER untag_" table " AFTER DELETE ON " table                                                  \
    " BEGIN DELETE FROM tagged WHERE model = '" model "' AND object_id = OLD.id; END;"
static const char inventory_8[] =
    "CREATE TABLE tags ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, slug TEXT NOT NULL UNIQUE,"
    "  color TEXT NOT NULL DEFAULT '9e9e9e', weight INTEGER NOT NULL DEFAULT 1000, " RECORD ") STRICT;"
    /* model: as NetBox names it, "dcim.device" */
    "CREATE TABLE tagged ("
    "  model TEXT NOT NULL, object_id INTEGER NOT NULL, tag_id INTEGER NOT NULL REFERENCES tags(id) ON "
    "DELETE "
    "CASCADE, PRIMARY KEY (model, object_id, tag_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tagged_tag ON tagged(tag_id, model, object_id);"
    /* object_types, choices: JSON lists; default_value: JSON. The fields that are built in have no row. */
    "CREATE TABLE custom_fields ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, label TEXT NOT NULL DEFAULT '',"
    "  type TEXT NOT NULL DEFAULT 'text', object_types TEXT NOT NULL DEFAULT '[]', required INTEGER NOT NULL "
    "DEFAULT 0 CHECK (required IN (0, 1)), default_value TEXT NOT NULL DEFAULT 'null', choices TEXT NOT NULL "
    "DEFAULT '[]', weight INTEGER NOT NULL DEFAULT 100, " RECORD ") STRICT;"
    /* What people note on an object (NetBox's extras.journalentry); `journal` is what happened. */
    "CREATE TABLE journal_entries ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, object_type TEXT NOT NULL, object_id INTEGER NOT NULL,"
    "  kind TEXT NOT NULL DEFAULT 'info', created_by TEXT NOT NULL DEFAULT '', " RECORD ") STRICT;"
    "CREATE INDEX journal_entries_object ON journal_entries(object_type, object_id, id);"

    /* clang-format off */
    GROW("sites") GROW("tenants") GROW("roles") GROW("platforms") GROW("racks") GROW("devices")
    /* clang-format on */
    "ALTER TABLE sites ADD COLUMN status TEXT NOT NULL DEFAULT 'active';"
    "ALTER TABLE sites ADD COLUMN tenant_id INTEGER REFERENCES tenants(id);"
    "ALTER TABLE sites ADD COLUMN facility TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sites ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sites ADD COLUMN physical_address TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE sites ADD COLUMN shipping_address TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE locations ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, site_id INTEGER NOT NULL REFERENCES sites(id), parent_id "
    "INTEGER "
    "REFERENCES locations(id), name TEXT NOT NULL, slug TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'active',"
    "  tenant_id INTEGER REFERENCES tenants(id), facility TEXT NOT NULL DEFAULT '', " RECORD
    ", UNIQUE (site_id, slug)) STRICT;"
    "CREATE INDEX locations_parent ON locations(parent_id);"
    "ALTER TABLE racks ADD COLUMN location_id INTEGER REFERENCES locations(id);"
    "ALTER TABLE racks ADD COLUMN tenant_id INTEGER REFERENCES tenants(id);"
    "ALTER TABLE racks ADD COLUMN status TEXT NOT NULL DEFAULT 'active';"
    "ALTER TABLE racks ADD COLUMN facility_id TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE racks ADD COLUMN serial TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE racks ADD COLUMN asset_tag TEXT;"
    "ALTER TABLE racks ADD COLUMN u_height INTEGER NOT NULL DEFAULT 42;"
    "CREATE TABLE manufacturers ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, slug TEXT NOT NULL UNIQUE, " RECORD
    ") STRICT;"
    "CREATE TABLE device_types ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, manufacturer_id INTEGER NOT NULL REFERENCES manufacturers(id),"
    "  model TEXT NOT NULL, slug TEXT NOT NULL, part_number TEXT NOT NULL DEFAULT '', u_height REAL NOT NULL "
    "DEFAULT 1, is_full_depth INTEGER NOT NULL DEFAULT 1 CHECK (is_full_depth IN (0, 1)), " RECORD
    ", UNIQUE (manufacturer_id, model), UNIQUE (manufacturer_id, slug)) STRICT;"
    "CREATE INDEX device_types_model ON device_types(model);"
    "ALTER TABLE roles ADD COLUMN color TEXT NOT NULL DEFAULT '9e9e9e';"
    "ALTER TABLE roles ADD COLUMN vm_role INTEGER NOT NULL DEFAULT 1 CHECK (vm_role IN (0, 1));"
    "ALTER TABLE platforms ADD COLUMN manufacturer_id INTEGER REFERENCES manufacturers(id);"

    /* status: NetBox's, beside our state. config_context: as NetBox rendered it. netbox_image: the image that
     * a NetBox asked for when it was last acted upon; NULL: never. */
    "ALTER TABLE devices ADD COLUMN device_type_id INTEGER REFERENCES device_types(id);"
    "ALTER TABLE devices ADD COLUMN location_id INTEGER REFERENCES locations(id);"
    "ALTER TABLE devices ADD COLUMN status TEXT NOT NULL DEFAULT 'planned' CHECK (status IN ('offline', "
    "'active', 'planned', 'staged', 'failed', 'inventory', 'decommissioning'));"
    "ALTER TABLE devices ADD COLUMN asset_tag TEXT;"
    "ALTER TABLE devices ADD COLUMN position REAL;"
    "ALTER TABLE devices ADD COLUMN face TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE devices ADD COLUMN config_context TEXT NOT NULL DEFAULT '{}';"
    "ALTER TABLE devices ADD COLUMN local_context TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE devices ADD COLUMN primary_ip4_id INTEGER;"
    "ALTER TABLE devices ADD COLUMN primary_ip6_id INTEGER;"
    "ALTER TABLE devices ADD COLUMN oob_ip_id INTEGER;"
    "ALTER TABLE devices ADD COLUMN netbox_image TEXT;"
    "CREATE UNIQUE INDEX devices_asset_tag ON devices(asset_tag);"
    /* with removed_ms, so that counting the devices of a type reads none of them */
    "CREATE INDEX devices_tenant ON devices(tenant_id, removed_ms);"
    "CREATE INDEX devices_site ON devices(site_id, removed_ms);"
    "CREATE INDEX devices_location ON devices(location_id, removed_ms);"
    "CREATE INDEX devices_rack ON devices(rack_id, removed_ms);"
    "CREATE INDEX devices_type ON devices(device_type_id, removed_ms);"
    "CREATE INDEX devices_role ON devices(role_id, removed_ms);"
    "CREATE INDEX devices_platform ON devices(platform_id, removed_ms);"
    "INSERT INTO manufacturers (name, slug) SELECT 'Generic', 'generic' WHERE EXISTS (SELECT 1 FROM devices "
    "WHERE model <> '');"
    "INSERT INTO device_types (manufacturer_id, model, slug) SELECT 1, model, 'model-' || min(id) FROM "
    "devices "
    "WHERE model <> '' GROUP BY model;"
    "UPDATE devices SET status = CASE state WHEN 'ready' THEN 'active' WHEN 'failed' THEN 'failed' ELSE "
    "'planned' END, device_type_id = (SELECT t.id FROM device_types t WHERE t.model = devices.model);"
    "ALTER TABLE devices DROP COLUMN model;"

    /* position: the order in which a device shows its interfaces. is_primary: the device's management
     * interface, the one of its primary address. */
    "CREATE TABLE new_interfaces ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, device_id INTEGER NOT NULL REFERENCES devices(id) ON DELETE "
    "CASCADE, position INTEGER NOT NULL DEFAULT 0, name TEXT NOT NULL, is_primary INTEGER NOT NULL DEFAULT 0 "
    "CHECK (is_primary IN (0, 1)), label TEXT NOT NULL DEFAULT '', type TEXT NOT NULL DEFAULT 'other', "
    "enabled "
    "INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)), mgmt_only INTEGER NOT NULL DEFAULT 0 CHECK "
    "(mgmt_only IN (0, 1)), mtu INTEGER, speed INTEGER, " RECORD ", UNIQUE (device_id, name)) STRICT;"
    "INSERT INTO new_interfaces (id, device_id, position, name, is_primary) SELECT id, device_id, position, "
    "name, is_primary FROM interfaces;"
    /* is_primary: the one that the interface boots with; at most one of an interface */
    "CREATE TABLE new_mac_addresses ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, mac INTEGER NOT NULL UNIQUE, interface_id INTEGER REFERENCES "
    "new_interfaces(id) ON DELETE CASCADE, is_primary INTEGER NOT NULL DEFAULT 1 CHECK (is_primary IN (0, "
    "1)), " RECORD ") STRICT;"
    "INSERT INTO new_mac_addresses (mac, interface_id) SELECT mac, interface_id FROM mac_addresses;"
    /* is_primary: the one that DHCP gives to the interface; at most one of an interface, and IPv4 */
    "CREATE TABLE new_ip_addresses ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, address ANY NOT NULL UNIQUE CHECK (CASE typeof(address) WHEN "
    "'integer' THEN address BETWEEN 0 AND 4294967295 ELSE typeof(address) = 'blob' AND length(address) = 16 "
    "END), length INTEGER NOT NULL CHECK (length BETWEEN 0 AND CASE typeof(address) WHEN 'integer' THEN 32 "
    "ELSE 128 END), interface_id INTEGER REFERENCES new_interfaces(id) ON DELETE CASCADE,"
    "  is_primary INTEGER NOT NULL DEFAULT 0 CHECK (is_primary = 0 OR typeof(address) = 'integer'),"
    "  status TEXT NOT NULL DEFAULT 'active', role TEXT NOT NULL DEFAULT '', dns_name TEXT NOT NULL DEFAULT "
    "'', tenant_id INTEGER REFERENCES tenants(id), " RECORD ") STRICT;"
    "INSERT INTO new_ip_addresses (address, length, interface_id, is_primary) SELECT address, length, "
    "interface_id, 1 FROM ip_addresses;"
    "DROP TABLE mac_addresses; DROP TABLE ip_addresses; DROP TABLE interfaces;"
    "ALTER TABLE new_interfaces RENAME TO interfaces;"
    "ALTER TABLE new_mac_addresses RENAME TO mac_addresses;"
    "ALTER TABLE new_ip_addresses RENAME TO ip_addresses;"
    "CREATE INDEX mac_addresses_interface ON mac_addresses(interface_id);"
    "CREATE UNIQUE INDEX mac_addresses_primary ON mac_addresses(interface_id) WHERE is_primary = 1;"
    "CREATE INDEX ip_addresses_interface ON ip_addresses(interface_id);"
    "CREATE UNIQUE INDEX ip_addresses_primary ON ip_addresses(interface_id) WHERE is_primary = 1;"
    "UPDATE devices SET primary_ip4_id = (SELECT a.id FROM interfaces i JOIN ip_addresses a ON "
    "a.interface_id "
    "= i.id WHERE i.device_id = devices.id ORDER BY i.is_primary DESC, i.position LIMIT 1);"

    /* first, last: its first and last address. router: the machines' gateway in it (IPv4), which NetBox has
     * no field for. */
    "CREATE TABLE prefixes ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, first ANY NOT NULL, last ANY NOT NULL, length INTEGER NOT NULL,"
    "  router INTEGER, site_id INTEGER REFERENCES sites(id), location_id INTEGER REFERENCES locations(id),"
    "  tenant_id INTEGER REFERENCES tenants(id), status TEXT NOT NULL DEFAULT 'active', is_pool INTEGER NOT "
    "NULL DEFAULT 0 CHECK (is_pool IN (0, 1)), mark_utilized INTEGER NOT NULL DEFAULT 0 CHECK (mark_utilized "
    "IN (0, 1)), " RECORD ", UNIQUE (first, length)) STRICT;"
    /* One number that rises with each change of a prefix: who keeps them in memory reads them anew. */
    "CREATE TABLE prefix_changes (seq INTEGER NOT NULL) STRICT; INSERT INTO prefix_changes VALUES (0);"
    "CREATE TRIGGER prefixes_insert AFTER INSERT ON prefixes BEGIN UPDATE prefix_changes SET seq = seq + 1; "
    "END;"
    "CREATE TRIGGER prefixes_update AFTER UPDATE ON prefixes BEGIN UPDATE prefix_changes SET seq = seq + 1; "
    "END;"
    "CREATE TRIGGER prefixes_delete AFTER DELETE ON prefixes BEGIN UPDATE prefix_changes SET seq = seq + 1; "
    "END;"

    /* clang-format off */
    WATCH("interfaces", " OF device_id, position, name, is_primary, mgmt_only", DEVICE("NEW.device_id"), DEVICE("OLD.device_id"))
    WATCH("mac_addresses", " OF mac, interface_id, is_primary", OF_NIC("NEW.interface_id"), OF_NIC("OLD.interface_id"))
    WATCH("ip_addresses", " OF address, length, interface_id, is_primary", OF_NIC("NEW.interface_id"), OF_NIC("OLD.interface_id"))
    UNTAG("sites", "dcim.site") UNTAG("locations", "dcim.location") UNTAG("racks", "dcim.rack")
    UNTAG("manufacturers", "dcim.manufacturer") UNTAG("device_types", "dcim.devicetype") UNTAG("roles", "dcim.devicerole")
    UNTAG("platforms", "dcim.platform") UNTAG("interfaces", "dcim.interface") UNTAG("mac_addresses", "dcim.macaddress")
    UNTAG("prefixes", "ipam.prefix") UNTAG("ip_addresses", "ipam.ipaddress") UNTAG("tenants", "tenancy.tenant")
    /* clang-format on */

    /* hash: SHA-256 of the secret part. rights: of "read", "write", "assign", joined by commas. peers: JSON
     * list of prefixes that it may come from; empty: any. */
    "CREATE TABLE api_tokens ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE, hash BLOB "
    "NOT NULL CHECK (length(hash) = 32), rights TEXT NOT NULL, tenant_id INTEGER REFERENCES tenants(id),"
    "  peers TEXT NOT NULL DEFAULT '[]', created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL DEFAULT 0,"
    "  used_ms INTEGER NOT NULL DEFAULT 0, revoked_ms INTEGER NOT NULL DEFAULT 0) STRICT;"

    /* Of a NetBox that is followed: where the copy stands, what is to be read again at once, and what could
     * not be brought in or looks wrong. */
    "CREATE TABLE sync_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE sync_requests ("
    "  object_type TEXT NOT NULL, object_id INTEGER NOT NULL, event TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    "  PRIMARY KEY (object_type, object_id)) STRICT;"
    "CREATE TABLE sync_faults ("
    "  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, sentence TEXT NOT NULL, object_type TEXT NOT NULL,"
    "  netbox_id INTEGER NOT NULL, device TEXT NOT NULL DEFAULT '', since_ms INTEGER NOT NULL, UNIQUE (kind, "
    "object_type, netbox_id)) STRICT;";

/* Entries of the journal say from which address, and what was before and after; `form` says which fields an
 * entry's hash covers. The head is kept beside them, so that an end that was cut off shows. */
static const char inventory_9[] =
    "ALTER TABLE journal ADD COLUMN form INTEGER NOT NULL DEFAULT 1 CHECK (form IN (1, 2));"
    "ALTER TABLE journal ADD COLUMN address TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE journal ADD COLUMN before_json TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE journal ADD COLUMN after_json TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE journal_head ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, hash BLOB NOT NULL CHECK (length(hash) "
    "= "
    "32)) STRICT;"
    "INSERT INTO journal_head SELECT 1, id, hash FROM (SELECT id, hash FROM journal UNION ALL SELECT 0, "
    "zeroblob(32)) ORDER BY id DESC LIMIT 1;";

/* What the installer found in a device, as it said it; and what a NetBox would not take of what it was told.
 */
static const char inventory_10[] = "CREATE TABLE hardware ("
                                   "  device_id INTEGER PRIMARY KEY REFERENCES devices(id) ON DELETE "
                                   "CASCADE, facts TEXT NOT NULL, at_ms INTEGER "
                                   "NOT NULL) STRICT;"
                                   "CREATE TABLE netbox_owed ("
                                   "  device_id INTEGER PRIMARY KEY REFERENCES devices(id) ON DELETE "
                                   "CASCADE, wanted INTEGER NOT NULL) STRICT;";

/* Few addresses say a tenant of their own: what asks for a tenant's looks at these alone. */
static const char inventory_11[] =
    "CREATE INDEX ip_addresses_tenant ON ip_addresses(tenant_id) WHERE tenant_id IS NOT NULL;";

/* What a followed NetBox wants a device to carry; netbox_image is what was acted upon. */
static const char inventory_12[] =
    "ALTER TABLE devices ADD COLUMN netbox_wish TEXT;"
    "CREATE INDEX devices_wish ON devices(id) WHERE netbox_wish IS NOT netbox_image;";

/* A transaction that changes many devices says once of each that it has: while it holds them (a row in
 * roster_hold, which it takes away before its end), the triggers say nothing of what it writes. */
#define WATCH_UNHELD(table, of, change_new, change_old)                                                      \
    "DROP TRIGGER roster_" table "_insert; DROP TRIGGER roster_" table "_update; DROP TRIGGER roster_" table \
    "_delete;"                                                                                               \
    "CREATE TRIGGER roster_" table "_insert AFTER INSERT ON " table HOLDS change_new " END;"                 \
    "CREATE TRIGGER roster_" table "_update AFTER UPDATE OF " of " ON " table HOLDS change_old change_new    \
    " END;"                                                                                                  \
    "CREATE TRIGGER roster_" table "_delete AFTER DELETE ON " table HOLDS change_old " END;"
#define HOLDS " WHEN NOT EXISTS (SELECT 1 FROM roster_hold) BEGIN "
static const char inventory_13[] = "CREATE TABLE roster_hold (held INTEGER NOT NULL) STRICT;"
    /* clang-format off */
    WATCH_UNHELD("devices", "name, site_id, rack_id, tenant_id, role_id, platform_id, assigned, reason, protected, state, options_id, removed_ms",
                 DEVICE("NEW.id"), DEVICE("OLD.id"))
    WATCH_UNHELD("interfaces", "device_id, position, name, is_primary, mgmt_only", DEVICE("NEW.device_id"), DEVICE("OLD.device_id"))
    WATCH_UNHELD("mac_addresses", "mac, interface_id, is_primary", OF_NIC("NEW.interface_id"), OF_NIC("OLD.interface_id"))
    WATCH_UNHELD("ip_addresses", "address, length, interface_id, is_primary", OF_NIC("NEW.interface_id"), OF_NIC("OLD.interface_id"));
/* clang-format on */

/* The assignment was only written down: a machine that carries the image already, which no job of ours has
 * written. That it has had no job is no reason to arm one. */
static const char inventory_14[] =
    "ALTER TABLE devices ADD COLUMN noted INTEGER NOT NULL DEFAULT 0 CHECK (noted IN (0, 1));";

/* Notes go with what they are on, whoever deletes it: the numbers of sites and their like are given again,
 * and nobody is to read what was noted on another's. What counts racks and prefixes by where they are finds
 * them. */
#define UNNOTE(table, model)                                                                                 \
    "CREATE TRIGGER unnote_" table " AFTER DELETE ON " table                                                 \
    " BEGIN DELETE FROM journal_entries WHERE object_type = '" model "' AND object_id = OLD.id; END;"
static const char inventory_15[] =
    /* clang-format off */
    UNNOTE("sites", "dcim.site") UNNOTE("locations", "dcim.location") UNNOTE("racks", "dcim.rack")
    UNNOTE("manufacturers", "dcim.manufacturer") UNNOTE("device_types", "dcim.devicetype") UNNOTE("roles", "dcim.devicerole")
    UNNOTE("platforms", "dcim.platform") UNNOTE("interfaces", "dcim.interface") UNNOTE("mac_addresses", "dcim.macaddress")
    UNNOTE("prefixes", "ipam.prefix") UNNOTE("ip_addresses", "ipam.ipaddress") UNNOTE("tenants", "tenancy.tenant")
    UNNOTE("tags", "extras.tag") UNNOTE("custom_fields", "extras.customfield") UNNOTE("journal_entries", "extras.journalentry")
    UNTAG("journal_entries", "extras.journalentry")
    /* clang-format on */
    "CREATE INDEX racks_site ON racks(site_id);"
    "CREATE INDEX racks_location ON racks(location_id);"
    "CREATE INDEX racks_tenant ON racks(tenant_id);"
    "CREATE INDEX prefixes_site ON prefixes(site_id);"
    "CREATE INDEX prefixes_location ON prefixes(location_id);"
    "CREATE INDEX prefixes_tenant ON prefixes(tenant_id);"
    "UPDATE prefixes SET site_id = (SELECT l.site_id FROM locations l WHERE l.id = location_id) WHERE "
    "location_id IS NOT NULL;";

/* Who armed the job: what a NetBox asked for, a NetBox may take back. */
static const char inventory_16[] = "ALTER TABLE jobs ADD COLUMN actor TEXT NOT NULL DEFAULT '';";

static const char *const inventory_sql[] = {inventory_1,  inventory_2,  inventory_3,  inventory_4,
                                            inventory_5,  inventory_6,  inventory_7,  inventory_8,
                                            inventory_9,  inventory_10, inventory_11, inventory_12,
                                            inventory_13, inventory_14, inventory_15, inventory_16};

const struct migrations inventory_migrations = {.sql = inventory_sql,
                                                .n = sizeof inventory_sql / sizeof *inventory_sql};

static const char lease_1[] =
    "CREATE TABLE leases ("
    "  address INTEGER PRIMARY KEY, mac INTEGER NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('bound', 'released', 'declined', 'expired')),"
    "  since_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, hostname TEXT NOT NULL) STRICT;";

static const char *const lease_sql[] = {lease_1};

const struct migrations lease_migrations = {.sql = lease_sql, .n = sizeof lease_sql / sizeof *lease_sql};

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

static const char *const inventory_sql[] = {inventory_1, inventory_2, inventory_3, inventory_4,
                                            inventory_5, inventory_6, inventory_7};

const struct migrations inventory_migrations = {.sql = inventory_sql,
                                                .n = sizeof inventory_sql / sizeof *inventory_sql};

static const char lease_1[] =
    "CREATE TABLE leases ("
    "  address INTEGER PRIMARY KEY, mac INTEGER NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('bound', 'released', 'declined', 'expired')),"
    "  since_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, hostname TEXT NOT NULL) STRICT;";

static const char *const lease_sql[] = {lease_1};

const struct migrations lease_migrations = {.sql = lease_sql, .n = sizeof lease_sql / sizeof *lease_sql};

/* store_sync_check: what is on the stage against the store: what cannot be brought in, what would go, what
 * differs. Reads the store and writes the stage alone. */
#include <stdlib.h>
#include <string.h>

#include "inventory/store_sync.h"

#define DROP_ALWAYS 3 /* so few may go without a question */

int sync_run(struct store *s, const char *const *sql, size_t n, int64_t a, int64_t b, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct db_value v[] = {db_i(a), db_i(b)};
        size_t bound = strstr(sql[i], "?2") ? 2 : strstr(sql[i], "?1") ? 1 : 0;
        if (db_run(s, sql[i], v, bound, e) < 0) {
            return -1;
        }
    }
    return 0;
}

#define MAC_TEXT(x)                                                                                          \
    "(SELECT "                                                                                               \
    "substr(h,1,2)||':'||substr(h,3,2)||':'||substr(h,5,2)||':'||substr(h,7,2)||':'||substr(h,9,2)||':'||"   \
    "substr(h,11,2) FROM (SELECT printf('%012x', " x ") AS h))"
#define IP_TEXT(x)                                                                                           \
    "(CASE typeof(" x ") WHEN 'integer' THEN (" x " >> 24)||'.'||((" x " >> 16) & 255)||'.'||((" x           \
    " >> 8) & 255)||'.'||(" x " & 255) ELSE lower(hex(" x ")) END)"
#define FAULT "INSERT OR REPLACE INTO stage.faults (kind, object_type, id, device, sentence) "

/* Names. Who has a name already keeps it; of those who are all new, none gets it. */
#define NAME_TAKEN                                                                                           \
    "(EXISTS (SELECT 1 FROM stage.devices x WHERE x.name = v.name AND x.id <> v.id AND NOT x.bad) AND NOT "  \
    "EXISTS "                                                                                                \
    "(SELECT 1 FROM devices m WHERE m.netbox_id = v.id AND m.name = v.name))"
/* A device of another number that is not read now, and has the name. */
#define NAME_OF_ANOTHER                                                                                      \
    "EXISTS (SELECT 1 FROM devices m WHERE m.name = v.name AND m.removed_ms = 0 AND m.netbox_id <> v.id "    \
    "AND NOT "                                                                                               \
    "EXISTS (SELECT 1 FROM stage.devices x WHERE x.id = m.netbox_id) AND NOT EXISTS (SELECT 1 FROM "         \
    "stage.gone g WHERE "                                                                                    \
    "g.id = m.netbox_id))"
/* Ours, or one that NetBox has under another number now: deleted there, and made anew. Before anything is
 * removed. */
static const char *const adopt_sql[] = {
    "INSERT OR IGNORE INTO stage.adopt (id, local) SELECT v.id, m.id FROM stage.devices v JOIN devices m ON "
    "m.name = v.name "
    "WHERE NOT v.bad AND m.removed_ms = 0 AND (m.netbox_id IS NULL OR EXISTS (SELECT 1 FROM stage.gone g "
    "WHERE g.id = "
    "m.netbox_id)) AND NOT EXISTS (SELECT 1 FROM devices o WHERE o.netbox_id = v.id) AND (EXISTS (" OURS_MACS
    " INTERSECT " THEIR_MACS ") OR NOT EXISTS (" OURS_MACS "))",
    "DELETE FROM stage.gone WHERE local IN (SELECT local FROM stage.adopt)",
};

static const char *const names_sql[] = {
    /* bad = 3 until all are looked at: two of one name must both see each other. */
    "UPDATE stage.devices SET bad = 3 WHERE id IN (SELECT v.id FROM stage.devices v WHERE NOT v.bad AND "
    "(" NAME_TAKEN " OR " NAME_OF_ANOTHER "))",
    FAULT "SELECT 'double-name', 'dcim.device', v.id, v.name, 'another device is called ' || v.name || ' "
          "too; a name is a "
          "host name here, and only one can have it: it was left out' FROM stage.devices v WHERE v.bad = 3",
    FAULT "SELECT 'name-of-ours', 'dcim.device', v.id, v.name, 'there is a device ' || v.name || ' of our "
          "own, with other "
          "MAC addresses; give one of the two another name, or remove ours (`rackstrap device remove`)' FROM "
          "stage.devices "
          "v JOIN devices m ON m.name = v.name WHERE NOT v.bad AND m.netbox_id IS NULL AND m.removed_ms = 0 "
          "AND NOT EXISTS "
          "(SELECT 1 FROM stage.adopt a WHERE a.id = v.id)",
    "UPDATE stage.devices SET bad = 3 WHERE id IN (SELECT id FROM stage.faults WHERE kind = 'name-of-ours')",
    "DELETE FROM stage.adopt WHERE id IN (SELECT id FROM stage.devices WHERE bad)",
    FAULT "SELECT 'status', 'dcim.device', v.id, v.name, 'its status \"' || v.status || '\" is none that we "
          "know; it counts "
          "as offline' FROM stage.devices v WHERE NOT v.bad AND v.status NOT IN ('offline', 'active', "
          "'planned', 'staged', "
          "'failed', 'inventory', 'decommissioning')",
    FAULT
    "SELECT 'asset-tag', 'dcim.device', v.id, v.name, 'a device of our own has its asset tag ' || "
    "v.asset_tag FROM "
    "stage.devices v JOIN devices m ON m.asset_tag = v.asset_tag WHERE NOT v.bad AND m.netbox_id IS NULL AND "
    "m.removed_ms = 0 AND NOT EXISTS (SELECT 1 FROM stage.adopt a WHERE a.local = m.id)",
    "UPDATE stage.devices SET asset_tag = NULL WHERE id IN (SELECT id FROM stage.faults WHERE kind = "
    "'asset-tag' AND "
    "object_type = 'dcim.device')",
    FAULT "SELECT 'double-interface', 'dcim.interface', v.id, d.name, 'the device has two interfaces ' || "
          "v.name || '; this "
          "one was left out' FROM stage.interfaces v JOIN stage.devices d ON d.id = v.device WHERE NOT v.bad "
          "AND EXISTS "
          "(SELECT 1 FROM stage.interfaces x WHERE x.device = v.device AND x.name = v.name AND x.id < v.id)",
    ("UPDATE stage.interfaces SET bad = 1 WHERE id IN (SELECT id FROM stage.faults WHERE kind = "
     "'double-interface')"),
};

/* A value that may be there once: who has it in the store keeps it; of those who are all new, none gets it.
 * Somebody else of ours who has it, keeps it too. ANOTHER: on another interface; KEEPS: this one has it now.
 */
#define ANOTHER(stage, value)                                                                                \
    "EXISTS (SELECT 1 FROM stage." stage " x WHERE x." value " = v." value                                   \
    " AND x.id <> v.id AND NOT x.bad AND "                                                                   \
    "x.interface IS NOT NULL AND EXISTS (SELECT 1 FROM stage.interfaces xf JOIN stage.devices xd ON xd.id "  \
    "= xf.device "                                                                                           \
    "WHERE xf.id = x.interface AND NOT xd.bad))"
#define KEEPS(table, value)                                                                                  \
    "EXISTS (SELECT 1 FROM " table " a JOIN interfaces i ON i.id = a.interface_id WHERE a." value            \
    " = v." value " AND i.netbox_id = v.interface)"
#define FOREIGN(table, value)                                                                                \
    "EXISTS (SELECT 1 FROM " table                                                                           \
    " a JOIN interfaces i ON i.id = a.interface_id JOIN devices m ON m.id = i.device_id "                    \
    "WHERE a." value " = v." value                                                                           \
    " AND NOT EXISTS (SELECT 1 FROM stage.devices x WHERE x.id = m.netbox_id) AND NOT "                      \
    "EXISTS (SELECT 1 FROM stage.gone g WHERE g.id = m.netbox_id) AND NOT EXISTS (SELECT 1 FROM "            \
    "stage.adopt o WHERE "                                                                                   \
    "o.local = m.id))"
#define OWNER(table, value)                                                                                  \
    "(SELECT m.name FROM " table                                                                             \
    " a JOIN interfaces i ON i.id = a.interface_id JOIN devices m ON m.id = i.device_id "                    \
    "WHERE a." value " = v." value ")"
#define OWNED_THERE(table, value)                                                                            \
    "EXISTS (SELECT 1 FROM " table " a JOIN interfaces i ON i.id = a.interface_id JOIN devices m ON m.id = " \
    "i.device_id WHERE a." value " = v." value " AND m.netbox_id IS NOT NULL)"
#define OTHERS(stage, value)                                                                                 \
    "(SELECT group_concat(d2.name || ' ' || f2.name, ', ') FROM stage." stage                                \
    " x JOIN stage.interfaces f2 ON f2.id = x.interface JOIN stage.devices d2 ON d2.id = f2.device WHERE "   \
    "x." value " = v." value " AND x.id <> v.id)"
#define OF                                                                                                   \
    "JOIN stage.interfaces f ON f.id = v.interface JOIN stage.devices d ON d.id = f.device AND NOT d.bad "
#define ONCE(stage, type, table, value, word, text)                                                          \
    "UPDATE stage." stage " SET bad = 4 WHERE id IN (SELECT v.id FROM stage." stage " v " OF                 \
    "WHERE NOT v.bad AND " ANOTHER(stage, value) " AND NOT " KEEPS(table, value) ")",                        \
        FAULT "SELECT 'double-" word "', '" type "', v.id, d.name, '" word " ' || " text(                    \
            "v." value) " || ' is on ' || d.name || ' ' || f.name || ' and on ' || "                         \
                        "ifnull(" OTHERS(stage, value) ", 'another') FROM stage." stage " v " OF             \
                                                       "WHERE v.bad = 4 OR (NOT v.bad AND " ANOTHER(         \
                                                           stage, value) ")",                                \
        "UPDATE stage." stage " SET bad = 5 WHERE id IN (SELECT v.id FROM stage." stage " v " OF             \
        "WHERE NOT v.bad AND " FOREIGN(table, value) ")",                                                    \
        FAULT "SELECT CASE WHEN " OWNED_THERE(                                                               \
            table, value) " THEN 'double-' ELSE '' END || '" word                                            \
                          "' || CASE WHEN " OWNED_THERE(                                                     \
                              table,                                                                         \
                              value) " THEN '' ELSE '-of-ours' END, '" type "', v.id, d.name, '" word        \
                                     " ' || " text("v." value) " || ' belongs to the device ' || " OWNER(    \
                                         table, value) " || ', which is not this one; it "                   \
                                                       "was left out' FROM stage." stage " v " OF            \
                                                       "WHERE v.bad = 5"

static const char *const once_sql[] = {
    ONCE("macs", "dcim.macaddress", "mac_addresses", "mac", "MAC-address", MAC_TEXT),
    ONCE("ips", "ipam.ipaddress", "ip_addresses", "address", "address", IP_TEXT),
};

/* What an interface boots with: what NetBox calls primary, else the first. An address that several may have,
 * or that moves about, is no machine's own. */
static const char *const primary_sql[] = {
    "UPDATE stage.macs SET is_primary = 1 WHERE NOT bad AND id = coalesce((SELECT x.id FROM stage.interfaces "
    "f JOIN "
    "stage.macs x ON x.id = f.primary_mac AND x.interface = f.id AND NOT x.bad WHERE f.id = "
    "stage.macs.interface), (SELECT "
    "min(x.id) FROM stage.macs x WHERE x.interface = stage.macs.interface AND NOT x.bad))",
    "UPDATE stage.ips SET is_primary = 1 WHERE NOT bad AND interface IS NOT NULL AND typeof(address) = "
    "'integer' AND id = "
    "coalesce((SELECT x.id FROM stage.interfaces f JOIN stage.devices d ON d.id = f.device JOIN stage.ips x "
    "ON x.id = "
    "d.primary4 AND x.interface = f.id AND NOT x.bad WHERE f.id = stage.ips.interface), (SELECT min(x.id) "
    "FROM stage.ips x "
    "WHERE x.interface = stage.ips.interface AND NOT x.bad AND typeof(x.address) = 'integer' AND x.status <> "
    "'deprecated' "
    "AND x.role IN ('', 'loopback')))",
    "UPDATE stage.interfaces SET is_primary = 1 WHERE id IN (SELECT x.interface FROM stage.devices d JOIN "
    "stage.ips x ON "
    "x.id = d.primary4 AND NOT x.bad WHERE x.interface IS NOT NULL)",
};

/* ---- what would go */

static const char gone_full[] =
    "INSERT OR IGNORE INTO stage.gone (id, local) SELECT netbox_id, id FROM devices m WHERE m.netbox_id IS "
    "NOT NULL AND "
    "m.removed_ms = 0 AND NOT EXISTS (SELECT 1 FROM stage.devices v WHERE v.id = m.netbox_id)";
static const char gone_read[] = "INSERT OR IGNORE INTO stage.gone (id, local) SELECT m.netbox_id, m.id FROM "
                                "stage.read_devices r CROSS JOIN devices m ON "
                                "m.netbox_id = r.id AND m.removed_ms = 0 WHERE NOT EXISTS (SELECT 1 FROM "
                                "stage.devices v WHERE v.id = m.netbox_id)";

static int gone_find(struct sync *y, bool full, struct err *e)
{
    return db_run(y->s, "DELETE FROM stage.gone", NULL, 0, e) < 0 ||
                   db_run(y->s, full ? gone_full : gone_read, NULL, 0, e) < 0
               ? -1
               : 0;
}

int sync_vanished(struct sync *y, bool full, sync_id_fn *fn, void *ctx, struct err *e)
{
    struct db_ids ids = {0};
    if (sync_staged(y, e) < 0 || gone_find(y, full, e) < 0) {
        return -1;
    }
    int r = db_ids(y->s, "SELECT id FROM stage.gone", NULL, 0, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = fn(ids.id[i], ctx, e);
    }
    free(ids.id);
    return r < 0 ? -1 : 0;
}

/* Is it few enough to go on? *ret_all is counted only where that matters, as it takes its time. */
static int few_enough(struct sync *y, const struct sync_options *o, int64_t n, int64_t *ret_all, bool *ret,
                      struct err *e)
{
    *ret = n <= DROP_ALWAYS || n == o->accept_drop;
    if (!*ret &&
        db_number(y->s, "SELECT count(*) FROM devices WHERE netbox_id IS NOT NULL AND removed_ms = 0", NULL,
                  0, ret_all, e) < 0) {
        return -1;
    }
    *ret = *ret || n * 100 <= *ret_all * o->max_drop;
    return 0;
}

static int drop_check(struct sync *y, const struct sync_options *o, struct err *e)
{
    int64_t gone = 0, all = 0;
    bool few;
    if (db_number(y->s, "SELECT count(*) FROM stage.gone", NULL, 0, &gone, e) < 0 ||
        few_enough(y, o, gone, &all, &few, e) < 0) {
        return -1;
    }
    if (few) {
        return 0;
    }
    return err_set(e, ERR_REFUSED,
                   "%lld of NetBox's %lld devices are not in its answer any more, which is more than "
                   "netbox.max_drop (%u %%); "
                   "nothing was changed. If they are gone indeed: `rackstrap sync netbox --once --full "
                   "--accept-drop %lld`; "
                   "if not, look at netbox.filter and at what the token's user may see",
                   (long long)gone, (long long)all, o->max_drop, (long long)gone);
}

/* One number that means another machine may be a mistake of one person; many are another NetBox, or a
 * database that was put back. */
static int identity_check(struct sync *y, const struct sync_options *o, struct err *e)
{
    static const char sql[] =
        "SELECT count(*) FROM stage.devices v CROSS JOIN devices m ON m.netbox_id = v.id AND "
        "m.removed_ms = 0 WHERE NOT v.bad AND " OTHER_MACHINE;
    int64_t others = 0, all = 0;
    bool few;
    if (db_number(y->s, sql, NULL, 0, &others, e) < 0 || few_enough(y, o, others, &all, &few, e) < 0) {
        return -1;
    }
    if (few) {
        return 0;
    }
    return err_set(e, ERR_REFUSED,
                   "the numbers of %lld of NetBox's %lld devices are other machines' now (other name, other "
                   "MAC addresses): "
                   "is this another NetBox, or an old copy of its database? Nothing was changed; if it is "
                   "right: `rackstrap "
                   "sync netbox --once --full --accept-drop %lld`",
                   (long long)others, (long long)all, (long long)others);
}

/* For a table that is large now, and of which the planner knows nothing. */
static int statistics(struct sync *y, struct err *e)
{
    return db_run(y->s, "ANALYZE stage", NULL, 0, e);
}

int sync_check(struct sync *y, const struct sync_options *o, struct err *e)
{
    y->full = o->full;
    if (sync_staged(y, e) < 0 || (o->full && statistics(y, e) < 0) || gone_find(y, o->full, e) < 0 ||
        sync_run(y->s, adopt_sql, sizeof adopt_sql / sizeof *adopt_sql, 0, 0, e) < 0) {
        return -1;
    }
    return drop_check(y, o, e) < 0 ? -1 : identity_check(y, o, e);
}

int sync_sort(struct sync *y, struct err *e)
{
    if (db_begin_read(y->s, e) < 0) {
        return -1;
    }
    int r = sync_run(y->s, names_sql, sizeof names_sql / sizeof *names_sql, 0, 0, e) < 0 ||
                    sync_run(y->s, once_sql, sizeof once_sql / sizeof *once_sql, 0, 0, e) < 0 ||
                    sync_run(y->s, primary_sql, sizeof primary_sql / sizeof *primary_sql, 0, 0, e) < 0
                ? -1
                : 0;
    return db_end(y->s, r, e);
}

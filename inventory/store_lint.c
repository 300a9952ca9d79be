/* store_lint: the checks. */
#include "inventory/lint.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "inventory/device.h"
#include "inventory/store_record.h"

/* clang-format off */

/* ---- what the statements share. A row is: subject, sentence, type, NetBox's number; and, where it is of an
 * address, that and the length of its network: it begins the sentence, or is the subject where that is NULL. */

/* Devices that are meant to be there; people say of the others that they are not. */
#define DEVICES "FROM devices d WHERE d.removed_ms = 0 AND d.status NOT IN ('offline', 'inventory', 'decommissioning') "
#define BY_NAME " ORDER BY d.name"
#define BOOTS "FROM interfaces i JOIN mac_addresses m ON m.interface_id = i.id AND m.is_primary = 1 WHERE i.device_id = d.id AND i.mgmt_only = 0"
#define LIMIT_TEXT(n) #n
#define LIMIT(n)      LIMIT_TEXT(n)

/* ?1 in a statement: the configured subnets, a JSON list of [first, last, has_router]. */

/* An address is in a prefix when the furthest end of those that begin before it is not before it: prefixes lie
 * inside one another or apart. One pass over all in order, for both families: an integer is before any blob. */
static const char outside_sql[] =
    "WITH points AS ("
    "  SELECT first AS at, 0 AS what, last AS until, NULL AS id FROM prefixes WHERE status <> 'container'"
    "  UNION ALL SELECT json_extract(value, '$[0]'), 0, json_extract(value, '$[1]'), NULL FROM json_each(?1)"
    "  UNION ALL SELECT address, 1, NULL, id FROM ip_addresses WHERE interface_id IS NOT NULL),"
    " reached AS (SELECT at, what, id, max(until) OVER (ORDER BY at, what ROWS UNBOUNDED PRECEDING) AS reach FROM points) "
    "SELECT d.name, '(interface ' || i.name || ') is in no prefix that holds machines, and in no subnet of the configuration',"
    "  'ipam.ipaddress', a.netbox_id, a.address, -1"
    " FROM reached r JOIN ip_addresses a ON a.id = r.id JOIN interfaces i ON i.id = a.interface_id"
    "  JOIN devices d ON d.id = i.device_id"
    " WHERE r.what = 1 AND d.removed_ms = 0 AND (r.reach IS NULL OR r.reach < r.at)" BY_NAME ", r.at";

/* The lengths that IPv4 prefixes have, with their masks: with them the prefixes that hold an address are found by
 * their keys, a handful of steps each, however many there are. */
#define LENGTHS \
    "lengths AS (SELECT DISTINCT length AS len, 4294967296 - (1 << (32 - length)) AS mask FROM prefixes" \
    "  WHERE typeof(first) = 'integer' AND status <> 'container' AND length < 32)"
#define HOLDING(address) \
    "lengths l CROSS JOIN prefixes q ON q.first = (" address " & l.mask) AND q.length = l.len AND q.status <> 'container'"

/* Where devices boot and nobody says how they get out: the longest prefix of their address has no gateway, and
 * none around it has one that is inside it. */
static const char gateway_sql[] =
    "WITH " LENGTHS ","
    " homes AS (SELECT DISTINCT (SELECT q.id FROM " HOLDING("a.address") " ORDER BY q.length DESC LIMIT 1) AS id"
    "  FROM ip_addresses a WHERE a.is_primary = 1 AND a.interface_id IS NOT NULL) "
    "SELECT NULL, 'devices have addresses in it, and it has no gateway', 'ipam.prefix', p.netbox_id, p.first, p.length"
    " FROM homes h JOIN prefixes p ON p.id = h.id WHERE p.router IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM " HOLDING("p.first") " WHERE q.router BETWEEN p.first AND p.last)"
    " AND NOT EXISTS (SELECT 1 FROM json_each(?1) WHERE json_extract(value, '$[2]') = 1"
    "  AND json_extract(value, '$[0]') <= p.first AND json_extract(value, '$[1]') >= p.last)"
    " ORDER BY p.first, p.length";

/* ---- the checks, by name */

static const struct check {
    const char *name, *title, *fix, *sql;
} checks[] = {
    {"bad-name", "a device whose name is no host name",
     "letters, digits, '-', '_' and '.' make a name, and it begins with a letter or digit; at most 63 of them",
     "SELECT d.name, 'machines cannot be called so', 'dcim.device', d.netbox_id FROM devices d WHERE d.removed_ms = 0"
     " AND (d.name GLOB '*[^-_.a-zA-Z0-9]*' OR d.name GLOB '[-_.]*' OR length(d.name) > 63)" BY_NAME},
    {"location-of-another-site", "a device at a location of another site",
     "give the device a location of its own site, or the site of its location",
     "SELECT d.name, 'it is at ' || ifnull(s.name, 'no site') || ', and its location ' || l.name || ' is at ' || o.name,"
     "  'dcim.device', d.netbox_id FROM devices d JOIN locations l ON l.id = d.location_id JOIN sites o ON o.id = l.site_id"
     "  LEFT JOIN sites s ON s.id = d.site_id WHERE d.removed_ms = 0 AND l.site_id IS NOT d.site_id" BY_NAME},
    {"no-gateway", "a prefix in which devices boot, without a gateway",
     "give the prefix its gateway, or the subnet in the configuration its router", gateway_sql},
    {"no-mac", "a device without a MAC address to boot by",
     "give one of its interfaces, that is not for management only, a MAC address",
     "SELECT d.name, 'it can never boot from the network', 'dcim.device', d.netbox_id " DEVICES
     "AND NOT EXISTS (SELECT 1 " BOOTS ")" BY_NAME},
    {"no-primary-address", "a device without a primary address",
     "give one of its interfaces an address, and make that the primary one",
     "SELECT d.name, 'it has none', 'dcim.device', d.netbox_id " DEVICES
     "AND d.primary_ip4_id IS NULL AND d.primary_ip6_id IS NULL" BY_NAME},
    {"outside-prefixes", "an address outside any prefix",
     "enter the prefix that it is in, or a subnet into the configuration: DHCP does not give it else", outside_sql},
    {"rack-of-another-site", "a device in a rack of another site",
     "give the device a rack of its own site, or the site of its rack",
     "SELECT d.name, 'it is at ' || ifnull(s.name, 'no site') || ', and its rack ' || k.name || ' is at ' ||"
     "  ifnull(o.name, 'none'), 'dcim.device', d.netbox_id FROM devices d JOIN racks k ON k.id = d.rack_id"
     "  LEFT JOIN sites o ON o.id = k.site_id LEFT JOIN sites s ON s.id = d.site_id"
     "  WHERE d.removed_ms = 0 AND k.site_id IS NOT d.site_id" BY_NAME},
    {"too-many-interfaces", "a device with more interfaces than can boot",
     "mark those that do not boot as for management only, or leave their MAC addresses out",
     "SELECT d.name, 'of its ' || (SELECT count(*) " BOOTS ") || ' interfaces only the first " LIMIT(MAX_INTERFACES)
     " are known when it boots', 'dcim.device', d.netbox_id " DEVICES
     "AND (SELECT count(*) " BOOTS ") > " LIMIT(MAX_INTERFACES) BY_NAME},
    {"unknown-image", "a device that should carry an image that there is not", "build the image, or assign another",
     "SELECT d.name, 'there is no ' || d.assigned, 'dcim.device', d.netbox_id FROM devices d WHERE d.removed_ms = 0"
     " AND d.assigned <> '' AND NOT EXISTS (SELECT 1 FROM images m JOIN releases r ON r.image_id = m.id"
     "  WHERE m.name = d.assigned OR m.name || '@' || r.version = d.assigned)" BY_NAME},
};
#define CHECKS (sizeof checks / sizeof *checks)
/* clang-format on */

/* What a sync finds has its own word (inventory/sync.h); of these, what to call it. */
static const struct {
    const char *kind, *title;
} sync_titles[] = {
    {"asset-tag", "an asset tag that two devices have"},
    {"double", "two objects that cannot be told apart"},
    {"double-address", "one address on two interfaces, or two devices with one address"},
    {"double-interface", "two interfaces of one name"},
    {"double-mac", "one MAC address on two interfaces"},
    {"double-name", "two devices of one name"},
    {"gateway", "a gateway that is not in its prefix"},
    {"mac", "a MAC address that no NIC has"},
    {"name", "a device whose name is no host name"},
    {"name-of-ours", "a device whose name one of our own has"},
    {"not-armed", "a device that was not armed"},
    {"not-removed", "a device that could not be taken out"},
    {"unknown-image", "a device that should carry an image that there is not"},
};

/* ---- walking */

/* One finding, as it is copied out of a row. */
struct found {
    struct lint_finding x;
    char check[NAME_SIZE], subject[160], sentence[400], type[NAME_SIZE];
};

static void row_read(sqlite3_stmt *q, struct found *f)
{
    struct inet at;
    char text[INET_STR];
    db_text(q, 0, f->subject, sizeof f->subject);
    db_text(q, 1, f->sentence, sizeof f->sentence);
    db_text(q, 2, f->type, sizeof f->type);
    f->x.netbox_id = db_int(q, 3);
    if (sqlite3_column_count(q) < 6) {
        return;
    }
    inet_column(q, 4, &at);
    at.len = (int)db_int(q, 5);
    inet_format(&at, text);
    if (f->subject[0]) {
        snprintf(f->sentence, sizeof f->sentence, "%s %s", text, (const char *)sqlite3_column_text(q, 1));
    } else {
        str_copy(f->subject, sizeof f->subject, text);
    }
}

static int call_rows(struct store *s, sqlite3_stmt *q, struct found *f, lint_fn *fn, void *ctx, struct err *e)
{
    int r;
    while ((r = db_step(s, q, e)) == 1) {
        row_read(q, f);
        int said = fn(&f->x, ctx);
        if (said != 0) {
            db_done(q);
            return said;
        }
    }
    return r;
}

static void found_start(struct found *f, const char *check, const char *title, const char *fix)
{
    str_copy(f->check, sizeof f->check, check);
    f->x = (struct lint_finding){.check = f->check,
                                 .title = title,
                                 .fix = fix,
                                 .subject = f->subject,
                                 .sentence = f->sentence,
                                 .type = f->type};
}

static const char *sync_title(const char *kind)
{
    for (size_t i = 0; i < sizeof sync_titles / sizeof *sync_titles; i++) {
        if (strcmp(sync_titles[i].kind, kind) == 0) {
            return sync_titles[i].title;
        }
    }
    return "an object of NetBox that could not be brought in as it is";
}

static int run_check(struct store *s, const struct check *c, const char *subnets, lint_fn *fn, void *ctx,
                     struct err *e)
{
    struct found f;
    sqlite3_stmt *q;
    size_t n = strstr(c->sql, "?1") ? 1 : 0;
    found_start(&f, c->name, c->title, c->fix);
    const struct db_value v = db_t(subnets);
    return db_query(s, c->sql, &v, n, &q, e) < 0 ? -1 : call_rows(s, q, &f, fn, ctx, e);
}

/* Faults of the sync come in groups of their kind, after the checks. */
static int run_sync(struct store *s, lint_fn *fn, void *ctx, struct err *e)
{
    static const char kinds[] = "SELECT DISTINCT kind FROM sync_faults WHERE kind > ? ORDER BY kind LIMIT 1";
    static const char rows[] =
        "SELECT CASE device WHEN '' THEN object_type || ' ' || netbox_id ELSE device END, "
        "sentence, object_type, netbox_id FROM sync_faults WHERE kind = ? ORDER BY 1, 4";
    char kind[NAME_SIZE] = "";
    for (;;) {
        struct found f;
        sqlite3_stmt *q;
        if (db_query(s, kinds, DB_VALUES(db_t(kind)), &q, e) < 0) {
            return -1;
        }
        int r = db_step(s, q, e);
        if (r != 1) {
            return r;
        }
        db_text(q, 0, kind, sizeof kind);
        db_done(q);
        found_start(&f, kind, sync_title(kind), "");
        r = db_query(s, rows, DB_VALUES(db_t(kind)), &q, e) < 0 ? -1 : call_rows(s, q, &f, fn, ctx, e);
        if (r != 0) {
            return r;
        }
    }
}

static void subnets_text(const struct lint_subnet *subnets, size_t n, struct str *out)
{
    str_add(out, "[");
    for (size_t i = 0; i < n; i++) {
        str_addf(out, "%s[%u,%u,%d]", i ? "," : "", subnets[i].prefix.net.a,
                 prefix_broadcast(subnets[i].prefix).a, subnets[i].has_router);
    }
    str_add(out, "]");
}

int lint_each(struct store *s, const struct lint_subnet *subnets, size_t n, lint_fn *fn, void *ctx,
              struct err *e)
{
    struct str text = {0};
    int r = 0;
    subnets_text(subnets, n, &text);
    for (size_t i = 0; i < CHECKS && r == 0; i++) {
        r = run_check(s, &checks[i], text.s, fn, ctx, e);
    }
    str_free(&text);
    return r != 0 ? r : run_sync(s, fn, ctx, e);
}

/* store_query: answers for people who ask. A walk reads the numbers of its rows first, and then each. */
#include "inventory/query.h"

#include <stdlib.h>
#include <string.h>

#include "inventory/store_record.h"

/* ---- one row */

static int address_load(struct store *s, int64_t id, struct address_record *x, struct err *e)
{
    static const char sql[] =
        "SELECT a.id, a.address, a.length, d.name, i.name, m.mac, a.is_primary AND i.mgmt_only = 0, "
        "a.status, "
        "a.role, t.slug, a.dns_name, a.netbox_id FROM ip_addresses a LEFT JOIN interfaces i ON i.id = "
        "a.interface_id LEFT JOIN devices d ON d.id = i.device_id LEFT JOIN mac_addresses m ON "
        "m.interface_id "
        "= i.id AND m.is_primary = 1 LEFT JOIN tenants t ON t.id = a.tenant_id WHERE a.id = ?";
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r != 1) {
        return r;
    }
    memset(x, 0, sizeof *x);
    x->id = db_int(q, 0);
    inet_column(q, 1, &x->address);
    x->address.len = (int)db_int(q, 2);
    db_text(q, 3, x->device, sizeof x->device);
    db_text(q, 4, x->interface, sizeof x->interface);
    x->has_mac = sqlite3_column_type(q, 5) != SQLITE_NULL;
    x->mac = mac_from_u64((uint64_t)db_int(q, 5));
    x->boots = db_int(q, 6) != 0;
    db_text(q, 7, x->status, sizeof x->status);
    db_text(q, 8, x->role, sizeof x->role);
    db_text(q, 9, x->tenant, sizeof x->tenant);
    db_text(q, 10, x->dns_name, sizeof x->dns_name);
    x->netbox_id = db_int(q, 11);
    db_done(q);
    return 1;
}

static int mac_load(struct store *s, int64_t id, struct mac_record *x, struct err *e)
{
    static const char sql[] =
        "SELECT m.mac, i.name, m.is_primary AND i.mgmt_only = 0, m.netbox_id FROM mac_addresses m LEFT JOIN "
        "interfaces i ON i.id = m.interface_id WHERE m.id = ?";
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r != 1) {
        return r;
    }
    memset(x, 0, sizeof *x);
    x->mac = mac_from_u64((uint64_t)db_int(q, 0));
    db_text(q, 1, x->interface, sizeof x->interface);
    x->boots = db_int(q, 2) != 0;
    x->netbox_id = db_int(q, 3);
    db_done(q);
    return 1;
}

static int prefix_load(struct store *s, int64_t id, struct prefix_record *x, struct err *e)
{
    static const char sql[] =
        "SELECT p.first, p.length, p.router, p.status, s.slug, t.slug, p.netbox_id FROM prefixes p LEFT JOIN "
        "sites s ON s.id = p.site_id LEFT JOIN tenants t ON t.id = p.tenant_id WHERE p.id = ?";
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r != 1) {
        return r;
    }
    memset(x, 0, sizeof *x);
    inet_column(q, 0, &x->prefix);
    x->prefix.len = (int)db_int(q, 1);
    x->has_router = sqlite3_column_type(q, 2) != SQLITE_NULL;
    x->router.a = (uint32_t)db_int(q, 2);
    db_text(q, 3, x->status, sizeof x->status);
    db_text(q, 4, x->site, sizeof x->site);
    db_text(q, 5, x->tenant, sizeof x->tenant);
    x->netbox_id = db_int(q, 6);
    db_done(q);
    return 1;
}

/* ---- walks */

int address_record(struct store *s, const struct inet *address, struct address_record *ret, struct err *e)
{
    struct db_value value = inet_value(address);
    char text[INET_STR];
    int64_t id;
    int r = db_number(s, "SELECT id FROM ip_addresses WHERE address = ?", &value, 1, &id, e);
    if (r == 1) {
        r = address_load(s, id, ret, e);
    }
    return r == 1   ? 0
           : r == 0 ? err_set(e, ERR_NOT_FOUND, "the inventory has no address %s", inet_format(address, text))
                    : -1;
}

int address_record_each(struct store *s, int64_t device_id, address_record_fn *fn, void *ctx, struct err *e)
{
    static const char sql[] =
        "SELECT a.id FROM interfaces i JOIN ip_addresses a ON a.interface_id = i.id WHERE i.device_id = ? "
        "ORDER BY i.position, i.id, a.is_primary DESC, a.address";
    struct db_ids ids = {0};
    struct address_record x;
    int r = db_ids(s, sql, DB_VALUES(db_i(device_id)), &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        int found = address_load(s, ids.id[i], &x, e);
        r = found == 1 ? fn(&x, ctx) : found;
    }
    free(ids.id);
    return r;
}

int mac_record_each(struct store *s, int64_t device_id, mac_record_fn *fn, void *ctx, struct err *e)
{
    static const char sql[] =
        "SELECT m.id FROM interfaces i JOIN mac_addresses m ON m.interface_id = i.id WHERE i.device_id = ? "
        "ORDER BY i.position, i.id, m.is_primary DESC, m.mac";
    struct db_ids ids = {0};
    struct mac_record x;
    int r = db_ids(s, sql, DB_VALUES(db_i(device_id)), &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        int found = mac_load(s, ids.id[i], &x, e);
        r = found == 1 ? fn(&x, ctx) : found;
    }
    free(ids.id);
    return r;
}

/* The numbers of one family are neither above nor below those of the other's. */
int prefix_record_each(struct store *s, const struct inet *address, prefix_record_fn *fn, void *ctx,
                       struct err *e)
{
    static const char sql[] =
        "SELECT id FROM prefixes WHERE first <= ?1 AND last >= ?1 AND typeof(first) = typeof(?1) ORDER BY "
        "length DESC";
    struct db_value value = inet_value(address);
    struct db_ids ids = {0};
    struct prefix_record x;
    int r = db_ids(s, sql, &value, 1, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        int found = prefix_load(s, ids.id[i], &x, e);
        r = found == 1 ? fn(&x, ctx) : found;
    }
    free(ids.id);
    return r;
}

static int text_of(struct store *s, const char *sql, int64_t id, char *buf, size_t size, struct err *e)
{
    sqlite3_stmt *q;
    buf[0] = '\0';
    if (db_query(s, sql, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        db_text(q, 0, buf, size);
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

int device_tag_each(struct store *s, int64_t device_id, tag_fn *fn, void *ctx, struct err *e)
{
    static const char sql[] = "SELECT t.id FROM tagged g JOIN tags t ON t.id = g.tag_id WHERE g.model = "
                              "'dcim.device' AND g.object_id = ? ORDER BY t.weight, t.name";
    struct db_ids ids = {0};
    char slug[TEXT_SIZE];
    int r = db_ids(s, sql, DB_VALUES(db_i(device_id)), &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = text_of(s, "SELECT slug FROM tags WHERE id = ?", ids.id[i], slug, sizeof slug, e);
        r = r < 0 ? -1 : fn(slug, ctx);
    }
    free(ids.id);
    return r;
}

int device_manufacturer(struct store *s, int64_t device_id, char ret[NAME_SIZE], struct err *e)
{
    return text_of(s,
                   "SELECT m.slug FROM devices d JOIN device_types t ON t.id = d.device_type_id JOIN "
                   "manufacturers m ON m.id = t.manufacturer_id WHERE d.id = ?",
                   device_id, ret, NAME_SIZE, e);
}

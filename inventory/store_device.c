/* store_device: reading and writing devices, and the one writer of their states. */
#include "inventory/device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/keep.h"
#include "inventory/store_sql.h"

/* ---- reading */

#define DEVICE                                                                                               \
    "SELECT d.id, d.name, s.slug, k.slug, t.slug, o.slug, p.slug, y.model, d.serial, d.disk, d.protected, "  \
    "d.state, d.reason,"                                                                                     \
    " d.state_ms, d.assigned, m.name, r.digest, d.installed_ms, d.options_id, o.options_id, s.options_id, "  \
    "d.status, l.slug, d.netbox_id, d.noted FROM devices d"                                                  \
    " LEFT JOIN device_types y ON y.id = d.device_type_id LEFT JOIN locations l ON l.id = d.location_id"     \
    " LEFT JOIN sites s ON s.id = d.site_id LEFT JOIN racks k ON k.id = d.rack_id LEFT JOIN tenants t ON "   \
    "t.id = d.tenant_id"                                                                                     \
    " LEFT JOIN roles o ON o.id = d.role_id LEFT JOIN platforms p ON p.id = d.platform_id"                   \
    " LEFT JOIN releases r ON r.id = d.installed_id LEFT JOIN images m ON m.id = r.image_id "                \
    "WHERE d.removed_ms = 0 AND "

static int device_read(sqlite3_stmt *q, struct device *d, struct err *e)
{
    char state[NAME_SIZE];
    memset(d, 0, sizeof *d);
    d->id = db_int(q, 0);
    db_text(q, 1, d->name, sizeof d->name);
    db_text(q, 2, d->site, sizeof d->site);
    db_text(q, 3, d->rack, sizeof d->rack);
    db_text(q, 4, d->tenant, sizeof d->tenant);
    db_text(q, 5, d->role, sizeof d->role);
    db_text(q, 6, d->platform, sizeof d->platform);
    db_text(q, 7, d->model, sizeof d->model);
    db_text(q, 8, d->serial, sizeof d->serial);
    db_text(q, 9, d->disk_selector, sizeof d->disk_selector);
    d->protected = db_int(q, 10) != 0;
    db_text(q, 11, state, sizeof state);
    db_text(q, 12, d->reason, sizeof d->reason);
    d->state_ms = db_int(q, 13);
    db_text(q, 14, d->assigned, sizeof d->assigned);
    db_text(q, 15, d->installed, sizeof d->installed);
    db_text(q, 16, d->installed_digest, sizeof d->installed_digest);
    d->installed_ms = db_int(q, 17);
    d->options = db_int(q, 18);
    d->role_options = db_int(q, 19);
    d->site_options = db_int(q, 20);
    db_text(q, 21, d->status, sizeof d->status);
    db_text(q, 22, d->location, sizeof d->location);
    d->netbox_id = db_int(q, 23);
    d->noted = db_int(q, 24) != 0;
    return state_parse(state, &d->state, e);
}

static void interface_read(sqlite3_stmt *q, struct interface *f)
{
    db_text(q, 0, f->name, sizeof f->name);
    f->primary = db_int(q, 1) != 0;
    f->mac = mac_from_u64((uint64_t)db_int(q, 2));
    f->has_address = sqlite3_column_type(q, 3) != SQLITE_NULL;
    f->address.ip.a = (uint32_t)db_int(q, 3);
    f->address.len = (uint8_t)db_int(q, 4);
}

static int interfaces_read(struct store *s, struct device *d, struct err *e)
{
    static const char sql[] = "SELECT i.name, i.is_primary, m.mac, a.address, a.length FROM interfaces i"
                              " JOIN mac_addresses m ON m.interface_id = i.id AND m.is_primary = 1"
                              " LEFT JOIN ip_addresses a ON a.interface_id = i.id AND a.is_primary = 1"
                              " WHERE i.device_id = ? AND i.mgmt_only = 0 ORDER BY i.position, i.id";
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(d->id)), &q, e) < 0) {
        return -1;
    }
    int r;
    while ((r = db_step(s, q, e)) == 1) {
        if (d->interfaces_n < MAX_INTERFACES) {
            interface_read(q, &d->interfaces[d->interfaces_n++]);
        }
    }
    return r;
}

/* 1, 0 for none, -1. The first statement stays open over the second: both then see the same moment. */
static int device_load(struct store *s, const char *sql, struct db_value key, struct device *ret,
                       struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, &key, 1, &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r != 1) {
        return r;
    }
    if (device_read(q, ret, e) < 0 || interfaces_read(s, ret, e) < 0) {
        r = -1;
    }
    db_done(q);
    return r;
}

int device_get(struct store *s, int64_t id, struct device *ret, struct err *e)
{
    int r = device_load(s, DEVICE "d.id = ?", db_i(id), ret, e);
    return r == 0  ? err_set(e, ERR_NOT_FOUND, "there is no device number %lld", (long long)id)
           : r < 0 ? -1
                   : 0;
}

int device_by_name(struct store *s, const char *name, struct device *ret, struct err *e)
{
    int r = device_load(s, DEVICE "d.name = ?", db_t(name), ret, e);
    return r == 0
               ? err_set(e, ERR_NOT_FOUND,
                         "no device is named \"%.64s\"; `rackstrap device list` shows those there are", name)
           : r < 0 ? -1
                   : 0;
}

int device_by_mac(struct store *s, struct mac m, struct device *ret, struct err *e)
{
    static const char sql[] = DEVICE "d.id = (SELECT i.device_id FROM mac_addresses a JOIN interfaces "
                                     "i ON i.id = a.interface_id WHERE a.mac = ?)";
    char text[MAC_STR];
    int r = device_load(s, sql, db_i((int64_t)mac_to_u64(m)), ret, e);
    return r == 0  ? err_set(e, ERR_NOT_FOUND, "no device has the MAC address %s", mac_format(m, text))
           : r < 0 ? -1
                   : 0;
}

int device_by_address(struct store *s, struct ip4 a, struct device *ret, struct err *e)
{
    static const char sql[] = DEVICE "d.id = (SELECT i.device_id FROM ip_addresses a JOIN interfaces i "
                                     "ON i.id = a.interface_id WHERE a.address = ?)";
    char text[IP4_STR];
    int r = device_load(s, sql, db_i(a.a), ret, e);
    return r == 0  ? err_set(e, ERR_NOT_FOUND, "no device has the address %s", ip4_format(a, text))
           : r < 0 ? -1
                   : 0;
}

int device_by_ref(struct store *s, const char *ref, struct device *ret, struct err *e)
{
    struct mac m;
    int r = device_load(s, DEVICE "d.name = ?", db_t(ref), ret, e);
    if (r == 0 && mac_parse(ref, &m, NULL) == 0) {
        return device_by_mac(s, m, ret, e);
    }
    return r == 0  ? err_set(e, ERR_NOT_FOUND,
                             "no device has the name or MAC address \"%.64s\"; `rackstrap device list` shows "
                              "those there are",
                             ref)
           : r < 0 ? -1
                   : 0;
}

/* ---- sites and the like */

/* One row a kind: how to find one, make one, name one. */
static const struct {
    const char *find, *make, *name;
} groups[] = {
#define GROUP(table)                                                                                         \
    {                                                                                                        \
        "SELECT id FROM " table " WHERE slug = ?", "INSERT INTO " table " (slug, name) VALUES (?, ?)",       \
            "UPDATE " table " SET name = ? WHERE id = ?"                                                     \
    }
    [GROUP_SITE] = GROUP("sites"),
    [GROUP_TENANT] = GROUP("tenants"),
    [GROUP_ROLE] = GROUP("roles"),
    [GROUP_PLATFORM] = GROUP("platforms"),
#undef GROUP
};

/* The row of this slug, made if need be; 0 for "". */
static int group_id(struct store *s, enum group_kind kind, const char *slug, const char *name, int64_t *ret,
                    struct err *e)
{
    *ret = 0;
    if (!*slug) {
        return 0;
    }
    int r = db_number(s, groups[kind].find, DB_VALUES(db_t(slug)), ret, e);
    if (r != 0) {
        return r < 0 ? -1 : 0;
    }
    if (db_run(s, groups[kind].make, DB_VALUES(db_t(slug), db_t(name)), e) < 0) {
        return -1;
    }
    *ret = db_last_id(s);
    return 0;
}

static int rack_id(struct store *s, int64_t site, const char *slug, const char *name, int64_t *ret,
                   struct err *e)
{
    *ret = 0;
    if (!*slug) {
        return 0;
    }
    int r = db_number(s, "SELECT id FROM racks WHERE ifnull(site_id, 0) = ? AND slug = ?",
                      DB_VALUES(db_i(site), db_t(slug)), ret, e);
    if (r != 0) {
        return r < 0 ? -1 : 0;
    }
    if (db_run(s, "INSERT INTO racks (site_id, slug, name) VALUES (?, ?, ?)",
               DB_VALUES(db_ref(site), db_t(slug), db_t(name)), e) < 0) {
        return -1;
    }
    *ret = db_last_id(s);
    return 0;
}

static int group_write(struct store *s, enum group_kind kind, const char *slug, const char *name,
                       struct err *e)
{
    int64_t id;
    if (group_id(s, kind, slug, name, &id, e) < 0) {
        return -1;
    }
    return db_run(s, groups[kind].name, DB_VALUES(db_t(name), db_i(id)), e);
}

int group_put(struct store *s, enum group_kind kind, const char *slug, const char *name, struct err *e)
{
    if (name_check("slug", slug, e) < 0 || store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, group_write(s, kind, slug, name, e), e);
}

static int rack_write(struct store *s, const char *site, const char *slug, const char *name, struct err *e)
{
    int64_t site_id, id;
    if (group_id(s, GROUP_SITE, site, site, &site_id, e) < 0 || rack_id(s, site_id, slug, name, &id, e) < 0) {
        return -1;
    }
    return db_run(s, "UPDATE racks SET name = ? WHERE id = ?", DB_VALUES(db_t(name), db_i(id)), e);
}

int rack_put(struct store *s, const char *site, const char *slug, const char *name, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, rack_write(s, site, slug, name, e), e);
}

/* ---- writing */

int device_unplug(struct store *s, int64_t id, struct err *e)
{
    return db_run(s, "DELETE FROM interfaces WHERE device_id = ?", DB_VALUES(db_i(id)), e);
}

int group_known(struct store *s, enum group_kind kind, const char *slug, struct err *e)
{
    int64_t id;
    return db_number(s, groups[kind].find, DB_VALUES(db_t(slug)), &id, e);
}

int rack_known(struct store *s, const char *site, const char *slug, struct err *e)
{
    static const char sql[] = "SELECT k.id FROM racks k LEFT JOIN sites s ON s.id = k.site_id WHERE "
                              "ifnull(s.slug, '') = ? AND k.slug = ?";
    int64_t id;
    return db_number(s, sql, DB_VALUES(db_t(site), db_t(slug)), &id, e);
}

static int intend_locked(struct store *s, int64_t id, const char *image, bool noted, const char *actor,
                         int64_t at_ms, struct err *e)
{
    struct change c = {.left_out = 0};
    struct device d;
    if (device_get(s, id, &d, e) < 0) {
        return -1;
    }
    if (strcmp(d.assigned, image) == 0 && d.noted == noted) {
        return 0;
    }
    change_text(&c, "image", d.assigned, image);
    if (db_run(s, "UPDATE devices SET assigned = ?, noted = ? WHERE id = ?",
               DB_VALUES(db_t(image), db_i(noted), db_i(id)), e) < 0) {
        return -1;
    }
    return journal_add_change(s, id, NULL, actor, "intended", "the image that it should carry was changed",
                              &c, at_ms, e);
}

int device_intend(struct store *s, int64_t id, const char *image, const char *actor, int64_t at_ms,
                  struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, intend_locked(s, id, image, false, actor, at_ms, e), e);
}

int device_note_image(struct store *s, int64_t id, const char *image, const char *actor, int64_t at_ms,
                      struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, intend_locked(s, id, image, true, actor, at_ms, e), e);
}

/* What a struct device says, as the inventory file would. */
static struct said_interface said_interface(struct keeper *k, const struct interface *f)
{
    char text[PREFIX_STR];
    struct said_interface x = {.o = {.model = MODEL_INTERFACE, .v = {f->name}},
                               .primary = f->primary,
                               .macs_n = 1,
                               .boot_mac = true,
                               .boot_address = true};
    x.macs = arena_get(&k->arena, sizeof *x.macs);
    x.macs->model = MODEL_MAC;
    x.macs->v[0] = arena_printf(&k->arena, "%llu", (unsigned long long)mac_to_u64(f->mac));
    if (f->has_address) {
        x.addresses_n = 1;
        x.addresses = arena_get(&k->arena, sizeof *x.addresses);
        x.addresses->model = MODEL_IP;
        x.addresses->v[0] = arena_text(&k->arena, ip4_if_format(f->address, text));
    }
    return x;
}

static struct said_device said_device(struct keeper *k, const struct device *d)
{
    struct said_device x = {.o = {.model = MODEL_DEVICE}, .interfaces_n = d->interfaces_n, .partial = true};
    const struct {
        const char *key, *text;
    } said[] = {
        {"name", d->name},
        {"status", *d->status ? d->status : NULL},
        {"site", d->site},
        {"location", d->location},
        {"rack", d->rack},
        {"tenant", d->tenant},
        {"role", d->role},
        {"platform", d->platform},
        {"model", d->model},
        {"serial", d->serial},
        {"disk", d->disk_selector},
        {"dhcp_options", d->options ? arena_printf(&k->arena, "%lld", (long long)d->options) : ""},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        x.o.v[keep_at(MODEL_DEVICE, said[i].key)] = said[i].text;
    }
    x.interfaces = arena_get(&k->arena, (d->interfaces_n + 1) * sizeof *x.interfaces);
    for (size_t i = 0; i < d->interfaces_n; i++) {
        x.interfaces[i] = said_interface(k, &d->interfaces[i]);
    }
    return x;
}

static int put_locked(struct keeper *k, const struct device *d, int64_t *ret_id, struct err *e)
{
    struct said_device x = said_device(k, d);
    enum keep_did did;
    return keep_put_device(k, &x, ret_id, &did, e) < 0 ? -1 : keep_end(k, e);
}

int device_put(struct store *s, const struct device *d, const char *actor, int64_t *ret_id, struct err *e)
{
    struct keeper k = {.s = s, .actor = actor, .at_ms = now_ms()};
    int64_t id = 0;
    if (device_check(d, e) < 0 || store_begin(s, e) < 0) {
        return -1;
    }
    int r = db_end(s, put_locked(&k, d, &id, e), e);
    keeper_free(&k);
    if (r == 0 && ret_id) {
        *ret_id = id;
    }
    return r;
}

static int protect_locked(struct store *s, int64_t id, bool protect, const char *actor, struct err *e)
{
    if (db_run(s, "UPDATE devices SET protected = ?1 WHERE id = ?2 AND protected <> ?1",
               DB_VALUES(db_i(protect), db_i(id)), e) < 0) {
        return -1;
    }
    if (db_changes(s) == 0) {
        struct device d;
        return device_get(s, id, &d, e); /* no such device, or it is so already */
    }
    struct change c = {.left_out = 0};
    change_bool(&c, "protected", !protect, protect);
    return journal_add_change(s, id, NULL, actor, protect ? "protected" : "unprotected",
                              protect ? "no job is accepted from now on" : "jobs are accepted again", &c,
                              now_ms(), e);
}

int device_protect(struct store *s, int64_t id, bool protect, const char *actor, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, protect_locked(s, id, protect, actor, e), e);
}

/* ---- the state */

/* NetBox's status says what people plan and see: what was to be installed is active once it is ready. One
 * that someone has taken out of service stays so. */
static const char *status_after(const char *status, enum device_state to)
{
    bool ours = strcmp(status, "planned") == 0 || strcmp(status, "staged") == 0 ||
                strcmp(status, "failed") == 0 || strcmp(status, "active") == 0;
    return ours && to == STATE_READY ? "active" : ours && to == STATE_FAILED ? "failed" : status;
}

static int state_write(struct store *s, const struct device *d, enum device_state to, const char *reason,
                       const char *status, int64_t at_ms, struct err *e)
{
    if (db_run(s, "UPDATE devices SET state = ?, reason = ?, state_ms = ? WHERE id = ?",
               DB_VALUES(db_t(state_name(to)), db_t(reason), db_i(at_ms), db_i(d->id)), e) < 0) {
        return -1;
    }
    return strcmp(status, d->status) == 0
               ? 0
               : db_run(s, "UPDATE devices SET status = ?, updated_ms = max(?, updated_ms + 1) WHERE id = ?",
                        DB_VALUES(db_t(status), db_i(at_ms), db_i(d->id)), e);
}

static int move_locked(struct store *s, const struct move *m, int64_t at_ms, struct err *e)
{
    struct change c = m->change ? *m->change : (struct change){.left_out = 0};
    struct device d;
    if (device_get(s, m->device_id, &d, e) < 0) {
        return -1;
    }
    if (!state_may(d.state, m->to)) {
        return err_set(e, ERR_CONFLICT, "%s is %s and cannot become %s from there", d.name,
                       state_name(d.state), state_name(m->to));
    }
    /* A repetition changes neither the state nor since when; the newest reason of a failure counts. */
    if (d.state != m->to || m->to == STATE_FAILED) {
        const char *status = status_after(d.status, m->to);
        if (state_write(s, &d, m->to, m->reason, status, at_ms, e) < 0) {
            return -1;
        }
        change_text(&c, "state", state_name(d.state), state_name(m->to));
        change_text(&c, "reason", d.reason, m->reason);
        change_text(&c, "status", d.status, status);
    }
    return journal_add_change(s, d.id, NULL, m->actor, m->event, m->detail, &c, at_ms, e);
}

int device_move(struct store *s, const struct move *m, int64_t at_ms, struct err *e)
{
    assert((m->to == STATE_FAILED) == (m->reason != NULL));
    if (m->reason && strlen(m->reason) >= NAME_SIZE) {
        return err_set(e, ERR_INPUT, "the reason of a failure is longer than %d bytes", NAME_SIZE - 1);
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, move_locked(s, m, at_ms, e), e);
}

int device_transition(struct store *s, int64_t device_id, enum device_state to, const char *reason,
                      const char *actor, const char *event, const char *detail, int64_t at_ms, struct err *e)
{
    struct move m = {
        .device_id = device_id, .to = to, .reason = reason, .actor = actor, .event = event, .detail = detail};
    return device_move(s, &m, at_ms, e);
}

/* store_keep_device: a device with its interfaces and their addresses, as it is said, made of what there is:
 * an interface of this name (else of this MAC address) stays the one that it is, and so does a MAC or IP
 * address, by its value, when it goes to another interface. */
#include "inventory/store_keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"

/* What is plugged into an interface: a MAC or an IP address, as its canonical text. */
struct plug {
    int64_t id;
    const char *text;
    bool boot;
    struct plug *next;
};

/* An interface as it is in the store. */
struct port {
    int64_t id, position;
    const char *name;
    bool primary, mgmt_only, taken;
    struct plug *macs, *addresses;
    struct port *next;
};

static const struct plug_kind {
    enum model_id model;
    const char *noun;
    const char *of_device, *loosen, *demote, *attach, *boot, *owner, *remove;
} mac_kind =
    {
        .model = MODEL_MAC,
        .noun = "MAC address",
        .of_device = "SELECT m.id, m.mac, m.is_primary, m.interface_id FROM mac_addresses m JOIN interfaces "
                     "i ON i.id = "
                     "m.interface_id WHERE i.device_id = ? ORDER BY m.is_primary, m.mac DESC",
        .loosen =
            "UPDATE mac_addresses SET interface_id = NULL, is_primary = 0 WHERE id = ? AND interface_id = ?",
        .demote = "UPDATE mac_addresses SET is_primary = 0 WHERE interface_id = ? AND is_primary = 1",
        .attach = "UPDATE mac_addresses SET interface_id = ?, is_primary = 0 WHERE id = ?",
        .boot = "UPDATE mac_addresses SET is_primary = 1 WHERE id = ? AND is_primary = 0",
        .owner =
            "SELECT d.name, d.id, ifnull(d.netbox_id, ifnull(a.netbox_id, 0)) FROM mac_addresses a LEFT JOIN "
            "interfaces i ON i.id = a.interface_id LEFT JOIN devices d ON d.id = i.device_id WHERE a.id = ?",
        .remove = "DELETE FROM mac_addresses WHERE id = ? AND interface_id IS NULL",
},
  address_kind = {
      .model = MODEL_IP,
      .noun = "address",
      .of_device = "SELECT a.id, CASE typeof(a.address) WHEN 'integer' THEN a.address ELSE hex(a.address) "
                   "END || '/' || "
                   "a.length, a.is_primary, a.interface_id FROM ip_addresses a JOIN interfaces i ON i.id = "
                   "a.interface_id WHERE i.device_id = ? ORDER BY a.is_primary, a.address DESC",
      .loosen =
          "UPDATE ip_addresses SET interface_id = NULL, is_primary = 0 WHERE id = ? AND interface_id = ?",
      .demote = "UPDATE ip_addresses SET is_primary = 0 WHERE interface_id = ? AND is_primary = 1",
      .attach = "UPDATE ip_addresses SET interface_id = ?, is_primary = 0 WHERE id = ?",
      .boot = "UPDATE ip_addresses SET is_primary = 1 WHERE id = ? AND is_primary = 0",
      .owner =
          "SELECT d.name, d.id, ifnull(d.netbox_id, ifnull(a.netbox_id, 0)) FROM ip_addresses a LEFT JOIN "
          "interfaces i ON i.id = a.interface_id LEFT JOIN devices d ON d.id = i.device_id WHERE a.id = ?",
      .remove = "DELETE FROM ip_addresses WHERE id = ? AND interface_id IS NULL",
};

static struct db_ids *loose_of(struct keeper *k, const struct plug_kind *kind)
{
    return kind->model == MODEL_MAC ? &k->state->loose_macs : &k->state->loose_addresses;
}

static void ids_add(struct db_ids *ids, int64_t id)
{
    if (ids->n == ids->cap) {
        ids->cap = ids->cap ? ids->cap * 2 : 64;
        ids->id = xrealloc(ids->id, ids->cap, sizeof *ids->id);
    }
    ids->id[ids->n++] = id;
}

static bool is_ip4(const char *address)
{
    return !strchr(address, ':');
}

/* Of addresses the length is no part of which one it is. */
static bool plug_is(const struct plug *p, const char *text)
{
    size_t n = strcspn(text, "/");
    return strncmp(p->text, text, n) == 0 && (p->text[n] == '\0' || p->text[n] == '/');
}

static struct plug *plug_find(struct plug *list, const char *text)
{
    while (list && !plug_is(list, text)) {
        list = list->next;
    }
    return list;
}

/* ---- reading what there is */

static struct port *port_by_id(struct port *list, int64_t id)
{
    while (list && list->id != id) {
        list = list->next;
    }
    return list;
}

static int read_plugs(struct store *s, struct arena *a, const struct plug_kind *kind, int64_t device,
                      struct port *ports, struct err *e)
{
    sqlite3_stmt *q;
    int r;
    if (db_query(s, kind->of_device, DB_VALUES(db_i(device)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        struct port *port = port_by_id(ports, db_int(q, 3));
        struct plug *p = arena_get(a, sizeof *p);
        const char *column = (const char *)sqlite3_column_text(q, 1);
        struct plug **list = kind->model == MODEL_MAC ? &port->macs : &port->addresses;
        *p = (struct plug){.id = db_int(q, 0), .boot = db_int(q, 2) != 0, .next = *list};
        p->text = kind->model == MODEL_MAC ? arena_text(a, column) : keep_address_text(a, column);
        *list = p;
    }
    return r;
}

static int read_ports(struct store *s, struct arena *a, int64_t device, struct port **ret, struct err *e)
{
    static const char sql[] =
        "SELECT id, position, name, is_primary, mgmt_only FROM interfaces WHERE device_id = ?"
        " ORDER BY position, id";
    struct port **end = ret;
    sqlite3_stmt *q;
    int r;
    *ret = NULL;
    if (db_query(s, sql, DB_VALUES(db_i(device)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        struct port *p = arena_get(a, sizeof *p);
        *p = (struct port){.id = db_int(q, 0),
                           .position = db_int(q, 1),
                           .name = arena_text(a, (const char *)sqlite3_column_text(q, 2)),
                           .primary = db_int(q, 3) != 0,
                           .mgmt_only = db_int(q, 4) != 0};
        *end = p;
        end = &p->next;
    }
    return r < 0 || !*ret ? r
           : read_plugs(s, a, &mac_kind, device, *ret, e) < 0
               ? -1
               : read_plugs(s, a, &address_kind, device, *ret, e);
}

/* ---- which interface is which */

static struct port *port_named(struct port *list, const char *name)
{
    while (list && strcmp(list->name, name) != 0) {
        list = list->next;
    }
    return list;
}

static struct port *port_with(struct port *list, const char *mac)
{
    while (list && (list->taken || !plug_find(list->macs, mac))) {
        list = list->next;
    }
    return list;
}

/* By name; what has no namesake, by the MAC address that it boots with. */
static struct port **match_ports(struct keeper *k, struct port *ports, const struct said_device *x)
{
    struct port **match = arena_get(&k->arena, (x->interfaces_n + 1) * sizeof(struct port *));
    for (size_t i = 0; ports && i < x->interfaces_n; i++) {
        match[i] = port_named(ports, x->interfaces[i].o.v[0]);
        if (match[i]) {
            match[i]->taken = true;
        }
    }
    for (size_t i = 0; ports && i < x->interfaces_n; i++) {
        if (!match[i] && x->interfaces[i].macs_n > 0) {
            match[i] = port_with(ports, x->interfaces[i].macs[0].v[0]);
        }
        if (match[i]) {
            match[i]->taken = true;
        }
    }
    return match;
}

/* ---- what an interface was and is, for the journal */

static const char *plug_text(struct keeper *k, enum model_id m, const char *text)
{
    char mac[MAC_STR];
    return m == MODEL_MAC ? arena_text(&k->arena, mac_format(mac_from_u64(strtoull(text, NULL, 10)), mac))
                          : text;
}

static const char *port_text(struct keeper *k, const struct port *p)
{
    const char *text = "";
    for (const struct plug *g = p->macs; g; g = g->next) {
        text = arena_printf(&k->arena, "%s%s%s", text, *text ? " " : "", plug_text(k, MODEL_MAC, g->text));
    }
    for (const struct plug *g = p->addresses; g; g = g->next) {
        text = arena_printf(&k->arena, "%s%s%s", text, *text ? " " : "", g->text);
    }
    return arena_printf(&k->arena, "%s%s", text, p->primary ? " primary" : "");
}

/* Of every interface, as it is now beside what it was. */
static int note_ports(struct keeper *k, int64_t device, struct port *before, struct err *e)
{
    struct port *after;
    if (read_ports(k->s, &k->arena, device, &after, e) < 0) {
        return -1;
    }
    for (struct port *p = before; p; p = p->next) {
        const struct port *now = port_by_id(after, p->id);
        change_text(&k->state->change, arena_printf(&k->arena, "interface %s", p->name), port_text(k, p),
                    now ? port_text(k, now) : "");
    }
    for (struct port *p = after; p; p = p->next) {
        if (!port_by_id(before, p->id)) {
            change_text(&k->state->change, arena_printf(&k->arena, "interface %s", p->name), "",
                        port_text(k, p));
        }
    }
    return 0;
}

/* ---- plugging */

/* Unless another interface has it by now. */
static int loosen(struct keeper *k, const struct plug_kind *kind, int64_t id, int64_t interface,
                  struct err *e)
{
    k->state->changed = true;
    ids_add(loose_of(k, kind), id);
    return db_run(k->s, kind->loosen, DB_VALUES(db_i(id), db_i(interface)), e);
}

static int loosen_all(struct keeper *k, const struct plug_kind *kind, const struct plug *list,
                      int64_t interface, struct err *e)
{
    for (; list; list = list->next) {
        if (loosen(k, kind, list->id, interface, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* An address that another device has: it may be had when that one is said anew in the same breath. */
static int may_take(struct keeper *k, const struct plug_kind *kind, int64_t id, int64_t device,
                    const char *text, struct err *e)
{
    char name[NAME_SIZE] = "";
    int64_t owner = 0, netbox = 0;
    sqlite3_stmt *q;
    if (db_query(k->s, kind->owner, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(k->s, q, e);
    if (r == 1) {
        db_text(q, 0, name, sizeof name);
        owner = db_int(q, 1);
        netbox = db_int(q, 2);
        db_done(q);
    }
    if (r < 0 || ((owner == 0 || owner == device) && !netbox)) {
        return r < 0 ? -1 : 0;
    }
    if (owner == device) {
        return 0; /* keep_put_device refuses what would change NetBox's device */
    }
    if (k->many && owner && roster_touch(k->s, owner, e) < 0) {
        return -1;
    }
    if (netbox || !k->may_take || !k->may_take(k->ctx, name)) {
        const char *shown = arena_copy(&k->arena, text, strcspn(text, "/"));
        return owner ? err_set(e, ERR_CONFLICT, "the %s %s belongs to the device %s", kind->noun,
                               plug_text(k, kind->model, shown), name)
                     : err_set(e, ERR_CONFLICT, "the %s %s is NetBox's, and on no interface there",
                               kind->noun, plug_text(k, kind->model, shown));
    }
    return 0;
}

static bool says_more(const struct said *x)
{
    for (size_t i = 1; i < keep_kind(x->model)->n; i++) {
        if (x->v[i]) {
            return true;
        }
    }
    return false;
}

static int plug_new(struct keeper *k, const struct plug_kind *kind, const struct said *x, int64_t interface,
                    int64_t *ret_id, struct err *e)
{
    if (keep_write(k, x, 0, interface, NULL, ret_id, e) < 0) {
        return -1;
    }
    return kind->model == MODEL_MAC
               ? db_run(k->s, "DELETE FROM strangers WHERE mac = ?", DB_VALUES(db_t(x->v[0])), e)
               : 0;
}

/* One that is not on this interface yet. *ret_moved: it was somewhere else. */
static int plug_in(struct keeper *k, const struct plug_kind *kind, const struct said *x, int64_t device,
                   int64_t interface, int64_t *ret_id, bool *ret_moved, struct err *e)
{
    int r = keep_find(k, x, ret_id, e);
    *ret_moved = r == 1;
    if (r < 0) {
        return -1;
    }
    if (r == 0) {
        return plug_new(k, kind, x, interface, ret_id, e);
    }
    k->state->changed = true;
    return may_take(k, kind, *ret_id, device, x->v[0], e) < 0 ||
                   db_run(k->s, kind->attach, DB_VALUES(db_i(interface), db_i(*ret_id)), e) < 0
               ? -1
               : keep_write(k, x, *ret_id, 0, NULL, ret_id, e);
}

struct plugging {
    const struct plug_kind *kind;
    int64_t device, interface;
    struct plug *have;
    struct said *want;
    size_t n;
    bool whole, boot;
};

/* The first of the list that can be it. */
static size_t boot_at(const struct plugging *p)
{
    size_t i = 0;
    while (i < p->n && p->kind->model == MODEL_IP && !is_ip4(p->want[i].v[0])) {
        i++;
    }
    return p->boot ? i : p->n;
}

static bool wanted(const struct plugging *p, const struct plug *have)
{
    for (size_t i = 0; i < p->n; i++) {
        if (plug_is(have, p->want[i].v[0])) {
            return true;
        }
    }
    return false;
}

/* What the interface has and is not to have goes; what it booted with and shall not any more, no longer does.
 */
static int unplug(struct keeper *k, const struct plugging *p, const char *boot, bool *ret_booting,
                  struct err *e)
{
    bool demote = false;
    *ret_booting = false;
    for (struct plug *h = p->have; h; h = h->next) {
        bool stays = wanted(p, h);
        if (!stays && (p->whole || h->boot)) {
            if (loosen(k, p->kind, h->id, p->interface, e) < 0) {
                return -1;
            }
        } else if (h->boot && boot && plug_is(h, boot)) {
            *ret_booting = true;
        } else if (h->boot) {
            demote = true;
        }
    }
    k->state->changed |= demote;
    return demote ? db_run(k->s, p->kind->demote, DB_VALUES(db_i(p->interface)), e) : 0;
}

static int plug_one(struct keeper *k, const struct plugging *p, const struct said *x, int64_t *ret_id,
                    bool *ret_moved, struct err *e)
{
    const struct plug *h = plug_find(p->have, x->v[0]);
    int r = 0;
    *ret_moved = false;
    if (!h) {
        r = plug_in(k, p->kind, x, p->device, p->interface, ret_id, ret_moved, e);
    } else {
        *ret_id = h->id;
        *ret_moved = !h->boot;
        if (says_more(x) || strcmp(h->text, x->v[0]) != 0) {
            r = keep_write(k, x, h->id, 0, NULL, ret_id, e);
        }
    }
    return r < 0 ? keep_fault(k, x) : 0;
}

/* A new one boots by itself when it is the first (the `make` statements); others are told to. */
static int plug_all(struct keeper *k, const struct plugging *p, struct err *e)
{
    size_t at = boot_at(p);
    bool booting = false, moved = false;
    int64_t id;
    if (unplug(k, p, at < p->n ? p->want[at].v[0] : NULL, &booting, e) < 0) {
        return -1;
    }
    if (at < p->n && plug_one(k, p, &p->want[at], &id, &moved, e) < 0) {
        return -1;
    }
    if (at < p->n && moved && !booting) {
        k->state->changed = true;
        if (db_run(k->s, p->kind->boot, DB_VALUES(db_i(id)), e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        if (i != at && plug_one(k, p, &p->want[i], &id, &moved, e) < 0) {
            return -1;
        }
    }
    return at < p->n ? 0 : db_run(k->s, p->kind->demote, DB_VALUES(db_i(p->interface)), e);
}

static int plug_interface(struct keeper *k, const struct said_interface *f, int64_t device, int64_t interface,
                          const struct port *port, struct err *e)
{
    struct plugging macs = {.kind = &mac_kind,
                            .device = device,
                            .interface = interface,
                            .have = port ? port->macs : NULL,
                            .want = f->macs,
                            .n = f->macs_n,
                            .whole = f->macs_whole,
                            .boot = f->boot_mac};
    struct plugging addresses = {.kind = &address_kind,
                                 .device = device,
                                 .interface = interface,
                                 .have = port ? port->addresses : NULL,
                                 .want = f->addresses,
                                 .n = f->addresses_n,
                                 .whole = f->addresses_whole,
                                 .boot = f->boot_address};
    return plug_all(k, &macs, e) < 0 ? -1 : plug_all(k, &addresses, e);
}

/* ---- interfaces */

static int remove_port(struct keeper *k, const struct port *p, struct err *e)
{
    if (loosen_all(k, &mac_kind, p->macs, p->id, e) < 0 ||
        loosen_all(k, &address_kind, p->addresses, p->id, e) < 0) {
        return -1;
    }
    k->state->changed = true;
    return db_run(k->s, "DELETE FROM interfaces WHERE id = ?", DB_VALUES(db_i(p->id)), e);
}

static int remove_ports(struct keeper *k, const struct port *list, bool partial, struct err *e)
{
    for (const struct port *p = list; p; p = p->next) {
        bool unsayable = partial && (p->mgmt_only || !p->macs);
        if (!p->taken && !unsayable && remove_port(k, p, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int place_port(struct keeper *k, int64_t id, size_t position, bool primary, const struct port *was,
                      struct err *e)
{
    if (!was || (was->position == (int64_t)position && was->primary == primary)) {
        return 0;
    }
    k->state->changed = true;
    return db_run(k->s, "UPDATE interfaces SET position = ?, is_primary = ? WHERE id = ?",
                  DB_VALUES(db_i((int64_t)position), db_i(primary), db_i(id)), e);
}

static int put_interface(struct keeper *k, const struct said_interface *f, int64_t device, size_t position,
                         const struct port *port, struct err *e)
{
    int64_t id;
    const char *prefix = port ? arena_printf(&k->arena, "interface %s", port->name) : NULL;
    k->state->position = (int64_t)position;
    k->state->primary = f->primary;
    if (keep_write(k, &f->o, port ? port->id : 0, device, prefix, &id, e) < 0 ||
        place_port(k, id, position, f->primary, port, e) < 0) {
        return keep_fault(k, &f->o);
    }
    return plug_interface(k, f, device, id, port, e);
}

static int put_interfaces(struct keeper *k, const struct said_device *x, int64_t device, struct port *ports,
                          struct err *e)
{
    struct port **match = match_ports(k, ports, x);
    if (remove_ports(k, ports, x->partial, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < x->interfaces_n; i++) {
        if (put_interface(k, &x->interfaces[i], device, i, match[i], e) < 0) {
            k->state->told = true;
            return err_prefix(e, "device %s, interface %s", x->o.v[0], x->interfaces[i].o.v[0]);
        }
    }
    return 0;
}

/* ---- the addresses that people reach it by */

#define OWN                                                                                                  \
    "(SELECT a.id FROM interfaces i JOIN ip_addresses a ON a.interface_id = i.id WHERE i.device_id = ?1)"
#define DERIVED                                                                                              \
    "(SELECT a.id FROM interfaces i JOIN ip_addresses a ON a.interface_id = i.id AND a.is_primary = 1 "      \
    "WHERE "                                                                                                 \
    "i.device_id = ?1 ORDER BY i.is_primary DESC, i.position, i.id LIMIT 1)"

static const struct {
    const char *key, *set;
} people[] = {
    {"primary_ip4", "UPDATE devices SET primary_ip4_id = nullif(?2, 0) WHERE id = ?1 AND primary_ip4_id IS "
                    "NOT nullif(?2, 0)"},
    {"primary_ip6", "UPDATE devices SET primary_ip6_id = nullif(?2, 0) WHERE id = ?1 AND primary_ip6_id IS "
                    "NOT nullif(?2, 0)"},
    {"oob_ip",
     "UPDATE devices SET oob_ip_id = nullif(?2, 0) WHERE id = ?1 AND oob_ip_id IS NOT nullif(?2, 0)"}};

/* Is it the one that follows from the interfaces? Then it goes on following. */
static int follows(struct keeper *k, int64_t device, int64_t *ret, struct err *e)
{
    static const char sql[] =
        "SELECT primary_ip4_id IS NULL OR primary_ip4_id IS " DERIVED " FROM devices WHERE id = ?1";
    return db_number(k->s, sql, DB_VALUES(db_i(device)), ret, e);
}

static int follow(struct keeper *k, int64_t device, int64_t following, struct err *e)
{
    static const char gone[] =
        "UPDATE devices SET primary_ip4_id = CASE WHEN ?2 OR primary_ip4_id NOT IN " OWN " THEN " DERIVED
        " ELSE primary_ip4_id END, primary_ip6_id = CASE WHEN primary_ip6_id "
        "IN " OWN " THEN primary_ip6_id END, oob_ip_id = CASE WHEN oob_ip_id IN " OWN
        " THEN oob_ip_id END WHERE id = ?1";
    return db_run(k->s, gone, DB_VALUES(db_i(device), db_i(following)), e);
}

static int set_people(struct keeper *k, size_t which, const char *text, int64_t device, struct err *e)
{
    static const char sql[] =
        "SELECT a.id FROM ip_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE "
        "a.address = ? AND i.device_id = ?";
    uint8_t bytes[16];
    int64_t length, id = 0;
    if (*text) {
        const char *full = strchr(text, '/') ? text : arena_printf(&k->arena, "%s/0", text);
        int r =
            db_number(k->s, sql, DB_VALUES(keep_address_value(full, bytes, &length), db_i(device)), &id, e);
        if (r != 1) {
            return r < 0 ? -1
                         : err_set(e, ERR_INPUT, "its %s %s is the address of none of its interfaces",
                                   people[which].key, text);
        }
    }
    if (db_run(k->s, people[which].set, DB_VALUES(db_i(device), db_i(id)), e) < 0) {
        return -1;
    }
    k->state->changed |= db_changes(k->s) > 0;
    return 0;
}

static int put_people(struct keeper *k, const struct said_device *x, int64_t device, int64_t following,
                      struct err *e)
{
    const char *const said[] = {x->primary_ip4, x->primary_ip6, x->oob_ip};
    if (k->state->changed && follow(k, device, following, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        if (said[i] && set_people(k, i, said[i], device, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- the whole device */

/* A job that no machine has claimed yet follows its device: who corrects the disk of an armed device must not
 * see the first one written. */
static int armed_disk(struct keeper *k, int64_t id, struct err *e)
{
    return db_run(
        k->s,
        "UPDATE jobs SET disk_selector = (SELECT disk FROM devices WHERE id = ?1) WHERE device_id = ?1 AND "
        "state = 'armed'",
        DB_VALUES(db_i(id)), e);
}

static int refuse_netbox(struct keeper *k, const char *name, int64_t id, struct err *e)
{
    int64_t netbox = 0;
    int r = db_number(k->s, "SELECT ifnull(netbox_id, 0) FROM devices WHERE id = ?", DB_VALUES(db_i(id)),
                      &netbox, e);
    if (r < 0 || netbox == 0) {
        return r < 0 ? -1 : 0;
    }
    return err_set(
        e, ERR_CONFLICT,
        "the device %s is NetBox's, by its number %lld there, and this would change its interfaces; change "
        "it in NetBox",
        name, (long long)netbox);
}

static int put_new(struct keeper *k, const struct said_device *x, int64_t *ret_id, struct err *e)
{
    if (keep_write(k, &x->o, 0, 0, NULL, ret_id, e) < 0) {
        return -1;
    }
    if (put_interfaces(k, x, *ret_id, NULL, e) < 0) {
        return -1;
    }
    k->state->changed = false; /* so that put_people looks at what is said alone: the rest is easy here */
    if (x->interfaces_n > 0 && db_run(k->s, "UPDATE devices SET primary_ip4_id = " DERIVED " WHERE id = ?1",
                                      DB_VALUES(db_i(*ret_id)), e) < 0) {
        return -1;
    }
    return put_people(k, x, *ret_id, 1, e);
}

static int put_old(struct keeper *k, const struct said_device *x, int64_t id, struct err *e)
{
    struct port *ports;
    int64_t following = 1, same;
    if (read_ports(k->s, &k->arena, id, &ports, e) < 0 || follows(k, id, &following, e) < 0 ||
        keep_write(k, &x->o, id, 0, NULL, &same, e) < 0 || put_interfaces(k, x, id, ports, e) < 0 ||
        put_people(k, x, id, following, e) < 0) {
        return -1;
    }
    if (!k->state->changed) {
        return 0;
    }
    return refuse_netbox(k, x->o.v[0], id, e) < 0 || armed_disk(k, id, e) < 0 ? -1
                                                                              : note_ports(k, id, ports, e);
}

/* What is said of a new device is what there was not before. */
static void note_new(struct keeper *k, const struct said_device *x)
{
    const struct keep_kind *kind = keep_kind(MODEL_DEVICE);
    for (size_t i = 0; i < kind->n; i++) {
        if (x->o.v[i] && *x->o.v[i] && kind->keys[i].type != KEY_FIELDS) {
            change_text(&k->state->change, kind->keys[i].key, "", x->o.v[i]);
        }
    }
    for (size_t i = 0; i < x->interfaces_n; i++) {
        const struct said_interface *f = &x->interfaces[i];
        const char *mac = f->macs_n ? plug_text(k, MODEL_MAC, f->macs[0].v[0]) : "";
        const char *address = f->addresses_n ? f->addresses[0].v[0] : "";
        change_text(&k->state->change, arena_printf(&k->arena, "interface %s", f->o.v[0]), "",
                    arena_printf(&k->arena, "%s%s%s%s", mac, *mac && *address ? " " : "", address,
                                 f->primary ? " primary" : ""));
    }
}

static int say_put(struct keeper *k, const struct said_device *x, int64_t id, bool new, struct err *e)
{
    if (new) {
        note_new(k, x);
    }
    return journal_add_change(k->s, id, NULL, k->actor, new ? "created" : "changed",
                              new ? "the device was entered into the inventory"
                                  : "the inventory's record was changed",
                              &k->state->change, k->at_ms, e);
}

static int put(struct keeper *k, struct said_device *x, int64_t *ret_id, enum keep_did *did, struct err *e)
{
    int r = keep_find(k, &x->o, ret_id, e);
    k->state->change = (struct change){.left_out = 0};
    k->state->changed = false;
    if (r < 0 || (r == 0 ? put_new(k, x, ret_id, e) : put_old(k, x, *ret_id, e)) < 0) {
        return -1;
    }
    *did = r == 0 ? KEEP_NEW : k->state->changed ? KEEP_CHANGED : KEEP_SAME;
    if (*did == KEEP_SAME) {
        return 0;
    }
    return k->many && roster_touch(k->s, *ret_id, e) < 0 ? -1 : say_put(k, x, *ret_id, r == 0, e);
}

int keep_put_device(struct keeper *k, struct said_device *x, int64_t *ret_id, enum keep_did *did,
                    struct err *e)
{
    if (!k->state) {
        k->state = xcalloc(1, sizeof *k->state);
    }
    k->fault = NULL;
    k->state->told = false;
    if (put(k, x, ret_id, did, e) < 0) {
        if (!k->fault) {
            keep_fault(k, &x->o);
        }
        return k->state->told ? -1 : err_prefix(e, "device %s", x->o.v[0]);
    }
    return 0;
}

static int remove_loose(struct keeper *k, const struct plug_kind *kind, struct err *e)
{
    struct db_ids *ids = loose_of(k, kind);
    for (size_t i = 0; i < ids->n; i++) {
        if (db_run(k->s, kind->remove, DB_VALUES(db_i(ids->id[i])), e) < 0) {
            return -1;
        }
    }
    ids->n = 0;
    return 0;
}

int keep_many(struct keeper *k, struct err *e)
{
    k->many = true;
    return roster_hold(k->s, e);
}

int keep_end(struct keeper *k, struct err *e)
{
    if (k->many && roster_release(k->s, e) < 0) {
        return -1;
    }
    k->many = false;
    if (!k->state) {
        return 0;
    }
    return remove_loose(k, &mac_kind, e) < 0 ? -1 : remove_loose(k, &address_kind, e);
}

/* ---- reading one, for export */

static int read_list(struct store *s, struct arena *a, enum model_id m, const struct plug *list,
                     struct said **ret, size_t *ret_n, struct err *e)
{
    size_t n = 0;
    for (const struct plug *p = list; p; p = p->next) {
        n++;
    }
    *ret = arena_get(a, (n + 1) * sizeof **ret);
    *ret_n = n;
    for (size_t i = 0; i < n; i++, list = list->next) {
        if (keep_get(s, m, list->id, a, &(*ret)[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool boots_first(enum model_id m, const struct plug *list)
{
    const struct plug *first = list;
    while (first && m == MODEL_IP && !is_ip4(first->text)) {
        first = first->next;
    }
    return !first || first->boot;
}

static int read_interface(struct store *s, struct arena *a, const struct port *p, struct said_interface *ret,
                          struct err *e)
{
    ret->primary = p->primary;
    ret->macs_whole = ret->addresses_whole = true;
    ret->boot_mac = boots_first(MODEL_MAC, p->macs);
    ret->boot_address = boots_first(MODEL_IP, p->addresses);
    return keep_get(s, MODEL_INTERFACE, p->id, a, &ret->o, e) < 0 ||
                   read_list(s, a, MODEL_MAC, p->macs, &ret->macs, &ret->macs_n, e) < 0
               ? -1
               : read_list(s, a, MODEL_IP, p->addresses, &ret->addresses, &ret->addresses_n, e);
}

static int read_people(struct store *s, struct arena *a, int64_t id, struct said_device *ret, struct err *e)
{
#define TEXT_OF(column)                                                                                      \
    "(SELECT CASE typeof(a.address) WHEN 'integer' THEN a.address ELSE hex(a.address) END || '/' || "        \
    "a.length"                                                                                               \
    " FROM ip_addresses a JOIN interfaces i ON i.id = a.interface_id WHERE a.id = " column                   \
    " AND i.device_id = ?1)"
    static const char sql[] = "SELECT CASE WHEN primary_ip4_id IS NOT " DERIVED
                              " THEN ifnull(" TEXT_OF("primary_ip4_id") ", '') END, " TEXT_OF(
                                  "primary_ip6_id") ", " TEXT_OF("oob_ip_id") " FROM devices WHERE id = ?1";
#undef TEXT_OF
    const char **const into[] = {&ret->primary_ip4, &ret->primary_ip6, &ret->oob_ip};
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    for (int i = 0; r == 1 && i < 3; i++) {
        const char *column = (const char *)sqlite3_column_text(q, i);
        *into[i] = !column ? NULL : !*column ? "" : keep_address_text(a, column);
    }
    db_done(r == 1 ? q : NULL);
    return r < 0 ? -1 : 0;
}

int keep_get_device(struct store *s, int64_t id, struct arena *a, struct said_device *ret, struct err *e)
{
    struct port *ports;
    size_t n = 0;
    *ret = (struct said_device){.partial = false};
    if (keep_get(s, MODEL_DEVICE, id, a, &ret->o, e) < 0 || read_ports(s, a, id, &ports, e) < 0 ||
        read_people(s, a, id, ret, e) < 0) {
        return -1;
    }
    for (const struct port *p = ports; p; p = p->next) {
        n++;
    }
    ret->interfaces = arena_get(a, (n + 1) * sizeof *ret->interfaces);
    for (const struct port *p = ports; p; p = p->next) {
        if (read_interface(s, a, p, &ret->interfaces[ret->interfaces_n++], e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* store_select: the devices that a selector picks. */
#include "inventory/select.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "inventory/store_record.h"

/* ---- by name */

static int compare_names(const void *a, const void *b)
{
    const struct device *const *x = a, *const *y = b;
    return strcasecmp((*x)->name, (*y)->name);
}

static int call_each(struct device *const *list, size_t n, device_fn *fn, void *ctx)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        if (i == 0 || list[i]->id != list[i - 1]->id) {
            r = fn(list[i], ctx);
        }
    }
    return r;
}

/* All names are looked up before the first call: a wrong one stops a command before it has done half. */
static int each_named(struct store *s, const char *names, device_fn *fn, void *ctx, struct err *e)
{
    struct device **list = NULL;
    size_t n = 0;
    char name[512];
    int r = 0;
    for (const char *at = names; r == 0 && select_item(&at, name, sizeof name);) {
        list = xrealloc(list, n + 1, sizeof *list);
        list[n] = xcalloc(1, sizeof **list);
        r = device_by_ref(s, name, list[n++], e);
    }
    if (r == 0) {
        qsort(list, n, sizeof *list, compare_names);
        r = call_each(list, n, fn, ctx);
    }
    for (size_t i = 0; i < n; i++) {
        free(list[i]);
    }
    free(list);
    return r;
}

/* ---- by conditions */

/* One row a key: the numbers of those devices, sorted. ?1 is the value. */
#define DEVICES             "SELECT d.id FROM devices d WHERE d.removed_ms = 0 AND "
#define BY(text)            DEVICES text " ORDER BY d.id"
#define SLUG(column, table) "d." column " = (SELECT id FROM " table " WHERE slug = ?1)"
#define OWNS(table, column)                                                                                  \
    "d.id = (SELECT i.device_id FROM " table " x JOIN interfaces i ON i.id = x.interface_id WHERE x." column \
    " = ?1)"
static const char *const rows[SELECT_KEYS] = {
    [SELECT_NAME] = BY("d.name = ?1"),
    [SELECT_SITE] = BY(SLUG("site_id", "sites")),
    /* and those in it, as in NetBox */
    [SELECT_LOCATION] =
        "WITH RECURSIVE inside(id) AS (SELECT id FROM locations WHERE slug = ?1 UNION SELECT l.id FROM "
        "locations l JOIN inside ON l.parent_id = inside.id) " BY("d.location_id IN inside"),
    [SELECT_RACK] = BY("d.rack_id IN (SELECT id FROM racks WHERE slug = ?1 OR name = ?1)"),
    [SELECT_TENANT] = BY(SLUG("tenant_id", "tenants")),
    [SELECT_ROLE] = BY(SLUG("role_id", "roles")),
    [SELECT_PLATFORM] = BY(SLUG("platform_id", "platforms")),
    [SELECT_MANUFACTURER] =
        BY("d.device_type_id IN (SELECT t.id FROM device_types t JOIN manufacturers m ON m.id = "
           "t.manufacturer_id WHERE m.slug = ?1 OR m.name = ?1)"),
    [SELECT_MODEL] = BY("d.device_type_id IN (SELECT id FROM device_types WHERE model = ?1 OR slug = ?1)"),
    [SELECT_TAG] = BY("d.id IN (SELECT g.object_id FROM tagged g JOIN tags t ON t.id = g.tag_id WHERE "
                      "g.model = 'dcim.device' AND (t.slug = ?1 OR t.name = ?1))"),
    [SELECT_STATUS] = BY("d.status = ?1"),
    [SELECT_STATE] = BY("d.state = ?1"),
    /* `image=debian-12` picks those pinned to one of its releases too. */
    [SELECT_IMAGE] = BY("(d.assigned = ?1 OR substr(d.assigned, 1, length(?1) + 1) = ?1 || '@')"),
    /* What is on the disk: a version, image@version, or a digest of which six digits at least are given. */
    [SELECT_RELEASE] =
        BY("d.installed_id IN (SELECT r.id FROM releases r JOIN images m ON m.id = r.image_id WHERE "
           "r.version = ?1 OR m.name || '@' || r.version = ?1 OR (length(?1) >= 6 AND substr(r.digest, 1, "
           "length(?1)) = lower(?1)))"),
    [SELECT_MAC] = BY(OWNS("mac_addresses", "mac")),
    [SELECT_ADDRESS] = BY(OWNS("ip_addresses", "address")),
    [SELECT_SERIAL] = BY("d.serial = ?1"),
    [SELECT_NETBOX] = BY("CASE ?1 WHEN -1 THEN d.netbox_id IS NOT NULL WHEN 0 THEN d.netbox_id IS NULL ELSE "
                         "d.netbox_id = ?1 END"),
};
static const char *const installed[] = {
    [SELECT_FROM] = BY("d.installed_ms > 0 AND d.installed_ms >= ?1"),
    [SELECT_AFTER] = BY("d.installed_ms > 0 AND d.installed_ms > ?1"),
    [SELECT_UNTIL] = BY("d.installed_ms > 0 AND d.installed_ms <= ?1"),
    [SELECT_BEFORE] = BY("d.installed_ms > 0 AND d.installed_ms < ?1"),
};

static struct db_value value_of(const struct select_term *t)
{
    switch (t->key) {
    case SELECT_ADDRESS:
        return inet_value(&t->address);
    case SELECT_INSTALLED:
    case SELECT_MAC:
    case SELECT_NETBOX:
        return db_i(t->number);
    default:
        return db_t(t->text);
    }
}

/* Keeps of a what is in b too. Both are sorted. */
static void intersect(struct db_ids *a, const struct db_ids *b)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < a->n; i++) {
        while (k < b->n && b->id[k] < a->id[i]) {
            k++;
        }
        if (k < b->n && b->id[k] == a->id[i]) {
            a->id[n++] = a->id[i];
        }
    }
    a->n = n;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Those of `in`, which is sorted, in the order of their names. */
static int by_name(struct store *s, const struct db_ids *in, struct db_ids *ret, struct err *e)
{
    if (in->n == 0) {
        return 0;
    }
    if (db_ids(s, "SELECT id FROM devices ORDER BY name", NULL, 0, ret, e) < 0) {
        return -1;
    }
    size_t n = 0;
    for (size_t i = 0; i < ret->n; i++) {
        if (bsearch(&ret->id[i], in->id, in->n, sizeof *in->id, compare_ids)) {
            ret->id[n++] = ret->id[i];
        }
    }
    ret->n = n;
    return 0;
}

static int ids_of(struct store *s, const struct selector *sel, struct db_ids *ret, struct err *e)
{
    struct db_ids all = {0}, one;
    int r = 0;
    for (size_t i = 0; i < sel->n && r == 0; i++) {
        const struct select_term *t = &sel->terms[i];
        const struct db_value value = value_of(t);
        one = (struct db_ids){0};
        r = db_ids(s, t->key == SELECT_INSTALLED ? installed[t->op] : rows[t->key], &value, 1,
                   i ? &one : &all, e);
        if (i) {
            intersect(&all, &one);
        }
        free(one.id);
    }
    if (r == 0) {
        r = sel->n ? by_name(s, &all, ret, e)
                   : db_ids(s, "SELECT id FROM devices WHERE removed_ms = 0 ORDER BY name", NULL, 0, ret, e);
    }
    free(all.id);
    return r;
}

/* One that was removed since is passed over. */
static int call_id(struct store *s, int64_t id, struct device *d, device_fn *fn, void *ctx, struct err *e)
{
    struct err why = {0};
    if (device_get(s, id, d, &why) == 0) {
        return fn(d, ctx);
    }
    if (why.kind == ERR_NOT_FOUND) {
        return 0;
    }
    *e = why;
    return -1;
}

int device_each(struct store *s, const char *selector, device_fn *fn, void *ctx, struct err *e)
{
    struct selector sel;
    if (select_parse(selector, &sel, e) < 0) {
        return -1;
    }
    if (sel.by_name) {
        return each_named(s, selector, fn, ctx, e);
    }
    struct db_ids ids = {0};
    struct device *d = xcalloc(1, sizeof *d);
    int r = ids_of(s, &sel, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = call_id(s, ids.id[i], d, fn, ctx, e);
    }
    free(d);
    free(ids.id);
    return r;
}

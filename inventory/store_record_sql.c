/* store_record_sql: statements made of the models' tables; and who sees which row, in this one place. */
#include <stdlib.h>
#include <string.h>

#include "inventory/store_record.h"

/* ---- making a statement */

void sql_start(struct sql *q, const struct who *w)
{
    memset(q, 0, sizeof *q);
    sql_add(q, "");
    q->cap = 16;
    q->v = xcalloc(q->cap, sizeof *q->v);
    q->v[q->n++] = db_i(w->tenant_id);
}

void sql_add(struct sql *q, const char *text)
{
    str_add(&q->text, text);
}

void sql_addf(struct sql *q, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str_vaddf(&q->text, fmt, ap);
    va_end(ap);
}

void sql_param(struct sql *q, struct db_value v)
{
    if (q->n == q->cap) {
        q->cap *= 2;
        q->v = xrealloc(q->v, q->cap, sizeof *q->v);
    }
    q->v[q->n++] = v;
    str_addf(&q->text, "?%zu", q->n);
}

void sql_text(struct sql *q, const char *s, size_t n)
{
    sql_param(q, (struct db_value){.type = DB_TEXT, .p = arena_copy(&q->memory, s, n), .n = n});
}

void sql_free(struct sql *q)
{
    str_free(&q->text);
    arena_free(&q->memory);
    free(q->v);
    memset(q, 0, sizeof *q);
}

int sql_prepare(struct store *s, const struct sql *q, sqlite3_stmt **ret, struct err *e)
{
    if (db_prepare(s, q->text.s, ret, e) < 0) {
        return -1;
    }
    if (db_bind(s, *ret, q->v, q->n, e) < 0) {
        db_drop(*ret);
        *ret = NULL;
        return -1;
    }
    return 0;
}

int sql_number(struct store *s, const struct sql *q, int64_t *ret, struct err *e)
{
    sqlite3_stmt *stmt;
    if (sql_prepare(s, q, &stmt, e) < 0) {
        return -1;
    }
    int r = db_step(s, stmt, e);
    if (r == 1) {
        *ret = db_int(stmt, 0);
    }
    db_drop(stmt);
    return r;
}

int sql_ids(struct store *s, const struct sql *q, struct db_ids *ret, struct err *e)
{
    sqlite3_stmt *stmt;
    if (sql_prepare(s, q, &stmt, e) < 0) {
        return -1;
    }
    int r;
    while ((r = db_step(s, stmt, e)) == 1) {
        if (ret->n == ret->cap) {
            ret->cap = ret->cap ? ret->cap * 2 : 64;
            ret->id = xrealloc(ret->id, ret->cap, sizeof *ret->id);
        }
        ret->id[ret->n++] = db_int(stmt, 0);
    }
    db_drop(stmt);
    return r;
}

/* ---- who sees what
 *
 * A tenant sees its own devices and what hangs on them; sites, locations, racks and prefixes of its own and
 * of nobody, unless these stand in a site or location of another; itself; the whole catalogue. An address
 * that hangs on a device is the device's tenant's, whoever it says it is of. */

#define OWN_DEVICE(id)                                                                                       \
    "EXISTS (SELECT 1 FROM devices d WHERE d.id = " id " AND d.tenant_id = ?1 AND d.removed_ms = 0)"
#define OWN_INTERFACE(id)                                                                                    \
    "EXISTS (SELECT 1 FROM interfaces i JOIN devices d ON d.id = i.device_id WHERE i.id = " id               \
    " AND d.tenant_id = ?1 AND d.removed_ms = 0)"
#define OWN_INTERFACES                                                                                       \
    "x.interface_id IN (SELECT i.id FROM devices d JOIN interfaces i ON i.device_id = d.id WHERE "           \
    "d.tenant_id = ?1 AND d.removed_ms = 0)"
#define SHARED "(x.tenant_id = ?1 OR (x.tenant_id IS NULL"
#define NOT_IN_ANOTHERS(table, key)                                                                          \
    " AND NOT EXISTS (SELECT 1 FROM " table " o WHERE o.id = x." key " AND o.tenant_id <> ?1)"
#define OWN_OBJECT(type, table)                                                                              \
    " WHEN '" type "' THEN EXISTS (SELECT 1 FROM " table " o WHERE o.id = x.object_id AND o.tenant_id = ?1)"

static const struct {
    const char *there;           /* the row counts at all */
    const char *listed, *single; /* a tenant sees it */
    const char *writable;        /* and may change it; NULL: none may */
} scopes[MODEL_COUNT] = {
    [MODEL_SITE] = {"1", SHARED "))", SHARED "))", "x.tenant_id = ?1"},
    [MODEL_LOCATION] = {"1", SHARED NOT_IN_ANOTHERS("sites", "site_id") "))",
                        SHARED NOT_IN_ANOTHERS("sites", "site_id") "))", "x.tenant_id = ?1"},
    [MODEL_RACK] = {"1",
                    SHARED NOT_IN_ANOTHERS("sites", "site_id")
                        NOT_IN_ANOTHERS("locations", "location_id") "))",
                    SHARED NOT_IN_ANOTHERS("sites", "site_id")
                        NOT_IN_ANOTHERS("locations", "location_id") "))",
                    "x.tenant_id = ?1"},
    [MODEL_PREFIX] = {"1",
                      SHARED NOT_IN_ANOTHERS("sites", "site_id")
                          NOT_IN_ANOTHERS("locations", "location_id") "))",
                      SHARED NOT_IN_ANOTHERS("sites", "site_id")
                          NOT_IN_ANOTHERS("locations", "location_id") "))",
                      "x.tenant_id = ?1"},
    [MODEL_MANUFACTURER] = {"1", "1", "1", NULL},
    [MODEL_DEVICE_TYPE] = {"1", "1", "1", NULL},
    [MODEL_ROLE] = {"1", "1", "1", NULL},
    [MODEL_PLATFORM] = {"1", "1", "1", NULL},
    [MODEL_TAG] = {"1", "1", "1", NULL},
    [MODEL_CUSTOM_FIELD] = {"1", "1", "1", NULL},
    [MODEL_DEVICE] = {"x.removed_ms = 0", "x.tenant_id = ?1", "x.tenant_id = ?1", "1"},
    [MODEL_INTERFACE] = {"1",
                         "x.device_id IN (SELECT d.id FROM devices d WHERE d.tenant_id = ?1 AND "
                         "d.removed_ms = 0)",
                         OWN_DEVICE("x.device_id"), "1"},
    [MODEL_MAC] = {"1", OWN_INTERFACES, OWN_INTERFACE("x.interface_id"), "1"},
    [MODEL_IP] = {"1", "(" OWN_INTERFACES " OR (x.interface_id IS NULL AND x.tenant_id = ?1))",
                  "(" OWN_INTERFACE("x.interface_id") " OR (x.interface_id IS NULL AND x.tenant_id = ?1))",
                  "1"},
    [MODEL_TENANT] = {"1", "x.id = ?1", "x.id = ?1", NULL},
#define NOTES                                                                                                \
    "CASE x.object_type WHEN 'dcim.device' THEN " OWN_DEVICE(                                                \
        "x.object_id") " WHEN 'dcim.interface' THEN " OWN_DEVICE("(SELECT i.device_id FROM interfaces i "    \
                                                                 "WHERE i.id = x.object_id)")                \
        OWN_OBJECT("dcim.site", "sites") OWN_OBJECT("dcim.location", "locations")                            \
            OWN_OBJECT("dcim.rack", "racks") OWN_OBJECT("ipam.prefix", "prefixes") " ELSE 0 END"
    [MODEL_NOTE] = {"1", NOTES, NOTES, "1"},
};

void sql_visible(struct sql *q, const struct model *m, const struct who *w, enum visible how)
{
    sql_add(q, scopes[m->id].there);
    if (w->tenant_id != 0) {
        sql_addf(q, " AND %s", how == VISIBLE_LISTED ? scopes[m->id].listed : scopes[m->id].single);
    }
}

void sql_writable(struct sql *q, const struct model *m, const struct who *w)
{
    const char *writable = scopes[m->id].writable;
    sql_add(q, w->tenant_id == 0 ? "1" : writable ? writable : "0");
}

/* ---- what to select from */

const char *record_source(const struct model *m)
{
    static const char *const sources[MODEL_COUNT] = {
        [MODEL_SITE] = "sites x",
        [MODEL_LOCATION] = "locations x",
        [MODEL_RACK] = "racks x",
        [MODEL_MANUFACTURER] = "manufacturers x",
        [MODEL_DEVICE_TYPE] = "device_types x",
        [MODEL_ROLE] = "roles x",
        [MODEL_PLATFORM] = "platforms x",
        [MODEL_DEVICE] = "devices x",
        [MODEL_INTERFACE] = "interfaces x",
        [MODEL_MAC] = "mac_addresses x",
        [MODEL_PREFIX] = "prefixes x",
        [MODEL_IP] = "ip_addresses x",
        [MODEL_TENANT] = "tenants x",
        [MODEL_TAG] = "tags x",
        [MODEL_CUSTOM_FIELD] = CUSTOM_SOURCE,
        [MODEL_NOTE] = "journal_entries x",
    };
    return sources[m->id];
}

/* ---- the order of a list */

/* Text is sorted as people read it; interfaces as their index stands, which has the devices' first. */
static void order_one(struct sql *q, const struct model *m, const char *name, bool down)
{
    int k = model_field(m, name);
    size_t n = strlen(name);
    if (k < 0 && n > 3 && strcmp(name + n - 3, "_id") == 0) {
        for (size_t i = 0; i < m->fields_n; i++) {
            if (m->fields[i].kind == FIELD_REF && strcmp(m->fields[i].column, name) == 0) {
                sql_addf(q, "x.%s%s, ", name, down ? " DESC" : "");
                return;
            }
        }
    }
    const struct field *f = k < 0 ? NULL : &m->fields[k];
    if (!f || !f->column) {
        return;
    }
    if (f->kind == FIELD_REF) {
        const struct model *to = model_get(f->to);
        sql_addf(q, "(SELECT z.%s FROM %s z WHERE z.id = x.%s)", to->display, to->table, f->column);
    } else {
        bool text = (f->kind == FIELD_TEXT || f->kind == FIELD_HOST) && m->id != MODEL_INTERFACE;
        sql_addf(q, "x.%s%s", f->column, text ? " COLLATE NOCASE" : "");
    }
    sql_addf(q, "%s, ", down ? " DESC" : "");
}

#define ORDER_MAX 8 /* names; those after them are passed over */

void sql_order(struct sql *q, const struct model *m, const struct record_query *rq)
{
    sql_add(q, " ORDER BY ");
    const char *at = rq->by_id ? "" : rq->ordering && *rq->ordering ? rq->ordering : m->order;
    for (int names = 0; *at && names < ORDER_MAX; names++) {
        char name[64];
        size_t n = strcspn(at, ",");
        bool down = *at == '-';
        if (n - down < sizeof name) {
            memcpy(name, at + down, n - down);
            name[n - down] = '\0';
            order_one(q, m, name, down);
        }
        at += n + (at[n] == ',');
    }
    sql_add(q, "x.id");
}

/* ---- faults */

void fault_add(struct faults *f, const char *field, const char *fmt, ...)
{
    if (f->n == FAULTS_MAX) {
        return;
    }
    f->list = xrealloc(f->list, f->n + 1, sizeof *f->list);
    struct fault *x = &f->list[f->n++];
    memset(x, 0, sizeof *x);
    str_copy(x->field, sizeof x->field, field);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(x->sentence, sizeof x->sentence, fmt, ap);
    va_end(ap);
}

void faults_free(struct faults *f)
{
    free(f->list);
    memset(f, 0, sizeof *f);
}

int faults_end(const struct faults *f, struct err *e)
{
    if (f->n == 0) {
        return 0;
    }
    const struct fault *x = &f->list[0];
    return err_set(e, ERR_INPUT, "%s%s%s", x->field, *x->field ? ": " : "", x->sentence);
}

/* ---- addresses in the tables */

struct db_value inet_value(const struct inet *i)
{
    return i->six ? (struct db_value){.type = DB_BLOB, .p = i->b, .n = sizeof i->b} : db_i(i->four.a);
}

bool inet_column(sqlite3_stmt *q, int column, struct inet *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->len = -1;
    if (sqlite3_column_type(q, column) == SQLITE_INTEGER) {
        ret->four.a = (uint32_t)db_int(q, column);
        return true;
    }
    const void *p = sqlite3_column_blob(q, column);
    if (!p || sqlite3_column_bytes(q, column) != sizeof ret->b) {
        return false;
    }
    ret->six = true;
    memcpy(ret->b, p, sizeof ret->b);
    return true;
}

/* store_record_write: records into the store. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/journal.h"
#include "inventory/store_record_write.h"

/* ---- may it be written? */

static int may_write(struct write *x)
{
    struct sql q;
    int64_t yes = 0;
    sql_start(&q, x->w);
    sql_addf(&q, "SELECT 1 FROM %s WHERE x.id = ", record_source(x->m));
    sql_param(&q, db_i(x->id));
    sql_add(&q, " AND ");
    sql_visible(&q, x->m, x->w, VISIBLE_SINGLE);
    sql_add(&q, " AND ");
    sql_writable(&q, x->m, x->w);
    int r = sql_number(x->s, &q, &yes, x->e);
    sql_free(&q);
    return r;
}

static int refused(struct write *x)
{
    return err_set(x->e, ERR_REFUSED, "You do not have permission to perform this action.");
}

static bool is_builtin(const struct write *x)
{
    return x->m->id == MODEL_CUSTOM_FIELD && x->id >= CUSTOM_BUILTIN_FIRST;
}

/* ERR_NOT_FOUND before ERR_REFUSED: what an asker does not see is not there. */
static int existing_check(struct write *x)
{
    int64_t updated;
    int r = record_known(x->s, x->w, x->m, x->id, &updated, x->e);
    if (r == 0) {
        return err_set(x->e, ERR_NOT_FOUND, "No %s matches the given query.", x->m->word);
    }
    if (r == 1) {
        r = may_write(x);
        r = r == 0 || (r == 1 && is_builtin(x)) ? refused(x) : r;
    }
    return r < 0 ? -1 : 0;
}

/* Of NetBox's object, what is ours: the custom fields that are built in. Others may be said as they are: some
 * clients write the whole object of them, of which they changed one. */
static bool only_ours(const struct write *x, const json_t *now)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)x->body, key, v)
    {
        if (strcmp(key, "id") == 0 || strcmp(key, "changelog_message") == 0) {
            continue;
        }
        if (strcmp(key, "custom_fields") != 0 || x->m->id != MODEL_DEVICE) {
            return false;
        }
        const char *name;
        json_t *value;
        json_object_foreach(v, name, value)
        {
            const json_t *had = json_object_get(now, name);
            if (!custom_builtin_find(x->m, name) && !(had ? json_equal(had, value) : json_is_null(value))) {
                return false;
            }
        }
    }
    return true;
}

static int netbox_check(struct write *x)
{
    struct sql q;
    int64_t netbox = 0;
    sql_start(&q, x->w);
    sql_addf(&q, "SELECT x.netbox_id FROM %s WHERE x.id = ", record_source(x->m));
    sql_param(&q, db_i(x->id));
    int r = sql_number(x->s, &q, &netbox, x->e);
    sql_free(&q);
    if (r < 0 || netbox == 0) {
        return r < 0 ? -1 : 0;
    }
    json_t *now = x->m->id == MODEL_DEVICE ? custom_stored(x) : NULL;
    bool ours = x->body && only_ours(x, now);
    json_decref(now);
    if (ours) {
        return 0;
    }
    x->ret->netbox_id = netbox;
    return err_set(x->e, ERR_CONFLICT, "This %s is kept in NetBox, under the number %lld; change it there.",
                   x->m->noun, (long long)netbox);
}

/* ---- the body */

static int key_read(struct write *x, const char *key, const json_t *v)
{
    static const char *const passed_over[] = {"id", "changelog_message"};
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++) {
        if (strcmp(key, passed_over[i]) == 0) {
            return 0;
        }
    }
    bool tagged = model_field(x->m, "tags") >= 0;
    if (tagged && (strcmp(key, "add_tags") == 0 || strcmp(key, "remove_tags") == 0)) {
        x->has_tags = true;
        return tags_read(x, key, v, *key == 'a' ? &x->tags : &x->tags_off);
    }
    int k = model_field(x->m, key);
    if (k < 0) {
        fault_add(x->f, key, "There is no such field.");
        return 0;
    }
    x->said |= UINT64_C(1) << k;
    return value_read(x, &x->m->fields[k], v);
}

static struct db_value missing_value(const struct field *f)
{
    bool number = f->kind == FIELD_BOOL || f->kind == FIELD_INT || f->kind == FIELD_REAL;
    return number ? db_i(atoll(f->missing)) : db_t(f->missing);
}

static void fill_in(struct write *x)
{
    for (size_t k = 0; k < x->m->fields_n; k++) {
        const struct field *f = &x->m->fields[k];
        if (x->said >> k & 1) {
            continue;
        }
        if ((f->flags & FIELD_REQUIRED) && (x->create || x->whole)) {
            fault_add(x->f, f->name, "This field is required.");
        } else if (x->create && f->missing && f->column) {
            column_set(x, f->column, missing_value(f));
        }
    }
}

static int body_read(struct write *x)
{
    const char *key;
    json_t *v;
    if (!json_is_object(x->body)) {
        fault_add(x->f, "", "Invalid data. Expected a dictionary.");
        return faults_end(x->f, x->e);
    }
    json_object_foreach((json_t *)x->body, key, v)
    {
        if (key_read(x, key, v) < 0) {
            return -1;
        }
    }
    fill_in(x);
    bool custom = model_field(x->m, "custom_fields") >= 0;
    const json_t *values = json_object_get(x->body, "custom_fields");
    return custom && (x->create || values) ? custom_write_read(x, values) : 0;
}

/* What a tenant makes is its own, and stays so. */
static void tenant_keep(struct write *x)
{
    int k = model_field(x->m, "tenant");
    if (x->w->tenant_id == 0 || k < 0) {
        return;
    }
    const struct column *c = column_find(x, "tenant_id");
    if (c && c->v.type == DB_NULL) {
        fault_add(x->f, "tenant", "This field may not be null.");
    } else if (x->create) {
        column_set(x, "tenant_id", db_i(x->w->tenant_id));
    }
}

/* ---- no two alike */

static void column_value(struct write *x, struct sql *q, const char *name)
{
    const struct column *c = column_find(x, name);
    if (c) {
        sql_param(q, c->v);
    } else {
        sql_addf(q, "(SELECT o.%s FROM %s o WHERE o.id = ", name, x->m->table);
        sql_param(q, db_i(x->id));
        sql_add(q, ")");
    }
}

/* "device_id" as NetBox says it: "Device" */
static void column_word(const char *column, char buf[64])
{
    str_copy(buf, 64, column);
    size_t n = strlen(buf);
    if (n > 3 && strcmp(buf + n - 3, "_id") == 0) {
        buf[n - 3] = '\0';
    }
    for (char *p = buf; *p; p++) {
        *p = *p == '_' ? ' ' : *p;
    }
}

static void twice_fault(struct write *x, const struct field *f, const char *other)
{
    char word[64], with[64];
    column_word(f->name, word);
    if (f->kind == FIELD_ADDRESS || f->kind == FIELD_PREFIX) {
        /* whose it is, and with what length, is for nobody else's tenant */
        fault_add(x->f, f->name, "Duplicate %s found in global table%s%s", x->m->noun,
                  x->w->tenant_id ? "" : ": ", x->w->tenant_id ? "" : other);
    } else if (f->within) {
        column_word(f->within, with);
        with[0] = (char)(with[0] >= 'a' && with[0] <= 'z' ? with[0] - 32 : with[0]);
        word[0] = (char)(word[0] >= 'a' && word[0] <= 'z' ? word[0] - 32 : word[0]);
        fault_add(x->f, "", "%c%s with this %s and %s already exists.", x->m->noun[0] & ~32, x->m->noun + 1,
                  with, word);
    } else {
        fault_add(x->f, f->name, "%s with this %s already exists.", x->m->noun, word);
    }
}

static int unique_one(struct write *x, const struct field *f)
{
    const struct column *c = column_find(x, f->column);
    bool moved = f->within && column_find(x, f->within);
    if ((!c && !moved && !(f->kind == FIELD_PREFIX && column_find(x, "length"))) ||
        (c && c->v.type == DB_NULL)) {
        return 0;
    }
    struct sql q;
    sqlite3_stmt *stmt;
    bool inet = f->kind == FIELD_ADDRESS || f->kind == FIELD_PREFIX;
    sql_start(&q, x->w);
    sql_addf(&q,
             inet ? "SELECT rackstrap_inet(x.%s, x.length) FROM %s WHERE x.%s = "
                  : "SELECT x.%s FROM %s WHERE x.%s = ",
             f->column, record_source(x->m), f->column);
    column_value(x, &q, f->column);
    if (f->within || f->kind == FIELD_PREFIX) {
        const char *with = f->within ? f->within : "length";
        sql_addf(&q, " AND x.%s IS ", with);
        column_value(x, &q, with);
    }
    sql_add(&q, x->m->id == MODEL_DEVICE ? " AND x.removed_ms = 0 AND x.id <> " : " AND x.id <> ");
    sql_param(&q, db_i(x->id));
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    if (r == 0) {
        char other[INET_STR] = "";
        r = db_step(x->s, stmt, x->e);
        if (r == 1) {
            db_text(stmt, 0, other, sizeof other);
            twice_fault(x, f, other);
        }
        db_drop(stmt);
    }
    sql_free(&q);
    return r < 0 ? -1 : 0;
}

static int unique_check(struct write *x)
{
    for (size_t k = 0; k < x->m->fields_n; k++) {
        if ((x->m->fields[k].flags & FIELD_UNIQUE) && unique_one(x, &x->m->fields[k]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A field that is said once keeps its value. */
static int fixed_check(struct write *x)
{
    for (size_t k = 0; k < x->m->fields_n && !x->create; k++) {
        const struct field *f = &x->m->fields[k];
        const struct column *c = f->flags & FIELD_FIXED ? column_find(x, f->column) : NULL;
        if (!c) {
            continue;
        }
        struct sql q;
        int64_t same = 1;
        sql_start(&q, x->w);
        sql_addf(&q, "SELECT x.%s IS ", f->column);
        sql_param(&q, c->v);
        sql_addf(&q, " FROM %s WHERE x.id = ", record_source(x->m));
        sql_param(&q, db_i(x->id));
        int r = sql_number(x->s, &q, &same, x->e);
        sql_free(&q);
        if (r < 0) {
            return -1;
        }
        if (!same) {
            fault_add(x->f, f->name, "This field cannot be changed.");
        }
    }
    return 0;
}

/* ---- what changed, for the journal */

#define DIFFERS_MAX COLUMNS_MAX
struct shown {
    const char *name;
    char *before;
};
struct difference {
    size_t n;
    struct shown list[DIFFERS_MAX];
};

/* A column as people read it: the name of what is referred to, an address as text. */
static void shown_column(struct sql *q, const struct model *m, const char *column, const char **ret_name)
{
    const struct field *f = NULL;
    for (size_t k = 0; k < m->fields_n && !f; k++) {
        f = m->fields[k].column && strcmp(m->fields[k].column, column) == 0 ? &m->fields[k] : NULL;
    }
    *ret_name = f ? f->name : column;
    if (f && f->kind == FIELD_REF && f->to != MODEL_IP) {
        const struct model *to = model_get(f->to);
        sql_addf(q, "(SELECT z.%s FROM %s z WHERE z.id = x.%s)", to->display, to->table, column);
    } else if (f && f->kind == FIELD_REF) {
        sql_addf(q, "(SELECT rackstrap_inet(z.address, z.length) FROM ip_addresses z WHERE z.id = x.%s)",
                 column);
    } else if (f && f->kind == FIELD_MAC) {
        sql_addf(q, "rackstrap_mac(x.%s)", column);
    } else if (f && (f->kind == FIELD_ADDRESS || f->kind == FIELD_PREFIX)) {
        sql_addf(q, "rackstrap_inet(x.%s, x.length)", column);
    } else if (strcmp(column, "interface_id") == 0) {
        *ret_name = "interface";
        sql_add(q, "(SELECT d.name || ' ' || z.name FROM interfaces z JOIN devices d ON d.id = z.device_id "
                   "WHERE z.id = "
                   "x.interface_id)");
    } else if (strcmp(column, "router") == 0) {
        *ret_name = "gateway";
        sql_add(q, "rackstrap_inet(x.router, NULL)");
    } else {
        sql_addf(q, "x.%s", column);
    }
}

/* Not every column is something that a person wrote. */
static bool is_told(const struct model *m, const char *column)
{
    for (size_t k = 0; k < m->fields_n; k++) {
        if (m->fields[k].column && strcmp(m->fields[k].column, column) == 0) {
            return !(m->fields[k].flags & FIELD_READ_ONLY);
        }
    }
    return strcmp(column, "interface_id") == 0 || strcmp(column, "router") == 0;
}

/* From one device to another: they may be of two tenants, and the journal of each says its side alone. */
static bool is_moved(const struct write *x)
{
    return x->old_device && x->device && x->old_device != x->device;
}

/* The values of the columns that are written, as they stand now: into d before, into c after. */
static int difference_read(struct write *x, struct difference *d, struct change *c)
{
    struct sql q;
    sqlite3_stmt *stmt;
    const char *names[DIFFERS_MAX];
    size_t n = 0;
    sql_start(&q, x->w);
    sql_add(&q, "SELECT 0");
    for (size_t i = 0; i < x->n; i++) {
        if (is_told(x->m, x->columns[i].name)) {
            sql_add(&q, ", ");
            shown_column(&q, x->m, x->columns[i].name, &names[n++]);
        }
    }
    sql_addf(&q, " FROM %s x WHERE x.id = ", x->m->table);
    sql_param(&q, db_i(x->id));
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    if (r == 0) {
        r = db_step(x->s, stmt, x->e);
        for (size_t i = 0; i < n && r >= 0; i++) {
            const char *text = r == 1 ? (const char *)sqlite3_column_text(stmt, (int)i + 1) : NULL;
            if (c) {
                change_text(c, names[i], is_moved(x) ? NULL : d->list[i].before, text);
            } else {
                d->list[i] = (struct shown){names[i], text ? xstrdup(text) : NULL};
                d->n = i + 1;
            }
        }
        db_drop(stmt);
    }
    sql_free(&q);
    return r < 0 ? -1 : 0;
}

static void difference_free(struct difference *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->list[i].before);
    }
    d->n = 0;
}

/* The object's name for people. */
static int display_read(struct write *x, char buf[128])
{
    struct sql q;
    sqlite3_stmt *stmt;
    const char *name;
    sql_start(&q, x->w);
    sql_add(&q, "SELECT ");
    shown_column(&q, x->m, x->m->display, &name);
    sql_addf(&q, " FROM %s x WHERE x.id = ", x->m->table);
    sql_param(&q, db_i(x->id));
    str_copy(buf, 128, "");
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    if (r == 0) {
        r = db_step(x->s, stmt, x->e);
        if (r == 1) {
            db_text(stmt, 0, buf, 128);
        }
        db_drop(stmt);
    }
    sql_free(&q);
    return r < 0 ? -1 : 0;
}

/* A change of what hangs on a device is the device's. */
static int tell(struct write *x, const char *event, const char *display, const struct change *c)
{
    char detail[400];
    int64_t device = x->m->id == MODEL_DEVICE ? x->id : x->device ? x->device : x->old_device;
    if (x->m->id == MODEL_DEVICE) {
        snprintf(detail, sizeof detail, "the inventory's record was %s", event);
    } else {
        snprintf(detail, sizeof detail, "%s %s (%lld) was %s", x->m->noun, display, (long long)x->id, event);
    }
    const char *word = x->m->id == MODEL_DEVICE || !device ? event : "changed";
    return journal_add_change(x->s, device, NULL, x->w->actor, word, detail, c, x->w->at_ms, x->e);
}

/* What the device had of it that it hung on before. */
static int tell_moved(struct write *x, const char *display, const struct difference *d)
{
    char detail[400];
    struct change c = {.left_out = 0};
    if (!is_moved(x)) {
        return 0;
    }
    for (size_t i = 0; i < d->n; i++) {
        change_text(&c, d->list[i].name, d->list[i].before, NULL);
    }
    snprintf(detail, sizeof detail, "%s %s (%lld) was given to another device", x->m->noun, display,
             (long long)x->id);
    return journal_add_change(x->s, x->old_device, NULL, x->w->actor, "changed", detail, &c, x->w->at_ms,
                              x->e);
}

/* ---- writing */

static int row_insert(struct write *x)
{
    struct sql q;
    sqlite3_stmt *stmt;
    column_set(x, "created_ms", db_i(x->w->at_ms));
    column_set(x, "updated_ms", db_i(x->w->at_ms));
    sql_start(&q, x->w);
    sql_addf(&q, "INSERT INTO %s (", x->m->table);
    for (size_t i = 0; i < x->n; i++) {
        sql_addf(&q, "%s%s", i ? ", " : "", x->columns[i].name);
    }
    sql_add(&q, ") VALUES (");
    for (size_t i = 0; i < x->n; i++) {
        sql_add(&q, i ? ", " : "");
        sql_param(&q, x->columns[i].v);
    }
    sql_add(&q, ")");
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    if (r == 0) {
        r = db_step(x->s, stmt, x->e);
        db_drop(stmt);
    }
    sql_free(&q);
    x->id = r < 0 ? 0 : db_last_id(x->s);
    return r < 0 ? -1 : 0;
}

static int row_update(struct write *x)
{
    struct sql q;
    sqlite3_stmt *stmt;
    sql_start(&q, x->w);
    sql_addf(&q, "UPDATE %s SET updated_ms = max(", x->m->table);
    sql_param(&q, db_i(x->w->at_ms));
    sql_add(&q, ", updated_ms + 1)");
    for (size_t i = 0; i < x->n; i++) {
        sql_addf(&q, ", %s = ", x->columns[i].name);
        sql_param(&q, x->columns[i].v);
    }
    sql_add(&q, " WHERE id = ");
    sql_param(&q, db_i(x->id));
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    if (r == 0) {
        r = db_step(x->s, stmt, x->e);
        db_drop(stmt);
    }
    sql_free(&q);
    return r < 0 ? -1 : 0;
}

static int tags_write(struct write *x)
{
    static const char off_all[] = "DELETE FROM tagged WHERE model = ? AND object_id = ?";
    static const char off[] = "DELETE FROM tagged WHERE model = ? AND object_id = ? AND tag_id = ?";
    static const char on[] = "INSERT OR IGNORE INTO tagged (model, object_id, tag_id) VALUES (?, ?, ?)";
    if (!x->has_tags) {
        return 0;
    }
    if (x->tags_replace && db_run(x->s, off_all, DB_VALUES(db_t(x->m->type), db_i(x->id)), x->e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < x->tags.n; i++) {
        if (db_run(x->s, on, DB_VALUES(db_t(x->m->type), db_i(x->id), db_i(x->tags.id[i])), x->e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < x->tags_off.n; i++) {
        if (db_run(x->s, off, DB_VALUES(db_t(x->m->type), db_i(x->id), db_i(x->tags_off.id[i])), x->e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The names of an object's tags, for the journal. */
static int tags_read_names(struct write *x, char buf[CHANGE_TEXT])
{
    static const char sql[] =
        "SELECT ifnull(group_concat(slug, ' '), '') FROM (SELECT t.slug FROM tagged g JOIN tags t "
        "ON t.id = g.tag_id WHERE g.model = ? AND g.object_id = ? ORDER BY t.slug)";
    sqlite3_stmt *q;
    *buf = '\0';
    if (!x->has_tags || x->id == 0) {
        return 0;
    }
    if (db_query(x->s, sql, DB_VALUES(db_t(x->m->type), db_i(x->id)), &q, x->e) < 0) {
        return -1;
    }
    int r = db_step(x->s, q, x->e);
    if (r == 1) {
        db_text(q, 0, buf, CHANGE_TEXT);
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

/* What a tenant wrote is still its own to see and change: nothing is given away. */
static int still_own(struct write *x)
{
    int r = may_write(x);
    if (r == 0) {
        fault_add(x->f, "", "This would leave the object outside what this token may change.");
    }
    return r < 0 ? -1 : 0;
}

static int row_write(struct write *x, struct change *c)
{
    struct difference d = {0};
    char display[128], tags_before[CHANGE_TEXT], tags_after[CHANGE_TEXT];
    const struct rules *rules = rules_of(x->m);
    int r = tags_read_names(x, tags_before);
    r = r == 0 ? difference_read(x, &d, NULL) : r;
    if (r == 0) {
        r = x->create ? row_insert(x) : row_update(x);
    }
    r = r == 0 ? tags_write(x) : r;
    r = r == 0 && rules->after ? rules->after(x) : r;
    r = r == 0 ? still_own(x) : r;
    r = r == 0 ? faults_end(x->f, x->e) : r;
    r = r == 0 ? difference_read(x, &d, c) : r;
    r = r == 0 ? tags_read_names(x, tags_after) : r;
    if (r == 0) {
        change_text(c, "tags", tags_before, tags_after);
        change_text(c, "disk", x->disk_before, x->has_disk ? x->disk : "");
        r = display_read(x, display);
    }
    if (r == 0 && (x->create || !change_none(c))) {
        r = tell_moved(x, display, &d);
        r = r == 0 ? tell(x, x->create ? "created" : "changed", display, c) : r;
    }
    difference_free(&d);
    return r;
}

static int write_locked(struct write *x)
{
    struct change c = {.left_out = 0};
    const struct rules *rules = rules_of(x->m);
    if (!x->create && (existing_check(x) < 0 || netbox_check(x) < 0)) {
        return -1;
    }
    if (body_read(x) < 0) {
        return -1;
    }
    tenant_keep(x);
    if (rules->before && rules->before(x) < 0) {
        return -1;
    }
    if (unique_check(x) < 0 || fixed_check(x) < 0 || faults_end(x->f, x->e) < 0) {
        return -1;
    }
    return row_write(x, &c);
}

static int write_run(struct write *x)
{
    int r = store_begin(x->s, x->e);
    r = r == 0 ? db_end(x->s, write_locked(x), x->e) : r;
    if (r == 0) {
        x->ret->id = x->id;
    }
    arena_free(&x->memory);
    free(x->tags.id);
    free(x->tags_off.id);
    return r;
}

int record_create(struct store *s, const struct who *w, const struct model *m, const json_t *body,
                  struct written *ret, struct faults *f, struct err *e)
{
    struct write x = {.s = s, .w = w, .m = m, .create = true, .body = body, .f = f, .e = e, .ret = ret};
    assert(w->actor);
    memset(ret, 0, sizeof *ret);
    /* A tenant makes what it may change afterwards. */
    if (w->tenant_id && (m->scope == SCOPE_CATALOGUE || m->id == MODEL_TENANT)) {
        return refused(&x);
    }
    return write_run(&x);
}

int record_update(struct store *s, const struct who *w, const struct model *m, int64_t id, const json_t *body,
                  bool whole, struct written *ret, struct faults *f, struct err *e)
{
    struct write x = {
        .s = s, .w = w, .m = m, .id = id, .whole = whole, .body = body, .f = f, .e = e, .ret = ret};
    memset(ret, 0, sizeof *ret);
    return write_run(&x);
}

/* ---- removal */

#define NAMED 10 /* dependants that are named */

/* What refers to an object that is to go. Of what the asker does not see, not even the number is told. */
struct dependants {
    struct str names;
    int64_t n;
    bool hidden;
};

static int dependants_of(struct write *x, const struct model *m, const char *column, struct dependants *d)
{
    struct sql q;
    sqlite3_stmt *stmt;
    const char *name;
    sql_start(&q, x->w);
    sql_add(&q, "SELECT x.id, ");
    shown_column(&q, m, m->display, &name);
    sql_add(&q, ", (");
    sql_visible(&q, m, x->w, VISIBLE_SINGLE);
    sql_addf(&q, ") FROM %s WHERE x.%s = ", record_source(m), column);
    sql_param(&q, db_i(x->id));
    sql_add(&q, m->id == MODEL_DEVICE ? " AND x.removed_ms = 0" : "");
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    while (r == 0 && (r = db_step(x->s, stmt, x->e)) == 1) {
        bool seen = db_int(stmt, 2) != 0;
        if (seen && d->n < NAMED) {
            char text[128];
            db_text(stmt, 1, text, sizeof text);
            str_addf(&d->names, "%s%s (%lld)", d->n ? ", " : "", text, (long long)db_int(stmt, 0));
        }
        d->n += seen;
        d->hidden |= !seen;
        r = 0;
    }
    db_drop(stmt);
    sql_free(&q);
    return r;
}

static int dependants_fault(struct write *x, const struct dependants *d)
{
    if (d->n == 0) {
        return err_set(x->e, ERR_CONFLICT,
                       "Unable to delete object. What depends on it is not this token's to see.");
    }
    return err_set(x->e, ERR_CONFLICT, "Unable to delete object. %lld dependent objects were found: %s%s",
                   (long long)d->n, d->names.s, d->n > NAMED ? ", ..." : "");
}

static int dependants_check(struct write *x)
{
    struct dependants d = {.n = 0};
    int r = 0;
    for (size_t i = 0; i < MODEL_COUNT && r == 0; i++) {
        const struct model *m = model_get((enum model_id)i);
        for (size_t k = 0; k < m->fields_n && r == 0; k++) {
            const struct field *f = &m->fields[k];
            /* a device's interfaces go with it */
            if (f->kind == FIELD_REF && f->to == x->m->id && f->to != MODEL_IP && f->to != MODEL_DEVICE) {
                r = dependants_of(x, m, f->column, &d);
            }
        }
    }
    if (r == 0 && (x->m->id == MODEL_SITE || x->m->id == MODEL_LOCATION)) {
        r = dependants_of(x, model_get(MODEL_PREFIX), x->m->id == MODEL_SITE ? "site_id" : "location_id", &d);
    }
    r = r == 0 && (d.n > 0 || d.hidden) ? dependants_fault(x, &d) : r;
    str_free(&d.names);
    return r;
}

/* The row of a device that was removed stays, for its timeline; it refers to nothing that goes. */
static int forget_in_removed(struct write *x)
{
    const struct model *device = model_get(MODEL_DEVICE);
    for (size_t k = 0; k < device->fields_n; k++) {
        const struct field *f = &device->fields[k];
        if (f->kind != FIELD_REF || f->to != x->m->id) {
            continue;
        }
        struct sql q;
        sqlite3_stmt *stmt;
        sql_start(&q, x->w);
        sql_addf(&q, "UPDATE devices SET %s = NULL WHERE removed_ms <> 0 AND %s = ", f->column, f->column);
        sql_param(&q, db_i(x->id));
        int r = sql_prepare(x->s, &q, &stmt, x->e);
        if (r == 0) {
            r = db_step(x->s, stmt, x->e);
            db_drop(stmt);
        }
        sql_free(&q);
        if (r < 0) {
            return -1;
        }
    }
    return 0;
}

static int row_delete(struct write *x)
{
    struct sql q;
    sqlite3_stmt *stmt;
    sql_start(&q, x->w);
    sql_addf(&q, "DELETE FROM %s WHERE id = ", x->m->table);
    sql_param(&q, db_i(x->id));
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    if (r == 0) {
        r = db_step(x->s, stmt, x->e);
        db_drop(stmt);
    }
    sql_free(&q);
    return r < 0 ? -1 : 0;
}

/* Tokens of a tenant that goes would be of all tenants. Those that were revoked are good for nothing, and
 * stay to be read about. */
static int tokens_check(struct write *x)
{
    static const char live[] = "SELECT count(*) FROM api_tokens WHERE tenant_id = ? AND revoked_ms = 0";
    int64_t n = 0;
    if (x->m->id != MODEL_TENANT) {
        return 0;
    }
    if (db_number(x->s, live, DB_VALUES(db_i(x->id)), &n, x->e) < 0) {
        return -1;
    }
    if (n > 0) {
        return err_set(x->e, ERR_CONFLICT,
                       "Unable to delete object. It has %lld API tokens; revoke them first.", (long long)n);
    }
    return db_run(x->s, "UPDATE api_tokens SET tenant_id = NULL WHERE tenant_id = ?", DB_VALUES(db_i(x->id)),
                  x->e);
}

/* A protected device is in the way, as anything that depends on it would be: the asker lacks no right. */
static int device_delete(struct write *x)
{
    int r = device_remove(x->s, x->id, x->w->actor, x->w->at_ms, x->e);
    if (r < 0 && x->e->kind == ERR_REFUSED) {
        x->e->kind = ERR_CONFLICT;
    }
    return r;
}

static int delete_locked(struct write *x)
{
    struct change c = {.left_out = 0};
    char display[128];
    const struct rules *rules = rules_of(x->m);
    if (existing_check(x) < 0 || netbox_check(x) < 0 || (rules->removal && rules->removal(x) < 0)) {
        return -1;
    }
    if (x->m->id == MODEL_DEVICE) {
        return device_delete(x);
    }
    if (dependants_check(x) < 0 || tokens_check(x) < 0 || forget_in_removed(x) < 0 ||
        display_read(x, display) < 0 || row_delete(x) < 0) {
        return -1;
    }
    if (x->old_device && device_settle(x->s, x->old_device, x->w->at_ms, x->e) < 0) {
        return -1;
    }
    return tell(x, "deleted", display, &c);
}

int record_delete(struct store *s, const struct who *w, const struct model *m, int64_t id,
                  struct written *ret, struct err *e)
{
    struct faults none = {0};
    struct write x = {.s = s, .w = w, .m = m, .id = id, .f = &none, .e = e, .ret = ret};
    memset(ret, 0, sizeof *ret);
    ret->id = id;
    int r = store_begin(s, e);
    r = r == 0 ? db_end(s, delete_locked(&x), e) : r;
    faults_free(&none);
    return r;
}

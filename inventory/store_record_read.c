/* store_record_read: records out of the store.
 *
 * A list is read in two steps: first the numbers of its rows, in order, by one search; then the rows, a page
 * at a time, each found by its number. What rows refer to is read once a page, whoever refers to it. A page
 * is of one moment.
 */
#include <stdlib.h>
#include <string.h>

#include "inventory/store_record.h"

#define PAGE 1000 /* rows read before they are handed out */

/* ---- records by their number */

struct known {
    int64_t *id;
    const struct record **record; /* NULL: the asker sees none of this number */
    size_t n, cap;                /* cap: a power of two */
};

static size_t known_slot(const struct known *k, int64_t id)
{
    size_t i = ((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    while (k->id[i & (k->cap - 1)] != 0 && k->id[i & (k->cap - 1)] != id) {
        i++;
    }
    return i & (k->cap - 1);
}

static void known_put(struct known *k, int64_t id, const struct record *r)
{
    if (2 * (k->n + 1) > k->cap) {
        struct known old = *k;
        k->cap = old.cap ? 2 * old.cap : 64;
        k->id = xcalloc(k->cap, sizeof *k->id);
        k->record = xcalloc(k->cap, sizeof *k->record);
        k->n = 0;
        for (size_t i = 0; i < old.cap; i++) {
            if (old.id[i]) {
                known_put(k, old.id[i], old.record[i]);
            }
        }
        free(old.id);
        free(old.record);
    }
    size_t slot = known_slot(k, id);
    k->id[slot] = id;
    k->record[slot] = r;
    k->n++;
}

/* ---- what is read of one model */

#define FIELDS_MAX 64

struct source {
    const struct model *m;
    uint64_t fields;
    bool nested;
    sqlite3_stmt *row;
    int column[FIELDS_MAX]; /* of the row's; -1: none */
    sqlite3_stmt *count[FIELDS_MAX];
    sqlite3_stmt *tags, *macs;
    bool custom_read;
    struct custom_fields custom;
    struct known known; /* of nested ones */
};

struct loader {
    struct store *s;
    const struct who *w;
    struct arena *memory;
    struct source *nested[MODEL_COUNT];
    struct err *e;
};

/* ---- the columns of a field */

static const char *const computed_sql[] = {
    [COMPUTED_PRIMARY_IP] = "ifnull(x.primary_ip4_id, x.primary_ip6_id)",
    [COMPUTED_PRIMARY_MAC] =
        "(SELECT m.id FROM mac_addresses m WHERE m.interface_id = x.id AND m.is_primary = 1)",
    [COMPUTED_MAC_TEXT] =
        "(SELECT rackstrap_mac(m.mac) FROM mac_addresses m WHERE m.interface_id = x.id AND m.is_primary = 1)",
    [COMPUTED_ASSIGNED_TYPE] = "CASE WHEN x.interface_id IS NOT NULL THEN 'dcim.interface' END",
    [COMPUTED_ASSIGNED_ID] = "x.interface_id",
    [COMPUTED_SCOPE_TYPE] = "CASE WHEN x.location_id IS NOT NULL THEN 'dcim.location' WHEN x.site_id IS NOT "
                            "NULL THEN 'dcim.site' END",
    [COMPUTED_SCOPE_ID] = "ifnull(x.location_id, x.site_id)",
    /* type and number in one, since the model differs from row to row */
    [COMPUTED_SCOPE] = "CASE WHEN x.location_id IS NOT NULL THEN 'dcim.location ' || x.location_id ELSE "
                       "'dcim.site ' || x.site_id END",
    [COMPUTED_LOCATION_DEPTH] =
        "(WITH RECURSIVE t(id, n) AS (SELECT x.parent_id, 0 UNION ALL SELECT l.parent_id, "
        "t.n + 1 FROM locations l JOIN t ON l.id = t.id WHERE t.n < 64) SELECT max(n) FROM t)",
    [COMPUTED_DATA_TYPE] =
        "CASE WHEN x.type IN ('integer', 'decimal', 'boolean', 'object') THEN x.type WHEN x.type "
        "IN ('multiselect', 'multiobject') THEN 'array' ELSE 'string' END",
    [COMPUTED_NOTE_DISPLAY] = "strftime('%Y-%m-%d %H:%M', x.created_ms / 1000, 'unixepoch') || ' (' || "
                              "upper(substr(x.kind, 1, 1)) || substr(x.kind, 2) || ')'",
};

static void computed_columns(struct sql *q, const struct model *m, const struct field *f)
{
    if (f->computed == COMPUTED_FAMILY) {
        sql_addf(q, ", typeof(x.%s) = 'blob'", m->display);
    } else if (f->computed == COMPUTED_ASSIGNED) {
        sql_addf(q, ", %s",
                 m->id == MODEL_NOTE ? "x.object_type || ' ' || x.object_id"
                                     : "'dcim.interface ' || x.interface_id");
    } else {
        sql_addf(q, ", %s", computed_sql[f->computed]);
    }
}

static void display_column(struct sql *q, const struct model *m)
{
    switch (m->id) {
    case MODEL_MAC:
        sql_add(q, ", rackstrap_mac(x.mac)");
        break;
    case MODEL_IP:
    case MODEL_PREFIX:
        sql_addf(q, ", rackstrap_inet(x.%s, x.length)", m->display);
        break;
    case MODEL_CUSTOM_FIELD:
        sql_add(q, ", CASE WHEN x.label <> '' THEN x.label ELSE x.name END");
        break;
    default:
        sql_addf(q, ", x.%s", m->display);
    }
}

/* How many columns it took; 0: the field is made without. */
static int field_columns(struct sql *q, const struct model *m, const struct field *f)
{
    switch (f->kind) {
    case FIELD_URL:
    case FIELD_DISPLAY_URL:
    case FIELD_CONSTANT:
    case FIELD_COUNT:
    case FIELD_TAGS:
        return 0;
    case FIELD_DISPLAY:
        display_column(q, m);
        return 1;
    case FIELD_MAC:
        sql_addf(q, ", rackstrap_mac(x.%s)", f->column);
        return 1;
    case FIELD_ADDRESS:
    case FIELD_PREFIX:
        sql_addf(q, ", rackstrap_inet(x.%s, x.length)", f->column);
        return 1;
    case FIELD_COMPUTED:
        if (f->computed == COMPUTED_MACS || f->computed == COMPUTED_PREFIX_CHILDREN ||
            f->computed == COMPUTED_PREFIX_DEPTH) {
            return 0;
        }
        computed_columns(q, m, f);
        return 1;
    case FIELD_CUSTOM: {
        int n = 1;
        sql_addf(q, ", x.%s", f->column);
        for (size_t i = 0; i < custom_builtins_n; i++) {
            if (custom_builtins[i].model == m->id) {
                sql_addf(q, ", %s", custom_builtins[i].sql);
                n++;
            }
        }
        return n;
    }
    default:
        sql_addf(q, ", x.%s", f->column);
        return 1;
    }
}

#define ROW_HEAD 3

static int source_open(struct loader *l, struct source *src)
{
    struct sql q;
    int at = ROW_HEAD;
    sql_start(&q, l->w);
    sql_add(&q, "SELECT x.id, x.updated_ms, x.netbox_id");
    for (size_t k = 0; k < src->m->fields_n; k++) {
        int n = src->fields >> k & 1 ? field_columns(&q, src->m, &src->m->fields[k]) : 0;
        src->column[k] = n ? at : -1;
        at += n;
    }
    sql_addf(&q, " FROM %s WHERE x.id = ?2 AND ", record_source(src->m));
    sql_visible(&q, src->m, l->w, VISIBLE_SINGLE);
    int r = db_prepare(l->s, q.text.s, &src->row, l->e);
    sql_free(&q);
    return r;
}

static void source_close(struct source *src)
{
    db_drop(src->row);
    db_drop(src->tags);
    db_drop(src->macs);
    for (size_t k = 0; k < FIELDS_MAX; k++) {
        db_drop(src->count[k]);
    }
    custom_fields_free(&src->custom);
    free(src->known.id);
    free(src->known.record);
}

static void loader_close(struct loader *l)
{
    for (size_t i = 0; i < MODEL_COUNT; i++) {
        if (l->nested[i]) {
            source_close(l->nested[i]);
            free(l->nested[i]);
        }
    }
}

/* ---- values */

static struct value text_value(struct loader *l, sqlite3_stmt *q, int column)
{
    const void *p = sqlite3_column_text(q, column);
    size_t n = (size_t)sqlite3_column_bytes(q, column);
    if (!p) {
        return (struct value){.type = VALUE_NULL};
    }
    return (struct value){.type = VALUE_TEXT, .n = n, .text = arena_copy(l->memory, p, n)};
}

static struct value json_value(struct loader *l, const char *s, size_t n)
{
    return (struct value){.type = VALUE_JSON, .n = n, .text = arena_copy(l->memory, s, n)};
}

static struct value choice_value(struct loader *l, const struct field *f, sqlite3_stmt *q, int column)
{
    struct value v = text_value(l, q, column);
    if (v.type == VALUE_NULL || v.n == 0) {
        return (struct value){.type = VALUE_NULL};
    }
    const struct choice *c = choice_find(f->choices, v.text);
    v.type = VALUE_CHOICE;
    v.label = c ? c->label : v.text;
    return v;
}

static int nested_get(struct loader *l, enum model_id model, int64_t id, const struct record **ret);

static int ref_value(struct loader *l, enum model_id model, int64_t id, struct value *ret)
{
    const struct record *r = NULL;
    if (id && nested_get(l, model, id, &r) < 0) {
        return -1;
    }
    *ret = r ? (struct value){.type = VALUE_RECORD, .record = r} : (struct value){.type = VALUE_NULL};
    return 0;
}

/* "dcim.site 5" */
static int typed_ref_value(struct loader *l, sqlite3_stmt *q, int column, struct value *ret)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    char type[64];
    long long id;
    *ret = (struct value){.type = VALUE_NULL};
    if (!text || sscanf(text, "%63s %lld", type, &id) != 2) {
        return 0;
    }
    const struct model *m = model_by_type(type);
    return m ? ref_value(l, m->id, id, ret) : 0;
}

/* Runs a statement of ours again, for this row. */
static int again(struct loader *l, sqlite3_stmt *q, int64_t id)
{
    return db_bind(l->s, q, DB_VALUES(db_i(l->w->tenant_id), db_i(id)), l->e);
}

/* The records whose numbers a statement gives for this row. */
static int list_value(struct loader *l, sqlite3_stmt *q, enum model_id model, int64_t id, struct value *ret)
{
    const struct record **list = NULL;
    size_t n = 0, cap = 0;
    int r = again(l, q, id);
    while (r >= 0 && (r = db_step(l->s, q, l->e)) == 1) {
        const struct record *x = NULL;
        if (nested_get(l, model, db_int(q, 0), &x) < 0) {
            r = -1;
            break;
        }
        if (n == cap) {
            cap = cap ? 2 * cap : 4;
            list = xrealloc(list, cap, sizeof *list);
        }
        list[n] = x;
        n += x != NULL;
    }
    db_done(q);
    if (r == 0) {
        void *copy = arena_get(l->memory, n * sizeof *list);
        if (n > 0) {
            memcpy(copy, list, n * sizeof *list);
        }
        *ret = (struct value){.type = VALUE_RECORDS, .n = n, .records = copy};
    }
    free(list);
    return r;
}

static int tags_value(struct loader *l, struct source *src, int64_t id, struct value *ret)
{
    if (!src->tags) {
        struct sql q;
        sql_start(&q, l->w);
        sql_addf(&q,
                 "SELECT g.tag_id FROM tagged g JOIN tags t ON t.id = g.tag_id WHERE g.model = '%s' AND "
                 "g.object_id = ?2 ORDER BY t.weight, t.name",
                 src->m->type);
        int r = db_prepare(l->s, q.text.s, &src->tags, l->e);
        sql_free(&q);
        if (r < 0) {
            return -1;
        }
    }
    return list_value(l, src->tags, MODEL_TAG, id, ret);
}

static int macs_value(struct loader *l, struct source *src, int64_t id, struct value *ret)
{
    if (!src->macs && db_prepare(l->s,
                                 "SELECT m.id FROM mac_addresses m WHERE m.interface_id = ?2 ORDER BY "
                                 "m.is_primary DESC, m.id",
                                 &src->macs, l->e) < 0) {
        return -1;
    }
    return list_value(l, src->macs, MODEL_MAC, id, ret);
}

/* ---- counts */

/* Of what bears a tag, those that the asker sees: model by model. */
static void tagged_count(struct sql *q, const struct who *w)
{
    if (w->tenant_id == 0) {
        sql_add(q, "SELECT count(*) FROM tagged g WHERE g.tag_id = ?2");
        return;
    }
    sql_add(q, "SELECT 0");
    for (size_t i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        if (model_field(m, "tags") >= 0) {
            sql_addf(q,
                     " + (SELECT count(*) FROM tagged g WHERE g.tag_id = ?2 AND g.model = '%s' AND EXISTS "
                     "(SELECT 1 "
                     "FROM %s WHERE x.id = g.object_id AND ",
                     m->type, record_source(m));
            sql_visible(q, m, w, VISIBLE_SINGLE);
            sql_add(q, "))");
        }
    }
}

#define OF_PREFIX(column) "(SELECT p." column " FROM prefixes p WHERE p.id = ?2)"

static void count_sql(struct sql *q, const struct who *w, const struct field *f)
{
    const struct model *to = model_get(f->kind == FIELD_COUNT ? f->to : MODEL_PREFIX);
    if (to->id == MODEL_TAG) {
        tagged_count(q, w);
        return;
    }
    sql_addf(q, "SELECT count(*) FROM %s WHERE ", record_source(to));
    if (f->kind == FIELD_COUNT) {
        sql_addf(q, "x.%s = ?2", f->by);
    } else if (f->computed == COMPUTED_PREFIX_CHILDREN) {
        sql_add(q, "x.first BETWEEN " OF_PREFIX("first") " AND " OF_PREFIX(
                       "last") " AND x.last <= " OF_PREFIX("last") " AND x.id <> ?2");
    } else {
        sql_add(q, "x.first <= " OF_PREFIX("first") " AND x.last >= " OF_PREFIX("last") " AND x.id <> ?2");
    }
    sql_add(q, " AND ");
    sql_visible(q, to, w, VISIBLE_SINGLE);
}

static int count_value(struct loader *l, struct source *src, size_t k, int64_t id, struct value *ret)
{
    const struct field *f = &src->m->fields[k];
    *ret = (struct value){.type = VALUE_INT};
    if (src->nested && f->kind == FIELD_COUNT && !(f->flags & FIELD_NESTED)) {
        return 0;
    }
    if (!src->count[k]) {
        struct sql q;
        sql_start(&q, l->w);
        count_sql(&q, l->w, f);
        int r = db_prepare(l->s, q.text.s, &src->count[k], l->e);
        sql_free(&q);
        if (r < 0) {
            return -1;
        }
    }
    if (again(l, src->count[k], id) < 0) {
        return -1;
    }
    int r = db_step(l->s, src->count[k], l->e);
    if (r == 1) {
        ret->i = db_int(src->count[k], 0);
        db_done(src->count[k]);
    }
    return r < 0 ? -1 : 0;
}

/* ---- custom fields */

static json_t *builtin_json(const struct custom_builtin *b, sqlite3_stmt *q, int column)
{
    if (sqlite3_column_type(q, column) == SQLITE_NULL) {
        return json_null();
    }
    if (strcmp(b->type, "boolean") == 0) {
        return json_boolean(db_int(q, column) != 0);
    }
    json_t *text = json_string((const char *)sqlite3_column_text(q, column));
    return text ? text : json_null();
}

/* Every field that the model has, in order, whether this object has a value or not. */
static int custom_value(struct loader *l, struct source *src, int column, struct value *ret)
{
    if (!src->custom_read && custom_fields_read(l->s, src->m, &src->custom, l->e) < 0) {
        return -1;
    }
    src->custom_read = true;
    json_t *out = json_object(), *own = NULL;
    for (size_t i = 0; i < custom_builtins_n; i++) {
        if (custom_builtins[i].model == src->m->id) {
            json_object_set_new(out, custom_builtins[i].name,
                                builtin_json(&custom_builtins[i], src->row, column + 1));
            column++;
        }
    }
    if (src->custom.n > 0) {
        int first = src->column[model_field(src->m, "custom_fields")];
        struct span text = db_bytes(src->row, first);
        own = json_loadb((const char *)text.p, text.n, 0, NULL);
    }
    for (size_t i = 0; i < src->custom.n; i++) {
        json_t *v = json_object_get(own, src->custom.list[i].name);
        json_object_set_new(out, src->custom.list[i].name, v ? json_incref(v) : json_null());
    }
    char *text = json_dumps(out, JSON_COMPACT | JSON_ENCODE_ANY);
    *ret = json_value(l, text ? text : "{}", text ? strlen(text) : 2);
    free(text);
    json_decref(out);
    json_decref(own);
    return 0;
}

/* ---- a row */

static const char *const families[] = {"{\"value\":4,\"label\":\"IPv4\"}",
                                       "{\"value\":6,\"label\":\"IPv6\"}"};

static int computed_value(struct loader *l, struct source *src, size_t k, int64_t id, struct value *ret)
{
    const struct field *f = &src->m->fields[k];
    int column = src->column[k];
    switch (f->computed) {
    case COMPUTED_FAMILY: {
        const char *family = families[db_int(src->row, column) != 0];
        *ret = (struct value){.type = VALUE_JSON, .n = strlen(family), .text = family};
        return 0;
    }
    case COMPUTED_PRIMARY_IP:
        return ref_value(l, MODEL_IP, db_int(src->row, column), ret);
    case COMPUTED_PRIMARY_MAC:
        return ref_value(l, MODEL_MAC, db_int(src->row, column), ret);
    case COMPUTED_MACS:
        return macs_value(l, src, id, ret);
    case COMPUTED_ASSIGNED:
    case COMPUTED_SCOPE:
        return typed_ref_value(l, src->row, column, ret);
    case COMPUTED_PREFIX_CHILDREN:
    case COMPUTED_PREFIX_DEPTH:
        return count_value(l, src, k, id, ret);
    case COMPUTED_ASSIGNED_ID:
    case COMPUTED_SCOPE_ID:
    case COMPUTED_LOCATION_DEPTH:
        *ret = sqlite3_column_type(src->row, column) == SQLITE_NULL
                   ? (struct value){.type = VALUE_NULL}
                   : (struct value){.type = VALUE_INT, .i = db_int(src->row, column)};
        return 0;
    default:
        *ret = text_value(l, src->row, column);
        return 0;
    }
}

static struct value plain_value(struct loader *l, const struct field *f, sqlite3_stmt *q, int column)
{
    bool null = sqlite3_column_type(q, column) == SQLITE_NULL;
    switch (f->kind) {
    case FIELD_ID:
    case FIELD_INT:
        return null ? (struct value){.type = VALUE_NULL}
                    : (struct value){.type = VALUE_INT, .i = db_int(q, column)};
    case FIELD_BOOL:
        return (struct value){.type = VALUE_BOOL, .i = db_int(q, column)};
    case FIELD_REAL:
        return null ? (struct value){.type = VALUE_NULL}
                    : (struct value){.type = VALUE_REAL, .real = sqlite3_column_double(q, column)};
    case FIELD_TIME:
        return db_int(q, column) == 0 ? (struct value){.type = VALUE_NULL}
                                      : (struct value){.type = VALUE_TIME, .i = db_int(q, column)};
    case FIELD_CHOICE:
        return choice_value(l, f, q, column);
    case FIELD_JSON: {
        struct span text = db_bytes(q, column);
        return text.n == 0 ? (struct value){.type = VALUE_NULL} : json_value(l, (const char *)text.p, text.n);
    }
    default: {
        struct value v = text_value(l, q, column);
        return v.type == VALUE_TEXT && v.n == 0 && (f->flags & FIELD_NULL)
                   ? (struct value){.type = VALUE_NULL}
                   : v;
    }
    }
}

static int field_value(struct loader *l, struct source *src, size_t k, int64_t id, struct value *ret)
{
    const struct field *f = &src->m->fields[k];
    switch (f->kind) {
    case FIELD_URL:
    case FIELD_DISPLAY_URL:
        *ret = (struct value){.type = f->kind == FIELD_URL ? VALUE_URL : VALUE_DISPLAY_URL};
        return 0;
    case FIELD_CONSTANT:
        *ret = (struct value){.type = VALUE_JSON, .n = strlen(f->constant), .text = f->constant};
        return 0;
    case FIELD_COUNT:
        return count_value(l, src, k, id, ret);
    case FIELD_TAGS:
        return tags_value(l, src, id, ret);
    case FIELD_REF:
        return ref_value(l, f->to, db_int(src->row, src->column[k]), ret);
    case FIELD_CUSTOM:
        return custom_value(l, src, src->column[k], ret);
    case FIELD_COMPUTED:
        return computed_value(l, src, k, id, ret);
    default:
        *ret = plain_value(l, f, src->row, src->column[k]);
        return 0;
    }
}

/* *ret is NULL when there is none, or none that the asker sees. */
static int row_load(struct loader *l, struct source *src, int64_t id, struct record **ret)
{
    *ret = NULL;
    if (again(l, src->row, id) < 0) {
        return -1;
    }
    int r = db_step(l->s, src->row, l->e);
    if (r != 1) {
        return r;
    }
    struct record *x = arena_get(l->memory, sizeof *x);
    struct value *v = arena_get(l->memory, src->m->fields_n * sizeof *v);
    *x = (struct record){
        .m = src->m, .id = id, .updated_ms = db_int(src->row, 1), .netbox_id = db_int(src->row, 2), .v = v};
    r = 0;
    for (size_t k = 0; k < src->m->fields_n && r == 0; k++) {
        if (src->fields >> k & 1) {
            r = field_value(l, src, k, id, &v[k]);
        }
    }
    db_done(src->row);
    *ret = r == 0 ? x : NULL;
    return r;
}

/* No brief object has one of its own model in it, so that no statement is asked twice at a time. */
static int nested_get(struct loader *l, enum model_id model, int64_t id, const struct record **ret)
{
    struct source *src = l->nested[model];
    if (!src) {
        const struct model *m = model_get(model);
        src = l->nested[model] = xcalloc(1, sizeof *src);
        src->m = m;
        src->fields = model_brief(m);
        src->nested = true;
        if (source_open(l, src) < 0) {
            return -1;
        }
    }
    if (src->known.n > 0) {
        size_t slot = known_slot(&src->known, id);
        if (src->known.id[slot] == id) {
            *ret = src->known.record[slot];
            return 0;
        }
    }
    struct record *x;
    if (!src->row || row_load(l, src, id, &x) < 0) {
        return -1;
    }
    known_put(&src->known, id, x);
    *ret = x;
    return 0;
}

/* ---- lists */

struct page {
    struct arena memory;
    struct record **list;
    size_t n;
};

/* Rows that are gone since the search are left out. */
static int page_read(struct store *s, const struct who *w, const struct model *m, uint64_t fields,
                     const int64_t *ids, size_t n, struct page *ret, struct err *e)
{
    struct loader l = {.s = s, .w = w, .memory = &ret->memory, .e = e};
    struct source src = {.m = m, .fields = fields & model_all(m)};
    ret->list = arena_get(&ret->memory, n * sizeof *ret->list);
    ret->n = 0;
    int r = source_open(&l, &src);
    for (size_t i = 0; i < n && r == 0; i++) {
        struct record *x;
        r = row_load(&l, &src, ids[i], &x);
        if (r == 0 && x) {
            ret->list[ret->n++] = x;
        }
    }
    source_close(&src);
    loader_close(&l);
    return r;
}

static void search_sql(struct sql *q, const struct model *m, const struct who *w, const char *what)
{
    sql_addf(q, "SELECT %s FROM %s WHERE ", what, record_source(m));
    sql_visible(q, m, w, VISIBLE_LISTED);
}

static int search(struct store *s, const struct who *w, const struct model *m, const struct record_query *rq,
                  struct db_ids *ret, struct faults *f, struct err *e)
{
    struct sql q;
    struct db_limit limit;
    sql_start(&q, w);
    search_sql(&q, m, w, "x.id");
    int r = sql_terms(s, &q, w, m, rq, f, e);
    if (r == 0) {
        if (rq->by_id) {
            sql_add(&q, " AND x.id >= ");
            sql_param(&q, db_i(rq->start));
        }
        sql_order(&q, m, rq);
        sql_add(&q, " LIMIT ");
        sql_param(&q, db_i(rq->limit > 0 ? rq->limit : -1));
        sql_add(&q, " OFFSET ");
        sql_param(&q, db_i(rq->by_id ? 0 : rq->offset));
        db_limit(s, &limit, RECORD_SEARCH_MS);
        r = sql_ids(s, &q, ret, e);
        db_limit_end(s);
    }
    sql_free(&q);
    return r;
}

static int page_hand_out(struct page *p, record_fn *fn, void *ctx)
{
    int r = 0;
    for (size_t i = 0; i < p->n && r == 0; i++) {
        r = fn(p->list[i], ctx);
    }
    return r;
}

static size_t page_size(const struct db_ids *ids, size_t from)
{
    return ids->n - from < PAGE ? ids->n - from : PAGE;
}

int record_each(struct store *s, const struct who *w, const struct model *m, const struct record_query *q,
                record_fn *fn, void *ctx, struct faults *f, struct err *e)
{
    struct db_ids ids = {0};
    struct page p = {0};
    if (db_begin_read(s, e) < 0) {
        return -1;
    }
    /* The search and its first page are of one moment. */
    int r = search(s, w, m, q, &ids, f, e);
    r = r == 0 ? page_read(s, w, m, q->fields, ids.id, page_size(&ids, 0), &p, e) : r;
    r = db_end(s, r, e);
    for (size_t at = 0; r == 0 && at < ids.n;) {
        r = page_hand_out(&p, fn, ctx);
        arena_free(&p.memory);
        at += PAGE;
        if (r == 0 && at < ids.n) {
            r = db_begin_read(s, e);
            r = r == 0 ? db_end(s, page_read(s, w, m, q->fields, ids.id + at, page_size(&ids, at), &p, e), e)
                       : r;
        }
    }
    arena_free(&p.memory);
    free(ids.id);
    return r;
}

int record_count(struct store *s, const struct who *w, const struct model *m, const struct record_query *rq,
                 int64_t *ret, struct faults *f, struct err *e)
{
    struct sql q;
    struct db_limit limit;
    sql_start(&q, w);
    search_sql(&q, m, w, "count(*)");
    int r = sql_terms(s, &q, w, m, rq, f, e);
    if (r == 0) {
        db_limit(s, &limit, RECORD_SEARCH_MS);
        r = sql_number(s, &q, ret, e);
        db_limit_end(s);
    }
    sql_free(&q);
    return r < 0 ? -1 : 0;
}

static int not_found(const struct model *m, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "No %s matches the given query.", m->word);
}

int record_get(struct store *s, const struct who *w, const struct model *m, int64_t id, uint64_t fields,
               record_fn *fn, void *ctx, struct err *e)
{
    struct page p = {0};
    if (db_begin_read(s, e) < 0) {
        return -1;
    }
    int r = db_end(s, page_read(s, w, m, fields, &id, 1, &p, e), e);
    if (r == 0) {
        r = p.n == 0 ? not_found(m, e) : fn(p.list[0], ctx);
    }
    arena_free(&p.memory);
    return r;
}

int record_known(struct store *s, const struct who *w, const struct model *m, int64_t id,
                 int64_t *ret_updated_ms, struct err *e)
{
    struct sql q;
    sql_start(&q, w);
    sql_addf(&q, "SELECT x.updated_ms FROM %s WHERE x.id = ", record_source(m));
    sql_param(&q, db_i(id));
    sql_add(&q, " AND ");
    sql_visible(&q, m, w, VISIBLE_SINGLE);
    int r = sql_number(s, &q, ret_updated_ms, e);
    sql_free(&q);
    return r;
}

/* store_record_custom: custom fields, the built-in ones and the user's. */
#include <stdlib.h>
#include <string.h>

#include "inventory/store_record.h"

#define ROW(n, field, field_label, field_type, field_model, object, is_written, what, value)                 \
    {.model = field_model, .name = field, .type = field_type, .sql = value, .writable = is_written},
const struct custom_builtin custom_builtins[] = {CUSTOM_BUILTINS(ROW)};
const size_t custom_builtins_n = sizeof custom_builtins / sizeof *custom_builtins;

const struct custom_builtin *custom_builtin_find(const struct model *m, const char *name)
{
    for (size_t i = 0; i < custom_builtins_n; i++) {
        if (custom_builtins[i].model == m->id && strcmp(custom_builtins[i].name, name) == 0) {
            return &custom_builtins[i];
        }
    }
    return NULL;
}

int custom_fields_read(struct store *s, const struct model *m, struct custom_fields *ret, struct err *e)
{
    static const char sql[] =
        "SELECT name, type, required, choices, default_value FROM custom_fields c WHERE EXISTS (SELECT 1 "
        "FROM json_each(c.object_types) j WHERE j.value = ?) ORDER BY weight, name";
    sqlite3_stmt *q;
    memset(ret, 0, sizeof *ret);
    if (db_query(s, sql, DB_VALUES(db_t(m->type)), &q, e) < 0) {
        return -1;
    }
    int r;
    while ((r = db_step(s, q, e)) == 1) {
        ret->list = xrealloc(ret->list, ret->n + 1, sizeof *ret->list);
        struct custom_field *f = &ret->list[ret->n++];
        memset(f, 0, sizeof *f);
        db_text(q, 0, f->name, sizeof f->name);
        db_text(q, 1, f->type, sizeof f->type);
        f->required = db_int(q, 2) != 0;
        struct span choices = db_bytes(q, 3);
        f->choices = json_loadb((const char *)choices.p, choices.n, 0, NULL);
        struct span missing = db_bytes(q, 4);
        f->missing = json_loadb((const char *)missing.p, missing.n, JSON_DECODE_ANY, NULL);
    }
    if (r < 0) {
        custom_fields_free(ret);
    }
    return r;
}

void custom_fields_free(struct custom_fields *c)
{
    for (size_t i = 0; i < c->n; i++) {
        json_decref(c->list[i].choices);
        json_decref(c->list[i].missing);
    }
    free(c->list);
    memset(c, 0, sizeof *c);
}

const struct custom_field *custom_field_find(const struct custom_fields *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->list[i].name, name) == 0) {
            return &c->list[i];
        }
    }
    return NULL;
}

static enum custom_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        enum custom_kind kind;
    } kinds[] = {
        {"text", CUSTOM_LOOSE},    {"longtext", CUSTOM_LOOSE}, {"url", CUSTOM_LOOSE},
        {"boolean", CUSTOM_TRUTH}, {"date", CUSTOM_MOMENT},    {"datetime", CUSTOM_MOMENT},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].type, type) == 0) {
            return kinds[i].kind;
        }
    }
    return CUSTOM_EXACT;
}

bool custom_column(struct store *s, struct sql *q, const struct model *m, const char *name, char *ret,
                   size_t size, enum custom_kind *ret_kind)
{
    const struct custom_builtin *b = custom_builtin_find(m, name);
    if (b) {
        enum custom_kind kind = kind_of(b->type);
        *ret_kind = kind == CUSTOM_LOOSE ? CUSTOM_EXACT : kind;
        return str_copy(ret, size, b->sql);
    }
    struct custom_fields all;
    if (model_field(m, "custom_fields") < 0 || custom_fields_read(s, m, &all, NULL) < 0) {
        return false;
    }
    const struct custom_field *f = custom_field_find(&all, name);
    if (f) {
        *ret_kind = kind_of(f->type);
        /* names are letters, digits and _ : the path is the name as it stands, and bound all the same */
        char path[sizeof f->name + 8];
        snprintf(path, sizeof path, "$.\"%s\"", f->name);
        struct sql part = {.n = q->n, .v = q->v, .cap = q->cap, .memory = q->memory};
        sql_text(&part, path, strlen(path));
        snprintf(ret, size, "json_extract(x.custom_fields, %s)", part.text.s);
        str_free(&part.text);
        q->n = part.n;
        q->v = part.v;
        q->cap = part.cap;
        q->memory = part.memory;
    }
    bool found = f != NULL;
    custom_fields_free(&all);
    return found;
}

/* store_record: what the files that read and write records (record.h) share: statements made of the models'
 * tables. For inventory/store_record*.c only, but for the
 * two functions about addresses.
 *
 * In every such statement the row is called x, and parameter 1 is the tenant that asks. Names of tables and
 * columns come from model.c; all else is bound.
 */
#ifndef INVENTORY_STORE_RECORD_H
#define INVENTORY_STORE_RECORD_H

#include "base/arena.h"
#include "base/str.h"
#include "inventory/inet.h"
#include "inventory/record.h"
#include "inventory/store_sql.h"

/* A statement being made, with its parameters. */
struct sql {
    struct str text;
    struct db_value *v;
    size_t n, cap;
    struct arena memory; /* of values that are made for it */
};
void sql_start(struct sql *q, const struct who *w);
void sql_add(struct sql *q, const char *text);
void sql_addf(struct sql *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sql_param(struct sql *q, struct db_value v);      /* "?7", and what it stands for; borrowed */
void sql_text(struct sql *q, const char *s, size_t n); /* the same of a text that is copied */
void sql_free(struct sql *q);
int sql_prepare(struct store *s, const struct sql *q, sqlite3_stmt **ret, struct err *e); /* and binds */
int sql_number(struct store *s, const struct sql *q, int64_t *ret, struct err *e);        /* as db_number */
int sql_ids(struct store *s, const struct sql *q, struct db_ids *ret, struct err *e);

/* "devices x": what to select from. */
const char *record_source(const struct model *m);
/* The condition that the row is there, and that the asker sees it. Of two kinds that mean the same: LISTED
 * finds the rows of a tenant among many, SINGLE looks at one that is found already. */
enum visible { VISIBLE_LISTED, VISIBLE_SINGLE };
void sql_visible(struct sql *q, const struct model *m, const struct who *w, enum visible how);
/* The condition that a tenant may change it, beside that it sees it. */
void sql_writable(struct sql *q, const struct model *m, const struct who *w);

/* Appends " AND (...)" for each term. -1 with faults. */
int sql_terms(struct store *s, struct sql *q, const struct who *w, const struct model *m,
              const struct record_query *rq, struct faults *f, struct err *e);
void sql_order(struct sql *q, const struct model *m, const struct record_query *rq);

void fault_add(struct faults *f, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* What a function returns that has found faults: -1, with their first in e. */
int faults_end(const struct faults *f, struct err *e);

/* The first and last address of a network, and an address, as they stand in the tables. */
struct db_value inet_value(const struct inet *i); /* borrows an IPv6 address */
bool inet_column(sqlite3_stmt *q, int column, struct inet *ret);

/* Custom fields of a model: the built-in ones, and the user's. */
struct custom_builtin {
    enum model_id model;
    const char *name, *type;
    const char
        *sql; /* its value, of the row x: a text, NULL, or a number; a truth value where type says so */
    bool writable;
};
/* One row each: its number (no other comes so far), name, label, type, model, type of object, is it written,
 * what it is for, its value. They stand beside the user's fields as if they had rows. */
/* clang-format off */
#define CUSTOM_BUILTINS(ROW) \
    ROW(2147483000, "image", "Image", "text", MODEL_DEVICE, "dcim.device", true, \
        "The image that it is to carry. Writing it arms the device", "nullif(x.assigned, '')") \
    ROW(2147483001, "state", "State", "text", MODEL_DEVICE, "dcim.device", false, \
        "Where it stands: idle, armed, booting, installing, installed, starting, enrolling, ready, failed", "x.state") \
    ROW(2147483002, "installed_release", "Installed release", "text", MODEL_DEVICE, "dcim.device", false, \
        "What was last written to its disk", \
        "(SELECT i.name || '@' || r.version FROM releases r JOIN images i ON i.id = r.image_id WHERE r.id = x.installed_id)") \
    ROW(2147483003, "installed_at", "Installed at", "datetime", MODEL_DEVICE, "dcim.device", false, "When that was", \
        "CASE WHEN x.installed_ms > 0 THEN strftime('%Y-%m-%dT%H:%M:%SZ', x.installed_ms / 1000, 'unixepoch') END") \
    ROW(2147483004, "disk", "Disk", "text", MODEL_DEVICE, "dcim.device", true, \
        "The disk that is written; none: the only one that there is", "nullif(x.disk, '')") \
    ROW(2147483005, "protected", "Protected", "boolean", MODEL_DEVICE, "dcim.device", true, \
        "No image is written to it", "x.protected") \
    ROW(2147483006, "gateway", "Gateway", "text", MODEL_PREFIX, "ipam.prefix", true, \
        "The router that machines in it are given", "rackstrap_inet(x.router, NULL)")
#define CUSTOM_ROW(n, name, label, type, model, object, written, what, sql) \
    " UNION ALL SELECT " #n ", '" name "', '" label "', '" type "', '[\"" object "\"]', 0, 'null', '[]', 0, '" what "', '', 0, 0, NULL"
/* clang-format on */
#define CUSTOM_SOURCE                                                                                        \
    "(SELECT id, name, label, type, object_types, required, default_value, choices, weight, description, "   \
    "comments, created_ms, updated_ms, netbox_id FROM custom_fields" CUSTOM_BUILTINS(CUSTOM_ROW) ") x"
#define CUSTOM_BUILTIN_FIRST INT64_C(2147483000)
extern const struct custom_builtin custom_builtins[];
extern const size_t custom_builtins_n;
const struct custom_builtin *custom_builtin_find(const struct model *m, const char *name); /* or NULL */
/* How a custom field's value is asked for: exactly; within; 1 or 0 for true and false; a date or time, in
 * text. */
enum custom_kind { CUSTOM_EXACT, CUSTOM_LOOSE, CUSTOM_TRUTH, CUSTOM_MOMENT };
/* The expression of a custom field's value in a row x; false when there is none of this name. */
bool custom_column(struct store *s, struct sql *q, const struct model *m, const char *name, char *ret,
                   size_t size, enum custom_kind *ret_kind);

struct custom_field {
    char name[64];
    char type[32];
    bool required;
    json_t *choices, *missing; /* a list; any value */
};
struct custom_fields {
    struct custom_field *list;
    size_t n;
};
int custom_fields_read(struct store *s, const struct model *m, struct custom_fields *ret, struct err *e);
void custom_fields_free(struct custom_fields *c);
const struct custom_field *custom_field_find(const struct custom_fields *c, const char *name);
/* NULL when the value is good for the field. */
const char *custom_fault(const struct custom_field *f, const json_t *v);

#endif

/* store_record_value: what a client writes, as JSON, becomes columns, or faults in NetBox's words. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inventory/store_record_write.h"

#define DEPTH_MAX  4     /* of objects of attributes in one another */
#define REFS_MAX   1000  /* in one list */
#define CUSTOM_MAX 65536 /* bytes of an object's own custom fields together */

/* ---- columns */

void column_set(struct write *x, const char *name, struct db_value v)
{
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->columns[i].name, name) == 0) {
            x->columns[i].v = v;
            return;
        }
    }
    if (x->n < COLUMNS_MAX) {
        x->columns[x->n++] = (struct column){name, v};
    }
}

const struct column *column_find(const struct write *x, const char *name)
{
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->columns[i].name, name) == 0) {
            return &x->columns[i];
        }
    }
    return NULL;
}

struct db_value value_text(struct write *x, const char *s)
{
    size_t n = strlen(s);
    return (struct db_value){.type = DB_TEXT, .p = arena_copy(&x->memory, s, n), .n = n};
}

static const struct db_value none = {.type = DB_NULL};

static int fault(struct write *x, const char *field, const char *sentence)
{
    fault_add(x->f, field, "%s", sentence);
    return 0;
}

/* A value as it stands in NetBox's sentences: a text without its quotes, an object as Python shows it. Cut.
 */
static void show(const json_t *v, char buf[120])
{
    char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY);
    for (char *c = json_is_string(v) ? NULL : text; c && *c; c++) {
        *c = *c == '"' ? '\'' : *c;
    }
    str_copy(buf, 120, text ? text : "?");
    free(text);
}

/* ---- texts */

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s; s++) {
        n += ((unsigned char)*s & 0xc0) != 0x80;
    }
    return n;
}

static bool has_control(const char *s, bool lines)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c < 0x20 || c == 0x7f) && !(lines && (c == '\n' || c == '\r' || c == '\t'))) {
            return true;
        }
    }
    return false;
}

/* As DRF does: a number is a text too, and blanks around it go. */
static char *text_of(const json_t *v)
{
    char *text = NULL;
    if (json_is_integer(v)) {
        text = xasprintf("%lld", (long long)json_integer_value(v));
    } else if (json_is_real(v)) {
        text = json_dumps(v, JSON_ENCODE_ANY);
    } else if (json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v)) {
        const char *s = json_string_value(v);
        s += strspn(s, " \t\r\n");
        text = xstrdup(s);
        size_t n = strlen(text);
        while (n > 0 && isspace((unsigned char)text[n - 1])) {
            text[--n] = '\0';
        }
    }
    return text;
}

static const char *slug_fault(const char *s)
{
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")]
               ? "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens."
           : !isalnum((unsigned char)*s) ? "A slug begins with a letter or a digit."
                                         : NULL;
}

static const char *color_fault(const char *s)
{
    return strlen(s) == 6 && strspn(s, "0123456789abcdef") == 6 ? NULL
                                                                : "Enter a valid hexadecimal RGB color code.";
}

static int text_read(struct write *x, const struct field *f, const json_t *v)
{
    char *text = text_of(v);
    struct err why = {0};
    if (!text) {
        return fault(x, f->name, "Not a valid string.");
    }
    const char *wrong = NULL;
    if (!*text) {
        wrong = f->flags & FIELD_REQUIRED ? "This field may not be blank." : NULL;
    } else if (has_control(text, strcmp(f->name, "comments") == 0)) {
        wrong = "Control characters are not allowed.";
    } else if (f->kind == FIELD_SLUG) {
        wrong = slug_fault(text);
    } else if (f->kind == FIELD_COLOR) {
        wrong = color_fault(text);
    } else if (f->kind == FIELD_HOST && name_check("name", text, &why) < 0) {
        wrong = why.text;
    }
    if (wrong) {
        fault(x, f->name, wrong);
    } else if (f->max && characters(text) > (size_t)f->max) {
        fault_add(x->f, f->name, "Ensure this field has no more than %lld characters.", (long long)f->max);
    } else {
        /* what is unique is NULL when there is none: no two rows have "" then */
        bool null = !*text && (f->flags & FIELD_NULL) && (f->flags & FIELD_UNIQUE);
        column_set(x, f->column, null ? none : value_text(x, text));
    }
    free(text);
    return 0;
}

/* ---- numbers and truth values */

static bool integer_of(const json_t *v, int64_t *ret)
{
    if (json_is_integer(v)) {
        *ret = json_integer_value(v);
        return true;
    }
    if (json_is_real(v) && json_real_value(v) == floor(json_real_value(v)) &&
        fabs(json_real_value(v)) < 1e15) {
        *ret = (int64_t)json_real_value(v);
        return true;
    }
    const char *s = json_string_value(v);
    char *end;
    errno = 0;
    *ret = s ? strtoll(s, &end, 10) : 0;
    return s && *s && !isspace((unsigned char)*s) && !*end && errno == 0;
}

static bool limits_hold(struct write *x, const struct field *f, double d)
{
    if (d < (double)f->min) {
        fault_add(x->f, f->name, "Ensure this value is greater than or equal to %lld.", (long long)f->min);
    } else if (d > (double)f->max) {
        fault_add(x->f, f->name, "Ensure this value is less than or equal to %lld.", (long long)f->max);
    } else {
        return true;
    }
    return false;
}

static int integer_read(struct write *x, const struct field *f, const json_t *v)
{
    int64_t i;
    if (!integer_of(v, &i)) {
        return fault(x, f->name, "A valid integer is required.");
    }
    if (limits_hold(x, f, (double)i)) {
        column_set(x, f->column, db_i(i));
    }
    return 0;
}

static int real_read(struct write *x, const struct field *f, const json_t *v)
{
    char *end = NULL;
    const char *s = json_string_value(v);
    double d = json_is_number(v) ? json_number_value(v) : s ? strtod(s, &end) : NAN;
    if (!isfinite(d) || (s && (!*s || *end))) {
        return fault(x, f->name, "A valid number is required.");
    }
    if (limits_hold(x, f, d)) {
        column_set(x, f->column, (struct db_value){.type = DB_REAL, .real = d});
    }
    return 0;
}

/* 1, 0, -1 */
static int bool_of(const json_t *v)
{
    static const char *const words[][5] = {{"false", "False", "0", "f", "no"},
                                           {"true", "True", "1", "t", "yes"}};
    if (json_is_boolean(v)) {
        return json_is_true(v);
    }
    if (json_is_integer(v) && (json_integer_value(v) == 0 || json_integer_value(v) == 1)) {
        return json_integer_value(v) == 1;
    }
    for (int b = 0; b < 2; b++) {
        for (size_t i = 0; json_is_string(v) && i < 5; i++) {
            if (strcmp(words[b][i], json_string_value(v)) == 0) {
                return b;
            }
        }
    }
    return -1;
}

static int bool_read(struct write *x, const struct field *f, const json_t *v)
{
    int b = bool_of(v);
    if (b < 0) {
        return fault(x, f->name, "Must be a valid boolean.");
    }
    column_set(x, f->column, db_i(b));
    return 0;
}

static int choice_read(struct write *x, const struct field *f, const json_t *v)
{
    char text[120];
    if (json_is_object(v) || json_is_array(v)) {
        return fault(x, f->name,
                     "Value must be passed directly (e.g. \"foo\": 123); do not use a dictionary or list.");
    }
    if (json_is_string(v) && !*json_string_value(v)) {
        if (!(f->flags & FIELD_NULL)) {
            return fault(x, f->name, "This field may not be blank.");
        }
        column_set(x, f->column, value_text(x, ""));
        return 0;
    }
    const struct choice *c = json_is_string(v) ? choice_find(f->choices, json_string_value(v)) : NULL;
    if (!c) {
        show(v, text);
        fault_add(x->f, f->name, "%s is not a valid choice.", text);
        return 0;
    }
    column_set(x, f->column, value_text(x, c->value));
    return 0;
}

/* ---- addresses */

static struct db_value inet_copy(struct write *x, const struct inet *i)
{
    struct db_value v = inet_value(i);
    if (v.type == DB_BLOB) {
        v.p = arena_copy(&x->memory, v.p, v.n);
    }
    return v;
}

static int mac_read(struct write *x, const struct field *f, const json_t *v)
{
    struct mac m;
    char text[120];
    if (!json_is_string(v) || mac_parse(json_string_value(v), &m, NULL) < 0) {
        show(v, text);
        fault_add(x->f, f->name, "Invalid MAC address format: %s", text);
        return 0;
    }
    column_set(x, f->column, db_i((int64_t)mac_to_u64(m)));
    return 0;
}

static int prefix_columns(struct write *x, const struct field *f, const struct inet *i)
{
    struct inet first = inet_first(i), last = inet_last(i);
    char text[INET_STR], meant[INET_STR];
    if (inet_compare(&first, i) != 0) {
        fault_add(x->f, f->name, "%s is not a valid prefix. Did you mean %s?", inet_format(i, text),
                  inet_format(&first, meant));
        return 0;
    }
    column_set(x, "first", inet_copy(x, &first));
    column_set(x, "last", inet_copy(x, &last));
    column_set(x, "length", db_i(i->len));
    return 0;
}

static int inet_read(struct write *x, const struct field *f, const json_t *v)
{
    struct inet i;
    char text[120];
    bool prefix = f->kind == FIELD_PREFIX;
    if (!json_is_string(v) || inet_parse(json_string_value(v), &i) < 0) {
        show(v, text);
        fault_add(x->f, f->name, "Invalid IP %s format: %s", prefix ? "prefix" : "address", text);
        return 0;
    }
    i.len = i.len < 0 ? inet_bits(&i) : i.len;
    if (i.len == 0) {
        fault_add(x->f, f->name, "Cannot create %s with /0 mask.", prefix ? "prefix" : "IP address");
        return 0;
    }
    if (prefix) {
        return prefix_columns(x, f, &i);
    }
    column_set(x, "length", db_i(i.len));
    column_set(x, f->column, inet_copy(x, &i));
    return 0;
}

/* ---- references */

static bool find_sql(struct write *x, struct sql *q, const struct model *to, const json_t *attributes,
                     int depth);

/* One attribute as a condition of the row x; false for what no field is found by. */
static bool find_attribute(struct write *x, struct sql *q, const struct model *to, const char *key,
                           const json_t *v, int depth)
{
    int k = model_field(to, key);
    const struct field *f = k < 0 ? NULL : &to->fields[k];
    int64_t i;
    if (!f || !f->column || f->kind == FIELD_JSON || f->kind == FIELD_CUSTOM || f->kind == FIELD_TIME) {
        return false;
    }
    if (f->kind == FIELD_REF && json_is_object(v)) {
        const struct model *deeper = model_get(f->to);
        sql_addf(q, " AND x.%s IN (SELECT x.id FROM %s WHERE ", f->column, record_source(deeper));
        sql_visible(q, deeper, x->w, VISIBLE_SINGLE);
        bool found = find_sql(x, q, deeper, v, depth + 1);
        sql_add(q, ")");
        return found;
    }
    if (json_is_null(v)) {
        sql_addf(q, " AND x.%s IS NULL", f->column);
        return true;
    }
    struct mac m;
    struct inet n;
    sql_addf(q, " AND x.%s = ", f->column);
    if (f->kind == FIELD_MAC && json_is_string(v) && mac_parse(json_string_value(v), &m, NULL) == 0) {
        sql_param(q, db_i((int64_t)mac_to_u64(m)));
    } else if ((f->kind == FIELD_ADDRESS || f->kind == FIELD_PREFIX) && json_is_string(v) &&
               inet_parse(json_string_value(v), &n) == 0) {
        struct db_value value = inet_value(&n);
        value.p = value.type == DB_BLOB ? arena_copy(&q->memory, value.p, value.n) : NULL;
        sql_param(q, value);
        if (n.len >= 0) {
            sql_addf(q, " AND x.length = %d", n.len);
        }
    } else if (json_is_string(v)) {
        sql_text(q, json_string_value(v), strlen(json_string_value(v)));
    } else if (integer_of(v, &i)) {
        sql_param(q, db_i(i));
    } else {
        return false;
    }
    return true;
}

static bool find_sql(struct write *x, struct sql *q, const struct model *to, const json_t *attributes,
                     int depth)
{
    const char *key;
    json_t *v;
    if (depth > DEPTH_MAX || json_object_size(attributes) == 0) {
        return false;
    }
    json_object_foreach((json_t *)attributes, key, v)
    {
        if (!find_attribute(x, q, to, key, v, depth)) {
            return false;
        }
    }
    return true;
}

static int find_by_attributes(struct write *x, const char *field, const struct model *to, const json_t *v,
                              int64_t *ret)
{
    struct sql q;
    struct db_ids ids = {0};
    char text[120];
    int r = 0;
    sql_start(&q, x->w);
    sql_addf(&q, "SELECT x.id FROM %s WHERE ", record_source(to));
    sql_visible(&q, to, x->w, VISIBLE_SINGLE);
    if (find_sql(x, &q, to, v, 0)) {
        sql_add(&q, " LIMIT 2");
        r = sql_ids(x->s, &q, &ids, x->e);
    }
    if (r == 0 && ids.n != 1) {
        show(v, text);
        fault_add(x->f, field, "%s the provided attributes: %s",
                  ids.n ? "Multiple objects match" : "Related object not found using", text);
    }
    *ret = r == 0 && ids.n == 1 ? ids.id[0] : 0;
    free(ids.id);
    sql_free(&q);
    return r;
}

int ref_read(struct write *x, const char *field, const struct model *to, const json_t *v, int64_t *ret)
{
    char text[120];
    int64_t id, updated;
    *ret = 0;
    if (json_is_object(v)) {
        return find_by_attributes(x, field, to, v, ret);
    }
    if (json_is_boolean(v) || !integer_of(v, &id)) {
        show(v, text);
        fault_add(
            x->f, field,
            "Related objects must be referenced by numeric ID or by dictionary of attributes. Received an "
            "unrecognized value: %s",
            text);
        return 0;
    }
    int r = record_known(x->s, x->w, to, id, &updated, x->e);
    if (r == 0) {
        fault_add(x->f, field, "Related object not found using the provided numeric ID: %lld", (long long)id);
    }
    *ret = r == 1 ? id : 0;
    return r < 0 ? -1 : 0;
}

static int ref_column_read(struct write *x, const struct field *f, const json_t *v)
{
    int64_t id;
    if (ref_read(x, f->name, model_get(f->to), v, &id) < 0) {
        return -1;
    }
    if (id) {
        column_set(x, f->column, db_i(id));
    }
    return 0;
}

int tags_read(struct write *x, const char *field, const json_t *v, struct db_ids *ret)
{
    size_t i;
    json_t *item;
    if (!json_is_array(v)) {
        return fault(x, field, "Expected a list of items.");
    }
    if (json_array_size(v) > REFS_MAX) {
        fault_add(x->f, field, "Ensure this field has no more than %d elements.", REFS_MAX);
        return 0;
    }
    json_array_foreach((json_t *)v, i, item)
    {
        int64_t id;
        if (ref_read(x, field, model_get(MODEL_TAG), item, &id) < 0) {
            return -1;
        }
        if (ret->n == ret->cap) {
            ret->cap = ret->cap ? 2 * ret->cap : 8;
            ret->id = xrealloc(ret->id, ret->cap, sizeof *ret->id);
        }
        ret->id[ret->n] = id;
        ret->n += id != 0;
    }
    return 0;
}

/* ---- JSON */

static bool types_are_ours(const json_t *list)
{
    size_t i;
    json_t *type;
    json_array_foreach((json_t *)list, i, type)
    {
        const struct model *m = json_is_string(type) ? model_by_type(json_string_value(type)) : NULL;
        if (!m || model_field(m, "custom_fields") < 0) {
            return false;
        }
    }
    return json_array_size(list) > 0;
}

static bool all_texts(const json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)list, i, item)
    {
        if (!json_is_string(item) || !*json_string_value(item)) {
            return false;
        }
    }
    return json_is_array(list);
}

static int json_read(struct write *x, const struct field *f, const json_t *v)
{
    const char *wrong = NULL;
    if (strcmp(f->name, "local_context_data") == 0 && !json_is_object(v)) {
        wrong = "JSON data must be in object form. Example: {\"foo\": 123}";
    } else if (strcmp(f->name, "object_types") == 0 && !(json_is_array(v) && types_are_ours(v))) {
        wrong = "A list of types of objects is needed, such as [\"dcim.device\"]; one of these is none, or "
                "has no "
                "custom fields.";
    } else if (strcmp(f->name, "choices") == 0 && !all_texts(v)) {
        wrong = "A list of texts is needed.";
    }
    if (wrong) {
        return fault(x, f->name, wrong);
    }
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    column_set(x, f->column, value_text(x, text ? text : "null"));
    free(text);
    return 0;
}

/* ---- custom fields */

static bool date_is(const char *s, bool time)
{
    int64_t ms;
    return time_parse(s, &ms, NULL) == 0 && (strlen(s) > 10) == time;
}

/* Of a NetBox's field the choices are not known here: NetBox has looked. */
static bool in_list(const json_t *list, const json_t *v)
{
    size_t i;
    json_t *item;
    if (json_array_size(list) == 0) {
        return json_is_string(v);
    }
    json_array_foreach((json_t *)list, i, item)
    {
        if (json_equal(item, v)) {
            return true;
        }
    }
    return false;
}

static bool all_in_list(const json_t *list, const json_t *values)
{
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)values, i, item)
    {
        if (!in_list(list, item)) {
            return false;
        }
    }
    return json_is_array(values);
}

const char *custom_fault(const struct custom_field *f, const json_t *v)
{
    const char *t = f->type, *s = json_string_value(v);
    bool text = strcmp(t, "text") == 0 || strcmp(t, "longtext") == 0 || strcmp(t, "url") == 0;
    if (json_is_null(v) || (s && !*s)) {
        return f->required ? "Required field cannot be empty." : NULL;
    }
    if (text) {
        return s ? NULL : "Value must be a string.";
    }
    if (strcmp(t, "integer") == 0) {
        return json_is_integer(v) ? NULL : "Value must be an integer.";
    }
    if (strcmp(t, "decimal") == 0) {
        return json_is_number(v) ? NULL : "Value must be a decimal.";
    }
    if (strcmp(t, "boolean") == 0) {
        return json_is_boolean(v) ? NULL : "Value must be true or false.";
    }
    if (strcmp(t, "date") == 0 || strcmp(t, "datetime") == 0) {
        bool time = strcmp(t, "datetime") == 0;
        return s && date_is(s, time) ? NULL
               : time ? "Date and time values must be in ISO 8601 format (YYYY-MM-DDTHH:MM:SS)."
                      : "Date values must be in ISO 8601 format (YYYY-MM-DD).";
    }
    if (strcmp(t, "select") == 0) {
        return in_list(f->choices, v) ? NULL : "This is not one of the field's choices.";
    }
    if (strcmp(t, "multiselect") == 0) {
        return all_in_list(f->choices, v) ? NULL : "A list of the field's choices is needed.";
    }
    return NULL;
}

/* What a device has in a field that is only read; "" for null. A new one has what it is made with. */
static int builtin_now(struct write *x, const struct custom_builtin *b, char *buf, size_t size)
{
    struct sql q;
    sqlite3_stmt *stmt;
    str_copy(buf, size, x->create && strcmp(b->name, "state") == 0 ? "idle" : "");
    sql_start(&q, x->w);
    sql_addf(&q, "SELECT %s FROM %s WHERE x.id = ", b->sql, record_source(x->m));
    sql_param(&q, db_i(x->id));
    int r = sql_prepare(x->s, &q, &stmt, x->e);
    if (r == 0) {
        r = db_step(x->s, stmt, x->e);
        if (r == 1) {
            db_text(stmt, 0, buf, size);
        }
        db_drop(stmt);
    }
    sql_free(&q);
    return r < 0 ? -1 : 0;
}

/* A moment has more than one spelling; ours has whole seconds. */
static bool same_moment(const char *a, const char *b)
{
    int64_t ms_a, ms_b;
    return time_parse(a, &ms_a, NULL) == 0 && time_parse(b, &ms_b, NULL) == 0 && ms_a / 1000 == ms_b / 1000;
}

/* Clients send all custom fields back when one of them has changed, and a state that they read a while ago
 * may be another by now. Who sends nothing else means it. */
static bool says_writable(const struct write *x, const json_t *custom)
{
    const char *name;
    json_t *item;
    json_object_foreach((json_t *)custom, name, item)
    {
        const struct custom_builtin *b = custom_builtin_find(x->m, name);
        if (!b || b->writable) {
            return true;
        }
    }
    return false;
}

/* What is read may be written back; another value is not passed over in silence. */
static int read_only_check(struct write *x, const struct custom_builtin *b, const json_t *v)
{
    char now[256];
    const char *s = json_is_null(v) ? "" : json_string_value(v);
    if (builtin_now(x, b, now, sizeof now) < 0) {
        return -1;
    }
    bool time = strcmp(b->type, "datetime") == 0;
    if (!s || !(strcmp(s, now) == 0 || (time && same_moment(s, now)))) {
        fault_add(x->f, "", "Invalid value for custom field '%s': This field is read-only; it is %s now.",
                  b->name, *now ? now : "null");
    }
    return 0;
}

static int builtin_read(struct write *x, const struct custom_builtin *b, const json_t *v)
{
    const char *s = json_is_null(v) ? "" : json_string_value(v);
    struct disk_selector selector;
    struct err why = {0};
    if (!b->writable) {
        return read_only_check(x, b, v);
    }
    if (strcmp(b->name, "protected") == 0) {
        x->has_protected = bool_of(v) >= 0;
        x->protect = bool_of(v) == 1;
        return x->has_protected
                   ? 0
                   : fault(x, "", "Invalid value for custom field 'protected': Value must be true or false.");
    }
    if (!s) {
        fault_add(x->f, "", "Invalid value for custom field '%s': Value must be a string.", b->name);
    } else if (strcmp(b->name, "image") == 0) {
        x->ret->has_image = str_copy(x->ret->image, sizeof x->ret->image, s);
        return x->ret->has_image
                   ? 0
                   : fault(x, "",
                           "Invalid value for custom field 'image': there is no image with so long a name.");
    } else if (strcmp(b->name, "disk") == 0) {
        x->has_disk = true;
        if (!str_copy(x->disk, sizeof x->disk, s) || disk_selector_parse(x->disk, &selector, &why) < 0) {
            fault_add(x->f, "", "Invalid value for custom field 'disk': %.180s",
                      *why.text ? why.text : "it is too long");
        }
    } else {
        struct ip4 router = {0};
        if (*s && ip4_parse(s, &router, NULL) < 0) {
            return fault(x, "", "Invalid value for custom field 'gateway': an IPv4 address is needed.");
        }
        column_set(x, "router", *s ? db_i(router.a) : none);
    }
    return 0;
}

static void custom_one(struct write *x, const struct custom_fields *all, const char *name, const json_t *v,
                       json_t *out)
{
    const struct custom_field *f = custom_field_find(all, name);
    if (!f) {
        fault_add(x->f, "custom_fields", "Custom field '%.80s' does not exist for this object type.", name);
        return;
    }
    const char *wrong = custom_fault(f, v);
    if (wrong) {
        fault_add(x->f, "", "Invalid value for custom field '%.64s': %s", name, wrong);
        return;
    }
    if (json_is_null(v)) {
        json_object_del(out, name);
    } else {
        json_object_set(out, name, (json_t *)v);
    }
}

json_t *custom_stored(struct write *x)
{
    struct sql q;
    sqlite3_stmt *stmt;
    json_t *now = NULL;
    sql_start(&q, x->w);
    sql_addf(&q, "SELECT x.custom_fields FROM %s WHERE x.id = ", record_source(x->m));
    sql_param(&q, db_i(x->id));
    if (sql_prepare(x->s, &q, &stmt, x->e) == 0) {
        if (db_step(x->s, stmt, x->e) == 1) {
            struct span text = db_bytes(stmt, 0);
            now = json_loadb((const char *)text.p, text.n, 0, NULL);
        }
        db_drop(stmt);
    }
    sql_free(&q);
    return now ? now : json_object();
}

/* What the object has now, as JSON; new fields' defaults for a new one. */
static json_t *custom_now(struct write *x, const struct custom_fields *all)
{
    json_t *now = custom_stored(x);
    for (size_t i = 0; x->create && i < all->n; i++) {
        if (all->list[i].missing && !json_is_null(all->list[i].missing)) {
            json_object_set(now, all->list[i].name, all->list[i].missing);
        }
    }
    return now;
}

static void required_custom(struct write *x, const struct custom_fields *all, const json_t *out)
{
    for (size_t i = 0; x->create && i < all->n; i++) {
        if (all->list[i].required && !json_object_get(out, all->list[i].name)) {
            fault_add(x->f, "", "Missing required custom field '%s'.", all->list[i].name);
        }
    }
}

/* SQLite reads these texts too, whoever asks for one of the fields, and not as deep as we do. */
static int custom_set(struct write *x, const json_t *out)
{
    char *text = json_dumps(out, JSON_COMPACT);
    struct db_value v = value_text(x, text ? text : "{}");
    int64_t good = 0;
    free(text);
    if (v.n > CUSTOM_MAX) {
        fault_add(x->f, "custom_fields", "Ensure that all of them have no more than %d bytes together.",
                  CUSTOM_MAX);
        return 0;
    }
    if (db_number(x->s, "SELECT json_valid(?)", &v, 1, &good, x->e) < 0) {
        return -1;
    }
    if (!good) {
        return fault(x, "custom_fields", "These values are nested too deep.");
    }
    column_set(x, "custom_fields", v);
    return 0;
}

/* v: NULL when the body has none: a new object gets the defaults all the same. */
int custom_write_read(struct write *x, const json_t *v)
{
    struct custom_fields all;
    const char *name;
    json_t *item;
    if (v && !json_is_object(v)) {
        return fault(x, "custom_fields", "Custom field data must be an object.");
    }
    if (custom_fields_read(x->s, x->m, &all, x->e) < 0) {
        return -1;
    }
    json_t *out = custom_now(x, &all);
    json_t *before = json_copy(out);
    int r = 0;
    json_object_foreach((json_t *)v, name, item)
    {
        const struct custom_builtin *b = custom_builtin_find(x->m, name);
        if (b && (b->writable || !says_writable(x, v))) {
            r = r < 0 ? r : builtin_read(x, b, item);
        } else if (!b) {
            custom_one(x, &all, name, item, out);
        }
    }
    required_custom(x, &all, out);
    if (r == 0 && (x->create || !json_equal(before, out))) {
        r = custom_set(x, out);
    }
    json_decref(before);
    json_decref(out);
    custom_fields_free(&all);
    return r;
}

/* ---- fields that are no column */

/* NetBox's value when there is none, in whatever form a client has read or would write it. */
static bool is_constant(const struct field *f, const json_t *v)
{
    json_t *constant = json_loads(f->constant, JSON_DECODE_ANY, NULL);
    json_t *bare = json_object_get(constant, "value");
    bool empty = json_is_null(v) || (json_is_string(v) && !*json_string_value(v)) ||
                 ((json_is_array(v) && json_array_size(v) == 0));
    bool same = empty || json_equal(constant, v) || (bare && json_equal(bare, v)) ||
                (json_is_number(constant) && json_is_number(v) &&
                 json_number_value(constant) == json_number_value(v));
    json_decref(constant);
    return same;
}

static int computed_read(struct write *x, const struct field *f, const json_t *v)
{
    switch (f->computed) {
    case COMPUTED_ASSIGNED_TYPE:
    case COMPUTED_SCOPE_TYPE:
        if (!json_is_null(v) && !json_is_string(v)) {
            return fault(x, f->name, "Not a valid string.");
        }
        x->object_type = json_is_null(v) ? "" : json_string_value(v);
        return 0;
    case COMPUTED_ASSIGNED_ID:
    case COMPUTED_SCOPE_ID:
        x->object_id.said = true;
        return json_is_null(v) || integer_of(v, &x->object_id.id)
                   ? 0
                   : fault(x, f->name, "A valid integer is required.");
    case COMPUTED_PRIMARY_MAC:
        x->primary_mac.said = true;
        return json_is_null(v) ? 0 : ref_read(x, f->name, model_get(MODEL_MAC), v, &x->primary_mac.id);
    default:
        return 0;
    }
}

static int null_read(struct write *x, const struct field *f)
{
    if (!(f->flags & FIELD_NULL)) {
        return fault(x, f->name, "This field may not be null.");
    }
    bool text = f->kind == FIELD_TEXT || f->kind == FIELD_CHOICE || f->kind == FIELD_JSON;
    const char *empty = strcmp(f->name, "default") == 0 ? "null" : "";
    column_set(x, f->column, text && !(f->flags & FIELD_UNIQUE) ? value_text(x, empty) : none);
    return 0;
}

int value_read(struct write *x, const struct field *f, const json_t *v)
{
    static int (*const of_kind[])(struct write *, const struct field *, const json_t *) = {
        [FIELD_TEXT] = text_read,  [FIELD_HOST] = text_read,         [FIELD_SLUG] = text_read,
        [FIELD_COLOR] = text_read, [FIELD_BOOL] = bool_read,         [FIELD_INT] = integer_read,
        [FIELD_REAL] = real_read,  [FIELD_CHOICE] = choice_read,     [FIELD_REF] = ref_column_read,
        [FIELD_MAC] = mac_read,    [FIELD_ADDRESS] = inet_read,      [FIELD_PREFIX] = inet_read,
        [FIELD_JSON] = json_read,  [FIELD_COMPUTED] = computed_read,
    };
    if (f->flags & FIELD_READ_ONLY) {
        return 0;
    }
    if (f->kind == FIELD_CONSTANT) {
        return is_constant(f, v) ? 0 : fault(x, f->name, "rackstrap does not keep this field; leave it out.");
    }
    if (f->kind == FIELD_TAGS) {
        x->has_tags = x->tags_replace = true;
        return tags_read(x, f->name, v, &x->tags);
    }
    if (f->kind == FIELD_CUSTOM || !of_kind[f->kind]) {
        return 0; /* custom_write_read sees to them */
    }
    return json_is_null(v) && f->column ? null_read(x, f) : of_kind[f->kind](x, f, v);
}

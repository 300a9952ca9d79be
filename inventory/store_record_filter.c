/* store_record_filter: the terms of a query as conditions. Each term becomes one condition of the row x; the
 * same name again widens it. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/match.h"
#include "inventory/store_record.h"

#define TERMS_MAX   256 /* values in one query */
#define PATTERN_MAX 200

/* What one condition is made of. */
struct term {
    struct store *s;
    struct sql *q;
    const struct who *w;
    const struct model *m;
    const struct filter *f;
    enum filter_op op;
    const char *name;          /* as it came, for faults */
    const char *const *values; /* of this name, n of them */
    size_t n;
    const char *column; /* with its table: "x.name", or an expression */
    struct faults *faults;
    struct err *e;
};

/* ---- values */

static bool integer_parse(const char *s, int64_t *ret)
{
    char *end;
    errno = 0;
    long long n = strtoll(s, &end, 10);
    *ret = n;
    return *s && !isspace((unsigned char)*s) && !*end && errno == 0;
}

static bool number_parse(const char *s, struct db_value *ret)
{
    int64_t n;
    if (integer_parse(s, &n)) {
        *ret = db_i(n);
        return true;
    }
    char *end;
    double d = strtod(s, &end);
    *ret = (struct db_value){.type = DB_REAL, .real = d};
    return *s && !isspace((unsigned char)*s) && !*end && isfinite(d);
}

/* 1, 0, or -1 for what is no truth value. */
static int bool_parse(const char *s)
{
    static const char *const words[][4] = {{"false", "False", "0", "no"}, {"true", "True", "1", "yes"}};
    for (int b = 0; b < 2; b++) {
        for (size_t i = 0; i < 4; i++) {
            if (strcmp(s, words[b][i]) == 0) {
                return b;
            }
        }
    }
    return -1;
}

/* A pattern for LIKE that matches this text itself. */
static void like_param(struct sql *q, const char *before, const char *text, const char *after)
{
    struct str p = {0};
    str_add(&p, before);
    for (const char *c = text; *c; c++) {
        if (*c == '%' || *c == '_' || *c == '\\') {
            str_add(&p, "\\");
        }
        str_addn(&p, c, 1);
    }
    str_add(&p, after);
    sql_text(q, p.s, p.len);
    str_free(&p);
    sql_add(q, " ESCAPE '\\'");
}

/* ---- conditions of texts */

static const struct {
    const char *before, *after;
} likes[OP_COUNT] = {
    [OP_IC] = {"%", "%"},
    [OP_ISW] = {"", "%"},
    [OP_IEW] = {"%", ""},
    [OP_IE] = {"", ""},
};

/* A negation is the condition that it negates, and "is not true" around it: a row without a value is there.
 */
static enum filter_op positive(enum filter_op op)
{
    static const enum filter_op of[OP_COUNT] = {
        [OP_N] = OP_IS, [OP_NIC] = OP_IC, [OP_NISW] = OP_ISW, [OP_NIEW] = OP_IEW, [OP_NIE] = OP_IE,
    };
    bool negative = op == OP_N || op == OP_NIC || op == OP_NISW || op == OP_NIEW || op == OP_NIE;
    return negative ? of[op] : op;
}

static void text_one(struct term *t, enum filter_op op, const char *value)
{
    if (op == OP_IS) {
        sql_addf(t->q, "%s = ", t->column);
        sql_text(t->q, value, strlen(value));
    } else if (op == OP_REGEX || op == OP_IREGEX) {
        sql_add(t->q, "rackstrap_match(");
        sql_text(t->q, value, strlen(value));
        sql_addf(t->q, ", ifnull(%s, ''), %d)", t->column, op == OP_IREGEX);
    } else {
        sql_addf(t->q, "ifnull(%s, '') LIKE ", t->column);
        like_param(t->q, likes[op].before, value, likes[op].after);
    }
}

static bool empty_condition(struct term *t, bool text)
{
    int b = bool_parse(t->values[0]);
    if (b >= 0) {
        sql_addf(t->q, "(%s IS NULL%s%s%s) = %d", t->column, text ? " OR " : "", text ? t->column : "",
                 text ? " = ''" : "", b);
    }
    return b >= 0;
}

static bool pattern_ok(struct term *t, const char *value)
{
    struct err why = {0};
    if (strlen(value) > PATTERN_MAX) {
        fault_add(t->faults, t->name, "Ensure this value has at most %d characters.", PATTERN_MAX);
        return false;
    }
    struct match *m = match_new(value, false, &why);
    if (!m) {
        fault_add(t->faults, t->name, "Enter a valid regular expression: %s.", why.text);
    }
    match_free(m);
    return m != NULL;
}

static bool text_condition(struct term *t)
{
    enum filter_op op = positive(t->op);
    if (op == OP_EMPTY) {
        return empty_condition(t, true);
    }
    sql_add(t->q, "(");
    for (size_t i = 0; i < t->n; i++) {
        if ((op == OP_REGEX || op == OP_IREGEX) && !pattern_ok(t, t->values[i])) {
            return false;
        }
        sql_add(t->q, i ? " OR " : "");
        text_one(t, op, t->values[i]);
    }
    sql_add(t->q, op == t->op ? ")" : ") IS NOT TRUE");
    return true;
}

static bool choice_condition(struct term *t)
{
    bool exact = t->op == OP_IS || t->op == OP_N;
    for (size_t i = 0; exact && i < t->n; i++) {
        if (!choice_find(t->f->choices, t->values[i]) && strcmp(t->values[i], "null") != 0) {
            fault_add(t->faults, t->name,
                      "Select a valid choice. %.100s is not one of the available choices.", t->values[i]);
        }
    }
    return text_condition(t);
}

/* ---- conditions of numbers */

static const char *const comparison[OP_COUNT] = {
    [OP_IS] = "=", [OP_LT] = "<", [OP_LTE] = "<=", [OP_GT] = ">", [OP_GTE] = ">=",
};

/* parse makes a number of a text, or says what is wrong with it. */
static bool compare_condition(struct term *t, bool parse(const char *s, struct db_value *ret),
                              const char *fault)
{
    enum filter_op op = positive(t->op);
    if (op == OP_EMPTY) {
        return empty_condition(t, false);
    }
    sql_add(t->q, "(");
    for (size_t i = 0; i < t->n; i++) {
        struct db_value v = db_i(0);
        sql_add(t->q, i ? " OR " : "");
        if (strcmp(t->values[i], "null") == 0 && op == OP_IS) {
            sql_addf(t->q, "%s IS NULL", t->column);
            continue;
        }
        if (!parse(t->values[i], &v)) {
            fault_add(t->faults, t->name, "%s", fault);
        }
        sql_addf(t->q, "%s %s ", t->column, comparison[op]);
        sql_param(t->q, v);
    }
    sql_add(t->q, op == t->op ? ")" : ") IS NOT TRUE");
    return true;
}

static bool number_condition(struct term *t)
{
    bool whole = strcmp(t->f ? t->f->name : "", "id") == 0;
    return compare_condition(t, number_parse, whole ? "Enter a whole number." : "Enter a number.");
}

static bool moment_parse(const char *s, struct db_value *ret)
{
    int64_t ms;
    bool good = time_parse(s, &ms, NULL) == 0;
    *ret = db_i(good ? ms : 0);
    return good;
}

static bool time_condition(struct term *t)
{
    return compare_condition(t, moment_parse, "Enter a valid date/time.");
}

static bool bool_condition(struct term *t)
{
    int b = bool_parse(t->values[t->n - 1]);
    if (b >= 0) {
        sql_addf(t->q, "%s = %d", t->column, b);
    }
    return b >= 0;
}

/* ---- conditions of what is referred to */

/* "(SELECT x.id FROM sites x WHERE x.slug = ? AND ...)": those that the asker sees. */
static void referred(struct sql *q, const struct who *w, const struct model *to, const char *key,
                     const char *value)
{
    int64_t id = 0;
    sql_addf(q, "SELECT x.id FROM %s WHERE ", record_source(to));
    if (key) {
        sql_addf(q, "x.%s = ", key);
        sql_text(q, value, strlen(value));
    } else {
        integer_parse(value, &id);
        sql_add(q, "x.id = ");
        sql_param(q, db_i(id));
    }
    sql_add(q, " AND ");
    sql_visible(q, to, w, VISIBLE_SINGLE);
}

/* Is there one? What is not there, and what the asker may not see, are one fault. */
static bool referred_check(struct term *t, const struct model *to, const char *key, const char *value)
{
    struct sql q;
    int64_t id;
    if (!key && !integer_parse(value, &id)) {
        fault_add(t->faults, t->name, "\u201c%.100s\u201d is not a valid value.", value);
        return true;
    }
    sql_start(&q, t->w);
    referred(&q, t->w, to, key, value);
    sql_add(&q, " LIMIT 1");
    int r = sql_number(t->s, &q, &id, t->e);
    sql_free(&q);
    if (r == 0) {
        fault_add(t->faults, t->name, "Select a valid choice. %.100s is not one of the available choices.",
                  value);
    }
    return r >= 0;
}

static void tree_open(struct term *t, bool tree)
{
    sql_add(t->q, tree ? "WITH RECURSIVE tree(id) AS (" : "");
}

static void tree_close(struct term *t, bool tree)
{
    sql_add(t->q, tree ? " UNION SELECT l.id FROM locations l JOIN tree ON l.parent_id = tree.id) SELECT id "
                         "FROM tree"
                       : "");
}

static bool ref_condition(struct term *t)
{
    const struct model *to = model_get(t->f->to);
    const char *key = t->f->kind == FILTER_REF_KEY || t->f->kind == FILTER_TREE_KEY ? t->f->key : NULL;
    bool tree = t->f->kind == FILTER_TREE || t->f->kind == FILTER_TREE_KEY;
    sql_add(t->q, "(");
    for (size_t i = 0; i < t->n; i++) {
        sql_add(t->q, i ? " OR " : "");
        if (strcmp(t->values[i], "null") == 0) {
            sql_addf(t->q, "%s IS NULL", t->column);
            continue;
        }
        if (!referred_check(t, to, key, t->values[i])) {
            return false;
        }
        sql_addf(t->q, "%s IN (", t->column);
        tree_open(t, tree);
        referred(t->q, t->w, to, key, t->values[i]);
        tree_close(t, tree);
        sql_add(t->q, ")");
    }
    sql_add(t->q, t->op == OP_N ? ") IS NOT TRUE" : ")");
    return true;
}

static bool tag_condition(struct term *t)
{
    const struct model *tag = model_get(MODEL_TAG);
    const char *key = t->f->kind == FILTER_TAG ? "slug" : NULL;
    sql_add(t->q, "(");
    for (size_t i = 0; i < t->n; i++) {
        if (!referred_check(t, tag, key, t->values[i])) {
            return false;
        }
        sql_addf(t->q, "%sx.id IN (SELECT g.object_id FROM tagged g WHERE g.model = '%s' AND g.tag_id IN (",
                 i == 0           ? ""
                 : t->op == OP_IS ? " AND "
                                  : " OR ",
                 t->m->type);
        referred(t->q, t->w, tag, key, t->values[i]);
        sql_add(t->q, "))");
    }
    sql_add(t->q, t->op == OP_N ? ") IS NOT TRUE" : ")");
    return true;
}

static bool mac_condition(struct term *t)
{
    enum filter_op op = positive(t->op);
    if (op != OP_IS) {
        char column[64];
        snprintf(column, sizeof column, "rackstrap_mac(%s)", t->column);
        t->column = column;
        return text_condition(t);
    }
    /* IN, and no OR, so that the index on the addresses is used */
    size_t known = 0;
    sql_addf(t->q, "(%s IN (", t->column);
    for (size_t i = 0; i < t->n; i++) {
        struct mac m;
        if (mac_parse(t->values[i], &m, NULL) < 0) {
            fault_add(t->faults, t->name, "Invalid MAC address format: %.100s", t->values[i]);
            continue;
        }
        sql_add(t->q, known++ ? ", " : "");
        sql_param(t->q, db_i((int64_t)mac_to_u64(m)));
    }
    sql_add(t->q, t->op == OP_N ? ")) IS NOT TRUE" : "))");
    return true;
}

/* ---- the search in all texts */

static void q_column(struct term *t, bool *any, const char *expression)
{
    sql_addf(t->q, "%s%s LIKE ", *any ? " OR " : "", expression);
    like_param(t->q, "%", t->values[0], "%");
    *any = true;
}

static bool q_condition(struct term *t)
{
    bool any = false;
    char column[64];
    if (!*t->values[0]) {
        return false;
    }
    sql_add(t->q, "(");
    for (size_t i = 0; i < t->m->fields_n; i++) {
        const struct field *f = &t->m->fields[i];
        if (f->column && (f->kind == FIELD_TEXT || f->kind == FIELD_SLUG || f->kind == FIELD_HOST)) {
            snprintf(column, sizeof column, "x.%s", f->column);
            q_column(t, &any, column);
        }
    }
    static const struct {
        enum model_id model;
        const char *expression;
    } more[] = {
        {MODEL_MAC, "rackstrap_mac(x.mac)"},
        {MODEL_IP, "rackstrap_inet(x.address, x.length)"},
        {MODEL_PREFIX, "rackstrap_inet(x.first, x.length)"},
    };
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (more[i].model == t->m->id) {
            q_column(t, &any, more[i].expression);
        }
    }
    sql_add(t->q, ")");
    return true;
}

/* ---- the others */

static void inet_param(struct sql *q, const struct inet *i)
{
    struct db_value v = inet_value(i);
    if (v.type == DB_BLOB) {
        v.p = arena_copy(&q->memory, v.p, v.n);
    }
    sql_param(q, v);
}

/* Of a value that is an address or a prefix; before, between and after stand around its two edges. */
static void edges(struct term *t, const struct inet *i, const char *before, const char *between,
                  const char *after)
{
    struct inet first = inet_first(i), last = inet_last(i);
    sql_add(t->q, before);
    inet_param(t->q, &first);
    sql_add(t->q, between);
    inet_param(t->q, &last);
    sql_add(t->q, after);
}

static void address_one(struct term *t, const struct inet *i)
{
    sql_add(t->q, "(x.address = ");
    inet_param(t->q, i);
    if (i->len >= 0) {
        sql_addf(t->q, " AND x.length = %d", i->len);
    }
    sql_add(t->q, ")");
}

static void parent_one(struct term *t, const struct inet *i)
{
    edges(t, i, "x.address BETWEEN ", " AND ", "");
}

static void prefix_one(struct term *t, const struct inet *i)
{
    edges(t, i, "(x.first = ", " AND x.last = ", ")");
}

static void within_one(struct term *t, const struct inet *i)
{
    edges(t, i, "(x.first >= ", " AND x.last <= ", "");
    sql_addf(t->q, " AND x.length > %d)", i->len < 0 ? inet_bits(i) : i->len);
}

static void within_include_one(struct term *t, const struct inet *i)
{
    edges(t, i, "(x.first >= ", " AND x.last <= ", ")");
}

static void contains_one(struct term *t, const struct inet *i)
{
    edges(t, i, "(x.first <= ", " AND x.last >= ", ")");
}

/* No "0 OR ..." before one alone: it would keep SQLite from the index. */
static bool inet_condition(struct term *t, void one(struct term *t, const struct inet *i))
{
    size_t known = 0;
    sql_add(t->q, "(");
    for (size_t i = 0; i < t->n; i++) {
        struct inet v;
        if (inet_parse(t->values[i], &v) == 0) {
            sql_add(t->q, known++ ? " OR " : "");
            one(t, &v);
        }
    }
    sql_add(t->q, known ? ")" : "0)");
    return true;
}

static bool truth_condition(struct term *t, const char *expression)
{
    int b = bool_parse(t->values[t->n - 1]);
    if (b >= 0) {
        sql_addf(t->q, "(%s) = %d", expression, b);
    }
    return b >= 0;
}

static bool family_condition(struct term *t, const char *column)
{
    const char *v = t->values[t->n - 1];
    bool four = strcmp(v, "4") == 0;
    if (!four && strcmp(v, "6") != 0) {
        fault_add(t->faults, t->name, "Select a valid choice. %.100s is not one of the available choices.",
                  v);
        return true;
    }
    sql_addf(t->q, "typeof(x.%s) = '%s'", column, four ? "integer" : "blob");
    return true;
}

/* There is the global table only: a VRF by its number holds nothing. */
static bool vrf_condition(struct term *t)
{
    bool global = false;
    for (size_t i = 0; i < t->n; i++) {
        global |= strcmp(t->values[i], "null") == 0;
    }
    sql_add(t->q, global ? "1" : "0");
    return true;
}

static bool assigned_type_condition(struct term *t)
{
    bool interface = false;
    for (size_t i = 0; i < t->n; i++) {
        interface |= strcmp(t->values[i], "dcim.interface") == 0;
    }
    sql_add(t->q, interface ? "x.interface_id IS NOT NULL" : "0");
    return true;
}

static bool scope_type_condition(struct term *t)
{
    static const struct {
        const char *type, *sql;
    } types[] = {{"dcim.site", " OR (x.site_id IS NOT NULL AND x.location_id IS NULL)"},
                 {"dcim.location", " OR x.location_id IS NOT NULL"}};
    sql_add(t->q, "(0");
    for (size_t i = 0; i < t->n; i++) {
        for (size_t k = 0; k < 2; k++) {
            sql_add(t->q, strcmp(types[k].type, t->values[i]) == 0 ? types[k].sql : "");
        }
    }
    sql_add(t->q, ")");
    return true;
}

static bool scope_id_condition(struct term *t)
{
    t->column = "ifnull(x.location_id, x.site_id)";
    return number_condition(t);
}

static bool object_type_condition(struct term *t)
{
    sql_add(t->q, "(0");
    for (size_t i = 0; i < t->n; i++) {
        sql_add(t->q, " OR EXISTS (SELECT 1 FROM json_each(x.object_types) j WHERE j.value = ");
        sql_text(t->q, t->values[i], strlen(t->values[i]));
        sql_add(t->q, ")");
    }
    sql_add(t->q, ")");
    return true;
}

static bool special_condition(struct term *t)
{
    switch (t->f->special) {
    case SPECIAL_HAS_PRIMARY_IP:
        return truth_condition(t, "x.primary_ip4_id IS NOT NULL OR x.primary_ip6_id IS NOT NULL");
    case SPECIAL_HAS_OOB_IP:
        return truth_condition(t, "x.oob_ip_id IS NOT NULL");
    case SPECIAL_HAS_INTERFACES:
        return truth_condition(t, "EXISTS (SELECT 1 FROM interfaces i WHERE i.device_id = x.id)");
    case SPECIAL_HAS_CONTEXT:
        return truth_condition(t, "x.local_context <> ''");
    case SPECIAL_HAS_NONE:
        return truth_condition(t, "0");
    case SPECIAL_ASSIGNED:
        return truth_condition(t, "x.interface_id IS NOT NULL");
    case SPECIAL_PRIMARY_MAC:
        return truth_condition(t, "x.interface_id IS NOT NULL AND x.is_primary = 1");
    case SPECIAL_ADDRESS:
        return inet_condition(t, address_one);
    case SPECIAL_PARENT:
        return inet_condition(t, parent_one);
    case SPECIAL_PREFIX:
        return inet_condition(t, prefix_one);
    case SPECIAL_WITHIN:
        return inet_condition(t, within_one);
    case SPECIAL_WITHIN_INCLUDE:
        return inet_condition(t, within_include_one);
    case SPECIAL_CONTAINS:
        return inet_condition(t, contains_one);
    case SPECIAL_FAMILY:
        return family_condition(t, t->m->id == MODEL_IP ? "address" : "first");
    case SPECIAL_VRF:
        return vrf_condition(t);
    case SPECIAL_ASSIGNED_TYPE:
        return assigned_type_condition(t);
    case SPECIAL_SCOPE_TYPE:
        return scope_type_condition(t);
    case SPECIAL_SCOPE_ID:
        return scope_id_condition(t);
    case SPECIAL_OBJECT_TYPE:
        return object_type_condition(t);
    case SPECIAL_NONE:
        break;
    }
    return false;
}

/* ---- putting them together */

static bool condition(struct term *t)
{
    static bool (*const of_kind[])(struct term *) = {
        [FILTER_NUMBER] = number_condition, [FILTER_TEXT] = text_condition,
        [FILTER_CHOICE] = choice_condition, [FILTER_BOOL] = bool_condition,
        [FILTER_TIME] = time_condition,     [FILTER_REF] = ref_condition,
        [FILTER_REF_KEY] = ref_condition,   [FILTER_TREE] = ref_condition,
        [FILTER_TREE_KEY] = ref_condition,  [FILTER_MAC] = mac_condition,
        [FILTER_TAG] = tag_condition,       [FILTER_TAG_ID] = tag_condition,
        [FILTER_Q] = q_condition,           [FILTER_SPECIAL] = special_condition,
    };
    return of_kind[t->f->kind](t);
}

static const struct {
    const char *before, *alias, *after;
} vias[VIA_COUNT] = {
    [VIA_SELF] = {"", "x", ""},
    [VIA_DEVICE] = {"x.device_id IN (SELECT y.id FROM devices y WHERE y.removed_ms = 0 AND ", "y", ")"},
    [VIA_INTERFACE] = {"x.interface_id IN (SELECT y.id FROM interfaces y WHERE ", "y", ")"},
    [VIA_TYPE] = {"x.device_type_id IN (SELECT y.id FROM device_types y WHERE ", "y", ")"},
    [VIA_MACS] = {"x.id IN (SELECT y.interface_id FROM mac_addresses y WHERE ", "y", ")"},
    [VIA_DEVICE_MACS] = {"x.id IN (SELECT i.device_id FROM mac_addresses y JOIN interfaces i ON i.id = "
                         "y.interface_id WHERE ",
                         "y", ")"},
};

/* A condition that turns out to be none is taken back. */
static void add_condition(struct term *t, bool made(struct term *t))
{
    size_t text = t->q->text.len, n = t->q->n;
    char column[64];
    bool outside = t->f && t->f->via != VIA_SELF && positive(t->op) != t->op;
    sql_add(t->q, " AND ");
    if (t->f) {
        snprintf(column, sizeof column, "%s.%s", vias[t->f->via].alias, t->f->column ? t->f->column : "id");
        t->column = column;
        /* a device without this MAC address, not one that has another too */
        t->op = outside ? positive(t->op) : t->op;
        sql_add(t->q, outside ? "(" : "");
        sql_add(t->q, vias[t->f->via].before);
    }
    if (!made(t)) {
        t->q->text.s[t->q->text.len = text] = '\0';
        t->q->n = n;
        return;
    }
    sql_add(t->q, t->f ? vias[t->f->via].after : "");
    sql_add(t->q, outside ? ") IS NOT TRUE" : "");
}

/* "cf_NAME" and its suffix. The user's texts are looked for within, as NetBox does where a field's
 * filter_logic is loose; all else exactly. */
static bool custom_condition(struct term *t)
{
    char name[64], column[512];
    size_t n = strcspn(t->name, "_") + 1;
    const char *suffix = strstr(t->name + n, "__");
    size_t len = suffix ? (size_t)(suffix - t->name) - n : strlen(t->name) - n;
    bool known = false;
    for (unsigned op = 0; op < OP_COUNT; op++) {
        if (strcmp(op_suffix((enum filter_op)op), suffix ? suffix : "") == 0) {
            t->op = (enum filter_op)op;
            known = true;
        }
    }
    if (!known || len >= sizeof name) {
        return false;
    }
    memcpy(name, t->name + n, len);
    name[len] = '\0';
    enum custom_kind kind;
    if (!custom_column(t->s, t->q, t->m, name, column, sizeof column, &kind)) {
        return false;
    }
    char text[640];
    t->column = column;
    if (t->op >= OP_LT && kind == CUSTOM_MOMENT) {
        snprintf(text, sizeof text, "CAST(round((julianday(%s) - 2440587.5) * 86400000) AS INTEGER)", column);
        t->column = text;
        return time_condition(t);
    }
    if (t->op >= OP_LT) {
        return number_condition(t);
    }
    snprintf(text, sizeof text,
             kind == CUSTOM_TRUTH ? "(CASE %s WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
                                  : "CAST(%s AS TEXT)",
             column);
    t->column = text;
    bool loose = kind == CUSTOM_LOOSE;
    t->op = loose && t->op == OP_IS ? OP_IC : loose && t->op == OP_N ? OP_NIC : t->op;
    return text_condition(t);
}

/* All values of this name, in their order; false when an earlier term has it too. */
static bool gather(const struct record_query *rq, size_t at, const char **values, size_t *ret_n)
{
    *ret_n = 0;
    for (size_t i = 0; i < rq->n; i++) {
        if (strcmp(rq->terms[i].name, rq->terms[at].name) == 0) {
            if (i < at) {
                return false;
            }
            values[(*ret_n)++] = rq->terms[i].value;
        }
    }
    return true;
}

int sql_terms(struct store *s, struct sql *q, const struct who *w, const struct model *m,
              const struct record_query *rq, struct faults *f, struct err *e)
{
    const char *values[TERMS_MAX];
    if (rq->n > TERMS_MAX) {
        fault_add(f, "", "This query has more than %d parameters.", TERMS_MAX);
        return faults_end(f, e);
    }
    struct err failed = {0};
    for (size_t i = 0; i < rq->n && failed.kind == ERR_NONE; i++) {
        struct term t = {.s = s,
                         .q = q,
                         .w = w,
                         .m = m,
                         .name = rq->terms[i].name,
                         .values = values,
                         .faults = f,
                         .e = &failed};
        t.f = model_filter(m, t.name, &t.op);
        bool custom = !t.f && str_starts(t.name, "cf_");
        if ((t.f || custom) && gather(rq, i, values, &t.n)) {
            add_condition(&t, custom ? custom_condition : condition);
        }
    }
    if (failed.kind != ERR_NONE) {
        return err_set(e, failed.kind, "%s", failed.text);
    }
    return faults_end(f, e);
}

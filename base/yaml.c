#include "base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/file.h"
#include "base/str.h"

#define YAML_MAX_BYTES (256u << 20)
#define YAML_MAX_DEPTH 32

struct yaml_node {
    struct yaml *doc;
    enum yaml_type type;
    bool plain;
    int line, column; /* from 1 */
    char *text;       /* of a scalar */
    size_t n, cap;    /* of a sequence or mapping */
    struct yaml_node **items;
    char **keys; /* of a mapping */
    bool *known; /* asked for */
    int *key_lines;
    int *key_columns;
};

struct yaml {
    char *name;
    struct yaml_node *root;
    const char *walk_key; /* of the root: its list is walked, not kept */
    yaml_item_fn *walk;
    void *walk_ctx;
    bool walking; /* the value of that key is what is built next */
};

static void node_free(struct yaml_node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->n; i++) {
        node_free(n->items[i]);
        if (n->keys)
            free(n->keys[i]);
    }
    free(n->items);
    free(n->keys);
    free(n->known);
    free(n->key_lines);
    free(n->key_columns);
    free(n->text);
    free(n);
}

void yaml_free(struct yaml *y)
{
    if (!y)
        return;
    node_free(y->root);
    free(y->name);
    free(y);
}

static int place_error(const struct yaml *y, int line, int column, struct err *e, const char *fmt, va_list ap)
{
    char text[512];
    vsnprintf(text, sizeof text, fmt, ap);
    return err_set(e, ERR_INPUT, "%s:%d:%d: %s", y->name, line, column, text);
}

int yaml_error(const struct yaml_node *n, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    place_error(n->doc, n->line, n->column, e, fmt, ap);
    va_end(ap);
    return -1;
}

static int mark_error(const struct yaml *y, yaml_mark_t m, struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    place_error(y, (int)m.line + 1, (int)m.column + 1, e, fmt, ap);
    va_end(ap);
    return -1;
}

static struct yaml_node *node_new(struct yaml *y, enum yaml_type type, yaml_mark_t at)
{
    struct yaml_node *n = xcalloc(1, sizeof *n);
    *n = (struct yaml_node){.doc = y, .type = type, .line = (int)at.line + 1, .column = (int)at.column + 1};
    return n;
}

static void node_grow(struct yaml_node *n)
{
    if (n->n < n->cap)
        return;
    n->cap = n->cap ? n->cap * 2 : 8;
    n->items = xrealloc(n->items, n->cap, sizeof *n->items);
    if (n->type != YAML_MAP)
        return;
    n->keys = xrealloc(n->keys, n->cap, sizeof *n->keys);
    n->known = xrealloc(n->known, n->cap, sizeof *n->known);
    n->key_lines = xrealloc(n->key_lines, n->cap, sizeof *n->key_lines);
    n->key_columns = xrealloc(n->key_columns, n->cap, sizeof *n->key_columns);
}

static int next_event(struct yaml *y, yaml_parser_t *p, yaml_event_t *ev, struct err *e)
{
    if (yaml_parser_parse(p, ev))
        return 0;
    yaml_mark_t at = p->problem_mark.line || p->problem_mark.column ? p->problem_mark : p->mark;
    return mark_error(y, at, e, "not valid YAML: %s%s%s", p->problem ? p->problem : "cannot be read",
                      p->context ? ", " : "", p->context ? p->context : "");
}

static int build(struct yaml *y, yaml_parser_t *p, yaml_event_t *ev, int depth, struct yaml_node **ret,
                 struct err *e);

static int build_seq(struct yaml *y, yaml_parser_t *p, int depth, struct yaml_node *seq, struct err *e)
{
    bool walking = y->walking;
    y->walking = false;
    for (;;) {
        yaml_event_t ev;
        if (next_event(y, p, &ev, e))
            return -1;
        bool end = ev.type == YAML_SEQUENCE_END_EVENT;
        struct yaml_node *item = NULL;
        int rc = end ? 0 : build(y, p, &ev, depth + 1, &item, e);
        yaml_event_delete(&ev);
        if (rc || end)
            return rc;
        if (walking) {
            rc = y->walk(item, y->walk_ctx, e);
            node_free(item);
            if (rc)
                return rc;
            continue;
        }
        node_grow(seq);
        seq->items[seq->n++] = item;
    }
}

static int check_key(struct yaml *y, const yaml_event_t *ev, struct err *e)
{
    if (ev->type != YAML_SCALAR_EVENT)
        return mark_error(y, ev->start_mark, e, "a key must be plain text");
    const char *key = (const char *)ev->data.scalar.value;
    if (strlen(key) != ev->data.scalar.length)
        return mark_error(y, ev->start_mark, e, "a NUL byte inside the key; remove it");
    return 0;
}

static int by_key(const void *a, const void *b, void *map)
{
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int c = strcmp(((struct yaml_node *)map)->keys[i], ((struct yaml_node *)map)->keys[j]);
    return c ? c : (i > j) - (i < j);
}

/* Sorted, so that a mapping of a million keys is no quadratic affair. Of several, the first in the file is
 * told. */
static int check_twice(struct yaml *y, struct yaml_node *map, struct err *e)
{
    size_t *order = xcalloc(map->n + 1, sizeof *order), first = 0, again = SIZE_MAX;
    for (size_t i = 0; i < map->n; i++)
        order[i] = i;
    qsort_r(order, map->n, sizeof *order, by_key, map);
    for (size_t i = 1; i < map->n; i++)
        if (strcmp(map->keys[order[i - 1]], map->keys[order[i]]) == 0 && order[i] < again) {
            first = order[i - 1];
            again = order[i];
        }
    free(order);
    if (again == SIZE_MAX)
        return 0;
    yaml_mark_t at = {.line = (size_t)map->key_lines[again] - 1,
                      .column = (size_t)map->key_columns[again] - 1};
    return mark_error(y, at, e, "the key \"%s\" is here twice; the first is at line %d", map->keys[again],
                      map->key_lines[first]);
}

static int build_map(struct yaml *y, yaml_parser_t *p, int depth, struct yaml_node *map, struct err *e)
{
    for (;;) {
        yaml_event_t key, value;
        if (next_event(y, p, &key, e))
            return -1;
        bool end = key.type == YAML_MAPPING_END_EVENT;
        struct yaml_node *item = NULL;
        int rc = end ? check_twice(y, map, e) : check_key(y, &key, e);
        if (!rc && !end && !(rc = next_event(y, p, &value, e))) {
            y->walking = depth == 0 && y->walk_key && value.type == YAML_SEQUENCE_START_EVENT &&
                         strcmp((const char *)key.data.scalar.value, y->walk_key) == 0;
            rc = build(y, p, &value, depth + 1, &item, e);
            y->walking = false;
            yaml_event_delete(&value);
        }
        if (!rc && !end) {
            node_grow(map);
            size_t i = map->n++;
            map->items[i] = item;
            map->keys[i] = xstrdup((const char *)key.data.scalar.value);
            map->known[i] = false;
            map->key_lines[i] = (int)key.start_mark.line + 1;
            map->key_columns[i] = (int)key.start_mark.column + 1;
        }
        yaml_event_delete(&key);
        if (rc || end)
            return rc;
    }
}

static int build(struct yaml *y, yaml_parser_t *p, yaml_event_t *ev, int depth, struct yaml_node **ret,
                 struct err *e)
{
    struct yaml_node *n = NULL;
    int rc = 0;
    if (depth > YAML_MAX_DEPTH)
        return mark_error(y, ev->start_mark, e, "nested more than %d deep", YAML_MAX_DEPTH);
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        if (ev->data.scalar.anchor || ev->data.scalar.tag)
            return mark_error(y, ev->start_mark, e,
                              "anchors and tags are not used here; write the value out");
        if (strlen((char *)ev->data.scalar.value) != ev->data.scalar.length)
            return mark_error(y, ev->start_mark, e, "a NUL byte inside the text; remove it");
        n = node_new(y, YAML_SCALAR, ev->start_mark);
        n->text = xstrdup((char *)ev->data.scalar.value);
        n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        break;
    case YAML_SEQUENCE_START_EVENT:
        n = node_new(y, YAML_SEQ, ev->start_mark);
        rc = ev->data.sequence_start.anchor || ev->data.sequence_start.tag
                 ? mark_error(y, ev->start_mark, e, "anchors and tags are not used here; write the value out")
                 : build_seq(y, p, depth, n, e);
        break;
    case YAML_MAPPING_START_EVENT:
        n = node_new(y, YAML_MAP, ev->start_mark);
        rc = ev->data.mapping_start.anchor || ev->data.mapping_start.tag
                 ? mark_error(y, ev->start_mark, e, "anchors and tags are not used here; write the value out")
                 : build_map(y, p, depth, n, e);
        break;
    default:
        return mark_error(y, ev->start_mark, e, "aliases are not used here; write the value out");
    }
    if (rc) {
        node_free(n);
        return rc;
    }
    *ret = n;
    return 0;
}

static int read_document(struct yaml *y, yaml_parser_t *p, struct err *e)
{
    for (;;) {
        yaml_event_t ev;
        if (next_event(y, p, &ev, e))
            return -1;
        yaml_event_type_t type = ev.type;
        int rc = 0;
        if (type == YAML_DOCUMENT_START_EVENT && y->root)
            rc = mark_error(y, ev.start_mark, e, "a second document; one file holds one");
        else if (type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                 type == YAML_MAPPING_START_EVENT || type == YAML_ALIAS_EVENT)
            rc = build(y, p, &ev, 0, &y->root, e);
        yaml_event_delete(&ev);
        if (rc || type == YAML_STREAM_END_EVENT)
            return rc;
    }
}

int yaml_walk_text(const char *name, const char *text, size_t n, const char *key, yaml_item_fn *item,
                   void *ctx, struct yaml **ret, struct err *e)
{
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p))
        return err_set(e, ERR_IO, "out of memory");
    yaml_parser_set_input_string(&p, (const unsigned char *)text, n);
    struct yaml *y = xcalloc(1, sizeof *y);
    *y = (struct yaml){.name = xstrdup(name), .walk_key = key, .walk = item, .walk_ctx = ctx};
    int rc = read_document(y, &p, e);
    yaml_parser_delete(&p);
    if (rc || !ret) {
        yaml_free(y);
        return rc;
    }
    /* An empty document (or only comments) is an empty mapping, so that required keys are what is missed. */
    if (!y->root || (y->root->type == YAML_SCALAR && !*y->root->text)) {
        node_free(y->root);
        y->root = node_new(y, YAML_MAP, (yaml_mark_t){0});
    }
    *ret = y;
    return 0;
}

int yaml_load_text(const char *name, const char *text, size_t n, struct yaml **ret, struct err *e)
{
    return yaml_walk_text(name, text, n, NULL, NULL, NULL, ret, e);
}

int yaml_load_file(const char *path, struct yaml **ret, struct err *e)
{
    struct str text = {0};
    int rc = file_read(path, YAML_MAX_BYTES, &text, e);
    if (!rc)
        rc = yaml_load_text(path, text.s, text.len, ret, e);
    str_free(&text);
    return rc;
}

struct yaml_node *yaml_root(struct yaml *y)
{
    return y->root;
}

enum yaml_type yaml_type(const struct yaml_node *n)
{
    return n->type;
}

int yaml_line(const struct yaml_node *n)
{
    return n->line;
}

int yaml_column(const struct yaml_node *n)
{
    return n->column;
}

size_t yaml_len(const struct yaml_node *n)
{
    return n->n;
}

struct yaml_node *yaml_at(const struct yaml_node *seq, size_t i)
{
    return seq->items[i];
}

const char *yaml_key_at(const struct yaml_node *map, size_t i)
{
    map->known[i] = true;
    return map->keys[i];
}

struct yaml_node *yaml_value_at(const struct yaml_node *map, size_t i)
{
    return map->items[i];
}

const char *yaml_text(const struct yaml_node *n)
{
    return n->type == YAML_SCALAR ? n->text : NULL;
}

bool yaml_plain(const struct yaml_node *n)
{
    return n->type == YAML_SCALAR && n->plain;
}

int yaml_want(const struct yaml_node *n, enum yaml_type t, const char *what, struct err *e)
{
    static const char *const names[] = {"a single value", "a list", "a mapping (key: value)"};
    if (n->type == t)
        return 0;
    return yaml_error(n, e, "%s must be %s, not %s", what, names[t], names[n->type]);
}

struct yaml_node *yaml_get(struct yaml_node *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (map->keys && strcmp(map->keys[i], key) == 0) {
            map->known[i] = true;
            return map->items[i];
        }
    return NULL;
}

int yaml_no_more(const struct yaml_node *map, struct err *e)
{
    for (size_t i = 0; i < map->n; i++)
        if (!map->known[i])
            return err_set(e, ERR_INPUT,
                           "%s:%d:%d: unknown key \"%s\"; is it misspelt, or in the wrong place?",
                           map->doc->name, map->key_lines[i], map->key_columns[i], map->keys[i]);
    return 0;
}

/* The scalar of a key: 1 found, 0 absent and allowed, -1 error. */
static int scalar(struct yaml_node *map, const char *key, bool required, struct yaml_node **ret,
                  struct err *e)
{
    struct yaml_node *n = yaml_get(map, key);
    if (!n) {
        if (required)
            return yaml_error(map, e, "\"%s\" is missing here", key);
        return 0;
    }
    if (yaml_want(n, YAML_SCALAR, key, e))
        return -1;
    *ret = n;
    return 1;
}

int yaml_str(struct yaml_node *map, const char *key, bool required, const char **ret, struct err *e)
{
    struct yaml_node *n = NULL;
    int rc = scalar(map, key, required, &n, e);
    if (rc <= 0)
        return rc;
    if (required && !*n->text)
        return yaml_error(n, e, "\"%s\" must not be empty", key);
    *ret = n->text;
    return 0;
}

int yaml_copy(struct yaml_node *map, const char *key, bool required, char *buf, size_t size, struct err *e)
{
    const char *text = NULL;
    if (yaml_str(map, key, required, &text, e))
        return -1;
    if (text && !str_copy(buf, size, text))
        return yaml_error(yaml_get(map, key), e, "\"%s\" is longer than %zu characters", key, size - 1);
    return 0;
}

int yaml_bool(struct yaml_node *map, const char *key, bool required, bool *ret, struct err *e)
{
    struct yaml_node *n = NULL;
    int rc = scalar(map, key, required, &n, e);
    if (rc <= 0)
        return rc;
    if (strcmp(n->text, "true") == 0 || strcmp(n->text, "yes") == 0)
        *ret = true;
    else if (strcmp(n->text, "false") == 0 || strcmp(n->text, "no") == 0)
        *ret = false;
    else
        return yaml_error(n, e, "\"%s\" must be true or false, not \"%s\"", key, n->text);
    return 0;
}

int yaml_u64(struct yaml_node *map, const char *key, bool required, uint64_t min, uint64_t max, uint64_t *ret,
             struct err *e)
{
    struct yaml_node *n = NULL;
    int rc = scalar(map, key, required, &n, e);
    if (rc <= 0)
        return rc;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(n->text, &end, 10);
    if (n->text[0] < '0' || n->text[0] > '9' || *end || errno || v < min || v > max)
        return yaml_error(n, e, "\"%s\" must be a number from %llu to %llu, not \"%.40s\"", key,
                          (unsigned long long)min, (unsigned long long)max, n->text);
    *ret = v;
    return 0;
}

int yaml_size(struct yaml_node *map, const char *key, bool required, uint64_t *ret, struct err *e)
{
    struct yaml_node *n = NULL;
    int rc = scalar(map, key, required, &n, e);
    if (rc <= 0)
        return rc;
    unsigned long long v;
    if (size_parse(n->text, &v))
        return yaml_error(n, e, "\"%s\" must be a size like 512M or 10G, not \"%.40s\"", key, n->text);
    *ret = v;
    return 0;
}

int yaml_duration(struct yaml_node *map, const char *key, bool required, uint32_t *ret_s, struct err *e)
{
    struct yaml_node *n = NULL;
    unsigned long long seconds = 0;
    int rc = scalar(map, key, required, &n, e);
    if (rc <= 0)
        return rc;
    rc = duration_parse(n->text, UINT32_MAX, &seconds);
    if (rc > 0)
        return yaml_error(n, e, "\"%s\" is too long with %.40s; the longest is %llu%s", key, n->text, seconds,
                          n->text + strspn(n->text, "0123456789"));
    if (rc)
        return yaml_error(n, e, "\"%s\" must be a time like 90s, 15m, 1h or 2d, not \"%.40s\"", key, n->text);
    *ret_s = (uint32_t)seconds;
    return 0;
}

int yaml_milliseconds(struct yaml_node *map, const char *key, uint32_t most, uint32_t *ret_ms, struct err *e)
{
    struct yaml_node *n = NULL;
    int rc = scalar(map, key, false, &n, e);
    if (rc <= 0)
        return rc;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(n->text, &end, 10);
    unsigned long long unit = strcmp(end, "ms") == 0 || (!v && !*end) ? 1 : strcmp(end, "s") == 0 ? 1000 : 0;
    if (n->text[0] < '0' || n->text[0] > '9' || errno || !unit || v > most / unit)
        return yaml_error(n, e, "\"%s\" must be a time from 0 to %ums, like 300ms, not \"%.40s\"", key, most,
                          n->text);
    *ret_ms = (uint32_t)(v * unit);
    return 0;
}

/* The address readers differ in the type alone: parse the scalar, and give its error a place. */
#define YAML_ADDRESS_READER(name, type, parse)                                                               \
    int name(struct yaml_node *map, const char *key, bool required, type *ret, struct err *e)                \
    {                                                                                                        \
        struct yaml_node *n = NULL;                                                                          \
        struct err why;                                                                                      \
        int rc = scalar(map, key, required, &n, e);                                                          \
        if (rc <= 0)                                                                                         \
            return rc;                                                                                       \
        return parse(n->text, ret, &why) ? yaml_error(n, e, "%s", why.text) : 0;                             \
    }
YAML_ADDRESS_READER(yaml_mac, struct mac, mac_parse)
YAML_ADDRESS_READER(yaml_ip4, struct ip4, ip4_parse)
YAML_ADDRESS_READER(yaml_prefix, struct prefix, prefix_parse)
YAML_ADDRESS_READER(yaml_ip4_if, struct ip4_if, ip4_if_parse)

static int typed(struct yaml_node *map, const char *key, bool required, enum yaml_type t,
                 struct yaml_node **ret, struct err *e)
{
    struct yaml_node *n = yaml_get(map, key);
    *ret = NULL;
    if (!n)
        return required ? yaml_error(map, e, "\"%s\" is missing here", key) : 0;
    if (t == YAML_SEQ && n->type == YAML_SCALAR && *n->text)
        return yaml_error(n, e, "%s must be a list, not a single value: %s: [%.40s]", key, key, n->text);
    if (yaml_want(n, t, key, e))
        return -1;
    *ret = n;
    return 0;
}

int yaml_seq(struct yaml_node *map, const char *key, bool required, struct yaml_node **ret, struct err *e)
{
    return typed(map, key, required, YAML_SEQ, ret, e);
}

int yaml_map(struct yaml_node *map, const char *key, bool required, struct yaml_node **ret, struct err *e)
{
    return typed(map, key, required, YAML_MAP, ret, e);
}

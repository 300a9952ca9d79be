/* export: objects as YAML, key by key of the table in keep_keys.c. */
#include "inventory/export.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_out.h"
#include "inventory/keep.h"

struct export
{
    struct store *s;
    FILE *to;
    struct arena arena; /* of one object */
    struct str out;     /* what is said of it */
    bool devices;       /* the list has begun */
    bool failed;        /* a value could not be read: e says why */
    struct err *e;
};

/* The first key of an item stands behind its dash. */
struct item {
    struct export *x;
    int indent;
    bool begun;
};

static void key(struct item *it, const char *name)
{
    str_addf(&it->x->out, "%*s%s%s:", it->indent, "", it->begun ? "  " : "- ", name);
    it->begun = true;
}

static void line(struct item *it, const char *name, const char *text)
{
    key(it, name);
    str_add(&it->x->out, " ");
    yaml_add(&it->x->out, text);
    str_add(&it->x->out, "\n");
}

static void raw(struct item *it, const char *name, const char *text)
{
    key(it, name);
    str_addf(&it->x->out, " %s\n", text);
}

/* ---- values */

static void add_json(struct str *out, json_t *v)
{
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_object(v)) {
        str_add(out, "{");
        json_object_foreach(v, name, item)
        {
            str_add(out, out->s[out->len - 1] == '{' ? "" : ", ");
            str_add(out, strlen(name) > 150 ? "? " : ""); /* a long key is no simple one */
            yaml_add_quoted(out, name);
            str_add(out, ": ");
            add_json(out, item);
        }
        str_add(out, "}");
    } else if (json_is_array(v)) {
        str_add(out, "[");
        json_array_foreach(v, i, item)
        {
            str_add(out, i ? ", " : "");
            add_json(out, item);
        }
        str_add(out, "]");
    } else if (json_is_string(v)) {
        yaml_add_quoted(out, json_string_value(v));
    } else {
        char *text = json_dumps(v, JSON_ENCODE_ANY);
        str_add(out, text ? text : "null");
        free(text);
    }
}

static void write_json(struct item *it, const struct keep_key *k, const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    key(it, k->key);
    str_add(&it->x->out, " ");
    add_json(&it->x->out, v);
    str_add(&it->x->out, "\n");
    json_decref(v);
}

static void write_bool(struct item *it, const struct keep_key *k, const char *text)
{
    raw(it, k->key, *text == '1' ? "true" : "false");
}

static void write_raw(struct item *it, const struct keep_key *k, const char *text)
{
    raw(it, k->key, *text ? text : "\"\"");
}

static void write_line(struct item *it, const struct keep_key *k, const char *text)
{
    line(it, k->key, text);
}

static const char *mac_text(struct export *x, const char *number)
{
    char text[MAC_STR];
    mac_format(mac_from_u64(strtoull(number, NULL, 10)), text);
    return arena_printf(&x->arena, "\"%s\"", text);
}

static void write_mac(struct item *it, const struct keep_key *k, const char *text)
{
    raw(it, k->key, mac_text(it->x, text));
}

/* IPv6 may end in a colon, or look like a time. */
static const char *address_text(struct export *x, const char *text)
{
    return strchr(text, ':') ? arena_printf(&x->arena, "\"%s\"", text) : text;
}

static void write_address(struct item *it, const struct keep_key *k, const char *text)
{
    raw(it, k->key, *text ? address_text(it->x, text) : "\"\"");
}

static void write_tags(struct item *it, const struct keep_key *k, const char *text)
{
    key(it, k->key);
    str_add(&it->x->out, " [");
    while (*text) {
        size_t n = strcspn(text, ",");
        yaml_add(&it->x->out, arena_copy(&it->x->arena, text, n));
        text += n;
        if (*text) {
            str_add(&it->x->out, ", ");
            text++;
        }
    }
    str_add(&it->x->out, "]\n");
}

/* ---- DHCP options: as people write them, where that is read as the same bytes; else in hex */

static bool words_are(const struct dhcp_option *o, const char *const *words, size_t n)
{
    uint8_t buf[DHCP_VALUE_MAX + 1];
    struct writer w = writer_of(buf, sizeof buf);
    return dhcp_value_parse(o->code, NULL, words, n, &w, NULL) == 0 && !w.full &&
           span_eq(span_of(buf, writer_used(&w)), o->value);
}

static const char *option_hex(struct export *x, struct span value)
{
    char *text = arena_get(&x->arena, 2 * value.n + 5);
    strcpy(text, "hex:");
    for (size_t i = 0; i < value.n; i++) {
        sprintf(text + 4 + 2 * i, "%02x", value.p[i]);
    }
    return text;
}

/* YAML has no bytes, only characters. */
static bool is_text(struct span s)
{
    size_t at = 0, n;
    while (at < s.n && s.p[at] && (n = str_utf8((const char *)s.p + at, s.n - at)) > 0) {
        at += n;
    }
    return s.n > 0 && at == s.n;
}

#define WORDS_MAX 128
static size_t option_words(struct export *x, const struct dhcp_option *o, const char **words)
{
    struct str text = {0};
    size_t n = 0;
    words[0] = arena_copy(&x->arena, o->value.p, o->value.n);
    if (is_text(o->value) && words_are(o, words, 1)) {
        return 1; /* text, blanks and all */
    }
    dhcp_value_format(o->code, o->value, &text);
    char *at = arena_text(&x->arena, text.len ? text.s : "");
    str_free(&text);
    while (at && n < WORDS_MAX) {
        char *next = strstr(at, ", ");
        if (next) {
            *next = '\0';
            next += 2;
        }
        words[n++] = at;
        at = next;
    }
    if (!at && words_are(o, words, n)) {
        return n;
    }
    words[0] = option_hex(x, o->value);
    return 1;
}

static void write_option(struct export *x, const struct dhcp_option *o, int indent)
{
    const char *words[WORDS_MAX];
    size_t n = option_words(x, o, words);
    struct str name = {0};
    dhcp_name_format(o->code, &name);
    str_addf(&x->out, "%*s%s: %s%s", indent, "", name.s, o->always ? "{value: " : "", n == 1 ? "" : "[");
    for (size_t i = 0; i < n; i++) {
        str_add(&x->out, i ? ", " : "");
        yaml_add(&x->out, words[i]);
    }
    str_addf(&x->out, "%s%s\n", n == 1 ? "" : "]", o->always ? ", always: true}" : "");
    str_free(&name);
}

static void write_options(struct item *it, const struct keep_key *k, const char *text)
{
    struct dhcp_set set;
    struct dhcp_option o;
    if (options_get(it->x->s, strtoll(text, NULL, 10), &set, it->x->e) < 0) {
        it->x->failed = true;
        return;
    }
    key(it, k->key);
    str_add(&it->x->out, "\n");
    struct reader r = reader_of(dhcp_set_span(&set));
    while (dhcp_set_next(&r, &o)) {
        write_option(it->x, &o, it->indent + 4);
    }
}

static void (*const writers[])(struct item *it, const struct keep_key *k, const char *text) = {
    [KEY_TEXT] = write_line,      [KEY_LINES] = write_line,  [KEY_SLUG] = write_line,
    [KEY_NAME] = write_line,      [KEY_HOST] = write_line,   [KEY_WORD] = write_line,
    [KEY_COLOR] = write_line,     [KEY_BOOL] = write_bool,   [KEY_INT] = write_raw,
    [KEY_REAL] = write_raw,       [KEY_REF] = write_line,    [KEY_TYPE] = write_line,
    [KEY_DISK] = write_line,      [KEY_MAC] = write_mac,     [KEY_ADDRESS] = write_address,
    [KEY_PREFIX] = write_address, [KEY_IP4] = write_address, [KEY_OPTIONS] = write_options,
    [KEY_LIST] = write_json,      [KEY_JSON] = write_json,   [KEY_FIELDS] = write_json,
    [KEY_TAGS] = write_tags,
};

/* ---- objects */

/* What is none. A default is said: import leaves alone what a file does not say, and may find another value.
 */
static bool is_none(const struct said *o, const struct keep_kind *kind, size_t i)
{
    static const char *const none[] = {"", "{}", "[]", "null"};
    const char *missing = kind->keys[i].missing;
    if (o->model == MODEL_DEVICE && i == keep_at(MODEL_DEVICE, "position") &&
        !*o->v[keep_at(MODEL_DEVICE, "rack")]) {
        return true; /* import takes none without a rack */
    }
    for (size_t n = 0; missing && n < sizeof none / sizeof *none; n++) {
        if (strcmp(missing, none[n]) == 0) {
            return strcmp(o->v[i], missing) == 0;
        }
    }
    return false;
}

static void write_keys(struct item *it, const struct said *o)
{
    const struct keep_kind *kind = keep_kind(o->model);
    for (size_t i = 0; i < kind->n; i++) {
        if (!is_none(o, kind, i)) {
            writers[kind->keys[i].type](it, &kind->keys[i], o->v[i]);
        }
    }
}

static bool says_more(const struct said *o)
{
    const struct keep_kind *kind = keep_kind(o->model);
    for (size_t i = 1; i < kind->n; i++) {
        if (!is_none(o, kind, i)) {
            return true;
        }
    }
    return false;
}

static const char *plug_text(struct export *x, const struct said *o)
{
    return o->model == MODEL_MAC ? mac_text(x, o->v[0]) : address_text(x, o->v[0]);
}

static bool could_boot(const struct said *o)
{
    return o->model == MODEL_MAC || !strchr(o->v[0], ':');
}

static void write_plugs(struct item *it, const char *one, const char *many, const struct said *list, size_t n,
                        bool boot)
{
    bool unsaid = !boot;
    if (n == 1 && boot && could_boot(list) && !says_more(list)) {
        raw(it, one, plug_text(it->x, list));
        return;
    }
    key(it, many);
    str_add(&it->x->out, n ? "\n" : " []\n");
    for (size_t i = 0; i < n; i++) {
        struct item plug = {.x = it->x, .indent = it->indent + 4};
        bool no_boot = unsaid && could_boot(&list[i]);
        if (!no_boot && !says_more(&list[i])) {
            str_addf(&it->x->out, "%*s- %s\n", plug.indent, "", plug_text(it->x, &list[i]));
            continue;
        }
        write_keys(&plug, &list[i]);
        if (no_boot) {
            raw(&plug, "boot", "false");
            unsaid = false;
        }
    }
}

static void write_interface(struct export *x, const struct said_interface *f)
{
    struct item it = {.x = x, .indent = 6};
    write_keys(&it, &f->o);
    write_plugs(&it, "mac", "macs", f->macs, f->macs_n, f->boot_mac);
    if (f->addresses_n) {
        write_plugs(&it, "address", "addresses", f->addresses, f->addresses_n, f->boot_address);
    }
    if (f->primary) {
        raw(&it, "primary", "true");
    }
}

static void write_device(struct export *x, const struct said_device *d, const struct device *row)
{
    const struct {
        const char *key, *text;
    } people[] = {{"primary_ip4", d->primary_ip4}, {"primary_ip6", d->primary_ip6}, {"oob_ip", d->oob_ip}};
    struct item it = {.x = x, .indent = 2};
    write_keys(&it, &d->o);
    if (d->interfaces_n) {
        key(&it, "interfaces");
        str_add(&x->out, "\n");
    }
    for (size_t i = 0; i < d->interfaces_n; i++) {
        write_interface(x, &d->interfaces[i]);
    }
    for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
        if (people[i].text) {
            raw(&it, people[i].key, *people[i].text ? address_text(x, people[i].text) : "\"\"");
        }
    }
    if (row->assigned[0]) {
        line(&it, "image", row->assigned);
    }
    raw(&it, "protected", row->protected ? "true" : "false");
}

/* ---- the walk */

/* Gives what was said to the file. */
static int flush(struct export *x)
{
    bool well = x->out.len == 0 || fwrite(x->out.s, 1, x->out.len, x->to) == x->out.len;
    str_reset(&x->out);
    arena_reset(&x->arena);
    return x->failed ? -1 : well ? 0 : err_errno(x->e, "writing the inventory");
}

static int export_object(struct export *x, enum model_id m, int64_t id)
{
    struct item it = {.x = x, .indent = 2};
    struct said o;
    if (keep_get(x->s, m, id, &x->arena, &o, x->e) < 0) {
        return -1;
    }
    write_keys(&it, &o);
    return flush(x);
}

static int export_list(struct export *x, enum model_id m)
{
    int64_t *ids = NULL;
    size_t n = 0;
    int r = keep_ids(x->s, m, &ids, &n, x->e);
    if (r == 0 && n > 0) {
        str_addf(&x->out, "%s:\n", keep_kind(m)->list);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = export_object(x, m, ids[i]);
    }
    free(ids);
    return r;
}

static int export_device(const struct device *d, void *ctx)
{
    struct export *x = ctx;
    struct said_device said;
    if (!x->devices) {
        str_add(&x->out, "devices:\n");
        x->devices = true;
    }
    if (keep_get_device(x->s, d->id, &x->arena, &said, x->e) < 0) {
        return -1;
    }
    write_device(x, &said, d);
    return flush(x);
}

static int export_all(struct export *x, const char *selector)
{
    bool whole = !selector || !*selector;
    for (const enum model_id *m = keep_order; *m != MODEL_NONE; m++) {
        if ((whole || *m == MODEL_CUSTOM_FIELD) && export_list(x, *m) < 0) {
            return -1;
        }
    }
    if (device_each(x->s, selector, export_device, x, x->e) < 0) {
        return -1;
    }
    /* An empty list says that there is nothing, which an empty file does not. */
    if (!x->devices) {
        str_add(&x->out, "devices: []\n");
    }
    return flush(x);
}

int export_write(struct store *s, const char *selector, FILE *to, struct err *e)
{
    struct export x = {.s = s, .to = to, .e = e};
    int r = export_all(&x, selector);
    arena_free(&x.arena);
    str_free(&x.out);
    return r == 0 && fflush(to) != 0 ? err_errno(e, "writing the inventory") : r;
}

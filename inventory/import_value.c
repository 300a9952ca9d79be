/* import_value: one value of the inventory file as its canonical text (keep.h). */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/dhcp_yaml.h"
#include "inventory/import_parts.h"

int read_error(const struct import *im, const struct yaml_node *n, struct err *e, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return yaml_error(n, e, "%s%s", im->about, text);
}

/* What one kind of value is read with. */
struct reading {
    struct import *im;
    enum model_id m;
    const struct keep_key *key;
    struct yaml_node *map, *n;
    const char *text; /* of a scalar */
    const char **ret;
};

static size_t characters(const char *text)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        n += (*p & 0xc0) != 0x80;
    }
    return n;
}

static int read_line(const struct reading *r, struct err *e)
{
    for (const unsigned char *p = (const unsigned char *)r->text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return read_error(r->im, r->n, e, "the %s has a control character", r->key->key);
        }
    }
    if (characters(r->text) > (size_t)r->key->max) {
        return read_error(r->im, r->n, e, "\"%s\" is longer than %lld characters", r->key->key,
                          (long long)r->key->max);
    }
    *r->ret = r->text;
    return 0;
}

static int read_required_line(const struct reading *r, struct err *e)
{
    if (!*r->text) {
        return read_error(r->im, r->n, e, "\"%s\" must not be empty", r->key->key);
    }
    return read_line(r, e);
}

static int read_lines(const struct reading *r, struct err *e)
{
    (void)e;
    *r->ret = r->text;
    return 0;
}

static int check_slug(const struct reading *r, const char *what, const char *text, struct err *e)
{
    struct err why;
    return name_check(what, text, &why) < 0 ? read_error(r->im, r->n, e, "%s", why.text) : 0;
}

static int read_slug(const struct reading *r, struct err *e)
{
    *r->ret = r->text;
    return check_slug(r, r->m == MODEL_CUSTOM_FIELD ? "name" : "slug", r->text, e);
}

static int read_host(const struct reading *r, struct err *e)
{
    *r->ret = r->text;
    return check_slug(r, "device's name", r->text, e);
}

/* Racks and locations may be named by their names for people. */
static int read_ref(const struct reading *r, struct err *e)
{
    struct keep_key line = {.key = r->key->key, .max = 100};
    struct reading free_text = *r;
    free_text.key = &line;
    *r->ret = r->text;
    if (!*r->text) {
        return 0;
    }
    return r->key->to == MODEL_RACK || r->key->to == MODEL_LOCATION
               ? read_line(&free_text, e)
               : check_slug(r, keep_kind(r->key->to)->noun, r->text, e);
}

static int read_word(const struct reading *r, struct err *e)
{
    struct str words = {0};
    for (const char *const *w = r->key->words; *w; w++) {
        if (strcmp(*w, r->text) == 0) {
            *r->ret = *w;
            str_free(&words);
            return 0;
        }
        str_addf(&words, "%s%s", words.len ? ", " : "", **w ? *w : "\"\"");
    }
    read_error(r->im, r->n, e, "the %s \"%.40s\" is none of: %s", r->key->key, r->text, words.s);
    str_free(&words);
    return -1;
}

static int read_color(const struct reading *r, struct err *e)
{
    if (strlen(r->text) != 6 || strspn(r->text, "0123456789abcdef") != 6) {
        return read_error(r->im, r->n, e, "the %s \"%.40s\" is not six hex digits (0-9, a-f), like 9e9e9e",
                          r->key->key, r->text);
    }
    *r->ret = r->text;
    return 0;
}

static int read_bool(const struct reading *r, struct err *e)
{
    bool v = false;
    if (yaml_bool(r->map, r->key->key, true, &v, e) < 0) {
        return -1;
    }
    *r->ret = v ? "1" : "0";
    return 0;
}

static int read_int(const struct reading *r, struct err *e)
{
    uint64_t v = 0;
    *r->ret = "";
    if (r->key->null && !*r->text) {
        return 0;
    }
    if (yaml_u64(r->map, r->key->key, true, 0, (uint64_t)r->key->max, &v, e) < 0) {
        return -1;
    }
    *r->ret = arena_printf(&r->im->k.arena, "%llu", (unsigned long long)v);
    return 0;
}

/* NetBox has units and half units; a finer number is none. */
static int read_real(const struct reading *r, struct err *e)
{
    char *end;
    *r->ret = "";
    if (r->key->null && !*r->text) {
        return 0;
    }
    double v = strtod(r->text, &end);
    if (!isdigit((unsigned char)*r->text) || *end || v > (double)r->key->max || v * 2 != floor(v * 2)) {
        return read_error(r->im, r->n, e,
                          "\"%s\" must be a number from 0 to %lld, in steps of 0.5, not \"%.40s\"",
                          r->key->key, (long long)r->key->max, r->text);
    }
    *r->ret = arena_printf(&r->im->k.arena, "%g", v);
    return 0;
}

static int read_disk(const struct reading *r, struct err *e)
{
    struct disk_selector sel;
    struct err why;
    *r->ret = r->text;
    return read_line(r, e) < 0                            ? -1
           : disk_selector_parse(r->text, &sel, &why) < 0 ? read_error(r->im, r->n, e, "%s", why.text)
                                                          : 0;
}

/* ---- addresses */

static int read_mac(const struct reading *r, struct err *e)
{
    struct mac m;
    struct err why;
    if (mac_parse(r->text, &m, &why) < 0) {
        return read_error(r->im, r->n, e, "%s", why.text);
    }
    *r->ret = arena_printf(&r->im->k.arena, "%llu", (unsigned long long)mac_to_u64(m));
    return 0;
}

/* "2001:db8::1/64": 1 and the parts; 0: no IPv6 address. */
static bool parse_ip6(const char *text, uint8_t ip[16], unsigned *ret_length)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    char *end;
    if (!slash || (size_t)(slash - text) >= sizeof address || !isdigit((unsigned char)slash[1])) {
        return false;
    }
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    unsigned long length = strtoul(slash + 1, &end, 10);
    *ret_length = (unsigned)length;
    return !*end && length <= 128 && inet_pton(AF_INET6, address, ip) == 1;
}

static const char *ip6_text(struct arena *a, const uint8_t ip[16], unsigned length)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, ip, text, sizeof text);
    return arena_printf(a, "%s/%u", text, length);
}

static int read_address(const struct reading *r, struct err *e)
{
    struct ip4_if a;
    struct err why;
    uint8_t ip[16];
    unsigned length;
    char text[PREFIX_STR];
    if (strchr(r->text, ':')) {
        if (!parse_ip6(r->text, ip, &length)) {
            return read_error(r->im, r->n, e,
                              "\"%.60s\" is not an IPv6 address with its length, like 2001:db8::1/64",
                              r->text);
        }
        *r->ret = ip6_text(&r->im->k.arena, ip, length);
        return 0;
    }
    if (ip4_if_parse(r->text, &a, &why) < 0) {
        return read_error(r->im, r->n, e, "%s", why.text);
    }
    *r->ret = arena_text(&r->im->k.arena, ip4_if_format(a, text));
    return 0;
}

static bool host_bits(const uint8_t ip[16], unsigned length)
{
    for (unsigned bit = length; bit < 128; bit++) {
        if (ip[bit / 8] & 0x80 >> bit % 8) {
            return true;
        }
    }
    return false;
}

static int read_prefix(const struct reading *r, struct err *e)
{
    struct prefix p;
    struct err why;
    uint8_t ip[16];
    unsigned length;
    char text[PREFIX_STR];
    if (strchr(r->text, ':')) {
        if (!parse_ip6(r->text, ip, &length) || host_bits(ip, length)) {
            return read_error(r->im, r->n, e, "\"%.60s\" is not an IPv6 prefix, like 2001:db8::/64", r->text);
        }
        *r->ret = ip6_text(&r->im->k.arena, ip, length);
        return 0;
    }
    if (prefix_parse(r->text, &p, &why) < 0) {
        return read_error(r->im, r->n, e, "%s", why.text);
    }
    *r->ret = arena_text(&r->im->k.arena, prefix_format(p, text));
    return 0;
}

static int read_ip4(const struct reading *r, struct err *e)
{
    struct ip4 ip;
    struct err why;
    char text[IP4_STR];
    *r->ret = "";
    if (!*r->text) {
        return 0;
    }
    if (ip4_parse(r->text, &ip, &why) < 0) {
        return read_error(r->im, r->n, e, "%s", why.text);
    }
    *r->ret = arena_text(&r->im->k.arena, ip4_format(ip, text));
    return 0;
}

/* ---- lists and mappings */

/* In the transaction it gets its number; before, it is looked at alone. */
static int read_options(const struct reading *r, struct err *e)
{
    struct dhcp_set set;
    int64_t id = 0;
    if (dhcp_set_read(r->map, r->key->key, &set, e) < 0 ||
        (r->im->writing && options_keep(r->im->k.s, dhcp_set_span(&set), &id, e) < 0)) {
        return -1;
    }
    *r->ret = id ? arena_printf(&r->im->k.arena, "%lld", (long long)id) : "";
    return 0;
}

static const char *json_text(struct import *im, json_t *v)
{
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    const char *kept = text ? arena_text(&im->k.arena, text) : NULL;
    free(text);
    json_decref(v);
    return kept;
}

/* Without quotes, what JSON would read as another thing than text is that. */
static json_t *scalar_json(const struct yaml_node *n)
{
    const char *text = yaml_text(n);
    json_t *v = NULL;
    if (yaml_plain(n)) {
        bool null = !*text || strcmp(text, "null") == 0 || strcmp(text, "~") == 0;
        v = null ? json_null() : json_loads(text, JSON_DECODE_ANY, NULL);
        if (v && (json_is_array(v) || json_is_object(v) || json_is_string(v))) {
            json_decref(v);
            v = NULL;
        }
    }
    return v ? v : json_string(text);
}

static json_t *node_json(struct yaml_node *n)
{
    json_t *v;
    switch (yaml_type(n)) {
    case YAML_SCALAR:
        return scalar_json(n);
    case YAML_SEQ:
        v = json_array();
        for (size_t i = 0; i < yaml_len(n); i++) {
            json_array_append_new(v, node_json(yaml_at(n, i)));
        }
        return v;
    case YAML_MAP:
        break;
    }
    v = json_object();
    for (size_t i = 0; i < yaml_len(n); i++) {
        json_object_set_new(v, yaml_key_at(n, i), node_json(yaml_value_at(n, i)));
    }
    return v;
}

static int read_json(const struct reading *r, struct err *e)
{
    *r->ret = json_text(r->im, node_json(r->n));
    if (!*r->ret) {
        return read_error(r->im, r->n, e, "\"%s\" cannot be written as JSON", r->key->key);
    }
    if (r->m == MODEL_DEVICE && yaml_type(r->n) != YAML_MAP) {
        return yaml_want(r->n, YAML_MAP, r->key->key, e);
    }
    if (r->m == MODEL_DEVICE && yaml_len(r->n) == 0) {
        *r->ret = "";
    }
    return 0;
}

static int read_list(const struct reading *r, struct err *e)
{
    struct yaml_node *list;
    json_t *v = json_array();
    if (yaml_seq(r->map, r->key->key, true, &list, e) < 0) {
        json_decref(v);
        return -1;
    }
    for (size_t i = 0; i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        if (yaml_want(item, YAML_SCALAR, "each item", e) < 0) {
            json_decref(v);
            return -1;
        }
        json_array_append_new(v, json_string(yaml_text(item)));
    }
    *r->ret = json_text(r->im, v);
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_tags(const struct reading *r, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(r->map, r->key->key, true, &list, e) < 0) {
        return -1;
    }
    size_t n = yaml_len(list);
    const char **slugs = arena_get(&r->im->k.arena, (n + 1) * sizeof *slugs);
    for (size_t i = 0; i < n; i++) {
        struct reading item = {.im = r->im, .n = yaml_at(list, i)};
        if (yaml_want(item.n, YAML_SCALAR, "a tag", e) < 0 ||
            check_slug(&item, "tag", yaml_text(item.n), e) < 0) {
            return -1;
        }
        slugs[i] = yaml_text(item.n);
    }
    qsort(slugs, n, sizeof *slugs, compare_texts);
    struct str text = {0};
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(slugs[i], slugs[i - 1]) != 0) {
            str_addf(&text, "%s%s", text.len ? "," : "", slugs[i]);
        }
    }
    *r->ret = arena_copy(&r->im->k.arena, text.s, text.len);
    str_free(&text);
    return 0;
}

/* ---- custom fields: what a value is, its field's definition says */

static const char *const model_types[MODEL_COUNT] = {
    [MODEL_SITE] = "dcim.site",
    [MODEL_LOCATION] = "dcim.location",
    [MODEL_RACK] = "dcim.rack",
    [MODEL_MANUFACTURER] = "dcim.manufacturer",
    [MODEL_DEVICE_TYPE] = "dcim.devicetype",
    [MODEL_ROLE] = "dcim.devicerole",
    [MODEL_PLATFORM] = "dcim.platform",
    [MODEL_DEVICE] = "dcim.device",
    [MODEL_INTERFACE] = "dcim.interface",
    [MODEL_MAC] = "dcim.macaddress",
    [MODEL_PREFIX] = "ipam.prefix",
    [MODEL_IP] = "ipam.ipaddress",
    [MODEL_TENANT] = "tenancy.tenant",
};

/* Digits are text where the field is text, and so are choices. */
static json_t *text_json(json_t *v, const struct yaml_node *n)
{
    if (yaml_type(n) != YAML_SCALAR || json_is_null(v)) {
        return v;
    }
    json_decref(v);
    return json_string(yaml_text(n));
}

static json_t *field_json(const char *type, struct yaml_node *n)
{
    static const char *const texts[] = {"text", "longtext", "date", "datetime", "url", "select"};
    json_t *v = node_json(n);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i], type) == 0) {
            return text_json(v, n);
        }
    }
    for (size_t i = 0; strcmp(type, "multiselect") == 0 && i < json_array_size(v); i++) {
        json_array_set_new(v, i, text_json(json_incref(json_array_get(v, i)), yaml_at(n, i)));
    }
    return v;
}

static int read_field(const struct reading *r, const char *name, struct yaml_node *n, json_t *all,
                      struct err *e)
{
    struct keep_field f;
    struct err why;
    if (keep_field(r->im->k.s, name, &r->im->k.arena, &f, &why) < 0) {
        return why.kind == ERR_NOT_FOUND ? read_error(r->im, n, e, "%s", why.text)
                                         : err_set(e, why.kind, "%s", why.text);
    }
    if (!strstr(f.object_types, arena_printf(&r->im->k.arena, "\"%s\"", model_types[r->m]))) {
        return read_error(r->im, n, e, "the custom field \"%s\" is not for a %s (object_types)", name,
                          keep_kind(r->m)->noun);
    }
    json_t *v = field_json(f.type, n);
    const char *wrong = keep_field_fault(&f, v);
    json_object_set_new(all, name, v);
    return !wrong
               ? 0
               : read_error(r->im, n, e, "this is no value of the custom field \"%s\", whose type is %s: %s",
                            name, f.type, wrong);
}

static int read_fields(const struct reading *r, struct err *e)
{
    if (yaml_want(r->n, YAML_MAP, r->key->key, e) < 0) {
        return -1;
    }
    json_t *all = json_object();
    for (size_t i = 0; i < yaml_len(r->n); i++) {
        const char *name = yaml_key_at(r->n, i);
        if (r->im->writing && read_field(r, name, yaml_value_at(r->n, i), all, e) < 0) {
            json_decref(all);
            return -1;
        }
    }
    *r->ret = json_text(r->im, all);
    return 0;
}

static const struct {
    int (*read)(const struct reading *r, struct err *e);
    bool node; /* anything may stand there, not only one value */
} readers[] = {
    [KEY_TEXT] = {read_line, false},       [KEY_LINES] = {read_lines, false},
    [KEY_SLUG] = {read_slug, false},       [KEY_NAME] = {read_required_line, false},
    [KEY_HOST] = {read_host, false},       [KEY_WORD] = {read_word, false},
    [KEY_COLOR] = {read_color, false},     [KEY_BOOL] = {read_bool, false},
    [KEY_INT] = {read_int, false},         [KEY_REAL] = {read_real, false},
    [KEY_REF] = {read_ref, false},         [KEY_TYPE] = {read_line, false},
    [KEY_DISK] = {read_disk, false},       [KEY_MAC] = {read_mac, false},
    [KEY_ADDRESS] = {read_address, false}, [KEY_PREFIX] = {read_prefix, false},
    [KEY_IP4] = {read_ip4, false},         [KEY_OPTIONS] = {read_options, true},
    [KEY_LIST] = {read_list, true},        [KEY_JSON] = {read_json, true},
    [KEY_FIELDS] = {read_fields, true},    [KEY_TAGS] = {read_tags, true},
};

int read_value(struct import *im, enum model_id m, const struct keep_key *key, struct yaml_node *map,
               struct yaml_node *n, const char **ret, struct err *e)
{
    struct reading r = {.im = im, .m = m, .key = key, .map = map, .n = n, .ret = ret};
    if (!readers[key->type].node && yaml_want(n, YAML_SCALAR, key->key, e) < 0) {
        return -1;
    }
    r.text = yaml_text(n);
    return readers[key->type].read(&r, e);
}

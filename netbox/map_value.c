/* map_value: see map_value.h. */
#include "netbox/map_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define TEXT_MAX    400
#define CONTEXT_MAX (64 * 1024)
#define DEPTH_MAX   100 /* SQLite takes apart no more than a thousand levels, and jansson reads two */

int value_wrong(const struct place *at, const char *is_not, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "/api/%s%lld/: `%s` is not %s", map_path(at->kind),
                   (long long)at->to->row.id, at->column->key, is_not);
}

static void fault(const struct place *at, const char *kind, bool unusable, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void fault(const struct place *at, const char *kind, bool unusable, const char *fmt, ...)
{
    struct sync_row *r = &at->to->row;
    va_list ap;
    if (*r->fault && !unusable) {
        return;
    }
    str_copy(r->fault, sizeof r->fault, kind);
    va_start(ap, fmt);
    vsnprintf(r->sentence, sizeof r->sentence, fmt, ap);
    va_end(ap);
    for (size_t i = 0, n; r->sentence[i]; i += n ? n : 1) { /* a name that was cut in a character */
        n = str_utf8(r->sentence + i, strlen(r->sentence + i));
        r->sentence[i] = n ? r->sentence[i] : '?';
    }
    r->unusable = r->unusable || unusable;
}

static struct sync_value *value_next(const struct place *at)
{
    return &at->to->row.v[at->to->row.n++];
}

void value_put_null(const struct place *at)
{
    *value_next(at) = (struct sync_value){.type = SYNC_NULL};
}

void value_put_int(const struct place *at, int64_t i)
{
    *value_next(at) = (struct sync_value){.type = SYNC_INT, .i = i};
}

void value_put_text(const struct place *at, const char *s)
{
    *value_next(at) = (struct sync_value){.type = SYNC_TEXT, .p = s, .n = strlen(s)};
}

static void put_owned(const struct place *at, char *s)
{
    at->to->owned[at->to->owned_n++] = s;
    value_put_text(at, s);
}

static bool has_control(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            return true;
        }
    }
    return false;
}

/* A text, or NULL when it is null or not there. */
static int text_of(const struct place *at, const json_t *v, const char **ret, struct err *e)
{
    if (v && !json_is_null(v) && !json_is_string(v)) {
        return value_wrong(at, "a text", e);
    }
    *ret = json_is_string(v) ? json_string_value(v) : NULL;
    return 0;
}

static void put_checked(const struct place *at, const char *s, bool needed)
{
    size_t max = at->column->max ? at->column->max : TEXT_MAX;
    if (needed && !*s) {
        fault(at, "empty", true, "its %s is empty", at->column->key);
    } else if (strlen(s) > max) {
        fault(at, "too-long", needed, "its %s has %zu bytes, and we keep at most %zu", at->column->key,
              strlen(s), max);
        s = "";
    } else if (has_control(s)) {
        fault(at, "control-characters", needed, "its %s has control characters", at->column->key);
        s = "";
    }
    value_put_text(at, s);
}

static int put_plain(const struct place *at, const json_t *v, struct err *e)
{
    const char *s;
    if (text_of(at, v, &s, e) < 0) {
        return -1;
    }
    if (at->column->shape == TAG && (!s || !*s)) {
        value_put_null(at);
        return 0;
    }
    put_checked(at, s ? s : "", at->column->shape == PLAIN || at->column->shape == SLUG);
    return 0;
}

static int put_slug(const struct place *at, const json_t *v, struct err *e)
{
    if (put_plain(at, v, e) < 0) {
        return -1;
    }
    const char *s = at->to->row.v[at->to->row.n - 1].p;
    if (s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")]) {
        fault(at, "slug", true, "its slug \"%s\" is none", s);
    }
    return 0;
}

static int put_host(const struct place *at, const json_t *v, struct err *e)
{
    const char *s;
    struct err why;
    if (text_of(at, v, &s, e) < 0) {
        return -1;
    }
    if (!s || !*s) {
        fault(at, "name", true, "it has no name; give it the host name that the machine is to have");
    } else if (name_check("name", s, &why) < 0) {
        fault(at, "name", true, "%.250s", why.text);
    }
    value_put_text(at, s && !at->to->row.unusable ? s : "");
    return 0;
}

static int put_rack_slug(const struct place *at, const json_t *v, struct err *e)
{
    const char *s;
    if (text_of(at, v, &s, e) < 0) {
        return -1;
    }
    char *slug = xcalloc(1, NAME_SIZE);
    slug_from(s ? s : "", slug);
    put_owned(at, slug);
    return 0;
}

static int put_ref(const struct place *at, const json_t *v, struct err *e)
{
    if (!v || json_is_null(v)) {
        value_put_null(at);
        return 0;
    }
    const json_t *id = json_is_object(v) ? json_object_get(v, "id") : v;
    if (!json_is_integer(id) || json_integer_value(id) <= 0) {
        return value_wrong(at, "an object with an id", e);
    }
    value_put_int(at, json_integer_value(id));
    return 0;
}

static int put_choice(const struct place *at, const json_t *v, struct err *e)
{
    const char *s;
    if (json_is_object(v)) {
        v = json_object_get(v, "value");
    }
    if (text_of(at, v, &s, e) < 0) {
        return -1;
    }
    put_checked(at, s ? s : "", false);
    return 0;
}

static int put_yes(const struct place *at, const json_t *v, struct err *e)
{
    if (v && !json_is_boolean(v) && !json_is_null(v)) {
        return value_wrong(at, "true or false", e);
    }
    /* Not there: NetBox's own defaults. */
    value_put_int(at, v && !json_is_null(v)
                          ? json_is_true(v)
                          : strcmp(at->column->key, "mgmt_only") != 0 &&
                                strcmp(at->column->key, "required") != 0 && at->kind != SYNC_PREFIX);
    return 0;
}

static int put_number(const struct place *at, const json_t *v, struct err *e)
{
    char text[40];
    if (!v || json_is_null(v)) {
        value_put_null(at);
        return 0;
    }
    if (!json_is_number(v)) {
        return value_wrong(at, "a number", e);
    }
    if (json_is_integer(v) || at->column->shape == NUMBER) {
        double d = json_number_value(v);
        value_put_int(at, json_is_integer(v)      ? json_integer_value(v)
                          : d > -1e15 && d < 1e15 ? (int64_t)d
                                                  : 0);
        return 0;
    }
    snprintf(text, sizeof text, "%.6g", json_real_value(v)); /* the column makes a number of it */
    put_owned(at, xstrdup(text));
    return 0;
}

static bool is_deeper(const json_t *v, unsigned levels)
{
    const char *key;
    json_t *o;
    size_t i;
    if (!json_is_object(v) && !json_is_array(v)) {
        return false;
    }
    if (levels == 0) {
        return true;
    }
    json_object_foreach((json_t *)v, key, o)
    {
        if (is_deeper(o, levels - 1)) {
            return true;
        }
    }
    json_array_foreach((json_t *)v, i, o)
    {
        if (is_deeper(o, levels - 1)) {
            return true;
        }
    }
    return false;
}

static int put_json(const struct place *at, const json_t *v, size_t max, const char *empty, struct err *e)
{
    (void)e;
    if (!v || json_is_null(v)) {
        value_put_text(at, empty);
        return 0;
    }
    if (is_deeper(v, DEPTH_MAX)) {
        fault(at, "too-deep", false, "its %s has more than %d levels: it was left out", at->column->key,
              DEPTH_MAX);
        value_put_text(at, empty);
        return 0;
    }
    char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (!text || strlen(text) > max) {
        fault(at, "too-long", false, "its %s is longer than %zu bytes: it was left out", at->column->key,
              max);
        free(text);
        value_put_text(at, empty);
        return 0;
    }
    put_owned(at, text);
    return 0;
}

/* `comments` is a text; kept as it is, since nobody but people reads it. */
static int put_comments(const struct place *at, const json_t *v, struct err *e)
{
    const char *s;
    if (text_of(at, v, &s, e) < 0) {
        return -1;
    }
    if (s && strlen(s) > CONTEXT_MAX) {
        fault(at, "too-long", false, "its %s is longer than %d bytes: it was left out", at->column->key,
              CONTEXT_MAX);
        s = "";
    }
    value_put_text(at, s ? s : "");
    return 0;
}

/* These mean something of ours in our own API; the first two are what we write back. */
static bool is_ours(const struct netbox_config *c, enum sync_kind kind, const char *key)
{
    static const char *const device[] = {"image",        "state", "installed_release",
                                         "installed_at", "disk",  "protected"};
    if (kind == SYNC_PREFIX) {
        return strcmp(key, "gateway") == 0;
    }
    if (kind != SYNC_DEVICE) {
        return false;
    }
    for (size_t i = 0; i < sizeof device / sizeof *device; i++) {
        if (strcmp(key, device[i]) == 0) {
            return true;
        }
    }
    return strcmp(key, c->write.release_field) == 0 || strcmp(key, c->write.hardware_field) == 0;
}

static int put_fields(const struct place *at, const json_t *v, struct err *e)
{
    const char *key;
    json_t *value;
    if (!v || json_is_null(v)) {
        value_put_text(at, "{}");
        return 0;
    }
    if (!json_is_object(v)) {
        return value_wrong(at, "an object", e);
    }
    json_t *kept = json_object();
    json_object_foreach((json_t *)v, key, value)
    {
        if (!is_ours(at->config, at->kind, key)) {
            json_object_set(kept, key, value);
        }
    }
    int r = put_json(at, kept, CONTEXT_MAX, "{}", e);
    json_decref(kept);
    return r;
}

static int put_types(const struct place *at, const json_t *v, struct err *e)
{
    size_t i;
    json_t *o;
    if (v && !json_is_array(v)) {
        return value_wrong(at, "a list", e);
    }
    json_array_foreach((json_t *)v, i, o)
    {
        if (!json_is_string(o)) {
            return value_wrong(at, "a list of texts", e);
        }
    }
    return put_json(at, v, CONTEXT_MAX, "[]", e);
}

int value_put_mac(const struct place *at, const json_t *v, struct err *e)
{
    const char *s;
    struct mac m = {{0}};
    struct err why;
    if (text_of(at, v, &s, e) < 0) {
        return -1;
    }
    if (mac_parse(s ? s : "", &m, &why) < 0) {
        fault(at, "mac", true, "no NIC has this MAC address: %.200s", why.text);
    }
    value_put_int(at, (int64_t)mac_to_u64(m));
    return 0;
}

const char *value_assigned_type(const json_t *o)
{
    const json_t *v = json_object_get(o, "assigned_object_type");
    return json_is_string(v) ? json_string_value(v) : "";
}

static int put_home(const struct place *at, const json_t *v, struct err *e)
{
    if (v && !json_is_null(v) && !json_is_integer(v)) {
        return value_wrong(at, "a number", e);
    }
    if (!json_is_integer(v) || strcmp(value_assigned_type(at->object), "dcim.interface") != 0) {
        value_put_null(at);
    } else {
        value_put_int(at, json_integer_value(v));
    }
    return 0;
}

/* "10.0.0.1/24" or "2001:db8::1/64", the host bits as they are. -1: neither. */
static int parse_network(const char *text, uint8_t bytes[16], bool *ret_v6, unsigned *ret_len)
{
    char host[64], *end;
    const char *slash = text ? strchr(text, '/') : NULL;
    if (!slash || (size_t)(slash - text) >= sizeof host || !isdigit((unsigned char)slash[1])) {
        return -1;
    }
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    unsigned long len = strtoul(slash + 1, &end, 10);
    *ret_v6 = strchr(host, ':') != NULL;
    if (*end || len > (*ret_v6 ? 128 : 32) || inet_pton(*ret_v6 ? AF_INET6 : AF_INET, host, bytes) != 1) {
        return -1;
    }
    *ret_len = (unsigned)len;
    return 0;
}

static int64_t ip4_of(const uint8_t b[4])
{
    return (int64_t)b[0] << 24 | (int64_t)b[1] << 16 | (int64_t)b[2] << 8 | b[3];
}

static void put_address_bytes(const struct place *at, bool v6, const uint8_t *b)
{
    if (v6) {
        *value_next(at) = (struct sync_value){.type = SYNC_BLOB, .p = b, .n = 16};
    } else {
        value_put_int(at, ip4_of(b));
    }
}

static int put_address(const struct place *at, const json_t *v, struct err *e)
{
    bool v6;
    unsigned len;
    if (!json_is_string(v) || parse_network(json_string_value(v), at->to->bytes[0], &v6, &len) < 0) {
        return value_wrong(at, "an address with its length", e);
    }
    put_address_bytes(at, v6, at->to->bytes[0]);
    value_put_int(at, len);
    return 0;
}

static int put_network(const struct place *at, const json_t *v, struct err *e)
{
    bool v6;
    unsigned len;
    uint8_t *first = at->to->bytes[0], *last = at->to->bytes[1];
    if (!json_is_string(v) || parse_network(json_string_value(v), first, &v6, &len) < 0) {
        return value_wrong(at, "a prefix", e);
    }
    for (unsigned i = 0; i < (v6 ? 16u : 4u); i++) {
        unsigned ones = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;
        uint8_t mask = (uint8_t)(0xff00u >> ones);
        first[i] &= mask;
        last[i] = (uint8_t)(first[i] | (uint8_t)~mask);
    }
    put_address_bytes(at, v6, first);
    put_address_bytes(at, v6, last);
    value_put_int(at, len);
    return 0;
}

/* "10.0.0.1" or "10.0.0.1/24"; of a field that refers to an IP address, {"address": ...}. 0: none. */
int64_t value_gateway(const json_t *v)
{
    char text[64];
    struct ip4 a;
    if (json_is_object(v)) {
        v = json_object_get(v, "address");
    }
    if (!json_is_string(v)) {
        return 0;
    }
    str_copy(text, sizeof text, json_string_value(v));
    text[strcspn(text, "/")] = '\0';
    return ip4_parse(text, &a, NULL) == 0 ? a.a : 0;
}

bool value_is_set(const json_t *v)
{
    return v && !json_is_null(v) && !(json_is_string(v) && !*json_string_value(v));
}

/* Its values for IPv4 are in front of it: first, last, length. */
static int put_router(const struct place *at, const json_t *fields, struct err *e)
{
    const struct netbox_gateway *g = &at->config->gateway;
    const struct sync_value *v = at->to->row.v;
    (void)e;
    if (v[0].type != SYNC_INT || g->by == NETBOX_GATEWAY_TAG || g->by == NETBOX_GATEWAY_ROLE ||
        g->by == NETBOX_GATEWAY_CONTEXT) {
        value_put_null(at);
        return 0;
    }
    const json_t *field = json_object_get(fields, g->name);
    int64_t router = g->by == NETBOX_GATEWAY_FIRST ? v[0].i + (v[2].i < 31) : value_gateway(field);
    if (g->by == NETBOX_GATEWAY_FIELD && value_is_set(field) && (router < v[0].i || router > v[1].i)) {
        fault(at, "gateway", false, "its custom field %s names no address in it", g->name);
        router = 0;
    }
    if (router) {
        value_put_int(at, router);
    } else {
        value_put_null(at);
    }
    return 0;
}

static int put_scope(const struct place *at, const json_t *v, struct err *e)
{
    const json_t *type = json_object_get(at->object, "scope_type");
    const char *wanted = at->column->shape == SCOPE ? "dcim.site" : "dcim.location";
    if (at->column->shape == SCOPE && !type) {
        return put_ref(at, json_object_get(at->object, "site"), e); /* before 4.2 */
    }
    if (json_is_string(type) && strcmp(json_string_value(type), wanted) == 0) {
        return put_ref(at, v, e);
    }
    value_put_null(at);
    return 0;
}

static int put_image(const struct place *at, const json_t *v, struct err *e)
{
    char image[ASSIGNED_SIZE];
    (void)v, (void)e;
    map_image(at->config, at->object, image, sizeof image);
    if (*image) {
        put_owned(at, xstrdup(image));
    } else {
        value_put_null(at);
    }
    return 0;
}

static int put_context(const struct place *at, const json_t *v, struct err *e)
{
    if (v && !json_is_null(v) && !json_is_object(v)) {
        return value_wrong(at, "an object", e);
    }
    return put_json(at, v, CONTEXT_MAX, "{}", e);
}

int value_put(const struct place *at, const json_t *v, struct err *e)
{
    switch (at->column->shape) {
    case PLAIN:
    case TEXT:
    case TAG:
        return put_plain(at, v, e);
    case SLUG:
        return put_slug(at, v, e);
    case HOST:
        return put_host(at, v, e);
    case RACK:
        return put_rack_slug(at, v, e);
    case REF:
        return put_ref(at, v, e);
    case CHOICE:
        return put_choice(at, v, e);
    case YES:
        return put_yes(at, v, e);
    case NUMBER:
    case REAL:
        return put_number(at, v, e);
    case JSON:
        return strcmp(at->column->key, "comments") == 0 ? put_comments(at, v, e)
                                                        : put_json(at, v, CONTEXT_MAX, "", e);
    case FIELDS:
        return put_fields(at, v, e);
    case CONTEXT:
        return put_context(at, v, e);
    case TYPES:
        return put_types(at, v, e);
    case MACA:
        return value_put_mac(at, v, e);
    case HOME:
        return put_home(at, v, e);
    case ADDRESS:
        return put_address(at, v, e);
    case NETWORK:
        return put_network(at, v, e);
    case ROUTER:
        return put_router(at, v, e);
    case SCOPE:
    case PLACE:
        return put_scope(at, v, e);
    case IMAGE:
        return put_image(at, v, e);
    case NONE:
        break;
    }
    return 0;
}

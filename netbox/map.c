#include "netbox/map.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

#define TEXT_MAX    400
#define CONTEXT_MAX (64 * 1024)
#define DEPTH_MAX   100 /* SQLite takes apart no more than a thousand levels, and jansson reads two */

/* What a value has to be, and what becomes of it. */
enum shape {
    NONE,
    TEXT,   /* null is "" */
    PLAIN,  /* a text that people read in one line: bounded, without control characters */
    TAG,    /* as PLAIN; null stays NULL */
    SLUG,   /* as PLAIN, of a slug's letters */
    HOST,   /* a device's name: a host name */
    RACK,   /* a slug made from the name */
    REF,    /* an object's id, or null */
    CHOICE, /* {"value": ...}, a text, or null */
    YES,    /* true or false */
    NUMBER, /* an integer, or null */
    REAL,   /* a number, or null */
    JSON,   /* anything, kept as text */
    FIELDS, /* custom fields: an object, without those that mean something of ours */
    CONTEXT,
    TYPES, /* a list of texts, kept as JSON */
    MACA,
    HOME,    /* assigned_object_id, where that is an interface of a device */
    ADDRESS, /* two columns: address, length */
    NETWORK, /* three columns: first, last, length */
    ROUTER,  /* of a prefix, by the convention */
    SCOPE,   /* the site's id, of a scope or of `site` */
    PLACE,   /* the location's id, of a scope */
    IMAGE,   /* by the rules; NULL when none says */
};

struct column {
    const char *key;
    enum shape shape;
    const char *older; /* the key in older NetBoxes; NULL: the same */
    size_t max;        /* bytes of a text; 0: TEXT_MAX */
};

#define RECORD                                                                                               \
    {"description", TEXT, NULL, 0}, {"comments", JSON, NULL, 0},                                             \
    {                                                                                                        \
        "custom_fields", FIELDS, NULL, 0                                                                     \
    }

/* In the order of the columns on the stage (store_sync.c). */
static const struct kind {
    const char *path, *fields;
    struct column columns[SYNC_COLUMNS + 1];
} kinds[SYNC_KINDS] = {
    [SYNC_TENANT] = {"tenancy/tenants/",
                     "fields=id,name,slug,description,comments,custom_fields,tags,last_updated",
                     {{"slug", SLUG, NULL, 63}, {"name", PLAIN, NULL, 100}, RECORD}},
    [SYNC_SITE] = {"dcim/sites/",
                   "fields=id,name,slug,status,tenant,facility,time_zone,physical_address,shipping_address,"
                   "description,comments,custom_fields,tags,last_updated",
                   {{"slug", SLUG, NULL, 63},
                    {"name", PLAIN, NULL, 100},
                    {"status", CHOICE, NULL, 0},
                    {"tenant", REF, NULL, 0},
                    {"facility", TEXT, NULL, 0},
                    {"time_zone", TEXT, NULL, 0},
                    {"physical_address", TEXT, NULL, 0},
                    {"shipping_address", TEXT, NULL, 0},
                    RECORD}},
    [SYNC_LOCATION] =
        {"dcim/locations/",
         "fields=id,name,slug,site,parent,status,tenant,facility,description,comments,custom_fields,"
         "tags,last_updated",
         {{"slug", SLUG, NULL, 63},
          {"name", PLAIN, NULL, 100},
          {"site", REF, NULL, 0},
          {"parent", REF, NULL, 0},
          {"status", CHOICE, NULL, 0},
          {"tenant", REF, NULL, 0},
          {"facility", TEXT, NULL, 0},
          RECORD}},
    [SYNC_RACK] =
        {"dcim/racks/",
         "fields=id,name,site,location,tenant,status,facility_id,serial,asset_tag,u_height,description,"
         "comments,custom_fields,tags,last_updated",
         {{"name", RACK, NULL, 0},
          {"name", PLAIN, NULL, 100},
          {"site", REF, NULL, 0},
          {"location", REF, NULL, 0},
          {"tenant", REF, NULL, 0},
          {"status", CHOICE, NULL, 0},
          {"facility_id", TEXT, NULL, 0},
          {"serial", TEXT, NULL, 0},
          {"asset_tag", TAG, NULL, 63},
          {"u_height", NUMBER, NULL, 0},
          RECORD}},
    [SYNC_MANUFACTURER] = {"dcim/manufacturers/",
                           "fields=id,name,slug,description,comments,custom_fields,tags,last_updated",
                           {{"slug", SLUG, NULL, 63}, {"name", PLAIN, NULL, 100}, RECORD}},
    [SYNC_DEVICE_TYPE] =
        {"dcim/device-types/",
         "fields=id,manufacturer,model,slug,part_number,u_height,is_full_depth,description,comments,"
         "custom_fields,tags,last_updated",
         {{"slug", SLUG, NULL, 100},
          {"model", PLAIN, NULL, 100},
          {"manufacturer", REF, NULL, 0},
          {"part_number", TEXT, NULL, 0},
          {"u_height", REAL, NULL, 0},
          {"is_full_depth", YES, NULL, 0},
          RECORD}},
    [SYNC_ROLE] = {"dcim/device-roles/",
                   "fields=id,name,slug,color,vm_role,description,comments,custom_fields,tags,last_updated",
                   {{"slug", SLUG, NULL, 63},
                    {"name", PLAIN, NULL, 100},
                    {"color", TEXT, NULL, 0},
                    {"vm_role", YES, NULL, 0},
                    RECORD}},
    [SYNC_PLATFORM] =
        {"dcim/platforms/",
         "fields=id,name,slug,manufacturer,description,comments,custom_fields,tags,last_updated",
         {{"slug", SLUG, NULL, 63}, {"name", PLAIN, NULL, 100}, {"manufacturer", REF, NULL, 0}, RECORD}},
    [SYNC_TAG] = {"extras/tags/",
                  "fields=id,name,slug,color,description,last_updated",
                  {{"slug", SLUG, NULL, 100}, {"name", PLAIN, NULL, 100}, {"color", TEXT, NULL, 0}, RECORD}},
    [SYNC_CUSTOM_FIELD] =
        {"extras/custom-fields/",
         "fields=id,name,label,type,object_types,content_types,required,default,weight,description,"
         "last_updated",
         {{"name", PLAIN, NULL, 63},
          {"label", TEXT, NULL, 0},
          {"type", CHOICE, NULL, 0},
          {"object_types", TYPES, "content_types", 0},
          {"required", YES, NULL, 0},
          {"default", JSON, NULL, 0},
          {"weight", NUMBER, NULL, 0},
          RECORD}},
    [SYNC_PREFIX] =
        {"ipam/prefixes/",
         "fields=id,prefix,vrf,scope_type,scope_id,site,tenant,status,is_pool,mark_utilized,description,"
         "comments,custom_fields,tags,last_updated",
         {{"prefix", NETWORK, NULL, 0},
          {"custom_fields", ROUTER, NULL, 0},
          {"scope_id", SCOPE, NULL, 0},
          {"scope_id", PLACE, NULL, 0},
          {"tenant", REF, NULL, 0},
          {"status", CHOICE, NULL, 0},
          {"is_pool", YES, NULL, 0},
          {"mark_utilized", YES, NULL, 0},
          RECORD}},
    [SYNC_DEVICE] =
        {"dcim/devices/",
         "fields=id,name,device_type,role,device_role,tenant,platform,serial,asset_tag,site,location,rack,"
         "position,face,status,primary_ip4,primary_ip6,oob_ip,description,comments,config_context,"
         "local_context_data,custom_fields,tags,last_updated",
         {{"name", HOST, NULL, 0},
          {"device_type", REF, NULL, 0},
          {"role", REF, "device_role", 0},
          {"tenant", REF, NULL, 0},
          {"platform", REF, NULL, 0},
          {"serial", TEXT, NULL, 63},
          {"asset_tag", TAG, NULL, 63},
          {"site", REF, NULL, 0},
          {"location", REF, NULL, 0},
          {"rack", REF, NULL, 0},
          {"position", REAL, NULL, 0},
          {"face", CHOICE, NULL, 0},
          {"status", CHOICE, NULL, 15},
          {"primary_ip4", REF, NULL, 0},
          {"primary_ip6", REF, NULL, 0},
          {"oob_ip", REF, NULL, 0},
          {"config_context", CONTEXT, NULL, 0},
          {"local_context_data", JSON, NULL, 0},
          {"custom_fields", IMAGE, NULL, 0},
          {"last_updated", TEXT, NULL, 0},
          RECORD}},
    [SYNC_INTERFACE] =
        {"dcim/interfaces/",
         "fields=id,device,name,label,type,enabled,mgmt_only,mtu,speed,mac_address,primary_mac_address,"
         "description,custom_fields,tags,last_updated",
         {{"device", REF, NULL, 0},
          {"name", PLAIN, NULL, 63},
          {"label", TEXT, NULL, 0},
          {"type", CHOICE, NULL, 0},
          {"enabled", YES, NULL, 0},
          {"mgmt_only", YES, NULL, 0},
          {"mtu", NUMBER, NULL, 0},
          {"speed", NUMBER, NULL, 0},
          {"primary_mac_address", REF, NULL, 0},
          RECORD}},
    [SYNC_MAC] =
        {"dcim/mac-addresses/",
         "fields=id,mac_address,assigned_object_type,assigned_object_id,assigned_object,description,comments,"
         "custom_fields,tags,last_updated",
         {{"mac_address", MACA, NULL, 0},
          {"assigned_object_id", HOME, NULL, 0},
          {"id", NUMBER, NULL, 0},
          RECORD}},
    [SYNC_IP] =
        {"ipam/ip-addresses/",
         "fields=id,address,vrf,assigned_object_type,assigned_object_id,assigned_object,status,role,dns_name,"
         "tenant,description,comments,custom_fields,tags,last_updated",
         {{"address", ADDRESS, NULL, 0},
          {"assigned_object_id", HOME, NULL, 0},
          {"status", CHOICE, NULL, 0},
          {"role", CHOICE, NULL, 0},
          {"dns_name", TEXT, NULL, 0},
          {"tenant", REF, NULL, 0},
          RECORD}},
};

const char *map_path(enum sync_kind kind)
{
    return kinds[kind].path;
}

const char *map_fields(enum sync_kind kind)
{
    return kinds[kind].fields;
}

void mapped_free(struct mapped *m)
{
    for (size_t i = 0; i < m->owned_n; i++) {
        free(m->owned[i]);
    }
    m->owned_n = 0;
}

/* ---- one value */

struct place {
    const struct netbox_config *config;
    enum sync_kind kind;
    const struct column *column;
    const json_t *object;
    struct mapped *to;
};

static int wrong(const struct place *at, const char *is_not, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "/api/%s%lld/: `%s` is not %s", kinds[at->kind].path,
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

static void put_null(const struct place *at)
{
    *value_next(at) = (struct sync_value){.type = SYNC_NULL};
}

static void put_int(const struct place *at, int64_t i)
{
    *value_next(at) = (struct sync_value){.type = SYNC_INT, .i = i};
}

static void put_text(const struct place *at, const char *s)
{
    *value_next(at) = (struct sync_value){.type = SYNC_TEXT, .p = s, .n = strlen(s)};
}

static void put_owned(const struct place *at, char *s)
{
    at->to->owned[at->to->owned_n++] = s;
    put_text(at, s);
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
        return wrong(at, "a text", e);
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
    put_text(at, s);
}

static int put_plain(const struct place *at, const json_t *v, struct err *e)
{
    const char *s;
    if (text_of(at, v, &s, e) < 0) {
        return -1;
    }
    if (at->column->shape == TAG && (!s || !*s)) {
        put_null(at);
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
    put_text(at, s && !at->to->row.unusable ? s : "");
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
        put_null(at);
        return 0;
    }
    const json_t *id = json_is_object(v) ? json_object_get(v, "id") : v;
    if (!json_is_integer(id) || json_integer_value(id) <= 0) {
        return wrong(at, "an object with an id", e);
    }
    put_int(at, json_integer_value(id));
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
        return wrong(at, "true or false", e);
    }
    /* Not there: NetBox's own defaults. */
    put_int(at, v && !json_is_null(v)
                    ? json_is_true(v)
                    : strcmp(at->column->key, "mgmt_only") != 0 && strcmp(at->column->key, "required") != 0 &&
                          at->kind != SYNC_PREFIX);
    return 0;
}

static int put_number(const struct place *at, const json_t *v, struct err *e)
{
    char text[40];
    if (!v || json_is_null(v)) {
        put_null(at);
        return 0;
    }
    if (!json_is_number(v)) {
        return wrong(at, "a number", e);
    }
    if (json_is_integer(v) || at->column->shape == NUMBER) {
        double d = json_number_value(v);
        put_int(at, json_is_integer(v) ? json_integer_value(v) : d > -1e15 && d < 1e15 ? (int64_t)d : 0);
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
        put_text(at, empty);
        return 0;
    }
    if (is_deeper(v, DEPTH_MAX)) {
        fault(at, "too-deep", false, "its %s has more than %d levels: it was left out", at->column->key,
              DEPTH_MAX);
        put_text(at, empty);
        return 0;
    }
    char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (!text || strlen(text) > max) {
        fault(at, "too-long", false, "its %s is longer than %zu bytes: it was left out", at->column->key,
              max);
        free(text);
        put_text(at, empty);
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
    put_text(at, s ? s : "");
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
        put_text(at, "{}");
        return 0;
    }
    if (!json_is_object(v)) {
        return wrong(at, "an object", e);
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
        return wrong(at, "a list", e);
    }
    json_array_foreach((json_t *)v, i, o)
    {
        if (!json_is_string(o)) {
            return wrong(at, "a list of texts", e);
        }
    }
    return put_json(at, v, CONTEXT_MAX, "[]", e);
}

static int put_mac(const struct place *at, const json_t *v, struct err *e)
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
    put_int(at, (int64_t)mac_to_u64(m));
    return 0;
}

static const char *assigned_type(const json_t *o)
{
    const json_t *v = json_object_get(o, "assigned_object_type");
    return json_is_string(v) ? json_string_value(v) : "";
}

static int put_home(const struct place *at, const json_t *v, struct err *e)
{
    if (v && !json_is_null(v) && !json_is_integer(v)) {
        return wrong(at, "a number", e);
    }
    if (!json_is_integer(v) || strcmp(assigned_type(at->object), "dcim.interface") != 0) {
        put_null(at);
    } else {
        put_int(at, json_integer_value(v));
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
        put_int(at, ip4_of(b));
    }
}

static int put_address(const struct place *at, const json_t *v, struct err *e)
{
    bool v6;
    unsigned len;
    if (!json_is_string(v) || parse_network(json_string_value(v), at->to->bytes[0], &v6, &len) < 0) {
        return wrong(at, "an address with its length", e);
    }
    put_address_bytes(at, v6, at->to->bytes[0]);
    put_int(at, len);
    return 0;
}

static int put_network(const struct place *at, const json_t *v, struct err *e)
{
    bool v6;
    unsigned len;
    uint8_t *first = at->to->bytes[0], *last = at->to->bytes[1];
    if (!json_is_string(v) || parse_network(json_string_value(v), first, &v6, &len) < 0) {
        return wrong(at, "a prefix", e);
    }
    for (unsigned i = 0; i < (v6 ? 16u : 4u); i++) {
        unsigned ones = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;
        uint8_t mask = (uint8_t)(0xff00u >> ones);
        first[i] &= mask;
        last[i] = (uint8_t)(first[i] | (uint8_t)~mask);
    }
    put_address_bytes(at, v6, first);
    put_address_bytes(at, v6, last);
    put_int(at, len);
    return 0;
}

/* "10.0.0.1" or "10.0.0.1/24"; of a field that refers to an IP address, {"address": ...}. 0: none. */
static int64_t gateway_of(const json_t *v)
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

static bool is_set(const json_t *v)
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
        put_null(at);
        return 0;
    }
    const json_t *field = json_object_get(fields, g->name);
    int64_t router = g->by == NETBOX_GATEWAY_FIRST ? v[0].i + (v[2].i < 31) : gateway_of(field);
    if (g->by == NETBOX_GATEWAY_FIELD && is_set(field) && (router < v[0].i || router > v[1].i)) {
        fault(at, "gateway", false, "its custom field %s names no address in it", g->name);
        router = 0;
    }
    if (router) {
        put_int(at, router);
    } else {
        put_null(at);
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
    put_null(at);
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
        put_null(at);
    }
    return 0;
}

static int put_context(const struct place *at, const json_t *v, struct err *e)
{
    if (v && !json_is_null(v) && !json_is_object(v)) {
        return wrong(at, "an object", e);
    }
    return put_json(at, v, CONTEXT_MAX, "{}", e);
}

static int put_value(const struct place *at, const json_t *v, struct err *e)
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
        return put_mac(at, v, e);
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

/* ---- one object */

static int tags_read(const struct place *at, struct err *e)
{
    const json_t *list = json_object_get(at->object, "tags");
    size_t i;
    json_t *o;
    if (list && !json_is_array(list) && !json_is_null(list)) {
        return wrong(
            &(struct place){.kind = at->kind, .to = at->to, .column = &(struct column){.key = "tags"}},
            "a list", e);
    }
    json_array_foreach((json_t *)list, i, o)
    {
        const json_t *id = json_object_get(o, "id");
        if (at->to->row.tags_n < SYNC_TAGS && json_is_integer(id)) {
            at->to->row.tags[at->to->row.tags_n++] = json_integer_value(id);
        }
    }
    return 0;
}

/* Only the global table is followed; an address of a virtual machine is its cluster's. */
static bool passed_over(enum sync_kind kind, const json_t *o)
{
    const char *type = assigned_type(o);
    return ((kind == SYNC_PREFIX || kind == SYNC_IP) && json_is_object(json_object_get(o, "vrf"))) ||
           (kind == SYNC_MAC && strcmp(type, "dcim.interface") != 0) ||
           (kind == SYNC_IP && str_starts(type, "virtualization."));
}

int map_object(const struct netbox_config *c, enum sync_kind kind, const json_t *o, struct mapped *ret,
               struct err *e)
{
    const json_t *id = json_object_get(o, "id");
    memset(ret, 0, sizeof *ret);
    if (!json_is_integer(id) || json_integer_value(id) <= 0) {
        return err_set(e, ERR_CORRUPT, "/api/%s: an object has no number as its `id`", kinds[kind].path);
    }
    if (passed_over(kind, o)) {
        return 1;
    }
    ret->row.kind = kind;
    ret->row.id = json_integer_value(id);
    struct place at = {.config = c, .kind = kind, .object = o, .to = ret};
    for (at.column = kinds[kind].columns; at.column->shape != NONE; at.column++) {
        const json_t *v = json_object_get(o, at.column->key);
        if (!v && at.column->older) {
            v = json_object_get(o, at.column->older);
        }
        if (put_value(&at, v, e) < 0) {
            return -1;
        }
    }
    return tags_read(&at, e);
}

/* The interface's number is the MAC address's too: there are no others then. */
int map_interface_mac(const json_t *interface, struct mapped *ret, struct err *e)
{
    static const struct column column = {"mac_address", MACA, NULL, 0};
    const json_t *v = json_object_get(interface, "mac_address");
    memset(ret, 0, sizeof *ret);
    if (!is_set(v)) {
        return 1;
    }
    ret->row.kind = SYNC_MAC;
    ret->row.id = json_integer_value(json_object_get(interface, "id"));
    struct place at = {.kind = SYNC_INTERFACE, .column = &column, .object = interface, .to = ret};
    if (put_mac(&at, v, e) < 0) {
        return -1;
    }
    put_int(&at, ret->row.id);
    put_null(&at);
    put_text(&at, "");
    put_text(&at, "");
    put_text(&at, "{}");
    return 0;
}

static int64_t nested_id(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(o, key), "id"));
}

int64_t map_device(enum sync_kind kind, const json_t *o)
{
    switch (kind) {
    case SYNC_DEVICE:
        return json_integer_value(json_object_get(o, "id"));
    case SYNC_INTERFACE:
        return nested_id(o, "device");
    default:
        return strcmp(assigned_type(o), "dcim.interface") == 0
                   ? nested_id(json_object_get(o, "assigned_object"), "device")
                   : 0;
    }
}

/* ---- image and gateway */

static bool has_slug(const json_t *o, const char *key, const char *older, const char *slug)
{
    const json_t *v = json_object_get(o, key);
    const json_t *s = json_object_get(v || !older ? v : json_object_get(o, older), "slug");
    return json_is_string(s) && strcmp(json_string_value(s), slug) == 0;
}

/* The value of the field: a text, or of a choice or a reference what it is called. */
static const char *field_text(const json_t *device, const char *name)
{
    const json_t *v = json_object_get(json_object_get(device, "custom_fields"), name);
    if (json_is_object(v)) {
        const json_t *inner = json_object_get(v, "value");
        v = inner ? inner : json_object_get(v, "name");
    }
    return json_is_string(v) ? json_string_value(v) : "";
}

void map_image(const struct netbox_config *c, const json_t *device, char *buf, size_t size)
{
    *buf = '\0';
    for (size_t i = 0; i < c->image_n && !*buf; i++) {
        const struct netbox_image_rule *r = &c->image[i];
        const char *image =
            r->by == NETBOX_IMAGE_FIELD ? field_text(device, r->name)
            : r->by == NETBOX_IMAGE_PLATFORM && has_slug(device, "platform", NULL, r->name)  ? r->image
            : r->by == NETBOX_IMAGE_ROLE && has_slug(device, "role", "device_role", r->name) ? r->image
                                                                                             : "";
        str_copy(buf, size, image);
    }
}

bool map_is_gateway(const struct netbox_config *c, const json_t *address)
{
    const json_t *tags = json_object_get(address, "tags"), *o, *role = json_object_get(address, "role");
    size_t i;
    if (c->gateway.by == NETBOX_GATEWAY_ROLE) {
        role = json_is_object(role) ? json_object_get(role, "value") : role;
        return json_is_string(role) && strcmp(json_string_value(role), c->gateway.name) == 0;
    }
    json_array_foreach((json_t *)tags, i, o)
    {
        const json_t *slug = json_object_get(o, "slug");
        if (c->gateway.by == NETBOX_GATEWAY_TAG && json_is_string(slug) &&
            strcmp(json_string_value(slug), c->gateway.name) == 0) {
            return true;
        }
    }
    return false;
}

int64_t map_context_gateway(const struct netbox_config *c, const json_t *device)
{
    if (c->gateway.by != NETBOX_GATEWAY_CONTEXT) {
        return 0;
    }
    return gateway_of(json_object_get(json_object_get(device, "config_context"), c->gateway.name));
}

/* ---- time */

void map_stamp(int64_t seconds, char buf[32])
{
    struct tm tm;
    time_t t = (time_t)seconds;
    gmtime_r(&t, &tm);
    strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

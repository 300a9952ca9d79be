#include "netbox/map.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "netbox/map_value.h"

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

/* ---- one object */

static int tags_read(const struct place *at, struct err *e)
{
    const json_t *list = json_object_get(at->object, "tags");
    size_t i;
    json_t *o;
    if (list && !json_is_array(list) && !json_is_null(list)) {
        return value_wrong(
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
    const char *type = value_assigned_type(o);
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
        if (value_put(&at, v, e) < 0) {
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
    if (!value_is_set(v)) {
        return 1;
    }
    ret->row.kind = SYNC_MAC;
    ret->row.id = json_integer_value(json_object_get(interface, "id"));
    struct place at = {.kind = SYNC_INTERFACE, .column = &column, .object = interface, .to = ret};
    if (value_put_mac(&at, v, e) < 0) {
        return -1;
    }
    value_put_int(&at, ret->row.id);
    value_put_null(&at);
    value_put_text(&at, "");
    value_put_text(&at, "");
    value_put_text(&at, "{}");
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
        return strcmp(value_assigned_type(o), "dcim.interface") == 0
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
    return value_gateway(json_object_get(json_object_get(device, "config_context"), c->gateway.name));
}

/* ---- time */

void map_stamp(int64_t seconds, char buf[32])
{
    struct tm tm;
    time_t t = (time_t)seconds;
    gmtime_r(&t, &tm);
    strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* keep_keys: the keys of the inventory file, a row each. */
#include <assert.h>
#include <string.h>

#include "inventory/keep.h"

#define WORDS(...)                                                                                           \
    (const char *const[])                                                                                    \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }
#define TEXT(name, most)                                                                                     \
    {                                                                                                        \
        .key = name, .type = KEY_TEXT, .missing = "", .max = most                                            \
    }
#define WORD(name, first, ...)                                                                               \
    {                                                                                                        \
        .key = name, .type = KEY_WORD, .missing = first, .words = WORDS(__VA_ARGS__)                         \
    }
#define BOOL(name, first)                                                                                    \
    {                                                                                                        \
        .key = name, .type = KEY_BOOL, .missing = first                                                      \
    }
#define INT(name, first, most)                                                                               \
    {                                                                                                        \
        .key = name, .type = KEY_INT, .missing = first, .max = most                                          \
    }
#define REF(name, model)                                                                                     \
    {                                                                                                        \
        .key = name, .type = KEY_REF, .to = model, .missing = ""                                             \
    }
/* The keys that files had before there were others: what they do not say is none. */
#define OLD_REF(name, model)                                                                                 \
    {                                                                                                        \
        .key = name, .type = KEY_REF, .to = model, .missing = "", .resets = true                             \
    }
#define OLD_TEXT(name)                                                                                       \
    {                                                                                                        \
        .key = name, .type = KEY_TEXT, .missing = "", .resets = true, .max = NAME_SIZE - 1                   \
    }
#define SLUG                                                                                                 \
    {                                                                                                        \
        .key = "slug", .type = KEY_SLUG                                                                      \
    }
#define NAME                                                                                                 \
    {                                                                                                        \
        .key = "name", .type = KEY_NAME, .max = 100                                                          \
    }
#define COLOR                                                                                                \
    {                                                                                                        \
        .key = "color", .type = KEY_COLOR, .missing = "9e9e9e"                                               \
    }
#define OPTIONS                                                                                              \
    {                                                                                                        \
        .key = "dhcp_options", .type = KEY_OPTIONS, .missing = "", .resets = true                            \
    }
#define DESCRIPTION TEXT("description", 200)
#define COMMENTS                                                                                             \
    {                                                                                                        \
        .key = "comments", .type = KEY_LINES, .missing = ""                                                  \
    }
#define FIELDS                                                                                               \
    {                                                                                                        \
        .key = "custom_fields", .type = KEY_FIELDS, .missing = "{}"                                          \
    }
#define TAGS                                                                                                 \
    {                                                                                                        \
        .key = "tags", .type = KEY_TAGS, .missing = ""                                                       \
    }
#define RECORD DESCRIPTION, COMMENTS, FIELDS, TAGS

static const struct keep_key tag_keys[] = {SLUG, NAME, COLOR, INT("weight", "1000", 32767), DESCRIPTION};

static const struct keep_key field_keys[] = {
    {.key = "name", .type = KEY_SLUG},
    TEXT("label", 50),
    WORD("type", "text", "text", "longtext", "integer", "decimal", "boolean", "date", "datetime", "url",
         "json", "select", "multiselect", "object", "multiobject"),
    {.key = "object_types", .type = KEY_LIST, .missing = "[]"},
    BOOL("required", "0"),
    {.key = "default", .type = KEY_JSON, .missing = "null"},
    {.key = "choices", .type = KEY_LIST, .missing = "[]"},
    INT("weight", "100", 32767),
    DESCRIPTION,
};

static const struct keep_key tenant_keys[] = {SLUG, NAME, RECORD};

static const struct keep_key site_keys[] = {
    SLUG,
    NAME,
    WORD("status", "active", "planned", "staging", "active", "decommissioning", "retired"),
    REF("tenant", MODEL_TENANT),
    TEXT("facility", 50),
    TEXT("time_zone", 63),
    {.key = "physical_address", .type = KEY_LINES, .missing = ""},
    {.key = "shipping_address", .type = KEY_LINES, .missing = ""},
    OPTIONS,
    RECORD,
};

static const struct keep_key location_keys[] = {
    REF("site", MODEL_SITE),
    SLUG,
    NAME,
    REF("parent", MODEL_LOCATION),
    WORD("status", "active", "planned", "staging", "active", "decommissioning", "retired"),
    REF("tenant", MODEL_TENANT),
    TEXT("facility", 50),
    RECORD,
};

static const struct keep_key manufacturer_keys[] = {SLUG, NAME, RECORD};

static const struct keep_key device_type_keys[] = {
    REF("manufacturer", MODEL_MANUFACTURER),
    {.key = "model", .type = KEY_TEXT, .max = 100},
    {.key = "slug", .type = KEY_SLUG},
    TEXT("part_number", 50),
    {.key = "u_height", .type = KEY_REAL, .missing = "1", .max = 999},
    BOOL("is_full_depth", "1"),
    RECORD,
};

static const struct keep_key rack_keys[] = {
    REF("site", MODEL_SITE),
    {.key = "slug", .type = KEY_TEXT, .max = 100}, /* free text: racks had it before NetBox's words came */
    NAME,
    REF("location", MODEL_LOCATION),
    REF("tenant", MODEL_TENANT),
    WORD("status", "active", "reserved", "available", "planned", "active", "deprecated"),
    TEXT("facility_id", 50),
    TEXT("serial", 50),
    {.key = "asset_tag", .type = KEY_TEXT, .missing = "", .null = true, .max = 50},
    INT("u_height", "42", 100),
    RECORD,
};

static const struct keep_key role_keys[] = {SLUG, NAME, COLOR, BOOL("vm_role", "1"), OPTIONS, RECORD};

static const struct keep_key platform_keys[] = {SLUG, NAME, REF("manufacturer", MODEL_MANUFACTURER), RECORD};

static const struct keep_key prefix_keys[] = {
    {.key = "prefix", .type = KEY_PREFIX},
    {.key = "router", .type = KEY_IP4, .missing = "", .null = true},
    REF("site", MODEL_SITE),
    REF("location", MODEL_LOCATION),
    REF("tenant", MODEL_TENANT),
    WORD("status", "active", "container", "active", "reserved", "deprecated"),
    BOOL("is_pool", "0"),
    BOOL("mark_utilized", "0"),
    RECORD,
};

static const struct keep_key address_keys[] = {
    {.key = "address", .type = KEY_ADDRESS},
    WORD("status", "active", "active", "reserved", "deprecated", "dhcp", "slaac"),
    WORD("role", "", "", "loopback", "secondary", "anycast", "vip", "vrrp", "hsrp", "glbp", "carp"),
    TEXT("dns_name", 255),
    REF("tenant", MODEL_TENANT),
    RECORD,
};

static const struct keep_key device_keys[] = {
    {.key = "name", .type = KEY_HOST},
    WORD("status", "planned", "offline", "active", "planned", "staged", "failed", "inventory",
         "decommissioning"),
    OLD_REF("site", MODEL_SITE),
    REF("location", MODEL_LOCATION),
    OLD_REF("rack", MODEL_RACK),
    {.key = "position", .type = KEY_REAL, .missing = "", .null = true, .max = 100},
    WORD("face", "", "", "front", "rear"),
    OLD_REF("tenant", MODEL_TENANT),
    OLD_REF("role", MODEL_ROLE),
    OLD_REF("platform", MODEL_PLATFORM),
    REF("manufacturer", MODEL_MANUFACTURER),
    {.key = "model", .type = KEY_TYPE, .missing = "", .resets = true, .max = 100},
    OLD_TEXT("serial"),
    {.key = "asset_tag", .type = KEY_TEXT, .missing = "", .null = true, .max = 50},
    {.key = "disk", .type = KEY_DISK, .missing = "", .resets = true, .max = DISK_SELECTOR_MAX - 1},
    OPTIONS,
    {.key = "config_context", .type = KEY_JSON, .missing = ""},
    RECORD,
};

static const struct keep_key interface_keys[] = {
    {.key = "name", .type = KEY_TEXT, .max = NAME_SIZE - 1},
    TEXT("label", 64),
    {.key = "type", .type = KEY_TEXT, .missing = "other", .max = 50},
    BOOL("enabled", "1"),
    BOOL("mgmt_only", "0"),
    {.key = "mtu", .type = KEY_INT, .missing = "", .null = true, .max = 65536},
    {.key = "speed", .type = KEY_INT, .missing = "", .null = true, .max = INT32_MAX},
    RECORD,
};

static const struct keep_key mac_keys[] = {{.key = "mac", .type = KEY_MAC}, RECORD};

#define KIND(list_name, one, identity_n, list_keys)                                                          \
    {                                                                                                        \
        .list = list_name, .noun = one, .identity = identity_n, .n = sizeof list_keys / sizeof *list_keys,   \
        .keys = list_keys                                                                                    \
    }
static const struct keep_kind kinds[MODEL_COUNT] = {
    [MODEL_TAG] = KIND("tags", "tag", 1, tag_keys),
    [MODEL_CUSTOM_FIELD] = KIND("custom_fields", "custom field", 1, field_keys),
    [MODEL_TENANT] = KIND("tenants", "tenant", 1, tenant_keys),
    [MODEL_SITE] = KIND("sites", "site", 1, site_keys),
    [MODEL_LOCATION] = KIND("locations", "location", 2, location_keys),
    [MODEL_MANUFACTURER] = KIND("manufacturers", "manufacturer", 1, manufacturer_keys),
    [MODEL_DEVICE_TYPE] = KIND("device_types", "device type", 2, device_type_keys),
    [MODEL_RACK] = KIND("racks", "rack", 2, rack_keys),
    [MODEL_ROLE] = KIND("roles", "role", 1, role_keys),
    [MODEL_PLATFORM] = KIND("platforms", "platform", 1, platform_keys),
    [MODEL_PREFIX] = KIND("prefixes", "prefix", 1, prefix_keys),
    [MODEL_IP] = KIND("ip_addresses", "IP address", 1, address_keys),
    [MODEL_DEVICE] = KIND("devices", "device", 1, device_keys),
    [MODEL_INTERFACE] = KIND("interfaces", "interface", 1, interface_keys),
    [MODEL_MAC] = KIND("macs", "MAC address", 1, mac_keys),
};

const enum model_id keep_order[] = {MODEL_TAG,      MODEL_CUSTOM_FIELD, MODEL_TENANT,      MODEL_SITE,
                                    MODEL_LOCATION, MODEL_MANUFACTURER, MODEL_DEVICE_TYPE, MODEL_RACK,
                                    MODEL_ROLE,     MODEL_PLATFORM,     MODEL_PREFIX,      MODEL_IP,
                                    MODEL_NONE};

const struct keep_kind *keep_kind(enum model_id m)
{
    return kinds[m].keys ? &kinds[m] : NULL;
}

size_t keep_at(enum model_id m, const char *key)
{
    size_t i = 0;
    while (strcmp(kinds[m].keys[i].key, key) != 0) {
        i++;
        assert(i < kinds[m].n);
    }
    return i;
}

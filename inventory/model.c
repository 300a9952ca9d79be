/* model: the tables. NetBox's keys in NetBox's order; where a row has no column, NetBox has something that we
 * do not keep, and shows what stands here when there is none. */
#include "inventory/model.h"

#include <assert.h>
#include <string.h>

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- choices */

static const struct choice site_status[] = {{"planned", "Planned"}, {"staging", "Staging"},
                                            {"active", "Active"},   {"decommissioning", "Decommissioning"},
                                            {"retired", "Retired"}, {NULL, NULL}};
static const struct choice rack_status[] = {{"reserved", "Reserved"},     {"available", "Available"},
                                            {"planned", "Planned"},       {"active", "Active"},
                                            {"deprecated", "Deprecated"}, {NULL, NULL}};
static const struct choice device_status[] = {{"offline", "Offline"},
                                              {"active", "Active"},
                                              {"planned", "Planned"},
                                              {"staged", "Staged"},
                                              {"failed", "Failed"},
                                              {"inventory", "Inventory"},
                                              {"decommissioning", "Decommissioning"},
                                              {NULL, NULL}};
static const struct choice device_face[] = {{"front", "Front"}, {"rear", "Rear"}, {NULL, NULL}};
static const struct choice prefix_status[] = {{"container", "Container"},
                                              {"active", "Active"},
                                              {"reserved", "Reserved"},
                                              {"deprecated", "Deprecated"},
                                              {NULL, NULL}};
static const struct choice ip_status[] = {{"active", "Active"},         {"reserved", "Reserved"},
                                          {"deprecated", "Deprecated"}, {"dhcp", "DHCP"},
                                          {"slaac", "SLAAC"},           {NULL, NULL}};
static const struct choice ip_role[] = {
    {"loopback", "Loopback"}, {"secondary", "Secondary"}, {"anycast", "Anycast"},
    {"vip", "VIP"},           {"vrrp", "VRRP"},           {"hsrp", "HSRP"},
    {"glbp", "GLBP"},         {"carp", "CARP"},           {NULL, NULL}};
static const struct choice note_kind[] = {
    {"info", "Info"}, {"success", "Success"}, {"warning", "Warning"}, {"danger", "Danger"}, {NULL, NULL}};
static const struct choice custom_type[] = {{"text", "Text"},
                                            {"longtext", "Text (long)"},
                                            {"integer", "Integer"},
                                            {"decimal", "Decimal"},
                                            {"boolean", "Boolean (true/false)"},
                                            {"date", "Date"},
                                            {"datetime", "Date & time"},
                                            {"url", "URL"},
                                            {"json", "JSON"},
                                            {"select", "Selection"},
                                            {"multiselect", "Multiple selection"},
                                            {"object", "Object"},
                                            {"multiobject", "Multiple objects"},
                                            {NULL, NULL}};
/* Those of NetBox that a machine's interfaces are of. */
static const struct choice interface_type[] = {{"virtual", "Virtual"},
                                               {"bridge", "Bridge"},
                                               {"lag", "Link Aggregation Group (LAG)"},
                                               {"100base-fx", "100BASE-FX (10/100ME FIBER)"},
                                               {"100base-tx", "100BASE-TX (10/100ME)"},
                                               {"1000base-t", "1000BASE-T (1GE)"},
                                               {"1000base-kx", "1000BASE-KX (1GE)"},
                                               {"1000base-sx", "1000BASE-SX (1GE)"},
                                               {"1000base-lx", "1000BASE-LX (1GE)"},
                                               {"1000base-x-gbic", "GBIC (1GE)"},
                                               {"1000base-x-sfp", "SFP (1GE)"},
                                               {"2.5gbase-t", "2.5GBASE-T (2.5GE)"},
                                               {"5gbase-t", "5GBASE-T (5GE)"},
                                               {"10gbase-t", "10GBASE-T (10GE)"},
                                               {"10gbase-cx4", "10GBASE-CX4 (10GE)"},
                                               {"10gbase-kr", "10GBASE-KR (10GE)"},
                                               {"10gbase-kx4", "10GBASE-KX4 (10GE)"},
                                               {"10gbase-sr", "10GBASE-SR (10GE)"},
                                               {"10gbase-lr", "10GBASE-LR (10GE)"},
                                               {"10gbase-x-sfpp", "SFP+ (10GE)"},
                                               {"10gbase-x-xfp", "XFP (10GE)"},
                                               {"10gbase-x-xenpak", "XENPAK (10GE)"},
                                               {"10gbase-x-x2", "X2 (10GE)"},
                                               {"25gbase-t", "25GBASE-T (25GE)"},
                                               {"25gbase-cr", "25GBASE-CR (25GE)"},
                                               {"25gbase-kr", "25GBASE-KR (25GE)"},
                                               {"25gbase-sr", "25GBASE-SR (25GE)"},
                                               {"25gbase-lr", "25GBASE-LR (25GE)"},
                                               {"25gbase-x-sfp28", "SFP28 (25GE)"},
                                               {"40gbase-cr4", "40GBASE-CR4 (40GE)"},
                                               {"40gbase-kr4", "40GBASE-KR4 (40GE)"},
                                               {"40gbase-sr4", "40GBASE-SR4 (40GE)"},
                                               {"40gbase-lr4", "40GBASE-LR4 (40GE)"},
                                               {"40gbase-x-qsfpp", "QSFP+ (40GE)"},
                                               {"50gbase-cr", "50GBASE-CR (50GE)"},
                                               {"50gbase-kr", "50GBASE-KR (50GE)"},
                                               {"50gbase-sr", "50GBASE-SR (50GE)"},
                                               {"50gbase-lr", "50GBASE-LR (50GE)"},
                                               {"50gbase-x-sfp28", "SFP28 (50GE)"},
                                               {"50gbase-x-sfp56", "SFP56 (50GE)"},
                                               {"100gbase-cr4", "100GBASE-CR4 (100GE)"},
                                               {"100gbase-kr4", "100GBASE-KR4 (100GE)"},
                                               {"100gbase-sr4", "100GBASE-SR4 (100GE)"},
                                               {"100gbase-lr4", "100GBASE-LR4 (100GE)"},
                                               {"100gbase-dr", "100GBASE-DR (100GE)"},
                                               {"100gbase-x-cfp", "CFP (100GE)"},
                                               {"100gbase-x-cfp2", "CFP2 (100GE)"},
                                               {"100gbase-x-cfp4", "CFP4 (100GE)"},
                                               {"100gbase-x-cxp", "CXP (100GE)"},
                                               {"100gbase-x-dsfp", "DSFP (100GE)"},
                                               {"100gbase-x-sfpdd", "SFP-DD (100GE)"},
                                               {"100gbase-x-qsfp28", "QSFP28 (100GE)"},
                                               {"100gbase-x-qsfpdd", "QSFP-DD (100GE)"},
                                               {"200gbase-x-cfp2", "CFP2 (200GE)"},
                                               {"200gbase-x-qsfp56", "QSFP56 (200GE)"},
                                               {"200gbase-x-qsfpdd", "QSFP-DD (200GE)"},
                                               {"400gbase-x-qsfp112", "QSFP112 (400GE)"},
                                               {"400gbase-x-qsfpdd", "QSFP-DD (400GE)"},
                                               {"400gbase-x-osfp", "OSFP (400GE)"},
                                               {"400gbase-x-cdfp", "CDFP (400GE)"},
                                               {"800gbase-x-qsfpdd", "QSFP-DD (800GE)"},
                                               {"800gbase-x-osfp", "OSFP (800GE)"},
                                               {"ieee802.11a", "IEEE 802.11a"},
                                               {"ieee802.11g", "IEEE 802.11b/g"},
                                               {"ieee802.11n", "IEEE 802.11n (Wi-Fi 4)"},
                                               {"ieee802.11ac", "IEEE 802.11ac (Wi-Fi 5)"},
                                               {"ieee802.11ax", "IEEE 802.11ax (Wi-Fi 6)"},
                                               {"ieee802.15.1", "IEEE 802.15.1 (Bluetooth)"},
                                               {"other-wireless", "Other (Wireless)"},
                                               {"infiniband-sdr", "SDR (2 Gbps)"},
                                               {"infiniband-ddr", "DDR (4 Gbps)"},
                                               {"infiniband-qdr", "QDR (8 Gbps)"},
                                               {"infiniband-fdr10", "FDR10 (10 Gbps)"},
                                               {"infiniband-fdr", "FDR (13.5 Gbps)"},
                                               {"infiniband-edr", "EDR (25 Gbps)"},
                                               {"infiniband-hdr", "HDR (50 Gbps)"},
                                               {"infiniband-ndr", "NDR (100 Gbps)"},
                                               {"infiniband-xdr", "XDR (250 Gbps)"},
                                               {"1gfc-sfp", "SFP (1GFC)"},
                                               {"8gfc-sfpp", "SFP+ (8GFC)"},
                                               {"16gfc-sfpp", "SFP+ (16GFC)"},
                                               {"32gfc-sfp28", "SFP28 (32GFC)"},
                                               {"64gfc-qsfpp", "QSFP+ (64GFC)"},
                                               {"128gfc-qsfp28", "QSFP28 (128GFC)"},
                                               {"other", "Other"},
                                               {NULL, NULL}};

/* ---- fields: the rows that many models have alike */

/* clang-format off */
#define FIRST                                                                                                \
    {.name = "id", .kind = FIELD_ID, .column = "id", .flags = FIELD_BRIEF | FIELD_READ_ONLY},                \
    {.name = "url", .kind = FIELD_URL, .flags = FIELD_BRIEF | FIELD_READ_ONLY},                              \
    {.name = "display_url", .kind = FIELD_DISPLAY_URL, .flags = FIELD_READ_ONLY},                            \
    {.name = "display", .kind = FIELD_DISPLAY, .flags = FIELD_BRIEF | FIELD_READ_ONLY}
#define CONSTANT(key, json)      {.name = key, .kind = FIELD_CONSTANT, .constant = json}
#define CONSTANT_BRIEF(key, json) {.name = key, .kind = FIELD_CONSTANT, .constant = json, .flags = FIELD_BRIEF}
#define ZERO(key)                {.name = key, .kind = FIELD_CONSTANT, .constant = "0", .flags = FIELD_READ_ONLY}
#define ZERO_BRIEF(key)          {.name = key, .kind = FIELD_CONSTANT, .constant = "0", .flags = FIELD_READ_ONLY | FIELD_BRIEF}
#define OWNER                    CONSTANT("owner", "null")
#define NAME(characters)         {.name = "name", .kind = FIELD_TEXT, .column = "name", .max = characters, .flags = FIELD_BRIEF | FIELD_REQUIRED}
#define NAME_UNIQUE              {.name = "name", .kind = FIELD_TEXT, .column = "name", .max = 100, .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE}
/* A slug stands in many places of ours that have room for 63 characters. */
#define SLUG                     {.name = "slug", .kind = FIELD_SLUG, .column = "slug", .max = 63, .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE}
#define SLUG_WITHIN(key)         {.name = "slug", .kind = FIELD_SLUG, .column = "slug", .max = 63, .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE, .within = key}
#define TEXT(key, characters)    {.name = key, .kind = FIELD_TEXT, .column = key, .max = characters}
#define TEXT_NULL(key, characters) {.name = key, .kind = FIELD_TEXT, .column = key, .max = characters, .flags = FIELD_NULL}
#define DESCRIPTION              {.name = "description", .kind = FIELD_TEXT, .column = "description", .max = 200, .flags = FIELD_BRIEF}
#define COMMENTS                 {.name = "comments", .kind = FIELD_TEXT, .column = "comments", .max = 65536}
#define TAGS                     {.name = "tags", .kind = FIELD_TAGS}
#define CUSTOM                   {.name = "custom_fields", .kind = FIELD_CUSTOM, .column = "custom_fields"}
#define CREATED                  {.name = "created", .kind = FIELD_TIME, .column = "created_ms", .flags = FIELD_READ_ONLY}
#define UPDATED                  {.name = "last_updated", .kind = FIELD_TIME, .column = "updated_ms", .flags = FIELD_READ_ONLY}
#define STATUS(list)             {.name = "status", .kind = FIELD_CHOICE, .column = "status", .choices = list, .missing = "active"}
#define REF(key, model)          {.name = key, .kind = FIELD_REF, .column = key "_id", .to = model, .flags = FIELD_NULL}
#define REF_REQUIRED(key, model) {.name = key, .kind = FIELD_REF, .column = key "_id", .to = model, .flags = FIELD_REQUIRED}
#define COUNT(key, model, column) {.name = key, .kind = FIELD_COUNT, .to = model, .by = column, .flags = FIELD_READ_ONLY}
#define COUNT_BRIEF(key, model, column) {.name = key, .kind = FIELD_COUNT, .to = model, .by = column, .flags = FIELD_READ_ONLY | FIELD_BRIEF}
#define COMPUTED(key, what)      {.name = key, .kind = FIELD_COMPUTED, .computed = what, .flags = FIELD_READ_ONLY}
#define COMPUTED_BRIEF(key, what) {.name = key, .kind = FIELD_COMPUTED, .computed = what, .flags = FIELD_READ_ONLY | FIELD_BRIEF}
#define FLAG(key, default_text)  {.name = key, .kind = FIELD_BOOL, .column = key, .missing = default_text}

static const struct field site_fields[] = {
    FIRST, NAME_UNIQUE, SLUG, STATUS(site_status),
    CONSTANT("region", "null"), CONSTANT("group", "null"), REF("tenant", MODEL_TENANT),
    TEXT("facility", 50), TEXT_NULL("time_zone", 63), DESCRIPTION, TEXT("physical_address", 200),
    TEXT("shipping_address", 200), CONSTANT("latitude", "null"), CONSTANT("longitude", "null"), OWNER, COMMENTS,
    CONSTANT("asns", "[]"), TAGS, CUSTOM, CREATED, UPDATED,
    ZERO("circuit_count"), COUNT("device_count", MODEL_DEVICE, "site_id"),
    COUNT("prefix_count", MODEL_PREFIX, "site_id"), COUNT("rack_count", MODEL_RACK, "site_id"),
    ZERO("virtualmachine_count"), ZERO("vlan_count"),
};

static const struct field location_fields[] = {
    FIRST, NAME(100), SLUG_WITHIN("site_id"), REF_REQUIRED("site", MODEL_SITE), REF("parent", MODEL_LOCATION),
    STATUS(site_status), REF("tenant", MODEL_TENANT), TEXT("facility", 50), TAGS, CUSTOM, OWNER, COMMENTS,
    CREATED, UPDATED, COUNT_BRIEF("rack_count", MODEL_RACK, "location_id"),
    COUNT("device_count", MODEL_DEVICE, "location_id"), COUNT("prefix_count", MODEL_PREFIX, "location_id"),
    DESCRIPTION, COUNT("children", MODEL_LOCATION, "parent_id"),
    COMPUTED_BRIEF("_depth", COMPUTED_LOCATION_DEPTH),
};

static const struct field rack_fields[] = {
    FIRST,
    {.name = "name", .kind = FIELD_TEXT, .column = "name", .max = 100,
     .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE, .within = "site_id"},
    TEXT_NULL("facility_id", 50),
    REF_REQUIRED("site", MODEL_SITE), REF("location", MODEL_LOCATION), CONSTANT("group", "null"),
    REF("tenant", MODEL_TENANT), STATUS(rack_status), CONSTANT("role", "null"), TEXT("serial", 50),
    {.name = "asset_tag", .kind = FIELD_TEXT, .column = "asset_tag", .max = 50, .flags = FIELD_NULL | FIELD_UNIQUE},
    CONSTANT("rack_type", "null"), CONSTANT("form_factor", "null"),
    CONSTANT("width", "{\"value\":19,\"label\":\"19 inches\"}"),
    {.name = "u_height", .kind = FIELD_INT, .column = "u_height", .min = 1, .max = 100, .missing = "42"},
    CONSTANT("starting_unit", "1"), CONSTANT("weight", "null"), CONSTANT("max_weight", "null"),
    CONSTANT("weight_unit", "null"), CONSTANT("desc_units", "false"), CONSTANT("outer_width", "null"),
    CONSTANT("outer_height", "null"), CONSTANT("outer_depth", "null"), CONSTANT("outer_unit", "null"),
    CONSTANT("mounting_depth", "null"), CONSTANT("airflow", "null"), CONSTANT("cooling_capability", "null"),
    CONSTANT("cooling_capacity", "null"), DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM,
    CREATED, UPDATED, COUNT("device_count", MODEL_DEVICE, "rack_id"), ZERO("powerfeed_count"),
};

static const struct field manufacturer_fields[] = {
    FIRST, NAME_UNIQUE, SLUG, DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM, CREATED, UPDATED,
    COUNT("devicetype_count", MODEL_DEVICE_TYPE, "manufacturer_id"), ZERO("inventoryitem_count"),
    ZERO("moduletype_count"), COUNT("platform_count", MODEL_PLATFORM, "manufacturer_id"),
};

static const struct field device_type_fields[] = {
    FIRST,
    {.name = "manufacturer", .kind = FIELD_REF, .column = "manufacturer_id", .to = MODEL_MANUFACTURER,
     .flags = FIELD_REQUIRED | FIELD_BRIEF},
    CONSTANT("default_platform", "null"),
    {.name = "model", .kind = FIELD_TEXT, .column = "model", .max = 63,
     .flags = FIELD_REQUIRED | FIELD_BRIEF | FIELD_UNIQUE, .within = "manufacturer_id"},
    SLUG_WITHIN("manufacturer_id"), TEXT("part_number", 50),
    {.name = "u_height", .kind = FIELD_REAL, .column = "u_height", .max = 100, .missing = "1"},
    CONSTANT("exclude_from_utilization", "false"), FLAG("is_full_depth", "1"), CONSTANT("subdevice_role", "null"),
    CONSTANT("airflow", "null"), CONSTANT("cooling_method", "null"), CONSTANT("weight", "null"),
    CONSTANT("weight_unit", "null"), CONSTANT("end_of_life", "null"), CONSTANT("front_image", "null"), CONSTANT("rear_image", "null"), DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM,
    CREATED, UPDATED,
    {.name = "device_count", .kind = FIELD_COUNT, .to = MODEL_DEVICE, .by = "device_type_id",
     .flags = FIELD_READ_ONLY | FIELD_BRIEF | FIELD_NESTED},
    ZERO("console_port_template_count"), ZERO("console_server_port_template_count"),
    ZERO("power_port_template_count"), ZERO("power_outlet_template_count"),
    ZERO("cooling_intake_template_count"), ZERO("cooling_outflow_template_count"), ZERO("interface_template_count"),
    ZERO("front_port_template_count"), ZERO("rear_port_template_count"), ZERO("device_bay_template_count"),
    ZERO("module_bay_template_count"), ZERO("inventory_item_template_count"),
};

static const struct field role_fields[] = {
    FIRST, NAME_UNIQUE, SLUG,
    {.name = "color", .kind = FIELD_COLOR, .column = "color", .max = 6, .missing = "9e9e9e"},
    FLAG("vm_role", "1"), CONSTANT("config_template", "null"), CONSTANT("parent", "null"), DESCRIPTION, TAGS,
    CUSTOM, CREATED, UPDATED, COUNT_BRIEF("device_count", MODEL_DEVICE, "role_id"),
    ZERO_BRIEF("virtualmachine_count"), OWNER, COMMENTS, ZERO_BRIEF("_depth"),
};

static const struct field platform_fields[] = {
    FIRST, CONSTANT("parent", "null"), NAME_UNIQUE, SLUG, REF("manufacturer", MODEL_MANUFACTURER),
    CONSTANT("config_template", "null"), DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM, CREATED, UPDATED,
    COUNT_BRIEF("device_count", MODEL_DEVICE, "platform_id"), ZERO_BRIEF("virtualmachine_count"),
    ZERO_BRIEF("_depth"),
};

static const struct field device_fields[] = {
    FIRST,
    {.name = "name", .kind = FIELD_HOST, .column = "name", .max = 63,
     .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE},
    REF_REQUIRED("device_type", MODEL_DEVICE_TYPE), REF_REQUIRED("role", MODEL_ROLE), REF("tenant", MODEL_TENANT),
    REF("platform", MODEL_PLATFORM), TEXT("serial", 50),
    {.name = "asset_tag", .kind = FIELD_TEXT, .column = "asset_tag", .max = 50, .flags = FIELD_NULL | FIELD_UNIQUE},
    REF_REQUIRED("site", MODEL_SITE), REF("location", MODEL_LOCATION), REF("rack", MODEL_RACK),
    {.name = "position", .kind = FIELD_REAL, .column = "position", .min = 1, .max = 100, .flags = FIELD_NULL},
    {.name = "face", .kind = FIELD_CHOICE, .column = "face", .choices = device_face, .flags = FIELD_NULL},
    CONSTANT("latitude", "null"), CONSTANT("longitude", "null"),
    {.name = "parent_device", .kind = FIELD_CONSTANT, .constant = "null", .flags = FIELD_READ_ONLY},
    STATUS(device_status), CONSTANT("airflow", "null"), CONSTANT("cooling_method", "null"),
    COMPUTED("primary_ip", COMPUTED_PRIMARY_IP),
    REF("primary_ip4", MODEL_IP), REF("primary_ip6", MODEL_IP), REF("oob_ip", MODEL_IP),
    CONSTANT("cluster", "null"), CONSTANT("virtual_chassis", "null"), CONSTANT("vc_position", "null"),
    CONSTANT("vc_priority", "null"), DESCRIPTION, OWNER, COMMENTS, CONSTANT("config_template", "null"),
    {.name = "config_context", .kind = FIELD_JSON, .column = "config_context", .flags = FIELD_READ_ONLY},
    {.name = "local_context_data", .kind = FIELD_JSON, .column = "local_context", .flags = FIELD_NULL},
    TAGS, CUSTOM, CREATED, UPDATED, ZERO("console_port_count"), ZERO("console_server_port_count"),
    ZERO("power_port_count"), ZERO("power_outlet_count"), ZERO("cooling_intake_count"),
    ZERO("cooling_outflow_count"), COUNT("interface_count", MODEL_INTERFACE, "device_id"),
    ZERO("front_port_count"), ZERO("rear_port_count"), ZERO("device_bay_count"), ZERO("module_bay_count"),
    ZERO("inventory_item_count"),
};

static const struct field interface_fields[] = {
    FIRST,
    {.name = "device", .kind = FIELD_REF, .column = "device_id", .to = MODEL_DEVICE,
     .flags = FIELD_REQUIRED | FIELD_BRIEF | FIELD_FIXED},
    CONSTANT("vdcs", "[]"), CONSTANT("module", "null"),
    {.name = "name", .kind = FIELD_TEXT, .column = "name", .max = 63,
     .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE, .within = "device_id"},
    TEXT("label", 64),
    {.name = "type", .kind = FIELD_CHOICE, .column = "type", .choices = interface_type, .flags = FIELD_REQUIRED},
    CONSTANT("channels", "null"), CONSTANT("channel_id", "null"),
    FLAG("enabled", "1"), CONSTANT("parent", "null"), CONSTANT("bridge", "null"),
    CONSTANT("bridge_interfaces", "[]"), CONSTANT("lag", "null"),
    {.name = "mtu", .kind = FIELD_INT, .column = "mtu", .min = 1, .max = 65536, .flags = FIELD_NULL},
    COMPUTED("mac_address", COMPUTED_MAC_TEXT),
    {.name = "primary_mac_address", .kind = FIELD_COMPUTED, .computed = COMPUTED_PRIMARY_MAC, .to = MODEL_MAC,
     .flags = FIELD_NULL},
    COMPUTED("mac_addresses", COMPUTED_MACS),
    {.name = "speed", .kind = FIELD_INT, .column = "speed", .max = 2147483647, .flags = FIELD_NULL},
    CONSTANT("duplex", "null"), CONSTANT("wwn", "null"), FLAG("mgmt_only", "0"), DESCRIPTION,
    CONSTANT("mode", "null"), CONSTANT("rf_role", "null"), CONSTANT("rf_channel", "null"),
    CONSTANT("poe_mode", "null"), CONSTANT("poe_type", "null"), CONSTANT("rf_channel_frequency", "null"),
    CONSTANT("rf_channel_width", "null"), CONSTANT("tx_power", "null"), CONSTANT("untagged_vlan", "null"),
    CONSTANT("tagged_vlans", "[]"), CONSTANT("qinq_svlan", "null"), CONSTANT("vlan_translation_policy", "null"),
    CONSTANT("mark_connected", "false"), CONSTANT_BRIEF("cable", "null"), CONSTANT("cable_end", "\"\""),
    CONSTANT("wireless_link", "null"), CONSTANT("link_peers", "[]"), CONSTANT("link_peers_type", "null"),
    CONSTANT("wireless_lans", "[]"), CONSTANT("vrf", "null"), CONSTANT("l2vpn_termination", "null"),
    CONSTANT("connected_endpoints", "null"), CONSTANT("connected_endpoints_type", "null"),
    CONSTANT("connected_endpoints_reachable", "null"), OWNER, TAGS, CUSTOM, CREATED, UPDATED,
    COUNT("count_ipaddresses", MODEL_IP, "interface_id"), ZERO("count_fhrp_groups"),
    {.name = "_occupied", .kind = FIELD_CONSTANT, .constant = "false", .flags = FIELD_READ_ONLY | FIELD_BRIEF},
};

#define ASSIGNED                                                                                             \
    {.name = "assigned_object_type", .kind = FIELD_COMPUTED, .computed = COMPUTED_ASSIGNED_TYPE, .flags = FIELD_NULL}, \
    {.name = "assigned_object_id", .kind = FIELD_COMPUTED, .computed = COMPUTED_ASSIGNED_ID, .flags = FIELD_NULL},     \
    COMPUTED("assigned_object", COMPUTED_ASSIGNED)

static const struct field mac_fields[] = {
    FIRST,
    {.name = "mac_address", .kind = FIELD_MAC, .column = "mac", .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE},
    ASSIGNED, {.name = "is_primary", .kind = FIELD_BOOL, .column = "is_primary", .flags = FIELD_READ_ONLY},
    DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM, CREATED, UPDATED,
};

static const struct field prefix_fields[] = {
    FIRST, COMPUTED_BRIEF("family", COMPUTED_FAMILY),
    {.name = "prefix", .kind = FIELD_PREFIX, .column = "first", .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE},
    CONSTANT("vrf", "null"),
    {.name = "scope_type", .kind = FIELD_COMPUTED, .computed = COMPUTED_SCOPE_TYPE, .flags = FIELD_NULL},
    {.name = "scope_id", .kind = FIELD_COMPUTED, .computed = COMPUTED_SCOPE_ID, .flags = FIELD_NULL},
    COMPUTED("scope", COMPUTED_SCOPE), REF("tenant", MODEL_TENANT), CONSTANT("vlan", "null"),
    STATUS(prefix_status), CONSTANT("role", "null"), FLAG("is_pool", "0"), FLAG("mark_utilized", "0"),
    DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM, CREATED, UPDATED,
    COMPUTED("children", COMPUTED_PREFIX_CHILDREN), COMPUTED_BRIEF("_depth", COMPUTED_PREFIX_DEPTH),
};

static const struct field ip_fields[] = {
    FIRST, COMPUTED_BRIEF("family", COMPUTED_FAMILY),
    {.name = "address", .kind = FIELD_ADDRESS, .column = "address",
     .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE},
    CONSTANT("vrf", "null"), REF("tenant", MODEL_TENANT), STATUS(ip_status),
    {.name = "role", .kind = FIELD_CHOICE, .column = "role", .choices = ip_role, .flags = FIELD_NULL},
    ASSIGNED, CONSTANT_BRIEF("nat_inside", "null"), CONSTANT_BRIEF("nat_outside", "[]"),
    {.name = "dns_name", .kind = FIELD_TEXT, .column = "dns_name", .max = 255, .flags = FIELD_BRIEF},
    DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM, CREATED, UPDATED,
};

static const struct field tenant_fields[] = {
    FIRST, NAME_UNIQUE, SLUG, CONSTANT("group", "null"), DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM, CREATED,
    UPDATED, ZERO("circuit_count"), COUNT("device_count", MODEL_DEVICE, "tenant_id"),
    COUNT("ipaddress_count", MODEL_IP, "tenant_id"), COUNT("prefix_count", MODEL_PREFIX, "tenant_id"),
    COUNT("rack_count", MODEL_RACK, "tenant_id"), COUNT("site_count", MODEL_SITE, "tenant_id"),
    ZERO("virtualmachine_count"), ZERO("vlan_count"), ZERO("vrf_count"), ZERO("cluster_count"),
};

static const struct field tag_fields[] = {
    FIRST, NAME_UNIQUE, SLUG,
    {.name = "color", .kind = FIELD_COLOR, .column = "color", .max = 6, .flags = FIELD_BRIEF, .missing = "9e9e9e"},
    {.name = "description", .kind = FIELD_TEXT, .column = "description", .max = 200},
    {.name = "weight", .kind = FIELD_INT, .column = "weight", .max = 32767, .missing = "1000"},
    CONSTANT("object_types", "[]"), COUNT("tagged_items", MODEL_TAG, "tag_id"), OWNER, CREATED, UPDATED,
};

static const struct field custom_field_fields[] = {
    FIRST,
    {.name = "object_types", .kind = FIELD_JSON, .column = "object_types", .flags = FIELD_REQUIRED},
    {.name = "type", .kind = FIELD_CHOICE, .column = "type", .choices = custom_type,
     .flags = FIELD_REQUIRED | FIELD_FIXED},
    CONSTANT("related_object_type", "null"), COMPUTED("data_type", COMPUTED_DATA_TYPE),
    {.name = "name", .kind = FIELD_TEXT, .column = "name", .max = 50,
     .flags = FIELD_BRIEF | FIELD_REQUIRED | FIELD_UNIQUE | FIELD_FIXED},
    TEXT("label", 50), CONSTANT("group_name", "\"\""), DESCRIPTION, FLAG("required", "0"),
    CONSTANT("unique", "false"), CONSTANT("search_weight", "1000"),
    CONSTANT("filter_logic", "{\"value\":\"loose\",\"label\":\"Loose\"}"),
    CONSTANT("ui_visible", "{\"value\":\"always\",\"label\":\"Always\"}"),
    CONSTANT("ui_editable", "{\"value\":\"yes\",\"label\":\"Yes\"}"), CONSTANT("is_cloneable", "false"),
    CONSTANT("nulls_first", "true"),
    {.name = "default", .kind = FIELD_JSON, .column = "default_value", .flags = FIELD_NULL},
    CONSTANT("related_object_filter", "null"),
    {.name = "weight", .kind = FIELD_INT, .column = "weight", .max = 32767, .missing = "100"},
    CONSTANT("validation_minimum", "null"), CONSTANT("validation_maximum", "null"),
    CONSTANT("validation_regex", "\"\""), CONSTANT("validation_schema", "null"), CONSTANT("choice_set", "null"),
    CONSTANT("status", "{\"value\":\"active\",\"label\":\"Active\"}"),
    /* not NetBox's, whose sets of choices are objects of their own */
    {.name = "choices", .kind = FIELD_JSON, .column = "choices"},
    OWNER, COMMENTS, CREATED, UPDATED,
};

static const struct field note_fields[] = {
    {.name = "id", .kind = FIELD_ID, .column = "id", .flags = FIELD_BRIEF | FIELD_READ_ONLY},
    {.name = "url", .kind = FIELD_URL, .flags = FIELD_BRIEF | FIELD_READ_ONLY},
    {.name = "display_url", .kind = FIELD_DISPLAY_URL, .flags = FIELD_READ_ONLY},
    COMPUTED_BRIEF("display", COMPUTED_NOTE_DISPLAY),
    {.name = "assigned_object_type", .kind = FIELD_TEXT, .column = "object_type", .flags = FIELD_REQUIRED | FIELD_FIXED},
    {.name = "assigned_object_id", .kind = FIELD_INT, .column = "object_id", .min = 1, .max = INT64_MAX,
     .flags = FIELD_REQUIRED | FIELD_FIXED},
    COMPUTED("assigned_object", COMPUTED_ASSIGNED),
    {.name = "created", .kind = FIELD_TIME, .column = "created_ms", .flags = FIELD_READ_ONLY | FIELD_BRIEF},
    {.name = "created_by", .kind = FIELD_CONSTANT, .constant = "null", .flags = FIELD_READ_ONLY},
    /* not NetBox's, whose users have numbers */
    {.name = "created_by_name", .kind = FIELD_TEXT, .column = "created_by", .flags = FIELD_READ_ONLY},
    {.name = "kind", .kind = FIELD_CHOICE, .column = "kind", .choices = note_kind, .missing = "info"},
    {.name = "comments", .kind = FIELD_TEXT, .column = "comments", .max = 65536, .flags = FIELD_REQUIRED},
    TAGS, CUSTOM, UPDATED,
};

/* ---- filters */

#define BY_ID       {.name = "id", .kind = FILTER_NUMBER, .column = "id"}
#define BY_TEXT(key) {.name = key, .kind = FILTER_TEXT, .column = key}
#define BY_COMMON   BY_ID, BY_TEXT("description"),                                                           \
    {.name = "created", .kind = FILTER_TIME, .column = "created_ms"},                                        \
    {.name = "last_updated", .kind = FILTER_TIME, .column = "updated_ms"},                                   \
    {.name = "tag", .kind = FILTER_TAG}, {.name = "tag_id", .kind = FILTER_TAG_ID}, {.name = "q", .kind = FILTER_Q}
#define BY_REF(word, model, field, through)                                                                  \
    {.name = word "_id", .kind = FILTER_REF, .column = field, .to = model, .via = through},                  \
    {.name = word, .kind = FILTER_REF_KEY, .column = field, .to = model, .key = "slug", .via = through}
#define BY_NAME(word, model, field, through)                                                                 \
    {.name = word "_id", .kind = FILTER_REF, .column = field, .to = model, .via = through},                  \
    {.name = word, .kind = FILTER_REF_KEY, .column = field, .to = model, .key = "name", .via = through}
#define BY_LOCATION(word, field, through)                                                                    \
    {.name = word "_id", .kind = FILTER_TREE, .column = field, .to = MODEL_LOCATION, .via = through},        \
    {.name = word, .kind = FILTER_TREE_KEY, .column = field, .to = MODEL_LOCATION, .key = "slug", .via = through}
#define BY_STATUS(list) {.name = "status", .kind = FILTER_CHOICE, .column = "status", .choices = list}
#define BY_BOOL(key)    {.name = key, .kind = FILTER_BOOL, .column = key}
#define BY_SPECIAL(key, what) {.name = key, .kind = FILTER_SPECIAL, .special = what}

static const struct filter site_filters[] = {
    BY_COMMON, BY_TEXT("name"), BY_TEXT("slug"), BY_TEXT("facility"), BY_STATUS(site_status),
    BY_REF("tenant", MODEL_TENANT, "tenant_id", VIA_SELF),
};
static const struct filter location_filters[] = {
    BY_COMMON, BY_TEXT("name"), BY_TEXT("slug"), BY_TEXT("facility"), BY_STATUS(site_status),
    BY_REF("site", MODEL_SITE, "site_id", VIA_SELF), BY_REF("parent", MODEL_LOCATION, "parent_id", VIA_SELF),
    BY_LOCATION("ancestor", "parent_id", VIA_SELF), BY_REF("tenant", MODEL_TENANT, "tenant_id", VIA_SELF),
};
static const struct filter rack_filters[] = {
    BY_COMMON, BY_TEXT("name"), BY_TEXT("facility_id"), BY_TEXT("serial"), BY_TEXT("asset_tag"),
    BY_STATUS(rack_status), BY_REF("site", MODEL_SITE, "site_id", VIA_SELF),
    BY_LOCATION("location", "location_id", VIA_SELF), BY_REF("tenant", MODEL_TENANT, "tenant_id", VIA_SELF),
    {.name = "u_height", .kind = FILTER_NUMBER, .column = "u_height"},
};
static const struct filter manufacturer_filters[] = {BY_COMMON, BY_TEXT("name"), BY_TEXT("slug")};
static const struct filter device_type_filters[] = {
    BY_COMMON, BY_TEXT("model"), BY_TEXT("slug"), BY_TEXT("part_number"), BY_BOOL("is_full_depth"),
    {.name = "u_height", .kind = FILTER_NUMBER, .column = "u_height"},
    BY_REF("manufacturer", MODEL_MANUFACTURER, "manufacturer_id", VIA_SELF),
};
static const struct filter role_filters[] = {
    BY_COMMON, BY_TEXT("name"), BY_TEXT("slug"), BY_TEXT("color"), BY_BOOL("vm_role"),
};
static const struct filter platform_filters[] = {
    BY_COMMON, BY_TEXT("name"), BY_TEXT("slug"),
    BY_REF("manufacturer", MODEL_MANUFACTURER, "manufacturer_id", VIA_SELF),
};

/* What asks for devices, and for what belongs to a device through it. */
#define BY_DEVICE_PLACE(through)                                                                             \
    BY_REF("site", MODEL_SITE, "site_id", through), BY_LOCATION("location", "location_id", through),         \
    BY_NAME("rack", MODEL_RACK, "rack_id", through)
static const struct filter device_filters[] = {
    BY_COMMON, BY_TEXT("name"), BY_TEXT("serial"), BY_TEXT("asset_tag"), BY_STATUS(device_status),
    {.name = "face", .kind = FILTER_CHOICE, .column = "face", .choices = device_face},
    {.name = "position", .kind = FILTER_NUMBER, .column = "position"},
    BY_DEVICE_PLACE(VIA_SELF), BY_REF("tenant", MODEL_TENANT, "tenant_id", VIA_SELF),
    BY_REF("role", MODEL_ROLE, "role_id", VIA_SELF), BY_REF("platform", MODEL_PLATFORM, "platform_id", VIA_SELF),
    BY_REF("device_type", MODEL_DEVICE_TYPE, "device_type_id", VIA_SELF),
    BY_REF("manufacturer", MODEL_MANUFACTURER, "manufacturer_id", VIA_TYPE),
    {.name = "model", .kind = FILTER_TEXT, .column = "slug", .via = VIA_TYPE},
    {.name = "mac_address", .kind = FILTER_MAC, .column = "mac", .via = VIA_DEVICE_MACS},
    BY_SPECIAL("has_primary_ip", SPECIAL_HAS_PRIMARY_IP), BY_SPECIAL("has_oob_ip", SPECIAL_HAS_OOB_IP),
    BY_SPECIAL("interfaces", SPECIAL_HAS_INTERFACES), BY_SPECIAL("local_context_data", SPECIAL_HAS_CONTEXT),
    BY_SPECIAL("console_ports", SPECIAL_HAS_NONE), BY_SPECIAL("console_server_ports", SPECIAL_HAS_NONE),
    BY_SPECIAL("power_ports", SPECIAL_HAS_NONE), BY_SPECIAL("power_outlets", SPECIAL_HAS_NONE),
    BY_SPECIAL("pass_through_ports", SPECIAL_HAS_NONE), BY_SPECIAL("module_bays", SPECIAL_HAS_NONE),
    BY_SPECIAL("device_bays", SPECIAL_HAS_NONE), BY_SPECIAL("virtual_chassis_member", SPECIAL_HAS_NONE),
    BY_SPECIAL("has_virtual_device_context", SPECIAL_HAS_NONE),
    {.name = "primary_ip4_id", .kind = FILTER_REF, .column = "primary_ip4_id", .to = MODEL_IP},
    {.name = "primary_ip6_id", .kind = FILTER_REF, .column = "primary_ip6_id", .to = MODEL_IP},
};
static const struct filter interface_filters[] = {
    BY_COMMON, BY_TEXT("name"), BY_TEXT("label"), BY_BOOL("enabled"), BY_BOOL("mgmt_only"),
    {.name = "type", .kind = FILTER_CHOICE, .column = "type", .choices = interface_type},
    {.name = "mtu", .kind = FILTER_NUMBER, .column = "mtu"}, {.name = "speed", .kind = FILTER_NUMBER, .column = "speed"},
    BY_NAME("device", MODEL_DEVICE, "device_id", VIA_SELF), BY_DEVICE_PLACE(VIA_DEVICE),
    BY_REF("tenant", MODEL_TENANT, "tenant_id", VIA_DEVICE), BY_REF("device_role", MODEL_ROLE, "role_id", VIA_DEVICE),
    BY_REF("device_type", MODEL_DEVICE_TYPE, "device_type_id", VIA_DEVICE),
    {.name = "device_status", .kind = FILTER_CHOICE, .column = "status", .choices = device_status, .via = VIA_DEVICE},
    {.name = "mac_address", .kind = FILTER_MAC, .column = "mac", .via = VIA_MACS},
};
#define BY_INTERFACE                                                                                         \
    BY_NAME("interface", MODEL_INTERFACE, "interface_id", VIA_SELF),                                         \
    BY_NAME("device", MODEL_DEVICE, "device_id", VIA_INTERFACE),                                             \
    {.name = "assigned_object_id", .kind = FILTER_NUMBER, .column = "interface_id"},                         \
    BY_SPECIAL("assigned_object_type", SPECIAL_ASSIGNED_TYPE)
static const struct filter mac_filters[] = {
    BY_COMMON, {.name = "mac_address", .kind = FILTER_MAC, .column = "mac"}, BY_INTERFACE,
    BY_SPECIAL("assigned", SPECIAL_ASSIGNED), BY_SPECIAL("primary", SPECIAL_PRIMARY_MAC),
};
static const struct filter ip_filters[] = {
    BY_COMMON, BY_SPECIAL("address", SPECIAL_ADDRESS), BY_SPECIAL("parent", SPECIAL_PARENT),
    BY_SPECIAL("family", SPECIAL_FAMILY), BY_SPECIAL("vrf_id", SPECIAL_VRF), BY_SPECIAL("vrf", SPECIAL_VRF),
    {.name = "mask_length", .kind = FILTER_NUMBER, .column = "length"}, BY_TEXT("dns_name"), BY_STATUS(ip_status),
    {.name = "role", .kind = FILTER_CHOICE, .column = "role", .choices = ip_role},
    BY_REF("tenant", MODEL_TENANT, "tenant_id", VIA_SELF), BY_INTERFACE,
    BY_SPECIAL("assigned_to_interface", SPECIAL_ASSIGNED), BY_SPECIAL("assigned", SPECIAL_ASSIGNED),
};
static const struct filter prefix_filters[] = {
    BY_COMMON, BY_SPECIAL("prefix", SPECIAL_PREFIX), BY_SPECIAL("within", SPECIAL_WITHIN),
    BY_SPECIAL("within_include", SPECIAL_WITHIN_INCLUDE), BY_SPECIAL("contains", SPECIAL_CONTAINS),
    BY_SPECIAL("family", SPECIAL_FAMILY), BY_SPECIAL("vrf_id", SPECIAL_VRF), BY_SPECIAL("vrf", SPECIAL_VRF),
    {.name = "mask_length", .kind = FILTER_NUMBER, .column = "length"}, BY_BOOL("is_pool"), BY_BOOL("mark_utilized"),
    BY_STATUS(prefix_status), BY_REF("tenant", MODEL_TENANT, "tenant_id", VIA_SELF),
    BY_REF("site", MODEL_SITE, "site_id", VIA_SELF), BY_LOCATION("location", "location_id", VIA_SELF),
    BY_SPECIAL("scope_type", SPECIAL_SCOPE_TYPE), BY_SPECIAL("scope_id", SPECIAL_SCOPE_ID),
};
static const struct filter tenant_filters[] = {BY_COMMON, BY_TEXT("name"), BY_TEXT("slug")};
static const struct filter tag_filters[] = {
    BY_ID, BY_TEXT("description"), {.name = "created", .kind = FILTER_TIME, .column = "created_ms"},
    {.name = "last_updated", .kind = FILTER_TIME, .column = "updated_ms"}, {.name = "q", .kind = FILTER_Q},
    BY_TEXT("name"), BY_TEXT("slug"), BY_TEXT("color"),
};
static const struct filter custom_field_filters[] = {
    BY_ID, BY_TEXT("description"), {.name = "created", .kind = FILTER_TIME, .column = "created_ms"},
    {.name = "last_updated", .kind = FILTER_TIME, .column = "updated_ms"}, {.name = "q", .kind = FILTER_Q},
    BY_TEXT("name"), BY_TEXT("label"), BY_BOOL("required"), {.name = "weight", .kind = FILTER_NUMBER, .column = "weight"},
    {.name = "type", .kind = FILTER_CHOICE, .column = "type", .choices = custom_type},
    BY_SPECIAL("object_type", SPECIAL_OBJECT_TYPE), BY_SPECIAL("object_types", SPECIAL_OBJECT_TYPE),
};
static const struct filter note_filters[] = {
    BY_ID, {.name = "created", .kind = FILTER_TIME, .column = "created_ms"},
    {.name = "last_updated", .kind = FILTER_TIME, .column = "updated_ms"}, {.name = "q", .kind = FILTER_Q},
    {.name = "tag", .kind = FILTER_TAG}, {.name = "tag_id", .kind = FILTER_TAG_ID},
    {.name = "kind", .kind = FILTER_CHOICE, .column = "kind", .choices = note_kind},
    {.name = "assigned_object_type", .kind = FILTER_TEXT, .column = "object_type"},
    {.name = "assigned_object_id", .kind = FILTER_NUMBER, .column = "object_id"},
};

/* ---- the models */

#define TABLES(name) .fields = name##_fields, .fields_n = N(name##_fields), .filters = name##_filters, .filters_n = N(name##_filters)

static const struct model models[MODEL_COUNT] = {
    [MODEL_SITE] = {MODEL_SITE, "dcim", "sites", "dcim.site", "Site", "site", "sites", "sites", "name",
                    "name", SCOPE_SHARED, TABLES(site)},
    [MODEL_LOCATION] = {MODEL_LOCATION, "dcim", "locations", "dcim.location", "Location", "location", "locations",
                        "locations", "name", "name", SCOPE_SHARED, TABLES(location)},
    [MODEL_RACK] = {MODEL_RACK, "dcim", "racks", "dcim.rack", "Rack", "rack", "racks", "racks", "name", "name",
                    SCOPE_SHARED, TABLES(rack)},
    [MODEL_MANUFACTURER] = {MODEL_MANUFACTURER, "dcim", "manufacturers", "dcim.manufacturer", "Manufacturer",
                            "manufacturer", "manufacturers", "manufacturers", "name", "name", SCOPE_CATALOGUE,
                            TABLES(manufacturer)},
    [MODEL_DEVICE_TYPE] = {MODEL_DEVICE_TYPE, "dcim", "device-types", "dcim.devicetype", "DeviceType",
                           "device type", "device types", "device_types", "model", "model", SCOPE_CATALOGUE,
                           TABLES(device_type)},
    [MODEL_ROLE] = {MODEL_ROLE, "dcim", "device-roles", "dcim.devicerole", "DeviceRole", "device role",
                    "device roles", "roles", "name", "name", SCOPE_CATALOGUE, TABLES(role)},
    [MODEL_PLATFORM] = {MODEL_PLATFORM, "dcim", "platforms", "dcim.platform", "Platform", "platform", "platforms",
                        "platforms", "name", "name", SCOPE_CATALOGUE, TABLES(platform)},
    [MODEL_DEVICE] = {MODEL_DEVICE, "dcim", "devices", "dcim.device", "Device", "device", "devices", "devices",
                      "name", "name", SCOPE_OWN, TABLES(device)},
    /* by the device's number, not its name: a page further on costs no sorting of all interfaces */
    [MODEL_INTERFACE] = {MODEL_INTERFACE, "dcim", "interfaces", "dcim.interface", "Interface", "interface",
                         "interfaces", "interfaces", "name", "device_id,name", SCOPE_OWN, TABLES(interface)},
    [MODEL_MAC] = {MODEL_MAC, "dcim", "mac-addresses", "dcim.macaddress", "MACAddress", "MAC address",
                   "MAC addresses", "mac_addresses", "mac", "mac_address", SCOPE_OWN, TABLES(mac)},
    [MODEL_PREFIX] = {MODEL_PREFIX, "ipam", "prefixes", "ipam.prefix", "Prefix", "prefix", "prefixes", "prefixes",
                      "first", "prefix", SCOPE_SHARED, TABLES(prefix)},
    [MODEL_IP] = {MODEL_IP, "ipam", "ip-addresses", "ipam.ipaddress", "IPAddress", "IP address", "IP addresses",
                  "ip_addresses", "address", "address", SCOPE_OWN, TABLES(ip)},
    [MODEL_TENANT] = {MODEL_TENANT, "tenancy", "tenants", "tenancy.tenant", "Tenant", "tenant", "tenants",
                      "tenants", "name", "name", SCOPE_OWN, TABLES(tenant)},
    [MODEL_TAG] = {MODEL_TAG, "extras", "tags", "extras.tag", "Tag", "tag", "tags", "tags", "name", "name",
                   SCOPE_CATALOGUE, TABLES(tag)},
    [MODEL_CUSTOM_FIELD] = {MODEL_CUSTOM_FIELD, "extras", "custom-fields", "extras.customfield", "CustomField",
                            "custom field", "custom fields", "custom_fields", "label", "weight,name",
                            SCOPE_CATALOGUE, TABLES(custom_field)},
    [MODEL_NOTE] = {MODEL_NOTE, "extras", "journal-entries", "extras.journalentry", "JournalEntry",
                    "journal entry", "journal entries", "journal_entries", "kind", "-created", SCOPE_OWN,
                    TABLES(note)},
};
/* clang-format on */

/* ---- looking things up */

const struct model *model_get(enum model_id id)
{
    assert(id >= 0 && id < MODEL_COUNT);
    return &models[id];
}

static bool word_is(const char *word, const char *text, size_t n)
{
    return strlen(word) == n && memcmp(word, text, n) == 0;
}

const struct model *model_by_path(const char *app, size_t app_n, const char *endpoint, size_t endpoint_n)
{
    for (size_t i = 0; i < N(models); i++) {
        if (word_is(models[i].app, app, app_n) && word_is(models[i].endpoint, endpoint, endpoint_n)) {
            return &models[i];
        }
    }
    return NULL;
}

const struct model *model_by_type(const char *type)
{
    for (size_t i = 0; i < N(models); i++) {
        if (strcmp(models[i].type, type) == 0) {
            return &models[i];
        }
    }
    return NULL;
}

int model_field(const struct model *m, const char *name)
{
    for (size_t i = 0; i < m->fields_n; i++) {
        if (strcmp(m->fields[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

uint64_t model_all(const struct model *m)
{
    return m->fields_n == 64 ? UINT64_MAX : (UINT64_C(1) << m->fields_n) - 1;
}

uint64_t model_brief(const struct model *m)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < m->fields_n; i++) {
        bits |= (uint64_t)((m->fields[i].flags & FIELD_BRIEF) != 0) << i;
    }
    return bits;
}

static const char *const suffixes[OP_COUNT] = {
    [OP_IS] = "",
    [OP_N] = "__n",
    [OP_IC] = "__ic",
    [OP_NIC] = "__nic",
    [OP_ISW] = "__isw",
    [OP_NISW] = "__nisw",
    [OP_IEW] = "__iew",
    [OP_NIEW] = "__niew",
    [OP_IE] = "__ie",
    [OP_NIE] = "__nie",
    [OP_EMPTY] = "__empty",
    [OP_REGEX] = "__regex",
    [OP_IREGEX] = "__iregex",
    [OP_LT] = "__lt",
    [OP_LTE] = "__lte",
    [OP_GT] = "__gt",
    [OP_GTE] = "__gte",
};

const char *op_suffix(enum filter_op op)
{
    return suffixes[op];
}

#define BIT(op) (1u << (op))
#define SIMPLE  (BIT(OP_IS) | BIT(OP_N))
#define ORDERED (BIT(OP_LT) | BIT(OP_LTE) | BIT(OP_GT) | BIT(OP_GTE))
#define TEXTUAL                                                                                              \
    (BIT(OP_IC) | BIT(OP_NIC) | BIT(OP_ISW) | BIT(OP_NISW) | BIT(OP_IEW) | BIT(OP_NIEW) | BIT(OP_IE) |       \
     BIT(OP_NIE) | BIT(OP_REGEX) | BIT(OP_IREGEX))

unsigned filter_ops(const struct filter *f)
{
    static const unsigned of_kind[] = {
        [FILTER_NUMBER] = SIMPLE | ORDERED | BIT(OP_EMPTY),
        [FILTER_TEXT] = SIMPLE | TEXTUAL | BIT(OP_EMPTY),
        [FILTER_CHOICE] = SIMPLE | TEXTUAL | BIT(OP_EMPTY),
        [FILTER_BOOL] = BIT(OP_IS),
        [FILTER_TIME] = SIMPLE | ORDERED | BIT(OP_EMPTY),
        [FILTER_REF] = SIMPLE,
        [FILTER_REF_KEY] = SIMPLE,
        [FILTER_TREE] = SIMPLE,
        [FILTER_TREE_KEY] = SIMPLE,
        [FILTER_MAC] = SIMPLE | TEXTUAL,
        [FILTER_TAG] = SIMPLE,
        [FILTER_TAG_ID] = SIMPLE,
        [FILTER_Q] = BIT(OP_IS),
        [FILTER_SPECIAL] = BIT(OP_IS),
    };
    return of_kind[f->kind];
}

static bool op_find(const char *suffix, enum filter_op *ret)
{
    for (unsigned op = 0; op < OP_COUNT; op++) {
        if (strcmp(suffixes[op], suffix) == 0) {
            *ret = (enum filter_op)op;
            return true;
        }
    }
    return false;
}

const struct filter *model_filter(const struct model *m, const char *name, enum filter_op *ret_op)
{
    for (size_t i = 0; i < m->filters_n; i++) {
        const struct filter *f = &m->filters[i];
        size_t n = strlen(f->name);
        enum filter_op op;
        if (strncmp(name, f->name, n) == 0 && op_find(name + n, &op) && (filter_ops(f) & BIT(op))) {
            *ret_op = op;
            return f;
        }
    }
    return NULL;
}

const struct choice *choice_find(const struct choice *list, const char *value)
{
    for (; list->value; list++) {
        if (strcmp(list->value, value) == 0) {
            return list;
        }
    }
    return NULL;
}

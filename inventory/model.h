/* model: NetBox's objects as tables: which there are, what fields each has and what NetBox calls them, what a
 * list of them may be filtered by. Pure: who reads and writes them is record.h; the JSON is api's.
 *
 * A field is one row of its model's table, in the order in which NetBox shows them; so is a filter. The place
 * of a field in its table is its number: a record's values, and a projection's bits, go by it.
 */
#ifndef INVENTORY_MODEL_H
#define INVENTORY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_id {
    MODEL_SITE,
    MODEL_LOCATION,
    MODEL_RACK,
    MODEL_MANUFACTURER,
    MODEL_DEVICE_TYPE,
    MODEL_ROLE,
    MODEL_PLATFORM,
    MODEL_DEVICE,
    MODEL_INTERFACE,
    MODEL_MAC,
    MODEL_PREFIX,
    MODEL_IP,
    MODEL_TENANT,
    MODEL_TAG,
    MODEL_CUSTOM_FIELD,
    MODEL_NOTE, /* extras.journalentry: what people note; our journal is journal.h's */
    MODEL_COUNT,
    MODEL_NONE = MODEL_COUNT
};

struct choice {
    const char *value, *label; /* {"value": "active", "label": "Active"} */
};

enum field_kind {
    FIELD_ID,
    FIELD_URL,         /* of the object in the API: the api makes it of the id */
    FIELD_DISPLAY_URL, /* of a page for people: likewise */
    FIELD_DISPLAY,     /* the text of another field; VALUE_TEXT */
    FIELD_TEXT,
    FIELD_HOST, /* a device's name: name_check */
    FIELD_SLUG,
    FIELD_COLOR, /* six hex digits */
    FIELD_BOOL,
    FIELD_INT,
    FIELD_REAL,
    FIELD_CHOICE, /* read as {value, label} or null, written as the bare value */
    FIELD_REF,    /* read as the brief object or null, written as an id or as an object of attributes */
    FIELD_MAC,
    FIELD_ADDRESS, /* "10.0.0.1/24", "2001:db8::1/64" */
    FIELD_PREFIX,
    FIELD_JSON,
    FIELD_TAGS,
    FIELD_CUSTOM, /* custom_fields: the built-in ones first, then the user's */
    FIELD_TIME,
    FIELD_COUNT,    /* how many others refer to it, of those that the asker sees */
    FIELD_CONSTANT, /* NetBox has it and we do not keep it: always the same JSON */
    FIELD_COMPUTED, /* made of something else; `computed` says of what */
};

enum field_computed {
    COMPUTED_NONE,
    COMPUTED_FAMILY,        /* {"value": 4, "label": "IPv4"} as VALUE_JSON */
    COMPUTED_PRIMARY_IP,    /* primary_ip4, else primary_ip6 */
    COMPUTED_PRIMARY_MAC,   /* of an interface: the brief MAC address; may be written */
    COMPUTED_MAC_TEXT,      /* the same as text */
    COMPUTED_MACS,          /* all of an interface's */
    COMPUTED_ASSIGNED_TYPE, /* "dcim.interface" or null; may be written */
    COMPUTED_ASSIGNED_ID,
    COMPUTED_ASSIGNED,   /* the brief interface; of a note: the brief object */
    COMPUTED_SCOPE_TYPE, /* of a prefix: "dcim.site", "dcim.location"; may be written */
    COMPUTED_SCOPE_ID,
    COMPUTED_SCOPE,
    COMPUTED_PREFIX_CHILDREN,
    COMPUTED_PREFIX_DEPTH,
    COMPUTED_LOCATION_DEPTH,
    COMPUTED_DATA_TYPE, /* of a custom field */
    COMPUTED_NOTE_DISPLAY,
};

enum field_flag {
    FIELD_BRIEF = 1,     /* in the brief object */
    FIELD_REQUIRED = 2,  /* when it is created */
    FIELD_NULL = 4,      /* may be null */
    FIELD_READ_ONLY = 8, /* what is written here is passed over, as NetBox does */
    FIELD_UNIQUE = 16,   /* no two alike; together with `within`, where that is set */
    FIELD_FIXED = 32,    /* said when it is created, and not changed later */
    FIELD_NESTED = 64, /* a count that is counted in the brief object too; others are 0 there, as in NetBox */
};

struct field {
    const char *name; /* in JSON */
    enum field_kind kind;
    enum field_computed computed;
    const char *column;           /* of the model's table; NULL: none */
    unsigned flags;               /* enum field_flag, or-ed */
    int64_t min, max;             /* of a number; max of a text: characters, 0: no limit */
    const struct choice *choices; /* ends with a value NULL */
    enum model_id to;             /* of FIELD_REF; of FIELD_COUNT: of what */
    const char *by;               /* of FIELD_COUNT: the column of that table that refers to this */
    const char *within;           /* of FIELD_UNIQUE: a column, unique with this one together */
    const char *constant;         /* of FIELD_CONSTANT: its JSON */
    const char *missing; /* what a new object gets when nothing is said: text, or digits; NULL: as the
                            schema says */
};

enum filter_kind {
    FILTER_NUMBER,   /* of an integer or real column */
    FILTER_TEXT,     /* all suffixes that ask for text */
    FILTER_CHOICE,   /* one that is none of the choices is a fault */
    FILTER_BOOL,     /* other than a truth value: passed over, as NetBox does */
    FILTER_TIME,     /* ISO 8601 */
    FILTER_REF,      /* by id; "null": has none; an id that is none is a fault */
    FILTER_REF_KEY,  /* by the key of what is referred to: slug or name */
    FILTER_TREE,     /* FILTER_REF of a location, with all that is in it */
    FILTER_TREE_KEY, /* likewise by slug */
    FILTER_MAC,      /* any notation */
    FILTER_TAG,      /* by slug; a second one narrows */
    FILTER_TAG_ID,
    FILTER_Q,       /* any of the texts that people look for */
    FILTER_SPECIAL, /* `special` says what */
};

enum filter_special {
    SPECIAL_NONE,
    SPECIAL_HAS_PRIMARY_IP,
    SPECIAL_HAS_OOB_IP,
    SPECIAL_HAS_INTERFACES,
    SPECIAL_HAS_CONTEXT,
    SPECIAL_HAS_NONE,       /* of what no device here has */
    SPECIAL_ADDRESS,        /* of an IP address: with or without its length */
    SPECIAL_PARENT,         /* addresses within a prefix */
    SPECIAL_ASSIGNED,       /* to an interface */
    SPECIAL_PRIMARY_MAC,    /* is it its interface's primary one */
    SPECIAL_FAMILY,         /* 4, 6 */
    SPECIAL_PREFIX,         /* exactly this one */
    SPECIAL_WITHIN,         /* in this one, not itself */
    SPECIAL_WITHIN_INCLUDE, /* in this one, or itself */
    SPECIAL_CONTAINS,       /* an address or a prefix */
    SPECIAL_VRF,            /* "null" matches all: there is the global table only */
    SPECIAL_ASSIGNED_TYPE,  /* of addresses and MAC addresses: "dcim.interface" */
    SPECIAL_SCOPE_TYPE,     /* of a prefix: "dcim.site" */
    SPECIAL_SCOPE_ID,
    SPECIAL_OBJECT_TYPE, /* a custom field's or a tag's: what it is for */
};

/* Where a filter's column stands, seen from the model's row. */
enum filter_via {
    VIA_SELF,
    VIA_DEVICE,      /* interface -> its device */
    VIA_INTERFACE,   /* MAC, IP -> its interface */
    VIA_TYPE,        /* device -> its device type */
    VIA_MACS,        /* interface -> any of its MAC addresses */
    VIA_DEVICE_MACS, /* device -> any MAC address of any of its interfaces */
    VIA_COUNT
};

/* What a name's last part, after "__", asks for. A model's filter takes those that its kind takes. */
enum filter_op {
    OP_IS,
    OP_N,  /* is not */
    OP_IC, /* contains, in any case; OP_N...: does not */
    OP_NIC,
    OP_ISW, /* begins with */
    OP_NISW,
    OP_IEW, /* ends with */
    OP_NIEW,
    OP_IE, /* is, in any case */
    OP_NIE,
    OP_EMPTY,
    OP_REGEX,
    OP_IREGEX,
    OP_LT,
    OP_LTE,
    OP_GT,
    OP_GTE,
    OP_COUNT
};

struct filter {
    const char *name; /* of the query, without suffix */
    enum filter_kind kind;
    const char *column;
    enum filter_via via;
    enum model_id to; /* of the reference kinds */
    const char *key;  /* of the key kinds: its column */
    const struct choice *choices;
    enum filter_special special;
};

/* Who sees a row, where the asker is a tenant's; README.md has the rule. */
enum model_scope {
    SCOPE_CATALOGUE, /* all see it, nobody of a tenant changes it */
    SCOPE_OWN,       /* the tenant's; of the device's tenant where it belongs to one */
    SCOPE_SHARED,    /* the tenant's, to change; those of no tenant, to see */
};

struct model {
    enum model_id id;
    const char *app, *endpoint; /* "dcim", "devices": /api/dcim/devices/ */
    const char *type;           /* "dcim.device" */
    const char *word;           /* "Device": "No Device matches the given query." */
    const char *noun, *nouns;   /* "device", "devices": in sentences */
    const char *table;
    const char *display; /* the column that is its name for people */
    const char *order;   /* what a list is sorted by, as in `ordering` */
    enum model_scope scope;
    const struct field *fields;
    size_t fields_n; /* at most 64 */
    const struct filter *filters;
    size_t filters_n;
};

const struct model *model_get(enum model_id id);
/* By the two words of its path, or by "dcim.device"; NULL when there is none. Not NUL-terminated texts. */
const struct model *model_by_path(const char *app, size_t app_n, const char *endpoint, size_t endpoint_n);
const struct model *model_by_type(const char *type);

/* The number of a field; -1 when it has none of that name. */
int model_field(const struct model *m, const char *name);
/* Bits of fields: the whole object, and the brief one. */
uint64_t model_all(const struct model *m);
uint64_t model_brief(const struct model *m);

/* The filter of a query's name, "name__ic", and what its suffix asks for; NULL when the model has none of
 * that name, or it does not take this suffix: NetBox passes such a name over. Names of custom fields, "cf_x",
 * are not here. */
const struct filter *model_filter(const struct model *m, const char *name, enum filter_op *ret_op);
/* The suffixes that a filter takes, as bits 1 << OP_...; for the schema. And a suffix's text: "__ic", "". */
unsigned filter_ops(const struct filter *f);
const char *op_suffix(enum filter_op op);

/* NULL when it is none of them. */
const struct choice *choice_find(const struct choice *list, const char *value);

#endif

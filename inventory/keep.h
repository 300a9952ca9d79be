/* keep: the objects of the inventory file, each as a text for each of its keys.
 *
 * One table (keep_keys.c), a row a key: reading a file (import.h), writing one (export.h) and the store's
 * side (keep_put and its kind) all go by it. To add a key is to add a row there, and its column to the three
 * statements of its model in store_keep.c.
 *
 * A value is its canonical text, as the file and the store have it alike, so that equal values are equal
 * texts:
 *
 *   | type                     | text                                                             |
 *   |--------------------------|------------------------------------------------------------------|
 *   | KEY_BOOL                 | "1", "0"                                                         |
 *   | KEY_INT, KEY_REAL        | digits; a real without needless zeros                            |
 *   | KEY_REF                  | the slug of what is meant                                        |
 *   | KEY_TAGS                 | slugs, sorted, with commas                                       |
 *   | KEY_JSON, _FIELDS, _LIST | JSON, keys sorted, no blanks                                     |
 *   | KEY_OPTIONS              | the number of a set of DHCP options (options_keep)               |
 *   | KEY_MAC                  | the address as a decimal number                                  |
 *   | KEY_ADDRESS, KEY_PREFIX  | as people write it, "10.0.0.1/24", "2001:db8::1/64"              |
 *
 * "" is none; NULL is "nothing is said": such a key of an object that exists stays as it is, or falls back to
 * what a new one has where the table says `resets` (what files could say before there was anything else). */
#ifndef INVENTORY_KEEP_H
#define INVENTORY_KEEP_H

#include <jansson.h>

#include "base/arena.h"
#include "inventory/device.h"
#include "inventory/model.h"
#include "inventory/store.h"

enum key_type {
    KEY_TEXT,  /* one line, at most 200 characters */
    KEY_LINES, /* any number of lines */
    KEY_SLUG,
    KEY_NAME, /* of an object that has a slug: where nothing is said, a new one is called as its slug */
    KEY_HOST, /* a device's name */
    KEY_WORD, /* one of `words` */
    KEY_COLOR,
    KEY_BOOL,
    KEY_INT,
    KEY_REAL,
    KEY_REF,
    KEY_TYPE, /* a device's model: with its manufacturer it is a device type */
    KEY_DISK,
    KEY_MAC,
    KEY_ADDRESS,
    KEY_PREFIX,
    KEY_IP4,
    KEY_OPTIONS,
    KEY_LIST,
    KEY_JSON,
    KEY_FIELDS,
    KEY_TAGS,
};

struct keep_key {
    const char *key;
    enum key_type type;
    enum model_id to;         /* of KEY_REF */
    const char *missing;      /* of a new object */
    const char *const *words; /* of KEY_WORD; ends with NULL */
    bool resets, null;        /* null: the column has NULL for "" */
    int64_t max;              /* of a number; of a text: characters */
};

#define KEEP_KEYS 24
struct keep_kind {
    const char *list, *noun; /* of the file: "sites", "site" */
    size_t identity;         /* the first so many keys say which one it is */
    size_t n;
    const struct keep_key *keys;
};
const struct keep_kind *keep_kind(enum model_id m); /* NULL: the file has none of these */
/* In the order in which they may refer to each other; ends with MODEL_NONE. Devices and what is theirs are
 * not among them. */
extern const enum model_id keep_order[];
/* The number of a key; it must be one. */
size_t keep_at(enum model_id m, const char *key);

/* What is said of one object. */
struct said {
    enum model_id model;
    const char *v[KEEP_KEYS]; /* lent by who says it */
    const void *place;        /* the reader's own: where it stands */
};

/* The one that an interface boots with is said first; `boot` false: none of the list is that. */
struct said_interface {
    struct said o;
    bool primary;
    size_t macs_n, addresses_n;
    struct said *macs, *addresses;
    bool macs_whole, addresses_whole; /* what is not listed goes; else only what it booted with before */
    bool boot_mac, boot_address;
};
struct said_device {
    struct said o;
    size_t interfaces_n;
    struct said_interface *interfaces;
    bool partial; /* interfaces that struct device cannot say (without a MAC address, mgmt_only) stay */
    const char *primary_ip4, *primary_ip6, *oob_ip; /* of its addresses, or ""; NULL: see above */
};

/* One import, or one device_put. */
struct keeper {
    struct store *s;
    const char *actor;
    int64_t at_ms;
    struct arena arena; /* of the object that is put now; who calls keep_put resets it */
    /* May this device's MAC or IP address be given to another? NULL: none's. */
    bool (*may_take)(void *ctx, const char *device);
    /* NULL, or told of what comes into being by being named by `by`. */
    void (*made)(const char *what, const char *slug, const char *by, void *ctx);
    void *ctx;
    bool many;         /* see keep_many */
    const void *fault; /* after an error: the place of the object that it is about, or NULL */
    struct keep_state *state;
};
void keeper_free(struct keeper *k);

enum keep_did { KEEP_SAME, KEEP_CHANGED, KEEP_NEW };
/* Inside a transaction. ERR_CONFLICT: it is a NetBox's and would change, or an address is another's. */
int keep_put(struct keeper *k, struct said *x, enum keep_did *did, struct err *e);
/* Many devices follow: what reads them anew is told of each once. keep_end ends it. */
int keep_many(struct keeper *k, struct err *e);
int keep_put_device(struct keeper *k, struct said_device *x, int64_t *ret_id, enum keep_did *did,
                    struct err *e);
/* ERR_INPUT when locations are in each other, round and round. */
int keep_check(struct keeper *k, struct err *e);
/* The last of a transaction: addresses that nobody took over go. */
int keep_end(struct keeper *k, struct err *e);

/* ---- reading, for export */

/* The numbers of all of a kind (of ip_addresses: those that no interface has), sorted as a file has them.
 * Free *ret. */
int keep_ids(struct store *s, enum model_id m, int64_t **ret, size_t *ret_n, struct err *e);
/* ERR_NOT_FOUND. What it says is a's. */
int keep_get(struct store *s, enum model_id m, int64_t id, struct arena *a, struct said *ret, struct err *e);
int keep_get_device(struct store *s, int64_t id, struct arena *a, struct said_device *ret, struct err *e);

/* The custom field of this name: its type and the models that it is for; ERR_NOT_FOUND. */
struct keep_field {
    char type[16];
    bool required;
    const char *object_types, *choices; /* JSON lists; a's */
};
int keep_field(struct store *s, const char *name, struct arena *a, struct keep_field *ret, struct err *e);
/* What is wrong with the value, as the API says it; NULL when it is good. */
const char *keep_field_fault(const struct keep_field *f, const json_t *v);

/* JSON in its canonical form; NULL when it is none. */
char *keep_json(struct arena *a, const char *text);

#endif

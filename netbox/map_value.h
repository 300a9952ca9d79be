/* map_value: one value of NetBox's JSON: what it has to be, and what becomes of it on the stage. Pure. For
 * map.c only. */
#ifndef NETBOX_MAP_VALUE_H
#define NETBOX_MAP_VALUE_H

#include "netbox/map.h"

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

/* Where a value is read from and put. */
struct place {
    const struct netbox_config *config;
    enum sync_kind kind;
    const struct column *column;
    const json_t *object;
    struct mapped *to;
};

/* The value is another thing than what NetBox says it is: ERR_CORRUPT, with the object's URL and the key. */
int value_wrong(const struct place *at, const char *is_not, struct err *e);
/* Puts the columns that at->column->shape stands for. What cannot be kept is a fault of the object. */
int value_put(const struct place *at, const json_t *v, struct err *e);
/* The next column, without a shape. */
void value_put_null(const struct place *at);
void value_put_int(const struct place *at, int64_t i);
void value_put_text(const struct place *at, const char *s); /* lent */
int value_put_mac(const struct place *at, const json_t *v, struct err *e);
/* Neither null nor an empty text. */
bool value_is_set(const json_t *v);
/* A gateway as people write one, with or without a length; 0: it is none. */
int64_t value_gateway(const json_t *v);
/* What it is assigned to: "dcim.interface"; "" for nothing. */
const char *value_assigned_type(const json_t *o);

#endif

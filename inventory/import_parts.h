/* import_parts: what import.c, import_read.c and import_assign.c share. For these only. */
#ifndef INVENTORY_IMPORT_PARTS_H
#define INVENTORY_IMPORT_PARTS_H

#include "base/yaml.h"
#include "inventory/import.h"
#include "inventory/keep.h"

/* One device of the file. Lent by the item of the document, and by the keeper's arena. */
struct item {
    struct said_device said;
    const char *name, *image; /* image: "" for none */
    bool has_protected, protected;
    struct yaml_node *node, *name_node, *image_node;
};

struct seen_list;
struct import {
    const char *file;
    const struct import_options *o;
    struct keeper k;
    bool writing;      /* in the transaction: what needs the store can be read */
    const char *about; /* "device hv-01: " while that is read, else "" */
    struct seen_list *seen;
    bool more; /* some device has an image, or is protected or not */
    struct import_result result;
};

/* Puts the place in front of an error from elsewhere, and keeps its kind. */
int at_place(const struct import *im, const struct yaml_node *n, struct err *e);

/* import_read.c: nodes as what is said. */
int read_object(struct import *im, struct yaml_node *n, enum model_id m, struct said *ret, struct err *e);
int read_item(struct import *im, struct yaml_node *n, struct item *ret, struct err *e);
/* import_value.c: one value as its canonical text. */
int read_value(struct import *im, enum model_id m, const struct keep_key *key, struct yaml_node *map,
               struct yaml_node *n, const char **ret, struct err *e);
int read_error(const struct import *im, const struct yaml_node *n, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* import_assign.c: the device's image, in the transaction and after the device itself. */
int assign_item(struct import *im, const struct item *it, const struct device *d, struct err *e);

#endif

/* store_record_write: what the files that write records share. For inventory/store_record*.c only.
 *
 * A write is collected first: every field of the body becomes a column with its new value, or a fault. Then
 * the model's rules look at it, then it is written, and the rules see to what hangs together with it. All of
 * it is in one transaction, so that what is found wrong late leaves nothing behind.
 */
#ifndef INVENTORY_STORE_RECORD_WRITE_H
#define INVENTORY_STORE_RECORD_WRITE_H

#include "inventory/store_record.h"

#define COLUMNS_MAX 72

struct column {
    const char *name;
    struct db_value v;
};

/* A reference that was written, and may be a null. */
struct given {
    bool said;
    int64_t id; /* 0: null */
};

struct write {
    struct store *s;
    const struct who *w;
    const struct model *m;
    int64_t id; /* 0: until it is created */
    bool create, whole;
    const json_t *body;
    struct faults *f;
    struct err *e;
    struct written *ret;
    struct arena memory; /* of the columns' values */
    struct column columns[COLUMNS_MAX];
    size_t n;
    uint64_t said; /* fields that the body has */

    /* What is not a column of its own. */
    bool has_tags, tags_replace;
    struct db_ids tags, tags_off;
    struct given primary_mac;
    const char *object_type; /* of assigned_object_type or scope_type: "" for null; NULL: not said */
    struct given object_id;
    bool has_disk, has_protected, protect;
    bool placed; /* a device comes to another place of a rack, or becomes of another size */
    char disk[DISK_SELECTOR_MAX], disk_before[DISK_SELECTOR_MAX];
    int64_t old_device, device; /* that it hangs on, before and after; 0: none */
};

/* ---- store_record_value.c: JSON to columns. A wrong value is a fault; -1 is the store's failure. */

void column_set(struct write *x, const char *name, struct db_value v);
const struct column *column_find(const struct write *x, const char *name);
struct db_value value_text(struct write *x, const char *s);
int value_read(struct write *x, const struct field *f, const json_t *v);
/* What an id, or an object of attributes, refers to, among what the asker sees; *ret 0 and a fault if
 * nothing. */
int ref_read(struct write *x, const char *field, const struct model *to, const json_t *v, int64_t *ret);
int tags_read(struct write *x, const char *field, const json_t *v, struct db_ids *ret);
int custom_write_read(struct write *x, const json_t *v);
json_t *custom_stored(struct write *x); /* the user's, as the object has them now; never NULL */

/* ---- store_record_rules.c: what is true of one model, or of one device as a whole */

struct rules {
    int (*before)(struct write *x);  /* columns may be added, faults found; may be NULL */
    int (*after)(struct write *x);   /* the row is written */
    int (*removal)(struct write *x); /* the row is about to go */
};
const struct rules *rules_of(const struct model *m);

/* Makes a device's own choices hold together again: which MAC address an interface boots with, which address
 * DHCP gives it, and which address is the device's. */
int device_settle(struct store *s, int64_t device, int64_t at_ms, struct err *e);

#endif

/* store_keep: what store_keep.c and store_keep_device.c share. For these two only. */
#ifndef INVENTORY_STORE_KEEP_H
#define INVENTORY_STORE_KEEP_H

#include "inventory/change.h"
#include "inventory/keep.h"
#include "inventory/store_sql.h"

/* The reference of a kind that was looked up last: neighbours in a file mostly name the same. */
struct keep_memo {
    int64_t site, id;
    char slug[104];
};

struct keep_state {
    struct keep_memo memo[MODEL_COUNT];
    struct db_ids loose_macs,
        loose_addresses;  /* taken off an interface; keep_end removes those still loose */
    struct change change; /* of the object that is put now */
    bool changed;
    int64_t position; /* of a new interface, */
    bool primary;     /* and whether it is the device's primary one: columns that are no keys */
    bool told;        /* the error says which device it is about */
};

/* What an object is to be in full, and the rows that it refers to. */
struct keep_full {
    const char *v[KEEP_KEYS];
    int64_t ref[KEEP_KEYS];
};

int keep_fault(struct keeper *k, const struct said *x);
/* The object of this number (0: a new one, of `parent`) as it is said. `prefix`: what is put before its keys
 * in the journal, or NULL. Writes nothing where nothing differs. */
int keep_write(struct keeper *k, const struct said *x, int64_t id, int64_t parent, const char *prefix,
               int64_t *ret_id, struct err *e);
int keep_find(struct keeper *k, const struct said *x, int64_t *ret_id, struct err *e); /* 1, 0, -1 */
/* "10.0.0.1/24" in its two columns; IPv6 fills `bytes`. */
struct db_value keep_address_value(const char *text, uint8_t bytes[16], int64_t *ret_length);
/* Its column's text, "167772161/24" or "20010DB8.../64", as people write it. */
const char *keep_address_text(struct arena *a, const char *column);

#endif

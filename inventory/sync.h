/* sync: a NetBox's objects come into the inventory. What was read is put on a stage (a file of its own beside
 * the store, which no crash makes worth keeping), checked and compared there, and only what differs is
 * written.
 *
 * Life cycle of one sync: sync_open (one at a time: a lock), sync_stage for each object, in an incremental
 * one sync_touch and sync_touched, then sync_check (changes nothing; refuses what must not be), sync_apply
 * (short transactions, each consistent in itself), sync_finish, sync_close. What ends before sync_check
 * changed nothing.
 *
 * Whose is what: rows with a netbox_id are NetBox's. A row of ours with the same slug is adopted; a device of
 * ours with the same name is, when it has a MAC address of NetBox's device or none at all. What cannot be
 * brought in without a guess is left as it was, and becomes a fault.
 */
#ifndef INVENTORY_SYNC_H
#define INVENTORY_SYNC_H

#include <stdatomic.h>

#include "inventory/device.h"

#define ACTOR_NETBOX "netbox"

/* In the order in which they are read: what refers before what is referred to, so that no reference leads to
 * what came into being later. */
enum sync_kind {
    SYNC_IP,
    SYNC_MAC,
    SYNC_INTERFACE,
    SYNC_DEVICE,
    SYNC_PREFIX,
    SYNC_RACK,
    SYNC_LOCATION,
    SYNC_SITE,
    SYNC_DEVICE_TYPE,
    SYNC_PLATFORM,
    SYNC_MANUFACTURER,
    SYNC_ROLE,
    SYNC_TENANT,
    SYNC_CUSTOM_FIELD,
    SYNC_TAG,
    SYNC_KINDS
};
/* NetBox's word for a kind, "dcim.device"; SYNC_KINDS when it is none of these. */
const char *sync_type(enum sync_kind kind);
enum sync_kind sync_kind_of(const char *type);

struct sync_value {
    enum { SYNC_NULL, SYNC_INT, SYNC_TEXT, SYNC_BLOB } type;
    int64_t i;
    const void *p; /* lent */
    size_t n;
};

#define SYNC_COLUMNS 24
#define SYNC_TAGS    64
/* One object, its values in the order of its columns on the stage (store_sync.c). */
struct sync_row {
    enum sync_kind kind;
    int64_t id;
    size_t n;
    struct sync_value v[SYNC_COLUMNS];
    size_t tags_n;
    int64_t tags[SYNC_TAGS];
    /* It cannot be brought in, or not all of it: a kind ("name") and a sentence; "" for none. */
    char fault[NAME_SIZE], sentence[300];
    bool unusable; /* it is left out because of that */
};

struct sync;
/* ERR_CONFLICT while another sync is under way. stop (may be NULL) breaks off what runs. */
int sync_open(const char *state_dir, const atomic_bool *stop, struct sync **ret, struct err *e);
void sync_close(struct sync *y); /* takes NULL */
struct store *sync_store(struct sync *y);
/* Empties the stage. */
int sync_clear(struct sync *y, struct err *e);
/* Ends the transaction that staging is in; what is staged stays. */
int sync_staged(struct sync *y, struct err *e);

/* ERR_CORRUPT when the object was staged already: NetBox gave it twice. `again`: it may replace what was
 * staged. */
int sync_stage(struct sync *y, const struct sync_row *row, bool again, struct err *e);
/* A fault that is seen while the objects are read. */
int sync_fault(struct sync *y, const char *kind, enum sync_kind of, int64_t id, const char *sentence,
               struct err *e);
/* The gateways of prefixes, when these stand elsewhere than on the prefix: this address is one. */
int sync_gateway(struct sync *y, int64_t address, struct err *e);

/* ---- which devices an incremental sync reads anew */

/* This object has changed, or is gone; device: whose it is now (0: unknown, or none). */
int sync_touch(struct sync *y, enum sync_kind kind, int64_t id, int64_t device, struct err *e);
/* What webhooks have asked for (all that there is until now), and what had a fault: touched. */
int sync_touch_asked(struct sync *y, struct err *e);
typedef int sync_id_fn(int64_t netbox_id, void *ctx, struct err *e);
/* Objects that were touched and whose device is not known: of one kind. */
int sync_unplaced(struct sync *y, enum sync_kind kind, sync_id_fn *fn, void *ctx, struct err *e);
/* The devices of everything that was touched, by whom it is now and by whom it was in the store. */
int sync_touched(struct sync *y, sync_id_fn *fn, void *ctx, struct err *e);

/* ---- what comes of it */

struct sync_options {
    bool full;           /* everything was staged: what is not on the stage is gone */
    unsigned max_drop;   /* percent of NetBox's devices that may go */
    int64_t accept_drop; /* exactly so many may; 0: none beyond max_drop */
    size_t wipe_limit, count;
    uint32_t expiry_s;
    char arm_status[64];     /* ",planned,staged," */
    const atomic_bool *stop; /* ends it between two transactions; may be NULL */
    bool keep_routers;       /* the gateways of prefixes were not all read: what is there stays */
    /* All that NetBox changed before this (seconds since 1970; 0: not known) was read by an earlier sync. An
     * image that is new to us and older there is of a database that was put back, or of a right that the
     * token did not have: nobody asked for it now. It holds all arming until a person says --count, or
     * nothing waits. So does hold: the configuration is another one. */
    int64_t known_s;
    bool hold;
};

struct sync_result {
    int64_t devices, created, changed, removed, adopted; /* devices: that are NetBox's now */
    int64_t catalogue;                                   /* other rows written */
    int64_t armed, cancelled, waiting;                   /* waiting: would be armed, and are too many */
    bool held;                                           /* they wait for a person, however few they are */
    int64_t faults;                                      /* that there are now */
};

/* Devices that would go (their netbox_id), for the caller to ask NetBox for once more. */
int sync_vanished(struct sync *y, bool full, sync_id_fn *fn, void *ctx, struct err *e);
/* ERR_REFUSED when too many devices would go; nothing was changed. */
int sync_check(struct sync *y, const struct sync_options *o, struct err *e);
int sync_apply(struct sync *y, const struct sync_options *o, int64_t at_ms, struct sync_result *ret,
               struct err *e);

/* ---- where the copy stands */

/* A word kept beside the store's rows: "since/dcim.device", "last_success_ms", ...; "" when there is none. */
int sync_state_get(struct store *s, const char *key, char *buf, size_t size, struct err *e);
int sync_state_put(struct store *s, const char *key, const char *value, struct err *e);

/* Is anything asked for by a webhook (sync_request.h)? 1, 0, -1. */
int sync_asked(struct store *s, struct err *e);
/* What was asked for before this sync began has been read. */
int sync_answered(struct sync *y, struct err *e);

struct sync_fault {
    char kind[NAME_SIZE], sentence[300], object_type[NAME_SIZE], device[NAME_SIZE];
    int64_t netbox_id, since_ms;
};
typedef int sync_fault_fn(const struct sync_fault *f, void *ctx);
int sync_fault_count(struct store *s, int64_t *ret, struct err *e);
int sync_fault_each(struct store *s, sync_fault_fn *fn, void *ctx, struct err *e);

#endif

/* state: the life of a device, as one table.
 *
 *   unknown -> idle -> armed -> booting -> installing -> installed -> starting -> enrolling -> ready
 *                       ^                                                                     |
 *                       +------------------------- assign (from any but installing) ----------+
 * failed(reason) from any
 *
 * device_transition (device_move) is the only writer of a device's state: it checks the table, writes state,
 * reason and the journal's entry in one transaction. Nothing else writes a state. */
#ifndef INVENTORY_STATE_H
#define INVENTORY_STATE_H

#include "base/err.h"
#include "inventory/change.h"
#include "inventory/store.h"

enum device_state {
    STATE_UNKNOWN, /* a MAC address was seen that no device has; no row in the store has this state */
    STATE_IDLE,
    STATE_ARMED,      /* a job waits for the machine */
    STATE_BOOTING,    /* its boot script, with a token, has left */
    STATE_INSTALLING, /* the installer has claimed the job */
    STATE_INSTALLED,  /* disk written and verified; the job is spent */
    STATE_STARTING,   /* the image's agent has reported */
    STATE_ENROLLING,  /* it has posted its key */
    STATE_READY,      /* it has answered the master */
    STATE_FAILED,
    STATE_COUNT
};

const char *state_name(enum device_state s);
int state_parse(const char *name, enum device_state *ret, struct err *e);
bool state_may(enum device_state from, enum device_state to);

/* event and detail are the journal's; reason is for STATE_FAILED ("image-corrupt"), else NULL. ERR_CONFLICT
 * when the table forbids it. Staying in the same state is allowed where the table says so, and then only
 * journals. */
int device_transition(struct store *s, int64_t device_id, enum device_state to, const char *reason,
                      const char *actor, const char *event, const char *detail, int64_t at_ms, struct err *e);
/* The same, of a move that changes more of the device than its state, which the caller has written. */
struct move {
    int64_t device_id;
    enum device_state to;
    const char *reason, *actor, *event, *detail;
    const struct change *change; /* NULL: nothing more */
};
int device_move(struct store *s, const struct move *m, int64_t at_ms, struct err *e);

#endif

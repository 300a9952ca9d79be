/* sync: one sync with a NetBox, from the first request to the last row. The command and courier run the same.
 *
 * Full: everything is read. Incremental: what has changed since (last_updated), what webhooks named, what was
 * deleted (object-changes, where the token's user may see them) and what had a fault; the devices that any of
 * it belongs to are read whole. A sync is full when there was none before, when the last full one is
 * netbox.full_interval ago, when the configuration of the sync has changed, or when more has changed than is
 * worth reading piece by piece.
 */
#ifndef NETBOX_SYNC_H
#define NETBOX_SYNC_H

#include <stdatomic.h>

#include "inventory/sync.h"
#include "netbox/netbox.h"

struct netbox_run {
    bool full;
    size_t count;        /* exactly so many devices may be armed; 0: wipe_limit */
    int64_t accept_drop; /* exactly so many devices may go; 0: max_drop */
    size_t wipe_limit;
    uint32_t job_expiry_s;
    bool tell; /* netbox_follow tells NetBox what became of its devices (write.h): courier's alone, as two
                  would tell it twice */
    const atomic_bool *stop; /* ends it early, with ERR_UNAVAILABLE; may be NULL */
};

struct netbox_outcome {
    bool full;
    unsigned version;
    struct sync_result result;
    int64_t read_ms, apply_ms; /* how long it took */
};

/* What became of it is in the store's state too (netbox_standing). ERR_CONFLICT: another one is under way. */
int netbox_sync(const char *state_dir, const struct netbox_config *c, const struct netbox_run *run,
                struct netbox_outcome *ret, struct err *e);

/* How things stand; times are 0 for never. */
struct netbox_standing {
    char url[256], error[640], version[16];
    int64_t attempt_ms, success_ms, full_ms;
    int64_t devices, faults, waiting;
};
int netbox_standing(struct store *s, struct netbox_standing *ret, struct err *e);
/* "NetBox's copy is 3 min old", "NetBox has not answered since ...: why". */
char *netbox_standing_text(const struct netbox_standing *n, int64_t at_ms, char buf[800]);

#endif

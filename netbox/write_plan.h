/* write_plan: what a NetBox is told of an entry of our journal, and of where a device stands. Pure.
 *
 * A step of a device's life becomes an entry of its NetBox journal. Its status and custom fields are not told
 * by entries but by what is so now: an entry only says that it is time to compare. */
#ifndef NETBOX_WRITE_PLAN_H
#define NETBOX_WRITE_PLAN_H

#include <jansson.h>

#include "inventory/journal.h"
#include "netbox/netbox.h"

/* What an entry calls for. */
enum {
    WRITE_JOURNAL = 1,
    WRITE_STATUS = 2,
    WRITE_RELEASE = 4,
    WRITE_HARDWARE = 8,
};
/* Of these, what the configuration allows; 0: nothing. What a sync has changed calls for nothing (but the job
 * that it armed is told), so that the two never drive each other round. */
unsigned write_wanted(const struct netbox_config *c, const struct entry *x);
#define WRITE_OBJECT (WRITE_STATUS | WRITE_RELEASE | WRITE_HARDWARE)

/* The body of POST extras/journal-entries/. The detail may hold what a machine said of itself: it goes as a
 * code span, in which Markdown means nothing. The caller's to json_decref. */
json_t *write_journal_body(const struct entry *x, int64_t netbox_id);

struct write_facts {
    enum device_state state;
    const char *release;    /* "image@version"; "" for none */
    const json_t *hardware; /* NULL for none */
};

/* The body of PATCH dcim/devices/N/: only what differs from `now`, the device as NetBox has it. NULL when
 * nothing does. A status that somebody has set for a reason of his own (offline, decommissioning, ...) stays.
 *
 * missing becomes the name of a custom field that NetBox's devices do not have, "" for none; the rest is
 * told. */
json_t *write_patch(const struct netbox_config *c, unsigned wanted, const struct write_facts *facts,
                    const json_t *now, char missing[NETBOX_NAME]);

#endif

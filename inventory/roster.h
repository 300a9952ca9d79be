/* roster: every device as DHCP asks for it, in memory and in step with the store: a packet costs no query.
 *
 * Life cycle: roster_open reads all devices; roster_refresh, before a batch of questions, reads anew those
 * that were changed since, by whatever process (triggers number the changes: store_schema.c); roster_find and
 * roster_owner answer from memory; roster_free. What the roster keeps of a device is what its functions fill
 * in, and a hundred bytes or two. */
#ifndef INVENTORY_ROSTER_H
#define INVENTORY_ROSTER_H

#include "inventory/job.h"

struct roster;
/* The store is lent for its life. */
int roster_open(struct store *s, struct roster **ret, struct err *e);
void roster_free(struct roster *r); /* takes NULL */

/* What every commit before this call has changed is seen after it. After a failure devices that have changed
 * may be missing: do not rely on the roster before a refresh has succeeded. */
int roster_refresh(struct roster *r, struct err *e);

/* How often all devices were read: it rises, among others, when the store was restored from a backup and
 * every number may be another's. */
unsigned roster_walks(const struct roster *r);

/* The device that has this MAC address, and its newest job. False: none has it. Of the device are filled in:
 * id, names and slugs, protected, state, reason, assigned, sets of options, interfaces. Of the job: id,
 * device, state, reason, image, machine. The rest is empty, but expires_ms, which moves with each report of
 * an installer and is not followed: it says never. A job that ran out has ended when its state says so. */
bool roster_find(const struct roster *r, struct mac m, struct device *ret, struct job *ret_job,
                 bool *ret_has_job);
/* A hint: roster_find will soon be asked for these. With many devices most of its time is waiting for memory,
 * and so it waits for all at once. */
void roster_expect(const struct roster *r, const struct mac *m, size_t n);
/* The MAC address of the interface that owns this address. False: none does. */
bool roster_owner(const struct roster *r, struct ip4 a, struct mac *ret);

#endif

/* write: a NetBox is told what became of its devices, as far as the configuration allows it: the steps of
 * their lives, their status, the release on their disk, the hardware found in them.
 *
 * It follows the store's journal from where it stood (inventory/tell.h), in order. What is told twice after a
 * crash is one journal entry at most; status and fields are compared first, and told when they differ. A
 * NetBox that is away is waited for: nothing is lost. What it refuses (400, 403) is said once, in our journal
 * and log, and left behind; the status and fields among that are tried again each ten minutes.
 *
 * Life cycle: netbox_write_new, netbox_write_run after each sync and when the store has changed,
 * netbox_write_free. All blocking, in the sync's own thread. */
#ifndef NETBOX_WRITE_H
#define NETBOX_WRITE_H

#include "inventory/store.h"
#include "netbox/client.h"

bool netbox_writes(const struct netbox_config *config); /* does the configuration allow anything? */

/* Where telling begins, unless it has begun: what happened before is history. Each sync calls it, so that the
 * jobs that the very first one arms are told. */
int netbox_write_begin(const struct netbox_config *config, struct store *s, struct err *e);

struct netbox_write;
/* All lent. The client is one for the same configuration; it may be the sync's. */
struct netbox_write *netbox_write_new(const struct netbox_config *config, struct store *s,
                                      struct netbox_client *c);
void netbox_write_free(struct netbox_write *w); /* takes NULL */

/* Tells what there is to tell; nothing (and 0) while it waits for a NetBox that was away. ERR_UNAVAILABLE:
 * NetBox is away; another kind: the store failed. */
int netbox_write_run(struct netbox_write *w, int64_t at_ms, struct err *e);
/* When it wants to run though nothing has changed; INT64_MAX: not at all. */
int64_t netbox_write_next(const struct netbox_write *w);

#endif

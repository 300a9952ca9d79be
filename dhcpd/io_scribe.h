/* io_scribe: writes to the inventory in its own time: a thread with a connection of its own, so that no
 * answer waits for the disk or for another process that writes.
 *
 * Life cycle: scribe_open, scribe_do as often as need be, scribe_close, which first does what is left. */
#ifndef DHCPD_IO_SCRIBE_H
#define DHCPD_IO_SCRIBE_H

#include <stdbool.h>

#include "inventory/store.h"

struct scribe;
int scribe_open(const char *state_dir, struct scribe **ret, struct err *e);
void scribe_close(struct scribe *s); /* takes NULL */

/* Runs in the thread and in a transaction; jobs run in order, many in one transaction. */
typedef int scribe_fn(struct store *s, void *job, struct err *e);
/* What is to be written next cannot be just now: it is kept and tried again, and so is what comes, up to a
 * bound. What can wait should. */
bool scribe_is_behind(struct scribe *s);
/* job is from malloc and given away; it has so many entries, of which the log tells when they are lost. */
void scribe_do(struct scribe *s, scribe_fn *fn, void *job, size_t entries);

/* The same for a list of entries of one size, which are copied, each written by itself. None: nothing. */
typedef int scribe_entry_fn(struct store *s, const void *entry, int64_t at_ms, struct err *e);
void scribe_each(struct scribe *s, scribe_entry_fn *fn, const void *entries, size_t size, size_t n,
                 int64_t at_ms);

#endif

/* io_notes: what the answers are worth to the journal: a device's address while something is to become of it,
 * a declined address, and strangers. Remembered while a batch is decided, written after its answers have
 * left.
 *
 * Life cycle: notes_new; for each batch notes_take for every decision, and then notes_write, or notes_forget
 * when the batch came to nothing; notes_free. */
#ifndef DHCPD_IO_NOTES_H
#define DHCPD_IO_NOTES_H

#include "dhcpd/io_records.h"
#include "dhcpd/io_scribe.h"

struct notes;
struct notes *notes_new(struct scribe *scribe); /* lent */
void notes_free(struct notes *n);               /* takes NULL */

void notes_take(struct notes *n, const struct request *q, const struct records *r, const struct facts *f,
                const struct decision *d, int64_t at_ms);
void notes_forget(struct notes *n);
void notes_write(struct notes *n, int64_t at_ms); /* by the scribe */

#endif

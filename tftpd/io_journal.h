/* io_journal: writes `loader` for transfers that ended whole, or most likely did (`doubt` says what is
 * missing, else it is ""). Entries gather for a moment and go to the store in one transaction, so that a
 * thousand machines do not cost a thousand flushes of the disk between two packets. While another process
 * keeps the inventory locked they wait, and transfers go on. A device's fetch is also its ladder's
 * (inventory/ladder.h). ago_ms: when the transfer ended. */
#ifndef TFTPD_IO_JOURNAL_H
#define TFTPD_IO_JOURNAL_H

#include "base/addr.h"
#include "base/loop.h"

struct io_journal;
int io_journal_open(const char *state_dir, struct loop *l, struct io_journal **ret, struct err *e);
void io_journal_close(struct io_journal *j); /* takes NULL; writes what waits */
void io_journal_loader(struct io_journal *j, struct ip4 peer, const char *file, uint64_t bytes, uint64_t us,
                       int64_t ago_ms, const char *doubt);

#endif

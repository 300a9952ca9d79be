/* store: the inventory's database, and the only place that knows SQL.
 *
 * inventory.db (WAL, synchronous=FULL) holds what exists and what should be; every process of the server and
 * the command line open it side by side. What a function here has returned 0 for is on the disk. leases.db is
 * inventory/lease.h's.
 *
 * Life cycle: store_open (runs the numbered migrations), the typed functions of device.h, image.h, job.h,
 * journal.h, ..., store_close. Each of those that changes something is one transaction by itself; between
 * store_begin and store_commit they join that one instead. One struct is for one thread. After a fork, open
 * anew in the child.
 */
#ifndef INVENTORY_STORE_H
#define INVENTORY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;

/* state_dir must exist and be writable. Waits up to 10 s for another writer. */
int store_open(const char *state_dir, struct store **ret, struct err *e);
/* Waits so long instead, from now on: a server's loop must not stand still for as long as a person may wait.
 * Returns how long it was. */
#define STORE_PATIENCE_SERVER 500
int store_patience(struct store *s, int ms);
/* Keeps little of the file in memory, for who asks little. */
void store_frugal(struct store *s);
/* Has no more of the file in memory than its cache holds: for who walks all of it. */
void store_unmap(struct store *s);
void store_close(struct store *s); /* takes NULL */

int store_begin(struct store *s, struct err *e); /* takes the write lock at once (BEGIN IMMEDIATE) */
int store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s); /* harmless outside a transaction */
bool store_full(
    const struct store *s); /* what failed last since a transaction began, failed for want of space */

/* What is read until the end is of one moment, and costs the locks of one read; a read alone takes and gives
 * back two. It ends by itself when a transaction begins. Short: while one lasts, the log cannot be emptied.
 */
int store_snapshot(struct store *s, struct err *e);
void store_snapshot_end(struct store *s);

/* On whose behalf this handle writes from now on: the address that the asker's connection comes from, as
 * text; NULL for none, as at the beginning. It goes into every entry of the journal. Set it for each request.
 */
#define ASKER_SIZE 46 /* an IPv6 address, NUL included */
void store_asker(struct store *s, const char *address);

/* True when another connection has committed since the last call: caches are stale, there may be work. Costs
 * a microsecond. */
bool store_changed(struct store *s);

/* Wall-clock milliseconds since 1970: what every `_ms` column holds. Functions that need the time take it as
 * an argument. */
int64_t now_ms(void);
#define TIME_STR 32
char *time_format(int64_t ms, char buf[TIME_STR]); /* "2026-11-21T10:15:00.123Z" */
/* "2026-11-21", "2026-11-21T10:15", with seconds, with a fraction of them, with a blank for the T; UTC,
 * unless it ends with +01:00; a Z may say so. ERR_INPUT. */
int time_parse(const char *text, int64_t *ret_ms, struct err *e);

#endif

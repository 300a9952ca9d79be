/* progress: the installers' reports since the last flush, the newest of each job.
 *
 * Each machine reports each second. A commit for each would cost an fsync for each; so the newest of every
 * job waits here, and io flushes them once a second, all in one transaction. What is lost by a crash is a
 * second of a progress bar. */
#ifndef HTTPBOOT_PROGRESS_H
#define HTTPBOOT_PROGRESS_H

#include "inventory/job.h"

struct progress {
    int64_t job_id, at_ms;
    uint64_t done, total, rate;
};

struct progress_table { /* zeroed: empty */
    size_t n, cap;
    struct progress *items;
};

void progress_put(struct progress_table *t, const struct progress *p);
/* Takes the report of this job out of the table; false when it has none. */
bool progress_take(struct progress_table *t, int64_t job_id, struct progress *ret);
/* Writes all of them and empties the table; when that fails, they stay for the next time. A job that has
 * ended meanwhile is passed over. */
int progress_flush(struct progress_table *t, struct store *s, struct err *e);
void progress_free(struct progress_table *t);

#endif

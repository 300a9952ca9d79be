/* installer: what the steps of one install share. Internal to install.c, io_compare.c, io_fetch.c,
 * io_progress.c. */
#ifndef AGENT_INSTALLER_H
#define AGENT_INSTALLER_H

#include <stdatomic.h>

#include "agent/api.h"
#include "agent/gpt.h"
#include "agent/install.h"
#include "agent/io_target.h"
#include "agent/plan.h"

struct installer {
    const struct install_options *o;
    struct api api;
    struct machine machine;
    struct api_job job;
    struct disk disk;
    struct target target;
    struct manifest manifest;
    char enrol_token[AGENT_TOKEN_MAX];
    bool *have;    /* by frame: the disk (or head) holds its bytes */
    uint8_t *head; /* the disk's first HEAD_BYTES, till the end */
    bool claimed, complete;
    const char *reason; /* why it failed, in the protocol's words; set before a step returns -1 */
    uint64_t began_ms;
    /* Shared by threads. */
    atomic_ullong done; /* raw bytes of DATA frames that are in place */
    atomic_ullong frames_written, frames_same, bytes_fetched;
    atomic_bool stop; /* the server does not want us any more */
};

/* Sets have[] for the frames that the disk holds already. Reads in parallel; a blank disk is not hashed. */
int compare_frames(struct installer *in, struct err *e);

/* Fetches, verifies and writes every DATA frame that have[] lacks. A frame that is wrong is fetched once
 * more. Sets reason. */
int fetch_frames(struct installer *in, struct err *e);

/* Tells server and console each second how far we are, till it is stopped. */
struct progress;
struct progress *progress_start(struct installer *in);
void progress_stop(struct progress *p); /* NULL is allowed */

unsigned worker_count(void);

#endif

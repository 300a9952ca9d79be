/* agentjson: the agent's JSON bodies (agent/PROTOCOL.md) as typed values, or a sentence. Pure; no later code
 * checks again.
 *
 * A member of the wrong type, a text that is too long, a number out of range and a member that is missing are
 * ERR_INPUT and name the member. Members that are not known are passed over, so that an older server
 * understands a newer agent. Texts come from machines that nobody vouches for: control bytes in them become
 * spaces, since they end up in logs and on screens.
 */
#ifndef HTTPBOOT_AGENTJSON_H
#define HTTPBOOT_AGENTJSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/disk.h"
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "inventory/enrolment.h"

#define AGENT_DISKS_MAX      256
#define AGENT_INTERFACES_MAX 64
#define AGENT_HOST_KEYS_MAX  8

struct agent_hello {
    struct mac mac;
    char uuid[UUID_STR]; /* as machine_uuid gives it */
    char serial[128], model[128];
    size_t disks_n, interfaces_n;
};

struct agent_claim {
    char uuid[UUID_STR];
    struct disk disk;
};

struct agent_progress {
    uint64_t done, total, rate;
};

struct agent_written {
    uint64_t frames_written, frames_same, bytes_fetched, seconds;
};

struct agent_failed {
    char reason[NAME_SIZE]; /* one of the protocol's */
    char detail[400];
};

struct agent_enrol {
    char minion_id[256];      /* "" */
    char pubkey[PUBKEY_MAX];  /* and "": the machine was told of no master */
    char ssh_host_keys[8192]; /* one a line */
};

int agent_hello_parse(struct span body, struct agent_hello *ret, struct err *e);
int agent_claim_parse(struct span body, struct agent_claim *ret, struct err *e);
int agent_progress_parse(struct span body, struct agent_progress *ret, struct err *e);
int agent_written_parse(struct span body, struct agent_written *ret, struct err *e);
int agent_failed_parse(struct span body, struct agent_failed *ret, struct err *e);
int agent_enrol_parse(struct span body, struct agent_enrol *ret, struct err *e);

/* A hello as compact JSON of less than max bytes: whole, else without its interfaces, else without its disks
 * too. The body must have been parsed by agent_hello_parse. */
int agent_facts(struct span body, size_t max, struct str *ret, struct err *e);

#endif

/* enrolment: the public keys that machines posted, and how far each has come with the configuration
 * management. httpboot writes them, courier works them off; the store is all they share. */
#ifndef INVENTORY_ENROLMENT_H
#define INVENTORY_ENROLMENT_H

#include "base/str.h"
#include "inventory/job.h"

#define PUBKEY_MAX 4096

enum enrolment_state { ENROL_POSTED, ENROL_ACCEPTED, ENROL_READY, ENROL_FAILED };
const char *enrolment_state_name(enum enrolment_state s);

struct enrolment {
    int64_t id, job_id, device_id;
    char device[NAME_SIZE];
    char minion_id[256];
    char pubkey[PUBKEY_MAX]; /* PEM, as posted */
    enum enrolment_state state;
    uint32_t attempts; /* since the last step forward */
    int64_t next_ms;   /* not before */
    char last_error[256];
};

/* Replaces an earlier one of the same job that posted the same key (a repeated call is harmless, also when
 * the job is done); another key for the same job is ERR_REFUSED. Device: enrolling. */
int enrolment_post(struct store *s, int64_t job_id, const char *minion_id, const char *pubkey,
                   const char *ssh_host_keys, int64_t at_ms, struct err *e);
/* Those due at at_ms that are posted or accepted, oldest first, at most max. */
int enrolment_due(struct store *s, int64_t at_ms, struct enrolment *ret, size_t max, size_t *ret_n,
                  struct err *e);
int enrolment_of_job(struct store *s, int64_t job_id, struct enrolment *ret,
                     struct err *e); /* ERR_NOT_FOUND when it has none */
/* Adds the public SSH host keys that the machine reported, one a line; nothing where it reported none. */
int enrolment_host_keys(struct store *s, int64_t job_id, struct str *ret, struct err *e);
int enrolment_next(struct store *s, int64_t *ret_ms,
                   struct err *e); /* when the next is due; INT64_MAX for none */
int enrolment_accepted(struct store *s, int64_t id, int64_t at_ms, struct err *e);
int enrolment_ready(struct store *s, int64_t id, const char *detail, int64_t at_ms,
                    struct err *e); /* device: ready; job: done */
/* Not this time: try again at next_ms. Journals the first failure of a kind, not each repetition. */
int enrolment_retry(struct store *s, int64_t id, const char *why, int64_t next_ms, int64_t at_ms,
                    struct err *e);
int enrolment_fail(struct store *s, int64_t id, const char *reason, const char *detail, int64_t at_ms,
                   struct err *e);

#endif

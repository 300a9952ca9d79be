/* store_job: what the store's files about jobs, tokens and enrolments share. Each joins the caller's
 * transaction. */
#ifndef INVENTORY_STORE_JOB_H
#define INVENTORY_STORE_JOB_H

#include "inventory/job.h"
#include "inventory/store_sql.h"

/* Who acts: the installer and the agent speak to httpboot; courier keeps the times and enrols. */
#define ACTOR_HTTPBOOT "httpboot"
#define ACTOR_COURIER  "courier"

/* Writes the job's state; reason is of JOB_FAILED, else "". */
int job_state_set(struct store *s, int64_t id, enum job_state state, const char *reason, struct err *e);
/* A sign of life: the expiry counts anew from here. */
int job_alive(struct store *s, int64_t id, int64_t at_ms, struct err *e);
/* The work of job_started. */
int job_start(struct store *s, const struct job *j, const char *detail, int64_t at_ms, struct err *e);
/* ERR_CONFLICT when the device has a newer job: what an old one's system reports is no longer the device's
 * state. */
int job_is_newest(struct store *s, const struct job *j, struct err *e);

/* Whatever the device's jobs have left behind (tokens, enrolments that go on) no longer counts; why: a
 * sentence. */
int jobs_retire(struct store *s, int64_t device_id, const char *why, struct err *e);

/* A claim: is it this job's turn? If not, it is entered among those that wait, or kept there. */
int turn_take(struct store *s, const struct job *j, const struct admission_limit *l, int64_t at_ms,
              struct turn *ret, struct err *e);

enum token_rows { TOKENS_INSTALL = 1, TOKENS_ENROL = 2, TOKENS_ALL = 3 };
int tokens_drop(struct store *s, int64_t job_id, enum token_rows which, struct err *e);

#endif

/* store_enrolment: how far each machine has come with the configuration management. */
#include "inventory/enrolment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/store_job.h"

static const char *const names[] = {
    [ENROL_POSTED] = "posted",
    [ENROL_ACCEPTED] = "accepted",
    [ENROL_READY] = "ready",
    [ENROL_FAILED] = "failed",
};
#define STATES (sizeof names / sizeof *names)

const char *enrolment_state_name(enum enrolment_state s)
{
    return (size_t)s < STATES ? names[s] : "?";
}

/* ---- reading */

#define ENROLMENT                                                                                            \
    "SELECT n.id, n.job_id, j.device_id, d.name, n.minion_id, n.pubkey, n.state, n.attempts, n.next_ms, "    \
    "n.last_error"                                                                                           \
    " FROM enrolments n JOIN jobs j ON j.id = n.job_id JOIN devices d ON d.id = j.device_id "

static int enrolment_read(sqlite3_stmt *q, struct enrolment *x, struct err *e)
{
    char state[NAME_SIZE];
    memset(x, 0, sizeof *x);
    x->id = db_int(q, 0);
    x->job_id = db_int(q, 1);
    x->device_id = db_int(q, 2);
    db_text(q, 3, x->device, sizeof x->device);
    db_text(q, 4, x->minion_id, sizeof x->minion_id);
    db_text(q, 5, x->pubkey, sizeof x->pubkey);
    db_text(q, 6, state, sizeof state);
    x->attempts = (uint32_t)db_int(q, 7);
    x->next_ms = db_int(q, 8);
    db_text(q, 9, x->last_error, sizeof x->last_error);
    for (size_t i = 0; i < STATES; i++) {
        if (strcmp(state, names[i]) == 0) {
            x->state = (enum enrolment_state)i;
            return 0;
        }
    }
    return err_set(e, ERR_CORRUPT, "the enrolment of %s has the unknown state \"%s\"", x->device, state);
}

static int enrolment_load(struct store *s, const char *sql, int64_t key, struct enrolment *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(key)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        r = enrolment_read(q, ret, e) < 0 ? -1 : 1;
        db_done(q);
    }
    return r;
}

static int enrolment_get(struct store *s, int64_t id, struct enrolment *ret, struct err *e)
{
    int r = enrolment_load(s, ENROLMENT "WHERE n.id = ?", id, ret, e);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "there is no enrolment number %" PRId64, id) : r < 0 ? -1 : 0;
}

int enrolment_of_job(struct store *s, int64_t job_id, struct enrolment *ret, struct err *e)
{
    int r = enrolment_load(s, ENROLMENT "WHERE n.job_id = ?", job_id, ret, e);
    return r == 0  ? err_set(e, ERR_NOT_FOUND, "the job number %" PRId64 " has posted no key", job_id)
           : r < 0 ? -1
                   : 0;
}

int enrolment_due(struct store *s, int64_t at_ms, struct enrolment *ret, size_t max, size_t *ret_n,
                  struct err *e)
{
    sqlite3_stmt *q;
    size_t n = 0;
    int r;
    if (db_query(
            s,
            ENROLMENT
            "WHERE n.state IN ('posted', 'accepted') AND n.next_ms <= ? ORDER BY n.next_ms, n.id LIMIT ?",
            DB_VALUES(db_i(at_ms), db_i((int64_t)max)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        if (enrolment_read(q, &ret[n++], e) < 0) {
            db_done(q);
            return -1;
        }
    }
    *ret_n = n;
    return r;
}

int enrolment_next(struct store *s, int64_t *ret_ms, struct err *e)
{
    int64_t next = INT64_MAX;
    if (db_number(
            s,
            "SELECT next_ms FROM enrolments WHERE state IN ('posted', 'accepted') ORDER BY next_ms LIMIT 1",
            NULL, 0, &next, e) < 0) {
        return -1;
    }
    *ret_ms = next;
    return 0;
}

/* ---- posting */

static int step_forward(struct store *s, int64_t id, enum enrolment_state to, int64_t at_ms, struct err *e)
{
    return db_run(s,
                  "UPDATE enrolments SET state = ?, attempts = 0, last_error = '', next_ms = ? WHERE id = ?",
                  DB_VALUES(db_t(names[to]), db_i(at_ms), db_i(id)), e);
}

struct post {
    const char *minion_id, *pubkey, *ssh_host_keys;
};

static int post_check(const struct post *p, struct err *e)
{
    if (!p->minion_id[0] || strlen(p->minion_id) >= sizeof((struct enrolment *)0)->minion_id) {
        return err_set(e, ERR_INPUT, "the minion's id is empty or too long");
    }
    if (!p->pubkey[0] || strlen(p->pubkey) >= PUBKEY_MAX) {
        return err_set(e, ERR_INPUT, "the public key is empty or longer than %d bytes", PUBKEY_MAX - 1);
    }
    return 0;
}

static int post_new(struct store *s, const struct job *j, const struct post *p, int64_t at_ms, struct err *e)
{
    static const char sql[] =
        "INSERT INTO enrolments (job_id, minion_id, pubkey, ssh_host_keys, state, posted_ms, next_ms)"
        " VALUES (?1, ?2, ?3, ?4, 'posted', ?5, ?5)";
    char detail[400];
    if (db_run(
            s, sql,
            DB_VALUES(db_i(j->id), db_t(p->minion_id), db_t(p->pubkey), db_t(p->ssh_host_keys), db_i(at_ms)),
            e) < 0) {
        return -1;
    }
    snprintf(detail, sizeof detail, "the machine has made a key and sent its public half, as %s",
             p->minion_id);
    return device_transition(s, j->device_id, STATE_ENROLLING, NULL, ACTOR_HTTPBOOT, "key-sent", detail,
                             at_ms, e);
}

/* The same key again: nothing to do, unless the device or the enrolment had failed and this is another try.
 */
static int post_again(struct store *s, const struct job *j, const struct enrolment *old, const struct post *p,
                      int64_t at_ms, struct err *e)
{
    if (strcmp(old->pubkey, p->pubkey) != 0 || strcmp(old->minion_id, p->minion_id) != 0) {
        return err_set(
            e, ERR_REFUSED,
            "%s has sent another key for this job before; install it anew to enrol it with a new key",
            j->device);
    }
    if (j->state == JOB_DONE) {
        return 0;
    }
    if (db_run(s, "UPDATE enrolments SET ssh_host_keys = ? WHERE id = ?",
               DB_VALUES(db_t(p->ssh_host_keys), db_i(old->id)), e) < 0) {
        return -1;
    }
    struct device d;
    if (device_get(s, j->device_id, &d, e) < 0) {
        return -1;
    }
    if (d.state == STATE_ENROLLING || d.state == STATE_READY) {
        return 0;
    }
    if (old->state == ENROL_FAILED && step_forward(s, old->id, ENROL_POSTED, at_ms, e) < 0) {
        return -1;
    }
    return device_transition(s, j->device_id, STATE_ENROLLING, NULL, ACTOR_HTTPBOOT, "key-sent",
                             "the machine has sent the same key again", at_ms, e);
}

static int post_locked(struct store *s, int64_t job_id, const struct post *p, int64_t at_ms, struct err *e)
{
    struct job j;
    struct enrolment old;
    if (job_get(s, job_id, &j, e) < 0 ||
        job_start(s, &j, "the system that was installed runs", at_ms, e) < 0) {
        return -1;
    }
    int r = enrolment_load(s, ENROLMENT "WHERE n.job_id = ?", job_id, &old, e);
    if (r == 0 && j.state == JOB_DONE) {
        return err_set(e, ERR_CONFLICT, "the job of %s is done: it takes no key", j.device);
    }
    return r < 0 ? -1 : r == 1 ? post_again(s, &j, &old, p, at_ms, e) : post_new(s, &j, p, at_ms, e);
}

int enrolment_post(struct store *s, int64_t job_id, const char *minion_id, const char *pubkey,
                   const char *ssh_host_keys, int64_t at_ms, struct err *e)
{
    struct post p = {
        .minion_id = minion_id, .pubkey = pubkey, .ssh_host_keys = ssh_host_keys ? ssh_host_keys : ""};
    if (post_check(&p, e) < 0 || store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, post_locked(s, job_id, &p, at_ms, e), e);
}

int enrolment_host_keys(struct store *s, int64_t job_id, struct str *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, "SELECT ssh_host_keys FROM enrolments WHERE job_id = ?", DB_VALUES(db_i(job_id)), &q, e) <
        0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        const char *text = (const char *)sqlite3_column_text(q, 0);
        str_add(ret, text ? text : "");
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

/* ---- working off */

static int wrong_state(const struct enrolment *x, const char *what, struct err *e)
{
    return err_set(e, ERR_CONFLICT, "the enrolment of %s is %s: it cannot be %s", x->device, names[x->state],
                   what);
}

static int accepted_locked(struct store *s, int64_t id, int64_t at_ms, struct err *e)
{
    struct enrolment x;
    if (enrolment_get(s, id, &x, e) < 0) {
        return -1;
    }
    if (x.state == ENROL_ACCEPTED || x.state == ENROL_READY) {
        return 0;
    }
    if (x.state != ENROL_POSTED) {
        return wrong_state(&x, "accepted", e);
    }
    if (step_forward(s, id, ENROL_ACCEPTED, at_ms, e) < 0) {
        return -1;
    }
    return device_transition(s, x.device_id, STATE_ENROLLING, NULL, ACTOR_COURIER, "key-accepted",
                             "the master has accepted exactly the key that was sent", at_ms, e);
}

int enrolment_accepted(struct store *s, int64_t id, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, accepted_locked(s, id, at_ms, e), e);
}

static int ready_locked(struct store *s, int64_t id, const char *detail, int64_t at_ms, struct err *e)
{
    struct enrolment x;
    if (enrolment_get(s, id, &x, e) < 0) {
        return -1;
    }
    if (x.state == ENROL_READY) {
        return 0;
    }
    if (x.state == ENROL_FAILED) {
        return wrong_state(&x, "ready", e);
    }
    if (step_forward(s, id, ENROL_READY, at_ms, e) < 0 || job_state_set(s, x.job_id, JOB_DONE, "", e) < 0 ||
        tokens_drop(s, x.job_id, TOKENS_INSTALL, e) < 0) {
        return -1;
    }
    return device_transition(s, x.device_id, STATE_READY, NULL, ACTOR_COURIER, "ready", detail, at_ms, e);
}

int enrolment_ready(struct store *s, int64_t id, const char *detail, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, ready_locked(s, id, detail, at_ms, e), e);
}

static int retry_locked(struct store *s, int64_t id, const char *why, int64_t next_ms, int64_t at_ms,
                        struct err *e)
{
    struct enrolment x;
    char cut[sizeof x.last_error];
    str_copy(cut, sizeof cut, why);
    if (enrolment_get(s, id, &x, e) < 0) {
        return -1;
    }
    if (x.state != ENROL_POSTED && x.state != ENROL_ACCEPTED) {
        return wrong_state(&x, "tried again", e);
    }
    if (db_run(s, "UPDATE enrolments SET attempts = attempts + 1, last_error = ?, next_ms = ? WHERE id = ?",
               DB_VALUES(db_t(cut), db_i(next_ms), db_i(id)), e) < 0) {
        return -1;
    }
    return strcmp(cut, x.last_error) == 0
               ? 0
               : journal_add(s, x.device_id, NULL, ACTOR_COURIER, "waiting", cut, at_ms, e);
}

int enrolment_retry(struct store *s, int64_t id, const char *why, int64_t next_ms, int64_t at_ms,
                    struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, retry_locked(s, id, why, next_ms, at_ms, e), e);
}

static int fail_locked(struct store *s, int64_t id, const char *reason, const char *detail, int64_t at_ms,
                       struct err *e)
{
    struct enrolment x;
    if (enrolment_get(s, id, &x, e) < 0) {
        return -1;
    }
    if (x.state == ENROL_FAILED) {
        return 0;
    }
    if (x.state == ENROL_READY) {
        return wrong_state(&x, "failed", e);
    }
    if (db_run(s, "UPDATE enrolments SET state = 'failed', last_error = ? WHERE id = ?",
               DB_VALUES(db_t(detail), db_i(id)), e) < 0) {
        return -1;
    }
    return device_transition(s, x.device_id, STATE_FAILED, reason, ACTOR_COURIER, "failed", detail, at_ms, e);
}

int enrolment_fail(struct store *s, int64_t id, const char *reason, const char *detail, int64_t at_ms,
                   struct err *e)
{
    if (name_check("reason", reason, e) < 0 || store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, fail_locked(s, id, reason, detail, at_ms, e), e);
}

/* store_job: arming, the installer's steps, and the ways in which a job ends. */
#include "inventory/store_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"

#define DAY_S 86400

/* ---- reading */

#define JOB                                                                                                  \
    "SELECT j.id, j.uuid, j.device_id, d.name, m.name, r.digest, j.disk_selector, j.state, j.reason, "       \
    "j.machine, j.disk,"                                                                                     \
    " j.created_ms, j.expires_ms, j.claimed_ms, j.written_ms, j.bytes_done, j.bytes_total, j.rate, "         \
    "j.progress_ms, j.nic, j.disk_wwn, j.disk_size"                                                          \
    " FROM jobs j JOIN devices d ON d.id = j.device_id JOIN releases r ON r.id = j.release_id JOIN images "  \
    "m ON m.id = r.image_id "

static int job_read(sqlite3_stmt *q, struct job *j, struct err *e)
{
    char state[NAME_SIZE];
    memset(j, 0, sizeof *j);
    j->id = db_int(q, 0);
    db_text(q, 1, j->uuid, sizeof j->uuid);
    j->device_id = db_int(q, 2);
    db_text(q, 3, j->device, sizeof j->device);
    db_text(q, 4, j->image, sizeof j->image);
    db_text(q, 5, j->digest, sizeof j->digest);
    db_text(q, 6, j->disk_selector, sizeof j->disk_selector);
    db_text(q, 7, state, sizeof state);
    db_text(q, 8, j->reason, sizeof j->reason);
    db_text(q, 9, j->machine, sizeof j->machine);
    db_text(q, 10, j->disk, sizeof j->disk);
    j->created_ms = db_int(q, 11);
    j->expires_ms = db_int(q, 12);
    j->claimed_ms = db_int(q, 13);
    j->written_ms = db_int(q, 14);
    j->bytes_done = (uint64_t)db_int(q, 15);
    j->bytes_total = (uint64_t)db_int(q, 16);
    j->rate = (uint64_t)db_int(q, 17);
    j->progress_ms = db_int(q, 18);
    j->nic = mac_from_u64((uint64_t)db_int(q, 19));
    db_text(q, 20, j->disk_wwn, sizeof j->disk_wwn);
    j->disk_size = (uint64_t)db_int(q, 21);
    return job_state_parse(state, &j->state, e);
}

/* 1, 0 for none, -1. */
static int job_load(struct store *s, const char *sql, int64_t key, struct job *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(key)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        r = job_read(q, ret, e) < 0 ? -1 : 1;
        db_done(q);
    }
    return r;
}

int job_get(struct store *s, int64_t id, struct job *ret, struct err *e)
{
    int r = job_load(s, JOB "WHERE j.id = ?", id, ret, e);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "there is no job number %" PRId64, id) : r < 0 ? -1 : 0;
}

/* A new job is armed only when none is live, so the live one is the newest. */
int job_current(struct store *s, int64_t device_id, struct job *ret, struct err *e)
{
    int r = job_load(s, JOB "WHERE j.device_id = ? ORDER BY j.id DESC LIMIT 1", device_id, ret, e);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "the device never had a job") : r < 0 ? -1 : 0;
}

int job_each(struct store *s, int64_t device_id, job_fn *fn, void *ctx, struct err *e)
{
    struct db_ids ids = {0};
    struct job j;
    int r = device_id ? db_ids(s, "SELECT id FROM jobs WHERE device_id = ? ORDER BY id DESC",
                               DB_VALUES(db_i(device_id)), &ids, e)
                      : db_ids(s, "SELECT id FROM jobs ORDER BY id DESC", NULL, 0, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = job_get(s, ids.id[i], &j, e);
        r = r < 0 ? -1 : fn(&j, ctx);
    }
    free(ids.id);
    return r;
}

int job_same_release(struct store *s, int64_t device_id, const char *release_ref, const char *actor,
                     int64_t at_ms, struct err *e)
{
    struct err why = {0};
    struct release r;
    struct job j;
    char text[ASSIGNED_SIZE];
    if (release_find(s, release_ref, &r, &why) < 0 || job_current(s, device_id, &j, &why) < 0) {
        /* Who arms says what is wrong with the image. */
        return why.kind == ERR_NOT_FOUND || why.kind == ERR_INPUT || why.kind == ERR_CONFLICT
                   ? 0
                   : err_set(e, why.kind, "%s", why.text);
    }
    if (strcmp(j.digest, r.digest) != 0 || j.state == JOB_FAILED || j.state == JOB_EXPIRED ||
        j.state == JOB_CANCELLED) {
        return 0;
    }
    assignment_text(release_ref, &r, text);
    return device_intend(s, device_id, text, actor, at_ms, e) < 0 ? -1 : 1;
}

static bool is_live(const struct job *j)
{
    return j->state == JOB_ARMED || j->state == JOB_CLAIMED;
}

int job_is_newest(struct store *s, const struct job *j, struct err *e)
{
    int64_t newest = j->id;
    if (db_number(s, "SELECT id FROM jobs WHERE device_id = ? ORDER BY id DESC LIMIT 1",
                  DB_VALUES(db_i(j->device_id)), &newest, e) < 0) {
        return -1;
    }
    return newest == j->id
               ? 0
               : err_set(e, ERR_CONFLICT, "%s has a newer job: this one no longer counts", j->device);
}

/* ---- small writes */

int job_state_set(struct store *s, int64_t id, enum job_state state, const char *reason, struct err *e)
{
    return db_run(s, "UPDATE jobs SET state = ?, reason = ? WHERE id = ?",
                  DB_VALUES(db_t(job_state_name(state)), db_t(reason), db_i(id)), e);
}

int job_alive(struct store *s, int64_t id, int64_t at_ms, struct err *e)
{
    return db_run(s, "UPDATE jobs SET expires_ms = max(expires_ms, ? + expiry_s * 1000) WHERE id = ?",
                  DB_VALUES(db_i(at_ms), db_i(id)), e);
}

int tokens_drop(struct store *s, int64_t job_id, enum token_rows which, struct err *e)
{
    static const char sql[] =
        "DELETE FROM tokens WHERE job_id = ?1 AND ((kind = 'install' AND ?2) OR (kind = 'enrol' AND ?3))";
    return db_run(
        s, sql,
        DB_VALUES(db_i(job_id), db_i((which & TOKENS_INSTALL) != 0), db_i((which & TOKENS_ENROL) != 0)), e);
}

/* ---- cancelling and expiring */

/* Ends a live job that nobody finished. The device of an armed one carries what it carried before; the disk
 * of a claimed one is half written. */
static int job_end(struct store *s, const struct job *j, enum job_state how, const char *actor,
                   const char *detail, int64_t at_ms, struct err *e)
{
    struct device d;
    int64_t was_ready = 0;
    if (job_state_set(s, j->id, how, "", e) < 0 || tokens_drop(s, j->id, TOKENS_ALL, e) < 0 ||
        device_get(s, j->device_id, &d, e) < 0 ||
        db_number(s, "SELECT was_ready FROM jobs WHERE id = ?", DB_VALUES(db_i(j->id)), &was_ready, e) < 0) {
        return -1;
    }
    if (d.state != STATE_ARMED && d.state != STATE_BOOTING && d.state != STATE_INSTALLING) {
        return journal_add(s, j->device_id, NULL, actor, job_state_name(how), detail, at_ms, e);
    }
    bool failed = j->state == JOB_CLAIMED && how == JOB_EXPIRED;
    enum device_state to = failed                               ? STATE_FAILED
                           : was_ready && j->state == JOB_ARMED ? STATE_READY
                                                                : STATE_IDLE;
    return device_transition(s, j->device_id, to, failed ? "expired" : NULL, actor, job_state_name(how),
                             detail, at_ms, e);
}

static int cancel_locked(struct store *s, int64_t device_id, const char *actor, int64_t at_ms, struct err *e)
{
    struct job j;
    struct device d;
    int r = job_load(s, JOB "WHERE j.device_id = ? AND j.state IN ('armed', 'claimed')", device_id, &j, e);
    if (r == 0 && device_get(s, device_id, &d, e) == 0) {
        err_set(e, ERR_NOT_FOUND, "%s has no job that could be cancelled", d.name);
    }
    if (r != 1) {
        return -1;
    }
    return job_end(s, &j, JOB_CANCELLED, actor,
                   j.state == JOB_ARMED ? "the job was cancelled before it was claimed"
                                        : "the job was cancelled while the disk was being written: it does "
                                          "not boot until the device is installed",
                   at_ms, e);
}

int job_cancel(struct store *s, int64_t device_id, const char *actor, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, cancel_locked(s, device_id, actor, at_ms, e), e);
}

#define OVERDUE "FROM jobs WHERE state IN ('armed', 'claimed') AND expires_ms <= ?"

static int expire_locked(struct store *s, int64_t at_ms, struct err *e)
{
    struct db_ids ids = {0};
    struct job j;
    int r = db_ids(s, "SELECT id " OVERDUE, DB_VALUES(db_i(at_ms)), &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = job_get(s, ids.id[i], &j, e);
        if (r == 0) {
            r = job_end(s, &j, JOB_EXPIRED, ACTOR_COURIER,
                        j.state == JOB_ARMED ? "no machine claimed the job in time"
                                             : "the installer has not been heard of for too long",
                        at_ms, e);
        }
    }
    free(ids.id);
    return r;
}

int job_expire(struct store *s, int64_t at_ms, struct err *e)
{
    int64_t one = 0;
    int r = db_number(s, "SELECT 1 " OVERDUE " LIMIT 1", DB_VALUES(db_i(at_ms)), &one, e);
    if (r <= 0) {
        return r; /* nothing is overdue: no write lock */
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, expire_locked(s, at_ms, e), e);
}

/* ---- arming */

/* The live job makes place, or says why not. *was_ready: the device was ready before any of this. */
static int make_place(struct store *s, const struct device *d, const struct assign *a, int64_t at_ms,
                      bool *was_ready, struct err *e)
{
    struct job j;
    *was_ready = d->state == STATE_READY;
    int r = job_load(s, JOB "WHERE j.device_id = ? AND j.state IN ('armed', 'claimed')", d->id, &j, e);
    if (r <= 0) {
        return r;
    }
    if (j.state == JOB_CLAIMED && !a->replace) {
        return err_set(
            e, ERR_CONFLICT,
            "%s is being written with %s now; wait until it is done, or say that this job replaces that one",
            d->name, j.image);
    }
    if (j.state == JOB_CLAIMED) {
        return job_end(s, &j, JOB_CANCELLED, a->actor,
                       "the job was replaced while the disk was being written", at_ms, e);
    }
    int64_t before = 0;
    if (db_number(s, "SELECT was_ready FROM jobs WHERE id = ?", DB_VALUES(db_i(j.id)), &before, e) < 0) {
        return -1;
    }
    *was_ready = before != 0;
    if (job_state_set(s, j.id, JOB_CANCELLED, "", e) < 0) {
        return -1;
    }
    return tokens_drop(s, j.id, TOKENS_ALL, e);
}

int jobs_retire(struct store *s, int64_t device_id, const char *why, struct err *e)
{
    if (db_run(s, "DELETE FROM tokens WHERE job_id IN (SELECT id FROM jobs WHERE device_id = ?)",
               DB_VALUES(db_i(device_id)), e) < 0) {
        return -1;
    }
    return db_run(
        s,
        "UPDATE enrolments SET state = 'failed', last_error = ?2 WHERE state IN ('posted', 'accepted')"
        " AND job_id IN (SELECT id FROM jobs WHERE device_id = ?1)",
        DB_VALUES(db_i(device_id), db_t(why)), e);
}

static int arm(struct store *s, const struct device *d, const struct assign *a, const struct release *r,
               bool was_ready, int64_t at_ms, int64_t *ret_id, struct err *e)
{
    static const char sql[] = "INSERT INTO jobs (uuid, device_id, release_id, disk_selector, state, "
                              "was_ready, created_ms, expires_ms, expiry_s, actor)"
                              " VALUES (?, ?, ?, ?, 'armed', ?, ?, ?, ?, ?)";
    char uuid[UUID_STR], assigned[ASSIGNED_SIZE], detail[400];
    int64_t expiry_s = a->expiry_s ? a->expiry_s : DAY_S;
    assignment_text(a->release_ref, r, assigned);
    if (db_run(s, sql,
               DB_VALUES(db_t(uuid_format(uuid_random(), uuid)), db_i(d->id), db_i(r->id),
                         db_t(d->disk_selector), db_i(was_ready), db_i(at_ms), db_i(at_ms + expiry_s * 1000),
                         db_i(expiry_s), db_t(a->actor)),
               e) < 0) {
        return -1;
    }
    *ret_id = db_last_id(s);
    if (db_run(s, "UPDATE devices SET assigned = ?, noted = 0 WHERE id = ?",
               DB_VALUES(db_t(assigned), db_i(d->id)), e) < 0) {
        return -1;
    }
    snprintf(detail, sizeof detail,
             "%s@%s (digest %.12s) will be written to the disk %.100s at the next network boot", r->image,
             r->version, r->digest, d->disk_selector[0] ? d->disk_selector : "(the only one)");
    struct change c = {.left_out = 0};
    change_text(&c, "image", d->assigned, assigned);
    return device_move(s,
                       &(struct move){.device_id = d->id,
                                      .to = STATE_ARMED,
                                      .actor = a->actor,
                                      .event = "assigned",
                                      .detail = detail,
                                      .change = &c},
                       at_ms, e);
}

static int assign_locked(struct store *s, int64_t device_id, const struct assign *a, int64_t at_ms,
                         struct job *ret, struct err *e)
{
    struct device d;
    struct release r;
    bool was_ready;
    int64_t id;
    if (device_get(s, device_id, &d, e) < 0) {
        return -1;
    }
    if (d.protected) {
        return err_set(e, ERR_REFUSED,
                       "%s is protected and cannot be installed; `rackstrap device unprotect %s` allows it",
                       d.name, d.name);
    }
    if (release_find(s, a->release_ref, &r, e) < 0 || make_place(s, &d, a, at_ms, &was_ready, e) < 0 ||
        jobs_retire(s, d.id, "a newer job took its place", e) < 0 ||
        arm(s, &d, a, &r, was_ready, at_ms, &id, e) < 0) {
        return -1;
    }
    return ret ? job_get(s, id, ret, e) : 0;
}

int job_assign(struct store *s, int64_t device_id, const struct assign *a, int64_t at_ms, struct job *ret,
               struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    int r = assign_locked(s, device_id, a, at_ms, ret, e);
    if (a->dry_run) {
        store_rollback(s);
        return r;
    }
    return db_end(s, r, e);
}

/* ---- the installer's steps */

static int wrong_state(const struct job *j, const char *step, struct err *e)
{
    return err_set(e, ERR_CONFLICT, "the job of %s is %s: it cannot be %s", j->device,
                   job_state_name(j->state), step);
}

/* Each of httpboot's workers keeps the newest report that it had for a second: one may come after a newer
 * one. Not so when the clock was set back. */
#define PROGRESS_LATE_MS 10000

static int progress_locked(struct store *s, int64_t id, uint64_t done, uint64_t total, uint64_t rate,
                           int64_t at_ms, struct err *e)
{
    struct job j;
    if (job_get(s, id, &j, e) < 0) {
        return -1;
    }
    if (j.state != JOB_CLAIMED) {
        return wrong_state(&j, "in progress", e);
    }
    if (j.progress_ms > at_ms && j.progress_ms - at_ms < PROGRESS_LATE_MS) {
        return 0;
    }
    if (db_run(
            s, "UPDATE jobs SET bytes_done = ?, bytes_total = ?, rate = ?, progress_ms = ? WHERE id = ?",
            DB_VALUES(db_i((int64_t)done), db_i((int64_t)total), db_i((int64_t)rate), db_i(at_ms), db_i(id)),
            e) < 0) {
        return -1;
    }
    return job_alive(s, id, at_ms, e);
}

int job_progress(struct store *s, int64_t job_id, uint64_t done, uint64_t total, uint64_t rate, int64_t at_ms,
                 struct err *e)
{
    if (done > INT64_MAX || total > INT64_MAX || rate > INT64_MAX) {
        return err_set(e, ERR_INPUT, "the progress reported is no number of bytes that a disk can have");
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, progress_locked(s, job_id, done, total, rate, at_ms, e), e);
}

static int installed_write(struct store *s, const struct job *j, struct change *c, int64_t at_ms,
                           struct err *e)
{
    struct device d;
    if (device_get(s, j->device_id, &d, e) < 0) {
        return -1;
    }
    change_text(c, "installed", d.installed, j->image);
    change_text(c, "installed_release", d.installed_digest, j->digest);
    return db_run(
        s,
        "UPDATE devices SET installed_id = (SELECT release_id FROM jobs WHERE id = ?), installed_ms "
        "= ? WHERE id = ?",
        DB_VALUES(db_i(j->id), db_i(at_ms), db_i(j->device_id)), e);
}

/* Claimed -> written, with all that goes with it. */
static int write_done(struct store *s, const struct job *j, const char *detail, int64_t at_ms, struct err *e)
{
    struct change c = {.left_out = 0};
    if (db_run(s, "UPDATE jobs SET state = 'written', written_ms = ? WHERE id = ?",
               DB_VALUES(db_i(at_ms), db_i(j->id)), e) < 0 ||
        installed_write(s, j, &c, at_ms, e) < 0 || job_alive(s, j->id, at_ms, e) < 0) {
        return -1;
    }
    return device_move(s,
                       &(struct move){.device_id = j->device_id,
                                      .to = STATE_INSTALLED,
                                      .actor = ACTOR_HTTPBOOT,
                                      .event = "written",
                                      .detail = detail,
                                      .change = &c},
                       at_ms, e);
}

static int written_locked(struct store *s, int64_t id, const char *detail, int64_t at_ms, struct err *e)
{
    struct job j;
    if (job_get(s, id, &j, e) < 0) {
        return -1;
    }
    if (j.state == JOB_WRITTEN || j.state == JOB_DONE) {
        return 0;
    }
    return j.state == JOB_CLAIMED ? write_done(s, &j, detail, at_ms, e) : wrong_state(&j, "written", e);
}

int job_written(struct store *s, int64_t job_id, const char *detail, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, written_locked(s, job_id, detail, at_ms, e), e);
}

static int fail_locked(struct store *s, int64_t id, const char *reason, const char *detail, int64_t at_ms,
                       struct err *e)
{
    struct job j;
    struct device d;
    if (job_get(s, id, &j, e) < 0) {
        return -1;
    }
    if (j.state == JOB_FAILED) {
        return 0;
    }
    if (j.state != JOB_WRITTEN && !is_live(&j)) {
        return wrong_state(&j, "failed", e);
    }
    /* The installer's tokens stay, so that it may repeat itself; nothing can claim a failed job. */
    if (is_live(&j) &&
        (job_state_set(s, id, JOB_FAILED, reason, e) < 0 || tokens_drop(s, id, TOKENS_ENROL, e) < 0)) {
        return -1;
    }
    if (job_is_newest(s, &j, e) < 0 || device_get(s, j.device_id, &d, e) < 0) {
        return -1;
    }
    if (j.state == JOB_WRITTEN && d.state == STATE_FAILED && strcmp(d.reason, reason) == 0) {
        return 0; /* a first boot that says so again */
    }
    return device_transition(s, j.device_id, STATE_FAILED, reason, ACTOR_HTTPBOOT, "failed", detail, at_ms,
                             e);
}

int job_fail(struct store *s, int64_t job_id, const char *reason, const char *detail, int64_t at_ms,
             struct err *e)
{
    if (name_check("reason", reason, e) < 0 || store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, fail_locked(s, job_id, reason, detail, at_ms, e), e);
}

/* ---- first boot */

int job_start(struct store *s, const struct job *j, const char *detail, int64_t at_ms, struct err *e)
{
    struct device d;
    if (j->state == JOB_DONE) {
        return 0;
    }
    if (j->state != JOB_CLAIMED && j->state != JOB_WRITTEN) {
        return wrong_state(j, "started", e);
    }
    if (job_is_newest(s, j, e) < 0) {
        return -1;
    }
    if (j->state == JOB_CLAIMED &&
        write_done(
            s, j,
            "the installed system reports: the disk was written, and the installer's last word was lost",
            at_ms, e) < 0) {
        return -1;
    }
    if (job_alive(s, j->id, at_ms, e) < 0 || device_get(s, j->device_id, &d, e) < 0) {
        return -1;
    }
    if (d.state == STATE_STARTING || d.state == STATE_ENROLLING || d.state == STATE_READY) {
        return 0;
    }
    return device_transition(s, j->device_id, STATE_STARTING, NULL, ACTOR_HTTPBOOT, "first-boot", detail,
                             at_ms, e);
}

static int started_locked(struct store *s, int64_t id, const char *detail, int64_t at_ms, struct err *e)
{
    struct job j;
    if (job_get(s, id, &j, e) < 0) {
        return -1;
    }
    return job_start(s, &j, detail, at_ms, e);
}

int job_started(struct store *s, int64_t job_id, const char *detail, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, started_locked(s, job_id, detail, at_ms, e), e);
}

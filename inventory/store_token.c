/* store_token: who may act for a job. Only hashes of tokens are stored. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/store_job.h"

#define ARMED_TOKENS     8
#define YOUNG_MS         INT64_C(900000) /* no machine takes longer from its script to its claim, but for waiting */
#define HELLO_MS         INT64_C(10000)
#define REFUSED_AGAIN_MS INT64_C(10000)
#define DISK_SERIAL_IS   " serial=" /* between the name and the serial number of a claimed disk */

/* The same for a token never made, one that was replaced, and one whose time is over. */
static int refuse(struct err *e)
{
    return err_set(e, ERR_REFUSED, "this token is good for nothing here");
}

struct token {
    int64_t id, job_id;
    enum token_kind kind;
    bool bound;
    struct mac nic; /* that its script was for */
    int64_t hello_ms;
};

static int token_find(struct store *s, const char *token, struct token *ret, struct err *e)
{
    if (strlen(token) != DIGEST_HEX - 1) {
        return refuse(e);
    }
    struct digest hash = digest_sha256(span_str(token));
    sqlite3_stmt *q;
    if (db_query(s, "SELECT id, job_id, kind, bound, nic, hello_ms FROM tokens WHERE hash = ?",
                 DB_VALUES(db_digest(&hash)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        char kind[16];
        db_text(q, 2, kind, sizeof kind);
        *ret = (struct token){.id = db_int(q, 0),
                              .job_id = db_int(q, 1),
                              .kind = strcmp(kind, "enrol") == 0 ? TOKEN_ENROL : TOKEN_INSTALL,
                              .bound = db_int(q, 3) != 0,
                              .nic = mac_from_u64((uint64_t)db_int(q, 4)),
                              .hello_ms = db_int(q, 5)};
        db_done(q);
    }
    return r < 0 ? -1 : r == 0 ? refuse(e) : 0;
}

static int token_insert(struct store *s, int64_t job_id, const char *kind, const struct asker *a,
                        int64_t at_ms, char ret_token[DIGEST_HEX], struct err *e)
{
    secret_new(ret_token);
    struct digest hash = digest_sha256(span_str(ret_token));
    return db_run(s,
                  "INSERT INTO tokens (hash, job_id, kind, nic, peer, created_ms) VALUES (?, ?, ?, ?, ?, ?)",
                  DB_VALUES(db_digest(&hash), db_i(job_id), db_t(kind), db_i((int64_t)mac_to_u64(a->nic)),
                            db_i(a->peer.a), db_i(at_ms)),
                  e);
}

/* ---- making */

/* Those that go first are old, and of them those that no installer has come with: one that has may wait for
 * its turn for hours. */
static int room_for_token(struct store *s, const struct job *j, int64_t at_ms, struct err *e)
{
    static const char sql[] =
        "DELETE FROM tokens WHERE job_id = ?1 AND kind = 'install' AND bound = 0 AND created_ms <= ?3 AND id "
        "NOT IN"
        " (SELECT id FROM tokens WHERE job_id = ?1 AND kind = 'install' AND bound = 0"
        " ORDER BY hello_ms > 0 DESC, id DESC LIMIT ?2)";
    bool armed = j->state == JOB_ARMED;
    return db_run(s, sql,
                  DB_VALUES(db_i(j->id), db_i(armed ? ARMED_TOKENS - 1 : 0),
                            db_i(armed ? at_ms - YOUNG_MS : INT64_MAX)),
                  e);
}

/* Whoever asks for scripts without end costs no commits, and keeps only himself from a token. */
static int pace_check(struct store *s, const struct job *j, const struct asker *a, int64_t at_ms,
                      struct err *e)
{
    static const char sql[] =
        "SELECT count(*), coalesce(sum(nic = ?2 AND peer = ?3), 0) FROM tokens WHERE job_id = ?1 AND kind = "
        "'install' AND created_ms > ?4 AND created_ms <= ?5";
    sqlite3_stmt *q;
    if (db_query(s, sql,
                 DB_VALUES(db_i(j->id), db_i((int64_t)mac_to_u64(a->nic)), db_i(a->peer.a),
                           db_i(at_ms - TOKEN_PACE_MS), db_i(at_ms)),
                 &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    bool wait = r == 1 && (db_int(q, 0) >= ARMED_TOKENS || db_int(q, 1) > 0);
    if (r == 1) {
        db_done(q);
    }
    return r < 0  ? -1
           : wait ? err_set(e, ERR_UNAVAILABLE, "%s got a script a moment ago; the next one follows in %d s",
                            j->device, (int)(TOKEN_PACE_MS / 1000))
                  : 0;
}

static int make_check(const struct job *j, const struct asker *a, int64_t at_ms, struct err *e)
{
    if ((j->state != JOB_ARMED && j->state != JOB_CLAIMED) || j->expires_ms <= at_ms) {
        return err_set(e, ERR_CONFLICT, "the job of %s is %s: no machine may install it", j->device,
                       j->state == JOB_ARMED || j->state == JOB_CLAIMED ? "overdue"
                                                                        : job_state_name(j->state));
    }
    if (j->state == JOB_CLAIMED && !job_same_machine(j, a)) {
        return err_set(e, ERR_REFUSED, "the job of %s was claimed by another machine", j->device);
    }
    return 0;
}

static int make_locked(struct store *s, int64_t job_id, const struct asker *a, int64_t at_ms,
                       char ret_token[DIGEST_HEX], struct err *e)
{
    struct job j;
    struct device d;
    if (job_get(s, job_id, &j, e) < 0 || make_check(&j, a, at_ms, e) < 0 ||
        device_get(s, j.device_id, &d, e) < 0 || pace_check(s, &j, a, at_ms, e) < 0) {
        return -1;
    }
    if (d.protected) {
        return err_set(e, ERR_REFUSED, "%s is protected and cannot be installed", d.name);
    }
    if (room_for_token(s, &j, at_ms, e) < 0 || token_insert(s, j.id, "install", a, at_ms, ret_token, e) < 0) {
        return -1;
    }
    const char *detail = j.state == JOB_ARMED ? "the boot script of the installer has left"
                                              : "the boot script of the installer has left, to resume";
    if (d.state == STATE_INSTALLING) {
        return journal_add(s, d.id, NULL, ACTOR_HTTPBOOT, "script", detail, at_ms, e);
    }
    return device_transition(s, d.id, STATE_BOOTING, NULL, ACTOR_HTTPBOOT, "script", detail, at_ms, e);
}

/* The pace is looked at before the write lock too: one that asks without end must not hold up the others. */
int job_token_make(struct store *s, const struct job *j, const struct asker *a, int64_t at_ms,
                   char ret_token[DIGEST_HEX], struct err *e)
{
    char token[DIGEST_HEX];
    if (pace_check(s, j, a, at_ms, e) < 0 || store_begin(s, e) < 0 ||
        db_end(s, make_locked(s, j->id, a, at_ms, token, e), e) < 0) {
        return -1;
    }
    memcpy(ret_token, token, sizeof token);
    return 0;
}

/* ---- using */

static bool token_serves(const struct job *j, int64_t at_ms)
{
    switch (j->state) {
    case JOB_ARMED:
    case JOB_CLAIMED:
    case JOB_WRITTEN:
        return j->expires_ms > at_ms;
    case JOB_FAILED:
        return true; /* the installer may repeat its last word */
    default:
        return false;
    }
}

/* The answer to an enrolment may have been lost while the job became done by it. */
static bool token_repeats(const struct token *t, const struct job *j, int64_t at_ms)
{
    return t->kind == TOKEN_ENROL && j->state == JOB_DONE && j->expires_ms > at_ms;
}

/* The token's row and its job, when it is good for anything. */
static int token_job(struct store *s, const char *token, int64_t at_ms, struct token *ret_token,
                     struct job *ret, struct err *e)
{
    struct token t;
    struct job j;
    if (token_find(s, token, &t, e) < 0 || job_get(s, t.job_id, &j, e) < 0) {
        return -1;
    }
    bool spent = token_repeats(&t, &j, at_ms);
    if (!spent && !token_serves(&j, at_ms)) {
        return refuse(e);
    }
    t.kind = spent ? TOKEN_SPENT : t.kind;
    *ret_token = t;
    *ret = j;
    return 0;
}

int job_by_token(struct store *s, const char *token, int64_t at_ms, enum token_kind *ret_kind,
                 struct job *ret, struct err *e)
{
    struct token t;
    if (token_job(s, token, at_ms, &t, ret, e) < 0) {
        return -1;
    }
    if (ret_kind) {
        *ret_kind = t.kind;
    }
    return 0;
}

/* An installer that has claimed nothing must not speak for the one at work, nor take the job from it: a
 * machine that has really booted anew has been silent for longer. A report that lies ahead is of a clock that
 * was set back since. */
static int writer_check(const struct token *t, const struct job *j, int64_t at_ms, struct err *e)
{
    int64_t silent_ms = at_ms - j->progress_ms;
    if (t->kind != TOKEN_INSTALL || t->bound || j->state != JOB_CLAIMED || silent_ms >= WRITER_SILENCE_MS ||
        silent_ms <= -WRITER_SILENCE_MS) {
        return 0;
    }
    return err_set(e, ERR_UNAVAILABLE,
                   "another installer writes %s at this moment; this one has claimed nothing", j->device);
}

int job_by_writer(struct store *s, const char *token, int64_t at_ms, enum token_kind *ret_kind,
                  struct job *ret, struct err *e)
{
    struct token t;
    struct job j;
    if (token_job(s, token, at_ms, &t, &j, e) < 0) {
        return -1;
    }
    if (writer_check(&t, &j, at_ms, e) < 0) {
        return -1;
    }
    *ret_kind = t.kind;
    *ret = j;
    return 0;
}

static int hello_locked(struct store *s, const struct token *t, int64_t device_id, const struct mac *m,
                        const char *detail, int64_t at_ms, struct err *e)
{
    if (db_run(s, "UPDATE tokens SET hello_ms = ? WHERE id = ?", DB_VALUES(db_i(at_ms), db_i(t->id)), e) <
        0) {
        return -1;
    }
    return journal_add(s, device_id, m, ACTOR_HTTPBOOT, "installer", detail, at_ms, e);
}

int job_hello(struct store *s, const char *token, const struct mac *m, const char *detail, int64_t at_ms,
              struct err *e)
{
    struct token t;
    struct job j;
    if (token_job(s, token, at_ms, &t, &j, e) < 0) {
        return -1;
    }
    if (t.hello_ms && at_ms - t.hello_ms < HELLO_MS) {
        return 0;
    }
    return store_begin(s, e) < 0 ? -1 : db_end(s, hello_locked(s, &t, j.device_id, m, detail, at_ms, e), e);
}

/* ---- claiming */

static void disk_text(const struct disk *d, char buf[DISK_SELECTOR_MAX])
{
    snprintf(buf, DISK_SELECTOR_MAX, "%s%s%s", d->name, d->serial[0] ? DISK_SERIAL_IS : "", d->serial);
}

static bool both_differ(const char *begun, const char *now)
{
    return begun[0] && now[0] && strcmp(begun, now) != 0;
}

/* Names of disks change from boot to boot: what a disk is known by, where both have it, does not. */
static bool is_another_disk(const struct job *j, const struct disk *disk)
{
    const char *serial = strstr(j->disk, DISK_SERIAL_IS);
    return both_differ(serial ? serial + strlen(DISK_SERIAL_IS) : "", disk->serial) ||
           both_differ(j->disk_wwn, disk->wwn) || (j->disk_size && disk->size && j->disk_size != disk->size);
}

/* The installer chose by the selector that `hello` gave it. The inventory's may be another by now, and on a
 * resume the disk that was begun may be gone and another one be the only one. */
static int disk_check(const struct job *j, const struct disk *disk, struct err *e)
{
    struct disk_selector sel;
    char on[DISK_SELECTOR_MAX], begun[16], now[16];
    size_t one;
    disk_text(disk, on);
    if (disk_selector_parse(j->disk_selector, &sel, e) < 0) {
        return -1;
    }
    if (disk_select(&sel, disk, 1, &one, NULL) < 0) {
        return err_set(
            e, ERR_CONFLICT,
            "the job of %s is for the disk %.100s, and the installer has chosen %.100s: nothing was "
            "written; start the machine again",
            j->device, j->disk_selector, on);
    }
    if (j->state == JOB_CLAIMED && is_another_disk(j, disk)) {
        return err_set(
            e, ERR_CONFLICT,
            "the job of %s was begun on the disk %.100s%s%.40s of %s, and this is %.100s%s%.40s of %s: "
            "nothing was written to it; if the disk was changed, assign the image again in place of this job",
            j->device, j->disk, j->disk_wwn[0] ? " wwn=" : "", j->disk_wwn, size_format(j->disk_size, begun),
            on, disk->wwn[0] ? " wwn=" : "", disk->wwn, size_format(disk->size, now));
    }
    return 0;
}

static int claim_check(struct store *s, const struct job *j, const struct asker *a, const struct disk *disk,
                       int64_t at_ms, struct err *e)
{
    struct device d;
    if (device_get(s, j->device_id, &d, e) < 0) {
        return -1;
    }
    if (!token_serves(j, at_ms)) {
        return refuse(e);
    }
    if (j->state != JOB_ARMED && j->state != JOB_CLAIMED) {
        return err_set(e, ERR_CONFLICT, "the job of %s is %s: it is spent", j->device,
                       job_state_name(j->state));
    }
    if (d.protected) {
        return err_set(e, ERR_REFUSED, "%s is protected and cannot be installed", d.name);
    }
    if (j->state == JOB_CLAIMED && !job_same_machine(j, a)) {
        return err_set(e, ERR_REFUSED, "the job of %s was claimed by another machine", j->device);
    }
    return disk_check(j, disk, e);
}

/* The token binds: from here on no other install token is good, nor an enrol token of an earlier claim. */
static int bind_token(struct store *s, const struct token *t, int64_t at_ms, char ret_enrol[DIGEST_HEX],
                      struct err *e)
{
    if (db_run(s, "DELETE FROM tokens WHERE job_id = ? AND id <> ?", DB_VALUES(db_i(t->job_id), db_i(t->id)),
               e) < 0 ||
        db_run(s, "UPDATE tokens SET bound = 1 WHERE id = ?", DB_VALUES(db_i(t->id)), e) < 0) {
        return -1;
    }
    return token_insert(s, t->job_id, "enrol", &(struct asker){.nic = t->nic}, at_ms, ret_enrol, e);
}

static int claim_write(struct store *s, const struct job *j, const struct asker *a, const struct disk *disk,
                       int64_t at_ms, struct err *e)
{
    static const char sql[] = "UPDATE jobs SET state = 'claimed', machine = ?1, nic = ?2, disk = ?3, "
                              "progress_ms = ?4, claimed_ms = CASE claimed_ms WHEN 0 THEN ?4 ELSE claimed_ms "
                              "END, disk_wwn = ?6, disk_size = ?7 WHERE id = ?5";
    char on[DISK_SELECTOR_MAX], size[16], detail[500];
    disk_text(disk, on);
    if (db_run(s, sql,
               DB_VALUES(db_t(a->machine_uuid), db_i((int64_t)mac_to_u64(a->nic)), db_t(on), db_i(at_ms),
                         db_i(j->id), db_t(disk->wwn), db_i((int64_t)disk->size)),
               e) < 0 ||
        job_alive(s, j->id, at_ms, e) < 0 ||
        /* What the disk carried is about to be gone, whatever becomes of this job. */
        db_run(s, "UPDATE devices SET installed_id = NULL, installed_ms = 0 WHERE id = ?",
               DB_VALUES(db_i(j->device_id)), e) < 0) {
        return -1;
    }
    snprintf(detail, sizeof detail, "%s %s (digest %.12s) to the disk %.160s of %s",
             j->state == JOB_CLAIMED ? "goes on writing" : "writes", j->image, j->digest, on,
             size_format(disk->size, size));
    return device_transition(s, j->device_id, STATE_INSTALLING, NULL, ACTOR_HTTPBOOT, "claimed", detail,
                             at_ms, e);
}

/* c->machine_uuid is in its normal form. Whose turn it is comes last: who may never claim does not wait. */
static int claim_locked(struct store *s, const struct claim *c, int64_t at_ms, struct job *ret,
                        struct turn *ret_turn, char ret_enrol[DIGEST_HEX], struct err *e)
{
    struct token t;
    struct job j;
    if (token_find(s, c->token, &t, e) < 0 || job_get(s, t.job_id, &j, e) < 0) {
        return -1;
    }
    if (t.kind != TOKEN_INSTALL) {
        return refuse(e);
    }
    const struct asker a = {.machine_uuid = c->machine_uuid, .nic = t.nic};
    *ret = j;
    if (claim_check(s, &j, &a, c->disk, at_ms, e) < 0 || writer_check(&t, &j, at_ms, e) < 0 ||
        turn_take(s, &j, &c->limit, at_ms, ret_turn, e) < 0) {
        return -1;
    }
    if (!ret_turn->now) {
        return 0;
    }
    if (bind_token(s, &t, at_ms, ret_enrol, e) < 0 || claim_write(s, &j, &a, c->disk, at_ms, e) < 0) {
        return -1;
    }
    return job_get(s, j.id, ret, e);
}

int job_claim(struct store *s, const struct claim *c, int64_t at_ms, struct job *ret, struct turn *ret_turn,
              char ret_enrol_token[DIGEST_HEX], struct err *e)
{
    char machine[UUID_STR], enrol[DIGEST_HEX] = "";
    struct claim normal = *c;
    struct turn turn = {0};
    struct job j = {0};
    struct err why = {0};
    normal.machine_uuid = machine;
    if (machine_normal(c->machine_uuid, machine, e) < 0 || store_begin(s, e) < 0) {
        return -1;
    }
    if (db_end(s, claim_locked(s, &normal, at_ms, &j, &turn, enrol, &why), &why) < 0) {
        /* The installer stops now: the timeline says why, but not to one that claims in a loop. */
        if (why.kind == ERR_CONFLICT && j.device_id) {
            (void)journal_add_once(s, j.device_id, NULL, ACTOR_HTTPBOOT, "claim-refused", why.text,
                                   at_ms - REFUSED_AGAIN_MS, at_ms, NULL);
        }
        if (e) {
            *e = why;
        }
        return -1;
    }
    *ret = j;
    *ret_turn = turn;
    memcpy(ret_enrol_token, enrol, sizeof enrol);
    return 0;
}

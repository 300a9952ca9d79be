/* job: one armed, one-shot order to write one release to one device's disk.
 *
 *   armed -> claimed -> written -> done         (cancelled, expired, failed from armed and claimed)
 *
 * Tokens. Each boot script of an armed job carries a fresh token (256 bits); the store keeps its hash only.
 * The first token that claims the job binds it: the job remembers the machine (SMBIOS UUID), and every other
 * token dies. From then on only the same machine gets a script with a token (a resume): of these the newest
 * is good, and the bound one stays good beside it until the newest claims in its turn, so that a script that
 * is fetched by chance does not stop an installer at work. The claim hands out the enrol token, which the
 * installer writes into the new root: it is good from then until the device is ready (or the job expires);
 * after that, until the job would have expired, for a first boot that is repeated with the same key, which
 * changes nothing. A job that is written is spent: no token of any kind ever claims it again.
 */
#ifndef INVENTORY_JOB_H
#define INVENTORY_JOB_H

#include "inventory/admission.h"
#include "inventory/image.h"

enum job_state { JOB_ARMED, JOB_CLAIMED, JOB_WRITTEN, JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_EXPIRED };
const char *job_state_name(enum job_state s);
int job_state_parse(const char *name, enum job_state *ret, struct err *e);

struct job {
    int64_t id;
    char uuid[UUID_STR]; /* the job's name outside, and the GPT disk GUID that it writes */
    int64_t device_id;
    char device[NAME_SIZE];
    char image[NAME_SIZE], digest[DIGEST_HEX];
    char disk_selector[DISK_SELECTOR_MAX];
    enum job_state state;
    char reason[NAME_SIZE]; /* of JOB_FAILED */
    char machine[UUID_STR]; /* SMBIOS UUID of the machine that claimed it; "" before, or when it has none */
    struct mac nic;         /* and the NIC that it booted from; zero before */
    char disk[DISK_SELECTOR_MAX]; /* the disk claimed, "vda serial=..." */
    char disk_wwn[128];           /* of it; "" for none */
    uint64_t disk_size;           /* 0: not known */
    int64_t created_ms, expires_ms, claimed_ms, written_ms;
    uint64_t bytes_done, bytes_total, rate; /* progress: bytes; bytes a second */
    int64_t progress_ms;                    /* when its installer claimed or last reported */
};

/* Who asks for a boot script. */
struct asker {
    const char *machine_uuid; /* SMBIOS UUID; NULL and "" for a machine that has none */
    struct mac nic;           /* that it boots from */
    struct ip4 peer;          /* the address that it asks from */
};

/* A machine's SMBIOS UUID in lower case; "" for NULL, "", all zeros and all ones, which firmware gives when
 * it has none. */
int machine_normal(const char *text, char ret[UUID_STR], struct err *e);
/* Is this the machine that claimed the job? One without a UUID is not one with, and of those without, it is
 * the one with the same NIC. */
bool job_same_machine(const struct job *j, const struct asker *a);

/* What an assignment of ref, which release_find resolved to r, is written down as: the bare image's name, or
 * image@version. */
void assignment_text(const char *ref, const struct release *r, char buf[ASSIGNED_SIZE]);

/* What `assign` does to one device: sets the assignment, cancels an armed job, arms a new one, moves the
 * device to `armed`; one transaction. ERR_REFUSED for a protected device. ERR_CONFLICT while a job is
 * claimed, unless `replace`: the old installer is told to stop. */
struct assign {
    const char *release_ref; /* as release_find */
    const char *actor;
    uint32_t expiry_s; /* counted from the last sign of life: arming, claim, progress, written. 0: a day */
    bool replace;
    bool dry_run; /* all the checks, no change */
};
int job_assign(struct store *s, int64_t device_id, const struct assign *a, int64_t at_ms, struct job *ret,
               struct err *e);
/* Armed: the device goes back to ready if it was, else to idle. Claimed: to idle, its disk half written. The
 * assignment stays. ERR_NOT_FOUND when no job is live. */
int job_cancel(struct store *s, int64_t device_id, const char *actor, int64_t at_ms, struct err *e);

/* The device's live job (armed or claimed), else its newest. ERR_NOT_FOUND when it never had one. */
int job_current(struct store *s, int64_t device_id, struct job *ret, struct err *e);
/* Has the device's newest job written this release, or is it to write or writing it? Then another name for
 * the same release, by whatever way it comes, is written down as the assignment, and is no reason to wipe the
 * disk again. 1 (done), 0, -1. */
int job_same_release(struct store *s, int64_t device_id, const char *release_ref, const char *actor,
                     int64_t at_ms, struct err *e);
typedef int job_fn(const struct job *j, void *ctx);
int job_each(struct store *s, int64_t device_id /* 0: all */, job_fn *fn, void *ctx,
             struct err *e); /* newest first */

/* A boot script for this device is about to leave: makes a token (ret_token) for the job, and moves the
 * device to `booting` unless it is further. Journals `script`. An armed job keeps eight tokens (the newest,
 * but first those that an installer has said hello with: it may wait for its turn), and all of the last
 * quarter of an hour, so that nobody's asking pushes out the token of a machine that boots. A claimed one
 * keeps this newest and the one that claimed it, and makes one only for the machine that claimed it
 * (ERR_REFUSED).
 *
 * ERR_UNAVAILABLE, and nothing is written: this asker (NIC and address) got a token in the last
 * TOKEN_PACE_MS, or the job's askers together eight. */
#define TOKEN_PACE_MS INT64_C(2000)
int job_token_make(struct store *s, const struct job *j, const struct asker *a, int64_t at_ms,
                   char ret_token[DIGEST_HEX], struct err *e);

/* Which job does this token belong to, and as what? ERR_REFUSED for any other, in one sentence that tells an
 * attacker nothing. */
enum token_kind {
    TOKEN_INSTALL,
    TOKEN_ENROL,
    TOKEN_SPENT, /* an enrol token whose job is done: it repeats job_started and its enrolment_post, and
                    nothing else */
};
int job_by_token(struct store *s, const char *token, int64_t at_ms, enum token_kind *ret_kind,
                 struct job *ret, struct err *e);
/* The same, for what only the installer that holds the job may say. ERR_UNAVAILABLE: the token is one that
 * has claimed nothing, of a job whose holder was heard of within WRITER_SILENCE_MS. After a longer silence it
 * may say that the disk is written, or cannot be: the machine has booted anew. */
#define WRITER_SILENCE_MS INT64_C(10000)
int job_by_writer(struct store *s, const char *token, int64_t at_ms, enum token_kind *ret_kind,
                  struct job *ret, struct err *e);
/* An installer says what its machine is: journals `installer`, for one token once in ten seconds. */
int job_hello(struct store *s, const char *token, const struct mac *m, const char *detail, int64_t at_ms,
              struct err *e);

/* When the machine has to wait for its turn, *ret_turn says so, nothing is claimed, and 0 is returned.
 *
 * A claim whose disk the job's selector does not mean, or that resumes on a disk with another serial number,
 * WWN or size than the one that was begun, is ERR_CONFLICT; the journal has the reason of such a refusal
 * (`claim-refused`).
 *
 * The installer's steps, each one transaction with state and journal. All check the job's state: ERR_CONFLICT
 * when it is not the one they start from; repeating a step that was done is harmless and answers the same. */
struct claim {
    const char *token, *machine_uuid;
    const struct disk *disk;
    struct admission_limit limit;
};
int job_claim(struct store *s, const struct claim *c, int64_t at_ms, struct job *ret, struct turn *ret_turn,
              char ret_enrol_token[DIGEST_HEX],
              struct err *e); /* a resume gives a new enrol token, the old one dies */
/* Does this job wait for its turn, and where does it stand? `now` when it does not wait. Changes nothing. */
int job_turn(struct store *s, const struct job *j, unsigned max_streams, int64_t at_ms, struct turn *ret,
             struct err *e);
int job_progress(struct store *s, int64_t job_id, uint64_t done, uint64_t total, uint64_t rate, int64_t at_ms,
                 struct err *e);
int job_written(struct store *s, int64_t job_id, const char *detail, int64_t at_ms,
                struct err *e); /* device: installed */
/* Armed or claimed: job and device fail. Written: the device alone fails (its first boot did), and goes on
 * when its agent reports again. */
int job_fail(struct store *s, int64_t job_id, const char *reason, const char *detail, int64_t at_ms,
             struct err *e);

/* First boot. An enrol token that reports proves that the disk was written, whatever became of the
 * installer's last callback. */
int job_started(struct store *s, int64_t job_id, const char *detail, int64_t at_ms,
                struct err *e); /* device: starting */

int job_get(struct store *s, int64_t id, struct job *ret, struct err *e);

/* Expires what is overdue. Cheap; courier calls it each minute. */
int job_expire(struct store *s, int64_t at_ms, struct err *e);

#endif

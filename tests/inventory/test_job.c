/* Jobs: armed, claimed, written, done; one-shot in every way that we know to attack it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "tests/inventory/fixture.h"

static int64_t hv;

static int setup(void **state)
{
    fixture_open(state);
    hv = put_device("hv-01", 1);
    put_release("debian-12", "v1", DIGEST_1, T0 - 2);
    put_release("rescue", "v1", DIGEST_2, T0 - 1);
    return 0;
}

static void token_for(const struct job *j, const char *uuid, char token[DIGEST_HEX])
{
    ok(token_at(fx.s, j, uuid, T0 + 1000, token, E));
    assert_int_equal(strlen(token), 64);
}

static struct job claim(const char *token, const char *uuid, char enrol[DIGEST_HEX])
{
    struct job j;
    ok(claim_at(fx.s, token, uuid, &vda, T0 + 2000, &j, enrol, E));
    return j;
}

/* By a machine that has booted anew. */
static struct job resume(const char *token, const char *uuid, char enrol[DIGEST_HEX])
{
    struct job j;
    ok(claim_at(fx.s, token, uuid, &vda, T0 + 2000 + WRITER_SILENCE_MS, &j, enrol, E));
    return j;
}

static bool token_good(const char *token)
{
    struct job j;
    enum token_kind kind;
    return job_by_token(fx.s, token, T0 + 3000, &kind, &j, NULL) == 0;
}

static void test_whole_life(void **state)
{
    (void)state;
    char token[DIGEST_HEX], enrol[DIGEST_HEX];
    enum token_kind kind;
    struct job j = assign_device(hv, "debian-12");
    assert_string_equal(j.device, "hv-01");
    assert_string_equal(j.image, "debian-12");
    assert_string_equal(j.digest, DIGEST_1);
    assert_int_equal(j.expires_ms, T0 + HOUR);
    assert_string_equal(get_device(hv).assigned, "debian-12");
    state_is(hv, STATE_ARMED);

    token_for(&j, NULL, token);
    state_is(hv, STATE_BOOTING);
    ok(job_by_token(fx.s, token, T0 + 1500, &kind, &j, E));
    assert_int_equal(kind, TOKEN_INSTALL);

    j = claim(token, "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE", enrol);
    assert_int_equal(j.state, JOB_CLAIMED);
    assert_string_equal(j.machine, UUID_B);
    assert_string_equal(j.disk, "vda serial=DISK1");
    assert_int_equal(j.claimed_ms, T0 + 2000);
    state_is(hv, STATE_INSTALLING);
    ok(job_by_token(fx.s, enrol, T0 + 2500, &kind, &j, E));
    assert_int_equal(kind, TOKEN_ENROL);

    ok(job_progress(fx.s, j.id, 500, 1000, 50, T0 + 3000, E));
    j = current(hv);
    assert_int_equal(j.bytes_done, 500);
    assert_int_equal(j.bytes_total, 1000);
    assert_int_equal(j.rate, 50);

    ok(job_written(fx.s, j.id, "1000 bytes", T0 + 4000, E));
    state_is(hv, STATE_INSTALLED);
    struct device d = get_device(hv);
    assert_string_equal(d.installed, "debian-12");
    assert_string_equal(d.installed_digest, DIGEST_1);
    assert_int_equal(d.installed_ms, T0 + 4000);

    ok(job_started(fx.s, j.id, "kernel 6.1", T0 + 5000, E));
    state_is(hv, STATE_STARTING);
    ok(enrolment_post(fx.s, j.id, "hv-01.lab", "KEY", "ssh-ed25519 AAAA", T0 + 6000, E));
    state_is(hv, STATE_ENROLLING);
    struct enrolment n;
    ok(enrolment_of_job(fx.s, j.id, &n, E));
    ok(enrolment_accepted(fx.s, n.id, T0 + 7000, E));
    ok(enrolment_ready(fx.s, n.id, "test.ping answered", T0 + 8000, E));
    state_is(hv, STATE_READY);
    assert_int_equal(current(hv).state, JOB_DONE);
    assert_false(token_good(token));

    const char *const order[] = {"created",    "assigned", "script",       "claimed", "written",
                                 "first-boot", "key-sent", "key-accepted", "ready"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_int_equal(events(hv, order[i]), 1);
    }
    ok(journal_verify(fx.s, NULL, E));
}

/* The post's answer was lost while it made the job done. */
static void test_done_token_repeats_only(void **state)
{
    (void)state;
    char token[DIGEST_HEX], enrol[DIGEST_HEX];
    enum token_kind kind;
    struct enrolment n;
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, NULL, token);
    claim(token, UUID_A, enrol);
    ok(enrolment_post(fx.s, j.id, "hv-01", "KEY", "ssh-ed25519 AAAA", T0 + 6000, E));
    ok(enrolment_of_job(fx.s, j.id, &n, E));
    ok(enrolment_ready(fx.s, n.id, "", T0 + 7000, E));
    ok(job_by_token(fx.s, enrol, T0 + 8000, &kind, &got, E));
    assert_int_equal(kind, TOKEN_SPENT);
    assert_int_equal(got.state, JOB_DONE);
    fails(job_by_token(fx.s, token, T0 + 8000, &kind, &got, E), ERR_REFUSED);
    fails(claim_at(fx.s, enrol, UUID_A, &vda, T0 + 8000, &got, token, E), ERR_REFUSED);
    fails(job_by_token(fx.s, enrol, current(hv).expires_ms, &kind, &got, E), ERR_REFUSED);
    assign_device(hv, "rescue");
    fails(job_by_token(fx.s, enrol, T0 + 8000, &kind, &got, E), ERR_REFUSED);
}

static void test_claim_is_one_shot(void **state)
{
    (void)state;
    char t[3][DIGEST_HEX], enrol[DIGEST_HEX], enrol2[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    for (int i = 0; i < 3; i++) {
        token_for(&j, NULL, t[i]);
    }
    claim(t[1], UUID_A, enrol);
    fails(claim_at(fx.s, t[0], UUID_A, &vda, T0 + 2000, &got, enrol2, E), ERR_REFUSED);
    assert_string_equal(fx.e.text, "this token is good for nothing here");
    fails(claim_at(fx.s, t[2], UUID_B, &vda, T0 + 2000, &got, enrol2, E), ERR_REFUSED);

    /* Its answer was lost: the same again, with a new enrol token. */
    claim(t[1], UUID_A, enrol2);
    assert_string_not_equal(enrol, enrol2);
    assert_false(token_good(enrol));
    assert_true(token_good(enrol2));

    ok(job_written(fx.s, j.id, "", T0 + 3000, E));
    fails(claim_at(fx.s, t[1], UUID_A, &vda, T0 + 4000, &got, enrol, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "the job of hv-01 is written: it is spent");
    assert_int_equal(events(hv, "claimed"), 2);
    state_is(hv, STATE_INSTALLED);
    fails(token_at(fx.s, &j, UUID_A, T0 + 4000, t[0], E), ERR_CONFLICT);
}

static void test_enrol_token_claims_nothing(void **state)
{
    (void)state;
    char token[DIGEST_HEX], enrol[DIGEST_HEX], other[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, NULL, token);
    claim(token, UUID_A, enrol);
    fails(claim_at(fx.s, enrol, UUID_A, &vda, T0 + 2000, &got, other, E), ERR_REFUSED);
    const char *const garbage[] = {"", "x", "' OR 1=1 --", DIGEST_1,
                                   "ZZZZ111111111111111111111111111111111111111111111111111111111111"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        fails(claim_at(fx.s, garbage[i], UUID_A, &vda, T0 + 2000, &got, other, E), ERR_REFUSED);
        fails(job_by_token(fx.s, garbage[i], T0, NULL, &got, E), ERR_REFUSED);
    }
}

static void test_impostor(void **state)
{
    (void)state;
    char t[DIGEST_HEX], u[DIGEST_HEX], enrol[DIGEST_HEX], other[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, NULL, t);
    j = claim(t, UUID_A, enrol);

    fails(token_at(fx.s, &j, UUID_B, T0 + 2500, u, E), ERR_REFUSED);
    assert_string_equal(fx.e.text, "the job of hv-01 was claimed by another machine");
    fails(token_at(fx.s, &j, NULL, T0 + 2500, u, E), ERR_REFUSED);
    fails(token_at(fx.s, &j, "", T0 + 2500, u, E), ERR_REFUSED);

    /* It lies about its UUID to get a script, and no further. */
    token_for(&j, UUID_A, u);
    fails(claim_at(fx.s, u, UUID_B, &vda, T0 + 2600, &got, other, E), ERR_REFUSED);
    fails(claim_at(fx.s, u, "", &vda, T0 + 2600, &got, other, E), ERR_REFUSED);
    fails(claim_at(fx.s, u, "nonsense", &vda, T0 + 2600, &got, other, E), ERR_INPUT);
    assert_true(token_good(t));
    assert_true(token_good(enrol));
    assert_string_equal(current(hv).machine, UUID_A);
    ok(job_progress(fx.s, j.id, 1, 2, 3, T0 + 2700, E));
}

/* The installer's choice is looked at before the job is its. */
static void test_claim_of_another_disk(void **state)
{
    (void)state;
    const struct disk other = {.name = "vdb", .serial = "DISK2", .size = UINT64_C(8) << 30};
    const struct disk renamed = {.name = "sda", .serial = "DISK1", .size = UINT64_C(8) << 30};
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct device d = get_device(hv);
    str_copy(d.disk_selector, sizeof d.disk_selector, "serial=DISK1");
    ok(device_put(fx.s, &d, "test", NULL, E));
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, UUID_A, t);
    fails(claim_at(fx.s, t, UUID_A, &other, T0 + 2000, &got, enrol, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "the job of hv-01 is for the disk serial=DISK1, and the installer has "
                                   "chosen vdb serial=DISK2: nothing was written; start the machine again");
    assert_int_equal(current(hv).state, JOB_ARMED);
    for (int i = 0; i < 50; i++) { /* in a loop: one line */
        fails(claim_at(fx.s, t, UUID_A, &other, T0 + 2001 + i, &got, enrol, E), ERR_CONFLICT);
    }
    assert_int_equal(events(hv, "claim-refused"), 1);
    claim(t, UUID_A, enrol);
    ok(claim_at(fx.s, t, UUID_A, &renamed, T0 + 2000, &got, enrol, E));
}

static void test_resume_on_another_disk(void **state)
{
    (void)state;
    const struct disk other = {.name = "vda", .serial = "DISK2", .size = UINT64_C(8) << 30};
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, UUID_A, t);
    j = claim(t, UUID_A, enrol);
    token_for(&j, UUID_A, t);
    fails(claim_at(fx.s, t, UUID_A, &other, T0 + 2000, &got, enrol, E), ERR_CONFLICT);
    assert_string_equal(current(hv).disk, "vda serial=DISK1");
    assert_int_equal(events(hv, "claim-refused"), 1);
    resume(t, UUID_A, enrol);
}

/* By what both have: one without a serial number is known by its WWN, and by its size. */
static void test_resume_on_a_disk_without_serial(void **state)
{
    (void)state;
    static const struct {
        struct disk disk;
        bool good;
    } cases[] = {
        {{.name = "sdb", .wwn = "0x5000", .size = UINT64_C(8) << 30}, true},
        {{.name = "sda", .wwn = "0x5000", .serial = "LATE", .size = UINT64_C(8) << 30}, true},
        {{.name = "sda", .size = UINT64_C(8) << 30}, true}, /* resumed last: this is what is known now */
        {{.name = "sda", .size = UINT64_C(16) << 30}, false},
    };
    const struct disk bare = {.name = "sda", .wwn = "0x5000", .size = UINT64_C(8) << 30};
    struct disk other = bare;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    int64_t at_ms = T0 + 2000;
    token_for(&j, UUID_A, t);
    ok(claim_at(fx.s, t, UUID_A, &bare, at_ms, &j, enrol, E));
    assert_string_equal(j.disk_wwn, "0x5000");
    assert_int_equal(j.disk_size, bare.size);
    strcpy(other.wwn, "0x6000");
    fails(claim_at(fx.s, t, UUID_A, &other, at_ms, &got, enrol, E), ERR_CONFLICT);
    assert_non_null(strstr(fx.e.text, "begun on the disk sda wwn=0x5000 of "));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].good) {
            ok(claim_at(fx.s, t, UUID_A, &cases[i].disk, at_ms, &got, enrol, E));
        } else {
            fails(claim_at(fx.s, t, UUID_A, &cases[i].disk, at_ms, &got, enrol, E), ERR_CONFLICT);
        }
    }
}

static void test_resume(void **state)
{
    (void)state;
    char t[DIGEST_HEX], u[DIGEST_HEX], v[DIGEST_HEX], enrol[DIGEST_HEX], enrol2[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, UUID_A, t);
    j = claim(t, UUID_A, enrol);
    token_for(&j, UUID_A, u);
    token_for(&j, UUID_A, v);
    assert_false(token_good(u)); /* only the newest, */
    assert_true(token_good(v));
    assert_true(token_good(t)); /* and the one that runs */
    state_is(hv, STATE_INSTALLING);
    assert_int_equal(events(hv, "script"), 3);

    /* The one that runs is heard of: nobody takes the job from it. */
    fails(claim_at(fx.s, v, UUID_A, &vda, T0 + 2000 + WRITER_SILENCE_MS - 1, &got, enrol2, E),
          ERR_UNAVAILABLE);
    assert_true(token_good(t));
    got = resume(v, UUID_A, enrol2);
    assert_int_equal(got.id, j.id);
    assert_int_equal(got.claimed_ms, j.claimed_ms);
    assert_false(token_good(t));
    assert_false(token_good(enrol));
    assert_true(token_good(enrol2));
    assert_int_equal(events(hv, "claimed"), 2);
}

static void test_machine_without_uuid(void **state)
{
    (void)state;
    char t[DIGEST_HEX], u[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    j = claim(t, "00000000-0000-0000-0000-000000000000", enrol);
    assert_string_equal(j.machine, "");
    assert_true(mac_eq(j.nic, a_mac(1)));
    token_for(&j, "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", u);
    resume(u, NULL, enrol);
    fails(token_at(fx.s, &j, UUID_A, T0 + 2500, u, E), ERR_REFUSED);
    /* Another one without a UUID is not it. */
    fails(job_token_make(fx.s, &j, &(struct asker){.nic = a_mac(2)}, T0 + 9000, u, E), ERR_REFUSED);
    ok(job_token_make(fx.s, &j, &(struct asker){.nic = a_mac(1)}, T0 + 9000, u, E));
}

/* What others fetch does not push out the token of a machine that is on its way. */
static void test_tokens_kept(void **state)
{
    (void)state;
    char t[11][DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    for (int i = 0; i < 11; i++) {
        ok(token_at(fx.s, &j, NULL, T0 + i * TOKEN_PACE_MS, t[i], E));
    }
    for (int i = 0; i < 11; i++) {
        ok(job_by_token(fx.s, t[i], T0 + MINUTE, NULL, &got, E));
    }
    ok(job_hello(fx.s, t[0], &(struct mac){{2}}, "a machine", T0 + MINUTE, E));
    ok(token_at(fx.s, &j, NULL, T0 + 16 * MINUTE, t[10],
                E)); /* those that are old make room, but for eight */
    fails(job_by_token(fx.s, t[1], T0 + 16 * MINUTE, NULL, &got, E), ERR_REFUSED);
    ok(job_by_token(fx.s, t[5], T0 + 16 * MINUTE, NULL, &got, E));
    ok(job_by_token(fx.s, t[0], T0 + 16 * MINUTE, NULL, &got, E)); /* its installer waits for its turn */
}

static void test_token_pace(void **state)
{
    (void)state;
    char t[DIGEST_HEX];
    struct asker a = {.machine_uuid = UUID_A, .nic = a_mac(1), .peer = {1}};
    struct job j = assign_device(hv, "debian-12");
    ok(job_token_make(fx.s, &j, &a, T0, t, E));
    size_t before = events(hv, "script");
    for (int i = 0; i < 100; i++) { /* he asks on and on: nothing is written */
        fails(job_token_make(fx.s, &j, &a, T0 + i, t, E), ERR_UNAVAILABLE);
    }
    assert_int_equal(events(hv, "script"), before);
    for (a.peer.a = 2; a.peer.a <= 8; a.peer.a++) { /* others are not held up by him, */
        ok(job_token_make(fx.s, &j, &a, T0 + 100, t, E));
    }
    fails(job_token_make(fx.s, &j, &a, T0 + 100, t, E), ERR_UNAVAILABLE); /* but eight are enough */
    a.peer.a = 1;
    ok(job_token_make(fx.s, &j, &a, T0 + TOKEN_PACE_MS, t, E));
}

/* A resume's token has claimed nothing: it speaks for the job only when the installer at work is silent. */
static void test_writer(void **state)
{
    (void)state;
    char t[DIGEST_HEX], u[DIGEST_HEX], enrol[DIGEST_HEX];
    enum token_kind kind;
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, UUID_A, t);
    ok(job_by_writer(fx.s, t, T0 + 1500, &kind, &got, E)); /* armed: an installer may fail before its claim */
    j = claim(t, UUID_A, enrol);
    token_for(&j, UUID_A, u);
    fails(job_by_writer(fx.s, u, T0 + 2500, &kind, &got, E), ERR_UNAVAILABLE);
    ok(job_by_writer(fx.s, t, T0 + 2500, &kind, &got, E));
    ok(job_by_writer(fx.s, enrol, T0 + 2500, &kind, &got, E));
    ok(job_progress(fx.s, j.id, 1, 2, 3, T0 + MINUTE, E));
    fails(job_by_writer(fx.s, u, T0 + MINUTE + WRITER_SILENCE_MS - 1, &kind, &got, E), ERR_UNAVAILABLE);
    ok(job_by_writer(fx.s, u, T0 + MINUTE + WRITER_SILENCE_MS, &kind, &got, E));
    ok(job_by_writer(fx.s, u, T0 - HOUR, &kind, &got, E)); /* the clock was set back */
    ok(job_written(fx.s, j.id, "", T0 + MINUTE, E));
    ok(job_by_writer(fx.s, u, T0 + MINUTE, &kind, &got, E)); /* there is nothing to protect any more */
}

static void test_hello_once(void **state)
{
    (void)state;
    char t[DIGEST_HEX];
    struct mac m = a_mac(1);
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, UUID_A, t);
    for (int i = 0; i < 20; i++) {
        ok(job_hello(fx.s, t, &m, "a machine", T0 + 1000 + i, E));
    }
    assert_int_equal(events(hv, "installer"), 1);
    ok(job_hello(fx.s, t, &m, "a machine", T0 + 20000, E));
    assert_int_equal(events(hv, "installer"), 2);
    fails(job_hello(fx.s, DIGEST_1, &m, "a machine", T0 + 20000, E), ERR_REFUSED);
}

static void test_assign_again_replaces_armed(void **state)
{
    (void)state;
    char t[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    struct job k = assign_device(hv, "rescue@v1");
    assert_int_not_equal(j.id, k.id);
    assert_false(token_good(t));
    assert_string_equal(get_device(hv).assigned, "rescue@v1");
    state_is(hv, STATE_ARMED);
    assert_int_equal(current(hv).id, k.id);
    struct job old;
    ok(job_get(fx.s, j.id, &old, E));
    assert_int_equal(old.state, JOB_CANCELLED);
}

static void test_assign_while_claimed(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    struct assign a = {.release_ref = "rescue", .actor = "test", .expiry_s = 60};
    fails(job_assign(fx.s, hv, &a, T0 + 3000, &got, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "hv-01 is being written with debian-12 now; wait until it is done, or say "
                                   "that this job replaces that one");
    state_is(hv, STATE_INSTALLING);
    a.replace = true;
    ok(job_assign(fx.s, hv, &a, T0 + 3000, &got, E));
    state_is(hv, STATE_ARMED);
    assert_false(token_good(t)); /* the old installer is told to stop */
    assert_false(token_good(enrol));
    fails(job_progress(fx.s, j.id, 1, 2, 3, T0 + 3000, E), ERR_CONFLICT);
    fails(job_written(fx.s, j.id, "", T0 + 3000, E), ERR_CONFLICT);
    fails(job_fail(fx.s, j.id, "disk-io", "", T0 + 3000, E), ERR_CONFLICT);
    fails(job_started(fx.s, j.id, "", T0 + 3000, E), ERR_CONFLICT);
    state_is(hv, STATE_ARMED);
}

static void test_dry_run_changes_nothing(void **state)
{
    (void)state;
    struct assign a = {.release_ref = "debian-12", .actor = "test", .expiry_s = 60, .dry_run = true};
    struct job j;
    ok(job_assign(fx.s, hv, &a, T0, &j, E));
    assert_string_equal(j.digest, DIGEST_1);
    state_is(hv, STATE_IDLE);
    assert_string_equal(get_device(hv).assigned, "");
    fails(job_current(fx.s, hv, &j, E), ERR_NOT_FOUND);
    assert_int_equal(events(hv, "assigned"), 0);
    a.release_ref = "nothing";
    fails(job_assign(fx.s, hv, &a, T0, &j, E), ERR_NOT_FOUND);
    assert_string_equal(fx.e.text,
                        "there is no image or release \"nothing\"; the images are: debian-12, rescue");
}

static void test_protected(void **state)
{
    (void)state;
    char t[DIGEST_HEX], u[DIGEST_HEX], enrol[DIGEST_HEX];
    struct assign a = {.release_ref = "debian-12", .actor = "test"};
    struct job j;
    ok(device_protect(fx.s, hv, true, "test", E));
    ok(device_protect(fx.s, hv, true, "test", E));
    assert_int_equal(events(hv, "protected"), 1);
    fails(job_assign(fx.s, hv, &a, T0, &j, E), ERR_REFUSED);
    assert_string_equal(
        fx.e.text,
        "hv-01 is protected and cannot be installed; `rackstrap device unprotect hv-01` allows it");
    state_is(hv, STATE_IDLE);
    fails(job_current(fx.s, hv, &j, E), ERR_NOT_FOUND);

    ok(device_protect(fx.s, hv, false, "test", E));
    j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    ok(device_protect(fx.s, hv, true, "test", E)); /* after its script has left */
    fails(claim_at(fx.s, t, UUID_A, &vda, T0 + 2000, &j, enrol, E), ERR_REFUSED);
    fails(token_at(fx.s, &j, NULL, T0 + 2000, u, E), ERR_REFUSED);
    assert_int_equal(current(hv).state, JOB_ARMED);
    fails(device_protect(fx.s, 4711, true, "test", E), ERR_NOT_FOUND);
}

static void test_cancel(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j;
    fails(job_cancel(fx.s, hv, "test", T0, E), ERR_NOT_FOUND);
    assert_string_equal(fx.e.text, "hv-01 has no job that could be cancelled");
    j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    ok(job_cancel(fx.s, hv, "test", T0 + 2000, E));
    state_is(hv, STATE_IDLE);
    assert_false(token_good(t));
    assert_int_equal(current(hv).state, JOB_CANCELLED);

    j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    ok(job_cancel(fx.s, hv, "test", T0 + 2000, E));
    state_is(hv, STATE_IDLE);
    assert_false(token_good(enrol));
}

static void test_cancel_leaves_a_ready_device_ready(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct enrolment n;
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    ok(enrolment_post(fx.s, j.id, "hv-01", "KEY", NULL, T0 + 3000, E));
    ok(enrolment_of_job(fx.s, j.id, &n, E));
    ok(enrolment_ready(fx.s, n.id, "no driver", T0 + 4000, E));
    state_is(hv, STATE_READY);
    assign_device(hv, "rescue");
    assign_device(hv, "debian-12");
    ok(job_cancel(fx.s, hv, "test", T0 + 5000, E));
    state_is(hv, STATE_READY);
    assert_string_equal(get_device(hv).installed, "debian-12");

    /* Once a job is claimed, nobody can say any more what the disk carries. */
    j = assign_device(hv, "rescue");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    assert_string_equal(get_device(hv).installed, "");
    ok(job_cancel(fx.s, hv, "test", T0 + 6000, E));
    assert_string_equal(get_device(hv).installed, "");
}

static void test_expiry(void **state)
{
    (void)state;
    char t[DIGEST_HEX], u[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, NULL, t);
    ok(job_expire(fx.s, T0 + HOUR - 1, E));
    assert_int_equal(current(hv).state, JOB_ARMED);

    /* Overdue counts before anything has marked it so. */
    fails(job_by_token(fx.s, t, T0 + HOUR, NULL, &got, E), ERR_REFUSED);
    fails(claim_at(fx.s, t, UUID_A, &vda, T0 + HOUR, &got, enrol, E), ERR_REFUSED);
    fails(token_at(fx.s, &j, NULL, T0 + HOUR, u, E), ERR_CONFLICT);

    ok(job_expire(fx.s, T0 + HOUR, E));
    assert_int_equal(current(hv).state, JOB_EXPIRED);
    state_is(hv, STATE_IDLE);
    assert_int_equal(events(hv, "expired"), 1);
    ok(job_expire(fx.s, T0 + 2 * HOUR, E));
    assert_int_equal(events(hv, "expired"), 1);
}

static void test_signs_of_life_put_expiry_off(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    ok(claim_at(fx.s, t, UUID_A, &vda, T0 + HOUR - 1, &j, enrol, E));
    assert_int_equal(j.expires_ms, T0 + 2 * HOUR - 1);
    ok(job_progress(fx.s, j.id, 1, 2, 3, T0 + 2 * HOUR - 2, E));
    ok(job_expire(fx.s, T0 + 3 * HOUR - 3, E));
    assert_int_equal(current(hv).state, JOB_CLAIMED);
    ok(job_expire(fx.s, T0 + 3 * HOUR - 2, E));
    assert_int_equal(current(hv).state, JOB_EXPIRED);
    state_is(hv, STATE_FAILED);
    assert_string_equal(get_device(hv).reason, "expired");
    assert_false(token_good(enrol));
}

static void test_fail(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12"), got;
    token_for(&j, NULL, t);
    ok(job_fail(fx.s, j.id, "no-disk", "no disk at all", T0 + 1500, E)); /* before the claim */
    state_is(hv, STATE_FAILED);
    assert_int_equal(current(hv).state, JOB_FAILED);
    assert_string_equal(current(hv).reason, "no-disk");
    assert_true(token_good(t)); /* it may say so again, */
    ok(job_fail(fx.s, j.id, "no-disk", "no disk at all", T0 + 1600, E));
    assert_int_equal(events(hv, "failed"), 1);
    fails(claim_at(fx.s, t, UUID_A, &vda, T0 + 2000, &got, enrol, E), ERR_CONFLICT); /* and nothing else */

    j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    ok(job_fail(fx.s, j.id, "image-corrupt", "frame 7", T0 + 2500, E));
    assert_string_equal(get_device(hv).reason, "image-corrupt");
    assert_false(token_good(enrol));
    fails(job_started(fx.s, j.id, "", T0 + 3000, E), ERR_CONFLICT);
    fails(job_written(fx.s, j.id, "", T0 + 3000, E), ERR_CONFLICT);
    fails(job_fail(fx.s, j.id, "no spaces\n", "", T0, E), ERR_INPUT);
}

static void test_lost_last_callback(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    ok(job_started(fx.s, j.id, "first boot", T0 + 5000, E));
    state_is(hv, STATE_STARTING);
    assert_int_equal(current(hv).state, JOB_WRITTEN);
    assert_string_equal(get_device(hv).installed_digest, DIGEST_1);
    assert_int_equal(events(hv, "written"), 1);
    ok(job_written(fx.s, j.id, "late", T0 + 6000, E)); /* and now it arrives after all */
    state_is(hv, STATE_STARTING);
    assert_int_equal(events(hv, "written"), 1);
    ok(job_started(fx.s, j.id, "first boot", T0 + 7000, E));
    assert_int_equal(events(hv, "first-boot"), 1);
}

static void test_first_boot_fails_and_mends(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    ok(job_written(fx.s, j.id, "", T0 + 3000, E));
    ok(job_fail(fx.s, j.id, "first-boot-error", "no salt-minion", T0 + 4000, E));
    state_is(hv, STATE_FAILED);
    assert_int_equal(current(hv).state, JOB_WRITTEN);
    assert_true(token_good(enrol));
    ok(job_fail(fx.s, j.id, "first-boot-error", "again", T0 + 4100, E)); /* says nothing new */
    assert_int_equal(events(hv, "failed"), 1);
    ok(job_fail(fx.s, j.id, "no-network", "", T0 + 4200, E));
    assert_int_equal(events(hv, "failed"), 2);
    ok(job_started(fx.s, j.id, "", T0 + 5000, E));
    state_is(hv, STATE_STARTING);
    assert_string_equal(get_device(hv).reason, "");
}

static void test_old_system_cannot_disarm(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    ok(job_written(fx.s, j.id, "", T0 + 3000, E));
    assign_device(hv, "rescue");
    assert_false(token_good(enrol));
    fails(job_started(fx.s, j.id, "", T0 + 5000, E), ERR_CONFLICT);
    fails(job_fail(fx.s, j.id, "first-boot-error", "", T0 + 5000, E), ERR_CONFLICT);
    fails(enrolment_post(fx.s, j.id, "hv-01", "KEY", NULL, T0 + 5000, E), ERR_CONFLICT);
    state_is(hv, STATE_ARMED);
}

static void test_progress_never_goes_back(void **state)
{
    (void)state;
    char token[DIGEST_HEX], enrol[DIGEST_HEX];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, token);
    j = claim(token, UUID_A, enrol);
    ok(job_progress(fx.s, j.id, 500, 1000, 50, T0 + 30000, E));
    ok(job_progress(fx.s, j.id, 400, 1000, 50, T0 + 29000, E));
    ok(job_get(fx.s, j.id, &j, E));
    assert_int_equal(j.bytes_done, 500);
    ok(job_progress(fx.s, j.id, 600, 1000, 50, T0 + 15000, E)); /* the clock was set back */
    ok(job_get(fx.s, j.id, &j, E));
    assert_int_equal(j.bytes_done, 600);
}

static void test_progress_needs_a_claim(void **state)
{
    (void)state;
    struct job j = assign_device(hv, "debian-12");
    fails(job_progress(fx.s, j.id, 1, 2, 3, T0, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "the job of hv-01 is armed: it cannot be in progress");
    fails(job_written(fx.s, j.id, "", T0, E), ERR_CONFLICT);
    fails(job_started(fx.s, j.id, "", T0, E), ERR_CONFLICT);
    fails(job_progress(fx.s, 4711, 1, 2, 3, T0, E), ERR_NOT_FOUND);
    fails(job_progress(fx.s, j.id, UINT64_MAX, 2, 3, T0, E), ERR_INPUT);
}

static int no_token_in(const char *path, const char *token)
{
    struct str s = {0};
    int found = file_exists(path) && file_read(path, 64u << 20, &s, NULL) == 0 &&
                memmem(s.s, s.len, token, strlen(token));
    str_free(&s);
    return !found;
}

static void test_tokens_are_stored_as_hashes(void **state)
{
    (void)state;
    char t[DIGEST_HEX], enrol[DIGEST_HEX], path[128];
    struct job j = assign_device(hv, "debian-12");
    token_for(&j, NULL, t);
    claim(t, UUID_A, enrol);
    const char *const files[] = {"inventory.db", "inventory.db-wal"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", fx.dir, files[i]);
        assert_true(no_token_in(path, t));
        assert_true(no_token_in(path, enrol));
    }
}

static int collect(const struct job *j, void *ctx)
{
    struct str *s = ctx;
    str_addf(s, "%s:%s ", j->device, job_state_name(j->state));
    return 0;
}

static void test_each(void **state)
{
    (void)state;
    struct str s = {0};
    int64_t other = put_device("hv-02", 2);
    assign_device(hv, "debian-12");
    assign_device(other, "rescue");
    assign_device(hv, "rescue");
    ok(job_each(fx.s, 0, collect, &s, E));
    assert_string_equal(s.s, "hv-01:armed hv-02:armed hv-01:cancelled ");
    str_reset(&s);
    ok(job_each(fx.s, other, collect, &s, E));
    assert_string_equal(s.s, "hv-02:armed ");
    str_free(&s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_whole_life),
        T(test_done_token_repeats_only),
        T(test_claim_is_one_shot),
        T(test_enrol_token_claims_nothing),
        T(test_impostor),
        T(test_claim_of_another_disk),
        T(test_resume_on_another_disk),
        T(test_resume_on_a_disk_without_serial),
        T(test_resume),
        T(test_machine_without_uuid),
        T(test_tokens_kept),
        T(test_token_pace),
        T(test_writer),
        T(test_hello_once),
        T(test_assign_again_replaces_armed),
        T(test_assign_while_claimed),
        T(test_dry_run_changes_nothing),
        T(test_protected),
        T(test_cancel),
        T(test_cancel_leaves_a_ready_device_ready),
        T(test_expiry),
        T(test_signs_of_life_put_expiry_off),
        T(test_fail),
        T(test_lost_last_callback),
        T(test_first_boot_fails_and_mends),
        T(test_old_system_cannot_disarm),
        T(test_progress_needs_a_claim),
        T(test_progress_never_goes_back),
        T(test_tokens_are_stored_as_hashes),
        T(test_each),
    };
    return cmocka_run_group_tests_name("inventory/job", tests, NULL, NULL);
}

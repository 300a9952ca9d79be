/* Enrolments: posted by machines, worked off by courier. */
#include "tests/inventory/fixture.h"

static int64_t hv;
static struct job job;

static int setup(void **state)
{
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    fixture_open(state);
    hv = put_device("hv-01", 1);
    put_release("debian-12", "v1", DIGEST_1, T0);
    job = assign_device(hv, "debian-12");
    ok(token_at(fx.s, &job, NULL, T0, t, E));
    ok(claim_at(fx.s, t, UUID_A, &vda, T0, &job, enrol, E));
    ok(job_written(fx.s, job.id, "", T0, E));
    ok(job_started(fx.s, job.id, "", T0, E));
    return 0;
}

static struct enrolment the_one(void)
{
    struct enrolment n;
    ok(enrolment_of_job(fx.s, job.id, &n, E));
    return n;
}

static int post(const char *key)
{
    return enrolment_post(fx.s, job.id, "hv-01.lab", key, "ssh-ed25519 AAAA", T0 + 10, E);
}

static void test_post(void **state)
{
    (void)state;
    struct enrolment n;
    fails(enrolment_of_job(fx.s, job.id, &n, E), ERR_NOT_FOUND);
    ok(post("KEY"));
    state_is(hv, STATE_ENROLLING);
    n = the_one();
    assert_string_equal(n.device, "hv-01");
    assert_string_equal(n.minion_id, "hv-01.lab");
    assert_string_equal(n.pubkey, "KEY");
    assert_int_equal(n.state, ENROL_POSTED);
    ok(post("KEY"));
    assert_int_equal(events(hv, "key-sent"), 1);
    fails(post("ANOTHER"), ERR_REFUSED);
    fails(enrolment_post(fx.s, job.id, "hv-99", "KEY", "", T0, E), ERR_REFUSED);
    assert_string_equal(the_one().pubkey, "KEY");
    fails(post(""), ERR_INPUT);
    fails(enrolment_post(fx.s, job.id, "", "KEY", "", T0, E), ERR_INPUT);
    char *long_key = xcalloc(1, PUBKEY_MAX + 1);
    memset(long_key, 'x', PUBKEY_MAX);
    fails(post(long_key), ERR_INPUT);
    free(long_key);
    fails(enrolment_post(fx.s, 4711, "hv-01", "KEY", "", T0, E), ERR_NOT_FOUND);
}

static void test_due(void **state)
{
    (void)state;
    struct enrolment list[4];
    size_t n = 9;
    int64_t next = 0;
    ok(enrolment_next(fx.s, &next, E));
    assert_true(next == INT64_MAX);
    ok(enrolment_due(fx.s, T0 + HOUR, list, 4, &n, E));
    assert_int_equal(n, 0);
    ok(post("KEY"));
    ok(enrolment_next(fx.s, &next, E));
    assert_int_equal(next, T0 + 10);
    ok(enrolment_due(fx.s, T0 + 9, list, 4, &n, E));
    assert_int_equal(n, 0);
    ok(enrolment_due(fx.s, T0 + 10, list, 4, &n, E));
    assert_int_equal(n, 1);
    assert_int_equal(list[0].device_id, hv);
}

static void test_retry_journals_the_first_of_a_kind(void **state)
{
    (void)state;
    ok(post("KEY"));
    int64_t id = the_one().id;
    for (int i = 0; i < 3; i++) {
        ok(enrolment_retry(fx.s, id, "the master does not answer", T0 + MINUTE, T0 + 20, E));
    }
    assert_int_equal(events(hv, "waiting"), 1);
    assert_int_equal(the_one().attempts, 3);
    assert_int_equal(the_one().next_ms, T0 + MINUTE);
    assert_string_equal(the_one().last_error, "the master does not answer");
    ok(enrolment_retry(fx.s, id, "another", T0 + MINUTE, T0 + 20, E));
    assert_int_equal(events(hv, "waiting"), 2);
    ok(enrolment_accepted(fx.s, id, T0 + 30, E));
    assert_int_equal(the_one().attempts, 0);
    assert_string_equal(the_one().last_error, "");
    assert_int_equal(the_one().next_ms, T0 + 30);
}

static void test_forward(void **state)
{
    (void)state;
    ok(post("KEY"));
    int64_t id = the_one().id;
    ok(enrolment_accepted(fx.s, id, T0 + 20, E));
    ok(enrolment_accepted(fx.s, id, T0 + 21, E));
    assert_int_equal(events(hv, "key-accepted"), 1);
    state_is(hv, STATE_ENROLLING);
    ok(enrolment_ready(fx.s, id, "test.ping answered", T0 + 30, E));
    ok(enrolment_ready(fx.s, id, "test.ping answered", T0 + 31, E));
    assert_int_equal(events(hv, "ready"), 1);
    state_is(hv, STATE_READY);
    assert_int_equal(current(hv).state, JOB_DONE);
    ok(post("KEY")); /* its answer was lost */
    state_is(hv, STATE_READY);
    fails(post("ANOTHER"), ERR_REFUSED);
    ok(enrolment_accepted(fx.s, id, T0 + 40, E));
    fails(enrolment_fail(fx.s, id, "key-refused", "", T0 + 40, E), ERR_CONFLICT);
    fails(enrolment_retry(fx.s, id, "x", T0, T0, E), ERR_CONFLICT);
    fails(enrolment_accepted(fx.s, 4711, T0, E), ERR_NOT_FOUND);
}

static void test_fail_and_try_once_more(void **state)
{
    (void)state;
    ok(post("KEY"));
    int64_t id = the_one().id;
    ok(enrolment_fail(fx.s, id, "key-refused", "the master refuses the key", T0 + 20, E));
    ok(enrolment_fail(fx.s, id, "key-refused", "the master refuses the key", T0 + 21, E));
    assert_int_equal(events(hv, "failed"), 1);
    state_is(hv, STATE_FAILED);
    assert_string_equal(get_device(hv).reason, "key-refused");
    fails(enrolment_accepted(fx.s, id, T0 + 25, E), ERR_CONFLICT);
    fails(enrolment_ready(fx.s, id, "", T0 + 25, E), ERR_CONFLICT);
    ok(post("KEY"));
    state_is(hv, STATE_ENROLLING);
    assert_int_equal(the_one().state, ENROL_POSTED);
    ok(enrolment_accepted(fx.s, id, T0 + 30, E));
}

/* The agent stumbles after it has posted; the master gets an answer all the same. */
static void test_ready_after_a_stumble(void **state)
{
    (void)state;
    ok(post("KEY"));
    int64_t id = the_one().id;
    ok(enrolment_accepted(fx.s, id, T0 + 20, E));
    ok(job_fail(fx.s, job.id, "first-boot-error", "the minion did not start", T0 + 30, E));
    state_is(hv, STATE_FAILED);
    ok(job_started(fx.s, job.id, "", T0 + 35, E)); /* it starts anew, */
    state_is(hv, STATE_STARTING);
    ok(post("KEY")); /* posts again, */
    state_is(hv, STATE_ENROLLING);
    assert_int_equal(the_one().state, ENROL_ACCEPTED); /* and what was reached counts */
    ok(job_fail(fx.s, job.id, "first-boot-error", "the minion did not start", T0 + 40, E));
    ok(enrolment_ready(fx.s, id, "test.ping answered", T0 + 50, E));
    state_is(hv, STATE_READY);
}

static void test_a_newer_job_ends_it(void **state)
{
    (void)state;
    struct enrolment list[4];
    size_t n = 9;
    ok(post("KEY"));
    assign_device(hv, "debian-12");
    ok(enrolment_due(fx.s, T0 + HOUR, list, 4, &n, E));
    assert_int_equal(n, 0);
    fails(enrolment_ready(fx.s, the_one().id, "", T0 + 50, E), ERR_CONFLICT);
    state_is(hv, STATE_ARMED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_post),
        T(test_due),
        T(test_retry_journals_the_first_of_a_kind),
        T(test_forward),
        T(test_fail_and_try_once_more),
        T(test_ready_after_a_stumble),
        T(test_a_newer_job_ends_it),
    };
    return cmocka_run_group_tests_name("inventory/enrolment", tests, NULL, NULL);
}

/* The boot decision, every row of it. */
#include "tests/inventory/fixture.h"

static const struct {
    const char *name;
    bool no_device, no_job, protected;
    const char *assigned;
    enum job_state job;
    int64_t expires_ms;
    const char *bound, *asks; /* the machine that claimed; the one that asks */
    unsigned bound_nic, nic;  /* and their NICs */
    enum unknown_policy unknown;
    enum boot_action want;
    const char *reason; /* a part of the sentence */
} rows[] = {
    {"unknown, discover", .no_device = true, .unknown = UNKNOWN_DISCOVER, .want = BOOT_DISCOVER,
     .reason = "is discover"},
    {"unknown, ignore", .no_device = true, .unknown = UNKNOWN_IGNORE, .want = BOOT_IGNORE,
     .reason = "is ignore"},
    {"protected with an armed job", .protected = true, .job = JOB_ARMED, .expires_ms = T0 + HOUR,
     .want = BOOT_LOCAL, .reason = "hv-01 is protected"},
    {"protected while claimed", .protected = true, .job = JOB_CLAIMED, .expires_ms = T0 + HOUR,
     .want = BOOT_LOCAL, .reason = "never installed"},
    {"no job", .no_job = true, .want = BOOT_LOCAL, .reason = "no image was ever assigned to hv-01"},
    {"no job, image not built", .no_job = true, .assigned = "rescue", .want = BOOT_LOCAL,
     .reason = "rescue is assigned to hv-01, but no job"},
    {"armed", .job = JOB_ARMED, .expires_ms = T0 + 1, .want = BOOT_INSTALL,
     .reason = "a job to write debian-12 waits for hv-01"},
    {"armed, overdue", .job = JOB_ARMED, .expires_ms = T0, .want = BOOT_LOCAL, .reason = "has expired"},
    {"claimed, same machine", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = UUID_B, .asks = UUID_B,
     .want = BOOT_INSTALL, .reason = "resumed"},
    {"claimed, same machine in capitals", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = UUID_B,
     .asks = "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE", .want = BOOT_INSTALL, .reason = "resumed"},
    {"claimed, asker cannot know", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = UUID_B,
     .want = BOOT_INSTALL, .reason = "resumed"},
    {"claimed, another machine", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = UUID_B, .asks = UUID_A,
     .want = BOOT_LOCAL, .reason = "was claimed by the machine with UUID " UUID_B},
    {"claimed, a machine without UUID", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = UUID_B, .asks = "",
     .want = BOOT_LOCAL, .reason = "another one"},
    {"claimed, garbage for a UUID", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = UUID_B, .asks = "x",
     .want = BOOT_LOCAL, .reason = "another one"},
    {"claimed by one without UUID, and asked by it", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = "",
     .asks = "00000000-0000-0000-0000-000000000000", .want = BOOT_INSTALL, .reason = "resumed"},
    {"claimed by one without UUID, asked by another", .job = JOB_CLAIMED, .expires_ms = T0 + 1, .bound = "",
     .asks = UUID_A, .want = BOOT_LOCAL, .reason = "UUID (none)"},
    {"claimed by one without UUID, asked by one with another NIC", .job = JOB_CLAIMED, .expires_ms = T0 + 1,
     .bound = "", .bound_nic = 1, .asks = "", .nic = 2, .want = BOOT_LOCAL,
     .reason = "and MAC address 52:54:00:00:00:01"},
    {"claimed by one without UUID, asked by the same NIC", .job = JOB_CLAIMED, .expires_ms = T0 + 1,
     .bound = "", .bound_nic = 1, .asks = "", .nic = 1, .want = BOOT_INSTALL, .reason = "resumed"},
    {"claimed by one with UUID, asked by its other NIC", .job = JOB_CLAIMED, .expires_ms = T0 + 1,
     .bound = UUID_B, .bound_nic = 1, .asks = UUID_B, .nic = 2, .want = BOOT_INSTALL, .reason = "resumed"},
    {"claimed, overdue", .job = JOB_CLAIMED, .expires_ms = T0, .bound = UUID_B, .asks = UUID_B,
     .want = BOOT_LOCAL, .reason = "has expired"},
    {"written", .job = JOB_WRITTEN, .expires_ms = T0 + 1, .want = BOOT_LOCAL, .reason = "the job is spent"},
    {"written, time over", .job = JOB_WRITTEN, .expires_ms = T0, .want = BOOT_LOCAL,
     .reason = "the job is spent"},
    {"done", .job = JOB_DONE, .want = BOOT_LOCAL, .reason = "has enrolled"},
    {"failed", .job = JOB_FAILED, .want = BOOT_LOCAL, .reason = "failed (image-corrupt)"},
    {"cancelled", .job = JOB_CANCELLED, .want = BOOT_LOCAL, .reason = "was cancelled"},
    {"expired", .job = JOB_EXPIRED, .want = BOOT_LOCAL, .reason = "has expired"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct device d = {.name = "hv-01", .protected = rows[i].protected, .state = STATE_ARMED};
        struct job j = {.image = "debian-12", .state = rows[i].job, .expires_ms = rows[i].expires_ms};
        str_copy(d.assigned, sizeof d.assigned, rows[i].assigned ? rows[i].assigned : "");
        str_copy(j.machine, sizeof j.machine, rows[i].bound ? rows[i].bound : "");
        str_copy(j.reason, sizeof j.reason, rows[i].job == JOB_FAILED ? "image-corrupt" : "");
        struct boot_request req = {
            .machine_uuid = rows[i].asks, .nic = a_mac(rows[i].nic), .unknown = rows[i].unknown, .at_ms = T0};
        j.nic = a_mac(rows[i].bound_nic);
        struct boot_decision got =
            boot_decide(rows[i].no_device ? NULL : &d, rows[i].no_job ? NULL : &j, &req);
        if (got.action != rows[i].want || !strstr(got.reason, rows[i].reason)) {
            fail_msg("%s: %s, because %s", rows[i].name, boot_action_name(got.action), got.reason);
        }
    }
}

/* Whatever else holds, only armed and claimed jobs install, and nothing protected does. */
static void test_install_is_rare(void **state)
{
    (void)state;
    for (int protected = 0; protected < 2; protected ++) {
        for (int js = JOB_ARMED; js <= JOB_EXPIRED; js++) {
            for (int ds = STATE_IDLE; ds < STATE_COUNT; ds++) {
                struct device d = {.name = "hv-01", .protected = protected, .state = (enum device_state)ds};
                struct job j = {.image = "debian-12", .state = (enum job_state)js, .expires_ms = T0 + 1};
                struct boot_decision got = boot_decide(&d, &j, &(struct boot_request){.at_ms = T0});
                bool install = !protected && (js == JOB_ARMED || js == JOB_CLAIMED);
                assert_int_equal(got.action, install ? BOOT_INSTALL : BOOT_LOCAL);
            }
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(boot_action_name(BOOT_LOCAL), "local");
    assert_string_equal(boot_action_name(BOOT_IGNORE), "ignore");
    assert_string_equal(boot_action_name((enum boot_action)99), "?");
    assert_string_equal(job_state_name(JOB_CANCELLED), "cancelled");
    enum job_state s;
    assert_int_equal(job_state_parse("expired", &s, NULL), 0);
    assert_int_equal(s, JOB_EXPIRED);
    assert_int_equal(job_state_parse("no", &s, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_install_is_rare),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("inventory/decide", tests, NULL, NULL);
}

/* agentjson: good bodies of each kind, a table of bad ones, every truncation of a good one, and facts that
 * fit. */
#include "httpboot/agentjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DISK                                                                                                 \
    "{\"name\":\"vda\",\"serial\":\"S1\",\"wwn\":null,\"by_path\":\"pci-0000\",\"model\":\"QEMU\",\"size\":" \
    "4294967296}"
#define HELLO                                                                                                \
    "{\"mac\":\"52:54:00:00:00:01\",\"uuid\":\"6F1C2D3E-0000-4000-8000-000000000001\",\"serial\":"           \
    "\"A\\u0001B\","                                                                                         \
    "\"model\":\"PC\",\"disks\":[" DISK                                                                      \
    "],\"interfaces\":[{\"name\":\"eth0\",\"mac\":\"52:54:00:00:00:01\"}],"                                  \
    "\"later\":{\"than\":\"us\"}}"
#define KEY "-----BEGIN PUBLIC KEY-----\\nMIIB\\n-----END PUBLIC KEY-----\\n"
#define ENROL                                                                                                \
    "{\"minion_id\":\"hv-01\",\"pubkey\":\"" KEY                                                             \
    "\",\"ssh_host_keys\":[\"ssh-ed25519 AAAA\",\"ssh-rsa BBBB\"]}"

static union {
    struct agent_hello hello;
    struct agent_claim claim;
    struct agent_progress progress;
    struct agent_written written;
    struct agent_failed failed;
    struct agent_enrol enrol;
} out;

enum body { HELLO_BODY, CLAIM_BODY, PROGRESS_BODY, WRITTEN_BODY, FAILED_BODY, ENROL_BODY, BODIES };

static int parse(enum body which, struct span body, struct err *e)
{
    switch (which) {
    case HELLO_BODY:
        return agent_hello_parse(body, &out.hello, e);
    case CLAIM_BODY:
        return agent_claim_parse(body, &out.claim, e);
    case PROGRESS_BODY:
        return agent_progress_parse(body, &out.progress, e);
    case WRITTEN_BODY:
        return agent_written_parse(body, &out.written, e);
    case FAILED_BODY:
        return agent_failed_parse(body, &out.failed, e);
    default:
        return agent_enrol_parse(body, &out.enrol, e);
    }
}

static void good(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(agent_hello_parse(span_str(HELLO), &out.hello, &e), 0);
    assert_string_equal(out.hello.uuid, "6f1c2d3e-0000-4000-8000-000000000001");
    assert_string_equal(out.hello.serial, "A B");
    assert_int_equal(out.hello.disks_n, 1);
    assert_int_equal(out.hello.interfaces_n, 1);
    assert_int_equal(
        agent_claim_parse(span_str("{\"uuid\":\"00000000-0000-0000-0000-000000000000\",\"disk\":" DISK "}"),
                          &out.claim, &e),
        0);
    assert_string_equal(out.claim.uuid, "");
    assert_string_equal(out.claim.disk.name, "vda");
    assert_string_equal(out.claim.disk.wwn, "");
    assert_true(out.claim.disk.size == 4294967296);
    assert_int_equal(agent_progress_parse(span_str("{\"done\":1,\"total\":2,\"rate\":3}"), &out.progress, &e),
                     0);
    assert_true(out.progress.done == 1 && out.progress.total == 2 && out.progress.rate == 3);
    assert_int_equal(
        agent_written_parse(
            span_str("{\"frames_written\":1,\"frames_same\":2,\"bytes_fetched\":3,\"seconds\":4}"),
            &out.written, &e),
        0);
    assert_true(out.written.seconds == 4);
    assert_int_equal(agent_failed_parse(span_str("{\"reason\":\"image-corrupt\",\"detail\":\"frame\\n7\"}"),
                                        &out.failed, &e),
                     0);
    assert_string_equal(out.failed.detail, "frame 7");
    assert_int_equal(agent_enrol_parse(span_str(ENROL), &out.enrol, &e), 0);
    assert_string_equal(out.enrol.ssh_host_keys, "ssh-ed25519 AAAA\nssh-rsa BBBB\n");
    assert_string_equal(out.enrol.pubkey, "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n");
    assert_int_equal(agent_enrol_parse(span_str("{\"ssh_host_keys\":null}"), &out.enrol, &e), 0);
    assert_string_equal(out.enrol.pubkey, "");
}

static void bad(void **state)
{
    static const struct {
        enum body parser;
        const char *body, *says;
    } cases[] = {
        {HELLO_BODY, "", "no JSON"},
        {HELLO_BODY, "[]", "no JSON object"},
        {HELLO_BODY, "{\"mac\":\"52:54:00:00:00:01\",\"mac\":\"52:54:00:00:00:02\"}", "no JSON"},
        {HELLO_BODY, "{}", "\"mac\" is missing"},
        {HELLO_BODY, "{\"mac\":7}", "\"mac\" is not a text"},
        {HELLO_BODY, "{\"mac\":\"x\"}", "\"mac\""},
        {HELLO_BODY, "{\"mac\":\"52:54:00:00:00:01\",\"disks\":{}}", "\"disks\" is not an array"},
        {HELLO_BODY, "{\"mac\":\"52:54:00:00:00:01\",\"disks\":[7]}", "not an object"},
        {HELLO_BODY, "{\"mac\":\"52:54:00:00:00:01\",\"disks\":[{\"name\":\"a\",\"size\":1.5}]}",
         "\"size\" is not a whole number"},
        {HELLO_BODY, "{\"mac\":\"52:54:00:00:00:01\",\"interfaces\":[\"eth0\"]}", "\"interfaces\""},
        {HELLO_BODY, "{\"mac\":\"52:54:00:00:00:01\",\"model\":\"a\\u0000b\"}", "no JSON"},
        {CLAIM_BODY, "{\"uuid\":\"x\"}", "\"disk\" is missing"},
        {PROGRESS_BODY, "{\"done\":-1,\"total\":2}", "\"done\" is negative"},
        {PROGRESS_BODY, "{\"done\":3,\"total\":2}", "more than"},
        {PROGRESS_BODY, "{\"done\":99999999999999999999,\"total\":2}", "no JSON"},
        {PROGRESS_BODY, "{\"done\":\"1\",\"total\":2}", "\"done\" is not a whole number"},
        {FAILED_BODY, "{\"reason\":\"tired\"}", "\"reason\" is none"},
        {FAILED_BODY, "{\"detail\":\"x\"}", "\"reason\" is missing"},
        {ENROL_BODY, "{\"pubkey\":\"hello\"}", "no public key"},
        {ENROL_BODY, "{\"pubkey\":\"-----BEGIN PUBLIC KEY-----\\nM\\u00e9\\n-----END PUBLIC KEY-----\"}",
         "a byte that PEM"},
        {ENROL_BODY, "{\"ssh_host_keys\":[7]}", "\"ssh_host_keys\""},
        {ENROL_BODY, "{\"ssh_host_keys\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]}",
         "more than 8"},
        {ENROL_BODY, "{\"minion_id\":\"\xff\"}", "no JSON"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};

        if (parse(cases[i].parser, span_str(cases[i].body), &e) == 0)
            fail_msg("%s was taken", cases[i].body);
        if (e.kind != ERR_INPUT || !strstr(e.text, cases[i].says))
            fail_msg("%s: %s", cases[i].body, e.text);
    }
}

static void truncated(void **state)
{
    static const char *const bodies[] = {HELLO, ENROL};
    size_t i, n, p;

    (void)state;
    for (i = 0; i < 2; i++)
        for (n = 0; n < strlen(bodies[i]); n++) {
            uint8_t *copy = malloc(n + 1);

            memcpy(copy, bodies[i], n);
            for (p = 0; p < BODIES; p++)
                assert_int_equal(parse((enum body)p, span_of(copy, n), NULL), -1);
            free(copy);
        }
}

static void deep(void **state)
{
    char *body = malloc(60002);

    (void)state;
    memset(body, '[', 60000);
    assert_int_equal(agent_hello_parse(span_of(body, 60000), &out.hello, NULL), -1);
    free(body);
}

static void facts(void **state)
{
    struct str text = {0}, big = {0};
    int i;

    (void)state;
    assert_int_equal(agent_facts(span_str(HELLO), 2048, &text, NULL), 0);
    assert_non_null(strstr(text.s, "\"disks\""));
    assert_null(strstr(text.s, "later"));
    str_reset(&text);
    str_add(&big, "{\"mac\":\"52:54:00:00:00:01\",\"model\":\"PC\",\"disks\":[" DISK "],\"interfaces\":[");
    for (i = 0; i < 60; i++)
        str_addf(&big, "%s{\"name\":\"eth%d\",\"mac\":\"52:54:00:00:00:01\"}", i ? "," : "", i);
    str_add(&big, "]}");
    assert_int_equal(agent_facts(span_of(big.s, big.len), 2048, &text, NULL), 0);
    assert_true(text.len < 2048);
    assert_non_null(strstr(text.s, "\"disks\""));
    assert_null(strstr(text.s, "\"interfaces\""));
    str_reset(&text);
    assert_int_equal(agent_facts(span_of(big.s, big.len), 16, &text, NULL), -1);
    str_free(&text);
    str_free(&big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good), cmocka_unit_test(bad),   cmocka_unit_test(truncated),
        cmocka_unit_test(deep), cmocka_unit_test(facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

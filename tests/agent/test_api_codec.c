#include "tests/agent/check.h"

#include "agent/api_codec.h"
#include "agent/firstboot.h"

#define D64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define JOB "12345678-1234-1234-1234-123456789abc"

static const char job_text[] =
    "{\"job\":\"" JOB "\",\"device\":\"hv-01\",\"image\":\"demo\",\"version\":\"1\",\"digest\":\"" D64
    "\",\"disk_selector\":\"only\",\"resume\":true,\"more\":1}";

static void job(void **state)
{
    struct api_job j;
    char hex[DIGEST_HEX];
    (void)state;
    assert_int_equal(api_job_decode(span_str(job_text), &j, NULL), 0);
    assert_string_equal(j.job, JOB);
    assert_string_equal(j.device, "hv-01");
    assert_string_equal(digest_format(j.digest, hex), D64);
    assert_true(j.resume);
    for (size_t n = 0; n < sizeof job_text - 1; n++)
        assert_int_equal(api_job_decode(span_of(job_text, n), &j, NULL), -1);
}

static void job_refuses(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "{\"job\":\"x\",\"device\":\"d\",\"image\":\"i\",\"version\":\"1\",\"digest\":\"" D64 "\"}",
        "{\"job\":\"" JOB "\",\"device\":\"a\\u001b[2J\",\"image\":\"i\",\"version\":\"1\",\"digest\":\"" D64
        "\"}",
        "{\"job\":\"" JOB "\",\"device\":\"d\",\"image\":\"i\",\"version\":\"1\",\"digest\":\"00\"}",
        "{\"job\":\"" JOB "\",\"device\":1,\"image\":\"i\",\"version\":\"1\",\"digest\":\"" D64 "\"}",
    };
    struct api_job j;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(api_job_decode(span_str(texts[i]), &j, NULL), -1);
}

static void turn(void **state)
{
    static const struct {
        const char *text;
        int rc;
        struct api_wait want;
    } rows[] = {
        {"{\"error\":\"x\",\"wait\":{\"place\":3,\"of\":12,\"seconds\":240}}", 0, {3, 12, 240}},
        {"{\"wait\":{\"place\":1,\"of\":1,\"seconds\":null}}", 0, {1, 1, -1}},
        {"{\"wait\":{\"place\":1,\"of\":1,\"seconds\":-5}}", 0, {1, 1, -1}},
        {"{\"wait\":{\"place\":0,\"of\":1}}", -1, {0}},
        {"{\"wait\":{\"place\":2,\"of\":1}}", -1, {0}},
        {"{\"wait\":{\"place\":2,\"of\":99999999999}}", -1, {0}},
        {"{\"wait\":7}", -1, {0}},
        {"{\"error\":\"x\"}", -1, {0}},
        {"no JSON", -1, {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct api_wait w = {0};
        assert_int_equal(api_wait_decode(span_str(rows[i].text), &w, NULL), rows[i].rc);
        assert_true(w.place == rows[i].want.place && w.of == rows[i].want.of &&
                    w.seconds == rows[i].want.seconds);
    }
}

static void hello(void **state)
{
    struct disk disk = {.name = "vda", .serial = "a\"b", .size = 1ull << 40};
    struct machine m = {
        .mac = {{0x52, 0x54, 0, 0, 0, 1}}, .uuid = JOB, .disks = &disk, .n_disks = 1, .n_nics = 1};
    (void)state;
    strcpy(m.nics[0].name, "eth0");
    m.nics[0].mac = m.mac;
    char *text = api_hello_encode(&m);
    assert_string_equal(
        text,
        "{\"mac\":\"52:54:00:00:00:01\",\"uuid\":\"" JOB "\",\"serial\":\"\",\"model\":\"\","
        "\"disks\":[{\"name\":\"vda\",\"serial\":\"a\\\"b\",\"wwn\":\"\",\"by_path\":\"\",\"model\":\"\","
        "\"size\":1099511627776}],\"interfaces\":[{\"name\":\"eth0\",\"mac\":\"52:54:00:00:00:01\"}]}");
    free(text);
}

static void claim(void **state)
{
    char token[AGENT_TOKEN_MAX];
    struct digest d;
    struct err e = {0};
    (void)state;
    digest_parse(D64, &d, NULL);
    assert_int_equal(
        api_claim_decode(span_str("{\"job\":\"x\",\"enrol_token\":\"ab12\",\"digest\":\"" D64 "\"}"), d,
                         token, NULL),
        0);
    assert_string_equal(token, "ab12");
    assert_int_equal(
        api_claim_decode(span_str("{\"enrol_token\":\"a/b\",\"digest\":\"" D64 "\"}"), d, token, NULL), -1);
    d.b[0] ^= 1;
    assert_int_equal(
        api_claim_decode(span_str("{\"enrol_token\":\"ab12\",\"digest\":\"" D64 "\"}"), d, token, &e), -1);
    assert_int_equal(e.kind, ERR_CONFLICT);
}

static void config(void **state)
{
    static const char whole[] = "{\"hostname\":\"hv-01\",\"fqdn\":\"hv-01.lab\",\"authorized_keys\":[\"ssh-"
                                "ed25519 A x\"],\"ca_certificates\":"
                                "\"PEM\",\"salt\":{\"id\":\"hv-01\",\"master\":\"10.77.0.1\",\"master_port\":"
                                "4506,\"publish_port\":4505,"
                                "\"master_pub\":\"-----BEGIN PUBLIC KEY-----\\nx\\n\"}}";
    struct api_config c;
    (void)state;
    assert_int_equal(api_config_decode(span_str(whole), &c, NULL), 0);
    assert_true(c.salt.wanted);
    assert_int_equal(c.salt.publish_port, 4505);
    assert_int_equal(c.n_keys, 1);
    assert_string_equal(c.ca_certificates, "PEM");
    api_config_free(&c);
    for (size_t n = 0; n < sizeof whole - 1; n++)
        assert_int_equal(api_config_decode(span_of(whole, n), &c, NULL), -1);
    assert_int_equal(
        api_config_decode(
            span_str("{\"hostname\":\"a\",\"fqdn\":\"a\",\"authorized_keys\":[],\"ca_certificates\":null,"
                     "\"salt\":null}"),
            &c, NULL),
        0);
    assert_false(c.salt.wanted);
    assert_null(c.ca_certificates);
    api_config_free(&c);
}

static void config_refuses(void **state)
{
    static const char *const texts[] = {
        "{\"hostname\":\"a b\",\"fqdn\":\"a\"}",
        "{\"hostname\":\"a\",\"fqdn\":\"a\\nb\"}",
        "{\"hostname\":\"-a\",\"fqdn\":\"a\"}",
        "{\"hostname\":\"a\",\"fqdn\":\"a\",\"authorized_keys\":[\"x\\ny\"]}",
        "{\"hostname\":\"a\",\"fqdn\":\"a\",\"authorized_keys\":[1]}",
        "{\"hostname\":\"a\",\"fqdn\":\"a\",\"salt\":{\"id\":\"a: "
        "b\",\"master\":\"m\",\"master_port\":1,\"publish_port\":1,\"master_pub\":\"-----"
        "BEGIN PUBLIC KEY-----\"}}",
        "{\"hostname\":\"a\",\"fqdn\":\"a\",\"salt\":{\"id\":\"a\",\"master\":\"m\",\"master_port\":0,"
        "\"publish_port\":1,\"master_pub\":\"-----"
        "BEGIN PUBLIC KEY-----\"}}",
        "{\"hostname\":\"a\",\"fqdn\":\"a\",\"salt\":{\"id\":\"a\",\"master\":\"m\",\"master_port\":1,"
        "\"publish_port\":1,\"master_pub\":\"x\"}}",
        "{\"hostname\":\"a\",\"fqdn\":\"a\",\"salt\":7}",
    };
    struct api_config c;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(api_config_decode(span_str(texts[i]), &c, NULL), -1);
}

static void others(void **state)
{
    char *keys[] = {(char *)"ssh-ed25519 A"};
    char *text = api_enrol_encode(NULL, NULL, keys, 1);
    (void)state;
    assert_string_equal(text, "{\"minion_id\":null,\"pubkey\":null,\"ssh_host_keys\":[\"ssh-ed25519 A\"]}");
    free(text);
    text = api_progress_encode(1, 2, 3);
    assert_string_equal(text, "{\"done\":1,\"total\":2,\"rate\":3}");
    free(text);
    text = api_failed_encode("disk-io", "a \xff byte that is no UTF-8");
    assert_string_equal(text, "{\"reason\":\"disk-io\",\"detail\":\"a ? byte that is no UTF-8\"}");
    free(text);
}

static void hosts(void **state)
{
    static const struct {
        const char *before, *hostname, *fqdn, *after;
    } rows[] = {
        {"", "a", "a", "127.0.1.1\ta\n"},
        {"127.0.0.1 localhost", "a", "a.b", "127.0.0.1 localhost\n127.0.1.1\ta.b a\n"},
        {"127.0.1.1 old\n# keep\n127.0.1.10 x\n127.0.1.1\told2\n", "a", "a.b",
         "# keep\n127.0.1.10 x\n127.0.1.1\ta.b a\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str once = {0}, twice = {0};
        hosts_edit(rows[i].before, rows[i].hostname, rows[i].fqdn, &once);
        assert_string_equal(once.s, rows[i].after);
        hosts_edit(once.s, rows[i].hostname, rows[i].fqdn, &twice);
        assert_string_equal(twice.s, rows[i].after);
        str_free(&once);
        str_free(&twice);
    }
}

static void authorized(void **state)
{
    char *keys[] = {(char *)"k1 x", (char *)"k2 y"};
    struct str once = {0}, twice = {0};
    (void)state;
    keys_edit("k1 x", keys, 2, &once);
    assert_string_equal(once.s, "k1 x\nk2 y\n");
    keys_edit(once.s, keys, 2, &twice);
    assert_string_equal(twice.s, once.s);
    str_free(&once);
    str_free(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(job),
        cmocka_unit_test(job_refuses),
        cmocka_unit_test(turn),
        cmocka_unit_test(hello),
        cmocka_unit_test(claim),
        cmocka_unit_test(config),
        cmocka_unit_test(config_refuses),
        cmocka_unit_test(others),
        cmocka_unit_test(hosts),
        cmocka_unit_test(authorized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

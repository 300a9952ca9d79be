/* The answers below were recorded from Salt 3008's salt-api; keys, job ids and tokens are shortened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "enrol/salt_request.h"

#define PEM_A  "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqAAAA\nFQIDAQAB\n-----END PUBLIC KEY-----"
#define PEM_B  "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqBBBB\nFQIDAQAB\n-----END PUBLIC KEY-----"
#define JSON_A "-----BEGIN PUBLIC KEY-----\\nMIIBIjANBgkqAAAA\\nFQIDAQAB\\n-----END PUBLIC KEY-----"
#define JSON_B "-----BEGIN PUBLIC KEY-----\\nMIIBIjANBgkqBBBB\\nFQIDAQAB\\n-----END PUBLIC KEY-----"

#define WHEEL(ret, success)                                                                                  \
    "{\"return\": [{\"tag\": \"salt/wheel/20261121042149013718\", \"data\": {\"fun\": \"wheel.key.print\", " \
    "\"jid\": "                                                                                              \
    "\"20261121042149013718\", \"tag\": \"salt/wheel/20261121042149013718\", \"user\": \"enrol\", "          \
    "\"return\": " ret ", \"success\": " success "}}]}"

static const char login_ok[] = "{\"return\": [{\"token\": \"8bb772ed02d28845\", \"expire\": "
                               "1795277981.6732624, \"start\": 1795234781.6732624, \"user\": "
                               "\"enrol\", \"eauth\": \"file\", \"perms\": [\"test.ping\", {\"@key\": "
                               "[\"print\", \"accept_dict\", \"delete_dict\"]}]}]}";
static const char silent[] = "{\"return\": [{\"hv-01\": \"Minion did not return. [No response]\\nThe minions "
                             "may not have all finished\"}]}";
static const char thrown[] =
    WHEEL("\"Exception occurred in wheel key.key_str: UnboundLocalError: cannot access\"", "false");
static const char misused[] =
    WHEEL("\"\\nPassed invalid arguments: 'NoneType' object is not subscriptable\\n\\nUsage:\\n\"", "true");

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

static void test_ids(void **state)
{
    static const char *const good[] = {"hv-01", "a", "hv-01.par1.example", "x_1", "0"};
    static const char *const bad[] = {"",      "*",      "hv-*",      "hv-0?", "hv-[01]", "a,b",
                                      "../x",  "a/b",    "a\\b",      ".hid",  "-x",      "_x",
                                      "hv 01", "hv\n01", "h\xc3\xa9", "a@b",   "a|b",     "\x7f"};
    char longest[257];
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(minion_id_check(good[i], &e), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(minion_id_check(bad[i], &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
    }
    memset(longest, 'a', 256);
    longest[256] = '\0';
    assert_int_equal(minion_id_check(longest, &e), -1);
    longest[255] = '\0';
    assert_int_equal(minion_id_check(longest, &e), 0);
}

static void expect(struct str *body, const char *want)
{
    assert_string_equal(body->s, want);
    str_free(body);
}

static void test_bodies(void **state)
{
    struct enrol_salt_config c = {.username = "enrol", .eauth = "file", .password = "a\"b\\c\n"};
    struct str b = {0};

    (void)state;
    salt_login_body(&c, &b);
    expect(&b, "{\"eauth\":\"file\",\"password\":\"a\\\"b\\\\c\\n\",\"username\":\"enrol\"}");
    salt_keys_body("hv-01", &b);
    expect(&b, "[{\"client\":\"wheel\",\"fun\":\"key.print\",\"match\":\"hv-01\"}]");
    salt_accept_body("hv-01", &b);
    expect(&b,
           "[{\"client\":\"wheel\",\"fun\":\"key.accept_dict\",\"match\":{\"minions_pre\":[\"hv-01\"]}}]");
    salt_delete_body("hv-01", SALT_ACCEPTED, &b);
    expect(&b, "[{\"client\":\"wheel\",\"fun\":\"key.delete_dict\",\"match\":{\"minions\":[\"hv-01\"]}}]");
    salt_ping_body("hv-01", &b);
    expect(&b, "[{\"client\":\"local\",\"fun\":\"test.ping\",\"gather_job_timeout\":2,\"tgt\":[\"hv-01\"],"
               "\"tgt_type\":\"list\",\"timeout\":2}]");
}

static void test_login(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"return\":[]}",
        "{\"return\":[1]}",
        "{\"return\":[{}]}",
        "{\"return\":[{\"token\":\"ab\"}]}",
        "{\"return\":[{\"token\":\"ab\\r\\nX: y\",\"expire\":9.0}]}",
        "{\"return\":[{\"token\":\"\",\"expire\":9.0}]}",
        "{\"return\":[{\"token\":5,\"expire\":9.0}]}",
        "{\"return\":[{\"token\":\"ab\",\"expire\":\"9\"}]}",
        "{\"return\":[{\"token\":\"ab\",\"expire\":1e300}]}",
        "{\"return\":[{\"token\":\"ab\",\"token\":\"cd\",\"expire\":9}]}",
    };
    struct salt_token t = {.text = "untouched"};
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(salt_login_parse(text(bad[i]), &t, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        assert_string_equal(t.text, "untouched");
    }
    assert_int_equal(salt_login_parse(text(login_ok), &t, &e), 0);
    assert_string_equal(t.text, "8bb772ed02d28845");
    assert_true(t.expires_ms == 1795277981673);
    for (size_t n = 0; n < sizeof login_ok - 1; n++) {
        assert_int_equal(salt_login_parse(span_of(login_ok, n), &t, &e), -1);
    }
}

static void test_keys(void **state)
{
    static const char both[] =
        WHEEL("{\"minions_pre\": {\"hv-01\": \"" JSON_A "\"}, \"minions_denied\": {\"hv-01\": [\"" JSON_A
              "\", \"" JSON_B "\"]}}",
              "true");
    static const char others[] = WHEEL("{\"minions\": {\"hv-02\": \"" JSON_A "\"}}", "true");
    static const char none[] = WHEEL("{}", "true");
    static const char *const bad[] = {thrown,
                                      misused,
                                      WHEEL("{\"minions\": [\"hv-01\"]}", "true"),
                                      WHEEL("{\"minions\": {\"hv-01\": true}}", "true"),
                                      WHEEL("{\"minions\": {\"hv-01\": \"x\"}}", "\"true\""),
                                      WHEEL("null", "true"),
                                      "{\"return\":[{\"data\":{\"success\":true}}]}"};
    struct salt_keys k;
    struct err e;

    (void)state;
    assert_int_equal(salt_keys_parse(text(both), "hv-01", &k, &e), 0);
    assert_true(k.of[SALT_PENDING].present);
    assert_string_equal(k.of[SALT_PENDING].pem, PEM_A);
    assert_true(k.of[SALT_DENIED].present);
    assert_string_equal(k.of[SALT_DENIED].pem, "");
    assert_false(k.of[SALT_ACCEPTED].present);
    assert_int_equal(salt_keys_parse(text(others), "hv-01", &k, &e), 0);
    assert_false(k.of[SALT_ACCEPTED].present);
    assert_int_equal(salt_keys_parse(text(none), "hv-01", &k, &e), 0);
    assert_int_equal(salt_decide(&k, PEM_A, false), NEED_KEY);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(salt_keys_parse(text(bad[i]), "hv-01", &k, &e), -1);
    }
    assert_int_equal(salt_keys_parse(text(thrown), "hv-01", &k, &e), -1);
    assert_int_equal(e.kind, ERR_REFUSED);
    assert_non_null(strstr(e.text, "UnboundLocalError"));
}

/* A key longer than any real one is there, and is nobody's. */
static void test_huge_key(void **state)
{
    static char body[3 * PUBKEY_MAX], pem[2 * PUBKEY_MAX];
    struct salt_keys k;
    struct err e;

    (void)state;
    memset(pem, 'A', sizeof pem - 1);
    snprintf(body, sizeof body,
             "{\"return\":[{\"data\":{\"success\":true,\"return\":{\"minions_pre\":{\"hv-01\":\"%s\"}}}}]}",
             pem);
    assert_int_equal(salt_keys_parse(text(body), "hv-01", &k, &e), 0);
    assert_int_equal(salt_decide(&k, PEM_A, false), NEED_REFUSE_PENDING);
    assert_int_equal(salt_decide(&k, "", false), NEED_REFUSE_PENDING);
}

static void test_change(void **state)
{
    static const char accepted[] = WHEEL("{\"minions\": [\"hv-01\"]}", "true");
    struct err e;

    (void)state;
    assert_int_equal(salt_change_parse(text(accepted), &e), 0);
    assert_int_equal(salt_change_parse(text(misused), &e), -1);
    assert_int_equal(salt_change_parse(text(thrown), &e), -1);
}

static void test_ping(void **state)
{
    static const struct {
        const char *body;
        int r;
        bool answered;
    } rows[] = {
        {"{\"return\": [{\"hv-01\": true}]}", 0, true},
        {"{\"return\": [{\"hv-01\": false}]}", 0, false},
        {"{\"return\": [{\"hv-02\": true}]}", 0, false},
        {"{\"return\": [{\"hv-01\": \"true\"}]}", 0, false},
        {"{\"return\": [{\"hv-01\": 1}]}", 0, false},
        {"{\"return\": [{}]}", 0, false},
        {silent, 0, false},
        {"{\"return\": [true]}", -1, false},
        {"<html>", -1, false},
    };
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool answered = false;

        assert_int_equal(salt_ping_parse(text(rows[i].body), "hv-01", &answered, &e), rows[i].r);
        assert_int_equal(answered, rows[i].answered);
    }
}

static void test_key_eq(void **state)
{
    static const struct {
        const char *a, *b;
        bool eq;
    } rows[] = {
        {PEM_A, PEM_A, true},
        {PEM_A, PEM_A "\n", true},
        {PEM_A "\r\n", PEM_A "\n\n", true},
        {"a\r\nb\r\n", "a\nb", true},
        {PEM_A, PEM_B, false},
        {"a\nb", "ab", false},
        {"a\nb", "a\n\nb", false},
        {"a\rb", "a\nb", false},
        {"ab", "a", false},
        {"a ", "a", false},
        {"\na", "a", false},
        {"A", "a", false},
        {"", "", false},
        {"\n", "\r\n", false},
        {"", "a", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(salt_key_eq(rows[i].a, rows[i].b), rows[i].eq);
        assert_int_equal(salt_key_eq(rows[i].b, rows[i].a), rows[i].eq);
    }
}

static void test_decide(void **state)
{
    static const struct {
        const char *accepted, *pending, *rejected, *denied; /* NULL: no such key */
        bool before;
        enum salt_need need;
    } rows[] = {
        {NULL, NULL, NULL, NULL, false, NEED_KEY},
        {NULL, PEM_A, NULL, NULL, false, NEED_ACCEPT},
        {NULL, PEM_A "\n", NULL, PEM_B, false, NEED_ACCEPT},
        {NULL, PEM_A, NULL, NULL, true, NEED_ACCEPT},
        {PEM_A, NULL, NULL, NULL, false, NEED_PING},
        {PEM_A, PEM_B, PEM_B, PEM_B, true, NEED_PING},
        {PEM_B, NULL, NULL, NULL, false, NEED_DELETE_ACCEPTED},
        {PEM_B, PEM_A, NULL, PEM_A, false, NEED_DELETE_ACCEPTED},
        {PEM_B, NULL, NULL, NULL, true, NEED_MISMATCH},
        {"", NULL, NULL, NULL, false, NEED_DELETE_ACCEPTED},
        {NULL, PEM_B, NULL, NULL, false, NEED_REFUSE_PENDING},
        {NULL, PEM_B, NULL, PEM_A, false, NEED_REFUSE_PENDING},
        {NULL, NULL, PEM_B, NULL, false, NEED_DELETE_REJECTED},
        {NULL, NULL, PEM_A, NULL, false, NEED_REJECTED},
        {NULL, NULL, NULL, PEM_A, false, NEED_KEY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *pems[SALT_STATUSES] = {rows[i].accepted, rows[i].pending, rows[i].rejected,
                                           rows[i].denied};
        struct salt_keys k = {0};

        for (size_t s = 0; s < SALT_STATUSES; s++) {
            k.of[s].present = pems[s] != NULL;
            snprintf(k.of[s].pem, sizeof k.of[s].pem, "%s", pems[s] ? pems[s] : "");
        }
        assert_int_equal(salt_decide(&k, PEM_A, rows[i].before), rows[i].need);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),  cmocka_unit_test(test_bodies),   cmocka_unit_test(test_login),
        cmocka_unit_test(test_keys), cmocka_unit_test(test_huge_key), cmocka_unit_test(test_change),
        cmocka_unit_test(test_ping), cmocka_unit_test(test_key_eq),   cmocka_unit_test(test_decide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tokens of the API: made, presented, refused, revoked; and what the store keeps of them. */
#include "tests/inventory/fixture.h"

#include "inventory/api_token.h"
#include "inventory/store_sql.h"

static const struct ip4 office = {0x0a010203}, elsewhere = {0xc0000201};

static struct api_token asked(const char *name, unsigned rights)
{
    struct api_token t = {.rights = rights};
    str_copy(t.name, sizeof t.name, name);
    return t;
}

static enum api_token_answer present(const char *text, struct ip4 peer, int64_t at_ms, struct api_token *ret)
{
    enum api_token_answer a;
    ok(api_token_check(fx.s, span_str(text), peer, at_ms, &a, ret, E));
    return a;
}

static void made_and_presented(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ | RIGHT_ASSIGN), got;
    char text[API_TOKEN_TEXT], other[API_TOKEN_TEXT];
    (void)state;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    assert_int_equal(strlen(text), 57);
    assert_true(str_starts(text, "nbt_") && text[16] == '.');
    assert_int_equal(present(text, office, T0, &got), API_TOKEN_GOOD);
    assert_string_equal(got.name, "ci");
    assert_int_equal(got.rights, RIGHT_READ | RIGHT_ASSIGN);
    assert_int_equal(got.tenant_id, 0);
    assert_int_equal(got.created_ms, T0);
    assert_memory_equal(got.key, text + 4, 12);
    t = asked("ci2", RIGHT_READ);
    ok(api_token_create(fx.s, &t, "root", T0, other, E));
    assert_string_not_equal(text, other);
    memcpy(other + 17, text + 17, 40); /* one's key, another's secret */
    assert_int_equal(present(other, office, T0, &got), API_TOKEN_UNKNOWN);
    assert_int_equal(events(0, "token-created"), 2);
}

static void what_is_no_token(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ), got;
    char text[API_TOKEN_TEXT], bad[80];
    (void)state;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    for (size_t i = 0; i < strlen(text); i++) {
        strcpy(bad, text);
        bad[i] = bad[i] == 'x' ? 'y' : 'x';
        assert_int_equal(present(bad, office, T0, &got), API_TOKEN_UNKNOWN);
        bad[i] = '\'';
        assert_int_equal(present(bad, office, T0, &got), API_TOKEN_UNKNOWN);
        bad[i] = '\0';
        assert_int_equal(present(bad, office, T0, &got), API_TOKEN_UNKNOWN);
    }
    snprintf(bad, sizeof bad, "%sx", text);
    assert_int_equal(present(bad, office, T0, &got), API_TOKEN_UNKNOWN);
    assert_int_equal(present("0123456789abcdef0123456789abcdef01234567", office, T0, &got),
                     API_TOKEN_UNKNOWN);
}

static void an_end(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ), got;
    char text[API_TOKEN_TEXT];
    (void)state;
    t.expires_ms = T0 + HOUR;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    assert_int_equal(present(text, office, T0 + HOUR - 1, &got), API_TOKEN_GOOD);
    assert_int_equal(present(text, office, T0 + HOUR, &got), API_TOKEN_EXPIRED);
    ok(api_token_revoke(fx.s, "ci", "root", T0, E));
    assert_int_equal(present(text, office, T0, &got), API_TOKEN_REVOKED);
    ok(api_token_revoke(fx.s, "ci", "root", T0 + HOUR, E));
    assert_int_equal(events(0, "token-revoked"), 1);
    fails(api_token_revoke(fx.s, "none", "root", T0, E), ERR_NOT_FOUND);
    t = asked("late", RIGHT_READ);
    t.expires_ms = T0;
    fails(api_token_create(fx.s, &t, "root", T0, text, E), ERR_INPUT);
}

static void from_where(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ), got;
    char text[API_TOKEN_TEXT];
    (void)state;
    ok(prefix_parse("10.1.0.0/16", &t.from[0], E));
    ok(prefix_parse("10.9.0.0/16", &t.from[1], E));
    t.from_n = 2;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    assert_int_equal(present(text, office, T0, &got), API_TOKEN_GOOD);
    assert_int_equal(got.from_n, 2);
    assert_int_equal(present(text, elsewhere, T0, &got), API_TOKEN_ELSEWHERE);
    ok(db_run(fx.s, "UPDATE api_tokens SET peers = '{}'", NULL, 0,
              E)); /* what cannot be read allows nothing */
    enum api_token_answer a;
    fails(api_token_check(fx.s, span_str(text), office, T0, &a, &got, E), ERR_CORRUPT);
}

static void of_a_tenant(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ), got;
    char text[API_TOKEN_TEXT];
    (void)state;
    str_copy(t.tenant, sizeof t.tenant, "ops");
    fails(api_token_create(fx.s, &t, "root", T0, text, E), ERR_NOT_FOUND);
    ok(group_put(fx.s, GROUP_TENANT, "ops", "Ops", E));
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    assert_int_equal(present(text, office, T0, &got), API_TOKEN_GOOD);
    assert_string_equal(got.tenant, "ops");
    assert_true(got.tenant_id > 0);
}

static void names_and_rights(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ);
    char text[API_TOKEN_TEXT], words[API_RIGHTS_STR];
    unsigned mask;
    (void)state;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    fails(api_token_create(fx.s, &t, "root", T0, text, E), ERR_CONFLICT);
    t = asked("a b", RIGHT_READ);
    fails(api_token_create(fx.s, &t, "root", T0, text, E), ERR_INPUT);
    t = asked("n2345678901234567890123456789012345678901234567890123456789x", RIGHT_READ);
    fails(api_token_create(fx.s, &t, "root", T0, text, E), ERR_INPUT);
    t = asked("none", 0);
    fails(api_token_create(fx.s, &t, "root", T0, text, E), ERR_INPUT);
    ok(api_rights_parse("assign,read", &mask, E));
    assert_string_equal(api_rights_format(mask, words), "read,assign");
    ok(api_rights_parse("read,write,assign", &mask, E));
    assert_string_equal(api_rights_format(mask, words), "read,write,assign");
    static const char *const bad[] = {"", "all", "read,", ",read", "read,read", "read write", "READ"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fails(api_rights_parse(bad[i], &mask, E), ERR_INPUT);
    }
}

static int find_secret(const struct entry *x, void *ctx)
{
    assert_null(strstr(x->detail, ctx));
    return 0;
}

/* Of the secret nothing is kept but its hash. */
static void the_secret_is_nowhere(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ);
    char text[API_TOKEN_TEXT], path[96];
    struct str file = {0};
    (void)state;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    ok(journal_each(fx.s, 0, 0, 0, find_secret, text + 17, E));
    snprintf(path, sizeof path, "%s/inventory.db-wal", fx.dir);
    ok(file_read(path, 64u << 20, &file, E));
    assert_non_null(memmem(file.s, file.len, text + 4, 12));
    assert_null(memmem(file.s, file.len, text + 17, 40));
    str_free(&file);
}

static void used_is_written_seldom(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ), got;
    char text[API_TOKEN_TEXT];
    (void)state;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    present(text, office, T0, &got);
    ok(api_token_used(fx.s, &got, T0, E));
    present(text, office, T0, &got);
    assert_int_equal(got.used_ms, T0);
    ok(api_token_used(fx.s, &got, T0 + HOUR - 1, E));
    present(text, office, T0, &got);
    assert_int_equal(got.used_ms, T0);
    ok(api_token_used(fx.s, &got, T0 + HOUR, E));
    present(text, office, T0, &got);
    assert_int_equal(got.used_ms, T0 + HOUR);
}

/* Who reads does not wait for who writes, for the sake of this note. */
static void used_waits_for_nobody(void **state)
{
    struct api_token t = asked("ci", RIGHT_READ), got;
    char text[API_TOKEN_TEXT];
    struct store *other;
    (void)state;
    ok(api_token_create(fx.s, &t, "root", T0, text, E));
    present(text, office, T0, &got);
    ok(store_open(fx.dir, &other, E));
    ok(store_begin(other, E));
    int64_t began = now_ms();
    fails(api_token_used(fx.s, &got, T0, E), ERR_UNAVAILABLE);
    assert_true(now_ms() - began < 5000); /* of ten seconds' patience, */
    store_close(other);
    assert_int_equal(store_patience(fx.s, 1), 10000); /* which it has kept */
}

static int add_name(const struct api_token *t, void *ctx)
{
    str_addf(ctx, "%s%s ", t->name, t->revoked_ms ? "!" : "");
    return 0;
}

static void all_of_them(void **state)
{
    struct api_token b = asked("b", RIGHT_READ), a = asked("a", RIGHT_WRITE);
    char text[API_TOKEN_TEXT];
    struct str s = {0};
    (void)state;
    ok(api_token_create(fx.s, &b, "root", T0, text, E));
    ok(api_token_create(fx.s, &a, "root", T0, text, E));
    ok(api_token_revoke(fx.s, "b", "root", T0, E));
    ok(api_token_each(fx.s, add_name, &s, E));
    assert_string_equal(s.s, "a b! ");
    str_free(&s);
}

static void words_before_it(void **state)
{
    static const char *const rows[][2] = {
        {"Token abc", "abc"}, {"Bearer abc", "abc"}, {"bearer  abc", "abc"}, {"TOKEN a b", "a b"},
        {"Basic abc", ""},    {"Token", ""},         {"Tokenabc", ""},       {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span s = api_token_presented(span_str(rows[i][0]));
        assert_true(span_eq(s, span_str(rows[i][1])));
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(made_and_presented),
        T(what_is_no_token),
        T(an_end),
        T(from_where),
        T(of_a_tenant),
        T(names_and_rights),
        T(all_of_them),
        T(the_secret_is_nowhere),
        T(used_is_written_seldom),
        T(used_waits_for_nobody),
        T(words_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

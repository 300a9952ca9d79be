/* protocol: what holds for every path: tokens, methods, slashes, media types, bodies that are none. */
#include "tests/api/client.h"

static void an_unknown_path_is_html(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api/nothing/",       "/api/dcim/nothing/",     "/api//",
        "/api/dcim/devices//", "/api/dcim/devices/1/y/", "/apix/",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        answers(404, API_GET, paths[i], NULL);
        assert_true(str_starts(cl.r.content_type, "text/html"));
        assert_string_equal(cl.r.pattern, "");
    }
}

static void an_id_that_is_none(void **state)
{
    (void)state;
    answers(404, API_GET, "/api/dcim/devices/x/", NULL);
    is("detail", "'Not found.'");
    answers(404, API_GET, "/api/dcim/devices/99999999999999999999/", NULL);
    is("detail", "'Not found.'");
}

static void every_answer_says_its_version(void **state)
{
    (void)state;
    answers(200, API_GET, "/api/status/", NULL);
    assert_true(has_header("API-Version: 4.7\r\n"));
    assert_true(has_header("X-Request-ID: "));
    is("netbox-version", "'4.7.3'");
    is("plugins.rackstrap", "'1.0.0'");
    cl.authorization = "";
    answers(403, API_GET, "/api/dcim/", NULL); /* pynetbox takes the version from this too */
    assert_true(has_header("API-Version: 4.7\r\n"));
}

static void a_missing_slash_is_put_right_for_readers(void **state)
{
    (void)state;
    cl.authorization = "";
    answers(301, API_GET, "/api/status", NULL);
    assert_true(has_header("Location: /api/status/\r\n"));
    answers(301, API_GET, "/api/ipam/prefixes?limit=0&x=a%0d%0ab", NULL);
    assert_true(has_header("Location: /api/ipam/prefixes/?limit=0&x=a%0d%0ab\r\n"));
    answers(404, API_POST, "/api/ipam/prefixes", "{}");
    answers(404, API_GET, "/api/nothing", NULL);
}

static void tokens_are_403(void **state)
{
    (void)state;
    char no_one[] = "Bearer nbt_aaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", bearer[128];
    cl.authorization = "";
    answers(403, API_GET, "/api/dcim/sites/", NULL);
    is("detail", "'Authentication credentials were not provided.'");
    cl.authorization = no_one;
    answers(403, API_GET, "/api/dcim/sites/", NULL);
    is("detail", "'Invalid v2 token'");
    cl.authorization = "Token 0123456789abcdef0123456789abcdef01234567";
    answers(403, API_GET, "/api/dcim/sites/", NULL);
    is("detail", "'Invalid v1 token'");
    cl.authorization = "Basic YTpi";
    answers(403, API_GET, "/api/dcim/sites/", NULL);
    snprintf(bearer, sizeof bearer, "Bearer %s", cl.token);
    cl.authorization = bearer;
    answers(200, API_GET, "/api/dcim/sites/", NULL);
    cl.authorization = NULL;
    ok(api_token_revoke(fx.s, "admin", "test", T0, E));
    answers(403, API_GET, "/api/dcim/sites/", NULL);
    is("detail", "'Token disabled'");
}

static void rights_are_asked(void **state)
{
    (void)state;
    client_token("reader", RIGHT_READ, "", cl.token);
    answers(200, API_GET, "/api/dcim/sites/", NULL);
    answers(403, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a'}");
    is("detail", "'You do not have permission to perform this action.'");
    client_token("writer", RIGHT_WRITE, "", cl.token);
    answers(403, API_GET, "/api/dcim/sites/", NULL);
    answers(200, API_GET, "/api/authentication-check/", NULL);
    is("username", "'writer'");
}

static void methods_are_405(void **state)
{
    (void)state;
    answers(405, API_POST, "/api/status/", "{}");
    is("detail", "'Method \\'POST\\' not allowed.'");
    assert_true(has_header("Allow: GET, HEAD, OPTIONS\r\n"));
    answers(200, API_OPTIONS, "/api/dcim/sites/", NULL);
    assert_true(has_header("Allow: GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE\r\n"));
    answers(405, API_POST, "/api/ipam/services/", "{}");
}

static void bodies_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"{",    "{'a':1,'a':2}",   "nonsense",   "{'a':'\xff'}",
                                      "[1,]", "{'a':'\\u0000'}", "{'a':1e999}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        answers(400, API_POST, "/api/dcim/sites/", bad[i]);
        assert_true(str_starts(json_string_value(at("detail")), "JSON parse error - "));
    }
    answers(400, API_POST, "/api/dcim/sites/", "'text'");
    assert_non_null(at("__all__"));
    cl.content_type = "text/plain";
    answers(415, API_POST, "/api/dcim/sites/", "{}");
    cl.content_type = "application/json;"; /* pynetbox 7.0.0 */
    answers(201, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a'}");
    cl.content_type = "Application/JSON ; charset=utf-8";
    answers(201, API_POST, "/api/dcim/sites/", "{'name':'b','slug':'b'}");
}

static void what_we_do_not_keep_is_empty(void **state)
{
    (void)state;
    answers(200, API_GET, "/api/ipam/services/?limit=0&device_id=1", NULL);
    is("", "{'count':0,'next':null,'previous':null,'results':[]}");
    answers(404, API_GET, "/api/virtualization/clusters/7/", NULL);
    assert_non_null(at("detail"));
}

static void roots_name_what_is_below(void **state)
{
    (void)state;
    answers(200, API_GET, "/api/", NULL);
    is("dcim", "'" BASE "/api/dcim/'");
    answers(200, API_GET, "/api/dcim/", NULL);
    is("devices", "'" BASE "/api/dcim/devices/'");
    is("regions", "'" BASE "/api/dcim/regions/'");
    answers(200, API_GET, "/api/ipam/", NULL);
    is("prefixes", "'" BASE "/api/ipam/prefixes/'");
    assert_null(at("available-ips"));
}

static void a_bad_query_is_400(void **state)
{
    (void)state;
    answers(400, API_GET, "/api/dcim/sites/?name=%00", NULL);
    answers(400, API_GET, "/api/dcim/sites/?start=1&offset=2", NULL);
}

/* Who waits for the store is told to come back; nothing is half done. */
static void a_busy_store_is_503(void **state)
{
    (void)state;
    struct store *other;
    ok(store_open(fx.dir, &other, E));
    store_patience(fx.s, 20);
    ok(store_begin(other, E));
    answers(503, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a'}");
    assert_int_equal(cl.r.retry_after, 1);
    answers(503, API_POST, "/api/dcim/sites/", "[{'name':'a','slug':'a'}]");
    answers(200, API_GET, "/api/dcim/sites/", NULL); /* readers do not wait */
    store_rollback(other);
    answers(201, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a'}");
    store_close(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, client_open, client_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unknown_path_is_html),
        TEST(an_id_that_is_none),
        TEST(every_answer_says_its_version),
        TEST(a_missing_slash_is_put_right_for_readers),
        TEST(tokens_are_403),
        TEST(rights_are_asked),
        TEST(methods_are_405),
        TEST(bodies_that_are_none),
        TEST(what_we_do_not_keep_is_empty),
        TEST(roots_name_what_is_below),
        TEST(a_bad_query_is_400),
        TEST(a_busy_store_is_503),
    };
    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}

/* query, jsonw: the parameters of a URL and the pages that they ask for; JSON written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "api/jsonw.h"
#include "api/query.h"

static struct query parsed(const char *text)
{
    struct query q;
    struct err e = {0};
    if (query_parse(span_str(text), &q, &e))
        fail_msg("%s: %s", text, e.text);
    return q;
}

static void parameters_are_decoded(void **state)
{
    (void)state;
    struct query q = parsed("name=a%20b+c&&site=par1&site=ams1&flag&x=1=2&bad=%zz%4&e=%C3%A9");
    assert_int_equal(q.n, 7);
    assert_string_equal(query_get(&q, "name"), "a b c");
    assert_string_equal(query_get(&q, "site"), "ams1"); /* the last, as NetBox takes it */
    assert_string_equal(q.pairs[1].value, "par1");
    assert_string_equal(query_get(&q, "flag"), "");
    assert_string_equal(query_get(&q, "x"), "1=2");
    assert_string_equal(query_get(&q, "bad"), "%zz%4");
    assert_string_equal(query_get(&q, "e"), "\xc3\xa9");
    assert_null(query_get(&q, "nothing"));
    query_free(&q);
    q = parsed("");
    assert_int_equal(q.n, 0);
    query_free(&q);
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a=%00", "a%00=1", "a=%ff", "a=%c3", "a=%ed%a0%80", "a=%f5%80%80%80"};
    struct query q;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        assert_int_equal(query_parse(span_str(bad[i]), &q, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
    }
}

static void pages_are_as_in_netbox(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        int64_t limit, offset;
    } row[] = {
        {"", 50, 0},           {"limit=0", 1000, 0},
        {"limit=7", 7, 0},     {"limit=5000", 1000, 0},
        {"limit=x", 50, 0},    {"limit=-1", 50, 0},
        {"limit=", 50, 0},     {"limit=1.5", 50, 0},
        {"limit=+9", 9, 0}, /* the blank of a '+' */
        {"offset=20", 50, 20}, {"limit=2&offset=a", 2, 0},
        {"offset=-3", 50, 0},  {"limit=99999999999999999999", 50, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct query q = parsed(row[i].query);
        struct page p;
        struct err e = {0};
        assert_int_equal(query_page(&q, &p, &e), 0);
        if (p.limit != row[i].limit || p.offset != row[i].offset)
            fail_msg("%s: limit %lld, offset %lld", row[i].query, (long long)p.limit, (long long)p.offset);
        query_free(&q);
    }
}

static void a_cursor_goes_with_no_offset(void **state)
{
    (void)state;
    static const char *const bad[] = {"start=1&offset=0", "start=1&ordering=name", "start=x", "start="};
    struct page p;
    struct query q = parsed("start=12&limit=3");
    assert_int_equal(query_page(&q, &p, NULL), 0);
    assert_true(p.by_id);
    assert_int_equal(p.start, 12);
    query_free(&q);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        q = parsed(bad[i]);
        assert_int_equal(query_page(&q, &p, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
        query_free(&q);
    }
}

static void next_keeps_the_filters(void **state)
{
    (void)state;
    struct str out = {0};
    struct query q = parsed("site=b&name__ic=a%26b+c&limit=0&site=a");
    struct page p = {.limit = 1000, .offset = 1000};
    query_url(&out, "http://h/api/dcim/devices/", &q, &p);
    assert_string_equal(out.s,
                        "http://h/api/dcim/devices/?limit=1000&name__ic=a%26b+c&offset=1000&site=b&site=a");
    str_reset(&out);
    p.offset = 0;
    query_url(&out, "/x/", &q, &p);
    assert_string_equal(out.s, "/x/?limit=1000&name__ic=a%26b+c&site=b&site=a");
    str_reset(&out);
    p = (struct page){.limit = 5, .by_id = true, .start = 9};
    query_url(&out, "/x/", &q, &p);
    assert_string_equal(out.s, "/x/?limit=5&name__ic=a%26b+c&site=b&site=a&start=9");
    str_free(&out);
    query_free(&q);
}

static void words_of_a_list(void **state)
{
    (void)state;
    assert_true(list_has("id,name", "id"));
    assert_true(list_has("id,name", "name"));
    assert_false(list_has("id,name", "nam"));
    assert_false(list_has("id,name", "d"));
    assert_false(list_has(NULL, "d"));
    assert_false(list_has("", "d"));
}

static void json_is_escaped(void **state)
{
    (void)state;
    struct str out = {0};
    struct jsonw w = {.out = &out};
    jsonw_open(&w, '{');
    jsonw_key(&w, "a"), jsonw_str(&w, "q\" b\\ n\n t\t \x01 \x7f <b> \xc3\xa9 \xff\xc3");
    jsonw_name(&w, "k\"y"), jsonw_null(&w);
    jsonw_key(&w, "l"), jsonw_open(&w, '['), jsonw_int(&w, 0), jsonw_int(&w, INT64_MIN);
    jsonw_open(&w, '['), jsonw_close(&w, ']'), jsonw_bool(&w, true), jsonw_close(&w, ']');
    jsonw_key(&w, "r"), jsonw_real(&w, 12), jsonw_key(&w, "s"), jsonw_real(&w, 2.5);
    jsonw_key(&w, "n"), jsonw_real(&w, NAN), jsonw_key(&w, "m"), jsonw_str(&w, NULL);
    jsonw_close(&w, '}');
    assert_string_equal(
        out.s, "{\"a\":\"q\\\" b\\\\ n\\n t\\t \\u0001 \\u007f <b> \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\","
               "\"k\\\"y\":null,\"l\":[0,-9223372036854775808,[],true],"
               "\"r\":12.0,\"s\":2.5,\"n\":null,\"m\":null}");
    json_t *back = json_loads(out.s, 0, NULL);
    assert_non_null(back);
    json_decref(back);
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_decoded), cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(pages_are_as_in_netbox), cmocka_unit_test(a_cursor_goes_with_no_offset),
        cmocka_unit_test(next_keeps_the_filters), cmocka_unit_test(words_of_a_list),
        cmocka_unit_test(json_is_escaped),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}

/* route: which paths find which row, and that none reaches past the table. */
#include "httpboot/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct route table[] = {
    {METHOD_GET | METHOD_HEAD, "/boot/*", NULL},
    {METHOD_GET | METHOD_HEAD, "/images/*/pack", NULL},
    {METHOD_POST, "/agent/v1/hello", NULL},
};

static void paths(void **state)
{
    static const struct {
        const char *path;
        enum method method;
        enum route_result result;
        const char *arg;
    } cases[] = {
        {"/boot/x.ipxe", METHOD_GET, ROUTE_FOUND, "x.ipxe"},
        {"/boot/52%3a54.ipxe", METHOD_HEAD, ROUTE_FOUND, "52:54.ipxe"},
        {"/%62oot/x", METHOD_GET, ROUTE_FOUND, "x"},
        {"/images/abc/pack", METHOD_GET, ROUTE_FOUND, "abc"},
        {"/images/../pack", METHOD_GET, ROUTE_FOUND,
         ".."}, /* a word like any other: the handler wants 64 hex digits */
        {"/boot/x", METHOD_POST, ROUTE_NO_METHOD, "x"},
        {"/agent/v1/hello", METHOD_POST, ROUTE_FOUND, ""},
        {"/agent/v1/hello", METHOD_OTHER, ROUTE_NO_METHOD, ""},
        {"/agent/v1/hello/", METHOD_POST, ROUTE_NO_PATH, ""},
        {"/agent//v1/hello", METHOD_POST, ROUTE_NO_PATH, ""},
        {"/", METHOD_GET, ROUTE_NO_PATH, ""},
        {"//boot/x", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/boot", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/boot/a/b", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/boot/a%2fb", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/boot/a%00", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/boot/%zz", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/images/x/../../inventory.db", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/images/x/pack/../manifest", METHOD_GET, ROUTE_NO_PATH, ""},
        {"/boot/%2e%2e/inventory.db", METHOD_GET, ROUTE_NO_PATH, ""},
        {"", METHOD_GET, ROUTE_NO_PATH, ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route_match m;
        enum route_result rc = route_find(table, 3, cases[i].method, span_str(cases[i].path), &m);

        if (rc != cases[i].result || strcmp(m.arg, cases[i].arg) != 0)
            fail_msg("%s: %d \"%s\"", cases[i].path, rc, m.arg);
    }
}

static void long_segment(void **state)
{
    char path[ROUTE_ARG_SIZE + 16] = "/boot/";
    struct route_match m;

    (void)state;
    memset(path + 6, 'a', ROUTE_ARG_SIZE - 1);
    assert_int_equal(route_find(table, 3, METHOD_GET, span_str(path), &m), ROUTE_FOUND);
    memset(path + 6, 'a', ROUTE_ARG_SIZE);
    assert_int_equal(route_find(table, 3, METHOD_GET, span_str(path), &m), ROUTE_NO_PATH);
    assert_string_equal(route_allow(&table[0]), "GET, HEAD");
    assert_string_equal(route_allow(&table[2]), "POST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths), cmocka_unit_test(long_segment)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

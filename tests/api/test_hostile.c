/* Bad input, of every kind that we could think of: a clear answer in NetBox's form each time, nothing half
 * done, nothing broken. */
#include <time.h>

#include "tests/api/client.h"

#include "inventory/model.h"
#include "inventory/record.h"

static int setup(void **state)
{
    client_open(state);
    answers(201, API_POST, "/api/dcim/manufacturers/", "{'name': 'Dell', 'slug': 'dell'}");
    answers(201, API_POST, "/api/dcim/device-types/", "{'manufacturer': 1, 'model': 'R640', 'slug': 'r640'}");
    answers(201, API_POST, "/api/dcim/device-roles/", "{'name': 'Compute', 'slug': 'compute'}");
    answers(201, API_POST, "/api/dcim/sites/", "{'name': 'Paris 1', 'slug': 'par1'}");
    answers(201, API_POST, "/api/dcim/devices/", "{'name': 'hv-01', 'site': 1, 'role': 1, 'device_type': 1}");
    answers(201, API_POST, "/api/dcim/interfaces/", "{'device': 1, 'name': 'eno1', 'type': 'other'}");
    answers(201, API_POST, "/api/ipam/prefixes/", "{'prefix': '10.77.0.0/24'}");
    return 0;
}

/* Whatever was asked: a status that means what it says, JSON where a body is, and the store as it should be.
 */
static void sane(const char *what)
{
    int status = cl.r.status;
    if (status < 200 || status >= 500)
        fail_msg("%s: %d %s", what, status, cl.r.body.len ? cl.r.body.s : "");
    if (cl.r.body.len && cl.r.content_type && !strcmp(cl.r.content_type, "application/json") && !cl.j)
        fail_msg("%s: no JSON: %s", what, cl.r.body.s);
    if (status >= 400 && cl.r.content_type && !strcmp(cl.r.content_type, "application/json"))
        assert_true(json_is_object(cl.j) || json_is_array(cl.j));
}

/* Bytes as they are: no quotes are put in. */
static int raw(enum api_method method, const char *path, const char *query, const void *body, size_t n)
{
    char authorization[API_TOKEN_TEXT + 16];
    snprintf(authorization, sizeof authorization, "Token %s", cl.token);
    struct api_request q = {.method = method,
                            .path = span_str(path),
                            .query = span_str(query),
                            .authorization = span_str(authorization),
                            .content_type = span_str("application/json"),
                            .body = span_of(body, n),
                            .peer = {0x7f000001},
                            .base_url = BASE,
                            .at_ms = T0};
    api_response_free(&cl.r);
    json_decref(cl.j);
    api_call(cl.api, &q, &cl.r);
    cl.j = cl.r.body.len ? json_loadb(cl.r.body.s, cl.r.body.len, JSON_DECODE_ANY, NULL) : NULL;
    sane(path);
    return cl.r.status;
}

static void test_bodies_that_are_no_json(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{",
                                         "}",
                                         "{\"name\": }",
                                         "{'name': 'x'}",
                                         "[1,",
                                         "nul",
                                         "\"text\"",
                                         "1",
                                         "true",
                                         "null",
                                         "{\"a\":1}{\"b\":2}",
                                         "{\"name\": \"a\", \"name\": \"b\"}",
                                         "\xef\xbb\xbf{}",
                                         "{\"name\": \"\xff\xfe\"}",
                                         "{\"name\": \"\xc0\x80\"}",
                                         "{\"name\": \"\xed\xa0\x80\"}",
                                         "{\"name\": \"\\ud800\"}",
                                         "{\"name\": \"\\u0000\"}",
                                         "{\"name\": \"a\nb\"}",
                                         "NaN",
                                         "{\"name\": Infinity}",
                                         "<xml/>",
                                         "name=x&slug=y"};
    static const enum api_method methods[] = {API_POST, API_PUT, API_PATCH};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (size_t k = 0; k < 3; k++) {
            int status = raw(methods[k], k ? "/api/dcim/sites/1/" : "/api/dcim/sites/", "", bodies[i],
                             strlen(bodies[i]));
            if (status != 400)
                fail_msg("%s %s: %d %s", api_method_name(methods[k]), bodies[i], status, cl.r.body.s);
        }
    assert_int_equal(raw(API_POST, "/api/dcim/sites/", "", "{\"a\":\0 1}", 9), 400);
    answers(200, API_GET, "/api/dcim/sites/", NULL);
    is("count", "1");
}

static void test_deep_and_long(void **state)
{
    (void)state;
    struct str s = {0};
    for (int i = 0; i < 100000; i++)
        str_add(&s, "[");
    assert_int_equal(raw(API_POST, "/api/dcim/sites/", "", s.s, s.len), 400);
    str_reset(&s);
    for (int i = 0; i < 50000; i++)
        str_add(&s, "{\"a\":");
    assert_int_equal(raw(API_PATCH, "/api/dcim/devices/1/", "", s.s, s.len), 400);
    str_reset(&s);
    str_add(&s, "{\"local_context_data\": ");
    for (int i = 0; i < 900; i++)
        str_add(&s, "{\"a\":");
    str_add(&s, "1");
    for (int i = 0; i < 901; i++)
        str_add(&s, "}");
    raw(API_PATCH, "/api/dcim/devices/1/", "", s.s, s.len);
    answers(200, API_GET, "/api/dcim/devices/1/", NULL);
    assert_non_null(cl.j);
    /* A name of a megabyte. */
    str_reset(&s);
    str_add(&s, "{\"name\": \"");
    for (int i = 0; i < 1 << 16; i++)
        str_add(&s, "0123456789abcdef");
    str_add(&s, "\", \"slug\": \"x\"}");
    assert_int_equal(raw(API_POST, "/api/dcim/sites/", "", s.s, s.len), 400);
    assert_true(cl.r.body.len < 1000);
    /* Ten thousand objects, each wrong. */
    str_reset(&s);
    str_add(&s, "[{}");
    for (int i = 0; i < 10000; i++)
        str_add(&s, ",{}");
    str_add(&s, "]");
    assert_int_equal(raw(API_POST, "/api/dcim/sites/", "", s.s, s.len), 400);
    /* One with thousands of fields that there are not: some of them are named. */
    str_reset(&s);
    str_add(&s, "{\"name\": \"x\"");
    for (int i = 0; i < 20000; i++)
        str_addf(&s, ",\"f%d\":1", i);
    str_add(&s, "}");
    assert_int_equal(raw(API_POST, "/api/dcim/sites/", "", s.s, s.len), 400);
    assert_true(json_object_size(cl.j) <= FAULTS_MAX);
    /* More values than any program has to say at once, in few bytes; commas in a text are none. */
    str_reset(&s);
    str_add(&s, "{\"tags\": [1");
    for (int i = 0; i < 300000; i++)
        str_add(&s, ",1");
    str_add(&s, "]}");
    assert_int_equal(raw(API_PATCH, "/api/dcim/sites/1/", "", s.s, s.len), 400);
    assert_non_null(strstr(json_string_value(at("detail")), "values"));
    str_reset(&s);
    str_add(&s, "{\"comments\": \"\\\"");
    for (int i = 0; i < 300000; i++)
        str_add(&s, ",");
    str_add(&s, "\"}");
    assert_int_equal(raw(API_PATCH, "/api/dcim/sites/1/", "", s.s, s.len), 400);
    assert_non_null(at("comments.0"));
    str_free(&s);
    answers(200, API_GET, "/api/dcim/sites/", NULL);
    is("count", "1");
}

/* Objects with as much text as they may have: a page has an end in bytes too. */
static void test_long_pages(void **state)
{
    (void)state;
    struct str text = {0}, many = {0};
    for (int i = 0; i < 1 << 12; i++)
        str_add(&text, "0123456789abcdef");
    for (int i = 0; i < 540; i++) {
        str_addf(&many, "%c{'name': 'n%d', 'slug': 's%d', 'comments': '%s'}", i % 90 ? ',' : '[', i, i,
                 text.s);
        if (i % 90 != 89)
            continue;
        str_add(&many, "]");
        answers(201, API_POST, "/api/dcim/sites/", many.s);
        str_reset(&many);
    }
    str_free(&text), str_free(&many);
    static const char *const pages[] = {"/api/dcim/sites/?limit=0", "/api/dcim/sites/?start=0&limit=0"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        answers(400, API_GET, pages[i], NULL);
        assert_non_null(strstr(json_string_value(at("detail")), "limit"));
    }
    answers(200, API_GET, "/api/dcim/sites/?limit=3&ordering=-id", NULL);
    is("results.2.name", "'n537'");
}

/* Every field of every model gets values of every type. */
static void test_types(void **state)
{
    (void)state;
    static const char *const values[] = {"null",
                                         "true",
                                         "0",
                                         "-1",
                                         "1.5",
                                         "1e308",
                                         "9223372036854775807",
                                         "''",
                                         "'x'",
                                         "[]",
                                         "[[]]",
                                         "[1]",
                                         "['x']",
                                         "[null]",
                                         "{}",
                                         "{'id': 1}",
                                         "{'id': 'x'}",
                                         "{'id': [1]}",
                                         "{'value': 'active'}",
                                         "{'a': {'b': 1}}",
                                         "[{'id': 1}, {'id': 1}]",
                                         "{'name': null}",
                                         "{'slug': {}}",
                                         "-9223372036854775808"};
    char path[160], body[300];
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        const struct model *x = model_get((enum model_id)m);
        snprintf(path, sizeof path, "/api/%s/%s/", x->app, x->endpoint);
        for (size_t i = 0; i < x->fields_n; i++)
            for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
                snprintf(body, sizeof body, "{'%s': %s}", x->fields[i].name, values[k]);
                call(API_POST, path, body);
                sane(body);
                char detail[170];
                snprintf(detail, sizeof detail, "%s1/", path);
                call(API_PATCH, detail, body);
                sane(body);
            }
    }
    answers(200, API_GET, "/api/dcim/devices/?limit=0", NULL);
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const numbers[] = {"9223372036854775808", "99999999999999999999999999",
                                          "-99999999999999999999999999", "1e400", "1e999999999"};
    char body[200], url[200];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(body, sizeof body, "{'site': %s}", numbers[i]);
        answers(400, API_PATCH, "/api/dcim/devices/1/", body);
        snprintf(url, sizeof url, "/api/dcim/devices/?id=%s", numbers[i]);
        call(API_GET, url, NULL);
        sane(url);
        snprintf(url, sizeof url, "/api/dcim/devices/?site_id=%s&id__gt=%s", numbers[i], numbers[i]);
        call(API_GET, url, NULL);
        sane(url);
        snprintf(url, sizeof url, "/api/dcim/devices/%s/", numbers[i]);
        answers(404, API_GET, url, NULL);
    }
    static const char *const pages[] = {"limit=-1",
                                        "limit=x",
                                        "limit=99999999999999999999",
                                        "limit=1.5",
                                        "offset=-1",
                                        "offset=99999999999999999999",
                                        "offset=9223372036854775807&limit=1000",
                                        "limit=9223372036854775807&offset=1",
                                        "limit=",
                                        "offset=",
                                        "limit=0&limit=-5",
                                        "ordering=nothing",
                                        "ordering=-",
                                        "ordering=,,,",
                                        "ordering=name,name,name,-name",
                                        "ordering=%27;--",
                                        "fields=",
                                        "fields=,",
                                        "fields=nothing",
                                        "brief=",
                                        "omit=id,url",
                                        "exclude=x"};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        snprintf(url, sizeof url, "/api/dcim/devices/?%s", pages[i]);
        answers(200, API_GET, url, NULL);
        is("count", "1");
        is("next", "null");
        snprintf(url, sizeof url, "/api/plugins/rackstrap/events/?%s", pages[i]);
        answers(200, API_GET, url, NULL);
        is("next", "null");
    }
    static const char *const starts[] = {"start=x", "start=-1", "start=99999999999999999999",
                                         "start=1&offset=1", "start=1&ordering=name"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        snprintf(url, sizeof url, "/api/dcim/devices/?%s", starts[i]);
        call(API_GET, url, NULL);
        sane(url);
    }
}

/* SQL, HTML and the like in every filter, with every suffix: a value, which nothing is called. */
static void test_values_in_filters(void **state)
{
    (void)state;
    static const char *const values[] = {"%27%20OR%201=1--",
                                         "%22%20OR%20%22%22=%22",
                                         "x%27);DROP%20TABLE%20devices;--",
                                         "%25",
                                         "_",
                                         "%25_%25",
                                         "*",
                                         "?",
                                         "[a-",
                                         "\\",
                                         "%5C",
                                         "%5C%5C%25",
                                         "%3Cscript%3E",
                                         "%F0%9F%92%A9",
                                         "%C3%A9",
                                         "e%CC%81",
                                         "",
                                         "%20",
                                         "null",
                                         "0",
                                         "-1",
                                         "true",
                                         "1970-01-01",
                                         "10.0.0.0%2F99",
                                         "::%2F0",
                                         "52:54",
                                         "2026-99-99T99:99:99",
                                         "%0A",
                                         "%7F",
                                         "%E2%80%AE"};
    char url[400];
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        const struct model *x = model_get((enum model_id)m);
        for (size_t i = 0; i < x->filters_n; i++)
            for (int op = 0; op < OP_COUNT; op++)
                for (size_t k = 0;
                     k < sizeof values / sizeof *values && (filter_ops(&x->filters[i]) & 1u << op); k++) {
                    snprintf(url, sizeof url, "/api/%s/%s/?limit=1&%s%s=%s", x->app, x->endpoint,
                             x->filters[i].name, op_suffix((enum filter_op)op), values[k]);
                    call(API_GET, url, NULL);
                    sane(url);
                    if (cl.r.status != 200 && cl.r.status != 400)
                        fail_msg("%s: %d", url, cl.r.status);
                }
    }
    static const char *const odd[] = {"cf_=x",
                                      "cf_nothing=x",
                                      "cf_image__ic=%25",
                                      "name__=x",
                                      "name____ic=x",
                                      "__ic=x",
                                      "=x",
                                      "&&&",
                                      "name",
                                      "name=%",
                                      "name=%zz",
                                      "name=%00",
                                      "name=%FF",
                                      "name=%C0%80",
                                      "%00=x",
                                      "name=a&name=b&name__n=a&name__empty=true&name__empty=false",
                                      "tag=x&tag=x",
                                      "q=%25",
                                      "q=",
                                      "device=hv-01",
                                      "name__regex=",
                                      "name__empty=maybe"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        snprintf(url, sizeof url, "/api/dcim/devices/?%s", odd[i]);
        call(API_GET, url, NULL);
        sane(url);
    }
    answers(200, API_GET, "/api/dcim/devices/?name=hv-01", NULL);
    is("count", "1");
}

/* In every text: comes back as it was sent, as JSON; and nothing else happens. */
static void test_values_in_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"<script>alert(1)</script>",
                                        "'; DROP TABLE sites; --",
                                        "\\\" onload=x",
                                        "\xf0\x9f\x92\xa9 emoji",
                                        "e\xcc\x81",
                                        "\xc3\xa9",
                                        "%s%n%p",
                                        "${jndi:ldap://x}",
                                        "{{7*7}}",
                                        "../../etc/passwd",
                                        "\\u0001x",
                                        "a\\tb",
                                        "\xe2\x80\xae"
                                        "rtl"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char body[300];
        snprintf(body, sizeof body, "{\"description\": \"%s\"}", texts[i]);
        int status = raw(API_PATCH, "/api/dcim/devices/1/", "", body, strlen(body));
        if (status == 400)
            continue; /* a control character */
        assert_int_equal(status, 200);
        char *got = json_dumps(at("description"), JSON_ENCODE_ANY), want[200];
        snprintf(want, sizeof want, "\"%s\"", texts[i]);
        assert_string_equal(got, want);
        free(got);
        assert_string_equal(cl.r.content_type, "application/json");
        if (i < 3)
            answers(200, API_GET, "/api/dcim/sites/", NULL);
    }
    answers(400, API_PATCH, "/api/dcim/devices/1/", "{'name': '<b>'}");
    answers(400, API_PATCH, "/api/dcim/sites/1/", "{'slug': 'a b'}");
    answers(400, API_PATCH, "/api/dcim/sites/1/", "{'slug': '../x'}");
    answers(200, API_GET, "/api/dcim/sites/", NULL);
    is("count", "1");
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Regular expressions that explode in others' engines: bounded in time. */
static void test_regex(void **state)
{
    (void)state;
    static const char *const patterns[] = {"(a%2B)%2B$",
                                           "(a*)*b",
                                           "(a|a)*c",
                                           "(.*)*x",
                                           "(((((((((((a%2B)%2B)%2B)%2B)%2B)%2B)%2B)%2B)%2B)%2B)%2B)%2B$",
                                           "a{1000}{1000}{1000}",
                                           "(a{0,1000}){0,1000}",
                                           "((((a{0,255}){0,255}){0,255}){0,255})",
                                           "[",
                                           "(",
                                           "*",
                                           "a**",
                                           "\\1(a)\\1",
                                           "(a)\\1{1000}",
                                           "%5Ehv-0%5Cd%24",
                                           "(?:a)",
                                           "(?i)HV",
                                           "(%3F%3C%3Da)b",
                                           "[[:alpha:]",
                                           "[z-a]",
                                           "a{2,1}",
                                           "a{99999}"};
    struct str s = {0};
    str_add(&s, "{'description': '");
    for (int i = 0; i < 190; i++)
        str_add(&s, "a");
    str_add(&s, "!'}");
    answers(200, API_PATCH, "/api/dcim/devices/1/", s.s);
    str_free(&s);
    static const char *const filters[] = {"description__regex", "description__iregex", "name__regex",
                                          "name__iregex"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (size_t k = 0; k < 4; k++) {
            char url[300];
            double began = cpu_s();
            snprintf(url, sizeof url, "/api/dcim/devices/?%s=%s", filters[k], patterns[i]);
            call(API_GET, url, NULL);
            if (cl.r.status != 503)
                sane(url);
            if (cpu_s() - began > 4)
                fail_msg("%s took %.1f s", url, cpu_s() - began);
        }
    struct str long_one = {0};
    str_add(&long_one, "/api/dcim/devices/?name__regex=");
    for (int i = 0; i < 1500; i++)
        str_add(&long_one, "(a");
    double began = cpu_s();
    call(API_GET, long_one.s, NULL);
    sane("a long expression");
    assert_true(cpu_s() - began < 4);
    str_free(&long_one);
    answers(200, API_GET, "/api/dcim/devices/?name__regex=%5Ehv-0[0-9]$", NULL);
    is("count", "1");
}

/* A list that names a filter a thousand times. */
static void test_many_terms(void **state)
{
    (void)state;
    static const char *const names[] = {"name=x",
                                        "name__ic=v",
                                        "name__n=x",
                                        "tag=x",
                                        "site_id=1",
                                        "id=1",
                                        "cf_image=x",
                                        "mac_address=52:54:00:00:00:01",
                                        "name__regex=a*b*c*",
                                        "q=hv",
                                        "status=active",
                                        "nothing=1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str url = {0};
        str_add(&url, "/api/dcim/devices/?");
        for (int k = 0; k < 700; k++)
            str_addf(&url, "%s&", names[i]);
        double began = cpu_s();
        call(API_GET, url.s, NULL);
        if (cl.r.status != 503)
            sane(names[i]);
        if (cpu_s() - began > 4)
            fail_msg("%s took %.1f s", names[i], cpu_s() - began);
        str_free(&url);
    }
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api",
                                        "/api//",
                                        "/api/dcim",
                                        "/api/dcim/devices",
                                        "/api/dcim/devices/../sites/",
                                        "/api/dcim/devices/1/../2/",
                                        "/api/%64cim/devices/",
                                        "/api/dcim/devices/%31/",
                                        "/api/dcim/devices/1/x/",
                                        "/api/dcim/devices/-1/",
                                        "/api/dcim/devices/0/",
                                        "/api/dcim/devices/01/",
                                        "/api/dcim/devices/1",
                                        "/api/nothing/",
                                        "/api/plugins/",
                                        "/api/plugins/rackstrap",
                                        "/api/plugins/nothing/",
                                        "/",
                                        "",
                                        "/api/dcim/devices/1%00/",
                                        "/api/\xff/",
                                        "/api/ipam/prefixes/999/available-ips/",
                                        "/api/ipam/prefixes/x/available-ips/"};
    static const enum api_method methods[] = {API_GET, API_HEAD,  API_OPTIONS, API_POST,
                                              API_PUT, API_PATCH, API_DELETE};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (size_t k = 0; k < sizeof methods / sizeof *methods; k++) {
            int status = raw(methods[k], paths[i], "", "{}", 2);
            if (status >= 500)
                fail_msg("%s: %d", paths[i], status);
            if (cl.r.content_type && !strncmp(cl.r.content_type, "text/html", 9) &&
                strstr(cl.r.body.s, "devices/1"))
                fail_msg("%s comes back in HTML", paths[i]);
        }
}

/* An address that is no address, a prefix that is none. */
static void test_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "x",
                                      "10.0.0.1",
                                      "10.0.0.1/33",
                                      "10.0.0.300/24",
                                      "10.0.0.1/",
                                      "/24",
                                      "10.0.0.1/24/24",
                                      "::1/129",
                                      "fe80::1%eth0/64",
                                      "10.0.0.1/-1",
                                      "0x0a.1.1.1/8",
                                      "010.1.1.1/8",
                                      "10.1/16",
                                      ":::/64",
                                      "1:2:3:4:5:6:7:8:9/64"};
    char body[200];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(body, sizeof body, "{'address': '%s'}", bad[i]);
        if (strcmp(bad[i], "10.0.0.1") != 0) /* NetBox takes it for /32 */
            answers(400, API_POST, "/api/ipam/ip-addresses/", body);
        snprintf(body, sizeof body, "{'prefix': '%s'}", bad[i]);
        if (strcmp(bad[i], "10.0.0.1") != 0)
            answers(400, API_POST, "/api/ipam/prefixes/", body);
        snprintf(body, sizeof body, "{'mac_address': '%s'}", bad[i]);
        answers(400, API_POST, "/api/dcim/mac-addresses/", body);
    }
    static const char *const many[] = {
        "[]", "[{}, 1]", "1", "[[]]", "{'prefix_length': 'x'}", "{'address': '10.0.0.1/24'}"};
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) {
        call(API_POST, "/api/ipam/prefixes/1/available-ips/", many[i]);
        sane(many[i]);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, client_close)
    const struct CMUnitTest tests[] = {TEST(test_bodies_that_are_no_json),
                                       TEST(test_deep_and_long),
                                       TEST(test_long_pages),
                                       TEST(test_types),
                                       TEST(test_numbers),
                                       TEST(test_values_in_filters),
                                       TEST(test_values_in_texts),
                                       TEST(test_regex),
                                       TEST(test_many_terms),
                                       TEST(test_paths),
                                       TEST(test_addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

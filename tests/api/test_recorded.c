/* recorded: every question that a NetBox was asked (tests/vectors/netbox/4.7/answers.json) is asked of us, in
 * the same order, over an inventory alike: the status is the same, and where it says what is wrong, it says
 * it of the same fields. Where we mean to differ, `differs` says so, and how. */
#include "tests/api/client.h"

#define ANSWERS "tests/vectors/netbox/4.7/answers.json"

/* Asked with tokens of another kind, or of users that we have not; test_protocol and test_records ask these.
 */
static const char *const of_tokens[] = {
    "v1 token",          "v2 token",          "user who may",           "outside of that part",
    "detail for a user", "token for reading", "without the permission", NULL};

static const struct {
    const char *what;
    int status;
    const char *why;
} differs[] = {
    {"status without a token", 200, "pynetbox 7.0.0 asks for the version without its token"},
    {"root without a token", 200, "likewise"},
    {"empty body", 400, "a device has a name here"},
    {"unknown field", 400, "nothing is lost in silence"},
    {"duplicate device name in a site", 400, "a device's name is a host name: there is one of it"},
    {"duplicate MAC address", 400, "a MAC address is one machine's"},
    {"DELETE", 404, "the faulty devices that have the numbers up to 25 there are not made here"},
    {NULL, 0, NULL},
};

static void post(const char *url, const char *body)
{
    answers(201, API_POST, url, body);
}

static void fill_catalogue(void)
{
    post("/api/dcim/sites/", "[{'name':'Paris','slug':'paris'},{'name':'Lyon','slug':'lyon'}]");
    post("/api/dcim/device-roles/",
         "[{'name':'Compute','slug':'compute'},{'name':'Storage','slug':'storage'}]");
    post("/api/dcim/manufacturers/",
         "[{'name':'Dell','slug':'dell'},{'name':'Supermicro','slug':'supermicro'}]");
    post("/api/dcim/device-types/", "[{'model':'R640','slug':'r640','manufacturer':1},"
                                    "{'model':'X11','slug':'x11','manufacturer':2}]");
    post("/api/extras/tags/",
         "[{'name':'Compute','slug':'compute'},{'name':'\\u00c9dition','slug':'edition-1'}]");
    post("/api/dcim/racks/", "[{'name':'R101','site':1},{'name':'R201','site':2}]");
    post("/api/extras/custom-fields/",
         "[{'name':'hardware','type':'json','object_types':['dcim.device']},"
         "{'name':'team','type':'select','object_types':['dcim.device'],'choices':['red','blue']}]");
    post("/api/ipam/prefixes/",
         "[{'prefix':'10.50.0.0/22'},{'prefix':'10.50.4.0/22'},{'prefix':'10.50.0.0/16'},"
         "{'prefix':'2001:db8:50::/64'},{'prefix':'10.70.0.0/30'}]");
}

static void fill_device(int i)
{
    char body[512], url[64];
    snprintf(body, sizeof body,
             "{'name':'node%04d','site':%d,'rack':%d,'role':1,'device_type':1,'status':'staged',"
             "'position':%d,'face':'front','tags':[{'slug':'compute'}%s]}",
             i, 2 - i % 2, 2 - i % 2, (i + 1) / 2, i % 3 == 1 ? ",{'slug':'edition-1'}" : "");
    post("/api/dcim/devices/", body);
    for (int k = 0; k < 4; k++) {
        snprintf(body, sizeof body, "{'device':%d,'name':'eth%d','type':'10gbase-t'}", i, k);
        post("/api/dcim/interfaces/", body);
        snprintf(body, sizeof body,
                 "{'mac_address':'025b0000%02x%02x','assigned_object_type':'dcim.interface','assigned_object_"
                 "id':%d}",
                 i, k, 4 * i - 3 + k);
        post("/api/dcim/mac-addresses/", body);
    }
    snprintf(body, sizeof body,
             "{'address':'10.50.0.%d/22','assigned_object_type':'dcim.interface','assigned_object_id':%d}",
             9 + i, 4 * i - 3);
    post("/api/ipam/ip-addresses/", body);
    snprintf(url, sizeof url, "/api/dcim/devices/%d/", i);
    snprintf(body, sizeof body, "{'primary_ip4':%d}", i);
    answers(200, API_PATCH, url, body);
}

static bool of_a_token(const char *what)
{
    for (const char *const *t = of_tokens; *t; t++)
        if (strstr(what, *t))
            return true;
    return false;
}

static enum api_method method_of(const char *name)
{
    for (enum api_method m = API_GET; m <= API_DELETE; m <<= 1)
        if (!strcmp(api_method_name(m), name))
            return m;
    fail_msg("no method %s", name);
    return 0;
}

static int ask(const json_t *q)
{
    const char *what = json_string_value(json_object_get(q, "what"));
    json_t *body = json_object_get(q, "body");
    char *text = json_is_string(body)          ? xstrdup(json_string_value(body)) /* what is no JSON */
                 : body && !json_is_null(body) ? json_dumps(body, JSON_COMPACT)
                                               : NULL;
    cl.authorization = strstr(what, "no token") || strstr(what, "without a token") ? "" : NULL;
    cl.if_match = strstr(what, "If-Match") ? "W/\"2020-01-01\"" : NULL;
    int status = call(method_of(json_string_value(json_object_get(q, "method"))),
                      json_string_value(json_object_get(q, "path")), text);
    free(text);
    return status;
}

/* The names that are complained of. */
static bool same_keys(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)a, key, v)
    {
        if (!json_object_get(b, key))
            return false;
    }
    return json_typeof(a) == json_typeof(b) && json_object_size(a) == json_object_size(b);
}

static void compare(const json_t *q)
{
    const char *what = json_string_value(json_object_get(q, "what"));
    int want = (int)json_integer_value(json_object_get(q, "status")), got = ask(q);
    const json_t *answer = json_object_get(q, "answer");
    for (size_t i = 0; differs[i].what; i++) {
        if (strcmp(differs[i].what, what))
            continue;
        assert_int_equal(got, differs[i].status);
        return;
    }
    if (got != want)
        fail_msg("%s: %d, not %d: %s", what, got, want, cl.r.body.len ? cl.r.body.s : "");
    if (want >= 400 && json_is_object(answer) && (!cl.j || !same_keys(answer, cl.j)))
        fail_msg("%s: other fields: %s", what, cl.r.body.s);
}

static void what_a_netbox_said_we_say(void **state)
{
    (void)state;
    size_t i, asked = 0;
    json_t *q;
    json_error_t e;
    json_t *all = json_load_file(ANSWERS, 0, &e);
    if (!all)
        fail_msg("%s: %s", ANSWERS, e.text);
    fill_catalogue();
    for (int d = 1; d <= 12; d++)
        fill_device(d);
    json_array_foreach(all, i, q)
    {
        if (of_a_token(json_string_value(json_object_get(q, "what"))))
            continue;
        compare(q);
        asked++;
    }
    assert_true(asked > 100);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_netbox_said_we_say, client_open, client_close)};
    return cmocka_run_group_tests_name("recorded", tests, NULL, NULL);
}

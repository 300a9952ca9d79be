/* records: NetBox's objects through the API: lists, details, writes of one and many, and what is refused. */
#include "tests/api/client.h"

#include "inventory/store_sql.h"

/* A site, a manufacturer, a type, a role; their ids are 1. */
static void base(void)
{
    answers(201, API_POST, "/api/dcim/sites/", "{'name':'Paris 1','slug':'par1'}");
    answers(201, API_POST, "/api/dcim/manufacturers/", "{'name':'Dell','slug':'dell'}");
    answers(201, API_POST, "/api/dcim/device-types/",
            "{'manufacturer':{'slug':'dell'},'model':'R640','slug':'r640'}");
    answers(201, API_POST, "/api/dcim/device-roles/", "{'name':'Compute','slug':'compute'}");
}

static int64_t device(const char *name, const char *more)
{
    char body[512];
    snprintf(body, sizeof body,
             "{'name':'%s','site':{'slug':'par1'},'device_type':{'slug':'r640'},"
             "'role':{'slug':'compute'},'status':'staged'%s}",
             name, more);
    answers(201, API_POST, "/api/dcim/devices/", body);
    return json_integer_value(at("id"));
}

static const char *path(const char *list, int64_t id)
{
    static char text[128];
    snprintf(text, sizeof text, "%s%lld/", list, (long long)id);
    return text;
}

#define DEVICES "/api/dcim/devices/"

static void an_object_is_made_and_read(void **state)
{
    (void)state;
    answers(201, API_POST, "/api/dcim/sites/",
            "{'name':'Paris 1 <b>\\u00e9</b>','slug':'par1','status':'planned'}");
    is("id", "1");
    is("url", "'" BASE "/api/dcim/sites/1/'");
    is("display_url", "'" BASE "/dcim/sites/1/'");
    is("display", "'Paris 1 <b>\xc3\xa9</b>'");
    is("status", "{'value':'planned','label':'Planned'}");
    is("tags", "[]");
    is("region", "null");
    is("device_count", "0");
    assert_true(has_header("Location: " BASE "/api/dcim/sites/1/\r\n"));
    answers(200, API_GET, "/api/dcim/sites/1/", NULL);
    is("slug", "'par1'");
    answers(404, API_GET, "/api/dcim/sites/2/", NULL);
    is("detail", "'No Site matches the given query.'");
    assert_string_equal(cl.r.pattern, "/api/dcim/sites/{id}/");
}

static void faults_are_said_by_field(void **state)
{
    (void)state;
    answers(400, API_POST, "/api/dcim/sites/", NULL);
    assert_int_equal(json_array_size(at("name")), 1);
    is("name.0", "'This field is required.'");
    is("slug.0", "'This field is required.'");
    answers(400, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a','status':'foo'}");
    assert_non_null(at("status.0"));
    answers(400, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a','status':{'value':'active'}}");
    assert_non_null(at("status.0"));
    answers(400, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a','foo':1}");
    assert_non_null(at("foo.0"));
    answers(400, API_POST, "/api/dcim/sites/", "{'name':['x'],'slug':7}");
    assert_non_null(at("name.0"));
    answers(201, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a'}");
    answers(400, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'b'}");
    assert_non_null(at("name.0"));
    answers(400, API_PATCH, "/api/dcim/sites/1/", "[{'name':'x'}]");
    answers(400, API_PATCH, "/api/dcim/sites/1/", NULL);
    answers(400, API_PUT, "/api/dcim/sites/1/", "{'slug':'a'}"); /* PUT is the whole object */
    is("name.0", "'This field is required.'");
    answers(200, API_PATCH, "/api/dcim/sites/1/", "{'slug':'z'}");
    is("name", "'a'");
    answers(404, API_PATCH, "/api/dcim/sites/9/", "{'slug':'z'}");
}

static void lists_have_pages(void **state)
{
    (void)state;
    char body[128];
    for (int i = 1; i <= 7; i++) {
        snprintf(body, sizeof body, "{'name':'site %d','slug':'s%d'}", i, 8 - i);
        answers(201, API_POST, "/api/dcim/sites/", body);
    }
    answers(200, API_GET, "/api/dcim/sites/?limit=3&offset=2&name__ic=SITE", NULL);
    is("count", "7");
    is("next", "'" BASE "/api/dcim/sites/?limit=3&name__ic=SITE&offset=5'");
    is("previous", "'" BASE "/api/dcim/sites/?limit=3&name__ic=SITE'");
    is("results.0.name", "'site 3'");
    assert_int_equal(json_array_size(at("results")), 3);
    answers(200, API_GET, "/api/dcim/sites/?limit=3&offset=5", NULL);
    is("next", "null");
    answers(200, API_GET, "/api/dcim/sites/?limit=0", NULL);
    is("previous", "null");
    assert_int_equal(json_array_size(at("results")), 7);
    answers(200, API_GET, "/api/dcim/sites/?limit=3&offset=70", NULL);
    is("results", "[]");
    answers(200, API_GET, "/api/dcim/sites/?start=2&limit=3", NULL);
    is("count", "null");
    is("results.0.id", "2");
    is("next", "'" BASE "/api/dcim/sites/?limit=3&start=5'");
    answers(200, API_GET, "/api/dcim/sites/?start=5&limit=3", NULL);
    is("next", "null");
    assert_int_equal(json_array_size(at("results")), 3);
    answers(200, API_GET, "/api/dcim/sites/?ordering=-slug&limit=1", NULL);
    is("results.0.slug", "'s7'");
    answers(200, API_GET, "/api/dcim/sites/?slug=s1&slug=s2&nothing=at+all&ordering=nothing", NULL);
    is("count", "2");
    answers(200, API_GET, "/api/dcim/sites/?slug=%27%3b+DROP+TABLE+sites%3b--", NULL);
    is("count", "0");
    answers(400, API_GET, "/api/dcim/sites/?status=foo", NULL);
    is("status.0", "'Select a valid choice. foo is not one of the available choices.'");
}

static void fields_are_chosen(void **state)
{
    (void)state;
    base();
    answers(200, API_GET, "/api/dcim/sites/?brief=1", NULL);
    is("results.0",
       "{'id':1,'url':'" BASE
       "/api/dcim/sites/1/','display':'Paris 1','name':'Paris 1','slug':'par1','description':''}");
    answers(200, API_GET, "/api/dcim/sites/?fields=id,slug,nothing&brief=1&omit=id", NULL);
    is("results.0", "{'id':1,'slug':'par1'}");
    answers(200, API_GET, "/api/dcim/sites/1/?omit=slug,tags&brief=1", NULL);
    assert_null(at("slug"));
    assert_non_null(at("device_count"));
    device("node1", "");
    answers(200, API_GET, DEVICES "?exclude=config_context", NULL);
    assert_null(at("results.0.config_context"));
    answers(200, API_GET, DEVICES, NULL);
    assert_non_null(at("results.0.config_context"));
}

static void a_device_with_all_that_belongs_to_it(void **state)
{
    (void)state;
    char body[256];
    base();
    answers(201, API_POST, "/api/extras/tags/", "{'name':'Red','slug':'red','color':'ff0000'}");
    answers(201, API_POST, "/api/tenancy/tenants/", "{'name':'Ops','slug':'ops'}");
    int64_t id = device("node1", ",'tags':[{'slug':'red'}],'tenant':1,'serial':'ABC'");
    is("tags.0.slug", "'red'");
    is("tenant.name", "'Ops'");
    is("device_type.manufacturer.slug", "'dell'");
    is("status", "{'value':'staged','label':'Staged'}");
    is("custom_fields.state", "'idle'");
    snprintf(body, sizeof body, "{'device':%lld,'name':'eno1','type':'10gbase-t'}", (long long)id);
    answers(201, API_POST, "/api/dcim/interfaces/", body);
    is("device.name", "'node1'");
    is("type", "{'value':'10gbase-t','label':'10GBASE-T (10GE)'}");
    int64_t nic = json_integer_value(at("id"));
    snprintf(body, sizeof body,
             "{'mac_address':'aa-bb-cc-00-00-01','assigned_object_type':'dcim.interface','assigned_object_id'"
             ":%lld}",
             (long long)nic);
    answers(201, API_POST, "/api/dcim/mac-addresses/", body);
    is("mac_address", "'AA:BB:CC:00:00:01'");
    is("assigned_object.device.name", "'node1'");
    snprintf(body, sizeof body,
             "{'address':'10.0.0.10/24','assigned_object_type':'dcim.interface','assigned_object_id':%lld}",
             (long long)nic);
    answers(201, API_POST, "/api/ipam/ip-addresses/", body);
    is("family", "{'value':4,'label':'IPv4'}");
    int64_t ip = json_integer_value(at("id"));
    snprintf(body, sizeof body, "{'primary_ip4':%lld}", (long long)ip);
    answers(200, API_PATCH, path(DEVICES, id), body);
    is("primary_ip.address", "'10.0.0.10/24'");
    answers(200, API_GET, DEVICES "?mac_address=aabb.cc00.0001", NULL);
    is("count", "1");
    answers(200, API_GET, DEVICES "?site=par1&tag=red&status=staged&has_primary_ip=true&tenant=ops", NULL);
    is("count", "1");
    answers(200, API_GET, "/api/ipam/ip-addresses/?device_id=1&assigned_to_interface=true", NULL);
    is("results.0.assigned_object.device.id", "1");
    answers(200, API_GET, "/api/dcim/sites/1/", NULL);
    is("device_count", "1");
    answers(409, API_DELETE, "/api/dcim/sites/1/", NULL);
    assert_non_null(at("detail"));
    answers(204, API_DELETE, path(DEVICES, id), NULL);
    assert_int_equal(cl.r.body.len, 0);
    answers(204, API_DELETE, "/api/dcim/sites/1/", NULL);
}

static void etags_keep_writers_apart(void **state)
{
    (void)state;
    char etag[64];
    answers(201, API_POST, "/api/dcim/sites/", "{'name':'a','slug':'a'}");
    const char *line = strstr(cl.r.headers.s, "ETag: ");
    assert_non_null(line);
    snprintf(etag, sizeof etag, "%.*s", (int)strcspn(line + 6, "\r"), line + 6);
    assert_true(str_starts(etag, "W/\"2026-11-21T10:00:00"));
    cl.if_match = "W/\"2020-01-01T00:00:00.000000Z\", W/\"x\"";
    answers(412, API_PATCH, "/api/dcim/sites/1/", "{'name':'b'}");
    is("detail", "'Precondition failed.'");
    assert_true(has_header(etag));
    answers(412, API_DELETE, "/api/dcim/sites/1/", NULL);
    char both[128];
    snprintf(both, sizeof both, "W/\"x\", %s", etag);
    cl.if_match = both;
    answers(200, API_PATCH, "/api/dcim/sites/1/", "{'name':'b'}");
    cl.if_match = "*";
    answers(204, API_DELETE, "/api/dcim/sites/1/", NULL);
}

static size_t sites(void)
{
    answers(200, API_GET, "/api/dcim/sites/?brief=1", NULL);
    return json_array_size(at("results"));
}

static void many_are_all_or_nothing(void **state)
{
    (void)state;
    answers(201, API_POST, "/api/dcim/sites/", "[{'name':'a','slug':'a'},{'name':'b','slug':'b'}]");
    is("1.slug", "'b'");
    answers(400, API_POST, "/api/dcim/sites/", "[{'name':'c','slug':'c'},{'slug':'d'}]");
    is("detail", "'1 of 2 objects could not be created.'");
    is("errors", "[{'index':1,'errors':{'name':['This field is required.']}}]");
    assert_int_equal(sites(), 2);
    answers(200, API_PATCH, "/api/dcim/sites/", "[{'id':2,'name':'B'},{'id':1,'status':'retired'}]");
    is("0.name", "'B'");
    is("1.status.value", "'retired'");
    answers(400, API_PATCH, "/api/dcim/sites/", "[{'id':1,'name':'C'},{'id':2,'status':'foo'},{'id':7}]");
    is("detail", "'2 of 3 objects could not be found.'");
    is("errors.0.id", "2");
    assert_non_null(at("errors.0.errors.status.0"));
    is("errors.1", "{'id':7,'errors':{'id':['Object with ID 7 does not exist']}}");
    answers(200, API_GET, "/api/dcim/sites/1/", NULL);
    is("name", "'a'");
    answers(400, API_PATCH, "/api/dcim/sites/", "[{'name':'C'}]");
    is("errors", "[{'index':0,'errors':{'id':['This field is required.']}}]");
    answers(400, API_PATCH, "/api/dcim/sites/", "[7]");
    answers(400, API_PATCH, "/api/dcim/sites/", "{'id':1}");
    answers(400, API_DELETE, "/api/dcim/sites/", NULL);
    answers(400, API_DELETE, "/api/dcim/sites/", "[{'id':1},{'id':8}]");
    assert_int_equal(sites(), 2);
    answers(204, API_DELETE, "/api/dcim/sites/", "[{'id':1},{'id':2}]");
    assert_int_equal(sites(), 0);
    answers(201, API_POST, "/api/dcim/sites/", "[]");
    is("", "[]");
}

static void too_many_are_refused(void **state)
{
    (void)state;
    struct str body = {0};
    str_add(&body, "[{}");
    for (int i = 0; i < 1000; i++)
        str_add(&body, ",{}");
    str_add(&body, "]");
    answers(400, API_POST, "/api/dcim/sites/", body.s);
    is("detail", "'1001 objects in one request, and 1000 are the most.'");
    answers(400, API_POST, "/api/ipam/prefixes/1/available-ips/", body.s);
    str_free(&body);
}

/* ---- image: an assignment ---- */

#define IMAGE(name) "{'custom_fields':{'image':'" name "'}}"

static int by_admin(const struct entry *x, void *ctx)
{
    size_t *n = ctx;
    if (strcmp(x->actor, "api:admin") || strcmp(x->address, "127.0.0.1"))
        fail_msg("%s by %s from %s", x->event, x->actor, x->address);
    ++*n;
    return 0;
}

static void writing_an_image_arms_a_job(void **state)
{
    (void)state;
    base();
    put_release("debian-12", "1", DIGEST_1, T0);
    put_release("debian-13", "1", DIGEST_2, T0);
    int64_t id = device("node1", "");
    is("custom_fields.image", "null");
    answers(400, API_PATCH, path(DEVICES, id), IMAGE("nothing"));
    answers(200, API_PATCH, path(DEVICES, id), IMAGE("debian-12"));
    is("custom_fields.image", "'debian-12'");
    is("custom_fields.state", "'armed'");
    struct job first = current(id);
    assert_int_equal(first.state, JOB_ARMED);
    assert_int_equal(events(id, "assigned"), 1);
    /* what a client that saves the device sends back */
    answers(200, API_PATCH, path(DEVICES, id), "{'serial':'X','custom_fields':{'image':'debian-12'}}");
    is("serial", "'X'");
    assert_int_equal(current(id).id, first.id);
    /* another name of the same release is no reason to write it again */
    answers(200, API_PATCH, path(DEVICES, id), IMAGE("debian-12@1"));
    is("custom_fields.image", "'debian-12@1'");
    assert_int_equal(current(id).id, first.id);
    answers(200, API_PATCH, path(DEVICES, id), IMAGE("debian-13"));
    assert_int_not_equal(current(id).id, first.id);
    answers(200, API_PATCH, path(DEVICES, id), "{'custom_fields':{'image':null}}");
    is("custom_fields.image", "null");
    is("custom_fields.state", "'idle'");
    assert_int_equal(current(id).state, JOB_CANCELLED);
    ok(device_protect(fx.s, id, true, "test", E));
    answers(409, API_PATCH, path(DEVICES, id), "{'serial':'Y','custom_fields':{'image':'debian-12'}}");
    answers(200, API_GET, path(DEVICES, id), NULL);
    is("serial", "'X'"); /* nothing half done */
    is("custom_fields.protected", "true");
    answers(409, API_DELETE, path(DEVICES, id), NULL);
}

static void assigning_is_a_right(void **state)
{
    (void)state;
    char admin[API_TOKEN_TEXT];
    base();
    put_release("debian-12", "1", DIGEST_1, T0);
    int64_t id = device("node1", "");
    str_copy(admin, sizeof admin, cl.token);
    client_token("writer", RIGHT_READ | RIGHT_WRITE, "", cl.token);
    answers(403, API_PATCH, path(DEVICES, id), "{'serial':'Z','custom_fields':{'image':'debian-12'}}");
    answers(200, API_GET, path(DEVICES, id), NULL);
    is("serial", "''");
    /* nor is what an assignment would wipe prepared without it */
    answers(403, API_PATCH, path(DEVICES, id), "{'serial':'Z','custom_fields':{'disk':'serial=X'}}");
    assert_non_null(strstr(json_string_value(at("detail")), "\"disk\"): that needs the right assign"));
    answers(403, API_PATCH, path(DEVICES, id), "{'custom_fields':{'protected':true}}");
    answers(403, API_POST, DEVICES,
            "{'name':'node9','site':1,'role':1,'device_type':1,'custom_fields':{'disk':'serial=X'}}");
    ok(device_protect(fx.s, id, true, "test", E));
    answers(403, API_PATCH, path(DEVICES, id), "{'custom_fields':{'protected':false}}");
    answers(200, API_PATCH, path(DEVICES, id),
            "{'serial':'S','custom_fields':{'disk':null,'protected':true}}"); /* as it is */
    is("custom_fields.protected", "true");
    answers(200, API_PATCH, path(DEVICES, id), "{'serial':''}");
    ok(device_protect(fx.s, id, false, "test", E));
    client_token("assigner", RIGHT_READ | RIGHT_ASSIGN, "", cl.token);
    answers(403, API_PATCH, path(DEVICES, id), "{'serial':'Z','custom_fields':{'image':'debian-12'}}");
    answers(403, API_PATCH, path(DEVICES, id), "{'custom_fields':{'image':'debian-12','disk':'vda'}}");
    answers(403, API_DELETE, path(DEVICES, id), NULL);
    answers(403, API_POST, DEVICES, IMAGE("debian-12"));
    answers(403, API_PATCH, "/api/dcim/sites/1/", IMAGE("debian-12"));
    answers(200, API_PATCH, path(DEVICES, id), IMAGE("debian-12"));
    state_is(id, STATE_ARMED);
}

static void more_than_wipe_limit_needs_the_number(void **state)
{
    (void)state;
    char body[256];
    base();
    put_release("debian-12", "1", DIGEST_1, T0);
    int64_t a = device("a", ""), b = device("b", ""), c = device("c", "");
#define ROW "{'id':%lld,'custom_fields':{'image':'debian-12'}}"
    snprintf(body, sizeof body, "[" ROW "," ROW "," ROW "]", (long long)a, (long long)b, (long long)c);
    answers(400, API_PATCH, DEVICES, body);
    assert_non_null(strstr(json_string_value(at("detail")), "count=3"));
    state_is(a, STATE_IDLE);
    answers(400, API_PATCH, DEVICES "?count=2", body);
    state_is(a, STATE_IDLE);
    answers(200, API_PATCH, DEVICES "?count=3", body);
    state_is(c, STATE_ARMED);
}

static void what_is_netboxes_is_changed_there(void **state)
{
    (void)state;
    base();
    put_release("debian-12", "1", DIGEST_1, T0);
    int64_t id = device("node1", "");
    ok(db_run(fx.s, "UPDATE devices SET netbox_id = 77 WHERE id = ?", DB_VALUES(db_i(id)), E) < 0 ? -1 : 0);
    answers(409, API_PATCH, path(DEVICES, id), "{'serial':'x'}");
    assert_true(str_ends(json_string_value(at("detail")), " https://netbox.example/dcim/devices/77/"));
    answers(409, API_PATCH, path(DEVICES, id), "{'serial':'x','custom_fields':{'image':'debian-12'}}");
    state_is(id, STATE_IDLE);
    answers(409, API_DELETE, path(DEVICES, id), NULL);
    answers(200, API_PATCH, path(DEVICES, id),
            "{'custom_fields':{'image':'debian-12','disk':'only'}}"); /* ours */
    state_is(id, STATE_ARMED);
}

static void the_journal_says_which_token(void **state)
{
    (void)state;
    base();
    put_release("debian-12", "1", DIGEST_1, T0);
    int64_t id = device("node1", "");
    answers(200, API_PATCH, path(DEVICES, id), "{'serial':'S1','custom_fields':{'image':'debian-12'}}");
    answers(204, API_DELETE, path(DEVICES, id), NULL);
    size_t n = 0;
    ok(journal_each(fx.s, 0, id, 0, by_admin, &n, E));
    assert_true(n >= 4); /* made, changed, assigned, removed */
    ok(journal_verify(fx.s, NULL, E));
}

/* ---- free addresses ---- */

static void free_addresses_are_taken_once(void **state)
{
    (void)state;
    answers(201, API_POST, "/api/ipam/prefixes/",
            "{'prefix':'10.0.0.0/29','custom_fields':{'gateway':'10.0.0.1'}}");
    is("custom_fields.gateway", "'10.0.0.1'");
    answers(201, API_POST, "/api/ipam/ip-addresses/", "{'address':'10.0.0.3/29'}");
#define FREE "/api/ipam/prefixes/1/available-ips/"
    answers(200, API_GET, FREE, NULL);
    is("",
       "[{'family':4,'address':'10.0.0.2/29','vrf':null},{'family':4,'address':'10.0.0.4/29','vrf':null},"
       "{'family':4,'address':'10.0.0.5/29','vrf':null},{'family':4,'address':'10.0.0.6/29','vrf':null}]");
    answers(201, API_POST, FREE, "{'description':'mine','dns_name':'a.example'}");
    is("address", "'10.0.0.2/29'");
    is("description", "'mine'");
    answers(400, API_POST, FREE, "[{},{'status':'foo'}]");
    answers(409, API_POST, FREE, "[{},{},{},{}]");
    is("detail", "'Insufficient resources are available to satisfy the request'");
    answers(201, API_POST, FREE, "[{},{}]");
    is("1.address", "'10.0.0.5/29'");
    answers(201, API_POST, FREE, NULL);
    answers(409, API_POST, FREE, "{}");
    answers(404, API_GET, "/api/ipam/prefixes/9/available-ips/", NULL);
    answers(405, API_DELETE, FREE, NULL);
}

/* 10.0.0.2 is a router of the configuration's, 10.0.0.4 the end of a pool that begins before. */
static int used_by_others(void *ctx, struct store *s, struct leases *l, const struct unused_query *q,
                          struct ip4 *ret, struct err *e)
{
    (void)ctx, (void)s;
    assert_non_null(l);
    assert_int_equal(q->within.net.a, 0x0a000000);
    assert_int_equal(q->within.len, 29);
    assert_int_equal(q->at_ms, T0);
    if (q->from.a == 0x0a000006)
        return err_set(e, ERR_IO, "the leases cannot be read");
    *ret = q->from.a >= 0x0a000002 && q->from.a <= 0x0a000004 ? (struct ip4){0x0a000005} : q->from;
    return 0;
}

static void what_is_in_use_is_not_offered(void **state)
{
    (void)state;
    struct leases *l;
    struct api_config cfg = {.state_dir = fx.dir, .unused = used_by_others};
    ok(leases_open(fx.dir, true, &l, E));
    api_free(cl.api);
    cl.api = api_new(fx.s, &cfg);
    answers(201, API_POST, "/api/ipam/prefixes/", "{'prefix':'10.0.0.0/29'}");
    answers(200, API_GET, FREE "?limit=2", NULL);
    is("0.address", "'10.0.0.1/29'");
    is("1.address", "'10.0.0.5/29'");
    answers(201, API_POST, FREE, "[{},{}]");
    is("1.address", "'10.0.0.5/29'");
    assert_int_equal(call(API_POST, FREE, "{}"), 500); /* what is not known is not offered */
    leases_close(l);
}

/* ---- who sees what ---- */

static void a_tenant_is_alone(void **state)
{
    (void)state;
    base();
    answers(201, API_POST, "/api/tenancy/tenants/",
            "[{'name':'Ops','slug':'ops'},{'name':'Dev','slug':'dev'}]");
    int64_t ops = device("ops1", ",'tenant':{'slug':'ops'}"),
            dev = device("dev1", ",'tenant':{'slug':'dev'}");
    answers(201, API_POST, "/api/ipam/prefixes/", "{'prefix':'10.0.0.0/30'}");
    answers(201, API_POST, "/api/ipam/ip-addresses/", "{'address':'10.0.0.1/30','tenant':2}");
    client_token("ops", RIGHT_READ | RIGHT_WRITE | RIGHT_ASSIGN, "ops", cl.token);
    answers(200, API_GET, DEVICES, NULL);
    is("count", "1");
    is("results.0.name", "'ops1'");
    answers(200, API_GET, path(DEVICES, ops), NULL);
    answers(404, API_GET, path(DEVICES, dev), NULL);
    answers(404, API_PATCH, path(DEVICES, dev), "{'serial':'x'}");
    answers(404, API_DELETE, path(DEVICES, dev), NULL);
    answers(400, API_PATCH, DEVICES, "[{'id':2,'serial':'x'}]");
    answers(403, API_PATCH, "/api/dcim/device-roles/1/", "{'name':'x'}");
    answers(200, API_GET, "/api/ipam/prefixes/1/available-ips/", NULL);
    is("0.address", "'10.0.0.2/30'"); /* the other's is not offered, though not seen */
    assert_int_equal(json_array_size(cl.j), 1);
}

/* ---- the schema ---- */

static void the_schema_names_all_parameters(void **state)
{
    (void)state;
    static const char *const want[] = {"name", "name__ic", "site_id", "mac_address",
                                       "tag",  "limit",    "exclude", "status__n"};
    cl.authorization = "";
    answers(200, API_GET, "/api/schema/?format=json", NULL);
    is("info.version", "'4.7.3'");
    assert_non_null(json_object_get(at("paths"), "/api/virtualization/virtual-machines/"));
    json_t *get = json_object_get(json_object_get(at("paths"), "/api/dcim/devices/"), "get"), *row;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        size_t k;
        bool found = false;
        json_array_foreach(json_object_get(get, "parameters"), k, row) found |=
            !strcmp(json_string_value(json_object_get(row, "name")), want[i]);
        if (!found)
            fail_msg("no parameter %s", want[i]);
    }
    cl.authorization = "Token nonsense";
    answers(403, API_GET, "/api/schema/", NULL);
}

static void every_list_answers(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        char url[128];
        const struct model *m = model_get((enum model_id)i);
        snprintf(url, sizeof url, "/api/%s/%s/?limit=0&brief=1", m->app, m->endpoint);
        answers(200, API_GET, url, NULL);
        snprintf(url, sizeof url, "/api/%s/%s/?limit=0&q=x&id=1&tag=x&created__gte=2020-01-01", m->app,
                 m->endpoint);
        call(API_GET, url, NULL);
        assert_true(cl.r.status == 200 || cl.r.status == 400);
        assert_non_null(cl.j);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, client_open, client_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_made_and_read),
        TEST(faults_are_said_by_field),
        TEST(lists_have_pages),
        TEST(fields_are_chosen),
        TEST(a_device_with_all_that_belongs_to_it),
        TEST(etags_keep_writers_apart),
        TEST(many_are_all_or_nothing),
        TEST(too_many_are_refused),
        TEST(writing_an_image_arms_a_job),
        TEST(assigning_is_a_right),
        TEST(more_than_wipe_limit_needs_the_number),
        TEST(what_is_netboxes_is_changed_there),
        TEST(the_journal_says_which_token),
        TEST(free_addresses_are_taken_once),
        TEST(what_is_in_use_is_not_offered),
        TEST(a_tenant_is_alone),
        TEST(the_schema_names_all_parameters),
        TEST(every_list_answers),
    };
    return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}

/* /api/plugins/rackstrap/: lists, details, filters; assignments with assign's rules, one or many; jobs taken
 * back; what a tenant sees. */
#include "tests/api/client.h"

#include "inventory/lease.h"

#define P         "/api/plugins/rackstrap/"
#define DIGEST_62 "00000000000000000000000000000000000000000000000000000000000000"

static int64_t hv1, hv2, hv3;
static char web[API_TOKEN_TEXT];

static int64_t put_of(const char *name, unsigned n, const char *tenant)
{
    struct device d = make_device(name, n);
    int64_t id = 0;
    str_copy(d.tenant, sizeof d.tenant, tenant);
    ok(device_put(fx.s, &d, "test", &id, E));
    return id;
}

static int setup(void **state)
{
    client_open(state);
    hv1 = put_of("hv-01", 1, "ops");
    hv2 = put_of("hv-02", 2, "web");
    hv3 = put_of("hv-03", 3, "web");
    put_release("debian-12", "v1", DIGEST_1, T0 - 3);
    put_release("debian-12", "v2", DIGEST_3, T0 - 2);
    put_release("rescue", "v1", DIGEST_2, T0 - 1);
    client_token("web", RIGHT_READ | RIGHT_WRITE | RIGHT_ASSIGN, "web", web);
    return 0;
}

static void as(const char *token)
{
    str_copy(cl.token, sizeof cl.token, token);
}

static void is_count(const char *url, int want)
{
    char text[16];
    answers(200, API_GET, url, NULL);
    snprintf(text, sizeof text, "%d", want);
    is("count", text);
}

static void test_root_and_catalogue(void **state)
{
    (void)state;
    answers(200, API_GET, P, NULL);
    is("jobs", "'" BASE P "jobs/'");
    is_count(P "images/", 2);
    is("results.0.name", "'debian-12'");
    is("results.0.newest_release.version", "'v2'");
    is("results.0.release_count", "2");
    is_count(P "images/?ordering=-name", 2);
    is("results.0.name", "'rescue'");
    is_count(P "releases/", 3);
    is("results.0.display", "'rescue@v1'");
    is("results.2.digest", "'" DIGEST_1 "'");
    is("results.2.created", "'2026-11-21T09:59:59.997000Z'");
    is_count(P "releases/?image=debian-12&ordering=id", 2);
    is("results.0.image.url", "'" BASE P "images/1/'");
    is_count(P "releases/?image=debian-12&image=rescue&version=v1", 2);
    is_count(P "releases/?digest=" DIGEST_2, 1);
    is_count(P "releases/?created__gte=2026-11-21T09:59:59.999Z", 1);
    answers(200, API_GET, P "releases/2/", NULL);
    is("version", "'v2'");
    answers(404, API_GET, P "releases/9/", NULL);
    is("detail", "'No Release matches the given query.'");
    answers(404, API_GET, P "images/9/", NULL);
    answers(405, API_POST, P "images/", "{}");
    answers(400, API_GET, P "releases/?id=x", NULL);
    is("id.0", "'Enter a number.'");
    answers(400, API_GET, P "releases/?created__gte=yesterday", NULL);
}

/* "_" is a letter of a name, and "A" another than "a". */
static void test_counts_by_name(void **state)
{
    (void)state;
    put_release("resc_e", "v1", "44" DIGEST_62, T0);
    put_release("RESCUE", "v1", "55" DIGEST_62, T0);
    answers(201, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue@v1'}");
    is_count(P "images/?name=rescue", 1);
    is("results.0.device_count", "1");
    is_count(P "images/?name=resc_e&name=RESCUE", 2);
    is("results.0.device_count", "0");
    is("results.1.device_count", "0");
}

static void test_pages(void **state)
{
    (void)state;
    answers(200, API_GET, P "releases/?limit=2&ordering=id", NULL);
    is("count", "3");
    is("next", "'" BASE P "releases/?limit=2&offset=2&ordering=id'");
    is("previous", "null");
    answers(200, API_GET, P "releases/?limit=2&offset=2&ordering=id", NULL);
    is("results.0.id", "3");
    is("next", "null");
    answers(200, API_GET, P "releases/?start=1&limit=2", NULL);
    is("count", "null");
    is("results.1.id", "2");
    is("next", "'" BASE P "releases/?limit=2&start=3'");
    answers(200, API_GET, P "releases/?start=3&limit=2", NULL);
    is("next", "null");
    is("results.0.id", "3");
    answers(400, API_GET, P "releases/?start=1&offset=1", NULL);
    is("0", "''start' and 'offset' are mutually exclusive.'");
    answers(200, API_GET, P "releases/?limit=0", NULL);
    is("results.2.id", "1");
    answers(200, API_GET, P "releases/?fields=id,version&limit=1", NULL);
    is("results.0", "{'id':3,'version':'v1'}");
    answers(200, API_GET,
            P "releases/3/?omit=url,digest,image,created,disk_size,data_size,pack_size,device_count", NULL);
    is("", "{'id':3,'display':'rescue@v1','version':'v1'}");
}

static void test_assign(void **state)
{
    (void)state;
    answers(201, API_POST, P "assignments/", "{'device': 1, 'image': 'debian-12'}");
    is("device.name", "'hv-01'");
    is("image", "'debian-12'");
    is("release.version", "'v2'");
    is("job.state.value", "'armed'");
    is("state", "{'value':'armed','label':'Armed'}");
    is("installed_release", "null");
    state_is(hv1, STATE_ARMED);
    answers(201, API_POST, P "assignments/", "{'device': {'name': 'hv-01'}, 'image': 'debian-12@v1'}");
    is("image", "'debian-12@v1'");
    is_count(P "jobs/", 2);
    is("results.0.state.value", "'armed'");
    is("results.0.device.url", "'" BASE "/api/dcim/devices/1/'");
    is("results.0.release.digest", "'" DIGEST_1 "'");
    is("results.1.state.value", "'cancelled'");
    is_count(P "jobs/?state=armed", 1);
    is_count(P "jobs/?state=armed&state=cancelled&device=hv-01", 2);
    answers(400, API_GET, P "jobs/?state=lost", NULL);
    is("state.0", "'Select a valid choice. lost is not one of the available choices.'");
    is_count(P "jobs/?device_id=2", 0);
    is_count(P "assignments/?device=hv-01", 1);
    is_count(P "assignments/?image=rescue", 0);
    answers(200, API_GET, P "assignments/1/", NULL);
    is("display", "'hv-01: debian-12@v1'");
    answers(404, API_GET, P "assignments/2/", NULL);
    is_count(P "events/?device=hv-01&event=assigned", 2);
    is("results.0.actor", "'api:admin'");
    is("results.0.address", "'127.0.0.1'");
}

static void test_dry_run(void **state)
{
    (void)state;
    answers(200, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue', 'dry_run': true}");
    is("dry_run", "true");
    is("release.image", "'rescue'");
    is("job", "null");
    state_is(hv1, STATE_IDLE);
    is_count(P "jobs/", 0);
    answers(400, API_POST, P "assignments/", "{'device': 1, 'image': 'none', 'dry_run': true}");
    is_count(P "events/?event=assigned", 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *path, *want;
    } rows[] = {
        {"{}", "device.0", "'This field is required.'"},
        {"{'device': 1}", "image.0", "'This field is required.'"},
        {"{'device': 1, 'image': ''}", "image.0", "'This field may not be blank.'"},
        {"{'device': null, 'image': 'rescue'}", "device.0", "'This field may not be null.'"},
        {"{'device': 99, 'image': 'rescue'}", "device.0",
         "'Related object not found using the provided ID or name.'"},
        {"{'device': 'nobody', 'image': 'rescue'}", "device.0",
         "'Related object not found using the provided ID or name.'"},
        {"{'device': [1], 'image': 'rescue'}", "device.0",
         "'Related objects must be referenced by numeric ID or by dictionary of attributes.'"},
        {"{'device': 1, 'image': 'rescue', 'colour': 1}", "colour.0", "'There is no such field.'"},
        {"{'device': 1, 'image': 'rescue', 'dry_run': 'yes'}", "dry_run.0", "'Must be a valid boolean.'"},
        {"{'device': 1, 'image': 'rescue', 'count': 0}", "count.0",
         "'A number of devices, from 1 on, is needed.'"},
        {"{'device': 1, 'image': 'rescue', 'count': 2}", "count.0",
         "'count says 2, and these are 1 devices; nothing was changed'"},
        {"[1]", "0.non_field_errors.0", "'Invalid data. Expected a dictionary.'"},
        {"[{'device': 1, 'image': 'rescue'}, {'device': 'hv-01', 'image': 'rescue'}]", "1.device.0",
         "'This device is named twice.'"},
        {"[]", "detail", "'Say which device is to carry which image.'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answers(400, API_POST, P "assignments/", rows[i].body);
        is(rows[i].path, rows[i].want);
    }
    ok(device_protect(fx.s, hv1, true, "test", E));
    answers(400, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue'}");
    assert_non_null(strstr(json_string_value(at("device.0")), "protected"));
    is_count(P "jobs/", 0);
}

static void test_many(void **state)
{
    (void)state;
    /* The limit is two. */
    answers(400, API_POST, P "assignments/",
            "[{'device': 1, 'image': 'rescue'}, {'device': 2, 'image': 'rescue'}, {'device': 3, 'image': "
            "'rescue'}]");
    assert_non_null(strstr(json_string_value(at("0.count.0")), "wipe_limit (2)"));
    is_count(P "jobs/", 0);
    answers(400, API_POST, P "assignments/",
            "[{'device': 1, 'image': 'rescue'}, {'device': 2, 'image': 'none'}]");
    is("0", "{}");
    assert_non_null(at("1.image.0"));
    is_count(P "jobs/", 0);
    state_is(hv1, STATE_IDLE);
    answers(200, API_POST, P "assignments/",
            "[{'device': 1, 'image': 'rescue', 'dry_run': true}, {'device': 2, 'image': 'rescue', 'dry_run': "
            "true},"
            " {'device': 3, 'image': 'rescue', 'dry_run': true}]");
    is_count(P "jobs/", 0);
    answers(201, API_POST, P "assignments/",
            "[{'device': 1, 'image': 'rescue', 'count': 3}, {'device': 2, 'image': 'rescue'}, {'device': 3, "
            "'image': 'rescue'}]");
    is("2.device.name", "'hv-03'");
    is_count(P "jobs/?ordering=device", 3);
    is("results.0.device.name", "'hv-01'");
}

static void test_cancel(void **state)
{
    (void)state;
    answers(201, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue'}");
    answers(204, API_DELETE, P "jobs/1/", NULL);
    state_is(hv1, STATE_IDLE);
    answers(200, API_GET, P "jobs/1/", NULL);
    is("state.value", "'cancelled'");
    answers(409, API_DELETE, P "jobs/1/", NULL);
    is("detail", "'The job of hv-01 is cancelled: there is nothing to cancel.'");
    answers(404, API_DELETE, P "jobs/9/", NULL);
    /* An old job's number does not end the new one. */
    answers(201, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue'}");
    answers(409, API_DELETE, P "jobs/1/", NULL);
    state_is(hv1, STATE_ARMED);
}

static void test_rights(void **state)
{
    (void)state;
    char reader[API_TOKEN_TEXT], writer[API_TOKEN_TEXT], assigner[API_TOKEN_TEXT];
    client_token("reader", RIGHT_READ, "", reader);
    client_token("writer", RIGHT_READ | RIGHT_WRITE, "", writer);
    client_token("assigner", RIGHT_READ | RIGHT_ASSIGN, "", assigner);
    as(reader);
    answers(403, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue'}");
    is("detail", "'You do not have permission to perform this action.'");
    as(writer);
    answers(403, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue', 'dry_run': true}");
    as(assigner);
    answers(201, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue'}");
    as(writer);
    answers(403, API_DELETE, P "jobs/1/", NULL);
    state_is(hv1, STATE_ARMED);
    cl.authorization = "";
    answers(403, API_GET, P "jobs/", NULL);
    is("detail", "'Authentication credentials were not provided.'");
}

static void test_of_one_tenant(void **state)
{
    (void)state;
    answers(201, API_POST, P "assignments/",
            "[{'device': 1, 'image': 'rescue'}, {'device': 2, 'image': 'rescue'}]");
    is_count(P "events/", (int)json_integer_value((call(API_GET, P "events/", NULL), at("count"))));
    as(web);
    is_count(P "jobs/", 1);
    is("results.0.device.name", "'hv-02'");
    is_count(P "jobs/?device=hv-01", 0);
    is_count(P "jobs/?device_id=1", 0);
    is_count(P "jobs/?id=1", 0);
    answers(404, API_GET, P "jobs/1/", NULL);
    answers(404, API_DELETE, P "jobs/1/", NULL);
    state_is(hv1, STATE_ARMED);
    is_count(P "assignments/", 1);
    answers(404, API_GET, P "assignments/1/", NULL);
    answers(400, API_POST, P "assignments/", "{'device': 1, 'image': 'rescue', 'replace': true}");
    is("device.0", "'Related object not found using the provided ID or name.'");
    answers(400, API_POST, P "assignments/", "{'device': {'name': 'hv-01'}, 'image': 'rescue'}");
    is("device.0", "'Related object not found using the provided ID or name.'");
    answers(400, API_POST, P "assignments/",
            "[{'device': 3, 'image': 'rescue'}, {'device': 1, 'image': 'rescue'}]");
    state_is(hv3, STATE_IDLE);
    is_count(P "images/?name=rescue", 1);
    is("results.0.device_count", "1");
    answers(200, API_GET, P "events/?limit=0", NULL);
    assert_null(strstr(cl.r.body.s, "hv-01"));
    is_count(P "events/?device=hv-01", 0);
    is_count(P "events/?device_id=1", 0);
    is_count(P "events/?mac_address=52:54:00:00:00:01", 0);
    answers(404, API_GET, P "events/1/", NULL);
}

static void put_lease(struct leases *l, unsigned n, enum lease_state state)
{
    struct lease x = {.address = {0x0a4d0064 + n},
                      .mac = a_mac(n),
                      .state = state,
                      .since_ms = T0 - 1000,
                      .expires_ms = T0 + 1000,
                      .hostname = "host"};
    ok(lease_put(l, &x, E));
}

static void test_leases(void **state)
{
    (void)state;
    struct leases *l;
    is_count(P "leases/", 0);
    ok(leases_open(fx.dir, true, &l, E));
    put_lease(l, 1, LEASE_BOUND);
    put_lease(l, 2, LEASE_BOUND);
    put_lease(l, 9, LEASE_RELEASED); /* a stranger's */
    ok(leases_commit(l, E));
    is_count(P "leases/", 3);
    is("results.0.address", "'10.77.0.101'");
    is("results.0.mac_address", "'52:54:00:00:00:01'");
    is("results.0.device.name", "'hv-01'");
    is("results.0.state.value", "'bound'");
    is("results.2.device", "null");
    is_count(P "leases/?address=10.77.0.102", 1);
    is_count(P "leases/?mac_address=5254.0000.0009", 1);
    is_count(P "leases/?mac_address=nonsense", 0);
    is_count(P "leases/?device=hv-02", 1);
    is_count(P "leases/?device_id=1&device_id=2", 2);
    is_count(P "leases/?state=released", 1);
    is_count(P "leases/?limit=2&offset=2", 3);
    is("results.0.mac_address", "'52:54:00:00:00:09'");
    answers(200, API_GET, P "leases/?start=1&limit=2", NULL);
    is("next", "'" BASE P "leases/?limit=2&start=172818541'");
    answers(200, API_GET, P "leases/172818534/", NULL);
    is("address", "'10.77.0.102'");
    answers(404, API_GET, P "leases/1/", NULL);
    as(web);
    is_count(P "leases/", 1);
    is("results.0.device.name", "'hv-02'");
    is_count(P "leases/?address=10.77.0.101", 0);
    is_count(P "leases/?device=hv-01", 0);
    answers(404, API_GET, P "leases/172818533/", NULL);
    leases_close(l);
}

/* What `rackstrap ip` would say of an address of ours that another's device has leased. */
static json_t *leased_by_another(void *ctx, struct store *s, struct leases *l, const char *address,
                                 struct err *e)
{
    (void)ctx, (void)s, (void)l, (void)e;
    return json_pack("{s:s, s:b, s:n, s:s, s:s, s:b, s:{s:s}, s:[], s:n}", "address", address, "ours", true,
                     "device", "mac", "52:54:00:00:00:01", "tenant", "web", "given_by_dhcp", false, "lease",
                     "mac", "52:54:00:00:00:01", "prefixes", "subnet");
}

static void test_ip(void **state)
{
    (void)state;
    struct leases *l;
    struct api_config cfg = {.state_dir = fx.dir, .about = leased_by_another};
    ok(leases_open(fx.dir, true, &l, E));
    api_free(cl.api);
    cl.api = api_new(fx.s, &cfg);
    as(web);
    answers(201, API_POST, "/api/ipam/ip-addresses/", "{'address': '10.77.0.9/24'}");
    answers(200, API_GET, P "ip/10.77.0.9/", NULL);
    is("tenant", "'web'");
    is("lease", "null");
    is("mac", "null");
    leases_close(l);
}

static void test_events(void **state)
{
    (void)state;
    struct mac m = a_mac(1);
    ok(journal_add(fx.s, hv1, &m, "dhcpd", "address", "<b>10.77.0.1</b> \xff!", T0 + 5000, E));
    is_count(P "events/?event=address", 1);
    is("results.0.mac_address", "'52:54:00:00:00:01'");
    is("results.0.detail", "'<b>10.77.0.1</b> ?!'");
    is("results.0.device.name", "'hv-01'");
    char id[32], url[128];
    snprintf(id, sizeof id, "%lld", (long long)json_integer_value(at("results.0.id")));
    snprintf(url, sizeof url, P "events/?id__gte=%s", id);
    is_count(url, 1);
    snprintf(url, sizeof url, P "events/?id__gt=%s", id);
    is_count(url, 0);
    is_count(P "events/?time_after=2026-11-21T10:00:05&time_before=2026-11-21T10:00:05.000Z", 1);
    is_count(P "events/?mac_address=525400000001&actor=dhcpd", 1);
    is_count(P "events/?time_after=2026-11-21T11:00:05%2B01:00&event=address", 1);
    is_count(P "events/?actor=nobody", 0);
    is_count(P "events/?id__lt=0", 0);
    snprintf(url, sizeof url, P "events/%s/", id);
    answers(200, API_GET, url, NULL);
    is("event", "'address'");
    /* A device that was removed: its name stays. */
    ok(device_remove(fx.s, hv1, "test", T0 + 6000, E));
    answers(200, API_GET, url, NULL);
    is("device", "null");
    is("device_name", "'hv-01'");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, client_close)
    const struct CMUnitTest tests[] = {TEST(test_root_and_catalogue),
                                       TEST(test_counts_by_name),
                                       TEST(test_pages),
                                       TEST(test_assign),
                                       TEST(test_dry_run),
                                       TEST(test_refused),
                                       TEST(test_many),
                                       TEST(test_cancel),
                                       TEST(test_rights),
                                       TEST(test_of_one_tenant),
                                       TEST(test_leases),
                                       TEST(test_ip),
                                       TEST(test_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

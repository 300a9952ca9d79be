/* Pages of images, releases, jobs, assignments and the journal: what each filter picks, what a tenant sees,
 * orders and cuts. */
#include "inventory/listing.h"
#include "tests/inventory/fixture.h"

static int64_t ours, theirs, nobodys, tenant;

static int64_t put_of(const char *name, unsigned n, const char *tenant_slug)
{
    struct device d = make_device(name, n);
    int64_t id = 0;
    str_copy(d.tenant, sizeof d.tenant, tenant_slug);
    ok(device_put(fx.s, &d, "test", &id, E));
    return id;
}

static int setup(void **state)
{
    fixture_open(state);
    ours = put_of("hv-01", 1, "ops");
    theirs = put_of("hv-02", 2, "web");
    nobodys = put_of("hv-00", 3, "");
    tenant = 1; /* the first that came to be: ops */
    put_release("debian-12", "v1", DIGEST_1, T0 - 3);
    put_release("debian-12", "v2", DIGEST_3, T0 - 2);
    put_release("rescue", "v1", DIGEST_2, T0 - 1);
    return 0;
}

/* The numbers of a page, as text; and what is counted is what there is without cuts. */
static void page_is(enum listing_kind kind, const struct listing *l, const struct listing_page *p,
                    const char *want, int64_t count)
{
    int64_t ids[16], n = -1;
    size_t got;
    struct str text = {0};
    ok(listing_page(fx.s, kind, l, p, ids, &got, E));
    for (size_t i = 0; i < got; i++)
        str_addf(&text, "%s%lld", i ? " " : "", (long long)ids[i]);
    assert_string_equal(text.s ? text.s : "", want);
    str_free(&text);
    ok(listing_count(fx.s, kind, l, &n, E));
    assert_int_equal(n, count);
}

static void picks(enum listing_kind kind, enum listing_filter by, const char *values, const char *want)
{
    struct listing l = {0};
    int64_t n = *want != '\0';
    l.any[by] = values;
    for (const char *at = want; *at; at++)
        n += *at == ' ';
    page_is(kind, &l, &(struct listing_page){.limit = 16}, want, n);
}

static void test_catalogue(void **state)
{
    (void)state;
    struct image m;
    struct release r;
    int64_t n = -1;
    picks(LISTING_IMAGES, LISTING_ID, NULL, "1 2");
    picks(LISTING_IMAGES, LISTING_IMAGE, "[\"rescue\", \"none\"]", "2");
    picks(LISTING_IMAGES, LISTING_ID, "[1, 2, 9]", "1 2");
    picks(LISTING_RELEASES, LISTING_IMAGE, "[\"debian-12\"]", "1 2");
    picks(LISTING_RELEASES, LISTING_WORD, "[\"v1\"]", "1 3");
    picks(LISTING_RELEASES, LISTING_KEY, "[\"" DIGEST_2 "\"]", "3");
    picks(LISTING_RELEASES, LISTING_KEY, "[]", "");
    page_is(LISTING_RELEASES, &(struct listing){.since_ms = T0 - 2, .until_ms = T0 - 2},
            &(struct listing_page){.limit = 16}, "2", 1);
    assign_device(ours, "debian-12");
    assign_device(theirs, "debian-12@v1");
    ok(image_get(fx.s, 1, 0, &m, E));
    assert_string_equal(m.name, "debian-12");
    assert_int_equal(m.releases, 2);
    assert_int_equal(m.assigned, 2);
    assert_int_equal(m.newest_release_id, 2);
    ok(image_get(fx.s, 1, tenant, &m, E));
    assert_int_equal(m.assigned, 1);
    fails(image_get(fx.s, 3, 0, &m, E), ERR_NOT_FOUND);
    ok(release_get(fx.s, 2, &r, E));
    assert_string_equal(r.version, "v2");
    fails(release_get(fx.s, 4, &r, E), ERR_NOT_FOUND);
    ok(release_devices(fx.s, 1, 0, &n, E));
    assert_int_equal(n, 0);
}

static void test_jobs(void **state)
{
    (void)state;
    struct job a = assign_device(ours, "debian-12"), b = assign_device(theirs, "rescue"),
               c = assign_device(nobodys, "rescue"), j;
    char uuid[UUID_STR + 8];
    ok(job_cancel(fx.s, theirs, "test", T0, E));
    assert_true(a.id == 1 && b.id == 2 && c.id == 3);
    picks(LISTING_JOBS, LISTING_ID, NULL, "1 2 3");
    picks(LISTING_JOBS, LISTING_STATE, "[\"armed\"]", "1 3");
    picks(LISTING_JOBS, LISTING_IMAGE, "[\"rescue\"]", "2 3");
    picks(LISTING_JOBS, LISTING_DEVICE, "[\"HV-02\"]", "2");
    picks(LISTING_JOBS, LISTING_DEVICE_ID, "[3]", "3");
    snprintf(uuid, sizeof uuid, "[\"%s\"]", c.uuid);
    picks(LISTING_JOBS, LISTING_KEY, uuid, "3");
    page_is(LISTING_JOBS, &(struct listing){.tenant_id = tenant}, &(struct listing_page){.limit = 16}, "1",
            1);
    page_is(LISTING_JOBS, &(struct listing){.tenant_id = 99}, &(struct listing_page){.limit = 16}, "", 0);
    page_is(LISTING_JOBS, &(struct listing){0}, &(struct listing_page){.limit = 2, .from_behind = true},
            "3 2", 3);
    page_is(LISTING_JOBS, &(struct listing){0}, &(struct listing_page){.limit = 2, .offset = 2}, "3", 3);
    page_is(LISTING_JOBS, &(struct listing){0}, &(struct listing_page){.limit = 2, .from_id = 2}, "2 3", 3);
    page_is(LISTING_JOBS, &(struct listing){0}, &(struct listing_page){.limit = 9, .by_name = true}, "3 1 2",
            3);
    page_is(LISTING_JOBS, &(struct listing){0},
            &(struct listing_page){.limit = 9, .by_name = true, .from_behind = true}, "2 1 3", 3);
    page_is(LISTING_JOBS, &(struct listing){.after_id = 1, .before_id = 3},
            &(struct listing_page){.limit = 9}, "2", 1);
    ok(job_by_id(fx.s, 2, &j, E));
    assert_string_equal(j.device, "hv-02");
    fails(job_by_id(fx.s, 4, &j, E), ERR_NOT_FOUND);
}

static void test_assignments(void **state)
{
    (void)state;
    char want[32];
    assign_device(ours, "debian-12@v1");
    assign_device(theirs, "rescue");
    snprintf(want, sizeof want, "%lld %lld", (long long)ours, (long long)theirs);
    picks(LISTING_ASSIGNMENTS, LISTING_ID, NULL, want);
    picks(LISTING_ASSIGNMENTS, LISTING_IMAGE, "[\"debian-12\"]", "1");
    picks(LISTING_ASSIGNMENTS, LISTING_IMAGE, "[\"debian-12@v1\", \"debian\"]", "1");
    picks(LISTING_ASSIGNMENTS, LISTING_IMAGE, "[\"debian-12@v2\"]", "");
    picks(LISTING_ASSIGNMENTS, LISTING_STATE, "[\"idle\"]", "");
    page_is(LISTING_ASSIGNMENTS, &(struct listing){.tenant_id = tenant}, &(struct listing_page){.limit = 16},
            "1", 1);
    ok(job_cancel(fx.s, ours, "test", T0, E));
    ok(device_remove(fx.s, ours, "test", T0, E));
    picks(LISTING_ASSIGNMENTS, LISTING_ID, NULL, "2");
}

struct events {
    enum listing_filter by;
    const char *values;
    int64_t tenant_id;
    const char *want; /* each event's device number, in order */
};

static void events_are(const struct events *x)
{
    struct listing l = {.tenant_id = x->tenant_id};
    int64_t ids[64], count;
    size_t n;
    struct str text = {0};
    l.any[x->by] = x->values;
    ok(listing_page(fx.s, LISTING_EVENTS, &l, &(struct listing_page){.limit = 64}, ids, &n, E));
    for (size_t i = 0; i < n; i++) {
        struct entry e;
        ok(journal_get(fx.s, ids[i], &e, E));
        assert_int_equal(e.id, ids[i]);
        str_addf(&text, "%s%s:%lld", i ? " " : "", e.event, (long long)e.device_id);
    }
    assert_string_equal(text.s ? text.s : "", x->want);
    str_free(&text);
    ok(listing_count(fx.s, LISTING_EVENTS, &l, &count, E));
    assert_int_equal(count, n);
}

static void test_events(void **state)
{
    (void)state;
    struct mac m = a_mac(2);
    struct entry x;
    ok(journal_add(fx.s, ours, NULL, "dhcpd", "one", "", T0 + 1, E));
    ok(journal_add(fx.s, theirs, &m, "dhcpd", "two", "", T0 + 2, E));
    ok(journal_add(fx.s, 0, NULL, "root", "two", "", T0 + 3, E));
    const struct events rows[] = {
        {LISTING_WORD, "[\"one\", \"two\"]", 0, "one:1 two:2 two:0"},
        {LISTING_WORD, "[\"one\", \"two\"]", tenant, "one:1"},
        {LISTING_KEY, "[\"52:54:00:00:00:02\"]", 0, "two:2"},
        {LISTING_KEY, "[\"52:54:00:00:00:02\"]", tenant, ""},
        {LISTING_ACTOR, "[\"dhcpd\"]", 0, "one:1 two:2"},
        {LISTING_ACTOR, "[\"root\"]", tenant, ""},
        {LISTING_DEVICE_ID, "[2]", tenant, ""},
        {LISTING_DEVICE, "[\"hv-02\"]", tenant, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        events_are(&rows[i]);
    struct listing l = {.since_ms = T0 + 2, .until_ms = T0 + 2};
    int64_t n = -1;
    ok(listing_count(fx.s, LISTING_EVENTS, &l, &n, E));
    assert_int_equal(n, 1);
    l = (struct listing){.any[LISTING_DEVICE_ID] = "[1, 2]", .any[LISTING_ACTOR] = "[\"dhcpd\"]"};
    ok(listing_count(fx.s, LISTING_EVENTS, &l, &n, E));
    assert_int_equal(n, 2);
    fails(journal_get(fx.s, 9999, &x, E), ERR_NOT_FOUND);
}

static void test_macs(void **state)
{
    (void)state;
    uint64_t *macs;
    size_t n;
    ok(listing_macs(fx.s, tenant, NULL, NULL, &macs, &n, E));
    assert_int_equal(n, 1);
    assert_true(macs[0] == mac_to_u64(a_mac(1)));
    free(macs);
    ok(listing_macs(fx.s, 0, NULL, "[\"hv-02\", \"hv-01\"]", &macs, &n, E));
    assert_int_equal(n, 2);
    assert_true(macs[0] < macs[1]);
    free(macs);
    ok(listing_macs(fx.s, tenant, "[2]", NULL, &macs, &n, E));
    assert_int_equal(n, 0);
    free(macs);
}

/* Whatever a filter holds, it is a value. (A NUL comes in no query.) */
static void test_sql_in_values(void **state)
{
    (void)state;
    const char *const values[] = {"[\"x' OR 1=1 --\"]", "[\"\\\"]\"]", "[\"%\"]", "[null]", "[1e400]"};
    struct listing l = {0};
    int64_t n;
    for (size_t k = LISTING_IMAGES; k <= LISTING_EVENTS; k++)
        for (size_t by = 0; by < LISTING_FILTERS; by++)
            for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
                memset(&l, 0, sizeof l);
                l.any[by] = values[i];
                n = 0;
                listing_count(fx.s, (enum listing_kind)k, &l, &n, E);
                struct listing all = {0};
                int64_t whole = 0;
                ok(listing_count(fx.s, (enum listing_kind)k, &all, &whole, E));
                assert_true(n == 0 || n == whole);
            }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_close)
    const struct CMUnitTest tests[] = {TEST(test_catalogue), TEST(test_jobs), TEST(test_assignments),
                                       TEST(test_events),    TEST(test_macs), TEST(test_sql_in_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

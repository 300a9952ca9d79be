/* A NetBox's recorded answers through the map, the stage and into a store; and pages that are none. */
#include "tests/inventory/fixture.h"

#include "inventory/image.h"
#include "inventory/job.h"
#include "inventory/sync.h"
#include "netbox/map.h"
#include "netbox/page.h"

#define VECTORS "tests/vectors/netbox/"

static const struct netbox_config config = {.url = "http://netbox.example",
                                            .image = {{.by = NETBOX_IMAGE_FIELD, .name = "image"}},
                                            .image_n = 1,
                                            .gateway = {.by = NETBOX_GATEWAY_FIELD, .name = "gateway"}};

static int new_store(void **state)
{
    (void)state;
    str_copy(fx.dir, sizeof fx.dir, "/tmp/rackstrap-test.XXXXXX");
    assert_non_null(mkdtemp(fx.dir));
    ok(store_open(fx.dir, &fx.s, E));
    return 0;
}

static int end_store(void **state)
{
    (void)state;
    store_close(fx.s);
    dir_remove(fx.dir, NULL);
    return 0;
}

static json_t *answer(const char *version, const char *path)
{
    char name[200];
    json_error_t why;
    snprintf(name, sizeof name, VECTORS "%s/%.*s.json", version, (int)strlen(path) - 1, path);
    json_t *page = json_load_file(name, 0, &why);
    if (!page) {
        fail_msg("%s: %s", name, why.text);
    }
    return page;
}

static void stage_kind(struct sync *y, enum sync_kind kind, const char *version)
{
    bool inside = strcmp(version, "4.7") != 0;
    if (kind == SYNC_MAC && inside) {
        return;
    }
    static const enum sync_kind old[] = {SYNC_DEVICE, SYNC_INTERFACE, SYNC_IP, SYNC_PREFIX};
    bool is_old = false;
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        is_old = is_old || (inside && old[i] == kind);
    }
    json_t *page = answer(is_old ? version : "4.7", map_path(kind)), *o;
    size_t i;
    json_array_foreach(json_object_get(page, "results"), i, o)
    {
        struct mapped m;
        int r = map_object(&config, kind, o, &m, E);
        assert_in_range(r, 0, 1);
        if (r == 0) {
            ok(sync_stage(y, &m.row, false, E));
        }
        mapped_free(&m);
        if (kind == SYNC_INTERFACE && inside && map_interface_mac(o, &m, E) == 0) {
            ok(sync_stage(y, &m.row, false, E));
        }
    }
    json_decref(page);
}

static void sync_all(const char *version, struct sync_result *ret)
{
    struct sync *y;
    struct sync_options o = {.full = true, .max_drop = 10, .wipe_limit = 5, .arm_status = ",planned,staged,"};
    ok(sync_open(fx.dir, NULL, &y, E));
    for (int k = 0; k < SYNC_KINDS; k++) {
        stage_kind(y, (enum sync_kind)k, version);
    }
    ok(sync_check(y, &o, E));
    ok(sync_apply(y, &o, T0, ret, E));
    sync_close(y);
}

static size_t entries;
static int add_entry(const struct entry *x, void *ctx)
{
    (void)x, (void)ctx;
    entries++;
    return 0;
}

static size_t faults;
static int count_fault(const struct sync_fault *f, void *ctx)
{
    faults += strcmp(f->kind, ctx) == 0;
    return 0;
}

static size_t faults_of(const char *kind)
{
    faults = 0;
    ok(sync_fault_each(fx.s, count_fault, (void *)kind, E));
    return faults;
}

static void recorded(const char *version)
{
    struct sync_result r;
    sync_all(version, &r);
    assert_int_equal(r.created, 3); /* of the four on the page, one has no host name */
    assert_int_equal(r.devices, r.created);
    assert_true(faults_of("name") >= 1); /* "no host name!" */
    entries = 0;
    ok(journal_each(fx.s, 0, 0, 0, add_entry, NULL, E));
    size_t before = entries;
    sync_all(version, &r); /* nothing is new */
    assert_int_equal(r.created + r.changed + r.removed + r.adopted + r.catalogue, 0);
    entries = 0;
    ok(journal_each(fx.s, 0, 0, 0, add_entry, NULL, E));
    assert_int_equal(entries, before);
}

static void test_recorded_47(void **state)
{
    (void)state;
    recorded("4.7");
}

static void test_recorded_41(void **state)
{
    (void)state;
    recorded("4.1");
}

/* ---- a sync at a time */

static void test_one_at_a_time(void **state)
{
    (void)state;
    struct sync *y, *other;
    ok(sync_open(fx.dir, NULL, &y, E));
    fails(sync_open(fx.dir, NULL, &other, E), ERR_CONFLICT);
    sync_close(y);
    ok(sync_open(fx.dir, NULL, &other, E));
    sync_close(other);
}

/* ---- adoption, and what is no guess */

static void stage_text(struct sync *y, enum sync_kind kind, const char *text)
{
    struct mapped m;
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_int_equal(map_object(&config, kind, o, &m, E), 0);
    ok(sync_stage(y, &m.row, false, E));
    mapped_free(&m);
    json_decref(o);
}

static void sync_one(const char *name, const char *mac, struct sync_result *ret)
{
    struct sync *y;
    struct sync_options o = {
        .full = true, .max_drop = 100, .wipe_limit = 5, .arm_status = ",planned,staged,"};
    char text[600];
    ok(sync_open(fx.dir, NULL, &y, E));
    snprintf(text, sizeof text,
             "{\"id\":5,\"name\":\"%s\",\"status\":{\"value\":\"active\"},\"custom_fields\":{},\"tags\":[]}",
             name);
    stage_text(y, SYNC_DEVICE, text);
    stage_text(y, SYNC_INTERFACE,
               "{\"id\":50,\"device\":{\"id\":5},\"name\":\"eth0\",\"enabled\":true,\"mgmt_only\":false}");
    snprintf(text, sizeof text,
             "{\"id\":500,\"mac_address\":\"%s\",\"assigned_object_type\":\"dcim.interface\",\"assigned_"
             "object_id\":50}",
             mac);
    stage_text(y, SYNC_MAC, text);
    ok(sync_check(y, &o, E));
    ok(sync_apply(y, &o, T0, ret, E));
    sync_close(y);
}

static void put_ours(const char *name, const char *mac)
{
    struct device *d = xcalloc(1, sizeof *d);
    str_copy(d->name, sizeof d->name, name);
    str_copy(d->interfaces[0].name, sizeof d->interfaces[0].name, "eth0");
    ok(mac_parse(mac, &d->interfaces[0].mac, E));
    d->interfaces_n = 1;
    ok(device_put(fx.s, d, "test", NULL, E));
    free(d);
}

static void test_adopted(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    put_ours("hv-01", "52:54:00:00:00:01");
    sync_one("hv-01", "52:54:00:00:00:01", &r);
    assert_int_equal(r.adopted, 1);
    assert_int_equal(r.created, 0);
    ok(device_by_name(fx.s, "hv-01", &d, E));
    assert_int_equal(d.netbox_id, 5);
}

static void test_not_adopted(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    put_ours("hv-01", "52:54:00:00:00:01");
    sync_one("hv-01", "52:54:00:00:00:99", &r); /* the same name, another machine */
    assert_int_equal(r.adopted + r.created, 0);
    assert_int_equal(faults_of("name-of-ours"), 1);
    ok(device_by_name(fx.s, "hv-01", &d, E));
    assert_int_equal(d.netbox_id, 0);
}

static void test_mac_of_ours(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    struct mac m;
    put_ours("hv-02", "52:54:00:00:00:01");
    sync_one("hv-01", "52:54:00:00:00:01", &r);
    assert_int_equal(faults_of("MAC-address-of-ours"), 1);
    ok(mac_parse("52:54:00:00:00:01", &m, E));
    ok(device_by_mac(fx.s, m, &d, E));
    assert_string_equal(d.name, "hv-02");
}

/* ---- what is armed, and what nobody asked for */

static void release_new(const char *image, char digit)
{
    struct release r = {.version = "1", .disk_size = 1 << 30, .created_ms = 1};
    str_copy(r.image, sizeof r.image, image);
    memset(r.digest, digit, DIGEST_HEX - 1);
    ok(release_put(fx.s, &r, "test", E));
}

/* What differs between the tests: device 5, hv-01, as NetBox says it is. */
struct said {
    const char *status, *image, *updated;
    int64_t known_s; /* of the sync */
    size_t count;
    bool incremental;
};

static void sync_said(const struct said *x, struct sync_result *ret)
{
    struct sync *y;
    struct sync_options o = {.full = !x->incremental,
                             .max_drop = 100,
                             .wipe_limit = 5,
                             .count = x->count,
                             .known_s = x->known_s,
                             .arm_status = ",planned,staged,"};
    char text[400];
    ok(sync_open(fx.dir, NULL, &y, E));
    snprintf(
        text, sizeof text,
        "{\"id\":5,\"name\":\"hv-01\",\"status\":{\"value\":\"%s\"},\"custom_fields\":{\"image\":\"%s\"},"
        "\"last_updated\":\"%s\"}",
        x->status, x->image, x->updated ? x->updated : "2026-06-01T00:00:00.000000Z");
    if (*x->status) {
        stage_text(y, SYNC_DEVICE, text);
    }
    ok(sync_check(y, &o, E));
    ok(sync_apply(y, &o, T0, ret, E));
    sync_close(y);
}

static void test_carried_unknown(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    sync_said(&(struct said){.status = "active", .image = "demo"}, &r);
    assert_int_equal(faults_of("unknown-image"), 1);
    sync_said(&(struct said){.status = "", .incremental = true}, &r); /* nothing has changed */
    assert_int_equal(faults_of("unknown-image"), 1);
    release_new("demo", '1');
    sync_said(&(struct said){.status = "staged", .image = "demo", .incremental = true}, &r);
    assert_int_equal(faults_of("unknown-image"), 0);
    assert_int_equal(r.armed + r.waiting, 0); /* it was at work when we first saw it */
    ok(device_by_name(fx.s, "hv-01", &d, E));
    assert_int_equal(d.state, STATE_IDLE);
}

static void test_image_comes_later(void **state)
{
    (void)state;
    struct sync_result r;
    sync_said(&(struct said){.status = "staged", .image = "demo"}, &r);
    assert_int_equal(faults_of("unknown-image"), 1);
    release_new("demo", '1');
    sync_said(&(struct said){.status = "", .incremental = true}, &r);
    assert_int_equal(r.armed, 1);
    assert_int_equal(faults_of("unknown-image"), 0);
}

static void test_adopted_at_work(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    release_new("demo", '1');
    release_new("other", '2');
    put_ours("hv-01", "52:54:00:00:00:01");
    ok(device_by_name(fx.s, "hv-01", &d, E));
    ok(device_intend(fx.s, d.id, "demo", "test", T0, E)); /* it carries this */
    sync_one("hv-01", "52:54:00:00:00:01", &r);
    assert_int_equal(r.adopted, 1);
    sync_said(&(struct said){.status = "staged", .image = "other"}, &r);
    assert_int_equal(r.armed, 1); /* a change in NetBox after that is one that is asked for */
}

static void test_adopted_with_image(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d = {.interfaces_n = 0};
    release_new("demo", '1');
    release_new("other", '2');
    str_copy(d.name, sizeof d.name, "hv-01");
    ok(device_put(fx.s, &d, "test", &d.id, E));
    ok(device_intend(fx.s, d.id, "demo", "test", T0, E));
    sync_said(&(struct said){.status = "staged", .image = "other"}, &r);
    assert_int_equal(r.adopted, 1);
    assert_int_equal(r.armed + r.waiting, 0);
    sync_said(&(struct said){.status = "staged", .image = "demo"}, &r);
    assert_int_equal(r.armed, 1);
}

/* People who take a device out of those that may be written take back what they asked for. */
static void test_taken_back(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    struct job j;
    struct assign a = {.release_ref = "demo", .actor = "root", .expiry_s = 3600};
    release_new("demo", '1');
    sync_said(&(struct said){.status = "staged", .image = "demo"}, &r);
    assert_int_equal(r.armed, 1);
    sync_said(&(struct said){.status = "active", .image = "demo"}, &r);
    assert_int_equal(r.cancelled, 1);
    ok(device_by_name(fx.s, "hv-01", &d, E));
    ok(job_current(fx.s, d.id, &j, E));
    assert_int_equal(j.state, JOB_CANCELLED);
    ok(job_assign(fx.s, d.id, &a, T0, &j, E)); /* what a person armed here stays */
    sync_said(&(struct said){.status = "active", .image = "demo"}, &r);
    assert_int_equal(r.cancelled, 0);
    ok(job_current(fx.s, d.id, &j, E));
    assert_int_equal(j.state, JOB_ARMED);
}

/* An image that was asked for while the device was protected is not written once it no longer is. */
static void test_protected(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    release_new("demo", '1');
    sync_said(&(struct said){.status = "active", .image = ""}, &r);
    ok(device_by_name(fx.s, "hv-01", &d, E));
    ok(device_protect(fx.s, d.id, true, "test", E));
    sync_said(&(struct said){.status = "staged", .image = "demo"}, &r);
    assert_int_equal(r.armed, 0);
    ok(device_protect(fx.s, d.id, false, "test", E));
    sync_said(&(struct said){.status = "staged", .image = "demo"}, &r);
    assert_int_equal(r.armed + r.waiting, 0);
}

/* A database that was put back: what it wants was so before the last sync, which read another thing. */
#define KNOWN_S INT64_C(1780315200) /* 2026-06-01T12:00:00Z */
static void test_put_back(void **state)
{
    (void)state;
    struct sync_result r;
    release_new("demo", '1');
    release_new("other", '2');
    sync_said(&(struct said){.status = "staged", .image = "demo"}, &r);
    assert_int_equal(r.armed, 1); /* the first sync knows nothing older */
    struct said back = {.status = "staged", .image = "other", .known_s = KNOWN_S};
    back.updated = "2026-06-01T15:59:00.123456+05:00";
    sync_said(&back, &r);
    assert_int_equal(r.armed, 0);
    assert_int_equal(r.waiting, 1);
    assert_true(r.held);
    sync_said(&(struct said){.status = "", .incremental = true, .known_s = KNOWN_S}, &r);
    assert_int_equal(r.armed, 0); /* nor at the next poll */
    assert_true(r.held);
    sync_said(&(struct said){.status = "", .incremental = true, .known_s = KNOWN_S, .count = 1}, &r);
    assert_int_equal(r.armed, 1);
    sync_said(&(struct said){.status = "staged",
                             .image = "demo",
                             .updated = "2026-06-01T12:30:00.000000Z",
                             .known_s = KNOWN_S},
              &r);
    assert_int_equal(r.armed, 1); /* people change it there: as ever */
}

static void test_shown_late(void **state)
{
    (void)state;
    struct sync_result r;
    release_new("demo", '1');
    sync_said(&(struct said){.status = "staged", .image = "demo", .known_s = KNOWN_S}, &r);
    assert_int_equal(r.armed, 0);
    assert_true(r.held);
    sync_said(&(struct said){.status = "active", .image = "demo", .known_s = KNOWN_S}, &r);
    assert_int_equal(r.waiting, 0);
    assert_false(r.held);
}

/* NetBox's number 5 was hv-01, which waits to be written; now it is another machine, and at work. */
static void test_other_machine(void **state)
{
    (void)state;
    struct sync_result r;
    struct device d;
    struct job j;
    struct assign a = {.release_ref = "demo", .actor = "test", .expiry_s = 3600};
    release_new("demo", '1');
    sync_one("hv-01", "52:54:00:00:00:01", &r);
    ok(device_by_name(fx.s, "hv-01", &d, E));
    ok(job_assign(fx.s, d.id, &a, T0, &j, E));
    sync_one("hv-01", "52:54:00:00:00:02", &r); /* a new NIC: the same machine, for people */
    ok(job_current(fx.s, d.id, &j, E));
    assert_int_equal(j.state, JOB_ARMED);
    sync_one("db-01", "52:54:00:00:00:03", &r);
    ok(device_by_name(fx.s, "db-01", &d, E));
    ok(job_current(fx.s, d.id, &j, E));
    assert_int_equal(j.state, JOB_CANCELLED);
    assert_int_equal(d.state, STATE_IDLE);
}

/* ---- pages */

static void test_same_list(void **state)
{
    (void)state;
    const char *start = "https://netbox.example/api/dcim/devices/";
    assert_true(page_same_list(start, "https://netbox.example/api/dcim/devices/?offset=50"));
    assert_true(page_same_list(start, "https://NetBox.example/api/dcim/devices/?offset=50"));
    assert_false(page_same_list(start, "http://netbox.example/api/dcim/devices/?offset=50"));
    assert_false(page_same_list(start, "https://netbox.example:8443/api/dcim/devices/?offset=50"));
    assert_false(page_same_list(start, "https://netbox.example.evil/api/dcim/devices/"));
    assert_false(page_same_list(start, "https://netbox.example@evil/api/dcim/devices/"));
    assert_false(page_same_list(start, "https://netbox.example/api/dcim/devices/5/"));
    assert_false(page_same_list(start, "https://netbox.example/api/dcim/racks/"));
}

static void test_bad_pages(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "<html>",
        "{\"count\":1,\"next\":null,\"results\":{}}",
        "{\"count\":\"1\",\"next\":null,\"results\":[]}",
        "{\"count\":1,\"next\":5,\"results\":[]}",
        "{\"count\":1,\"results\":[]}",
        "{\"count\":1,\"next\":\"https://evil/api/dcim/devices/\",\"results\":[]}",
        "{\"count\":1,\"next\":null,\"results\":[{\"id\":0}]}",
        "{\"count\":1,\"next\":null,\"results\":[{\"id\":\"1\"}]}",
        "{\"count\":1,\"next\":null,\"results\":[5]}",
        "{\"count\":9999,\"next\":null,\"results\":[{\"id\":1}]}",
        "{\"count\":1,\"next\":\"https://netbox.example/api/dcim/devices/?offset=1\",\"results\":[]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct page_walk *w = xcalloc(1, sizeof *w);
        json_t *page, *results;
        char next[PAGE_URL_MAX];
        str_copy(w->start, sizeof w->start, "https://netbox.example/api/dcim/devices/");
        w->limit = 50;
        fails(page_read(w, span_str(bad[i]), &page, &results, next, E), ERR_CORRUPT);
        free(w);
    }
}

/* A NetBox's cursor that leads in a circle; and a count that would let it. */
static void test_endless(void **state)
{
    (void)state;
    static const char *const pages[][2] = {
        {"{\"count\":null,\"next\":\"https://netbox.example/api/dcim/devices/"
         "?start=2\",\"results\":[{\"id\":1}]}",
         "{\"count\":null,\"next\":\"https://netbox.example/api/dcim/devices/"
         "?start=1\",\"results\":[{\"id\":1}]}"},
        {"{\"count\":9223372036854775807,\"next\":\"https://netbox.example/api/dcim/devices/?offset=1\","
         "\"results\":[{\"id\":1}]}",
         "{\"count\":9223372036854775807,\"next\":\"https://netbox.example/api/dcim/devices/?offset=2\","
         "\"results\":[{\"id\":2}]}"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct page_walk *w = xcalloc(1, sizeof *w);
        json_t *page, *results;
        char next[PAGE_URL_MAX];
        int r = 0;
        struct err why = {0};
        str_copy(w->start, sizeof w->start, "https://netbox.example/api/dcim/devices/");
        w->limit = 1000;
        for (size_t k = 0; k < 30000 && r == 0; k++) {
            r = page_read(w, span_str(pages[i][k % 2]), &page, &results, next, &why);
            if (r == 0) {
                json_decref(page);
            }
        }
        assert_int_equal(r, -1);
        assert_int_equal(why.kind, ERR_CORRUPT);
        free(w);
    }
}

/* What SQLite could not take apart would stop each sync. */
static void test_deep(void **state)
{
    (void)state;
    struct sync_result r;
    struct str text = {0};
    struct sync *y;
    struct sync_options o = {.full = true, .max_drop = 100, .wipe_limit = 5, .arm_status = ",planned,"};
    for (int turn = 0; turn < 2; turn++) {
        ok(sync_open(fx.dir, NULL, &y, E));
        str_addf(&text,
                 "{\"id\":5,\"name\":\"hv-01\",\"serial\":\"%d\",\"status\":{\"value\":\"active\"},\"custom_"
                 "fields\":{\"x\":",
                 turn);
        for (int i = 0; i < 2044; i++) {
            str_add(&text, "[");
        }
        for (int i = 0; i < 2044; i++) {
            str_add(&text, "]");
        }
        str_add(&text, "}}");
        stage_text(y, SYNC_DEVICE, text.s);
        str_free(&text);
        ok(sync_check(y, &o, E));
        ok(sync_apply(y, &o, T0, &r, E));
        sync_close(y);
    }
    assert_int_equal(r.changed, 1);
    assert_int_equal(faults_of("too-deep"), 1);
}

static void test_cut_sentence(void **state)
{
    (void)state;
    struct mapped m;
    struct str name = {0};
    str_add(&name, "{\"id\":5,\"name\":\"abc");
    for (int i = 0; i < 20; i++) {
        str_add(&name, "\xc3\xa9\xe2\x82\xac"); /* e acute, euro */
    }
    str_add(&name, "\"}");
    json_t *o = json_loads(name.s, 0, NULL);
    assert_int_equal(map_object(&config, SYNC_DEVICE, o, &m, E), 0);
    assert_true(m.row.unusable);
    json_t *text = json_string(m.row.sentence); /* NULL for what is no UTF-8 */
    assert_non_null(text);
    json_decref(text);
    mapped_free(&m);
    json_decref(o);
    str_free(&name);
}

static void test_wrong_types(void **state)
{
    (void)state;
    static const struct {
        enum sync_kind kind;
        const char *text;
    } bad[] = {
        {SYNC_DEVICE, "{\"id\":5,\"name\":7}"},
        {SYNC_DEVICE, "{\"id\":5,\"name\":\"a\",\"site\":\"par1\"}"},
        {SYNC_DEVICE, "{\"id\":5,\"name\":\"a\",\"tags\":{}}"},
        {SYNC_DEVICE, "{\"id\":5,\"name\":\"a\",\"config_context\":[]}"},
        {SYNC_DEVICE, "{\"id\":\"5\",\"name\":\"a\"}"},
        {SYNC_INTERFACE, "{\"id\":5,\"name\":\"a\",\"enabled\":\"yes\"}"},
        {SYNC_IP, "{\"id\":5,\"address\":\"10.0.0.1\"}"},
        {SYNC_IP, "{\"id\":5,\"address\":\"10.0.0.1/33\"}"},
        {SYNC_PREFIX, "{\"id\":5,\"prefix\":null}"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mapped m;
        json_t *o = json_loads(bad[i].text, 0, NULL);
        fails(map_object(&config, bad[i].kind, o, &m, E), ERR_CORRUPT);
        mapped_free(&m);
        json_decref(o);
    }
}

int main(void)
{
#define WITH_STORE(f) cmocka_unit_test_setup_teardown(f, new_store, end_store)
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_recorded_47),        WITH_STORE(test_recorded_41),
        WITH_STORE(test_one_at_a_time),      WITH_STORE(test_adopted),
        WITH_STORE(test_not_adopted),        WITH_STORE(test_mac_of_ours),
        WITH_STORE(test_carried_unknown),    WITH_STORE(test_image_comes_later),
        WITH_STORE(test_adopted_at_work),    WITH_STORE(test_adopted_with_image),
        WITH_STORE(test_taken_back),         WITH_STORE(test_protected),
        WITH_STORE(test_put_back),           WITH_STORE(test_shown_late),
        WITH_STORE(test_other_machine),      cmocka_unit_test(test_same_list),
        cmocka_unit_test(test_bad_pages),    cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_endless),      WITH_STORE(test_deep),
        cmocka_unit_test(test_cut_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

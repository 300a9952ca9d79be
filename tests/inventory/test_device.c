/* Devices: in and out of the store, selectors, strangers. */
#include "tests/inventory/fixture.h"

#include "inventory/store_sql.h"

static void test_round_trip(void **state)
{
    (void)state;
    struct device d = make_device("hv-01", 1), got;
    str_copy(d.tenant, sizeof d.tenant, "instances");
    str_copy(d.role, sizeof d.role, "hypervisor");
    str_copy(d.platform, sizeof d.platform, "debian");
    str_copy(d.model, sizeof d.model, "R640 v2");
    str_copy(d.serial, sizeof d.serial, "ABC'; DROP TABLE devices; --");
    str_copy(d.disk_selector, sizeof d.disk_selector, "serial:no");
    fails(device_put(fx.s, &d, "test", NULL, E), ERR_INPUT);
    str_copy(d.disk_selector, sizeof d.disk_selector, "serial=S1");
    d.interfaces[1] = (struct interface){.name = "bmc", .mac = a_mac(100)};
    d.interfaces_n = 2;
    int64_t id;
    ok(device_put(fx.s, &d, "test", &id, E));
    ok(device_by_mac(fx.s, a_mac(100), &got, E));
    assert_true(device_same(&d, &got));
    assert_int_equal(got.id, id);
    assert_int_equal(got.state, STATE_IDLE);
    assert_string_equal(got.serial, "ABC'; DROP TABLE devices; --");
    ok(device_by_name(fx.s, "HV-01", &got, E));
    assert_string_equal(got.name, "hv-01");
    ok(device_by_address(fx.s, (struct ip4){0x0a4d0001}, &got, E));
    assert_int_equal(got.id, id);
    ok(device_by_ref(fx.s, "5254.0000.0064", &got, E));
    assert_int_equal(got.id, id);
    ok(device_by_ref(fx.s, "hv-01", &got, E));
    fails(device_by_name(fx.s, "hv-02", &got, E), ERR_NOT_FOUND);
    fails(device_by_ref(fx.s, "hv-02", &got, E), ERR_NOT_FOUND);
    fails(device_by_mac(fx.s, a_mac(7), &got, E), ERR_NOT_FOUND);
    assert_string_equal(fx.e.text, "no device has the MAC address 52:54:00:00:00:07");
    fails(device_by_address(fx.s, (struct ip4){0x0a4d0007}, &got, E), ERR_NOT_FOUND);
    assert_string_equal(fx.e.text, "no device has the address 10.77.0.7");
}

static void test_put_again(void **state)
{
    (void)state;
    int64_t id = put_device("hv-01", 1), again;
    ok(device_protect(fx.s, id, true, "test", E));
    struct device d = make_device("hv-01", 1);
    ok(device_put(fx.s, &d, "test", &again, E));
    assert_int_equal(again, id);
    assert_int_equal(events(id, "changed"), 0);
    str_copy(d.rack, sizeof d.rack, "r02");
    d.interfaces[0].mac = a_mac(9);
    ok(device_put(fx.s, &d, "test", &again, E));
    assert_int_equal(again, id);
    assert_int_equal(events(id, "changed"), 1);
    struct device got = get_device(id);
    assert_true(device_same(&d, &got));
    assert_true(got.protected);
    fails(device_by_mac(fx.s, a_mac(1), &got, E), ERR_NOT_FOUND);
}

static void test_conflicts_name_the_owner(void **state)
{
    (void)state;
    put_device("hv-01", 1);
    struct device d = make_device("hv-02", 1);
    fails(device_put(fx.s, &d, "test", NULL, E), ERR_CONFLICT);
    assert_string_equal(
        fx.e.text,
        "device hv-02, interface eno1: the MAC address 52:54:00:00:00:01 belongs to the device hv-01");
    d.interfaces[0].mac = a_mac(2);
    fails(device_put(fx.s, &d, "test", NULL, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text,
                        "device hv-02, interface eno1: the address 10.77.0.1 belongs to the device hv-01");
    struct device got;
    fails(device_by_name(fx.s, "hv-02", &got, E), ERR_NOT_FOUND);
}

/* Numbers of a device's parts stay, whatever is put: what the API shows and what others refer to. */
static int64_t number(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    char path[128];
    snprintf(path, sizeof path, "%s/inventory.db", fx.dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    int64_t n = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

static void run(const char *sql)
{
    sqlite3 *db;
    char path[128];
    snprintf(path, sizeof path, "%s/inventory.db", fx.dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#define NIC(n)     "SELECT id FROM interfaces WHERE name = '" n "'"
#define MAC_OF(n)  "SELECT id FROM mac_addresses WHERE mac = 0x525400000000 + " n
#define ADDRESS(n) "SELECT id FROM ip_addresses WHERE address = 0x0a4d0000 + " n

static void test_numbers_stay(void **state)
{
    (void)state;
    struct device d = make_device("hv-01", 1);
    d.interfaces[1] = (struct interface){.name = "eno2", .mac = a_mac(2)};
    d.interfaces_n = 2;
    ok(device_put(fx.s, &d, "test", NULL, E));
    int64_t eno1 = number(NIC("eno1")), eno2 = number(NIC("eno2"));
    int64_t one = number(MAC_OF("1")), two = number(MAC_OF("2")), address = number(ADDRESS("1"));
    run("UPDATE interfaces SET description = 'to the left' WHERE name = 'eno1';"
        "INSERT INTO mac_addresses (mac, interface_id, is_primary) SELECT 0x525400000063, id, 0 FROM "
        "interfaces "
        "WHERE name = 'eno1';"
        "INSERT INTO ip_addresses (address, length, interface_id) SELECT zeroblob(16), 64, id FROM "
        "interfaces WHERE "
        "name = 'eno1';"
        "INSERT INTO interfaces (device_id, name, mgmt_only) SELECT device_id, 'bmc', 1 FROM interfaces "
        "WHERE name = "
        "'eno1';");

    d.interfaces[0].address.ip.a++;
    ok(device_put(fx.s, &d, "test", NULL, E)); /* another address */
    assert_int_equal(number(NIC("eno1")), eno1);
    assert_int_equal(number(MAC_OF("1")), one);
    assert_int_equal(number(ADDRESS("1")), -1);
    assert_int_equal(number("SELECT count(*) FROM ip_addresses WHERE interface_id IS NULL"), 0);
    assert_int_equal(number("SELECT primary_ip4_id FROM devices"), number(ADDRESS("2")));
    d.interfaces[0].address.ip.a--;
    str_copy(d.interfaces[0].name, NAME_SIZE, "enp1s0"); /* a new name: known by its MAC address */
    d.interfaces[0].mac = a_mac(1);
    ok(device_put(fx.s, &d, "test", NULL, E));
    assert_int_equal(number(NIC("enp1s0")), eno1);
    assert_int_equal(number("SELECT count(*) FROM interfaces WHERE description = 'to the left'"), 1);

    d.interfaces[0].mac = a_mac(2); /* the cards change places */
    d.interfaces[1].mac = a_mac(1);
    address = number(ADDRESS("1"));
    ok(device_put(fx.s, &d, "test", NULL, E));
    assert_int_equal(number(NIC("enp1s0")), eno1);
    assert_int_equal(number(NIC("eno2")), eno2);
    assert_int_equal(number(MAC_OF("1")), one);
    assert_int_equal(number(MAC_OF("2")), two);
    assert_int_equal(number(ADDRESS("1")), address);
    assert_int_equal(number("SELECT interface_id FROM mac_addresses WHERE mac = 0x525400000001"), eno2);
    struct device got;
    ok(device_by_mac(fx.s, a_mac(2), &got, E));
    assert_true(device_same(&d, &got));

    d.interfaces_n = 1; /* eno2 goes; what struct device cannot say stays */
    ok(device_put(fx.s, &d, "test", NULL, E));
    assert_int_equal(number(MAC_OF("1")), -1);
    assert_int_equal(number(MAC_OF("99")) > 0, true);
    assert_int_equal(number("SELECT count(*) FROM ip_addresses"), 2);
    assert_int_equal(number("SELECT count(*) FROM interfaces"), 2);
}

static void test_check(void **state)
{
    (void)state;
    struct device d = make_device("hv 01", 1);
    fails(device_check(&d, E), ERR_INPUT);
    assert_string_equal(fx.e.text, "the device's name \"hv 01\" has a character that it may not have; it is "
                                   "made of letters, digits, '.', '_' "
                                   "and '-', and begins with a letter or digit");
    d = make_device("", 1);
    fails(device_check(&d, E), ERR_INPUT);
    d = make_device("525400000002", 1);
    fails(device_check(&d, E), ERR_INPUT);
    assert_string_equal(fx.e.text,
                        "the device's name \"525400000002\" reads as a MAC address, and none of its "
                        "interfaces has it; give it another name");
    d = make_device("52-54-00-00-00-01", 1);
    ok(device_check(&d, E));
    d = make_device("-x", 1);
    fails(device_check(&d, E), ERR_INPUT);
    d = make_device("x", 1);
    str_copy(d.site, sizeof d.site, "a/b");
    fails(device_check(&d, E), ERR_INPUT);
    d = make_device("x", 1);
    str_copy(d.model, sizeof d.model, "two\nlines");
    fails(device_check(&d, E), ERR_INPUT);
    assert_string_equal(fx.e.text, "device x: the model has a control character");
    d = make_device("x", 1);
    d.interfaces[1] = d.interfaces[0];
    d.interfaces_n = 2;
    fails(device_check(&d, E), ERR_INPUT);
    assert_string_equal(fx.e.text, "device x: two of its interfaces are named eno1");
    str_copy(d.interfaces[1].name, NAME_SIZE, "eno2");
    fails(device_check(&d, E), ERR_INPUT);
    assert_string_equal(
        fx.e.text, "device x: its interfaces eno1 and eno2 have the same MAC address, 52:54:00:00:00:01");
    d.interfaces[1].mac = a_mac(2);
    fails(device_check(&d, E), ERR_INPUT);
    assert_string_equal(fx.e.text, "device x: its interfaces eno1 and eno2 have the same address, 10.77.0.1");
    d.interfaces[1].has_address = false;
    fails(device_check(&d, E), ERR_INPUT);
    assert_string_equal(fx.e.text, "device x: its interfaces eno1 and eno2 are both primary");
    d.interfaces[1].primary = false;
    ok(device_check(&d, E));
}

static void test_interfaces(void **state)
{
    (void)state;
    struct device d = {0};
    assert_null(device_primary(&d));
    d.interfaces_n = 3;
    for (unsigned i = 0; i < 3; i++) {
        d.interfaces[i].mac = a_mac(i);
    }
    assert_ptr_equal(device_primary(&d), &d.interfaces[0]);
    d.interfaces[1].has_address = true;
    assert_ptr_equal(device_primary(&d), &d.interfaces[1]);
    d.interfaces[2].primary = true;
    assert_ptr_equal(device_primary(&d), &d.interfaces[2]);
    assert_ptr_equal(device_interface(&d, a_mac(1)), &d.interfaces[1]);
    assert_null(device_interface(&d, a_mac(7)));
}

static int add_name(const struct device *d, void *ctx)
{
    str_addf(ctx, "%s ", d->name);
    return 0;
}

static void selects(const char *selector, const char *want)
{
    struct str s = {0};
    str_add(&s, "");
    ok(device_each(fx.s, selector, add_name, &s, E));
    assert_string_equal(s.s, want);
    str_free(&s);
}

static void test_selectors(void **state)
{
    (void)state;
    put_device("hv-02", 2);
    int64_t one = put_device("hv-01", 1);
    struct device d = make_device("hv-10", 10);
    str_copy(d.site, sizeof d.site, "lyo1");
    str_copy(d.role, sizeof d.role, "storage");
    str_copy(d.model, sizeof d.model, "R640");
    ok(device_put(fx.s, &d, "test", NULL, E));
    put_release("debian-12", "v1", DIGEST_1, T0);
    assign_device(one, "debian-12@v1");

    selects(NULL, "hv-01 hv-02 hv-10 ");
    selects("", "hv-01 hv-02 hv-10 ");
    selects("hv-10,hv-01", "hv-01 hv-10 ");
    selects("hv-10, HV-01 ,hv-01,52:54:00:00:00:0a", "hv-01 hv-10 ");
    selects("site=par1", "hv-01 hv-02 ");
    selects("site=par1,state=idle", "hv-02 ");
    selects("state=armed", "hv-01 ");
    selects("role=storage,model=R640", "hv-10 ");
    selects("rack=r01", "hv-01 hv-02 hv-10 ");
    selects("image=debian-12", "hv-01 ");
    selects("image=debian", "");
    selects("name=hv-02", "hv-02 ");
    selects("mac=525400000002", "hv-02 ");
    selects("site=nowhere", "");
    selects("site=' OR 1=1", "");
}

/* What is not a column of the device itself. */
static void test_selectors_beyond(void **state)
{
    (void)state;
    int64_t one = put_device("hv-01", 1), two = put_device("hv-02", 2);
    put_device("hv-03", 3);
    struct device d = get_device(two);
    str_copy(d.model, sizeof d.model, "PowerEdge R640");
    str_copy(d.location, sizeof d.location, "row-1");
    str_copy(d.status, sizeof d.status, "staged");
    str_copy(d.serial, sizeof d.serial, "S-2");
    ok(device_put(fx.s, &d, "test", NULL, E));
    ok(db_run(fx.s, "INSERT INTO locations (site_id, slug, name) SELECT id, 'hall', 'Hall' FROM sites", NULL,
              0, E));
    ok(db_run(fx.s,
              "UPDATE locations SET parent_id = (SELECT id FROM locations WHERE slug = 'hall') WHERE slug = "
              "'row-1'",
              NULL, 0, E));
    ok(db_run(fx.s, "INSERT INTO tags (name, slug) VALUES ('Edge', 'edge'), ('GPU', 'gpu')", NULL, 0, E));
    ok(db_run(fx.s, "INSERT INTO tagged (model, object_id, tag_id) SELECT 'dcim.device', ?, id FROM tags",
              DB_VALUES(db_i(one)), E));
    ok(db_run(fx.s,
              "INSERT INTO tagged (model, object_id, tag_id) SELECT 'dcim.device', ?, id FROM tags WHERE "
              "slug = 'gpu'",
              DB_VALUES(db_i(two)), E));
    ok(db_run(fx.s, "INSERT INTO tagged (model, object_id, tag_id) SELECT 'dcim.site', 3, id FROM tags", NULL,
              0, E));
    ok(db_run(fx.s,
              "INSERT INTO ip_addresses (address, length, interface_id) SELECT "
              "x'20010db8000000000000000000000001', 64, min(id) FROM interfaces",
              NULL, 0, E));
    ok(db_run(fx.s, "UPDATE devices SET netbox_id = 77 WHERE id = ?", DB_VALUES(db_i(one)), E));
    put_release("debian-12", "v1", DIGEST_1, T0);
    put_release("debian-12", "v2", DIGEST_2, T0);
    ok(db_run(fx.s,
              "UPDATE devices SET installed_id = (SELECT id FROM releases WHERE version = 'v1'), "
              "installed_ms = ? WHERE id = ?",
              DB_VALUES(db_i(T0), db_i(one)), E));
    ok(db_run(fx.s,
              "UPDATE devices SET installed_id = (SELECT id FROM releases WHERE version = 'v2'), "
              "installed_ms = ? WHERE id = ?",
              DB_VALUES(db_i(T0 + 24 * HOUR), db_i(two)), E));

    selects("manufacturer=generic", "hv-02 ");
    selects("manufacturer=Generic,model=PowerEdge R640", "hv-02 ");
    selects("model=poweredge-r640", "hv-02 ");
    selects("location=row-1", "hv-02 ");
    selects("location=hall", "hv-02 ");
    selects("status=staged", "hv-02 ");
    selects("status=planned", "hv-01 hv-03 ");
    selects("serial=S-2", "hv-02 ");
    selects("tag=gpu", "hv-01 hv-02 ");
    selects("tag=Edge", "hv-01 ");
    selects("tag=edge,tag=gpu", "hv-01 ");
    selects("release=v1", "hv-01 ");
    selects("release=debian-12@v2", "hv-02 ");
    selects("release=111111", "hv-01 ");
    selects("release=11111", "");
    selects("installed>=2026-11-21", "hv-01 hv-02 ");
    selects("installed>=2026-11-21T10:00", "hv-01 hv-02 ");
    selects("installed>2026-11-21T10:00", "hv-02 ");
    selects("installed<=2026-11-21T10:00", "hv-01 ");
    selects("installed<2026-11-22", "hv-01 ");
    selects("installed<2026-11-21", "");
    selects("installed>=2026-11-21,installed<2026-11-22,site=par1", "hv-01 ");
    selects("address=10.77.0.3", "hv-03 ");
    selects("address=2001:db8::1", "hv-01 ");
    selects("address=2001:db8::2", "");
    selects("netbox=yes", "hv-01 ");
    selects("netbox=77", "hv-01 ");
    selects("netbox=78", "");
    selects("netbox=no", "hv-02 hv-03 ");
    ok(device_remove(fx.s, one, "test", T0, E));
    selects("tag=gpu", "hv-02 ");
    selects("netbox=77", "");
    selects("site=par1", "hv-02 hv-03 ");
}

static void test_bad_selectors(void **state)
{
    (void)state;
    put_device("hv-01", 1);
    const struct {
        const char *selector;
        enum err_kind kind;
        const char *text;
    } rows[] = {
        {"color=red", ERR_INPUT,
         "devices cannot be selected by \"color\"; the keys are name, site, location, rack, tenant, role, "
         "platform, "
         "manufacturer, model, tag, status, state, image, release, installed, mac, address, serial, netbox"},
        {"site=par1,hv-01", ERR_INPUT, "the selector mixes names with key=value: \"hv-01\" has no '='"},
        {"site=", ERR_INPUT, "the selector's \"site=\" has no value"},
        {"site=a,,rack=b", ERR_INPUT, "the selector \"site=a,,rack=b\" has an empty item"},
        {",", ERR_INPUT, "the selector \",\" has an empty item"},
        {"state=asleep", ERR_INPUT, NULL},
        {"status=asleep", ERR_INPUT,
         "no status is called \"asleep\"; there are offline, active, planned, staged, failed, inventory, "
         "decommissioning"},
        {"status=ready", ERR_INPUT,
         "\"ready\" is a state, where we stand with a device: write state=ready; a status is what people "
         "plan, as in NetBox"},
        {"installed=2026-11-21", ERR_INPUT, NULL},
        {"installed>=soon", ERR_INPUT, NULL},
        {"installed<", ERR_INPUT, NULL},
        {"site>a", ERR_INPUT, "\"site\" is not compared by < and >, but by ="},
        {"address=10.77", ERR_INPUT, NULL},
        {"address=::g", ERR_INPUT, NULL},
        {"netbox=maybe", ERR_INPUT, NULL},
        {"netbox=0", ERR_INPUT, NULL},
        {"mac=12", ERR_INPUT, NULL},
        {"hv-01,hv-99", ERR_NOT_FOUND,
         "no device has the name or MAC address \"hv-99\"; `rackstrap device list` shows those there are"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str s = {0};
        fails(device_each(fx.s, rows[i].selector, add_name, &s, E), rows[i].kind);
        if (rows[i].text) {
            assert_string_equal(fx.e.text, rows[i].text);
        }
        assert_int_equal(s.len, 0); /* nothing was done to hv-01 before hv-99 was missed */
        str_free(&s);
    }
}

static int stop_at_once(const struct device *d, void *ctx)
{
    (void)d;
    (*(int *)ctx)++;
    return 7;
}

static int assign_each(const struct device *d, void *ctx)
{
    (void)ctx;
    assign_device(d->id, "debian-12");
    return 0;
}

static void test_walk(void **state)
{
    (void)state;
    put_device("hv-01", 1);
    put_device("hv-02", 2);
    int calls = 0;
    assert_int_equal(device_each(fx.s, NULL, stop_at_once, &calls, E), 7);
    assert_int_equal(calls, 1);
    put_release("debian-12", "v1", DIGEST_1, T0);
    ok(device_each(fx.s, "state=idle", assign_each, NULL, E)); /* a walk may change what it walks over */
    selects("state=armed", "hv-01 hv-02 ");
}

static int count_stranger(const struct stranger *x, void *ctx)
{
    (void)x;
    (*(int *)ctx)++;
    return 0;
}

static void test_strangers(void **state)
{
    (void)state;
    struct stranger x;
    int n = 0;
    fails(stranger_get(fx.s, a_mac(1), &x, E), ERR_NOT_FOUND);
    ok(stranger_seen(fx.s, a_mac(1), (struct ip4){0}, "bios", T0, E));
    ok(stranger_seen(fx.s, a_mac(1), (struct ip4){0x0a4d0064}, NULL, T0 + 5, E));
    ok(stranger_facts(fx.s, a_mac(1), (struct ip4){9}, "{\"model\":\"x\"}", T0 + 6, E));
    ok(stranger_seen(fx.s, a_mac(2), (struct ip4){0}, "ipxe", T0, E));
    ok(stranger_get(fx.s, a_mac(1), &x, E));
    assert_int_equal(x.address.a, 0x0a4d0064);
    assert_int_equal(x.first_ms, T0);
    assert_int_equal(x.last_ms, T0 + 6);
    assert_int_equal(x.times, 3);
    assert_string_equal(x.arch, "bios");
    assert_string_equal(x.facts, "{\"model\":\"x\"}");
    ok(stranger_each(fx.s, count_stranger, &n, E));
    assert_int_equal(n, 2);

    put_device("hv-01", 1); /* one becomes known, */
    ok(stranger_seen(fx.s, a_mac(1), (struct ip4){0}, "bios", T0 + 9, E));
    fails(stranger_get(fx.s, a_mac(1), &x, E), ERR_NOT_FOUND); /* and stays so */

    char *facts = xcalloc(1, 5000);
    memset(facts, 'x', 4999);
    fails(stranger_facts(fx.s, a_mac(2), (struct ip4){9}, facts, T0, E), ERR_INPUT);
    free(facts);
}

static void test_groups(void **state)
{
    (void)state;
    ok(group_put(fx.s, GROUP_SITE, "par1", "Paris 1", E));
    ok(group_put(fx.s, GROUP_SITE, "par1", "Paris One", E));
    ok(rack_put(fx.s, "par1", "r01", "Rack 1", E));
    ok(rack_put(fx.s, "", "r01", "a rack without a site", E));
    fails(group_put(fx.s, GROUP_ROLE, "", "nothing", E), ERR_INPUT);
    fails(group_put(fx.s, GROUP_ROLE, "a b", "nothing", E), ERR_INPUT);
    put_device("hv-01", 1);
    selects("site=par1,rack=r01", "hv-01 ");
}

static void test_releases(void **state)
{
    (void)state;
    struct release r;
    fails(release_find(fx.s, "debian-12", &r, E), ERR_NOT_FOUND);
    assert_string_equal(fx.e.text, "there is no image or release \"debian-12\": no image was built yet; "
                                   "`rackstrap image build RECIPE` builds one");
    put_release("debian-12", "v1", DIGEST_1, T0);
    put_release("debian-12", "v2", DIGEST_2, T0 + 1);
    put_release("rescue", "v1", DIGEST_3, T0 + 2);
    ok(release_find(fx.s, "debian-12", &r, E));
    assert_string_equal(r.version, "v2");
    ok(release_find(fx.s, "debian-12@v1", &r, E));
    assert_string_equal(r.digest, DIGEST_1);
    ok(release_find(fx.s, DIGEST_3, &r, E));
    assert_string_equal(r.image, "rescue");
    ok(release_find(fx.s, "111111111111", &r, E));
    assert_string_equal(r.version, "v1");
    fails(release_find(fx.s, "222222222222", &r, E), ERR_CONFLICT);
    ok(release_find(fx.s, "2222222222223", &r, E));
    fails(release_find(fx.s, "11111111111", &r, E), ERR_NOT_FOUND); /* eleven digits */
    fails(release_find(fx.s, "debian-12@v3", &r, E), ERR_NOT_FOUND);
    ok(release_by_digest(fx.s, DIGEST_2, &r, E));
    fails(release_by_digest(fx.s, "x", &r, E), ERR_NOT_FOUND);

    put_release("debian-12", "v1", DIGEST_1, T0 + 99); /* again: the same */
    struct release other = r;
    str_copy(other.digest, sizeof other.digest,
             "abababababababababababababababababababababababababababababababab");
    fails(release_put(fx.s, &other, "test", E), ERR_CONFLICT);
    str_copy(other.digest, sizeof other.digest, "short");
    fails(release_put(fx.s, &other, "test", E), ERR_INPUT);
    other = r;
    str_copy(other.image, sizeof other.image, "../etc");
    fails(release_put(fx.s, &other, "test", E), ERR_INPUT);
}

static int add_version(const struct release *r, void *ctx)
{
    str_addf(ctx, "%s@%s ", r->image, r->version);
    return 0;
}

static void test_release_each(void **state)
{
    (void)state;
    struct str s = {0};
    put_release("debian-12", "v1", DIGEST_1, T0);
    put_release("debian-12", "v2", DIGEST_2, T0 + 1);
    put_release("rescue", "v1", DIGEST_3, T0 + 2);
    ok(release_each(fx.s, NULL, add_version, &s, E));
    assert_string_equal(s.s, "rescue@v1 debian-12@v2 debian-12@v1 ");
    str_reset(&s);
    ok(release_each(fx.s, "debian-12", add_version, &s, E));
    assert_string_equal(s.s, "debian-12@v2 debian-12@v1 ");
    str_free(&s);
}

/* Anyone can make up addresses; what they report is bounded by address and as a whole. */
static void test_facts_pace(void **state)
{
    (void)state;
    unsigned kept = 0;
    ok(stranger_facts(fx.s, a_mac(1), (struct ip4){1}, "{}", T0, E));
    fails(stranger_facts(fx.s, a_mac(1), (struct ip4){2}, "{}", T0 + 1, E), ERR_UNAVAILABLE);
    for (unsigned i = 2; i < 200; i++) {
        kept += stranger_facts(fx.s, a_mac(i), (struct ip4){1}, "{}", T0 + 2, NULL) == 0;
    }
    assert_int_equal(kept, 3);
    for (unsigned i = 200; i < 400; i++) {
        kept += stranger_facts(fx.s, a_mac(i), (struct ip4){i}, "{}", T0 + 2, NULL) == 0;
    }
    assert_int_equal(kept, 31);
    ok(stranger_facts(fx.s, a_mac(500), (struct ip4){1}, "{}", T0 + 2002, E));
}

static int collect_names(const struct device *d, void *ctx)
{
    str_addf(ctx, "%s ", d->name);
    return 0;
}

static void test_remove(void **state)
{
    (void)state;
    struct device d;
    struct str names = {0};
    struct job j;
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    int64_t a = put_device("hv-01", 1), b = put_device("hv-02", 2);
    put_release("debian-12", "v1", DIGEST_1, T0);
    j = assign_device(a, "debian-12");
    ok(token_at(fx.s, &j, NULL, T0, t, E));
    ok(claim_at(fx.s, t, UUID_A, &vda, T0, &j, enrol, E));
    fails(device_remove(fx.s, a, "test", T0 + 1, E), ERR_CONFLICT);
    ok(job_written(fx.s, j.id, "", T0 + 2, E));
    ok(device_protect(fx.s, a, true, "test", E));
    fails(device_remove(fx.s, a, "test", T0 + 3, E), ERR_REFUSED);
    ok(device_protect(fx.s, a, false, "test", E));
    size_t before = events(a, "claimed");
    assign_device(b, "debian-12");
    ok(device_remove(fx.s, b, "test", T0 + 4, E)); /* the newest row */
    assert_int_equal(events(b, "cancelled"), 1);
    ok(device_remove(fx.s, a, "test", T0 + 4, E));

    fails(device_by_name(fx.s, "hv-01", &d, E), ERR_NOT_FOUND);
    fails(device_by_mac(fx.s, a_mac(1), &d, E), ERR_NOT_FOUND);
    fails(device_get(fx.s, a, &d, E), ERR_NOT_FOUND);
    fails(device_by_ref(fx.s, "removed/1", &d, E), ERR_NOT_FOUND);
    fails(job_by_token(fx.s, enrol, T0 + 5, NULL, &j, E), ERR_REFUSED);
    fails(device_remove(fx.s, a, "test", T0 + 5, E), ERR_NOT_FOUND);
    ok(device_each(fx.s, "", collect_names, &names, E));
    ok(device_each(fx.s, "site=par1", collect_names, &names, E));
    ok(device_each(fx.s, "state=installed", collect_names, &names, E));
    assert_int_equal(names.len, 0);
    assert_int_equal(events(a, "claimed"), before);
    assert_int_equal(events(a, "removed"), 1);
    struct removed_device gone;
    for (size_t i = 0; i < 2; i++) {
        ok(device_removed_by_ref(fx.s, i ? "52:54:00:00:00:01" : "HV-01", &gone, E));
        assert_true(gone.id == a && gone.removed_ms > 0);
        assert_string_equal(gone.name, "hv-01");
    }
    fails(device_removed_by_ref(fx.s, "removed/1", &gone, E), ERR_NOT_FOUND);
    ok(stranger_seen(fx.s, a_mac(1), (struct ip4){0}, "bios", T0 + 6, E));

    /* The name, the MAC and the address are free; the number is a new one. */
    int64_t again = put_device("hv-01", 1);
    assert_true(again > a && again > b);
    assert_int_equal(events(again, "claimed"), 0);
    ok(journal_verify(fx.s, NULL, E));
    str_free(&names);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_round_trip),
        T(test_put_again),
        T(test_conflicts_name_the_owner),
        T(test_selectors),
        T(test_selectors_beyond),
        T(test_bad_selectors),
        T(test_walk),
        T(test_strangers),
        T(test_groups),
        T(test_releases),
        T(test_release_each),
        T(test_facts_pace),
        T(test_remove),
        T(test_numbers_stay),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_interfaces),
    };
    return cmocka_run_group_tests_name("inventory/device", tests, NULL, NULL);
}

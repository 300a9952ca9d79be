/* Writing NetBox's objects: what is taken, what is refused and in which words, and what follows from it. */
#include "record_fixture.h"

#include <sqlite3.h>

#include "inventory/store_sql.h"

/* As a sync would have left it. */
static void netbox_owns(const char *table, int64_t id, int64_t netbox_id)
{
    char path[96], sql[160];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/inventory.db", fx.dir);
    snprintf(sql, sizeof sql, "UPDATE %s SET netbox_id = %lld WHERE id = %lld", table, (long long)netbox_id,
             (long long)id);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* ---- */

static int64_t site, role, type, device, nic, mac, ip;

static int fill(void **state)
{
    fixture_open(state);
    site = make(MODEL_SITE, "{'name': 'Paris 1', 'slug': 'par1'}");
    int64_t maker = make(MODEL_MANUFACTURER, "{'name': 'Dell', 'slug': 'dell'}");
    type =
        make(MODEL_DEVICE_TYPE, "{'manufacturer': %lld, 'model': 'R640', 'slug': 'r640'}", (long long)maker);
    role = make(MODEL_ROLE, "{'name': 'Compute', 'slug': 'compute', 'color': '00ff00'}");
    device =
        make(MODEL_DEVICE,
             "{'name': 'hv-1', 'device_type': {'slug': 'r640'}, 'role': {'name': 'Compute'}, 'site': %lld}",
             (long long)site);
    nic = make(MODEL_INTERFACE, "{'device': %lld, 'name': 'eno1', 'type': '10gbase-t'}", (long long)device);
    mac = make(MODEL_MAC,
               "{'mac_address': '52-54-00-00-00-01', 'assigned_object_type': 'dcim.interface', "
               "'assigned_object_id': %lld}",
               (long long)nic);
    ip = make(
        MODEL_IP,
        "{'address': '10.77.0.11/24', 'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld}",
        (long long)nic);
    return 0;
}

static int clear(void **state)
{
    faults_free(&faults);
    str_free(&got.text);
    return fixture_close(state);
}

static void test_create(void **state)
{
    (void)state;
    is(MODEL_DEVICE, device, "status", "active");
    is(MODEL_DEVICE, device, "role", "Compute");
    is(MODEL_DEVICE, device, "interface_count", "1");
    is(MODEL_INTERFACE, nic, "mac_address", "52:54:00:00:00:01");
    is(MODEL_INTERFACE, nic, "mac_addresses", "52:54:00:00:00:01");
    is(MODEL_IP, ip, "assigned_object", "eno1");
    struct device d = get_device(device);
    assert_int_equal(d.interfaces_n, 1);
    assert_true(d.interfaces[0].has_address);
    assert_int_equal(d.interfaces[0].address.ip.a, 0x0a4d000b);
    assert_string_equal(d.model, "R640");
    state_is(device, STATE_IDLE);
    assert_int_equal(events(device, "created"), 1);
    assert_int_equal(events(device, "changed"), 3);
}

static void test_faults(void **state)
{
    (void)state;
    refuse("device_type: This field is required.", MODEL_DEVICE, "{'name': 'x'}");
    assert_int_equal(faults.n, 3);
    refuse("status: foo is not a valid choice.", MODEL_SITE, "{'name': 'x', 'slug': 'x', 'status': 'foo'}");
    refuse("status: Value must be passed directly (e.g. \"foo\": 123); do not use a dictionary or list.",
           MODEL_SITE, "{'name': 'x', 'slug': 'x', 'status': {'value': 'active'}}");
    refuse("name: Not a valid string.", MODEL_SITE, "{'name': {'a': 1}, 'slug': 'x'}");
    refuse("name: This field may not be blank.", MODEL_SITE, "{'name': '', 'slug': 'x'}");
    refuse("name: This field may not be null.", MODEL_SITE, "{'name': null, 'slug': 'x'}");
    refuse("slug: Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.", MODEL_SITE,
           "{'name': 'x', 'slug': 'a b'}");
    refuse("name: site with this name already exists.", MODEL_SITE, "{'name': 'Paris 1', 'slug': 'par1'}");
    assert_int_equal(faults.n, 2);
    refuse("site: Related object not found using the provided numeric ID: 999", MODEL_DEVICE,
           "{'name': 'y', 'device_type': %lld, 'role': %lld, 'site': 999}", (long long)type, (long long)role);
    refuse("site: Related object not found using the provided attributes: {'slug': 'foo'}", MODEL_DEVICE,
           "{'name': 'y', 'device_type': %lld, 'role': %lld, 'site': {'slug': 'foo'}}", (long long)type,
           (long long)role);
    refuse(
        "site: Related objects must be referenced by numeric ID or by dictionary of attributes. Received an "
        "unrecognized value: foo",
        MODEL_DEVICE, "{'name': 'y', 'device_type': %lld, 'role': %lld, 'site': 'foo'}", (long long)type,
        (long long)role);
    refuse("foo: There is no such field.", MODEL_TAG, "{'name': 'x', 'slug': 'x', 'foo': 1}");
    refuse("airflow: rackstrap does not keep this field; leave it out.", MODEL_DEVICE,
           "{'name': 'y', 'device_type': %lld, 'role': %lld, 'site': %lld, 'airflow': 'front-to-rear', "
           "'cluster': null, 'vc_position': null}",
           (long long)type, (long long)role, (long long)site);
    refuse(": Interface with this Device and Name already exists.", MODEL_INTERFACE,
           "{'device': %lld, 'name': 'eno1', 'type': 'other'}", (long long)device);
    refuse("address: Duplicate IP address found in global table: 10.77.0.11/24", MODEL_IP,
           "{'address': '10.77.0.11/25'}");
    refuse("address: Invalid IP address format: 10.50.0.999/22", MODEL_IP, "{'address': '10.50.0.999/22'}");
    refuse("prefix: 10.60.0.1/24 is not a valid prefix. Did you mean 10.60.0.0/24?", MODEL_PREFIX,
           "{'prefix': '10.60.0.1/24'}");
    refuse("prefix: Invalid IP prefix format: foo", MODEL_PREFIX, "{'prefix': 'foo'}");
    refuse("mac_address: Invalid MAC address format: foo", MODEL_MAC, "{'mac_address': 'foo'}");
    refuse("mac_address: MAC address with this mac address already exists.", MODEL_MAC,
           "{'mac_address': '525400000001'}");
    refuse("name: device with this name already exists.", MODEL_DEVICE,
           "{'name': 'HV-1', 'device_type': %lld, 'role': %lld, 'site': %lld}", (long long)type,
           (long long)role, (long long)site);
    refuse("mtu: Ensure this value is less than or equal to 65536.", MODEL_INTERFACE,
           "{'device': %lld, 'name': 'x', 'type': 'other', 'mtu': 70000}", (long long)device);
    refuse("color: Enter a valid hexadecimal RGB color code.", MODEL_TAG,
           "{'name': 'x', 'slug': 'x', 'color': 'red'}");
    refuse(": 10.9.0.0 is a network ID, which may not be assigned to an interface.", MODEL_IP,
           "{'address': '10.9.0.0/24', 'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld}",
           (long long)nic);
    refuse("name: Control characters are not allowed.", MODEL_SITE, "{'name': 'a\\u0007b', 'slug': 'x'}");
    refuse("local_context_data: JSON data must be in object form. Example: {\"foo\": 123}", MODEL_DEVICE,
           "{'name': 'y', 'device_type': %lld, 'role': %lld, 'site': %lld, 'local_context_data': [1]}",
           (long long)type, (long long)role, (long long)site);
    char *name = xcalloc(1, 102);
    memset(name, 'x', 101);
    refuse("name: Ensure this field has no more than 100 characters.", MODEL_SITE,
           "{'name': '%s', 'slug': 'x'}", name);
    free(name);
    /* none of these left anything behind */
    faults_free(&faults);
    int64_t n;
    struct record_query q = {.fields = 1};
    ok(record_count(fx.s, &all, model_get(MODEL_DEVICE), &q, &n, &faults, E) < 0);
    assert_int_equal(n, 1);
}

static void test_change(void **state)
{
    (void)state;
    change(MODEL_DEVICE, device, "{'serial': 5, 'comments': 'a\\nb', 'asset_tag': 'A1', 'position': null}");
    is(MODEL_DEVICE, device, "serial", "5");
    is(MODEL_DEVICE, device, "comments", "a\nb");
    change(MODEL_DEVICE, device, "{'asset_tag': null}");
    is(MODEL_DEVICE, device, "asset_tag", "null");
    assert_int_equal(change_as(&all, MODEL_TAG, 1, body("{}"), false), -1);
    assert_int_equal(fx.e.kind, ERR_NOT_FOUND);
    assert_string_equal(fx.e.text, "No Tag matches the given query.");
    /* the whole object as it is read can be written back, but for its choices */
    assert_string_equal(fault_of(change_as(&all, MODEL_SITE, site, body("{'name': 'x'}"), true)),
                        "slug: This field is required.");
    change(MODEL_SITE, site,
           "{'id': 77, 'url': 'x', 'display': 'y', 'created': null, 'device_count': 9, 'region': null, "
           "'asns': []}");
    is(MODEL_SITE, site, "name", "Paris 1");
    /* unicode, and SQL, are text */
    change(MODEL_SITE, site,
           "{'name': 'Z\xc3\xbcrich \xf0\x9f\x96\xa5', 'description': '\\'; DROP TABLE sites; --'}");
    is(MODEL_SITE, site, "name", "Z\xc3\xbcrich \xf0\x9f\x96\xa5");
    is(MODEL_SITE, site, "description", "\"; DROP TABLE sites; --");
    refuse_change("device: This field cannot be changed.", MODEL_INTERFACE, nic, "{'device': %lld}",
                  (long long)make(MODEL_DEVICE,
                                  "{'name': 'hv-9', 'device_type': %lld, 'role': %lld, 'site': %lld}",
                                  (long long)type, (long long)role, (long long)site));
    change(MODEL_INTERFACE, nic, "{'device': %lld, 'mac_address': '52:54:00:00:00:01'}", (long long)device);
    assert_string_equal(
        fault_of(change_as(&all, MODEL_INTERFACE, nic, body("{'mac_address': '52:54:00:00:00:99'}"), false)),
        "mac_address: This field is read-only; make a MAC address at /api/dcim/mac-addresses/ and assign it "
        "to the interface.");
}

static void test_journal(void **state)
{
    (void)state;
    size_t before = events(device, "changed");
    change(MODEL_DEVICE, device, "{'status': 'planned', 'serial': 'S1'}");
    change(MODEL_DEVICE, device, "{'status': 'planned'}"); /* no change, no entry */
    assert_int_equal(events(device, "changed"), before + 1);
    change(MODEL_MAC, mac, "{'description': 'x'}");
    assert_int_equal(events(device, "changed"), before + 2);
    int64_t seq = 0;
    struct entry x;
    ok(journal_verify(fx.s, (size_t *)&seq, E));
    ok(journal_get(fx.s, seq - 1, &x, E));
    assert_string_equal(x.actor, "token:test");
    assert_string_equal(x.before, "{\"status\":\"active\",\"serial\":null}");
    assert_string_equal(x.after, "{\"status\":\"planned\",\"serial\":\"S1\"}");
    ok(journal_get(fx.s, seq, &x, E));
    assert_string_equal(x.detail, "MAC address 52:54:00:00:00:01 (1) was changed");
    assert_int_equal(x.device_id, device);
}

/* What goes from one device to another is told on both, to each its own side. */
static void test_journal_of_a_move(void **state)
{
    (void)state;
    int64_t other = make(MODEL_DEVICE, "{'name': 'hv-2', 'device_type': %lld, 'role': %lld, 'site': %lld}",
                         (long long)type, (long long)role, (long long)site);
    int64_t port =
        make(MODEL_INTERFACE, "{'device': %lld, 'name': 'eno9', 'type': 'other'}", (long long)other);
    struct entry x;
    size_t n;
    change(MODEL_MAC, mac,
           "{'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld, "
           "'description': 'new'}",
           (long long)port);
    ok(journal_verify(fx.s, &n, E));
    ok(journal_get(fx.s, (int64_t)n, &x, E));
    assert_int_equal(x.device_id, other);
    assert_null(strstr(x.before, "hv-1"));
    assert_non_null(strstr(x.after, "\"interface\":\"hv-2 eno9\""));
    ok(journal_get(fx.s, (int64_t)n - 1, &x, E));
    assert_int_equal(x.device_id, device);
    assert_string_equal(x.detail, "MAC address 52:54:00:00:00:01 (1) was given to another device");
    assert_non_null(strstr(x.before, "\"interface\":\"hv-1 eno1\""));
    assert_null(strstr(x.after, "hv-2"));
    assert_null(strstr(x.after, "new"));
}

static void test_primary(void **state)
{
    (void)state;
    int64_t nic2 =
        make(MODEL_INTERFACE, "{'device': %lld, 'name': 'eno2', 'type': 'other'}", (long long)device);
    int64_t ip2 = make(
        MODEL_IP,
        "{'address': '10.77.0.12/24', 'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld}",
        (long long)nic);
    int64_t loose = make(MODEL_IP, "{'address': '10.77.0.13/24'}");
    make(MODEL_MAC,
         "{'mac_address': '52:54:00:00:00:02', 'assigned_object_type': 'dcim.interface', "
         "'assigned_object_id': %lld}",
         (long long)nic2);
    int64_t six = make(
        MODEL_IP,
        "{'address': '2001:DB8::5/64', 'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld}",
        (long long)nic2);
    is(MODEL_IP, six, "address", "2001:db8::5/64");
    is(MODEL_IP, six, "family", "{\"value\":6,\"label\":\"IPv6\"}");
    refuse_change("primary_ip4: The specified IP address (10.77.0.13/24) is not assigned to this device.",
                  MODEL_DEVICE, device, "{'primary_ip4': %lld}", (long long)loose);
    refuse_change("primary_ip4: The specified IP address (2001:db8::5/64) is not an IPv4 address.",
                  MODEL_DEVICE, device, "{'primary_ip4': %lld}", (long long)six);
    /* DHCP gives an interface its first active address, until the device's is on it */
    assert_int_equal(get_device(device).interfaces[0].address.ip.a, 0x0a4d000b);
    change(MODEL_DEVICE, device, "{'primary_ip4': %lld, 'primary_ip6': {'address': '2001:db8::5/64'}}",
           (long long)ip2);
    assert_int_equal(get_device(device).interfaces[0].address.ip.a, 0x0a4d000c);
    assert_true(get_device(device).interfaces[0].primary);
    is(MODEL_DEVICE, device, "primary_ip", "10.77.0.12/24");
    is(MODEL_DEVICE, device, "primary_ip6", "2001:db8::5/64");
    refuse_change(
        ": Cannot reassign IP address while it is designated as the primary IP for the parent object",
        MODEL_IP, ip2, "{'assigned_object_id': %lld, 'assigned_object_type': 'dcim.interface'}",
        (long long)make(MODEL_INTERFACE, "{'device': %lld, 'name': 'eno1', 'type': 'other'}",
                        (long long)make(MODEL_DEVICE,
                                        "{'name': 'hv-2', 'device_type': %lld, 'role': %lld, 'site': %lld}",
                                        (long long)type, (long long)role, (long long)site)));
    ok(record_delete(fx.s, &all, model_get(MODEL_IP), ip2, &written, E));
    is(MODEL_DEVICE, device, "primary_ip4", "null");
    assert_int_equal(get_device(device).interfaces[0].address.ip.a, 0x0a4d000b);
    change(MODEL_IP, ip, "{'status': 'deprecated'}");
    assert_false(get_device(device).interfaces[0].has_address);
}

static void test_macs(void **state)
{
    (void)state;
    int64_t second = make(MODEL_MAC,
                          "{'mac_address': '52:54:00:00:00:02', 'assigned_object_type': 'dcim.interface', "
                          "'assigned_object_id': %lld}",
                          (long long)nic);
    is(MODEL_INTERFACE, nic, "mac_addresses", "52:54:00:00:00:01,52:54:00:00:00:02");
    is(MODEL_INTERFACE, nic, "mac_address", "52:54:00:00:00:01");
    change(MODEL_INTERFACE, nic, "{'primary_mac_address': %lld}", (long long)second);
    is(MODEL_INTERFACE, nic, "mac_address", "52:54:00:00:00:02");
    assert_int_equal(mac_to_u64(get_device(device).interfaces[0].mac), 0x525400000002);
    ok(record_delete(fx.s, &all, model_get(MODEL_MAC), second, &written, E));
    is(MODEL_INTERFACE, nic, "mac_address", "52:54:00:00:00:01");
    int64_t loose = make(MODEL_MAC, "{'mac_address': '525400000003'}");
    is(MODEL_MAC, loose, "assigned_object", "null");
    refuse_change("primary_mac_address: This MAC address is not assigned to this interface.", MODEL_INTERFACE,
                  nic, "{'primary_mac_address': %lld}", (long long)loose);
    ok(stranger_seen(fx.s, a_mac(3), (struct ip4){0}, "bios", T0, E));
    change(MODEL_MAC, loose, "{'assigned_object_type': 'dcim.interface', 'assigned_object_id': %lld}",
           (long long)nic);
    struct stranger x;
    fails(stranger_get(fx.s, a_mac(3), &x, E), ERR_NOT_FOUND);
    change(MODEL_MAC, loose, "{'assigned_object_type': null, 'assigned_object_id': null}");
    is(MODEL_INTERFACE, nic, "mac_addresses", "52:54:00:00:00:01");
    refuse_change(": Invalid assigned_object: DCIM > Interface ID 999", MODEL_MAC, loose,
                  "{'assigned_object_type': 'dcim.interface', 'assigned_object_id': 999}");
}

static void test_tags_and_custom_fields(void **state)
{
    (void)state;
    int64_t a = make(MODEL_TAG, "{'name': 'A', 'slug': 'a'}"),
            b = make(MODEL_TAG, "{'name': 'B', 'slug': 'b'}");
    change(MODEL_DEVICE, device, "{'tags': [%lld, {'slug': 'b'}]}", (long long)a);
    is(MODEL_DEVICE, device, "tags", "A,B");
    change(MODEL_DEVICE, device, "{'remove_tags': [{'slug': 'a'}]}");
    is(MODEL_DEVICE, device, "tags", "B");
    change(MODEL_DEVICE, device, "{'add_tags': [%lld], 'remove_tags': [%lld]}", (long long)a, (long long)b);
    is(MODEL_DEVICE, device, "tags", "A");
    is(MODEL_TAG, a, "tagged_items", "1");
    refuse_change("tags: Related object not found using the provided attributes: {'slug': 'foo'}",
                  MODEL_DEVICE, device, "{'tags': [{'slug': 'foo'}]}");
    ok(record_delete(fx.s, &all, model_get(MODEL_TAG), a, &written, E));
    is(MODEL_DEVICE, device, "tags", "");

    refuse("name: custom field with this name already exists.", MODEL_CUSTOM_FIELD,
           "{'name': 'state', 'type': 'text', 'object_types': ['dcim.device']}");
    refuse("choices: Selection fields need choices.", MODEL_CUSTOM_FIELD,
           "{'name': 'team', 'type': 'select', 'object_types': ['dcim.device']}");
    int64_t team = make(
        MODEL_CUSTOM_FIELD,
        "{'name': 'team', 'type': 'select', 'object_types': ['dcim.device'], 'choices': ['red', 'blue']}");
    make(MODEL_CUSTOM_FIELD,
         "{'name': 'n', 'type': 'integer', 'object_types': ['dcim.device', 'dcim.site'], 'default': 7}");
    refuse_change("custom_fields: Custom field 'foo' does not exist for this object type.", MODEL_DEVICE,
                  device, "{'custom_fields': {'foo': 1}}");
    refuse_change(": Invalid value for custom field 'n': Value must be an integer.", MODEL_DEVICE, device,
                  "{'custom_fields': {'n': 'x'}}");
    refuse_change(": Invalid value for custom field 'team': This is not one of the field's choices.",
                  MODEL_DEVICE, device, "{'custom_fields': {'team': 'green'}}");
    change(MODEL_DEVICE, device, "{'custom_fields': {'team': 'red'}}");
    change(MODEL_DEVICE, device, "{'custom_fields': {'n': 5, 'state': 'idle'}}");
    is(MODEL_DEVICE, device, "custom_fields",
       "{\"image\":null,\"state\":\"idle\",\"installed_release\":null,\"installed_at\":null,\"disk\":null,"
       "\"protected\":false,\"n\":5,\"team\":\"red\"}");
    is(MODEL_SITE, make(MODEL_SITE, "{'name': 'L', 'slug': 'lyo1'}"), "custom_fields", "{\"n\":7}");
    ok(record_delete(fx.s, &all, model_get(MODEL_CUSTOM_FIELD), team, &written, E));
    make(MODEL_CUSTOM_FIELD, "{'name': 'team', 'type': 'text', 'object_types': ['dcim.device']}");
    is(MODEL_DEVICE, device, "custom_fields",
       "{\"image\":null,\"state\":\"idle\",\"installed_release\":null,\"installed_at\":null,\"disk\":null,"
       "\"protected\":false,\"n\":5,\"team\":null}");
    fails(record_delete(fx.s, &all, model_get(MODEL_CUSTOM_FIELD), 2147483001, &written, E), ERR_REFUSED);
}

/* What would cost whoever reads it: too much of one kind is refused. */
static void test_too_much(void **state)
{
    (void)state;
    make(MODEL_CUSTOM_FIELD, "{'name': 'any', 'type': 'json', 'object_types': ['dcim.device']}");
    json_t *deep = json_array(), *b = body("{'custom_fields': {}, 'tags': []}");
    for (int i = 0; i < 2030; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    json_object_set_new(json_object_get(b, "custom_fields"), "any", deep);
    assert_string_equal(fault_of(change_as(&all, MODEL_DEVICE, device, b, false)),
                        "custom_fields: These values are nested too deep.");
    char *text = xcalloc(1, 70001);
    memset(text, 'a', 70000);
    refuse_change("custom_fields: Ensure that all of them have no more than 65536 bytes together.",
                  MODEL_DEVICE, device, "{'custom_fields': {'any': '%s'}}", text);
    refuse_change("comments: Ensure this field has no more than 65536 characters.", MODEL_DEVICE, device,
                  "{'comments': '%s'}", text);
    free(text);
    json_t *tags = json_array(), *unknown = json_object();
    for (int i = 0; i < 1001; i++) {
        char name[16];
        snprintf(name, sizeof name, "no%d", i);
        json_array_append_new(tags, json_integer(1));
        json_object_set_new(unknown, name, json_null());
    }
    b = json_object();
    json_object_set_new(b, "tags", tags);
    assert_string_equal(fault_of(change_as(&all, MODEL_DEVICE, device, b, false)),
                        "tags: Ensure this field has no more than 1000 elements.");
    assert_int_equal(faults.n, 1);
    assert_string_equal(fault_of(change_as(&all, MODEL_DEVICE, device, unknown, false)),
                        "no0: There is no such field.");
    assert_true(faults.n < 1000);
}

/* Two things do not stand in one place, and nothing stands above a rack. */
static void test_rack_units(void **state)
{
    (void)state;
    int64_t rack = make(MODEL_RACK, "{'name': 'R1', 'site': %lld, 'u_height': 12}", (long long)site);
    int64_t two = make(MODEL_DEVICE_TYPE, "{'manufacturer': 1, 'model': 'A', 'slug': 'a', 'u_height': 2}");
    int64_t half =
        make(MODEL_DEVICE_TYPE, "{'manufacturer': 1, 'model': 'B', 'slug': 'b', 'is_full_depth': false}");
    int64_t none = make(MODEL_DEVICE_TYPE, "{'manufacturer': 1, 'model': 'C', 'slug': 'c', 'u_height': 0}");
#define PLACED                                                                                               \
    "{'name': '%s', 'role': 1, 'site': 1, 'device_type': %lld, 'rack': %lld, 'position': %d, 'face': '%s'}"
#define AT(name, type, u, face) PLACED, name, (long long)(type), (long long)rack, u, face
    make(MODEL_DEVICE, AT("two", two, 9, "front"));
    refuse("position: U10 of rack R1 is occupied, or has not the 1U free that this device type takes.",
           MODEL_DEVICE, AT("a", type, 10, "front"));
    refuse("position: U8 of rack R1 is occupied, or has not the 2U free that this device type takes.",
           MODEL_DEVICE, AT("a", two, 8, "rear"));
    refuse("position: Rack R1 ends at U12: 2U do not fit at U12.", MODEL_DEVICE, AT("a", two, 12, "front"));
    int64_t a = make(MODEL_DEVICE, AT("a", half, 11, "front"));
    make(MODEL_DEVICE, AT("b", half, 11, "rear")); /* the other face */
    make(MODEL_DEVICE, AT("c", none, 9, "front")); /* takes nothing */
    refuse_change("position: U11 of rack R1 is occupied, or has not the 1U free that this device type takes.",
                  MODEL_DEVICE, a, "{'face': 'rear'}");
    refuse_change("position: U11 of rack R1 is occupied, or has not the 1U free that this device type takes.",
                  MODEL_DEVICE, a, "{'device_type': %lld}", (long long)type);
    refuse_change("position: U10 of rack R1 is occupied, or has not the 1U free that this device type takes.",
                  MODEL_DEVICE, a, "{'position': 10}");
    change(MODEL_DEVICE, a, "{'position': 12, 'face': 'rear'}");
    /* saved as it is, it stays where it stands, though another has come there by another way */
    ok(db_run(fx.s, "UPDATE devices SET position = 9 WHERE id = ?", DB_VALUES(db_i(a)), E));
    change(MODEL_DEVICE, a, "{'serial': 'S', 'position': 9.0, 'face': 'rear'}");
}

/* A client sends back all that it has read: that passes, in whatever spelling; nothing else does. */
static void test_builtin_fields_are_read(void **state)
{
    (void)state;
    put_release("debian", "1", DIGEST_1, T0);
    ok(db_run(fx.s, "UPDATE devices SET installed_ms = ?, installed_id = (SELECT id FROM releases)",
              DB_VALUES(db_i(INT64_C(1767225600123))), E));
    change(MODEL_DEVICE, device,
           "{'custom_fields': {'state': 'idle', 'installed_release': 'debian@1', 'installed_at': "
           "'2026-01-01T00:00:00Z'}}");
    change(MODEL_DEVICE, device, "{'custom_fields': {'installed_at': '2026-01-01T00:00:00'}}");
    change(MODEL_DEVICE, device, "{'custom_fields': {'installed_at': '2026-01-01T01:00:00+01:00'}}");
    refuse_change(": Invalid value for custom field 'state': This field is read-only; it is idle now.",
                  MODEL_DEVICE, device, "{'custom_fields': {'state': 'ready'}}");
    refuse_change(": Invalid value for custom field 'state': This field is read-only; it is idle now.",
                  MODEL_DEVICE, device, "{'custom_fields': {'state': null}}");
    refuse_change(": Invalid value for custom field 'installed_release': This field is read-only; it is "
                  "debian@1 now.",
                  MODEL_DEVICE, device, "{'custom_fields': {'installed_release': 'debian@2'}}");
    refuse_change(": Invalid value for custom field 'installed_at': This field is read-only; it is "
                  "2026-01-01T00:00:00Z now.",
                  MODEL_DEVICE, device, "{'custom_fields': {'installed_at': '2026-01-01T00:00:01Z'}}");
    refuse(": Invalid value for custom field 'state': This field is read-only; it is idle now.", MODEL_DEVICE,
           "{'name': 'new', 'site': 1, 'role': 1, 'device_type': 1, 'custom_fields': {'state': 'ready'}}");
    make(MODEL_DEVICE, "{'name': 'new', 'site': 1, 'role': 1, 'device_type': 1, 'custom_fields': "
                       "{'state': 'idle', 'installed_at': null}}");
    /* all of them, read before they changed */
    change(MODEL_DEVICE, device,
           "{'custom_fields': {'state': 'armed', 'installed_release': null, 'disk': 'serial=Y'}}");
    assert_string_equal(get_device(device).disk_selector, "serial=Y");
    assert_int_equal(get_device(device).state, STATE_IDLE);
}

static void test_builtin_fields(void **state)
{
    (void)state;
    change(MODEL_DEVICE, device,
           "{'custom_fields': {'image': 'debian', 'disk': 'serial=X', 'protected': true}}");
    assert_true(written.has_image);
    assert_string_equal(written.image, "debian");
    assert_string_equal(get_device(device).disk_selector, "serial=X");
    assert_true(get_device(device).protected);
    assert_string_equal(get_device(device).assigned, ""); /* that is job_assign's */
    assert_int_equal(events(device, "protected"), 1);
    refuse_change(": Invalid value for custom field 'protected': Value must be true or false.", MODEL_DEVICE,
                  device, "{'custom_fields': {'protected': 'maybe'}}");
    assert_int_equal(
        change_as(&all, MODEL_DEVICE, device, body("{'custom_fields': {'disk': 'nonsense=1'}}"), false), -1);
    fails(record_delete(fx.s, &all, model_get(MODEL_DEVICE), device, &written, E), ERR_CONFLICT);
    change(MODEL_DEVICE, device, "{'custom_fields': {'protected': false}}");
    put_release("debian", "1", DIGEST_1, T0);
    assign_device(device, "debian");
    change(MODEL_DEVICE, device, "{'custom_fields': {'disk': 'by-path=pci-1'}}");
    assert_string_equal(current(device).disk_selector, "by-path=pci-1"); /* the armed job follows */
    size_t changes = events(device, "changed");
    change(MODEL_DEVICE, device, "{'custom_fields': {'disk': 'by-path=pci-1'}}"); /* said again: no entry */
    assert_int_equal(events(device, "changed"), changes);
    int64_t prefix = make(MODEL_PREFIX,
                          "{'prefix': '10.77.0.0/24', 'custom_fields': {'gateway': '10.77.0.1'}, "
                          "'scope_type': 'dcim.site', 'scope_id': %lld}",
                          (long long)site);
    is(MODEL_PREFIX, prefix, "custom_fields", "{\"gateway\":\"10.77.0.1\"}");
    is(MODEL_PREFIX, prefix, "scope", "Paris 1");
    refuse_change(": Invalid value for custom field 'gateway': 10.78.0.1 is no host of 10.77.0.0/24.",
                  MODEL_PREFIX, prefix, "{'custom_fields': {'gateway': '10.78.0.1'}}");
    change(MODEL_PREFIX, prefix,
           "{'custom_fields': {'gateway': null}, 'scope_type': null, 'scope_id': null}");
    is(MODEL_PREFIX, prefix, "scope_type", "null");
}

static const char *rack_slug_of(int64_t id)
{
    static char slug[NAME_SIZE];
    sqlite3_stmt *q;
    ok(db_query(fx.s, "SELECT slug FROM racks WHERE id = ?", DB_VALUES(db_i(id)), &q, E));
    assert_int_equal(db_step(fx.s, q, E), 1);
    db_text(q, 0, slug, sizeof slug);
    db_done(q);
    return slug;
}

static void test_places(void **state)
{
    (void)state;
    int64_t other = make(MODEL_SITE, "{'name': 'Lyon', 'slug': 'lyo1'}");
    int64_t rack = make(MODEL_RACK, "{'name': 'R 1', 'site': %lld}", (long long)other);
    int64_t twin = make(MODEL_RACK, "{'name': 'R-1', 'site': %lld}", (long long)other);
    assert_int_not_equal(rack, twin);
    refuse(": Rack with this Site and Name already exists.", MODEL_RACK, "{'name': 'R 1', 'site': %lld}",
           (long long)other);
    /* a slug stays with its rack, until another has it where the rack goes */
    int64_t moved = make(MODEL_RACK, "{'name': 'R  1', 'site': %lld}", (long long)site);
    ok(db_run(fx.s, "UPDATE racks SET slug = 'mine' WHERE id = ?", DB_VALUES(db_i(moved)), E));
    change(MODEL_RACK, moved, "{'name': 'R  1', 'serial': 'x'}");
    assert_string_equal(rack_slug_of(moved), "mine");
    ok(db_run(fx.s, "UPDATE racks SET slug = 'r-1' WHERE id = ?", DB_VALUES(db_i(moved)), E));
    change(MODEL_RACK, moved, "{'site': %lld}", (long long)other);
    assert_string_equal(rack_slug_of(moved), "r-1-3");
    ok(record_delete(fx.s, &all, model_get(MODEL_RACK), moved, &written, E));
    refuse_change("rack: Rack R 1 does not belong to site Paris 1.", MODEL_DEVICE, device, "{'rack': %lld}",
                  (long long)rack);
    change(MODEL_DEVICE, device, "{'rack': %lld, 'site': %lld, 'position': 3.5, 'face': 'front'}",
           (long long)rack, (long long)other);
    is(MODEL_DEVICE, device, "position", "3.5");
    assert_string_equal(get_device(device).rack, "r-1");
    int64_t hall = make(MODEL_LOCATION, "{'name': 'Hall', 'slug': 'hall', 'site': %lld}", (long long)other);
    int64_t row = make(MODEL_LOCATION, "{'name': 'Row', 'slug': 'row', 'site': %lld, 'parent': %lld}",
                       (long long)other, (long long)hall);
    is(MODEL_LOCATION, row, "_depth", "1");
    is(MODEL_LOCATION, hall, "children", "1");
    refuse_change("parent: A location cannot be within itself.", MODEL_LOCATION, hall, "{'parent': %lld}",
                  (long long)row);
    /* a prefix goes with its location to another site */
    int64_t away = make(MODEL_LOCATION, "{'name': 'Away', 'slug': 'away', 'site': %lld}", (long long)site);
    int64_t prefix =
        make(MODEL_PREFIX, "{'prefix': '10.9.0.0/24', 'scope_type': 'dcim.location', 'scope_id': %lld}",
             (long long)away);
    is(MODEL_SITE, other, "prefix_count", "0");
    change(MODEL_LOCATION, away, "{'site': %lld}", (long long)other);
    is(MODEL_SITE, other, "prefix_count", "1");
    ok(record_delete(fx.s, &all, model_get(MODEL_PREFIX), prefix, &written, E));
    ok(record_delete(fx.s, &all, model_get(MODEL_LOCATION), away, &written, E));
    change(MODEL_DEVICE, device, "{'location': %lld}", (long long)row);
    fails(record_delete(fx.s, &all, model_get(MODEL_SITE), other, &written, E), ERR_CONFLICT);
    assert_string_equal(fx.e.text, "Unable to delete object. 5 dependent objects were found: Hall (1), Row "
                                   "(2), R 1 (1), R-1 (2), hv-1 (1)");
    ok(record_delete(fx.s, &all, model_get(MODEL_DEVICE), device, &written, E));
    ok(record_delete(fx.s, &all, model_get(MODEL_LOCATION), row, &written, E));
    ok(record_delete(fx.s, &all, model_get(MODEL_LOCATION), hall, &written, E));
    ok(record_delete(fx.s, &all, model_get(MODEL_RACK), rack, &written, E));
    ok(record_delete(fx.s, &all, model_get(MODEL_RACK), twin, &written, E));
    ok(record_delete(fx.s, &all, model_get(MODEL_SITE), other, &written, E));
    assert_int_equal(events(device, "removed"), 1);
    fails(record_delete(fx.s, &all, model_get(MODEL_DEVICE), device, &written, E), ERR_NOT_FOUND);
}

static void test_notes(void **state)
{
    (void)state;
    int64_t note = make(MODEL_NOTE,
                        "{'assigned_object_type': 'dcim.device', 'assigned_object_id': %lld, 'kind': "
                        "'success', 'comments': 'done'}",
                        (long long)device);
    is(MODEL_NOTE, note, "assigned_object", "hv-1");
    is(MODEL_NOTE, note, "display", "2026-11-21 10:00 (Success)");
    is(MODEL_NOTE, note, "created_by_name", "token:test");
    refuse(": Invalid assigned_object: Device ID 99999", MODEL_NOTE,
           "{'assigned_object_type': 'dcim.device', 'assigned_object_id': 99999, 'comments': 'x'}");
    refuse("comments: This field may not be blank.", MODEL_NOTE,
           "{'assigned_object_type': 'dcim.device', 'assigned_object_id': 1, 'comments': ''}");
    ok(record_delete(fx.s, &all, model_get(MODEL_DEVICE), device, &written, E));
    fails(record_get(fx.s, &all, model_get(MODEL_NOTE), note, 1, see, &got, E), ERR_NOT_FOUND);
    /* whoever deletes it: the next of its number is not to have it */
    int64_t place = make(MODEL_SITE, "{'name': 'P', 'slug': 'p'}");
    note =
        make(MODEL_NOTE, "{'assigned_object_type': 'dcim.site', 'assigned_object_id': %lld, 'comments': 'x'}",
             (long long)place);
    ok(db_run(fx.s, "DELETE FROM sites WHERE id = ?", DB_VALUES(db_i(place)), E));
    fails(record_get(fx.s, &all, model_get(MODEL_NOTE), note, 1, see, &got, E), ERR_NOT_FOUND);
}

/* What a NetBox keeps is changed there; what is ours of it stays ours. */
static void test_netbox(void **state)
{
    (void)state;
    make(MODEL_CUSTOM_FIELD, "{'name': 'n', 'type': 'integer', 'object_types': ['dcim.device']}");
    make(MODEL_CUSTOM_FIELD, "{'name': 'm', 'type': 'integer', 'object_types': ['dcim.device']}");
    change(MODEL_DEVICE, device, "{'custom_fields': {'n': 7}}");
    netbox_owns("devices", device, 77);
    assert_int_equal(change_as(&all, MODEL_DEVICE, device, body("{'custom_fields': {'n': 8}}"), false), -1);
    assert_int_equal(fx.e.kind, ERR_CONFLICT);
    /* pynetbox writes all of them when one has changed */
    change(MODEL_DEVICE, device,
           "{'custom_fields': {'n': 7, 'm': null, 'disk': 'serial=Y', 'state': 'idle'}}");
    assert_string_equal(get_device(device).disk_selector, "serial=Y");
    assert_int_equal(change_as(&all, MODEL_DEVICE, device, body("{'serial': 'x'}"), false), -1);
    assert_int_equal(fx.e.kind, ERR_CONFLICT);
    assert_int_equal(written.netbox_id, 77);
    assert_int_equal(change_as(&all, MODEL_INTERFACE, nic, body("{'mtu': 9000}"), false), -1);
    assert_int_equal(fx.e.kind, ERR_CONFLICT);
    assert_int_equal(written.netbox_id, 77);
    assert_int_equal(
        try_make(MODEL_INTERFACE, body("{'device': %lld, 'name': 'x', 'type': 'other'}", (long long)device)),
        -1);
    assert_int_equal(fx.e.kind, ERR_CONFLICT);
    fails(record_delete(fx.s, &all, model_get(MODEL_IP), ip, &written, E), ERR_CONFLICT);
    fails(record_delete(fx.s, &all, model_get(MODEL_DEVICE), device, &written, E), ERR_CONFLICT);
    change(MODEL_DEVICE, device, "{'custom_fields': {'image': 'debian', 'protected': true}}");
    assert_true(written.has_image);
    make(MODEL_NOTE, "{'assigned_object_type': 'dcim.device', 'assigned_object_id': %lld, 'comments': 'x'}",
         (long long)device);
}

/* Many, all or nothing. */
static void test_bulk(void **state)
{
    (void)state;
    int64_t before, after;
    struct record_query q = {.fields = 1};
    ok(record_count(fx.s, &all, model_get(MODEL_TAG), &q, &before, &faults, E) < 0);
    ok(store_begin(fx.s, E));
    make(MODEL_TAG, "{'name': 'A', 'slug': 'a'}");
    assert_int_equal(try_make(MODEL_TAG, body("{'name': 'A', 'slug': 'b'}")), -1);
    make(MODEL_TAG, "{'name': 'C', 'slug': 'c'}");
    store_rollback(fx.s);
    faults_free(&faults);
    ok(record_count(fx.s, &all, model_get(MODEL_TAG), &q, &after, &faults, E) < 0);
    assert_int_equal(before, after);
}

/* Every name in every table of model.c is one that the store knows. */
static void test_every_field(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        for (size_t k = 0; k < m->fields_n; k++) {
            static const char *const values[] = {"null",
                                                 "5",
                                                 "-1",
                                                 "1e300",
                                                 "true",
                                                 "'x'",
                                                 "''",
                                                 "[]",
                                                 "[1]",
                                                 "{}",
                                                 "{'id': 1}",
                                                 "{'name': {'x': [1]}}",
                                                 "'\\u0000'",
                                                 "99999999999999999999.5",
                                                 "'9223372036854775808'",
                                                 "{'site': {'tenant': {'name': 'x'}}}"};
            for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
                json_t *b =
                    body("{'%s': %s}", m->fields[k].name, strcmp(values[j], "'\\u0000'") ? values[j] : "'x'");
                int r = try_make(m->id, json_incref(b));
                assert_true(r == 0 || fx.e.kind == ERR_INPUT || fx.e.kind == ERR_CONFLICT);
                r = change_as(&all, m->id, 1, b, false);
                if (r < 0 && fx.e.kind != ERR_INPUT && fx.e.kind != ERR_NOT_FOUND &&
                    fx.e.kind != ERR_REFUSED) {
                    fail_msg("%s %s=%s: %s", m->noun, m->fields[k].name, values[j], fx.e.text);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, fill, clear)
        T(test_create),
        T(test_faults),
        T(test_change),
        T(test_journal),
        T(test_journal_of_a_move),
        T(test_primary),
        T(test_macs),
        T(test_tags_and_custom_fields),
        T(test_rack_units),
        T(test_builtin_fields),
        T(test_builtin_fields_are_read),
        T(test_too_much),
        T(test_places),
        T(test_notes),
        T(test_netbox),
        T(test_bulk),
        T(test_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Export: what import takes, and a round trip that changes nothing, whatever is in the inventory. */
#include "tests/inventory/fixture.h"

#include "base/yaml_out.h"
#include "inventory/export.h"
#include "inventory/store_sql.h"

static struct import_options options = {.actor = "test", .job_expiry_s = 3600, .wipe_limit = 1000};

static char *exported(struct store *s, const char *selector)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    ok(export_write(s, selector, f, E));
    fclose(f);
    return text;
}

static struct import_result imported(struct store *s, const char *text)
{
    struct import_result r = {0};
    memset(&fx.e, 0, sizeof fx.e);
    if (import_text(s, "inv.yaml", text, strlen(text), &options, T0, &r, E) < 0) {
        fail_msg("%s\n%s", fx.e.text, text);
    }
    return r;
}

/* Into itself nothing changes; into an empty store and out again it is the same. */
static void check_round_trip(struct store *s)
{
    char dir[] = "/tmp/rackstrap-export-XXXXXX";
    struct store *other;
    char *text = exported(s, NULL);
    struct import_result r = imported(s, text);
    assert_int_equal(r.devices_new + r.devices_changed + r.objects_new + r.objects_changed + r.armed, 0);
    char *again = exported(s, NULL);
    assert_string_equal(text, again);
    free(again);
    assert_non_null(mkdtemp(dir));
    ok(store_open(dir, &other, E));
    imported(other, text);
    again = exported(other, NULL);
    assert_string_equal(text, again);
    free(again);
    free(text);
    store_close(other);
    ok(dir_remove(dir, E));
}

#define WHOLE                                                                                                \
    "tags: [{slug: red, color: ff0000}]\n"                                                                   \
    "custom_fields:\n"                                                                                       \
    "  - {name: cost, type: integer, object_types: [dcim.device], label: Cost}\n"                            \
    "  - {name: note, object_types: [dcim.device, dcim.site, dcim.interface], default: \"5\"}\n"             \
    "  - {name: any, type: json, object_types: [dcim.device]}\n"                                             \
    "tenants: [{slug: ops, name: 'Ops: 1e3', description: \"no\"}]\n"                                        \
    "sites:\n"                                                                                               \
    "  - slug: par1\n"                                                                                       \
    "    name: Paris é\n"                                                                                   \
    "    status: planned\n"                                                                                  \
    "    tenant: ops\n"                                                                                      \
    "    time_zone: Europe/Paris\n"                                                                          \
    "    comments: \"a\\n b: c\\n\\n  - d\\t\\u2028x \"\n"                                                   \
    "    dhcp_options: {ntp-servers: [10.0.0.1, 10.0.0.2], 43: 'hex:0104c0a80001',\n"                        \
    "      224: {type: uint16, value: 5}, time-servers: {value: 10.0.0.1, always: true},\n"                  \
    "      domain-name: 'a.b', domain-search: [a.b, c.d], tftp-server-name: 'a, b',\n"                       \
    "      root-path: 'hex:ff41'}\n"                                                                         \
    "    custom_fields: {note: 1e3}\n"                                                                       \
    "    tags: [red, blue]\n"                                                                                \
    "locations: [{site: par1, slug: room, parent: hall}, {site: par1, slug: hall, name: The Hall}]\n"        \
    "manufacturers: [{slug: dell, name: Dell}]\n"                                                            \
    "device_types: [{manufacturer: dell, model: R640, u_height: 1.5, is_full_depth: false}]\n"               \
    "racks: [{site: par1, slug: r01, name: \"R 1, = x\", location: room, asset_tag: A1}]\n"                  \
    "roles: [{slug: hv, color: aabbcc}]\n"                                                                   \
    "platforms: [{slug: debian-12, manufacturer: debian}]\n"                                                 \
    "prefixes: [{prefix: 10.0.0.0/24, router: 10.0.0.1, site: par1}, {prefix: '2001:db8::/64', site: "       \
    "par1,\n"                                                                                                \
    "  location: room, is_pool: true}]\n"                                                                    \
    "ip_addresses: [{address: 10.0.0.200/24, status: reserved, dns_name: x.y}, {address: '::1/128'}]\n"      \
    "devices:\n"                                                                                             \
    "  - name: hv-01\n"                                                                                      \
    "    site: par1\n"                                                                                       \
    "    location: The Hall\n"                                                                               \
    "    rack: 'R 1, = x'\n"                                                                                 \
    "    position: 12.5\n"                                                                                   \
    "    face: front\n"                                                                                      \
    "    role: hv\n"                                                                                         \
    "    manufacturer: dell\n"                                                                               \
    "    model: R640\n"                                                                                      \
    "    status: staged\n"                                                                                   \
    "    asset_tag: '0x10'\n"                                                                                \
    "    tags: [red]\n"                                                                                      \
    "    custom_fields: {cost: 5, note: \"no\", any: [1, \"1\", {a: null}]}\n"                               \
    "    config_context: {ntp: [\"10.0.0.1\", 5, 1.5, null, \"null\", true], é: {a: 'x: y'}}\n"             \
    "    comments: \"two\\nlines\"\n"                                                                        \
    "    primary_ip6: '2001:db8::1/64'\n"                                                                    \
    "    image: debian-12\n"                                                                                 \
    "    protected: false\n"                                                                                 \
    "    interfaces:\n"                                                                                      \
    "      - {name: eno1, mac: '52:54:00:00:00:01', address: 10.0.0.11/24, primary: true, mtu: 9000}\n"      \
    "      - {name: eno2, type: 10gbase-t, macs: ['52:54:00:00:00:02', {mac: 525400000003, description: "    \
    "spare}],\n"                                                                                             \
    "         addresses: ['2001:db8::1/64', {address: 10.0.0.12/24, dns_name: two, boot: false}]}\n"         \
    "      - {name: bmc, macs: [], mgmt_only: true, enabled: false, tags: [oob], custom_fields: {note: "     \
    "x}}\n"                                                                                                  \
    "  - {name: hv-02, model: Other, interfaces: [{name: e, macs: [{mac: 525400000009, boot: false}]}]}\n"

static int count_rows(const char *sql)
{
    int64_t n = -1;
    sqlite3_stmt *q;
    ok(db_query(fx.s, sql, NULL, 0, &q, E));
    if (db_step(fx.s, q, E) == 1) {
        n = db_int(q, 0);
        db_done(q);
    }
    return (int)n;
}

static void test_whole(void **state)
{
    (void)state;
    put_release("debian-12", "v1", DIGEST_1, T0);
    struct import_result r = imported(fx.s, WHOLE);
    assert_int_equal(r.devices_new, 2);
    assert_int_equal(r.armed, 1);
    r = imported(fx.s, WHOLE); /* the file itself, again */
    assert_int_equal(r.devices_same, 2);
    assert_int_equal(r.objects_new + r.objects_changed + r.armed, 0);
    assert_int_equal(count_rows("SELECT count(*) FROM tagged"), 4);
    assert_int_equal(count_rows("SELECT count(*) FROM roster_hold"), 0);
    assert_int_equal(count_rows("SELECT count(*) FROM device_changes"), 2);
    int seq = count_rows("SELECT max(seq) FROM device_changes");
    imported(fx.s, "devices: [{name: hv-02, model: Another, interfaces: [{name: e, mac: 525400000009}]}]\n");
    assert_true(
        count_rows("SELECT seq FROM device_changes c JOIN devices d ON d.id = c.device_id WHERE d.name = "
                   "'hv-02'") > seq);
    imported(fx.s, WHOLE);
    assert_int_equal(
        count_rows("SELECT count(*) FROM devices d JOIN ip_addresses a ON a.id = d.primary_ip6_id WHERE "
                   "typeof(a.address) = 'blob'"),
        1);
    assert_int_equal(count_rows("SELECT count(*) FROM ip_addresses WHERE is_primary"), 1);
    assert_int_equal(count_rows("SELECT count(*) FROM mac_addresses WHERE is_primary"), 2);
    check_round_trip(fx.s);
}

/* Texts that YAML would read as something else, or not at all. */
static const char *const nasty[] = {
    "no",
    "Norway",
    "yes",
    "1e3",
    "0x10",
    "null",
    "~",
    " a",
    "a ",
    "a: b",
    "a #b",
    "- a",
    "? a",
    "[a]",
    "{a}",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "\"",
    "'",
    "\\",
    "a\\n",
    "é",
    "日本",
    "🙂",
    "a\"b",
    "a'b",
    "12:30:45",
    "1_000",
    ".inf",
    ".nan",
    "=",
    "<<",
    "2026-11-21",
    "0o7",
    "+1",
    "-1",
    "1.",
    ".5",
    "true",
    "off",
    "Y",
    "a,b",
    "a  b",
    "--- a",
    "...",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "a\xc2\x85"
    "b",
    "'; DROP TABLE devices; --",
    "<script>",
    "%s%n",
    "a: \"b\": c",
};
#define NASTY (sizeof nasty / sizeof *nasty)

static uint32_t dice_state;
static uint32_t dice(uint32_t n)
{
    dice_state = dice_state * 1664525u + 1013904223u;
    return (dice_state >> 8) % n;
}

static void add_text(struct str *out, const char *key, bool lines)
{
    if (dice(2)) {
        char *text = xasprintf("%s%s%s", nasty[dice(NASTY)], lines && dice(2) ? "\n  \n\tx\n" : "",
                               dice(3) ? "" : nasty[dice(NASTY)]);
        str_addf(out, ", %s: ", key);
        yaml_add(out, text);
        free(text);
    }
}

static void add_ref(struct str *out, const char *key, const char *prefix, unsigned n)
{
    if (dice(3)) {
        str_addf(out, ", %s: %s%u", key, prefix, dice(n));
    }
}

static void add_record(struct str *out, bool fields)
{
    add_text(out, "description", false);
    add_text(out, "comments", true);
    if (dice(2)) {
        str_addf(out, ", tags: [t%u, no-%u]", dice(4), dice(4));
    }
    if (fields && dice(2)) {
        str_add(out, ", custom_fields: {f: ");
        yaml_add_quoted(out, nasty[dice(NASTY)]);
        str_addf(out, ", j: {\"1\": [%u, \"%u\", %s, null]}}", dice(9), dice(9), dice(2) ? "true" : "1.5");
    }
}

static void add_interfaces(struct str *out, unsigned device)
{
    unsigned n = dice(4);
    str_add(out, ", interfaces: [");
    for (unsigned i = 0; i < n; i++) {
        unsigned at = device * 8 + i * 2;
        str_addf(out, "%s{name: \"e%u%s\", type: 1000base-t", i ? ", " : "", i, dice(2) ? " #: x" : "");
        if (dice(3)) {
            str_addf(out, ", mac: \"52:54:00:00:%02x:%02x\"", at / 256, at % 256);
        } else {
            str_addf(out, ", macs: [\"52:54:00:00:%02x:%02x\", {mac: \"52:54:00:00:%02x:%02x\"", at / 256,
                     at % 256, at / 256, at % 256 + 1);
            add_record(out, false);
            str_add(out, dice(2) ? ", boot: false}]" : "}]");
        }
        if (dice(2)) {
            str_addf(out, ", address: 10.1.%u.%u/16", at / 200, at % 200 + 1);
        } else if (dice(2)) {
            str_addf(out, ", addresses: [\"2001:db8::%x/64\", {address: 10.2.%u.%u/16", at, at / 200,
                     at % 200 + 1);
            add_text(out, "dns_name", false);
            add_record(out, false);
            str_add(out, dice(2) ? ", boot: false}]" : "}]");
        }
        add_record(out, false);
        str_addf(out, "%s}", i == 1 ? ", primary: true" : "");
    }
    str_add(out, "]");
}

static void add_list(struct str *out, const char *list, const char *first, unsigned n, bool fields)
{
    str_addf(out, "%s:\n", list);
    for (unsigned i = 0; i < n; i++) {
        str_addf(out, "  - {%s%u", first, i);
        add_record(out, fields);
        str_add(out, "}\n");
    }
}

static void add_inventory(struct str *out)
{
    str_add(out, "custom_fields:\n  - {name: f, object_types: [dcim.device, dcim.site, tenancy.tenant]}\n"
                 "  - {name: j, type: json, object_types: [dcim.device, dcim.site, tenancy.tenant]}\n");
    add_list(out, "tenants", "slug: tenant-", 3, true);
    add_list(out, "sites", "slug: s", 3, true);
    add_list(out, "locations", "site: s0, parent: base, slug: l", 3, false);
    add_list(out, "racks", "site: s1, name: \"no\", slug: r", 3, false);
    add_list(out, "prefixes", "router: 10.0.0.1, prefix: 10.0.0.0/2", 3, false);
    add_list(out, "ip_addresses", "status: dhcp, address: 10.3.0.1/2", 1, false);
    str_add(out, "devices:\n");
    for (unsigned i = 0; i < 12; i++) {
        str_addf(out, "  - {name: d%u", i);
        add_ref(out, "site", "s", 4);
        bool racked = dice(3);
        if (racked) {
            str_addf(out, ", rack: r%u", dice(4));
        }
        add_ref(out, "tenant", "tenant-", 4);
        add_ref(out, "role", "no-", 2);
        add_text(out, "serial", false);
        add_text(out, "model", false);
        add_record(out, true);
        if (dice(3) == 0) {
            str_addf(out, ", asset_tag: \"%u\"", i);
        }
        if (racked && dice(3) == 0) {
            str_addf(out, ", position: %u.5, face: rear", dice(40));
        }
        add_interfaces(out, i);
        str_add(out, "}\n");
    }
}

static void test_generated(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 25; seed++) {
        struct str text = {0};
        dice_state = seed;
        add_inventory(&text);
        imported(fx.s, text.s); /* over what the last one left: changes of every kind */
        check_round_trip(fx.s);
        str_free(&text);
    }
    ok(journal_verify(fx.s, NULL, E));
}

static void test_quotes(void **state)
{
    (void)state;
    static const char *const plain[] = {"hv-01", "Europe/Paris", "R640 v2", "a.b", "lab.example"};
    struct str s = {0};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        str_reset(&s);
        yaml_add(&s, plain[i]);
        assert_string_equal(s.s, plain[i]);
    }
    for (size_t i = 0; i < NASTY; i++) {
        str_reset(&s);
        yaml_add(&s, nasty[i]);
        assert_true(s.s[0] == '"' || strcmp(nasty[i], "Norway") == 0);
    }
    str_reset(&s);
    yaml_add(&s, "a\xff\xc0\x80z\x01");
    assert_string_equal(s.s, "\"a\\uFFFD\\uFFFD\\uFFFDz\\x01\"");
    str_free(&s);
}

static void test_selector(void **state)
{
    (void)state;
    put_device("hv-01", 1);
    put_device("hv-02", 2);
    char *text = exported(fx.s, "hv-02");
    assert_string_equal(
        text,
        "devices:\n  - name: hv-02\n    status: planned\n    site: par1\n    rack: r01\n    interfaces:\n"
        "      - name: eno1\n        type: other\n        enabled: true\n        mgmt_only: false\n"
        "        mac: \"52:54:00:00:00:02\"\n        addresses:\n          - address: 10.77.0.2/24\n"
        "            status: active\n        primary: true\n    protected: false\n");
    free(text);
    text = exported(fx.s, "site=nowhere");
    assert_string_equal(text, "devices: []\n");
    free(text);
}

/* Every default is another value now, as somebody changed it after the export. */
#define OTHERWISE                                                                                            \
    "tags: [{slug: blue, name: Blue, color: aaaaaa, weight: 7}]\n"                                           \
    "custom_fields: [{name: note, type: longtext, required: true, weight: 3, object_types: [dcim.device, "   \
    "dcim.site, dcim.interface]}]\n"                                                                         \
    "sites: [{slug: par1, status: retired}]\n"                                                               \
    "locations: [{site: par1, slug: room, name: Room, status: retired}]\n"                                   \
    "device_types: [{manufacturer: generic, model: Other, u_height: 4, is_full_depth: false}]\n"             \
    "racks: [{site: par1, slug: r01, status: reserved, u_height: 12}]\n"                                     \
    "roles: [{slug: hv, name: HV, vm_role: false}]\n"                                                        \
    "platforms: [{slug: debian-12, name: Debian}]\n"                                                         \
    "prefixes: [{prefix: 10.0.0.0/24, status: reserved, is_pool: true, mark_utilized: true}]\n"              \
    "ip_addresses: [{address: '::1/128', status: reserved}]\n"                                               \
    "devices: [{name: hv-02, status: failed, protected: true, manufacturer: dell, model: Other, "            \
    "interfaces: [{name: e, type: virtual, enabled: false, mgmt_only: true, macs: [{mac: 525400000009, "     \
    "boot: false}]}]}, {name: hv-03, interfaces: [{name: e, mac: 525400000008, "                             \
    "addresses: [{address: 10.0.0.13/24, status: reserved, role: vip}]}]}]\n"

static void test_restores(void **state)
{
    (void)state;
    static const char third[] =
        "devices: [{name: hv-03, interfaces: [{name: e, mac: 525400000008, address: 10.0.0.13/24}]}]\n";
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported(fx.s, WHOLE);
    imported(fx.s, third);
    imported(fx.s, "ip_addresses: [{address: 10.0.0.13/24, role: anycast}]\n");
    char *before = exported(fx.s, NULL);
    imported(fx.s, OTHERWISE);
    char *otherwise = exported(fx.s, NULL);
    assert_string_not_equal(otherwise, before);
    free(otherwise);
    imported(fx.s, before);
    ok(db_run(fx.s,
              "DELETE FROM device_types WHERE model = 'Other' AND manufacturer_id = (SELECT id FROM "
              "manufacturers WHERE slug = 'dell')",
              NULL, 0, E)); /* nobody's any more */
    char *after = exported(fx.s, NULL);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_whole), T(test_generated), T(test_quotes), T(test_selector), T(test_restores),
    };
    return cmocka_run_group_tests_name("inventory/export", tests, NULL, NULL);
}

/* Import: whole or not at all, and every error with its place. */
#include "tests/inventory/fixture.h"

#include <unistd.h>

#include "inventory/store_sql.h"

static struct import_options options = {.actor = "test", .job_expiry_s = 3600, .wipe_limit = 10};

static int import(const char *text, struct import_result *ret)
{
    return import_text(fx.s, "inv.yaml", text, strlen(text), &options, T0, ret, E);
}

static void imported(const char *text, size_t new, size_t changed, size_t same, size_t armed, size_t waiting)
{
    struct import_result r = {0};
    ok(import(text, &r));
    assert_int_equal(r.devices_new, new);
    assert_int_equal(r.devices_changed, changed);
    assert_int_equal(r.devices_same, same);
    assert_int_equal(r.armed, armed);
    assert_int_equal(r.waiting, waiting);
    assert_int_equal(r.missing[0] != '\0', waiting > 0);
}

static struct device named(const char *name)
{
    struct device d;
    ok(device_by_name(fx.s, name, &d, E));
    return d;
}

#define GOOD                                                                                                 \
    "sites: [{slug: par1, name: Paris 1}]\n"                                                                 \
    "racks: [{site: par1, slug: r01, name: Rack 1}]\n"                                                       \
    "devices:\n"                                                                                             \
    "  - name: hv-01\n"                                                                                      \
    "    site: par1\n"                                                                                       \
    "    rack: r01\n"                                                                                        \
    "    role: hypervisor\n"                                                                                 \
    "    tenant: instances\n"                                                                                \
    "    platform: debian\n"                                                                                 \
    "    model: R640\n"                                                                                      \
    "    serial: S1\n"                                                                                       \
    "    disk: serial=DISK1\n"                                                                               \
    "    interfaces:\n"                                                                                      \
    "      - {name: eno1, mac: \"52:54:00:00:00:01\", address: 10.77.0.11/24, primary: true}\n"              \
    "      - {name: eno2, mac: 5254.0000.0002}\n"                                                            \
    "    image: debian-12\n"                                                                                 \
    "  - name: hv-02\n"                                                                                      \
    "    protected: true\n"                                                                                  \
    "    interfaces: [{name: eno1, mac: 52-54-00-00-00-03}]\n"

static void test_good(void **state)
{
    (void)state;
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported(GOOD, 2, 0, 0, 1, 0);
    struct device d = named("hv-01");
    assert_string_equal(d.site, "par1");
    assert_string_equal(d.rack, "r01");
    assert_string_equal(d.role, "hypervisor");
    assert_string_equal(d.tenant, "instances");
    assert_string_equal(d.platform, "debian");
    assert_string_equal(d.model, "R640");
    assert_string_equal(d.serial, "S1");
    assert_string_equal(d.disk_selector, "serial=DISK1");
    assert_int_equal(d.interfaces_n, 2);
    assert_true(d.interfaces[0].primary && d.interfaces[0].has_address && !d.interfaces[1].has_address);
    assert_int_equal(d.interfaces[0].address.ip.a, 0x0a4d000b);
    assert_int_equal(d.interfaces[0].address.len, 24);
    assert_int_equal(d.state, STATE_ARMED);
    assert_string_equal(d.assigned, "debian-12");
    assert_string_equal(current(d.id).disk_selector, "serial=DISK1");
    assert_int_equal(current(d.id).expires_ms, T0 + HOUR);
    assert_true(named("hv-02").protected);
    ok(journal_verify(fx.s, NULL, E));
}

static void test_again_is_the_same(void **state)
{
    (void)state;
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported(GOOD, 2, 0, 0, 1, 0);
    size_t n = 0, m = 0;
    ok(journal_verify(fx.s, &n, E));
    imported(GOOD, 0, 0, 2, 0, 0);
    ok(journal_verify(fx.s, &m, E));
    assert_int_equal(n, m);
    put_release("debian-12", "v2", DIGEST_2, T0 + 1); /* a newer release alone wipes nothing */
    imported(GOOD, 0, 0, 2, 0, 0);
}

static void test_from_a_file(void **state)
{
    (void)state;
    char path[128], want[300];
    struct import_result r;
    put_release("debian-12", "v1", DIGEST_1, T0);
    snprintf(path, sizeof path, "%s/inv.yaml", fx.dir);
    ok(file_write(path, GOOD, strlen(GOOD), 0600, E));
    ok(import_file(fx.s, path, &options, T0, &r, E));
    assert_int_equal(r.devices_new, 2);
    const char *bad = "devices:\n  - {name: hv-03, colour: red}\n";
    ok(file_write(path, bad, strlen(bad), 0600, E));
    fails(import_file(fx.s, path, &options, T0, &r, E), ERR_INPUT);
    snprintf(want, sizeof want, "%s:2:", path);
    assert_true(str_starts(fx.e.text, want));
    assert_non_null(strstr(fx.e.text, "colour"));
    fails(import_file(fx.s, "/nonexistent.yaml", &options, T0, &r, E), ERR_NOT_FOUND);
}

#define ONE(name, mac) "  - {name: " name ", interfaces: [{name: eno1, mac: \"" mac "\"}]}\n"
#define M1             "52:54:00:00:00:01"
#define M2             "52:54:00:00:00:02"

static const struct {
    const char *name, *text;
    enum err_kind kind;
    const char *want; /* the whole sentence, or, ending in '*', its beginning */
} bad[] = {
    {"duplicate MAC, two notations", "devices:\n" ONE("hv-01", M1) ONE("hv-02", "5254.0000.0001"), ERR_INPUT,
     "inv.yaml:3:50: the MAC address 52:54:00:00:00:01 is used twice: first at inv.yaml:2:50, and here; give "
     "each device its own"},
    {"duplicate name, two cases", "devices:\n" ONE("hv-01", M1) ONE("HV-01", M2), ERR_INPUT,
     "inv.yaml:3:12: the name HV-01 is used twice: first at inv.yaml:2:12, and here; give each device its "
     "own"},
    {"duplicate address",
     "devices:\n"
     "  - {name: a, interfaces: [{name: e, mac: \"" M1 "\", address: 10.0.0.1/24}]}\n"
     "  - {name: b, interfaces: [{name: e, mac: \"" M2 "\", address: 10.0.0.1/16}]}\n",
     ERR_INPUT,
     "inv.yaml:3:73: the address 10.0.0.1 is used twice: first at inv.yaml:2:73, and here; give each device "
     "its own"},
    {"the first of several duplicates", "devices:\n" ONE("a", M2) ONE("b", M1) ONE("c", M1) ONE("d", M2),
     ERR_INPUT, "inv.yaml:4:46: the MAC address " M1 " is used twice: first at inv.yaml:3:46*"},
    {"duplicate within one device",
     "devices:\n  - {name: a, interfaces: [{name: e, mac: \"" M1 "\"}, {name: f, mac: \"" M1 "\"}]}\n",
     ERR_INPUT,
     "inv.yaml:2:27: device a: its interfaces e and f have the same MAC address, 52:54:00:00:00:01"},
    {"unknown key of a device", "devices:\n  - name: a\n    colour: red\n", ERR_INPUT, "inv.yaml:3:*"},
    {"unknown key of an interface",
     "devices:\n  - name: a\n    interfaces: [{name: e, mac: \"" M1 "\", colour: 1}]\n", ERR_INPUT,
     "inv.yaml:3:*"},
    {"unknown key at the top", "device: []\n", ERR_INPUT, "inv.yaml:1:*"},
    {"unknown key of a site", "sites: [{slug: a, colour: red}]\n", ERR_INPUT, "inv.yaml:1:*"},
    {"bad slug", "sites:\n  - {slug: a b}\n", ERR_INPUT, "inv.yaml:2:12: the slug \"a b\" has a character*"},
    {"no name", "devices:\n  - role: x\n", ERR_INPUT, "inv.yaml:2:*"},
    {"bad name", "devices:\n  - name: a b\n", ERR_INPUT,
     "inv.yaml:2:11: the device's name \"a b\" has a character*"},
    {"bad MAC", "devices:\n" ONE("a", "52:54:00"), ERR_INPUT, "inv.yaml:2:*"},
    {"no MAC", "devices:\n  - {name: a, interfaces: [{name: e}]}\n", ERR_INPUT, "inv.yaml:2:*"},
    {"address without length",
     "devices:\n  - {name: a, interfaces: [{name: e, mac: \"" M1 "\", address: 10.0.0.1}]}\n", ERR_INPUT,
     "inv.yaml:2:*"},
    {"a broadcast address",
     "devices:\n  - {name: a, interfaces: [{name: e, mac: \"" M1 "\", address: 10.0.0.255/24}]}\n", ERR_INPUT,
     "inv.yaml:2:73: 10.0.0.255 is the network or the broadcast address of its prefix*"},
    {"bad disk", "devices:\n  - name: a\n    disk: colour=red\n", ERR_INPUT, "inv.yaml:3:11: device a: *"},
    {"bad role", "devices:\n  - name: a\n    model: x\n    role: a b\n", ERR_INPUT,
     "inv.yaml:4:11: device a: *"},
    {"two bad ones: one of them", "devices:\n  - name: a\n    role: a b\n    disk: colour=red\n", ERR_INPUT,
     "inv.yaml:3:11: device a: *"},
    {"status", "devices:\n  - name: a\n    status: idle\n", ERR_INPUT,
     "inv.yaml:3:13: device a: the status \"idle\" is none of: offline, active, planned, staged, failed, "
     "inventory, "
     "decommissioning"},
    {"devices not a list", "devices: 7\n", ERR_INPUT, "inv.yaml:1:*"},
    {"a device that is text", "devices: [hv-01]\n", ERR_INPUT, "inv.yaml:1:*"},
    {"a list at the top", "- a\n", ERR_INPUT, "inv.yaml:1:*"},
    {"not YAML", "devices: [\n", ERR_INPUT, "inv.yaml:*"},
    {"a tab", "devices:\n\t- name: a\n", ERR_INPUT, "inv.yaml:2:*"},
    {"unknown release", "devices:\n" ONE("a", M1) "  - name: b\n    image: debian-12@v9\n", ERR_NOT_FOUND,
     "inv.yaml:4:12: there is no image or release \"debian-12@v9\"; the images are: debian-12"},
    {"no image's name", "devices:\n  - name: b\n    image: a/b\n", ERR_INPUT,
     "inv.yaml:3:12: the image's name \"a/b\" has a character*"},
};

static void is_sentence(const char *name, const char *want)
{
    size_t n = strlen(want);
    bool same = want[n - 1] == '*' ? strncmp(fx.e.text, want, n - 1) == 0 : strcmp(fx.e.text, want) == 0;
    if (!same) {
        fail_msg("%s: %s", name, fx.e.text);
    }
}

static void test_bad(void **state)
{
    (void)state;
    size_t before = 0, after = 0;
    put_release("debian-12", "v1", DIGEST_1, T0);
    ok(journal_verify(fx.s, &before, E));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct import_result r;
        struct device d;
        memset(&fx.e, 0, sizeof fx.e);
        if (import(bad[i].text, &r) == 0) {
            fail_msg("%s: accepted", bad[i].name);
        }
        is_sentence(bad[i].name, bad[i].want);
        assert_int_equal(fx.e.kind, bad[i].kind);
        assert_int_equal(device_by_name(fx.s, "a", &d, NULL), -1); /* nothing of it is there */
    }
    ok(journal_verify(fx.s, &after, E));
    assert_int_equal(before, after);
}

static void test_against_the_store(void **state)
{
    (void)state;
    struct import_result r;
    struct device d;
    put_device("old", 1);
    fails(import("devices:\n" ONE("fresh", M2) ONE("hv-01", M1), &r), ERR_CONFLICT);
    is_sentence("MAC", "inv.yaml:3:50: device hv-01, interface eno1: the MAC address " M1
                       " belongs to the device old");
    fails(import("devices:\n  - name: hv-01\n    interfaces:\n      - name: e\n        mac: " M2
                 "\n        address: 10.77.0.1/24\n",
                 &r),
          ERR_CONFLICT);
    is_sentence("address",
                "inv.yaml:6:18: device hv-01, interface e: the address 10.77.0.1 belongs to the device old");
    assert_int_equal(device_by_name(fx.s, "fresh", &d, NULL), -1);
}

static void test_swap(void **state)
{
    (void)state;
    imported("devices:\n" ONE("a", M1) ONE("b", M2), 2, 0, 0, 0, 0);
    imported("devices:\n" ONE("a", M2) ONE("b", M1), 0, 2, 0, 0, 0);
    assert_int_equal(named("a").interfaces[0].mac.b[5], 2);
    assert_int_equal(named("b").interfaces[0].mac.b[5], 1);
    imported("devices:\n" ONE("c", M2) "  - {name: a, interfaces: []}\n", 1, 1, 0, 0,
             0); /* a gives its card to c */
    assert_int_equal(named("a").interfaces_n, 0);
    assert_int_equal(named("c").interfaces[0].mac.b[5], 2);
}

static void test_image_before_its_release(void **state)
{
    (void)state;
    const char *text = "devices:\n  - {name: hv-01, image: debian-12}\n";
    imported(text, 1, 0, 0, 0, 1);
    struct device d = named("hv-01");
    assert_string_equal(d.assigned, "debian-12");
    assert_int_equal(d.state, STATE_IDLE);
    imported(text, 0, 0, 1, 0, 1);
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported(text, 0, 0, 1, 1, 0); /* now it can be armed */
    assert_int_equal(named("hv-01").state, STATE_ARMED);
    imported(text, 0, 0, 1, 0, 0);
    ok(job_cancel(fx.s, d.id, "test", T0, E));
    imported(text, 0, 0, 1, 0, 0); /* what a person cancelled stays so */
}

/* What the file no longer wants is not written while the other image is being built. */
static void test_waiting_disarms(void **state)
{
    (void)state;
    struct job j;
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported("devices: [{name: a, image: debian-12}]\n", 1, 0, 0, 1, 0);
    struct import_result said;
    ok(import("devices: [{name: a, image: debian-13}]\n", &said));
    assert_int_equal(said.waiting, 1);
    assert_int_equal(said.cancelled, 1);
    assert_string_equal(said.missing, "debian-13");
    assert_string_equal(named("a").assigned, "debian-13");
    assert_int_equal(named("a").state, STATE_IDLE);
    assert_int_equal(current(named("a").id).state, JOB_CANCELLED);
    imported("devices: [{name: a, image: debian-12}]\n", 0, 0, 1, 1, 0);
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    j = current(named("a").id);
    ok(token_at(fx.s, &j, NULL, T0, t, E));
    ok(claim_at(fx.s, t, UUID_A, &vda, T0, &j, enrol, E));
    const char *text = "devices: [{name: a, image: debian-13}]\n";
    struct import_options o = {.actor = "test", .wipe_limit = 10};
    struct import_result r;
    fails(import_text(fx.s, "f", text, strlen(text), &o, T0, &r, E), ERR_CONFLICT);
    assert_int_equal(current(named("a").id).state, JOB_CLAIMED);
}

/* A corrected disk counts for the job that waits already. */
static void test_disk_of_an_armed_device(void **state)
{
    (void)state;
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported("devices: [{name: a, image: debian-12, disk: serial=X}]\n", 1, 0, 0, 1, 0);
    imported("devices: [{name: a, image: debian-12, disk: serial=DISK1}]\n", 0, 1, 0, 0, 0);
    struct job j = current(named("a").id);
    assert_string_equal(j.disk_selector, "serial=DISK1");
    char t[DIGEST_HEX], enrol[DIGEST_HEX];
    ok(token_at(fx.s, &j, NULL, T0, t, E));
    ok(claim_at(fx.s, t, UUID_A, &vda, T0, &j, enrol, E));
    imported("devices: [{name: a, image: debian-12, disk: serial=Y}]\n", 0, 1, 0, 0, 0);
    assert_string_equal(current(named("a").id).disk_selector, "serial=DISK1"); /* it writes now */
}

static void test_image_by_other_names(void **state)
{
    (void)state;
    put_release("debian-12", "v1", DIGEST_1, T0);
    put_release("rescue", "v1", DIGEST_2, T0);
    imported("devices: [{name: a, image: " DIGEST_1 "}]\n", 1, 0, 0, 1, 0);
    assert_string_equal(named("a").assigned, "debian-12@v1");
    imported("devices: [{name: a, image: " DIGEST_1 "}]\n", 0, 0, 1, 0, 0);
    imported("devices: [{name: a, image: debian-12@v1}]\n", 0, 0, 1, 0, 0);
    imported("devices: [{name: a, image: debian-12}]\n", 0, 0, 1, 0, 0);
    assert_string_equal(named("a").assigned, "debian-12");
    imported("devices: [{name: a, image: debian-12@v1}]\n", 0, 0, 1, 0, 0);
    assert_string_equal(named("a").assigned, "debian-12@v1");
    put_release("debian-12", "v2", DIGEST_3, T0 + 1);
    imported("devices: [{name: a, image: debian-12}]\n", 0, 0, 1, 1, 0); /* that is v2 now */
    assert_string_equal(current(named("a").id).digest, DIGEST_3);
    imported("devices: [{name: a, image: rescue}]\n", 0, 0, 1, 1, 0);
}

/* A protected device's image is what it carries; another one is refused. */
static void test_protected_and_an_image(void **state)
{
    (void)state;
    struct import_result r;
    put_release("debian-12", "v1", DIGEST_1, T0);
    ok(import("devices: [{name: b, protected: true, image: debian-11@old}]\n", &r));
    assert_int_equal(r.noted, 1);
    assert_int_equal(r.armed, 0);
    assert_string_equal(named("b").assigned, "debian-11@old");
    imported("devices: [{name: b, protected: true, image: debian-11@old}]\n", 0, 0, 1, 0, 0);
    fails(import("devices: [{name: b, protected: true, image: debian-12}]\n", &r), ERR_REFUSED);
    is_sentence("protected",
                "inv.yaml:1:45: b is protected and cannot be installed; `rackstrap device unprotect b` "
                "allows it");
    fails(import("devices: [{name: c, protected: true, image: a/b}]\n", &r), ERR_INPUT);
}

/* An inventory that is put back: its machines run, and neither this import nor a later one writes them. */
static void test_no_arm(void **state)
{
    (void)state;
    static const char text[] =
        "devices: [{name: a, image: debian-12}, {name: b, protected: true, image: debian-12}]\n";
    struct import_options o = {.actor = "test", .wipe_limit = 5, .no_arm = true};
    struct import_result r;
    struct job j;
    put_release("debian-12", "v1", DIGEST_1, T0);
    put_release("debian-13", "v1", DIGEST_2, T0);
    ok(import_text(fx.s, "inv.yaml", text, strlen(text), &o, T0, &r, E));
    assert_int_equal(r.noted, 2);
    assert_int_equal(r.armed, 0);
    assert_string_equal(named("a").assigned, "debian-12");
    imported(text, 0, 0, 2, 0, 0);
    ok(device_protect(fx.s, named("b").id, false, "test", E));
    imported("devices: [{name: b, image: debian-12}]\n", 0, 0, 1, 0, 0);
    fails(job_current(fx.s, named("b").id, &j, E), ERR_NOT_FOUND);
    static const char other[] = "devices: [{name: a, image: debian-13}]\n";
    fails(import_text(fx.s, "inv.yaml", other, strlen(other), &o, T0, &r, E), ERR_INPUT);
    is_sentence("no-arm",
                "inv.yaml:1:28: a is assigned debian-12; without arming, only a device that has no image can "
                "be given one: take the line away, or leave --no-arm out");
    imported(other, 0, 0, 1, 1, 0); /* who asks for another image gets it */
    assert_false(named("a").noted);
}

static void test_protected_and_installed_already(void **state)
{
    (void)state;
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported("devices: [{name: a, image: debian-12}]\n", 1, 0, 0, 1, 0);
    imported("devices: [{name: a, image: debian-12, protected: true}]\n", 0, 0, 1, 0, 0);
    assert_true(named("a").protected);
    imported("devices: [{name: a, image: debian-12}]\n", 0, 0, 1, 0, 0); /* not said: stays */
    assert_true(named("a").protected);
    imported("devices: [{name: a, image: debian-12, protected: false}]\n", 0, 0, 1, 0, 0);
    assert_false(named("a").protected);
}

static void test_wipe_limit(void **state)
{
    (void)state;
    struct import_options o = {.actor = "test", .wipe_limit = 1};
    struct import_result r;
    const char *text = "devices: [{name: a, image: debian-12}, {name: b, image: debian-12}]\n";
    put_release("debian-12", "v1", DIGEST_1, T0);
    fails(import_text(fx.s, "inv.yaml", text, strlen(text), &o, T0, &r, E), ERR_REFUSED);
    is_sentence("limit", "inv.yaml: this would wipe and install 2 devices, which is more than 1; if that is "
                         "meant, say so with --count 2");
    o.count = 3;
    fails(import_text(fx.s, "inv.yaml", text, strlen(text), &o, T0, &r, E), ERR_REFUSED);
    struct device d;
    assert_int_equal(device_by_name(fx.s, "a", &d, NULL), -1);
    o.count = 2;
    o.dry_run = true;
    ok(import_text(fx.s, "inv.yaml", text, strlen(text), &o, T0, &r, E));
    assert_int_equal(r.armed, 2);
    assert_int_equal(device_by_name(fx.s, "a", &d, NULL), -1);
    o.dry_run = false;
    ok(import_text(fx.s, "inv.yaml", text, strlen(text), &o, T0, &r, E));
    assert_int_equal(named("b").state, STATE_ARMED);
}

static void test_empty(void **state)
{
    (void)state;
    struct import_result r;
    fails(import("# nothing\n", &r), ERR_INPUT);
    assert_non_null(strstr(fx.e.text, "inv.yaml:1:1: there is nothing to import"));
    imported("devices: []\n", 0, 0, 0, 0, 0);
    imported("sites: [{slug: par1}]\ntenants: [{slug: t, name: T}]\nroles: []\nplatforms: [{slug: p}]\n", 0,
             0, 0, 0, 0);
}

static void test_too_many_interfaces(void **state)
{
    (void)state;
    struct str s = {0};
    struct import_result r;
    str_add(&s, "devices:\n  - name: a\n    interfaces:\n");
    for (int i = 0; i <= 1024; i++) {
        str_addf(&s, "      - {name: e%d, mac: \"52:54:00:00:%02x:%02x\"}\n", i, i / 256, i % 256);
    }
    fails(import(s.s, &r), ERR_INPUT);
    is_sentence("many", "inv.yaml:4:7: 1025 interfaces are more than the 1024 that a device can have here");
    str_free(&s);
}

/* Cut anywhere: an error or a smaller inventory, never half of a device. */
static void test_every_truncation(void **state)
{
    (void)state;
    struct import_options o = options;
    o.dry_run = true;
    put_release("debian-12", "v1", DIGEST_1, T0);
    for (size_t n = 0; n <= strlen(GOOD); n++) {
        struct import_result r;
        struct err e = {0};
        int got = import_text(fx.s, "inv.yaml", GOOD, n, &o, T0, &r, &e);
        assert_true(got == 0 || str_starts(e.text, "inv.yaml:"));
    }
}

static void add_made(const char *what, const char *slug, const char *device, void *ctx)
{
    str_addf(ctx, "%s %s (%s)\n", what, slug, device);
}

/* What comes into being by being named only is told, once. */
static void test_made(void **state)
{
    (void)state;
    struct str told = {0};
    struct import_result r;
    options.made = add_made;
    options.made_ctx = &told;
    ok(import("sites: [{slug: par1}]\n"
              "devices:\n"
              "  - {name: a, site: par1, rack: r1, role: web}\n"
              "  - {name: b, site: par2, rack: r1, role: web}\n"
              "  - {name: c, site: par2, rack: r1}\n",
              &r));
    assert_string_equal(told.s, "rack r1 (a)\nrole web (a)\nsite par2 (b)\nrack r1 (b)\n");
    str_reset(&told);
    ok(import("devices: [{name: d, site: par2, rack: r1, role: web}]\n", &r));
    assert_int_equal(told.len, 0);
    str_free(&told);
    options.made = NULL;
}

#define OPTIONED(ntp, tftp, mtu)                                                                             \
    "sites: [{slug: par1, name: Paris, dhcp_options: {ntp-servers: " ntp "}}]\n"                             \
    "roles: [{slug: hv, dhcp_options: {150: " tftp "}}]\n"                                                   \
    "devices:\n  - {name: hv-01, site: par1, role: hv, dhcp_options: {interface-mtu: " mtu "}}\n"            \
    "  - {name: hv-02, site: par1}\n"

static size_t told;

static int count_changed(const struct entry *x, void *ctx)
{
    (void)ctx;
    told += strcmp(x->event, "changed") == 0;
    return 0;
}

static size_t changes_told(void)
{
    told = 0;
    ok(journal_each(fx.s, 0, 0, 0, count_changed, NULL, E));
    return told;
}

/* By their numbers: of the device, its role, its site. What is the same has the same number. */
static void test_dhcp_options(void **state)
{
    (void)state;
    struct dhcp_set set;
    imported(OPTIONED("10.0.0.1", "10.0.0.2", "9000"), 2, 0, 0, 0, 0);
    struct device a = named("hv-01"), b = named("hv-02");
    assert_true(a.options && a.role_options && a.site_options && a.site_options == b.site_options);
    assert_true(!b.options && !b.role_options);
    ok(options_get(fx.s, a.options, &set, E));
    assert_true(span_eq(dhcp_set_span(&set), span_of("\x1a\x00\x00\x02\x23\x28", 6)));
    assert_int_equal(changes_told(), 0); /* what is new is `created` */

    imported(OPTIONED("10.0.0.1", "10.0.0.2", "9000"), 0, 0, 2, 0, 0);
    assert_int_equal(changes_told(), 0);
    imported(OPTIONED("10.0.0.1", "10.0.0.2", "1500"), 0, 1, 1, 0, 0);
    assert_true(named("hv-01").options != a.options);
    assert_int_equal(changes_told(), 1);
    imported(OPTIONED("[10.0.0.1]", "10.0.0.3", "9000"), 0, 1, 1, 0, 0);
    assert_true(named("hv-01").options == a.options); /* the same again, the same number */
    assert_true(named("hv-01").site_options == a.site_options);
    assert_true(named("hv-01").role_options != a.role_options);
    assert_int_equal(changes_told(), 3);
    /* What the file no longer says is gone; a site that it does not list stays as it is. */
    imported("roles: [{slug: hv}]\ndevices: [{name: hv-01, site: par1, role: hv}]\n", 0, 1, 0, 0, 0);
    struct device d = named("hv-01");
    assert_true(!d.options && !d.role_options && d.site_options == a.site_options);
}

static void test_dhcp_options_mistakes(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"devices: [{name: a, dhcp_options: {42: x}}]\n", "inv.yaml:1:40: option 42 (ntp-servers): \"x\""},
        {"devices: [{name: a, dhcp_options: {51: 60}}]\n", "cannot be set"},
        {"sites: [{slug: a, dhcp_options: {nope: 1}}]\n", "inv.yaml:1:40: no DHCP option is named"},
        {"racks: [{slug: a, dhcp_options: {42: 1.1.1.1}}]\n", "unknown key \"dhcp_options\""},
        {"platforms: [{slug: a, dhcp_options: {42: 1.1.1.1}}]\n", "unknown key \"dhcp_options\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct import_result r;
        fails(import(rows[i][0], &r), ERR_INPUT);
        if (!strstr(fx.e.text, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], fx.e.text);
    }
}

/* What the API refuses in a custom field, import refuses. */
static void test_custom_field_values(void **state)
{
    (void)state;
#define DEFINED                                                                                              \
    "custom_fields: [{name: pick, type: select, choices: [\"1\", b], required: true, object_types: "         \
    "[dcim.device]}, {name: many, type: multiselect, choices: [\"1\", b], object_types: [dcim.device]}, "    \
    "{name: day, type: date, object_types: [dcim.device]}]\n"
    static const char *const rows[][2] = {
        {"pick: c", "inv.yaml:2:43: device a: this is no value of the custom field \"pick\", whose type is "
                    "select: This is not one of the field's choices."},
        {"pick: ''", "inv.yaml:2:43: device a: this is no value of the custom field \"pick\", whose type is "
                     "select: Required field cannot be empty."},
        {"many: [b, c]", "inv.yaml:2:43: device a: this is no value"},
        {"many: b", "inv.yaml:2:43: device a: this is no value"},
        {"day: soon", "inv.yaml:2:42: device a: this is no value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct import_result r;
        char *text = xasprintf(DEFINED "devices: [{name: a, custom_fields: {%s}}]\n", rows[i][0]);
        fails(import(text, &r), ERR_INPUT);
        if (!strstr(fx.e.text, rows[i][1]))
            fail_msg("%s: %s", rows[i][0], fx.e.text);
        free(text);
    }
    imported(DEFINED "devices: [{name: a, custom_fields: {pick: 1, many: [1, b], day: 2026-11-21}}]\n", 1, 0,
             0, 0, 0);
#undef DEFINED
}

static void test_position_needs_a_rack(void **state)
{
    (void)state;
    struct import_result r;
    imported("devices: [{name: a, rack: r1, position: 3, face: front}]\n", 1, 0, 0, 0, 0);
    fails(import("devices: [{name: a, position: 3}]\n", &r), ERR_INPUT);
    assert_non_null(
        strstr(fx.e.text, "inv.yaml:1:31: device a: a position is in a rack, and it has no rack"));
    imported("devices: [{name: a, rack: r1}]\n", 0, 0, 1, 0, 0);
    imported("devices: [{name: a}]\n", 0, 1, 0, 0, 0);
    imported("devices: [{name: a, rack: '', position: '', face: ''}]\n", 0, 0, 1, 0, 0);
}

static void test_rack_of_no_site(void **state)
{
    (void)state;
    struct import_result r;
    imported("devices: [{name: a, rack: q}]\n", 1, 0, 0, 0, 0);
    ok(import("racks: [{slug: q, name: Q}]\n", &r));
    assert_int_equal(r.objects_new, 0);
    assert_int_equal(r.objects_changed, 1);
}

static const char *use_of(void *ctx, struct ip4 ip)
{
    return ip.a == 0x0a4d0001 ? ctx : NULL;
}

static void test_address_in_use(void **state)
{
    (void)state;
    static char use[] = "the router of 10.77.0.0/24";
    struct import_options o = options;
    struct import_result r;
    static const char text[] = "devices: [{name: a, interfaces: [{name: e, mac: 525400000001, address: "
                               "10.77.0.1/24}]}]\n";
    o.address_use = use_of;
    o.address_ctx = use;
    fails(import_text(fx.s, "inv.yaml", text, strlen(text), &o, T0, &r, E), ERR_INPUT);
    assert_non_null(strstr(fx.e.text, "10.77.0.1 is the router of 10.77.0.0/24"));
}

static void note_address(void *ctx, const char *device, struct ip4_if address)
{
    char text[PREFIX_STR];
    assert_string_equal(device, "a");
    strcpy(ctx, ip4_if_format(address, text));
}

static void test_addresses_are_shown(void **state)
{
    (void)state;
    static const char text[] =
        "devices:\n  - {name: a, interfaces: [{name: e, mac: \"" M1 "\", address: 10.0.0.1/31}]}\n";
    struct import_options o = options;
    struct import_result r;
    char seen[PREFIX_STR] = "";
    o.address_seen = note_address;
    o.address_ctx = seen;
    ok(import_text(fx.s, "inv.yaml", text, strlen(text), &o, T0, &r, E));
    assert_string_equal(seen, "10.0.0.1/31");
}

/* What is NetBox's is changed there; the file may say the same, and what is ours. */
static void test_of_netbox(void **state)
{
    (void)state;
    struct import_result r;
    static const char same[] =
        "devices:\n  - {name: a, role: x, disk: only, interfaces: [{name: e, mac: \"" M1 "\"}]}\n";
    imported(same, 1, 0, 0, 0, 0);
    ok(db_run(fx.s, "UPDATE devices SET netbox_id = 7, assigned = 'debian-12'", NULL, 0, E));
    put_release("debian-12", "v1", DIGEST_1, T0);
    imported(same, 0, 0, 1, 0, 0);
    imported("devices:\n  - {name: a, role: x, disk: only, image: debian-12, protected: true, interfaces: "
             "[{name: e, mac: "
             "\"" M1 "\"}]}\n",
             0, 0, 1, 0, 0);
    assert_true(named("a").protected);
    fails(import("devices:\n  - {name: a, role: y, disk: only, interfaces: [{name: e, mac: \"" M1 "\"}]}\n",
                 &r),
          ERR_CONFLICT);
    is_sentence("role", "inv.yaml:2:12: device a: the device a is NetBox's, by its number 7 there*");
    fails(import("devices:\n  - {name: a, role: x, disk: only, interfaces: [{name: e, mac: \"" M2 "\"}]}\n",
                 &r),
          ERR_CONFLICT);
    fails(import("devices:\n" ONE("b", M1) "  - {name: a, role: x, disk: only, interfaces: []}\n", &r),
          ERR_CONFLICT);
    assert_int_equal(named("a").interfaces_n, 1);
}

/* Who asks for the prefixes of a site gets those of its locations too; and who may not see the site does not
 * see them. */
static void test_prefix_of_a_location(void **state)
{
    (void)state;
    static const char in_site[] =
        "SELECT count(*) FROM prefixes p JOIN sites s ON s.id = p.site_id WHERE s.slug = 'par1'";
    static const char *const texts[] = {
        "locations: [{site: par1, slug: hall}]\nprefixes: [{prefix: 10.1.0.0/24, site: par1, location: "
        "hall}]\n",
        "prefixes: [{prefix: 10.1.0.0/24, site: par1, location: hall, status: reserved}]\n",
    };
    struct import_result r;
    for (size_t i = 0; i < 2; i++) {
        int64_t n = 0;
        ok(import(texts[i], &r));
        assert_int_equal(db_number(fx.s, in_site, NULL, 0, &n, E), 1);
        assert_int_equal(n, 1);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_good),
        T(test_addresses_are_shown),
        T(test_again_is_the_same),
        T(test_from_a_file),
        T(test_bad),
        T(test_against_the_store),
        T(test_swap),
        T(test_image_before_its_release),
        T(test_waiting_disarms),
        T(test_disk_of_an_armed_device),
        T(test_image_by_other_names),
        T(test_protected_and_an_image),
        T(test_no_arm),
        T(test_protected_and_installed_already),
        T(test_of_netbox),
        T(test_wipe_limit),
        T(test_empty),
        T(test_too_many_interfaces),
        T(test_every_truncation),
        T(test_made),
        T(test_dhcp_options),
        T(test_dhcp_options_mistakes),
        T(test_custom_field_values),
        T(test_position_needs_a_rack),
        T(test_rack_of_no_site),
        T(test_address_in_use),
        T(test_prefix_of_a_location),
    };
    return cmocka_run_group_tests_name("inventory/import", tests, NULL, NULL);
}

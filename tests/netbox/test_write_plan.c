/* What a NetBox is told, from entries and facts alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "netbox/write_plan.h"

static const struct netbox_config all = {
    .url = "http://netbox.example",
    .write = {
        .status = true, .journal = true, .release_field = "installed_release", .hardware_field = "hardware"}};

static struct entry entry(const char *event, const char *detail)
{
    struct entry x = {.id = 7, .device_id = 3};
    str_copy(x.event, sizeof x.event, event);
    str_copy(x.detail, sizeof x.detail, detail);
    str_copy(x.actor, sizeof x.actor, "httpboot");
    return x;
}

static void test_wanted(void **state)
{
    static const struct {
        const char *event;
        unsigned wanted;
    } rows[] = {
        {"assigned", WRITE_JOURNAL},
        {"claimed", WRITE_JOURNAL | WRITE_HARDWARE},
        {"written", WRITE_JOURNAL | WRITE_RELEASE},
        {"ready", WRITE_JOURNAL | WRITE_STATUS | WRITE_RELEASE | WRITE_HARDWARE},
        {"failed", WRITE_JOURNAL | WRITE_STATUS},
        {"expired", WRITE_JOURNAL | WRITE_STATUS},
        {"cancelled", WRITE_JOURNAL},
        {"installer", WRITE_HARDWARE},
        /* What the sync does, what people change, what happens on every boot: nothing. */
        {"created", 0},
        {"changed", 0},
        {"address", 0},
        {"loader", 0},
        {"script", 0},
        {"netbox-refused", 0},
    };
    struct netbox_config c = {.write = {.status = true}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct entry x = entry(rows[i].event, "");
        assert_int_equal(write_wanted(&all, &x), rows[i].wanted);
        assert_int_equal(write_wanted(&c, &x), rows[i].wanted & WRITE_STATUS);
        x.device_id = 0;
        assert_int_equal(write_wanted(&all, &x), 0);
    }
}

static void assert_json(json_t *got, const char *wanted)
{
    json_t *j = json_loads(wanted, 0, NULL);
    char *text = json_dumps(got, JSON_COMPACT);
    assert_non_null(j);
    if (!json_equal(got, j)) {
        fail_msg("%s instead of %s", text, wanted);
    }
    free(text);
    json_decref(j);
    json_decref(got);
}

static void test_journal(void **state)
{
    struct entry ready = entry("ready", "the machine answers the master");
    struct entry failed = entry("failed", "`<script>`\n[x](http://evil.example)");
    (void)state;
    assert_json(write_journal_body(&ready, 42),
                "{\"assigned_object_type\":\"dcim.device\",\"assigned_object_id\":42,\"kind\":\"success\","
                "\"comments\":"
                "\"rackstrap: ready: `the machine answers the master` (by `httpboot`, entry 7)\"}");
    assert_json(write_journal_body(&failed, 42),
                "{\"assigned_object_type\":\"dcim.device\",\"assigned_object_id\":42,\"kind\":\"danger\","
                "\"comments\":"
                "\"rackstrap: failed: `'<script>' [x](http://evil.example)` (by `httpboot`, entry 7)\"}");
}

#define FIELDS(release, hardware)                                                                            \
    "\"custom_fields\":{\"installed_release\":" release ",\"hardware\":" hardware ",\"owner\":\"x\"}"

static void test_patch(void **state)
{
    static const struct {
        unsigned wanted;
        enum device_state at;
        const char *now, *patch, *missing;
    } rows[] = {
        {WRITE_STATUS, STATE_READY, "{\"status\":{\"value\":\"staged\"}}", "{\"status\":\"active\"}", ""},
        {WRITE_STATUS, STATE_READY, "{\"status\":{\"value\":\"failed\"}}", "{\"status\":\"active\"}", ""},
        {WRITE_STATUS, STATE_READY, "{\"status\":{\"value\":\"active\"}}", NULL, ""},
        {WRITE_STATUS, STATE_FAILED, "{\"status\":{\"value\":\"active\"}}", "{\"status\":\"failed\"}", ""},
        {WRITE_STATUS, STATE_FAILED, "{\"status\":{\"value\":\"failed\"}}", NULL, ""},
        /* Somebody has taken it out of service, or means to install it again. */
        {WRITE_STATUS, STATE_READY, "{\"status\":{\"value\":\"decommissioning\"}}", NULL, ""},
        {WRITE_STATUS, STATE_FAILED, "{\"status\":{\"value\":\"offline\"}}", NULL, ""},
        {WRITE_STATUS, STATE_ARMED, "{\"status\":{\"value\":\"staged\"}}", NULL, ""},
        /* No device at all, as far as we can see. */
        {WRITE_STATUS, STATE_READY, "{\"status\":5}", NULL, ""},
        {WRITE_STATUS, STATE_READY, "[]", NULL, ""},
        /* Fields: only what differs, and no other's. */
        {WRITE_RELEASE, STATE_READY, "{" FIELDS("null", "null") "}",
         "{\"custom_fields\":{\"installed_release\":\"demo@2\"}}", ""},
        {WRITE_RELEASE, STATE_READY, "{" FIELDS("\"demo@2\"", "null") "}", NULL, ""},
        {WRITE_OBJECT, STATE_READY,
         "{\"status\":{\"value\":\"staged\"}," FIELDS("\"demo@1\"", "{\"cpus\":1}") "}",
         "{\"status\":\"active\",\"custom_fields\":{\"installed_release\":\"demo@2\",\"hardware\":{\"cpus\":"
         "2}}}",
         ""},
        {WRITE_HARDWARE, STATE_READY, "{" FIELDS("null", "{\"cpus\":2}") "}", NULL, ""},
        /* NetBox lacks a field: the rest is told. */
        {WRITE_OBJECT, STATE_READY,
         "{\"status\":{\"value\":\"staged\"},\"custom_fields\":{\"hardware\":null}}",
         "{\"status\":\"active\",\"custom_fields\":{\"hardware\":{\"cpus\":2}}}", "installed_release"},
    };
    json_t *hardware = json_loads("{\"cpus\":2}", 0, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct write_facts f = {.state = rows[i].at, .release = "demo@2", .hardware = hardware};
        json_t *now = json_loads(rows[i].now, 0, NULL);
        char missing[NETBOX_NAME];
        json_t *patch = write_patch(&all, rows[i].wanted, &f, now, missing);
        assert_string_equal(missing, rows[i].missing);
        if (rows[i].patch) {
            assert_non_null(patch);
            assert_json(patch, rows[i].patch);
        } else {
            assert_null(patch);
        }
        json_decref(now);
    }
    json_decref(hardware);
}

/* Nothing is known of the machine yet: nothing is told of it. */
static void test_nothing_known(void **state)
{
    struct write_facts f = {.state = STATE_ARMED, .release = ""};
    json_t *now =
        json_loads("{\"status\":{\"value\":\"staged\"}," FIELDS("\"old@1\"", "{\"cpus\":1}") "}", 0, NULL);
    char missing[NETBOX_NAME];
    (void)state;
    assert_null(write_patch(&all, WRITE_OBJECT, &f, now, missing));
    json_decref(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_patch),
        cmocka_unit_test(test_nothing_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

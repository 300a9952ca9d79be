#include "netbox/write_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* ---- entries */

static const struct {
    const char *event, *kind;
    unsigned wanted;
} steps[] = {
    {"assigned", "info", WRITE_JOURNAL},
    {"installer", NULL, WRITE_HARDWARE},
    {"claimed", "info", WRITE_JOURNAL | WRITE_HARDWARE},
    {"written", "success", WRITE_JOURNAL | WRITE_RELEASE},
    {"ready", "success", WRITE_JOURNAL | WRITE_STATUS | WRITE_RELEASE | WRITE_HARDWARE},
    {"failed", "danger", WRITE_JOURNAL | WRITE_STATUS},
    {"expired", "warning", WRITE_JOURNAL | WRITE_STATUS},
    {"cancelled", "warning", WRITE_JOURNAL},
};

/* The row of an event; -1. */
static int step_of(const char *event)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(steps[i].event, event) == 0) {
            return (int)i;
        }
    }
    return -1;
}

unsigned write_wanted(const struct netbox_config *c, const struct entry *x)
{
    int i = x->device_id ? step_of(x->event) : -1;
    unsigned allowed = (c->write.journal ? WRITE_JOURNAL : 0) | (c->write.status ? WRITE_STATUS : 0) |
                       (*c->write.release_field ? WRITE_RELEASE : 0) |
                       (*c->write.hardware_field ? WRITE_HARDWARE : 0);
    return i < 0 ? 0 : steps[i].wanted & allowed;
}

/* A code span ends at the next backtick, and lives in one line. */
static void add_code(struct str *b, const char *text)
{
    str_add(b, "`");
    for (; *text; text++) {
        unsigned char ch = (unsigned char)*text;
        str_addn(b, ch == '`' ? "'" : ch < ' ' || ch == 127 ? " " : text, 1);
    }
    str_add(b, "`");
}

json_t *write_journal_body(const struct entry *x, int64_t netbox_id)
{
    struct str text = {0};
    int i = step_of(x->event);
    str_addf(&text, "rackstrap: %s", x->event);
    if (*x->detail) {
        str_add(&text, ": ");
        add_code(&text, x->detail);
    }
    str_addf(&text, " (by ");
    add_code(&text, x->actor);
    str_addf(&text, ", entry %lld)", (long long)x->id);
    json_t *body = json_pack("{s:s, s:I, s:s, s:s}", "assigned_object_type", "dcim.device",
                             "assigned_object_id", (json_int_t)netbox_id, "kind",
                             i >= 0 && steps[i].kind ? steps[i].kind : "info", "comments", text.s);
    str_free(&text);
    return body;
}

/* ---- the device */

/* Whose place a status of ours may take. */
static const struct {
    enum device_state state;
    const char *status, *from[3];
} statuses[] = {
    {STATE_READY, "active", {"planned", "staged", "failed"}},
    {STATE_FAILED, "failed", {"planned", "staged", "active"}},
};

static const char *new_status(enum device_state state, const char *now)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        for (size_t k = 0; k < 3 && statuses[i].state == state; k++) {
            if (strcmp(statuses[i].from[k], now) == 0) {
                return statuses[i].status;
            }
        }
    }
    return NULL;
}

/* value is taken over. A field that NetBox has no value of is there as null; one that it does not have is
 * not. */
static void add_field(json_t *fields, const json_t *now, const char *name, json_t *value,
                      char missing[NETBOX_NAME])
{
    const json_t *was = json_object_get(now, name);
    if (!was) {
        str_copy(missing, NETBOX_NAME, name);
    } else if (!json_equal(was, value)) {
        json_object_set(fields, name, value);
    }
    json_decref(value);
}

json_t *write_patch(const struct netbox_config *c, unsigned wanted, const struct write_facts *facts,
                    const json_t *now, char missing[NETBOX_NAME])
{
    const char *was = json_string_value(json_object_get(json_object_get(now, "status"), "value"));
    const char *status = wanted & WRITE_STATUS && was ? new_status(facts->state, was) : NULL;
    const json_t *fields_now = json_object_get(now, "custom_fields");
    json_t *body = json_object(), *fields = json_object();
    *missing = '\0';
    if (status) {
        json_object_set_new(body, "status", json_string(status));
    }
    if (wanted & WRITE_RELEASE && *facts->release) {
        add_field(fields, fields_now, c->write.release_field, json_string(facts->release), missing);
    }
    if (wanted & WRITE_HARDWARE && facts->hardware) {
        add_field(fields, fields_now, c->write.hardware_field, json_deep_copy(facts->hardware), missing);
    }
    if (json_object_size(fields)) {
        json_object_set(body, "custom_fields", fields);
    }
    json_decref(fields);
    if (json_object_size(body) == 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

/* shapes: every key of what a NetBox answered (tests/vectors/netbox) is one of ours, in the object and in
 * what stands in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "inventory/model.h"

#define FROM "tests/vectors/netbox/4.7/"

static json_t *load(const char *app, const char *name)
{
    char path[128];
    json_error_t e;
    snprintf(path, sizeof path, FROM "%s/%s.json", app, name);
    json_t *j = json_load_file(path, 0, &e);
    if (!j)
        fail_msg("%s: %s", path, e.text);
    return j;
}

static void has_keys(const struct model *m, const json_t *object, bool brief)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)object, key, v)
    {
        int i = model_field(m, key);
        if (i < 0)
            fail_msg("%s has no %s", m->type, key);
        /* a location within a location has its page too; no client asks for it there */
        if (brief && !(m->fields[i].flags & FIELD_BRIEF) && strcmp(key, "display_url"))
            fail_msg("the brief %s has no %s", m->type, key);
        if (m->fields[i].kind == FIELD_REF && json_is_object(v))
            has_keys(model_get(m->fields[i].to), v, true);
    }
}

static void every_key_is_ours(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        size_t k;
        json_t *row;
        const struct model *m = model_get((enum model_id)i);
        if (m->id == MODEL_NOTE) /* none was there when it was asked */
            continue;
        json_t *list = load(m->app, m->endpoint);
        assert_true(json_array_size(json_object_get(list, "results")) > 0);
        json_array_foreach(json_object_get(list, "results"), k, row)
        {
            has_keys(m, row, false);
        }
        json_decref(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_key_is_ours)};
    return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}

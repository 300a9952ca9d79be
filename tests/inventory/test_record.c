/* Reading NetBox's objects: fields, filters, order, pages. Tenants are test_record_scope.c's. */
#include "fixture.h"

#include "inventory/record.h"

static const struct who all = {.actor = "test", .at_ms = T0};

/* What a list gave, as text: the values of one field, joined by blanks. */
struct seen {
    const char *field;
    struct str text;
    size_t n;
};

static void add_value(struct str *out, const struct value *v)
{
    char time[TIME_STR];
    switch (v->type) {
    case VALUE_NONE:
        str_add(out, "-");
        break;
    case VALUE_NULL:
        str_add(out, "null");
        break;
    case VALUE_BOOL:
        str_add(out, v->i ? "true" : "false");
        break;
    case VALUE_INT:
        str_addf(out, "%lld", (long long)v->i);
        break;
    case VALUE_REAL:
        str_addf(out, "%g", v->real);
        break;
    case VALUE_TEXT:
        assert_int_equal(strlen(v->text), v->n);
        str_add(out, v->text);
        break;
    case VALUE_CHOICE:
        str_addf(out, "%s(%s)", v->text, v->label);
        break;
    case VALUE_JSON:
        str_addn(out, v->text, v->n);
        break;
    case VALUE_TIME:
        str_add(out, time_format(v->i, time));
        break;
    case VALUE_RECORD:
    case VALUE_RECORDS:
        for (size_t i = 0; i < (v->type == VALUE_RECORD ? 1 : v->n); i++) {
            const struct record *r = v->type == VALUE_RECORD ? v->record : v->records[i];
            str_addf(out, "%s<%s:", i ? "," : "", r->m->noun);
            add_value(out, &r->v[3]);
            str_add(out, ">");
        }
        break;
    case VALUE_URL:
    case VALUE_DISPLAY_URL:
        str_add(out, "url");
        break;
    }
}

static int see(const struct record *r, void *ctx)
{
    struct seen *x = ctx;
    str_add(&x->text, x->n++ ? " " : "");
    add_value(&x->text, &r->v[model_field(r->m, x->field)]);
    return 0;
}

static struct str list_text;
static const char *list(enum model_id model, const char *field, struct record_query q)
{
    struct seen x = {.field = field};
    struct faults f = {0};
    q.fields = q.fields ? q.fields : model_all(model_get(model));
    str_add(&x.text, "");
    ok(record_each(fx.s, &all, model_get(model), &q, see, &x, &f, E));
    assert_int_equal(f.n, 0);
    int64_t n;
    if (!q.limit && !q.offset && !q.by_id) {
        ok(record_count(fx.s, &all, model_get(model), &q, &n, &f, E) < 0);
        assert_int_equal(n, x.n);
    }
    str_free(&list_text);
    list_text = x.text;
    return list_text.s;
}

#define WHERE(...)                                                                                           \
    (struct record_query)                                                                                    \
    {                                                                                                        \
        .terms = (const struct record_term[]){__VA_ARGS__},                                                  \
        .n = sizeof((const struct record_term[]){__VA_ARGS__}) / sizeof(struct record_term)                  \
    }
#define names(model, ...) list(model, "name", WHERE(__VA_ARGS__))

static int fill(void **state)
{
    fixture_open(state);
    for (unsigned i = 1; i <= 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "hv-%u", i);
        struct device d = make_device(name, i);
        str_copy(d.role, sizeof d.role, i < 3 ? "hypervisor" : "store");
        str_copy(d.model, sizeof d.model, "R640");
        str_copy(d.site, sizeof d.site, i < 4 ? "par1" : "lyo1");
        ok(device_put(fx.s, &d, "test", NULL, E));
    }
    return 0;
}

static void test_sql(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        list(m->id, "id", (struct record_query){0});
        for (size_t k = 0; k < m->filters_n; k++) {
            for (unsigned op = 0; op < OP_COUNT; op++) {
                static const char *const values[] = {"1",      "null",        "x",
                                                     "true",   "2026-11-21",  "10.0.0.0/8",
                                                     "active", "' OR 1=1 --", "aa:bb:cc:dd:ee:ff",
                                                     ""};
                for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
                    char name[64];
                    struct seen x = {.field = "id"};
                    struct faults f = {0};
                    snprintf(name, sizeof name, "%s%s", m->filters[k].name, op_suffix((enum filter_op)op));
                    struct record_query q = WHERE({name, values[j]});
                    int r = record_each(fx.s, &all, m, &q, see, &x, &f, E);
                    if (r < 0 && f.n == 0) {
                        fail_msg("%s %s=%s: %s", m->endpoint, name, values[j], fx.e.text);
                    }
                    faults_free(&f);
                    str_free(&x.text);
                }
            }
        }
    }
}

static void test_filters(void **state)
{
    (void)state;
    assert_string_equal(names(MODEL_DEVICE, {"name", "hv-1"}), "hv-1");
    assert_string_equal(names(MODEL_DEVICE, {"name", "hv-1"}, {"name", "hv-3"}), "hv-1 hv-3");
    assert_string_equal(names(MODEL_DEVICE, {"name__n", "hv-1"}), "hv-2 hv-3 hv-4");
    assert_string_equal(names(MODEL_DEVICE, {"site", "lyo1"}), "hv-4");
    assert_string_equal(names(MODEL_DEVICE, {"role", "store"}, {"site", "par1"}), "hv-3");
    assert_string_equal(names(MODEL_DEVICE, {"mac_address", "525400000002"}), "hv-2");
    assert_string_equal(names(MODEL_DEVICE, {"name__regex", "^hv-[12]$"}), "hv-1 hv-2");
    assert_string_equal(names(MODEL_DEVICE, {"nonsense", "x"}), "hv-1 hv-2 hv-3 hv-4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sql, fill, fixture_close),
        cmocka_unit_test_setup_teardown(test_filters, fill, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

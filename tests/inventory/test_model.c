/* The models' tables: that they are whole, and how they are looked up. That their keys are NetBox's is
 * tests/api's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "inventory/model.h"

static void check_field(const struct model *m, size_t k)
{
    const struct field *f = &m->fields[k];
    assert_non_null(f->name);
    assert_int_equal(model_field(m, f->name), k); /* no name twice */
    assert_true(f->kind != FIELD_REF || (f->column && f->to < MODEL_COUNT));
    assert_true(f->kind != FIELD_CHOICE || f->choices);
    assert_true(f->kind != FIELD_CONSTANT || f->constant);
    assert_true(f->kind != FIELD_COUNT || f->by);
    assert_true(!(f->flags & FIELD_UNIQUE) || f->column);
    assert_true(!f->missing || !f->choices || choice_find(f->choices, f->missing));
}

static void check_filter(const struct model *m, size_t k)
{
    const struct filter *f = &m->filters[k];
    enum filter_op op = OP_COUNT;
    assert_ptr_equal(model_filter(m, f->name, &op), f);
    assert_int_equal(op, OP_IS);
    bool key = f->kind == FILTER_REF_KEY || f->kind == FILTER_TREE_KEY;
    assert_true(!key || f->key);
    assert_true(f->kind != FILTER_CHOICE || f->choices);
    assert_true((f->kind == FILTER_SPECIAL) == (f->special != SPECIAL_NONE));
}

static void test_tables(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_COUNT; i++) {
        const struct model *m = model_get((enum model_id)i);
        assert_int_equal(m->id, i);
        assert_true(m->fields_n > 0 && m->fields_n <= 64);
        assert_string_equal(m->fields[0].name, "id");
        for (size_t k = 0; k < m->fields_n; k++) {
            check_field(m, k);
        }
        for (size_t k = 0; k < m->filters_n; k++) {
            check_filter(m, k);
        }
        assert_ptr_equal(model_by_type(m->type), m);
        assert_ptr_equal(model_by_path(m->app, strlen(m->app), m->endpoint, strlen(m->endpoint)), m);
        assert_int_equal(model_brief(m) & ~model_all(m), 0);
    }
}

static void test_lookup(void **state)
{
    (void)state;
    const struct model *m = model_get(MODEL_DEVICE);
    enum filter_op op;
    assert_non_null(model_filter(m, "name__nisw", &op));
    assert_int_equal(op, OP_NISW);
    assert_non_null(model_filter(m, "id__lte", &op));
    assert_int_equal(op, OP_LTE);
    assert_null(model_filter(m, "name__", &op));
    assert_null(model_filter(m, "name__lt", &op));
    assert_null(model_filter(m, "site__ic", &op));
    assert_null(model_filter(m, "nonsense", &op));
    assert_null(model_filter(m, "", &op));
    assert_null(model_by_path("dcim", 4, "device", 6));
    assert_null(model_by_path("dcim", 4, "devicesx", 8));
    assert_non_null(model_by_path("dcimx", 4, "devicesx", 7));
    assert_null(model_by_type("dcim.cable"));
    assert_int_equal(model_field(m, "nonsense"), -1);
    assert_string_equal(choice_find(m->fields[model_field(m, "status")].choices, "staged")->label, "Staged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_lookup)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

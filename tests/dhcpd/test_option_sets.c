/* The sets of options that dhcpd has read: each layer's own, also when two numbers fall into one place; and a
 * set that is not there. */
#include "tests/dhcpd/build.h"

#include "base/file.h"
#include "base/str.h"
#include "dhcpd/io_options.h"

#define SETS 1030 /* more than a table has places */

static void sets_of_each_layer(void **state)
{
    char dir[] = "/tmp/rackstrap-options-XXXXXX";
    struct store *s;
    struct err e;
    int64_t ids[SETS];
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(store_open(dir, &s, &e), 0);
    assert_int_equal(store_begin(s, &e), 0);
    for (unsigned i = 0; i < SETS; i++) {
        uint8_t value[] = {(uint8_t)(i >> 8), (uint8_t)i};
        struct dhcp_set set = {0};
        struct dhcp_option o = {.code = 26, .value = span_of(value, 2)};
        assert_int_equal(dhcp_set_put(&set, &o, &e), 0);
        assert_int_equal(options_keep(s, dhcp_set_span(&set), &ids[i], &e), 0);
    }
    assert_int_equal(store_commit(s, &e), 0);

    struct option_sets *sets = option_sets_new(s);
    struct span got[FACT_LAYERS];
    for (int round = 0; round < 2; round++)
        for (unsigned i = 0; i < SETS; i++) {
            unsigned far = (i + 1024) % SETS; /* most of these share a place */
            struct device d = {.options = ids[i], .role_options = ids[far]};
            assert_int_equal(option_sets_find(sets, &d, got), 0);
            assert_int_equal(got[FACT_DEVICE].p[4] << 8 | got[FACT_DEVICE].p[5], i);
            assert_int_equal(got[FACT_ROLE].p[4] << 8 | got[FACT_ROLE].p[5], far);
            assert_int_equal(got[FACT_SITE].n, 0);
        }
    assert_int_equal(option_sets_find(sets, &(struct device){.options = 99999}, got), -1);
    option_sets_free(sets);
    store_close(s);
    assert_int_equal(dir_remove(dir, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sets_of_each_layer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "enrol/backoff.h"

static void test_down(void **state)
{
    static const uint32_t full[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};

    (void)state;
    for (uint32_t i = 0; i < sizeof full / sizeof *full; i++) {
        uint32_t half = full[i] / 2 < 1000 ? 1000 : full[i] / 2;

        assert_int_equal(backoff_down_ms(i, 0), full[i]);
        assert_in_range(backoff_down_ms(i, UINT32_MAX), half, half + 1);
        assert_in_range(backoff_down_ms(i, 0x80000000), half, full[i]);
    }
    assert_int_equal(backoff_down_ms(UINT32_MAX, 0), 60000);
}

static void test_wait(void **state)
{
    (void)state;
    assert_int_equal(backoff_wait_ms(0), 1000);
    assert_int_equal(backoff_wait_ms(59), 1000);
    assert_int_equal(backoff_wait_ms(62), 2000);
    assert_int_equal(backoff_wait_ms(1000), 15000);
    assert_int_equal(backoff_wait_ms(UINT32_MAX), 15000);
    for (uint32_t i = 1; i < 200; i++) {
        assert_true(backoff_wait_ms(i) >= backoff_wait_ms(i - 1) && backoff_wait_ms(i) <= 15000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

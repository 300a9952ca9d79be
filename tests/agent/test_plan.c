#include "tests/agent/check.h"

#include "agent/gpt.h"
#include "agent/plan.h"

/* A manifest from its types, "D" with 1000 stored bytes a frame; the last frame is `short_by` bytes shorter.
 */
static struct manifest make(const char *types, uint32_t stored, uint32_t short_by)
{
    struct manifest m = {.n = strlen(types)};
    m.frames = calloc(m.n, sizeof *m.frames);
    for (size_t i = 0; i < m.n; i++) {
        m.frames[i].type = (enum frame_type)types[i];
        if (types[i] == 'D') {
            m.frames[i].stored_len = stored;
            m.frames[i].pack_at = m.pack_size;
            m.pack_size += stored;
        }
    }
    m.disk_size = m.n * FRAME_SIZE - short_by;
    return m;
}

#define HEAD "DDDDDDDDDDDDDDDD" /* the 16 frames of the first MiB */

static void fetches_what_is_missing(void **state)
{
    struct manifest m = make(HEAD "DDZFDD", 1000, 0);
    bool have[22] = {0};
    struct plan p;
    (void)state;
    plan_make(&m, have, &p);
    assert_int_equal(p.n, 1); /* over zero and free frames: they take no room in the pack */
    assert_int_equal(p.ranges[0].from, 0);
    assert_int_equal(p.bytes, 20000);
    assert_int_equal(p.ranges[0].first, 0);
    assert_int_equal(p.ranges[0].last, 21);
    plan_free(&p);
    memset(have, 1, sizeof have);
    plan_make(&m, have, &p);
    assert_int_equal(p.n, 0);
    assert_int_equal(p.bytes, 0);
    plan_free(&p);
    free(m.frames);
}

static void merges_near_ranges_only(void **state)
{
    struct manifest m = make("DDDDDDDDDD", PLAN_GAP / 2, 0);
    bool have[10] = {false, true, true, false, true, true, true, false, false, true};
    struct plan p;
    (void)state;
    plan_make(&m, have, &p);
    assert_int_equal(p.n, 2); /* two frames' gap is one PLAN_GAP: merged; three are not */
    assert_int_equal(p.ranges[0].first, 0);
    assert_int_equal(p.ranges[0].last, 3);
    assert_int_equal(p.ranges[0].len, 4 * PLAN_GAP / 2);
    assert_int_equal(p.ranges[1].first, 7);
    assert_int_equal(p.ranges[1].last, 8);
    assert_int_equal(p.ranges[1].from, 7 * PLAN_GAP / 2);
    plan_free(&p);
    free(m.frames);
}

static void many_ranges(void **state)
{
    enum { N = 1000 };
    char types[N + 1];
    bool have[N];
    struct plan p;
    (void)state;
    memset(types, 'D', N);
    types[N] = 0;
    for (int i = 0; i < N; i++)
        have[i] = i % 2;
    struct manifest m = make(types, PLAN_GAP + 1, 0);
    plan_make(&m, have, &p);
    assert_int_equal(p.n, N / 2);
    assert_int_equal(p.bytes, (uint64_t)(PLAN_GAP + 1) * N / 2);
    plan_free(&p);
    free(m.frames);
}

static void window_keeps_head_and_tail(void **state)
{
    struct manifest m = make(HEAD "DDDD", 1000, 512);
    uint64_t from, to, end = m.disk_size - GPT_TAIL_SIZE;
    (void)state;
    for (size_t i = 0; i < HEAD_FRAMES; i++) {
        plan_window(&m, i, &from, &to);
        assert_int_equal(from, to);
        assert_false(plan_comparable(&m, i));
    }
    plan_window(&m, 16, &from, &to);
    assert_int_equal(from, HEAD_BYTES);
    assert_int_equal(to, HEAD_BYTES + FRAME_SIZE);
    assert_true(plan_comparable(&m, 16));
    plan_window(&m, 19, &from, &to);
    assert_int_equal(from, 19 * FRAME_SIZE);
    assert_int_equal(to, end);
    assert_false(plan_comparable(&m, 19));
    free(m.frames);
}

/* The last frame may be shorter than the table that it holds a part of. */
static void short_tail(void **state)
{
    struct manifest m = make(HEAD "DDDD", 1000, FRAME_SIZE - 4096);
    uint64_t from, to;
    (void)state;
    plan_window(&m, 19, &from, &to);
    assert_int_equal(from, to);
    plan_window(&m, 18, &from, &to);
    assert_int_equal(to, m.disk_size - GPT_TAIL_SIZE);
    assert_true(to < 19 * FRAME_SIZE);
    free(m.frames);
}

static void zero_runs(void **state)
{
    struct manifest m = make("ZZZZZZZZZZZZZZZZ"
                             "ZZDZFZ",
                             1000, 0);
    size_t i = 0;
    uint64_t from, to;
    (void)state;
    assert_true(plan_next_zero(&m, &i, &from, &to));
    assert_int_equal(from, HEAD_BYTES); /* the head's part is not written */
    assert_int_equal(to, 18 * FRAME_SIZE);
    assert_true(plan_next_zero(&m, &i, &from, &to));
    assert_int_equal(from, 19 * FRAME_SIZE);
    assert_int_equal(to, 20 * FRAME_SIZE);
    assert_true(plan_next_zero(&m, &i, &from, &to));
    assert_int_equal(from, 21 * FRAME_SIZE);
    assert_int_equal(to, m.disk_size - GPT_TAIL_SIZE);
    assert_false(plan_next_zero(&m, &i, &from, &to));
    free(m.frames);
}

static void fits(void **state)
{
    struct manifest m = make(HEAD "DDDDDDDDDDDDDDDD", 1000, 0), tiny = make("DDDD", 1000, 0);
    struct err e = {0};
    (void)state;
    assert_int_equal(plan_fits(&m, m.disk_size, &e), 0);
    assert_int_equal(plan_fits(&m, m.disk_size + 512, &e), 0);
    assert_int_equal(plan_fits(&m, m.disk_size - 512, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_int_equal(plan_fits(&m, m.disk_size + 100, &e), -1);
    assert_int_equal(plan_fits(&tiny, m.disk_size, &e), -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    free(m.frames);
    free(tiny.frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetches_what_is_missing),
        cmocka_unit_test(merges_near_ranges_only),
        cmocka_unit_test(many_ranges),
        cmocka_unit_test(window_keeps_head_and_tail),
        cmocka_unit_test(short_tail),
        cmocka_unit_test(zero_runs),
        cmocka_unit_test(fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

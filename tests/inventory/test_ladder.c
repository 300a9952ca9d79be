/* The ladder: a table of histories and what is chosen after each, and the record in the store. */
#include "tests/inventory/fixture.h"

#include "inventory/ladder.h"

static const char list[3][LOADER_SIZE] = {"a.efi", "b.efi", "c.efi"};
static const struct mac nic = {{0x52, 0x54, 0, 0, 0, 1}};

#define TIMEOUT 60
#define S       INT64_C(1000)

/* One case: what happened, each letter one thing, and what is chosen last.
 *   a b c  the loader of that letter was offered and fetched       h  iPXE was heard      .  a minute passes
 *   g      the firmware goes on, and asks as another kind of client
 *   ?      dhcpd decides, and what it decides is noted */
static const struct {
    const char *name, *history, *want;
    size_t n; /* of the list; 0: all */
} rows[] = {
    {"nothing happened", "", "a.efi", 0},
    {"fetched just now", "a", "a.efi", 0},
    {"fetched, and silence", "a.", "b.efi", 0},
    {"the second too", "a.?b.", "c.efi", 0},
    {"and the third: again from the first", "a.?b.?c.", "a.efi", 0},
    {"after that the second again", "a.?b.?c.?a.", "b.efi", 0},
    {"heard", "ah.", "a.efi", 0},
    {"heard at last", "a.?bh.", "b.efi", 0},
    {"settled, and later silence", "ah.a.a.", "a.efi", 0},
    {"heard by another way, and then fetched", "ha.", "b.efi", 0},
    {"another machine's loader", "a.?bhx.", "b.efi", 0},
    {"a file that is not on the list", "x.", "a.efi", 0},
    {"the firmware went on, and by HTTP", "ag?", "b.efi", 0},
    {"it goes on from one that worked before", "ahbg?", "a.efi", 0},
    {"decided twice", "a.??", "b.efi", 0},
    {"a list of one has no other", "a.", "a.efi", 1},
    {"the list became shorter", "a.?b.?", "a.efi", 1},
};

static void fetch(struct ladder *l, char letter, int64_t at_ms)
{
    char name[] = {letter, '.', 'e', 'f', 'i', 0};
    if (letter != 'x') /* x: a file that nobody offered */
        str_copy(l->offered, sizeof l->offered, name);
    str_copy(l->client, sizeof l->client, "uefi-x64");
    ladder_fetched(l, name, at_ms);
}

static void play(const char *history, struct ladder *l, int64_t *now)
{
    for (const char *at = history; *at; at++, *now += S) {
        struct ladder_choice c = ladder_choose(l, "uefi-x64", list, 3, TIMEOUT, *now);
        if (*at == '.')
            *now += TIMEOUT * S;
        else if (*at == 'h')
            ladder_heard(l, *now);
        else if (*at == '?')
            ladder_chosen(l, "uefi-x64", &c);
        else if (*at == 'g') {
            c = ladder_choose(l, "uefi-x64-http", list, 3, TIMEOUT, *now);
            ladder_chosen(l, "uefi-x64-http", &c);
        } else
            fetch(l, *at, *now);
    }
}

static void test_histories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ladder l = {0};
        int64_t now = T0;
        play(rows[i].history, &l, &now);
        struct ladder_choice c = ladder_choose(&l, "uefi-x64", list, rows[i].n ? rows[i].n : 3, TIMEOUT, now);
        if (strcmp(list[c.rung], rows[i].want) != 0)
            fail_msg("%s: %s, not %s (%s)", rows[i].name, list[c.rung], rows[i].want, c.reason);
        assert_true(c.reason[0]);
        assert_true(rows[i].n != 1 || !c.gives_way[0]); /* there is nothing that it could give way to */
    }
}

/* tftpd writes down what it sent a moment later: iPXE may have been heard by then. */
static void test_late_note(void **state)
{
    struct ladder l = {0};
    (void)state;
    assert_true(ladder_heard(&l, T0 + 50));
    str_copy(l.offered, sizeof l.offered, "a.efi");
    assert_true(ladder_fetched(&l, "a.efi", T0));
    assert_string_equal(l.settled, "a.efi");
}

/* Or the firmware may have gone on by then, and asked as another kind. */
static void test_late_note_of_a_failure(void **state)
{
    struct ladder l = {0};
    int64_t now = T0;
    (void)state;
    play("?", &l, &now);
    int64_t fetched_ms = now;
    now += 50;
    play("g", &l, &now);
    assert_true(ladder_fetched(&l, "a.efi", fetched_ms));
    assert_string_equal(l.failed, "a.efi");
    assert_true(ladder_fetched(&l, "a.efi", now)); /* the other kind's own fetch of it, which may run */
    assert_string_equal(l.fetched, "a.efi");
    assert_true(ladder_heard(&l, now + S));
    assert_string_equal(l.settled, "a.efi");
}

/* Once a loader is settled, boots change nothing that has to be written but the time of the fetch. */
static void test_steady(void **state)
{
    struct ladder l = {0};
    int64_t now = T0;
    (void)state;
    play("?ah.", &l, &now);
    struct ladder_choice c = ladder_choose(&l, "uefi-x64", list, 3, TIMEOUT, now);
    assert_false(ladder_chosen(&l, "uefi-x64", &c));
    assert_true(ladder_fetched(&l, "a.efi", now));
    assert_false(ladder_fetched(&l, "a.efi", now + S));
    assert_false(ladder_heard(&l, now + 2 * S));
}

/* A flood of requests for scripts costs a write a half minute. */
static void test_heard_often(void **state)
{
    struct ladder l = {0};
    (void)state;
    assert_true(ladder_heard(&l, T0));
    assert_false(ladder_heard(&l, T0 + S));
    assert_true(ladder_heard(&l, T0 + MINUTE));
    fetch(&l, 'a', T0 + MINUTE + S);
    assert_true(ladder_heard(&l, T0 + MINUTE + 2 * S));
}

/* More names than the record holds: it must not go on with one for ever. */
static void test_many_names(void **state)
{
    struct ladder l = {0};
    char longest[LOADER_SIZE];
    (void)state;
    for (int i = 0; i < 12; i++) {
        memset(longest, 'a' + i, sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        str_copy(l.offered, sizeof l.offered, longest);
        assert_true(ladder_fetched(&l, longest, T0 + i * MINUTE));
        struct ladder_choice c = {.at_ms = T0 + i * MINUTE};
        str_copy(c.gives_way, sizeof c.gives_way, longest);
        str_copy(c.loader, sizeof c.loader, "next");
        assert_true(ladder_chosen(&l, "bios", &c));
        assert_non_null(strstr(l.failed, longest));
        assert_true(strlen(l.failed) < sizeof l.failed && l.failed[0] != ' ');
    }
    assert_int_equal(strlen(l.failed), 4 * (LOADER_SIZE - 1) + 3); /* the newest four */
    assert_int_equal(l.failed[0], 'i');
}

static int add_event(const struct entry *x, void *ctx)
{
    if (strncmp(x->event, "loader", 6) == 0)
        str_addf(ctx, "%s: %s\n", x->event, x->detail);
    return 0;
}

static struct ladder_choice choose(int64_t at_ms)
{
    struct ladder l;
    ok(ladder_get(fx.s, nic, &l, E));
    return ladder_choose(&l, "uefi-x64", list, 3, TIMEOUT, at_ms);
}

static void test_record(void **state)
{
    struct ladder l;
    struct str s = {0};
    (void)state;
    int64_t id = put_device("hv-01", 1);
    ok(ladder_get(fx.s, nic, &l, E));
    assert_true(!l.client[0] && !l.fetched_ms);
    struct ladder_choice c = choose(T0);
    ok(ladder_note_choice(fx.s, id, nic, "uefi-x64", &c, T0, E));
    ok(ladder_note_fetched(fx.s, id, nic, "a.efi", T0, E));
    c = choose(T0 + MINUTE);
    assert_string_equal(c.gives_way, "a.efi");
    ok(ladder_get(fx.s, nic, &l, E));
    ladder_give_up(&l, c.gives_way); /* what is shown before it is noted is what is noted */
    assert_string_equal(l.failed, "a.efi");
    ok(ladder_note_choice(fx.s, id, nic, "uefi-x64", &c, T0 + MINUTE, E));
    ok(ladder_note_choice(fx.s, id, nic, "uefi-x64", &c, T0 + MINUTE, E)); /* DISCOVER and REQUEST both */
    ok(ladder_note_fetched(fx.s, id, nic, "x.efi", T0 + MINUTE,
                           E)); /* a file that it was not told to fetch */
    ok(ladder_note_fetched(fx.s, id, nic, "b.efi", T0 + MINUTE, E));
    ok(ladder_note_heard(fx.s, id, nic, T0 + MINUTE + S, E));
    ok(ladder_get(fx.s, nic, &l, E));
    assert_string_equal(l.client, "uefi-x64");
    assert_string_equal(l.settled, "b.efi");
    assert_string_equal(l.failed, "a.efi");
    ok(ladder_reset(fx.s, id, nic, "test", T0, E));
    assert_int_equal(choose(T0).rung, 0);
    ok(ladder_reset(fx.s, id, nic, "test", T0, E)); /* nothing to forget */
    ok(journal_each(fx.s, 0, id, 0, add_event, &s, E));
    assert_non_null(strstr(s.s, "loader-gave-way: a.efi was fetched, and no iPXE was heard after it"));
    assert_null(strstr(strstr(s.s, "loader-gave-way") + 1, "loader-gave-way"));
    assert_non_null(strstr(s.s, "loader-settled: b.efi brings iPXE up, where a.efi did not"));
    assert_null(strstr(strstr(s.s, "loader-reset") + 1, "loader-reset"));
    str_free(&s);
}

/* Whoever plays a machine whose loaders fail writes a few lines of the journal, not one a round. */
static void test_played(void **state)
{
    struct ladder_choice c;
    struct ladder l;
    (void)state;
    int64_t id = put_device("hv-01", 1), now = T0;
    for (int i = 0; i < 50; i++, now += 20) {
        c = choose(now);
        ok(ladder_note_choice(fx.s, id, nic, "uefi-x64", &c, now, E));
        ok(ladder_note_fetched(fx.s, id, nic, c.loader, now, E));
        ok(ladder_get(fx.s, nic, &l, E));
        c = ladder_choose(&l, "uefi-x64-http", list, 3, TIMEOUT, now + 10);
        ok(ladder_note_choice(fx.s, id, nic, "uefi-x64-http", &c, now + 10, E));
    }
    assert_in_range(events(id, "loader-gave-way"), 1, 9); /* of three loaders, in three sentences */
}

/* The machine fetched again between the decision and its note: nothing is given up for what is not known yet.
 */
static void test_fetched_meanwhile(void **state)
{
    struct ladder l = {0};
    int64_t now = T0;
    (void)state;
    play("a.", &l, &now);
    struct ladder_choice c = ladder_choose(&l, "uefi-x64", list, 3, TIMEOUT, now);
    fetch(&l, 'b', now);
    ladder_chosen(&l, "uefi-x64", &c);
    assert_string_equal(l.failed, "");
    assert_string_equal(l.fetched, "b.efi");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories),
        cmocka_unit_test(test_late_note),
        cmocka_unit_test(test_late_note_of_a_failure),
        cmocka_unit_test(test_steady),
        cmocka_unit_test(test_heard_often),
        cmocka_unit_test(test_fetched_meanwhile),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test_setup_teardown(test_played, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_record, fixture_open, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

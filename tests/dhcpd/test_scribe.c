/* The scribe: what it is given is written, in order, whoever holds the store meanwhile, and before it ends.
 */
#include "dhcpd/io_scribe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "inventory/journal.h"
#include "inventory/store_sql.h"

static char dir[64];
static struct store *other;
static struct err e;

static int open_store(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/rackstrap-scribe-XXXXXX");
    return mkdtemp(dir) && store_open(dir, &other, &e) == 0 ? 0 : -1;
}

static int close_store(void **state)
{
    (void)state;
    store_close(other);
    return dir_remove(dir, &e);
}

static int write_entry(struct store *s, void *job, struct err *why)
{
    return journal_add(s, 0, NULL, "test", job, "", 1, why);
}

static int count(const struct entry *x, void *ctx)
{
    int *n = ctx;
    char want[16];
    snprintf(want, sizeof want, "event-%d", (*n)++);
    assert_string_equal(x->event, want);
    return 0;
}

static void give(struct scribe *s, int from, int to)
{
    for (int i = from; i < to; i++) {
        char *job = malloc(16);
        assert_non_null(job);
        snprintf(job, 16, "event-%d", i);
        scribe_do(s, write_entry, job, 1);
    }
}

static void assert_written(int want)
{
    int n = 0;
    assert_int_equal(journal_each(other, 0, 0, 0, count, &n, &e), 0);
    assert_int_equal(n, want);
}

static void writes_all_before_it_ends(void **state)
{
    struct scribe *s;
    (void)state;
    assert_int_equal(scribe_open(dir, &s, &e), 0);
    give(s, 0, 100);
    scribe_close(s);
    assert_written(100);
}

static void nobody_waits_for_it(void **state)
{
    struct scribe *s;
    (void)state;
    assert_int_equal(scribe_open(dir, &s, &e), 0);
    assert_int_equal(store_begin(other, &e), 0);
    int64_t began = now_ms();
    give(s, 0, 2000);                           /* batches of a packet each */
    assert_in_range(now_ms() - began, 0, 1900); /* its patience is 2 s */
    store_rollback(other);
    scribe_close(s);
    assert_written(2000);
}

static int refuse(struct store *s, void *job, struct err *why)
{
    (void)s, (void)job;
    return err_set(why, ERR_INPUT, "refused");
}

static void what_waits_is_bounded(void **state)
{
    struct scribe *s;
    (void)state;
    assert_int_equal(scribe_open(dir, &s, &e), 0);
    assert_int_equal(store_begin(other, &e), 0);
    scribe_do(s, write_entry, strdup("event-0"), 20001);
    scribe_do(s, write_entry, strdup("event-0"), 20000);
    store_rollback(other);
    scribe_close(s);
    assert_written(1);
}

static void one_that_fails_is_no_end(void **state)
{
    struct scribe *s;
    (void)state;
    assert_int_equal(scribe_open(dir, &s, &e), 0);
    scribe_do(s, refuse, NULL, 1);
    scribe_close(s);
    assert_int_equal(scribe_open(dir, &s, &e), 0);
    give(s, 0, 1);
    scribe_close(s);
    assert_written(1);
}

/* They wait together, and are tried in one transaction. */
static void one_that_fails_takes_no_other(void **state)
{
    struct scribe *s;
    (void)state;
    assert_int_equal(store_begin(other, &e), 0);
    assert_int_equal(scribe_open(dir, &s, &e), 0);
    give(s, 0, 10);
    scribe_do(s, refuse, NULL, 1);
    give(s, 10, 20);
    store_rollback(other);
    scribe_close(s);
    assert_written(20);
}

/* Fills the disk the first time, as far as SQLite can tell. */
static int write_much(struct store *s, void *job, struct err *why)
{
    int *times = *(int **)job;
    char text[16], *event = text;
    int64_t n;
    int r = db_number(s, (*times)++ ? "PRAGMA max_page_count = 100000" : "PRAGMA max_page_count = 1", NULL, 0,
                      &n, why);
    for (int i = 0; i < 1000 && r >= 0; i++) {
        snprintf(text, sizeof text, "event-%d", i);
        r = write_entry(s, event, why);
    }
    return r < 0 ? -1 : 0;
}

static void a_full_disk_is_waited_for(void **state)
{
    struct scribe *s;
    int times = 0, *p = &times;
    bool behind = false;
    (void)state;
    assert_int_equal(scribe_open(dir, &s, &e), 0);
    int **job = malloc(sizeof *job);
    assert_non_null(job);
    *job = p;
    scribe_do(s, write_much, job, 1000);
    for (int i = 0; i < 1000 && !behind; i++) {
        usleep(1000);
        behind = scribe_is_behind(s);
    }
    assert_true(behind);
    for (int i = 0; i < 10000 && behind; i++) {
        usleep(1000);
        behind = scribe_is_behind(s);
    }
    assert_false(behind);
    scribe_close(s);
    assert_int_equal(times, 2);
    assert_written(1000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
    const struct CMUnitTest tests[] = {T(one_that_fails_takes_no_other), T(writes_all_before_it_ends),
                                       T(nobody_waits_for_it),           T(what_waits_is_bounded),
                                       T(one_that_fails_is_no_end),      T(a_full_disk_is_waited_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

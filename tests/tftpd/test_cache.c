/* One mapping for all readers, a new version for a changed file, and never a mixture; on real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tftpd/cache.h"

static char folder[] = "/tmp/test_cache.XXXXXX";

/* Writes the file in its place, as of `age_s` seconds ago. */
static int write_file(const char *name, const char *text, time_t age_s)
{
    struct timespec times[2];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= age_s;
    times[1] = times[0];
    assert_int_equal(futimens(fd, times), 0);
    return fd;
}

static struct cached *get(struct cache *c, int fd, enum tftp_mode mode)
{
    struct cached *f;
    struct err e = {0};
    if (cache_get(c, fd, mode, &f, &e))
        fail_msg("%s", e.text);
    return f;
}

static void shared_by_readers(void **state)
{
    (void)state;
    struct cache *c = cache_new();
    int fd = write_file("a", "one\ntwo\n", 10), again = open("a", O_RDONLY | O_CLOEXEC);
    struct cached *x = get(c, fd, TFTP_OCTET), *y = get(c, again, TFTP_OCTET), *n = get(c, fd, TFTP_NETASCII);
    assert_ptr_equal(x, y);
    assert_ptr_not_equal(x, n);
    assert_int_equal(x->bytes.n, 8);
    assert_int_equal(n->bytes.n, 10);
    close(fd);
    close(again);
    cache_put(c, x);
    assert_false(cache_changed(y));
    cache_put(c, y);
    cache_put(c, n);
    cache_free(c);
}

/* A rename leaves the old readers alone; writing in place tells them, whatever was written. */
static void versions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        off_t cut;
        bool rename, changed;
    } T[] = {{"aaaaaaaa", -1, true, false}, {"aaaaaaaa", -1, false, true}, {"bbbbbbbb", -1, false, true},
             {"cc", -1, false, true},       {NULL, 3, false, true},        {NULL, 0, false, true}};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        struct cache *c = cache_new();
        char buf[8];
        int fd = write_file("a", "aaaaaaaa", 10), next = -1;
        struct cached *old = get(c, fd, TFTP_OCTET);
        assert_int_equal(cache_read_last(old, 4, buf, 4), 0);
        if (T[i].text)
            next = write_file(T[i].rename ? "b" : "a", T[i].text, 5);
        else
            assert_int_equal(ftruncate(fd, T[i].cut), 0);
        if (T[i].rename)
            assert_int_equal(rename("b", "a"), 0);
        if (cache_changed(old) != T[i].changed || !cache_read_last(old, 4, buf, 4) == T[i].changed)
            fail_msg("case %zu", i);
        if (next >= 0) {
            struct cached *fresh = get(c, next, TFTP_OCTET);
            assert_ptr_not_equal(fresh, old);
            assert_int_equal(fresh->bytes.n, strlen(T[i].text));
            cache_put(c, fresh);
            close(next);
        }
        cache_put(c, old);
        cache_free(c);
        close(fd);
    }
}

static void still_being_written(void **state)
{
    (void)state;
    struct cache *c = cache_new();
    struct cached *f;
    struct err e = {0};
    int fd = write_file("a", "x", 0);
    int rc = cache_get(c, fd, TFTP_OCTET, &f, &e);
    for (int i = 0; rc && i < 100; i++) {
        assert_int_equal(e.kind, ERR_UNAVAILABLE);
        usleep(1000);
        rc = cache_get(c, fd, TFTP_OCTET, &f, &e);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(e.kind, ERR_UNAVAILABLE); /* it was refused at first */
    cache_put(c, f);
    close(fd);
    cache_free(c);
}

static void text_is_bounded(void **state)
{
    (void)state;
    struct cache *c = cache_new();
    static const off_t too_long[] = {NETASCII_MAX + 1, NETASCII_MAX_ALL, (off_t)1 << 40};
    struct cached *held[8], *f;
    struct err e = {0};
    size_t n = 0;
    /* However long: an ERROR, not the silence that has a client ask again. */
    for (size_t i = 0; i < sizeof too_long / sizeof *too_long; i++) {
        int fd = write_file("long", "", 10);
        const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
        assert_int_equal(ftruncate(fd, too_long[i]), 0);
        assert_int_equal(futimens(fd, old), 0);
        assert_int_equal(cache_get(c, fd, TFTP_NETASCII, &f, &e), -1);
        assert_int_equal(e.kind, ERR_REFUSED);
        close(fd);
    }
    for (; n < 8; n++) {
        char name[8];
        snprintf(name, sizeof name, "t%zu", n);
        int fd = write_file(name, "", 10);
        assert_int_equal(ftruncate(fd, NETASCII_MAX), 0);
        const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
        assert_int_equal(futimens(fd, old), 0);
        int rc = cache_get(c, fd, TFTP_NETASCII, &f, &e);
        close(fd);
        held[n] = rc ? NULL : f;
        if (rc)
            break;
    }
    assert_int_equal(e.kind, ERR_UNAVAILABLE);
    assert_in_range(n, 1, 4);
    for (size_t i = 0; i < n; i++)
        cache_put(c, held[i]);
    cache_free(c);
}

static void empty(void **state)
{
    (void)state;
    struct cache *c = cache_new();
    int fd = write_file("a", "", 10);
    struct cached *f = get(c, fd, TFTP_OCTET);
    char none;
    assert_int_equal(f->bytes.n, 0);
    assert_int_equal(cache_read_last(f, 0, &none, 0), 0);
    cache_put(c, f);
    cache_free(c);
    close(fd);
}

static int enter(void **state)
{
    (void)state;
    return !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") || system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shared_by_readers), cmocka_unit_test(versions),
                                       cmocka_unit_test(still_being_written),
                                       cmocka_unit_test(text_is_bounded), cmocka_unit_test(empty)};
    return cmocka_run_group_tests(tests, enter, leave);
}

/* Strings, digests, files and processes: what the rest stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/str.h"

static char folder[] = "/tmp/rackstrap-base-XXXXXX";

static char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return dir_remove(folder, NULL);
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned long long bytes;
    } good[] = {{"4096", 4096},        {"2K", 2048},       {"512M", 512ULL << 20},
                {"2 GiB", 2ULL << 30}, {"1T", 1ULL << 40}, {"3GB", 3ULL << 30}};
    static const char *const bad[] = {"",     "G", "-1", "1.5G", "1X", "99999999999999999999", "99999999999P",
                                      "1 G 2"};
    unsigned long long v;
    char buf[16];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(size_parse(good[i].text, &v), 0);
        assert_true(v == good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(size_parse(bad[i], &v), -1);
    assert_string_equal(size_format(1536, buf), "1.5 KiB");
    assert_string_equal(size_format(12, buf), "12 B");
    assert_string_equal(size_format(480ULL << 30, buf), "480 GiB");
}

static void strings_grow(void **state)
{
    (void)state;
    struct str s = {0};
    for (int i = 0; i < 1000; i++)
        str_addf(&s, "%d,", i);
    assert_int_equal(s.len, strlen(s.s));
    assert_true(str_starts(s.s, "0,1,2,"));
    assert_true(str_ends(s.s, ",998,999,"));
    char *taken = str_take(&s);
    assert_int_equal(s.len, 0);
    free(taken);
    taken = str_take(&s);
    assert_string_equal(taken, "");
    free(taken);
    char four[4];
    assert_false(str_copy(four, sizeof four, "abcd"));
    assert_string_equal(four, "abc");
}

static void sha256_is_sha256(void **state)
{
    (void)state;
    static const char abc[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* FIPS 180-2, appendix B.1 */
    char hex[DIGEST_HEX], file_hex[129];
    struct digest d = digest_sha256(span_str("abc")), parsed;
    assert_string_equal(digest_format(d, hex), abc);
    struct sha256 *h = sha256_new();
    sha256_add(h, "a", 1);
    sha256_add(h, "bc", 2);
    assert_true(digest_eq(sha256_end(h), d));
    assert_int_equal(digest_parse(abc, &parsed, NULL), 0);
    assert_true(digest_eq(parsed, d));
    assert_int_equal(digest_parse("ba78", &parsed, NULL), -1);
    assert_int_equal(file_write(in_folder("abc"), "abc", 3, 0600, NULL), 0);
    assert_int_equal(digest_file(in_folder("abc"), "sha256", file_hex, NULL), 0);
    assert_string_equal(file_hex, abc);
    assert_int_equal(digest_file(in_folder("abc"), "md5", file_hex, NULL), -1);
    assert_int_equal(digest_file(in_folder("none"), "sha256", file_hex, NULL), -1);
}

static void signatures(void **state)
{
    (void)state;
    char private[256], public[256];
    uint8_t signature[SIGNATURE_SIZE];
    struct stat st;
    struct err e = {0};
    str_copy(private, sizeof private, in_folder("key"));
    str_copy(public, sizeof public, in_folder("key.pub"));
    assert_int_equal(sign_key_make(private, public, NULL), 0);
    assert_int_equal(stat(private, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sign_file_key(private, span_str("a manifest"), signature, NULL), 0);
    assert_int_equal(sign_verify(public, span_str("a manifest"), span_of(signature, sizeof signature), NULL),
                     0);
    assert_int_equal(sign_verify(public, span_str("a manifesT"), span_of(signature, sizeof signature), &e),
                     -1);
    assert_int_equal(e.kind, ERR_CORRUPT);
    assert_int_equal(sign_verify(public, span_str("a manifest"), span_of(signature, 63), NULL), -1);
    assert_int_equal(sign_file_key(public, span_str("x"), signature, NULL), -1);
    char one[DIGEST_HEX], two[DIGEST_HEX];
    secret_new(one);
    secret_new(two);
    assert_int_equal(strlen(one), 64);
    assert_string_not_equal(one, two);
}

static void files(void **state)
{
    (void)state;
    struct str s = {0};
    struct err e = {0};
    struct stat st;
    char copy[256];
    assert_int_equal(file_write(in_folder("f"), "old", 3, 0640, NULL), 0);
    assert_int_equal(file_write(in_folder("f"), "newer", 5, 0600, NULL), 0);
    assert_int_equal(stat(in_folder("f"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_read(in_folder("f"), 4, &s, &e), -1);
    assert_int_equal(e.kind, ERR_INPUT);
    assert_int_equal(file_read(in_folder("f"), 5, &s, NULL), 0);
    assert_string_equal(s.s, "newer");
    assert_int_equal(file_read(in_folder("none"), 5, &s, &e), -1);
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(file_write(in_folder("no/such"), "x", 1, 0600, &e), -1);
    assert_int_equal(e.kind, ERR_IO);
    str_free(&s);
    assert_int_equal(dir_make(in_folder("a/b/c"), 0755, NULL), 0);
    assert_int_equal(dir_make(in_folder("a/b/c"), 0755, NULL), 0);
    assert_int_equal(dir_make(in_folder("f/x"), 0755, NULL), -1);
    /* A hole stays a hole. */
    FILE *sparse = fopen(in_folder("sparse"), "w");
    assert_non_null(sparse);
    fseek(sparse, 8 << 20, SEEK_SET);
    fputs("end", sparse);
    fclose(sparse);
    str_copy(copy, sizeof copy, in_folder("copy"));
    assert_int_equal(file_copy(in_folder("sparse"), copy, 0600, NULL), 0);
    assert_int_equal(stat(copy, &st), 0);
    assert_int_equal(st.st_size, (8 << 20) + 3);
    assert_true(st.st_blocks * 512 < 1 << 20);
    /* rm -r does not follow links. */
    assert_int_equal(symlink(folder, in_folder("a/link")), 0);
    assert_int_equal(dir_remove(in_folder("a"), NULL), 0);
    assert_true(file_exists(in_folder("f")));
    assert_false(file_exists(in_folder("a")));
}

/* /dev/null as whoever runs the tests left it open to us, beside standard input, output and error. */
static int inherited_nulls(void)
{
    int n = 0;
    for (int fd = 3; fd < 256; fd++) {
        char link[32], target[32] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) > 0 && strcmp(target, "/dev/null") == 0)
            n += !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    return n;
}

static void processes(void **state)
{
    (void)state;
    struct str out = {0};
    struct err e = {0};
    assert_int_equal(proc_run((const char *const[]){"echo", "a b", NULL}, NULL, &out, NULL), 0);
    assert_string_equal(out.s, "a b\n");
    assert_int_equal(
        proc_run((const char *const[]){"sh", "-c", "echo it broke >&2; exit 3", NULL}, NULL, &out, &e), -1);
    assert_non_null(strstr(e.text, "status 3: it broke"));
    assert_int_equal(proc_run((const char *const[]){"sh", "-c", "echo logged; kill -9 $$", NULL},
                              in_folder("log"), NULL, &e),
                     -1);
    assert_non_null(strstr(e.text, "signal 9: logged"));
    assert_int_equal(proc_run((const char *const[]){"no-such-program", NULL}, NULL, &out, &e), -1);
    assert_non_null(strstr(e.text, "no-such-program"));
    str_reset(&out);
    /* Standard input is /dev/null, and no other descriptor was left to the program. */
    assert_int_equal(
        proc_run((const char *const[]){"sh", "-c", "ls -l /proc/$$/fd | grep -c /dev/null", NULL}, NULL, &out,
                 NULL),
        0);
    assert_int_equal(atoi(out.s), 1 + inherited_nulls());
    str_free(&out);
}

static void count(void *ctx)
{
    ++*(int *)ctx;
}

static void a_loop_that_is_stopped_before_it_runs(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    int calls = 0;
    struct watch *w = watch_timer(l, count, &calls);
    watch_arm(w, 0);
    loop_stop(l);
    assert_int_equal(loop_run(l, NULL), 0);
    assert_int_equal(calls, 0);
    assert_int_equal(loop_run(l, NULL), 0); /* the wish is spent; it ends when nothing is left to wait for */
    assert_int_equal(calls, 1);
    watch_free(w);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(strings_grow),
        cmocka_unit_test(sha256_is_sha256),
        cmocka_unit_test(signatures),
        cmocka_unit_test(files),
        cmocka_unit_test(processes),
        cmocka_unit_test(a_loop_that_is_stopped_before_it_runs),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* Names that attack, and names that are merely odd; on the real file system, in a folder of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tftpd/path.h"

static const struct name {
    const char *in, *out; /* out NULL: refused */
} NAMES[] = {
    {"a", "a"},
    {"/a", "a"},
    {"///a//b///c", "a/b/c"},
    {"\\boot\\x64\\wdsnbp.com", "boot/x64/wdsnbp.com"},
    {"\\/a", "a"},
    {"./a/./b/.", "a/b"},
    {"a/", "a"},
    {"...", "..."},
    {"a..b", "a..b"},
    {".hidden", ".hidden"},
    {"C:\\a", "C:/a"},
    {"caf\303\251", "caf\303\251"},
    {"", NULL},
    {"/", NULL},
    {".", NULL},
    {"..", NULL},
    {"../a", NULL},
    {"/../a", NULL},
    {"a/../b", NULL},
    {"a/..", NULL},
    {"..\\a", NULL},
    {"a\\..\\..\\b", NULL},
    {"a/.//../b", NULL},
    {"a\nb", NULL},
    {"a\177b", NULL},
};

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char out[TFTP_NAME_MAX] = "untouched";
        int rc = path_normalise(NAMES[i].in, out, NULL);
        if (strcmp(rc ? "" : out, NAMES[i].out ? NAMES[i].out : ""))
            fail_msg("\"%s\" became \"%s\"", NAMES[i].in, rc ? "an error" : out);
    }
}

static const struct place {
    const char *name;
    enum err_kind kind; /* ERR_NONE: it opens */
    bool walk;          /* it opens without openat2 too */
} PLACES[] = {
    {"file", ERR_NONE, true},
    {"dir/file", ERR_NONE, true},
    {"link-inside", ERR_NONE, false},
    {"dir/link-up", ERR_NONE, false},
    {"missing", ERR_NOT_FOUND, false},
    {"file/below", ERR_NOT_FOUND, false},
    {"link-out", ERR_REFUSED, false},
    {"link-abs", ERR_REFUSED, false},
    {"dirlink-out/secret", ERR_REFUSED, false},
    {"link-loop", ERR_REFUSED, false},
    {"dir", ERR_NOT_FOUND, true},
    {"fifo", ERR_NOT_FOUND, true},
};

static void places(void **state)
{
    (void)state;
    char top[] = "/tmp/test-tftp-path.XXXXXX";
    assert_non_null(mkdtemp(top));
    assert_int_equal(chdir(top), 0);
    assert_int_equal(mkdir("root", 0755) | mkdir("root/dir", 0755), 0);
    assert_int_equal(file_write("secret", "s", 1, 0644, NULL) | file_write("root/file", "f", 1, 0644, NULL) |
                         file_write("root/dir/file", "f", 1, 0644, NULL),
                     0);
    assert_int_equal(symlink("dir/file", "root/link-inside") | symlink("../file", "root/dir/link-up") |
                         symlink("../secret", "root/link-out") | symlink("/etc/passwd", "root/link-abs") |
                         symlink("..", "root/dirlink-out") | symlink("link-loop", "root/link-loop") |
                         mkfifo("root/fifo", 0644),
                     0);
    int root = open("root", O_PATH | O_DIRECTORY);
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        struct err e = {0};
        int fd = -1, rc = path_open(root, PLACES[i].name, &fd, &e);
        if ((rc ? e.kind : ERR_NONE) != PLACES[i].kind)
            fail_msg("%s: %d %s", PLACES[i].name, rc, e.text);
        if (!rc)
            close(fd);
        fd = path_open_walk(root, PLACES[i].name);
        if ((fd >= 0) != PLACES[i].walk)
            fail_msg("%s without openat2: %d", PLACES[i].name, fd);
        if (fd >= 0)
            close(fd);
    }
    close(root);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(dir_remove(top, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

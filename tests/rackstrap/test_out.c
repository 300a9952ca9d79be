/* What commands print: bytes from machines stay valid JSON, and cannot drive a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rackstrap/out.h"

/* What out_object or out_rows prints of v. */
static void printed(json_t *v, const struct column *columns, bool json, char *buf, size_t size)
{
    FILE *to = tmpfile();
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_non_null(to);
    dup2(fileno(to), STDOUT_FILENO);
    if (columns)
        out_rows(v, columns, 1, json, "none");
    else
        out_object(v, json);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(to);
    buf[fread(buf, 1, size - 1, to)] = '\0';
    fclose(to);
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""}, {"rack é", "rack é"}, {"a\xff", "a?"}, {"cut \xc3", "cut ?"}, {"\x1b[2J", "\x1b[2J"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *v = out_string(rows[i][0]);
        assert_string_equal(json_string_value(v), rows[i][1]);
        json_decref(v);
    }
    json_t *none = out_text("");
    assert_true(json_is_null(none));
    json_decref(none);
}

static void objects(void **state)
{
    (void)state;
    char text[512];
    printed(json_pack("{s:s, s:b, s:n, s:I, s:[{s:s, s:n, s:b}], s:{s:I}}", "name",
                      "a\x1b[2J\nb\xc2\x9b"
                      "é",
                      "on", 1, "no", "disk_size", (json_int_t)2048, "list", "x", "y", "z", "w", 0, "job",
                      "bytes_done", (json_int_t)1024),
            NULL, false, text, sizeof text);
    assert_string_equal(text, "name: a?[2J?b??é\non: yes\nno: -\ndisk_size: 2.0 KiB\nlist:\n  - x y, w no\n"
                              "job: bytes_done 1.0 KiB\n");
}

static void rows(void **state)
{
    (void)state;
    static const struct column column = {"at", "AT", COLUMN_TIME};
    char text[512];
    printed(json_array(), &column, true, text, sizeof text);
    assert_string_equal(text, "[]\n");
    printed(json_array(), &column, false, text, sizeof text);
    assert_string_equal(text, "");
    printed(json_pack("[{s:o}, {}]", "at", out_time(1000)), &column, false, text, sizeof text);
    assert_string_equal(text, "AT (UTC)\n1970-01-01 00:00:01\n-\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bytes_that_are_no_text), cmocka_unit_test(objects),
                                       cmocka_unit_test(rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

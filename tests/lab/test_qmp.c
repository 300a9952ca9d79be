/* The talk with QEMU, its side of it written beforehand; and the start time of a process, by which it is
 * known again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/machine.h"
#include "lab/qmp.h"

#define HELLO "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define OK    "{\"return\": {}}\r\n"

static int talk(const char *qemu_says, json_t **ret, struct err *e)
{
    int fd[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    assert_int_equal(write(fd[1], qemu_says, strlen(qemu_says)), (ssize_t)strlen(qemu_says));
    shutdown(fd[1], SHUT_WR);
    int rc = qmp_talk(fd[0], "query-status", ret, e);
    close(fd[0]);
    close(fd[1]);
    return rc;
}

static void test_answer(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *j = NULL;
    assert_int_equal(talk(HELLO OK "{\"return\": {\"status\": \"running\"}}\r\n", &j, &e), 0);
    assert_string_equal(json_string_value(json_object_get(j, "status")), "running");
    json_decref(j);
}

static void test_events_between(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *j = NULL;
    const char *event =
        HELLO "{\"event\": \"RESET\"}\r\n" OK "\r\n{\"event\": \"STOP\"}\r\n{\"return\": {\"a\": 1}}\r\n";
    assert_int_equal(talk(event, &j, &e), 0);
    assert_int_equal(json_integer_value(json_object_get(j, "a")), 1);
    json_decref(j);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        enum err_kind kind;
    } faults[] = {
        {"", ERR_UNAVAILABLE},
        {HELLO, ERR_UNAVAILABLE},
        {HELLO OK, ERR_UNAVAILABLE},
        {HELLO OK "{\"return\": {", ERR_UNAVAILABLE},
        {"{}\r\n", ERR_CORRUPT},
        {"[1]\r\n", ERR_CORRUPT},
        {"SSH-2.0\r\n", ERR_CORRUPT},
        {HELLO OK "{\"error\": {\"class\": \"GenericError\", \"desc\": \"not now\"}}\r\n", ERR_IO},
        {HELLO OK "{\"error\": 3}\r\n", ERR_IO},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct err e = {0};
        json_t *j = NULL;
        assert_int_equal(talk(faults[i].says, &j, &e), -1);
        assert_int_equal(e.kind, faults[i].kind);
        assert_null(j);
    }
}

static void test_stat(void **state)
{
    (void)state;
    const char *rest = " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 4 0 98765 1000 200";
    char line[256];
    snprintf(line, sizeof line, "42 (qemu) S%s", rest);
    assert_int_equal(lab_stat_start(line), 98765);
    snprintf(line, sizeof line, "42 (a) Z 7 (b)) S%s", rest); /* a name made to deceive */
    assert_int_equal(lab_stat_start(line), 98765);
    snprintf(line, sizeof line, "42 (qemu) Z%s", rest); /* only its corpse */
    assert_int_equal(lab_stat_start(line), 0);
    assert_int_equal(lab_stat_start(""), 0);
    assert_int_equal(lab_stat_start("42 (qemu"), 0);
    assert_int_equal(lab_stat_start("42 (qemu)"), 0);
    assert_int_equal(lab_stat_start("42 (qemu) S 1 2"), 0);
    assert_true(lab_process_start(getpid()) > 0);
    assert_int_equal(lab_process_start(0), 0);
    assert_int_equal(lab_process_start(-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_events_between),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_stat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A state file: there and back, every truncation, and the edits that a person could make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/state.h"

static struct lab a_lab(void)
{
    struct lab l = {0};
    lab_defaults(&l.o);
    str_copy(l.o.name, sizeof l.o.name, "night-3");
    str_copy(l.o.dir, sizeof l.o.dir, "/run/night");
    str_copy(l.o.disks, sizeof l.o.disks, "/var/night");
    l.o.hosts = 3;
    l.o.firmware = LAB_UEFI;
    lab_make_hosts(&l);
    l.hosts[1].pid = 4711;
    l.hosts[1].start = 123456789012;
    return l;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct lab l = a_lab(), back;
    struct str s = {0}, again = {0};
    struct err e = {0};
    lab_encode(&l, &s);
    if (lab_decode(span_of(s.s, s.len), &back, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(back.o.hosts, 3);
    assert_int_equal(back.o.firmware, LAB_UEFI);
    assert_int_equal(back.o.memory, 1ull << 30);
    assert_int_equal(back.hosts[1].pid, 4711);
    assert_int_equal(back.hosts[1].start, 123456789012);
    assert_true(mac_eq(back.hosts[2].mac, l.hosts[2].mac));
    lab_encode(&back, &again);
    assert_string_equal(s.s, again.s);
    str_free(&s);
    str_free(&again);
}

static void test_truncations(void **state)
{
    (void)state;
    struct lab l = a_lab(), back;
    struct str s = {0};
    lab_encode(&l, &s);
    for (size_t n = 0; n + 2 < s.len; n++) { /* the last two are the brace and the newline */
        struct err e = {0};
        char *cut = malloc(n ? n : 1);
        memcpy(cut, s.s, n);
        assert_int_equal(lab_decode(span_of(cut, n), &back, &e), -1);
        assert_int_equal(e.kind, ERR_CORRUPT);
        assert_true(e.text[0] != '\0');
        free(cut);
    }
    str_free(&s);
}

/* The state file with one text in it replaced by another. */
static int decode_edited(const char *from, const char *to)
{
    struct lab l = a_lab(), back;
    struct str s = {0}, edited = {0};
    lab_encode(&l, &s);
    char *at = strstr(s.s, from);
    assert_non_null(at);
    str_addn(&edited, s.s, (size_t)(at - s.s));
    str_add(&edited, to);
    str_add(&edited, at + strlen(from));
    int rc = lab_decode(span_of(edited.s, edited.len), &back, NULL);
    str_free(&s);
    str_free(&edited);
    return rc;
}

static void test_edits(void **state)
{
    (void)state;
    assert_int_equal(decode_edited("\"uefi\"", "\"bios\""), 0);
    assert_int_equal(decode_edited("\"uefi\"", "\"coreboot\""), -1);
    assert_int_equal(decode_edited("\"pid\": 4711", "\"pid\": -1"), -1);
    assert_int_equal(decode_edited("\"pid\": 4711", "\"pid\": 99999999999"), -1);
    assert_int_equal(decode_edited("\"pid\": 4711", "\"pid\": \"4711\""), -1);
    assert_int_equal(decode_edited("\"hv-02\"", "\"hv-09\""), -1);
    assert_int_equal(decode_edited("/run/night", "night"), -1);
    assert_int_equal(decode_edited("/run/night", "/run/a,b"), -1);
    assert_int_equal(decode_edited("\"format\": 1", "\"format\": 2"), -1);
    assert_int_equal(decode_edited("10.77.0.1/24", "10.77.0.1"), -1);
    assert_int_equal(decode_edited("\"cpus\": 2", "\"cpus\": 0"), -1);
}

static void test_options(void **state)
{
    (void)state;
    struct lab_options good = a_lab().o, o = good;
    assert_int_equal(lab_check_options(&o, NULL), 0);
    static const char *const bad_names[] = {"", "-a", "A", "a b", "a/b", "../x", "a.b"};
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        o = good;
        str_copy(o.name, sizeof o.name, bad_names[i]);
        assert_int_equal(lab_check_options(&o, NULL), -1);
    }
    o = good, o.hosts = LAB_MAX_HOSTS + 1;
    assert_int_equal(lab_check_options(&o, NULL), -1);
    o = good, o.hosts = 0;
    assert_int_equal(lab_check_options(&o, NULL), -1);
    o = good, o.memory = 1 << 20;
    assert_int_equal(lab_check_options(&o, NULL), -1);
    o = good, o.disk = (4ull << 30) + 1;
    assert_int_equal(lab_check_options(&o, NULL), -1);
    o = good, str_copy(o.romfile, sizeof o.romfile, "nic.rom");
    assert_int_equal(lab_check_options(&o, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_edits),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

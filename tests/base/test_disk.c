/* Which disk a selector means: exactly one, or an error that lists them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/disk.h"

static const struct disk disks[] = {
    {.name = "sda",
     .serial = "AAA",
     .wwn = "0x5000c5001",
     .by_path = "pci-0000:00:1f.2-ata-1",
     .size = 480ULL << 30},
    {.name = "sdb",
     .serial = "BBB",
     .wwn = "0x5000c5002",
     .by_path = "pci-0000:00:1f.2-ata-2",
     .size = 480ULL << 30},
    {.name = "nvme0n1",
     .serial = "CCC",
     .wwn = "eui.1",
     .by_path = "pci-0000:01:00.0-nvme-1",
     .size = 960ULL << 30},
};

static void picks_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name;
    } rows[] = {{"serial=BBB", "sdb"},
                {"wwn=0x5000c5001", "sda"},
                {"by-path=pci-0000:01:00.0-nvme-1", "nvme0n1"},
                {"size=960G", "nvme0n1"},
                {"size>=500G", "nvme0n1"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct disk_selector sel;
        size_t at;
        char text[DISK_SELECTOR_MAX];
        assert_int_equal(disk_selector_parse(rows[i].text, &sel, NULL), 0);
        assert_string_equal(disk_selector_format(&sel, text), rows[i].text);
        assert_int_equal(disk_select(&sel, disks, 3, &at, NULL), 0);
        assert_string_equal(disks[at].name, rows[i].name);
    }
}

static void never_guesses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_kind kind;
    } rows[] = {{NULL, ERR_CONFLICT},          {"", ERR_CONFLICT},         {"only", ERR_CONFLICT},
                {"size=480G", ERR_CONFLICT},   {"size>=1G", ERR_CONFLICT}, {"serial=BB", ERR_NOT_FOUND},
                {"serial=bbb", ERR_NOT_FOUND}, {"size>=2T", ERR_NOT_FOUND}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct disk_selector sel;
        struct err e = {0};
        size_t at = 99;
        assert_int_equal(disk_selector_parse(rows[i].text, &sel, NULL), 0);
        assert_int_equal(disk_select(&sel, disks, 3, &at, &e), -1);
        assert_int_equal(e.kind, rows[i].kind);
        assert_int_equal(at, 99);
        assert_non_null(strstr(e.text, "nvme0n1"));
    }
    struct disk_selector only;
    size_t at;
    assert_int_equal(disk_selector_parse(NULL, &only, NULL), 0);
    assert_int_equal(disk_select(&only, disks, 1, &at, NULL), 0);
    assert_int_equal(disk_select(&only, disks, 0, &at, NULL), -1);
}

static void refuses_other_texts(void **state)
{
    (void)state;
    static const char *const bad[] = {"sda", "serial=", "size=many", "size=0", "name=sda", "size>1G", "ONLY"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct disk_selector sel;
        struct err e = {0};
        assert_int_equal(disk_selector_parse(bad[i], &sel, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_one),
        cmocka_unit_test(never_guesses),
        cmocka_unit_test(refuses_other_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

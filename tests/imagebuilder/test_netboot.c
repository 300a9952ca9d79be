#include "tests/imagebuilder/check.h"

#include "imagebuilder/cpio.h"
#include "imagebuilder/drivers.h"

static const char dep[] =
    "kernel/net/core/failover.ko:\n"
    "kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko\n"
    "kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko\n"
    "kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko\n"
    "kernel/fs/jbd2/jbd2.ko:\n"
    "kernel/drivers/usb/host/xhci-pci.ko:\n";

static void picks_with_needs(void **state)
{
    static const char *const names[] = {"virtio-net", "xhci_pci", "no_such", "virtio_net", NULL};
    struct driver_set set;
    struct str missing = {0}, out = {0};

    (void)state;
    drivers_pick(dep, names, &set, &missing);
    assert_int_equal(set.n, 4);
    assert_string_equal(set.path[0], "kernel/drivers/net/net_failover.ko");
    assert_true(drivers_has(&set, "kernel/net/core/failover.ko"));
    assert_true(drivers_has(&set, "kernel/drivers/usb/host/xhci-pci.ko"));
    assert_false(drivers_has(&set, "kernel/fs/ext4/ext4.ko"));
    assert_string_equal(missing.s, "no_such");
    drivers_dep(dep, &set, &out);
    assert_null(strstr(out.s, "ext4"));
    assert_non_null(strstr(out.s, "kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko "
                                  "kernel/net/core/failover.ko\n"));
    str_reset(&out);
    drivers_alias(
        "# Aliases\nalias pci:v1 xhci_pci\nalias fs-ext4 ext4\nalias virtio:d1 virtio_net\nalias x\n", &set,
        &out);
    assert_string_equal(out.s, "alias pci:v1 xhci_pci\nalias virtio:d1 virtio_net\n");
    str_free(&out);
    str_free(&missing);
    drivers_free(&set);
}

static void empty_indexes(void **state)
{
    static const char *const names[] = {"ext4", NULL};
    struct driver_set set;
    struct str out = {0};

    (void)state;
    drivers_pick("", names, &set, NULL);
    assert_int_equal(set.n, 0);
    drivers_dep(dep, &set, &out);
    assert_string_equal(out.s, "");
    drivers_alias("alias a b\n", &set, &out);
    assert_string_equal(out.s, "");
    str_free(&out);
    drivers_free(&set);
}

static void collect(const char *name, void *ctx)
{
    str_addf(ctx, "%s;", name);
}

static void names_firmware(void **state)
{
    static const char module[] = "\0license=GPL\0firmware=bnx2/a.fw\0firmware=../../etc/shadow\0firmware=/"
                                 "etc/shadow\0firmware=tigon/b.bin\0alias=x\0firmware=cut";
    struct str out = {0};

    (void)state;
    driver_firmware(span_of(module, sizeof(module) - 1), collect, &out);
    assert_string_equal(out.s, "bnx2/a.fw;tigon/b.bin;");
    str_free(&out);
}

/* As the kernel reads it: headers of 110 bytes at multiples of 4. */
static uint32_t field(const char *head, int i)
{
    char digits[9] = {0};

    memcpy(digits, head + 6 + 8 * i, 8);
    return (uint32_t)strtoul(digits, NULL, 16);
}

static void archive(void **state)
{
    static const struct {
        const char *name;
        uint32_t mode, size;
    } want[] = {{"dev", 040755, 0}, {"dev/console", 020600, 0}, {"init", 0100755, 5}, {"a", 040755, 0},
                {"a/b", 040755, 0}, {"a/b/c", 0100644, 3},      {"TRAILER!!!", 0, 0}};
    struct cpio c = {0};
    size_t at = 0;

    (void)state;
    cpio_dir(&c, "dev", 0755);
    cpio_char_device(&c, "dev/console", 0600, 5, 1);
    cpio_file(&c, "init", 0755, span_of("12345", 5));
    cpio_file(&c, "a/b/c", 0644, span_of("xyz", 3));
    cpio_end(&c);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        const char *head = c.bytes.s + at;

        assert_true(at + 110 < c.bytes.len);
        assert_memory_equal(head, "070701", 6);
        assert_string_equal(head + 110, want[i].name);
        assert_int_equal(field(head, 1), want[i].mode);
        assert_int_equal(field(head, 6), want[i].size);
        assert_int_equal(field(head, 11), strlen(want[i].name) + 1);
        at = (at + 110 + strlen(want[i].name) + 1 + 3) & ~(size_t)3;
        at = (at + want[i].size + 3) & ~(size_t)3;
    }
    assert_int_equal(at, c.bytes.len);
    cpio_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_with_needs),
        cmocka_unit_test(empty_indexes),
        cmocka_unit_test(names_firmware),
        cmocka_unit_test(archive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

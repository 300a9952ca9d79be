#include "tests/agent/check.h"

#include "agent/io_disks.h"
#include "agent/modules.h"
#include "base/str.h"

static const char alias[] = "# Aliases extracted from modules themselves.\n"
                            "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\n"
                            "alias virtio:d00000001v* virtio_net\n"
                            "alias virtio:d00000002v* virtio_blk\n"
                            "alias pci:v*d*sv*sd*bc01sc06i01* ahci\n"
                            "alias pci:v00008086d000010[0D]3sv*sd*bc*sc*i* e1000e\n"
                            "alias fs-ext4 ext4\n"
                            "alias crypto-crc32c crc32c_generic\n"
                            "alias crypto-crc32c crc32c_intel\n"
                            "alias broken\n";
static const char dep[] =
    "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko\n"
    "kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko\n"
    "kernel/arch/x86/crypto/crc32c-intel.ko:\n"
    "kernel/drivers/block/loop.ko:\n";

static void add(void *ctx, const char *name)
{
    str_addf(ctx, "%s ", name);
}

static void aliases(void **state)
{
    static const struct {
        const char *modalias, *names;
    } rows[] = {
        {"pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00", "virtio_pci "},
        {"virtio:d00000001v00001AF4", "virtio_net "},
        {"pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", "ahci "},
        {"pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00", "e1000e "},
        {"pci:v00008086d00001013sv00008086sd00000000bc02sc00i00", ""},
        {"crypto-crc32c", "crc32c_generic crc32c_intel "},
        {"fs-ext4", "ext4 "},
        {"fs-ext", ""},
        {"fs-ext42", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str got = {0};
        str_add(&got, "");
        modules_for(alias, rows[i].modalias, add, &got);
        assert_string_equal(got.s, rows[i].names);
        str_free(&got);
    }
}

static void orders(void **state)
{
    static const struct {
        const char *name, *files;
    } rows[] = {
        {"ext4", "kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko kernel/lib/crc16.ko kernel/fs/ext4/ext4.ko "},
        {"virtio-net",
         "kernel/net/core/failover.ko kernel/drivers/net/net_failover.ko kernel/drivers/net/virtio_net.ko "},
        {"crc32c_intel", "kernel/arch/x86/crypto/crc32c-intel.ko "},
        {"loop", "kernel/drivers/block/loop.ko "},
        {"oop", NULL},
        {"loo", NULL},
        {"mbcache", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str got = {0};
        str_add(&got, "");
        assert_int_equal(modules_order(dep, rows[i].name, add, &got), rows[i].files != NULL);
        assert_string_equal(got.s, rows[i].files ? rows[i].files : "");
        str_free(&got);
    }
}

static void path_names(void **state)
{
    static const struct {
        const char *syspath;
        struct path_facts facts;
        const char *name;
    } rows[] = {
        {"/sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda", {0}, "pci-0000:00:04.0"},
        {"/sys/devices/pci0000:00/0000:00:1d.0/0000:01:00.0/nvme/nvme0/nvme0n1",
         {.nsid = 1},
         "pci-0000:01:00.0-nvme-1"},
        {"/sys/devices/pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0/block/sda",
         {.port = 3, .host = 2},
         "pci-0000:00:1f.2-ata-3.0"},
        {"/sys/devices/pci0000:00/0000:00:05.0/virtio2/host8/target8:0:1/8:0:1:0/block/sdb",
         {.host = 0},
         "pci-0000:00:05.0-scsi-0:0:1:0"},
        {"/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdc",
         {0},
         "pci-0000:00:14.0-usb-0:1:1.0-scsi-0:0:0:0"},
        {"/sys/devices/pci0000:00/0000:03:00.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sda",
         {0},
         ""},
        {"/sys/devices/virtual/block/loop0", {0}, ""},
        {"", {0}, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[256];
        disk_path_name(rows[i].syspath, &rows[i].facts, name, sizeof name);
        assert_string_equal(name, rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(aliases), cmocka_unit_test(orders),
                                       cmocka_unit_test(path_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

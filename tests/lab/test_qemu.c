/* The command line of a machine, and the plan of the network: pure functions of the lab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "lab/net.h"
#include "lab/qemu.h"
#include "lab/state.h"

static struct lab a_lab(size_t hosts, enum lab_firmware f)
{
    struct lab l = {0};
    lab_defaults(&l.o);
    str_copy(l.o.name, sizeof l.o.name, "t");
    str_copy(l.o.dir, sizeof l.o.dir, "/run/t");
    str_copy(l.o.disks, sizeof l.o.disks, "/disks");
    l.o.hosts = hosts;
    l.o.firmware = f;
    lab_make_hosts(&l);
    return l;
}

/* The whole command as one text, each argument between bars. */
static char *command(const struct lab *l, size_t i)
{
    struct lab_args a;
    struct str s = {0};
    lab_qemu_args(l, &l->hosts[i], &a);
    str_add(&s, "|");
    for (size_t k = 0; k < a.n; k++)
        str_addf(&s, "%s|", a.v[k]);
    assert_null(a.v[a.n]);
    lab_args_free(&a);
    return str_take(&s);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no `%s` in `%s`", part, text);
}

static void test_bios(void **state)
{
    (void)state;
    struct lab l = a_lab(2, LAB_BIOS);
    char *s = command(&l, 1);
    has(s, "|ip|netns|exec|rackstrap-t|qemu-system-x86_64|");
    has(s, "|-machine|pc,graphics=off|-accel|tcg,thread=multi|-cpu|max|-smp|2|-m|1024M|");
    has(s, "|tap,id=net0,ifname=tap2,script=no,downscript=no|");
    has(s, "|virtio-net-pci,netdev=net0,mac=52:54:00:00:00:02,bootindex=1|"); /* QEMU's own ROM */
    has(s, "file=/disks/hv-02.raw|");
    has(s, "|virtio-blk-pci,drive=disk0,serial=disk-hv-02,bootindex=2|");
    has(s, "path=/run/t/hv-02/console.sock,server=on,wait=off,logfile=/run/t/hv-02/console.log");
    has(s, "|-pidfile|/run/t/hv-02/qemu.pid|-daemonize|");
    assert_null(strstr(s, "pflash"));
    assert_null(strstr(s, "no-reboot"));
    free(s);
}

static void test_uefi(void **state)
{
    (void)state;
    struct lab l = a_lab(1, LAB_UEFI);
    char *s = command(&l, 0);
    has(s, "|-machine|q35|");
    has(s, "|if=pflash,unit=0,format=raw,readonly=on,file=" OVMF_CODE "|");
    has(s, "|if=pflash,unit=1,format=raw,file=/run/t/hv-01/vars.fd|");
    has(s, ",bootindex=1,romfile=|"); /* no ROM: OVMF's own PXE */
    has(s, "|name=opt/org.tianocore/IPv6PXESupport,string=n|");
    has(s, "|virtio-rng-pci|");
    free(s);
}

static void test_rom_and_kvm(void **state)
{
    (void)state;
    struct lab l = a_lab(1, LAB_UEFI);
    str_copy(l.o.romfile, sizeof l.o.romfile, "qemu");
    l.o.accel = LAB_KVM;
    char *s = command(&l, 0);
    has(s, ",bootindex=1|");
    has(s, "|-accel|kvm|-cpu|host|");
    free(s);
    str_copy(l.o.romfile, sizeof l.o.romfile, "/usr/lib/ipxe/e1000_82540.rom");
    s = command(&l, 0);
    has(s, ",bootindex=1,romfile=/usr/lib/ipxe/e1000_82540.rom|");
    free(s);
    l.o.firmware = LAB_BIOS;
    str_copy(l.o.romfile, sizeof l.o.romfile, "none");
    s = command(&l, 0);
    has(s, ",bootindex=1,romfile=|");
    free(s);
}

static void test_serials_fit(void **state)
{
    (void)state;
    struct lab l = a_lab(LAB_MAX_HOSTS, LAB_BIOS);
    const struct lab_host *last = &l.hosts[LAB_MAX_HOSTS - 1];
    assert_string_equal(last->name, "hv-64");
    assert_string_equal(last->serial, "LAB00064");
    assert_string_equal(last->disk_serial, "disk-hv-64");
    assert_false(uuid_eq(l.hosts[0].uuid, last->uuid));
}

static void test_net(void **state)
{
    (void)state;
    struct lab l = a_lab(1, LAB_BIOS);
    struct str s = {0};
    lab_net_plan(&l, &s);
    has(s.s, "address add 10.77.0.1/24 dev br0\n");
    has(s.s, "link set lo up\n");
    has(s.s, "tuntap add dev tap1 mode tap\nlink set tap1 master br0\nlink set tap1 up\n");
    assert_null(strstr(s.s, "tap2"));
    str_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bios),        cmocka_unit_test(test_uefi), cmocka_unit_test(test_rom_and_kvm),
        cmocka_unit_test(test_serials_fit), cmocka_unit_test(test_net),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "lab/qemu.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void add(struct lab_args *a, char *owned)
{
    assert(a->n + 1 < sizeof a->v / sizeof *a->v);
    a->v[a->n++] = owned;
}

static void add_all(struct lab_args *a, const char *const *list)
{
    for (; *list; list++)
        add(a, xstrdup(*list));
}

static void add_option(struct lab_args *a, const char *name, char *owned)
{
    add(a, xstrdup(name));
    add(a, owned);
}

/* Without a screen SeaBIOS and the boot ROM write to the serial port (graphics=off), which is the one place
 * that a lab looks at. */
static void add_board(struct lab_args *a, const struct lab *l, const struct lab_host *h)
{
    char uuid[UUID_STR], file[LAB_FILE_SIZE];
    bool uefi = l->o.firmware == LAB_UEFI, kvm = l->o.accel == LAB_KVM;
    add_option(a, "-machine", xstrdup(uefi ? "q35" : "pc,graphics=off"));
    add_option(a, "-accel", xstrdup(kvm ? "kvm" : "tcg,thread=multi"));
    add_option(a, "-cpu", xstrdup(kvm ? "host" : "max"));
    add_option(a, "-smp", xasprintf("%" PRIu32, l->o.cpus));
    add_option(a, "-m", xasprintf("%" PRIu64 "M", l->o.memory >> 20));
    add_option(a, "-uuid", xstrdup(uuid_format(h->uuid, uuid)));
    add_option(a, "-smbios",
               xasprintf("type=1,manufacturer=rackstrap,product=lab-%s,serial=%s", uefi ? "uefi" : "bios",
                         h->serial));
    if (!uefi)
        return;
    add_option(a, "-drive", xstrdup("if=pflash,unit=0,format=raw,readonly=on,file=" OVMF_CODE));
    /* The NIC's options all come before the disk's: without this a machine that is told to boot from its disk
     * waits minutes for an answer by IPv6 that nobody gives in a lab. */
    add_option(a, "-fw_cfg", xstrdup("name=opt/org.tianocore/IPv6PXESupport,string=n"));
    add_option(a, "-drive",
               xasprintf("if=pflash,unit=1,format=raw,file=%s", lab_path(l, h->name, "vars.fd", file)));
}

/* The network first, then the disk: what a rack's machines are set to. */
static void add_nic(struct lab_args *a, const struct lab *l, const struct lab_host *h)
{
    char mac[MAC_STR], *rom;
    const char *mode = l->o.romfile;
    if (strcmp(mode, "qemu") == 0 || (mode[0] == '\0' && l->o.firmware == LAB_BIOS))
        rom = xstrdup("");
    else if (mode[0] == '\0' || strcmp(mode, "none") == 0)
        rom = xstrdup(",romfile=");
    else
        rom = xasprintf(",romfile=%s", mode);
    add_option(a, "-netdev", xasprintf("tap,id=net0,ifname=%s,script=no,downscript=no", h->tap));
    add_option(a, "-device",
               xasprintf("virtio-net-pci,netdev=net0,mac=%s,bootindex=1%s", mac_format(h->mac, mac), rom));
    free(rom);
}

/* cache=unsafe: a flush of the guest's need not reach the host's disk, since what must be survived here is
 * the death of a QEMU, and the host's page cache outlives that. */
static void add_disk(struct lab_args *a, const struct lab *l, const struct lab_host *h)
{
    char file[LAB_FILE_SIZE];
    add_option(a, "-drive",
               xasprintf("if=none,id=disk0,format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,file=%s",
                         lab_disk_path(l, h->name, file)));
    add_option(a, "-device", xasprintf("virtio-blk-pci,drive=disk0,serial=%s,bootindex=2", h->disk_serial));
    add_option(a, "-device", xstrdup("virtio-rng-pci"));
}

static void add_control(struct lab_args *a, const struct lab *l, const struct lab_host *h)
{
    char sock[LAB_FILE_SIZE], log[LAB_FILE_SIZE], qmp[LAB_FILE_SIZE], pid[LAB_FILE_SIZE];
    add_option(a, "-chardev",
               xasprintf("socket,id=console,path=%s,server=on,wait=off,logfile=%s,logappend=on",
                         lab_path(l, h->name, "console.sock", sock),
                         lab_path(l, h->name, "console.log", log)));
    add_option(a, "-serial", xstrdup("chardev:console"));
    add_option(a, "-qmp", xasprintf("unix:%s,server=on,wait=off", lab_path(l, h->name, "qmp.sock", qmp)));
    add_option(a, "-pidfile", xstrdup(lab_path(l, h->name, "qemu.pid", pid)));
    add(a, xstrdup("-daemonize"));
}

void lab_qemu_args(const struct lab *l, const struct lab_host *h, struct lab_args *ret)
{
    char ns[LAB_NAMESPACE_SIZE];
    *ret = (struct lab_args){0};
    add_all(ret,
            (const char *const[]){"ip", "netns", "exec", lab_namespace(l->o.name, ns), "qemu-system-x86_64",
                                  "-nodefaults", "-display", "none", "-vga", "none", NULL});
    add_option(ret, "-name", xasprintf("%s-%s", l->o.name, h->name));
    add_board(ret, l, h);
    add_nic(ret, l, h);
    add_disk(ret, l, h);
    add_control(ret, l, h);
}

void lab_args_free(struct lab_args *a)
{
    for (size_t i = 0; i < a->n; i++)
        free(a->v[i]);
    *a = (struct lab_args){0};
}

/* netboot: what a machine boots over the network: Debian's kernel, and an initramfs of our agent and the
 * drivers of common NICs and disks; and the loaders that fetch them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "base/file.h"
#include "imagebuilder/cpio.h"
#include "imagebuilder/drivers.h"
#include "imagebuilder/imagebuilder.h"
#include "imagebuilder/keys.h"
#include "imagebuilder/local_efi.h"

#define FILE_MAX   (256u << 20)
#define ZSTD_LEVEL 17
#define LOADERS    "/usr/lib/ipxe"

/* Looked up by name; what they need comes with them. A name that the kernel has built in, or not at all, is
 * passed over. */
static const char *const drivers[] = {
    /* NICs: virtual */
    "virtio_net", "vmxnet3", "hv_netvsc", "ena", "gve", "xen-netfront",
    /* NICs: Intel */
    "e100", "e1000", "e1000e", "igb", "igbvf", "igc", "ixgbe", "ixgbevf", "i40e", "iavf", "ice",
    /* NICs: Broadcom, NVIDIA (Mellanox), Marvell, Chelsio, Solarflare, Cisco, Emulex, others */
    "tg3", "bnx2", "bnx2x", "bnxt_en", "mlx4_en", "mlx5_core", "qede", "qlcnic", "netxen_nic", "atlantic",
    "cxgb4", "sfc", "sfc-falcon", "enic", "be2net", "nfp", "ionic", "r8169", "8139cp", "8139too", "atl1c",
    "alx", "sky2", "forcedeth", "pcnet32", "amd-xgbe", "jme",
    /* their PHYs */
    "realtek", "broadcom", "marvell", "micrel",
    /* USB NICs, as of consoles and small machines */
    "r8152", "ax88179_178a", "cdc_ether", "cdc_ncm",
    /* disks */
    "virtio_blk", "virtio_scsi", "virtio_pci", "sd_mod", "sr_mod", "ahci", "ata_piix", "nvme", "megaraid_sas",
    "mpt3sas", "mpi3mr", "hpsa", "smartpqi", "aacraid", "arcmsr", "3w-sas", "isci", "pm80xx", "mptsas",
    "mptspi", "vmw_pvscsi", "hv_storvsc", "xen-blkfront", "sym53c8xx", "sdhci-pci", "mmc_block", "vmd",
    /* USB: disks, keyboards */
    "xhci-pci", "ehci-pci", "uhci-hcd", "ohci-pci", "usb-storage", "uas", "usbhid", "hid-generic", "hv_vmbus",
    "hyperv-keyboard",
    /* file systems and what they ask for by name */
    "ext4", "vfat", "nls_cp437", "nls_iso8859-1", "nls_ascii", "nls_utf8", "loop", "crc32c_generic",
    "crc32c-intel", "crc32-pclmul", "libcrc32c", "crc16", "mbcache", "jbd2",
    /* entropy and the wire */
    "virtio-rng", "af_packet", NULL};

static const char *const loaders[] = {"undionly.kpxe", "ipxe.pxe", "ipxe.efi", "snponly.efi"};

struct netboot {
    const struct build_options *o;
    char version[128];
    char *modules; /* /lib/modules/VERSION */
    struct driver_set set;
    struct cpio cpio;
    struct str seen_firmware; /* names, each between newlines */
};

static void say(const struct netboot *b, const char *step)
{
    if (b->o->progress)
        b->o->progress(step, 0, 0, b->o->ctx);
}

/* --- the kernel --- */

static int is_kernel(const struct dirent *d)
{
    return str_starts(d->d_name, "vmlinuz-") && str_ends(d->d_name, "-amd64") &&
           !strstr(d->d_name, "-cloud-") && !strstr(d->d_name, "-rt-");
}

static int find_kernel(struct netboot *b, const char *wanted, struct err *e)
{
    struct dirent **found = NULL;
    int n = wanted ? 0 : scandir("/boot", &found, is_kernel, versionsort);

    if (wanted)
        str_copy(b->version, sizeof(b->version), wanted);
    else if (n > 0)
        str_copy(b->version, sizeof(b->version), found[n - 1]->d_name + strlen("vmlinuz-"));
    for (int i = 0; i < n; i++)
        free(found[i]);
    free(found);
    b->modules = xasprintf("/lib/modules/%s", b->version);
    char *dep = xasprintf("%s/modules.dep", b->modules), *kernel = xasprintf("/boot/vmlinuz-%s", b->version);
    bool there = *b->version && !strchr(b->version, '/') && file_exists(dep) && file_exists(kernel);
    free(dep);
    free(kernel);
    if (there)
        return 0;
    if (wanted)
        return err_set(e, ERR_NOT_FOUND,
                       "kernel %s is not installed here (no /boot/vmlinuz-%s with its /lib/modules); install "
                       "its linux-image package",
                       wanted, wanted);
    return err_set(e, ERR_NOT_FOUND,
                   "no kernel for the installer is in /boot; install Debian's package linux-image-amd64 on "
                   "this machine");
}

/* --- the initramfs --- */

static int add_file(struct netboot *b, const char *from, const char *to, uint32_t mode, struct err *e)
{
    struct str bytes = {0};
    int rc = file_read(from, FILE_MAX, &bytes, e);

    if (rc == 0)
        cpio_file(&b->cpio, to, mode, span_of(bytes.s, bytes.len));
    str_free(&bytes);
    return rc;
}

static int add_agent(struct netboot *b, struct err *e)
{
    static const char *const dirs[] = {"dev", "proc", "sys", "run", "tmp", "etc", "newroot"};

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        cpio_dir(&b->cpio, dirs[i], 0755);
    cpio_char_device(&b->cpio, "dev/console", 0600, 5, 1);
    cpio_char_device(&b->cpio, "dev/null", 0666, 1, 3);
    if (!b->o->agent_path || !file_exists(b->o->agent_path))
        return err_set(e, ERR_NOT_FOUND, "the agent %s does not exist; build it with make",
                       b->o->agent_path ? b->o->agent_path : "");
    return add_file(b, b->o->agent_path, "init", 0755, e);
}

static int add_release_key(struct netboot *b, struct err *e)
{
    struct str pem = {0};
    int rc = release_public_key(b->o->state_dir, &pem, e);

    if (rc == 0)
        cpio_file(&b->cpio, "etc/rackstrap/release.pub", 0644, span_of(pem.s, pem.len));
    if (rc == 0) {
        char *path = xasprintf("%s/netboot/release.pub", b->o->state_dir);

        rc = file_write(path, pem.s, pem.len, 0644, e);
        free(path);
    }
    str_free(&pem);
    return rc;
}

/* Firmware that this machine has not is left out: most NICs carry their own. */
static void add_firmware(const char *name, void *ctx)
{
    struct netboot *b = ctx;
    char *from = xasprintf("/lib/firmware/%s", name), *to = xasprintf("lib/firmware/%s", name),
         *mark = xasprintf("\n%s\n", name);

    if (file_exists(from) && !(b->seen_firmware.s && strstr(b->seen_firmware.s, mark))) {
        str_add(&b->seen_firmware, mark);
        add_file(b, from, to, 0644, NULL);
    }
    free(from);
    free(to);
    free(mark);
}

static int add_module(struct netboot *b, const char *path, struct err *e)
{
    struct str bytes = {0};
    char *from = xasprintf("%s/%s", b->modules, path), *to = xasprintf("lib/modules/%s/%s", b->version, path);
    int rc = file_read(from, FILE_MAX, &bytes, e);

    if (rc == 0) {
        cpio_file(&b->cpio, to, 0644, span_of(bytes.s, bytes.len));
        driver_firmware(span_of(bytes.s, bytes.len), add_firmware, b);
    }
    str_free(&bytes);
    free(from);
    free(to);
    return rc;
}

static int add_index(struct netboot *b, const char *name,
                     void filter(const char *, const struct driver_set *, struct str *), struct err *e)
{
    struct str all = {0}, some = {0};
    char *from = xasprintf("%s/%s", b->modules, name), *to = xasprintf("lib/modules/%s/%s", b->version, name);
    int rc = file_read(from, FILE_MAX, &all, e);

    if (rc == 0) {
        filter(all.s ? all.s : "", &b->set, &some);
        cpio_file(&b->cpio, to, 0644, span_of(some.s, some.len));
    }
    str_free(&all);
    str_free(&some);
    free(from);
    free(to);
    return rc;
}

static int add_drivers(struct netboot *b, struct err *e)
{
    struct str dep = {0};
    char *path = xasprintf("%s/modules.dep", b->modules);
    int rc = file_read(path, FILE_MAX, &dep, e);

    if (rc == 0)
        drivers_pick(dep.s, drivers, &b->set, NULL);
    str_free(&dep);
    free(path);
    for (size_t i = 0; i < b->set.n && rc == 0; i++)
        rc = add_module(b, b->set.path[i], e);
    if (rc == 0)
        rc = add_index(b, "modules.dep", drivers_dep, e);
    return rc == 0 ? add_index(b, "modules.alias", drivers_alias, e) : -1;
}

static int write_initrd(struct netboot *b, struct err *e)
{
    size_t max = ZSTD_compressBound(b->cpio.bytes.len), n;
    uint8_t *out = xcalloc(max, 1);
    char *path = xasprintf("%s/netboot/initrd.img", b->o->state_dir);
    int rc;

    n = ZSTD_compress(out, max, b->cpio.bytes.s, b->cpio.bytes.len, ZSTD_LEVEL);
    rc = ZSTD_isError(n) ? err_set(e, ERR_IO, "zstd: %s", ZSTD_getErrorName(n))
                         : file_write(path, out, n, 0644, e);
    free(out);
    free(path);
    return rc;
}

/* --- the rest of what is served --- */

static int copy_whole(const char *from, const char *to, struct err *e)
{
    struct str bytes = {0};
    int rc = file_read(from, FILE_MAX, &bytes, e);

    if (rc == 0)
        rc = file_write(to, bytes.s, bytes.len, 0644, e);
    str_free(&bytes);
    return rc;
}

static int put_kernel(struct netboot *b, struct err *e)
{
    char *from = xasprintf("/boot/vmlinuz-%s", b->version),
         *to = xasprintf("%s/netboot/vmlinuz", b->o->state_dir);
    int rc = copy_whole(from, to, e);

    free(from);
    free(to);
    return rc;
}

static int put_loaders(struct netboot *b, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]) && rc == 0; i++) {
        char *from = xasprintf(LOADERS "/%s", loaders[i]),
             *to = xasprintf("%s/tftp/%s", b->o->state_dir, loaders[i]);

        rc = file_exists(from)
                 ? copy_whole(from, to, e)
                 : err_set(e, ERR_NOT_FOUND, "there is no %s; install Debian's package ipxe on this machine",
                           from);
        free(from);
        free(to);
    }
    return rc;
}

static int put_local_efi(struct netboot *b, struct err *e)
{
    char *to = xasprintf("%s/netboot/local.efi", b->o->state_dir);
    int rc = local_efi_build(to, e);

    free(to);
    return rc;
}

static int make_dirs(struct netboot *b, struct err *e)
{
    static const char *const dirs[] = {"netboot", "tftp"};
    int rc = 0;

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && rc == 0; i++) {
        char *path = xasprintf("%s/%s", b->o->state_dir, dirs[i]);

        rc = dir_make(path, 0755, e);
        free(path);
    }
    return rc;
}

int netboot_build(const char *kernel_version, const struct build_options *o, struct err *e)
{
    static const struct {
        const char *what;
        int (*run)(struct netboot *b, struct err *e);
    } steps[] = {
        {"folders", make_dirs},
        {"the agent", add_agent},
        {"the key that releases are signed with", add_release_key},
        {"drivers of network cards and disks", add_drivers},
        {"kernel", put_kernel},
        {"loaders", put_loaders},
        {"the loader that starts a UEFI machine's own disk", put_local_efi},
    };
    struct netboot b = {.o = o};
    int rc = find_kernel(&b, kernel_version, e);

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; i++) {
        say(&b, steps[i].what);
        rc = steps[i].run(&b, e);
    }
    if (rc == 0) {
        say(&b, "compressing the installer");
        cpio_end(&b.cpio);
        rc = write_initrd(&b, e); /* last: what is served before it is written is the installer of before */
    }
    cpio_free(&b.cpio);
    drivers_free(&b.set);
    str_free(&b.seen_firmware);
    free(b.modules);
    return rc;
}

/* build_system: a disk from Debian's packages. The system is made in a folder at this machine's own speed
 * (mmdebstrap, then the payload by chroot), put into an ext4 by mke2fs without mounting anything, and only
 * what needs a real disk (partition table, GRUB) is done in the appliance, which is slow without KVM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/proc.h"
#include "imagebuilder/appliance.h"
#include "imagebuilder/build.h"
#include "imagebuilder/customise.h"
#include "imagebuilder/gpt.h"

#define MIB         (1ull << 20)
#define BIOS_START  (1 * MIB)
#define EFI_START   (2 * MIB)
#define EFI_BYTES   (64 * MIB) /* FAT32 wants 33 at the least */
#define ROOT_START  (EFI_START + EFI_BYTES)
#define END_BYTES   (1 * MIB) /* the backup partition table's */
#define SYSTEM_PATH "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

/* What a machine needs to boot under both kinds of firmware, get an address, run the agent and be reached. */
static const char base_packages[] =
    "systemd-sysv,udev,dbus,kmod,iproute2,netbase,systemd-resolved,openssh-server,ca-certificates,e2fsprogs,"
    "dosfstools,grub-pc-bin,grub-efi-amd64-bin,grub2-common";

static char *root_of(const struct build *b)
{
    return xasprintf("%s/root", b->dir);
}

static int make_system(struct build *b, struct err *e)
{
    const struct recipe *r = b->recipe;
    struct str include = {0}, components = {0};
    char *root = root_of(b);

    str_addf(&include, "--include=%s,%s", base_packages, r->kernel);
    for (size_t i = 0; i < r->users_n; i++)
        if (r->users[i].sudo)
            str_add(&include, ",sudo");
    for (size_t i = 0; i < r->packages.n; i++)
        str_addf(&include, ",%s", r->packages.s[i]);
    str_add(&components, "--components=");
    for (size_t i = 0; i < r->components.n; i++)
        str_addf(&components, "%s%s", i ? "," : "", r->components.s[i]);
    if (!r->components.n)
        str_add(&components, "main");
    const char *const argv[] = {"mmdebstrap",
                                "--mode=root",
                                "--variant=minbase",
                                "--format=directory",
                                "--aptopt=Acquire::Languages \"none\"",
                                include.s,
                                components.s,
                                r->suite,
                                root,
                                r->mirror,
                                NULL};
    int rc = proc_run(argv, b->log, NULL, e);
    free(root);
    str_free(&include);
    str_free(&components);
    return rc;
}

/* Scripts of a recipe may want names resolved: the link that systemd-resolved put into the system gets this
 * machine's answer. */
static int lend_resolver(const char *root, struct err *e)
{
    char *dir = xasprintf("%s/run/systemd/resolve", root), *to = xasprintf("%s/stub-resolv.conf", dir);
    int rc = dir_make(dir, 0755, e);

    if (rc == 0 && file_exists("/etc/resolv.conf")) {
        struct str text = {0};

        rc = file_read("/etc/resolv.conf", 64 * 1024, &text, e);
        if (rc == 0)
            rc = file_write(to, text.s ? text.s : "", text.len, 0644, e);
        str_free(&text);
    }
    free(dir);
    free(to);
    return rc;
}

static int empty_run(const char *root, struct err *e)
{
    char *run = xasprintf("%s/run", root);
    int rc = dir_remove(run, e) < 0 || dir_make(run, 0755, e) < 0 ? -1 : 0;

    free(run);
    return rc;
}

/* In PID and mount namespaces of its own: what a script leaves running dies with it, and no mount of it is
 * seen here. */
static int customise(struct build *b, struct err *e)
{
    char *root = root_of(b), *root_option = xasprintf("--root=%s", root),
         *to = xasprintf("%s" PAYLOAD_DIR, root);
    const char *const copy[] = {"cp", "-rT", "--preserve=mode", "--", b->payload, to, NULL};
    const char *const enter[] = {
        "env",          "-i",        SYSTEM_PATH, "unshare",      "--mount",          "--pid", "--fork",
        "--kill-child", root_option, "--wd=/",    "--mount-proc", PAYLOAD_DIR "/run", NULL};
    int rc = lend_resolver(root, e);

    if (rc == 0)
        rc = proc_run(copy, b->log, NULL, e);
    if (rc == 0)
        rc = proc_run(enter, b->log, NULL, e);
    if (rc == 0)
        rc = empty_run(root, e);
    free(root);
    free(root_option);
    free(to);
    return rc;
}

/* The EFI partition's volume ID is told to fstab, so it is chosen here; the root file system's UUID likewise.
 */
struct ids {
    char root[UUID_STR];
    char efi[10], efi_option[9]; /* "1234-ABCD", "1234ABCD" */
};

/* They lie in a file beside the payload, because two steps need them. */
static int choose_ids(struct build *b, struct ids *ids, struct err *e)
{
    uint8_t id[4];
    char *path = xasprintf("%s/ids", b->dir);
    struct str text = {0};
    int rc = 0;

    if (!file_exists(path)) {
        random_bytes(id, sizeof(id));
        uuid_format(uuid_random(), ids->root);
        snprintf(ids->efi_option, sizeof(ids->efi_option), "%02X%02X%02X%02X", id[0], id[1], id[2], id[3]);
        str_addf(&text, "%s %s", ids->root, ids->efi_option);
        rc = file_write(path, text.s, text.len, 0644, e);
    } else {
        rc = file_read(path, 128, &text, e);
        if (rc == 0 && sscanf(text.s, "%36s %8s", ids->root, ids->efi_option) != 2)
            rc = err_set(e, ERR_CORRUPT, "%s", path);
    }
    snprintf(ids->efi, sizeof(ids->efi), "%.4s-%.4s", ids->efi_option, ids->efi_option + 4);
    str_free(&text);
    free(path);
    return rc;
}

static int make_payload(struct build *b, struct err *e)
{
    struct ids ids = {0};

    if (choose_ids(b, &ids, e) < 0)
        return -1;
    const struct customise c = {
        .recipe = b->recipe,
        .agent_path = b->o->agent_path,
        .root_uuid = ids.root,
        .efi_id = ids.efi,
    };
    return customise_payload(&c, b->payload, b->log, e);
}

static int make_empty(const char *path, uint64_t size, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = fd < 0 || ftruncate(fd, (off_t)size) < 0 ? err_errno(e, "%s", path) : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

/* Inode tables and journal are written whole (no lazy_*): a machine's first boot need not do it. resize_inode
 * and 64bit are what the kernel's own growing wants. */
static int make_file_systems(struct build *b, struct err *e)
{
    const struct recipe *r = b->recipe;
    struct ids ids = {0};

    if (choose_ids(b, &ids, e) < 0 || make_empty(b->raw, r->size, e) < 0)
        return -1;
    char *root = root_of(b);
    char *efi_offset = xasprintf("%llu", EFI_START / SECTOR_SIZE),
         *efi_size = xasprintf("%llu", EFI_BYTES / 1024);
    char *extended = xasprintf("offset=%llu,lazy_itable_init=0,lazy_journal_init=0", ROOT_START);
    char *size = xasprintf("%lluk", (unsigned long long)(r->size - ROOT_START - END_BYTES) / 1024);
    /* One sector a cluster: firmware takes a FAT with fewer than 65,525 clusters for a FAT16, whatever it
     * says. */
    const char *const fat[] = {
        "env", SYSTEM_PATH, "mkfs.vfat",    "-s",       "1",        "-F",   "32",     "-n",
        "ESP", "-i",        ids.efi_option, "--offset", efi_offset, b->raw, efi_size, NULL};
    const char *const ext4[] = {"env",    SYSTEM_PATH, "mke2fs",
                                "-q",     "-F",        "-t",
                                "ext4",   "-O",        "64bit,resize_inode,metadata_csum",
                                "-L",     "root",      "-U",
                                ids.root, "-E",        extended,
                                "-d",     root,        b->raw,
                                size,     NULL};
    int rc = proc_run(fat, b->log, NULL, e);
    if (rc == 0 && proc_run(ext4, b->log, NULL, e) < 0)
        rc = err_prefix(e, "the system does not fit into the recipe's size, or");
    if (rc == 0)
        rc = dir_remove(root, e);
    free(root);
    free(efi_offset);
    free(efi_size);
    free(extended);
    free(size);
    return rc;
}

static int make_bootable(struct build *b, struct err *e)
{
    const struct disk_layout layout = {
        .bios = BIOS_START,
        .efi = EFI_START,
        .root = ROOT_START,
        .end = b->recipe->size - END_BYTES,
    };
    struct appliance *a = NULL;
    int rc = appliance_start(b->raw, false, b->log, &a, e);

    if (rc == 0 && (appliance_partition(a, &layout, e) < 0 || appliance_boot_loaders(a, e) < 0 ||
                    appliance_finish(a, e) < 0))
        rc = -1;
    appliance_free(a);
    return rc;
}

const struct build_step build_system_steps[] = {
    {"Debian's packages", make_system},
    {"the recipe's files", make_payload},
    {"users, files and scripts", customise},
    {"file systems", make_file_systems},
    {"partition table and boot loaders", make_bootable},
    {NULL, NULL},
};

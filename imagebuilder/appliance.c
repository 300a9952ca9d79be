#include "imagebuilder/appliance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <guestfs.h>

#include "base/file.h"
#include "base/str.h"
#include "imagebuilder/customise.h"
#include "imagebuilder/gpt.h"

#define DISK "/dev/sda"
/* The API calls the only disk /dev/sda whatever the appliance's kernel calls it; programs run inside see the
 * kernel's names, which depend on the order of probing. This link is made for them. */
#define LABEL          "target"
#define DISK_INSIDE    "/dev/disk/guestfs/" LABEL
#define MEMORY_MIB     1024
#define LAUNCH_LIMIT_S 240 /* the first start on a machine builds the appliance too */
#define LAUNCH_TRIES   3
#define GUID_BIOS      "21686148-6449-6E6F-744E-656564454649"
#define GUID_EFI       "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define GUID_LINUX     "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
#define BACKUP_BYTES   (1u << 20) /* kept free at the end, for the backup table */

struct appliance {
    guestfs_h *g;
    int log_fd;
    sem_t up; /* posted when the start has ended, either way */
    atomic_bool killed;
};

static int failed(struct appliance *a, struct err *e, const char *what)
{
    const char *why = guestfs_last_error(a->g);

    return err_set(e, ERR_IO, "%s: %s", what, why ? why : "libguestfs gives no reason");
}

static void to_log(guestfs_h *g, void *opaque, uint64_t event, int handle, int flags, const char *buf,
                   size_t n, const uint64_t *array, size_t array_n)
{
    struct appliance *a = opaque;

    (void)g, (void)event, (void)handle, (void)flags, (void)array, (void)array_n;
    if (a->log_fd >= 0)
        (void)!write(a->log_fd, buf, n);
}

/* --- the start, which has no time limit in libguestfs; a guest's kernel that hangs would hold us for ever
 * --- */

/* The QEMU that this process has started, or 0. libguestfs names it only once it is up. */
static pid_t find_qemu(void)
{
    DIR *d = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;

    while (d && !found && (entry = readdir(d))) {
        char *path = xasprintf("/proc/%s/stat", entry->d_name);
        struct str stat = {0};
        char name[32];
        int parent;

        if (strspn(entry->d_name, "0123456789") && file_read(path, 4096, &stat, NULL) == 0 &&
            sscanf(stat.s, "%*d (%31[^)]) %*c %d", name, &parent) == 2 && parent == getpid() &&
            str_starts(name, "qemu"))
            found = (pid_t)atoi(entry->d_name);
        str_free(&stat);
        free(path);
    }
    if (d)
        closedir(d);
    return found;
}

static void *guard(void *ctx)
{
    struct appliance *a = ctx;
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LAUNCH_LIMIT_S;
    if (sem_timedwait(&a->up, &until) < 0 && errno == ETIMEDOUT) {
        pid_t pid = find_qemu();

        atomic_store(&a->killed, true);
        if (pid > 0)
            kill(pid, SIGKILL);
    }
    return NULL;
}

static int launch(struct appliance *a, struct err *e)
{
    pthread_t thread;

    sem_init(&a->up, 0, 0);
    bool guarded = pthread_create(&thread, NULL, guard, a) == 0;
    int rc = guestfs_launch(a->g);
    sem_post(&a->up);
    if (guarded)
        pthread_join(thread, NULL);
    sem_destroy(&a->up);
    if (rc == 0)
        return 0;
    if (atomic_load(&a->killed))
        return err_set(
            e, ERR_IO,
            "libguestfs's appliance hung at its start, %d times for %d s; is this machine very busy?",
            LAUNCH_TRIES, LAUNCH_LIMIT_S);
    return failed(a, e, "libguestfs's appliance did not start (it needs a readable kernel in /boot)");
}

static int start(struct appliance *a, const char *raw_path, bool network, struct err *e)
{
    guestfs_h *g = a->g;

    guestfs_set_error_handler(g, NULL, NULL);
    guestfs_set_verbose(g, 1); /* to our log only: see the callback */
    guestfs_set_event_callback(g, to_log,
                               GUESTFS_EVENT_APPLIANCE | GUESTFS_EVENT_LIBRARY | GUESTFS_EVENT_WARNING, 0, a);
    if (guestfs_set_backend(g, "direct") < 0)
        return failed(a, e, "libguestfs");
    if (!getenv("LIBGUESTFS_BACKEND_SETTINGS") && guestfs_set_backend_setting(g, "force_tcg", "1") < 0)
        return failed(a, e, "libguestfs");
    guestfs_set_memsize(g, MEMORY_MIB);
    guestfs_set_smp(g, 1); /* under TCG a second processor gains little, and its start can hang */
    guestfs_set_network(g, network);
    if (guestfs_add_drive_opts(g, raw_path, GUESTFS_ADD_DRIVE_OPTS_FORMAT, "raw",
                               GUESTFS_ADD_DRIVE_OPTS_CACHEMODE, "unsafe", GUESTFS_ADD_DRIVE_OPTS_DISCARD,
                               "besteffort", GUESTFS_ADD_DRIVE_OPTS_LABEL, LABEL, -1) < 0)
        return failed(a, e, raw_path);
    return launch(a, e);
}

int appliance_start(const char *raw_path, bool network, const char *log, struct appliance **ret,
                    struct err *e)
{
    for (int left = LAUNCH_TRIES;; left--) {
        struct appliance *a = xcalloc(1, sizeof(*a));
        struct err why = {0};

        a->log_fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        a->g = guestfs_create();
        int rc = a->g ? start(a, raw_path, network, &why)
                      : err_set(&why, ERR_IO, "libguestfs cannot be used here");
        if (rc == 0) {
            *ret = a;
            return 0;
        }
        bool again = left > 1 && atomic_load(&a->killed);
        appliance_free(a);
        if (!again)
            return err_set(e, why.kind, "%s", why.text);
    }
}

int appliance_finish(struct appliance *a, struct err *e)
{
    if (guestfs_umount_all(a->g) < 0 || guestfs_shutdown(a->g) < 0)
        return failed(a, e, "the disk could not be flushed");
    return 0;
}

void appliance_free(struct appliance *a)
{
    if (!a)
        return;
    if (a->g)
        guestfs_close(a->g);
    if (a->log_fd >= 0)
        close(a->log_fd);
    free(a);
}

int appliance_partition(struct appliance *a, const struct disk_layout *l, struct err *e)
{
    const struct {
        uint64_t start, end;
        const char *guid, *name;
    } parts[] = {
        {l->bios, l->efi, GUID_BIOS, "bios"},
        {l->efi, l->root, GUID_EFI, "efi"},
        {l->root, l->end, GUID_LINUX, "root"},
    };

    if (guestfs_part_init(a->g, DISK, "gpt") < 0)
        return failed(a, e, "no partition table could be made");
    for (int i = 0; i < 3; i++)
        if (guestfs_part_add(a->g, DISK, "p", (int64_t)(parts[i].start / SECTOR_SIZE),
                             (int64_t)(parts[i].end / SECTOR_SIZE - 1)) < 0 ||
            guestfs_part_set_gpt_type(a->g, DISK, i + 1, parts[i].guid) < 0 ||
            guestfs_part_set_name(a->g, DISK, i + 1, parts[i].name) < 0)
            return failed(a, e, "a partition could not be made");
    return 0;
}

/* Runs a program inside the image; what it said goes to the log. */
static int run(struct appliance *a, const char *const argv[], struct err *e)
{
    char *said = guestfs_command(a->g, (char *const *)argv);

    if (!said)
        return failed(a, e, argv[0]);
    if (a->log_fd >= 0)
        (void)!write_all(a->log_fd, said, strlen(said));
    free(said);
    return 0;
}

int appliance_update_grub(struct appliance *a, struct err *e)
{
    return run(a, (const char *const[]){"update-grub", NULL}, e);
}

int appliance_boot_loaders(struct appliance *a, struct err *e)
{
    const char *const bios[] = {"grub-install", "--target=i386-pc", DISK_INSIDE, NULL};
    /* --removable: under the name that every UEFI firmware tries, so that it boots without an entry in NVRAM.
     */
    const char *const efi[] = {"grub-install", "--target=x86_64-efi", "--efi-directory=/boot/efi",
                               "--removable",  "--no-nvram",          NULL};

    if (guestfs_mount(a->g, DISK "3", "/") < 0 || guestfs_mkdir_p(a->g, "/boot/efi") < 0 ||
        guestfs_mount(a->g, DISK "2", "/boot/efi") < 0)
        return failed(a, e, "the new file systems cannot be mounted");
    return run(a, bios, e) < 0 || run(a, efi, e) < 0 ? -1 : appliance_update_grub(a, e);
}

/* --- disks from elsewhere --- */

struct found {
    int bios, efi, last; /* partition numbers; 0 for none */
};

static int find_partitions(struct appliance *a, struct found *ret, struct err *e)
{
    struct guestfs_partition_list *list = guestfs_part_list(a->g, DISK);
    uint64_t last_start = 0;

    if (!list)
        return failed(a, e, "the disk has no partition table that can be read");
    for (uint32_t i = 0; i < list->len; i++) {
        int number = list->val[i].part_num;
        char *guid = guestfs_part_get_gpt_type(a->g, DISK, number);

        if (guid && strcasecmp(guid, GUID_BIOS) == 0)
            ret->bios = number;
        if (guid && strcasecmp(guid, GUID_EFI) == 0)
            ret->efi = number;
        if (list->val[i].part_start >= last_start) {
            last_start = list->val[i].part_start;
            ret->last = number;
        }
        free(guid);
    }
    guestfs_free_partition_list(list);
    return 0;
}

static int check_table(struct appliance *a, struct err *e)
{
    char *type = guestfs_part_get_parttype(a->g, DISK);
    bool gpt = type && strcmp(type, "gpt") == 0;

    free(type);
    if (!gpt)
        return err_set(e, ERR_INPUT,
                       "the source disk has no GPT; an image must have one, with a BIOS boot partition and "
                       "an EFI system partition");
    return 0;
}

static bool efi_loader_there(struct appliance *a, int efi)
{
    char *device = xasprintf(DISK "%d", efi), *path = NULL;
    bool there = guestfs_mount_ro(a->g, device, "/") == 0;

    if (there)
        path = guestfs_case_sensitive_path(a->g, "/EFI/BOOT/BOOTX64.EFI");
    there = path && guestfs_is_file(a->g, path) == 1;
    guestfs_umount_all(a->g);
    free(path);
    free(device);
    return there;
}

static int check_bootable(struct appliance *a, struct err *e)
{
    struct found f = {0};

    if (check_table(a, e) < 0 || find_partitions(a, &f, e) < 0)
        return -1;
    if (!f.bios)
        return err_set(e, ERR_INPUT,
                       "the source disk has no BIOS boot partition, so it cannot boot under BIOS; take an "
                       "image that boots under both, or build one from `debootstrap`");
    if (!f.efi)
        return err_set(e, ERR_INPUT,
                       "the source disk has no EFI system partition, so it cannot boot under UEFI; take an "
                       "image that boots under both, or build one from `debootstrap`");
    if (!efi_loader_there(a, f.efi))
        return err_set(e, ERR_INPUT,
                       "the source disk's EFI system partition has no EFI/BOOT/BOOTX64.EFI, so a machine "
                       "without a boot entry for it cannot boot it under UEFI");
    return 0;
}

/* Inspection's list is mount point, device, mount point, ...: shorter mount points first. */
static int mount_system(struct appliance *a, const char *root, struct err *e)
{
    char **list = guestfs_inspect_get_mountpoints(a->g, root);
    int rc = 0;
    bool more = list;

    if (!list)
        return failed(a, e, "the system's mount points cannot be found");
    for (size_t length = 1; more && rc == 0; length++) {
        more = false;
        for (size_t i = 0; list[i] && rc == 0; i += 2) {
            if (strlen(list[i]) == length && guestfs_mount(a->g, list[i + 1], list[i]) < 0)
                rc = failed(a, e, list[i]);
            more = more || strlen(list[i]) > length;
        }
    }
    for (size_t i = 0; list[i]; i++)
        free(list[i]);
    free(list);
    return rc;
}

int appliance_open_system(struct appliance *a, struct err *e)
{
    if (check_bootable(a, e) < 0)
        return -1;
    char **roots = guestfs_inspect_os(a->g);
    size_t n = 0;
    int rc;

    if (!roots)
        return failed(a, e, "the source disk's system cannot be inspected");
    while (roots[n])
        n++;
    rc = n == 1 ? mount_system(a, roots[0], e)
                : err_set(e, ERR_INPUT, "the source disk holds %zu systems; an image has exactly one", n);
    for (size_t i = 0; i < n; i++)
        free(roots[i]);
    free(roots);
    return rc;
}

int appliance_grow(struct appliance *a, struct err *e)
{
    struct found f = {0};

    if (check_table(a, e) < 0)
        return -1;
    if (guestfs_part_expand_gpt(a->g, DISK) < 0)
        return failed(a, e, "the backup partition table cannot be moved to the new end");
    if (find_partitions(a, &f, e) < 0)
        return -1;
    int64_t size = guestfs_blockdev_getsize64(a->g, DISK);
    char *device = xasprintf(DISK "%d", f.last), *type = NULL;
    int rc = 0;
    if (size < 0 || guestfs_part_resize(a->g, DISK, f.last, (size - BACKUP_BYTES) / SECTOR_SIZE - 1) < 0 ||
        !(type = guestfs_vfs_type(a->g, device)))
        rc = failed(a, e, "the last partition cannot be grown");
    else if (str_starts(type, "ext") && (guestfs_e2fsck(a->g, device, GUESTFS_E2FSCK_CORRECT, 1, -1) < 0 ||
                                         guestfs_resize2fs(a->g, device) < 0))
        rc = failed(a, e, "the root file system cannot be grown");
    free(type);
    free(device);
    return rc;
}

static int upload_all(struct appliance *a, const char *dir, struct err *e)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    int rc = d ? 0 : err_errno(e, "%s", dir);

    while (rc == 0 && (entry = readdir(d))) {
        if (entry->d_name[0] == '.')
            continue;
        char *from = xasprintf("%s/%s", dir, entry->d_name),
             *to = xasprintf(PAYLOAD_DIR "/%s", entry->d_name);

        if (guestfs_upload(a->g, from, to) < 0 || guestfs_chmod(a->g, 0755, to) < 0)
            rc = failed(a, e, to);
        free(from);
        free(to);
    }
    if (d)
        closedir(d);
    return rc;
}

int appliance_customise(struct appliance *a, const char *payload_dir, struct err *e)
{
    if (guestfs_mkdir_p(a->g, PAYLOAD_DIR) < 0)
        return failed(a, e, PAYLOAD_DIR);
    if (upload_all(a, payload_dir, e) < 0)
        return -1;
    return run(a, (const char *const[]){PAYLOAD_DIR "/run", NULL}, e);
}

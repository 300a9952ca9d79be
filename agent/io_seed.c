#include "agent/io_seed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <jansson.h>

#include "agent/say.h"
#include "base/file.h"
#include "base/str.h"

/* linux/ext4.h is not among the kernel's public headers. */
#define EXT4_RESIZE_FS _IOW('f', 16, uint64_t)
#define LOOP_TRIES     20

static int check_ext4(const struct target *t, uint64_t from, struct err *e)
{
    uint8_t super[1024];
    if (target_read(t, super, sizeof super, from + 1024, e))
        return -1;
    if (super[56] != 0x53 || super[57] != 0xef)
        return err_set(e, ERR_CORRUPT, "the root partition holds no ext4 file system");
    return 0;
}

/* A loop device over the partition's bytes: the kernel need not know the partition table for this, which is
 * not on the disk yet. It detaches itself when nobody uses it any more, even if we are killed. */
static int loop_attach(const struct target *t, uint64_t from, uint64_t len, char path[32], int *ret_fd,
                       struct err *e)
{
    const struct loop_config config = {
        .fd = (uint32_t)t->fd,
        .info = {.lo_offset = from, .lo_sizelimit = len, .lo_flags = LO_FLAGS_AUTOCLEAR},
    };
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), status = -1;
    for (int i = 0; control >= 0 && i < LOOP_TRIES; i++) {
        int n = ioctl(control, LOOP_CTL_GET_FREE);
        snprintf(path, 32, "/dev/loop%d", n);
        int fd = n < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
            *ret_fd = fd;
            status = 0;
            break;
        }
        int error = errno;
        if (fd >= 0)
            close(fd);
        errno = error;
        if (error != EBUSY) /* EBUSY: another process took it between the two calls */
            break;
    }
    if (status)
        err_errno(e, "no loop device for the root file system (is the module `loop` there?)");
    if (control >= 0)
        close(control);
    return status;
}

/* A container without CAP_SYS_RESOURCE may write an image but not grow it; its first boot can. The installer
 * lacks no capability. */
static int not_grown(uint64_t blocks, struct err *e)
{
    if (errno != EPERM)
        return err_errno(e, "the root file system does not grow to %llu blocks", (unsigned long long)blocks);
    say("the root file system is not grown: that takes CAP_SYS_RESOURCE; resize2fs can do it later");
    return 0;
}

static int grow(const char *mount_point, uint64_t len, struct err *e)
{
    struct statfs fs;
    int fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status = 0;
    if (fd < 0 || fstatfs(fd, &fs)) {
        status = err_errno(e, "the new root file system cannot be opened");
    } else {
        uint64_t blocks = len / (uint64_t)fs.f_bsize;
        if (ioctl(fd, EXT4_RESIZE_FS, &blocks))
            status = not_grown(blocks, e);
    }
    if (fd >= 0)
        close(fd);
    return status;
}

static int write_seed(const struct seed *s, struct err *e)
{
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:s}", "url", s->url, "token", s->token, "job", s->job, "device", s->device);
    char *text = json_dumps(j, JSON_INDENT(2));
    int status = -1;
    if (dir_make("/var/lib/rackstrap", 0700, e) == 0)
        status = file_write("/var/lib/rackstrap/seed.json", text, strlen(text), 0600, e);
    free(text);
    json_decref(j);
    return status;
}

/* For images that carry cloud-init. The token is in the URL, hence 0600. */
static int write_nocloud(const struct seed *s, struct err *e)
{
    if (!file_exists("/etc/cloud"))
        return 0;
    char *text = xasprintf("# Written by rackstrap's installer.\n"
                           "datasource_list: [NoCloud, None]\n"
                           "datasource:\n"
                           "  NoCloud:\n"
                           "    seedfrom: \"%s/nocloud/%s/\"\n",
                           s->url, s->token);
    int status = dir_make("/etc/cloud/cloud.cfg.d", 0755, e);
    if (status == 0)
        status = file_write("/etc/cloud/cloud.cfg.d/99-rackstrap.cfg", text, strlen(text), 0600, e);
    free(text);
    return status;
}

/* The image's own links must lead into the image, not into this system: so inside it, by chroot, and out
 * again. */
static int fill_root(const char *mount_point, const struct seed *seed, struct err *e)
{
    int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), status = -1;
    if (old < 0 || chdir(mount_point) || chroot("."))
        err_errno(e, "the new root file system cannot be entered");
    else
        status = write_seed(seed, e) == 0 && write_nocloud(seed, e) == 0 ? 0 : -1;
    if (old >= 0) {
        if (fchdir(old) || chroot("."))
            status = err_errno(e, "the new root file system cannot be left");
        close(old);
    }
    return status;
}

/* syncfs alone tells of a write that failed on its way; the unmount does not. */
static int sync_root(const char *mount_point, struct err *e)
{
    int fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = fd < 0 || syncfs(fd) ? err_errno(e, "the new root file system cannot be flushed") : 0;
    if (fd >= 0)
        close(fd);
    return status;
}

static int in_mount(const char *device, const char *mount_point, uint64_t len, const struct seed *seed,
                    struct err *e)
{
    if (mount(device, mount_point, "ext4", MS_NOATIME, NULL))
        return err_errno(e, "the new root file system cannot be mounted (is the module `ext4` there?)");
    int status = grow(mount_point, len, e);
    if (status == 0)
        status = fill_root(mount_point, seed, e);
    if (status == 0)
        status = sync_root(mount_point, e);
    if (umount2(mount_point, 0) && status == 0)
        status = err_errno(e, "the new root file system cannot be unmounted");
    return status;
}

int seed_plant(const struct target *t, uint64_t from, uint64_t len, const struct seed *seed, struct err *e)
{
    char mount_point[] = "/tmp/rackstrap-XXXXXX", device[32];
    int loop = -1;
    /* Mounts of our own: none is left behind on a machine that runs this beside other work. */
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return err_errno(e, "no mount namespace of our own (is this run as root? --no-seed goes without)");
    if (check_ext4(t, from, e) || loop_attach(t, from, len, device, &loop, e))
        return -1;
    (void)mkdir("/tmp", 01777);
    int status = mkdtemp(mount_point) ? in_mount(device, mount_point, len, seed, e) : err_errno(e, "/tmp");
    rmdir(mount_point);
    close(loop);
    return status;
}

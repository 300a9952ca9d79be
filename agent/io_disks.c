#include "agent/io_disks.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/sysfs.h"
#include "base/file.h"
#include "base/str.h"

static bool passed_over(const char *name)
{
    static const char *const prefixes[] = {"loop", "zram", "dm-", "md", "ram", "sr", "fd", "nbd", "mtdblock"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_starts(name, prefixes[i]))
            return true;
    return name[0] == '.' || strstr(name, "boot") != NULL; /* mmcblk0boot0 */
}

/* SCSI's unit serial number page: 4 bytes of header, the last two of them the length. */
static void read_vpd_serial(const char *dir, char *buf, size_t size)
{
    char path[PATH_MAX];
    struct str page = {0};
    snprintf(path, sizeof path, "%s/device/vpd_pg80", dir);
    if (file_read(path, 4096, &page, NULL) == 0 && page.len > 4) {
        size_t n = page.len - 4, start = 4;
        while (n > 0 && (page.s[start] == ' ' || !page.s[start]))
            start++, n--;
        while (n > 0 && (page.s[start + n - 1] == ' ' || !page.s[start + n - 1]))
            n--;
        snprintf(buf, size, "%.*s", (int)n, page.s + start);
    }
    str_free(&page);
}

/* As udev's ID_WWN: "naa." becomes "0x"; NVMe's eui. and uuid. names stay. */
static void read_wwn(const char *dir, char *buf, size_t size)
{
    char text[128];
    if (sysfs_text(text, sizeof text, "%s/wwid", dir) && sysfs_text(text, sizeof text, "%s/device/wwid", dir))
        return;
    if (str_starts(text, "naa."))
        snprintf(buf, size, "0x%s", text + 4);
    else if (!str_starts(text, "t10."))
        snprintf(buf, size, "%s", text);
}

/* How many hosts of the same parent have a lower number than the one in this path. */
static unsigned host_index(const char *syspath)
{
    const char *host = strstr(syspath, "/host");
    char parent[PATH_MAX];
    unsigned own, n = 0;
    if (!host || sscanf(host, "/host%u", &own) != 1)
        return 0;
    snprintf(parent, sizeof parent, "%.*s", (int)(host - syspath), syspath);
    DIR *d = opendir(parent);
    for (struct dirent *f; d && (f = readdir(d));) {
        unsigned other;
        if (sscanf(f->d_name, "host%u", &other) == 1 && other < own)
            n++;
    }
    if (d)
        closedir(d);
    return n;
}

static unsigned ata_port(const char *syspath)
{
    unsigned ata;
    const char *at = strstr(syspath, "/ata");
    if (!at || sscanf(at, "/ata%u", &ata) != 1)
        return 0;
    return (unsigned)sysfs_number("%.*s/ata%u/ata_port/ata%u/port_no", (int)(at - syspath), syspath, ata,
                                  ata);
}

void disk_facts(const char *sysfs, const char *name, struct disk *ret)
{
    char dir[512], real[PATH_MAX];
    struct disk d = {0};
    snprintf(dir, sizeof dir, "%s/block/%s", sysfs, name);
    str_copy(d.name, sizeof d.name, name);
    d.size = sysfs_number("%s/size", dir) * 512;
    if (sysfs_text(d.serial, sizeof d.serial, "%s/serial", dir) &&
        sysfs_text(d.serial, sizeof d.serial, "%s/device/serial", dir))
        read_vpd_serial(dir, d.serial, sizeof d.serial);
    sysfs_text(d.model, sizeof d.model, "%s/device/model", dir);
    read_wwn(dir, d.wwn, sizeof d.wwn);
    if (realpath(dir, real)) {
        const struct path_facts f = {
            .port = ata_port(real), .host = host_index(real), .nsid = (unsigned)sysfs_number("%s/nsid", dir)};
        disk_path_name(real, &f, d.by_path, sizeof d.by_path);
    }
    *ret = d;
}

int disks_find(const char *sysfs, struct disk **ret, size_t *ret_n, struct err *e)
{
    char path[512];
    struct dirent **names;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/block", sysfs);
    int found = scandir(path, &names, NULL, alphasort);
    if (found < 0)
        return err_errno(e, "%s cannot be read", path);
    struct disk *disks = xcalloc((size_t)found + 1, sizeof *disks);
    for (int i = 0; i < found; i++) {
        const char *name = names[i]->d_name;
        bool usable = !passed_over(name) && strlen(name) < sizeof disks->name &&
                      !sysfs_number("%s/%s/ro", path, name) && !sysfs_number("%s/%s/removable", path, name) &&
                      !sysfs_number("%s/%s/hidden", path, name) && sysfs_number("%s/%s/size", path, name);
        if (usable)
            disk_facts(sysfs, name, &disks[n++]);
        free(names[i]);
    }
    free(names);
    *ret = disks;
    *ret_n = n;
    return 0;
}

static bool has_holders(const char *dir)
{
    char path[PATH_MAX];
    bool any = false;
    snprintf(path, sizeof path, "%s/holders", dir);
    DIR *d = opendir(path);
    for (struct dirent *f; d && (f = readdir(d));)
        any = any || f->d_name[0] != '.';
    if (d)
        closedir(d);
    return any;
}

/* Is the device with this number ("8:1") mounted? mountinfo's third field. */
static bool is_mounted(const char *number)
{
    char line[4096], field[32];
    bool mounted = false;
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && !mounted && fgets(line, sizeof line, f))
        mounted = sscanf(line, "%*d %*d %31s", field) == 1 && !strcmp(field, number);
    if (f)
        fclose(f);
    return mounted;
}

static bool is_swap(const char *number)
{
    char line[4096], path[1024], own[32];
    struct stat st;
    bool swap = false;
    FILE *f = fopen("/proc/swaps", "re");
    while (f && !swap && fgets(line, sizeof line, f))
        if (sscanf(line, "%1023s", path) == 1 && stat(path, &st) == 0 && S_ISBLK(st.st_mode)) {
            snprintf(own, sizeof own, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
            swap = !strcmp(own, number);
        }
    if (f)
        fclose(f);
    return swap;
}

static int part_idle(const char *dir, const char *name, struct err *e)
{
    char number[32];
    sysfs_text(number, sizeof number, "%s/dev", dir);
    if (has_holders(dir))
        return err_set(e, ERR_CONFLICT,
                       "%s is held by another device (RAID, LVM, multipath); take that apart first", name);
    if (*number && is_mounted(number))
        return err_set(e, ERR_CONFLICT, "%s is mounted; unmount it first", name);
    if (*number && is_swap(number))
        return err_set(e, ERR_CONFLICT, "%s is swapped on; swap it off first", name);
    return 0;
}

static bool is_part_of(const char *dir, const char *disk, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s/partition", dir, name);
    return str_starts(name, disk) && file_exists(path);
}

int disk_idle(const char *sysfs, const char *name, struct err *e)
{
    char dir[512], part[PATH_MAX];
    snprintf(dir, sizeof dir, "%s/block/%s", sysfs, name);
    int status = part_idle(dir, name, e);
    DIR *d = opendir(dir);
    for (struct dirent *f; status == 0 && d && (f = readdir(d));)
        if (is_part_of(dir, name, f->d_name)) {
            snprintf(part, sizeof part, "%s/%s", dir, f->d_name);
            status = part_idle(part, f->d_name, e);
        }
    if (d)
        closedir(d);
    return status;
}

size_t disk_parts(const char *sysfs, const char *name, struct byte_range *ret, size_t max)
{
    char dir[512];
    size_t n = 0;
    snprintf(dir, sizeof dir, "%s/block/%s", sysfs, name);
    DIR *d = opendir(dir);
    for (struct dirent *f; d && n < max && (f = readdir(d));)
        if (is_part_of(dir, name, f->d_name))
            ret[n++] = (struct byte_range){.from = sysfs_number("%s/%s/start", dir, f->d_name) * 512,
                                           .len = sysfs_number("%s/%s/size", dir, f->d_name) * 512};
    if (d)
        closedir(d);
    return n;
}

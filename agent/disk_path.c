#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/io_disks.h"
#include "base/str.h"

/* One element of the path, the longest that a device's name can be here. */
struct element {
    char text[64];
};

struct elements {
    struct element e[32];
    size_t n;
};

static void split(const char *path, struct elements *ret)
{
    ret->n = 0;
    while (*path && ret->n < 32) {
        size_t n = strcspn(path, "/");
        if (n > 0 && n < sizeof ret->e[0].text) {
            memcpy(ret->e[ret->n].text, path, n);
            ret->e[ret->n++].text[n] = 0;
        }
        path += n + (path[n] == '/');
    }
}

static bool is_pci(const char *s)
{
    unsigned domain, bus, slot, function;
    int n = 0;
    return sscanf(s, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &n) == 4 && !s[n];
}

static bool is_usb_interface(const char *s)
{
    return s[0] >= '0' && s[0] <= '9' && strchr(s, '-') && strchr(s, ':') && strchr(s, '.');
}

static const char *find_last(const struct elements *path, bool (*match)(const char *))
{
    for (size_t i = path->n; i > 0; i--)
        if (match(path->e[i - 1].text))
            return path->e[i - 1].text;
    return NULL;
}

static bool is_ata(const char *s)
{
    return !strncmp(s, "ata", 3) && s[3] >= '0' && s[3] <= '9';
}

static bool is_nvme(const char *s)
{
    unsigned controller;
    int n = 0;
    return sscanf(s, "nvme%u%n", &controller, &n) == 1 && !s[n];
}

static bool is_virtio(const char *s)
{
    return !strncmp(s, "virtio", 6);
}

static bool is_scsi(const char *s)
{
    unsigned h, c, t, l;
    int n = 0;
    return sscanf(s, "%u:%u:%u:%u%n", &h, &c, &t, &l, &n) == 4 && !s[n];
}

static bool is_sas(const char *s)
{
    return !strncmp(s, "end_device-", 11);
}

/* The part behind the PCI address; false when we do not know how udev names it. */
static bool transport(const struct elements *path, const struct path_facts *f, char *buf, size_t size)
{
    unsigned h = 0, channel = 0, target = 0, lun = 0;
    const char *scsi = find_last(path, is_scsi), *usb = find_last(path, is_usb_interface);
    if (find_last(path, is_sas))
        return false;
    if (scsi)
        sscanf(scsi, "%u:%u:%u:%u", &h, &channel, &target, &lun);
    if (scsi && find_last(path, is_ata))
        snprintf(buf, size, channel ? "-ata-%u.%u.0" : "-ata-%u.%u", f->port, channel ? channel : target);
    else if (scsi && usb)
        snprintf(buf, size, "-usb-0:%s-scsi-%u:%u:%u:%u", strchr(usb, '-') + 1, f->host, channel, target,
                 lun);
    else if (scsi)
        snprintf(buf, size, "-scsi-%u:%u:%u:%u", f->host, channel, target, lun);
    else if (find_last(path, is_nvme))
        snprintf(buf, size, "-nvme-%u", f->nsid);
    else if (find_last(path, is_virtio))
        buf[0] = 0;
    else
        return false;
    return true;
}

void disk_path_name(const char *syspath, const struct path_facts *f, char *buf, size_t size)
{
    struct elements path;
    char rest[128];
    split(syspath, &path);
    const char *pci = find_last(&path, is_pci);
    buf[0] = 0;
    if (pci && transport(&path, f, rest, sizeof rest))
        snprintf(buf, size, "pci-%s%s", pci, rest);
}

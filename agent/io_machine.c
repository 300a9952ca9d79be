#include "agent/machine.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/io_disks.h"
#include "agent/sysfs.h"
#include "base/str.h"

/* SMBIOS texts of boards that were never filled in say nothing. */
static bool worthless(const char *s)
{
    static const char *const texts[] = {"Not Specified", "To Be Filled By O.E.M.", "Default string", "None",
                                        "0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcasecmp(s, texts[i]))
            return true;
    return false;
}

static void read_smbios(const char *sysfs, const char *name, char *buf, size_t size)
{
    if (sysfs_text(buf, size, "%s/class/dmi/id/%s", sysfs, name) || worthless(buf))
        buf[0] = 0;
}

static void find_nics(const char *sysfs, struct machine *m)
{
    char path[512], text[64];
    snprintf(path, sizeof path, "%s/class/net", sysfs);
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        struct nic nic = {0};
        bool real = m->n_nics < NICS_MAX && names[i]->d_name[0] != '.' &&
                    str_copy(nic.name, sizeof nic.name, names[i]->d_name) &&
                    sysfs_text(text, sizeof text, "%s/%s/address", path, nic.name) == 0 &&
                    mac_parse(text, &nic.mac, NULL) == 0;
        if (real)
            m->nics[m->n_nics++] = nic;
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

int machine_find(const char *sysfs, struct machine *ret, struct err *e)
{
    struct machine m = {0};
    struct uuid uuid;
    char text[64];
    read_smbios(sysfs, "product_uuid", text, sizeof text);
    if (uuid_parse(text, &uuid, NULL) == 0 && !uuid_is_zero(uuid))
        uuid_format(uuid, m.uuid);
    read_smbios(sysfs, "product_serial", m.serial, sizeof m.serial);
    read_smbios(sysfs, "product_name", m.model, sizeof m.model);
    find_nics(sysfs, &m);
    if (disks_find(sysfs, &m.disks, &m.n_disks, e))
        return -1;
    *ret = m;
    return 0;
}

void machine_free(struct machine *m)
{
    free(m->disks);
    *m = (struct machine){0};
}

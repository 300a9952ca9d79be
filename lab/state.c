#include "lab/state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1

static const char *const firmware_names[] = {[LAB_BIOS] = "bios", [LAB_UEFI] = "uefi"};
static const char *const accel_names[] = {[LAB_TCG] = "tcg", [LAB_KVM] = "kvm"};

const char *lab_firmware_name(enum lab_firmware f)
{
    return firmware_names[f];
}

const char *lab_accel_name(enum lab_accel a)
{
    return accel_names[a];
}

int lab_firmware_parse(const char *s, enum lab_firmware *ret, struct err *e)
{
    for (int i = LAB_BIOS; i <= LAB_UEFI; i++)
        if (strcmp(s, firmware_names[i]) == 0) {
            *ret = (enum lab_firmware)i;
            return 0;
        }
    return err_set(e, ERR_INPUT, "firmware is `bios` or `uefi`, not `%s`", s);
}

int lab_accel_parse(const char *s, enum lab_accel *ret, struct err *e)
{
    for (int i = LAB_TCG; i <= LAB_KVM; i++)
        if (strcmp(s, accel_names[i]) == 0) {
            *ret = (enum lab_accel)i;
            return 0;
        }
    return err_set(e, ERR_INPUT, "acceleration is `tcg` or `kvm`, not `%s`", s);
}

void lab_make_hosts(struct lab *l)
{
    for (size_t i = 0; i < l->o.hosts; i++) {
        unsigned nn = (unsigned)i + 1;
        struct lab_host *h = &l->hosts[i];
        *h = (struct lab_host){
            .mac = {{0x52, 0x54, 0, 0, 0, (uint8_t)nn}},
            .uuid = {{'r', 'a', 'c', 'k', 's', 't', 0x40, 'r', 0x80, 'p', 0, 0, 0, 0, 0, (uint8_t)nn}},
        };
        snprintf(h->name, sizeof h->name, "hv-%02u", nn);
        snprintf(h->serial, sizeof h->serial, "LAB%05u", nn);
        snprintf(h->disk_serial, sizeof h->disk_serial, "disk-hv-%02u", nn);
        snprintf(h->tap, sizeof h->tap, "tap%u", nn);
    }
}

static bool name_ok(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n < LAB_NAME_SIZE && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
           s[0] != '-';
}

/* QEMU's option strings separate by commas: a path with one would be another option. */
static bool path_ok(const char *s)
{
    return s[0] == '/' && strchr(s, ',') == NULL;
}

int lab_check_options(const struct lab_options *o, struct err *e)
{
    if (!name_ok(o->name))
        return err_set(e, ERR_INPUT,
                       "a lab's name has 1 to %d lower-case letters, digits and dashes: `%s` has not",
                       LAB_NAME_SIZE - 1, o->name);
    if (!path_ok(o->dir) || !path_ok(o->disks))
        return err_set(e, ERR_INPUT, "the lab's folders are whole paths without commas: `%s`, `%s`", o->dir,
                       o->disks);
    if (o->hosts < 1 || o->hosts > LAB_MAX_HOSTS)
        return err_set(e, ERR_INPUT, "a lab has 1 to %d hosts, not %zu", LAB_MAX_HOSTS, o->hosts);
    if (o->memory < 256u << 20 || o->memory % (1u << 20) != 0)
        return err_set(e, ERR_INPUT, "memory is whole MiB, at least 256M");
    if (o->disk < 1u << 20 || o->disk % 512 != 0)
        return err_set(e, ERR_INPUT, "a disk has at least 1M, in whole sectors of 512 bytes");
    if (o->cpus < 1 || o->cpus > 64)
        return err_set(e, ERR_INPUT, "a machine has 1 to 64 CPUs, not %u", o->cpus);
    if (o->bridge.len < 8 || o->bridge.len > 30)
        return err_set(e, ERR_INPUT, "the bridge's prefix is /8 to /30, not /%u", o->bridge.len);
    if (o->romfile[0] && strcmp(o->romfile, "qemu") != 0 && strcmp(o->romfile, "none") != 0 &&
        !path_ok(o->romfile))
        return err_set(e, ERR_INPUT,
                       "romfile is `qemu`, `none` or a ROM's whole path without commas, not `%s`",
                       o->romfile);
    return 0;
}

static json_t *host_json(const struct lab *l, const struct lab_host *h)
{
    char mac[MAC_STR], uuid[UUID_STR], console[LAB_FILE_SIZE], log[LAB_FILE_SIZE], disk[LAB_FILE_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "name", h->name, "mac",
                     mac_format(h->mac, mac), "uuid", uuid_format(h->uuid, uuid), "serial", h->serial,
                     "disk_serial", h->disk_serial, "tap", h->tap, "disk", lab_disk_path(l, h->name, disk),
                     "console", lab_path(l, h->name, "console.sock", console), "console_log",
                     lab_path(l, h->name, "console.log", log), "pid", (json_int_t)h->pid, "start",
                     (json_int_t)h->start);
}

void lab_encode(const struct lab *l, struct str *ret)
{
    char bridge[PREFIX_STR], ns[LAB_NAMESPACE_SIZE];
    json_t *hosts = json_array();
    for (size_t i = 0; i < l->o.hosts; i++)
        json_array_append_new(hosts, host_json(l, &l->hosts[i]));
    json_t *j = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:o}", "format",
                          FORMAT, "name", l->o.name, "namespace", lab_namespace(l->o.name, ns), "dir",
                          l->o.dir, "disks", l->o.disks, "firmware", lab_firmware_name(l->o.firmware),
                          "accel", lab_accel_name(l->o.accel), "bridge", ip4_if_format(l->o.bridge, bridge),
                          "romfile", l->o.romfile, "memory", (json_int_t)l->o.memory, "disk",
                          (json_int_t)l->o.disk, "cpus", (int)l->o.cpus, "hosts", hosts);
    char *text = json_dumps(j, JSON_INDENT(2));
    str_add(ret, text);
    str_add(ret, "\n");
    free(text);
    json_decref(j);
}

/* The texts of a state file, lent by its JSON document. */
struct texts {
    const char *name, *dir, *disks, *firmware, *accel, *bridge, *romfile;
};

static int options_from(json_t *j, struct lab_options *o, json_t **ret_hosts, struct err *e)
{
    struct texts t;
    json_int_t memory, disk;
    int format, cpus;
    json_error_t why;
    if (json_unpack_ex(j, &why, 0, "{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:o}", "format",
                       &format, "name", &t.name, "dir", &t.dir, "disks", &t.disks, "firmware", &t.firmware,
                       "accel", &t.accel, "bridge", &t.bridge, "romfile", &t.romfile, "memory", &memory,
                       "disk", &disk, "cpus", &cpus, "hosts", ret_hosts) < 0)
        return err_set(e, ERR_CORRUPT, "%s", why.text);
    if (format != FORMAT)
        return err_set(e, ERR_CORRUPT, "format %d is not one that this program knows", format);
    if (!str_copy(o->name, sizeof o->name, t.name) || !str_copy(o->dir, sizeof o->dir, t.dir) ||
        !str_copy(o->disks, sizeof o->disks, t.disks) || !str_copy(o->romfile, sizeof o->romfile, t.romfile))
        return err_set(e, ERR_CORRUPT, "a name or a path is too long");
    if (lab_firmware_parse(t.firmware, &o->firmware, e) < 0 || lab_accel_parse(t.accel, &o->accel, e) < 0 ||
        ip4_if_parse(t.bridge, &o->bridge, e) < 0)
        return -1;
    if (memory < 0 || disk < 0 || cpus < 0)
        return err_set(e, ERR_CORRUPT, "a size is negative");
    o->memory = (uint64_t)memory;
    o->disk = (uint64_t)disk;
    o->cpus = (uint32_t)cpus;
    o->hosts = json_array_size(*ret_hosts);
    return lab_check_options(o, e);
}

/* Everything about a machine follows from its number, but its process. */
static int hosts_from(json_t *hosts, struct lab *l, struct err *e)
{
    lab_make_hosts(l);
    for (size_t i = 0; i < l->o.hosts; i++) {
        const char *name;
        json_int_t pid, start;
        if (json_unpack(json_array_get(hosts, i), "{s:s, s:I, s:I}", "name", &name, "pid", &pid, "start",
                        &start) < 0 ||
            strcmp(name, l->hosts[i].name) != 0 || pid < 0 || pid > INT32_MAX || start < 0)
            return err_set(e, ERR_CORRUPT, "host %zu makes no sense", i + 1);
        l->hosts[i].pid = (pid_t)pid;
        l->hosts[i].start = (uint64_t)start;
    }
    return 0;
}

int lab_decode(struct span text, struct lab *ret, struct err *e)
{
    struct lab *l = xcalloc(1, sizeof *l);
    json_error_t why;
    json_t *hosts = NULL;
    int rc = -1;
    json_t *j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    if (!j) {
        err_set(e, ERR_CORRUPT, "line %d: %s", why.line, why.text);
        goto out;
    }
    if (options_from(j, &l->o, &hosts, e) < 0 || hosts_from(hosts, l, e) < 0) {
        if (e)
            e->kind = ERR_CORRUPT;
        goto out;
    }
    *ret = *l;
    rc = 0;
out:
    json_decref(j);
    free(l);
    return rc;
}

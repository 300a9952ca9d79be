#include "lab/lab.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "lab/machine.h"
#include "lab/net.h"
#include "lab/qmp.h"
#include "lab/state.h"

#define STATE_ROOT "/run/rackstrap-lab"
#define DISKS_ROOT "/var/tmp/rackstrap-lab"
#define STATE_MAX  (1 << 20)

void lab_defaults(struct lab_options *o)
{
    *o = (struct lab_options){
        .name = "lab",
        .hosts = 1,
        .memory = 1024ull << 20,
        .disk = 4ull << 30,
        .cpus = 2,
        .bridge = {.ip = {0x0a4d0001}, .len = 24}, /* 10.77.0.1 */
    };
}

char *lab_namespace(const char *name, char buf[LAB_NAMESPACE_SIZE])
{
    snprintf(buf, LAB_NAMESPACE_SIZE, "rackstrap-%s", name);
    return buf;
}

char *lab_path(const struct lab *l, const char *host, const char *file, char buf[LAB_FILE_SIZE])
{
    snprintf(buf, LAB_FILE_SIZE, "%s%s%s%s%s", l->o.dir, host ? "/" : "", host ? host : "", file ? "/" : "",
             file ? file : "");
    return buf;
}

char *lab_disk_path(const struct lab *l, const char *host, char buf[LAB_FILE_SIZE])
{
    snprintf(buf, LAB_FILE_SIZE, "%s/%s.raw", l->o.disks, host);
    return buf;
}

static void default_dirs(struct lab_options *o)
{
    if (!o->dir[0])
        snprintf(o->dir, sizeof o->dir, STATE_ROOT "/%s", o->name);
    if (!o->disks[0])
        snprintf(o->disks, sizeof o->disks, DISKS_ROOT "/%s", o->name);
}

/* The lock is the folder itself, so that it leaves nothing behind. Whoever waited while another removed the
 * folder holds the lock of a folder that is no more, and tries again. Returns the descriptor to close, or -1.
 */
static int lock_dir(const char *dir, bool create, struct err *e)
{
    for (;;) {
        struct stat held, now;
        if (create && dir_make(dir, 0700, e) < 0)
            return -1;
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && create)
            continue;
        if (fd < 0)
            return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "%s is not there", dir)
                                   : err_errno(e, "cannot open %s", dir);
        if (flock(fd, LOCK_EX) < 0) {
            err_errno(e, "cannot lock %s", dir);
            close(fd);
            return -1;
        }
        if (fstat(fd, &held) == 0 && stat(dir, &now) == 0 && held.st_ino == now.st_ino &&
            held.st_dev == now.st_dev)
            return fd;
        close(fd);
        if (!create)
            return err_set(e, ERR_NOT_FOUND, "%s is not there any more", dir);
    }
}

static int save(const struct lab *l, struct err *e)
{
    char path[LAB_FILE_SIZE];
    struct str text = {0};
    lab_encode(l, &text);
    int rc = file_write(lab_path(l, NULL, "state.json", path), text.s, text.len, 0600, e);
    str_free(&text);
    return rc;
}

static int load(struct lab *l, struct err *e)
{
    char path[LAB_FILE_SIZE];
    struct str text = {0};
    struct lab *got = xcalloc(1, sizeof *got);
    lab_path(l, NULL, "state.json", path);
    int rc = -1;
    if (!file_exists(path)) {
        err_set(e, ERR_NOT_FOUND, "there is no lab `%s` (no %s); `lab up --name %s` makes one", l->o.name,
                path, l->o.name);
        goto out;
    }
    if (file_read(path, STATE_MAX, &text, e) < 0)
        goto out;
    if (lab_decode(span_of(text.s, text.len), got, e) < 0) {
        err_prefix(e, "%s is damaged (`lab down --name %s` removes the lab)", path, l->o.name);
        goto out;
    }
    if (strcmp(got->o.name, l->o.name) != 0) {
        err_set(e, ERR_CONFLICT, "%s is of the lab `%s`, not `%s`", path, got->o.name, l->o.name);
        goto out;
    }
    str_copy(got->o.dir, sizeof got->o.dir, l->o.dir); /* the folder may be known by another path now */
    *l = *got;
    rc = 0;
out:
    str_free(&text);
    free(got);
    return rc;
}

static void find_all(struct lab *l)
{
    for (size_t i = 0; i < l->o.hosts; i++)
        lab_machine_find(l, &l->hosts[i]);
}

static int start_of(const char *name, const char *dir, struct lab *l, struct err *e)
{
    *l = (struct lab){0};
    if (!str_copy(l->o.name, sizeof l->o.name, name) || !str_copy(l->o.dir, sizeof l->o.dir, dir ? dir : ""))
        return err_set(e, ERR_INPUT, "the lab's name or folder is too long");
    struct lab_options o;
    lab_defaults(&o);
    str_copy(o.name, sizeof o.name, l->o.name);
    str_copy(o.dir, sizeof o.dir, l->o.dir);
    default_dirs(&o);
    l->o = o;
    return lab_check_options(&o, e);
}

int lab_load(const char *name, const char *dir, struct lab *ret, struct err *e)
{
    struct lab *l = xcalloc(1, sizeof *l);
    int rc = start_of(name, dir, l, e);
    if (rc == 0)
        rc = load(l, e);
    if (rc == 0) {
        find_all(l);
        *ret = *l;
    }
    free(l);
    return rc;
}

struct lab_host *lab_host(struct lab *l, const char *host, struct err *e)
{
    for (size_t i = 0; i < l->o.hosts; i++)
        if (strcmp(l->hosts[i].name, host) == 0)
            return &l->hosts[i];
    err_set(e, ERR_NOT_FOUND, "lab `%s` has no host `%s`; its hosts are hv-01 to %s", l->o.name, host,
            l->hosts[l->o.hosts - 1].name);
    return NULL;
}

/* The disk of a machine is a sparse file of zeros: a blank one. One that was kept is used again, and only
 * ever grows. */
static int make_host_files(const struct lab *l, const struct lab_host *h, struct err *e)
{
    char path[LAB_FILE_SIZE];
    struct stat st;
    if (dir_make(lab_path(l, h->name, NULL, path), 0700, e) < 0)
        return -1;
    lab_disk_path(l, h->name, path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(e, "cannot make the disk %s", path);
    int rc = fstat(fd, &st);
    if (rc == 0 && (uint64_t)st.st_size < l->o.disk)
        rc = ftruncate(fd, (off_t)l->o.disk);
    if (rc < 0)
        err_errno(e, "cannot size the disk %s", path);
    close(fd);
    return rc;
}

static int make(struct lab *l, struct err *e)
{
    if (save(l, e) < 0 || dir_make(l->o.disks, 0700, e) < 0)
        return -1;
    for (size_t i = 0; i < l->o.hosts; i++)
        if (make_host_files(l, &l->hosts[i], e) < 0)
            return -1;
    if (lab_net_up(l, e) < 0)
        return -1;
    for (size_t i = 0; i < l->o.hosts && !l->o.off; i++)
        if (lab_machine_on(l, &l->hosts[i], e) < 0)
            return -1;
    return save(l, e);
}

static bool dir_empty(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    if (!d)
        return true;
    while (n <= 2 && readdir(d))
        n++;
    closedir(d);
    return n <= 2; /* "." and ".." */
}

/* Removes by name what a lab makes, and nothing else, whoever's folder --dir or --disks names. */
static void remove_files(const struct lab *l, bool keep_disks)
{
    static const char *const files[] = {"qemu.pid", "qmp.sock", "console.sock", "console.log", "vars.fd"};
    char path[LAB_FILE_SIZE], name[16];
    for (unsigned nn = 1; nn <= LAB_MAX_HOSTS; nn++) {
        snprintf(name, sizeof name, "hv-%02u", nn);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            unlink(lab_path(l, name, files[i], path));
        rmdir(lab_path(l, name, NULL, path));
        if (!keep_disks && nn <= l->o.hosts)
            unlink(lab_disk_path(l, name, path));
    }
    unlink(lab_path(l, NULL, "net.batch", path));
    unlink(lab_path(l, NULL, "state.json", path));
    rmdir(l->o.dir);
    rmdir(l->o.disks);
    rmdir(STATE_ROOT); /* fails, as it should, while there is another lab */
    rmdir(DISKS_ROOT);
}

/* Takes apart what there is of l. The network and the files go only when no machine is left to use them. */
static int take_down(struct lab *l, bool keep_disks, struct lab_down_result *ret, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < l->o.hosts; i++) {
        lab_machine_find(l, &l->hosts[i]);
        if (!l->hosts[i].pid)
            continue;
        if (lab_machine_off(l, &l->hosts[i], e) < 0)
            rc = -1;
        else
            ret->stopped++;
    }
    if (rc < 0)
        return -1;
    lab_net_processes(l->o.name, ret->strangers, sizeof ret->strangers);
    if (lab_net_down(l->o.name, e) < 0)
        return -1;
    remove_files(l, keep_disks);
    return 0;
}

/* What lab_up has made and never used. A kept disk that is all holes is as good as none. */
static void remove_blank_disks(const struct lab *l)
{
    char path[LAB_FILE_SIZE];
    struct stat st;
    for (size_t i = 0; i < l->o.hosts; i++)
        if (stat(lab_disk_path(l, l->hosts[i].name, path), &st) == 0 && st.st_blocks == 0)
            unlink(path);
}

int lab_up(const struct lab_options *o, struct lab *ret, struct err *e)
{
    struct lab *l = xcalloc(1, sizeof *l);
    struct lab_down_result undone = {0};
    char path[LAB_FILE_SIZE];
    int rc = -1, lock = -1;
    l->o = *o;
    default_dirs(&l->o);
    if (lab_check_options(&l->o, e) < 0)
        goto out;
    lab_make_hosts(l);
    if ((lock = lock_dir(l->o.dir, true, e)) < 0)
        goto out;
    if (file_exists(lab_path(l, NULL, "state.json", path))) {
        err_set(e, ERR_CONFLICT, "there is a lab `%s` already (%s); `lab down --name %s` removes it", o->name,
                path, o->name);
    } else if (lab_net_exists(o->name)) {
        err_set(e, ERR_CONFLICT,
                "the namespace rackstrap-%s is there, the rest of a lab; `lab down --name %s` removes it",
                o->name, o->name);
        rmdir(l->o.dir);
    } else if (!dir_empty(l->o.dir)) {
        err_set(e, ERR_CONFLICT, "%s is not empty: name a folder of the lab's own with --dir", l->o.dir);
    } else if ((rc = make(l, e)) < 0) {
        remove_blank_disks(l);
        take_down(l, true, &undone, NULL);
    } else {
        *ret = *l;
    }
out:
    if (lock >= 0)
        close(lock);
    free(l);
    return rc;
}

int lab_down(const char *name, const char *dir, bool keep_disks, struct lab_down_result *ret, struct err *e)
{
    struct lab *l = xcalloc(1, sizeof *l);
    int rc = -1, lock = -1;
    *ret = (struct lab_down_result){0};
    if (start_of(name, dir, l, e) < 0)
        goto out;
    struct err why = {0};
    if ((lock = lock_dir(l->o.dir, false, &why)) < 0 && why.kind != ERR_NOT_FOUND) {
        err_set(e, why.kind, "%s", why.text);
        goto out;
    }
    if (lock < 0 && !lab_net_exists(name)) {
        ret->nothing = true;
        rc = 0;
        goto out;
    }
    /* Without a readable state file any machine whose folder is there is looked for; its disk is in the
     * default place. */
    if (load(l, &why) < 0) {
        if (why.kind == ERR_CONFLICT) {
            err_set(e, why.kind, "%s", why.text);
            goto out;
        }
        l->o.hosts = LAB_MAX_HOSTS;
        lab_make_hosts(l);
    }
    rc = take_down(l, keep_disks, ret, e);
out:
    if (lock >= 0)
        close(lock);
    free(l);
    return rc;
}

static int power_one(const struct lab *l, struct lab_host *h, enum lab_power what, struct err *e)
{
    char qmp[LAB_FILE_SIZE];
    switch (what) {
    case LAB_ON:
        return lab_machine_on(l, h, e);
    case LAB_OFF:
        return lab_machine_off(l, h, e);
    case LAB_CYCLE:
        return lab_machine_off(l, h, e) < 0 ? -1 : lab_machine_on(l, h, e);
    case LAB_RESET:
        break;
    }
    if (!h->pid)
        return err_set(e, ERR_CONFLICT, "%s is off: there is nothing to reset; `lab power on %s`", h->name,
                       h->name);
    if (qmp_run(lab_path(l, h->name, "qmp.sock", qmp), "system_reset", NULL, e) < 0)
        return err_prefix(e, "cannot reset %s", h->name);
    return 0;
}

int lab_power(const char *name, const char *dir, const char *host, enum lab_power what, struct err *e)
{
    struct lab *l = xcalloc(1, sizeof *l);
    int rc = -1, lock = -1;
    if (start_of(name, dir, l, e) < 0)
        goto out;
    struct err why = {0};
    if ((lock = lock_dir(l->o.dir, false, &why)) < 0 && why.kind != ERR_NOT_FOUND) {
        err_set(e, why.kind, "%s", why.text);
        goto out;
    }
    if (load(l, e) < 0)
        goto out;
    find_all(l);
    struct lab_host *only = host ? lab_host(l, host, e) : NULL;
    if (host && !only)
        goto out;
    rc = 0;
    for (size_t i = 0; i < l->o.hosts && rc == 0; i++)
        if (!only || only == &l->hosts[i])
            rc = power_one(l, &l->hosts[i], what, e);
    if (save(l, rc == 0 ? e : NULL) < 0)
        rc = -1;
out:
    if (lock >= 0)
        close(lock);
    free(l);
    return rc;
}

const char *lab_host_state(const struct lab *l, const struct lab_host *h, char buf[32])
{
    char qmp[LAB_FILE_SIZE];
    json_t *status = NULL;
    str_copy(buf, 32, "off");
    if (!h->pid)
        return buf;
    str_copy(buf, 32, "hung");
    if (qmp_run(lab_path(l, h->name, "qmp.sock", qmp), "query-status", &status, NULL) == 0) {
        const char *word = json_string_value(json_object_get(status, "status"));
        str_copy(buf, 32, word ? word : "hung");
    }
    json_decref(status);
    return buf;
}

#include "lab/machine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "lab/qemu.h"
#include "lab/qmp.h"

#define QUIT_MS 5000
#define TERM_MS 3000
#define KILL_MS 3000

/* pid (comm) state ppid ... starttime ...: comm may hold blanks and parentheses, so the fields count from the
 * last one. */
uint64_t lab_stat_start(const char *stat)
{
    const char *p = strrchr(stat, ')');
    if (!p || p[1] != ' ' || strchr("ZXx", p[2]))
        return 0;
    p += 2; /* field 3 */
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (!p)
            return 0;
        p++;
    }
    return strtoull(p, NULL, 10);
}

uint64_t lab_process_start(pid_t pid)
{
    char path[64];
    struct str stat = {0};
    uint64_t start = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (pid > 0 && file_read(path, 4096, &stat, NULL) == 0)
        start = lab_stat_start(stat.s);
    str_free(&stat);
    return start;
}

/* Its command line names this machine's own pid file: no other process's does. */
static bool has_argument(pid_t pid, const char *argument)
{
    char path[64];
    struct str line = {0};
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    if (file_read(path, 1 << 20, &line, NULL) == 0 && line.s)
        for (size_t at = 0; at < line.len && !found; at += strlen(line.s + at) + 1)
            found = strcmp(line.s + at, argument) == 0;
    str_free(&line);
    return found;
}

static pid_t pid_from_file(const char *path)
{
    struct str text = {0};
    long pid = 0;
    if (file_read(path, 64, &text, NULL) == 0 && text.s)
        pid = strtol(text.s, NULL, 10);
    str_free(&text);
    return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

void lab_machine_find(const struct lab *l, struct lab_host *h)
{
    char pid_file[LAB_FILE_SIZE];
    lab_path(l, h->name, "qemu.pid", pid_file);
    pid_t pid = pid_from_file(pid_file);
    uint64_t start = lab_process_start(pid);
    bool other = pid == h->pid && h->start != 0 && start != h->start; /* the pid was recycled */
    bool ours = start != 0 && !other && has_argument(pid, pid_file);
    h->pid = ours ? pid : 0;
    h->start = ours ? start : 0;
}

/* QEMU makes its sockets itself, but does not remove those of one that was killed. */
static int prepare(const struct lab *l, const struct lab_host *h, struct err *e)
{
    char path[LAB_FILE_SIZE];
    static const char *const stale[] = {"qmp.sock", "console.sock", "qemu.pid"};
    for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
        unlink(lab_path(l, h->name, stale[i], path));
    if (l->o.firmware != LAB_UEFI || file_exists(lab_path(l, h->name, "vars.fd", path)))
        return 0;
    if (file_copy(OVMF_VARS, path, 0600, e) < 0)
        return err_prefix(e, "UEFI firmware (is the package ovmf installed?)");
    return 0;
}

int lab_machine_on(const struct lab *l, struct lab_host *h, struct err *e)
{
    struct lab_args args;
    struct str out = {0};
    struct err why = {0};
    if (h->pid)
        return 0;
    if (prepare(l, h, e) < 0)
        return -1;
    lab_qemu_args(l, h, &args);
    int rc = proc_run((const char *const *)args.v, NULL, &out, &why); /* QEMU returns once its machine runs */
    lab_args_free(&args);
    str_free(&out);
    if (rc < 0)
        return err_set(e, why.kind, "cannot switch on %s: %s", h->name, why.text);
    h->start = 0;
    lab_machine_find(l, h);
    if (!h->pid)
        return err_set(e, ERR_IO, "%s was switched on and stopped at once", h->name);
    return 0;
}

static bool gone_within(const struct lab_host *h, int ms)
{
    for (int waited = 0; lab_process_start(h->pid) == h->start; waited += 20) {
        if (waited >= ms)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000L}, NULL);
    }
    return true;
}

/* A pidfd holds the process, not the number: the check of its start after it was opened decides who gets the
 * signal. */
static void signal_it(const struct lab_host *h, int sig)
{
    int fd = (int)syscall(SYS_pidfd_open, h->pid, 0);
    if (fd < 0)
        return;
    if (lab_process_start(h->pid) == h->start)
        syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
    close(fd);
}

int lab_machine_off(const struct lab *l, struct lab_host *h, struct err *e)
{
    char qmp[LAB_FILE_SIZE];
    if (!h->pid)
        return 0;
    if (qmp_run(lab_path(l, h->name, "qmp.sock", qmp), "quit", NULL, NULL) < 0)
        signal_it(h, SIGTERM);
    if (!gone_within(h, QUIT_MS)) {
        signal_it(h, SIGTERM);
        if (!gone_within(h, TERM_MS))
            signal_it(h, SIGKILL);
    }
    if (!gone_within(h, KILL_MS))
        return err_set(e, ERR_IO, "%s (pid %d) does not stop, even by SIGKILL", h->name, (int)h->pid);
    h->pid = 0;
    h->start = 0;
    return 0;
}

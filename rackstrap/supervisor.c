#include "rackstrap/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "inventory/journal.h"
#include "rackstrap/sandbox.h"
#include "rackstrap/servers.h"

#define BACKOFF_MAX_MS (60 * 1000)
#define STABLE_MS      (60 * 1000) /* one that ran this long starts again without delay */

/* Processes: one a part, in the parts' order, and then httpboot's workers after its first. */
#define PROCESSES (PARTS + HTTPBOOT_MAX_WORKERS - 1)

static const struct part *part_of(size_t process)
{
    return &parts[process < PARTS ? process : PART_HTTPBOOT];
}

struct process {
    bool on;
    struct sandbox_report *report;
    pid_t pid; /* 0: not running */
    int64_t started_ms, again_ms;
    uint32_t backoff_ms;
};

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- which parts --- */

static int choose(const struct config *c, const char *only, struct process p[PROCESSES], struct err *e)
{
    for (size_t i = 0; i < PARTS; i++)
        p[i].on = !only && parts[i].wanted(c);
    if (only && !*only)
        return err_set(e, ERR_INPUT, "--only takes names: dhcpd, tftpd, httpboot, courier, api");
    while (only && *only) {
        size_t n = strcspn(only, ","), i = 0;
        while (i < PARTS && (strlen(parts[i].name) != n || strncmp(parts[i].name, only, n) != 0))
            i++;
        if (i == PARTS)
            return err_set(e, ERR_INPUT,
                           "\"%.*s\" is not a server; --only takes dhcpd, tftpd, httpboot, courier and api",
                           (int)n, only);
        if (!parts[i].wanted(c))
            return err_set(e, ERR_INPUT, "%s is not configured in %s", parts[i].name, c->path);
        p[i].on = true;
        only += n + (only[n] == ',');
    }
    for (size_t i = 1; i < c->http.workers; i++)
        p[PARTS + i - 1].on = p[PART_HTTPBOOT].on;
    return 0;
}

static void child(struct servers *s, const struct part *part, struct process *p, pid_t supervisor)
{
    struct sandbox box = {.server = part->name,
                          .writes = s->config->state_dir,
                          .uid = s->user.uid,
                          .gid = s->user.gid,
                          .supervisor = supervisor,
                          .report = p->report};
    struct err e = {0};
    sigset_t none;
    bool confined;
    log_setup(part->name, s->level, true);
    prctl(PR_SET_NAME, part->name);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    servers_keep_own(s, part);
    if (sandbox_enter(&box, &confined, &e) == 0) {
        log_info("sandboxed uid=%u writes=%s kept-by=%s", (unsigned)getuid(), box.writes,
                 confined ? "landlock" : "file-owners-only");
        if (part->run(s, &e) == 0)
            _exit(0);
    }
    log_error("failed why=\"%s\"", e.text);
    _exit(1);
}

/* Opens anew what the dead one had. It is open still where the fork failed. */
static int open_again(struct servers *s, const struct part *part, struct process *p)
{
    struct err e = {0};
    part->stop(s);
    if (!part->start(s, &e))
        return 0;
    log_error("open-failed server=%s why=\"%s\"", part->name, e.text);
    part->stop(s);
    p->again_ms = clock_ms() + 1000;
    return -1;
}

/* What was opened for it is its own from the fork on: a handle that stayed here would go into each sister
 * that is forked later, and while one of them has it the port of a dead server is in use. */
static void start_process(struct servers *s, const struct part *part, struct process *p)
{
    if (p->started_ms && !part->shared && open_again(s, part, p))
        return;
    pid_t self = getpid();
    p->started_ms = clock_ms();
    p->pid = fork();
    if (p->pid == 0)
        child(s, part, p, self);
    if (p->pid < 0) {
        p->pid = 0;
        p->again_ms = p->started_ms + 1000;
        log_error("fork-failed server=%s why=\"%s\"", part->name, strerror(errno));
        return;
    }
    log_info("started server=%s pid=%d", part->name, (int)p->pid);
    if (!part->shared)
        part->stop(s);
}

/* The store is opened for this one entry: a connection must not be carried over a fork. */
static void journal_crash(const struct config *c, const char *text)
{
    struct store *store;
    struct err e = {0};
    if (store_open(c->state_dir, &store, &e)) {
        log_error("journal-failed why=\"%s\"", e.text);
        return;
    }
    store_patience(store, STORE_PATIENCE_SERVER); /* meanwhile nothing is started again */
    if (journal_add(store, 0, NULL, "supervisor", "server-crashed", text, now_ms(), &e))
        log_error("journal-failed why=\"%s\"", e.text);
    store_close(store);
}

/* "dhcpd was killed by signal 31 (SYS) at the system call execve (59), which its sandbox forbids" */
static void how_it_ended(const char *name, const struct process *p, int status, char *text, size_t size)
{
    char call[SANDBOX_CALL_STR];
    int signo = WTERMSIG(status);
    if (!WIFSIGNALED(status)) {
        snprintf(text, size, "%s ended with status %d", name, WEXITSTATUS(status));
        return;
    }
    const char *abbreviation = sigabbrev_np(signo);
    int n = snprintf(text, size, "%s was killed by signal %d (%s)", name, signo,
                     abbreviation ? abbreviation : "real-time");
    if (signo == SIGSYS && p->report->refused >= 0)
        snprintf(text + n, size - (size_t)n, " at the system call %s, which its sandbox forbids",
                 sandbox_call_name(p->report->refused, call));
}

static void ended(const struct config *c, const struct part *part, struct process *p, int status)
{
    char text[200], how[160];
    int64_t now = clock_ms();
    p->pid = 0;
    p->backoff_ms = now - p->started_ms >= STABLE_MS ? 0 : p->backoff_ms ? p->backoff_ms * 2 : 500;
    if (p->backoff_ms > BACKOFF_MAX_MS)
        p->backoff_ms = BACKOFF_MAX_MS;
    p->again_ms = now + p->backoff_ms;
    how_it_ended(part->name, p, status, how, sizeof how);
    snprintf(text, sizeof text, "%s; it starts again in %u.%u s", how, p->backoff_ms / 1000,
             p->backoff_ms % 1000 / 100);
    log_error("server-ended server=%s why=\"%s\"", part->name, text);
    journal_crash(c, text);
}

static void reap(const struct config *c, struct process p[PROCESSES], bool stopping)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < PROCESSES; i++) {
            if (p[i].pid != pid)
                continue;
            if (stopping)
                p[i].pid = 0;
            else
                ended(c, part_of(i), &p[i], status);
        }
}

static bool any_running(const struct process p[PROCESSES])
{
    for (size_t i = 0; i < PROCESSES; i++)
        if (p[i].pid)
            return true;
    return false;
}

static void stop_all(const struct config *c, struct process p[PROCESSES], const sigset_t *signals)
{
    int64_t deadline = clock_ms() + 5000;
    for (size_t i = 0; i < PROCESSES; i++)
        if (p[i].pid)
            kill(p[i].pid, SIGTERM);
    for (reap(c, p, true); any_running(p) && clock_ms() < deadline; reap(c, p, true))
        sigtimedwait(signals, NULL, &(struct timespec){.tv_nsec = 100000000});
    for (size_t i = 0; i < PROCESSES; i++)
        if (p[i].pid) {
            log_warn("killed server=%s why=\"it did not stop within 5 s\"", part_of(i)->name);
            kill(p[i].pid, SIGKILL);
            waitpid(p[i].pid, NULL, 0);
        }
}

static void watch(struct servers *s, struct process p[PROCESSES], const sigset_t *signals)
{
    for (;;) {
        int64_t now = clock_ms();
        for (size_t i = 0; i < PROCESSES; i++)
            if (p[i].on && !p[i].pid && now >= p[i].again_ms)
                start_process(s, part_of(i), &p[i]);
        /* Half a second at most, so that a back-off ends on time; nothing else is waited for. */
        int signo = sigtimedwait(signals, NULL,
                                 &(struct timespec){.tv_nsec = any_running(p) ? 500000000 : 100000000});
        if (signo == SIGTERM || signo == SIGINT)
            return;
        reap(s->config, p, false);
    }
}

/* A thousand machines at once need a descriptor each, and the soft limit is often lower. */
static void raise_descriptors(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max < 65536 ? r.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

int supervise(const struct config *c, const char *only, enum log_level level, struct err *e)
{
    struct servers s = {.config = c, .level = level};
    struct process p[PROCESSES] = {0};
    sigset_t signals;
    int rc = -1;
    log_setup("rackstrap", level, true);
    if (choose(c, only, p, e))
        return -1;
    for (size_t i = 0; i < PARTS; i++)
        s.runs[i] = p[i].on;
    if (servers_check(&s, e))
        return -1;
    raise_descriptors();
    for (size_t i = 0; i < PARTS; i++)
        if (p[i].on && parts[i].start(&s, e))
            goto out;
    for (size_t i = 0; i < PROCESSES; i++)
        if (p[i].on)
            p[i].report = sandbox_report_new();
    if (servers_prepare_store(&s, e))
        goto out;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    watch(&s, p, &signals);
    log_info("stopping");
    stop_all(c, p, &signals);
    rc = 0;
out:
    servers_close(&s);
    return rc;
}

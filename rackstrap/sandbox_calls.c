/* sandbox_calls: a table of system calls as a seccomp filter. The one file that sees libseccomp.
 *
 * What the table does not name is trapped: the handler leaves the call's number for the supervisor and makes
 * a second forbidden call. A signal that is forced on a process that blocks it, as its handler does, kills
 * it: so the process ends by SIGSYS, and the forbidden call was never made. The handler cannot be replaced
 * afterwards, as no table allows a new one for SIGSYS.
 */
#include <assert.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rackstrap/sandbox_parts.h"

static struct sandbox_report *reported; /* a handler has no other way to know it */

static void on_forbidden(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    if (reported)
        reported->refused = info->si_syscall;
    syscall(SYS_execve, NULL, NULL, NULL);
    _exit(1);
}

static int catch_forbidden(struct sandbox_report *report, struct err *e)
{
    struct sigaction a = {.sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO};
    reported = report;
    if (report)
        report->refused = -1;
    sigemptyset(&a.sa_mask);
    return sigaction(SIGSYS, &a, NULL) ? err_errno(e, "no handler for SIGSYS") : 0;
}

static const enum scmp_compare compares[] = {[IF_EQUAL] = SCMP_CMP_EQ,
                                             [IF_OTHER] = SCMP_CMP_NE,
                                             [IF_MASKED] = SCMP_CMP_MASKED_EQ,
                                             [IF_SELF] = SCMP_CMP_EQ};

static struct scmp_arg_cmp compare(const struct call_arg *a)
{
    struct scmp_arg_cmp c = {.arg = a->arg, .op = compares[a->when], .datum_a = a->value};
    if (a->when == IF_SELF)
        c.datum_a = (uint64_t)getpid();
    if (a->when == IF_MASKED) {
        c.datum_a = a->mask;
        c.datum_b = a->value;
    }
    return c;
}

/* A name that this machine's kernel interface does not have (open, on arm64) needs no rule. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *name,
                    const struct scmp_arg_cmp *args, unsigned n, struct err *e)
{
    int number = seccomp_syscall_resolve_name(name);
    errno = number < 0 ? 0 : -seccomp_rule_add_array(filter, action, number, n, args);
    return errno ? err_errno(e, "the rule for the system call %s", name) : 0;
}

static int allow_plain(scmp_filter_ctx filter, const char *names, struct err *e)
{
    char name[32];
    while (*names) {
        size_t n = strcspn(names, " ");
        assert(n && n < sizeof name);
        memcpy(name, names, n);
        name[n] = '\0';
        if (add_rule(filter, SCMP_ACT_ALLOW, name, NULL, 0, e))
            return -1;
        names += n + strspn(names + n, " ");
    }
    return 0;
}

static int add_checked(scmp_filter_ctx filter, const struct call_rule *r, struct err *e)
{
    struct scmp_arg_cmp args[CALL_ARGS_MAX];
    unsigned n = 0;
    while (n < CALL_ARGS_MAX && r->args[n].when != IF_ANY) {
        args[n] = compare(&r->args[n]);
        n++;
    }
    return add_rule(filter, r->refuse ? SCMP_ACT_ERRNO((uint16_t)r->refuse) : SCMP_ACT_ALLOW, r->name, args,
                    n, e);
}

static int add_table(scmp_filter_ctx filter, const struct call_table *t, struct err *e)
{
    for (size_t i = 0; i < CALL_SETS_MAX && t->sets[i]; i++) {
        const struct call_set *set = t->sets[i];
        if (allow_plain(filter, set->plain, e))
            return -1;
        for (size_t j = 0; j < CALL_RULES_MAX && set->checked[j].name; j++)
            if (add_checked(filter, &set->checked[j], e))
                return -1;
    }
    return 0;
}

int sandbox_calls(const struct call_table *t, struct sandbox_report *report, struct err *e)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int rc = filter ? 0 : err_set(e, ERR_IO, "no seccomp filter can be made");
    if (rc == 0)
        rc = catch_forbidden(report, e);
    if (rc == 0)
        rc = add_table(filter, t, e);
    if (rc == 0) {
        /* A binary tree of the calls; another architecture's are not even looked at. */
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        errno = -seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        if (!errno)
            errno = -seccomp_load(filter);
        rc = errno ? err_errno(e, "the kernel does not take the seccomp filter") : 0;
    }
    seccomp_release(filter);
    return rc;
}

char *sandbox_call_name(int number, char buf[SANDBOX_CALL_STR])
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    snprintf(buf, SANDBOX_CALL_STR, "%.30s (%d)", name ? name : "unknown", number);
    free(name);
    return buf;
}

#include "rackstrap/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rackstrap/sandbox_parts.h"

/* Root has no powers by its number alone, a change of user brings none, and nobody can undo this. */
#define SECUREBITS                                                                                           \
    (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |        \
     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

struct sandbox_report *sandbox_report_new(void)
{
    struct sandbox_report *r =
        mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED)
        abort();
    r->refused = -1;
    return r;
}

/* Needs CAP_SETPCAP, so it comes before the user is changed. A kernel names its capabilities from 0 without a
 * gap. */
static int close_bounding_set(struct err *e)
{
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
            return err_errno(e, "cannot give up capability %lu", cap);
    if (prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0))
        return err_errno(e, "cannot lock root out (securebits)");
    return 0;
}

static int become(uid_t uid, gid_t gid, struct err *e)
{
    if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
        return err_errno(e, "cannot become the user %u", (unsigned)uid);
    return 0;
}

static int drop_capabilities(struct err *e)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
        return err_errno(e, "cannot clear the ambient capabilities");
    if (syscall(SYS_capset, &head, none))
        return err_errno(e, "cannot drop the capabilities");
    return 0;
}

/* A thread counts as a process; the table of calls lets a server that may start threads make no other kind.
 */
static int limit(bool threads, struct err *e)
{
    const struct rlimit none = {0};
    if (setrlimit(RLIMIT_CORE, &none) || (!threads && setrlimit(RLIMIT_NPROC, &none)))
        return err_errno(e, "cannot limit the process");
    return 0;
}

/* Ends with the supervisor, even when that is killed. Linux forgets such a wish when the user changes: so it
 * comes after that. */
static int end_with(pid_t supervisor, struct err *e)
{
    if (!supervisor)
        return 0;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM))
        return err_errno(e, "cannot be made to end with the supervisor");
    if (getppid() != supervisor)
        return err_set(e, ERR_UNAVAILABLE, "the supervisor has ended");
    return 0;
}

int sandbox_enter(const struct sandbox *s, bool *ret_confined, struct err *e)
{
    const struct call_table *table = sandbox_table(s->server);
    bool root = geteuid() == 0;
    assert(table);
    if (root && (close_bounding_set(e) || become(s->uid, s->gid, e)))
        return -1;
    if (drop_capabilities(e) || limit(table->threads, e) || end_with(s->supervisor, e))
        return -1;
    /* Not dumpable: a sister of the same user may not look into its memory. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return err_errno(e, "cannot forbid new privileges");
    int confined = sandbox_files(s->writes, table->outward, e);
    if (confined < 0)
        return -1;
    *ret_confined = confined;
    return sandbox_calls(table, s->report, e);
}

/* sandbox: what a server is left with once it runs, so that a hostile packet that takes it over has gained
 * little:
 *
 * - Who: not root; no capability in any set, nor a way to get one (bounding set, securebits, no_new_privs).
 * - Files: it writes below one folder only, and executes nothing: Landlock, where the kernel has it (5.13);
 * else the owners of the files alone stand in the way.
 * - Calls: the system calls of its table in sandbox_table.c; any other ends the process with SIGSYS.
 * - Limits: no core dump (it would hold secrets), no more processes.
 *
 * The handles that need privileges are opened before; nothing is given back after. A call outside the table
 * leaves its number in a page that is shared with the supervisor, who names it in log and journal. A thread
 * that blocks SIGSYS dies without that.
 */
#ifndef RACKSTRAP_SANDBOX_H
#define RACKSTRAP_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* One page, shared by a supervisor and the server that it forks. */
struct sandbox_report {
    volatile int32_t refused; /* the number of the forbidden call; -1: none */
};
struct sandbox_report *sandbox_report_new(void); /* for ever: there are a few */

struct sandbox {
    const char *server; /* names the table of system calls */
    const char *writes; /* the folder below which it may write */
    uid_t uid;          /* taken on when we are root */
    gid_t gid;
    pid_t supervisor; /* the server ends with it; 0: with nobody */
    struct sandbox_report *report;
};

/* In the server's process, before it reads a byte from outside. *ret_confined: whether the kernel holds its
 * writes, or only the files' owners do. On failure the process is half confined: end it. */
int sandbox_enter(const struct sandbox *s, bool *ret_confined, struct err *e);

/* "execve (59)" */
#define SANDBOX_CALL_STR 48
char *sandbox_call_name(int number, char buf[SANDBOX_CALL_STR]);

#endif

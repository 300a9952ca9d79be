/* sandbox_parts: the sandbox's layers, each in a file of its own. Inside rackstrap/sandbox*.c only. */
#ifndef RACKSTRAP_SANDBOX_PARTS_H
#define RACKSTRAP_SANDBOX_PARTS_H

#include <stddef.h>

#include "rackstrap/sandbox.h"

/* sandbox_table.c: which calls, as data */
#define CALL_ARGS_MAX  2
#define CALL_RULES_MAX 8
#define CALL_SETS_MAX  6
enum call_if { IF_ANY, IF_EQUAL, IF_OTHER, IF_MASKED, IF_SELF /* the process's own number */ };
struct call_arg { /* what one argument has to be */
    enum call_if when;
    unsigned arg; /* from 0 */
    uint64_t value, mask;
};
struct call_rule { /* allowed where all its arguments fit; of several rows for one call, any */
    const char *name;
    struct call_arg args[CALL_ARGS_MAX];
    int refuse; /* instead of being allowed, it fails with this errno: libraries try it and can do without */
};
struct call_set {
    const char *plain; /* names of calls that are allowed with any argument, a space between */
    struct call_rule
        checked[CALL_RULES_MAX]; /* those that depend on their arguments; ends with a name that is NULL */
};
struct call_table {
    const char *server;
    bool outward;                               /* it calls others by name: TCP connections */
    bool threads;                               /* it starts some; never a process */
    const struct call_set *sets[CALL_SETS_MAX]; /* ends with NULL */
};
const struct call_table *sandbox_table(const char *server); /* NULL: there is none of that name */

/* sandbox_calls.c: the table as a seccomp filter. Last: it forbids what the other layers need. */
int sandbox_calls(const struct call_table *t, struct sandbox_report *report, struct err *e);

/* sandbox_files.c: Landlock. Returns 1, or 0 where the kernel has none. */
int sandbox_files(const char *writes, bool outward, struct err *e);

#endif

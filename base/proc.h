/* proc: run another program, never through a shell. */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* argv ends with NULL; argv[0] is found in PATH. Output (both streams) goes to log_path (appended), or is
 * collected in *ret_out (may be NULL), or both NULL: our own streams. Waits. A status other than 0 is ERR_IO
 * with the program's name, status and its last lines. */
int proc_run(const char *const argv[], const char *log_path, struct str *ret_out, struct err *e);
/* Starts and returns at once; output appended to log_path. The child dies with us only if die_with_parent. */
int proc_start(const char *const argv[], const char *log_path, int die_with_parent, pid_t *ret_pid,
               struct err *e);

#endif

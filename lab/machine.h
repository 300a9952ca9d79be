/* machine: one QEMU process: start it, know it again, stop it. */
#ifndef LAB_MACHINE_H
#define LAB_MACHINE_H

#include "lab/lab.h"

/* Sets h->pid and h->start from the pid file if the process there is this machine's, else to 0. What the
 * state file says is not needed for this: the start time that it recorded only makes the match stricter. */
void lab_machine_find(const struct lab *l, struct lab_host *h);
int lab_machine_on(const struct lab *l, struct lab_host *h, struct err *e);
int lab_machine_off(const struct lab *l, struct lab_host *h,
                    struct err *e); /* quit by QMP, else SIGTERM, else SIGKILL */

/* Field 22 of /proc/PID/stat; 0 when there is no such process, or only its corpse. The text is parsed by
 * lab_stat_start, which is pure. */
uint64_t lab_process_start(pid_t pid);
uint64_t lab_stat_start(const char *stat);

#endif

/* init: the agent as the installer's first process. */
#ifndef AGENT_INIT_H
#define AGENT_INIT_H

/* Never returns: at the end the machine reboots. */
void init_main(void) __attribute__((noreturn));
/* The kernel's call for a module, which it makes to the program named in /proc/sys/kernel/modprobe: us.
 * Returns the exit status. */
int init_modprobe(const char *name);

#endif

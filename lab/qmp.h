/* qmp: QEMU's control socket (the QEMU Machine Protocol: a greeting, then JSON lines both ways, events in
 * between). */
#ifndef LAB_QMP_H
#define LAB_QMP_H

#include <jansson.h>

#include "base/err.h"

/* Connects, shakes hands, runs one command without arguments, and hangs up. ret (may be NULL) is what it
 * returned: json_decref it. ERR_UNAVAILABLE when nothing answers within a few seconds. */
int qmp_run(const char *socket_path, const char *command, json_t **ret, struct err *e);

/* The same on a connected socket; for tests. */
int qmp_talk(int fd, const char *command, json_t **ret, struct err *e);

/* A connected stream socket to a unix path, or -1. */
int lab_unix_connect(const char *path, struct err *e);

#endif

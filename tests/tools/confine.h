/* confine: a server that runs alone, without a supervisor, is confined as the supervisor would do it, so that
 * every test with real clients is one of its table of system calls too. It stays the user that it is. */
#ifndef TESTS_TOOLS_CONFINE_H
#define TESTS_TOOLS_CONFINE_H

#include <unistd.h>

#include "rackstrap/sandbox.h"

static inline int confine(const char *server, const char *writes, struct err *e)
{
    struct sandbox box = {.server = server, .writes = writes, .uid = getuid(), .gid = getgid()};
    bool confined;

    return sandbox_enter(&box, &confined, e);
}

#endif

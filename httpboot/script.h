/* script: the iPXE script of a boot decision. Pure. Only words that the iPXE of 2019 in Debian 12 knows. */
#ifndef HTTPBOOT_SCRIPT_H
#define HTTPBOOT_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "inventory/decide.h"

struct script {
    enum boot_action action;
    const char *who;    /* the device's name, or "" for a stranger */
    const char *what;   /* the image to be written; for BOOT_INSTALL */
    const char *reason; /* of the decision */
    struct mac mac;     /* the NIC that boots */
    struct ip4 server;  /* where the machine reaches us: the address that it connected to */
    uint16_t port;
    bool tls;                /* it came by https: so it goes on, but for the agent, */
    struct ip4 agent_server; /* which knows plain HTTP only. port 0: as above */
    uint16_t agent_port;
    const char *token;       /* for BOOT_INSTALL */
    const char *kernel_args; /* may be "" */
};

void script_render(const struct script *s, struct str *out);

#define SCRIPT_WAIT_S 2
/* Nothing is decided yet: the machine waits, and asks again. Of s, who, reason, mac, server and port are
 * looked at. */
void script_wait(const struct script *s, struct str *out);

#endif

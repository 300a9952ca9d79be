/* decide: what a machine that boots is to do. One pure function, used by DHCP, the boot scripts and
 * `rackstrap why` alike. */
#ifndef INVENTORY_DECIDE_H
#define INVENTORY_DECIDE_H

#include "inventory/job.h"

enum boot_action {
    BOOT_LOCAL,    /* boot from the disk */
    BOOT_INSTALL,  /* boot the installer, with a token */
    BOOT_DISCOVER, /* boot the installer to report what the machine is; no token, no write */
    BOOT_IGNORE,   /* no answer */
};
const char *boot_action_name(enum boot_action a);

enum unknown_policy { UNKNOWN_IGNORE, UNKNOWN_DISCOVER };

struct boot_request {
    const char *machine_uuid; /* SMBIOS UUID; "" for a machine that gave none; NULL where the asker cannot
                               * know (DHCP, `why`): then it is taken to be the right one */
    struct mac nic;           /* that it boots from; looked at where the UUID is "" */
    enum unknown_policy unknown;
    int64_t at_ms;
};

struct boot_decision {
    enum boot_action action;
    char reason[256]; /* a sentence for a person */
};

/* device NULL: no device has the MAC. job NULL: it never had one. */
struct boot_decision boot_decide(const struct device *device, const struct job *job,
                                 const struct boot_request *req);

#endif

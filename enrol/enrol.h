/* enrol: brings machines into the configuration management. courier is the process; a driver is the system
 * (Salt, ...). */
#ifndef ENROL_ENROL_H
#define ENROL_ENROL_H

#include "base/err.h"
#include "netbox/netbox.h"

struct enrol_salt_config {
    char api[256]; /* salt-api's URL */
    char username[64];
    char eauth[32];       /* "pam", "file", "sharedsecret" */
    const char *password; /* lent */
    char ca_file[256];    /* for an https api; "" is the system's */
};

struct enrol_config {
    char driver[16]; /* "salt" or "none" */
    struct enrol_salt_config salt;
    const struct netbox_config *netbox; /* lent; NULL: none is followed */
    size_t wipe_limit;                  /* devices that one sync may arm */
    uint32_t job_expiry_s;
};

/* In its own process, privileges gone: works off enrolments and expires jobs until SIGTERM; follows a NetBox,
 * in a thread of its own with a store of its own. */
int courier_serve(const struct enrol_config *cfg, const char *state_dir, struct err *e);

#endif

/* enrol: brings machines into the configuration management. courier is the process; a driver is the system
 * (Salt, ...). */
#ifndef ENROL_ENROL_H
#define ENROL_ENROL_H

#include "base/err.h"

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
};

/* In its own process, privileges gone: works off enrolments and expires jobs until SIGTERM. */
int courier_serve(const struct enrol_config *cfg, const char *state_dir, struct err *e);

#endif

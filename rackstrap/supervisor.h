/* supervisor: `rackstrap serve`. Opens what needs privileges, then runs each server in a process of its own
 * that has none, and starts a crashed one again, with back-off. */
#ifndef RACKSTRAP_SUPERVISOR_H
#define RACKSTRAP_SUPERVISOR_H

#include "base/log.h"
#include "rackstrap/config.h"

/* only: NULL for all that are configured, else names with commas (dhcpd,tftpd,httpboot,courier,api). Returns
 * after SIGTERM or SIGINT. */
int supervise(const struct config *c, const char *only, enum log_level level, struct err *e);

#endif

/* ready: has this machine what the configuration names? Without it `serve` does not start, and `check-config`
 * asks the same questions; it may run on another machine, and says some answers as warnings. */
#ifndef RACKSTRAP_READY_H
#define RACKSTRAP_READY_H

#include <sys/types.h>

#include "rackstrap/config.h"

/* What the servers run as. */
struct server_user {
    uid_t uid;
    gid_t gid;
    char name[64];
};

/* *ret_named: false where there is no `rackstrap`, and nobody stands in for it. Who is not root stays who he
 * is. */
int ready_user(const struct config *c, struct server_user *ret, bool *ret_named, struct err *e);
/* Those that the named servers listen on. */
int ready_interfaces(const struct config *c, bool dhcpd, bool tftpd, struct err *e);
/* A folder, which can be written in, and which the user can come to. ERR_REFUSED: that is so for root, or for
 * its owner, but not for who asks. */
int ready_state_dir(const struct config *c, const struct server_user *u, struct err *e);
/* Where `tftp` is configured: a folder that the user can read. */
int ready_tftp_root(const struct config *c, const struct server_user *u, struct err *e);

#endif

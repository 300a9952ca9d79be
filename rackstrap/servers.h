/* servers: the four that `rackstrap serve` runs, as a table, and the handles that are opened for them. */
#ifndef RACKSTRAP_SERVERS_H
#define RACKSTRAP_SERVERS_H

#include <sys/types.h>

#include "base/log.h"
#include "rackstrap/config.h"

struct servers {
    const struct config *config;
    struct dhcpd *dhcpd;
    struct tftpd *tftpd;
    struct httpboot *httpboot;
    enum log_level level;
    uid_t uid;
    gid_t gid;
};

struct part {
    const char *name;
    bool (*wanted)(const struct config *c);
    int (*start)(struct servers *s, struct err *e); /* as root: opens; before each fork, since a handle that a
                                                       dead child used is not fresh */
    void (*stop)(struct servers *s);                /* closes what start opened */
    int (*run)(struct servers *s, struct err *e);   /* in its own process */
    bool shared;                                    /* what start opened serves several processes, one
                                                       after the other too: it is opened once */
};

enum { PART_HTTPBOOT, PART_TFTPD, PART_DHCPD, PART_COURIER, PARTS };
extern const struct part parts[PARTS];

/* Before anything is opened: the interfaces and the state_dir are there, and the user that the servers run as
 * is one, and not root. */
int servers_check(struct servers *s, struct err *e);
/* Migrates the store while nobody uses it, and makes it the servers' own. */
int servers_prepare_store(const struct servers *s, struct err *e);
/* In a server's own process: closes the handles of the others and forgets what is not its to know. */
void servers_keep_own(struct servers *s, const struct part *part);
void servers_close(struct servers *s); /* what is open of all of them */

#endif

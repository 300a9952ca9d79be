/* servers: the five that `rackstrap serve` runs, as a table, and the handles that are opened for them. */
#ifndef RACKSTRAP_SERVERS_H
#define RACKSTRAP_SERVERS_H

#include "base/log.h"
#include "rackstrap/about.h"
#include "rackstrap/config.h"
#include "rackstrap/ready.h"

enum { PART_HTTPBOOT, PART_TFTPD, PART_DHCPD, PART_COURIER, PART_API, PARTS };

struct servers {
    const struct config *config;
    bool runs[PARTS]; /* which are started: all that are configured, or those of --only */
    struct dhcpd *dhcpd;
    struct tftpd *tftpd;
    struct httpboot *httpboot, *api;
    struct httpboot_api api_part; /* the configuration's, and what the API is told beside it */
    struct about about;
    enum log_level level;
    struct server_user user;
};

struct part {
    const char *name;
    bool (*wanted)(const struct config *c);
    int (*start)(struct servers *s, struct err *e); /* as root: opens; before each fork. The child's own from
                                                       then on: the supervisor closes its copies */
    void (*stop)(struct servers *s);                /* closes what start opened */
    int (*run)(struct servers *s, struct err *e);   /* in its own process */
    bool shared;                                    /* what start opened serves several processes, one
                                                       after the other too: it is opened once */
};

extern const struct part parts[PARTS];

/* Before anything is opened: the machine has what the configuration names (ready.h) and s->runs needs. */
int servers_check(struct servers *s, struct err *e);
/* Migrates the store before our servers use it, and makes it their own. Another `serve` may use it already:
 * not two that give addresses. */
int servers_prepare_store(const struct servers *s, struct err *e);
/* In a server's own process: closes the handles of the others and forgets what is not its to know. */
void servers_keep_own(struct servers *s, const struct part *part);
void servers_close(struct servers *s); /* what is open of all of them */

#endif

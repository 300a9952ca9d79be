/* bootfile: what a reply tells a client that boots: next server, boot file, iPXE's settings, HTTPClient.
 * Pure. */
#ifndef DHCPD_BOOTFILE_H
#define DHCPD_BOOTFILE_H

#include "dhcpd/decide.h"

/* server: our address as the client knows us. Adds nothing for a client that boots nothing. */
void bootfile_put(const struct dhcpd_config *cfg, const struct request *q, const struct facts *f,
                  struct ip4 server, struct reply *r);

#endif

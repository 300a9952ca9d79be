/* follow: a NetBox is followed for as long as we run: at each interval, and at once when a webhook has asked.
 */
#ifndef NETBOX_FOLLOW_H
#define NETBOX_FOLLOW_H

#include "netbox/sync.h"

/* Until *run->stop, which it looks at several times a second. Returns -1 only when the store cannot be
 * opened: a NetBox that does not answer is asked again, ever less often. What each sync came to is logged. */
int netbox_follow(const char *state_dir, const struct netbox_config *c, const struct netbox_run *run,
                  struct err *e);

#endif

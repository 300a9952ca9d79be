/* io_options: the sets of DHCP options that a device has of its own, of its role and of its site, by number.
 *
 * A set's number means the same for ever (inventory/device.h), so that what was read once is never stale, but
 * when a backup was put back: then all is forgotten. The store is asked once for each set that is in use. The
 * memory is bounded: of two sets that fall into one place of a table the later one stays. Each layer has a
 * table of its own, so that the three sets of one request never push each other out. */
#ifndef DHCPD_IO_OPTIONS_H
#define DHCPD_IO_OPTIONS_H

#include "dhcpd/decide.h"

struct option_sets;
struct option_sets *option_sets_new(struct store *s); /* lent */
void option_sets_free(struct option_sets *o);         /* takes NULL */
/* The store was restored: a number may be another set's. */
void option_sets_forget(struct option_sets *o);
/* Fills the layers of a device; lent until the next call. -1, and a line in the log, when the store cannot be
 * read. */
int option_sets_find(struct option_sets *o, const struct device *d, struct span ret[FACT_LAYERS]);

#endif

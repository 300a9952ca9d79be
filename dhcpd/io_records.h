/* io_records: what is on record of a client and of an address: the inventory and the leases. The one place
 * of dhcpd that looks anything up.
 *
 * Life cycle, for each batch: records_begin once its packets have been read, so that what was changed before
 * a packet was sent is known to its answer; records_find and facts_find for each packet. */
#ifndef DHCPD_IO_RECORDS_H
#define DHCPD_IO_RECORDS_H

#include "dhcpd/decide.h"
#include "dhcpd/io_notice.h"

/* Of one MAC address. */
struct records {
    struct device device;
    struct job job;
    bool has_device, has_job;
};

struct lookup;
/* All are lent for its life. A pool that runs out, or has room again, is told to the notice. */
int lookup_new(const struct dhcpd_config *cfg, struct store *store, struct leases *leases,
               struct notice *notice, struct lookup **ret, struct err *e);
void lookup_free(struct lookup *l); /* takes NULL */

/* When the inventory cannot be read: a line in the log, and records_find says so to each packet. True: all
 * was read anew (roster_walks), and what others remember of the inventory by its numbers may be wrong. */
bool records_begin(struct lookup *l);
/* The inventory's prefixes; lent until the next records_begin. */
const struct networks *records_networks(const struct lookup *l);
/* A hint: packets of these will follow. */
void records_expect(struct lookup *l, const struct mac *m, size_t n);
int records_find(const struct lookup *l, struct mac mac, struct records *ret);
void facts_find(struct lookup *l, const struct request *q, const struct arrival *from, const struct place *p,
                const struct records *r, int64_t at_ms, struct facts *f);

#endif

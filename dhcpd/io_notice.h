/* io_notice: what is to be known of the wire beside the answers, and told to the store: packets without an
 * answer, other DHCP servers, addresses that somebody uses already, a full pool. Nothing here delays an
 * answer, and a flood of packets does not become a flood of writes: what is counted is written every few
 * seconds, what is journalled is told once in a while.
 *
 * Life cycle: notice_new, any of the others, notice_write after each batch and when notice_next_ms is up,
 * notice_end, and notice_free once the scribe is closed. */
#ifndef DHCPD_IO_NOTICE_H
#define DHCPD_IO_NOTICE_H

#include "dhcpd/drop.h"
#include "dhcpd/io_scribe.h"
#include "dhcpd/place.h"
#include "inventory/store.h"

struct notice;
struct notice *notice_new(struct store *store, struct scribe *scribe); /* the scribe is lent */
void notice_end(struct notice *n);  /* gives the scribe what is left; takes NULL */
void notice_free(struct notice *n); /* once the scribe is closed; takes NULL */

/* A packet that was not answered. While the store cannot be written they are counted on. */
void notice_drop(struct notice *n, enum drop why, const struct drop_origin *from, int64_t at_ms);
/* An entry for the journal about an address that is said to be somebody's. False: too many were told of
 * lately. */
bool notice_address(struct notice *n, const struct mac *mac, const char *event, const char *detail,
                    int64_t at_ms);
/* A machine that no device is has declined an address (RFC 2131, 4.3.3: the administrator is told). */
void notice_decline(struct notice *n, struct mac mac, struct ip4 ip, int64_t at_ms);
/* A DHCP server other than us was heard, or chosen by a client (mac: the client's). alone: there should be
 * none, so the log warns. */
void notice_server(struct notice *n, const struct link *on, struct ip4 id, struct mac mac, bool chosen,
                   bool alone, int64_t at_ms);

/* A pool has no free address any more, or has one again; of so many. quiet: it was told of lately, so that
 * only the list of leases shows it. */
void notice_pool(struct notice *n, struct prefix pool, uint32_t addresses, bool full, bool quiet,
                 int64_t at_ms);

void notice_write(struct notice *n, int64_t at_ms);
int64_t notice_next_ms(const struct notice *n, int64_t at_ms); /* -1: nothing waits */

#endif

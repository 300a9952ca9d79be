/* io_service: the decisions with the records behind them. Looks up what a decision needs, sets the leases
 * that it asks for, keeps the counters, and remembers what is to be journalled.
 *
 * Life cycle, for each batch: service_begin; service_handle for every packet, and again; service_commit; if
 * that is 0 the answers that wait may leave, the others at any time; service_notes. */
#ifndef DHCPD_IO_SERVICE_H
#define DHCPD_IO_SERVICE_H

#include "dhcpd/decide.h"
#include "dhcpd/io_notice.h"
#include "dhcpd/probe.h"

/* What the log says of a message; of an answer that waits, once it may leave. */
struct said {
    bool loud;
    enum message_type type;
    struct mac mac;
    struct ip4 address;
    const char *state, *client;
    char device[NAME_SIZE];
    uint32_t xid;
};

struct answer {
    struct said said;
    const struct link *link;
    struct ip4 source; /* our address */
    struct destination to;
    bool waits; /* rests on a lease: it leaves after the commit, if that succeeds */
    size_t n;
    uint8_t bytes[MESSAGE_MAX];
};

struct service;
/* cfg is lent for the service's life. */
int service_open(const struct dhcpd_config *cfg, const char *state_dir, struct service **ret, struct err *e);
void service_close(struct service *s); /* logs the counters; takes NULL */

/* The packets of a batch have been read: looks what is on record now. */
void service_begin(struct service *s);
/* A hint: messages of these will be handled next. */
void service_expect(struct service *s, const struct mac *m, size_t n);
/* True when *ret is to be sent. */
bool service_handle(struct service *s, const struct arrival *from, struct span message, int64_t at_ms,
                    struct answer *ret);
/* Counts, and logs at most one line a second for each reason. */
void service_drop(struct service *s, enum drop why, const struct link *link, const struct drop_origin *from,
                  int64_t at_ms); /* from may be NULL */
/* list: the batch's n answers. -1: what was decided since the last commit counts for nothing, and none of
 * those that wait may be sent: they are dropped. An OFFER that has left is then one that another client may
 * get too: who asks for it first has it.
 */
int service_commit(struct service *s, const struct answer *list, size_t n, int64_t at_ms);
/* What the wire was asked, and what is told of it; both are the service's. */
struct probes *service_probes(struct service *s);
struct notice *service_notice(struct service *s);
/* An ARP frame that may be about an address that is being probed. */
void service_arp(struct service *s, const struct link *on, const struct arp *a, int64_t at_ms);
/* Journals addresses, and records strangers: after the answers have left, in one transaction. */
void service_notes(struct service *s, int64_t at_ms);

#endif

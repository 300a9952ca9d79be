/* probe: asks the wire, by ARP, whether somebody uses an address of the pool before it is offered
 * (RFC 2131, 3.1 and 4.3.1). Pure: time, frames heard and messages come in; what to ask, and what may go on,
 * comes out.
 *
 * A DISCOVER whose offer needs a probe is held here, as bytes, while others are answered. When its probe is
 * over it is handed out and decided once more, from the beginning: by then the address is known to be clear,
 * or it is quarantined and the decision finds another. A DISCOVER sent again meanwhile takes the place of
 * the one that waits.
 *
 * Two questions are asked, one at once and one at half time, for one may get lost. Silence until the time is
 * up means clear, and holds for PROBE_FRESH_MS. Not probed is what is relayed (ARP does not pass a router),
 * reserved (the operator's word stands), or bound to the asker already.
 *
 * A MAC address that answers for many addresses in turn is a router that does proxy ARP, or somebody's
 * attempt to empty the pool: soon it is not believed any more (belief.h). */
#ifndef DHCPD_PROBE_H
#define DHCPD_PROBE_H

#include "dhcpd/arp.h"
#include "dhcpd/place.h"

#define PROBES_MAX     1024 /* at once; an address that finds no room is offered without */
#define PROBE_FRESH_MS 60000

struct probe {
    struct ip4 ip;
    struct mac mac; /* the client's */
    struct arrival from;
    int64_t began_ms;
    unsigned asked; /* how often */
    bool over;
    uint8_t *message; /* the DISCOVER */
    size_t n;
};

struct probes;
struct probes *probes_new(uint32_t wait_ms); /* 0: nothing is probed */
void probes_free(struct probes *p);          /* takes NULL */

/* May this address be offered now? False: the message is held (copied). */
bool probe_clear(struct probes *p, const struct arrival *from, struct span message, struct mac mac,
                 struct ip4 ip, int64_t at_ms);

enum probe_claim {
    PROBE_NOTHING,    /* about no address that is being probed, or it is the client's own word */
    PROBE_TAKEN,      /* somebody has it: quarantine it. The probe is over */
    PROBE_UNBELIEVED, /* somebody says so again and again: said once, when belief ends */
};
/* An ARP frame was heard. ret (on other than PROBE_NOTHING): the address and the client that wait, lent until
 * the next call. */
enum probe_claim probe_heard(struct probes *p, const struct link *on, const struct arp *a, int64_t at_ms,
                             const struct probe **ret);

/* One that is to be asked for now, and counts as asked; NULL: none. Lent until the next call. */
const struct probe *probe_ask(struct probes *p, int64_t at_ms);
/* Hands out one that is over: *ret and its message (to be freed) are the caller's. */
bool probe_take(struct probes *p, int64_t at_ms, struct probe *ret);
/* Milliseconds until something is to be done; -1: nothing waits. */
int64_t probe_next_ms(const struct probes *p, int64_t at_ms);

#endif

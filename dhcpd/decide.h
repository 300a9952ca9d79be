/* decide: what a request is answered with, and what becomes of the lease. Pure: the request, the place, what
 * the records say and the time come in; the reply with its destination, or a reason for silence, goes out.
 * The shell puts the leases, commits, sends.
 *
 * RFC 2131's states of a REQUEST (4.3.2), by what is set:
 *
 *   state        54 server id   50   ciaddr            right   wrong   no record
 *   selecting    ours           yes  0                 ACK     NAK     ACK if the address is free, else NAK
 *   init-reboot  -              yes  0                 ACK     NAK     silence
 *   renewing     -              -    set, to us alone  ACK     NAK     silence
 *   rebinding    -              -    set, broadcast    ACK     NAK     silence
 *
 * A client is known by chaddr alone: firmware, iPXE and the operating system send different client
 * identifiers for one NIC. */
#ifndef DHCPD_DECIDE_H
#define DHCPD_DECIDE_H

#include "dhcpd/place.h"
#include "inventory/decide.h"
#include "inventory/lease.h"

#define OFFER_MS      (60 * 1000)      /* how long an offered address waits for its REQUEST */
#define LEASE_MIN     60               /* seconds: the shortest that a client may ask for */
#define QUARANTINE_MS (10 * 60 * 1000) /* how long a declined address is given to no one */

/* What the records say of one address. */
struct address_fact {
    const struct lease *lease; /* NULL: it never had one */
    bool others;               /* an interface in the inventory owns it, and it is not the asker's */
};

/* What a device is given of DHCP options, the most specific last; the subnet's are less specific than any. */
enum { FACT_ROLE, FACT_SITE, FACT_DEVICE, FACT_LAYERS };

struct facts {
    const struct device *device; /* NULL: no device has the MAC */
    const struct job *job;       /* its newest; NULL: it never had one */
    struct address_fact mine;    /* the address that this MAC's lease is for; lease NULL: it has none */
    struct address_fact asked;   /* decide_asked's */
    struct address_fact reserved;
    bool has_free; /* a free address of the pool, looked for only when decide_needs_free */
    struct ip4 free;
    bool disbelieved;         /* this MAC has declined too many addresses lately (belief.h) */
    char loader[LOADER_SIZE]; /* for a client that is sent one; "": its row's first */
    int64_t at_ms;
    struct span options[FACT_LAYERS]; /* sets (inventory/dhcp_option.h); they outlive the reply's encoding */
};

enum send_how {
    SEND_FRAME,  /* an Ethernet frame made by us, from port 67 to 68 */
    SEND_SOCKET, /* through the system's stack, which routes and ARPs */
    SEND_PXE     /* the same, from port 4011 */
};
struct destination {
    enum send_how how;
    struct mac mac; /* of a frame */
    struct ip4 ip;
    uint16_t port;
};

struct decision {
    enum drop drop;    /* other than DROP_NONE: no answer, and this is why */
    bool answers;      /* RELEASE and DECLINE are heard and not answered */
    const char *state; /* "selecting", ... or the type's name; for the log */
    struct reply reply;
    struct destination to;
    struct ip4 source;    /* our address, as the client knows us */
    struct lease puts[2]; /* leases to set, in this order, before the reply leaves */
    size_t puts_n;
};

/* The address that the client itself names: 50, else ciaddr. */
struct ip4 decide_asked(const struct request *q);
/* True when the pool has to be searched before decide is asked. */
bool decide_needs_free(const struct request *q, const struct arrival *from, const struct place *p,
                       const struct facts *f);
/* May this lease's address be given to this MAC now? NULL is free. */
bool decide_lease_free(const struct lease *l, struct mac mac, int64_t at_ms);
void decide(const struct dhcpd_config *cfg, const struct request *q, const struct arrival *from,
            const struct place *p, const struct facts *f, struct decision *ret);
/* Has the wire to be asked (probe.h) before this decision's answer leaves? An OFFER from a pool, to a client
 * on our own wire that is not bound to that address already. */
bool decide_needs_probe(const struct request *q, const struct place *p, const struct facts *f,
                        const struct decision *d);

#endif

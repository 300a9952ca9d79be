/* Any bytes as an Ethernet frame; what comes out as a message. */
#include <stdlib.h>

#include "dhcpd/arp.h"
#include "dhcpd/frame.h"
#include "dhcpd/message.h"
#include "dhcpd/servers.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct udp_frame f;
    struct request q;
    struct arp a;
    struct ip4 id;
    enum message_type type;
    arp_decode(span_of(p, n), &a);
    if (frame_decode(span_of(p, n), &f) != DROP_NONE)
        return 0;
    if (f.payload.p < p || f.payload.p + f.payload.n > p + n)
        abort();
    message_parse(f.payload, &q);
    servers_parse(f.payload, &type, &id);
    return 0;
}

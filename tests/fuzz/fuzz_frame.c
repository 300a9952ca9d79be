/* Any bytes as an Ethernet frame; what comes out as a message. */
#include <stdlib.h>

#include "dhcpd/arp.h"
#include "dhcpd/frame.h"
#include "dhcpd/message.h"
#include "dhcpd/servers.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What was understood, written by us, is understood as the same. */
static void there_and_back(const struct udp_frame *f)
{
    static uint8_t buf[FRAME_HEADERS + 65536];
    struct writer w = writer_of(buf, sizeof buf);
    struct udp_frame again;
    frame_encode(f, &w);
    if (frame_decode(span_of(buf, writer_used(&w)), &again) != DROP_NONE || !mac_eq(again.src, f->src) ||
        !mac_eq(again.dst, f->dst) || again.ip_src.a != f->ip_src.a || again.ip_dst.a != f->ip_dst.a ||
        again.port_src != f->port_src || again.port_dst != f->port_dst || !span_eq(again.payload, f->payload))
        abort();
}

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
    there_and_back(&f);
    message_parse(f.payload, &q);
    servers_parse(f.payload, &type, &id);
    return 0;
}

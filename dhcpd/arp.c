#include "dhcpd/arp.h"

#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_IPV4 0x0800
#define HTYPE_ETHERNET 1

bool arp_decode(struct span frame, struct arp *ret)
{
    struct reader r = reader_of(frame);
    struct arp x;
    read_skip(&r, 12);
    if (read_be16(&r) != ETHERTYPE_ARP || read_be16(&r) != HTYPE_ETHERNET ||
        read_be16(&r) != ETHERTYPE_IPV4 || read_u8(&r) != 6 || read_u8(&r) != 4)
        return false;
    uint16_t op = read_be16(&r);
    read_bytes(&r, x.sender.b, sizeof x.sender.b);
    x.sender_ip.a = read_be32(&r);
    read_skip(&r, 6);
    x.target_ip.a = read_be32(&r);
    if (r.bad || (op != ARP_REQUEST && op != ARP_REPLY) || (x.sender.b[0] & 1))
        return false;
    x.op = op;
    *ret = x;
    return true;
}

void arp_encode_probe(struct mac nic, struct ip4 ip, struct writer *w)
{
    static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    write_span(w, span_of(everyone, sizeof everyone));
    write_span(w, span_of(nic.b, sizeof nic.b));
    write_be16(w, ETHERTYPE_ARP);
    write_be16(w, HTYPE_ETHERNET);
    write_be16(w, ETHERTYPE_IPV4);
    write_u8(w, 6);
    write_u8(w, 4);
    write_be16(w, ARP_REQUEST);
    write_span(w, span_of(nic.b, sizeof nic.b));
    write_be32(w, 0);
    write_zeros(w, 6);
    write_be32(w, ip.a);
    write_zeros(w, ARP_FRAME - 42);
}

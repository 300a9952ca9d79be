#include "dhcpd/frame.h"

/*  0      6      12     14                          34        42
 *  | dst  | src  | 0800 | IPv4 header (20 and more)  | UDP (8) | payload
 *
 *  IPv4:  0 version+ihl  2 total length  6 flags+fragment  8 ttl  9 protocol  10 checksum
 *         12 source  16 destination
 *  UDP:   0 source port  2 destination port  4 length  6 checksum */

#define ETHERTYPE_IPV4 0x0800
#define PROTO_UDP      17
#define IP_HEADER      20
#define UDP_HEADER     8
#define IP_DONT_FRAG   0x4000
#define IP_TTL         64

static uint32_t sum_add(uint32_t sum, struct span s)
{
    for (size_t i = 0; i + 1 < s.n; i += 2)
        sum += (uint32_t)s.p[i] << 8 | s.p[i + 1];
    if (s.n % 2)
        sum += (uint32_t)s.p[s.n - 1] << 8;
    return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static uint32_t pseudo_sum(struct ip4 src, struct ip4 dst, size_t udp_len)
{
    return (src.a >> 16) + (src.a & 0xffff) + (dst.a >> 16) + (dst.a & 0xffff) + PROTO_UDP +
           (uint32_t)udp_len;
}

static struct mac read_mac(struct reader *r)
{
    struct mac m;
    read_bytes(r, m.b, sizeof m.b);
    return m;
}

static enum drop decode_udp(struct span datagram, struct udp_frame *f)
{
    struct reader r = reader_of(datagram);
    f->port_src = read_be16(&r);
    f->port_dst = read_be16(&r);
    size_t len = read_be16(&r);
    uint16_t check = read_be16(&r);
    if (r.bad)
        return DROP_FRAME_SHORT;
    if (len < UDP_HEADER || len > datagram.n)
        return DROP_FRAME_LENGTH;
    uint32_t pseudo = pseudo_sum(f->ip_src, f->ip_dst, len);
    bool right = sum_fold(sum_add(pseudo, span_of(datagram.p, len))) == 0xffff;
    if (check && !right && check != sum_fold(pseudo))
        return DROP_FRAME_CHECKSUM;
    f->payload = span_of(datagram.p + UDP_HEADER, len - UDP_HEADER);
    return DROP_NONE;
}

/* Checks the IPv4 header and leaves its payload in *ret_payload. */
static enum drop decode_ip(struct span packet, struct udp_frame *f, struct span *ret_payload)
{
    struct reader r = reader_of(packet);
    uint8_t version_ihl = read_u8(&r);
    read_skip(&r, 1);
    size_t total = read_be16(&r);
    read_skip(&r, 2);
    uint16_t fragment = read_be16(&r);
    read_skip(&r, 1);
    uint8_t protocol = read_u8(&r);
    read_skip(&r, 2);
    f->ip_src.a = read_be32(&r);
    f->ip_dst.a = read_be32(&r);
    if (r.bad)
        return DROP_FRAME_SHORT;
    size_t header = (size_t)(version_ihl & 0x0f) * 4;
    if (version_ihl >> 4 != 4)
        return DROP_FRAME_NOT_IPV4;
    if (header < IP_HEADER || total < header || total > packet.n)
        return DROP_FRAME_LENGTH;
    if (sum_fold(sum_add(0, span_of(packet.p, header))) != 0xffff)
        return DROP_FRAME_CHECKSUM;
    if (fragment & 0x3fff) /* more to come, or not the first */
        return DROP_FRAME_FRAGMENT;
    if (protocol != PROTO_UDP)
        return DROP_FRAME_NOT_UDP;
    *ret_payload = span_of(packet.p + header, total - header);
    return DROP_NONE;
}

enum drop frame_decode(struct span bytes, struct udp_frame *ret)
{
    struct udp_frame f = {0};
    struct span datagram = {0};
    struct reader r = reader_of(bytes);
    f.dst = read_mac(&r);
    f.src = read_mac(&r);
    uint16_t ethertype = read_be16(&r);
    if (r.bad)
        return DROP_FRAME_SHORT;
    if (ethertype != ETHERTYPE_IPV4)
        return DROP_FRAME_NOT_IPV4;
    enum drop d = decode_ip(read_span(&r, reader_left(&r)), &f, &datagram);
    if (d == DROP_NONE)
        d = decode_udp(datagram, &f);
    if (d == DROP_NONE)
        *ret = f;
    return d;
}

static void put_ip(const struct udp_frame *f, size_t udp_len, struct writer *w)
{
    uint8_t header[IP_HEADER];
    struct writer h = writer_of(header, sizeof header);
    write_u8(&h, 0x45);
    write_u8(&h, 0x10); /* low delay, as everyone marks DHCP */
    write_be16(&h, (uint16_t)(IP_HEADER + udp_len));
    write_be16(&h, 0);
    write_be16(&h, IP_DONT_FRAG);
    write_u8(&h, IP_TTL);
    write_u8(&h, PROTO_UDP);
    write_be16(&h, 0);
    write_be32(&h, f->ip_src.a);
    write_be32(&h, f->ip_dst.a);
    uint16_t check = (uint16_t)~sum_fold(sum_add(0, span_of(header, sizeof header)));
    write_span(w, span_of(header, 10));
    write_be16(w, check);
    write_span(w, span_of(header + 12, IP_HEADER - 12));
}

static void put_udp(const struct udp_frame *f, size_t udp_len, struct writer *w)
{
    uint32_t sum = pseudo_sum(f->ip_src, f->ip_dst, udp_len) + f->port_src + f->port_dst + (uint32_t)udp_len;
    uint16_t check = (uint16_t)~sum_fold(sum_add(sum, f->payload));
    write_be16(w, f->port_src);
    write_be16(w, f->port_dst);
    write_be16(w, (uint16_t)udp_len);
    write_be16(w, check ? check : 0xffff); /* 0 would mean that there is none */
    write_span(w, f->payload);
}

void frame_encode(const struct udp_frame *f, struct writer *w)
{
    size_t udp_len = UDP_HEADER + f->payload.n;
    write_span(w, span_of(f->dst.b, sizeof f->dst.b));
    write_span(w, span_of(f->src.b, sizeof f->src.b));
    write_be16(w, ETHERTYPE_IPV4);
    put_ip(f, udp_len, w);
    put_udp(f, udp_len, w);
}

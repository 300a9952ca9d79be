#include "agent/dhcp_codec.h"

#include <string.h>

#define COOKIE         0x63825363u
#define FLAG_BROADCAST 0x8000u
#define LEASE_LEAST    60u

enum {
    OPT_PAD = 0,
    OPT_MASK = 1,
    OPT_ROUTER = 3,
    OPT_REQUESTED = 50,
    OPT_LEASE = 51,
    OPT_OVERLOAD = 52,
    OPT_TYPE = 53,
    OPT_SERVER = 54,
    OPT_WANTED = 55,
    OPT_MAX_SIZE = 57,
    OPT_T1 = 58,
    OPT_T2 = 59,
    OPT_CLASS = 60,
    OPT_END = 255,
};

static void put_ip(struct writer *w, uint8_t code, struct ip4 ip)
{
    if (!ip.a)
        return;
    write_u8(w, code);
    write_u8(w, 4);
    write_be32(w, ip.a);
}

static void put_bytes(struct writer *w, uint8_t code, const void *p, uint8_t n)
{
    write_u8(w, code);
    write_u8(w, n);
    write_span(w, span_of(p, n));
}

size_t dhcp_encode(const struct dhcp_ask *a, uint8_t buf[DHCP_MAX])
{
    static const uint8_t wanted[] = {OPT_MASK, OPT_ROUTER, OPT_LEASE, OPT_SERVER, OPT_T1, OPT_T2};
    static const char class[] = "rackstrap-installer";
    const uint8_t type = (uint8_t)a->type;
    struct writer w = writer_of(buf, DHCP_MAX);
    write_be32(&w, 0x01010600); /* BOOTREQUEST, Ethernet, 6 bytes, no hops */
    write_be32(&w, a->xid);
    write_be16(&w, a->secs);
    write_be16(&w, a->ciaddr.a ? 0 : FLAG_BROADCAST);
    write_be32(&w, a->ciaddr.a);
    write_zeros(&w, 12);
    write_span(&w, span_of(a->mac.b, 6));
    write_zeros(&w, 10 + 64 + 128);
    write_be32(&w, COOKIE);
    put_bytes(&w, OPT_TYPE, &type, 1);
    put_ip(&w, OPT_REQUESTED, a->requested);
    put_ip(&w, OPT_SERVER, a->server);
    put_bytes(&w, OPT_MAX_SIZE, (const uint8_t[]){DHCP_MAX >> 8, DHCP_MAX & 0xff}, 2);
    put_bytes(&w, OPT_WANTED, wanted, sizeof wanted);
    put_bytes(&w, OPT_CLASS, class, sizeof class - 1);
    write_u8(&w, OPT_END);
    if (writer_used(&w) < DHCP_MIN)
        write_zeros(&w, DHCP_MIN - writer_used(&w));
    return writer_used(&w);
}

/* What was found in the option areas; a zero is "not there". */
struct found {
    uint8_t type, overload;
    bool has_mask;
    uint32_t mask, router, lease, server, t1, t2;
};

static uint32_t first_be32(struct span v)
{
    struct reader r = reader_of(v);
    return read_be32(&r); /* 0 when it is too short */
}

static void take_option(struct found *f, uint8_t code, struct span v)
{
    const struct {
        uint8_t code;
        uint32_t *to;
    } words[] = {{OPT_ROUTER, &f->router},
                 {OPT_LEASE, &f->lease},
                 {OPT_SERVER, &f->server},
                 {OPT_T1, &f->t1},
                 {OPT_T2, &f->t2}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].code == code)
            *words[i].to = first_be32(v);
    if (code == OPT_TYPE && v.n == 1)
        f->type = v.p[0];
    if (code == OPT_OVERLOAD && v.n == 1)
        f->overload = v.p[0];
    if (code == OPT_MASK && v.n == 4) {
        f->has_mask = true;
        f->mask = first_be32(v);
    }
}

static bool take_area(struct found *f, struct span area)
{
    struct reader r = reader_of(area);
    while (reader_left(&r) > 0) {
        uint8_t code = read_u8(&r);
        if (code == OPT_END)
            return true;
        if (code == OPT_PAD)
            continue;
        struct span v = read_span(&r, read_u8(&r));
        if (r.bad)
            return false;
        take_option(f, code, v);
    }
    return true; /* some servers leave the end out */
}

static bool mask_to_prefix(uint32_t mask, uint8_t *ret)
{
    uint8_t n = 0;
    while (n < 32 && mask & 0x80000000u >> n)
        n++;
    *ret = n;
    return n > 0 && prefix_mask(n).a == mask;
}

static uint8_t class_prefix(uint32_t ip)
{
    return ip < 0x80000000u ? 8 : ip < 0xc0000000u ? 16 : 24;
}

static int bad(struct err *e, const char *what)
{
    return err_set(e, ERR_INPUT, "DHCP answer: %s", what);
}

static int build(const struct found *f, uint32_t yiaddr, struct dhcp_answer *ret, struct err *e)
{
    struct dhcp_answer a = {.type = f->type, .server.a = f->server};
    if (f->type == DHCP_NAK) {
        *ret = a;
        return 0;
    }
    if (f->type != DHCP_OFFER && f->type != DHCP_ACK)
        return bad(e, "neither offer, ACK nor NAK");
    if (!f->server || !yiaddr || yiaddr >= 0xe0000000u || yiaddr >> 24 == 127)
        return bad(e, "no server identifier or no usable address");
    a.address.a = yiaddr;
    a.router.a = f->router;
    a.prefix = class_prefix(yiaddr);
    if (f->has_mask && !mask_to_prefix(f->mask, &a.prefix))
        return bad(e, "a subnet mask with holes");
    a.lease_s = f->lease < LEASE_LEAST ? LEASE_LEAST : f->lease;
    bool times = f->t1 && f->t1 < f->t2 && f->t2 < a.lease_s;
    a.t1_s = times ? f->t1 : a.lease_s / 2;
    a.t2_s = times ? f->t2 : (uint32_t)((uint64_t)a.lease_s * 7 / 8);
    *ret = a;
    return 0;
}

int dhcp_decode(struct span s, uint32_t xid, struct mac mac, struct dhcp_answer *ret, struct err *e)
{
    struct reader r = reader_of(s);
    struct found f = {0};
    uint32_t kind = read_be32(&r), id = read_be32(&r);
    read_skip(&r, 8); /* secs, flags, ciaddr */
    uint32_t yiaddr = read_be32(&r);
    read_skip(&r, 8);
    struct span chaddr = read_span(&r, 16), sname = read_span(&r, 64), file = read_span(&r, 128);
    uint32_t cookie = read_be32(&r);
    if (r.bad || kind >> 8 != 0x020106 || cookie != COOKIE)
        return bad(e, "not a DHCP reply for Ethernet");
    if (id != xid || memcmp(chaddr.p, mac.b, 6) != 0)
        return bad(e, "for another machine or request");
    if (!take_area(&f, read_span(&r, reader_left(&r))) || (f.overload & 1 && !take_area(&f, file)) ||
        (f.overload & 2 && !take_area(&f, sname)))
        return bad(e, "an option reaches over its area's end");
    return build(&f, yiaddr, ret, e);
}

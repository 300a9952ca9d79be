#include "dhcpd/message.h"

#include <string.h>

#define COOKIE         0x63825363u
#define OP_REQUEST     1
#define OP_REPLY       2
#define HTYPE_ETHERNET 1
#define FLAG_BROADCAST 0x8000
#define HOPS_MAX       16
#define SIZE_MIN       576 /* the least that option 57 may say */
#define IP_UDP         28

/* Sub-options of 82. */
#define RELAY_LINK_SELECTION  5
#define RELAY_SERVER_OVERRIDE 11

static const struct {
    const char *name;
    bool from_client;
} types[MSG_TYPES] = {
    [0] = {"none", false},
    [MSG_DISCOVER] = {"discover", true},
    [MSG_OFFER] = {"offer", false},
    [MSG_REQUEST] = {"request", true},
    [MSG_DECLINE] = {"decline", true},
    [MSG_ACK] = {"ack", false},
    [MSG_NAK] = {"nak", false},
    [MSG_RELEASE] = {"release", true},
    [MSG_INFORM] = {"inform", true},
};

const char *message_type_name(enum message_type t)
{
    return types[t].name;
}

static bool good_mac(struct mac m)
{
    static const struct mac zero;
    return !(m.b[0] & 1) && !mac_eq(m, zero);
}

static struct ip4 read_ip4(struct reader *r)
{
    return (struct ip4){read_be32(r)};
}

/* The fixed part. Leaves the areas that may hold options. */
static enum drop parse_fixed(struct reader *r, struct request *q, struct span *ret_sname,
                             struct span *ret_file)
{
    uint8_t op = read_u8(r), htype = read_u8(r), hlen = read_u8(r);
    q->hops = read_u8(r);
    q->xid = read_be32(r);
    q->secs = read_be16(r);
    q->broadcast = read_be16(r) & FLAG_BROADCAST;
    q->ciaddr = read_ip4(r);
    read_skip(r, 8); /* yiaddr, siaddr: the server's to say */
    q->giaddr = read_ip4(r);
    read_bytes(r, q->mac.b, sizeof q->mac.b);
    read_skip(r, 10);
    *ret_sname = read_span(r, 64);
    *ret_file = read_span(r, 128);
    if (r->bad)
        return DROP_SHORT;
    if (op != OP_REQUEST)
        return DROP_NOT_REQUEST;
    if (htype != HTYPE_ETHERNET || hlen != 6 || !good_mac(q->mac))
        return DROP_NOT_ETHERNET;
    return q->hops > HOPS_MAX ? DROP_HOPS : DROP_NONE;
}

static void parse_relay_info(struct request *q)
{
    struct option_iter it = option_iter(q->options.value[OPT_RELAY_INFO], true);
    uint8_t code;
    struct span v;
    while (option_next(&it, &code, &v)) {
        struct reader r = reader_of(v);
        if (code == RELAY_LINK_SELECTION && v.n == 4)
            q->link_selection = read_ip4(&r);
        if (code == RELAY_SERVER_OVERRIDE && v.n == 4)
            q->server_override = read_ip4(&r);
    }
}

static void parse_options(struct request *q)
{
    const struct options *o = &q->options;
    uint16_t size = option_u16(o, OPT_MAX_SIZE, SIZE_MIN);
    q->reply_max = (size < SIZE_MIN ? SIZE_MIN : size) - IP_UDP;
    if (q->reply_max > MESSAGE_MAX)
        q->reply_max = MESSAGE_MAX;
    q->requested = option_ip4(o, OPT_REQUESTED);
    q->server_id = option_ip4(o, OPT_SERVER_ID);
    q->client = client_find(NULL, o);
    parse_relay_info(q);
    for (struct reader r = reader_of(o->value[OPT_PARAMETERS]); reader_left(&r);) {
        uint8_t code = read_u8(&r);
        q->listed[code / 64] |= UINT64_C(1) << (code % 64);
    }
}

bool message_peek(struct span bytes, struct mac *ret)
{
    struct reader r = reader_of(bytes);
    read_skip(&r, 28);
    read_bytes(&r, ret->b, sizeof ret->b);
    return !r.bad;
}

enum drop message_parse(struct span bytes, struct request *ret)
{
    struct reader r = reader_of(bytes);
    struct span sname, file;
    memset(ret, 0, sizeof *ret);
    enum drop d = parse_fixed(&r, ret, &sname, &file);
    if (d != DROP_NONE)
        return d;
    if (read_be32(&r) != COOKIE)
        return r.bad ? DROP_SHORT : DROP_BOOTP;
    if (options_decode(read_span(&r, reader_left(&r)), file, sname, &ret->options))
        return DROP_BAD_OPTIONS;
    if (!ret->options.has[OPT_TYPE])
        return DROP_BOOTP;
    uint8_t type = option_u8(&ret->options, OPT_TYPE, 0);
    if (type >= MSG_TYPES || !types[type].from_client)
        return DROP_BAD_TYPE;
    ret->type = type;
    parse_options(ret);
    return DROP_NONE;
}

bool request_lists(const struct request *q, uint8_t code)
{
    return q->listed[code / 64] >> (code % 64) & 1;
}

bool request_wants(const struct request *q, uint8_t code)
{
    return !q->options.has[OPT_PARAMETERS] || request_lists(q, code);
}

static void echo(const struct request *q, struct reply *p)
{
    static const uint8_t echoed[] = {OPT_CLIENT_ID, OPT_RELAY_INFO};
    for (size_t i = 0; i < sizeof echoed; i++)
        if (q->options.has[echoed[i]])
            option_put_lent(&p->options, echoed[i], q->options.value[echoed[i]]);
}

static void put_fixed(const struct request *q, const struct reply *p, struct writer *w)
{
    write_u8(w, OP_REPLY);
    write_u8(w, HTYPE_ETHERNET);
    write_u8(w, 6);
    write_u8(w, 0);
    write_be32(w, q->xid);
    write_be16(w, 0);
    write_be16(w, p->broadcast ? FLAG_BROADCAST : 0);
    write_be32(w, p->ciaddr.a);
    write_be32(w, p->yiaddr.a);
    write_be32(w, p->siaddr.a);
    write_be32(w, q->giaddr.a);
    write_span(w, span_of(q->mac.b, sizeof q->mac.b));
    write_zeros(w, 10 + 64);
    size_t n = strnlen(p->file, sizeof p->file - 1);
    write_span(w, span_of(p->file, n));
    write_zeros(w, sizeof p->file - n);
    write_be32(w, COOKIE);
}

/* `sname` and `file` hold options only of a reply that boots nothing: firmware reads them without asking what
 * they are. */
static int put_options(struct reply *p, uint8_t *buf, struct writer *w)
{
    bool boots = p->file[0] || p->siaddr.a;
    struct writer areas[OPTION_AREAS] = {
        [OPTION_MAIN] = writer_of(w->p, writer_left(w)),
        [OPTION_FILE] = writer_of(buf + 108, boots ? 0 : 128),
        [OPTION_SNAME] = writer_of(buf + 44, boots ? 0 : 64),
    };
    if (options_encode_over(&p->options, areas))
        return -1;
    w->p += writer_used(&areas[OPTION_MAIN]);
    return 0;
}

int message_encode(const struct request *q, struct reply *p, uint8_t *buf, size_t size, size_t *ret_n)
{
    struct writer w = writer_of(buf, size < q->reply_max ? size : q->reply_max);
    echo(q, p);
    put_fixed(q, p, &w);
    if (w.full || put_options(p, buf, &w))
        return -1;
    if (writer_used(&w) < MESSAGE_MIN)
        write_zeros(&w, MESSAGE_MIN - writer_used(&w));
    if (w.full)
        return -1;
    *ret_n = writer_used(&w);
    return 0;
}

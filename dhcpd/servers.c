#include "dhcpd/servers.h"

#define COOKIE   0x63825363u
#define OP_REPLY 2

bool servers_news(struct servers *s, struct ip4 id, int interface, int64_t at_ms)
{
    size_t slot = 0;
    for (size_t i = 0; i < SERVERS_MAX; i++) {
        if (ip4_eq(s->all[i].id, id) && s->all[i].interface == interface) {
            slot = i;
            break;
        }
        if (s->all[i].told_ms < s->all[slot].told_ms)
            slot = i;
    }
    bool same = ip4_eq(s->all[slot].id, id) && s->all[slot].interface == interface;
    int64_t ago = at_ms - s->all[slot].told_ms;
    if (same && ago >= 0 && ago < SERVERS_AGAIN_MS)
        return false;
    s->all[slot].id = id;
    s->all[slot].interface = interface;
    s->all[slot].told_ms = at_ms;
    return true;
}

bool servers_parse(struct span message, enum message_type *ret_type, struct ip4 *ret_id)
{
    struct reader r = reader_of(message);
    struct options o;
    uint8_t op = read_u8(&r);
    read_skip(&r, 43);
    struct span sname = read_span(&r, 64), file = read_span(&r, 128);
    if (read_be32(&r) != COOKIE || op != OP_REPLY ||
        options_decode(read_span(&r, reader_left(&r)), file, sname, &o))
        return false;
    uint8_t type = option_u8(&o, OPT_TYPE, 0);
    struct ip4 id = option_ip4(&o, OPT_SERVER_ID);
    if ((type != MSG_OFFER && type != MSG_ACK && type != MSG_NAK) || !id.a)
        return false;
    *ret_type = type;
    *ret_id = id;
    return true;
}

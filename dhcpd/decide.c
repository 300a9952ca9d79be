#include "dhcpd/decide.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "dhcpd/bootfile.h"
#include "dhcpd/networks.h"
#include "dhcpd/proxy.h"

#define PORT_SERVER 67
#define PORT_CLIENT 68

/* All that one decision looks at and fills. */
struct asking {
    const struct dhcpd_config *cfg;
    const struct request *q;
    const struct arrival *from;
    const struct place *p;
    const struct facts *f;
    struct decision *d;
    const struct dhcpd_subnet *s; /* that the reply is about */
};

static const struct ip4 everyone = {0xffffffff};
static const struct mac every_nic = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

/* Addresses
 * -----------------------------------------------------------------------------------------------------------
 */

struct ip4 decide_asked(const struct request *q)
{
    return q->requested.a ? q->requested : q->ciaddr;
}

bool decide_lease_free(const struct lease *l, struct mac mac, int64_t at_ms)
{
    if (!l || l->expires_ms <= at_ms)
        return true;
    if (l->state == LEASE_DECLINED)
        return false;
    bool live = l->state == LEASE_BOUND || l->state == LEASE_OFFERED;
    return !live || mac_eq(l->mac, mac);
}

static bool pool_gives(const struct asking *a, struct ip4 ip, struct address_fact x)
{
    return place_pool(a->p, a->from->link, a->f->device != NULL, ip) && !x.others &&
           decide_lease_free(x.lease, a->q->mac, a->f->at_ms);
}

/* The record of this client in this place: the lease of the address that it names, if it is its own, else
 * the one it has. */
static const struct address_fact *record(const struct asking *a)
{
    const struct address_fact *each[] = {&a->f->asked, &a->f->mine};
    for (size_t i = 0; i < 2; i++)
        if (each[i]->lease && mac_eq(each[i]->lease->mac, a->q->mac) &&
            place_subnet(a->p, each[i]->lease->address))
            return each[i];
    return NULL;
}

static bool keeps_own(const struct asking *a, struct ip4 *ret)
{
    const struct address_fact *r = record(a);
    if (!r || !pool_gives(a, r->lease->address, *r))
        return false;
    *ret = r->lease->address;
    return true;
}

static bool gets_asked(const struct asking *a, struct ip4 *ret)
{
    *ret = a->q->requested;
    return ret->a && pool_gives(a, *ret, a->f->asked);
}

static bool has_pool(const struct asking *a)
{
    size_t at;
    for (const struct dhcpd_subnet *s = place_next(a->p, &at, NULL); s; s = place_next(a->p, &at, s))
        if (s->pool_n && (a->f->device || s->unknown == UNKNOWN_DISCOVER))
            return true;
    return false;
}

bool decide_needs_free(const struct request *q, const struct arrival *from, const struct place *p,
                       const struct facts *f)
{
    struct asking a = {.q = q, .from = from, .p = p, .f = f};
    struct ip4 ip;
    return q->type == MSG_DISCOVER && !p->has_reserved && has_pool(&a) && !keeps_own(&a, &ip) &&
           !gets_asked(&a, &ip);
}

/* Nobody gets the address of the router or of this server, whatever the inventory says. */
static bool reserved_is_ours(const struct asking *a)
{
    const struct dhcpd_subnet *s = place_subnet(a->p, a->p->reserved);
    return links_have(a->from->link, a->p->reserved) || network_routes(a->p->networks, s, a->p->reserved);
}

/* The address to be offered; or why there is none. */
static enum drop choose(const struct asking *a, struct ip4 *ret)
{
    const struct lease *held = a->f->reserved.lease;
    if (a->p->has_reserved) {
        *ret = a->p->reserved;
        if (reserved_is_ours(a))
            return DROP_OURS;
        if (decide_lease_free(held, a->q->mac, a->f->at_ms))
            return DROP_NONE;
        return held->state == LEASE_DECLINED ? DROP_QUARANTINED : DROP_HELD;
    }
    if (!has_pool(a))
        return DROP_NO_POOL;
    if (keeps_own(a, ret) || gets_asked(a, ret))
        return DROP_NONE;
    *ret = a->f->free;
    return a->f->has_free ? DROP_NONE : DROP_POOL_FULL;
}

enum verdict { RIGHT, WRONG, UNRECORDED };

static enum verdict judge(const struct asking *a, struct ip4 ip)
{
    if (!place_subnet(a->p, ip))
        return WRONG;
    if (a->p->has_reserved)
        return ip4_eq(ip, a->p->reserved) && !reserved_is_ours(a) &&
                       decide_lease_free(a->f->reserved.lease, a->q->mac, a->f->at_ms)
                   ? RIGHT
                   : WRONG;
    const struct address_fact *r = record(a);
    if (!r)
        return UNRECORDED;
    return ip4_eq(r->lease->address, ip) && pool_gives(a, ip, *r) ? RIGHT : WRONG;
}

/* Leases
 * --------------------------------------------------------------------------------------------------------------
 */

static void put(struct decision *d, struct lease l)
{
    d->puts[d->puts_n++] = l;
}

static void put_over(struct asking *a, const struct lease *l, enum lease_state state, int64_t expires_ms)
{
    struct lease x = *l;
    x.state = state;
    x.expires_ms = expires_ms;
    put(a->d, x);
}

/* The client's own word, for an address list that a person reads: printable and short, or nothing. */
static void name_client(const struct asking *a, char *buf, size_t size)
{
    if (a->f->device) {
        str_copy(buf, size, a->f->device->name);
        return;
    }
    span_to_str(a->q->options.value[OPT_HOST_NAME], buf, size);
    for (char *c = buf; *c; c++)
        if (*c <= ' ' || *c > '~')
            *c = '?';
}

/* The subnet's, or less, if the client asks for less (RFC 2131, 4.3.1); not so little that it asks all the
 * time. */
static uint32_t lease_time(const struct asking *a)
{
    uint32_t most = a->s->lease_time ? a->s->lease_time : a->cfg->lease_time;
    struct reader r = reader_of(a->q->options.value[OPT_LEASE_TIME]);
    uint32_t asked = reader_left(&r) == 4 ? read_be32(&r) : most;
    return asked >= most ? most : asked < LEASE_MIN ? LEASE_MIN : asked;
}

static void put_bound(struct asking *a, struct ip4 ip)
{
    const struct lease *mine = a->f->mine.lease, *had = a->f->asked.lease;
    int64_t now = a->f->at_ms;
    struct lease l = {.address = ip, .mac = a->q->mac, .state = LEASE_BOUND, .since_ms = now};
    l.expires_ms = now + (int64_t)lease_time(a) * 1000;
    name_client(a, l.hostname, sizeof l.hostname);
    if (mine && !ip4_eq(mine->address, ip) && mine->state == LEASE_BOUND && mac_eq(mine->mac, l.mac))
        put_over(a, mine, LEASE_RELEASED, now); /* a NIC has one address */
    if (had && ip4_eq(had->address, ip) && had->state == LEASE_BOUND && mac_eq(had->mac, l.mac) &&
        had->expires_ms > now)
        l.since_ms = had->since_ms;
    put(a->d, l);
}

static void put_offered(struct asking *a, struct ip4 ip)
{
    const struct lease *mine = a->f->mine.lease;
    int64_t now = a->f->at_ms;
    if (a->p->has_reserved)
        return; /* nobody else can get it: there is nothing to remember */
    if (mine && ip4_eq(mine->address, ip) && mine->state == LEASE_BOUND && mine->expires_ms > now)
        return; /* it holds it already: an offer must not make less of that */
    put(a->d, (struct lease){.address = ip,
                             .mac = a->q->mac,
                             .state = LEASE_OFFERED,
                             .since_ms = now,
                             .expires_ms = now + OFFER_MS});
}

/* Replies
 * -------------------------------------------------------------------------------------------------------------
 */

/* Of the address that the reply is about. */
static bool router_of(const struct asking *a, const struct reply *r, struct ip4 *ret)
{
    return network_router(a->p->networks, a->s, r->yiaddr.a ? r->yiaddr : r->ciaddr, ret);
}

static void put_network(const struct asking *a, struct reply *r)
{
    const struct dhcpd_subnet *s = a->s;
    struct ip4 mask = prefix_mask(s->prefix.len), broadcast = prefix_broadcast(s->prefix), router;
    option_put_ip4s(&r->options, OPT_SUBNET_MASK, &mask, 1);
    if (router_of(a, r, &router) && request_wants(a->q, OPT_ROUTER))
        option_put_ip4s(&r->options, OPT_ROUTER, &router, 1);
    if (s->dns_n && request_wants(a->q, OPT_DNS))
        option_put_ip4s(&r->options, OPT_DNS, s->dns, s->dns_n);
    if (s->domain[0] && request_wants(a->q, OPT_DOMAIN))
        option_put_text(&r->options, OPT_DOMAIN, s->domain);
    if (request_wants(a->q, OPT_BROADCAST))
        option_put_ip4s(&r->options, OPT_BROADCAST, &broadcast, 1);
    if (a->f->device && request_wants(a->q, OPT_HOST_NAME))
        option_put_text(&r->options, OPT_HOST_NAME, a->f->device->name);
}

/* What the server says itself to a client that it boots, and nobody else does (clients.h). */
static bool is_boots(const struct asking *a, uint8_t code)
{
    bool boots = a->q->client->via != VIA_NOTHING;
    return boots && (code == OPT_VENDOR || code == OPT_VENDOR_CLASS || code == OPT_BOOTFILE);
}

static bool is_sent(const struct asking *a, const struct dhcp_option *o)
{
    const struct dhcp_row *row = dhcp_row(o->code);
    enum dhcp_when when = row ? row->when : DHCP_ASKED;
    if (is_boots(a, o->code))
        return false;
    if (o->always || when == DHCP_ALWAYS)
        return true;
    return when == DHCP_LISTED ? request_lists(a->q, o->code) : request_wants(a->q, o->code);
}

/* RFC 3442: who takes option 121 looks at no other route, so that the default one has to be in it; and who
 * asked for it need not be sent the others. */
static void put_default_route(const struct asking *a, struct reply *r, uint8_t code, struct ip4 router)
{
    const struct option_entry *routes = option_in(&r->options, code);
    uint8_t buf[DHCP_VALUE_MAX + 5];
    struct writer w = writer_of(buf, sizeof buf);
    if (!routes)
        return;
    if (router.a && !dhcp_routes_default(routes->value)) {
        write_span(&w, routes->value);
        write_u8(&w, 0);
        write_be32(&w, router.a);
        option_drop(&r->options, code);
        option_put(&r->options, code, span_of(buf, writer_used(&w)));
    }
    if (code == OPT_ROUTES && request_lists(a->q, code)) {
        option_drop(&r->options, OPT_ROUTER);
        option_drop(&r->options, OPT_STATIC_ROUTES);
    }
}

/* What a person configured, each option from the most specific place that has it. */
static void put_configured(const struct asking *a, struct reply *r)
{
    const struct span layers[DHCP_LAYERS] = {a->s->options, a->f->options[FACT_ROLE],
                                             a->f->options[FACT_SITE], a->f->options[FACT_DEVICE]};
    struct dhcp_merge m = dhcp_merge(layers);
    struct dhcp_option o;
    struct ip4 router = {0};
    size_t layer;
    router_of(a, r, &router);
    while (dhcp_merge_next(&m, &o, &layer)) {
        struct reader first = reader_of(o.value);
        if (o.code == OPT_HOST_NAME && a->f->device && layer != 1 + FACT_DEVICE)
            o.value = span_str(a->f->device->name); /* what many share names none of them */
        if (o.code == OPT_ROUTER)
            router.a = read_be32(&first);
        if (is_sent(a, &o))
            option_set(&r->options, o.code, o.value);
    }
    put_default_route(a, r, OPT_MS_ROUTES, router);
    put_default_route(a, r, OPT_ROUTES, router);
}

static void put_times(const struct asking *a, struct reply *r)
{
    uint32_t t = lease_time(a);
    option_put_u32(&r->options, OPT_LEASE_TIME, t);
    option_put_u32(&r->options, OPT_T1, t / 2);
    option_put_u32(&r->options, OPT_T2, (uint32_t)((uint64_t)t * 7 / 8));
}

static void reply_start(const struct asking *a, enum message_type type)
{
    struct reply *r = &a->d->reply;
    a->d->source = place_server(a->from->link, a->s);
    struct ip4 id = a->p->override.a ? a->p->override : a->d->source;
    *r = (struct reply){.type = type, .broadcast = a->q->broadcast};
    option_put_u8(&r->options, OPT_TYPE, (uint8_t)type);
    option_put_ip4s(&r->options, OPT_SERVER_ID, &id, 1);
    a->d->answers = true;
}

/* RFC 2131, 4.1. */
static void address_reply(const struct asking *a)
{
    const struct request *q = a->q;
    struct destination *to = &a->d->to;
    if (q->giaddr.a)
        *to = (struct destination){.how = SEND_SOCKET, .ip = q->giaddr, .port = PORT_SERVER};
    else if (a->d->reply.type == MSG_NAK)
        *to = (struct destination){.how = SEND_FRAME, .mac = every_nic, .ip = everyone, .port = PORT_CLIENT};
    else if (q->ciaddr.a && place_subnet(a->p, q->ciaddr)) /* no others: it may be forged */
        *to = (struct destination){.how = SEND_SOCKET, .ip = q->ciaddr, .port = PORT_CLIENT};
    else if (q->broadcast)
        *to = (struct destination){.how = SEND_FRAME, .mac = every_nic, .ip = everyone, .port = PORT_CLIENT};
    else
        *to = (struct destination){
            .how = SEND_FRAME, .mac = q->mac, .ip = a->d->reply.yiaddr, .port = PORT_CLIENT};
}

static void give(struct asking *a, enum message_type type, struct ip4 ip)
{
    struct reply *r = &a->d->reply;
    reply_start(a, type);
    r->yiaddr = ip;
    r->ciaddr = type == MSG_ACK ? a->q->ciaddr : (struct ip4){0};
    put_times(a, r);
    put_network(a, r);
    put_configured(a, r);
    bootfile_put(a->cfg, a->q, a->f, a->d->source, r);
    address_reply(a);
}

static void refuse(struct asking *a, const char *why)
{
    reply_start(a, MSG_NAK);
    if (a->q->giaddr.a)
        a->d->reply.broadcast = true; /* so that the relay does not send it to an address that is wrong */
    option_put_text(&a->d->reply.options, OPT_MESSAGE, why);
    address_reply(a);
}

/* Each message type
 * --------------------------------------------------------------------------------------------------- */

static enum drop on_discover(struct asking *a)
{
    struct ip4 ip;
    enum drop why = choose(a, &ip);
    if (why != DROP_NONE)
        return why;
    a->s = place_subnet(a->p, ip);
    put_offered(a, ip);
    give(a, MSG_OFFER, ip);
    return DROP_NONE;
}

static enum drop settle(struct asking *a, struct ip4 ip, enum verdict v)
{
    char text[64], ip_text[IP4_STR];
    if (v == UNRECORDED)
        return DROP_NO_RECORD;
    if (v == RIGHT) {
        a->s = place_subnet(a->p, ip);
        put_bound(a, ip);
        give(a, MSG_ACK, ip);
        return DROP_NONE;
    }
    snprintf(text, sizeof text, "%s is not yours here", ip4_format(ip, ip_text));
    refuse(a, text);
    return DROP_NONE;
}

static bool is_us(const struct asking *a, struct ip4 id)
{
    return links_have(a->from->link, id) || (a->p->override.a && ip4_eq(id, a->p->override));
}

static enum drop on_selecting(struct asking *a)
{
    struct ip4 ip = decide_asked(a->q);
    const struct lease *mine = a->f->mine.lease;
    a->d->state = "selecting";
    if (!is_us(a, a->q->server_id)) {
        if (mine && mine->state == LEASE_OFFERED)
            put_over(a, mine, LEASE_OFFERED, a->f->at_ms); /* our offer is free for others again */
        return DROP_OTHER_SERVER;
    }
    if (!ip.a)
        return DROP_BAD_STATE;
    /* A server that was started anew has lost its offers: the address is the client's if no one else has it.
     */
    enum verdict v = judge(a, ip);
    if (v != RIGHT && !a->p->has_reserved && pool_gives(a, ip, a->f->asked))
        v = RIGHT;
    return settle(a, ip, v == UNRECORDED ? WRONG : v);
}

static enum drop on_request(struct asking *a)
{
    const struct request *q = a->q;
    if (q->server_id.a)
        return on_selecting(a);
    if (q->requested.a && !q->ciaddr.a) {
        a->d->state = "init-reboot";
        return settle(a, q->requested, judge(a, q->requested));
    }
    if (!q->ciaddr.a)
        return DROP_BAD_STATE;
    a->d->state = a->from->unicast && !q->giaddr.a ? "renewing" : "rebinding";
    return settle(a, q->ciaddr, judge(a, q->ciaddr));
}

/* Only who holds an address may give it back or call it taken: else one machine could empty a pool. */
static const struct lease *held_by_asker(const struct asking *a, struct ip4 ip)
{
    const struct lease *l = a->f->asked.lease;
    bool live = l && (l->state == LEASE_BOUND || l->state == LEASE_OFFERED);
    return live && ip4_eq(l->address, ip) && mac_eq(l->mac, a->q->mac) ? l : NULL;
}

static enum drop on_release(struct asking *a)
{
    const struct lease *l = held_by_asker(a, decide_asked(a->q));
    if (a->q->server_id.a && !is_us(a, a->q->server_id))
        return DROP_OTHER_SERVER;
    if (!l)
        return DROP_NOT_ITS;
    put_over(a, l, LEASE_RELEASED, a->f->at_ms);
    return DROP_NONE;
}

static enum drop on_decline(struct asking *a)
{
    const struct lease *l = held_by_asker(a, decide_asked(a->q));
    if (a->q->server_id.a && !is_us(a, a->q->server_id))
        return DROP_OTHER_SERVER;
    if (!l)
        return DROP_NOT_ITS;
    if (a->f->disbelieved) {
        put_over(a, l, LEASE_RELEASED, a->f->at_ms);
        return DROP_DECLINES;
    }
    put_over(a, l, LEASE_DECLINED, a->f->at_ms + QUARANTINE_MS);
    return DROP_NONE;
}

static enum drop on_inform(struct asking *a)
{
    struct reply *r = &a->d->reply;
    if (!a->q->ciaddr.a)
        return DROP_NO_CIADDR;
    if (!place_subnet(a->p, a->q->ciaddr))
        return DROP_NO_SUBNET; /* else anyone could have us send to anyone */
    a->s = place_subnet(a->p, a->q->ciaddr);
    reply_start(a, MSG_ACK);
    r->ciaddr = a->q->ciaddr;
    put_network(a, r);
    put_configured(a, r);
    bootfile_put(a->cfg, a->q, a->f, a->d->source, r);
    a->d->to = (struct destination){.how = SEND_SOCKET, .ip = a->q->ciaddr, .port = PORT_CLIENT};
    return DROP_NONE;
}

static enum drop (*const handlers[MSG_TYPES])(struct asking *) = {
    [MSG_DISCOVER] = on_discover, [MSG_REQUEST] = on_request, [MSG_DECLINE] = on_decline,
    [MSG_RELEASE] = on_release,   [MSG_INFORM] = on_inform,
};

void decide(const struct dhcpd_config *cfg, const struct request *q, const struct arrival *from,
            const struct place *p, const struct facts *f, struct decision *ret)
{
    struct asking a = {.cfg = cfg, .q = q, .from = from, .p = p, .f = f, .d = ret, .s = p->on[0]};
    struct boot_request boot = {.unknown = place_unknown(p), .at_ms = f->at_ms};
    ret->drop = DROP_NONE;
    ret->answers = false;
    ret->puts_n = 0;
    ret->state = message_type_name(q->type);
    if (boot_decide(f->device, f->job, &boot).action == BOOT_IGNORE)
        ret->drop = f->device ? DROP_IGNORED : DROP_UNKNOWN;
    else
        ret->drop = cfg->proxy ? proxy_answer(cfg, q, from, p, f, ret) : handlers[q->type](&a);
}

static bool bound_to(const struct address_fact *x, struct ip4 ip, const struct request *q, int64_t at_ms)
{
    const struct lease *l = x->lease;
    return l && l->state == LEASE_BOUND && l->expires_ms > at_ms && ip4_eq(l->address, ip) &&
           mac_eq(l->mac, q->mac);
}

bool decide_needs_probe(const struct request *q, const struct place *p, const struct facts *f,
                        const struct decision *d)
{
    struct ip4 ip = d->reply.yiaddr;
    return d->drop == DROP_NONE && d->answers && d->reply.type == MSG_OFFER && ip.a && !p->has_reserved &&
           !q->giaddr.a && !bound_to(&f->mine, ip, q, f->at_ms) && !bound_to(&f->asked, ip, q, f->at_ms);
}

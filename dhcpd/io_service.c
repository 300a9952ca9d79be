#include "dhcpd/io_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "inventory/journal.h"

#define RECENT_SLOTS 4096
#define SAME_BOOT_MS                                                                                         \
    10000 /* one kind of client asks twice within a boot; a machine does not boot twice within this */
#define STRANGER_MS   30000
#define NOTES_MAX     512
#define STRANGERS_MAX 50 /* a second: a flood of invented addresses must not fill the store */
#define FULL_MS       1000

/* What was noted of a MAC address lately. A collision costs one more entry, never a missing one. */
struct recent {
    struct mac mac;
    enum client_kind kind;
    uint32_t xid;
    int64_t at_ms;
};

struct note {
    int64_t device_id; /* 0: a stranger */
    struct mac mac;
    struct ip4 address;
    enum client_kind kind;
    const char *event; /* of a device */
};

struct drop_count {
    uint64_t n, unlogged;
    int64_t logged_ms;
};

struct service {
    const struct dhcpd_config *cfg;
    struct store *store;
    struct leases *leases;
    bool puts; /* since the last commit */
    struct pool_state {
        uint32_t next;
        int64_t full_until_ms;
        bool said;
    } * pools; /* one a subnet */
    struct drop_count drops[DROP_COUNT];
    struct recent journalled[RECENT_SLOTS], strangers[RECENT_SLOTS];
    int64_t strangers_second;
    unsigned strangers_n;
    struct note notes[NOTES_MAX];
    size_t notes_n;
    struct probes *probes;
    struct notice *notice;
};

int service_open(const struct dhcpd_config *cfg, const char *state_dir, struct service **ret, struct err *e)
{
    struct service *s = xcalloc(1, sizeof *s);
    s->cfg = cfg;
    s->pools = xcalloc(cfg->subnets_n + 1, sizeof *s->pools);
    s->probes = probes_new(cfg->probe_ms);
    if (store_open(state_dir, &s->store, e) || leases_open(state_dir, true, &s->leases, e)) {
        service_close(s);
        return -1;
    }
    s->notice = notice_new(s->store);
    *ret = s;
    return 0;
}

void service_close(struct service *s)
{
    if (!s)
        return;
    for (int i = DROP_NONE; i < DROP_COUNT; i++)
        if (s->drops[i].n)
            log_info("dhcp-count reason=%s packets=%llu", drop_name(i), (unsigned long long)s->drops[i].n);
    notice_free(s->notice);
    probes_free(s->probes);
    leases_close(s->leases);
    store_close(s->store);
    free(s->pools);
    free(s);
}

/* Within the last span_ms; never, when the clock was set back behind it. */
static bool lately(int64_t then_ms, int64_t span_ms, int64_t at_ms)
{
    return then_ms && then_ms <= at_ms && at_ms - then_ms < span_ms;
}

void service_drop(struct service *s, enum drop why, const struct link *link, const struct mac *mac,
                  int64_t at_ms)
{
    struct drop_count *c = &s->drops[why];
    char text[MAC_STR] = "-";
    c->n++;
    notice_drop(s->notice, why, mac, at_ms);
    if (lately(c->logged_ms, 1000, at_ms)) {
        c->unlogged++;
        return;
    }
    if (mac)
        mac_format(*mac, text);
    log_info("dhcp-drop interface=%s mac=%s reason=%s why=\"%s\" more=%llu", link->name, text, drop_name(why),
             drop_sentence(why), (unsigned long long)c->unlogged);
    c->logged_ms = at_ms;
    c->unlogged = 0;
}

/* Records
 * -------------------------------------------------------------------------------------------------------------
 */

struct records {
    struct device device;
    struct job job;
    bool has_device, has_job;
};

static int records_find(struct service *s, struct mac mac, struct records *ret)
{
    struct err e = {0};
    ret->has_device = ret->has_job = false;
    if (device_by_mac(s->store, mac, &ret->device, &e) == 0) {
        ret->has_device = true;
        e.kind = ERR_NONE;
        ret->has_job = job_current(s->store, ret->device.id, &ret->job, &e) == 0;
    }
    if (e.kind == ERR_NONE || e.kind == ERR_NOT_FOUND)
        return 0;
    log_error("dhcp-store problem=\"%s\"", e.text);
    return -1;
}

/* An interface in the inventory that is not the asker's owns it. A store that cannot be read owns everything.
 */
static bool others_own(struct service *s, struct ip4 ip, struct mac mac)
{
    struct device d;
    struct err e = {0};
    if (device_by_address(s->store, ip, &d, &e))
        return e.kind != ERR_NOT_FOUND;
    const struct interface *i = device_interface(&d, mac);
    return !(i && i->has_address && ip4_eq(i->address.ip, ip));
}

static struct address_fact fact_of(struct service *s, const struct place *p, struct ip4 ip, struct mac mac)
{
    struct address_fact x = {0};
    if (!ip.a)
        return x;
    x.lease = lease_by_address(s->leases, ip);
    if (!p->has_reserved && place_subnet(p, ip))
        x.others = others_own(s, ip, mac);
    return x;
}

static bool pool_search(struct service *s, const struct arrival *from, const struct place *p,
                        const struct dhcpd_subnet *subnet, struct mac mac, int64_t at_ms, struct ip4 *ret)
{
    struct pool_state *state = &s->pools[subnet - s->cfg->subnets];
    uint32_t n = subnet_pool_size(subnet);
    /* Not the deadline alone: a clock that was set back must not keep a pool full for hours. */
    if (!n || (state->full_until_ms > at_ms && state->full_until_ms <= at_ms + FULL_MS))
        return false;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = (state->next + k) % n;
        struct ip4 ip = subnet_pool_at(subnet, i);
        if (!place_pool(p, from->link, true, ip) ||
            !decide_lease_free(lease_by_address(s->leases, ip), mac, at_ms) || others_own(s, ip, mac))
            continue;
        state->next = i + 1;
        if (state->said)
            notice_pool(s->notice, subnet->prefix, n, false, at_ms);
        state->said = false;
        *ret = ip;
        return true;
    }
    state->full_until_ms = at_ms + FULL_MS;
    if (!state->said)
        notice_pool(s->notice, subnet->prefix, n, true, at_ms);
    state->said = true;
    return false;
}

/* Of the first pool of this place that has one. */
static bool pool_take(struct service *s, const struct arrival *from, const struct place *p, bool known,
                      struct mac mac, int64_t at_ms, struct ip4 *ret)
{
    size_t at;
    for (const struct dhcpd_subnet *x = place_next(p, &at, NULL); x; x = place_next(p, &at, x))
        if ((known || x->unknown == UNKNOWN_DISCOVER) && pool_search(s, from, p, x, mac, at_ms, ret))
            return true;
    return false;
}

static void facts_find(struct service *s, const struct request *q, const struct arrival *from,
                       const struct place *p, const struct records *r, int64_t at_ms, struct facts *f)
{
    const struct lease *mine = lease_by_mac(s->leases, q->mac);
    *f = (struct facts){.at_ms = at_ms};
    f->device = r->has_device ? &r->device : NULL;
    f->job = r->has_job ? &r->job : NULL;
    if (mine)
        f->mine = fact_of(s, p, mine->address, q->mac);
    f->asked = fact_of(s, p, decide_asked(q), q->mac);
    if (p->has_reserved)
        f->reserved = fact_of(s, p, p->reserved, q->mac);
    bool may = r->has_device || place_unknown(p) == UNKNOWN_DISCOVER;
    if (may && decide_needs_free(q, from, p, f))
        f->has_free = pool_take(s, from, p, r->has_device, q->mac, at_ms, &f->free);
}

/* Notes
 * ---------------------------------------------------------------------------------------------------------------
 */

static struct recent *recent_slot(struct recent *table, struct mac mac, enum client_kind kind)
{
    uint64_t h = (mac_to_u64(mac) ^ ((uint64_t)kind << 48)) * 0x9e3779b97f4a7c15u;
    return &table[h >> 32 & (RECENT_SLOTS - 1)];
}

/* True the first time in `span_ms`; a repeated packet (one xid) never counts as another time. */
static bool is_news(struct recent *table, const struct request *q, int64_t span_ms, int64_t at_ms)
{
    struct recent *r = recent_slot(table, q->mac, q->kind);
    bool same = r->at_ms && mac_eq(r->mac, q->mac) && r->kind == q->kind;
    bool repeated = same && (r->xid == q->xid || lately(r->at_ms, span_ms, at_ms));
    if (!repeated)
        *r = (struct recent){.mac = q->mac, .kind = q->kind, .xid = q->xid, .at_ms = at_ms};
    return !repeated;
}

static void note_add(struct service *s, struct note n)
{
    if (s->notes_n < NOTES_MAX)
        s->notes[s->notes_n++] = n;
}

static void note_stranger(struct service *s, const struct request *q, struct ip4 address, int64_t at_ms)
{
    if (s->strangers_second != at_ms / 1000) {
        s->strangers_second = at_ms / 1000;
        s->strangers_n = 0;
    }
    if (s->strangers_n >= STRANGERS_MAX || !is_news(s->strangers, q, STRANGER_MS, at_ms))
        return;
    s->strangers_n++;
    note_add(s, (struct note){.mac = q->mac, .address = address, .kind = q->kind});
}

static bool job_live(const struct records *r)
{
    return r->has_job && (r->job.state == JOB_ARMED || r->job.state == JOB_CLAIMED);
}

/* A stranger is worth a note once it is settled what it gets; a device while something is to become of it. */
static void note(struct service *s, const struct request *q, const struct records *r,
                 const struct decision *d, int64_t at_ms)
{
    bool acked = d->answers && d->reply.type == MSG_ACK && d->reply.yiaddr.a;
    if (!r->has_device) {
        if (acked || d->drop != DROP_NONE)
            note_stranger(s, q, acked ? d->reply.yiaddr : (struct ip4){0}, at_ms);
        return;
    }
    struct note n = {.device_id = r->device.id, .mac = q->mac, .address = d->reply.yiaddr, .kind = q->kind};
    if (q->type == MSG_DECLINE && d->drop == DROP_NONE) {
        n.event = "address-declined";
        n.address = decide_asked(q);
        note_add(s, n);
    } else if (acked && !q->ciaddr.a && (job_live(r) || r->device.state != STATE_READY) &&
               is_news(s->journalled, q, SAME_BOOT_MS, at_ms)) {
        n.event = "address";
        note_add(s, n);
    }
}

static int note_write(struct service *s, const struct note *n, int64_t at_ms, struct err *e)
{
    const struct client_row *row = client_row(n->kind);
    char ip[IP4_STR], detail[160];
    ip4_format(n->address, ip);
    if (!n->device_id)
        return stranger_seen(s->store, n->mac, n->address, row->name, at_ms, e);
    if (strcmp(n->event, "address"))
        snprintf(detail, sizeof detail, "%s was declined: another machine uses it", ip);
    else if (row->via == VIA_SCRIPT)
        snprintf(detail, sizeof detail, "%s for its %s client, with the URL of its script", ip, row->name);
    else if (row->loader)
        snprintf(detail, sizeof detail, "%s for its %s client, with the loader %s", ip, row->name,
                 row->loader);
    else if (n->kind == CLIENT_OTHER)
        snprintf(detail, sizeof detail, "%s for the system that it runs", ip);
    else
        snprintf(detail, sizeof detail, "%s for its %s client", ip, row->name);
    return journal_add(s->store, n->device_id, &n->mac, "dhcpd", n->event, detail, at_ms, e);
}

void service_notes(struct service *s, int64_t at_ms)
{
    struct err e = {0};
    if (!s->notes_n)
        return;
    int r = store_begin(s->store, &e);
    for (size_t i = 0; i < s->notes_n && r == 0; i++)
        r = note_write(s, &s->notes[i], at_ms, &e);
    if (r == 0)
        r = store_commit(s->store, &e);
    if (r) {
        store_rollback(s->store);
        log_error("dhcp-journal lost=%zu problem=\"%s\"", s->notes_n, e.text);
    }
    s->notes_n = 0;
}

/* One packet
 * ----------------------------------------------------------------------------------------------------------
 */

static void log_decision(const struct request *q, const struct arrival *from, const struct records *r,
                         const struct decision *d)
{
    char mac[MAC_STR], ip[IP4_STR];
    bool loud = d->answers ? d->reply.type != MSG_OFFER && !q->ciaddr.a : true;
    mac_format(q->mac, mac);
    ip4_format(d->answers ? d->reply.yiaddr : decide_asked(q), ip);
    (loud ? log_info
          : log_debug)("dhcp-%s interface=%s mac=%s address=%s state=%s client=%s device=%s xid=%08x",
                       message_type_name(d->answers ? d->reply.type : q->type), from->link->name, mac, ip,
                       d->state, client_row(q->kind)->name, r->has_device ? r->device.name : "-", q->xid);
}

static enum drop keep_leases(struct service *s, const struct decision *d)
{
    struct err e = {0};
    for (size_t i = 0; i < d->puts_n; i++) {
        s->puts = true;
        if (lease_put(s->leases, &d->puts[i], &e)) {
            log_error("dhcp-lease problem=\"%s\"", e.text);
            return DROP_STORE;
        }
    }
    return DROP_NONE;
}

static enum drop answer(struct service *s, const struct request *q, const struct arrival *from,
                        struct span message, int64_t at_ms, struct answer *ret, bool *ret_answers)
{
    struct records r;
    struct place p;
    struct facts f;
    struct decision d;
    if (records_find(s, q->mac, &r))
        return DROP_STORE;
    enum drop why = place_find(s->cfg, from, q, r.has_device ? &r.device : NULL, &p);
    if (why != DROP_NONE)
        return why;
    facts_find(s, q, from, &p, &r, at_ms, &f);
    decide(s->cfg, q, from, &p, &f, &d);
    if (d.drop == DROP_NONE && d.answers &&
        message_encode(q, &d.reply, ret->bytes, sizeof ret->bytes, &ret->n))
        return DROP_TOO_BIG;
    bool held = decide_needs_probe(q, &p, &f, &d) &&
                !probe_clear(s->probes, from, message, q->mac, d.reply.yiaddr, at_ms);
    why = keep_leases(s, &d);
    if (why != DROP_NONE || held)
        return why;
    note(s, q, &r, &d, at_ms);
    if (d.drop == DROP_OTHER_SERVER)
        notice_server(s->notice, from->link, q->server_id, q->mac, true, true, at_ms);
    if (d.drop != DROP_NONE)
        return d.drop;
    log_decision(q, from, &r, &d);
    ret->link = from->link;
    ret->source = d.source;
    ret->to = d.to;
    *ret_answers = d.answers;
    return DROP_NONE;
}

bool service_handle(struct service *s, const struct arrival *from, struct span message, int64_t at_ms,
                    struct answer *ret)
{
    struct request q;
    bool answers = false, parsed;
    enum drop why = message_parse(message, &q);
    parsed = why == DROP_NONE;
    if (parsed)
        why = answer(s, &q, from, message, at_ms, ret, &answers);
    if (why != DROP_NONE)
        service_drop(s, why, from->link, parsed ? &q.mac : NULL, at_ms);
    else
        s->drops[DROP_NONE].n++;
    return answers;
}

int service_commit(struct service *s, size_t answers, int64_t at_ms)
{
    static const struct link no_link = {.name = "-"};
    struct err e = {0};
    if (!s->puts)
        return 0;
    s->puts = false;
    if (leases_commit(s->leases, &e) == 0)
        return 0;
    log_error("dhcp-commit answers=%zu problem=\"%s\"", answers, e.text);
    for (size_t i = 0; i < answers; i++)
        service_drop(s, DROP_STORE, &no_link, NULL, at_ms);
    s->notes_n = 0;
    return -1;
}

/* Asking the wire
 * -----------------------------------------------------------------------------------------------------
 */

struct probes *service_probes(struct service *s)
{
    return s->probes;
}

struct notice *service_notice(struct service *s)
{
    return s->notice;
}

/* As if the client had declined it: given to no one for a while, and after a kill of the server neither. */
static void quarantine(struct service *s, const struct probe *p, int64_t at_ms)
{
    struct decision d = {.puts_n = 1,
                         .puts = {{.address = p->ip,
                                   .mac = p->mac,
                                   .state = LEASE_DECLINED,
                                   .since_ms = at_ms,
                                   .expires_ms = at_ms + QUARANTINE_MS}}};
    keep_leases(s, &d);
}

void service_arp(struct service *s, const struct link *on, const struct arp *a, int64_t at_ms)
{
    const struct probe *p;
    char ip[IP4_STR], who[MAC_STR], mac[MAC_STR], detail[200];
    enum probe_claim claim = probe_heard(s->probes, on, a, at_ms, &p);
    if (claim == PROBE_NOTHING)
        return;
    ip4_format(p->ip, ip);
    mac_format(a->sender, who);
    mac_format(p->mac, mac);
    log_warn("dhcp-address-%s interface=%s address=%s by=%s for=%s",
             claim == PROBE_TAKEN ? "taken" : "disbelieved", on->name, ip, who, mac);
    if (claim == PROBE_TAKEN) {
        snprintf(detail, sizeof detail,
                 "%s was not offered: %s uses it; it is given to no one for %d minutes", ip, who,
                 QUARANTINE_MS / 60000);
        quarantine(s, p, at_ms);
    } else
        snprintf(detail, sizeof detail,
                 "%s answers ARP for many addresses of a pool: a router with proxy ARP? It is not believed",
                 who);
    notice_event(s->notice, claim == PROBE_TAKEN ? &p->mac : &a->sender,
                 claim == PROBE_TAKEN ? "address-taken" : "arp-answers", detail, at_ms);
}

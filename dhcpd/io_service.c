#include "dhcpd/io_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "dhcpd/belief.h"
#include "dhcpd/budget.h"
#include "dhcpd/io_loader.h"
#include "dhcpd/io_notes.h"
#include "dhcpd/io_options.h"
#include "dhcpd/io_records.h"
#include "dhcpd/io_scribe.h"

/* Lines about decisions: a rack that gets its power back fits, a flood of made-up packets does not. What
 * gives nobody an address has a smaller budget of its own. */
#define LOUD_MS     10000
#define LOUD_GIVEN  4000
#define LOUD_OTHERS 400

struct drop_count {
    uint64_t n, unlogged;
    int64_t logged_ms;
};

struct service {
    struct dhcpd_config cfg; /* a copy, with the inventory's prefixes */
    struct store *store;
    struct leases *leases;
    bool puts; /* since the last commit */
    struct drop_count drops[DROP_COUNT];
    struct budget given, others; /* lines of the log */
    uint64_t unechoed;           /* replies that had no room for option 82 (RFC 3046, 2.2) */
    struct lookup *lookup;
    struct option_sets *options;
    struct scribe *scribe; /* of what notes, loaders and notice want to have written */
    struct notes *notes;
    struct loaders *loaders;
    struct probes *probes;
    struct notice *notice;
    struct belief decliners;
};

int service_open(const struct dhcpd_config *cfg, const char *state_dir, struct service **ret, struct err *e)
{
    struct service *s = xcalloc(1, sizeof *s);
    s->cfg = *cfg;
    s->probes = probes_new(cfg->probe_ms);
    if (store_open(state_dir, &s->store, e) || leases_open(state_dir, true, &s->leases, e))
        goto fail;
    store_patience(s->store, STORE_PATIENCE_SERVER);
    store_frugal(s->store); /* the roster has what is asked for all the time */
    if (scribe_open(state_dir, &s->scribe, e))
        goto fail;
    s->notice = notice_new(s->store, s->scribe);
    s->notes = notes_new(s->scribe);
    s->loaders = loaders_new(&s->cfg, s->store, s->scribe);
    s->options = option_sets_new(s->store);
    if (lookup_new(&s->cfg, s->store, s->leases, s->notice, &s->lookup, e))
        goto fail;
    *ret = s;
    return 0;
fail:
    service_close(s);
    return -1;
}

void service_close(struct service *s)
{
    if (!s)
        return;
    for (int i = DROP_NONE; i < DROP_COUNT; i++)
        if (s->drops[i].n)
            log_info("dhcp-count reason=%s packets=%llu", drop_name(i), (unsigned long long)s->drops[i].n);
    if (s->unechoed)
        log_info("dhcp-count without-relay-info packets=%llu", (unsigned long long)s->unechoed);
    lookup_free(s->lookup);
    option_sets_free(s->options);
    notes_free(s->notes);
    loaders_free(s->loaders);
    notice_end(s->notice);
    scribe_close(s->scribe);
    notice_free(s->notice);
    probes_free(s->probes);
    leases_close(s->leases);
    store_close(s->store);
    free(s);
}

/* Within the last span_ms; never, when the clock was set back behind it. */
static bool lately(int64_t then_ms, int64_t span_ms, int64_t at_ms)
{
    return then_ms && then_ms <= at_ms && at_ms - then_ms < span_ms;
}

void service_drop(struct service *s, enum drop why, const struct link *link, const struct drop_origin *from,
                  int64_t at_ms)
{
    static const struct drop_origin unknown;
    struct drop_count *c = &s->drops[why];
    char mac[MAC_STR] = "-", text[DROP_TEXT];
    if (!from)
        from = &unknown;
    c->n++;
    notice_drop(s->notice, why, from, at_ms);
    if (lately(c->logged_ms, 1000, at_ms)) {
        c->unlogged++;
        return;
    }
    if (mac_to_u64(from->mac))
        mac_format(from->mac, mac);
    log_info("dhcp-drop interface=%s mac=%s reason=%s why=\"%s\" more=%llu", link->name, mac, drop_name(why),
             drop_text(why, from, text), (unsigned long long)c->unlogged);
    c->logged_ms = at_ms;
    c->unlogged = 0;
}

/* One packet
 * ----------------------------------------------------------------------------------------------------------
 */

static bool is_loud(struct service *s, const struct request *q, const struct arrival *from,
                    const struct decision *d, int64_t at_ms)
{
    bool by_proxy = from->pxe || (d->reply.type == MSG_OFFER && !d->reply.yiaddr.a);
    if (d->answers && !by_proxy && (d->reply.type == MSG_OFFER || q->ciaddr.a))
        return false;
    bool gives = d->answers && d->reply.type != MSG_NAK;
    enum budget_word word = gives ? budget_take(&s->given, LOUD_GIVEN, LOUD_MS, at_ms)
                                  : budget_take(&s->others, LOUD_OTHERS, LOUD_MS, at_ms);
    if (word == BUDGET_FIRST_OVER)
        log_warn("dhcp-quiet why=\"%d %s within %d s were logged: the rest of them is, at level debug\"",
                 gives ? LOUD_GIVEN : LOUD_OTHERS,
                 gives ? "answers" : "refusals and messages without an answer", LOUD_MS / 1000);
    return word == BUDGET_FITS;
}

static void fill_said(struct service *s, const struct request *q, const struct arrival *from,
                      const struct records *r, const struct decision *d, int64_t at_ms, struct said *ret)
{
    *ret = (struct said){.loud = is_loud(s, q, from, d, at_ms),
                         .type = d->answers ? d->reply.type : q->type,
                         .mac = q->mac,
                         .address = d->answers ? d->reply.yiaddr : decide_asked(q),
                         .state = d->state,
                         .client = q->client->name,
                         .xid = q->xid};
    str_copy(ret->device, sizeof ret->device, r->has_device ? r->device.name : "-");
}

static void log_said(const struct said *x, const struct link *on)
{
    char mac[MAC_STR], ip[IP4_STR];
    mac_format(x->mac, mac);
    ip4_format(x->address, ip);
    (x->loud ? log_info : log_debug)(
        "dhcp-%s interface=%s mac=%s address=%s state=%s client=%s device=%s xid=%08x",
        message_type_name(x->type), on->name, mac, ip, x->state, x->client, x->device, x->xid);
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

static void hear_decline(struct service *s, const struct request *q, bool known, int64_t at_ms)
{
    belief_add(&s->decliners, q->mac, at_ms);
    if (!known) /* a device's is in the notes */
        notice_decline(s->notice, q->mac, decide_asked(q), at_ms);
}

static enum drop answer(struct service *s, struct request *q, const struct arrival *from, struct span message,
                        int64_t at_ms, struct answer *ret, bool *ret_answers)
{
    struct records r;
    struct place p;
    struct facts f;
    struct decision d;
    if (records_find(s->lookup, q->mac, &r))
        return DROP_STORE;
    enum drop why = place_find(&s->cfg, from, q, r.has_device ? &r.device : NULL, &p);
    if (why != DROP_NONE)
        return why;
    facts_find(s->lookup, q, from, &p, &r, at_ms, &f);
    if (r.has_device && option_sets_find(s->options, &r.device, f.options))
        return DROP_STORE;
    f.disbelieved = q->type == MSG_DECLINE && belief_of(&s->decliners, q->mac, at_ms) >= BELIEF_MOST;
    if (loaders_choose(s->loaders, q, r.has_device ? r.device.id : 0, &f))
        return DROP_STORE;
    decide(&s->cfg, q, from, &p, &f, &d);
    if (d.drop == DROP_NONE && d.answers &&
        message_encode(q, &d.reply, ret->bytes, sizeof ret->bytes, &ret->n))
        return DROP_TOO_BIG;
    bool held = decide_needs_probe(q, &p, &f, &d) &&
                !probe_clear(s->probes, from, message, q->mac, d.reply.yiaddr, at_ms);
    why = keep_leases(s, &d);
    if (why != DROP_NONE || held)
        return why;
    notes_take(s->notes, q, &r, &f, &d, at_ms);
    if (d.drop == DROP_NONE && q->type == MSG_DECLINE)
        hear_decline(s, q, r.has_device, at_ms);
    if (d.drop == DROP_OTHER_SERVER)
        notice_server(s->notice, from->link, q->server_id, q->mac, true, true, at_ms);
    if (d.drop != DROP_NONE)
        return d.drop;
    fill_said(s, q, from, &r, &d, at_ms, &ret->said);
    s->unechoed +=
        d.answers && q->options.has[OPT_RELAY_INFO] && !option_in(&d.reply.options, OPT_RELAY_INFO);
    ret->link = from->link;
    ret->source = d.source;
    ret->to = d.to;
    ret->waits = d.answers && d.reply.type == MSG_ACK;
    *ret_answers = d.answers;
    if (!ret->waits)
        log_said(&ret->said, from->link);
    return DROP_NONE;
}

void service_begin(struct service *s)
{
    if (records_begin(s->lookup))
        option_sets_forget(s->options);
    s->cfg.networks = records_networks(s->lookup);
}

void service_expect(struct service *s, const struct mac *m, size_t n)
{
    records_expect(s->lookup, m, n);
}

static struct drop_origin origin_of(const struct request *q, enum drop why)
{
    bool by_relay = why == DROP_NO_SUBNET || why == DROP_RELAY;
    return (struct drop_origin){.mac = q->mac,
                                .giaddr = by_relay ? q->giaddr : (struct ip4){0},
                                .link_selection = by_relay ? q->link_selection : (struct ip4){0}};
}

bool service_handle(struct service *s, const struct arrival *from, struct span message, int64_t at_ms,
                    struct answer *ret)
{
    struct request q;
    bool answers = false, parsed;
    enum drop why = message_parse(message, &q);
    parsed = why == DROP_NONE;
    if (parsed && s->cfg.clients.n)
        q.client = client_find(&s->cfg.clients, &q.options);
    if (parsed)
        why = answer(s, &q, from, message, at_ms, ret, &answers);
    struct drop_origin origin = parsed ? origin_of(&q, why) : (struct drop_origin){0};
    if (why != DROP_NONE)
        service_drop(s, why, from->link, &origin, at_ms);
    else
        s->drops[DROP_NONE].n++;
    return answers;
}

/* Those that waited are told of as what they have become. */
static void tell(struct service *s, const struct answer *list, size_t n, bool leave, int64_t at_ms)
{
    for (size_t i = 0; i < n; i++) {
        struct drop_origin from = {.mac = list[i].said.mac};
        if (list[i].waits && leave)
            log_said(&list[i].said, list[i].link);
        else if (list[i].waits)
            service_drop(s, DROP_STORE, list[i].link, &from, at_ms);
    }
}

int service_commit(struct service *s, const struct answer *list, size_t n, int64_t at_ms)
{
    struct err e = {0};
    bool failed = s->puts && leases_commit(s->leases, &e);
    s->puts = false;
    if (failed) {
        log_error("dhcp-commit problem=\"%s\"", e.text);
        notes_forget(s->notes);
        loaders_forget(s->loaders);
    }
    tell(s, list, n, !failed, at_ms);
    return failed ? -1 : 0;
}

void service_notes(struct service *s, int64_t at_ms)
{
    notes_write(s->notes, at_ms);
    loaders_write(s->loaders, at_ms);
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
    bool taken = claim == PROBE_TAKEN;
    if (taken)
        snprintf(detail, sizeof detail,
                 "%s was not offered: %s uses it; it is given to no one for %d minutes", ip, who,
                 QUARANTINE_MS / 60000);
    else
        snprintf(detail, sizeof detail,
                 "%s answers ARP for many addresses of a pool: a router with proxy ARP? It is not believed",
                 who);
    if (notice_address(s->notice, taken ? &p->mac : &a->sender, taken ? "address-taken" : "arp-answers",
                       detail, at_ms))
        log_warn("dhcp-address-%s interface=%s address=%s by=%s for=%s", taken ? "taken" : "disbelieved",
                 on->name, ip, who, mac);
    if (taken)
        quarantine(s, p, at_ms);
}

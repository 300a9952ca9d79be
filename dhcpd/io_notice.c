#include "dhcpd/io_notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "dhcpd/budget.h"
#include "dhcpd/servers.h"
#include "dhcpd/tally.h"
#include "inventory/journal.h"
#include "inventory/silence.h"

#define EVENTS_MAX        64
#define HOUR_MS           (60 * 60 * 1000)
#define AGAIN_MS          HOUR_MS        /* a device's drops of one reason are journalled this far apart, */
#define STRANGER_AGAIN_MS (24 * HOUR_MS) /* a stranger's so far, */
#define STRANGERS_AN_HOUR 30             /* and no more than so many */
#define SERVERS_AN_HOUR   60             /* other servers, by whatever identifier */
#define ADDRESSES_AN_HOUR 120            /* addresses that are said to be somebody's */

struct event {
    struct mac mac;
    bool has_mac;
    const char *name;   /* NULL: not for the journal */
    struct prefix pool; /* whose fullness changed; length 0: none's */
    bool full;
    char detail[240];
    int64_t at_ms;
};

struct notice {
    struct scribe *scribe;
    struct servers servers;
    struct tally tally;
    struct event events[EVENTS_MAX];
    size_t events_n;
    bool ends;
    struct budget servers_told, addresses_told; /* the loop's */
    struct budget strangers;                    /* the scribe's */
};

struct notice *notice_new(struct store *store, struct scribe *scribe)
{
    struct notice *n = xcalloc(1, sizeof *n);
    struct err e = {0};
    n->scribe = scribe;
    if (silence_pools_forget(store, &e))
        log_error("dhcp-store problem=\"%s\"", e.text);
    return n;
}

void notice_free(struct notice *n)
{
    free(n);
}

void notice_drop(struct notice *n, enum drop why, const struct drop_origin *from, int64_t at_ms)
{
    tally_add(&n->tally, from, why, at_ms);
}

static struct event *add_event(struct notice *n, const struct mac *mac, const char *event, const char *detail,
                               int64_t at_ms)
{
    if (n->events_n == EVENTS_MAX) {
        log_warn("dhcp-journal lost=1 event=%s detail=\"%s\"", event ? event : "-", detail);
        return NULL;
    }
    struct event *x = &n->events[n->events_n++];
    *x = (struct event){.has_mac = mac != NULL, .name = event, .at_ms = at_ms};
    if (mac)
        x->mac = *mac;
    str_copy(x->detail, sizeof x->detail, detail);
    return x;
}

/* Of what anyone on the wire can make up so many are told in an hour. */
static bool fits(struct budget *b, unsigned most, const char *event, int64_t at_ms)
{
    enum budget_word word = budget_take(b, most, HOUR_MS, at_ms);
    if (word == BUDGET_FIRST_OVER)
        log_warn("dhcp-quiet event=%s why=\"%u of its kind were told in this hour: no more until the next\"",
                 event, most);
    return word == BUDGET_FITS;
}

bool notice_address(struct notice *n, const struct mac *mac, const char *event, const char *detail,
                    int64_t at_ms)
{
    return fits(&n->addresses_told, ADDRESSES_AN_HOUR, event, at_ms) &&
           add_event(n, mac, event, detail, at_ms);
}

void notice_pool(struct notice *n, struct prefix pool, uint32_t addresses, bool full, bool quiet,
                 int64_t at_ms)
{
    char text[PREFIX_STR], detail[120];
    prefix_format(pool, text);
    if (full && !quiet)
        log_warn("dhcp-pool-full subnet=%s addresses=%u", text, addresses);
    snprintf(detail, sizeof detail, "every address of the pool of %s is in use (%u)", text, addresses);
    struct event *x = add_event(n, NULL, full && !quiet ? "pool-full" : NULL, detail, at_ms);
    if (x) {
        x->pool = pool;
        x->full = full;
    }
}

void notice_decline(struct notice *n, struct mac mac, struct ip4 ip, int64_t at_ms)
{
    char text[IP4_STR], detail[80];
    snprintf(detail, sizeof detail, "%s was declined: another machine uses it", ip4_format(ip, text));
    notice_address(n, &mac, "address-declined", detail, at_ms);
}

void notice_server(struct notice *n, const struct link *on, struct ip4 id, struct mac mac, bool chosen,
                   bool alone, int64_t at_ms)
{
    char ip[IP4_STR], text[MAC_STR], detail[200];
    if (!servers_news(&n->servers, id, on->index, at_ms) ||
        !fits(&n->servers_told, SERVERS_AN_HOUR, "other-server", at_ms))
        return;
    ip4_format(id, ip);
    mac_format(mac, text);
    (alone ? log_warn : log_info)("dhcp-other-server server=%s interface=%s %s=%s", ip, on->name,
                                  chosen ? "chosen-by" : "mac", text);
    snprintf(detail, sizeof detail,
             chosen ? "another DHCP server answers on %s: %s, which this machine chose"
                    : "another DHCP server answers on %s: %s, by this machine",
             on->name, ip);
    add_event(n, &mac, "other-server", detail, at_ms);
}

/* Writing
 * -------------------------------------------------------------------------------------------------------------
 */

/* The device that has this MAC address; 0: none has it. */
static int device_of(struct store *s, struct mac mac, int64_t *ret_id, struct err *e)
{
    struct device d;
    struct err why = {0};
    *ret_id = 0;
    if (device_by_mac(s, mac, &d, &why) == 0) {
        *ret_id = d.id;
        return 0;
    }
    if (why.kind == ERR_NOT_FOUND)
        return 0;
    return err_set(e, why.kind, "%s", why.text);
}

static int write_event(struct store *s, const struct event *x, struct err *e)
{
    int64_t device = 0;
    if (x->pool.len && silence_pool(s, x->pool, x->full ? x->at_ms : 0, e))
        return -1;
    if (!x->name)
        return 0;
    if (x->has_mac && device_of(s, x->mac, &device, e))
        return -1;
    return journal_add(s, device, x->has_mac ? &x->mac : NULL, "dhcpd", x->name, x->detail, x->at_ms, e);
}

/* Silences that are as it should be, all day long. */
static bool is_expected(enum drop why)
{
    return why == DROP_NOT_BOOTING || why == DROP_NOT_PROXYS;
}

/* Anyone can make up addresses, and the journal is for ever: of strangers, and of what has no address at all,
 * it takes little. `why` and `drops` show all. */
static bool stranger_fits(struct notice *n, int64_t at_ms)
{
    return budget_take(&n->strangers, STRANGERS_AN_HOUR, HOUR_MS, at_ms) == BUDGET_FITS;
}

static int write_count(struct notice *n, struct store *s, const struct tally_row *row, struct err *e)
{
    struct silence x = {
        .mac = row->from.mac, .first_ms = row->first_ms, .last_ms = row->last_ms, .times = row->times};
    bool has_mac = mac_to_u64(x.mac) != 0;
    int64_t before_ms, device = 0;
    char detail[240];
    str_copy(x.reason, sizeof x.reason, drop_name(row->why));
    drop_text(row->why, &row->from, x.sentence);
    if (silence_add(s, &x, &before_ms, e) || (has_mac && device_of(s, x.mac, &device, e)))
        return -1;
    bool lately = before_ms && x.first_ms - before_ms < (device ? AGAIN_MS : STRANGER_AGAIN_MS);
    if (lately || is_expected(row->why) || (!device && !stranger_fits(n, x.first_ms)))
        return 0;
    snprintf(detail, sizeof detail, "%s: %s", x.reason, x.sentence);
    return journal_add(s, device, has_mac ? &x.mac : NULL, "dhcpd", "not-answered", detail, x.first_ms, e);
}

/* What the scribe is given at once. */
struct writing {
    struct notice *of;
    size_t events_n, counts_n;
    struct event events[EVENTS_MAX];
    struct tally_row counts[sizeof((struct tally *)0)->rows / sizeof(struct tally_row)];
};

static int write_all(struct store *s, void *job, struct err *e)
{
    struct writing *w = job;
    int r = 0;
    for (size_t i = 0; i < w->events_n && r == 0; i++)
        r = write_event(s, &w->events[i], e);
    for (size_t i = 0; i < w->counts_n && r == 0; i++)
        r = write_count(w->of, s, &w->counts[i], e);
    return r;
}

void notice_write(struct notice *n, int64_t at_ms)
{
    bool counts = tally_next_ms(&n->tally, at_ms) == 0 && (n->ends || !scribe_is_behind(n->scribe));
    if (!counts && !n->events_n)
        return;
    struct writing *w = xcalloc(1, sizeof *w);
    w->of = n;
    w->events_n = n->events_n;
    memcpy(w->events, n->events, n->events_n * sizeof *n->events);
    n->events_n = 0;
    if (counts) {
        w->counts_n = n->tally.n;
        memcpy(w->counts, n->tally.rows, n->tally.n * sizeof *n->tally.rows);
        tally_written(&n->tally, at_ms);
    }
    scribe_do(n->scribe, write_all, w, w->events_n + w->counts_n);
}

void notice_end(struct notice *n)
{
    if (!n)
        return;
    n->ends = true;
    n->tally.written_ms = 0; /* what was counted is due now */
    notice_write(n, now_ms());
}

int64_t notice_next_ms(const struct notice *n, int64_t at_ms)
{
    int64_t next = n->events_n ? 0 : tally_next_ms(&n->tally, at_ms);
    return next == 0 && !n->events_n && scribe_is_behind(n->scribe) ? TALLY_WRITE_MS : next;
}

#include "dhcpd/io_notice.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "dhcpd/servers.h"
#include "dhcpd/tally.h"
#include "inventory/journal.h"
#include "inventory/silence.h"

#define EVENTS_MAX        64
#define RETRY_MS          1000
#define HOUR_MS           (60 * 60 * 1000)
#define AGAIN_MS          HOUR_MS        /* a device's drops of one reason are journalled this far apart, */
#define STRANGER_AGAIN_MS (24 * HOUR_MS) /* a stranger's so far, */
#define STRANGERS_AN_HOUR 30             /* and no more than so many */

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
    struct store *store;
    struct servers servers;
    struct tally tally;
    struct event events[EVENTS_MAX];
    size_t events_n;
    int64_t again_ms; /* after a failure: not before */
    int64_t strangers_hour;
    unsigned strangers; /* journalled in it */
};

struct notice *notice_new(struct store *store)
{
    struct notice *n = xcalloc(1, sizeof *n);
    struct err e = {0};
    n->store = store;
    if (silence_pools_forget(store, &e))
        log_error("dhcp-store problem=\"%s\"", e.text);
    return n;
}

void notice_free(struct notice *n)
{
    if (!n)
        return;
    n->tally.written_ms = n->again_ms = 0; /* what was counted is due now */
    notice_write(n, now_ms());
    free(n);
}

void notice_drop(struct notice *n, enum drop why, const struct mac *mac, int64_t at_ms)
{
    tally_add(&n->tally, mac, why, at_ms);
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

void notice_event(struct notice *n, const struct mac *mac, const char *event, const char *detail,
                  int64_t at_ms)
{
    add_event(n, mac, event, detail, at_ms);
}

void notice_pool(struct notice *n, struct prefix pool, uint32_t addresses, bool full, int64_t at_ms)
{
    char text[PREFIX_STR], detail[120];
    prefix_format(pool, text);
    if (full)
        log_warn("dhcp-pool-full subnet=%s addresses=%u", text, addresses);
    snprintf(detail, sizeof detail, "every address of the pool of %s is in use (%u)", text, addresses);
    struct event *x = add_event(n, NULL, full ? "pool-full" : NULL, detail, at_ms);
    if (x) {
        x->pool = pool;
        x->full = full;
    }
}

void notice_decline(struct notice *n, struct mac mac, struct ip4 ip, int64_t at_ms)
{
    char text[IP4_STR], detail[80];
    snprintf(detail, sizeof detail, "%s was declined: another machine uses it", ip4_format(ip, text));
    notice_event(n, &mac, "address-declined", detail, at_ms);
}

void notice_server(struct notice *n, const struct link *on, struct ip4 id, struct mac mac, bool chosen,
                   bool alone, int64_t at_ms)
{
    char ip[IP4_STR], text[MAC_STR], detail[200];
    if (!servers_news(&n->servers, id, on->index, at_ms))
        return;
    ip4_format(id, ip);
    mac_format(mac, text);
    (alone ? log_warn : log_info)("dhcp-other-server server=%s interface=%s %s=%s", ip, on->name,
                                  chosen ? "chosen-by" : "mac", text);
    snprintf(detail, sizeof detail,
             chosen ? "another DHCP server answers on %s: %s, which this machine chose"
                    : "another DHCP server answers on %s: %s, by this machine",
             on->name, ip);
    notice_event(n, &mac, "other-server", detail, at_ms);
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
    if (n->strangers_hour != at_ms / HOUR_MS) {
        n->strangers_hour = at_ms / HOUR_MS;
        n->strangers = 0;
    }
    return n->strangers++ < STRANGERS_AN_HOUR;
}

static int write_count(struct notice *n, const struct tally_row *row, struct err *e)
{
    struct silence x = {
        .mac = row->mac, .first_ms = row->first_ms, .last_ms = row->last_ms, .times = row->times};
    bool has_mac = mac_to_u64(x.mac) != 0;
    int64_t before_ms, device = 0;
    char detail[200];
    str_copy(x.reason, sizeof x.reason, drop_name(row->why));
    str_copy(x.sentence, sizeof x.sentence, drop_sentence(row->why));
    if (silence_add(n->store, &x, &before_ms, e) || (has_mac && device_of(n->store, x.mac, &device, e)))
        return -1;
    bool lately = before_ms && x.first_ms - before_ms < (device ? AGAIN_MS : STRANGER_AGAIN_MS);
    if (lately || is_expected(row->why) || (!device && !stranger_fits(n, x.first_ms)))
        return 0;
    snprintf(detail, sizeof detail, "%s: %s", x.reason, x.sentence);
    return journal_add(n->store, device, has_mac ? &x.mac : NULL, "dhcpd", "not-answered", detail, x.first_ms,
                       e);
}

static int write_all(struct notice *n, bool counts, struct err *e)
{
    int r = store_begin(n->store, e);
    for (size_t i = 0; i < n->events_n && r == 0; i++)
        r = write_event(n->store, &n->events[i], e);
    for (size_t i = 0; i < n->tally.n && counts && r == 0; i++)
        r = write_count(n, &n->tally.rows[i], e);
    return r == 0 ? store_commit(n->store, e) : -1;
}

static bool is_put_off(const struct notice *n, int64_t at_ms)
{
    return n->again_ms > at_ms && n->again_ms <= at_ms + RETRY_MS;
}

/* A store that somebody else keeps busy is tried again later; both lists are bounded meanwhile. */
void notice_write(struct notice *n, int64_t at_ms)
{
    struct err e = {0};
    bool counts = tally_next_ms(&n->tally, at_ms) == 0;
    if ((!counts && !n->events_n) || is_put_off(n, at_ms))
        return;
    if (write_all(n, counts, &e)) {
        store_rollback(n->store);
        log_warn("dhcp-journal events=%zu counts=%zu problem=\"%s\" again=%dms", n->events_n, n->tally.n,
                 e.text, RETRY_MS);
        n->again_ms = at_ms + RETRY_MS;
        return;
    }
    n->events_n = 0;
    if (counts)
        tally_written(&n->tally, at_ms);
}

int64_t notice_next_ms(const struct notice *n, int64_t at_ms)
{
    int64_t next = n->events_n ? 0 : tally_next_ms(&n->tally, at_ms);
    return next >= 0 && is_put_off(n, at_ms) && next < n->again_ms - at_ms ? n->again_ms - at_ms : next;
}

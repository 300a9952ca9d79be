#include "dhcpd/io_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "dhcpd/budget.h"
#include "inventory/journal.h"

#define RECENT_SLOTS 4096
#define SAME_BOOT_MS                                                                                         \
    10000 /* one kind of client asks twice within a boot; a machine does not boot twice within this */
#define STRANGER_MS   30000
#define NOTES_MAX     2048 /* as many as a batch has answers */
#define STRANGERS_MAX 50   /* a second: a flood of invented addresses must not fill the store */
#define DECLINES_MAX  120  /* an hour: nor one of a device's address the journal */
#define DECLINES_MS   (60 * 60 * 1000)
#define REPEAT_MS     64000 /* how long a client goes on with one transaction (RFC 2131, 4.1) */

/* What was noted of a MAC address lately. A collision costs one more entry, never a missing one. */
struct recent {
    struct mac mac;
    const struct client_row *client;
    uint32_t xid;
    int64_t at_ms;
};

struct note {
    int64_t device_id; /* 0: a stranger */
    struct mac mac;
    struct ip4 address;
    const struct client_row *client;
    char loader[LOADER_SIZE]; /* that it was sent; "" none */
    const char *event;        /* of a device */
};

struct notes {
    struct scribe *scribe;
    struct recent journalled[RECENT_SLOTS], strangers[RECENT_SLOTS];
    struct budget strangers_told, declines_told;
    struct note list[NOTES_MAX];
    size_t list_n;
};

struct notes *notes_new(struct scribe *scribe)
{
    struct notes *n = xcalloc(1, sizeof *n);
    n->scribe = scribe;
    return n;
}

void notes_free(struct notes *n)
{
    free(n);
}

/* Within the last span_ms; never, when the clock was set back behind it. */
static bool lately(int64_t then_ms, int64_t span_ms, int64_t at_ms)
{
    return then_ms && then_ms <= at_ms && at_ms - then_ms < span_ms;
}

static struct recent *recent_slot(struct recent *table, struct mac mac, const struct client_row *client)
{
    uint64_t h = (mac_to_u64(mac) ^ (uint64_t)(uintptr_t)client << 20) * 0x9e3779b97f4a7c15u;
    return &table[h >> 32 & (RECENT_SLOTS - 1)];
}

/* True the first time in `span_ms`; a repeated packet (one xid) is no other time. Some firmware has one xid
 * for all its boots. */
static bool is_news(struct recent *table, const struct request *q, int64_t span_ms, int64_t at_ms)
{
    struct recent *r = recent_slot(table, q->mac, q->client);
    bool same = r->at_ms && mac_eq(r->mac, q->mac) && r->client == q->client;
    bool repeated = same && (lately(r->at_ms, span_ms, at_ms) ||
                             (r->xid == q->xid && lately(r->at_ms, REPEAT_MS, at_ms)));
    if (!repeated)
        *r = (struct recent){.mac = q->mac, .client = q->client, .xid = q->xid, .at_ms = at_ms};
    return !repeated;
}

static void add(struct notes *n, struct note x)
{
    if (n->list_n < NOTES_MAX)
        n->list[n->list_n++] = x;
}

static void note_stranger(struct notes *n, const struct request *q, struct ip4 address, int64_t at_ms)
{
    if (!budget_left(&n->strangers_told, STRANGERS_MAX, 1000, at_ms) ||
        !is_news(n->strangers, q, STRANGER_MS, at_ms))
        return;
    budget_take(&n->strangers_told, STRANGERS_MAX, 1000, at_ms);
    add(n, (struct note){.mac = q->mac, .address = address, .client = q->client});
}

static bool job_live(const struct records *r)
{
    return r->has_job && (r->job.state == JOB_ARMED || r->job.state == JOB_CLAIMED);
}

/* A stranger is worth a note once it is settled what it gets; a device while something is to become of it. */
void notes_take(struct notes *n, const struct request *q, const struct records *r, const struct facts *f,
                const struct decision *d, int64_t at_ms)
{
    bool acked = d->answers && d->reply.type == MSG_ACK && d->reply.yiaddr.a;
    bool by_proxy = d->answers && d->reply.type == MSG_OFFER && !d->reply.yiaddr.a; /* proxy.h */
    if (!r->has_device) {
        if (acked || by_proxy || d->drop != DROP_NONE)
            note_stranger(n, q, acked ? d->reply.yiaddr : (struct ip4){0}, at_ms);
        return;
    }
    struct note x = {
        .device_id = r->device.id, .mac = q->mac, .address = d->reply.yiaddr, .client = q->client};
    memcpy(x.loader, f->loader, sizeof x.loader);
    if (q->type == MSG_DECLINE && d->drop == DROP_NONE) {
        if (budget_take(&n->declines_told, DECLINES_MAX, DECLINES_MS, at_ms) != BUDGET_FITS)
            return;
        x.event = "address-declined";
        x.address = decide_asked(q);
        add(n, x);
    } else if ((acked || by_proxy) && !q->ciaddr.a && (job_live(r) || r->device.state != STATE_READY) &&
               is_news(n->journalled, q, SAME_BOOT_MS, at_ms)) {
        x.event = acked ? "address" : "boot-offer";
        add(n, x);
    }
}

static int write_one(struct store *s, const void *entry, int64_t at_ms, struct err *e)
{
    const struct note *x = entry;
    const struct client_row *row = x->client;
    char ip[IP4_STR], detail[240];
    ip4_format(x->address, ip);
    if (!x->device_id)
        return stranger_seen(s, x->mac, x->address, row->name, at_ms, e);
    if (strcmp(x->event, "address-declined") == 0)
        snprintf(detail, sizeof detail, "%s was declined: another machine uses it", ip);
    else if (strcmp(x->event, "boot-offer") == 0)
        snprintf(detail, sizeof detail, "its %s client was offered %s; another server gives the address",
                 row->name, row->via == VIA_SCRIPT ? "the URL of its script" : x->loader);
    else if (row->via == VIA_SCRIPT)
        snprintf(detail, sizeof detail, "%s for its %s client, with the URL of its script", ip, row->name);
    else if (x->loader[0])
        snprintf(detail, sizeof detail, "%s for its %s client, with the loader %s", ip, row->name, x->loader);
    else if (row == &client_other)
        snprintf(detail, sizeof detail, "%s for the system that it runs", ip);
    else
        snprintf(detail, sizeof detail, "%s for its %s client", ip, row->name);
    return journal_add(s, x->device_id, &x->mac, "dhcpd", x->event, detail, at_ms, e);
}

void notes_forget(struct notes *n)
{
    n->list_n = 0;
}

void notes_write(struct notes *n, int64_t at_ms)
{
    scribe_each(n->scribe, write_one, n->list, sizeof *n->list, n->list_n, at_ms);
    n->list_n = 0;
}

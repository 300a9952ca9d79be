#include "dhcpd/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "dhcpd/belief.h"

#define ASKS        2
#define FRESH_SLOTS 4096 /* a collision costs a probe more, never one less */

struct fresh {
    struct ip4 ip;
    int64_t at_ms;
};

struct probes {
    int64_t wait_ms;
    struct probe all[PROBES_MAX];
    size_t n;
    struct fresh fresh[FRESH_SLOTS];
    struct belief answerers;
};

struct probes *probes_new(uint32_t wait_ms)
{
    struct probes *p = xcalloc(1, sizeof *p);
    p->wait_ms = wait_ms;
    return p;
}

void probes_free(struct probes *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        free(p->all[i].message);
    free(p);
}

/* A clock that was set back counts as time that is up: nothing waits for hours. */
static bool passed(int64_t since_ms, int64_t span_ms, int64_t at_ms)
{
    return at_ms < since_ms || at_ms - since_ms >= span_ms;
}

static struct fresh *fresh_slot(struct probes *p, struct ip4 ip)
{
    return &p->fresh[ip.a & (FRESH_SLOTS - 1)];
}

static void set_message(struct probe *x, const struct arrival *from, struct span message)
{
    x->from = *from;
    x->message = xrealloc(x->message, message.n, 1);
    memcpy(x->message, message.p, message.n);
    x->n = message.n;
}

static struct probe *find(struct probes *p, struct ip4 ip)
{
    for (size_t i = 0; i < p->n; i++)
        if (!p->all[i].over && ip4_eq(p->all[i].ip, ip))
            return &p->all[i];
    return NULL;
}

bool probe_clear(struct probes *p, const struct arrival *from, struct span message, struct mac mac,
                 struct ip4 ip, int64_t at_ms)
{
    const struct fresh *f = fresh_slot(p, ip);
    if (!p->wait_ms || (ip4_eq(f->ip, ip) && !passed(f->at_ms, PROBE_FRESH_MS, at_ms)))
        return true;
    struct probe *x = find(p, ip);
    if (!x && p->n == PROBES_MAX)
        return true;
    if (!x) {
        x = &p->all[p->n++];
        *x = (struct probe){.ip = ip, .mac = mac, .began_ms = at_ms};
    }
    x->mac = mac;
    set_message(x, from, message);
    return false;
}

/* When the next question, or the end of silence, is due. */
static int64_t step_ms(const struct probes *p, const struct probe *x)
{
    return p->wait_ms * (int64_t)x->asked / ASKS;
}

const struct probe *probe_ask(struct probes *p, int64_t at_ms)
{
    for (size_t i = 0; i < p->n; i++) {
        struct probe *x = &p->all[i];
        if (x->over || x->asked == ASKS || !passed(x->began_ms, step_ms(p, x), at_ms))
            continue;
        x->asked++;
        return x;
    }
    return NULL;
}

static void silence_counts(struct probes *p, struct probe *x, int64_t at_ms)
{
    *fresh_slot(p, x->ip) = (struct fresh){.ip = x->ip, .at_ms = at_ms};
    x->over = true;
}

bool probe_take(struct probes *p, int64_t at_ms, struct probe *ret)
{
    for (size_t i = 0; i < p->n; i++) {
        struct probe *x = &p->all[i];
        if (!x->over && x->asked == ASKS && passed(x->began_ms, p->wait_ms, at_ms))
            silence_counts(p, x, at_ms);
        if (!x->over)
            continue;
        *ret = *x;
        memmove(x, x + 1, (p->n - i - 1) * sizeof *x); /* in the order in which they came */
        p->n--;
        return true;
    }
    return false;
}

int64_t probe_next_ms(const struct probes *p, int64_t at_ms)
{
    int64_t best = -1;
    for (size_t i = 0; i < p->n; i++) {
        const struct probe *x = &p->all[i];
        int64_t due =
            x->over || passed(x->began_ms, step_ms(p, x), at_ms) ? 0 : x->began_ms + step_ms(p, x) - at_ms;
        if (best < 0 || due < best)
            best = due;
    }
    return best;
}

/* RFC 5227, 2.1.1: who sends from the address, and who probes for it too, uses it or is about to. */
static bool is_about(const struct arp *a, struct ip4 ip)
{
    bool probes_too = a->op == ARP_REQUEST && a->sender_ip.a == 0;
    return ip4_eq(probes_too ? a->target_ip : a->sender_ip, ip);
}

enum probe_claim probe_heard(struct probes *p, const struct link *on, const struct arp *a, int64_t at_ms,
                             const struct probe **ret)
{
    struct probe *x = NULL;
    for (size_t i = 0; i < p->n && !x; i++)
        if (!p->all[i].over && p->all[i].asked && p->all[i].from.link == on && is_about(a, p->all[i].ip))
            x = &p->all[i];
    if (!x || mac_eq(a->sender, on->mac))
        return PROBE_NOTHING;
    *ret = x;
    if (mac_eq(a->sender, x->mac)) { /* it has the address already, and may have it */
        silence_counts(p, x, at_ms);
        return PROBE_NOTHING;
    }
    unsigned n = belief_add(&p->answerers, a->sender, at_ms);
    if (n > BELIEF_MOST)
        return n == BELIEF_MOST + 1 ? PROBE_UNBELIEVED : PROBE_NOTHING;
    x->over = true;
    return PROBE_TAKEN;
}

#include "dhcpd/io_records.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "dhcpd/networks.h"
#include "dhcpd/pool.h"
#include "inventory/roster.h"

/* A walk over a pool costs some 20 ns an address, a big one 70, and clients that come one by one can use up
 * what each finds. So the next one waits a millisecond for so many addresses: a hundredth of the time or two.
 * Who asks meanwhile finds the pool full, and asks again. */
#define WALK_PER_MS 256
#define WALK_MOST   10000            /* milliseconds */
#define FULL_MS     1000             /* and at least so long when it found none */
#define AGAIN_MS    (60 * 60 * 1000) /* so far apart is a pool that fills again and again told of */

struct lookup {
    const struct dhcpd_config *cfg;
    struct roster *roster;
    struct prefixes *prefixes;
    struct networks *networks; /* made of them */
    bool blind;                /* the inventory could not be read */
    unsigned walks;
    struct leases *leases;
    struct notice *notice;
    struct pool_state {
        struct pool pool; /* what is free, in the order in which it is given */
        int64_t walk_ms;  /* not before: the next walk */
        bool full;
        int64_t told_ms; /* when that was told of last */
    } * pools;           /* one a subnet */
};

static void make_networks(struct lookup *l)
{
    size_t n;
    const struct known_prefix *list = prefixes_list(l->prefixes, &n);
    networks_free(l->networks);
    l->networks = networks_new(l->cfg, list, n);
}

int lookup_new(const struct dhcpd_config *cfg, struct store *store, struct leases *leases,
               struct notice *notice, struct lookup **ret, struct err *e)
{
    struct lookup *l = xcalloc(1, sizeof *l);
    *l = (struct lookup){.cfg = cfg, .leases = leases, .notice = notice};
    l->pools = xcalloc(cfg->subnets_n + 1, sizeof *l->pools);
    if (roster_open(store, &l->roster, e) || prefixes_open(store, &l->prefixes, e)) {
        lookup_free(l);
        return -1;
    }
    make_networks(l);
    *ret = l;
    return 0;
}

void lookup_free(struct lookup *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->cfg->subnets_n; i++)
        pool_free(&l->pools[i].pool);
    networks_free(l->networks);
    prefixes_free(l->prefixes);
    roster_free(l->roster);
    free(l->pools);
    free(l);
}

bool records_begin(struct lookup *l)
{
    struct err e = {0};
    bool changed = false;
    l->blind = roster_refresh(l->roster, &e) != 0 || prefixes_refresh(l->prefixes, &changed, &e) != 0;
    if (changed)
        make_networks(l);
    if (l->blind)
        log_error("dhcp-store problem=\"%s\"", e.text);
    bool anew = roster_walks(l->roster) != l->walks;
    l->walks = roster_walks(l->roster);
    return anew;
}

const struct networks *records_networks(const struct lookup *l)
{
    return l->networks;
}

void records_expect(struct lookup *l, const struct mac *m, size_t n)
{
    roster_expect(l->roster, m, n);
    lease_expect(l->leases, m, n);
}

int records_find(const struct lookup *l, struct mac mac, struct records *ret)
{
    ret->has_job = false;
    ret->has_device = !l->blind && roster_find(l->roster, mac, &ret->device, &ret->job, &ret->has_job);
    return l->blind ? -1 : 0;
}

/* An interface in the inventory that is not the asker's owns it. */
static bool others_own(const struct lookup *l, struct ip4 ip, struct mac mac)
{
    struct mac owner;
    return roster_owner(l->roster, ip, &owner) && !mac_eq(owner, mac);
}

static struct address_fact fact_of(struct lookup *l, const struct place *p, struct ip4 ip, struct mac mac)
{
    struct address_fact x = {0};
    if (!ip.a)
        return x;
    x.lease = lease_by_address(l->leases, ip);
    if (!p->has_reserved && place_subnet(p, ip))
        x.others = others_own(l, ip, mac);
    return x;
}

static bool gives(struct lookup *l, const struct arrival *from, const struct place *p, struct ip4 ip,
                  struct mac mac, int64_t at_ms)
{
    return place_pool(p, from->link, true, ip) &&
           decide_lease_free(lease_by_address(l->leases, ip), mac, at_ms) && !others_own(l, ip, mac);
}

static void pool_becomes(struct lookup *l, const struct dhcpd_subnet *subnet, bool full, int64_t at_ms)
{
    struct pool_state *state = &l->pools[subnet - l->cfg->subnets];
    if (state->full == full)
        return;
    bool quiet = state->told_ms && state->told_ms <= at_ms && at_ms - state->told_ms < AGAIN_MS;
    notice_pool(l->notice, subnet->prefix, subnet_pool_size(subnet), full, quiet, at_ms);
    state->full = full;
    if (full && !quiet)
        state->told_ms = at_ms;
}

static void pool_make(struct lookup *l, struct pool *pool, const struct dhcpd_subnet *subnet, int64_t at_ms)
{
    static const struct mac nobody;
    pool_clear(pool);
    for (size_t i = 0; i < subnet->pool_n; i++) {
        struct dhcpd_range r = subnet->pool[i];
        for (uint32_t a = r.first.a; a - r.first.a <= r.last.a - r.first.a; a++) {
            const struct lease *x = lease_by_address(l->leases, (struct ip4){a});
            if (decide_lease_free(x, nobody, at_ms))
                pool_add(pool, (struct ip4){a}, x ? x->expires_ms : 0);
        }
    }
    pool_sort(pool);
}

/* False: it was walked only just now. */
static bool pool_walk(struct lookup *l, const struct dhcpd_subnet *subnet, int64_t at_ms)
{
    struct pool_state *state = &l->pools[subnet - l->cfg->subnets];
    /* Not the deadline alone: a clock that was set back must not keep a pool shut for hours. */
    if (state->walk_ms > at_ms && state->walk_ms <= at_ms + WALK_MOST)
        return false;
    uint32_t wait_ms = subnet_pool_size(subnet) / WALK_PER_MS;
    state->walk_ms = at_ms + (wait_ms < WALK_MOST ? wait_ms : WALK_MOST);
    pool_make(l, &state->pool, subnet, at_ms);
    return true;
}

static bool pool_search(struct lookup *l, const struct arrival *from, const struct place *p,
                        const struct dhcpd_subnet *subnet, struct mac mac, int64_t at_ms, struct ip4 *ret)
{
    bool walked = false;
    if (!subnet->pool_n) /* an inventory's prefix has no state either */
        return false;
    struct pool_state *state = &l->pools[subnet - l->cfg->subnets];
    do {
        while (pool_next(&state->pool, ret)) {
            if (!gives(l, from, p, *ret, mac, at_ms))
                continue;
            pool_becomes(l, subnet, false, at_ms);
            return true;
        }
    } while (!walked && (walked = pool_walk(l, subnet, at_ms)));
    if (!walked)
        return false;
    if (state->walk_ms < at_ms + FULL_MS)
        state->walk_ms = at_ms + FULL_MS;
    pool_becomes(l, subnet, true, at_ms);
    return false;
}

/* Of the first pool of this place that has one. */
static bool pool_take(struct lookup *l, const struct arrival *from, const struct place *p, bool known,
                      struct mac mac, int64_t at_ms, struct ip4 *ret)
{
    size_t at;
    for (const struct dhcpd_subnet *x = place_next(p, &at, NULL); x; x = place_next(p, &at, x))
        if ((known || x->unknown == UNKNOWN_DISCOVER) && pool_search(l, from, p, x, mac, at_ms, ret))
            return true;
    return false;
}

void facts_find(struct lookup *l, const struct request *q, const struct arrival *from, const struct place *p,
                const struct records *r, int64_t at_ms, struct facts *f)
{
    const struct lease *mine = lease_by_mac(l->leases, q->mac);
    *f = (struct facts){.at_ms = at_ms};
    f->device = r->has_device ? &r->device : NULL;
    f->job = r->has_job ? &r->job : NULL;
    if (mine)
        f->mine = fact_of(l, p, mine->address, q->mac);
    f->asked = fact_of(l, p, decide_asked(q), q->mac);
    if (p->has_reserved)
        f->reserved = fact_of(l, p, p->reserved, q->mac);
    bool may = r->has_device || place_unknown(p) == UNKNOWN_DISCOVER;
    if (may && decide_needs_free(q, from, p, f))
        f->has_free = pool_take(l, from, p, r->has_device, q->mac, at_ms, &f->free);
}

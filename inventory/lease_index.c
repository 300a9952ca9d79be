/* lease_index: two hash tables of chains over the same nodes. */
#include "inventory/lease_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/spread.h"

/* The links and the lease's keys share a cache line. A chain of MAC addresses can be taken out of anywhere: a
 * client that has every address of a pool once makes it as long as the pool. */
struct node {
    struct node *next_by_address, *next_by_mac;
    struct node **at_by_mac; /* what points to this one in its chain */
    struct lease lease;
};

struct change {
    struct lease before, after;
    bool existed;
};

struct lease_index {
    uint64_t odd;    /* of the hash */
    size_t n, slots; /* slots is a power of two */
    struct node **by_address, **by_mac;
    struct change *changes;
    size_t changes_n, changes_cap;
};

#define FIRST_SLOTS 1024

/* Of one MAC address so many leases are looked at, those that changed last. */
#define LOOKED_AT 64

static struct node **address_slot(const struct lease_index *x, struct ip4 a)
{
    return &x->by_address[spread(a.a, x->odd) & (x->slots - 1)];
}

static struct node **mac_slot(const struct lease_index *x, struct mac m)
{
    return &x->by_mac[spread(mac_to_u64(m), x->odd) & (x->slots - 1)];
}

struct lease_index *index_new(uint64_t seed)
{
    struct lease_index *x = xcalloc(1, sizeof *x);
    x->odd = seed | 1;
    x->slots = FIRST_SLOTS;
    x->by_address = xcalloc(x->slots, sizeof *x->by_address);
    x->by_mac = xcalloc(x->slots, sizeof *x->by_mac);
    return x;
}

void index_free(struct lease_index *x)
{
    if (!x) {
        return;
    }
    for (size_t i = 0; i < x->slots; i++) {
        for (struct node *n = x->by_address[i], *next; n; n = next) {
            next = n->next_by_address;
            free(n);
        }
    }
    free(x->by_address);
    free(x->by_mac);
    free(x->changes);
    free(x);
}

static void link_address(struct lease_index *x, struct node *n)
{
    struct node **slot = address_slot(x, n->lease.address);
    n->next_by_address = *slot;
    *slot = n;
}

static void link_mac(struct lease_index *x, struct node *n)
{
    struct node **slot = mac_slot(x, n->lease.mac);
    n->next_by_mac = *slot;
    n->at_by_mac = slot;
    if (*slot) {
        (*slot)->at_by_mac = &n->next_by_mac;
    }
    *slot = n;
}

static void unlink_address(struct lease_index *x, struct node *n)
{
    struct node **at = address_slot(x, n->lease.address);
    while (*at != n) {
        at = &(*at)->next_by_address;
    }
    *at = n->next_by_address;
}

static void unlink_mac(struct node *n)
{
    *n->at_by_mac = n->next_by_mac;
    if (n->next_by_mac) {
        n->next_by_mac->at_by_mac = n->at_by_mac;
    }
}

static void grow(struct lease_index *x)
{
    struct node **old = x->by_address;
    size_t old_slots = x->slots;
    free(x->by_mac);
    x->slots *= 2;
    x->by_address = xcalloc(x->slots, sizeof *x->by_address);
    x->by_mac = xcalloc(x->slots, sizeof *x->by_mac);
    for (size_t i = 0; i < old_slots; i++) {
        for (struct node *n = old[i], *next; n; n = next) {
            next = n->next_by_address;
            link_address(x, n);
            link_mac(x, n);
        }
    }
    free(old);
}

static struct node *find(const struct lease_index *x, struct ip4 a)
{
    struct node *n = *address_slot(x, a);
    while (n && !ip4_eq(n->lease.address, a)) {
        n = n->next_by_address;
    }
    return n;
}

static void insert(struct lease_index *x, const struct lease *l)
{
    struct node *n = xcalloc(1, sizeof *n);
    n->lease = *l;
    if (x->n == x->slots) {
        grow(x);
    }
    x->n++;
    link_address(x, n);
    link_mac(x, n);
}

static void replace(struct lease_index *x, struct node *n, const struct lease *l)
{
    unlink_mac(n);
    n->lease = *l;
    link_mac(x, n);
}

static void drop(struct lease_index *x, struct node *n)
{
    unlink_mac(n);
    unlink_address(x, n);
    free(n);
    x->n--;
}

void index_put(struct lease_index *x, const struct lease *l)
{
    struct lease copy = *l; /* it may be one that was lent */
    struct node *n = find(x, copy.address);
    if (x->changes_n == x->changes_cap) {
        x->changes_cap = x->changes_cap ? x->changes_cap * 2 : 64;
        x->changes = xrealloc(x->changes, x->changes_cap, sizeof *x->changes);
    }
    struct change *c = &x->changes[x->changes_n++];
    *c = (struct change){.existed = n != NULL, .before = n ? n->lease : copy, .after = copy};
    if (n) {
        replace(x, n, &copy);
    } else {
        insert(x, &copy);
    }
}

void index_keep(struct lease_index *x)
{
    x->changes_n = 0;
}

void index_take_back(struct lease_index *x)
{
    while (x->changes_n > 0) {
        const struct change *c = &x->changes[--x->changes_n];
        struct node *n = find(x, c->before.address);
        if (c->existed) {
            replace(x, n, &c->before);
        } else {
            drop(x, n);
        }
    }
}

size_t index_changes(const struct lease_index *x)
{
    return x->changes_n;
}

const struct lease *index_change_at(const struct lease_index *x, size_t i)
{
    return &x->changes[i].after;
}

static bool is_live(const struct lease *l)
{
    return l->state == LEASE_OFFERED || l->state == LEASE_BOUND;
}

static bool better(const struct lease *a, const struct lease *b)
{
    return is_live(a) != is_live(b) ? is_live(a) : a->since_ms > b->since_ms;
}

const struct lease *index_by_mac(const struct lease_index *x, struct mac m)
{
    const struct lease *best = NULL;
    size_t looked = 0;
    for (const struct node *n = *mac_slot(x, m); n && looked < LOOKED_AT; n = n->next_by_mac) {
        if (!mac_eq(n->lease.mac, m)) {
            continue;
        }
        looked++;
        if (!best || better(&n->lease, best)) {
            best = &n->lease;
        }
    }
    return best;
}

const struct lease *index_by_address(const struct lease_index *x, struct ip4 a)
{
    const struct node *n = find(x, a);
    return n ? &n->lease : NULL;
}

void index_expect(const struct lease_index *x, const struct mac *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(mac_slot(x, m[i]));
    }
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(*mac_slot(x, m[i]));
    }
    for (size_t i = 0; i < n; i++) {
        const struct node *first = *mac_slot(x, m[i]);
        if (first) {
            __builtin_prefetch(address_slot(x, first->lease.address));
        }
    }
}

static int compare_addresses(const void *a, const void *b)
{
    const struct lease *const *x = a, *const *y = b;
    return ((*x)->address.a > (*y)->address.a) - ((*x)->address.a < (*y)->address.a);
}

const struct lease **index_sorted(const struct lease_index *x, size_t *ret_n)
{
    const struct lease **all = xcalloc(x->n + 1, sizeof *all);
    size_t k = 0;
    for (size_t i = 0; i < x->slots; i++) {
        for (const struct node *n = x->by_address[i]; n; n = n->next_by_address) {
            all[k++] = &n->lease;
        }
    }
    qsort(all, k, sizeof *all, compare_addresses);
    *ret_n = k;
    return all;
}

/* roster_index: three hash tables of chains over cards, one card a device, one piece of memory a card. */
#include "inventory/roster_index.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/spread.h"

struct nic {
    struct mac mac;
    bool has_address, primary;
    struct ip4_if address;
    struct card *card;
    struct nic *next_by_mac, *next_by_address;
};

/* Behind the nics: their names, then the texts of the device and of the job, each with its NUL. */
struct card {
    int64_t id, options, role_options, site_options, job_id;
    struct card *next_by_id;
    uint8_t state, job_state, nics_n;
    bool has_job, protected;
    struct nic nics[];
};

struct text {
    size_t at, size;
};
#define TEXT(type, field)                                                                                    \
    {                                                                                                        \
        offsetof(type, field), sizeof((type *)0)->field                                                      \
    }
static const struct text device_texts[] = {
    TEXT(struct device, name),     TEXT(struct device, site),   TEXT(struct device, rack),
    TEXT(struct device, tenant),   TEXT(struct device, role),   TEXT(struct device, platform),
    TEXT(struct device, assigned), TEXT(struct device, reason),
};
static const struct text job_texts[] = {
    TEXT(struct job, image),
    TEXT(struct job, reason),
    TEXT(struct job, machine),
};
#define N(a) (sizeof(a) / sizeof *(a))

struct roster_index {
    size_t cards_n, nics_n, slots; /* slots is a power of two */
    struct card **by_id;
    struct nic **by_mac, **by_address;
};

#define FIRST_SLOTS 1024

/* ---- packing */

static size_t texts_size(const void *record, const struct text *t, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        size += strlen((const char *)record + t[i].at) + 1;
    }
    return size;
}

static char *pack_text(char *to, const char *s)
{
    return (char *)memcpy(to, s, strlen(s) + 1) + strlen(s) + 1;
}

static char *pack_texts(char *to, const void *record, const struct text *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to = pack_text(to, (const char *)record + t[i].at);
    }
    return to;
}

static const char *unpack_text(const char *from, char *to)
{
    size_t n = strlen(from) + 1;
    memcpy(to, from, n);
    return from + n;
}

static const char *unpack_texts(const char *from, void *record, const struct text *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        from = unpack_text(from, (char *)record + t[i].at);
    }
    return from;
}

static size_t card_size(const struct device *d, const struct job *job)
{
    size_t size = sizeof(struct card) + d->interfaces_n * sizeof(struct nic);
    for (size_t i = 0; i < d->interfaces_n; i++) {
        size += strlen(d->interfaces[i].name) + 1;
    }
    size += texts_size(d, device_texts, N(device_texts));
    return job ? size + texts_size(job, job_texts, N(job_texts)) : size;
}

static struct card *pack(const struct device *d, const struct job *job)
{
    struct card *c = xcalloc(1, card_size(d, job));
    c->id = d->id;
    c->state = (uint8_t)d->state;
    c->protected = d->protected;
    c->options = d->options;
    c->role_options = d->role_options;
    c->site_options = d->site_options;
    c->nics_n = (uint8_t)d->interfaces_n;
    char *to = (char *)&c->nics[c->nics_n];
    for (size_t i = 0; i < c->nics_n; i++) {
        const struct interface *f = &d->interfaces[i];
        c->nics[i] = (struct nic){.mac = f->mac,
                                  .has_address = f->has_address,
                                  .primary = f->primary,
                                  .address = f->address,
                                  .card = c};
        to = pack_text(to, f->name);
    }
    to = pack_texts(to, d, device_texts, N(device_texts));
    if (job) {
        c->has_job = true;
        c->job_id = job->id;
        c->job_state = (uint8_t)job->state;
        pack_texts(to, job, job_texts, N(job_texts));
    }
    return c;
}

static void unpack(const struct card *c, struct device *d, struct job *job, bool *ret_has_job)
{
    const char *from = (const char *)&c->nics[c->nics_n];
    memset(d, 0, offsetof(struct device, interfaces) + c->nics_n * sizeof *d->interfaces);
    d->id = c->id;
    d->state = c->state;
    d->protected = c->protected;
    d->options = c->options;
    d->role_options = c->role_options;
    d->site_options = c->site_options;
    d->interfaces_n = c->nics_n;
    for (size_t i = 0; i < c->nics_n; i++) {
        const struct nic *n = &c->nics[i];
        struct interface *f = &d->interfaces[i];
        f->mac = n->mac;
        f->has_address = n->has_address;
        f->primary = n->primary;
        f->address = n->address;
        from = unpack_text(from, f->name);
    }
    from = unpack_texts(from, d, device_texts, N(device_texts));
    *ret_has_job = c->has_job;
    if (c->has_job) {
        memset(job, 0, sizeof *job);
        job->id = c->job_id;
        job->device_id = c->id;
        job->state = c->job_state;
        job->expires_ms = INT64_MAX; /* roster.h */
        memcpy(job->device, d->name, sizeof job->device);
        unpack_texts(from, job, job_texts, N(job_texts));
    }
}

/* ---- the tables */

static struct card **id_slot(const struct roster_index *x, int64_t id)
{
    return &x->by_id[spread((uint64_t)id, SPREAD_ODD) & (x->slots - 1)];
}

static struct nic **mac_slot(const struct roster_index *x, struct mac m)
{
    return &x->by_mac[spread(mac_to_u64(m), SPREAD_ODD) & (x->slots - 1)];
}

static struct nic **address_slot(const struct roster_index *x, struct ip4 a)
{
    return &x->by_address[spread(a.a, SPREAD_ODD) & (x->slots - 1)];
}

static void make_tables(struct roster_index *x, size_t slots)
{
    x->slots = slots;
    x->by_id = xcalloc(slots, sizeof *x->by_id);
    x->by_mac = xcalloc(slots, sizeof *x->by_mac);
    x->by_address = xcalloc(slots, sizeof *x->by_address);
}

static void link_card(struct roster_index *x, struct card *c)
{
    struct card **slot = id_slot(x, c->id);
    c->next_by_id = *slot;
    *slot = c;
    for (size_t i = 0; i < c->nics_n; i++) {
        struct nic *n = &c->nics[i], **at = mac_slot(x, n->mac);
        n->next_by_mac = *at;
        *at = n;
        if (n->has_address) {
            at = address_slot(x, n->address.ip);
            n->next_by_address = *at;
            *at = n;
        }
    }
}

static void unlink_nic(struct roster_index *x, struct nic *n)
{
    struct nic **at = mac_slot(x, n->mac);
    while (*at != n) {
        at = &(*at)->next_by_mac;
    }
    *at = n->next_by_mac;
    if (!n->has_address) {
        return;
    }
    at = address_slot(x, n->address.ip);
    while (*at != n) {
        at = &(*at)->next_by_address;
    }
    *at = n->next_by_address;
}

static void grow(struct roster_index *x)
{
    struct card **old = x->by_id;
    size_t old_slots = x->slots;
    free(x->by_mac);
    free(x->by_address);
    make_tables(x, old_slots * 2);
    for (size_t i = 0; i < old_slots; i++) {
        for (struct card *c = old[i], *next; c; c = next) {
            next = c->next_by_id;
            link_card(x, c);
        }
    }
    free(old);
}

struct roster_index *roster_index_new(void)
{
    struct roster_index *x = xcalloc(1, sizeof *x);
    make_tables(x, FIRST_SLOTS);
    return x;
}

void roster_index_free(struct roster_index *x)
{
    if (!x) {
        return;
    }
    for (size_t i = 0; i < x->slots; i++) {
        for (struct card *c = x->by_id[i], *next; c; c = next) {
            next = c->next_by_id;
            free(c);
        }
    }
    free(x->by_id);
    free(x->by_mac);
    free(x->by_address);
    free(x);
}

void roster_index_drop(struct roster_index *x, int64_t id)
{
    struct card **at = id_slot(x, id), *c;
    while (*at && (*at)->id != id) {
        at = &(*at)->next_by_id;
    }
    if (!(c = *at)) {
        return;
    }
    *at = c->next_by_id;
    for (size_t i = 0; i < c->nics_n; i++) {
        unlink_nic(x, &c->nics[i]);
    }
    x->cards_n--;
    x->nics_n -= c->nics_n;
    free(c);
}

void roster_index_put(struct roster_index *x, const struct device *d, const struct job *job)
{
    roster_index_drop(x, d->id);
    if (x->cards_n + 1 > x->slots || x->nics_n + d->interfaces_n > x->slots) {
        grow(x);
    }
    x->cards_n++;
    x->nics_n += d->interfaces_n;
    link_card(x, pack(d, job));
}

bool roster_index_find(const struct roster_index *x, struct mac m, struct device *ret, struct job *ret_job,
                       bool *ret_has_job)
{
    for (const struct nic *n = *mac_slot(x, m); n; n = n->next_by_mac) {
        if (mac_eq(n->mac, m)) {
            unpack(n->card, ret, ret_job, ret_has_job);
            return true;
        }
    }
    return false;
}

/* The card is around its nic. A wrong address is no harm: a hint is not followed. */
static void expect_card(const struct nic *n)
{
    for (int line = -1; line <= 1; line++) {
        __builtin_prefetch((const char *)n + line * 64);
    }
}

void roster_index_expect(const struct roster_index *x, const struct mac *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(mac_slot(x, m[i]));
    }
    for (size_t i = 0; i < n; i++) {
        const struct nic *first = *mac_slot(x, m[i]);
        if (first) {
            expect_card(first);
        }
    }
}

bool roster_index_owner(const struct roster_index *x, struct ip4 a, struct mac *ret)
{
    for (const struct nic *n = *address_slot(x, a); n; n = n->next_by_address) {
        if (ip4_eq(n->address.ip, a)) {
            *ret = n->mac;
            return true;
        }
    }
    return false;
}

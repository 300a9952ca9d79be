#include "tftpd/places.h"

#include <stdlib.h>

#include "base/str.h"

#define BUCKETS 1024

/* From the one silent longest to the one heard last. */
struct list {
    struct place *first, *last;
};

struct places_host {
    struct places_host *chain;
    struct ip4 ip;
    size_t n;
    struct list list;
};

struct places {
    size_t n;
    struct list fresh, answered; /* of all hosts: never answered; answered */
    struct place *by_peer[BUCKETS];
    struct places_host *by_ip[BUCKETS];
};

/* One code for the two lists that a place is in. */
typedef struct places_links *links_fn(struct place *);
static struct places_links *of_all(struct place *p)
{
    return &p->of_all;
}
static struct places_links *of_host(struct place *p)
{
    return &p->of_host;
}

static void append(struct list *l, struct place *p, links_fn *links)
{
    *links(p) = (struct places_links){.prev = l->last};
    if (l->last)
        links(l->last)->next = p;
    else
        l->first = p;
    l->last = p;
}

static void take_out(struct list *l, struct place *p, links_fn *links)
{
    struct places_links *at = links(p);
    if (at->prev)
        links(at->prev)->next = at->next;
    else
        l->first = at->next;
    if (at->next)
        links(at->next)->prev = at->prev;
    else
        l->last = at->prev;
}

static struct place **peer_bucket(struct places *s, struct ip4 ip, uint16_t port)
{
    return &s->by_peer[((ip.a ^ (uint32_t)port << 13) * 2654435761u) >> 22];
}

static struct places_host **host_bucket(struct places *s, struct ip4 ip)
{
    return &s->by_ip[(ip.a * 2654435761u) >> 22];
}

static struct places_host *find_host(struct places *s, struct ip4 ip)
{
    struct places_host *h = *host_bucket(s, ip);
    while (h && !ip4_eq(h->ip, ip))
        h = h->chain;
    return h;
}

static struct places_host *make_host(struct places *s, struct ip4 ip)
{
    struct places_host *h = find_host(s, ip), **bucket = host_bucket(s, ip);
    if (h)
        return h;
    h = xcalloc(1, sizeof *h);
    *h = (struct places_host){.chain = *bucket, .ip = ip};
    return *bucket = h;
}

static void drop_host(struct places *s, struct places_host *h)
{
    struct places_host **at = host_bucket(s, h->ip);
    while (*at != h)
        at = &(*at)->chain;
    *at = h->chain;
    free(h);
}

struct places *places_new(void)
{
    return xcalloc(1, sizeof(struct places));
}

void places_free(struct places *s)
{
    free(s);
}

size_t places_count(const struct places *s)
{
    return s->n;
}

struct place *places_find(struct places *s, struct ip4 ip, uint16_t port)
{
    struct place *p = *peer_bucket(s, ip, port);
    while (p && !(ip4_eq(p->ip, ip) && p->port == port))
        p = p->chain;
    return p;
}

static bool may_go(const struct place *p, uint64_t silent_us, uint64_t now_us)
{
    return p && now_us >= p->heard_us + silent_us;
}

bool places_room(struct places *s, struct ip4 ip, uint64_t now_us, struct place **ret_victim)
{
    const struct places_host *h = find_host(s, ip);
    *ret_victim = NULL;
    if (h && h->n >= PLACES_HOST) {
        if (may_go(h->list.first, PLACES_HOST_US, now_us))
            *ret_victim = h->list.first;
        return *ret_victim != NULL;
    }
    if (s->n < PLACES_MAX)
        return true;
    if (s->fresh.first)
        *ret_victim = s->fresh.first;
    else if (may_go(s->answered.first, PLACES_IDLE_US, now_us))
        *ret_victim = s->answered.first;
    return *ret_victim != NULL;
}

void places_add(struct places *s, struct place *p, struct ip4 ip, uint16_t port, uint64_t now_us)
{
    struct place **bucket = peer_bucket(s, ip, port);
    *p = (struct place){
        .ip = ip, .port = port, .heard_us = now_us, .chain = *bucket, .host = make_host(s, ip)};
    *bucket = p;
    append(&s->fresh, p, of_all);
    append(&p->host->list, p, of_host);
    p->host->n++;
    s->n++;
}

void places_heard(struct places *s, struct place *p, uint64_t now_us)
{
    if (p->answered && now_us <= p->heard_us)
        return;
    take_out(p->answered ? &s->answered : &s->fresh, p, of_all);
    take_out(&p->host->list, p, of_host);
    p->answered = true;
    p->heard_us = now_us;
    append(&s->answered, p, of_all);
    append(&p->host->list, p, of_host);
}

void places_remove(struct places *s, struct place *p)
{
    struct place **at = peer_bucket(s, p->ip, p->port);
    while (*at != p)
        at = &(*at)->chain;
    *at = p->chain;
    take_out(p->answered ? &s->answered : &s->fresh, p, of_all);
    take_out(&p->host->list, p, of_host);
    if (--p->host->n == 0)
        drop_host(s, p->host);
    s->n--;
}

struct place *places_any(struct places *s)
{
    return s->fresh.first ? s->fresh.first : s->answered.first;
}

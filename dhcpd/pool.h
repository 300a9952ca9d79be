/* pool: in which order the free addresses of a pool are given: those that nobody ever had, then the one whose
 * lease ended first. A machine that was away finds its address free for as long as can be. Pure.
 *
 * The order is made at once for the whole pool and used up bit by bit; what ends meanwhile ends after all
 * that is in it, so nothing is overtaken. An address may be taken again before its turn: the caller looks
 * once more at each that comes out. */
#ifndef DHCPD_POOL_H
#define DHCPD_POOL_H

#include "base/addr.h"

struct pool_entry {
    int64_t ended_ms; /* 0: nobody ever had it */
    struct ip4 ip;
};

struct pool {
    struct pool_entry *all;
    size_t n, cap, next;
};

/* To make it anew: pool_clear, pool_add for each address that is free now, pool_sort. */
void pool_clear(struct pool *p);
void pool_add(struct pool *p, struct ip4 ip, int64_t ended_ms);
void pool_sort(struct pool *p);
bool pool_next(struct pool *p, struct ip4 *ret); /* false: used up */
void pool_free(struct pool *p);

#endif

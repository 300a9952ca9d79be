#include "dhcpd/pool.h"

#include <stdlib.h>

#include "base/str.h"

void pool_clear(struct pool *p)
{
    p->n = p->next = 0;
}

void pool_add(struct pool *p, struct ip4 ip, int64_t ended_ms)
{
    if (p->n == p->cap)
        p->all = xrealloc(p->all, p->cap = p->cap ? 2 * p->cap : 256, sizeof *p->all);
    p->all[p->n++] = (struct pool_entry){.ended_ms = ended_ms, .ip = ip};
}

static int compare(const void *a, const void *b)
{
    const struct pool_entry *x = a, *y = b;
    if (x->ended_ms != y->ended_ms)
        return x->ended_ms < y->ended_ms ? -1 : 1;
    return (x->ip.a > y->ip.a) - (x->ip.a < y->ip.a);
}

void pool_sort(struct pool *p)
{
    if (p->n)
        qsort(p->all, p->n, sizeof *p->all, compare);
}

bool pool_next(struct pool *p, struct ip4 *ret)
{
    if (p->next == p->n)
        return false;
    *ret = p->all[p->next++].ip;
    return true;
}

void pool_free(struct pool *p)
{
    free(p->all);
    *p = (struct pool){0};
}

#include "dhcpd/subnet.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Finding
 * -------------------------------------------------------------------------------------------------------------
 */

const struct dhcpd_subnet *subnet_find(const struct dhcpd_subnet *sorted, size_t n, struct ip4 ip)
{
    size_t from = 0, to = n; /* the last one whose network is not past ip, if any, is before `to` */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (sorted[middle].prefix.net.a <= ip.a)
            from = middle + 1;
        else
            to = middle;
    }
    return to > 0 && prefix_has(sorted[to - 1].prefix, ip) ? &sorted[to - 1] : NULL;
}

const struct dhcpd_subnet *subnet_on_link(const struct dhcpd_subnet *s, struct ip4 ip)
{
    const struct dhcpd_subnet *at = s;
    do {
        if (prefix_has(at->prefix, ip))
            return at;
        at = at->shares;
    } while (at && at != s);
    return NULL;
}

static int compare_nets(const void *a, const void *b)
{
    const struct dhcpd_subnet *x = a, *y = b;
    return x->prefix.net.a < y->prefix.net.a ? -1 : x->prefix.net.a > y->prefix.net.a;
}

static int compare_names(const void *a, const void *b)
{
    const struct dhcpd_subnet *const *x = a, *const *y = b;
    int c = strcmp((*x)->shared_network, (*y)->shared_network);
    return c ? c : *x < *y ? -1 : 1;
}

/* by_name[from] to by_name[to - 1] have one name. */
static void tie(struct dhcpd_subnet **by_name, size_t from, size_t to)
{
    if (to - from < 2 || !by_name[from]->shared_network[0])
        return;
    for (size_t i = from; i < to; i++)
        by_name[i]->shares = by_name[i + 1 < to ? i + 1 : from];
}

void subnets_ready(struct dhcpd_subnet *subnets, size_t n)
{
    if (!n)
        return;
    struct dhcpd_subnet **by_name = xcalloc(n, sizeof *by_name);
    qsort(subnets, n, sizeof *subnets, compare_nets);
    for (size_t i = 0; i < n; i++)
        by_name[i] = &subnets[i];
    qsort(by_name, n, sizeof *by_name, compare_names);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n; end++)
            if (strcmp(by_name[end]->shared_network, by_name[i]->shared_network) != 0)
                break;
        tie(by_name, i, end);
    }
    free(by_name);
}

/* Pools
 * ---------------------------------------------------------------------------------------------------------------
 */

bool subnet_pool_has(const struct dhcpd_subnet *s, struct ip4 ip)
{
    size_t from = 0, to = s->pool_n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (s->pool[middle].last.a < ip.a)
            from = middle + 1;
        else
            to = middle;
    }
    return from < s->pool_n && s->pool[from].first.a <= ip.a;
}

static uint32_t range_size(struct dhcpd_range r)
{
    return r.last.a - r.first.a + 1;
}

uint32_t subnet_pool_size(const struct dhcpd_subnet *s)
{
    uint32_t n = 0;
    for (size_t i = 0; i < s->pool_n; i++)
        n += range_size(s->pool[i]);
    return n;
}

static void pool_insert(struct dhcpd_subnet *s, size_t at, struct dhcpd_range r)
{
    s->pool = xrealloc(s->pool, s->pool_n + 1, sizeof *s->pool);
    memmove(&s->pool[at + 1], &s->pool[at], (s->pool_n - at) * sizeof *s->pool);
    s->pool[at] = r;
    s->pool_n++;
}

static void pool_delete(struct dhcpd_subnet *s, size_t at)
{
    s->pool_n--;
    memmove(&s->pool[at], &s->pool[at + 1], (s->pool_n - at) * sizeof *s->pool);
}

void subnet_pool_add(struct dhcpd_subnet *s, struct dhcpd_range r)
{
    size_t at = 0;
    subnet_pool_without(s, r);
    while (at < s->pool_n && s->pool[at].first.a < r.first.a)
        at++;
    pool_insert(s, at, r);
}

void subnet_pool_without(struct dhcpd_subnet *s, struct dhcpd_range r)
{
    for (size_t i = s->pool_n; i-- > 0;) {
        struct dhcpd_range had = s->pool[i];
        if (had.last.a < r.first.a || had.first.a > r.last.a)
            continue;
        pool_delete(s, i);
        if (had.last.a > r.last.a)
            pool_insert(s, i, (struct dhcpd_range){{r.last.a + 1}, had.last});
        if (had.first.a < r.first.a)
            pool_insert(s, i, (struct dhcpd_range){had.first, {r.first.a - 1}});
    }
}

void subnet_free(struct dhcpd_subnet *s)
{
    free(s->pool);
    free((void *)s->options.p);
    s->options = (struct span){0};
    s->pool = NULL;
    s->pool_n = 0;
}

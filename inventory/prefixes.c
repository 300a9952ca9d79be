/* prefixes: finding in a sorted list. */
#include "inventory/prefixes.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const struct known_prefix *x = a, *y = b;
    if (x->prefix.net.a != y->prefix.net.a) {
        return x->prefix.net.a < y->prefix.net.a ? -1 : 1;
    }
    return (int)x->prefix.len - (int)y->prefix.len;
}

/* Prefixes that overlap hold one another, so that the one before in the order, or one that holds that one, is
 * the parent. */
void prefixes_sort(struct known_prefix *list, size_t n)
{
    if (n > 0) { /* of none there may be no list */
        qsort(list, n, sizeof *list, compare);
    }
    for (size_t i = 0; i < n; i++) {
        const struct known_prefix *p = i > 0 ? &list[i - 1] : NULL;
        while (p && !prefix_has(p->prefix, list[i].prefix.net)) {
            p = p->parent;
        }
        list[i].parent = p;
    }
}

const struct known_prefix *prefix_find(const struct known_prefix *sorted, size_t n, struct ip4 ip)
{
    size_t from = 0, to = n; /* the last one whose network is not past ip, if any, is before `to` */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (sorted[middle].prefix.net.a <= ip.a) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    const struct known_prefix *p = to > 0 ? &sorted[to - 1] : NULL;
    while (p && !prefix_has(p->prefix, ip)) {
        p = p->parent;
    }
    return p;
}

bool prefix_router(const struct known_prefix *sorted, size_t n, struct prefix link, struct ip4 ip,
                   struct ip4 *ret)
{
    for (const struct known_prefix *p = prefix_find(sorted, n, ip); p; p = p->parent) {
        if (p->has_router && prefix_has(link, p->router)) {
            *ret = p->router;
            return true;
        }
    }
    return false;
}

bool prefix_routes(const struct known_prefix *sorted, size_t n, struct ip4 ip)
{
    for (const struct known_prefix *p = prefix_find(sorted, n, ip); p; p = p->parent) {
        if (p->has_router && ip4_eq(p->router, ip)) {
            return true;
        }
    }
    return false;
}

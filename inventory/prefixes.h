/* prefixes: the inventory's IPv4 prefixes, in memory and in step with the store, for who asks of many
 * addresses.
 *
 * Life cycle: prefixes_open reads them; prefixes_refresh, before a batch of questions, reads them anew when
 * one was changed since, by whatever process (a trigger numbers the changes: store_schema.c); prefixes_free.
 * What is lent lives until the next refresh.
 *
 * Containers are left out, since no machine is in them but in what they contain; so are prefixes of one
 * address, and those that hold addresses that no machine has (prefix_never). */
#ifndef INVENTORY_PREFIXES_H
#define INVENTORY_PREFIXES_H

#include "base/addr.h"
#include "inventory/store.h"

struct known_prefix {
    struct prefix prefix;
    bool has_router; /* the machines' gateway, which is inside it */
    struct ip4 router;
    bool of_tenant;                    /* a tenant has it, and may have made it */
    const struct known_prefix *parent; /* the longest that holds this one; NULL: none */
};

/* The longest that has the address; NULL. `sorted` is prefixes_sort's. */
const struct known_prefix *prefix_find(const struct known_prefix *sorted, size_t n, struct ip4 ip);
/* The router that a machine with this address has: of the longest prefix with that address that has one, and
 * has it inside `link`, where the machine can reach it. */
bool prefix_router(const struct known_prefix *sorted, size_t n, struct prefix link, struct ip4 ip,
                   struct ip4 *ret);
/* Is the address a router of a prefix that it is in? */
bool prefix_routes(const struct known_prefix *sorted, size_t n, struct ip4 ip);
/* Sorts them, and ties each to its parent. */
void prefixes_sort(struct known_prefix *list, size_t n);

struct prefixes;
int prefixes_open(struct store *s, struct prefixes **ret, struct err *e); /* the store is lent */
void prefixes_free(struct prefixes *p);                                   /* takes NULL */
/* *ret_changed: they were read anew. */
int prefixes_refresh(struct prefixes *p, bool *ret_changed, struct err *e);
const struct known_prefix *prefixes_list(const struct prefixes *p, size_t *ret_n);

#endif

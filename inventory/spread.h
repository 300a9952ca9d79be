/* spread: the hash of the tables in memory. MAC addresses and addresses come in runs; the low bits of the
 * result, which choose the slot, depend on every bit of the value, for each link of a long chain is a wait
 * for memory. */
#ifndef INVENTORY_SPREAD_H
#define INVENTORY_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#define SPREAD_ODD UINT64_C(0x9e3779b97f4a7c15)

/* odd: SPREAD_ODD where the values are an operator's; where strangers choose them, an odd number that nobody
 * else knows, so that they cannot put all into one chain. */
static inline size_t spread(uint64_t v, uint64_t odd)
{
    v *= odd;
    v ^= v >> 32;
    v *= odd;
    return (size_t)(v >> 32);
}

#endif

#include "dhcpd/belief.h"

#include <stddef.h>

/* A clock that was set back counts as time that is up: nobody is disbelieved for hours. */
static bool counts(const struct belief_row *x, struct mac mac, int64_t at_ms)
{
    return x->n && mac_eq(x->mac, mac) && at_ms >= x->first_ms && at_ms - x->first_ms < BELIEF_MS;
}

unsigned belief_of(const struct belief *b, struct mac mac, int64_t at_ms)
{
    for (size_t i = 0; i < BELIEF_ROWS; i++)
        if (counts(&b->rows[i], mac, at_ms))
            return b->rows[i].n;
    return 0;
}

unsigned belief_add(struct belief *b, struct mac mac, int64_t at_ms)
{
    struct belief_row *slot = &b->rows[0];
    for (size_t i = 0; i < BELIEF_ROWS; i++) {
        struct belief_row *x = &b->rows[i];
        if (counts(x, mac, at_ms))
            return ++x->n;
        if (x->first_ms < slot->first_ms)
            slot = x;
    }
    *slot = (struct belief_row){.mac = mac, .n = 1, .first_ms = at_ms};
    return 1;
}

/* budget: how many of a kind are told within a span of time. Anyone on the wire can provoke as many packets
 * as he likes; neither the log nor the journal, which is for ever, may grow with them. Pure; all zero is a
 * new one. */
#ifndef DHCPD_BUDGET_H
#define DHCPD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    int64_t span; /* the one that is counted in */
    unsigned n;
};

enum budget_word {
    BUDGET_FITS,
    BUDGET_FIRST_OVER, /* the first that does not fit: said once a span */
    BUDGET_OVER
};

/* Would one more fit? */
static inline bool budget_left(const struct budget *b, unsigned most, int64_t span_ms, int64_t at_ms)
{
    return b->span != at_ms / span_ms || b->n < most;
}

/* One more, of at most so many in each span. */
static inline enum budget_word budget_take(struct budget *b, unsigned most, int64_t span_ms, int64_t at_ms)
{
    if (b->span != at_ms / span_ms)
        *b = (struct budget){.span = at_ms / span_ms};
    if (b->n > most)
        return BUDGET_OVER;
    return ++b->n > most ? BUDGET_FIRST_OVER : BUDGET_FITS;
}

#endif

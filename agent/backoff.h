/* backoff: how long to wait before the next try: 1, 2, 4 ... 30 seconds, each a little longer by chance, so
 * that a rack of machines does not come back in step when a server does. A zeroed struct begins anew. */
#ifndef AGENT_BACKOFF_H
#define AGENT_BACKOFF_H

#include <stdint.h>

#define BACKOFF_MAX_MS 30000u

struct backoff {
    uint32_t next_ms;
};

/* The wait, in milliseconds; `chance` is any random number. Doubles the next one. */
uint32_t backoff_next(struct backoff *b, uint32_t chance);
/* The same, waited for. */
void backoff_wait(struct backoff *b);
/* The same, but where a server wants to be left alone for `retry_s` seconds (0: it did not say), for these
 * and up to a quarter more by chance. */
void backoff_wait_asked(struct backoff *b, unsigned retry_s);
void sleep_ms(uint32_t ms);
uint64_t ticks_ms(void); /* monotonic */

#endif

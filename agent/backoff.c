#include "agent/backoff.h"

#include <errno.h>
#include <time.h>

#include "base/digest.h"

uint32_t backoff_next(struct backoff *b, uint32_t chance)
{
    uint32_t wait = b->next_ms ? b->next_ms : 1000;
    b->next_ms = wait * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait * 2;
    return wait + chance % (wait / 4);
}

void backoff_wait(struct backoff *b)
{
    backoff_wait_asked(b, 0);
}

void backoff_wait_asked(struct backoff *b, unsigned retry_s)
{
    uint32_t chance;
    random_bytes(&chance, sizeof chance);
    sleep_ms(retry_s ? retry_s * 1000 + chance % (retry_s * 250) : backoff_next(b, chance));
}

void sleep_ms(uint32_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&t, &t) && errno == EINTR)
        ;
}

uint64_t ticks_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#include "enrol/backoff.h"

#define FIRST_MS    1000u
#define DOWN_MAX_MS 60000u
#define WAIT_MAX_MS 15000u
#define WAIT_EAGER  60u

uint32_t backoff_down_ms(uint32_t attempts, uint32_t random)
{
    uint32_t ms = attempts < 6 ? FIRST_MS << attempts : DOWN_MAX_MS;
    uint32_t less = (uint32_t)((uint64_t)random * (ms / 2) >> 32);

    return ms - less < FIRST_MS ? FIRST_MS : ms - less;
}

uint32_t backoff_wait_ms(uint32_t attempts)
{
    uint32_t over = attempts < WAIT_EAGER ? 0 : attempts - WAIT_EAGER;

    if (over >= (WAIT_MAX_MS - FIRST_MS) / 500) {
        return WAIT_MAX_MS;
    }
    return FIRST_MS + over * 500;
}

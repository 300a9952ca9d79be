/* backoff: how long to wait before an enrolment is tried again. Pure; `random` is any 32 random bits. */
#ifndef ENROL_BACKOFF_H
#define ENROL_BACKOFF_H

#include <stdint.h>

/* For a system that is down: 1 s, doubling to 60 s, each shortened by up to a half, so that many do not come
 * back at the same moment. */
uint32_t backoff_down_ms(uint32_t attempts, uint32_t random);

/* For a machine that is on its way: each second in the first minute, then ever less often, at least every 15
 * s. */
uint32_t backoff_wait_ms(uint32_t attempts);

#endif

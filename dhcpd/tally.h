/* tally: the packets that got no answer, counted by MAC address and reason until they are written to the
 * store. Pure. Bounded: a flood of made-up addresses is counted under no address. */
#ifndef DHCPD_TALLY_H
#define DHCPD_TALLY_H

#include "dhcpd/drop.h"

#define TALLY_MAX      256
#define TALLY_WRITE_MS 3000

struct tally_row {
    struct drop_origin from; /* of the last; no MAC address: of none, or of too many */
    enum drop why;
    uint64_t times;
    int64_t first_ms, last_ms;
};

struct tally {
    struct tally_row rows[TALLY_MAX + DROP_COUNT]; /* room for each reason under no address */
    size_t n;
    int64_t written_ms;
};

void tally_add(struct tally *t, const struct drop_origin *from, enum drop why, int64_t at_ms);
/* Milliseconds until what was counted is to be written; -1: nothing was. */
int64_t tally_next_ms(const struct tally *t, int64_t at_ms);
void tally_written(struct tally *t, int64_t at_ms);

#endif

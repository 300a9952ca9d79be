#include "dhcpd/tally.h"

static struct tally_row *find(struct tally *t, struct mac mac, enum drop why)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].why == why && mac_eq(t->rows[i].mac, mac))
            return &t->rows[i];
    return NULL;
}

void tally_add(struct tally *t, const struct mac *mac, enum drop why, int64_t at_ms)
{
    static const struct mac none;
    struct mac m = mac ? *mac : none;
    struct tally_row *row = find(t, m, why);
    if (!row && t->n >= TALLY_MAX) {
        m = none;
        row = find(t, m, why);
    }
    if (!row) {
        row = &t->rows[t->n++];
        *row = (struct tally_row){.mac = m, .why = why, .first_ms = at_ms};
    }
    row->times++;
    row->last_ms = at_ms;
}

int64_t tally_next_ms(const struct tally *t, int64_t at_ms)
{
    if (!t->n)
        return -1;
    int64_t since = at_ms - t->written_ms;
    return since < 0 || since >= TALLY_WRITE_MS ? 0 : TALLY_WRITE_MS - since;
}

void tally_written(struct tally *t, int64_t at_ms)
{
    t->n = 0;
    t->written_ms = at_ms;
}

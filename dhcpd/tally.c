#include "dhcpd/tally.h"

static struct tally_row *find(struct tally *t, struct mac mac, enum drop why)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].why == why && mac_eq(t->rows[i].from.mac, mac))
            return &t->rows[i];
    return NULL;
}

void tally_add(struct tally *t, const struct drop_origin *from, enum drop why, int64_t at_ms)
{
    struct mac m = from->mac;
    struct tally_row *row = find(t, m, why);
    if (!row && t->n >= TALLY_MAX) {
        m = (struct mac){0};
        row = find(t, m, why);
    }
    if (!row) {
        row = &t->rows[t->n++];
        *row = (struct tally_row){.why = why, .first_ms = at_ms};
    }
    row->from = *from;
    row->from.mac = m;
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

#include "agent/plan.h"

#include <stdlib.h>

#include "agent/gpt.h"
#include "base/str.h"

static void add_frame(struct plan *p, size_t *cap, size_t i, const struct frame *f)
{
    struct plan_range *last = p->n ? &p->ranges[p->n - 1] : NULL;
    if (last && f->pack_at - (last->from + last->len) <= PLAN_GAP) {
        last->len = f->pack_at + f->stored_len - last->from;
        last->last = i;
        return;
    }
    if (p->n == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        p->ranges = xrealloc(p->ranges, *cap, sizeof *p->ranges);
    }
    p->ranges[p->n++] = (struct plan_range){.from = f->pack_at, .len = f->stored_len, .first = i, .last = i};
}

void plan_make(const struct manifest *m, const bool *have, struct plan *ret)
{
    size_t cap = 0;
    *ret = (struct plan){0};
    for (size_t i = 0; i < m->n; i++)
        if (m->frames[i].type == FRAME_DATA && !have[i])
            add_frame(ret, &cap, i, &m->frames[i]);
    for (size_t r = 0; r < ret->n; r++)
        ret->bytes += ret->ranges[r].len;
}

void plan_free(struct plan *p)
{
    free(p->ranges);
    *p = (struct plan){0};
}

void plan_window(const struct manifest *m, size_t i, uint64_t *ret_from, uint64_t *ret_to)
{
    uint64_t from = (uint64_t)i * FRAME_SIZE, to = from + frame_raw_len(m, i);
    uint64_t end = m->disk_size - GPT_TAIL_SIZE;
    if (from < HEAD_BYTES)
        from = HEAD_BYTES;
    if (to > end)
        to = end;
    *ret_from = from;
    *ret_to = to > from ? to : from;
}

bool plan_comparable(const struct manifest *m, size_t i)
{
    uint64_t from, to;
    plan_window(m, i, &from, &to);
    return m->frames[i].type == FRAME_DATA && to - from == frame_raw_len(m, i);
}

bool plan_next_zero(const struct manifest *m, size_t *i, uint64_t *ret_from, uint64_t *ret_to)
{
    while (*i < m->n) {
        uint64_t from, to, next_from;
        if (m->frames[*i].type != FRAME_ZERO) {
            ++*i;
            continue;
        }
        plan_window(m, *i, &from, &to);
        while (++*i < m->n && m->frames[*i].type == FRAME_ZERO)
            plan_window(m, *i, &next_from, &to);
        if (to > from) {
            *ret_from = from;
            *ret_to = to;
            return true;
        }
    }
    return false;
}

int plan_fits(const struct manifest *m, uint64_t disk_size, struct err *e)
{
    char need[16], has[16];
    if (m->disk_size < 2 * HEAD_BYTES)
        return err_set(e, ERR_CORRUPT, "the image is smaller than 2 MiB: no disk of ours");
    if (disk_size % GPT_SECTOR || disk_size < m->disk_size)
        return err_set(e, ERR_INPUT,
                       "the image needs a disk of %s (%llu bytes), this one has %s (%llu bytes)",
                       size_format(m->disk_size, need), (unsigned long long)m->disk_size,
                       size_format(disk_size, has), (unsigned long long)disk_size);
    return 0;
}

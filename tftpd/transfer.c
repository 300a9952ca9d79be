#include "tftpd/transfer.h"

#include <stdio.h>

#define IP_UDP_HEAD 28

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Lowers the sizes asked for to what the path and the memory allow; the OACK says so. */
static void agree(struct transfer *t, const struct tftp_options *asked, uint32_t mtu)
{
    t->agreed = *asked;
    t->blksize = BLKSIZE_PLAIN;
    t->window = 1;
    if (asked->has[OPT_BLKSIZE]) {
        uint64_t room = !mtu                                          ? BLKSIZE_MAX
                        : mtu > IP_UDP_HEAD + TFTP_HEAD + BLKSIZE_MIN ? mtu - IP_UDP_HEAD - TFTP_HEAD
                                                                      : BLKSIZE_MIN;
        t->blksize = (uint32_t)least(asked->value[OPT_BLKSIZE], room);
        t->agreed.value[OPT_BLKSIZE] = t->blksize;
    }
    if (asked->has[OPT_WINDOWSIZE]) {
        uint64_t fits = most(1, WINDOW_BYTES_MAX / t->blksize);
        t->window = (uint32_t)least(asked->value[OPT_WINDOWSIZE], least(WINDOW_MAX, fits));
        t->agreed.value[OPT_WINDOWSIZE] = t->window;
    }
    t->agreed.value[OPT_TSIZE] = t->size;
}

static struct transfer_step end(struct transfer *t, enum transfer_state state, const char *reason)
{
    t->state = state;
    snprintf(t->reason, sizeof t->reason, "%s", reason);
    return (struct transfer_step){0};
}

static bool only_last_missing(const struct transfer *t)
{
    return t->answered && t->top == t->blocks;
}

/* How long the peer may be silent. One that never said anything may be forged: its own time-out buys it
 * nothing. */
static uint64_t patience(const struct transfer *t)
{
    return only_last_missing(t) ? t->last_us : t->answered ? t->silence_us : SILENCE_MAX_US;
}

static void clock_starts(struct transfer *t, uint64_t block, bool again, uint64_t now_us)
{
    t->timing = !again;
    t->timed_block = block;
    t->timed_at_us = now_us;
    t->deadline_us = least(now_us + t->rto_us, t->progress_us + patience(t));
}

/* The window behind the last block acknowledged; `again` when some of it may have been sent before. */
static struct transfer_step send_window(struct transfer *t, bool again, uint64_t now_us)
{
    uint64_t first = t->acked + 1, last = least(t->acked + t->window, t->blocks);
    if (again && t->top >= first)
        t->resent += least(t->top, last) - first + 1;
    t->top = most(t->top, last);
    clock_starts(t, last, again, now_us);
    return (struct transfer_step){.first = first, .count = (uint32_t)(last - first + 1)};
}

static struct transfer_step send_oack(struct transfer *t, bool again, uint64_t now_us)
{
    clock_starts(t, 0, again, now_us);
    return (struct transfer_step){.oack = true};
}

struct transfer_step transfer_start(struct transfer *t, const struct tftp_options *asked, uint64_t size,
                                    uint32_t mtu, uint64_t now_us)
{
    *t = (struct transfer){.size = size,
                           .progress_us = now_us,
                           .rto_us = RTO_FIRST_US,
                           .rto_max_us = RTO_MAX_US,
                           .silence_us = SILENCE_MAX_US,
                           .last_us = LAST_US};
    agree(t, asked, mtu);
    t->blocks = size / t->blksize + 1;
    if (asked->has[OPT_TIMEOUT]) {
        t->rto_us = t->asked_us = asked->value[OPT_TIMEOUT] * 1000000;
        t->rto_max_us = most(RTO_MAX_US, 2 * t->rto_us);
        t->silence_us = most(SILENCE_MAX_US, 6 * t->rto_us);
        t->last_us = most(LAST_US, 3 * t->rto_us);
    }
    for (size_t i = 0; i < OPT_COUNT; i++)
        t->oack_waits = t->oack_waits || asked->has[i];
    return t->oack_waits ? send_oack(t, false, now_us) : send_window(t, false, now_us);
}

static void measure(struct transfer *t, uint64_t block, uint64_t now_us)
{
    if (!t->timing || block != t->timed_block || now_us < t->timed_at_us)
        return;
    uint64_t rtt = now_us - t->timed_at_us;
    if (!t->srtt_us) {
        t->srtt_us = most(rtt, 1);
        t->rttvar_us = rtt / 2;
    } else {
        uint64_t off = rtt > t->srtt_us ? rtt - t->srtt_us : t->srtt_us - rtt;
        t->rttvar_us = (3 * t->rttvar_us + off) / 4;
        t->srtt_us = most((7 * t->srtt_us + rtt) / 8, 1);
    }
    t->rto_us = least(most(t->srtt_us + 4 * t->rttvar_us, RTO_MIN_US), RTO_MAX_US);
}

static void progressed(struct transfer *t, uint64_t block, uint64_t now_us)
{
    t->answered = true;
    t->progress_us = now_us;
    t->timeouts = t->closed = 0;
    if (t->asked_us)
        t->rto_us = t->asked_us;
    else
        measure(t, block, now_us);
}

static struct transfer_step on_ack(struct transfer *t, uint16_t wire, uint64_t now_us)
{
    if (t->oack_waits) {
        if (wire != 0)
            return (struct transfer_step){0};
        t->oack_waits = false;
        progressed(t, 0, now_us);
        return send_window(t, false, now_us);
    }
    uint64_t block = t->acked + (uint16_t)(wire - (uint16_t)t->acked);
    if (block > t->top) /* an old one that came late, or one never sent */
        return (struct transfer_step){0};
    if (block == t->acked) {
        if (t->window == 1 || t->went_back)
            return (struct transfer_step){0};
        t->went_back = true;
        return send_window(t, true, now_us);
    }
    bool hole = block < t->top;
    progressed(t, block, now_us);
    t->acked = block;
    t->went_back = hole;
    if (t->acked == t->blocks)
        return end(t, TRANSFER_WHOLE, "");
    return send_window(t, hole, now_us);
}

struct transfer_step transfer_packet(struct transfer *t, const struct tftp_packet *p, uint64_t now_us)
{
    char text[160];
    if (t->state != TRANSFER_RUNNING)
        return (struct transfer_step){0};
    switch (p->op) {
    case TFTP_ACK:
        return on_ack(t, p->block, now_us);
    case TFTP_ERROR:
        snprintf(text, sizeof text, "the client ended it: error %u %s", p->code, p->text);
        return end(t, TRANSFER_ABORTED, text);
    default:
        transfer_fail(t, "the client sent what does not belong in a read");
        return (struct transfer_step){.error = true, .code = TFTP_E_ILLEGAL};
    }
}

struct transfer_step transfer_fail(struct transfer *t, const char *reason)
{
    end(t, TRANSFER_FAILED, reason);
    return (struct transfer_step){.error = true, .code = TFTP_E_TEXT};
}

static struct transfer_step send_again(struct transfer *t, uint64_t now_us)
{
    return t->oack_waits ? send_oack(t, true, now_us) : send_window(t, true, now_us);
}

struct transfer_step transfer_timeout(struct transfer *t, uint64_t now_us)
{
    if (t->state != TRANSFER_RUNNING || now_us < t->deadline_us)
        return (struct transfer_step){0};
    if (now_us - t->progress_us >= patience(t))
        return only_last_missing(t) ? end(t, TRANSFER_UNACKED, "its last ACK never came")
                                    : transfer_fail(t, "the client fell silent");
    t->rto_us = least(2 * t->rto_us, t->rto_max_us);
    if (++t->timeouts >= BLACK_HOLE && !t->oack_waits)
        t->fragments = true;
    t->went_back = false;
    return send_again(t, now_us);
}

struct transfer_step transfer_closed(struct transfer *t)
{
    if (t->state != TRANSFER_RUNNING)
        return (struct transfer_step){0};
    if (only_last_missing(t))
        return end(t, TRANSFER_UNACKED, "its last ACK never came, and its port is closed");
    if (++t->closed >= CLOSED_MAX)
        return end(t, TRANSFER_FAILED, "the client's port is closed");
    return (struct transfer_step){0};
}

struct transfer_step transfer_narrow(struct transfer *t, uint64_t now_us)
{
    if (t->state != TRANSFER_RUNNING || t->narrow >= NARROW_MAX)
        return (struct transfer_step){0};
    t->narrow++;
    t->fragments = true;
    return send_again(t, now_us);
}

void transfer_block(const struct transfer *t, uint64_t block, uint64_t *ret_at, uint32_t *ret_n)
{
    *ret_at = (block - 1) * t->blksize;
    *ret_n = (uint32_t)least(t->blksize, t->size - *ret_at);
}

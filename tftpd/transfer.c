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
        uint64_t room = mtu > IP_UDP_HEAD + TFTP_HEAD + BLKSIZE_PLAIN ? mtu - IP_UDP_HEAD - TFTP_HEAD
                        : mtu                                         ? BLKSIZE_PLAIN
                                                                      : BLKSIZE_MAX;
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

/* The window behind the last block acknowledged; `again` when some of it may have been sent before. */
static struct transfer_step send_window(struct transfer *t, bool again, uint64_t now_us)
{
    uint64_t first = t->acked + 1, last = least(t->acked + t->window, t->blocks);
    if (again && t->top >= first)
        t->resent += least(t->top, last) - first + 1;
    t->timing = !again;
    t->timed_block = last;
    t->timed_at_us = now_us;
    t->top = most(t->top, last);
    t->deadline_us = now_us + t->rto_us;
    return (struct transfer_step){.first = first, .count = (uint32_t)(last - first + 1)};
}

static struct transfer_step send_oack(struct transfer *t, bool again, uint64_t now_us)
{
    t->timing = !again;
    t->timed_block = 0;
    t->timed_at_us = now_us;
    t->deadline_us = now_us + t->rto_us;
    return (struct transfer_step){.oack = true};
}

struct transfer_step transfer_start(struct transfer *t, const struct tftp_options *asked, uint64_t size,
                                    uint32_t mtu, uint64_t now_us)
{
    *t = (struct transfer){
        .size = size, .progress_us = now_us, .rto_max_us = RTO_MAX_US, .silence_us = SILENCE_MAX_US};
    agree(t, asked, mtu);
    t->blocks = size / t->blksize + 1;
    if (asked->has[OPT_TIMEOUT]) {
        t->rto_max_us = asked->value[OPT_TIMEOUT] * 1000000;
        t->silence_us = most(t->silence_us, 6 * t->rto_max_us);
    }
    t->rto_us = least(RTO_FIRST_US, t->rto_max_us);
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
    t->rto_us = least(most(t->srtt_us + 4 * t->rttvar_us, RTO_MIN_US), t->rto_max_us);
}

static void progressed(struct transfer *t, uint64_t block, uint64_t now_us)
{
    t->answered = true;
    t->progress_us = now_us;
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
        end(t, TRANSFER_FAILED, "the client sent what does not belong in a read");
        return (struct transfer_step){.error = true, .code = TFTP_E_ILLEGAL};
    }
}

struct transfer_step transfer_timeout(struct transfer *t, uint64_t now_us)
{
    if (t->state != TRANSFER_RUNNING || now_us < t->deadline_us)
        return (struct transfer_step){0};
    /* A peer that never said anything may be forged: its own time-out buys it nothing. */
    if (now_us - t->progress_us >= (t->answered ? t->silence_us : SILENCE_MAX_US)) {
        end(t, TRANSFER_FAILED, "the client fell silent");
        return (struct transfer_step){.error = true, .code = TFTP_E_TEXT};
    }
    t->rto_us = least(2 * t->rto_us, t->rto_max_us);
    t->went_back = false;
    return t->oack_waits ? send_oack(t, true, now_us) : send_window(t, true, now_us);
}

void transfer_block(const struct transfer *t, uint64_t block, uint64_t *ret_at, uint32_t *ret_n)
{
    *ret_at = (block - 1) * t->blksize;
    *ret_n = (uint32_t)least(t->blksize, t->size - *ret_at);
}

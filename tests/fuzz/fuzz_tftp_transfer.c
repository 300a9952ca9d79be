/* The state machine of a transfer, driven by any events at any time. The input's first bytes say what was
 * asked for; then each three bytes are an event and the time since the last one. Whatever comes: nothing is
 * sent beyond the window or the file, an unheard peer is not talked to much, and it always ends. */
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "tftpd/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct transfer t;
    struct tftp_options asked;
    uint64_t now, unheard; /* what left before the peer was heard */
};

static void must(bool good)
{
    if (!good)
        abort();
}

static void check(struct run *r, struct transfer_step s)
{
    const struct transfer *t = &r->t;
    uint64_t at;
    uint32_t n;
    must(t->acked <= t->top && t->top <= t->blocks && t->top - t->acked <= t->window);
    must(t->window >= 1 && t->window <= WINDOW_MAX);
    must(t->window == 1 || (uint64_t)t->window * t->blksize <= WINDOW_BYTES_MAX);
    must(!(s.oack && s.count) && !(t->oack_waits && s.count));
    must(!s.count || (s.first == t->acked + 1 && s.first + s.count - 1 <= t->blocks && s.count <= t->window));
    must(t->state == TRANSFER_RUNNING || (!s.oack && !s.count));
    must(t->state != TRANSFER_WHOLE || t->acked == t->blocks);
    must(t->state != TRANSFER_UNACKED || (t->answered && t->top == t->blocks));
    for (uint32_t i = 0; i < s.count; i++) {
        transfer_block(t, s.first + i, &at, &n);
        must(n <= t->blksize && at + n <= t->size && (n == t->blksize || s.first + i == t->blocks));
    }
    for (size_t i = 0; i < OPT_COUNT; i++)
        must(t->agreed.has[i] == r->asked.has[i]);
    must(!r->asked.has[OPT_BLKSIZE] || t->agreed.value[OPT_BLKSIZE] <= r->asked.value[OPT_BLKSIZE]);
    must(!r->asked.has[OPT_WINDOWSIZE] || t->agreed.value[OPT_WINDOWSIZE] <= r->asked.value[OPT_WINDOWSIZE]);
    if (!t->answered)
        r->unheard += s.oack || s.count;
}

static void event(struct run *r, struct reader *in)
{
    const uint16_t word = read_be16(in);
    struct tftp_packet p = {.op = TFTP_ACK};
    switch (word >> 13) {
    case 0: /* the next ACK of a good client */
        p.block = (uint16_t)(r->t.acked + 1 + word % r->t.window);
        check(r, transfer_packet(&r->t, &p, r->now));
        break;
    case 1: /* any ACK */
        p.block = (uint16_t)(word << 3);
        check(r, transfer_packet(&r->t, &p, r->now));
        break;
    case 2: /* one near to where it stands */
        p.block = (uint16_t)(r->t.acked + word % 8 - 4);
        check(r, transfer_packet(&r->t, &p, r->now));
        break;
    case 3: /* what belongs or does not; most would end it */
        p.op = word & 0xff0 ? TFTP_ACK : (enum tftp_op)(word & 15);
        check(r, transfer_packet(&r->t, &p, r->now));
        break;
    case 4:
        check(r, transfer_closed(&r->t));
        break;
    case 5:
        check(r, transfer_narrow(&r->t, r->now));
        break;
    case 6:
        r->now = r->t.deadline_us;
        check(r, transfer_timeout(&r->t, r->now));
        break;
    default:
        check(r, transfer_timeout(&r->t, r->now));
    }
}

/* From here on nobody says a word. */
static void silence(struct run *r)
{
    uint64_t began = r->now, turns = 0;
    uint64_t most = r->asked.has[OPT_TIMEOUT] ? 6 * 255000000ull : SILENCE_MAX_US;
    for (; r->t.state == TRANSFER_RUNNING; turns++) {
        must(turns < 2000);
        r->now = r->t.deadline_us > r->now ? r->t.deadline_us : r->now;
        check(r, transfer_timeout(&r->t, r->now));
    }
    must(r->now - began <= most);
}

static void ask(struct run *r, struct reader *in, uint64_t *ret_size, uint32_t *ret_mtu)
{
    uint8_t which = read_u8(in);
    for (size_t i = 0; i < OPT_COUNT; i++)
        r->asked.has[i] = which >> i & 1;
    r->asked.value[OPT_BLKSIZE] = BLKSIZE_MIN + read_be16(in) % (BLKSIZE_MAX - BLKSIZE_MIN + 1);
    r->asked.value[OPT_WINDOWSIZE] = 1 + read_be16(in) % 65535;
    r->asked.value[OPT_TIMEOUT] = 1 + read_u8(in) % 255;
    *ret_size = read_be32(in) >> (which >> 4);
    *ret_mtu = which & 0x10 ? 0 : read_be16(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(span_of(data, size));
    struct run r = {.now = 1};
    uint64_t bytes;
    uint32_t mtu;
    ask(&r, &in, &bytes, &mtu);
    check(&r, transfer_start(&r.t, &r.asked, bytes, mtu, r.now));
    while (!in.bad && reader_left(&in) >= 3) {
        uint64_t wait = read_u8(&in);
        r.now += wait * wait * 100;
        event(&r, &in);
    }
    silence(&r);
    must(r.unheard <= SILENCE_MAX_US / 1000000 + 1 + NARROW_MAX); /* a `timeout` of 1 s */
    return 0;
}

/* Transfers over a wire that loses, doubles and reorders, with a clock of our own; and each rule by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tftpd/transfer.h"

static struct tftp_options asked(uint64_t blksize, uint64_t window)
{
    struct tftp_options o = {0};
    o.has[OPT_BLKSIZE] = blksize > 0;
    o.value[OPT_BLKSIZE] = blksize;
    o.has[OPT_WINDOWSIZE] = window > 0;
    o.value[OPT_WINDOWSIZE] = window;
    return o;
}

static struct tftp_packet ack(uint64_t n)
{
    return (struct tftp_packet){.op = TFTP_ACK, .block = (uint16_t)n};
}

static struct transfer_step take_ack(struct transfer *t, uint64_t n, uint64_t now)
{
    struct tftp_packet p = ack(n);
    return transfer_packet(t, &p, now);
}

static void exact_multiple(void **state)
{
    (void)state;
    static const struct {
        uint64_t size, blocks;
        uint32_t last;
    } T[] = {{0, 1, 0}, {1, 1, 1}, {511, 1, 511}, {512, 2, 0}, {513, 2, 1}, {1024, 3, 0}};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        struct transfer t;
        uint64_t at;
        uint32_t n;
        struct tftp_options none = {0};
        struct transfer_step s = transfer_start(&t, &none, T[i].size, 0, 1);
        assert_int_equal(t.blocks, T[i].blocks);
        transfer_block(&t, t.blocks, &at, &n);
        assert_int_equal(n, T[i].last);
        for (uint64_t b = 1; b <= t.blocks; b++) {
            assert_int_equal(s.first, b);
            assert_int_equal(s.count, 1);
            s = take_ack(&t, b, 2);
        }
        assert_int_equal(t.state, TRANSFER_WHOLE);
    }
}

static void oack_and_limits(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options o = asked(65464, 65535);
    o.has[OPT_TSIZE] = true;
    struct transfer_step s = transfer_start(&t, &o, 1000000, 1500, 1);
    assert_true(s.oack && s.count == 0);
    assert_int_equal(t.agreed.value[OPT_BLKSIZE], 1468);
    assert_int_equal(t.agreed.value[OPT_WINDOWSIZE], 64);
    assert_int_equal(t.agreed.value[OPT_TSIZE], 1000000);
    assert_false(t.agreed.has[OPT_TIMEOUT]);
    s = take_ack(&t, 1, 2); /* nothing was sent that this could mean */
    assert_true(!s.oack && !s.count && t.oack_waits);
    s = take_ack(&t, 0, 3);
    assert_int_equal(s.first, 1);
    assert_int_equal(s.count, 64);
}

static void no_apprentice(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options none = {0};
    transfer_start(&t, &none, 10000, 0, 1);
    assert_int_equal(take_ack(&t, 1, 2).first, 2);
    for (int i = 0; i < 5; i++)
        assert_int_equal(take_ack(&t, 1, 3).count, 0);
    assert_int_equal(take_ack(&t, 0, 3).count, 0);
    assert_int_equal(take_ack(&t, 7, 3).count, 0); /* never sent */
    assert_int_equal(take_ack(&t, 2, 4).first, 3);
}

static void window_goes_back(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options o = asked(512, 8);
    transfer_start(&t, &o, 100000, 0, 1);
    take_ack(&t, 0, 2);
    struct transfer_step s = take_ack(&t, 3, 3); /* 4 was lost */
    assert_int_equal(s.first, 4);
    assert_int_equal(s.count, 8);
    assert_int_equal(take_ack(&t, 3, 4).count, 0); /* said already */
    assert_int_equal(take_ack(&t, 11, 5).first, 12);
    assert_int_equal(take_ack(&t, 11, 6).first, 12); /* the whole window was lost: once */
    assert_int_equal(take_ack(&t, 11, 7).count, 0);
    assert_int_equal(take_ack(&t, 9, 8).count, 0); /* an old one */
}

static void clock_adapts(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options none = {0};
    uint64_t now = 1000;
    transfer_start(&t, &none, 1000000, 0, now);
    assert_int_equal(t.deadline_us, now + RTO_FIRST_US);
    for (uint64_t b = 1; b < 100; b++)
        take_ack(&t, b, now += 100000);
    assert_in_range(t.rto_us, 100000, 200000);
    uint64_t rto = t.rto_us;
    assert_int_equal(transfer_timeout(&t, t.deadline_us - 1).count, 0);
    assert_int_equal(transfer_timeout(&t, t.deadline_us).first, 100);
    assert_int_equal(t.rto_us, 2 * rto);
    while (t.state == TRANSFER_RUNNING)
        transfer_timeout(&t, t.deadline_us);
    assert_int_equal(t.state, TRANSFER_FAILED);
    assert_string_equal(t.reason, "the client fell silent");
}

/* RFC 2349: nothing is sent again sooner, whatever was measured; then it backs off (RFC 1123). */
static void timeout_as_asked(void **state)
{
    (void)state;
    static const uint64_t waits[] = {3, 6, 8, 8};
    struct transfer t;
    struct tftp_options o = {0};
    uint64_t now = 1;
    o.has[OPT_TIMEOUT] = true;
    o.value[OPT_TIMEOUT] = 3;
    transfer_start(&t, &o, 1000000, 0, now);
    assert_int_equal(t.deadline_us, now + 3000000);
    for (uint64_t b = 0; b < 20; b++)
        take_ack(&t, b, now += 100);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_int_equal(t.deadline_us, now + waits[i] * 1000000);
        assert_int_equal(transfer_timeout(&t, now = t.deadline_us).first, 20);
    }
    take_ack(&t, 20, ++now);
    assert_int_equal(t.deadline_us, now + 3000000);
}

/* atftp takes a repeated block for a sign of life and does not acknowledge it again: only in a silence longer
 * than its own clock does it resend its ACK. There has to be one before we give up, whatever clock it has. */
static void client_that_ignores_duplicates(void **state)
{
    (void)state;
    for (uint64_t clock = 1; clock <= 5; clock++)
        for (int asks = 0; asks < 2; asks++) {
            struct transfer t;
            struct tftp_options o = {0};
            uint64_t now = 1, last = 1;
            o.has[OPT_TIMEOUT] = asks;
            o.value[OPT_TIMEOUT] = clock;
            o.has[OPT_TSIZE] = true;
            transfer_start(&t, &o, 1000000, 0, now);
            for (uint64_t b = 0; b < 5; b++)
                take_ack(&t, b, now += 1000);
            for (last = now; t.state == TRANSFER_RUNNING && t.deadline_us - last <= clock * 1000000;) {
                last = t.deadline_us;
                transfer_timeout(&t, last);
            }
            assert_int_equal(t.state, TRANSFER_RUNNING);
            assert_int_equal(take_ack(&t, 5, last + clock * 1000000).first, 6);
        }
}

/* Karn: an ACK of what was sent twice says nothing of the round trip. */
static void karn(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options none = {0};
    transfer_start(&t, &none, 1000000, 0, 1);
    take_ack(&t, 1, 1001);
    uint64_t srtt = t.srtt_us;
    transfer_timeout(&t, t.deadline_us);
    take_ack(&t, 2, t.deadline_us + 900000);
    assert_int_equal(t.srtt_us, srtt);
}

/* The last ACK is lost, or the client does not send one: RFC 1350 leaves it open, and we call it sent. */
static void last_ack_missing(void **state)
{
    (void)state;
    static const struct {
        bool options, closed;
        uint64_t acks; /* then silence */
        enum transfer_state end;
        uint64_t most_us;
    } T[] = {
        {false, false, 1, TRANSFER_UNACKED, LAST_US},      {false, true, 1, TRANSFER_UNACKED, 0},
        {true, false, 1, TRANSFER_UNACKED, LAST_US},       {false, false, 0, TRANSFER_FAILED, SILENCE_MAX_US},
        {true, false, 0, TRANSFER_FAILED, SILENCE_MAX_US}, {false, true, 0, TRANSFER_FAILED, SILENCE_MAX_US}};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        struct transfer t;
        struct tftp_options o = asked(T[i].options ? 512 : 0, 0);
        transfer_start(&t, &o, 600, 0, 1);
        if (T[i].options)
            take_ack(&t, 0, 1);
        for (uint64_t b = 1; b <= T[i].acks; b++)
            take_ack(&t, b, 1);
        for (int n = 0; t.state == TRANSFER_RUNNING && n < 100; n++) {
            if (T[i].closed)
                transfer_closed(&t);
            if (t.state == TRANSFER_RUNNING)
                transfer_timeout(&t, t.deadline_us);
        }
        if (t.state != T[i].end || (!T[i].closed && t.deadline_us > 1 + T[i].most_us))
            fail_msg("case %zu: state %d at %llu", i, (int)t.state, (unsigned long long)t.deadline_us);
    }
}

/* One ICMP may be forged: it ends nothing while there is progress. */
static void closed_port(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options none = {0};
    transfer_start(&t, &none, 1000000, 0, 1);
    for (uint64_t b = 1; b < 50; b++) {
        transfer_closed(&t);
        transfer_closed(&t);
        assert_int_equal(t.state, TRANSFER_RUNNING);
        take_ack(&t, b, 1 + b);
    }
    for (int i = 0; i < CLOSED_MAX; i++)
        assert_false(transfer_closed(&t).error);
    assert_int_equal(t.state, TRANSFER_FAILED);
}

/* Too big for the path: what was lost goes out again at once, but not for ever; and where routers say
 * nothing, packets may be cut after some time-outs. */
static void narrow_path(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options o = asked(1468, 4);
    transfer_start(&t, &o, 1000000, 1500, 1);
    assert_int_equal(transfer_narrow(&t, 2).count, 0);
    assert_true(transfer_narrow(&t, 2).oack);
    take_ack(&t, 0, 3);
    for (int i = 2; i < NARROW_MAX; i++) {
        struct transfer_step s = transfer_narrow(&t, 4);
        assert_int_equal(s.first, 1);
        assert_int_equal(s.count, 4);
    }
    assert_int_equal(transfer_narrow(&t, 4).count, 0);
    assert_true(t.fragments);
    transfer_start(&t, &o, 1000000, 1500, 1);
    for (int i = 0; i < BLACK_HOLE; i++)
        transfer_timeout(&t, t.deadline_us);
    assert_false(t.fragments); /* nobody answers: no path is known to be narrow */
    take_ack(&t, 0, t.deadline_us);
    for (int i = 0; i < BLACK_HOLE; i++)
        assert_int_equal(transfer_timeout(&t, t.deadline_us).count, 4);
    assert_true(t.fragments);
    static const struct {
        uint32_t mtu;
        uint64_t asked, offered;
    } T[] = {{1500, 65464, 1468}, {1500, 1024, 1024},  {576, 1468, 544}, {300, 1468, 268},
             {30, 1468, 8},       {9000, 65464, 8968}, {0, 65464, 65464}};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        o = asked(T[i].asked, 0);
        transfer_start(&t, &o, 1000000, T[i].mtu, 1);
        assert_int_equal(t.agreed.value[OPT_BLKSIZE], T[i].offered);
    }
}

/* What never answered may be forged: its `timeout` of 255 s must not hold a place for 25 minutes. */
static void silent_from_the_start(void **state)
{
    (void)state;
    static const struct {
        bool answers;
        uint64_t least_us, most_us;
    } T[] = {{false, SILENCE_MAX_US, SILENCE_MAX_US + 1}, {true, 6 * 255000000ull, 6 * 255000000ull + 2}};
    for (size_t i = 0; i < sizeof T / sizeof *T; i++) {
        struct transfer t;
        struct tftp_options o = asked(1024, 0);
        o.has[OPT_TIMEOUT] = true;
        o.value[OPT_TIMEOUT] = 255;
        transfer_start(&t, &o, 100000, 0, 1);
        if (T[i].answers)
            take_ack(&t, 0, 2);
        while (t.state == TRANSFER_RUNNING)
            transfer_timeout(&t, t.deadline_us);
        assert_int_equal(t.state, TRANSFER_FAILED);
        assert_in_range(t.deadline_us, T[i].least_us, T[i].most_us);
    }
}

static void ends(void **state)
{
    (void)state;
    struct transfer t;
    struct tftp_options o = asked(512, 0);
    struct tftp_packet p = {.op = TFTP_ERROR, .code = 8, .text = "User aborted the transfer"};
    transfer_start(&t, &o, 1000, 0, 1);
    struct transfer_step s = transfer_packet(&t, &p, 2); /* before ACK 0 */
    assert_true(!s.error && !s.count && !s.oack);
    assert_int_equal(t.state, TRANSFER_ABORTED);
    assert_non_null(strstr(t.reason, "User aborted"));
    transfer_start(&t, &o, 1000, 0, 1);
    p = (struct tftp_packet){.op = TFTP_DATA, .block = 1};
    s = transfer_packet(&t, &p, 2);
    assert_true(s.error && s.code == TFTP_E_ILLEGAL && t.state == TRANSFER_FAILED);
    assert_int_equal(take_ack(&t, 0, 3).count, 0);
}

/* A client by the book (RFC 7440's receiver; window 1 is RFC 1350's) and a wire with a queue. */
struct wire {
    unsigned seed, loss, twice, swap; /* percent */
    uint64_t data[4096];
    size_t n;
    uint64_t got, sent;
    unsigned in_window;
    bool again; /* the client's own clock rang */
};

static bool chance(struct wire *w, unsigned percent)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (w->seed >> 16) % 100 < percent;
}

static void put(struct wire *w, struct transfer_step s)
{
    for (uint32_t i = 0; i < s.count; i++) {
        w->sent++;
        for (unsigned copies = chance(w, w->loss) ? 0 : chance(w, w->twice) ? 2 : 1; copies; copies--) {
            assert_true(w->n < 4096);
            w->data[w->n++] = s.first + i;
            if (w->n > 1 && chance(w, w->swap)) {
                uint64_t x = w->data[w->n - 1];
                w->data[w->n - 1] = w->data[w->n - 2];
                w->data[w->n - 2] = x;
            }
        }
    }
}

/* The client takes one block; true when it answers with an ACK of w->got. */
static bool client(struct wire *w, const struct transfer *t, uint64_t block)
{
    if (block != w->got + 1) {
        w->in_window = 0;
        return block > w->got + 1 || block == w->got; /* a gap is told; so is the last one, doubled */
    }
    w->got = block;
    if (++w->in_window < t->window && block < t->blocks)
        return false;
    w->in_window = 0;
    return true;
}

static void run_wire(struct wire *w, uint64_t size, uint64_t blksize, uint64_t window)
{
    struct transfer t;
    struct tftp_options o = asked(blksize, window);
    uint64_t now = 1;
    struct transfer_step s = transfer_start(&t, &o, size, 0, now);
    put(w, s);
    bool oack = s.oack;
    for (uint64_t turn = 0; t.state == TRANSFER_RUNNING && turn < 4000000; turn++) {
        bool answer = oack;
        oack = false;
        if (!answer && w->n) {
            uint64_t block = w->data[0];
            memmove(w->data, w->data + 1, --w->n * sizeof *w->data);
            answer = client(w, &t, block);
        } else if (!answer) {
            now = t.deadline_us;
            s = transfer_timeout(&t, now);
            oack = s.oack;
            w->in_window = 0;
            put(w, s);
        }
        if (answer && !chance(w, w->loss))
            for (unsigned copies = chance(w, w->twice) ? 2 : 1; copies; copies--)
                put(w, take_ack(&t, w->got, now += 100));
    }
    if (t.state != TRANSFER_WHOLE || w->got != t.blocks)
        fail_msg("loss %u twice %u swap %u window %llu: %s at %llu of %llu", w->loss, w->twice, w->swap,
                 (unsigned long long)window, t.reason, (unsigned long long)w->got,
                 (unsigned long long)t.blocks);
}

static void bad_wires(void **state)
{
    (void)state;
    static const uint64_t windows[] = {0, 1, 2, 4, 16, 64};
    for (unsigned seed = 1; seed < 40; seed++)
        for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
            struct wire w = {
                .seed = seed, .loss = seed % 5 * 5, .twice = seed % 3 * 15, .swap = seed % 4 * 8};
            run_wire(&w, 30000 + seed, 512, windows[i]);
        }
}

static void wraps(void **state)
{
    (void)state;
    static const uint64_t windows[] = {0, 16};
    for (size_t i = 0; i < 2; i++) {
        struct wire clean = {.seed = 1}, bad = {.seed = 2, .loss = 1, .twice = 1};
        run_wire(&clean, 8 * 140000, 8, windows[i]); /* past 65535 twice; an exact multiple */
        assert_int_equal(clean.sent, 140001);
        run_wire(&bad, 8 * 140000 + 3, 8, windows[i]);
    }
}

/* Every packet doubled: the number of blocks sent must not double with it. */
static void doubled(void **state)
{
    (void)state;
    struct wire w = {.seed = 3, .twice = 100};
    run_wire(&w, 512 * 1000, 512, 1);
    assert_int_equal(w.sent, 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exact_multiple),
                                       cmocka_unit_test(oack_and_limits),
                                       cmocka_unit_test(no_apprentice),
                                       cmocka_unit_test(window_goes_back),
                                       cmocka_unit_test(clock_adapts),
                                       cmocka_unit_test(timeout_as_asked),
                                       cmocka_unit_test(client_that_ignores_duplicates),
                                       cmocka_unit_test(karn),
                                       cmocka_unit_test(silent_from_the_start),
                                       cmocka_unit_test(ends),
                                       cmocka_unit_test(last_ack_missing),
                                       cmocka_unit_test(closed_port),
                                       cmocka_unit_test(narrow_path),
                                       cmocka_unit_test(bad_wires),
                                       cmocka_unit_test(wraps),
                                       cmocka_unit_test(doubled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

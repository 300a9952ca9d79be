/* transfer: one read, as a state machine. Pure: an event and the time go in, what to send and the next
 * deadline come out.
 *
 * Life cycle: transfer_start, then transfer_packet for each packet from the peer and transfer_timeout once
 * deadline_us has passed, until `state` is not TRANSFER_RUNNING. What each call returns is to be sent at
 * once. Times are microseconds of any clock that only goes forward.
 *
 * - Blocks count from 1 in 64 bits; on the wire their low 16 (so 65535 is followed by 0). The block that is
 * shorter than blksize is the last; a file that is an exact multiple ends with an empty one (RFC 1350).
 * - With options there is an OACK first, and only what was asked for is in it (RFC 2347); data starts after
 * ACK 0.
 * - In lock-step an ACK of a block that was acknowledged already sends nothing: no Sorcerer's Apprentice (RFC
 * 1123, 4.2.3.1). With a window (RFC 7440) an ACK inside it means that what follows was lost: sending goes on
 * behind the block acknowledged. An ACK of the window's own start says the same, and is believed once a
 * window.
 * - The retransmission time follows the measured round trips as in RFC 6298, without samples from blocks sent
 * twice (Karn). A `timeout` that the client asked for takes its place: nothing is sent again sooner (RFC
 * 2349). Both double at each time-out (RFC 1123, 4.2.3.2), beyond the clocks of common clients: atftp takes a
 * repeated block for a sign of life, does not acknowledge it again, and would never come to resend a lost
 * ACK.
 * - An ERROR ends it at any time, also before ACK 0, and is never answered.
 * - Some clients take the last block and go, and the last ACK may be lost (RFC 1350 section 6 leaves it
 * open): a peer that acknowledged all but the last window and was silent for LAST_US, or whose port is closed
 * by then, most likely has the file. That end is TRANSFER_UNACKED.
 * - A port that is closed (ICMP) before the last window ends it after CLOSED_MAX times without progress: once
 * may be a forgery or a machine that is busy.
 * - A path that proves too narrow (ICMP, too big) has what was lost sent again at once, in packets that may
 * be cut; NARROW_MAX times.
 */
#ifndef TFTPD_TRANSFER_H
#define TFTPD_TRANSFER_H

#include "tftpd/packet.h"

#define WINDOW_MAX       64           /* blocks; and */
#define WINDOW_BYTES_MAX (128 * 1024) /* bytes in flight: what a socket's send buffer holds */
#define RTO_FIRST_US     1000000
#define RTO_MIN_US       50000
#define RTO_MAX_US       8000000 /* or twice the timeout asked for */
/* Without progress; of a peer that answered: six of its time-outs, if that is more. */
#define SILENCE_MAX_US 30000000
/* The same, when only the last window is not acknowledged; or three of its time-outs. */
#define LAST_US    10000000
#define CLOSED_MAX 3
#define NARROW_MAX 8
#define BLACK_HOLE 2 /* time-outs of one block, and then its packets may be cut on the way */

enum transfer_state {
    TRANSFER_RUNNING,
    TRANSFER_WHOLE,
    TRANSFER_UNACKED, /* all was sent; only the last ACK did not come */
    TRANSFER_ABORTED, /* by the client */
    TRANSFER_FAILED
};

struct transfer {
    enum transfer_state state;
    char reason[160]; /* of an end that is not TRANSFER_WHOLE */
    uint64_t deadline_us;
    /* what was agreed */
    struct tftp_options agreed; /* the OACK's; none: no OACK */
    uint64_t size, blocks;      /* bytes; blocks, the short last one too */
    uint32_t blksize, window;
    /* where it stands */
    bool oack_waits;     /* OACK not yet acknowledged */
    bool answered;       /* the peer has sent something good */
    bool went_back;      /* this window was sent again already */
    uint64_t acked, top; /* highest block acknowledged; highest ever sent */
    uint64_t resent;     /* blocks sent again */
    uint64_t progress_us, silence_us, last_us;
    uint32_t timeouts, closed; /* since the last progress */
    uint32_t narrow;
    bool fragments; /* packets may be cut: big ones do not get through, or vanish without a word */
    /* round trips, as RFC 6298 names them */
    uint64_t srtt_us, rttvar_us, rto_us, rto_max_us;
    uint64_t asked_us;                 /* the `timeout` asked for; 0: it is measured */
    uint64_t timed_block, timed_at_us; /* the block whose ACK is timed */
    bool timing;
};

struct transfer_step {
    bool oack;           /* send transfer->agreed */
    uint64_t first;      /* send these blocks, */
    uint32_t count;      /* this many */
    bool error;          /* send this ERROR */
    enum tftp_code code; /* its text is transfer->reason */
};

/* mtu: of the path to the peer, IP header included; 0: not known. */
struct transfer_step transfer_start(struct transfer *t, const struct tftp_options *asked, uint64_t size,
                                    uint32_t mtu, uint64_t now_us);
struct transfer_step transfer_packet(struct transfer *t, const struct tftp_packet *p, uint64_t now_us);
struct transfer_step transfer_timeout(struct transfer *t, uint64_t now_us);
/* Nobody has the peer's port; a block was too big for the path. */
struct transfer_step transfer_closed(struct transfer *t);
struct transfer_step transfer_narrow(struct transfer *t, uint64_t now_us);

/* Ends it from our side; the step sends the ERROR. */
struct transfer_step transfer_fail(struct transfer *t, const char *reason);

/* Where a block lies in the file; 0 bytes for the empty last one. */
void transfer_block(const struct transfer *t, uint64_t block, uint64_t *ret_at, uint32_t *ret_n);

#endif

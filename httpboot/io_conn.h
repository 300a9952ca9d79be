/* conn: the connections of one process, from accept to close.
 *
 *   conns_add -> (HANDSHAKE) -> HEAD -> (BODY) -> app_call -> SEND -> HEAD ...        LINGER -> closed
 *
 * A connection works at one request at a time. While an answer is being sent nothing is read, so that a
 * client that pipelines has its answers in order and a slow one holds back only itself. Each turn of the loop
 * does a bounded piece of work for a connection: TURN_REQUESTS requests, TURN_BYTES of a file; thus all get
 * their share.
 *
 * What a client may cost: `max_per_address` connections; of each 80 KiB of memory, a handshake in
 * HANDSHAKE_MS, a head in HEAD_MS, a body in BODY_MS, and PROGRESS_BYTES (or the answer's end) taken in each
 * STALL_MS. An address that wants more pushes out its own connection that yields for longest; when the
 * process is full, a new connection pushes out whichever does. Those yield that wait for a request, that send
 * a body without a good token, and that have stalled their answer for a quarter of STALL_MS. One that is
 * being served is never pushed out.
 */
#ifndef HTTPBOOT_IO_CONN_H
#define HTTPBOOT_IO_CONN_H

#include "base/loop.h"
#include "httpboot/app.h"
#include "httpboot/io_tls.h"

struct conns;

struct conns_config {
    struct loop *loop; /* lent, as all here */
    struct app *app;
    size_t max, max_per_address;
    unsigned stall_ms;          /* 0: STALL_MS */
    int send_buffer;            /* bytes that the kernel takes from us in advance; 0: as it finds best */
    void (*on_room)(void *ctx); /* one has ended: there is room again */
    void *ctx;
};
struct conns *conns_new(const struct conns_config *cfg);
void conns_free(struct conns *cs); /* takes NULL; closes all */

/* Room for one more, made if need be; false when all are being served. */
bool conns_make_room(struct conns *cs);
bool conns_has_room(const struct conns *cs);
size_t conns_count(const struct conns *cs);
/* Takes the socket. tls: NULL for plain HTTP. */
void conns_add(struct conns *cs, int fd, struct ip4 peer, struct tls_server *tls);
/* Closes those that took too long, and logs whom the last second refused; once a second. */
void conns_tick(struct conns *cs);

#endif

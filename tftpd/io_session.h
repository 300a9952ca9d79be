/* io_session: the transfers under way: each has a socket, a clock, a file and a place. */
#ifndef TFTPD_IO_SESSION_H
#define TFTPD_IO_SESSION_H

#include <netinet/in.h>

#include "base/loop.h"
#include "tftpd/cache.h"
#include "tftpd/io_journal.h"
#include "tftpd/packet.h"
#include "tftpd/places.h"

struct io_sessions;
struct io_sessions *io_sessions_new(struct loop *l, struct io_journal *j); /* j: NULL, or outlives it */
void io_sessions_free(struct io_sessions *all); /* takes NULL; tells each client that the server stops */

/* A read that was asked for. */
struct io_request {
    const char *interface; /* "" for any */
    struct sockaddr_in peer;
    struct in_addr local; /* the address of ours that was asked */
    const struct tftp_packet *packet;
    const char *name; /* normalised */
    uint64_t now_us;
};

/* Does it repeat the request of a transfer that is under way? Then there is nothing to do: the first answer
 * was slow or lost, and the transfer's own clock sends it again. Another request from the same port ends the
 * transfer that it had. */
bool io_session_repeated(struct io_sessions *all, const struct io_request *r);

/* Where there is no room nothing happens, which is no error: a client asks again. file_fd stays the caller's.
 * Errors: the cache's, and the sockets'. */
int io_session_start(struct io_sessions *all, const struct io_request *r, int file_fd, struct err *e);

uint64_t io_now_us(void);
const char *io_peer_text(const struct sockaddr_in *peer, char buf[32]);
void io_send_error(int fd, const struct sockaddr_in *peer, enum tftp_code code, const char *text);

#endif

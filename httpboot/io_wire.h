/* wire: the bytes of one connection, plain or by TLS. The layer above cannot tell which, but for asking.
 *
 * Life cycle: wire_plain or wire_tls; wire_handshake until it is done; read, write, sendfile; wire_end; the
 * wire is closed by wire_close.
 *
 * Every call does as much as it can at once: it returns the bytes moved, 0 at the end of what the client
 * sends, or -1. After -1 with wire_would_block() the wire waits for `want` (WATCH_READ or WATCH_WRITE), and
 * the same call is to be made again; else the connection is lost.
 */
#ifndef HTTPBOOT_IO_WIRE_H
#define HTTPBOOT_IO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_server;
struct tls; /* io_tls.c's */

struct wire {
    int fd;
    struct tls *tls; /* NULL: plain */
    unsigned want;
};

void wire_plain(struct wire *w, int fd);
int wire_tls(struct wire *w, int fd, struct tls_server *server); /* -1: out of memory */
bool wire_is_tls(const struct wire *w);
void wire_close(struct wire *w);
/* From now on closing takes back what the client has not taken: the kernel would keep it for minutes. */
void wire_abort(struct wire *w);

int wire_handshake(struct wire *w); /* 0 or -1; plain wires need none */
ssize_t wire_read(struct wire *w, void *p, size_t n);
/* more: what follows at once may share a packet with it. */
ssize_t wire_write(struct wire *w, const void *p, size_t n, bool more);
/* Sends up to n bytes, or a few more but never past `left`, of the file from `at` on. 0: the file ends there.
 */
ssize_t wire_sendfile(struct wire *w, int file, off_t at, size_t n, size_t left);

bool wire_would_block(void);
/* Bytes have been taken from the socket that wire_read would give at once; the socket will not say so. */
bool wire_has_pending(const struct wire *w);
/* We send no more. What still comes is read by wire_drain, and means nothing. */
int wire_end(struct wire *w);
ssize_t wire_drain(struct wire *w, void *p, size_t n);

#endif

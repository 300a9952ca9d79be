/* io_socket: the server's UDP sockets, and what the kernel knows of a packet and a path. */
#ifndef TFTPD_IO_SOCKET_H
#define TFTPD_IO_SOCKET_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "tftpd/transfer.h"

/* The well-known port, on one interface ("" for all). */
int io_socket_listen(const char *interface, uint16_t port, int *ret_fd, struct err *e);

/* A fresh port at the address that was asked, on the same interface; room for a window to be sent. */
int io_socket_fresh(const char *interface, struct in_addr local, int *ret_fd, struct err *e);

/* One request and the address of ours that it came to (the right one to answer from, also after a broadcast).
 * Returns the bytes; -1 when there is nothing. */
ssize_t io_socket_request(int fd, void *buf, size_t size, struct sockaddr_in *ret_peer,
                          struct in_addr *ret_local);

/* The MTU of the path to the peer as the kernel's routes and interfaces have it; 0 when it is not known. */
uint32_t io_socket_mtu(const char *interface, const struct sockaddr_in *peer);

/* From now on routers may cut this socket's packets. */
void io_socket_may_fragment(int fd);

/* What the network said of packets to the peer since it was last asked. */
enum { IO_CLOSED = 1, IO_NARROW = 2 };
unsigned io_socket_troubles(int fd, const struct sockaddr_in *peer);

/* A packet of ours that is not a block. What does not leave is as if lost. */
void io_socket_send(int fd, const struct sockaddr_in *peer, const void *bytes, size_t n);

/* Sends blocks, the first of which lies at `from`, many a call. Returns 0; -1 with errno EFAULT when the
 * bytes are gone. A full send buffer is no error: what did not leave is as if lost, and the transfer's clock
 * brings it back. *cut: whether the kernel may be given many blocks as one packet to cut; becomes false where
 * it cannot. */
int io_socket_blocks(int fd, const struct sockaddr_in *peer, const struct transfer *t, const uint8_t *from,
                     uint64_t first, uint32_t count, bool *cut);

#endif

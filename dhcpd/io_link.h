/* io_link: one interface. A capture handle for what is broadcast or comes from a client without an address,
 * and a UDP socket for what is sent to our own address: relayed and unicast traffic. The two never hand out
 * the same packet: the capture's filter takes what is broadcast or has no source address, and the socket's
 * reader leaves out what was broadcast. The socket is also why the system does not answer "port unreachable".
 */
#ifndef DHCPD_IO_LINK_H
#define DHCPD_IO_LINK_H

#include "dhcpd/io_service.h"

#define PACKET_MAX       2048
#define IO_LINK_READ_MAX 64

struct io_link;
/* Needs root (CAP_NET_RAW, CAP_NET_BIND_SERVICE). */
/* pxe: port 4011 too (proxy.h). */
int io_link_open(const char *name, bool pxe, struct io_link **ret, struct err *e);
void io_link_close(struct io_link *l); /* takes NULL */

const struct link *io_link_facts(const struct io_link *l);
/* next_of is the one after it in the circle of our interfaces. */
void io_link_next(struct io_link *l, const struct io_link *next);
int io_link_capture_fd(const struct io_link *l);
int io_link_socket_fd(const struct io_link *l);
int io_link_pxe_fd(const struct io_link *l); /* -1: none */

/* libpcap leaves out what we send ourselves only after the kernel has copied it to each capture. */
struct pcap;
void io_link_ignore_own(struct pcap *capture);

/* One message as it came; or, when `why` says so, a frame that holds none. */
struct packet {
    struct arrival from;
    enum drop why;
    size_t n;
    uint8_t bytes[PACKET_MAX];
};
/* Reads what is there, of each source at most IO_LINK_READ_MAX, and at most `room` in all. -1 when the
 * interface is gone. */
int io_link_read(struct io_link *l, struct packet *to, size_t room, size_t *ret_n, struct err *e);
/* Sends them, as few calls as it can; returns how many could not be sent. */
size_t io_link_send(struct io_link *l, const struct answer *const *list, size_t n);

#endif

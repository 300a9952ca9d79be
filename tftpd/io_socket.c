#include "tftpd/io_socket.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#define UDP_ROOM 65000 /* bytes that one UDP packet holds, cut or not */

/* How long each block is: the control message of UDP_SEGMENT. */
union io_cut {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(uint16_t))];
};

static int open_udp(const char *interface, struct in_addr local, uint16_t port, int *ret_fd, struct err *e)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = local};
    if (fd < 0)
        return err_errno(e, "opening a UDP socket");
    if (interface[0] &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface))) {
        err_errno(e, "TFTP on interface %s; see that it exists (ip link)", interface);
        close(fd);
        return -1;
    }
    if (bind(fd, (struct sockaddr *)&at, sizeof at)) {
        err_errno(e,
                  "TFTP on UDP port %u%s%s; another TFTP server may hold it (ss -ulpn), and a port below "
                  "1024 needs root",
                  port, interface[0] ? " of " : "", interface);
        close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

int io_socket_listen(const char *interface, uint16_t port, int *ret_fd, struct err *e)
{
    int fd, on = 1, room = 4 << 20;
    if (open_udp(interface, (struct in_addr){0}, port, &fd, e))
        return -1;
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on)) {
        close(fd);
        return err_errno(e, "asking for the addresses of requests");
    }
    /* A rack that is switched on asks at once: more than the system's limit, where we may. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    *ret_fd = fd;
    return 0;
}

int io_socket_fresh(const char *interface, struct in_addr local, int *ret_fd, struct err *e)
{
    int fd, room = 2 * WINDOW_BYTES_MAX, whole = IP_PMTUDISC_DO, on = 1;
    if (open_udp(interface, local, 0, &fd, e))
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    /* Packets say "do not fragment", and the kernel notes what routers answer: the next transfer's blksize is
     * lowered to it, and this one's packets are cut from then on. (IP_PMTUDISC_WANT would not do: with it the
     * packets of UDP_SEGMENT do not say so.) */
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
    /* Not connected, since strangers get an answer: so errors are asked for. */
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    *ret_fd = fd;
    return 0;
}

ssize_t io_socket_request(int fd, void *buf, size_t size, struct sockaddr_in *ret_peer,
                          struct in_addr *ret_local)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
    struct iovec iov = {.iov_base = buf, .iov_len = size};
    struct msghdr m = {.msg_name = ret_peer,
                       .msg_namelen = sizeof *ret_peer,
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &m, 0);
    ret_local->s_addr = 0;
    for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct in_pktinfo info;
        if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
            continue;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        *ret_local = info.ipi_spec_dst; /* our own address, whatever the packet's destination was */
    }
    return n;
}

uint32_t io_socket_mtu(const char *interface, const struct sockaddr_in *peer)
{
    int fd, mtu = 0;
    socklen_t n = sizeof mtu;
    if (open_udp(interface, (struct in_addr){0}, 0, &fd, NULL))
        return 0;
    if (connect(fd, (const struct sockaddr *)peer, sizeof *peer) ||
        getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &n))
        mtu = 0;
    close(fd);
    return mtu > 0 ? (uint32_t)mtu : 0;
}

void io_socket_may_fragment(int fd)
{
    int dont = IP_PMTUDISC_DONT;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof dont);
}

/* One entry of the error queue; false when there is none. What a stranger's packets met is not the peer's. */
static bool take_error(int fd, const struct sockaddr_in *peer, unsigned *troubles)
{
    union {
        struct cmsghdr align;
        char bytes[512];
    } control;
    struct sockaddr_in to = {0};
    struct msghdr m = {
        .msg_name = &to, .msg_namelen = sizeof to, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
        return false;
    bool ours = to.sin_addr.s_addr == peer->sin_addr.s_addr && to.sin_port == peer->sin_port;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct sock_extended_err x;
        if (!ours || c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR)
            continue;
        memcpy(&x, CMSG_DATA(c), sizeof x);
        *troubles |= x.ee_errno == ECONNREFUSED ? IO_CLOSED : x.ee_errno == EMSGSIZE ? IO_NARROW : 0;
    }
    return true;
}

unsigned io_socket_troubles(int fd, const struct sockaddr_in *peer)
{
    unsigned troubles = 0;
    while (take_error(fd, peer, &troubles))
        ;
    return troubles;
}

/* A message of `n` blocks. More than one leave as a single large packet that the kernel, or the NIC, cuts
 * into blocks (UDP_SEGMENT): all but the last have the same length. That is most of a window's speed. */
static struct msghdr message(const struct sockaddr_in *peer, struct iovec (*iov)[2], size_t n,
                             union io_cut *control, size_t each)
{
    struct msghdr m = {
        .msg_name = (void *)peer, .msg_namelen = sizeof *peer, .msg_iov = iov[0], .msg_iovlen = 2 * n};
    if (n < 2)
        return m;
    uint16_t length = (uint16_t)each;
    *control = (union io_cut){
        .head = {.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof length)}};
    memcpy(CMSG_DATA(&control->head), &length, sizeof length);
    m.msg_control = control;
    m.msg_controllen = sizeof *control;
    return m;
}

/* What waits in the socket's error queue is told once, by a call that it has nothing to do with. */
static ssize_t send_again(int fd, const struct msghdr *m)
{
    ssize_t n = sendmsg(fd, m, 0);
    return n < 0 && errno != EAGAIN && errno != EFAULT ? sendmsg(fd, m, 0) : n;
}

void io_socket_send(int fd, const struct sockaddr_in *peer, const void *bytes, size_t n)
{
    struct iovec iov = {.iov_base = (void *)bytes, .iov_len = n};
    struct msghdr m = {
        .msg_name = (void *)peer, .msg_namelen = sizeof *peer, .msg_iov = &iov, .msg_iovlen = 1};
    send_again(fd, &m);
}

int io_socket_blocks(int fd, const struct sockaddr_in *peer, const struct transfer *t, const uint8_t *from,
                     uint64_t first, uint32_t count, bool *cut)
{
    uint8_t heads[WINDOW_MAX][TFTP_HEAD];
    struct iovec iov[WINDOW_MAX][2];
    const size_t each = t->blksize + TFTP_HEAD;
    union io_cut control;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at;
        uint32_t n;
        transfer_block(t, first + i, &at, &n);
        tftp_data_head((uint16_t)(first + i), heads[i]);
        iov[i][0] = (struct iovec){.iov_base = heads[i], .iov_len = TFTP_HEAD};
        iov[i][1] = (struct iovec){.iov_base = (void *)(from + (size_t)i * t->blksize), .iov_len = n};
    }
    for (uint32_t sent = 0; sent < count;) {
        size_t n = *cut && each <= UDP_ROOM / 2 ? UDP_ROOM / each : 1;
        n = n < count - sent ? n : count - sent;
        struct msghdr m = message(peer, iov + sent, n, &control, each);
        if (send_again(fd, &m) >= 0)
            sent += (uint32_t)n;
        else if (errno == EFAULT)
            return -1;
        else if (!*cut || errno == EAGAIN || errno == ENOBUFS)
            return 0;
        else { /* too big for the path by now, or the device cannot: one by one, and cut where need be */
            *cut = false;
            io_socket_may_fragment(fd);
        }
    }
    return 0;
}

#include "tftpd/io_socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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
    int fd, on = 1, room = 1 << 20;
    if (open_udp(interface, (struct in_addr){0}, port, &fd, e))
        return -1;
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on)) {
        close(fd);
        return err_errno(e, "asking for the addresses of requests");
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room); /* a rack that is switched on asks at once */
    *ret_fd = fd;
    return 0;
}

int io_socket_fresh(const char *interface, struct in_addr local, int *ret_fd, struct err *e)
{
    int fd, room = 2 * WINDOW_BYTES_MAX, dont = IP_PMTUDISC_DONT;
    if (open_udp(interface, local, 0, &fd, e))
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    /* A path that narrows during the transfer gets fragments rather than silence. */
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof dont);
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

int io_socket_blocks(int fd, const struct sockaddr_in *peer, const struct transfer *t, struct span file,
                     uint64_t first, uint32_t count)
{
    uint8_t heads[WINDOW_MAX][TFTP_HEAD];
    struct iovec iov[WINDOW_MAX][2];
    struct mmsghdr msgs[WINDOW_MAX];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at;
        uint32_t n;
        transfer_block(t, first + i, &at, &n);
        tftp_data_head((uint16_t)(first + i), heads[i]);
        iov[i][0] = (struct iovec){.iov_base = heads[i], .iov_len = TFTP_HEAD};
        iov[i][1] = (struct iovec){.iov_base = n ? (void *)(file.p + at) : NULL, .iov_len = n};
        msgs[i].msg_hdr = (struct msghdr){.msg_name = (void *)peer,
                                          .msg_namelen = sizeof *peer,
                                          .msg_iov = iov[i],
                                          .msg_iovlen = n ? 2 : 1};
    }
    for (uint32_t sent = 0; sent < count;) {
        int n = sendmmsg(fd, msgs + sent, count - sent, 0);
        if (n > 0)
            sent += (uint32_t)n;
        else if (errno == EFAULT)
            return -1;
        else if (errno != EINTR && errno != ECONNREFUSED)
            return 0;
    }
    return 0;
}

#include "dhcpd/io_link.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "dhcpd/frame.h"

#define SNAPLEN        PACKET_MAX
#define CAPTURE_BUFFER (8 << 20) /* a rack that gets its power back asks all at once */
#define SOCKET_BUFFER  (4 << 20)
#define DHCP_PORT      67
#define PXE_PORT       4011
#define MANY           IO_LINK_READ_MAX /* packets of one call */

struct io_link {
    struct link facts;
    pcap_t *capture;
    int fd, pxe_fd;
    struct packet *to; /* while reading */
    size_t room;
};

/* Room for the address of ours that a datagram came to or leaves from. */
union pktinfo {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

const struct link *io_link_facts(const struct io_link *l)
{
    return &l->facts;
}

void io_link_next(struct io_link *l, const struct io_link *next)
{
    l->facts.next = &next->facts;
}

int io_link_capture_fd(const struct io_link *l)
{
    return pcap_get_selectable_fd(l->capture);
}

int io_link_socket_fd(const struct io_link *l)
{
    return l->fd;
}

int io_link_pxe_fd(const struct io_link *l)
{
    return l->pxe_fd;
}

/* Opening
 * -------------------------------------------------------------------------------------------------------------
 */

static void take_address(struct link *f, const struct ifaddrs *a)
{
    const struct sockaddr_in *ip = (const void *)a->ifa_addr, *mask = (const void *)a->ifa_netmask;
    const struct sockaddr_ll *ll = (const void *)a->ifa_addr;
    if (a->ifa_addr->sa_family == AF_PACKET && ll->sll_halen == sizeof f->mac.b)
        memcpy(f->mac.b, ll->sll_addr, sizeof f->mac.b);
    if (a->ifa_addr->sa_family != AF_INET || f->addresses_n == LINK_ADDRESSES_MAX)
        return;
    struct ip4_if x = {.ip = {ntohl(ip->sin_addr.s_addr)}};
    x.len = mask ? (uint8_t)__builtin_popcount(mask->sin_addr.s_addr) : 32;
    f->addresses[f->addresses_n++] = x;
}

static int find_facts(const char *name, struct link *f, struct err *e)
{
    struct ifaddrs *all;
    str_copy(f->name, sizeof f->name, name);
    f->index = (int)if_nametoindex(name);
    if (!f->index)
        return err_set(e, ERR_NOT_FOUND, "dhcp: there is no interface %s; see `ip link`", name);
    if (getifaddrs(&all))
        return err_errno(e, "dhcp: the addresses of %s cannot be read", name);
    for (const struct ifaddrs *a = all; a; a = a->ifa_next)
        if (a->ifa_addr && !strcmp(a->ifa_name, name))
            take_address(f, a);
    freeifaddrs(all);
    if (!f->addresses_n)
        return err_set(e, ERR_INPUT,
                       "dhcp: %s has no IPv4 address; give it one in a configured subnet (ip addr add)",
                       name);
    return 0;
}

/* What the socket cannot serve: clients without an address, and broadcasts, also those of our own subnets. */
static char *filter_text(const struct link *f)
{
    struct str s = {0};
    char ip[IP4_STR];
    str_add(&s, "udp dst port 67 and (src host 0.0.0.0 or dst host 255.255.255.255");
    for (size_t i = 0; i < f->addresses_n; i++)
        if (f->addresses[i].len < 31)
            str_addf(&s, " or dst host %s", ip4_format(prefix_broadcast(prefix_of(f->addresses[i])), ip));
    str_add(&s, ")");
    return str_take(&s);
}

static int set_filter(struct io_link *l, struct err *e)
{
    struct bpf_program program;
    char *text = filter_text(&l->facts);
    int r = pcap_compile(l->capture, &program, text, 1, PCAP_NETMASK_UNKNOWN);
    free(text);
    if (r == 0) {
        r = pcap_setfilter(l->capture, &program);
        pcap_freecode(&program);
    }
    if (r)
        return err_set(e, ERR_IO, "dhcp: no capture filter on %s: %s", l->facts.name,
                       pcap_geterr(l->capture));
    return 0;
}

void io_link_ignore_own(struct pcap *capture)
{
    int one = 1;
    setsockopt(pcap_fileno(capture), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
}

static int open_capture(struct io_link *l, struct err *e)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    const char *name = l->facts.name;
    l->capture = pcap_create(name, text);
    if (!l->capture)
        return err_set(e, ERR_IO, "dhcp: no capture on %s: %s", name, text);
    pcap_set_snaplen(l->capture, SNAPLEN);
    pcap_set_promisc(l->capture, 0);
    pcap_set_immediate_mode(l->capture, 1);
    pcap_set_buffer_size(l->capture, CAPTURE_BUFFER);
    int r = pcap_activate(l->capture);
    if (r < 0)
        return err_set(e, ERR_IO, "dhcp: no capture on %s: %s (%s); it needs root, and the interface up",
                       name, pcap_statustostr(r), pcap_geterr(l->capture));
    if (pcap_datalink(l->capture) != DLT_EN10MB)
        return err_set(e, ERR_INPUT, "dhcp: %s is no Ethernet interface; DHCP is served on Ethernet only",
                       name);
    if (pcap_setdirection(l->capture, PCAP_D_IN) || pcap_setnonblock(l->capture, 1, text) < 0)
        return err_set(e, ERR_IO, "dhcp: capture on %s: %s %s", name, pcap_geterr(l->capture), text);
    io_link_ignore_own(l->capture);
    return set_filter(l, e);
}

static int bind_socket(const char *name, int fd, uint16_t port, struct err *e)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, size = SOCKET_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1))
        return err_errno(e, "dhcp: no socket on %s (it needs root)", name);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* less room is no reason to stop */
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one))
        return err_errno(e, "dhcp: socket on %s", name);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) == 0)
        return 0;
    if (errno == EADDRINUSE)
        return err_set(e, ERR_CONFLICT,
                       "dhcp: UDP port %u on %s is in use: another DHCP server or relay runs here; `ss -lunp "
                       "sport = %u` "
                       "shows which, stop it",
                       port, name, port);
    return err_errno(e, "dhcp: UDP port %u on %s", port, name);
}

static int open_socket(const char *name, uint16_t port, int *ret_fd, struct err *e)
{
    *ret_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return *ret_fd < 0 ? err_errno(e, "dhcp: no socket for %s", name) : bind_socket(name, *ret_fd, port, e);
}

int io_link_open(const char *name, bool pxe, struct io_link **ret, struct err *e)
{
    struct io_link *l = xcalloc(1, sizeof *l);
    l->fd = l->pxe_fd = -1;
    if (find_facts(name, &l->facts, e) || open_socket(name, DHCP_PORT, &l->fd, e) ||
        (pxe && open_socket(name, PXE_PORT, &l->pxe_fd, e)) || open_capture(l, e)) {
        io_link_close(l);
        return -1;
    }
    *ret = l;
    return 0;
}

void io_link_close(struct io_link *l)
{
    if (!l)
        return;
    if (l->capture)
        pcap_close(l->capture);
    if (l->fd >= 0)
        close(l->fd);
    if (l->pxe_fd >= 0)
        close(l->pxe_fd);
    free(l);
}

/* Reading
 * -------------------------------------------------------------------------------------------------------------
 */

static bool for_us(const struct io_link *l, struct mac dst)
{
    return (dst.b[0] & 1) || mac_eq(dst, l->facts.mac);
}

static struct packet *next_packet(struct io_link *l, bool unicast)
{
    struct packet *p = l->to++;
    l->room--;
    p->from = (struct arrival){.link = &l->facts, .unicast = unicast};
    p->why = DROP_NONE;
    return p;
}

static void on_frame(u_char *ctx, const struct pcap_pkthdr *h, const u_char *bytes)
{
    struct io_link *l = (void *)ctx;
    struct udp_frame f;
    enum drop why = frame_decode(span_of(bytes, h->caplen), &f);
    if (why == DROP_NONE && !for_us(l, f.dst))
        return;
    struct packet *p = next_packet(l, false);
    p->why = why;
    p->n = why == DROP_NONE ? f.payload.n : 0;
    if (p->n)
        memcpy(p->bytes, f.payload.p, p->n); /* no longer than the snapshot */
}

static bool was_for_our_address(const struct io_link *l, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return link_has(&l->facts, (struct ip4){ntohl(info.ipi_addr.s_addr)});
        }
    return false;
}

/* Into the next packets, which are taken only when they are for us. */
static void read_datagrams(struct io_link *l, int fd)
{
    struct mmsghdr m[MANY] = {0};
    struct iovec v[MANY];
    struct sockaddr_in source[MANY];
    union pktinfo control[MANY];
    unsigned many = l->room < MANY ? (unsigned)l->room : MANY;
    struct packet *at = l->to;
    for (unsigned i = 0; i < many; i++) {
        v[i] = (struct iovec){.iov_base = at[i].bytes, .iov_len = PACKET_MAX};
        m[i].msg_hdr = (struct msghdr){.msg_name = &source[i],
                                       .msg_namelen = sizeof source[i],
                                       .msg_iov = &v[i],
                                       .msg_iovlen = 1,
                                       .msg_control = &control[i],
                                       .msg_controllen = sizeof control[i]};
    }
    int n = recvmmsg(fd, m, many, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) { /* -1: none, or interrupted: the loop wakes us again */
        if (!was_for_our_address(l, &m[i].msg_hdr))
            continue;
        struct packet *p = next_packet(l, true);
        p->from.pxe = fd == l->pxe_fd;
        p->from.source_port = ntohs(source[i].sin_port);
        p->n = m[i].msg_len;
        if (p != &at[i])
            memcpy(p->bytes, at[i].bytes, p->n);
    }
}

int io_link_read(struct io_link *l, struct packet *to, size_t room, size_t *ret_n, struct err *e)
{
    *ret_n = 0;
    l->to = to;
    l->room = room;
    int frames = room < IO_LINK_READ_MAX ? (int)room : IO_LINK_READ_MAX;
    if (frames && pcap_dispatch(l->capture, frames, on_frame, (u_char *)l) == PCAP_ERROR)
        return err_set(e, ERR_IO, "dhcp: capture on %s: %s", l->facts.name, pcap_geterr(l->capture));
    if (l->room)
        read_datagrams(l, l->fd);
    if (l->room && l->pxe_fd >= 0)
        read_datagrams(l, l->pxe_fd);
    *ret_n = room - l->room;
    return 0;
}

/* Sending
 * -------------------------------------------------------------------------------------------------------------
 */

/* One that the system refuses does not keep the others from leaving. */
static size_t send_many(int fd, struct mmsghdr *m, unsigned n)
{
    size_t failed = 0;
    for (unsigned done = 0; done < n;) {
        int r = sendmmsg(fd, m + done, n - done, 0);
        if (r > 0) {
            done += (unsigned)r;
        } else if (errno != EINTR) {
            failed++;
            done++;
        }
    }
    return failed;
}

static void encode_frame(const struct io_link *l, const struct answer *a, struct writer *w)
{
    struct udp_frame f = {.src = l->facts.mac,
                          .dst = a->to.mac,
                          .ip_src = a->source,
                          .ip_dst = a->to.ip,
                          .port_src = DHCP_PORT,
                          .port_dst = a->to.port,
                          .payload = span_of(a->bytes, a->n)};
    frame_encode(&f, w);
}

/* Through libpcap's own socket, as pcap_inject does, but many in one call. */
static size_t send_frames(struct io_link *l, const struct answer *const *list, unsigned n)
{
    static uint8_t bytes[MANY][FRAME_HEADERS + MESSAGE_MAX];
    struct mmsghdr m[MANY] = {0};
    struct iovec v[MANY];
    for (unsigned i = 0; i < n; i++) {
        struct writer w = writer_of(bytes[i], sizeof bytes[i]);
        encode_frame(l, list[i], &w);
        v[i] = (struct iovec){.iov_base = bytes[i], .iov_len = writer_used(&w)};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
    }
    return send_many(pcap_fileno(l->capture), m, n);
}

static void put_source(struct msghdr *m, union pktinfo *control, struct ip4 source)
{
    struct in_pktinfo info = {.ipi_spec_dst = {htonl(source.a)}};
    *control = (union pktinfo){0};
    m->msg_control = control;
    m->msg_controllen = sizeof *control;
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
}

static size_t send_datagrams(struct io_link *l, const struct answer *const *list, unsigned n)
{
    struct mmsghdr m[MANY] = {0};
    struct iovec v[MANY];
    struct sockaddr_in to[MANY];
    union pktinfo control[MANY];
    for (unsigned i = 0; i < n; i++) {
        const struct answer *a = list[i];
        to[i] = (struct sockaddr_in){
            .sin_family = AF_INET, .sin_port = htons(a->to.port), .sin_addr.s_addr = htonl(a->to.ip.a)};
        v[i] = (struct iovec){.iov_base = (void *)a->bytes, .iov_len = a->n};
        m[i].msg_hdr = (struct msghdr){
            .msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &v[i], .msg_iovlen = 1};
        put_source(&m[i].msg_hdr, &control[i], a->source);
    }
    return send_many(list[0]->to.how == SEND_PXE ? l->pxe_fd : l->fd, m, n);
}

size_t io_link_send(struct io_link *l, const struct answer *const *list, size_t n)
{
    size_t failed = 0;
    for (size_t i = 0; i < n;) {
        enum send_how how = list[i]->to.how;
        unsigned many = 1;
        while (many < MANY && i + many < n && list[i + many]->to.how == how)
            many++;
        failed += (how == SEND_FRAME ? send_frames : send_datagrams)(l, list + i, many);
        i += many;
    }
    return failed;
}

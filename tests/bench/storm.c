/* A rack that gets its power back: N stand-in machines, each with its own MAC and IP address, go the whole
 * way to the installer, all started within a second:
 *
 *   DISCOVER..ACK as UEFI firmware -> the loader by TFTP -> DISCOVER..ACK as iPXE -> boot script -> kernel ->
 * initramfs
 *
 * DHCP goes as Ethernet frames through one packet socket; TFTP and HTTP through the kernel, each machine from
 * its own address (the script gives the interface all of them). Each byte of loader, kernel and initramfs is
 * compared with the file that is served, and thrown away.
 *
 *   storm INTERFACE SERVER FIRST-ADDRESS N LOADER KERNEL INITRAMFS
 *
 * FIRST-ADDRESS: what the inventory has for 02:73:00:00:00:00; the next machine has the next one of both.
 * Prints a row for each step; ends with 1 if a machine failed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ETHERNET  14
#define HEADERS   (ETHERNET + 20 + 8)
#define OPTIONS   240 /* in a DHCP message, behind the cookie */
#define BLKSIZE   1468
#define HEAD_MAX  4096
#define TRIES_MAX 6
#define AT_ONCE   256

enum step { PXE_DHCP, LOADER, IPXE_DHCP, SCRIPT, KERNEL, INITRAMFS, STEPS, FAILED };
static const char *const step_names[] = {"DHCP, as firmware", "loader, by TFTP", "DHCP, as iPXE",
                                         "boot script",       "kernel",          "initramfs"};

struct content {
    const uint8_t *bytes;
    size_t n;
};

struct machine {
    enum step at;
    bool begun, requesting; /* REQUEST sent, the ACK is waited for */
    uint32_t number;
    int fd; /* of the transfer; -1 */
    double began, step_began, deadline, took[STEPS];
    unsigned tries;
    uint8_t server_id[4];
    struct in_addr ip;
    size_t got; /* bytes of the file */
    uint16_t block;
    char paths[3][400]; /* script, kernel, initramfs */
    char head[HEAD_MAX];
    size_t head_n;
    bool in_body, sending;
    size_t left;
};

struct storm {
    int packet, epoll;
    uint8_t mac[6]; /* of the server, as its frames have it */
    struct sockaddr_ll to;
    struct in_addr server, first;
    uint32_t n, over, failed;
    uint64_t repeated;
    struct machine *m;
    struct content loader, kernel, initramfs;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void enter(struct storm *s, struct machine *m, enum step step);

static void fail(struct storm *s, struct machine *m, const char *why)
{
    if (s->failed++ < 5)
        fprintf(stderr, "machine %u failed at %s: %s\n", m->number, step_names[m->at], why);
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
    m->at = FAILED;
    s->over++;
}

static void step_done(struct storm *s, struct machine *m)
{
    m->took[m->at] = now() - m->step_began;
    enter(s, m, m->at + 1);
}

/* ---- DHCP */

static uint8_t *put(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}
#define PUT(p, ...) put(p, (uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static uint32_t transaction(const struct machine *m)
{
    return m->number << 4 | (uint32_t)m->at;
}

static uint8_t *mac_of(const struct machine *m, uint8_t *p)
{
    return PUT(p, 0x02, 0x73, 0, (uint8_t)(m->number >> 16), (uint8_t)(m->number >> 8), (uint8_t)m->number);
}

static uint8_t *options(const struct machine *m, uint8_t *p)
{
    p = PUT(p, 0x63, 0x82, 0x53, 0x63, 53, 1, m->requesting ? 3 : 1, 57, 2, 5, 0xc0, 93, 2, 0, 7, 94, 3, 1, 3,
            1);
    p = put(p, "\x3c\x20PXEClient:Arch:00007:UNDI:003001", 34);
    p = put(p, "\x61\x11\0storm-uuid", 13);
    p = PUT(p, 0, 0, (uint8_t)(m->number >> 16), (uint8_t)(m->number >> 8), (uint8_t)m->number, 0);
    p = PUT(p, 55, 8, 1, 3, 6, 12, 15, 43, 66, 67);
    if (m->at == IPXE_DHCP)
        p = put(p, "\x4d\x04iPXE\xaf\x06\x13\x01\x01\x22\x01\x01", 14);
    if (m->requesting) {
        p = put(PUT(p, 50, 4), &m->ip, 4);
        p = put(PUT(p, 54, 4), m->server_id, 4);
    }
    return PUT(p, 255);
}

static uint16_t ip_checksum(const uint8_t *p)
{
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Ethernet, IPv4, UDP without a checksum, in front of a message of n bytes. */
static void headers(const struct machine *m, uint8_t *p, size_t n)
{
    uint8_t *ip = p + ETHERNET;
    size_t whole = n + 28, udp = n + 8;
    mac_of(m, PUT(p, 255, 255, 255, 255, 255, 255));
    PUT(p + 12, 8, 0);
    PUT(ip, 0x45, 0, (uint8_t)(whole >> 8), (uint8_t)whole, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255,
        255, 255, 0, 68, 0, 67, (uint8_t)(udp >> 8), (uint8_t)udp, 0, 0);
    uint16_t sum = ip_checksum(ip);
    PUT(ip + 10, (uint8_t)(sum >> 8), (uint8_t)sum);
}

static void dhcp_send(struct storm *s, struct machine *m)
{
    uint8_t frame[1024] = {0}, *p = frame + HEADERS;
    uint32_t xid = htonl(transaction(m));
    put(PUT(p, 1, 1, 6, 0), &xid, 4);
    mac_of(m, p + 28);
    size_t n = (size_t)(options(m, p + 236) - p);
    n = n < 300 ? 300 : n;
    headers(m, frame, n);
    if (sendto(s->packet, frame, HEADERS + n, 0, (struct sockaddr *)&s->to, sizeof s->to) < 0 &&
        errno != ENOBUFS)
        perror("storm: sending a frame");
    m->deadline = now() + (double)(1u << m->tries); /* firmware waits longer */
}

static const uint8_t *option(const uint8_t *p, size_t n, uint8_t code)
{
    for (size_t i = OPTIONS; i + 1 < n && p[i] != 255; i += p[i] ? 2u + p[i + 1] : 1u)
        if (p[i] == code && i + 2 + p[i + 1] <= n)
            return p + i;
    return NULL;
}

/* The boot file: option 67, or the field of the header. */
static void boot_file(const uint8_t *p, size_t n, char *ret, size_t size)
{
    const uint8_t *o = option(p, n, 67);
    if (o)
        snprintf(ret, size, "%.*s", o[1], o + 2);
    else
        snprintf(ret, size, "%.128s", (const char *)p + 108);
}

static void acknowledged(struct storm *s, struct machine *m, const uint8_t *p, size_t n)
{
    char file[400], *path;
    boot_file(p, n, file, sizeof file);
    if (m->at == PXE_DHCP && strcmp(file, "ipxe.efi") != 0)
        fail(s, m, *file ? file : "no boot file");
    else if (m->at == PXE_DHCP)
        step_done(s, m);
    else if (strncmp(file, "http://", 7) != 0 || !(path = strchr(file + 7, '/')))
        fail(s, m, *file ? file : "no boot script");
    else {
        path[strcspn(path, "?")] = '\0'; /* what iPXE would fill in */
        snprintf(m->paths[0], sizeof m->paths[0],
                 "%.200s?uuid=73746f72-6d00-4000-8000-%012x&serial=S%u&arch=x86_64", path, m->number,
                 m->number);
        step_done(s, m);
    }
}

static void dhcp_receive(struct storm *s, const uint8_t *p, size_t n)
{
    uint32_t xid;
    if (n < OPTIONS || p[0] != 2)
        return;
    memcpy(&xid, p + 4, 4);
    xid = ntohl(xid);
    const uint8_t *type = option(p, n, 53), *id = option(p, n, 54);
    if (!type || !id || id[1] != 4 || xid >> 4 >= s->n)
        return;
    struct machine *m = &s->m[xid >> 4];
    if (m->at != (enum step)(xid & 15) || (m->at != PXE_DHCP && m->at != IPXE_DHCP))
        return;
    if (type[2] == 2 && !m->requesting) {
        if (memcmp(p + 16, &m->ip, 4) != 0) {
            fail(s, m, "another address than its own was offered");
            return;
        }
        memcpy(m->server_id, id + 2, 4);
        m->requesting = true;
        m->tries = 0;
        dhcp_send(s, m);
    } else if (type[2] == 5 && m->requesting) {
        acknowledged(s, m, p, n);
    } else if (type[2] == 6) {
        fail(s, m, "NAK");
    }
}

static void frames(struct storm *s)
{
    uint8_t f[2048];
    ssize_t n;
    while ((n = recv(s->packet, f, sizeof f, MSG_DONTWAIT)) > HEADERS)
        dhcp_receive(s, f + HEADERS, (size_t)n - HEADERS);
}

/* ---- transfers */

static int open_socket(struct storm *s, struct machine *m, int type)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = m->ip};
    struct epoll_event ev = {.events = type == SOCK_STREAM ? EPOLLOUT : EPOLLIN, .data.u32 = m->number};
    m->fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&own, sizeof own) ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, m->fd, &ev))
        return -1;
    return 0;
}

static bool same(const struct content *c, size_t at, const uint8_t *p, size_t n)
{
    return at + n <= c->n && memcmp(c->bytes + at, p, n) == 0;
}

static void tftp_send(struct storm *s, struct machine *m)
{
    static const char rrq[] = "\0\1ipxe.efi\0octet\0tsize\0"
                              "0\0blksize\0"
                              "1468";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(69), .sin_addr = s->server};
    uint8_t ack[4] = {0, 4, (uint8_t)(m->block >> 8), (uint8_t)m->block};
    if (!m->in_body)
        sendto(m->fd, rrq, sizeof rrq, 0, (struct sockaddr *)&to, sizeof to);
    else
        send(m->fd, ack, sizeof ack, 0);
    m->deadline = now() + 1 + m->tries;
}

static void tftp_data(struct storm *s, struct machine *m, const uint8_t *p, size_t n)
{
    uint16_t block = (uint16_t)(p[2] << 8 | p[3]);
    if (p[1] == 5) {
        fail(s, m, (const char *)p + 4);
    } else if (p[1] == 6 && m->block == 0) {
        tftp_send(s, m);
    } else if (p[1] == 3 && block == (uint16_t)(m->block + 1)) {
        if (!same(&s->loader, m->got, p + 4, n - 4)) {
            fail(s, m, "a block with other bytes");
            return;
        }
        m->got += n - 4;
        m->block = block;
        m->tries = 0;
        tftp_send(s, m);
        if (n - 4 < BLKSIZE && m->got == s->loader.n)
            step_done(s, m);
    }
}

static void tftp_ready(struct storm *s, struct machine *m)
{
    uint8_t p[2048];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t n = recvfrom(m->fd, p, sizeof p - 1, 0, (struct sockaddr *)&from, &size);
    if (n < 4)
        return;
    p[n] = 0;
    if (!m->in_body && connect(m->fd, (struct sockaddr *)&from, sizeof from)) {
        fail(s, m, strerror(errno));
        return;
    }
    m->in_body = true; /* the server's port is known */
    tftp_data(s, m, p, (size_t)n);
}

static void http_ask(struct storm *s, struct machine *m)
{
    char q[600];
    int n =
        snprintf(q, sizeof q,
                 "GET %s HTTP/1.1\r\nHost: storm\r\nUser-Agent: iPXE/1.0.0\r\nConnection: keep-alive\r\n\r\n",
                 m->paths[m->at - SCRIPT]);
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = m->number};
    m->in_body = m->sending = false;
    m->head_n = m->got = 0;
    if (send(m->fd, q, (size_t)n, MSG_NOSIGNAL) != n)
        fail(s, m, strerror(errno));
    epoll_ctl(s->epoll, EPOLL_CTL_MOD, m->fd, &ev);
    m->deadline = now() + 120;
}

static void http_connect(struct storm *s, struct machine *m)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = s->server};
    if (open_socket(s, m, SOCK_STREAM) ||
        (connect(m->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS))
        fail(s, m, strerror(errno));
    m->sending = true;
    m->deadline = now() + 60;
}

static bool path_in(const char *script, const char *command, char *ret, size_t size)
{
    const char *line = strstr(script, command), *url = line ? strstr(line, "http://") : NULL;
    const char *path = url ? strchr(url + 7, '/') : NULL;
    if (!path)
        return false;
    snprintf(ret, size, "%.*s", (int)strcspn(path, " \n"), path);
    return true;
}

static void script_here(struct storm *s, struct machine *m)
{
    if (strstr(m->head, "rackstrap.mode=install") &&
        path_in(m->head, "\nkernel ", m->paths[1], sizeof m->paths[1]) &&
        path_in(m->head, "\ninitrd ", m->paths[2], sizeof m->paths[2]))
        step_done(s, m);
    else
        fail(s, m, m->head);
}

/* The head is whole: how long is what follows? What came with it is moved to the front. Returns its bytes;
 * -1. */
static ssize_t http_head(struct storm *s, struct machine *m, char *end)
{
    const char *length = strcasestr(m->head, "\r\ncontent-length:");
    size_t rest = m->head_n - (size_t)(end + 4 - m->head);
    if (strncmp(m->head, "HTTP/1.1 200", 12) != 0 || !length) {
        *strchr(m->head, '\r') = '\0';
        fail(s, m, m->head);
        return -1;
    }
    m->left = strtoul(length + 17, NULL, 10);
    m->in_body = true;
    memmove(m->head, end + 4, rest);
    m->head_n = rest;
    return (ssize_t)rest;
}

static void http_body(struct storm *s, struct machine *m, const uint8_t *p, size_t n)
{
    const struct content *c = m->at == KERNEL ? &s->kernel : &s->initramfs;
    if (n > m->left || (m->at != SCRIPT && !same(c, m->got, p, n))) {
        fail(s, m, "other bytes than the file's");
        return;
    }
    m->got += n;
    m->left -= n;
    m->deadline = now() + 120;
    if (m->left == 0 && m->at == SCRIPT)
        script_here(s, m);
    else if (m->left == 0 && m->got == c->n)
        step_done(s, m);
    else if (m->left == 0)
        fail(s, m, "shorter than the file");
}

static void http_ready(struct storm *s, struct machine *m)
{
    static uint8_t big[256 << 10];
    bool small = !m->in_body || m->at == SCRIPT; /* heads and scripts are kept */
    if (m->sending) {
        http_ask(s, m);
        return;
    }
    ssize_t n = small ? recv(m->fd, m->head + m->head_n, HEAD_MAX - 1 - m->head_n, 0)
                      : recv(m->fd, big, sizeof big, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            fail(s, m, n ? strerror(errno) : "the connection was closed");
        return;
    }
    if (!small) {
        http_body(s, m, big, (size_t)n);
        return;
    }
    m->head_n += (size_t)n;
    m->head[m->head_n] = '\0';
    char *end = m->in_body ? NULL : strstr(m->head, "\r\n\r\n");
    if (end && (n = http_head(s, m, end)) < 0)
        return;
    m->head[m->head_n] = '\0';
    if (m->in_body && n > 0)
        http_body(s, m, (uint8_t *)m->head + m->head_n - n, (size_t)n);
}

/* ---- the way */

static void enter_loader(struct storm *s, struct machine *m)
{
    if (open_socket(s, m, SOCK_DGRAM))
        fail(s, m, strerror(errno));
    else
        tftp_send(s, m);
}

static void enter(struct storm *s, struct machine *m, enum step step)
{
    if (m->fd >= 0 && step <= SCRIPT) {
        close(m->fd);
        m->fd = -1;
    }
    m->at = step;
    m->step_began = now();
    m->tries = 0;
    m->requesting = m->in_body = false;
    if (step == STEPS) {
        close(m->fd);
        m->fd = -1;
        s->over++;
    } else if (step == LOADER) {
        enter_loader(s, m);
    } else if (step == SCRIPT) {
        http_connect(s, m);
    } else if (step == KERNEL || step == INITRAMFS) {
        http_ask(s, m);
    } else {
        dhcp_send(s, m);
    }
}

static void overdue(struct storm *s, struct machine *m)
{
    s->repeated++;
    if (++m->tries == TRIES_MAX || m->at >= SCRIPT)
        fail(s, m, "no answer");
    else if (m->at == LOADER)
        tftp_send(s, m);
    else
        dhcp_send(s, m);
}

/* Begins those whose moment has come, and looks who waits in vain. */
static void look(struct storm *s, double start, double at)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct machine *m = &s->m[i];
        if (!m->begun && at - start >= (double)i / s->n) {
            m->begun = true;
            m->began = at;
            enter(s, m, PXE_DHCP);
        } else if (m->begun && m->at < STEPS && at > m->deadline) {
            overdue(s, m);
        }
    }
}

static void run(struct storm *s)
{
    struct epoll_event ev[AT_ONCE];
    double start = now(), looked = 0;
    while (s->over < s->n) {
        double at = now();
        if (at - looked > 0.002) {
            look(s, start, at);
            looked = at;
        }
        int n = epoll_wait(s->epoll, ev, AT_ONCE, at - start < 1.1 ? 1 : 50);
        for (int i = 0; i < n; i++) {
            struct machine *m = ev[i].data.u32 < s->n ? &s->m[ev[i].data.u32] : NULL;
            if (!m)
                frames(s);
            else if (m->at == LOADER)
                tftp_ready(s, m);
            else if (m->at >= SCRIPT && m->at < STEPS)
                http_ready(s, m);
        }
    }
}

/* ---- before and after */

static struct content content_of(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st)) {
        perror(path);
        exit(2);
    }
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        exit(2);
    return (struct content){p, (size_t)st.st_size};
}

/* Only what is for UDP port 68: the files must not come by here too. */
static void open_packet(struct storm *s, const char *interface)
{
    static struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETHERNET + 9),
                                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 3),
                                        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETHERNET + 22),
                                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 1),
                                        BPF_STMT(BPF_RET | BPF_K, 2048),
                                        BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog filter = {.len = sizeof code / sizeof *code, .filter = code};
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    int room = 16 << 20;
    s->to = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                 .sll_protocol = htons(0x0800),
                                 .sll_ifindex = (int)if_nametoindex(interface),
                                 .sll_halen = 6,
                                 .sll_addr = {255, 255, 255, 255, 255, 255}};
    s->packet = socket(AF_PACKET, SOCK_RAW, 0); /* hears nothing before it is bound */
    if (s->packet < 0 || setsockopt(s->packet, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) ||
        setsockopt(s->packet, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) ||
        bind(s->packet, (struct sockaddr *)&s->to, sizeof s->to) ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->packet, &ev)) {
        perror(interface);
        exit(2);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(const struct storm *s, const char *name, int step)
{
    double *took = calloc(s->n + 1, sizeof *took);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const struct machine *m = &s->m[i];
        if (m->at == FAILED)
            continue;
        for (int k = step < 0 ? 0 : step; k <= (step < 0 ? INITRAMFS : step); k++)
            took[n] += m->took[k] * 1000;
        n++;
    }
    qsort(took, n, sizeof *took, by_size);
    if (n)
        printf("%-20s %9u %12.1f %12.1f %12.1f\n", name, n, took[n / 2], took[(size_t)n * 99 / 100],
               took[n - 1]);
    free(took);
}

static void print(const struct storm *s, double took)
{
    struct rusage u;
    double gib = (double)s->n * (double)(s->loader.n + s->kernel.n + s->initramfs.n) / (1 << 30);
    getrusage(RUSAGE_SELF, &u);
    printf("%-20s %9s %12s %12s %12s\n", "step", "machines", "p50 ms", "p99 ms", "longest ms");
    for (int i = 0; i < STEPS; i++)
        print_row(s, step_names[i], i);
    print_row(s, "the whole way", -1);
    printf("%u machines, %u failed, %llu times something was asked again; %.1f GiB in %.1f s, %.2f GiB/s; "
           "the stand-ins "
           "themselves used %.1f s of CPU\n",
           s->n, s->failed, (unsigned long long)s->repeated, gib, took, gib / took,
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

int main(int argc, char **argv)
{
    static struct storm s;
    struct rlimit files = {65536, 65536};
    if (argc != 8 || inet_pton(AF_INET, argv[2], &s.server) != 1 ||
        inet_pton(AF_INET, argv[3], &s.first) != 1 || (s.n = (uint32_t)atol(argv[4])) == 0) {
        fprintf(stderr, "usage: storm INTERFACE SERVER FIRST-ADDRESS N LOADER KERNEL INITRAMFS\n");
        return 2;
    }
    setrlimit(RLIMIT_NOFILE, &files);
    s.loader = content_of(argv[5]), s.kernel = content_of(argv[6]), s.initramfs = content_of(argv[7]);
    s.m = calloc(s.n, sizeof *s.m);
    s.epoll = epoll_create1(0);
    open_packet(&s, argv[1]);
    for (uint32_t i = 0; i < s.n; i++) {
        s.m[i].number = i;
        s.m[i].fd = -1;
        s.m[i].ip.s_addr = htonl(ntohl(s.first.s_addr) + i);
    }
    double began = now();
    run(&s);
    print(&s, now() - began);
    return s.failed > 0;
}

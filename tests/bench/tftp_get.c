/* A TFTP client that measures: N transfers of one file at once in one process, each byte compared with the
 * file itself. It has to be leaner than any server, so that the server is what is measured: one epoll, many
 * packets a call, no copy to a file. tftp_get SERVER NAME FILE TRANSFERS BLKSIZE WINDOWSIZE prints "seconds,
 * own CPU seconds, packets sent anew"; exit 1 when a file did not arrive whole. */
#include <arpa/inet.h>
#include <fcntl.h>
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

#define BATCH      32
#define PACKET_MAX 65536
#define SILENCE    1.0 /* seconds, then the last packet is sent again, as firmware does */
#define GIVE_UP    120.0

struct get {
    struct sockaddr_in peer;
    int fd;
    bool bound, whole;
    uint64_t blocks; /* received in order */
    unsigned in_window;
    bool gap_said;
    double heard;
};

static struct {
    const char *name;
    const uint8_t *file;
    size_t size, blksize, window;
    unsigned again;
    int poll;
} g;
static uint8_t packets[BATCH][PACKET_MAX];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "tftp_get: %s\n", what);
    exit(1);
}

static void ask(struct get *t)
{
    char buf[512], *at = buf + 2;
    const char *window = g.window > 1 ? "windowsize" : NULL;
    memcpy(buf, "\0\1", 2);
    at += sprintf(at, "%s", g.name) + 1;
    at += sprintf(at, "octet") + 1;
    at += sprintf(at, "blksize") + 1;
    at += sprintf(at, "%zu", g.blksize) + 1;
    if (window) {
        at += sprintf(at, "%s", window) + 1;
        at += sprintf(at, "%zu", g.window) + 1;
    }
    sendto(t->fd, buf, (size_t)(at - buf), 0, (struct sockaddr *)&t->peer, sizeof t->peer);
}

static void acknowledge(struct get *t)
{
    uint8_t ack[4] = {0, 4, (uint8_t)(t->blocks >> 8), (uint8_t)t->blocks};
    t->in_window = 0;
    send(t->fd, ack, sizeof ack, 0);
}

static void data(struct get *t, const uint8_t *p, size_t n)
{
    uint16_t block = (uint16_t)(p[2] << 8 | p[3]);
    if (block !=
        (uint16_t)(t->blocks +
                   1)) { /* RFC 7440: say once where the gap is; in lock-step a duplicate is nothing */
        if (g.window > 1 && !t->gap_said && (uint16_t)(block - t->blocks) < 0x8000)
            acknowledge(t), t->gap_said = true;
        return;
    }
    size_t at = t->blocks * g.blksize;
    size_t left = g.size - at < g.blksize ? g.size - at : g.blksize;
    if (n - 4 != left || memcmp(p + 4, g.file + at, left) != 0)
        die("the bytes differ from the file's");
    t->blocks++;
    t->gap_said = false;
    t->whole = left < g.blksize;
    if (++t->in_window >= g.window || t->whole)
        acknowledge(t);
}

static void packet(struct get *t, const uint8_t *p, size_t n, const struct sockaddr_in *from)
{
    if (n < 4 || p[0] != 0)
        die("a packet that is no TFTP");
    if (!t->bound) {
        if (connect(t->fd, (const struct sockaddr *)from, sizeof *from) != 0)
            die("cannot connect");
        t->bound = true;
    }
    t->heard = now();
    if (p[1] == 5)
        die(n > 4 ? (const char *)p + 4 : "an ERROR");
    if (p[1] == 6) {
        char want[24];
        int length = snprintf(want, sizeof want, "%zu", g.blksize);
        if (!memmem(p, n, want, (size_t)length))
            die("the server lowered the blksize");
        if (t->blocks == 0)
            acknowledge(t);
    } else if (p[1] == 3 && !t->whole) {
        data(t, p, n);
    }
}

static void receive(struct get *t)
{
    struct mmsghdr m[BATCH];
    struct iovec v[BATCH];
    struct sockaddr_in from[BATCH];
    for (int i = 0; i < BATCH; i++) {
        v[i] = (struct iovec){packets[i], PACKET_MAX};
        m[i] = (struct mmsghdr){
            .msg_hdr = {
                .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &v[i], .msg_iovlen = 1}};
    }
    /* In lock-step there is never a second packet: ask for one, and save the call that finds none. */
    int n = recvmmsg(t->fd, m, g.window > 1 ? BATCH : 1, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        packet(t, packets[i], m[i].msg_len, &from[i]);
}

static void start(struct get *t, const char *server)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = t};
    int room = 4 << 20;
    *t = (struct get){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), .heard = now()};
    t->peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(69)};
    if (t->fd < 0 || inet_pton(AF_INET, server, &t->peer.sin_addr) != 1)
        die("no socket, or no address");
    setsockopt(t->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    epoll_ctl(g.poll, EPOLL_CTL_ADD, t->fd, &e);
    ask(t);
}

/* What has been silent for too long gets our last packet once more. */
static void remind(struct get *all, size_t n, double at)
{
    for (size_t i = 0; i < n; i++) {
        if (all[i].whole || at - all[i].heard < SILENCE)
            continue;
        all[i].heard = at;
        g.again++;
        if (all[i].bound)
            acknowledge(&all[i]);
        else
            ask(&all[i]);
    }
}

static size_t whole_of(const struct get *all, size_t n)
{
    size_t whole = 0;
    for (size_t i = 0; i < n; i++)
        whole += all[i].whole;
    return whole;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        die("usage: tftp_get SERVER NAME FILE TRANSFERS BLKSIZE WINDOWSIZE");
    size_t n = strtoul(argv[4], NULL, 10), done = 0;
    struct stat st;
    int fd = open(argv[3], O_RDONLY);
    g.name = argv[2], g.blksize = strtoul(argv[5], NULL, 10), g.window = strtoul(argv[6], NULL, 10);
    g.poll = epoll_create1(0);
    struct get *all = calloc(n, sizeof *all);
    if (!all || g.poll < 0 || fd < 0 || fstat(fd, &st) != 0)
        die("no memory, or no file");
    g.size = (size_t)st.st_size;
    g.file = mmap(NULL, g.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (g.file == MAP_FAILED)
        die("cannot map the file");
    double began = now(), looked = began;
    for (size_t i = 0; i < n; i++)
        start(&all[i], argv[1]);
    while (done < n) {
        struct epoll_event e[64];
        int got = epoll_wait(g.poll, e, 64, 100);
        for (int i = 0; i < got; i++) {
            struct get *t = e[i].data.ptr;
            bool before = t->whole;
            receive(t);
            done += t->whole && !before;
        }
        double at = now();
        if (at - looked > 0.1)
            remind(all, n, looked = at);
        if (at - began > GIVE_UP)
            break;
    }
    double took = now() - began;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("%.4f %.2f %u\n", took,
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6,
           g.again);
    if (whole_of(all, n) < n)
        die("not all arrived");
    return 0;
}

/* A generator of 4-way DHCP exchanges, for rates that perfdhcp does not reach: one relay, CLIENTS MAC
 * addresses, RATE new exchanges a second for PERIOD seconds. Packets go and come many a call; it sleeps when
 * it has nothing to send, and leaves the core to the server. dhcp_load RELAY SERVER RATE CLIENTS PERIOD SEED
 * prints "DISCOVERs-sent OFFERs ACKs p50-ms p99-ms own-CPU-seconds"; p50 and p99 are from DISCOVER to ACK. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH       32
#define PACKET      512
#define OPTIONS     240 /* where they start, behind the cookie */
#define WAIT        1.0 /* seconds for the last answers, as perfdhcp's -W 1000000 */
#define DISCOVER    1
#define OFFER       2
#define REQUEST     3
#define ACK         5
#define SERVER_ID   54
#define RANDOM_STEP 6364136223846793005ull

struct exchange {
    double began;
    float took; /* until its ACK */
    uint32_t client;
    uint8_t wants; /* the answer that is waited for */
};

struct load {
    int fd;
    struct in_addr relay;
    struct exchange *all;
    uint32_t n, sent, offers, acks;
    uint64_t random;
    uint32_t clients;
    struct mmsghdr out[BATCH];
    struct iovec out_at[BATCH];
    uint8_t out_bytes[BATCH][PACKET];
    unsigned out_n;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void flush(struct load *l)
{
    for (unsigned done = 0; done < l->out_n;) {
        int n = sendmmsg(l->fd, l->out + done, l->out_n - done, 0);
        if (n <= 0)
            break;
        done += (unsigned)n;
    }
    l->out_n = 0;
}

/* The next free packet, up to its options; the transaction is the number of the exchange. */
static uint8_t *message(struct load *l, uint32_t exchange, uint8_t type)
{
    if (l->out_n == BATCH)
        flush(l);
    uint8_t *p = l->out_bytes[l->out_n];
    uint32_t xid = htonl(exchange), client = htonl(l->all[exchange].client);
    memset(p, 0, PACKET);
    memcpy(p, (uint8_t[]){1, 1, 6, 1}, 4);
    memcpy(p + 4, &xid, 4);
    memcpy(p + 24, &l->relay, 4);
    memcpy(p + 28, (uint8_t[]){0x02, 0x0c}, 2);
    memcpy(p + 30, &client, 4);
    memcpy(p + 236, (uint8_t[]){0x63, 0x82, 0x53, 0x63, 53, 1, type}, 7);
    return p + OPTIONS + 3;
}

static void queue(struct load *l, uint8_t *end)
{
    *end++ = 255;
    size_t n = (size_t)(end - l->out_bytes[l->out_n]);
    l->out_at[l->out_n].iov_len = n < 300 ? 300 : n;
    l->out_n++;
}

static void discover(struct load *l)
{
    static const uint8_t parameters[] = {55, 7, 1, 28, 2, 3, 15, 6, 12};
    l->random = l->random * RANDOM_STEP + 1442695040888963407ull;
    l->all[l->sent] = (struct exchange){
        .began = now(), .client = (uint32_t)((l->random >> 33) % l->clients), .wants = OFFER};
    uint8_t *at = message(l, l->sent, DISCOVER);
    memcpy(at, parameters, sizeof parameters);
    queue(l, at + sizeof parameters);
    l->sent++;
}

static const uint8_t *option(const uint8_t *p, size_t n, uint8_t code)
{
    for (size_t i = OPTIONS; i + 1 < n && p[i] != 255; i += p[i] ? 2u + p[i + 1] : 1u)
        if (p[i] == code && i + 2 + p[i + 1] <= n)
            return p + i;
    return NULL;
}

static void request(struct load *l, uint32_t i, const uint8_t *offer, const uint8_t *server)
{
    uint8_t *at = message(l, i, REQUEST);
    memcpy(at, (uint8_t[]){50, 4}, 2);
    memcpy(at + 2, offer + 16, 4);
    memcpy(at + 6, server, 6);
    memcpy(at + 12, (uint8_t[]){55, 7, 1, 28, 2, 3, 15, 6, 12}, 9);
    queue(l, at + 21);
}

static void answer(struct load *l, const uint8_t *p, size_t n)
{
    uint32_t i;
    const uint8_t *type = n > OPTIONS ? option(p, n, 53) : NULL, *server;
    if (!type || p[0] != 2)
        return;
    memcpy(&i, p + 4, 4);
    i = ntohl(i);
    if (i >= l->sent || type[2] != l->all[i].wants)
        return;
    if (type[2] == OFFER && (server = option(p, n, SERVER_ID)) && server[1] == 4) {
        l->offers++;
        l->all[i].wants = ACK;
        request(l, i, p, server);
    } else if (type[2] == ACK) {
        l->acks++;
        l->all[i].wants = 0;
        l->all[i].took = (float)(now() - l->all[i].began);
    }
}

static void receive(struct load *l)
{
    static uint8_t bytes[BATCH][2048];
    struct mmsghdr in[BATCH];
    struct iovec at[BATCH];
    int n;
    do {
        for (int i = 0; i < BATCH; i++) {
            at[i] = (struct iovec){bytes[i], sizeof bytes[i]};
            in[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &at[i], .msg_iovlen = 1}};
        }
        n = recvmmsg(l->fd, in, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++)
            answer(l, bytes[i], in[i].msg_len);
    } while (n == BATCH);
}

static void run(struct load *l, double rate, double period)
{
    double began = now(), at = began;
    while (at - began < period + WAIT && !(l->sent == l->n && l->acks == l->n)) {
        double due = (at - began) * rate;
        while (l->sent < l->n && l->sent < due && l->out_n < BATCH)
            discover(l);
        flush(l);
        bool behind = l->sent < l->n && l->sent < due;
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        if (poll(&p, 1, behind ? 0 : 1) > 0)
            receive(l);
        flush(l);
        at = now();
    }
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print(const struct load *l)
{
    float *took = calloc(l->n + 1, sizeof *took);
    uint32_t n = 0;
    struct rusage u;
    for (uint32_t i = 0; i < l->sent; i++)
        if (l->all[i].wants == 0)
            took[n++] = l->all[i].took * 1000;
    qsort(took, n, sizeof *took, by_size);
    getrusage(RUSAGE_SELF, &u);
    printf("%u %u %u %.2f %.2f %.2f\n", l->sent, l->offers, l->acks, took[n / 2], took[(size_t)n * 99 / 100],
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    free(took);
}

int main(int argc, char **argv)
{
    static struct load l;
    struct sockaddr_in relay = {.sin_family = AF_INET, .sin_port = htons(67)}, server = relay;
    int room = 8 << 20;
    if (argc != 7 || inet_pton(AF_INET, argv[1], &relay.sin_addr) != 1 ||
        inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) {
        fprintf(stderr, "usage: dhcp_load RELAY SERVER RATE CLIENTS PERIOD SEED\n");
        return 2;
    }
    double rate = atof(argv[3]), period = atof(argv[5]);
    l.n = (uint32_t)(rate * period);
    l.clients = (uint32_t)atol(argv[4]), l.random = (uint64_t)atol(argv[6]), l.relay = relay.sin_addr;
    l.all = calloc(l.n + 1, sizeof *l.all);
    l.fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(l.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (!l.all || !l.clients || bind(l.fd, (struct sockaddr *)&relay, sizeof relay) ||
        connect(l.fd, (struct sockaddr *)&server, sizeof server)) {
        perror("dhcp_load");
        return 1;
    }
    for (int i = 0; i < BATCH; i++) {
        l.out_at[i].iov_base = l.out_bytes[i];
        l.out[i].msg_hdr = (struct msghdr){.msg_iov = &l.out_at[i], .msg_iovlen = 1};
    }
    run(&l, rate, period);
    print(&l);
    return 0;
}

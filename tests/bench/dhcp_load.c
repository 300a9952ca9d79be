/* A generator of 4-way DHCP exchanges, for what perfdhcp does not reach: it stands where a relay does.
 * Packets go and come many a call, and are built by changing a few bytes of one that is there; it sleeps when
 * it has nothing to do, and leaves the core to the server. An answer counts when it is for the client that
 * waits for it, and an ACK when it is for the address that was offered, which no other client was given.
 *
 *   dhcp_load rate RELAY SERVER RATE CLIENTS PERIOD SEED
 *       so many new exchanges a second, for so many seconds
 *   dhcp_load avalanche RELAY SERVER CLIENTS FIRST
 *       clients FIRST... ask at the same instant, and again after 1, 2, 4, ... seconds without an answer
 *   dhcp_load first RELAY SERVER
 *       one asks each 5 ms, until it is offered an address
 *
 * A client's MAC address is 02:0c and its number. Prints "DISCOVERs OFFERs ACKs p50-ms p99-ms max-ms
 * own-CPU-seconds wrong again"; the times are from a client's first DISCOVER to its ACK; wrong: answers that
 * did not count; again: packets that were sent again. `first` prints when it got the offer, in seconds since
 * 1970. */
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

#define BATCH       64
#define PACKET      340
#define ANSWER      1024
#define OPTIONS     240 /* where they start, behind the cookie */
#define WAIT        1.0 /* seconds for the last answers, as perfdhcp's -W 1000000 */
#define GIVE_UP     10.0
#define DISCOVER    1
#define OFFER       2
#define REQUEST     3
#define ACK         5
#define SERVER_ID   54
#define ADDRESSES   (1u << 20) /* more than the subnet has */
#define RANDOM_STEP 6364136223846793005ull

struct exchange {
    double began, again; /* when it asked first, and when it is to ask again */
    float took;          /* until its ACK */
    uint32_t client;
    uint8_t offered[4], server[4];
    uint8_t wants; /* the answer that is waited for; 0: served */
    uint8_t tries;
};

struct load {
    int fd;
    struct exchange *all;
    uint32_t n, sent, offers, acks, wrong, again;
    uint32_t *holder; /* of each address: its client + 1 */
    uint64_t random;
    uint32_t clients;
    struct mmsghdr out[BATCH], in[BATCH];
    struct iovec out_at[BATCH], in_at[BATCH];
    uint8_t out_bytes[BATCH][PACKET], in_bytes[BATCH][ANSWER];
    unsigned out_n;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- sending */

static void flush(struct load *l)
{
    for (unsigned done = 0; done < l->out_n;) {
        int n = sendmmsg(l->fd, l->out + done, l->out_n - done, 0);
        done += n > 0 ? (unsigned)n : 1; /* one that is refused is one that got lost */
    }
    l->out_n = 0;
}

/* The next packet's options, behind the message type. The transaction is the number of the exchange. */
static uint8_t *message(struct load *l, uint32_t exchange, uint8_t type)
{
    uint8_t *p = l->out_bytes[l->out_n];
    uint32_t xid = htonl(exchange), client = htonl(l->all[exchange].client);
    memcpy(p + 4, &xid, 4);
    memcpy(p + 30, &client, 4);
    p[OPTIONS + 2] = type;
    return p + OPTIONS + 3;
}

static void queue(struct load *l, uint8_t *at)
{
    static const uint8_t parameters[] = {55, 7, 1, 28, 2, 3, 15, 6, 12, 255};
    memcpy(at, parameters, sizeof parameters);
    l->out_at[l->out_n].iov_len = 300; /* what is behind the END is a former packet's, and means nothing */
    if (++l->out_n == BATCH)
        flush(l);
}

static void ask(struct load *l, uint32_t i)
{
    const struct exchange *x = &l->all[i];
    uint8_t *at = message(l, i, x->wants == OFFER ? DISCOVER : REQUEST);
    if (x->wants == ACK) {
        *at++ = 50, *at++ = 4;
        at = (uint8_t *)memcpy(at, x->offered, 4) + 4;
        *at++ = SERVER_ID, *at++ = 4;
        at = (uint8_t *)memcpy(at, x->server, 4) + 4;
    }
    queue(l, at);
}

static void discover(struct load *l, uint32_t client, double at)
{
    l->all[l->sent] = (struct exchange){.began = at, .again = at + 1, .client = client, .wants = OFFER};
    ask(l, l->sent++);
}

/* ---- receiving */

static const uint8_t *option(const uint8_t *p, size_t n, uint8_t code)
{
    for (size_t i = OPTIONS; i + 1 < n && p[i] != 255; i += p[i] ? 2u + p[i + 1] : 1u)
        if (p[i] == code && i + 2 + p[i + 1] <= n)
            return p + i;
    return NULL;
}

static bool is_held_by_another(struct load *l, const uint8_t *address, uint32_t client)
{
    uint32_t ip;
    memcpy(&ip, address, 4);
    uint32_t *holder = &l->holder[ntohl(ip) % ADDRESSES];
    bool another = *holder && *holder != client + 1;
    *holder = client + 1;
    return another;
}

/* False: not what this client waits for. */
static bool take(struct load *l, struct exchange *x, const uint8_t *p, size_t n, uint8_t type, double at)
{
    uint32_t client = htonl(x->client);
    const uint8_t *server = option(p, n, SERVER_ID);
    if (memcmp(p + 28, "\x02\x0c", 2) || memcmp(p + 30, &client, 4) || !server || server[1] != 4)
        return false;
    if (type == OFFER) {
        memcpy(x->offered, p + 16, 4);
        memcpy(x->server, server + 2, 4);
        x->wants = ACK;
        x->tries = 0;
        x->again = at + 1;
        l->offers++;
        ask(l, (uint32_t)(x - l->all));
        return true;
    }
    if (memcmp(p + 16, x->offered, 4) || is_held_by_another(l, p + 16, x->client))
        return false;
    l->acks++;
    x->wants = 0;
    x->took = (float)(at - x->began);
    return true;
}

static void answer(struct load *l, const uint8_t *p, size_t n, double at)
{
    uint32_t i;
    const uint8_t *type = n > OPTIONS ? option(p, n, 53) : NULL;
    if (!type || p[0] != 2) {
        l->wrong++;
        return;
    }
    memcpy(&i, p + 4, 4);
    i = ntohl(i);
    struct exchange *x = i < l->sent ? &l->all[i] : NULL;
    if (x && type[2] != x->wants && x->tries)
        return; /* the answer to a packet that was sent twice */
    if (!x || type[2] != x->wants || !take(l, x, p, n, type[2], at))
        l->wrong++;
}

static void receive(struct load *l)
{
    int n;
    do {
        n = recvmmsg(l->fd, l->in, BATCH, MSG_DONTWAIT, NULL);
        double at = n > 0 ? now() : 0;
        for (int i = 0; i < n; i++)
            answer(l, l->in_bytes[i], l->in[i].msg_len, at);
    } while (n == BATCH);
}

static void wait_for(struct load *l, int ms)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    flush(l);
    if (poll(&p, 1, ms) > 0)
        receive(l);
    flush(l);
}

/* ---- the three loads */

static void run_rate(struct load *l, double rate, double period)
{
    double began = now(), at = began;
    while (at - began < period + WAIT && !(l->sent == l->n && l->acks == l->n)) {
        double due = (at - began) * rate;
        for (unsigned k = 0; k < BATCH && l->sent < l->n && l->sent < due; k++) {
            l->random = l->random * RANDOM_STEP + 1442695040888963407ull;
            discover(l, (uint32_t)((l->random >> 33) % l->clients), at);
        }
        wait_for(l, l->sent < l->n && l->sent < due ? 0 : 1);
        at = now();
    }
}

static void ask_again(struct load *l, double at)
{
    for (uint32_t i = 0; i < l->sent; i++) {
        struct exchange *x = &l->all[i];
        if (!x->wants || x->again > at)
            continue;
        x->tries++;
        x->again = at + (double)(1 << (x->tries < 5 ? x->tries : 5));
        l->again++;
        ask(l, i);
    }
}

static void run_avalanche(struct load *l, uint32_t first)
{
    double began = now(), at = began;
    while (l->sent < l->n)
        discover(l, first + l->sent, now());
    for (; l->acks < l->n && at - began < GIVE_UP; at = now()) {
        wait_for(l, 10);
        ask_again(l, at);
    }
}

static void run_first(struct load *l)
{
    struct timespec t;
    discover(l, 1, now());
    for (int i = 0; i < 4000 && !l->offers; i++) {
        wait_for(l, 5);
        if (!l->offers)
            ask(l, 0);
    }
    clock_gettime(CLOCK_REALTIME, &t);
    if (l->offers)
        printf("%lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
}

/* ---- */

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
    printf("%u %u %u %.2f %.2f %.2f %.2f %u %u\n", l->sent, l->offers, l->acks, took[n / 2],
           took[(size_t)n * 99 / 100], took[n ? n - 1 : 0],
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6,
           l->wrong, l->again);
    free(took);
}

static void prepare(struct load *l, struct in_addr relay)
{
    for (int i = 0; i < BATCH; i++) {
        uint8_t *p = l->out_bytes[i];
        memcpy(p, (uint8_t[]){1, 1, 6, 1}, 4);
        memcpy(p + 24, &relay, 4);
        memcpy(p + 28, (uint8_t[]){0x02, 0x0c}, 2);
        memcpy(p + 236, (uint8_t[]){0x63, 0x82, 0x53, 0x63, 53, 1}, 6);
        l->out_at[i].iov_base = p;
        l->out[i].msg_hdr = (struct msghdr){.msg_iov = &l->out_at[i], .msg_iovlen = 1};
        l->in_at[i] = (struct iovec){l->in_bytes[i], ANSWER};
        l->in[i].msg_hdr = (struct msghdr){.msg_iov = &l->in_at[i], .msg_iovlen = 1};
    }
}

static int connect_as(struct load *l, const char *relay, const char *server)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(67)}, to = from;
    int room = 8 << 20;
    if (inet_pton(AF_INET, relay, &from.sin_addr) != 1 || inet_pton(AF_INET, server, &to.sin_addr) != 1)
        return -1;
    l->fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    prepare(l, from.sin_addr);
    return bind(l->fd, (struct sockaddr *)&from, sizeof from) ||
                   connect(l->fd, (struct sockaddr *)&to, sizeof to)
               ? -1
               : 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: dhcp_load rate RELAY SERVER RATE CLIENTS PERIOD SEED | avalanche RELAY SERVER "
                    "CLIENTS FIRST | first RELAY SERVER\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct load l;
    bool rate = argc == 8 && !strcmp(argv[1], "rate"), first = argc == 4 && !strcmp(argv[1], "first");
    if (!rate && !first && !(argc == 6 && !strcmp(argv[1], "avalanche")))
        return usage();
    l.n = first ? 1 : rate ? (uint32_t)(atof(argv[4]) * atof(argv[6])) : (uint32_t)atol(argv[4]);
    l.all = calloc(l.n + 1, sizeof *l.all);
    l.holder = calloc(ADDRESSES, sizeof *l.holder);
    if (!l.all || !l.holder || connect_as(&l, argv[2], argv[3])) {
        perror("dhcp_load");
        return 1;
    }
    if (rate) {
        l.clients = (uint32_t)atol(argv[5]), l.random = (uint64_t)atol(argv[7]);
        if (!l.clients)
            return usage();
        run_rate(&l, atof(argv[4]), atof(argv[6]));
    } else if (first) {
        run_first(&l);
        return l.offers ? 0 : 1;
    } else {
        run_avalanche(&l, (uint32_t)atol(argv[5]));
    }
    print(&l);
    return 0;
}

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/backoff.h"
#include "agent/io_net.h"
#include "agent/say.h"
#include "base/digest.h"

#define CLIENT_PORT   68
#define SERVER_PORT   67
#define REQUEST_TRIES 4
#define RENEW_WAIT_MS 4000u
#define NAP_MS        3600000u
#define RENEW_LEAST_S 60u /* RFC 2131 4.4.5: not more often than once a minute */

struct client {
    int fd;
    const char *name;
    struct mac mac;
    uint64_t began_ms;
};

static int client_open(struct client *c, const char *name, struct mac mac, struct ip4 own, struct err *e)
{
    int on = 1;
    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons(CLIENT_PORT), .sin_addr.s_addr = htonl(own.a)};
    *c = (struct client){.name = name, .mac = mac, .began_ms = ticks_ms()};
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return err_errno(e, "DHCP: socket");
    if (setsockopt(c->fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) ||
        setsockopt(c->fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on) ||
        setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(c->fd, (struct sockaddr *)&here, sizeof here)) {
        err_errno(e, "DHCP: port %d on %s", CLIENT_PORT, name);
        close(c->fd);
        return -1;
    }
    return 0;
}

static void client_send(struct client *c, struct dhcp_ask *a, struct ip4 to)
{
    uint8_t buf[DHCP_MAX];
    uint64_t secs = (ticks_ms() - c->began_ms) / 1000;
    a->mac = c->mac;
    a->secs = secs > 65535 ? 65535 : (uint16_t)secs;
    size_t n = dhcp_encode(a, buf);
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons(SERVER_PORT), .sin_addr.s_addr = htonl(to.a)};
    if (sendto(c->fd, buf, n, 0, (struct sockaddr *)&there, sizeof there) < 0)
        say("DHCP: sending on %s: %s", c->name, strerror(errno));
}

/* The next answer to xid of one of the two types, within wait_ms. */
static bool client_hear(struct client *c, uint32_t xid, enum dhcp_type one, enum dhcp_type other,
                        uint32_t wait_ms, struct dhcp_answer *ret)
{
    uint64_t deadline = ticks_ms() + wait_ms;
    for (uint64_t now; (now = ticks_ms()) < deadline;) {
        uint8_t buf[DHCP_MAX];
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (poll(&p, 1, (int)(deadline - now)) <= 0)
            continue;
        ssize_t n = recv(c->fd, buf, sizeof buf, 0);
        if (n > 0 && dhcp_decode(span_of(buf, (size_t)n), xid, c->mac, ret, NULL) == 0 &&
            (ret->type == one || ret->type == other))
            return true;
    }
    return false;
}

static const struct ip4 everyone = {0xffffffff};

/* SELECTING, REQUESTING. False: begin anew. */
static bool try_once(struct client *c, uint32_t wait_ms, struct dhcp_answer *ret)
{
    uint32_t xid;
    struct dhcp_answer offer;
    random_bytes(&xid, sizeof xid);
    struct dhcp_ask ask = {.type = DHCP_DISCOVER, .xid = xid};
    client_send(c, &ask, everyone);
    if (!client_hear(c, xid, DHCP_OFFER, DHCP_OFFER, wait_ms, &offer))
        return false;
    ask = (struct dhcp_ask){
        .type = DHCP_REQUEST, .xid = xid, .requested = offer.address, .server = offer.server};
    for (int i = 0; i < REQUEST_TRIES; i++) {
        client_send(c, &ask, everyone);
        if (client_hear(c, xid, DHCP_ACK, DHCP_NAK, 1000u << i, ret))
            return ret->type == DHCP_ACK && ip4_eq(ret->address, offer.address);
    }
    return false;
}

int dhcp_acquire(const char *name, struct mac mac, struct dhcp_answer *ret, struct err *e)
{
    struct client c;
    struct backoff wait = {.next_ms = 1000};
    if (client_open(&c, name, mac, (struct ip4){0}, e))
        return -1;
    for (unsigned i = 1;; i++) {
        uint32_t chance;
        random_bytes(&chance, sizeof chance);
        uint64_t until = ticks_ms() + backoff_next(&wait, chance);
        if (try_once(&c, (uint32_t)(until - ticks_ms()), ret))
            break;
        if (i % 4 == 0)
            say("no DHCP server answers on %s yet; still asking", name);
        uint64_t now = ticks_ms();
        if (now < until)
            sleep_ms((uint32_t)(until - now)); /* after a NAK: not at once again */
    }
    close(c.fd);
    return 0;
}

/* One attempt to make the lease longer. 1: done, 0: no answer, -1: refused. */
static int renew(const char *name, struct mac mac, const struct dhcp_answer *lease, struct ip4 to,
                 struct dhcp_answer *ret)
{
    struct client c;
    uint32_t xid;
    random_bytes(&xid, sizeof xid);
    struct dhcp_ask ask = {.type = DHCP_REQUEST, .xid = xid, .ciaddr = lease->address};
    if (client_open(&c, name, mac, (struct ip4){0}, NULL))
        return 0;
    client_send(&c, &ask, to);
    bool heard = client_hear(&c, xid, DHCP_ACK, DHCP_NAK, RENEW_WAIT_MS, ret);
    close(c.fd);
    if (!heard)
        return 0;
    return ret->type == DHCP_ACK && ip4_eq(ret->address, lease->address) ? 1 : -1;
}

/* In naps: a lease may be longer than 32 bits of milliseconds. */
static void sleep_until(uint64_t due_ms)
{
    for (uint64_t now; (now = ticks_ms()) < due_ms;)
        sleep_ms(due_ms - now > NAP_MS ? NAP_MS : (uint32_t)(due_ms - now));
}

int dhcp_keep(const char *name, struct mac mac, struct dhcp_answer lease, struct err *e)
{
    uint64_t began = ticks_ms();
    uint32_t next_s = lease.t1_s;
    for (;;) {
        struct dhcp_answer answer;
        sleep_until(began + (uint64_t)next_s * 1000);
        uint64_t age_s = (ticks_ms() - began) / 1000;
        if (age_s >= lease.lease_s)
            return err_set(e, ERR_UNAVAILABLE, "%s: the lease ended and no DHCP server renewed it", name);
        uint64_t sent = ticks_ms();
        int done = renew(name, mac, &lease, age_s < lease.t2_s ? lease.server : everyone, &answer);
        if (done < 0)
            return err_set(e, ERR_REFUSED, "%s: the DHCP server takes the address back", name);
        if (done) {
            lease = answer;
            began = sent;
            next_s = lease.t1_s;
            continue;
        }
        uint32_t end =
            age_s < lease.t2_s ? lease.t2_s : lease.lease_s; /* half of what is left, but at least a minute */
        uint32_t step = (end - (uint32_t)age_s) / 2;
        next_s = (uint32_t)age_s + (step < RENEW_LEAST_S ? RENEW_LEAST_S : step);
        if (next_s > lease.lease_s)
            next_s = lease.lease_s;
    }
}

/* build: requests as bytes, for the tests of dhcpd. */
#ifndef TESTS_DHCPD_BUILD_H
#define TESTS_DHCPD_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/span.h"

/* The fixed part of a BOOTREQUEST from 52:54:00:00:00:01, xid 0x01020304, with the cookie; options are put
 * after it. */
struct packet {
    uint8_t b[1500];
    size_t n;
};

static inline struct packet packet_new(void)
{
    static const uint8_t head[] = {1, 1, 6, 0, 1, 2, 3, 4}, mac[] = {0x52, 0x54, 0, 0, 0, 1};
    static const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
    struct packet p = {.n = 240};
    memcpy(p.b, head, sizeof head);
    memcpy(p.b + 28, mac, sizeof mac);
    memcpy(p.b + 236, cookie, sizeof cookie);
    return p;
}

static inline void packet_put(struct packet *p, const void *bytes, size_t n)
{
    memcpy(p->b + p->n, bytes, n);
    p->n += n;
}

static inline void packet_option(struct packet *p, uint8_t code, const void *v, size_t n)
{
    p->b[p->n++] = code;
    p->b[p->n++] = (uint8_t)n;
    packet_put(p, v, n);
}

#define OPTION(p, code, ...)                                                                                 \
    packet_option(p, code, (uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))
#define OPTION_TEXT(p, code, text) packet_option(p, code, text, sizeof text - 1)

static inline struct span packet_span(const struct packet *p)
{
    return span_of(p->b, p->n);
}

#endif

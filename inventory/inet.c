#include "inventory/inet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

int inet_bits(const struct inet *i)
{
    return i->six ? 128 : 32;
}

static int length_parse(const char *s, int most, int *ret)
{
    int n = 0;
    size_t digits = strlen(s);
    if (digits == 0 || digits > 3 || strspn(s, "0123456789") != digits || (*s == '0' && digits > 1)) {
        return -1;
    }
    for (; *s; s++) {
        n = n * 10 + *s - '0';
    }
    *ret = n;
    return n <= most ? 0 : -1;
}

int inet_parse(const char *text, struct inet *ret)
{
    char address[INET_STR];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    struct inet i = {.len = -1, .six = memchr(text, ':', n) != NULL};
    if (n >= sizeof address) {
        return -1;
    }
    memcpy(address, text, n);
    address[n] = '\0';
    if (i.six ? inet_pton(AF_INET6, address, i.b) != 1 : ip4_parse(address, &i.four, NULL) < 0) {
        return -1;
    }
    if (slash && length_parse(slash + 1, inet_bits(&i), &i.len) < 0) {
        return -1;
    }
    *ret = i;
    return 0;
}

char *inet_format(const struct inet *i, char buf[INET_STR])
{
    if (i->six) {
        inet_ntop(AF_INET6, i->b, buf, INET_STR);
    } else {
        ip4_format(i->four, buf);
    }
    if (i->len >= 0) {
        size_t n = strlen(buf);
        snprintf(buf + n, INET_STR - n, "/%d", i->len);
    }
    return buf;
}

/* Sets the bits past the length to `bit`. */
static struct inet edge(const struct inet *i, bool bit)
{
    struct inet out = *i;
    int len = i->len < 0 ? inet_bits(i) : i->len;
    if (!i->six) {
        uint32_t host = len == 32 ? 0 : UINT32_MAX >> len;
        out.four.a = bit ? i->four.a | host : i->four.a & ~host;
        return out;
    }
    for (int k = 0; k < 16; k++) {
        int net = len - 8 * k;
        uint8_t host = net >= 8 ? 0 : net <= 0 ? 0xff : (uint8_t)(0xff >> net);
        out.b[k] = bit ? i->b[k] | host : i->b[k] & (uint8_t)~host;
    }
    return out;
}

struct inet inet_first(const struct inet *i)
{
    return edge(i, false);
}

struct inet inet_last(const struct inet *i)
{
    return edge(i, true);
}

int inet_compare(const struct inet *a, const struct inet *b)
{
    if (a->six != b->six) {
        return a->six ? 1 : -1;
    }
    if (a->six) {
        return memcmp(a->b, b->b, sizeof a->b);
    }
    return a->four.a < b->four.a ? -1 : a->four.a > b->four.a;
}

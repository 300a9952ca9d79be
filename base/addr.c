#include "base/addr.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A MAC address is twelve hex digits, with the same separator after every `group` digits, or none. */
static bool mac_digits(const char *s, size_t group, char separator, uint8_t ret[6])
{
    size_t digits = 0;
    memset(ret, 0, 6);
    for (; *s; s++) {
        if (separator && digits && digits < 12 && digits % group == 0 && s[-1] != separator) {
            if (*s != separator)
                return false;
            continue;
        }
        int v = hex_value(*s);
        if (v < 0 || digits == 12)
            return false;
        ret[digits / 2] = (uint8_t)(ret[digits / 2] << 4 | v);
        digits++;
    }
    return digits == 12;
}

int mac_parse(const char *s, struct mac *ret, struct err *e)
{
    static const struct {
        size_t group;
        char separator;
    } notations[] = {{2, ':'}, {2, '-'}, {4, '.'}, {12, 0}};
    struct mac m;
    for (size_t i = 0; i < sizeof notations / sizeof *notations; i++) {
        if (!mac_digits(s, notations[i].group, notations[i].separator, m.b))
            continue;
        if (m.b[0] & 1)
            return err_set(e, ERR_INPUT,
                           "\"%s\" is a group address (multicast or broadcast); a NIC has none such", s);
        if (mac_to_u64(m) == 0)
            return err_set(e, ERR_INPUT, "\"%s\" is the zero address; a NIC has none such", s);
        *ret = m;
        return 0;
    }
    return err_set(e, ERR_INPUT, "\"%.40s\" is not a MAC address; write it like 52:54:00:00:00:01", s);
}

char *mac_format(struct mac m, char buf[MAC_STR])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < 6; i++) {
        buf[3 * i] = digits[m.b[i] >> 4];
        buf[3 * i + 1] = digits[m.b[i] & 15];
        buf[3 * i + 2] = i < 5 ? ':' : '\0';
    }
    return buf;
}

bool mac_eq(struct mac a, struct mac b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

uint64_t mac_to_u64(struct mac m)
{
    uint64_t v = 0;
    for (size_t i = 0; i < sizeof m.b; i++)
        v = v << 8 | m.b[i];
    return v;
}

struct mac mac_from_u64(uint64_t v)
{
    struct mac m;
    for (size_t i = 0; i < sizeof m.b; i++)
        m.b[i] = (uint8_t)(v >> 8 * (5 - i));
    return m;
}

/* Reads a decimal number of at most max from *s, without sign, spaces or leading zeros; moves *s behind it.
 */
static bool decimal(const char **s, unsigned max, unsigned *ret)
{
    const char *p = *s;
    unsigned v = 0;
    while (isdigit((unsigned char)*p) && v <= max)
        v = v * 10 + (unsigned)(*p++ - '0');
    if (p == *s || v > max || (**s == '0' && p - *s > 1))
        return false;
    *s = p;
    *ret = v;
    return true;
}

static bool ip4_scan(const char **s, struct ip4 *ret)
{
    uint32_t a = 0;
    for (int i = 0; i < 4; i++) {
        unsigned byte;
        if (i && *(*s)++ != '.')
            return false;
        if (!decimal(s, 255, &byte))
            return false;
        a = a << 8 | byte;
    }
    ret->a = a;
    return true;
}

int ip4_parse(const char *s, struct ip4 *ret, struct err *e)
{
    const char *p = s;
    struct ip4 ip;
    if (!ip4_scan(&p, &ip) || *p)
        return err_set(e, ERR_INPUT, "\"%.40s\" is not an IPv4 address; write it like 10.77.0.11", s);
    *ret = ip;
    return 0;
}

/* By hand: each packet and each request formats addresses, and snprintf takes ten times as long. */
char *ip4_format(struct ip4 ip, char buf[IP4_STR])
{
    char *p = buf;

    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned v = ip.a >> shift & 255;

        if (v >= 100)
            *p++ = (char)('0' + v / 100);
        if (v >= 10)
            *p++ = (char)('0' + v / 10 % 10);
        *p++ = (char)('0' + v % 10);
        *p++ = shift ? '.' : '\0';
    }
    return buf;
}

struct ip4 prefix_mask(uint8_t len)
{
    return (struct ip4){len ? UINT32_MAX << (32 - len) : 0};
}

struct prefix prefix_of(struct ip4_if a)
{
    return (struct prefix){.net = {a.ip.a & prefix_mask(a.len).a}, .len = a.len};
}

bool prefix_has(struct prefix p, struct ip4 ip)
{
    return (ip.a & prefix_mask(p.len).a) == p.net.a;
}

struct ip4 prefix_broadcast(struct prefix p)
{
    return (struct ip4){p.net.a | ~prefix_mask(p.len).a};
}

const struct prefix *prefix_never(struct prefix p)
{
    static const struct prefix never[] = {{{0}, 8}, {{0x7f000000}, 8}, {{0xe0000000}, 3}};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (prefix_has(never[i], p.net) || prefix_has(p, never[i].net))
            return &never[i];
    return NULL;
}

bool prefix_is_host(struct prefix p, struct ip4 ip)
{
    return prefix_has(p, ip) && (p.len >= 31 || (!ip4_eq(ip, p.net) && !ip4_eq(ip, prefix_broadcast(p))));
}

int ip4_if_parse(const char *s, struct ip4_if *ret, struct err *e)
{
    const char *p = s;
    struct ip4 ip;
    unsigned len;
    if (!ip4_scan(&p, &ip) || *p++ != '/' || !decimal(&p, 32, &len) || *p)
        return err_set(e, ERR_INPUT,
                       "\"%.40s\" is not an address with a prefix length; write it like 10.77.0.11/24", s);
    *ret = (struct ip4_if){.ip = ip, .len = (uint8_t)len};
    return 0;
}

char *ip4_if_format(struct ip4_if a, char buf[PREFIX_STR])
{
    char ip[IP4_STR];
    snprintf(buf, PREFIX_STR, "%s/%u", ip4_format(a.ip, ip), a.len);
    return buf;
}

char *prefix_format(struct prefix p, char buf[PREFIX_STR])
{
    return ip4_if_format((struct ip4_if){.ip = p.net, .len = p.len}, buf);
}

int prefix_parse(const char *s, struct prefix *ret, struct err *e)
{
    struct ip4_if a;
    if (ip4_if_parse(s, &a, NULL))
        return err_set(e, ERR_INPUT, "\"%.40s\" is not a prefix; write it like 10.77.0.0/24", s);
    struct prefix p = prefix_of(a);
    char meant[PREFIX_STR];
    if (!ip4_eq(p.net, a.ip))
        return err_set(e, ERR_INPUT, "\"%s\" has host bits set; the prefix is %s", s,
                       prefix_format(p, meant));
    *ret = p;
    return 0;
}

int uuid_parse(const char *s, struct uuid *ret, struct err *e)
{
    struct uuid u = {0};
    size_t digits = 0;
    for (size_t i = 0; s[i]; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        int v = dash ? (s[i] == '-' ? 0 : -1) : hex_value(s[i]);
        if (v < 0 || i >= UUID_STR - 1)
            goto bad;
        if (dash)
            continue;
        u.b[digits / 2] = (uint8_t)(u.b[digits / 2] << 4 | v);
        digits++;
    }
    if (digits != 32)
        goto bad;
    *ret = u;
    return 0;
bad:
    return err_set(e, ERR_INPUT, "\"%.40s\" is not a UUID", s);
}

char *uuid_format(struct uuid u, char buf[UUID_STR])
{
    char *p = buf;
    for (size_t i = 0; i < sizeof u.b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        p += snprintf(p, 3, "%02x", u.b[i]);
    }
    return buf;
}

bool uuid_eq(struct uuid a, struct uuid b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

bool uuid_is_zero(struct uuid u)
{
    return uuid_eq(u, (struct uuid){0});
}

struct uuid uuid_random(void)
{
    struct uuid u;
    random_bytes(u.b, sizeof u.b);
    u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40); /* version 4, RFC 9562 section 5.4 */
    u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80);
    return u;
}

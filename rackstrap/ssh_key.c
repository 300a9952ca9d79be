#include "rackstrap/ssh_key.h"

#include <stdint.h>
#include <string.h>

#include "base/span.h"

#define KEY_MAX 4096 /* bytes; RSA of 16384 bits takes half of them */

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The bytes of n characters of base64 (RFC 4648 4), padded; 0 when it is none. */
static size_t decode(const char *s, size_t n, uint8_t ret[KEY_MAX])
{
    size_t len = 0, pad = 0;
    uint32_t bits = 0;
    while (pad < 2 && pad < n && s[n - 1 - pad] == '=')
        pad++;
    if (!n || n % 4 || n / 4 * 3 > KEY_MAX)
        return 0;
    for (size_t i = 0; i < n; i++) {
        int d = i < n - pad ? digit(s[i]) : 0;
        if (d < 0)
            return 0;
        bits = bits << 6 | (uint32_t)d;
        if (i % 4 == 3) {
            ret[len++] = (uint8_t)(bits >> 16);
            ret[len++] = (uint8_t)(bits >> 8);
            ret[len++] = (uint8_t)bits;
        }
    }
    return len - pad;
}

/* Takes a string (RFC 4251 5) from the front. */
static bool take_string(struct span *s, struct span *ret)
{
    if (s->n < 4)
        return false;
    uint32_t n = (uint32_t)s->p[0] << 24 | (uint32_t)s->p[1] << 16 | (uint32_t)s->p[2] << 8 | s->p[3];
    if (n > s->n - 4)
        return false;
    *ret = span_of(s->p + 4, n);
    *s = span_of(s->p + 4 + n, s->n - 4 - n);
    return true;
}

/* Strings to the very end, the first of which is the type. */
static bool is_key(const char *type, size_t type_n, const char *base64, size_t base64_n)
{
    uint8_t bytes[KEY_MAX];
    struct span rest = span_of(bytes, decode(base64, base64_n, bytes)), s;
    size_t strings = 0;
    while (rest.n) {
        if (!take_string(&rest, &s) || (!strings && (s.n != type_n || memcmp(s.p, type, type_n) != 0)))
            return false;
        strings++;
    }
    return strings > 1;
}

bool ssh_key_ok(const char *line)
{
    for (const char *type = line; *type;) {
        size_t n = strcspn(type, " \t");
        const char *next = type + n + strspn(type + n, " \t");
        if (n && is_key(type, n, next, strcspn(next, " \t")))
            return true;
        type = next;
    }
    return false;
}

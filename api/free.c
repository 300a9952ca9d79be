/* free: see free.h. */
#include "api/free.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool address_number(const char *text, int family, ip_number *ret)
{
    unsigned char b[16];
    char alone[INET6_ADDRSTRLEN];
    size_t n = strcspn(text, "/"), len = family == AF_INET ? 4 : 16;
    if (n >= sizeof alone)
        return false;
    memcpy(alone, text, n);
    alone[n] = '\0';
    if (inet_pton(family, alone, b) != 1)
        return false;
    *ret = 0;
    for (size_t i = 0; i < len; i++)
        *ret = *ret << 8 | b[i];
    return true;
}

char *address_text(const struct ip_range *r, ip_number a, char buf[IP_TEXT])
{
    unsigned char b[16];
    char alone[INET6_ADDRSTRLEN];
    for (int i = (r->family == AF_INET ? 4 : 16) - 1; i >= 0; i--, a >>= 8)
        b[i] = (unsigned char)a;
    inet_ntop(r->family, b, alone, sizeof alone);
    snprintf(buf, IP_TEXT, "%s/%u", alone, r->length);
    return buf;
}

int ip_range_parse(const char *prefix, bool pool, struct ip_range *ret, struct err *e)
{
    struct ip_range r = {.family = strchr(prefix, ':') ? AF_INET6 : AF_INET};
    unsigned bits = r.family == AF_INET ? 32 : 128;
    const char *slash = strchr(prefix, '/');
    unsigned long length = slash ? strtoul(slash + 1, NULL, 10) : bits + 1;
    if (length > bits || !address_number(prefix, r.family, &r.first))
        return err_set(e, ERR_CORRUPT, "\"%.64s\" is no prefix", prefix);
    ip_number size_less_1 = bits - length == 128 ? ~(ip_number)0 : ((ip_number)1 << (bits - length)) - 1;
    r.length = (unsigned)length;
    r.first &= ~size_less_1;
    r.last = r.first | size_less_1;
    if (!pool && length + 2 <= bits) {
        r.first++;
        r.last -= r.family == AF_INET;
    }
    *ret = r;
    return 0;
}

/* Keeps the free ones up to, and without, `to`. */
static void keep(struct free_list *f, ip_number to)
{
    for (; f->next < to && f->n < f->wanted; f->next++) {
        if (f->unused)
            f->next = f->unused(f->unused_ctx, f->next);
        if (f->next >= to)
            return;
        if (!f->has_gateway || f->next != f->gateway)
            f->found[f->n++] = f->next;
    }
}

static bool last_is_free(const struct free_list *f)
{
    ip_number last = f->range.last;
    return f->next == last && (!f->has_gateway || f->gateway != last) &&
           (!f->unused || f->unused(f->unused_ctx, last) == last);
}

bool free_taken(struct free_list *f, ip_number taken)
{
    if (taken < f->next || f->past)
        return f->n == f->wanted;
    if (taken > f->range.last)
        return true;
    keep(f, taken);
    f->past = taken == f->range.last;
    if (f->n < f->wanted && !f->past && f->next <= taken)
        f->next = taken + 1;
    return f->n == f->wanted || f->past;
}

void free_rest(struct free_list *f)
{
    if (f->past)
        return;
    keep(f, f->range.last);
    if (f->n < f->wanted && last_is_free(f))
        f->found[f->n++] = f->range.last;
    f->past = true;
}

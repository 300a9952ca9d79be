/* range: see range.h. */
#include "httpboot/range.h"

#include <string.h>

#include "httpboot/request.h"

static void skip_blanks(struct span *s)
{
    while (s->n && (s->p[0] == ' ' || s->p[0] == '\t'))
        *s = span_of(s->p + 1, s->n - 1);
}

/* Digits at the front of *s. Values that do not fit are as good as the largest: past any file's end. */
static bool take_number(struct span *s, uint64_t *ret)
{
    bool any = false;
    uint64_t v = 0;

    for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; *s = span_of(s->p + 1, s->n - 1)) {
        v = v > (UINT64_MAX - 9) / 10 ? UINT64_MAX : v * 10 + (uint64_t)(s->p[0] - '0');
        any = true;
    }
    *ret = v;
    return any;
}

static bool take_byte(struct span *s, uint8_t c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = span_of(s->p + 1, s->n - 1);
    return true;
}

static struct range suffix(uint64_t n, uint64_t size)
{
    if (n == 0 || size == 0)
        return (struct range){.kind = RANGE_BEYOND};
    if (n > size)
        n = size;
    return (struct range){.kind = RANGE_PART, .first = size - n, .length = n};
}

struct range range_parse(struct span value, uint64_t size)
{
    const struct range whole = {.kind = RANGE_WHOLE};
    uint64_t first = 0, last = UINT64_MAX;
    bool has_first, has_last;

    if (value.n < 6 || !span_is_nocase(span_of(value.p, 6), "bytes="))
        return whole;
    value = span_of(value.p + 6, value.n - 6);
    skip_blanks(&value);
    has_first = take_number(&value, &first);
    if (!take_byte(&value, '-'))
        return whole;
    has_last = take_number(&value, &last);
    skip_blanks(&value);
    if (value.n || (!has_first && !has_last)) /* a second range, or no range at all */
        return whole;
    if (!has_first)
        return suffix(last, size);
    if (!has_last)
        last = UINT64_MAX;
    if (last < first)
        return whole; /* RFC 9110 14.1.1: invalid, so it is ignored */
    if (first >= size)
        return (struct range){.kind = RANGE_BEYOND};
    if (last >= size)
        last = size - 1;
    return (struct range){.kind = RANGE_PART, .first = first, .length = last - first + 1};
}

bool etag_list_has(struct span list, const char *etag, bool weak)
{
    struct span want = span_str(etag);
    bool is_weak;
    const uint8_t *end;
    size_t n;

    skip_blanks(&list);
    if (list.n == 1 && list.p[0] == '*')
        return true;
    for (;;) {
        skip_blanks(&list);
        is_weak = span_starts(list, "W/");
        if (is_weak)
            list = span_of(list.p + 2, list.n - 2);
        if (list.n < 2 || list.p[0] != '"' || !(end = memchr(list.p + 1, '"', list.n - 1)))
            return false;
        n = (size_t)(end - list.p) + 1;
        if ((weak || !is_weak) && span_eq(span_of(list.p, n), want))
            return true;
        list = span_of(list.p + n, list.n - n);
        skip_blanks(&list);
        if (!take_byte(&list, ','))
            return false;
    }
}

bool if_range_holds(struct span value, const char *etag)
{
    return span_eq(value, span_str(etag));
}

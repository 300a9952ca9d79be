/* route: see route.h. */
#include "httpboot/route.h"

#include <string.h>

/* Takes "/segment" from the front of *path, decoded. False when there is none or it cannot be one. */
static bool next_segment(struct span *path, char *buf, size_t size)
{
    struct span seg;
    const uint8_t *slash;

    if (!path->n || path->p[0] != '/')
        return false;
    seg = span_of(path->p + 1, path->n - 1);
    slash = seg.n ? memchr(seg.p, '/', seg.n) : NULL;
    if (slash)
        seg.n = (size_t)(slash - seg.p);
    *path = span_of(path->p + 1 + seg.n, path->n - 1 - seg.n);
    return percent_decode(seg, buf, size) && !strchr(buf, '/');
}

static bool matches(const char *pattern, struct span path, char arg[ROUTE_ARG_SIZE])
{
    char seg[ROUTE_ARG_SIZE];
    size_t n;

    arg[0] = '\0';
    for (; *pattern; pattern += n) {
        pattern++; /* the slash */
        n = strcspn(pattern, "/");
        if (!next_segment(&path, seg, sizeof seg))
            return false;
        if (n == 1 && *pattern == '*')
            memcpy(arg, seg, sizeof seg);
        else if (strlen(seg) != n || memcmp(seg, pattern, n) != 0)
            return false;
    }
    return path.n == 0;
}

enum route_result route_find(const struct route *table, size_t n, enum method m, struct span path,
                             struct route_match *ret)
{
    enum route_result rc = ROUTE_NO_PATH;
    struct route_match try;
    size_t i;

    *ret = (struct route_match){0};
    for (i = 0; i < n; i++) {
        try.route = &table[i];
        if (!matches(table[i].pattern, path, try.arg))
            continue;
        *ret = try;
        if (table[i].methods & m)
            return ROUTE_FOUND;
        rc = ROUTE_NO_METHOD;
    }
    return rc;
}

const char *route_allow(const struct route *r)
{
    static const char *const names[] = {
        [METHOD_GET] = "GET",
        [METHOD_GET | METHOD_HEAD] = "GET, HEAD",
        [METHOD_POST] = "POST",
    };

    return names[r->methods];
}

/* query: see query.h. */
#include "api/query.h"

#include "api/jsonw.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* Decodes in[0..n) to out, which has room for n + 1; how long it became. */
static size_t decode(const char *in, size_t n, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (in[i] == '%' && i + 2 < n && hex(in[i + 1]) >= 0 && hex(in[i + 2]) >= 0) {
            out[len++] = (char)(hex(in[i + 1]) * 16 + hex(in[i + 2]));
            i += 2;
        } else {
            out[len++] = in[i] == '+' ? ' ' : in[i];
        }
    }
    out[len] = '\0';
    return len;
}

static size_t pieces(struct span text)
{
    size_t n = text.n ? 1 : 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '&';
    return n;
}

/* "name=value" or "name" to two strings at `at`; where the next may begin, or NULL for what may not be. */
static char *split(const char *piece, size_t n, char *at, struct query_pair *ret)
{
    const char *eq = memchr(piece, '=', n);
    size_t name_n = eq ? (size_t)(eq - piece) : n, value_n = eq ? n - name_n - 1 : 0;
    size_t name_len = decode(piece, name_n, at);
    ret->name = at;
    ret->value = at + name_len + 1;
    size_t value_len = decode(eq ? eq + 1 : "", value_n, at + name_len + 1);
    if (memchr(ret->name, '\0', name_len) || memchr(ret->value, '\0', value_len) ||
        !utf8_valid(ret->name, name_len) || !utf8_valid(ret->value, value_len))
        return NULL;
    return at + name_len + value_len + 2;
}

int query_parse(struct span text, struct query *ret, struct err *e)
{
    size_t max = pieces(text);
    struct query q = {.pairs = xcalloc(max, sizeof *q.pairs), .bytes = xcalloc(text.n + 2 * max + 2, 1)};
    const char *at = text.n ? (const char *)text.p : "", *end = at + text.n;
    char *to = q.bytes;
    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        if (n && !(to = split(at, n, to, &q.pairs[q.n++]))) {
            query_free(&q);
            return err_set(e, ERR_INPUT, "Null characters and what is not UTF-8 are not allowed in a query.");
        }
        at += n + 1;
    }
    *ret = q;
    return 0;
}

void query_free(struct query *q)
{
    free(q->pairs);
    free(q->bytes);
    *q = (struct query){0};
}

const char *query_get(const struct query *q, const char *name)
{
    for (size_t i = q->n; i-- > 0;)
        if (!strcmp(q->pairs[i].name, name))
            return q->pairs[i].value;
    return NULL;
}

/* A number that is not negative, and blanks around it as Python's int() takes them. */
static bool number(const char *s, int64_t *ret)
{
    char *end;
    errno = 0;
    long long v = s ? strtoll(s, &end, 10) : -1;
    if (!s || end == s || errno || v < 0)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    if (*end)
        return false;
    *ret = v;
    return true;
}

int query_page(const struct query *q, struct page *ret, struct err *e)
{
    struct page p = {.limit = PAGE_DEFAULT};
    const char *start = query_get(q, "start");
    if (number(query_get(q, "limit"), &p.limit) && (!p.limit || p.limit > PAGE_MAX))
        p.limit = PAGE_MAX;
    if (number(query_get(q, "offset"), &p.offset) && p.offset > OFFSET_MAX)
        p.offset = OFFSET_MAX;
    if (start) {
        if (!number(start, &p.start))
            return err_set(e, ERR_INPUT, "Invalid 'start' parameter: a whole number, the id to begin with.");
        if (query_get(q, "offset"))
            return err_set(e, ERR_INPUT, "'start' and 'offset' are mutually exclusive.");
        if (query_get(q, "ordering"))
            return err_set(e, ERR_INPUT,
                           "Ordering cannot be specified in conjunction with cursor-based pagination.");
        p.by_id = true;
    }
    *ret = p;
    return 0;
}

void url_encode(struct str *out, const char *value)
{
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (isalnum(c) || strchr("_.-~", c))
            str_addn(out, value, 1);
        else if (c == ' ')
            str_addn(out, "+", 1);
        else
            str_addf(out, "%%%02X", c);
    }
}

static bool is_paging(const char *name)
{
    return !strcmp(name, "limit") || !strcmp(name, "offset") || !strcmp(name, "start");
}

/* Pairs lie in one array, so that those of one name stay in their order. */
static int by_name(const void *a, const void *b)
{
    const struct query_pair *const *x = a, *const *y = b;
    int c = strcmp((*x)->name, (*y)->name);
    return c ? c : (*x > *y) - (*x < *y);
}

void query_url(struct str *out, const char *path, const struct query *q, const struct page *p)
{
    char limit[24], at[24];
    snprintf(limit, sizeof limit, "%lld", (long long)p->limit);
    snprintf(at, sizeof at, "%lld", (long long)(p->by_id ? p->start : p->offset));
    struct query_pair paging[] = {{"limit", limit}, {p->by_id ? "start" : "offset", at}};
    const struct query_pair **all = xcalloc(q->n + 2, sizeof *all);
    size_t n = 0;
    all[n++] = &paging[0];
    if (p->by_id || p->offset)
        all[n++] = &paging[1];
    for (size_t i = 0; i < q->n; i++)
        if (!is_paging(q->pairs[i].name))
            all[n++] = &q->pairs[i];
    qsort(all, n, sizeof *all, by_name);
    str_add(out, path);
    for (size_t i = 0; i < n; i++) {
        str_addn(out, i ? "&" : "?", 1);
        url_encode(out, all[i]->name);
        str_addn(out, "=", 1);
        url_encode(out, all[i]->value);
    }
    free(all);
}

bool list_has(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncmp(at, word, n) && (!at[n] || at[n] == ','))
            return true;
    }
    return false;
}

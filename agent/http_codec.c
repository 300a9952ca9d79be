#include "agent/http_codec.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"

static int bad(struct err *e, const char *what)
{
    return err_set(e, ERR_CORRUPT, "the server's HTTP answer is malformed: %s", what);
}

/* Decimal digits alone, at most 18: no overflow. */
static bool parse_number(struct span *s, uint64_t *ret)
{
    size_t n = 0;
    uint64_t v = 0;
    while (n < s->n && isdigit(s->p[n]) && n < 18)
        v = v * 10 + (uint64_t)(s->p[n++] - '0');
    s->p += n;
    s->n -= n;
    *ret = v;
    return n > 0;
}

static bool skip_text(struct span *s, const char *text)
{
    size_t n = strlen(text);
    if (s->n < n || strncasecmp((const char *)s->p, text, n) != 0)
        return false;
    s->p += n;
    s->n -= n;
    return true;
}

static struct span trim(struct span s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static int take_length(struct http_head *h, struct span v, struct err *e)
{
    uint64_t n;
    if (!parse_number(&v, &n) || v.n)
        return bad(e, "Content-Length is no number");
    if (h->has_length && h->length != n)
        return bad(e, "two Content-Lengths");
    h->has_length = true;
    h->length = n;
    return 0;
}

static int take_range(struct http_head *h, struct span v, struct err *e)
{
    if (skip_text(&v, "bytes */")) /* of a 416: it tells nothing that we use */
        return 0;
    if (!skip_text(&v, "bytes ") || !parse_number(&v, &h->from) || !skip_text(&v, "-") ||
        !parse_number(&v, &h->to) || !skip_text(&v, "/") || !parse_number(&v, &h->total) || v.n ||
        h->to < h->from || h->to >= h->total)
        return bad(e, "Content-Range");
    h->has_range = true;
    return 0;
}

static int take_connection(struct http_head *h, struct span v, struct err *e)
{
    (void)e;
    if (skip_text(&v, "close"))
        h->keep = false;
    return 0;
}

static int take_encoding(struct http_head *h, struct span v, struct err *e)
{
    (void)h;
    (void)v;
    return bad(e, "Transfer-Encoding is not used between agent and server");
}

static int take_retry(struct http_head *h, struct span v, struct err *e)
{
    uint64_t s;
    (void)e;
    if (parse_number(&v, &s) && !v.n)
        h->retry_s = s < HTTP_RETRY_MAX ? (unsigned)s : HTTP_RETRY_MAX;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(struct http_head *h, struct span v, struct err *e);
} fields[] = {
    {"Content-Length:", take_length},      {"Content-Range:", take_range}, {"Connection:", take_connection},
    {"Transfer-Encoding:", take_encoding}, {"Retry-After:", take_retry},
};

static int take_field(struct http_head *h, struct span line, struct err *e)
{
    if (line.p[0] == ' ' || line.p[0] == '\t' || !memchr(line.p, ':', line.n))
        return bad(e, "a header line without a name");
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
            return bad(e, "a control byte in the head");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (skip_text(&line, fields[i].name))
            return fields[i].take(h, trim(line), e);
    return 0;
}

static int take_status(struct http_head *h, struct span line, struct err *e)
{
    uint64_t status;
    if (!skip_text(&line, "HTTP/1."))
        return bad(e, "no status line");
    h->keep = line.n && line.p[0] == '1';
    if (!(skip_text(&line, "1 ") || skip_text(&line, "0 ")) || !parse_number(&line, &status) ||
        status < 100 || status > 599)
        return bad(e, "status line");
    h->status = (int)status;
    return 0;
}

/* Where the line ends: the index of its \r\n, or -1. */
static ptrdiff_t line_end(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (p[i] == '\r' && p[i + 1] == '\n')
            return (ptrdiff_t)i;
    return -1;
}

int http_head_parse(struct span s, struct http_head *ret, struct err *e)
{
    struct http_head h = {0};
    size_t at = 0;
    for (bool first = true;; first = false) {
        ptrdiff_t n = line_end(s.p + at, s.n - at);
        if (n < 0)
            return s.n >= HTTP_HEAD_MAX ? bad(e, "its head is too long") : 0;
        struct span line = span_of(s.p + at, (size_t)n);
        at += (size_t)n + 2;
        if (at > HTTP_HEAD_MAX)
            return bad(e, "its head is too long");
        if (!first && n == 0)
            break;
        if (first ? take_status(&h, line, e) : take_field(&h, line, e))
            return -1;
    }
    if (h.status < 200 || h.status == 204 || h.status == 304) {
        h.has_length = true; /* these have no body, whatever they claim */
        h.length = 0;
    }
    *ret = h;
    return (int)at;
}

void http_request_encode(const struct http_request *r, struct str *ret)
{
    str_addf(ret, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: rackstrap-agent\r\n", r->method, r->path,
             r->host);
    if (r->token)
        str_addf(ret, "Authorization: Bearer %s\r\n", r->token);
    if (r->n)
        str_addf(ret, "Range: bytes=%llu-%llu\r\n", (unsigned long long)r->from,
                 (unsigned long long)(r->from + r->n - 1));
    if (r->body)
        str_addf(ret, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(r->body));
    str_add(ret, "\r\n");
    if (r->body)
        str_add(ret, r->body);
}

int http_url_parse(const char *url, char host[32], uint32_t *ret_ip, uint16_t *ret_port, struct err *e)
{
    char address[IP4_STR];
    struct ip4 ip;
    uint64_t port = 80;
    struct span rest = span_str(url);
    if (!skip_text(&rest, "http://"))
        return err_set(e, ERR_INPUT, "%.100s: the server's URL must begin with http://", url);
    size_t n = 0;
    while (n < rest.n && (isdigit(rest.p[n]) || rest.p[n] == '.'))
        n++;
    if (n >= sizeof address)
        return err_set(e, ERR_INPUT, "%.100s: the server's URL must hold a numeric IPv4 address", url);
    memcpy(address, rest.p, n);
    address[n] = 0;
    rest = span_of(rest.p + n, rest.n - n);
    if (ip4_parse(address, &ip, e))
        return err_prefix(e, "%.100s: the server's URL must hold a numeric IPv4 address", url);
    if (skip_text(&rest, ":") && (!parse_number(&rest, &port) || port < 1 || port > 65535))
        return err_set(e, ERR_INPUT, "%.100s: the port is not one", url);
    skip_text(&rest, "/");
    if (rest.n)
        return err_set(e, ERR_INPUT, "%.100s: nothing may follow the address and port", url);
    bool named = strchr(url + strlen("http://"), ':') != NULL;
    snprintf(host, 32, named ? "%s:%u" : "%s", address, (unsigned)port);
    *ret_ip = ip.a;
    *ret_port = (uint16_t)port;
    return 0;
}

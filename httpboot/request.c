/* request: see request.h. One pass for the end of the head, one over its lines. */
#include "httpboot/request.h"

#include <stdlib.h>
#include <string.h>

static enum request_result bad(struct request_fault *f, int status, const char *why)
{
    *f = (struct request_fault){.status = status, .why = why};
    return REQUEST_BAD;
}

/* ---- bytes ---- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool span_is_nocase(struct span s, const char *text)
{
    size_t i;

    if (s.n != strlen(text))
        return false;
    for (i = 0; i < s.n; i++)
        if (lower(s.p[i]) != lower((uint8_t)text[i]))
            return false;
    return true;
}

/* RFC 9110 5.6.2 */
static bool is_token_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct span s)
{
    size_t i;

    for (i = 0; i < s.n; i++)
        if (!is_token_byte(s.p[i]))
            return false;
    return s.n > 0;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct span trim(struct span s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* Cuts *s at the first c: returns what was before it, *s becomes what is after. Without a c: all, and *s is
 * empty (p NULL). */
static struct span cut(struct span *s, uint8_t c)
{
    const uint8_t *at = s->n ? memchr(s->p, c, s->n) : NULL;
    struct span before = *s;

    if (!at) {
        *s = (struct span){0};
        return before;
    }
    before.n = (size_t)(at - s->p);
    *s = span_of(at + 1, s->n - before.n - 1);
    return before;
}

/* ---- the end of the head ---- */

/* No control byte belongs in a head but TAB, CR and LF, and CR only before LF: whoever sends one (TLS, say)
 * hears so at once. */
static bool is_forbidden(struct span bytes, size_t i)
{
    uint8_t c = bytes.p[i];

    if (c == '\r')
        return i + 1 < bytes.n && bytes.p[i + 1] != '\n';
    return (c < ' ' && c != '\t' && c != '\n') || c == 0x7f;
}

/* Is the LF at i the one that ends an empty line? */
static bool ends_empty_line(struct span bytes, size_t i)
{
    if (i >= 1 && bytes.p[i - 1] == '\r')
        i--;
    return i == 0 || bytes.p[i - 1] == '\n';
}

/* Empty lines before a request are skipped (RFC 9112 2.2); they count towards the limit. */
static size_t skip_empty_lines(struct span bytes)
{
    size_t i = 0;

    while (i < bytes.n && (bytes.p[i] == '\n' || bytes.p[i] == '\r'))
        i++;
    return i;
}

static enum request_result find_end(struct span bytes, size_t start, size_t *seen, size_t *ret_end,
                                    struct request_fault *f)
{
    size_t i = *seen > start ? *seen : start;

    for (; i < bytes.n; i++) {
        if (is_forbidden(bytes, i))
            return bad(f, 400, "the head holds a control byte: this is no HTTP request");
        if (bytes.p[i] == '\r' && i + 1 == bytes.n)
            break; /* its LF has yet to come: look at it again then */
        if (i >= REQUEST_HEAD_MAX)
            return bad(f, 431, "the request's head is longer than 16 KiB");
        if (bytes.p[i] == '\n' && i > start && ends_empty_line(bytes, i)) {
            *ret_end = i + 1;
            return REQUEST_DONE;
        }
    }
    *seen = i;
    if (bytes.n - start > REQUEST_LINE_MAX + 2 && !memchr(bytes.p + start, '\n', REQUEST_LINE_MAX + 2))
        return bad(f, 414, "the request line is longer than 4 KiB");
    if (bytes.n > REQUEST_HEAD_MAX)
        return bad(f, 431, "the request's head is longer than 16 KiB");
    return REQUEST_MORE;
}

/* ---- lines ---- */

static struct span next_line(struct span *rest)
{
    struct span line = cut(rest, '\n');

    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static const struct {
    const char *name;
    enum method method;
} methods[] = {
    {"GET", METHOD_GET},       {"HEAD", METHOD_HEAD},       {"POST", METHOD_POST},
    {"PUT", METHOD_PUT},       {"PATCH", METHOD_PATCH},     {"DELETE", METHOD_DELETE},
    {"CONNECT", METHOD_OTHER}, {"OPTIONS", METHOD_OPTIONS}, {"TRACE", METHOD_OTHER},
};

static enum request_result parse_method(struct span name, struct request *r, struct request_fault *f)
{
    size_t i;

    if (!is_token(name))
        return bad(f, 400, "the request does not begin with a method");
    for (i = 0; i < sizeof methods / sizeof *methods; i++)
        if (span_eq(name, span_str(methods[i].name))) { /* methods, unlike header names, have a case */
            r->method = methods[i].method;
            r->method_name = name;
            return REQUEST_DONE;
        }
    return bad(f, 501, "this method is not known here");
}

static enum request_result parse_version(struct span v, struct request *r, struct request_fault *f)
{
    if (v.n != 8 || !span_starts(v, "HTTP/") || v.p[5] < '0' || v.p[5] > '9' || v.p[6] != '.' ||
        v.p[7] < '0' || v.p[7] > '9')
        return bad(f, 400, "the request line does not end with HTTP/1.0 or HTTP/1.1");
    if (v.p[5] != '1')
        return bad(f, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    r->minor =
        v.p[7] == '0' ? 0 : 1; /* RFC 9110 6.2: a higher minor version is answered as the highest we know */
    return REQUEST_DONE;
}

/* Absolute form (RFC 9112 3.2.2), which a proxy's client sends: what stands before the path, or 0. */
static size_t authority_end(struct span t)
{
    size_t i, scheme = t.n > 7 && span_is_nocase(span_of(t.p, 7), "http://")    ? 7
                       : t.n > 8 && span_is_nocase(span_of(t.p, 8), "https://") ? 8
                                                                                : 0;

    for (i = scheme; scheme && i < t.n && t.p[i] != '/' && t.p[i] != '?'; i++)
        ;
    return i;
}

/* Origin and absolute form. The asterisk and the authority form belong to OPTIONS and CONNECT, which nothing
 * here takes. */
static enum request_result parse_target(struct span t, struct request *r, struct request_fault *f)
{
    size_t i, authority = authority_end(t);
    struct span rest = span_of(t.p + authority, t.n - authority);

    for (i = 0; i < t.n; i++)
        if (t.p[i] <= ' ' || t.p[i] >= 0x7f || t.p[i] == '#')
            return bad(f, 400, "the request's target holds a byte that must be percent-encoded");
    if (authority && t.p[authority - 1] == '/')
        return bad(f, 400, "the request's target names no host");
    if (t.n && t.p[0] != '/' && !authority && !(r->method & (METHOD_GET | METHOD_HEAD | METHOD_POST)))
        return bad(f, 501, "this method is not known here");
    r->path = cut(&rest, '?');
    r->query = rest;
    if (authority && !r->path.n)
        r->path = span_str("/");
    if (!r->path.n || r->path.p[0] != '/')
        return bad(f, 400, "the request's target is not a path");
    return REQUEST_DONE;
}

static enum request_result parse_request_line(struct span line, struct request *r, struct request_fault *f)
{
    struct span rest = line;
    struct span method = cut(&rest, ' ');
    struct span target = cut(&rest, ' ');
    enum request_result rc;

    if (line.n > REQUEST_LINE_MAX)
        return bad(f, 414, "the request line is longer than 4 KiB");
    if ((rc = parse_version(rest, r, f)) != REQUEST_DONE)
        return rc;
    if ((rc = parse_method(method, r, f)) != REQUEST_DONE)
        return rc;
    return parse_target(target, r, f);
}

static enum request_result parse_header(struct span line, struct request *r, struct request_fault *f)
{
    struct span rest = line;
    struct span name = cut(&rest, ':');

    if (line.p[0] == ' ' || line.p[0] == '\t')
        return bad(f, 400, "a header is folded over two lines");
    if (!rest.p || !is_token(name))
        return bad(f, 400, "a header line is not NAME: VALUE");
    if (r->headers_n == REQUEST_HEADERS_MAX)
        return bad(f, 431, "the request has more than 64 headers");
    r->headers[r->headers_n++] = (struct header){.name = name, .value = trim(rest)};
    return REQUEST_DONE;
}

struct span request_header(const struct request *r, const char *name, size_t *ret_count)
{
    struct span first = {0};
    size_t i, count = 0;

    for (i = 0; i < r->headers_n; i++)
        if (span_is_nocase(r->headers[i].name, name) && count++ == 0)
            first = r->headers[i].value;
    if (ret_count)
        *ret_count = count;
    return first;
}

/* ---- what the headers mean for the connection and the body ---- */

static bool list_has(struct span list, const char *word)
{
    while (list.n)
        if (span_is_nocase(trim(cut(&list, ',')), word))
            return true;
    return false;
}

/* A header may come more than once; its values are one list then (RFC 9110 5.3). */
static bool header_has(const struct request *r, const char *name, const char *word)
{
    size_t i;

    for (i = 0; i < r->headers_n; i++)
        if (span_is_nocase(r->headers[i].name, name) && list_has(r->headers[i].value, word))
            return true;
    return false;
}

static enum request_result parse_host(struct request *r, struct request_fault *f)
{
    size_t count, i;
    struct span host = request_header(r, "host", &count);

    if (count > 1 || (count == 0 && r->minor == 1))
        return bad(f, 400, "an HTTP/1.1 request has exactly one Host header");
    for (i = 0; i < host.n; i++)
        if (host.p[i] <= ' ' || host.p[i] >= 0x7f || strchr("/?#@\\", host.p[i]))
            return bad(f, 400, "the Host header is no host");
    return REQUEST_DONE;
}

static enum request_result parse_length(struct span v, size_t max, size_t *ret, struct request_fault *f)
{
    uint64_t n = 0;
    size_t i;

    if (!v.n)
        return bad(f, 400, "the Content-Length is empty");
    for (i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return bad(f, 400, "the Content-Length is no number");
        if (n <= max) /* past the limit the value no longer matters, the digits still do */
            n = n * 10 + (uint64_t)(v.p[i] - '0');
    }
    if (n > max)
        return bad(f, 413, "the body is longer than is taken here");
    *ret = (size_t)n;
    return REQUEST_DONE;
}

static enum request_result parse_body(struct request *r, const struct request_rules *rules,
                                      struct request_fault *f)
{
    size_t lengths, encodings;
    struct span length = request_header(r, "content-length", &lengths);
    struct span encoding = request_header(r, "transfer-encoding", &encodings);

    if (encodings && (lengths || r->minor == 0))
        return bad(f, 400, "Transfer-Encoding cannot be here");
    if (encodings == 1 && span_is_nocase(encoding, "chunked"))
        return bad(f, 411, "send the body with a Content-Length: chunked bodies are not taken");
    if (encodings)
        return bad(f, 501, "this Transfer-Encoding is not known here");
    if (lengths > 1)
        return bad(f, 400, "there is more than one Content-Length");
    if (lengths == 0 && r->method == METHOD_POST && !rules->post_may_be_silent)
        return bad(f, 411, "a POST needs a Content-Length");
    return lengths ? parse_length(length, rules->body_max, &r->body_len, f) : REQUEST_DONE;
}

static enum request_result parse_expect(struct request *r, struct request_fault *f)
{
    size_t count;
    struct span v = request_header(r, "expect", &count);

    if (count == 0 || r->minor == 0)
        return REQUEST_DONE;
    if (count > 1 || !span_is_nocase(v, "100-continue"))
        return bad(f, 417, "the only expectation that can be met is 100-continue");
    r->expect_continue = r->body_len > 0;
    return REQUEST_DONE;
}

static enum request_result parse_meaning(struct request *r, const struct request_rules *rules,
                                         struct request_fault *f)
{
    enum request_result rc;

    r->keep_alive = r->minor == 1
                        ? !header_has(r, "connection", "close")
                        : header_has(r, "connection", "keep-alive") && !header_has(r, "connection", "close");
    if ((rc = parse_host(r, f)) != REQUEST_DONE)
        return rc;
    if ((rc = parse_body(r, rules, f)) != REQUEST_DONE)
        return rc;
    return parse_expect(r, f);
}

enum request_result request_parse(struct span bytes, const struct request_rules *rules, size_t *seen,
                                  struct request *ret, struct request_fault *fault)
{
    static const struct request_rules boot = {.body_max = REQUEST_BODY_MAX};
    size_t start = skip_empty_lines(bytes), end;
    enum request_result rc = find_end(bytes, start, seen, &end, fault);
    struct span rest, line;

    if (rc != REQUEST_DONE)
        return rc;
    *ret = (struct request){.head_len = end};
    rest = span_of(bytes.p + start, end - start);
    rc = parse_request_line(next_line(&rest), ret, fault);
    while (rc == REQUEST_DONE && (line = next_line(&rest)).n)
        rc = parse_header(line, ret, fault);
    return rc == REQUEST_DONE ? parse_meaning(ret, rules ? rules : &boot, fault) : rc;
}

/* ---- percent-encoding and the query ---- */

bool percent_decode(struct span s, char *buf, size_t size)
{
    size_t i, n = 0;
    int hi, lo;
    uint8_t c;

    for (i = 0; i < s.n; i++) {
        c = s.p[i];
        if (c == '%') {
            if (i + 2 >= s.n || (hi = hex_value(s.p[i + 1])) < 0 || (lo = hex_value(s.p[i + 2])) < 0)
                return false;
            c = (uint8_t)(hi * 16 + lo);
            i += 2;
        }
        if (c < ' ' || c == 0x7f || n + 1 >= size)
            return false;
        buf[n++] = (char)c;
    }
    if (n >= size)
        return false;
    buf[n] = '\0';
    return true;
}

bool request_param(const struct request *r, const char *name, char *buf, size_t size)
{
    struct span rest = r->query, pair;

    while (rest.n) {
        pair = cut(&rest, '&');
        if (!span_eq(cut(&pair, '='), span_str(name)))
            continue;
        if (percent_decode(pair, buf, size))
            return true;
        break;
    }
    if (size)
        buf[0] = '\0';
    return false;
}

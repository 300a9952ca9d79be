#include "agent/io_http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/backoff.h"
#include "agent/http_codec.h"

#define CONNECT_MS 10000
#define ERROR_BODY 4096u

struct agent_http {
    struct sockaddr_in to;
    char host[32];
    int timeout_ms;
    int fd;
    bool used;          /* a request was answered on this connection */
    struct str refusal; /* of the last call */
    unsigned retry_s;
    uint8_t buf[128 * 1024];
    size_t start, end; /* unread bytes in buf */
};

int agent_http_new(const char *url, int timeout_ms, struct agent_http **ret, struct err *e)
{
    uint32_t ip;
    uint16_t port;
    struct agent_http h = {.timeout_ms = timeout_ms, .fd = -1};
    if (http_url_parse(url, h.host, &ip, &port, e))
        return -1;
    h.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    *ret = xcalloc(1, sizeof **ret);
    **ret = h;
    return 0;
}

static void hang_up(struct agent_http *h)
{
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
    h->start = h->end = 0;
    h->used = false;
}

void agent_http_free(struct agent_http *h)
{
    if (h) {
        hang_up(h);
        str_free(&h->refusal);
    }
    free(h);
}

static int unavailable(struct agent_http *h, struct err *e, const char *what, int error)
{
    hang_up(h);
    return err_set(e, ERR_UNAVAILABLE, "server %s: %s%s%s", h->host, what, error ? ": " : "",
                   error ? strerror(error) : "");
}

static int wait_for(struct agent_http *h, short events, int ms, struct err *e)
{
    uint64_t deadline = ticks_ms() + (uint64_t)ms;
    for (;;) {
        uint64_t now = ticks_ms();
        struct pollfd p = {.fd = h->fd, .events = events};
        int n = poll(&p, 1, now < deadline ? (int)(deadline - now) : 0);
        if (n > 0)
            return 0;
        if (n == 0)
            return unavailable(h, e, "no answer in time", 0);
        if (errno != EINTR)
            return unavailable(h, e, "poll", errno);
    }
}

static int dial(struct agent_http *h, struct err *e)
{
    int on = 1, error = 0;
    socklen_t n = sizeof error;
    h->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (h->fd < 0)
        return unavailable(h, e, "socket", errno);
    setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(h->fd, (struct sockaddr *)&h->to, sizeof h->to) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return unavailable(h, e, "no connection", errno);
    if (wait_for(h, POLLOUT, CONNECT_MS, e))
        return -1;
    if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &error, &n) || error)
        return unavailable(h, e, "no connection", error ? error : errno);
    return 0;
}

static int put(struct agent_http *h, const char *p, size_t n, struct err *e)
{
    while (n > 0) {
        ssize_t sent = send(h->fd, p, n, MSG_NOSIGNAL);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            if (wait_for(h, POLLOUT, h->timeout_ms, e))
                return -1;
        } else if (sent < 0 && errno != EINTR) {
            return unavailable(h, e, "sending", errno);
        }
    }
    return 0;
}

/* At least one more byte into buf, which must have room. */
static int fill(struct agent_http *h, struct err *e)
{
    for (;;) {
        ssize_t n = recv(h->fd, h->buf + h->end, sizeof h->buf - h->end, 0);
        if (n > 0) {
            h->end += (size_t)n;
            return 0;
        }
        if (n == 0)
            return unavailable(h, e, "the connection ended early", 0);
        if (errno == EAGAIN) {
            if (wait_for(h, POLLIN, h->timeout_ms, e))
                return -1;
        } else if (errno != EINTR) {
            return unavailable(h, e, "receiving", errno);
        }
    }
}

static int read_head(struct agent_http *h, struct http_head *ret, struct err *e)
{
    h->start = h->end = 0; /* bytes that came unasked belong to no answer */
    for (;;) {
        struct err why = {0};
        int n = http_head_parse(span_of(h->buf + h->start, h->end - h->start), ret, &why);
        if (n < 0)
            return unavailable(h, e, why.text, 0);
        h->start += (size_t)n;
        if (n > 0 && ret->status >= 200)
            break; /* 1xx: the real one follows */
        if (n == 0 && fill(h, e))
            return -1;
    }
    if (!ret->has_length)
        return unavailable(h, e, "an answer without Content-Length", 0);
    return 0;
}

static int exchange(struct agent_http *h, const struct http_request *r, struct http_head *ret, struct err *e)
{
    struct str text = {0};
    int status = -1;
    if (h->fd < 0 && dial(h, e))
        return -1;
    http_request_encode(r, &text);
    if (put(h, text.s, text.len, e) == 0 && read_head(h, ret, e) == 0)
        status = 0;
    str_free(&text);
    return status;
}

/* A kept connection may have been closed by the other side meanwhile: that is not an error, a new one is
 * tried once. Every request of the protocol may be repeated. */
static int request(struct agent_http *h, const struct http_request *r, struct http_head *ret, struct err *e)
{
    bool reused = h->used;
    str_reset(&h->refusal);
    h->retry_s = 0;
    if ((!reused || exchange(h, r, ret, NULL)) && exchange(h, r, ret, e))
        return -1;
    h->used = true;
    return 0;
}

static int read_body(struct agent_http *h, const struct http_head *head, http_sink *sink, void *ctx,
                     struct err *e)
{
    for (uint64_t left = head->length; left > 0;) {
        if (h->start == h->end) {
            h->start = h->end = 0;
            if (fill(h, e))
                return -1;
        }
        size_t n = h->end - h->start;
        if (n > left)
            n = (size_t)left;
        if (sink(ctx, h->buf + h->start, n, e)) {
            hang_up(h);
            return -1;
        }
        h->start += n;
        left -= n;
    }
    if (!head->keep)
        hang_up(h);
    return 0;
}

static int to_str(void *ctx, const uint8_t *p, size_t n, struct err *e)
{
    (void)e;
    str_addn(ctx, p, n);
    return 0;
}

static const struct {
    int status;
    enum err_kind kind;
} kinds[] = {
    {401, ERR_REFUSED}, {403, ERR_REFUSED},     {404, ERR_NOT_FOUND},   {409, ERR_CONFLICT},
    {416, ERR_CORRUPT}, {408, ERR_UNAVAILABLE}, {429, ERR_UNAVAILABLE},
};

static enum err_kind status_kind(int status)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].status == status)
            return kinds[i].kind;
    return status >= 500 ? ERR_UNAVAILABLE : ERR_INPUT;
}

/* An error's body is read for its sentence, then the error is the answer. */
static int refuse(struct agent_http *h, const struct http_head *head, const char *path, struct err *e)
{
    struct str *body = &h->refusal;
    h->retry_s = head->retry_s;
    if (head->length > ERROR_BODY)
        hang_up(h);
    else if (read_body(h, head, to_str, body, NULL))
        str_reset(body);
    return err_set(e, status_kind(head->status), "server %s answers %d for %s%s%.300s", h->host, head->status,
                   path, body->len ? ": " : "", body->len ? body->s : "");
}

const char *agent_http_refusal(const struct agent_http *h, unsigned *ret_retry_s)
{
    *ret_retry_s = h->retry_s;
    return h->refusal.len ? h->refusal.s : "";
}

int agent_http_call(struct agent_http *h, const char *method, const char *path, const char *token,
                    const char *json, size_t max, struct str *ret_body, struct err *e)
{
    struct http_head head;
    struct str body = {0};
    const struct http_request r = {
        .method = method, .host = h->host, .path = path, .token = token, .body = json};
    if (request(h, &r, &head, e))
        return -1;
    if (head.status < 200 || head.status > 299)
        return refuse(h, &head, path, e);
    if (head.length > max) {
        hang_up(h);
        return err_set(e, ERR_INPUT, "server %s sends %llu bytes for %s; at most %zu are taken", h->host,
                       (unsigned long long)head.length, path, max);
    }
    int status = read_body(h, &head, to_str, &body, e);
    if (status == 0 && ret_body && body.len)
        str_addn(ret_body, body.s, body.len);
    str_free(&body);
    return status;
}

int agent_http_range(struct agent_http *h, const char *path, uint64_t from, uint64_t n, uint64_t *ret_total,
                     http_sink *sink, void *ctx, struct err *e)
{
    struct http_head head;
    const struct http_request r = {.method = "GET", .host = h->host, .path = path, .from = from, .n = n};
    if (request(h, &r, &head, e))
        return -1;
    if (head.status >= 300)
        return refuse(h, &head, path, e);
    if (head.status != 206 || !head.has_range || head.from != from ||
        head.length != head.to - head.from + 1 || head.length > n) {
        hang_up(h);
        return err_set(e, ERR_INPUT, "server %s does not answer ranges of %s", h->host, path);
    }
    *ret_total = head.total;
    if (read_body(h, &head, sink, ctx, e))
        return -1;
    if (head.length < n)
        return err_set(e, ERR_CORRUPT, "%s ends after %llu bytes, too early", path,
                       (unsigned long long)head.total);
    return 0;
}

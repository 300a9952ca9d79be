#include "base/http.h"

#include <assert.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#define DEFAULT_CONNECT_MS 10000
#define DEFAULT_TIMEOUT_MS 60000
#define DEFAULT_STALL_MS   60000
#define DEFAULT_MAX_BODY   (1u << 20)
#define PROGRESS_EVERY_MS  200
#define URL_PUBLIC_SIZE    300

struct http_pool {
    CURLSH *share;
};

/* One exchange, whichever way it is driven. */
struct exchange {
    CURL *easy;
    struct curl_slist *headers;
    struct http_reply reply;
    size_t max_body;
    bool oversized;
    char url[URL_PUBLIC_SIZE]; /* the part of it that may be told */
    char curl_says[CURL_ERROR_SIZE];
    const char *wanted;
    const atomic_bool *stop;
    http_sink *sink; /* NULL: the body is collected */
    void *sink_ctx;
    bool sink_failed;
    struct err sink_err;
};

/* The URL without user, password, query and fragment. */
static void url_public(const char *url, char *buf, size_t size)
{
    const char *host = strstr(url, "://");
    size_t scheme = host ? (size_t)(host + 3 - url) : 0;
    const char *start = url + scheme;
    size_t authority = strcspn(start, "/?#");

    for (size_t i = authority; i > 0; i--) {
        if (start[i - 1] == '@') {
            start += i;
            break;
        }
    }
    snprintf(buf, size, "%.*s%.*s", (int)scheme, url, (int)strcspn(start, "?#"), start);
    for (char *p = buf; *p; p++) {
        if (iscntrl((unsigned char)*p)) {
            *p = '?';
        }
    }
}

/* ---- what libcurl calls ---- */

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    struct exchange *x = arg;
    long status = 0;

    (void)one;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (x->sink && status >= 200 && status < 300) {
        if (x->sink(p, n, x->sink_ctx, &x->sink_err) < 0) {
            x->sink_failed = true;
            return 0;
        }
        return n;
    }
    if (n > x->max_body - x->reply.body.len) {
        x->oversized = true;
        return 0;
    }
    str_addn(&x->reply.body, p, n);
    return n;
}

static void header_value(const char *p, size_t n, const char *name, char *buf, size_t size)
{
    size_t len = strlen(name);

    if (n <= len || p[len] != ':' || strncasecmp(p, name, len) != 0) {
        return;
    }
    p += len + 1;
    n -= len + 1;
    while (n > 0 && isspace((unsigned char)*p)) {
        p++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)p[n - 1])) {
        n--;
    }
    snprintf(buf, size, "%.*s", (int)n, p);
}

/* A date is as good as nothing: who asks has a back-off of his own. */
static void retry_after(const char *p, size_t n, uint32_t *ret)
{
    char text[16] = "", *end;

    header_value(p, n, "Retry-After", text, sizeof text);
    unsigned long v = strtoul(text, &end, 10);
    if (isdigit((unsigned char)text[0]) && !*end) {
        *ret = v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
    }
}

static void date_of(const char *p, size_t n, int64_t *ret)
{
    char text[64] = "";

    header_value(p, n, "Date", text, sizeof text);
    time_t at = *text ? curl_getdate(text, NULL) : -1;
    if (at > 0) {
        *ret = at;
    }
}

static void redirect_to(const char *p, size_t n, char *buf, size_t size)
{
    char url[1024] = "";

    header_value(p, n, "Location", url, sizeof url);
    if (*url) {
        url_public(url, buf, size);
    }
}

static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
    struct exchange *x = arg;

    (void)one;
    if (n > 5 && strncmp(p, "HTTP/", 5) ==
                     0) { /* of a redirect's target, or after a 100: what came before does not count */
        x->reply.content_type[0] = '\0';
        x->reply.etag[0] = '\0';
        x->reply.wanted[0] = '\0';
        x->reply.location[0] = '\0';
        x->reply.retry_after_s = 0;
    }
    if (x->wanted) {
        header_value(p, n, x->wanted, x->reply.wanted, sizeof x->reply.wanted);
    }
    date_of(p, n, &x->reply.date_s);
    retry_after(p, n, &x->reply.retry_after_s);
    redirect_to(p, n, x->reply.location, sizeof x->reply.location);
    header_value(p, n, "Content-Type", x->reply.content_type, sizeof x->reply.content_type);
    header_value(p, n, "ETag", x->reply.etag, sizeof x->reply.etag);
    return n;
}

/* libcurl asks at least once a second. */
static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct exchange *x = arg;

    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(x->stop) ? 1 : 0;
}

/* ---- an exchange ---- */

static void exchange_close(struct exchange *x)
{
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    http_reply_free(&x->reply);
}

static void set_method(struct exchange *x, const struct http_request *q)
{
    bool post = q->body || (q->method && strcmp(q->method, "POST") == 0);

    if (post) {
        curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_n);
        curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, q->body ? q->body : "");
    }
    if (q->method && strcmp(q->method, "HEAD") == 0) {
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    } else if (q->method && strcmp(q->method, post ? "POST" : "GET") != 0) {
        curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, q->method);
    }
}

static void set_headers(struct exchange *x, const struct http_request *q)
{
    /* Servers differ in what they make of Expect; without it a body simply follows. */
    x->headers = curl_slist_append(x->headers, "Expect:");
    for (const char *const *h = q->headers; h && *h; h++) {
        x->headers = curl_slist_append(x->headers, *h);
    }
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_limits(struct exchange *x, const struct http_request *q, bool stream)
{
    uint32_t connect = q->connect_timeout_ms ? q->connect_timeout_ms : DEFAULT_CONNECT_MS;
    uint32_t stall = q->stall_timeout_ms ? q->stall_timeout_ms : DEFAULT_STALL_MS;

    x->max_body = q->max_body ? q->max_body : DEFAULT_MAX_BODY;
    curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    if (stream) { /* libcurl counts whole seconds here */
        curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, (long)(stall + 999) / 1000);
        curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
    } else {
        curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS,
                         (long)(q->timeout_ms ? q->timeout_ms : DEFAULT_TIMEOUT_MS));
    }
}

static void exchange_open(struct exchange *x, const struct http_request *q, bool stream)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    x->easy = curl_easy_init();
    if (!x->easy) {
        abort();
    }
    str_add(&x->reply.body, "");
    url_public(q->url, x->url, sizeof x->url);
    curl_easy_setopt(x->easy, CURLOPT_URL, q->url);
    curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, q->follow ? 1L : 0L);
    curl_easy_setopt(x->easy, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->curl_says);
    curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "rackstrap");
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (q->ca_file && *q->ca_file) {
        curl_easy_setopt(x->easy, CURLOPT_CAINFO, q->ca_file);
    }
    if (!q->proxy) {
        curl_easy_setopt(x->easy, CURLOPT_NOPROXY, "*");
    }
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
    if (q->pool) {
        curl_easy_setopt(x->easy, CURLOPT_SHARE, q->pool->share);
    }
    x->wanted = q->wanted;
    x->stop = q->stop;
    if (q->stop) {
        curl_easy_setopt(x->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(x->easy, CURLOPT_XFERINFODATA, x);
        curl_easy_setopt(x->easy, CURLOPT_NOPROGRESS, 0L);
    }
    set_method(x, q);
    set_headers(x, q);
    set_limits(x, q, stream);
}

/* Which of libcurl's results is what kind of error, with our sentence; the others are ERR_UNAVAILABLE in
 * libcurl's words. */
static const struct {
    CURLcode code;
    enum err_kind kind;
    const char *sentence;
} results[] = {
    {CURLE_URL_MALFORMAT, ERR_INPUT, "this is not a URL"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_INPUT, "only http:// and https:// are spoken here"},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNAVAILABLE, "the host's name cannot be resolved"},
    {CURLE_COULDNT_CONNECT, ERR_UNAVAILABLE, "nobody answers there"},
    {CURLE_OPERATION_TIMEDOUT, ERR_UNAVAILABLE, "no answer in time"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_REFUSED, NULL},
    {CURLE_SSL_CACERT_BADFILE, ERR_INPUT, "the file of certificate authorities cannot be read"},
    {CURLE_PARTIAL_FILE, ERR_CORRUPT, "the answer was cut off before its end"},
    {CURLE_ABORTED_BY_CALLBACK, ERR_UNAVAILABLE, "broken off, since we are to end"},
    {CURLE_TOO_MANY_REDIRECTS, ERR_CORRUPT, "more than 5 redirects"},
};

/* 0, or why there was no answer. */
static int exchange_result(struct exchange *x, CURLcode code, struct err *e)
{
    const char *says = x->curl_says[0] ? x->curl_says : curl_easy_strerror(code);

    if (code == CURLE_OK) {
        curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->reply.status);
        return 0;
    }
    if (x->oversized) {
        return err_set(e, ERR_CORRUPT, "%s: the answer is longer than %zu bytes", x->url, x->max_body);
    }
    if (x->sink_failed) {
        if (e) {
            *e = x->sink_err;
        }
        return -1;
    }
    /* libcurl's one code for three things; the scheme of what was asked for tells two of them apart. */
    if (code == CURLE_UNSUPPORTED_PROTOCOL &&
        (strncasecmp(x->url, "http://", 7) == 0 || strncasecmp(x->url, "https://", 8) == 0)) {
        return err_set(e, ERR_CORRUPT, "%s: the answer is not HTTP, or redirects to something that is not",
                       x->url);
    }
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (results[i].code == code) {
            return err_set(e, results[i].kind, "%s: %s", x->url,
                           results[i].sentence ? results[i].sentence : says);
        }
    }
    return err_set(e, ERR_UNAVAILABLE, "%s: %s", x->url, says);
}

void http_reply_free(struct http_reply *r)
{
    str_free(&r->body);
}

/* ---- asynchronous: libcurl's multi interface, driven by watches ---- */

struct http {
    struct loop *loop;
    CURLM *multi;
    struct watch *timer;
    struct http_call *calls;
};

struct http_call {
    struct http *http;
    struct http_call *prev, *next;
    http_fn *fn;
    void *ctx;
    struct exchange x;
};

static void call_unlink(struct http_call *c)
{
    curl_multi_remove_handle(c->http->multi, c->x.easy);
    if (c->prev) {
        c->prev->next = c->next;
    } else {
        c->http->calls = c->next;
    }
    if (c->next) {
        c->next->prev = c->prev;
    }
}

static void call_done(struct http_call *c, CURLcode code)
{
    struct err why = {0};
    int r = exchange_result(&c->x, code, &why);

    call_unlink(c);
    c->fn(r == 0 ? &c->x.reply : NULL, r == 0 ? NULL : &why, c->ctx);
    exchange_close(&c->x);
    free(c);
}

static void http_act(struct http *h, curl_socket_t fd, int what)
{
    CURLMsg *m;
    int left;

    curl_multi_socket_action(h->multi, fd, what, &left);
    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct http_call *c = NULL;
        CURLcode code = m->data.result;

        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        call_done(c, code);
    }
}

static void on_timer(void *ctx)
{
    http_act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static void on_socket_ready(int fd, unsigned what, void *ctx)
{
    http_act(ctx, fd,
             (what & WATCH_READ ? CURL_CSELECT_IN : 0) | (what & WATCH_WRITE ? CURL_CSELECT_OUT : 0));
}

/* libcurl: wait for this on that socket. `old` is what we gave to curl_multi_assign the last time. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *old)
{
    struct http *h = arg;
    unsigned events = (what & CURL_POLL_IN ? WATCH_READ : 0u) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0u);

    (void)easy;
    watch_free(old);
    curl_multi_assign(h->multi, fd,
                      what == CURL_POLL_REMOVE ? NULL : watch_fd(h->loop, fd, events, on_socket_ready, h));
    return 0;
}

static int on_timeout(CURLM *multi, long ms, void *arg)
{
    struct http *h = arg;

    (void)multi;
    if (ms < 0) {
        watch_disarm(h->timer);
    } else {
        watch_arm(h->timer, (uint32_t)ms);
    }
    return 0;
}

struct http *http_new(struct loop *l)
{
    struct http *h = xcalloc(1, sizeof *h);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    h->loop = l;
    h->multi = curl_multi_init();
    if (!h->multi) {
        abort();
    }
    h->timer = watch_timer(l, on_timer, h);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    return h;
}

void http_free(struct http *h)
{
    if (!h) {
        return;
    }
    while (h->calls) {
        http_cancel(h->calls);
    }
    curl_multi_cleanup(h->multi);
    watch_free(h->timer);
    free(h);
}

struct http_call *http_start(struct http *h, const struct http_request *q, http_fn *fn, void *ctx)
{
    struct http_call *c = xcalloc(1, sizeof *c);

    assert(fn);
    c->http = h;
    c->fn = fn;
    c->ctx = ctx;
    exchange_open(&c->x, q, false);
    curl_easy_setopt(c->x.easy, CURLOPT_PRIVATE, (char *)c);
    c->next = h->calls;
    if (h->calls) {
        h->calls->prev = c;
    }
    h->calls = c;
    curl_multi_add_handle(h->multi, c->x.easy); /* only arms the timer: fn is never called from here */
    return c;
}

void http_cancel(struct http_call *c)
{
    if (!c) {
        return;
    }
    call_unlink(c);
    exchange_close(&c->x);
    free(c);
}

/* ---- blocking ---- */

struct http_pool *http_pool_new(void)
{
    struct http_pool *p = xcalloc(1, sizeof *p);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    p->share = curl_share_init();
    if (!p->share) {
        abort();
    }
    curl_share_setopt(p->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl_share_setopt(p->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_share_setopt(p->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    return p;
}

void http_pool_free(struct http_pool *p)
{
    if (p) {
        curl_share_cleanup(p->share);
    }
    free(p);
}

static int perform(struct exchange *x, struct http_reply *ret, struct err *e)
{
    int r = exchange_result(x, curl_easy_perform(x->easy), e);

    if (r == 0) {
        *ret = x->reply;
        memset(&x->reply, 0, sizeof x->reply);
    }
    exchange_close(x);
    return r;
}

int http_do(const struct http_request *q, struct http_reply *ret, struct err *e)
{
    struct exchange x = {0};

    exchange_open(&x, q, false);
    return perform(&x, ret, e);
}

int http_stream(const struct http_request *q, http_sink *sink, void *ctx, struct http_reply *ret,
                struct err *e)
{
    struct exchange x = {.sink = sink, .sink_ctx = ctx};

    exchange_open(&x, q, true);
    return perform(&x, ret, e);
}

/* ---- downloads ---- */

struct download {
    int fd;
    EVP_MD_CTX *hash;
    uint64_t done, total;
    http_progress *progress;
    void *ctx;
    int64_t told_ms; /* monotonic */
    struct exchange x;
};

static int64_t monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int tell(struct download *d, bool last, struct err *e)
{
    int64_t now = monotonic_ms();

    if (!d->progress || (!last && now - d->told_ms < PROGRESS_EVERY_MS)) {
        return 0;
    }
    d->told_ms = now;
    if (d->progress(d->done, d->total, d->ctx) != 0) {
        return err_set(e, ERR_REFUSED, "the download was broken off");
    }
    return 0;
}

static int download_sink(const void *p, size_t n, void *ctx, struct err *e)
{
    struct download *d = ctx;
    curl_off_t total = -1;

    if (write_all(d->fd, p, n) < 0) {
        return err_errno(e, "writing the download");
    }
    EVP_DigestUpdate(d->hash, p, n);
    d->done += n;
    curl_easy_getinfo(d->x.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &total);
    d->total = total > 0 ? (uint64_t)total : 0;
    return tell(d, false, e);
}

static void hash_end(EVP_MD_CTX *hash, char ret_hex[129])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    EVP_DigestFinal_ex(hash, sum, &n);
    for (unsigned i = 0; i < n; i++) {
        snprintf(ret_hex + 2 * i, 3, "%02x", sum[i]);
    }
}

/* Fetches into the open file d->fd. */
static int fetch(struct download *d, const struct http_request *q, struct err *e)
{
    struct http_reply reply = {0};
    char url[URL_PUBLIC_SIZE];

    url_public(q->url, url, sizeof url);
    d->x = (struct exchange){.sink = download_sink, .sink_ctx = d};
    exchange_open(&d->x, q, true);
    if (perform(&d->x, &reply, e) < 0) {
        return -1;
    }
    http_reply_free(&reply);
    if (reply.status != 200) {
        return err_set(e, reply.status == 404 ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
                       "%s: the server answered with status %ld", url, reply.status);
    }
    if (tell(d, true, e) < 0) {
        return -1;
    }
    return fsync(d->fd) < 0 ? err_errno(e, "flushing the download") : 0;
}

/* Before the file gets its name: what lies under that name has been judged. */
static int hash_is(const char *url, const char *algorithm, const char *got, const char *want, struct err *e)
{
    char public[URL_PUBLIC_SIZE];

    if (!want || strcasecmp(got, want) == 0) {
        return 0;
    }
    url_public(url, public, sizeof public);
    return err_set(e, ERR_CORRUPT, "%s has the %s %s, not %s: it is not the file that is meant", public,
                   algorithm, got, want);
}

int http_download(const struct http_request *q, const char *path, const char *algorithm, const char *want_hex,
                  char ret_hex[129], http_progress *progress, void *ctx, struct err *e)
{
    const EVP_MD *md = EVP_get_digestbyname(algorithm);
    struct download d = {.fd = -1, .progress = progress, .ctx = ctx, .told_ms = monotonic_ms()};
    char *part = xasprintf("%s.part.%d", path, (int)getpid());
    int r = -1;

    if (!md || EVP_MD_get_size(md) > 64) {
        err_set(e, ERR_INPUT, "the hash \"%s\" is not known; use sha256 or sha512", algorithm);
        goto out;
    }
    d.hash = EVP_MD_CTX_new();
    if (!d.hash || !EVP_DigestInit_ex(d.hash, md, NULL)) {
        abort();
    }
    d.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (d.fd < 0) {
        err_errno(e, "%s", part);
        goto out;
    }
    if (fetch(&d, q, e) < 0) {
        goto out;
    }
    hash_end(d.hash, ret_hex);
    if (hash_is(q->url, algorithm, ret_hex, want_hex, e) < 0) {
        goto out;
    }
    if (rename(part, path) < 0) {
        err_errno(e, "%s", path);
        goto out;
    }
    r = 0;
out:
    if (d.fd >= 0) {
        close(d.fd);
    }
    if (r < 0) {
        unlink(part);
    }
    EVP_MD_CTX_free(d.hash);
    free(part);
    return r;
}

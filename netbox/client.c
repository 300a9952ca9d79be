#include "netbox/client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/http.h"
#include "base/str.h"
#include "netbox/page.h"

#define TRIES          4
#define BACKOFF_MS     500
#define BACKOFF_MAX_MS 30000 /* also of what Retry-After may ask for */
#define BODY_MAX       ((size_t)48 << 20)
#define CURSOR_SINCE   406

struct netbox_client {
    const struct netbox_config *config;
    const atomic_bool *stop;
    struct http_pool *pool;
    char *authorization;
    unsigned version;
    int64_t date_s;
};

struct netbox_client *netbox_client_new(const struct netbox_config *config, const atomic_bool *stop)
{
    struct netbox_client *c = xcalloc(1, sizeof *c);
    const char *token = config->token ? config->token : "";
    c->config = config;
    c->stop = stop;
    c->pool = http_pool_new();
    c->authorization =
        xasprintf("Authorization: %s %s", str_starts(token, "nbt_") ? "Bearer" : "Token", token);
    return c;
}

void netbox_client_free(struct netbox_client *c)
{
    if (!c) {
        return;
    }
    http_pool_free(c->pool);
    explicit_bzero(c->authorization, strlen(c->authorization));
    free(c->authorization);
    free(c);
}

unsigned netbox_version(const struct netbox_client *c)
{
    return c->version;
}

int64_t netbox_date_s(const struct netbox_client *c)
{
    return c->date_s;
}

bool netbox_stopped(const struct netbox_client *c)
{
    return c->stop && atomic_load(c->stop);
}

/* "4.2": 402. What is no version leaves it as it was. */
static void version_read(struct netbox_client *c, const char *text)
{
    char *end;
    unsigned long major = strtoul(text, &end, 10);
    if (end == text || *end != '.' || major > 100) {
        return;
    }
    unsigned long minor = strtoul(end + 1, NULL, 10);
    if (minor < 100) {
        c->version = (unsigned)(major * 100 + minor);
    }
}

/* ---- one exchange */

static int exchange(struct netbox_client *c, const char *method, const char *url, const char *body,
                    struct http_reply *ret, struct err *e)
{
    const char *const headers[] = {"Accept: application/json",
                                   *c->config->token ? c->authorization : "Accept-Charset: utf-8",
                                   body ? "Content-Type: application/json" : NULL, NULL};
    struct http_request q = {.method = method,
                             .url = url,
                             .headers = headers,
                             .body = body,
                             .body_n = body ? strlen(body) : 0,
                             .ca_file = c->config->ca_file,
                             .timeout_ms = c->config->timeout_s * 1000,
                             .max_body = BODY_MAX,
                             .wanted = "API-Version",
                             .pool = c->pool,
                             .stop = c->stop};
    if (http_do(&q, ret, e) < 0) {
        return -1;
    }
    version_read(c, ret->wanted);
    c->date_s = ret->date_s;
    return 0;
}

/* One row a status that calls for its own sentence. %s: what NetBox says. */
static const struct {
    long status;
    enum err_kind kind;
    const char *advice;
} refusals[] = {
    {400, ERR_INPUT, ""},
    {401, ERR_REFUSED, "; it is the proxy before NetBox that asks, not NetBox: let this machine through"},
    {403, ERR_REFUSED,
     "; look at netbox.token_file, at the token's end and the addresses it may come from, and whether its "
     "user may see "
     "this kind of object"},
    {404, ERR_NOT_FOUND, ""},
    {409, ERR_CONFLICT, ""},
    {412, ERR_CONFLICT, ""},
    {429, ERR_UNAVAILABLE, ""},
};

static void url_shown(const char *url, char *buf, size_t size)
{
    snprintf(buf, size, "%.*s", (int)strcspn(url, "?"), url);
}

static int refused(const char *url, const struct http_reply *r, struct err *e)
{
    char reason[256], shown[300];
    url_shown(url, shown, sizeof shown);
    page_reason(span_of(r->body.s, r->body.len), reason, sizeof reason);
    if (r->status >= 300 && r->status < 400) {
        return err_set(
            e, ERR_CORRUPT,
            "%s redirects to %s, and a token follows nobody; write the address that is meant into netbox.url",
            shown, *r->location ? r->location : "nowhere");
    }
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (refusals[i].status == r->status) {
            return err_set(e, refusals[i].kind, "%s: NetBox answers %ld (%s)%s", shown, r->status, reason,
                           refusals[i].advice);
        }
    }
    return err_set(e, r->status >= 500 ? ERR_UNAVAILABLE : ERR_CORRUPT, "%s: NetBox answers %ld (%s)", shown,
                   r->status, reason);
}

/* ---- trying again */

static void rest(const struct netbox_client *c, uint32_t ms)
{
    for (uint32_t done = 0; done < ms && !netbox_stopped(c); done += 50) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

static uint32_t backoff(unsigned tries, uint32_t retry_after_s)
{
    uint32_t v, ms = BACKOFF_MS << tries;
    if (retry_after_s) {
        return retry_after_s < BACKOFF_MAX_MS / 1000 ? retry_after_s * 1000 : BACKOFF_MAX_MS;
    }
    random_bytes(&v, sizeof v);
    ms = ms - v % (ms / 2); /* many of us do not come back at one moment */
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static bool again(const char *method, long status)
{
    return status == 429 || status == 503 || (!method && status >= 500);
}

static int request(struct netbox_client *c, const char *method, const char *url, const char *body,
                   struct http_reply *ret, struct err *e)
{
    for (unsigned tries = 0;; tries++) {
        struct err why = {0};
        bool last = tries + 1 == TRIES;
        int r = exchange(c, method, url, body, ret, &why);
        if (r == 0 && ret->status >= 200 && ret->status < 300) {
            return 0;
        }
        bool worth = r < 0 ? !method && why.kind == ERR_UNAVAILABLE : again(method, ret->status);
        uint32_t asked = r < 0 ? 0 : ret->retry_after_s;
        if (r == 0) {
            refused(url, ret, &why);
            http_reply_free(ret);
        }
        if (netbox_stopped(c)) {
            return err_set(e, ERR_UNAVAILABLE, "broken off, since we are to end");
        }
        if (last || !worth) {
            return err_set(e, why.kind, "%s", why.text);
        }
        rest(c, backoff(tries, asked));
    }
}

/* ---- objects */

static int answer(struct netbox_client *c, const char *method, const char *path, const char *body,
                  json_t **ret, struct err *e)
{
    struct http_reply reply = {0};
    json_t *j = NULL;
    char *url = xasprintf("%s/api/%s", c->config->url, path), shown[300];
    int r = request(c, method, url, body, &reply, e);
    if (r == 0 && reply.status != 204) {
        r = page_json(span_of(reply.body.s, reply.body.len), &j, e);
        url_shown(url, shown, sizeof shown);
        r = r < 0 ? err_prefix(e, "%s", shown) : 0;
    }
    http_reply_free(&reply);
    free(url);
    if (r == 0 && ret) {
        *ret = j;
    } else {
        json_decref(j);
    }
    return r;
}

int netbox_get(struct netbox_client *c, const char *path, json_t **ret, struct err *e)
{
    return answer(c, NULL, path, NULL, ret, e);
}

int netbox_send(struct netbox_client *c, const char *method, const char *path, const json_t *body,
                json_t **ret, struct err *e)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    int r = answer(c, method, path, text, ret, e);
    free(text);
    return r;
}

/* ---- lists */

static int page_each(struct netbox_client *c, struct page_walk *w, char url[PAGE_URL_MAX],
                     netbox_object_fn *fn, void *ctx, struct err *e)
{
    struct http_reply reply = {0};
    json_t *page = NULL, *results, *o;
    char next[PAGE_URL_MAX];
    size_t i;
    if (request(c, NULL, url, NULL, &reply, e) < 0) {
        return -1;
    }
    int r = page_read(w, span_of(reply.body.s, reply.body.len), &page, &results, next, e);
    http_reply_free(&reply);
    if (r < 0) {
        return err_prefix(e, "%s", w->start);
    }
    json_array_foreach(results, i, o)
    {
        if ((r = fn(o, ctx, e)) < 0) {
            break;
        }
    }
    json_decref(page);
    memcpy(url, next, sizeof next);
    return r;
}

int netbox_each(struct netbox_client *c, const char *path, const char *query, netbox_object_fn *fn, void *ctx,
                struct err *e)
{
    struct page_walk *w = xcalloc(1, sizeof *w);
    char url[PAGE_URL_MAX];
    int r = 0;
    w->limit = c->config->page_size;
    snprintf(w->start, sizeof w->start, "%s/api/%s", c->config->url, path);
    int n = snprintf(url, sizeof url, "%s?limit=%zu%s%s%s", w->start, w->limit,
                     c->version >= CURSOR_SINCE ? "&start=0" : "&ordering=id", *query ? "&" : "", query);
    if (n < 0 || (size_t)n >= sizeof url) {
        r = err_set(e, ERR_INPUT, "%s: the filter makes a URL longer than %d bytes", w->start,
                    PAGE_URL_MAX - 1);
    }
    while (r == 0 && *url) {
        r = page_each(c, w, url, fn, ctx, e);
    }
    free(w);
    return r;
}

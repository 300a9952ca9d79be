/* apicall: a request of the API's instance becomes a value of api/api.h, and its answer a response.
 *
 * Who asks, and by which name we were asked, may be what a proxy in front of us says; but only of a proxy
 * that the configuration names, and only in a form that can do no harm.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "httpboot/app.h"
#include "inventory/api_token.h"

#define HOST_MAX         260        /* 253 of a name, and its port */
#define WEBHOOK_BODY_MAX (1u << 20) /* nobody has proved anything before it is there */

/* ---- through proxies ---- */

static bool is_proxy(const struct httpboot_api *a, struct ip4 ip)
{
    size_t i;

    for (i = 0; i < a->proxies_n; i++)
        if (prefix_has(a->proxies[i], ip))
            return true;
    return false;
}

/* The last word of a list, without the blanks around it; *rest is what is before it. */
static struct span last_word(struct span *rest)
{
    struct span word = *rest;
    size_t comma;

    for (comma = word.n; comma && word.p[comma - 1] != ','; comma--)
        ;
    *rest = span_of(word.p, comma ? comma - 1 : 0);
    word = span_of(word.p + comma, word.n - comma);
    while (word.n && (word.p[0] == ' ' || word.p[0] == '\t'))
        word = span_of(word.p + 1, word.n - 1);
    while (word.n && (word.p[word.n - 1] == ' ' || word.p[word.n - 1] == '\t'))
        word.n--;
    return word;
}

/* Each proxy adds at the end whom it was asked by: to the last word, or as a line of its own behind the
 * others. What a stranger wrote before that is his to choose. */
static struct ip4 asker(const struct httpboot_api *a, const struct request *r, struct ip4 peer)
{
    char text[IP4_STR];
    struct ip4 ip;
    size_t i;

    for (i = r->headers_n; i-- > 0;) {
        struct span list = r->headers[i].value;

        if (!span_is_nocase(r->headers[i].name, "x-forwarded-for"))
            continue;
        while (is_proxy(a, peer) && list.n) {
            struct span word = last_word(&list);

            if (!span_to_str(word, text, sizeof text) || ip4_parse(text, &ip, NULL))
                return peer;
            peer = ip;
        }
    }
    return peer;
}

/* A name or an address, and perhaps a port: what may stand in a URL of ours, which goes into JSON and
 * headers. */
static bool is_host(struct span s)
{
    size_t i;

    if (!s.n || s.n >= HOST_MAX)
        return false;
    for (i = 0; i < s.n; i++)
        if (!isalnum(s.p[i]) && !strchr("-._:[]", s.p[i]))
            return false;
    return true;
}

static const char *scheme_of(const struct call *c, bool by_proxy)
{
    struct span said = request_header(c->req, "x-forwarded-proto", NULL);

    if (by_proxy && (span_is_nocase(said, "https") || span_is_nocase(said, "http")))
        return said.n == 5 ? "https" : "http";
    return c->tls ? "https" : "http";
}

/* "http://host:port"; false when the Host header is none. */
static bool make_base(const struct call *c, char *buf, size_t size)
{
    bool by_proxy = is_proxy(c->app->cfg->api, c->peer);
    struct span host = request_header(c->req, "host", NULL), said;
    char text[HOST_MAX], ip[IP4_STR];

    said = request_header(c->req, "x-forwarded-host", NULL);
    if (by_proxy && said.n)
        host = last_word(&said);
    if (!host.n && c->req->minor == 0)
        snprintf(text, sizeof text, "%s:%u", ip4_format(c->local, ip), c->local_port);
    else if (!is_host(host) || !span_to_str(host, text, sizeof text))
        return false;
    snprintf(buf, size, "%s://%s", scheme_of(c, by_proxy), text);
    return true;
}

/* ---- the call ---- */

static enum api_method method_of(enum method m)
{
    switch (m) {
    case METHOD_GET:
        return API_GET;
    case METHOD_HEAD:
        return API_HEAD;
    case METHOD_OPTIONS:
        return API_OPTIONS;
    case METHOD_POST:
        return API_POST;
    case METHOD_PUT:
        return API_PUT;
    case METHOD_PATCH:
        return API_PATCH;
    case METHOD_DELETE:
        return API_DELETE;
    case METHOD_OTHER:
        break;
    }
    return 0;
}

/* Of these there is one, or none: two of them are two requests to two readers. */
static bool headers_once(const struct request *r)
{
    static const char *const names[] = {"authorization", "content-type", "if-match"};
    size_t i, count;

    for (i = 0; i < sizeof names / sizeof *names; i++) {
        request_header(r, names[i], &count);
        if (count > 1)
            return false;
    }
    return true;
}

/* What the API said is ours from here on. */
static void take(struct response *res, struct api_response *a)
{
    res->status = a->status;
    res->content_type = a->content_type;
    res->body = a->body;
    res->headers = a->headers;
    res->retry_after = a->retry_after;
    res->no_store = true;
    memcpy(res->pattern, a->pattern, sizeof res->pattern);
    memcpy(res->who, a->who, sizeof res->who);
    memcpy(res->note, a->note, sizeof res->note);
    a->body = a->headers = (struct str){0};
}

static void count_stranger(struct call *c, struct ip4 peer)
{
    if (c->res->status != 403 || c->res->who[0])
        return;
    c->app->strangers.n++;
    c->app->strangers.last = peer;
}

static void call_api(struct call *c, struct ip4 peer)
{
    const struct request *r = c->req;
    char base[HOST_MAX + 16];
    struct api_response answer;

    if (!headers_once(r) || !make_base(c, base, sizeof base)) {
        app_refuse(c->app, c->res, 400, "the request's headers are not those of one request to one host");
        return;
    }
    api_response_init(&answer);
    api_call(c->app->api,
             &(struct api_request){.method = method_of(r->method),
                                   .path = r->path,
                                   .query = r->query,
                                   .authorization = request_header(r, "authorization", NULL),
                                   .accept = request_header(r, "accept", NULL),
                                   .content_type = request_header(r, "content-type", NULL),
                                   .if_match = request_header(r, "if-match", NULL),
                                   .user_agent = request_header(r, "user-agent", NULL),
                                   .body = c->body,
                                   .peer = peer,
                                   .base_url = base,
                                   .at_ms = c->at_ms},
             &answer);
    take(c->res, &answer);
    api_response_free(&answer);
    count_stranger(c, peer);
}

static bool is_webhook(const struct app *a, const struct request *r)
{
    return a->cfg->api->webhook_secret && span_eq(r->path, span_str("/webhook/netbox"));
}

void apicall(struct call *c)
{
    const struct request *r = c->req;
    struct ip4 peer = asker(c->app->cfg->api, r, c->peer);

    if (is_webhook(c->app, r)) {
        c->peer = peer;
        webhook_netbox(c);
        str_copy(c->res->pattern, sizeof c->res->pattern, "/webhook/netbox");
    } else if (!span_starts(r->path, "/api/") && !span_eq(r->path, span_str("/api"))) {
        response_text(c->res, 404, "text/html; charset=utf-8",
                      "<!doctype html><title>404</title><p>There is nothing here. The API is at "
                      "<a href=\"/api/\">/api/</a>.\n");
    } else if (!method_of(r->method)) {
        app_refuse(c->app, c->res, 405, "this method is not allowed");
    } else {
        call_api(c, peer);
    }
}

struct body_leave apicall_body(const struct app *a, const struct request *r, struct ip4 peer, int64_t at_ms)
{
    struct span text = api_token_presented(request_header(r, "authorization", NULL));
    enum api_token_answer answer = API_TOKEN_UNKNOWN;
    struct api_token t;

    if (is_webhook(a, r))
        return (struct body_leave){.max = WEBHOOK_BODY_MAX};
    if (text.n && api_token_check(a->store, text, asker(a->cfg->api, r, peer), at_ms, &answer, &t, NULL))
        answer = API_TOKEN_UNKNOWN;
    if (answer == API_TOKEN_GOOD && t.rights & (RIGHT_WRITE | RIGHT_ASSIGN))
        return (struct body_leave){.known = true, .max = a->cfg->api->body_max};
    return (struct body_leave){.known = answer == API_TOKEN_GOOD, .max = REQUEST_BODY_MAX};
}

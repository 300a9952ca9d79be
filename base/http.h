/* http: an HTTP client. Asynchronous on a loop, for servers; blocking, for the command line and the agent.
 *
 * TLS certificates are always verified, against the system's authorities or the file asked for. Redirects are
 * followed only if asked, to http and https only, at most 5. Bodies are bounded. Neither headers nor what may
 * be secret in a URL (its user, password and query) ever gets into an error's sentence. An answer of any
 * status is an answer; errors are: ERR_INPUT the URL, ERR_UNAVAILABLE no connection or too slow (trying again
 * may help), ERR_REFUSED the certificate is not trusted, ERR_CORRUPT a cut or oversized body.
 */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/str.h"

/* Everything is lent until the call returns. Zero is a good default for each but url. */
struct http_request {
    const char *method; /* NULL: GET, or POST when there is a body */
    const char *url;
    const char *const *headers; /* "Name: value", ends with NULL; may be NULL */
    const void *body;
    size_t body_n;
    const char *ca_file;         /* PEM; NULL or "": the system's */
    uint32_t connect_timeout_ms; /* 0: 10 s */
    uint32_t timeout_ms;         /* the whole exchange; 0: 60 s */
    uint32_t stall_timeout_ms; /* for http_stream and http_download, instead of timeout_ms: so long without a
                                  byte; 0: 60 s */
    size_t max_body;           /* 0: 1 MiB; streams and downloads: no bound */
    bool follow;               /* redirects */
    bool proxy;                /* mind http_proxy, https_proxy and no_proxy of the environment */
    const char *wanted;        /* the name of a header of the answer; NULL for none */
    struct http_pool *pool;    /* its connections are used again; NULL: one for this exchange alone */
    const atomic_bool
        *stop; /* breaks off with ERR_UNAVAILABLE within a second of becoming true; may be NULL */
};

struct http_reply {
    long status;
    struct str body;        /* NUL-terminated, body.s is never NULL; may hold NULs of its own */
    char content_type[128]; /* "" when there is none */
    char etag[128];
    char wanted[64];        /* what the header that was asked for says; "" when there is none */
    char location[320];     /* where a redirect leads, as far as it may be told */
    int64_t date_s;         /* what time the server says it is, in seconds since 1970; 0: it does not say */
    uint32_t retry_after_s; /* 0: the answer does not say, or says a date */
};
void http_reply_free(struct http_reply *r);

/* Asynchronous. fn is called exactly once, later, from the loop, unless the call is cancelled: with a reply
 * (lent for the call) or, when there was none, reply NULL and the reason. */
struct http;
struct http_call;
typedef void http_fn(const struct http_reply *reply, const struct err *why, void *ctx);
struct http *http_new(struct loop *l);
void http_free(struct http *h); /* cancels what is under way; takes NULL; not from inside a callback */
struct http_call *http_start(struct http *h, const struct http_request *q, http_fn *fn, void *ctx);
void http_cancel(struct http_call *c); /* not after its fn was called; takes NULL */

/* Connections that stay open between blocking exchanges of one thread. Free it after the last of them. */
struct http_pool *http_pool_new(void);
void http_pool_free(struct http_pool *p); /* takes NULL */

/* Blocking. */
int http_do(const struct http_request *q, struct http_reply *ret, struct err *e); /* http_reply_free it */

/* The body goes to sink as it comes, but only of a status 2xx; another's is collected in ret->body (up to
 * max_body). sink returns 0, or -1 to break off with its own reason in *e. */
typedef int http_sink(const void *p, size_t n, void *ctx, struct err *e);
int http_stream(const struct http_request *q, http_sink *sink, void *ctx, struct http_reply *ret,
                struct err *e);

/* Fetches into path (by a temporary file beside it, so that path is whole, and what was meant, or not there)
 * and hashes on the way: algorithm "sha256" or "sha512". want_hex (may be NULL): another hash is ERR_CORRUPT.
 * Any status but 200 is an error. progress (may be NULL) hears at most every 200 ms; total is 0 when unknown;
 * other than 0 breaks off. */
typedef int http_progress(uint64_t done, uint64_t total, void *ctx);
int http_download(const struct http_request *q, const char *path, const char *algorithm, const char *want_hex,
                  char ret_hex[129], http_progress *progress, void *ctx, struct err *e);

#endif

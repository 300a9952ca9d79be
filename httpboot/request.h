/* request: the head of an HTTP/1.0 or 1.1 request (RFC 9112), bytes in, slices out. Pure.
 *
 * request_parse looks at all the bytes that have come so far, and says one of three things: REQUEST_MORE, not
 * yet, read on; REQUEST_BAD, never, answer `status` and close; REQUEST_DONE, and then *ret lends slices of
 * those very bytes. `seen` carries how far the search for the end of the head has come, so that bytes that
 * drip in one by one cost linear time; zero it for each request. Whatever is true of a whole head is true of
 * it cut anywhere: a prefix of a good head is MORE or, at the end of its last line, DONE.
 *
 * Stricter than the RFC where leniency has let requests be smuggled: no bare CR, no folded lines, no blank
 * before a colon, one Host, one Content-Length, no Transfer-Encoding (411 for chunked; our clients always
 * know their length).
 */
#ifndef HTTPBOOT_REQUEST_H
#define HTTPBOOT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

#define REQUEST_HEAD_MAX    (16u * 1024) /* the whole head; more is 431 */
#define REQUEST_LINE_MAX    (4u * 1024)  /* the first line; more is 414 */
#define REQUEST_HEADERS_MAX 64           /* more is 431 */
#define REQUEST_BODY_MAX    (64u * 1024) /* more is 413, where no rule says otherwise */

enum method {
    METHOD_GET = 1,
    METHOD_HEAD = 2,
    METHOD_POST = 4,
    METHOD_OPTIONS = 8, /* this and the next three: the API's */
    METHOD_PUT = 16,
    METHOD_PATCH = 32,
    METHOD_DELETE = 64,
    METHOD_OTHER = 128, /* a method of RFC 9110 that nothing here takes: 405 */
};

struct header {
    struct span name, value; /* the value without the blanks around it */
};

struct request {
    enum method method;
    struct span method_name;
    struct span path;  /* from the first '/', not decoded; of an absolute URL the part after the authority */
    struct span query; /* what follows '?', not decoded */
    unsigned minor;    /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;
    bool expect_continue;
    size_t head_len; /* where the body begins */
    size_t body_len;
    size_t headers_n;
    struct header headers[REQUEST_HEADERS_MAX];
};

enum request_result { REQUEST_MORE, REQUEST_DONE, REQUEST_BAD };

struct request_fault {
    int status;
    const char *why; /* a sentence */
};

struct request_rules {
    size_t body_max;
    bool post_may_be_silent; /* without a Content-Length it has no body; else it is 411 */
};
/* rules: NULL for those of the server that machines boot from. */
enum request_result request_parse(struct span bytes, const struct request_rules *rules, size_t *seen,
                                  struct request *ret, struct request_fault *fault);

/* The first header of this name (any case), or the empty span with p NULL. *ret_count, if not NULL: how many
 * there are. */
struct span request_header(const struct request *r, const char *name, size_t *ret_count);

/* A parameter of the query, percent-decoded and terminated. False when it is absent, too long or badly
 * encoded: buf is "" then. */
bool request_param(const struct request *r, const char *name, char *buf, size_t size);

/* Percent-decodes into buf, terminates. False on a bad escape, a control byte (NUL is one) or lack of room.
 */
bool percent_decode(struct span s, char *buf, size_t size);

bool span_is_nocase(struct span s, const char *lower);

#endif

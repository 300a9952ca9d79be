/* http_codec: the head of an HTTP/1.1 response, and our requests (RFC 9110, 9112). Bytes in, a struct out; no
 * socket.
 *
 * Refused, because nothing of ours sends it and guessing where a body ends is how requests get smuggled:
 * Transfer-Encoding, two different Content-Lengths, folded lines, bare control bytes, a head of more than
 * HTTP_HEAD_MAX bytes. */
#ifndef AGENT_HTTP_CODEC_H
#define AGENT_HTTP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

#define HTTP_HEAD_MAX  8192
#define HTTP_RETRY_MAX 60 /* seconds: however long a server wants to be left alone */

struct http_head {
    int status;
    bool keep; /* the connection may be used again */
    bool has_length;
    uint64_t length; /* of the body; 0 for statuses that have none */
    bool has_range;  /* Content-Range: bytes from-to/total */
    uint64_t from, to, total;
    unsigned retry_s; /* Retry-After in seconds; 0: not said, or as a date, which nothing of ours sends */
};

/* The bytes that the head takes, 0 when more are needed, -1 when it is none. */
int http_head_parse(struct span s, struct http_head *ret, struct err *e);

struct http_request {
    const char *method, *host, *path;
    const char *token; /* NULL: none */
    const char *body;  /* JSON; NULL: none */
    uint64_t from, n;  /* n > 0: Range */
};
void http_request_encode(const struct http_request *r, struct str *ret);

/* "http://10.77.0.1:8080" or without the port; a path behind it is refused. */
int http_url_parse(const char *url, char host[32], uint32_t *ret_ip, uint16_t *ret_port, struct err *e);

#endif

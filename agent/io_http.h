/* io_http: one connection to one server, for one thread: requests one after the other, kept alive between
 * them.
 *
 * Blocking calls with time limits by poll(2), not an event loop: every thread here does one thing at a time,
 * and a stream that may fill its reader's queue is simply not read. Numeric IPv4 only (a static program has
 * no resolver). Bodies are bounded by the caller. Errors: ERR_UNAVAILABLE for whatever trying again may mend
 * (no connection, time-out, cut stream, malformed answer, 5xx); ERR_REFUSED 401, 403; ERR_NOT_FOUND 404;
 * ERR_CONFLICT 409; ERR_CORRUPT 416; ERR_INPUT any other. */
#ifndef AGENT_IO_HTTP_H
#define AGENT_IO_HTTP_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct agent_http;

/* timeout_ms: for the connection, and for each wait for bytes. Connects at the first request. */
int agent_http_new(const char *url, int timeout_ms, struct agent_http **ret, struct err *e);
void agent_http_free(struct agent_http *h);

/* The body of a 2xx goes to *ret_body (added; may be NULL); of an error, its sentence into *e. */
int agent_http_call(struct agent_http *h, const char *method, const char *path, const char *token,
                    const char *json, size_t max, struct str *ret_body, struct err *e);

/* What the last call was refused with: its body ("" for none), and the Retry-After of its head. Lent till the
 * next call. */
const char *agent_http_refusal(const struct agent_http *h, unsigned *ret_retry_s);

/* GET of n bytes at `from`. The sink gets them as they come; its -1 ends the transfer. *ret_total: the file's
 * size. */
typedef int http_sink(void *ctx, const uint8_t *p, size_t n, struct err *e);
int agent_http_range(struct agent_http *h, const char *path, uint64_t from, uint64_t n, uint64_t *ret_total,
                     http_sink *sink, void *ctx, struct err *e);

#endif

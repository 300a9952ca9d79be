/* api: the REST API in NetBox's language, without a socket: a request as a value in, an answer as a value
 * out.
 *
 * httpboot's engine makes the request: it has read the head and the whole body, and nothing of either is
 * decoded. Everything at /api/ comes here, whoever asks: the token is api_call's to look at. The answer is
 * what NetBox would send, to the header lines; what the connection needs (Date, Content-Length, Connection,
 * Server) is the engine's.
 *
 * Life cycle: api_new once in a process; api_call for each request, one at a time; api_free. The store is
 * lent, and so is all that the configuration refers to.
 */
#ifndef API_API_H
#define API_API_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/span.h"
#include "base/str.h"
#include "inventory/lease.h"
#include "inventory/store.h"

/* Of a set, since a path has several. What is none of these never comes here. */
enum api_method {
    API_GET = 1 << 0,
    API_HEAD = 1 << 1, /* answer as GET: the engine sends the head alone */
    API_OPTIONS = 1 << 2,
    API_POST = 1 << 3,
    API_PUT = 1 << 4,
    API_PATCH = 1 << 5,
    API_DELETE = 1 << 6,
};
const char *api_method_name(enum api_method m); /* "PUT" */

/* Slices are lent for the call. A header that is absent is the empty span; one that came more than once, and
 * may not, has been refused. */
struct api_request {
    enum api_method method;
    struct span path;  /* from its first '/' on, "/api/dcim/devices/"; not decoded */
    struct span query; /* what follows '?', not decoded */
    struct span authorization, accept, content_type, if_match, user_agent;
    struct span body;
    struct ip4 peer;      /* who asks; behind a trusted proxy, whom that names */
    const char *base_url; /* "https://boot.example:8443": what absolute URLs begin with; no slash at the end.
                             From the Host header, which the engine has found to be a host and a port and no
                             more: letters, digits, -, dots, colon, brackets */
    int64_t at_ms;        /* the wall clock */
};

#define API_REQUEST_ID 37 /* a UUID's text */

struct api_response {
    int status;
    const char *content_type; /* NULL: there is no body; lent by a literal */
    struct str body;
    struct str headers;   /* whole lines, each with CR LF; by api_header only */
    char pattern[96];     /* for the log: "/api/dcim/devices/{id}/"; "" for an unknown path */
    char who[64];         /* for the log: the token's name; "" when it was not good */
    char note[320];       /* for the log: why, where it is an error; no secret */
    unsigned retry_after; /* seconds, with 503; 0: none */
};
void api_response_init(struct api_response *r);
void api_response_free(struct api_response *r);
/* Adds a header line. Bytes that would end the line, and other control bytes, become question marks. */
void api_header(struct api_response *r, const char *name, const char *value);

struct unused_query {
    struct prefix within; /* what is asked for addresses; its own first and last are the asker's matter */
    struct ip4 from;
    int64_t at_ms;
};

struct api_config {
    const char *state_dir;
    uint32_t job_expiry_s; /* of jobs that a written `image` arms */
    uint64_t wipe_limit;   /* devices that one request may arm */
    const char
        *netbox_url; /* "https://netbox.example", to say where an object is to be changed; NULL: none */
    /* What is known of an address, as `rackstrap ip --json` says it: the configuration's part of it is not
     * the API's. NULL: nobody answers that here. */
    json_t *(*about)(void *ctx, struct store *s, struct leases *l, const char *address, struct err *e);
    /* The first address from `from` on, inside `within`, that nothing uses beside what has a
     * record: this server, a router, a pool, a lease. 1: there is none; -1: e. NULL:
     * only records are asked. */
    int (*unused)(void *ctx, struct store *s, struct leases *l, const struct unused_query *q, struct ip4 *ret,
                  struct err *e);
    void *about_ctx; /* of both */
};

struct api;
struct api *api_new(struct store *s, const struct api_config *cfg);
void api_free(struct api *a); /* takes NULL */

/* Answers, whatever comes. ret: initialised by api_response_init; the caller frees it. */
void api_call(struct api *a, const struct api_request *q, struct api_response *ret);

#endif

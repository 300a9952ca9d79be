/* response: an answer as a value, and its head as text. Pure, but that a response owns the file that it
 * sends.
 *
 * Life cycle: response_init; a handler fills it (response_text, response_json, response_error, or a file by
 * files.h); response_head writes the status line and headers; io sends head, then body or file; response_free
 * closes and frees.
 */
#ifndef HTTPBOOT_RESPONSE_H
#define HTTPBOOT_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define ETAG_SIZE 96

struct response {
    int status;
    const char *content_type; /* NULL: there is no body */
    struct str body;          /* in memory, or */
    int fd;                   /* -1, or a file of ours: bytes `first` to `first + length` of `total` */
    uint64_t first, length, total;
    bool stream;          /* the file is a release's pack: an address is sent few of them at a time */
    char etag[ETAG_SIZE]; /* with its quotes; "" for none */
    bool no_store;        /* holds a secret or a decision of this moment */
    const char *allow;    /* for 405 */
    unsigned retry_after; /* seconds, for 503; 0: none */
    struct str headers;   /* more header lines, whole, each with CR LF */
    char pattern[96];     /* of an answer that no table's row gave: what was asked for, for the log */
    char who[64];         /* for the log: whose token it was; "" for nobody's */
    char note[320];       /* why, for the log; no secrets */
};

void response_init(struct response *r);
void response_free(struct response *r);

void response_text(struct response *r, int status, const char *content_type, const char *text);
/* {"error": why}; bytes of `why` that are not ASCII become question marks. */
void response_error(struct response *r, int status, const char *why);
/* The same with another key than "error". */
void response_error_as(struct response *r, int status, const char *key, const char *why);
void response_empty(struct response *r, int status); /* 204 */

uint64_t response_body_len(const struct response *r);

struct response_framing {
    bool head;       /* the answer to a HEAD: lengths as for a GET, no body follows */
    bool keep_alive; /* the connection goes on */
    int64_t now_s;   /* for Date */
};
void response_head(const struct response *r, const struct response_framing *f, struct str *out);

const char *status_text(int status);

#endif

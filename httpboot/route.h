/* route: one table of what is served: methods, path pattern, handler. Pure: it finds a row, it calls nothing.
 *
 * A pattern's segment is a word that must be equal, or `*`, which takes any one segment. Segments are
 * compared percent-decoded; one that decodes to something with a slash or a control byte matches nothing. No
 * path is ever normalised: `..` is a word like any other, and no row has it.
 */
#ifndef HTTPBOOT_ROUTE_H
#define HTTPBOOT_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "httpboot/request.h"

#define ROUTE_ARG_SIZE 128

struct call;
typedef void handler_fn(struct call *c);

struct route {
    unsigned methods; /* of enum method, or-ed */
    const char *pattern;
    handler_fn *handler;
};

enum route_result { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

struct route_match {
    const struct route *route; /* for ROUTE_NO_METHOD a row of that path */
    char arg[ROUTE_ARG_SIZE];  /* what `*` took; a pattern has at most one */
};

enum route_result route_find(const struct route *table, size_t n, enum method m, struct span path,
                             struct route_match *ret);

/* "GET, HEAD": the value of Allow for a row. */
const char *route_allow(const struct route *r);

#endif

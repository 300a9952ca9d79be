/* page: one answer of a NetBox's list, and the way through its pages. Pure.
 *
 * A NetBox is believed about its objects, not about where they are: `next` has to lead to the list that was
 * asked for, at the same server, and the walk ends when there were more pages than its count leaves room for.
 */
#ifndef NETBOX_PAGE_H
#define NETBOX_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

#define PAGE_URL_MAX 4096

struct page_walk {
    char start[PAGE_URL_MAX]; /* "https://netbox.example/api/dcim/devices/", without a query */
    size_t limit;
    size_t pages, objects;
    size_t count; /* as the first page said; 0: it did not (cursor paging) */
    bool counted;
    int64_t newest; /* the highest id of the pages before */
};

/* Takes the page apart. *ret_results is a list of objects, each with an `id` above zero; the caller's to
 * json_decref
 * (*ret_page, which holds it). next becomes the URL of the page that follows, "" at the end. ERR_CORRUPT says
 * what is wrong with the page; the caller knows its URL. */
int page_read(struct page_walk *w, struct span body, json_t **ret_page, json_t **ret_results,
              char next[PAGE_URL_MAX], struct err *e);

/* A JSON text, or why it is none: cut off, HTML, nested too deeply. The caller's to json_decref. */
int page_json(struct span body, json_t **ret, struct err *e);

/* What NetBox says of an error, in one line for a person; never empty. */
void page_reason(struct span body, char *buf, size_t size);

/* Does url lead to the same scheme, host, port and path as start? Only the query may differ. */
bool page_same_list(const char *start, const char *url);

#endif

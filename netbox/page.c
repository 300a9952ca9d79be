#include "netbox/page.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* Objects that come into being while the pages are read make some more of them. */
#define PAGES_SPARE 16
/* Where no count is said, or one that cannot be: enough for NetBoxes ten times the largest that we heard of.
 */
#define OBJECTS_MAX 10000000

static bool looks_like_html(struct span body)
{
    size_t i = 0;
    while (i < body.n && isspace(body.p[i])) {
        i++;
    }
    return i < body.n && body.p[i] == '<';
}

int page_json(struct span body, json_t **ret, struct err *e)
{
    json_error_t why;
    json_t *j = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &why);
    if (j) {
        *ret = j;
        return 0;
    }
    if (looks_like_html(body)) {
        return err_set(e, ERR_CORRUPT,
                       "a page of HTML came instead of JSON: netbox.url may be another program's, or a "
                       "proxy asks for a login");
    }
    return err_set(e, ERR_CORRUPT, "the answer is no whole JSON (line %d, column %d: %.120s)", why.line,
                   why.column, why.text);
}

bool page_same_list(const char *start, const char *url)
{
    const char *path = strstr(start, "://");
    if (!path) {
        return false;
    }
    size_t host = strcspn(path + 3, "/") + (size_t)(path + 3 - start), n = strlen(start);
    if (strlen(url) < n || strncasecmp(start, url, host) != 0 ||
        strncmp(start + host, url + host, n - host) != 0) {
        return false;
    }
    return url[n] == '\0' || url[n] == '?';
}

static int next_read(const struct page_walk *w, const json_t *page, char next[PAGE_URL_MAX], struct err *e)
{
    const json_t *v = json_object_get(page, "next");
    next[0] = '\0';
    if (json_is_null(v)) {
        return 0;
    }
    if (!json_is_string(v)) {
        return err_set(e, ERR_CORRUPT, "`next` is neither a URL nor null");
    }
    if (!page_same_list(w->start, json_string_value(v))) {
        return err_set(e, ERR_CORRUPT,
                       "`next` leads elsewhere (%.200s); if that is this NetBox too, write its address into "
                       "netbox.url, or let the proxy before it pass on Host and X-Forwarded-Proto",
                       json_string_value(v));
    }
    if (!str_copy(next, PAGE_URL_MAX, json_string_value(v))) {
        return err_set(e, ERR_CORRUPT, "`next` is longer than %d bytes", PAGE_URL_MAX - 1);
    }
    return 0;
}

static int count_read(struct page_walk *w, const json_t *page, struct err *e)
{
    const json_t *v = json_object_get(page, "count");
    if (json_is_null(v)) {
        return 0; /* cursor paging does not count */
    }
    if (!json_is_integer(v) || json_integer_value(v) < 0) {
        return err_set(e, ERR_CORRUPT, "`count` is no number");
    }
    if (w->counted && (size_t)json_integer_value(v) < w->count) {
        return err_set(
            e, ERR_UNAVAILABLE,
            "objects were deleted while the list was read, so that others may have slipped past; try again");
    }
    w->counted = true;
    if ((size_t)json_integer_value(v) > w->count) {
        w->count = (size_t)json_integer_value(v);
    }
    return 0;
}

static int results_read(const json_t *page, json_t **ret, struct err *e)
{
    json_t *list = json_object_get(page, "results"), *o;
    size_t i;
    if (!json_is_array(list)) {
        return err_set(e, ERR_CORRUPT, "it has no list of results: this is no NetBox's list%s%.200s",
                       json_is_string(json_object_get(page, "detail")) ? "; it says: " : "",
                       json_is_string(json_object_get(page, "detail"))
                           ? json_string_value(json_object_get(page, "detail"))
                           : "");
    }
    json_array_foreach(list, i, o)
    {
        const json_t *id = json_object_get(o, "id");
        if (!json_is_integer(id) || json_integer_value(id) <= 0) {
            return err_set(e, ERR_CORRUPT, "its result %zu is no object with a number as its `id`", i + 1);
        }
    }
    *ret = list;
    return 0;
}

/* A cursor leads on, or the walk never ends. */
static int order_check(struct page_walk *w, const json_t *results, struct err *e)
{
    int64_t newest = w->newest;
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)results, i, o)
    {
        int64_t id = json_integer_value(json_object_get(o, "id"));
        newest = id > newest ? id : newest;
    }
    if (!w->counted && json_array_size(results) > 0 && newest <= w->newest) {
        return err_set(e, ERR_CORRUPT,
                       "the pages do not end: number %zu has no object that is newer than those before it",
                       w->pages);
    }
    w->newest = newest;
    return 0;
}

/* The end comes by itself, or by what was counted. */
static int walk_check(const struct page_walk *w, size_t n, const char *next, struct err *e)
{
    size_t most = w->counted && w->count < OBJECTS_MAX ? w->count : OBJECTS_MAX;
    size_t room = most / (w->limit ? w->limit : 1) + PAGES_SPARE + most / 1000;
    if (*next && n == 0) {
        return err_set(e, ERR_CORRUPT, "it has no results and yet a `next`");
    }
    if (*next && w->pages > room) {
        return err_set(e, ERR_CORRUPT, "the pages do not end: this is number %zu, and its count is %zu",
                       w->pages, w->count);
    }
    if (!*next && w->counted && w->objects + w->limit < w->count) {
        return err_set(e, ERR_CORRUPT, "the pages ended after %zu objects of the %zu that were counted",
                       w->objects, w->count);
    }
    return 0;
}

int page_read(struct page_walk *w, struct span body, json_t **ret_page, json_t **ret_results,
              char next[PAGE_URL_MAX], struct err *e)
{
    json_t *page, *results = NULL;
    if (page_json(body, &page, e) < 0) {
        return -1;
    }
    w->pages++;
    if (!json_is_object(page)) {
        err_set(e, ERR_CORRUPT, "the answer is no JSON object");
        goto fail;
    }
    if (results_read(page, &results, e) < 0 || count_read(w, page, e) < 0 ||
        next_read(w, page, next, e) < 0) {
        goto fail;
    }
    w->objects += json_array_size(results);
    if (order_check(w, results, e) < 0 || walk_check(w, json_array_size(results), next, e) < 0) {
        goto fail;
    }
    *ret_page = page;
    *ret_results = results;
    return 0;
fail:
    json_decref(page);
    return -1;
}

/* {"detail": "..."}, {"error": "..."}, {"name": ["..."]}: the first text that is found, with its key. */
static bool reason_of(const json_t *j, char *buf, size_t size)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)j, key, v)
    {
        if (json_is_array(v)) {
            v = json_array_get(v, 0);
        }
        if (json_is_string(v)) {
            bool plain = strcmp(key, "detail") == 0 || strcmp(key, "error") == 0;
            snprintf(buf, size, "%.40s%s%.200s", plain ? "" : key, plain ? "" : ": ", json_string_value(v));
            return true;
        }
    }
    return false;
}

void page_reason(struct span body, char *buf, size_t size)
{
    json_t *j = json_loadb((const char *)body.p, body.n, 0, NULL);
    if (!json_is_object(j) || !reason_of(j, buf, size)) {
        snprintf(buf, size, "%s",
                 looks_like_html(body) ? "a page of HTML"
                 : body.n              ? "no reason that we know"
                                       : "no reason");
    }
    for (char *p = buf; *p; p++) {
        if (iscntrl((unsigned char)*p)) {
            *p = ' ';
        }
    }
    json_decref(j);
}

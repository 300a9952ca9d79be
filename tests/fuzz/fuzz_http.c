/* A request's bytes: parsed at once and dripped must agree; then its path, query, Range and tags go through
 * what a server does with them. */
#include <stdlib.h>
#include <string.h>

#include "httpboot/range.h"
#include "httpboot/request.h"
#include "httpboot/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct route table[] = {
    {METHOD_GET | METHOD_HEAD, "/boot/*", NULL},
    {METHOD_GET | METHOD_HEAD, "/images/*/pack", NULL},
    {METHOD_POST, "/agent/v1/hello", NULL},
};

static void use(const struct request *r)
{
    struct span range = request_header(r, "range", NULL);
    struct range part = range_parse(range, 1000000);
    struct route_match m;
    char buf[64];

    if (part.kind == RANGE_PART &&
        (part.length == 0 || part.first >= 1000000 || part.length > 1000000 - part.first))
        abort();
    if (route_find(table, sizeof table / sizeof *table, r->method, r->path, &m) == ROUTE_FOUND &&
        strchr(m.arg, '/'))
        abort();
    request_param(r, "uuid", buf, sizeof buf);
    etag_list_has(request_header(r, "if-none-match", NULL), "\"a\"", true);
    if_range_holds(request_header(r, "if-range", NULL), "\"a\"");
}

static enum request_result dripped(const uint8_t *data, size_t size, struct request *r)
{
    enum request_result rc = REQUEST_MORE;
    struct request_fault f;
    size_t n, seen = 0, step = size / 64 + 1;

    for (n = 0; n < size && rc == REQUEST_MORE;) {
        n = n + step < size ? n + step : size;
        rc = request_parse(span_of(data, n), NULL, &seen, r, &f);
    }
    return rc;
}

/* What is good to the boot server is so to the API's, and says the same. */
static void by_the_api_rules(const uint8_t *data, size_t size, enum request_result boot,
                             const struct request *whole)
{
    static const struct request_rules rules = {.body_max = 10u << 20, .post_may_be_silent = true};
    struct request_fault f;
    struct request r;
    size_t seen = 0;
    enum request_result rc = request_parse(span_of(data, size), &rules, &seen, &r, &f);

    if (rc == REQUEST_DONE && r.body_len > rules.body_max)
        abort();
    if (boot == REQUEST_DONE &&
        (rc != REQUEST_DONE || r.head_len != whole->head_len || r.body_len != whole->body_len))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request whole, parts;
    struct request_fault f = {0};
    size_t seen = 0;
    enum request_result rc = request_parse(span_of(data, size), NULL, &seen, &whole, &f);

    if (rc != dripped(data, size, &parts))
        abort();
    if (rc == REQUEST_BAD && (f.status < 400 || !f.why))
        abort();
    by_the_api_rules(data, size, rc, &whole);
    if (rc != REQUEST_DONE)
        return 0;
    if (whole.head_len != parts.head_len || whole.head_len > size || whole.body_len > REQUEST_BODY_MAX)
        abort();
    use(&whole);
    return 0;
}

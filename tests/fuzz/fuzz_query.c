/* The query of a URL, whatever it is: a `next` made of it asks for the same again, and what is written of it
 * as JSON is JSON, with the very same texts. */
#include <stdlib.h>
#include <string.h>

#include "api/jsonw.h"
#include "api/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool paging(const char *name)
{
    return !strcmp(name, "limit") || !strcmp(name, "offset") || !strcmp(name, "start");
}

/* Each filter has its last value in the next page's URL too. */
static void next_is_alike(const struct query *q)
{
    struct page p, again;
    struct str url = {0};
    struct query next;
    if (query_page(q, &p, NULL))
        return;
    query_url(&url, "", q, &p);
    if (query_parse(span_of(url.s + 1, url.len - 1), &next, NULL) || query_page(&next, &again, NULL))
        abort();
    if (again.limit != p.limit || again.offset != p.offset || again.by_id != p.by_id ||
        again.start != p.start)
        abort();
    for (size_t i = 0; i < q->n; i++) {
        const char *name = q->pairs[i].name;
        if (!paging(name) && strcmp(query_get(q, name), query_get(&next, name)) != 0)
            abort();
    }
    query_free(&next);
    str_free(&url);
}

static void json_is_json(const struct query *q)
{
    struct str text = {0};
    struct jsonw w = {.out = &text};
    jsonw_open(&w, '[');
    for (size_t i = 0; i < q->n; i++) {
        jsonw_str(&w, q->pairs[i].name);
        jsonw_str(&w, q->pairs[i].value);
    }
    jsonw_close(&w, ']');
    json_t *j = json_loadb(text.s, text.len, 0, NULL);
    if (!j || json_array_size(j) != 2 * q->n)
        abort();
    for (size_t i = 0; i < q->n; i++)
        if (strcmp(json_string_value(json_array_get(j, 2 * i + 1)), q->pairs[i].value) != 0)
            abort();
    json_decref(j);
    str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct query q;
    struct str raw = {0};
    struct jsonw w = {.out = &raw};
    jsonw_strn(&w, (const char *)data, size); /* any bytes at all */
    json_t *j = json_loadb(raw.s, raw.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!j)
        abort();
    json_decref(j);
    str_free(&raw);
    if (query_parse(span_of(data, size), &q, NULL))
        return 0;
    next_is_alike(&q);
    json_is_json(&q);
    query_free(&q);
    return 0;
}

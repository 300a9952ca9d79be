/* client: calls of the API on a real store, as a client would make them. */
#ifndef TESTS_API_CLIENT_H
#define TESTS_API_CLIENT_H

#include "tests/inventory/fixture.h"

#include <jansson.h>

#include "api/api.h"
#include "inventory/api_token.h"
#include "inventory/model.h"

#define BASE "http://h.example:8080"

static struct client {
    struct api *api;
    char token[API_TOKEN_TEXT]; /* that calls carry */
    const char *authorization;  /* instead; "" for none */
    const char *content_type, *if_match;
    struct api_response r; /* of the last call */
    json_t *j;             /* its body, NULL when that is no JSON */
} cl;

static inline void client_token(const char *name, unsigned rights, const char *tenant,
                                char ret[API_TOKEN_TEXT])
{
    struct api_token t = {.rights = rights};
    str_copy(t.name, sizeof t.name, name);
    str_copy(t.tenant, sizeof t.tenant, tenant);
    ok(api_token_create(fx.s, &t, "test", T0, ret, E));
}

static inline int client_open(void **state)
{
    memset(&cl, 0, sizeof cl);
    fixture_open(state);
    struct api_config cfg = {
        .state_dir = fx.dir, .job_expiry_s = 3600, .wipe_limit = 2, .netbox_url = "https://netbox.example"};
    cl.api = api_new(fx.s, &cfg);
    client_token("admin", RIGHT_READ | RIGHT_WRITE | RIGHT_ASSIGN, "", cl.token);
    api_response_init(&cl.r);
    return 0;
}

static inline int client_close(void **state)
{
    json_decref(cl.j);
    api_response_free(&cl.r);
    api_free(cl.api);
    return fixture_close(state);
}

/* url: from /api/ on, with its query. body: JSON in which ' stands for ", or NULL. */
static inline int call(enum api_method method, const char *url, const char *body)
{
    char authorization[API_TOKEN_TEXT + 16], *sent = xstrdup(body ? body : "");
    const char *query = strchr(url, '?');
    for (char *p = sent; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    snprintf(authorization, sizeof authorization, "Token %s", cl.token);
    struct api_request q = {.method = method,
                            .path = span_of(url, query ? (size_t)(query - url) : strlen(url)),
                            .query = span_str(query ? query + 1 : ""),
                            .authorization = span_str(cl.authorization ? cl.authorization : authorization),
                            .content_type = span_str(cl.content_type ? cl.content_type : "application/json"),
                            .if_match = span_str(cl.if_match ? cl.if_match : ""),
                            .body = span_str(sent),
                            .peer = {0x7f000001},
                            .base_url = BASE,
                            .at_ms = T0};
    api_response_free(&cl.r);
    json_decref(cl.j);
    api_call(cl.api, &q, &cl.r);
    cl.j = cl.r.body.len ? json_loadb(cl.r.body.s, cl.r.body.len, JSON_DECODE_ANY, NULL) : NULL;
    free(sent);
    return cl.r.status;
}

/* The call must be answered so; else the body is shown. */
#define answers(want, method, url, sent)                                                                     \
    do {                                                                                                     \
        if (call(method, url, sent) != (want)) {                                                             \
            fail_msg("%s: %d, not %d: %s", url, cl.r.status, (want), cl.r.body.len ? cl.r.body.s : "");      \
        }                                                                                                    \
    } while (0)

/* The value at "results.0.site.slug" of the last answer; NULL when there is none. */
static inline json_t *at(const char *path)
{
    json_t *j = cl.j;
    char name[128];
    while (j && *path) {
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        j = json_is_array(j) ? json_array_get(j, (size_t)atoi(name)) : json_object_get(j, name);
        path += n + (path[n] == '.');
    }
    return j;
}

/* That value as JSON must be this text, in which ' stands for ". */
static inline void is(const char *path, const char *want)
{
    char *got = at(path) ? json_dumps(at(path), JSON_ENCODE_ANY | JSON_COMPACT) : xstrdup("nothing");
    for (char *p = got; *p; p++)
        *p = *p == '"' ? '\'' : *p;
    if (strcmp(got, want))
        fail_msg("%s is %s, not %s", path, got, want);
    free(got);
}

static inline bool has_header(const char *line)
{
    return cl.r.headers.len && strstr(cl.r.headers.s, line);
}

#endif

/* Any request to the API's instance, its sockets apart, against a store with a device in it: the first byte
 * says with whose token. Whatever comes, there is an answer with a status, JSON is JSON, and a header line is
 * one line; and a tenant is not told what another has, which holds the word SECRET everywhere, unless he said
 * the word himself. Nothing is kept from one input to the next. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "httpboot/app.h"
#include "inventory/api_token.h"
#include "inventory/image.h"

#define SECRET "zzsecret"

static struct httpboot_api api = {
    .api = {.wipe_limit = 5, .netbox_url = "https://netbox.example"},
    .body_max = 1 << 20,
    .proxies = {{{0x0a000002}, 32}},
    .proxies_n = 1,
    .webhook_secret = "0123456789abcdef",
};
static struct httpboot_config cfg = {.api = &api};
static struct app app = {.cfg = &cfg};
static char dir[] = "/tmp/rackstrap-fuzz-apicall-XXXXXX", all[API_TOKEN_TEXT], tenants[API_TOKEN_TEXT];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void remove_dir(void)
{
    api_free(app.api);
    store_close(app.store);
    dir_remove(dir, NULL);
}

static int put_records(void)
{
    struct release release = {.image = "debian-12", .version = "v1", .disk_size = 1};
    struct device d = {
        .name = "hv-00", .site = "par1", .tenant = "ops", .role = "hv", .model = "R640", .interfaces_n = 1};

    d.interfaces[0] = (struct interface){.name = "eno1",
                                         .mac = mac_from_u64(UINT64_C(0x525400000000)),
                                         .has_address = true,
                                         .primary = true,
                                         .address = {{0x0a4d000b}, 24}};
    memset(release.digest, 'a', DIGEST_HEX - 1);
    if (device_put(app.store, &d, "fuzz", NULL, NULL) || release_put(app.store, &release, "fuzz", NULL))
        return -1;
    d = (struct device){.name = SECRET "-hv", .tenant = SECRET, .serial = SECRET "-sn", .interfaces_n = 1};
    d.interfaces[0] = (struct interface){.name = SECRET,
                                         .mac = mac_from_u64(UINT64_C(0x525400000001)),
                                         .has_address = true,
                                         .primary = true,
                                         .address = {{0x0a4d000c}, 24}};
    return device_put(app.store, &d, "fuzz", NULL, NULL);
}

static int put_tokens(void)
{
    struct api_token t = {.name = "all", .rights = RIGHT_READ | RIGHT_WRITE | RIGHT_ASSIGN};

    if (api_token_create(app.store, &t, "fuzz", 1, all, NULL))
        return -1;
    str_copy(t.name, sizeof t.name, "tenant");
    str_copy(t.tenant, sizeof t.tenant, "ops");
    return api_token_create(app.store, &t, "fuzz", 1, tenants, NULL);
}

/* The request with a token's header behind its first line. */
static void make_text(const uint8_t *data, size_t n, struct str *text)
{
    const char *token = data[0] == 'w' ? all : data[0] == 't' ? tenants : NULL;
    const uint8_t *line = memchr(data + 1, '\n', n - 1);
    size_t first = line ? (size_t)(line - data) : 0;

    if (token && line) {
        str_addn(text, data + 1, first);
        str_addf(text, "Authorization: Token %s\r\n", token);
        str_addn(text, line + 1, n - first - 1);
    } else {
        str_addn(text, data + 1, n - 1);
    }
}

static void check_headers(const struct str *h)
{
    const char *p = h->len ? h->s : "", *end = p + h->len;

    while (p < end) {
        const char *cr = memchr(p, '\r', (size_t)(end - p)), *colon = memchr(p, ':', (size_t)(end - p));

        if (!cr || cr + 1 >= end || cr[1] != '\n' || !colon || colon > cr ||
            memchr(p, '\n', (size_t)(cr - p)))
            abort();
        p = cr + 2;
    }
}

/* Escapes may hide the word. */
static bool says_secret(const struct str *text)
{
    return memmem(text->s, text->len, SECRET, strlen(SECRET)) || memchr(text->s, '%', text->len) ||
           memchr(text->s, '\\', text->len);
}

static bool is_told(const struct response *r)
{
    return r->body.len && memmem(r->body.s, r->body.len, SECRET, strlen(SECRET));
}

static void check(const struct response *r, bool hidden)
{
    json_t *j;

    if (hidden && is_told(r))
        abort();

    if (r->status < 200 || r->status > 599)
        abort();
    check_headers(&r->headers);
    if (!r->content_type || strncmp(r->content_type, "application/json", 16) != 0)
        return;
    j = json_loadb(r->body.s, r->body.len, JSON_DECODE_ANY, NULL);
    if (!j)
        abort();
    json_decref(j);
}

static void call(const struct request *r, const struct str *text)
{
    bool hidden = !memmem(text->s, text->len, all, strlen(all)) && !says_secret(text);
    struct response res;
    const char *pattern;
    size_t there = text->len - r->head_len;
    struct call c = {.app = &app,
                     .req = r,
                     .body = span_of(text->s + r->head_len, there),
                     .peer = {0x0a000002},
                     .local = {0x0a4d0001},
                     .local_port = 8081,
                     .at_ms = 1000,
                     .res = &res};

    response_init(&res);
    app_call(&c, &pattern);
    check(&res, hidden);
    response_free(&res);
}

static void ask(const struct str *text, bool keep)
{
    struct request_rules rules = app_rules(&app);
    struct request_fault f;
    struct request r;
    size_t seen = 0;

    if (request_parse(span_of(text->s, text->len), &rules, &seen, &r, &f) != REQUEST_DONE)
        return;
    /* What reads takes a snapshot, which is not for within a transaction. */
    if (!keep && !(r.method & (METHOD_GET | METHOD_HEAD | METHOD_OPTIONS)) && store_begin(app.store, NULL))
        abort();
    app_body(&app, &r, (struct ip4){0x0a000002}, 1000);
    call(&r, text);
    store_rollback(app.store);
}

static void put_prefix(void)
{
    static const char request[] = "wPOST /api/ipam/prefixes/ HTTP/1.1\r\nHost: h\r\nContent-Type: "
                                  "application/json\r\n\r\n{\"prefix\": \"10.77.0.0/24\"}";
    struct str text = {0};

    make_text((const uint8_t *)request, sizeof request - 1, &text);
    ask(&text, true);
    str_free(&text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (!mkdtemp(dir) || store_open(dir, &app.store, NULL) || put_records() || put_tokens())
        abort();
    api.api.state_dir = dir;
    app.api = api_new(app.store, &api.api);
    put_prefix();
    atexit(remove_dir);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = {0};

    if (n < 2)
        return 0;
    make_text(data, n, &text);
    ask(&text, false);
    str_free(&text);
    return 0;
}

/* request: the vectors of tests/vectors/http (the first three letters of a file's name are the status that it
 * earns; 200: it is good), each cut at every byte; what a good one says; percent-encoding. */
#include "httpboot/request.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/http"

static enum request_result parse(struct span s, struct request *ret, struct request_fault *f)
{
    size_t seen = 0;

    return request_parse(s, NULL, &seen, ret, f);
}

static bool same_slice(struct span a, struct span b)
{
    return span_eq(a, b);
}

static void assert_same(const struct request *a, const struct request *b)
{
    size_t i;

    assert_int_equal(a->method, b->method);
    assert_true(same_slice(a->path, b->path) && same_slice(a->query, b->query));
    assert_int_equal(a->head_len, b->head_len);
    assert_int_equal(a->body_len, b->body_len);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_int_equal(a->headers_n, b->headers_n);
    for (i = 0; i < a->headers_n; i++)
        assert_true(same_slice(a->headers[i].name, b->headers[i].name) &&
                    same_slice(a->headers[i].value, b->headers[i].value));
}

/* Byte by byte, each prefix in memory of its own size, so that a read past it is seen by ASan. `seen` is
 * carried, as io does. */
static void drip(struct span whole, enum request_result want, const struct request *want_request,
                 const char *name)
{
    enum request_result rc = REQUEST_MORE;
    struct request_fault f;
    struct request r;
    size_t n, seen = 0;
    uint8_t *copy = NULL;

    for (n = 1; n <= whole.n && rc == REQUEST_MORE; n++) {
        copy = realloc(copy, n);
        memcpy(copy, whole.p, n);
        rc = request_parse(span_of(copy, n), NULL, &seen, &r, &f);
    }
    if (rc != want)
        fail_msg("%s: dripped gives %d, at once %d", name, rc, want);
    if (rc == REQUEST_DONE)
        assert_same(&r, want_request);
    free(copy);
}

/* A cut never turns a good request into a bad one, whether or not the search starts anew. */
static void truncate_it(struct span whole, const struct request *r, const char *name)
{
    struct request_fault f;
    struct request cut;
    size_t n;

    for (n = 0; n < r->head_len; n++)
        if (parse(span_of(whole.p, n), &cut, &f) != REQUEST_MORE)
            fail_msg("%s: cut to %zu bytes it is not REQUEST_MORE", name, n);
    assert_int_equal(parse(span_of(whole.p, r->head_len), &cut, &f), REQUEST_DONE);
}

static void check_vector(const char *name)
{
    struct request_fault f = {0};
    struct request r = {0};
    enum request_result rc;
    struct span s;
    char path[512];
    uint8_t *bytes = malloc(1 << 20);
    FILE *file;

    snprintf(path, sizeof path, VECTORS "/%s", name);
    file = fopen(path, "rb");
    assert_non_null(file);
    s = span_of(bytes, fread(bytes, 1, 1 << 20, file));
    fclose(file);
    rc = parse(s, &r, &f);
    if (rc != (atoi(name) == 200 ? REQUEST_DONE : REQUEST_BAD) ||
        (rc == REQUEST_BAD && f.status != atoi(name)))
        fail_msg("%s: result %d, status %d (%s)", name, rc, f.status, f.why ? f.why : "");
    drip(s, rc, &r, name);
    if (rc == REQUEST_DONE)
        truncate_it(s, &r, name);
    free(bytes);
}

static void vectors(void **state)
{
    DIR *d = opendir(VECTORS);
    struct dirent *x;
    int n = 0;

    (void)state;
    assert_non_null(d);
    while ((x = readdir(d)))
        if (x->d_name[0] != '.') {
            check_vector(x->d_name);
            n++;
        }
    closedir(d);
    assert_true(n > 40);
}

static struct request good(const char *text)
{
    struct request_fault f = {0};
    struct request r;

    if (parse(span_str(text), &r, &f) != REQUEST_DONE)
        fail_msg("%s: %d %s", text, f.status, f.why ? f.why : "not yet");
    return r;
}

static void meaning(void **state)
{
    struct request r =
        good("GET http://h:1/a/b?uuid=x%20y&serial=&z HTTP/1.1\r\nHost: h\r\nX-A:  b c \t\r\n\r\n");
    char buf[8];

    (void)state;
    assert_true(span_eq(r.path, span_str("/a/b")));
    assert_true(span_eq(request_header(&r, "x-a", NULL), span_str("b c")));
    assert_null(request_header(&r, "x-b", NULL).p);
    assert_true(request_param(&r, "uuid", buf, sizeof buf));
    assert_string_equal(buf, "x y");
    assert_true(request_param(&r, "serial", buf, sizeof buf));
    assert_true(request_param(&r, "z", buf, sizeof buf));
    assert_false(request_param(&r, "uui", buf, sizeof buf));
    assert_false(request_param(&r, "uuid", buf, 3));
    assert_string_equal(buf, "");
}

static void absolute_form(void **state)
{
    struct request r = good("GET HTTPS://h:1/a HTTP/1.1\r\nHost: other\r\n\r\n");

    (void)state;
    assert_true(span_eq(r.path, span_str("/a")));
    r = good("GET http://h?a=/b HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(span_eq(r.path, span_str("/")) && span_eq(r.query, span_str("a=/b")));
    r = good("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(span_eq(r.path, span_str("/")) && !r.query.n);
}

static void keep_alive(void **state)
{
    (void)state;
    assert_true(good("GET / HTTP/1.1\r\nHost: h\r\n\r\n").keep_alive);
    assert_false(good("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n").keep_alive);
    assert_false(good("GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert_true(good("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
    assert_true(good("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
                    .expect_continue);
    assert_false(good("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")
                     .expect_continue);
    assert_int_equal(good("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n").body_len, 65536);
}

/* The longest that is allowed is allowed, however it arrives; one byte more is not. */
static void limits(void **state)
{
    char *text = malloc(REQUEST_HEAD_MAX + 64);
    size_t pad, n;
    struct request r;
    struct request_fault f;

    (void)state;
    pad = REQUEST_LINE_MAX - strlen("GET / HTTP/1.1");
    n = (size_t)sprintf(text, "GET /%0*d HTTP/1.1\r\nHost: h\r\n\r\n", (int)pad, 0);
    assert_int_equal(parse(span_of(text, n), &r, &f), REQUEST_DONE);
    drip(span_of(text, n), REQUEST_DONE, &r, "longest line");
    n = (size_t)sprintf(text, "GET /%0*d HTTP/1.1\r\nHost: h\r\n\r\n", (int)pad + 1, 0);
    assert_int_equal(parse(span_of(text, n), &r, &f), REQUEST_BAD);
    assert_int_equal(f.status, 414);

    pad = REQUEST_HEAD_MAX - strlen("GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n");
    n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n\r\n", (int)pad, 0);
    assert_int_equal(n, REQUEST_HEAD_MAX);
    assert_int_equal(parse(span_of(text, n), &r, &f), REQUEST_DONE);
    drip(span_of(text, n), REQUEST_DONE, &r, "longest head");
    n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: h\r\nX: %0*d\r\n\r\n", (int)pad + 1, 0);
    assert_int_equal(parse(span_of(text, n), &r, &f), REQUEST_BAD);
    assert_int_equal(f.status, 431);
    free(text);
}

static void percent(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"a%41%2f", "aA/"},
        {"%", NULL},
        {"%4", NULL},
        {"%4g", NULL},
        {"%00", NULL},
        {"a%0a", NULL},
        {"%7F", NULL},
        {"%e2%82%ac", "\xe2\x82\xac"},
        {"1234567", "1234567"},
        {"12345678", NULL},
    };
    char buf[8];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(percent_decode(span_str(cases[i].in), buf, sizeof buf), cases[i].out != NULL);
        if (cases[i].out)
            assert_string_equal(buf, cases[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),    cmocka_unit_test(meaning), cmocka_unit_test(absolute_form),
        cmocka_unit_test(keep_alive), cmocka_unit_test(limits),  cmocka_unit_test(percent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* response: heads, whole. */
#include "httpboot/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DATE "Date: Sat, 21 Nov 2026 10:15:00 GMT\r\n"

static const struct response_framing framing = {.keep_alive = true, .now_s = 1795256100};

static void head_is(const struct response *r, const struct response_framing *f, const char *want)
{
    struct str out = {0};

    response_head(r, f, &out);
    assert_string_equal(out.s, want);
    str_free(&out);
}

static void text(void **state)
{
    struct response r;

    (void)state;
    response_init(&r);
    response_text(&r, 200, "text/plain", "hello");
    head_is(&r, &framing,
            "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain\r\nContent-Length: 5\r\n"
            "Cache-Control: no-store\r\nConnection: keep-alive\r\n\r\n");
    r.allow = "GET";
    response_error(&r, 405, "a \"b\"\n");
    assert_string_equal(r.body.s, "{\"error\": \"a \\\"b\\\"\\u000a\"}\n");
    head_is(&r, &(struct response_framing){.now_s = 1795256100},
            "HTTP/1.1 405 Method Not Allowed\r\n" DATE
            "Content-Type: application/json\r\nContent-Length: 27\r\n"
            "Cache-Control: no-store\r\nAllow: GET\r\nConnection: close\r\n\r\n");
    response_error(&r, 400, "\"\xff\xc3\xa9\" is no MAC address");
    assert_string_equal(r.body.s, "{\"error\": \"\\\"???\\\" is no MAC address\"}\n");
    response_empty(&r, 204);
    head_is(&r, &framing, "HTTP/1.1 204 No Content\r\n" DATE "Connection: keep-alive\r\n\r\n");
    response_free(&r);
}

static void part_of_file(void **state)
{
    struct response r;

    (void)state;
    response_init(&r);
    r.fd = 0; /* only its being there counts here */
    r.status = 206;
    r.content_type = "application/octet-stream";
    r.first = 5000000000;
    r.length = 10;
    r.total = 6000000000;
    strcpy(r.etag, "\"a\"");
    head_is(&r, &framing,
            "HTTP/1.1 206 Partial Content\r\n" DATE "Content-Type: application/octet-stream\r\n"
            "Content-Length: 10\r\nContent-Range: bytes 5000000000-5000000009/6000000000\r\n"
            "Accept-Ranges: bytes\r\nETag: \"a\"\r\nConnection: keep-alive\r\n\r\n");
    r.fd = -1;
    response_error(&r, 416, "beyond");
    assert_int_equal(r.total, 6000000000);
    assert_string_equal(status_text(416), "Range Not Satisfiable");
    response_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text), cmocka_unit_test(part_of_file)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

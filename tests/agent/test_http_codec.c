#include "tests/agent/check.h"

#include "agent/http_codec.h"

static int parse(const char *text, struct http_head *h)
{
    return http_head_parse(span_str(text), h, NULL);
}

static void range_answer(void **state)
{
    static const char text[] =
        "HTTP/1.1 206 Partial Content\r\ncontent-length: 100\r\nContent-Range: bytes 5-104/1000\r\n\r\nbody";
    struct http_head h;
    (void)state;
    assert_int_equal(parse(text, &h), sizeof text - 5);
    assert_int_equal(h.status, 206);
    assert_true(h.keep && h.has_length && h.has_range);
    assert_int_equal(h.length, 100);
    assert_int_equal(h.from, 5);
    assert_int_equal(h.to, 104);
    assert_int_equal(h.total, 1000);
}

static void retry_after(void **state)
{
    static const struct {
        const char *value;
        unsigned want;
    } rows[] = {{"7", 7},  {"0", 0},   {"100000", HTTP_RETRY_MAX},
                {"-1", 0}, {"7 s", 0}, {"Sat, 21 Nov 2026 10:00:00 GMT", 0}};
    struct http_head h;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text =
            xasprintf("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: %s\r\n\r\n", rows[i].value);
        assert_true(parse(text, &h) > 0);
        assert_int_equal(h.retry_s, rows[i].want);
        free(text);
    }
}

static void every_truncation_wants_more(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nServer: x\r\n\r\n";
    struct http_head h;
    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(http_head_parse(span_of(text, n), &h, NULL), 0);
    assert_int_equal(parse(text, &h), sizeof text - 1);
}

static void kept_or_not(void **state)
{
    struct http_head h;
    (void)state;
    parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", &h);
    assert_false(h.keep);
    parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", &h);
    assert_false(h.keep);
    parse("HTTP/1.1 204 No Content\r\n\r\n", &h);
    assert_true(h.keep && h.has_length && h.length == 0);
    parse("HTTP/1.1 200\r\n\r\n", &h);
}

static void refuses(void **state)
{
    static const char *const texts[] = {
        "SSH-2.0-x\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 206 OK\r\nContent-Range: bytes 5-4/10\r\n\r\n",
        "HTTP/1.1 206 OK\r\nContent-Range: bytes 5-10/10\r\n\r\n",
        "HTTP/1.1 206 OK\r\nContent-Range: lines 5-10/20\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 3\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct http_head h;
        assert_int_equal(parse(texts[i], &h), -1);
    }
    char endless[HTTP_HEAD_MAX + 100];
    memset(endless, 'a', sizeof endless);
    endless[sizeof endless - 1] = 0;
    struct http_head h;
    assert_int_equal(parse(endless, &h), -1);
}

static void urls(void **state)
{
    static const char *const wrong[] = {"",
                                        "https://1.2.3.4",
                                        "http://host:80",
                                        "http://1.2.3.4:0",
                                        "http://1.2.3.4:65536",
                                        "http://1.2.3.4/path",
                                        "http://1.2.3",
                                        "http://1.2.3.4:80x",
                                        "http://user@1.2.3.4"};
    char host[32];
    uint32_t ip;
    uint16_t port;
    (void)state;
    assert_int_equal(http_url_parse("http://10.77.0.1:8080", host, &ip, &port, NULL), 0);
    assert_string_equal(host, "10.77.0.1:8080");
    assert_int_equal(ip, 0x0a4d0001);
    assert_int_equal(port, 8080);
    assert_int_equal(http_url_parse("http://10.77.0.1/", host, &ip, &port, NULL), 0);
    assert_string_equal(host, "10.77.0.1");
    assert_int_equal(port, 80);
    struct {
        char host[32], after[32];
    } room = {.after = "untouched"};
    assert_int_equal(
        http_url_parse("http://255.255.255.255:000000000000065535/", room.host, &ip, &port, NULL), 0);
    assert_string_equal(room.host, "255.255.255.255:65535");
    assert_string_equal(room.after, "untouched");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(http_url_parse(wrong[i], host, &ip, &port, NULL), -1);
}

static void requests(void **state)
{
    struct str s = {0};
    const struct http_request get = {.method = "GET", .host = "h", .path = "/p", .from = 10, .n = 5};
    const struct http_request post = {
        .method = "POST", .host = "h", .path = "/p", .token = "t", .body = "{}"};
    (void)state;
    http_request_encode(&get, &s);
    assert_string_equal(
        s.s, "GET /p HTTP/1.1\r\nHost: h\r\nUser-Agent: rackstrap-agent\r\nRange: bytes=10-14\r\n\r\n");
    str_reset(&s);
    http_request_encode(&post, &s);
    assert_non_null(strstr(s.s, "Authorization: Bearer t\r\n"));
    assert_non_null(strstr(s.s, "Content-Length: 2\r\n\r\n{}"));
    str_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(range_answer), cmocka_unit_test(every_truncation_wants_more),
        cmocka_unit_test(retry_after),  cmocka_unit_test(kept_or_not),
        cmocka_unit_test(refuses),      cmocka_unit_test(urls),
        cmocka_unit_test(requests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

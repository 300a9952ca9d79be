/* response: see response.h. */
#include "httpboot/response.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
    {505, "HTTP Version Not Supported"},
};

const char *status_text(int status)
{
    size_t i;

    for (i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].text;
    return "Unknown";
}

void response_init(struct response *r)
{
    *r = (struct response){.fd = -1};
}

void response_free(struct response *r)
{
    if (r->fd >= 0)
        close(r->fd);
    str_free(&r->body);
    str_free(&r->headers);
    response_init(r);
}

void response_text(struct response *r, int status, const char *content_type, const char *text)
{
    response_free(r);
    r->status = status;
    r->content_type = content_type;
    r->no_store = true;
    str_add(&r->body, text);
}

/* JSON's string escapes. The text is a sentence of ours, in ASCII; what it quotes of a request may be any
 * bytes, and half a character would make the whole answer no JSON. */
static void add_json_text(struct str *out, const char *s)
{
    str_add(out, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            str_addf(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            str_addf(out, "\\u%04x", (unsigned)*s);
        else if ((unsigned char)*s >= 0x7f)
            str_add(out, "?");
        else
            str_addn(out, s, 1);
    }
    str_add(out, "\"");
}

void response_error(struct response *r, int status, const char *why)
{
    response_error_as(r, status, "error", why);
}

void response_error_as(struct response *r, int status, const char *key, const char *why)
{
    const char *allow = r->allow;
    uint64_t total = r->total;

    response_text(r, status, "application/json", "{");
    add_json_text(&r->body, key);
    str_add(&r->body, ": ");
    add_json_text(&r->body, why);
    str_add(&r->body, "}\n");
    r->allow = allow;
    r->total = total;
    str_copy(r->note, sizeof r->note, why);
}

void response_empty(struct response *r, int status)
{
    response_free(r);
    r->status = status;
}

uint64_t response_body_len(const struct response *r)
{
    return r->fd >= 0 ? r->length : r->body.len;
}

/* 1xx, 204 and 304 have no body and no Content-Length (RFC 9110 8.6). */
static bool has_length(int status)
{
    return status != 204 && status != 304;
}

/* What every head has is put together by hand: formatting it was a twentieth of a boot script's whole cost.
 */
static void add_number(struct str *out, uint64_t n, int least)
{
    char digits[20];
    int i = sizeof digits;

    for (; n || least > 0; n /= 10, least--)
        digits[--i] = (char)('0' + n % 10);
    str_addn(out, digits + i, sizeof digits - (size_t)i);
}

static void add_header(struct str *out, const char *name, const char *value)
{
    str_add(out, name);
    str_add(out, ": ");
    str_add(out, value);
    str_add(out, "\r\n");
}

/* RFC 9110 5.6.7; strftime would ask the locale for the names. */
static void add_date(struct str *out, int64_t now_s)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)now_s;
    struct tm tm;

    if (!gmtime_r(&t, &tm))
        return;
    str_add(out, "Date: ");
    str_addn(out, days + 3 * tm.tm_wday, 3);
    str_add(out, ", ");
    add_number(out, (uint64_t)tm.tm_mday, 2);
    str_add(out, " ");
    str_addn(out, months + 3 * tm.tm_mon, 3);
    str_add(out, " ");
    add_number(out, (uint64_t)tm.tm_year + 1900, 4);
    str_add(out, " ");
    add_number(out, (uint64_t)tm.tm_hour, 2);
    str_add(out, ":");
    add_number(out, (uint64_t)tm.tm_min, 2);
    str_add(out, ":");
    add_number(out, (uint64_t)tm.tm_sec, 2);
    str_add(out, " GMT\r\n");
}

static void add_status(struct str *out, int status)
{
    str_add(out, "HTTP/1.1 ");
    add_number(out, (uint64_t)status, 3);
    str_add(out, " ");
    str_add(out, status_text(status));
    str_add(out, "\r\n");
}

static void add_length(struct str *out, uint64_t n)
{
    str_add(out, "Content-Length: ");
    add_number(out, n, 1);
    str_add(out, "\r\n");
}

void response_head(const struct response *r, const struct response_framing *f, struct str *out)
{
    add_status(out, r->status);
    add_date(out, f->now_s);
    if (r->content_type && has_length(r->status))
        add_header(out, "Content-Type", r->content_type);
    if (has_length(r->status))
        add_length(out, response_body_len(r));
    if (r->status == 206)
        str_addf(out, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)r->first,
                 (unsigned long long)(r->first + r->length - 1), (unsigned long long)r->total);
    if (r->status == 416)
        str_addf(out, "Content-Range: bytes */%llu\r\n", (unsigned long long)r->total);
    if (r->fd >= 0)
        str_add(out, "Accept-Ranges: bytes\r\n");
    if (r->etag[0])
        add_header(out, "ETag", r->etag);
    if (r->no_store)
        add_header(out, "Cache-Control", "no-store");
    if (r->allow)
        add_header(out, "Allow", r->allow);
    if (r->retry_after)
        str_addf(out, "Retry-After: %u\r\n", r->retry_after);
    if (r->status == 401)
        str_add(out, "WWW-Authenticate: Bearer\r\n");
    if (r->headers.len)
        str_addn(out, r->headers.s, r->headers.len);
    add_header(out, "Connection", f->keep_alive ? "keep-alive" : "close");
    str_add(out, "\r\n");
}

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
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
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
    const char *allow = r->allow;
    uint64_t total = r->total;

    response_text(r, status, "application/json", "{\"error\": ");
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

/* RFC 9110 5.6.7; strftime would ask the locale for the names. */
static void add_date(struct str *out, int64_t now_s)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)now_s;
    struct tm tm;

    if (gmtime_r(&t, &tm))
        str_addf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday, tm.tm_mday,
                 months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void response_head(const struct response *r, const struct response_framing *f, struct str *out)
{
    str_addf(out, "HTTP/1.1 %d %s\r\n", r->status, status_text(r->status));
    add_date(out, f->now_s);
    if (r->content_type && has_length(r->status))
        str_addf(out, "Content-Type: %s\r\n", r->content_type);
    if (has_length(r->status))
        str_addf(out, "Content-Length: %llu\r\n", (unsigned long long)response_body_len(r));
    if (r->status == 206)
        str_addf(out, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)r->first,
                 (unsigned long long)(r->first + r->length - 1), (unsigned long long)r->total);
    if (r->status == 416)
        str_addf(out, "Content-Range: bytes */%llu\r\n", (unsigned long long)r->total);
    if (r->fd >= 0)
        str_add(out, "Accept-Ranges: bytes\r\n");
    if (r->etag[0])
        str_addf(out, "ETag: %s\r\n", r->etag);
    if (r->no_store)
        str_add(out, "Cache-Control: no-store\r\n");
    if (r->allow)
        str_addf(out, "Allow: %s\r\n", r->allow);
    if (r->retry_after)
        str_addf(out, "Retry-After: %u\r\n", r->retry_after);
    if (r->status == 401)
        str_add(out, "WWW-Authenticate: Bearer\r\n");
    str_addf(out, "Connection: %s\r\n\r\n", f->keep_alive ? "keep-alive" : "close");
}

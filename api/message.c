/* message: requests and answers as values (api.h). */
#include <string.h>

#include "api/api.h"

const char *api_method_name(enum api_method m)
{
    static const struct {
        enum api_method method;
        const char *name;
    } names[] = {{API_GET, "GET"}, {API_HEAD, "HEAD"},   {API_OPTIONS, "OPTIONS"}, {API_POST, "POST"},
                 {API_PUT, "PUT"}, {API_PATCH, "PATCH"}, {API_DELETE, "DELETE"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].method == m)
            return names[i].name;
    return "";
}

void api_response_init(struct api_response *r)
{
    memset(r, 0, sizeof *r);
}

void api_response_free(struct api_response *r)
{
    str_free(&r->body);
    str_free(&r->headers);
    api_response_init(r);
}

void api_header(struct api_response *r, const char *name, const char *value)
{
    str_add(&r->headers, name);
    str_add(&r->headers, ": ");
    for (; *value; value++)
        str_addn(&r->headers, (unsigned char)*value < ' ' || *value == 0x7f ? "?" : value, 1);
    str_add(&r->headers, "\r\n");
}

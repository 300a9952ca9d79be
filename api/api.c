/* api: see api.h. */
#include "api/api.h"

#include <stdlib.h>

struct api {
    struct store *store;
    struct api_config cfg;
};

struct api *api_new(struct store *s, const struct api_config *cfg)
{
    struct api *a = xcalloc(1, sizeof *a);

    a->store = s;
    a->cfg = *cfg;
    return a;
}

void api_free(struct api *a)
{
    free(a);
}

void api_call(struct api *a, const struct api_request *q, struct api_response *ret)
{
    (void)a;
    (void)q;
    ret->status = 404;
    ret->content_type = "application/json";
    str_add(&ret->body, "{\"detail\":\"Not found.\"}");
}

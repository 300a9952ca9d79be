/* app: the table of routes, and the answers that need no handler. */
#include "httpboot/app.h"

#include "httpboot/agentapi.h"

#define READ (METHOD_GET | METHOD_HEAD)

static const struct route routes[] = {
    {READ, "/boot/*", boot_script},
    {READ, "/netboot/vmlinuz", file_vmlinuz},
    {READ, "/netboot/initrd.img", file_initrd},
    {READ, "/netboot/local.efi", file_local_efi},
    {READ, "/loader/*", file_loader},
    {READ, "/images/*/manifest", file_manifest},
    {READ, "/images/*/manifest.sig", file_signature},
    {READ, "/images/*/pack", file_pack},
    {METHOD_POST, "/agent/v1/hello", agent_hello},
    {METHOD_POST, "/agent/v1/claim", agent_claim},
    {METHOD_POST, "/agent/v1/progress", agent_progress},
    {METHOD_POST, "/agent/v1/written", agent_written},
    {METHOD_POST, "/agent/v1/failed", agent_failed},
    {METHOD_GET, "/agent/v1/config", agent_config},
    {METHOD_POST, "/agent/v1/enrol", agent_enrol},
    {METHOD_POST, "/agent/v1/discover", agent_discover},
    {READ, "/nocloud/*/meta-data", seed_meta_data},
    {READ, "/nocloud/*/user-data", seed_user_data},
    {READ, "/nocloud/*/vendor-data", seed_vendor_data},
    {READ, "/nocloud/*/network-config", seed_network_config},
};

void app_call(struct call *c, const char **ret_pattern)
{
    struct route_match m;
    char ip[IP4_STR];

    if (c->app->cfg->api) {
        apicall(c);
        *ret_pattern = c->res->pattern[0] ? c->res->pattern : NULL;
        return;
    }
    switch (route_find(routes, sizeof routes / sizeof *routes, c->req->method, c->req->path, &m)) {
    case ROUTE_FOUND:
        c->arg = m.arg;
        store_asker(c->app->store, ip4_format(c->peer, ip));
        m.route->handler(c);
        break;
    case ROUTE_NO_METHOD:
        c->res->allow = route_allow(m.route);
        response_error(c->res, 405, "this path does not take this method");
        break;
    case ROUTE_NO_PATH:
        response_error(c->res, 404, "there is nothing at this path");
        break;
    }
    *ret_pattern = m.route ? m.route->pattern : NULL;
}

/* ---- what differs between the instances */

struct request_rules app_rules(const struct app *a)
{
    const struct httpboot_api *api = a->cfg->api;

    return (struct request_rules){.body_max = api ? api->body_max : REQUEST_BODY_MAX,
                                  .post_may_be_silent = api != NULL};
}

struct body_leave app_body(const struct app *a, const struct request *r, struct ip4 peer, int64_t at_ms)
{
    if (a->cfg->api)
        return apicall_body(a, r, peer, at_ms);
    return (struct body_leave){.known = token_is_good(a, r, at_ms), .max = REQUEST_BODY_MAX};
}

void app_refuse(const struct app *a, struct response *res, int status, const char *why)
{
    response_error_as(res, status, a->cfg->api ? "detail" : "error", why);
}

/* ---- errors */

static const struct {
    int status;
    const char *text; /* NULL: the error's own sentence */
} answers[] = {
    [ERR_NONE] = {500, "the server failed"},
    [ERR_INPUT] = {400, NULL},
    [ERR_NOT_FOUND] = {404, NULL},
    [ERR_CONFLICT] = {409, NULL},
    [ERR_REFUSED] =
        {401, "this token is good for nothing here: the machine's job is over, or another has taken it"},
    [ERR_IO] = {500, "the server could not write or read its store; try again"},
    [ERR_CORRUPT] = {500, "the server's store is damaged; its log says where"},
    [ERR_UNAVAILABLE] = {503, "the server is busy; try again"},
};

#define RETRY_S 2 /* a store that is busy is free again in a moment */

void app_error(struct call *c, const struct err *e)
{
    const char *text = answers[e->kind].text;

    app_refuse(c->app, c->res, answers[e->kind].status, text ? text : e->text);
    if (e->kind == ERR_UNAVAILABLE)
        c->res->retry_after = RETRY_S;
    str_copy(c->res->note, sizeof c->res->note, e->text);
}

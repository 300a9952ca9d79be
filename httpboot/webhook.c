/* webhook: NetBox says that an object has changed. Its word is the signature's (HMAC-SHA512 of the raw body,
 * in X-Hook-Signature); of the body only which object it is, and what happened to it. What the object is now,
 * courier reads from NetBox itself: so a repeated or a late webhook changes nothing, and one that is forged
 * would gain nothing either but a request to NetBox.
 */
#include <jansson.h>
#include <string.h>

#include "base/digest.h"
#include "httpboot/app.h"
#include "inventory/sync_request.h"

static bool is_signed(const struct call *c)
{
    size_t count;
    struct span said = request_header(c->req, "x-hook-signature", &count);
    struct hmac512 want = hmac_sha512(span_str(c->app->cfg->api->webhook_secret), c->body);
    char hex[HMAC512_HEX];

    return count == 1 && span_eq_secret(said, span_str(hmac512_format(&want, hex)));
}

/* "dcim.device": as long as a type's name may be, and made of what they are made of. */
static bool is_type(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t app = s ? strspn(s, letters) : 0, model;

    if (!app || s[app] != '.')
        return false;
    model = strspn(s + app + 1, letters);
    return model && !s[app + 1 + model] && app + 1 + model < SYNC_TYPE_SIZE;
}

static bool is_event(const char *s)
{
    return s && (strcmp(s, "created") == 0 || strcmp(s, "updated") == 0 || strcmp(s, "deleted") == 0);
}

/* 0, or -1 when the body says nothing that can be followed. */
static int parse(struct span body, int64_t at_ms, struct sync_request *ret)
{
    json_t *root = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(root, "object_type"));
    const char *event = json_string_value(json_object_get(root, "event"));
    json_t *id = json_object_get(json_object_get(root, "data"), "id");
    bool good = is_type(type) && is_event(event) && json_integer_value(id) > 0;

    if (good) {
        *ret = (struct sync_request){.object_id = json_integer_value(id), .at_ms = at_ms};
        str_copy(ret->object_type, sizeof ret->object_type, type);
        str_copy(ret->event, sizeof ret->event, event);
    }
    json_decref(root);
    return good ? 0 : -1;
}

static void refuse(struct call *c, int status, const char *why)
{
    app_refuse(c->app, c->res, status, why);
    if (status != 403)
        return;
    c->app->forgeries.n++;
    c->app->forgeries.last = c->peer;
}

void webhook_netbox(struct call *c)
{
    struct sync_request r;
    struct err e = {0};

    if (c->req->method != METHOD_POST) {
        refuse(c, 405, "a webhook is a POST");
        c->res->allow = "POST";
    } else if (c->body_refused) {
        refuse(c, 413, "this webhook's body is longer than is taken here; the next poll finds the change");
    } else if (!is_signed(c)) {
        refuse(c, 403, "X-Hook-Signature is not that of this body and the secret that is configured here");
    } else if (parse(c->body, c->at_ms, &r)) {
        refuse(c, 400, "this is no webhook of NetBox: object_type, data.id and event are not there");
    } else if (sync_request_put(c->app->store, &r, &e)) {
        app_error(c, &e);
    } else {
        response_text(c->res, 200, "application/json", "{}\n");
    }
}

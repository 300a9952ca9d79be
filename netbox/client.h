/* client: requests to a NetBox, one at a time, each with the token, verified TLS, a time-out and bounded
 * bodies.
 *
 * A redirect is an error that says where it leads: a token follows nobody. GETs are tried again after 429,
 * 5xx and a lost connection, a few times, by Retry-After or with a back-off; other methods only after 429 and
 * 503, which say that nothing was done. Errors: ERR_UNAVAILABLE it cannot be reached or is overloaded,
 * ERR_REFUSED it does not let us (401, 403), ERR_NOT_FOUND 404, ERR_INPUT it does not take what we sent
 * (400), ERR_CONFLICT 409, ERR_CORRUPT what came is no NetBox's answer. Every sentence names the URL.
 */
#ifndef NETBOX_CLIENT_H
#define NETBOX_CLIENT_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/err.h"
#include "netbox/netbox.h"

struct netbox_client;
/* config is lent for the client's life; stop (may be NULL) breaks off what is under way, when it becomes
 * true. */
struct netbox_client *netbox_client_new(const struct netbox_config *config, const atomic_bool *stop);
void netbox_client_free(struct netbox_client *c); /* takes NULL */

/* As its last answer said: 402 for 4.2; 0 before the first. */
unsigned netbox_version(const struct netbox_client *c);
/* What time it was there, as its last answer said, in seconds since 1970; 0: it did not say. */
int64_t netbox_date_s(const struct netbox_client *c);
bool netbox_stopped(const struct netbox_client *c);

/* path: "dcim/devices/5/", may have a query. *ret (may be NULL where the answer does not matter): the
 * answer's JSON, the caller's to json_decref; NULL after 204. */
int netbox_get(struct netbox_client *c, const char *path, json_t **ret, struct err *e);
int netbox_send(struct netbox_client *c, const char *method, const char *path, const json_t *body,
                json_t **ret, struct err *e);

/* Every object of a list, page by page, without doubles or gaps as far as NetBox can give that: by cursor
 * (4.6 and later), else ordered by id. query: what is behind the '?', without paging; "" for none. fn returns
 * -1 with a reason to break off. */
typedef int netbox_object_fn(const json_t *object, void *ctx, struct err *e);
int netbox_each(struct netbox_client *c, const char *path, const char *query, netbox_object_fn *fn, void *ctx,
                struct err *e);

#endif

/* app: what the handlers share, and one call of a handler. No socket is seen here: io makes a call, the
 * handler fills its response. */
#ifndef HTTPBOOT_APP_H
#define HTTPBOOT_APP_H

#include "base/addr.h"
#include "httpboot/httpboot.h"
#include "httpboot/progress.h"
#include "httpboot/request.h"
#include "httpboot/response.h"
#include "httpboot/route.h"
#include "inventory/prefixes.h"
#include "inventory/store.h"

#define HEARD_SLOTS 1024

struct app {
    const struct httpboot_config *cfg;
    struct store *store;
    struct prefixes *prefixes; /* of the inventory; NULL until they are asked for */
    struct api *api;           /* of the API's instance; NULL in the one that machines boot from */
    struct refusals {
        size_t n; /* since they were last logged */
        struct ip4 last;
    } strangers, forgeries; /* requests without a good token; webhooks without a good signature */
    int state_fd;           /* the folder state_dir */
    struct progress_table progress;
    struct heard { /* whose script was asked for lately: no news for its ladder */
        struct mac mac;
        int64_t at_ms;
    } heard[HEARD_SLOTS];
    int64_t up_ms; /* since when we serve, by the wall clock; 0: always */
};

struct call {
    struct app *app;
    const struct request *req;
    const char *arg; /* what the route's `*` took */
    struct span body;
    bool body_refused;      /* there was one, and it was not taken: see app_body */
    struct ip4 peer, local; /* the connection's ends: `local` is how the machine reaches us */
    uint16_t local_port;
    bool tls;       /* the machine came by https */
    size_t streams; /* packs that are on their way to this address, from this process */
    int64_t at_ms;
    struct response *res; /* initialised; the handler fills it */
};

/* Routes the request and fills res, whatever comes. *ret_pattern: the row's pattern for the log, or NULL. */
void app_call(struct call *c, const char **ret_pattern);

/* What the requests of this instance may be like; NULL: the parser's own rules. */
struct request_rules app_rules(const struct app *a);

/* A body that has yet to come: may it be waited for? */
struct body_leave {
    bool known; /* whose token is good keeps its place while it sends */
    size_t max; /* a longer one is not taken: the handler is called without it, and the connection closes */
};
struct body_leave app_body(const struct app *a, const struct request *r, struct ip4 peer, int64_t at_ms);

/* The answer to what is no request, or cannot be served now, in the words that the instance's clients know.
 */
void app_refuse(const struct app *a, struct response *res, int status, const char *why);

/* Answers for a store's or a parser's error: its kind gives the status. What is our own trouble is kept from
 * strangers, and goes to the note. */
void app_error(struct call *c, const struct err *e);

/* A file, with its conditions and range. A path from / is taken as it is, else it is below state_dir; never
 * one that a request made up. */
void file_send(struct call *c, const char *path, const char *content_type);

/* All of the API's instance (apicall.c). */
void apicall(struct call *c);
struct body_leave apicall_body(const struct app *a, const struct request *r, struct ip4 peer, int64_t at_ms);

/* The handlers. */
handler_fn file_loader;                                                                         /* loader.c */
handler_fn boot_script;                                                                         /* boot.c */
handler_fn file_vmlinuz, file_initrd, file_local_efi, file_manifest, file_signature, file_pack; /* files.c */
handler_fn agent_hello, agent_claim, agent_progress, agent_written, agent_failed, agent_config, agent_enrol,
    agent_discover;                                                               /* agentapi.c */
handler_fn seed_meta_data, seed_user_data, seed_vendor_data, seed_network_config; /* seed.c */
handler_fn webhook_netbox;                                                        /* webhook.c */

#endif

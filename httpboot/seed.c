/* seed: the handlers of NoCloud: the enrol token in the path gives the job, the job its device, nocloud.h the
 * documents. */
#include "httpboot/agentapi.h"
#include "httpboot/nocloud.h"

static int prefixes_now(struct app *app, struct err *e)
{
    bool changed;
    return app->prefixes ? prefixes_refresh(app->prefixes, &changed, e)
                         : prefixes_open(app->store, &app->prefixes, e);
}

typedef void render_fn(const struct nocloud *n, struct str *out);

static void answer(struct call *c, render_fn *render)
{
    const struct httpboot_config *cfg = c->app->cfg;
    struct device device;
    struct err e = {0};
    struct job job;

    if (job_of_token(c, c->arg, TOKEN_ENROL, &job))
        return;
    if (device_get(c->app->store, job.device_id, &device, &e) || prefixes_now(c->app, &e)) {
        app_error(c, &e);
        return;
    }
    size_t prefixes_n;
    const struct known_prefix *prefixes = prefixes_list(c->app->prefixes, &prefixes_n);
    response_text(c->res, 200, "text/yaml; charset=utf-8", "");
    render(&(struct nocloud){.instance_id = job.uuid,
                             .device = &device,
                             .domain = cfg->domain,
                             .authorized_keys = cfg->authorized_keys,
                             .authorized_keys_n = cfg->authorized_keys_n,
                             .ca_certificates = cfg->ca_certificates,
                             .networks = cfg->networks,
                             .networks_n = cfg->networks_n,
                             .prefixes = prefixes,
                             .prefixes_n = prefixes_n},
           &c->res->body);
}

void seed_meta_data(struct call *c)
{
    answer(c, nocloud_meta_data);
}

void seed_user_data(struct call *c)
{
    answer(c, nocloud_user_data);
}

void seed_vendor_data(struct call *c)
{
    answer(c, nocloud_vendor_data);
}

void seed_network_config(struct call *c)
{
    answer(c, nocloud_network_config);
}

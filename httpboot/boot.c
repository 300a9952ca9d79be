/* boot: the script of a machine that boots: the store's records, the decision that all parts share, and the
 * script for it. */
#include "httpboot/app.h"

#include <stdio.h>
#include <string.h>

#include "httpboot/machine.h"
#include "httpboot/script.h"
#include "inventory/journal.h"
#include "inventory/ladder.h"

#define HEARD_AGAIN_MS 5000
#define SUFFIX         ".ipxe"
#define ONE_BOOT_MS    30000 /* the same machine, asking again within this time, is the same boot */

static int parse_name(const char *arg, struct mac *ret, struct err *e)
{
    char text[ROUTE_ARG_SIZE];

    if (!str_ends(arg, SUFFIX))
        return err_set(e, ERR_NOT_FOUND, "a boot script is named MAC" SUFFIX);
    snprintf(text, sizeof text, "%.*s", (int)(strlen(arg) - strlen(SUFFIX)), arg);
    return mac_parse(text, ret, e);
}

struct boot_records {
    struct device device;
    struct job job;
    bool known, has_job;
    bool is_read; /* has_job is the store's word */
};

static int load(struct call *c, struct mac mac, struct boot_records *ret, struct err *e)
{
    struct err why = {0};

    if (device_by_mac(c->app->store, mac, &ret->device, &why) == 0)
        ret->known = true;
    else if (why.kind != ERR_NOT_FOUND)
        goto fail;
    if (ret->known && job_current(c->app->store, ret->device.id, &ret->job, &why) == 0)
        ret->has_job = true;
    else if (ret->known && why.kind != ERR_NOT_FOUND)
        goto fail;
    ret->is_read = true;
    return 0;
fail:
    if (e)
        *e = why;
    return -1;
}

/* Once a boot: iPXE may ask twice. */
static int journal_script(struct call *c, const struct boot_records *r, struct mac mac,
                          const struct boot_decision *d, struct err *e)
{
    char detail[512];

    snprintf(detail, sizeof detail, "%s: %s", boot_action_name(d->action), d->reason);
    return journal_add_once(c->app->store, r->device.id, &mac, "httpboot", "script", detail,
                            c->at_ms - ONE_BOOT_MS, c->at_ms, e);
}

static int leave_trace(struct call *c, struct boot_records *r, struct mac mac, const struct boot_decision *d,
                       const char *uuid, char ret_token[DIGEST_HEX], struct err *e)
{
    if (d->action == BOOT_INSTALL)
        return job_token_make(c->app->store, &r->job,
                              &(struct asker){.machine_uuid = uuid, .nic = mac, .peer = c->peer}, c->at_ms,
                              ret_token, e);
    return d->action == BOOT_LOCAL && r->known ? journal_script(c, r, mac, d, e) : 0;
}

/* A machine that asks again within seconds has not booted anew, and a look at its ladder is a tenth of what a
 * script costs. */
static bool is_heard_lately(const struct heard *h, struct mac mac, int64_t at_ms)
{
    return mac_eq(h->mac, mac) && h->at_ms <= at_ms && at_ms - h->at_ms < HEARD_AGAIN_MS;
}

/* iPXE is here, so the loader that this NIC was sent has run. */
static bool is_heard_news(struct call *c, struct mac mac)
{
    struct ladder l;

    return ladder_get(c->app->store, mac, &l, NULL) == 0 && ladder_heard(&l, c->at_ms);
}

static int leave_trace_and_heard(struct call *c, struct boot_records *r, struct mac mac,
                                 const struct boot_decision *d, const char *uuid, char ret_token[DIGEST_HEX],
                                 struct err *e)
{
    if (store_begin(c->app->store, e))
        return -1;
    if (leave_trace(c, r, mac, d, uuid, ret_token, e) ||
        ladder_note_heard(c->app->store, r->device.id, mac, c->at_ms, e)) {
        store_rollback(c->app->store);
        return -1;
    }
    return store_commit(c->app->store, e);
}

/* What leaves a trace before the script may leave, in one transaction. A HEAD leaves none: the token in its
 * place has the same length. */
static int commit(struct call *c, struct boot_records *r, struct mac mac, const struct boot_decision *d,
                  const char *uuid, char ret_token[DIGEST_HEX], struct err *e)
{
    struct heard *h = &c->app->heard[mac_to_u64(mac) % HEARD_SLOTS];

    memset(ret_token, '0', DIGEST_HEX - 1);
    ret_token[DIGEST_HEX - 1] = '\0';
    if (c->req->method == METHOD_HEAD)
        return 0;
    if (!r->known || is_heard_lately(h, mac, c->at_ms))
        return leave_trace(c, r, mac, d, uuid, ret_token, e);
    if ((is_heard_news(c, mac) ? leave_trace_and_heard : leave_trace)(c, r, mac, d, uuid, ret_token, e))
        return -1;
    *h = (struct heard){.mac = mac, .at_ms = c->at_ms}; /* not before it is written down */
    return 0;
}

static void answer(struct call *c, const struct boot_records *r, struct mac mac,
                   const struct boot_decision *d, const char *token)
{
    struct script script = {
        .action = d->action,
        .who = r->known ? r->device.name : "",
        .what = r->has_job ? r->job.image : "",
        .reason = d->reason,
        .mac = mac,
        .server = c->local,
        .port = c->local_port,
        .tls = c->tls,
        .token = d->action == BOOT_INSTALL ? token : NULL,
        .kernel_args = c->app->cfg->kernel_args,
    };

    if (c->tls) {
        script.agent_server = c->app->cfg->address.a ? c->app->cfg->address : c->local;
        script.agent_port = c->app->cfg->port;
    }
    response_text(c->res, 200, "text/plain; charset=utf-8", "");
    script_render(&script, &c->res->body);
    snprintf(c->res->note, sizeof c->res->note, "%s: %s", boot_action_name(d->action), d->reason);
}

/* A server that is busy and a machine that asks too often are answered with a script: what comes to iPXE as
 * an error ends its boot, and the machine would go on to its disk. */
static void answer_wait(struct call *c, const struct boot_records *r, struct mac mac, const struct err *e)
{
    struct script script = {
        .who = r->known ? r->device.name : "",
        .reason = "the server asks it to come again",
        .mac = mac,
        .server = c->local,
        .port = c->local_port,
        .tls = c->tls,
    };

    response_text(c->res, 200, "text/plain; charset=utf-8", "");
    script_wait(&script, &c->res->body);
    str_copy(c->res->note, sizeof c->res->note, e->text);
}

static int decide_and_commit(struct call *c, struct boot_records *r, struct mac mac, struct boot_decision *d,
                             char ret_token[DIGEST_HEX], struct err *e)
{
    char given[64], uuid[UUID_STR];

    *r = (struct boot_records){0};
    if (store_snapshot(c->app->store, e) || load(c, mac, r, e))
        return -1;
    request_param(c->req, "uuid", given, sizeof given);
    machine_uuid(given, uuid);
    *d = boot_decide(r->known ? &r->device : NULL, r->has_job ? &r->job : NULL,
                     &(struct boot_request){.machine_uuid = uuid,
                                            .nic = mac,
                                            .unknown = unknown_policy_of(c->app->cfg, c->peer),
                                            .at_ms = c->at_ms});
    return commit(c, r, mac, d, uuid, ret_token, e);
}

static bool may_be_live(const struct boot_records *r)
{
    bool live = r->has_job && (r->job.state == JOB_ARMED || r->job.state == JOB_CLAIMED);

    return r->known && (live || !r->is_read);
}

/* A store that fails keeps nobody from its disk but a machine that may have to be written. */
static bool may_pass(const struct boot_records *r, const struct err *e)
{
    return e->kind == ERR_CONFLICT || e->kind == ERR_REFUSED || e->kind == ERR_UNAVAILABLE || may_be_live(r);
}

/* A job can end or be claimed between the decision and its token: the machine asks again then, and it is
 * decided once more. */
void boot_script(struct call *c)
{
    struct boot_records r = {0};
    struct boot_decision d;
    char token[DIGEST_HEX];
    struct err e = {0};
    struct mac mac;
    int rc;

    if (parse_name(c->arg, &mac, &e)) {
        app_error(c, &e);
        return;
    }
    rc = decide_and_commit(c, &r, mac, &d, token, &e);
    store_snapshot_end(c->app->store);
    if (!rc)
        answer(c, &r, mac, &d, token);
    else if (may_pass(&r, &e))
        answer_wait(c, &r, mac, &e);
    else
        app_error(c, &e);
    explicit_bzero(token, sizeof token);
}

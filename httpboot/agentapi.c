/* agentapi: the agent's endpoint, as agent/PROTOCOL.md has it. Each handler: token -> job, body -> value, one
 * inventory function, answer. */
#include "httpboot/agentapi.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "httpboot/agentjson.h"
#include "httpboot/machine.h"
#include "httpboot/nocloud.h"
#include "inventory/device.h"
#include "inventory/enrolment.h"
#include "inventory/hardware.h"
#include "inventory/image.h"

/* ---- tokens ---- */

static bool is_token_text(struct span s)
{
    size_t i;

    for (i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n == DIGEST_HEX - 1;
}

bool bearer_token(const struct request *r, char ret[DIGEST_HEX])
{
    size_t count;
    struct span v = request_header(r, "authorization", &count);

    if (count != 1 || v.n < 7 || strncasecmp((const char *)v.p, "bearer ", 7) != 0)
        return false;
    v = span_of(v.p + 7, v.n - 7);
    return is_token_text(v) && span_to_str(v, ret, DIGEST_HEX);
}

static int refuse(struct call *c, const char *note)
{
    struct err e;

    err_set(&e, ERR_REFUSED, "%s", note);
    app_error(c, &e);
    return -1;
}

bool token_is_good(const struct app *a, const struct request *r, int64_t at_ms)
{
    char token[DIGEST_HEX];
    struct job job;
    bool good = bearer_token(r, token) && job_by_token(a->store, token, at_ms, NULL, &job, NULL) == 0;

    explicit_bzero(token, sizeof token);
    return good;
}

int job_of_token(struct call *c, const char *token, enum token_kind kind, struct job *ret)
{
    enum token_kind found;
    struct err e = {0};

    if (!is_token_text(span_str(token)))
        return refuse(c, "no token");
    if (job_by_token(c->app->store, token, c->at_ms, &found, ret, &e)) {
        app_error(c, &e);
        return -1;
    }
    return found == kind ? 0 : refuse(c, "a token of the other kind");
}

typedef int token_reader(struct store *s, const char *token, int64_t at_ms, enum token_kind *ret_kind,
                         struct job *ret, struct err *e);

/* The job of the call's own token, of whatever kind. */
static int job_of_any_token(struct call *c, token_reader *read, enum token_kind *ret_kind, struct job *ret)
{
    char token[DIGEST_HEX];
    struct err e = {0};
    int rc;

    if (!bearer_token(c->req, token))
        return refuse(c, "no token");
    rc = read(c->app->store, token, c->at_ms, ret_kind, ret, &e);
    explicit_bzero(token, sizeof token);
    if (rc)
        app_error(c, &e);
    return rc;
}

static int job_of_installer(struct call *c, token_reader *read, struct job *ret)
{
    enum token_kind found;

    if (job_of_any_token(c, read, &found, ret))
        return -1;
    return found == TOKEN_INSTALL ? 0 : refuse(c, "a token of the other kind");
}

/* ---- answers ---- */

/* Lets a success pass, answers a failure. The token is looked at before the body: strangers learn nothing of
 * either. */
static int answered(struct call *c, int rc, const struct err *e)
{
    if (rc)
        app_error(c, e);
    return rc;
}

/* Takes j. */
static void answer_json(struct call *c, json_t *j)
{
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

    if (text)
        response_text(c->res, 200, "application/json", text);
    else
        response_error(c->res, 500, "the server could not make its answer");
    free(text);
    json_decref(j);
}

static void answer_done(struct call *c, int rc, const struct err *e)
{
    if (!answered(c, rc, e))
        response_empty(c->res, 204);
}

/* ---- installer ---- */

static void hello_answer(struct call *c, const struct job *job)
{
    struct release release = {0};
    struct err e = {0};

    if (!answered(c, release_by_digest(c->app->store, job->digest, &release, &e), &e))
        answer_json(c,
                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "job", job->uuid, "device", job->device,
                              "image", job->image, "version", release.version, "digest", job->digest,
                              "disk_selector", job->disk_selector[0] ? job->disk_selector : "only", "resume",
                              job->state == JOB_CLAIMED));
}

static int keep_hardware(struct call *c, int64_t device_id, struct err *e)
{
    struct str facts = {0};
    int rc = agent_facts(c->body, HARDWARE_MAX, &facts, e);

    if (rc == 0)
        rc = hardware_put(c->app->store, device_id, facts.s, c->at_ms, e);
    str_free(&facts);
    return rc;
}

void agent_hello(struct call *c)
{
    struct agent_hello hello = {0};
    struct err e = {0};
    char detail[512], token[DIGEST_HEX];
    struct job job;

    if (job_of_installer(c, job_by_token, &job) || answered(c, agent_hello_parse(c->body, &hello, &e), &e))
        return;
    if (job.state != JOB_ARMED && job.state != JOB_CLAIMED) {
        err_set(&e, ERR_CONFLICT, "the job is %s: there is nothing to install", job_state_name(job.state));
        app_error(c, &e);
        return;
    }
    snprintf(detail, sizeof detail, "the installer runs on %s (serial %s), which has %zu disk%s",
             hello.model[0] ? hello.model : "a machine without a model",
             hello.serial[0] ? hello.serial : "none", hello.disks_n, hello.disks_n == 1 ? "" : "s");
    bearer_token(c->req, token);
    if (!answered(c, job_hello(c->app->store, token, &hello.mac, detail, c->at_ms, &e), &e) &&
        !answered(c, keep_hardware(c, job.device_id, &e), &e))
        hello_answer(c, &job);
    explicit_bzero(token, sizeof token);
}

/* 503, as any agent understands it; one that knows of turns shows the rest. */
static void answer_turn(struct call *c, const struct turn *t)
{
    char place[TURN_STR], *text;
    json_t *seconds = t->seconds < 0 ? json_null() : json_integer(t->seconds);

    text = xasprintf("this machine waits for its turn: %s", turn_format(t, place));
    answer_json(c, json_pack("{s:s, s:{s:i, s:i, s:o}}", "error", text, "wait", "place", (int)t->place, "of",
                             (int)t->of, "seconds", seconds));
    c->res->status = 503;
    c->res->retry_after = t->retry_s;
    str_copy(c->res->note, sizeof c->res->note, text);
    free(text);
}

void agent_claim(struct call *c)
{
    char token[DIGEST_HEX], enrol_token[DIGEST_HEX] = "";
    struct agent_claim body = {0};
    struct claim claim = {.token = token,
                          .machine_uuid = body.uuid,
                          .disk = &body.disk,
                          .limit = {.max_streams = c->app->cfg->max_streams, .up_ms = c->app->up_ms}};
    struct turn turn;
    struct err e = {0};
    struct job job;

    if (job_of_installer(c, job_by_token, &job) || answered(c, agent_claim_parse(c->body, &body, &e), &e))
        return;
    bearer_token(c->req, token);
    if (job_claim(c->app->store, &claim, c->at_ms, &job, &turn, enrol_token, &e))
        app_error(c, &e);
    else if (!turn.now)
        answer_turn(c, &turn);
    else
        answer_json(c, json_pack("{s:s, s:s, s:s}", "job", job.uuid, "enrol_token", enrol_token, "digest",
                                 job.digest));
    explicit_bzero(token, sizeof token);
    explicit_bzero(enrol_token, sizeof enrol_token);
}

void agent_progress(struct call *c)
{
    struct agent_progress p;
    struct err e = {0};
    struct job job;

    if (job_of_installer(c, job_by_writer, &job) || answered(c, agent_progress_parse(c->body, &p, &e), &e))
        return;
    if (job.state != JOB_CLAIMED) {
        err_set(&e, ERR_CONFLICT, "the job is %s: nothing of it is being written", job_state_name(job.state));
        app_error(c, &e);
        return;
    }
    progress_put(&c->app->progress,
                 &(struct progress){
                     .job_id = job.id, .at_ms = c->at_ms, .done = p.done, .total = p.total, .rate = p.rate});
    response_empty(c->res, 204);
}

/* The last report of a job that ends goes first; that it no longer fits the job's state is no error. */
static void settle_progress(struct call *c, const struct job *job)
{
    struct progress p;

    if (progress_take(&c->app->progress, job->id, &p))
        (void)job_progress(c->app->store, p.job_id, p.done, p.total, p.rate, p.at_ms, NULL);
}

void agent_written(struct call *c)
{
    struct agent_written w;
    struct err e = {0};
    char detail[256], fetched[16];
    struct job job;

    if (job_of_installer(c, job_by_writer, &job) || answered(c, agent_written_parse(c->body, &w, &e), &e))
        return;
    settle_progress(c, &job);
    snprintf(detail, sizeof detail,
             "%" PRIu64 " frames written, %" PRIu64 " were there already, %s fetched, in %" PRIu64
             " s; it reboots",
             w.frames_written, w.frames_same, size_format(w.bytes_fetched, fetched), w.seconds);
    answer_done(c, job_written(c->app->store, job.id, detail, c->at_ms, &e), &e);
}

/* Either token: the installer fails with its own, the first boot with the other. */
void agent_failed(struct call *c)
{
    struct agent_failed f = {0};
    enum token_kind kind;
    struct err e = {0};
    struct job job;

    if (job_of_any_token(c, job_by_writer, &kind, &job))
        return;
    if (kind == TOKEN_SPENT) {
        refuse(c, "the job of this token is done");
        return;
    }
    if (answered(c, agent_failed_parse(c->body, &f, &e), &e))
        return;
    settle_progress(c, &job);
    answer_done(c, job_fail(c->app->store, job.id, f.reason, f.detail, c->at_ms, &e), &e);
}

/* ---- first boot ---- */

/* Of a job that is done too: an answer may have been lost, or the machine's power before it had noted that it
 * is enrolled. The repeat is answered as the first call was, and changes nothing. */
static int job_of_first_boot(struct call *c, struct job *ret)
{
    enum token_kind kind;

    if (job_of_any_token(c, job_by_token, &kind, ret))
        return -1;
    return kind == TOKEN_INSTALL ? refuse(c, "a token of the other kind") : 0;
}

static json_t *authorized_keys(const struct httpboot_config *cfg)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < cfg->authorized_keys_n; i++)
        json_array_append_new(list, json_string(cfg->authorized_keys[i]));
    return list;
}

static json_t *salt_of(const struct httpboot_config *cfg, const struct job *job)
{
    if (!cfg->salt_master[0])
        return json_null();
    return json_pack("{s:s, s:s, s:i, s:i, s:s?}", "id", job->device, "master", cfg->salt_master,
                     "master_port", (int)cfg->salt_master_port, "publish_port", (int)cfg->salt_publish_port,
                     "master_pub", cfg->salt_master_pubkey);
}

void agent_config(struct call *c)
{
    const struct httpboot_config *cfg = c->app->cfg;
    struct str fqdn = {0};
    struct err e = {0};
    struct job job;

    if (job_of_first_boot(c, &job))
        return;
    if (job_started(c->app->store, job.id, "the image has booted and asks for its configuration", c->at_ms,
                    &e)) {
        app_error(c, &e);
        return;
    }
    fqdn_of(job.device, cfg->domain, &fqdn);
    answer_json(c, json_pack("{s:s, s:s, s:o, s:s?, s:o}", "hostname", job.device, "fqdn", fqdn.s,
                             "authorized_keys", authorized_keys(cfg), "ca_certificates", cfg->ca_certificates,
                             "salt", salt_of(cfg, &job)));
    str_free(&fqdn);
}

/* No driver: the machine has reported, nobody else is to be asked, and it need not have a key. */
static int enrol_ready(struct call *c, const struct job *job, const struct agent_enrol *n, struct err *e)
{
    const char *key = n->pubkey[0] ? n->pubkey : "(no key: no configuration management)";
    struct store *s = c->app->store;
    struct enrolment posted;

    if (enrolment_post(s, job->id, job->device, key, n->ssh_host_keys, c->at_ms, e) ||
        enrolment_of_job(s, job->id, &posted, e))
        return -1;
    return enrolment_ready(
        s, posted.id, "the machine has reported; no configuration management is configured", c->at_ms, e);
}

static int enrol_without_driver(struct call *c, const struct job *job, const struct agent_enrol *n,
                                struct err *e)
{
    struct store *s = c->app->store;

    if (store_begin(s, e))
        return -1;
    if (enrol_ready(c, job, n, e)) {
        store_rollback(s);
        return -1;
    }
    return store_commit(s, e);
}

static int enrol_with_salt(struct call *c, const struct job *job, const struct agent_enrol *n, struct err *e)
{
    struct err why = {0};

    if (strcmp(n->minion_id, job->device) != 0)
        return err_set(e, ERR_INPUT, "\"minion_id\" must be the id that /agent/v1/config gave: %s",
                       job->device);
    if (!n->pubkey[0])
        return err_set(e, ERR_INPUT, "\"pubkey\" is missing");
    if (enrolment_post(c->app->store, job->id, n->minion_id, n->pubkey, n->ssh_host_keys, c->at_ms, &why) ==
        0)
        return 0;
    *e = why;
    if (e->kind == ERR_REFUSED) /* the token was good: it is the key that is another */
        e->kind = ERR_CONFLICT;
    return -1;
}

void agent_enrol(struct call *c)
{
    bool salt = c->app->cfg->salt_master[0] != '\0';
    struct agent_enrol n = {0};
    struct err e = {0};
    struct job job;

    if (job_of_first_boot(c, &job) || answered(c, agent_enrol_parse(c->body, &n, &e), &e))
        return;
    answer_done(c, (salt ? enrol_with_salt : enrol_without_driver)(c, &job, &n, &e), &e);
}

/* ---- discover: no token; whoever asks learns only whether this MAC is known ---- */

static int keep_facts(struct call *c, struct mac mac, struct err *e)
{
    struct stranger known;
    struct str facts = {0};
    int rc = agent_facts(c->body, sizeof known.facts, &facts, e);

    if (rc == 0 && (stranger_get(c->app->store, mac, &known, NULL) || strcmp(known.facts, facts.s) != 0))
        rc = stranger_facts(c->app->store, mac, c->peer, facts.s, c->at_ms, e);
    str_free(&facts);
    return rc;
}

void agent_discover(struct call *c)
{
    struct agent_hello hello = {0};
    struct device device;
    struct err e = {0};
    bool known;

    if (answered(c, agent_hello_parse(c->body, &hello, &e), &e))
        return;
    known = device_by_mac(c->app->store, hello.mac, &device, &e) == 0;
    if (!known && e.kind != ERR_NOT_FOUND) {
        app_error(c, &e);
        return;
    }
    if (!known && unknown_policy_of(c->app->cfg, c->peer) == UNKNOWN_DISCOVER &&
        keep_facts(c, hello.mac, &e)) {
        app_error(c, &e);
        return;
    }
    answer_json(c, json_pack("{s:b}", "known", known));
}

/* The Salt driver: one run is a walk through the steps below, one request each, all to salt-api.
 *
 *   login -> keys -> (decide) -> accept -> check  -> ACCEPTED
 *              ^        |-> delete an old key -+
 *              +--------|----------------------+
 *                       |-> ping -> READY or WAIT
 *                       |-> delete a key that was swapped -> FAIL
 *                       `-> WAIT
 * The token is kept between runs. A 401 to a kept token logs in anew, once a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrol/driver.h"
#include "enrol/salt_request.h"

#define REQUEST_TIMEOUT_MS 20000
#define REPLY_MAX          (256u * 1024)
#define STEPS_MAX                                                                                            \
    12 /* a run that takes more goes in circles: someone else changes the keys as fast as we do */
#define TOKEN_MARGIN_MS 60000 /* a token that is about to expire is not used any more */

enum step { STEP_LOGIN, STEP_KEYS, STEP_DELETE, STEP_ACCEPT, STEP_CHECK, STEP_DELETE_SWAPPED, STEP_PING };

struct salt {
    struct driver_env env;
    struct salt_token token;
};

struct run {
    struct salt *salt;
    struct enrolment x;
    struct driver_hooks hooks;
    struct http_call *call;
    struct watch *soon; /* for an end without a request: start may not call back */
    struct outcome early;
    enum step step;
    enum salt_status deleting;
    const char *waiting; /* after a deletion: what then is waited for; NULL: look again */
    unsigned steps;
    bool logged_in; /* within this run */
};

/* What each step asks, and what it does with an answer of status 200. */
struct step_row {
    const char *what; /* for errors: "reading the key" */
    const char *path;
    void (*body)(const struct run *r, struct str *ret);
    int (*answer)(struct run *r, struct span body, struct err *e);
};
static const struct step_row steps[];

static const char NO_KEY[] = "waiting for the machine's key at the Salt master";
static const char NO_ANSWER[] = "the key is accepted; the machine does not answer test.ping yet";
static const char STRANGE_KEY[] = "a key that this machine did not send is pending at the Salt master under "
                                  "its id: not accepted, waiting for the machine's own";
static const char STRANGE_KEY_GONE[] = "keys that this machine did not send keep coming to the Salt master "
                                       "under its id: not accepted, removed, waiting for its own";

/* ---- the ends of a run ---- */

static void run_cancel(void *run)
{
    struct run *r = run;

    http_cancel(r->call);
    watch_free(r->soon);
    free(r);
}

static void finish(struct run *r, const struct outcome *o)
{
    struct driver_hooks hooks = r->hooks;

    r->call = NULL;
    run_cancel(r);
    hooks.done(o, hooks.ctx);
}

static void finish_with(struct run *r, enum outcome_kind kind, const char *reason, const char *detail)
{
    struct outcome o = {.kind = kind, .reason = reason};

    str_copy(o.detail, sizeof o.detail, detail);
    finish(r, &o);
}

static void finish_early(void *ctx)
{
    struct run *r = ctx;
    struct outcome o = r->early;

    finish(r, &o);
}

/* ---- asking ---- */

static void on_answer(const struct http_reply *reply, const struct err *why, void *ctx);

static void ask(struct run *r, enum step step)
{
    const struct step_row *row = &steps[step];
    const struct enrol_salt_config *c = &r->salt->env.config->salt;
    size_t base = strlen(c->api);
    struct str body = {0}, url = {0}, token = {0};

    if (++r->steps > STEPS_MAX) {
        finish_with(r, OUTCOME_DOWN, NULL,
                    "the keys at the Salt master change as fast as they are set right");
        return;
    }
    while (base > 0 && c->api[base - 1] == '/') {
        base--;
    }
    r->step = step;
    row->body(r, &body);
    str_addf(&url, "%.*s%s", (int)base, c->api, row->path);
    str_addf(&token, "X-Auth-Token: %s", r->salt->token.text);
    r->call = http_start(
        r->salt->env.http,
        &(struct http_request){
            .url = url.s,
            .headers = (const char *const[]){"Content-Type: application/json", "Accept: application/json",
                                             step == STEP_LOGIN ? NULL : token.s, NULL},
            .body = body.s,
            .body_n = body.len,
            .ca_file = c->ca_file,
            .connect_timeout_ms = 5000,
            .timeout_ms = REQUEST_TIMEOUT_MS,
            .max_body = REPLY_MAX,
        },
        on_answer, r);
    explicit_bzero(body.s, body.len); /* a login's holds the password */
    explicit_bzero(token.s, token.len);
    str_free(&body);
    str_free(&url);
    str_free(&token);
}

static bool token_good(const struct salt *s)
{
    return s->token.text[0] && now_ms() < s->token.expires_ms - TOKEN_MARGIN_MS;
}

static void ask_keys(struct run *r)
{
    ask(r, token_good(r->salt) ? STEP_KEYS : STEP_LOGIN);
}

static void note(struct run *r, const char *event, const char *detail)
{
    r->hooks.note(event, detail, r->hooks.ctx);
}

static void delete_key(struct run *r, enum salt_status status, const char *then_waiting)
{
    r->deleting = status;
    r->waiting = then_waiting;
    ask(r, STEP_DELETE);
}

/* ---- answers ---- */

static int login_answer(struct run *r, struct span body, struct err *e)
{
    if (salt_login_parse(body, &r->salt->token, e) < 0) {
        return -1;
    }
    r->logged_in = true;
    ask(r, STEP_KEYS);
    return 0;
}

/* A pending key keeps the machine's own one out. At first sight it is left where it is and told; when it is
 * still there at the next look it is removed, so that the machine can come in. */
static void refuse_pending(struct run *r)
{
    bool again = strcmp(r->x.last_error, STRANGE_KEY) == 0 || strcmp(r->x.last_error, STRANGE_KEY_GONE) == 0;

    if (again) {
        delete_key(r, SALT_PENDING, STRANGE_KEY_GONE);
    } else {
        finish_with(r, OUTCOME_WAIT, NULL, STRANGE_KEY);
    }
}

/* After strange keys the sentence stays the same: someone who sends one a second must not fill the timeline.
 */
static void wait_for_key(struct run *r)
{
    bool strange = strcmp(r->x.last_error, STRANGE_KEY_GONE) == 0;

    finish_with(r, OUTCOME_WAIT, NULL, strange ? STRANGE_KEY_GONE : NO_KEY);
}

static void accepted(struct run *r)
{
    if (r->x.state == ENROL_ACCEPTED) {
        ask(r, STEP_PING);
    } else {
        finish_with(r, OUTCOME_ACCEPTED, NULL, "");
    }
}

static int keys_answer(struct run *r, struct span body, struct err *e)
{
    struct salt_keys keys;

    if (salt_keys_parse(body, r->x.minion_id, &keys, e) < 0) {
        return -1;
    }
    switch (salt_decide(&keys, r->x.pubkey, r->x.state == ENROL_ACCEPTED)) {
    case NEED_KEY:
        wait_for_key(r);
        break;
    case NEED_ACCEPT:
        ask(r, STEP_ACCEPT);
        break;
    case NEED_PING:
        accepted(r);
        break;
    case NEED_DELETE_ACCEPTED:
        note(
            r, "old-key",
            "the accepted key of the system that was on this machine before is removed from the Salt master");
        delete_key(r, SALT_ACCEPTED, NULL);
        break;
    case NEED_DELETE_REJECTED:
        note(r, "old-key", "a rejected key under this machine's id is removed from the Salt master");
        delete_key(r, SALT_REJECTED, NULL);
        break;
    case NEED_REFUSE_PENDING:
        refuse_pending(r);
        break;
    case NEED_MISMATCH:
        ask(r, STEP_DELETE_SWAPPED);
        break;
    case NEED_REJECTED:
        finish_with(r, OUTCOME_FAIL, "key-rejected",
                    "somebody rejected this machine's key at the Salt master (salt-key -l rejected)");
        break;
    }
    return 0;
}

static int delete_answer(struct run *r, struct span body, struct err *e)
{
    if (salt_change_parse(body, e) < 0) {
        return -1;
    }
    if (r->waiting) {
        finish_with(r, OUTCOME_WAIT, NULL, r->waiting);
    } else {
        ask(r, STEP_KEYS);
    }
    return 0;
}

static int accept_answer(struct run *r, struct span body, struct err *e)
{
    if (salt_change_parse(body, e) < 0) {
        return -1;
    }
    ask(r, STEP_CHECK);
    return 0;
}

/* What was accepted is read back: between the look and the accept the pending key may have been another. */
static int check_answer(struct run *r, struct span body, struct err *e)
{
    struct salt_keys keys;
    const struct salt_key *key = &keys.of[SALT_ACCEPTED];

    if (salt_keys_parse(body, r->x.minion_id, &keys, e) < 0) {
        return -1;
    }
    if (!key->present) {
        wait_for_key(r);
    } else if (salt_key_eq(key->pem, r->x.pubkey)) {
        accepted(r);
    } else {
        ask(r, STEP_DELETE_SWAPPED);
    }
    return 0;
}

static int delete_swapped_answer(struct run *r, struct span body, struct err *e)
{
    if (salt_change_parse(body, e) < 0) {
        return -1;
    }
    finish_with(r, OUTCOME_FAIL, "key-mismatch",
                "the key accepted at the Salt master under this machine's id was not the one it sent; it has "
                "been removed. Somebody else "
                "changes keys there");
    return 0;
}

static int ping_answer(struct run *r, struct span body, struct err *e)
{
    bool answered;

    if (salt_ping_parse(body, r->x.minion_id, &answered, e) < 0) {
        return -1;
    }
    if (answered) {
        finish_with(r, OUTCOME_READY, NULL, "it answered test.ping through the Salt master");
    } else {
        finish_with(r, OUTCOME_WAIT, NULL, NO_ANSWER);
    }
    return 0;
}

/* ---- what each step sends ---- */

static void login_body(const struct run *r, struct str *ret)
{
    salt_login_body(&r->salt->env.config->salt, ret);
}

static void keys_body(const struct run *r, struct str *ret)
{
    salt_keys_body(r->x.minion_id, ret);
}

static void accept_body(const struct run *r, struct str *ret)
{
    salt_accept_body(r->x.minion_id, ret);
}

static void delete_body(const struct run *r, struct str *ret)
{
    salt_delete_body(r->x.minion_id, r->deleting, ret);
}

static void delete_swapped_body(const struct run *r, struct str *ret)
{
    salt_delete_body(r->x.minion_id, SALT_ACCEPTED, ret);
}

static void ping_body(const struct run *r, struct str *ret)
{
    salt_ping_body(r->x.minion_id, ret);
}

static const struct step_row steps[] = {
    [STEP_LOGIN] = {"logging in to salt-api", "/login", login_body, login_answer},
    [STEP_KEYS] = {"reading the machine's keys (wheel key.print)", "/", keys_body, keys_answer},
    [STEP_DELETE] = {"removing a key (wheel key.delete_dict)", "/", delete_body, delete_answer},
    [STEP_ACCEPT] = {"accepting the key (wheel key.accept_dict)", "/", accept_body, accept_answer},
    [STEP_CHECK] = {"reading the accepted key back (wheel key.print)", "/", keys_body, check_answer},
    [STEP_DELETE_SWAPPED] = {"removing a key (wheel key.delete_dict)", "/", delete_swapped_body,
                             delete_swapped_answer},
    [STEP_PING] = {"asking the machine for test.ping", "/", ping_body, ping_answer},
};

/* ---- what else may come instead of an answer of status 200 ---- */

static const struct {
    long status;
    const char *meaning;
} statuses[] = {
    {400, "refused: netapi_enable_clients in the master's configuration must have wheel and local"},
    {401, "refused: under external_auth the account needs test.ping and '@key': [print, accept_dict, "
          "delete_dict]"},
    {500, "salt-api is broken; its log says more"},
    {502, "salt-api is not there"},
    {503, "the Salt master is down"},
    {504, "the Salt master does not answer in time"},
};

static void finish_down(struct run *r, const char *why)
{
    struct str detail = {0};
    struct outcome o = {.kind = OUTCOME_DOWN};

    str_addf(&detail, "%s: %s", steps[r->step].what, why);
    str_copy(o.detail, sizeof o.detail, detail.s);
    str_free(&detail);
    finish(r, &o);
}

static void bad_status(struct run *r, long status)
{
    char other[64];

    if (status == 401 && r->step == STEP_LOGIN) {
        finish_down(r, "user name or password is wrong, or its eauth is not in the master's external_auth");
        return;
    }
    if (status == 401 && !r->logged_in) {
        r->salt->token.text[0] = '\0';
        ask(r, STEP_LOGIN);
        return;
    }
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status) {
            finish_down(r, statuses[i].meaning);
            return;
        }
    }
    snprintf(other, sizeof other, "salt-api answers with status %ld", status);
    finish_down(r, other);
}

static void on_answer(const struct http_reply *reply, const struct err *why, void *ctx)
{
    struct run *r = ctx;
    struct err e = {0};

    r->call = NULL;
    if (!reply) {
        finish_down(r, why->text);
    } else if (reply->status != 200) {
        bad_status(r, reply->status);
    } else if (steps[r->step].answer(r, span_of(reply->body.s, reply->body.len), &e) < 0) {
        finish_down(r, e.text);
    }
}

/* ---- the driver ---- */

static void *salt_open(const struct driver_env *env)
{
    struct salt *s = xcalloc(1, sizeof *s);

    s->env = *env;
    return s;
}

static void salt_close(void *self)
{
    struct salt *s = self;

    explicit_bzero(&s->token, sizeof s->token);
    free(s);
}

static void *salt_start(void *self, const struct enrolment *x, const struct driver_hooks *hooks)
{
    struct run *r = xcalloc(1, sizeof *r);
    struct err e;

    r->salt = self;
    r->x = *x;
    r->hooks = *hooks;
    if (minion_id_check(x->minion_id, &e) < 0) {
        r->early = (struct outcome){.kind = OUTCOME_FAIL, .reason = "minion-id"};
        str_copy(r->early.detail, sizeof r->early.detail, e.text);
        r->soon = watch_timer(r->salt->env.loop, finish_early, r);
        watch_arm(r->soon, 0);
    } else {
        ask_keys(r);
    }
    return r;
}

const struct driver salt_driver = {
    .name = "salt",
    .open = salt_open,
    .close = salt_close,
    .start = salt_start,
    .cancel = run_cancel,
};

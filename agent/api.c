#include "agent/api.h"

#include <stdlib.h>
#include <string.h>

#include "agent/api_codec.h"
#include "agent/backoff.h"
#include "agent/say.h"

#define TIMEOUT_MS    20000
#define TURN_EVERY_MS 60000

int api_new(const char *url, const char *token, struct api *ret, struct err *e)
{
    struct api a = {.patience_ms = API_FOR_EVER};
    if (!str_copy(a.url, sizeof a.url, url))
        return err_set(e, ERR_INPUT, "the server's URL is too long");
    if (*token && !token_ok(token))
        return err_set(e, ERR_INPUT, "the token is not one: letters and digits only");
    str_copy(a.token, sizeof a.token, token);
    if (agent_http_new(url, TIMEOUT_MS, &a.http, e))
        return -1;
    *ret = a;
    return 0;
}

void api_free(struct api *a)
{
    agent_http_free(a->http);
    a->http = NULL;
}

static void say_turn(const struct api_wait *w)
{
    if (w->seconds < 0)
        say("waiting for our turn: place %u of %u", w->place, w->of);
    else
        say("waiting for our turn: place %u of %u, about %lld:%02lld left", w->place, w->of,
            (long long)w->seconds / 60, (long long)w->seconds % 60);
}

struct said { /* of our turn */
    unsigned place;
    uint64_t at_ms;
};

/* Says why we wait, a turn that is to come only when the place is a new one or a minute has passed, and
 * waits: for as long as the server wants, each machine a little longer by chance, else with back-off. */
static void wait_and_say(struct api *a, const struct err *why, struct backoff *wait, struct said *said)
{
    struct api_wait turn;
    unsigned retry_s;
    const char *refusal = agent_http_refusal(a->http, &retry_s);
    bool is_turn = *refusal && api_wait_decode(span_str(refusal), &turn, NULL) == 0;
    if (!is_turn) {
        say("%s; trying again", why->text);
    } else if (turn.place != said->place || ticks_ms() - said->at_ms >= TURN_EVERY_MS) {
        say_turn(&turn);
        *said = (struct said){.place = turn.place, .at_ms = ticks_ms()};
    }
    backoff_wait_asked(wait, retry_s);
}

/* One call, patiently; json is freed. */
static int call(struct api *a, const char *method, const char *path, char *json, struct str *ret,
                struct err *e)
{
    struct backoff wait = {0};
    struct said said = {0};
    uint64_t began = ticks_ms();
    int status;
    for (;;) {
        struct err why = {0};
        status = agent_http_call(a->http, method, path, *a->token ? a->token : NULL, json, API_BODY_MAX, ret,
                                 &why);
        bool enough = ticks_ms() - began >= a->patience_ms;
        if (status == 0 || why.kind != ERR_UNAVAILABLE || enough) {
            if (status)
                err_set(e, why.kind, "%s", why.text);
            break;
        }
        wait_and_say(a, &why, &wait, &said);
    }
    free(json);
    return status;
}

static struct span body_span(const struct str *s)
{
    return span_of(s->s ? s->s : "", s->len);
}

int api_hello(struct api *a, const struct machine *m, struct api_job *ret, struct err *e)
{
    struct str body = {0};
    int status = call(a, "POST", "/agent/v1/hello", api_hello_encode(m), &body, e);
    if (status == 0)
        status = api_job_decode(body_span(&body), ret, e);
    str_free(&body);
    return status;
}

int api_claim(struct api *a, const char *uuid, const struct disk *d, struct digest digest,
              char ret_enrol_token[AGENT_TOKEN_MAX], struct err *e)
{
    struct str body = {0};
    int status = call(a, "POST", "/agent/v1/claim", api_claim_encode(uuid, d), &body, e);
    if (status == 0)
        status = api_claim_decode(body_span(&body), digest, ret_enrol_token, e);
    str_free(&body);
    return status;
}

int api_progress(struct api *a, uint64_t done, uint64_t total, uint64_t rate, struct err *e)
{
    return call(a, "POST", "/agent/v1/progress", api_progress_encode(done, total, rate), NULL, e);
}

int api_written(struct api *a, const struct api_result *r, struct err *e)
{
    return call(a, "POST", "/agent/v1/written", api_written_encode(r), NULL, e);
}

int api_failed(struct api *a, const char *reason, const char *detail, struct err *e)
{
    return call(a, "POST", "/agent/v1/failed", api_failed_encode(reason, detail), NULL, e);
}

int api_discover(struct api *a, const struct machine *m, bool *ret_known, struct err *e)
{
    struct str body = {0};
    int status = call(a, "POST", "/agent/v1/discover", api_hello_encode(m), &body, e);
    if (status == 0)
        status = api_discover_decode(body_span(&body), ret_known, e);
    str_free(&body);
    return status;
}

int api_config(struct api *a, struct api_config *ret, struct err *e)
{
    struct str body = {0};
    int status = call(a, "GET", "/agent/v1/config", NULL, &body, e);
    if (status == 0)
        status = api_config_decode(body_span(&body), ret, e);
    str_free(&body);
    return status;
}

int api_enrol(struct api *a, const char *minion_id, const char *pubkey, char *const host_keys[], size_t n,
              struct err *e)
{
    return call(a, "POST", "/agent/v1/enrol", api_enrol_encode(minion_id, pubkey, host_keys, n), NULL, e);
}

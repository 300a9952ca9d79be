/* api: the agent's endpoint (PROTOCOL.md) as functions.
 *
 * Each call is tried again with back-off while the server is away, for `patience_ms` (API_FOR_EVER: without
 * end). ERR_REFUSED: the token is not (or no longer) good, so this agent has been replaced and must stop. */
#ifndef AGENT_API_H
#define AGENT_API_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/cmdline.h"
#include "agent/io_http.h"
#include "agent/machine.h"
#include "base/digest.h"

#define API_FOR_EVER UINT64_MAX
#define API_BODY_MAX (64u * 1024)

struct api {
    char url[AGENT_URL_MAX];
    char token[AGENT_TOKEN_MAX]; /* "" for discover */
    struct agent_http *http;
    uint64_t patience_ms;
};

int api_new(const char *url, const char *token, struct api *ret, struct err *e);
void api_free(struct api *a);

struct api_job {
    char job[UUID_STR];
    struct uuid uuid; /* the same */
    char device[128], image[128], version[128];
    struct digest digest;
    char selector[DISK_SELECTOR_MAX];
    bool resume;
};

int api_hello(struct api *a, const struct machine *m, struct api_job *ret, struct err *e);
int api_claim(struct api *a, const char *uuid, const struct disk *d, struct digest digest,
              char ret_enrol_token[AGENT_TOKEN_MAX], struct err *e);
int api_progress(struct api *a, uint64_t done, uint64_t total, uint64_t rate, struct err *e);

struct api_result {
    uint64_t frames_written, frames_same, bytes_fetched;
    double seconds;
};
int api_written(struct api *a, const struct api_result *r, struct err *e);
int api_failed(struct api *a, const char *reason, const char *detail, struct err *e);
int api_discover(struct api *a, const struct machine *m, bool *ret_known, struct err *e);

/* First boot. Texts are owned by the struct: api_config_free. */
struct api_config {
    char *hostname, *fqdn;
    char **authorized_keys;
    size_t n_keys;
    char *ca_certificates; /* NULL: none */
    struct {
        bool wanted;
        char *id, *master, *master_pub;
        uint16_t master_port, publish_port;
    } salt;
};
int api_config(struct api *a, struct api_config *ret, struct err *e);
void api_config_free(struct api_config *c);
/* minion_id and pubkey are NULL when there is no Salt. */
int api_enrol(struct api *a, const char *minion_id, const char *pubkey, char *const host_keys[], size_t n,
              struct err *e);

/* The same from and to bytes, for the tests. */
int api_job_decode(struct span body, struct api_job *ret, struct err *e);
int api_config_decode(struct span body, struct api_config *ret, struct err *e);
char *api_hello_encode(const struct machine *m); /* free it */

#endif

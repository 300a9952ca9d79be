/* api_codec: the bodies of the endpoint that api.c sends and reads; those with a struct of their own are in
 * api.h. free() what encodes. */
#ifndef AGENT_API_CODEC_H
#define AGENT_API_CODEC_H

#include "agent/api.h"

char *api_claim_encode(const char *uuid, const struct disk *d);
/* ERR_CONFLICT when the server's digest is not `digest`. */
int api_claim_decode(struct span body, struct digest digest, char ret_enrol_token[AGENT_TOKEN_MAX],
                     struct err *e);
/* "wait" of a refusal: our turn is to come. */
struct api_wait {
    unsigned place, of;
    int64_t seconds; /* -1: the server does not know */
};
int api_wait_decode(struct span body, struct api_wait *ret, struct err *e);
char *api_progress_encode(uint64_t done, uint64_t total, uint64_t rate);
char *api_written_encode(const struct api_result *r);
char *api_failed_encode(const char *reason, const char *detail);
int api_discover_decode(struct span body, bool *ret_known, struct err *e);
char *api_enrol_encode(const char *minion_id, const char *pubkey, char *const host_keys[], size_t n);

#endif

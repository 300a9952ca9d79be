/* agentapi: who a token belongs to. The endpoint itself is the handlers that app.h lists. */
#ifndef HTTPBOOT_AGENTAPI_H
#define HTTPBOOT_AGENTAPI_H

#include "httpboot/app.h"
#include "inventory/job.h"

/* The text of "Authorization: Bearer TOKEN"; false unless it is there once and could be a token of ours. */
bool bearer_token(const struct request *r, char ret[DIGEST_HEX]);

/* Is the request's token one that may act for a job? Answers nothing. */
bool token_is_good(const struct app *a, const struct request *r, int64_t at_ms);

/* The job of this token, which must be of this kind. On -1 the call is answered: 401, in words that are
 * always the same. */
int job_of_token(struct call *c, const char *token, enum token_kind kind, struct job *ret);

#endif

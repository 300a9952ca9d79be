/* api_token: who may use the API, and for what.
 *
 * A token is "nbt_KEY.SECRET", as NetBox's second kind is: twelve and forty letters and digits. The key finds
 * the row; the secret, of which the store has the SHA-256 only, proves that it is the token. It is shown
 * once, by who makes it.
 */
#ifndef INVENTORY_API_TOKEN_H
#define INVENTORY_API_TOKEN_H

#include "base/addr.h"
#include "base/span.h"
#include "inventory/device.h"
#include "inventory/store.h"

enum api_right {
    RIGHT_READ = 1,
    RIGHT_WRITE = 2,
    RIGHT_ASSIGN = 4, /* write images to machines */
};
/* "read,write"; at least one of them, each once. */
int api_rights_parse(const char *text, unsigned *ret, struct err *e);
#define API_RIGHTS_STR 32
char *api_rights_format(unsigned rights, char buf[API_RIGHTS_STR]);

#define API_TOKEN_KEY  12
#define API_TOKEN_TEXT (4 + API_TOKEN_KEY + 1 + 40 + 1) /* "nbt_KEY.SECRET" and NUL */
#define API_TOKEN_FROM 8
#define API_TOKEN_NAME 59 /* letters at most: the journal's actor is "api:NAME" */

struct api_token {
    int64_t id;
    char name[NAME_SIZE];
    char key[API_TOKEN_KEY + 1];
    unsigned rights;                                     /* of enum api_right, or-ed */
    int64_t tenant_id;                                   /* 0: of no tenant, all devices */
    char tenant[NAME_SIZE];                              /* its slug */
    struct prefix from[API_TOKEN_FROM];                  /* where it may be used from */
    size_t from_n;                                       /* 0: from everywhere */
    int64_t created_ms, expires_ms, revoked_ms, used_ms; /* 0: never */
};

/* Makes the token that t says: name, rights, tenant (slug, "" for none), expires_ms, from. ERR_CONFLICT when
 * a token of this name is there, ERR_NOT_FOUND when the tenant is not. */
int api_token_create(struct store *s, const struct api_token *t, const char *actor, int64_t at_ms,
                     char ret_text[API_TOKEN_TEXT], struct err *e);

/* Is what was presented a token, and may it be used now, from there? All but GOOD is a refusal; what a token
 * was is told only to who has its secret. Does not write: api_token_used does. */
enum api_token_answer {
    API_TOKEN_GOOD,
    API_TOKEN_UNKNOWN,
    API_TOKEN_EXPIRED,
    API_TOKEN_REVOKED,
    API_TOKEN_ELSEWHERE, /* not from this address */
};
int api_token_check(struct store *s, struct span presented, struct ip4 peer, int64_t at_ms,
                    enum api_token_answer *ret, struct api_token *ret_token, struct err *e);
/* Notes that it was used, unless that has been noted within the last API_TOKEN_USED_MS: no commit for each
 * request. Waits for no other writer: ERR_UNAVAILABLE then, and the next request notes it. */
#define API_TOKEN_USED_MS (INT64_C(3600) * 1000)
int api_token_used(struct store *s, const struct api_token *t, int64_t at_ms, struct err *e);

/* Good from now on for nothing. ERR_NOT_FOUND when there is none of this name; once more changes nothing. */
int api_token_revoke(struct store *s, const char *name, const char *actor, int64_t at_ms, struct err *e);

typedef int api_token_fn(const struct api_token *t, void *ctx);
int api_token_each(struct store *s, api_token_fn *fn, void *ctx, struct err *e); /* by name */

/* The token in "Token T" or "Bearer T", of either word in any case, since clients mix them; the empty span
 * for anything else. */
struct span api_token_presented(struct span authorization);

#endif

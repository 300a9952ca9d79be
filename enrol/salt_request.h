/* salt_request: what salt-api is asked, what it answers, and what is to be done about a machine's key. Pure.
 *
 * What is asked, each but the login as an array of one object, and what comes:
 *
 * - login: {"username", "password", "eauth"} -> {"return": [{"token", "expire", ...}]}
 * - wheel key.print: "match": ID -> {"return": [{"data": {"success", "return": {STATUS: {ID: PEM}}}}]}
 * - wheel key.accept_dict: "match": {"minions_pre": [ID]} -> {"return": [{"data": {"success", "return"}}]}
 * - wheel key.delete_dict: "match": {STATUS: [ID]} -> likewise
 * - local test.ping: "tgt": [ID], "tgt_type": "list" -> {"return": [{ID: true}]}
 *
 * key.print takes a glob, and a comma in it separates two: minion_id_check lets through ids only that mean
 * themselves. A function that throws is still HTTP 200 with success false and a text in "return"; one that is
 * called with what it cannot use is even a success with a text there. So every level's type is checked.
 */
#ifndef ENROL_SALT_REQUEST_H
#define ENROL_SALT_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "enrol/enrol.h"
#include "inventory/enrolment.h"

/* Letters, digits, dot, dash, underscore; begins with a letter or digit; 1 to 255 of them. */
int minion_id_check(const char *id, struct err *e);

enum salt_status { SALT_ACCEPTED, SALT_PENDING, SALT_REJECTED, SALT_DENIED, SALT_STATUSES };
const char *salt_status_name(enum salt_status s); /* Salt's word: "minions", "minions_pre", ... */

/* The keys that the master has under one id. A denied id may have several keys: the master gives the one or
 * the list. */
struct salt_key {
    bool present;
    char pem[PUBKEY_MAX]; /* "" for a key that is too long to be one, and for more than one */
};
struct salt_keys {
    struct salt_key of[SALT_STATUSES];
};

struct salt_token {
    char text[128]; /* "": none */
    int64_t expires_ms;
};

/* Bodies; added to *ret. */
void salt_login_body(const struct enrol_salt_config *c, struct str *ret);
void salt_keys_body(const char *id, struct str *ret);
void salt_accept_body(const char *id, struct str *ret);
void salt_delete_body(const char *id, enum salt_status status, struct str *ret);
void salt_ping_body(const char *id, struct str *ret);

/* Answers of status 200. ERR_CORRUPT: not what Salt answers; ERR_REFUSED: Salt says that it could not do it.
 */
int salt_login_parse(struct span body, struct salt_token *ret, struct err *e);
int salt_keys_parse(struct span body, const char *id, struct salt_keys *ret, struct err *e);
int salt_change_parse(struct span body,
                      struct err *e); /* of accept and delete; what came of it is to be read back */
int salt_ping_parse(struct span body, const char *id, bool *ret, struct err *e);

/* Whole keys, byte by byte; CRLF counts as LF, and newlines at the end do not count. Two empty keys are not
 * equal. */
bool salt_key_eq(const char *a, const char *b);

/* What the master's keys call for. `accepted` says that this very key was seen accepted before. */
enum salt_need {
    NEED_KEY,             /* the machine has not shown its key: wait */
    NEED_ACCEPT,          /* it waits in pending: accept it */
    NEED_PING,            /* it is accepted: does the machine answer? */
    NEED_DELETE_ACCEPTED, /* the key of the system that was on the machine before: remove it, it keeps the new
                             one out */
    NEED_DELETE_REJECTED, /* likewise */
    NEED_REFUSE_PENDING,  /* a key that the machine did not send is pending: never accept it */
    NEED_MISMATCH, /* accepted before, and now it is another one: somebody changed it. Remove it, raise the
                      alarm */
    NEED_REJECTED, /* somebody rejected this very key: over */
};
enum salt_need salt_decide(const struct salt_keys *k, const char *posted, bool accepted);

#endif

/* store_api_token: who may use the API (api_token.h). */
#include "inventory/api_token.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/store_sql.h"

#define SECRET_LEN 40
#define PREFIX     "nbt_"

/* ---- texts */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
#define LETTERS (sizeof letters - 1)

/* Each letter is as likely as any other: bytes that would make the first ones likelier are thrown away. */
static void random_text(char *buf, size_t n)
{
    uint8_t b;
    for (size_t i = 0; i < n;) {
        random_bytes(&b, 1);
        if (b < 256 / LETTERS * LETTERS) {
            buf[i++] = letters[b % LETTERS];
        }
    }
    buf[n] = '\0';
}

static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!s.p[i] || !strchr(letters, s.p[i])) {
            return false;
        }
    }
    return s.n > 0;
}

/* Cuts "nbt_KEY.SECRET" into its parts. */
static bool split(struct span text, char ret_key[API_TOKEN_KEY + 1], struct span *ret_secret)
{
    if (text.n != API_TOKEN_TEXT - 1 || !span_starts(text, PREFIX)) {
        return false;
    }
    struct span key = span_of(text.p + strlen(PREFIX), API_TOKEN_KEY);
    *ret_secret = span_of(key.p + API_TOKEN_KEY + 1, SECRET_LEN);
    return key.p[API_TOKEN_KEY] == '.' && is_text(key) && is_text(*ret_secret) &&
           span_to_str(key, ret_key, API_TOKEN_KEY + 1);
}

/* The prefixes are a JSON list of texts. */
static char *from_text(const struct api_token *t)
{
    struct str s = {0};
    char prefix[PREFIX_STR];
    str_add(&s, "[");
    for (size_t i = 0; i < t->from_n; i++) {
        str_addf(&s, "%s\"%s\"", i ? "," : "", prefix_format(t->from[i], prefix));
    }
    str_add(&s, "]");
    return str_take(&s);
}

/* -1: it is not what from_text wrote. A list that could not be read would allow all addresses. */
static int from_parse(const char *text, struct api_token *t, struct err *e)
{
    json_t *list = json_loads(text, 0, NULL);
    int rc = json_is_array(list) && json_array_size(list) <= API_TOKEN_FROM ? 0 : -1;
    t->from_n = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        rc = item ? prefix_parse(item, &t->from[t->from_n++], NULL) : -1;
    }
    json_decref(list);
    return rc ? err_set(e, ERR_CORRUPT, "the token %s has addresses that cannot be read: %.100s", t->name,
                        text)
              : 0;
}

/* ---- reading */

#define TOKEN                                                                                                \
    "SELECT k.id, k.name, k.key, k.hash, k.rights, coalesce(k.tenant_id, 0), coalesce(t.slug, ''), "         \
    "k.peers, "                                                                                              \
    "k.created_ms, k.expires_ms, k.used_ms, k.revoked_ms FROM api_tokens k LEFT JOIN tenants t ON t.id = "   \
    "k.tenant_id "

static int token_read(sqlite3_stmt *q, struct api_token *t, struct digest *hash, struct err *e)
{
    char words[API_RIGHTS_STR], from[API_TOKEN_FROM * (PREFIX_STR + 3) + 3];
    struct span h = db_bytes(q, 3);
    memset(t, 0, sizeof *t);
    t->id = db_int(q, 0);
    db_text(q, 1, t->name, sizeof t->name);
    db_text(q, 2, t->key, sizeof t->key);
    db_text(q, 4, words, sizeof words);
    t->tenant_id = db_int(q, 5);
    db_text(q, 6, t->tenant, sizeof t->tenant);
    db_text(q, 7, from, sizeof from);
    t->created_ms = db_int(q, 8);
    t->expires_ms = db_int(q, 9);
    t->used_ms = db_int(q, 10);
    t->revoked_ms = db_int(q, 11);
    if (h.n != sizeof hash->b) {
        return err_set(e, ERR_CORRUPT, "the token %s has no hash", t->name);
    }
    memcpy(hash->b, h.p, sizeof hash->b);
    return api_rights_parse(words, &t->rights, e) || from_parse(from, t, e) ? -1 : 0;
}

/* 1, 0 for none, -1 */
static int token_load(struct store *s, const char *sql, const char *key, struct api_token *t,
                      struct digest *hash, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_t(key)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        r = token_read(q, t, hash, e) < 0 ? -1 : 1;
        db_done(q);
    }
    return r;
}

static bool comes_from(const struct api_token *t, struct ip4 peer)
{
    for (size_t i = 0; i < t->from_n; i++) {
        if (prefix_has(t->from[i], peer)) {
            return true;
        }
    }
    return !t->from_n;
}

static enum api_token_answer judge(const struct api_token *t, struct ip4 peer, int64_t at_ms)
{
    return t->revoked_ms                             ? API_TOKEN_REVOKED
           : t->expires_ms && t->expires_ms <= at_ms ? API_TOKEN_EXPIRED
           : !comes_from(t, peer)                    ? API_TOKEN_ELSEWHERE
                                                     : API_TOKEN_GOOD;
}

int api_token_check(struct store *s, struct span presented, struct ip4 peer, int64_t at_ms,
                    enum api_token_answer *ret, struct api_token *ret_token, struct err *e)
{
    char key[API_TOKEN_KEY + 1];
    struct api_token t;
    struct digest hash;
    struct span secret;
    int r = split(presented, key, &secret) ? token_load(s, TOKEN "WHERE k.key = ?", key, &t, &hash, e) : 0;
    if (r < 0) {
        return -1;
    }
    if (r == 0 || !digest_eq(hash, digest_sha256(secret))) {
        *ret = API_TOKEN_UNKNOWN;
        return 0;
    }
    *ret = judge(&t, peer, at_ms);
    *ret_token = t;
    return 0;
}

int api_token_each(struct store *s, api_token_fn *fn, void *ctx, struct err *e)
{
    struct db_ids ids = {0};
    struct api_token t;
    struct digest hash;
    sqlite3_stmt *q;
    int r = db_ids(s, "SELECT id FROM api_tokens ORDER BY name", NULL, 0, &ids, e);
    for (size_t i = 0; r == 0 && i < ids.n; i++) {
        int found = db_query(s, TOKEN "WHERE k.id = ?", DB_VALUES(db_i(ids.id[i])), &q, e) < 0
                        ? -1
                        : db_step(s, q, e);
        if (found == 1) {
            r = token_read(q, &t, &hash, e);
            db_done(q);
        }
        r = found < 0 || r < 0 ? -1 : found == 1 ? fn(&t, ctx) : 0;
    }
    free(ids.id);
    return r;
}

/* ---- changes */

static int check(const struct api_token *t, int64_t at_ms, struct err *e)
{
    if (name_check("the token's name", t->name, e)) {
        return -1;
    }
    if (strlen(t->name) > API_TOKEN_NAME) {
        return err_set(e, ERR_INPUT, "the token's name is longer than %d characters", API_TOKEN_NAME);
    }
    if (!t->rights) {
        return err_set(e, ERR_INPUT, "the token %s has no right; give it read, write or assign", t->name);
    }
    if (t->expires_ms && t->expires_ms <= at_ms) {
        return err_set(e, ERR_INPUT, "the token %s would have ended already", t->name);
    }
    return 0;
}

static int tenant_find(struct store *s, const char *slug, int64_t *ret, struct err *e)
{
    *ret = 0;
    if (!*slug) {
        return 0;
    }
    int r = db_number(s, "SELECT id FROM tenants WHERE slug = ?", DB_VALUES(db_t(slug)), ret, e);
    return r == 0 ? err_set(e, ERR_NOT_FOUND, "there is no tenant \"%s\"", slug) : r < 0 ? -1 : 0;
}

/* "read,write of tenant-a from 10.0.0.0/8 until 2027-..." */
static void describe(const struct api_token *t, char *buf, size_t size)
{
    char words[API_RIGHTS_STR], prefix[PREFIX_STR], time[TIME_STR];
    struct str s = {0};
    str_add(&s, api_rights_format(t->rights, words));
    if (t->tenant[0]) {
        str_addf(&s, " for the tenant %s", t->tenant);
    }
    for (size_t i = 0; i < t->from_n; i++) {
        str_addf(&s, "%s %s", i ? "," : " from", prefix_format(t->from[i], prefix));
    }
    if (t->expires_ms) {
        str_addf(&s, " until %s", time_format(t->expires_ms, time));
    }
    str_copy(buf, size, s.s);
    str_free(&s);
}

static int insert(struct store *s, const struct api_token *t, const char *key, const char *secret,
                  int64_t at_ms, struct err *e)
{
    struct digest hash = digest_sha256(span_str(secret));
    char words[API_RIGHTS_STR];
    int64_t tenant, other = 0;
    if (tenant_find(s, t->tenant, &tenant, e) ||
        db_number(s, "SELECT id FROM api_tokens WHERE name = ?", DB_VALUES(db_t(t->name)), &other, e) < 0) {
        return -1;
    }
    if (other) {
        return err_set(
            e, ERR_CONFLICT,
            "there is a token %s already, or was one: names are not used twice, so that the journal "
            "stays clear; choose another",
            t->name);
    }
    char *from = from_text(t);
    int r = db_run(
        s,
        "INSERT INTO api_tokens (name, key, hash, rights, tenant_id, peers, created_ms, expires_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        DB_VALUES(db_t(t->name), db_t(key), db_digest(&hash), db_t(api_rights_format(t->rights, words)),
                  db_ref(tenant), db_t(from), db_i(at_ms), db_i(t->expires_ms)),
        e);
    free(from);
    return r;
}

int api_token_create(struct store *s, const struct api_token *t, const char *actor, int64_t at_ms,
                     char ret_text[API_TOKEN_TEXT], struct err *e)
{
    char key[API_TOKEN_KEY + 1], secret[SECRET_LEN + 1], what[300], detail[400];
    if (check(t, at_ms, e) || store_begin(s, e) < 0) {
        return -1;
    }
    random_text(key, API_TOKEN_KEY);
    random_text(secret, SECRET_LEN);
    describe(t, what, sizeof what);
    snprintf(detail, sizeof detail, "%s: %s", t->name, what);
    int r = insert(s, t, key, secret, at_ms, e);
    if (r == 0) {
        r = journal_add(s, 0, NULL, actor, "token-created", detail, at_ms, e);
    }
    r = db_end(s, r, e);
    if (r == 0) {
        snprintf(ret_text, API_TOKEN_TEXT, PREFIX "%s.%s", key, secret);
    }
    explicit_bzero(secret, sizeof secret);
    return r;
}

static int revoke(struct store *s, const char *name, const char *actor, int64_t at_ms, struct err *e)
{
    struct api_token t;
    struct digest hash;
    int r = token_load(s, TOKEN "WHERE k.name = ?", name, &t, &hash, e);
    if (r == 0) {
        return err_set(e, ERR_NOT_FOUND, "there is no token \"%.64s\"; `rackstrap token list` shows them",
                       name);
    }
    if (r < 0 || t.revoked_ms) {
        return r < 0 ? -1 : 0;
    }
    return db_run(s, "UPDATE api_tokens SET revoked_ms = ? WHERE id = ?", DB_VALUES(db_i(at_ms), db_i(t.id)),
                  e) < 0
               ? -1
               : journal_add(s, 0, NULL, actor, "token-revoked", t.name, at_ms, e);
}

int api_token_revoke(struct store *s, const char *name, const char *actor, int64_t at_ms, struct err *e)
{
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, revoke(s, name, actor, at_ms, e), e);
}

int api_token_used(struct store *s, const struct api_token *t, int64_t at_ms, struct err *e)
{
    if (t->used_ms > at_ms - API_TOKEN_USED_MS) {
        return 0;
    }
    int patience = store_patience(s, 0);
    int r = db_run(s, "UPDATE api_tokens SET used_ms = ? WHERE id = ? AND used_ms < ?",
                   DB_VALUES(db_i(at_ms), db_i(t->id), db_i(at_ms)), e);
    store_patience(s, patience);
    return r;
}

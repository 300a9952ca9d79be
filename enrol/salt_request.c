#include "enrol/salt_request.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* How long the master waits for a minion's answer, in seconds; then so long again to ask whether it is still
 * at it. */
#define PING_TIMEOUT 2

static const char *const status_names[SALT_STATUSES] = {
    [SALT_ACCEPTED] = "minions",
    [SALT_PENDING] = "minions_pre",
    [SALT_REJECTED] = "minions_rejected",
    [SALT_DENIED] = "minions_denied",
};

const char *salt_status_name(enum salt_status s)
{
    return status_names[s];
}

int minion_id_check(const char *id, struct err *e)
{
    size_t n = strlen(id);

    if (n == 0 || n > 255) {
        return err_set(e, ERR_INPUT, "a minion id has 1 to 255 characters, this one has %zu", n);
    }
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)id[i];
        bool alnum = c < 128 && isalnum(c);

        if (!alnum && (i == 0 || !strchr(".-_", c))) {
            return err_set(e, ERR_INPUT,
                           "the minion id has a character (byte 0x%02x, at %zu) that it must not have: "
                           "letters, digits, dot, dash and "
                           "underscore only, and a letter or digit first",
                           c, i + 1);
        }
    }
    return 0;
}

/* ---- bodies ---- */

static void add_json(json_t *j, struct str *ret)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);

    if (!text) {
        abort();
    }
    str_add(ret, text);
    free(text);
    json_decref(j);
}

void salt_login_body(const struct enrol_salt_config *c, struct str *ret)
{
    json_t *j = json_object();

    json_object_set_new(j, "username", json_string(c->username));
    json_object_set_new(j, "password", json_string(c->password ? c->password : ""));
    json_object_set_new(j, "eauth", json_string(c->eauth));
    add_json(j, ret);
}

static void wheel_body(const char *fun, json_t *match, struct str *ret)
{
    add_json(json_pack("[{s:s, s:s, s:o}]", "client", "wheel", "fun", fun, "match", match), ret);
}

void salt_keys_body(const char *id, struct str *ret)
{
    wheel_body("key.print", json_string(id), ret);
}

void salt_accept_body(const char *id, struct str *ret)
{
    wheel_body("key.accept_dict", json_pack("{s:[s]}", status_names[SALT_PENDING], id), ret);
}

void salt_delete_body(const char *id, enum salt_status status, struct str *ret)
{
    wheel_body("key.delete_dict", json_pack("{s:[s]}", status_names[status], id), ret);
}

void salt_ping_body(const char *id, struct str *ret)
{
    add_json(json_pack("[{s:s, s:s, s:s, s:[s], s:i, s:i}]", "client", "local", "fun", "test.ping",
                       "tgt_type", "list", "tgt", id, "timeout", PING_TIMEOUT, "gather_job_timeout",
                       PING_TIMEOUT),
             ret);
}

/* ---- answers ---- */

static int not_salt(struct err *e, const char *what)
{
    return err_set(e, ERR_CORRUPT, "the answer is not salt-api's: %s", what);
}

/* The one element of {"return":[X]}, lent by *ret_root, which the caller lets go. */
static int load(struct span body, json_t **ret_root, json_t **ret, struct err *e)
{
    json_t *root = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *list = json_object_get(root, "return");

    if (!json_is_array(list) || json_array_size(list) != 1 || !json_is_object(json_array_get(list, 0))) {
        json_decref(root);
        return not_salt(e, "no JSON object with a \"return\" of one object");
    }
    *ret_root = root;
    *ret = json_array_get(list, 0);
    return 0;
}

/* Salt's words for a failure are a traceback or a manual page: the last line says most. */
static int salt_failed(const char *text, struct err *e)
{
    char line[160];
    size_t n = strlen(text);

    while (n > 0 && isspace((unsigned char)text[n - 1])) {
        n--;
    }
    size_t start = n;
    while (start > 0 && text[start - 1] != '\n') {
        start--;
    }
    snprintf(line, sizeof line, "%.*s", (int)(n - start), text + start);
    for (char *p = line; *p; p++) {
        if (iscntrl((unsigned char)*p)) {
            *p = ' ';
        }
    }
    return err_set(e, ERR_REFUSED, "the Salt master says: %s", line);
}

/* The "return" of a wheel function, an object, lent by *ret_root. */
static int load_wheel(struct span body, json_t **ret_root, json_t **ret, struct err *e)
{
    json_t *root, *first, *data, *result;

    if (load(body, &root, &first, e) < 0) {
        return -1;
    }
    data = json_object_get(first, "data");
    result = json_object_get(data, "return");
    if (json_is_true(json_object_get(data, "success")) && json_is_object(result)) {
        *ret_root = root;
        *ret = result;
        return 0;
    }
    if (json_is_string(result)) {
        salt_failed(json_string_value(result), e);
    } else {
        not_salt(e, "no \"data\" with a \"success\" and a \"return\"");
    }
    json_decref(root);
    return -1;
}

int salt_login_parse(struct span body, struct salt_token *ret, struct err *e)
{
    json_t *root, *first;
    const char *text;
    double expires;
    int r = -1;

    if (load(body, &root, &first, e) < 0) {
        return -1;
    }
    text = json_string_value(json_object_get(first, "token"));
    expires = json_number_value(json_object_get(first, "expire"));
    /* It goes into a header, so no byte may end one. */
    if (!text || !*text || strlen(text) >= sizeof ret->text ||
        strspn(text, "0123456789abcdefABCDEF") != strlen(text)) {
        not_salt(e, "no hexadecimal \"token\"");
    } else if (!(expires > 0 && expires < 1e12)) {
        not_salt(e, "no \"expire\"");
    } else {
        str_copy(ret->text, sizeof ret->text, text);
        ret->expires_ms = (int64_t)(expires * 1000);
        r = 0;
    }
    json_decref(root);
    return r;
}

static int read_key(json_t *j, struct salt_key *ret, struct err *e)
{
    if (json_is_array(j) && json_array_size(j) == 1) {
        j = json_array_get(j, 0);
    }
    ret->present = true;
    ret->pem[0] = '\0';
    if (json_is_string(j)) {
        if (!str_copy(ret->pem, sizeof ret->pem, json_string_value(j))) {
            ret->pem[0] = '\0';
        }
        return 0;
    }
    return json_is_array(j) ? 0 : not_salt(e, "a key is not a text");
}

int salt_keys_parse(struct span body, const char *id, struct salt_keys *ret, struct err *e)
{
    json_t *root, *result;
    struct salt_keys keys = {0};
    int r = 0;

    if (load_wheel(body, &root, &result, e) < 0) {
        return -1;
    }
    for (size_t i = 0; r == 0 && i < SALT_STATUSES; i++) {
        json_t *of = json_object_get(result, status_names[i]);
        json_t *key = json_object_get(of, id);

        if (of && !json_is_object(of)) {
            r = not_salt(e, "a status does not hold an object");
        } else if (key) {
            r = read_key(key, &keys.of[i], e);
        }
    }
    json_decref(root);
    if (r == 0) {
        *ret = keys;
    }
    return r;
}

int salt_change_parse(struct span body, struct err *e)
{
    json_t *root, *result;

    if (load_wheel(body, &root, &result, e) < 0) {
        return -1;
    }
    json_decref(root);
    return 0;
}

int salt_ping_parse(struct span body, const char *id, bool *ret, struct err *e)
{
    json_t *root, *first;

    if (load(body, &root, &first, e) < 0) {
        return -1;
    }
    /* A silent minion is missing, false, or a text about its silence. */
    *ret = json_is_true(json_object_get(first, id));
    json_decref(root);
    return 0;
}

/* ---- decision ---- */

/* The next byte as it counts, or -1 at the end. */
static int key_byte(const char **p)
{
    if ((*p)[0] == '\r' && (*p)[1] == '\n') {
        (*p)++;
    }
    if ((*p)[strspn(*p, "\r\n")] == '\0') {
        return -1;
    }
    return (unsigned char)*(*p)++;
}

bool salt_key_eq(const char *a, const char *b)
{
    bool any = false;

    for (;;) {
        int x = key_byte(&a), y = key_byte(&b);

        if (x != y) {
            return false;
        }
        if (x < 0) {
            return any;
        }
        any = true;
    }
}

/* The first row that holds is the answer. A denied key needs nothing: it keeps no other key out. */
static const struct {
    enum salt_status status;
    bool same;    /* as the posted key */
    int accepted; /* must be this; -1: either */
    enum salt_need need;
} needs[] = {
    {SALT_ACCEPTED, true, -1, NEED_PING},
    {SALT_ACCEPTED, false, true, NEED_MISMATCH},
    {SALT_ACCEPTED, false, false, NEED_DELETE_ACCEPTED},
    {SALT_REJECTED, true, -1, NEED_REJECTED},
    {SALT_REJECTED, false, -1, NEED_DELETE_REJECTED},
    {SALT_PENDING, true, -1, NEED_ACCEPT},
    {SALT_PENDING, false, -1, NEED_REFUSE_PENDING},
};

enum salt_need salt_decide(const struct salt_keys *k, const char *posted, bool accepted)
{
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        const struct salt_key *key = &k->of[needs[i].status];

        if (key->present && salt_key_eq(key->pem, posted) == needs[i].same &&
            (needs[i].accepted < 0 || needs[i].accepted == accepted)) {
            return needs[i].need;
        }
    }
    return NEED_KEY;
}

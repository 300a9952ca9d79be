/* token create|list|revoke */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "inventory/api_token.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

#define LONGEST_S UINT64_C(3153600000) /* a century; who means for ever says nothing */

static int parse_expires(const char *text, int64_t at_ms, int64_t *ret, struct err *e)
{
    unsigned long long seconds;
    if (!text)
        return 0;
    if (duration_parse(text, LONGEST_S, &seconds))
        return err_set(e, ERR_INPUT, "--expires takes a time like 12h or 90d, not \"%.40s\"", text);
    *ret = at_ms + (int64_t)seconds * 1000;
    return 0;
}

/* An address is a prefix of one. */
static int parse_from(const char *text, struct api_token *t, struct err *e)
{
    char word[PREFIX_STR];
    while (text && *text) {
        size_t n = strcspn(text, ",");
        struct prefix *p = &t->from[t->from_n];
        if (t->from_n == API_TOKEN_FROM)
            return err_set(e, ERR_INPUT, "--from takes %d prefixes at most", API_TOKEN_FROM);
        if (!span_to_str(span_of(text, n), word, sizeof word))
            return err_set(e, ERR_INPUT, "--from: \"%.*s\" is no address and no prefix",
                           (int)(n < 60 ? n : 60), text);
        *p = (struct prefix){.len = 32};
        if (strchr(word, '/') ? prefix_parse(word, p, e) : ip4_parse(word, &p->net, e))
            return err_prefix(e, "--from");
        t->from_n++;
        text += n + (text[n] == ',');
    }
    return 0;
}

static int parse_token(const struct args *a, int64_t at_ms, struct api_token *t, struct err *e)
{
    if (!a->rights)
        return err_set(e, ERR_INPUT, "say what it is for: --rights read, or read,write,assign");
    /* An empty word, of a script's variable that is not set, must not be a token for everything. */
    if (a->tenant && !*a->tenant)
        return err_set(e, ERR_INPUT, "--tenant is empty; leave it out for a token of all tenants' devices");
    if (a->from && !*a->from)
        return err_set(e, ERR_INPUT,
                       "--from is empty; leave it out for a token that is good from everywhere");
    if (!str_copy(t->name, sizeof t->name, a->words[0]) ||
        (a->tenant && !str_copy(t->tenant, sizeof t->tenant, a->tenant)))
        return err_set(e, ERR_INPUT, "a name is longer than %d characters", NAME_SIZE - 1);
    return api_rights_parse(a->rights, &t->rights, e) ||
                   parse_expires(a->expires, at_ms, &t->expires_ms, e) || parse_from(a->from, t, e)
               ? -1
               : 0;
}

int cmd_token_create(const struct args *a, const struct config *c, struct err *e)
{
    char text[API_TOKEN_TEXT];
    struct api_token t = {0};
    struct store *s;
    int64_t at_ms = now_ms();
    if (parse_token(a, at_ms, &t, e) || open_store(c, &s, e))
        return -1;
    int rc = api_token_create(s, &t, actor_name(), at_ms, text, e);
    store_close(s);
    if (rc)
        return -1;
    printf("%s\n", text);
    fprintf(stderr, "this is the token %s; it is not shown again\n", t.name);
    explicit_bzero(text, sizeof text);
    return 0;
}

static const char *condition(const struct api_token *t, int64_t at_ms)
{
    return t->revoked_ms ? "revoked" : t->expires_ms && t->expires_ms <= at_ms ? "expired" : "good";
}

static int add_token(const struct api_token *t, void *ctx)
{
    char words[API_RIGHTS_STR], prefix[PREFIX_STR];
    struct str from = {0};
    for (size_t i = 0; i < t->from_n; i++)
        str_addf(&from, "%s%s", i ? "," : "", prefix_format(t->from[i], prefix));
    json_array_append_new(
        ctx, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", t->name, "key", t->key,
                       "condition", condition(t, now_ms()), "rights", api_rights_format(t->rights, words),
                       "tenant", out_text(t->tenant), "from", out_text(from.s ? from.s : ""), "created",
                       out_time(t->created_ms), "expires", out_time(t->expires_ms), "revoked",
                       out_time(t->revoked_ms), "last_used", out_time(t->used_ms)));
    str_free(&from);
    return 0;
}

int cmd_token_list(const struct args *a, const struct config *c, struct err *e)
{
    static const struct column columns[] = {
        {"name", "NAME", COLUMN_TEXT},           {"key", "KEY", COLUMN_TEXT},
        {"condition", "CONDITION", COLUMN_TEXT}, {"rights", "RIGHTS", COLUMN_TEXT},
        {"tenant", "TENANT", COLUMN_TEXT},       {"from", "FROM", COLUMN_TEXT},
        {"expires", "EXPIRES", COLUMN_TIME},     {"last_used", "LAST USED", COLUMN_TIME}};
    json_t *rows = json_array();
    struct store *s = NULL;
    int rc = -1;
    if (!open_store(c, &s, e) && !api_token_each(s, add_token, rows, e)) {
        out_rows(json_incref(rows), columns, sizeof columns / sizeof *columns, a->json,
                 "there is no token; `rackstrap token create NAME --rights read` makes one");
        rc = 0;
    }
    store_close(s);
    json_decref(rows);
    return rc;
}

int cmd_token_revoke(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    if (open_store(c, &s, e))
        return -1;
    int rc = api_token_revoke(s, a->words[0], actor_name(), now_ms(), e);
    store_close(s);
    if (!rc)
        printf("the token %s is good for nothing now\n", a->words[0]);
    return rc;
}

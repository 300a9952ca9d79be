/* journal verify, journal export: what can be trusted of the timeline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

int cmd_journal_verify(const struct args *a, const struct config *c, struct err *e)
{
    struct digest expect;
    struct journal_proof p;
    struct store *s;
    char head[DIGEST_HEX];
    if (a->expect && digest_parse(a->expect, &expect, e))
        return -1;
    if (open_store(c, &s, e))
        return -1;
    int rc = journal_prove(s, a->expect ? &expect : NULL, &p, e);
    if (!rc) {
        printf("%zu entr%s as written; the last one's hash is %s\n", p.n, p.n == 1 ? "y is" : "ies are",
               digest_format(p.head, head));
        if (p.expected)
            printf("entry %lld has the expected hash: nothing up to it was changed since\n",
                   (long long)p.expected);
    }
    store_close(s);
    return rc;
}

/* A text exactly as it was hashed: one that is not UTF-8, as entries of old may have, as hex digits. */
static void add_exact(json_t *o, const char *key, const char *text)
{
    json_t *v = json_string(text);
    if (v) {
        json_object_set_new(o, key, v);
        return;
    }
    struct str hex = {0};
    char *name = xasprintf("%s_hex", key);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        str_addf(&hex, "%02x", *p);
    json_object_set_new(o, name, json_string(hex.s));
    str_free(&hex);
    free(name);
}

static json_t *line_json(const struct entry *x)
{
    char when[TIME_STR], prev[DIGEST_HEX], hash[DIGEST_HEX];
    json_t *o = json_pack("{s:i, s:I, s:I, s:s, s:I}", "form", x->form, "id", (json_int_t)x->id, "at_ms",
                          (json_int_t)x->at_ms, "at", time_format(x->at_ms, when), "device_id",
                          (json_int_t)x->device_id);
    const struct {
        const char *key, *text;
    } texts[] = {{"device", x->device}, {"mac", x->mac},         {"actor", x->actor},   {"event", x->event},
                 {"detail", x->detail}, {"address", x->address}, {"before", x->before}, {"after", x->after}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_exact(o, texts[i].key, texts[i].text);
    json_object_set_new(o, "prev", json_string(digest_format(x->prev, prev)));
    json_object_set_new(o, "hash", json_string(digest_format(x->hash, hash)));
    return o;
}

static int print_line(const struct entry *x, void *ctx)
{
    const int64_t *since_ms = ctx;
    if (x->at_ms < *since_ms)
        return 0;
    json_t *o = line_json(x);
    json_dumpf(o, stdout, JSON_COMPACT);
    json_decref(o);
    putchar('\n');
    return ferror(stdout); /* who listened has gone: main says so */
}

int cmd_journal_export(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    int64_t since_ms = 0, device_id = 0;
    if (a->since && time_parse(a->since, &since_ms, e))
        return -1;
    if (open_store(c, &s, e))
        return -1;
    int rc = a->device ? timeline_of(s, a->device, &device_id, e) : 0;
    if (!rc)
        rc = journal_each(s, 0, device_id, 0, print_line, &since_ms, e) < 0 ? -1 : 0;
    store_close(s);
    return rc;
}

/* lint: what is wrong in the inventory, and where to mend it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/lint.h"
#include "inventory/model.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

struct linting {
    const struct config *c;
    bool json;
    json_t *rows; /* of --json */
    size_t n;
    char check[64]; /* that was said last */
};

/* Where NetBox shows it: null when it is ours. */
static json_t *url_of(const struct config *c, const struct lint_finding *x)
{
    const struct model *m = x->netbox_id ? model_by_type(x->type) : NULL;
    if (!m)
        return json_null();
    char *kind = xasprintf("%s/%s", m->app, m->endpoint);
    json_t *url = netbox_url(c, kind, x->netbox_id);
    free(kind);
    return url;
}

static void print_finding(struct linting *l, const struct lint_finding *x)
{
    json_t *url = url_of(l->c, x);
    char *subject = out_line(x->subject), *sentence = out_line(x->sentence); /* NetBox's words are in them */
    if (strcmp(l->check, x->check) != 0) {
        printf("%s%s (%s)%s%s\n", l->n > 1 ? "\n" : "", x->title, x->check, x->fix[0] ? ": " : "", x->fix);
        str_copy(l->check, sizeof l->check, x->check);
    }
    printf("  %s: %s%s%s\n", subject, sentence, json_is_string(url) ? "  " : "",
           json_is_string(url) ? json_string_value(url) : "");
    free(subject);
    free(sentence);
    json_decref(url);
}

static int add_finding(const struct lint_finding *x, void *ctx)
{
    struct linting *l = ctx;
    l->n++;
    if (!l->json) {
        print_finding(l, x);
        return 0;
    }
    json_array_append_new(l->rows, json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:o}", "check", x->check,
                                             "title", x->title, "subject", out_string(x->subject), "sentence",
                                             out_string(x->sentence), "type", x->type, "netbox",
                                             url_of(l->c, x), "fix", out_text(x->fix)));
    return 0;
}

static struct lint_subnet *subnets_of(const struct config *c)
{
    struct lint_subnet *list = xcalloc(c->dhcp.subnets_n + 1, sizeof *list);
    for (size_t i = 0; i < c->dhcp.subnets_n; i++)
        list[i] = (struct lint_subnet){.prefix = c->dhcp.subnets[i].prefix,
                                       .has_router = c->dhcp.subnets[i].has_router};
    return list;
}

int cmd_lint(const struct args *a, const struct config *c, struct err *e)
{
    struct linting l = {.c = c, .json = a->json, .rows = json_array()};
    struct store *s;
    int rc = -1;
    if (open_store(c, &s, e))
        goto out;
    struct lint_subnet *subnets = subnets_of(c);
    rc = lint_each(s, subnets, c->dhcp.subnets_n, add_finding, &l, e) ? -1 : 0;
    free(subnets);
    store_close(s);
    if (rc)
        goto out;
    if (l.json)
        out_rows(json_incref(l.rows), NULL, 0, true, "");
    else if (!l.n)
        puts("nothing is wrong");
    if (l.n)
        rc = err_set(e, ERR_CONFLICT, "%zu thing%s to be mended in the inventory", l.n,
                     l.n == 1 ? " is" : "s are");
out:
    json_decref(l.rows);
    return rc;
}

/* ip: is this address ours, and whose. */
#include "rackstrap/about.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

static int about_open(const struct config *c, struct about *k, struct err *e)
{
    k->c = c;
    return open_store(c, &k->s, e) || leases_open(c->state_dir, false, &k->l, e) ||
                   addresses_new(c, k->s, &k->known, e)
               ? -1
               : 0;
}

static void about_close(struct about *k)
{
    addresses_free(k->known);
    leases_close(k->l);
    store_close(k->s);
}

json_t *netbox_url(const struct config *c, const char *kind, int64_t id)
{
    if (!id)
        return json_null();
    return c->netbox.url[0] ? json_sprintf("%s/%s/%lld/", c->netbox.url, kind, (long long)id)
                            : json_sprintf("%s/%lld", kind, (long long)id);
}

int cmd_ip(const struct args *a, const struct config *c, struct err *e)
{
    struct about k = {0};
    json_t *o;
    if (about_parse(a->words[0], &k.ip, e))
        return -1;
    int rc = about_open(c, &k, e) || about_address(&k, &o, e) ? -1 : 0;
    if (!rc)
        out_object(o, a->json);
    about_close(&k);
    return rc;
}

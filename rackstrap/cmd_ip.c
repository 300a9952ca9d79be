/* ip: is this address ours, and whose. */
#include <stdio.h>

#include "base/str.h"
#include "inventory/lease.h"
#include "inventory/query.h"
#include "rackstrap/addresses.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

/* What is open while the question is answered. */
struct asked {
    const struct config *c;
    struct store *s;
    struct leases *l;
    struct addresses *known;
    struct inet ip;
};

static int asked_open(const struct config *c, struct asked *k, struct err *e)
{
    k->c = c;
    return open_store(c, &k->s, e) || leases_open(c->state_dir, false, &k->l, e) ||
                   addresses_new(c, k->s, &k->known, e)
               ? -1
               : 0;
}

static void asked_close(struct asked *k)
{
    addresses_free(k->known);
    leases_close(k->l);
    store_close(k->s);
}

/* ---- what the inventory says */

struct prefixes_json {
    const struct config *c;
    json_t *list;
};

static int add_prefix(const struct prefix_record *x, void *ctx)
{
    const struct prefixes_json *p = ctx;
    char text[INET_STR], router[IP4_STR] = "";
    if (x->has_router)
        ip4_format(x->router, router);
    json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "prefix", inet_format(&x->prefix, text), "status",
                          x->status, "site", out_text(x->site), "tenant", out_text(x->tenant), "gateway",
                          out_text(router), "netbox", netbox_url(p->c, "ipam/prefixes", x->netbox_id));
    json_array_append_new(p->list, o);
    return 0;
}

static int prefixes_json(struct asked *k, json_t **ret, struct err *e)
{
    struct prefixes_json p = {.c = k->c, .list = json_array()};
    if (prefix_record_each(k->s, &k->ip, add_prefix, &p, e)) {
        json_decref(p.list);
        return -1;
    }
    *ret = p.list;
    return 0;
}

static void put_record(struct asked *k, const struct address_record *x, json_t *o)
{
    char mac[MAC_STR] = "";
    if (x->has_mac)
        mac_format(x->mac, mac);
    const struct {
        const char *key, *value;
    } texts[] = {{"device", x->device},    {"interface", x->interface}, {"mac", mac},
                 {"status", x->status},    {"role", x->role},           {"tenant", x->tenant},
                 {"dns_name", x->dns_name}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_object_set_new(o, texts[i].key, out_text(texts[i].value));
    json_object_set_new(o, "given_by_dhcp", json_boolean(x->boots));
    json_object_set_new(o, "netbox", netbox_url(k->c, "ipam/ip-addresses", x->netbox_id));
}

/* ---- what DHCP does with it */

static void put_dhcp(struct asked *k, bool recorded, json_t *o)
{
    const struct lease *x = lease_by_address(k->l, k->ip.four);
    char prefix[PREFIX_STR] = "", gateway[IP4_STR] = "", mac[MAC_STR];
    struct network net;
    bool in = addresses_network(k->known, k->ip.four, &net);
    if (in)
        prefix_format(net.prefix, prefix);
    if (in && net.has_router)
        ip4_format(net.router, gateway);
    json_object_set_new(o, "subnet", out_text(prefix));
    json_object_set_new(o, "gateway", out_text(gateway));
    json_object_set_new(o, "in_pool", json_boolean(net.subnet && subnet_pool_has(net.subnet, k->ip.four)));
    json_object_set_new(o, "lease", x ? lease_json(x, k->s) : json_null());
    if (!recorded && x)
        json_object_set_new(o, "mac", json_string(mac_format(x->mac, mac)));
}

static int answer(struct asked *k, bool json, struct err *e)
{
    struct address_record x = {.id = 0};
    struct err why = {0};
    json_t *holding;
    char text[INET_STR];
    bool recorded = address_record(k->s, &k->ip, &x, &why) == 0;
    if (!recorded && why.kind != ERR_NOT_FOUND) {
        *e = why;
        return -1;
    }
    if (prefixes_json(k, &holding, e))
        return -1;
    const char *use = k->ip.six ? NULL : addresses_use(k->known, k->ip.four);
    struct network net;
    bool served = !k->ip.six && addresses_network(k->known, k->ip.four, &net);
    json_t *o =
        json_pack("{s:s, s:b, s:o}", "address", inet_format(&k->ip, text), "ours",
                  recorded || use || served || json_array_size(holding) > 0, "use", out_text(use ? use : ""));
    put_record(k, &x, o);
    if (!k->ip.six)
        put_dhcp(k, recorded && x.has_mac, o);
    json_object_set_new(o, "prefixes", holding);
    out_object(o, json);
    return 0;
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
    struct asked k = {0};
    if (inet_parse(a->words[0], &k.ip) || k.ip.len >= 0)
        return err_set(e, ERR_INPUT, "\"%.64s\" is not an address; write it like 10.77.0.11, or 2001:db8::11",
                       a->words[0]);
    int rc = asked_open(c, &k, e) ? -1 : answer(&k, a->json, e);
    asked_close(&k);
    return rc;
}

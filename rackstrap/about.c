#include "rackstrap/about.h"

#include "inventory/query.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

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

static int prefixes_json(struct about *k, json_t **ret, struct err *e)
{
    struct prefixes_json p = {.c = k->c, .list = json_array()};
    if (prefix_record_each(k->s, &k->ip, add_prefix, &p, e)) {
        json_decref(p.list);
        return -1;
    }
    *ret = p.list;
    return 0;
}

static void put_record(struct about *k, const struct address_record *x, json_t *o)
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

static void put_dhcp(struct about *k, bool recorded, json_t *o)
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

int about_address(struct about *k, json_t **ret, struct err *e)
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
    *ret = o;
    return 0;
}

json_t *about_for_api(void *ctx, struct store *s, struct leases *l, const char *address, struct err *e)
{
    struct about k = *(const struct about *)ctx;
    json_t *o = NULL;
    k.s = s;
    k.l = l;
    if (about_parse(address, &k.ip, e) || addresses_attach(k.known, s, e))
        return NULL;
    return about_address(&k, &o, e) ? NULL : o;
}

int unused_for_api(void *ctx, struct store *s, struct leases *l, const struct unused_query *q,
                   struct ip4 *ret, struct err *e)
{
    const struct about *k = ctx;
    if (addresses_attach(k->known, s, e))
        return -1;
    return addresses_unused(k->known, l, q, ret) ? 0 : 1;
}

int about_parse(const char *text, struct inet *ret, struct err *e)
{
    return inet_parse(text, ret) || ret->len >= 0
               ? err_set(e, ERR_INPUT,
                         "\"%.64s\" is not an address; write it like 10.77.0.11, or 2001:db8::11", text)
               : 0;
}

/* plugin_ip: is this address ours, and whose: what `rackstrap ip` says. A tenant is told of its own; the
 * networks that the configuration serves are everybody's, the inventory's prefixes theirs who see them.
 */
#include "api/plugin.h"

#include <string.h>

#include "inventory/inet.h"

/* How many objects of this kind the asker sees that this filter picks; -1 when that cannot be told now. */
static int64_t seen(struct call *c, const struct who *who, enum model_id m, const char *filter,
                    const char *value)
{
    const struct record_term term = {.name = filter, .value = value};
    const struct record_query q = {.terms = &term, .n = 1};
    struct faults f = {0};
    int64_t n = 0;
    int rc = record_count(c->store, who, model_get(m), &q, &n, &f, NULL);
    faults_free(&f);
    return rc ? -1 : n;
}

static bool sees(struct call *c, enum model_id m, const char *filter, const json_t *value)
{
    return json_is_string(value) && seen(c, &c->who, m, filter, json_string_value(value)) > 0;
}

/* It is in the inventory, and not for this tenant; or so it may be. */
static bool hides_prefix(struct call *c, const json_t *prefix)
{
    const struct who all = {.at_ms = c->rq->at_ms};
    return json_is_string(prefix) && seen(c, &all, MODEL_PREFIX, "prefix", json_string_value(prefix)) &&
           !sees(c, MODEL_PREFIX, "prefix", prefix);
}

static void forget(json_t *o, const char *const *keys)
{
    for (; *keys; keys++)
        json_object_set_new(o, *keys, json_null());
}

static void narrow_prefixes(struct call *c, json_t *list)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (!sees(c, MODEL_PREFIX, "prefix", json_object_get(json_array_get(list, i), "prefix")))
            json_array_remove(list, i);
}

/* Only what this tenant may know; the rest as if it were not there. */
static void narrow(struct call *c, json_t *o)
{
    static const char *const of_record[] = {"device", "interface", "mac",    "status", "role",
                                            "tenant", "dns_name",  "netbox", NULL};
    static const char *const of_lease[] = {"lease", NULL}, *const of_prefix[] = {"subnet", "gateway", "use",
                                                                                 NULL};
    json_t *prefixes = json_object_get(o, "prefixes");
    bool recorded = sees(c, MODEL_IP, "address", json_object_get(o, "address"));
    bool leased = sees(c, MODEL_MAC, "mac_address", json_object_get(json_object_get(o, "lease"), "mac"));
    bool by_lease = leased && json_is_null(json_object_get(o, "device"));
    /* Of an address that is of no interface, the MAC address is that of who leased it. */
    if (!leased && json_equal(json_object_get(o, "mac"), json_object_get(json_object_get(o, "lease"), "mac")))
        json_object_set_new(o, "mac", json_null());
    if (!recorded && !by_lease)
        forget(o, of_record);
    if (!recorded)
        json_object_set_new(o, "given_by_dhcp", json_false());
    if (!leased && json_object_get(o, "lease"))
        forget(o, of_lease);
    narrow_prefixes(c, prefixes);
    if (hides_prefix(c, json_object_get(o, "subnet"))) {
        forget(o, of_prefix);
        json_object_set_new(o, "in_pool", json_false());
    }
    bool ours = recorded || json_array_size(prefixes) || json_is_string(json_object_get(o, "subnet")) ||
                json_is_string(json_object_get(o, "use"));
    json_object_set_new(o, "ours", json_boolean(ours));
}

static void answer_about(struct call *c, const char *address)
{
    struct err e = {0};
    struct leases *l = api_leases(c->api, &e);
    json_t *o = l ? c->cfg->about(c->cfg->about_ctx, c->store, l, address, &e) : NULL;
    if (!o && e.kind == ERR_INPUT) {
        answer_field(c, "address", "%s", e.text);
    } else if (!o) {
        answer_err(c, &e);
    } else {
        if (c->who.tenant_id)
            narrow(c, o);
        answer_json(c, 200, o);
    }
}

void plugin_ip(struct call *c)
{
    static const char before[] = PLUGIN "ip/";
    char text[INET_STR];
    struct span word = span_of(c->rq->path.p + strlen(before), c->rq->path.n - strlen(before) - 1);
    if (!c->cfg->about)
        answer_detail(c, 404, "Not found.");
    else if (!span_to_str(word, text, sizeof text))
        answer_field(c, "address", "Enter an address, such as 10.77.0.11.");
    else
        answer_about(c, text);
}

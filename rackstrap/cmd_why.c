/* why, lease list: questions. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "inventory/decide.h"
#include "inventory/lease.h"
#include "inventory/silence.h"
#include "rackstrap/addresses.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"
#include "rackstrap/why_loader.h"

static const struct dhcpd_subnet *subnet_of(const struct config *c, struct ip4 ip)
{
    return subnet_find(c->dhcp.subnets, c->dhcp.subnets_n, ip);
}

/* Where a machine that was never seen is answered, if it is anywhere. */
static const struct dhcpd_subnet *likely_subnet(const struct config *c)
{
    for (size_t i = 0; i < c->dhcp.subnets_n; i++)
        if (c->dhcp.subnets[i].unknown == UNKNOWN_DISCOVER)
            return &c->dhcp.subnets[i];
    return c->dhcp.subnets_n ? &c->dhcp.subnets[0] : NULL;
}

/* What an unknown machine meets: the policy of the subnet that it was seen in. Where it was never seen, it
 * may be on any. */
static enum unknown_policy unknown_policy(const struct config *c, const struct stranger *x, char where[80])
{
    const struct dhcpd_subnet *seen = x && x->address.a ? subnet_of(c, x->address) : NULL;
    const struct dhcpd_subnet *s = seen ? seen : likely_subnet(c);
    char prefix[PREFIX_STR];
    if (s && !seen && c->dhcp.subnets_n > 1)
        snprintf(where, 80, "%s, or another: it was not seen in any", prefix_format(s->prefix, prefix));
    else
        snprintf(where, 80, "%s", s ? prefix_format(s->prefix, prefix) : "no subnet");
    return s ? s->unknown : UNKNOWN_IGNORE;
}

/* "2026-11-02 10:15:02 UTC, pool-full: every address of the pool is in use (12 times)" */
static json_t *silence_json(const struct silence *x, bool json)
{
    char when[TIME_STR];
    if (json)
        return json_pack("{s:s, s:s, s:I, s:o, s:o}", "reason", x->reason, "sentence", x->sentence, "times",
                         (json_int_t)x->times, "first", out_time(x->first_ms), "last", out_time(x->last_ms));
    time_format(x->last_ms, when);
    when[19] = '\0'; /* to the second */
    when[10] = ' ';
    return json_sprintf("%s UTC, %s: %s (%llu time%s)", when, x->reason, x->sentence,
                        (unsigned long long)x->times, x->times == 1 ? "" : "s");
}

/* Null when each packet was answered. */
static int not_answered(struct store *s, struct mac m, bool json, json_t **ret, struct err *e)
{
    struct silence x;
    struct err why = {0};
    if (silence_last(s, m, &x, &why) == 0) {
        *ret = silence_json(&x, json);
        return 0;
    }
    if (why.kind != ERR_NOT_FOUND) {
        *e = why;
        return -1;
    }
    *ret = json_null();
    return 0;
}

/* Takes o, and adds what both kinds share. */
static int answer(struct store *s, const struct config *c, struct mac m, const char *seen_as, json_t *o,
                  bool json, struct err *e)
{
    int rc = why_loader(s, c, m, seen_as, o, e);
    if (rc)
        json_decref(o);
    else
        out_object(o, json);
    return rc;
}

static int why_stranger(struct store *s, const struct config *c, struct mac m, bool json, struct err *e)
{
    struct stranger x;
    struct err none = {0};
    char mac[MAC_STR], where[80], ip[IP4_STR] = "";
    json_t *silence;
    bool seen = stranger_get(s, m, &x, &none) == 0;
    if (!seen && none.kind != ERR_NOT_FOUND) {
        *e = none;
        return -1;
    }
    if (not_answered(s, m, json, &silence, e))
        return -1;
    if (seen && x.address.a)
        ip4_format(x.address, ip);
    struct boot_request req = {.unknown = unknown_policy(c, seen ? &x : NULL, where), .at_ms = now_ms()};
    struct boot_decision b = boot_decide(NULL, NULL, &req);
    json_t *o =
        json_pack("{s:s, s:n, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "mac", mac_format(m, mac), "device",
                  "action", boot_action_name(b.action), "reason", b.reason, "subnet", where, "address",
                  out_text(ip), "first_seen", seen ? out_time(x.first_ms) : json_null(), "last_seen",
                  seen ? out_time(x.last_ms) : json_null(), "last_not_answered", silence);
    return answer(s, c, m, seen ? x.arch : "", o, json, e);
}

/* "" for none. */
static int network_text(struct store *s, const struct config *c, struct ip4 ip, char prefix[PREFIX_STR],
                        char gateway[IP4_STR], struct err *e)
{
    struct addresses *known;
    struct network net;
    if (addresses_new(c, s, &known, e))
        return -1;
    if (addresses_network(known, ip, &net)) {
        prefix_format(net.prefix, prefix);
        if (net.has_router)
            ip4_format(net.router, gateway);
    }
    addresses_free(known);
    return 0;
}

static int why_device(struct store *s, const struct config *c, const struct device *d, struct mac m,
                      bool json, struct err *e)
{
    struct job j;
    struct err none = {0};
    char mac[MAC_STR], address[PREFIX_STR] = "";
    json_t *silence;
    bool has_job = job_current(s, d->id, &j, &none) == 0;
    if (!has_job && none.kind != ERR_NOT_FOUND) {
        *e = none;
        return -1;
    }
    if (not_answered(s, m, json, &silence, e))
        return -1;
    struct boot_request req = {.at_ms = now_ms()};
    struct boot_decision b = boot_decide(d, has_job ? &j : NULL, &req);
    const struct interface *f = device_interface(d, m);
    if (f && f->has_address)
        ip4_if_format(f->address, address);
    char prefix[PREFIX_STR] = "", gateway[IP4_STR] = "";
    if (f && f->has_address && network_text(s, c, f->address.ip, prefix, gateway, e))
        return -1;
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "mac", mac_format(m, mac),
                  "device", d->name, "action", boot_action_name(b.action), "reason", b.reason, "state",
                  state_name(d->state), "address", out_text(address), "subnet", out_text(prefix), "gateway",
                  out_text(gateway), "job", has_job ? json_string(job_state_name(j.state)) : json_null(),
                  "release", has_job ? json_string(j.digest) : json_null(), "protected", (int)d->protected,
                  "last_not_answered", silence);
    return answer(s, c, m, NULL, o, json, e);
}

int cmd_why(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct device d;
    struct mac m;
    struct err why = {0};
    int rc = -1;
    if (open_store(c, &s, e))
        return -1;
    bool is_mac = mac_parse(a->words[0], &m, NULL) == 0;
    if (!device_by_ref(s, a->words[0], &d, &why)) {
        const struct interface *f = device_primary(&d);
        if (is_mac || f)
            rc = why_device(s, c, &d, is_mac ? m : f->mac, a->json, e);
        else
            err_set(
                e, ERR_CONFLICT,
                "%s has no interface, so it can never boot from the network; give it one and import again",
                d.name);
    } else if (why.kind == ERR_NOT_FOUND && is_mac) {
        rc = why_stranger(s, c, m, a->json, e);
    } else if (why.kind == ERR_NOT_FOUND) {
        err_set(e, ERR_INPUT,
                "\"%s\" is neither a device nor a MAC address; `rackstrap device list` shows the devices",
                a->words[0]);
    } else {
        *e = why;
    }
    store_close(s);
    return rc;
}

json_t *lease_json(const struct lease *x, struct store *s)
{
    struct device d;
    char ip[IP4_STR], mac[MAC_STR];
    bool known = device_by_mac(s, x->mac, &d, NULL) == 0;
    const char *state = x->state == LEASE_BOUND && x->expires_ms <= now_ms() ? lease_state_name(LEASE_EXPIRED)
                                                                             : lease_state_name(x->state);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "address", ip4_format(x->address, ip), "mac",
                     mac_format(x->mac, mac), "state", state, "device",
                     known ? json_string(d.name) : json_null(), "hostname", out_text(x->hostname), "since",
                     out_time(x->since_ms), "expires", out_time(x->expires_ms));
}

#define FULL_MAX 64

struct full_pool {
    struct prefix pool;
    int64_t since_ms;
    bool eased; /* a lease of an address of it has ended since: dhcpd will see that when somebody asks */
};

struct lease_rows {
    const struct config *c;
    struct store *s;
    struct leases *l;
    json_t *rows;
    struct full_pool full[FULL_MAX];
    size_t full_n;
};

static int add_full(struct prefix pool, int64_t since_ms, void *ctx)
{
    struct lease_rows *r = ctx;
    if (r->full_n < FULL_MAX)
        r->full[r->full_n++] = (struct full_pool){.pool = pool, .since_ms = since_ms};
    return 0;
}

static struct full_pool *full_pool_of(struct lease_rows *r, struct ip4 ip)
{
    for (size_t i = 0; i < r->full_n; i++)
        if (prefix_has(r->full[i].pool, ip) && !r->full[i].eased)
            return &r->full[i];
    return NULL;
}

static int ease_pool(const struct lease *x, void *ctx)
{
    struct lease_rows *r = ctx;
    const struct dhcpd_subnet *subnet = subnet_of(r->c, x->address);
    bool pool = subnet && subnet_pool_has(subnet, x->address);
    struct full_pool *f = pool ? full_pool_of(r, x->address) : NULL;
    if (f && (x->state == LEASE_RELEASED || x->expires_ms <= now_ms()))
        f->eased = true;
    return 0;
}

static int add_lease(const struct lease *x, void *ctx)
{
    struct lease_rows *r = ctx;
    const struct full_pool *f = full_pool_of(r, x->address);
    json_t *row = lease_json(x, r->s);
    json_object_set_new(row, "pool_full_since", out_time(f ? f->since_ms : 0));
    json_array_append_new(r->rows, row);
    return 0;
}

static void say_full(const struct lease_rows *r)
{
    char prefix[PREFIX_STR], when[TIME_STR];
    for (size_t i = 0; i < r->full_n; i++)
        if (!r->full[i].eased)
            printf(
                "\nThe pool of %s is full since %.19sZ: machines that need an address of it get no answer.\n",
                prefix_format(r->full[i].pool, prefix), time_format(r->full[i].since_ms, when));
}

static int find_leases(struct lease_rows *r, struct err *e)
{
    if (silence_pool_each(r->s, add_full, r, e) || lease_each(r->l, ease_pool, r, e))
        return -1;
    return lease_each(r->l, add_lease, r, e);
}

int cmd_lease_list(const struct args *a, const struct config *c, struct err *e)
{
    static const struct column columns[] = {
        {"address", "ADDRESS", COLUMN_TEXT},   {"mac", "MAC", COLUMN_TEXT},
        {"state", "STATE", COLUMN_TEXT},       {"device", "DEVICE", COLUMN_TEXT},
        {"hostname", "HOSTNAME", COLUMN_TEXT}, {"expires", "EXPIRES", COLUMN_TIME}};
    struct lease_rows r = {.c = c, .rows = json_array()};
    int rc = -1;
    if (!open_store(c, &r.s, e) && !leases_open(c->state_dir, false, &r.l, e) && !find_leases(&r, e)) {
        out_rows(json_incref(r.rows), columns, sizeof columns / sizeof *columns, a->json, "no lease");
        if (!a->json)
            say_full(&r);
        rc = 0;
    }
    leases_close(r.l);
    store_close(r.s);
    json_decref(r.rows);
    return rc;
}

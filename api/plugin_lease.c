/* plugin_lease: the addresses that DHCP gave. dhcpd keeps them by MAC address; whose that is, the inventory
 * says, and a tenant sees the leases of its devices. A lease's number is its address.
 */
#include "api/plugin.h"

#include <stdlib.h>
#include <string.h>

#include "inventory/lease.h"

struct wanted {
    struct call *c;
    uint64_t *macs; /* of the devices asked for, in rising order */
    size_t macs_n;
    bool by_device;                        /* only theirs */
    json_t *addresses, *mac_list, *states; /* arrays of texts; NULL: any */
    struct lease *found;
    size_t n, cap;
};

static const char *state_of(const struct lease *x, int64_t at_ms)
{
    bool over = x->state == LEASE_BOUND && x->expires_ms <= at_ms;
    return lease_state_name(over ? LEASE_EXPIRED : x->state);
}

static bool is_in(const json_t *list, const char *text)
{
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v) if (!strcmp(json_string_value(v), text)) return true;
    return !list;
}

static int number_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int keep(const struct lease *x, void *ctx)
{
    struct wanted *w = ctx;
    char ip[IP4_STR], mac[MAC_STR];
    uint64_t number = mac_to_u64(x->mac);
    if (!is_in(w->addresses, ip4_format(x->address, ip)) || !is_in(w->mac_list, mac_format(x->mac, mac)) ||
        !is_in(w->states, state_of(x, w->c->rq->at_ms)) ||
        (w->by_device && !bsearch(&number, w->macs, w->macs_n, sizeof number, number_order)))
        return 0;
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->found = xrealloc(w->found, w->cap, sizeof *w->found);
    }
    w->found[w->n++] = *x;
    return 0;
}

static bool read_list(struct call *c, const char *name, enum kind_filter_type type, json_t **ret)
{
    char *text;
    if (!query_list(c, name, type, &text))
        return false;
    *ret = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return true;
}

/* False: answered. */
static bool read_filters(struct wanted *w)
{
    struct call *c = w->c;
    struct err e = {0};
    char *ids = NULL, *names = NULL;
    bool good = read_list(c, "address", KIND_FILTER_TEXT, &w->addresses) &&
                read_list(c, "mac_address", KIND_FILTER_MAC, &w->mac_list) &&
                read_list(c, "state", KIND_FILTER_TEXT, &w->states) &&
                query_list(c, "device_id", KIND_FILTER_NUMBER, &ids) &&
                query_list(c, "device", KIND_FILTER_TEXT, &names);
    w->by_device = c->who.tenant_id || ids || names;
    if (good && w->by_device &&
        listing_macs(c->store, c->who.tenant_id, ids, names, &w->macs, &w->macs_n, &e)) {
        answer_err(c, &e);
        good = false;
    }
    free(ids);
    free(names);
    return good;
}

static void wanted_free(struct wanted *w)
{
    free(w->macs);
    json_decref(w->addresses);
    json_decref(w->mac_list);
    json_decref(w->states);
    free(w->found);
}

static json_t *show_lease(struct call *c, const struct lease *x)
{
    struct device d;
    char ip[IP4_STR], mac[MAC_STR];
    bool known = device_by_mac(c->store, x->mac, &d, NULL) == 0;
    ip4_format(x->address, ip);
    return json_pack("{s:I, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)x->address.a,
                     "url", json_url(c, PLUGIN "leases/", x->address.a), "display", ip, "address", ip,
                     "mac_address", mac_format(x->mac, mac), "state", json_state(state_of(x, c->rq->at_ms)),
                     "device", known ? json_device(c, d.id) : json_null(), "hostname", json_text(x->hostname),
                     "since", json_time(x->since_ms), "expires", json_time(x->expires_ms));
}

/* They are in the order of their addresses. */
static size_t first_from(const struct wanted *w, int64_t id)
{
    size_t i = 0;
    while (i < w->n && (int64_t)w->found[i].address.a < id)
        i++;
    return i;
}

static void answer_leases(struct wanted *w, const struct page *p)
{
    struct call *c = w->c;
    size_t first = p->by_id ? first_from(w, p->start) : (size_t)p->offset, end;
    first = first > w->n ? w->n : first;
    end = w->n - first > (size_t)p->limit ? first + (size_t)p->limit : w->n;
    struct jsonw out =
        page_open(c, p, p->by_id ? -1 : (int64_t)w->n, p->by_id && end < w->n ? w->found[end].address.a : 0);
    for (size_t i = first; i < end; i++) {
        json_t *o = show_lease(c, &w->found[i]);
        project(c, o);
        jsonw_tree(&out, o);
        json_decref(o);
    }
    page_close(&out);
}

/* Answers itself when it cannot. */
static bool find(struct wanted *w)
{
    struct err e = {0};
    struct leases *l = read_filters(w) ? api_leases(w->c->api, &e) : NULL;
    if (l && !lease_each(l, keep, w, &e))
        return true;
    if (!w->c->rs->status)
        answer_err(w->c, &e);
    return false;
}

void plugin_leases(struct call *c)
{
    struct err e = {0};
    struct page p;
    struct wanted w = {.c = c};
    if (query_page(&c->query, &p, &e))
        answer_bad_page(c, &e);
    else if (find(&w))
        answer_leases(&w, &p);
    wanted_free(&w);
}

void plugin_lease(struct call *c)
{
    struct wanted w = {.c = c};
    size_t i = 0;
    if (find(&w)) {
        while (i < w.n && (int64_t)w.found[i].address.a != c->id)
            i++;
        if (i < w.n)
            answer_json(c, 200, show_lease(c, &w.found[i]));
        else
            answer_missing(c, "Lease");
    }
    wanted_free(&w);
}

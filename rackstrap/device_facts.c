#include "rackstrap/device_facts.h"

#include <stdlib.h>
#include <string.h>

#include "inventory/journal.h"
#include "inventory/lease.h"
#include "inventory/query.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

#define EVENTS 10

struct facts {
    const struct config *c;
    json_t *list;
    struct leases *leases; /* of the walk over MAC addresses: those that they have */
    struct store *store;
    json_t *lease_list;
};

static int add_tag(const char *slug, void *ctx)
{
    struct facts *f = ctx;
    json_array_append_new(f->list, out_string(slug));
    return 0;
}

static int add_mac(const struct mac_record *x, void *ctx)
{
    struct facts *f = ctx;
    char mac[MAC_STR];
    const struct lease *lease = lease_by_mac(f->leases, x->mac);
    json_array_append_new(f->list, json_pack("{s:s, s:o, s:b, s:o}", "mac", mac_format(x->mac, mac),
                                             "interface", out_text(x->interface), "boots", (int)x->boots,
                                             "netbox", netbox_url(f->c, "dcim/mac-addresses", x->netbox_id)));
    if (lease)
        json_array_append_new(f->lease_list, lease_json(lease, f->store));
    return 0;
}

static int add_address(const struct address_record *x, void *ctx)
{
    struct facts *f = ctx;
    char text[INET_STR];
    json_array_append_new(f->list, json_pack("{s:s, s:o, s:b, s:s, s:o, s:o}", "address",
                                             inet_format(&x->address, text), "interface",
                                             out_text(x->interface), "given_by_dhcp", (int)x->boots, "status",
                                             x->status, "dns_name", out_text(x->dns_name), "netbox",
                                             netbox_url(f->c, "ipam/ip-addresses", x->netbox_id)));
    return 0;
}

static int add_event(const struct entry *x, void *ctx)
{
    struct facts *f = ctx;
    json_array_append_new(f->list, json_pack("{s:o, s:o, s:o, s:o}", "at", out_time(x->at_ms), "event",
                                             out_string(x->event), "actor", out_string(x->actor), "detail",
                                             out_string(x->detail)));
    return 0;
}

/* A new list under the key, for the walk that follows. */
static void list_start(struct facts *f, json_t *o, const char *key)
{
    f->list = json_array();
    json_object_set_new(o, key, f->list);
}

int device_facts(struct store *s, const struct config *c, const struct device *d, json_t *o, struct err *e)
{
    struct facts f = {.c = c, .store = s, .lease_list = json_array()};
    char manufacturer[NAME_SIZE];
    if (leases_open(c->state_dir, false, &f.leases, e)) {
        json_decref(f.lease_list);
        return -1;
    }
    int rc = device_manufacturer(s, d->id, manufacturer, e);
    if (!rc) {
        json_object_set_new(o, "manufacturer", out_text(manufacturer));
        json_object_set_new(o, "netbox", netbox_url(c, "dcim/devices", d->netbox_id));
        list_start(&f, o, "tags");
        rc = device_tag_each(s, d->id, add_tag, &f, e);
    }
    if (!rc) {
        list_start(&f, o, "mac_addresses");
        rc = mac_record_each(s, d->id, add_mac, &f, e);
    }
    if (!rc) {
        list_start(&f, o, "ip_addresses");
        rc = address_record_each(s, d->id, add_address, &f, e);
    }
    json_object_set_new(o, "leases", f.lease_list);
    if (!rc) {
        list_start(&f, o, "last_events");
        rc = journal_each(s, 0, d->id, EVENTS, add_event, &f, e);
    }
    leases_close(f.leases);
    return rc;
}

int stranger_facts_json(struct store *s, const struct config *c, struct mac m, json_t **ret, struct err *e)
{
    struct stranger x;
    struct leases *l;
    char mac[MAC_STR];
    if (stranger_get(s, m, &x, e) || leases_open(c->state_dir, false, &l, e))
        return -1;
    const struct lease *lease = lease_by_mac(l, m);
    json_t *facts = x.facts[0] ? json_loads(x.facts, 0, NULL) : NULL;
    *ret =
        json_pack("{s:s, s:n, s:o, s:o, s:o, s:o, s:o}", "mac", mac_format(m, mac), "device", "client",
                  out_text(x.arch), "first_seen", out_time(x.first_ms), "last_seen", out_time(x.last_ms),
                  "lease", lease ? lease_json(lease, s) : json_null(), "facts", facts ? facts : json_null());
    leases_close(l);
    return 0;
}

/* device list|show|protect|unprotect|reset-loader|remove */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/enrolment.h"
#include "inventory/ladder.h"
#include "inventory/journal.h"
#include "rackstrap/cmd_device.h"
#include "rackstrap/device_facts.h"
#include "netbox/sync.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

static json_t *interfaces_json(const struct device *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->interfaces_n; i++) {
        const struct interface *f = &d->interfaces[i];
        char mac[MAC_STR], address[PREFIX_STR] = "";
        if (f->has_address)
            ip4_if_format(f->address, address);
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:b}", "name", f->name, "mac",
                                              mac_format(f->mac, mac), "address", out_text(address),
                                              "primary", (int)f->primary));
    }
    return list;
}

json_t *device_json(const struct device *d)
{
    const struct interface *f = device_primary(d);
    char mac[MAC_STR] = "", address[PREFIX_STR] = "";
    if (f) {
        mac_format(f->mac, mac);
        if (f->has_address)
            ip4_if_format(f->address, address);
    }
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:o, s:b}", "name", d->name, "state", state_name(d->state), "reason",
                  out_text(d->reason), "since", out_time(d->state_ms), "protected", (int)d->protected);
    const struct {
        const char *key, *value;
    } texts[] = {{"status", d->status},
                 {"site", d->site},
                 {"location", d->location},
                 {"rack", d->rack},
                 {"tenant", d->tenant},
                 {"role", d->role},
                 {"platform", d->platform},
                 {"model", d->model},
                 {"serial", d->serial},
                 {"disk", d->disk_selector},
                 {"assigned", d->assigned},
                 {"installed", d->installed},
                 {"installed_digest", d->installed_digest},
                 {"mac", mac},
                 {"address", address}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        json_object_set_new(o, texts[i].key, out_text(texts[i].value));
    json_object_set_new(o, "installed_at", out_time(d->installed_ms));
    json_object_set_new(o, "netbox_id", d->netbox_id ? json_integer(d->netbox_id) : json_null());
    json_object_set_new(o, "interfaces", interfaces_json(d));
    return o;
}

static int add_device(const struct device *d, void *ctx)
{
    json_array_append_new(ctx, device_json(d));
    return 0;
}

static int add_stranger(const struct stranger *x, void *ctx)
{
    char mac[MAC_STR], ip[IP4_STR] = "";
    if (x->address.a)
        ip4_format(x->address, ip);
    json_t *facts = x->facts[0] ? json_loads(x->facts, 0, NULL) : NULL;
    json_array_append_new(ctx,
                          json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "mac", mac_format(x->mac, mac),
                                    "address", out_text(ip), "client", out_text(x->arch), "first_seen",
                                    out_time(x->first_ms), "last_seen", out_time(x->last_ms), "times",
                                    (json_int_t)x->times, "facts", facts ? facts : json_null()));
    return 0;
}

static int list_strangers(struct store *s, bool json, struct err *e)
{
    static const struct column columns[] = {{"mac", "MAC", COLUMN_TEXT},
                                            {"address", "ADDRESS", COLUMN_TEXT},
                                            {"client", "CLIENT", COLUMN_TEXT},
                                            {"first_seen", "FIRST SEEN", COLUMN_TIME},
                                            {"last_seen", "LAST SEEN", COLUMN_TIME},
                                            {"times", "TIMES", COLUMN_TEXT}};
    json_t *rows = json_array();
    if (stranger_each(s, add_stranger, rows, e)) {
        json_decref(rows);
        return -1;
    }
    out_rows(rows, columns, sizeof columns / sizeof *columns, json, "no unknown MAC address was seen");
    return 0;
}

/* Under a list for people: a copy of a NetBox is only as good as it is new. */
static int print_age(struct store *s, struct err *e)
{
    struct netbox_standing n;
    char text[800];
    if (netbox_standing(s, &n, e))
        return -1;
    char *line = out_line(netbox_standing_text(&n, now_ms(), text)); /* its error may have NetBox's words */
    puts(line);
    free(line);
    return 0;
}

int cmd_device_list(const struct args *a, const struct config *c, struct err *e)
{
    static const struct column columns[] = {{"name", "NAME", COLUMN_TEXT},
                                            {"state", "STATE", COLUMN_TEXT},
                                            {"reason", "REASON", COLUMN_TEXT},
                                            {"since", "SINCE", COLUMN_TIME},
                                            {"status", "STATUS", COLUMN_TEXT},
                                            {"site", "SITE", COLUMN_TEXT},
                                            {"rack", "RACK", COLUMN_TEXT},
                                            {"role", "ROLE", COLUMN_TEXT},
                                            {"mac", "MAC", COLUMN_TEXT},
                                            {"address", "ADDRESS", COLUMN_TEXT},
                                            {"assigned", "ASSIGNED", COLUMN_TEXT},
                                            {"installed", "INSTALLED", COLUMN_TEXT},
                                            {"protected", "PROTECTED", COLUMN_TEXT}};
    struct store *s;
    char *selector = args_selector(a, a->words_n ? a->words[0] : NULL);
    if (selector && a->unknown) {
        free(selector);
        return err_set(e, ERR_INPUT,
                       "--unknown lists all MAC addresses that no device has; a selector is for devices");
    }
    if (open_store(c, &s, e)) {
        free(selector);
        return -1;
    }
    json_t *rows = json_array();
    int rc = a->unknown ? list_strangers(s, a->json, e) : device_each(s, selector, add_device, rows, e);
    if (!rc && !a->unknown)
        out_rows(json_incref(rows), columns, sizeof columns / sizeof *columns, a->json,
                 selector ? "no device matches" : "no device yet; `rackstrap import FILE` brings some in");
    if (!rc && !a->json && *c->netbox.url)
        rc = print_age(s, e);
    json_decref(rows);
    free(selector);
    store_close(s);
    return rc;
}

static json_t *job_json(const struct job *j)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I}", "uuid", j->uuid, "state",
                     job_state_name(j->state), "reason", out_text(j->reason), "image", j->image, "digest",
                     j->digest, "disk_selector", j->disk_selector[0] ? j->disk_selector : "only", "disk",
                     out_text(j->disk), "created", out_time(j->created_ms), "expires",
                     out_time(j->expires_ms), "bytes_done", (json_int_t)j->bytes_done, "bytes_total",
                     (json_int_t)j->bytes_total);
}

/* Where its machine stands among those that wait to be written; null when it does not. j: NULL for no job. */
static int wait_json(struct store *s, const struct config *c, const struct job *j, json_t **ret,
                     struct err *e)
{
    struct turn t = {.now = true};
    if (j && job_turn(s, j, c->http.max_streams, now_ms(), &t, e))
        return -1;
    json_t *seconds = t.seconds < 0 ? json_null() : json_integer(t.seconds);
    *ret = json_pack("{s:i, s:i, s:o}", "place", (int)t.place, "of", (int)t.of, "seconds", seconds);
    if (t.now) {
        json_decref(*ret);
        *ret = json_null();
    }
    return 0;
}

/* The SSH host keys that the machine made at its first boot: what to put into known_hosts. */
static int host_keys_json(struct store *s, int64_t job_id, json_t **ret, struct err *e)
{
    struct str text = {0};
    if (enrolment_host_keys(s, job_id, &text, e)) {
        str_free(&text);
        return -1;
    }
    *ret = json_array();
    char *at = text.s, *line;
    while ((line = strsep(&at, "\n")))
        if (*line)
            json_array_append_new(*ret, json_string(line));
    str_free(&text);
    return 0;
}

/* Of the subnet that the address of its primary interface is in. Without an address it may be in any: in the
 * only one, or what the server says everywhere. */
static struct span subnet_options(const struct config *c, const struct device *d)
{
    const struct interface *f = device_primary(d);
    const struct dhcpd_subnet *s = NULL;
    if (f && f->has_address)
        s = subnet_find(c->dhcp.subnets, c->dhcp.subnets_n, f->address.ip);
    else if (c->dhcp.subnets_n == 1)
        s = c->dhcp.subnets;
    return s ? s->options : dhcp_set_span(&c->dhcp_options);
}

#define HOST_NAME 12

/* What DHCP would tell it, and where each comes from: the most specific place that says it. */
static int options_json(struct store *s, const struct config *c, const struct device *d, json_t **ret,
                        struct err *e)
{
    static const char *const from[DHCP_LAYERS] = {"configuration", "role", "site", "device"};
    const int64_t ids[DHCP_LAYERS] = {0, d->role_options, d->site_options, d->options};
    struct span layers[DHCP_LAYERS] = {subnet_options(c, d)};
    struct dhcp_set sets[DHCP_LAYERS];
    struct dhcp_option o;
    size_t layer;
    for (size_t i = 1; i < DHCP_LAYERS; i++) {
        if (options_get(s, ids[i], &sets[i], e))
            return -1;
        layers[i] = dhcp_set_span(&sets[i]);
    }
    struct dhcp_merge m = dhcp_merge(layers);
    *ret = json_array();
    while (dhcp_merge_next(&m, &o, &layer)) {
        struct str name = {0}, value = {0};
        if (o.code == HOST_NAME && layer != DHCP_LAYERS - 1) {
            o.value = span_str(d->name); /* what many share names none of them */
            layer = DHCP_LAYERS - 1;
        }
        dhcp_name_format(o.code, &name);
        dhcp_value_format(o.code, o.value, &value);
        json_array_append_new(*ret, json_pack("{s:i, s:s, s:o, s:s, s:b}", "code", (int)o.code, "name",
                                              name.s, "value", out_string(value.s), "from", from[layer],
                                              "always", (int)o.always));
        str_free(&name);
        str_free(&value);
    }
    return 0;
}

/* Takes o, and adds what holds of its job. */
static int add_job(struct store *s, const struct config *c, const struct device *d, json_t *o, struct err *e)
{
    struct job j;
    struct err none = {0};
    json_t *keys, *options, *wait;
    bool has_job = job_current(s, d->id, &j, &none) == 0;
    if (!has_job && none.kind != ERR_NOT_FOUND) {
        *e = none;
        return -1;
    }
    if (options_json(s, c, d, &options, e))
        return -1;
    json_object_set_new(o, "dhcp_options", options);
    if (wait_json(s, c, has_job ? &j : NULL, &wait, e))
        return -1;
    json_object_set_new(o, "wait", wait);
    json_object_set_new(o, "job", has_job ? job_json(&j) : json_null());
    if (host_keys_json(s, has_job ? j.id : 0, &keys, e))
        return -1;
    json_object_set_new(o, "ssh_host_keys", keys);
    return 0;
}

static int show_device(struct store *s, const struct config *c, const struct device *d, bool json,
                       struct err *e)
{
    json_t *o = device_json(d);
    int rc = device_facts(s, c, d, o, e) || add_job(s, c, d, o, e) ? -1 : 0;
    if (rc)
        json_decref(o);
    else
        out_object(o, json);
    return rc;
}

/* A MAC address that no device has may have been seen all the same. */
static int show_stranger(struct store *s, const struct args *a, const struct config *c, struct err *e)
{
    struct err none = {0};
    struct mac m;
    json_t *o;
    if (e->kind != ERR_NOT_FOUND || mac_parse(a->words[0], &m, NULL))
        return -1;
    if (stranger_facts_json(s, c, m, &o, &none))
        return none.kind == ERR_NOT_FOUND ? -1 : err_set(e, none.kind, "%s", none.text);
    out_object(o, a->json);
    return 0;
}

int cmd_device_show(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct device d;
    if (open_store(c, &s, e))
        return -1;
    int rc =
        device_by_ref(s, a->words[0], &d, e) ? show_stranger(s, a, c, e) : show_device(s, c, &d, a->json, e);
    store_close(s);
    return rc;
}

/* Protection stops what is to come. A job that is there already is another matter, and the person is told. */
static void tell_of_job(struct store *s, const struct device *d, bool protected)
{
    struct job j;
    if (job_current(s, d->id, &j, NULL) || j.expires_ms <= now_ms())
        return;
    if (j.state == JOB_CLAIMED)
        printf("%s is being written with %s now, and that goes on; `rackstrap cancel %s` stops it, and "
               "leaves a disk that "
               "does not boot\n",
               d->name, j.image, d->name);
    else if (j.state == JOB_ARMED && protected)
        printf("its job to write %s stays armed, and waits for `unprotect`; `rackstrap cancel %s` takes it "
               "back\n",
               j.image, d->name);
    else if (j.state == JOB_ARMED)
        printf("its job to write %s is armed: it is written at its next network boot; `rackstrap cancel %s` "
               "takes it "
               "back\n",
               j.image, d->name);
}

static int protect(const struct args *a, const struct config *c, bool on, struct err *e)
{
    struct store *s;
    struct device d;
    if (open_store(c, &s, e))
        return -1;
    int rc = device_by_ref(s, a->words[0], &d, e) || device_protect(s, d.id, on, actor_name(), e) ? -1 : 0;
    if (!rc) {
        printf("%s is %s\n", d.name, on ? "protected: no job can be armed for it" : "not protected");
        tell_of_job(s, &d, on);
    }
    store_close(s);
    return rc;
}

int cmd_device_protect(const struct args *a, const struct config *c, struct err *e)
{
    return protect(a, c, true, e);
}

int cmd_device_unprotect(const struct args *a, const struct config *c, struct err *e)
{
    return protect(a, c, false, e);
}

int cmd_device_reset_loader(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct device d;
    if (open_store(c, &s, e))
        return -1;
    int rc = device_by_ref(s, a->words[0], &d, e);
    for (size_t i = 0; !rc && i < d.interfaces_n; i++)
        rc = ladder_reset(s, d.id, d.interfaces[i].mac, actor_name(), now_ms(), e);
    if (!rc)
        printf("%s begins with the first loader of its kind again; `rackstrap why %s` shows it\n", d.name,
               d.name);
    store_close(s);
    return rc;
}

/* While a NetBox is followed, its next full sync would bring the device back. */
static int is_followed(const struct config *c, const struct device *d, struct err *e)
{
    if (!d->netbox_id || !*c->netbox.url)
        return 0;
    return err_set(e, ERR_REFUSED,
                   "%s is NetBox's, and the next full sync would bring it back; delete it there "
                   "(%s/dcim/devices/%lld/), or leave it out by netbox.filter in %s",
                   d->name, c->netbox.url, (long long)d->netbox_id, c->path);
}

int cmd_device_remove(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct device d;
    int rc = -1;
    if (open_store(c, &s, e))
        return -1;
    if (device_by_ref(s, a->words[0], &d, e) || is_followed(c, &d, e))
        goto out;
    if (!a->yes) {
        err_set(e, ERR_REFUSED,
                "%s (%s, %s) would be taken out of the inventory, with its addresses and its job; if that is "
                "meant, say so with --yes",
                d.name, state_name(d.state), d.installed[0] ? d.installed : "nothing of ours on its disk");
        goto out;
    }
    rc = device_remove(s, d.id, actor_name(), now_ms(), e);
    if (!rc)
        printf("%s is no longer in the inventory; its MAC addresses are strangers', and its timeline stays\n",
               d.name);
out:
    store_close(s);
    return rc;
}

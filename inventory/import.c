/* import: devices from YAML.
 *
 * The document is walked four times, each time reading one device after another, so that a large file needs
 * the memory of one: check (every value, and duplicates within the file), unplug (the interfaces of devices
 * that will change, so that two of them may swap addresses), put, assign. All but the first happen in one
 * transaction. */
#include "inventory/import.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/yaml.h"
#include "inventory/dhcp_yaml.h"

struct item {
    struct device d;
    const char *image; /* "" for none; lent by the document */
    bool has_protected, protected;
    struct dhcp_set options; /* d.options is its number, once it is in the store */
    struct yaml_node *node, *name_node, *image_node;
    struct yaml_node *interface_nodes[MAX_INTERFACES];
};

struct import {
    struct store *s;
    const char *file;
    const struct import_options *o;
    int64_t at_ms;
    struct yaml_node *devices; /* NULL for none */
    struct import_result result;
};

/* ---- reading one device */

/* Puts the place in front of an error from elsewhere, and keeps its kind. */
static int at_place(const struct import *im, const struct yaml_node *n, struct err *e)
{
    return err_prefix(e, "%s:%d:%d", im->file, yaml_line(n), yaml_column(n));
}

static int read_interface(struct yaml_node *n, struct interface *f, struct err *e)
{
    memset(f, 0, sizeof *f);
    f->has_address = false;
    if (yaml_want(n, YAML_MAP, "an interface", e) < 0 ||
        yaml_copy(n, "name", true, f->name, sizeof f->name, e) < 0 ||
        yaml_mac(n, "mac", true, &f->mac, e) < 0 || yaml_ip4_if(n, "address", false, &f->address, e) < 0 ||
        yaml_bool(n, "primary", false, &f->primary, e) < 0) {
        return -1;
    }
    f->has_address = yaml_get(n, "address") != NULL;
    return yaml_no_more(n, e);
}

static int read_interfaces(struct yaml_node *n, struct item *it, struct err *e)
{
    struct yaml_node *list = NULL;
    if (yaml_seq(n, "interfaces", false, &list, e) < 0) {
        return -1;
    }
    size_t count = list ? yaml_len(list) : 0;
    if (count > MAX_INTERFACES) {
        return yaml_error(list, e, "%zu interfaces are more than the %d that a device can have here", count,
                          MAX_INTERFACES);
    }
    for (size_t i = 0; i < count; i++) {
        it->interface_nodes[i] = yaml_at(list, i);
        if (read_interface(it->interface_nodes[i], &it->d.interfaces[i], e) < 0) {
            return -1;
        }
    }
    it->d.interfaces_n = count;
    return 0;
}

static int read_fields(struct yaml_node *n, struct device *d, struct err *e)
{
    const struct {
        const char *key;
        bool required;
        char *buf;
        size_t size;
    } fields[] = {
        {"name", true, d->name, sizeof d->name},
        {"site", false, d->site, sizeof d->site},
        {"rack", false, d->rack, sizeof d->rack},
        {"tenant", false, d->tenant, sizeof d->tenant},
        {"role", false, d->role, sizeof d->role},
        {"platform", false, d->platform, sizeof d->platform},
        {"model", false, d->model, sizeof d->model},
        {"serial", false, d->serial, sizeof d->serial},
        {"disk", false, d->disk_selector, sizeof d->disk_selector},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (yaml_copy(n, fields[i].key, fields[i].required, fields[i].buf, fields[i].size, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Which of the device's lines does device_check not like? The one without which it would be content. */
static const struct yaml_node *wrong_node(struct yaml_node *n, struct item *it)
{
    static const struct {
        const char *key;
        size_t at, size;
    } fields[] = {
#define FIELD(key, member) {key, offsetof(struct device, member), sizeof((struct device *)0)->member}
        FIELD("site", site),     FIELD("rack", rack),         FIELD("tenant", tenant),
        FIELD("role", role),     FIELD("platform", platform), FIELD("model", model),
        FIELD("serial", serial), FIELD("disk", disk_selector)
#undef FIELD
    };
    const struct yaml_node *found = it->name_node;
    struct device *d = xcalloc(1, sizeof *d);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        *d = it->d;
        memset((char *)d + fields[i].at, 0, fields[i].size);
        if (device_check(d, NULL) == 0) {
            found = yaml_get(n, fields[i].key);
        }
    }
    *d = it->d;
    d->interfaces_n = 0;
    if (device_check(d, NULL) == 0) {
        found = yaml_get(n, "interfaces");
    }
    free(d);
    return found;
}

static int read_item(const struct import *im, struct yaml_node *n, struct item *it, struct err *e)
{
    memset(it, 0, sizeof *it);
    it->node = n;
    it->image = "";
    if (yaml_want(n, YAML_MAP, "a device", e) < 0 || read_fields(n, &it->d, e) < 0 ||
        read_interfaces(n, it, e) < 0 || yaml_str(n, "image", false, &it->image, e) < 0 ||
        yaml_bool(n, "protected", false, &it->protected, e) < 0 ||
        dhcp_set_read(n, "dhcp_options", &it->options, e) < 0) {
        return -1;
    }
    it->name_node = yaml_get(n, "name");
    it->image_node = yaml_get(n, "image");
    it->has_protected = yaml_get(n, "protected") != NULL;
    if (yaml_get(n, "status")) {
        return yaml_error(yaml_get(n, "status"), e,
                          "a device's status is not imported: rackstrap finds it out; take the line away");
    }
    if (yaml_no_more(n, e) < 0) {
        return -1;
    }
    return device_check(&it->d, e) < 0 ? at_place(im, wrong_node(n, it), e) : 0;
}

typedef int item_fn(struct import *im, struct item *it, void *ctx, struct err *e);

static int each_item(struct import *im, item_fn *fn, void *ctx, struct err *e)
{
    struct item *it = xcalloc(1, sizeof *it);
    int r = 0;
    for (size_t i = 0; im->devices && i < yaml_len(im->devices) && r == 0; i++) {
        r = read_item(im, yaml_at(im->devices, i), it, e);
        if (r == 0) {
            r = fn(im, it, ctx, e);
        }
    }
    free(it);
    return r;
}

/* ---- duplicates within the file */

enum seen_kind { SEEN_NAME, SEEN_MAC, SEEN_ADDRESS };

struct seen {
    enum seen_kind kind;
    char text[NAME_SIZE];
    const struct yaml_node *node;
    size_t order;
};

struct seen_list {
    struct seen *x;
    size_t n, cap;
};

static void see(struct seen_list *l, enum seen_kind kind, const char *text, const struct yaml_node *node)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->x = xrealloc(l->x, l->cap, sizeof *l->x);
    }
    l->x[l->n] = (struct seen){.kind = kind, .node = node, .order = l->n};
    str_copy(l->x[l->n].text, sizeof l->x[l->n].text, text);
    l->n++;
}

/* An address that the router or the server itself has would be given to a machine, and both would fail. */
static int check_use(const struct import *im, const struct item *it, size_t i, struct err *e)
{
    struct ip4 ip = it->d.interfaces[i].address.ip;
    char text[IP4_STR];
    const struct prefix own = prefix_of(it->d.interfaces[i].address);
    const char *use = im->o->address_use ? im->o->address_use(im->o->address_ctx, ip) : NULL;
    if (!use && !prefix_is_host(own, ip)) {
        use = "the network or the broadcast address of its prefix";
    }
    if (!use) {
        if (im->o->address_seen) {
            im->o->address_seen(im->o->address_ctx, it->d.name, it->d.interfaces[i].address);
        }
        return 0;
    }
    return yaml_error(yaml_get(it->interface_nodes[i], "address"), e,
                      "%s is %s: a machine cannot have it too", ip4_format(ip, text), use);
}

static int check_item(struct import *im, struct item *it, void *ctx, struct err *e)
{
    struct seen_list *l = ctx;
    see(l, SEEN_NAME, it->d.name, it->name_node);
    for (size_t i = 0; i < it->d.interfaces_n; i++) {
        const struct interface *f = &it->d.interfaces[i];
        char text[IP4_STR > MAC_STR ? IP4_STR : MAC_STR];
        see(l, SEEN_MAC, mac_format(f->mac, text), yaml_get(it->interface_nodes[i], "mac"));
        if (f->has_address && check_use(im, it, i, e) < 0) {
            return -1;
        }
        if (f->has_address) {
            see(l, SEEN_ADDRESS, ip4_format(f->address.ip, text),
                yaml_get(it->interface_nodes[i], "address"));
        }
    }
    return 0;
}

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->kind != y->kind) {
        return x->kind < y->kind ? -1 : 1;
    }
    int c = strcasecmp(x->text, y->text);
    return c ? c : x->order < y->order ? -1 : 1;
}

/* Of all duplicates, the one that a reader of the file meets first. */
static int refuse_duplicates(const struct import *im, struct seen_list *l, struct err *e)
{
    static const char *const what[] = {
        [SEEN_NAME] = "the name", [SEEN_MAC] = "the MAC address", [SEEN_ADDRESS] = "the address"};
    const struct seen *first = NULL, *second = NULL;
    qsort(l->x, l->n, sizeof *l->x, compare_seen);
    for (size_t i = 1; i < l->n; i++) {
        const struct seen *a = &l->x[i - 1], *b = &l->x[i];
        if (a->kind == b->kind && strcasecmp(a->text, b->text) == 0 &&
            (!second || b->order < second->order)) {
            first = a;
            second = b;
        }
    }
    if (!second) {
        return 0;
    }
    return yaml_error(
        second->node, e, "%s %s is used twice: first at %s:%d:%d, and here; give each device its own",
        what[second->kind], second->text, im->file, yaml_line(first->node), yaml_column(first->node));
}

static int check_all(struct import *im, struct err *e)
{
    struct seen_list l = {0};
    int r = each_item(im, check_item, &l, e);
    if (r == 0 && l.n > 0) {
        r = refuse_duplicates(im, &l, e);
    }
    free(l.x);
    return r;
}

/* ---- into the store */

/* 1 when the store has the device, 0 when not. */
static int find_device(struct import *im, const char *name, struct device *ret, struct err *e)
{
    struct err why = {0};
    if (device_by_name(im->s, name, ret, &why) == 0) {
        return 1;
    }
    if (why.kind == ERR_NOT_FOUND) {
        return 0;
    }
    if (e) {
        *e = why;
    }
    return -1;
}

static int keep_options(struct import *im, struct item *it, struct err *e)
{
    return options_keep(im->s, dhcp_set_span(&it->options), &it->d.options, e);
}

static int unplug_item(struct import *im, struct item *it, void *ctx, struct err *e)
{
    (void)ctx;
    struct device old;
    int r = find_device(im, it->d.name, &old, e);
    if (r < 0 || keep_options(im, it, e) < 0) {
        return -1;
    }
    if (r == 0) {
        im->result.devices_new++;
    } else if (device_same(&old, &it->d)) {
        im->result.devices_same++;
    } else {
        im->result.devices_changed++;
        return device_unplug(im->s, old.id, e);
    }
    return 0;
}

/* Where in the file is what device_put found taken? */
static const struct yaml_node *conflict_node(struct import *im, const struct item *it)
{
    struct device other;
    for (size_t i = 0; i < it->d.interfaces_n; i++) {
        const struct interface *f = &it->d.interfaces[i];
        if (device_by_mac(im->s, f->mac, &other, NULL) == 0 && strcasecmp(other.name, it->d.name) != 0) {
            return yaml_get(it->interface_nodes[i], "mac");
        }
        if (f->has_address && device_by_address(im->s, f->address.ip, &other, NULL) == 0 &&
            strcasecmp(other.name, it->d.name) != 0) {
            return yaml_get(it->interface_nodes[i], "address");
        }
    }
    return it->name_node;
}

/* Says which of the device's site and the like there have not been. */
static int tell_made(struct import *im, const struct device *d, struct err *e)
{
    const struct {
        const char *what, *slug;
        int kind; /* -1: a rack */
    } named[] = {{"site", d->site, GROUP_SITE},
                 {"rack", d->rack, -1},
                 {"tenant", d->tenant, GROUP_TENANT},
                 {"role", d->role, GROUP_ROLE},
                 {"platform", d->platform, GROUP_PLATFORM}};
    for (size_t i = 0; im->o->made && i < sizeof named / sizeof *named; i++) {
        int known = !named[i].slug[0] ? 1
                    : named[i].kind < 0
                        ? rack_known(im->s, d->site, named[i].slug, e)
                        : group_known(im->s, (enum group_kind)named[i].kind, named[i].slug, e);
        if (known < 0) {
            return -1;
        }
        if (known == 0) {
            im->o->made(named[i].what, named[i].slug, d->name, im->o->made_ctx);
        }
    }
    return 0;
}

static int put_item(struct import *im, struct item *it, void *ctx, struct err *e)
{
    (void)ctx;
    int64_t id;
    if (keep_options(im, it, e) < 0 || tell_made(im, &it->d, e) < 0) {
        return -1;
    }
    if (device_put(im->s, &it->d, im->o->actor, &id, e) < 0) {
        return at_place(im, conflict_node(im, it), e);
    }
    if (it->has_protected && device_protect(im->s, id, it->protected, im->o->actor, e) < 0) {
        return at_place(im, it->node, e);
    }
    return 0;
}

/* A device whose image could not be armed before, as it had no release, has the assignment and no job for it.
 */
static int had_job_for(struct import *im, const struct device *d, bool *ret, struct err *e)
{
    struct err why = {0};
    struct job j;
    size_t n = strcspn(d->assigned, "@");
    *ret = job_current(im->s, d->id, &j, &why) == 0 && strncmp(j.image, d->assigned, n) == 0 &&
           j.image[n] == '\0';
    if (why.kind == ERR_NONE || why.kind == ERR_NOT_FOUND) {
        return 0;
    }
    if (e) {
        *e = why;
    }
    return -1;
}

/* The same release can be named in several ways; only another one is a reason to wipe a disk. */
static bool names_assigned(struct import *im, const struct device *d, const char *image)
{
    struct release r;
    char text[ASSIGNED_SIZE];
    if (strcmp(d->assigned, image) == 0) {
        return true;
    }
    if (!d->assigned[0] || release_find(im->s, image, &r, NULL) < 0) {
        return false;
    }
    assignment_text(image, &r, text);
    return strcmp(d->assigned, text) == 0;
}

/* Another name for the release that the device's job has written or is about to write ("debian-12" pinned to
 * its version, say) is written down, and is no reason to wipe the disk again. */
static int rename_assigned(struct import *im, const struct item *it, const struct device *d, bool *ret,
                           struct err *e)
{
    struct err why = {0};
    struct release r;
    struct job j;
    char text[ASSIGNED_SIZE];
    if (release_find(im->s, it->image, &r, NULL) < 0) {
        return 0; /* assign_image says what is wrong */
    }
    if (job_current(im->s, d->id, &j, &why) < 0) {
        return why.kind == ERR_NOT_FOUND ? 0 : err_set(e, why.kind, "%s", why.text);
    }
    if (strcmp(j.digest, r.digest) != 0 || j.state == JOB_FAILED || j.state == JOB_EXPIRED ||
        j.state == JOB_CANCELLED) {
        return 0;
    }
    *ret = true;
    assignment_text(it->image, &r, text);
    return device_intend(im->s, d->id, text, im->o->actor, im->at_ms, e);
}

/* The image has no release: the assignment alone. A job that waits to write another image, which is no longer
 * wanted, is cancelled; one that writes it now is no more replaced than by `assign`. */
static int wait_for_image(struct import *im, const struct item *it, const struct device *d, struct err *e)
{
    struct err why = {0};
    struct job j;
    if (job_current(im->s, d->id, &j, &why) < 0 && why.kind != ERR_NOT_FOUND) {
        return err_set(e, why.kind, "%s", why.text);
    }
    if (why.kind == ERR_NONE && j.state == JOB_CLAIMED) {
        err_set(e, ERR_CONFLICT, "%s is being written with %s now; wait until it is done", d->name, j.image);
        return at_place(im, it->image_node, e);
    }
    if (why.kind == ERR_NONE && j.state == JOB_ARMED) {
        if (job_cancel(im->s, d->id, im->o->actor, im->at_ms, e) < 0) {
            return at_place(im, it->image_node, e);
        }
        im->result.cancelled++;
    }
    return device_intend(im->s, d->id, it->image, im->o->actor, im->at_ms, e);
}

static int assign_image(struct import *im, const struct item *it, const struct device *d, struct err *e)
{
    struct assign a = {.release_ref = it->image, .actor = im->o->actor, .expiry_s = im->o->job_expiry_s};
    struct release r;
    struct err why = {0};
    if (!d->protected && release_find(im->s, it->image, &r, &why) < 0 && why.kind == ERR_NOT_FOUND &&
        !strchr(it->image, '@')) {
        if (name_check("image's name", it->image, e) < 0) {
            return at_place(im, it->image_node, e);
        }
        im->result.waiting++;
        str_copy(im->result.missing, sizeof im->result.missing, it->image);
        return wait_for_image(im, it, d, e);
    }
    if (job_assign(im->s, d->id, &a, im->at_ms, NULL, e) < 0) {
        return at_place(im, it->image_node, e);
    }
    im->result.armed++;
    return 0;
}

static int assign_item(struct import *im, struct item *it, void *ctx, struct err *e)
{
    (void)ctx;
    struct device d;
    bool done = false;
    if (!it->image[0]) {
        return 0;
    }
    if (device_by_name(im->s, it->d.name, &d, e) < 0) {
        return -1;
    }
    if (names_assigned(im, &d, it->image) ? had_job_for(im, &d, &done, e) < 0
                                          : rename_assigned(im, it, &d, &done, e) < 0) {
        return -1;
    }
    return done ? 0 : assign_image(im, it, &d, e);
}

static int check_limit(const struct import *im, struct err *e)
{
    size_t armed = im->result.armed;
    if (armed <= im->o->wipe_limit || armed == im->o->count) {
        return 0;
    }
    return err_set(e, ERR_REFUSED,
                   "%s: this would wipe and install %zu devices, which is more than %zu; if that is meant, "
                   "say so with --count %zu",
                   im->file, armed, im->o->wipe_limit, armed);
}

/* ---- sites and the like */

static int put_group_options(struct import *im, int kind, const char *slug, const struct dhcp_set *options,
                             struct err *e)
{
    int64_t id;
    if (options_keep(im->s, dhcp_set_span(options), &id, e) < 0) {
        return -1;
    }
    return group_options(im->s, (enum group_kind)kind, slug, id, im->o->actor, e);
}

static int put_group(struct import *im, struct yaml_node *n, int kind, struct err *e)
{
    char slug[NAME_SIZE] = "", name[NAME_SIZE] = "", site[NAME_SIZE] = "";
    bool rack = kind < 0, optioned = !rack && group_has_options((enum group_kind)kind);
    struct dhcp_set options;
    if (yaml_want(n, YAML_MAP, "a mapping with slug and name", e) < 0 ||
        yaml_copy(n, "slug", true, slug, sizeof slug, e) < 0 ||
        yaml_copy(n, "name", false, name, sizeof name, e) < 0 ||
        (rack && yaml_copy(n, "site", false, site, sizeof site, e) < 0) ||
        (optioned && dhcp_set_read(n, "dhcp_options", &options, e) < 0) || yaml_no_more(n, e) < 0) {
        return -1;
    }
    const char *shown = name[0] ? name : slug;
    int r = rack ? rack_put(im->s, site, slug, shown, e)
                 : group_put(im->s, (enum group_kind)kind, slug, shown, e);
    if (r == 0 && optioned) {
        r = put_group_options(im, kind, slug, &options, e);
    }
    return r < 0 ? at_place(im, yaml_get(n, "slug"), e) : 0;
}

static const struct {
    const char *key;
    int kind; /* enum group_kind; -1: racks, which have a site */
} group_lists[] = {
    {"sites", GROUP_SITE},         {"racks", -1}, {"tenants", GROUP_TENANT}, {"roles", GROUP_ROLE},
    {"platforms", GROUP_PLATFORM},
};

static int put_groups(struct import *im, struct yaml_node *root, struct err *e)
{
    for (size_t k = 0; k < sizeof group_lists / sizeof *group_lists; k++) {
        struct yaml_node *list = NULL;
        if (yaml_seq(root, group_lists[k].key, false, &list, e) < 0) {
            return -1;
        }
        for (size_t i = 0; list && i < yaml_len(list); i++) {
            if (put_group(im, yaml_at(list, i), group_lists[k].kind, e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* ---- the whole */

static int write_all_items(struct import *im, struct yaml_node *root, struct err *e)
{
    if (put_groups(im, root, e) < 0 || yaml_no_more(root, e) < 0 || each_item(im, unplug_item, NULL, e) < 0 ||
        each_item(im, put_item, NULL, e) < 0 || each_item(im, assign_item, NULL, e) < 0) {
        return -1;
    }
    return check_limit(im, e);
}

static int import_document(struct import *im, struct yaml_node *root, struct err *e)
{
    if (yaml_want(root, YAML_MAP, "a mapping with devices", e) < 0) {
        return -1;
    }
    if (yaml_len(root) == 0) {
        return yaml_error(root, e, "there is nothing to import here; a file for it begins with \"devices:\"");
    }
    if (yaml_seq(root, "devices", false, &im->devices, e) < 0 || check_all(im, e) < 0 ||
        store_begin(im->s, e) < 0) {
        return -1;
    }
    int r = write_all_items(im, root, e);
    if (r < 0 || im->o->dry_run) {
        store_rollback(im->s);
        return r;
    }
    return store_commit(im->s, e);
}

static int import_yaml(struct store *s, const char *file, struct yaml *y, const struct import_options *o,
                       int64_t at_ms, struct import_result *ret, struct err *e)
{
    struct import im = {.s = s, .file = file, .o = o, .at_ms = at_ms};
    int r = import_document(&im, yaml_root(y), e);
    yaml_free(y);
    if (r == 0) {
        *ret = im.result;
    }
    return r;
}

int import_file(struct store *s, const char *path, const struct import_options *o, int64_t at_ms,
                struct import_result *ret, struct err *e)
{
    struct yaml *y;
    return yaml_load_file(path, &y, e) < 0 ? -1 : import_yaml(s, path, y, o, at_ms, ret, e);
}

int import_text(struct store *s, const char *name, const char *text, size_t n, const struct import_options *o,
                int64_t at_ms, struct import_result *ret, struct err *e)
{
    struct yaml *y;
    return yaml_load_text(name, text, n, &y, e) < 0 ? -1 : import_yaml(s, name, y, o, at_ms, ret, e);
}

/* import_read: nodes of the inventory file as what they say of objects and devices. */
#include <stdlib.h>
#include <string.h>

#include "inventory/import_parts.h"

#define INTERFACES_MAX 1024 /* of one device */
#define PLUGS_MAX      64   /* MAC or IP addresses, of one interface */

/* The keys of the table. An object stands where its name does. */
static int read_keys(struct import *im, struct yaml_node *n, enum model_id m, struct said *ret, struct err *e)
{
    const struct keep_kind *kind = keep_kind(m);
    *ret = (struct said){.model = m, .place = n};
    for (size_t i = 0; i < kind->n; i++) {
        struct yaml_node *value = yaml_get(n, kind->keys[i].key);
        if (value && read_value(im, m, &kind->keys[i], n, value, &ret->v[i], e) < 0) {
            return -1;
        }
        if (value && i < kind->identity) {
            ret->place = value;
        }
    }
    return 0;
}

/* What says which one it is must be said; a rack may be in no site. */
static int check_identity(struct import *im, struct yaml_node *n, const struct said *x, struct err *e)
{
    const struct keep_kind *kind = keep_kind(x->model);
    for (size_t i = 0; i < kind->identity; i++) {
        bool said = x->v[i] && *x->v[i];
        if (!said && !(x->model == MODEL_RACK && i == 0)) {
            return read_error(im, n, e, "\"%s\" is missing here", kind->keys[i].key);
        }
    }
    return 0;
}

static int check_router(struct import *im, struct yaml_node *n, const struct said *x, struct err *e)
{
    const char *router = x->v[keep_at(MODEL_PREFIX, "router")];
    struct prefix p;
    struct ip4 ip;
    if (!router || !*router) {
        return 0;
    }
    if (prefix_parse(x->v[0], &p, NULL) < 0 || ip4_parse(router, &ip, NULL) < 0 || !prefix_is_host(p, ip)) {
        return read_error(im, yaml_get(n, "router"), e, "the router %s is no host of the prefix %s", router,
                          x->v[0]);
    }
    return 0;
}

int read_object(struct import *im, struct yaml_node *n, enum model_id m, struct said *ret, struct err *e)
{
    if (yaml_want(n, YAML_MAP, keep_kind(m)->noun, e) < 0 || read_keys(im, n, m, ret, e) < 0 ||
        check_identity(im, n, ret, e) < 0 || (m == MODEL_PREFIX && check_router(im, n, ret, e) < 0)) {
        return -1;
    }
    return yaml_no_more(n, e);
}

/* ---- what is plugged into an interface */

struct plugs {
    enum model_id m;
    const char *one, *many; /* "mac", "macs" */
    struct said *list;
    size_t n;
    bool whole, boot;
};

/* An item of a list is the address alone, or a mapping with more. */
static int read_plug(struct import *im, struct yaml_node *n, struct plugs *p, struct err *e)
{
    struct said *x = &p->list[p->n];
    bool boot = true;
    if (yaml_type(n) == YAML_SCALAR) {
        *x = (struct said){.model = p->m, .place = n};
        p->n++;
        return read_value(im, p->m, &keep_kind(p->m)->keys[0], n, n, &x->v[0], e);
    }
    if (yaml_want(n, YAML_MAP, p->one, e) < 0 || read_keys(im, n, p->m, x, e) < 0 ||
        check_identity(im, n, x, e) < 0 || yaml_bool(n, "boot", false, &boot, e) < 0) {
        return -1;
    }
    p->boot &= boot;
    p->n++;
    return yaml_no_more(n, e);
}

static int read_plugs(struct import *im, struct yaml_node *map, struct plugs *p, struct err *e)
{
    struct yaml_node *one = yaml_get(map, p->one), *many;
    if (yaml_seq(map, p->many, false, &many, e) < 0) {
        return -1;
    }
    if (one && many) {
        return read_error(im, many, e, "both \"%s\" and \"%s\"; one of them says it all", p->one, p->many);
    }
    size_t n = one ? 1 : many ? yaml_len(many) : 0;
    if (n > PLUGS_MAX) {
        return read_error(im, many, e, "%zu of them are more than the %d that an interface can have", n,
                          PLUGS_MAX);
    }
    *p = (struct plugs){.m = p->m, .one = p->one, .many = p->many, .whole = many != NULL, .boot = true};
    p->list = arena_get(&im->k.arena, (n + 1) * sizeof *p->list);
    for (size_t i = 0; i < n; i++) {
        if (read_plug(im, one ? one : yaml_at(many, i), p, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- interfaces */

static int read_interface(struct import *im, struct yaml_node *n, struct said_interface *f, struct err *e)
{
    struct plugs macs = {.m = MODEL_MAC, .one = "mac", .many = "macs"};
    struct plugs addresses = {.m = MODEL_IP, .one = "address", .many = "addresses"};
    *f = (struct said_interface){.primary = false};
    if (yaml_want(n, YAML_MAP, "an interface", e) < 0 || read_keys(im, n, MODEL_INTERFACE, &f->o, e) < 0 ||
        check_identity(im, n, &f->o, e) < 0 || read_plugs(im, n, &macs, e) < 0 ||
        read_plugs(im, n, &addresses, e) < 0 || yaml_bool(n, "primary", false, &f->primary, e) < 0) {
        return -1;
    }
    if (!macs.whole && macs.n == 0) {
        return read_error(im, n, e, "\"mac\" is missing here; an interface that has none says \"macs: []\"");
    }
    f->macs = macs.list;
    f->macs_n = macs.n;
    f->macs_whole = macs.whole;
    f->boot_mac = macs.boot;
    f->addresses = addresses.list;
    f->addresses_n = addresses.n;
    f->addresses_whole = addresses.whole;
    f->boot_address = addresses.boot;
    return yaml_no_more(n, e);
}

static bool same_address(const char *a, const char *b)
{
    size_t n = strcspn(a, "/");
    return strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/') && (a[n] != '\0' || b[n] == '\0');
}

static const char *find_same(const struct said *a, size_t a_n, const struct said *b, size_t b_n)
{
    for (size_t i = 0; i < a_n; i++) {
        for (size_t k = 0; k < b_n; k++) {
            if (&a[i] != &b[k] && same_address(a[i].v[0], b[k].v[0])) {
                return a[i].v[0];
            }
        }
    }
    return NULL;
}

static const char *mac_text(struct import *im, const char *number)
{
    char text[MAC_STR];
    return arena_text(&im->k.arena, mac_format(mac_from_u64(strtoull(number, NULL, 10)), text));
}

static int check_pair(struct import *im, struct yaml_node *list, const struct said_interface *a,
                      const struct said_interface *b, struct err *e)
{
    const char *x = a->o.v[0], *y = b->o.v[0], *same;
    if (strcmp(x, y) == 0) {
        return read_error(im, list, e, "two of its interfaces are named %s", x);
    }
    if ((same = find_same(a->macs, a->macs_n, b->macs, b->macs_n))) {
        return read_error(im, list, e, "its interfaces %s and %s have the same MAC address, %s", x, y,
                          mac_text(im, same));
    }
    if ((same = find_same(a->addresses, a->addresses_n, b->addresses, b->addresses_n))) {
        return read_error(im, list, e, "its interfaces %s and %s have the same address, %.*s", x, y,
                          (int)strcspn(same, "/"), same);
    }
    if (a->primary && b->primary) {
        return read_error(im, list, e, "its interfaces %s and %s are both primary", x, y);
    }
    return 0;
}

static int check_interfaces(struct import *im, struct yaml_node *list, const struct said_device *d,
                            struct err *e)
{
    for (size_t i = 0; i < d->interfaces_n; i++) {
        const struct said_interface *f = &d->interfaces[i];
        if (find_same(f->macs, f->macs_n, f->macs, f->macs_n) ||
            find_same(f->addresses, f->addresses_n, f->addresses, f->addresses_n)) {
            return read_error(im, list, e, "its interface %s has the same address twice", f->o.v[0]);
        }
        for (size_t k = 0; k < i; k++) {
            if (check_pair(im, list, &d->interfaces[k], f, e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int read_interfaces(struct import *im, struct yaml_node *n, struct said_device *d, struct err *e)
{
    struct yaml_node *list = NULL;
    if (yaml_seq(n, "interfaces", false, &list, e) < 0) {
        return -1;
    }
    size_t count = list ? yaml_len(list) : 0;
    if (count > INTERFACES_MAX) {
        return yaml_error(list, e, "%zu interfaces are more than the %d that a device can have here", count,
                          INTERFACES_MAX);
    }
    d->interfaces = arena_get(&im->k.arena, (count + 1) * sizeof *d->interfaces);
    d->interfaces_n = count;
    for (size_t i = 0; i < count; i++) {
        if (read_interface(im, yaml_at(list, i), &d->interfaces[i], e) < 0) {
            return -1;
        }
    }
    return count ? check_interfaces(im, list, d, e) : 0;
}

/* ---- devices */

/* Commands take a name or a MAC address for a device. A name that reads as another device's MAC address would
 * turn a command for that one on this one. */
static int check_own_name(struct import *im, const struct item *it, struct err *e)
{
    struct mac m;
    if (mac_parse(it->name, &m, NULL) < 0) {
        return 0;
    }
    const char *number = arena_printf(&im->k.arena, "%llu", (unsigned long long)mac_to_u64(m));
    for (size_t i = 0; i < it->said.interfaces_n; i++) {
        const struct said_interface *f = &it->said.interfaces[i];
        for (size_t k = 0; k < f->macs_n; k++) {
            if (strcmp(f->macs[k].v[0], number) == 0) {
                return 0;
            }
        }
    }
    return read_error(
        im, it->name_node, e,
        "the device's name \"%s\" reads as a MAC address, and none of its interfaces has it; give it "
        "another name",
        it->name);
}

/* The addresses that people reach it by: of its interfaces, whatever their length. */
static int read_people(struct import *im, struct yaml_node *n, struct said_device *d, struct err *e)
{
    static const struct keep_key key = {.type = KEY_ADDRESS};
    const struct {
        const char *key, **ret;
    } rows[] = {{"primary_ip4", &d->primary_ip4}, {"primary_ip6", &d->primary_ip6}, {"oob_ip", &d->oob_ip}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct yaml_node *v = yaml_get(n, rows[i].key);
        if (!v) {
            continue;
        }
        if (yaml_want(v, YAML_SCALAR, rows[i].key, e) < 0) {
            return -1;
        }
        *rows[i].ret = "";
        if (*yaml_text(v) && read_value(im, MODEL_IP, &key, n, v, rows[i].ret, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_name(struct import *im, struct yaml_node *n, struct item *it, struct err *e)
{
    if (yaml_want(n, YAML_MAP, "a device", e) < 0 || yaml_str(n, "name", true, &it->name, e) < 0) {
        return -1;
    }
    it->name_node = yaml_get(n, "name");
    if (name_check("device's name", it->name, NULL) == 0) {
        im->about = arena_printf(&im->k.arena, "device %s: ", it->name);
    }
    return 0;
}

static int check_position(struct import *im, struct yaml_node *n, const struct said *x, struct err *e)
{
    const char *position = x->v[keep_at(MODEL_DEVICE, "position")],
               *rack = x->v[keep_at(MODEL_DEVICE, "rack")];
    return position && *position && !(rack && *rack)
               ? read_error(im, yaml_get(n, "position"), e, "a position is in a rack, and it has no rack")
               : 0;
}

static int read_device(struct import *im, struct yaml_node *n, struct item *it, struct err *e)
{
    if (read_name(im, n, it, e) < 0 || read_keys(im, n, MODEL_DEVICE, &it->said.o, e) < 0 ||
        check_position(im, n, &it->said.o, e) < 0 || read_interfaces(im, n, &it->said, e) < 0 ||
        check_own_name(im, it, e) < 0 || read_people(im, n, &it->said, e) < 0 ||
        yaml_str(n, "image", false, &it->image, e) < 0 ||
        yaml_bool(n, "protected", false, &it->protected, e) < 0) {
        return -1;
    }
    it->image_node = yaml_get(n, "image");
    it->has_protected = yaml_get(n, "protected") != NULL;
    return yaml_no_more(n, e);
}

int read_item(struct import *im, struct yaml_node *n, struct item *it, struct err *e)
{
    *it = (struct item){.node = n, .image = ""};
    int r = read_device(im, n, it, e);
    im->about = "";
    return r;
}

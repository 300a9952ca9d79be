/* device: the parts that need no store. */
#include "inventory/device.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

const struct interface *device_interface(const struct device *d, struct mac m)
{
    for (size_t i = 0; i < d->interfaces_n; i++) {
        if (mac_eq(d->interfaces[i].mac, m)) {
            return &d->interfaces[i];
        }
    }
    return NULL;
}

const struct interface *device_primary(const struct device *d)
{
    const struct interface *with_address = NULL;
    for (size_t i = 0; i < d->interfaces_n; i++) {
        const struct interface *f = &d->interfaces[i];
        if (f->primary) {
            return f;
        }
        if (f->has_address && !with_address) {
            with_address = f;
        }
    }
    return with_address ? with_address : d->interfaces_n ? &d->interfaces[0] : NULL;
}

int name_check(const char *what, const char *name, struct err *e)
{
    if (!*name) {
        return err_set(e, ERR_INPUT, "the %s is empty", what);
    }
    if (strlen(name) >= NAME_SIZE) {
        return err_set(e, ERR_INPUT, "the %s \"%.20s...\" is longer than %d bytes", what, name,
                       NAME_SIZE - 1);
    }
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        bool fits = *p < 0x80 && (isalnum(*p) || (p != (const unsigned char *)name && strchr("._-", *p)));
        if (!fits) {
            return err_set(e, ERR_INPUT,
                           "the %s \"%s\" has a character that it may not have; it is made of letters, "
                           "digits, '.', '_' and '-', and begins "
                           "with a letter or digit",
                           what, name);
        }
    }
    return 0;
}

/* Text for people: what it may not have is what would spoil a line. */
static int text_check(const char *what, const char *text, struct err *e)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return err_set(e, ERR_INPUT, "the %s has a control character", what);
        }
    }
    return 0;
}

static int slugs_check(const struct device *d, struct err *e)
{
    const struct {
        const char *what, *text;
    } slugs[] = {{"site", d->site}, {"tenant", d->tenant}, {"role", d->role}, {"platform", d->platform}};
    for (size_t i = 0; i < sizeof slugs / sizeof *slugs; i++) {
        if (*slugs[i].text && name_check(slugs[i].what, slugs[i].text, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int pair_check(const struct interface *a, const struct interface *b, struct err *e)
{
    char text[PREFIX_STR > MAC_STR ? PREFIX_STR : MAC_STR];
    if (strcmp(a->name, b->name) == 0) {
        return err_set(e, ERR_INPUT, "two of its interfaces are named %s", a->name);
    }
    if (mac_eq(a->mac, b->mac)) {
        return err_set(e, ERR_INPUT, "its interfaces %s and %s have the same MAC address, %s", a->name,
                       b->name, mac_format(a->mac, text));
    }
    if (a->has_address && b->has_address && ip4_eq(a->address.ip, b->address.ip)) {
        return err_set(e, ERR_INPUT, "its interfaces %s and %s have the same address, %s", a->name, b->name,
                       ip4_format(a->address.ip, text));
    }
    if (a->primary && b->primary) {
        return err_set(e, ERR_INPUT, "its interfaces %s and %s are both primary", a->name, b->name);
    }
    return 0;
}

static int interfaces_check(const struct device *d, struct err *e)
{
    for (size_t i = 0; i < d->interfaces_n; i++) {
        if (!d->interfaces[i].name[0]) {
            return err_set(e, ERR_INPUT, "an interface has no name");
        }
        if (text_check("interface's name", d->interfaces[i].name, e) < 0) {
            return -1;
        }
        for (size_t k = 0; k < i; k++) {
            if (pair_check(&d->interfaces[k], &d->interfaces[i], e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Commands take a name or a MAC address for a device. A name that reads as another device's MAC address would
 * turn a command for that one on this one. */
static int own_name_check(const struct device *d, struct err *e)
{
    struct mac m;
    if (name_check("device's name", d->name, e) < 0) {
        return -1;
    }
    if (mac_parse(d->name, &m, NULL) == 0 && !device_interface(d, m)) {
        return err_set(e, ERR_INPUT,
                       "the device's name \"%s\" reads as a MAC address, and none of its interfaces has it; "
                       "give it another name",
                       d->name);
    }
    return 0;
}

int device_check(const struct device *d, struct err *e)
{
    struct disk_selector sel;
    if (own_name_check(d, e) < 0) {
        return -1;
    }
    if (slugs_check(d, e) < 0 || text_check("rack", d->rack, e) < 0 || text_check("model", d->model, e) < 0 ||
        text_check("serial", d->serial, e) < 0 || disk_selector_parse(d->disk_selector, &sel, e) < 0 ||
        interfaces_check(d, e) < 0) {
        return err_prefix(e, "device %s", d->name);
    }
    return 0;
}

void slug_from(const char *text, char ret[NAME_SIZE])
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && n < NAME_SIZE - 1; p++) {
        if (*p < 0x80 && isalnum(*p)) {
            ret[n++] = (char)tolower(*p);
        } else if (n > 0 && ret[n - 1] != '-') {
            ret[n++] = '-';
        }
    }
    while (n > 0 && ret[n - 1] == '-') {
        n--;
    }
    ret[n] = '\0';
    if (n == 0) {
        str_copy(ret, NAME_SIZE, "unnamed");
    }
}

static bool interface_same(const struct interface *a, const struct interface *b)
{
    return strcmp(a->name, b->name) == 0 && mac_eq(a->mac, b->mac) && a->primary == b->primary &&
           a->has_address == b->has_address &&
           (!a->has_address || (ip4_eq(a->address.ip, b->address.ip) && a->address.len == b->address.len));
}

bool device_same(const struct device *a, const struct device *b)
{
    bool same = strcmp(a->name, b->name) == 0 && strcmp(a->site, b->site) == 0 &&
                strcmp(a->rack, b->rack) == 0 && strcmp(a->tenant, b->tenant) == 0 &&
                strcmp(a->role, b->role) == 0 && strcmp(a->platform, b->platform) == 0 &&
                strcmp(a->location, b->location) == 0 &&
                (!*a->status || !*b->status || strcmp(a->status, b->status) == 0) &&
                strcmp(a->model, b->model) == 0 && strcmp(a->serial, b->serial) == 0 &&
                strcmp(a->disk_selector, b->disk_selector) == 0 && a->options == b->options &&
                a->interfaces_n == b->interfaces_n;
    for (size_t i = 0; same && i < a->interfaces_n; i++) {
        same = interface_same(&a->interfaces[i], &b->interfaces[i]);
    }
    return same;
}

static const struct interface *interface_named(const struct device *d, const char *name)
{
    for (size_t i = 0; i < d->interfaces_n; i++) {
        if (strcmp(d->interfaces[i].name, name) == 0) {
            return &d->interfaces[i];
        }
    }
    return NULL;
}

/* "aa:bb:cc:00:00:01 10.0.0.10/24 primary"; "" for none. */
static void interface_text(const struct interface *f, char ret[MAC_STR + PREFIX_STR + 16])
{
    char mac[MAC_STR], address[PREFIX_STR] = "";
    ret[0] = '\0';
    if (f) {
        if (f->has_address) {
            ip4_if_format(f->address, address);
        }
        snprintf(ret, MAC_STR + PREFIX_STR + 16, "%s%s%s%s", mac_format(f->mac, mac),
                 f->has_address ? " " : "", address, f->primary ? " primary" : "");
    }
}

static void interface_change(const struct interface *before, const struct interface *after, struct change *c)
{
    char field[NAME_SIZE + 16], b[MAC_STR + PREFIX_STR + 16], a[MAC_STR + PREFIX_STR + 16];
    snprintf(field, sizeof field, "interface %s", before ? before->name : after->name);
    interface_text(before, b);
    interface_text(after, a);
    change_text(c, field, b, a);
}

void device_changes(const struct device *before, const struct device *after, struct change *c)
{
    const struct {
        const char *field, *before, *after;
    } texts[] = {
        {"name", before->name, after->name},
        {"status", before->status, *after->status ? after->status : before->status},
        {"site", before->site, after->site},
        {"location", before->location, after->location},
        {"rack", before->rack, after->rack},
        {"tenant", before->tenant, after->tenant},
        {"role", before->role, after->role},
        {"platform", before->platform, after->platform},
        {"model", before->model, after->model},
        {"serial", before->serial, after->serial},
        {"disk", before->disk_selector, after->disk_selector},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        change_text(c, texts[i].field, texts[i].before, texts[i].after);
    }
    change_ref(c, "dhcp_options", before->options, after->options);
    for (size_t i = 0; i < before->interfaces_n; i++) {
        const struct interface *f = &before->interfaces[i];
        interface_change(f, interface_named(after, f->name), c);
    }
    for (size_t i = 0; i < after->interfaces_n; i++) {
        if (!interface_named(before, after->interfaces[i].name)) {
            interface_change(NULL, &after->interfaces[i], c);
        }
    }
}

/* NoCloud documents of a device with any texts: each is YAML again, with the very same texts at the same
 * places.
 *
 * The input is texts with a NUL between: name, domain, instance, two keys, certificates, two interfaces'
 * names; then bytes for addresses. A byte above ASCII stands for the character of that number, as no text of
 * ours is other than UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "httpboot/nocloud.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXTS 8
enum { NAME, DOMAIN, INSTANCE, KEY_1, KEY_2, CERTIFICATES, NIC_1, NIC_2 };

/* Takes bytes up to the next NUL; returns how many were used. */
static size_t take(const uint8_t *p, size_t n, char *ret, size_t room)
{
    size_t used = 0, len = 0;
    for (; used < n && p[used]; used++) {
        uint8_t c = p[used] >= 0x80 && p[used] < 0xa0 ? '?' : p[used]; /* YAML has no such controls */
        if (len + 3 > room)
            continue;
        if (c >= 0x80) {
            ret[len++] = (char)(0xc0 | c >> 6);
            ret[len++] = (char)(0x80 | (c & 0x3f));
        } else {
            ret[len++] = (char)c;
        }
    }
    ret[len] = '\0';
    return used < n ? used + 1 : used;
}

static struct yaml *render(void (*fn)(const struct nocloud *, struct str *), const struct nocloud *n)
{
    struct str out = {0};
    struct yaml *y = NULL;
    fn(n, &out);
    if (yaml_load_text("rendered", out.s, out.len, &y, NULL))
        abort();
    str_free(&out);
    return y;
}

static struct yaml_node *sub(struct yaml_node *map, const char *key)
{
    struct yaml_node *n = yaml_get(map, key);
    if (!n)
        abort();
    return n;
}

static void is(struct yaml_node *n, const char *want)
{
    if (!yaml_text(n) || strcmp(yaml_text(n), want) != 0)
        abort();
}

static void users(struct yaml_node *root, char texts[TEXTS][600])
{
    struct yaml_node *list = sub(yaml_at(sub(root, "users"), 0), "ssh_authorized_keys");
    if (yaml_len(list) != 2)
        abort();
    is(yaml_at(list, 0), texts[KEY_1]);
    is(yaml_at(list, 1), texts[KEY_2]);
    is(yaml_at(sub(sub(root, "ca_certs"), "trusted"), 0), texts[CERTIFICATES]);
    is(sub(root, "hostname"), texts[NAME]);
}

static void networks(struct yaml_node *root, const struct device *d)
{
    struct yaml_node *all = sub(root, "ethernets");
    if (yaml_len(all) != d->interfaces_n)
        abort();
    for (size_t i = 0; i < d->interfaces_n; i++) {
        struct yaml_node *one = sub(all, d->interfaces[i].name);
        char mac[MAC_STR];
        is(sub(one, "set-name"), d->interfaces[i].name);
        is(sub(sub(one, "match"), "macaddress"), mac_format(d->interfaces[i].mac, mac));
        if (d->interfaces[i].has_address != (yaml_get(one, "addresses") != NULL))
            abort();
    }
}

static void each_document(const struct nocloud *n, char texts[TEXTS][600])
{
    struct yaml *y = render(nocloud_meta_data, n);
    is(sub(yaml_root(y), "instance-id"), texts[INSTANCE]);
    is(sub(yaml_root(y), "local-hostname"), texts[NAME]);
    yaml_free(y);
    y = render(nocloud_user_data, n);
    users(yaml_root(y), texts);
    yaml_free(y);
    yaml_free(render(nocloud_vendor_data, n));
    y = render(nocloud_network_config, n);
    networks(yaml_root(y), n->device);
    yaml_free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char texts[TEXTS][600];
    const char *keys[] = {texts[KEY_1], texts[KEY_2]};
    const struct ip4 dns = {0x0a4d0001};
    uint8_t bytes[16] = {0};
    size_t at = 0;
    for (size_t i = 0; i < TEXTS; i++)
        at += take(data + at, size - at, texts[i], sizeof texts[i]);
    memcpy(bytes, data + at, size - at < sizeof bytes ? size - at : sizeof bytes);
    struct device d = {.interfaces_n = strcmp(texts[NIC_1], texts[NIC_2]) ? 2 : 1};
    if (!str_copy(d.name, sizeof d.name, texts[NAME]))
        return 0;
    for (size_t i = 0; i < d.interfaces_n; i++) {
        struct interface *f = &d.interfaces[i];
        f->has_address = bytes[0] & (1 << i);
        f->primary = bytes[0] & (4 << i);
        f->address =
            (struct ip4_if){{(uint32_t)bytes[2 * i + 1] << 24 | bytes[2 * i + 2]}, bytes[9 + i] % 33};
        memcpy(f->mac.b, bytes + 5, sizeof f->mac.b);
        if (!str_copy(f->name, sizeof f->name, texts[NIC_1 + i]))
            return 0;
    }
    struct httpboot_network net = {.prefix = {{0}, bytes[12] % 2},
                                   .has_router = true,
                                   .router = dns,
                                   .dns = &dns,
                                   .dns_n = bytes[13] % 2};
    struct nocloud n = {.instance_id = texts[INSTANCE],
                        .device = &d,
                        .domain = texts[DOMAIN],
                        .authorized_keys = keys,
                        .authorized_keys_n = 2,
                        .ca_certificates = texts[CERTIFICATES],
                        .networks = &net,
                        .networks_n = 1};
    each_document(&n, texts);
    return 0;
}

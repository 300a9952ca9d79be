/* nocloud: see nocloud.h. */
#include "httpboot/nocloud.h"

void fqdn_of(const char *name, const char *domain, struct str *out)
{
    str_addf(out, "%s%s%s", name, domain[0] ? "." : "", domain);
}

static void add_quoted(struct str *out, const char *s)
{
    str_add(out, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            str_addf(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ' || *s == 0x7f)
            str_addf(out, "\\u%04x", (unsigned)*s);
        else
            str_addn(out, s, 1);
    }
    str_add(out, "\"");
}

static void add_pair(struct str *out, const char *key, const char *value)
{
    str_addf(out, "%s: ", key);
    add_quoted(out, value);
    str_add(out, "\n");
}

void nocloud_meta_data(const struct nocloud *n, struct str *out)
{
    add_pair(out, "instance-id", n->instance_id);
    add_pair(out, "local-hostname", n->device->name);
}

void nocloud_user_data(const struct nocloud *n, struct str *out)
{
    struct str fqdn = {0};
    size_t i;

    fqdn_of(n->device->name, n->domain, &fqdn);
    str_add(out, "#cloud-config\n");
    add_pair(out, "hostname", n->device->name);
    add_pair(out, "fqdn", fqdn.s);
    if (n->authorized_keys_n)
        str_add(
            out,
            "disable_root: false\nusers:\n  - name: root\n    lock_passwd: true\n    ssh_authorized_keys:\n");
    for (i = 0; i < n->authorized_keys_n; i++) {
        str_add(out, "      - ");
        add_quoted(out, n->authorized_keys[i]);
        str_add(out, "\n");
    }
    if (n->ca_certificates) {
        str_add(out, "ca_certs:\n  trusted:\n    - ");
        add_quoted(out, n->ca_certificates);
        str_add(out, "\n");
    }
    str_free(&fqdn);
}

void nocloud_vendor_data(const struct nocloud *n, struct str *out)
{
    (void)n;
    str_add(out, "#cloud-config\n{}\n");
}

/* ---- network-config ---- */

static const struct httpboot_network *network_of(const struct nocloud *n, struct ip4 ip)
{
    const struct httpboot_network *best = NULL;
    size_t i;

    for (i = 0; i < n->networks_n; i++)
        if (prefix_has(n->networks[i].prefix, ip) && (!best || n->networks[i].prefix.len > best->prefix.len))
            best = &n->networks[i];
    return best;
}

static void add_dns(struct str *out, const struct nocloud *n, const struct httpboot_network *net)
{
    char ip[IP4_STR];
    size_t i;

    if (!net->dns_n)
        return;
    str_add(out, "    nameservers:\n      addresses: [");
    for (i = 0; i < net->dns_n; i++)
        str_addf(out, "%s\"%s\"", i ? ", " : "", ip4_format(net->dns[i], ip));
    str_add(out, "]\n");
    if (n->domain[0]) {
        str_add(out, "      search: [");
        add_quoted(out, n->domain);
        str_add(out, "]\n");
    }
}

static bool router_of(const struct nocloud *n, const struct httpboot_network *net, struct ip4_if a,
                      struct ip4 *ret)
{
    if (net && net->has_router) {
        *ret = net->router;
        return true;
    }
    return prefix_router(n->prefixes, n->prefixes_n, prefix_of(a), a.ip, ret);
}

/* An interface with an address of its own is static; the primary one without has DHCP; any other is left
 * alone. */
static void add_addresses(struct str *out, const struct nocloud *n, const struct interface *f, bool primary)
{
    const struct httpboot_network *net = network_of(n, f->address.ip);
    char text[PREFIX_STR], ip[IP4_STR];
    struct ip4 router;

    if (!f->has_address) {
        str_addf(out, "    dhcp4: %s\n", primary ? "true" : "false");
        return;
    }
    str_addf(out, "    dhcp4: false\n    addresses: [\"%s\"]\n", ip4_if_format(f->address, text));
    if (primary && router_of(n, net, f->address, &router))
        str_addf(out, "    routes:\n      - {to: \"0.0.0.0/0\", via: \"%s\"}\n", ip4_format(router, ip));
    if (net)
        add_dns(out, n, net);
}

void nocloud_network_config(const struct nocloud *n, struct str *out)
{
    const struct interface *primary = device_primary(n->device);
    const struct interface *f;
    char mac[MAC_STR];
    size_t i;

    str_add(out, "version: 2\nethernets:\n");
    if (!n->device->interfaces_n)
        str_add(out, "  {}\n");
    for (i = 0; i < n->device->interfaces_n; i++) {
        f = &n->device->interfaces[i];
        str_add(out, "  ");
        add_quoted(out, f->name);
        str_addf(out, ":\n    match: {macaddress: \"%s\"}\n    set-name: ", mac_format(f->mac, mac));
        add_quoted(out, f->name);
        str_add(out, "\n");
        add_addresses(out, n, f, f == primary);
    }
}

/* nocloud: what is rendered is read back as YAML and compared by value. */
#include "httpboot/nocloud.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"

static const struct ip4 dns[] = {{0x0a4d0001}, {0x0a4d0002}};
static const struct httpboot_network networks[] = {
    {.prefix = {{0x0a000000}, 8}, .has_router = true, .router = {0x0a0000fe}},
    {.prefix = {{0x0a4d0000}, 24}, .has_router = true, .router = {0x0a4d0001}, .dns = dns, .dns_n = 2},
};

static struct device device(void)
{
    struct device d = {.name = "hv-01", .interfaces_n = 3};

    d.interfaces[0] = (struct interface){.name = "eno2", .mac = {{0x52, 0x54, 0, 0, 0, 2}}};
    d.interfaces[1] = (struct interface){.name = "eno1",
                                         .mac = {{0x52, 0x54, 0, 0, 0, 1}},
                                         .has_address = true,
                                         .primary = true,
                                         .address = {{0x0a4d000b}, 24}};
    d.interfaces[2] = (struct interface){.name = "eno3",
                                         .mac = {{0x52, 0x54, 0, 0, 0, 3}},
                                         .has_address = true,
                                         .address = {{0xc0a80105}, 24}};
    return d;
}

static struct yaml *render(void (*fn)(const struct nocloud *, struct str *), const struct nocloud *n)
{
    struct str out = {0};
    struct yaml *y = NULL;
    struct err e = {0};

    fn(n, &out);
    if (yaml_load_text("rendered", out.s, out.len, &y, &e))
        fail_msg("%s\n%s", e.text, out.s);
    str_free(&out);
    return y;
}

static struct yaml_node *sub(struct yaml_node *map, const char *key)
{
    struct yaml_node *n = yaml_get(map, key);

    if (!n)
        fail_msg("no key %s", key);
    return n;
}

static void is(struct yaml_node *map, const char *key, const char *want)
{
    assert_string_equal(yaml_text(sub(map, key)), want);
}

static void meta_data(void **state)
{
    struct device d = device();
    struct nocloud n = {
        .instance_id = "11111111-2222-4333-8444-555555555555", .device = &d, .domain = "lab.example"};
    struct yaml *y = render(nocloud_meta_data, &n);

    (void)state;
    is(yaml_root(y), "instance-id", n.instance_id);
    is(yaml_root(y), "local-hostname", "hv-01");
    assert_int_equal(yaml_no_more(yaml_root(y), NULL), 0);
    yaml_free(y);
}

static void user_data(void **state)
{
    static const char *const keys[] = {"ssh-ed25519 AAAA a \"b\" \\c", "ssh-rsa BBBB"};
    struct device d = device();
    struct nocloud n = {.instance_id = "x",
                        .device = &d,
                        .domain = "lab.example",
                        .authorized_keys = keys,
                        .authorized_keys_n = 2,
                        .ca_certificates = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"};
    struct yaml *y = render(nocloud_user_data, &n);
    struct yaml_node *user;

    (void)state;
    is(yaml_root(y), "hostname", "hv-01");
    is(yaml_root(y), "fqdn", "hv-01.lab.example");
    is(yaml_root(y), "disable_root", "false");
    user = yaml_at(sub(yaml_root(y), "users"), 0);
    is(user, "name", "root");
    assert_string_equal(yaml_text(yaml_at(sub(user, "ssh_authorized_keys"), 0)), keys[0]);
    assert_string_equal(yaml_text(yaml_at(sub(user, "ssh_authorized_keys"), 1)), keys[1]);
    assert_string_equal(yaml_text(yaml_at(sub(sub(yaml_root(y), "ca_certs"), "trusted"), 0)),
                        n.ca_certificates);
    yaml_free(y);
}

static void user_data_least(void **state)
{
    struct device d = device();
    struct nocloud n = {.instance_id = "x", .device = &d, .domain = ""};
    struct str out = {0};

    (void)state;
    nocloud_user_data(&n, &out);
    assert_string_equal(out.s, "#cloud-config\nhostname: \"hv-01\"\nfqdn: \"hv-01\"\n");
    str_reset(&out);
    nocloud_vendor_data(&n, &out);
    assert_string_equal(out.s, "#cloud-config\n{}\n");
    str_free(&out);
}

static void network_config(void **state)
{
    struct device d = device();
    struct nocloud n = {
        .instance_id = "x", .device = &d, .domain = "lab.example", .networks = networks, .networks_n = 2};
    struct yaml *y = render(nocloud_network_config, &n);
    struct yaml_node *nics = sub(yaml_root(y), "ethernets"), *eno1 = sub(nics, "eno1"),
                     *eno3 = sub(nics, "eno3");

    (void)state;
    is(yaml_root(y), "version", "2");
    is(sub(eno1, "match"), "macaddress", "52:54:00:00:00:01");
    is(eno1, "set-name", "eno1");
    assert_string_equal(yaml_text(yaml_at(sub(eno1, "addresses"), 0)), "10.77.0.11/24");
    is(yaml_at(sub(eno1, "routes"), 0), "via", "10.77.0.1"); /* the longest prefix's */
    assert_int_equal(yaml_len(sub(sub(eno1, "nameservers"), "addresses")), 2);
    is(sub(nics, "eno2"), "dhcp4", "false");
    assert_null(yaml_get(eno3, "routes")); /* one default route, and no network known there */
    assert_null(yaml_get(eno3, "nameservers"));
    yaml_free(y);
}

/* Where the configuration names no router, the inventory's prefix does; one that is not on the interface's
 * own network is none. */
static void network_config_prefix(void **state)
{
    static const struct known_prefix near = {
        .prefix = {{0x0a4d0000}, 24}, .has_router = true, .router = {0x0a4d00fe}};
    static const struct known_prefix far = {
        .prefix = {{0x0a4c0000}, 15}, .has_router = true, .router = {0x0a4c0001}};
    struct device d = device();
    struct nocloud n = {.instance_id = "x", .device = &d, .domain = "", .prefixes = &near, .prefixes_n = 1};
    struct yaml *y = render(nocloud_network_config, &n);

    (void)state;
    is(yaml_at(sub(sub(sub(yaml_root(y), "ethernets"), "eno1"), "routes"), 0), "via", "10.77.0.254");
    yaml_free(y);
    n.prefixes = &far;
    y = render(nocloud_network_config, &n);
    assert_null(yaml_get(sub(sub(yaml_root(y), "ethernets"), "eno1"), "routes"));
    yaml_free(y);
    n.prefixes = &near;
    n.networks = networks;
    n.networks_n = 2;
    y = render(nocloud_network_config, &n);
    is(yaml_at(sub(sub(sub(yaml_root(y), "ethernets"), "eno1"), "routes"), 0), "via", "10.77.0.1");
    yaml_free(y);
}

static void network_config_dhcp(void **state)
{
    struct device d = {.name = "hv-02", .interfaces_n = 1};
    struct nocloud n = {.instance_id = "x", .device = &d, .domain = ""};
    struct yaml *y;

    (void)state;
    d.interfaces[0] = (struct interface){.name = "eno1", .mac = {{0x52, 0x54, 0, 0, 0, 1}}, .primary = true};
    y = render(nocloud_network_config, &n);
    is(sub(sub(yaml_root(y), "ethernets"), "eno1"), "dhcp4", "true");
    yaml_free(y);
    d.interfaces_n = 0;
    y = render(nocloud_network_config, &n);
    assert_int_equal(yaml_len(sub(yaml_root(y), "ethernets")), 0);
    yaml_free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meta_data),
        cmocka_unit_test(user_data),
        cmocka_unit_test(user_data_least),
        cmocka_unit_test(network_config),
        cmocka_unit_test(network_config_prefix),
        cmocka_unit_test(network_config_dhcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The configuration: the example that the README shows, and every mistake with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "rackstrap/args.h"
#include "rackstrap/config.h"

static char folder[] = "/tmp/rackstrap-config-XXXXXX";
static char path[64], pub[64], pass[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/r.yaml", folder);
    snprintf(pub, sizeof pub, "%s/master.pub", folder);
    snprintf(pass, sizeof pass, "%s/pass", folder);
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    return file_write(pub, pem, strlen(pem), 0600, NULL) || file_write(pass, "secret\n", 7, 0600, NULL);
}

static int remove_folder(void **state)
{
    (void)state;
    return dir_remove(folder, NULL);
}

static int load(const char *text, struct config **ret, struct err *e)
{
    assert_int_equal(file_write(path, text, strlen(text), 0600, NULL), 0);
    return config_load(path, ret, e);
}

static void refuses(const char *text, const char *said)
{
    struct config *c = NULL;
    struct err e = {0};
    if (load(text, &c, &e) == 0)
        fail_msg("taken: %s", text);
    if (!strstr(e.text, said))
        fail_msg("\"%s\" is not in \"%s\"", said, e.text);
    assert_null(c);
}

static void the_whole(void **state)
{
    (void)state;
    char text[2048];
    struct config *c = NULL;
    struct err e = {0};
    snprintf(
        text, sizeof text,
        "state_dir: /var/lib/rackstrap\nuser: rackstrap\nhttp: {listen: \"10.77.0.1:8081\"}\njob_expiry: "
        "2h\nwipe_limit: 3\nlog_level: warn\n"
        "dhcp:\n  interfaces: [br0]\n  mode: authoritative\n  lease_time: 30m\n  probe: 0\n  subnets:\n"
        "    - {prefix: 10.77.0.0/24, router: 10.77.0.1, dns: [10.77.0.1, 10.77.0.2], domain: lab.example,\n"
        "       pool: 10.77.0.100-10.77.0.199, unknown: discover}\n    - {prefix: 10.78.0.0/16}\ntftp: "
        "{interfaces: [br0]}\n"
        "hosts:\n  authorized_keys: [\"ssh-ed25519 "
        "AAAAC3NzaC1lZDI1NTE5AAAAIHEcntKgv26EOy3Qm3UY4Gm4RlMtJ09J3nvgpA84xnEO me@desk\"]\n"
        "enrol:\n  driver: salt\n  salt: {master: 10.77.0.1, api: \"http://127.0.0.1:8000\", username: "
        "enrol, password_file: %s, "
        "master_pubkey_file: %s}\n",
        pass, pub);
    if (load(text, &c, &e))
        fail_msg("%s", e.text);
    assert_int_equal(c->http.port, 8081);
    assert_int_equal(c->http.address.a, 0x0a4d0001);
    assert_int_equal(c->dhcp.http_port, 8081);
    assert_int_equal(c->dhcp.lease_time, 1800);
    assert_int_equal(c->dhcp.probe_ms, 0);
    assert_int_equal(c->dhcp.subnets_n, 2);
    assert_int_equal(c->dhcp.subnets[0].dns_n, 2);
    assert_int_equal(c->dhcp.subnets[0].unknown, UNKNOWN_DISCOVER);
    assert_int_equal(c->dhcp.subnets[1].unknown, UNKNOWN_IGNORE);
    assert_int_equal(c->dhcp.subnets[1].pool_n, 0);
    assert_int_equal(c->http.unknown_n, 2);
    assert_int_equal(c->job_expiry, 7200);
    assert_int_equal(c->wipe_limit, 3);
    assert_int_equal(c->log_level, LOG_LVL_WARN);
    assert_string_equal(c->tftp.root, "/var/lib/rackstrap/tftp");
    assert_string_equal(c->enrol.salt.password, "secret");
    assert_string_equal(c->enrol.salt.eauth, "pam");
    assert_string_equal(c->http.domain, "lab.example");
    assert_int_equal(c->http.authorized_keys_n, 1);
    config_free(c);
}

static void clients(void **state)
{
    static const char text[] =
        "state_dir: /x\ndhcp:\n  interfaces: [br0]\n  mode: proxy\n  loader_timeout: 90s\n"
        "  clients:\n"
        "    - {name: x64, arch: [7, 0x09], user_class: lab, loaders: [a.efi, b.efi]}\n"
        "    - {name: x64-http, arch: [00016], loaders: [a.efi]}\n"
        "    - {name: u-boot, vendor_class: U-Boot, loaders: [u.efi]}\n"
        "  subnets: [{prefix: 10.77.0.0/24}]\n";
    struct config *c = NULL;
    struct err e = {0};
    (void)state;
    if (load(text, &c, &e))
        fail_msg("%s", e.text);
    const struct client_row *r = c->dhcp.clients.rows;
    assert_true(c->dhcp.proxy);
    assert_int_equal(c->dhcp.loader_timeout, 90);
    assert_int_equal(c->dhcp.clients.n, 3);
    assert_true(r[0].via == VIA_TFTP && r[0].archs_n == 2 && r[0].archs[1] == 9 && r[0].loaders_n == 2);
    assert_string_equal(r[0].loaders[1], "b.efi");
    assert_true(r[1].via == VIA_HTTP && r[1].archs[0] == 16);
    assert_string_equal(r[2].vendor_class, "U-Boot");
    assert_string_equal(c->dhcp.loaders, "/x/tftp");
    assert_int_equal(c->http.max_streams, 64); /* without `http` */
    assert_int_equal(c->http.streams_per_address, 16);
    config_free(c);
}

/* Several pools with holes, shared networks, options in two layers, relays; and thousands of subnets. */
static void dhcp_parts(void **state)
{
    (void)state;
    struct config *c = NULL;
    struct err e = {0};
    if (load("state_dir: /x\ndhcp:\n  interfaces: [br0]\n  relays: [10.0.0.1, 10.1.0.0/24]\n"
             "  options: {ntp-servers: 10.0.0.1, 6: [10.0.0.1, 10.77.0.3], 26: 1500}\n  subnets:\n"
             "    - {prefix: 10.78.0.0/24, shared_network: rack, lease_time: 10m, domain: b.example,\n"
             "       pools: [10.78.0.200-10.78.0.209, 10.78.0.10-10.78.0.19], exclude: [10.78.0.15, "
             "10.78.0.18-10.78.0.203]}\n"
             "    - {prefix: 10.77.0.0/24, shared_network: rack, router: 10.77.0.5, dns: [10.78.0.11],\n"
             "       domain: a.example, pool: 10.77.0.1-10.77.0.9, options: {26: 9000, 4: 10.0.0.4}}\n",
             &c, &e))
        fail_msg("%s", e.text);
    const struct dhcpd_subnet *a = &c->dhcp.subnets[0], *b = &c->dhcp.subnets[1];
    assert_int_equal(c->dhcp.relays_n, 2);
    assert_true(c->dhcp.relays[0].len == 32 && c->dhcp.relays[1].len == 24);
    assert_string_equal(c->http.domain, "b.example"); /* of the first in the file */
    assert_true(a->shares == b && b->shares == a && a->prefix.net.a == 0x0a4d0000);
    assert_int_equal(b->lease_time, 600);
    assert_int_equal(a->lease_time, 0);
    assert_int_equal(subnet_pool_size(a), 7); /* without the router, and the server's name server */
    assert_int_equal(subnet_pool_size(b), 5 + 2 - 1 + 6);
    assert_false(subnet_pool_has(b, (struct ip4){0x0a4e000b})); /* the other subnet's name server */
    assert_false(subnet_pool_has(b, (struct ip4){0x0a4e000f}));
    assert_true(dhcp_set_has(a->options, 42) && dhcp_set_has(a->options, 4) && !dhcp_set_has(a->options, 6));
    assert_true(dhcp_set_has(b->options, 42) && dhcp_set_has(b->options, 6) && !dhcp_set_has(b->options, 4));
    assert_true(b->dns_n == 2 && !b->has_router); /* by the server's option: the hosts' files say it too */
    assert_int_equal(c->http.networks[1].dns[1].a, 0x0a4d0003);
    assert_int_equal(c->http.networks_n, 3); /* and what an inventory's prefix is told */
    assert_int_equal(c->http.networks[2].prefix.len, 0);
    assert_int_equal(c->http.networks[2].dns_n, c->dhcp.everywhere.dns_n);
    assert_int_equal(c->http.unknown_n, 2);
    assert_int_equal(c->http.networks[0].dns[0].a, 0x0a4e000b);
    config_free(c);
}

/* Where the inventory's prefixes are all, no subnet need be named; what the server says everywhere is theirs.
 */
static void no_subnets(void **state)
{
    struct config *c;
    struct err e = {0};
    (void)state;
    if (load("state_dir: /x\ndhcp: {interfaces: [br0], options: {6: 10.0.0.53, 15: lab.example}}\n", &c, &e))
        fail_msg("%s", e.text);
    assert_int_equal(c->dhcp.subnets_n, 0);
    assert_int_equal(c->dhcp.everywhere.dns_n, 1);
    assert_string_equal(c->dhcp.everywhere.domain, "lab.example");
    assert_true(c->dhcp.everywhere.options.n > 0);
    assert_int_equal(c->http.networks_n, 1);
    assert_int_equal(c->http.unknown_n, 0);
    config_free(c);
}

static void thousands_of_subnets(void **state)
{
    (void)state;
    struct config *c = NULL;
    struct err e = {0};
    struct str text = {0};
    str_add(&text, "state_dir: /x\ndhcp:\n  interfaces: [br0]\n  subnets:\n");
    for (int i = 4999; i >= 0; i--)
        str_addf(&text, "    - {prefix: 10.%d.%d.0/24, pool: 10.%d.%d.100-10.%d.%d.199}\n", i / 250, i % 250,
                 i / 250, i % 250, i / 250, i % 250);
    if (load(text.s, &c, &e))
        fail_msg("%s", e.text);
    assert_int_equal(c->dhcp.subnets_n, 5000);
    assert_ptr_equal(subnet_find(c->dhcp.subnets, 5000, (struct ip4){0x0a000105}), &c->dhcp.subnets[1]);
    assert_int_equal(c->http.unknown_n, 5000);
    str_free(&text);
    config_free(c);
}

static void mistakes_have_a_place(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "\"state_dir\" is missing"},
        {"state_dir: var\n", "r.yaml:1:12: \"state_dir\" must be a path from /"},
        {"state_dir: /x\ntftpp: {}\n", "r.yaml:2:1: unknown key \"tftpp\""},
        {"state_dir: /x\nhttp: {listen: 8080}\n", "r.yaml:2:16: \"8080\" is not ADDRESS:PORT"},
        {"state_dir: /x\nhttp: {listen: \"0.0.0.0:0\"}\n", "is not ADDRESS:PORT"},
        {"state_dir: /x\nhttp: {listen: \"0.0.0.0:65536\"}\n", "is not ADDRESS:PORT"},
        {"state_dir: /x\nhttp: {listen: \"host:80\"}\n", "is not ADDRESS:PORT"},
        {"state_dir: /x\nhttp: {port: 1}\n", "unknown key \"port\""},
        {"state_dir: /x\nhttp: {workers: 0}\n", "\"workers\" must be a number from 1"},
        {"state_dir: /x\nhttp: {workers: 33}\n", "\"workers\" must be a number from 1"},
        {"state_dir: /x\nhttp: {connections_per_address: 0}\n", "must be a number from 1"},
        {"state_dir: /x\nhttp: {tls: {}}\n", "r.yaml:2:13: \"listen\" is missing"},
        {"state_dir: /x\nhttp: {tls: {listen: \"0.0.0.0:8443\"}}\n", "\"certificate_file\" is missing"},
        {"state_dir: /x\nhttp: {tls: {listen: \"0.0.0.0:8443\", certificate_file: /no/file}}\n",
         "cannot read /no/file"},
        {"state_dir: /x\nhttp: {tls: {listen: 8443}}\n", "is not ADDRESS:PORT"},
        {"state_dir: /x\ndhcp: {}\n", "\"interfaces\" is missing"},
        {"state_dir: /x\ndhcp: {interfaces: []}\n", "no interface is named"},
        {"state_dir: /x\ndhcp: {interfaces: [abcdefghijklmnop]}\n", "is not an interface's name"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: []}\n", "no subnet"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], mode: both, subnets: [{prefix: 10.0.0.0/24}]}\n",
         "\"mode\" must be"},
#define CLIENTS(x)                                                                                           \
    "state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24}], clients: [" x "]}\n"
        {CLIENTS("{name: x, loaders: [a.efi]}"), "it says of no client that it is one"},
        {CLIENTS("{name: ipxe, arch: [7], loaders: [a.efi]}"), "cannot be a kind's name"},
        {CLIENTS("{name: a b, arch: [7], loaders: [a.efi]}"), "cannot be a kind's name"},
        {CLIENTS("{name: x, arch: [7]}"), "\"loaders\" is missing"},
        {CLIENTS("{name: x, arch: [7], loaders: []}"), "1 to 4 loaders"},
        {CLIENTS("{name: x, arch: [7], loaders: [../a.efi]}"), "is not a loader's name"},
        {CLIENTS("{name: x, arch: [x64], loaders: [a.efi]}"), "is not an architecture's number"},
        {CLIENTS("{name: x, arch: [70000], loaders: [a.efi]}"), "is not an architecture's number"},
        {CLIENTS("{name: x, arch: [7x], loaders: [a.efi]}"), "is not an architecture's number"},
        {CLIENTS("{name: x, arch: 7, loaders: [a.efi]}"), "must be a list, not a single value: arch: [7]"},
        {CLIENTS("{name: x, arch: [7], loaders: [a.efi, a.efi]}"), "the loader a.efi is named twice"},
        {CLIENTS("{name: x, arch: [7], loaders: [a.efi]}, {name: x, arch: [9], loaders: [a.efi]}"),
         "another kind of client is called x"},
        {CLIENTS("{name: x, arch: [7, 16], loaders: [a.efi]}"), "make two rows of them"},
        {CLIENTS("{name: x, arch: [7], loaders: [a.efi], fast: true}"), "unknown key \"fast\""},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24}], loader_timeout: 1s}\n",
         "10 s or more"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.1/24}]}\n",
         "the prefix is 10.0.0.0/24"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], probe: 5s, subnets: [{prefix: 10.0.0.0/24}]}\n",
         ":2:34: \"probe\" must be a time from 0 to 3000ms"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], lease_time: 5s, subnets: [{prefix: 10.0.0.0/24}]}\n",
         "shorter than a minute"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, router: 10.0.1.1}]}\n",
         "not inside the prefix"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, pool: 10.0.0.1}]}\n",
         "is not FIRST-LAST"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, pool: "
         "10.0.0.9-10.0.0.8}]}\n",
         "the first address is after the last"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, pool: "
         "10.0.0.1-10.0.0.255}]}\n",
         "not inside the hosts"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, unknown: maybe}]}\n",
         "discover or ignore"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/8},\n {prefix: "
         "10.1.0.0/16}]}\n",
         "r.yaml:3:2: this subnet overlaps the one at line 2"},
        {"state_dir: /x\ndhcp: {interfaces: [br0, br0], subnets: [{prefix: 10.0.0.0/24}]}\n",
         "r.yaml:2:26: the interface br0 is named twice"},
#define SUBNET(x) "state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{" x "}]}\n"
        {SUBNET("prefix: 0.0.0.0/0"), "0.0.0.0/0 holds addresses of 0.0.0.0/8"},
        {SUBNET("prefix: 127.1.0.0/16"), "holds addresses of 127.0.0.0/8"},
        {SUBNET("prefix: 239.0.0.0/8"), "holds addresses of 224.0.0.0/3"},
        {SUBNET("prefix: 10.0.0.0/24, router: 10.0.0.0"), "network or the broadcast address of 10.0.0.0/24"},
        {SUBNET("prefix: 10.0.0.0/24, router: 10.0.0.255"), "network or the broadcast address"},
        {SUBNET("prefix: 10.0.0.0/24, shared_network: \"\""), "\"shared_network\" needs a name"},
        {SUBNET("prefix: 10.0.0.0/24, domain: lab example"), "\"lab example\" is not a domain's name"},
        {SUBNET("prefix: 10.0.0.0/24, lease_time: 9999999d"), "\"lease_time\" is too long with 9999999d"},
        {"state_dir: /x\nhosts: {domain: a b}\n", "\"a b\" is not a domain's name"},
        {"state_dir: /x\nhosts: {ca_certificates_file: /dev/null}\n", "/dev/null holds no PEM certificate"},
        {"state_dir: /x\nlog_level: loud\n", "r.yaml:2:12: \"log_level\" must be error, warn, info or debug"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], options: {54: 1.1.1.1}, subnets: [{prefix: "
         "10.0.0.0/24}]}\n",
         "r.yaml:2:41: option 54 (dhcp-server-identifier) cannot be set"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, router: 10.0.0.1, "
         "options: "
         "{3: 10.0.0.2}}]}\n",
         "option 3 is what \"router\" of this subnet says already"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, lease_time: 5s}]}\n",
         "shorter than a minute"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, pools: "
         "[10.0.0.10-10.0.0.19, 10.0.0.19-10.0.0.29]}]}\n",
         "overlaps another pool"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, pools: "
         "[10.0.1.1-10.0.1.2]}]}\n",
         "not inside the hosts of 10.0.0.0/24"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, exclude: [10.0.0.9]}]}\n",
         "no pool to exclude"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, pool: 10.0.0.8-10.0.0.9, "
         "exclude: [10.0.0.8-10.0.0.9]}]}\n",
         "leaves no address of the pool"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/24, pool: 10.0.0.8-10.0.0.9, "
         "exclude: [x]}]}\n",
         "is not an address or FIRST-LAST"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], subnets: [{prefix: 10.0.0.0/8, pool: "
         "10.0.0.1-10.15.255.255},\n {prefix: 11.0.0.0/8, pools: [11.0.0.1-11.0.0.2]}]}\n",
         "r.yaml:3:30: with this the pools have 1048577 addresses"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], relays: [], subnets: [{prefix: 10.0.0.0/24}]}\n",
         "no relay is named"},
        {"state_dir: /x\ndhcp: {interfaces: [br0], relays: [10.0.0.1/24], subnets: [{prefix: "
         "10.0.0.0/24}]}\n",
         "r.yaml:2:36: \"10.0.0.1/24\" has host bits set"},
        {"state_dir: /x\nenrol: {driver: puppet}\n", "\"driver\" must be salt or none"},
        {"state_dir: /x\nenrol: {driver: salt}\n", "\"salt\" is missing"},
        {"state_dir: /x\nenrol: {driver: salt, salt: {master: m, api: a, username: u}}\n",
         "\"password_file\" is missing"},
        {"state_dir: /x\nenrol: {driver: salt, salt: {master: m, api: a, username: u, password_file: "
         "/no/file}}\n",
         "cannot read /no/file"},
        {"state_dir: /x\nhosts: {authorized_keys: [\"ssh-ed25519 =\"]}\n", "not an OpenSSH public key"},
        {"state_dir: /x\nhosts: {authorized_keys: [AAAA]}\n", "not an OpenSSH public key"},
        {"state_dir: /x\nhosts: {authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me]}\n",
         "r.yaml:2:27: this is not an OpenSSH public key"},
        {"state_dir: /x\nhttp: {streams_per_address: many}\n", "\"streams_per_address\" must be a number"},
        {"state_dir: /x\nhttp: {max_streams: 0}\n", "\"max_streams\" must be a number from 1"},
        {"state_dir: /x\nwipe_limit: 0\n", "\"wipe_limit\" must be a number from 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refuses(rows[i][0], rows[i][1]);
    struct config *c;
    struct err e = {0};
    assert_int_equal(config_load("/no/such.yaml", &c, &e), -1);
    assert_non_null(strstr(e.text, "-c FILE"));
}

static void passwords(void **state)
{
    (void)state;
    char text[512], said[128];
    snprintf(text, sizeof text,
             "state_dir: /x\nenrol: {driver: salt, salt: {master: m, api: a, username: u, password_file: %s, "
             "master_pubkey_file: %s}}\n",
             pass, pub);
    assert_int_equal(chmod(pass, 0644), 0);
    snprintf(said, sizeof said, "every user can read %s", pass);
    refuses(text, said);
    assert_int_equal(chmod(pass, 0640), 0);
    assert_int_equal(truncate(pass, 0), 0);
    refuses(text, "holds no password");
}

static int nothing(const struct args *a, const struct config *c, struct err *e)
{
    (void)a;
    (void)c;
    (void)e;
    return 0;
}

static void options(void **state)
{
    (void)state;
    static const struct command cmd = {
        "device list", "[SELECTOR]", "", NULL, OPT_JSON | OPT_SELECT | OPT_COUNT, 0, 1, nothing};
    struct args a;
    struct err e = {0};
    char *good[] = {"list", "--json", "-c", "f", "--rack", "r1", "role=hv", "--count=12", NULL};
    assert_int_equal(args_parse(8, good, &cmd, &a, NULL), 0);
    assert_true(a.json);
    assert_string_equal(a.config, "f");
    assert_int_equal(a.count, 12);
    assert_int_equal(a.words_n, 1);
    char *selector = args_selector(&a, a.words[0]);
    assert_string_equal(selector, "role=hv,rack=r1");
    free(selector);
    static char *const bad[][4] = {{"list", "--unknown", NULL}, {"list", "--count", NULL},
                                   {"list", "--count", "x"},    {"list", "a", "b"},
                                   {"list", "--count", "0"},    {"list", "--count", "99999999999999999999"},
                                   {"list", "--count", "-1"}};
    static const int n[] = {2, 2, 3, 3, 3, 3, 3};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
        char *argv[5] = {bad[i][0], bad[i][1], bad[i][2], NULL};
        assert_int_equal(args_parse(n[i], argv, &cmd, &a, &e), -1);
        assert_int_equal(e.kind, ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_whole),
                                       cmocka_unit_test(clients),
                                       cmocka_unit_test(dhcp_parts),
                                       cmocka_unit_test(no_subnets),
                                       cmocka_unit_test(thousands_of_subnets),
                                       cmocka_unit_test(mistakes_have_a_place),
                                       cmocka_unit_test(options),
                                       cmocka_unit_test(passwords)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

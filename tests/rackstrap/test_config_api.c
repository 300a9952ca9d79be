/* The configuration of the API's server and of a NetBox to follow: defaults, all keys, and every mistake with
 * its place. */
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
#include "rackstrap/config.h"

#define HEX40 "0123456789abcdef0123456789abcdef01234567"

static char folder[] = "/tmp/rackstrap-config-XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, text, strlen(text), mode, NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder))
        return -1;
    put("token", "nbt_abcdefghijkl.0123456789012345678901234567890123456789\n", 0600);
    put("old", HEX40 "\n", 0640);
    put("open", HEX40 "\n", 0644);
    put("bad", "hello\n", 0600);
    put("secret", "0123456789abcdef\n", 0600);
    put("short", "0123\n", 0600);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return dir_remove(folder, NULL);
}

static int load(const char *text, struct config **ret, struct err *e)
{
    put("r.yaml", text, 0600);
    return config_load("r.yaml", ret, e);
}

static struct config *takes(const char *text)
{
    struct config *c = NULL;
    struct err e = {0};
    if (load(text, &c, &e))
        fail_msg("%s", e.text);
    return c;
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

static void silence_is_off(void **state)
{
    (void)state;
    struct config *c = takes("state_dir: /x\n");
    assert_false(c->has_api);
    assert_string_equal(c->netbox.url, "");
    assert_null(c->api.webhook_secret);
    config_free(c);
}

static void the_api(void **state)
{
    (void)state;
    struct config *c =
        takes("state_dir: /x\njob_expiry: 2h\nwipe_limit: 3\napi: {listen: \"127.0.0.1:8081\"}\n");
    assert_true(c->has_api);
    assert_int_equal(c->api_http.port, 8081);
    assert_int_equal(c->api_http.address.a, 0x7f000001);
    assert_int_equal(c->api_http.connections, 256);
    assert_int_equal(c->api.body_max, 10 << 20);
    assert_ptr_equal(c->api_http.api, &c->api);
    assert_int_equal(c->api.api.job_expiry_s, 7200);
    assert_int_equal(c->api.api.wipe_limit, 3);
    assert_null(c->api.api.netbox_url);
    config_free(c);
    c = takes(
        "state_dir: /x\napi:\n  listen: \"10.0.0.1:80\"\n  connections: 64\n  connections_per_address: 8\n"
        "  body_max: 1M\n  trusted_proxies: [10.0.0.2, 10.1.0.0/16]\n");
    assert_int_equal(c->api_http.connections, 64);
    assert_int_equal(c->api_http.connections_per_address, 8);
    assert_int_equal(c->api.body_max, 1 << 20);
    assert_int_equal(c->api.proxies_n, 2);
    assert_int_equal(c->api.proxies[0].len, 32);
    assert_int_equal(c->api.proxies[1].len, 16);
    config_free(c);
}

static void netbox_defaults(void **state)
{
    (void)state;
    struct config *c =
        takes("state_dir: /x\nnetbox: {url: \"https://netbox.example/nb/\", token_file: token}\n");
    const struct netbox_config *n = &c->netbox;
    assert_string_equal(n->url, "https://netbox.example/nb");
    assert_true(str_starts(n->token, "nbt_"));
    assert_int_equal(n->interval_s, 60);
    assert_int_equal(n->full_interval_s, 3600);
    assert_int_equal(n->timeout_s, 30);
    assert_int_equal(n->page_size, 500);
    assert_int_equal(n->max_drop, 10);
    assert_true(n->image_n == 1 && n->image[0].by == NETBOX_IMAGE_FIELD);
    assert_string_equal(n->image[0].name, "image");
    assert_int_equal(n->gateway.by, NETBOX_GATEWAY_FIELD);
    assert_string_equal(n->gateway.name, "gateway");
    assert_int_equal(n->arm_status_n, 2);
    assert_string_equal(n->arm_status[1], "staged");
    assert_false(n->webhook || n->write.status || n->write.journal);
    assert_string_equal(c->api.api.netbox_url, n->url);
    config_free(c);
}

static void netbox_whole(void **state)
{
    (void)state;
    struct config *c = takes(
        "state_dir: /x\nnetbox:\n  url: http://10.0.0.1:8000\n  token_file: old\n  ca_file: /etc/ca.pem\n"
        "  interval: 10s\n  full_interval: 10m\n  timeout: 5s\n  page_size: 1000\n  max_drop: 0\n"
        "  filter: role=hypervisor&site=par1&cf_x=a%20b\n"
        "  image: [{field: os}, {platform: debian-12, image: debian-12@1}, {role: hv, image: hv}]\n"
        "  gateway: {tag: gw}\n  arm_status: [planned]\n  webhook_secret_file: secret\n"
        "  write: {status: true, journal: true, release_field: release, hardware_field: hw}\n");
    const struct netbox_config *n = &c->netbox;
    assert_string_equal(n->token, HEX40);
    assert_string_equal(n->ca_file, "/etc/ca.pem");
    assert_string_equal(n->filter, "role=hypervisor&site=par1&cf_x=a%20b");
    assert_int_equal(n->image_n, 3);
    assert_int_equal(n->image[1].by, NETBOX_IMAGE_PLATFORM);
    assert_string_equal(n->image[1].image, "debian-12@1");
    assert_string_equal(n->image[2].name, "hv");
    assert_int_equal(n->gateway.by, NETBOX_GATEWAY_TAG);
    assert_int_equal(n->arm_status_n, 1);
    assert_int_equal(n->max_drop, 0);
    assert_string_equal(c->api.webhook_secret, "0123456789abcdef");
    assert_true(n->webhook && n->write.status && n->write.journal);
    assert_string_equal(n->write.release_field, "release");
    assert_string_equal(n->write.hardware_field, "hw");
    config_free(c);
    c = takes("state_dir: /x\nnetbox: {url: \"http://n\", token_file: old, image_field: os, gateway: first,\n"
              "  arm_status: []}\n");
    assert_string_equal(c->netbox.image[0].name, "os");
    assert_int_equal(c->netbox.gateway.by, NETBOX_GATEWAY_FIRST);
    assert_int_equal(c->netbox.arm_status_n, 0);
    config_free(c);
}

static void mistakes(void **state)
{
    (void)state;
#define API(x)    "state_dir: /x\napi: {" x "}\n"
#define NETBOX(x) "state_dir: /x\nnetbox: {url: \"http://n\", token_file: token, " x "}\n"
    static const char *const rows[][2] = {
        {API(""), "r.yaml:2:6: neither \"listen\" nor \"tls\""},
        {API("listen: 8081"), "is not ADDRESS:PORT"},
        {API("listen: \"127.0.0.1:8080\""), "r.yaml:2:15: port 8080 is http's"},
        {API("listen: \"127.0.0.1:8081\", port: 1"), "unknown key \"port\""},
        {API("listen: \"127.0.0.1:8081\", body_max: 1K"), "must be from 64K to 256M"},
        {API("listen: \"127.0.0.1:8081\", body_max: 1G"), "must be from 64K to 256M"},
        {API("listen: \"127.0.0.1:8081\", connections: 3"), "must be a number from 4"},
        {API("listen: \"127.0.0.1:8081\", trusted_proxies: [x]"), "r.yaml:2:51: "},
        {API("listen: \"127.0.0.1:8081\", trusted_proxies: [10.0.0.1/8]"), "host bits"},
        {API("tls: {listen: \"127.0.0.1:8081\"}"), "\"certificate_file\" is missing"},
        {"state_dir: /x\nnetbox: {}\n", "\"url\" is missing"},
        {"state_dir: /x\nnetbox: {url: \"http://n\"}\n", "\"token_file\" is missing"},
        {"state_dir: /x\nnetbox: {url: n, token_file: token}\n", "is not NetBox's address"},
        {"state_dir: /x\nnetbox: {url: \"https:///\", token_file: token}\n", "is not NetBox's address"},
        {"state_dir: /x\nnetbox: {url: \"https://\", token_file: token}\n", "is not NetBox's address"},
        {"state_dir: /x\nnetbox: {url: \"https://u:p@n\", token_file: token}\n", "is not NetBox's address"},
        {"state_dir: /x\nnetbox: {url: \"https://n/api/\", token_file: token}\n", "leave /api out"},
        {"state_dir: /x\nnetbox: {url: \"http://n\", token_file: open}\n", "every user can read open"},
        {"state_dir: /x\nnetbox: {url: \"http://n\", token_file: bad}\n", "bad holds no token of NetBox"},
        {"state_dir: /x\nnetbox: {url: \"http://n\", token_file: none}\n", "cannot read none"},
        {NETBOX("webhook_secret_file: short"), "shorter than 16"},
        {NETBOX("webhook_secret_file: open"), "every user can read open"},
        {NETBOX("write: {release_field: image}"), "another one"},
        {NETBOX("image: [{role: hv, image: hv}, {field: os}], write: {hardware_field: os}"), "another one"},
        {NETBOX("write: {release_field: x, hardware_field: x}"), "the same custom field"},
        {NETBOX("page_size: 1001"), "must be a number from 1 to 1000"},
        {NETBOX("max_drop: 101"), "must be a number from 0 to 100"},
        {NETBOX("interval: 2h"), "must not be the shorter"},
        {NETBOX("filter: \"?role=x\""), "what follows ?"},
        {NETBOX("filter: role"), "is not KEY=VALUE"},
        {NETBOX("filter: \"a=b&limit=5\""), "\"limit\" picks no devices"},
        {NETBOX("image: [{field: a, role: b}]"), "one of \"field\""},
        {NETBOX("image: [{role: b}]"), "\"image\" is missing"},
        {NETBOX("image: [{field: a, image: b}]"), "unknown key \"image\""},
        {NETBOX("image: [{field: \"a b\"}]"), "is no name"},
        {NETBOX("image_field: a, image: [{field: a}]"), "give one of them"},
        {NETBOX("gateway: last"), "\"gateway\" is `first`"},
        {NETBOX("gateway: {field: a, tag: b}"), "\"gateway\" is `first`"},
        {NETBOX("gateway: [a]"), "\"gateway\" is `first`"},
        {NETBOX("arm_status: [plan]"), "\"plan\" is no status"},
        {NETBOX("arm_status: [\"\"]"), "is no status"},
        {NETBOX("arm_status: [\"active planned\"]"), "is no status"},
        {NETBOX("write: {all: true}"), "unknown key \"all\""},
        {NETBOX("write: {status: maybe}"), "status"},
        {NETBOX("tokens: 1"), "unknown key \"tokens\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refuses(rows[i][0], rows[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_off), cmocka_unit_test(the_api),  cmocka_unit_test(netbox_defaults),
        cmocka_unit_test(netbox_whole),   cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

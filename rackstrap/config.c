#include "rackstrap/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "base/yaml.h"
#include "rackstrap/config_parts.h"
#include "rackstrap/ssh_key.h"

#define SECRET_MAX 4096

int config_file(struct yaml_node *map, const char *key, size_t max, char **ret, struct err *e)
{
    const char *path = NULL;
    struct str text = {0};
    struct err why;
    if (yaml_str(map, key, false, &path, e))
        return -1;
    if (!path)
        return 0;
    if (file_read(path, max, &text, &why)) {
        str_free(&text);
        return yaml_error(yaml_get(map, key), e, "%s", why.text);
    }
    *ret = str_take(&text);
    return 0;
}

int config_secret_file(struct yaml_node *map, const char *key, size_t max, char **ret, struct err *e)
{
    const char *path = NULL;
    struct stat st;
    if (config_file(map, key, max, ret, e) || yaml_str(map, key, false, &path, e))
        return -1;
    if (path && stat(path, &st) == 0 && st.st_mode & S_IROTH)
        return yaml_error(yaml_get(map, key), e, "every user can read %s; mend it: chmod o= %s", path, path);
    return 0;
}

int config_secret_line(struct yaml_node *map, const char *key, const char *what, char **ret, struct err *e)
{
    if (config_secret_file(map, key, SECRET_MAX, ret, e))
        return -1;
    if (!*ret)
        return 0;
    (*ret)[strcspn(*ret, "\r\n")] = '\0';
    if (!**ret)
        return yaml_error(yaml_get(map, key), e, "%s holds no %s on its first line",
                          yaml_text(yaml_get(map, key)), what);
    return 0;
}

int config_interfaces(struct yaml_node *map, bool required, char names[16][16], size_t *n, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(map, "interfaces", required, &list, e) || !list)
        return list || !yaml_get(map, "interfaces") ? (required ? -1 : 0) : -1;
    if (yaml_len(list) > 16)
        return yaml_error(list, e, "more than 16 interfaces");
    if (required && !yaml_len(list))
        return yaml_error(list, e, "no interface is named; name the one that the machines are on");
    for (size_t i = 0; i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        if (yaml_want(item, YAML_SCALAR, "an interface", e))
            return -1;
        if (!*yaml_text(item) || !str_copy(names[i], 16, yaml_text(item)))
            return yaml_error(item, e, "\"%.40s\" is not an interface's name (1 to 15 characters)",
                              yaml_text(item));
        for (size_t k = 0; k < i; k++)
            if (strcmp(names[k], names[i]) == 0)
                return yaml_error(item, e, "the interface %s is named twice", names[i]);
    }
    *n = yaml_len(list);
    return 0;
}

/* It goes into DHCP's option, which takes any bytes, and into the hosts' files, which take no blank. */
int config_domain(struct yaml_node *map, char *buf, size_t size, struct err *e)
{
    static const char taken[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    if (yaml_copy(map, "domain", false, buf, size, e))
        return -1;
    if (buf[strspn(buf, taken)])
        return yaml_error(yaml_get(map, "domain"), e,
                          "\"%.80s\" is not a domain's name: letters, digits, - and dots", buf);
    return 0;
}

static int parse_tftp(struct yaml_node *root, struct config *c, struct err *e)
{
    struct yaml_node *map;
    uint64_t port = 69;
    if (yaml_map(root, "tftp", false, &map, e))
        return -1;
    c->has_tftp = map != NULL;
    c->tftp.port = 69;
    str_copy(c->tftp.root, sizeof c->tftp.root, c->state_dir);
    size_t n = strlen(c->tftp.root);
    str_copy(c->tftp.root + n, sizeof c->tftp.root - n, "/tftp");
    if (!map)
        return 0;
    if (config_interfaces(map, false, c->tftp.interfaces, &c->tftp.interfaces_n, e) ||
        yaml_u64(map, "port", false, 1, 65535, &port, e) ||
        yaml_copy(map, "root", false, c->tftp.root, sizeof c->tftp.root, e))
        return -1;
    c->tftp.port = (uint16_t)port;
    return yaml_no_more(map, e);
}

static int parse_salt(struct yaml_node *map, struct config *c, struct err *e)
{
    struct enrol_salt_config *s = &c->enrol.salt;
    uint64_t port = 4506, publish = 4505;
    str_copy(s->eauth, sizeof s->eauth, "pam");
    if (yaml_copy(map, "master", true, c->http.salt_master, sizeof c->http.salt_master, e) ||
        yaml_copy(map, "api", true, s->api, sizeof s->api, e) ||
        yaml_copy(map, "username", true, s->username, sizeof s->username, e) ||
        yaml_copy(map, "eauth", false, s->eauth, sizeof s->eauth, e) ||
        yaml_copy(map, "ca_file", false, s->ca_file, sizeof s->ca_file, e) ||
        yaml_u64(map, "master_port", false, 1, 65535, &port, e) ||
        yaml_u64(map, "publish_port", false, 1, 65535, &publish, e) ||
        config_secret_line(map, "password_file", "password", &c->password, e) ||
        config_file(map, "master_pubkey_file", CONFIG_PEM_MAX, &c->salt_pubkey, e))
        return -1;
    if (!c->password)
        return yaml_error(map, e, "\"password_file\" is missing here: salt-api's password for %s",
                          s->username);
    if (!c->salt_pubkey)
        return yaml_error(map, e,
                          "\"master_pubkey_file\" is missing here: the master's public key, so that machines "
                          "trust no other; "
                          "on the master it is pki/master/master.pub");
    if (!strstr(c->salt_pubkey, "-----BEGIN PUBLIC KEY-----"))
        return yaml_error(yaml_get(map, "master_pubkey_file"), e, "this file holds no PEM public key");
    s->password = c->password;
    c->http.salt_master_pubkey = c->salt_pubkey;
    c->http.salt_master_port = (uint16_t)port;
    c->http.salt_publish_port = (uint16_t)publish;
    return yaml_no_more(map, e);
}

static int parse_enrol(struct yaml_node *root, struct config *c, struct err *e)
{
    struct yaml_node *map, *salt;
    str_copy(c->enrol.driver, sizeof c->enrol.driver, "none");
    if (yaml_map(root, "enrol", false, &map, e))
        return -1;
    if (!map)
        return 0;
    if (yaml_copy(map, "driver", true, c->enrol.driver, sizeof c->enrol.driver, e))
        return -1;
    bool is_salt = strcmp(c->enrol.driver, "salt") == 0;
    if (!is_salt && strcmp(c->enrol.driver, "none") != 0)
        return yaml_error(yaml_get(map, "driver"), e, "\"driver\" must be salt or none, not \"%s\"",
                          c->enrol.driver);
    if (yaml_map(map, "salt", is_salt, &salt, e) || (salt && parse_salt(salt, c, e)))
        return -1;
    if (!is_salt)
        c->http.salt_master[0] = '\0';
    return yaml_no_more(map, e);
}

/* What every host gets: keys, certificates. */
static int parse_hosts(struct yaml_node *root, struct config *c, struct err *e)
{
    struct yaml_node *map, *list;
    if (yaml_map(root, "hosts", false, &map, e))
        return -1;
    if (!map)
        return 0;
    if (config_domain(map, c->http.domain, sizeof c->http.domain, e) ||
        yaml_seq(map, "authorized_keys", false, &list, e) ||
        config_file(map, "ca_certificates_file", CONFIG_PEM_MAX, &c->ca_certificates, e))
        return -1;
    if (c->ca_certificates && !httpboot_tls_is_certificate(c->ca_certificates))
        return yaml_error(yaml_get(map, "ca_certificates_file"), e, "%s holds no PEM certificate",
                          yaml_text(yaml_get(map, "ca_certificates_file")));
    for (size_t i = 0; list && i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        if (i == HTTPBOOT_MAX_KEYS)
            return yaml_error(item, e, "more than %d keys", HTTPBOOT_MAX_KEYS);
        if (yaml_want(item, YAML_SCALAR, "a key", e))
            return -1;
        if (!ssh_key_ok(yaml_text(item)) || strchr(yaml_text(item), '\n'))
            return yaml_error(
                item, e, "this is not an OpenSSH public key on one line, like \"ssh-ed25519 AAAA... name\"");
        c->keys[i] = xstrdup(yaml_text(item));
        c->http.authorized_keys[i] = c->keys[i];
        c->http.authorized_keys_n = i + 1;
    }
    c->http.ca_certificates = c->ca_certificates;
    return yaml_no_more(map, e);
}

/* httpboot answers for the same subnets as dhcpd; it is told, since neither may ask the other. */
static void share_subnets(struct config *c)
{
    size_t n = c->dhcp.subnets_n;
    c->unknown = xcalloc(n + 1, sizeof *c->unknown);
    c->networks = xcalloc(n + 1, sizeof *c->networks);
    for (size_t i = 0; i < n; i++) {
        const struct dhcpd_subnet *s = &c->dhcp.subnets[i];
        c->unknown[i] = (struct httpboot_unknown){.prefix = s->prefix, .unknown = s->unknown};
        c->networks[i] = (struct httpboot_network){.prefix = s->prefix,
                                                   .has_router = s->has_router,
                                                   .router = s->router,
                                                   .dns = s->dns,
                                                   .dns_n = s->dns_n};
    }
    const struct dhcpd_subnet *all = &c->dhcp.everywhere; /* an inventory's prefix is in none of them */
    c->networks[n] = (struct httpboot_network){.dns = all->dns, .dns_n = all->dns_n};
    c->http.unknown = c->unknown;
    c->http.networks = c->networks;
    c->http.unknown_n = n;
    c->http.networks_n = n + (all->dns_n > 0);
}

static int parse_log_level(struct yaml_node *root, struct config *c, struct err *e)
{
    const char *text = NULL;
    c->log_level = LOG_LVL_INFO;
    if (yaml_str(root, "log_level", false, &text, e))
        return -1;
    if (text && !log_level_parse(text, &c->log_level))
        return yaml_error(yaml_get(root, "log_level"), e,
                          "\"log_level\" must be error, warn, info or debug, not \"%.40s\"", text);
    return 0;
}

static int parse_root(struct yaml_node *root, struct config *c, struct err *e)
{
    c->job_expiry = 24 * 3600;
    c->wipe_limit = 5;
    str_copy(c->http.kernel_args, sizeof c->http.kernel_args, "console=tty0 console=ttyS0");
    if (yaml_want(root, YAML_MAP, "the configuration", e) ||
        yaml_copy(root, "state_dir", true, c->state_dir, sizeof c->state_dir, e) ||
        yaml_copy(root, "user", false, c->user, sizeof c->user, e) || config_http(root, c, e) ||
        config_api(root, c, e) || config_netbox(root, c, e) || config_dhcp(root, c, e) ||
        parse_tftp(root, c, e) || parse_enrol(root, c, e) || parse_hosts(root, c, e) ||
        parse_log_level(root, c, e) ||
        yaml_copy(root, "kernel_args", false, c->http.kernel_args, sizeof c->http.kernel_args, e) ||
        yaml_duration(root, "job_expiry", false, &c->job_expiry, e) ||
        yaml_u64(root, "wipe_limit", false, 1, 1000000, &c->wipe_limit, e))
        return -1;
    if (c->state_dir[0] != '/')
        return yaml_error(yaml_get(root, "state_dir"), e, "\"state_dir\" must be a path from /, not \"%s\"",
                          c->state_dir);
    c->enrol.netbox = c->netbox.url[0] ? &c->netbox : NULL;
    c->enrol.wipe_limit = c->wipe_limit;
    c->enrol.job_expiry_s = c->job_expiry;
    share_subnets(c);
    str_copy(c->http.loaders, sizeof c->http.loaders, c->tftp.root);
    str_copy(c->dhcp.loaders, sizeof c->dhcp.loaders, c->tftp.root);
    c->api.api = (struct api_config){.state_dir = c->state_dir,
                                     .job_expiry_s = c->job_expiry,
                                     .wipe_limit = c->wipe_limit,
                                     .netbox_url = c->netbox.url[0] ? c->netbox.url : NULL};
    return yaml_no_more(root, e);
}

int config_load(const char *path, struct config **ret, struct err *e)
{
    struct yaml *y;
    if (yaml_load_file(path, &y, e)) {
        if (e && e->kind == ERR_NOT_FOUND)
            err_prefix(e, "no configuration (name it with -c FILE)");
        return -1;
    }
    struct config *c = xcalloc(1, sizeof *c);
    str_copy(c->path, sizeof c->path, path);
    int rc = parse_root(yaml_root(y), c, e);
    yaml_free(y);
    if (rc) {
        config_free(c);
        return -1;
    }
    *ret = c;
    return 0;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    char *secrets[] = {c->password, c->tls_key, c->api_key, c->netbox_token, c->webhook_secret};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        if (secrets[i])
            explicit_bzero(secrets[i], strlen(secrets[i]));
        free(secrets[i]);
    }
    free(c->tls_certificate);
    free(c->api_certificate);
    free(c->salt_pubkey);
    free(c->ca_certificates);
    for (size_t i = 0; i < HTTPBOOT_MAX_KEYS; i++)
        free(c->keys[i]);
    config_dhcp_free(c);
    free(c->unknown);
    free(c->networks);
    free(c);
}

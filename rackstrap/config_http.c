/* config_http: the `http:` part of the configuration. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"
#include "rackstrap/config_parts.h"

#define CONNECTIONS_MAX 4096
#define STREAMS         64 /* machines that are written at a time */

/* A machine takes one at a time; a few may be behind one address. */
#define STREAMS_OF_ADDRESS 16

/* "0.0.0.0:8080" */
int config_listen(struct yaml_node *map, bool required, struct ip4 *address, uint16_t *port, struct err *e)
{
    const char *text = NULL;
    char host[IP4_STR];
    if (yaml_str(map, "listen", required, &text, e))
        return -1;
    if (!text)
        return 0;
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long number = colon ? strtoul(colon + 1, &end, 10) : 0;
    bool fits = colon && (size_t)(colon - text) < sizeof host && colon[1] >= '0' && colon[1] <= '9' &&
                !*end && number > 0 && number < 65536;
    if (fits) {
        memcpy(host, text, (size_t)(colon - text));
        host[colon - text] = '\0';
        fits = ip4_parse(host, address, NULL) == 0;
    }
    if (!fits)
        return yaml_error(yaml_get(map, "listen"), e, "\"%.60s\" is not ADDRESS:PORT, like 0.0.0.0:8080",
                          text);
    *port = (uint16_t)number;
    return 0;
}

static int check_pair(struct yaml_node *map, const char *certificate, const char *key, struct err *e)
{
    const char *at = "certificate_file";
    struct err why = {0};
    if (!certificate || !key)
        return yaml_error(map, e, "\"%s\" is missing here: HTTPS needs a certificate and its private key",
                          certificate ? "key_file" : "certificate_file");
    if (httpboot_tls_check(certificate, key, &at, &why))
        return yaml_error(yaml_get(map, at), e, "%s: %s", yaml_text(yaml_get(map, at)), why.text);
    return 0;
}

int config_tls(struct yaml_node *part, struct httpboot_config *h, char **certificate, char **key,
               struct err *e)
{
    struct yaml_node *map;
    if (yaml_map(part, "tls", false, &map, e))
        return -1;
    if (!map)
        return 0;
    if (config_listen(map, true, &h->tls.address, &h->tls.port, e) ||
        config_file(map, "certificate_file", CONFIG_PEM_MAX, certificate, e) ||
        config_secret_file(map, "key_file", CONFIG_PEM_MAX, key, e) || check_pair(map, *certificate, *key, e))
        return -1;
    h->tls.certificate = *certificate;
    h->tls.key = *key;
    if (h->tls.port == h->port)
        return yaml_error(yaml_get(map, "listen"), e,
                          "port %u is that of plain HTTP: HTTPS needs one of its own", h->port);
    return yaml_no_more(map, e);
}

int config_http(struct yaml_node *root, struct config *c, struct err *e)
{
    struct yaml_node *map;
    uint64_t workers = 1, per_address = 0, streams = STREAMS, of_address = STREAMS_OF_ADDRESS;
    c->http.port = 8080;
    c->http.workers = 1;
    c->http.max_streams = STREAMS;
    c->http.streams_per_address = STREAMS_OF_ADDRESS;
    if (yaml_map(root, "http", false, &map, e))
        return -1;
    if (!map)
        return 0;
    if (config_listen(map, false, &c->http.address, &c->http.port, e) ||
        config_tls(map, &c->http, &c->tls_certificate, &c->tls_key, e) ||
        yaml_u64(map, "workers", false, 1, HTTPBOOT_MAX_WORKERS, &workers, e) ||
        yaml_u64(map, "max_streams", false, 1, ADMISSION_MAX, &streams, e) ||
        yaml_u64(map, "streams_per_address", false, 1, CONNECTIONS_MAX, &of_address, e) ||
        yaml_u64(map, "connections_per_address", false, 1, CONNECTIONS_MAX, &per_address, e))
        return -1;
    c->http.workers = (unsigned)workers;
    c->http.max_streams = (unsigned)streams;
    c->http.streams_per_address = (unsigned)of_address;
    c->http.connections_per_address = (unsigned)per_address;
    return yaml_no_more(map, e);
}

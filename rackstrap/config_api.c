/* config_api: the `api:` part of the configuration. */
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"
#include "rackstrap/config_parts.h"

#define CONNECTIONS     256 /* people and programs, not machines */
#define CONNECTIONS_MAX 4096
#define BODY_MIN        (64u * 1024)
#define BODY_DEFAULT    (10u << 20)
#define BODY_LIMIT      (256u << 20)

static bool same_place(struct ip4 a, uint16_t a_port, struct ip4 b, uint16_t b_port)
{
    return a_port && a_port == b_port && (!a.a || !b.a || ip4_eq(a, b));
}

/* The boot server's ports are the machines'. */
static int check_ports(struct yaml_node *map, const struct config *c, struct err *e)
{
    const struct httpboot_config *h = &c->http, *a = &c->api_http;
    bool plain = same_place(a->address, a->port, h->address, h->port) ||
                 same_place(a->address, a->port, h->tls.address, h->tls.port);
    bool tls = same_place(a->tls.address, a->tls.port, h->address, h->port) ||
               same_place(a->tls.address, a->tls.port, h->tls.address, h->tls.port);
    if (!a->port && !a->tls.port)
        return yaml_error(
            map, e,
            "neither \"listen\" nor \"tls\" is here; say where the API is, like listen: 127.0.0.1:8081");
    if (plain || tls)
        return yaml_error(yaml_get(plain ? map : yaml_get(map, "tls"), "listen"), e,
                          "port %u is http's, where machines boot from: the API needs one of its own",
                          plain ? a->port : a->tls.port);
    return 0;
}

static int parse_proxies(struct yaml_node *map, struct httpboot_api *a, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(map, "trusted_proxies", false, &list, e))
        return -1;
    for (size_t i = 0; list && i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        struct prefix *p = &a->proxies[i];
        struct err why = {0};
        if (i == HTTPBOOT_MAX_PROXIES)
            return yaml_error(item, e, "more than %d proxies", HTTPBOOT_MAX_PROXIES);
        if (yaml_want(item, YAML_SCALAR, "a proxy's address, or a prefix", e))
            return -1;
        *p = (struct prefix){.len = 32};
        if (strchr(yaml_text(item), '/') ? prefix_parse(yaml_text(item), p, &why)
                                         : ip4_parse(yaml_text(item), &p->net, &why))
            return yaml_error(item, e, "%s", why.text);
        a->proxies_n = i + 1;
    }
    return 0;
}

int config_api(struct yaml_node *root, struct config *c, struct err *e)
{
    struct httpboot_config *h = &c->api_http;
    uint64_t connections = CONNECTIONS, per_address = 0, body_max = BODY_DEFAULT;
    struct yaml_node *map;
    if (yaml_map(root, "api", false, &map, e))
        return -1;
    h->api = &c->api;
    h->workers = 1;
    c->has_api = map != NULL;
    if (!map)
        return 0;
    if (config_listen(map, false, &h->address, &h->port, e) ||
        config_tls(map, h, &c->api_certificate, &c->api_key, e) || check_ports(map, c, e) ||
        yaml_u64(map, "connections", false, 4, CONNECTIONS_MAX, &connections, e) ||
        yaml_u64(map, "connections_per_address", false, 1, CONNECTIONS_MAX, &per_address, e) ||
        yaml_size(map, "body_max", false, &body_max, e) || parse_proxies(map, &c->api, e))
        return -1;
    if (body_max < BODY_MIN || body_max > BODY_LIMIT)
        return yaml_error(yaml_get(map, "body_max"), e, "\"body_max\" must be from 64K to 256M, not %s",
                          yaml_text(yaml_get(map, "body_max")));
    h->connections = (unsigned)connections;
    h->connections_per_address = (unsigned)per_address;
    c->api.body_max = (size_t)body_max;
    return yaml_no_more(map, e);
}

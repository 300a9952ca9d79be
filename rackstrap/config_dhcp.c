/* config_dhcp: the `dhcp:` part of the configuration. */
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"
#include "rackstrap/config_parts.h"

/* "10.77.0.100-10.77.0.199", both in the prefix and neither its network nor broadcast address. */
static int parse_pool(struct yaml_node *map, struct dhcpd_subnet *s, struct err *e)
{
    const char *text = NULL;
    if (yaml_str(map, "pool", false, &text, e) || !text)
        return text || !yaml_get(map, "pool") ? 0 : -1;
    struct yaml_node *n = yaml_get(map, "pool");
    char first[IP4_STR], prefix[PREFIX_STR];
    size_t dash = strcspn(text, "-");
    bool fits = text[dash] == '-' && dash < sizeof first;
    if (fits) {
        memcpy(first, text, dash);
        first[dash] = '\0';
        fits = !ip4_parse(first, &s->pool_first, NULL) && !ip4_parse(text + dash + 1, &s->pool_last, NULL);
    }
    if (!fits)
        return yaml_error(n, e, "\"%.60s\" is not FIRST-LAST, like 10.77.0.100-10.77.0.199", text);
    if (s->pool_first.a > s->pool_last.a)
        return yaml_error(n, e, "the pool's first address is after its last");
    if (!prefix_has(s->prefix, s->pool_first) || !prefix_has(s->prefix, s->pool_last) ||
        ip4_eq(s->pool_first, s->prefix.net) || ip4_eq(s->pool_last, prefix_broadcast(s->prefix)))
        return yaml_error(n, e, "the pool is not inside the hosts of %s", prefix_format(s->prefix, prefix));
    s->has_pool = true;
    return 0;
}

static int parse_dns(struct yaml_node *map, struct dhcpd_subnet *s, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(map, "dns", false, &list, e))
        return -1;
    for (size_t i = 0; list && i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        struct err why;
        if (i == DHCPD_MAX_DNS)
            return yaml_error(item, e, "more than %d name servers", DHCPD_MAX_DNS);
        if (yaml_want(item, YAML_SCALAR, "a name server", e))
            return -1;
        if (ip4_parse(yaml_text(item), &s->dns[s->dns_n++], &why))
            return yaml_error(item, e, "%s", why.text);
    }
    return 0;
}

static int parse_unknown(struct yaml_node *map, enum unknown_policy *ret, struct err *e)
{
    const char *text = "ignore";
    if (yaml_str(map, "unknown", false, &text, e))
        return -1;
    if (strcmp(text, "ignore") != 0 && strcmp(text, "discover") != 0)
        return yaml_error(yaml_get(map, "unknown"), e,
                          "\"unknown\" must be discover or ignore, not \"%.40s\"", text);
    *ret = strcmp(text, "discover") == 0 ? UNKNOWN_DISCOVER : UNKNOWN_IGNORE;
    return 0;
}

static int parse_subnet(struct yaml_node *map, struct dhcpd_subnet *s, struct err *e)
{
    if (yaml_want(map, YAML_MAP, "a subnet", e) || yaml_prefix(map, "prefix", true, &s->prefix, e) ||
        yaml_ip4(map, "router", false, &s->router, e))
        return -1;
    s->has_router = yaml_get(map, "router") != NULL;
    if (s->has_router && !prefix_has(s->prefix, s->router))
        return yaml_error(yaml_get(map, "router"), e, "the router is not inside the prefix");
    if (parse_dns(map, s, e) || yaml_copy(map, "domain", false, s->domain, sizeof s->domain, e) ||
        parse_pool(map, s, e) || parse_unknown(map, &s->unknown, e))
        return -1;
    return yaml_no_more(map, e);
}

static int parse_subnets(struct yaml_node *map, struct dhcpd_config *d, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(map, "subnets", true, &list, e))
        return -1;
    if (!yaml_len(list))
        return yaml_error(list, e, "no subnet is given");
    for (size_t i = 0; i < yaml_len(list); i++) {
        struct dhcpd_subnet *s = &d->subnets[i];
        if (i == DHCPD_MAX_SUBNETS)
            return yaml_error(yaml_at(list, i), e, "more than %d subnets", DHCPD_MAX_SUBNETS);
        if (parse_subnet(yaml_at(list, i), s, e))
            return -1;
        for (size_t j = 0; j < i; j++)
            if (prefix_has(d->subnets[j].prefix, s->prefix.net) ||
                prefix_has(s->prefix, d->subnets[j].prefix.net))
                return yaml_error(yaml_at(list, i), e, "this subnet overlaps the one at line %d",
                                  yaml_line(yaml_at(list, j)));
        d->subnets_n = i + 1;
    }
    return 0;
}

int config_dhcp(struct yaml_node *root, struct config *c, struct err *e)
{
    struct yaml_node *map;
    const char *mode = "authoritative";
    if (yaml_map(root, "dhcp", false, &map, e))
        return -1;
    c->has_dhcp = map != NULL;
    if (!map)
        return 0;
    c->dhcp.lease_time = 3600;
    c->dhcp.http_port = c->http.port;
    if (config_interfaces(map, true, c->dhcp.interfaces, &c->dhcp.interfaces_n, e) ||
        yaml_str(map, "mode", false, &mode, e))
        return -1;
    if (strcmp(mode, "authoritative") != 0)
        return yaml_error(yaml_get(map, "mode"), e, "\"mode\" must be authoritative, not \"%.40s\"", mode);
    if (yaml_duration(map, "lease_time", false, &c->dhcp.lease_time, e) || parse_subnets(map, &c->dhcp, e))
        return -1;
    if (c->dhcp.lease_time < 60)
        return yaml_error(yaml_get(map, "lease_time"), e,
                          "a lease shorter than a minute is not kept by clients");
    return yaml_no_more(map, e);
}

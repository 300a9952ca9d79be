/* config_dhcp: the `dhcp:` part of the configuration. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"
#include "inventory/dhcp_yaml.h"
#include "rackstrap/config_parts.h"

/* A PXE ROM asks again after a second at the earliest (iPXE), and has its offer by then. */
#define PROBE_MS     300
#define PROBE_MS_MAX 3000

/* Of all pools together: dhcpd keeps 16 bytes for each that is free, and looks at each when it makes the
 * order in which they are given. */
#define POOLS_ADDRESSES_MAX (1u << 20)

/* A subnet as it is being read. */
struct reading {
    struct dhcpd_subnet s;
    struct yaml_node *node; /* for errors */
};

/* Pools
 * ---------------------------------------------------------------------------------------------------------------
 */

/* "10.77.0.100-10.77.0.199"; one address alone where that is taken. In the prefix, and neither its network
 * nor its broadcast address. */
static int read_range(const struct yaml_node *n, const struct dhcpd_subnet *s, bool alone,
                      struct dhcpd_range *ret, struct err *e)
{
    char first[IP4_STR], prefix[PREFIX_STR];
    if (yaml_want(n, YAML_SCALAR, alone ? "an address, or FIRST-LAST" : "FIRST-LAST", e))
        return -1;
    const char *text = yaml_text(n);
    size_t dash = strcspn(text, "-");
    bool fits = (text[dash] == '-' || alone) && dash < sizeof first;
    if (fits) {
        memcpy(first, text, dash);
        first[dash] = '\0';
        fits = !ip4_parse(first, &ret->first, NULL) &&
               !ip4_parse(text[dash] ? text + dash + 1 : first, &ret->last, NULL);
    }
    if (!fits)
        return yaml_error(n, e, "\"%.60s\" is not %sFIRST-LAST, like 10.77.0.100-10.77.0.199", text,
                          alone ? "an address or " : "");
    if (ret->first.a > ret->last.a)
        return yaml_error(n, e, "the first address is after the last");
    bool inside = prefix_has(s->prefix, ret->first) && prefix_has(s->prefix, ret->last);
    bool hosts = prefix_is_host(s->prefix, ret->first) && prefix_is_host(s->prefix, ret->last);
    if (!inside || !hosts)
        return yaml_error(n, e, "this is not inside the hosts of %s", prefix_format(s->prefix, prefix));
    return 0;
}

static int add_pool(const struct yaml_node *n, struct dhcpd_subnet *s, struct err *e)
{
    struct dhcpd_range r;
    if (read_range(n, s, false, &r, e))
        return -1;
    for (size_t i = 0; i < s->pool_n; i++)
        if (r.first.a <= s->pool[i].last.a && s->pool[i].first.a <= r.last.a)
            return yaml_error(n, e, "this overlaps another pool of the subnet");
    subnet_pool_add(s, r);
    return 0;
}

/* `pool: A-B`, `pools: [A-B, C-D]`, `exclude: [ADDRESS, E-F]`. */
static int read_pools(struct yaml_node *map, struct dhcpd_subnet *s, struct err *e)
{
    struct yaml_node *one = yaml_get(map, "pool"), *list, *without;
    struct dhcpd_range r;
    char prefix[PREFIX_STR];
    if ((one && add_pool(one, s, e)) || yaml_seq(map, "pools", false, &list, e) ||
        yaml_seq(map, "exclude", false, &without, e))
        return -1;
    for (size_t i = 0; list && i < yaml_len(list); i++)
        if (add_pool(yaml_at(list, i), s, e))
            return -1;
    bool any = s->pool_n > 0;
    if (without && !any)
        return yaml_error(without, e, "there is no pool to exclude addresses from");
    for (size_t i = 0; without && i < yaml_len(without); i++) {
        if (read_range(yaml_at(without, i), s, true, &r, e))
            return -1;
        subnet_pool_without(s, r);
    }
    if (any && !s->pool_n)
        return yaml_error(without, e, "this leaves no address of the pool of %s",
                          prefix_format(s->prefix, prefix));
    return 0;
}

/* A subnet
 * ------------------------------------------------------------------------------------------------------------
 */

static int read_dns(struct yaml_node *map, struct dhcpd_subnet *s, struct err *e)
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

static int read_unknown(struct yaml_node *map, enum unknown_policy *ret, struct err *e)
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

static int read_lease_time(struct yaml_node *map, uint32_t *ret, struct err *e)
{
    if (yaml_duration(map, "lease_time", false, ret, e))
        return -1;
    if (yaml_get(map, "lease_time") && *ret < 60)
        return yaml_error(yaml_get(map, "lease_time"), e,
                          "a lease shorter than a minute is not kept by clients");
    return 0;
}

/* What a subnet's own keys say, its options must not say again; and what the server's say of it is less
 * specific. */
static bool key_says(const struct dhcpd_subnet *s, uint8_t code, const char **ret_key)
{
    const struct {
        uint8_t code;
        bool said;
        const char *key;
    } keys[] = {{3, s->has_router, "router"}, {6, s->dns_n > 0, "dns"}, {15, s->domain[0], "domain"}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].code == code && keys[i].said) {
            *ret_key = keys[i].key;
            return true;
        }
    return false;
}

static int check_options(struct yaml_node *map, const struct dhcpd_subnet *s, const struct dhcp_set *own,
                         struct err *e)
{
    struct reader r = reader_of(dhcp_set_span(own));
    struct dhcp_option o;
    const char *key;
    while (dhcp_set_next(&r, &o))
        if (key_says(s, o.code, &key))
            return yaml_error(yaml_get(map, "options"), e,
                              "option %u is what \"%s\" of this subnet says already; leave one of them out",
                              o.code, key);
    return 0;
}

static int read_options(struct yaml_node *map, const struct dhcp_set *server, struct dhcpd_subnet *s,
                        struct err *e)
{
    struct dhcp_set own, below = {0}, all;
    struct reader r = reader_of(dhcp_set_span(server));
    struct dhcp_option o;
    struct err why;
    const char *key;
    if (dhcp_set_read(map, "options", &own, e) || check_options(map, s, &own, e))
        return -1;
    while (dhcp_set_next(&r, &o))
        if (!key_says(s, o.code, &key) && dhcp_set_put(&below, &o, e))
            return -1;
    if (dhcp_set_merge(dhcp_set_span(&below), dhcp_set_span(&own), &all, &why))
        return yaml_error(yaml_get(map, "options"), e, "with those of the server: %s", why.text);
    uint8_t *bytes = all.n ? xcalloc(1, all.n) : NULL;
    if (bytes)
        memcpy(bytes, all.bytes, all.n);
    s->options = span_of(bytes, all.n);
    return 0;
}

/* What the keys leave open and an option says: the hosts' own files (httpboot) tell the same as DHCP. */
static void fill_from_options(struct dhcpd_subnet *s)
{
    struct reader r = reader_of(s->options);
    struct dhcp_option o;
    const char *key;
    while (dhcp_set_next(&r, &o)) {
        struct reader v = reader_of(o.value);
        if (key_says(s, o.code, &key))
            continue;
        if (o.code == 3) {
            s->router.a = read_be32(&v);
            s->has_router = prefix_has(s->prefix, s->router);
        }
        while (o.code == 6 && reader_left(&v) && s->dns_n < DHCPD_MAX_DNS)
            s->dns[s->dns_n++].a = read_be32(&v);
        if (o.code == 15)
            span_to_str(o.value, s->domain, sizeof s->domain);
    }
}

static int check_prefix(struct yaml_node *map, struct prefix p, struct err *e)
{
    const struct prefix *never = prefix_never(p);
    char text[PREFIX_STR], hers[PREFIX_STR];
    return !never
               ? 0
               : yaml_error(yaml_get(map, "prefix"), e, "%s holds addresses of %s, which no machine can have",
                            prefix_format(p, text), prefix_format(*never, hers));
}

static int read_router(struct yaml_node *map, struct dhcpd_subnet *s, struct err *e)
{
    char prefix[PREFIX_STR];
    if (yaml_ip4(map, "router", false, &s->router, e))
        return -1;
    s->has_router = yaml_get(map, "router") != NULL;
    if (!s->has_router)
        return 0;
    if (!prefix_has(s->prefix, s->router))
        return yaml_error(yaml_get(map, "router"), e, "the router is not inside the prefix");
    if (!prefix_is_host(s->prefix, s->router))
        return yaml_error(yaml_get(map, "router"), e,
                          "this is the network or the broadcast address of %s, and no router's",
                          prefix_format(s->prefix, prefix));
    return 0;
}

static int read_shared_network(struct yaml_node *map, struct dhcpd_subnet *s, struct err *e)
{
    if (yaml_copy(map, "shared_network", false, s->shared_network, sizeof s->shared_network, e))
        return -1;
    if (yaml_get(map, "shared_network") && !s->shared_network[0])
        return yaml_error(yaml_get(map, "shared_network"), e,
                          "\"shared_network\" needs a name; leave the key out for a subnet that is alone");
    return 0;
}

static int read_subnet(struct yaml_node *map, const struct dhcp_set *server, struct dhcpd_subnet *s,
                       struct err *e)
{
    if (yaml_want(map, YAML_MAP, "a subnet", e) || yaml_prefix(map, "prefix", true, &s->prefix, e) ||
        check_prefix(map, s->prefix, e) || read_router(map, s, e) || read_dns(map, s, e) ||
        config_domain(map, s->domain, sizeof s->domain, e) || read_shared_network(map, s, e) ||
        read_pools(map, s, e) || read_unknown(map, &s->unknown, e) ||
        read_lease_time(map, &s->lease_time, e) || read_options(map, server, s, e))
        return -1;
    fill_from_options(s);
    return yaml_no_more(map, e);
}

/* All subnets
 * ---------------------------------------------------------------------------------------------------------
 */

static int compare_nets(const void *a, const void *b)
{
    const struct reading *x = a, *y = b;
    if (x->s.prefix.net.a != y->s.prefix.net.a)
        return x->s.prefix.net.a < y->s.prefix.net.a ? -1 : 1;
    return (int)x->s.prefix.len - (int)y->s.prefix.len;
}

/* Sorted, a subnet that overlaps any overlaps its neighbour. The later one in the file is the mistake. */
static int refuse_overlaps(const struct reading *all, size_t n, struct err *e)
{
    for (size_t i = 1; i < n; i++) {
        const struct reading *a = &all[i - 1], *b = &all[i];
        if (!prefix_has(a->s.prefix, b->s.prefix.net))
            continue;
        if (yaml_line(a->node) > yaml_line(b->node)) {
            a = b;
            b = &all[i - 1];
        }
        return yaml_error(b->node, e, "this subnet overlaps the one at line %d", yaml_line(a->node));
    }
    return 0;
}

static void keep_one(struct dhcpd_config *d, struct ip4 ip)
{
    const struct dhcpd_subnet *in = subnet_find(d->subnets, d->subnets_n, ip);
    if (in)
        subnet_pool_without(&d->subnets[in - d->subnets], (struct dhcpd_range){ip, ip});
}

/* A pool gives no router and no name server away, be it its own subnet's or another's, said by a key or by an
 * option. */
static void keep_servers(struct dhcpd_config *d)
{
    for (size_t i = 0; i < d->subnets_n; i++) {
        const struct dhcpd_subnet *s = &d->subnets[i];
        struct reader set = reader_of(s->options);
        struct dhcp_option o;
        for (size_t k = 0; k < s->dns_n; k++)
            keep_one(d, s->dns[k]);
        if (s->has_router)
            keep_one(d, s->router);
        while (dhcp_set_next(&set, &o))
            for (struct reader r = reader_of(o.value); (o.code == 3 || o.code == 6) && reader_left(&r);)
                keep_one(d, (struct ip4){read_be32(&r)});
    }
}

static void name_domain(struct config *c, const char *domain)
{
    if (!c->http.domain[0])
        str_copy(c->http.domain, sizeof c->http.domain, domain);
}

static int check_pools(const struct reading *x, uint64_t *total, struct err *e)
{
    struct yaml_node *pool = yaml_get(x->node, "pool"), *at = pool ? pool : yaml_get(x->node, "pools");
    *total += subnet_pool_size(&x->s);
    if (*total <= POOLS_ADDRESSES_MAX)
        return 0;
    return yaml_error(at, e,
                      "with this the pools have %llu addresses, which is more than the %u that they may have "
                      "together; make it smaller",
                      (unsigned long long)*total, POOLS_ADDRESSES_MAX);
}

static int read_subnets(struct yaml_node *list, const struct dhcp_set *server, struct config *c,
                        struct reading *all, struct err *e)
{
    struct dhcpd_config *d = &c->dhcp;
    size_t n = yaml_len(list);
    uint64_t addresses = 0;
    for (size_t i = 0; i < n; i++) {
        all[i].node = yaml_at(list, i);
        if (read_subnet(all[i].node, server, &all[i].s, e) || check_pools(&all[i], &addresses, e))
            return -1;
        name_domain(c, all[i].s.domain);
        if (all[i].s.pool_n && !yaml_get(all[i].node, "unknown") && !c->pools_unsaid++)
            c->pool_unsaid = all[i].s.prefix;
    }
    qsort(all, n, sizeof *all, compare_nets);
    if (refuse_overlaps(all, n, e))
        return -1;
    d->subnets = xcalloc(n, sizeof *d->subnets);
    d->subnets_n = n;
    for (size_t i = 0; i < n; i++) {
        d->subnets[i] = all[i].s;
        all[i].s.pool = NULL; /* they have moved */
        all[i].s.options = (struct span){0};
    }
    subnets_ready(d->subnets, n);
    keep_servers(d);
    return 0;
}

/* What a prefix of the inventory, which has no keys here, is told: the server's options. */
static void fill_everywhere(struct config *c)
{
    struct dhcpd_subnet *s = &c->dhcp.everywhere;
    s->options = dhcp_set_span(&c->dhcp_options);
    fill_from_options(s);
    s->has_router = false;
}

static int parse_subnets(struct yaml_node *map, struct config *c, struct err *e)
{
    struct yaml_node *list;
    if (dhcp_set_read(map, "options", &c->dhcp_options, e) || yaml_seq(map, "subnets", false, &list, e))
        return -1;
    if (!list) { /* the inventory's prefixes alone */
        fill_everywhere(c);
        return 0;
    }
    size_t n = yaml_len(list);
    if (!n)
        return yaml_error(list, e,
                          "no subnet is given; leave the key out where the inventory's prefixes are all");
    struct reading *all = xcalloc(n, sizeof *all);
    fill_everywhere(c);
    int rc = read_subnets(list, &c->dhcp_options, c, all, e);
    for (size_t i = 0; i < n; i++)
        subnet_free(&all[i].s);
    free(all);
    return rc;
}

/* The whole
 * -------------------------------------------------------------------------------------------------------------
 */

/* An address, or a prefix. */
static int read_relay(const struct yaml_node *n, struct prefix *ret, struct err *e)
{
    struct err why = {0};
    if (yaml_want(n, YAML_SCALAR, "a relay's address or prefix", e))
        return -1;
    ret->len = 32;
    if (strchr(yaml_text(n), '/') ? prefix_parse(yaml_text(n), ret, &why)
                                  : ip4_parse(yaml_text(n), &ret->net, &why))
        return yaml_error(n, e, "%s", why.text);
    return 0;
}

static int parse_relays(struct yaml_node *map, struct dhcpd_config *d, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(map, "relays", false, &list, e))
        return -1;
    if (!list)
        return 0;
    if (!yaml_len(list))
        return yaml_error(list, e, "no relay is named; leave the key out to trust those inside the subnets");
    d->relays = xcalloc(yaml_len(list), sizeof *d->relays);
    for (size_t i = 0; i < yaml_len(list); i++)
        if (read_relay(yaml_at(list, i), &d->relays[d->relays_n++], e))
            return -1;
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
    c->dhcp.probe_ms = PROBE_MS;
    c->dhcp.http_port = c->http.port;
    if (config_interfaces(map, true, c->dhcp.interfaces, &c->dhcp.interfaces_n, e) ||
        yaml_str(map, "mode", false, &mode, e))
        return -1;
    c->dhcp.proxy = strcmp(mode, "proxy") == 0;
    if (!c->dhcp.proxy && strcmp(mode, "authoritative") != 0)
        return yaml_error(
            yaml_get(map, "mode"), e,
            "\"mode\" must be authoritative, or proxy (another server gives the addresses), not "
            "\"%.40s\"",
            mode);
    if (yaml_milliseconds(map, "probe", PROBE_MS_MAX, &c->dhcp.probe_ms, e))
        return -1;
    if (read_lease_time(map, &c->dhcp.lease_time, e) || parse_relays(map, &c->dhcp, e) ||
        config_clients(map, &c->dhcp, e) || parse_subnets(map, c, e))
        return -1;
    return yaml_no_more(map, e);
}

void config_dhcp_free(struct config *c)
{
    for (size_t i = 0; i < c->dhcp.subnets_n; i++)
        subnet_free(&c->dhcp.subnets[i]);
    free(c->dhcp.subnets);
    free(c->dhcp.relays);
}

/* Subnets: finding among thousands, pools with holes, shared networks; and the place of a request: interface,
 * relay, link selection, whom of them to believe. */
#include "tests/dhcpd/build.h"

#include <stdlib.h>

#include "base/str.h"
#include "dhcpd/networks.h"
#include "dhcpd/place.h"

#define SUBNET(net, n)    .prefix = {{net}, n}
#define RANGE(from, to)   ((struct dhcpd_range){{from}, {to}})
#define MANY              4000
#define NET_A             0x0a4d0000u /* 10.77.0.0/24 */
#define NET_B             0x0a4e0000u
#define NET_C             0x0a4f0000u
#define NET_D             0x0a500000u
#define ADDRESS(net, ...) ((struct ip4){(net) + (__VA_ARGS__)})

/* ---- finding */

static void found_among_thousands(void **state)
{
    struct dhcpd_subnet *s = xcalloc(MANY, sizeof *s);
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) /* from the last to the first, with gaps */
        s[i].prefix = (struct prefix){{0x0a000000 + (MANY - 1 - i) * 512}, 24};
    subnets_ready(s, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t net = 0x0a000000 + i * 512;
        assert_ptr_equal(subnet_find(s, MANY, (struct ip4){net}), &s[i]);
        assert_ptr_equal(subnet_find(s, MANY, (struct ip4){net + 255}), &s[i]);
        assert_null(subnet_find(s, MANY, (struct ip4){net + 256}));
    }
    assert_null(subnet_find(s, MANY, (struct ip4){0x09ffffff}));
    assert_null(subnet_find(s, 0, (struct ip4){0x0a000000}));
    free(s);
}

static void shared_networks_are_tied(void **state)
{
    struct dhcpd_subnet s[] = {{SUBNET(NET_D, 24), .shared_network = "rack"},
                               {SUBNET(NET_A, 24), .shared_network = "rack"},
                               {SUBNET(NET_B, 24)},
                               {SUBNET(NET_C, 24), .shared_network = "alone"},
                               {SUBNET(0x0a510000, 24), .shared_network = "rack"}};
    (void)state;
    subnets_ready(s, 5);
    assert_int_equal(s[0].prefix.net.a, NET_A);
    assert_ptr_equal(s[0].shares, &s[3]);
    assert_ptr_equal(s[3].shares, &s[4]);
    assert_ptr_equal(s[4].shares, &s[0]);
    assert_null(s[1].shares);
    assert_null(s[2].shares);
    assert_ptr_equal(subnet_on_link(&s[4], ADDRESS(NET_A, 9)), &s[0]);
    assert_ptr_equal(subnet_on_link(&s[0], ADDRESS(NET_D, 9)), &s[3]);
    assert_null(subnet_on_link(&s[0], ADDRESS(NET_B, 9)));
    assert_null(subnet_on_link(&s[1], ADDRESS(NET_A, 9)));
}

/* ---- pools: adds, then takes out; what is left, as text */

static void pools(void **state)
{
    static const struct {
        struct dhcpd_range add[3];
        struct dhcpd_range without[3];
        const char *left;
    } cases[] = {
        {{{{10}, {19}}}, {{{0}, {0}}}, "10-19 "},
        {{{{30}, {39}}, {{10}, {19}}}, {{{0}, {0}}}, "10-19 30-39 "},
        {{{{10}, {19}}}, {{{15}, {15}}}, "10-14 16-19 "},
        {{{{10}, {19}}}, {{{10}, {10}}, {{19}, {19}}}, "11-18 "},
        {{{{10}, {19}}}, {{{5}, {12}}, {{18}, {25}}}, "13-17 "},
        {{{{10}, {19}}, {{30}, {39}}, {{50}, {59}}}, {{{15}, {55}}}, "10-14 56-59 "},
        {{{{10}, {19}}}, {{{1}, {99}}}, ""},
        {{{{10}, {19}}}, {{{20}, {29}}}, "10-19 "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dhcpd_subnet s = {SUBNET(0, 24)};
        struct str text = {0};
        uint32_t n = 0;
        for (size_t k = 0; k < 3 && cases[i].add[k].last.a; k++)
            subnet_pool_add(&s, cases[i].add[k]);
        for (size_t k = 0; k < 3 && cases[i].without[k].last.a; k++)
            subnet_pool_without(&s, cases[i].without[k]);
        for (size_t k = 0; k < s.pool_n; k++)
            str_addf(&text, "%u-%u ", s.pool[k].first.a, s.pool[k].last.a);
        assert_string_equal(text.s ? text.s : "", cases[i].left);
        for (uint32_t ip = 0; ip < 100; ip++)
            n += subnet_pool_has(&s, (struct ip4){ip});
        assert_int_equal(subnet_pool_size(&s), n);
        str_free(&text);
        subnet_free(&s);
    }
}

static void pool_at_the_ends_of_the_address_space(void **state)
{
    struct dhcpd_subnet s = {SUBNET(0, 0)};
    (void)state;
    subnet_pool_add(&s, RANGE(0, UINT32_MAX));
    subnet_pool_without(&s, RANGE(0, 0));
    subnet_pool_without(&s, RANGE(UINT32_MAX, UINT32_MAX));
    assert_int_equal(s.pool_n, 1);
    assert_int_equal(s.pool[0].first.a, 1);
    assert_int_equal(s.pool[0].last.a, UINT32_MAX - 1);
    subnet_free(&s);
}

/* ---- the place of a request: the link has 10.77.0.1 and 10.78.0.1; C and D share a network, elsewhere */

static struct dhcpd_range pool_a[] = {{{NET_A + 100}, {NET_A + 199}}};
static struct dhcpd_range pool_b[] = {{{NET_B + 100}, {NET_B + 199}}};
static struct dhcpd_subnet subnets[4];
static const struct link other = {.name = "br1", .addresses = {{{0x0a630001}, 24}}, .addresses_n = 1};
static struct link link = {
    .name = "br0", .addresses = {{{NET_A + 1}, 24}, {{NET_B + 1}, 24}, {{0xc0a80001}, 24}}, .addresses_n = 3};

static struct dhcpd_config config(void)
{
    static const struct dhcpd_subnet fresh[4] = {
        {SUBNET(NET_A, 24), .pool = pool_a, .pool_n = 1, .unknown = UNKNOWN_IGNORE},
        {SUBNET(NET_B, 24), .pool = pool_b, .pool_n = 1, .unknown = UNKNOWN_DISCOVER},
        {SUBNET(NET_C, 24), .shared_network = "far"},
        {SUBNET(NET_D, 24), .shared_network = "far"}};
    memcpy(subnets, fresh, sizeof subnets);
    subnets_ready(subnets, 4);
    return (struct dhcpd_config){.subnets = subnets, .subnets_n = 4};
}

static enum drop find(const struct dhcpd_config *cfg, struct request q, bool unicast, struct place *ret)
{
    struct arrival from = {.link = &link, .unicast = unicast};
    return place_find(cfg, &from, &q, NULL, ret);
}

static void on_the_link(void **state)
{
    struct dhcpd_config cfg = config();
    struct place p;
    size_t at, n = 0;
    (void)state;
    assert_int_equal(find(&cfg, (struct request){.type = MSG_DISCOVER}, false, &p), DROP_NONE);
    assert_int_equal(p.on_n, 2);
    assert_ptr_equal(place_subnet(&p, ADDRESS(NET_B, 7)), &subnets[1]);
    assert_null(place_subnet(&p, ADDRESS(NET_C, 7)));
    for (const struct dhcpd_subnet *s = place_next(&p, &at, NULL); s; s = place_next(&p, &at, s))
        n++;
    assert_int_equal(n, 2);
    assert_int_equal(place_server(&link, &subnets[1]).a, NET_B + 1);
    assert_int_equal(place_server(&link, &subnets[2]).a, NET_A + 1);
    /* An unknown machine gets an address where unknown ones are looked at, and there only. */
    assert_int_equal(place_unknown(&p), UNKNOWN_DISCOVER);
    assert_ptr_equal(place_pool(&p, &link, true, ADDRESS(NET_A, 100)), &subnets[0]);
    assert_null(place_pool(&p, &link, false, ADDRESS(NET_A, 100)));
    assert_ptr_equal(place_pool(&p, &link, false, ADDRESS(NET_B, 100)), &subnets[1]);
    assert_null(place_pool(&p, &link, true, ADDRESS(NET_A, 200)));
}

static void shared_network_elsewhere(void **state)
{
    struct dhcpd_config cfg = config();
    struct request q = {.type = MSG_DISCOVER, .giaddr = ADDRESS(NET_D, 1)};
    struct place p;
    size_t at, n = 0;
    (void)state;
    assert_int_equal(find(&cfg, q, true, &p), DROP_NONE);
    assert_int_equal(p.on_n, 1);
    assert_ptr_equal(p.on[0], &subnets[3]);
    assert_ptr_equal(place_subnet(&p, ADDRESS(NET_C, 7)), &subnets[2]);
    for (const struct dhcpd_subnet *s = place_next(&p, &at, NULL); s; s = place_next(&p, &at, s))
        n++;
    assert_int_equal(n, 2);
    /* A renewal from either of them. */
    q = (struct request){.type = MSG_REQUEST, .ciaddr = ADDRESS(NET_C, 9)};
    assert_int_equal(find(&cfg, q, true, &p), DROP_NONE);
    assert_ptr_equal(p.on[0], &subnets[2]);
}

/* Two addresses of one shared network on an interface are one link, not two. */
static void no_subnet_twice(void **state)
{
    struct dhcpd_config cfg = config();
    struct link both = {.addresses = {{{NET_C + 1}, 24}, {{NET_D + 1}, 24}}, .addresses_n = 2};
    struct arrival from = {.link = &both};
    struct request q = {.type = MSG_DISCOVER};
    struct place p;
    (void)state;
    assert_int_equal(place_find(&cfg, &from, &q, NULL, &p), DROP_NONE);
    assert_int_equal(p.on_n, 1);
}

static void reserved_in_any_of_them(void **state)
{
    static const struct {
        uint32_t reserved, giaddr;
        bool here;
    } cases[] = {{NET_A + 11, 0, true},         {NET_B + 11, 0, true},
                 {NET_C + 11, 0, false},        {NET_C + 11, NET_D + 1, true},
                 {NET_D + 11, NET_D + 1, true}, {NET_A + 11, NET_D + 1, false}};
    struct dhcpd_config cfg = config();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arrival from = {.link = &link};
        struct request q = {.type = MSG_DISCOVER, .mac = {{2, 0, 0, 0, 0, 7}}};
        struct device d = {.interfaces_n = 1};
        struct place p;
        q.giaddr.a = cases[i].giaddr;
        d.interfaces[0] = (struct interface){.mac = q.mac, .has_address = true};
        d.interfaces[0].address = (struct ip4_if){{cases[i].reserved}, 24};
        assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NONE);
        assert_int_equal(p.has_reserved, cases[i].here);
        assert_int_equal(p.reserved.a, cases[i].here ? cases[i].reserved : 0);
    }
}

static void relays(void **state)
{
    static const struct {
        const char *name;
        uint32_t giaddr, selection, override;
        bool listed; /* the configuration names 10.99.0.0/16 and 10.79.0.1 */
        enum drop drop;
        uint32_t net;
    } cases[] = {
        {"in a subnet", NET_C + 1, 0, 0, false, DROP_NONE, NET_C},
        {"in a subnet, selects another link", NET_C + 1, NET_A, 0, false, DROP_NONE, NET_A},
        {"in a subnet, selects nothing of ours", NET_C + 1, 0x0b000000, 0, false, DROP_NO_SUBNET, 0},
        {"in a subnet, calls itself the server", NET_C + 1, 0, NET_C + 1, false, DROP_NONE, NET_C},
        {"in no subnet", 0x0a630001, 0, 0, false, DROP_NO_SUBNET, 0},
        {"in no subnet, selects a link", 0x0a630001, NET_A, 0, false, DROP_RELAY, 0},
        {"in no subnet, calls itself the server", 0x0a630001, 0, NET_A + 9, false, DROP_RELAY, 0},
        {"named", 0x0a4f0001, 0, 0, true, DROP_NONE, NET_C},
        {"named by its prefix, selects a link", 0x0a630001, NET_A, 0, true, DROP_NONE, NET_A},
        {"named, in no subnet, selects none", 0x0a630001, 0, 0, true, DROP_NO_SUBNET, 0},
        {"not named", NET_A + 2, 0, 0, true, DROP_RELAY, 0},
    };
    struct dhcpd_config cfg = config();
    struct prefix named[] = {{{0x0a630000}, 16}, {{0x0a4f0001}, 32}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request q = {.type = MSG_DISCOVER};
        struct place p;
        q.giaddr.a = cases[i].giaddr;
        q.link_selection.a = cases[i].selection;
        q.server_override.a = cases[i].override;
        cfg.relays = named;
        cfg.relays_n = cases[i].listed ? 2 : 0;
        enum drop why = find(&cfg, q, true, &p);
        if (why != cases[i].drop || (!why && p.on[0]->prefix.net.a != cases[i].net) ||
            (!why && p.override.a != cases[i].override))
            fail_msg("%s: %s", cases[i].name, drop_name(why));
    }
}

/* What a client writes as if it were a relay picks nothing: option 82 counts with giaddr only. */
static void words_of_no_relay(void **state)
{
    struct dhcpd_config cfg = config();
    struct request q = {.type = MSG_DISCOVER, .link_selection = {NET_C}, .server_override = {NET_C + 9}};
    struct place p;
    (void)state;
    assert_int_equal(find(&cfg, q, false, &p), DROP_NONE);
    assert_ptr_equal(p.on[0], &subnets[0]);
    assert_int_equal(p.override.a, 0);
    q = (struct request){.type = MSG_DISCOVER, .ciaddr = ADDRESS(NET_C, 9)};
    assert_int_equal(find(&cfg, q, true, &p), DROP_NONE);
    assert_ptr_equal(p.on[0], &subnets[0]);
}

static void addresses_of_all_interfaces_are_ours(void **state)
{
    struct link second = other;
    (void)state;
    link.next = &second;
    second.next = &link;
    assert_true(links_have(&link, (struct ip4){0x0a630001}));
    assert_true(links_have(&second, ADDRESS(NET_A, 1)));
    assert_false(links_have(&second, ADDRESS(NET_A, 2)));
    link.next = NULL;
    assert_false(links_have(&link, (struct ip4){0x0a630001}));
}

/* ---- the inventory's prefixes */

static const struct known_prefix known[] = {
    {.prefix = {{0x0a630000}, 16}, .has_router = true, .router = {0x0a630001}},   /* 10.99.0.0/16 */
    {.prefix = {{0x0a630500}, 24}, .has_router = true, .router = {0x0a630501}},   /* 10.99.5.0/24 */
    {.prefix = {{0x0a630580}, 25}},                                               /* 10.99.5.128/25 */
    {.prefix = {{NET_A}, 24}, .has_router = true, .router = {NET_A + 254}},       /* configured too */
    {.prefix = {{NET_A + 128}, 25}, .has_router = true, .router = {NET_A + 129}}, /* and a part of it */
    {.prefix = {{NET_B}, 24}, .has_router = true, .router = {NET_B + 9}},
};

static struct dhcpd_config known_config(void)
{
    static const uint8_t options[] = {42};
    struct dhcpd_config cfg = config();
    static struct dhcpd_config lent;
    subnets[1].has_router = true;
    subnets[1].router = ADDRESS(NET_B, 1);
    cfg.everywhere.options = span_of(options, 1);
    lent = cfg;
    cfg.networks = networks_new(&lent, known, sizeof known / sizeof *known);
    return cfg;
}

static void prefixes_behind_the_subnets(void **state)
{
    static const struct {
        uint32_t ip;
        uint32_t net;
        uint8_t len;
        uint32_t router; /* 0: none */
    } rows[] = {
        {0x0a630101, 0x0a630000, 16, 0x0a630001},
        {0x0a630502, 0x0a630500, 24, 0x0a630501}, /* the longest */
        {0x0a630582, 0x0a630580, 25, 0},          /* those above it are not on its link */
        {NET_A + 11, NET_A, 24, NET_A + 254},     /* a configured subnet without a router has the prefix's */
        {NET_A + 130, NET_A, 24, NET_A + 129},
        {NET_B + 11, NET_B, 24, NET_B + 1}, /* and one with a router keeps it */
        {NET_C + 11, NET_C, 24, 0},
        {0x0b000001, 0, 0, 0},
    };
    struct dhcpd_config cfg = known_config();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ip4 ip = {rows[i].ip}, router = {0};
        const struct dhcpd_subnet *s = network_find(&cfg, ip);
        assert_true(!s == !rows[i].len);
        if (!s)
            continue;
        assert_int_equal(s->prefix.net.a, rows[i].net);
        assert_int_equal(s->prefix.len, rows[i].len);
        assert_int_equal(network_router(cfg.networks, s, ip, &router), rows[i].router != 0);
        assert_int_equal(router.a, rows[i].router);
    }
    const struct dhcpd_subnet *s = network_find(&cfg, (struct ip4){0x0a630101});
    assert_int_equal(s->pool_n, 0);
    assert_int_equal(s->unknown, UNKNOWN_IGNORE);
    assert_int_equal(s->options.n, 1);
    assert_true(network_holds(cfg.networks, s, (struct ip4){0x0a630102}));
    assert_false(network_holds(cfg.networks, s, (struct ip4){0x0a630502}));
    networks_free((struct networks *)cfg.networks);
}

static void a_prefix_is_a_place(void **state)
{
    struct dhcpd_config cfg = known_config();
    struct request q = {.type = MSG_DISCOVER, .giaddr = {0x0a630501}};
    struct device d = {.interfaces_n = 1};
    struct arrival from = {.link = &link, .unicast = true};
    struct place p;
    (void)state;
    d.interfaces[0] = (struct interface){.has_address = true, .address = {{0x0a630511}, 24}};
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NONE);
    assert_true(p.has_reserved);
    assert_int_equal(place_unknown(&p), UNKNOWN_IGNORE);
    d.interfaces[0].address.ip.a = 0x0a630191; /* of another prefix: behind another relay */
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NONE);
    assert_false(p.has_reserved);
    /* A router that only the inventory knows of is nobody's from a pool. */
    q.giaddr.a = 0;
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NONE);
    assert_non_null(place_pool(&p, &link, true, ADDRESS(NET_B, 100)));
    networks_free((struct networks *)cfg.networks);
    struct known_prefix takes = {.prefix = {{NET_B}, 24}, .has_router = true, .router = {NET_B + 100}};
    cfg.networks = networks_new(&cfg, &takes, 1);
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NONE);
    assert_null(place_pool(&p, &link, true, ADDRESS(NET_B, 100)));
    networks_free((struct networks *)cfg.networks);
    /* Where the prefix is a tenant's, a relay in it is answered, and not believed what it says beyond that.
     */
    struct known_prefix theirs = {.prefix = {{0x0a630500}, 24}, .of_tenant = true};
    cfg.networks = networks_new(&cfg, &theirs, 1);
    q.giaddr.a = 0x0a630501;
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NONE);
    q.link_selection.a = NET_C;
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_RELAY);
    networks_free((struct networks *)cfg.networks);
    theirs.of_tenant = false;
    cfg.networks = networks_new(&cfg, &theirs, 1);
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NONE);
    networks_free((struct networks *)cfg.networks);
    q.link_selection.a = 0;
    cfg.networks = networks_new(&cfg, NULL, 0);
    q.giaddr.a = 0x0a630501;
    assert_int_equal(place_find(&cfg, &from, &q, &d, &p), DROP_NO_SUBNET);
    networks_free((struct networks *)cfg.networks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_among_thousands),
        cmocka_unit_test(shared_networks_are_tied),
        cmocka_unit_test(pools),
        cmocka_unit_test(pool_at_the_ends_of_the_address_space),
        cmocka_unit_test(on_the_link),
        cmocka_unit_test(shared_network_elsewhere),
        cmocka_unit_test(no_subnet_twice),
        cmocka_unit_test(reserved_in_any_of_them),
        cmocka_unit_test(relays),
        cmocka_unit_test(words_of_no_relay),
        cmocka_unit_test(addresses_of_all_interfaces_are_ours),
        cmocka_unit_test(prefixes_behind_the_subnets),
        cmocka_unit_test(a_prefix_is_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

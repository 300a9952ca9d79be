/* run_dhcpd: dhcpd alone, without the program around it.
 *   run_dhcpd -c FILE            serves, by the `state_dir`, `http` port and `dhcp` parts of the program's
 * configuration run_dhcpd -c FILE -i DEVICES imports devices first, and ends run_dhcpd -c FILE -l prints the
 * leases, and ends
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "base/yaml.h"
#include "dhcpd/dhcpd.h"
#include "inventory/import.h"
#include "inventory/lease.h"
#include "tests/tools/confine.h"

static int read_pool(struct yaml_node *n, struct dhcpd_subnet *s, struct err *e)
{
    char text[64] = "";
    if (yaml_copy(n, "pool", false, text, sizeof text, e))
        return -1;
    char *dash = strchr(text, '-');
    if (!dash)
        return 0;
    *dash = 0;
    struct dhcpd_range r;
    if (ip4_parse(text, &r.first, e) || ip4_parse(dash + 1, &r.last, e))
        return -1;
    subnet_pool_add(s, r);
    return 0;
}

static int read_subnet(struct yaml_node *n, struct dhcpd_subnet *s, struct err *e)
{
    char unknown[16] = "ignore";
    struct yaml_node *dns = NULL;
    if (yaml_prefix(n, "prefix", true, &s->prefix, e) || yaml_ip4(n, "router", false, &s->router, e) ||
        yaml_copy(n, "domain", false, s->domain, sizeof s->domain, e) || read_pool(n, s, e) ||
        yaml_copy(n, "unknown", false, unknown, sizeof unknown, e) || yaml_seq(n, "dns", false, &dns, e))
        return -1;
    s->has_router = s->router.a != 0;
    s->unknown = strcmp(unknown, "discover") ? UNKNOWN_IGNORE : UNKNOWN_DISCOVER;
    for (; dns && s->dns_n < yaml_len(dns) && s->dns_n < DHCPD_MAX_DNS; s->dns_n++)
        if (ip4_parse(yaml_text(yaml_at(dns, s->dns_n)), &s->dns[s->dns_n], e))
            return -1;
    return 0;
}

static int read_config(struct yaml_node *root, struct dhcpd_config *cfg, char *state_dir, size_t size,
                       struct err *e)
{
    struct yaml_node *dhcp, *names, *subnets;
    *cfg = (struct dhcpd_config){.lease_time = 3600, .probe_ms = 300, .http_port = 8080};
    if (yaml_copy(root, "state_dir", true, state_dir, size, e) || yaml_map(root, "dhcp", true, &dhcp, e) ||
        yaml_seq(dhcp, "interfaces", true, &names, e) || yaml_seq(dhcp, "subnets", true, &subnets, e) ||
        yaml_duration(dhcp, "lease_time", false, &cfg->lease_time, e) ||
        yaml_milliseconds(dhcp, "probe", 3000, &cfg->probe_ms, e))
        return -1;
    for (; cfg->interfaces_n < yaml_len(names) && cfg->interfaces_n < DHCPD_MAX_INTERFACES;
         cfg->interfaces_n++)
        str_copy(cfg->interfaces[cfg->interfaces_n], sizeof cfg->interfaces[0],
                 yaml_text(yaml_at(names, cfg->interfaces_n)));
    cfg->subnets = xcalloc(yaml_len(subnets) + 1, sizeof *cfg->subnets);
    for (; cfg->subnets_n < yaml_len(subnets); cfg->subnets_n++)
        if (read_subnet(yaml_at(subnets, cfg->subnets_n), &cfg->subnets[cfg->subnets_n], e))
            return -1;
    subnets_ready(cfg->subnets, cfg->subnets_n);
    return 0;
}

static int import(const char *state_dir, const char *path, struct err *e)
{
    struct store *s;
    struct import_result r;
    struct import_options o = {.actor = "test", .job_expiry_s = 3600, .wipe_limit = 10};
    if (store_open(state_dir, &s, e))
        return -1;
    int status = import_file(s, path, &o, now_ms(), &r, e);
    store_close(s);
    return status;
}

static int print_lease(const struct lease *x, void *ctx)
{
    char ip[IP4_STR], mac[MAC_STR];
    (void)ctx;
    printf("%s %s %s\n", ip4_format(x->address, ip), mac_format(x->mac, mac), lease_state_name(x->state));
    return 0;
}

static int print_leases(const char *state_dir, struct err *e)
{
    struct leases *l;
    if (leases_open(state_dir, false, &l, e))
        return -1;
    int r = lease_each(l, print_lease, NULL, e);
    leases_close(l);
    return r;
}

static int serve(const struct dhcpd_config *cfg, const char *state_dir, struct err *e)
{
    struct dhcpd *d;
    if (dhcpd_open(cfg, &d, e))
        return -1;
    int r = confine("dhcpd", state_dir, e) ? -1 : dhcpd_serve(d, state_dir, e);
    dhcpd_close(d);
    return r;
}

int main(int argc, char **argv)
{
    const char *path = NULL, *devices = NULL;
    char state_dir[256];
    struct dhcpd_config cfg;
    struct yaml *y = NULL;
    struct err e = {0};
    bool list = false;
    for (int c; (c = getopt(argc, argv, "c:i:l")) != -1;) {
        path = c == 'c' ? optarg : path;
        devices = c == 'i' ? optarg : devices;
        list |= c == 'l';
    }
    log_setup("dhcpd", LOG_LVL_DEBUG, true);
    if (!path) {
        fprintf(stderr, "usage: run_dhcpd -c FILE [-i DEVICES | -l]\n");
        return 2;
    }
    int r = yaml_load_file(path, &y, &e);
    if (r == 0)
        r = read_config(yaml_root(y), &cfg, state_dir, sizeof state_dir, &e);
    if (r == 0)
        r = dir_make(state_dir, 0700, &e);
    if (r == 0)
        r = devices ? import(state_dir, devices, &e)
            : list  ? print_leases(state_dir, &e)
                    : serve(&cfg, state_dir, &e);
    yaml_free(y);
    if (r)
        fprintf(stderr, "run_dhcpd: %s\n", e.text);
    return r ? 1 : 0;
}

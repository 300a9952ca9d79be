/* inventory: the devices as Ansible's script inventory wants them.
 *
 * Ansible runs an executable with --list, or --host NAME, and nothing else. --list says everything, the
 * hosts' variables too, so that Ansible never asks for one host. Groups are named as NetBox's own inventory
 * plugin names them: the word, '_', the slug.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/query.h"
#include "rackstrap/cmd_device.h"
#include "rackstrap/commands.h"

/* What a device is a member of: each value that it has of these makes a group. */
static const struct {
    const char *group, *key; /* in device_json */
} groupings[] = {{"sites", "site"},    {"locations", "location"}, {"racks", "rack"},
                 {"roles", "role"},    {"tenants", "tenant"},     {"platforms", "platform"},
                 {"status", "status"}, {"state", "state"},        {"images", "image"}};
#define GROUPINGS (sizeof groupings / sizeof *groupings)

struct listing {
    struct store *s;
    json_t *hostvars, *groups;
    struct err *e;
};

/* Of an assignment the image, without its version. */
static json_t *image_of(const struct device *d)
{
    return d->assigned[0] ? json_stringn(d->assigned, strcspn(d->assigned, "@")) : json_null();
}

/* What Ansible is to know of a host: how it is reached, and under one name of ours all that `device list`
 * says. */
static json_t *host_vars(const struct device *d)
{
    const struct interface *f = device_primary(d);
    char address[IP4_STR];
    json_t *facts = device_json(d), *vars = json_object();
    json_object_set_new(facts, "image", image_of(d));
    if (f && f->has_address)
        json_object_set_new(vars, "ansible_host", json_string(ip4_format(f->address.ip, address)));
    json_object_set_new(vars, "rackstrap", facts);
    return vars;
}

static void join_group(json_t *groups, const char *kind, const char *value, const char *host)
{
    char *name = xasprintf("%s_%s", kind, value);
    json_t *group = json_object_get(groups, name);
    if (!group) {
        group = json_pack("{s:[]}", "hosts");
        json_object_set_new(groups, name, group);
    }
    json_array_append_new(json_object_get(group, "hosts"), json_string(host));
    free(name);
}

struct tagged {
    json_t *groups;
    const char *host;
};

static int add_tag(const char *slug, void *ctx)
{
    const struct tagged *t = ctx;
    join_group(t->groups, "tags", slug, t->host);
    return 0;
}

static int add_host(const struct device *d, void *ctx)
{
    struct listing *l = ctx;
    json_t *vars = host_vars(d), *facts = json_object_get(vars, "rackstrap");
    for (size_t i = 0; i < GROUPINGS; i++) {
        const char *value = json_string_value(json_object_get(facts, groupings[i].key));
        if (value)
            join_group(l->groups, groupings[i].group, value, d->name);
    }
    json_object_set_new(l->hostvars, d->name, vars);
    return device_tag_each(l->s, d->id, add_tag, &(struct tagged){l->groups, d->name}, l->e);
}

static int name_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the groups, in order, after Ansible's own. */
static json_t *children(json_t *groups)
{
    size_t n = json_object_size(groups), i = 0;
    const char **names = xcalloc(n + 1, sizeof *names), *name;
    json_t *list = json_pack("[s]", "ungrouped"), *group;
    json_object_foreach(groups, name, group) names[i++] = name;
    qsort(names, n, sizeof *names, name_order);
    for (i = 0; i < n; i++)
        json_array_append_new(list, json_string(names[i]));
    free(names);
    return list;
}

static void print_json(json_t *v)
{
    json_dumpf(v, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    putchar('\n');
    json_decref(v);
}

static int list_hosts(struct store *s, const char *selector, struct err *e)
{
    struct listing l = {s, json_object(), json_object(), e};
    int rc = device_each(s, selector, add_host, &l, e);
    if (!rc) {
        json_t *all = json_copy(l.groups);
        json_object_set_new(all, "all", json_pack("{s:o}", "children", children(l.groups)));
        json_object_set_new(all, "_meta", json_pack("{s:O}", "hostvars", l.hostvars));
        print_json(all);
    }
    json_decref(l.hostvars);
    json_decref(l.groups);
    return rc;
}

/* A host that is none of ours has no variables; that is no error to Ansible. */
static int show_host(struct store *s, const char *name, struct err *e)
{
    struct device d;
    struct err why = {0};
    int rc = device_by_name(s, name, &d, &why);
    if (rc && why.kind != ERR_NOT_FOUND)
        return *e = why, -1;
    print_json(rc ? json_object() : host_vars(&d));
    return 0;
}

int cmd_inventory(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    if (a->list && a->host)
        return err_set(e, ERR_INPUT, "--list is all hosts and --host is one: which is it?");
    if (open_store(c, &s, e))
        return -1;
    char *selector = args_selector(a, NULL);
    int rc = a->host ? show_host(s, a->host, e) : list_hosts(s, selector, e);
    free(selector);
    store_close(s);
    return rc;
}

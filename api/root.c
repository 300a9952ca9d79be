/* root: the paths that are of no object: what there is, who we are, who asks; and the lists of what NetBox
 * keeps and we do not, which its clients ask for all the same: they are empty. */
#include "api/call.h"

#include <stdio.h>
#include <string.h>

#include "api/schema.h"

/* ---- /api/status/, /api/authentication-check/ ---- */

/* netbox-version tells clients what they may send; that it is us stands among the plugins, where NetBox says
 * what it has grown. */
static void answer_status(struct call *c)
{
    struct jsonw w = answer_open(c, 200);
    jsonw_open(&w, '{');
    jsonw_key(&w, "django-version"), jsonw_str(&w, "");
    jsonw_key(&w, "hostname"), jsonw_str(&w, "rackstrap");
    jsonw_key(&w, "installed_apps"), jsonw_open(&w, '{'), jsonw_close(&w, '}');
    jsonw_key(&w, "netbox-version"), jsonw_str(&w, SPOKEN_VERSION);
    jsonw_key(&w, "netbox-full-version"), jsonw_str(&w, SPOKEN_VERSION "-rackstrap");
    jsonw_key(&w, "plugins"), jsonw_open(&w, '{');
    jsonw_key(&w, "rackstrap"), jsonw_str(&w, PLUGIN_VERSION), jsonw_close(&w, '}');
    jsonw_key(&w, "python-version"), jsonw_str(&w, "");
    jsonw_key(&w, "rq-workers-running"), jsonw_int(&w, 0);
    jsonw_close(&w, '}');
}

/* The user is the token. */
static void answer_who(struct call *c)
{
    static const char *const empty[] = {"first_name", "last_name", "email"};
    char text[API_RIGHTS_STR > TIME_STR ? API_RIGHTS_STR : TIME_STR];
    struct jsonw w = answer_open(c, 200);
    jsonw_open(&w, '{');
    jsonw_key(&w, "id"), jsonw_int(&w, c->token.id);
    jsonw_key(&w, "url"), render_url(&w, c->rq->base_url, "/api/authentication-check/", 0);
    jsonw_key(&w, "display_url"), render_url(&w, c->rq->base_url, "/api/authentication-check/", 0);
    jsonw_key(&w, "display"), jsonw_str(&w, c->token.name);
    jsonw_key(&w, "username"), jsonw_str(&w, c->token.name);
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        jsonw_key(&w, empty[i]), jsonw_str(&w, "");
    jsonw_key(&w, "is_active"), jsonw_bool(&w, true);
    jsonw_key(&w, "date_joined"), jsonw_str(&w, iso_time(c->token.created_ms, text));
    jsonw_key(&w, "last_login"), jsonw_null(&w);
    jsonw_key(&w, "groups"), jsonw_open(&w, '['), jsonw_close(&w, ']');
    jsonw_key(&w, "permissions"), jsonw_open(&w, '['), jsonw_close(&w, ']');
    jsonw_key(&w, "rights"), jsonw_str(&w, api_rights_format(c->token.rights, text));
    jsonw_key(&w, "tenant"), jsonw_str(&w, c->token.tenant_id ? c->token.tenant : NULL);
    jsonw_close(&w, '}');
}

static void answer_plugins(struct call *c)
{
    struct jsonw w = answer_open(c, 200);
    jsonw_open(&w, '['), jsonw_open(&w, '{');
    jsonw_key(&w, "name"), jsonw_str(&w, "rackstrap");
    jsonw_key(&w, "package"), jsonw_str(&w, "rackstrap");
    jsonw_key(&w, "author"), jsonw_str(&w, "");
    jsonw_key(&w, "author_email"), jsonw_str(&w, "");
    jsonw_key(&w, "description"), jsonw_str(&w, "images, releases, assignments, jobs, leases, events");
    jsonw_key(&w, "version"), jsonw_str(&w, PLUGIN_VERSION);
    jsonw_close(&w, '}'), jsonw_close(&w, ']');
}

/* ---- /api/, /api/APP/ ---- */

static const char *const apps[] = {"circuits", "core",  "dcim",           "extras", "ipam",    "plugins",
                                   "tenancy",  "users", "virtualization", "vpn",    "wireless"};

static void answer_root(struct call *c)
{
    char path[64];
    struct jsonw w = answer_open(c, 200);
    jsonw_open(&w, '{');
    for (size_t i = 0; i < sizeof apps / sizeof *apps; i++) {
        snprintf(path, sizeof path, "/api/%s/", apps[i]);
        jsonw_key(&w, apps[i]), render_url(&w, c->rq->base_url, path, 0);
    }
    jsonw_key(&w, "status"), render_url(&w, c->rq->base_url, "/api/status/", 0);
    jsonw_close(&w, '}');
}

struct links {
    struct jsonw w;
    const struct call *c;
};

/* The paths right below this one: "/api/dcim/" has "/api/dcim/sites/". */
static void add_link(const struct route *r, void *ctx)
{
    struct links *l = ctx;
    size_t above = strlen(l->c->route->pattern);
    const char *last = r->pattern + above;
    size_t n = strcspn(r->pattern, "{") > above ? strcspn(last, "/") : 0;
    if (strncmp(r->pattern, l->c->route->pattern, above) || !n || last[n + 1])
        return;
    jsonw_strn(&l->w, last, n);
    str_add(l->w.out, ":");
    l->w.comma = false;
    render_url(&l->w, l->c->rq->base_url, r->pattern, 0);
}

static void answer_app(struct call *c)
{
    struct links l = {.w = answer_open(c, 200), .c = c};
    jsonw_open(&l.w, '{');
    routes_each(c->api, add_link, &l);
    jsonw_close(&l.w, '}');
}

/* ---- what we do not keep ---- */

static void answer_nothing(struct call *c)
{
    struct page p;
    struct err e = {0};
    if (query_page(&c->query, &p, &e)) {
        answer_bad_page(c, &e);
        return;
    }
    struct jsonw w = page_open(c, &p, 0, 0);
    page_close(&w);
}

static void answer_no_object(struct call *c)
{
    answer_missing(c, "object");
}

#define NOTHING(list)                                                                                        \
    {.pattern = list, .methods = API_GET, .answer = answer_nothing},                                         \
    {                                                                                                        \
        .pattern = list "{id}/", .methods = API_GET, .answer = answer_no_object                              \
    }
#define APP(path)                                                                                            \
    {                                                                                                        \
        .pattern = path, .methods = API_GET, .answer = answer_app                                            \
    }

const struct route root_routes[] = {
    /* Open, as in a NetBox without LOGIN_REQUIRED: pynetbox 7.0.0 asks for the version without its token.
     * They say which NetBox we speak as, and nothing of the inventory. */
    {.pattern = "/api/", .methods = API_GET, .answer = answer_root, .access = BY_ALL},
    {.pattern = "/api/status/", .methods = API_GET, .answer = answer_status, .access = BY_ALL},
    {.pattern = "/api/authentication-check/", .methods = API_GET, .answer = answer_who, .access = BY_TOKEN},
    {.pattern = "/api/schema/", .methods = API_GET, .answer = answer_schema, .access = BY_ALL},
    APP("/api/circuits/"),
    APP("/api/core/"),
    APP("/api/dcim/"),
    APP("/api/extras/"),
    APP("/api/ipam/"),
    APP("/api/plugins/"),
    APP("/api/plugins/rackstrap/"),
    {.pattern = "/api/plugins/installed-plugins/",
     .methods = API_GET,
     .answer = answer_plugins,
     .access = BY_TOKEN},
    APP("/api/tenancy/"),
    APP("/api/users/"),
    APP("/api/virtualization/"),
    APP("/api/vpn/"),
    APP("/api/wireless/"),
    NOTHING("/api/dcim/cables/"),
    NOTHING("/api/dcim/console-ports/"),
    NOTHING("/api/dcim/device-bays/"),
    NOTHING("/api/dcim/inventory-items/"),
    NOTHING("/api/dcim/modules/"),
    NOTHING("/api/dcim/power-ports/"),
    NOTHING("/api/dcim/rack-roles/"),
    NOTHING("/api/dcim/regions/"),
    NOTHING("/api/dcim/site-groups/"),
    NOTHING("/api/dcim/virtual-chassis/"),
    NOTHING("/api/extras/config-contexts/"),
    NOTHING("/api/extras/custom-field-choice-sets/"),
    NOTHING("/api/extras/webhooks/"),
    NOTHING("/api/ipam/aggregates/"),
    NOTHING("/api/ipam/asns/"),
    NOTHING("/api/ipam/ip-ranges/"),
    NOTHING("/api/ipam/roles/"),
    NOTHING("/api/ipam/services/"),
    NOTHING("/api/ipam/vlan-groups/"),
    NOTHING("/api/ipam/vlans/"),
    NOTHING("/api/ipam/vrfs/"),
    NOTHING("/api/tenancy/contacts/"),
    NOTHING("/api/tenancy/tenant-groups/"),
    NOTHING("/api/virtualization/cluster-groups/"),
    NOTHING("/api/virtualization/cluster-types/"),
    NOTHING("/api/virtualization/clusters/"),
    NOTHING("/api/virtualization/interfaces/"),
    NOTHING("/api/virtualization/virtual-disks/"),
    NOTHING("/api/virtualization/virtual-machines/"),
    {0},
};

/* config_netbox: the `netbox:` part of the configuration. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/yaml.h"
#include "rackstrap/config_parts.h"

#define INTERVAL_S      60
#define FULL_INTERVAL_S 3600
#define TIMEOUT_S       30
#define PAGE            500
#define MAX_DROP        10
#define SECRET_LEAST    16

static bool is_word(const char *s, const char *more)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(more, *s))
            return false;
    return true;
}

/* ---- where it is, and as whom */

static int parse_url(struct yaml_node *map, struct netbox_config *n, struct err *e)
{
    if (yaml_copy(map, "url", true, n->url, sizeof n->url, e))
        return -1;
    size_t len = strlen(n->url), scheme = strspn(n->url, "htps") + 3;
    if (!(str_starts(n->url, "http://") || str_starts(n->url, "https://")) || !n->url[scheme] ||
        n->url[scheme] == '/' || n->url[strcspn(n->url, " ?#@\t\"<>\\")])
        return yaml_error(
            yaml_get(map, "url"), e,
            "\"%.80s\" is not NetBox's address, like https://netbox.example, without user, query "
            "or blank",
            n->url);
    while (n->url[len - 1] == '/')
        n->url[--len] = '\0';
    if (str_ends(n->url, "/api"))
        return yaml_error(yaml_get(map, "url"), e,
                          "leave /api out: the address is the one that a browser goes to");
    return 0;
}

/* Forty letters and digits are NetBox's first kind; "nbt_KEY.SECRET" the second. */
static bool is_token(const char *t)
{
    if (str_starts(t, "nbt_"))
        return strchr(t, '.') && is_word(t, "_.") && strlen(t) < NETBOX_TOKEN_MAX;
    return strlen(t) == 40 && is_word(t, "");
}

static int parse_access(struct yaml_node *map, struct config *c, struct err *e)
{
    if (parse_url(map, &c->netbox, e) ||
        config_secret_line(map, "token_file", "token", &c->netbox_token, e) ||
        yaml_copy(map, "ca_file", false, c->netbox.ca_file, sizeof c->netbox.ca_file, e))
        return -1;
    if (!c->netbox_token)
        return yaml_error(map, e, "\"token_file\" is missing here: a file with a token of NetBox");
    if (!is_token(c->netbox_token))
        return yaml_error(yaml_get(map, "token_file"), e,
                          "%s holds no token of NetBox on its first line: nbt_KEY.SECRET, or 40 hex digits",
                          yaml_text(yaml_get(map, "token_file")));
    c->netbox.token = c->netbox_token;
    return 0;
}

static int parse_webhook(struct yaml_node *map, struct config *c, struct err *e)
{
    if (config_secret_line(map, "webhook_secret_file", "secret", &c->webhook_secret, e))
        return -1;
    if (!c->webhook_secret)
        return 0;
    if (strlen(c->webhook_secret) < SECRET_LEAST)
        return yaml_error(yaml_get(map, "webhook_secret_file"), e,
                          "the secret is shorter than %d characters; make one: openssl rand -hex 32",
                          SECRET_LEAST);
    c->api.webhook_secret = c->webhook_secret;
    c->netbox.webhook = true;
    return 0;
}

/* ---- what is read, and when */

/* The keys that the client puts there itself. */
static int check_filter(struct yaml_node *map, const struct netbox_config *n, struct err *e)
{
    static const char *const ours[] = {"limit", "offset", "start",   "ordering", "fields",
                                       "omit",  "brief",  "exclude", "format"};
    struct yaml_node *at = yaml_get(map, "filter");
    if (n->filter[strcspn(n->filter, " ?#\t\"<>\\")])
        return yaml_error(at, e, "the filter is what follows ? in a URL, like role=hypervisor&site=par1");
    for (const char *p = n->filter; *p; p += strcspn(p, "&"), p += *p == '&') {
        size_t key = strcspn(p, "=&");
        if (!key || p[key] != '=')
            return yaml_error(at, e, "\"%.40s\" is not KEY=VALUE", p);
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            if (strlen(ours[i]) == key && strncmp(ours[i], p, key) == 0)
                return yaml_error(at, e, "\"%s\" picks no devices; the filter is for what does", ours[i]);
    }
    return 0;
}

static int parse_reading(struct yaml_node *map, struct netbox_config *n, struct err *e)
{
    uint64_t page = PAGE, drop = MAX_DROP;
    n->interval_s = INTERVAL_S;
    n->full_interval_s = FULL_INTERVAL_S;
    n->timeout_s = TIMEOUT_S;
    if (yaml_duration(map, "interval", false, &n->interval_s, e) ||
        yaml_duration(map, "full_interval", false, &n->full_interval_s, e) ||
        yaml_duration(map, "timeout", false, &n->timeout_s, e) ||
        yaml_u64(map, "page_size", false, 1, NETBOX_PAGE_MAX, &page, e) ||
        yaml_u64(map, "max_drop", false, 0, 100, &drop, e) ||
        yaml_copy(map, "filter", false, n->filter, sizeof n->filter, e))
        return -1;
    n->page_size = (unsigned)page;
    n->max_drop = (unsigned)drop;
    if (n->full_interval_s < n->interval_s)
        return yaml_error(
            yaml_get(map, yaml_get(map, "full_interval") ? "full_interval" : "interval"), e,
            "all is to be read every %u s, and the changes every %u s: the first must not be the "
            "shorter one",
            n->full_interval_s, n->interval_s);
    return check_filter(map, n, e);
}

/* ---- what it means */

static int copy_name(struct yaml_node *map, const char *key, char *buf, size_t size, struct err *e)
{
    if (yaml_copy(map, key, false, buf, size, e))
        return -1;
    if (yaml_get(map, key) && !is_word(buf, "_-."))
        return yaml_error(yaml_get(map, key), e, "\"%.60s\" is no name: letters, digits, '_', '-' and '.'",
                          buf);
    return 0;
}

/* {field: NAME}, {platform: SLUG, image: X} or {role: SLUG, image: X} */
static int parse_rule(struct yaml_node *item, struct netbox_image_rule *r, struct err *e)
{
    static const char *const keys[] = {
        [NETBOX_IMAGE_FIELD] = "field", [NETBOX_IMAGE_PLATFORM] = "platform", [NETBOX_IMAGE_ROLE] = "role"};
    int found = 0;
    if (yaml_want(item, YAML_MAP, "a rule", e))
        return -1;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (yaml_get(item, keys[i])) {
            found++;
            r->by = i;
            if (copy_name(item, keys[i], r->name, sizeof r->name, e))
                return -1;
        }
    if (found != 1)
        return yaml_error(item, e, "a rule has one of \"field\", \"platform\" and \"role\"");
    if (r->by != NETBOX_IMAGE_FIELD && yaml_copy(item, "image", true, r->image, sizeof r->image, e))
        return -1;
    if (r->by != NETBOX_IMAGE_FIELD && !is_word(r->image, "_-.@"))
        return yaml_error(yaml_get(item, "image"), e, "\"%.60s\" is no image: NAME or NAME@VERSION",
                          r->image);
    return yaml_no_more(item, e);
}

static int parse_image(struct yaml_node *map, struct netbox_config *n, struct err *e)
{
    struct yaml_node *list;
    n->image[0] = (struct netbox_image_rule){.by = NETBOX_IMAGE_FIELD, .name = "image"};
    n->image_n = 1;
    if (copy_name(map, "image_field", n->image[0].name, sizeof n->image[0].name, e) ||
        yaml_seq(map, "image", false, &list, e))
        return -1;
    if (list && yaml_get(map, "image_field"))
        return yaml_error(list, e, "\"image_field\" is the short form of \"image\": give one of them");
    if (list && yaml_len(list) > NETBOX_RULES)
        return yaml_error(list, e, "more than %d rules", NETBOX_RULES);
    for (size_t i = 0; list && i < yaml_len(list); i++)
        if (parse_rule(yaml_at(list, i), &n->image[i], e))
            return -1;
    if (list)
        n->image_n = yaml_len(list);
    return 0;
}

/* `first`, or {KIND: NAME} */
static int parse_gateway(struct yaml_node *root, struct netbox_config *n, struct err *e)
{
    static const char *const keys[] = {[NETBOX_GATEWAY_FIELD] = "field",
                                       [NETBOX_GATEWAY_TAG] = "tag",
                                       [NETBOX_GATEWAY_ROLE] = "role",
                                       [NETBOX_GATEWAY_CONTEXT] = "context"};
    struct netbox_gateway *g = &n->gateway;
    struct yaml_node *map = yaml_get(root, "gateway");
    int found = 0;
    *g = (struct netbox_gateway){.by = NETBOX_GATEWAY_FIELD, .name = "gateway"};
    if (!map)
        return 0;
    if (yaml_type(map) == YAML_SCALAR && strcmp(yaml_text(map), "first") == 0) {
        *g = (struct netbox_gateway){.by = NETBOX_GATEWAY_FIRST};
        return 0;
    }
    for (size_t i = 0; yaml_type(map) == YAML_MAP && i < sizeof keys / sizeof *keys; i++)
        if (yaml_get(map, keys[i])) {
            found++;
            g->by = i;
            if (copy_name(map, keys[i], g->name, sizeof g->name, e))
                return -1;
        }
    if (found != 1)
        return yaml_error(map, e,
                          "\"gateway\" is `first`, or one of {field: NAME}, {tag: SLUG}, {role: ROLE} and "
                          "{context: KEY}");
    return yaml_no_more(map, e);
}

static int parse_statuses(struct yaml_node *map, struct netbox_config *n, struct err *e)
{
    static const char all[] = "offline active planned staged failed inventory decommissioning";
    struct yaml_node *list;
    str_copy(n->arm_status[0], sizeof n->arm_status[0], "planned");
    str_copy(n->arm_status[1], sizeof n->arm_status[1], "staged");
    n->arm_status_n = 2;
    if (yaml_seq(map, "arm_status", false, &list, e))
        return -1;
    if (!list)
        return 0;
    if (yaml_len(list) > NETBOX_STATUSES)
        return yaml_error(list, e, "there are %d statuses: %s", NETBOX_STATUSES, all);
    for (size_t i = 0; i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        if (yaml_want(item, YAML_SCALAR, "a status", e))
            return -1;
        const char *text = yaml_text(item), *at = strstr(all, text);
        size_t len = strlen(text);
        if (!is_word(text, "") || !at || (at > all && at[-1] != ' ') || (at[len] && at[len] != ' '))
            return yaml_error(item, e, "\"%.40s\" is no status of a device: %s", text, all);
        str_copy(n->arm_status[i], sizeof n->arm_status[i], text);
    }
    n->arm_status_n = yaml_len(list);
    return 0;
}

/* ---- what is written back */

static int parse_write(struct yaml_node *root, struct netbox_config *n, struct err *e)
{
    struct yaml_node *map;
    if (yaml_map(root, "write", false, &map, e))
        return -1;
    if (!map)
        return 0;
    if (yaml_bool(map, "status", false, &n->write.status, e) ||
        yaml_bool(map, "journal", false, &n->write.journal, e) ||
        copy_name(map, "release_field", n->write.release_field, sizeof n->write.release_field, e) ||
        copy_name(map, "hardware_field", n->write.hardware_field, sizeof n->write.hardware_field, e))
        return -1;
    return yaml_no_more(map, e);
}

/* What we write comes back by the next sync: as an image it would be a wish that nobody had. */
static int check_written(struct yaml_node *map, const struct netbox_config *n, struct err *e)
{
    const char *release = n->write.release_field, *hardware = n->write.hardware_field;
    for (size_t i = 0; i < n->image_n; i++) {
        const char *image = n->image[i].by == NETBOX_IMAGE_FIELD ? n->image[i].name : "";
        if (*image && (strcmp(image, release) == 0 || strcmp(image, hardware) == 0))
            return yaml_error(
                yaml_get(map, "write"), e,
                "the custom field \"%s\" is where people write the image that they want: give what is "
                "written back another one",
                image);
    }
    return *release && strcmp(release, hardware) == 0
               ? yaml_error(yaml_get(map, "write"), e,
                            "\"release_field\" and \"hardware_field\" are the same custom field")
               : 0;
}

int config_netbox(struct yaml_node *root, struct config *c, struct err *e)
{
    struct yaml_node *map;
    if (yaml_map(root, "netbox", false, &map, e))
        return -1;
    if (!map)
        return 0;
    if (parse_access(map, c, e) || parse_webhook(map, c, e) || parse_reading(map, &c->netbox, e) ||
        parse_image(map, &c->netbox, e) || parse_gateway(map, &c->netbox, e) ||
        parse_statuses(map, &c->netbox, e) || parse_write(map, &c->netbox, e) ||
        check_written(map, &c->netbox, e))
        return -1;
    return yaml_no_more(map, e);
}

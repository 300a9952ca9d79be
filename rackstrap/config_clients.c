/* config_clients: `dhcp.clients`, and what else says which loader a machine is sent. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/yaml.h"
#include "rackstrap/config_parts.h"

/* "ipxe.efi": a word that TFTP, a URL's path and the ladder's list can all hold. */
static bool is_word(const char *s)
{
    static const char taken[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";
    return s[0] && s[0] != '.' && !s[strspn(s, taken)] && strlen(s) < LOADER_SIZE;
}

static int parse_loaders(struct yaml_node *map, struct client_row *row, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(map, "loaders", true, &list, e))
        return -1;
    if (!yaml_len(list) || yaml_len(list) > CLIENT_LOADERS)
        return yaml_error(list, e, "1 to %d loaders, the one to be tried first in front", CLIENT_LOADERS);
    for (size_t i = 0; i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        if (yaml_want(item, YAML_SCALAR, "a loader", e))
            return -1;
        if (!is_word(yaml_text(item)))
            return yaml_error(
                item, e,
                "\"%.80s\" is not a loader's name: a file in tftp.root itself, of letters, digits "
                "and -_.+",
                yaml_text(item));
        for (size_t k = 0; k < i; k++)
            if (strcmp(row->loaders[k], yaml_text(item)) == 0)
                return yaml_error(item, e, "the loader %s is named twice", row->loaders[k]);
        str_copy(row->loaders[row->loaders_n++], LOADER_SIZE, yaml_text(item));
    }
    return 0;
}

static bool parse_arch(const char *text, uint16_t *ret)
{
    char *end; /* "00011" is eleven, as firmware writes it in its class */
    unsigned long v = strtoul(text, &end, strncasecmp(text, "0x", 2) == 0 ? 16 : 10);
    *ret = (uint16_t)v;
    return text[0] >= '0' && text[0] <= '9' && !*end && v <= 0xffff;
}

static int parse_archs(struct yaml_node *map, struct client_row *row, struct err *e)
{
    struct yaml_node *list;
    if (yaml_seq(map, "arch", false, &list, e))
        return -1;
    for (size_t i = 0; list && i < yaml_len(list); i++) {
        struct yaml_node *item = yaml_at(list, i);
        if (i == CLIENT_ARCHS)
            return yaml_error(item, e, "more than %d architectures", CLIENT_ARCHS);
        if (yaml_want(item, YAML_SCALAR, "an architecture", e))
            return -1;
        if (!parse_arch(yaml_text(item), &row->archs[i]))
            return yaml_error(item, e,
                              "\"%.20s\" is not an architecture's number (option 93), like 7 or 0x0b",
                              yaml_text(item));
        row->archs_n = i + 1;
    }
    return 0;
}

/* How it boots is what its class or its architectures say. */
static int settle_via(struct yaml_node *map, struct client_row *row, struct err *e)
{
    bool http = strncmp(row->vendor_class, "HTTPClient", 10) == 0;
    for (size_t i = 0; i < row->archs_n; i++)
        if (client_arch_is_http(row->archs[i]) != client_arch_is_http(row->archs[0]))
            return yaml_error(yaml_get(map, "arch"), e, "%u boots by %s and %u by %s: make two rows of them",
                              row->archs[0], client_arch_is_http(row->archs[0]) ? "HTTP" : "PXE",
                              row->archs[i], client_arch_is_http(row->archs[i]) ? "HTTP" : "PXE");
    if (row->archs_n && client_arch_is_http(row->archs[0]))
        http = true;
    row->via = http ? VIA_HTTP : VIA_TFTP;
    return 0;
}

/* What the journal calls the client, in one word that is not ours already. */
static int parse_name(struct yaml_node *map, struct client_row *row, struct err *e)
{
    const struct client_row *const ours[] = {&client_other, &client_unknown, &client_ipxe};
    if (yaml_copy(map, "name", true, row->name, sizeof row->name, e))
        return -1;
    bool taken = !is_word(row->name);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        taken = taken || strcmp(row->name, ours[i]->name) == 0;
    return taken ? yaml_error(
                       yaml_get(map, "name"), e,
                       "\"%s\" cannot be a kind's name: letters, digits and -_.+, and not ipxe, other or "
                       "pxe-unknown",
                       row->name)
                 : 0;
}

static int parse_row(struct yaml_node *map, struct client_row *row, struct err *e)
{
    if (yaml_want(map, YAML_MAP, "a kind of client", e) || parse_name(map, row, e) ||
        parse_archs(map, row, e) ||
        yaml_copy(map, "user_class", false, row->user_class, sizeof row->user_class, e) ||
        yaml_copy(map, "vendor_class", false, row->vendor_class, sizeof row->vendor_class, e) ||
        parse_loaders(map, row, e) || settle_via(map, row, e))
        return -1;
    if (!row->archs_n && !row->user_class[0] && !row->vendor_class[0])
        return yaml_error(map, e,
                          "it says of no client that it is one: give arch, user_class or vendor_class");
    return yaml_no_more(map, e);
}

int config_clients(struct yaml_node *dhcp, struct dhcpd_config *d, struct err *e)
{
    struct yaml_node *list;
    d->loader_timeout = 60;
    if (yaml_duration(dhcp, "loader_timeout", false, &d->loader_timeout, e) ||
        yaml_seq(dhcp, "clients", false, &list, e))
        return -1;
    if (d->loader_timeout < 10)
        return yaml_error(yaml_get(dhcp, "loader_timeout"), e, "a loader needs 10 s or more to be heard of");
    for (size_t i = 0; list && i < yaml_len(list); i++) {
        if (i == CLIENTS_MAX)
            return yaml_error(yaml_at(list, i), e, "more than %d kinds of client", CLIENTS_MAX);
        if (parse_row(yaml_at(list, i), &d->clients.rows[i], e))
            return -1;
        for (size_t k = 0; k < i; k++)
            if (strcmp(d->clients.rows[k].name, d->clients.rows[i].name) == 0)
                return yaml_error(yaml_get(yaml_at(list, i), "name"), e,
                                  "another kind of client is called %s; the machines' records tell kinds by "
                                  "their names",
                                  d->clients.rows[i].name);
        d->clients.n = i + 1;
    }
    return 0;
}

#include "rackstrap/why_loader.h"

#include <stdio.h>

#include "base/str.h"
#include "dhcpd/io_loader.h"
#include "rackstrap/out.h"

/* The loader's name, or "" where the row has none that is there; reason is a sentence either way. What would
 * give way to it is given up in l, as it is in the store once the machine asks. */
static void choose(const struct config *c, const struct client_row *row, struct ladder *l,
                   char loader[LOADER_SIZE], char reason[300])
{
    char there[CLIENT_LOADERS][LOADER_SIZE];
    size_t n = loaders_there(c->dhcp.loaders, row, there);
    loader[0] = '\0';
    if (!n) {
        snprintf(reason, 300,
                 "none of its kind's loaders (the first is %s) is in %s: it gets an address alone",
                 row->loaders[0], c->dhcp.loaders);
        return;
    }
    struct ladder_choice x =
        ladder_choose(l, row->name, (const char(*)[LOADER_SIZE])there, n, c->dhcp.loader_timeout, now_ms());
    str_copy(loader, LOADER_SIZE, x.loader);
    str_copy(reason, 300, x.reason);
    if (x.gives_way[0])
        ladder_give_up(l, x.gives_way);
}

int why_loader(struct store *s, const struct config *c, struct mac m, const char *seen_as, json_t *answer,
               struct err *e)
{
    struct ladder l;
    char loader[LOADER_SIZE] = "", reason[300] = "";
    if (ladder_get(s, m, &l, e))
        return -1;
    const char *client = seen_as ? seen_as : l.client;
    const struct client_row *row = client_by_name(&c->dhcp.clients, client);
    if (row)
        choose(c, row, &l, loader, reason);
    else if (!client[0])
        str_copy(reason, sizeof reason,
                 "its kind is not known yet: it is sent the first of its kind, when it asks next");
    json_object_set_new(answer, "client", out_text(client));
    json_object_set_new(answer, "loader", out_text(loader));
    json_object_set_new(answer, "loader_reason", out_text(reason));
    json_object_set_new(answer, "loaders_given_up", out_text(l.failed));
    return 0;
}

/* loader: the loaders of tftpd's folder, for UEFI HTTP Boot. A name is one plain segment: letters, digits and
 * -_.+, no dot first.
 *
 * dhcpd's URL says whose NIC asks (?mac=), so that the journal and the NIC's ladder know what it fetched, as
 * they do of TFTP. Anyone may say any MAC address: it decides nothing but which loader that NIC is offered.
 */
#include "httpboot/app.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/ladder.h"

static bool is_plain_name(const char *s)
{
    static const char taken[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";

    return s[0] && s[0] != '.' && s[strspn(s, taken)] == '\0';
}

/* UEFI HTTP Boot goes by the type first, and by the name's end where the type says nothing. */
static const char *type_of(const char *name)
{
    return str_ends(name, ".efi") ? "application/efi" : "application/octet-stream";
}

static int note(struct call *c, const struct device *d, struct mac mac, struct err *e)
{
    struct store *s = c->app->store;
    struct ladder l;
    char detail[160], size[16];

    if (ladder_get(s, mac, &l, e))
        return -1;
    if (!ladder_fetched(&l, c->arg, c->at_ms)) /* again, in one boot */
        return 0;
    snprintf(detail, sizeof detail, "%.64s, %" PRIu64 " bytes (%s) by HTTP", c->arg, c->res->total,
             size_format(c->res->total, size));
    if (store_begin(s, e))
        return -1;
    if (journal_add(s, d->id, &mac, "httpboot", "loader", detail, c->at_ms, e) ||
        ladder_note_fetched(s, d->id, mac, c->arg, c->at_ms, e)) {
        store_rollback(s);
        return -1;
    }
    return store_commit(s, e);
}

/* A record that cannot be written is no reason to keep a machine from its loader. */
static void note_fetch(struct call *c)
{
    char text[MAC_STR];
    struct device d;
    struct err e = {0};
    struct mac mac;

    if (c->req->method != METHOD_GET || c->res->status != 200 || strlen(c->arg) >= LOADER_SIZE)
        return;
    request_param(c->req, "mac", text, sizeof text);
    if (mac_parse(text, &mac, NULL) || device_by_mac(c->app->store, mac, &d, NULL))
        return;
    if (note(c, &d, mac, &e))
        log_error("http-loader-note problem=\"%s\"", e.text);
}

void file_loader(struct call *c)
{
    char path[sizeof c->app->cfg->loaders + ROUTE_ARG_SIZE];

    if (!is_plain_name(c->arg) || !c->app->cfg->loaders[0]) {
        response_error(c->res, 404, "the server does not have this loader");
        return;
    }
    snprintf(path, sizeof path, "%s/%s", c->app->cfg->loaders, c->arg);
    file_send(c, path, type_of(c->arg));
    note_fetch(c);
}

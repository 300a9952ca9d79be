#include "dhcpd/bootfile.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void mac_with_dashes(struct mac m, char buf[MAC_STR])
{
    mac_format(m, buf);
    for (char *c = buf; *c; c++)
        if (*c == ':')
            *c = '-';
}

static void name_file(const struct dhcpd_config *cfg, const struct request *q, const struct facts *f,
                      struct ip4 server, char *buf, size_t size)
{
    const struct client_row *row = q->client;
    const char *loader = f->loader[0] ? f->loader : row->loaders[0];
    char ip[IP4_STR], mac[MAC_STR];
    ip4_format(server, ip);
    mac_with_dashes(q->mac, mac);
    if (row->via == VIA_SCRIPT) /* iPXE puts its own settings in */
        snprintf(buf, size,
                 "http://%s:%u/boot/%s.ipxe?uuid=${uuid}&serial=${serial:uristring}&arch=${buildarch}", ip,
                 cfg->http_port, mac);
    else if (row->via == VIA_HTTP) /* the MAC address, so that httpboot knows whose ladder this is */
        snprintf(buf, size, "http://%s:%u/loader/%s?mac=%s", ip, cfg->http_port, loader, mac);
    else
        snprintf(buf, size, "%s", loader);
}

void bootfile_put(const struct dhcpd_config *cfg, const struct request *q, const struct facts *f,
                  struct ip4 server, struct reply *r)
{
    static const uint8_t no_proxy[] = {0xb0, 1, 1}; /* 175.176: wait for no proxy's offer */
    enum boot_via via = q->client->via;
    char file[256];
    if (via == VIA_NOTHING)
        return;
    r->siaddr = server;
    name_file(cfg, q, f, server, file, sizeof file);
    if (strlen(file) < sizeof r->file)
        str_copy(r->file, sizeof r->file, file);
    else
        option_put_text(&r->options, OPT_BOOTFILE, file);
    if (via == VIA_SCRIPT)
        option_put(&r->options, OPT_IPXE, span_of(no_proxy, sizeof no_proxy));
    if (via == VIA_HTTP)
        option_put_text(&r->options, OPT_VENDOR_CLASS, "HTTPClient");
    if (q->options.has[OPT_MACHINE_ID])
        option_put_lent(&r->options, OPT_MACHINE_ID, q->options.value[OPT_MACHINE_ID]);
}

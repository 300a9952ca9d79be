/* clients: kinds of machine that ask, how each is told, and what it boots. One table of rows: those of the
 * configuration (`dhcp.clients`), then those of clients.c. The first row that takes a client is its row; a
 * new kind of client is a row here or there, and a vector.
 *
 *   row           recognised by                                 is sent
 *   ipxe          option 77 `iPXE`, or option 175               the URL of this device's script
 *   *-http        option 60 `HTTPClient`, option 93             60 echoed; the loader's URL
 *   bios, uefi-*  option 60 `PXEClient`, option 93 (else 60's)  the loader's TFTP name, no 60, no 43
 *   pxe-unknown   as those, and no row takes it                 an address
 *   other         anything else                                 an address
 *
 * iPXE is recognised before any row: a row that sent it a loader would send it round in circles.
 *
 * A row names several loaders where one may not run on every machine of its kind: the first that a device's
 * ladder (inventory/ladder.h) has not given up, of those that are in the loaders' folder.
 *
 * Why PXE clients get neither 60 nor 43 (but beside another DHCP server, proxy.h): EDK2 takes an offer with
 * 60 but without 43 for a boot server's and asks port 4011 for the bootfile; an offer with neither is a plain
 * one, and every PXE ROM boots from its `siaddr` and `file`. */
#ifndef DHCPD_CLIENTS_H
#define DHCPD_CLIENTS_H

#include "dhcpd/options.h"
#include "inventory/ladder.h"

#define CLIENTS_MAX  32
#define CLIENT_ARCHS 8
#define CLIENT_CLASS 64

enum boot_via { VIA_NOTHING, VIA_TFTP, VIA_HTTP, VIA_SCRIPT };

struct client_row {
    char name[CLIENT_NAME]; /* as in the journal: "uefi-x64" */
    enum boot_via via;
    uint16_t archs[CLIENT_ARCHS]; /* option 93 lists one of these; none: any, also none */
    size_t archs_n;
    char user_class[CLIENT_CLASS], vendor_class[CLIENT_CLASS]; /* options 77 and 60 begin so; "": any */
    char loaders[CLIENT_LOADERS][LOADER_SIZE];
    size_t loaders_n;
};

/* The configuration's own rows. */
struct client_table {
    struct client_row rows[CLIENTS_MAX];
    size_t n;
};

extern const struct client_row client_other, client_unknown, client_ipxe;

/* The row that takes this client; never NULL. own may be NULL. */
const struct client_row *client_find(const struct client_table *own, const struct options *o);
/* By the name that a store or a journal has; NULL when no row has it. */
const struct client_row *client_by_name(const struct client_table *own, const char *name);
/* Is this an architecture that boots by HTTP (RFC 5970, IANA)? */
bool client_arch_is_http(uint16_t arch);

#endif

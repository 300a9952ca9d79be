/* clients: kinds of machine that ask, how each is told, and what it boots.
 *
 * Two tables (clients.c): architecture -> kind, and kind -> loader. A new kind of client is a row in each and
 * a vector.
 *
 *   | kind        | recognised by                                 | is sent |
 *   |-------------|-----------------------------------------------|--------------------------------------------|
 *   | ipxe        | option 77 `iPXE`, or option 175               | the URL of this device's script | |
 * *-http      | option 60 `HTTPClient`, option 93             | 60 echoed; the loader's URL                |
 *   | bios, uefi-*| option 60 `PXEClient`, option 93 (else 60's)  | the loader's TFTP name, no 60, no 43 | |
 * pxe-unknown | as those, an architecture not in the table    | an address                                 |
 *   | other       | anything else                                 | an address |
 *
 * Why PXE clients get neither 60 nor 43: EDK2 takes an offer with 60 but without 43 for a boot server's and
 * asks port 4011 for the bootfile; an offer with neither is a plain one, and every PXE ROM boots from its
 * `siaddr` and `file`. */
#ifndef DHCPD_CLIENTS_H
#define DHCPD_CLIENTS_H

#include "dhcpd/options.h"

enum client_kind {
    CLIENT_OTHER,
    CLIENT_PXE_UNKNOWN,
    CLIENT_BIOS,
    CLIENT_UEFI_IA32,
    CLIENT_UEFI_X64,
    CLIENT_UEFI_X64_HTTP,
    CLIENT_UEFI_ARM64,
    CLIENT_UEFI_ARM64_HTTP,
    CLIENT_IPXE,
    CLIENT_COUNT
};

enum boot_via { VIA_NOTHING, VIA_TFTP, VIA_HTTP, VIA_SCRIPT };

struct client_row {
    const char *name; /* as in the journal: "uefi-x64" */
    enum boot_via via;
    const char *loader; /* NULL: none */
};

enum client_kind client_kind(const struct options *o);
const struct client_row *client_row(enum client_kind k);

#endif

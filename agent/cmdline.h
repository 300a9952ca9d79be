/* cmdline: what the boot script told the installer, on the kernel's command line.
 *
 *     rackstrap.url=http://10.77.0.1:8080 rackstrap.mode=install rackstrap.token=HEX
 * rackstrap.mac=52:54:00:00:00:01 BOOTIF=01-52-54-00-00-00-01 rackstrap.debug
 *
 * Words that are not ours are left alone. A value may stand in double quotes, as the kernel allows. */
#ifndef AGENT_CMDLINE_H
#define AGENT_CMDLINE_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/err.h"

#define AGENT_URL_MAX   256
#define AGENT_TOKEN_MAX 129 /* and NUL; our tokens are 64 hex digits */

enum agent_mode { MODE_INSTALL, MODE_DISCOVER };

struct cmdline {
    char url[AGENT_URL_MAX];
    char token[AGENT_TOKEN_MAX];
    enum agent_mode mode;
    struct mac mac;  /* the device's, as the server knows it; BOOTIF's if the server did not say */
    struct mac boot; /* of the NIC that booted; the device's if no BOOTIF */
    bool debug;      /* stay when it fails */
};

int cmdline_parse(const char *text, struct cmdline *ret, struct err *e);
/* Letters, digits, '-' and '_', at least one: nothing that could end a header or a URL. */
bool token_ok(const char *s);

#endif

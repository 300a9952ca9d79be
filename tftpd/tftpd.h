/* tftpd: the TFTP server's face to the program. Read-only, confined to one folder. */
#ifndef TFTPD_TFTPD_H
#define TFTPD_TFTPD_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct tftpd_config {
    char interfaces[16][16]; /* answers only what comes in there; none: every interface */
    size_t interfaces_n;
    uint16_t port;  /* 69 */
    char root[256]; /* the folder served */
};

struct tftpd;
int tftpd_open(const struct tftpd_config *cfg, struct tftpd **ret, struct err *e);
/* Journals `loader` (with file, bytes and time) for a transfer that ended whole to an address that a lease or
 * a device has. */
int tftpd_serve(struct tftpd *t, const char *state_dir, struct err *e);
void tftpd_close(struct tftpd *t);

#endif

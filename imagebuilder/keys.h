/* keys: the Ed25519 key that releases are signed with, <state_dir>/keys/release.key (0600), made at its first
 * use; its public half, release.pub beside it, goes into the installer. */
#ifndef IMAGEBUILDER_KEYS_H
#define IMAGEBUILDER_KEYS_H

#include "base/digest.h"
#include "base/str.h"

int release_sign(const char *state_dir, struct span data, uint8_t ret[SIGNATURE_SIZE], struct err *e);
int release_public_key(const char *state_dir, struct str *ret, struct err *e); /* PEM */

#endif

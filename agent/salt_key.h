/* salt_key: a Salt minion's key pair, made on the machine, in the PEM forms that Salt itself writes:
 * minion.pem "BEGIN RSA PRIVATE KEY" (PKCS#1), minion.pub "BEGIN PUBLIC KEY". A key that is there already is
 * kept. */
#ifndef AGENT_SALT_KEY_H
#define AGENT_SALT_KEY_H

#include "base/err.h"
#include "base/str.h"

/* The public half in PEM goes to *ret_pub as well. */
int salt_key_ensure(const char *private_path, const char *public_path, struct str *ret_pub, struct err *e);

#endif

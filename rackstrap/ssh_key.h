/* ssh_key: is a line one that sshd takes as a public key? Pure. */
#ifndef RACKSTRAP_SSH_KEY_H
#define RACKSTRAP_SSH_KEY_H

#include <stdbool.h>

/* An authorized_keys line (sshd(8)): options perhaps, a type, the key in base64, which begins with the same
 * type (RFC 4253 6.6), and a comment perhaps. Half a key, as it comes out of a window that cut it off, is
 * none. */
bool ssh_key_ok(const char *line);

#endif

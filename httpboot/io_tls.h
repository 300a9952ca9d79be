/* tls: the server's side of TLS 1.2 and 1.3 (RFC 5246, 8446), by OpenSSL, which is seen nowhere else. Used
 * through wire.
 *
 * A tls_server is made once, before processes are forked, and shared by them: they resume each other's
 * sessions. It holds the private key; tls_server_free wipes it.
 */
#ifndef HTTPBOOT_IO_TLS_H
#define HTTPBOOT_IO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct tls_server;
/* PEM: the certificate, followed by the ones between it and its root; the key that belongs to it, without a
 * password. *ret_key on -1: "certificate_file" or "key_file". */
int tls_server_new(const char *certificate, const char *key, struct tls_server **ret, const char **ret_key,
                   struct err *e);
void tls_server_free(struct tls_server *s); /* takes NULL */

/* As wire's functions of these names; *ret_want is set where they would block. */
struct tls;
struct tls *tls_new(struct tls_server *s, int fd); /* NULL: out of memory */
void tls_free(struct tls *t);                      /* takes NULL */
int tls_handshake(struct tls *t, unsigned *ret_want);
ssize_t tls_read(struct tls *t, void *p, size_t n, unsigned *ret_want);
ssize_t tls_write(struct tls *t, const void *p, size_t n, unsigned *ret_want);
ssize_t tls_sendfile(struct tls *t, int file, off_t at, size_t n, size_t left, unsigned *ret_want);
bool tls_has_pending(const struct tls *t);
void tls_end(struct tls *t);
/* Why the handshake failed, as OpenSSL says it; for the log. */
const char *tls_why(const struct tls *t);

#endif

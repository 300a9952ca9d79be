/* digest: SHA-256, random secrets, hex, and Ed25519 signatures, all by OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define DIGEST_SIZE 32
#define DIGEST_HEX  65 /* 64 lower-case hex digits and NUL */

struct digest {
    uint8_t b[DIGEST_SIZE];
};

struct digest digest_sha256(struct span s);
/* For long inputs. sha256_new never fails; sha256_end frees. */
struct sha256;
struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *h, const void *p, size_t n);
struct digest sha256_end(struct sha256 *h);

bool digest_eq(struct digest a, struct digest b); /* in constant time */
char *digest_format(struct digest d, char buf[DIGEST_HEX]);
int digest_parse(const char *hex, struct digest *ret, struct err *e);

/* HMAC-SHA512 (RFC 2104, FIPS 198-1). */
#define HMAC512_SIZE 64
#define HMAC512_HEX  129
struct hmac512 {
    uint8_t b[HMAC512_SIZE];
};
struct hmac512 hmac_sha512(struct span key, struct span text);
char *hmac512_format(const struct hmac512 *h, char buf[HMAC512_HEX]); /* lower case */
/* In a time that depends on the lengths alone. */
bool span_eq_secret(struct span a, struct span b);

/* A whole file's hash by name: "sha256" or "sha512"; hex in ret_hex[129]. */
int digest_file(const char *path, const char *algorithm, char ret_hex[129], struct err *e);

/* 256 random bits as 64 hex digits. Aborts if the system has no randomness: nothing safe could follow. */
void secret_new(char ret_hex[DIGEST_HEX]);
void random_bytes(void *p, size_t n);

/* Ed25519. Keys are PEM files (PKCS#8 private, 0600; SubjectPublicKeyInfo public). A signature is 64 bytes.
 */
#define SIGNATURE_SIZE 64
int sign_key_make(const char *private_path, const char *public_path, struct err *e);
int sign_file_key(const char *private_path, struct span data, uint8_t ret[SIGNATURE_SIZE], struct err *e);
int sign_verify(const char *public_path, struct span data, struct span signature,
                struct err *e); /* ERR_CORRUPT when it is not ours */

#endif

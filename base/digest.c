#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/file.h"
#include "base/str.h"

static char *hex_format(const uint8_t *p, size_t n, char *buf)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        buf[2 * i] = digits[p[i] >> 4];
        buf[2 * i + 1] = digits[p[i] & 15];
    }
    buf[2 * n] = '\0';
    return buf;
}

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *h = xcalloc(1, sizeof *h);
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx || !EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL))
        abort(); /* out of memory, or an OpenSSL without SHA-256 */
    return h;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
    if (!EVP_DigestUpdate(h->ctx, p, n))
        abort();
}

struct digest sha256_end(struct sha256 *h)
{
    struct digest d;
    if (!EVP_DigestFinal_ex(h->ctx, d.b, NULL))
        abort();
    EVP_MD_CTX_free(h->ctx);
    free(h);
    return d;
}

struct digest digest_sha256(struct span s)
{
    struct digest d;
    if (!EVP_Digest(s.n ? (const void *)s.p : "", s.n, d.b, NULL, EVP_sha256(), NULL))
        abort();
    return d;
}

bool digest_eq(struct digest a, struct digest b)
{
    return CRYPTO_memcmp(a.b, b.b, sizeof a.b) == 0;
}

char *digest_format(struct digest d, char buf[DIGEST_HEX])
{
    return hex_format(d.b, sizeof d.b, buf);
}

int digest_parse(const char *hex, struct digest *ret, struct err *e)
{
    struct digest d;
    if (strlen(hex) != DIGEST_HEX - 1 || strspn(hex, "0123456789abcdefABCDEF") != DIGEST_HEX - 1)
        return err_set(e, ERR_INPUT, "\"%.80s\" is not a SHA-256 digest (64 hex digits)", hex);
    for (size_t i = 0; i < sizeof d.b; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        d.b[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    *ret = d;
    return 0;
}

struct hmac512 hmac_sha512(struct span key, struct span text)
{
    struct hmac512 h;
    if (!HMAC(EVP_sha512(), key.n ? (const void *)key.p : "", (int)key.n,
              text.n ? text.p : (const uint8_t *)"", text.n, h.b, NULL))
        abort();
    return h;
}

char *hmac512_format(const struct hmac512 *h, char buf[HMAC512_HEX])
{
    return hex_format(h->b, sizeof h->b, buf);
}

bool span_eq_secret(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

int digest_file(const char *path, const char *algorithm, char ret_hex[129], struct err *e)
{
    const EVP_MD *md = EVP_get_digestbyname(algorithm);
    if (!md || (strcmp(algorithm, "sha256") != 0 && strcmp(algorithm, "sha512") != 0))
        return err_set(e, ERR_INPUT, "\"%s\" is not a known hash; use sha256 or sha512", algorithm);
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    if (fd < 0)
        return err_errno(e, "cannot read %s", path);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *buf = xcalloc(1, 1 << 18), sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    ssize_t n;
    if (!ctx || !EVP_DigestInit_ex(ctx, md, NULL))
        abort();
    while ((n = read(fd, buf, 1 << 18)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(e, "cannot read %s", path);
            goto out;
        }
        EVP_DigestUpdate(ctx, buf, (size_t)n);
    }
    EVP_DigestFinal_ex(ctx, sum, &len);
    hex_format(sum, len, ret_hex);
    rc = 0;
out:
    EVP_MD_CTX_free(ctx);
    free(buf);
    close(fd);
    return rc;
}

void random_bytes(void *p, size_t n)
{
    if (RAND_bytes(p, (int)n) != 1) {
        fputs("the system gives no random bytes\n", stderr);
        abort();
    }
}

void secret_new(char ret_hex[DIGEST_HEX])
{
    uint8_t b[DIGEST_SIZE];
    random_bytes(b, sizeof b);
    hex_format(b, sizeof b, ret_hex);
    OPENSSL_cleanse(b, sizeof b);
}

/* What a memory BIO holds, as a file. */
static int write_bio(const char *path, BIO *bio, mode_t mode, struct err *e)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    return file_write(path, p, (size_t)n, mode, e);
}

int sign_key_make(const char *private_path, const char *public_path, struct err *e)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    BIO *private = BIO_new(BIO_s_secmem()), *public = BIO_new(BIO_s_mem());
    int rc = -1;
    if (!private)
    private = BIO_new(BIO_s_mem());
    if (!key || !private || !public ||
        !PEM_write_bio_PKCS8PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) ||
        !PEM_write_bio_PUBKEY(public, key))
        err_set(e, ERR_IO, "OpenSSL could not make an Ed25519 key");
    else if (!write_bio(private_path, private, 0600, e) && !write_bio(public_path, public, 0644, e))
        rc = 0;
    EVP_PKEY_free(key);
    BIO_free_all(private);
    BIO_free_all(public);
    return rc;
}

static EVP_PKEY *load_key(const char *path, bool private, struct err *e)
{
    BIO *bio = BIO_new_file(path, "r");
    EVP_PKEY *key = NULL;
    if (bio)
        key = private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)
                      : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (key && EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    if (!key)
        err_set(e, ERR_INPUT, "%s is not a readable Ed25519 %s key in PEM form", path,
                private ? "private" : "public");
    return key;
}

int sign_file_key(const char *private_path, struct span data, uint8_t ret[SIGNATURE_SIZE], struct err *e)
{
    EVP_PKEY *key = load_key(private_path, true, e);
    if (!key)
        return -1;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = SIGNATURE_SIZE;
    int rc = 0;
    if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(ctx, ret, &n, data.p, data.n) != 1)
        rc = err_set(e, ERR_IO, "OpenSSL could not sign with %s", private_path);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return rc;
}

int sign_verify(const char *public_path, struct span data, struct span signature, struct err *e)
{
    EVP_PKEY *key = load_key(public_path, false, e);
    if (!key)
        return -1;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rc = 0;
    if (!ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestVerify(ctx, signature.p, signature.n, data.p, data.n) != 1)
        rc = err_set(e, ERR_CORRUPT, "the signature was not made by the key whose public half is %s",
                     public_path);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return rc;
}

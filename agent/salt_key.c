#include "agent/salt_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/file.h"

#define KEY_BITS 2048u
#define PEM_MAX  65536u

static EVP_PKEY *load(const char *path)
{
    struct str text = {0};
    EVP_PKEY *key = NULL;
    if (file_read(path, PEM_MAX, &text, NULL) == 0) {
        BIO *bio = BIO_new_mem_buf(text.s, (int)text.len);
        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
        BIO_free(bio);
    }
    str_free(&text);
    if (key && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

static int write_bio(BIO *bio, const char *path, mode_t mode, struct err *e)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    return file_write(path, p, (size_t)n, mode, e);
}

static EVP_PKEY *make(const char *path, struct err *e)
{
    EVP_PKEY *key = EVP_RSA_gen(KEY_BITS);
    BIO *bio = BIO_new(BIO_s_mem());
    int status = -1;
    if (!key || !PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL))
        err_set(e, ERR_IO, "OpenSSL does not make an RSA key");
    else
        status = write_bio(bio, path, 0400, e);
    BIO_free(bio);
    if (status == 0)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

int salt_key_ensure(const char *private_path, const char *public_path, struct str *ret_pub, struct err *e)
{
    EVP_PKEY *key = load(private_path);
    if (!key)
        key = make(private_path, e);
    if (!key)
        return -1;
    BIO *bio = BIO_new(BIO_s_mem());
    int status = PEM_write_bio_PUBKEY(bio, key) ? write_bio(bio, public_path, 0644, e)
                                                : err_set(e, ERR_IO, "OpenSSL does not write a public key");
    if (status == 0) {
        char *p;
        long n = BIO_get_mem_data(bio, &p);
        str_addn(ret_pub, p, (size_t)n);
    }
    BIO_free(bio);
    EVP_PKEY_free(key);
    return status;
}

/* tls: see io_tls.h.
 *
 * File data goes out by the kernel (kTLS) where it has taken over the connection's keys: SSL_sendfile then is
 * sendfile. Where not, a record at a time is read and encrypted here.
 */
#include "httpboot/io_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/loop.h"
#include "base/str.h"
#include "httpboot/httpboot.h"

#define RECORD 16384 /* the largest that TLS has */

struct tls_server {
    SSL_CTX *ctx;
};

struct tls {
    SSL *ssl;
    bool ended; /* nothing may be written any more: OpenSSL refuses even a farewell after a fatal error */
    char why[96];
};

/* ---- the certificate and its key ---- */

/* OpenSSL's last word on it, and its queue emptied: what stays there would be read as the next call's error.
 */
static void reason_text(char *buf, size_t size)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;

    str_copy(buf, size, text ? text : "no reason given");
    ERR_clear_error();
}

static int bad_file(const char *which, const char **ret_key, struct err *e, const char *what)
{
    char why[160];

    *ret_key = which;
    reason_text(why, sizeof why);
    return err_set(e, ERR_INPUT, "%s (%s)", what, why);
}

static int no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static int use_chain(SSL_CTX *ctx, BIO *pem)
{
    X509 *cert;

    while ((cert = PEM_read_bio_X509(pem, NULL, no_password, NULL)))
        if (!SSL_CTX_add0_chain_cert(ctx, cert)) {
            X509_free(cert);
            return -1;
        }
    /* The end of the text is an error to the reader, and the one that is right. */
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return -1;
    ERR_clear_error();
    return 0;
}

static int use_certificate(SSL_CTX *ctx, const char *text, const char **ret_key, struct err *e)
{
    BIO *pem = BIO_new_mem_buf(text, -1);
    X509 *cert = pem ? PEM_read_bio_X509(pem, NULL, no_password, NULL) : NULL;
    int rc = 0;

    if (!cert)
        rc = bad_file("certificate_file", ret_key, e, "this file holds no PEM certificate");
    else if (SSL_CTX_use_certificate(ctx, cert) != 1)
        rc = bad_file("certificate_file", ret_key, e, "this certificate cannot be used for TLS");
    else if (use_chain(ctx, pem))
        rc = bad_file("certificate_file", ret_key, e, "what follows the certificate is no certificate");
    X509_free(cert);
    BIO_free(pem);
    return rc;
}

static int use_key(SSL_CTX *ctx, const char *text, const char **ret_key, struct err *e)
{
    BIO *pem = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = pem ? PEM_read_bio_PrivateKey(pem, NULL, no_password, NULL) : NULL;
    int rc = 0;

    if (!key && strstr(text, "ENCRYPTED"))
        rc = bad_file("key_file", ret_key, e, "this key has a password, and nobody is there to give it");
    else if (!key)
        rc = bad_file("key_file", ret_key, e, "this file holds no PEM private key");
    else if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1)
        rc = bad_file("key_file", ret_key, e, "this key is not the certificate's");
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
        rc = bad_file("key_file", ret_key, e, "this key cannot be used for TLS");
    EVP_PKEY_free(key);
    BIO_free(pem);
    return rc;
}

int httpboot_tls_check(const char *certificate, const char *key, const char **ret_key, struct err *e)
{
    struct tls_server *s;

    if (tls_server_new(certificate, key, &s, ret_key, e))
        return -1;
    tls_server_free(s);
    return 0;
}

static void date_text(const ASN1_TIME *t, char *buf, size_t size)
{
    struct tm tm;

    if (!ASN1_TIME_to_tm(t, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M UTC", &tm))
        str_copy(buf, size, "an unreadable date");
}

bool httpboot_tls_is_certificate(const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *cert = text ? PEM_read_bio_X509(text, NULL, no_password, NULL) : NULL;
    bool is = cert != NULL;

    X509_free(cert);
    BIO_free(text);
    ERR_clear_error();
    return is;
}

int httpboot_tls_current(const char *certificate, int64_t at_ms, struct err *e)
{
    BIO *pem = BIO_new_mem_buf(certificate, -1);
    X509 *cert = pem ? PEM_read_bio_X509(pem, NULL, no_password, NULL) : NULL;
    time_t now = (time_t)(at_ms / 1000);
    char date[64];
    int rc = 0;

    if (!cert) {
        rc = err_set(e, ERR_INPUT, "this file holds no PEM certificate");
    } else if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0) {
        date_text(X509_get0_notAfter(cert), date, sizeof date);
        rc = err_set(e, ERR_INPUT, "the certificate ended on %s: clients refuse it; renew it", date);
    } else if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0) {
        date_text(X509_get0_notBefore(cert), date, sizeof date);
        rc = err_set(e, ERR_INPUT,
                     "the certificate begins on %s only: clients refuse it until then; is the clock right?",
                     date);
    }
    X509_free(cert);
    BIO_free(pem);
    ERR_clear_error();
    return rc;
}

/* ---- the server ---- */

/* Only HTTP/1.1 is spoken here; who insists on another is told so (RFC 7301 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_n,
                           const unsigned char *offered, unsigned n, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    unsigned char *chosen;

    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&chosen, ret_n, ours, sizeof ours - 1, offered, n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* RSA key exchange and CBC stay at the end of the list: firmware and iPXE have nothing better. */
#define CIPHERS_TLS12                                                                                        \
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!PSK:!SRP"

static bool set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_ENABLE_KTLS | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* the client carries its session: a ticket */
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_dh_auto(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS_TLS12) == 1;
}

int tls_server_new(const char *certificate, const char *key, struct tls_server **ret, const char **ret_key,
                   struct err *e)
{
    struct tls_server *s = xcalloc(1, sizeof *s);

    ERR_clear_error();
    s->ctx = SSL_CTX_new(TLS_server_method());
    if (!s->ctx || !set_up(s->ctx)) {
        bad_file("certificate_file", ret_key, e, "TLS cannot be set up");
        goto fail;
    }
    if (use_certificate(s->ctx, certificate, ret_key, e) || use_key(s->ctx, key, ret_key, e))
        goto fail;
    *ret = s;
    return 0;
fail:
    tls_server_free(s);
    return -1;
}

void tls_server_free(struct tls_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->ctx);
    free(s);
}

/* ---- a connection ---- */

struct tls *tls_new(struct tls_server *s, int fd)
{
    struct tls *t = xcalloc(1, sizeof *t);

    t->ssl = SSL_new(s->ctx);
    if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
        tls_free(t);
        return NULL;
    }
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

/* What a call of OpenSSL came to, in the words of recv and send. */
static ssize_t outcome(struct tls *t, int rc, size_t n, unsigned *ret_want)
{
    switch (rc > 0 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_NONE:
        return (ssize_t)n;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
        *ret_want = WATCH_READ;
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_WANT_WRITE:
        *ret_want = WATCH_WRITE;
        errno = EAGAIN;
        return -1;
    }
    reason_text(t->why, sizeof t->why);
    t->ended = true;
    errno = EPROTO;
    return -1;
}

int tls_handshake(struct tls *t, unsigned *ret_want)
{
    int rc;

    ERR_clear_error();
    rc = SSL_accept(t->ssl);
    return outcome(t, rc, 1, ret_want) == 1 ? 0 : -1;
}

ssize_t tls_read(struct tls *t, void *p, size_t n, unsigned *ret_want)
{
    size_t done = 0;
    int rc;

    ERR_clear_error();
    rc = SSL_read_ex(t->ssl, p, n, &done);
    return outcome(t, rc, done, ret_want);
}

ssize_t tls_write(struct tls *t, const void *p, size_t n, unsigned *ret_want)
{
    size_t done = 0;
    int rc;

    ERR_clear_error();
    rc = SSL_write_ex(t->ssl, p, n, &done);
    return outcome(t, rc, done, ret_want);
}

static ssize_t kernel_sendfile(struct tls *t, int file, off_t at, size_t n, unsigned *ret_want)
{
    ossl_ssize_t done;

    ERR_clear_error();
    done = SSL_sendfile(t->ssl, file, at, n, 0);
    return done == 0 ? 0 : outcome(t, done < 0 ? -1 : 1, (size_t)done, ret_want);
}

/* A write that blocked is to be repeated with no less, since its record is sealed already. So a record's size
 * hangs on what is left of the answer only, never on whose turn it is. */
ssize_t tls_sendfile(struct tls *t, int file, off_t at, size_t n, size_t left, unsigned *ret_want)
{
    char record[RECORD];
    size_t moved = 0;
    ssize_t got, sent = 0;

    if (BIO_get_ktls_send(SSL_get_wbio(t->ssl)))
        return kernel_sendfile(t, file, at, n, ret_want);
    while (moved < n) {
        got = pread(file, record, left - moved < RECORD ? left - moved : RECORD, at + (off_t)moved);
        if (got <= 0)
            return moved ? (ssize_t)moved : got;
        sent = tls_write(t, record, (size_t)got, ret_want);
        if (sent <= 0)
            break;
        moved += (size_t)sent;
    }
    return moved ? (ssize_t)moved : sent;
}

bool tls_has_pending(const struct tls *t)
{
    return SSL_pending(t->ssl) > 0; /* not SSL_has_pending, which counts half a record too */
}

void tls_end(struct tls *t)
{
    ERR_clear_error();
    if (!t->ended && SSL_is_init_finished(t->ssl))
        SSL_shutdown(t->ssl);
    ERR_clear_error();
}

const char *tls_why(const struct tls *t)
{
    return t->why;
}

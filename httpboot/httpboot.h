/* httpboot: the HTTP server's face to the program: boot scripts, netboot files, releases, the agent's
 * endpoint, NoCloud. */
#ifndef HTTPBOOT_HTTPBOOT_H
#define HTTPBOOT_HTTPBOOT_H

#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "base/addr.h"
#include "base/err.h"
#include "inventory/decide.h"

#define HTTPBOOT_MAX_KEYS    64
#define HTTPBOOT_MAX_PROXIES 16
#define HTTPBOOT_MAX_WORKERS 32

struct httpboot_unknown { /* what an unknown MAC's script says, by the address that it asks from */
    struct prefix prefix;
    enum unknown_policy unknown;
};

struct httpboot_network { /* a prefix, and what a machine in it has to know */
    struct prefix prefix;
    bool has_router;
    struct ip4 router;
    const struct ip4 *dns; /* lent */
    size_t dns_n;
};

struct httpboot_api { /* what the API's instance has, and the one that machines boot from has not */
    struct api_config api;
    size_t body_max;                             /* of a request with a good token */
    struct prefix proxies[HTTPBOOT_MAX_PROXIES]; /* whose X-Forwarded-... is believed */
    size_t proxies_n;
    const char *webhook_secret; /* lent; NULL: there is no webhook */
};

/* An instance of the engine is either the one that machines boot from, or the API's: then `api` is there, and
 * of the rest only the sockets and connections count. */
struct httpboot_config {
    const struct httpboot_api *api; /* lent */
    struct ip4 address;             /* 0.0.0.0: all */
    uint16_t port;                  /* 0 (the API's alone): no plain HTTP */
    char loaders[256];              /* the folder of /loader/: tftpd's root; "": there is none */
    struct {                        /* HTTPS beside it; port 0: none */
        struct ip4 address;
        uint16_t port;
        const char *certificate, *key; /* PEM text, lent; the key is looked at by httpboot_open only */
    } tls;
    unsigned workers;                 /* processes that share the sockets; 0 counts as 1 */
    unsigned connections;             /* of one worker; 0: as many as it can */
    unsigned connections_per_address; /* of one worker; 0: a quarter of what it holds */
    unsigned stall_ms;            /* in which an answer has to get on; 0: two minutes. Tests have less time */
    unsigned streams_per_address; /* packs that one address is sent at a time, by one worker; 0: any number */
    unsigned max_streams;         /* machines that are written at a time; 0: as many as ask */
    char domain[256];             /* of hosts: fqdn = name.domain */
    char kernel_args[512];        /* added to the installer's command line, e.g. "console=ttyS0" */
    const char *authorized_keys[HTTPBOOT_MAX_KEYS]; /* OpenSSH public keys for root, lent */
    size_t authorized_keys_n;
    const char *ca_certificates; /* PEM text, lent; NULL: none */
    /* Salt, as the machine has to know it; "" / NULL when enrol.driver is none */
    char salt_master[256];
    const char *salt_master_pubkey;               /* PEM text, lent */
    uint16_t salt_master_port, salt_publish_port; /* 4506, 4505 */
    const struct httpboot_unknown *unknown;       /* lent */
    size_t unknown_n;
    const struct httpboot_network *networks; /* for network-config; lent */
    size_t networks_n;
};

/* Would this certificate (chain) and key do? *ret_key, on -1: which of the configuration's keys is at fault.
 */
int httpboot_tls_check(const char *certificate, const char *key, const char **ret_key, struct err *e);
/* Does this text hold a PEM certificate, whole? */
bool httpboot_tls_is_certificate(const char *pem);
/* Is the certificate valid at this moment? Clients would refuse it otherwise; the server starts all the same.
 */
int httpboot_tls_current(const char *certificate, int64_t at_ms, struct err *e);

/* Life cycle: open binds the sockets, as root; after that any number of processes may be forked, one after
 * the other too, and each calls serve: they share the sockets. A process
 * that does not serve calls close, and holds neither socket nor private key then. */
struct httpboot;
int httpboot_open(const struct httpboot_config *cfg, struct httpboot **ret, struct err *e);
int httpboot_serve(struct httpboot *h, const char *state_dir, struct err *e);
void httpboot_close(struct httpboot *h);

#endif

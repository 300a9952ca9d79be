#include "rackstrap/servers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "inventory/lease.h"

static bool dhcpd_wanted(const struct config *c)
{
    return c->has_dhcp;
}
static int dhcpd_start(struct servers *s, struct err *e)
{
    return dhcpd_open(&s->config->dhcp, &s->dhcpd, e);
}
static void dhcpd_stop(struct servers *s)
{
    dhcpd_close(s->dhcpd);
    s->dhcpd = NULL;
}
static int dhcpd_run(struct servers *s, struct err *e)
{
    return dhcpd_serve(s->dhcpd, s->config->state_dir, e);
}

static bool tftpd_wanted(const struct config *c)
{
    return c->has_tftp;
}
static int tftpd_start(struct servers *s, struct err *e)
{
    return tftpd_open(&s->config->tftp, &s->tftpd, e);
}
static void tftpd_stop(struct servers *s)
{
    tftpd_close(s->tftpd);
    s->tftpd = NULL;
}
static int tftpd_run(struct servers *s, struct err *e)
{
    return tftpd_serve(s->tftpd, s->config->state_dir, e);
}

static bool always_wanted(const struct config *c)
{
    (void)c;
    return true;
}
static int httpboot_start(struct servers *s, struct err *e)
{
    return httpboot_open(&s->config->http, &s->httpboot, e);
}
static void httpboot_stop(struct servers *s)
{
    httpboot_close(s->httpboot);
    s->httpboot = NULL;
}
static int httpboot_run(struct servers *s, struct err *e)
{
    return httpboot_serve(s->httpboot, s->config->state_dir, e);
}

static int courier_start(struct servers *s, struct err *e)
{
    (void)s;
    (void)e;
    return 0;
}
static void courier_stop(struct servers *s)
{
    (void)s;
}
static int courier_run(struct servers *s, struct err *e)
{
    return courier_serve(&s->config->enrol, s->config->state_dir, e);
}

static bool api_wanted(const struct config *c)
{
    return c->has_api;
}
/* What this server's own addresses are is read while that may be asked: later no netlink is left to it. */
static int api_start(struct servers *s, struct err *e)
{
    struct httpboot_config http = s->config->api_http;
    s->about.c = s->config;
    if (!s->about.known && addresses_new(s->config, NULL, &s->about.known, e))
        return -1;
    s->api_part = *http.api;
    s->api_part.api.about = about_for_api;
    s->api_part.api.unused = unused_for_api;
    s->api_part.api.about_ctx = &s->about;
    http.api = &s->api_part;
    return httpboot_open(&http, &s->api, e);
}
static void api_stop(struct servers *s)
{
    httpboot_close(s->api);
    s->api = NULL;
    addresses_free(s->about.known);
    s->about.known = NULL;
}
static int api_run(struct servers *s, struct err *e)
{
    return httpboot_serve(s->api, s->config->state_dir, e);
}

const struct part parts[PARTS] = {
    [PART_HTTPBOOT] = {"httpboot", always_wanted, httpboot_start, httpboot_stop, httpboot_run, true},
    [PART_TFTPD] = {"tftpd", tftpd_wanted, tftpd_start, tftpd_stop, tftpd_run, false},
    [PART_DHCPD] = {"dhcpd", dhcpd_wanted, dhcpd_start, dhcpd_stop, dhcpd_run, false},
    [PART_COURIER] = {"courier", always_wanted, courier_start, courier_stop, courier_run, false},
    [PART_API] = {"api", api_wanted, api_start, api_stop, api_run, true},
};

/* ---- before they start */

int servers_check(struct servers *s, struct err *e)
{
    const struct config *c = s->config;
    bool named = true;
    if (ready_interfaces(c, s->runs[PART_DHCPD], s->runs[PART_TFTPD], e) ||
        ready_user(c, &s->user, &named, e))
        return -1;
    if (!named && geteuid() == 0)
        log_warn("no-user user=rackstrap running-as=nobody hint=\"make it: useradd --system rackstrap\"");
    return ready_state_dir(c, &s->user, e) || (s->runs[PART_TFTPD] && ready_tftp_root(c, &s->user, e)) ? -1
                                                                                                       : 0;
}

/* The folder is the servers' user's, who might have put anything under our names: what is handed over is what
 * was looked at, and no file that has another name elsewhere. */
static int give_open(int fd, const char *path, const struct servers *s, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_errno(e, "%s", path);
    if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_nlink != 1))
        return err_set(e, ERR_REFUSED, "%s is a link, or no file; move it away and look where it comes from",
                       path);
    if (fchownat(fd, "", s->user.uid, s->user.gid, AT_EMPTY_PATH))
        return err_errno(e, "cannot give %s to the user %u that the servers run as", path,
                         (unsigned)s->user.uid);
    return 0;
}

static int give(const char *state_dir, const char *name, const struct servers *s, struct err *e)
{
    char *path = xasprintf("%s%s", state_dir, name);
    int fd = open(path, O_PATH | O_CLOEXEC | (*name ? O_NOFOLLOW : 0)), rc = 0;
    if (fd >= 0)
        rc = give_open(fd, path, s, e);
    else if (errno != ENOENT)
        rc = err_errno(e, "%s", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

int servers_prepare_store(const struct servers *s, struct err *e)
{
    static const char *const names[] = {
        "",           "/inventory.db",  "/inventory.db-wal", "/inventory.db-shm",
        "/leases.db", "/leases.db-wal", "/leases.db-shm"};
    struct store *store;
    struct leases *leases;
    if (store_open(s->config->state_dir, &store, e))
        return -1;
    store_close(store);
    if (leases_open(s->config->state_dir, s->runs[PART_DHCPD], &leases, e))
        return -1;
    leases_close(leases);
    for (size_t i = 0; geteuid() == 0 && i < sizeof names / sizeof *names; i++)
        if (give(s->config->state_dir, names[i], s, e))
            return -1;
    return 0;
}

/* ---- in their processes */

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
}

/* The other servers' handles are not this one's to hold: a socket that lives on in a sister keeps its port,
 * and the one that crashed could never open it again. Nor are the passwords of the outer systems, but
 * courier's, nor what NetBox signs with, but the API's, nor anybody's the text of the private keys: httpboot
 * has made of them what it needs. */
void servers_keep_own(struct servers *s, const struct part *part)
{
    const struct config *c = s->config;
    for (size_t i = 0; i < PARTS; i++)
        if (&parts[i] != part)
            parts[i].stop(s);
    if (part != &parts[PART_COURIER]) {
        forget(c->password);
        forget(c->netbox_token);
    }
    if (part != &parts[PART_API])
        forget(c->webhook_secret);
    forget(c->tls_key);
    forget(c->api_key);
}

void servers_close(struct servers *s)
{
    for (size_t i = 0; i < PARTS; i++)
        parts[i].stop(s);
}

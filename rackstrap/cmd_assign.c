/* import, assign, cancel: what changes what machines are to carry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/import.h"
#include "rackstrap/addresses.h"
#include "rackstrap/commands.h"

#define DOUBTS_MAX 20 /* said of one file; more of them are one mistake */

/* What becomes of the addresses of the file, against the configuration. */
struct checks {
    const struct config *c;
    struct addresses *taken;
    struct str doubts;
    size_t doubts_n;
};

static const char *address_use(void *ctx, struct ip4 ip)
{
    struct checks *k = ctx;
    return addresses_use(k->taken, ip);
}

/* An address that DHCP does not serve, or whose mask is not its subnet's, may be meant so. */
static void address_seen(void *ctx, const char *device, struct ip4_if a)
{
    struct checks *k = ctx;
    const struct dhcpd_subnet *s = subnet_find(k->c->dhcp.subnets, k->c->dhcp.subnets_n, a.ip);
    char text[PREFIX_STR], prefix[PREFIX_STR];
    if (!k->c->dhcp.subnets_n || (s && s->prefix.len == a.len) || k->doubts_n++ >= DOUBTS_MAX)
        return;
    str_addf(&k->doubts, "warning: %s: %s is in ", device, ip4_if_format(a, text));
    if (s)
        str_addf(&k->doubts, "the subnet %s, whose length it has not\n", prefix_format(s->prefix, prefix));
    else
        str_addf(&k->doubts, "no subnet of %s: DHCP does not give it\n", k->c->path);
}

static void print_doubts(const struct checks *k)
{
    fputs(k->doubts.len ? k->doubts.s : "", stderr);
    if (k->doubts_n > DOUBTS_MAX)
        fprintf(stderr, "warning: and so are %zu other addresses\n", k->doubts_n - DOUBTS_MAX);
}

/* A rack of its own for a slip of the pen is found here, or never. Said at the end: an import that fails made
 * nothing. */
static void add_made(const char *what, const char *slug, const char *device, void *ctx)
{
    str_addf(ctx, "%s %s, which %s names\n", what, slug, device);
}

static void print_made(const struct str *made, bool dry_run)
{
    for (const char *at = made->len ? made->s : ""; *at; at += strcspn(at, "\n") + 1)
        printf("%s %.*s\n", dry_run ? "would make" : "made", (int)strcspn(at, "\n"), at);
}

int cmd_import(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct import_result r;
    if (open_store(c, &s, e))
        return -1;
    struct checks checks = {.c = c, .taken = addresses_new(c)};
    struct str made = {0};
    struct import_options o = {.actor = actor_name(),
                               .address_use = address_use,
                               .address_seen = address_seen,
                               .address_ctx = &checks,
                               .made = add_made,
                               .made_ctx = &made,
                               .job_expiry_s = c->job_expiry,
                               .wipe_limit = c->wipe_limit,
                               .count = a->count,
                               .dry_run = a->dry_run};
    int rc = import_file(s, a->words[0], &o, now_ms(), &r, e);
    addresses_free(checks.taken);
    store_close(s);
    if (!rc) {
        print_doubts(&checks);
        print_made(&made, a->dry_run);
    }
    str_free(&checks.doubts);
    str_free(&made);
    if (rc)
        return -1;
    printf("%s%zu new, %zu changed, %zu as they were; %zu armed to be written\n",
           a->dry_run ? "would be: " : "", r.devices_new, r.devices_changed, r.devices_same, r.armed);
    if (r.waiting)
        printf(
            "%zu wait%s for an image that is not built (\"%s\"%s): build the image, then `rackstrap assign "
            "DEVICE %s`\n",
            r.waiting, r.waiting == 1 ? "s" : "", r.missing, r.waiting > 1 ? " for one" : "", r.missing);
    if (r.cancelled)
        printf("of those, %zu had a job armed for another image: cancelled\n", r.cancelled);
    return 0;
}

struct chosen {
    struct device *d;
    size_t n;
};

static int choose(const struct device *d, void *ctx)
{
    struct chosen *all = ctx;
    all->d = xrealloc(all->d, all->n + 1, sizeof *all->d);
    all->d[all->n++] = *d;
    return 0;
}

static int select_devices(struct store *s, const char *selector, struct chosen *ret, struct err *e)
{
    struct device d;
    struct mac m;
    if (!*selector)
        return err_set(e, ERR_INPUT, "an empty selector; name a device, or say for example rack=r01");
    /* A MAC address alone is a device too. */
    if (!mac_parse(selector, &m, NULL)) {
        if (device_by_mac(s, m, &d, e))
            return -1;
        return choose(&d, ret);
    }
    if (device_each(s, selector, choose, ret, e))
        return -1;
    if (!ret->n)
        return err_set(e, ERR_NOT_FOUND,
                       "no device matches \"%s\"; `rackstrap device list` shows those that there are",
                       selector);
    return 0;
}

static int within_limit(const struct chosen *all, const struct args *a, const struct config *c, struct err *e)
{
    if (a->count && a->count != all->n)
        return err_set(e, ERR_REFUSED,
                       "--count says %zu, and \"%s\" matches %zu devices; nothing was changed", a->count,
                       a->words[0], all->n);
    if (!a->count && !a->dry_run && all->n > c->wipe_limit)
        return err_set(e, ERR_REFUSED,
                       "\"%s\" matches %zu devices, and all of them would be wiped; more than wipe_limit "
                       "(%llu) needs --count %zu",
                       a->words[0], all->n, (unsigned long long)c->wipe_limit, all->n);
    return 0;
}

static int arm_all(struct store *s, const struct chosen *all, const struct assign *how, struct str *said,
                   struct err *e)
{
    if (store_begin(s, e))
        return -1;
    for (size_t i = 0; i < all->n; i++) {
        struct job j;
        if (job_assign(s, all->d[i].id, how, now_ms(), &j, e)) {
            store_rollback(s);
            err_prefix(e, "%s", all->d[i].name);
            return -1;
        }
        str_addf(said, "%s %s %s (release %.12s), for the disk `%s`; it carries %s\n", all->d[i].name,
                 how->dry_run ? "would be armed with" : "is armed with", j.image, j.digest,
                 j.disk_selector[0] ? j.disk_selector : "only",
                 all->d[i].installed[0] ? all->d[i].installed : "nothing of ours");
    }
    if (how->dry_run) {
        store_rollback(s);
        return 0;
    }
    return store_commit(s, e);
}

int cmd_assign(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct chosen all = {0};
    struct str said = {0};
    struct assign how = {.release_ref = a->words[1],
                         .actor = actor_name(),
                         .expiry_s = c->job_expiry,
                         .replace = a->replace,
                         .dry_run = a->dry_run};
    if (open_store(c, &s, e))
        return -1;
    int rc = select_devices(s, a->words[0], &all, e) || within_limit(&all, a, c, e) ||
                     arm_all(s, &all, &how, &said, e)
                 ? -1
                 : 0;
    if (!rc)
        printf("%s%s\n", said.s,
               a->dry_run ? "nothing was changed" : "each is written at its next network boot");
    str_free(&said);
    free(all.d);
    store_close(s);
    return rc;
}

int cmd_cancel(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct device d;
    struct job was;
    if (open_store(c, &s, e))
        return -1;
    int rc = device_by_ref(s, a->words[0], &d, e);
    bool writing = !rc && job_current(s, d.id, &was, NULL) == 0 && was.state == JOB_CLAIMED;
    if (!rc)
        rc = job_cancel(s, d.id, actor_name(), now_ms(), e);
    if (!rc)
        printf("the job of %s is cancelled%s\n", d.name,
               writing ? "; its disk was being written, and does not boot until an image is assigned again"
                       : "");
    store_close(s);
    return rc;
}

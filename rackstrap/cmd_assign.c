/* import, export, assign, cancel: what changes what machines are to carry, and what says it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/export.h"
#include "inventory/import.h"
#include "rackstrap/addresses.h"
#include "rackstrap/commands.h"

#define DOUBTS_MAX 20 /* said of one file; more of them are one mistake */

/* What becomes of the addresses of the file, against the configuration and the inventory's prefixes. */
struct checks {
    const struct config *c;
    struct addresses *taken;
    struct seen {
        char device[NAME_SIZE];
        struct ip4_if address;
    } * seen; /* that no subnet of the configuration explains */
    size_t seen_n;
    bool dry_run; /* what the file would bring is not there */
};

static const char *address_use(void *ctx, struct ip4 ip)
{
    struct checks *k = ctx;
    return addresses_use(k->taken, ip);
}

/* The prefixes may be in the same file: what is to be said of an address is known at its end. */
static void address_seen(void *ctx, const char *device, struct ip4_if a)
{
    struct checks *k = ctx;
    const struct dhcpd_subnet *s = subnet_find(k->c->dhcp.subnets, k->c->dhcp.subnets_n, a.ip);
    if (!k->c->has_dhcp || (s && s->prefix.len == a.len))
        return;
    if ((k->seen_n & (k->seen_n - 1)) == 0) /* full: it doubles */
        k->seen = xrealloc(k->seen, k->seen_n ? 2 * k->seen_n : 1, sizeof *k->seen);
    k->seen[k->seen_n].address = a;
    str_copy(k->seen[k->seen_n++].device, NAME_SIZE, device);
}

/* An address that DHCP does not serve, or whose mask is not its network's, may be meant so. */
static bool print_doubt(const struct checks *k, const struct addresses *known, const struct seen *x, bool say)
{
    char text[PREFIX_STR], prefix[PREFIX_STR];
    struct network net;
    bool in = addresses_network(known, x->address.ip, &net);
    if (in && net.prefix.len == x->address.len)
        return false;
    if (say && in)
        fprintf(stderr, "warning: %s: %s is in the %s %s, whose length it has not\n", x->device,
                ip4_if_format(x->address, text), net.subnet ? "subnet" : "prefix",
                prefix_format(net.prefix, prefix));
    else if (say)
        fprintf(stderr,
                "warning: %s: %s is in no subnet of %s, and in no prefix of the inventory%s: DHCP does not "
                "give it\n",
                x->device, ip4_if_format(x->address, text), k->c->path,
                k->dry_run ? ", unless this file brings it" : "");
    return true;
}

/* The import is done by now: that they cannot be told does not undo it. */
static void print_doubts(const struct checks *k, struct store *s)
{
    struct addresses *known = NULL;
    struct err why = {0};
    size_t n = 0;
    if (k->seen_n && addresses_new(k->c, s, &known, &why)) {
        fprintf(stderr, "warning: which addresses DHCP does not give cannot be said: %s\n", why.text);
        return;
    }
    for (size_t i = 0; i < k->seen_n; i++)
        n += print_doubt(k, known, &k->seen[i], n < DOUBTS_MAX);
    if (n > DOUBTS_MAX)
        fprintf(stderr, "warning: and so are %zu other addresses\n", n - DOUBTS_MAX);
    addresses_free(known);
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

static int import(struct store *s, const struct args *a, const struct config *c, struct str *made,
                  struct import_result *ret, struct err *e)
{
    struct checks checks = {.c = c, .dry_run = a->dry_run};
    if (addresses_new(c, s, &checks.taken, e))
        return -1;
    struct import_options o = {.actor = actor_name(),
                               .address_use = address_use,
                               .address_seen = address_seen,
                               .address_ctx = &checks,
                               .made = add_made,
                               .made_ctx = made,
                               .job_expiry_s = c->job_expiry,
                               .wipe_limit = c->wipe_limit,
                               .count = a->count,
                               .dry_run = a->dry_run,
                               .no_arm = a->no_arm};
    int rc = import_file(s, a->words[0], &o, now_ms(), ret, e);
    if (!rc)
        print_doubts(&checks, s);
    addresses_free(checks.taken);
    free(checks.seen);
    return rc;
}

int cmd_import(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct import_result r;
    struct str made = {0};
    if (open_store(c, &s, e))
        return -1;
    store_unmap(s);
    int rc = import(s, a, c, &made, &r, e);
    store_close(s);
    if (!rc)
        print_made(&made, a->dry_run);
    str_free(&made);
    if (rc)
        return -1;
    printf("%s%zu new, %zu changed, %zu as they were; %zu armed to be written\n",
           a->dry_run ? "would be: " : "", r.devices_new, r.devices_changed, r.devices_same, r.armed);
    if (r.objects_new || r.objects_changed)
        printf("of what else the file lists: %zu new, %zu changed\n", r.objects_new, r.objects_changed);
    if (r.waiting)
        printf(
            "%zu wait%s for an image that is not built (\"%s\"%s): build the image, then `rackstrap assign "
            "DEVICE %s`\n",
            r.waiting, r.waiting == 1 ? "s" : "", r.missing, r.waiting > 1 ? " for one" : "", r.missing);
    if (r.noted)
        printf("%zu of which the image was noted, and nothing armed\n", r.noted);
    if (r.cancelled)
        printf("of those, %zu had a job armed for another image: cancelled\n", r.cancelled);
    return 0;
}

int cmd_export(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    if (open_store(c, &s, e))
        return -1;
    store_unmap(s);
    char *selector = args_selector(a, a->words_n ? a->words[0] : NULL);
    int rc = store_snapshot(s, e) ? -1 : export_write(s, selector, stdout, e);
    store_snapshot_end(s);
    free(selector);
    store_close(s);
    return rc;
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

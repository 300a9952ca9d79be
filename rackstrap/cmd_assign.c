/* import, assign, cancel: what changes what machines are to carry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/import.h"
#include "rackstrap/addresses.h"
#include "rackstrap/commands.h"

static const char *address_use(void *ctx, struct ip4 ip)
{
    return addresses_use(ctx, ip);
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
    struct addresses *taken = addresses_new(c);
    struct str made = {0};
    struct import_options o = {.actor = actor_name(),
                               .address_use = address_use,
                               .address_ctx = taken,
                               .made = add_made,
                               .made_ctx = &made,
                               .job_expiry_s = c->job_expiry,
                               .wipe_limit = c->wipe_limit,
                               .count = a->count,
                               .dry_run = a->dry_run};
    int rc = import_file(s, a->words[0], &o, now_ms(), &r, e);
    addresses_free(taken);
    store_close(s);
    if (!rc)
        print_made(&made, a->dry_run);
    str_free(&made);
    if (rc)
        return -1;
    printf("%s%zu new, %zu changed, %zu as they were; %zu armed to be written\n",
           a->dry_run ? "would be: " : "", r.devices_new, r.devices_changed, r.devices_same, r.armed);
    if (r.waiting)
        printf("%zu wait for an image that is not built (\"%s\" for one); import again when it is\n",
               r.waiting, r.missing);
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

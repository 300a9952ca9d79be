/* sync netbox: what a NetBox says comes into the inventory; and how old the copy is. */
#include <jansson.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "netbox/follow.h"
#include "netbox/sync.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

static atomic_bool stop;

static void on_signal(int signo)
{
    (void)signo;
    atomic_store(&stop, true);
}

static void print_result_json(const struct netbox_outcome *o)
{
    const struct sync_result *r = &o->result;
    out_object(json_pack("{s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:f, s:f}", "version",
                         json_sprintf("%u.%u", o->version / 100, o->version % 100), "full", (int)o->full,
                         "devices", (json_int_t)r->devices, "new", (json_int_t)r->created, "changed",
                         (json_int_t)r->changed, "adopted", (json_int_t)r->adopted, "removed",
                         (json_int_t)r->removed, "armed", (json_int_t)r->armed, "cancelled",
                         (json_int_t)r->cancelled, "waiting", (json_int_t)r->waiting, "held", (int)r->held,
                         "faults", (json_int_t)r->faults, "read_s", (double)o->read_ms / 1000, "apply_s",
                         (double)o->apply_ms / 1000),
               true);
}

static void print_result(const struct netbox_outcome *o)
{
    const struct sync_result *r = &o->result;
    printf("NetBox %u.%u, %s: %lld devices; %lld new, %lld changed, %lld adopted, %lld removed; %lld armed; "
           "%lld %s\n",
           o->version / 100, o->version % 100, o->full ? "everything read" : "what has changed read",
           (long long)r->devices, (long long)r->created, (long long)r->changed, (long long)r->adopted,
           (long long)r->removed, (long long)r->armed, (long long)r->faults,
           r->faults == 1 ? "fault" : "faults");
    printf("read in %.1f s, brought in in %.1f s\n", (double)o->read_ms / 1000, (double)o->apply_ms / 1000);
    if (r->cancelled)
        printf("%lld job%s taken back: NetBox wants no image any more\n", (long long)r->cancelled,
               r->cancelled == 1 ? " was" : "s were");
    if (r->waiting)
        printf(
            "%lld devices would be wiped%s: none was armed. If that is meant: rackstrap sync netbox --once "
            "--count %lld\n",
            (long long)r->waiting,
            r->held ? ", by a configuration that is new or by what NetBox had changed before the last sync "
                      "and shows only now (an old copy of its database?)"
                    : ", more than wipe_limit (or not the number of --count)",
            (long long)r->waiting);
    if (r->faults)
        printf("`rackstrap lint` says what is wrong in NetBox\n");
}

static void print_standing_json(const struct netbox_standing *n)
{
    json_t *age = n->success_ms ? json_integer((now_ms() - n->success_ms) / 1000) : json_null();
    out_object(json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "url", n->url, "version",
                         n->version, "attempt", out_time(n->attempt_ms), "success", out_time(n->success_ms),
                         "age_s", age, "full", out_time(n->full_ms), "devices", (json_int_t)n->devices,
                         "faults", (json_int_t)n->faults, "waiting", (json_int_t)n->waiting, "error",
                         *n->error ? out_string(n->error) : json_null()),
               true);
}

static void print_standing(const struct netbox_standing *n, const struct config *c)
{
    char text[800], time[TIME_STR];
    printf("%s%s%s, %lld devices, %lld faults\n", *n->url ? n->url : c->netbox.url,
           *n->version ? ", NetBox " : "", n->version, (long long)n->devices, (long long)n->faults);
    printf("%s\n", netbox_standing_text(n, now_ms(), text));
    if (n->full_ms)
        printf("read whole at %s\n", time_format(n->full_ms, time));
    if (n->waiting)
        printf("%lld devices wait to be armed: rackstrap sync netbox --once --count %lld\n",
               (long long)n->waiting, (long long)n->waiting);
}

static int tell_standing(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct netbox_standing n;
    if (open_store(c, &s, e))
        return -1;
    int rc = netbox_standing(s, &n, e);
    store_close(s);
    if (rc)
        return -1;
    if (a->json)
        print_standing_json(&n);
    else
        print_standing(&n, c);
    return *n.error ? err_set(e, ERR_UNAVAILABLE, "the last sync failed") : 0;
}

static int check_words(const struct args *a, struct err *e)
{
    if (a->sync_status && a->once)
        return err_set(e, ERR_INPUT, "--status makes no sync: it does not go with --once");
    if (a->json && !a->sync_status && !a->once)
        return err_set(e, ERR_INPUT, "--json goes with --once or --status");
    return 0;
}

int cmd_sync_netbox(const struct args *a, const struct config *c, struct err *e)
{
    struct netbox_run run = {.full = a->full,
                             .count = a->count,
                             .accept_drop = (int64_t)a->accept_drop,
                             .wipe_limit = c->wipe_limit,
                             .job_expiry_s = c->job_expiry,
                             .stop = &stop};
    struct netbox_outcome o;
    if (check_words(a, e))
        return -1;
    if (!*c->netbox.url)
        return err_set(e, ERR_INPUT, "%s has no `netbox:` that says which NetBox is followed", c->path);
    if (a->sync_status)
        return tell_standing(a, c, e);
    if (check_state_dir(c, e))
        return -1;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    if (!a->once)
        return netbox_follow(c->state_dir, &c->netbox, &run, e);
    if (netbox_sync(c->state_dir, &c->netbox, &run, &o, e))
        return -1;
    if (a->json)
        print_result_json(&o);
    else
        print_result(&o);
    return 0;
}

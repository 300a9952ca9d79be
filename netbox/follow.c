#include "netbox/follow.h"

#include <string.h>
#include <time.h>

#include "base/log.h"
#include "netbox/write.h"

#define LOOK_MS      200  /* how soon a webhook's request is noticed */
#define ASK_AGAIN_MS 2000 /* at least so long after a sync that failed */
#define REST_MAX_MS  (5 * 60 * 1000)

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
}

static void log_outcome(const struct netbox_outcome *o)
{
    const struct sync_result *r = &o->result;
    bool quiet = r->created + r->changed + r->adopted + r->removed + r->armed + r->catalogue == 0;
    if (quiet && !o->full) {
        log_debug("netbox-sync changed=0 read_ms=%lld", (long long)o->read_ms);
        return;
    }
    log_info("netbox-sync full=%d devices=%lld created=%lld changed=%lld adopted=%lld removed=%lld "
             "armed=%lld waiting=%lld held=%d "
             "faults=%lld read_ms=%lld apply_ms=%lld",
             o->full, (long long)r->devices, (long long)r->created, (long long)r->changed,
             (long long)r->adopted, (long long)r->removed, (long long)r->armed, (long long)r->waiting,
             r->held, (long long)r->faults, (long long)o->read_ms, (long long)o->apply_ms);
}

/* When the next sync is due, after so many that failed one after the other. */
static int64_t next_after(const struct netbox_config *c, unsigned failed, int64_t now)
{
    int64_t ms = (int64_t)c->interval_s * 1000;
    if (failed) {
        ms = failed < 8 ? ASK_AGAIN_MS << (failed - 1) : REST_MAX_MS;
        ms = ms < REST_MAX_MS ? ms : REST_MAX_MS;
    }
    return now + ms;
}

static void one_sync(const char *state_dir, const struct netbox_config *c, const struct netbox_run *run,
                     unsigned *failed)
{
    struct netbox_outcome o;
    struct err e = {0};
    if (netbox_sync(state_dir, c, run, &o, &e) == 0) {
        *failed = 0;
        log_outcome(&o);
    } else if (!atomic_load(run->stop) &&
               e.kind != ERR_CONFLICT) { /* the command is at it: we come after it */
        (*failed)++;
        log_warn("netbox-sync-failed times=%u why=\"%s\"", *failed, e.text);
    }
}

struct follow {
    const char *state_dir;
    const struct netbox_config *config;
    const struct netbox_run *run;
    struct store *store;
    struct netbox_client *client; /* what is written has a client of its own: a sync may have gone wrong */
    struct netbox_write *write;   /* NULL: NetBox is told nothing */
    unsigned failed;
    int64_t next_ms;
    bool asked; /* a webhook waits to be answered */
};

/* The store has changed, or it has just been looked at from a NetBox's side. */
static void tell(struct follow *f)
{
    struct err e = {0};
    if (f->write && netbox_write_run(f->write, now_ms(), &e) < 0) {
        log_warn("netbox-write-failed why=\"%s\"", e.text);
    }
}

static void sync_and_tell(struct follow *f)
{
    one_sync(f->state_dir, f->config, f->run, &f->failed);
    f->next_ms = next_after(f->config, f->failed, now_ms());
    f->asked = sync_asked(f->store, NULL) == 1;
    tell(f);
}

static void look(struct follow *f)
{
    int64_t now = now_ms(), longest = REST_MAX_MS + (int64_t)f->config->interval_s * 1000;
    bool changed = store_changed(f->store) || f->next_ms == 0;
    if (changed) {
        f->asked = sync_asked(f->store, NULL) == 1;
    }
    /* A clock that was set back must not put the next look off. */
    if (now >= f->next_ms || f->next_ms > now + longest || (f->asked && !f->failed)) {
        sync_and_tell(f);
    } else if (f->write && (changed || now >= netbox_write_next(f->write))) {
        tell(f);
    }
}

int netbox_follow(const char *state_dir, const struct netbox_config *c, const struct netbox_run *run,
                  struct err *e)
{
    struct follow f = {.state_dir = state_dir, .config = c, .run = run};
    if (store_open(state_dir, &f.store, e) < 0) {
        return -1;
    }
    store_frugal(f.store);
    f.client = netbox_client_new(c, run->stop);
    if (run->tell && netbox_writes(c)) {
        f.write = netbox_write_new(c, f.store, f.client);
    }
    for (; !atomic_load(run->stop); rest()) {
        look(&f);
    }
    netbox_write_free(f.write);
    netbox_client_free(f.client);
    store_close(f.store);
    return 0;
}

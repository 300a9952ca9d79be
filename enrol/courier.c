/* courier: the process that carries enrolments from the store to the driver and the outcomes back. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/http.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "enrol/backoff.h"
#include "enrol/driver.h"
#include "enrol/enrol.h"
#include "inventory/journal.h"
#include "netbox/follow.h"

#define ACTOR           "courier"
#define POLL_MS         200   /* how soon a change in the store is noticed */
#define EXPIRE_EVERY_MS 60000 /* job_expire */
#define RUNS_MAX        16    /* enrolments under way at once */
#define STORE_REST_MS   1000  /* after the store failed us */

static const struct driver *const drivers[] = {&salt_driver, &none_driver};

struct courier;

/* One enrolment under way. */
struct slot {
    struct courier *courier;
    bool busy;
    void *run;
    struct enrolment x;
};

struct courier {
    struct store *store;
    struct loop *loop;
    struct http *http;
    const struct driver *driver;
    void *self; /* the driver's */
    struct watch *poll, *term, *interrupt;
    int64_t next_ms;   /* when an enrolment is due */
    int64_t expire_ms; /* when jobs are to be looked through again */
    struct slot slots[RUNS_MAX];
    struct enrolment
        due[2 * RUNS_MAX]; /* those under way are due too, so this holds at least RUNS_MAX others */
};

static void look(struct courier *c);

/* ---- outcomes ---- */

static uint32_t random_u32(void)
{
    uint32_t v;

    random_bytes(&v, sizeof v);
    return v;
}

static int record(struct courier *c, const struct enrolment *x, const struct outcome *o, int64_t now,
                  struct err *e)
{
    switch (o->kind) {
    case OUTCOME_ACCEPTED:
        return enrolment_accepted(c->store, x->id, now, e);
    case OUTCOME_READY:
        return enrolment_ready(c->store, x->id, o->detail, now, e);
    case OUTCOME_WAIT:
        return enrolment_retry(c->store, x->id, o->detail, now + backoff_wait_ms(x->attempts), now, e);
    case OUTCOME_DOWN:
        return enrolment_retry(c->store, x->id, o->detail, now + backoff_down_ms(x->attempts, random_u32()),
                               now, e);
    case OUTCOME_FAIL:
        return enrolment_fail(c->store, x->id, o->reason, o->detail, now, e);
    }
    return 0;
}

static void log_outcome(const struct enrolment *x, const struct outcome *o)
{
    static const char *const names[] = {
        [OUTCOME_ACCEPTED] = "enrolment-accepted", [OUTCOME_READY] = "enrolment-ready",
        [OUTCOME_WAIT] = "enrolment-waits",        [OUTCOME_DOWN] = "enrolment-retry",
        [OUTCOME_FAIL] = "enrolment-failed",
    };

    if (o->kind == OUTCOME_WAIT && strcmp(x->last_error, o->detail) == 0) {
        log_debug("%s device=%s detail=\"%s\"", names[o->kind], x->device, o->detail);
    } else if (o->kind == OUTCOME_DOWN || o->kind == OUTCOME_FAIL) {
        log_warn("%s device=%s reason=%s detail=\"%s\"", names[o->kind], x->device,
                 o->reason ? o->reason : "-", o->detail);
    } else {
        log_info("%s device=%s detail=\"%s\"", names[o->kind], x->device, o->detail);
    }
}

/* Either a new job has begun to take the device over, which forbids the step, or the store is in trouble. */
static void not_recorded(struct courier *c, const struct enrolment *x, const struct err *why)
{
    struct outcome o = {.kind = OUTCOME_DOWN};
    struct err e;

    str_copy(o.detail, sizeof o.detail, why->text);
    if (record(c, x, &o, now_ms(), &e) < 0) {
        log_error("store-failed device=%s error=\"%s\"", x->device, e.text);
    }
    c->next_ms = now_ms() + STORE_REST_MS;
}

static void on_done(const struct outcome *o, void *ctx)
{
    struct slot *slot = ctx;
    struct courier *c = slot->courier;
    struct err e;

    slot->busy = false;
    slot->run = NULL;
    log_outcome(&slot->x, o);
    if (record(c, &slot->x, o, now_ms(), &e) < 0) {
        log_warn("enrolment-not-recorded device=%s error=\"%s\"", slot->x.device, e.text);
        not_recorded(c, &slot->x, &e);
        return;
    }
    look(c);
}

static void on_note(const char *event, const char *detail, void *ctx)
{
    struct slot *slot = ctx;
    struct err e;

    log_info("enrolment-note device=%s event=%s detail=\"%s\"", slot->x.device, event, detail);
    if (journal_add(slot->courier->store, slot->x.device_id, NULL, ACTOR, event, detail, now_ms(), &e) < 0) {
        log_error("journal-failed device=%s error=\"%s\"", slot->x.device, e.text);
    }
}

/* ---- work ---- */

static bool under_way(const struct courier *c, int64_t id)
{
    for (size_t i = 0; i < RUNS_MAX; i++) {
        if (c->slots[i].busy && c->slots[i].x.id == id) {
            return true;
        }
    }
    return false;
}

static struct slot *free_slot(struct courier *c)
{
    for (size_t i = 0; i < RUNS_MAX; i++) {
        if (!c->slots[i].busy) {
            return &c->slots[i];
        }
    }
    return NULL;
}

/* A machine enrols as itself: its id is the device's name, or that with a domain, and no other device is
 * called so. Otherwise the holder of one machine's token could take another one's place at the master.
 * ERR_REFUSED; of another kind when the store could not be asked. */
static int id_belongs(struct courier *c, const struct enrolment *x, struct err *e)
{
    struct device other;
    size_t n = strlen(x->device);
    struct err why = {0};

    if (!str_starts(x->minion_id, x->device) || (x->minion_id[n] != '\0' && x->minion_id[n] != '.')) {
        return err_set(e, ERR_REFUSED, "the machine wants to enrol as \"%s\", which is not its name",
                       x->minion_id);
    }
    if (device_by_name(c->store, x->minion_id, &other, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND) {
            return 0;
        }
        *e = why;
        return -1;
    }
    return other.id == x->device_id
               ? 0
               : err_set(e, ERR_REFUSED, "the machine wants to enrol as \"%s\", which is another device",
                         x->minion_id);
}

static void refuse_id(struct courier *c, const struct enrolment *x, const struct err *why)
{
    struct err e;

    log_warn("enrolment-refused device=%s error=\"%s\"", x->device, why->text);
    if (enrolment_fail(c->store, x->id, "minion-id", why->text, now_ms(), &e) < 0) {
        log_error("store-failed device=%s error=\"%s\"", x->device, e.text);
    }
}

/* -1: the store failed. */
static int begin(struct courier *c, struct slot *slot, const struct enrolment *x, struct err *e)
{
    struct driver_hooks hooks = {.done = on_done, .note = on_note, .ctx = slot};
    struct err why;

    if (id_belongs(c, x, &why) < 0) {
        if (why.kind != ERR_REFUSED) {
            *e = why;
            return -1;
        }
        refuse_id(c, x, &why);
        return 0;
    }
    *slot = (struct slot){.courier = c, .busy = true, .x = *x};
    slot->run = c->driver->start(c->self, x, &hooks);
    return 0;
}

/* Begins what is due, and finds out when to look again. */
static int look_store(struct courier *c, struct err *e)
{
    struct slot *slot;
    size_t n = 0;

    if (enrolment_due(c->store, now_ms(), c->due, sizeof c->due / sizeof c->due[0], &n, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n && (slot = free_slot(c)); i++) {
        if (!under_way(c, c->due[i].id) && begin(c, slot, &c->due[i], e) < 0) {
            return -1;
        }
    }
    return enrolment_next(c->store, &c->next_ms, e);
}

static void look(struct courier *c)
{
    struct err e;

    if (look_store(c, &e) < 0) {
        log_error("store-failed error=\"%s\"", e.text);
        c->next_ms = now_ms() + STORE_REST_MS;
    }
}

static void expire(struct courier *c, int64_t now)
{
    struct err e;

    if (job_expire(c->store, now, &e) < 0) {
        log_error("job-expire-failed error=\"%s\"", e.text);
    }
    c->expire_ms = now + EXPIRE_EVERY_MS;
}

static void on_poll(void *ctx)
{
    struct courier *c = ctx;
    int64_t now = now_ms();

    watch_arm(c->poll, POLL_MS);
    /* A clock that was set back must not put off the next look for hours. */
    if (now >= c->expire_ms || c->expire_ms > now + EXPIRE_EVERY_MS) {
        expire(c, now);
    }
    if (store_changed(c->store) || now >= c->next_ms) {
        look(c);
    }
}

/* ---- the NetBox, whose answers may take long ---- */

struct follower {
    pthread_t thread;
    bool runs;
    atomic_bool stop;
    const char *state_dir;
    const struct netbox_config *config;
    struct netbox_run run;
};

static void *follower_main(void *ctx)
{
    struct follower *f = ctx;
    struct err e = {0};

    if (netbox_follow(f->state_dir, f->config, &f->run, &e) < 0) {
        log_error("netbox-follow-failed error=\"%s\"", e.text);
    }
    return NULL;
}

/* Signals are the loop's: the thread takes none. */
static void follower_start(struct follower *f, const struct enrol_config *cfg, const char *state_dir)
{
    sigset_t all, before;

    if (!cfg->netbox) {
        return;
    }
    f->state_dir = state_dir;
    f->config = cfg->netbox;
    f->run = (struct netbox_run){
        .wipe_limit = cfg->wipe_limit, .job_expiry_s = cfg->job_expiry_s, .tell = true, .stop = &f->stop};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    f->runs = pthread_create(&f->thread, NULL, follower_main, f) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!f->runs) {
        log_error("netbox-follow-failed error=\"the system gives no thread\"");
    }
}

static void follower_stop(struct follower *f)
{
    atomic_store(&f->stop, true);
    if (f->runs) {
        pthread_join(f->thread, NULL);
    }
}

/* ---- the process ---- */

static void on_stop(void *ctx)
{
    struct courier *c = ctx;

    loop_stop(c->loop);
}

static int find_driver(struct courier *c, const struct enrol_config *cfg, struct err *e)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        if (strcmp(drivers[i]->name, cfg->driver) == 0) {
            c->driver = drivers[i];
            return 0;
        }
    }
    return err_set(e, ERR_INPUT, "enrol.driver: \"%s\" is not one of: salt, none", cfg->driver);
}

static void start(struct courier *c, const struct enrol_config *cfg)
{
    c->loop = loop_new();
    c->http = http_new(c->loop);
    c->self = c->driver->open(&(struct driver_env){.config = cfg, .loop = c->loop, .http = c->http});
    c->term = watch_signal(c->loop, SIGTERM, on_stop, c);
    c->interrupt = watch_signal(c->loop, SIGINT, on_stop, c);
    c->poll = watch_timer(c->loop, on_poll, c);
    watch_arm(c->poll, 0);
}

/* What is under way is dropped: it is in the store as it was before, and the next courier begins it again. */
static void stop(struct courier *c)
{
    for (size_t i = 0; i < RUNS_MAX; i++) {
        if (c->slots[i].busy) {
            c->driver->cancel(c->slots[i].run);
        }
    }
    watch_free(c->poll);
    watch_free(c->interrupt);
    watch_free(c->term);
    c->driver->close(c->self);
    http_free(c->http);
    loop_free(c->loop);
}

int courier_serve(const struct enrol_config *cfg, const char *state_dir, struct err *e)
{
    struct courier *c = xcalloc(1, sizeof *c);
    struct follower follower = {0};
    int r = -1;

    if (find_driver(c, cfg, e) < 0 || store_open(state_dir, &c->store, e) < 0) {
        goto out;
    }
    start(c, cfg);
    follower_start(&follower, cfg, state_dir);
    log_info("courier-ready driver=%s", c->driver->name);
    r = loop_run(c->loop, e);
    follower_stop(&follower);
    stop(c);
out:
    store_close(c->store);
    free(c);
    return r;
}

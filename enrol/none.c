/* The driver for no system at all: whoever reports a first boot is ready. */
#include <stdlib.h>

#include "base/str.h"
#include "enrol/driver.h"

struct none_run {
    struct watch *soon;
    struct driver_hooks hooks;
};

static void *none_open(const struct driver_env *env)
{
    return env->loop;
}

static void none_close(void *self)
{
    (void)self;
}

static void none_cancel(void *run)
{
    struct none_run *r = run;

    watch_free(r->soon);
    free(r);
}

static void none_finish(void *ctx)
{
    struct none_run *r = ctx;
    struct driver_hooks hooks = r->hooks;
    struct outcome o = {.kind = OUTCOME_READY,
                        .detail = "it reported its first boot; no configuration management is set up"};

    none_cancel(r);
    hooks.done(&o, hooks.ctx);
}

static void *none_start(void *self, const struct enrolment *x, const struct driver_hooks *hooks)
{
    struct none_run *r = xcalloc(1, sizeof *r);

    (void)x;
    r->hooks = *hooks;
    r->soon = watch_timer(self, none_finish, r);
    watch_arm(r->soon, 0);
    return r;
}

const struct driver none_driver = {
    .name = "none",
    .open = none_open,
    .close = none_close,
    .start = none_start,
    .cancel = none_cancel,
};

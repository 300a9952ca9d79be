/* driver: what a configuration-management system must be able to do for the courier.
 *
 * The courier owns time, back-off, concurrency and the store; a driver only speaks to its system. One run
 * takes one enrolment as far as it goes at the moment and ends with one outcome. Runs hold no memory of
 * earlier ones: whatever was reached is in the system itself and in the enrolment (state, last_error), so
 * that a courier may be killed at any time.
 *
 * A new system is one file with one `struct driver`, and one row in courier.c's table.
 */
#ifndef ENROL_DRIVER_H
#define ENROL_DRIVER_H

#include "base/http.h"
#include "base/loop.h"
#include "enrol/enrol.h"
#include "inventory/enrolment.h"

enum outcome_kind {
    OUTCOME_ACCEPTED, /* the system knows exactly the posted key; the courier runs it again at once */
    OUTCOME_READY,    /* the machine answered the system */
    OUTCOME_WAIT,     /* all is well, the machine is not so far yet: ask again soon */
    OUTCOME_DOWN,     /* the system does not do its part: ask again with back-off */
    OUTCOME_FAIL,     /* over: reason and detail say why */
};

struct outcome {
    enum outcome_kind kind;
    const char *reason; /* of OUTCOME_FAIL: the device's failed(reason); a constant */
    /* A sentence for the timeline. For WAIT and DOWN it must be the same for the same cause: the timeline
     * tells each cause once. */
    char detail[256];
};

/* Called by the driver; never from inside start. */
struct driver_hooks {
    void (*done)(const struct outcome *o,
                 void *ctx); /* exactly once, unless cancelled; the run is gone afterwards */
    void (*note)(const char *event, const char *detail,
                 void *ctx); /* something that the timeline must keep */
    void *ctx;
};

struct driver_env {
    const struct enrol_config *config; /* lent for the driver's life, as are the others */
    struct loop *loop;
    struct http *http;
};

struct driver {
    const char *name; /* as in the configuration */
    void *(*open)(const struct driver_env *env);
    void (*close)(void *self);
    void *(*start)(void *self, const struct enrolment *x,
                   const struct driver_hooks *hooks); /* both are copied */
    void (*cancel)(void *run);
};

extern const struct driver salt_driver;
extern const struct driver none_driver;

#endif

/* state: names and legal transitions. */
#include "inventory/state.h"

#include <string.h>

#include "base/str.h"

#define TO(s) (1u << STATE_##s)

/* One row a state: its name, and where it may go. A state that lists itself may be confirmed, which only
 * journals.
 *
 * Armed, booting and installing go back to idle or ready when their job comes to nothing. A failed device
 * goes on when its agent reports, or it answers the master, after all: a person has mended it, or only one
 * try had failed. */
static const struct {
    const char *name;
    unsigned to;
} table[STATE_COUNT] = {
    [STATE_UNKNOWN] = {"unknown", TO(IDLE)},
    [STATE_IDLE] = {"idle", TO(ARMED) | TO(FAILED)},
    [STATE_ARMED] = {"armed", TO(ARMED) | TO(BOOTING) | TO(INSTALLING) | TO(IDLE) | TO(READY) | TO(FAILED)},
    [STATE_BOOTING] = {"booting",
                       TO(BOOTING) | TO(ARMED) | TO(INSTALLING) | TO(IDLE) | TO(READY) | TO(FAILED)},
    [STATE_INSTALLING] = {"installing", TO(INSTALLING) | TO(INSTALLED) | TO(IDLE) | TO(FAILED)},
    [STATE_INSTALLED] = {"installed", TO(INSTALLED) | TO(STARTING) | TO(ARMED) | TO(FAILED)},
    [STATE_STARTING] = {"starting", TO(STARTING) | TO(ENROLLING) | TO(ARMED) | TO(FAILED)},
    [STATE_ENROLLING] = {"enrolling", TO(ENROLLING) | TO(READY) | TO(ARMED) | TO(FAILED)},
    [STATE_READY] = {"ready", TO(READY) | TO(ARMED) | TO(FAILED)},
    [STATE_FAILED] = {"failed", TO(FAILED) | TO(STARTING) | TO(ENROLLING) | TO(READY) | TO(ARMED)},
};

const char *state_name(enum device_state s)
{
    return s < STATE_COUNT ? table[s].name : "?";
}

int state_parse(const char *name, enum device_state *ret, struct err *e)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        if (strcmp(name, table[i].name) == 0) {
            *ret = (enum device_state)i;
            return 0;
        }
    }
    struct str names = {0};
    for (size_t i = 0; i < STATE_COUNT; i++) {
        str_addf(&names, "%s%s", i ? ", " : "", table[i].name);
    }
    err_set(e, ERR_INPUT, "there is no state \"%.64s\"; it is one of %s", name, names.s);
    str_free(&names);
    return -1;
}

bool state_may(enum device_state from, enum device_state to)
{
    return from < STATE_COUNT && to < STATE_COUNT && (table[from].to & (1u << to));
}

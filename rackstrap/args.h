/* args: a command's options and words, after parsing. One option has one meaning for every command. */
#ifndef RACKSTRAP_ARGS_H
#define RACKSTRAP_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "inventory/store.h"
#include "rackstrap/config.h"

struct args {
    const char *config; /* -c, --config */
    bool json, follow, dry_run, no_arm, replace, unknown, yes, help, debug;
    size_t count;                        /* --count: how many devices the person knows this to touch */
    size_t last;                         /* --last: events */
    const char *since, *device, *expect; /* of the journal */
    const char *only, *keep_raw, *kernel, *agent;
    bool once, full, sync_status; /* of sync */
    size_t accept_drop;
    bool list; /* --list and --host: as Ansible calls an inventory script */
    const char *host;
    const char *site, *location, *rack, *tenant, *role, *platform, *manufacturer, *model, *tag, *status,
        *state, *image, *release, *installed_since, *installed_before;
    const char *rights, *expires, *from; /* of a token */
    int words_n;
    char **words; /* what is not an option; lent by argv */
};

enum option_flag {
    OPT_JSON = 1 << 0,
    OPT_FOLLOW = 1 << 1,
    OPT_DRY_RUN = 1 << 2,
    OPT_REPLACE = 1 << 3,
    OPT_UNKNOWN = 1 << 4,
    OPT_COUNT = 1 << 5,
    OPT_LAST = 1 << 6,
    OPT_ONLY = 1 << 7,
    OPT_AGENT = 1 << 8,
    OPT_KERNEL = 1 << 9,
    OPT_SELECT = 1 << 10, /* --site, --rack, ... */
    OPT_KEEP_RAW = 1 << 11,
    OPT_DEBUG = 1 << 12,
    OPT_YES = 1 << 13,
    OPT_NO_ARM = 1 << 27,
    OPT_EXPORT = 1 << 25, /* --since, --device */
    OPT_EXPECT = 1 << 26,
    OPT_HOSTS = 1 << 20,
    OPT_TOKEN = 1 << 21, /* --rights, --expires, --from, --tenant */
    OPT_SYNC = 1 << 14,  /* --once, --full, --status, --accept-drop */
};

/* A command takes its arguments and an open configuration; the store is opened by those that need it. */
struct command {
    const char *name;  /* "device list" */
    const char *usage; /* what follows the name, "[SELECTOR]" */
    const char *what;  /* one line */
    const char *more;  /* more lines of help, or NULL */
    unsigned flags;    /* the options it takes, beside -c and --help */
    int words_min, words_max;
    int (*run)(const struct args *a, const struct config *c, struct err *e);
};

int args_parse(int argc, char **argv, const struct command *cmd, struct args *ret, struct err *e);
/* The help of a command's options, for its --help. */
void args_print_options(unsigned flags);
/* The selector that --site and its kind and the given word make together; NULL for none. Free it. */
char *args_selector(const struct args *a, const char *word);

/* Who runs this, for the journal: "root", "alice via sudo". */
const char *actor_name(void);
/* The address that their SSH session comes from, as sshd told their shell; NULL: none that could be found. */
const char *actor_address(void);
/* A state_dir that is not there is an error that says how to make it. */
int check_state_dir(const struct config *c, struct err *e);
int open_store(const struct config *c, struct store **ret, struct err *e);

#endif

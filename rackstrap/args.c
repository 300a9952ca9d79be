#include "rackstrap/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

enum { SHORT_CONFIG = 'c', SHORT_FOLLOW = 'f', SHORT_HELP = 'h', FIRST_LONG = 256 };

/* One row an option: where its value goes, which commands take it, and what --help says. */
static const struct spec {
    const char *name;
    int code;
    const char *value; /* of an option with one, for the help */
    unsigned flag;     /* 0: every command takes it */
    enum { SET_TRUE, SET_TEXT, SET_NUMBER } kind;
    size_t at; /* in struct args */
    const char *help;
} specs[] = {
#define AT(field) offsetof(struct args, field)
    {"config", SHORT_CONFIG, "FILE", 0, SET_TEXT, AT(config), "the configuration (" CONFIG_DEFAULT ")"},
    {"help", SHORT_HELP, NULL, 0, SET_TRUE, AT(help), "this text"},
    {"json", FIRST_LONG, NULL, OPT_JSON, SET_TRUE, AT(json), "as JSON, for programs"},
    {"follow", SHORT_FOLLOW, NULL, OPT_FOLLOW, SET_TRUE, AT(follow), "go on printing what happens"},
    {"last", FIRST_LONG + 1, "N", OPT_LAST, SET_NUMBER, AT(last), "only the newest N"},
    {"dry-run", FIRST_LONG + 2, NULL, OPT_DRY_RUN, SET_TRUE, AT(dry_run), "all the checks, no change"},
    {"no-arm", FIRST_LONG + 60, NULL, OPT_NO_ARM, SET_TRUE, AT(no_arm),
     "the machines carry their images already: write that down, and arm nothing"},
    {"replace", FIRST_LONG + 3, NULL, OPT_REPLACE, SET_TRUE, AT(replace),
     "also where an install is running: it is told to stop"},
    {"count", FIRST_LONG + 4, "N", OPT_COUNT, SET_NUMBER, AT(count),
     "yes, N devices: needed above the configured wipe_limit"},
    {"unknown", FIRST_LONG + 5, NULL, OPT_UNKNOWN, SET_TRUE, AT(unknown),
     "MAC addresses that were seen and that no device has"},
    {"only", FIRST_LONG + 6, "NAMES", OPT_ONLY, SET_TEXT, AT(only),
     "run only these, with commas: dhcpd, tftpd, httpboot, courier, api"},
    {"keep-raw", FIRST_LONG + 7, "FILE", OPT_KEEP_RAW, SET_TEXT, AT(keep_raw),
     "also leave the raw disk there"},
    {"agent", FIRST_LONG + 8, "FILE", OPT_AGENT, SET_TEXT, AT(agent),
     "the agent's executable (beside this program)"},
    {"kernel", FIRST_LONG + 9, "VERSION", OPT_KERNEL, SET_TEXT, AT(kernel),
     "the kernel, as in /boot (the newest)"},
    {"site", FIRST_LONG + 10, "SLUG", OPT_SELECT, SET_TEXT, AT(site), "devices of this site"},
    {"rack", FIRST_LONG + 11, "NAME", OPT_SELECT, SET_TEXT, AT(rack), "of this rack"},
    {"tenant", FIRST_LONG + 12, "SLUG", OPT_SELECT | OPT_TOKEN, SET_TEXT, AT(tenant), "of this tenant"},
    {"role", FIRST_LONG + 13, "SLUG", OPT_SELECT, SET_TEXT, AT(role), "of this role"},
    {"status", FIRST_LONG + 14, "STATUS", OPT_SELECT, SET_TEXT, AT(status),
     "of this status, as NetBox has it"},
    {"state", FIRST_LONG + 20, "STATE", OPT_SELECT, SET_TEXT, AT(state),
     "in this state: idle, armed, ready, ..."},
    {"location", FIRST_LONG + 21, "SLUG", OPT_SELECT, SET_TEXT, AT(location),
     "at this location, or inside it"},
    {"platform", FIRST_LONG + 22, "SLUG", OPT_SELECT, SET_TEXT, AT(platform), "of this platform"},
    {"manufacturer", FIRST_LONG + 23, "SLUG", OPT_SELECT, SET_TEXT, AT(manufacturer), "made by this one"},
    {"tag", FIRST_LONG + 24, "SLUG", OPT_SELECT, SET_TEXT, AT(tag), "with this tag"},
    {"release", FIRST_LONG + 25, "RELEASE", OPT_SELECT, SET_TEXT, AT(release),
     "with this release on the disk: version or digest"},
    {"installed-since", FIRST_LONG + 26, "TIME", OPT_SELECT, SET_TEXT, AT(installed_since),
     "installed then or later: 2026-11-21"},
    {"installed-before", FIRST_LONG + 27, "TIME", OPT_SELECT, SET_TEXT, AT(installed_before),
     "installed before"},
    {"model", FIRST_LONG + 15, "MODEL", OPT_SELECT, SET_TEXT, AT(model), "of this model"},
    {"image", FIRST_LONG + 16, "IMAGE", OPT_SELECT, SET_TEXT, AT(image), "that this image is assigned to"},
    {"debug", FIRST_LONG + 17, NULL, OPT_DEBUG, SET_TRUE, AT(debug), "log everything (log_level: debug)"},
    {"since", FIRST_LONG + 30, "TIME", OPT_EXPORT, SET_TEXT, AT(since),
     "from this time on: 2026-11-21, or 2026-11-21T10:15Z"},
    {"device", FIRST_LONG + 31, "DEVICE", OPT_EXPORT, SET_TEXT, AT(device), "of this device alone"},
    {"expect", FIRST_LONG + 32, "HASH", OPT_EXPECT, SET_TEXT, AT(expect),
     "a hash that this said earlier: an entry must have it still"},
    {"yes", FIRST_LONG + 18, NULL, OPT_YES, SET_TRUE, AT(yes), "yes, I mean it"},
    {"rights", FIRST_LONG + 50, "RIGHTS", OPT_TOKEN, SET_TEXT, AT(rights),
     "with commas: read, write, assign"},
    {"expires", FIRST_LONG + 51, "TIME", OPT_TOKEN, SET_TEXT, AT(expires),
     "good for this long: 12h, 90d (for ever)"},
    {"from", FIRST_LONG + 52, "PREFIXES", OPT_TOKEN, SET_TEXT, AT(from),
     "only from these addresses or prefixes, with commas"},
    {"list", FIRST_LONG + 40, NULL, OPT_HOSTS, SET_TRUE, AT(list),
     "all hosts and groups (what it does without this, too)"},
    {"host", FIRST_LONG + 41, "NAME", OPT_HOSTS, SET_TEXT, AT(host), "the variables of one host"},
    {"once", FIRST_LONG + 70, NULL, OPT_SYNC, SET_TRUE, AT(once),
     "one sync, and what came of it; else it goes on"},
    {"full", FIRST_LONG + 71, NULL, OPT_SYNC, SET_TRUE, AT(full),
     "read everything, not only what has changed"},
    {"status", FIRST_LONG + 72, NULL, OPT_SYNC, SET_TRUE, AT(sync_status),
     "no sync: how old the copy is; exit code 1 when the last one failed"},
    {"accept-drop", FIRST_LONG + 73, "N", OPT_SYNC, SET_NUMBER, AT(accept_drop),
     "yes, N devices are gone from NetBox: needed above netbox.max_drop"},
#undef AT
};
#define SPECS (sizeof specs / sizeof *specs)

static bool takes(unsigned flags, const struct spec *s)
{
    return !s->flag || (s->flag & flags);
}

static int store_value(const struct spec *s, struct args *a, struct err *e)
{
    char *at = (char *)a + s->at, *end;
    if (s->kind == SET_TRUE) {
        *(bool *)at = true;
        return 0;
    }
    if (s->kind == SET_TEXT) {
        *(const char **)at = optarg;
        return 0;
    }
    errno = 0;
    unsigned long n = strtoul(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end || errno || !n)
        return err_set(e, ERR_INPUT, "--%s takes a number from 1 on, not \"%s\"", s->name, optarg);
    *(size_t *)at = n;
    return 0;
}

static int take_option(int code, const struct command *cmd, struct args *a, const char *word, struct err *e)
{
    for (size_t i = 0; i < SPECS; i++)
        if (specs[i].code == code && takes(cmd->flags, &specs[i]))
            return store_value(&specs[i], a, e);
    if (code == ':')
        return err_set(e, ERR_INPUT, "\"%s\" needs a value", word);
    return err_set(e, ERR_INPUT,
                   "`rackstrap %s` has no option \"%s\"; `rackstrap %s --help` shows those that it has",
                   cmd->name, word, cmd->name);
}

int args_parse(int argc, char **argv, const struct command *cmd, struct args *ret, struct err *e)
{
    struct option longs[SPECS + 1] = {0};
    struct args a = {.config = getenv("RACKSTRAP_CONFIG")};
    size_t n = 0;
    int code;
    for (size_t i = 0; i < SPECS; i++)
        if (takes(cmd->flags, &specs[i]))
            longs[n++] = (struct option){specs[i].name, specs[i].value ? required_argument : no_argument,
                                         NULL, specs[i].code};
    if (!a.config || !*a.config)
        a.config = CONFIG_DEFAULT;
    optind = 1;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":c:fh", longs, NULL)) != -1)
        if (take_option(code, cmd, &a, optind > 0 ? argv[optind - 1] : "", e))
            return -1;
    a.words = argv + optind;
    a.words_n = argc - optind;
    if (!a.help && a.words_n < cmd->words_min)
        return err_set(e, ERR_INPUT, "something is missing; usage: rackstrap %s %s", cmd->name, cmd->usage);
    if (!a.help && a.words_n > cmd->words_max)
        return err_set(e, ERR_INPUT, "what is \"%s\" for? usage: rackstrap %s%s%s", a.words[cmd->words_max],
                       cmd->name, *cmd->usage ? " " : "", cmd->usage);
    *ret = a;
    return 0;
}

void args_print_options(unsigned flags)
{
    for (size_t i = 0; i < SPECS; i++) {
        char left[48], letter[8] = "    ";
        if (!takes(flags, &specs[i]))
            continue;
        if (specs[i].code < FIRST_LONG)
            snprintf(letter, sizeof letter, "-%c, ", specs[i].code);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, specs[i].name, specs[i].value ? " " : "",
                 specs[i].value ? specs[i].value : "");
        printf("  %-26s %s\n", left, specs[i].help);
    }
}

char *args_selector(const struct args *a, const char *word)
{
    const struct {
        const char *key, *value;
    } pairs[] = {{"site=", a->site},
                 {"location=", a->location},
                 {"rack=", a->rack},
                 {"tenant=", a->tenant},
                 {"role=", a->role},
                 {"platform=", a->platform},
                 {"manufacturer=", a->manufacturer},
                 {"model=", a->model},
                 {"tag=", a->tag},
                 {"status=", a->status},
                 {"state=", a->state},
                 {"image=", a->image},
                 {"release=", a->release},
                 {"installed>=", a->installed_since},
                 {"installed<", a->installed_before}};
    struct str s = {0};
    if (word)
        str_add(&s, word);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].value)
            str_addf(&s, "%s%s%s", s.len ? "," : "", pairs[i].key, pairs[i].value);
    return s.len ? str_take(&s) : NULL;
}

int check_state_dir(const struct config *c, struct err *e)
{
    struct stat st;
    if (stat(c->state_dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, ERR_INPUT, "the state_dir %s, which %s names, is not a folder", c->state_dir,
                       c->path);
    if (access(c->state_dir, F_OK) == 0 || errno != ENOENT)
        return 0;
    return err_set(e, ERR_NOT_FOUND, "the state_dir %s, which %s names, is not there; make it: install -d %s",
                   c->state_dir, c->path, c->state_dir);
}

int open_store(const struct config *c, struct store **ret, struct err *e)
{
    if (check_state_dir(c, e))
        return -1;
    if (store_open(c->state_dir, ret, e))
        return -1;
    store_asker(*ret, actor_address());
    return 0;
}

/* rackstrap: the program. Reads the command line, loads the configuration, runs one command of the table
 * below.
 *
 *   main.c        the table of commands, help, exit codes
 *   args.c        options and words
 *   config.c      the configuration file
 *   supervisor.c  `serve`: the five servers, each in its process
 *   cmd_*.c       the other commands
 *   out.c         tables and JSON
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "inventory/store.h"
#include "lab/lab.h"
#include "rackstrap/args.h"
#include "rackstrap/commands.h"
#include "rackstrap/ready.h"
#include "rackstrap/supervisor.h"

#define SELECTOR_HELP                                                                                        \
    "SELECTOR: names with commas, or key=value with commas: name, site, location, rack, tenant, role, "      \
    "platform, "                                                                                             \
    "manufacturer,\nmodel, tag, status (NetBox's), state (ours), image (assigned), release (on the disk), "  \
    "mac, "                                                                                                  \
    "address, serial, netbox (yes, no,\nor its number), and \"installed>=2026-11-21\". All of them have to " \
    "hold.\n"

static const struct command commands[] = {
    {"serve", "", "answer machines: DHCP, TFTP, HTTP, enrol them; and programs: the API", NULL,
     OPT_ONLY | OPT_DEBUG, 0, 0, cmd_serve},
    {"check-config", "", "read the configuration and say whether it is right", NULL, 0, 0, 0,
     cmd_check_config},
    {"import", "FILE", "bring devices in from YAML, whole or not at all", NULL,
     OPT_DRY_RUN | OPT_COUNT | OPT_NO_ARM, 1, 1, cmd_import},
    {"export", "[SELECTOR]", "the inventory as the YAML that `import` takes",
     "With a selector, the devices that match alone. What is exported says which image a device is to carry: "
     "imported into\nanother, empty inventory it arms them all, but with import --no-arm.\n" SELECTOR_HELP,
     OPT_SELECT, 0, 1, cmd_export},
    {"device list", "[SELECTOR]", "the devices, or the MAC addresses that no device has", SELECTOR_HELP,
     OPT_JSON | OPT_UNKNOWN | OPT_SELECT, 0, 1, cmd_device_list},
    {"device show", "DEVICE", "one device, its interfaces and its job; DEVICE is a name or a MAC address",
     NULL, OPT_JSON, 1, 1, cmd_device_show},
    {"device protect", "DEVICE", "refuse every job for this device", NULL, 0, 1, 1, cmd_device_protect},
    {"device unprotect", "DEVICE", "allow jobs again", NULL, 0, 1, 1, cmd_device_unprotect},
    {"device reset-loader", "DEVICE", "forget which loaders worked and which did not, on its NICs",
     "The next boot begins with the first loader of its kind (dhcp.clients). Of use after a change of "
     "firmware.\n",
     0, 1, 1, cmd_device_reset_loader},
    {"device remove", "DEVICE", "take a device out of the inventory; its timeline stays",
     "Its MAC addresses are strangers' from then on. What is on its disk stays, and so does its key at the "
     "master "
     "of the\nconfiguration management.\n",
     OPT_YES, 1, 1, cmd_device_remove},
    {"assign", "SELECTOR IMAGE", "arm devices to be written with an image at their next network boot",
     "IMAGE: a name (its newest release), NAME@VERSION, or a digest. The disk that is written is the one "
     "that the device's\n"
     "selector picks. What the disk holds is lost.\n",
     OPT_DRY_RUN | OPT_REPLACE | OPT_COUNT, 2, 2, cmd_assign},
    {"cancel", "DEVICE", "take back the device's job", NULL, 0, 1, 1, cmd_cancel},
    {"lint", "", "what is wrong in the inventory, each with its place in NetBox, or what to change",
     "Exit code 1 when something is. What a sync of NetBox could not bring in is among it.\n", OPT_JSON, 0, 0,
     cmd_lint},
    {"why", "MAC|DEVICE", "what this machine would be told to boot, and why", NULL, OPT_JSON, 1, 1, cmd_why},
    {"ip", "ADDRESS", "is this address ours, and whose", NULL, OPT_JSON, 1, 1, cmd_ip},
    {"inventory", "", "the devices as an Ansible inventory script says them",
     "`ansible -i /usr/local/bin/rackstrap-inventory ...`: that link to rackstrap is this command.\n",
     OPT_HOSTS | OPT_SELECT, 0, 0, cmd_inventory},
    {"lease list", "", "the addresses given", NULL, OPT_JSON, 0, 0, cmd_lease_list},
    {"events", "[DEVICE]", "what happened, oldest first",
     "DEVICE: a name or a MAC address, also of a device that was removed. Times are UTC. --json prints an "
     "object a line, also\nwhile it follows.\n",
     OPT_JSON | OPT_FOLLOW | OPT_LAST, 0, 1, cmd_events},
    {"drops", "", "the DHCP packets that got no answer: whose, how often, and why", NULL, OPT_JSON, 0, 0,
     cmd_drops},
    {"journal verify", "", "check that every entry is as it was written",
     "Finds what was changed, taken out, put in or moved, and an end that was cut off. Who may write to the "
     "file can write all\nof it anew, with other hashes: keep the hash that this prints elsewhere, and give "
     "it "
     "with --expect later.\n",
     OPT_EXPECT, 0, 0, cmd_journal_verify},
    {"journal export", "", "the journal as JSON, an object a line, with its hashes",
     "inventory/README.md says how to check the hashes without this program.\n", OPT_EXPORT, 0, 0,
     cmd_journal_export},
    {"token create", "NAME", "make a token for the API, and print it: this once",
     "RIGHTS: `read` sees, `write` changes the inventory, `assign` has machines written; both together also "
     "change a device's disk\nand its protection. A token of a tenant sees and changes what is that "
     "tenant's. Clients send it as `Authorization: Bearer TOKEN`.\n",
     OPT_TOKEN, 1, 1, cmd_token_create},
    {"token list", "", "the tokens: whose they are, and what for; not their secrets",
     "LAST USED is to the hour.\n", OPT_JSON, 0, 0, cmd_token_list},
    {"token revoke", "NAME", "make a token good for nothing, from now on", NULL, 0, 1, 1, cmd_token_revoke},
    {"image build", "RECIPE", "build a release of an image (recipes/ has examples)", NULL,
     OPT_AGENT | OPT_KEEP_RAW, 1, 1, cmd_image_build},
    {"image frame", "NAME RAW", "make a release of a raw disk that was built elsewhere", NULL, 0, 2, 2,
     cmd_image_frame},
    {"image list", "[IMAGE]", "the releases", NULL, OPT_JSON, 0, 1, cmd_image_list},
    {"image show", "IMAGE", "one release", NULL, OPT_JSON, 1, 1, cmd_image_show},
    {"sync netbox", "", "bring in what the NetBox of the configuration says",
     "courier does this by itself. With --once, one sync; without, until it is ended.\n",
     OPT_SYNC | OPT_COUNT | OPT_JSON, 0, 0, cmd_sync_netbox},
    {"netboot build", "", "make the installer and fetch the loaders", NULL, OPT_AGENT | OPT_KERNEL, 0, 0,
     cmd_netboot_build},
};
#define COMMANDS (sizeof commands / sizeof *commands)

int cmd_serve(const struct args *a, const struct config *c, struct err *e)
{
    return supervise(c, a->only, a->debug ? LOG_LVL_DEBUG : c->log_level, e);
}

static void warn(const char *what)
{
    fprintf(stderr, "warning: %s\n", what);
}

/* What this machine has not is an error where it is `serve`'s in any case; an interface, and what is built
 * later, may be absent where the file is only written. */
static int check_machine(const struct config *c, struct err *e)
{
    struct server_user u = {0};
    struct err why = {0};
    bool named = true;
    if (ready_user(c, &u, &named, e))
        return -1;
    if (!named)
        warn("there is no user rackstrap, and the servers would run as nobody; make it: useradd --system "
             "rackstrap");
    if (ready_state_dir(c, &u, &why)) {
        if (why.kind != ERR_REFUSED)
            return *e = why, -1;
        warn(why.text);
    }
    if (ready_tftp_root(c, &u, &why)) {
        if (why.kind != ERR_NOT_FOUND)
            return *e = why, -1;
        warn(why.text);
    }
    if (ready_interfaces(c, true, true, &why))
        warn(why.text);
    return 0;
}

static void check_certificate(const char *part, const struct httpboot_config *h)
{
    struct err why = {0};
    if (h->tls.port && httpboot_tls_current(h->tls.certificate, now_ms(), &why))
        fprintf(stderr, "warning: %s.tls.certificate_file: %s\n", part, why.text);
}

/* Who listens on the way would have the tokens. */
static void check_api(const struct config *c)
{
    check_certificate("api", &c->api_http);
    if (c->api_http.port && c->api_http.address.a >> 24 != 127)
        warn("api.listen is plain HTTP on an address that others reach: tokens pass in the clear; use "
             "api.tls, "
             "or 127.0.0.1 behind a proxy that speaks TLS");
    if (str_starts(c->netbox.url, "http://") && !str_starts(c->netbox.url, "http://127.") &&
        !str_starts(c->netbox.url, "http://localhost"))
        warn("netbox.url is plain HTTP: NetBox's token passes in the clear; use https://");
    if (c->api.webhook_secret && !c->has_api)
        warn("netbox.webhook_secret_file is of no use without `api:`, which takes the webhooks");
}

static void check_doubts(const struct config *c)
{
    char prefix[PREFIX_STR];
    check_certificate("http", &c->http);
    check_api(c);
    if (c->pools_unsaid)
        fprintf(stderr,
                "hint: the pool of %s%s is for machines of the inventory that have no address of their own; "
                "unknown ones are not answered, unless the subnet has `unknown: discover`\n",
                prefix_format(c->pool_unsaid, prefix), c->pools_unsaid > 1 ? " (and of others)" : "");
}

int cmd_check_config(const struct args *a, const struct config *c, struct err *e)
{
    (void)a;
    if (check_machine(c, e))
        return -1;
    check_doubts(c);
    printf("%s is right: %zu interface%s, %zu subnet%s, enrolment by %s%s%s%s\n", c->path,
           c->dhcp.interfaces_n, c->dhcp.interfaces_n == 1 ? "" : "s", c->dhcp.subnets_n,
           c->dhcp.subnets_n == 1 ? "" : "s", c->enrol.driver, c->has_api ? ", the API" : "",
           *c->netbox.url ? ", NetBox at " : "", c->netbox.url);
    return 0;
}

static void print_line(FILE *to, const struct command *cmd)
{
    char left[48];
    snprintf(left, sizeof left, "%s %s", cmd->name, cmd->usage);
    fprintf(to, "  %-26s %s\n", left, cmd->what);
}

static void print_help(FILE *to)
{
    fputs("rackstrap takes a rack of blank machines to managed hypervisors.\n\nusage: rackstrap COMMAND "
          "[options]\n\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        print_line(to, &commands[i]);
    fprintf(to, "  %-26s %s\n", "lab up|down|status|...",
            "machines in QEMU, to try all this without hardware");
    fputs(
        "\n`rackstrap COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 wrong usage or bad input.\n",
        to);
}

static void print_command_help(const struct command *cmd)
{
    printf("usage: rackstrap %s %s%s[options]\n\n%s.\n%s\n", cmd->name, cmd->usage, *cmd->usage ? " " : "",
           cmd->what, cmd->more ? cmd->more : "");
    args_print_options(cmd->flags);
}

/* The command that the first word, or the first two, name. *ret_words: how many they were. */
static const struct command *find_command(int argc, char **argv, int *ret_words)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *name = commands[i].name, *space = strchr(name, ' ');
        size_t n = space ? (size_t)(space - name) : strlen(name);
        if (strlen(argv[1]) != n || strncmp(argv[1], name, n) != 0)
            continue;
        if (space && (argc < 3 || strcmp(argv[2], space + 1) != 0))
            continue;
        *ret_words = space ? 2 : 1;
        return &commands[i];
    }
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* `device list` is of the group `device`. */
static bool is_of_group(const struct command *cmd, const char *group)
{
    size_t n = strcspn(cmd->name, " ");
    return cmd->name[n] && strlen(group) == n && strncmp(group, cmd->name, n) == 0;
}

static int print_group_help(const char *group)
{
    printf("usage: rackstrap %s COMMAND [options]\n\n", group);
    for (size_t i = 0; i < COMMANDS; i++)
        if (is_of_group(&commands[i], group))
            print_line(stdout, &commands[i]);
    printf("\n`rackstrap %s COMMAND --help` says more.\n", group);
    return 0;
}

/* `device` alone, or `device lits`: says what there is. */
static int no_command(int argc, char **argv)
{
    bool group = false;
    for (size_t i = 0; i < COMMANDS; i++)
        group = group || is_of_group(&commands[i], argv[1]);
    if (group && argc > 2 && is_help(argv[2]))
        return print_group_help(argv[1]);
    if (argv[1][0] == '-')
        fprintf(stderr, "rackstrap: the command comes first, then its options: rackstrap COMMAND %s ...\n",
                argv[1]);
    else if (!group)
        fprintf(stderr, "rackstrap: there is no command \"%s\"; `rackstrap --help` lists them\n", argv[1]);
    else if (argc > 2)
        fprintf(stderr, "rackstrap: there is no command \"%s %s\"; there are:\n", argv[1], argv[2]);
    else
        fprintf(stderr, "rackstrap: \"%s\" is one of:\n", argv[1]);
    for (size_t i = 0; group && i < COMMANDS; i++)
        if (is_of_group(&commands[i], argv[1]))
            fprintf(stderr, "  rackstrap %s %s\n", commands[i].name, commands[i].usage);
    return 2;
}

/* argv[0] is the last word of the command's name; its options and words follow in any order. */
static int run(const struct command *cmd, int argc, char **argv, struct err *e)
{
    struct args a;
    struct config *c;
    if (args_parse(argc, argv, cmd, &a, e))
        return -1;
    if (a.help) {
        print_command_help(cmd);
        return 0;
    }
    if (config_load(a.config, &c, e))
        return -1;
    int rc = cmd->run(&a, c, e);
    config_free(c);
    return rc;
}

/* Runs it, and says what went wrong; the exit code. */
static int finish(const struct command *cmd, int argc, char **argv)
{
    struct err e = {0};
    if (run(cmd, argc, argv, &e)) {
        fflush(stdout);
        fprintf(stderr, "rackstrap %s: %s\n", cmd->name, e.text);
        return e.kind == ERR_INPUT ? 2 : 1;
    }
    if (fflush(stdout) || ferror(stdout)) {
        perror("rackstrap: standard output");
        return 1;
    }
    return 0;
}

/* Called by a link rackstrap-NAME, as programs want it that give no words of ours: the command NAME. */
static const struct command *find_link(char **argv)
{
    static const char prefix[] = "rackstrap-";
    char *slash = strrchr(argv[0], '/'), *base = slash ? slash + 1 : argv[0];
    int words;
    if (!str_starts(base, prefix))
        return NULL;
    return find_command(2, (char *[]){argv[0], base + strlen(prefix)}, &words);
}

int main(int argc, char **argv)
{
    int words;
    const struct command *cmd = argc ? find_link(argv) : NULL;
    if (cmd)
        return finish(cmd, argc, argv);
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "lab") == 0)
        return lab_main(argc - 1, argv + 1);
    cmd = find_command(argc, argv, &words);
    return cmd ? finish(cmd, argc - words, argv + words) : no_command(argc, argv);
}

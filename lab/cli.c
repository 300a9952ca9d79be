/* The command line of the lab: `rackstrap lab ...`. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "lab/lab.h"
#include "lab/net.h"
#include "lab/state.h"

static const char help[] =
    "rackstrap lab: network boots without hardware. A network namespace with a bridge, and QEMU machines on "
    "it that boot\n"
    "from the network first and from their disk second. Nothing of it touches the host's own network. Needs "
    "root.\n"
    "\n"
    "  rackstrap lab up [options]               make a lab and switch its machines on\n"
    "  rackstrap lab down [--keep-disks]        switch all off and remove everything\n"
    "  rackstrap lab status [--json]            machines, what they do, where their logs are\n"
    "  rackstrap lab power on|off|cycle|reset [HOST...]   all of them when none is named\n"
    "  rackstrap lab console HOST               the serial console; ^] leaves it\n"
    "  rackstrap lab run -- COMMAND...          run a command inside the lab's network\n"
    "\n"
    "All of them:\n"
    "  --name NAME       which lab (lab); its namespace is rackstrap-NAME\n"
    "  --dir FOLDER      where its state lies (/run/rackstrap-lab/NAME)\n"
    "up:\n"
    "  --hosts N         machines hv-01 to hv-NN, MAC addresses 52:54:00:00:00:01 and so on (1)\n"
    "  --firmware F      bios (SeaBIOS) or uefi (OVMF) (bios)\n"
    "  --memory SIZE     of each machine (1G)\n"
    "  --disk SIZE       of each machine, a blank one (4G)\n"
    "  --cpus N          of each machine (2)\n"
    "  --accel A         tcg, or kvm where that works (tcg)\n"
    "  --prefix A/LEN    the bridge's address (10.77.0.1/24)\n"
    "  --romfile R       the NIC's boot ROM: qemu, none, or a path (bios: qemu's iPXE; uefi: none, OVMF's "
    "own PXE)\n"
    "  --disks FOLDER    where the disks lie (/var/tmp/rackstrap-lab/NAME)\n"
    "  --off             switch no machine on\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage.\n";

enum option_code {
    O_NAME = 1,
    O_DIR,
    O_HOSTS,
    O_FIRMWARE,
    O_MEMORY,
    O_DISK,
    O_CPUS,
    O_ACCEL,
    O_PREFIX,
    O_ROM,
    O_DISKS,
    O_OFF,
    O_KEEP,
    O_JSON,
    O_HELP
};

static const struct option long_options[] = {
    {"name", required_argument, NULL, O_NAME},     {"dir", required_argument, NULL, O_DIR},
    {"hosts", required_argument, NULL, O_HOSTS},   {"firmware", required_argument, NULL, O_FIRMWARE},
    {"memory", required_argument, NULL, O_MEMORY}, {"disk", required_argument, NULL, O_DISK},
    {"cpus", required_argument, NULL, O_CPUS},     {"accel", required_argument, NULL, O_ACCEL},
    {"prefix", required_argument, NULL, O_PREFIX}, {"romfile", required_argument, NULL, O_ROM},
    {"disks", required_argument, NULL, O_DISKS},   {"off", no_argument, NULL, O_OFF},
    {"keep-disks", no_argument, NULL, O_KEEP},     {"json", no_argument, NULL, O_JSON},
    {"help", no_argument, NULL, O_HELP},           {0},
};

struct call {
    struct lab_options o;
    bool keep_disks, json, help;
    char **words; /* what is left after the options */
    int words_n;
};

static int number(const char *what, const char *s, uint64_t max, uint64_t *ret, struct err *e)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno || end == s || *end || s[0] == '-' || v > max)
        return err_set(e, ERR_INPUT, "--%s is a number up to %" PRIu64 ", not `%s`", what, max, s);
    *ret = v;
    return 0;
}

static int size(const char *what, const char *s, uint64_t *ret, struct err *e)
{
    unsigned long long v;
    if (size_parse(s, &v) < 0)
        return err_set(e, ERR_INPUT, "--%s is a size like 512M or 4G, not `%s`", what, s);
    *ret = v;
    return 0;
}

static int text(const char *what, const char *s, char *buf, size_t n, struct err *e)
{
    return str_copy(buf, n, s)
               ? 0
               : err_set(e, ERR_INPUT, "--%s is too long: %zu characters at most", what, n - 1);
}

static int take_option(int code, const char *s, struct call *c, struct err *e)
{
    struct lab_options *o = &c->o;
    uint64_t n;
    switch ((enum option_code)code) {
    case O_NAME:
        return text("name", s, o->name, sizeof o->name, e);
    case O_DIR:
        return text("dir", s, o->dir, sizeof o->dir, e);
    case O_DISKS:
        return text("disks", s, o->disks, sizeof o->disks, e);
    case O_ROM:
        return text("romfile", s, o->romfile, sizeof o->romfile, e);
    case O_HOSTS:
        if (number("hosts", s, LAB_MAX_HOSTS, &n, e) < 0)
            return -1;
        o->hosts = (size_t)n;
        return 0;
    case O_CPUS:
        if (number("cpus", s, 64, &n, e) < 0)
            return -1;
        o->cpus = (uint32_t)n;
        return 0;
    case O_MEMORY:
        return size("memory", s, &o->memory, e);
    case O_DISK:
        return size("disk", s, &o->disk, e);
    case O_FIRMWARE:
        return lab_firmware_parse(s, &o->firmware, e);
    case O_ACCEL:
        return lab_accel_parse(s, &o->accel, e);
    case O_PREFIX:
        return ip4_if_parse(s, &o->bridge, e);
    case O_OFF:
        o->off = true;
        return 0;
    case O_KEEP:
        c->keep_disks = true;
        return 0;
    case O_JSON:
        c->json = true;
        return 0;
    case O_HELP:
        c->help = true;
        return 0;
    }
    return -1;
}

static int parse(int argc, char **argv, struct call *c, struct err *e)
{
    int code;
    lab_defaults(&c->o);
    optind = 0;
    opterr = 0;
    /* The options of the command that `run` is given are its own, even without the `--`. */
    const char *shorts = strcmp(argv[0], "run") == 0 ? "+h" : "h";
    while ((code = getopt_long(argc, argv, shorts, long_options, NULL)) != -1)
        if (code == '?')
            return err_set(e, ERR_INPUT,
                           "there is no option `%s`, or it lacks its value; `lab --help` lists them",
                           argv[optind - 1]);
        else if (take_option(code == 'h' ? O_HELP : code, optarg, c, e) < 0)
            return -1;
    c->words = argv + optind;
    c->words_n = argc - optind;
    return 0;
}

static void print_host(const struct lab *l, const struct lab_host *h)
{
    char mac[MAC_STR], log[LAB_FILE_SIZE], state[32], disk[LAB_FILE_SIZE], used[16];
    struct stat st = {0};
    stat(lab_disk_path(l, h->name, disk), &st);
    printf("%-8s %-18s %-10s %-8d %-10s %s\n", h->name, mac_format(h->mac, mac), lab_host_state(l, h, state),
           (int)h->pid, size_format((unsigned long long)st.st_blocks * 512, used),
           lab_path(l, h->name, "console.log", log));
}

static void print_lab(const struct lab *l)
{
    char bridge[PREFIX_STR], ns[LAB_NAMESPACE_SIZE];
    printf("lab %s: %s, %s, namespace %s, " LAB_BRIDGE " %s, disks in %s\n", l->o.name,
           lab_firmware_name(l->o.firmware), lab_accel_name(l->o.accel), lab_namespace(l->o.name, ns),
           ip4_if_format(l->o.bridge, bridge), l->o.disks);
    printf("%-8s %-18s %-10s %-8s %-10s %s\n", "HOST", "MAC", "STATE", "PID", "DISK USED", "CONSOLE LOG");
    for (size_t i = 0; i < l->o.hosts; i++)
        print_host(l, &l->hosts[i]);
}

static void print_json(const struct lab *l)
{
    struct str s = {0};
    char state[32];
    lab_encode(l, &s);
    json_t *j = json_loads(s.s, 0, NULL);
    json_t *hosts = json_object_get(j, "hosts");
    for (size_t i = 0; i < l->o.hosts; i++)
        json_object_set_new(json_array_get(hosts, i), "state",
                            json_string(lab_host_state(l, &l->hosts[i], state)));
    json_dumpf(j, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(j);
    str_free(&s);
}

static int show(const struct call *c, struct err *e)
{
    struct lab l;
    if (lab_load(c->o.name, c->o.dir, &l, e) < 0)
        return -1;
    if (c->json)
        print_json(&l);
    else
        print_lab(&l);
    return 0;
}

static int no_words(const struct call *c, struct err *e)
{
    return c->words_n ? err_set(e, ERR_INPUT, "what is `%s` for? `lab --help` shows the usage", c->words[0])
                      : 0;
}

static int cmd_up(struct call *c, struct err *e)
{
    struct lab l;
    if (no_words(c, e) < 0 || lab_up(&c->o, &l, e) < 0)
        return -1;
    return show(c, e);
}

static int cmd_down(struct call *c, struct err *e)
{
    struct lab_down_result r;
    if (no_words(c, e) < 0 || lab_down(c->o.name, c->o.dir, c->keep_disks, &r, e) < 0)
        return -1;
    if (r.nothing)
        printf("there is no lab %s: nothing to do\n", c->o.name);
    else
        printf("lab %s is removed; %zu machine%s stopped%s\n", c->o.name, r.stopped,
               r.stopped == 1 ? "" : "s", c->keep_disks ? "; the disks are kept" : "");
    if (r.strangers[0])
        fprintf(stderr, "these were not started by the lab and run on, without its network's name: %s\n",
                r.strangers);
    return 0;
}

static int cmd_status(struct call *c, struct err *e)
{
    return no_words(c, e) < 0 ? -1 : show(c, e);
}

static int power_word(const char *s, enum lab_power *ret)
{
    static const char *const words[] = {
        [LAB_ON] = "on", [LAB_OFF] = "off", [LAB_CYCLE] = "cycle", [LAB_RESET] = "reset"};
    for (int i = LAB_ON; i <= LAB_RESET; i++)
        if (strcmp(s, words[i]) == 0) {
            *ret = (enum lab_power)i;
            return 0;
        }
    return -1;
}

static int cmd_power(struct call *c, struct err *e)
{
    enum lab_power what;
    if (c->words_n < 1 || power_word(c->words[0], &what) < 0)
        return err_set(e, ERR_INPUT, "usage: lab power on|off|cycle|reset [HOST...]");
    if (c->words_n == 1)
        return lab_power(c->o.name, c->o.dir, NULL, what, e);
    for (int i = 1; i < c->words_n; i++)
        if (lab_power(c->o.name, c->o.dir, c->words[i], what, e) < 0)
            return -1;
    return 0;
}

static int cmd_console(struct call *c, struct err *e)
{
    if (c->words_n != 1)
        return err_set(e, ERR_INPUT, "usage: lab console HOST");
    return lab_console(c->o.name, c->o.dir, c->words[0], e);
}

/* Becomes the command: its exit code is ours. */
static int cmd_run(struct call *c, struct err *e)
{
    char ns[LAB_NAMESPACE_SIZE];
    if (c->words_n < 1)
        return err_set(e, ERR_INPUT, "usage: lab run [--name NAME] -- COMMAND...");
    if (!lab_net_exists(c->o.name))
        return err_set(e, ERR_NOT_FOUND, "there is no lab `%s`; `lab up --name %s` makes one", c->o.name,
                       c->o.name);
    const char **argv = xcalloc((size_t)c->words_n + 5, sizeof *argv);
    argv[0] = "ip";
    argv[1] = "netns";
    argv[2] = "exec";
    argv[3] = lab_namespace(c->o.name, ns);
    memcpy(argv + 4, c->words, (size_t)c->words_n * sizeof *argv);
    execvp(argv[0], (char *const *)argv);
    free(argv);
    return err_errno(e, "cannot run ip (is the package iproute2 installed?)");
}

static const struct command {
    const char *name;
    int (*run)(struct call *c, struct err *e);
} commands[] = {
    {"up", cmd_up},       {"down", cmd_down},       {"status", cmd_status},
    {"power", cmd_power}, {"console", cmd_console}, {"run", cmd_run},
};

int lab_main(int argc, char **argv)
{
    struct call c = {0};
    struct err e = {0};
    const struct command *cmd = NULL;
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(help, argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            cmd = &commands[i];
    if (!cmd) {
        fprintf(stderr, "rackstrap lab: there is no command `%s`; `lab --help` lists them\n", argv[1]);
        return 2;
    }
    int rc = parse(argc - 1, argv + 1, &c, &e);
    if (rc == 0 && c.help) {
        fputs(help, stdout);
        return 0;
    }
    if (rc == 0)
        rc = cmd->run(&c, &e);
    if (rc < 0)
        fprintf(stderr, "rackstrap lab %s: %s\n", cmd->name, e.text);
    return rc == 0 ? 0 : e.kind == ERR_INPUT ? 2 : 1;
}

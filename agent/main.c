/* rackstrap-agent: the machine's side of rackstrap. Static, so that it runs in an initramfs with nothing
 * beside it. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/firstboot.h"
#include "agent/init.h"
#include "agent/install.h"
#include "agent/say.h"

static const char usage[] =
    "rackstrap-agent firstboot [--root DIR]\n"
    "    in an installed system: reads /var/lib/rackstrap/seed.json, configures the machine and enrols it\n"
    "rackstrap-agent install --url URL --token TOKEN --mac MAC [OPTIONS]\n"
    "    writes the job's release to a disk, as the installer does; only process 1 restarts the machine "
    "then\n"
    "    --target PATH       this file or device, not one of the machine's disks\n"
    "    --uuid UUID         the machine's UUID, instead of the SMBIOS's\n"
    "    --sysfs DIR         facts from here instead of /sys\n"
    "    --dev DIR           disks by name from here instead of /dev\n"
    "    --release-key FILE  the public key that manifests are signed with (default "
    "/etc/rackstrap/release.pub, if there)\n"
    "    --no-seed           do not mount the root file system (needs no root)\n"
    "rackstrap-agent discover --url URL --mac MAC [--sysfs DIR]\n"
    "    tells the server of this machine until the inventory knows it\n"
    "As process 1 it takes all this from the kernel's command line.\n"
    "Exit: 0 done, 1 failed, 2 wrong usage, 3 the server has taken the job or token back.\n";

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_REPLACED = 3 };

struct arguments {
    struct install_options install;
    const char *root, *mac;
};

static int wrong(const char *what)
{
    fprintf(stderr, "rackstrap-agent: %s\n%s", what, usage);
    return EXIT_USAGE;
}

static int parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},
        {"token", required_argument, NULL, 't'},
        {"mac", required_argument, NULL, 'm'},
        {"target", required_argument, NULL, 'T'},
        {"uuid", required_argument, NULL, 'U'},
        {"sysfs", required_argument, NULL, 's'},
        {"dev", required_argument, NULL, 'd'},
        {"release-key", required_argument, NULL, 'k'},
        {"root", required_argument, NULL, 'r'},
        {"no-seed", no_argument, NULL, 'S'},
        {NULL, 0, NULL, 0},
    };
    const struct {
        int c;
        const char **to;
    } texts[] = {
        {'u', &a->install.url},    {'t', &a->install.token},       {'m', &a->mac},
        {'T', &a->install.target}, {'U', &a->install.uuid},        {'s', &a->install.sysfs},
        {'d', &a->install.dev},    {'k', &a->install.release_key}, {'r', &a->root},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool known = c == 'S';
        a->install.seed = c == 'S' ? false : a->install.seed;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (texts[i].c == c) {
                *texts[i].to = optarg;
                known = true;
            }
        if (!known)
            return -1;
    }
    return optind < argc ? -1 : 0;
}

static int run_install(struct arguments *a)
{
    struct err e = {0};
    if (!a->install.url || !a->install.token || !a->mac)
        return wrong("install needs --url, --token and --mac");
    if (mac_parse(a->mac, &a->install.mac, &e))
        return wrong(e.text);
    enum install_end end = install_run(&a->install, &e);
    if (end != INSTALL_WRITTEN) {
        say("FAILED: %s", e.text);
        return end == INSTALL_REPLACED ? EXIT_REPLACED : EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int run_discover(struct arguments *a)
{
    struct err e = {0};
    if (!a->install.url || !a->mac)
        return wrong("discover needs --url and --mac");
    if (mac_parse(a->mac, &a->install.mac, &e))
        return wrong(e.text);
    if (install_discover(&a->install, &e) == 0)
        return EXIT_DONE;
    say("FAILED: %s", e.text);
    return EXIT_FAILED;
}

static int run_firstboot(struct arguments *a)
{
    struct err e = {0};
    if (firstboot_run(a->root, &e) == 0)
        return EXIT_DONE;
    say("FAILED: %s", e.text);
    return e.kind == ERR_REFUSED ? EXIT_REPLACED : EXIT_FAILED;
}

static const struct {
    const char *name;
    int (*run)(struct arguments *a);
} commands[] = {{"install", run_install}, {"discover", run_discover}, {"firstboot", run_firstboot}};

int main(int argc, char **argv)
{
    struct arguments a = {
        .install = {.sysfs = "/sys",
                    .dev = "/dev",
                    .release_key = "/etc/rackstrap/release.pub",
                    .seed = true},
        .root = "",
    };
    if (getpid() == 1 && argc > 0 && !strcmp(argv[0], "/init"))
        init_main();
    if (argc == 4 && !strcmp(argv[1], "-q") && !strcmp(argv[2], "--"))
        return init_modprobe(argv[3]); /* the kernel asks for a module */
    if (argc > 1 && (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") ||
                     (argc > 2 && !strcmp(argv[2], "--help")))) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name))
            return parse(argc - 1, argv + 1, &a) ? wrong("wrong usage") : commands[i].run(&a);
    return wrong("which command?");
}

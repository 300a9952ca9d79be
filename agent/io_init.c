/* Process 1 only mounts, starts the process that does the work, and waits for it: whatever becomes of that
 * one, this one reboots the machine. A machine whose installer failed asks the server again at its next boot.
 */
#include "agent/init.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/backoff.h"
#include "agent/cmdline.h"
#include "agent/install.h"
#include "agent/io_modules.h"
#include "agent/io_net.h"
#include "agent/machine.h"
#include "agent/say.h"
#include "base/file.h"

#define REBOOT_DELAY_S 30u
#define NIC_WAIT_MS    60000u
#define LINK_WAIT_MS   5000u
#define DISK_WAIT_MS   20000u
#define DISK_CALM_MS   1000u
#define ROUND_MS       200u
#define RELEASE_KEY    "/etc/rackstrap/release.pub"

static void mount_all(void)
{
    static const struct {
        const char *type, *at;
    } mounts[] = {
        {"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"}};
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        mkdir(mounts[i].at, 0755);
        if (mount(mounts[i].type, mounts[i].at, mounts[i].type, 0, NULL) && errno != EBUSY)
            say("mounting %s: %s", mounts[i].at, strerror(errno));
    }
}

static void open_console(void)
{
    int fd = open("/dev/console", O_RDWR | O_NOCTTY);
    for (int i = 0; fd >= 0 && i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

static void tell_kernel(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)write_all(fd, value, strlen(value));
        close(fd);
    }
}

static int read_cmdline(struct cmdline *ret, struct err *e)
{
    struct str text = {0};
    int status = file_read("/proc/cmdline", 64 * 1024, &text, e);
    if (status == 0)
        status = cmdline_parse(text.s ? text.s : "", ret, e);
    str_free(&text);
    return status;
}

/* Drivers come in rounds: the PCI device's driver shows the virtio bus, whose devices want drivers of their
 * own. */
static int find_nic(struct modules *m, struct mac mac, char name[IFNAMSIZ], struct err *e)
{
    uint64_t until = ticks_ms() + NIC_WAIT_MS;
    for (;;) {
        unsigned loaded = modules_load_all(m);
        if (nic_find("/sys", mac, name, e) == 0)
            return 0;
        if (ticks_ms() >= until)
            return -1;
        if (!loaded)
            sleep_ms(ROUND_MS);
    }
}

/* Disks are found by the kernel in its own time: wait until there is one and a second has brought nothing
 * new. */
static void settle_disks(struct modules *m)
{
    uint64_t began = ticks_ms(), calm_since = began;
    size_t last = 0;
    while (ticks_ms() - began < DISK_WAIT_MS && !(last > 0 && ticks_ms() - calm_since >= DISK_CALM_MS)) {
        struct machine now = {0};
        unsigned loaded = modules_load_all(m);
        (void)machine_find("/sys", &now, NULL);
        if (loaded || now.n_disks != last)
            calm_since = ticks_ms();
        last = now.n_disks;
        machine_free(&now);
        sleep_ms(ROUND_MS);
    }
}

struct keep {
    char name[IFNAMSIZ];
    struct mac mac;
    struct dhcp_answer lease;
};

/* An address that we have lost may be another machine's: stop at once. The install is resumed at the next
 * boot. */
static void *keep_address(void *ctx)
{
    struct keep *k = ctx;
    struct err e = {0};
    dhcp_keep(k->name, k->mac, k->lease, &e);
    say("%s; stopping", e.text);
    _exit(1);
}

static int bring_up_net(struct modules *m, struct mac mac, struct err *e)
{
    static struct keep keep; /* the thread's, for as long as this process lives */
    char address[PREFIX_STR], router[IP4_STR];
    pthread_t thread;
    keep.mac = mac;
    if (find_nic(m, mac, keep.name, e) || nic_up(keep.name, e))
        return -1;
    for (uint64_t until = ticks_ms() + LINK_WAIT_MS;
         !nic_has_carrier("/sys", keep.name) && ticks_ms() < until;)
        sleep_ms(ROUND_MS);
    if (dhcp_acquire(keep.name, mac, &keep.lease, e) || nic_configure(keep.name, &keep.lease, e))
        return -1;
    say("%s: %s, router %s", keep.name,
        ip4_if_format((struct ip4_if){keep.lease.address, keep.lease.prefix}, address),
        keep.lease.router.a ? ip4_format(keep.lease.router, router) : "none");
    if (pthread_create(&thread, NULL, keep_address, &keep))
        return err_set(e, ERR_IO, "no thread could be started; the machine has too little memory");
    return 0;
}

static int install(const struct cmdline *c, struct err *e)
{
    const struct install_options o = {
        .url = c->url,
        .token = c->token,
        .mac = c->mac,
        .sysfs = "/sys",
        .dev = "/dev",
        .release_key = RELEASE_KEY,
        .seed = true,
    };
    if (c->mode == MODE_DISCOVER)
        return install_discover(&o, e);
    return install_run(&o, e) == INSTALL_WRITTEN ? 0 : -1;
}

static int work(const struct cmdline *c, struct err *e)
{
    struct modules *m;
    if (modules_new(&m, e))
        return err_prefix(e, "the installer was not made for this kernel");
    modules_load_all(m);
    modules_load(m, "loop");
    int status = bring_up_net(m, c->boot, e);
    if (status == 0) {
        settle_disks(m);
        status = install(c, e);
    }
    modules_free(m);
    return status;
}

int init_modprobe(const char *name)
{
    struct modules *m;
    if (modules_new(&m, NULL))
        return 1;
    modules_load(m, name);
    modules_free(m);
    return 0;
}

/* All children are reaped; the worker's end is what we wait for. True when it did its work. */
static bool wait_for_worker(pid_t worker)
{
    for (;;) {
        int status;
        pid_t pid = wait(&status);
        if (pid < 0 && errno == ECHILD)
            return false;
        if (pid != worker)
            continue;
        if (WIFSIGNALED(status))
            say("the installer died of signal %d", WTERMSIG(status));
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
}

static void run_worker(const struct cmdline *c)
{
    struct err e = {0};
    if (work(c, &e) == 0)
        _exit(0);
    say("FAILED: %s", e.text);
    _exit(1);
}

void init_main(void)
{
    struct cmdline c = {0};
    struct err e = {0};
    bool done = false;
    mount_all();
    open_console();
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    tell_kernel("/proc/sys/kernel/panic", "30"); /* seconds till it restarts by itself */
    /* ext4 asks the kernel for its checksum's driver, and the kernel asks this program. */
    tell_kernel("/proc/sys/kernel/modprobe", "/init");
    say("installer");
    if (read_cmdline(&c, &e)) {
        say("FAILED: %s", e.text);
    } else {
        pid_t pid = fork();
        if (pid == 0)
            run_worker(&c);
        done = pid > 0 && wait_for_worker(pid);
    }
    if (!done && c.debug) {
        say("rackstrap.debug: staying as it is; power-cycle the machine to go on");
        for (;;)
            pause();
    }
    if (!done) {
        say("rebooting in %u s", REBOOT_DELAY_S);
        sleep_ms(REBOOT_DELAY_S * 1000);
    }
    say("rebooting");
    sync();
    reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}

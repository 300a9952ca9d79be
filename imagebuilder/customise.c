#include "imagebuilder/customise.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"

#define AGENT_DIR "/usr/lib/rackstrap"

/* --- what every image gets --- */

static const char agent_unit[] = "[Unit]\n"
                                 "Description=rackstrap: configures this machine and enrols it, once\n"
                                 "ConditionPathExists=/var/lib/rackstrap/seed.json\n"
                                 "Wants=network-online.target\n"
                                 "After=network-online.target ssh.service\n"
                                 "\n"
                                 "[Service]\n"
                                 "Type=exec\n"
                                 "ExecStart=" AGENT_DIR "/rackstrap-agent firstboot\n"
                                 "Restart=on-failure\n"
                                 "RestartSec=10s\n"
                                 "StandardOutput=journal+console\n"
                                 "\n"
                                 "[Install]\n"
                                 "WantedBy=multi-user.target\n";

/* The client identifier is the MAC address, as in the installer and the firmware: the machine keeps its
 * address. */
static const char network_unit[] = "[Match]\n"
                                   "Name=en* eth*\n"
                                   "\n"
                                   "[Network]\n"
                                   "DHCP=yes\n"
                                   "\n"
                                   "[DHCPv4]\n"
                                   "ClientIdentifier=mac\n"
                                   "UseDomains=yes\n";

/* One card with an address is enough: the others of a server are often not plugged in. */
static const char wait_online[] = "[Service]\n"
                                  "ExecStart=\n"
                                  "ExecStart=/lib/systemd/systemd-networkd-wait-online --any\n";

/* An image has no host keys: the server makes those that it lacks, before it or the agent (which is ordered
 * after it) reads them. */
static const char ssh_keys[] =
    "[Service]\n"
    "ExecStartPre=\n"
    "ExecStartPre=/bin/sh -c 'for t in ed25519 ecdsa; do f=/etc/ssh/ssh_host_$${t}_key; "
    "[ -e \"$$f\" ] || ssh-keygen -q -t $$t -N \"\" -f \"$$f\" || exit 1; done'\n"
    "ExecStartPre=/usr/sbin/sshd -t\n";

static const struct asset {
    const char *path, *text;
    bool own_system; /* only where we made the system: a foreign disk keeps its own */
} assets[] = {
    {"/etc/systemd/system/rackstrap-agent.service", agent_unit, false},
    {"/etc/systemd/system/ssh.service.d/rackstrap.conf", ssh_keys, false},
    {"/etc/systemd/network/80-rackstrap-dhcp.network", network_unit, true},
    {"/etc/systemd/system/systemd-networkd-wait-online.service.d/rackstrap.conf", wait_online, true},
    {"/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n", true},
    {"/etc/hostname", "localhost\n", true},
};

/* --- the script --- */

void shell_quote(struct str *ret, const char *s)
{
    str_add(ret, "'");
    for (; *s; s++) {
        if (*s == '\'')
            str_add(ret, "'\\''");
        else
            str_addn(ret, s, 1);
    }
    str_add(ret, "'");
}

void kernel_args_text(const struct recipe *r, struct str *ret)
{
    str_add(ret, "");
    for (size_t i = 0; i < r->kernel_args.n; i++)
        str_addf(ret, "%s%s", i ? " " : "", r->kernel_args.s[i]);
    if (r->kernel_args.n == 0)
        str_add(ret, "console=tty0 console=ttyS0,115200");
}

static void add_packages(const struct recipe *r, struct str *ret)
{
    if (r->packages.n == 0)
        return;
    str_add(ret, "echo '== packages'\napt-get -q update\napt-get -q -y --no-install-recommends install");
    for (size_t i = 0; i < r->packages.n; i++) {
        str_add(ret, " ");
        shell_quote(ret, r->packages.s[i]);
    }
    str_add(ret, "\n");
}

static void add_owners(const struct recipe *r, struct str *ret)
{
    for (size_t i = 0; i < r->files_n; i++) {
        if (!r->files[i].owner)
            continue;
        str_add(ret, "chown -R -- ");
        shell_quote(ret, r->files[i].owner);
        str_add(ret, " ");
        shell_quote(ret, r->files[i].path);
        str_add(ret, "\n");
    }
}

static void add_keys(const struct recipe_user *u, struct str *ret)
{
    if (u->ssh_keys.n == 0)
        return;
    str_addf(ret,
             "home=$(getent passwd %s | cut -d: -f6)\n"
             "install -d -m 0700 -o %s -g \"$(id -gn %s)\" \"$home/.ssh\"\n"
             "printf '%%s\\n'",
             u->name, u->name, u->name);
    for (size_t i = 0; i < u->ssh_keys.n; i++) {
        str_add(ret, " ");
        shell_quote(ret, u->ssh_keys.s[i]);
    }
    str_addf(ret,
             " >\"$home/.ssh/authorized_keys\"\n"
             "chmod 0600 \"$home/.ssh/authorized_keys\"\n"
             "chown \"%s:$(id -gn %s)\" \"$home/.ssh/authorized_keys\"\n",
             u->name, u->name);
}

/* Names were checked when the recipe was read: they need no quotes. */
static void add_user(const struct recipe_user *u, struct str *ret)
{
    str_addf(ret,
             "echo '== user %s'\nid -u %s >/dev/null 2>&1 || useradd --create-home --shell /bin/bash %s\n",
             u->name, u->name, u->name);
    for (size_t i = 0; i < u->groups.n; i++)
        str_addf(ret, "getent group %s >/dev/null || groupadd --system %s\nusermod -a -G %s %s\n",
                 u->groups.s[i], u->groups.s[i], u->groups.s[i], u->name);
    add_keys(u, ret);
    if (u->sudo)
        str_addf(ret,
                 "install -d -m 0750 /etc/sudoers.d\n"
                 "printf '%s ALL=(ALL) NOPASSWD: ALL\\n' >/etc/sudoers.d/90-rackstrap-%s\n"
                 "chmod 0440 /etc/sudoers.d/90-rackstrap-%s\n",
                 u->name, u->name, u->name);
}

static void add_scripts(const struct recipe *r, struct str *ret)
{
    for (size_t i = 0; i < r->scripts_n; i++)
        str_addf(ret, "echo '== script %zu'\n(cd / && " PAYLOAD_DIR "/script-%zu)\n", i + 1, i + 1);
}

/* No image has logs, keys or an identity of its own: a hundred machines will carry it. */
static const char cleaning[] =
    "echo '== cleaning'\n"
    "apt-get -q clean 2>/dev/null || true\n"
    "rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old "
    "/root/.cache /tmp/* /tmp/.[!.]*\n"
    "rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub /var/lib/systemd/random-seed "
    "/var/lib/dbus/machine-id\n"
    "rm -f /root/.bash_history /var/lib/dhcp/*.leases /var/lib/rackstrap/seed.json $policy\n"
    "find /var/log -type f -delete\n"
    ": >/etc/machine-id\n"
    "rm -rf " PAYLOAD_DIR "\n";

static const char preparing[] =
    "#!/bin/sh\n"
    "set -eu\n"
    "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root "
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    "unset TMPDIR\n"
    "policy=\n"
    "if [ ! -e /usr/sbin/policy-rc.d ]; then\n"
    "    printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d # services that packages bring must not "
    "start here\n"
    "    chmod 0755 /usr/sbin/policy-rc.d\n"
    "    policy=/usr/sbin/policy-rc.d\n"
    "fi\n"
    "echo '== files'\n"
    "tar -C / --keep-directory-symlink --no-overwrite-dir -xpf " PAYLOAD_DIR "/overlay.tar\n";

void customise_script(const struct customise *c, struct str *ret)
{
    const struct recipe *r = c->recipe;

    str_add(ret, preparing);
    if (r->disk)
        add_packages(r, ret); /* mmdebstrap installs those of a system of ours */
    for (size_t i = 0; i < r->users_n; i++)
        add_user(&r->users[i], ret);
    add_owners(r, ret);
    str_add(ret, "systemctl enable rackstrap-agent.service\n");
    if (!r->disk)
        str_add(ret, "systemctl enable systemd-networkd.service\n");
    add_scripts(r, ret);
    str_add(ret, cleaning);
}

/* --- the payload --- */

static int put_text(const char *dir, const char *path, const char *text, mode_t mode, struct err *e)
{
    char *to = xasprintf("%s%s", dir, path), *slash = strrchr(to, '/');

    *slash = '\0';
    int rc = dir_make(to, 0755, e);
    *slash = '/';
    if (rc == 0)
        rc = file_write(to, text, strlen(text), mode, e);
    free(to);
    return rc;
}

static int copy_in(const char *overlay, const struct recipe_file *f, const char *log, struct err *e)
{
    char *to = xasprintf("%s%s", overlay, f->path), *slash = strrchr(to, '/');
    const char *const copy[] = {"cp", "-rT", "--preserve=mode,timestamps,links", "--", f->from, to, NULL};
    const char *const set_mode[] = {"chmod", f->mode ? f->mode : "0644", to, NULL};

    *slash = '\0';
    int rc = dir_make(to, 0755, e);
    *slash = '/';
    if (rc == 0)
        rc = proc_run(copy, log, NULL, e);
    if (rc == 0 && f->mode)
        rc = proc_run(set_mode, log, NULL, e);
    free(to);
    return rc;
}

static int put_assets(const struct customise *c, const char *overlay, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]) && rc == 0; i++)
        if (!assets[i].own_system || !c->recipe->disk)
            rc = put_text(overlay, assets[i].path, assets[i].text, 0644, e);
    if (rc == 0 && c->root_uuid) {
        char *fstab =
            xasprintf("UUID=%s / ext4 errors=remount-ro 0 1\nUUID=%s /boot/efi vfat umask=0077,nofail 0 2\n",
                      c->root_uuid, c->efi_id);
        rc = put_text(overlay, "/etc/fstab", fstab, 0644, e);
        free(fstab);
    }
    return rc;
}

/* As a drop-in, so that a package's own /etc/default/grub stays untouched. */
static int put_grub_default(const struct customise *c, const char *overlay, struct err *e)
{
    struct str args = {0}, text = {0};
    int rc = 0;

    if (!c->recipe->disk || c->recipe->kernel_args.n) {
        kernel_args_text(c->recipe, &args);
        str_addf(&text,
                 "GRUB_DEFAULT=0\nGRUB_TIMEOUT=1\nGRUB_RECORDFAIL_TIMEOUT=1\nGRUB_DISTRIBUTOR=Debian\n"
                 "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\nGRUB_CMDLINE_LINUX=\"%s\"\nGRUB_TERMINAL=console\nGRUB_"
                 "DISABLE_OS_PROBER=true\n",
                 args.s);
        rc = put_text(overlay, "/etc/default/grub.d/50-rackstrap.cfg", text.s, 0644, e);
    }
    str_free(&args);
    str_free(&text);
    return rc;
}

static int put_files(const struct customise *c, const char *overlay, const char *log, struct err *e)
{
    const struct recipe *r = c->recipe;
    const struct recipe_file agent = {
        .path = AGENT_DIR "/rackstrap-agent",
        .from = (char *)c->agent_path,
        .mode = "0755",
    };

    if (put_assets(c, overlay, e) < 0 || put_grub_default(c, overlay, e) < 0 ||
        copy_in(overlay, &agent, log, e) < 0)
        return -1;
    for (size_t i = 0; i < r->files_n; i++) {
        const struct recipe_file *f = &r->files[i];
        int rc = f->from ? copy_in(overlay, f, log, e)
                         : put_text(overlay, f->path, f->content,
                                    f->mode ? (mode_t)strtoul(f->mode, NULL, 8) : 0644, e);

        if (rc < 0)
            return err_prefix(e, "the recipe's file %s", f->path);
    }
    return 0;
}

/* A text without an interpreter's line is for sh, which stops at the first error. */
static int put_script(const struct recipe_script *s, size_t i, const char *dir, struct err *e)
{
    struct str text = {0}, all = {0};
    char *name = xasprintf("/script-%zu", i + 1);
    int rc = s->file ? file_read(s->file, 16 << 20, &text, e) : (str_add(&text, s->run), 0);

    if (rc == 0) {
        if (!text.s || !str_starts(text.s, "#!"))
            str_add(&all, "#!/bin/sh\nset -eu\n");
        str_addn(&all, text.s ? text.s : "", text.len);
        rc = put_text(dir, name, all.s, 0755, e);
    }
    free(name);
    str_free(&text);
    str_free(&all);
    return rc;
}

int customise_payload(const struct customise *c, const char *dir, const char *log, struct err *e)
{
    char *overlay = xasprintf("%s/overlay", dir), *tar = xasprintf("%s/overlay.tar", dir);
    const char *const pack[] = {"tar",         "-C",  overlay, "--owner=0", "--group=0", "--numeric-owner",
                                "--sort=name", "-cf", tar,     ".",         NULL};
    struct str run = {0};
    int rc = dir_make(overlay, 0755, e);

    if (rc == 0)
        rc = put_files(c, overlay, log, e);
    if (rc == 0)
        rc = proc_run(pack, log, NULL, e);
    for (size_t i = 0; i < c->recipe->scripts_n && rc == 0; i++)
        rc = put_script(&c->recipe->scripts[i], i, dir, e);
    if (rc == 0) {
        customise_script(c, &run);
        rc = put_text(dir, "/run", run.s, 0755, e);
    }
    if (rc == 0)
        rc = dir_remove(overlay, e);
    str_free(&run);
    free(overlay);
    free(tar);
    return rc;
}

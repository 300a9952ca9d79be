/* script: see script.h.
 *
 * A script that cannot load what it needs waits five seconds and fetches itself anew, so that the decision is
 * made again: a job that was cancelled meanwhile is not installed, and a server that was down for a minute
 * costs a minute.
 *
 * `exit 1` under UEFI, because a boot option that ends with success makes firmware show its menu instead of
 * trying the next one (EDK2's BDS); BIOS knows no such thing, and there the disk is booted from here. So it
 * is under UEFI too, by local.efi, which starts the disk's own loader: the next options of that firmware are
 * the same NIC by IPv6 and HTTP, a minute each before the disk's turn.
 */
#include "httpboot/script.h"

#include <string.h>

/* Text of ours for the machine's screen: iPXE gives meaning to $, &, |, # and quotes. */
static void add_plain(struct str *out, const char *s)
{
    for (; *s; s++) {
        bool plain = (*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z') ||
                     strchr(" .,:;()@/_+=-", *s);

        str_addn(out, plain ? s : " ", 1);
    }
}

static void add_says(struct str *out, const char *who, const char *text, const char *reason)
{
    str_add(out, "echo rackstrap: ");
    add_plain(out, who[0] ? who : "this machine");
    str_addf(out, " %s: ", text);
    add_plain(out, reason);
    str_add(out, "\n");
}

static void add_bootif(struct str *out, struct mac m)
{
    int i;

    str_add(out, " BOOTIF=01");
    for (i = 0; i < 6; i++)
        str_addf(out, "-%02x", m.b[i]);
}

/* One line is one command: nothing in an argument may end it. */
static void add_args(struct str *out, const char *args)
{
    if (!args[0])
        return;
    str_add(out, " ");
    for (; *args; args++)
        str_addn(out, (unsigned char)*args < ' ' ? " " : args, 1);
}

static void add_url(struct str *out, const struct script *s)
{
    char ip[IP4_STR];

    str_addf(out, "%s://%s:%u", s->tls ? "https" : "http", ip4_format(s->server, ip), s->port);
}

static void add_agent_url(struct str *out, const struct script *s)
{
    char ip[IP4_STR];

    if (s->agent_port)
        str_addf(out, "http://%s:%u", ip4_format(s->agent_server, ip), s->agent_port);
    else
        add_url(out, s);
}

static void add_ask_again(struct str *out, const struct script *s, unsigned seconds)
{
    char mac[MAC_STR];

    str_addf(out, "sleep %u\nchain --replace ", seconds);
    add_url(out, s);
    str_addf(out, "/boot/%s.ipxe?uuid=${uuid}&serial=${serial:uristring}&arch=${buildarch} || goto again\n",
             mac_format(s->mac, mac));
}

/* initrd=initrd.img: the UEFI kernel finds its initramfs by that name; BIOS does not mind it. */
static void add_installer(struct str *out, const struct script *s, const char *mode)
{
    char mac[MAC_STR];

    mac_format(s->mac, mac);
    str_add(out, "imgfree\nkernel ");
    add_url(out, s);
    str_add(out, "/netboot/vmlinuz initrd=initrd.img rackstrap.url=");
    add_agent_url(out, s);
    str_addf(out, " rackstrap.mode=%s", mode);
    if (s->token)
        str_addf(out, " rackstrap.token=%s", s->token);
    str_addf(out, " rackstrap.mac=%s", mac);
    add_bootif(out, s->mac);
    add_args(out, s->kernel_args);
    str_add(out, " || goto again\ninitrd --name initrd.img ");
    add_url(out, s);
    str_add(out, "/netboot/initrd.img || goto again\nboot || goto again\n:again\n"
                 "echo rackstrap: that did not work, trying again in 5 seconds\n");
    add_ask_again(out, s, 5);
}

static void render_install(const struct script *s, struct str *out)
{
    add_says(out, s->who, "installs", s->what);
    add_installer(out, s, "install");
}

static void render_discover(const struct script *s, struct str *out)
{
    add_says(out, s->who, "is looked at, nothing is written", s->reason);
    add_installer(out, s, "discover");
}

static void render_local(const struct script *s, struct str *out)
{
    add_says(out, s->who, "boots from its disk", s->reason);
    str_add(out, "iseq ${platform} efi && goto efi || goto bios\n"
                 ":bios\nsanboot --no-describe --drive 0x80 || exit\n"
                 ":efi\nchain ");
    add_url(out, s);
    str_add(out, "/netboot/local.efi || exit 1\nexit 1\n");
}

static void render_ignore(const struct script *s, struct str *out)
{
    add_says(out, s->who, "is not booted from here", s->reason);
    str_add(out, "exit 1\n");
}

static void (*const renderers[])(const struct script *, struct str *) = {
    [BOOT_LOCAL] = render_local,
    [BOOT_INSTALL] = render_install,
    [BOOT_DISCOVER] = render_discover,
    [BOOT_IGNORE] = render_ignore,
};

void script_render(const struct script *s, struct str *out)
{
    str_add(out, "#!ipxe\n");
    renderers[s->action](s, out);
}

void script_wait(const struct script *s, struct str *out)
{
    str_add(out, "#!ipxe\n");
    add_says(out, s->who, "waits a moment", s->reason);
    str_add(out, ":again\n");
    add_ask_again(out, s, SCRIPT_WAIT_S);
}

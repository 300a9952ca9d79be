/* script: each action's script, whole; and that nothing in a name or reason can become a command. */
#include "httpboot/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct script base(enum boot_action action)
{
    return (struct script){
        .action = action,
        .who = "hv-01",
        .what = "debian-12",
        .reason = "a job waits",
        .mac = {{0x52, 0x54, 0, 0, 0, 1}},
        .server = {0x0a4d0001},
        .port = 8080,
        .token = action == BOOT_INSTALL ? TOKEN : NULL,
        .kernel_args = "",
    };
}

static void renders(const struct script *s, const char *want)
{
    struct str out = {0};

    script_render(s, &out);
    assert_string_equal(out.s, want);
    str_free(&out);
}

#define AGAIN                                                                                                \
    " || goto again\n"                                                                                       \
    "initrd --name initrd.img http://10.77.0.1:8080/netboot/initrd.img || goto again\n"                      \
    "boot || goto again\n"                                                                                   \
    ":again\n"                                                                                               \
    "echo rackstrap: that did not work, trying again in 5 seconds\n"                                         \
    "sleep 5\n"                                                                                              \
    "chain --replace http://10.77.0.1:8080/boot/52:54:00:00:00:01.ipxe"                                      \
    "?uuid=${uuid}&serial=${serial:uristring}&arch=${buildarch} || goto again\n"

static void install(void **state)
{
    struct script s = base(BOOT_INSTALL);

    (void)state;
    s.kernel_args = "console=ttyS0,115200 quiet";
    renders(&s,
            "#!ipxe\n"
            "echo rackstrap: hv-01 installs: debian-12\n"
            "imgfree\n"
            "kernel http://10.77.0.1:8080/netboot/vmlinuz initrd=initrd.img "
            "rackstrap.url=http://10.77.0.1:8080 rackstrap.mode=install rackstrap.token=" TOKEN
            " rackstrap.mac=52:54:00:00:00:01 BOOTIF=01-52-54-00-00-00-01 console=ttyS0,115200 quiet" AGAIN);
}

static void discover(void **state)
{
    struct script s = base(BOOT_DISCOVER);

    (void)state;
    s.who = "";
    renders(&s, "#!ipxe\n"
                "echo rackstrap: this machine is looked at, nothing is written: a job waits\n"
                "imgfree\n"
                "kernel http://10.77.0.1:8080/netboot/vmlinuz initrd=initrd.img "
                "rackstrap.url=http://10.77.0.1:8080 rackstrap.mode=discover"
                " rackstrap.mac=52:54:00:00:00:01 BOOTIF=01-52-54-00-00-00-01" AGAIN);
}

static void local(void **state)
{
    struct script s = base(BOOT_LOCAL);

    (void)state;
    renders(&s, "#!ipxe\n"
                "echo rackstrap: hv-01 boots from its disk: a job waits\n"
                "iseq ${platform} efi && goto efi || goto bios\n"
                ":bios\n"
                "sanboot --no-describe --drive 0x80 || exit\n"
                ":efi\n"
                "chain http://10.77.0.1:8080/netboot/local.efi || exit 1\n"
                "exit 1\n");
}

static void ignore(void **state)
{
    struct script s = base(BOOT_IGNORE);

    (void)state;
    s.who = "";
    renders(&s, "#!ipxe\necho rackstrap: this machine is not booted from here: a job waits\nexit 1\n");
}

/* Names, reasons and arguments stay on their line, and iPXE sees no word of its own in what is shown. */
static void injection(void **state)
{
    static const char evil[] = "x\n${net0/mac} && reboot || sanboot # \"'\x7f\xff";
    struct script s = base(BOOT_INSTALL);
    struct str out = {0}, plain = {0};
    size_t lines = 0, want = 0, i;

    (void)state;
    script_render(&s, &plain);
    s.who = s.what = s.reason = evil;
    s.kernel_args = "a\nb\rc";
    script_render(&s, &out);
    for (i = 0; i < out.len; i++)
        lines += out.s[i] == '\n';
    for (i = 0; i < plain.len; i++)
        want += plain.s[i] == '\n';
    assert_int_equal(lines, want);
    assert_null(strstr(out.s, "&& reboot"));
    assert_null(strstr(out.s, "${net0"));
    assert_non_null(strstr(out.s, " a b c || goto again"));
    str_free(&out);
    str_free(&plain);
}

static void by_https(void **state)
{
    struct script s = base(BOOT_INSTALL);
    struct str out = {0};

    (void)state;
    s.tls = true;
    s.port = 8443;
    s.agent_server = s.server;
    s.agent_port = 8080;
    script_render(&s, &out);
    assert_non_null(strstr(out.s, "kernel https://10.77.0.1:8443/netboot/vmlinuz "));
    assert_non_null(strstr(out.s, "initrd --name initrd.img https://10.77.0.1:8443/"));
    assert_non_null(strstr(out.s, "chain --replace https://10.77.0.1:8443/boot/"));
    assert_non_null(strstr(out.s, " rackstrap.url=http://10.77.0.1:8080 "));
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(install), cmocka_unit_test(by_https), cmocka_unit_test(discover),
        cmocka_unit_test(local),   cmocka_unit_test(ignore),   cmocka_unit_test(injection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

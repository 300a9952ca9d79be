/* Public keys, whole and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rackstrap/ssh_key.h"

#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAIHEcntKgv26EOy3Qm3UY4Gm4RlMtJ09J3nvgpA84xnEO"
#define ECDSA                                                                                                \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBM5j7HUKtSojI++RHOWfBcVgopHdCDMX+"                  \
    "MAzt6bSgEeRx4rtF9Lmo0QlPGUklZBLWOasfvWXOeMnkLlPQEm8yxI="

static void keys(void **state)
{
    static const struct {
        const char *line;
        bool want;
    } rows[] = {
        {"ssh-ed25519 " BLOB " me@desk", true},
        {"ssh-ed25519 " BLOB, true},
        {"ssh-ed25519\t" BLOB "  a comment of several words", true},
        {"from=\"10.0.0.0/8\",command=\"/bin/ls -l\" ssh-ed25519 " BLOB, true},
        {"ecdsa-sha2-nistp256 " ECDSA, true},
        {"", false},
        {"ssh-ed25519", false},
        {"ssh-ed25519 ", false},
        {BLOB, false},
        {"ssh-rsa " BLOB, false},
        {"ssh-ed25519 AAAA me", false},
        {"ssh-ed25519 AAAA... you@desk", false},
        {"ssh-ed25519 A" BLOB, false},
        {"ssh-ed25519 " ECDSA, false},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", false},         /* the type alone */
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", false}, /* cut off */
        {"ssh-ed25519 ====", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ssh_key_ok(rows[i].line) != rows[i].want)
            fail_msg("%s", rows[i].line);
    for (size_t n = 0; n < sizeof BLOB - 1; n++) { /* cut anywhere */
        char line[256] = "ssh-ed25519 ";
        for (size_t k = 0; k < n; k++)
            line[12 + k] = BLOB[k];
        assert_false(ssh_key_ok(line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys)};
    return cmocka_run_group_tests_name("rackstrap/ssh_key", tests, NULL, NULL);
}

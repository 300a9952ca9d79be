#include "tests/imagebuilder/check.h"

#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "imagebuilder/customise.h"
#include "imagebuilder/recipe.h"

static char dir[] = "/tmp/rackstrap-recipe-XXXXXX";

static int load(const char *text, struct recipe **ret, struct err *e)
{
    char *path = xasprintf("%s/recipe.yaml", dir);
    int rc;

    assert_int_equal(file_write(path, text, strlen(text), 0644, e), 0);
    rc = recipe_load(path, ret, e);
    free(path);
    return rc;
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void whole(void **state)
{
    struct recipe *r = NULL;
    struct err e = {0};
    struct str s = {0};

    (void)state;
    if (load("name: hv\n"
             "source: {debootstrap: bookworm, mirror: 'http://mirror.example/debian', components: [main, "
             "non-free-firmware]}\n"
             "size: 3G\n"
             "kernel: linux-image-cloud-amd64\n"
             "packages: [vim, qemu-system-x86=1:7.2+dfsg-7]\n"
             "files:\n"
             "  - {path: /etc/motd, content: hello, mode: '0600', owner: 'root:adm'}\n"
             "  - {path: /opt/x, from: .}\n"
             "users:\n"
             "  - {name: ops, ssh_keys: [\"ssh-ed25519 AAAA it's mine\"], sudo: true, groups: [adm, kvm]}\n"
             "scripts:\n"
             "  - run: echo hi\n"
             "  - file: recipe.yaml\n"
             "kernel_args: ['console=ttyS0', quiet]\n",
             &r, &e) < 0)
        fail_msg("%s", e.text);
    assert_string_equal(r->suite, "bookworm");
    assert_int_equal(r->size, 3ull << 30);
    assert_int_equal(r->components.n, 2);
    assert_int_equal(r->files_n, 2);
    assert_true(r->files[1].from_folder);
    assert_true(r->users[0].sudo);
    assert_int_equal(r->scripts_n, 2);
    assert_null(r->disk);
    kernel_args_text(r, &s);
    assert_string_equal(s.s, "console=ttyS0 quiet");
    str_free(&s);
    recipe_free(r);
}

static void a_disk(void **state)
{
    struct recipe *r = NULL;
    struct err e = {0};

    (void)state;
    if (load("name: d\nsource: {disk: 'https://images.example/d.qcow2', sha256: " HASH ", format: qcow2}\n",
             &r, &e) < 0)
        fail_msg("%s", e.text);
    assert_string_equal(r->algorithm, "sha256");
    assert_int_equal(r->size, 0);
    assert_null(r->suite);
    recipe_free(r);
}

/* Each with the place that the error must name. */
static const struct {
    const char *text, *place, *words;
} bad[] = {
    {"", "recipe.yaml:", "source"},
    {"name: a\nsource: {debootstrap: bookworm}\n", "recipe.yaml:", "size"},
    {"name: a\nsource: {debootstrap: bookworm}\nsize: 2G\nsises: 1\n", "recipe.yaml:4:1", "sises"},
    {"name: a/b\nsource: {debootstrap: bookworm}\nsize: 2G\n", "recipe.yaml:1:7", "name"},
    {"name: a\nsource: {debootstrap: bookworm}\nsize: 4M\n", "recipe.yaml:3:7", "GiB"},
    {"name: a\nsource: {debootstrap: '-oops'}\nsize: 2G\n", "recipe.yaml:2:", "debootstrap"},
    {"name: a\nsource: {debootstrap: x, disk: y}\nsize: 2G\n", "recipe.yaml:2:", "one source"},
    {"name: a\nsource: {disk: recipe.yaml}\n", "recipe.yaml:2:", "sha256"},
    {"name: a\nsource: {disk: recipe.yaml, sha256: abc}\n", "recipe.yaml:2:", "64 hex digits"},
    {"name: a\nsource: {disk: recipe.yaml, sha256: " HASH ", format: vmdk}\n", "recipe.yaml:2:", "vmdk"},
    {"name: a\nsource: {disk: none.img, sha256: " HASH "}\n", "recipe.yaml:2:", "none.img"},
    {"name: a\nsource: {disk: 'ftp://x/y', sha256: " HASH "}\n", "recipe.yaml:2:", "ftp"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\npackages: ['--purge']\n", "recipe.yaml:4:", "--purge"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\npackages: ['a,b']\n", "recipe.yaml:4:", "a,b"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nkernel_args: ['a\"b']\n", "recipe.yaml:4:", "kernel_args"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nfiles: [{path: etc/x, content: a}]\n",
     "recipe.yaml:4:", "absolute"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nfiles: [{path: /../x, content: a}]\n",
     "recipe.yaml:4:", ".."},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nfiles: [{path: /x, content: a, from: .}]\n",
     "recipe.yaml:4:", "one place"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nfiles: [{path: /x, content: a, mode: '0999'}]\n",
     "recipe.yaml:4:", "octal"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nfiles: [{path: /x, content: a, owner: 'a b'}]\n",
     "recipe.yaml:4:", "owner"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nusers: [{name: 'a;b'}]\n", "recipe.yaml:4:", "a;b"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nscripts: [{}]\n", "recipe.yaml:4:", "`run` or `file`"},
    {"name: a\nsource: {debootstrap: x}\nsize: 2G\nscripts: [x]\n", "recipe.yaml:4:", "scripts"},
};

static void errors_name_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct recipe *r = NULL;
        struct err e = {0};

        if (load(bad[i].text, &r, &e) == 0)
            fail_msg("taken: %s", bad[i].text);
        if (!strstr(e.text, bad[i].place) || !strstr(e.text, bad[i].words))
            fail_msg("\"%s\" has not %s and %s", e.text, bad[i].place, bad[i].words);
        assert_int_equal(e.kind, ERR_INPUT);
    }
}

static void script_for_a_system(void **state)
{
    struct recipe *r = NULL;
    struct err e = {0};
    struct str s = {0};

    (void)state;
    assert_int_equal(load("name: a\nsource: {debootstrap: x}\nsize: 2G\npackages: [vim]\n"
                          "files: [{path: \"/o'k\", content: a, owner: 'u:g'}]\n"
                          "users: [{name: ops, ssh_keys: [\"k it's\"], sudo: true}]\nscripts: [{run: x}]\n",
                          &r, &e),
                     0);
    customise_script(&(struct customise){.recipe = r}, &s);
    assert_null(strstr(s.s, "apt-get -q -y")); /* mmdebstrap installs them */
    assert_non_null(strstr(s.s, "'k it'\\''s'"));
    assert_non_null(strstr(s.s, "chown -R -- 'u:g' '/o'\\''k'"));
    assert_non_null(strstr(s.s, "ops ALL=(ALL) NOPASSWD: ALL"));
    assert_non_null(strstr(s.s, PAYLOAD_DIR "/script-1"));
    assert_non_null(strstr(s.s, ": >/etc/machine-id"));
    assert_non_null(strstr(s.s, "rm -f /etc/ssh/ssh_host_"));
    str_free(&s);
    recipe_free(r);
}

static void script_for_a_disk(void **state)
{
    struct recipe *r = NULL;
    struct err e = {0};
    struct str s = {0};

    (void)state;
    assert_int_equal(
        load("name: a\nsource: {disk: recipe.yaml, sha256: " HASH "}\npackages: [vim]\n", &r, &e), 0);
    customise_script(&(struct customise){.recipe = r}, &s);
    assert_non_null(strstr(s.s, "install 'vim'\n"));
    assert_null(strstr(s.s, "systemd-networkd"));
    str_free(&s);
    recipe_free(r);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}
static int remove_dir(void **state)
{
    (void)state;
    return dir_remove(dir, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(a_disk),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(script_for_a_system),
        cmocka_unit_test(script_for_a_disk),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

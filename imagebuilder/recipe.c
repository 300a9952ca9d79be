#include "imagebuilder/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/manifest.h"
#include "base/str.h"

#define SIZE_MIN (1ull << 30)

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static bool made_of(const char *s, const char *allowed)
{
    return *s && s[strspn(s, allowed)] == '\0';
}

/* --- what a text may look like: what reaches a shell, an option or a file in the image is checked here ---
 */

static bool ok_word(const char *s)
{
    return *s != '-' && made_of(s, LETTERS DIGITS "._+-");
}
static bool ok_package(const char *s)
{
    return isalnum((unsigned char)*s) && made_of(s, LETTERS DIGITS ".+-:=~");
}
static bool ok_user(const char *s)
{
    return *s != '-' && !isdigit((unsigned char)*s) && strlen(s) < 32 &&
           made_of(s, "abcdefghijklmnopqrstuvwxyz" DIGITS "_-");
}
static bool ok_owner(const char *s)
{
    return *s != '-' && made_of(s, LETTERS DIGITS "_-:.");
}
static bool ok_mode(const char *s)
{
    return strlen(s) >= 3 && strlen(s) <= 4 && made_of(s, "01234567");
}
static bool ok_line(const char *s)
{
    return *s && !strpbrk(s, "\n\r");
}
static bool ok_kernel_arg(const char *s)
{
    for (const char *p = s; *p; p++)
        if (!isgraph((unsigned char)*p) || strchr("\"'`$\\", *p))
            return false;
    return *s;
}
static bool ok_path(const char *s)
{
    return *s == '/' && s[1] && !strstr(s, "/../") && !str_ends(s, "/..") && ok_line(s);
}
static bool ok_mirror(const char *s)
{
    return (str_starts(s, "http://") || str_starts(s, "https://") || str_starts(s, "file:///")) &&
           !strpbrk(s, " \t\n\r'\"");
}

struct check {
    bool (*ok)(const char *s);
    const char *rule;
};
static const struct check check_word = {ok_word, "use letters, digits and . _ + -"};
static const struct check check_package = {ok_package, "use a package's name, or NAME=VERSION"};
static const struct check check_user = {
    ok_user, "use at most 31 lower-case letters, digits, _ and -, not beginning with a digit"};
static const struct check check_owner = {ok_owner, "use USER or USER:GROUP"};
static const struct check check_mode = {ok_mode, "use octal digits, as \"0644\""};
static const struct check check_line = {ok_line, "it must be one line"};
static const struct check check_kernel_arg = {ok_kernel_arg,
                                              "use one argument an item, without spaces and quotes"};
static const struct check check_path = {ok_path, "use an absolute path without .."};
static const struct check check_mirror = {ok_mirror, "use an http, https or file URL"};

static int get_text(struct yaml_node *map, const char *key, bool required, const struct check *c,
                    const char **ret, struct err *e)
{
    const char *s = NULL;

    if (yaml_str(map, key, required, &s, e) < 0)
        return -1;
    if (s && !c->ok(s))
        return yaml_error(yaml_get(map, key), e, "\"%s\" is no good %s; %s", s, key, c->rule);
    if (s)
        *ret = s;
    return 0;
}

static int get_texts(struct yaml_node *map, const char *key, const struct check *c, struct texts *ret,
                     struct err *e)
{
    struct yaml_node *seq = NULL;

    if (yaml_seq(map, key, false, &seq, e) < 0)
        return -1;
    size_t n = seq ? yaml_len(seq) : 0;
    ret->s = xcalloc(n ? n : 1, sizeof(*ret->s));
    for (size_t i = 0; i < n; i++) {
        struct yaml_node *item = yaml_at(seq, i);
        const char *s = yaml_text(item);

        if (!s)
            return yaml_error(item, e, "an item of %s must be a text", key);
        if (!c->ok(s))
            return yaml_error(item, e, "\"%s\" is no good item of %s; %s", s, key, c->rule);
        ret->s[ret->n++] = s;
    }
    return 0;
}

/* A path here, taken from the recipe's folder. */
static int get_here(struct yaml_node *map, const char *key, const char *dir, char **ret, bool *ret_folder,
                    struct err *e)
{
    const char *s = NULL;
    struct stat st;

    if (yaml_str(map, key, false, &s, e) < 0)
        return -1;
    if (!s)
        return 0;
    *ret = *s == '/' ? xstrdup(s) : xasprintf("%s/%s", dir, s);
    if (stat(*ret, &st) < 0)
        return yaml_error(yaml_get(map, key), e, "%s: %s; relative paths begin at the recipe's folder", *ret,
                          strerror(errno));
    if (!S_ISREG(st.st_mode) && !(ret_folder && S_ISDIR(st.st_mode)))
        return yaml_error(yaml_get(map, key), e, "%s is not a file%s", *ret,
                          ret_folder ? " or a folder" : "");
    if (ret_folder)
        *ret_folder = S_ISDIR(st.st_mode);
    return 0;
}

/* --- lists of mappings --- */

static int read_file_entry(struct yaml_node *n, const char *dir, struct recipe_file *f, struct err *e)
{
    if (get_text(n, "path", true, &check_path, &f->path, e) < 0 ||
        yaml_str(n, "content", false, &f->content, e) < 0 ||
        get_here(n, "from", dir, &f->from, &f->from_folder, e) < 0 ||
        get_text(n, "mode", false, &check_mode, &f->mode, e) < 0 ||
        get_text(n, "owner", false, &check_owner, &f->owner, e) < 0)
        return -1;
    if (!f->content == !f->from)
        return yaml_error(n, e, "a file takes its bytes from one place; give either `content` or `from`");
    if (f->mode && f->from_folder)
        return yaml_error(yaml_get(n, "mode"), e,
                          "`mode` is for a file, and %s is a folder; its files keep their modes", f->from);
    return yaml_no_more(n, e);
}

static int read_user(struct yaml_node *n, struct recipe_user *u, struct err *e)
{
    if (get_text(n, "name", true, &check_user, &u->name, e) < 0 ||
        get_texts(n, "ssh_keys", &check_line, &u->ssh_keys, e) < 0 ||
        get_texts(n, "groups", &check_user, &u->groups, e) < 0 ||
        yaml_bool(n, "sudo", false, &u->sudo, e) < 0)
        return -1;
    return yaml_no_more(n, e);
}

static int read_script(struct yaml_node *n, const char *dir, struct recipe_script *s, struct err *e)
{
    if (yaml_str(n, "run", false, &s->run, e) < 0 || get_here(n, "file", dir, &s->file, NULL, e) < 0)
        return -1;
    if (!s->run == !s->file)
        return yaml_error(n, e, "a script is one text; give either `run` or `file`");
    return yaml_no_more(n, e);
}

static int get_maps(struct yaml_node *root, const char *key, struct yaml_node **ret, size_t *ret_n,
                    struct err *e)
{
    *ret = NULL;
    if (yaml_seq(root, key, false, ret, e) < 0)
        return -1;
    *ret_n = *ret ? yaml_len(*ret) : 0;
    for (size_t i = 0; i < *ret_n; i++)
        if (yaml_want(yaml_at(*ret, i), YAML_MAP, key, e) < 0)
            return -1;
    return 0;
}

static int read_lists(struct yaml_node *root, const char *dir, struct recipe *r, struct err *e)
{
    struct yaml_node *seq;
    size_t n;

    if (get_maps(root, "files", &seq, &n, e) < 0)
        return -1;
    r->files = xcalloc(n + 1, sizeof(*r->files));
    for (size_t i = 0; i < n; i++)
        if (read_file_entry(yaml_at(seq, i), dir, &r->files[r->files_n++], e) < 0)
            return -1;
    if (get_maps(root, "users", &seq, &n, e) < 0)
        return -1;
    r->users = xcalloc(n + 1, sizeof(*r->users));
    for (size_t i = 0; i < n; i++)
        if (read_user(yaml_at(seq, i), &r->users[r->users_n++], e) < 0)
            return -1;
    if (get_maps(root, "scripts", &seq, &n, e) < 0)
        return -1;
    r->scripts = xcalloc(n + 1, sizeof(*r->scripts));
    for (size_t i = 0; i < n; i++)
        if (read_script(yaml_at(seq, i), dir, &r->scripts[r->scripts_n++], e) < 0)
            return -1;
    return 0;
}

/* --- the source --- */

static int read_hash(struct yaml_node *n, struct recipe *r, struct err *e)
{
    static const struct {
        const char *name;
        size_t digits;
    } kinds[] = {{"sha256", 64}, {"sha512", 128}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *s = NULL;

        if (yaml_str(n, kinds[i].name, false, &s, e) < 0)
            return -1;
        if (!s)
            continue;
        if (r->hash)
            return yaml_error(yaml_get(n, kinds[i].name), e,
                              "one hash is enough; give either sha256 or sha512");
        if (strlen(s) != kinds[i].digits || !made_of(s, DIGITS "abcdefABCDEF"))
            return yaml_error(yaml_get(n, kinds[i].name), e, "a %s is %zu hex digits", kinds[i].name,
                              kinds[i].digits);
        r->algorithm = kinds[i].name;
        r->hash = s;
    }
    if (!r->hash)
        return yaml_error(n, e, "a disk's bytes must be known beforehand; give its sha256 or sha512");
    return 0;
}

static int read_disk(struct yaml_node *n, const char *dir, struct recipe *r, struct err *e)
{
    const char *s = NULL;

    if (yaml_str(n, "disk", true, &s, e) < 0)
        return -1;
    if (str_starts(s, "http://") || str_starts(s, "https://"))
        r->disk = xstrdup(s);
    else if (strstr(s, "://"))
        return yaml_error(yaml_get(n, "disk"), e, "\"%s\" is neither a path nor an http or https URL", s);
    else if (get_here(n, "disk", dir, &r->disk, NULL, e) < 0)
        return -1;
    if (read_hash(n, r, e) < 0 || yaml_str(n, "format", false, &r->format, e) < 0)
        return -1;
    if (r->format && strcmp(r->format, "raw") && strcmp(r->format, "qcow2"))
        return yaml_error(yaml_get(n, "format"), e, "\"%s\" is no format that we read; use raw or qcow2",
                          r->format);
    return yaml_no_more(n, e);
}

static int read_source(struct yaml_node *root, const char *dir, struct recipe *r, struct err *e)
{
    struct yaml_node *n = NULL;

    if (yaml_map(root, "source", true, &n, e) < 0)
        return -1;
    bool debootstrap = yaml_get(n, "debootstrap"), disk = yaml_get(n, "disk");
    if (debootstrap == disk)
        return yaml_error(n, e,
                          "an image has one source; give either `debootstrap: SUITE` or `disk: PATH-OR-URL`");
    if (disk)
        return read_disk(n, dir, r, e);
    if (get_text(n, "debootstrap", true, &check_word, &r->suite, e) < 0 ||
        get_text(n, "mirror", false, &check_mirror, &r->mirror, e) < 0 ||
        get_texts(n, "components", &check_word, &r->components, e) < 0)
        return -1;
    return yaml_no_more(n, e);
}

static int read_head(struct yaml_node *root, struct recipe *r, struct err *e)
{
    if (yaml_copy(root, "name", true, r->name, sizeof(r->name), e) < 0)
        return -1;
    if (!manifest_text_ok(r->name))
        return yaml_error(yaml_get(root, "name"), e,
                          "\"%s\" cannot be an image's name; use letters, digits and . _ + -", r->name);
    if (yaml_size(root, "size", !r->disk, &r->size, e) < 0)
        return -1;
    if (yaml_get(root, "size") && (r->size < SIZE_MIN || r->size > MANIFEST_DISK_MAX || r->size % (1 << 20)))
        return yaml_error(yaml_get(root, "size"), e, "an image has 1 GiB to %llu GiB, in whole MiB",
                          MANIFEST_DISK_MAX >> 30);
    if (r->disk && yaml_get(root, "kernel"))
        return yaml_error(yaml_get(root, "kernel"), e,
                          "a disk brings its kernel; leave `kernel` out, or put the package into `packages`");
    r->kernel = "linux-image-amd64";
    return get_text(root, "kernel", false, &check_package, &r->kernel, e);
}

static int read_all(struct yaml_node *root, const char *dir, struct recipe *r, struct err *e)
{
    if (yaml_want(root, YAML_MAP, "a recipe", e) < 0 || read_source(root, dir, r, e) < 0 ||
        read_head(root, r, e) < 0)
        return -1;
    if (get_texts(root, "packages", &check_package, &r->packages, e) < 0 ||
        get_texts(root, "kernel_args", &check_kernel_arg, &r->kernel_args, e) < 0)
        return -1;
    if (read_lists(root, dir, r, e) < 0)
        return -1;
    return yaml_no_more(root, e);
}

int recipe_load(const char *path, struct recipe **ret, struct err *e)
{
    struct recipe *r = xcalloc(1, sizeof(*r));
    char *copy = xstrdup(path), *dir = realpath(dirname(copy), NULL);
    int rc = yaml_load_file(path, &r->yaml, e);

    if (rc == 0)
        rc = read_all(yaml_root(r->yaml), dir ? dir : ".", r, e);
    free(dir);
    free(copy);
    if (rc < 0) {
        recipe_free(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void recipe_free(struct recipe *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->files_n; i++)
        free(r->files[i].from);
    for (size_t i = 0; i < r->users_n; i++) {
        free(r->users[i].ssh_keys.s);
        free(r->users[i].groups.s);
    }
    for (size_t i = 0; i < r->scripts_n; i++)
        free(r->scripts[i].file);
    free(r->components.s);
    free(r->packages.s);
    free(r->kernel_args.s);
    free(r->files);
    free(r->users);
    free(r->scripts);
    free(r->disk);
    yaml_free(r->yaml);
    free(r);
}

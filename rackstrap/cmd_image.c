/* image build|frame|list|show, netboot build */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "imagebuilder/imagebuilder.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

/* The agent lies beside the program in a build, and in ../lib/rackstrap when it is installed. */
static int find_agent(const struct args *a, char ret[PATH_MAX], struct err *e)
{
    static const char *const places[] = {"/rackstrap-agent", "/../lib/rackstrap/rackstrap-agent"};
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (a->agent && file_exists(a->agent)) {
        str_copy(ret, PATH_MAX, a->agent);
        return 0;
    }
    if (a->agent || n < 0)
        return err_set(e, ERR_NOT_FOUND, "there is no agent at %s", a->agent ? a->agent : "?");
    exe[n] = '\0';
    char *folder = dirname(exe);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = xasprintf("%s%s", folder, places[i]);
        bool there = file_exists(path);
        if (there)
            str_copy(ret, PATH_MAX, path);
        free(path);
        if (there)
            return 0;
    }
    return err_set(e, ERR_NOT_FOUND,
                   "the agent (rackstrap-agent) is not beside this program in %s; name it with --agent FILE",
                   folder);
}

struct steps {
    bool terminal;
    char step[128];
    int64_t at_ms;
};

/* A bar on a terminal, a line a step elsewhere. */
static void show_step(const char *step, uint64_t done, uint64_t total, void *ctx)
{
    struct steps *s = ctx;
    bool same = strcmp(step, s->step) == 0;
    if (!same) {
        if (s->terminal && s->step[0])
            putchar('\n');
        if (s->step[0] && !s->terminal)
            printf("%6.1f s  %s\n", (double)(now_ms() - s->at_ms) / 1000, s->step);
        str_copy(s->step, sizeof s->step, step);
        s->at_ms = now_ms();
    }
    if (s->terminal && total)
        printf("\r\033[K%s: %u %%", step, (unsigned)(done * 100 / total));
    else if (s->terminal && !same)
        printf("%s", step);
    fflush(stdout);
}

static void end_steps(struct steps *s)
{
    show_step("", 0, 0, s);
    fflush(stdout);
}

static const struct column release_columns[] = {
    {"image", "IMAGE", COLUMN_TEXT},    {"version", "VERSION", COLUMN_TEXT},
    {"disk_size", "DISK", COLUMN_SIZE}, {"data_size", "DATA", COLUMN_SIZE},
    {"pack_size", "PACK", COLUMN_SIZE}, {"created", "CREATED", COLUMN_TIME},
    {"digest", "DIGEST", COLUMN_TEXT}};

static json_t *release_json(const struct release *r)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "image", r->image, "version", r->version,
                     "digest", r->digest, "disk_size", (json_int_t)r->disk_size, "data_size",
                     (json_int_t)r->data_size, "pack_size", (json_int_t)r->pack_size, "created",
                     out_time(r->created_ms));
}

static int add_release(const struct release *r, void *ctx)
{
    json_array_append_new(ctx, release_json(r));
    return 0;
}

int cmd_image_list(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    json_t *rows = json_array();
    if (open_store(c, &s, e)) {
        json_decref(rows);
        return -1;
    }
    int rc = release_each(s, a->words_n ? a->words[0] : NULL, add_release, rows, e);
    if (!rc)
        out_rows(json_incref(rows), release_columns, sizeof release_columns / sizeof *release_columns,
                 a->json,
                 a->words_n ? "no release of this image; `rackstrap image list` shows those of all"
                            : "no release yet; `rackstrap image build RECIPE` makes one");
    json_decref(rows);
    store_close(s);
    return rc;
}

int cmd_image_show(const struct args *a, const struct config *c, struct err *e)
{
    struct store *s;
    struct release r;
    if (open_store(c, &s, e))
        return -1;
    int rc = release_find(s, a->words[0], &r, e);
    if (!rc) {
        json_t *o = release_json(&r);
        json_object_set_new(o, "folder", json_sprintf("%s/images/%s", c->state_dir, r.digest));
        out_object(o, a->json);
    }
    store_close(s);
    return rc;
}

typedef int release_maker(struct store *s, const struct args *a, const struct build_options *o,
                          struct release *ret, struct err *e);

static int make_release(const struct args *a, const struct config *c, bool with_agent, release_maker *make,
                        struct err *e)
{
    char agent[PATH_MAX], size[16];
    struct steps steps = {.terminal = isatty(STDOUT_FILENO)};
    struct build_options o = {.state_dir = c->state_dir,
                              .agent_path = with_agent ? agent : NULL,
                              .actor = actor_name(),
                              .keep_raw = a->keep_raw,
                              .progress = show_step,
                              .ctx = &steps};
    struct store *s;
    struct release r;
    if ((with_agent && find_agent(a, agent, e)) || open_store(c, &s, e))
        return -1;
    int rc = make(s, a, &o, &r, e);
    end_steps(&steps);
    if (!rc)
        printf("%s@%s, release %.12s, %s to carry\n", r.image, r.version, r.digest,
               size_format(r.pack_size, size));
    store_close(s);
    return rc;
}

static int by_recipe(struct store *s, const struct args *a, const struct build_options *o,
                     struct release *ret, struct err *e)
{
    return image_build(s, a->words[0], o, ret, e);
}

static int by_frame(struct store *s, const struct args *a, const struct build_options *o, struct release *ret,
                    struct err *e)
{
    return image_frame(s, a->words[0], a->words[1], o, ret, e);
}

int cmd_image_build(const struct args *a, const struct config *c, struct err *e)
{
    return make_release(a, c, true, by_recipe, e);
}

int cmd_image_frame(const struct args *a, const struct config *c, struct err *e)
{
    return make_release(a, c, false, by_frame, e);
}

int cmd_netboot_build(const struct args *a, const struct config *c, struct err *e)
{
    char agent[PATH_MAX];
    struct steps steps = {.terminal = isatty(STDOUT_FILENO)};
    struct build_options o = {.state_dir = c->state_dir,
                              .agent_path = agent,
                              .actor = actor_name(),
                              .progress = show_step,
                              .ctx = &steps};
    if (find_agent(a, agent, e))
        return -1;
    int rc = netboot_build(a->kernel, &o, e);
    end_steps(&steps);
    if (!rc)
        printf("the installer is in %s/netboot, the loaders are in %s/tftp\n", c->state_dir, c->state_dir);
    return rc;
}

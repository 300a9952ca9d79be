#include "imagebuilder/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

static void say(const struct build *b, const char *step)
{
    if (b->o->progress)
        b->o->progress(step, 0, 0, b->o->ctx);
}

static int make_log(struct build *b, struct err *e)
{
    char when[32], *dir = xasprintf("%s/log", b->o->state_dir);
    time_t now = (time_t)(now_ms() / 1000);
    struct tm tm;
    int rc = dir_make(dir, 0750, e);

    gmtime_r(&now, &tm);
    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
    b->log = xasprintf("%s/build-%s-%s.log", dir, b->recipe->name, when);
    free(dir);
    return rc;
}

/* 0755, because mmdebstrap reads it as apt's own user. */
static int make_dirs(struct build *b, struct err *e)
{
    char *parent = xasprintf("%s/building", b->o->state_dir);
    int rc = dir_make(parent, 0755, e);

    b->dir = xasprintf("%s/XXXXXX", parent);
    free(parent);
    if (rc == 0 && (!mkdtemp(b->dir) || chmod(b->dir, 0755) < 0)) {
        rc = err_errno(e, "%s", b->dir);
        free(b->dir);
        b->dir = NULL;
    }
    if (rc < 0)
        return -1;
    b->raw = xasprintf("%s/disk.raw", b->dir);
    b->payload = xasprintf("%s/payload", b->dir);
    return dir_make(b->payload, 0755, e);
}

static int run_steps(struct build *b, const struct build_step *steps, struct err *e)
{
    for (; steps->what; steps++) {
        say(b, steps->what);
        if (steps->run(b, e) < 0)
            return -1;
    }
    return 0;
}

static int check_host(const struct build *b, struct err *e)
{
    if (!b->o->agent_path || !file_exists(b->o->agent_path))
        return err_set(e, ERR_NOT_FOUND, "the agent %s does not exist; build it with make",
                       b->o->agent_path ? b->o->agent_path : "");
    if (!b->recipe->disk && geteuid() != 0)
        return err_set(e, ERR_REFUSED,
                       "a system is made from Debian's packages as root only; run this as root");
    return 0;
}

static void finish(struct build *b)
{
    if (b->dir)
        dir_remove(b->dir, NULL);
    free(b->dir);
    free(b->raw);
    free(b->payload);
    free(b->log);
}

int image_build(struct store *s, const char *recipe_path, const struct build_options *o, struct release *ret,
                struct err *e)
{
    struct recipe *recipe = NULL;

    if (recipe_load(recipe_path, &recipe, e) < 0)
        return -1;
    struct build b = {.o = o, .recipe = recipe};
    int rc = check_host(&b, e) < 0 || make_log(&b, e) < 0 || make_dirs(&b, e) < 0 ? -1 : 0;
    if (rc == 0) {
        rc = run_steps(&b, recipe->disk ? build_disk_steps : build_system_steps, e);
        if (rc == 0 && o->keep_raw)
            rc = file_copy(b.raw, o->keep_raw, 0600, e);
        if (rc == 0) {
            say(&b, "frames");
            rc = image_frame(s, recipe->name, b.raw, o, ret, e);
        }
        if (rc < 0 && o->keep_raw)
            unlink(o->keep_raw);
        if (rc < 0 && e)
            err_prefix(e, "the build of %s failed (its log is %s)", recipe->name, b.log);
    }
    finish(&b);
    recipe_free(recipe);
    return rc;
}

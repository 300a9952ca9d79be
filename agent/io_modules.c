#include "agent/io_modules.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/modules.h"
#include "agent/say.h"
#include "agent/sysfs.h"
#include "base/file.h"
#include "base/str.h"

#define INDEX_MAX (16u << 20)

struct modules {
    char dir[256];
    struct str alias, dep;
    char **tried; /* paths and modaliases that were handled */
    size_t n_tried;
    unsigned loaded;
};

int modules_new(struct modules **ret, struct err *e)
{
    struct utsname name;
    char path[320];
    struct modules *m = xcalloc(1, sizeof *m);
    uname(&name);
    snprintf(m->dir, sizeof m->dir, "/lib/modules/%s", name.release);
    snprintf(path, sizeof path, "%s/modules.alias", m->dir);
    int status = file_read(path, INDEX_MAX, &m->alias, e);
    snprintf(path, sizeof path, "%s/modules.dep", m->dir);
    if (status == 0)
        status = file_read(path, INDEX_MAX, &m->dep, e);
    if (status) {
        modules_free(m);
        return -1;
    }
    *ret = m;
    return 0;
}

void modules_free(struct modules *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_tried; i++)
        free(m->tried[i]);
    free(m->tried);
    str_free(&m->alias);
    str_free(&m->dep);
    free(m);
}

/* True the first time. */
static bool is_new(struct modules *m, const char *what)
{
    for (size_t i = 0; i < m->n_tried; i++)
        if (!strcmp(m->tried[i], what))
            return false;
    m->tried = xrealloc(m->tried, m->n_tried + 1, sizeof *m->tried);
    m->tried[m->n_tried++] = xstrdup(what);
    return true;
}

static void load_file(void *ctx, const char *file)
{
    struct modules *m = ctx;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", m->dir, file);
    if (!is_new(m, path))
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* an index may name more than the installer carries */
    if (syscall(SYS_finit_module, fd, "", 0) == 0)
        m->loaded++;
    else if (errno != EEXIST && errno != ENODEV)
        say("module %s: %s", file, strerror(errno));
    close(fd);
}

static void load_name(void *ctx, const char *name)
{
    struct modules *m = ctx;
    modules_order(m->dep.s, name, load_file, m);
}

void modules_load(struct modules *m, const char *name)
{
    if (!m->alias.s || !m->dep.s)
        return;
    if (!modules_order(m->dep.s, name, load_file, m))
        modules_for(m->alias.s, name, load_name, m);
}

unsigned modules_load_all(struct modules *m)
{
    glob_t found;
    char modalias[2048];
    unsigned before = m->loaded;
    if (!m->alias.s || !m->dep.s || glob("/sys/bus/*/devices/*/modalias", 0, NULL, &found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (sysfs_text(modalias, sizeof modalias, "%s", found.gl_pathv[i]) == 0 && *modalias &&
            is_new(m, modalias))
            modules_for(m->alias.s, modalias, load_name, m);
    globfree(&found);
    return m->loaded - before;
}

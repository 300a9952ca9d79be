#include "imagebuilder/drivers.h"

#include <stdlib.h>
#include <string.h>

/* A line of a text: [*at, its newline). Moves *at behind it; false at the end. */
static bool next_line(const char **at, struct span *ret)
{
    const char *p = *at;

    if (!p || !*p)
        return false;
    const char *end = strchrnul(p, '\n');
    *ret = span_of(p, (size_t)(end - p));
    *at = *end ? end + 1 : end;
    return true;
}

/* "kernel/drivers/net/8021q.ko" -> its name, '-' as '_', in buf. Everything after the first dot of the last
 * part is dropped. */
static void name_of(struct span path, char *buf, size_t size)
{
    const char *p = (const char *)path.p, *end = p + path.n;
    const char *slash = memrchr(p, '/', path.n);
    size_t n = 0;

    for (p = slash ? slash + 1 : p; p < end && *p != '.' && n + 1 < size; p++)
        buf[n++] = *p == '-' ? '_' : *p;
    buf[n] = '\0';
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool drivers_has(const struct driver_set *set, const char *path)
{
    return set->n && bsearch(&path, set->path, set->n, sizeof(*set->path), by_text);
}

/* Adds the words of a line of modules.dep: the module (its colon cut off) and what it needs. */
static void add_line(struct span line, struct driver_set *set)
{
    const char *p = (const char *)line.p, *end = p + line.n;

    while (p < end) {
        const char *word = p;

        while (p < end && *p != ' ' && *p != ':')
            p++;
        if (p > word) {
            set->path = xrealloc(set->path, set->n + 1, sizeof(*set->path));
            set->path[set->n++] = strndup(word, (size_t)(p - word));
        }
        while (p < end && (*p == ' ' || *p == ':'))
            p++;
    }
}

static void sort_unique(struct driver_set *set)
{
    size_t n = 0;

    if (set->n)
        qsort(set->path, set->n, sizeof(*set->path), by_text);
    for (size_t i = 0; i < set->n; i++) {
        if (n > 0 && strcmp(set->path[n - 1], set->path[i]) == 0)
            free(set->path[i]);
        else
            set->path[n++] = set->path[i];
    }
    set->n = n;
}

/* The module's path, which is what stands before the colon. */
static struct span path_of(struct span line)
{
    const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;

    return span_of(line.p, colon ? (size_t)(colon - line.p) : 0);
}

static bool pick_one(const char *dep, const char *name, struct driver_set *set)
{
    struct span line;
    char want[128], have[128];

    name_of(span_str(name), want, sizeof(want));
    while (next_line(&dep, &line)) {
        name_of(path_of(line), have, sizeof(have));
        if (strcmp(want, have) == 0) {
            add_line(line, set);
            return true;
        }
    }
    return false;
}

void drivers_pick(const char *dep, const char *const names[], struct driver_set *ret, struct str *ret_missing)
{
    *ret = (struct driver_set){0};
    for (size_t i = 0; names[i]; i++)
        if (!pick_one(dep, names[i], ret) && ret_missing)
            str_addf(ret_missing, "%s%s", ret_missing->len ? " " : "", names[i]);
    sort_unique(ret);
}

void drivers_free(struct driver_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        free(set->path[i]);
    free(set->path);
    *set = (struct driver_set){0};
}

static void add_whole_line(struct str *b, struct span line)
{
    str_addn(b, line.p, line.n);
    str_add(b, "\n");
}

void drivers_dep(const char *dep, const struct driver_set *set, struct str *ret)
{
    struct span line;

    str_add(ret, "");
    while (next_line(&dep, &line)) {
        struct span path = path_of(line);
        char *s = strndup((const char *)path.p, path.n);

        if (drivers_has(set, s))
            add_whole_line(ret, line);
        free(s);
    }
}

void drivers_alias(const char *alias, const struct driver_set *set, struct str *ret)
{
    char **names = xcalloc(set->n ? set->n : 1, sizeof(*names));
    struct driver_set by_name = {.path = names, .n = set->n};
    char buf[128];
    struct span line;

    for (size_t i = 0; i < set->n; i++) {
        name_of(span_str(set->path[i]), buf, sizeof(buf));
        names[i] = xstrdup(buf);
    }
    sort_unique(&by_name);
    str_add(ret, "");
    while (next_line(&alias, &line)) {
        const char *space = line.n ? memrchr(line.p, ' ', line.n) : NULL;

        if (!space || *line.p == '#')
            continue;
        name_of(span_of(space + 1, (size_t)((const char *)line.p + line.n - space - 1)), buf, sizeof(buf));
        if (drivers_has(&by_name, buf))
            add_whole_line(ret, line);
    }
    drivers_free(&by_name);
}

void driver_firmware(struct span module, void (*fn)(const char *name, void *ctx), void *ctx)
{
    static const char key[] = "\0firmware=";
    const uint8_t *p = module.p, *end = module.p + module.n;

    /* Descriptions are NUL-terminated "key=value" texts, one after another, in the section .modinfo. */
    while ((p = memmem(p, (size_t)(end - p), key, sizeof(key) - 1))) {
        p += sizeof(key) - 1;
        size_t n = strnlen((const char *)p, (size_t)(end - p));

        if (n == (size_t)(end - p))
            return;
        if (n > 0 && p[0] != '/' && !memmem(p, n, "..", 2))
            fn((const char *)p, ctx);
    }
}

#include "agent/modules.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define LINE_MAX_BYTES 4096

bool module_name_eq(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];
        if (x != y)
            return false;
        if (!x)
            return true;
    }
    return true;
}

bool modalias_match(const char *pattern, const char *modalias)
{
    /* Most patterns differ before their first wildcard: that is much cheaper than fnmatch. */
    size_t plain = strcspn(pattern, "*?[\\");
    return strncmp(pattern, modalias, plain) == 0 && fnmatch(pattern + plain, modalias + plain, 0) == 0;
}

/* Copies the line at p without its end; returns where the next begins, NULL at the end. Lines too long for
 * the buffer are cut. */
static const char *next_line(const char *p, char line[LINE_MAX_BYTES])
{
    if (!*p)
        return NULL;
    size_t n = strcspn(p, "\n");
    snprintf(line, LINE_MAX_BYTES, "%.*s", (int)n, p);
    return p + n + (p[n] == '\n');
}

void modules_for(const char *alias_text, const char *modalias, module_fn *fn, void *ctx)
{
    char line[LINE_MAX_BYTES];
    for (const char *p = alias_text; (p = next_line(p, line));) {
        char *rest = NULL;
        const char *word = strtok_r(line, " \t", &rest);
        const char *pattern = strtok_r(NULL, " \t", &rest), *name = strtok_r(NULL, " \t", &rest);
        if (word && !strcmp(word, "alias") && name && modalias_match(pattern, modalias))
            fn(ctx, name);
    }
}

static bool is_file_of(const char *path, size_t path_len, const char *name)
{
    const char *file = path;
    for (const char *p = path; p < path + path_len; p++)
        if (*p == '/')
            file = p + 1;
    size_t n = strlen(name), len = (size_t)(path + path_len - file);
    return len == n + 3 && !strncmp(file + n, ".ko", 3) && module_name_eq(file, name, n);
}

/* modules.dep lists what a module needs with the deepest need last. */
static void in_order(char *line, size_t path_len, module_fn *fn, void *ctx)
{
    char *needs[128], *rest = NULL;
    size_t n = 0;
    line[path_len] = 0;
    for (char *w = strtok_r(line + path_len + 1, " \t", &rest); w && n < 128;
         w = strtok_r(NULL, " \t", &rest))
        needs[n++] = w;
    while (n > 0)
        fn(ctx, needs[--n]);
    fn(ctx, line);
}

bool modules_order(const char *dep_text, const char *name, module_fn *fn, void *ctx)
{
    char line[LINE_MAX_BYTES];
    for (const char *p = dep_text; (p = next_line(p, line));) {
        size_t n = strcspn(line, ":");
        if (line[n] && is_file_of(line, n, name)) {
            in_order(line, n, fn, ctx);
            return true;
        }
    }
    return false;
}

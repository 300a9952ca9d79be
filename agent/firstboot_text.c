#include <string.h>

#include "agent/firstboot.h"

/* The line at p with its length; where the next begins, NULL at the end. */
static const char *next_line(const char *p, const char **line, size_t *n)
{
    if (!*p)
        return NULL;
    *line = p;
    *n = strcspn(p, "\n");
    return p + *n + (p[*n] == '\n');
}

void hosts_edit(const char *text, const char *hostname, const char *fqdn, struct str *ret)
{
    const char *line;
    size_t n;
    str_add(ret, "");
    while ((text = next_line(text, &line, &n))) {
        size_t word = strcspn(line, " \t\n#");
        if (word == strlen("127.0.1.1") && str_starts(line, "127.0.1.1"))
            continue;
        str_addn(ret, line, n);
        str_add(ret, "\n");
    }
    if (strcmp(hostname, fqdn) != 0)
        str_addf(ret, "127.0.1.1\t%s %s\n", fqdn, hostname);
    else
        str_addf(ret, "127.0.1.1\t%s\n", hostname);
}

static int has_line(const char *text, const char *want)
{
    const char *line;
    size_t n;
    while ((text = next_line(text, &line, &n)))
        if (n == strlen(want) && !strncmp(line, want, n))
            return 1;
    return 0;
}

void keys_edit(const char *text, char *const keys[], size_t n, struct str *ret)
{
    str_add(ret, text);
    if (ret->len && ret->s[ret->len - 1] != '\n')
        str_add(ret, "\n");
    for (size_t i = 0; i < n; i++)
        if (!has_line(ret->s, keys[i]))
            str_addf(ret, "%s\n", keys[i]);
}

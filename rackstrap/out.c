#include "rackstrap/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/store.h"

json_t *out_time(int64_t ms)
{
    char buf[TIME_STR];
    return ms ? json_string(time_format(ms, buf)) : json_null();
}

json_t *out_string(const char *s)
{
    json_t *v = json_string(s);
    if (v)
        return v;
    char *copy = xstrdup(s);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    v = json_string(copy);
    free(copy);
    return v;
}

json_t *out_text(const char *s)
{
    return *s ? out_string(s) : json_null();
}

/* What came from a machine must not drive the terminal that shows it: neither by C0 nor by C1, which UTF-8
 * has as c2 80 to c2 9f. */
static char *printable(char *s)
{
    for (unsigned char *p = (unsigned char *)s; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            *p = '?';
        if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
            p[0] = p[1] = '?';
    }
    return s;
}

char *out_line(const char *s)
{
    return printable(xstrdup(s));
}

static enum column_kind kind_of(const char *key)
{
    return str_ends(key, "_size") || str_starts(key, "bytes_") ? COLUMN_SIZE : COLUMN_TEXT;
}

static char *pairs(const json_t *object);

static char *cell(const json_t *v, enum column_kind kind)
{
    char size[16], when[20];
    if (!v || json_is_null(v))
        return xstrdup("-");
    if (json_is_integer(v) && kind == COLUMN_SIZE)
        return xstrdup(size_format((unsigned long long)json_integer_value(v), size));
    if (json_is_integer(v))
        return xasprintf("%lld", (long long)json_integer_value(v));
    if (json_is_boolean(v))
        return xstrdup(json_is_true(v) ? "yes" : "no");
    if (json_is_string(v) && kind == COLUMN_TIME) {
        str_copy(when, sizeof when, json_string_value(v));
        when[10] = ' ';
        return xstrdup(when);
    }
    if (json_is_string(v))
        return printable(xstrdup(json_string_value(v)));
    return json_is_object(v) ? pairs(v) : xstrdup("?");
}

char *out_value(const json_t *v)
{
    return cell(v, COLUMN_TEXT);
}

/* An object inside another, on one line: "name eno1, mac 52:54:00:00:00:01, primary yes". What is null is
 * left out. */
static char *pairs(const json_t *object)
{
    struct str s = {0};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)object, key, v)
    {
        if (json_is_null(v))
            continue;
        char *text = cell(v, kind_of(key));
        str_addf(&s, "%s%s %s", s.len ? ", " : "", key, text);
        free(text);
    }
    return str_take(&s);
}

static void print_json(json_t *v)
{
    json_dumpf(v, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

void out_rows(json_t *rows, const struct column *columns, size_t n, bool json, const char *empty)
{
    size_t count = json_array_size(rows);
    if (json || !count) {
        if (json)
            print_json(rows);
        else
            fprintf(stderr, "%s\n", empty);
        json_decref(rows);
        return;
    }
    char **cells = xcalloc((count + 1) * n, sizeof *cells); /* those of the heading first */
    size_t *width = xcalloc(n, sizeof *width);
    for (size_t c = 0; c < n; c++)
        for (size_t r = 0; r <= count; r++) {
            const json_t *row = r ? json_array_get(rows, r - 1) : NULL;
            char *text =
                row ? cell(json_object_get(row, columns[c].key), columns[c].kind)
                    : xasprintf(columns[c].kind == COLUMN_TIME ? "%s (UTC)" : "%s", columns[c].title);
            cells[r * n + c] = text;
            width[c] = strlen(text) > width[c] ? strlen(text) : width[c];
        }
    for (size_t r = 0; r <= count; r++)
        for (size_t c = 0; c < n; c++)
            printf("%-*s%s", c + 1 < n ? (int)width[c] : 0, cells[r * n + c], c + 1 < n ? "  " : "\n");
    for (size_t i = 0; i < (count + 1) * n; i++)
        free(cells[i]);
    free(cells);
    free(width);
    json_decref(rows);
}

void out_object(json_t *object, bool json)
{
    const char *key;
    json_t *v, *item;
    size_t i;
    if (json) {
        print_json(object);
        json_decref(object);
        return;
    }
    json_object_foreach(object, key, v)
    {
        if (json_is_array(v)) {
            printf("%s:\n", key);
            json_array_foreach(v, i, item)
            {
                char *text = cell(item, COLUMN_TEXT);
                printf("  - %s\n", text);
                free(text);
            }
            continue;
        }
        char *text = cell(v, kind_of(key));
        printf("%s: %s\n", key, text);
        free(text);
    }
    json_decref(object);
}

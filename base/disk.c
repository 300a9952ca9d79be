#include "base/disk.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const struct {
    enum disk_by by;
    const char *prefix;
} kinds[] = {
    {DISK_SERIAL, "serial="},  {DISK_WWN, "wwn="},   {DISK_BY_PATH, "by-path="},
    {DISK_SIZE_MIN, "size>="}, {DISK_SIZE, "size="},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool has_size(enum disk_by by)
{
    return by == DISK_SIZE || by == DISK_SIZE_MIN;
}

int disk_selector_parse(const char *s, struct disk_selector *ret, struct err *e)
{
    struct disk_selector sel = {.by = DISK_ONLY};
    if (!s || !*s || strcmp(s, "only") == 0) {
        *ret = sel;
        return 0;
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (!str_starts(s, kinds[i].prefix))
            continue;
        const char *value = s + strlen(kinds[i].prefix);
        unsigned long long size = 0;
        if (!*value || !str_copy(sel.text, sizeof sel.text, value))
            return err_set(e, ERR_INPUT, "the disk selector \"%.80s\" has an empty or too long value", s);
        if (has_size(kinds[i].by) && (size_parse(value, &size) || size == 0))
            return err_set(e, ERR_INPUT, "the disk selector \"%.80s\" needs a size like 480G", s);
        sel.by = kinds[i].by;
        sel.size = size;
        *ret = sel;
        return 0;
    }
    return err_set(e, ERR_INPUT,
                   "\"%.80s\" is not a disk selector; use only, serial=TEXT, wwn=TEXT, by-path=TEXT, "
                   "size=SIZE or size>=SIZE",
                   s);
}

char *disk_selector_format(const struct disk_selector *sel, char buf[DISK_SELECTOR_MAX])
{
    str_copy(buf, DISK_SELECTOR_MAX, "only");
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].by == sel->by)
            snprintf(buf, DISK_SELECTOR_MAX, "%s%s", kinds[i].prefix, sel->text);
    return buf;
}

static bool matches(const struct disk_selector *sel, const struct disk *d)
{
    switch (sel->by) {
    case DISK_ONLY:
        return true;
    case DISK_SERIAL:
        return strcmp(sel->text, d->serial) == 0;
    case DISK_WWN:
        return strcmp(sel->text, d->wwn) == 0;
    case DISK_BY_PATH:
        return strcmp(sel->text, d->by_path) == 0;
    case DISK_SIZE:
        return d->size == sel->size;
    case DISK_SIZE_MIN:
        return d->size >= sel->size;
    }
    return false;
}

static void list_disks(const struct disk *disks, size_t n, struct str *ret)
{
    for (size_t i = 0; i < n; i++) {
        char size[16];
        str_addf(ret, "%s%s (%s, serial=%s)", i ? ", " : "", disks[i].name, size_format(disks[i].size, size),
                 disks[i].serial[0] ? disks[i].serial : "none");
    }
    if (!n)
        str_add(ret, "none");
}

int disk_select(const struct disk_selector *sel, const struct disk *disks, size_t n, size_t *ret_i,
                struct err *e)
{
    size_t found = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        if (matches(sel, &disks[i])) {
            at = i;
            found++;
        }
    if (found == 1) {
        *ret_i = at;
        return 0;
    }
    char text[DISK_SELECTOR_MAX];
    struct str there = {0};
    list_disks(disks, n, &there);
    if (found)
        err_set(
            e, ERR_CONFLICT,
            "%zu disks match the selector \"%s\"; give the device a selector that matches one. Disks: %.300s",
            found, disk_selector_format(sel, text), there.s);
    else
        err_set(e, ERR_NOT_FOUND, "no disk matches the selector \"%s\". Disks: %.300s",
                disk_selector_format(sel, text), there.s);
    str_free(&there);
    return -1;
}

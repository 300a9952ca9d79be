#include "imagebuilder/freemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/manifest.h"
#include "base/proc.h"
#include "base/str.h"

#define EXT4_MAGIC_AT 1080 /* 0xef53, in the superblock at byte 1024 */

void ranges_add(struct ranges *rs, uint64_t start, uint64_t end)
{
    if (start >= end)
        return;
    if (rs->n == rs->cap) {
        rs->cap = rs->cap ? rs->cap * 2 : 64;
        rs->r = xrealloc(rs->r, rs->cap, sizeof(*rs->r));
    }
    rs->r[rs->n++] = (struct range){start, end};
}

void ranges_free(struct ranges *rs)
{
    free(rs->r);
    *rs = (struct ranges){0};
}

static int by_start(const void *a, const void *b)
{
    const struct range *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

void free_gaps(const struct gpt *g, struct ranges *ret)
{
    struct ranges used = {0};
    uint64_t at = g->usable_start;

    for (size_t i = 0; i < g->n; i++)
        ranges_add(&used, g->p[i].start, g->p[i].end);
    if (used.n)
        qsort(used.r, used.n, sizeof(*used.r), by_start);
    for (size_t i = 0; i < used.n; i++) {
        ranges_add(ret, at, used.r[i].start);
        if (used.r[i].end > at)
            at = used.r[i].end;
    }
    ranges_add(ret, at, g->usable_end);
    ranges_free(&used);
}

/* The rest of the header line that begins with `key`, or NULL. Lent; ends at the end of the line. */
static const char *header_value(const char *text, const char *key)
{
    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (str_starts(line, key))
            return line + strlen(key);
    }
    return NULL;
}

static bool line_has(const char *line, const char *word)
{
    const char *end = strchrnul(line, '\n'), *hit = strstr(line, word);

    return hit && hit < end;
}

/* "  Free blocks: 18-511, 4098, 9000-9215": block numbers, both ends included. False when it reads otherwise.
 */
static bool add_list(const char *p, uint64_t block, uint64_t start, uint64_t end, struct ranges *ret)
{
    while (*p == ' ')
        p++;
    while (*p && *p != '\n') {
        char *after;
        uint64_t a = strtoull(p, &after, 10), b = a;

        if (after == p)
            return false;
        if (*after == '-') {
            p = after + 1;
            b = strtoull(p, &after, 10);
            if (after == p)
                return false;
        }
        if (b < a || b >= (end - start) / block)
            return false;
        ranges_add(ret, start + a * block, start + (b + 1) * block);
        p = after + strspn(after, ", ");
    }
    return true;
}

bool free_blocks(const char *dumpe2fs, uint64_t start, uint64_t end, struct ranges *ret)
{
    static const char group_line[] = "\n  Free blocks:";
    const char *features = header_value(dumpe2fs, "Filesystem features:");
    const char *state = header_value(dumpe2fs, "Filesystem state:");
    const char *block_size = header_value(dumpe2fs, "Block size:");
    uint64_t block = block_size ? strtoull(block_size, NULL, 10) : 0;
    size_t before = ret->n;

    if (!features || line_has(features, "needs_recovery") || line_has(features, "bigalloc"))
        return false;
    if (!state || !line_has(state, "clean") || line_has(state, "not clean") || line_has(state, "errors"))
        return false;
    if (block < 1024 || block > FRAME_SIZE || end < start)
        return false;
    for (const char *p = dumpe2fs; (p = strstr(p, group_line)); p++) {
        if (!add_list(p + strlen(group_line), block, start, end, ret)) {
            ret->n = before;
            return false;
        }
    }
    return true;
}

uint8_t *free_frames(struct ranges *rs, uint64_t disk_size)
{
    size_t n = (disk_size + FRAME_SIZE - 1) / FRAME_SIZE;
    uint8_t *map = xcalloc(n ? n : 1, 1);

    if (rs->n)
        qsort(rs->r, rs->n, sizeof(*rs->r), by_start);
    for (size_t i = 0, j; i < rs->n; i = j) {
        uint64_t start = rs->r[i].start, end = rs->r[i].end;

        for (j = i + 1; j < rs->n && rs->r[j].start <= end; j++)
            if (rs->r[j].end > end)
                end = rs->r[j].end;
        /* A short last frame is covered when the range reaches the end of the disk. */
        size_t first = (start + FRAME_SIZE - 1) / FRAME_SIZE;
        size_t last = end >= disk_size ? n : end / FRAME_SIZE;
        for (size_t k = first; k < last; k++)
            map[k] = 1;
    }
    return map;
}

static bool is_ext4(int fd, uint64_t start)
{
    uint8_t magic[2];

    return pread_all(fd, magic, 2, (off_t)(start + EXT4_MAGIC_AT)) == 2 && magic[0] == 0x53 &&
           magic[1] == 0xef;
}

/* A file system that dumpe2fs cannot read keeps all of its blocks: that is safe, and no error. */
static void add_file_system(const char *path, const struct partition *p, struct ranges *ret)
{
    struct str text = {0};
    char *where = xasprintf("%s?offset=%llu", path, (unsigned long long)p->start);
    const char *const argv[] = {"env",      "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                "dumpe2fs", where,      NULL};

    if (proc_run(argv, NULL, &text, NULL) == 0 && text.s)
        free_blocks(text.s, p->start, p->end, ret);
    str_free(&text);
    free(where);
}

int freemap_of_file(const char *path, uint64_t disk_size, struct gpt *ret_gpt, bool *ret_has_gpt,
                    uint8_t **ret_map, struct err *e)
{
    uint8_t head[GPT_HEAD_BYTES];
    struct ranges rs = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_errno(e, "%s", path);
    ssize_t n = pread_all(fd, head, sizeof(head), 0);
    if (n < 0) {
        close(fd);
        return err_errno(e, "%s cannot be read", path);
    }
    *ret_has_gpt = gpt_read(span_of(head, (size_t)n), disk_size, ret_gpt);
    if (*ret_has_gpt) {
        free_gaps(ret_gpt, &rs);
        for (size_t i = 0; i < ret_gpt->n; i++)
            if (is_ext4(fd, ret_gpt->p[i].start))
                add_file_system(path, &ret_gpt->p[i], &rs);
    }
    *ret_map = free_frames(&rs, disk_size);
    ranges_free(&rs);
    close(fd);
    return 0;
}

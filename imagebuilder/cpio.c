#include "imagebuilder/cpio.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct entry_head {
    uint32_t inode, mode, size, major, minor;
};

static void pad(struct cpio *c)
{
    static const char zeros[4];

    str_addn(&c->bytes, zeros, -c->bytes.len & 3);
}

static void entry(struct cpio *c, const char *path, struct entry_head h, struct span content)
{
    /* ino mode uid gid nlink mtime size, device's major and minor, its own major and minor, name's length,
     * checksum */
    str_addf(&c->bytes, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", h.inode, h.mode, 0, 0,
             1, 0, (uint32_t)content.n, 0, 0, h.major, h.minor, (uint32_t)strlen(path) + 1, 0);
    str_addn(&c->bytes, path, strlen(path) + 1);
    pad(c);
    if (content.n)
        str_addn(&c->bytes, content.p, content.n);
    pad(c);
}

void cpio_dir(struct cpio *c, const char *path, uint32_t mode)
{
    entry(c, path, (struct entry_head){.inode = ++c->inode, .mode = S_IFDIR | mode}, (struct span){0});
}

void cpio_file(struct cpio *c, const char *path, uint32_t mode, struct span content)
{
    /* The kernel makes a folder that exists once more without complaint, so the writer need not remember. */
    for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
        char *dir = strndup(path, (size_t)(slash - path));

        cpio_dir(c, dir, 0755);
        free(dir);
    }
    entry(c, path, (struct entry_head){.inode = ++c->inode, .mode = S_IFREG | mode}, content);
}

void cpio_char_device(struct cpio *c, const char *path, uint32_t mode, uint32_t major, uint32_t minor)
{
    entry(c, path,
          (struct entry_head){.inode = ++c->inode, .mode = S_IFCHR | mode, .major = major, .minor = minor},
          (struct span){0});
}

void cpio_end(struct cpio *c)
{
    entry(c, "TRAILER!!!", (struct entry_head){0}, (struct span){0});
}

void cpio_free(struct cpio *c)
{
    str_free(&c->bytes);
    c->inode = 0;
}

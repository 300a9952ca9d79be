/* frame: image_frame: from a raw disk file to a registered release. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "imagebuilder/freemap.h"
#include "imagebuilder/keys.h"
#include "imagebuilder/pack.h"

struct framing {
    const struct build_options *o;
    char *images, *dir; /* <state_dir>/images, and the temporary folder in it */
    int disk_fd, dir_fd;
    struct manifest m;
    struct str bytes; /* of the manifest */
};

static int open_disk(struct framing *f, const char *path, struct err *e)
{
    struct stat st;

    f->disk_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->disk_fd < 0 || fstat(f->disk_fd, &st) < 0)
        return err_errno(e, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "%s is not a file; give a raw disk image", path);
    if (st.st_size == 0 || st.st_size % SECTOR_SIZE)
        return err_set(
            e, ERR_INPUT,
            "%s has %lld bytes, which is no whole number of %u-byte sectors; give a raw disk image", path,
            (long long)st.st_size, SECTOR_SIZE);
    if ((uint64_t)st.st_size > MANIFEST_DISK_MAX)
        return err_set(e, ERR_INPUT, "%s is larger than the %llu GiB that an image may have", path,
                       MANIFEST_DISK_MAX >> 30);
    f->m.disk_size = (uint64_t)st.st_size;
    f->m.n = (f->m.disk_size + FRAME_SIZE - 1) / FRAME_SIZE;
    f->m.frames = xcalloc(f->m.n, sizeof(*f->m.frames));
    return 0;
}

static int fill_header(struct framing *f, const char *name, struct err *e)
{
    if (!manifest_text_ok(name) || !str_copy(f->m.image, sizeof(f->m.image), name))
        return err_set(
            e, ERR_INPUT,
            "\"%s\" cannot be an image's name; use at most 63 letters, digits and the characters . _ + -",
            name);
    str_copy(f->m.architecture, sizeof(f->m.architecture), "amd64");
    return 0;
}

/* The version is the second; one that is taken already leaves the next one. */
static int fill_version(struct framing *f, struct store *s, int64_t at_ms, struct err *e)
{
    time_t at = (time_t)(at_ms / 1000);
    char ref[sizeof(f->m.image) + sizeof(f->m.version)];
    struct err why = {0};
    struct release taken;
    struct tm tm;

    for (;; at++) {
        gmtime_r(&at, &tm);
        strftime(f->m.version, sizeof(f->m.version), "%Y%m%dT%H%M%SZ", &tm);
        f->m.created = (uint64_t)at;
        snprintf(ref, sizeof(ref), "%s@%s", f->m.image, f->m.version);
        if (release_find(s, ref, &taken, &why) == 0)
            continue;
        return why.kind == ERR_NOT_FOUND ? 0 : err_set(e, why.kind, "%s", why.text);
    }
}

/* A root that can be grown is a Linux partition that nothing follows. */
static uint32_t root_of(const struct gpt *g)
{
    const struct partition *last = gpt_last(g);

    return last && last->kind == PARTITION_LINUX ? last->number : 0;
}

static int make_pack(struct framing *f, const char *raw_path, struct err *e)
{
    struct gpt g;
    bool has_gpt = false;
    uint8_t *map = NULL;

    if (freemap_of_file(raw_path, f->m.disk_size, &g, &has_gpt, &map, e) < 0)
        return -1;
    /* The installer refuses such a disk too, but only when the machine's old system is gone. */
    if (!has_gpt) {
        free(map);
        return err_set(
            e, ERR_INPUT,
            "%s is no raw disk image with a GUID partition table, so no machine could boot it; is it a "
            "qcow2, or a file system without a disk around it? (`qemu-img convert -O raw` makes it raw)",
            raw_path);
    }
    f->m.root_partition = root_of(&g);
    int rc = -1, fd = openat(f->dir_fd, "pack", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        err_errno(e, "%s/pack", f->dir);
    else if (pack_frames(f->disk_fd, fd, map, &f->m, f->o, e) == 0)
        rc = fsync(fd) < 0 ? err_errno(e, "%s/pack", f->dir) : 0;
    if (fd >= 0)
        close(fd);
    free(map);
    return rc;
}

static int put_file(const struct framing *f, const char *name, const void *p, size_t n, struct err *e)
{
    char *path = xasprintf("%s/%s", f->dir, name);
    int rc = file_write(path, p, n, 0644, e);

    free(path);
    return rc;
}

static int make_manifest(struct framing *f, struct err *e)
{
    uint8_t signature[SIGNATURE_SIZE];

    manifest_encode(&f->m, &f->bytes);
    if (f->bytes.len > MANIFEST_MAX)
        return err_set(e, ERR_INPUT, "the image holds more data than one manifest can describe");
    if (release_sign(f->o->state_dir, span_of(f->bytes.s, f->bytes.len), signature, e) < 0)
        return -1;
    if (put_file(f, "manifest", f->bytes.s, f->bytes.len, e) < 0)
        return -1;
    return put_file(f, "manifest.sig", signature, sizeof(signature), e);
}

static void fill_release(const struct framing *f, int64_t at_ms, struct release *ret)
{
    *ret = (struct release){
        .disk_size = f->m.disk_size,
        .data_size = manifest_data_bytes(&f->m),
        .pack_size = f->m.pack_size,
        .created_ms = at_ms > (int64_t)f->m.created * 1000 ? at_ms : (int64_t)f->m.created * 1000,
    };
    str_copy(ret->image, sizeof(ret->image), f->m.image);
    str_copy(ret->version, sizeof(ret->version), f->m.version);
    digest_format(digest_sha256(span_of(f->bytes.s, f->bytes.len)), ret->digest);
}

/* The folder gets its name when it is whole and on the disk; the row comes after, so that no row lacks its
 * files. */
static int publish(struct framing *f, struct store *s, const struct release *r, struct err *e)
{
    char *to = xasprintf("%s/%s", f->images, r->digest);
    int rc = 0, images_fd = open(f->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (images_fd < 0 || fsync(f->dir_fd) < 0 || rename(f->dir, to) < 0 || fsync(images_fd) < 0)
        rc = err_errno(e, "the release cannot be put in place as %s", to);
    if (rc == 0 && release_put(s, r, f->o->actor, e) < 0) {
        dir_remove(to, NULL);
        rc = -1;
    }
    if (images_fd >= 0)
        close(images_fd);
    free(to);
    return rc;
}

/* One transaction: two that are framed at the same time get two versions. */
static int enter(struct framing *f, struct store *s, int64_t at_ms, struct release *ret, struct err *e)
{
    if (store_begin(s, e) < 0)
        return -1;
    if (fill_version(f, s, at_ms, e) < 0 || make_manifest(f, e) < 0)
        goto fail;
    fill_release(f, at_ms, ret);
    if (publish(f, s, ret, e) < 0)
        goto fail;
    return store_commit(s, e);
fail:
    store_rollback(s);
    return -1;
}

static int make_dir(struct framing *f, struct err *e)
{
    f->images = xasprintf("%s/images", f->o->state_dir);
    f->dir = xasprintf("%s/.building-XXXXXX", f->images);
    if (dir_make(f->images, 0755, e) < 0)
        return -1;
    if (!mkdtemp(f->dir))
        return err_errno(e, "%s", f->dir);
    f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir_fd < 0 || fchmod(f->dir_fd, 0755) < 0)
        return err_errno(e, "%s", f->dir);
    return 0;
}

int image_frame(struct store *s, const char *name, const char *raw_path, const struct build_options *o,
                struct release *ret, struct err *e)
{
    struct framing f = {.o = o, .disk_fd = -1, .dir_fd = -1};
    struct release r;
    int64_t at_ms = now_ms();
    int rc = -1;

    if (fill_header(&f, name, e) < 0 || open_disk(&f, raw_path, e) < 0 || make_dir(&f, e) < 0)
        goto out;
    if (make_pack(&f, raw_path, e) < 0)
        goto out;
    rc = enter(&f, s, at_ms, &r, e);
    if (rc == 0)
        *ret = r;
out:
    if (rc < 0 && f.dir)
        dir_remove(f.dir, NULL); /* gone already when it was renamed */
    if (f.disk_fd >= 0)
        close(f.disk_fd);
    if (f.dir_fd >= 0)
        close(f.dir_fd);
    free(f.dir);
    free(f.images);
    str_free(&f.bytes);
    manifest_free(&f.m);
    return rc;
}

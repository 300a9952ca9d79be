/* build_disk: a disk from a disk image made elsewhere. Its bytes are hashed before anything opens them; its
 * file systems are only ever read by the appliance's kernel. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/http.h"
#include "base/proc.h"
#include "imagebuilder/appliance.h"
#include "imagebuilder/build.h"
#include "imagebuilder/customise.h"

#define QCOW2_HEAD 104

static bool is_url(const char *s)
{
    return str_starts(s, "http://") || str_starts(s, "https://");
}

static char *source_of(const struct build *b)
{
    return is_url(b->recipe->disk) ? xasprintf("%s/download", b->dir) : xstrdup(b->recipe->disk);
}

static int show_download(uint64_t done, uint64_t total, void *ctx)
{
    const struct build *b = ctx;

    if (b->o->progress)
        b->o->progress("fetching the source disk", done, total, b->o->ctx);
    return 0;
}

static int fetch(struct build *b, struct err *e)
{
    const struct recipe *r = b->recipe;
    const struct http_request q = {.url = r->disk, .follow = true, .proxy = true};
    char hex[129], *path = source_of(b);
    int rc = is_url(r->disk) ? http_download(&q, path, r->algorithm, r->hash, hex, show_download, b, e)
                             : digest_file(path, r->algorithm, hex, e);

    if (rc == 0 && strcasecmp(hex, r->hash) != 0)
        rc = err_set(e, ERR_CORRUPT,
                     "%s has the %s %s, the recipe says %s: it is not the disk that the recipe means",
                     r->disk, r->algorithm, hex, r->hash);
    free(path);
    return rc;
}

/* qcow2 can point at other files of this machine: such a disk is no image. Offsets: QEMU's
 * docs/interop/qcow2.txt. */
static int judge_format(const char *path, const char *wanted, const char **ret, struct err *e)
{
    uint8_t head[QCOW2_HEAD] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread_all(fd, head, sizeof(head), 0) < 0) {
        err_errno(e, "%s", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    close(fd);
    struct reader r = reader_of(span_of(head, sizeof(head)));
    bool qcow2 = read_be32(&r) == 0x514649fb;
    uint32_t version = read_be32(&r);
    uint64_t backing = read_be64(&r);
    *ret = wanted ? wanted : qcow2 ? "qcow2" : "raw";
    if (strcmp(*ret, "raw") == 0)
        return 0;
    if (!qcow2 || version < 2 || version > 3)
        return err_set(e, ERR_INPUT, "%s is not a qcow2 disk; set `format: raw` if it is a raw one", path);
    /* Bit 2 of the incompatible features, in the last byte of the field at 72: an external data file. */
    if (backing || (version == 3 && (head[79] & 4)))
        return err_set(e, ERR_INPUT,
                       "%s keeps a part of its bytes in another file; flatten it with qemu-img convert first",
                       path);
    return 0;
}

static int convert(struct build *b, struct err *e)
{
    char *path = source_of(b);
    const char *format = NULL;
    struct stat st;
    int rc = judge_format(path, b->recipe->format, &format, e);

    if (rc == 0) {
        const char *const argv[] = {"qemu-img", "convert", "-f", format, "-O", "raw",
                                    "-S",       "64k",     path, b->raw, NULL};
        rc = proc_run(argv, b->log, NULL, e);
    }
    if (rc == 0 && is_url(b->recipe->disk))
        unlink(path);
    if (rc == 0 && (stat(b->raw, &st) < 0 || chmod(b->raw, 0600) < 0))
        rc = err_errno(e, "%s", b->raw);
    if (rc == 0 && b->recipe->size && (uint64_t)st.st_size > b->recipe->size)
        rc = err_set(
            e, ERR_INPUT,
            "the source disk has %llu bytes, more than the recipe's size; a disk can be made larger only",
            (unsigned long long)st.st_size);
    free(path);
    return rc;
}

static int grow_file(struct build *b, bool *ret_grown, struct err *e)
{
    struct stat st;

    if (stat(b->raw, &st) < 0)
        return err_errno(e, "%s", b->raw);
    *ret_grown = b->recipe->size > (uint64_t)st.st_size;
    if (*ret_grown && truncate(b->raw, (off_t)b->recipe->size) < 0)
        return err_errno(e, "%s", b->raw);
    return 0;
}

static int make_payload(struct build *b, struct err *e)
{
    const struct customise c = {.recipe = b->recipe, .agent_path = b->o->agent_path};

    return customise_payload(&c, b->payload, b->log, e);
}

static int customise(struct build *b, struct err *e)
{
    const struct recipe *r = b->recipe;
    struct appliance *a = NULL;
    bool grown = false;
    int rc = grow_file(b, &grown, e);

    if (rc == 0)
        rc = appliance_start(b->raw, r->packages.n || r->scripts_n, b->log, &a, e);
    if (rc == 0 && grown)
        rc = appliance_grow(a, e);
    if (rc == 0)
        rc = appliance_open_system(a, e);
    if (rc == 0)
        rc = appliance_customise(a, b->payload, e);
    if (rc == 0 && r->kernel_args.n)
        rc = appliance_update_grub(a, e);
    if (rc == 0)
        rc = appliance_finish(a, e);
    appliance_free(a);
    return rc;
}

const struct build_step build_disk_steps[] = {
    {"the source disk and its hash", fetch},
    {"converting the source disk", convert},
    {"the recipe's files", make_payload},
    {"users, files and scripts, in the appliance", customise},
    {NULL, NULL},
};

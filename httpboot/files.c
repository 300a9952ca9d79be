/* files: the netboot files and the releases, from state_dir.
 *
 * Nothing of a request's path becomes part of a file's name but a digest that has been read and written anew:
 * 64 hex digits. A symbolic link in state_dir is its owner's wish and is followed. The file stays open for
 * the whole answer: one that is replaced meanwhile (by rename) is sent to its end as it was.
 *
 * Preconditions in the order of RFC 9110 13.2.2: If-Match, If-None-Match, then Range with If-Range.
 */
#include "httpboot/app.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "httpboot/range.h"

#define STREAM_RETRY_S 5

#define BYTES "application/octet-stream"

/* A Range or If-Range that comes twice is none: neither is a list. */
static void apply_range(struct call *c)
{
    size_t ranges, if_ranges;
    struct span value = request_header(c->req, "range", &ranges);
    struct span if_range = request_header(c->req, "if-range", &if_ranges);
    struct response *r = c->res;
    struct range range;

    if (c->req->method != METHOD_GET || ranges != 1 || if_ranges > 1 ||
        (if_ranges && !if_range_holds(if_range, r->etag)))
        return;
    range = range_parse(value, r->total);
    if (range.kind == RANGE_BEYOND)
        response_error(r, 416, "the range begins past the end of the file");
    if (range.kind != RANGE_PART)
        return;
    r->status = 206;
    r->first = range.first;
    r->length = range.length;
}

static void not_modified(struct response *r)
{
    char etag[ETAG_SIZE];

    memcpy(etag, r->etag, sizeof etag);
    response_empty(r, 304);
    memcpy(r->etag, etag, sizeof etag);
}

/* A list may come in several lines (RFC 9110 5.3). *ret_there: the header is there at all. */
static bool tags_have(const struct request *r, const char *name, const char *etag, bool weak, bool *ret_there)
{
    bool has = false;
    size_t i;

    *ret_there = false;
    for (i = 0; i < r->headers_n; i++)
        if (span_is_nocase(r->headers[i].name, name)) {
            *ret_there = true;
            has = has || etag_list_has(r->headers[i].value, etag, weak);
        }
    return has;
}

static void apply_conditions(struct call *c)
{
    bool match, none_match;
    bool same = tags_have(c->req, "if-match", c->res->etag, false, &match);
    bool had = tags_have(c->req, "if-none-match", c->res->etag, true, &none_match);

    if (match && !same)
        response_error(c->res, 412, "the file is another by now");
    else if (had)
        not_modified(c->res);
    else
        apply_range(c);
}

void file_send(struct call *c, const char *path, const char *content_type)
{
    int fd = openat(c->app->state_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 && errno != ENOENT && errno != ENOTDIR) {
        response_error(c->res, 500, "the server could not open the file; its log says why");
        snprintf(c->res->note, sizeof c->res->note, "%s: %s", path, strerror(errno));
        return;
    }
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        response_error(c->res, 404, "the server does not have this file");
        return;
    }
    c->res->fd = fd;
    c->res->status = 200;
    c->res->content_type = content_type;
    c->res->length = c->res->total = (uint64_t)st.st_size;
    snprintf(c->res->etag, sizeof c->res->etag, "\"%" PRIx64 "-%" PRIx64 "%09lx\"", (uint64_t)st.st_size,
             (uint64_t)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec);
    apply_conditions(c);
}

void file_vmlinuz(struct call *c)
{
    file_send(c, "netboot/vmlinuz", BYTES);
}

void file_initrd(struct call *c)
{
    file_send(c, "netboot/initrd.img", BYTES);
}

void file_local_efi(struct call *c)
{
    file_send(c, "netboot/local.efi", BYTES);
}

static void send_release_file(struct call *c, const char *name)
{
    char hex[DIGEST_HEX], path[DIGEST_HEX + 32];
    struct digest d;

    if (strlen(c->arg) != DIGEST_HEX - 1 || digest_parse(c->arg, &d, NULL)) {
        response_error(c->res, 404, "a release is named by the 64 hex digits of its digest");
        return;
    }
    snprintf(path, sizeof path, "images/%s/%s", digest_format(d, hex), name);
    file_send(c, path, BYTES);
}

void file_manifest(struct call *c)
{
    send_release_file(c, "manifest");
}

void file_signature(struct call *c)
{
    send_release_file(c, "manifest.sig");
}

/* Connections share what there is to send; who opens a thousand of them would leave the machines nothing. */
void file_pack(struct call *c)
{
    size_t most = c->app->cfg->streams_per_address;

    if (most && c->req->method == METHOD_GET && c->streams >= most) {
        response_error(c->res, 503,
                       "this address is being sent as many packs as it may at a time; try again");
        c->res->retry_after = STREAM_RETRY_S;
        return;
    }
    send_release_file(c, "pack");
    c->res->stream = c->res->fd >= 0;
}

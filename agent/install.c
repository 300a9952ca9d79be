#include "agent/install.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/backoff.h"
#include "agent/installer.h"
#include "agent/io_seed.h"
#include "agent/say.h"
#include "base/file.h"

#define WRITTEN_PATIENCE_MS 60000
#define FAILED_PATIENCE_MS  60000
#define DISCOVER_EVERY_MS   10000
#define HTTP_TIMEOUT_MS     20000

/* ---- whom do we serve, and which disk ---- */

/* A file or a named device stands in for all disks of the machine. */
static int only_target(struct installer *in, struct err *e)
{
    struct stat st;
    struct disk d = {0};
    char *real = realpath(in->o->target, NULL); /* sysfs has no links like /dev/disk/by-id/... */
    if (!real || stat(real, &st)) {
        err_errno(e, "%.300s cannot be found", in->o->target);
        free(real);
        return -1;
    }
    const char *name = strrchr(real, '/') + 1;
    if (S_ISBLK(st.st_mode))
        disk_facts(in->o->sysfs, name, &d);
    else
        d.size = (uint64_t)st.st_size;
    str_copy(d.name, sizeof d.name, name);
    free(real);
    free(in->machine.disks);
    in->machine.disks = xcalloc(1, sizeof d);
    in->machine.disks[0] = d;
    in->machine.n_disks = 1;
    return 0;
}

static int step_machine(struct installer *in, struct err *e)
{
    if (machine_find(in->o->sysfs, &in->machine, e) || (in->o->target && only_target(in, e)))
        return -1;
    in->machine.mac = in->o->mac;
    if (in->o->uuid)
        str_copy(in->machine.uuid, sizeof in->machine.uuid, in->o->uuid);
    for (size_t i = 0; i < in->machine.n_disks; i++) {
        const struct disk *d = &in->machine.disks[i];
        char size[16];
        say("disk %s: %s, serial \"%s\", wwn \"%s\", %s", d->name, size_format(d->size, size), d->serial,
            d->wwn, d->by_path);
    }
    return 0;
}

/* 409: the job is not in the state for us. It is not ours to call it failed then: that is as with a token
 * that is not good. */
static int not_ours(struct err *e, const struct err *why)
{
    return err_set(e, why->kind == ERR_CONFLICT ? ERR_REFUSED : why->kind, "%s", why->text);
}

static int step_hello(struct installer *in, struct err *e)
{
    struct err why = {0};
    if (api_hello(&in->api, &in->machine, &in->job, &why))
        return not_ours(e, &why);
    say("job %s: %s gets %s %s%s", in->job.job, in->job.device, in->job.image, in->job.version,
        in->job.resume ? " (resumed)" : "");
    return 0;
}

static int step_choose(struct installer *in, struct err *e)
{
    struct disk_selector selector;
    struct err why = {0};
    size_t i;
    if (disk_selector_parse(in->job.selector, &selector, e))
        return -1;
    if (disk_select(&selector, in->machine.disks, in->machine.n_disks, &i, &why)) {
        in->reason = why.kind == ERR_CONFLICT ? "disk-ambiguous" : "no-disk";
        return err_set(e, why.kind, "%s", why.text);
    }
    in->disk = in->machine.disks[i];
    return 0;
}

/* Since the disks were listed the server may have been waited for, and the name may be another disk's by now.
 */
static int still_chosen(const struct installer *in, struct err *e)
{
    const struct disk *was = &in->disk;
    struct disk now;
    if (in->o->target)
        return 0;
    disk_facts(in->o->sysfs, was->name, &now);
    if (strcmp(now.serial, was->serial) == 0 && strcmp(now.wwn, was->wwn) == 0 &&
        strcmp(now.by_path, was->by_path) == 0 && now.size == was->size &&
        (!in->target.block || in->target.size == was->size))
        return 0;
    return err_set(e, ERR_IO,
                   "%s is another disk than when the machine's disks were listed; nothing was written",
                   was->name);
}

static int step_open(struct installer *in, struct err *e)
{
    char path[512];
    struct err why = {0};
    if (in->o->target)
        snprintf(path, sizeof path, "%s", in->o->target);
    else
        snprintf(path, sizeof path, "%s/%s", in->o->dev, in->disk.name);
    if (disk_idle(in->o->sysfs, in->disk.name, &why) == 0 && target_open(path, &in->target, &why) == 0 &&
        still_chosen(in, &why) == 0)
        return 0;
    in->reason = why.kind == ERR_CONFLICT ? "disk-busy" : why.kind == ERR_IO ? "disk-io" : "agent-error";
    return err_set(e, why.kind, "%s", why.text);
}

/* The evidence is on the disk: a sound table with the job's UUID was written last of all, after everything
 * else was flushed. */
static int step_evidence(struct installer *in, struct err *e)
{
    uint8_t head[GPT_HEAD_SIZE];
    struct gpt gpt;
    if (in->target.size >= sizeof head && target_read(&in->target, head, sizeof head, 0, e))
        return -1;
    in->complete = in->target.size >= sizeof head && gpt_parse(span_of(head, sizeof head), &gpt, NULL) == 0 &&
                   uuid_eq(gpt.disk, in->job.uuid);
    if (in->complete)
        say("disk %s carries this job's mark: it is complete, nothing is written", in->disk.name);
    return 0;
}

/* ---- the release ---- */

static int get_file(struct installer *in, const char *name, size_t max, struct str *ret, struct err *e)
{
    char path[160], hex[DIGEST_HEX];
    struct agent_http *http;
    struct backoff wait = {0};
    struct err why = {0};
    snprintf(path, sizeof path, "/images/%s/%s", digest_format(in->job.digest, hex), name);
    if (agent_http_new(in->api.url, HTTP_TIMEOUT_MS, &http, e))
        return -1;
    while (agent_http_call(http, "GET", path, NULL, NULL, max, ret, &why) && why.kind == ERR_UNAVAILABLE) {
        say("%s; trying again", why.text);
        backoff_wait(&wait);
        why = (struct err){0};
    }
    agent_http_free(http);
    if (why.kind == ERR_NONE)
        return 0;
    in->reason = why.kind == ERR_NOT_FOUND ? "image-missing" : "agent-error";
    return err_set(e, why.kind, "%s", why.text);
}

static int get_manifest(struct installer *in, struct str *ret, struct err *e)
{
    for (int tries = 0; tries < 2; tries++) {
        str_reset(ret);
        if (get_file(in, "manifest", MANIFEST_MAX, ret, e))
            return -1;
        if (digest_eq(digest_sha256(span_of(ret->s, ret->len)), in->job.digest))
            return 0;
    }
    in->reason = "image-corrupt";
    return err_set(e, ERR_CORRUPT, "the manifest does not have the digest that the job pins");
}

static int check_signature(struct installer *in, const struct str *manifest, struct err *e)
{
    struct str signature = {0};
    if (!in->o->release_key || !file_exists(in->o->release_key))
        return 0;
    int status = get_file(in, "manifest.sig", 4096, &signature, e);
    if (status == 0) {
        in->reason = "image-corrupt";
        status = sign_verify(in->o->release_key, span_of(manifest->s, manifest->len),
                             span_of(signature.s ? signature.s : "", signature.len), e);
    }
    str_free(&signature);
    return status;
}

static int step_manifest(struct installer *in, struct err *e)
{
    struct str bytes = {0};
    int status = get_manifest(in, &bytes, e);
    if (status == 0)
        status = check_signature(in, &bytes, e);
    if (status == 0) {
        in->reason = "image-corrupt";
        status = manifest_decode(span_of(bytes.s, bytes.len), &in->manifest, e);
    }
    str_free(&bytes);
    return status;
}

static int step_fits(struct installer *in, struct err *e)
{
    struct err why = {0};
    if (plan_fits(&in->manifest, in->target.size, &why) == 0)
        return 0;
    in->reason = why.kind == ERR_CORRUPT ? "image-corrupt" : "disk-too-small";
    return err_set(e, why.kind, "disk %s: %s", in->disk.name, why.text);
}

/* The first MiB is held in memory till the end in any case; fetched and verified now, a pack that is broken
 * or not there is found while the disk is whole and the job is nobody's. */
static int step_head(struct installer *in, struct err *e)
{
    size_t n = in->manifest.n;
    in->have = xcalloc(n, sizeof *in->have);
    in->head = xcalloc(1, HEAD_BYTES);
    for (size_t i = HEAD_FRAMES; i < n; i++)
        in->have[i] = true;
    if (fetch_frames(in, e))
        return -1;
    for (size_t i = HEAD_FRAMES; i < n; i++)
        in->have[i] = false;
    return 0;
}

/* ---- from here on the disk changes ---- */

static int step_claim(struct installer *in, struct err *e)
{
    struct err why = {0};
    if (api_claim(&in->api, in->machine.uuid, &in->disk, in->job.digest, in->enrol_token, &why))
        return not_ours(e, &why);
    in->claimed = true;
    in->began_ms = ticks_ms();
    return 0;
}

static int step_wipe(struct installer *in, struct err *e)
{
    struct byte_range parts[128];
    size_t n = in->target.block ? disk_parts(in->o->sysfs, in->disk.name, parts, 128) : 0;
    say("writing disk %s; its first MiB stays blank till the end", in->disk.name);
    return target_wipe(&in->target, parts, n, in->job.job, e);
}

static int step_zero(struct installer *in, struct err *e)
{
    uint64_t from, to, wrote = 0;
    for (size_t i = 0; !atomic_load(&in->stop) && plan_next_zero(&in->manifest, &i, &from, &to);)
        if (target_zero(&in->target, from, to, &wrote, e))
            return -1;
    return 0;
}

static int stopped(struct installer *in, struct err *e)
{
    return atomic_load(&in->stop) ? err_set(e, ERR_REFUSED, "the server has taken this job from us") : 0;
}

/* Everything that takes long, with progress beside it. */
static int step_frames(struct installer *in, struct err *e)
{
    struct progress *progress = progress_start(in);
    in->reason = "disk-io";
    int status = compare_frames(in, e);
    if (status == 0)
        status = step_zero(in, e);
    if (status == 0)
        status = fetch_frames(in, e);
    if (status == 0) {
        in->reason = "disk-io";
        status = target_flush(&in->target, e);
    }
    progress_stop(progress);
    return stopped(in, e) ? -1 : status;
}

static int plant(struct installer *in, const struct gpt *g, struct err *e)
{
    struct gpt_part root;
    const struct seed seed = {
        .url = in->api.url, .token = in->enrol_token, .job = in->job.job, .device = in->job.device};
    if (!in->o->seed || in->manifest.root_partition == 0)
        return 0;
    if (gpt_part(g, in->manifest.root_partition, &root, e))
        return -1;
    return seed_plant(&in->target, root.first * GPT_SECTOR, (root.last + 1 - root.first) * GPT_SECTOR, &seed,
                      e);
}

/* What the disk now holds at `at`, read from the disk itself. */
static int verify(const struct target *t, const uint8_t *want, size_t n, uint64_t at, struct err *e)
{
    uint8_t *got = xcalloc(1, n);
    target_forget(t, at, n);
    int status = target_read(t, got, n, at, e);
    if (status == 0 && memcmp(got, want, n) != 0)
        status = err_set(e, ERR_IO, "%s does not keep what is written at byte %llu", t->path,
                         (unsigned long long)at);
    free(got);
    return status;
}

static int put_verified(const struct target *t, const uint8_t *p, size_t n, uint64_t at, struct err *e)
{
    return target_write(t, p, n, at, e) || target_flush(t, e) ? -1 : verify(t, p, n, at, e);
}

/* Backup table, then the first MiB: that makes it a disk that boots, so all else is flushed before. A power
 * cut may leave any part of that MiB, so the one sector that says that the disk is complete comes after it.
 */
static int put_tables(struct installer *in, const struct gpt *g, struct err *e)
{
    uint8_t tail[GPT_TAIL_SIZE], mark[GPT_SECTOR];
    gpt_encode_backup(g, tail);
    gpt_encode_primary(g, in->head);
    memcpy(mark, in->head + GPT_SECTOR, sizeof mark);
    memset(in->head + GPT_SECTOR, 0, sizeof mark);
    if (put_verified(&in->target, tail, sizeof tail, in->target.size - sizeof tail, e) ||
        put_verified(&in->target, in->head, HEAD_BYTES, 0, e) ||
        put_verified(&in->target, mark, sizeof mark, GPT_SECTOR, e))
        return -1;
    target_reread(&in->target);
    return 0;
}

/* The last moment at which the server can take the job back: after it, the disk boots. A server that does not
 * answer is no reason to stop. */
static int ask_once_more(struct installer *in, struct err *e)
{
    struct err why = {0};
    uint64_t total = manifest_data_bytes(&in->manifest);
    uint64_t patience = in->api.patience_ms;
    in->api.patience_ms = 0;
    if (api_progress(&in->api, total, total, 0, &why) &&
        (why.kind == ERR_REFUSED || why.kind == ERR_CONFLICT))
        atomic_store(&in->stop, true);
    in->api.patience_ms = patience;
    return stopped(in, e);
}

static int step_finish(struct installer *in, struct err *e)
{
    struct gpt gpt;
    uint64_t wrote = 0, end = in->manifest.disk_size;
    in->reason = "image-corrupt";
    if (gpt_parse(span_of(in->head, HEAD_BYTES), &gpt, e) ||
        gpt_grow(&gpt, in->target.size / GPT_SECTOR, in->manifest.root_partition, in->job.uuid, e))
        return err_prefix(e, "the image");
    in->reason = "disk-io";
    if (target_zero(&in->target, end - GPT_TAIL_SIZE, end, &wrote, e))
        return -1;
    in->reason = "agent-error";
    if (plant(in, &gpt, e))
        return -1;
    in->reason = "disk-io";
    return target_flush(&in->target, e) || ask_once_more(in, e) || put_tables(in, &gpt, e) ? -1 : 0;
}

/* A callback that is lost costs nothing: the disk itself says that it is complete, and first boot says so
 * too. */
static int step_report(struct installer *in, struct err *e)
{
    struct err why = {0};
    const struct api_result r = {
        .frames_written = atomic_load(&in->frames_written),
        .frames_same = atomic_load(&in->frames_same),
        .bytes_fetched = atomic_load(&in->bytes_fetched),
        .seconds = in->began_ms ? (double)(ticks_ms() - in->began_ms) / 1000 : 0,
    };
    (void)e;
    if (!in->complete)
        say("disk %s is complete: %llu frames written, %llu were there, %.1f s", in->disk.name,
            (unsigned long long)r.frames_written, (unsigned long long)r.frames_same, r.seconds);
    in->api.patience_ms = WRITTEN_PATIENCE_MS;
    if (api_written(&in->api, &r, &why))
        say("the server could not be told (%s); the disk is complete all the same", why.text);
    return 0;
}

static const struct {
    int (*run)(struct installer *in, struct err *e);
    const char *reason;
    bool always; /* also when the disk is complete already */
} steps[] = {
    {step_machine, "agent-error", true},  {step_hello, "agent-error", true},
    {step_choose, "agent-error", true},   {step_open, "disk-io", true},
    {step_evidence, "disk-io", true},     {step_manifest, "image-missing", false},
    {step_fits, "disk-too-small", false}, {step_head, "image-corrupt", false},
    {step_claim, "agent-error", false},   {step_wipe, "disk-io", false},
    {step_frames, "disk-io", false},      {step_finish, "agent-error", false},
    {step_report, "agent-error", true},
};

static void installer_free(struct installer *in)
{
    target_close(&in->target);
    manifest_free(&in->manifest);
    machine_free(&in->machine);
    api_free(&in->api);
    free(in->have);
    free(in->head);
}

/* The server hears of it unless it is the server who refused us. */
static enum install_end give_up(struct installer *in, const struct err *why)
{
    struct err e = {0};
    if (why->kind == ERR_REFUSED)
        return INSTALL_REPLACED;
    in->api.patience_ms = FAILED_PATIENCE_MS;
    if (in->api.http && api_failed(&in->api, in->reason, why->text, &e))
        say("the server could not be told: %s", e.text);
    return INSTALL_FAILED;
}

enum install_end install_run(const struct install_options *o, struct err *e)
{
    struct installer in = {.o = o, .target = {.fd = -1}, .reason = "agent-error"};
    struct err why = {0};
    enum install_end end = INSTALL_WRITTEN;
    int status = api_new(o->url, o->token, &in.api, &why);
    for (size_t i = 0; status == 0 && i < sizeof steps / sizeof *steps; i++) {
        if (in.complete && !steps[i].always)
            continue;
        in.reason = steps[i].reason;
        status = steps[i].run(&in, &why);
    }
    if (status) {
        end = give_up(&in, &why);
        err_set(e, why.kind, "%s: %s", in.reason, why.text);
    }
    installer_free(&in);
    return end;
}

int install_discover(const struct install_options *o, struct err *e)
{
    struct api api = {0};
    struct machine m = {0};
    bool known = false;
    if (machine_find(o->sysfs, &m, e) || api_new(o->url, "", &api, e)) {
        machine_free(&m);
        return -1;
    }
    m.mac = o->mac;
    int status = 0;
    while ((status = api_discover(&api, &m, &known, e)) == 0 && !known) {
        say("this machine is not in the inventory; the server has been told of it, waiting");
        sleep_ms(DISCOVER_EVERY_MS);
    }
    machine_free(&m);
    api_free(&api);
    return status;
}

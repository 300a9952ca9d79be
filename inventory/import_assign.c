/* import_assign: a device's `image:`. What differs from its assignment arms a job, as `assign` would. */
#include <string.h>

#include "base/str.h"
#include "inventory/import_parts.h"

/* A device whose image could not be armed before, as it had no release, has the assignment and no job for it.
 */
static int had_job_for(struct import *im, const struct device *d, bool *ret, struct err *e)
{
    struct err why = {0};
    struct job j;
    size_t n = strcspn(d->assigned, "@");
    *ret = job_current(im->k.s, d->id, &j, &why) == 0 && strncmp(j.image, d->assigned, n) == 0 &&
           j.image[n] == '\0';
    if (why.kind == ERR_NONE || why.kind == ERR_NOT_FOUND) {
        return 0;
    }
    if (e) {
        *e = why;
    }
    return -1;
}

/* The same release can be named in several ways; only another one is a reason to wipe a disk. */
static bool names_assigned(struct import *im, const struct device *d, const char *image)
{
    struct release r;
    char text[ASSIGNED_SIZE];
    if (strcmp(d->assigned, image) == 0) {
        return true;
    }
    if (!d->assigned[0] || release_find(im->k.s, image, &r, NULL) < 0) {
        return false;
    }
    assignment_text(image, &r, text);
    return strcmp(d->assigned, text) == 0;
}

/* The image has no release: the assignment alone. A job that waits to write another image, which is no longer
 * wanted, is cancelled; one that writes it now is no more replaced than by `assign`. */
static int wait_for_image(struct import *im, const struct item *it, const struct device *d, struct err *e)
{
    struct err why = {0};
    struct job j;
    if (job_current(im->k.s, d->id, &j, &why) < 0 && why.kind != ERR_NOT_FOUND) {
        return err_set(e, why.kind, "%s", why.text);
    }
    if (why.kind == ERR_NONE && j.state == JOB_CLAIMED) {
        err_set(e, ERR_CONFLICT, "%s is being written with %s now; wait until it is done", d->name, j.image);
        return at_place(im, it->image_node, e);
    }
    if (why.kind == ERR_NONE && j.state == JOB_ARMED) {
        if (job_cancel(im->k.s, d->id, im->o->actor, im->k.at_ms, e) < 0) {
            return at_place(im, it->image_node, e);
        }
        im->result.cancelled++;
    }
    return device_intend(im->k.s, d->id, it->image, im->o->actor, im->k.at_ms, e);
}

static int assign_image(struct import *im, const struct item *it, const struct device *d, struct err *e)
{
    struct assign a = {.release_ref = it->image, .actor = im->o->actor, .expiry_s = im->o->job_expiry_s};
    struct release r;
    struct err why = {0};
    if (!d->protected && release_find(im->k.s, it->image, &r, &why) < 0 && why.kind == ERR_NOT_FOUND &&
        !strchr(it->image, '@')) {
        if (name_check("image's name", it->image, e) < 0) {
            return at_place(im, it->image_node, e);
        }
        im->result.waiting++;
        str_copy(im->result.missing, sizeof im->result.missing, it->image);
        return wait_for_image(im, it, d, e);
    }
    if (job_assign(im->k.s, d->id, &a, im->k.at_ms, NULL, e) < 0) {
        return at_place(im, it->image_node, e);
    }
    im->result.armed++;
    return 0;
}

/* What a machine carries already, as the file says: it is written down, and nothing is armed. So an export
 * can be imported elsewhere. */
static int note_image(struct import *im, const struct item *it, const struct device *d, struct err *e)
{
    const char *name = arena_copy(&im->k.arena, it->image, strcspn(it->image, "@"));
    if (strlen(it->image) >= ASSIGNED_SIZE) {
        return yaml_error(it->image_node, e, "the image is longer than %d bytes", ASSIGNED_SIZE - 1);
    }
    if (name_check("image's name", name, e) < 0) {
        return at_place(im, it->image_node, e);
    }
    im->result.noted++;
    return device_note_image(im->k.s, d->id, it->image, im->o->actor, im->k.at_ms, e);
}

int assign_item(struct import *im, const struct item *it, const struct device *d, struct err *e)
{
    bool done = false;
    if (!it->image[0]) {
        return 0;
    }
    bool same = names_assigned(im, d, it->image);
    if (same && (d->netbox_id || d->protected || d->noted)) {
        return 0; /* what NetBox asks for is acted upon by the sync alone */
    }
    if (!d->assigned[0] && (d->protected || im->o->no_arm)) {
        return note_image(im, it, d, e);
    }
    if (im->o->no_arm) {
        return same ? 0
                    : yaml_error(
                          it->image_node, e,
                          "%s is assigned %s; without arming, only a device that has no image can be given "
                          "one: take the line away, or leave --no-arm out",
                          d->name, d->assigned);
    }
    if (same) {
        return had_job_for(im, d, &done, e) < 0 ? -1 : done ? 0 : assign_image(im, it, d, e);
    }
    int r = job_same_release(im->k.s, d->id, it->image, im->o->actor, im->k.at_ms, e);
    return r < 0 ? -1 : r == 1 ? 0 : assign_image(im, it, d, e);
}

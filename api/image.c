/* image: see image.h. */
#include "api/image.h"

#include <stdlib.h>
#include <string.h>

#include "inventory/job.h"

/* Every key of the object is one of these. */
static bool only(const json_t *object, const char *const *names)
{
    const char *key;
    const json_t *v;
    json_object_foreach((json_t *)object, key, v)
    {
        const char *const *n = names;
        while (*n && strcmp(*n, key))
            n++;
        if (!*n)
            return false;
    }
    return true;
}

bool image_alone(const json_t *object)
{
    static const char *const outer[] = {"id", "custom_fields", "changelog_message", NULL};
    static const char *const inner[] = {"image", NULL};
    const json_t *custom = json_object_get(object, "custom_fields");
    return json_is_object(object) && json_is_object(custom) && json_object_size(custom) &&
           only(object, outer) && only(custom, inner);
}

/* No image: an armed job is called off; one that is written now is not stopped by emptying a field. */
static int unassign(struct call *c, const struct device *d, struct err *e)
{
    struct job j;
    struct err none = {0};
    if (!job_current(c->store, d->id, &j, &none)) {
        if (j.state == JOB_CLAIMED)
            return err_set(e, ERR_CONFLICT, "%s is being written with %s: its image is not taken away now",
                           d->name, j.image);
        if (j.state == JOB_ARMED && job_cancel(c->store, d->id, c->actor, c->rq->at_ms, e))
            return -1;
    } else if (none.kind != ERR_NOT_FOUND) {
        return err_set(e, none.kind, "%s", none.text);
    }
    return device_intend(c->store, d->id, "", c->actor, c->rq->at_ms, e);
}

static int arm(struct call *c, struct images *all, const struct device *d, const char *image, struct err *e)
{
    struct job j;
    struct assign how = {.release_ref = image, .actor = c->actor, .expiry_s = c->cfg->job_expiry_s};
    int same = job_same_release(c->store, d->id, image, c->actor, c->rq->at_ms, e);
    if (same)
        return same < 0 ? -1 : 0;
    all->armed++;
    if (!job_assign(c->store, d->id, &how, c->rq->at_ms, &j, e))
        return 0;
    if (e->kind == ERR_NOT_FOUND)
        e->kind = ERR_INPUT;
    else if (e->kind == ERR_REFUSED)
        e->kind = ERR_CONFLICT;
    return err_prefix(e, "%s", d->name);
}

int image_write(struct call *c, struct images *all, const struct written *x, struct err *e)
{
    struct device d;
    if (x->aim && !has_right(c, RIGHT_ASSIGN))
        return err_set(e, ERR_REFUSED,
                       "This token may not change what is written to machines (custom field \"%s\"): that "
                       "needs the right assign.",
                       x->aim);
    if (!x->has_image)
        return 0;
    if (device_get(c->store, x->id, &d, e))
        return -1;
    if (!strcmp(d.assigned, x->image))
        return 0;
    if (!has_right(c, RIGHT_ASSIGN))
        return err_set(
            e, ERR_REFUSED,
            "This token may not assign images (custom field \"image\"): that needs the right assign.");
    return *x->image ? arm(c, all, &d, x->image, e) : unassign(c, &d, e);
}

int image_within(struct call *c, const struct images *all, struct err *e)
{
    const char *said = query_get(&c->query, "count");
    unsigned long long armed = all->armed, count = said ? strtoull(said, NULL, 10) : 0;
    if (said && armed && count != armed)
        return err_set(e, ERR_INPUT, "count says %llu, and %llu devices would be wiped; nothing was changed",
                       count, armed);
    if (!said && armed > c->cfg->wipe_limit)
        return err_set(
            e, ERR_INPUT,
            "%llu devices would be wiped; more than wipe_limit (%llu) needs ?count=%llu; nothing was changed",
            armed, (unsigned long long)c->cfg->wipe_limit, armed);
    return 0;
}

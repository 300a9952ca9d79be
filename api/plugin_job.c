/* plugin_job: jobs, and their taking back. */
#include "api/plugin.h"

static json_t *show_job(struct call *c, int64_t id, struct err *e)
{
    struct job j;
    struct release r;
    if (job_by_id(c->store, id, &j, e) || release_by_digest(c->store, j.digest, &r, e))
        return NULL;
    json_t *o = json_job(c, &j);
    json_t *more = json_pack("{s:o, s:s, s:o, s:o, s:s, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}",
                             "device", json_device(c, j.device_id), "device_name", j.device, "release",
                             json_release(c, r.id), "reason", json_text(j.reason), "disk_selector",
                             j.disk_selector[0] ? j.disk_selector : "only", "disk", json_text(j.disk),
                             "bytes_done", (json_int_t)j.bytes_done, "bytes_total", (json_int_t)j.bytes_total,
                             "rate", (json_int_t)j.rate, "created", json_time(j.created_ms), "expires",
                             json_time(j.expires_ms), "claimed", json_time(j.claimed_ms), "written",
                             json_time(j.written_ms), "progress_at", json_time(j.progress_ms));
    json_object_update(o, more);
    json_decref(more);
    return o;
}

static bool is_job_state(const char *word)
{
    enum job_state s;
    return job_state_parse(word, &s, NULL) == 0;
}

static const struct kind_filter filters[] = {{"id", KIND_FILTER_NUMBER, LISTING_ID},
                                             {"uuid", KIND_FILTER_TEXT, LISTING_KEY},
                                             {"device_id", KIND_FILTER_NUMBER, LISTING_DEVICE_ID},
                                             {"device", KIND_FILTER_TEXT, LISTING_DEVICE},
                                             {"image", KIND_FILTER_TEXT, LISTING_IMAGE},
                                             {"state", KIND_FILTER_STATE, LISTING_STATE},
                                             {"created__gte", KIND_FILTER_SINCE, 0},
                                             {"created__lte", KIND_FILTER_UNTIL, 0},
                                             {0}};
static const struct kind jobs = {.noun = "Job",
                                 .path = PLUGIN "jobs/",
                                 .listing = LISTING_JOBS,
                                 .filters = filters,
                                 .name_order = "device",
                                 .newest_first = true,
                                 .is_state = is_job_state,
                                 .show = show_job};

void plugin_jobs(struct call *c)
{
    kind_list(c, &jobs);
}

/* A job that is over has nothing to take back, and its device may have another by now. In the transaction, so
 * that the device is the asker's until then. */
static int cancel(struct call *c, struct err *e)
{
    struct job j, live;
    int known = kind_known(c, &jobs, c->id, e);
    if (known <= 0)
        return known < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "No %s matches the given query.", jobs.noun);
    if (job_by_id(c->store, c->id, &j, e) || job_current(c->store, j.device_id, &live, e))
        return -1;
    if (live.id != j.id || (j.state != JOB_ARMED && j.state != JOB_CLAIMED))
        return err_set(e, ERR_CONFLICT, "The job of %s is %s: there is nothing to cancel.", j.device,
                       job_state_name(j.state));
    return job_cancel(c->store, j.device_id, c->actor, c->rq->at_ms, e);
}

static int cancel_at_once(struct call *c, struct err *e)
{
    if (store_begin(c->store, e))
        return -1;
    if (cancel(c, e)) {
        store_rollback(c->store);
        return -1;
    }
    return store_commit(c->store, e);
}

void plugin_job(struct call *c)
{
    struct err e = {0};
    if (c->rq->method != API_DELETE)
        kind_detail(c, &jobs);
    else if (cancel_at_once(c, &e))
        answer_err(c, &e);
    else
        answer_empty(c, 204);
}

#include "netbox/write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "inventory/hardware.h"
#include "inventory/image.h"
#include "inventory/tell.h"
#include "netbox/write_plan.h"

#define ACTOR         "netbox"
#define REST_MIN_MS   1000
#define REST_MAX_MS   60000
#define OWED_EVERY_MS INT64_C(600000)
#define SAID_MS       INT64_C(86400000) /* a refusal is said again after a day */
#define IDLE_ENTRIES                                                                                         \
    256 /* entries that call for nothing, after which the position is written down all the same */

struct netbox_write {
    const struct netbox_config *config;
    struct store *store;
    struct netbox_client *client;
    int64_t position, kept; /* the last entry that is done with; the same, as the store has it */
    int64_t journalled;     /* this entry is in NetBox's journal, though it is not done with */
    int64_t at_ms, owed_ms; /* of this run; when what is owed is tried again */
    int64_t rest_until_ms;
    uint32_t rest_ms;
    bool begun;
    struct err error; /* of the walk under way */
};

bool netbox_writes(const struct netbox_config *c)
{
    return *c->url &&
           (c->write.status || c->write.journal || *c->write.release_field || *c->write.hardware_field);
}

struct netbox_write *netbox_write_new(const struct netbox_config *config, struct store *s,
                                      struct netbox_client *c)
{
    struct netbox_write *w = xcalloc(1, sizeof *w);
    w->config = config;
    w->store = s;
    w->client = c;
    return w;
}

void netbox_write_free(struct netbox_write *w)
{
    free(w);
}

/* ---- one device */

/* Where it stands, as NetBox is told. *hardware is the caller's to json_decref. */
static int facts_of(struct netbox_write *w, const struct device *d, struct write_facts *f,
                    char release[ASSIGNED_SIZE], json_t **hardware, struct err *e)
{
    struct release r;
    struct str text = {0};
    struct err why = {0};
    *hardware = NULL;
    *release = '\0';
    if (*d->installed_digest) {
        if (release_by_digest(w->store, d->installed_digest, &r, e) < 0) {
            return -1;
        }
        snprintf(release, ASSIGNED_SIZE, "%s@%s", r.image, r.version);
    }
    int got = hardware_get(w->store, d->id, &text, &why);
    *hardware = got == 0 ? json_loads(text.s, 0, NULL) : NULL;
    str_free(&text);
    if (got < 0 && why.kind != ERR_NOT_FOUND) {
        *e = why;
        return -1;
    }
    *f = (struct write_facts){.state = d->state, .release = release, .hardware = *hardware};
    return 0;
}

/* NetBox has no such custom field: ERR_INPUT, when all else was told. */
static int object_tell(struct netbox_write *w, const struct device *d, unsigned wanted, struct err *e)
{
    char path[96], release[ASSIGNED_SIZE], missing[NETBOX_NAME] = "";
    struct write_facts facts;
    json_t *hardware, *now = NULL, *patch = NULL;
    if (facts_of(w, d, &facts, release, &hardware, e) < 0) {
        return -1;
    }
    snprintf(path, sizeof path, "dcim/devices/%" PRId64 "/?fields=id,status,custom_fields", d->netbox_id);
    int r = netbox_get(w->client, path, &now, e);
    *strchr(path, '?') = '\0';
    if (r == 0 && (patch = write_patch(w->config, wanted, &facts, now, missing))) {
        r = netbox_send(w->client, "PATCH", path, patch, NULL, e);
    }
    if (r == 0 && *missing) {
        r = err_set(e, ERR_INPUT,
                    "NetBox has no custom field \"%s\" for devices; make it (object type dcim.device), or "
                    "take it out "
                    "of netbox.write",
                    missing);
    }
    json_decref(patch);
    json_decref(now);
    json_decref(hardware);
    return r;
}

static int entry_tell(struct netbox_write *w, const struct device *d, const struct entry *x, struct err *e)
{
    if (w->journalled == x->id) {
        return 0;
    }
    json_t *body = write_journal_body(x, d->netbox_id);
    int r = netbox_send(w->client, "POST", "extras/journal-entries/", body, NULL, e);
    json_decref(body);
    if (r == 0) {
        w->journalled = x->id;
    }
    return r;
}

/* ---- what NetBox says of it */

/* Is this NetBox's no to this one thing? It may be away, and the store may fail: these are none. */
static bool is_refusal(enum err_kind k)
{
    return k == ERR_REFUSED || k == ERR_INPUT || k == ERR_CONFLICT || k == ERR_NOT_FOUND || k == ERR_CORRUPT;
}

static int say_refused(struct netbox_write *w, const struct device *d, const struct err *why, struct err *e)
{
    log_warn("netbox-refused device=%s error=\"%s\"", d->name, why->text);
    return journal_add_once(w->store, d->id, NULL, ACTOR, "netbox-refused", why->text, w->at_ms - SAID_MS,
                            w->at_ms, e);
}

/* Tells the device's status and fields. What is refused is owed. */
static int tell_object(struct netbox_write *w, const struct device *d, unsigned wanted, bool again,
                       struct err *e)
{
    struct err why = {0};
    if (object_tell(w, d, wanted, &why) == 0) {
        return again ? tell_owed_clear(w->store, d->id, e) : 0;
    }
    if (!is_refusal(why.kind)) {
        *e = why;
        return -1;
    }
    if (why.kind == ERR_NOT_FOUND) { /* it is gone there; the sync will see */
        return tell_owed_clear(w->store, d->id, e);
    }
    if (!again && say_refused(w, d, &why, e) < 0) {
        return -1;
    }
    return tell_owed_add(w->store, d->id, wanted, e);
}

static int tell_entry(struct netbox_write *w, const struct device *d, const struct entry *x, struct err *e)
{
    struct err why = {0};
    if (entry_tell(w, d, x, &why) == 0) {
        return 0;
    }
    if (!is_refusal(why.kind)) {
        *e = why;
        return -1;
    }
    return say_refused(w, d, &why, e);
}

/* ERR_NOT_FOUND: the device is none of NetBox's. */
static int device_of(struct netbox_write *w, int64_t id, struct device *ret, struct err *e)
{
    if (device_get(w->store, id, ret, e) < 0) {
        return -1;
    }
    return ret->netbox_id ? 0 : err_set(e, ERR_NOT_FOUND, "%s is not NetBox's", ret->name);
}

static int tell(struct netbox_write *w, const struct entry *x, unsigned wanted, struct err *e)
{
    struct device d;
    struct err why = {0};
    if (device_of(w, x->device_id, &d, &why) < 0) {
        if (why.kind == ERR_NOT_FOUND) {
            return 0;
        }
        *e = why;
        return -1;
    }
    if (wanted & WRITE_JOURNAL && tell_entry(w, &d, x, e) < 0) {
        return -1;
    }
    return wanted & WRITE_OBJECT ? tell_object(w, &d, wanted & WRITE_OBJECT, false, e) : 0;
}

/* ---- the journal */

static int keep_position(struct netbox_write *w, struct err *e)
{
    if (w->kept == w->position) {
        return 0;
    }
    if (tell_position_put(w->store, w->position, e) < 0) {
        return -1;
    }
    w->kept = w->position;
    return 0;
}

static int on_entry(const struct entry *x, void *ctx)
{
    struct netbox_write *w = ctx;
    unsigned wanted = write_wanted(w->config, x);
    if (netbox_stopped(w->client)) {
        return 1;
    }
    if (wanted && tell(w, x, wanted, &w->error) < 0) {
        return -1;
    }
    w->position = x->id;
    return (wanted || x->id - w->kept >= IDLE_ENTRIES) && keep_position(w, &w->error) < 0 ? -1 : 0;
}

static int on_owed(int64_t device_id, unsigned wanted, void *ctx)
{
    struct netbox_write *w = ctx;
    struct device d;
    struct err why = {0};
    if (netbox_stopped(w->client)) {
        return 1;
    }
    if (device_of(w, device_id, &d, &why) < 0) {
        if (why.kind != ERR_NOT_FOUND) {
            w->error = why;
            return -1;
        }
        return tell_owed_clear(w->store, device_id, &w->error);
    }
    return tell_object(w, &d, wanted, true, &w->error);
}

int netbox_write_begin(const struct netbox_config *config, struct store *s, struct err *e)
{
    int64_t at;
    if (!netbox_writes(config)) {
        return 0;
    }
    if (tell_position(s, &at, e) < 0) {
        return -1;
    }
    return at >= 0 ? 0 : tell_newest(s, &at, e) < 0 ? -1 : tell_position_put(s, at, e);
}

static int begin(struct netbox_write *w, struct err *e)
{
    if (netbox_write_begin(w->config, w->store, e) < 0 || tell_position(w->store, &w->position, e) < 0) {
        return -1;
    }
    w->kept = w->position;
    w->begun = true;
    return 0;
}

static int walk(struct netbox_write *w, struct err *e)
{
    w->error = (struct err){0};
    int r = journal_each(w->store, w->position, 0, 0, on_entry, w, e);
    if (r == 0 && w->at_ms >= w->owed_ms) {
        r = tell_owed_each(w->store, on_owed, w, e);
        w->owed_ms = w->at_ms + OWED_EVERY_MS;
    }
    if (r < 0 && *w->error.text) {
        *e = w->error;
    }
    return r < 0 ? -1 : 0;
}

int netbox_write_run(struct netbox_write *w, int64_t at_ms, struct err *e)
{
    w->at_ms = at_ms;
    if (at_ms < w->rest_until_ms && w->rest_until_ms <= at_ms + REST_MAX_MS) {
        return 0;
    }
    if ((!w->begun && begin(w, e) < 0) || walk(w, e) < 0) {
        w->rest_ms = w->rest_ms == 0                ? REST_MIN_MS
                     : w->rest_ms < REST_MAX_MS / 2 ? w->rest_ms * 2
                                                    : REST_MAX_MS;
        w->rest_until_ms = at_ms + w->rest_ms;
        return -1;
    }
    w->rest_ms = 0;
    w->rest_until_ms = 0;
    return 0;
}

int64_t netbox_write_next(const struct netbox_write *w)
{
    return w->rest_until_ms ? w->rest_until_ms : w->owed_ms;
}

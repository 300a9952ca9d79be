#include "netbox/sync.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/str.h"
#include "netbox/client.h"
#include "netbox/map.h"
#include "netbox/write.h"

#define OVERLAP_S   30   /* a change that was begun earlier may be committed later; and clocks differ */
#define HOLD_S      300  /* what is younger than the last good sync by this may have been missed by it */
#define PIECES_MAX  2000 /* devices that are read one by one; more make a full sync */
#define IDS_AT_ONCE 100

struct run {
    const struct netbox_config *config;
    const struct netbox_run *how;
    struct netbox_client *client;
    struct sync *sync;
    bool full, macs_inside; /* NetBox before 4.2 */
    bool addresses_changed;
    bool configured_anew;
    int64_t since_s,
        began_s; /* the time there when the last good sync began, and when this one did; 0: not known */
    enum sync_kind kind; /* being read */
    bool again;
    int64_t *ids;
    size_t ids_n;
};

/* ---- objects */

static int gateways_stage(struct run *r, const struct mapped *m, const json_t *o, struct err *e)
{
    int64_t context;
    if (r->kind == SYNC_IP && m->row.v[0].type == SYNC_INT && map_is_gateway(r->config, o)) {
        return sync_gateway(r->sync, m->row.v[0].i, e);
    }
    if (r->kind == SYNC_DEVICE && (context = map_context_gateway(r->config, o)) != 0) {
        return sync_gateway(r->sync, context, e);
    }
    return 0;
}

static int mac_inside_stage(struct run *r, const json_t *o, struct err *e)
{
    struct mapped m;
    int rc = map_interface_mac(o, &m, e);
    if (rc == 0) {
        rc = sync_stage(r->sync, &m.row, r->again, e);
        mapped_free(&m);
    }
    return rc < 0 ? -1 : 0;
}

static int on_object(const json_t *o, void *ctx, struct err *e)
{
    struct run *r = ctx;
    struct mapped m;
    int rc = map_object(r->config, r->kind, o, &m, e);
    if (rc == 0) {
        rc = sync_stage(r->sync, &m.row, r->again, e);
        rc = rc == 0 ? gateways_stage(r, &m, o, e) : rc;
    }
    mapped_free(&m);
    if (rc == 0 && r->kind == SYNC_INTERFACE && r->macs_inside) {
        rc = mac_inside_stage(r, o, e);
    }
    return rc < 0 ? -1 : 0;
}

static int read_kind(struct run *r, enum sync_kind kind, const char *filter, bool again, struct err *e)
{
    struct err why = {0};
    r->kind = kind;
    r->again = again;
    if (kind == SYNC_MAC && r->macs_inside) {
        return 0;
    }
    char *query = xasprintf("%s%s%s", map_fields(kind), *filter ? "&" : "", filter);
    int rc = netbox_each(r->client, map_path(kind), query, on_object, r, &why);
    free(query);
    if (rc < 0 && kind == SYNC_MAC && why.kind == ERR_NOT_FOUND) {
        r->macs_inside = true;
        return 0;
    }
    return rc < 0 ? err_set(e, why.kind, "%s", why.text) : 0;
}

/* ---- devices by their numbers */

static int on_id(int64_t id, void *ctx, struct err *e)
{
    struct run *r = ctx;
    (void)e;
    r->ids = xrealloc(r->ids, r->ids_n + 1, sizeof *r->ids);
    r->ids[r->ids_n++] = id;
    return 0;
}

/* "id=5&id=6", of at most IDS_AT_ONCE. */
static char *ids_query(const char *key, const int64_t *ids, size_t n, const char *filter)
{
    struct str q = {0};
    str_add(&q, filter);
    for (size_t i = 0; i < n; i++) {
        str_addf(&q, "%s%s=%lld", q.len ? "&" : "", key, (long long)ids[i]);
    }
    return str_take(&q);
}

static int read_by(struct run *r, enum sync_kind kind, const char *key, const char *filter, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < r->ids_n && rc == 0; i += IDS_AT_ONCE) {
        size_t n = r->ids_n - i < IDS_AT_ONCE ? r->ids_n - i : IDS_AT_ONCE;
        char *query = ids_query(key, r->ids + i, n, filter);
        rc = read_kind(r, kind, query, true, e);
        free(query);
    }
    return rc;
}

/* The devices of r->ids with all that is theirs. */
static int read_devices(struct run *r, struct err *e)
{
    return read_by(r, SYNC_IP, "device_id", "", e) < 0 || read_by(r, SYNC_MAC, "device_id", "", e) < 0 ||
                   read_by(r, SYNC_INTERFACE, "device_id", "", e) < 0 ||
                   read_by(r, SYNC_DEVICE, "id", r->config->filter, e) < 0
               ? -1
               : 0;
}

/* ---- full */

/* Pages may shift while they are read. Who seems to be gone is asked for once more by number. */
static int read_missing(struct run *r, struct err *e)
{
    r->ids_n = 0;
    if (sync_vanished(r->sync, true, on_id, r, e) < 0) {
        return -1;
    }
    return r->ids_n == 0 || r->ids_n > PIECES_MAX ? 0 : read_devices(r, e);
}

static int read_all(struct run *r, struct err *e)
{
    for (int k = 0; k < SYNC_KINDS; k++) {
        if (read_kind(r, (enum sync_kind)k, k == SYNC_DEVICE ? r->config->filter : "", false, e) < 0) {
            return -1;
        }
    }
    return read_missing(r, e);
}

/* ---- incremental */

static bool is_of_device(enum sync_kind kind)
{
    return kind <= SYNC_DEVICE;
}

static int on_changed(const json_t *o, void *ctx, struct err *e)
{
    struct run *r = ctx;
    r->addresses_changed = r->addresses_changed || r->kind == SYNC_IP;
    return sync_touch(r->sync, r->kind, json_integer_value(json_object_get(o, "id")), map_device(r->kind, o),
                      e);
}

static int on_deleted(const json_t *o, void *ctx, struct err *e)
{
    struct run *r = ctx;
    const json_t *type = json_object_get(o, "changed_object_type"),
                 *id = json_object_get(o, "changed_object_id");
    if (!json_is_string(type) || !json_is_integer(id)) {
        return err_set(e, ERR_CORRUPT,
                       "/api/core/object-changes/: an entry does not say which object was changed");
    }
    enum sync_kind kind = sync_kind_of(json_string_value(type));
    r->addresses_changed = r->addresses_changed || kind == SYNC_IP;
    return kind == SYNC_KINDS ? 0 : sync_touch(r->sync, kind, json_integer_value(id), 0, e);
}

#define PLACE "fields=id,device,assigned_object,assigned_object_type,last_updated"

static int list_changed(struct run *r, enum sync_kind kind, const char *since, struct err *e)
{
    struct err why = {0};
    char *query = xasprintf(PLACE "&last_updated__gte=%s", since);
    r->kind = kind;
    int rc = kind == SYNC_MAC && r->macs_inside
                 ? 0
                 : netbox_each(r->client, map_path(kind), query, on_changed, r, &why);
    free(query);
    if (rc < 0 && kind == SYNC_MAC && why.kind == ERR_NOT_FOUND) {
        r->macs_inside = true;
        return 0;
    }
    return rc < 0 ? err_set(e, why.kind, "%s", why.text) : 0;
}

static int changed_kind(struct run *r, enum sync_kind kind, struct err *e)
{
    char since[32];
    map_stamp(r->since_s - OVERLAP_S, since);
    if (is_of_device(kind)) {
        return list_changed(r, kind, since, e);
    }
    char *query = xasprintf("last_updated__gte=%s", since);
    int rc = read_kind(r, kind, query, true, e);
    free(query);
    return rc;
}

/* Who may not see the changes hears of deletions at the next full sync. */
static int deleted(struct run *r, struct err *e)
{
    struct err why = {0};
    char since[32];
    map_stamp(r->since_s - OVERLAP_S, since);
    char *query =
        xasprintf("action=delete&time_after=%s&fields=id,time,changed_object_type,changed_object_id", since);
    int rc = netbox_each(r->client,
                         netbox_version(r->client) >= 401 ? "core/object-changes/" : "extras/object-changes/",
                         query, on_deleted, r, &why);
    free(query);
    return rc < 0 && why.kind != ERR_REFUSED && why.kind != ERR_NOT_FOUND
               ? err_set(e, why.kind, "%s", why.text)
               : 0;
}

/* Of what was named by number alone: whose is it now? */
static int place_touched(struct run *r, enum sync_kind kind, struct err *e)
{
    int rc = 0;
    r->ids_n = 0;
    if (sync_unplaced(r->sync, kind, on_id, r, e) < 0) {
        return -1;
    }
    if (!is_of_device(kind)) {
        return read_by(r, kind, "id", "", e);
    }
    r->kind = kind;
    for (size_t i = 0; i < r->ids_n && rc == 0; i += IDS_AT_ONCE) {
        size_t n = r->ids_n - i < IDS_AT_ONCE ? r->ids_n - i : IDS_AT_ONCE;
        char *query = ids_query("id", r->ids + i, n, PLACE);
        rc = kind == SYNC_MAC && r->macs_inside
                 ? 0
                 : netbox_each(r->client, map_path(kind), query, on_changed, r, e);
        free(query);
    }
    return rc;
}

/* Gateways that are addresses with a tag or a role: all of them, and all prefixes, when one may have moved.
 */
static int gateways_again(struct run *r, struct err *e)
{
    char query[NETBOX_NAME + 16];
    snprintf(query, sizeof query, "%s=%s", r->config->gateway.by == NETBOX_GATEWAY_TAG ? "tag" : "role",
             r->config->gateway.name);
    return read_kind(r, SYNC_PREFIX, "", true, e) < 0 || read_kind(r, SYNC_IP, query, true, e) < 0 ? -1 : 0;
}

static bool gateways_elsewhere(const struct run *r)
{
    return r->config->gateway.by == NETBOX_GATEWAY_TAG || r->config->gateway.by == NETBOX_GATEWAY_ROLE;
}

/* *ret_many: so much has changed that everything is to be read. */
static int read_changed(struct run *r, bool *ret_many, struct err *e)
{
    for (int k = 0; k < SYNC_KINDS; k++) {
        if (changed_kind(r, (enum sync_kind)k, e) < 0) {
            return -1;
        }
    }
    if (deleted(r, e) < 0 || sync_touch_asked(r->sync, e) < 0) {
        return -1;
    }
    for (int k = 0; k < SYNC_KINDS; k++) {
        if (place_touched(r, (enum sync_kind)k, e) < 0) {
            return -1;
        }
    }
    r->ids_n = 0;
    if (sync_touched(r->sync, on_id, r, e) < 0) {
        return -1;
    }
    *ret_many = r->ids_n > PIECES_MAX;
    if (*ret_many) {
        return 0;
    }
    return read_devices(r, e) < 0 ||
                   (gateways_elsewhere(r) && r->addresses_changed && gateways_again(r, e) < 0)
               ? -1
               : 0;
}

/* ---- what is remembered */

/* What the rows on the stage depend on, beside NetBox: another configuration means other rows. */
static void fingerprint(const struct netbox_config *c, char buf[DIGEST_HEX])
{
    struct str s = {0};
    str_addf(&s, "2 %s|%s|%d %s|%s|%s|", c->url, c->filter, (int)c->gateway.by, c->gateway.name,
             c->write.release_field, c->write.hardware_field);
    for (size_t i = 0; i < c->image_n; i++) {
        str_addf(&s, "%d %s %s|", (int)c->image[i].by, c->image[i].name, c->image[i].image);
    }
    for (size_t i = 0; i < c->arm_status_n; i++) {
        str_addf(&s, "%s|", c->arm_status[i]);
    }
    digest_format(digest_sha256(span_of(s.s, s.len)), buf);
    str_free(&s);
}

static int state_number(struct store *s, const char *key, int64_t *ret, struct err *e)
{
    char text[32];
    if (sync_state_get(s, key, text, sizeof text, e) < 0) {
        return -1;
    }
    *ret = strtoll(text, NULL, 10);
    return 0;
}

static int state_put_number(struct store *s, const char *key, int64_t v, struct err *e)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)v);
    return sync_state_put(s, key, text, e);
}

static int success_put(struct run *r, const struct netbox_outcome *o, struct err *e)
{
    struct store *s = sync_store(r->sync);
    char print[DIGEST_HEX], version[16];
    fingerprint(r->config, print);
    snprintf(version, sizeof version, "%u.%u", o->version / 100, o->version % 100);
    int64_t now = now_ms();
    return (o->full && state_put_number(s, "full_ms", now, e) < 0) ||
                   state_put_number(s, "success_ms", now, e) < 0 ||
                   state_put_number(s, "since_s", r->began_s, e) < 0 ||
                   state_put_number(s, "attempt_ms", now, e) < 0 || sync_state_put(s, "error", "", e) < 0 ||
                   sync_state_put(s, "fingerprint", print, e) < 0 ||
                   sync_state_put(s, "url", r->config->url, e) < 0 ||
                   sync_state_put(s, "version", version, e) < 0 ||
                   state_put_number(s, "devices", o->result.devices, e) < 0 ||
                   state_put_number(s, "waiting", o->result.waiting, e) < 0
               ? -1
               : 0;
}

static int success(struct run *r, const struct netbox_outcome *o, struct err *e)
{
    struct store *s = sync_store(r->sync);
    if (store_begin(s, e) < 0) {
        return -1;
    }
    if (success_put(r, o, e) < 0) {
        store_rollback(s);
        return -1;
    }
    return store_commit(s, e);
}

/* Best effort: the reason itself is told in any case. What was staged when it broke off is no transaction of
 * ours to be in: it would be rolled back with this. */
static void failure(struct run *r, const struct err *why)
{
    struct store *s = sync_store(r->sync);
    if (sync_staged(r->sync, NULL) < 0 || store_begin(s, NULL) < 0) {
        return;
    }
    if (state_put_number(s, "attempt_ms", now_ms(), NULL) < 0 ||
        sync_state_put(s, "error", why->text, NULL) < 0 ||
        sync_state_put(s, "url", r->config->url, NULL) < 0) {
        store_rollback(s);
        return;
    }
    store_commit(s, NULL);
}

/* ---- one sync */

static int is_full(struct run *r, bool *ret, struct err *e)
{
    struct store *s = sync_store(r->sync);
    char print[DIGEST_HEX], was[DIGEST_HEX];
    int64_t full_ms = 0, now = now_ms();
    fingerprint(r->config, print);
    if (sync_state_get(s, "fingerprint", was, sizeof was, e) < 0 ||
        state_number(s, "full_ms", &full_ms, e) < 0 || state_number(s, "since_s", &r->since_s, e) < 0) {
        return -1;
    }
    r->configured_anew = *was && strcmp(print, was) != 0;
    *ret = r->how->full || !r->since_s || strcmp(print, was) != 0 || full_ms > now ||
           now - full_ms >= (int64_t)r->config->full_interval_s * 1000;
    return 0;
}

static void options_of(const struct run *r, struct sync_options *o)
{
    const struct netbox_config *c = r->config;
    struct str s = {0};
    str_add(&s, ",");
    for (size_t i = 0; i < c->arm_status_n; i++) {
        str_addf(&s, "%s,", c->arm_status[i]);
    }
    *o = (struct sync_options){
        .full = r->full,
        .max_drop = c->max_drop,
        .accept_drop = r->how->accept_drop,
        .wipe_limit = r->how->wipe_limit,
        .count = r->how->count,
        .expiry_s = r->how->job_expiry_s,
        .stop = r->how->stop,
        .known_s = r->since_s > HOLD_S ? r->since_s - HOLD_S : 0,
        .hold = r->configured_anew,
        .keep_routers = !r->full && (c->gateway.by == NETBOX_GATEWAY_CONTEXT || gateways_elsewhere(r))};
    str_copy(o->arm_status, sizeof o->arm_status, s.s);
    str_free(&s);
}

static int read_netbox(struct run *r, struct netbox_outcome *ret, struct err *e)
{
    bool many = false;
    if (netbox_get(r->client, "status/", NULL, e) < 0) {
        return -1;
    }
    ret->version = netbox_version(r->client);
    r->began_s = netbox_date_s(r->client);
    r->macs_inside = ret->version && ret->version < 402;
    if (!r->full && read_changed(r, &many, e) < 0) {
        return -1;
    }
    if (many) {
        r->full = true;
        return sync_clear(r->sync, e) < 0 ? -1 : read_all(r, e);
    }
    return r->full ? read_all(r, e) : 0;
}

static int run_locked(struct run *r, struct netbox_outcome *ret, struct err *e)
{
    struct sync_options o;
    int64_t began = now_ms();
    if (is_full(r, &r->full, e) < 0) {
        return -1;
    }
    if (read_netbox(r, ret, e) < 0) {
        return -1;
    }
    int64_t read = now_ms();
    ret->full = r->full;
    ret->read_ms = read - began;
    options_of(r, &o);
    if (sync_check(r->sync, &o, e) < 0 || sync_apply(r->sync, &o, now_ms(), &ret->result, e) < 0) {
        return -1;
    }
    ret->apply_ms = now_ms() - read;
    return success(r, ret, e);
}

int netbox_sync(const char *state_dir, const struct netbox_config *c, const struct netbox_run *run,
                struct netbox_outcome *ret, struct err *e)
{
    struct run r = {.config = c, .how = run};
    struct err why = {0};
    memset(ret, 0, sizeof *ret);
    if (sync_open(state_dir, run->stop, &r.sync, e) < 0) {
        return -1;
    }
    if (netbox_write_begin(c, sync_store(r.sync), e) < 0) {
        sync_close(r.sync);
        return -1;
    }
    r.client = netbox_client_new(c, run->stop);
    int rc = run_locked(&r, ret, &why);
    if (rc < 0 && netbox_stopped(r.client)) {
        err_set(e, ERR_UNAVAILABLE, "broken off, since we are to end; the next sync goes on from here");
    } else if (rc < 0) {
        failure(&r, &why);
        err_set(e, why.kind, "%s", why.text);
    }
    netbox_client_free(r.client);
    free(r.ids);
    sync_close(r.sync);
    return rc;
}

/* ---- how things stand */

int netbox_standing(struct store *s, struct netbox_standing *ret, struct err *e)
{
    memset(ret, 0, sizeof *ret);
    return sync_state_get(s, "url", ret->url, sizeof ret->url, e) < 0 ||
                   sync_state_get(s, "error", ret->error, sizeof ret->error, e) < 0 ||
                   sync_state_get(s, "version", ret->version, sizeof ret->version, e) < 0 ||
                   state_number(s, "attempt_ms", &ret->attempt_ms, e) < 0 ||
                   state_number(s, "success_ms", &ret->success_ms, e) < 0 ||
                   state_number(s, "full_ms", &ret->full_ms, e) < 0 ||
                   state_number(s, "devices", &ret->devices, e) < 0 ||
                   state_number(s, "waiting", &ret->waiting, e) < 0 ||
                   sync_fault_count(s, &ret->faults, e) < 0
               ? -1
               : 0;
}

static void age_text(int64_t ms, char buf[32])
{
    int64_t s = ms > 0 ? ms / 1000 : 0;
    if (s < 120) {
        snprintf(buf, 32, "%lld s", (long long)s);
    } else if (s < 7200) {
        snprintf(buf, 32, "%lld min", (long long)s / 60);
    } else if (s < 2 * 86400) {
        snprintf(buf, 32, "%lld h", (long long)s / 3600);
    } else {
        snprintf(buf, 32, "%lld days", (long long)s / 86400);
    }
}

char *netbox_standing_text(const struct netbox_standing *n, int64_t at_ms, char buf[800])
{
    char age[32], time[TIME_STR];
    age_text(at_ms - n->success_ms, age);
    if (!n->success_ms) {
        snprintf(buf, 800, "NetBox has not been read yet%s%s", *n->error ? ": " : "", n->error);
    } else if (*n->error) {
        snprintf(buf, 800, "NetBox's copy is %s old (of %s), and the last sync failed: %s", age,
                 time_format(n->success_ms, time), n->error);
    } else {
        snprintf(buf, 800, "NetBox's copy is %s old", age);
    }
    return buf;
}

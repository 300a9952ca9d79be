/* store_listing: pages for the API (listing.h). Every statement is a literal with the same parameters, so
 * that one function binds them. */
#include "inventory/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/store_job.h"
#include "inventory/store_sql.h"

/* ?1 tenant, ?2 to ?9 the filters in their order, ?10 and ?11 times, ?12 and ?13 numbers, all of which a
 * count has; a page has ?14 from number, ?15 limit, ?16 offset. */
#define ANY(n, what)  " AND (?" #n " IS NULL OR " what " IN (SELECT value FROM json_each(?" #n ")))"
#define MADE(what)    " AND (?10 = 0 OR " what " >= ?10) AND (?11 = 0 OR " what " <= ?11)"
#define BETWEEN(what) " AND " what " > ?12 AND (?13 = 0 OR " what " < ?13)"
#define OF_TENANT     " (?1 = 0 OR d.tenant_id = ?1)"
/* The order is in the text, so that an index can give it: the journal is long. */
#define PAGE(id, order)  " AND " id " >= ?14 ORDER BY " order " LIMIT ?15 OFFSET ?16"
#define COUNT_PARAMETERS 13
#define PAGE_PARAMETERS  16

#define IMAGES " FROM images m WHERE 1" ANY(2, "m.id") ANY(5, "m.name") BETWEEN("m.id")
#define RELEASES                                                                                             \
    " FROM releases r JOIN images m ON m.id = r.image_id WHERE 1" ANY(2, "r.id") ANY(5, "m.name")            \
        ANY(7, "r.digest") ANY(8, "r.version") MADE("r.created_ms") BETWEEN("r.id")
#define JOBS                                                                                                 \
    " FROM jobs j JOIN devices d ON d.id = j.device_id JOIN releases r ON r.id = j.release_id"               \
    " JOIN images m ON m.id = r.image_id WHERE" OF_TENANT ANY(2, "j.id") ANY(3, "d.id") ANY(4, "d.name")     \
        ANY(5, "m.name") ANY(6, "j.state") ANY(7, "j.uuid") MADE("j.created_ms") BETWEEN("j.id")
#define IMAGE_NAME                                                                                           \
    "CASE instr(d.assigned, '@') WHEN 0 THEN d.assigned ELSE substr(d.assigned, 1, instr(d.assigned, '@') "  \
    "- 1) END"
#define ASSIGNMENTS                                                                                          \
    " FROM devices d WHERE d.removed_ms = 0 AND d.assigned <> '' AND" OF_TENANT ANY(2, "d.id") ANY(3,        \
                                                                                                   "d.id")   \
        ANY(4,                                                                                               \
            "d.name") " AND (?5 IS NULL OR d.assigned IN (SELECT value FROM json_each(?5)) OR " IMAGE_NAME   \
                      " IN (SELECT value FROM json_each(?5)))" ANY(6, "d.state") BETWEEN("d.id")
/* What is of no device is for who sees all of them. */
#define EVENTS                                                                                               \
    " FROM journal x LEFT JOIN devices d ON d.id = x.device_id WHERE" OF_TENANT ANY(2, "x.id")               \
        ANY(3, "x.device_id") ANY(4, "x.device COLLATE NOCASE") ANY(7, "x.mac") ANY(8, "x.event")            \
            ANY(9, "x.actor") MADE("x.at_ms") BETWEEN("x.id")
/* The same by an index, when the devices are given: a journal is long. */
#define EVENTS_OF_DEVICES                                                                                    \
    " FROM journal x JOIN devices d ON d.id = x.device_id WHERE x.device_id IN (SELECT value FROM "          \
    "json_each(?3)) AND" OF_TENANT ANY(2, "x.id") ANY(4, "x.device COLLATE NOCASE") ANY(7, "x.mac")          \
        ANY(8, "x.event") ANY(9, "x.actor") MADE("x.at_ms") BETWEEN("x.id")

struct statements {
    const char *count, *page[2][2]; /* by name, from behind */
};
#define STATEMENTS(rows, id, name)                                                                           \
    {                                                                                                        \
        "SELECT count(*)" rows,                                                                              \
        {                                                                                                    \
            {"SELECT " id rows PAGE(id, id), "SELECT " id rows PAGE(id, id " DESC")},                        \
            {                                                                                                \
                "SELECT " id rows PAGE(id, name ", " id),                                                    \
                    "SELECT " id rows PAGE(id, name " DESC, " id " DESC")                                    \
            }                                                                                                \
        }                                                                                                    \
    }
static const struct statements kinds[] = {
    [LISTING_IMAGES] = STATEMENTS(IMAGES, "m.id", "m.name"),
    [LISTING_RELEASES] = STATEMENTS(RELEASES, "r.id", "m.name"),
    [LISTING_JOBS] = STATEMENTS(JOBS, "j.id", "d.name"),
    [LISTING_ASSIGNMENTS] = STATEMENTS(ASSIGNMENTS, "d.id", "d.name"),
    [LISTING_EVENTS] = STATEMENTS(EVENTS, "x.id", "x.device"),
};
static const struct statements events_of_devices = STATEMENTS(EVENTS_OF_DEVICES, "x.id", "x.device");

static const struct statements *statements_of(enum listing_kind kind, const struct listing *l)
{
    return kind == LISTING_EVENTS && l->any[LISTING_DEVICE_ID] ? &events_of_devices : &kinds[kind];
}

static struct db_value list_or_null(const char *json)
{
    return json ? db_t(json) : (struct db_value){.type = DB_NULL};
}

static void bind_listing(const struct listing *l, struct db_value v[PAGE_PARAMETERS])
{
    size_t n = 0;
    v[n++] = db_i(l->tenant_id);
    for (size_t i = 0; i < LISTING_FILTERS; i++)
        v[n++] = list_or_null(l->any[i]);
    v[n++] = db_i(l->since_ms);
    v[n++] = db_i(l->until_ms);
    v[n++] = db_i(l->after_id);
    v[n++] = db_i(l->before_id);
}

int listing_count(struct store *s, enum listing_kind kind, const struct listing *l, int64_t *ret,
                  struct err *e)
{
    struct db_value v[PAGE_PARAMETERS];
    bind_listing(l, v);
    return db_number(s, statements_of(kind, l)->count, v, COUNT_PARAMETERS, ret, e) < 0 ? -1 : 0;
}

int listing_page(struct store *s, enum listing_kind kind, const struct listing *l,
                 const struct listing_page *p, int64_t *ids, size_t *ret_n, struct err *e)
{
    struct db_value v[PAGE_PARAMETERS];
    const struct statements *of = statements_of(kind, l);
    sqlite3_stmt *q;
    size_t n = 0;
    int r;
    bind_listing(l, v);
    v[COUNT_PARAMETERS] = db_i(p->from_id);
    v[COUNT_PARAMETERS + 1] = db_i(p->limit);
    v[COUNT_PARAMETERS + 2] = db_i(p->offset);
    if (db_query(s, of->page[p->by_name][p->from_behind], v, PAGE_PARAMETERS, &q, e) < 0)
        return -1;
    while ((r = db_step(s, q, e)) == 1)
        ids[n++] = db_int(q, 0);
    *ret_n = n;
    return r;
}

/* ---- rows */

int image_get(struct store *s, int64_t id, int64_t tenant_id, struct image *ret, struct err *e)
{
    static const char sql[] = "SELECT m.id, m.name, (SELECT count(*) FROM releases WHERE image_id = m.id),"
                              " (SELECT count(*) FROM devices d WHERE d.removed_ms = 0 AND " IMAGE_NAME
                              " = m.name AND (?2 = 0 OR d.tenant_id = ?2)),"
                              " ifnull((SELECT id FROM releases WHERE image_id = m.id ORDER BY created_ms "
                              "DESC, id DESC LIMIT 1), 0)"
                              " FROM images m WHERE m.id = ?1";
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(id), db_i(tenant_id)), &q, e) < 0)
        return -1;
    int r = db_step(s, q, e);
    if (r != 1)
        return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "there is no image number %lld", (long long)id);
    *ret = (struct image){.id = db_int(q, 0),
                          .releases = db_int(q, 2),
                          .assigned = db_int(q, 3),
                          .newest_release_id = db_int(q, 4)};
    db_text(q, 1, ret->name, sizeof ret->name);
    db_done(q);
    return 0;
}

int release_get(struct store *s, int64_t id, struct release *ret, struct err *e)
{
    sqlite3_stmt *q;
    char digest[DIGEST_HEX];
    if (db_query(s, "SELECT digest FROM releases WHERE id = ?", DB_VALUES(db_i(id)), &q, e) < 0)
        return -1;
    int r = db_step(s, q, e);
    if (r != 1)
        return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "there is no release number %lld", (long long)id);
    db_text(q, 0, digest, sizeof digest);
    db_done(q);
    return release_by_digest(s, digest, ret, e);
}

int release_devices(struct store *s, int64_t id, int64_t tenant_id, int64_t *ret, struct err *e)
{
    return db_number(s,
                     "SELECT count(*) FROM devices d WHERE d.removed_ms = 0 AND d.installed_id = ?1 AND (?2 "
                     "= 0 OR d.tenant_id = ?2)",
                     DB_VALUES(db_i(id), db_i(tenant_id)), ret, e) < 0
               ? -1
               : 0;
}

int job_by_id(struct store *s, int64_t id, struct job *ret, struct err *e)
{
    int64_t known = 0;
    int r = db_number(s, "SELECT id FROM jobs WHERE id = ?", DB_VALUES(db_i(id)), &known, e);
    if (r <= 0)
        return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "there is no job number %lld", (long long)id);
    return job_get(s, id, ret, e);
}

int listing_macs(struct store *s, int64_t tenant_id, const char *device_ids, const char *devices,
                 uint64_t **ret, size_t *ret_n, struct err *e)
{
    static const char sql[] =
        "SELECT a.mac FROM mac_addresses a JOIN interfaces f ON f.id = a.interface_id JOIN devices d ON d.id "
        "= f.device_id"
        " WHERE d.removed_ms = 0 AND" OF_TENANT
        " AND (?2 IS NULL OR d.id IN (SELECT value FROM json_each(?2)))"
        " AND (?3 IS NULL OR d.name IN (SELECT value FROM json_each(?3))) ORDER BY a.mac";
    struct db_ids macs = {0};
    if (db_ids(s, sql, DB_VALUES(db_i(tenant_id), list_or_null(device_ids), list_or_null(devices)), &macs,
               e) < 0) {
        free(macs.id);
        return -1;
    }
    *ret = xcalloc(macs.n + 1, sizeof **ret);
    for (size_t i = 0; i < macs.n; i++)
        (*ret)[i] = (uint64_t)macs.id[i];
    *ret_n = macs.n;
    free(macs.id);
    return 0;
}

/* store_image: images and their releases. */
#include "inventory/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/store_sql.h"

#define RELEASE                                                                                              \
    "SELECT r.id, m.name, r.version, r.digest, r.disk_size, r.data_size, r.pack_size, r.created_ms"          \
    " FROM releases r JOIN images m ON m.id = r.image_id "
#define NEWEST "ORDER BY r.created_ms DESC, r.id DESC"

static void release_read(sqlite3_stmt *q, struct release *r)
{
    memset(r, 0, sizeof *r);
    r->id = db_int(q, 0);
    db_text(q, 1, r->image, sizeof r->image);
    db_text(q, 2, r->version, sizeof r->version);
    db_text(q, 3, r->digest, sizeof r->digest);
    r->disk_size = (uint64_t)db_int(q, 4);
    r->data_size = (uint64_t)db_int(q, 5);
    r->pack_size = (uint64_t)db_int(q, 6);
    r->created_ms = db_int(q, 7);
}

/* How many rows there are (2 for two or more), the first of them in *ret; -1. */
static int release_load(struct store *s, const char *sql, const struct db_value *v, size_t n,
                        struct release *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, v, n, &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r != 1) {
        return r;
    }
    release_read(q, ret);
    r = db_step(s, q, e);
    if (r == 1) {
        db_done(q);
    }
    return r < 0 ? -1 : r + 1;
}

static int image_id(struct store *s, const char *name, int64_t *ret, struct err *e)
{
    int r = db_number(s, "SELECT id FROM images WHERE name = ?", DB_VALUES(db_t(name)), ret, e);
    if (r != 0) {
        return r < 0 ? -1 : 0;
    }
    if (db_run(s, "INSERT INTO images (name) VALUES (?)", DB_VALUES(db_t(name)), e) < 0) {
        return -1;
    }
    *ret = db_last_id(s);
    return 0;
}

static int put_locked(struct store *s, const struct release *r, const char *actor, struct err *e)
{
    static const char sql[] =
        "INSERT INTO releases (image_id, version, digest, disk_size, data_size, pack_size, created_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)";
    struct release old;
    int64_t image = 0;
    int n = release_load(s, RELEASE "WHERE r.digest = ?", DB_VALUES(db_t(r->digest)), &old, e);
    if (n != 0) {
        return n < 0 ? -1 : 0; /* the same bytes are the same release */
    }
    n = release_load(s, RELEASE "WHERE m.name = ? AND r.version = ?",
                     DB_VALUES(db_t(r->image), db_t(r->version)), &old, e);
    if (n != 0) {
        return n < 0 ? -1
                     : err_set(e, ERR_CONFLICT,
                               "%s@%s exists already, with the digest %.12s; a release never changes: give "
                               "this one another version",
                               r->image, r->version, old.digest);
    }
    if (image_id(s, r->image, &image, e) < 0 ||
        db_run(s, sql,
               DB_VALUES(db_i(image), db_t(r->version), db_t(r->digest), db_i((int64_t)r->disk_size),
                         db_i((int64_t)r->data_size), db_i((int64_t)r->pack_size), db_i(r->created_ms)),
               e) < 0) {
        return -1;
    }
    char detail[NAME_SIZE * 2 + 40];
    snprintf(detail, sizeof detail, "%s@%s, digest %.12s", r->image, r->version, r->digest);
    return journal_add(s, 0, NULL, actor, "release", detail, now_ms(), e);
}

int release_put(struct store *s, const struct release *r, const char *actor, struct err *e)
{
    struct digest d;
    char hex[DIGEST_HEX];
    if (name_check("image's name", r->image, e) < 0 || name_check("release's version", r->version, e) < 0 ||
        digest_parse(r->digest, &d, e) < 0) {
        return -1;
    }
    struct release normal = *r;
    str_copy(normal.digest, sizeof normal.digest, digest_format(d, hex));
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, put_locked(s, &normal, actor, e), e);
}

/* "no release ...; there are debian-12, rescue" */
static int not_found(struct store *s, const char *ref, struct err *e)
{
    struct str names = {0};
    sqlite3_stmt *q;
    int r = db_query(s, "SELECT name FROM images ORDER BY name LIMIT 20", NULL, 0, &q, e);
    while (r >= 0 && (r = db_step(s, q, e)) == 1) {
        char name[NAME_SIZE];
        db_text(q, 0, name, sizeof name);
        str_addf(&names, "%s%s", names.len ? ", " : "", name);
    }
    if (r == 0 && names.len) {
        err_set(e, ERR_NOT_FOUND, "there is no image or release \"%.140s\"; the images are: %s", ref,
                names.s);
    } else if (r == 0) {
        err_set(e, ERR_NOT_FOUND,
                "there is no image or release \"%.140s\": no image was built yet; `rackstrap image build "
                "RECIPE` builds one",
                ref);
    }
    str_free(&names);
    return -1;
}

static bool is_digest_start(const char *ref)
{
    size_t n = strspn(ref, "0123456789abcdef");
    return n >= 12 && n <= 64 && ref[n] == '\0';
}

/* A prefix of hex digits is a range of text: "abc" <= digest < "abcg", and 'g' sorts after every hex digit.
 */
static int find_by_digest(struct store *s, const char *ref, struct release *ret, struct err *e)
{
    char end[DIGEST_HEX + 1];
    snprintf(end, sizeof end, "%sg", ref);
    int n = release_load(s, RELEASE "WHERE r.digest >= ? AND r.digest < ?", DB_VALUES(db_t(ref), db_t(end)),
                         ret, e);
    if (n == 2) {
        return err_set(e, ERR_CONFLICT, "several releases' digests begin with %s; give more of it", ref);
    }
    return n;
}

int release_find(struct store *s, const char *ref, struct release *ret, struct err *e)
{
    char image[NAME_SIZE];
    struct release r;
    const char *at = strchr(ref, '@');
    int n;
    if (at) {
        if ((size_t)(at - ref) >= sizeof image) {
            return not_found(s, ref, e);
        }
        memcpy(image, ref, (size_t)(at - ref));
        image[at - ref] = '\0';
        n = release_load(s, RELEASE "WHERE m.name = ? AND r.version = ?",
                         DB_VALUES(db_t(image), db_t(at + 1)), &r, e);
    } else {
        n = release_load(s, RELEASE "WHERE m.name = ? " NEWEST " LIMIT 1", DB_VALUES(db_t(ref)), &r, e);
        if (n == 0 && is_digest_start(ref)) {
            n = find_by_digest(s, ref, &r, e);
        }
    }
    if (n <= 0) {
        return n < 0 ? -1 : not_found(s, ref, e);
    }
    *ret = r;
    return 0;
}

int release_by_digest(struct store *s, const char *digest, struct release *ret, struct err *e)
{
    int n = release_load(s, RELEASE "WHERE r.digest = ?", DB_VALUES(db_t(digest)), ret, e);
    return n < 0   ? -1
           : n > 0 ? 0
                   : err_set(e, ERR_NOT_FOUND, "there is no release with the digest %.64s", digest);
}

int release_each(struct store *s, const char *image, release_fn *fn, void *ctx, struct err *e)
{
    struct db_ids ids = {0};
    struct release x;
    int r =
        image ? db_ids(
                    s,
                    "SELECT r.id FROM releases r JOIN images m ON m.id = r.image_id WHERE m.name = ? " NEWEST,
                    DB_VALUES(db_t(image)), &ids, e)
              : db_ids(s, "SELECT r.id FROM releases r " NEWEST, NULL, 0, &ids, e);
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        r = release_load(s, RELEASE "WHERE r.id = ?", DB_VALUES(db_i(ids.id[i])), &x, e);
        r = r < 0 ? -1 : r > 0 ? fn(&x, ctx) : 0;
    }
    free(ids.id);
    return r;
}

/* store_journal: the chain of entries. */
#include "inventory/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/store_sql.h"

#define CHUNK 64 /* entries fetched at once */

/* What is hashed: the hash before (32 bytes of zero for the first), three numbers, five texts with their
 * lengths. */
static void add_number(struct sha256 *h, uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++) {
        b[i] = (uint8_t)(v >> (56 - 8 * i));
    }
    sha256_add(h, b, sizeof b);
}

static void add_text(struct sha256 *h, const char *s)
{
    add_number(h, strlen(s));
    sha256_add(h, s, strlen(s));
}

static struct digest entry_hash(const struct digest *before, const struct entry *x)
{
    struct sha256 *h = sha256_new();
    sha256_add(h, before->b, DIGEST_SIZE);
    add_number(h, (uint64_t)x->id);
    add_number(h, (uint64_t)x->at_ms);
    add_number(h, (uint64_t)x->device_id);
    add_text(h, x->device);
    add_text(h, x->mac);
    add_text(h, x->actor);
    add_text(h, x->event);
    add_text(h, x->detail);
    return sha256_end(h);
}

static void column_digest(sqlite3_stmt *q, int column, struct digest *ret)
{
    memset(ret, 0, sizeof *ret);
    const void *p = sqlite3_column_blob(q, column);
    if (p && sqlite3_column_bytes(q, column) == DIGEST_SIZE) {
        memcpy(ret->b, p, DIGEST_SIZE);
    }
}

static int last_entry(struct store *s, int64_t *ret_id, struct digest *ret_hash, struct err *e)
{
    sqlite3_stmt *q;
    *ret_id = 0;
    memset(ret_hash, 0, sizeof *ret_hash);
    if (db_query(s, "SELECT id, hash FROM journal ORDER BY id DESC LIMIT 1", NULL, 0, &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        *ret_id = db_int(q, 0);
        column_digest(q, 1, ret_hash);
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

static int device_name(struct store *s, int64_t id, char name[NAME_SIZE], struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, "SELECT name FROM devices WHERE id = ?", DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 0) {
        return err_set(e, ERR_NOT_FOUND, "there is no device number %lld", (long long)id);
    }
    if (r == 1) {
        db_text(q, 0, name, NAME_SIZE);
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

/* A cut, ours or an earlier one, must not leave half a UTF-8 character. */
static void copy_cut(char *buf, size_t size, const char *s)
{
    (void)str_copy(buf, size, s ? s : "");
    size_t n = strlen(buf), more = 0;
    while (more < n && more < 3 && ((unsigned char)buf[n - 1 - more] & 0xc0) == 0x80) {
        more++;
    }
    unsigned char first = more < n ? (unsigned char)buf[n - 1 - more] : 0;
    size_t wanted = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    if (more < wanted) {
        buf[n - 1 - more] = '\0';
    }
}

static int append(struct store *s, struct entry *x, struct err *e)
{
    struct digest before;
    if (x->device_id && device_name(s, x->device_id, x->device, e) < 0) {
        return -1;
    }
    if (last_entry(s, &x->id, &before, e) < 0) {
        return -1;
    }
    x->id++;
    struct digest hash = entry_hash(&before, x);
    return db_run(s,
                  "INSERT INTO journal (id, at_ms, device_id, device, mac, actor, event, detail, hash) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  DB_VALUES(db_i(x->id), db_i(x->at_ms), db_ref(x->device_id), db_t(x->device), db_t(x->mac),
                            db_t(x->actor), db_t(x->event), db_t(x->detail), db_digest(&hash)),
                  e);
}

int journal_add(struct store *s, int64_t device_id, const struct mac *m, const char *actor, const char *event,
                const char *detail, int64_t at_ms, struct err *e)
{
    struct entry x = {.at_ms = at_ms, .device_id = device_id};
    if (m) {
        mac_format(*m, x.mac);
    }
    copy_cut(x.actor, sizeof x.actor, actor);
    copy_cut(x.event, sizeof x.event, event);
    copy_cut(x.detail, sizeof x.detail, detail);
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, append(s, &x, e), e);
}

/* 1, 0 or -1. A device's last few entries are enough: what lies further back is another boot. What lies ahead
 * was said before the clock was set back, and would be in the way until the clock is there again. */
static int was_said(struct store *s, int64_t device_id, const char *event, const char *detail,
                    int64_t since_ms, int64_t at_ms, struct err *e)
{
    static const char sql[] = "SELECT 1 FROM (SELECT at_ms, event, detail FROM journal WHERE device_id = ? "
                              "ORDER BY id DESC LIMIT 16) WHERE event = ? AND detail = ? AND at_ms > ? AND "
                              "at_ms <= ?";
    char cut[sizeof((struct entry *)0)->detail];
    int64_t one;
    copy_cut(cut, sizeof cut, detail);
    return db_number(s, sql, DB_VALUES(db_i(device_id), db_t(event), db_t(cut), db_i(since_ms), db_i(at_ms)),
                     &one, e);
}

int journal_add_once(struct store *s, int64_t device_id, const struct mac *m, const char *actor,
                     const char *event, const char *detail, int64_t since_ms, int64_t at_ms, struct err *e)
{
    int r = was_said(s, device_id, event, detail, since_ms, at_ms, e);
    if (r != 0) {
        return r < 0 ? -1 : 0; /* most repetitions end here, without the write lock */
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    r = was_said(s, device_id, event, detail, since_ms, at_ms, e);
    if (r == 0) {
        r = journal_add(s, device_id, m, actor, event, detail, at_ms, e);
    }
    return db_end(s, r < 0 ? -1 : 0, e);
}

static void entry_read(sqlite3_stmt *q, struct entry *x, struct digest *hash)
{
    memset(x, 0, sizeof *x);
    x->id = db_int(q, 0);
    x->at_ms = db_int(q, 1);
    x->device_id = db_int(q, 2);
    db_text(q, 3, x->device, sizeof x->device);
    db_text(q, 4, x->mac, sizeof x->mac);
    db_text(q, 5, x->actor, sizeof x->actor);
    db_text(q, 6, x->event, sizeof x->event);
    db_text(q, 7, x->detail, sizeof x->detail);
    column_digest(q, 8, hash);
}

struct chunk {
    size_t n;
    struct entry x[CHUNK];
    struct digest hash[CHUNK];
};

#define ENTRY "SELECT id, at_ms, device_id, device, mac, actor, event, detail, hash FROM journal"

static int chunk_read(struct store *s, int64_t after_id, int64_t device_id, struct chunk *c, struct err *e)
{
    sqlite3_stmt *q;
    int r = device_id ? db_query(s, ENTRY " WHERE device_id = ? AND id > ? ORDER BY id LIMIT ?",
                                 DB_VALUES(db_i(device_id), db_i(after_id), db_i(CHUNK)), &q, e)
                      : db_query(s, ENTRY " WHERE id > ? ORDER BY id LIMIT ?",
                                 DB_VALUES(db_i(after_id), db_i(CHUNK)), &q, e);
    c->n = 0;
    if (r < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        entry_read(q, &c->x[c->n], &c->hash[c->n]);
        c->n++;
    }
    return r;
}

/* Moves *after_id so that at most `last` entries follow it. */
static int skip_to_last(struct store *s, int64_t device_id, size_t last, int64_t *after_id, struct err *e)
{
    int64_t first = 0;
    int r = device_id
                ? db_number(s, "SELECT id FROM journal WHERE device_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
                            DB_VALUES(db_i(device_id), db_i((int64_t)last - 1)), &first, e)
                : db_number(s, "SELECT id FROM journal ORDER BY id DESC LIMIT 1 OFFSET ?",
                            DB_VALUES(db_i((int64_t)last - 1)), &first, e);
    if (r == 1 && first - 1 > *after_id) {
        *after_id = first - 1;
    }
    return r < 0 ? -1 : 0;
}

int journal_each(struct store *s, int64_t after_id, int64_t device_id, size_t last, entry_fn *fn, void *ctx,
                 struct err *e)
{
    if (last > 0 && skip_to_last(s, device_id, last, &after_id, e) < 0) {
        return -1;
    }
    struct chunk *c = xcalloc(1, sizeof *c);
    int r;
    while ((r = chunk_read(s, after_id, device_id, c, e)) == 0 && c->n > 0) {
        for (size_t i = 0; i < c->n && r == 0; i++) {
            r = fn(&c->x[i], ctx);
        }
        if (r != 0) {
            break;
        }
        after_id = c->x[c->n - 1].id;
    }
    free(c);
    return r;
}

static int chunk_verify(const struct chunk *c, struct digest *before, int64_t *id, struct err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct entry *x = &c->x[i];
        if (x->id != *id + 1) {
            return err_set(e, ERR_CORRUPT, "the journal has no entry %lld: it was taken out",
                           (long long)*id + 1);
        }
        if (!digest_eq(entry_hash(before, x), c->hash[i])) {
            return err_set(
                e, ERR_CORRUPT,
                "the journal's entry %lld is not what was written, or the one before it was replaced",
                (long long)x->id);
        }
        *before = c->hash[i];
        *id = x->id;
    }
    return 0;
}

int journal_verify(struct store *s, size_t *ret_n, struct err *e)
{
    struct digest before = {{0}};
    struct chunk *c = xcalloc(1, sizeof *c);
    int64_t id = 0;
    int r;
    while ((r = chunk_read(s, id, 0, c, e)) == 0 && c->n > 0) {
        if ((r = chunk_verify(c, &before, &id, e)) < 0) {
            break;
        }
    }
    if (r == 0 && ret_n) {
        *ret_n = (size_t)id;
    }
    free(c);
    return r;
}

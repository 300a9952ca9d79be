/* store_journal: the chain of entries. */
#include "inventory/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "inventory/store_sql.h"

#define CHUNK 64 /* entries fetched at once */

/* What is hashed is in README.md: the hash before (32 bytes of zero for the first), numbers, texts with their
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

/* A form beyond the first says so by a number that stands where the first form has the entry's, which is
 * never negative: no entry of one form has the bytes of another's. */
static struct digest entry_hash(const struct digest *before, const struct entry *x)
{
    struct sha256 *h = sha256_new();
    sha256_add(h, before->b, DIGEST_SIZE);
    if (x->form > 1) {
        add_number(h, (uint64_t) - (int64_t)x->form);
    }
    add_number(h, (uint64_t)x->id);
    add_number(h, (uint64_t)x->at_ms);
    add_number(h, (uint64_t)x->device_id);
    const char *const texts[] = {x->device, x->mac,     x->actor,  x->event,
                                 x->detail, x->address, x->before, x->after};
    for (size_t i = 0; i < (x->form > 1 ? 8 : 5); i++) {
        add_text(h, texts[i]);
    }
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

/* The last entry's number and hash, as they were kept beside the journal: an end that is cut off leaves a gap
 * before what is written next. */
static int head_read(struct store *s, int64_t *ret_id, struct digest *ret_hash, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, "SELECT id, hash FROM journal_head", NULL, 0, &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        *ret_id = db_int(q, 0);
        column_digest(q, 1, ret_hash);
        db_done(q);
        return 0;
    }
    return r < 0 ? -1 : err_set(e, ERR_CORRUPT, "the journal's head was taken out of the store");
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

/* All of s that is left is the beginning of a character: what a cut leaves. */
static bool is_half(const char *s)
{
    unsigned char first = (unsigned char)*s;
    size_t wanted = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0, n = 1;
    while (((unsigned char)s[n] & 0xc0) == 0x80) {
        n++;
    }
    return !s[n] && n <= wanted;
}

/* UTF-8 whatever it was, so that an export can say it; a cut, ours or an earlier one, leaves no half
 * character.
 */
static void copy_text(char *buf, size_t size, const char *s)
{
    size_t n = s ? strlen(s) : 0, at = 0, to = 0;
    while (at < n) {
        size_t len = str_utf8(s + at, n - at), step = len ? len : 1;
        if (to + step >= size || (!len && is_half(s + at))) {
            break;
        }
        memcpy(buf + to, len ? s + at : "?", step);
        at += step;
        to += step;
    }
    buf[to] = '\0';
}

static int insert(struct store *s, const struct entry *x, const struct digest *hash, struct err *e)
{
    static const char sql[] = "INSERT INTO journal (id, at_ms, device_id, device, mac, actor, event, detail, "
                              "form, address, before_json, after_json, hash) "
                              "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    if (db_run(s, sql,
               DB_VALUES(db_i(x->id), db_i(x->at_ms), db_ref(x->device_id), db_t(x->device), db_t(x->mac),
                         db_t(x->actor), db_t(x->event), db_t(x->detail), db_i(x->form), db_t(x->address),
                         db_t(x->before), db_t(x->after), db_digest(hash)),
               e) < 0) {
        return -1;
    }
    return db_run(s, "UPDATE journal_head SET id = ?, hash = ?", DB_VALUES(db_i(x->id), db_digest(hash)), e);
}

static int append(struct store *s, struct entry *x, struct err *e)
{
    struct digest before;
    if (x->device_id && device_name(s, x->device_id, x->device, e) < 0) {
        return -1;
    }
    if (head_read(s, &x->id, &before, e) < 0) {
        return -1;
    }
    x->id++;
    x->form = 2;
    struct digest hash = entry_hash(&before, x);
    return insert(s, x, &hash, e);
}

int journal_add_change(struct store *s, int64_t device_id, const struct mac *m, const char *actor,
                       const char *event, const char *detail, const struct change *change, int64_t at_ms,
                       struct err *e)
{
    struct entry x = {.at_ms = at_ms, .device_id = device_id};
    if (m) {
        mac_format(*m, x.mac);
    }
    copy_text(x.actor, sizeof x.actor, actor);
    copy_text(x.event, sizeof x.event, event);
    copy_text(x.detail, sizeof x.detail, detail);
    copy_text(x.address, sizeof x.address, db_asker(s));
    change_end(change, x.before, x.after);
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, append(s, &x, e), e);
}

int journal_add(struct store *s, int64_t device_id, const struct mac *m, const char *actor, const char *event,
                const char *detail, int64_t at_ms, struct err *e)
{
    return journal_add_change(s, device_id, m, actor, event, detail, &(struct change){.left_out = 0}, at_ms,
                              e);
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
    copy_text(cut, sizeof cut, detail);
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

static void entry_read(sqlite3_stmt *q, struct entry *x)
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
    column_digest(q, 8, &x->hash);
    x->form = (int)db_int(q, 9);
    db_text(q, 10, x->address, sizeof x->address);
    db_text(q, 11, x->before, sizeof x->before);
    db_text(q, 12, x->after, sizeof x->after);
    column_digest(q, 13, &x->prev);
}

struct chunk {
    size_t n;
    struct entry x[CHUNK];
};

#define ENTRY                                                                                                \
    "SELECT id, at_ms, device_id, device, mac, actor, event, detail, hash, form, address, before_json, "     \
    "after_json, (SELECT p.hash FROM journal p WHERE p.id = journal.id - 1) FROM journal"

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
        entry_read(q, &c->x[c->n++]);
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

int journal_get(struct store *s, int64_t id, struct entry *ret, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, ENTRY " WHERE id = ?", DB_VALUES(db_i(id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r != 1) {
        return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "the journal has no entry %lld", (long long)id);
    }
    entry_read(q, ret);
    db_done(q);
    return 0;
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

/* The chain as far as it was walked. */
struct walk {
    int64_t id;
    struct digest hash;
    int64_t head_id; /* where it ended when the walk began */
    struct digest head;
    const struct digest *expect;
    int64_t expected;
};

/* What the hash of the entry's form does not cover cannot have been written with it. */
static bool says_unhashed(const struct entry *x)
{
    return x->form < 1 || (x->form == 1 && (x->address[0] || x->before[0] || x->after[0]));
}

static int entry_verify(struct walk *w, const struct entry *x, struct err *e)
{
    if (x->id != w->id + 1) {
        return err_set(e, ERR_CORRUPT, "the journal has no entry %lld: it was taken out",
                       (long long)w->id + 1);
    }
    if (says_unhashed(x) || !digest_eq(entry_hash(&w->hash, x), x->hash)) {
        return err_set(e, ERR_CORRUPT,
                       "the journal's entry %lld is not what was written, or the one before it was replaced",
                       (long long)x->id);
    }
    if (x->id == w->head_id && !digest_eq(x->hash, w->head)) {
        return err_set(e, ERR_CORRUPT,
                       "the journal's entry %lld was replaced: it was the last, with another hash",
                       (long long)x->id);
    }
    w->hash = x->hash;
    w->id = x->id;
    if (w->expect && digest_eq(*w->expect, x->hash)) {
        w->expected = x->id;
    }
    return 0;
}

/* The walk's end against what is kept of it. Entries may have been added meanwhile, but never fewer be there
 * than before, nor more than now. */
static int end_verify(struct store *s, const struct walk *w, struct err *e)
{
    int64_t now_id;
    struct digest now;
    if (head_read(s, &now_id, &now, e) < 0) {
        return -1;
    }
    if (w->id < w->head_id) {
        return err_set(e, ERR_CORRUPT,
                       "the journal ends with entry %lld, and %lld had been written: its end was cut off",
                       (long long)w->id, (long long)w->head_id);
    }
    if (w->id > now_id) {
        return err_set(e, ERR_CORRUPT, "the journal's entries after %lld were put in by someone else",
                       (long long)now_id);
    }
    if (w->expect && !w->expected) {
        return err_set(
            e, ERR_CORRUPT,
            "no entry of the journal has the expected hash: it was written anew, or cut off before "
            "that entry");
    }
    return 0;
}

static int walk_verify(struct store *s, struct walk *w, struct err *e)
{
    struct chunk *c = xcalloc(1, sizeof *c);
    int r;
    while ((r = chunk_read(s, w->id, 0, c, e)) == 0 && c->n > 0) {
        for (size_t i = 0; i < c->n && r == 0; i++) {
            r = entry_verify(w, &c->x[i], e);
        }
        if (r < 0) {
            break;
        }
    }
    free(c);
    return r < 0 ? -1 : end_verify(s, w, e);
}

int journal_prove(struct store *s, const struct digest *expect, struct journal_proof *ret, struct err *e)
{
    struct walk w = {.expect = expect};
    if (head_read(s, &w.head_id, &w.head, e) < 0 || walk_verify(s, &w, e) < 0) {
        return -1;
    }
    *ret = (struct journal_proof){.n = (size_t)w.id, .head = w.hash, .expected = w.expected};
    return 0;
}

int journal_verify(struct store *s, size_t *ret_n, struct err *e)
{
    struct journal_proof p;
    if (journal_prove(s, NULL, &p, e) < 0) {
        return -1;
    }
    if (ret_n) {
        *ret_n = p.n;
    }
    return 0;
}

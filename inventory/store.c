/* store: opening, migrations, transactions, and the statements that are kept prepared. */
#include "inventory/store_sql.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

#define BUSY_MS     10000
#define CACHE_SLOTS 512 /* a power of two, several times the number of statements that we have */

struct cached {
    const char *sql; /* the literal's address is its key */
    sqlite3_stmt *stmt;
};

struct store {
    sqlite3 *db;
    char *path;
    int depth; /* of transactions: 1 is BEGIN, more are savepoints */
    int patience_ms;
    bool snapshot, full;
    const struct db_limit *limit; /* of what runs now; NULL: none */
    int64_t data_version;
    char asker[ASKER_SIZE];
    struct cached cache[CACHE_SLOTS];
};

/* ---- errors */

static int fail_sentence(struct store *s, int code, int sys, struct err *e)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(
            e, ERR_UNAVAILABLE,
            "%s: another process has kept it locked for %g s; try again, and look for a rackstrap that hangs",
            s->path, s->patience_ms / 1000.0);
    case SQLITE_INTERRUPT:
        return err_set(e, ERR_UNAVAILABLE, "the search took too long and was ended; ask for less");
    case SQLITE_FULL:
        return err_set(e, ERR_IO, "%s: the disk is full; free some space and try again", s->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(e, ERR_CORRUPT, "%s: damaged (%s); restore it from a backup", s->path,
                       sqlite3_errmsg(s->db));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        if (code == SQLITE_CANTOPEN_SYMLINK) {
            return err_set(
                e, ERR_IO,
                "%s: is a symbolic link, which root must not follow; put the file itself there, or move the "
                "whole state_dir",
                s->path);
        }
        return err_set(
            e, ERR_IO,
            "%s: cannot be opened for writing (%s); check its owner, its folder and the space left", s->path,
            sys ? strerror(sys) : sqlite3_errmsg(s->db));
    default:
        return err_set(e, code == SQLITE_CONSTRAINT ? ERR_CONFLICT : ERR_IO, "%s: %s%s%s", s->path,
                       sqlite3_errmsg(s->db), sys ? ": " : "", sys ? strerror(sys) : "");
    }
}

static int db_fail(struct store *s, struct err *e)
{
    int code = sqlite3_extended_errcode(s->db);
    int sys = sqlite3_system_errno(s->db);
    if (sys == ENOSPC || sys == EDQUOT) {
        code = SQLITE_FULL;
    }
    s->full = (code & 0xff) == SQLITE_FULL;
    if ((code & 0xff) == SQLITE_CONSTRAINT) {
        code = SQLITE_CONSTRAINT;
    }
    return fail_sentence(s, code, sys, e);
}

/* ---- statements */

struct db_value db_t(const char *s)
{
    s = s ? s : "";
    return (struct db_value){.type = DB_TEXT, .p = s, .n = strlen(s)};
}

struct db_value db_digest(const struct digest *d)
{
    return (struct db_value){.type = DB_BLOB, .p = d->b, .n = DIGEST_SIZE};
}

struct db_value db_span(struct span v)
{
    return (struct db_value){.type = DB_BLOB, .p = v.p, .n = v.n};
}

static struct cached *cache_slot(struct store *s, const char *sql)
{
    size_t i = ((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 32;
    for (;; i++) {
        struct cached *c = &s->cache[i & (CACHE_SLOTS - 1)];
        if (!c->sql || c->sql == sql) {
            return c;
        }
    }
}

static int statement(struct store *s, const char *sql, sqlite3_stmt **ret, struct err *e)
{
    struct cached *c = cache_slot(s, sql);
    if (!c->sql) {
        if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c->stmt, NULL) != SQLITE_OK) {
            return db_fail(s, e);
        }
        c->sql = sql;
    }
    assert(!sqlite3_stmt_busy(c->stmt));
    *ret = c->stmt;
    return 0;
}

static int bind(sqlite3_stmt *q, int i, const struct db_value *v)
{
    switch (v->type) {
    case DB_INT:
        return sqlite3_bind_int64(q, i, v->i);
    case DB_REAL:
        return sqlite3_bind_double(q, i, v->real);
    case DB_TEXT:
        return sqlite3_bind_text(q, i, v->p, (int)v->n, SQLITE_STATIC);
    case DB_BLOB:
        return sqlite3_bind_blob(q, i, v->p, (int)v->n, SQLITE_STATIC);
    case DB_NULL:
        break;
    }
    return sqlite3_bind_null(q, i);
}

/* SQLite may have rolled a transaction back by itself (disk full). What follows must not be committed piece
 * by piece. */
static int lost_check(struct store *s, struct err *e)
{
    if (s->depth > 0 && sqlite3_get_autocommit(s->db)) {
        return err_set(e, ERR_IO, "%s: the transaction was lost after an earlier error", s->path);
    }
    return 0;
}

int db_prepare(struct store *s, const char *sql, sqlite3_stmt **ret, struct err *e)
{
    if (lost_check(s, e) < 0) {
        return -1;
    }
    return sqlite3_prepare_v3(s->db, sql, -1, 0, ret, NULL) == SQLITE_OK ? 0 : db_fail(s, e);
}

int db_bind(struct store *s, sqlite3_stmt *q, const struct db_value *v, size_t n, struct err *e)
{
    size_t room = (size_t)sqlite3_bind_parameter_count(q);
    assert(n >= room);
    for (size_t i = 0; i < room; i++) {
        if (bind(q, (int)i + 1, &v[i]) != SQLITE_OK) {
            return db_fail(s, e);
        }
    }
    return lost_check(s, e);
}

void db_drop(sqlite3_stmt *q)
{
    sqlite3_finalize(q);
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int limit_reached(void *ctx)
{
    return db_limit_over(ctx);
}

bool db_limit_over(const struct db_limit *l)
{
    return l && cpu_ns() > l->end_ns;
}

void db_limit(struct store *s, struct db_limit *l, int ms)
{
    l->end_ns = cpu_ns() + (int64_t)ms * 1000000;
    s->limit = l;
    sqlite3_progress_handler(s->db, 20000, limit_reached, l);
}

void db_limit_end(struct store *s)
{
    s->limit = NULL;
    sqlite3_progress_handler(s->db, 0, NULL, NULL);
}

int db_query(struct store *s, const char *sql, const struct db_value *v, size_t n, sqlite3_stmt **ret,
             struct err *e)
{
    sqlite3_stmt *q = NULL;
    if (lost_check(s, e) < 0 || statement(s, sql, &q, e) < 0) {
        return -1;
    }
    assert(sqlite3_bind_parameter_count(q) == (int)n);
    for (size_t i = 0; i < n; i++) {
        if (bind(q, (int)i + 1, &v[i]) != SQLITE_OK) {
            db_fail(s, e);
            db_done(q);
            return -1;
        }
    }
    *ret = q;
    return 0;
}

int db_step(struct store *s, sqlite3_stmt *q, struct err *e)
{
    int r = sqlite3_step(q);
    if (r == SQLITE_ROW) {
        return 1;
    }
    int ret = r == SQLITE_DONE ? 0 : db_fail(s, e);
    db_done(q);
    return ret;
}

void db_done(sqlite3_stmt *q)
{
    if (q) {
        sqlite3_reset(q);
        sqlite3_clear_bindings(q);
    }
}

int db_run(struct store *s, const char *sql, const struct db_value *v, size_t n, struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, v, n, &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

int db_number(struct store *s, const char *sql, const struct db_value *v, size_t n, int64_t *ret,
              struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, v, n, &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        *ret = sqlite3_column_int64(q, 0);
        db_done(q);
    }
    return r;
}

int db_ids(struct store *s, const char *sql, const struct db_value *v, size_t n, struct db_ids *ret,
           struct err *e)
{
    sqlite3_stmt *q;
    if (db_query(s, sql, v, n, &q, e) < 0) {
        return -1;
    }
    int r;
    while ((r = db_step(s, q, e)) == 1) {
        if (ret->n == ret->cap) {
            ret->cap = ret->cap ? ret->cap * 2 : 64;
            ret->id = xrealloc(ret->id, ret->cap, sizeof *ret->id);
        }
        ret->id[ret->n++] = sqlite3_column_int64(q, 0);
    }
    return r;
}

struct span db_bytes(sqlite3_stmt *q, int column)
{
    const void *p = sqlite3_column_blob(q, column);
    return span_of(p, (size_t)sqlite3_column_bytes(q, column));
}

void db_text(sqlite3_stmt *q, int column, char *buf, size_t size)
{
    const char *t = (const char *)sqlite3_column_text(q, column);
    str_copy(buf, size, t ? t : "");
}

int64_t db_int(sqlite3_stmt *q, int column)
{
    return sqlite3_column_int64(q, column);
}

int db_changes(struct store *s)
{
    return sqlite3_changes(s->db);
}

int64_t db_last_id(struct store *s)
{
    return sqlite3_last_insert_rowid(s->db);
}

/* ---- transactions */

static int begin(struct store *s, const char *outer, struct err *e)
{
    if (db_run(s, s->depth == 0 ? outer : "SAVEPOINT step", NULL, 0, e) < 0) {
        return -1;
    }
    s->depth++;
    return 0;
}

int store_snapshot(struct store *s, struct err *e)
{
    assert(s->depth == 0 && !s->snapshot);
    if (db_run(s, "BEGIN", NULL, 0, e) < 0) {
        return -1;
    }
    s->snapshot = true;
    return 0;
}

void store_snapshot_end(struct store *s)
{
    if (s->snapshot) {
        db_run(s, "COMMIT", NULL, 0, NULL); /* nothing was written: nothing can be lost */
    }
    s->snapshot = false;
}

int store_begin(struct store *s, struct err *e)
{
    store_snapshot_end(s);
    s->full = s->full && s->depth > 0;
    return begin(s, "BEGIN IMMEDIATE", e);
}

int db_begin_read(struct store *s, struct err *e)
{
    store_snapshot_end(s);
    return begin(s, "BEGIN DEFERRED", e);
}

int store_commit(struct store *s, struct err *e)
{
    assert(s->depth > 0);
    const char *sql = s->depth == 1 ? "COMMIT" : "RELEASE step";
    if (db_run(s, sql, NULL, 0, e) < 0) {
        store_rollback(s);
        return -1;
    }
    s->depth--;
    return 0;
}

bool store_full(const struct store *s)
{
    return s->full;
}

void store_rollback(struct store *s)
{
    if (s->depth == 0) {
        return;
    }
    if (!sqlite3_get_autocommit(s->db)) {
        if (s->depth == 1) {
            db_run(s, "ROLLBACK", NULL, 0, NULL);
        } else {
            db_run(s, "ROLLBACK TO step", NULL, 0, NULL);
            db_run(s, "RELEASE step", NULL, 0, NULL);
        }
    }
    s->depth--;
}

int db_end(struct store *s, int r, struct err *e)
{
    if (r == 0) {
        return store_commit(s, e);
    }
    store_rollback(s);
    return -1;
}

int store_patience(struct store *s, int ms)
{
    int was = s->patience_ms;
    s->patience_ms = ms;
    sqlite3_busy_timeout(s->db, ms);
    return was;
}

static int is_stopped(void *stop)
{
    return atomic_load((const atomic_bool *)stop);
}

void db_stop_when(struct store *s, const atomic_bool *stop)
{
    if (stop) {
        sqlite3_progress_handler(s->db, 100000, is_stopped, (void *)stop);
    }
}

/* Without them it works as well: their failing is no error. */
void store_frugal(struct store *s)
{
    sqlite3_exec(s->db, "PRAGMA mmap_size = 0; PRAGMA cache_size = -1024;", NULL, NULL, NULL);
}

void store_unmap(struct store *s)
{
    sqlite3_exec(s->db, "PRAGMA mmap_size = 0;", NULL, NULL, NULL);
}

bool store_changed(struct store *s)
{
    int64_t now = s->data_version;
    /* When even this fails, a reader that looks again loses nothing. */
    if (db_number(s, "PRAGMA data_version", NULL, 0, &now, NULL) != 1) {
        return true;
    }
    bool changed = now != s->data_version;
    s->data_version = now;
    return changed;
}

/* ---- opening */

static int migrate_one(struct store *s, const char *sql, int64_t version, struct err *e)
{
    char set[64];
    snprintf(set, sizeof set, "PRAGMA user_version = %lld", (long long)version);
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(s->db, set, NULL, NULL, NULL) != SQLITE_OK) {
        return db_fail(s, e);
    }
    return 0;
}

static int migrate_locked(struct store *s, const struct migrations *m, struct err *e)
{
    int64_t version = 0;
    if (db_number(s, "PRAGMA user_version", NULL, 0, &version, e) < 0) {
        return -1;
    }
    if (version < 0 || (uint64_t)version > m->n) {
        return err_set(
            e, ERR_CONFLICT,
            "%s: has schema %lld, and this program knows up to %zu; run the newer rackstrap that made it",
            s->path, (long long)version, m->n);
    }
    for (size_t i = (size_t)version; i < m->n; i++) {
        if (migrate_one(s, m->sql[i], (int64_t)i + 1, e) < 0) {
            return err_prefix(e, "migration %zu", i + 1);
        }
    }
    return 0;
}

/* Most opens find the schema current, and then need no write lock. */
static int migrate(struct store *s, const struct migrations *m, struct err *e)
{
    int64_t version = -1;
    if (db_number(s, "PRAGMA user_version", NULL, 0, &version, e) < 0) {
        return -1;
    }
    if (version == (int64_t)m->n) {
        return 0;
    }
    if (store_begin(s, e) < 0) {
        return -1;
    }
    return db_end(s, migrate_locked(s, m, e), e);
}

/* A file that root makes in a folder of the server's user must be that user's, or the server cannot open it
 * afterwards. SQLite gives -wal and -shm the owner and mode of the file that they belong to. */
static int file_claim(const char *state_dir, const char *path, struct err *e)
{
    struct stat st;
    if (stat(state_dir, &st) < 0) {
        return err_errno(e, "state_dir %s", state_dir);
    }
    if (!S_ISDIR(st.st_mode)) {
        return err_set(e, ERR_IO, "state_dir %s: is not a folder", state_dir);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return errno == EEXIST ? 0 : err_errno(e, "%s", path);
    }
    int r = 0;
    if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0) {
        r = err_errno(e, "%s: giving it to the owner of %s", path, state_dir);
    }
    close(fd);
    return r;
}

/* Switching a new file to WAL needs it for ourselves for a moment, and SQLite does not always wait for that
 * by itself. */
static int wal_mode(struct store *s, struct err *e)
{
    for (int waited = 0;; waited += 20) {
        if (sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK) {
            return 0;
        }
        if ((sqlite3_errcode(s->db) & 0xff) != SQLITE_BUSY || waited >= BUSY_MS) {
            return db_fail(s, e);
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

static int setup(struct store *s, struct err *e)
{
    store_patience(s, BUSY_MS);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (wal_mode(s, e) < 0) {
        return -1;
    }
    if (db_functions(s->db, &s->limit) != SQLITE_OK) {
        return db_fail(s, e);
    }
    static const char pragmas[] = "PRAGMA synchronous = FULL;"
                                  "PRAGMA foreign_keys = ON;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA cache_size = -32768;" /* KiB */
                                  "PRAGMA mmap_size = 268435456;";
    return sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fail(s, e);
}

/* The folder is the server's user's: a link that it puts in the file's place must not lead root's command
 * line astray. Links on the way to the folder are the owner's wish; SQLite would refuse those too. */
static int file_open(struct store *s, const char *state_dir, const char *file, struct err *e)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
    char *folder = realpath(state_dir, NULL);
    if (!folder) {
        return err_errno(e, "state_dir %s", state_dir);
    }
    char *path = xasprintf("%s/%s", folder, file);
    int r = sqlite3_open_v2(path, &s->db, flags, NULL) == SQLITE_OK ? 0 : db_fail(s, e);
    free(path);
    free(folder);
    return r;
}

int db_open(const char *state_dir, const char *file, const struct migrations *m, struct store **ret,
            struct err *e)
{
    struct store *s = xcalloc(1, sizeof *s);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* its statistics cost a lock each malloc; heard once only */
    s->path = xasprintf("%s/%s", state_dir, file);
    if (file_claim(state_dir, s->path, e) < 0 || file_open(s, state_dir, file, e) < 0) {
        goto fail;
    }
    if (setup(s, e) < 0 || migrate(s, m, e) < 0) {
        goto fail;
    }
    store_changed(s);
    *ret = s;
    return 0;
fail:
    store_close(s);
    return -1;
}

void db_attach_drop(const char *state_dir, const char *file)
{
    char *path = xasprintf("%s/%s", state_dir, file);
    unlink(path);
    free(path);
}

static int attach_file(struct store *s, const char *path, struct err *e)
{
    sqlite3_stmt *q;
    if (sqlite3_prepare_v2(s->db, "ATTACH ? AS stage", -1, &q, NULL) != SQLITE_OK) {
        return db_fail(s, e);
    }
    sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
    int r = sqlite3_step(q) == SQLITE_DONE ? 0 : db_fail(s, e);
    sqlite3_finalize(q);
    return r;
}

int db_attach(struct store *s, const char *state_dir, const char *file, const char *ddl, struct err *e)
{
    static const char pragmas[] = "PRAGMA stage.journal_mode = OFF; PRAGMA stage.synchronous = OFF;"
                                  "PRAGMA stage.cache_size = -24576; PRAGMA main.cache_size = -24576;";
    db_attach_drop(state_dir, file); /* of one that crashed */
    char *folder = realpath(state_dir, NULL);
    if (!folder) {
        return err_errno(e, "state_dir %s", state_dir);
    }
    char *path = xasprintf("%s/%s", folder, file);
    int r = file_claim(state_dir, path, e) < 0 || attach_file(s, path, e) < 0 ? -1 : 0;
    if (r == 0 && (sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) != SQLITE_OK ||
                   sqlite3_exec(s->db, ddl, NULL, NULL, NULL) != SQLITE_OK)) {
        r = db_fail(s, e);
    }
    free(path);
    free(folder);
    return r;
}

int store_open(const char *state_dir, struct store **ret, struct err *e)
{
    return db_open(state_dir, "inventory.db", &inventory_migrations, ret, e);
}

void store_close(struct store *s)
{
    if (!s) {
        return;
    }
    while (s->depth > 0) {
        store_rollback(s);
    }
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        sqlite3_finalize(s->cache[i].stmt);
    }
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

/* ---- time */

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void store_asker(struct store *s, const char *address)
{
    str_copy(s->asker, sizeof s->asker, address ? address : "");
}

const char *db_asker(const struct store *s)
{
    return s->asker;
}

/* ".123", ".123456": to the millisecond. Moves *at behind it. */
static int fraction_parse(const char **at)
{
    int ms = 0;
    if (**at == '.' && (*at)[1] >= '0' && (*at)[1] <= '9') {
        (*at)++;
        for (int digit = 100; **at >= '0' && **at <= '9'; (*at)++, digit /= 10) {
            ms += (**at - '0') * digit;
        }
    }
    return ms;
}

/* "Z", "+01:00" (a URL's '+' may have become a blank), or nothing: minutes ahead of UTC. */
static int zone_parse(const char **at)
{
    int hours, minutes, n = 0;
    if (**at == 'Z') {
        (*at)++;
    } else if (**at && strchr("+- ", **at) && sscanf(*at + 1, "%2d:%2d%n", &hours, &minutes, &n) == 2 &&
               n == 5 && hours >= 0 && minutes >= 0) {
        int sign = **at == '-' ? -1 : 1;
        *at += 1 + n;
        return sign * (hours * 60 + minutes);
    }
    return 0;
}

int time_parse(const char *text, int64_t *ret_ms, struct err *e)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
                                        "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm tm = {0};
        const char *at = strptime(text, forms[i], &tm);
        int ms = at && (i == 1 || i == 2) ? fraction_parse(&at) : 0;
        int minutes = at && i > 0 ? zone_parse(&at) : 0;
        if (at && !*at && tm.tm_year >= 70) {
            *ret_ms = ((int64_t)timegm(&tm) - minutes * 60) * 1000 + ms;
            return 0;
        }
    }
    return err_set(e, ERR_INPUT,
                   "\"%.40s\" is no time; write 2026-11-21, or 2026-11-21T10:15:00Z (times are UTC)", text);
}

char *time_format(int64_t ms, char buf[TIME_STR])
{
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    int rest = (int)(ms - (int64_t)seconds * 1000);
    struct tm tm;
    char day[24];
    if (!gmtime_r(&seconds, &tm) || !strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm)) {
        str_copy(day, sizeof day, "?");
    }
    snprintf(buf, TIME_STR, "%s.%03dZ", day, rest);
    return buf;
}

/* store_sql: how the store's own files speak to SQLite. For inventory/store*.c only.
 *
 * Every statement is a string literal, prepared once and kept; every value is bound. A walk that calls
 * someone else's function holds no statement open meanwhile: it fetches first and calls then, so that the
 * callee may use the store.
 */
#ifndef INVENTORY_STORE_SQL_H
#define INVENTORY_STORE_SQL_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "base/digest.h"
#include "base/span.h"
#include "inventory/store.h"

/* One migration is one string of statements; user_version counts those that ran. */
struct migrations {
    const char *const *sql;
    size_t n;
};
extern const struct migrations inventory_migrations, lease_migrations;

/* Opens (and makes) state_dir/file in WAL mode and brings it up to date. */
int db_open(const char *state_dir, const char *file, const struct migrations *m, struct store **ret,
            struct err *e);

/* Gives a connection the functions of store_function.c, which heed the limit that stands there when they
 * run. SQLITE_OK, or not. */
struct db_limit;
int db_functions(sqlite3 *db, const struct db_limit *const *limit);
/* A statement that runs when this becomes true ends with ERR_UNAVAILABLE; NULL: none does. */
void db_stop_when(struct store *s, const atomic_bool *stop);

/* Puts a second, passing file beside the first, empty, under the name that `ddl` makes its tables in: what is
 * read from outside before it is believed. Nothing of it survives a crash, or needs to. db_attach_drop
 * deletes it. */
int db_attach(struct store *s, const char *state_dir, const char *file, const char *ddl, struct err *e);
void db_attach_drop(const char *state_dir, const char *file);

struct db_value {
    enum { DB_NULL, DB_INT, DB_REAL, DB_TEXT, DB_BLOB } type;
    int64_t i;
    double real;
    const void *p;
    size_t n;
};

static inline struct db_value db_i(int64_t i)
{
    return (struct db_value){.type = DB_INT, .i = i};
}

/* A number that refers to a row; 0 is none. */
static inline struct db_value db_ref(int64_t i)
{
    return (struct db_value){.type = i ? DB_INT : DB_NULL, .i = i};
}

struct db_value db_t(const char *s); /* NULL is the empty text; borrowed until the statement is done */
struct db_value db_digest(const struct digest *d);
struct db_value db_span(struct span v); /* borrowed likewise */

#define DB_VALUES(...)                                                                                       \
    (const struct db_value[]){__VA_ARGS__},                                                                  \
        sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)

/* A statement whose text is made, of words of our own tables only: prepared for the caller, who ends it with
 * db_drop. db_bind before each run; values are borrowed until it is done. The first n of them that the
 * statement has room for are bound. */
int db_prepare(struct store *s, const char *sql, sqlite3_stmt **ret, struct err *e);
int db_bind(struct store *s, sqlite3_stmt *q, const struct db_value *v, size_t n, struct err *e);
void db_drop(sqlite3_stmt *q); /* takes NULL */
/* What runs between these two and uses more than ms of the processor is ended: ERR_UNAVAILABLE. */
struct db_limit {
    int64_t end_ns;
};
void db_limit(struct store *s, struct db_limit *l, int ms);
void db_limit_end(struct store *s);
bool db_limit_over(const struct db_limit *l); /* NULL: there is none */

/* Lends the kept statement of this literal, bound and ready for db_step. */
int db_query(struct store *s, const char *sql, const struct db_value *v, size_t n, sqlite3_stmt **ret,
             struct err *e);
int db_step(struct store *s, sqlite3_stmt *q,
            struct err *e);    /* 1: a row; 0: no more, -1: failed (both: q is done with) */
void db_done(sqlite3_stmt *q); /* before the last row; takes NULL */
/* A statement without rows. */
int db_run(struct store *s, const char *sql, const struct db_value *v, size_t n, struct err *e);
/* The first column of the first row; 0 and *ret untouched when there is no row. Returns 1, 0 or -1. */
int db_number(struct store *s, const char *sql, const struct db_value *v, size_t n, int64_t *ret,
              struct err *e);

struct span db_bytes(sqlite3_stmt *q, int column); /* lent until the next step; NULL gives the empty span */
void db_text(sqlite3_stmt *q, int column, char *buf, size_t size); /* NULL gives "" */
int64_t db_int(sqlite3_stmt *q, int column);
int db_changes(struct store *s); /* rows that the last statement changed */
int64_t db_last_id(struct store *s);
const char *db_asker(const struct store *s); /* what store_asker was told; "" for none */

/* For several reads that must see one moment; waits for no writer. */
int db_begin_read(struct store *s, struct err *e);
/* The end of a function that began with store_begin or db_begin_read: commits when r is 0, else undoes what
 * it did. Returns -1 or 0. */
int db_end(struct store *s, int r, struct err *e);

/* In a transaction that writes many devices: between the two, rosters hear of what roster_touch says alone,
 * not of each row (inventory_13). */
int roster_hold(struct store *s, struct err *e);
int roster_touch(struct store *s, int64_t device_id, struct err *e);
int roster_release(struct store *s, struct err *e);

/* A list of row numbers, for walks. */
struct db_ids {
    int64_t *id;
    size_t n, cap;
};
int db_ids(struct store *s, const char *sql, const struct db_value *v, size_t n, struct db_ids *ret,
           struct err *e);

#endif

/* store_admission: who waits for a turn, and who holds a place. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "inventory/journal.h"
#include "inventory/store_job.h"

#define FORGET_MS  86400000 /* what was cancelled while it waited leaves its row behind */
#define REFRESH_MS 25000    /* that a machine still asks is written down no more often */

/* When somebody was heard of: after `from`, and before `to`. What lies far ahead is of a clock that was set
 * back since; who is still there is heard of anew at once. */
struct span_ms {
    int64_t from, to;
};

static struct span_ms heard_span(const struct admission_limit *l, int64_t at_ms)
{
    return (struct span_ms){.from = admission_horizon(l, at_ms), .to = at_ms + ADMISSION_SILENCE_MS};
}

/* The jobs that hold a place, but for the one that asks. */
static int streams_load(struct store *s, struct span_ms heard, int64_t but, struct stream **ret,
                        size_t *ret_n, struct err *e)
{
    static const char sql[] = "SELECT bytes_done, bytes_total, rate FROM jobs WHERE state = 'claimed' AND "
                              "progress_ms > ? AND progress_ms < ? AND id <> ?";
    struct stream *all = NULL;
    size_t n = 0, cap = 0;
    sqlite3_stmt *q;
    int r;
    if (db_query(s, sql, DB_VALUES(db_i(heard.from), db_i(heard.to), db_i(but)), &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        if (n == cap) {
            cap = cap ? cap * 2 : 64;
            all = xrealloc(all, cap, sizeof *all);
        }
        all[n++] = (struct stream){
            .done = (uint64_t)db_int(q, 0), .total = (uint64_t)db_int(q, 1), .rate = (uint64_t)db_int(q, 2)};
    }
    *ret = all;
    *ret_n = n;
    return r;
}

struct waiter {
    bool waits; /* it asked before, and has not been silent for too long */
    int64_t since_ms, asked_ms;
    unsigned said_place;
};

static int waiter_load(struct store *s, int64_t job_id, struct span_ms heard, struct waiter *ret,
                       struct err *e)
{
    sqlite3_stmt *q;
    *ret = (struct waiter){0};
    if (db_query(s, "SELECT since_ms, asked_ms, said_place FROM turns WHERE job_id = ?",
                 DB_VALUES(db_i(job_id)), &q, e) < 0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        *ret = (struct waiter){
            .since_ms = db_int(q, 0), .asked_ms = db_int(q, 1), .said_place = (unsigned)db_int(q, 2)};
        ret->waits = ret->asked_ms > heard.from && ret->asked_ms < heard.to;
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

/* Those that wait, and of them those that came before (since_ms, job_id). */
static int count_waiting(struct store *s, int64_t job_id, int64_t since_ms, struct span_ms heard,
                         struct admission *ret, struct err *e)
{
    static const char sql[] =
        "SELECT count(*), coalesce(sum((t.since_ms, t.job_id) < (?1, ?2)), 0) FROM turns t JOIN jobs j ON "
        "j.id = t.job_id WHERE j.state IN ('armed', 'claimed') AND t.asked_ms > ?3 AND t.asked_ms < ?4 AND "
        "t.job_id <> ?2";
    sqlite3_stmt *q;
    if (db_query(s, sql, DB_VALUES(db_i(since_ms), db_i(job_id), db_i(heard.from), db_i(heard.to)), &q, e) <
        0) {
        return -1;
    }
    int r = db_step(s, q, e);
    if (r == 1) {
        ret->waiting = (size_t)db_int(q, 0) + 1;
        ret->before = (size_t)db_int(q, 1);
        db_done(q);
    }
    return r < 0 ? -1 : 0;
}

static int decide(struct store *s, const struct job *j, const struct admission_limit *l, int64_t at_ms,
                  struct waiter *w, struct turn *ret, struct err *e)
{
    struct span_ms heard = heard_span(l, at_ms);
    struct admission a = {.max_streams = l->max_streams};
    struct stream *streams = NULL;
    if (waiter_load(s, j->id, heard, w, e) < 0 ||
        streams_load(s, heard, j->id, &streams, &a.streams_n, e) < 0 ||
        count_waiting(s, j->id, w->waits ? w->since_ms : at_ms, heard, &a, e) < 0) {
        free(streams);
        return -1;
    }
    a.streams = streams;
    *ret = admission_decide(&a);
    free(streams);
    return 0;
}

/* A job whose installer was heard of a moment ago has its place. */
static bool holds_place(const struct job *j, const struct admission_limit *l, int64_t at_ms)
{
    return j->state == JOB_CLAIMED && j->progress_ms > admission_horizon(l, at_ms);
}

static int wait_write(struct store *s, const struct job *j, const struct waiter *w, const struct turn *t,
                      bool news, int64_t at_ms, struct err *e)
{
    static const char sql[] =
        "INSERT INTO turns (job_id, since_ms, asked_ms, said_place) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (job_id) DO UPDATE SET since_ms = ?2, asked_ms = ?3, said_place = ?4";
    char place[TURN_STR], detail[256];
    if (db_run(s, sql,
               DB_VALUES(db_i(j->id), db_i(w->waits ? w->since_ms : at_ms), db_i(at_ms),
                         db_i(news ? t->place : w->said_place)),
               e) < 0 ||
        db_run(s, "DELETE FROM turns WHERE asked_ms < ?", DB_VALUES(db_i(at_ms - FORGET_MS)), e) < 0 ||
        job_alive(s, j->id, at_ms, e) < 0) {
        return -1;
    }
    snprintf(detail, sizeof detail, "it waits for its turn to be written: %s", turn_format(t, place));
    return !news ? 0 : journal_add(s, j->device_id, NULL, ACTOR_HTTPBOOT, "waiting-turn", detail, at_ms, e);
}

int turn_take(struct store *s, const struct job *j, const struct admission_limit *l, int64_t at_ms,
              struct turn *ret, struct err *e)
{
    struct waiter w;
    *ret = (struct turn){.now = true};
    if (l->max_streams && !holds_place(j, l, at_ms) && decide(s, j, l, at_ms, &w, ret, e) < 0) {
        return -1;
    }
    if (ret->now) {
        return db_run(s, "DELETE FROM turns WHERE job_id = ?", DB_VALUES(db_i(j->id)), e);
    }
    bool news = !w.waits || turn_is_news(ret, w.said_place);
    return !news && at_ms - w.asked_ms < REFRESH_MS ? 0 : wait_write(s, j, &w, ret, news, at_ms, e);
}

int job_turn(struct store *s, const struct job *j, unsigned max_streams, int64_t at_ms, struct turn *ret,
             struct err *e)
{
    const struct admission_limit l = {.max_streams = max_streams};
    struct waiter w;
    *ret = (struct turn){.now = true};
    if ((j->state != JOB_ARMED && j->state != JOB_CLAIMED) || !max_streams || holds_place(j, &l, at_ms)) {
        return 0;
    }
    struct turn t;
    if (decide(s, j, &l, at_ms, &w, &t, e) < 0) {
        return -1;
    }
    if (w.waits && t.now) { /* its place is free; it comes with its next question */
        t = (struct turn){.place = 1, .of = 1};
    }
    if (w.waits) {
        *ret = t;
    }
    return 0;
}

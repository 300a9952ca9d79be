/* admission: how many machines may be written at a time, and whose turn it is. The decision is pure; the
 * store's part is in store_admission.c.
 *
 * A machine asks for its turn with its claim. It is let in while fewer than max_streams jobs hold a place and
 * nobody who asked before it still waits: first come, first served, among those that still ask. A place is
 * held by a claimed job whose installer has been heard of (claim, progress) within ADMISSION_SILENCE_MS; a
 * waiting machine that does not ask for as long has lost its turn, and begins anew. All of it is in the
 * store: several servers agree, and one that restarts forgets nothing. While a server was away nobody could
 * be heard of: for its first minute, what was heard in the ten minutes before it came counts.
 *
 * Nothing here stops a machine that writes: it may pass the limit for a moment when it comes back from a
 * silence. */
#ifndef INVENTORY_ADMISSION_H
#define INVENTORY_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMISSION_SILENCE_MS INT64_C(60000)
#define ADMISSION_MAX        4096 /* the most that a limit may be */

struct admission_limit {
    unsigned max_streams; /* 0: none */
    int64_t up_ms;        /* since when the server that asks is there; 0: always */
};

/* What was heard of later than this counts as there. */
int64_t admission_horizon(const struct admission_limit *l, int64_t at_ms);

struct stream { /* a job that holds a place, and its progress: bytes, bytes, bytes a second */
    uint64_t done, total, rate;
};

struct admission {
    unsigned max_streams;
    const struct stream *streams;
    size_t streams_n;
    size_t before;  /* machines that wait and asked before this one */
    size_t waiting; /* all that wait, with this one */
};

struct turn {
    bool now;
    unsigned place, of; /* place 1 is the next; when `now`, both are 0 */
    int64_t seconds;    /* until its turn, by what the running ones have left; -1: nobody knows yet */
    unsigned retry_s;   /* when to ask again */
};

struct turn admission_decide(const struct admission *a);

/* "place 3 of 12, about 4 min left": for a person. */
#define TURN_STR 96
char *turn_format(const struct turn *t, char buf[TURN_STR]);

/* Is that worth a line in the timeline? At most once for each halving of the place. */
bool turn_is_news(const struct turn *t, unsigned said_place);

#endif

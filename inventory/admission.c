/* admission: see admission.h. */
#include "inventory/admission.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

#define AWAY_MS INT64_C(600000) /* a server that was away for longer begins with an empty room */
#define ASK_MIN 2               /* seconds between two questions of a machine that waits */
#define ASK_MAX 15
#define ASK_ANY 5                  /* when nobody knows how long it takes */
#define YEAR_S  UINT64_C(31536000) /* who reports progress that would take longer is not believed */

int64_t admission_horizon(const struct admission_limit *l, int64_t at_ms)
{
    bool young = l->up_ms && at_ms - l->up_ms < ADMISSION_SILENCE_MS;
    return young ? l->up_ms - AWAY_MS : at_ms - ADMISSION_SILENCE_MS;
}

static bool is_measured(const struct stream *s)
{
    return s->rate && s->total;
}

/* What a whole stream takes, by those that are measured; 0 when none is. */
static uint64_t mean_seconds(const struct admission *a)
{
    uint64_t sum = 0, n = 0;
    for (size_t i = 0; i < a->streams_n; i++) {
        if (is_measured(&a->streams[i])) {
            sum += a->streams[i].total / a->streams[i].rate + 1;
            n++;
        }
    }
    return n ? sum / n : 0;
}

static uint64_t seconds_left(const struct stream *s, uint64_t whole)
{
    return !is_measured(s) ? whole : s->done < s->total ? (s->total - s->done) / s->rate + 1 : 0;
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The places come free in the order of what is left; each is then taken for a whole stream's time, so that
 * the order repeats itself, round after round. */
static int64_t seconds_to_wait(const struct admission *a)
{
    uint64_t whole = mean_seconds(a), *left;
    if (!a->streams_n) {
        return 0; /* places are free, and those before it will have asked for theirs in a moment */
    }
    if (!whole || whole > YEAR_S) {
        return -1;
    }
    size_t nth = a->streams_n + a->before - a->max_streams; /* of the ends, from 0, that makes its place */
    left = xcalloc(a->streams_n, sizeof *left);
    for (size_t i = 0; i < a->streams_n; i++) {
        left[i] = seconds_left(&a->streams[i], whole);
    }
    qsort(left, a->streams_n, sizeof *left, compare_numbers);
    uint64_t s = left[nth % a->streams_n] + nth / a->streams_n * whole;
    free(left);
    return s > YEAR_S ? -1 : (int64_t)s;
}

static unsigned ask_again(int64_t seconds)
{
    int64_t s = seconds < 0 ? ASK_ANY : seconds / 8;
    return (unsigned)(s < ASK_MIN ? ASK_MIN : s > ASK_MAX ? ASK_MAX : s);
}

struct turn admission_decide(const struct admission *a)
{
    struct turn t = {.now = true};
    if (!a->max_streams || a->streams_n + a->before < a->max_streams) {
        return t;
    }
    t.now = false;
    t.place = (unsigned)a->before + 1;
    t.of = (unsigned)(a->waiting > a->before ? a->waiting : a->before + 1);
    t.seconds = seconds_to_wait(a);
    t.retry_s = ask_again(t.seconds);
    return t;
}

char *turn_format(const struct turn *t, char buf[TURN_STR])
{
    char left[48] = "nobody knows yet how long that takes";
    if (t->seconds >= 60) {
        snprintf(left, sizeof left, "about %" PRId64 " min left", (t->seconds + 30) / 60);
    } else if (t->seconds >= 0) {
        snprintf(left, sizeof left, "about %" PRId64 " s left", t->seconds);
    }
    snprintf(buf, TURN_STR, "place %u of %u, %s", t->place, t->of, left);
    return buf;
}

bool turn_is_news(const struct turn *t, unsigned said_place)
{
    return !said_place || t->place * 2 <= said_place;
}

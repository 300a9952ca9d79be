/* events: the timeline. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "inventory/job.h"
#include "inventory/journal.h"
#include "rackstrap/commands.h"
#include "rackstrap/out.h"

#define POLL_NS     (200 * 1000 * 1000)
#define SAID        256
#define LINE        "%s  %-17s %-16s " /* when, who: a MAC address fits, what */
#define PLAIN_EVERY 10                 /* percent between two lines of progress where there is no terminal */

struct view {
    struct store *s;
    bool json, follow, terminal;
    bool bar_shown;
    int64_t last_id;
    int64_t device_id; /* 0: all */
    struct {
        int64_t job;
        unsigned percent;
    } said[SAID];                     /* how much of a job's progress was said last; by its number */
    unsigned max_streams, said_place; /* of the device that waits for its turn */
};

static json_t *object_json(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    return o ? o : json_null();
}

static json_t *entry_json(const struct entry *x)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)x->id, "at",
                     out_time(x->at_ms), "device", out_text(x->device), "mac", out_text(x->mac), "actor",
                     out_string(x->actor), "address", out_text(x->address), "event", out_string(x->event),
                     "detail", out_string(x->detail), "before", object_json(x->before), "after",
                     object_json(x->after));
}

/* The state has its own event, and its reason is in the sentence. */
static bool is_said(const char *field)
{
    return strcmp(field, "state") == 0 || strcmp(field, "reason") == 0;
}

/* "    by alice via sudo from 192.0.2.7: role compute -> storage, disk - -> sda"; NULL when there is nothing
 * to say. Free it. */
static char *change_text_of(const struct entry *x)
{
    struct str s = {0};
    json_t *before = object_json(x->before), *after = object_json(x->after), *value;
    const char *key;
    json_object_foreach(after, key, value)
    {
        if (is_said(key))
            continue;
        char *was = out_value(json_object_get(before, key)), *is = out_value(value);
        str_addf(&s, "%s %s %s -> %s", s.len ? "," : "", key, was, is);
        free(was);
        free(is);
    }
    json_decref(before);
    json_decref(after);
    char *text = s.len
                     ? xasprintf("    by %s%s%s:%s", x->actor, x->address[0] ? " from " : "", x->address, s.s)
                     : NULL;
    str_free(&s);
    return text;
}

static void clear_bar(struct view *v)
{
    if (v->bar_shown)
        fputs("\r\033[K", stdout);
    v->bar_shown = false;
}

static int print_entry(const struct entry *x, void *ctx)
{
    struct view *v = ctx;
    char when[TIME_STR];
    v->last_id = x->id;
    clear_bar(v);
    if (v->json) {
        json_t *o = entry_json(x);
        json_dumpf(o, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(o);
        return 0;
    }
    time_format(x->at_ms, when);
    when[19] = '\0'; /* to the second */
    when[10] = ' ';
    const char *who = x->device[0] ? x->device : x->mac[0] ? x->mac : "-";
    char *detail = out_line(x->detail); /* machines and NetBox have a say in it */
    printf(LINE "%s\n", when, who, x->event, detail);
    free(detail);
    char *change = change_text_of(x);
    if (change)
        puts(change);
    free(change);
    return 0;
}

static void time_left(const struct job *j, char buf[32])
{
    uint64_t left =
        j->rate && j->bytes_total > j->bytes_done ? (j->bytes_total - j->bytes_done) / j->rate : 0;
    if (!j->rate)
        str_copy(buf, 32, "--");
    else
        snprintf(buf, 32, "%" PRIu64 ":%02" PRIu64, left / 60, left % 60);
}

static void draw_bar(const struct job *j, unsigned percent)
{
    char bar[31], done[16], total[16], rate[16], left[32];
    memset(bar, '.', sizeof bar - 1);
    memset(bar, '#', percent * (sizeof bar - 1) / 100);
    bar[sizeof bar - 1] = '\0';
    time_left(j, left);
    printf("\r\033[K%s  [%s] %u %%  %s of %s  %s/s  %s left", j->device, bar, percent,
           size_format(j->bytes_done, done), size_format(j->bytes_total, total), size_format(j->rate, rate),
           left);
}

static void print_plain(const struct job *j, unsigned percent)
{
    char when[TIME_STR], done[16], total[16], rate[16], left[32];
    time_format(j->progress_ms, when);
    when[19] = '\0';
    when[10] = ' ';
    time_left(j, left);
    printf(LINE "%u %%, %s of %s, %s/s, %s left\n", when, j->device, "writing", percent,
           size_format(j->bytes_done, done), size_format(j->bytes_total, total), size_format(j->rate, rate),
           left);
}

static int show_progress(const struct job *j, void *ctx)
{
    struct view *v = ctx;
    if (j->state != JOB_CLAIMED || !j->bytes_total)
        return 0;
    unsigned percent =
        (unsigned)((j->bytes_done < j->bytes_total ? j->bytes_done : j->bytes_total) * 100 / j->bytes_total);
    if (v->terminal) {
        draw_bar(j, percent);
        v->bar_shown = true;
        return 1; /* one bar is what fits a line */
    }
    size_t at = (size_t)j->id % SAID;
    if (j->id == v->said[at].job && percent < v->said[at].percent + PLAIN_EVERY)
        return 0;
    v->said[at].job = j->id;
    v->said[at].percent = percent;
    print_plain(j, percent);
    return 0;
}

/* Of one device, where it stands at this moment, whenever that is another place than was said. What the
 * timeline keeps of it is less. */
static int show_turn(struct view *v, struct err *e)
{
    char when[TIME_STR], place[TURN_STR];
    struct err none = {0};
    struct turn t;
    struct job j;
    if (v->json || !v->device_id)
        return 0;
    if (job_current(v->s, v->device_id, &j, &none))
        return none.kind == ERR_NOT_FOUND ? 0 : err_set(e, none.kind, "%s", none.text);
    if (job_turn(v->s, &j, v->max_streams, now_ms(), &t, e))
        return -1;
    if (!t.now && t.place != v->said_place) {
        time_format(now_ms(), when);
        when[19] = '\0';
        when[10] = ' ';
        printf(LINE "now %s\n", when, j.device, "waiting-turn", turn_format(&t, place));
    }
    v->said_place = t.place;
    return 0;
}

static int follow(struct view *v, struct err *e)
{
    for (;;) {
        fflush(stdout);
        if (ferror(stdout))
            return 0; /* who listened has gone */
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
        if (!store_changed(v->s))
            continue;
        if (journal_each(v->s, v->last_id, v->device_id, 0, print_entry, v, e))
            return -1;
        if (!v->json && job_each(v->s, v->device_id, show_progress, v, e) < 0)
            return -1;
        if (show_turn(v, e))
            return -1;
    }
}

int timeline_of(struct store *s, const char *ref, int64_t *ret_id, struct err *e)
{
    struct removed_device gone;
    struct device d;
    struct err none = {0};
    char when[TIME_STR];
    if (device_by_ref(s, ref, &d, e) == 0) {
        *ret_id = d.id;
        return 0;
    }
    if (e->kind != ERR_NOT_FOUND)
        return -1;
    if (device_removed_by_ref(s, ref, &gone, &none))
        return none.kind == ERR_NOT_FOUND ? -1 : err_set(e, none.kind, "%s", none.text);
    time_format(gone.removed_ms, when);
    fprintf(stderr, "%s was removed from the inventory on %.10s at %.8s UTC; this is its timeline\n",
            gone.name, when, when + 11);
    *ret_id = gone.id;
    return 0;
}

int cmd_events(const struct args *a, const struct config *c, struct err *e)
{
    struct view v = {.json = a->json,
                     .follow = a->follow,
                     .terminal = isatty(STDOUT_FILENO),
                     .max_streams = c->http.max_streams};
    int rc = -1;
    if (open_store(c, &v.s, e))
        return -1;
    if (a->words_n && timeline_of(v.s, a->words[0], &v.device_id, e))
        goto out;
    store_changed(v.s);
    rc = journal_each(v.s, 0, v.device_id, a->last, print_entry, &v, e) || show_turn(&v, e) ? -1 : 0;
    if (!rc && a->follow)
        rc = follow(&v, e);
out:
    store_close(v.s);
    return rc;
}

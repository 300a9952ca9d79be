/* progress: see progress.h. A linear search: there are as many entries as machines that install at this
 * moment. */
#include "httpboot/progress.h"

#include <stdlib.h>

#include "base/str.h"

static struct progress *find(struct progress_table *t, int64_t job_id)
{
    size_t i;

    for (i = 0; i < t->n; i++)
        if (t->items[i].job_id == job_id)
            return &t->items[i];
    return NULL;
}

void progress_put(struct progress_table *t, const struct progress *p)
{
    struct progress *old = find(t, p->job_id);

    if (old) {
        *old = *p;
        return;
    }
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 16;
        t->items = xrealloc(t->items, t->cap, sizeof *t->items);
    }
    t->items[t->n++] = *p;
}

bool progress_take(struct progress_table *t, int64_t job_id, struct progress *ret)
{
    struct progress *p = find(t, job_id);

    if (!p)
        return false;
    *ret = *p;
    *p = t->items[--t->n];
    return true;
}

int progress_flush(struct progress_table *t, struct store *s, struct err *e)
{
    size_t i;

    if (!t->n)
        return 0;
    if (store_begin(s, e))
        return -1;
    for (i = 0; i < t->n; i++) {
        const struct progress *p = &t->items[i];
        struct err why = {0};

        if (job_progress(s, p->job_id, p->done, p->total, p->rate, p->at_ms, &why) && why.kind == ERR_IO) {
            store_rollback(s);
            if (e)
                *e = why;
            return -1;
        }
    }
    if (store_commit(s, e))
        return -1;
    t->n = 0;
    return 0;
}

void progress_free(struct progress_table *t)
{
    free(t->items);
    *t = (struct progress_table){0};
}

/* ladder: the decision and the changes. Pure. */
#include "inventory/ladder.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ONE_FETCH_MS 10000 /* firmware may fetch a loader twice */
#define SAME_BOOT_MS 30000 /* iPXE asks several times in one boot */

static bool list_has(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; n && (at = strstr(at, name)); at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static bool find(const char (*loaders)[LOADER_SIZE], size_t n, const char *name, size_t *ret)
{
    for (size_t i = 0; name[0] && i < n; i++)
        if (strcmp(loaders[i], name) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

static bool is_awaited(const struct ladder *l)
{
    return l->fetched[0] && l->heard_ms < l->fetched_ms && strcmp(l->fetched, l->settled) != 0;
}

/* The first that is neither given up nor `lost` (may be ""), which is being given up now. */
static struct ladder_choice choose_next(const struct ladder *l, const char (*loaders)[LOADER_SIZE], size_t n,
                                        const char *lost, int64_t at_ms)
{
    struct ladder_choice c = {.at_ms = at_ms};
    str_copy(c.gives_way, sizeof c.gives_way, lost);
    while (c.rung < n && (list_has(l->failed, loaders[c.rung]) || strcmp(loaders[c.rung], lost) == 0))
        c.rung++;
    c.anew = c.rung == n;
    if (c.anew)
        c.rung = 0;
    str_copy(c.loader, sizeof c.loader, loaders[c.rung]);
    if (c.anew)
        snprintf(c.reason, sizeof c.reason,
                 "each loader was fetched and iPXE was heard of none: from the first, %s, again", loaders[0]);
    else if (c.rung)
        snprintf(c.reason, sizeof c.reason, "the loaders before %s were fetched, and iPXE was not heard of",
                 loaders[c.rung]);
    else
        snprintf(c.reason, sizeof c.reason, "%s is the first of its list", loaders[0]);
    return c;
}

struct ladder_choice ladder_choose(const struct ladder *l, const char *client,
                                   const char (*loaders)[LOADER_SIZE], size_t n, uint32_t timeout_s,
                                   int64_t at_ms)
{
    struct ladder_choice c = {.at_ms = at_ms};
    bool awaited = is_awaited(l), same = strcmp(l->client, client) == 0;
    if (find(loaders, n, l->settled, &c.rung)) {
        snprintf(c.reason, sizeof c.reason, "%s has brought iPXE up on this NIC", l->settled);
        str_copy(c.loader, sizeof c.loader, l->settled);
        if (awaited && !same)
            str_copy(c.gives_way, sizeof c.gives_way, l->fetched);
        return c;
    }
    if (!awaited || (same && (n < 2 || !find(loaders, n, l->fetched, &c.rung))))
        return choose_next(l, loaders, n, "", at_ms);
    if (!same || at_ms - l->fetched_ms >= (int64_t)timeout_s * 1000)
        return choose_next(l, loaders, n, l->fetched, at_ms);
    str_copy(c.loader, sizeof c.loader, l->fetched);
    snprintf(c.reason, sizeof c.reason, "%s was fetched less than %u s ago, and iPXE may still be heard",
             l->fetched, timeout_s);
    return c;
}

/* Of several kinds of client and of lists that were changed there may be more names than have room: those
 * that were given up first go. A name cut short would be none. */
void ladder_give_up(struct ladder *l, const char *loader)
{
    size_t n = strlen(l->failed);
    if (list_has(l->failed, loader))
        return;
    while (n && n + 1 + strlen(loader) >= sizeof l->failed) {
        size_t first = strcspn(l->failed, " ");
        first += l->failed[first] == ' ';
        n -= first;
        memmove(l->failed, l->failed + first, n + 1);
    }
    snprintf(l->failed + n, sizeof l->failed - n, "%s%s", n ? " " : "", loader);
}

bool ladder_chosen(struct ladder *l, const char *client, const struct ladder_choice *c)
{
    bool gives_way = c->gives_way[0] && strcmp(l->fetched, c->gives_way) == 0; /* else fetched again since */
    bool news = strcmp(l->client, client) != 0 || strcmp(l->offered, c->loader) != 0 || gives_way ||
                (c->anew && l->failed[0]);
    if (l->client[0] && strcmp(l->client, client) != 0) {
        str_copy(l->before, sizeof l->before, l->offered);
        l->moved_ms = c->at_ms;
    }
    str_copy(l->client, sizeof l->client, client);
    str_copy(l->offered, sizeof l->offered, c->loader);
    if (gives_way) {
        ladder_give_up(l, l->fetched);
        l->fetched[0] = '\0';
    }
    if (c->anew)
        l->failed[0] = '\0';
    return news;
}

/* Written down late, it may be older than what was heard meanwhile. */
static bool settle(struct ladder *l)
{
    if (!l->fetched[0] || l->heard_ms < l->fetched_ms || strcmp(l->settled, l->fetched) == 0)
        return false;
    str_copy(l->settled, sizeof l->settled, l->fetched);
    return true;
}

/* Written down so late that the firmware has gone on by now: nothing came of it. */
static bool was_lost(const struct ladder *l, const char *loader, int64_t at_ms)
{
    return strcmp(l->before, loader) == 0 && at_ms <= l->moved_ms && l->heard_ms < at_ms &&
           strcmp(l->settled, loader) != 0;
}

bool ladder_fetched(struct ladder *l, const char *loader, int64_t at_ms)
{
    if (was_lost(l, loader, at_ms)) {
        ladder_give_up(l, loader);
        l->before[0] = '\0';
        return true;
    }
    bool again =
        strcmp(l->fetched, loader) == 0 && l->fetched_ms <= at_ms && at_ms - l->fetched_ms < ONE_FETCH_MS;
    if (again || strcmp(l->offered, loader) != 0)
        return false;
    str_copy(l->fetched, sizeof l->fetched, loader);
    l->fetched_ms = at_ms;
    settle(l);
    return true;
}

bool ladder_heard(struct ladder *l, int64_t at_ms)
{
    bool again = l->heard_ms >= l->fetched_ms && l->heard_ms <= at_ms && at_ms - l->heard_ms < SAME_BOOT_MS;
    if (again || (l->settled[0] && strcmp(l->settled, l->fetched) == 0))
        return false;
    l->heard_ms = at_ms;
    settle(l);
    return true;
}

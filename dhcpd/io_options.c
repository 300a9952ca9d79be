#include "dhcpd/io_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

#define SLOTS 1024 /* a table */

struct slot {
    int64_t id;
    size_t n;
    uint8_t *bytes;
};

struct option_sets {
    struct store *store;
    struct slot slots[FACT_LAYERS][SLOTS];
};

struct option_sets *option_sets_new(struct store *s)
{
    struct option_sets *o = xcalloc(1, sizeof *o);
    o->store = s;
    return o;
}

void option_sets_free(struct option_sets *o)
{
    if (!o)
        return;
    for (size_t layer = 0; layer < FACT_LAYERS; layer++)
        for (size_t i = 0; i < SLOTS; i++)
            free(o->slots[layer][i].bytes);
    free(o);
}

void option_sets_forget(struct option_sets *o)
{
    for (size_t layer = 0; layer < FACT_LAYERS; layer++)
        for (size_t i = 0; i < SLOTS; i++)
            o->slots[layer][i].id = 0;
}

static int fill(struct option_sets *o, int64_t id, struct slot *x)
{
    struct dhcp_set set;
    struct err e = {0};
    if (options_get(o->store, id, &set, &e)) {
        log_error("dhcp-store problem=\"%s\"", e.text);
        return -1;
    }
    x->bytes = xrealloc(x->bytes, set.n, 1);
    memcpy(x->bytes, set.bytes, set.n);
    x->n = set.n;
    x->id = id;
    return 0;
}

int option_sets_find(struct option_sets *o, const struct device *d, struct span ret[FACT_LAYERS])
{
    const int64_t ids[FACT_LAYERS] = {d->role_options, d->site_options, d->options};
    for (size_t i = 0; i < FACT_LAYERS; i++) {
        struct slot *x = &o->slots[i][(uint64_t)ids[i] % SLOTS];
        if (ids[i] && x->id != ids[i] && fill(o, ids[i], x))
            return -1;
        ret[i] = ids[i] ? span_of(x->bytes, x->n) : (struct span){0};
    }
    return 0;
}

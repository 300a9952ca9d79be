/* mac_lookup STATE_DIR [LOOKUPS]: how long it takes to find the device of a MAC address, in the roster (as
 * dhcpd does) and in the store (as a command does). Prints percentiles in microseconds. Half of what is asked
 * for is there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/str.h"
#include "inventory/record.h"
#include "inventory/roster.h"

struct macs {
    struct mac *list;
    size_t n, cap;
};

static int keep(const struct record *r, void *ctx)
{
    struct macs *m = ctx;
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 1024;
        m->list = xrealloc(m->list, m->cap, sizeof *m->list);
    }
    const struct value *v = &r->v[model_field(r->m, "mac_address")];
    m->n += v->type == VALUE_TEXT && mac_parse(v->text, &m->list[m->n], NULL) == 0;
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void say(const char *what, uint64_t *ns, size_t n, size_t found)
{
    qsort(ns, n, sizeof *ns, compare);
    printf("%s: p50 %.1f us, p99 %.1f us, p99.9 %.1f us, longest %.1f us; %zu of %zu known\n", what,
           (double)ns[n / 2] / 1e3, (double)ns[n - 1 - n / 100] / 1e3, (double)ns[n - 1 - n / 1000] / 1e3,
           (double)ns[n - 1] / 1e3, found, n);
}

/* Anywhere in the list, and for every second one an address that nobody has: a locally administered one. */
static struct mac ask_for(const struct macs *m, size_t i)
{
    struct mac x = m->list[(i * UINT64_C(2654435761)) % m->n];
    x.b[0] |= i % 2 ? 2 : 0;
    x.b[1] ^= i % 2 ? 0x5a : 0;
    return x;
}

static void in_roster(const struct roster *r, const struct macs *m, uint64_t *ns, size_t n)
{
    struct device *d = xcalloc(1, sizeof *d);
    struct job *j = xcalloc(1, sizeof *j);
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        struct mac x = ask_for(m, i);
        bool has_job;
        uint64_t before = now_ns();
        found += roster_find(r, x, d, j, &has_job);
        ns[i] = now_ns() - before;
    }
    say("in memory", ns, n, found);
    free(d);
    free(j);
}

static void in_store(struct store *s, const struct macs *m, uint64_t *ns, size_t n)
{
    struct device *d = xcalloc(1, sizeof *d);
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        struct mac x = ask_for(m, i);
        uint64_t before = now_ns();
        found += device_by_mac(s, x, d, NULL) == 0;
        ns[i] = now_ns() - before;
    }
    say("from the store", ns, n, found);
    free(d);
}

int main(int argc, char **argv)
{
    struct store *s = NULL;
    struct roster *r = NULL;
    struct macs m = {0};
    struct faults f = {0};
    struct err e = {0};
    size_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 100000;
    const struct model *model = model_get(MODEL_MAC);
    struct record_query q = {.fields = UINT64_C(1) << model_field(model, "mac_address")};
    if (argc < 2 || n < 1000) {
        fprintf(stderr, "usage: mac_lookup STATE_DIR [LOOKUPS, at least 1000]\n");
        return 2;
    }
    if (store_open(argv[1], &s, &e) < 0 || roster_open(s, &r, &e) < 0 ||
        record_each(s, &(struct who){.actor = "bench"}, model, &q, keep, &m, &f, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    if (m.n == 0) {
        fprintf(stderr, "%s: there is no MAC address in it\n", argv[1]);
        return 1;
    }
    uint64_t *ns = xcalloc(n, sizeof *ns);
    in_roster(r, &m, ns, n);
    in_store(s, &m, ns, n);
    free(ns);
    free(m.list);
    roster_free(r);
    store_close(s);
    return 0;
}

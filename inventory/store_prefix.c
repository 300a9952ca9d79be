/* store_prefix: the prefixes' side of the store. */
#include <stdlib.h>

#include "base/str.h"
#include "inventory/prefixes.h"
#include "inventory/store_sql.h"

struct prefixes {
    struct store *store;
    int64_t seq; /* the last change that the list knows */
    struct known_prefix *list;
    size_t n;
};

static bool prefix_row(sqlite3_stmt *q, struct known_prefix *p)
{
    *p = (struct known_prefix){
        .prefix = {.net = {(uint32_t)db_int(q, 0)}, .len = (uint8_t)db_int(q, 1)},
        .has_router = sqlite3_column_type(q, 2) != SQLITE_NULL,
        .router = {(uint32_t)db_int(q, 2)},
        .of_tenant = sqlite3_column_type(q, 3) != SQLITE_NULL,
    };
    p->has_router = p->has_router && prefix_is_host(p->prefix, p->router);
    return !prefix_never(p->prefix);
}

static int read_list(struct store *s, struct known_prefix **ret, size_t *ret_n, struct err *e)
{
    static const char sql[] =
        "SELECT first, length, router, tenant_id FROM prefixes WHERE typeof(first) = 'integer' "
        "AND status <> 'container' AND length < 32";
    sqlite3_stmt *q;
    size_t cap = 0;
    int r;
    if (db_query(s, sql, NULL, 0, &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(s, q, e)) == 1) {
        if (*ret_n == cap) {
            cap = cap ? 2 * cap : 64;
            *ret = xrealloc(*ret, cap, sizeof **ret);
        }
        *ret_n += prefix_row(q, &(*ret)[*ret_n]);
    }
    return r;
}

static int last_seq(struct prefixes *p, int64_t *ret, struct err *e)
{
    return db_number(p->store, "SELECT seq FROM prefix_changes", NULL, 0, ret, e) < 0 ? -1 : 0;
}

static int read_anew(struct prefixes *p, int64_t *ret_seq, struct known_prefix **ret, size_t *ret_n,
                     struct err *e)
{
    if (db_begin_read(p->store, e) < 0) {
        return -1;
    }
    int r = last_seq(p, ret_seq, e) < 0 || read_list(p->store, ret, ret_n, e) < 0 ? -1 : 0;
    return db_end(p->store, r, e);
}

/* Any other number, since it falls when the store is restored. */
int prefixes_refresh(struct prefixes *p, bool *ret_changed, struct err *e)
{
    struct known_prefix *list = NULL;
    size_t n = 0;
    int64_t seq = 0;
    *ret_changed = false;
    if (last_seq(p, &seq, e) < 0) {
        return -1;
    }
    if (seq == p->seq) {
        return 0;
    }
    if (read_anew(p, &seq, &list, &n, e) < 0) {
        free(list);
        return -1;
    }
    prefixes_sort(list, n);
    free(p->list);
    p->list = list;
    p->n = n;
    p->seq = seq;
    *ret_changed = true;
    return 0;
}

int prefixes_open(struct store *s, struct prefixes **ret, struct err *e)
{
    struct prefixes *p = xcalloc(1, sizeof *p);
    bool changed;
    *p = (struct prefixes){.store = s, .seq = -1};
    if (prefixes_refresh(p, &changed, e) < 0) {
        prefixes_free(p);
        return -1;
    }
    *ret = p;
    return 0;
}

void prefixes_free(struct prefixes *p)
{
    if (p) {
        free(p->list);
        free(p);
    }
}

const struct known_prefix *prefixes_list(const struct prefixes *p, size_t *ret_n)
{
    *ret_n = p->n;
    return p->list;
}

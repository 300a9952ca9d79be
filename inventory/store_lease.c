/* store_lease: leases.db. */
#include "inventory/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/str.h"
#include "inventory/lease_index.h"
#include "inventory/store_sql.h"

struct leases {
    struct store *db;
    struct lease_index *index;
    int lock; /* the writer's; -1 */
};

static const char *const names[] = {
    [LEASE_OFFERED] = "offered",   [LEASE_BOUND] = "bound",     [LEASE_RELEASED] = "released",
    [LEASE_DECLINED] = "declined", [LEASE_EXPIRED] = "expired",
};
#define STATES (sizeof names / sizeof *names)

const char *lease_state_name(enum lease_state s)
{
    return (size_t)s < STATES ? names[s] : "?";
}

/* ---- loading */

static int lease_read(sqlite3_stmt *q, struct lease *x, struct err *e)
{
    char state[16];
    memset(x, 0, sizeof *x);
    x->address.a = (uint32_t)db_int(q, 0);
    x->mac = mac_from_u64((uint64_t)db_int(q, 1));
    db_text(q, 2, state, sizeof state);
    x->since_ms = db_int(q, 3);
    x->expires_ms = db_int(q, 4);
    db_text(q, 5, x->hostname, sizeof x->hostname);
    for (size_t i = 0; i < STATES; i++) {
        if (strcmp(state, names[i]) == 0) {
            x->state = (enum lease_state)i;
            return 0;
        }
    }
    return err_set(e, ERR_CORRUPT, "a lease has the unknown state \"%s\"", state);
}

static struct lease_index *new_index(void)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        seed ^= (uint64_t)now_ms() << 1; /* before the system has any: better than what everybody knows */
    }
    return index_new(seed);
}

static int load(struct leases *l, struct err *e)
{
    sqlite3_stmt *q;
    struct lease x;
    int r;
    /* In the order in which they were put: lease_index.h. */
    if (db_query(l->db,
                 "SELECT address, mac, state, since_ms, expires_ms, hostname FROM leases ORDER BY since_ms",
                 NULL, 0, &q, e) < 0) {
        return -1;
    }
    while ((r = db_step(l->db, q, e)) == 1) {
        if (lease_read(q, &x, e) < 0) {
            db_done(q);
            return -1;
        }
        index_put(l->index, &x);
        index_keep(l->index);
    }
    return r;
}

/* A second writer would give the first one's addresses away. The lock is on the folder, so that there is no
 * file more that would need the right owner; it dies with the process. */
static int lock_writer(struct leases *l, const char *state_dir, struct err *e)
{
    l->lock = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->lock < 0) {
        return err_errno(e, "state_dir %s", state_dir);
    }
    if (flock(l->lock, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    return errno == EWOULDBLOCK
               ? err_set(e, ERR_CONFLICT,
                         "state_dir %s: another dhcpd gives addresses from it; stop that one first",
                         state_dir)
               : err_errno(e, "state_dir %s", state_dir);
}

int leases_open(const char *state_dir, bool writer, struct leases **ret, struct err *e)
{
    struct leases *l = xcalloc(1, sizeof *l);
    l->lock = -1;
    l->index = new_index();
    if (db_open(state_dir, "leases.db", &lease_migrations, &l->db, e) < 0 ||
        (writer && lock_writer(l, state_dir, e) < 0) || load(l, e) < 0) {
        leases_close(l);
        return -1;
    }
    if (writer) { /* its loop must not stand still; clients ask again */
        store_patience(l->db, STORE_PATIENCE_SERVER);
    }
    *ret = l;
    return 0;
}

void leases_close(struct leases *l)
{
    if (!l) {
        return;
    }
    store_close(l->db);
    index_free(l->index);
    if (l->lock >= 0) {
        close(l->lock);
    }
    free(l);
}

/* ---- reading */

/* A reader follows the writer: what it has is loaded anew when the file has changed. */
static void follow(struct leases *l)
{
    if (l->lock >= 0 || !store_changed(l->db)) {
        return;
    }
    struct lease_index *old = l->index;
    l->index = new_index();
    if (load(l, NULL) == 0) {
        index_free(old);
        return;
    }
    index_free(l->index); /* better the older state than half of the newer one */
    l->index = old;
}

const struct lease *lease_by_mac(struct leases *l, struct mac m)
{
    follow(l);
    return index_by_mac(l->index, m);
}

const struct lease *lease_by_address(struct leases *l, struct ip4 a)
{
    follow(l);
    return index_by_address(l->index, a);
}

void lease_expect(struct leases *l, const struct mac *m, size_t n)
{
    index_expect(l->index, m, n);
}

int lease_each(struct leases *l, lease_fn *fn, void *ctx, struct err *e)
{
    (void)e;
    follow(l);
    size_t n;
    int r = 0;
    const struct lease **all = index_sorted(l->index, &n);
    for (size_t i = 0; i < n && r == 0; i++) {
        r = fn(all[i], ctx);
    }
    free(all);
    return r;
}

/* ---- writing */

int lease_put(struct leases *l, const struct lease *x, struct err *e)
{
    if (l->lock < 0) {
        return err_set(e, ERR_REFUSED, "leases.db was opened for reading only");
    }
    index_put(l->index, x);
    return 0;
}

static int lease_write(struct leases *l, const struct lease *x, struct err *e)
{
    static const char sql[] =
        "INSERT INTO leases (address, mac, state, since_ms, expires_ms, hostname) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (address) DO UPDATE SET mac = excluded.mac, state = excluded.state, since_ms = "
        "excluded.since_ms,"
        " expires_ms = excluded.expires_ms, hostname = excluded.hostname";
    return db_run(l->db, sql,
                  DB_VALUES(db_i(x->address.a), db_i((int64_t)mac_to_u64(x->mac)), db_t(names[x->state]),
                            db_i(x->since_ms), db_i(x->expires_ms), db_t(x->hostname)),
                  e);
}

/* Every change, not only the last of an address: an offer may follow a lease within one batch, and is not
 * written. */
static int write_changes(struct leases *l, struct err *e)
{
    int r = 0;
    for (size_t i = 0; i < index_changes(l->index) && r == 0; i++) {
        const struct lease *x = index_change_at(l->index, i);
        if (x->state != LEASE_OFFERED) {
            r = lease_write(l, x, e);
        }
    }
    return r;
}

static bool anything_to_write(const struct leases *l)
{
    for (size_t i = 0; i < index_changes(l->index); i++) {
        if (index_change_at(l->index, i)->state != LEASE_OFFERED) {
            return true;
        }
    }
    return false;
}

int leases_commit(struct leases *l, struct err *e)
{
    int r = 0;
    if (anything_to_write(l)) {
        r = store_begin(l->db, e);
        if (r == 0) {
            r = db_end(l->db, write_changes(l, e), e);
        }
    }
    if (r < 0) {
        index_take_back(l->index);
        return -1;
    }
    index_keep(l->index);
    return 0;
}

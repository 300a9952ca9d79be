#include "tftpd/io_journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "inventory/device.h"
#include "inventory/journal.h"
#include "inventory/ladder.h"
#include "inventory/lease.h"

#define GATHER_MS   100
#define LOCKED_MS   1000 /* until a store that another process keeps locked is tried again */
#define SAY_AFTER   5    /* tries */
#define PATIENCE_MS 50   /* for a lock: transfers wait meanwhile. At the end nothing else waits: */
#define LAST_MS     2000
#define WAITING_MAX 4096
#define RECENT_MAX  1024
#define AGAIN_MS    10000 /* who asks in a loop must not fill the store; no machine boots twice in this */

struct waiting {
    struct ip4 peer;
    int64_t at_ms;
    char detail[256];
    char loader[LOADER_SIZE]; /* the file, where its name is a loader's: short, and of no folder */
};

/* What was journalled lately. A collision costs one more entry, never a missing one. */
struct recent {
    struct ip4 peer;
    uint32_t file; /* hash of its name */
    int64_t at_ms;
};

struct io_journal {
    struct store *store;
    struct leases *leases;
    struct watch *timer;
    size_t n, lost;   /* lost: for want of room, since the last write */
    unsigned refused; /* writes in a row, by a lock */
    struct waiting waiting[WAITING_MAX];
    struct recent recent[RECENT_MAX];
};

static bool is_news(struct io_journal *j, struct ip4 peer, const char *file, int64_t at_ms)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *file; file++)
        h = (h ^ (uint8_t)*file) * 16777619u;
    struct recent *r = &j->recent[(peer.a * 2654435761u ^ h) >> 22];
    if (r->at_ms && ip4_eq(r->peer, peer) && r->file == h && r->at_ms <= at_ms && at_ms - r->at_ms < AGAIN_MS)
        return false;
    *r = (struct recent){.peer = peer, .file = h, .at_ms = at_ms};
    return true;
}

/* The lease says who has the address now; a device's own address says it where another DHCP server leases. */
static bool who(struct io_journal *j, struct ip4 peer, struct mac *ret_mac, int64_t *ret_device)
{
    struct device d;
    const struct lease *l = lease_by_address(j->leases, peer);
    if (l && l->state == LEASE_BOUND) {
        *ret_mac = l->mac;
        *ret_device = device_by_mac(j->store, l->mac, &d, NULL) ? 0 : d.id;
        return true;
    }
    if (device_by_address(j->store, peer, &d, NULL))
        return false;
    for (size_t i = 0; i < d.interfaces_n; i++)
        if (d.interfaces[i].has_address && ip4_eq(d.interfaces[i].address.ip, peer)) {
            *ret_mac = d.interfaces[i].mac;
            *ret_device = d.id;
            return true;
        }
    return false;
}

static int write_one(struct io_journal *j, const struct waiting *w, struct err *e)
{
    struct mac m;
    int64_t device;
    if (!who(j, w->peer, &m, &device))
        return 0;
    if (journal_add(j->store, device, &m, "tftpd", "loader", w->detail, w->at_ms, e))
        return -1;
    return device && w->loader[0] ? ladder_note_fetched(j->store, device, m, w->loader, w->at_ms, e) : 0;
}

static int write_all(struct io_journal *j, struct err *e)
{
    int rc = store_begin(j->store, e);
    for (size_t i = 0; i < j->n && !rc; i++)
        rc = write_one(j, &j->waiting[i], e);
    if (!rc && !store_commit(j->store, e))
        return 0;
    store_rollback(j->store);
    return -1;
}

/* What cannot be written because of another process's lock waits for the end of it. */
static void flush(void *ctx)
{
    struct io_journal *j = ctx;
    struct err e = {0};
    int rc = j->n ? write_all(j, &e) : 0;
    if (rc && e.kind == ERR_UNAVAILABLE) {
        if (++j->refused == SAY_AFTER)
            log_warn(
                "tftp-journal waiting=%zu reason=\"another process keeps the inventory locked; look for a "
                "rackstrap that hangs\"",
                j->n);
        watch_arm(j->timer, LOCKED_MS);
        return;
    }
    if (rc || j->lost)
        log_error("tftp-journal lost=%zu reason=\"%s\"", j->lost + (rc ? j->n : 0),
                  rc ? e.text : "another process kept the inventory locked for too long");
    j->n = j->lost = 0;
    j->refused = 0;
}

void io_journal_loader(struct io_journal *j, struct ip4 peer, const char *file, uint64_t bytes, uint64_t us,
                       int64_t ago_ms, const char *doubt)
{
    char size[16];
    int64_t at_ms = now_ms() - ago_ms;
    if (!is_news(j, peer, file, at_ms))
        return;
    if (j->n == WAITING_MAX && !j->refused)
        flush(j);
    if (j->n == WAITING_MAX) {
        j->lost++;
        return;
    }
    struct waiting *w = &j->waiting[j->n++];
    *w = (struct waiting){.peer = peer, .at_ms = at_ms};
    if (!strchr(file, '/') && !str_copy(w->loader, sizeof w->loader, file))
        w->loader[0] = '\0';
    snprintf(w->detail, sizeof w->detail, "%.160s, %llu bytes (%s) in %llu.%03llu s by TFTP%s%s", file,
             (unsigned long long)bytes, size_format(bytes, size), (unsigned long long)(us / 1000000),
             (unsigned long long)(us / 1000 % 1000), *doubt ? "; " : "", doubt);
    if (j->n == 1)
        watch_arm(j->timer, GATHER_MS);
}

int io_journal_open(const char *state_dir, struct loop *l, struct io_journal **ret, struct err *e)
{
    struct io_journal *j = xcalloc(1, sizeof *j);
    j->timer = watch_timer(l, flush, j);
    if (store_open(state_dir, &j->store, e) || leases_open(state_dir, false, &j->leases, e)) {
        io_journal_close(j);
        return -1;
    }
    store_patience(j->store, PATIENCE_MS);
    *ret = j;
    return 0;
}

void io_journal_close(struct io_journal *j)
{
    if (!j)
        return;
    if (j->store && j->leases) {
        store_patience(j->store, LAST_MS);
        flush(j);
        if (j->n)
            log_error("tftp-journal lost=%zu reason=\"another process keeps the inventory locked\"",
                      j->n + j->lost);
    }
    watch_free(j->timer);
    if (j->leases)
        leases_close(j->leases);
    store_close(j->store);
    free(j);
}

#include "tftpd/io_journal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "inventory/device.h"
#include "inventory/journal.h"
#include "inventory/lease.h"

#define GATHER_MS   100
#define WAITING_MAX 4096

struct waiting {
    struct ip4 peer;
    int64_t at_ms;
    char detail[256];
};

struct io_journal {
    struct store *store;
    struct leases *leases;
    struct watch *timer;
    size_t n;
    struct waiting waiting[WAITING_MAX];
};

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
    return who(j, w->peer, &m, &device)
               ? journal_add(j->store, device, &m, "tftpd", "loader", w->detail, w->at_ms, e)
               : 0;
}

static void flush(void *ctx)
{
    struct io_journal *j = ctx;
    struct err e = {0};
    int rc = j->n ? store_begin(j->store, &e) : 0;
    for (size_t i = 0; i < j->n && !rc; i++)
        rc = write_one(j, &j->waiting[i], &e);
    if (!rc && j->n)
        rc = store_commit(j->store, &e);
    if (rc) {
        store_rollback(j->store);
        log_error("tftp-journal lost=%zu reason=\"%s\"", j->n, e.text);
    }
    j->n = 0;
}

void io_journal_loader(struct io_journal *j, struct ip4 peer, const char *file, uint64_t bytes, uint64_t us)
{
    char size[16];
    if (j->n == WAITING_MAX)
        flush(j);
    struct waiting *w = &j->waiting[j->n++];
    *w = (struct waiting){.peer = peer, .at_ms = now_ms()};
    snprintf(w->detail, sizeof w->detail, "%.160s, %llu bytes (%s) in %llu.%03llu s by TFTP", file,
             (unsigned long long)bytes, size_format(bytes, size), (unsigned long long)(us / 1000000),
             (unsigned long long)(us / 1000 % 1000));
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
    *ret = j;
    return 0;
}

void io_journal_close(struct io_journal *j)
{
    if (!j)
        return;
    if (j->store && j->leases)
        flush(j);
    watch_free(j->timer);
    if (j->leases)
        leases_close(j->leases);
    store_close(j->store);
    free(j);
}

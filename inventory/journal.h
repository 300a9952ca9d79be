/* journal: the append-only record of everything that happened to a device. Each entry carries the SHA-256 of
 * the previous entry's hash and its own fields, so that nothing in the middle can be changed or taken out
 * unseen. */
#ifndef INVENTORY_JOURNAL_H
#define INVENTORY_JOURNAL_H

#include "inventory/store.h"
#include "inventory/device.h"

struct entry {
    int64_t id;
    int64_t at_ms;
    int64_t device_id;      /* 0: none */
    char device[NAME_SIZE]; /* its name then; "" for none */
    char mac[MAC_STR];      /* "" for none */
    char actor[NAME_SIZE];  /* "dhcpd", "httpboot", "root", ... */
    char event[NAME_SIZE];  /* "address", "loader", "script", "installer", "claimed", "written", ... */
    char detail[512];       /* a sentence for a person */
};

/* device_id 0 and mac NULL where there is none. Never put a secret into detail. */
int journal_add(struct store *s, int64_t device_id, const struct mac *m, const char *actor, const char *event,
                const char *detail, int64_t at_ms, struct err *e);
/* Nothing, when the device's timeline has said the same since then: a machine that asks on and on fills no
 * disk. */
int journal_add_once(struct store *s, int64_t device_id, const struct mac *m, const char *actor,
                     const char *event, const char *detail, int64_t since_ms, int64_t at_ms, struct err *e);
typedef int entry_fn(const struct entry *x, void *ctx);
/* Entries after after_id, oldest first; device_id 0: all. last > 0: only the newest `last`. */
int journal_each(struct store *s, int64_t after_id, int64_t device_id, size_t last, entry_fn *fn, void *ctx,
                 struct err *e);

/* Recomputes the chain. ERR_CORRUPT names the first entry that is not what was written. ret_n (may be NULL):
 * how many entries there are. */
int journal_verify(struct store *s, size_t *ret_n, struct err *e);

#endif

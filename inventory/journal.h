/* journal: the append-only record of everything that happened to a device. Each entry carries the SHA-256 of
 * the previous entry's hash and its own fields, so that nothing in the middle can be changed, put in, moved
 * or taken out unseen; and the store keeps how many there were, so that an end that was cut off shows too.
 * Who may write to the file can write all of it anew: only a hash that is kept elsewhere tells then
 * (journal_prove). The bytes that are hashed: README.md, "The journal's chain". */
#ifndef INVENTORY_JOURNAL_H
#define INVENTORY_JOURNAL_H

#include "base/digest.h"
#include "inventory/change.h"
#include "inventory/store.h"
#include "inventory/device.h"

struct entry {
    int64_t id;
    int64_t at_ms;
    int64_t device_id;        /* 0: none */
    char device[NAME_SIZE];   /* its name then; "" for none */
    char mac[MAC_STR];        /* "" for none */
    char actor[NAME_SIZE];    /* "dhcpd", "httpboot", "root", "api:NAME", ... */
    char event[NAME_SIZE];    /* "address", "loader", "script", "installer", "claimed", "written", ... */
    char detail[512];         /* a sentence for a person */
    char address[ASKER_SIZE]; /* the asker's (store_asker); "" for none */
    char before[CHANGE_SIZE],
        after[CHANGE_SIZE]; /* JSON objects of what changed (change.h); "" for nothing */

    /* What only journal_each fills in. */
    int form;                 /* which fields the hash covers: 1 (of old), without the three above; or 2 */
    struct digest prev, hash; /* the hash of the entry before, and its own */
};

/* device_id 0 and mac NULL where there is none. Never put a secret into detail. What is not UTF-8 becomes
 * '?'.
 */
int journal_add(struct store *s, int64_t device_id, const struct mac *m, const char *actor, const char *event,
                const char *detail, int64_t at_ms, struct err *e);
/* The same, with what it changed. */
int journal_add_change(struct store *s, int64_t device_id, const struct mac *m, const char *actor,
                       const char *event, const char *detail, const struct change *change, int64_t at_ms,
                       struct err *e);
/* Nothing, when the device's timeline has said the same since then: a machine that asks on and on fills no
 * disk. */
int journal_add_once(struct store *s, int64_t device_id, const struct mac *m, const char *actor,
                     const char *event, const char *detail, int64_t since_ms, int64_t at_ms, struct err *e);
typedef int entry_fn(const struct entry *x, void *ctx);
/* Entries after after_id, oldest first; device_id 0: all. last > 0: only the newest `last`. */
int journal_each(struct store *s, int64_t after_id, int64_t device_id, size_t last, entry_fn *fn, void *ctx,
                 struct err *e);

/* One entry; ERR_NOT_FOUND. */
int journal_get(struct store *s, int64_t id, struct entry *ret, struct err *e);

/* Recomputes the chain. ERR_CORRUPT names the first entry that is not what was written. ret_n (may be NULL):
 * how many entries there are. */
int journal_verify(struct store *s, size_t *ret_n, struct err *e);
/* And looks for a hash that was seen earlier (NULL: none): as long as an entry has it, nothing up to that one
 * is another. ERR_CORRUPT when none has. */
struct journal_proof {
    size_t n;           /* entries */
    struct digest head; /* the last one's hash; zero for none */
    int64_t expected;   /* the entry that has the expected hash; 0: none was expected */
};
int journal_prove(struct store *s, const struct digest *expect, struct journal_proof *ret, struct err *e);

#endif

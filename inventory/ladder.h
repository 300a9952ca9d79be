/* ladder: which of several loaders a NIC is sent. A loader that runs asks for an address again as iPXE,
 * within seconds; one that was taken whole and of which nothing was heard froze, or its driver found no NIC.
 * So it gives way to the next of its client's list: after a while, or at once when the firmware goes on and
 * asks as another kind of client. The one that iPXE was heard of stays, until an operator resets it.
 *
 * The decision and the changes are pure; the record of a MAC address is in the store. A loader is known by
 * its file's name, and any list of names may be asked for: a list that was changed needs no clearing.
 *
 *   dhcpd            ladder_choose, then ladder_note_choice
 *   tftpd, httpboot  ladder_note_fetched, at the transfer's end
 *   dhcpd, httpboot  ladder_note_heard: iPXE's DHCP, or its script */
#ifndef INVENTORY_LADDER_H
#define INVENTORY_LADDER_H

#include "base/addr.h"
#include "inventory/store.h"

#define LOADER_SIZE    64
#define CLIENT_NAME    24
#define CLIENT_LOADERS 4

/* Of one MAC address; all zero where nothing was noted. */
struct ladder {
    char client[CLIENT_NAME];  /* the kind of client that asked for a loader last, as dhcpd names it */
    char offered[LOADER_SIZE]; /* what it was told to fetch: no other file is a loader */
    char before[LOADER_SIZE];  /* and what, as the kind that it was before; "" none */
    int64_t moved_ms;          /* when it went on from that kind to this */
    char fetched[LOADER_SIZE]; /* the loader that was taken whole last; "" none */
    int64_t fetched_ms, heard_ms;
    char settled[LOADER_SIZE];                 /* iPXE was heard after this one; "" none yet */
    char failed[CLIENT_LOADERS * LOADER_SIZE]; /* names, a space between: given up */
};

struct ladder_choice {
    size_t rung;                 /* of the list */
    char loader[LOADER_SIZE];    /* its name */
    char gives_way[LOADER_SIZE]; /* the one that is given up for it now; "" none */
    bool anew;                   /* each of the list was given up: it begins again */
    int64_t at_ms;
    char reason[200]; /* a sentence for a person */
};

/* loaders_n > 0. */
struct ladder_choice ladder_choose(const struct ladder *l, const char *client,
                                   const char (*loaders)[LOADER_SIZE], size_t loaders_n, uint32_t timeout_s,
                                   int64_t at_ms);
/* What each event makes of the record. True when there is something to be stored. */
bool ladder_chosen(struct ladder *l, const char *client, const struct ladder_choice *c);
bool ladder_fetched(struct ladder *l, const char *loader, int64_t at_ms);
bool ladder_heard(struct ladder *l, int64_t at_ms);
void ladder_give_up(struct ladder *l, const char *loader); /* what the first does with a choice's gives_way */

/* The store. A MAC address without a record gives an empty one. */
int ladder_get(struct store *s, struct mac m, struct ladder *ret, struct err *e);
/* Each is one transaction: the record, and what a person wants to know of it in the journal. */
int ladder_note_choice(struct store *s, int64_t device_id, struct mac m, const char *client,
                       const struct ladder_choice *c, int64_t at_ms, struct err *e);
int ladder_note_fetched(struct store *s, int64_t device_id, struct mac m, const char *loader, int64_t at_ms,
                        struct err *e);
int ladder_note_heard(struct store *s, int64_t device_id, struct mac m, int64_t at_ms, struct err *e);
/* Forgets what was noted: the next boot begins with the first loader. */
int ladder_reset(struct store *s, int64_t device_id, struct mac m, const char *actor, int64_t at_ms,
                 struct err *e);

#endif

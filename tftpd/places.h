/* places: who holds a transfer, and who gives way when there are too many. Pure: no socket, no clock.
 *
 * A place is embedded in whatever holds it (io's session). Each is known by the peer's address and port. A
 * host (an address) holds at most PLACES_HOST, all together PLACES_MAX: so no host can take them all, and
 * memory is bounded. Where a host's limit is reached its transfer that was silent longest gives way, if it
 * was silent long enough. Where all are taken one that never answered goes first, and at once: a forged
 * request costs its sender nothing, while a machine answers before 2,048 more have come; then one that fell
 * silent. If none may go, the newcomer is not heard, and firmware asks again.
 */
#ifndef TFTPD_PLACES_H
#define TFTPD_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define PLACES_MAX     2048
#define PLACES_HOST    512
#define PLACES_IDLE_US 5000000 /* answered, but silent since: may go after this */
#define PLACES_HOST_US 1000000 /* for another one of the same host */

struct places_links {
    struct place *prev, *next;
};

struct place {
    struct ip4 ip;
    uint16_t port;
    bool answered;
    uint64_t heard_us;
    /* places' own */
    struct place *chain;
    struct places_host *host;
    struct places_links of_all, of_host;
};

struct places;
struct places *places_new(void);
void places_free(struct places *s); /* takes NULL; no place may be left */
size_t places_count(const struct places *s);

struct place *places_find(struct places *s, struct ip4 ip, uint16_t port);

/* Is there room for one more of this address? False: no. True: yes, once *ret_victim, if not NULL, has been
 * removed. */
bool places_room(struct places *s, struct ip4 ip, uint64_t now_us, struct place **ret_victim);

void places_add(struct places *s, struct place *p, struct ip4 ip, uint16_t port, uint64_t now_us);
void places_heard(struct places *s, struct place *p,
                  uint64_t now_us); /* it answered, and got on; a time that is told already changes nothing */
void places_remove(struct places *s, struct place *p);

/* Any one; NULL when none is left. */
struct place *places_any(struct places *s);

#endif

/* io_loader: which of its row's loaders a client is sent: of those that are in the loaders' folder, the one
 * that its ladder says (inventory/ladder.h). Strangers have no ladder, and get the first. Only clients that
 * boot cost a look into the folder and the store. */
#ifndef DHCPD_IO_LOADER_H
#define DHCPD_IO_LOADER_H

#include "dhcpd/decide.h"
#include "dhcpd/io_scribe.h"

/* The row's loaders that there are, in its order; all of them where there is no such folder (the loaders are
 * served elsewhere). */
size_t loaders_there(const char *folder, const struct client_row *row, char ret[CLIENT_LOADERS][LOADER_SIZE]);

struct loaders;
/* Lends all three. */
struct loaders *loaders_new(const struct dhcpd_config *cfg, struct store *store, struct scribe *scribe);
void loaders_free(struct loaders *l); /* takes NULL */

/* Sets f->loader, and makes q->client pxe-unknown where none is there. device_id 0: a stranger. What becomes
 * of the ladder waits for loaders_write. -1 when the store cannot be read. */
int loaders_choose(struct loaders *l, struct request *q, int64_t device_id, struct facts *f);
/* What waits: given to the scribe after the answers have left; or forgotten, when they may not. */
void loaders_write(struct loaders *l, int64_t at_ms);
void loaders_forget(struct loaders *l);

#endif

/* arena: memory that is given back all at once: one for a request or a page. A zeroed struct is an empty one.
 * What it lends is aligned for anything, zeroed, and good until arena_free or arena_reset. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t used;
};

void *arena_get(struct arena *a, size_t size);
char *arena_copy(struct arena *a, const void *p, size_t n); /* and a NUL behind it */
char *arena_text(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a); /* empties it, and keeps a block for the next round */
void arena_free(struct arena *a);  /* leaves it empty */

#endif

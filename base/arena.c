#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define BLOCK 65536

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void *arena_get(struct arena *a, size_t size)
{
    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (!a->blocks || a->blocks->size - a->used < size) {
        size_t room = size > BLOCK ? size : BLOCK;
        struct arena_block *b = xcalloc(1, sizeof *b + room);
        b->size = room;
        b->next = a->blocks;
        a->blocks = b;
        a->used = 0;
    }
    void *p = a->blocks->bytes + a->used;
    a->used += size;
    return p;
}

char *arena_copy(struct arena *a, const void *p, size_t n)
{
    char *copy = arena_get(a, n + 1);
    if (n > 0) {
        memcpy(copy, p, n);
    }
    return copy;
}

char *arena_text(struct arena *a, const char *s)
{
    return arena_copy(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = arena_get(a, (size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}

/* What was lent is zeroed for the next who gets it. */
void arena_reset(struct arena *a)
{
    struct arena_block *b = a->blocks;
    if (!b || b->next || b->size > BLOCK) {
        arena_free(a);
        return;
    }
    memset(b->bytes, 0, a->used);
    a->used = 0;
}

void arena_free(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}

/* change: what one change of something was, before and after: two short JSON objects of the fields that
 * differ, for the journal. Pure.
 *
 * Life cycle: a zeroed struct is "nothing changed"; change_text and its kind add a field when its two values
 * differ; journal_add_change writes it. Nothing to free. Never name a field whose value is a secret.
 *
 * Bounds: a text longer than CHANGE_TEXT bytes is cut at a character and ends with "..."; what would not fit
 * is left out, and a last field "more" says how many were. The objects are valid JSON in UTF-8 at any time:
 * bytes of a text that are not UTF-8 become '?'. */
#ifndef INVENTORY_CHANGE_H
#define INVENTORY_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANGE_SIZE 1024 /* of each object, NUL included */
#define CHANGE_TEXT 160

struct change {
    char before[CHANGE_SIZE], after[CHANGE_SIZE]; /* "" or an object without its closing brace */
    unsigned left_out;
};

/* A field whose two values differ; else nothing. NULL and "" are null, and the same. */
void change_text(struct change *c, const char *field, const char *before, const char *after);
void change_number(struct change *c, const char *field, int64_t before, int64_t after);
void change_bool(struct change *c, const char *field, bool before, bool after);
/* References by number: 0 is null. */
void change_ref(struct change *c, const char *field, int64_t before, int64_t after);
/* Values that are JSON already. A NULL is null. */
void change_json(struct change *c, const char *field, const char *before, const char *after);

bool change_none(const struct change *c);
/* The whole objects; "" when nothing changed. */
void change_end(const struct change *c, char before[CHANGE_SIZE], char after[CHANGE_SIZE]);

#endif

/* out: what a command prints. A listing is a JSON array of flat objects; as text, a table of some of their
 * keys. */
#ifndef RACKSTRAP_OUT_H
#define RACKSTRAP_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

enum column_kind { COLUMN_TEXT, COLUMN_SIZE, COLUMN_TIME };

struct column {
    const char *key; /* in the object */
    const char *title;
    enum column_kind kind; /* sizes are bytes, shown in binary units; times are as out_time gives them, shown
                              to the second */
};

/* Prints the rows and frees them. Without any, `empty` (a sentence) goes to standard error instead of a
 * table. */
void out_rows(json_t *rows, const struct column *columns, size_t n, bool json, const char *empty);
void out_object(json_t *object, bool json); /* one thing: `key: value` lines. Frees it. */
char *out_value(const json_t *v);           /* as a cell of a table shows it; free it */
char *out_line(const char *s);              /* a text as it may go to a terminal; free it */
json_t *out_time(int64_t ms);               /* null for 0 */
json_t *out_text(const char *s);            /* null for "" */
/* A text that may come from a machine: bytes beyond ASCII that are not UTF-8 as a whole become '?'. */
json_t *out_string(const char *s);

#endif
